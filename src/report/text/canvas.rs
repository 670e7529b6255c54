//! One line of a picture.

use anstyle::Style as Paint;
use unicode_width::UnicodeWidthStr;

use super::glyphs::{PLAIN, StyledText};

/// One line of text in which each character has its own style.
pub(super) struct Canvas(pub(super) Vec<(Paint, char)>);

impl Canvas {
    pub(super) fn blank(columns: usize) -> Self {
        Self(vec![(PLAIN, ' '); columns])
    }

    /// Writes `text` from a column on if it fits, and returns whether it does.
    pub(super) fn write(&mut self, column: usize, paint: Paint, text: &str) -> bool {
        let fits = column + text.width() <= self.0.len();
        if fits {
            for (index, character) in text.chars().enumerate() {
                self.0[column + index] = (paint, character);
            }
        }
        fits
    }

    pub(super) fn runs(self) -> Vec<StyledText> {
        let mut runs: Vec<StyledText> = Vec::new();
        for (paint, character) in self.0 {
            match runs.last_mut() {
                Some((known, text)) if *known == paint => text.push(character),
                _ => runs.push((paint, character.to_string())),
            }
        }
        runs
    }
}
