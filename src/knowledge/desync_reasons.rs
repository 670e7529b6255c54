//! What the codes of the `classification_reason` field mean: how the form of a request differs from the HTTP standard.
//!
//! Source: the table of classification reasons in
//! <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html>

/// The codes and what each says, as a clause that goes on from the code.
const MEANINGS: &[(&str, &str)] = &[
    ("AmbiguousUri", "the URI has control characters"),
    ("BadContentLength", "Content-Length is not a valid number"),
    ("BadHeader", "a header has a null character or a carriage return"),
    ("BadMethod", "the method is malformed"),
    ("BadTransferEncoding", "Transfer-Encoding has a value that is not valid"),
    ("BadUri", "the URI has a null character or a carriage return"),
    ("BadVersion", "the version is malformed"),
    ("BothTeClPresent", "the request has both Transfer-Encoding and Content-Length"),
    ("DuplicateContentLength", "Content-Length stands twice with the same value"),
    ("EmptyHeader", "a header is empty, or a line has only spaces"),
    ("GetHeadZeroContentLength", "a GET or HEAD has Content-Length: 0"),
    ("MultipleContentLength", "Content-Length stands twice with different values"),
    ("MultipleTransferEncodingChunked", "Transfer-Encoding: chunked stands more than once"),
    ("NonCompliantHeader", "a header has characters that are not ASCII, or control characters"),
    ("NonCompliantVersion", "the version has a wrong value"),
    ("SpaceInUri", "the URI has a space that is not encoded"),
    ("SuspiciousHeader", "a header may be read as Transfer-Encoding or Content-Length by lenient servers"),
    ("SuspiciousTeClPresent", "Transfer-Encoding and Content-Length are there, and one of them is suspicious"),
    ("UndefinedContentLengthSemantics", "a GET or HEAD has a Content-Length"),
    ("UndefinedTransferEncodingSemantics", "a GET or HEAD has a Transfer-Encoding"),
];

/// What a code says. `None` for a code that the documentation does not have.
#[must_use]
pub fn meaning(code: &[u8]) -> Option<&'static str> {
    MEANINGS.iter().find(|(known, _)| known.as_bytes() == code).map(|(_, meaning)| *meaning)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted_and_meanings_go_on_from_them() {
        assert!(MEANINGS.windows(2).all(|pair| pair[0].0 < pair[1].0));
        for (code, meaning) in MEANINGS {
            assert!(!meaning.ends_with('.') && meaning.len() > 10, "{code}");
        }
        assert_eq!(meaning(b"SpaceInUri"), Some("the URI has a space that is not encoded"));
        assert_eq!(meaning(b"SpaceInHeader"), None);
    }
}
