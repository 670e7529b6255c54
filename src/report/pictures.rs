//! Data for the pictures: requests over time and elapsed time, timeouts to compare them with, failures over time by
//! cause.
//!
//! All pictures share one grid. It has at most [`MAX_TIME_BINS`] time bins, which are wider for a longer window, and
//! four elapsed-time bins to a power of two. So pictures do not grow with the length of the logs.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::{ScopeRow, some_text_of, text_of};
use crate::aggregate::heatmap::{self, ELAPSED_BINS, MIN_WIDTH_SECONDS, UNKNOWN_ELAPSED};
use crate::aggregate::{LoadBalancerId, Quantiles, Summary, Target, TargetGroupId};
use crate::classify::{CONNECT_TIMEOUT, Outcome};
use crate::diagnose::{Diagnosis, Finding, IdleTimeoutOrigin, Scope, scope_of, seconds_of};
use crate::timestamp::Timestamp;

/// At most this many time bins.
pub const MAX_TIME_BINS: usize = 128;

/// At most this many pictures each of load balancers, of target groups and of targets: those with most failures.
pub const MAX_TIMINGS: usize = 32;

/// Shorter idle timeouts to consider, in seconds.
const SHORTER_IDLE_TIMEOUTS: [u64; 12] = [1, 2, 5, 10, 15, 20, 30, 45, 60, 120, 300, 600];

/// At most this many of those below the present idle timeout are considered: the longest.
const MAX_WHAT_IF: usize = 4;

/// A request that took at least this share of the idle timeout is near it.
const NEAR: f64 = 0.8;

/// The numbers that the pictures draw. Bins are given by their index.
#[derive(Clone, Debug, Serialize)]
pub struct Pictures {
    /// Start of the first time bin; `None` if there are no requests.
    pub start: Option<Timestamp>,
    /// Width of a time bin: 60, 120, 240, … seconds.
    pub time_bin_seconds: i64,
    /// How many time bins there are, up to the end of the window; 0 if there are no requests.
    pub time_bins: usize,
    /// Lower edges of the elapsed-time bins, in seconds. The first bin also has shorter times, the last also longer
    /// ones.
    pub elapsed_bins: Vec<f64>,
    /// Timeouts to compare elapsed times with.
    pub marks: Vec<Mark>,
    /// First one of all requests. Then one per load balancer if there are several, one per target group, and one per
    /// target: of each kind at most [`MAX_TIMINGS`], those with most failures first.
    pub timings: Vec<Timing>,
    /// Failures in no finding: (index of the time bin, failures). Only bins with failures.
    pub unexplained: Vec<(usize, u64)>,
}

/// The kind of timeout that a mark shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MarkKind {
    /// The load balancer's idle timeout.
    IdleTimeout,
    /// The load balancer's connect timeout to its targets.
    ConnectTimeout,
    /// A timeout of a target, proxy or client at which requests were cut off.
    Timeout,
    /// How long targets keep an idle connection open.
    KeepAlive,
}

/// A timeout, drawn as a line.
#[derive(Clone, Debug, Serialize)]
pub struct Mark {
    /// The kind of timeout.
    pub kind: MarkKind,
    /// The timeout, in seconds.
    pub seconds: f64,
    /// Where the idle timeout is known from; `None` for the other kinds.
    pub origin: Option<IdleTimeoutOrigin>,
    /// What it was found at; `None` for the load balancer's own timeouts.
    pub scope: Option<ScopeRow>,
    /// Index of the finding that it comes from; `None` for the load balancer's own timeouts.
    pub finding: Option<usize>,
}

/// Requests over time and elapsed time.
#[derive(Clone, Debug, Serialize)]
pub struct Timing {
    /// Resource id; `None` for the requests of all load balancers.
    pub load_balancer: Option<String>,
    /// ARN; `None` for a whole load balancer, and for requests that no rule forwarded.
    pub target_group: Option<String>,
    /// `address:port`; `None` for more than one.
    pub target: Option<String>,
    /// Requests seen.
    pub requests: u64,
    /// How many of them failed.
    pub failures: u64,
    /// How many of them are WebSocket connections. Their elapsed time is the life of the connection, so they are in
    /// neither `density` nor `failed`.
    pub web_sockets: u64,
    /// Requests with a known elapsed time: (index of the time bin, index of the first elapsed-time bin, requests in
    /// that bin and in each of the following ones).
    pub density: Vec<(usize, usize, Vec<u64>)>,
    /// Failed requests with a known elapsed time: (index of the time bin, index of the elapsed-time bin, outcome,
    /// requests).
    pub failed: Vec<(usize, usize, Outcome, u64)>,
    /// All failed requests: (index of the time bin, requests).
    pub failures_over_time: Vec<(usize, u64)>,
    /// How the requests compare with the idle timeout.
    pub idle_timeout: AgainstIdleTimeout,
}

/// Requests compared with the idle timeout. Each limit may be off by less than 0.8 %.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AgainstIdleTimeout {
    /// Requests whose elapsed time is known, except WebSocket connections.
    pub measured: u64,
    /// How many of them took 80 to 100 % of the idle timeout without reaching it.
    pub near: u64,
    /// Requests that reached the idle timeout: the load balancer answered them with 504.
    pub met: u64,
    /// What shorter idle timeouts would have cut off, the shortest first.
    pub what_if: Vec<WhatIf>,
}

/// A shorter idle timeout, and what it would have cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct WhatIf {
    /// That idle timeout, in seconds.
    pub seconds: u64,
    /// Requests that the target began to answer only after that time.
    pub cut_off: u64,
}

/// The time bins that all pictures share.
#[derive(Clone, Copy, Debug)]
struct Grid {
    /// Start of the first bin, in seconds since the epoch.
    start: i64,
    width: i64,
    bins: usize,
}

impl Grid {
    /// The narrowest bins that the window and the heatmaps of the targets allow; `None` if there are no requests.
    fn new(summary: &Summary) -> Option<Self> {
        let window = summary.window?;
        let (first, last) = (window.first.as_seconds(), window.last.as_seconds());
        let widest = summary.targets.iter().map(|(_, _, target)| target.heatmap.width_seconds()).max();
        let mut width = widest.unwrap_or(MIN_WIDTH_SECONDS);
        let bins = |width: i64| usize::try_from(last.div_euclid(width) - first.div_euclid(width) + 1).unwrap_or(1);
        while bins(width) > MAX_TIME_BINS {
            width *= 2;
        }
        Some(Self { start: first.div_euclid(width) * width, width, bins: bins(width) })
    }

    fn bin(self, time: Timestamp) -> usize {
        let bin = usize::try_from((time.as_seconds() - self.start).div_euclid(self.width)).unwrap_or(0);
        bin.min(self.bins - 1)
    }
}

/// Failures by time bin.
type OverTime = BTreeMap<usize, u64>;

fn add(counts: &mut OverTime, bin: usize, failures: u64) {
    *counts.entry(bin).or_default() += failures;
}

/// The counts for one picture.
#[derive(Default)]
struct Gathered {
    requests: u64,
    failures: u64,
    web_sockets: u64,
    density: BTreeMap<usize, [u64; ELAPSED_BINS]>,
    failed: BTreeMap<(usize, usize, Outcome), u64>,
    failures_over_time: OverTime,
    elapsed: Quantiles,
    latency: Quantiles,
    /// Elapsed time of the requests that reached the idle timeout.
    met: Quantiles,
    idle_timeouts: u64,
}

impl Gathered {
    fn add(&mut self, target: &Target, grid: Grid) {
        self.requests += target.requests;
        self.failures += target.outcomes.failures();
        self.web_sockets += target.web_sockets;
        self.idle_timeouts += target.outcomes.of(Outcome::IdleTimeout);
        for failures in target.failures.iter().filter(|failures| failures.outcome == Outcome::IdleTimeout) {
            self.met.merge(&failures.elapsed);
        }
        self.elapsed.merge(&target.elapsed);
        self.latency.merge(&target.latency);
        for (start, row) in target.heatmap.rows() {
            let time = grid.bin(start);
            if row.elapsed.iter().any(|requests| *requests > 0) {
                let counts = self.density.entry(time).or_insert([0; ELAPSED_BINS]);
                for (mine, theirs) in counts.iter_mut().zip(row.elapsed) {
                    *mine += u64::from(theirs);
                }
            }
            for &(outcome, elapsed, requests) in &row.failed {
                add(&mut self.failures_over_time, time, requests.into());
                if elapsed != UNKNOWN_ELAPSED {
                    *self.failed.entry((time, elapsed.into(), outcome)).or_default() += u64::from(requests);
                }
            }
        }
    }

    fn timing(self, scope: ScopeRow, idle_timeout: Duration) -> Timing {
        let against = self.against(idle_timeout);
        let density = self.density.into_iter().filter_map(|(time, counts)| {
            let first = counts.iter().position(|requests| *requests > 0)?;
            let last = counts.iter().rposition(|requests| *requests > 0)?;
            Some((time, first, counts[first..=last].to_vec()))
        });
        Timing {
            load_balancer: (!scope.load_balancer.is_empty()).then_some(scope.load_balancer),
            target_group: scope.target_group,
            target: scope.target,
            requests: self.requests,
            failures: self.failures,
            web_sockets: self.web_sockets,
            density: density.collect(),
            failed: self
                .failed
                .into_iter()
                .map(|((time, elapsed, outcome), requests)| (time, elapsed, outcome, requests))
                .collect(),
            failures_over_time: self.failures_over_time.into_iter().collect(),
            idle_timeout: against,
        }
    }

    fn against(&self, idle_timeout: Duration) -> AgainstIdleTimeout {
        let shorter = SHORTER_IDLE_TIMEOUTS.iter().filter(|&&seconds| Duration::from_secs(seconds) < idle_timeout);
        let mut shorter: Vec<u64> = shorter.rev().take(MAX_WHAT_IF).copied().collect();
        shorter.reverse();
        let cut_off = |seconds| self.latency.count_between(Duration::from_millis(seconds * 1_000 + 1), Duration::MAX);
        let near = |elapsed: &Quantiles| elapsed.count_between(idle_timeout.mul_f64(NEAR), idle_timeout);
        AgainstIdleTimeout {
            measured: self.elapsed.count(),
            // A request that reached the idle timeout may have ended so shortly after it that it is in the same bin
            // as the timeout and counts as near.
            near: near(&self.elapsed).saturating_sub(near(&self.met)),
            met: self.idle_timeouts,
            what_if: shorter.into_iter().map(|seconds| WhatIf { seconds, cut_off: cut_off(seconds) }).collect(),
        }
    }
}

/// The data for the pictures, and the failures over time of each finding and of each target, by their indices.
pub(super) struct Drawn {
    pub(super) pictures: Pictures,
    pub(super) of_findings: Vec<Vec<(usize, u64)>>,
    pub(super) of_targets: Vec<Vec<(usize, u64)>>,
}

impl Drawn {
    pub(super) fn new(summary: &Summary, diagnosis: &Diagnosis) -> Self {
        let grid = Grid::new(summary);
        let mut pictures = Pictures {
            start: grid.map(|grid| Timestamp::from_seconds(grid.start)),
            time_bin_seconds: grid.map_or(MIN_WIDTH_SECONDS, |grid| grid.width),
            time_bins: grid.map_or(0, |grid| grid.bins),
            elapsed_bins: (0..ELAPSED_BINS).map(heatmap::bin_start).map(seconds_of).collect(),
            marks: marks(summary, diagnosis),
            timings: Vec::new(),
            unexplained: Vec::new(),
        };
        let Some(grid) = grid else {
            return Self { pictures, of_findings: vec![Vec::new(); diagnosis.findings.len()], of_targets: Vec::new() };
        };
        pictures.timings = timings(summary, diagnosis.idle_timeout.duration, grid);
        let mut failures = Failures::new(summary, grid);
        let of_findings: Vec<OverTime> =
            diagnosis.findings.iter().map(|finding| failures.take_explained(finding)).collect();
        let of_findings = diagnosis.findings.iter().zip(of_findings);
        let of_findings: Vec<OverTime> =
            of_findings.map(|(finding, over_time)| failures.take_the_rest(finding, over_time)).collect();
        pictures.unexplained = failures.left.into_values().fold(OverTime::new(), merged).into_iter().collect();
        let of_target = |target: &Target| {
            let mut over_time = OverTime::new();
            for (start, row) in target.heatmap.rows() {
                let failed = row.failed.iter().map(|(.., requests)| u64::from(*requests)).sum();
                if failed > 0 {
                    add(&mut over_time, grid.bin(start), failed);
                }
            }
            over_time.into_iter().collect()
        };
        Self {
            pictures,
            of_findings: of_findings.into_iter().map(|over_time| over_time.into_iter().collect()).collect(),
            of_targets: summary.targets.iter().map(|(_, _, target)| of_target(target)).collect(),
        }
    }
}

fn merged(mut one: OverTime, other: OverTime) -> OverTime {
    for (bin, failures) in other.into_iter().filter(|(_, failures)| *failures > 0) {
        add(&mut one, bin, failures);
    }
    one
}

/// The failures that no finding has taken yet, by scope, outcome and time bin.
struct Failures {
    grid: Grid,
    left: BTreeMap<(Scope, Outcome), OverTime>,
}

impl Failures {
    fn new(summary: &Summary, grid: Grid) -> Self {
        let mut left: BTreeMap<(Scope, Outcome), OverTime> = BTreeMap::new();
        for (id, (_, _, target)) in summary.targets.ids().zip(summary.targets.iter()) {
            for (start, row) in target.heatmap.rows() {
                for &(outcome, _, requests) in &row.failed {
                    let counts = left.entry((scope_of(summary, id, outcome), outcome)).or_default();
                    add(counts, grid.bin(start), requests.into());
                }
            }
        }
        Self { grid, left }
    }

    /// Takes the failures that a finding lists in `ended`. All findings do so before any takes the rest.
    fn take_explained(&mut self, finding: &Finding) -> OverTime {
        let mut over_time = OverTime::new();
        for ended in &finding.ended {
            let bin = self.grid.bin(ended.minute);
            add(&mut over_time, bin, ended.requests);
            let left = self.left.get_mut(&(Scope::Target(ended.target), ended.outcome));
            if let Some(left) = left.and_then(|counts| counts.get_mut(&bin)) {
                *left = left.saturating_sub(ended.requests);
            }
        }
        over_time
    }

    /// If a finding lists none, takes all that is left of its outcome at its scope. Returns the finding's failures
    /// over time.
    fn take_the_rest(&mut self, finding: &Finding, over_time: OverTime) -> OverTime {
        if !finding.ended.is_empty() {
            return over_time;
        }
        merged(over_time, self.left.remove(&(finding.scope, finding.outcome)).unwrap_or_default())
    }
}

fn marks(summary: &Summary, diagnosis: &Diagnosis) -> Vec<Mark> {
    let own = |kind, duration, origin| Mark { kind, seconds: seconds_of(duration), origin, scope: None, finding: None };
    let idle_timeout = diagnosis.idle_timeout;
    let mut marks = vec![
        own(MarkKind::IdleTimeout, idle_timeout.duration, Some(idle_timeout.origin)),
        own(MarkKind::ConnectTimeout, CONNECT_TIMEOUT, None),
    ];
    for (index, finding) in diagnosis.findings.iter().enumerate() {
        let estimates =
            [(MarkKind::Timeout, finding.estimates.timeout), (MarkKind::KeepAlive, finding.estimates.keep_alive)];
        for (kind, estimate) in estimates {
            marks.extend(estimate.map(|estimate| Mark {
                scope: Some(ScopeRow::new(summary, finding.scope)),
                finding: Some(index),
                ..own(kind, estimate, None)
            }));
        }
    }
    marks
}

fn timings(summary: &Summary, idle_timeout: Duration, grid: Grid) -> Vec<Timing> {
    let scope = |load_balancer: LoadBalancerId, group: Option<TargetGroupId>, address: Option<&[u8]>| ScopeRow {
        load_balancer: text_of(summary.load_balancers.entry(load_balancer).1),
        target_group: group.and_then(|group| some_text_of(summary.target_groups.entry(group).1)),
        target: address.map(text_of),
    };
    // In this order: the whole, load balancers, target groups, targets.
    let mut kinds: [BTreeMap<ScopeRow, Vec<&Target>>; 4] = Default::default();
    let nothing = ScopeRow { load_balancer: String::new(), target_group: None, target: None };
    let is_one = summary.load_balancers.len() == 1;
    for (group, address, target) in summary.targets.iter() {
        let (load_balancer, arn, ()) = summary.target_groups.entry(group);
        let whole = if is_one { scope(load_balancer, None, None) } else { nothing.clone() };
        kinds[0].entry(whole).or_default().push(target);
        if !is_one {
            kinds[1].entry(scope(load_balancer, None, None)).or_default().push(target);
        }
        if !arn.is_empty() {
            kinds[2].entry(scope(load_balancer, Some(group), None)).or_default().push(target);
        }
        if !address.is_empty() {
            kinds[3].entry(scope(load_balancer, Some(group), Some(address))).or_default().push(target);
        }
    }
    let mut timings = Vec::new();
    for kind in kinds {
        let numbers = |targets: &[&Target]| {
            let failures: u64 = targets.iter().map(|target| target.outcomes.failures()).sum();
            (failures, targets.iter().map(|target| target.requests).sum::<u64>())
        };
        let mut scopes: Vec<(ScopeRow, Vec<&Target>)> = kind.into_iter().collect();
        // The sort is stable, so ties stay in the order of their names.
        scopes.sort_by_cached_key(|(_, targets)| std::cmp::Reverse(numbers(targets)));
        for (scope, targets) in scopes.into_iter().take(MAX_TIMINGS) {
            let mut gathered = Gathered::default();
            for target in targets {
                gathered.add(target, grid);
            }
            timings.push(gathered.timing(scope, idle_timeout));
        }
    }
    timings
}
