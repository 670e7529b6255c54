//! Which failures over time belong to which finding, and which are in none.

use std::collections::BTreeMap;

use super::grid::{Grid, OverTime, add, merged};
use crate::aggregate::{Summary, TargetId};
use crate::classify::Outcome;
use crate::diagnose::{FailuresPerMinute, Finding};

/// The failures that no finding has taken yet, by target, outcome and time bin.
pub(super) struct RemainingFailures {
    grid: Grid,
    left: BTreeMap<(TargetId, Outcome), OverTime>,
}

impl RemainingFailures {
    pub(super) fn new(summary: &Summary, grid: Grid) -> Self {
        let mut left: BTreeMap<(TargetId, Outcome), OverTime> = BTreeMap::new();
        for (id, (_, _, target)) in summary.targets.ids().zip(summary.targets.iter()) {
            for (start, row) in target.heatmap.rows() {
                for &(outcome, _, requests) in &row.failed {
                    add(left.entry((id, outcome)).or_default(), grid.bin(start), requests.into());
                }
            }
        }
        Self { grid, left }
    }

    /// Takes the failures of a finding, and returns them over time.
    pub(super) fn take(&mut self, finding: &Finding) -> OverTime {
        let mut over_time = OverTime::new();
        for &FailuresPerMinute { target, outcome, minute, failures } in &finding.failures_per_minute {
            let bin = self.grid.bin(minute);
            add(&mut over_time, bin, failures);
            let left = self.left.get_mut(&(target, outcome));
            if let Some(left) = left.and_then(|counts| counts.get_mut(&bin)) {
                *left = left.saturating_sub(failures);
            }
        }
        over_time
    }

    /// All that is left, over time.
    pub(super) fn rest(self) -> OverTime {
        self.left.into_values().fold(OverTime::new(), merged)
    }
}
