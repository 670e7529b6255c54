//! A finding, and the requests of the log that it may be about.

use std::collections::BTreeSet;
use std::time::Duration;

use albscope::aggregate::Summary;
use albscope::diagnose::{Diagnosis, Finding, Scope};

use super::failed::Failed;
use super::reader::Request;
use super::words::captures;

/// A finding, and the requests of the log.
#[derive(Clone)]
pub(crate) struct Recount<'r> {
    pub(crate) summary: &'r Summary,
    pub(crate) diagnosis: &'r Diagnosis,
    pub(crate) finding: &'r Finding,
    /// All requests, in the order of their ends.
    pub(crate) all: &'r [Request<'r>],
    pub(crate) load_balancer: String,
    /// Empty if no rule forwarded the requests.
    pub(crate) group: String,
    /// `None` if the sentence is not about a single target.
    pub(crate) target: Option<String>,
    pub(crate) failed: Failed<'r, 'r>,
    /// Whether the finding was made of many, one for each target.
    pub(crate) is_of_many: bool,
}

impl<'r> Recount<'r> {
    pub(crate) fn new(
        summary: &'r Summary,
        diagnosis: &'r Diagnosis,
        finding: &'r Finding,
        is_notice: bool,
        all: &'r [Request<'r>],
    ) -> Result<Self, String> {
        let names = finding.scope.names(summary);
        let text = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
        let is_of_many =
            finding.evidence.first().is_some_and(|first| captures(super::shared::AT_MANY, &first.text).is_some());
        let mut failed = if is_notice {
            Failed { certain: Vec::new(), possible: Vec::new(), count: 0, is_part: true }
        } else {
            Failed::new(summary, diagnosis, finding, all)?
        };
        failed.is_part |= finding.evidence.iter().any(|evidence| evidence.text.contains("in addition, "));
        Ok(Self {
            summary,
            diagnosis,
            finding,
            all,
            load_balancer: text(names.load_balancer),
            group: names.target_group.map(text).unwrap_or_default(),
            target: names.target.map(text),
            failed,
            is_of_many,
        })
    }

    /// The same, and a sentence without its beginning, if it is about one of many targets: `at 10.0.0.1:80: …`.
    pub(crate) fn about<'t>(&self, sentence: &'t str) -> (Self, &'t str) {
        let sentence = sentence.strip_prefix("in addition, ").unwrap_or(sentence);
        let Some((target, rest)) = sentence.strip_prefix("at ").and_then(|rest| rest.split_once(": ")) else {
            return (self.clone(), sentence);
        };
        if !self.in_group().any(|request| request.target == target) {
            return (self.clone(), sentence);
        }
        let rest = rest.strip_prefix("in addition, ").unwrap_or(rest);
        (Self { target: Some(target.to_owned()), failed: self.failed.at(target), ..self.clone() }, rest)
    }

    /// The requests to the finding's target group, or those that no rule forwarded.
    pub(crate) fn in_group(&self) -> impl Iterator<Item = &'r Request<'r>> + use<'_, 'r> {
        self.all.iter().filter(|request| request.load_balancer == self.load_balancer && request.group == self.group)
    }

    /// Those of them that reached a target and have exact times.
    pub(crate) fn timed(&self) -> impl Iterator<Item = &'r Request<'r>> + use<'_, 'r> {
        self.in_group().filter(|request| request.is_timed && !request.target.is_empty())
    }

    /// Those of them that were sent to the finding's target.
    pub(crate) fn of_target(&self) -> impl Iterator<Item = &'r Request<'r>> + use<'_, 'r> {
        self.timed().filter(|request| Some(request.target) == self.target.as_deref())
    }

    /// Those of them that were sent to any target of the finding.
    pub(crate) fn of_targets(&self) -> impl Iterator<Item = &'r Request<'r>> + use<'_, 'r> {
        let targets: BTreeSet<&str> = self.failed.possible.iter().map(|request| request.target).collect();
        self.timed().filter(move |request| targets.contains(request.target))
    }

    /// All targets of the group.
    pub(crate) fn targets(&self) -> BTreeSet<&'r str> {
        self.in_group().map(|request| request.target).filter(|target| !target.is_empty()).collect()
    }

    /// The outcomes of the finding's failures.
    pub(crate) fn outcomes(&self) -> BTreeSet<&'static str> {
        self.finding.outcomes.iter().map(|(outcome, _)| outcome.id()).collect()
    }

    /// From the first to the last time at which one of the failures was sent. `None` if these are not known.
    pub(crate) fn sent(&self) -> Option<(i64, i64)> {
        self.failed.sent()
    }

    /// The other findings of the cause at the same group or its targets, this one included.
    pub(crate) fn alike(&self) -> Vec<&'r Finding> {
        let is_in = |finding: &Finding| {
            let names = finding.scope.names(self.summary);
            names.target_group.is_some_and(|group| group == self.group.as_bytes())
        };
        super::of_group(self.diagnosis, self.finding.cause.id, is_in)
    }

    /// The failures of all findings of the cause at the group.
    pub(crate) fn all_alike(&self) -> Option<Failed<'r, 'r>> {
        let mut all = Failed { certain: Vec::new(), possible: Vec::new(), count: 0, is_part: false };
        for finding in self.alike() {
            let one = Failed::new(self.summary, self.diagnosis, finding, self.all).ok()?;
            all.certain.extend(one.certain);
            all.possible.extend(one.possible);
            all.count += one.count;
        }
        // Two findings may share what is possible.
        let mut seen = BTreeSet::new();
        all.possible.retain(|request| seen.insert(std::ptr::from_ref::<Request<'_>>(request)));
        all.certain.sort_by_key(|request| request.sent);
        all.possible.sort_by_key(|request| request.sent);
        Some(all)
    }

    /// How many requests of the group with such an outcome are in findings of other causes.
    pub(crate) fn in_other_findings(&self, outcomes: &BTreeSet<&str>) -> usize {
        let others = self.diagnosis.findings.iter().filter(|finding| finding.cause.id != self.finding.cause.id);
        let of_others = others.flat_map(|finding| &finding.failures_by_target);
        let here = of_others.filter(|(target, outcome, _)| {
            let (group, ..) = self.summary.targets.entry(*target);
            outcomes.contains(outcome.id()) && self.summary.target_groups.entry(group).1 == self.group.as_bytes()
        });
        here.map(|(.., failures)| usize::try_from(*failures).unwrap_or(usize::MAX)).sum()
    }

    /// The idle timeout that the failures were compared with, in microseconds.
    pub(crate) fn idle_timeout(&self) -> i64 {
        let summary = self.summary;
        let load_balancer = match self.finding.scope {
            Scope::LoadBalancer(load_balancer) => load_balancer,
            Scope::TargetGroup(group) => summary.target_groups.entry(group).0,
            Scope::Target(target) => summary.target_groups.entry(summary.targets.entry(target).0).0,
        };
        let ids = summary.load_balancers.ids();
        let at = ids.zip(&self.diagnosis.idle_timeouts).find(|(id, _)| *id == load_balancer);
        at.map_or(0, |(_, idle_timeout)| micros_of(idle_timeout.duration))
    }
}

pub(crate) fn micros_of(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
