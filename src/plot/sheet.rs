//! What a picture consists of, before it becomes a file. Positions are in pixels from the upper left corner.

use super::font::{Font, Weight};

/// Red, green, blue.
pub(super) type Rgb = [u8; 3];

/// Which part of a text is at its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Left,
    Middle,
    Right,
}

/// A rectangle; left, top, width and height.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Area {
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) width: f32,
    pub(super) height: f32,
}

impl Area {
    pub(super) fn right(&self) -> f32 {
        self.x + self.width
    }

    pub(super) fn bottom(&self) -> f32 {
        self.y + self.height
    }
}

/// How text looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Type {
    pub(super) size: f32,
    pub(super) weight: Weight,
    pub(super) colour: Rgb,
}

/// A text at its position.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Text {
    /// The start of its baseline.
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) width: f32,
    pub(super) shape: Type,
    pub(super) words: String,
}

/// One thing to draw, over those before it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum SheetItem {
    /// Rectangles of one colour whose edges are at pixel boundaries.
    Areas { colour: Rgb, areas: Vec<Area> },
    /// A straight line. `dash` is the length of its dashes and of the gaps between them; `None` for a solid line.
    Line { from: [f32; 2], to: [f32; 2], width: f32, colour: Rgb, dash: Option<f32> },
    /// Shapes of one colour, each a closed line of points, with a white edge.
    Shapes { colour: Rgb, shapes: Vec<Vec<[f32; 2]>> },
    /// Text.
    Text(Text),
}

/// A picture.
pub(super) struct Sheet {
    pub(super) width: u16,
    pub(super) height: u16,
    /// What it shows, for screen readers.
    pub(super) title: String,
    pub(super) items: Vec<SheetItem>,
    pub(super) regular: Font,
    pub(super) bold: Font,
}

impl Sheet {
    pub(super) fn new(width: u16, height: u16, title: String) -> Self {
        Self {
            width,
            height,
            title,
            items: Vec::new(),
            regular: Font::new(Weight::Regular),
            bold: Font::new(Weight::Bold),
        }
    }

    pub(super) fn font(&self, weight: Weight) -> &Font {
        match weight {
            Weight::Regular => &self.regular,
            Weight::Bold => &self.bold,
        }
    }

    pub(super) fn width_of(&self, text: &str, shape: Type) -> f32 {
        self.font(shape.weight).width(text, shape.size)
    }

    pub(super) fn area(&mut self, area: Area, colour: Rgb) {
        self.items.push(SheetItem::Areas { colour, areas: vec![area] });
    }

    pub(super) fn line(&mut self, from: [f32; 2], to: [f32; 2], width: f32, colour: Rgb, dash: Option<f32>) {
        self.items.push(SheetItem::Line { from, to, width, colour, dash });
    }

    /// Writes a text and returns its width.
    pub(super) fn text(&mut self, [x, y]: [f32; 2], anchor: Anchor, shape: Type, text: impl Into<String>) -> f32 {
        let text = text.into();
        let width = self.width_of(&text, shape);
        let x = match anchor {
            Anchor::Left => x,
            Anchor::Middle => x - width / 2.0,
            Anchor::Right => x - width,
        };
        self.items.push(SheetItem::Text(Text { x, y, width, shape, words: text }));
        width
    }

    /// Splits a text into lines no wider than `most`; a word that is wider has a line of its own.
    pub(super) fn wrapped(&self, text: &str, shape: Type, most: f32) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        for word in text.split(' ') {
            match lines.last_mut() {
                Some(line) if self.width_of(&format!("{line} {word}"), shape) <= most => {
                    line.push(' ');
                    line.push_str(word);
                }
                _ => lines.push(word.to_owned()),
            }
        }
        lines
    }

    /// As much of a text as fits, with an ellipsis if it was cut.
    pub(super) fn fitted(&self, text: &str, shape: Type, most: f32) -> String {
        if self.width_of(text, shape) <= most {
            return text.to_owned();
        }
        let mut letters: Vec<char> = text.chars().collect();
        loop {
            let cut: String = letters.iter().chain(['…'].iter()).collect();
            if letters.pop().is_none() || self.width_of(&cut, shape) <= most {
                return cut;
            }
        }
    }
}
