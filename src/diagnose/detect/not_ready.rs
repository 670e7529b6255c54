//! Targets that were not ready: a target that starts within the log fails until its first answer, or mostly at first.
//! It got traffic before it could serve it.

use std::time::Duration;

use rayon::prelude::*;

use crate::aggregate::Span;
use crate::aggregate::timeline::TimedRequest;
use crate::classify::Outcome;
use crate::diagnose::confidence::Confidence;
use crate::diagnose::evidence::{Evidence, plural, plural_are, seconds};
use crate::diagnose::group_view::GroupView;
use crate::diagnose::measure::share::Rate;
use crate::diagnose::target_view::TargetView;
use crate::diagnose::verdict::Verdict;
use crate::knowledge::causes;
use crate::timestamp::Timestamp;

/// A start takes no longer than this.
const START: Duration = Duration::from_mins(3);

/// A target counts as new if it appears later than this after the start of the log, and later than `LATE_GAPS` times
/// the mean gap between its requests.
const MIN_LATE: Duration = Duration::from_secs(8);
const LATE_GAPS: f64 = 20.0;

/// A finding needs at least this many early failures, and they must be at least `MIN_SHARE_EARLY` of all failures of
/// these kinds ([`may_be_early`]) at the target.
const MIN_EARLY: usize = 3;
const MIN_SHARE_EARLY: f64 = 0.8;

/// The share of failing requests at the start must be at least this many times the share later.
const MIN_RATIO: f64 = 10.0;

/// At least this many requests must be answered after the start, to show that the target became ready.
const MIN_LATER: usize = 10;

pub(super) fn detect(group: &GroupView<'_>) -> Vec<Verdict> {
    group.side_by_side().filter_map(|target_index| not_ready(group, target_index)).collect()
}

/// When the target was first used, if it started within the log. `None` if it may have been there before.
pub(super) fn begins(group: &GroupView<'_>, target: &TargetView<'_>) -> Option<Timestamp> {
    // The timeline drops quiet blocks of a log that is too long for it, but `seen` still covers the requests in them.
    let begun = target.first_sent()?.min(target.totals.seen?.first);
    let late = (target.mean_gap().as_secs_f64() * LATE_GAPS).max(MIN_LATE.as_secs_f64());
    (begun.micros_since(group.shared.log_span.first) as f64 / 1e6 > late).then_some(begun)
}

/// Whether a target that is not ready may fail this way.
fn may_be_early(timed_request: &TimedRequest) -> bool {
    matches!(
        timed_request.outcome,
        Outcome::ConnectFailed
            | Outcome::ConnectTimeout
            | Outcome::TargetError
            | Outcome::TargetGatewayError
            | Outcome::ClosedBeforeResponse
            | Outcome::IdleTimeout
    )
}

fn not_ready(group: &GroupView<'_>, target_index: usize) -> Option<Verdict> {
    let target = &group.targets[target_index];
    let begun = begins(group, target)?;
    let ends = begun.plus_micros(i64::try_from(START.as_micros()).unwrap_or(i64::MAX));
    let failures: Vec<(usize, &TimedRequest)> =
        group.unexplained(target_index).filter(|(_, timed_request)| may_be_early(timed_request)).collect();
    let early: Vec<(usize, &TimedRequest)> =
        failures.iter().copied().filter(|(_, timed_request)| timed_request.dispatched <= ends).collect();
    let ready = early.iter().map(|(_, timed_request)| timed_request.dispatched).max()?;
    let (mut start, mut later) = (Rate::default(), Rate::default());
    for timed_request in &target.timed_requests {
        let rate = if timed_request.dispatched <= ready { &mut start } else { &mut later };
        rate.observe(timed_request.outcome.is_failure());
    }
    let is_enough = early.len() >= MIN_EARLY
        && early.len() as f64 >= failures.len() as f64 * MIN_SHARE_EARLY
        && later.requests - later.failures >= MIN_LATER;
    if !is_enough || start.share() < MIN_RATIO * later.share() || start.share() < 0.2 {
        return None;
    }
    // If the other targets fail too, the start of this one is not the cause.
    let mut others = Rate::default();
    for (_, other) in group.targets.iter().enumerate().filter(|(index, _)| *index != target_index) {
        for timed_request in other.sent_in(Span { first: begun, last: ready }) {
            others.observe(timed_request.outcome.is_failure());
        }
    }
    if others.share() * 3.0 > start.share() {
        return None;
    }
    let is_refused = |timed_request: &TimedRequest| timed_request.outcome == Outcome::ConnectFailed;
    let refused = early.iter().filter(|(_, timed_request)| is_refused(timed_request)).count();
    let waited = ready.since(begun);
    let first_answer = target.answered().map(|timed_request| timed_request.dispatched).min()?;
    let until_answer = first_answer.since(begun);
    let is_refused_later =
        early.iter().any(|(_, timed_request)| is_refused(timed_request) && timed_request.dispatched > first_answer);
    let mut evidence = vec![Evidence::speaks_for(
        format!(
            "{} of the target's first {} failed, the last one sent {} s after the first request; of {} since then, \
                {} failed",
            start.failures,
            plural(start.requests, "request"),
            seconds(waited),
            later.requests,
            later.failures
        ),
        [
            ("first_requests", start.requests as f64),
            ("waited", waited.as_secs_f64()),
            ("later_requests", later.requests as f64),
            ("later_failures", later.failures as f64),
        ],
    )];
    if refused > 0 {
        evidence.push(Evidence::speaks_for(
            format!(
                "{} refused{}; the first request that was answered was sent {} s after the first request",
                plural_are(refused, "connection"),
                if is_refused_later { "" } else { ": nothing listened yet" },
                seconds(until_answer)
            ),
            [("refused", refused as f64), ("until_answer", until_answer.as_secs_f64())],
        ));
    }
    let confidence =
        if refused * 10 >= early.len() * 8 && early.len() >= 10 { Confidence::High } else { Confidence::Medium };
    let indices = early.iter().map(|(index, _)| *index).collect();
    Some(Verdict {
        also_fits: vec![&causes::CONNECTION_REFUSED],
        evidence,
        ..Verdict::on_target(&causes::TARGET_NOT_READY, confidence, target_index, indices)
    })
}
