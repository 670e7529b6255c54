//! One [`Report`] value, and a renderer for each format.
//!
//! Input: a [`Summary`] and its [`Diagnosis`]. The numbers are computed once, in [`Report::new`]; the renderers only
//! lay them out, so text, JSON, Markdown and HTML cannot disagree. To add a format, add a module, a variant of
//! [`Format`] and its arm in [`Report::render`].

mod causes;
pub mod chart;
mod commands;
mod finding;
mod html;
mod json;
mod markdown;
pub(crate) mod numbers;
pub(crate) mod phrases;
pub mod pictures;
pub mod plain;
mod plan;
mod text;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::{Serialize, Serializer};

use crate::aggregate::callers::Frequent;
use crate::aggregate::timing::{ELAPSED_BINS, elapsed_bin_start};
use crate::aggregate::{Callers, OutcomeCounts, Quantiles, Span, StatusPairs, Summary, Target, Timing};
use crate::classify::Outcome;
use crate::diagnose::{Confidence, Diagnosis, Finding, IdleTimeoutOrigin, seconds_of};
use crate::error::Problem;
use crate::source::{FromCache, Selection};
use crate::timestamp::Timestamp;

pub use causes::CauseRow;
pub use finding::{CheckRow, Estimates, EvidenceRow, FindingRow, SampleRow, ScopeRow, SettingRow};
use pictures::Drawn;
pub use pictures::Pictures;
pub use plan::{Plan, PlanDay, PlanProblem};

/// The version of the JSON schema. Keys are only ever added to it.
pub const SCHEMA_VERSION: u32 = 1;

/// The timing histogram has at most this many time bins, or the widest bins there are.
const MAX_TIMING_BINS: usize = 240;

/// At most this many clients and this many user agents are listed.
const MAX_CALLER_ROWS: usize = 20;

/// How a report is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For a person at a terminal.
    Text,
    /// For a program.
    Json,
    /// For a chat or a ticket.
    Markdown,
    /// For a browser: one self-contained page.
    Html,
}

/// What a renderer knows about where its output goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Width of the output, in columns.
    pub width: usize,
    /// Whether to use colour.
    pub is_coloured: bool,
    /// Whether pictures and the marks of cut text are ASCII only.
    pub is_ascii: bool,
}

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
    /// The window asked for (`--since`, `--until`). An end that is `None` is open.
    pub selected: Window,
    /// What was read and what was left out.
    pub input: Input,
    /// The idle timeout that the diagnosis used.
    pub idle_timeout: IdleTimeout,
    /// Number of requests: all records except those that the selection left out.
    pub requests: u64,
    /// How many of them failed.
    pub failures: u64,
    /// Requests by outcome.
    pub outcomes: Outcomes,
    /// Requests by pair of status codes, in the order of the codes.
    pub status_pairs: Vec<StatusPair>,
    /// One row per load balancer, sorted by its id.
    pub load_balancers: Vec<LoadBalancerRow>,
    /// One row per target group, sorted by load balancer and ARN. Requests that no rule forwarded are in a row
    /// without an ARN.
    pub target_groups: Vec<TargetGroupRow>,
    /// One row per target, the one with most failures first. Requests without a target are in no row.
    pub targets: Vec<TargetRow>,
    /// The findings, the one with most failures first.
    pub findings: Vec<FindingRow>,
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

/// A time window; both ends are included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Window {
    /// The first moment; `None` if the window is open at its start or there is no time.
    pub start: Option<Timestamp>,
    /// The last moment; `None` if the window is open at its end or there is no time.
    pub end: Option<Timestamp>,
}

impl From<Option<Span>> for Window {
    fn from(span: Option<Span>) -> Self {
        Self { start: span.map(|span| span.first), end: span.map(|span| span.last) }
    }
}

/// The account of the input. It is always true that `lines = records + unreadable_lines`. Blank lines are not
/// counted.
#[derive(Clone, Debug, Serialize)]
pub struct Input {
    /// Objects opened.
    pub objects: u64,
    /// Objects left out without being opened, by reason.
    pub objects_skipped: BTreeMap<&'static str, u64>,
    /// Folders left out without listing their objects, by reason; in the JSON only if there are any.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub folders_skipped: BTreeMap<&'static str, u64>,
    /// The part of the input that came from the cache. `None`, and not in the JSON, if there is no cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_cache: Option<Cached>,
    /// Objects that could not be opened or read to their end.
    pub objects_failed: u64,
    /// Bytes as stored.
    pub bytes_read: u64,
    /// Bytes after decoding.
    pub bytes_decoded: u64,
    /// Lines that are not blank.
    pub lines: u64,
    /// Lines that are records of an access log.
    pub records: u64,
    /// Lines that are not records.
    pub unreadable_lines: u64,
    /// Records that the selection left out, by reason.
    pub records_skipped: BTreeMap<&'static str, u64>,
    /// Problems of the input, one row per kind.
    pub problems: Vec<ProblemRow>,
}

/// The part of the input that came from a cache.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Cached {
    /// How many objects.
    pub objects: u64,
    /// Their bytes as stored.
    pub bytes: u64,
}

/// A problem of the input.
#[derive(Clone, Debug, Serialize)]
pub struct ProblemRow {
    /// The kind of problem.
    pub problem: Problem,
    /// A title for people.
    #[serde(skip)]
    pub title: &'static str,
    /// Lines that have it; 0 if it is a problem of objects.
    pub lines: u64,
    /// Objects that have it; 0 if it is a problem of lines.
    pub objects: u64,
    /// Locations of the first few, in the order of the input.
    pub samples: Vec<ProblemPlace>,
}

/// Where a problem was found.
#[derive(Clone, Debug, Serialize)]
pub struct ProblemPlace {
    /// A path, an S3 URL, or `-` for standard input.
    pub object: String,
    /// Line number, from 1; `None` if the object could not be opened.
    pub line: Option<u64>,
    /// Byte offset in the decoded stream; for a problem of an object, in the object as stored. `None` if `line` is.
    pub byte: Option<u64>,
    /// What the operating system or the decoder reported; `None` for lines.
    pub reason: Option<String>,
}

/// The load balancer's idle timeout.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct IdleTimeout {
    /// The timeout, in seconds.
    pub seconds: f64,
    /// Where the value comes from.
    pub origin: IdleTimeoutOrigin,
}

/// Requests by outcome, in the order of [`Outcome::ALL`]; only outcomes that occurred.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcomes(pub Vec<(Outcome, u64)>);

impl Serialize for Outcomes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(outcome, requests)| (outcome.id(), requests)))
    }
}

impl From<&OutcomeCounts> for Outcomes {
    fn from(counts: &OutcomeCounts) -> Self {
        Self(counts.iter().collect())
    }
}

/// Requests with one pair of status codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct StatusPair {
    /// `None` if the log has `-`.
    pub elb_status_code: Option<u16>,
    /// `None` if the log has `-`.
    pub target_status_code: Option<u16>,
    /// How many requests.
    pub requests: u64,
}

/// One load balancer.
#[derive(Clone, Debug, Serialize)]
pub struct LoadBalancerRow {
    /// Resource id.
    pub load_balancer: String,
    /// Requests seen.
    pub requests: u64,
    /// How many of them failed.
    pub failures: u64,
    /// First `time`; `None` if it has no requests.
    pub first_seen: Option<Timestamp>,
    /// Last `time`; `None` if it has no requests.
    pub last_seen: Option<Timestamp>,
    /// Requests by outcome.
    pub outcomes: Outcomes,
}

/// One target group.
#[derive(Clone, Debug, Serialize)]
pub struct TargetGroupRow {
    /// Resource id of its load balancer.
    pub load_balancer: String,
    /// ARN; `None` for requests that no rule forwarded.
    pub target_group: Option<String>,
    /// Requests seen.
    pub requests: u64,
    /// How many of them failed.
    pub failures: u64,
    /// How many targets were seen.
    pub targets: u64,
    /// Requests by outcome.
    pub outcomes: Outcomes,
    /// The cause that explains most failures of the group and its targets; `None` if no finding is about them.
    pub cause: Option<&'static str>,
    /// The highest confidence among the findings of that cause; `None` if there is no cause.
    pub confidence: Option<Confidence>,
}

/// One target.
#[derive(Clone, Debug, Serialize)]
pub struct TargetRow {
    /// Resource id of its load balancer.
    pub load_balancer: String,
    /// ARN of its target group; `None` if the log has `-`.
    pub target_group: Option<String>,
    /// `address:port`.
    pub target: String,
    /// Requests seen.
    pub requests: u64,
    /// How many of them failed.
    pub failures: u64,
    /// First `time`; `None` if it has no requests.
    pub first_seen: Option<Timestamp>,
    /// Last `time`; `None` if it has no requests.
    pub last_seen: Option<Timestamp>,
    /// `target_processing_time` of the requests that the target answered.
    pub latency: Latency,
    /// Elapsed time of all requests except WebSocket connections.
    pub elapsed: Latency,
    /// Requests by pair of status codes, in the order of the codes.
    pub status_pairs: Vec<StatusPair>,
    /// Requests by outcome.
    pub outcomes: Outcomes,
    /// The most frequent outcome of its failures; `None` if there are none.
    pub dominant_failure: Option<Outcome>,
    /// Cause of the finding that explains most of its failures; `None` if no finding explains any.
    pub cause: Option<&'static str>,
    /// Confidence of that finding; `None` if there is none.
    pub confidence: Option<Confidence>,
    /// Failures over time: (index of the time bin in [`Report::pictures`], failures). Only bins with failures.
    pub failures_over_time: Vec<(usize, u64)>,
}

/// Quantiles in seconds; all `None` if nothing was measured. Each except the maximum may be too large by less than
/// 0.8 %.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Latency {
    /// Median.
    pub p50: Option<f64>,
    /// 90th percentile.
    pub p90: Option<f64>,
    /// 99th percentile.
    pub p99: Option<f64>,
    /// 99.9th percentile.
    pub p999: Option<f64>,
    /// Maximum.
    pub max: Option<f64>,
}

impl From<&Quantiles> for Latency {
    fn from(quantiles: &Quantiles) -> Self {
        let at = |q| quantiles.quantile(q).map(seconds_of);
        Self { p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), max: quantiles.max().map(seconds_of) }
    }
}

/// One route.
#[derive(Clone, Debug, Serialize)]
pub struct RouteRow {
    /// Resource id.
    pub load_balancer: String,
    /// ARN; `None` for requests that no rule forwarded.
    pub target_group: Option<String>,
    /// Method and path; the variable parts of the path are in braces.
    pub route: String,
    /// Requests seen.
    pub requests: u64,
    /// How many of them failed.
    pub failures: u64,
    /// Elapsed time of its requests except WebSocket connections.
    pub elapsed: Latency,
}

/// A client or user agent that sent failed requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CallerRow {
    /// Address or user agent, cut after [`MAX_NAME_BYTES`](crate::aggregate::callers::MAX_NAME_BYTES) bytes.
    pub name: String,
    /// At least this many failed requests. Of each target and outcome, only the frequent names are counted.
    pub failures: u64,
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

/// Requests over time and elapsed time.
#[derive(Clone, Debug, Serialize)]
pub struct TimingRow {
    /// Lower edges of the elapsed-time bins, in seconds. The first bin also has shorter times, the last also longer
    /// ones.
    pub elapsed_bins: Vec<f64>,
    /// One entry per load balancer, sorted by its id.
    pub load_balancers: Vec<TimingOfLoadBalancer>,
}

/// One load balancer's requests over time.
#[derive(Clone, Debug, Serialize)]
pub struct TimingOfLoadBalancer {
    /// Resource id.
    pub load_balancer: String,
    /// Width of a time bin, in seconds.
    pub time_bin_seconds: i64,
    /// The time bins that have a request, in order of time.
    pub bins: Vec<TimingBin>,
}

/// One time bin.
#[derive(Clone, Debug, Serialize)]
pub struct TimingBin {
    /// When it begins.
    pub start: Timestamp,
    /// Requests that ended in it, also those whose elapsed time is unknown.
    pub requests: u64,
    /// How many of them failed.
    pub failures: u64,
    /// Requests by elapsed time: (index of the elapsed-time bin, requests). Only bins with requests.
    pub elapsed: Vec<(usize, u32)>,
    /// Failed requests with a known elapsed time: (outcome, index of the elapsed-time bin, requests), sorted.
    pub failed: Vec<(Outcome, u16, u32)>,
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
        let Drawn { pictures, of_findings, of_targets } = Drawn::new(summary, diagnosis);
        Self {
            schema_version: SCHEMA_VERSION,
            albscope_version: env!("CARGO_PKG_VERSION"),
            command: None,
            window: summary.window.into(),
            selected: Window { start: selection.since, end: selection.until },
            input: Input::new(summary),
            idle_timeout: IdleTimeout {
                seconds: seconds_of(diagnosis.idle_timeout.duration),
                origin: diagnosis.idle_timeout.origin,
            },
            requests: summary.requests(),
            failures: outcomes.failures(),
            outcomes: (&outcomes).into(),
            status_pairs: pairs(&status_pairs),
            load_balancers: load_balancers(summary),
            target_groups: target_groups(summary, diagnosis),
            targets: targets(summary, diagnosis, of_targets),
            findings: finding::findings(summary, &diagnosis.findings, of_findings),
            unexplained_failures: diagnosis.unexplained,
            routes: routes(summary),
            clients: callers(summary, |callers| &callers.clients),
            user_agents: callers(summary, |callers| &callers.user_agents),
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
        let words: Vec<String> = words.into_iter().map(commands::quoted).collect();
        self.command = Some(words.join(" "));
        self
    }

    /// Writes the report.
    ///
    /// # Errors
    /// If writing to `out` fails.
    pub fn render(&self, format: Format, style: Style, out: &mut dyn Write) -> io::Result<()> {
        match format {
            Format::Text => text::render(self, style, out),
            Format::Json => json::render(self, out),
            Format::Markdown => markdown::render(self, out),
            Format::Html => html::render(self, out),
        }
    }
}

impl Input {
    fn new(summary: &Summary) -> Self {
        let input = &summary.input;
        let problems = input.problems.iter().map(|(&problem, count)| {
            let of_object = problem.is_of_object();
            ProblemRow {
                problem,
                title: problem.title(),
                lines: if of_object { 0 } else { count.count },
                objects: if of_object { count.count } else { 0 },
                samples: count
                    .samples
                    .iter()
                    .map(|sample| ProblemPlace {
                        object: sample.at.object.to_string(),
                        line: (sample.at.line > 0).then_some(sample.at.line),
                        byte: (sample.at.line > 0).then_some(sample.at.byte),
                        reason: sample.reason.clone(),
                    })
                    .collect(),
            }
        });
        Self {
            objects: input.objects,
            objects_skipped: input.objects_skipped.iter().map(|(reason, &count)| (reason.id(), count)).collect(),
            folders_skipped: input.folders_skipped.iter().map(|(reason, &count)| (reason.id(), count)).collect(),
            from_cache: input.from_cache.map(|FromCache { objects, bytes }| Cached { objects, bytes }),
            objects_failed: input.objects_failed,
            bytes_read: input.bytes_read,
            bytes_decoded: input.bytes_decoded,
            lines: input.lines,
            records: input.records,
            unreadable_lines: input.unreadable_lines,
            records_skipped: input.records_skipped.iter().map(|(reason, &count)| (reason.id(), count)).collect(),
            problems: problems.collect(),
        }
    }
}

fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn some_text_of(bytes: &[u8]) -> Option<String> {
    (!bytes.is_empty()).then(|| text_of(bytes))
}

fn pairs(status_pairs: &StatusPairs) -> Vec<StatusPair> {
    let pairs = status_pairs.sorted().into_iter();
    pairs
        .map(|((elb_status_code, target_status_code), requests)| StatusPair {
            elb_status_code,
            target_status_code,
            requests,
        })
        .collect()
}

fn load_balancers(summary: &Summary) -> Vec<LoadBalancerRow> {
    let mut totals = vec![(OutcomeCounts::default(), None); summary.load_balancers.len()];
    for (target_group, _, target) in summary.targets.iter() {
        let (load_balancer, ..) = summary.target_groups.entry(target_group);
        let (outcomes, seen) = &mut totals[load_balancer.index()];
        outcomes.merge(&target.outcomes);
        *seen = Span::union(*seen, target.seen);
    }
    let rows = summary.load_balancers.iter().zip(totals).map(|(((), name, _), (outcomes, seen))| LoadBalancerRow {
        load_balancer: text_of(name),
        requests: outcomes.iter().map(|(_, requests)| requests).sum(),
        failures: outcomes.failures(),
        first_seen: seen.map(|seen| seen.first),
        last_seen: seen.map(|seen| seen.last),
        outcomes: (&outcomes).into(),
    });
    let mut rows: Vec<_> = rows.collect();
    rows.sort_by(|one, other| one.load_balancer.cmp(&other.load_balancer));
    rows
}

fn target_groups(summary: &Summary, diagnosis: &Diagnosis) -> Vec<TargetGroupRow> {
    let mut totals = vec![(OutcomeCounts::default(), 0); summary.target_groups.len()];
    for (target_group, address, target) in summary.targets.iter() {
        let (outcomes, targets) = &mut totals[target_group.index()];
        outcomes.merge(&target.outcomes);
        *targets += u64::from(!address.is_empty());
    }
    let rows = summary.target_groups.ids().zip(summary.target_groups.iter().zip(totals));
    let rows = rows.map(|(id, ((load_balancer, arn, ()), (outcomes, targets)))| {
        let cause = diagnosis.of_target_group(summary, id);
        TargetGroupRow {
            cause: cause.map(|(cause, _)| cause.id),
            confidence: cause.map(|(_, confidence)| confidence),
            load_balancer: text_of(summary.load_balancers.entry(load_balancer).1),
            target_group: some_text_of(arn),
            requests: outcomes.iter().map(|(_, requests)| requests).sum(),
            failures: outcomes.failures(),
            targets,
            outcomes: (&outcomes).into(),
        }
    });
    let mut rows: Vec<_> = rows.collect();
    rows.sort_by(|one, other| {
        (&one.load_balancer, &one.target_group).cmp(&(&other.load_balancer, &other.target_group))
    });
    rows
}

fn targets(summary: &Summary, diagnosis: &Diagnosis, over_time: Vec<Vec<(usize, u64)>>) -> Vec<TargetRow> {
    let rows = summary.targets.ids().zip(summary.targets.iter().zip(over_time));
    let rows = rows.filter(|(_, ((_, address, _), _))| !address.is_empty());
    let rows = rows.map(|(id, ((target_group, address, target), failures_over_time))| {
        let scope = ScopeRow::of_target_group(summary, target_group, Some(address));
        let finding = diagnosis.on_target(id).first().copied();
        TargetRow { failures_over_time, ..TargetRow::new(scope, target, finding) }
    });
    let mut rows: Vec<_> = rows.collect();
    rows.sort_by(|one, other| {
        let by_numbers = (other.failures, other.requests).cmp(&(one.failures, one.requests));
        by_numbers.then_with(|| {
            let key = |row: &TargetRow| (row.load_balancer.clone(), row.target_group.clone(), row.target.clone());
            key(one).cmp(&key(other))
        })
    });
    rows
}

impl TargetRow {
    fn new(scope: ScopeRow, target: &Target, finding: Option<&Finding>) -> Self {
        Self {
            load_balancer: scope.load_balancer,
            target_group: scope.target_group,
            target: scope.target.unwrap_or_default(),
            requests: target.requests,
            failures: target.outcomes.failures(),
            first_seen: target.seen.map(|seen| seen.first),
            last_seen: target.seen.map(|seen| seen.last),
            latency: (&target.latency).into(),
            elapsed: (&target.elapsed).into(),
            status_pairs: pairs(&target.status_pairs),
            outcomes: (&target.outcomes).into(),
            dominant_failure: target
                .outcomes
                .iter()
                .filter(|(outcome, _)| outcome.is_failure())
                .max_by_key(|&(outcome, requests)| (requests, std::cmp::Reverse(outcome)))
                .map(|(outcome, _)| outcome),
            cause: finding.map(|finding| finding.cause.id),
            confidence: finding.map(|finding| finding.confidence),
            failures_over_time: Vec::new(),
        }
    }
}

fn routes(summary: &Summary) -> Vec<RouteRow> {
    let rows = summary.routes.sorted();
    let rows = rows.iter().map(|(route, counts)| {
        let scope = ScopeRow::of_target_group(summary, route.target_group, None);
        RouteRow {
            load_balancer: scope.load_balancer,
            target_group: scope.target_group,
            route: text_of(&route.template),
            requests: counts.requests(),
            failures: counts.outcomes.failures(),
            elapsed: (&counts.elapsed).into(),
        }
    });
    let mut rows: Vec<_> = rows.collect();
    rows.sort_by(|one, other| {
        let key = |row: &RouteRow| (row.load_balancer.clone(), row.target_group.clone(), row.route.clone());
        (other.failures, other.requests).cmp(&(one.failures, one.requests)).then_with(|| key(one).cmp(&key(other)))
    });
    rows
}

/// The callers of one kind over all targets and outcomes, most failures first, then by name.
fn callers(summary: &Summary, of: impl Fn(&Callers) -> &Frequent) -> Vec<CallerRow> {
    let mut totals: BTreeMap<&[u8], u64> = BTreeMap::new();
    for failures in summary.targets.iter().flat_map(|(_, _, target)| &target.failures) {
        for (name, requests) in of(&failures.callers).certain() {
            *totals.entry(name).or_default() += requests;
        }
    }
    let mut rows: Vec<_> =
        totals.into_iter().map(|(name, failures)| CallerRow { name: text_of(name), failures }).collect();
    rows.sort_by(|one, other| (other.failures, &one.name).cmp(&(one.failures, &other.name)));
    rows.truncate(MAX_CALLER_ROWS);
    rows
}

impl TimingRow {
    fn new(summary: &Summary) -> Self {
        let load_balancers = summary.load_balancers.iter().map(|((), name, load_balancer)| {
            let coarse: Timing = load_balancer.timing.coarsened(MAX_TIMING_BINS);
            let bins = coarse.sorted().into_iter().map(|(start, bin)| {
                let mut failed = bin.failed.clone();
                failed.sort_unstable();
                TimingBin {
                    start,
                    requests: bin.outcomes.iter().map(|(_, requests)| requests).sum(),
                    failures: bin.outcomes.failures(),
                    elapsed: bin.elapsed.iter().copied().enumerate().filter(|&(_, requests)| requests > 0).collect(),
                    failed,
                }
            });
            TimingOfLoadBalancer {
                load_balancer: text_of(name),
                time_bin_seconds: coarse.width_seconds(),
                bins: bins.collect(),
            }
        });
        let mut load_balancers: Vec<_> = load_balancers.collect();
        load_balancers.sort_by(|one, other| one.load_balancer.cmp(&other.load_balancer));
        Self { elapsed_bins: (0..ELAPSED_BINS).map(elapsed_bin_start).map(seconds_of).collect(), load_balancers }
    }
}

#[cfg(test)]
pub(crate) mod tests;
