//! The chart of the gaps of a keep-alive race.

use super::timing::MAX_NAME;
use crate::classify::Outcome;
use crate::diagnose::LagCounts;
use crate::report::plain::shortened;
use crate::report::{FindingRow, Report, ScopeRow, phrases};

/// The chart of the gaps of a keep-alive race, laid out.
#[derive(Clone, Debug)]
pub struct LagChart<'a> {
    /// Index of the finding.
    pub finding: usize,
    /// Name of the target group that it was found at. Safe to show, see
    /// [`sanitize_terminal`](crate::report::plain::sanitize_terminal).
    pub subject: String,
    /// The most frequent outcome of its failures.
    pub outcome: Outcome,
    /// Failed and answered requests by lag.
    pub lags: &'a LagCounts,
    /// The target's keep-alive timeout, in seconds.
    pub keep_alive: f64,
    /// The load balancer's idle timeout, in seconds.
    pub idle_timeout: f64,
}

impl<'a> LagChart<'a> {
    /// The charts of a report, one for each target group.
    #[must_use]
    pub fn all(report: &'a Report) -> Vec<Self> {
        let mut charts: Vec<(&ScopeRow, Self)> = Vec::new();
        for (finding, row) in report.findings.iter().enumerate() {
            let (Some(lags), Some(keep_alive)) = (&row.lags, row.estimates.keep_alive_seconds) else { continue };
            let group = |scope: &ScopeRow| (scope.load_balancer.clone(), scope.target_group.clone());
            if charts.iter().any(|(scope, _)| group(scope) == group(&row.scope)) {
                continue;
            }
            let chart = Self {
                finding,
                subject: lag_subject(row),
                outcome: row.outcome,
                lags,
                keep_alive,
                idle_timeout: report.idle_timeout.seconds,
            };
            charts.push((&row.scope, chart));
        }
        charts.into_iter().map(|(_, chart)| chart).collect()
    }
}

fn lag_subject(row: &FindingRow) -> String {
    let name = row.scope.target_group.as_deref().map_or("-", phrases::target_group_name);
    shortened(name, MAX_NAME)
}
