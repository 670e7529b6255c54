//! One finding of what happened at many targets: findings of one cause in one group at the same time.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::confidence::Confidence;
use super::evidence::{Evidence, grouped, plural};
use super::finding::{Estimates, Finding};
use super::finding_id::FindingId;
use super::scope::Scope;
use crate::aggregate::{Summary, TargetGroupId, TargetId};
use crate::classify::Outcome;
use crate::knowledge::causes;

/// Findings at fewer targets of a group than this stay one for each target.
const MANY: usize = 3;

/// Failures further apart than this are of different events, unless the time bins in which they are counted are wider.
const NEAR: Duration = Duration::from_mins(10);

/// Estimates that differ by no more than this part of them, or by no more than this, are of one timeout.
const ALIKE_DIVISOR: u32 = 20;
const ALIKE: Duration = Duration::from_millis(100);

/// What findings of one event have in common: the group, the cause, and the outcome where the cause is not known.
type Kind = (TargetGroupId, &'static str, Option<Outcome>);

/// The findings, with those of one cause at many targets of a group made into one. Those that were made come first.
/// The others keep their order.
pub(super) fn of_many_targets(summary: &Summary, findings: Vec<Finding>) -> Vec<Finding> {
    let mut kinds: BTreeMap<Kind, Vec<usize>> = BTreeMap::new();
    for (index, finding) in findings.iter().enumerate() {
        let group = match finding.scope {
            Scope::Target(target) => summary.targets.entry(target).0,
            // Not those on requests without a target
            Scope::TargetGroup(group) if !finding.failures_by_target.is_empty() => group,
            Scope::TargetGroup(_) | Scope::LoadBalancer(_) => continue,
        };
        let outcome = (finding.cause == &causes::UNEXPLAINED).then_some(finding.outcome);
        kinds.entry((group, finding.cause.id, outcome)).or_default().push(index);
    }
    let mut rest: Vec<Option<Finding>> = findings.into_iter().map(Some).collect();
    let mut made = Vec::new();
    for ((group, ..), of_kind) in kinds {
        let members = largest_event(summary, &rest, &of_kind);
        if targets_of(members.iter().filter_map(|index| rest[*index].as_ref())).len() >= MANY && members.len() > 1 {
            let members = members.into_iter().filter_map(|index| rest[index].take()).collect();
            made.extend(one_of(summary, group, members));
        }
    }
    made.into_iter().chain(rest.into_iter().flatten()).collect()
}

/// The targets that these findings are about.
fn targets_of<'f>(findings: impl Iterator<Item = &'f Finding>) -> BTreeSet<TargetId> {
    findings.flat_map(|finding| &finding.failures_by_target).map(|(target, ..)| *target).collect()
}

/// Of the event with the most failures, the findings that may be one: they are hardly less or more sure than its
/// largest one, and show the same timeout. All are indices.
fn largest_event(summary: &Summary, findings: &[Option<Finding>], of_kind: &[usize]) -> Vec<usize> {
    let of = |index: &usize| findings[*index].as_ref().expect("it is of one kind only");
    let failures = |event: &Vec<usize>| event.iter().map(|index| of(index).failures).sum::<u64>();
    let of_kind: Vec<(usize, &Finding)> = of_kind.iter().map(|index| (*index, of(index))).collect();
    let events = events(summary, &of_kind);
    // The earlier of two that are equally large
    let Some(event) = events.into_iter().rev().max_by_key(failures) else { return Vec::new() };
    let Some(largest) = event.iter().rev().max_by_key(|index| of(index).failures).map(of) else { return Vec::new() };
    let fits = |finding: &Finding| {
        let confidences = [finding.confidence, largest.confidence];
        let is_near = !(confidences.contains(&Confidence::Low) && confidences.contains(&Confidence::High));
        is_near && are_alike(finding.estimates, largest.estimates)
    };
    event.iter().copied().filter(|index| fits(of(index))).collect()
}

fn are_alike(one: Estimates, other: Estimates) -> bool {
    let alike = |one: Option<Duration>, other: Option<Duration>| match (one, other) {
        (Some(one), Some(other)) => one.abs_diff(other) <= ALIKE.max(one.max(other) / ALIKE_DIVISOR),
        (one, other) => one == other,
    };
    alike(one.keep_alive, other.keep_alive) && alike(one.timeout, other.timeout)
}

/// The findings by event. Two findings are of one event if failures of theirs are near in time, or if both are of one
/// event with a third.
fn events(summary: &Summary, findings: &[(usize, &Finding)]) -> Vec<Vec<usize>> {
    let targets = targets_of(findings.iter().map(|(_, finding)| *finding));
    let widths = targets.iter().map(|target| summary.targets.entry(*target).2.heatmap.width_seconds());
    let near = i64::try_from(NEAR.as_secs()).unwrap_or(i64::MAX).max(widths.max().unwrap_or_default());
    let mut moments: Vec<(i64, usize)> = Vec::new();
    for (position, (_, finding)) in findings.iter().enumerate() {
        moments.extend(finding.failures_per_minute.iter().map(|counted| (counted.minute.as_seconds(), position)));
    }
    moments.sort_unstable();
    moments.dedup();
    // Each finding's event is named by one of its findings.
    let mut event_of: Vec<usize> = (0..findings.len()).collect();
    for pair in moments.windows(2) {
        let [(before, one), (after, other)] = [pair[0], pair[1]];
        let (one, other) = (event_of[one], event_of[other]);
        if after - before <= near && one != other {
            event_of.iter_mut().filter(|event| **event == other).for_each(|event| *event = one);
        }
    }
    let mut events: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for ((index, _), event) in findings.iter().zip(event_of) {
        events.entry(event).or_default().push(*index);
    }
    events.into_values().collect()
}

/// One finding at the group. It keeps the evidence of the finding at the group, if there is one. Otherwise it keeps
/// that of the finding with the most failures, which names its target.
fn one_of(summary: &Summary, group: TargetGroupId, mut findings: Vec<Finding>) -> Option<Finding> {
    findings.sort_by_key(|finding| {
        (!matches!(finding.scope, Scope::TargetGroup(_)), std::cmp::Reverse(finding.failures), finding.scope)
    });
    let confidence = of_most(&findings);
    let mut findings = findings.into_iter();
    let mut whole = findings.next()?;
    let (scope, estimates, lags) = (whole.scope, whole.estimates, whole.lags.clone());
    let mut evidence = whole.evidence.clone();
    let added: u64 = findings.as_slice().iter().map(|finding| finding.failures).sum();
    let targets_added = targets_of(findings.as_slice().iter()).len();
    findings.for_each(|finding| whole.absorb(finding));
    let targets = targets_of(std::iter::once(&whole)).len();
    let of_group = summary.targets.iter().filter(|(of, address, _)| *of == group && !address.is_empty()).count();
    if let Some(name) = scope.names(summary).target {
        let name = String::from_utf8_lossy(name).into_owned();
        for statement in evidence.iter_mut().filter(|statement| !statement.is_of_group) {
            statement.text = format!("at {name}: {}", statement.text);
        }
        let first = Evidence::speaks_for(
            format!(
                "{targets} of the group's {} have such failures: {} in all",
                plural(of_group, "target"),
                grouped(whole.failures)
            ),
            [("failures", whole.failures as f64), ("targets_showing", targets as f64), ("targets", of_group as f64)],
        );
        evidence.insert(0, first);
    } else {
        if let Some((_, failures)) = evidence.first_mut().and_then(|first| first.numbers.first_mut()) {
            *failures = whole.failures as f64;
        }
        let text = format!("in addition, {} more at {}", grouped(added), plural(targets_added, "target"));
        let numbers = [("more_failures", added as f64), ("targets_showing", targets_added as f64)];
        evidence.push(Evidence::speaks_for(text, numbers));
    }
    (whole.evidence, whole.estimates, whole.lags) = (evidence, estimates, lags);
    whole.scope = Scope::TargetGroup(group);
    whole.id = FindingId::new(summary, whole.cause, whole.scope);
    whole.confidence = confidence;
    Some(whole)
}

/// The highest confidence that findings with at least half of the failures have or exceed.
fn of_most(findings: &[Finding]) -> Confidence {
    let all: u64 = findings.iter().map(|finding| finding.failures).sum();
    let at_least = |least: Confidence| -> u64 {
        findings.iter().filter(|finding| finding.confidence >= least).map(|finding| finding.failures).sum()
    };
    Confidence::ALL.into_iter().filter(|least| at_least(*least) * 2 >= all).max().unwrap_or(Confidence::Low)
}
