//! The likely causes of a report, each with all its findings: a summary of what broke, when, and what to change.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::chart::findings_named;
use super::plain::shortened;
use super::{FindingRow, Report, Window, numbers, phrases};

/// The name of what a cause was found at is cut to this many columns.
const MAX_NAME: usize = 60;

/// A cause with all its findings.
#[derive(Clone, Debug)]
pub struct CauseRow<'a> {
    /// Its finding with the highest confidence; of several, the one with most failures.
    pub finding: &'a FindingRow,
    /// Indices of its findings in [`Report::findings`], ascending; at least one.
    pub findings: Vec<usize>,
    /// How many failures they have together.
    pub failures: u64,
    /// First and last of these failures; both `None` if their times are unknown.
    pub seen: Window,
    /// What they were found at: `target 10.0.11.162:3000`, `120 targets`, `3 scopes`. Safe to show, see
    /// [`sanitize_terminal`](super::plain::sanitize_terminal).
    pub at: String,
}

impl CauseRow<'_> {
    /// As one line: `connect-timeout (high) at target 10.0.11.162:3000, 1,124 failures, finding 1`.
    #[must_use]
    pub fn line(&self) -> String {
        let (cause, confidence) = (self.finding.cause, self.finding.confidence.id());
        let (failures, findings) = (numbers::counted(self.failures, "failure"), findings_named(&self.findings));
        format!("{cause} ({confidence}) at {}, {failures}, {findings}", self.at)
    }
}

impl Report {
    /// The likely causes, the one with most failures first.
    #[must_use]
    pub fn causes(&self) -> Vec<CauseRow<'_>> {
        let mut causes: Vec<CauseRow<'_>> = Vec::new();
        for (index, finding) in self.findings.iter().enumerate() {
            let seen = Window { start: finding.first_seen, end: finding.last_seen };
            match causes.iter_mut().find(|row| row.finding.cause == finding.cause) {
                Some(row) => {
                    if finding.confidence > row.finding.confidence {
                        row.finding = finding;
                    }
                    row.findings.push(index);
                    row.failures += finding.failures;
                    row.seen = union(row.seen, seen);
                }
                None => causes.push(CauseRow {
                    finding,
                    findings: vec![index],
                    failures: finding.failures,
                    seen,
                    at: String::new(),
                }),
            }
        }
        for row in &mut causes {
            row.at = self.at(&row.findings);
        }
        causes.sort_by_key(|row| Reverse(row.failures));
        causes
    }

    /// What these findings are about, in a few words. A target with several findings of one cause is counted once.
    fn at(&self, findings: &[usize]) -> String {
        let scopes: BTreeSet<_> = findings.iter().map(|&index| &self.findings[index].scope).collect();
        let are_targets = scopes.iter().all(|scope| scope.target.is_some());
        match (scopes.first(), scopes.len()) {
            (Some(scope), 1) => shortened(&phrases::scope(scope).0, MAX_NAME),
            (_, count) => numbers::counted(count as u64, if are_targets { "target" } else { "scope" }),
        }
    }
}

fn union(one: Window, other: Window) -> Window {
    Window {
        start: [one.start, other.start].into_iter().flatten().min(),
        end: [one.end, other.end].into_iter().flatten().max(),
    }
}
