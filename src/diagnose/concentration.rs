//! What the failures of a verdict have in common: a target of the group, a subnet, a node, routes, callers.

use rayon::prelude::*;

use super::common_facts::sent_by;
use super::evidence::{Evidence, grouped, one_or, percent, plural};
use super::group_view::GroupView;
use super::measure::routes::RouteRates;
use super::measure::share::{Rate, concentrated};
use super::verdict::{ExplainedFailures, Verdict};
use crate::aggregate::{Callers, Span};
use crate::classify::Outcome;

/// Evidence on what the failures have in common: a target of the group, a subnet, a node, routes, callers.
pub(super) fn concentration(group: &GroupView<'_>, verdict: &Verdict) -> Vec<Evidence> {
    let Some(span) = extent(group, verdict) else { return Vec::new() };
    let outcomes: Vec<Outcome> = {
        let mut outcomes: Vec<Outcome> =
            verdict.requests().map(|(target, request)| group.targets[target].timed_requests[request].outcome).collect();
        outcomes.sort_unstable();
        outcomes.dedup();
        outcomes
    };
    let mut evidence = Vec::new();
    if let ([of_target], false) = (verdict.explained.as_slice(), verdict.is_about_group) {
        evidence.extend(against_others(group, of_target.target_index, span, &outcomes));
        evidence.extend(subnet(group, of_target.target_index, span, &outcomes));
    }
    let mut by_node = vec![Rate::default(); group.shared.nodes.len()];
    let targets = || verdict.explained.iter().map(|of_target| &group.targets[of_target.target_index]);
    let of_verdict = || targets().flat_map(|target| target.sent_in(span));
    for timed_request in of_verdict() {
        by_node[timed_request.node.index()].requests += 1;
    }
    let explained = verdict.requests().map(|(target, index)| &group.targets[target].timed_requests[index]);
    for timed_request in explained.clone() {
        by_node[timed_request.node.index()].failures += 1;
    }
    let by_route = RouteRates::new(explained, of_verdict());
    if let [node] = concentrated(&by_node)[..] {
        let what = format!("node {}", String::from_utf8_lossy(group.shared.nodes[node]));
        let all = by_node.iter().copied().sum();
        evidence.push(keeps_to(&what, by_node[node], all, ["node_failures", "node_requests"]));
    }
    let mut routes = by_route.concentrated();
    routes.sort_by_key(|&route| std::cmp::Reverse(by_route.of(&[route]).failures));
    if (1..=3).contains(&routes.len()) {
        let (what, held) = (group.routes_named(&routes), by_route.of(&routes));
        evidence.push(keeps_to(&what, held, by_route.all(), ["route_failures", "route_requests"]));
    }
    evidence.extend(callers(group, verdict));
    evidence
}

/// Evidence on who sent the failures. Callers are counted by target and outcome, so this says nothing unless the
/// verdict explains at least 90 % of the failures with its outcomes at its targets.
fn callers(group: &GroupView<'_>, verdict: &Verdict) -> Vec<Evidence> {
    let mut callers = Callers::default();
    let mut ended_so = 0;
    let explained = verdict.requests().count();
    for ExplainedFailures { target_index, request_indices } in &verdict.explained {
        let target = &group.targets[*target_index];
        let mut ended: Vec<Outcome> =
            request_indices.iter().map(|&index| target.timed_requests[index].outcome).collect();
        ended.sort_unstable();
        ended.dedup();
        for failures in target.totals.failures.iter().filter(|failures| ended.contains(&failures.outcome)) {
            callers.merge(&failures.callers);
            ended_so += failures.requests;
        }
    }
    if explained as f64 >= ended_so as f64 * 0.9 { sent_by(&callers, ended_so, "such failures") } else { Vec::new() }
}

/// From the first to the last dispatch of the failures that the verdict explains.
fn extent(group: &GroupView<'_>, verdict: &Verdict) -> Option<Span> {
    let dispatches = verdict.requests().map(|(target, index)| group.targets[target].timed_requests[index].dispatched);
    Some(Span { first: dispatches.clone().min()?, last: dispatches.max()? })
}

/// Evidence that all targets of a target's subnet failed in this way, and no others: then it is the subnet, or
/// its zone. `None` if it is not so, or if fewer than two targets are on either side. Targets without requests in
/// `span` do not count.
fn subnet(group: &GroupView<'_>, target_index: usize, span: Span, outcomes: &[Outcome]) -> Option<Evidence> {
    let own = group.targets[target_index].subnet?;
    let (mut inside, mut outside) = (0, 0);
    for target in &group.targets {
        let has_failed = target.failed_in(span, outcomes) > 0;
        if !has_failed && target.sent_in(span).len() == 0 {
            continue;
        }
        let is_inside = target.subnet == Some(own);
        if has_failed != is_inside {
            return None;
        }
        *if is_inside { &mut inside } else { &mut outside } += 1;
    }
    (inside >= 2 && outside >= 2).then(|| {
        Evidence::speaks_for(
            format!("all {inside} targets in {own} failed like this, and none of the {outside} elsewhere did"),
            [("targets_of_subnet", f64::from(inside)), ("targets_elsewhere", f64::from(outside))],
        )
    })
}

/// Evidence on the other targets of the group: how many of their requests in `span` failed in the same way.
/// `None` if they had no requests.
fn against_others(group: &GroupView<'_>, target_index: usize, span: Span, outcomes: &[Outcome]) -> Option<Evidence> {
    // Fewer targets than this are checked before another thread could help.
    const SHARE: usize = 512;
    let others = group.side_by_side().with_min_len(SHARE).filter(|index| *index != target_index);
    let rates = others.map(|index| {
        let other = &group.targets[index];
        Rate { failures: other.failed_in(span, outcomes), requests: other.sent_in(span).len() }
    });
    let active: Vec<Rate> = rates.filter(|rate| rate.requests > 0).collect();
    let failing = active.iter().filter(|rate| rate.failures > 0).count();
    let Rate { failures, requests } = active.iter().copied().sum();
    let (group, at) = match active.len() {
        0 => return None,
        1 => ("the group's other target".to_owned(), String::new()),
        count => (format!("the group's {count} other targets"), format!(", at {}", one_or(failing, "of them"))),
    };
    let text = if failures == 0 {
        format!("meanwhile, none of the {} requests to {group} failed like this", grouped(requests as u64))
    } else {
        format!(
            "meanwhile, {} of {} to {group} failed like this{at}",
            grouped(failures as u64),
            plural(requests, "request")
        )
    };
    Some(Evidence::speaks_for(
        text,
        [
            ("other_targets", active.len() as f64),
            ("other_targets_failing", failing as f64),
            ("other_failures", failures as f64),
            ("other_requests", requests as f64),
        ],
    ))
}

/// Evidence on one thing's share of the failures and of the requests: `held` of `all`. `names` name the two numbers.
fn keeps_to(what: &str, held: Rate, all: Rate, names: [&'static str; 2]) -> Evidence {
    Evidence::speaks_for(
        format!(
            "{what} had {} of these failures and {} of the requests at that time",
            percent(held.failures, all.failures),
            percent(held.requests, all.requests)
        ),
        [(names[0], held.failures as f64), (names[1], held.requests as f64)],
    )
}
