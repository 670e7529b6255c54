//! Texts in one piece of memory.

/// Texts, one after the other.
#[derive(Clone, Debug)]
pub(crate) struct StringBuffer {
    pub(crate) bytes: Vec<u8>,
    /// The byte offset at which each text begins and the one before it ends: one more than there are texts.
    pub(crate) offsets: Vec<i64>,
}

impl Default for StringBuffer {
    fn default() -> Self {
        Self { bytes: Vec::new(), offsets: vec![0] }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "offsets in memory"
)]
impl StringBuffer {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// The text at an index.
    #[inline]
    pub(crate) fn get(&self, index: usize) -> &[u8] {
        &self.bytes[self.offsets[index] as usize..self.offsets[index + 1] as usize]
    }

    /// The `len` bytes from the offset `start` on.
    #[inline]
    pub(crate) fn slice(&self, start: u32, len: u32) -> &[u8] {
        let start = start as usize;
        &self.bytes[start..start + len as usize]
    }

    #[inline]
    pub(crate) fn push(&mut self, text: &[u8]) {
        self.bytes.extend_from_slice(text);
        self.offsets.push(self.bytes.len() as i64);
    }

    /// The indexes of the texts, sorted by text. The texts must be distinct.
    ///
    /// Sorts by eight bytes of each text at a time, which are kept beside its index meanwhile. The texts themselves
    /// are far apart in memory, and reading them for each comparison takes several times as long.
    pub(crate) fn order(&self) -> Vec<u32> {
        const WIDTH: usize = size_of::<u64>();
        /// This many texts or fewer are sorted by comparing the texts themselves.
        const FEW: usize = 8;
        // Eight bytes, how many of them are the text's, and its index. The count tells a text from the same text with
        // a NUL appended.
        let mut order: Vec<(u64, u32, u32)> = (0..self.len() as u32).map(|index| (0, 0, index)).collect();
        // The ranges of texts that are equal before a byte offset, and that offset.
        let mut same = vec![(0..order.len(), 0)];
        while let Some((range, depth)) = same.pop() {
            let start = range.start;
            let order = &mut order[range];
            if order.len() <= FEW {
                order.sort_unstable_by_key(|&(.., index)| self.get(index as usize));
                continue;
            }
            for (key, len, index) in order.iter_mut() {
                let rest = self.get(*index as usize).get(depth..).unwrap_or_default();
                let mut bytes = [0; WIDTH];
                let known = rest.len().min(WIDTH);
                bytes[..known].copy_from_slice(&rest[..known]);
                (*key, *len) = (u64::from_be_bytes(bytes), known as u32);
            }
            order.sort_unstable_by_key(|&(key, len, _)| (key, len));
            let mut next = start;
            for run in order.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
                if run.len() > 1 {
                    same.push((next..next + run.len(), depth + WIDTH));
                }
                next += run.len();
            }
        }
        order.into_iter().map(|(.., index)| index).collect()
    }

    pub(crate) fn append(&mut self, other: &Self) {
        let start = self.bytes.len() as i64;
        self.bytes.extend_from_slice(&other.bytes);
        self.offsets.extend(other.offsets[1..].iter().map(|offset| start + offset));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn texts_are_put_in_the_order_of_their_bytes(distinct in prop::collection::hash_set("[\\x00ab]{0,20}", 0..60)) {
            let mut texts = StringBuffer::default();
            for text in &distinct {
                texts.push(text.as_bytes());
            }
            let mut expected: Vec<&[u8]> = distinct.iter().map(String::as_bytes).collect();
            expected.sort_unstable();
            let order = texts.order();
            let ordered: Vec<&[u8]> = order.iter().map(|&index| texts.get(index as usize)).collect();
            prop_assert_eq!(ordered, expected);
        }
    }
}
