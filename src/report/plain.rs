//! Text written by strangers, made safe to show.
//!
//! URLs, user agents, file names: all of it may hold terminal escapes, text that runs backwards, or a megabyte of letters.

use std::borrow::Cow;
use std::fmt::Write;

use unicode_width::UnicodeWidthChar;

use crate::diagnose::grouped;

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

/// Where a text was cut.
pub(super) const CUT: &str = "…";

/// The same text, harmless and at most `most` columns wide; a cut is marked by an ellipsis.
#[must_use]
pub fn shortened(text: &str, most: usize) -> String {
    shortened_by(text, most, CUT)
}

/// The same, with another mark where it was cut.
#[must_use]
pub fn shortened_by(text: &str, most: usize, mark: &str) -> String {
    let safe = harmless(text);
    // Marks that stand upon their neighbours take no column, but thousands of them take a page.
    let columns = |character: char| character.width().unwrap_or(1).max(1);
    if safe.chars().map(columns).sum::<usize>() <= most {
        return safe.into_owned();
    }
    let mut room = most.saturating_sub(mark.chars().map(columns).sum());
    let fits = |character: &char| {
        let rest = room.checked_sub(columns(*character));
        room = rest.unwrap_or_default();
        rest.is_some()
    };
    safe.chars().take_while(fits).chain(mark.chars()).collect()
}

/// The same text, shortened; where that leaves something out, a note says how much.
#[must_use]
pub fn cut(text: &str, most: usize) -> String {
    let safe = harmless(text);
    let short = shortened(&safe, most);
    if short == safe {
        return short;
    }
    let kept = short.chars().count() - 1;
    format!("{short} ({} more characters)", grouped((safe.chars().count() - kept) as u64))
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
        for (text, most, expected) in [
            ("letters", 7, "letters"),
            ("letters", 6, "lette…"),
            ("漢字漢字", 8, "漢字漢字"),
            ("漢字漢字", 7, "漢字漢…"),
            ("漢字漢字", 6, "漢字…"),
            ("e\u{301}e\u{301}", 3, "e\u{301}…"),
            ("", 0, ""),
            ("x", 0, "…"),
        ] {
            assert_eq!(shortened(text, most), expected, "{text} in {most} columns");
        }
        assert_eq!(shortened_by("letters", 6, "..."), "let...");
    }

    #[test]
    fn a_cut_with_a_note_tells_how_much_is_missing() {
        for (text, expected) in [
            ("letters", "letters".to_owned()),
            ("more letters", "more l… (6 more characters)".to_owned()),
            (&"x".repeat(65_536), "xxxxxx… (65,530 more characters)".to_owned()),
            ("a\u{202e}b", "a\\u{20… (4 more characters)".to_owned()),
        ] {
            assert_eq!(cut(text, 7), expected);
        }
    }
}
