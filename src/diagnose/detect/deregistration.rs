//! Long requests that were cut off when the deregistration delay had elapsed: the target had got no new request for
//! all that time, and then the requests that still ran ended together.

use std::time::Duration;

use rayon::prelude::*;

use crate::classify::Outcome;
use crate::diagnose::confidence::Confidence;
use crate::diagnose::evidence::{Evidence, plural_are, seconds, seconds_of};
use crate::diagnose::group_view::GroupView;
use crate::diagnose::verdict::{ExplainedFailures, Verdict};
use crate::knowledge::causes;
use crate::timestamp::Timestamp;

/// Ends within this time of each other are one cut: nodes learn of a change, and cut, at slightly different moments.
const TOGETHER: Duration = Duration::from_secs(2);

/// Shorter quiet than this is not a deregistration delay: nobody sets one so short. It must also last `QUIET_GAPS`
/// times the mean gap between requests, because shorter pauses are common at that target.
const MIN_QUIET: Duration = Duration::from_secs(2);
const QUIET_GAPS: f64 = 10.0;

/// Delays of several targets agree within this.
const AGREE: Duration = Duration::from_secs(3);

struct Cut {
    target_index: usize,
    /// Indices of the requests that were cut off in the target's requests.
    requests: Vec<usize>,
    /// From the last request sent to the target until the cut.
    quiet: Duration,
}

pub(super) fn detect(group: &GroupView<'_>) -> Vec<Verdict> {
    let cuts: Vec<Cut> = group.side_by_side().flat_map_iter(|target_index| cuts(group, target_index)).collect();
    let total: usize = cuts.iter().map(|cut| cut.requests.len()).sum();
    let Some(longest) = cuts.iter().map(|cut| cut.quiet).max() else { return Vec::new() };
    let mut targets: Vec<usize> = cuts.iter().map(|cut| cut.target_index).collect();
    targets.dedup();
    let agree = cuts.iter().all(|cut| longest.saturating_sub(cut.quiet) <= AGREE);
    // A single target that ends this way may have been idle and then stopped.
    let confidence = match (targets.len(), agree) {
        (2.., true) if total >= 10 => Confidence::High,
        (2.., true) => Confidence::Medium,
        _ if total >= 3 => Confidence::Medium,
        _ => Confidence::Low,
    };
    let evidence = |cut: &Cut| {
        let mut evidence = vec![
            Evidence::speaks_for(format!("{} cut off together", plural_are(cut.requests.len(), "long request")), []),
            Evidence::speaks_for(
                format!(
                    "the target had got no new request for {} s, while running requests continued",
                    seconds(cut.quiet)
                ),
                [("quiet", seconds_of(cut.quiet))],
            ),
        ];
        if targets.len() > 1 {
            evidence.push(
                Evidence::weighed(
                    agree,
                    format!(
                        "requests to {} targets of the group were cut off like this, after {} without new requests",
                        targets.len(),
                        if agree { "about the same time" } else { "different times" }
                    ),
                    [("targets", targets.len() as f64)],
                )
                .of_group(),
            );
        }
        evidence
    };
    let also_fits = || vec![&causes::DEPLOY_WITHOUT_DRAINING, &causes::TARGET_CRASH];
    if cuts.iter().all(|cut| cut.requests.len() >= 3) {
        return cuts
            .into_iter()
            .map(|cut| Verdict {
                also_fits: also_fits(),
                evidence: evidence(&cut),
                ..Verdict::on_target(&causes::DEREGISTRATION_DELAY_ELAPSED, confidence, cut.target_index, cut.requests)
            })
            .collect();
    }
    // Some targets have too few requests for a finding of their own, so one verdict covers all of them.
    let Some(largest) = cuts.iter().max_by_key(|cut| cut.requests.len()) else { return Vec::new() };
    let address = group.shared.summary.targets.entry(group.targets[largest.target_index].id).1;
    let at = format!("at {}: ", String::from_utf8_lossy(address));
    let mut evidence = evidence(largest);
    // The first two are about one target.
    for statement in evidence.iter_mut().take(2).filter(|_| targets.len() > 1) {
        statement.text.insert_str(0, &at);
    }
    let mut explained: Vec<ExplainedFailures> = Vec::new();
    for Cut { target_index, requests, .. } in cuts {
        match explained.last_mut() {
            Some(last) if last.target_index == target_index => last.request_indices.extend(requests),
            _ => explained.push(ExplainedFailures { target_index, request_indices: requests }),
        }
    }
    vec![Verdict {
        also_fits: also_fits(),
        evidence,
        explained,
        ..Verdict::new(&causes::DEREGISTRATION_DELAY_ELAPSED, confidence)
    }]
}

fn cuts(group: &GroupView<'_>, target_index: usize) -> Vec<Cut> {
    let target = &group.targets[target_index];
    let min_quiet = MIN_QUIET.max(target.mean_gap().mul_f64(QUIET_GAPS));
    let closed: Vec<(usize, Timestamp, Timestamp)> = group
        .unexplained(target_index)
        .filter(|(_, timed_request)| {
            timed_request.outcome == Outcome::ClosedBeforeResponse && timed_request.took() >= MIN_QUIET
        })
        .map(|(index, timed_request)| (index, timed_request.dispatched, timed_request.ended))
        .collect();
    let limit = i64::try_from(TOGETHER.as_micros()).unwrap_or(i64::MAX);
    closed
        .chunk_by(|one, next| next.2.micros_since(one.2) <= limit)
        .filter_map(|together| {
            let (first, last) = (together.first()?.2, together.last()?.2);
            let (before, next) = target.sent_around(first, last);
            let quiet = first.since(before?);
            // The target must stay quiet after the cut. One that soon gets requests again was merely idle.
            let is_over = next.is_none_or(|next| next.micros_since(last) as f64 / 1e6 >= min_quiet.as_secs_f64());
            (quiet >= min_quiet && is_over).then(|| Cut {
                target_index,
                requests: together.iter().map(|(index, ..)| *index).collect(),
                quiet,
            })
        })
        .collect()
}
