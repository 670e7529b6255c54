//! An object's entity tag.

use std::fmt::{self, Write as _};

/// The store's identifier for the content of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Etag {
    /// 32 hexadecimal digits: the MD5 of the content, unless it is encrypted with AWS KMS or a key of the
    /// customer's, or the store computes something else.
    Md5([u8; 16]),
    /// Anything else, such as the tag of an upload in parts.
    Other(Box<str>),
}

impl Etag {
    /// Parses a header or an XML element, with or without quotes. `None` if it is empty.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_start_matches("W/").trim_matches('"');
        if text.is_empty() {
            return None;
        }
        let md5 = || {
            let mut bytes = [0; 16];
            let digit = |offset: usize| char::from(*text.as_bytes().get(offset)?).to_digit(16);
            if text.len() != 32 || text.bytes().any(|byte| byte.is_ascii_uppercase()) {
                return None;
            }
            for (index, byte) in bytes.iter_mut().enumerate() {
                *byte = u8::try_from(digit(index * 2)? * 16 + digit(index * 2 + 1)?).ok()?;
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

    /// As it is in a header: in quotes.
    pub(super) fn header(&self) -> String {
        format!("\"{self}\"")
    }

    /// As a part of a file name: different for every `ETag`, and only of ASCII letters, digits, `-` and `%`.
    pub(super) fn file_name(&self) -> String {
        self.to_string().bytes().fold(String::new(), |mut name, byte| {
            if byte.is_ascii_alphanumeric() || byte == b'-' {
                name.push(byte.into());
            } else {
                // Writing to a String cannot fail.
                let _ = write!(name, "%{byte:02X}");
            }
            name
        })
    }
}

/// Without quotes.
impl fmt::Display for Etag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Md5(bytes) => f.write_str(&hex(bytes)),
            Self::Other(text) => f.write_str(text),
        }
    }
}

/// Lower-case hexadecimal digits, two for each byte.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_md5_is_recognised_and_every_tag_is_written_back_unchanged() {
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

    proptest! {
        /// The cache finds an object by this name. Two contents under one name would be one of them.
        #[test]
        fn different_tags_have_different_file_names_of_harmless_characters(
            one in "[a-c%./0-9\\-é]{1,4}", other in "[a-c%./0-9\\-é]{1,4}",
        ) {
            let of = |text: &str| Etag::parse(text).expect("it is not empty");
            let name = of(&one).file_name();
            // The most likely one to have the same name is the tag that is written as that name.
            for other in [&other, &name] {
                prop_assert_eq!(of(other).file_name() == name, one == *other, "{}", other);
            }
            prop_assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-%".contains(&byte)));
            prop_assert_eq!(Etag::parse(&of(&one).header()), Some(of(&one)));
        }
    }

    #[test]
    fn white_space_quotes_and_the_mark_of_a_weak_tag_are_no_part_of_it() {
        for text in ["a-1", "\"a-1\"", " \"a-1\" ", "W/\"a-1\""] {
            assert_eq!(Etag::parse(text), Some(Etag::Other("a-1".into())), "{text}");
        }
        for text in ["", " ", "\"\"", "W/\"\""] {
            assert_eq!(Etag::parse(text), None, "{text}");
        }
        // Written back in lower case it would be another tag.
        let upper = "5D41402ABC4B2A76B9719D911017C592";
        assert_eq!(Etag::parse(upper), Some(Etag::Other(upper.into())));
    }
}
