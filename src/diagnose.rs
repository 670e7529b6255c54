//! From a [`Summary`] to findings: for each target, the likely cause of its failures.
//!
//! Diagnosis reads only the summary, so a saved or merged summary can be diagnosed too. The detectors (`detect`) run
//! first. They look for causes that show in all requests of a target group together: deaths, blocked paths, walls,
//! races, overload, …. Failures that no detector explains get the first likely cause of their outcome
//! ([`first_cause`]). A failure is in at most one finding. Failures in no finding are counted
//! ([`Diagnosis::unexplained`]).
//!
//! | module | what it does |
//! | --- | --- |
//! | `measure` | measurements of a target's requests: endings, walls, lags, load, shares, the course of failures |
//! | `detect` | detectors, a file for each pattern, run in the order of their rank: from measures to verdicts |
//! | `case` | a target group prepared for the detectors, and which failures are already explained |
//! | [`Context`] | what is known beside the log |
//! | [`first_cause`] | what an outcome may mean by itself |
//! | [`evidence`] | statements with their numbers |

mod case;
mod context;
mod detect;
pub mod evidence;
mod finding_id;
pub mod first_cause;
mod measure;
mod scope;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

pub use crate::knowledge::causes::{self, Cause};
pub use context::Context;
pub use evidence::Evidence;
pub(crate) use evidence::{grouped, seconds_of};
pub use finding_id::FindingId;
pub use measure::course::{Course, Shape};
pub use measure::lags::{LagBins, LagCounts};
pub use scope::{Scope, ScopeNames, scope_of};

use crate::aggregate::{Failures, Samples, Span, Summary, Target, TargetGroupId, TargetId};
use crate::classify::{AnsweredBy, Outcome};
use crate::timestamp::Timestamp;
use first_cause::{Candidates, candidates};

/// The default idle timeout of a load balancer: 60 seconds.
///
/// Source: <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html>
pub const DEFAULT_IDLE_TIMEOUT: Duration = Duration::from_mins(1);

/// The longest idle timeout that AWS allows: 4,000 seconds. A log that shows a longer one is not believed.
///
/// Source: <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html>
pub const MAX_IDLE_TIMEOUT: Duration = Duration::from_secs(4_000);

/// Fewer failures than this are described, not classified.
pub const MIN_FAILURES: u64 = 3;

/// Fewer failures than this never give high confidence.
pub const MIN_FAILURES_FOR_HIGH: u64 = 10;

/// Clients leave all the time. That is a finding only if at least this share of a target's requests ended so, and at
/// least [`MIN_FAILURES_FOR_HIGH`] of them.
const MIN_SHARE_OF_CLIENTS_LEAVING: f64 = 0.005;

/// How sure a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// Several causes fit; this is the likeliest one.
    Low,
    /// The log points to one cause more than to any other.
    Medium,
    /// The log names the cause, or shows it clearly, in at least [`MIN_FAILURES_FOR_HIGH`] failures.
    High,
}

impl Confidence {
    /// All three, the least sure first.
    pub const ALL: [Self; 3] = [Self::Low, Self::Medium, Self::High];

    /// `low`, `medium` or `high`.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// A cause at a scope.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The hash of its cause and scope. No other finding of the diagnosis has it.
    pub id: FindingId,
    /// What it is about.
    pub scope: Scope,
    /// The most frequent of `outcomes`.
    pub outcome: Outcome,
    /// Its failures by outcome, the most frequent first. A failure is in at most one finding.
    pub outcomes: Vec<(Outcome, u64)>,
    /// The likely cause.
    pub cause: &'static Cause,
    /// The other causes that fit the same lines, likelier ones first.
    pub also_fits: Vec<&'static Cause>,
    /// How sure it is.
    pub confidence: Confidence,
    /// How many requests it explains.
    pub failures: u64,
    /// Failures by target and outcome. Empty if the failures reached no target.
    pub by_target: Vec<(TargetId, Outcome, u64)>,
    /// When the first and the last of its failures ended. A finding from the outcome alone covers all failures of
    /// that outcome at its scope here, also those that other findings explain.
    pub seen: Option<Span>,
    /// Episodes of the failures, and the shape of their course. Empty for a finding from the outcome alone.
    pub course: Course,
    /// Statements for and against the cause. The first number of the first statement is `failures`.
    pub evidence: Vec<Evidence>,
    /// Timeouts estimated from the log.
    pub estimates: Estimates,
    /// How long before its failures their connections were last used. `None` unless this shows a keep-alive timeout.
    pub lags: Option<Arc<LagCounts>>,
    /// Failures by target, outcome and minute of their end, in no particular order. Empty for a finding from the
    /// outcome alone: its failures are those of that outcome at its scope that are in no other finding.
    pub ended: Vec<Ended>,
    /// Lines of the earliest failures, at most [`MAX_SAMPLES`](crate::aggregate::sample::MAX_SAMPLES). May be empty.
    pub samples: Samples,
}

/// Failures of one finding, target and outcome that ended in one minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ended {
    /// The target.
    pub target: TargetId,
    /// Their outcome.
    pub outcome: Outcome,
    /// The start of the minute, UTC.
    pub minute: Timestamp,
    /// Number of failures.
    pub requests: u64,
}

/// Timeouts estimated from how failures are spread over time. `None` if the log does not show one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Estimates {
    /// How long the target keeps an idle connection open.
    pub keep_alive: Option<Duration>,
    /// How long requests ran until they were cut off by the target itself, a proxy in it, or the client that gave up.
    pub timeout: Option<Duration>,
}

/// The origin of the idle timeout of a diagnosis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum IdleTimeoutOrigin {
    /// Given by the user.
    Given,
    /// Inferred from requests that timed out.
    Inferred,
    /// Neither given nor inferred: [`DEFAULT_IDLE_TIMEOUT`].
    Default,
}

/// The load balancer's idle timeout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdleTimeout {
    /// The timeout.
    pub duration: Duration,
    /// Where the value comes from.
    pub origin: IdleTimeoutOrigin,
}

/// The result of [`diagnose`].
#[derive(Clone, Debug)]
pub struct Diagnosis {
    /// All findings, the one with the most failures first.
    pub findings: Vec<Finding>,
    /// Failures in no finding: too few of their kind, or too rare, to name a cause.
    pub unexplained: u64,
    /// The idle timeout that the failures were compared with.
    pub idle_timeout: IdleTimeout,
}

impl Diagnosis {
    /// The findings that explain failures of a target, the one that explains the most first. Includes findings on its
    /// target group that explain some of its failures.
    #[must_use]
    pub fn on_target(&self, target: TargetId) -> Vec<&Finding> {
        let failures_of = |finding: &Finding| finding.failures_of(target);
        let mut findings: Vec<&Finding> = self.findings.iter().filter(|finding| failures_of(finding) > 0).collect();
        findings.sort_by_key(|finding| std::cmp::Reverse(failures_of(finding)));
        findings
    }
}

impl Diagnosis {
    /// The cause that explains the most failures of a target group and its targets, and the highest confidence of its
    /// findings there. `None` if no finding is about the group or one of its targets.
    #[must_use]
    pub fn of_target_group(
        &self,
        summary: &Summary,
        target_group: TargetGroupId,
    ) -> Option<(&'static Cause, Confidence)> {
        let is_of_group = |finding: &&Finding| match finding.scope {
            Scope::Target(target) => summary.targets.entry(target).0 == target_group,
            Scope::TargetGroup(group) => group == target_group,
            Scope::LoadBalancer(_) => false,
        };
        let mut causes: Vec<(&'static Cause, u64, Confidence)> = Vec::new();
        for finding in self.findings.iter().filter(is_of_group) {
            match causes.iter_mut().find(|(cause, ..)| *cause == finding.cause) {
                Some((_, failures, confidence)) => {
                    *failures += finding.failures;
                    *confidence = (*confidence).max(finding.confidence);
                }
                None => causes.push((finding.cause, finding.failures, finding.confidence)),
            }
        }
        // On a tie, the cause with the largest finding wins: findings are sorted by size, and `max_by_key` returns
        // the last maximum.
        causes.reverse();
        causes.into_iter().max_by_key(|(_, failures, _)| *failures).map(|(cause, _, confidence)| (cause, confidence))
    }
}

impl Finding {
    /// Adds the failures of another finding with the same cause and scope. Keeps the evidence of the finding that
    /// explains more, plus the first statement of the other.
    fn absorb(&mut self, other: Self) {
        let other = if other.failures > self.failures { std::mem::replace(self, other) } else { other };
        self.confidence = self.confidence.max(other.confidence);
        self.failures += other.failures;
        self.seen = Span::union(self.seen, other.seen);
        for (outcome, requests) in other.outcomes {
            match self.outcomes.iter_mut().find(|(known, _)| *known == outcome) {
                Some((_, known)) => *known += requests,
                None => self.outcomes.push((outcome, requests)),
            }
        }
        self.outcomes.sort_by_key(|(outcome, requests)| (std::cmp::Reverse(*requests), *outcome));
        self.outcome = self.outcomes.first().map_or(self.outcome, |(outcome, _)| *outcome);
        for (target, outcome, requests) in other.by_target {
            match self.by_target.iter_mut().find(|(of, how, _)| (*of, *how) == (target, outcome)) {
                Some((_, _, known)) => *known += requests,
                None => self.by_target.push((target, outcome, requests)),
            }
        }
        self.course.absorb(other.course);
        self.estimates.keep_alive = self.estimates.keep_alive.or(other.estimates.keep_alive);
        self.estimates.timeout = self.estimates.timeout.or(other.estimates.timeout);
        self.lags = self.lags.take().or(other.lags);
        self.ended.extend(other.ended);
        self.samples.merge(other.samples);
        if let Some(first) = other.evidence.into_iter().next() {
            self.evidence.push(Evidence { text: format!("in addition, {}", first.text), ..first });
        }
        if let Some((_, failures)) = self.evidence.first_mut().and_then(|first| first.numbers.first_mut()) {
            *failures = self.failures as f64;
        }
    }

    /// How many failures of a target it explains.
    #[must_use]
    pub fn failures_of(&self, target: TargetId) -> u64 {
        let of_target = self.by_target.iter().filter(|(id, ..)| *id == target);
        of_target.map(|(_, _, requests)| requests).sum()
    }
}

/// Diagnoses a summary. If the context has no idle timeout, it is inferred from the log. If the log does not show it,
/// it is [`DEFAULT_IDLE_TIMEOUT`].
///
/// Target groups and their targets are diagnosed in parallel, in the caller's rayon pool.
#[must_use]
pub fn diagnose(summary: &Summary, context: &Context) -> Diagnosis {
    let idle_timeout = match context.idle_timeout {
        Some(duration) => IdleTimeout { duration, origin: IdleTimeoutOrigin::Given },
        None => infer_idle_timeout(summary),
    };
    let mut explained = match summary.window {
        Some(window) => detect::findings(summary, window, idle_timeout),
        None => Vec::new(),
    };
    let mut taken: BTreeMap<(Scope, Outcome), u64> = BTreeMap::new();
    for finding in &explained {
        for (target, outcome, requests) in &finding.by_target {
            *taken.entry((Scope::Target(*target), *outcome)).or_default() += requests;
        }
    }
    let mut by_outcome = Vec::new();
    for (scope, group) in groups(summary) {
        for failures in &group.failures {
            let taken = taken.get(&(scope, failures.outcome)).copied().unwrap_or_default();
            by_outcome.extend(finding(summary, scope, &group, failures, taken));
        }
    }
    by_outcome.sort_by_key(|finding: &Finding| (finding.scope, finding.outcome));
    make_ids_unique(summary, explained.iter_mut().chain(&mut by_outcome));
    let mut findings = by_outcome;
    findings.extend(explained);
    findings.sort_by_key(|finding| {
        (std::cmp::Reverse(finding.failures), finding.scope, finding.outcome, std::cmp::Reverse(finding.confidence))
    });
    let explained: u64 = findings.iter().map(|finding| finding.failures).sum();
    let unexplained = summary.outcomes().failures().saturating_sub(explained);
    Diagnosis { findings, unexplained, idle_timeout }
}

/// Gives another id to each finding with the cause and scope of an earlier one.
///
/// Detectors never return two such findings of a target group. But some of the failures that they leave may have the
/// same cause by their outcome alone, and so may two outcomes. `findings` come in an order that does not depend on
/// their counts: first those of detectors, then the others by outcome.
fn make_ids_unique<'a>(summary: &Summary, findings: impl Iterator<Item = &'a mut Finding>) {
    let mut taken = BTreeSet::new();
    for finding in findings {
        if !taken.insert(finding.id) {
            finding.id = FindingId::of_outcome(summary, finding.cause, finding.scope, finding.outcome);
            taken.insert(finding.id);
        }
    }
}

/// The targets that have failures, merged by the scope of the failures. A target with failures of a rule is in two
/// groups: one has those failures, the other the rest.
fn groups(summary: &Summary) -> BTreeMap<Scope, Target> {
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
        by_target: match scope {
            Scope::Target(target) => vec![(target, failures.outcome, failures.requests)],
            Scope::TargetGroup(_) | Scope::LoadBalancer(_) => Vec::new(),
        },
        seen: failures.seen,
        course: Course::default(),
        evidence: evidence(scope, target, failures, taken, &also_fits),
        also_fits,
        estimates: Estimates::default(),
        lags: None,
        ended: Vec::new(),
        samples: failures.samples.clone(),
    })
}

fn evidence(
    scope: Scope,
    target: &Target,
    failures: &Failures,
    taken: u64,
    also_fits: &[&'static Cause],
) -> Vec<Evidence> {
    let Failures { outcome, requests, .. } = failures;
    let share = *requests as f64 / target.requests.max(1) as f64;
    // At a target group or load balancer, `target` does not count the other requests, which did reach a target.
    let of_what = if matches!(scope, Scope::Target(_)) { "requests" } else { "requests that reached no target" };
    let mut evidence = vec![Evidence {
        text: format!(
            "{} of {} {of_what} ({:.2} %) failed this way: {}",
            grouped(*requests),
            grouped(target.requests),
            share * 100.0,
            outcome.title()
        ),
        is_for: true,
        numbers: vec![("failures", *requests as f64), ("requests", target.requests as f64), ("share", share)],
    }];
    if taken == 0 {
        evidence.extend(range("they took", "elapsed", &failures.elapsed));
        evidence.extend(range("the target held them for", "target_processing_time", &failures.target_processing_time));
    } else {
        evidence.push(Evidence {
            text: format!(
                "another {} that failed this way {} explained by another finding",
                grouped(taken),
                if taken == 1 { "is" } else { "are" }
            ),
            is_for: true,
            numbers: vec![("explained_otherwise", taken as f64)],
        });
    }
    // For other outcomes this says nothing: a target that fails some requests answers others.
    let is_about_connecting = matches!(outcome, Outcome::ConnectFailed | Outcome::ConnectTimeout);
    if matches!(scope, Scope::Target(_)) && is_about_connecting {
        let answered = target.latency.count();
        evidence.push(Evidence {
            text: match answered {
                0 => "this target answered no request at all".to_owned(),
                1 => "this target answered 1 request".to_owned(),
                _ => format!("this target answered {} requests", grouped(answered)),
            },
            is_for: answered == 0,
            numbers: vec![("answered", answered as f64)],
        });
    }
    if taken == 0 {
        evidence.extend(case::sent_by(&failures.callers, failures.requests));
    }
    if !also_fits.is_empty() {
        let ids: Vec<&str> = also_fits.iter().map(|cause| cause.id).collect();
        evidence.push(Evidence {
            text: format!("these lines also fit {}", ids.join(", ")),
            is_for: false,
            numbers: Vec::new(),
        });
    }
    evidence
}

/// A statement on the range of `durations`, in seconds. `None` if there are none.
fn range(what: &str, name: &'static str, durations: &crate::aggregate::Quantiles) -> Option<Evidence> {
    let [min, median, max] = [durations.min()?, durations.quantile(0.5)?, durations.max()?].map(seconds_of);
    let names: [&'static str; 3] = match name {
        "elapsed" => ["elapsed_min", "elapsed_median", "elapsed_max"],
        _ => ["target_processing_time_min", "target_processing_time_median", "target_processing_time_max"],
    };
    let [shortest, half, longest] = [min, median, max].map(|seconds| format!("{seconds:.3}"));
    Some(Evidence {
        text: if shortest == longest {
            format!("{what} {longest} s")
        } else {
            format!("{what} {shortest} to {longest} s (median {half} s)")
        },
        is_for: true,
        numbers: vec![(names[0], min), (names[1], median), (names[2], max)],
    })
}

/// Minimum number of idle-timeout 504s to infer the timeout from.
const MIN_TIMEOUTS_TO_INFER: u64 = 3;

/// A request that reaches the idle timeout ends at most this long after it. The load balancer's own timers are sharp,
/// but the elapsed time also includes the time until the request's dispatch.
const IDLE_TIMEOUT_SPREAD: Duration = Duration::from_millis(500);

/// The idle timeout is a whole number of seconds, and requests that reach it end shortly after it. So if the shortest
/// and the median of their elapsed times agree, they show it. Otherwise it is [`DEFAULT_IDLE_TIMEOUT`].
fn infer_idle_timeout(summary: &Summary) -> IdleTimeout {
    let mut elapsed = crate::aggregate::Quantiles::default();
    for (_, _, target) in summary.targets.iter() {
        for failures in target.failures.iter().filter(|failures| failures.outcome == Outcome::IdleTimeout) {
            elapsed.merge(&failures.elapsed);
        }
    }
    let inferred = elapsed.min().zip(elapsed.quantile(0.5)).and_then(|(min, median)| {
        // Half a second early is a clock's error, not a shorter timeout.
        let seconds = (min + IDLE_TIMEOUT_SPREAD).as_secs();
        let is_sharp = median.saturating_sub(min) <= IDLE_TIMEOUT_SPREAD.max(min / 100);
        let is_possible = (1..=MAX_IDLE_TIMEOUT.as_secs()).contains(&seconds);
        (elapsed.count() >= MIN_TIMEOUTS_TO_INFER && is_sharp && is_possible).then_some(Duration::from_secs(seconds))
    });
    match inferred {
        Some(duration) => IdleTimeout { duration, origin: IdleTimeoutOrigin::Inferred },
        None => IdleTimeout { duration: DEFAULT_IDLE_TIMEOUT, origin: IdleTimeoutOrigin::Default },
    }
}

#[cfg(test)]
mod tests;
