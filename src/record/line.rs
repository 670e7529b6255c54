//! Decoded bytes to lines, each with its number and its offset.

use std::borrow::BorrowMut;

use memchr::memchr;

use crate::decode::{Buffer, Damage, Decoder};
use crate::error::Problem;

/// A longer line is skipped and reported: no load balancer writes one, and memory has to stay bounded.
///
/// The request line may take 16 KB, and all logged headers 8 KB; this is far above.
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
    /// A line of more than [`MAX_LINE_BYTES`]. Its bytes are dropped.
    TooLong {
        /// From 1.
        number: u64,
        /// Offset of its first byte in the decoded stream.
        byte: u64,
    },
    /// Nothing after this can be decoded. All complete lines before it were handed out. The next line would have
    /// begun at `number` and `byte`.
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
///
/// `B` is a [`Buffer`], or borrows one that is reused for other objects.
pub struct Lines<'a, B = &'a mut Buffer> {
    decoder: Decoder<'a>,
    buffer: B,
    /// Length of the start of the pending bytes that was searched and has no line break.
    searched: usize,
    /// Number and offset of the line that begins at the first pending byte.
    number: u64,
    byte: u64,
    /// Bytes of an over-long line that were already dropped.
    dropped: u64,
    /// Bytes of the incomplete line before the damage.
    cut_off: u64,
    state: LinesState,
}

enum LinesState {
    Open,
    /// Nothing more can be decoded. The damage, if any, is reported after the last line.
    Ended(Option<Damage>),
}

impl<'a, B: BorrowMut<Buffer>> Lines<'a, B> {
    /// Reads lines from `decoder`, using `buffer` as scratch space. Its contents are dropped.
    pub fn new(decoder: Decoder<'a>, mut buffer: B) -> Self {
        buffer.borrow_mut().clear();
        Self { decoder, buffer, searched: 0, number: 1, byte: 0, dropped: 0, cut_off: 0, state: LinesState::Open }
    }

    /// Bytes decoded so far, including those that are still pending.
    #[must_use]
    pub fn bytes_decoded(&self) -> u64 {
        self.byte + self.dropped + self.cut_off + self.buffer.borrow().pending().len() as u64
    }

    /// The next line, a line that is too long, or the damage. `None` at the end of the object.
    #[inline]
    pub fn next_event(&mut self) -> Option<Event<'_>> {
        loop {
            if let Some(found) = memchr(b'\n', &self.buffer.borrow().pending()[self.searched..]) {
                return Some(self.take(self.searched + found, 1));
            }
            self.searched = self.buffer.borrow().pending().len();
            if self.searched > MAX_LINE_BYTES {
                self.dropped += self.searched as u64;
                self.buffer.borrow_mut().consume(self.searched);
                self.searched = 0;
            }
            if let LinesState::Ended(damage) = &mut self.state {
                if damage.as_ref().is_some_and(|damage| damage.problem != Problem::GzipTrailingGarbage) {
                    // The text after the last line break is an incomplete line, and is not handed out as a line.
                    self.cut_off += self.dropped + self.searched as u64;
                    self.buffer.borrow_mut().clear();
                    (self.searched, self.dropped) = (0, 0);
                }
                // The last line may lack its line break.
                if self.searched > 0 || self.dropped > 0 {
                    return Some(self.take(self.searched, 0));
                }
                let damage = damage.take()?;
                return Some(Event::Damage { damage, number: self.number, byte: self.byte });
            }
            self.decode();
        }
    }

    /// The first line of the object that is not blank, or as much of it as was decoded within [`MAX_LINE_BYTES`].
    /// Empty if there is none. To be called before the first line is taken.
    pub fn peek(&mut self) -> &[u8] {
        loop {
            let text = self.buffer.borrow().pending();
            let has_ended = matches!(self.state, LinesState::Ended(_));
            let blank = text.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            let end = memchr(b'\n', &text[blank..]);
            if end.is_some() || has_ended || text.len() > MAX_LINE_BYTES {
                let line = blank..end.map_or(self.buffer.borrow().pending().len(), |end| blank + end);
                return &self.buffer.borrow().pending()[line];
            }
            self.decode();
        }
    }

    /// Decodes one more step into the buffer.
    fn decode(&mut self) {
        match self.decoder.fill(self.buffer.borrow_mut()) {
            Ok(true) => {}
            Ok(false) => self.state = LinesState::Ended(None),
            // The step that failed may have given complete lines, which come first.
            Err(damage) => self.state = LinesState::Ended(Some(damage)),
        }
    }

    /// Hands out the first `len` pending bytes as a line and skips the line break after them.
    #[inline]
    fn take(&mut self, len: usize, line_break: usize) -> Event<'_> {
        let (number, byte) = (self.number, self.byte);
        let dropped = std::mem::take(&mut self.dropped);
        self.number += 1;
        self.byte += dropped + (len + line_break) as u64;
        self.searched = 0;
        let text = self.buffer.borrow_mut().take(len, line_break);
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
    fn the_first_line_that_is_not_blank_can_be_looked_at_without_taking_it() {
        let blank = vec![b' '; MAX_LINE_BYTES * 2];
        for (object, expected) in [
            (b"a b\nc\n".to_vec(), b"a b".as_slice()),
            (b"\n \r\n\na\r\nb".to_vec(), b"a\r"),
            (b"a".to_vec(), b"a"),
            (b"\n\n".to_vec(), b""),
            (Vec::new(), b""),
            (blank, b""),
        ] {
            let mut decompressor = Decompressor::new();
            let mut buffer = Buffer::new();
            let decoder = Decoder::new(Body::Bytes(&object), &mut decompressor).expect("memory does not fail");
            let mut lines = Lines::new(decoder, &mut buffer);
            assert_eq!(lines.peek(), expected);
            let mut count = 0;
            while lines.next_event().is_some() {
                count += 1;
            }
            assert_eq!(count, lines_of(&object).len());
            assert_eq!(lines.bytes_decoded(), object.len() as u64);
        }
    }

    #[test]
    fn both_kinds_of_line_break_and_a_missing_last_one_are_read() {
        let found = lines_of(b"a\r\n\nbc\nd");
        let expected: [(&[u8], u64, u64); 4] = [(b"a", 1, 0), (b"", 2, 3), (b"bc", 3, 4), (b"d", 4, 7)];
        assert_eq!(found, expected.map(|(text, number, byte)| (text.to_vec(), number, byte)));
    }

    #[test]
    fn a_line_past_the_cap_is_skipped_and_the_next_one_read() {
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
    fn an_endless_line_is_skipped() {
        let object = vec![b'x'; MAX_LINE_BYTES * 4];
        assert_eq!(lines_of(&object), [(b"TOO LONG".to_vec(), 1, 0)]);
    }

    proptest! {
        #[test]
        fn lines_joined_give_the_text_back(text in prop::collection::vec(prop_oneof![Just(b'\n'), any::<u8>()], 0..400)) {
            // Text that begins with the gzip magic number would rightly be read as gzip.
            prop_assume!(!text.starts_with(&[0x1f, 0x8b]));
            let mut expected: Vec<&[u8]> = text.split(|&byte| byte == b'\n').collect();
            if expected.last().is_some_and(|last| last.is_empty()) {
                expected.pop();
            }
            let mut offset = 0;
            let found = lines_of(&text);
            prop_assert_eq!(found.len(), expected.len());
            for ((line, number, byte), (index, expected)) in found.iter().zip(expected.iter().enumerate()) {
                prop_assert_eq!(line.as_slice(), expected.strip_suffix(b"\r").unwrap_or(expected));
                prop_assert_eq!(*number, index as u64 + 1);
                prop_assert_eq!(*byte, offset);
                offset += expected.len() as u64 + 1;
            }
        }
    }
}
