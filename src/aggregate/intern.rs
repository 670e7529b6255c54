//! Maps names to ids, so that many records refer to few names cheaply.

use std::hash::{BuildHasher, Hash};

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use super::id::{Id, NewIds};

/// The name under which everything past a cap is counted.
pub const OTHER: &[u8] = b"(other)";

/// A list of values. Each is found by its name and its parent (`()` if it has no parent), and gets an id of the type
/// `I` when its name first appears.
#[derive(Clone, Debug)]
pub struct Interner<I, P, V> {
    entries: Vec<NamedEntry<P, V>>,
    table: HashTable<I>,
    /// The result of the latest look-up: neighbouring records often name the same thing.
    latest: Option<I>,
}

#[derive(Clone, Debug)]
struct NamedEntry<P, V> {
    parent: P,
    name: Box<[u8]>,
    value: V,
}

/// The seed is fixed: neither the order of the input nor the process may change a result.
const HASHER: FixedState = FixedState::with_seed(0);

impl<I, P, V> Default for Interner<I, P, V> {
    fn default() -> Self {
        Self { entries: Vec::new(), table: HashTable::new(), latest: None }
    }
}

impl<I: Id, P: Copy + Eq + Hash, V: Default> Interner<I, P, V> {
    /// The id of `name` under `parent`, given when the name first appears. Once there are `cap - 1` entries, a new
    /// name gets the id of [`OTHER`] under its parent instead. Each parent has at most one such entry.
    #[inline]
    pub fn intern(&mut self, parent: P, name: &[u8], cap: usize) -> I {
        if let Some(latest) = self.latest
            && let Some(entry) = self.entries.get(latest.to_index())
            && entry.parent == parent
            && *entry.name == *name
        {
            return latest;
        }
        let id = self.look_up(parent, name, cap);
        self.latest = Some(id);
        id
    }

    fn look_up(&mut self, parent: P, name: &[u8], cap: usize) -> I {
        if let Some(id) = self.find(parent, name) {
            return id;
        }
        if self.entries.len() + 1 >= cap && name != OTHER {
            return self.look_up(parent, OTHER, cap);
        }
        let id = I::from_index(self.entries.len());
        self.entries.push(NamedEntry { parent, name: name.into(), value: V::default() });
        let entries = &self.entries;
        self.table.insert_unique(hash_of(parent, name), id, |&id| {
            let entry = &entries[id.to_index()];
            hash_of(entry.parent, &entry.name)
        });
        id
    }

    /// The id of `name` under `parent`. `None` if it has none.
    #[must_use]
    pub fn find(&self, parent: P, name: &[u8]) -> Option<I> {
        let is_same = |&id: &I| {
            let entry = &self.entries[id.to_index()];
            entry.parent == parent && *entry.name == *name
        };
        self.table.find(hash_of(parent, name), is_same).copied()
    }

    /// The value of an entry.
    ///
    /// # Panics
    /// If there is no such entry, which may happen with an id of another summary.
    #[inline]
    pub fn value_mut(&mut self, id: I) -> &mut V {
        &mut self.entries[id.to_index()].value
    }

    /// All values, mutable, in the order of their ids.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.entries.iter_mut().map(|entry| &mut entry.value)
    }

    /// Parent, name and value of each entry, in the order of their ids.
    pub fn into_entries(self) -> impl Iterator<Item = (P, Box<[u8]>, V)> {
        self.entries.into_iter().map(|entry| (entry.parent, entry.name, entry.value))
    }

    /// Adds the entries of `other` and returns their ids here. `parent` maps a parent of `other` to the one here.
    pub fn merge(&mut self, other: Self, cap: usize, parent: impl Fn(P) -> P, merge: impl Fn(&mut V, V)) -> NewIds<I> {
        let moved = other.entries.into_iter().map(|entry| {
            let id = self.intern(parent(entry.parent), &entry.name, cap);
            merge(self.value_mut(id), entry.value);
            id
        });
        NewIds::new(moved.collect())
    }
}

impl<I: Id, P: Copy, V> Interner<I, P, V> {
    /// All ids, in their order.
    pub fn ids(&self) -> impl ExactSizeIterator<Item = I> + use<I, P, V> {
        (0..self.entries.len()).map(I::from_index)
    }

    /// Parent, name and value of each entry, in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = (P, &[u8], &V)> {
        self.entries.iter().map(|entry| (entry.parent, &*entry.name, &entry.value))
    }

    /// Parent, name and value of one entry.
    ///
    /// # Panics
    /// If there is no such entry, which may happen with an id of another summary.
    #[must_use]
    pub fn entry(&self, id: I) -> (P, &[u8], &V) {
        let entry = &self.entries[id.to_index()];
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
