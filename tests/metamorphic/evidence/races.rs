//! Sentences on connections that were closed as soon as a request was sent: bursts, and races for idle connections.

use std::collections::BTreeSet;

use super::bounds::{Usual, median, runs, sent};
use super::closed::{bursts, is_closed, of_kind};
use super::reader::{Request, SECOND};
use super::recount::Recount;
use super::words::{decimal, holds, is_share, micros, near, number, same, within};
use super::{Form, form};

pub(super) const FORMS: &[Form] = &[
    form("{} closed within half a second of being sent; {} of them came in {}, each at several targets", in_bursts),
    form("{} of the {} had some at these moments; {} of them answered requests after that", at_these_moments),
    form("{} closed by the target within half a second of being sent, {} % of them in {}", share_in_bursts),
    form(
        "{} closed by the target within half a second of being sent, {} % of its requests at that time",
        share_of_requests,
    ),
    form("in the same minutes, the target answered {}", answered_in_minutes),
    form(
        "in the same minutes, {} of its {} ended with an error of its own; in the other minutes, {} of {} did",
        own_errors,
    ),
    form("{} closed within half a second of being sent, and no crash explains them", closed_at_once),
    form(
        "in the target group, {} of {} such failures examined came {} to {} s after an answer on the same node and \
         target; of the answered requests compared, {} in 100 did",
        after_an_answer,
    ),
    form("so the targets' keep-alive timeout is about {} s; the idle timeout is {} s", keep_alive),
    form("in the target group, they were spread over {} routes, and answers were not slow meanwhile", spread),
    form(
        "the times since earlier answers on the same node and target do not pile up anywhere, as they would at nearly any \
         server's default keep-alive timeout",
        no_pile,
    ),
    form(
        "the log does not show how long connections had been idle, so the keep-alive timeout cannot be estimated",
        closed_in_all,
    ),
];

fn is_quick(request: &Request<'_>) -> bool {
    is_closed(request) && request.took() <= SECOND / 2 + 200
}

/// The requests that were closed at once, of a finding that may also have other errors.
fn quick<'r>(recount: &Recount<'r>) -> Option<Vec<&'r Request<'r>>> {
    let failed = recount.failed.narrowed(|it| is_quick(it) || !is_closed(it));
    failed.is_exact().then(|| failed.certain.into_iter().filter(|it| is_quick(it)).collect())
}

fn in_bursts(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    recount.failed.all(number(said[0]), "closed at once", is_quick)?;
    let Some(closed) = quick(recount) else { return Ok(()) };
    let mut bursts = bursts(&closed);
    bursts.retain(|burst| burst.iter().any(|request| request.target != burst[0].target));
    same(bursts.len(), number(said[2]), 0)?;
    same(bursts.iter().map(Vec::len).sum(), number(said[1]), 0)
}

fn at_these_moments(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    same(recount.targets().len(), number(said[1]), 0)?;
    let Some(closed) = quick(recount) else { return Ok(()) };
    let mut bursts = bursts(&closed);
    bursts.retain(|burst| burst.iter().any(|request| request.target != burst[0].target));
    let targets: BTreeSet<&str> = bursts.iter().flatten().map(|request| request.target).collect();
    let last = bursts.iter().flatten().map(|request| request.ended).max().unwrap_or_default();
    same(targets.len(), number(said[0]), 0)?;
    let answers =
        |target: &&&str| recount.timed().any(|it| it.target == **target && it.is_answered() && it.sent > last);
    same(targets.iter().filter(answers).count(), number(said[2]), 0)
}

fn share_in_bursts(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    recount.failed.number(number(said[0]), "closed at once", is_quick)?;
    let Some(closed) = quick(recount) else { return Ok(()) };
    let bursts = bursts(&closed);
    same(bursts.len(), number(said[2]), 0)?;
    let held = bursts.iter().map(Vec::len).sum();
    holds(is_share(held, closed.len(), said[1]), &format!("{held} of {}", closed.len()))
}

fn share_of_requests(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    recount.failed.number(number(said[0]), "closed at once", is_quick)?;
    let Some(closed) = quick(recount) else { return Ok(()) };
    let spans: Vec<_> =
        runs(&closed, sent, 60 * SECOND).iter().map(|run| run[0].sent..=run[run.len() - 1].sent).collect();
    let requests = recount.of_target().filter(|it| spans.iter().any(|span| span.contains(&it.sent))).count();
    let is_near = (0..=spans.len() * 2).any(|less| is_share(closed.len(), requests.saturating_sub(less), said[1]));
    holds(is_near, &format!("{} of {requests}", closed.len()))
}

fn minute(request: &Request<'_>) -> i64 {
    request.ended.div_euclid(60 * SECOND)
}

fn answered_in_minutes(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let Some(closed) = quick(recount) else { return Ok(()) };
    let minutes: BTreeSet<i64> = closed.iter().map(|it| minute(it)).collect();
    same(recount.of_target().filter(|it| it.is_answered() && minutes.contains(&minute(it))).count(), number(said[0]), 0)
}

fn own_errors(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let Some(closed) = quick(recount) else { return Ok(()) };
    let minutes: BTreeSet<i64> = closed.iter().map(|it| minute(it)).collect();
    let (then, otherwise): (Vec<_>, Vec<_>) = recount.of_target().partition(|it| minutes.contains(&minute(it)));
    let errors = |of: &[&Request<'_>]| {
        of.iter().filter(|it| it.outcome.starts_with("target-") && it.fails && it.has_answer()).count()
    };
    same(errors(&then), number(said[0]), 0)?;
    same(then.len(), number(said[1]), 0)?;
    same(errors(&otherwise), number(said[2]), 0)?;
    same(otherwise.len(), number(said[3]), 0)
}

fn closed_at_once(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    recount.failed.all(number(said[0]), "closed at once", is_quick)
}

/// Whether an answer on the same node and target had ended so long before it was sent.
fn follows(recount: &Recount<'_>, request: &Request<'_>, low: i64, high: i64) -> bool {
    let range = request.sent - high - 1_200..=request.sent - low + 1_200;
    recount.timed().any(|it| {
        it.node == request.node && it.target == request.target && it.is_answered() && range.contains(&it.ended)
    })
}

fn after_an_answer(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let (hits, examined) = (number(said[0]), number(said[1]));
    let (low, high) = (micros(said[2]), micros(said[3]));
    // A few at each of some targets may be in no finding.
    let quick: Vec<_> = recount.timed().filter(|it| is_quick(it)).collect();
    holds(examined <= quick.len(), &format!("{} were closed at once", quick.len()))?;
    let after: usize = quick.iter().filter(|it| follows(recount, it, low, high)).count();
    // Of a burst, one is examined; and of very many, a part.
    let least = if examined == quick.len() { after } else { 0 };
    within((least, after), hits, "after an answer")?;
    // The answered requests near them. The program takes those that had the same chance of such an answer.
    let mut near: Vec<&Request<'_>> = Vec::new();
    for failure in quick.iter().step_by(quick.len().div_ceil(20)) {
        let span = failure.sent - 600 * SECOND..failure.sent + 600 * SECOND;
        let alike = recount.timed().filter(|it| {
            it.node == failure.node && it.target == failure.target && it.is_answered() && span.contains(&it.ended)
        });
        let alike: Vec<_> = alike.collect();
        near.extend(alike.iter().step_by(alike.len().div_ceil(20).max(1)));
    }
    let share = near.iter().filter(|it| follows(recount, it, low, high)).count() as f64 / near.len().max(1) as f64;
    holds(
        (share * 100.0 - decimal(said[4])).abs() <= 25.0,
        &format!("{:.0} in 100 of all answered ones did", share * 100.0),
    )
}

fn keep_alive(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    near(recount.idle_timeout(), micros(said[1]), "the idle timeout")?;
    let Some(all) = recount.all_alike() else { return Ok(()) };
    // A timer fires late, never early: up to a few seconds after the timeout.
    let timeout = micros(said[0]);
    let quick: Vec<_> = all.possible.into_iter().filter(|it| is_quick(it)).collect();
    let after = quick.iter().filter(|it| follows(recount, it, timeout - 60_000, timeout + 5 * SECOND)).count();
    holds(after >= 6, &format!("only {after} follow an answer after that time"))
}

fn spread(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let Some(all) = of_kind(recount) else { return Ok(()) };
    let counted = Usual::routes(all.iter().copied().filter(|it| !it.method.is_empty()));
    within((counted.saturating_sub(2), counted + 2), number(said[0]), "routes")?;
    let (Some(first), Some(last)) = (all.iter().map(|it| it.ended).min(), all.iter().map(|it| it.ended).max()) else {
        return Ok(());
    };
    let usual = Usual::new(recount);
    let then = recount.timed().filter(|it| it.is_answered() && (first..=last).contains(&it.sent));
    let factor = median(then.filter_map(|it| usual.factor(it)).collect()).unwrap_or_default();
    holds(factor < 4.0, &format!("answers took {factor:.1} times as long as usual"))
}

fn no_pile(recount: &Recount<'_>, _: &[&str]) -> Result<(), String> {
    let Some(all) = of_kind(recount) else { return Ok(()) };
    // No default of a server has half of them, and hardly any of the answered requests.
    for seconds in [5, 15, 20, 30, 60, 65, 75] {
        let (low, high) = (seconds * SECOND - 20_000, seconds * SECOND + 150_000);
        let after = all.iter().filter(|it| follows(recount, it, low, high)).count();
        let answered: Vec<_> = recount.timed().filter(|it| it.is_answered()).collect();
        let some: Vec<_> = answered.iter().step_by(answered.len().div_ceil(100).max(1)).collect();
        let others = some.iter().filter(|it| follows(recount, it, low, high)).count() as f64 / some.len().max(1) as f64;
        let share = after as f64 / all.len() as f64;
        holds(
            share < 0.6 || others > share / 4.0,
            &format!("{after} of {} follow an answer after {seconds} s", all.len()),
        )?;
    }
    Ok(())
}

fn closed_in_all(recount: &Recount<'_>, _: &[&str]) -> Result<(), String> {
    holds(recount.failed.possible.iter().any(|it| is_quick(it)), "nothing was closed at once")
}
