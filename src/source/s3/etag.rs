//! An object's entity tag.

use std::fmt::Write as _;

/// What names the content of an object, as the store has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::source) enum Etag {
    /// 32 hexadecimal digits: the MD5 of the content, but where it is encrypted with a key of the customer's or the store does as it likes.
    Md5([u8; 16]),
    /// Anything else, as of an upload in parts.
    Other(Box<str>),
}

impl Etag {
    /// Reads the header or the element, with its quotes or without. `None` when it is empty.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_start_matches("W/").trim_matches('"');
        if text.is_empty() {
            return None;
        }
        let md5 = || {
            let mut bytes = [0; 16];
            let digit = |place: usize| char::from(*text.as_bytes().get(place)?).to_digit(16);
            if text.len() != 32 || text.bytes().any(|byte| byte.is_ascii_uppercase()) {
                return None;
            }
            for (place, byte) in bytes.iter_mut().enumerate() {
                *byte = u8::try_from(digit(place * 2)? * 16 + digit(place * 2 + 1)?).ok()?;
            }
            Some(bytes)
        };
        Some(md5().map_or_else(|| Self::Other(text.into()), Self::Md5))
    }

    pub(super) fn as_md5(&self) -> Option<[u8; 16]> {
        match self {
            Self::Md5(bytes) => Some(*bytes),
            Self::Other(_) => None,
        }
    }

    /// As a header has it.
    pub(super) fn header(&self) -> String {
        format!("\"{}\"", self.text())
    }

    /// As a part of a file's name: no other `ETag` has the same, and it has no other characters than letters, digits, `-` and `%`.
    pub(super) fn file_name(&self) -> String {
        self.text().bytes().fold(String::new(), |mut name, byte| {
            if byte.is_ascii_alphanumeric() || byte == b'-' {
                name.push(byte.into());
            } else {
                // Writing to a String cannot fail.
                let _ = write!(name, "%{byte:02X}");
            }
            name
        })
    }

    fn text(&self) -> String {
        match self {
            Self::Md5(bytes) => hex(bytes),
            Self::Other(text) => text.to_string(),
        }
    }
}

/// Two digits a byte.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_md5_is_told_from_other_tags_and_comes_back_as_it_was() {
        for (text, is_md5) in [
            ("\"5d41402abc4b2a76b9719d911017c592\"", true),
            ("5d41402abc4b2a76b9719d911017c592", true),
            ("\"5d41402abc4b2a76b9719d911017c592-3\"", false),
            ("\"zd41402abc4b2a76b9719d911017c592\"", false),
            ("\"+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1\"", false),
        ] {
            let etag = Etag::parse(text).expect("an ETag");
            assert_eq!(etag.as_md5().is_some(), is_md5, "{text}");
            assert_eq!(etag.header().trim_matches('"'), text.trim_matches('"'));
        }
        assert_eq!(Etag::parse("\"\""), None);
        assert_eq!(Etag::parse("\"a/../b\"").expect("an ETag").file_name(), "a%2F%2E%2E%2Fb");
    }
}
