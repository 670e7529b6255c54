//! Failures over time: those of a target, those of a finding, and those in no finding.

use super::grid::{Grid, OverTime, add};
use crate::aggregate::Target;
use crate::diagnose::Finding;

/// All failures at a target.
pub(super) fn of_target(target: &Target, grid: Grid) -> OverTime {
    let mut over_time = OverTime::new();
    for (start, row) in target.heatmap.rows() {
        let failed = row.failed.iter().map(|(.., requests)| u64::from(*requests)).sum();
        if failed > 0 {
            add(&mut over_time, grid.bin(start), failed);
        }
    }
    over_time
}

/// The failures of a finding.
pub(super) fn of_finding(finding: &Finding, grid: Grid) -> OverTime {
    let mut over_time = OverTime::new();
    for counted in &finding.failures_per_minute {
        add(&mut over_time, grid.bin(counted.minute), counted.failures);
    }
    over_time
}

/// The failures that are in no finding. None is in two of them.
pub(super) fn in_no_finding(of_targets: &[OverTime], of_findings: &[OverTime]) -> OverTime {
    let mut left = OverTime::new();
    for (bin, failures) in of_targets.iter().flatten() {
        add(&mut left, *bin, *failures);
    }
    for (bin, explained) in of_findings.iter().flatten() {
        if let Some(failures) = left.get_mut(bin) {
            *failures = failures.saturating_sub(*explained);
        }
    }
    left.retain(|_, failures| *failures > 0);
    left
}
