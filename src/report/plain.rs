//! Text written by strangers, made safe to show.
//!
//! URLs, user agents, file names: all of it may hold terminal escapes, text that runs backwards, or a megabyte of letters.

use std::borrow::Cow;
use std::fmt::Write;

/// The same text without characters that a terminal obeys or that change how their neighbours are shown: each is written as `\u{…}`.
#[must_use]
pub fn harmless(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if is_harmful(character) {
            // Writing to a String cannot fail.
            let _ = write!(safe, "\\u{{{:x}}}", u32::from(character));
        } else {
            safe.push(character);
        }
    }
    Cow::Owned(safe)
}

/// The same text, harmless and with at most `most` characters; a cut is marked by an ellipsis.
#[must_use]
pub fn shortened(text: &str, most: usize) -> String {
    let safe = harmless(text);
    if safe.chars().count() <= most {
        return safe.into_owned();
    }
    safe.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// Control characters (also those of 8 bits), line and paragraph separators, and marks that change the direction of text or are not seen at all.
pub(super) fn is_harmful(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_spelled_out() {
        for (text, expected) in [
            ("plain äöü 漢字", "plain äöü 漢字"),
            ("\u{1b}[31mred\u{7}", "\\u{1b}[31mred\\u{7}"),
            ("a\u{9b}2Jb", "a\\u{9b}2Jb"),
            ("gpj\u{202e}exe", "gpj\\u{202e}exe"),
            ("zero\u{200b}width", "zero\\u{200b}width"),
            ("line\nbreak\ttab", "line\\u{a}break\\u{9}tab"),
        ] {
            assert_eq!(harmless(text), expected);
        }
    }

    #[test]
    fn a_cut_is_marked_and_never_inside_a_character() {
        assert_eq!(shortened("漢字漢字", 3), "漢字…");
        assert_eq!(shortened("漢字", 2), "漢字");
    }
}
