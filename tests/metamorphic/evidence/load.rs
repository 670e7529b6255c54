//! Sentences on load: slow answers, request rates, and what all targets share.

use std::collections::BTreeSet;

use super::bounds::{Usual, median, runs, sent};
use super::reader::{Request, SECOND};
use super::recount::Recount;
use super::shared::routes;
use super::words::{alike, between, decimal, holds, is_share, micros, number, same, within};
use super::{Form, form};

pub(super) const FORMS: &[Form] = &[
    form("the failures were sent within {} s", all_sent_within),
    form("in the episode with the most failures, they were sent within {} s", episode_lasted),
    form("in the minute before the first of them, answers took {} times as long as usual (median)", slow_before),
    form(
        "in the minute before the first of them, answers on routes with few failures took {} times as long as usual \
         (median)",
        slow_before_elsewhere,
    ),
    form("requests that were sent in that time and answered took {} times as long as usual (median)", slow_during),
    form(
        "requests on routes with few failures that were sent in that time and answered took {} times as long as usual \
         (median)",
        slow_during_elsewhere,
    ),
    form("it answered too few requests at other times to compare them", too_few_to_compare),
    form("{} requests were in flight then on average; from three minutes to one minute before, {}", in_flight),
    form(
        "in that time and the minute before, the request rate per target in use was {} times the rate at other times",
        rate_with_lead,
    ),
    form("the request rate per target in use was {} times the rate at other times", rate),
    form("of {} in use, {} slow then, too", slow_others),
    form("{} of the {} in use failed, {} within {} s of the first", targets_in_use),
    form("in the largest of {} episodes, {} of the {} in use failed, {} within {} s of the first", targets_in_use_then),
    form("then {} % of {} to {} failed; just before, {} % of {} did", affected_before),
    form("then {} % of {} to {} failed; just after, {} % of {} did", affected_after),
    form(
        "{} of these {} failures came {} to {} s after the request was sent: a timeout that they share, such as that of a \
         connection pool or of a client of the dependency",
        shared_timeout,
    ),
    form("they had waited far longer than usual", waited_long),
    form("they failed without a long wait", failed_quickly),
];

/// The failures of the episode with the most of them: with pauses of at most so many seconds.
fn largest<'r>(recount: &Recount<'r>, pause: i64) -> Option<Vec<&'r Request<'r>>> {
    if !recount.failed.is_exact() {
        return None;
    }
    let mut episodes = runs(&recount.failed.certain, sent, pause * SECOND);
    episodes.sort_by_key(Vec::len);
    let largest = episodes.pop()?;
    // Of two that are as large, it may be either.
    (episodes.last().is_none_or(|other| other.len() < largest.len())).then_some(largest)
}

fn span(requests: &[&Request<'_>]) -> (i64, i64) {
    (requests[0].sent, requests[requests.len() - 1].sent)
}

/// The median factor of the answers that were sent in a span.
fn slowdown(recount: &Recount<'_>, target: &str, (first, last): (i64, i64)) -> Option<f64> {
    let usual = Usual::new(recount);
    let then =
        recount.timed().filter(|it| it.target == target && it.is_answered() && (first..=last).contains(&it.sent));
    median(then.filter_map(|it| usual.factor(it)).collect())
}

/// The least and the most that a median is, if some routes are left out of it.
fn slow_elsewhere(recount: &Recount<'_>, (first, last): (i64, i64), said: &str) -> Result<(), String> {
    let usual = Usual::new(recount);
    let then = recount.of_target().filter(|it| it.is_answered() && (first..=last).contains(&it.sent));
    let factors: Vec<f64> = then.filter_map(|it| usual.factor(it)).collect();
    let (low, high) = factors.iter().fold((f64::MAX, 0.0_f64), |(low, high), &it| (it.min(low), it.max(high)));
    holds((low - 0.1..=high + 0.1).contains(&decimal(said)), &format!("from {low} to {high}"))
}

fn slow_before_elsewhere(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let Some(episode) = largest(recount, 60) else { return Ok(()) };
    let first = span(&episode).0;
    slow_elsewhere(recount, (first - 60 * SECOND, first - 1), said[0])
}

fn slow_during_elsewhere(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let Some(episode) = largest(recount, 60) else { return Ok(()) };
    slow_elsewhere(recount, span(&episode), said[0])
}

fn slow_before(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let (Some(episode), Some(target)) = (largest(recount, 60), recount.target.as_deref()) else { return Ok(()) };
    let first = span(&episode).0;
    let factor = slowdown(recount, target, (first - 60 * SECOND, first - 1)).ok_or("no answers")?;
    alike(factor, decimal(said[0]), 0.03, "times as long")
}

fn slow_during(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let (Some(episode), Some(target)) = (largest(recount, 60), recount.target.as_deref()) else { return Ok(()) };
    let factor = slowdown(recount, target, span(&episode)).ok_or("no answers")?;
    alike(factor, decimal(said[0]), 0.03, "times as long")
}

fn too_few_to_compare(recount: &Recount<'_>, _: &[&str]) -> Result<(), String> {
    let Some(episode) = largest(recount, 60) else { return Ok(()) };
    let (first, last) = span(&episode);
    let outside = |it: &&Request<'_>| it.sent < first - 60 * SECOND || it.sent > last;
    let answered = recount.of_target().filter(|it| it.is_answered()).filter(outside).count();
    within((0, 40), answered, "requests were answered at other times")
}

/// How many requests to a target were in flight in a span, on average.
fn mean_in_flight(recount: &Recount<'_>, (first, last): (i64, i64)) -> f64 {
    let within = |it: &Request<'_>| (it.ended.min(last) - it.sent.max(first)).max(0) as f64;
    recount.of_target().map(within).sum::<f64>() / (last - first).max(SECOND) as f64
}

fn in_flight(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let Some(episode) = largest(recount, 60) else { return Ok(()) };
    let (first, last) = span(&episode);
    alike(mean_in_flight(recount, (first, last)), decimal(said[0]), 0.02, "in flight")?;
    let before = (first - 180 * SECOND, first - 60 * SECOND);
    alike(mean_in_flight(recount, before), decimal(said[1]), 0.02, "in flight before")
}

/// The request rate of some targets in a span, as a multiple of that at other times, by the requests at other times.
pub(crate) fn arrivals(recount: &Recount<'_>, targets: &BTreeSet<&str>, first: i64, last: i64) -> Option<f64> {
    let seconds = |micros: i64| micros as f64 / SECOND as f64;
    let during = seconds(last - first).max(1.0);
    let (mut factors, mut weights) = (0.0, 0.0);
    for target in targets {
        let all: Vec<_> = recount.in_group().filter(|it| it.target == *target).collect();
        let (begins, ends) = (all.iter().map(|it| it.ended).min()?, all.iter().map(|it| it.ended).max()?);
        let inside = all.iter().filter(|it| it.is_timed && (first..=last).contains(&it.sent)).count() as f64;
        let (outside, elsewhere) = (seconds(ends - begins) - during, all.len() as f64 - inside);
        if outside >= 10.0 && elsewhere >= 1.0 {
            factors += inside / during / (elsewhere / outside) * elsewhere;
            weights += elsewhere;
        }
    }
    (weights > 0.0).then(|| factors / weights)
}

/// The targets of the group to which at least three requests were sent in a span.
fn in_use<'r>(recount: &Recount<'r>, (first, last): (i64, i64)) -> BTreeSet<&'r str> {
    let then: Vec<_> = recount.timed().filter(|it| (first - 200..=last + 200).contains(&it.sent)).collect();
    let targets = recount.targets().into_iter();
    targets.filter(|target| then.iter().filter(|it| it.target == *target).count() >= 3).collect()
}

fn rate_from(recount: &Recount<'_>, said: &[&str], pause: i64, lead: i64) -> Result<(), String> {
    let Some(episode) = largest(recount, pause) else { return Ok(()) };
    let (first, last) = span(&episode);
    let used = in_use(recount, (first, last));
    let factor = arrivals(recount, &used, first - lead * SECOND, last).ok_or("no other times")?;
    alike(factor, decimal(said[0]), 0.02, "the rate")
}

fn rate(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    rate_from(recount, said, 30, 0)
}

fn rate_with_lead(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    rate_from(recount, said, 60, 60)
}

fn slow_others(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let Some(episode) = largest(recount, 60) else { return Ok(()) };
    let mut used = in_use(recount, span(&episode));
    used.remove(recount.target.as_deref().unwrap_or_default());
    same(used.len(), number(said[0]), 1)?;
    let count = |least: f64| {
        used.iter().filter(|it| slowdown(recount, it, span(&episode)).is_some_and(|it| it >= least)).count()
    };
    within((count(6.0), count(3.0)), number(said[1]), "slow")
}

fn episode_lasted(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let Some(episode) = largest(recount, 60) else { return Ok(()) };
    let (first, last) = span(&episode);
    let seconds = (last - first) as f64 / SECOND as f64;
    holds((seconds - decimal(said[0])).abs() <= 0.051, &format!("it lasted {seconds:.3} s"))
}

fn all_sent_within(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let Some((first, last)) = recount.sent() else { return Ok(()) };
    let seconds = (last - first) as f64 / SECOND as f64;
    holds((seconds - decimal(said[0])).abs() <= 0.051, &format!("they were sent within {seconds:.3} s"))
}

fn targets_in_use_then(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let episodes = runs(&recount.failed.certain, sent, 30 * SECOND).len();
    holds(!recount.failed.is_exact() || number(said[0]) <= episodes, &format!("{episodes} episodes"))?;
    targets_in_use(recount, &said[1..])
}

fn targets_in_use(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let Some(episode) = largest(recount, 30) else { return Ok(()) };
    let used = in_use(recount, span(&episode));
    same(used.len(), number(said[1]), 0)?;
    let mut onsets: Vec<i64> = used
        .iter()
        .filter_map(|target| episode.iter().find(|it| it.target == *target))
        .map(|it| it.sent - episode[0].sent)
        .collect();
    onsets.sort_unstable();
    let failing = number(said[0]);
    holds(failing >= onsets.len(), &format!("{} of them failed", onsets.len()))?;
    let early = onsets.iter().filter(|onset| **onset <= micros(said[3]) + 1_200).count();
    let least = if said[2] == "both" { 2 } else { failing / 2 + 1 };
    holds(early >= least, &format!("{early} of {} failed within that time", onsets.len()))
}

fn affected(recount: &Recount<'_>, said: &[&str], is_after: bool) -> Result<(), String> {
    let Some(episode) = largest(recount, 30) else { return Ok(()) };
    let (first, others) = routes(said[2]);
    let (begin, end) = span(&episode);
    let length = (end - begin).max(60 * SECOND);
    let beside = if is_after { (end + 1, end + length) } else { (begin - length, begin - 1) };
    let to_first = |(from, until): (i64, i64)| -> (usize, usize) {
        let then: Vec<_> =
            recount.timed().filter(|it| (from - 200..=until + 200).contains(&it.sent) && it.is_to(first)).collect();
        (then.iter().filter(|it| it.fails).count(), then.len())
    };
    let ((failed, requests), (failed_beside, beside)) = (to_first((begin, end)), to_first(beside));
    if others == 0 {
        same(requests, number(said[1]), 2)?;
        same(beside, number(said[4]), 2)?;
        let is_near = |part: usize, whole: usize, said: &str| {
            let about = |number: usize| number.saturating_sub(2)..=number + 2;
            about(part).any(|part| about(whole).any(|whole| is_share(part, whole, said)))
        };
        holds(is_near(failed, requests, said[0]), &format!("{failed} of {requests} failed"))?;
        return holds(is_near(failed_beside, beside, said[3]), &format!("{failed_beside} of {beside} failed"));
    }
    holds(requests <= number(said[1]) + 2 && beside <= number(said[4]) + 2, "the first route alone has more")?;
    holds(decimal(said[0]) <= 100.0 && decimal(said[3]) <= 100.0, "more than all")
}

fn affected_before(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    affected(recount, said, false)
}

fn affected_after(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    affected(recount, said, true)
}

fn shared_timeout(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let Some(episode) = largest(recount, 30) else { return Ok(()) };
    same(episode.len(), number(said[1]), 0)?;
    within(between(episode.iter().map(|it| it.took()), said[2], said[3]), number(said[0]), "at that time")
}

fn waited_long(recount: &Recount<'_>, _: &[&str]) -> Result<(), String> {
    let usual = Usual::new(recount);
    let is_long = |it: &&&Request<'_>| {
        it.took() >= 400_000 - 200 && usual.of(it).is_none_or(|usual| it.took() as f64 >= usual as f64 * 3.5)
    };
    let long = recount.failed.certain.iter().filter(is_long).count();
    holds(long * 10 >= recount.failed.certain.len() * 9, &format!("{long} of {} did", recount.failed.certain.len()))
}

fn failed_quickly(recount: &Recount<'_>, _: &[&str]) -> Result<(), String> {
    let usual = Usual::new(recount);
    let is_quick = |it: &&&Request<'_>| {
        it.took() <= 400_200 || usual.of(it).is_some_and(|usual| it.took() as f64 <= usual as f64 * 4.5)
    };
    let quick = recount.failed.certain.iter().filter(is_quick).count();
    holds(quick * 10 >= recount.failed.certain.len() * 9, &format!("{quick} of {} did", recount.failed.certain.len()))
}
