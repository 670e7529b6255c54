//! Findings from the outcome alone that are a consequence of another finding, and belong to it: clients that give up
//! while a target cannot be reached, connections that are refused after a crash.

use std::collections::{BTreeMap, BTreeSet};

use super::finding::Finding;
use super::scope::Scope;
use crate::aggregate::{LatencyHeatmap, Summary, TargetId};
use crate::classify::Outcome;
use crate::knowledge::causes::{self, Cause};

/// How requests fail as a consequence of a cause.
struct Consequences {
    causes: &'static [&'static Cause],
    outcomes: &'static [Outcome],
}

const CONSEQUENCES: &[Consequences] = &[
    Consequences {
        causes: &[
            &causes::TARGET_CRASH,
            &causes::DEPLOY_WITHOUT_DRAINING,
            &causes::RESTART_IN_PLACE,
            &causes::TARGETS_REMOVED,
        ],
        outcomes: &[
            Outcome::ConnectFailed,
            Outcome::ConnectTimeout,
            Outcome::ClientClosedBeforeDispatch,
            Outcome::ClientClosedAfterDispatch,
        ],
    },
    // A restart in place is one that cuts nothing.
    Consequences {
        causes: &[&causes::TARGET_CRASH, &causes::DEPLOY_WITHOUT_DRAINING, &causes::TARGETS_REMOVED],
        outcomes: &[Outcome::ClosedBeforeResponse],
    },
    Consequences {
        causes: &[
            &causes::CONNECT_TIMEOUT,
            &causes::CONNECTIONS_EXHAUSTED,
            &causes::DEPENDENCY_OUTAGE,
            &causes::IDLE_CONNECTION_DROPPED,
            &causes::IDLE_TIMEOUT_EXCEEDED,
            &causes::NEVER_ANSWERED,
            &causes::TARGET_SATURATED,
        ],
        outcomes: &[Outcome::ClientClosedBeforeDispatch, Outcome::ClientClosedAfterDispatch],
    },
];

/// In wider time bins, what comes together may have nothing to do with each other.
const MAX_BIN_SECONDS: i64 = 240;

/// A cause that goes on for most of the log has other failures beside it by chance. The chance that all of them are
/// beside it must be at most this: a log is often a window cut around the event.
const MAX_CHANCE: f64 = 0.25;

fn follows_from(cause: &Cause, outcome: Outcome) -> bool {
    CONSEQUENCES.iter().any(|row| row.outcomes.contains(&outcome) && row.causes.contains(&cause))
}

/// Moves findings of `by_outcome` that are a consequence of a finding of `detected` or of another one of `by_outcome`
/// into that finding: all their failures ended at the same target while it failed, or one time bin later.
pub(super) fn join(summary: &Summary, detected: &mut [Finding], by_outcome: &mut Vec<Finding>) {
    let consequences = consequences(summary, detected, by_outcome);
    let mut rest: Vec<Option<Finding>> = by_outcome.drain(..).map(Some).collect();
    for (consequence, event) in consequences {
        let Some(finding) = rest[consequence].take() else { continue };
        let event = match event.checked_sub(detected.len()) {
            None => &mut detected[event],
            Some(index) => rest[index].as_mut().expect("an event is no consequence"),
        };
        let confidence = event.confidence;
        event.absorb(finding);
        event.confidence = confidence;
    }
    by_outcome.extend(rest.into_iter().flatten());
}

/// Which findings of `by_outcome` are a consequence of which finding, by index. The index of the latter counts those of
/// `detected` first, then those of `by_outcome`. No event is a consequence itself.
fn consequences(summary: &Summary, detected: &[Finding], by_outcome: &[Finding]) -> Vec<(usize, usize)> {
    let mut events: BTreeMap<TargetId, Vec<(usize, &Finding)>> = BTreeMap::new();
    for (index, finding) in detected.iter().chain(by_outcome).enumerate() {
        if CONSEQUENCES.iter().any(|row| row.causes.contains(&finding.cause)) {
            let targets: BTreeSet<TargetId> = finding.failures_by_target.iter().map(|(target, ..)| *target).collect();
            for target in targets {
                events.entry(target).or_default().push((index, finding));
            }
        }
    }
    // The largest first: what belongs to another finding must not be an event when its own turn comes.
    let mut order: Vec<usize> = (0..by_outcome.len()).collect();
    order.sort_by_key(|index| std::cmp::Reverse(by_outcome[*index].failures));
    let (mut found, mut moved, mut is_event) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    for consequence in order {
        let (finding, index) = (&by_outcome[consequence], detected.len() + consequence);
        let Scope::Target(target) = finding.scope else { continue };
        let heatmap = &summary.targets.entry(target).2.heatmap;
        if is_event.contains(&index) || heatmap.width_seconds() > MAX_BIN_SECONDS {
            continue;
        }
        let own = bins(target, heatmap, finding);
        let is_event_of = |(of, event): &&(usize, &Finding)| {
            *of != index
                && !moved.contains(of)
                && follows_from(event.cause, finding.outcome)
                && event.failures_of(target) >= finding.failures
                && is_within(heatmap, &own, &bins(target, heatmap, event))
        };
        let events = events.get(&target).into_iter().flatten().filter(is_event_of);
        if let Some((event, _)) = events.max_by_key(|(_, event)| event.failures_of(target)) {
            moved.insert(index);
            is_event.insert(*event);
            found.push((consequence, *event));
        }
    }
    found
}

/// The starts of the time bins, in seconds, in which a finding has failures at a target.
fn bins(target: TargetId, heatmap: &LatencyHeatmap, finding: &Finding) -> BTreeSet<i64> {
    let width = heatmap.width_seconds();
    let at_target = finding.failures_per_minute.iter().filter(|counted| counted.target == target);
    at_target.map(|counted| counted.minute.as_seconds().div_euclid(width) * width).collect()
}

/// Whether all failures of a finding came while an event went on at the target, and hardly by chance.
fn is_within(heatmap: &LatencyHeatmap, finding: &BTreeSet<i64>, event: &BTreeSet<i64>) -> bool {
    let event: BTreeSet<i64> = event.iter().flat_map(|start| [*start, start + heatmap.width_seconds()]).collect();
    let mut with_requests = 0_u32;
    let mut during = 0_u32;
    for (start, _) in heatmap.rows() {
        with_requests += 1;
        during += u32::from(event.contains(&start.as_seconds()));
    }
    let share = f64::from(during) / f64::from(with_requests.max(1));
    let chance = share.powi(i32::try_from(finding.len()).unwrap_or(i32::MAX));
    chance <= MAX_CHANCE && !finding.is_empty() && finding.is_subset(&event)
}
