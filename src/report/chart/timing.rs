//! The heatmap of one scope: which bins it shows, and its counts and lines.

use super::axis::{ElapsedAxis, TimeAxis};
use super::line::{TimeoutLine, lines};
use crate::classify::Outcome;
use crate::report::phrases;
use crate::report::pictures::{Pictures, TimingPicture};
use crate::report::plain::shortened;

/// An axis has at least this many elapsed-time bins. They span more than a factor of 100, so that at least two powers
/// of ten are labelled.
pub(super) const MIN_ELAPSED_BINS: usize = 28;

/// An axis has this many bins below its lowest line.
const BELOW_LINES: usize = 2;

/// Names of targets and the like are cut to this many columns.
pub(super) const MAX_NAME: usize = 60;

/// Failed requests of one outcome in one cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailedCell {
    /// Index of the time bin.
    pub time: usize,
    /// Index of the elapsed-time bin on the chart's axis.
    pub elapsed: usize,
    /// Their outcome.
    pub outcome: Outcome,
    /// How many requests.
    pub requests: u64,
}

/// The heatmap of one scope, laid out.
#[derive(Clone, Debug)]
pub struct TimingChart {
    /// Name of the scope: `shop-prod`, `10.0.10.36:3000`. Safe to show, see
    /// [`sanitize_terminal`](crate::report::plain::sanitize_terminal).
    pub subject: String,
    /// Requests seen.
    pub requests: u64,
    /// How many of them failed.
    pub failures: u64,
    /// How many of them are not drawn: WebSocket connections, and requests of unknown elapsed time.
    pub not_drawn: u64,
    /// The horizontal axis.
    pub time: TimeAxis,
    /// The vertical axis.
    pub elapsed: ElapsedAxis,
    /// Requests by time bin and then by elapsed-time bin.
    pub(super) density: Vec<u64>,
    /// Failed requests, in the order of their time bins.
    pub failed: Vec<FailedCell>,
    /// All failed requests, by time bin.
    pub failures_over_time: Vec<u64>,
    /// Timeouts, the shortest first.
    pub lines: Vec<TimeoutLine>,
}

impl TimingChart {
    /// Lays out the timing of one scope. `None` if there is nothing to draw: no request has a known elapsed time.
    #[must_use]
    pub fn new(pictures: &Pictures, timing: &TimingPicture) -> Option<Self> {
        let time = TimeAxis::of(pictures)?;
        let lines = lines(&pictures.marks, timing);
        let (first, last) = elapsed_range(&pictures.elapsed_bins, timing, &lines)?;
        let elapsed = ElapsedAxis::of(&pictures.elapsed_bins, first..=last);
        let mut density = vec![0; time.bins * elapsed.bins()];
        for (bin, from, requests) in &timing.density {
            let column = &mut density[bin * elapsed.bins()..][..elapsed.bins()];
            column[from - first..][..requests.len()].copy_from_slice(requests);
        }
        let failed = timing.failed.iter().map(|&(time, bin, outcome, requests)| FailedCell {
            time,
            elapsed: bin - first,
            outcome,
            requests,
        });
        let mut failures_over_time = vec![0; time.bins];
        for &(bin, failures) in &timing.failures_over_time {
            failures_over_time[bin] = failures;
        }
        Some(Self {
            subject: subject(timing),
            requests: timing.requests,
            failures: timing.failures,
            not_drawn: timing.requests.saturating_sub(timing.idle_timeout.measured),
            time,
            elapsed,
            density,
            failed: failed.collect(),
            failures_over_time,
            lines,
        })
    }

    /// Requests in one cell.
    #[must_use]
    pub fn requests_in(&self, time: usize, elapsed: usize) -> u64 {
        self.density[time * self.elapsed.bins() + elapsed]
    }
}

/// Indices of the first and the last elapsed-time bin that a picture needs. `elapsed_bins` has the lower edges of all
/// bins. `None` if no request has a known elapsed time.
pub(in crate::report) fn elapsed_range(
    elapsed_bins: &[f64],
    timing: &TimingPicture,
    lines: &[TimeoutLine],
) -> Option<(usize, usize)> {
    let of_axis = |seconds: f64| elapsed_bins.partition_point(|edge| *edge <= seconds).saturating_sub(1);
    let first = timing.density.iter().map(|(_, first, _)| *first).min()?;
    let last = timing.density.iter().map(|(_, first, requests)| first + requests.len() - 1).max()?;
    // All lines are on the axis. So one sees how far requests are from the timeouts even if all are quicker, or all
    // slower.
    let last = lines.iter().map(|line| of_axis(line.seconds)).fold(last, usize::max);
    let first = lines.iter().map(|line| of_axis(line.seconds).saturating_sub(BELOW_LINES)).fold(first, usize::min);
    let first = first.min((last + 1).saturating_sub(MIN_ELAPSED_BINS));
    Some((first, last.max((first + MIN_ELAPSED_BINS).min(elapsed_bins.len()) - 1)))
}

fn subject(timing: &TimingPicture) -> String {
    let name = match (&timing.load_balancer, &timing.target_group, &timing.target) {
        (_, _, Some(target)) => target,
        (_, Some(group), _) => phrases::target_group_name(group),
        (Some(load_balancer), ..) => phrases::load_balancer_name(load_balancer),
        (None, ..) => "all load balancers",
    };
    shortened(name, MAX_NAME)
}
