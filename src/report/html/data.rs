//! The data that the page's script draws, as JSON: the report's numbers, with names instead of ids.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use serde::Serialize;

use super::super::chart::axis::{
    BELOW_AXIS, ElapsedAxis, ElapsedMark, MIN_DECADES, Tick, TimeAxis, TimeFormat, TimeStep, count_steps, lag_ticks,
};
use super::super::chart::{self, Look, TimeoutLine, against_idle_timeout, not_drawn};
use super::super::json::embedded;
use super::super::numbers::{self, duration};
use super::super::pictures::{MarkKind, Pictures, TimingPicture};
use super::super::plain::shortened;
use super::super::{CauseOverTime, FindingRow, Report, ScopeRow, phrases};
use super::limits::MAX_NAME_WIDTH;
use crate::aggregate::heatmap::MIN_WIDTH_SECONDS;
use crate::classify::Outcome;
use crate::diagnose::{LagCounts, seconds_of};
use crate::timestamp::Timestamp;

/// Bytes of JSON that the pictures of load balancers, target groups and targets may take, beside the picture of all
/// requests. Gzip compresses them to a seventh.
const MAX_TIMING_BYTES: usize = 140_000;

/// The gaps of at most this many findings are drawn. Findings of one target group have the same gaps.
pub(super) const MAX_LAGS: usize = 20;

/// Labels on the axis of gaps. Where there is less room, the script leaves some out.
const MAX_LAG_TICKS: usize = 12;

/// The page's data.
pub(super) struct EmbeddedData {
    /// JSON that can be embedded in an HTML element.
    pub(super) json: String,
    /// How many load balancers, target groups and targets have no picture: it was left out for its size, or the
    /// report has none.
    pub(super) left_out: usize,
}

/// The index of the picture of each scope.
pub(super) struct PictureIndex<'a>(BTreeMap<ScopeKey<'a>, usize>);

/// Load balancer, target group, target.
type ScopeKey<'a> = (Option<&'a str>, Option<&'a str>, Option<&'a str>);

impl PictureIndex<'_> {
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
struct PageData<'a> {
    time: PageTime,
    elapsed: PageElapsed<'a>,
    /// Steps for axes of counts.
    count_steps: Vec<u64>,
    /// The lines of all pictures.
    lines: Vec<PageLine>,
    timings: Vec<PageTiming<'a>>,
    causes: Vec<PageCause>,
    /// The outcomes of failures in `timings`.
    outcomes: Vec<PageOutcome>,
    lags: Vec<PageLags<'a>>,
}

/// The time axis that all pictures share.
#[derive(Serialize)]
struct PageTime {
    /// Start of the first time bin, in seconds since the epoch; `None` if there are no requests.
    start: Option<i64>,
    bin_seconds: i64,
    /// No report has narrower time bins than this.
    min_bin_seconds: i64,
    /// `4 min`
    bin_label: String,
    bins: usize,
    steps: Vec<TimeStep>,
    date: TimeFormat,
    clock: TimeFormat,
}

impl PageTime {
    fn new(pictures: &Pictures) -> Self {
        Self {
            start: pictures.start.map(Timestamp::as_seconds),
            bin_seconds: pictures.time_bin_seconds,
            min_bin_seconds: MIN_WIDTH_SECONDS,
            bin_label: numbers::minutes(pictures.time_bin_seconds),
            bins: pictures.time_bins,
            steps: TimeAxis::of(pictures).map(TimeAxis::steps).unwrap_or_default(),
            date: TimeFormat::DATE,
            clock: TimeFormat::CLOCK,
        }
    }
}

/// The axis of elapsed time that all pictures share; each shows a part of it.
#[derive(Serialize)]
struct PageElapsed<'a> {
    /// Lower edges of the bins, and the upper edge of the last one, in seconds.
    edges: &'a [f64],
    /// The same as texts.
    labels: Vec<String>,
    marks: Vec<ElapsedMark>,
    below_axis: f64,
    min_decades: usize,
}

impl<'a> PageElapsed<'a> {
    fn new(axis: &'a ElapsedAxis) -> Self {
        Self {
            edges: axis.edges(),
            labels: axis.edges().iter().map(|edge| numbers::rough_duration(*edge)).collect(),
            marks: axis.marks(),
            below_axis: BELOW_AXIS,
            min_decades: MIN_DECADES,
        }
    }
}

/// A timeout, as a picture names it.
#[derive(PartialEq, Serialize)]
struct PageLine {
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
struct PageTiming<'a> {
    label: String,
    /// Its group in the list of pictures to choose from.
    kind: &'static str,
    requests: u64,
    failures: u64,
    /// Indices into [`PageData::lines`], the shortest timeout first.
    lines: Vec<usize>,
    /// Indices of the first and the last elapsed-time bin to show; `None` if there is nothing to draw.
    elapsed: Option<(usize, usize)>,
    against: Vec<String>,
    density: &'a [(usize, usize, Vec<u64>)],
    /// (Index of the time bin, index of the elapsed-time bin, index into [`PageData::outcomes`], requests).
    failed: Vec<(usize, usize, usize, u64)>,
    failures_over_time: &'a [(usize, u64)],
}

#[derive(Serialize)]
struct PageOutcome {
    id: &'static str,
    title: &'static str,
    #[serde(flatten)]
    symbol: PageSymbol,
}

/// How a picture shows an outcome.
#[derive(Serialize)]
struct PageSymbol {
    /// As in CSS: `#d75f00`.
    colour: String,
    /// The corners of its shape, around its centre.
    corners: &'static [[f32; 2]],
    is_hollow: bool,
}

impl PageSymbol {
    fn of(outcome: Outcome) -> Self {
        let look = Look::of(outcome);
        Self { colour: look.colour().hex(), corners: look.corners, is_hollow: look.is_hollow }
    }
}

#[derive(Serialize)]
struct PageCause {
    #[serde(flatten)]
    over_time: CauseOverTime,
    /// The colour of the outcome of its largest finding; `None` for failures in no finding.
    colour: Option<String>,
}

#[derive(Serialize)]
struct PageLags<'a> {
    /// The finding's number, from 1.
    finding: usize,
    /// The colour of its failed requests.
    colour: String,
    keep_alive_seconds: Option<f64>,
    /// `keep-alive timeout 4.998 s`; empty if there is none.
    keep_alive_label: String,
    idle_timeout_seconds: f64,
    /// `idle timeout 60 s`
    idle_timeout_label: String,
    ticks: Vec<Tick>,
    /// The gaps at the edges of the bins.
    edge_labels: Vec<String>,
    #[serde(flatten)]
    lags: &'a LagCounts,
}

impl EmbeddedData {
    /// The data, and the index of each picture in it.
    ///
    /// # Errors
    /// No report causes one: all keys of the JSON are strings.
    pub(super) fn new(report: &Report) -> io::Result<(Self, PictureIndex<'_>)> {
        let pictures = &report.pictures;
        let has_one = report.load_balancers.len() == 1;
        let failed = pictures.timings.iter().flat_map(|timing| &timing.failed);
        let outcomes: BTreeSet<Outcome> = failed.map(|&(_, _, outcome, _)| outcome).collect();
        let outcomes: Vec<Outcome> = outcomes.into_iter().collect();
        let elapsed = ElapsedAxis::of(&pictures.elapsed_bins, 0..=pictures.elapsed_bins.len() - 1);
        let mut lines = Vec::new();
        let mut timings = Vec::new();
        let mut indices = BTreeMap::new();
        let mut bytes = 0;
        for timing in &pictures.timings {
            let drawn = PageTiming::new(timing, &mut lines, &outcomes, report);
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
        let drawn = PageData {
            time: PageTime::new(pictures),
            elapsed: PageElapsed::new(&elapsed),
            count_steps: count_steps(report.failures),
            lines,
            timings,
            causes: report.failures_by_cause().into_iter().map(|row| PageCause::new(row, report)).collect(),
            outcomes: outcomes.iter().copied().map(PageOutcome::new).collect(),
            lags: (1..)
                .zip(report.findings.iter().take(MAX_LAGS))
                .filter_map(|(number, row)| PageLags::new(number, row, report))
                .collect(),
        };
        Ok((Self { json: embedded(&drawn)?, left_out }, PictureIndex(indices)))
    }
}

fn key(timing: &TimingPicture) -> ScopeKey<'_> {
    (timing.load_balancer.as_deref(), timing.target_group.as_deref(), timing.target.as_deref())
}

impl PageLine {
    fn new(line: TimeoutLine) -> Self {
        Self {
            kind: line.kind,
            seconds: line.seconds,
            time: duration(line.seconds),
            label: line.label,
            source: line.source,
        }
    }
}

impl<'a> PageTiming<'a> {
    fn new(timing: &'a TimingPicture, lines: &mut Vec<PageLine>, outcomes: &[Outcome], report: &Report) -> Self {
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
            let line = PageLine::new(line);
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

impl PageOutcome {
    fn new(outcome: Outcome) -> Self {
        Self { id: outcome.id(), title: outcome.title(), symbol: PageSymbol::of(outcome) }
    }
}

impl PageCause {
    fn new(over_time: CauseOverTime, report: &Report) -> Self {
        // Findings are sorted by their failures, so this is the largest.
        let first = report.findings.iter().find(|row| Some(row.cause) == over_time.cause);
        Self { over_time, colour: first.map(|row| Look::of(row.outcome).colour().hex()) }
    }
}

impl<'a> PageLags<'a> {
    /// `None` if the finding has no gaps.
    fn new(finding: usize, row: &'a FindingRow, report: &Report) -> Option<Self> {
        let lags = row.lags.as_ref()?;
        let (keep_alive, idle_timeout) = (row.estimates.keep_alive_seconds, report.idle_timeout.seconds);
        let bins = &lags.near;
        let edges = (0_u32..).take(bins.failures.len() + 1).map(|bin| bins.start + bins.width * bin);
        Some(Self {
            finding,
            colour: Look::of(row.outcome).colour().hex(),
            keep_alive_seconds: keep_alive,
            keep_alive_label: keep_alive.map_or_else(String::new, |it| format!("keep-alive timeout {}", duration(it))),
            idle_timeout_seconds: idle_timeout,
            idle_timeout_label: format!("idle timeout {}", duration(idle_timeout)),
            ticks: lag_ticks(bins, MAX_LAG_TICKS),
            edge_labels: edges.map(|edge| duration(seconds_of(edge))).collect(),
            lags,
        })
    }
}

/// What a picture leaves out, and how its requests compare with the idle timeout; in sentences.
pub(super) fn against(timing: &TimingPicture, report: &Report) -> Vec<String> {
    let against = against_idle_timeout(&timing.idle_timeout, report.idle_timeout.seconds);
    not_drawn(timing).into_iter().chain([against]).collect()
}
