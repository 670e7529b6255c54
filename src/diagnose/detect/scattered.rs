//! Requests that the target closed when their answers were due, here and there, with nothing that they share: no idle connection that was given up, which would end them sooner, and no
//! route, process or timeout. The log does not tell why, and says so.

use super::super::case::{Case, Verdict, share_out};
use super::super::evidence::{Evidence, plural_are};
use super::super::{Confidence, MIN_FAILURES_FOR_HIGH};
use crate::aggregate::timeline::Passage;
use crate::classify::Outcome;

/// A race ends a request long before this share of what its route usually takes.
const MIN_SHARE_OF_USUAL: f64 = 0.5;

pub(super) fn detect(case: &Case<'_>) -> Vec<Verdict> {
    let closed = |number: usize| {
        case.unexplained(number).filter(|(_, passage)| passage.outcome == Outcome::ClosedBeforeResponse)
    };
    let against_usual = |passage: &Passage| {
        let usual = case.usual(passage.route)?;
        Some(passage.took().as_secs_f64() / usual.as_secs_f64().max(1e-3))
    };
    let mut shares: Vec<f64> = (0..case.members.len())
        .flat_map(closed)
        .filter_map(|(_, passage): (usize, &Passage)| against_usual(passage))
        .collect();
    shares.sort_unstable_by(f64::total_cmp);
    let Some(&median) = shares.get(shares.len() / 2) else { return Vec::new() };
    if (shares.len() as u64) < MIN_FAILURES_FOR_HIGH || median < MIN_SHARE_OF_USUAL {
        return Vec::new();
    }
    let explains =
        (0..case.members.len()).map(|number| (number, closed(number).map(|(place, _)| place).collect::<Vec<_>>()));
    share_out(explains, |count, _| Verdict {
        also_fits: &["malformed-response", "target-crash"],
        evidence: vec![
            Evidence::speaks_for(
                format!(
                    "{} closed with nothing that they share: not an instant, not a route, not a constant time",
                    plural_are(count, "request")
                ),
                [],
            ),
            Evidence::speaks_for(
                format!(
                    "the target had worked on them for {median:.1} times as long as such requests usually take in the median, so no idle connection was lost"
                ),
                [("share_of_usual", median)],
            ),
        ],
        ..Verdict::new("unexplained", Confidence::Low)
    })
}
