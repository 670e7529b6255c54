//! Routes whose answers the load balancer rejects: nearly all of their requests end in 502, or nearly all requests
//! that end that way are theirs, whichever target serves them.

use std::time::Duration;

use crate::aggregate::RouteId;
use crate::aggregate::timeline::TimedRequest;
use crate::classify::Outcome;
use crate::diagnose::confidence::Confidence;
use crate::diagnose::evidence::{Evidence, plural, plural_are, seconds, seconds_of};
use crate::diagnose::group_view::{GroupView, WHEN_DUE};
use crate::diagnose::measure::load::median_took;
use crate::diagnose::measure::share::Rate;
use crate::diagnose::target_view::TargetView;
use crate::diagnose::verdict::{ExplainedFailures, Verdict, share_out};
use crate::knowledge::causes;

/// With fewer rejected requests than this, a route may just have been unlucky.
const MIN_CLOSED: usize = 5;

/// A route always fails if at least this share of its requests is rejected. From `SOMETIMES` on, it may fail for some
/// of its requests.
const ALWAYS: f64 = 0.9;
const SOMETIMES: f64 = 0.05;

/// If at least this share of the requests to a route fails, it is unlikely that each failure is a death of the
/// process.
const OFTEN: f64 = 0.25;

/// A route that fails only sometimes must fail at least this many times as often as the others, counted over the time
/// that its requests are in flight.
const MIN_RATIO_OVER_TIME: f64 = 1.5;

/// At least this share of all rejected requests must belong to these routes.
const MIN_COVERAGE: f64 = 0.8;

/// High confidence needs at least this many rejected requests of these routes, and this share of their requests.
const MIN_FOR_HIGH: usize = 20;
const NEARLY_ALL: f64 = 0.95;

/// Whether the request ended in one of the ways in which requests with a rejected answer end.
fn is_refused(timed_request: &TimedRequest) -> bool {
    matches!(timed_request.outcome, Outcome::ClosedBeforeResponse | Outcome::ResponseRejected | Outcome::StreamReset)
}

/// How many times as often as the others these routes fail, counted over the time that their requests are in flight.
/// It is the lower bound of the ratio.
fn over_time(group: &GroupView<'_>, routes: &[RouteId], held: Rate, others: Rate) -> f64 {
    let (mut of_routes, mut of_others) = (Duration::ZERO, Duration::ZERO);
    for timed_request in group.targets.iter().flat_map(|target| &target.timed_requests) {
        *(if timed_request.is_to(routes) { &mut of_routes } else { &mut of_others }) += timed_request.took();
    }
    let millis = |duration: Duration| usize::try_from(duration.as_millis()).unwrap_or(usize::MAX);
    let held = Rate { requests: millis(of_routes), ..held };
    held.ratio_at_least(Rate { requests: millis(of_others), ..others })
}

pub(super) fn detect(group: &GroupView<'_>) -> Vec<Verdict> {
    let refused = group.targets.iter().flat_map(TargetView::unexplained).map(|(_, timed_request)| timed_request);
    let by_route = group.route_rates(refused.filter(|timed_request| is_refused(timed_request)));
    let failing_for = |least: f64| {
        let routes = by_route.failing().filter(move |(_, rate)| rate.failures >= MIN_CLOSED && rate.share() >= least);
        routes.map(|(route, _)| route).collect::<Vec<RouteId>>()
    };
    let mut routes = failing_for(ALWAYS);
    if routes.is_empty() {
        routes = by_route.concentrated();
        let sometimes = failing_for(SOMETIMES);
        routes.retain(|route| sometimes.contains(route));
        // An answer can be rejected only once it arrives. If requests to a few routes end sooner than usual, the
        // cause is idle connections: the callers of these routes pause for longer than such connections live.
        let refused = group.targets.iter().flat_map(TargetView::unexplained).map(|(_, timed_request)| timed_request);
        let of_routes = refused.filter(|timed_request| is_refused(timed_request) && timed_request.is_to(&routes));
        if group.share_of_usual(of_routes).is_none_or(|share| share < WHEN_DUE) {
            return Vec::new();
        }
    }
    let (all, held) = (by_route.all(), by_route.of(&routes));
    let others = all - held;
    // A process that dies hits long requests more often, in proportion to how long they take. A ratio no higher than
    // that is not the fault of the route.
    if held.share() < ALWAYS && over_time(group, &routes, held, others) < MIN_RATIO_OVER_TIME {
        return Vec::new();
    }
    // Without enough requests to other routes, nothing shows that the route is the cause.
    let is_found = held.failures > 0
        && held.failures as f64 >= all.failures as f64 * MIN_COVERAGE
        && others.requests >= held.requests.min(20);
    if !is_found {
        return Vec::new();
    }
    let closed_by = |index: usize| {
        let closed = group.unexplained(index);
        closed.filter(|(_, timed_request)| is_refused(timed_request) && timed_request.is_to(&routes))
    };
    let explained = (0..group.targets.len()).map(|target_index| ExplainedFailures {
        target_index,
        request_indices: closed_by(target_index).map(|(index, _)| index).collect(),
    });
    let failing = (0..group.targets.len()).filter(|&index| closed_by(index).next().is_some()).count();
    let is_asked =
        |target: &&TargetView<'_>| target.timed_requests.iter().any(|timed_request| timed_request.is_to(&routes));
    let asked = group.targets.iter().filter(is_asked).count();
    share_out(explained, |count, targets| {
        let closed = targets.iter().flat_map(|&index| closed_by(index)).map(|(_, timed_request)| timed_request);
        let found =
            RejectedAnswers { routes: &routes, held, others, failing, asked, count, median: median_took(closed) };
        found.verdict(group)
    })
}

/// What the rejected answers of some targets have in common.
struct RejectedAnswers<'a> {
    routes: &'a [RouteId],
    /// Rejected and all requests of those routes in the target group, and of its other routes.
    held: Rate,
    others: Rate,
    /// How many targets of the group had rejected answers, and how many got requests to those routes.
    failing: usize,
    asked: usize,
    /// How many rejected requests these targets had, and the median time that they took.
    count: usize,
    median: Option<Duration>,
}

impl RejectedAnswers<'_> {
    fn verdict(&self, group: &GroupView<'_>) -> Verdict {
        let Self { routes, held, others, failing, asked, count, median } = *self;
        let is_clear = held.share() >= NEARLY_ALL && held.failures >= MIN_FOR_HIGH;
        let is_only_there = others.failures * 100 <= others.requests;
        // If at most half of the targets that got such requests fail, a process may be at fault instead of the route.
        let is_everywhere = failing * 2 > asked;
        let confidence = match (is_clear && is_only_there, is_everywhere) {
            (true, true) => Confidence::High,
            (true, false) => Confidence::Medium,
            // With failures this frequent, at more than half of the targets, a process that died each time would show
            // in other ways too.
            (false, true) if held.share() >= OFTEN => Confidence::Medium,
            (false, _) => Confidence::Low,
        };
        let mut evidence = vec![
            Evidence::speaks_for(
                format!(
                    "{} closed or reset before an answer, or the answer was rejected",
                    plural_are(count, "request")
                ),
                [],
            ),
            group.against_other_routes(routes, [held, others], is_refused),
        ];
        if group.targets.len() > 1 {
            evidence.push(
                Evidence::weighed(
                    is_everywhere,
                    format!("{failing} of the {} that got such requests failed some of them", plural(asked, "target")),
                    [("targets_failing", failing as f64), ("targets_asked", asked as f64)],
                )
                .of_group(),
            );
        }
        evidence.extend(median.map(|median| {
            Evidence::speaks_for(
                format!("the target had worked on them for {} s (median)", seconds(median)),
                [("target_processing_time_median", seconds_of(median))],
            )
        }));
        Verdict {
            also_fits: vec![&causes::TARGET_CRASH],
            evidence,
            ..Verdict::new(&causes::MALFORMED_RESPONSE, confidence)
        }
    }
}
