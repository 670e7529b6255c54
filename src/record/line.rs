//! Decoded bytes to lines, each with its number and its place.

use memchr::memchr;

use crate::decode::{Buffer, Damage, Decoder};
use crate::error::Problem;

/// A longer line is passed over and reported: no load balancer writes one, and memory has to stay bounded.
///
/// The request line and all headers that are logged may take 16 KB and 8 KB; this is far above.
pub const MAX_LINE_BYTES: usize = 2 * 1024 * 1024;

/// What comes next in an object.
pub enum Event<'b> {
    /// A line, without its line break (`\n` or `\r\n`).
    Line {
        /// The line's bytes; may be empty.
        text: &'b [u8],
        /// From 1.
        number: u64,
        /// Offset of its first byte in the decoded stream.
        byte: u64,
    },
    /// A line of more than [`MAX_LINE_BYTES`]; its bytes are gone.
    TooLong {
        /// From 1.
        number: u64,
        /// Offset of its first byte in the decoded stream.
        byte: u64,
    },
    /// Nothing behind this can be decoded. All whole lines before it have been handed out; `number` and `byte` are where
    /// the next one would have begun.
    Damage {
        /// What is wrong, and where in the stored object.
        damage: Damage,
        /// From 1.
        number: u64,
        /// Offset in the decoded stream.
        byte: u64,
    },
}

/// The lines of one object, in order.
pub struct Lines<'a> {
    decoder: Decoder<'a>,
    buffer: &'a mut Buffer,
    /// Bytes at the beginning of the pending ones that were searched and hold no line break.
    searched: usize,
    /// Number and place of the line that begins at the first pending byte.
    number: u64,
    byte: u64,
    /// Bytes of an over-long line that were already dropped.
    dropped: u64,
    /// Bytes of the part of a line in front of damage.
    cut_off: u64,
    state: State,
}

enum State {
    Open,
    /// Nothing more can be decoded; the damage, if any, is reported behind the last line.
    Ended(Option<Damage>),
}

impl<'a> Lines<'a> {
    /// Reads lines from `decoder`, using `buffer` as scratch space. What the buffer held is forgotten.
    pub fn new(decoder: Decoder<'a>, buffer: &'a mut Buffer) -> Self {
        buffer.clear();
        Self { decoder, buffer, searched: 0, number: 1, byte: 0, dropped: 0, cut_off: 0, state: State::Open }
    }

    /// Bytes decoded and handed out so far.
    #[must_use]
    pub fn bytes_decoded(&self) -> u64 {
        self.byte + self.dropped + self.cut_off + self.buffer.pending().len() as u64
    }

    /// The next line, or what stands in its place. `None` at the end of the object.
    #[inline]
    pub fn next_event(&mut self) -> Option<Event<'_>> {
        loop {
            if let Some(found) = memchr(b'\n', &self.buffer.pending()[self.searched..]) {
                return Some(self.take(self.searched + found, 1));
            }
            self.searched = self.buffer.pending().len();
            if self.searched > MAX_LINE_BYTES {
                self.dropped += self.searched as u64;
                self.buffer.consume(self.searched);
                self.searched = 0;
            }
            if let State::Ended(damage) = &mut self.state {
                if damage.as_ref().is_some_and(|damage| damage.problem != Problem::GzipTrailingGarbage) {
                    // What stands behind the last line break is a part of a line, and is not handed out as one.
                    self.cut_off += self.dropped + self.searched as u64;
                    self.buffer.clear();
                    (self.searched, self.dropped) = (0, 0);
                }
                // The last line may lack its line break.
                if self.searched > 0 || self.dropped > 0 {
                    return Some(self.take(self.searched, 0));
                }
                let damage = damage.take()?;
                return Some(Event::Damage { damage, number: self.number, byte: self.byte });
            }
            match self.decoder.fill(self.buffer) {
                Ok(true) => {}
                Ok(false) => self.state = State::Ended(None),
                // The step that failed may still have given whole lines: they come first.
                Err(damage) => self.state = State::Ended(Some(damage)),
            }
        }
    }

    /// Hands out the first `len` pending bytes as a line and steps over the line break behind them.
    #[inline]
    fn take(&mut self, len: usize, line_break: usize) -> Event<'_> {
        let (number, byte) = (self.number, self.byte);
        let dropped = std::mem::take(&mut self.dropped);
        self.number += 1;
        self.byte += dropped + (len + line_break) as u64;
        self.searched = 0;
        let text = self.buffer.take(len, line_break);
        if dropped > 0 || text.len() > MAX_LINE_BYTES {
            return Event::TooLong { number, byte };
        }
        Event::Line { text: text.strip_suffix(b"\r").unwrap_or(text), number, byte }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{Body, Decompressor};
    use proptest::prelude::*;

    fn lines_of(object: &[u8]) -> Vec<(Vec<u8>, u64, u64)> {
        let mut decompressor = Decompressor::new();
        let mut buffer = Buffer::new();
        let decoder = Decoder::new(Body::Stream(Box::new(object)), &mut decompressor).expect("memory does not fail");
        let mut lines = Lines::new(decoder, &mut buffer);
        let mut found = Vec::new();
        while let Some(event) = lines.next_event() {
            match event {
                Event::Line { text, number, byte } => found.push((text.to_vec(), number, byte)),
                Event::TooLong { number, byte } => found.push((b"TOO LONG".to_vec(), number, byte)),
                Event::Damage { .. } => panic!("plain text is never damaged"),
            }
        }
        assert_eq!(lines.bytes_decoded(), object.len() as u64);
        found
    }

    #[test]
    fn line_breaks_of_both_kinds_and_a_missing_last_one() {
        let found = lines_of(b"a\r\n\nbc\nd");
        let expected: [(&[u8], u64, u64); 4] = [(b"a", 1, 0), (b"", 2, 3), (b"bc", 3, 4), (b"d", 4, 7)];
        assert_eq!(found, expected.map(|(text, number, byte)| (text.to_vec(), number, byte)));
    }

    #[test]
    fn a_line_past_the_cap_is_passed_over_and_the_next_one_read() {
        for excess in [1, MAX_LINE_BYTES * 3] {
            let mut object = b"first\n".to_vec();
            object.resize(object.len() + MAX_LINE_BYTES + excess, b'x');
            object.extend_from_slice(b"\nnext\n");
            let found = lines_of(&object);
            let bytes: Vec<&[u8]> = found.iter().map(|(text, ..)| text.as_slice()).collect();
            assert_eq!(bytes, [b"first".as_slice(), b"TOO LONG", b"next"]);
            assert_eq!(found[2].1, 3);
            assert_eq!(found[2].2, object.len() as u64 - 5);
        }
    }

    #[test]
    fn a_line_of_just_the_cap_is_read() {
        let object = vec![b'x'; MAX_LINE_BYTES];
        assert_eq!(lines_of(&object)[0].0.len(), MAX_LINE_BYTES);
    }

    #[test]
    fn an_endless_line_is_passed_over() {
        let object = vec![b'x'; MAX_LINE_BYTES * 4];
        assert_eq!(lines_of(&object), [(b"TOO LONG".to_vec(), 1, 0)]);
    }

    proptest! {
        #[test]
        fn lines_joined_give_the_text_back(text in prop::collection::vec(prop_oneof![Just(b'\n'), any::<u8>()], 0..400)) {
            // A gzip magic number at the front would rightly be taken for gzip.
            prop_assume!(!text.starts_with(&[0x1f, 0x8b]));
            let mut expected: Vec<&[u8]> = text.split(|&byte| byte == b'\n').collect();
            if expected.last().is_some_and(|last| last.is_empty()) {
                expected.pop();
            }
            let mut place = 0;
            let found = lines_of(&text);
            prop_assert_eq!(found.len(), expected.len());
            for ((line, number, byte), (index, expected)) in found.iter().zip(expected.iter().enumerate()) {
                prop_assert_eq!(line.as_slice(), expected.strip_suffix(b"\r").unwrap_or(expected));
                prop_assert_eq!(*number, index as u64 + 1);
                prop_assert_eq!(*byte, place);
                place += expected.len() as u64 + 1;
            }
        }
    }
}
