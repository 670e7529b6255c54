//! Findings on the failures that no detector explains, from their outcome alone.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::common_facts::{codes, most_on_one_route, sent_by};
use super::confidence::{Confidence, MIN_FAILURES, MIN_FAILURES_FOR_HIGH};
use super::evidence::{Evidence, grouped, seconds_of};
use super::finding::{Estimates, FailuresPerMinute, Finding};
use super::finding_id::FindingId;
use super::first_cause::{Candidates, candidates};
use super::measure::time_pattern::TimePattern;
use super::scope::{Scope, scope_of};
use crate::aggregate::{Failures, LoadBalancerId, Quantiles, Span, Summary, Target, TargetId};
use crate::classify::{AnsweredBy, Outcome};
use crate::knowledge::error_reasons;
use crate::timestamp::Timestamp;

/// Clients leave all the time. That is a finding only if at least this share of a target's requests ended so, and at
/// least [`MIN_FAILURES_FOR_HIGH`] of them.
const MIN_SHARE_OF_CLIENTS_LEAVING: f64 = 0.005;

/// The findings on all failures that are in none of `explained`, ordered by scope and outcome.
pub(super) fn findings(summary: &Summary, explained: &[Finding]) -> Vec<Finding> {
    let mut taken: BTreeMap<(Scope, Outcome), u64> = BTreeMap::new();
    for finding in explained {
        for (target, outcome, failures) in &finding.failures_by_target {
            *taken.entry((Scope::Target(*target), *outcome)).or_default() += failures;
        }
    }
    let mut over_time = left_over_time(summary, explained);
    let mut findings = Vec::new();
    for (scope, group) in groups(summary) {
        for failures in &group.failures {
            let taken = taken.get(&(scope, failures.outcome)).copied().unwrap_or_default();
            let Some(mut finding) = finding(summary, scope, &group, failures, taken) else { continue };
            finding.failures_per_minute = over_time.remove(&(scope, failures.outcome)).unwrap_or_default();
            finding.span = within(summary, finding.span, &finding.failures_per_minute);
            findings.push(finding);
        }
    }
    findings.sort_by_key(|finding| (finding.scope, finding.outcome));
    findings
}

/// The failures that are in none of `explained`, by scope and outcome.
fn left_over_time(summary: &Summary, explained: &[Finding]) -> BTreeMap<(Scope, Outcome), Vec<FailuresPerMinute>> {
    let mut left: BTreeMap<(TargetId, Outcome, i64), u64> = BTreeMap::new();
    for (id, (_, _, target)) in summary.targets.ids().zip(summary.targets.iter()) {
        for (start, row) in target.heatmap.rows() {
            for &(outcome, _, failures) in &row.failed {
                *left.entry((id, outcome, start.as_seconds())).or_default() += u64::from(failures);
            }
        }
    }
    for counted in explained.iter().flat_map(|finding| &finding.failures_per_minute) {
        let width = summary.targets.entry(counted.target).2.heatmap.width_seconds();
        let start = counted.minute.as_seconds().div_euclid(width) * width;
        if let Some(left) = left.get_mut(&(counted.target, counted.outcome, start)) {
            *left = left.saturating_sub(counted.failures);
        }
    }
    let mut by_scope: BTreeMap<(Scope, Outcome), Vec<FailuresPerMinute>> = BTreeMap::new();
    for ((target, outcome, start), failures) in left.into_iter().filter(|(_, failures)| *failures > 0) {
        let minute = Timestamp::from_seconds(start);
        let scope = scope_of(summary, target, outcome);
        by_scope.entry((scope, outcome)).or_default().push(FailuresPerMinute { target, outcome, minute, failures });
    }
    by_scope
}

/// The targets that have failures, merged by the scope of the failures. A target with failures of a rule is in two
/// groups: one has those failures, the other the rest.
pub(super) fn groups(summary: &Summary) -> BTreeMap<Scope, Target> {
    let mut groups: BTreeMap<Scope, Target> = BTreeMap::new();
    let mut add = |scope: Scope, target: Target| match groups.entry(scope) {
        Entry::Occupied(known) => known.into_mut().merge(target),
        Entry::Vacant(vacant) => {
            vacant.insert(target);
        }
    };
    for (id, (_, _, target)) in summary.targets.ids().zip(summary.targets.iter()) {
        if target.failures.is_empty() {
            continue;
        }
        let mut by_rule = target.clone();
        let mut own = target.clone();
        own.failures.retain(|failures| failures.outcome.answered_by() != AnsweredBy::Rule);
        by_rule.failures.retain(|failures| failures.outcome.answered_by() == AnsweredBy::Rule);
        for target in [own, by_rule] {
            if let Some(failures) = target.failures.first() {
                add(scope_of(summary, id, failures.outcome), target);
            }
        }
    }
    groups
}

/// The part of the span in which failures were counted.
fn within(summary: &Summary, span: Option<Span>, counted: &[FailuresPerMinute]) -> Option<Span> {
    let end = |counted: &FailuresPerMinute| {
        let seconds = summary.targets.entry(counted.target).2.heatmap.width_seconds();
        counted.minute.plus_micros(seconds * 1_000_000 - 1)
    };
    let first = counted.iter().map(|counted| counted.minute).min()?;
    let last = counted.iter().map(end).max()?;
    span.map(|span| Span { first: span.first.max(first), last: span.last.min(last) })
}

/// The finding that the outcome alone supports, for the failures that no detector explains: all except `taken`.
/// `None` if these are too few, or are clients that left too rarely.
fn finding(summary: &Summary, scope: Scope, target: &Target, failures: &Failures, taken: u64) -> Option<Finding> {
    let left = Failures { requests: failures.requests.saturating_sub(taken), ..failures.clone() };
    let failures = &left;
    if failures.requests < MIN_FAILURES {
        return None;
    }
    let share = failures.requests as f64 / target.requests.max(1) as f64;
    if failures.outcome.answered_by() == AnsweredBy::Nobody
        && (failures.requests < MIN_FAILURES_FOR_HIGH || share < MIN_SHARE_OF_CLIENTS_LEAVING)
    {
        return None;
    }
    let answered = target.latency.count();
    let Candidates { cause, also_fits, certainty } = candidates(failures, answered);
    let confidence =
        if failures.requests < MIN_FAILURES_FOR_HIGH { certainty.min(Confidence::Medium) } else { certainty };
    Some(Finding {
        id: FindingId::new(summary, cause, scope),
        scope,
        outcome: failures.outcome,
        cause,
        confidence,
        failures: failures.requests,
        outcomes: vec![(failures.outcome, failures.requests)],
        failures_by_target: match scope {
            Scope::Target(target) => vec![(target, failures.outcome, failures.requests)],
            Scope::TargetGroup(_) | Scope::LoadBalancer(_) => Vec::new(),
        },
        span: failures.seen,
        time_pattern: TimePattern::default(),
        evidence: evidence(summary, scope, target, failures, taken),
        also_fits,
        error_reason: failures.error_reasons.first().map(|(code, _)| code.into()),
        signs: Vec::new(),
        estimates: Estimates::default(),
        lags: None,
        failures_per_minute: Vec::new(),
        samples: failures.samples.clone(),
    })
}

fn evidence(summary: &Summary, scope: Scope, target: &Target, failures: &Failures, taken: u64) -> Vec<Evidence> {
    let Failures { outcome, requests, .. } = failures;
    let all = match scope {
        Scope::LoadBalancer(load_balancer) => without_target(summary, load_balancer),
        Scope::Target(_) | Scope::TargetGroup(_) => target.requests,
    };
    let share = *requests as f64 / all.max(1) as f64;
    // At a target group or load balancer, `target` does not count the other requests, which did reach a target.
    let of_what = match (scope, outcome) {
        (Scope::Target(_), _) => "requests",
        // A function is a target, although the log names none.
        (
            _,
            Outcome::LambdaError | Outcome::LambdaTimeout | Outcome::LambdaThrottled | Outcome::LambdaMisconfigured,
        ) => "requests to the function",
        _ => "requests that reached no target",
    };
    let left = if taken == 0 { "" } else { " and are in no other finding" };
    let mut evidence = vec![Evidence::speaks_for(
        format!(
            "{} of {} {of_what} ({:.2} %) failed this way{left}: {}",
            grouped(*requests),
            grouped(all),
            share * 100.0,
            outcome.title()
        ),
        [("failures", *requests as f64), ("requests", all as f64), ("share", share)],
    )];
    // Codes, routes, times and callers are those of all that failed this way.
    if taken == 0 {
        evidence.extend(codes("error_reason", &failures.error_reasons, failures.requests, error_reasons::meaning));
        evidence.extend(most_on_one_route(failures));
        evidence.extend(range("they took", "elapsed", &failures.elapsed));
        let held = &failures.target_processing_time;
        evidence.extend(
            range("the target held them for", "target_processing_time", held).filter(|_| held.count() == *requests),
        );
    } else {
        evidence.push(Evidence::speaks_for(
            format!(
                "another {} that failed this way {} explained otherwise",
                grouped(taken),
                if taken == 1 { "is" } else { "are" }
            ),
            [("explained_otherwise", taken as f64)],
        ));
    }
    // For other outcomes this says nothing: a target that fails some requests answers others.
    let is_about_connecting = matches!(outcome, Outcome::ConnectFailed | Outcome::ConnectTimeout);
    if matches!(scope, Scope::Target(_)) && is_about_connecting {
        let answered = target.latency.count();
        let text = match answered {
            0 => "this target answered no request at all".to_owned(),
            1 => "this target answered 1 request".to_owned(),
            _ => format!("this target answered {} requests", grouped(answered)),
        };
        evidence.push(Evidence::weighed(answered == 0, text, [("answered", answered as f64)]));
    }
    if *outcome == Outcome::ConnectFailed {
        evidence.push(Evidence::speaks_against(
            "a TLS handshake that fails leaves the same lines as a refused connection, on any port: the protocol of the \
                target group tells, and which of TargetConnectionErrorCount and TargetTLSNegotiationErrorCount rose",
            [],
        ));
    }
    if taken == 0 {
        evidence.extend(sent_by(&failures.callers, failures.requests, "such failures"));
    }
    evidence
}

/// How many requests of a load balancer reached no target.
fn without_target(summary: &Summary, load_balancer: LoadBalancerId) -> u64 {
    let of_balancer = summary
        .targets
        .iter()
        .filter(|(group, address, _)| address.is_empty() && summary.target_groups.entry(*group).0 == load_balancer);
    of_balancer.map(|(_, _, target)| target.requests).sum()
}

/// A statement on the range of `durations`, in seconds. `None` if there are none.
fn range(what: &str, name: &'static str, durations: &Quantiles) -> Option<Evidence> {
    let [min, median, max] = [durations.min()?, durations.quantile(0.5)?, durations.max()?].map(seconds_of);
    let names: [&'static str; 3] = match name {
        "elapsed" => ["elapsed_min", "elapsed_median", "elapsed_max"],
        _ => ["target_processing_time_min", "target_processing_time_median", "target_processing_time_max"],
    };
    let [shortest, half, longest] = [min, median, max].map(|seconds| format!("{seconds:.3}"));
    let text = if shortest == longest {
        format!("{what} {longest} s")
    } else {
        format!("{what} {shortest} to {longest} s (median {half} s)")
    };
    Some(Evidence::speaks_for(text, [(names[0], min), (names[1], median), (names[2], max)]))
}
