//! What a picture consists of, before it becomes a file. Places are in pixels from the upper left corner.

use super::font::{Font, Weight};

/// Red, green, blue.
pub(super) type Rgb = [u8; 3];

/// Where a text stands to its place.
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

/// A text in its place.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Text {
    /// Where it begins, on its baseline.
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) width: f32,
    pub(super) shape: Type,
    pub(super) words: String,
}

/// One thing that is drawn, over those before it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Item {
    /// Rectangles of one colour whose edges lie between pixels.
    Areas { colour: Rgb, areas: Vec<Area> },
    /// A straight line; with gaps as long as its dashes, where it has some.
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
    /// What it shows, for those who do not see it.
    pub(super) title: String,
    pub(super) items: Vec<Item>,
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
        self.items.push(Item::Areas { colour, areas: vec![area] });
    }

    pub(super) fn line(&mut self, from: [f32; 2], to: [f32; 2], width: f32, colour: Rgb, dash: Option<f32>) {
        self.items.push(Item::Line { from, to, width, colour, dash });
    }

    /// Writes a text and gives its width.
    pub(super) fn text(&mut self, [x, y]: [f32; 2], anchor: Anchor, shape: Type, text: impl Into<String>) -> f32 {
        let text = text.into();
        let width = self.width_of(&text, shape);
        let x = match anchor {
            Anchor::Left => x,
            Anchor::Middle => x - width / 2.0,
            Anchor::Right => x - width,
        };
        self.items.push(Item::Text(Text { x, y, width, shape, words: text }));
        width
    }

    /// A text in lines no wider than this; a word that is wider has a line of its own.
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

    /// As much of a text as fits, marked where it was cut.
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
