//! Charts before they are drawn: their axes, labels and counts. The terminal and the image file draw the same chart.

pub mod axis;
mod look;

use super::numbers::duration;
use super::pictures::{AgainstIdleTimeout, Mark, MarkKind, Pictures, Timing};
use super::plain::shortened;
use super::{FindingRow, Report, ScopeRow, numbers, phrases};
use crate::classify::Outcome;
use crate::diagnose::{IdleTimeoutOrigin, LagCounts};

pub use axis::{ElapsedAxis, Tick, TimeAxis};
pub use look::{Colour, Family, Look};

/// Timeouts that differ by at most this share are one line.
const ALIKE: f64 = 0.02;

/// At most this many lines in a chart: the load balancer's own timeouts, and those that most findings show.
const MAX_LINES: usize = 8;

/// An axis has at least this many elapsed-time bins. They span more than a factor of 100, so that at least two powers
/// of ten are labelled.
const MIN_ELAPSED_BINS: usize = 28;

/// An axis has this many bins below its lowest line.
const BELOW_LINES: usize = 2;

/// Names of targets and the like are cut to this many columns.
const MAX_NAME: usize = 60;

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
        self.0
            .iter()
            .map(|&(outcome, failures)| (Look::of(outcome), format!("{} {}", outcome.id(), numbers::count(failures))))
    }
}

/// A timeout to compare elapsed times with, drawn as a line.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// The kind of timeout.
    pub kind: MarkKind,
    /// The timeout, in seconds.
    pub seconds: f64,
    /// The label: `idle timeout 60 s`.
    pub label: String,
    /// Where it is known from: `inferred`, `finding 2`, `6 findings`. Empty if there is nothing to say.
    pub source: String,
}

/// Failed requests of one outcome in one cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failed {
    /// Index of the time bin.
    pub time: usize,
    /// Index of the elapsed-time bin on the chart's axis.
    pub elapsed: usize,
    /// Their outcome.
    pub outcome: Outcome,
    /// How many requests.
    pub requests: u64,
}

/// The heatmap of one scope, laid out.
#[derive(Clone, Debug)]
pub struct TimingChart {
    /// Name of the scope: `shop-prod`, `10.0.10.36:3000`. Safe to show, see
    /// [`sanitize_terminal`](super::plain::sanitize_terminal).
    pub subject: String,
    /// Requests seen.
    pub requests: u64,
    /// How many of them failed.
    pub failures: u64,
    /// How many of them are not drawn: WebSocket connections, and requests of unknown elapsed time.
    pub not_drawn: u64,
    /// The horizontal axis.
    pub time: TimeAxis,
    /// The vertical axis.
    pub elapsed: ElapsedAxis,
    /// Requests by time bin and then by elapsed-time bin.
    density: Vec<u64>,
    /// Failed requests, in the order of their time bins.
    pub failed: Vec<Failed>,
    /// All failed requests, by time bin.
    pub failures_over_time: Vec<u64>,
    /// Timeouts, the shortest first.
    pub lines: Vec<Line>,
}

impl TimingChart {
    /// Lays out the timing of one scope. `None` if there is nothing to draw: no request has a known elapsed time.
    #[must_use]
    pub fn new(pictures: &Pictures, timing: &Timing) -> Option<Self> {
        let time = TimeAxis::of(pictures)?;
        let lines = lines(&pictures.marks, timing);
        let (first, last) = elapsed_range(&pictures.elapsed_bins, timing, &lines)?;
        let elapsed = ElapsedAxis::of(&pictures.elapsed_bins, first..=last);
        let mut density = vec![0; time.bins * elapsed.bins()];
        for (bin, from, requests) in &timing.density {
            let column = &mut density[bin * elapsed.bins()..][..elapsed.bins()];
            column[from - first..][..requests.len()].copy_from_slice(requests);
        }
        let failed = timing.failed.iter().map(|&(time, bin, outcome, requests)| Failed {
            time,
            elapsed: bin - first,
            outcome,
            requests,
        });
        let mut failures_over_time = vec![0; time.bins];
        for &(bin, failures) in &timing.failures_over_time {
            failures_over_time[bin] = failures;
        }
        Some(Self {
            subject: subject(timing),
            requests: timing.requests,
            failures: timing.failures,
            not_drawn: timing.requests.saturating_sub(timing.idle_timeout.measured),
            time,
            elapsed,
            density,
            failed: failed.collect(),
            failures_over_time,
            lines,
        })
    }

    /// Requests in one cell.
    #[must_use]
    pub fn requests_in(&self, time: usize, elapsed: usize) -> u64 {
        self.density[time * self.elapsed.bins() + elapsed]
    }
}

/// Indices of the first and the last elapsed-time bin that a picture needs. `elapsed_bins` has the lower edges of all
/// bins. `None` if no request has a known elapsed time.
pub(super) fn elapsed_range(elapsed_bins: &[f64], timing: &Timing, lines: &[Line]) -> Option<(usize, usize)> {
    let of_axis = |seconds: f64| elapsed_bins.partition_point(|edge| *edge <= seconds).saturating_sub(1);
    let first = timing.density.iter().map(|(_, first, _)| *first).min()?;
    let last = timing.density.iter().map(|(_, first, requests)| first + requests.len() - 1).max()?;
    // All lines are on the axis. So one sees how far requests are from the timeouts even if all are quicker, or all
    // slower.
    let last = lines.iter().map(|line| of_axis(line.seconds)).fold(last, usize::max);
    let first = lines.iter().map(|line| of_axis(line.seconds).saturating_sub(BELOW_LINES)).fold(first, usize::min);
    let first = first.min((last + 1).saturating_sub(MIN_ELAPSED_BINS));
    Some((first, last.max((first + MIN_ELAPSED_BINS).min(elapsed_bins.len()) - 1)))
}

fn subject(timing: &Timing) -> String {
    let name = match (&timing.load_balancer, &timing.target_group, &timing.target) {
        (_, _, Some(target)) => target,
        (_, Some(group), _) => phrases::target_group_name(group),
        (Some(load_balancer), ..) => phrases::load_balancer_name(load_balancer),
        (None, ..) => "all load balancers",
    };
    shortened(name, MAX_NAME)
}

/// The timeouts that concern a scope: the load balancer's own, and those found at the scope, at a part of it, or at
/// what it is a part of. Marks of one kind that are alike become one line.
pub(super) fn lines(marks: &[Mark], timing: &Timing) -> Vec<Line> {
    let mut lines: Vec<(MarkKind, f64, Option<IdleTimeoutOrigin>, Vec<usize>)> = Vec::new();
    for mark in marks.iter().filter(|mark| mark.scope.as_ref().is_none_or(|scope| concerns(scope, timing))) {
        let is_alike =
            |seconds: f64| (seconds - mark.seconds).abs() <= ALIKE * seconds.max(mark.seconds).max(f64::MIN_POSITIVE);
        match lines.iter_mut().find(|(kind, seconds, ..)| *kind == mark.kind && is_alike(*seconds)) {
            Some((.., findings)) => findings.extend(mark.finding),
            None => lines.push((mark.kind, mark.seconds, mark.origin, mark.finding.into_iter().collect())),
        }
    }
    lines.sort_by_key(|(.., findings)| (!findings.is_empty(), std::cmp::Reverse(findings.len())));
    lines.truncate(MAX_LINES);
    lines.sort_by(|one, other| one.1.total_cmp(&other.1));
    let lines = lines.into_iter().map(|(kind, seconds, origin, findings)| Line {
        kind,
        seconds,
        label: format!("{} {}", kind.title(), duration(seconds)),
        source: origin.map_or_else(|| findings_named(&findings), |origin| origin_named(origin).to_owned()),
    });
    lines.collect()
}

impl MarkKind {
    /// The name for people.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::IdleTimeout => "idle timeout",
            Self::ConnectTimeout => "connect timeout",
            Self::Timeout => "timeout",
            Self::KeepAlive => "keep-alive",
        }
    }
}

fn origin_named(origin: IdleTimeoutOrigin) -> &'static str {
    match origin {
        IdleTimeoutOrigin::Given => "given",
        IdleTimeoutOrigin::Inferred => "inferred",
        IdleTimeoutOrigin::Default => "default",
    }
}

/// Names findings by their indices: `finding 2`, `findings 2 and 5`, `6 findings`; empty if there are none. Indices
/// begin at 0, the numbers for people at 1.
#[must_use]
pub fn findings_named(findings: &[usize]) -> String {
    match findings {
        [] => String::new(),
        [one] => format!("finding {}", one + 1),
        [one, other] => format!("findings {} and {}", one + 1, other + 1),
        _ => format!("{} findings", findings.len()),
    }
}

fn concerns(scope: &ScopeRow, timing: &Timing) -> bool {
    let agrees = |one: Option<&String>, other: Option<&String>| one.is_none() || other.is_none() || one == other;
    agrees(Some(&scope.load_balancer), timing.load_balancer.as_ref())
        && agrees(scope.target_group.as_ref(), timing.target_group.as_ref())
        && agrees(scope.target.as_ref(), timing.target.as_ref())
}

/// What a picture leaves out, in words: `Not drawn: 20 WebSocket connections, 3 requests of unknown elapsed time.`
/// `None` if it leaves nothing out.
#[must_use]
pub fn not_drawn(timing: &Timing) -> Option<String> {
    let unknown = timing.requests.saturating_sub(timing.idle_timeout.measured).saturating_sub(timing.web_sockets);
    let web_sockets = (timing.web_sockets > 0).then(|| numbers::counted(timing.web_sockets, "WebSocket connection"));
    let unknown = (unknown > 0).then(|| format!("{} of unknown elapsed time", numbers::counted(unknown, "request")));
    let left_out: Vec<String> = web_sockets.into_iter().chain(unknown).collect();
    (!left_out.is_empty()).then(|| format!("Not drawn: {}.", left_out.join(", ")))
}

/// How requests compare with the idle timeout (in seconds), in words.
#[must_use]
pub fn against_idle_timeout(against: &AgainstIdleTimeout, idle_timeout: f64) -> String {
    let AgainstIdleTimeout { measured, near, met, what_if } = against;
    if *measured == 0 {
        return "No elapsed time is known.".to_owned();
    }
    let idle = duration(idle_timeout);
    let (requests, share) = (numbers::counted(*met, "request"), numbers::percent(*near, *measured));
    let met = match (met, near) {
        (0, 0) => format!("No request reached the idle timeout of {idle} or took 80 to 100 % of it."),
        (_, 0) => format!("{requests} reached the idle timeout of {idle}; no other took 80 to 100 % of it."),
        (_, near) => {
            format!(
                "{requests} reached the idle timeout of {idle}; {} more ({share}) took 80 to 100 % of it.",
                numbers::count(*near)
            )
        }
    };
    let Some(shortest) = what_if.first() else { return met };
    if shortest.cut_off == 0 {
        let shortest = duration(shortest.seconds as f64);
        return format!("{met} An idle timeout of {shortest} would have cut off no answer.");
    }
    let each = what_if.iter().rev().filter(|row| row.cut_off > 0);
    let each: Vec<String> =
        each.map(|row| format!("{} at {}", numbers::count(row.cut_off), duration(row.seconds as f64))).collect();
    format!(
        "{met} Answers that a shorter idle timeout would have cut off: {} (times are accurate to 0.8 %).",
        each.join(", ")
    )
}

/// The chart of the gaps of a keep-alive race, laid out.
#[derive(Clone, Debug)]
pub struct LagChart<'a> {
    /// Index of the finding.
    pub finding: usize,
    /// Name of the target group that it was found at. Safe to show, see
    /// [`sanitize_terminal`](super::plain::sanitize_terminal).
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

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::timestamp::Timestamp;

    /// A chart of two minutes with `seconds` elapsed-time bins of one second, and a request in each cell of the first
    /// minute.
    pub(in super::super) fn chart_of_seconds(seconds: u32, lines: Vec<Line>) -> TimingChart {
        let bins = seconds as usize;
        let density = (0..2 * bins).map(|cell| u64::from(cell < bins)).collect();
        TimingChart {
            subject: "shop".to_owned(),
            requests: seconds.into(),
            failures: 0,
            not_drawn: 0,
            time: TimeAxis { start: Timestamp::from_seconds(0), bin_seconds: 60, bins: 2 },
            elapsed: ElapsedAxis::new((0..=seconds).map(f64::from).collect()),
            density,
            failed: Vec::new(),
            failures_over_time: vec![0; 2],
            lines,
        }
    }

    fn scope(target_group: Option<&str>, target: Option<&str>) -> ScopeRow {
        ScopeRow {
            load_balancer: "app/shop/1".to_owned(),
            target_group: target_group.map(str::to_owned),
            target: target.map(str::to_owned),
        }
    }

    fn timing(scope: ScopeRow) -> Timing {
        Timing {
            load_balancer: Some(scope.load_balancer),
            target_group: scope.target_group,
            target: scope.target,
            requests: 1,
            failures: 0,
            web_sockets: 0,
            density: vec![(0, 3, vec![1])],
            failed: Vec::new(),
            failures_over_time: Vec::new(),
            idle_timeout: AgainstIdleTimeout::default(),
        }
    }

    #[test]
    fn a_chart_has_the_lines_that_concern_it_and_merges_those_that_are_alike() {
        let own = |kind, seconds, origin| Mark { kind, seconds, origin, scope: None, finding: None };
        let found = |kind, seconds, finding, target: &str| Mark {
            scope: Some(scope(Some("api"), Some(target))),
            finding: Some(finding),
            ..own(kind, seconds, None)
        };
        let marks = [
            own(MarkKind::IdleTimeout, 60.0, Some(IdleTimeoutOrigin::Given)),
            own(MarkKind::ConnectTimeout, 10.0, None),
            found(MarkKind::Timeout, 30.0, 0, "10.0.0.1:80"),
            found(MarkKind::Timeout, 30.1, 1, "10.0.0.2:80"),
            found(MarkKind::KeepAlive, 4.998, 2, "10.0.0.1:80"),
        ];
        let of = |scope| -> Vec<(String, String)> {
            lines(&marks, &timing(scope)).into_iter().map(|line| (line.label, line.source)).collect()
        };
        let line = |label: &str, source: &str| (label.to_owned(), source.to_owned());
        let own = [line("connect timeout 10 s", ""), line("idle timeout 60 s", "given")];
        assert_eq!(
            of(scope(None, None)),
            [
                line("keep-alive 4.998 s", "finding 3"),
                own[0].clone(),
                line("timeout 30 s", "findings 1 and 2"),
                own[1].clone()
            ]
        );
        assert_eq!(
            of(scope(Some("api"), Some("10.0.0.2:80"))),
            [own[0].clone(), line("timeout 30.1 s", "finding 2"), own[1].clone()]
        );
        assert_eq!(of(scope(Some("web"), None)), own);
        let many = (0..20).map(|number| found(MarkKind::Timeout, f64::from(1_u32 << number), 5, "10.0.0.3:80"));
        let many: Vec<Mark> = many.chain(marks.clone()).collect();
        let drawn: Vec<f64> = lines(&many, &timing(scope(None, None))).iter().map(|line| line.seconds).collect();
        assert_eq!(drawn, [1.0, 2.0, 4.0, 8.0, 10.0, 16.0, 30.0, 60.0]);
        assert_eq!(findings_named(&[0, 1, 4]), "3 findings");
    }

    /// Pictures with lines and with elapsed-time bins from a millisecond on, `to_a_doubling` of them to a power of
    /// two.
    fn pictures(lines: &[(MarkKind, f64)], bins: i32, to_a_doubling: i32) -> Pictures {
        let edge = |bin: i32| 0.001 * 2_f64.powf(f64::from(bin) / f64::from(to_a_doubling));
        let mark =
            |&(kind, seconds): &(MarkKind, f64)| Mark { kind, seconds, origin: None, scope: None, finding: None };
        Pictures {
            start: Some(Timestamp::from_seconds(0)),
            time_bin_seconds: 60,
            time_bins: 2,
            elapsed_bins: (0..bins).map(edge).collect(),
            marks: lines.iter().map(mark).collect(),
            timings: Vec::new(),
            unexplained: Vec::new(),
        }
    }

    #[test]
    fn a_chart_reaches_from_its_shortest_request_to_its_longest_line() {
        let pictures = pictures(&[(MarkKind::IdleTimeout, 60.0)], 80, 4);
        let of = |first| {
            let timing = Timing { density: vec![(0, first, vec![1])], ..timing(scope(None, None)) };
            TimingChart::new(&pictures, &timing).expect("a chart")
        };
        let chart = of(12);
        let ends = (chart.elapsed.edges()[0], chart.elapsed.edges()[chart.elapsed.bins()]);
        assert!((ends.0 - 0.008).abs() < 1e-9 && (ends.1 - 65.536).abs() < 1e-9, "{ends:?}");
        assert_eq!((chart.requests_in(0, 0), chart.requests_in(1, 0)), (1, 0));
        assert_eq!(chart.subject, "shop");
        let nothing = Timing { density: Vec::new(), ..timing(scope(None, None)) };
        assert!(TimingChart::new(&pictures, &nothing).is_none());
    }

    #[test]
    fn a_chart_of_only_slow_requests_has_all_lines_inside_and_a_labelled_axis() {
        let lines = [(MarkKind::IdleTimeout, 60.0), (MarkKind::ConnectTimeout, 10.0)];
        let pictures = pictures(&lines, 92, 4);
        // The bin of one minute, the last bin, and the first.
        for first in [63, 91, 0] {
            let timing = Timing { density: vec![(1, first, vec![1])], ..timing(scope(None, None)) };
            let chart = TimingChart::new(&pictures, &timing).expect("a chart");
            let bins = chart.elapsed.bins();
            assert!(bins >= MIN_ELAPSED_BINS, "{bins} bins");
            assert!(chart.elapsed.ticks().len() >= 2, "{:?}", chart.elapsed.ticks());
            for line in &chart.lines {
                let at = chart.elapsed.position(line.seconds);
                assert!((2.0..bins as f64).contains(&at), "{} at {at} of {bins}", line.label);
            }
            assert_eq!((0..bins).map(|elapsed| chart.requests_in(1, elapsed)).sum::<u64>(), 1);
        }
        let small = Pictures { elapsed_bins: vec![0.001, 1.0, 20.0], ..pictures };
        let timing = timing(scope(None, None));
        let timing = Timing { density: vec![(0, 2, vec![1])], ..timing };
        let chart = TimingChart::new(&small, &timing).expect("a chart");
        assert_eq!(chart.elapsed.bins(), 3);
    }

    #[test]
    fn requests_that_are_not_drawn_are_counted_in_words() {
        let of = |requests, measured, web_sockets| {
            let idle_timeout = AgainstIdleTimeout { measured, ..AgainstIdleTimeout::default() };
            not_drawn(&Timing { requests, web_sockets, idle_timeout, ..timing(scope(None, None)) })
        };
        assert_eq!(of(9, 9, 0), None);
        assert_eq!(of(30, 9, 21).as_deref(), Some("Not drawn: 21 WebSocket connections."));
        assert_eq!(of(10, 9, 0).as_deref(), Some("Not drawn: 1 request of unknown elapsed time."));
        let both = "Not drawn: 1 WebSocket connection, 20 requests of unknown elapsed time.";
        assert_eq!(of(30, 9, 1).as_deref(), Some(both));
    }

    #[test]
    fn requests_near_the_idle_timeout_are_counted_in_words() {
        let what_if =
            [15, 45].map(|seconds| super::super::pictures::WhatIf { seconds, cut_off: 60 / seconds }).to_vec();
        let against = AgainstIdleTimeout { measured: 2_000, near: 2, met: 1, what_if };
        assert_eq!(
            against_idle_timeout(&against, 60.0),
            "1 request reached the idle timeout of 60 s; 2 more (0.10 %) took 80 to 100 % of it. \
             Answers that a shorter idle timeout would have cut off: 1 at 45 s, 4 at 15 s (times are accurate to 0.8 %)."
        );
        let alone = against_idle_timeout(&AgainstIdleTimeout { near: 0, ..against.clone() }, 60.0);
        let start = "1 request reached the idle timeout of 60 s; no other took 80 to 100 % of it. ";
        assert!(alone.starts_with(start), "{alone}");
        let mut quick = AgainstIdleTimeout { near: 0, met: 0, ..against };
        quick.what_if.iter_mut().for_each(|row| row.cut_off = 0);
        let none = "No request reached the idle timeout of 60 s or took 80 to 100 % of it.";
        let said = format!("{none} An idle timeout of 15 s would have cut off no answer.");
        assert_eq!(against_idle_timeout(&quick, 60.0), said);
        quick.what_if.clear();
        assert_eq!(against_idle_timeout(&quick, 60.0), none);
        assert_eq!(against_idle_timeout(&AgainstIdleTimeout::default(), 60.0), "No elapsed time is known.");
    }
}
