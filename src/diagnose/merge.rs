//! One finding of what happened at many targets: findings of one cause in one group at nearly one time.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::confidence::Confidence;
use super::evidence::{Evidence, grouped, plural};
use super::finding::Finding;
use super::finding_id::FindingId;
use super::scope::Scope;
use crate::aggregate::{Span, Summary, TargetGroupId};

/// Findings at fewer targets of a group than this stay one for each target.
const MANY: usize = 3;

/// Findings whose failures are further apart than this are of different events.
const NEAR: Duration = Duration::from_mins(10);

/// The findings, with those of one cause at many targets of a group made into one.
pub(super) fn of_many_targets(summary: &Summary, findings: impl Iterator<Item = Finding>) -> Vec<Finding> {
    let mut by_cause: BTreeMap<(TargetGroupId, &'static str), Vec<Finding>> = BTreeMap::new();
    let mut all: Vec<Finding> = Vec::new();
    for finding in findings {
        match finding.scope {
            Scope::Target(target) => {
                let group = summary.targets.entry(target).0;
                by_cause.entry((group, finding.cause.id)).or_default().push(finding);
            }
            Scope::TargetGroup(_) | Scope::LoadBalancer(_) => all.push(finding),
        }
    }
    for ((group, _), findings) in by_cause {
        let (whole, rest) = of_group(summary, group, findings);
        all.extend(rest);
        let Some(whole) = whole else { continue };
        // A detector may have found the cause at the whole group, too.
        let is_same = |known: &&mut Finding| {
            known.scope == whole.scope && known.cause == whole.cause && !known.failures_by_target.is_empty()
        };
        match all.iter_mut().find(is_same) {
            Some(known) => known.absorb(whole),
            None => all.push(whole),
        }
    }
    all
}

/// One finding of the largest event, and the rest. No finding is made of fewer than [`MANY`] targets.
fn of_group(summary: &Summary, group: TargetGroupId, findings: Vec<Finding>) -> (Option<Finding>, Vec<Finding>) {
    let mut events = events(findings);
    let failures = |event: &Vec<Finding>| event.iter().map(|finding| finding.failures).sum::<u64>();
    let targets = |event: &Vec<Finding>| event.iter().map(|finding| finding.scope).collect::<BTreeSet<_>>().len();
    // The earlier of two that are equally large
    let largest = (0..events.len()).rev().filter(|index| targets(&events[*index]) >= MANY);
    let Some(largest) = largest.max_by_key(|index| failures(&events[*index])) else {
        return (None, events.into_iter().flatten().collect());
    };
    let largest = events.remove(largest);
    (one_of(summary, group, largest), events.into_iter().flatten().collect())
}

/// The findings by event: between two events, there are at least [`NEAR`] without a failure. A finding without times is
/// of the first event.
fn events(mut findings: Vec<Finding>) -> Vec<Vec<Finding>> {
    findings.sort_by_key(|finding| (finding.span.map(|span| span.first), finding.scope, finding.outcome));
    let mut events: Vec<(Option<Span>, Vec<Finding>)> = Vec::new();
    for finding in findings {
        match events.last_mut() {
            Some((span, event)) if span.zip(finding.span).is_none_or(|(event, own)| are_near(event, own)) => {
                *span = Span::union(*span, finding.span);
                event.push(finding);
            }
            _ => events.push((finding.span, vec![finding])),
        }
    }
    events.into_iter().map(|(_, event)| event).collect()
}

/// One finding at the group. It keeps the evidence of the finding with the most failures, which names its target.
fn one_of(summary: &Summary, group: TargetGroupId, mut findings: Vec<Finding>) -> Option<Finding> {
    findings.sort_by_key(|finding| (std::cmp::Reverse(finding.failures), finding.scope));
    let confidence = of_most(&findings);
    let targets = findings.iter().map(|finding| finding.scope).collect::<BTreeSet<_>>().len();
    let mut findings = findings.into_iter();
    let mut whole = findings.next()?;
    let of_largest = whole.evidence.clone();
    let name = whole.scope.names(summary).target.map_or_else(String::new, |name| String::from_utf8_lossy(name).into());
    findings.for_each(|finding| whole.absorb(finding));
    let of_group = summary.targets.iter().filter(|(of, address, _)| *of == group && !address.is_empty()).count();
    whole.evidence = vec![Evidence::speaks_for(
        format!(
            "{targets} of the group's {} show it, each by itself: {} failures together",
            plural(of_group, "target"),
            grouped(whole.failures)
        ),
        [("failures", whole.failures as f64), ("targets_showing", targets as f64), ("targets", of_group as f64)],
    )];
    let of_largest = of_largest.into_iter();
    whole
        .evidence
        .extend(of_largest.map(|evidence| Evidence { text: format!("at {name}: {}", evidence.text), ..evidence }));
    whole.scope = Scope::TargetGroup(group);
    whole.id = FindingId::new(summary, whole.cause, whole.scope);
    whole.confidence = confidence;
    Some(whole)
}

fn are_near(one: Span, other: Span) -> bool {
    other.first.since(one.last) <= NEAR && one.first.since(other.last) <= NEAR
}

/// The highest confidence that findings with at least half of the failures have or exceed.
fn of_most(findings: &[Finding]) -> Confidence {
    let all: u64 = findings.iter().map(|finding| finding.failures).sum();
    let at_least = |least: Confidence| -> u64 {
        findings.iter().filter(|finding| finding.confidence >= least).map(|finding| finding.failures).sum()
    };
    Confidence::ALL.into_iter().filter(|least| at_least(*least) * 2 >= all).max().unwrap_or(Confidence::Low)
}
