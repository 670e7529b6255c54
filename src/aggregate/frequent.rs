//! The most frequent of many names, in bounded memory.

/// Names that are kept. In one sketch that was never merged, a name with more than 1/`MAX_NAMES` of all is among them.
/// A merge keeps the names with the highest counts and may drop such a name.
pub const MAX_NAMES: usize = 8;

/// Bytes of a name that are kept.
pub const MAX_NAME_BYTES: usize = 120;

/// The most frequent of many names, in the memory of [`MAX_NAMES`]. If there is no room for a new name, it
/// replaces the rarest one and takes over its count (Space-Saving by Metwally, Agrawal and El Abbadi).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frequent(Vec<NameCount>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct NameCount {
    name: Box<[u8]>,
    /// How often the name came, at most.
    count: u64,
    /// How much of `count` was taken over from names that this one replaced.
    inherited: u64,
}

impl Frequent {
    pub(super) fn observe(&mut self, name: &[u8]) {
        let name = &name[..name.len().min(MAX_NAME_BYTES)];
        if let Some(entry) = self.0.iter_mut().find(|entry| *entry.name == *name) {
            entry.count += 1;
        } else if self.0.len() < MAX_NAMES {
            self.0.push(NameCount { name: name.into(), count: 1, inherited: 0 });
        } else if let Some(rarest) = self.0.iter_mut().min_by_key(|entry| entry.count) {
            *rarest = NameCount { name: name.into(), count: rarest.count + 1, inherited: rarest.count };
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for theirs in &other.0 {
            match self.0.iter_mut().find(|entry| entry.name == theirs.name) {
                Some(mine) => {
                    mine.count += theirs.count;
                    mine.inherited += theirs.inherited;
                }
                None => self.0.push(theirs.clone()),
            }
        }
        self.0.sort_by(|one, other| (other.count, &one.name).cmp(&(one.count, &other.name)));
        self.0.truncate(MAX_NAMES);
    }

    /// The names kept, and how often each came at least, in no order.
    pub fn certain(&self) -> impl Iterator<Item = (&[u8], u64)> {
        self.0.iter().map(|entry| (&*entry.name, entry.count - entry.inherited))
    }

    /// Whether every name that came is among those kept, with its exact count.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        // Names are replaced or dropped only when there is no room, and from then on there is none.
        self.0.len() < MAX_NAMES
    }

    /// The name that came most often for certain, and how often it came at least. Of several, the first in byte
    /// order. `None` when there are no names.
    #[must_use]
    pub fn first(&self) -> Option<(&[u8], u64)> {
        self.certain().max_by(|one, other| (one.1, other.0).cmp(&(other.1, one.0)))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn of(names: &[u8]) -> Frequent {
        let mut frequent = Frequent::default();
        for name in names {
            frequent.observe(&[*name]);
        }
        frequent
    }

    fn counts(names: &[u8]) -> BTreeMap<u8, u64> {
        names.iter().fold(BTreeMap::new(), |mut counts, name| {
            *counts.entry(*name).or_default() += 1;
            counts
        })
    }

    proptest! {
        #[test]
        fn a_count_is_never_above_the_truth_and_exact_while_all_names_fit(
            // Few names are drawn often, many rarely.
            names in prop::collection::vec((0..6_u8, 0..6_u8).prop_map(|(one, other)| one * other), 0..200),
            cuts in prop::collection::vec(0..200_usize, 0..3),
        ) {
            let truth = counts(&names);
            let alone = of(&names);
            let mut merged = Frequent::default();
            let mut rest = &names[..];
            for cut in cuts {
                let (part, others) = rest.split_at(cut.min(rest.len()));
                merged.merge(&of(part));
                rest = others;
            }
            merged.merge(&of(rest));
            for frequent in [&alone, &merged] {
                prop_assert!(frequent.0.len() <= MAX_NAMES);
                for (name, at_least) in frequent.certain() {
                    prop_assert!(at_least <= truth[&name[0]], "{name:?}");
                }
                if frequent.is_complete() {
                    let kept: BTreeMap<u8, u64> = frequent.certain().map(|(name, count)| (name[0], count)).collect();
                    prop_assert_eq!(&kept, &truth);
                }
                let most = frequent.certain().map(|(_, count)| count).max();
                prop_assert_eq!(frequent.first().map(|(_, count)| count), most);
            }
            prop_assert_eq!(alone.is_complete(), truth.len() < MAX_NAMES);
            for (name, count) in truth.iter().filter(|(_, count)| **count * MAX_NAMES as u64 > names.len() as u64) {
                prop_assert!(alone.certain().any(|(kept, _)| kept == [*name]), "{name} came {count} times");
            }
        }
    }

    #[test]
    fn of_equally_frequent_names_the_first_in_byte_order_is_first() {
        assert_eq!(of(b"cbacba").first(), Some((b"a".as_slice(), 2)));
        assert_eq!(of(b"").first(), None);
    }

    #[test]
    fn names_that_begin_with_the_same_long_text_count_together() {
        let long = [b'x'; MAX_NAME_BYTES + 1];
        let mut frequent = Frequent::default();
        frequent.observe(&long);
        frequent.observe(&long[1..]);
        frequent.observe(&long[2..]);
        assert_eq!(frequent.first(), Some((&long[1..], 2)));
    }

    #[test]
    fn a_frequent_name_survives_many_rare_ones_and_its_count_is_never_too_high() {
        let mut frequent = Frequent::default();
        for number in 0..1_000_u32 {
            frequent.observe(format!("rare {number}").as_bytes());
            if number % 2 == 0 {
                frequent.observe(b"often");
            }
        }
        let (name, at_least) = frequent.first().expect("a name");
        assert_eq!(name, b"often");
        assert!((300..=500).contains(&at_least), "{at_least}");
        assert!(!frequent.is_complete());
    }

    #[test]
    fn halves_add_up_as_long_as_there_is_room() {
        let names = ["a", "b", "a", "c", "b", "a"];
        let seen = |names: &[&str]| {
            let mut frequent = Frequent::default();
            for name in names {
                frequent.observe(name.as_bytes());
            }
            frequent
        };
        let (mut one, mut other) = (seen(&names[..2]), seen(&names[2..]));
        let again = one.clone();
        one.merge(&other);
        other.merge(&again);
        assert_eq!(one, other);
        assert_eq!(one.first(), Some((b"a".as_slice(), 3)));
        assert!(one.is_complete());
    }
}
