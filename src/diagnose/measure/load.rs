//! How slow targets were in a span of time, and how many requests they got.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::aggregate::timeline::TimedRequest;
use crate::aggregate::{RouteId, Span};
use crate::diagnose::group_view::GroupView;
use crate::diagnose::target_view::TargetView;
use crate::timestamp::Timestamp;

/// Fewer answered requests than this do not show how slow a target is.
const MIN_ANSWERED: usize = 5;

/// Applications do not take this long on all of their routes, unless requests wait.
const SLOW_ANSWER: Duration = Duration::from_secs(1);
const MIN_SLOW_ROUTES: usize = 3;

/// The median time of the answered requests dispatched in `span` that are `wanted`, as a multiple of their route's
/// usual time. `None` if fewer than [`MIN_ANSWERED`] of them have a usual time.
pub(in crate::diagnose) fn slowdown<'a>(
    group: &GroupView<'_>,
    targets: impl Iterator<Item = &'a TargetView<'a>>,
    span: Span,
    wanted: impl Fn(&TimedRequest) -> bool,
) -> Option<f64> {
    factor(targets, span, wanted, |timed_request| group.slowdown(timed_request))
}

/// The same without the time that [`GroupView::slowdown`] adds: the number to tell people.
pub(in crate::diagnose) fn times_usual<'a>(
    group: &GroupView<'_>,
    targets: impl Iterator<Item = &'a TargetView<'a>>,
    span: Span,
    wanted: impl Fn(&TimedRequest) -> bool,
) -> Option<f64> {
    factor(targets, span, wanted, |timed_request| group.times_usual(timed_request))
}

fn factor<'a>(
    targets: impl Iterator<Item = &'a TargetView<'a>>,
    span: Span,
    wanted: impl Fn(&TimedRequest) -> bool,
    of: impl Fn(&TimedRequest) -> Option<f64>,
) -> Option<f64> {
    let mut factors: Vec<f64> = targets
        .flat_map(|target| target.sent_in(span))
        .filter(|timed_request| !timed_request.outcome.is_failure() && wanted(timed_request))
        .filter_map(of)
        .collect();
    if factors.len() < MIN_ANSWERED { None } else { middle(&mut factors) }
}

/// How many routes a target answered slowly in a span of time, if it answered none quickly. Only routes with at least
/// three answers count. `None` if one of them is quick, or if there are fewer than [`MIN_SLOW_ROUTES`].
pub(in crate::diagnose) fn slow_on_all_routes(target: &TargetView<'_>, span: Span) -> Option<usize> {
    const MIN_ANSWERS: usize = 3;
    let mut times: BTreeMap<RouteId, Vec<Duration>> = BTreeMap::new();
    for request in target.sent_in(span).filter(|request| !request.outcome.is_failure()) {
        if let Some(route) = request.route {
            times.entry(route).or_default().push(request.took());
        }
    }
    times.retain(|_, times| times.len() >= MIN_ANSWERS);
    let is_slow = |times: &mut Vec<Duration>| {
        let middle = times.len() / 2;
        *times.select_nth_unstable(middle).1 >= SLOW_ANSWER
    };
    (times.len() >= MIN_SLOW_ROUTES && times.values_mut().all(is_slow)).then_some(times.len())
}

/// The median time from dispatch to end. `None` if there are no requests.
pub(in crate::diagnose) fn median_took<'a>(timed_requests: impl Iterator<Item = &'a TimedRequest>) -> Option<Duration> {
    let mut times: Vec<Duration> = timed_requests.map(TimedRequest::took).collect();
    let middle = times.len() / 2;
    (!times.is_empty()).then(|| *times.select_nth_unstable(middle).1)
}

/// The most of these requests that were in flight at one moment. They are sorted by their ends.
pub(in crate::diagnose) fn peak_in_flight(timed_requests: &[TimedRequest]) -> usize {
    let mut dispatches: Vec<Timestamp> = timed_requests.iter().map(|timed_request| timed_request.dispatched).collect();
    dispatches.sort_unstable();
    let (mut ended, mut peak) = (0, 0);
    for (index, dispatched) in dispatches.into_iter().enumerate() {
        while timed_requests[ended].ended < dispatched {
            ended += 1;
        }
        peak = peak.max(index + 1 - ended);
    }
    peak
}

/// The median. `None` if there are no numbers.
fn middle(numbers: &mut [f64]) -> Option<f64> {
    let middle = numbers.len() / 2;
    (!numbers.is_empty()).then(|| *numbers.select_nth_unstable_by(middle, f64::total_cmp).1)
}

/// How many requests a second `targets` got in `span`, as a multiple of their rate outside it. Counts only targets
/// that were seen for at least `MIN_SECONDS` outside `span` and had a request there. `None` if there are none, or if
/// a target was never seen.
pub(in crate::diagnose) fn arrivals(targets: &[&TargetView<'_>], span: Span) -> Option<f64> {
    const MIN_SECONDS: f64 = 10.0;
    let during = seconds(span).max(1.0);
    let (mut factors, mut requests) = (0.0, 0.0);
    for target in targets {
        let seen = target.totals.seen?;
        let inside = target.sent_in(span).len() as f64;
        let outside = seconds(seen) - during;
        let elsewhere = target.totals.requests as f64 - inside;
        if outside < MIN_SECONDS || elsewhere < 1.0 {
            continue;
        }
        // Weighted by the requests outside `span`, so that a target that hardly serves counts less than one that
        // does.
        factors += inside / during / (elsewhere / outside) * elsewhere;
        requests += elsewhere;
    }
    (requests > 0.0).then(|| factors / requests)
}

/// How many requests were in flight on average in `span`: counted for the part of their time that lies in it. `None` if
/// it is shorter than a second.
pub(in crate::diagnose) fn in_flight(target: &TargetView<'_>, span: Span) -> Option<f64> {
    let length = span.last.since(span.first);
    let inside = |timed_request: &TimedRequest| {
        timed_request.ended.min(span.last).since(timed_request.dispatched.max(span.first))
    };
    let all: Duration = target.since(span.first).iter().map(inside).sum();
    (length >= Duration::from_secs(1)).then(|| all.as_secs_f64() / length.as_secs_f64())
}

/// How many requests wait for each other: the total time of those dispatched in `span`, divided by its length (at least
/// a second). All of a request's time counts, also that after `span`: so a queue shows as soon as it builds up.
pub(in crate::diagnose) fn concurrency(target: &TargetView<'_>, span: Span) -> f64 {
    let took: Duration = target.sent_in(span).map(TimedRequest::took).sum();
    took.as_secs_f64() / seconds(span).max(1.0)
}

fn seconds(span: Span) -> f64 {
    span.last.micros_since(span.first) as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aggregate::NodeId;
    use crate::classify::Outcome;

    #[test]
    fn requests_in_flight_are_counted_at_their_peak() {
        let request = |(dispatched, ended): &(i64, i64)| TimedRequest {
            dispatched: Timestamp::from_seconds(*dispatched),
            ended: Timestamp::from_seconds(*ended),
            outcome: Outcome::Ok,
            target_status: None,
            route: None,
            node: NodeId::for_test(0),
        };
        let peak = |requests: &[(i64, i64)]| peak_in_flight(&requests.iter().map(request).collect::<Vec<_>>());
        assert_eq!(peak(&[]), 0);
        assert_eq!(peak(&[(0, 1), (2, 3), (4, 5)]), 1);
        assert_eq!(peak(&[(0, 4), (1, 5), (2, 6), (7, 8)]), 3);
    }
}
