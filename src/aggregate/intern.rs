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

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::super::id::{TargetGroupId, TargetId};
    use super::*;

    /// How often each name came, by a parent.
    type Counts = Interner<TargetId, TargetGroupId, u64>;

    fn parent(index: usize) -> TargetGroupId {
        TargetGroupId::from_index(index)
    }

    fn of(names: &[(usize, u8)], cap: usize) -> Counts {
        let mut counts = Counts::default();
        for &(index, name) in names {
            let id = counts.intern(parent(index), &[name], cap);
            *counts.value_mut(id) += 1;
        }
        counts
    }

    fn contents(counts: &Counts) -> Vec<(usize, Vec<u8>, u64)> {
        counts.iter().map(|(parent, name, count)| (parent.index(), name.to_vec(), *count)).collect()
    }

    fn names() -> impl Strategy<Value = Vec<(usize, u8)>> {
        prop::collection::vec((0..4_usize, 0..6_u8), 0..60)
    }

    proptest! {
        #[test]
        fn ids_are_in_the_order_in_which_names_first_appeared_under_their_parents(names in names()) {
            let counts = of(&names, usize::MAX);
            let mut seen: Vec<(usize, Vec<u8>, u64)> = Vec::new();
            for &(index, name) in &names {
                match seen.iter_mut().find(|(known, known_name, _)| (*known, &known_name[..]) == (index, &[name])) {
                    Some((.., count)) => *count += 1,
                    None => seen.push((index, vec![name], 1)),
                }
            }
            prop_assert_eq!(contents(&counts), seen);
            prop_assert_eq!((counts.len(), counts.is_empty()), (counts.ids().len(), names.is_empty()));
            for id in counts.ids() {
                let (parent, name, _) = counts.entry(id);
                prop_assert_eq!(counts.find(parent, name), Some(id));
                prop_assert_eq!(counts.find(parent, &[name, b"x"].concat()), None);
            }
        }

        #[test]
        fn past_a_cap_no_count_is_lost_and_each_parent_has_one_entry_for_the_rest(names in names(), cap in 1..9_usize) {
            let counts = of(&names, cap);
            let all = contents(&counts);
            prop_assert_eq!(all.iter().map(|(.., count)| count).sum::<u64>(), names.len() as u64);
            let (rest, named): (Vec<_>, Vec<_>) = all.into_iter().partition(|(_, name, _)| name == OTHER);
            prop_assert!(named.len() < cap.max(2));
            let parents: BTreeSet<usize> = rest.iter().map(|(parent, ..)| *parent).collect();
            prop_assert_eq!(parents.len(), rest.len());
            // A name that was there in time has all of its requests.
            for (index, name, count) in named {
                let came = names.iter().filter(|(parent, of)| (*parent, vec![*of]) == (index, name.clone())).count();
                prop_assert_eq!(count, came as u64);
            }
        }

        #[test]
        fn after_a_merge_every_entry_is_found_by_its_new_id(one in names(), other in names()) {
            let theirs = of(&other, usize::MAX);
            let mut merged = of(&one, usize::MAX);
            // Parents have new ids too.
            let new_parent = |of: TargetGroupId| parent(of.index() + 2);
            let new_ids = merged.merge(theirs.clone(), usize::MAX, new_parent, |mine, count| *mine += count);
            for id in theirs.ids() {
                let (old_parent, name, _) = theirs.entry(id);
                let (new_parent, new_name, _) = merged.entry(new_ids.of(id));
                prop_assert_eq!((new_parent.index(), new_name), (old_parent.index() + 2, name));
            }
            let mut expected: BTreeMap<(usize, Vec<u8>), u64> = BTreeMap::new();
            let moved = other.iter().map(|(index, name)| (index + 2, *name));
            for (index, name) in one.iter().copied().chain(moved) {
                *expected.entry((index, vec![name])).or_default() += 1;
            }
            let found = contents(&merged).into_iter().map(|(index, name, count)| ((index, name), count)).collect();
            prop_assert_eq!(expected, found);
            prop_assert_eq!(merged.into_entries().map(|(.., count)| count).sum::<u64>(), (one.len() + other.len()) as u64);
        }
    }
}
