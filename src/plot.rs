//! A report's pictures as an image file: SVG or PNG, of the size of a slide.
//!
//! Input: a [`Report`]. Both formats draw the same sheet of rectangles, lines, symbols and text. The program brings
//! its own font, and SVG has text as outlines. So a file looks the same everywhere, whatever fonts a machine has.

mod font;
mod layout;
mod png;
mod sheet;
mod svg;

use std::io::{self, Write};
use std::path::Path;

use crate::report::Report;

/// The format of an image file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlotFormat {
    /// For a page or a document; can be enlarged without loss.
    Svg,
    /// For a chat or a slide; 1600 by 900 pixels.
    Png,
}

impl PlotFormat {
    /// The format that the extension of a path names, in upper or lower case. `None` for any other extension.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        match extension.as_str() {
            "svg" => Some(Self::Svg),
            "png" => Some(Self::Png),
            _ => None,
        }
    }
}

/// Draws the report's pictures.
///
/// # Errors
/// If encoding the PNG or writing to `out` fails.
pub fn render(report: &Report, format: PlotFormat, out: &mut dyn Write) -> io::Result<()> {
    let sheet = layout::sheet(report);
    match format {
        PlotFormat::Svg => svg::render(&sheet, out),
        PlotFormat::Png => png::render(&sheet, out),
    }
}

#[cfg(test)]
mod tests;
