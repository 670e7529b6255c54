//! Requests that the target closed here and there, when their answers were due. They are not lost idle connections,
//! which would end them sooner, and they share no route, process death or timeout. If only one target has them,
//! workers of its process die under them. If all targets have them, and held them for longer than usual, workers are
//! replaced with requests unread. Otherwise the log does not show why, and the verdict says so.

use std::time::Duration;

use crate::aggregate::timeline::TimedRequest;
use crate::classify::Outcome;
use crate::diagnose::confidence::{Confidence, MIN_FAILURES_FOR_HIGH};
use crate::diagnose::evidence::{Evidence, plural, plural_are, seconds, seconds_of};
use crate::diagnose::group_view::{GroupView, WHEN_DUE};
use crate::diagnose::measure::bursts::Bursts;
use crate::diagnose::measure::load::median_took;
use crate::diagnose::measure::share::{Rate, concentrated};
use crate::diagnose::measure::walls::{sharp_wall, wall};
use crate::diagnose::verdict::{ExplainedFailures, Verdict, share_out};
use crate::knowledge::causes;
use crate::timestamp::Timestamp;

/// Fewer closed requests of a single target are not a pattern.
const MIN_CLOSED: usize = 5;

/// A target that closes an idle connection ends the request within this time.
const QUICK: Duration = Duration::from_millis(100);

/// Two requests that were sent further apart than this, and ended within `TOGETHER` of each other, died of the same
/// cause.
const APART: Duration = Duration::from_millis(100);
const TOGETHER: Duration = Duration::from_millis(250);

/// Requests that were held for this many times the usual time, in the median, may have lain unread in a worker that
/// finished others.
const LAY_UNREAD: std::ops::Range<f64> = 2.0..10.0;

/// The quantile of a target's answer times that bounds the time of its network.
const QUICKEST: f64 = 0.01;

pub(super) fn detect(group: &GroupView<'_>) -> Vec<Verdict> {
    let all: Vec<&TimedRequest> =
        (0..group.targets.len()).flat_map(|index| closed(group, index)).map(|(_, p)| p).collect();
    let Some(share) = group.share_of_usual(all.iter().copied()) else { return Vec::new() };
    if share < WHEN_DUE || !took_longer_than_the_network(group, &all) {
        return Vec::new();
    }
    let by_target: Vec<Rate> = (0..group.targets.len())
        .map(|target_index| Rate {
            failures: closed(group, target_index).count(),
            requests: group.targets[target_index].timed_requests.len(),
        })
        .collect();
    match concentrated(&by_target)[..] {
        [target_index] if by_target[target_index].failures >= MIN_CLOSED => {
            of_one_target(group, target_index).into_iter().collect()
        }
        _ if all.len() as u64 >= MIN_FAILURES_FOR_HIGH => of_all_targets(group, share, &by_target),
        _ => Vec::new(),
    }
}

fn closed<'a>(group: &'a GroupView<'_>, target_index: usize) -> impl Iterator<Item = (usize, &'a TimedRequest)> {
    group.unexplained(target_index).filter(|(_, timed_request)| timed_request.outcome == Outcome::ClosedBeforeResponse)
}

/// Whether the requests took clearly longer than the way to the target and back, in the median. A request on a
/// connection that the target has closed ends after that way: within [`QUICK`], and no later than the quickest answers.
fn took_longer_than_the_network(group: &GroupView<'_>, closed: &[&TimedRequest]) -> bool {
    let quickest = group.targets.iter().filter_map(|target| target.totals.latency.quantile(QUICKEST)).min();
    let median = median_took(closed.iter().copied());
    median.zip(quickest).is_some_and(|(median, quickest)| median > QUICK || median >= quickest * 2)
}

/// Evidence on how long these requests were held, and what that is compared with their usual time.
fn held(what: &str, share: f64, median: Duration) -> Evidence {
    // With a quick network, a few milliseconds say nothing.
    let sooner = if median > QUICK { "; a request on a connection that was closed before ends sooner" } else { "" };
    Evidence::speaks_for(
        format!(
            "{what} had held them for {} s, {share:.1} times as long as such requests usually take (medians){sooner}",
            seconds(median)
        ),
        [("held", seconds_of(median)), ("share_of_usual", share)],
    )
}

fn of_one_target(group: &GroupView<'_>, target_index: usize) -> Option<Verdict> {
    let ended: Vec<&TimedRequest> = closed(group, target_index).map(|(_, timed_request)| timed_request).collect();
    let is_of_one_death = |pair: &[&TimedRequest]| {
        let within = |micros: i64, most: Duration| u128::from(micros.unsigned_abs()) <= most.as_micros();
        within(pair[1].ended.micros_since(pair[0].ended), TOGETHER)
            && !within(pair[1].dispatched.micros_since(pair[0].dispatched), APART)
    };
    let together = ended.windows(2).filter(|pair| is_of_one_death(pair)).count();
    // A worker that dies hits long requests more often than quick ones. If nearly all were quick, lost idle
    // connections are just as likely.
    let quick = ended.iter().filter(|timed_request| timed_request.took() <= QUICK).count();
    if together == 0 && quick * 10 >= ended.len() * 9 {
        return None;
    }
    let confidence = if together >= 2 { Confidence::Medium } else { Confidence::Low };
    let all: Vec<usize> = (0..group.targets.len()).collect();
    let elsewhere: usize = all.iter().map(|&index| closed(group, index).count()).sum::<usize>() - ended.len();
    let apart = group.explained_apart(&all, |it| it.outcome == Outcome::ClosedBeforeResponse);
    let (share, median) = (group.share_of_usual(ended.iter().copied())?, median_took(ended.iter().copied())?);
    let evidence = vec![
        Evidence::speaks_for(
            format!(
                "{} closed at this target, and {elsewhere} at all others of the group{apart}: perhaps one of its workers, \
                    or something that it runs, died meanwhile",
                plural_are(ended.len(), "request")
            ),
            [("closed_elsewhere", elsewhere as f64)],
        ),
        Evidence::weighed(
            together > 0,
            match together {
                0 => "no two of them that were sent at different times ended together".to_owned(),
                1 => "once, two that were sent at different times ended together".to_owned(),
                times => format!("{times} times, two that were sent at different times ended together"),
            },
            [("ended_together", together as f64)],
        ),
        held("the target", share, median),
    ];
    let indices = closed(group, target_index).map(|(index, _)| index).collect();
    Some(Verdict {
        also_fits: vec![&causes::MALFORMED_RESPONSE, &causes::UNEXPLAINED],
        evidence,
        ..Verdict::on_target(&causes::TARGET_CRASH, confidence, target_index, indices)
    })
}

fn of_all_targets(group: &GroupView<'_>, share: f64, by_target: &[Rate]) -> Vec<Verdict> {
    let all: Vec<&TimedRequest> =
        (0..group.targets.len()).flat_map(|index| closed(group, index)).map(|(_, request)| request).collect();
    let median = median_took(all.iter().copied());
    let explained = (0..group.targets.len()).map(|target_index| ExplainedFailures {
        target_index,
        request_indices: closed(group, target_index).map(|(index, _)| index).collect(),
    });
    // Requests that lay unread in a worker until it ended were held for longer than any of them takes.
    let lay_unread = LAY_UNREAD.contains(&share);
    let cause = if lay_unread { &causes::SERVER_RECYCLING } else { &causes::UNEXPLAINED };
    let shared = nothing_shared(group, &all, by_target);
    share_out(explained, |count, _| {
        let mut evidence =
            vec![Evidence::speaks_for(format!("{} closed before an answer", plural_are(count, "request")), [])];
        evidence.extend(shared.clone());
        evidence.extend(median.map(|median| held("in the target group, the targets", share, median).of_group()));
        Verdict {
            also_fits: vec![&causes::TARGET_CRASH, &causes::MALFORMED_RESPONSE],
            evidence,
            ..Verdict::new(cause, Confidence::Low)
        }
    })
}

/// Evidence on what these requests of the group do not have in common. `None` if they have all of it in common.
fn nothing_shared(group: &GroupView<'_>, all: &[&TimedRequest], by_target: &[Rate]) -> Option<Evidence> {
    let mut moments: Vec<Timestamp> = all.iter().map(|request| request.ended).collect();
    moments.sort_unstable();
    let times: Vec<Duration> = all.iter().map(|request| request.took()).collect();
    let by_route = group.route_rates(all.iter().copied());
    let failing = by_target.iter().filter(|rate| rate.failures > 0).count();
    let none = [
        ("moment", Bursts::new(&moments).share() * 2.0 <= 1.0),
        ("route", by_route.failing().len() > 1 && by_route.concentrated().is_empty()),
        ("target", failing > 1 && concentrated(by_target).is_empty()),
        ("constant time", sharp_wall(&times).or_else(|| wall(&times)).is_none()),
    ];
    let none: Vec<&str> = none.into_iter().filter(|(_, is_none)| *is_none).map(|(what, _)| what).collect();
    let (last, first) = none.split_last()?;
    let listed = if first.is_empty() { (*last).to_owned() } else { format!("{} or {last}", first.join(", ")) };
    let text = format!("in the target group, {} have no {listed} in common", plural(all.len(), "such request"));
    Some(Evidence::speaks_for(text, [("closed", all.len() as f64)]).of_group())
}
