//! From the method and the path of a request to a template, which replaces what varies.

use crate::aggregate::intern::OTHER;

/// Segments of a path that a template keeps.
const MAX_SEGMENTS: usize = 8;

/// Bytes of a segment that a template keeps. A longer segment is data.
const MAX_SEGMENT_BYTES: usize = 64;

/// Methods that a route keeps. Any other counts as [`OTHER`], because clients send anything as a method.
const METHODS: [&[u8]; 9] = [b"GET", b"POST", b"PUT", b"DELETE", b"HEAD", b"PATCH", b"OPTIONS", b"CONNECT", b"TRACE"];

/// Appends `METHOD /template`.
#[inline]
pub(crate) fn write_template(method: &[u8], path: &[u8], template: &mut Vec<u8>) {
    template.extend_from_slice(if METHODS.contains(&method) { method } else { OTHER });
    template.push(b' ');
    let mut kept = 0;
    // Clients that join paths carelessly double a slash, most often the first one.
    for segment in path.split(|&byte| byte == b'/').filter(|segment| !segment.is_empty()) {
        if kept == MAX_SEGMENTS {
            template.extend_from_slice("/…".as_bytes());
            return;
        }
        kept += 1;
        template.push(b'/');
        write_segment(segment, template);
    }
    if kept == 0 {
        template.push(b'/');
    }
}

#[inline]
fn write_segment(segment: &[u8], template: &mut Vec<u8>) {
    let marks = Marks::of(segment);
    if !marks.has(DIGIT | ESCAPE) && segment.len() < MIN_TOKEN_BYTES {
        template.extend_from_slice(segment);
        return;
    }
    match variable_kind(segment, marks) {
        Some(kind) => template.extend_from_slice(kind),
        None => match hashed_file(segment) {
            Some((name, extension)) => {
                template.extend_from_slice(name);
                template.extend_from_slice(b".{hash}");
                template.extend_from_slice(extension);
            }
            None => template.extend_from_slice(segment),
        },
    }
}

/// The classes of bytes that a segment has, found in one pass with one look-up per byte.
#[derive(Clone, Copy)]
struct Marks {
    /// Classes that at least one byte has.
    any: u8,
    /// Classes that every byte has.
    all: u8,
}

const DIGIT: u8 = 1;
const UPPER: u8 = 2;
const LOWER: u8 = 4;
const HEX: u8 = 8;
/// A byte that a token may contain.
const TOKEN: u8 = 16;
/// A percent escape, an at sign, or a byte outside of ASCII.
const ESCAPE: u8 = 32;

static CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0_u8;
    loop {
        let mut class = 0;
        if byte.is_ascii_digit() {
            class |= DIGIT;
        }
        if byte.is_ascii_uppercase() {
            class |= UPPER;
        }
        if byte.is_ascii_lowercase() {
            class |= LOWER;
        }
        if byte.is_ascii_hexdigit() {
            class |= HEX;
        }
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'=' | b'~') {
            class |= TOKEN;
        }
        if matches!(byte, b'%' | b'@') || !byte.is_ascii() {
            class |= ESCAPE;
        }
        classes[byte as usize] = class;
        if byte == u8::MAX {
            break classes;
        }
        byte += 1;
    }
};

impl Marks {
    #[inline]
    fn of(segment: &[u8]) -> Self {
        let (mut any, mut all) = (0, u8::MAX);
        for &byte in segment {
            let class = CLASSES[usize::from(byte)];
            any |= class;
            all &= class;
        }
        Self { any, all }
    }

    fn has(self, class: u8) -> bool {
        self.any & class != 0
    }

    fn is_all(self, class: u8) -> bool {
        self.all & class != 0
    }
}

/// Shorter mixed segments are words.
const MIN_TOKEN_BYTES: usize = 16;

/// Shorter hexadecimal segments with a digit are words (`v1`, `a4`, `face2`).
const MIN_HEX_BYTES: usize = 8;

/// The placeholder for a variable segment. `None` for a word.
fn variable_kind(segment: &[u8], marks: Marks) -> Option<&'static [u8]> {
    if segment.is_empty() {
        return None;
    }
    if marks.is_all(DIGIT)
        || is_uuid(segment)
        || marks.is_all(HEX) && marks.has(DIGIT) && segment.len() >= MIN_HEX_BYTES
    {
        return Some(b"{id}");
    }
    if is_date(segment) {
        return Some(b"{date}");
    }
    if segment.contains(&b'@') || memchr::memmem::find(segment, b"%40").is_some() {
        return Some(b"{email}");
    }
    let mixed = marks.has(DIGIT) && marks.has(LOWER) && marks.has(UPPER);
    // ULIDs and KSUIDs: 26 or 27 letters and digits.
    let sortable = matches!(segment.len(), 26 | 27) && marks.has(DIGIT) && !(marks.has(LOWER) && marks.has(UPPER));
    if marks.is_all(TOKEN) && segment.len() >= MIN_TOKEN_BYTES && (mixed || sortable && !segment.contains(&b'-')) {
        return Some(b"{token}");
    }
    if is_ipv4(segment) {
        return Some(b"{ip}");
    }
    if segment.len() > MAX_SEGMENT_BYTES {
        return Some(b"{text}");
    }
    // A number with a name before or after it: `order-123456`, `123456-order`.
    let digits = segment.iter().filter(|byte| byte.is_ascii_digit()).count();
    if digits >= 4 && digits * 2 >= segment.len() && !marks.has(ESCAPE) && !segment.contains(&b'.') {
        return Some(b"{id}");
    }
    None
}

/// `8-4-4-4-12` hexadecimal digits.
fn is_uuid(segment: &[u8]) -> bool {
    segment.len() == 36
        && segment.iter().enumerate().all(|(offset, byte)| match offset {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// `2026-11-22`, optionally followed by a time.
fn is_date(segment: &[u8]) -> bool {
    segment.len() >= 10
        && segment[..10].iter().enumerate().all(|(offset, byte)| match offset {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        })
        && (segment.len() == 10 || matches!(segment[10], b'T' | b'%' | b'_' | b' '))
}

fn is_ipv4(segment: &[u8]) -> bool {
    let parts: Vec<&[u8]> = segment.split(|&byte| byte == b'.').collect();
    parts.len() == 4 && parts.iter().all(|part| (1..=3).contains(&part.len()) && part.iter().all(u8::is_ascii_digit))
}

/// `name.3f2a9c1b.js` and `name-3f2a9c1b.js`: the name and the extension of a file with a hash in its name.
fn hashed_file(segment: &[u8]) -> Option<(&[u8], &[u8])> {
    let extension = segment.iter().rposition(|&byte| byte == b'.')?;
    let stem = &segment[..extension];
    let hash = stem.iter().rposition(|&byte| matches!(byte, b'.' | b'-'))?;
    let marks = Marks::of(&stem[hash + 1..]);
    let is_hash = stem.len() - hash > MIN_HEX_BYTES
        && marks.is_all(TOKEN)
        && marks.has(DIGIT)
        && (marks.is_all(HEX) || marks.has(LOWER));
    is_hash.then(|| (&stem[..hash], &segment[extension..]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn template(path: &str) -> String {
        let mut template = Vec::new();
        write_template(b"GET", path.as_bytes(), &mut template);
        String::from_utf8(template).expect("ASCII")
    }

    #[test]
    fn variable_parts_are_replaced() {
        for (path, expected) in [
            ("/", "GET /"),
            ("/api/v1/users/12345", "GET /api/v1/users/{id}"),
            ("/api//v2/users/", "GET /api/v2/users"),
            ("/orders/7b2c3d4e-1111-2222-3333-444455556666/lines", "GET /orders/{id}/lines"),
            ("/blobs/3f2a9c1b77e0", "GET /blobs/{id}"),
            ("/cafe/decade", "GET /cafe/decade"),
            ("/reports/2026-11-22", "GET /reports/{date}"),
            ("/users/ann%40example.com", "GET /users/{email}"),
            ("/reset/aZ3kP0qLmN7xYwVu2Tt", "GET /reset/{token}"),
            ("/objects/01ARZ3NDEKTSV4RRFFQ69G5FAV", "GET /objects/{token}"),
            ("/hosts/10.0.0.1/status", "GET /hosts/{ip}/status"),
            ("/static/app.3f2a9c1b.js", "GET /static/app.{hash}.js"),
            ("/static/index-D4f9a2b1.css", "GET /static/index.{hash}.css"),
            ("/static/jquery-3.7.1.min.js", "GET /static/jquery-3.7.1.min.js"),
            ("/orders/order-123456", "GET /orders/{id}"),
            ("/oauth2/token", "GET /oauth2/token"),
            ("/how-to-keep-a-connection-alive", "GET /how-to-keep-a-connection-alive"),
            ("/a/b/c/d/e/f/g/h/i/j", "GET /a/b/c/d/e/f/g/h/…"),
        ] {
            assert_eq!(template(path), expected, "{path}");
        }
        let mut other = Vec::new();
        write_template(b"--location", b"/x", &mut other);
        assert_eq!(other, b"(other) /x");
    }

    #[test]
    fn words_and_data_are_told_apart_at_the_edges() {
        for (segment, expected) in [
            ("0", "{id}"),
            ("face2", "face2"),
            ("a1b2c3d", "a1b2c3d"),
            ("a1b2c3d4", "{id}"),
            ("abcdefab", "abcdefab"),
            ("abcdefab-abcd-abcd-abcd-abcdefabcdef", "{id}"),
            ("abcdefab-abcd-abcd-abcd-abcdefabcdeg", "abcdefab-abcd-abcd-abcd-abcdefabcdeg"),
            ("abcdefab-abcd-abcd-abcd_abcdefabcdef", "abcdefab-abcd-abcd-abcd_abcdefabcdef"),
            ("2026-11-22T07", "{date}"),
            ("2026-11-2", "{id}"),
            ("2026-11-221", "{id}"),
            ("ann@example.com", "{email}"),
            ("ann%41example.com", "ann%41example.com"),
            ("aZ3kP0qLmN7xYwV", "aZ3kP0qLmN7xYwV"),
            ("aZ3kP0qLmN7xYwVu", "{token}"),
            ("az3kp0qlmn7xywvu", "az3kp0qlmn7xywvu"),
            ("az3kp0qlmn7xywvuaz3kp0qlm", "az3kp0qlmn7xywvuaz3kp0qlm"),
            ("az3kp0qlmn7xywvuaz3kp0qlmn", "{token}"),
            ("az3kp0qlmn7xywvuaz3kp0-lmn", "az3kp0qlmn7xywvuaz3kp0-lmn"),
            ("10.0.0", "10.0.0"),
            ("10.0.0.1000", "10.0.0.1000"),
            ("a12345", "{id}"),
            ("a-b-c-1234", "a-b-c-1234"),
            ("123", "{id}"),
            ("x123", "x123"),
            ("app.3f2a9c1.js", "app.3f2a9c1.js"),
            ("app.abcdefab.js", "app.abcdefab.js"),
            ("APP.3F2A9C1B", "APP.3F2A9C1B"),
        ] {
            assert_eq!(template(&format!("/{segment}")), format!("GET /{expected}"), "{segment}");
        }
        let letters = "x".repeat(MAX_SEGMENT_BYTES);
        assert_eq!(template(&format!("/{letters}")), format!("GET /{letters}"));
        assert_eq!(template(&format!("/{letters}x")), "GET /{text}");
    }

    /// A client that puts a base URL with a slash before a path with a slash sends `//orders`.
    #[test]
    fn doubled_slashes_change_no_template_wherever_they_are() {
        for (path, expected) in [
            ("", "GET /"),
            ("//", "GET /"),
            ("///", "GET /"),
            ("//orders/17", "GET /orders/{id}"),
            ("///orders//17//", "GET /orders/{id}"),
            ("orders/17", "GET /orders/{id}"),
            ("//a/b/c/d/e/f/g/h", "GET /a/b/c/d/e/f/g/h"),
            ("/a/b/c/d/e/f/g/h//", "GET /a/b/c/d/e/f/g/h"),
            ("//a/b/c/d/e/f/g/h/i", "GET /a/b/c/d/e/f/g/h/…"),
        ] {
            assert_eq!(template(path), expected, "{path}");
        }
    }

    proptest! {
        #[test]
        fn a_template_is_short_and_the_template_of_itself_whatever_the_bytes(
            segments in prop::collection::vec(
                prop_oneof![
                    prop::collection::vec(any::<u8>(), 0..80),
                    prop::collection::vec(prop::sample::select(b"aF019-.%@_{}".to_vec()), 0..40),
                ],
                0..12,
            ),
        ) {
            let path = segments.join(&b'/');
            let mut first = Vec::new();
            write_template(b"GET", &path, &mut first);
            prop_assert!(first.len() <= 4 + MAX_SEGMENTS * (1 + MAX_SEGMENT_BYTES) + "/…".len());
            let mut second = Vec::new();
            write_template(b"GET", &first[4..], &mut second);
            prop_assert_eq!(first.escape_ascii().to_string(), second.escape_ascii().to_string());
        }
    }
}
