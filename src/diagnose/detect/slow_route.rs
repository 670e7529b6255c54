//! Requests that reached the idle timeout: a few routes take too long, or a target no longer answers anything although
//! its connections are open.

use std::time::Duration;

use rayon::prelude::*;

use crate::aggregate::timeline::TimedRequest;
use crate::aggregate::{RouteId, Span};
use crate::classify::Outcome;
use crate::diagnose::confidence::Confidence;
use crate::diagnose::evidence::{Evidence, plural, plural_are, seconds, seconds_of};
use crate::diagnose::group_view::GroupView;
use crate::diagnose::measure::time_pattern::episodes;
use crate::diagnose::target_view::TargetView;
use crate::diagnose::verdict::{ExplainedFailures, Verdict, share_out};
use crate::knowledge::causes::{self, Cause};
use crate::timestamp::Timestamp;

/// Failures further apart than this, and than `EPISODE_GAPS` times the mean gap between the target's requests, belong
/// to different episodes, because an answer may lie between them.
const EPISODE_GAP: Duration = Duration::from_secs(10);
const EPISODE_GAPS: f64 = 8.0;
const MIN_FAILURES: usize = 3;

/// High confidence needs at least this many idle timeouts.
const MIN_FOR_HIGH: usize = 10;

/// The load balancer's timer is sharp: nearly all requests that met it end this close to the idle timeout.
const SHARP: Duration = Duration::from_millis(500);

fn timed_out<'a>(group: &'a GroupView<'_>, target_index: usize) -> impl Iterator<Item = (usize, &'a TimedRequest)> {
    group.unexplained(target_index).filter(|(_, timed_request)| timed_request.outcome == Outcome::IdleTimeout)
}

/// Whether the target was silent until the idle timeout, or left no room for another connection because it accepts
/// none.
fn is_silence(timed_request: &TimedRequest) -> bool {
    matches!(timed_request.outcome, Outcome::IdleTimeout | Outcome::ConnectTimeout)
}

/// Targets that answered nothing at all while requests to several routes waited for them: their processes hang.
pub(super) fn silent_targets(group: &GroupView<'_>) -> Vec<Verdict> {
    group.side_by_side().filter_map(|target_index| silent(group, target_index)).collect()
}

fn silent(group: &GroupView<'_>, target_index: usize) -> Option<Verdict> {
    let target = &group.targets[target_index];
    let mut waiting: Vec<(usize, &TimedRequest)> =
        group.unexplained(target_index).filter(|(_, timed_request)| is_silence(timed_request)).collect();
    waiting.sort_by_key(|(_, timed_request)| timed_request.dispatched);
    let times: Vec<Timestamp> = waiting.iter().map(|(_, timed_request)| timed_request.dispatched).collect();
    let (mut explained, mut routes, mut lasted, mut refused) = (Vec::new(), Vec::new(), Duration::ZERO, 0);
    let gap = EPISODE_GAP.max(target.mean_gap().mul_f64(EPISODE_GAPS));
    for range in episodes(&times, gap).into_iter().filter(|episode| episode.len() >= MIN_FAILURES) {
        let episode = &waiting[range];
        let span = Span { first: episode.first()?.1.dispatched, last: episode.last()?.1.dispatched };
        // Requests that were waiting when the target resumed were answered then, late. A request that was stuck
        // already may have been sent before the last answers. So the longest stretch without an answer need not be
        // the whole episode.
        let answers = target.since(span.first).iter().take_while(|timed_request| timed_request.ended <= span.last);
        let answers: Vec<Timestamp> = answers
            .filter(|timed_request| !timed_request.outcome.is_failure())
            .map(|timed_request| timed_request.ended)
            .collect();
        let stretches = episode.chunk_by(|(_, one), (_, next)| {
            let after = answers.partition_point(|answer| *answer <= one.dispatched);
            answers.get(after).is_none_or(|answer| *answer > next.dispatched)
        });
        let silent_stretch = stretches.max_by_key(|stretch| stretch.len()).unwrap_or_default();
        let silent = silent_stretch.len();
        let mut of: Vec<Option<RouteId>> = episode.iter().map(|(_, timed_request)| timed_request.route).collect();
        of.sort_unstable();
        of.dedup();
        let timeouts =
            episode.iter().filter(|(_, timed_request)| timed_request.outcome == Outcome::IdleTimeout).count();
        if timeouts < MIN_FAILURES || silent < MIN_FAILURES || silent * 5 < episode.len() * 4 || of.len() < 2 {
            continue;
        }
        explained.extend(episode.iter().map(|(index, _)| *index));
        refused += episode.len() - timeouts;
        routes.extend(of);
        let [first, .., last] = silent_stretch else { continue };
        lasted += last.1.dispatched.since(first.1.dispatched);
    }
    if explained.is_empty() {
        return None;
    }
    explained.sort_unstable();
    routes.sort_unstable();
    routes.dedup();
    let mut evidence = vec![
        Evidence::speaks_for(
            format!(
                "for about {} s the target answered nothing: {} to {} reached the idle timeout of {} s",
                seconds(lasted),
                plural(explained.len() - refused, "request"),
                plural(routes.len(), "route"),
                seconds(group.idle_timeout())
            ),
            [
                ("routes", routes.len() as f64),
                ("silent", seconds_of(lasted)),
                ("idle_timeout", seconds_of(group.idle_timeout())),
            ],
        ),
        Evidence::speaks_for(
            "its connections were open, so the process hung (deadlocked, stopped, or all its workers waiting)",
            [],
        ),
    ];
    if refused > 0 {
        evidence.push(Evidence::speaks_for(
            format!(
                "then {} not established within 10 s: the accept queue was full",
                plural_are(refused, "connection")
            ),
            [("connect_timeouts", refused as f64)],
        ));
    }
    let also_fits: Vec<&'static Cause> = if refused > 0 {
        vec![&causes::CONNECT_TIMEOUT, &causes::TARGET_SATURATED]
    } else {
        vec![&causes::TARGET_SATURATED, &causes::DEPENDENCY_OUTAGE]
    };
    Some(Verdict {
        also_fits,
        evidence,
        ..Verdict::on_target(&causes::IDLE_TIMEOUT_EXCEEDED, Confidence::Medium, target_index, explained)
    })
}

/// All idle timeouts that are left. Confidence is high only if they concentrate on a few routes of the group.
pub(super) fn slow_routes(group: &GroupView<'_>) -> Vec<Verdict> {
    let met =
        (0..group.targets.len()).flat_map(|index| timed_out(group, index)).map(|(_, timed_request)| timed_request);
    let by_route = group.route_rates(met);
    let failures = by_route.all().failures;
    if failures == 0 {
        return Vec::new();
    }
    let routes = by_route.concentrated();
    let held = by_route.of(&routes).failures;
    let idle_timeout = group.idle_timeout();
    // How long the slowest answered request to the same routes took.
    let longest = group
        .targets
        .iter()
        .flat_map(TargetView::answered)
        .filter(|timed_request| timed_request.is_to(&routes))
        .map(TimedRequest::took)
        .max();
    let is_near = longest.is_some_and(|longest| longest * 2 >= idle_timeout);
    let explained = (0..group.targets.len()).map(|target_index| ExplainedFailures {
        target_index,
        request_indices: timed_out(group, target_index).map(|(index, _)| index).collect(),
    });
    share_out(explained, |count, of| {
        let near = of.iter().flat_map(|&index| timed_out(group, index));
        let near = near.filter(|(_, timed_request)| timed_request.took().abs_diff(idle_timeout) <= SHARP).count();
        let is_sharp = near * 10 >= count * 9;
        let is_of_routes = !routes.is_empty() && routes.len() <= 3 && held * 5 >= failures * 4;
        let is_many = failures >= MIN_FOR_HIGH && count >= MIN_FOR_HIGH;
        let confidence = if is_of_routes && is_sharp && is_many { Confidence::High } else { Confidence::Medium };
        let text = if is_sharp {
            format!("{} reached the idle timeout of {} s", plural(count, "request"), seconds(idle_timeout))
        } else {
            format!(
                "{} with 504 instead of an answer, {near} of them within half a second of the idle timeout of {} s",
                plural(count, "request") + " ended",
                seconds(idle_timeout)
            )
        };
        let mut evidence = vec![Evidence::weighed(is_sharp, text, [("idle_timeout", seconds_of(idle_timeout))])];
        if is_of_routes {
            evidence.push(
                Evidence::speaks_for(
                    format!(
                        "{held} of the target group's {failures} such requests were to {}",
                        group.routes_named(&routes)
                    ),
                    [("route_failures", held as f64), ("group_failures", failures as f64)],
                )
                .of_group(),
            );
        } else {
            evidence.push(by_route.spread("in the target group, such requests").of_group());
        }
        if let (true, Some(longest)) = (is_of_routes, longest) {
            evidence.push(
                Evidence::weighed(
                    is_near,
                    format!("the slowest answered request to the same routes took {} s", seconds(longest)),
                    [("slowest_answer", seconds_of(longest))],
                )
                .of_group(),
            );
        }
        let also_fits: Vec<&'static Cause> = if is_of_routes {
            vec![&causes::DEPENDENCY_OUTAGE]
        } else {
            vec![&causes::TARGET_SATURATED, &causes::DEPENDENCY_OUTAGE]
        };
        Verdict { also_fits, evidence, ..Verdict::new(&causes::IDLE_TIMEOUT_EXCEEDED, confidence) }
    })
}
