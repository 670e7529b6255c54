//! Histograms of lags, for charts.

use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::diagnose::evidence::seconds_of;

/// The lags of one request in milliseconds: sorted, each once.
pub(super) type RequestLags = Vec<u32>;

/// The histogram of all lags has about this many bins.
const ALL_BINS: u32 = 128;

/// At most this many bins on each side of the bin in which failures pile up.
const NEAR_BINS: u32 = 20;

/// The minimum width of that bin, in milliseconds. The range from the 10th to the 90th percentile of the lags is in
/// its middle, and it is half as wide again as that range.
const MIN_NEAR_WIDTH: u32 = 20;

/// Histograms of lags: how long before a failed or an answered request an earlier answer on the same node and target
/// had ended. They make a keep-alive race visible. Lags shorter than 0.8 seconds are not counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LagCounts {
    /// Failed requests that were looked at, at most 200.
    pub failures: usize,
    /// Answered requests near them that were looked at, at most ten for each.
    pub controls: usize,
    /// All lags, from 0 to a little over the idle timeout.
    pub all: LagBins,
    /// The lags around those at which failures pile up, in finer bins.
    pub near: LagBins,
}

/// A histogram of requests by lag, in bins of one width. A request counts once in each bin in which it has a lag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LagBins {
    /// The shortest lag of the first bin; serialized in seconds.
    #[serde(rename = "start_seconds", serialize_with = "as_seconds")]
    pub start: Duration,
    /// The width of a bin; serialized in seconds.
    #[serde(rename = "bin_seconds", serialize_with = "as_seconds")]
    pub width: Duration,
    /// Failed requests by bin.
    pub failures: Vec<u32>,
    /// Answered requests by bin; as many bins as in `failures`.
    pub controls: Vec<u32>,
}

fn as_seconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(seconds_of(*duration))
}

impl LagCounts {
    /// `peak` is the 10th and the 90th percentile of the lags that pile up, and `max_lag` the longest lag; all in
    /// milliseconds.
    pub(super) fn new(failures: &[RequestLags], controls: &[RequestLags], peak: (u32, u32), max_lag: u32) -> Self {
        let (low, high) = peak;
        let width = ((high - low) * 3 / 2).max(MIN_NEAR_WIDTH);
        // The peak is in the middle of a bin.
        let start = low.midpoint(high).saturating_sub(width / 2);
        let bins_before = (start / width).min(NEAR_BINS);
        let bins = |start, end, width| LagBins::new(failures, controls, start, end, width);
        Self {
            failures: failures.len(),
            controls: controls.len(),
            all: bins(0, max_lag, (max_lag / ALL_BINS).max(1)),
            near: bins(start - bins_before * width, (start + NEAR_BINS * width).min(max_lag), width),
        }
    }
}

impl LagBins {
    fn new(failures: &[RequestLags], controls: &[RequestLags], start: u32, end: u32, width: u32) -> Self {
        let bins = (end.saturating_sub(start) / width + 1) as usize;
        let count = |requests: &[RequestLags]| {
            let mut counts = vec![0; bins];
            for lags in requests {
                let mut indices: Vec<usize> = lags
                    .iter()
                    .filter_map(|lag| Some((lag.checked_sub(start)? / width) as usize))
                    .filter(|index| *index < bins)
                    .collect();
                indices.dedup();
                for index in indices {
                    counts[index] += 1;
                }
            }
            counts
        };
        Self {
            start: Duration::from_millis(start.into()),
            width: Duration::from_millis(width.into()),
            failures: count(failures),
            controls: count(controls),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lags_that_are_drawn_show_the_peak() {
        let failures: Vec<RequestLags> =
            (0..20).map(|number| vec![1_000, 5_001 + number % 2, 40_000 + number]).collect();
        let controls: Vec<RequestLags> = (0..40).map(|number| vec![1_000 * number]).collect();
        let LagCounts { all, near, .. } = LagCounts::new(&failures, &controls, (5_001, 5_002), 63_000);
        assert_eq!((all.start, all.failures.len()), (Duration::ZERO, all.controls.len()));
        assert_eq!(near.start + near.width * 20, Duration::from_millis(4_991), "they lie in the middle of a bin");
        let highest = near.failures.iter().position(|failures| *failures == 20);
        assert_eq!((highest, near.failures.len()), (Some(20), 41));
        assert_eq!((near.failures.iter().sum::<u32>(), near.controls.iter().sum::<u32>()), (20, 1));
        assert_eq!((all.failures.iter().sum::<u32>(), all.controls.iter().sum::<u32>()), (60, 40));
    }
}
