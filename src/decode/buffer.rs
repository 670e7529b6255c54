//! Decoded bytes between the decoder and the line splitter.

/// Bytes read or decoded in one step of a stream.
pub(super) const STEP_BYTES: usize = 256 * 1024;

/// Decoded bytes on their way to the line splitter.
///
/// All bytes of `storage` are initialised; those from `start` to `end` are waiting to be consumed.
#[derive(Default)]
pub struct Buffer {
    storage: Vec<u8>,
    start: usize,
    end: usize,
}

impl Buffer {
    /// An empty buffer. It grows as bytes are decoded into it, and is meant to be reused.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The bytes that wait to be consumed.
    #[must_use]
    pub fn pending(&self) -> &[u8] {
        &self.storage[self.start..self.end]
    }

    /// Forgets the first `count` pending bytes.
    pub fn consume(&mut self, count: usize) {
        self.start = (self.start + count).min(self.end);
    }

    /// Consumes the first `len + skip` pending bytes and returns the first `len` of them.
    #[inline]
    pub(crate) fn take(&mut self, len: usize, skip: usize) -> &[u8] {
        let start = self.start;
        self.consume(len + skip);
        &self.storage[start..start + len]
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.start = 0;
        self.end = 0;
    }

    /// Room for at least `wanted` more bytes after the pending ones.
    pub(super) fn spare(&mut self, wanted: usize) -> &mut [u8] {
        if self.start > 0 {
            self.storage.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.storage.len() - self.end < wanted {
            self.storage.resize(self.end + wanted, 0);
        }
        &mut self.storage[self.end..]
    }

    /// Marks the first `count` bytes of [`Buffer::spare`] as filled.
    pub(super) fn filled(&mut self, count: usize) {
        self.end += count;
    }

    #[cfg(test)]
    pub(super) fn spare_len(&self) -> usize {
        self.storage.len() - self.end
    }
}
