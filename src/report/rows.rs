//! The tables of a report: load balancers, target groups, targets, routes, and callers whose requests failed.

use std::collections::BTreeMap;

use serde::Serialize;

use super::idle_timeout::IdleTimeoutRow;
use super::scope::ScopeRow;
use super::values::{Latency, Outcomes, StatusPairRow, pairs, some_text_of, text_of};
use crate::aggregate::Frequent;
use crate::aggregate::{Callers, OutcomeCounts, Span, Summary, Target};
use crate::classify::Outcome;
use crate::diagnose::{Confidence, Diagnosis, Finding};
use crate::timestamp::Timestamp;

/// At most this many clients and this many user agents are listed.
const MAX_CALLER_ROWS: usize = 20;

/// One load balancer.
#[derive(Clone, Debug, Serialize)]
pub struct LoadBalancerRow {
    /// Resource id.
    pub load_balancer: String,
    /// Requests seen.
    pub requests: u64,
    /// How many of them failed.
    pub failures: u64,
    /// First `time`; `None` if it has no requests.
    pub first_seen: Option<Timestamp>,
    /// Last `time`; `None` if it has no requests.
    pub last_seen: Option<Timestamp>,
    /// Requests by outcome.
    pub outcomes: Outcomes,
    /// Its idle timeout.
    pub idle_timeout: IdleTimeoutRow,
}

pub(super) fn load_balancers(summary: &Summary, diagnosis: &Diagnosis) -> Vec<LoadBalancerRow> {
    let mut totals = vec![(OutcomeCounts::default(), None); summary.load_balancers.len()];
    for (target_group, _, target) in summary.targets.iter() {
        let (load_balancer, ..) = summary.target_groups.entry(target_group);
        let (outcomes, seen) = &mut totals[load_balancer.index()];
        outcomes.merge(&target.outcomes);
        *seen = Span::union(*seen, target.seen);
    }
    let totals = totals.into_iter().zip(&diagnosis.idle_timeouts);
    let balancers = summary.load_balancers.iter().zip(totals);
    let rows = balancers.map(|(((), name, _), ((outcomes, seen), idle_timeout))| LoadBalancerRow {
        load_balancer: text_of(name),
        idle_timeout: IdleTimeoutRow::new(idle_timeout),
        requests: outcomes.iter().map(|(_, requests)| requests).sum(),
        failures: outcomes.failures(),
        first_seen: seen.map(|seen| seen.first),
        last_seen: seen.map(|seen| seen.last),
        outcomes: (&outcomes).into(),
    });
    let mut rows: Vec<_> = rows.collect();
    rows.sort_by(|one, other| one.load_balancer.cmp(&other.load_balancer));
    rows
}

/// One target group.
#[derive(Clone, Debug, Serialize)]
pub struct TargetGroupRow {
    /// Resource id of its load balancer.
    pub load_balancer: String,
    /// ARN; `None` for requests that no rule forwarded.
    pub target_group: Option<String>,
    /// Requests seen.
    pub requests: u64,
    /// How many of them failed.
    pub failures: u64,
    /// How many targets were seen.
    pub targets: u64,
    /// Requests by outcome.
    pub outcomes: Outcomes,
    /// The cause that explains most failures of the group and its targets; `None` if no finding is about them.
    pub cause: Option<&'static str>,
    /// The highest confidence among the findings of that cause; `None` if there is no cause.
    pub confidence: Option<Confidence>,
}

pub(super) fn target_groups(summary: &Summary, diagnosis: &Diagnosis) -> Vec<TargetGroupRow> {
    let mut totals = vec![(OutcomeCounts::default(), 0); summary.target_groups.len()];
    for (target_group, address, target) in summary.targets.iter() {
        let (outcomes, targets) = &mut totals[target_group.index()];
        outcomes.merge(&target.outcomes);
        *targets += u64::from(!address.is_empty());
    }
    let rows = summary.target_groups.ids().zip(summary.target_groups.iter().zip(totals));
    let rows = rows.map(|(id, ((load_balancer, arn, ()), (outcomes, targets)))| {
        let cause = diagnosis.of_target_group(summary, id);
        TargetGroupRow {
            cause: cause.map(|(cause, _)| cause.id),
            confidence: cause.map(|(_, confidence)| confidence),
            load_balancer: text_of(summary.load_balancers.entry(load_balancer).1),
            target_group: some_text_of(arn),
            requests: outcomes.iter().map(|(_, requests)| requests).sum(),
            failures: outcomes.failures(),
            targets,
            outcomes: (&outcomes).into(),
        }
    });
    let mut rows: Vec<_> = rows.collect();
    rows.sort_by(|one, other| {
        (&one.load_balancer, &one.target_group).cmp(&(&other.load_balancer, &other.target_group))
    });
    rows
}

/// One target.
#[derive(Clone, Debug, Serialize)]
pub struct TargetRow {
    /// Resource id of its load balancer.
    pub load_balancer: String,
    /// ARN of its target group; `None` if the log has `-`.
    pub target_group: Option<String>,
    /// `address:port`.
    pub target: String,
    /// Requests seen.
    pub requests: u64,
    /// How many of them failed.
    pub failures: u64,
    /// First `time`; `None` if it has no requests.
    pub first_seen: Option<Timestamp>,
    /// Last `time`; `None` if it has no requests.
    pub last_seen: Option<Timestamp>,
    /// `target_processing_time` of the requests that the target answered.
    pub latency: Latency,
    /// Elapsed time of all requests except WebSocket connections.
    pub elapsed: Latency,
    /// Requests by pair of status codes, in the order of the codes.
    pub status_pairs: Vec<StatusPairRow>,
    /// Requests by outcome.
    pub outcomes: Outcomes,
    /// The most frequent outcome of its failures; `None` if there are none.
    pub dominant_failure: Option<Outcome>,
    /// Cause of the finding that explains most of its failures; `None` if no finding explains any.
    pub cause: Option<&'static str>,
    /// Confidence of that finding; `None` if there is none.
    pub confidence: Option<Confidence>,
    /// Failures over time: (index of the time bin in [`Report::pictures`](super::Report::pictures), failures). Only
    /// bins with failures.
    pub failures_over_time: Vec<(usize, u64)>,
}

impl TargetRow {
    fn new(scope: ScopeRow, target: &Target, finding: Option<&Finding>) -> Self {
        Self {
            load_balancer: scope.load_balancer,
            target_group: scope.target_group,
            target: scope.target.unwrap_or_default(),
            requests: target.requests,
            failures: target.outcomes.failures(),
            first_seen: target.seen.map(|seen| seen.first),
            last_seen: target.seen.map(|seen| seen.last),
            latency: (&target.latency).into(),
            elapsed: (&target.elapsed).into(),
            status_pairs: pairs(&target.status_pairs),
            outcomes: (&target.outcomes).into(),
            dominant_failure: target
                .outcomes
                .iter()
                .filter(|(outcome, _)| outcome.is_failure())
                .max_by_key(|&(outcome, requests)| (requests, std::cmp::Reverse(outcome)))
                .map(|(outcome, _)| outcome),
            cause: finding.map(|finding| finding.cause.id),
            confidence: finding.map(|finding| finding.confidence),
            failures_over_time: Vec::new(),
        }
    }
}

pub(super) fn targets(summary: &Summary, diagnosis: &Diagnosis, over_time: Vec<Vec<(usize, u64)>>) -> Vec<TargetRow> {
    let rows = summary.targets.ids().zip(summary.targets.iter().zip(over_time));
    let rows = rows.filter(|(_, ((_, address, _), _))| !address.is_empty());
    let rows = rows.map(|(id, ((target_group, address, target), failures_over_time))| {
        let scope = ScopeRow::of_target_group(summary, target_group, Some(address));
        let finding = diagnosis.on_target(id).first().copied();
        TargetRow { failures_over_time, ..TargetRow::new(scope, target, finding) }
    });
    let mut rows: Vec<_> = rows.collect();
    rows.sort_by(|one, other| {
        let by_numbers = (other.failures, other.requests).cmp(&(one.failures, one.requests));
        by_numbers.then_with(|| {
            let key = |row: &TargetRow| (row.load_balancer.clone(), row.target_group.clone(), row.target.clone());
            key(one).cmp(&key(other))
        })
    });
    rows
}

/// One route.
#[derive(Clone, Debug, Serialize)]
pub struct RouteRow {
    /// Resource id.
    pub load_balancer: String,
    /// ARN; `None` for requests that no rule forwarded.
    pub target_group: Option<String>,
    /// Method and path; the variable parts of the path are in braces.
    pub route: String,
    /// Requests seen.
    pub requests: u64,
    /// How many of them failed.
    pub failures: u64,
    /// Elapsed time of its requests except WebSocket connections.
    pub elapsed: Latency,
}

pub(super) fn routes(summary: &Summary) -> Vec<RouteRow> {
    let rows = summary.routes.sorted();
    let rows = rows.iter().map(|(route, counts)| {
        let scope = ScopeRow::of_target_group(summary, route.target_group, None);
        RouteRow {
            load_balancer: scope.load_balancer,
            target_group: scope.target_group,
            route: text_of(&route.template),
            requests: counts.requests(),
            failures: counts.outcomes.failures(),
            elapsed: (&counts.elapsed).into(),
        }
    });
    let mut rows: Vec<_> = rows.collect();
    rows.sort_by(|one, other| {
        let key = |row: &RouteRow| (row.load_balancer.clone(), row.target_group.clone(), row.route.clone());
        (other.failures, other.requests).cmp(&(one.failures, one.requests)).then_with(|| key(one).cmp(&key(other)))
    });
    rows
}

/// A client or user agent that sent failed requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CallerRow {
    /// Address or user agent, cut after [`MAX_NAME_BYTES`](crate::aggregate::frequent::MAX_NAME_BYTES) bytes.
    pub name: String,
    /// At least this many failed requests. Of each target and outcome, only the frequent names are counted.
    pub failures: u64,
}

/// The callers of one kind over all targets and outcomes, most failures first, then by name.
pub(super) fn callers(summary: &Summary, of: impl Fn(&Callers) -> &Frequent) -> Vec<CallerRow> {
    let mut totals: BTreeMap<&[u8], u64> = BTreeMap::new();
    for failures in summary.targets.iter().flat_map(|(_, _, target)| &target.failures) {
        for (name, requests) in of(&failures.callers).certain() {
            *totals.entry(name).or_default() += requests;
        }
    }
    let mut rows: Vec<_> =
        totals.into_iter().map(|(name, failures)| CallerRow { name: text_of(name), failures }).collect();
    rows.sort_by(|one, other| (other.failures, &one.name).cmp(&(one.failures, &other.name)));
    rows.truncate(MAX_CALLER_ROWS);
    rows
}
