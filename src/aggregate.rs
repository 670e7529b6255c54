//! What diagnosis and reports need to know about all requests, in bounded memory.
//!
//! Input: one [`Exchange`] and its [`Outcome`] at a time. Output: a [`Summary`]. Every part has an `observe` and a
//! `merge`. Merging the summaries of two halves gives the summary of the whole, as long as no cap is reached. The
//! caps are [`MAX_LOAD_BALANCERS`], [`MAX_TARGET_GROUPS`], [`MAX_TARGETS`], [`route::MAX_ROUTES`],
//! [`timeline::MAX_REQUESTS`], [`timing::MAX_TIME_BINS`], [`heatmap::MAX_ROWS`], [`sample::MAX_SAMPLES`] and
//! [`frequent::MAX_NAMES`].

pub mod callers;
pub mod exact_times;
mod failures;
pub mod frequent;
pub mod heatmap;
mod id;
pub mod input;
mod intern;
mod longest_times;
mod outcome_counts;
pub mod quantiles;
pub mod route;
pub mod sample;
mod served_clients;
mod span;
mod status_pairs;
mod target;
pub mod timeline;
pub mod timing;

pub use callers::Callers;
pub use exact_times::ExactTimes;
pub use failures::Failures;
pub use frequent::Frequent;
pub use heatmap::LatencyHeatmap;
pub use id::{LoadBalancerId, NewIds, NodeId, RouteId, TargetGroupId, TargetId};
pub use input::InputAccount;
pub use intern::{Interner, OTHER};
pub use longest_times::LongestTimes;
pub use outcome_counts::OutcomeCounts;
pub use quantiles::{MAX_ELAPSED, Quantiles};
pub use route::Routes;
pub use sample::{Sample, Samples};
pub use served_clients::ServedClients;
pub use span::Span;
pub use status_pairs::{StatusPair, StatusPairs};
pub use target::Target;
pub use timeline::Timeline;
pub use timing::Timing;

use crate::classify::{Exchange, Outcome};
use crate::location::Location;

/// At most this many load balancers are tracked; the requests of the rest count as [`OTHER`].
pub const MAX_LOAD_BALANCERS: usize = 64;

/// At most this many target groups are tracked; the requests of the rest count as [`OTHER`] of their load balancer.
pub const MAX_TARGET_GROUPS: usize = 4_096;

/// At most this many targets (address, port and target group) are tracked; the requests of the rest count as
/// [`OTHER`] of their target group.
pub const MAX_TARGETS: usize = 16_384;

/// All that is known about the requests seen.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// What was read, and what could not be.
    pub input: InputAccount,
    /// First and last `time` of the requests that count. Absent when there are none.
    pub span: Option<Span>,
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
    /// The clients that were not refused each time.
    pub served_clients: ServedClients,
}

/// What is kept for one load balancer, apart from its targets.
#[derive(Clone, Debug, Default)]
pub struct LoadBalancer {
    /// Requests over time and elapsed time.
    pub timing: Timing,
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
        Span::include(&mut self.span, exchange.time);
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
        if !outcome.is_refusal() {
            self.served_clients.observe(exchange.client);
        }
        self.targets.value_mut(target).observe(exchange, outcome, rows, line, location);
    }

    /// Adds another summary. As long as no cap is reached, the order of merges changes no count. Only the samples
    /// of problems in `input` depend on it: the first ones merged are kept.
    pub fn merge(&mut self, other: Self) {
        self.input.merge(other.input);
        self.span = Span::union(self.span, other.span);
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
        self.served_clients.merge(&other.served_clients);
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
        self.timeline.renumber_routes(&new_ids);
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

#[cfg(test)]
mod tests;
