//! The keep-alive race: the target closed an idle connection just as the load balancer reused it. Targets of one
//! group run the same server, so they share its keep-alive timeout, and their failures together show it.

use std::sync::Arc;
use std::time::Duration;

use rayon::prelude::*;

use crate::aggregate::Span;
use crate::aggregate::timeline::TimedRequest;
use crate::diagnose::confidence::{Confidence, MIN_FAILURES, MIN_FAILURES_FOR_HIGH};
use crate::diagnose::evidence::{Evidence, plural_are, seconds, seconds_of};
use crate::diagnose::finding::Estimates;
use crate::diagnose::group_view::{GroupView, WHEN_DUE};
use crate::diagnose::measure::bursts::Bursts;
use crate::diagnose::measure::lags::{KeepAlivePeak, Lags, PairHistory, estimate, may_be_race};
use crate::diagnose::measure::load::slowdown;
use crate::diagnose::measure::time_pattern::episodes;
use crate::diagnose::verdict::{ExplainedFailures, Verdict, share_out};
use crate::knowledge::causes;
use crate::timestamp::Timestamp;

/// High confidence needs at least this many failures at the timeout, and at least `MIN_COVERAGE_FOR_HIGH` of all
/// failures that were examined.
const MIN_HITS_FOR_HIGH: usize = 12;
const MIN_COVERAGE_FOR_HIGH: f64 = 0.7;

pub(super) fn detect(group: &GroupView<'_>) -> Vec<Verdict> {
    let Lags::Peak(found) = lags_of(group) else { return Vec::new() };
    let idle_timeout = group.idle_timeout();
    let is_sure =
        found.hits >= MIN_HITS_FOR_HIGH && found.coverage() >= MIN_COVERAGE_FOR_HIGH && found.timeout <= idle_timeout;
    let confidence = if is_sure { Confidence::High } else { Confidence::Medium };
    let estimates = Estimates { keep_alive: Some(found.timeout), ..Estimates::default() };
    let verdicts = verdicts(group, |failures| (confidence, estimates, evidence(&found, failures, idle_timeout)));
    verdicts.into_iter().map(|verdict| Verdict { lags: Some(Arc::clone(&found.drawn)), ..verdict }).collect()
}

/// Looks for the keep-alive timeout in the lags of all candidates of the group.
fn lags_of(group: &GroupView<'_>) -> Lags {
    let nodes = group.shared.nodes.len();
    let histories: Vec<PairHistory> =
        group.side_by_side().flat_map_iter(|target_index| pairs_of(group, target_index, nodes)).collect();
    estimate(&histories, group.idle_timeout())
}

/// Failures that may be races and that nothing explains yet.
fn candidates<'a>(group: &'a GroupView<'_>, target_index: usize) -> impl Iterator<Item = (usize, &'a TimedRequest)> {
    group.unexplained(target_index).filter(|(_, timed_request)| may_be_race(timed_request))
}

/// A target's requests and candidates by node, at the node's index. Empty if the target has no candidates; then its
/// requests are not read.
fn pairs_of(group: &GroupView<'_>, target_index: usize, nodes: usize) -> Vec<PairHistory> {
    let mut pairs = Vec::new();
    for (_, candidate) in candidates(group, target_index) {
        pairs.resize_with(nodes, PairHistory::default);
        pairs[candidate.node.index()].failures.push(*candidate);
    }
    if !pairs.is_empty() {
        for timed_request in &group.targets[target_index].timed_requests {
            pairs[timed_request.node.index()].timed_requests.push(*timed_request);
        }
    }
    pairs
}

/// Verdicts that explain the candidates of all targets: one per target, and one for all targets with too few.
fn verdicts(group: &GroupView<'_>, conclude: impl Fn(usize) -> (Confidence, Estimates, Vec<Evidence>)) -> Vec<Verdict> {
    let explained = (0..group.targets.len()).map(|target_index| ExplainedFailures {
        target_index,
        request_indices: candidates(group, target_index).map(|(index, _)| index).collect(),
    });
    share_out(explained, |failures, _| {
        let (confidence, estimates, evidence) = conclude(failures);
        Verdict {
            also_fits: vec![&causes::TARGET_CRASH],
            estimates,
            evidence,
            ..Verdict::new(&causes::KEEP_ALIVE_RACE, confidence)
        }
    })
}

fn evidence(found: &KeepAlivePeak, failures: usize, idle_timeout: Duration) -> Vec<Evidence> {
    let (low, high) = found.range;
    let is_below = found.timeout <= idle_timeout;
    vec![
        at_once(failures),
        Evidence::speaks_for(
            format!(
                "in the target group, {} of {} such failures examined came {} to {} s after an answer on the same node \
                    and target; of the answered requests compared, {:.0} in 100 did",
                found.hits,
                found.failures,
                seconds(low),
                seconds(high),
                found.control_share * 100.0,
            ),
            [
                ("hits", found.hits as f64),
                ("looked_at", found.failures as f64),
                ("lag_low", seconds_of(low)),
                ("lag_high", seconds_of(high)),
                ("control_share", found.control_share),
            ],
        )
        .of_group(),
        Evidence::weighed(
            is_below,
            format!(
                "so the targets' keep-alive timeout is about {} s; the idle timeout is {} s",
                seconds(found.timeout),
                seconds(idle_timeout)
            ),
            [("keep_alive", seconds_of(found.timeout)), ("idle_timeout", seconds_of(idle_timeout))],
        )
        .of_group(),
    ]
}

fn at_once(failures: usize) -> Evidence {
    Evidence::speaks_for(
        format!(
            "{} closed within half a second of being sent, and no crash explains them",
            plural_are(failures, "request")
        ),
        [],
    )
}

/// Races without a peak in the lags: there are too few failures, connections are hardly ever idle, or the timeout is
/// an unusual one. Such failures still follow a pattern: they end immediately, sooner than any work would take, now
/// and then, on every route and target, while all other answers are as quick as ever.
pub(super) fn without_a_peak(group: &GroupView<'_>) -> Vec<Verdict> {
    /// Most of the failures must end within this time, and sooner than their routes usually take.
    const AT_ONCE: Duration = Duration::from_millis(100);
    const MIN_SHARE_AT_ONCE: f64 = 0.9;
    const MIN_ROUTES: usize = 2;
    /// Races take at most this share of all requests.
    const MAX_RATE: f64 = 0.05;
    /// The failures must end at this many moments at least, more than `MOMENT_GAP` apart. If there are fewer failures,
    /// each must have a moment of its own.
    const MIN_MOMENTS: usize = 5;
    /// At most this share of them may come in bursts: a lost race is a single event.
    const MAX_SHARE_IN_BURSTS: f64 = 0.3;
    const MOMENT_GAP: Duration = Duration::from_secs(2);
    const SLOW: f64 = 3.0;
    let all: Vec<&TimedRequest> = (0..group.targets.len())
        .flat_map(|index| candidates(group, index))
        .map(|(_, timed_request)| timed_request)
        .collect();
    let requests: usize = group.targets.iter().map(|target| target.timed_requests.len()).sum();
    if (all.len() as u64) < MIN_FAILURES || all.len() as f64 > requests as f64 * MAX_RATE {
        return Vec::new();
    }
    let quick = all.iter().filter(|timed_request| timed_request.took() <= AT_ONCE).count();
    let is_sooner = group.share_of_usual(all.iter().copied()).is_some_and(|share| share < WHEN_DUE);
    let mut moments: Vec<Timestamp> = all.iter().map(|timed_request| timed_request.ended).collect();
    moments.sort_unstable();
    let by_route = group.route_rates(all.iter().copied());
    let routes = by_route.failing().len();
    let (Some(&first), Some(&last)) = (moments.first(), moments.last()) else { return Vec::new() };
    // This reads all requests, so it is evaluated last.
    let is_slow =
        || slowdown(group, group.targets.iter(), Span { first, last }, |_| true).is_some_and(|factor| factor >= SLOW);
    let fits = quick as f64 >= all.len() as f64 * MIN_SHARE_AT_ONCE
        && is_sooner
        && routes >= MIN_ROUTES
        && by_route.concentrated().is_empty()
        && episodes(&moments, MOMENT_GAP).len() >= MIN_MOMENTS.min(all.len())
        && Bursts::new(&moments).share() <= MAX_SHARE_IN_BURSTS
        && !is_frequent_for_a_while(group, MAX_RATE)
        && !is_slow();
    if !fits {
        return Vec::new();
    }
    let is_refuted = lags_of(group) == Lags::NoPeak;
    verdicts(group, |failures| {
        let evidence = vec![
            at_once(failures),
            Evidence::speaks_for(
                format!(
                    "in the target group, they were spread over {routes} routes, and answers were not slow meanwhile"
                ),
                [("routes", routes as f64)],
            )
            .of_group(),
            Evidence::speaks_against(
                if is_refuted {
                    "the times since earlier answers on the same node and target do not pile up anywhere, as they \
                        would at nearly any server's default keep-alive timeout"
                } else {
                    "the log does not show how long connections had been idle, so the keep-alive timeout cannot be \
                        estimated"
                },
                [],
            )
            .of_group(),
        ];
        let is_sure = !is_refuted && all.len() as u64 >= MIN_FAILURES_FOR_HIGH;
        let confidence = if is_sure { Confidence::Medium } else { Confidence::Low };
        (confidence, Estimates::default(), evidence)
    })
}

/// Whether a target had an episode of such failures at a higher rate than `max_rate`: races stay as rare as they are.
fn is_frequent_for_a_while(group: &GroupView<'_>, max_rate: f64) -> bool {
    /// Failures further apart than this are in different episodes.
    const EPISODE_GAP: Duration = Duration::from_secs(30);
    /// Fewer failures than this do not show a rate.
    const MIN_IN_EPISODE: usize = 8;
    (0..group.targets.len()).any(|index| {
        let mut moments: Vec<Timestamp> =
            candidates(group, index).map(|(_, timed_request)| timed_request.dispatched).collect();
        moments.sort_unstable();
        let episodes = episodes(&moments, EPISODE_GAP).into_iter().filter(|episode| episode.len() >= MIN_IN_EPISODE);
        episodes.into_iter().any(|episode| {
            let span = Span { first: moments[episode.start], last: moments[episode.end - 1] };
            episode.len() as f64 > group.targets[index].sent_in(span).len() as f64 * max_rate
        })
    })
}
