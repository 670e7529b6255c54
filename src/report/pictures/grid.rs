//! The grid of time bins that all pictures share, and failures counted in it.

use std::collections::BTreeMap;

use super::MAX_TIME_BINS;
use crate::aggregate::Summary;
use crate::aggregate::heatmap::MIN_WIDTH_SECONDS;
use crate::timestamp::Timestamp;

/// The time bins that all pictures share.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grid {
    /// Start of the first bin, in seconds since the epoch.
    pub(super) start: i64,
    pub(super) width: i64,
    pub(super) bins: usize,
}

impl Grid {
    /// The narrowest bins that the log's span and the targets' heatmaps allow; `None` if there are no requests.
    pub(super) fn new(summary: &Summary) -> Option<Self> {
        let span = summary.span?;
        let (first, last) = (span.first.as_seconds(), span.last.as_seconds());
        let widest = summary.targets.iter().map(|(_, _, target)| target.heatmap.width_seconds()).max();
        let mut width = widest.unwrap_or(MIN_WIDTH_SECONDS);
        let bins = |width: i64| usize::try_from(last.div_euclid(width) - first.div_euclid(width) + 1).unwrap_or(1);
        while bins(width) > MAX_TIME_BINS {
            width *= 2;
        }
        Some(Self { start: first.div_euclid(width) * width, width, bins: bins(width) })
    }

    pub(super) fn bin(self, time: Timestamp) -> usize {
        let bin = usize::try_from((time.as_seconds() - self.start).div_euclid(self.width)).unwrap_or(0);
        bin.min(self.bins - 1)
    }
}

/// Failures by time bin.
pub(super) type OverTime = BTreeMap<usize, u64>;

pub(super) fn add(counts: &mut OverTime, bin: usize, failures: u64) {
    *counts.entry(bin).or_default() += failures;
}
