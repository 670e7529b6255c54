//! The legend of a report's pictures: an entry for each outcome of its failures.

use super::look::Look;
use crate::classify::Outcome;
use crate::report::Report;
use crate::report::numbers::count;

/// The outcomes of a report's failures, the most frequent first, each with the number of its failures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Legend(pub Vec<(Outcome, u64)>);

impl Legend {
    /// The legend of all failures of a report.
    #[must_use]
    pub fn new(report: &Report) -> Self {
        let failures = report.outcomes.0.iter().filter(|(outcome, _)| outcome.is_failure());
        let mut failures: Vec<(Outcome, u64)> = failures.copied().collect();
        failures.sort_by_key(|&(outcome, requests)| (std::cmp::Reverse(requests), outcome));
        Self(failures)
    }

    /// The look of each outcome and its label: `connect-timeout 1,119`.
    pub fn entries(&self) -> impl Iterator<Item = (Look, String)> {
        self.0.iter().map(|&(outcome, failures)| (Look::of(outcome), format!("{} {}", outcome.id(), count(failures))))
    }
}
