//! Requests that a target accepted and never answered, while it answered others on the same routes at once. A slow
//! route has slow answers too; here there are none between the usual time and the idle timeout.
//!
//! If all of them were sent on connections that had been quiet, something between the load balancer and the target has
//! forgotten these connections. Otherwise requests get lost inside the target.

use std::time::Duration;

use crate::aggregate::Span;
use crate::aggregate::timeline::TimedRequest;
use crate::classify::Outcome;
use crate::diagnose::confidence::{Confidence, MIN_FAILURES_FOR_HIGH};
use crate::diagnose::evidence::{Evidence, plural, plural_are, seconds, seconds_of};
use crate::diagnose::group_view::GroupView;
use crate::diagnose::measure::share::Rate;
use crate::diagnose::target_view::TargetView;
use crate::diagnose::verdict::{ExplainedFailures, Verdict, share_out};
use crate::knowledge::causes;
use crate::timestamp::Timestamp;

/// Fewer unanswered requests than this are not a pattern.
const MIN_UNANSWERED: usize = 5;

/// At least this many requests must have been answered meanwhile for each one that was not.
const MIN_ANSWERED: usize = 2;

/// The slowest answer on their routes takes at most this share of the idle timeout.
const MAX_SHARE_OF_IDLE_TIMEOUT: u32 = 5;

/// A connection that was quiet for less than this is not forgotten.
const MIN_QUIET: Duration = Duration::from_secs(15);

/// Requests after a quiet stretch must fail this many times as often as the others.
const MIN_RATIO: f64 = 3.0;

/// A new connection works: another request on the same node and target was answered while at least this share of
/// the lost ones still waited.
const MIN_SHARE_FOLLOWED: f64 = 0.5;

pub(super) fn detect(group: &GroupView<'_>) -> Vec<Verdict> {
    let unanswered: Vec<&TimedRequest> =
        (0..group.targets.len()).flat_map(|index| timed_out(group, index)).map(|(_, request)| request).collect();
    if unanswered.len() < MIN_UNANSWERED || !group.route_rates(unanswered.iter().copied()).concentrated().is_empty() {
        return Vec::new();
    }
    let routes: Vec<_> = unanswered.iter().filter_map(|request| request.route).collect();
    let on_routes = |request: &&TimedRequest| request.is_to(&routes);
    let answered = || group.targets.iter().flat_map(TargetView::answered);
    let slowest = answered().filter(on_routes).map(TimedRequest::took).max().unwrap_or_default();
    let (Some(first), Some(last)) = (
        unanswered.iter().map(|request| request.dispatched).min(),
        unanswered.iter().map(|request| request.dispatched).max(),
    ) else {
        return Vec::new();
    };
    let span = Span { first, last };
    let failing = group.targets.iter().enumerate().filter(|(index, _)| timed_out(group, *index).next().is_some());
    let meanwhile = failing
        .flat_map(|(_, target)| target.sent_in(span))
        .filter(|request| !request.outcome.is_failure() && on_routes(request))
        .count();
    if slowest * MAX_SHARE_OF_IDLE_TIMEOUT > group.idle_timeout() || meanwhile < unanswered.len() * MIN_ANSWERED {
        return Vec::new();
    }
    let quiet = quiet_before(group, &unanswered);
    let explained = (0..group.targets.len()).map(|target_index| ExplainedFailures {
        target_index,
        request_indices: timed_out(group, target_index).map(|(index, _)| index).collect(),
    });
    share_out(explained, |count, _| {
        let mut evidence = vec![
            Evidence::speaks_for(
                format!(
                    "{} accepted and not answered within the idle timeout of {} s",
                    plural_are(count, "request"),
                    seconds(group.idle_timeout())
                ),
                [("idle_timeout", seconds_of(group.idle_timeout()))],
            ),
            Evidence::speaks_for(
                format!(
                    "in the target group, {} to the same routes and targets {} answered meanwhile; no answer to these \
                        routes ever took longer than {} s",
                    plural(meanwhile, "request"),
                    if meanwhile == 1 { "was" } else { "were" },
                    seconds(slowest)
                ),
                [("answered_meanwhile", meanwhile as f64), ("slowest_answer", seconds_of(slowest))],
            )
            .of_group(),
        ];
        let confidence = if count as u64 >= MIN_FAILURES_FOR_HIGH { Confidence::Medium } else { Confidence::Low };
        let Some(QuietBefore { quiet, after, others }) = quiet else {
            return Verdict {
                also_fits: vec![&causes::IDLE_CONNECTION_DROPPED, &causes::IDLE_TIMEOUT_EXCEEDED],
                evidence,
                ..Verdict::new(&causes::NEVER_ANSWERED, confidence)
            };
        };
        evidence.push(Evidence::speaks_for(
            format!(
                "in the target group, of {} sent {} s or more after all others on the same node and target had ended or \
                    were lost, {} were lost like this, and {} of {} that were sent sooner",
                plural(after.requests, "request"),
                seconds(quiet),
                after.failures,
                others.failures,
                others.requests,
            ),
            [("quiet", seconds_of(quiet)), ("lost_after_quiet", after.failures as f64)],
        ).of_group());
        Verdict {
            also_fits: vec![&causes::NEVER_ANSWERED],
            evidence,
            ..Verdict::new(&causes::IDLE_CONNECTION_DROPPED, confidence)
        }
    })
}

fn timed_out<'a>(group: &'a GroupView<'_>, target_index: usize) -> impl Iterator<Item = (usize, &'a TimedRequest)> {
    group.unexplained(target_index).filter(|(_, request)| request.outcome == Outcome::IdleTimeout)
}

/// That requests are lost after a quiet stretch on their node and target.
#[derive(Clone, Copy)]
struct QuietBefore {
    quiet: Duration,
    /// Requests after such a stretch, and how many of them were lost.
    after: Rate,
    others: Rate,
}

/// Whether nearly all of the unanswered requests followed a quiet stretch, and requests that did not are hardly ever
/// lost.
fn quiet_before(group: &GroupView<'_>, unanswered: &[&TimedRequest]) -> Option<QuietBefore> {
    let mut stretches: Vec<(Duration, bool)> = Vec::new();
    let (mut followed, mut lost) = (0, 0);
    for target in &group.targets {
        let mut latest: Vec<Option<Timestamp>> = vec![None; group.shared.nodes.len()];
        let Some((begin, end)) = target.first_sent().zip(target.timed_requests.last()) else { continue };
        for request in target.sent_in(Span { first: begin, last: end.ended }) {
            let node = request.node.index();
            if request.outcome == Outcome::IdleTimeout {
                let waited = Span { first: request.dispatched, last: request.ended };
                let is_other = |other: &TimedRequest| other.node == request.node && !other.outcome.is_failure();
                lost += 1;
                followed += u32::from(target.sent_in(waited).any(is_other));
            }
            if let Some(before) = latest[node] {
                stretches.push((request.dispatched.since(before), request.outcome == Outcome::IdleTimeout));
            }
            // A request that is never answered leaves no connection behind.
            if request.outcome != Outcome::IdleTimeout {
                latest[node] = latest[node].max(Some(request.ended));
            }
        }
    }
    let mut of_lost: Vec<Duration> = stretches.iter().filter(|(_, is_lost)| *is_lost).map(|(time, _)| *time).collect();
    of_lost.sort_unstable();
    let quiet = *of_lost.get(of_lost.len() / 10)?;
    let works_again = f64::from(followed) >= f64::from(lost) * MIN_SHARE_FOLLOWED;
    if quiet < MIN_QUIET || of_lost.len() * 10 < unanswered.len() * 8 || !works_again {
        return None;
    }
    let (mut after, mut others) = (Rate::default(), Rate::default());
    for (time, is_lost) in stretches {
        if time >= quiet { &mut after } else { &mut others }.observe(is_lost);
    }
    (after.ratio_at_least(others) >= MIN_RATIO).then_some(QuietBefore { quiet, after, others })
}
