//! From a verdict to a finding.

use std::collections::BTreeMap;

use super::concentration::concentration;
use super::confidence::{Confidence, MIN_FAILURES, MIN_FAILURES_FOR_HIGH};
use super::finding::{FailuresPerMinute, Finding};
use super::finding_id::FindingId;
use super::group_view::GroupView;
use super::measure::time_pattern::time_pattern;
use super::scope::Scope;
use super::verdict::Verdict;
use crate::aggregate::{Sample, Samples, Span, TargetId};
use crate::classify::Outcome;
use crate::timestamp::Timestamp;

/// Makes a finding of a verdict, and marks the verdict's failures as explained. With fewer than
/// [`MIN_FAILURES_FOR_HIGH`] failures, the confidence is at most medium. With fewer than [`MIN_FAILURES`], returns
/// `None` and marks nothing.
pub(super) fn accept(group: &mut GroupView<'_>, verdict: &Verdict) -> Option<Finding> {
    let failures: usize = verdict.explained.iter().map(|of_target| of_target.request_indices.len()).sum();
    if (failures as u64) < MIN_FAILURES {
        return None;
    }
    let mut evidence = verdict.evidence.clone();
    if let Some(first) = evidence.first_mut() {
        first.numbers.insert(0, ("failures", failures as f64));
    }
    evidence.extend(concentration(group, verdict));
    let mut outcomes: Vec<(Outcome, u64)> = Vec::new();
    let mut span = None;
    let mut dispatches = Vec::with_capacity(failures);
    let mut failures_by_target: Vec<(TargetId, Outcome, u64)> = Vec::new();
    let mut failures_per_minute: BTreeMap<(TargetId, Outcome, i64), u64> = BTreeMap::new();
    for (target_index, request_index) in verdict.requests() {
        let target = &mut group.targets[target_index];
        let (id, timed_request) = (target.id, target.timed_requests[request_index]);
        target.mark_explained(request_index);
        Span::include(&mut span, timed_request.ended);
        dispatches.push(timed_request.dispatched);
        let minute = timed_request.ended.as_seconds().div_euclid(60);
        *failures_per_minute.entry((id, timed_request.outcome, minute)).or_default() += 1;
        match outcomes.iter_mut().find(|(outcome, _)| *outcome == timed_request.outcome) {
            Some((_, requests)) => *requests += 1,
            None => outcomes.push((timed_request.outcome, 1)),
        }
        match failures_by_target.iter_mut().rev().find(|known| (known.0, known.1) == (id, timed_request.outcome)) {
            Some((_, _, count)) => *count += 1,
            None => failures_by_target.push((id, timed_request.outcome, 1)),
        }
    }
    outcomes.sort_by_key(|(outcome, requests)| (std::cmp::Reverse(*requests), *outcome));
    dispatches.sort_unstable();
    let (outcome, _) = *outcomes.first()?;
    let scope = match verdict.explained.as_slice() {
        [of_target] if !verdict.is_about_group => Scope::Target(group.targets[of_target.target_index].id),
        _ => Scope::TargetGroup(group.target_group),
    };
    Some(Finding {
        id: FindingId::new(group.shared.summary, verdict.cause, scope),
        scope,
        outcome,
        outcomes,
        cause: verdict.cause,
        also_fits: verdict.also_fits.clone(),
        confidence: if (failures as u64) < MIN_FAILURES_FOR_HIGH {
            verdict.confidence.min(Confidence::Medium)
        } else {
            verdict.confidence
        },
        failures: failures as u64,
        failures_by_target,
        span,
        time_pattern: time_pattern(&dispatches, group.shared.log_span),
        evidence,
        error_reason: None,
        signs: Vec::new(),
        estimates: verdict.estimates,
        lags: verdict.lags.clone(),
        failures_per_minute: failures_per_minute
            .into_iter()
            .map(|((target, outcome, minute), failures)| FailuresPerMinute {
                target,
                outcome,
                minute: Timestamp::from_seconds(minute * 60),
                failures,
            })
            .collect(),
        samples: samples(group, verdict, outcome, span?),
    })
}

/// The earliest samples of the verdict's targets that have its main outcome and ended between its first and last
/// failure. Samples are kept by target and outcome, not by verdict. So another verdict may explain one of them.
fn samples(group: &GroupView<'_>, verdict: &Verdict, outcome: Outcome, span: Span) -> Samples {
    let mut samples = Samples::default();
    let targets = verdict.explained.iter().map(|of_target| &group.targets[of_target.target_index]);
    let of_targets = targets.flat_map(|target| &target.totals.failures);
    let kept =
        of_targets.filter(|failures| failures.outcome == outcome).flat_map(|failures| failures.samples.as_slice());
    for Sample { time, location, line } in kept.filter(|sample| (span.first..=span.last).contains(&sample.time)) {
        samples.observe(*time, line, || location.clone());
    }
    samples
}
