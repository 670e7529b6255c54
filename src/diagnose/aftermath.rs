//! Findings from the outcome alone that are a consequence of another finding, and belong to it: clients that give up
//! while a target cannot be reached, connections that are refused after a crash.

use std::collections::BTreeSet;

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
            Outcome::ClosedBeforeResponse,
            Outcome::ClientClosedBeforeDispatch,
            Outcome::ClientClosedAfterDispatch,
        ],
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

/// A cause explains what failed during at most this share of the target's time with requests. Of a cause that never
/// stops, all other failures of the target would be a consequence.
const MAX_SHARE_OF_TIME: f64 = 0.5;

fn follows_from(cause: &Cause, outcome: Outcome) -> bool {
    CONSEQUENCES.iter().any(|row| row.outcomes.contains(&outcome) && row.causes.contains(&cause))
}

/// Moves findings of `by_outcome` that are a consequence of a finding of `detected` or of another one of `by_outcome`
/// into that finding: all their failures ended at the same target while it failed, or one time bin later.
pub(super) fn join(summary: &Summary, detected: &mut [Finding], by_outcome: &mut Vec<Finding>) {
    let mut rest = Vec::new();
    // The largest first, so that nothing joins a finding that joins another.
    by_outcome.sort_by_key(|finding| std::cmp::Reverse(finding.failures));
    for finding in std::mem::take(by_outcome) {
        let Scope::Target(target) = finding.scope else {
            rest.push(finding);
            continue;
        };
        let heatmap = &summary.targets.entry(target).2.heatmap;
        let event = |event: &&mut Finding| {
            event.failures_of(target) >= finding.failures
                && follows_from(event.cause, finding.outcome)
                && is_within(heatmap, &bins(target, heatmap, &finding), &bins(target, heatmap, event))
        };
        let events = detected.iter_mut().chain(rest.iter_mut()).filter(event);
        match events.max_by_key(|event| event.failures_of(target)) {
            Some(event) => {
                let (confidence, span) = (event.confidence, event.span);
                event.absorb(finding);
                // A finding from the outcome alone has the span of all failures of its outcome.
                (event.confidence, event.span) = (confidence, span);
            }
            None => rest.push(finding),
        }
    }
    rest.sort_by_key(|finding| (finding.scope, finding.outcome));
    *by_outcome = rest;
}

/// The starts of the time bins, in seconds, in which a finding has failures at a target.
fn bins(target: TargetId, heatmap: &LatencyHeatmap, finding: &Finding) -> BTreeSet<i64> {
    let width = heatmap.width_seconds();
    let at_target = finding.failures_per_minute.iter().filter(|counted| counted.target == target);
    at_target.map(|counted| counted.minute.as_seconds().div_euclid(width) * width).collect()
}

/// Whether all failures of a finding came while an event went on at the target, which was not most of the time.
fn is_within(heatmap: &LatencyHeatmap, finding: &BTreeSet<i64>, event: &BTreeSet<i64>) -> bool {
    let event: BTreeSet<i64> = event.iter().flat_map(|start| [*start, start + heatmap.width_seconds()]).collect();
    let with_requests: Vec<i64> = heatmap.rows().map(|(start, _)| start.as_seconds()).collect();
    let during = with_requests.iter().filter(|start| event.contains(start)).count();
    let share = during as f64 / with_requests.len().max(1) as f64;
    share <= MAX_SHARE_OF_TIME && !finding.is_empty() && finding.is_subset(&event)
}
