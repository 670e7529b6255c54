//! Requests over time and elapsed time, by load balancer: the fine histogram of the JSON report.

use serde::Serialize;

use super::values::text_of;
use crate::aggregate::timing::{ELAPSED_BINS, elapsed_bin_start};
use crate::aggregate::{Summary, Timing};
use crate::classify::Outcome;
use crate::diagnose::seconds_of;
use crate::timestamp::Timestamp;

/// The timing histogram has at most this many time bins, or the widest bins there are.
const MAX_TIMING_BINS: usize = 240;

/// Requests over time and elapsed time.
#[derive(Clone, Debug, Serialize)]
pub struct TimingRow {
    /// Lower edges of the elapsed-time bins, in seconds. The first bin also has shorter times, the last also longer
    /// ones.
    pub elapsed_bins: Vec<f64>,
    /// One entry per load balancer, sorted by its id.
    pub load_balancers: Vec<TimingOfLoadBalancer>,
}

impl TimingRow {
    pub(super) fn new(summary: &Summary) -> Self {
        let load_balancers = summary.load_balancers.iter().map(|((), name, load_balancer)| {
            let coarse: Timing = load_balancer.timing.coarsened(MAX_TIMING_BINS);
            let bins = coarse.sorted().into_iter().map(|(start, bin)| {
                let mut failed = bin.failed.clone();
                failed.sort_unstable();
                TimingBin {
                    start,
                    requests: bin.outcomes.iter().map(|(_, requests)| requests).sum(),
                    failures: bin.outcomes.failures(),
                    elapsed: bin.elapsed.iter().copied().enumerate().filter(|&(_, requests)| requests > 0).collect(),
                    failed,
                }
            });
            TimingOfLoadBalancer {
                load_balancer: text_of(name),
                time_bin_seconds: coarse.width_seconds(),
                bins: bins.collect(),
            }
        });
        let mut load_balancers: Vec<_> = load_balancers.collect();
        load_balancers.sort_by(|one, other| one.load_balancer.cmp(&other.load_balancer));
        Self { elapsed_bins: (0..ELAPSED_BINS).map(elapsed_bin_start).map(seconds_of).collect(), load_balancers }
    }
}

/// One load balancer's requests over time.
#[derive(Clone, Debug, Serialize)]
pub struct TimingOfLoadBalancer {
    /// Resource id.
    pub load_balancer: String,
    /// Width of a time bin, in seconds.
    pub time_bin_seconds: i64,
    /// The time bins that have a request, in order of time.
    pub bins: Vec<TimingBin>,
}

/// One time bin.
#[derive(Clone, Debug, Serialize)]
pub struct TimingBin {
    /// When it begins.
    pub start: Timestamp,
    /// Requests that ended in it, also those whose elapsed time is unknown.
    pub requests: u64,
    /// How many of them failed.
    pub failures: u64,
    /// Requests by elapsed time: (index of the elapsed-time bin, requests). Only bins with requests.
    pub elapsed: Vec<(usize, u32)>,
    /// Failed requests with a known elapsed time: (outcome, index of the elapsed-time bin, requests), sorted.
    pub failed: Vec<(Outcome, u16, u32)>,
}
