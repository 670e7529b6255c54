//! The font that the program brings, and the outlines of its letters.

use ttf_parser::{Face, GlyphId, OutlineBuilder};

/// The weights of the font.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Weight {
    Regular,
    Bold,
}

/// A part of an outline, in font units from the start of the letter's baseline; y points up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Stroke {
    Move([f32; 2]),
    Line([f32; 2]),
    Quad([f32; 4]),
    Cubic([f32; 6]),
    Close,
}

/// A letter of a text: its glyph, and its distance from the start of the text in font units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Letter {
    pub(super) glyph: u16,
    pub(super) at: u32,
}

/// One weight of the font.
pub(super) struct Font {
    face: Face<'static>,
}

impl Font {
    pub(super) fn new(weight: Weight) -> Self {
        let bytes = match weight {
            Weight::Regular => notosans::REGULAR_TTF,
            Weight::Bold => notosans::BOLD_TTF,
        };
        Self { face: Face::parse(bytes, 0).expect("the crate's font is sound, as a test makes sure") }
    }

    /// Font units per em.
    pub(super) fn units(&self) -> f32 {
        f32::from(self.face.units_per_em())
    }

    /// The letters of a text, and its width in font units. A character that the font lacks becomes glyph 0, the
    /// font's sign for a missing character.
    pub(super) fn letters(&self, text: &str) -> (Vec<Letter>, u32) {
        let mut at = 0;
        let letters = text
            .chars()
            .map(|character| {
                let glyph = self.face.glyph_index(character).unwrap_or(GlyphId(0));
                let letter = Letter { glyph: glyph.0, at };
                at += u32::from(self.face.glyph_hor_advance(glyph).unwrap_or(0));
                letter
            })
            .collect();
        (letters, at)
    }

    /// The width of a text at a font size, in the units of that.
    pub(super) fn width(&self, text: &str, size: f32) -> f32 {
        self.letters(text).1 as f32 * size / self.units()
    }

    /// The outline of a letter; empty for a space.
    pub(super) fn outline(&self, glyph: u16) -> Vec<Stroke> {
        let mut strokes = Strokes(Vec::new());
        self.face.outline_glyph(GlyphId(glyph), &mut strokes);
        strokes.0
    }
}

struct Strokes(Vec<Stroke>);

impl OutlineBuilder for Strokes {
    fn move_to(&mut self, x: f32, y: f32) {
        self.0.push(Stroke::Move([x, y]));
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.0.push(Stroke::Line([x, y]));
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        self.0.push(Stroke::Quad([x1, y1, x, y]));
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        self.0.push(Stroke::Cubic([x1, y1, x2, y2, x, y]));
    }

    fn close(&mut self) {
        self.0.push(Stroke::Close);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_weights_have_the_letters_that_reports_use() {
        for weight in [Weight::Regular, Weight::Bold] {
            let font = Font::new(weight);
            let text = "Aa09.,:;%()[]{}/-+<>=_'\"~|→≤×äöüßéñ…";
            let missing: Vec<char> = text.chars().filter(|letter| font.face.glyph_index(*letter).is_none()).collect();
            assert_eq!(missing, ['→'; 0], "{weight:?}");
            assert!(font.width("wide", 20.0) > font.width("i", 20.0));
            assert!(!font.outline(font.letters("A").0[0].glyph).is_empty());
        }
    }

    #[test]
    fn characters_that_the_font_lacks_are_shown_as_missing() {
        let font = Font::new(Weight::Regular);
        let (letters, width) = font.letters("漢a");
        assert_eq!((letters.len(), letters[0].glyph), (2, 0));
        assert!(width > font.letters("a").1);
    }
}
