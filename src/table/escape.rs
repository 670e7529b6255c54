//! Text as it is written to files: always valid UTF-8, and without control characters that a terminal would act on.
//!
//! Load balancers write a byte that is not allowed in a log as `\x` and its two hexadecimal digits, `\x22` for a
//! quote. What they leave as it is, although it is invalid UTF-8 or a control character, is written in the same way
//! here, byte by byte. So nothing is lost: a reader who decodes `\xNN` to the byte NN, as logs require anyway, gets
//! what the client sent.

use std::str;

/// Whether a line has none of the bytes that may need cleaning. Nearly all lines have none.
#[inline]
pub(crate) fn is_clean(line: &[u8]) -> bool {
    // Without an early exit, so that the compiler checks many bytes at a time.
    line.iter().fold(true, |is_clean, byte| is_clean & (0x20..0x7f).contains(byte))
}

/// The text with invalid UTF-8 and control characters written as `\xNN`, except a byte `kept`. Text of printable
/// ASCII is returned as it is; all other text is built in `scratch`.
pub(crate) fn escape_control<'t>(text: &'t [u8], kept: Option<u8>, scratch: &'t mut Vec<u8>) -> &'t [u8] {
    if is_clean(text) {
        return text;
    }
    scratch.clear();
    for chunk in text.utf8_chunks() {
        for character in chunk.valid().chars() {
            let mut bytes = [0; 4];
            let bytes = character.encode_utf8(&mut bytes).as_bytes();
            if character.is_control() && kept.is_none_or(|kept| bytes != [kept]) {
                write_escaped(bytes, scratch);
            } else {
                scratch.extend_from_slice(bytes);
            }
        }
        write_escaped(chunk.invalid(), scratch);
    }
    debug_assert!(str::from_utf8(scratch).is_ok(), "all else was escaped");
    scratch
}

fn write_escaped(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in bytes {
        out.extend_from_slice(b"\\x");
        out.push(DIGITS[usize::from(byte >> 4)]);
        out.push(DIGITS[usize::from(byte & 15)]);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn clean(text: &[u8], kept: Option<u8>) -> String {
        let mut scratch = b"left over".to_vec();
        String::from_utf8(escape_control(text, kept, &mut scratch).to_vec()).expect("UTF-8")
    }

    #[test]
    fn invalid_utf8_and_control_characters_are_spelled_as_a_load_balancer_spells_them() {
        for (text, expected) in [
            (&b"plain"[..], "plain"),
            ("äöü 漢字 😀".as_bytes(), "äöü 漢字 😀"),
            (b"\xff\xfe", "\\xFF\\xFE"),
            (b"caf\xe9 au lait", "caf\\xE9 au lait"),
            (b"\xe6\xbc", "\\xE6\\xBC"),
            (b"nul\0esc\x1b[2J", "nul\\x00esc\\x1B[2J"),
            ("\u{9b}2J".as_bytes(), "\\xC2\\x9B2J"),
            (b"\\x22", "\\x22"),
            (b"a\tb", "a\\x09b"),
        ] {
            assert_eq!(clean(text, None), expected);
        }
        assert_eq!(clean(b"one\ntwo\x1b", Some(b'\n')), "one\ntwo\\x1B");
    }

    /// Reads `\xNN` as a byte.
    fn unescaped(text: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut rest = text.as_bytes();
        while let Some((&first, after)) = rest.split_first() {
            let digits = after.strip_prefix(b"x").and_then(|digits| digits.get(..2));
            let byte = digits.and_then(|digits| u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok());
            match byte {
                Some(byte) if first == b'\\' => {
                    bytes.push(byte);
                    rest = &rest[4..];
                }
                _ => {
                    bytes.push(first);
                    rest = after;
                }
            }
        }
        bytes
    }

    proptest! {
        #[test]
        fn the_bytes_can_be_got_back(text in prop::collection::vec(any::<u8>().prop_filter("escapes it", |byte| *byte != b'\\'), 0..60)) {
            prop_assert_eq!(unescaped(&clean(&text, None)), text);
        }

        #[test]
        fn clean_text_stays_as_it_is(text in "[ -~]{0,60}") {
            prop_assert!(is_clean(text.as_bytes()));
            prop_assert_eq!(clean(text.as_bytes(), None), text);
        }
    }
}
