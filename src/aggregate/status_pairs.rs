//! Requests by pair of status codes.

use foldhash::fast::FixedState;
use hashbrown::HashMap;

/// `elb_status_code` and `target_status_code`. `None` where the log has no status (`-`, `000`).
pub type StatusPair = (Option<u16>, Option<u16>);

/// Requests by pair of status codes.
#[derive(Clone, Debug, Default)]
pub struct StatusPairs {
    /// The first few pairs seen. A genuine log has no more, and a short list is faster than a map.
    few: Vec<(StatusPair, u64)>,
    /// Further pairs, which only a made-up log has.
    rest: HashMap<StatusPair, u64, FixedState>,
}

/// Pairs that are kept in the list; further ones go to the map.
const FEW_STATUS_PAIRS: usize = 16;

impl StatusPairs {
    #[inline]
    pub(super) fn observe(&mut self, pair: StatusPair) {
        self.add(pair, 1);
    }

    #[inline]
    fn add(&mut self, pair: StatusPair, requests: u64) {
        if let Some((_, known)) = self.few.iter_mut().find(|(known, _)| *known == pair) {
            *known += requests;
        } else if self.few.len() < FEW_STATUS_PAIRS {
            self.few.push((pair, requests));
        } else {
            *self.rest.entry(pair).or_default() += requests;
        }
    }

    /// Adds the counts of `other`.
    pub fn merge(&mut self, other: &Self) {
        for (pair, requests) in other.iter() {
            self.add(pair, requests);
        }
    }

    fn iter(&self) -> impl Iterator<Item = (StatusPair, u64)> {
        self.few.iter().copied().chain(self.rest.iter().map(|(&pair, &requests)| (pair, requests)))
    }

    /// All pairs with their counts, ordered by status codes.
    #[must_use]
    pub fn sorted(&self) -> Vec<(StatusPair, u64)> {
        let mut pairs: Vec<_> = self.iter().collect();
        pairs.sort_unstable();
        pairs
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn pairs_are_counted_however_many_there_are_and_however_they_are_merged(
            pairs in prop::collection::vec((prop::option::of(200..206_u16), prop::option::of(500..505_u16)), 0..200),
            half in 0..200_usize,
        ) {
            let of = |pairs: &[StatusPair]| {
                let mut counts = StatusPairs::default();
                for pair in pairs {
                    counts.observe(*pair);
                }
                counts
            };
            let mut expected: BTreeMap<StatusPair, u64> = BTreeMap::new();
            for pair in &pairs {
                *expected.entry(*pair).or_default() += 1;
            }
            let expected: Vec<_> = expected.into_iter().collect();
            let (one, other) = pairs.split_at(half.min(pairs.len()));
            let (mut forth, mut back) = (of(one), of(other));
            forth.merge(&of(other));
            back.merge(&of(one));
            for counts in [of(&pairs), forth, back] {
                prop_assert_eq!(counts.sorted(), &expected[..]);
            }
        }
    }
}
