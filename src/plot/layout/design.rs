//! Sizes, colours and typefaces of the sheet.

use crate::plot::font::Weight;
use crate::plot::sheet::{Rgb, Type};
use crate::report::chart::Look;

pub(super) const WIDTH: u16 = 1600;

pub(super) const HEIGHT: u16 = 900;

pub(super) const MARGIN: f32 = 40.0;

/// Width left of a picture, for the labels of its axis.
pub(super) const AXIS: f32 = 76.0;

/// Width right of the heatmap of all requests, for the names of lines.
pub(super) const NAMES: f32 = 290.0;

pub(super) const INK: Rgb = [0x1a, 0x1f, 0x26];

pub(super) const GREY: Rgb = [0x5c, 0x66, 0x72];

/// From few requests to many.
const FEW: Rgb = [0xe4, 0xe9, 0xf0];

const MANY: Rgb = [0x3e, 0x4b, 0x5e];

pub(super) const SHADES: usize = 12;

/// Inside of symbols that are only an outline.
pub(super) const WHITE: Rgb = [0xff, 0xff, 0xff];

pub(super) const HEADING: Type = Type { size: 32.0, weight: Weight::Bold, colour: INK };

pub(super) const SUBHEADING: Type = Type { size: 18.0, weight: Weight::Regular, colour: GREY };

pub(super) const PANEL: Type = Type { size: 17.0, weight: Weight::Bold, colour: INK };

pub(super) const LABEL: Type = Type { size: 16.0, weight: Weight::Regular, colour: GREY };

pub(super) const STRONG: Type = Type { size: 16.0, weight: Weight::Bold, colour: INK };

pub(super) const BODY: Type = Type { size: 16.0, weight: Weight::Regular, colour: INK };

/// Distance between the baselines of lines of text.
pub(super) const LINE_HEIGHT: f32 = 22.0;

pub(super) fn rgb(look: Look) -> Rgb {
    let colour = look.colour();
    [colour.red, colour.green, colour.blue]
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between two bytes")]
pub(super) fn shade_of(shade: usize) -> Rgb {
    let part = shade as f32 / (SHADES - 1) as f32;
    let mix = |few: u8, many: u8| (f32::from(few) + (f32::from(many) - f32::from(few)) * part).round() as u8;
    [mix(FEW[0], MANY[0]), mix(FEW[1], MANY[1]), mix(FEW[2], MANY[2])]
}
