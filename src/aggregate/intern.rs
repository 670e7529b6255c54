//! Maps names to indexes in a list, so that many records refer to few names cheaply.

use std::hash::{BuildHasher, Hash};

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use super::OTHER;

/// A list of values. Each is found by its name and the index of its parent (`()` if it has no parent). Indexes are
/// given in the order in which the names first appear.
#[derive(Clone, Debug)]
pub struct Interner<P, V> {
    entries: Vec<Entry<P, V>>,
    table: HashTable<u32>,
    /// The index of the latest look-up: neighbouring records often name the same thing.
    latest: u32,
}

#[derive(Clone, Debug)]
struct Entry<P, V> {
    parent: P,
    name: Box<[u8]>,
    value: V,
}

/// The seed is fixed: neither the order of the input nor the process may change a result.
const HASHER: FixedState = FixedState::with_seed(0);

impl<P, V> Default for Interner<P, V> {
    fn default() -> Self {
        Self { entries: Vec::new(), table: HashTable::new(), latest: 0 }
    }
}

impl<P: Copy + Eq + Hash, V: Default> Interner<P, V> {
    /// The index of `name` under `parent`, given when the name first appears. Once there are `cap - 1` entries, a
    /// new name gets the index of [`OTHER`] under its parent instead. Each parent has at most one such entry.
    #[inline]
    pub fn place(&mut self, parent: P, name: &[u8], cap: usize) -> u32 {
        if let Some(latest) = self.entries.get(self.latest as usize)
            && latest.parent == parent
            && *latest.name == *name
        {
            return self.latest;
        }
        self.latest = self.look_up(parent, name, cap);
        self.latest
    }

    fn look_up(&mut self, parent: P, name: &[u8], cap: usize) -> u32 {
        if let Some(index) = self.find(parent, name) {
            return index;
        }
        if self.entries.len() + 1 >= cap && name != OTHER {
            return self.look_up(parent, OTHER, cap);
        }
        self.entries.push(Entry { parent, name: name.into(), value: V::default() });
        let index = self.last_place();
        let entries = &self.entries;
        self.table.insert_unique(hash_of(parent, name), index, |&index| {
            let entry = &entries[index as usize];
            hash_of(entry.parent, &entry.name)
        });
        index
    }

    /// The index of `name` under `parent`. `None` if it has none.
    #[must_use]
    pub fn find(&self, parent: P, name: &[u8]) -> Option<u32> {
        let is_same = |&index: &u32| {
            let entry = &self.entries[index as usize];
            entry.parent == parent && *entry.name == *name
        };
        self.table.find(hash_of(parent, name), is_same).copied()
    }

    fn last_place(&self) -> u32 {
        u32::try_from(self.entries.len() - 1).expect("fewer entries than the caps, which fit")
    }

    /// The value at an index that [`Interner::place`] returned.
    ///
    /// # Panics
    /// If there is no such index, which may happen with one from another interner.
    #[inline]
    pub fn value_mut(&mut self, place: u32) -> &mut V {
        &mut self.entries[place as usize].value
    }

    /// All values, mutable, in the order of their indexes.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.entries.iter_mut().map(|entry| &mut entry.value)
    }

    /// Parent, name and value of each entry, in the order of their indexes.
    pub fn into_entries(self) -> impl Iterator<Item = (P, Box<[u8]>, V)> {
        self.entries.into_iter().map(|entry| (entry.parent, entry.name, entry.value))
    }

    /// Adds the entries of `other` and returns the new index of each, in the order of the old indexes. `parent`
    /// maps a parent of `other` to the one here.
    pub fn merge(&mut self, other: Self, cap: usize, parent: impl Fn(P) -> P, merge: impl Fn(&mut V, V)) -> Vec<u32> {
        let moved = other.entries.into_iter().map(|entry| {
            let index = self.place(parent(entry.parent), &entry.name, cap);
            merge(&mut self.entries[index as usize].value, entry.value);
            index
        });
        moved.collect()
    }
}

impl<P: Copy, V> Interner<P, V> {
    /// Parent, name and value of each entry, in the order of their indexes.
    pub fn iter(&self) -> impl Iterator<Item = (P, &[u8], &V)> {
        self.entries.iter().map(|entry| (entry.parent, &*entry.name, &entry.value))
    }

    /// Parent, name and value at an index.
    ///
    /// # Panics
    /// If there is no such index, which may happen with one from another interner.
    #[must_use]
    pub fn entry(&self, place: u32) -> (P, &[u8], &V) {
        let entry = &self.entries[place as usize];
        (entry.parent, &entry.name, &entry.value)
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

fn hash_of<P: Hash>(parent: P, name: &[u8]) -> u64 {
    HASHER.hash_one((parent, name))
}
