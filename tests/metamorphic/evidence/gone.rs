//! Sentences on targets that ended: deaths, restarts, replacements, removals.

use std::collections::BTreeSet;

use super::bounds::{self, ended};
use super::failed::Failed;
use super::reader::{Request, SECOND};
use super::recount::Recount;
use super::words::{decimal, holds, micros, near, number, same};
use super::{Form, form};

pub(super) const FORMS: &[Form] = &[
    form("1 request in flight was cut", one_cut),
    form("{} in flight ended together, at one moment", ended_at_once),
    form("{} in flight ended together, at {} different moments", ended_at_moments),
    form("{} in flight were cut, at {} different moments", cut_at_moments),
    form("{} closed while connections were still refused", closed_later),
    form("they were sent over a period of {} s and ended within {} s", sent_over),
    form("{} refused", refused),
    form("then {} refused", then_refused),
    form("no request in flight was answered", none_survived),
    form("{} in flight then and answered", survived),
    form("{} in flight then but answered anyway", survived),
    form(
        "{} in flight then but answered anyway: perhaps one of about {} workers died, not the whole process",
        survived_of_workers,
    ),
    form("the first request that the target answered again was sent {} s later", answered_again),
    form("the target never answered again", never_again),
    form("no request sent to the target later was answered", no_later),
    form(
        "in the 10 minutes before, at least as many targets of the group had started as had ended: it was replaced on \
         purpose",
        replaced,
    ),
    form("{} targets of the group were replaced like this", replaced_like_this),
    form("no request in flight was cut, so the log does not show how the process ended", none_cut),
    form("{} targets of the group were away with no request cut, and came back", away_alike),
    form("all {} targets of the group were away, never two at a time", away_in_turn),
    form("no target of the group started in the {} s after it, and {} went on answering", no_successor),
    form(
        "{} targets of the group, this one included, ended within 2 minutes of it and never answered again",
        gone_together,
    ),
];

/// How long after an instant a request in flight must end to have survived it.
const SURVIVED_BY: i64 = 20_000;

pub(super) fn is_cut(request: &Request<'_>) -> bool {
    request.outcome == "closed-before-response"
}

pub(super) fn is_refused(request: &Request<'_>) -> bool {
    request.outcome == "connect-failed"
}

/// The requests of the finding's cut: those that were closed.
pub(super) fn cuts<'r>(recount: &Recount<'r>) -> Vec<&'r Request<'r>> {
    let mut cuts: Vec<_> = recount.failed.certain.iter().copied().filter(|request| is_cut(request)).collect();
    cuts.sort_by_key(|request| request.ended);
    cuts
}

/// The cut requests by moment: each within a quarter of a second of the first one. Requests that were closed after a
/// connection was refused, and before another was, belong to the moment before.
fn moments<'r>(recount: &Recount<'r>) -> Vec<Vec<&'r Request<'r>>> {
    let refused: Vec<i64> = recount.failed.certain.iter().filter(|it| is_refused(it)).map(|it| it.ended).collect();
    let mut moments: Vec<Vec<&Request<'_>>> = Vec::new();
    for cut in cuts(recount) {
        let Some(moment) = moments.last_mut() else {
            moments.push(vec![cut]);
            continue;
        };
        let first = moment[0].ended;
        if cut.ended - first <= SECOND / 4 + 200 {
            moment.push(cut);
        } else if !is_while_refused(recount, &refused, first, cut.ended) {
            moments.push(vec![cut]);
        }
    }
    moments
}

/// Whether connections were refused after `since` until `end` or later, with no request answered that was sent since.
fn is_while_refused(recount: &Recount<'_>, refused: &[i64], since: i64, end: i64) -> bool {
    let is_back =
        |until: i64| recount.of_target().any(|it| it.is_answered() && it.sent > since + SECOND / 4 && it.ended < until);
    refused.iter().any(|at| *at >= end && !is_back(*at))
        && refused.iter().any(|at| (since..=since + 5 * SECOND).contains(at))
}

fn one_cut(recount: &Recount<'_>, _: &[&str]) -> Result<(), String> {
    let (_, most) = recount.failed.bounds(is_cut);
    holds(most >= 1 && (!recount.failed.is_exact() || moments(recount).concat().len() == 1), &format!("{most} were"))
}

fn ended_at_once(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    ended_at_moments(recount, &[said[0], "1"])
}

fn cut_at_moments(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let (_, most) = recount.failed.bounds(is_cut);
    holds(number(said[0]) <= most, &format!("{most} were cut"))?;
    if !recount.failed.is_exact() {
        return Ok(());
    }
    let moments = moments(recount);
    same(moments.concat().len(), number(said[0]), 0)?;
    same(moments.len(), number(said[1]), 0)
}

fn ended_at_moments(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    cut_at_moments(recount, said)?;
    let alone = moments(recount).iter().filter(|moment| moment.len() < 2).count();
    holds(
        alone == 0 || !recount.failed.is_exact(),
        &format!("{alone} of the moments have a single request: it ended together with none"),
    )
}

fn closed_later(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    if !recount.failed.is_exact() {
        return Ok(());
    }
    same(cuts(recount).len() - moments(recount).concat().len(), number(said[0]), 0)
}

fn sent_over(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    if !recount.failed.is_exact() {
        return Ok(());
    }
    let cuts = moments(recount).concat();
    let spread = |of: fn(&Request<'_>) -> i64| {
        let times = || cuts.iter().map(|request| of(request));
        times().max().unwrap_or_default() - times().min().unwrap_or_default()
    };
    near(spread(bounds::sent), micros(said[0]), "sent over")?;
    near(spread(ended), micros(said[1]), "ended within")
}

fn refused(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    recount.failed.number(number(said[0]), "refused", is_refused)
}

fn then_refused(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    refused(recount, said)?;
    let Some(first) = cuts(recount).first().map(|cut| cut.ended) else { return Ok(()) };
    let before = recount.failed.certain.iter().filter(|it| is_refused(it) && it.ended < first).count();
    holds(before == 0, &format!("{before} of them were refused before"))
}

/// The instants of the finding: the first end of each moment at which requests were cut, and the first refusal if
/// none was. With the last end of each.
fn instants(recount: &Recount<'_>) -> Vec<(i64, i64)> {
    let cuts: Vec<(i64, i64)> = moments(recount).iter().map(|it| (it[0].ended, it[it.len() - 1].ended)).collect();
    if !cuts.is_empty() {
        return cuts;
    }
    let mut refused: Vec<i64> = recount.failed.certain.iter().filter(|it| is_refused(it)).map(|it| it.ended).collect();
    refused.sort_unstable();
    let mut instants: Vec<(i64, i64)> = Vec::new();
    for end in refused {
        let is_back = |since: i64| recount.of_target().any(|it| it.is_answered() && it.sent > since && it.ended < end);
        if instants.last().is_none_or(|(since, _)| is_back(*since)) {
            instants.push((end, end));
        }
    }
    instants
}

/// How many requests were in flight at these instants and were answered.
fn answered_in_flight(recount: &Recount<'_>) -> usize {
    in_flight(recount, |request| !request.fails)
}

/// How many requests were in flight at these instants and are so.
fn in_flight(recount: &Recount<'_>, wanted: impl Fn(&Request<'_>) -> bool) -> usize {
    let of_instant = |(first, last): (i64, i64)| {
        recount.of_target().filter(|it| it.sent < first && it.ended > last + SURVIVED_BY + 200 && wanted(it)).count()
    };
    instants(recount).into_iter().map(of_instant).sum()
}

fn none_survived(recount: &Recount<'_>, _: &[&str]) -> Result<(), String> {
    if !recount.failed.is_exact() {
        return Ok(());
    }
    same(answered_in_flight(recount), 0, 0)
}

fn survived(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    if !recount.failed.is_exact() || cuts(recount).is_empty() {
        return Ok(());
    }
    let refusals = recount.failed.possible.iter().filter(|it| is_refused(it)).count();
    let counted = answered_in_flight(recount);
    // Deaths with refused connections only have instants, too.
    if refusals > 0 && instants(recount).len() > 1 {
        return holds(number(said[0]) >= counted, &format!("counted {counted}"));
    }
    same(counted, number(said[0]), 0)
}

fn survived_of_workers(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    survived(recount, said)?;
    let cut = moments(recount).concat().len();
    let workers = (cut + number(said[0])) as f64 / cut.max(1) as f64;
    holds(!recount.failed.is_exact() || (workers - decimal(said[1])).abs() <= 0.51, &format!("{workers} workers"))?;
    holds(decimal(said[1]) >= 2.0, "one of a single worker is the whole process")
}

fn answered_again(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let later = micros(said[0]);
    let again = recount.of_target().filter(|request| request.is_answered());
    let ends: Vec<i64> = recount.failed.possible.iter().map(|request| request.ended).collect();
    let fits = |request: &&Request<'_>| {
        let is_first = |end: i64| {
            let before = recount.of_target().filter(|it| it.is_answered() && it.sent > end + 200);
            // The first one by the time of its answer
            before.min_by_key(|it| it.ended).is_some_and(|first| first.ended >= request.ended - 200)
        };
        ends.iter().any(|end| (request.sent - end - later).abs() <= 1_200 && is_first(*end))
    };
    let mut again = again.filter(fits);
    holds(again.next().is_some(), "no request was the first to be answered again then")
}

fn never_again(recount: &Recount<'_>, _: &[&str]) -> Result<(), String> {
    let last = recount.failed.possible.iter().map(|request| request.ended).max().unwrap_or_default();
    let later = recount.of_target().filter(|request| request.has_answer() && request.ended > last).count();
    holds(later == 0, &format!("{later} requests were answered after that"))
}

fn no_later(recount: &Recount<'_>, _: &[&str]) -> Result<(), String> {
    let first = recount.failed.possible.iter().map(|request| request.ended).max().unwrap_or_default();
    let later = recount.of_target().filter(|request| request.has_answer() && request.sent > first).count();
    holds(later == 0, &format!("{later} requests that were sent later were answered"))
}

/// When the target of the finding ended: its first failure after the last request that it answered was sent.
fn end_of(recount: &Recount<'_>) -> Option<i64> {
    if recount.failed.is_part || !recount.failed.is_exact() {
        return None;
    }
    let answered = recount.of_target().filter(|it| it.is_answered()).map(|it| it.sent).max().unwrap_or(i64::MIN);
    recount.failed.certain.iter().map(|it| it.ended).filter(|end| *end > answered).min()
}

fn replaced(recount: &Recount<'_>, _: &[&str]) -> Result<(), String> {
    let Some(at) = end_of(recount) else { return Ok(()) };
    let begins = recount.all.first().map_or(0, |request| request.ended);
    let recent = at - 600 * SECOND..=at;
    let (mut started, mut gone) = (0, 0);
    for target in recount.targets() {
        let of = || recount.in_group().filter(|request| request.target == target);
        let (first, last) = (of().map(|it| it.sent).min().unwrap_or_default(), of().map(|it| it.ended).max());
        let until = recount.failed.certain.iter().map(|it| it.ended).max().unwrap_or(at) + SECOND;
        started += usize::from(recent.contains(&first) && first > begins + 8 * SECOND - 200);
        gone += usize::from(last.is_some_and(|last| last < until && last >= at - 600 * SECOND));
    }
    holds(started >= gone.max(1), &format!("{started} had started, {gone} had ended"))
}

fn replaced_like_this(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let end = recount.all.last().map_or(0, |request| request.ended);
    let is_gone = |target: &&&str| {
        let answered = recount.timed().filter(|it| it.target == **target && it.is_answered()).map(|it| it.sent).max();
        let mut later = recount.timed().filter(|it| it.target == **target && Some(it.sent) > answered && it.fails);
        answered.is_some_and(|answered| answered < end) && later.next().is_some()
    };
    let targets = recount.targets();
    let gone = targets.iter().filter(is_gone).count();
    let told = recount.alike().len();
    holds(number(said[0]) <= gone && (told > 1 || gone > 0), &format!("{gone} ended with failures"))
}

fn none_cut(recount: &Recount<'_>, _: &[&str]) -> Result<(), String> {
    if !recount.failed.is_exact() {
        return Ok(());
    }
    same(cuts(recount).len(), 0, 0)?;
    same(in_flight(recount, is_cut), 0, 0)
}

fn away_alike(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let away = recount.targets().into_iter().filter(|target| {
        let mut refused = recount.timed().filter(|it| it.target == *target && is_refused(it));
        refused.next().is_some_and(|refused| {
            recount.timed().any(|it| it.target == *target && it.is_answered() && it.sent > refused.ended)
        })
    });
    let away = away.count();
    holds(number(said[0]) <= away && number(said[0]) >= 2, &format!("{away} refused connections and came back"))
}

fn away_in_turn(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    same(recount.targets().len(), number(said[0]), 0)?;
    let Some(all) = recount.all_alike().filter(Failed::is_exact) else { return Ok(()) };
    let failing: BTreeSet<&str> = all.certain.iter().map(|request| request.target).collect();
    // From the first failure of a stretch until an answer, no other target may begin one.
    let mut order: Vec<&Request<'_>> = all.certain;
    order.sort_by_key(|request| request.ended);
    for pair in order.windows(2).filter(|pair| pair[0].target != pair[1].target) {
        let mut back = recount.timed().filter(|it| {
            it.target == pair[0].target && it.is_answered() && it.sent > pair[0].sent && it.sent <= pair[1].ended + 200
        });
        holds(back.next().is_some(), &format!("{} was away when {} was", pair[0].target, pair[1].target))?;
    }
    holds(failing.len() <= number(said[0]), "more targets failed")
}

fn no_successor(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let Some(at) = end_of(recount) else { return Ok(()) };
    let last = recount.failed.certain.iter().map(|it| it.ended).max().unwrap_or(at);
    let until = last + micros(said[0]);
    let mut started = 0;
    let mut answering = 0;
    for target in recount.targets() {
        let of = || recount.in_group().filter(|request| request.target == target);
        let first = of().map(|it| it.sent).min().unwrap_or_default();
        started += usize::from((at..=until).contains(&first));
        answering += usize::from(of().any(|it| it.is_answered() && it.sent > last));
    }
    same(started, 0, 0)?;
    same(answering, number(said[1]), 0)
}

fn gone_together(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    // When each target of the group failed first after its last answer.
    let ends = recount.targets().into_iter().filter_map(|target| {
        let of = || recount.timed().filter(move |request| request.target == target);
        let answered = of().filter(|it| it.is_answered()).map(|it| it.sent).max().unwrap_or(i64::MIN);
        of().filter(|it| it.sent > answered || it.ended > answered)
            .filter(|it| is_cut(it) || is_refused(it))
            .map(|it| it.ended)
            .min()
    });
    let mut ends: Vec<i64> = ends.collect();
    ends.sort_unstable();
    let most = ends.iter().map(|end| ends.iter().filter(|it| (*end..=*end + 120 * SECOND + 200).contains(it)).count());
    let most = most.max().unwrap_or_default();
    holds(number(said[0]) <= most, &format!("at most {most} ended within 2 minutes"))
}
