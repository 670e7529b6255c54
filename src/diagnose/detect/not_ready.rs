//! A target that begins in the window fails until it first answers, or mostly in its first moments: it got traffic before it could serve it.

use std::time::Duration;

use rayon::prelude::*;

use super::super::Confidence;
use super::super::case::{Case, Member, Verdict};
use super::super::evidence::{Evidence, plural, plural_are, seconds};
use super::measure::share::Rate;
use crate::aggregate::Span;
use crate::aggregate::timeline::Passage;
use crate::classify::Outcome;
use crate::timestamp::Timestamp;

/// A start takes no longer than this.
const START: Duration = Duration::from_mins(3);

/// A target counts as new when it begins this long after the window, or so many times the mean gap between its requests.
const MIN_LATE: Duration = Duration::from_secs(8);
const LATE_GAPS: f64 = 20.0;

/// Early failures that make it a finding, and the share of all its failures that they must be.
const MIN_EARLY: usize = 3;
const MIN_SHARE_EARLY: f64 = 0.8;

/// How many times as often as later it fails early.
const MIN_RATIO: f64 = 10.0;

/// Answered requests after the start that show that it became ready.
const MIN_LATER: usize = 10;

pub(super) fn detect(case: &Case<'_>) -> Vec<Verdict> {
    case.side_by_side().filter_map(|member| not_ready(case, member)).collect()
}

/// Whether a target begins within the window, rather than having been there before.
pub(super) fn begins(case: &Case<'_>, member: &Member<'_>) -> Option<Timestamp> {
    // The timeline forgets the quiet blocks of a log that is too long for it; the target was there in them all the same.
    let begun = member.first_sent()?.min(member.target.seen?.first);
    let late = (member.mean_gap().as_secs_f64() * LATE_GAPS).max(MIN_LATE.as_secs_f64());
    (begun.micros_since(case.setting.window.first) as f64 / 1e6 > late).then_some(begun)
}

/// How a target fails that is not ready.
fn may_be_early(passage: &Passage) -> bool {
    matches!(
        passage.outcome,
        Outcome::ConnectFailed
            | Outcome::ConnectTimeout
            | Outcome::TargetError
            | Outcome::TargetGatewayError
            | Outcome::ClosedBeforeResponse
            | Outcome::IdleTimeout
    )
}

fn not_ready(case: &Case<'_>, number: usize) -> Option<Verdict> {
    let member = &case.members[number];
    let begun = begins(case, member)?;
    let ends = begun.plus_micros(i64::try_from(START.as_micros()).unwrap_or(i64::MAX));
    let failures: Vec<(usize, &Passage)> =
        case.unexplained(number).filter(|(_, passage)| may_be_early(passage)).collect();
    let last_early =
        failures.iter().filter(|(_, passage)| passage.dispatched <= ends).map(|(_, p)| p.dispatched).max()?;
    let early: Vec<(usize, &Passage)> =
        failures.iter().copied().filter(|(_, passage)| passage.dispatched <= last_early).collect();
    let ready = early.iter().map(|(_, passage)| passage.dispatched).max()?;
    let (mut start, mut later) = (Rate::default(), Rate::default());
    for passage in &member.passages {
        let rate = if passage.dispatched <= ready { &mut start } else { &mut later };
        rate.observe(passage.outcome.is_failure());
    }
    let is_enough = early.len() >= MIN_EARLY
        && early.len() as f64 >= failures.len() as f64 * MIN_SHARE_EARLY
        && later.requests - later.failures >= MIN_LATER;
    if !is_enough || start.share() < MIN_RATIO * later.share() || start.share() < 0.2 {
        return None;
    }
    // When the others fail as well, it is not this one's start.
    let mut others = Rate::default();
    for (_, other) in case.members.iter().enumerate().filter(|(other, _)| *other != number) {
        for passage in other.sent_in(Span { first: begun, last: ready }) {
            others.observe(passage.outcome.is_failure());
        }
    }
    if others.share() * 3.0 > start.share() {
        return None;
    }
    let refused = early.iter().filter(|(_, passage)| passage.outcome == Outcome::ConnectFailed).count();
    let waited = ready.since(begun);
    let first_answer = member.answered().map(|passage| passage.dispatched).min()?;
    let until_answer = first_answer.since(begun);
    let mut evidence = vec![Evidence::speaks_for(
        format!(
            "{} of its first {} failed, the last {} s after its first; of {} since then, {}",
            early.len(),
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
                "{} refused: nothing listened yet; the first answer came {} s after the first request",
                plural_are(refused, "connection"),
                seconds(until_answer)
            ),
            [("refused", refused as f64), ("until_answer", until_answer.as_secs_f64())],
        ));
    }
    let confidence =
        if refused * 10 >= early.len() * 8 && early.len() >= 10 { Confidence::High } else { Confidence::Medium };
    let places = early.iter().map(|(place, _)| *place).collect();
    Some(Verdict {
        also_fits: &["connection-refused"],
        evidence,
        ..Verdict::on_member("target-not-ready", confidence, number, places)
    })
}
