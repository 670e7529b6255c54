//! A finding: a cause at a scope, with its failures and evidence.

use std::sync::Arc;
use std::time::Duration;

use super::confidence::Confidence;
use super::evidence::Evidence;
use super::finding_id::FindingId;
use super::measure::lag_counts::LagCounts;
use super::measure::time_pattern::TimePattern;
use super::scope::Scope;
use crate::aggregate::{Samples, Span, TargetId};
use crate::classify::Outcome;
use crate::knowledge::Sign;
use crate::knowledge::causes::Cause;
use crate::timestamp::Timestamp;

/// A cause at a scope.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The hash of its cause and scope. No other finding of the diagnosis has it.
    pub id: FindingId,
    /// What it is about.
    pub scope: Scope,
    /// The most frequent of `outcomes`.
    pub outcome: Outcome,
    /// Its failures by outcome, the most frequent first. A failure is in at most one finding.
    pub outcomes: Vec<(Outcome, u64)>,
    /// The likely cause.
    pub cause: &'static Cause,
    /// The other causes that fit the same lines, likelier ones first.
    pub also_fits: Vec<&'static Cause>,
    /// How sure it is.
    pub confidence: Confidence,
    /// How many requests it explains.
    pub failures: u64,
    /// Failures by target and outcome. Empty if the failures reached no target.
    pub failures_by_target: Vec<(TargetId, Outcome, u64)>,
    /// When the first and the last of its failures ended. Of a finding from the outcome alone, up to the width of a
    /// time bin more, if others of its outcome ended then.
    pub span: Option<Span>,
    /// Episodes of the failures, and the shape of their course. Empty for a finding from the outcome alone.
    pub time_pattern: TimePattern,
    /// Statements for and against the cause. The first number of the first statement is `failures`; of a notice, it is
    /// `requests`.
    pub evidence: Vec<Evidence>,
    /// The code of `error_reason` that most of its failures have. `None` if they have none, or if a detector found it.
    pub error_reason: Option<Box<[u8]>>,
    /// What it shows (`true`) or does not show of what decides between the ways to fix its cause. Empty for a notice.
    pub signs: Vec<(Sign, bool)>,
    /// Timeouts estimated from the log.
    pub estimates: Estimates,
    /// How long before its failures their connections were last used. `None` unless this shows a keep-alive timeout.
    pub lags: Option<Arc<LagCounts>>,
    /// Failures by target, outcome and minute of their end, in no particular order. Of a finding from the outcome
    /// alone, they are counted in the time bins of the target's heatmap, which may be hours wide. Empty for a notice.
    pub failures_per_minute: Vec<FailuresPerMinute>,
    /// Lines of the earliest failures, at most [`MAX_SAMPLES`](crate::aggregate::sample::MAX_SAMPLES). May be empty.
    pub samples: Samples,
}

/// Failures of one finding, target and outcome that ended in one minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FailuresPerMinute {
    /// The target.
    pub target: TargetId,
    /// Their outcome.
    pub outcome: Outcome,
    /// The start of the minute, or of the time bin, UTC.
    pub minute: Timestamp,
    /// Number of failures.
    pub failures: u64,
}

/// Timeouts estimated from how failures are spread over time. `None` if the log does not show one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Estimates {
    /// How long the target keeps an idle connection open.
    pub keep_alive: Option<Duration>,
    /// How long requests ran until they were cut off by the target itself, a proxy in it, or the client that gave up.
    pub timeout: Option<Duration>,
}

impl Finding {
    /// Adds the failures of another finding. The cause and the scope are those of the finding that explains more. Keeps
    /// its evidence, plus the first statement of the other.
    pub(super) fn absorb(&mut self, other: Self) {
        let other = if other.failures > self.failures { std::mem::replace(self, other) } else { other };
        self.confidence = self.confidence.max(other.confidence);
        self.failures += other.failures;
        self.span = Span::union(self.span, other.span);
        for (outcome, requests) in other.outcomes {
            match self.outcomes.iter_mut().find(|(known, _)| *known == outcome) {
                Some((_, known)) => *known += requests,
                None => self.outcomes.push((outcome, requests)),
            }
        }
        self.outcomes.sort_by_key(|(outcome, requests)| (std::cmp::Reverse(*requests), *outcome));
        self.outcome = self.outcomes.first().map_or(self.outcome, |(outcome, _)| *outcome);
        self.failures_by_target.extend(other.failures_by_target);
        self.failures_by_target.sort_unstable();
        self.failures_by_target.dedup_by(|next, known| {
            let is_same = (next.0, next.1) == (known.0, known.1);
            known.2 += if is_same { next.2 } else { 0 };
            is_same
        });
        self.time_pattern.absorb(other.time_pattern);
        self.error_reason = self.error_reason.take().or(other.error_reason);
        self.estimates.keep_alive = self.estimates.keep_alive.or(other.estimates.keep_alive);
        self.estimates.timeout = self.estimates.timeout.or(other.estimates.timeout);
        self.lags = self.lags.take().or(other.lags);
        self.failures_per_minute.extend(other.failures_per_minute);
        self.samples.merge(other.samples);
        if let Some(first) = other.evidence.into_iter().next() {
            self.evidence.push(Evidence { text: format!("in addition, {}", first.text), ..first });
        }
        if let Some((_, failures)) = self.evidence.first_mut().and_then(|first| first.numbers.first_mut()) {
            *failures = self.failures as f64;
        }
    }

    /// How many failures of a target it explains.
    #[must_use]
    pub fn failures_of(&self, target: TargetId) -> u64 {
        let of_target = self.failures_by_target.iter().filter(|(id, ..)| *id == target);
        of_target.map(|(_, _, failures)| failures).sum()
    }
}
