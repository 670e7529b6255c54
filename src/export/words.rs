//! Texts on their way into a file: those that occur again once, with a code for each row.

use std::hash::BuildHasher;

mod prefetch;

use foldhash::fast::RandomState;
use prefetch::prefetch;

/// The code of an absent text.
pub(super) const ABSENT_CODE: u32 = u32::MAX;

/// Texts of which each stands here once.
#[derive(Clone, Debug, Default)]
pub(super) struct Words {
    /// The distinct texts, by code.
    pub(super) distinct: Texts,
    /// Which one stands in each row; [`ABSENT_CODE`] for none. Lacks the last run before they are sealed.
    pub(super) codes: Vec<u32>,
    /// The code of the last rows, and how many they are. Many columns have the same value for long, or none at all, and then no memory is touched.
    run: (u32, usize),
    index: Index,
    /// Different in each run, so that nobody can send requests whose texts are all found in one place. Codes go by the order of the rows alone.
    hasher: RandomState,
}

/// The distinct texts by their hashes: a table with open addressing, of a power of two slots.
///
/// A library's table would do but for one thing: it cannot be asked to [look ahead](Words::look_ahead), and half of what it takes to find a text is waiting for memory.
#[derive(Clone, Debug, Default)]
struct Index {
    slots: Vec<Slot>,
    used: usize,
}

/// Where a text stands. What it takes to find one lies together, as each look elsewhere is one into memory that may be far away: the hash tells nearly all others apart, and the place leads to the text at once.
#[derive(Clone, Copy, Debug)]
struct Slot {
    hash: u32,
    /// [`ABSENT_CODE`] where the slot is free.
    code: u32,
    start: u32,
    len: u32,
}

impl Slot {
    const FREE: Self = Self { hash: 0, code: ABSENT_CODE, start: 0, len: 0 };
}

/// Texts that are looked for ahead at a time, where they are all there.
const TOGETHER: usize = 16;

/// What [`Words::look_ahead`] saw of a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ahead {
    hash: u32,
}

/// Texts one behind the other.
#[derive(Clone, Debug)]
pub(super) struct Texts {
    pub(super) bytes: Vec<u8>,
    /// Where each begins and the one before it ends: one more than there are texts.
    pub(super) offsets: Vec<i64>,
}

impl Default for Texts {
    fn default() -> Self {
        Self { bytes: Vec::new(), offsets: vec![0] }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "places in memory"
)]
impl Texts {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// The text at a place.
    #[inline]
    pub(super) fn get(&self, place: usize) -> &[u8] {
        &self.bytes[self.offsets[place] as usize..self.offsets[place + 1] as usize]
    }

    /// The text that a slot stands for.
    #[inline]
    fn at(&self, slot: &Slot) -> &[u8] {
        let start = slot.start as usize;
        &self.bytes[start..start + slot.len as usize]
    }

    #[inline]
    pub(super) fn push(&mut self, text: &[u8]) {
        self.bytes.extend_from_slice(text);
        self.offsets.push(self.bytes.len() as i64);
    }

    /// The places in the order of their texts, which have to be distinct.
    ///
    /// Eight bytes of each text are sorted by at a time, and lie beside its place meanwhile: the texts themselves lie far from each other, and to look at them for each comparison takes several times as
    /// long.
    pub(super) fn order(&self) -> Vec<u32> {
        const WIDTH: usize = size_of::<u64>();
        /// So many are sorted by their texts after all.
        const FEW: usize = 8;
        // Bytes, how many of them are the text's, and its place. The number tells texts from those with a NUL more.
        let mut order: Vec<(u64, u32, u32)> = (0..self.len() as u32).map(|place| (0, 0, place)).collect();
        // Which of them are the same before which byte.
        let mut same = vec![(0..order.len(), 0)];
        while let Some((range, depth)) = same.pop() {
            let start = range.start;
            let order = &mut order[range];
            if order.len() <= FEW {
                order.sort_unstable_by_key(|&(.., place)| self.get(place as usize));
                continue;
            }
            for (key, len, place) in order.iter_mut() {
                let rest = self.get(*place as usize).get(depth..).unwrap_or_default();
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
        order.into_iter().map(|(.., place)| place).collect()
    }

    pub(super) fn append(&mut self, other: &Self) {
        let start = self.bytes.len() as i64;
        self.bytes.extend_from_slice(&other.bytes);
        self.offsets.extend(other.offsets[1..].iter().map(|offset| start + offset));
    }
}

impl Words {
    /// How many rows there are.
    pub(super) fn rows(&self) -> usize {
        self.codes.len() + self.run.1
    }

    /// The text of a row, once they are sealed. Absent where it has none.
    pub(super) fn get(&self, row: usize) -> Option<&[u8]> {
        let code = self.codes[row];
        (code != ABSENT_CODE).then(|| self.distinct.get(code as usize))
    }

    /// Takes in a row, and tells whether its text is a new one.
    #[inline]
    pub(super) fn push(&mut self, word: &[u8]) -> bool {
        // Neighbours are often the same.
        let (last, rows) = self.run;
        if rows > 0 && last != ABSENT_CODE && self.distinct.get(last as usize) == word {
            self.run.1 += 1;
            return false;
        }
        let known = self.distinct.len();
        let code = self.code_of(word);
        self.push_code(code);
        self.distinct.len() > known
    }

    /// Takes in a row without a text, which is no new one.
    #[inline]
    pub(super) fn push_absent(&mut self) -> bool {
        self.push_code(ABSENT_CODE);
        false
    }

    #[inline]
    fn push_code(&mut self, code: u32) {
        if self.run.0 != code {
            self.seal();
        }
        self.run = (code, self.run.1 + 1);
    }

    /// The code of the last row.
    #[inline]
    pub(super) fn last(&self) -> u32 {
        self.run.0
    }

    /// Writes the last run out.
    pub(super) fn seal(&mut self) {
        let (code, rows) = std::mem::take(&mut self.run);
        if rows == 1 {
            self.codes.push(code);
        } else {
            self.codes.resize(self.codes.len() + rows, code);
        }
    }

    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "half a hash tells words apart well enough")]
    fn hash_of(&self, word: &[u8]) -> u32 {
        self.hasher.hash_one(word) as u32
    }

    fn code_of(&mut self, word: &[u8]) -> u32 {
        self.code_of_hashed(word, self.hash_of(word))
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "the rows of a group and the bytes of their texts are bounded far below"
    )]
    fn code_of_hashed(&mut self, word: &[u8], hash: u32) -> u32 {
        let Self { distinct, index, .. } = self;
        index.reserve();
        let mut place = index.home(hash);
        loop {
            let slot = &mut index.slots[place];
            if slot.code == ABSENT_CODE {
                let code = distinct.len() as u32;
                *slot = Slot { hash, code, start: distinct.bytes.len() as u32, len: word.len() as u32 };
                index.used += 1;
                distinct.push(word);
                return code;
            }
            if slot.hash == hash && distinct.at(slot) == word {
                return slot.code;
            }
            place = index.next(place);
        }
    }

    /// Asks for the memory in which a text would be looked for, which then comes while the rest of the row is taken in.
    #[inline]
    pub(super) fn look_ahead(&self, word: &[u8]) -> Ahead {
        let hash = self.hash_of(word);
        if let Some(slot) = self.index.slots.get(self.index.home(hash)) {
            prefetch(slot);
        }
        Ahead { hash }
    }

    /// Once that has come, asks for that of the text that is found there.
    #[inline]
    pub(super) fn look_closer(&self, ahead: Ahead) {
        let Some(slot) = self.index.slots.get(self.index.home(ahead.hash)) else { return };
        // A text of two cache lines ends in another than it begins in.
        if let ([first, .., last], true) = (self.distinct.at(slot), slot.hash == ahead.hash) {
            prefetch(first);
            prefetch(last);
        }
    }

    /// [Takes in](Words::push) a row whose text was looked for ahead.
    #[inline]
    pub(super) fn push_ahead(&mut self, word: &[u8], ahead: Ahead) -> bool {
        let known = self.distinct.len();
        let code = self.code_of_hashed(word, ahead.hash);
        self.push_code(code);
        self.distinct.len() > known
    }

    /// Takes in the rows of others behind its own. Gives the others' codes of the texts that are new here.
    pub(super) fn append(&mut self, mut other: Self) -> Vec<u32> {
        self.seal();
        other.seal();
        let (mut new, mut codes) = (Vec::new(), Vec::with_capacity(other.distinct.len()));
        let mut theirs = (0..).take(other.distinct.len());
        while codes.len() < other.distinct.len() {
            let mut chunk = [None; TOGETHER];
            for (entry, code) in chunk.iter_mut().zip(&mut theirs) {
                let word = other.distinct.get(code as usize);
                *entry = Some((code, word, self.look_ahead(word)));
            }
            for (.., ahead) in chunk.iter().flatten() {
                self.look_closer(*ahead);
            }
            for (code, word, ahead) in chunk.into_iter().flatten() {
                let known = self.distinct.len();
                let mine = self.code_of_hashed(word, ahead.hash);
                if self.distinct.len() > known {
                    new.push(code);
                }
                codes.push(mine);
            }
        }
        let moved = other.codes.iter().map(|&code| if code == ABSENT_CODE { code } else { codes[code as usize] });
        self.codes.extend(moved);
        new
    }
}

impl Index {
    /// Slots before there are more.
    const LEAST: usize = 16;

    /// Makes room for one more. Five in eight are used at most, so that a text is found in few steps.
    #[inline]
    fn reserve(&mut self) {
        if self.used * 8 >= self.slots.len() * 5 {
            self.grow();
        }
    }

    #[cold]
    fn grow(&mut self) {
        let slots = vec![Slot::FREE; (self.slots.len() * 2).max(Self::LEAST)];
        for slot in std::mem::replace(&mut self.slots, slots) {
            if slot.code != ABSENT_CODE {
                let mut place = self.home(slot.hash);
                while self.slots[place].code != ABSENT_CODE {
                    place = self.next(place);
                }
                self.slots[place] = slot;
            }
        }
    }

    /// Where to look for a hash first.
    #[inline]
    fn home(&self, hash: u32) -> usize {
        hash as usize & self.slots.len().wrapping_sub(1)
    }

    #[inline]
    fn next(&self, place: usize) -> usize {
        (place + 1) & (self.slots.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn texts_are_put_in_the_order_of_their_bytes(distinct in prop::collection::hash_set("[\\x00ab]{0,20}", 0..60)) {
            let mut texts = Texts::default();
            for text in &distinct {
                texts.push(text.as_bytes());
            }
            let mut expected: Vec<&[u8]> = distinct.iter().map(String::as_bytes).collect();
            expected.sort_unstable();
            let order = texts.order();
            let ordered: Vec<&[u8]> = order.iter().map(|&place| texts.get(place as usize)).collect();
            prop_assert_eq!(ordered, expected);
        }
    }
}
