//! Long requests that were cut when the deregistration delay was over: the target had got nothing new for all that time, and then what still ran ended together.

use std::time::Duration;

use rayon::prelude::*;

use super::super::Confidence;
use super::super::case::{Case, Verdict};
use super::super::evidence::{Evidence, plural_are, seconds, seconds_of};
use crate::classify::Outcome;
use crate::timestamp::Timestamp;

/// Nodes learn of a change at somewhat different moments, and cut at them.
const TOGETHER: Duration = Duration::from_secs(2);

/// Shorter quiet than this is no deregistration delay that anybody has, nor is one that the target often has between two requests.
const MIN_QUIET: Duration = Duration::from_secs(2);
const QUIET_GAPS: f64 = 10.0;

/// Delays of several targets agree within this.
const AGREE: Duration = Duration::from_secs(3);

struct Cut {
    member: usize,
    places: Vec<usize>,
    /// From the last request that was sent to it until the cut.
    quiet: Duration,
}

pub(super) fn detect(case: &Case<'_>) -> Vec<Verdict> {
    let cuts: Vec<Cut> = case.side_by_side().flat_map_iter(|member| cuts(case, member)).collect();
    let total: usize = cuts.iter().map(|cut| cut.places.len()).sum();
    let Some(longest) = cuts.iter().map(|cut| cut.quiet).max() else { return Vec::new() };
    let mut targets: Vec<usize> = cuts.iter().map(|cut| cut.member).collect();
    targets.dedup();
    let agree = cuts.iter().all(|cut| longest.saturating_sub(cut.quiet) <= AGREE);
    // A single target that ends so may have been idle and then stopped.
    let confidence = match (targets.len(), agree) {
        (2.., true) if total >= 10 => Confidence::High,
        (2.., true) => Confidence::Medium,
        _ if total >= 3 => Confidence::Medium,
        _ => Confidence::Low,
    };
    let evidence = |cut: &Cut| {
        let mut evidence = vec![
            Evidence::speaks_for(format!("{} cut together", plural_are(cut.places.len(), "long request")), []),
            Evidence::speaks_for(
                format!("nothing new had been sent to the target for {} s, while what ran ran on", seconds(cut.quiet)),
                [("quiet", seconds_of(cut.quiet))],
            ),
        ];
        if targets.len() > 1 {
            evidence.push(Evidence::weighed(
                agree,
                format!(
                    "{} targets of the group ended so, after {} quiet",
                    targets.len(),
                    if agree { "as long a" } else { "differently long" }
                ),
                [("targets", targets.len() as f64)],
            ));
        }
        evidence
    };
    let also_fits: &'static [&'static str] = &["deploy-without-draining", "target-crash"];
    if cuts.iter().all(|cut| cut.places.len() >= 3) {
        return cuts
            .into_iter()
            .map(|cut| Verdict {
                also_fits,
                evidence: evidence(&cut),
                ..Verdict::on_member("deregistration-delay-elapsed", confidence, cut.member, cut.places)
            })
            .collect();
    }
    // Few at each: together they tell.
    let Some(largest) = cuts.iter().max_by_key(|cut| cut.places.len()) else { return Vec::new() };
    let evidence = evidence(largest);
    let mut explains: Vec<(usize, Vec<usize>)> = Vec::new();
    for cut in cuts {
        match explains.last_mut() {
            Some((member, places)) if *member == cut.member => places.extend(cut.places),
            _ => explains.push((cut.member, cut.places)),
        }
    }
    vec![Verdict { also_fits, evidence, explains, ..Verdict::new("deregistration-delay-elapsed", confidence) }]
}

fn cuts(case: &Case<'_>, number: usize) -> Vec<Cut> {
    let member = &case.members[number];
    let min_quiet = MIN_QUIET.max(member.mean_gap().mul_f64(QUIET_GAPS));
    let closed: Vec<(usize, Timestamp, Timestamp)> = case
        .unexplained(number)
        .filter(|(_, passage)| passage.outcome == Outcome::ClosedBeforeResponse && passage.took() >= MIN_QUIET)
        .map(|(place, passage)| (place, passage.dispatched, passage.ended))
        .collect();
    let limit = i64::try_from(TOGETHER.as_micros()).unwrap_or(i64::MAX);
    closed
        .chunk_by(|one, next| next.2.micros_since(one.2) <= limit)
        .filter_map(|together| {
            let (first, last) = (together.first()?.2, together.last()?.2);
            let (before, next) = member.sent_around(first, last);
            let quiet = first.since(before?);
            // It ends there; one that goes on at once was merely idle.
            let is_over = next.is_none_or(|next| next.micros_since(last) as f64 / 1e6 >= min_quiet.as_secs_f64());
            (quiet >= min_quiet && is_over).then(|| Cut {
                member: number,
                places: together.iter().map(|(place, ..)| *place).collect(),
                quiet,
            })
        })
        .collect()
}
