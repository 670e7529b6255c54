//! What a finding shows of what decides between the ways to fix its cause.

use std::time::Duration;

use super::finding::Finding;
use super::measure::time_pattern::Shape;
use super::scope::Scope;
use crate::aggregate::{Span, Summary, TargetId};
use crate::knowledge::Sign;

/// Failures that begin or end within this share of the log from its beginning or end, and within this time, may have
/// begun before it, or may go on after it.
const EDGE_SHARE: f64 = 0.05;
const MIN_EDGE: Duration = Duration::from_mins(1);

/// A target is the only one that fails if the others together have at most this share of its failures.
const MAX_SHARE_OF_OTHERS: f64 = 0.1;

/// Answers take long if the slowest one took at least this share of the idle timeout.
const LONG_SHARE: f64 = 0.5;

/// The signs that a finding shows (`true`) or does not show. A sign of which the log says nothing is not in it.
pub(super) fn signs(summary: &Summary, finding: &Finding) -> Vec<(Sign, bool)> {
    let mut signs = vec![(Sign::AfterAConstant, finding.estimates.timeout.is_some())];
    if let (Some(log), Some(span)) = (summary.span, finding.span) {
        signs.extend(at_the_edges(log, span, finding.time_pattern.shape));
    }
    if let Some(answered) = answered(summary, finding) {
        signs.extend([(Sign::Answered, answered), (Sign::NeverAnswered, !answered)]);
    }
    signs.extend(is_the_only_one(summary, finding).map(|it| (Sign::AtOneTarget, it)));
    let number = |name| {
        let mut numbers = finding.evidence.iter().flat_map(|evidence| &evidence.numbers);
        numbers.find(|(known, _)| *known == name).map(|(_, number)| *number)
    };
    if let (Some(slowest), Some(idle_timeout)) = (number("slowest_answer"), number("idle_timeout")) {
        signs.push((Sign::AnswersTakeLong, slowest >= idle_timeout * LONG_SHARE));
    }
    signs
}

/// Nothing is known of a log that is too short to have a middle.
fn at_the_edges(log: Span, failures: Span, shape: Option<Shape>) -> Vec<(Sign, bool)> {
    let edge = MIN_EDGE.max(log.length().mul_f64(EDGE_SHARE));
    if log.length() < edge * 4 {
        return Vec::new();
    }
    let began = failures.first.since(log.first) > edge && shape != Some(Shape::Trickle);
    vec![(Sign::BeganInTheLog, began), (Sign::GoesOn, log.last.since(failures.last) <= edge)]
}

/// Whether any target of the finding answered a request. `None` if it is not about targets.
fn answered(summary: &Summary, finding: &Finding) -> Option<bool> {
    let mut targets = finding.failures_by_target.iter().map(|(target, ..)| *target).peekable();
    targets.peek()?;
    Some(targets.any(|target| summary.targets.entry(target).2.latency.count() > 0))
}

/// Whether hardly any other target of the group failed likewise. `None` if it has no other target with requests.
fn is_the_only_one(summary: &Summary, finding: &Finding) -> Option<bool> {
    let target = match finding.scope {
        Scope::Target(target) => target,
        Scope::TargetGroup(_) if finding.failures_by_target.len() > 1 => return Some(false),
        Scope::TargetGroup(_) | Scope::LoadBalancer(_) => return None,
    };
    let (group, ..) = summary.targets.entry(target);
    let is_other = |id: TargetId| {
        let (of, address, _) = summary.targets.entry(id);
        id != target && of == group && !address.is_empty()
    };
    let mut others = summary.targets.ids().filter(|id| is_other(*id)).peekable();
    others.peek()?;
    let failures = others.flat_map(|id| &summary.targets.entry(id).2.failures);
    let likewise: u64 =
        failures.filter(|failures| failures.outcome == finding.outcome).map(|failures| failures.requests).sum();
    Some(likewise as f64 <= finding.failures as f64 * MAX_SHARE_OF_OTHERS)
}
