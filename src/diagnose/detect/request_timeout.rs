//! Requests that the target's own timeout cut off: it closed them after the same time, at many different moments.
//! Targets of one group run the same server, so they are examined together first, and one by one only if that finds
//! nothing.
//!
//! Some servers still answer 500 for a worker that is killed. Then the wall holds both kinds of failure, or only 500s
//! that come as late as a supervisor that checks once a second makes them.

use std::time::Duration;

use crate::aggregate::timeline::TimedRequest;
use crate::classify::Outcome;
use crate::diagnose::confidence::{Confidence, MIN_FAILURES_FOR_HIGH};
use crate::diagnose::evidence::{Evidence, grouped, number_were, plural, plural_are, seconds, seconds_of};
use crate::diagnose::finding::Estimates;
use crate::diagnose::group_view::GroupView;
use crate::diagnose::measure::time_pattern::episodes;
use crate::diagnose::measure::walls::{Wall, wall};
use crate::diagnose::verdict::{ExplainedFailures, Verdict, share_out};
use crate::knowledge::causes;
use crate::timestamp::Timestamp;

/// A wall of at least this many requests is not chance.
const MIN_TIMES_FOR_HIGH: usize = 8;

/// A timeout ends each slow request at a moment of its own; a process that dies ends them all at one moment. The
/// failures must end at this many moments at least, more than `MOMENT_GAP` apart.
const MIN_MOMENTS: usize = 3;
const MOMENT_GAP: Duration = Duration::from_secs(2);

/// A supervisor that checks once a second spreads its kills: the 10th and the 90th percentile are at least this far
/// apart. With an application's own timer they are closer.
const MIN_SPREAD: Duration = Duration::from_millis(250);

pub(super) fn detect(group: &GroupView<'_>) -> Vec<Verdict> {
    let all: Vec<usize> = (0..group.targets.len()).collect();
    let together = cut_off(group, &all);
    if !together.is_empty() || all.len() == 1 {
        return if together.is_empty() { late_answers(group, &all) } else { together };
    }
    let apart: Vec<Verdict> = all.iter().flat_map(|&index| cut_off(group, &[index])).collect();
    if apart.is_empty() { late_answers(group, &all) } else { apart }
}

/// Looks for a limit between the requests that were answered and those that were closed. Some servers let a request
/// run past their timeout, and then close instead of sending its answer, so that the times form no wall.
fn late_answers(group: &GroupView<'_>, targets: &[usize]) -> Vec<Verdict> {
    /// This many closed requests with hardly any on the wrong side of the limit are not chance. At most one in
    /// `MAX_WRONG` may be closed before the limit, and at most one answered after it for each `MAX_WRONG` closed.
    const MIN_LATE: usize = 8;
    const MAX_WRONG: usize = 50;
    /// The slowest answer before the limit must take at least this share of it. Otherwise the answers say nothing
    /// about the limit.
    const NEAR: f64 = 0.6;
    let late = |index: usize| {
        group
            .unexplained(index)
            .filter(|(_, timed_request)| is_closed(timed_request) && timed_request.took() >= Duration::from_secs(1))
    };
    let mut closed: Vec<Duration> = targets
        .iter()
        .flat_map(|&index| late(index))
        .map(|(_, timed_request): (usize, &TimedRequest)| timed_request.took())
        .collect();
    closed.sort_unstable();
    if closed.len() < MIN_LATE {
        return Vec::new();
    }
    // A few requests that were closed for another reason may lie below the limit.
    let limit = closed[closed.len() / MAX_WRONG];
    let mut answered: Vec<Duration> = targets
        .iter()
        .flat_map(|&index| group.targets[index].answered())
        .filter(|timed_request| timed_request.took() >= Duration::from_secs(1))
        .map(TimedRequest::took)
        .collect();
    answered.sort_unstable();
    let beyond = answered.len() - answered.partition_point(|took| *took < limit);
    let longest = answered[..answered.len() - beyond].last().copied().unwrap_or_default();
    let is_limit = beyond * MAX_WRONG <= closed.len() && longest.as_secs_f64() >= limit.as_secs_f64() * NEAR;
    let mut moments: Vec<Timestamp> =
        targets.iter().flat_map(|&index| late(index)).map(|(_, timed_request)| timed_request.ended).collect();
    moments.sort_unstable();
    if !is_limit || episodes(&moments, MOMENT_GAP).len() < MIN_MOMENTS {
        return Vec::new();
    }
    let whole = Duration::from_secs(limit.as_secs());
    let timeout = if whole >= longest { whole } else { limit };
    let idle_timeout = group.idle_timeout();
    let explained = targets.iter().map(|&target_index| ExplainedFailures {
        target_index,
        request_indices: late(target_index)
            .filter(|(_, timed_request)| timed_request.took() >= limit)
            .map(|(index, _)| index)
            .collect(),
    });
    let apart = group.explained_apart(targets, |it| is_closed(it) && it.took() >= Duration::from_secs(1));
    let (in_group, of_group) = if targets.len() > 1 { ("in the target group, ", "the group's ") } else { ("", "its ") };
    share_out(explained, |count, _| {
        let is_sure = count as u64 >= MIN_FAILURES_FOR_HIGH && beyond == 0 && timeout < idle_timeout;
        Verdict {
            also_fits: vec![&causes::MALFORMED_RESPONSE, &causes::TARGET_CRASH],
            estimates: Estimates { timeout: Some(timeout), ..Estimates::default() },
            evidence: vec![
                Evidence::speaks_for(
                    format!(
                        "{in_group}{} of a second or more {} closed instead of answered{apart}, nearly all after {} s or \
                            more",
                        plural(closed.len(), "request"),
                        if closed.len() == 1 { "was" } else { "were" },
                        seconds(limit)
                    ),
                    [("closed_from", seconds_of(limit)), ("closed", closed.len() as f64)],
                ),
                Evidence::weighed(
                    beyond == 0,
                    format!(
                        "of {of_group}requests that took that long, {} answered; the slowest answer below that took \
                            {} s",
                        if beyond == 0 { "none was".to_owned() } else { number_were(beyond) },
                        seconds(longest)
                    ),
                    [("answered_beyond", beyond as f64), ("slowest_answer", seconds_of(longest))],
                ),
                Evidence::speaks_for(
                    "a server does this if it lets requests run past its timeout and then closes the connection",
                    [],
                ),
            ]
            .into_iter()
            .map(|statement: Evidence| if targets.len() > 1 { statement.of_group() } else { statement })
            .collect(),
            ..Verdict::new(&causes::TARGET_REQUEST_TIMEOUT, if is_sure { Confidence::High } else { Confidence::Medium })
        }
    })
}

fn is_closed(timed_request: &TimedRequest) -> bool {
    timed_request.outcome == Outcome::ClosedBeforeResponse
}

fn is_answered_500(timed_request: &TimedRequest) -> bool {
    timed_request.outcome == Outcome::TargetError
}

fn cut_off(group: &GroupView<'_>, targets: &[usize]) -> Vec<Verdict> {
    let of = |index: usize, wanted: fn(&TimedRequest) -> bool| group.unexplained(index).filter(move |(_, p)| wanted(p));
    let times_of = |wanted: fn(&TimedRequest) -> bool| -> Vec<Duration> {
        targets.iter().flat_map(|&index| of(index, wanted)).map(|(_, timed_request)| timed_request.took()).collect()
    };
    let either: fn(&TimedRequest) -> bool = |timed_request| is_closed(timed_request) || is_answered_500(timed_request);
    let closed_wall = wall(&times_of(is_closed)).map(|wall| (wall, is_closed as fn(&TimedRequest) -> bool));
    // Closed requests and 500s at the same wall come from one timeout.
    let found = match closed_wall {
        Some((wall, _)) if times_of(is_answered_500).iter().any(|time| wall.holds(*time)) => Some((wall, either)),
        Some(found) => Some(found),
        None => wall(&times_of(either)).filter(|wall| is_smeared(&times_of(either), wall)).map(|wall| (wall, either)),
    };
    let Some((wall, wanted)) = found else { return Vec::new() };
    let held = |index: usize| of(index, wanted).filter(|(_, timed_request)| wall.holds(timed_request.took()));
    let mut moments: Vec<Timestamp> =
        targets.iter().flat_map(|&index| held(index)).map(|(_, timed_request)| timed_request.ended).collect();
    moments.sort_unstable();
    // Answered requests that ran longer speak against a timeout, which applies to every request.
    let longer = |index: &usize| {
        group.targets[*index].answered().filter(|timed_request| timed_request.took() > wall.at + wall.thickness).count()
    };
    let longer: usize = targets.iter().map(longer).sum();
    if episodes(&moments, MOMENT_GAP).len() < MIN_MOMENTS || longer > moments.len() {
        return Vec::new();
    }
    let slow = times_of(wanted).into_iter().filter(|time| *time >= Duration::from_secs(1)).count();
    let answered = targets.iter().flat_map(|&index| held(index)).filter(|(_, p)| is_answered_500(p)).count();
    let explained = targets.iter().map(|&target_index| ExplainedFailures {
        target_index,
        request_indices: held(target_index).map(|(index, _)| index).collect(),
    });
    let is_such = |it: &TimedRequest| {
        (is_closed(it) || answered > 0 && is_answered_500(it)) && it.took() >= Duration::from_secs(1)
    };
    let apart = group.explained_apart(targets, is_such);
    let is_group = targets.len() > 1;
    share_out(explained, |count, _| {
        conclude(group, &wall, (is_group, &apart), count, [moments.len(), slow, answered, longer])
    })
}

/// Whether a wall is as thick as a supervisor makes it, from the 10th to the 90th percentile of its times.
fn is_smeared(times: &[Duration], wall: &Wall) -> bool {
    let mut held: Vec<Duration> = times.iter().copied().filter(|time| wall.holds(*time)).collect();
    held.sort_unstable();
    let tenth = held.len() / 10;
    held.len() >= MIN_MOMENTS && held[held.len() - 1 - tenth].saturating_sub(held[tenth]) >= MIN_SPREAD
}

/// `is_group` says whether the numbers are those of the target group; `apart` tells what they leave out.
fn conclude(
    group: &GroupView<'_>,
    wall: &Wall,
    (is_group, apart): (bool, &str),
    count: usize,
    [held, slow, answered, longer]: [usize; 4],
) -> Verdict {
    let of_group = if is_group { "the target group's " } else { "" };
    let idle_timeout = group.idle_timeout();
    let is_below = wall.at < idle_timeout;
    let is_many = held >= MIN_TIMES_FOR_HIGH && count as u64 >= MIN_FAILURES_FOR_HIGH;
    // 500s may come from timers of the application.
    let is_closing = answered * 2 < held;
    let confidence =
        if is_many && is_below && longer == 0 && is_closing { Confidence::High } else { Confidence::Medium };
    let of_which = if is_group { "in the target group, " } else { "" };
    let mut evidence = vec![
        Evidence::speaks_for(
            format!(
                "of {of_group}{} that failed like this after a second or more{apart}, {} failed {} to {} s after they \
                    were sent",
                plural(slow, "request"),
                grouped(held as u64),
                seconds(wall.at),
                seconds(wall.at + wall.thickness),
            ),
            [
                ("wall_times", held as f64),
                ("wall_from", seconds_of(wall.at)),
                ("wall_to", seconds_of(wall.at + wall.thickness)),
            ],
        ),
        Evidence::weighed(
            is_below,
            format!(
                "that is {} the idle timeout of {} s",
                if is_below { "below" } else { "not below" },
                seconds(idle_timeout)
            ),
            [("idle_timeout", seconds_of(idle_timeout))],
        ),
        match longer {
            0 => Evidence::speaks_for(format!("{of_which}no answered request took longer"), [("answered_later", 0.0)]),
            longer => Evidence::speaks_against(
                format!("{of_which}{} answered after a longer time", plural_are(longer, "request")),
                [("answered_later", longer as f64)],
            ),
        },
    ];
    if answered > 0 {
        evidence.push(Evidence::weighed(
            is_closing,
            format!(
                "of them, {} answered by the target with an error, as some servers do for a killed worker",
                number_were(answered)
            ),
            [("answered_500", answered as f64)],
        ));
    }
    if is_group {
        evidence = evidence.into_iter().map(Evidence::of_group).collect();
    }
    Verdict {
        also_fits: if is_closing {
            vec![&causes::TARGET_CRASH]
        } else {
            vec![&causes::APPLICATION_ERROR, &causes::TARGET_CRASH]
        },
        estimates: Estimates { timeout: Some(wall.timeout()), ..Estimates::default() },
        evidence,
        ..Verdict::new(&causes::TARGET_REQUEST_TIMEOUT, confidence)
    }
}
