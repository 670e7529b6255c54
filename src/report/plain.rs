//! Untrusted text, made safe to show.
//!
//! URLs, user agents and file names may hold terminal escapes, text that runs backwards, or a megabyte of letters.

use std::borrow::Cow;
use std::fmt::Write;

use unicode_width::UnicodeWidthChar;

use crate::diagnose::grouped;

/// The text with each character that a terminal obeys, or that changes how its neighbours are shown, written as
/// `\u{…}`.
#[must_use]
pub fn sanitize_terminal(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe_in_terminal) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if is_unsafe_in_terminal(character) {
            // Writing to a String cannot fail.
            let _ = write!(safe, "\\u{{{:x}}}", u32::from(character));
        } else {
            safe.push(character);
        }
    }
    Cow::Owned(safe)
}

/// Marks where a text was cut.
pub(super) const CUT: &str = "…";

/// The text, made [`sanitize_terminal`] and cut to at most `most` columns. An ellipsis marks the cut, even if
/// `most` is 0.
#[must_use]
pub fn shortened(text: &str, most: usize) -> String {
    shortened_by(text, most, CUT)
}

/// The same as [`shortened`], with `mark` instead of the ellipsis.
#[must_use]
pub fn shortened_by(text: &str, most: usize, mark: &str) -> String {
    let safe = sanitize_terminal(text);
    // Combining marks take no column, but thousands of them fill a page; so each counts as one.
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

/// The text, [`shortened`]. If that cuts characters off, a note says how many.
#[must_use]
pub fn cut(text: &str, most: usize) -> String {
    let safe = sanitize_terminal(text);
    let short = shortened(&safe, most);
    if short == safe {
        return short;
    }
    let kept = short.chars().count() - 1;
    format!("{short} ({} more characters)", grouped((safe.chars().count() - kept) as u64))
}

/// Whether a character is a control character (also an 8-bit one), a line or paragraph separator, or a mark that
/// changes the direction of text or is invisible.
pub(super) fn is_unsafe_in_terminal(character: char) -> bool {
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
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn characters_that_a_terminal_obeys_are_spelled_out() {
        for (text, expected) in [
            ("plain äöü 漢字", "plain äöü 漢字"),
            ("\u{1b}[31mred\u{7}", "\\u{1b}[31mred\\u{7}"),
            ("a\u{9b}2Jb", "a\\u{9b}2Jb"),
            ("gpj\u{202e}exe", "gpj\\u{202e}exe"),
            ("zero\u{200b}width", "zero\\u{200b}width"),
            ("line\nbreak\ttab", "line\\u{a}break\\u{9}tab"),
        ] {
            assert_eq!(sanitize_terminal(text), expected);
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
    fn a_cut_with_a_note_says_how_much_is_missing() {
        for (text, expected) in [
            ("letters", "letters".to_owned()),
            ("more letters", "more l… (6 more characters)".to_owned()),
            (&"x".repeat(65_536), "xxxxxx… (65,530 more characters)".to_owned()),
            ("a\u{202e}b", "a\\u{20… (4 more characters)".to_owned()),
        ] {
            assert_eq!(cut(text, 7), expected);
        }
    }

    proptest! {
        #[test]
        fn shortened_text_is_a_beginning_that_fits(text in "[a漢\u{301}\u{1b}\u{202e}]{0,12}", most in 0..20_usize) {
            let safe = sanitize_terminal(&text).into_owned();
            let columns = |text: &str| text.chars().map(|it| it.width().unwrap_or(1).max(1)).sum::<usize>();
            prop_assert_eq!(sanitize_terminal(&safe), safe.as_str());
            for mark in [CUT, "..."] {
                let short = shortened_by(&text, most, mark);
                if columns(&safe) <= most {
                    prop_assert_eq!(&short, &safe);
                    continue;
                }
                let kept = short.strip_suffix(mark).expect("a mark");
                prop_assert!(safe.starts_with(kept) && columns(&short) <= most.max(columns(mark)), "{short:?}");
                // The next character would not have fitted.
                let next = safe[kept.len()..].chars().next().expect("something was cut off");
                prop_assert!(columns(&short) + columns(&next.to_string()) > most, "{short:?}");
            }
            let (noted, kept) = (cut(&text, most), shortened(&text, most).chars().count());
            if let Some((_, note)) = noted.split_once(" (").filter(|_| columns(&safe) > most) {
                prop_assert_eq!(note, format!("{} more characters)", safe.chars().count() + 1 - kept));
            }
        }
    }
}
