//! The heatmaps of a report: of all requests, of load balancers, of target groups and of targets.

use std::collections::BTreeMap;
use std::time::Duration;

use super::grid::{Grid, OverTime, add};
use super::{AgainstIdleTimeout, MAX_TIMINGS, TimingPicture, WhatIf};
use crate::aggregate::heatmap::{ELAPSED_BINS, UNKNOWN_ELAPSED};
use crate::aggregate::{LoadBalancerId, Quantiles, Summary, Target, TargetGroupId};
use crate::classify::Outcome;
use crate::report::scope::ScopeRow;
use crate::report::values::{some_text_of, text_of};

/// Shorter idle timeouts to consider, in seconds.
const SHORTER_IDLE_TIMEOUTS: [u64; 12] = [1, 2, 5, 10, 15, 20, 30, 45, 60, 120, 300, 600];

/// At most this many of those below the present idle timeout are considered: the longest.
const MAX_WHAT_IF: usize = 4;

/// A request that took at least this share of the idle timeout is near it.
const NEAR: f64 = 0.8;

/// The counts for one picture.
#[derive(Default)]
struct ChartBuilder {
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

impl ChartBuilder {
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

    fn timing(self, scope: ScopeRow, idle_timeout: Duration) -> TimingPicture {
        let against = self.against(idle_timeout);
        let density = self.density.into_iter().filter_map(|(time, counts)| {
            let first = counts.iter().position(|requests| *requests > 0)?;
            let last = counts.iter().rposition(|requests| *requests > 0)?;
            Some((time, first, counts[first..=last].to_vec()))
        });
        TimingPicture {
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

pub(super) fn timings(summary: &Summary, idle_timeout: Duration, grid: Grid) -> Vec<TimingPicture> {
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
            let mut builder = ChartBuilder::default();
            for target in targets {
                builder.add(target, grid);
            }
            timings.push(builder.timing(scope, idle_timeout));
        }
    }
    timings
}
