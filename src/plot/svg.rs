//! A sheet as SVG. Text is written as outlines of letters; each letter is defined once.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{self, Write};

use super::font::{Stroke, Weight};
use super::sheet::{Rgb, Sheet, SheetItem, Text};
use crate::report::plain::sanitize_terminal;

pub(super) fn render(sheet: &Sheet, out: &mut dyn Write) -> io::Result<()> {
    let (width, height) = (sheet.width, sheet.height);
    writeln!(
        out,
        r#"<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img">"#
    )?;
    writeln!(out, "<title>{}</title>", escaped(&sheet.title))?;
    definitions(sheet, out)?;
    writeln!(out, r##"<path fill="#fff" d="M0 0h{width}v{height}H0z"/>"##)?;
    for item in &sheet.items {
        match item {
            SheetItem::Areas { colour, areas } => {
                write!(out, r#"<path fill="{}" shape-rendering="crispEdges" d=""#, hex(*colour))?;
                for area in areas {
                    let (width, height) = (number(area.width), number(area.height));
                    write!(out, "M{} {}h{width}v{height}h-{width}z", number(area.x), number(area.y))?;
                }
                writeln!(out, r#""/>"#)?;
            }
            SheetItem::Line { from, to, width, colour, dash } => {
                let [x1, y1, x2, y2] = [from[0], from[1], to[0], to[1]].map(number);
                let dash = dash.map_or_else(String::new, |dash| format!(r#" stroke-dasharray="{}""#, number(dash)));
                let (colour, width) = (hex(*colour), number(*width));
                writeln!(out, r#"<path stroke="{colour}" stroke-width="{width}"{dash} d="M{x1} {y1}L{x2} {y2}"/>"#)?;
            }
            SheetItem::Shapes { colour, shapes } => {
                write!(out, r##"<path fill="{}" stroke="#fff" stroke-width="1" d=""##, hex(*colour))?;
                for shape in shapes {
                    for (index, [x, y]) in shape.iter().enumerate() {
                        let command = if index == 0 { 'M' } else { 'L' };
                        write!(out, "{command}{} {}", number(*x), number(*y))?;
                    }
                    write!(out, "z")?;
                }
                writeln!(out, r#""/>"#)?;
            }
            SheetItem::Text(text) => write_text(sheet, text, out)?,
        }
    }
    writeln!(out, "</svg>")
}

fn prefix(weight: Weight) -> char {
    match weight {
        Weight::Regular => 'r',
        Weight::Bold => 'b',
    }
}

/// Defines the letters that occur.
fn definitions(sheet: &Sheet, out: &mut dyn Write) -> io::Result<()> {
    let mut used: BTreeSet<(Weight, u16)> = BTreeSet::new();
    for item in &sheet.items {
        if let SheetItem::Text(text) = item {
            let weight = text.shape.weight;
            used.extend(sheet.font(weight).letters(&text.words).0.iter().map(|letter| (weight, letter.glyph)));
        }
    }
    writeln!(out, "<defs>")?;
    for (weight, glyph) in used {
        let path = outline(&sheet.font(weight).outline(glyph));
        if !path.is_empty() {
            writeln!(out, r#"<path id="{}{glyph}" d="{path}"/>"#, prefix(weight))?;
        }
    }
    writeln!(out, "</defs>")
}

fn outline(strokes: &[Stroke]) -> String {
    let mut path = String::new();
    for stroke in strokes {
        // Writing to a String cannot fail.
        let _ = match *stroke {
            Stroke::Move([x, y]) => write!(path, "M{} {}", number(x), number(y)),
            Stroke::Line([x, y]) => write!(path, "L{} {}", number(x), number(y)),
            Stroke::Quad([x1, y1, x, y]) => {
                write!(path, "Q{} {} {} {}", number(x1), number(y1), number(x), number(y))
            }
            Stroke::Cubic(points) => write!(path, "C{}", points.map(number).join(" ")),
            Stroke::Close => write!(path, "z"),
        };
    }
    path
}

fn write_text(sheet: &Sheet, text: &Text, out: &mut dyn Write) -> io::Result<()> {
    let font = sheet.font(text.shape.weight);
    let scale = text.shape.size / font.units();
    write!(
        out,
        r#"<g aria-label="{}" fill="{}" transform="translate({} {})scale({scale:.5} -{scale:.5})">"#,
        escaped(&text.words),
        hex(text.shape.colour),
        number(text.x),
        number(text.y),
    )?;
    for letter in font.letters(&text.words).0 {
        if !font.outline(letter.glyph).is_empty() {
            write!(out, r##"<use xlink:href="#{}{}" x="{}"/>"##, prefix(text.shape.weight), letter.glyph, letter.at)?;
        }
    }
    writeln!(out, "</g>")
}

fn hex([red, green, blue]: Rgb) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

/// A number with one decimal at most.
fn number(number: f32) -> String {
    let text = format!("{number:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// The text, escaped for XML, which allows neither control characters nor noncharacters.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in sanitize_terminal(text).chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\u{fffe}' | '\u{ffff}' => safe.push('\u{fffd}'),
            _ => safe.push(character),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_for_xml() {
        assert_eq!(
            escaped("<a b='c'>&\"\u{1b}\u{202e}\u{ffff}"),
            "&lt;a b=&#39;c&#39;&gt;&amp;&quot;\\u{1b}\\u{202e}\u{fffd}"
        );
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!([0.0, 12.34, -3.04, 100.0].map(number), ["0", "12.3", "-3", "100"]);
    }
}
