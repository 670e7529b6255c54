//! Names to places in a list, so that the many records name few things cheaply.

use std::hash::{BuildHasher, Hash};

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use super::OTHER;

/// A list of values, each found by its parent's place (or nothing) and its own name. Places are handed out in the order of first sight.
#[derive(Clone, Debug)]
pub struct Interner<P, V> {
    entries: Vec<Entry<P, V>>,
    table: HashTable<u32>,
    /// The place of the latest look-up: neighbouring records often name the same thing.
    latest: u32,
}

#[derive(Clone, Debug)]
struct Entry<P, V> {
    parent: P,
    name: Box<[u8]>,
    value: V,
}

/// Fixed: neither the input's order nor the process may change a result.
const HASHER: FixedState = FixedState::with_seed(0);

impl<P, V> Default for Interner<P, V> {
    fn default() -> Self {
        Self { entries: Vec::new(), table: HashTable::new(), latest: 0 }
    }
}

impl<P: Copy + Eq + Hash, V: Default> Interner<P, V> {
    /// The place of `name` under `parent`; a new one at its first sight. Names take all places below `cap` but one; further ones go to the place of
    /// [`OTHER`] under their own parent, of which there is at most one a parent.
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
        if let Some(place) = self.find(parent, name) {
            return place;
        }
        if self.entries.len() + 1 >= cap && name != OTHER {
            return self.look_up(parent, OTHER, cap);
        }
        self.entries.push(Entry { parent, name: name.into(), value: V::default() });
        let place = self.last_place();
        let entries = &self.entries;
        self.table.insert_unique(hash_of(parent, name), place, |&place| {
            let entry = &entries[place as usize];
            hash_of(entry.parent, &entry.name)
        });
        place
    }

    /// The place of `name` under `parent`, where it has one.
    #[must_use]
    pub fn find(&self, parent: P, name: &[u8]) -> Option<u32> {
        let is_same = |&place: &u32| {
            let entry = &self.entries[place as usize];
            entry.parent == parent && *entry.name == *name
        };
        self.table.find(hash_of(parent, name), is_same).copied()
    }

    fn last_place(&self) -> u32 {
        u32::try_from(self.entries.len() - 1).expect("fewer entries than the caps, which fit")
    }

    /// The value at a place that [`Interner::place`] gave.
    ///
    /// # Panics
    /// When the place is another interner's.
    #[inline]
    pub fn value_mut(&mut self, place: u32) -> &mut V {
        &mut self.entries[place as usize].value
    }

    /// All values, by place, to be changed.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.entries.iter_mut().map(|entry| &mut entry.value)
    }

    /// Parent, name and value of each entry, by place.
    pub fn into_entries(self) -> impl Iterator<Item = (P, Box<[u8]>, V)> {
        self.entries.into_iter().map(|entry| (entry.parent, entry.name, entry.value))
    }

    /// Takes in another's entries and tells where each of them now stands. `parent` says where the other's parents now stand.
    pub fn merge(&mut self, other: Self, cap: usize, parent: impl Fn(P) -> P, merge: impl Fn(&mut V, V)) -> Vec<u32> {
        let moved = other.entries.into_iter().map(|entry| {
            let place = self.place(parent(entry.parent), &entry.name, cap);
            merge(&mut self.entries[place as usize].value, entry.value);
            place
        });
        moved.collect()
    }
}

impl<P: Copy, V> Interner<P, V> {
    /// Parent, name and value of each entry, by place.
    pub fn iter(&self) -> impl Iterator<Item = (P, &[u8], &V)> {
        self.entries.iter().map(|entry| (entry.parent, &*entry.name, &entry.value))
    }

    /// Parent, name and value at a place.
    ///
    /// # Panics
    /// When the place is another interner's.
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
