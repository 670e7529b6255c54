//! The requests of one target.

use super::exact_times::ExactTimes;
use super::failures::Failures;
use super::frequent::Frequent;
use super::heatmap::{self, LatencyHeatmap};
use super::longest_times::LongestTimes;
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
    /// The requests that were refused: one entry for each such outcome that occurred.
    pub refusals: Vec<Failures>,
    /// The most frequent codes of `classification_reason` among the requests that were not refused.
    pub passed_classifications: Frequent,
    /// How long its WebSocket connections lasted.
    pub web_socket_times: ExactTimes,
    /// The longest times that it was silent before it answered a request or closed its connection.
    pub longest_silences: LongestTimes,
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
            of_outcome(&mut self.failures, outcome).observe(exchange, line, location);
        } else if outcome.is_refusal() {
            of_outcome(&mut self.refusals, outcome).observe(exchange, line, location);
        }
        if let (Some(code), false) = (exchange.classification_reason, outcome.is_refusal()) {
            self.passed_classifications.observe(code);
        }
        if let Some(silence) = exchange.silence() {
            self.longest_silences.observe(silence);
        }
        if let (true, Some(elapsed)) = (exchange.is_web_socket, exchange.elapsed.exact()) {
            self.web_socket_times.observe(elapsed);
        }
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
            of_outcome(&mut self.failures, failures.outcome).merge(failures);
        }
        for refusals in other.refusals {
            of_outcome(&mut self.refusals, refusals.outcome).merge(refusals);
        }
        self.passed_classifications.merge(&other.passed_classifications);
        self.web_socket_times.merge(&other.web_socket_times);
        self.longest_silences.merge(&other.longest_silences);
    }
}

/// The entry of an outcome, which is added if there is none.
fn of_outcome(entries: &mut Vec<Failures>, outcome: Outcome) -> &mut Failures {
    let index = entries.iter().position(|failures| failures.outcome == outcome).unwrap_or_else(|| {
        entries.push(Failures::new(outcome));
        entries.len() - 1
    });
    &mut entries[index]
}
