//! Uploads that the target refused before it had read their bodies. Of alike requests, some got the target's own 4xx,
//! and the others a reset that discarded it. Routes without a body are answered as usual.

use std::time::Duration;

use crate::aggregate::RouteId;
use crate::aggregate::timeline::TimedRequest;
use crate::classify::Outcome;
use crate::diagnose::confidence::{Confidence, MIN_FAILURES_FOR_HIGH};
use crate::diagnose::evidence::{Evidence, plural, plural_are, seconds, seconds_of};
use crate::diagnose::group_view::GroupView;
use crate::diagnose::measure::load::median_took;
use crate::diagnose::measure::routes::RouteRates;
use crate::diagnose::target_view::TargetView;
use crate::diagnose::verdict::{ExplainedFailures, Verdict, share_out};
use crate::knowledge::causes;

/// Fewer closed requests than this are not a pattern.
const MIN_CLOSED: usize = 5;

/// Of the requests to these routes that did not succeed, at least this share got the target's 4xx.
const MIN_SHARE_REFUSED: f64 = 0.2;

/// At least this share of all closed requests must belong to these routes.
const MIN_COVERAGE: f64 = 0.8;

/// Both take about as long, in the median: they differ by at most this factor, or by this much.
const MAX_FACTOR: u32 = 4;
const MAX_DIFFERENCE: Duration = Duration::from_millis(50);

/// An answer from the headers alone comes sooner than a success on the same routes: in the median, it takes at most
/// this share of its time.
const MAX_SHARE_OF_USUAL: f64 = 0.6;

/// Methods of requests that have a body, as routes begin.
const WITH_BODY: [&[u8]; 3] = [b"POST ", b"PUT ", b"PATCH "];

pub(super) fn detect(group: &GroupView<'_>) -> Vec<Verdict> {
    let requests = || group.targets.iter().flat_map(|target| &target.timed_requests);
    let all = || {
        group.targets.iter().flat_map(TargetView::unexplained).map(|(_, request)| request).filter(|it| is_closed(it))
    };
    if all().take(MIN_CLOSED).count() < MIN_CLOSED {
        return Vec::new();
    }
    let by_route = group.route_rates(all());
    let refused = RouteRates::new(requests().filter(|request| is_refused(request)), std::iter::empty());
    let is_found = |(route, _): &(RouteId, _)| has_body(group, *route) && refused.of(&[*route]).failures > 0;
    let routes: Vec<RouteId> = by_route.failing().filter(is_found).map(|(route, _)| route).collect();
    let (held, everything) = (by_route.of(&routes), by_route.all());
    let others = everything - held;
    let refused = refused.of(&routes).failures;
    let refusals = || requests().filter(|request| is_refused(request) && request.is_to(&routes));
    let is_ok = |request: &&TimedRequest| request.outcome == Outcome::Ok && request.is_to(&routes);
    let usual = median_took(requests().filter(is_ok));
    let answers = median_took(refusals());
    let closings = median_took(all().filter(|request| request.is_to(&routes)));
    let (Some(answers), Some(closings)) = (answers, closings) else { return Vec::new() };
    let fits = usual.is_none_or(|usual| answers.as_secs_f64() <= usual.as_secs_f64() * MAX_SHARE_OF_USUAL)
        && held.failures >= MIN_CLOSED
        && refused as f64 >= (refused + held.failures) as f64 * MIN_SHARE_REFUSED
        && held.failures as f64 >= everything.failures as f64 * MIN_COVERAGE
        // Without enough requests to other routes, nothing shows that it is the body.
        && others.requests >= held.requests.min(20)
        && held.share() > others.share() * 3.0
        && is_alike(answers, closings);
    if !fits {
        return Vec::new();
    }
    let closed_by = |index: usize| group.unexplained(index).filter(|(_, it)| is_closed(it) && it.is_to(&routes));
    let explained = (0..group.targets.len()).map(|target_index| ExplainedFailures {
        target_index,
        request_indices: closed_by(target_index).map(|(index, _)| index).collect(),
    });
    let is_sure = held.failures as u64 >= MIN_FAILURES_FOR_HIGH && refused as u64 >= MIN_FAILURES_FOR_HIGH;
    let confidence = if is_sure { Confidence::Medium } else { Confidence::Low };
    share_out(explained, |count, _| {
        Verdict {
        also_fits: vec![&causes::MALFORMED_RESPONSE, &causes::TARGET_CRASH],
        evidence: vec![
            Evidence::speaks_for(format!("{} closed before an answer", plural_are(count, "request")), []),
            group.against_other_routes(&routes, [held, others], is_closed),
            Evidence::speaks_for(
                format!(
                    "in the target group, {} to the same routes {} answered with a 4xx of the target itself, after {} s \
                        (median); the closed ones ended after {} s",
                    plural(refused, "other request"),
                    if refused == 1 { "was" } else { "were" },
                    seconds(answers),
                    seconds(closings)
                ),
                [
                    ("refused", refused as f64),
                    ("refused_after", seconds_of(answers)),
                    ("closed_after", seconds_of(closings)),
                ],
            )
            .of_group(),
        ],
        ..Verdict::new(&causes::EARLY_RESPONSE_RESET, confidence)
    }
    })
}

fn is_closed(request: &TimedRequest) -> bool {
    request.outcome == Outcome::ClosedBeforeResponse
}

fn is_refused(request: &TimedRequest) -> bool {
    request.outcome == Outcome::TargetClientError
}

fn is_alike(one: Duration, other: Duration) -> bool {
    let (short, long) = (one.min(other), one.max(other));
    long.saturating_sub(short) <= MAX_DIFFERENCE || long <= short * MAX_FACTOR
}

fn has_body(group: &GroupView<'_>, route: RouteId) -> bool {
    let (route, _) = group.shared.routes.get(route);
    WITH_BODY.iter().any(|method| route.template.starts_with(method))
}
