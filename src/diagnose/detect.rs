//! Detectors: each looks for one cause in all requests of a target group together. The order in [`DETECTORS`] is
//! their rank. A file has the detectors of one pattern.
//!
//! They run in that order, and failures that one explains are not offered to the next: a process that dies ends
//! requests after any time, short or long, so its failures would look like those of any other cause. A detector reads
//! a [`GroupView`] and returns verdicts; it changes nothing.

mod bad_route;
mod blocked_path;
mod client_timeout;
mod crash;
mod deregistration;
mod early_reset;
mod keep_alive_race;
mod not_ready;
mod outage;
mod overload;
mod request_timeout;
mod resets;
mod scattered;
mod slow_route;
mod target_errors;
mod unanswered;

use rayon::prelude::*;

use super::accept::accept;
use super::finding::Finding;
use super::group_view::{GroupView, SummaryView};
use super::idle_timeout::IdleTimeout;
use super::verdict::Verdict;
use crate::aggregate::{Span, Summary, TargetGroupId};

type Detector = fn(&GroupView<'_>) -> Vec<Verdict>;

/// All detectors, in the order in which they run.
const DETECTORS: &[Detector] = &[
    blocked_path::detect,
    not_ready::detect,
    deregistration::detect,
    crash::whole_processes,
    request_timeout::detect,
    crash::workers,
    early_reset::detect,
    bad_route::detect,
    keep_alive_race::detect,
    overload::detect,
    outage::detect,
    unanswered::detect,
    slow_route::silent_targets,
    overload::queues,
    slow_route::slow_routes,
    resets::detect,
    target_errors::detect,
    client_timeout::detect,
    keep_alive_race::without_a_peak,
    scattered::detect,
];

/// The findings of all detectors, target group by target group. The groups are diagnosed in parallel: each finding is
/// about one of them.
pub(super) fn findings(summary: &Summary, log_span: Span, idle_timeouts: &[IdleTimeout]) -> Vec<Finding> {
    let mut groups: Vec<TargetGroupId> = summary
        .targets
        .iter()
        .filter(|(_, address, target)| !address.is_empty() && !target.failures.is_empty())
        .map(|(group, _, _)| group)
        .collect();
    groups.sort_unstable();
    groups.dedup();
    if groups.is_empty() {
        return Vec::new();
    }
    let (nodes, routes) = (summary.timeline.nodes(), summary.routes.sorted());
    let shared = SummaryView { summary, log_span, idle_timeouts, nodes, routes };
    groups.into_par_iter().flat_map_iter(|group| findings_of_group(&shared, group)).collect()
}

fn findings_of_group(shared: &SummaryView<'_>, group: TargetGroupId) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    let mut group = GroupView::new(shared, group);
    for detect in DETECTORS {
        for verdict in detect(&group) {
            let Some(finding) = accept(&mut group, &verdict) else { continue };
            let is_same = |known: &&mut Finding| (known.scope, known.cause.id) == (finding.scope, finding.cause.id);
            // Two detectors may find two sides of one event: a target that crashed is reported once.
            match findings.iter_mut().find(is_same) {
                Some(known) => known.absorb(finding),
                None => findings.push(finding),
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests;
