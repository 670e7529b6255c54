//! The report as one JSON object on one line (`jq .` indents it), and JSON that can be embedded in an HTML page.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::Formatter;

use super::plain::is_unsafe_in_terminal;

/// Writes a value as JSON on one line.
pub(super) fn render(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    let mut serializer = serde_json::Serializer::with_formatter(&mut *out, Escaping(is_unsafe_in_terminal));
    value.serialize(&mut serializer).map_err(io::Error::from)?;
    out.write_all(b"\n")
}

/// JSON that can be embedded in an element of an HTML page: it can neither end that element nor begin another.
///
/// # Errors
/// If `value` cannot be represented in JSON.
pub(super) fn embedded(value: &impl Serialize) -> io::Result<String> {
    let is_escaped = |character| is_unsafe_in_terminal(character) || matches!(character, '<' | '>' | '&');
    let mut json = Vec::new();
    value.serialize(&mut serde_json::Serializer::with_formatter(&mut json, Escaping(is_escaped)))?;
    Ok(String::from_utf8(json).expect("JSON is UTF-8"))
}

/// Compact JSON that escapes every character for which the function returns true. JSON itself requires that only
/// below U+0020. The values stay the same.
///
/// For output that may go to a terminal, those are the characters that the terminal would obey.
struct Escaping(fn(char) -> bool);

impl Formatter for Escaping {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(offset) = rest.find(self.0) {
            let (before, from) = rest.split_at(offset);
            writer.write_all(before.as_bytes())?;
            let mut characters = from.chars();
            let mut units = [0; 2];
            for unit in characters.next().unwrap_or_default().encode_utf16(&mut units) {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = characters.as_str();
        }
        writer.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn embedded_json_ends_no_element_and_keeps_its_values() {
        let text = "</script><!-- <script> &amp; ]]> \u{2028}\u{202e}\u{1b}[2J \u{e0041} 漢字";
        let json = embedded(&[text]).expect("JSON");
        assert!(!json.contains(['<', '>', '&', '\u{2028}', '\u{202e}', '\u{1b}', '\u{e0041}']), "{json}");
        assert_eq!(serde_json::from_str::<[String; 1]>(&json).expect("JSON"), [text]);
    }

    proptest! {
        #[test]
        fn no_value_is_changed_and_no_character_that_a_terminal_obeys_is_left(
            text in any::<String>(),
            odd in "[\u{200b}-\u{202f}\u{e0000}-\u{e0080}\"\\\\\u{0}-\u{1f}]{0,8}",
        ) {
            let values = [text, odd];
            let mut out = Vec::new();
            render(&values, &mut out).expect("a Vec takes all");
            let json = String::from_utf8(out).expect("UTF-8");
            prop_assert_eq!(serde_json::from_str::<[String; 2]>(&json).expect("JSON"), values);
            let line = json.strip_suffix('\n').expect("a line");
            prop_assert!(!line.chars().any(is_unsafe_in_terminal), "{line:?}");
        }
    }
}
