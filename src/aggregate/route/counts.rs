//! The requests of one route.

use crate::aggregate::id::TargetGroupId;
use crate::aggregate::outcome_counts::OutcomeCounts;
use crate::aggregate::quantiles::Quantiles;

/// A target group, and `METHOD /template`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    /// The target group whose requests these are.
    pub target_group: TargetGroupId,
    /// Method, a blank, and the template.
    pub template: Box<[u8]>,
}

/// Counts for one route.
#[derive(Clone, Debug, Default)]
pub struct RouteCounts {
    /// Requests by outcome.
    pub outcomes: OutcomeCounts,
    /// Elapsed times, where known, without those of WebSocket connections.
    pub elapsed: Quantiles,
}

impl RouteCounts {
    /// How many requests there were.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.outcomes.iter().map(|(_, requests)| requests).sum()
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.outcomes.merge(&other.outcomes);
        self.elapsed.merge(&other.elapsed);
    }
}
