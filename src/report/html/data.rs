//! The data that the page's script draws, as JSON: the report's numbers, with names instead of ids.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use serde::Serialize;

use super::super::chart::{self, Line, Look, against_idle_timeout, duration, not_drawn};
use super::super::json::embedded;
use super::super::pictures::{MarkKind, Timing};
use super::super::plain::shortened;
use super::super::{CauseOverTime, FindingRow, Report, ScopeRow, phrases};
use super::MAX_NAME_WIDTH;
use crate::classify::Outcome;
use crate::diagnose::LagCounts;
use crate::timestamp::Timestamp;

/// Bytes of JSON that the pictures of load balancers, target groups and targets may take, beside the picture of all
/// requests. Gzip compresses them to a seventh.
const MAX_TIMING_BYTES: usize = 140_000;

/// The gaps of at most this many findings are drawn. Findings of one target group have the same gaps.
pub(super) const MAX_LAGS: usize = 20;

/// The page's data.
pub(super) struct Data {
    /// JSON that can be embedded in an HTML element.
    pub(super) json: String,
    /// How many load balancers, target groups and targets have no picture: it was left out for its size, or the
    /// report has none.
    pub(super) left_out: usize,
}

/// The index of the picture of each scope.
pub(super) struct Timings<'a>(BTreeMap<Key<'a>, usize>);

/// Load balancer, target group, target.
type Key<'a> = (Option<&'a str>, Option<&'a str>, Option<&'a str>);

impl Timings<'_> {
    /// Index of the picture of this target; `None` if the page has none.
    pub(super) fn of_target(&self, load_balancer: &str, target_group: Option<&str>, target: &str) -> Option<usize> {
        self.0.get(&(Some(load_balancer), target_group, Some(target))).copied()
    }

    /// Index of the picture of this scope, or else of the smallest scope that contains it.
    pub(super) fn of_scope(&self, scope: &ScopeRow) -> Option<usize> {
        let (balancer, group) = (Some(&*scope.load_balancer), scope.target_group.as_deref());
        let keys = [
            (balancer, group, scope.target.as_deref()),
            (balancer, group, None),
            (balancer, None, None),
            (None, None, None),
        ];
        keys.iter().find_map(|key| self.0.get(key)).copied()
    }
}

#[derive(Serialize)]
struct Drawn<'a> {
    /// Start of the first time bin, in seconds since the epoch; `None` if there are no requests.
    start: Option<i64>,
    time_bin_seconds: i64,
    time_bins: usize,
    elapsed_bins: &'a [f64],
    /// The lines of all pictures.
    lines: Vec<DrawnLine>,
    timings: Vec<DrawnTiming<'a>>,
    causes: Vec<DrawnCause>,
    /// The outcomes of failures in `timings`.
    outcomes: Vec<DrawnOutcome>,
    lags: Vec<DrawnLags<'a>>,
}

/// A timeout, as a picture names it.
#[derive(PartialEq, Serialize)]
struct DrawnLine {
    kind: MarkKind,
    seconds: f64,
    /// `60 s`, for pictures without room for more.
    time: String,
    /// `idle timeout 60 s`
    label: String,
    /// Where it is known from; empty if there is nothing to say.
    source: String,
}

#[derive(Serialize)]
struct DrawnTiming<'a> {
    label: String,
    /// Its group in the list of pictures to choose from.
    kind: &'static str,
    requests: u64,
    failures: u64,
    /// Indices into [`Drawn::lines`], the shortest timeout first.
    lines: Vec<usize>,
    /// Indices of the first and the last elapsed-time bin to show; `None` if there is nothing to draw.
    elapsed: Option<(usize, usize)>,
    against: Vec<String>,
    density: &'a [(usize, usize, Vec<u64>)],
    /// (Index of the time bin, index of the elapsed-time bin, index into [`Drawn::outcomes`], requests).
    failed: Vec<(usize, usize, usize, u64)>,
    failures_over_time: &'a [(usize, u64)],
}

#[derive(Serialize)]
struct DrawnOutcome {
    id: &'static str,
    title: &'static str,
    #[serde(flatten)]
    symbol: Symbol,
}

/// How a picture shows an outcome.
#[derive(Serialize)]
struct Symbol {
    /// As in CSS: `#d75f00`.
    colour: String,
    /// The corners of its shape, around its centre.
    corners: &'static [[f32; 2]],
    is_hollow: bool,
}

impl Symbol {
    fn of(outcome: Outcome) -> Self {
        let look = Look::of(outcome);
        Self { colour: look.colour().hex(), corners: look.corners, is_hollow: look.is_hollow }
    }
}

#[derive(Serialize)]
struct DrawnCause {
    #[serde(flatten)]
    over_time: CauseOverTime,
    /// The colour of the outcome of its largest finding; `None` for failures in no finding.
    colour: Option<String>,
}

#[derive(Serialize)]
struct DrawnLags<'a> {
    /// The finding's number, from 1.
    finding: usize,
    /// The colour of its failed requests.
    colour: String,
    keep_alive_seconds: Option<f64>,
    idle_timeout_seconds: f64,
    #[serde(flatten)]
    lags: &'a LagCounts,
}

impl Data {
    /// The data, and the index of each picture in it.
    ///
    /// # Errors
    /// No report causes one: all keys of the JSON are strings.
    pub(super) fn new(report: &Report) -> io::Result<(Self, Timings<'_>)> {
        let pictures = &report.pictures;
        let has_one = report.load_balancers.len() == 1;
        let failed = pictures.timings.iter().flat_map(|timing| &timing.failed);
        let outcomes: BTreeSet<Outcome> = failed.map(|&(_, _, outcome, _)| outcome).collect();
        let outcomes: Vec<Outcome> = outcomes.into_iter().collect();
        let mut lines = Vec::new();
        let mut timings = Vec::new();
        let mut indices = BTreeMap::new();
        let mut bytes = 0;
        for timing in &pictures.timings {
            let drawn = DrawnTiming::new(timing, &mut lines, &outcomes, report);
            if !timings.is_empty() {
                bytes += embedded(&drawn)?.len();
                if bytes > MAX_TIMING_BYTES {
                    continue;
                }
            }
            indices.insert(key(timing), timings.len());
            timings.push(drawn);
        }
        let named = report.target_groups.iter().filter(|group| group.target_group.is_some()).count();
        let all = 1 + named + report.targets.len() + if has_one { 0 } else { report.load_balancers.len() };
        let left_out = all.saturating_sub(timings.len());
        let drawn = Drawn {
            start: pictures.start.map(Timestamp::as_seconds),
            time_bin_seconds: pictures.time_bin_seconds,
            time_bins: pictures.time_bins,
            elapsed_bins: &pictures.elapsed_bins,
            lines,
            timings,
            causes: report.failures_by_cause().into_iter().map(|row| DrawnCause::new(row, report)).collect(),
            outcomes: outcomes.iter().copied().map(DrawnOutcome::new).collect(),
            lags: (1..)
                .zip(report.findings.iter().take(MAX_LAGS))
                .filter_map(|(number, row)| DrawnLags::new(number, row, report))
                .collect(),
        };
        Ok((Self { json: embedded(&drawn)?, left_out }, Timings(indices)))
    }
}

fn key(timing: &Timing) -> Key<'_> {
    (timing.load_balancer.as_deref(), timing.target_group.as_deref(), timing.target.as_deref())
}

impl DrawnLine {
    fn new(line: Line) -> Self {
        Self {
            kind: line.kind,
            seconds: line.seconds,
            time: duration(line.seconds),
            label: line.label,
            source: line.source,
        }
    }
}

impl<'a> DrawnTiming<'a> {
    fn new(timing: &'a Timing, lines: &mut Vec<DrawnLine>, outcomes: &[Outcome], report: &Report) -> Self {
        let has_one = report.load_balancers.len() == 1;
        let on = timing.load_balancer.as_deref().map(phrases::load_balancer_name);
        let group = timing.target_group.as_deref().map(phrases::target_group_name);
        let (kind, mut label) = match (&timing.target, group, on) {
            (Some(target), Some(group), _) => ("Targets", format!("{target} ({group})")),
            (Some(target), None, _) => ("Targets", target.clone()),
            (None, Some(group), _) => ("Target groups", group.to_owned()),
            (None, None, Some(on)) if !has_one => ("Load balancers", on.to_owned()),
            (None, None, _) => ("All", "all requests".to_owned()),
        };
        if let (Some(on), false, true) = (on, has_one, group.is_some() || timing.target.is_some()) {
            label = format!("{label} on {on}");
        }
        let indexed = |&(time, elapsed, outcome, requests): &(usize, usize, Outcome, u64)| {
            let index = outcomes.iter().position(|known| *known == outcome).expect("all outcomes were gathered");
            (time, elapsed, index, requests)
        };
        let of_timing = chart::lines(&report.pictures.marks, timing);
        let mut index_of_line = |line| {
            let line = DrawnLine::new(line);
            lines.iter().position(|known| *known == line).unwrap_or_else(|| {
                lines.push(line);
                lines.len() - 1
            })
        };
        Self {
            label: shortened(&label, MAX_NAME_WIDTH),
            kind,
            requests: timing.requests,
            failures: timing.failures,
            elapsed: chart::elapsed_range(&report.pictures.elapsed_bins, timing, &of_timing),
            lines: of_timing.into_iter().map(&mut index_of_line).collect(),
            against: against(timing, report),
            density: &timing.density,
            failed: timing.failed.iter().map(indexed).collect(),
            failures_over_time: &timing.failures_over_time,
        }
    }
}

impl DrawnOutcome {
    fn new(outcome: Outcome) -> Self {
        Self { id: outcome.id(), title: outcome.title(), symbol: Symbol::of(outcome) }
    }
}

impl DrawnCause {
    fn new(over_time: CauseOverTime, report: &Report) -> Self {
        // Findings are sorted by their failures, so this is the largest.
        let first = report.findings.iter().find(|row| Some(row.cause) == over_time.cause);
        Self { over_time, colour: first.map(|row| Look::of(row.outcome).colour().hex()) }
    }
}

impl<'a> DrawnLags<'a> {
    /// `None` if the finding has no gaps.
    fn new(finding: usize, row: &'a FindingRow, report: &Report) -> Option<Self> {
        Some(Self {
            finding,
            colour: Look::of(row.outcome).colour().hex(),
            keep_alive_seconds: row.estimates.keep_alive_seconds,
            idle_timeout_seconds: report.idle_timeout.seconds,
            lags: row.lags.as_ref()?,
        })
    }
}

/// What a picture leaves out, and how its requests compare with the idle timeout; in sentences.
pub(super) fn against(timing: &Timing, report: &Report) -> Vec<String> {
    let against = against_idle_timeout(&timing.idle_timeout, report.idle_timeout.seconds);
    not_drawn(timing).into_iter().chain([against]).collect()
}
