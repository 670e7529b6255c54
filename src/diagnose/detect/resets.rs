//! Connections that were reset in bursts while the targets kept on answering.
//!
//! A lost race for an idle connection is a single, rare event. If several requests are closed at nearly one moment, one
//! event closed their connections. If it met several targets at the same moments, what serves them was recycled or
//! reloaded. If one target closed a part of its requests for a while, and answered errors of its own in the same
//! minutes, it had no connections or file descriptors left.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::aggregate::Span;
use crate::aggregate::timeline::TimedRequest;
use crate::classify::Outcome;
use crate::diagnose::confidence::Confidence;
use crate::diagnose::evidence::{Evidence, plural, plural_are};
use crate::diagnose::group_view::GroupView;
use crate::diagnose::measure::bursts::Bursts;
use crate::diagnose::measure::lags::may_be_race;
use crate::diagnose::measure::share::Rate;
use crate::diagnose::measure::time_pattern::episodes;
use crate::diagnose::verdict::{ExplainedFailures, Verdict};
use crate::knowledge::causes;
use crate::timestamp::Timestamp;

/// Fewer closed requests than this are not a pattern.
const MIN_CLOSED: usize = 5;

/// At least this share of the bursts' failures must be in bursts at several targets, if these were recycled together.
const MIN_SHARE_TOGETHER: f64 = 0.6;

/// Failures further apart than this are in different episodes. A race takes at most this share of an episode's
/// requests.
const EPISODE_GAP: Duration = Duration::from_mins(1);
const MAX_RATE_OF_RACES: f64 = 0.03;

/// Medium confidence needs at least this many failures, in at least two bursts.
const MIN_FOR_MEDIUM: usize = 10;

/// If more targets than this, and more than half of the group, close a part of their requests, confidence is low.
const MAX_TARGETS_AT_LIMIT: usize = 2;

/// A target's own errors in the minutes of the bursts must be at least this many, and this many times as frequent as in
/// the other minutes.
const MIN_OWN_ERRORS: usize = 3;
const MIN_ERROR_RATIO: f64 = 2.0;

/// A request that was closed at once: the index of its target, and its own among the target's.
#[derive(Clone, Copy)]
struct Closed<'a> {
    target_index: usize,
    request_index: usize,
    request: &'a TimedRequest,
}

pub(super) fn detect(group: &GroupView<'_>) -> Vec<Verdict> {
    let mut closed: Vec<Closed<'_>> = (0..group.targets.len())
        .flat_map(|target_index| {
            group.unexplained(target_index).map(move |(request_index, request)| Closed {
                target_index,
                request_index,
                request,
            })
        })
        .filter(|closed| may_be_race(closed.request))
        .collect();
    closed.sort_by_key(|closed| (closed.request.ended, closed.target_index, closed.request_index));
    if let Some(verdict) = at_several_targets(group, &closed) {
        return vec![verdict];
    }
    let of_target = |target_index: usize| -> Vec<Closed<'_>> {
        closed.iter().copied().filter(|closed| closed.target_index == target_index).collect()
    };
    let mut verdicts: Vec<Verdict> = (0..group.targets.len())
        .filter_map(|target_index| at_one_target(group, target_index, &of_target(target_index)))
        .collect();
    // A limit is reached at one target or a few. If most have such failures, something else may be behind them.
    if verdicts.len() > MAX_TARGETS_AT_LIMIT && verdicts.len() * 2 > group.targets.len() {
        for verdict in &mut verdicts {
            verdict.confidence = Confidence::Low;
        }
    }
    verdicts
}

fn bursts_of(closed: &[Closed<'_>]) -> Bursts {
    let moments: Vec<Timestamp> = closed.iter().map(|closed| closed.request.ended).collect();
    Bursts::new(&moments)
}

/// The failures by target, for a verdict. `failures` are indices of a target and of a request.
fn explained(failures: impl IntoIterator<Item = (usize, usize)>) -> Vec<ExplainedFailures> {
    let failures: BTreeSet<(usize, usize)> = failures.into_iter().collect();
    let mut explained: Vec<ExplainedFailures> = Vec::new();
    for (target_index, request_index) in failures {
        match explained.last_mut() {
            Some(last) if last.target_index == target_index => last.request_indices.push(request_index),
            _ => explained.push(ExplainedFailures { target_index, request_indices: vec![request_index] }),
        }
    }
    explained
}

fn at_several_targets(group: &GroupView<'_>, closed: &[Closed<'_>]) -> Option<Verdict> {
    let bursts = bursts_of(closed);
    if closed.len() < MIN_CLOSED || !bursts.stand_out() {
        return None;
    }
    let targets_of = |burst: &std::ops::Range<usize>| {
        closed[burst.clone()].iter().map(|closed| closed.target_index).collect::<BTreeSet<_>>()
    };
    let together: Vec<_> = bursts.iter().filter(|burst| targets_of(burst).len() >= 2).collect();
    let held: usize = together.iter().map(ExactSizeIterator::len).sum();
    let in_bursts: usize = bursts.iter().map(|burst| burst.len()).sum();
    if together.is_empty() || (held as f64) < in_bursts as f64 * MIN_SHARE_TOGETHER {
        return None;
    }
    let targets: BTreeSet<usize> = together.iter().flat_map(targets_of).collect();
    let last = closed[together.last()?.end - 1].request.ended;
    let has_answered_later = |target: &&usize| {
        group.targets[**target].since(last).iter().any(|later| later.dispatched > last && !later.outcome.is_failure())
    };
    let answered_later = targets.iter().filter(has_answered_later).count();
    let is_sure = together.len() >= 2 && held >= MIN_FOR_MEDIUM;
    Some(Verdict {
        also_fits: vec![&causes::DEPLOY_WITHOUT_DRAINING, &causes::TARGET_CRASH],
        evidence: vec![
            Evidence::speaks_for(
                format!(
                    "{} closed within half a second of being sent; {held} of them came in {}, each at several targets",
                    plural_are(closed.len(), "request"),
                    plural(together.len(), "burst"),
                ),
                [("in_bursts", held as f64), ("bursts", together.len() as f64)],
            ),
            Evidence::speaks_for(
                format!(
                    "{} of the {} had some at these moments; {} of them answered requests after that",
                    targets.len(),
                    plural(group.targets.len(), "target"),
                    answered_later,
                ),
                [("targets_failing", targets.len() as f64), ("answered_later", answered_later as f64)],
            ),
        ],
        is_about_group: true,
        explained: explained(closed.iter().map(|closed| (closed.target_index, closed.request_index))),
        ..Verdict::new(&causes::SERVER_RECYCLING, if is_sure { Confidence::Medium } else { Confidence::Low })
    })
}

fn minute_of(request: &TimedRequest) -> i64 {
    request.ended.as_seconds().div_euclid(60)
}

fn is_own_error(request: &TimedRequest) -> bool {
    matches!(request.outcome, Outcome::TargetError | Outcome::TargetGatewayError)
}

/// The share of the target's requests that were closed in the episodes of these failures.
fn rate_in_episodes(group: &GroupView<'_>, target_index: usize, closed: &[Closed<'_>]) -> f64 {
    let mut moments: Vec<Timestamp> = closed.iter().map(|closed| closed.request.dispatched).collect();
    moments.sort_unstable();
    let spans = episodes(&moments, EPISODE_GAP)
        .into_iter()
        .map(|episode| Span { first: moments[episode.start], last: moments[episode.end - 1] });
    let requests: usize = spans.map(|span| group.targets[target_index].sent_in(span).len()).sum();
    closed.len() as f64 / requests.max(1) as f64
}

fn at_one_target(group: &GroupView<'_>, target_index: usize, closed: &[Closed<'_>]) -> Option<Verdict> {
    let bursts = bursts_of(closed);
    if closed.len() < MIN_CLOSED {
        return None;
    }
    let comes_in_bursts = bursts.stand_out();
    let rate = rate_in_episodes(group, target_index, closed);
    if !comes_in_bursts && rate <= MAX_RATE_OF_RACES {
        return None;
    }
    let minutes: BTreeSet<i64> = closed.iter().map(|closed| minute_of(closed.request)).collect();
    let (mut then, mut otherwise) = (Rate::default(), Rate::default());
    let mut answered = 0;
    for request in &group.targets[target_index].timed_requests {
        let is_then = minutes.contains(&minute_of(request));
        if is_then { &mut then } else { &mut otherwise }.observe(is_own_error(request));
        answered += usize::from(is_then && !request.outcome.is_failure());
    }
    // A target that answers nothing meanwhile is away, and has not reached a limit.
    if answered < closed.len() {
        return None;
    }
    let is_ratio = otherwise.requests == 0 || then.share() >= otherwise.share() * MIN_ERROR_RATIO;
    let has_errors = then.failures >= MIN_OWN_ERRORS && is_ratio;
    let failures = || closed.iter().map(|closed| (closed.target_index, closed.request_index));
    let how = if comes_in_bursts {
        format!("{:.0} % of them in {}", bursts.share() * 100.0, plural(bursts.iter().len(), "burst"))
    } else {
        format!("{:.1} % of its requests at that time", rate * 100.0)
    };
    let first = Evidence::speaks_for(
        format!(
            "{} closed by the target within half a second of being sent, {how}",
            plural_are(closed.len(), "request")
        ),
        [("bursts", bursts.iter().len() as f64), ("share_in_bursts", bursts.share()), ("rate", rate)],
    );
    let meanwhile = Evidence::speaks_for(
        format!("in the same minutes, the target answered {}", plural(answered, "other request")),
        [("answered_meanwhile", answered as f64)],
    );
    if !has_errors {
        return comes_in_bursts.then(|| Verdict {
            also_fits: vec![&causes::TARGET_CRASH, &causes::CONNECTIONS_EXHAUSTED],
            evidence: vec![first, meanwhile],
            explained: explained(failures()),
            ..Verdict::new(&causes::SERVER_RECYCLING, Confidence::Low)
        });
    }
    let own_errors: Vec<(usize, usize)> = group
        .unexplained(target_index)
        .filter(|(_, request)| is_own_error(request) && minutes.contains(&minute_of(request)))
        .map(|(request_index, _)| (target_index, request_index))
        .collect();
    let is_sure = closed.len() >= MIN_FOR_MEDIUM;
    Some(Verdict {
        also_fits: vec![&causes::TARGET_SATURATED, &causes::SERVER_RECYCLING],
        evidence: vec![
            first,
            Evidence::speaks_for(
                format!(
                    "in the same minutes, {} of its {} ended with an error of its own; in the other minutes, {} of {} did",
                    then.failures,
                    plural(then.requests, "request"),
                    otherwise.failures,
                    otherwise.requests,
                ),
                [("own_errors", then.failures as f64), ("own_errors_otherwise", otherwise.failures as f64)],
            ),
            meanwhile,
        ],
        explained: explained(failures().chain(own_errors)),
        ..Verdict::new(&causes::CONNECTIONS_EXHAUSTED, if is_sure { Confidence::Medium } else { Confidence::Low })
    })
}
