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
