//! A sheet as PNG.

use std::io::{self, Write};

use tiny_skia::{Color, FillRule, Paint, Path, PathBuilder, Pixmap, Rect, Stroke as Pen, StrokeDash, Transform};

use super::font::Stroke;
use super::sheet::{Rgb, Sheet, SheetItem, Text};

pub(super) fn render(sheet: &Sheet, out: &mut dyn Write) -> io::Result<()> {
    let pixels = draw(sheet);
    out.write_all(&pixels.encode_png().map_err(io::Error::other)?)
}

fn draw(sheet: &Sheet) -> Pixmap {
    let mut pixels = Pixmap::new(sheet.width.into(), sheet.height.into()).expect("a sheet has a size");
    pixels.fill(Color::WHITE);
    for item in &sheet.items {
        match item {
            SheetItem::Areas { colour, areas } => {
                let rects = areas.iter().filter_map(|area| Rect::from_xywh(area.x, area.y, area.width, area.height));
                for rect in rects {
                    pixels.fill_rect(rect, &Paint { anti_alias: false, ..paint(*colour) }, Transform::identity(), None);
                }
            }
            SheetItem::Line { from, to, width, colour, dash } => {
                let mut path = PathBuilder::new();
                path.move_to(from[0], from[1]);
                path.line_to(to[0], to[1]);
                let dash = dash.and_then(|dash| StrokeDash::new(vec![dash, dash], 0.0));
                let pen = Pen { width: *width, dash, ..Pen::default() };
                stroke(&mut pixels, path, *colour, &pen);
            }
            SheetItem::Shapes { colour, shapes } => {
                for shape in shapes {
                    let Some(path) = closed(shape) else { continue };
                    fill(&mut pixels, &path, *colour);
                    pixels.stroke_path(&path, &paint(WHITE), &Pen::default(), Transform::identity(), None);
                }
            }
            SheetItem::Text(text) => {
                if let Some(path) = text_path(sheet, text) {
                    fill(&mut pixels, &path, text.shape.colour);
                }
            }
        }
    }
    pixels
}

const WHITE: Rgb = [255, 255, 255];

fn paint(colour: Rgb) -> Paint<'static> {
    let mut paint = Paint { anti_alias: true, ..Paint::default() };
    paint.set_color_rgba8(colour[0], colour[1], colour[2], 255);
    paint
}

fn fill(pixels: &mut Pixmap, path: &Path, colour: Rgb) {
    pixels.fill_path(path, &paint(colour), FillRule::Winding, Transform::identity(), None);
}

fn stroke(pixels: &mut Pixmap, path: PathBuilder, colour: Rgb, pen: &Pen) {
    if let Some(path) = path.finish() {
        pixels.stroke_path(&path, &paint(colour), pen, Transform::identity(), None);
    }
}

fn closed(points: &[[f32; 2]]) -> Option<Path> {
    let mut path = PathBuilder::new();
    for (index, [x, y]) in points.iter().enumerate() {
        if index == 0 {
            path.move_to(*x, *y);
        } else {
            path.line_to(*x, *y);
        }
    }
    path.close();
    path.finish()
}

/// The outlines of a text's letters; `None` if it has none.
fn text_path(sheet: &Sheet, text: &Text) -> Option<Path> {
    let font = sheet.font(text.shape.weight);
    let scale = text.shape.size / font.units();
    let mut path = PathBuilder::new();
    for letter in font.letters(&text.words).0 {
        let x = |x: f32| text.x + (letter.at as f32 + x) * scale;
        let y = |y: f32| text.y - y * scale;
        for stroke in font.outline(letter.glyph) {
            match stroke {
                Stroke::Move([x1, y1]) => path.move_to(x(x1), y(y1)),
                Stroke::Line([x1, y1]) => path.line_to(x(x1), y(y1)),
                Stroke::Quad([x1, y1, x2, y2]) => path.quad_to(x(x1), y(y1), x(x2), y(y2)),
                Stroke::Cubic([x1, y1, x2, y2, x3, y3]) => {
                    path.cubic_to(x(x1), y(y1), x(x2), y(y2), x(x3), y(y3));
                }
                Stroke::Close => path.close(),
            }
        }
    }
    path.finish()
}
