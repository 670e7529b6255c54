//! The requests of one target.

use super::failures::Failures;
use super::heatmap::{self, LatencyHeatmap};
use super::outcome_counts::OutcomeCounts;
use super::quantiles::Quantiles;
use super::span::Span;
use super::status_pairs::StatusPairs;
use crate::classify::{Exchange, Outcome};
use crate::location::Location;

/// What is kept for one target, or for the requests of a target group that had no target.
#[derive(Clone, Debug, Default)]
pub struct Target {
    /// Requests seen.
    pub requests: u64,
    /// How many of them are WebSocket connections.
    pub web_sockets: u64,
    /// First and last `time`.
    pub seen: Option<Span>,
    /// Requests by outcome, indexed by [`Outcome::index`].
    pub outcomes: OutcomeCounts,
    /// Requests by pair of status codes.
    pub status_pairs: StatusPairs,
    /// `target_processing_time` of the requests that the target answered.
    pub latency: Quantiles,
    /// Elapsed times that are known exactly, without those of WebSocket connections.
    pub elapsed: Quantiles,
    /// All requests by time and elapsed time.
    pub heatmap: LatencyHeatmap,
    /// The failures: one entry for each failed outcome that occurred.
    pub failures: Vec<Failures>,
}

impl Target {
    /// Takes in one request. `rows` is how many rows its heatmap may have. `line` and `location` are kept for a few
    /// failures.
    #[inline]
    pub(super) fn observe(
        &mut self,
        exchange: &Exchange<'_>,
        outcome: Outcome,
        rows: usize,
        line: &[u8],
        location: impl FnOnce() -> Location,
    ) {
        self.requests += 1;
        self.web_sockets += u64::from(exchange.is_web_socket);
        Span::include(&mut self.seen, exchange.time);
        self.outcomes.0[outcome.index()] += 1;
        self.status_pairs.observe((exchange.elb_status_code, exchange.target_status_code));
        if let (Some(latency), Some(_)) = (exchange.target_processing_time, exchange.target_status_code) {
            self.latency.observe(latency);
        }
        let elapsed = exchange.elapsed.exact().filter(|_| !exchange.is_web_socket);
        if let Some(elapsed) = elapsed {
            self.elapsed.observe(elapsed);
        }
        self.heatmap.observe(exchange.time, elapsed, outcome, rows);
        if outcome.is_failure() {
            self.failures_of(outcome).observe(exchange, line, location);
        }
    }

    fn failures_of(&mut self, outcome: Outcome) -> &mut Failures {
        let index = self.failures.iter().position(|failures| failures.outcome == outcome).unwrap_or_else(|| {
            self.failures.push(Failures::new(outcome));
            self.failures.len() - 1
        });
        &mut self.failures[index]
    }

    /// Adds the counts of `other`.
    pub fn merge(&mut self, other: Self) {
        self.requests += other.requests;
        self.web_sockets += other.web_sockets;
        self.seen = Span::union(self.seen, other.seen);
        self.outcomes.merge(&other.outcomes);
        self.status_pairs.merge(&other.status_pairs);
        self.latency.merge(&other.latency);
        self.elapsed.merge(&other.elapsed);
        self.heatmap.merge(other.heatmap, heatmap::MAX_ROWS);
        for failures in other.failures {
            self.failures_of(failures.outcome).merge(failures);
        }
    }
}
