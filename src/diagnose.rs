//! From a [`Summary`] to findings: for each target, the likely cause of its failures.
//!
//! This reads a summary alone, so a saved or merged one can be diagnosed too. First come the causes that show in all requests of a target group together (`detect`: deaths, blocked paths, walls,
//! races, overload, …); what they do not explain is left with the first likely cause of its outcome ([`first_cause`]). A failure is in one finding at most, and those in none are
//! counted.
//!
//! | module | what it does |
//! | --- | --- |
//! | `measure` | what can be measured in a target's requests: endings, walls, lags, load, shares, the course of failures |
//! | `detect` | a file for each pattern, in the order of their rank: from measures to verdicts |
//! | `case` | a target group laid out for the detectors, and which failures are explained already |
//! | [`first_cause`] | what an outcome may mean by itself |
//! | [`evidence`] | statements with their numbers |

mod case;
mod detect;
pub mod evidence;
pub mod first_cause;
mod measure;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

pub use crate::knowledge::causes::{self, Cause};
pub use evidence::Evidence;
pub(crate) use evidence::{grouped, seconds_of};
pub use measure::course::{Course, Shape};
pub use measure::lags::{LagBins, LagCounts};

use crate::aggregate::{Failures, Samples, Span, Summary, Target};
use crate::classify::{AnsweredBy, Outcome};
use crate::timestamp::Timestamp;
use first_cause::{Candidates, candidates};

/// The idle timeout of a load balancer that nobody has changed.
///
/// Source: <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html>
pub const DEFAULT_IDLE_TIMEOUT: Duration = Duration::from_mins(1);

/// AWS allows no longer one, so that a log that tells of one is not to be believed.
///
/// Source: <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html>
pub const MAX_IDLE_TIMEOUT: Duration = Duration::from_secs(4_000);

/// Fewer failures than this are described, not classified.
pub const MIN_FAILURES: u64 = 3;

/// Fewer failures than this never give high confidence.
pub const MIN_FAILURES_FOR_HIGH: u64 = 10;

/// Clients leave all the time; only this share of a target's requests, and [`MIN_FAILURES_FOR_HIGH`] of them, make it a finding.
const MIN_SHARE_OF_CLIENTS_LEAVING: f64 = 0.005;

/// How sure a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// Several causes fit; this is the likelier one.
    Low,
    /// One cause is left by how the requests ended, and nothing was seen against it.
    Medium,
    /// The log itself names the cause, ten times or more.
    High,
}

impl Confidence {
    /// All, from the least sure.
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

/// What a finding is about: places in the [`Summary`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// A target, by its place.
    Target(u32),
    /// A target group, by its place.
    TargetGroup(u32),
    /// A load balancer, by its place.
    LoadBalancer(u32),
}

/// A cause at a scope.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What it is about.
    pub scope: Scope,
    /// How most of the requests ended.
    pub outcome: Outcome,
    /// How all of them ended, the most frequent first. A failure is in one finding at most.
    pub outcomes: Vec<(Outcome, u64)>,
    /// The likely cause.
    pub cause: &'static Cause,
    /// The other causes that fit the same lines, likelier ones first.
    pub also_fits: Vec<&'static Cause>,
    /// How sure it is.
    pub confidence: Confidence,
    /// How many requests it explains.
    pub failures: u64,
    /// Those of each target by outcome, the target by its place; empty where they had none.
    pub by_target: Vec<(u32, Outcome, u64)>,
    /// First and last of them.
    pub seen: Option<Span>,
    /// Their episodes, and how they came.
    pub course: Course,
    /// For and against.
    pub evidence: Vec<Evidence>,
    /// Timeouts that the log gives away.
    pub estimates: Estimates,
    /// How long before its failures their connections had been used last, where that shows a keep-alive timeout.
    pub lags: Option<Arc<LagCounts>>,
    /// When the failures ended; empty where only their outcome was looked at, so that they are those of that outcome which no other finding has.
    pub ended: Vec<Ended>,
    /// The earliest few.
    pub samples: Samples,
}

/// Failures of one finding, target and outcome that ended in one minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ended {
    /// The target's place.
    pub target: u32,
    /// How.
    pub outcome: Outcome,
    /// When the minute began.
    pub minute: Timestamp,
    /// How many.
    pub requests: u64,
}

/// Timeouts estimated from how failures lie in time. Absent where the log does not tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Estimates {
    /// How long the target keeps an idle connection open.
    pub keep_alive: Option<Duration>,
    /// After how long requests were cut off: by the target itself, by a proxy in it, or by the client that gave up.
    pub timeout: Option<Duration>,
}

/// Where the idle timeout of a diagnosis comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum IdleTimeoutOrigin {
    /// The user said it.
    Given,
    /// Requests that timed out tell it.
    Inferred,
    /// Nothing tells; [`DEFAULT_IDLE_TIMEOUT`].
    Default,
}

/// The load balancer's idle timeout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdleTimeout {
    /// How long.
    pub duration: Duration,
    /// Who says so.
    pub origin: IdleTimeoutOrigin,
}

/// What a summary tells.
#[derive(Clone, Debug)]
pub struct Diagnosis {
    /// The findings, the one with most failures first.
    pub findings: Vec<Finding>,
    /// Failures in no finding: too few of their kind, or too rare, to name a cause.
    pub unexplained: u64,
    /// The idle timeout they were held against.
    pub idle_timeout: IdleTimeout,
}

impl Diagnosis {
    /// The findings on a target, the one that explains most of its failures first; those on its group or more targets too, where they explain some.
    #[must_use]
    pub fn on_target(&self, target: u32) -> Vec<&Finding> {
        let failures_of = |finding: &Finding| finding.failures_of(target);
        let mut findings: Vec<&Finding> = self.findings.iter().filter(|finding| failures_of(finding) > 0).collect();
        findings.sort_by_key(|finding| std::cmp::Reverse(failures_of(finding)));
        findings
    }
}

impl Diagnosis {
    /// The cause of most of a target group's failures, at whichever of its targets, and how sure the surest finding of it is. Absent where no finding is about it.
    #[must_use]
    pub fn of_target_group(&self, summary: &Summary, target_group: u32) -> Option<(&'static Cause, Confidence)> {
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
        // Of as many, the first, whose largest finding is the largest.
        causes.reverse();
        causes.into_iter().max_by_key(|(_, failures, _)| *failures).map(|(cause, _, confidence)| (cause, confidence))
    }
}

impl Finding {
    /// Takes in what another explains by the same cause at the same place. The evidence is that of the one that explains more, and a statement on the other.
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
            self.evidence.push(Evidence { text: format!("besides, {}", first.text), ..first });
        }
        if let Some((_, failures)) = self.evidence.first_mut().and_then(|first| first.numbers.first_mut()) {
            *failures = self.failures as f64;
        }
    }

    /// How many failures of a target it explains.
    #[must_use]
    pub fn failures_of(&self, target: u32) -> u64 {
        let of_target = self.by_target.iter().filter(|(place, ..)| *place == target);
        of_target.map(|(_, _, requests)| requests).sum()
    }
}

/// Diagnoses a summary. `idle_timeout` is the load balancer's, where the user knows it.
///
/// Target groups and their targets are looked at side by side, in the rayon pool of the caller.
#[must_use]
pub fn diagnose(summary: &Summary, idle_timeout: Option<Duration>) -> Diagnosis {
    let idle_timeout = match idle_timeout {
        Some(duration) => IdleTimeout { duration, origin: IdleTimeoutOrigin::Given },
        None => infer_idle_timeout(summary),
    };
    let explained = match summary.window {
        Some(window) => detect::findings(summary, window, idle_timeout),
        None => Vec::new(),
    };
    let mut taken: BTreeMap<(Scope, Outcome), u64> = BTreeMap::new();
    for finding in &explained {
        for (target, outcome, requests) in &finding.by_target {
            *taken.entry((Scope::Target(*target), *outcome)).or_default() += requests;
        }
    }
    let mut findings = Vec::new();
    for (scope, group) in groups(summary) {
        for failures in &group.failures {
            let taken = taken.get(&(scope, failures.outcome)).copied().unwrap_or_default();
            findings.extend(finding(scope, &group, failures, taken));
        }
    }
    findings.extend(explained);
    findings.sort_by_key(|finding| {
        (std::cmp::Reverse(finding.failures), finding.scope, finding.outcome, std::cmp::Reverse(finding.confidence))
    });
    let explained: u64 = findings.iter().map(|finding| finding.failures).sum();
    let unexplained = summary.outcomes().failures().saturating_sub(explained);
    Diagnosis { findings, unexplained, idle_timeout }
}

/// Failures belong to the target they ended at; where none was chosen, to the target group or the load balancer that made them.
///
/// `place` is that of a target, or of the requests of a target group that had none.
#[must_use]
pub fn scope_of(summary: &Summary, place: u32, outcome: Outcome) -> Scope {
    let (target_group, address, _) = summary.targets.entry(place);
    let (load_balancer, arn, ()) = summary.target_groups.entry(target_group);
    match (address, arn) {
        _ if outcome.answered_by() == AnsweredBy::Rule => Scope::LoadBalancer(load_balancer),
        (b"", b"") => Scope::LoadBalancer(load_balancer),
        (b"", _) => Scope::TargetGroup(target_group),
        _ => Scope::Target(place),
    }
}

/// The targets by what their failures belong to.
fn groups(summary: &Summary) -> BTreeMap<Scope, Target> {
    let mut groups: BTreeMap<Scope, Target> = BTreeMap::new();
    let mut add = |scope: Scope, target: Target| match groups.entry(scope) {
        Entry::Occupied(known) => known.into_mut().merge(target),
        Entry::Vacant(place) => {
            place.insert(target);
        }
    };
    for (place, (_, _, target)) in (0..).zip(summary.targets.iter()) {
        if target.failures.is_empty() {
            continue;
        }
        let mut by_rule = target.clone();
        let mut own = target.clone();
        own.failures.retain(|failures| failures.outcome.answered_by() != AnsweredBy::Rule);
        by_rule.failures.retain(|failures| failures.outcome.answered_by() == AnsweredBy::Rule);
        for target in [own, by_rule] {
            if let Some(failures) = target.failures.first() {
                add(scope_of(summary, place, failures.outcome), target);
            }
        }
    }
    groups
}

/// What the outcome alone tells of those failures that time does not explain: all but `taken`.
fn finding(scope: Scope, target: &Target, failures: &Failures, taken: u64) -> Option<Finding> {
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
        scope,
        outcome: failures.outcome,
        cause,
        confidence,
        failures: failures.requests,
        outcomes: vec![(failures.outcome, failures.requests)],
        by_target: match scope {
            Scope::Target(place) => vec![(place, failures.outcome, failures.requests)],
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
    // A target group's or load balancer's other requests did reach a target, and are not among these.
    let of_what = if matches!(scope, Scope::Target(_)) { "requests" } else { "requests that reached no target" };
    let mut evidence = vec![Evidence {
        text: format!(
            "{} of {} {of_what} ({:.2} %) ended so: {}",
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
                "another {} that ended so {} explained by another finding",
                grouped(taken),
                if taken == 1 { "is" } else { "are" }
            ),
            is_for: true,
            numbers: vec![("explained_otherwise", taken as f64)],
        });
    }
    // Elsewhere it says nothing: a target that fails some requests answers others.
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
            text: format!("such lines fit {} too", ids.join(", ")),
            is_for: false,
            numbers: Vec::new(),
        });
    }
    evidence
}

/// A sentence on a range of durations, where there are any.
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
            format!("{what} {shortest} to {longest} s, half of them at most {half} s")
        },
        is_for: true,
        numbers: vec![(names[0], min), (names[1], median), (names[2], max)],
    })
}

/// Idle-timeout 504s needed to tell the timeout from them.
const MIN_TIMEOUTS_TO_INFER: u64 = 3;

/// A request that met the idle timeout ends this close behind it: sharp, as the load balancer's own timers are, but for the time until its dispatch.
const IDLE_TIMEOUT_SPREAD: Duration = Duration::from_millis(500);

/// The idle timeout is a whole number of seconds, and requests that met it end just behind it. So where the shortest and the middle one of them agree, they tell it.
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
