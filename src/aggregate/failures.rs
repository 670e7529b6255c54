//! The failures, or the refused requests, of one target with one outcome.

use super::callers::Callers;
use super::frequent::Frequent;
use super::quantiles::Quantiles;
use super::route::write_template;
use super::sample::Samples;
use super::span::Span;
use crate::classify::{Exchange, Outcome};
use crate::location::Location;

/// What is kept for the failures of one target with one outcome.
#[derive(Clone, Debug)]
pub struct Failures {
    /// How they ended.
    pub outcome: Outcome,
    /// How many there are.
    pub requests: u64,
    /// First and last `time`.
    pub seen: Option<Span>,
    /// Their elapsed times.
    pub elapsed: Quantiles,
    /// Their `target_processing_time`, if they have one.
    pub target_processing_time: Quantiles,
    /// The earliest few.
    pub samples: Samples,
    /// Who sent most of them.
    pub callers: Callers,
    /// The most frequent codes of `error_reason`.
    pub error_reasons: Frequent,
    /// The most frequent codes of `classification_reason`.
    pub classification_reasons: Frequent,
    /// The most frequent routes, as `METHOD /template`, of requests without a target. The timeline has the routes of
    /// the others.
    pub routes: Frequent,
}

impl Failures {
    pub(super) fn new(outcome: Outcome) -> Self {
        Self {
            outcome,
            requests: 0,
            seen: None,
            elapsed: Quantiles::default(),
            target_processing_time: Quantiles::default(),
            samples: Samples::default(),
            callers: Callers::default(),
            error_reasons: Frequent::default(),
            classification_reasons: Frequent::default(),
            routes: Frequent::default(),
        }
    }

    pub(super) fn observe(&mut self, exchange: &Exchange<'_>, line: &[u8], location: impl FnOnce() -> Location) {
        self.requests += 1;
        Span::include(&mut self.seen, exchange.time);
        if let Some(elapsed) = exchange.elapsed.exact() {
            self.elapsed.observe(elapsed);
        }
        if let Some(time) = exchange.target_processing_time {
            self.target_processing_time.observe(time);
        }
        self.samples.observe(exchange.time, line, location);
        self.callers.observe(exchange.client, exchange.user_agent);
        if let Some(code) = exchange.error_reason {
            self.error_reasons.observe(code);
        }
        if let Some(code) = exchange.classification_reason {
            self.classification_reasons.observe(code);
        }
        if let (None, Some((method, path))) = (exchange.target, exchange.method.zip(exchange.path)) {
            let mut template = Vec::new();
            write_template(method, path, &mut template);
            self.routes.observe(&template);
        }
    }

    /// Adds the requests of `other`, whatever their outcome.
    pub(crate) fn merge(&mut self, other: Self) {
        self.requests += other.requests;
        self.seen = Span::union(self.seen, other.seen);
        self.elapsed.merge(&other.elapsed);
        self.target_processing_time.merge(&other.target_processing_time);
        self.samples.merge(other.samples);
        self.callers.merge(&other.callers);
        self.error_reasons.merge(&other.error_reasons);
        self.classification_reasons.merge(&other.classification_reasons);
        self.routes.merge(&other.routes);
    }
}
