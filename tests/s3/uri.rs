//! Percent-encoding in the path and query of a request.

use std::fmt::Write;

use hyper::Uri;

/// Names and values of the query, decoded.
pub(crate) fn query_pairs(uri: &Uri) -> impl Iterator<Item = (String, String)> {
    let pairs = uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decode(name, true), decode(value, true)))
}

/// Undoes the encoding of a URL; in a query, a plus is a space.
pub(crate) fn decode(text: &str, is_query: bool) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let code = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let (byte, after) = match (byte, code) {
            (b'%', Some(code)) => (code, &after[2..]),
            (b'+', _) if is_query => (b' ', after),
            _ => (byte, after),
        };
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Encodes all but the unreserved characters, and the slash if `keeps_slash`.
pub(crate) fn encode(text: &str, keeps_slash: bool) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => encoded.push(byte.into()),
            b'/' if keeps_slash => encoded.push('/'),
            _ => write!(encoded, "%{byte:02X}").expect("a String takes all"),
        }
        encoded
    })
}
