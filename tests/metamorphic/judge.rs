//! Whether the verdicts on a changed log are those on the log before.

use std::collections::BTreeMap;
use std::time::Duration;

use albscope::aggregate::{Summary, TargetId};
use albscope::diagnose::{Confidence, Context, Diagnosis, Estimates, Finding, Scope, diagnose};

use crate::log::Log;
use crate::transformation::Transformation;

/// Targets with fewer failures after the change do not count.
pub(crate) const MIN_FAILURES: u64 = 8;

/// What was said about a target, or about the requests of a target group without one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Verdict {
    pub(crate) failures: u64,
    pub(crate) cause: &'static str,
    pub(crate) confidence: Confidence,
    pub(crate) estimates: Estimates,
}

/// The first verdict on each target that has failures, by its address, or by the ARN of the target group if the
/// requests reached no target.
pub(crate) type Verdicts = BTreeMap<String, Verdict>;

pub(crate) fn verdicts(log: &Log) -> Verdicts {
    let summary = log.summary();
    let diagnosis = diagnose(&summary, &Context::default());
    let mut verdicts = Verdicts::new();
    for (id, (group, address, target)) in summary.targets.ids().zip(summary.targets.iter()) {
        let failures: u64 = target.failures.iter().map(|failures| failures.requests).sum();
        if failures == 0 {
            continue;
        }
        let name = if address.is_empty() { summary.target_groups.entry(group).1 } else { address };
        let first = first_on(&summary, &diagnosis, id);
        let verdict = Verdict {
            failures,
            cause: first.map_or("(none)", |finding| finding.cause.id),
            confidence: first.map_or(Confidence::Low, |finding| finding.confidence),
            estimates: first.map_or_else(Estimates::default, |finding| finding.estimates),
        };
        verdicts.insert(String::from_utf8_lossy(name).into_owned(), verdict);
    }
    verdicts
}

/// The finding that explains most failures of a target; for requests without a target, the largest one about their
/// target group or load balancer.
fn first_on<'a>(summary: &Summary, diagnosis: &'a Diagnosis, id: TargetId) -> Option<&'a Finding> {
    let (group, address, _) = summary.targets.entry(id);
    if !address.is_empty() {
        return diagnosis.on_target(id).first().copied();
    }
    let (load_balancer, ..) = summary.target_groups.entry(group);
    diagnosis.findings.iter().find(|finding| match finding.scope {
        Scope::TargetGroup(of) => of == group && finding.failures_by_target.is_empty(),
        Scope::LoadBalancer(of) => of == load_balancer,
        Scope::Target(of) => of == id,
    })
}

/// What a change did to one verdict.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Change {
    pub(crate) target: String,
    pub(crate) before: Verdict,
    pub(crate) after: Verdict,
    pub(crate) has_same_cause: bool,
    /// At most one step up or down.
    pub(crate) has_near_confidence: bool,
    /// No timeout is estimated that contradicts the one before.
    pub(crate) has_same_timeouts: bool,
}

impl Change {
    pub(crate) fn is_stable(&self) -> bool {
        self.has_same_cause && self.has_near_confidence && self.has_same_timeouts
    }
}

/// The verdicts of both logs on the targets that keep at least [`MIN_FAILURES`] failures.
pub(crate) fn changes(transformation: &Transformation, before: &Verdicts, after: &Verdicts) -> Vec<Change> {
    let compare = |(target, before): (&String, &Verdict)| {
        let name = transformation.target(target);
        // A target group may have another name.
        let after = after.get(&name).or_else(|| {
            let renamed = name.replace("targetgroup/", "targetgroup/renamed-");
            after.get(&renamed)
        })?;
        (before.failures >= MIN_FAILURES && after.failures >= MIN_FAILURES).then(|| Change {
            target: target.clone(),
            has_same_cause: before.cause == after.cause,
            has_near_confidence: (before.confidence as i8 - after.confidence as i8).abs() <= 1,
            has_same_timeouts: agree(transformation.stretch, [before.estimates.keep_alive, after.estimates.keep_alive])
                && agree(1.0, [before.estimates.timeout, after.estimates.timeout]),
            before: before.clone(),
            after: after.clone(),
        })
    };
    before.iter().filter_map(compare).collect()
}

/// Whether two estimates of one timeout agree, if there are two. The first may be stretched.
fn agree(stretch: f64, estimates: [Option<Duration>; 2]) -> bool {
    let [Some(before), Some(after)] = estimates.map(|estimate| estimate.map(|time| time.as_secs_f64())) else {
        return true;
    };
    // A named default may be kept although the times were stretched a little.
    let near = |expected: f64| (after - expected).abs() <= (expected * 0.03).max(0.25);
    near(before * stretch) || near(before)
}
