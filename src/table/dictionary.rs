//! A column of texts: each distinct text once, and a code for each row.

use std::hash::BuildHasher;

mod prefetch;

use foldhash::fast::RandomState;
use prefetch::prefetch;

use super::string_buffer::StringBuffer;

/// The code of an absent text.
pub(crate) const ABSENT_CODE: u32 = u32::MAX;

/// The texts of a column. Each distinct text is kept once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dictionary {
    /// The distinct texts, by code.
    pub(crate) distinct: StringBuffer,
    /// The code of each row; [`ABSENT_CODE`] if it has no text. The rows of `run` are missing until
    /// [`Dictionary::seal`].
    pub(crate) codes: Vec<u32>,
    /// The code of the last rows, and how many rows they are. Many columns have the same value for long, or none at
    /// all, and then no other memory is touched.
    run: (u32, usize),
    index: DictionaryIndex,
    /// Seeded differently in each run, so that nobody can send requests whose texts all collide. Codes depend on the
    /// order of the rows alone.
    hasher: RandomState,
}

/// The distinct texts by their hashes: a table with open addressing and a power of two of slots.
///
/// A library's table would do, except that it cannot [look ahead](Dictionary::look_ahead), and half of the time that it
/// takes to find a text is waiting for memory. With `hashbrown::HashTable`, an export takes 1 % more instructions, and
/// 6 % more CPU time if the log has many different texts; `benches/README.md` has the figures.
#[derive(Clone, Debug, Default)]
struct DictionaryIndex {
    slots: Vec<IndexSlot>,
    used: usize,
}

/// Where a text is. All that a lookup needs is in one slot, because each access elsewhere may miss the cache: the
/// hash rules out nearly all other texts, and `start` and `len` lead directly to the text.
#[derive(Clone, Copy, Debug)]
struct IndexSlot {
    hash: u32,
    /// [`ABSENT_CODE`] if the slot is free.
    code: u32,
    start: u32,
    len: u32,
}

impl IndexSlot {
    const FREE: Self = Self { hash: 0, code: ABSENT_CODE, start: 0, len: 0 };
}

/// How many texts are looked up ahead at a time when all of them are known.
const TOGETHER: usize = 16;

/// What [`Dictionary::look_ahead`] computed of a text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Prefetched {
    hash: u32,
}

impl Dictionary {
    /// How many rows there are.
    pub(crate) fn rows(&self) -> usize {
        self.codes.len() + self.run.1
    }

    /// The text of a row, or `None` if it has none. Only after [`Dictionary::seal`].
    pub(crate) fn get(&self, row: usize) -> Option<&[u8]> {
        let code = self.codes[row];
        (code != ABSENT_CODE).then(|| self.distinct.get(code as usize))
    }

    /// Appends a row, and says whether its text is new.
    #[inline]
    pub(crate) fn push(&mut self, text: &[u8]) -> bool {
        // Neighbours are often the same.
        let (last, rows) = self.run;
        if rows > 0 && last != ABSENT_CODE && self.distinct.get(last as usize) == text {
            self.run.1 += 1;
            return false;
        }
        let known = self.distinct.len();
        let code = self.code_of(text);
        self.push_code(code);
        self.distinct.len() > known
    }

    /// Appends a row without a text, which is never new.
    #[inline]
    pub(crate) fn push_absent(&mut self) -> bool {
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
    pub(crate) fn last(&self) -> u32 {
        self.run.0
    }

    /// Writes the last run to `codes`.
    pub(crate) fn seal(&mut self) {
        let (code, rows) = std::mem::take(&mut self.run);
        if rows == 1 {
            self.codes.push(code);
        } else {
            self.codes.resize(self.codes.len() + rows, code);
        }
    }

    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "half a hash distinguishes texts well enough")]
    fn hash_of(&self, text: &[u8]) -> u32 {
        self.hasher.hash_one(text) as u32
    }

    fn code_of(&mut self, text: &[u8]) -> u32 {
        self.code_of_hashed(text, self.hash_of(text))
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "the rows of a group and the bytes of their texts are bounded far below"
    )]
    fn code_of_hashed(&mut self, text: &[u8], hash: u32) -> u32 {
        let Self { distinct, index, .. } = self;
        index.reserve();
        let mut slot_index = index.home(hash);
        loop {
            let slot = &mut index.slots[slot_index];
            if slot.code == ABSENT_CODE {
                let code = distinct.len() as u32;
                *slot = IndexSlot { hash, code, start: distinct.bytes.len() as u32, len: text.len() as u32 };
                index.used += 1;
                distinct.push(text);
                return code;
            }
            if slot.hash == hash && distinct.slice(slot.start, slot.len) == text {
                return slot.code;
            }
            slot_index = index.next(slot_index);
        }
    }

    /// Prefetches the slot in which a text would be looked for. It arrives while the rest of the row is appended.
    #[inline]
    pub(crate) fn look_ahead(&self, text: &[u8]) -> Prefetched {
        let hash = self.hash_of(text);
        if let Some(slot) = self.index.slots.get(self.index.home(hash)) {
            prefetch(slot);
        }
        Prefetched { hash }
    }

    /// After the slot has arrived, prefetches the text that it refers to.
    #[inline]
    pub(crate) fn look_closer(&self, ahead: Prefetched) {
        let Some(slot) = self.index.slots.get(self.index.home(ahead.hash)) else { return };
        // A text that spans two cache lines ends in another one than it begins in.
        if let ([first, .., last], true) = (self.distinct.slice(slot.start, slot.len), slot.hash == ahead.hash) {
            prefetch(first);
            prefetch(last);
        }
    }

    /// [Appends](Dictionary::push) a row whose text was looked up ahead.
    #[inline]
    pub(crate) fn push_ahead(&mut self, text: &[u8], ahead: Prefetched) -> bool {
        let known = self.distinct.len();
        let code = self.code_of_hashed(text, ahead.hash);
        self.push_code(code);
        self.distinct.len() > known
    }

    /// Appends the rows of another `Dictionary`. Returns the other's codes of the texts that are new here.
    pub(crate) fn append(&mut self, mut other: Self) -> Vec<u32> {
        self.seal();
        other.seal();
        let (mut new, mut codes) = (Vec::new(), Vec::with_capacity(other.distinct.len()));
        let mut theirs = (0..).take(other.distinct.len());
        while codes.len() < other.distinct.len() {
            let mut chunk = [None; TOGETHER];
            for (entry, code) in chunk.iter_mut().zip(&mut theirs) {
                let text = other.distinct.get(code as usize);
                *entry = Some((code, text, self.look_ahead(text)));
            }
            for (.., ahead) in chunk.iter().flatten() {
                self.look_closer(*ahead);
            }
            for (code, text, ahead) in chunk.into_iter().flatten() {
                let known = self.distinct.len();
                let mine = self.code_of_hashed(text, ahead.hash);
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

impl DictionaryIndex {
    /// The number of slots once there is a text.
    const LEAST: usize = 16;

    /// Makes room for one more. At most five in eight slots are used, so that a text is found in few steps.
    #[inline]
    fn reserve(&mut self) {
        if self.used * 8 >= self.slots.len() * 5 {
            self.grow();
        }
    }

    #[cold]
    fn grow(&mut self) {
        let slots = vec![IndexSlot::FREE; (self.slots.len() * 2).max(Self::LEAST)];
        for slot in std::mem::replace(&mut self.slots, slots) {
            if slot.code != ABSENT_CODE {
                let mut index = self.home(slot.hash);
                while self.slots[index].code != ABSENT_CODE {
                    index = self.next(index);
                }
                self.slots[index] = slot;
            }
        }
    }

    /// The index of the slot where the search for a hash begins.
    #[inline]
    fn home(&self, hash: u32) -> usize {
        hash as usize & self.slots.len().wrapping_sub(1)
    }

    #[inline]
    fn next(&self, index: usize) -> usize {
        (index + 1) & (self.slots.len() - 1)
    }
}
