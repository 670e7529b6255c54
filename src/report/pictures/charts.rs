//! All data for pictures, and the failures over time of each finding and of each target.

use super::builder::timings;
use super::failures_over_time::{in_no_finding, of_finding, of_target};
use super::grid::{Grid, OverTime};
use super::{Mark, MarkKind, Pictures};
use crate::aggregate::Summary;
use crate::aggregate::heatmap::{self, ELAPSED_BINS, MIN_WIDTH_SECONDS};
use crate::classify::CONNECT_TIMEOUT;
use crate::diagnose::{Diagnosis, seconds_of};
use crate::report::scope::ScopeRow;
use crate::timestamp::Timestamp;

/// The data for the pictures, and the failures over time of each finding and of each target, by their indices.
pub(in crate::report) struct Charts {
    pub(in crate::report) pictures: Pictures,
    pub(in crate::report) of_findings: Vec<Vec<(usize, u64)>>,
    pub(in crate::report) of_targets: Vec<Vec<(usize, u64)>>,
}

impl Charts {
    pub(in crate::report) fn new(summary: &Summary, diagnosis: &Diagnosis) -> Self {
        let grid = Grid::new(summary);
        let mut pictures = Pictures {
            start: grid.map(|grid| Timestamp::from_seconds(grid.start)),
            time_bin_seconds: grid.map_or(MIN_WIDTH_SECONDS, |grid| grid.width),
            time_bins: grid.map_or(0, |grid| grid.bins),
            elapsed_bins: (0..ELAPSED_BINS).map(heatmap::bin_start).map(seconds_of).collect(),
            marks: marks(summary, diagnosis),
            timings: Vec::new(),
            unexplained: Vec::new(),
        };
        let Some(grid) = grid else {
            return Self { pictures, of_findings: vec![Vec::new(); diagnosis.findings.len()], of_targets: Vec::new() };
        };
        pictures.timings = timings(summary, diagnosis.idle_timeout.duration, grid);
        let of_findings: Vec<OverTime> = diagnosis.findings.iter().map(|finding| of_finding(finding, grid)).collect();
        let of_targets: Vec<OverTime> = summary.targets.iter().map(|(_, _, target)| of_target(target, grid)).collect();
        pictures.unexplained = in_no_finding(&of_targets, &of_findings).into_iter().collect();
        let listed = |all: Vec<OverTime>| all.into_iter().map(|over_time| over_time.into_iter().collect()).collect();
        Self { pictures, of_findings: listed(of_findings), of_targets: listed(of_targets) }
    }
}

fn marks(summary: &Summary, diagnosis: &Diagnosis) -> Vec<Mark> {
    let own = |kind, duration, origin| Mark { kind, seconds: seconds_of(duration), origin, scope: None, finding: None };
    let idle_timeout = diagnosis.idle_timeout;
    let mut marks = vec![
        own(MarkKind::IdleTimeout, idle_timeout.duration, Some(idle_timeout.origin)),
        own(MarkKind::ConnectTimeout, CONNECT_TIMEOUT, None),
    ];
    for (index, finding) in diagnosis.findings.iter().enumerate() {
        let estimates =
            [(MarkKind::Timeout, finding.estimates.timeout), (MarkKind::KeepAlive, finding.estimates.keep_alive)];
        for (kind, estimate) in estimates {
            marks.extend(estimate.map(|estimate| Mark {
                scope: Some(ScopeRow::new(summary, finding.scope)),
                finding: Some(index),
                ..own(kind, estimate, None)
            }));
        }
    }
    marks
}
