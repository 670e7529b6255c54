//! One target prepared for the detectors: its requests in the order of their ends and of their dispatch, and which of
//! its failures are already explained.

use std::time::Duration;

use super::measure::dispatches::Dispatches;
use super::measure::subnet::Subnet;
use crate::aggregate::timeline::TimedRequest;
use crate::aggregate::{Span, Target, TargetId};
use crate::classify::Outcome;
use crate::timestamp::Timestamp;

/// One target and its requests.
pub(super) struct TargetView<'a> {
    pub(super) id: TargetId,
    /// Its counts.
    pub(super) totals: &'a Target,
    /// Its requests on all nodes, in the order of their ends. Their routes are those of [`SummaryView::routes`].
    pub(super) timed_requests: Vec<TimedRequest>,
    /// `timed_requests` in the order of dispatch.
    dispatches: Dispatches,
    pub(super) subnet: Option<Subnet>,
    /// Indices of its failures in `timed_requests`, in the order of their ends.
    failures: Vec<u32>,
    /// The dispatch times of its failures by outcome, sorted.
    failed: Vec<(Outcome, Vec<Timestamp>)>,
    /// For each of `timed_requests`, whether a verdict that was accepted explains it.
    is_explained: Vec<bool>,
}

impl<'a> TargetView<'a> {
    pub(super) fn new(
        id: TargetId,
        totals: &'a Target,
        subnet: Option<Subnet>,
        timed_requests: Vec<TimedRequest>,
    ) -> Self {
        let dispatches = Dispatches::new(&timed_requests);
        let failures: Vec<u32> = timed_requests
            .iter()
            .zip(0..)
            .filter(|(timed_request, _)| timed_request.outcome.is_failure())
            .map(|(_, index)| index)
            .collect();
        let mut failed: Vec<(Outcome, Vec<Timestamp>)> = Vec::new();
        for timed_request in failures.iter().map(|&index| &timed_requests[index as usize]) {
            match failed.iter_mut().find(|(outcome, _)| *outcome == timed_request.outcome) {
                Some((_, times)) => times.push(timed_request.dispatched),
                None => failed.push((timed_request.outcome, vec![timed_request.dispatched])),
            }
        }
        for (_, times) in &mut failed {
            times.sort_unstable();
        }
        let is_explained = vec![false; timed_requests.len()];
        Self { id, totals, timed_requests, dispatches, subnet, failures, failed, is_explained }
    }

    /// The requests dispatched in `span`, both ends included, in the order of dispatch.
    pub(super) fn sent_in(&self, span: Span) -> impl ExactSizeIterator<Item = &TimedRequest> {
        self.dispatches.within(span, &self.timed_requests).iter().map(|&index| &self.timed_requests[index as usize])
    }

    /// How many requests dispatched in `span`, both ends included, failed with one of `outcomes`.
    pub(super) fn failed_in(&self, span: Span, outcomes: &[Outcome]) -> usize {
        let of_outcomes = self.failed.iter().filter(|(outcome, _)| outcomes.contains(outcome));
        let counts = of_outcomes.map(|(_, times)| {
            times.partition_point(|time| *time <= span.last) - times.partition_point(|time| *time < span.first)
        });
        counts.sum()
    }

    /// When its last request before `before` and its first one after `after` were dispatched; `None` if there is
    /// none.
    pub(super) fn sent_around(&self, before: Timestamp, after: Timestamp) -> (Option<Timestamp>, Option<Timestamp>) {
        self.dispatches.around(before, after, &self.timed_requests)
    }

    /// When its first request was dispatched. `None` if none is known.
    pub(super) fn first_sent(&self) -> Option<Timestamp> {
        self.dispatches.first(&self.timed_requests)
    }

    /// Marks a failure as explained. `index` is its index in `timed_requests`.
    pub(super) fn mark_explained(&mut self, index: usize) {
        debug_assert!(self.timed_requests[index].outcome.is_failure(), "only failures are explained");
        debug_assert!(!self.is_explained[index], "a failure is explained once");
        self.is_explained[index] = true;
    }

    /// The failures that nothing explains yet, with their indices in `timed_requests`.
    pub(super) fn unexplained(&self) -> impl Iterator<Item = (usize, &TimedRequest)> {
        let indices = self.failures.iter().map(|&index| index as usize);
        indices.filter(|&index| !self.is_explained[index]).map(|index| (index, &self.timed_requests[index]))
    }

    /// The failures that a verdict explains.
    pub(super) fn explained(&self) -> impl Iterator<Item = &TimedRequest> {
        let indices = self.failures.iter().map(|&index| index as usize);
        indices.filter(|&index| self.is_explained[index]).map(|index| &self.timed_requests[index])
    }

    /// The mean time between two of its requests.
    pub(super) fn mean_gap(&self) -> Duration {
        let micros = self.totals.seen.map_or(0, |seen| seen.length().as_micros());
        Duration::from_micros(u64::try_from(micros).unwrap_or_default() / self.totals.requests.max(1))
    }

    /// The answered requests.
    pub(super) fn answered(&self) -> impl DoubleEndedIterator<Item = &TimedRequest> {
        self.timed_requests.iter().filter(|timed_request| !timed_request.outcome.is_failure())
    }

    /// The requests that ended at `from` or later, in the order of their ends.
    pub(super) fn since(&self, from: Timestamp) -> &[TimedRequest] {
        &self.timed_requests[self.timed_requests.partition_point(|timed_request| timed_request.ended < from)..]
    }
}
