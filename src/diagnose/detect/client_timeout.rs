//! Clients that closed first (460), after a constant time: their own timeout, or that of a proxy in front of the load
//! balancer.

use std::time::Duration;

use crate::aggregate::timeline::TimedRequest;
use crate::classify::Outcome;
use crate::diagnose::confidence::{Confidence, MIN_FAILURES_FOR_HIGH};
use crate::diagnose::evidence::{Evidence, plural, seconds, seconds_of};
use crate::diagnose::finding::Estimates;
use crate::diagnose::group_view::GroupView;
use crate::diagnose::measure::walls::sharp_wall;
use crate::diagnose::verdict::{ExplainedFailures, Verdict, share_out};
use crate::knowledge::causes;

/// Every day some clients give up on slow requests. From this share of all requests on, it is more than that.
const MIN_SHARE: f64 = 0.001;

/// High confidence needs at least this many requests that were given up at the constant.
const MIN_FOR_HIGH: usize = 20;

pub(super) fn detect(group: &GroupView<'_>) -> Vec<Verdict> {
    let left = |index: usize| {
        group
            .unexplained(index)
            .filter(|(_, timed_request)| timed_request.outcome == Outcome::ClientClosedAfterDispatch)
    };
    let times: Vec<Duration> = (0..group.targets.len())
        .flat_map(left)
        .map(|(_, timed_request): (usize, &TimedRequest)| timed_request.took())
        .collect();
    let Some(wall) = sharp_wall(&times) else { return Vec::new() };
    let requests: u64 = group.targets.iter().map(|target| target.totals.requests).sum();
    if (wall.times as u64) < MIN_FAILURES_FOR_HIGH || (wall.times as f64) < requests as f64 * MIN_SHARE {
        return Vec::new();
    }
    let at_wall = |index: usize| left(index).filter(|(_, timed_request)| wall.holds(timed_request.took()));
    let explained = (0..group.targets.len()).map(|target_index| ExplainedFailures {
        target_index,
        request_indices: at_wall(target_index).map(|(index, _)| index).collect(),
    });
    let all: Vec<usize> = (0..group.targets.len()).collect();
    let apart = group.explained_apart(&all, |it| it.outcome == Outcome::ClientClosedAfterDispatch);
    share_out(explained, |count, _| {
        let is_sure = wall.times >= MIN_FOR_HIGH && count as u64 >= MIN_FAILURES_FOR_HIGH;
        let evidence = vec![Evidence::speaks_for(
            format!(
                "clients gave up on {} that had been sent to targets of the group{apart}, on {} of them {} to {} s after \
                    that: a timeout, not impatience",
                plural(times.len(), "request"),
                wall.times,
                seconds(wall.at),
                seconds(wall.at + wall.thickness)
            ),
            [("wall_from", seconds_of(wall.at)), ("wall_times", wall.times as f64), ("given_up", times.len() as f64)],
        )
        .of_group()];
        let confidence = if is_sure { Confidence::High } else { Confidence::Medium };
        Verdict {
            estimates: Estimates { timeout: Some(wall.at), ..Estimates::default() },
            evidence,
            ..Verdict::new(&causes::CLIENT_GAVE_UP, confidence)
        }
    })
}
