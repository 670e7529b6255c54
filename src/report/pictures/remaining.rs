//! Which failures over time belong to which finding, and which are in none.

use std::collections::BTreeMap;

use super::grid::{Grid, OverTime, add, merged};
use crate::aggregate::Summary;
use crate::classify::Outcome;
use crate::diagnose::{FailuresPerMinute, Finding, Scope, scope_of};

/// The failures that no finding has taken yet, by scope, outcome and time bin.
pub(super) struct RemainingFailures {
    grid: Grid,
    pub(super) left: BTreeMap<(Scope, Outcome), OverTime>,
}

impl RemainingFailures {
    pub(super) fn new(summary: &Summary, grid: Grid) -> Self {
        let mut left: BTreeMap<(Scope, Outcome), OverTime> = BTreeMap::new();
        for (id, (_, _, target)) in summary.targets.ids().zip(summary.targets.iter()) {
            for (start, row) in target.heatmap.rows() {
                for &(outcome, _, requests) in &row.failed {
                    let counts = left.entry((scope_of(summary, id, outcome), outcome)).or_default();
                    add(counts, grid.bin(start), requests.into());
                }
            }
        }
        Self { grid, left }
    }

    /// Takes the failures that a finding lists in `failures_per_minute`. All findings do so before any takes the rest.
    pub(super) fn take_explained(&mut self, finding: &Finding) -> OverTime {
        let mut over_time = OverTime::new();
        for &FailuresPerMinute { target, outcome, minute, failures } in &finding.failures_per_minute {
            let bin = self.grid.bin(minute);
            add(&mut over_time, bin, failures);
            let left = self.left.get_mut(&(Scope::Target(target), outcome));
            if let Some(left) = left.and_then(|counts| counts.get_mut(&bin)) {
                *left = left.saturating_sub(failures);
            }
        }
        over_time
    }

    /// If a finding lists none, takes all that is left of its outcome at its scope. Returns the finding's failures
    /// over time.
    pub(super) fn take_the_rest(&mut self, finding: &Finding, over_time: OverTime) -> OverTime {
        if !finding.failures_per_minute.is_empty() {
            return over_time;
        }
        merged(over_time, self.left.remove(&(finding.scope, finding.outcome)).unwrap_or_default())
    }
}
