//! What diagnosis and reports need to know about all requests, in bounded memory.
//!
//! Input: one [`Exchange`] and its [`Outcome`] at a time. Output: a [`Summary`]. Every part has an `observe` and a
//! `merge`. Merging the summaries of two halves gives the summary of the whole, as long as no cap is reached. The
//! caps are [`MAX_LOAD_BALANCERS`], [`MAX_TARGET_GROUPS`], [`MAX_TARGETS`], [`route::MAX_ROUTES`],
//! [`timeline::MAX_REQUESTS`], [`timing::MAX_TIME_BINS`], [`heatmap::MAX_ROWS`], [`sample::MAX_SAMPLES`] and
//! [`callers::MAX_CALLERS`].

pub mod callers;
pub mod heatmap;
mod id;
pub mod input;
mod intern;
pub mod quantiles;
pub mod route;
pub mod sample;
pub mod timeline;
pub mod timing;

use std::time::Duration;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

pub use callers::Callers;
pub use heatmap::LatencyHeatmap;
pub use id::{LoadBalancerId, NewIds, NodeId, RouteId, TargetGroupId, TargetId};
pub use input::InputAccount;
pub use intern::Interner;
pub use quantiles::Quantiles;
pub use route::Routes;
pub use sample::{Sample, Samples};
pub use timeline::Timeline;
pub use timing::Timing;

use crate::classify::{Exchange, Outcome};
use crate::location::Location;
use crate::timestamp::Timestamp;

/// At most this many load balancers are tracked; the requests of the rest count as [`OTHER`].
pub const MAX_LOAD_BALANCERS: usize = 64;

/// At most this many target groups are tracked; the requests of the rest count as [`OTHER`] of their load balancer.
pub const MAX_TARGET_GROUPS: usize = 4_096;

/// At most this many targets (address, port and target group) are tracked; the requests of the rest count as
/// [`OTHER`] of their target group.
pub const MAX_TARGETS: usize = 16_384;

/// The name under which everything past a cap is counted.
pub const OTHER: &[u8] = b"(other)";

/// All that is known about the requests seen.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// What was read, and what could not be.
    pub input: InputAccount,
    /// First and last `time` of the requests that count. Absent when there are none.
    pub window: Option<Span>,
    /// Load balancers by resource id.
    pub load_balancers: Interner<LoadBalancerId, (), LoadBalancer>,
    /// Target groups by their load balancer and their ARN. An empty ARN holds the requests that no
    /// rule forwarded.
    pub target_groups: Interner<TargetGroupId, LoadBalancerId, ()>,
    /// Targets by their target group and `address:port`. An empty name holds the requests without a
    /// target.
    pub targets: Interner<TargetId, TargetGroupId, Target>,
    /// Routes by target group, method and template.
    pub routes: Routes,
    /// When requests ran, by node and target.
    pub timeline: Timeline,
}

/// The first and the last of a set of times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The earliest.
    pub first: Timestamp,
    /// The latest.
    pub last: Timestamp,
}

impl Span {
    /// Extends the span to include `time`. An absent span becomes one of that time alone.
    #[inline]
    pub fn include(span: &mut Option<Self>, time: Timestamp) {
        *span = Some(match *span {
            None => Self { first: time, last: time },
            Some(Self { first, last }) => Self { first: first.min(time), last: last.max(time) },
        });
    }

    /// The time from `first` to `last`.
    #[must_use]
    pub fn length(self) -> Duration {
        self.last.since(self.first)
    }

    /// The smallest span that covers both. `None` when both are absent.
    #[must_use]
    pub fn union(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        match (one, other) {
            (Some(one), Some(other)) => {
                Some(Self { first: one.first.min(other.first), last: one.last.max(other.last) })
            }
            (one, other) => one.or(other),
        }
    }
}

/// What is kept for one load balancer, apart from its targets.
#[derive(Clone, Debug, Default)]
pub struct LoadBalancer {
    /// Requests over time and elapsed time.
    pub timing: Timing,
}

/// What is kept for one target, or for the requests of a target group that had no target.
#[derive(Clone, Debug, Default)]
pub struct Target {
    /// Requests seen.
    pub requests: u64,
    /// How many of them are WebSocket connections.
    pub web_sockets: u64,
    /// First and last `time`.
    pub seen: Option<Span>,
    /// Requests by outcome, indexed by [`Outcome::index`].
    pub outcomes: OutcomeCounts,
    /// Requests by pair of status codes.
    pub status_pairs: StatusPairs,
    /// `target_processing_time` of the requests that the target answered.
    pub latency: Quantiles,
    /// Elapsed times that are known exactly, without those of WebSocket connections.
    pub elapsed: Quantiles,
    /// All requests by time and elapsed time.
    pub heatmap: LatencyHeatmap,
    /// The failures: one entry for each failed outcome that occurred.
    pub failures: Vec<Failures>,
}

/// One count for each outcome, indexed by [`Outcome::index`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutcomeCounts(pub [u64; Outcome::COUNT]);

impl Default for OutcomeCounts {
    fn default() -> Self {
        Self([0; Outcome::COUNT])
    }
}

impl OutcomeCounts {
    /// How many requests had this outcome.
    #[must_use]
    pub fn of(&self, outcome: Outcome) -> u64 {
        self.0[outcome.index()]
    }

    /// The outcomes that occurred, with their counts, in the order of [`Outcome::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (Outcome, u64)> {
        Outcome::ALL.iter().map(|&outcome| (outcome, self.of(outcome))).filter(|&(_, requests)| requests > 0)
    }

    /// How many requests failed.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.iter().filter(|(outcome, _)| outcome.is_failure()).map(|(_, requests)| requests).sum()
    }

    /// Adds the counts of `other`.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine += theirs;
        }
    }
}

/// `elb_status_code` and `target_status_code`. `None` where the log has no status (`-`, `000`).
pub type StatusPair = (Option<u16>, Option<u16>);

/// Requests by pair of status codes.
#[derive(Clone, Debug, Default)]
pub struct StatusPairs {
    /// The first few pairs seen. A genuine log has no more, and a short list is faster than a map.
    few: Vec<(StatusPair, u64)>,
    /// Further pairs, which only a made-up log has.
    rest: HashMap<StatusPair, u64, FixedState>,
}

/// Pairs that are kept in the list; further ones go to the map.
const FEW_STATUS_PAIRS: usize = 16;

impl StatusPairs {
    #[inline]
    fn observe(&mut self, pair: StatusPair) {
        self.add(pair, 1);
    }

    #[inline]
    fn add(&mut self, pair: StatusPair, requests: u64) {
        if let Some((_, known)) = self.few.iter_mut().find(|(known, _)| *known == pair) {
            *known += requests;
        } else if self.few.len() < FEW_STATUS_PAIRS {
            self.few.push((pair, requests));
        } else {
            *self.rest.entry(pair).or_default() += requests;
        }
    }

    /// Adds the counts of `other`.
    pub fn merge(&mut self, other: &Self) {
        for (pair, requests) in other.iter() {
            self.add(pair, requests);
        }
    }

    fn iter(&self) -> impl Iterator<Item = (StatusPair, u64)> {
        self.few.iter().copied().chain(self.rest.iter().map(|(&pair, &requests)| (pair, requests)))
    }

    /// All pairs with their counts, ordered by status codes.
    #[must_use]
    pub fn sorted(&self) -> Vec<(StatusPair, u64)> {
        let mut pairs: Vec<_> = self.iter().collect();
        pairs.sort_unstable();
        pairs
    }
}

/// What is kept for the failures of one target with one outcome.
#[derive(Clone, Debug)]
pub struct Failures {
    /// How they ended.
    pub outcome: Outcome,
    /// How many there are.
    pub requests: u64,
    /// First and last `time`.
    pub seen: Option<Span>,
    /// Their elapsed times.
    pub elapsed: Quantiles,
    /// Their `target_processing_time`, if they have one.
    pub target_processing_time: Quantiles,
    /// The earliest few.
    pub samples: Samples,
    /// Who sent most of them.
    pub callers: Callers,
}

impl Failures {
    fn new(outcome: Outcome) -> Self {
        Self {
            outcome,
            requests: 0,
            seen: None,
            elapsed: Quantiles::default(),
            target_processing_time: Quantiles::default(),
            samples: Samples::default(),
            callers: Callers::default(),
        }
    }

    fn observe(&mut self, exchange: &Exchange<'_>, line: &[u8], location: impl FnOnce() -> Location) {
        self.requests += 1;
        Span::include(&mut self.seen, exchange.time);
        if let Some(elapsed) = exchange.elapsed.exact() {
            self.elapsed.observe(elapsed);
        }
        if let Some(time) = exchange.target_processing_time {
            self.target_processing_time.observe(time);
        }
        self.samples.observe(exchange.time, line, location);
        self.callers.observe(exchange.client, exchange.user_agent);
    }

    fn merge(&mut self, other: Self) {
        self.requests += other.requests;
        self.seen = Span::union(self.seen, other.seen);
        self.elapsed.merge(&other.elapsed);
        self.target_processing_time.merge(&other.target_processing_time);
        self.samples.merge(other.samples);
        self.callers.merge(&other.callers);
    }
}

impl Target {
    #[inline]
    fn observe(
        &mut self,
        exchange: &Exchange<'_>,
        outcome: Outcome,
        rows: usize,
        line: &[u8],
        location: impl FnOnce() -> Location,
    ) {
        self.requests += 1;
        self.web_sockets += u64::from(exchange.is_web_socket);
        Span::include(&mut self.seen, exchange.time);
        self.outcomes.0[outcome.index()] += 1;
        self.status_pairs.observe((exchange.elb_status_code, exchange.target_status_code));
        if let (Some(latency), Some(_)) = (exchange.target_processing_time, exchange.target_status_code) {
            self.latency.observe(latency);
        }
        let elapsed = exchange.elapsed.exact().filter(|_| !exchange.is_web_socket);
        if let Some(elapsed) = elapsed {
            self.elapsed.observe(elapsed);
        }
        self.heatmap.observe(exchange.time, elapsed, outcome, rows);
        if outcome.is_failure() {
            self.failures_of(outcome).observe(exchange, line, location);
        }
    }

    fn failures_of(&mut self, outcome: Outcome) -> &mut Failures {
        let index = self.failures.iter().position(|failures| failures.outcome == outcome).unwrap_or_else(|| {
            self.failures.push(Failures::new(outcome));
            self.failures.len() - 1
        });
        &mut self.failures[index]
    }

    /// Adds the counts of `other`.
    pub fn merge(&mut self, other: Self) {
        self.requests += other.requests;
        self.web_sockets += other.web_sockets;
        self.seen = Span::union(self.seen, other.seen);
        self.outcomes.merge(&other.outcomes);
        self.status_pairs.merge(&other.status_pairs);
        self.latency.merge(&other.latency);
        self.elapsed.merge(&other.elapsed);
        self.heatmap.merge(other.heatmap, heatmap::MAX_ROWS);
        for failures in other.failures {
            self.failures_of(failures.outcome).merge(failures);
        }
    }
}

impl Summary {
    /// Takes in one request. `line` and `location` are kept for a few failures.
    #[inline]
    pub fn observe(
        &mut self,
        exchange: &Exchange<'_>,
        outcome: Outcome,
        line: &[u8],
        location: impl FnOnce() -> Location,
    ) {
        Span::include(&mut self.window, exchange.time);
        let load_balancer = self.load_balancers.intern((), exchange.load_balancer, MAX_LOAD_BALANCERS);
        let target_group = exchange.target_group.unwrap_or_default();
        let target_group = self.target_groups.intern(load_balancer, target_group, MAX_TARGET_GROUPS);
        let known = self.targets.len();
        let target = self.targets.intern(target_group, exchange.target.unwrap_or_default(), MAX_TARGETS);
        let rows = heatmap::rows_for(self.targets.len());
        if rows < heatmap::rows_for(known) {
            self.limit_heatmaps();
        }
        let elapsed = exchange.elapsed.exact().filter(|_| !exchange.is_web_socket);
        self.load_balancers.value_mut(load_balancer).timing.observe(exchange.time, elapsed, outcome);
        let route = match exchange.method.zip(exchange.path) {
            Some((method, path)) => Some(self.routes.observe(target_group, method, path, outcome, elapsed)),
            None => None,
        };
        if exchange.target.is_some() {
            self.timeline.observe(target, route, exchange, outcome);
        }
        if self.routes.is_full() {
            self.clean_up_routes();
        }
        self.targets.value_mut(target).observe(exchange, outcome, rows, line, location);
    }

    /// Adds another summary. As long as no cap is reached, the order of merges changes no count. Only the samples
    /// of problems in `input` depend on it: the first ones merged are kept.
    pub fn merge(&mut self, other: Self) {
        self.input.merge(other.input);
        self.window = Span::union(self.window, other.window);
        let load_balancers = self.load_balancers.merge(
            other.load_balancers,
            MAX_LOAD_BALANCERS,
            |()| (),
            |mine, theirs| {
                mine.timing.merge(theirs.timing);
            },
        );
        let target_groups =
            self.target_groups.merge(other.target_groups, MAX_TARGET_GROUPS, |id| load_balancers.of(id), |(), ()| ());
        let targets = self.targets.merge(other.targets, MAX_TARGETS, |id| target_groups.of(id), Target::merge);
        let routes = self.routes.merge(other.routes, &target_groups);
        self.timeline.merge(other.timeline, &targets, &routes);
        self.limit_heatmaps();
        if self.routes.is_full() {
            self.clean_up_routes();
        }
    }

    /// All targets share one budget of rows for their heatmaps: with more targets, each may have fewer.
    #[cold]
    fn limit_heatmaps(&mut self) {
        let rows = heatmap::rows_for(self.targets.len());
        self.targets.values_mut().for_each(|target| target.heatmap.limit(rows));
    }

    #[cold]
    fn clean_up_routes(&mut self) {
        let new_ids = self.routes.clean_up();
        self.timeline.move_routes(&new_ids);
    }

    /// Requests that count: those read, without those that the selection left out.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.targets.iter().map(|(_, _, target)| target.requests).sum()
    }

    /// How many requests ended in each way.
    #[must_use]
    pub fn outcomes(&self) -> OutcomeCounts {
        let mut outcomes = OutcomeCounts::default();
        for (_, _, target) in self.targets.iter() {
            outcomes.merge(&target.outcomes);
        }
        outcomes
    }
}

/// The sketches count a longer duration as this one.
pub const MAX_ELAPSED: Duration = Duration::from_hours(24);

#[cfg(test)]
mod tests;
