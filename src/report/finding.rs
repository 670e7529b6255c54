//! A finding as reports show it: the cause, and what to do about it.

use std::collections::BTreeMap;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::commands::{ArnPrefix, checks};
use super::scope::ScopeRow;
use super::values::{Outcomes, Window, text_of};
use crate::aggregate::{Span, Summary, TargetId};
use crate::classify::Outcome;
use crate::diagnose::{Confidence, Estimates, Evidence, Finding, FindingId, LagCounts, Shape, seconds_of};
use crate::kind::alb::{self, Alb, RequestLine};
use crate::knowledge::causes::Method;
use crate::knowledge::servers::servers_with_keep_alive;
use crate::knowledge::setters::{KEEP_ALIVE_SETTERS, Setter, setters_of};
use crate::knowledge::timers::{SeenAs, timers_at};
use crate::record::{Bounds, Record};
use crate::timestamp::Timestamp;

/// At most this many settings are shown with a finding.
const MAX_SETTINGS: usize = 4;

/// At most this many episodes are listed.
const MAX_EPISODES: usize = 8;

/// One finding.
#[derive(Clone, Debug, Serialize)]
pub struct FindingRow {
    /// The same for the same cause and scope in every run. No other finding of the report has it.
    pub id: FindingId,
    /// Id of the likely cause.
    pub cause: &'static str,
    /// What the cause means, in a few words.
    pub title: &'static str,
    /// How sure the cause is.
    pub confidence: Confidence,
    /// Ids of the other causes that fit the same lines, likelier ones first.
    pub also_fits: Vec<&'static str>,
    /// What it is about.
    pub scope: ScopeRow,
    /// The most frequent outcome of its failures.
    pub outcome: Outcome,
    /// All outcomes of its failures, the most frequent first.
    pub outcomes: Outcomes,
    /// How many failures.
    pub failures: u64,
    /// When the first of them ended; `None` if unknown. See [`Finding::span`].
    pub first_seen: Option<Timestamp>,
    /// When the last of them ended; `None` if unknown. See [`Finding::span`].
    pub last_seen: Option<Timestamp>,
    /// How the failures are spread over time; `None` if there are too few to tell, or if only their outcome was
    /// looked at.
    pub shape: Option<Shape>,
    /// How many episodes there were; 0 if that was not looked at.
    pub episode_count: usize,
    /// The earliest eight episodes, each from its first to its last failure, by when they were sent.
    pub episodes: Vec<Window>,
    /// Its failures by target, the one with most failures first. Empty if the finding is about requests without a
    /// target.
    pub by_target: Vec<TargetFailures>,
    /// Statements for and against the cause.
    pub evidence: Vec<EvidenceRow>,
    /// Timeouts estimated from the log.
    pub estimates: EstimatesRow,
    /// Failures, and answered requests for comparison, by the time since the target's previous answer on the same
    /// node; of all targets of the group. `None` unless this shows a keep-alive timeout.
    pub lags: Option<LagCounts>,
    /// Failures over time: (index of the time bin in [`Report::pictures`](super::Report::pictures), failures). Only
    /// bins with failures.
    pub failures_over_time: Vec<(usize, u64)>,
    /// What to change.
    pub fix: &'static str,
    /// The code of `error_reason` that most of its failures have; `None` if they have none, or if it was not looked at.
    pub error_reason: Option<String>,
    /// Ways to do it, the first one first. A code of `error_reason` decides which that is, or a sign in the log.
    pub methods: Vec<Method>,
    /// Software whose timeout the estimate may be, and what to set there; the likeliest few. If none is known to have
    /// it by default, where such a timeout is usually set. Empty if there is no estimate.
    pub settings: Vec<SettingRow>,
    /// Commands that check the cause; only those whose names are in the log, but for `CLUSTER` and `SERVICE`.
    pub checks: Vec<CheckRow>,
    /// URL of AWS's page on it.
    pub docs: &'static str,
    /// The earliest few of its failures.
    pub samples: Vec<SampleRow>,
}

/// One notice: a cause of requests that do not count as failed. Its `failures` are these requests.
///
/// In JSON it has the keys of a finding, but `requests` in place of `failures`.
#[derive(Clone, Debug)]
pub struct NoticeRow(pub FindingRow);

impl Serialize for NoticeRow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let row = serde_json::to_value(&self.0).map_err(serde::ser::Error::custom)?;
        let keys = row.as_object().into_iter().flatten();
        serializer.collect_map(keys.map(|(key, value)| (if key == "failures" { "requests" } else { key }, value)))
    }
}

/// Failures of one target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TargetFailures {
    /// `address:port`.
    pub target: String,
    /// How many failures.
    pub failures: u64,
}

/// A server, proxy or client, and what to set there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SettingRow {
    /// Name of the server, proxy or client.
    pub server: &'static str,
    /// The setting, to be copied. Values assume an idle timeout of 60 s.
    pub setting: &'static str,
    /// Whether it has the estimated timeout by default.
    pub is_default: bool,
}

/// A question, and a command that answers it and changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckRow {
    /// The question that the command answers.
    pub question: &'static str,
    /// A line for a shell. Each name from the log is quoted if necessary, so that it stays one word.
    pub command: String,
}

/// Timeouts estimated from the log, in seconds; `None` if the log does not show one.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct EstimatesRow {
    /// How long the target keeps an idle connection open.
    pub keep_alive_seconds: Option<f64>,
    /// After how long requests were cut off: by the target, a proxy in it, or the client that gave up.
    pub timeout_seconds: Option<f64>,
}

/// A statement with its numbers. In JSON the numbers are keys beside `text` and `for`.
#[derive(Clone, Debug)]
pub struct EvidenceRow(pub Evidence);

impl Serialize for EvidenceRow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("text", &self.0.text)?;
        map.serialize_entry("for", &self.0.is_for)?;
        for (name, number) in &self.0.numbers {
            map.serialize_entry(name, number)?;
        }
        map.end()
    }
}

/// One failed request.
#[derive(Clone, Debug, Serialize)]
pub struct SampleRow {
    /// A path, an S3 URL, or `-` for standard input.
    pub object: String,
    /// Line number, from 1.
    pub line: u64,
    /// The line; invalid UTF-8 is replaced.
    pub text: String,
}

/// The rows of all findings.
pub(super) fn findings(summary: &Summary, findings: &[Finding], over_time: Vec<Vec<(usize, u64)>>) -> Vec<FindingRow> {
    let arn_prefixes = arn_prefixes(summary);
    let scopes: Vec<ScopeRow> = findings.iter().map(|finding| ScopeRow::new(summary, finding.scope)).collect();
    // Findings of one cause in one target group get the same time span, so that one command covers all of them.
    let mut seen: BTreeMap<_, Option<Span>> = BTreeMap::new();
    let group = |finding: &Finding, scope: &ScopeRow| (finding.cause.id, ScopeRow { target: None, ..scope.clone() });
    for (finding, scope) in findings.iter().zip(&scopes) {
        let all = seen.entry(group(finding, scope)).or_default();
        *all = Span::union(*all, finding.span);
    }
    let rows = findings.iter().zip(scopes).zip(over_time).map(|((finding, scope), failures_over_time)| {
        let seen = seen[&group(finding, &scope)];
        let arn_prefix = arn_prefixes.get(&scope.load_balancer);
        let path = failed_path(finding);
        let checks = checks(finding.cause, &scope, arn_prefix, seen, path.as_deref()).into_iter();
        let checks = checks.map(|(question, command)| CheckRow { question, command }).collect();
        FindingRow { failures_over_time, ..FindingRow::new(summary, finding, scope, checks) }
    });
    rows.collect()
}

/// The path of the earliest failure that is kept. `None` if none is, or if its line has no path.
fn failed_path(finding: &Finding) -> Option<String> {
    let mut bounds = Bounds::default();
    let line = &finding.samples.as_slice().first()?.line;
    let record: Record<'_, Alb> = Record::parse(line, &mut bounds).ok()?;
    RequestLine::parse(record.value(alb::REQUEST_LINE)?).path().map(text_of)
}

/// The rows of all notices.
pub(super) fn notices(summary: &Summary, notices: &[Finding]) -> Vec<NoticeRow> {
    let over_time = vec![Vec::new(); notices.len()];
    findings(summary, notices, over_time).into_iter().map(NoticeRow).collect()
}

/// The [`ArnPrefix`] of each load balancer, from the ARNs of its target groups. If they differ, that of the first ARN.
fn arn_prefixes(summary: &Summary) -> BTreeMap<String, ArnPrefix> {
    let mut arn_prefixes = BTreeMap::new();
    let mut groups: Vec<_> = summary.target_groups.iter().collect();
    groups.sort_by_key(|(load_balancer, arn, ())| (*load_balancer, *arn));
    for (load_balancer, arn, ()) in groups {
        if let Some(arn_prefix) = ArnPrefix::of(&text_of(arn)) {
            arn_prefixes.entry(text_of(summary.load_balancers.entry(load_balancer).1)).or_insert(arn_prefix);
        }
    }
    arn_prefixes
}

/// Failures by target over all outcomes, the one with most failures first.
fn by_target(summary: &Summary, finding: &Finding) -> Vec<TargetFailures> {
    let mut totals: BTreeMap<TargetId, u64> = BTreeMap::new();
    for (target, _, failures) in &finding.failures_by_target {
        *totals.entry(*target).or_default() += failures;
    }
    let name = |target: TargetId| text_of(summary.targets.entry(target).1);
    let mut rows: Vec<TargetFailures> =
        totals.into_iter().map(|(target, failures)| TargetFailures { target: name(target), failures }).collect();
    rows.sort_by(|one, other| (other.failures, &one.target).cmp(&(one.failures, &other.target)));
    rows
}

/// Software that has the estimated timeout by default, the likeliest first. If there is none, where such a timeout is
/// set.
fn settings(estimates: Estimates, outcome: Outcome) -> Vec<SettingRow> {
    let by_default = |server, setting| SettingRow { server, setting, is_default: true };
    let (defaults, setters): (Vec<SettingRow>, &[Setter]) = match (estimates.keep_alive, estimates.timeout) {
        (Some(keep_alive), _) => {
            let servers = servers_with_keep_alive(keep_alive).into_iter();
            (servers.map(|server| by_default(server.label, server.setting)).collect(), KEEP_ALIVE_SETTERS)
        }
        (None, Some(timeout)) => {
            let seen_as = seen_as(outcome);
            let timers = seen_as.into_iter().flat_map(|seen_as| timers_at(seen_as, timeout));
            (timers.map(|timer| by_default(timer.who, timer.setting)).collect(), seen_as.map_or(&[], setters_of))
        }
        (None, None) => return Vec::new(),
    };
    if !defaults.is_empty() {
        return defaults.into_iter().take(MAX_SETTINGS).collect();
    }
    setters.iter().map(|it| SettingRow { server: it.who, setting: it.setting, is_default: false }).collect()
}

/// How a request with this outcome ended, if a timer ended it. `None` if the outcome does not come from a timer.
fn seen_as(outcome: Outcome) -> Option<SeenAs> {
    match outcome {
        Outcome::ClosedBeforeResponse => Some(SeenAs::TargetClosed),
        Outcome::TargetGatewayError => Some(SeenAs::TargetStatus),
        Outcome::TargetError => Some(SeenAs::TargetError),
        Outcome::ClientClosedBeforeDispatch | Outcome::ClientClosedAfterDispatch => Some(SeenAs::ClientClosed),
        Outcome::ConnectTimeout | Outcome::IdleTimeout => Some(SeenAs::LoadBalancerTimeout),
        Outcome::IdentityProviderError => Some(SeenAs::LoadBalancerError),
        Outcome::LambdaError | Outcome::LambdaTimeout => Some(SeenAs::LambdaError),
        _ => None,
    }
}

impl FindingRow {
    /// Index of the first finding with the cause and target group of the one at `index`; `None` if that is the first.
    ///
    /// What to do is the same for both, so a page need not say it twice.
    pub(super) fn first_like(findings: &[Self], index: usize) -> Option<usize> {
        let group = |row: &Self| (row.cause, ScopeRow { target: None, ..row.scope.clone() });
        let wanted = group(&findings[index]);
        findings[..index].iter().position(|row| group(row) == wanted)
    }

    fn new(summary: &Summary, finding: &Finding, scope: ScopeRow, checks: Vec<CheckRow>) -> Self {
        let error_reason = finding.error_reason.as_deref().map(text_of);
        let samples = finding.samples.as_slice().iter().map(|sample| SampleRow {
            object: sample.location.object.to_string(),
            line: sample.location.line,
            text: text_of(&sample.line),
        });
        Self {
            id: finding.id,
            cause: finding.cause.id,
            title: finding.cause.title,
            confidence: finding.confidence,
            also_fits: finding.also_fits.iter().map(|cause| cause.id).collect(),
            scope,
            outcome: finding.outcome,
            outcomes: Outcomes(finding.outcomes.clone()),
            failures: finding.failures,
            first_seen: finding.span.map(|span| span.first),
            last_seen: finding.span.map(|span| span.last),
            shape: finding.time_pattern.shape,
            episode_count: finding.time_pattern.episodes.len(),
            episodes: finding.time_pattern.episodes.iter().take(MAX_EPISODES).map(|&it| Some(it).into()).collect(),
            by_target: by_target(summary, finding),
            evidence: finding.evidence.iter().cloned().map(EvidenceRow).collect(),
            estimates: EstimatesRow {
                keep_alive_seconds: finding.estimates.keep_alive.map(seconds_of),
                timeout_seconds: finding.estimates.timeout.map(seconds_of),
            },
            lags: finding.lags.as_deref().cloned(),
            failures_over_time: Vec::new(),
            fix: finding.cause.fix,
            methods: finding.cause.methods_for(error_reason.as_deref(), &finding.signs),
            error_reason,
            settings: settings(finding.estimates, finding.outcome),
            checks,
            docs: finding.cause.docs,
            samples: samples.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_estimate_names_who_has_that_timeout() {
        let names = |keep_alive: Option<u64>, timeout: Option<u64>, outcome| -> Vec<&str> {
            let estimates = Estimates {
                keep_alive: keep_alive.map(Duration::from_millis),
                timeout: timeout.map(Duration::from_millis),
            };
            settings(estimates, outcome).iter().map(|row| row.server).collect()
        };
        let closed = Outcome::ClosedBeforeResponse;
        assert_eq!(names(Some(6_003), None, closed), ["Node.js 20 to 25, recent releases"]);
        assert_eq!(names(Some(4_998), None, closed).len(), MAX_SETTINGS);
        assert_eq!(names(None, Some(30_400), closed)[0], "gunicorn --timeout");
        assert_eq!(
            names(None, Some(30_000), Outcome::ClientClosedAfterDispatch)[0],
            "CloudFront origin response timeout"
        );
        assert_eq!(names(None, Some(30_400), Outcome::NoTarget), [""; 0]);
        assert_eq!(names(None, None, closed), [""; 0]);
    }

    #[test]
    fn a_timeout_that_nothing_has_by_default_names_where_it_is_set() {
        let of = |keep_alive: Option<u64>, timeout: Option<u64>, outcome| {
            let time = |millis: Option<u64>| millis.map(Duration::from_millis);
            settings(Estimates { keep_alive: time(keep_alive), timeout: time(timeout) }, outcome)
        };
        let closed = Outcome::ClosedBeforeResponse;
        for (rows, first) in [
            (of(Some(13_700), None, closed), "Go net/http, ReadTimeout without an IdleTimeout"),
            (of(None, Some(13_700), closed), "gunicorn --timeout"),
            (of(None, Some(13_700), Outcome::TargetGatewayError), "nginx proxy_read_timeout"),
            (of(None, Some(13_700), Outcome::ClientClosedAfterDispatch), "the HTTP client of the caller"),
        ] {
            assert_eq!(rows.first().map(|row| row.server), Some(first));
            assert!(rows.iter().all(|row| !row.is_default), "{rows:?}");
        }
        assert!(of(Some(5_000), None, closed).iter().all(|row| row.is_default));
        assert_eq!(of(None, Some(13_700), Outcome::ConnectTimeout), []);
    }
}
