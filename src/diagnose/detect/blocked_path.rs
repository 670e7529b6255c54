//! Blocked paths: connections that were not made within 10 s, because packets vanish on the way or the host is gone.
//! If the target answers other requests meanwhile, but slowly, it is overloaded, and its path is not blocked.

use std::time::Duration;

use rayon::prelude::*;

use crate::aggregate::timeline::TimedRequest;
use crate::aggregate::{NodeId, Span};
use crate::classify::Outcome;
use crate::diagnose::confidence::Confidence;
use crate::diagnose::evidence::{Evidence, plural, plural_are};
use crate::diagnose::group_view::GroupView;
use crate::diagnose::measure::load::{peak_in_flight, slow_on_all_routes, slowdown};
use crate::diagnose::target_view::TargetView;
use crate::diagnose::verdict::Verdict;
use crate::knowledge::causes;

/// Connect timeouts further apart than this belong to different episodes, unless the target answered nothing through
/// their nodes in between.
const EPISODE_GAP: Duration = Duration::from_mins(1);

/// Fewer connect timeouts than this are not an episode.
const MIN_TIMEOUTS: usize = 3;

/// At most one answer per this many connect timeouts is ignored: with clocks that differ a little, it may only seem
/// to have begun meanwhile.
const ANSWERS_PER_TIMEOUT: usize = 50;

/// There may have been this many open connections, or `OPEN` times as many as there were requests in flight.
const MIN_OPEN: usize = 20;
const OPEN: usize = 3;

/// A target whose answers take this many times the usual time is overloaded.
const SLOW: f64 = 4.0;

/// High confidence needs at least this many connect timeouts, and no more answers meanwhile than
/// `ANSWERS_PER_TIMEOUT` allows.
const MIN_FOR_HIGH: usize = 10;

pub(super) fn detect(group: &GroupView<'_>) -> Vec<Verdict> {
    group.side_by_side().filter_map(|target_index| blocked(group, target_index)).collect()
}

#[derive(Default)]
struct BlockedConnections {
    /// Indices of the failures that it explains, in the target's requests.
    explained: Vec<usize>,
    timeouts: usize,
    silent: usize,
    /// Requests answered meanwhile through the nodes whose connections timed out.
    answered: usize,
    /// From the first to the last dispatch of each episode.
    spans: Vec<Span>,
    nodes: Vec<NodeId>,
}

fn blocked(group: &GroupView<'_>, target_index: usize) -> Option<Verdict> {
    let target = &group.targets[target_index];
    let mut timed_out: Vec<(usize, &TimedRequest)> = group
        .unexplained(target_index)
        .filter(|(_, timed_request)| timed_request.outcome == Outcome::ConnectTimeout)
        .collect();
    timed_out.sort_by_key(|(_, timed_request)| timed_request.dispatched);
    let mut waiting: Vec<(usize, &TimedRequest)> = group
        .unexplained(target_index)
        .filter(|(_, timed_request)| timed_request.outcome == Outcome::IdleTimeout)
        .collect();
    waiting.sort_by_key(|(_, timed_request)| timed_request.dispatched);
    let mut found = BlockedConnections::default();
    let is_one_episode = |(_, one): &(usize, &TimedRequest), (_, next): &(usize, &TimedRequest)| {
        next.dispatched.since(one.dispatched) <= EPISODE_GAP || is_silent_between(target, one, next)
    };
    for timeouts in timed_out.chunk_by(is_one_episode).filter(|episode| episode.len() >= MIN_TIMEOUTS) {
        let span = Span { first: timeouts.first()?.1.dispatched, last: timeouts.last()?.1.dispatched };
        let mut nodes: Vec<NodeId> = timeouts.iter().map(|(_, timed_request)| timed_request.node).collect();
        nodes.sort_unstable();
        nodes.dedup();
        let answered = || target.sent_in(span).filter(|timed_request| !timed_request.outcome.is_failure());
        let by_these = answered().filter(|timed_request| nodes.contains(&timed_request.node)).count();
        if by_these * ANSWERS_PER_TIMEOUT > timeouts.len() {
            let factor = slowdown(group, std::iter::once(target), span, |_| true);
            // Open connections may outlive a change of a security group. Answers on them are as quick as ever.
            if factor.is_none_or(|factor| factor >= SLOW) || slow_on_all_routes(target, span).is_some() {
                continue;
            }
        }
        // The silence may have begun before the load balancer needed a new connection: when the last request that was
        // answered was sent.
        let before = &target.timed_requests
            [..target.timed_requests.partition_point(|timed_request| timed_request.ended < span.first)];
        let answered_last = before.iter().rposition(|p| !p.outcome.is_failure() && nodes.contains(&p.node));
        let silent_since = answered_last.map_or(span.first, |last| before[last].dispatched);
        let open = || peak_in_flight(&before[..answered_last.map_or(0, |last| last + 1)]) * OPEN;
        let later = &waiting[waiting.partition_point(|(_, timed_request)| timed_request.dispatched <= silent_since)..];
        let meanwhile = &later[..later.partition_point(|(_, timed_request)| timed_request.dispatched <= span.last)];
        let silent = meanwhile.iter().filter(|(_, timed_request)| nodes.contains(&timed_request.node));
        let silent: Vec<usize> = silent.map(|(index, _)| *index).collect();
        // A blocked path lets no new connection through, so only requests on connections that were open before meet
        // the idle timeout. If they outnumber the connect timeouts, or the connections that there can have been, the
        // host still accepts connections, and its process does not answer.
        if silent.len() > timeouts.len() || silent.len() > MIN_OPEN && silent.len() > open() {
            continue;
        }
        found.timeouts += timeouts.len();
        found.silent += silent.len();
        found.answered += by_these;
        found.spans.push(span);
        found.explained.extend(timeouts.iter().map(|(index, _)| *index));
        found.explained.extend(silent);
        found.nodes.extend(nodes);
    }
    found.explained.sort_unstable();
    found.explained.dedup();
    (found.timeouts > 0).then(|| found.verdict(group, target_index))
}

/// Whether the target answered nothing that the nodes of two requests sent between these.
fn is_silent_between(target: &TargetView<'_>, one: &TimedRequest, next: &TimedRequest) -> bool {
    let between = Span { first: one.dispatched, last: next.dispatched };
    let is_of_these = |timed_request: &TimedRequest| [one.node, next.node].contains(&timed_request.node);
    !target.sent_in(between).any(|sent| is_of_these(sent) && !sent.outcome.is_failure())
}

impl BlockedConnections {
    fn verdict(mut self, group: &GroupView<'_>, target_index: usize) -> Verdict {
        let target = &group.targets[target_index];
        let is_sure = self.timeouts >= MIN_FOR_HIGH && self.answered * ANSWERS_PER_TIMEOUT <= self.timeouts;
        let confidence = if is_sure { Confidence::High } else { Confidence::Medium };
        let mut evidence = vec![Evidence::speaks_for(
            format!("{} not established within 10 s", plural_are(self.timeouts, "connection")),
            [("connect_timeouts", self.timeouts as f64)],
        )];
        self.nodes.sort_unstable();
        self.nodes.dedup();
        evidence.push(match self.answered {
            0 => Evidence::speaks_for(
                "meanwhile, the target answered nothing through the same load balancer nodes",
                [("answered_meanwhile", 0.0)],
            ),
            answered => Evidence::weighed(
                is_sure,
                format!("meanwhile, {} answered through the same load balancer nodes", plural_are(answered, "request")),
                [("answered_meanwhile", answered as f64)],
            ),
        });
        // A node that could connect in one episode and not in another is none of the others.
        let by_others = self.spans.iter().flat_map(|span| target.sent_in(*span));
        let by_others = by_others.filter(|sent| !sent.outcome.is_failure() && !self.nodes.contains(&sent.node)).count();
        if by_others > 0 {
            evidence.push(Evidence::speaks_for(
                format!(
                    "only {} could not connect; through other nodes, the target answered {}",
                    plural(self.nodes.len(), "node"),
                    plural(by_others, "request")
                ),
                [("nodes", self.nodes.len() as f64), ("answered_by_other_nodes", by_others as f64)],
            ));
        }
        if self.silent > 0 {
            evidence.push(Evidence::speaks_for(
                format!(
                    "{} on connections that were already open reached the idle timeout",
                    plural(self.silent, "request")
                ),
                [("silent", self.silent as f64)],
            ));
        }
        let outside = target.totals.latency.count();
        evidence.push(match outside {
            0 => Evidence::speaks_for("the target never answered a request", [("answered", 0.0)]),
            outside => Evidence::speaks_for(
                format!(
                    "in all, the target answered {}",
                    plural(usize::try_from(outside).unwrap_or(usize::MAX), "request")
                ),
                [("answered", outside as f64)],
            ),
        });
        Verdict {
            also_fits: vec![&causes::TARGET_TLS_HANDSHAKE],
            evidence,
            ..Verdict::on_target(&causes::CONNECT_TIMEOUT, confidence, target_index, self.explained)
        }
    }
}
