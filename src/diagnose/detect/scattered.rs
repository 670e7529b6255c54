//! Requests that the target closed when their answers were due, here and there: no idle connection that was given up, which would end them sooner, and no route, whole process or timeout
//! that they share. Where they are one target's alone, workers of its process die under them; where they are everybody's, the log does not tell why, and says so.

use std::time::Duration;

use super::super::case::{Case, Verdict, WHEN_DUE, share_out};
use super::super::evidence::{Evidence, plural_are};
use super::super::{Confidence, MIN_FAILURES_FOR_HIGH};
use super::measure::share::{Rate, concentrated};
use crate::aggregate::timeline::Passage;
use crate::classify::Outcome;

/// Fewer closed requests of a single target are no pattern.
const MIN_CLOSED: usize = 5;

/// Whoever gives up an idle connection ends a request sooner than this.
const QUICK: Duration = Duration::from_millis(100);

/// Requests that were sent so far apart and ended so close together died of one thing.
const APART: Duration = Duration::from_millis(100);
const TOGETHER: Duration = Duration::from_millis(250);

pub(super) fn detect(case: &Case<'_>) -> Vec<Verdict> {
    let all: Vec<&Passage> = (0..case.members.len()).flat_map(|number| closed(case, number)).map(|(_, p)| p).collect();
    let Some(share) = case.share_of_usual(all.iter().copied()) else { return Vec::new() };
    if share < WHEN_DUE {
        return Vec::new();
    }
    let by_member: Vec<Rate> = (0..case.members.len())
        .map(|number| Rate { failures: closed(case, number).count(), requests: case.members[number].passages.len() })
        .collect();
    match concentrated(&by_member)[..] {
        [number] if by_member[number].failures >= MIN_CLOSED => {
            of_one_target(case, number, share).into_iter().collect()
        }
        _ if all.len() as u64 >= MIN_FAILURES_FOR_HIGH => of_all_targets(case, share),
        _ => Vec::new(),
    }
}

fn closed<'a>(case: &'a Case<'_>, number: usize) -> impl Iterator<Item = (usize, &'a Passage)> {
    case.unexplained(number).filter(|(_, passage)| passage.outcome == Outcome::ClosedBeforeResponse)
}

fn worked(share: f64) -> Evidence {
    Evidence::speaks_for(
        format!(
            "the target had worked on them for {share:.1} times as long as such requests usually take in the median, so no idle connection was lost"
        ),
        [("share_of_usual", share)],
    )
}

fn of_one_target(case: &Case<'_>, number: usize, share: f64) -> Option<Verdict> {
    let ended: Vec<&Passage> = closed(case, number).map(|(_, passage)| passage).collect();
    let is_of_one_death = |pair: &[&Passage]| {
        let within = |micros: i64, most: Duration| u128::from(micros.unsigned_abs()) <= most.as_micros();
        within(pair[1].ended.micros_since(pair[0].ended), TOGETHER)
            && !within(pair[1].dispatched.micros_since(pair[0].dispatched), APART)
    };
    let together = ended.windows(2).filter(|pair| is_of_one_death(pair)).count();
    // What dies under requests takes the long ones more often than the quick; where all were quick, idle connections are as likely.
    let quick = ended.iter().filter(|passage| passage.took() <= QUICK).count();
    if together == 0 && quick * 10 >= ended.len() * 9 {
        return None;
    }
    let confidence = if together >= 2 { Confidence::Medium } else { Confidence::Low };
    let evidence = vec![
        Evidence::speaks_for(
            format!(
                "{} closed, of this target alone: one of its workers, or what it runs, died under them",
                plural_are(ended.len(), "request")
            ),
            [],
        ),
        Evidence::weighed(
            together > 0,
            match together {
                0 => "none of them ended together with another that was sent at another time".to_owned(),
                1 => "once, two that were sent at different times ended together".to_owned(),
                times => format!("{times} times, two that were sent at different times ended together"),
            },
            [("ended_together", together as f64)],
        ),
        worked(share),
    ];
    let places = closed(case, number).map(|(place, _)| place).collect();
    Some(Verdict {
        also_fits: &["malformed-response", "unexplained"],
        evidence,
        ..Verdict::on_member("target-crash", confidence, number, places)
    })
}

fn of_all_targets(case: &Case<'_>, share: f64) -> Vec<Verdict> {
    let explains = (0..case.members.len())
        .map(|number| (number, closed(case, number).map(|(place, _)| place).collect::<Vec<_>>()));
    share_out(explains, |count, _| Verdict {
        also_fits: &["malformed-response", "target-crash"],
        evidence: vec![
            Evidence::speaks_for(
                format!(
                    "{} closed with nothing that they share: not an instant, not a route, not a target, not a constant time",
                    plural_are(count, "request")
                ),
                [],
            ),
            worked(share),
        ],
        ..Verdict::new("unexplained", Confidence::Low)
    })
}
