//! Values that several rows of a report have.

use serde::{Serialize, Serializer};

use crate::aggregate::{OutcomeCounts, Quantiles, Span, StatusPairs};
use crate::classify::Outcome;
use crate::diagnose::seconds_of;
use crate::timestamp::Timestamp;

/// A time window. Both ends are included, except the end of [`Report::selected`](super::Report::selected).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Window {
    /// The first moment; `None` if the window is open at its start or there is no time.
    pub start: Option<Timestamp>,
    /// The last moment; `None` if the window is open at its end or there is no time.
    pub end: Option<Timestamp>,
}

impl From<Option<Span>> for Window {
    fn from(span: Option<Span>) -> Self {
        Self { start: span.map(|span| span.first), end: span.map(|span| span.last) }
    }
}

/// Requests by outcome; only outcomes that occurred.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcomes(pub Vec<(Outcome, u64)>);

impl Serialize for Outcomes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(outcome, requests)| (outcome.id(), requests)))
    }
}

impl From<&OutcomeCounts> for Outcomes {
    fn from(counts: &OutcomeCounts) -> Self {
        Self(counts.iter().collect())
    }
}

/// Requests with one pair of status codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct StatusPairRow {
    /// `None` if the log has `-`.
    pub elb_status_code: Option<u16>,
    /// `None` if the log has `-`.
    pub target_status_code: Option<u16>,
    /// How many requests.
    pub requests: u64,
}

pub(super) fn pairs(status_pairs: &StatusPairs) -> Vec<StatusPairRow> {
    let pairs = status_pairs.sorted().into_iter();
    pairs
        .map(|((elb_status_code, target_status_code), requests)| StatusPairRow {
            elb_status_code,
            target_status_code,
            requests,
        })
        .collect()
}

/// Quantiles in seconds; all `None` if nothing was measured. Each except the maximum may be too large by less than
/// 0.8 %.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Latency {
    /// Median.
    pub p50: Option<f64>,
    /// 90th percentile.
    pub p90: Option<f64>,
    /// 99th percentile.
    pub p99: Option<f64>,
    /// 99.9th percentile.
    pub p999: Option<f64>,
    /// Maximum.
    pub max: Option<f64>,
}

impl From<&Quantiles> for Latency {
    fn from(quantiles: &Quantiles) -> Self {
        let at = |q| quantiles.quantile(q).map(seconds_of);
        Self { p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), max: quantiles.max().map(seconds_of) }
    }
}

pub(super) fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub(super) fn some_text_of(bytes: &[u8]) -> Option<String> {
    (!bytes.is_empty()).then(|| text_of(bytes))
}
