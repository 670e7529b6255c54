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
//! | `group_view`, `target_view` | a target group and its targets, prepared for the detectors |
//! | `verdict`, `accept`, `concentration` | what a detector concludes, and the finding that is made of it |
//! | `residual` | findings on the failures that no detector explains |
//! | `aftermath` | findings that are a consequence of another one, and belong to it |
//! | `merge` | one finding of what happened at many targets of a group |
//! | `notice` | findings on requests that do not count as failed |
//! | `common_facts` | what requests have in common by their fields: callers, codes, route |
//! | `signs` | what decides between the ways to fix a cause |
//! | [`Context`] | what is known beside the log |
//! | [`first_cause`] | what an outcome may mean by itself |
//! | [`evidence`] | statements with their numbers |

mod accept;
mod aftermath;
mod common_facts;
mod concentration;
mod confidence;
mod context;
mod detect;
pub mod evidence;
mod finding;
mod finding_id;
pub mod first_cause;
mod group_view;
mod idle_timeout;
mod measure;
mod merge;
mod notice;
mod residual;
mod scope;
mod signs;
mod target_view;
mod verdict;

use std::collections::BTreeSet;

pub use crate::knowledge::causes::{self, Cause};
pub use confidence::{Confidence, MIN_FAILURES, MIN_FAILURES_FOR_HIGH};
pub use context::Context;
pub use evidence::Evidence;
pub(crate) use evidence::{grouped, seconds_of};
pub use finding::{Estimates, FailuresPerMinute, Finding};
pub use finding_id::FindingId;
pub use idle_timeout::{DEFAULT_IDLE_TIMEOUT, IdleTimeout, IdleTimeoutOrigin, IdleTimeoutSign, MAX_IDLE_TIMEOUT};
pub use measure::lag_counts::{LagBins, LagCounts};
pub use measure::time_pattern::{Shape, TimePattern};
pub use scope::{Scope, ScopeNames};

use crate::aggregate::{Summary, TargetGroupId, TargetId};
use idle_timeout::{busiest, infer_idle_timeouts};
use signs::Signs;

/// The result of [`diagnose`].
#[derive(Clone, Debug)]
pub struct Diagnosis {
    /// All findings, the one with the most failures first.
    pub findings: Vec<Finding>,
    /// Findings on requests that do not count as failed, the one with most requests first. Their `failures` are such
    /// requests.
    pub notices: Vec<Finding>,
    /// Failures in no finding: too few of their kind, or too rare, to name a cause.
    pub unexplained: u64,
    /// The idle timeout of the load balancer with the most requests.
    pub idle_timeout: IdleTimeout,
    /// The idle timeout of each load balancer that its failures were compared with, by the load balancer's id.
    pub idle_timeouts: Vec<IdleTimeout>,
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

/// Diagnoses a summary. If the context has no idle timeout, it is inferred from the log. If the log does not show it,
/// it is [`DEFAULT_IDLE_TIMEOUT`].
///
/// Target groups and their targets are diagnosed in parallel, in the caller's rayon pool.
#[must_use]
pub fn diagnose(summary: &Summary, context: &Context) -> Diagnosis {
    let idle_timeouts = match context.idle_timeout {
        Some(duration) => vec![IdleTimeout::given(duration); summary.load_balancers.len()],
        None => infer_idle_timeouts(summary),
    };
    let idle_timeout = match (busiest(summary), context.idle_timeout) {
        (Some(load_balancer), _) => idle_timeouts[load_balancer.index()],
        (None, Some(duration)) => IdleTimeout::given(duration),
        (None, None) => IdleTimeout::default(),
    };
    let mut detected = match summary.span {
        Some(log_span) => detect::findings(summary, log_span, &idle_timeouts),
        None => Vec::new(),
    };
    let mut by_outcome = residual::findings(summary, &detected);
    aftermath::join(summary, &mut detected, &mut by_outcome);
    detected.extend(by_outcome);
    let mut findings = merge::of_many_targets(summary, detected);
    let mut notices = notice::notices(summary, &idle_timeouts);
    make_ids_unique(summary, findings.iter_mut().chain(&mut notices));
    let signs = Signs::new(summary);
    for finding in &mut findings {
        finding.signs = signs.of(finding);
    }
    findings.sort_by_key(|finding| {
        (std::cmp::Reverse(finding.failures), finding.scope, finding.outcome, std::cmp::Reverse(finding.confidence))
    });
    let explained: u64 = findings.iter().map(|finding| finding.failures).sum();
    let unexplained = summary.outcomes().failures().saturating_sub(explained);
    Diagnosis { findings, notices, unexplained, idle_timeout, idle_timeouts }
}

/// Gives another id to each finding with the cause and scope of an earlier one.
///
/// Detectors never return two such findings of a target group. But some of the failures that they leave may have the
/// same cause by their outcome alone, and so may two outcomes. `findings` come in an order that does not depend on
/// their counts: first those made of many, then those of detectors, then the others by outcome.
fn make_ids_unique<'a>(summary: &Summary, findings: impl Iterator<Item = &'a mut Finding>) {
    let mut taken = BTreeSet::new();
    for finding in findings {
        let others =
            (0..).map(|times| FindingId::beside(summary, finding.cause, finding.scope, finding.outcome, times));
        let mut ids = std::iter::once(finding.id).chain(others);
        finding.id = ids.find(|id| taken.insert(*id)).expect("there is always another");
    }
}

#[cfg(test)]
mod tests;
