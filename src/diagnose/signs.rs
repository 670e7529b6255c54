//! What a finding shows of what decides between the ways to fix its cause.

use std::collections::BTreeMap;
use std::time::Duration;

use super::finding::Finding;
use super::scope::Scope;
use crate::aggregate::{Span, Summary, TargetGroupId};
use crate::classify::Outcome;
use crate::knowledge::{Sign, causes};
use crate::timestamp::Timestamp;

/// Failures that begin or end within this share of the log from its beginning or end, and within this time, may have
/// begun before it, or may go on after it.
const EDGE_SHARE: f64 = 0.05;
const MIN_EDGE: Duration = Duration::from_mins(1);

/// Failures that come at random have a gap of this many times their mean gap in one of fifty cases.
const GAPS: f64 = 4.0;

/// A target is the only one that fails if the others together have at most this share of its failures.
const MAX_SHARE_OF_OTHERS: f64 = 0.1;

/// What is counted once for all findings.
pub(super) struct Signs<'a> {
    summary: &'a Summary,
    /// How many targets each group has.
    targets: BTreeMap<TargetGroupId, usize>,
    /// Failures of all targets of a group.
    failures: BTreeMap<(TargetGroupId, Outcome), u64>,
}

impl<'a> Signs<'a> {
    pub(super) fn new(summary: &'a Summary) -> Self {
        let mut signs = Self { summary, targets: BTreeMap::new(), failures: BTreeMap::new() };
        for (group, _, target) in summary.targets.iter().filter(|(_, address, _)| !address.is_empty()) {
            *signs.targets.entry(group).or_default() += 1;
            for failures in &target.failures {
                *signs.failures.entry((group, failures.outcome)).or_default() += failures.requests;
            }
        }
        signs
    }

    /// The signs that a finding shows (`true`) or does not show. A sign of which the log says nothing is not in it.
    pub(super) fn of(&self, finding: &Finding) -> Vec<(Sign, bool)> {
        let mut signs = vec![(Sign::AfterAConstant, finding.estimates.timeout.is_some())];
        signs.extend(self.at_the_edges(finding).into_iter().flatten());
        if let Some(answered) = self.answered(finding) {
            signs.extend([(Sign::Answered, answered), (Sign::NeverAnswered, !answered)]);
        }
        signs.extend(self.is_the_only_one(finding).map(|it| (Sign::AtOneTarget, it)));
        if finding.cause == &causes::IDLE_TIMEOUT_EXCEEDED {
            let says_so = |name: &str| name == "slowest_answer";
            let mut evidence = finding.evidence.iter();
            let slowest = evidence.find(|evidence| evidence.numbers.iter().any(|(name, _)| says_so(name)));
            signs.extend(slowest.map(|evidence| (Sign::AnswersTakeLong, evidence.is_for)));
        }
        signs
    }

    /// `None` if the log is too short to have a middle.
    fn at_the_edges(&self, finding: &Finding) -> Option<[(Sign, bool); 2]> {
        let (log, failures) = (self.summary.span?, finding.span?);
        let edge = MIN_EDGE.max(log.length().mul_f64(EDGE_SHARE));
        if log.length() < edge * 4 {
            return None;
        }
        let mean_gap = failures.length().as_secs_f64() / finding.failures.max(2).saturating_sub(1) as f64;
        let quiet = edge.max(Duration::from_secs_f64(mean_gap * GAPS));
        let began = failures.first.since(self.first_request(finding, log)) > quiet;
        Some([(Sign::BeganInTheLog, began), (Sign::GoesOn, log.last.since(failures.last) <= quiet)])
    }

    /// When the first request to any of the finding's targets ended.
    fn first_request(&self, finding: &Finding, log: Span) -> Timestamp {
        let targets = finding.failures_by_target.iter().map(|(target, ..)| self.summary.targets.entry(*target).2);
        targets.filter_map(|target| target.seen).map(|seen| seen.first).min().unwrap_or(log.first)
    }

    /// Whether any target of the finding answered a request. `None` if it is not about targets.
    fn answered(&self, finding: &Finding) -> Option<bool> {
        let mut targets = finding.failures_by_target.iter().map(|(target, ..)| *target).peekable();
        targets.peek()?;
        Some(targets.any(|target| self.summary.targets.entry(target).2.latency.count() > 0))
    }

    /// Whether hardly any other target of the group failed likewise. `None` if it has no other target.
    fn is_the_only_one(&self, finding: &Finding) -> Option<bool> {
        let target = match finding.scope {
            Scope::Target(target) => target,
            Scope::TargetGroup(_) if finding.failures_by_target.len() > 1 => return Some(false),
            Scope::TargetGroup(_) | Scope::LoadBalancer(_) => return None,
        };
        let (group, _, totals) = self.summary.targets.entry(target);
        if self.targets.get(&group).copied().unwrap_or_default() < 2 {
            return None;
        }
        let own = totals.failures.iter().filter(|failures| failures.outcome == finding.outcome);
        let own: u64 = own.map(|failures| failures.requests).sum();
        let all = self.failures.get(&(group, finding.outcome)).copied().unwrap_or_default();
        Some(all.saturating_sub(own) as f64 <= finding.failures as f64 * MAX_SHARE_OF_OTHERS)
    }
}
