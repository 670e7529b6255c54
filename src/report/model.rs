//! The [`Report`]: everything that a report shows, computed once.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::Serialize;

use super::commands::quoted;
use super::finding::{self, FindingRow, NoticeRow};
use super::idle_timeout::IdleTimeoutRow;
use super::input::Input;
use super::pictures::{Charts, Pictures};
use super::rows::{self, CallerRow, LoadBalancerRow, RouteRow, TargetGroupRow, TargetRow};
use super::timing::TimingRow;
use super::values::{Outcomes, StatusPairRow, Window, pairs};
use crate::aggregate::{StatusPairs, Summary};
use crate::diagnose::Diagnosis;
use crate::source::Selection;

/// The version of the JSON schema. Keys are only ever added to it.
pub const SCHEMA_VERSION: u32 = 1;

/// The result of an analysis. Its JSON is a stable format; see [`SCHEMA_VERSION`].
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Version of albscope that made the report.
    pub albscope_version: &'static str,
    /// The shell command that makes this report; `None` if a program called the library. It is not in the JSON, so
    /// that the same logs give the same JSON.
    #[serde(skip)]
    pub command: Option<String>,
    /// First and last `time` of the requests counted; both `None` if there are none.
    pub window: Window,
    /// The window asked for (`--since`, `--until`). An end that is `None` is open; one that is there is not included.
    pub selected: Window,
    /// What was read and what was left out.
    pub input: Input,
    /// The idle timeout that the diagnosis used.
    pub idle_timeout: IdleTimeoutRow,
    /// Number of requests: all records except those that the selection left out.
    pub requests: u64,
    /// How many of them failed.
    pub failures: u64,
    /// Requests by outcome.
    pub outcomes: Outcomes,
    /// Requests by pair of status codes, in the order of the codes.
    pub status_pairs: Vec<StatusPairRow>,
    /// One row per load balancer, sorted by its id.
    pub load_balancers: Vec<LoadBalancerRow>,
    /// One row per target group, sorted by load balancer and ARN. Requests that no rule forwarded are in a row
    /// without an ARN.
    pub target_groups: Vec<TargetGroupRow>,
    /// One row per target, the one with most failures first. Requests without a target are in no row.
    pub targets: Vec<TargetRow>,
    /// The findings, the one with most failures first.
    pub findings: Vec<FindingRow>,
    /// Causes of requests that do not count as failed, the one with most requests first.
    pub notices: Vec<NoticeRow>,
    /// Failures in no finding: too few of their kind, or too rare, to name a cause.
    pub unexplained_failures: u64,
    /// One row per route, the one with most failures first.
    pub routes: Vec<RouteRow>,
    /// Client addresses of failed requests, the one with most failures first. At most 20, and only frequent ones.
    pub clients: Vec<CallerRow>,
    /// User agents of failed requests, in the same order and number; `-` for requests without one.
    pub user_agents: Vec<CallerRow>,
    /// Requests over time and elapsed time.
    pub timing: TimingRow,
    /// The data that the pictures draw.
    pub pictures: Pictures,
}

impl Report {
    /// Computes everything that a report shows.
    #[must_use]
    pub fn new(summary: &Summary, diagnosis: &Diagnosis, selection: &Selection) -> Self {
        let mut status_pairs = StatusPairs::default();
        for (_, _, target) in summary.targets.iter() {
            status_pairs.merge(&target.status_pairs);
        }
        let outcomes = summary.outcomes();
        let Charts { pictures, of_findings, of_targets } = Charts::new(summary, diagnosis);
        Self {
            schema_version: SCHEMA_VERSION,
            albscope_version: env!("CARGO_PKG_VERSION"),
            command: None,
            window: summary.span.into(),
            selected: Window { start: selection.since, end: selection.until },
            input: Input::new(summary),
            idle_timeout: IdleTimeoutRow::new(&diagnosis.idle_timeout),
            requests: summary.requests(),
            failures: outcomes.failures(),
            outcomes: (&outcomes).into(),
            status_pairs: pairs(&status_pairs),
            load_balancers: rows::load_balancers(summary, diagnosis),
            target_groups: rows::target_groups(summary, diagnosis),
            targets: rows::targets(summary, diagnosis, of_targets),
            findings: finding::findings(summary, &diagnosis.findings, of_findings),
            notices: finding::notices(summary, &diagnosis.notices),
            unexplained_failures: diagnosis.unexplained,
            routes: rows::routes(summary),
            clients: rows::callers(summary, |callers| &callers.clients),
            user_agents: rows::callers(summary, |callers| &callers.user_agents),
            timing: TimingRow::new(summary),
            pictures,
        }
    }

    /// Failures over time by likely cause, the one with most failures first. Failures in no finding come last.
    #[must_use]
    pub fn failures_by_cause(&self) -> Vec<CauseOverTime> {
        let mut causes: BTreeMap<Option<&'static str>, BTreeMap<usize, u64>> = BTreeMap::new();
        let found = self.findings.iter().map(|finding| (Some(finding.cause), &finding.failures_over_time));
        for (cause, over_time) in found.chain([(None, &self.pictures.unexplained)]) {
            for (bin, failures) in over_time {
                *causes.entry(cause).or_default().entry(*bin).or_default() += failures;
            }
        }
        let mut rows: Vec<CauseOverTime> = causes
            .into_iter()
            .map(|(cause, over_time)| CauseOverTime {
                cause,
                failures: over_time.values().sum(),
                failures_over_time: over_time.into_iter().collect(),
            })
            .collect();
        rows.sort_by_key(|row| (row.cause.is_none(), Reverse(row.failures), row.cause));
        rows
    }

    /// Sets the command that makes this report. Words that a shell would misread are quoted.
    #[must_use]
    pub fn made_by<'a>(mut self, words: impl IntoIterator<Item = &'a str>) -> Self {
        let words: Vec<String> = words.into_iter().map(quoted).collect();
        self.command = Some(words.join(" "));
        self
    }
}

/// Failures of one cause over time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CauseOverTime {
    /// Id of the cause; `None` for failures in no finding.
    pub cause: Option<&'static str>,
    /// How many failures.
    pub failures: u64,
    /// (Index of the time bin in [`Report::pictures`], failures), in order of time. Only bins with failures.
    pub failures_over_time: Vec<(usize, u64)>,
}
