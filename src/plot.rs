//! A report's pictures as a file: SVG or PNG, of the size of a slide.
//!
//! Input: a [`Report`]. Both formats draw one sheet of rectangles, lines, symbols and text. The text is drawn with a font that the program carries, in SVG as outlines too, so that a file
//! looks the same wherever it is opened, and whatever fonts that machine has.

mod font;
mod layout;
mod png;
mod sheet;
mod svg;

use std::io::{self, Write};
use std::path::Path;

use crate::report::Report;

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlotFormat {
    /// For a page or a document; to be enlarged as one likes.
    Svg,
    /// For a chat or a slide; 1600 by 900 pixels.
    Png,
}

impl PlotFormat {
    /// The format that a file's extension names, in capitals or not. Absent for any other extension.
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
/// What `out` says.
pub fn render(report: &Report, format: PlotFormat, out: &mut dyn Write) -> io::Result<()> {
    let sheet = layout::sheet(report);
    match format {
        PlotFormat::Svg => svg::render(&sheet, out),
        PlotFormat::Png => png::render(&sheet, out),
    }
}

#[cfg(test)]
mod tests;
