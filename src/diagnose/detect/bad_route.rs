//! A route whose answers the load balancer cannot accept: (nearly) all of its requests end in 502, or nearly all that end so are its own, at whatever target.

use std::time::Duration;

use super::super::Confidence;
use super::super::case::{Case, Member, Verdict, WHEN_DUE, share_out};
use super::super::evidence::{Evidence, grouped, plural, plural_are, seconds, seconds_of};
use super::measure::share::{Rate, concentrated};
use crate::aggregate::timeline::Passage;
use crate::classify::Outcome;

/// A route with fewer closed requests may have been unlucky.
const MIN_CLOSED: usize = 5;

/// A route of whose requests so many are closed always fails; one with fewer may do so for some of its requests.
const ALWAYS: f64 = 0.9;
const SOMETIMES: f64 = 0.05;

/// Of all that is closed, so much must be of these routes.
const MIN_COVERAGE: f64 = 0.8;

/// Closed requests of a route that leave no doubt.
const MIN_FOR_HIGH: usize = 20;

fn is_refused(passage: &Passage) -> bool {
    matches!(passage.outcome, Outcome::ClosedBeforeResponse | Outcome::ResponseRejected | Outcome::StreamReset)
}

pub(super) fn detect(case: &Case<'_>) -> Vec<Verdict> {
    let mut by_route = vec![Rate::default(); case.setting.routes.len()];
    for passage in case.members.iter().flat_map(|member| &member.passages) {
        if let Some(rate) = by_route.get_mut(usize::from(passage.route)) {
            rate.requests += 1;
        }
    }
    for passage in case.members.iter().flat_map(Member::unexplained).map(|(_, passage)| passage) {
        if let (true, Some(rate)) = (is_refused(passage), by_route.get_mut(usize::from(passage.route))) {
            rate.failures += 1;
        }
    }
    let always: Vec<usize> = (0..by_route.len())
        .filter(|&route| by_route[route].failures >= MIN_CLOSED && by_route[route].share() >= ALWAYS)
        .collect();
    let chosen = if always.is_empty() {
        let mut chosen = concentrated(&by_route);
        chosen.retain(|&route| by_route[route].failures >= MIN_CLOSED && by_route[route].share() >= SOMETIMES);
        // An answer is refused when it comes. Requests of a few routes that end sooner are those of callers whose pauses idle connections do not outlive.
        let refused = case.members.iter().flat_map(Member::unexplained).map(|(_, passage)| passage);
        let of_chosen = refused.filter(|p| is_refused(p) && chosen.contains(&usize::from(p.route)));
        if case.share_of_usual(of_chosen).is_none_or(|share| share < WHEN_DUE) {
            chosen.clear();
        }
        chosen
    } else {
        always
    };
    let total = |routes: &mut dyn Iterator<Item = usize>| {
        routes.fold(Rate::default(), |sum, route| Rate {
            failures: sum.failures + by_route[route].failures,
            requests: sum.requests + by_route[route].requests,
        })
    };
    let all = total(&mut (0..by_route.len()));
    let held = total(&mut chosen.iter().copied());
    let others = Rate { failures: all.failures - held.failures, requests: all.requests - held.requests };
    // Where there is no other route, nothing says that it is the route.
    let is_found = held.failures > 0
        && held.failures as f64 >= all.failures as f64 * MIN_COVERAGE
        && others.requests >= held.requests.min(20);
    if !is_found {
        return Vec::new();
    }
    let routes: Vec<u16> = chosen.iter().filter_map(|&route| u16::try_from(route).ok()).collect();
    let closed_by = |number: usize| {
        let closed = case.unexplained(number);
        closed.filter(|(_, passage)| is_refused(passage) && routes.contains(&passage.route))
    };
    let explains =
        (0..case.members.len()).map(|number| (number, closed_by(number).map(|(place, _)| place).collect::<Vec<_>>()));
    share_out(explains, |_, members| {
        let closed: Vec<&Passage> =
            members.iter().flat_map(|&number| closed_by(number)).map(|(_, passage)| passage).collect();
        conclude(case, &closed, &routes, held, others)
    })
}

fn conclude(case: &Case<'_>, closed: &[&Passage], routes: &[u16], held: Rate, others: Rate) -> Verdict {
    let is_always = held.share() >= 0.95 && held.failures >= MIN_FOR_HIGH;
    let is_only_there = others.failures * 100 <= others.requests;
    let failing = case
        .members
        .iter()
        .filter(|member| {
            member.unexplained().any(|(_, passage)| is_refused(passage) && routes.contains(&passage.route))
        })
        .count();
    let serving = case
        .members
        .iter()
        .filter(|member| member.passages.iter().any(|passage| routes.contains(&passage.route)))
        .count();
    // One target of several: its process may be at fault as well as the route.
    let is_everywhere = failing * 2 > serving;
    let confidence = match (is_always && is_only_there, is_everywhere) {
        (true, true) => Confidence::High,
        (true, false) => Confidence::Medium,
        // Some of its requests, at whatever target, and hardly any other request.
        (false, true) if held.share() >= 0.5 || others.failures * 1000 <= others.requests => Confidence::Medium,
        (false, _) => Confidence::Low,
    };
    let mut evidence = vec![
        Evidence::speaks_for(
            format!("{} closed before an answer, or the answer was refused", plural_are(closed.len(), "request")),
            [],
        ),
        Evidence::speaks_for(
            format!(
                "in the target group, {} of {} to {} ended so, and {} of {} others",
                grouped(held.failures as u64),
                plural(held.requests, "request"),
                case.routes_named(routes),
                grouped(others.failures as u64),
                grouped(others.requests as u64),
            ),
            [
                ("route_failures", held.failures as f64),
                ("route_requests", held.requests as f64),
                ("other_failures", others.failures as f64),
                ("other_requests", others.requests as f64),
            ],
        ),
    ];
    if case.members.len() > 1 {
        evidence.push(Evidence::weighed(
            is_everywhere,
            format!("{failing} of the {} asked for it failed it", plural(serving, "target")),
            [("targets_failing", failing as f64), ("targets_asked", serving as f64)],
        ));
    }
    let mut times: Vec<Duration> = closed.iter().map(|passage| passage.took()).collect();
    times.sort_unstable();
    let median = times[times.len() / 2];
    evidence.push(Evidence::speaks_for(
        format!("the target had worked on them for {} s in the median", seconds(median)),
        [("target_processing_time_median", seconds_of(median))],
    ));
    Verdict { also_fits: &["target-crash"], evidence, ..Verdict::new("malformed-response", confidence) }
}
