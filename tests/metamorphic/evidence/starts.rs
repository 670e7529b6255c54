//! Sentences on targets that had just started, and on requests that were cut at the deregistration delay.

use std::collections::BTreeMap;

use super::bounds::{ended, runs};
use super::failed::Failed;
use super::gone::{cuts, is_cut, is_refused};
use super::reader::{Request, SECOND};
use super::recount::Recount;
use super::words::{holds, micros, near, number, same};
use super::{Form, form};

pub(super) const FORMS: &[Form] = &[
    form(
        "{} of the target's first {} failed, the last one sent {} s after the first request; of {} since then, {} failed",
        first_failed,
    ),
    form(
        "{} refused: nothing listened yet; the first request that was answered was sent {} s after the first request",
        refused_first,
    ),
    form("{} refused; the first request that was answered was sent {} s after the first request", refused_at_first),
    form("{} cut off together", cut_together),
    form("the target had got no new request for {} s, while running requests continued", quiet_before),
    form(
        "requests to {} targets of the group were cut off like this, after about the same time without new requests",
        quiet_alike,
    ),
    form(
        "requests to {} targets of the group were cut off like this, after different times without new requests",
        quiet_apart,
    ),
];

fn first_failed(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let begun = recount.of_target().map(|request| request.sent).min().ok_or("no request")?;
    let last = begun + micros(said[2]);
    let (first, later): (Vec<_>, Vec<_>) = recount.of_target().partition(|request| request.sent <= last + 1_200);
    let fails = |of: &[&Request<'_>]| of.iter().filter(|request| request.fails).count();
    same(first.len(), number(said[1]), 1)?;
    same(fails(&first), number(said[0]), 0)?;
    same(later.len(), number(said[3]), 1)?;
    same(fails(&later), number(said[4]), 0)?;
    recount.failed.all(number(said[0]), "early failures", |request| request.sent <= last + 1_200)
}

fn refused_at_first(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    recount.failed.number(number(said[0]), "refused", is_refused)?;
    let begun = recount.of_target().map(|request| request.sent).min().ok_or("no request")?;
    let answered = recount.of_target().filter(|it| it.has_answer()).map(|it| it.sent).min().ok_or("no answer")?;
    near(answered - begun, micros(said[1]), "the first answered request")
}

fn refused_first(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    refused_at_first(recount, said)?;
    let answered = recount.of_target().filter(|it| it.has_answer()).map(|it| it.sent).min().ok_or("no answer")?;
    let after = recount.failed.certain.iter().filter(|it| is_refused(it) && it.sent > answered).count();
    holds(after == 0, &format!("{after} of them were refused after a request was answered: something listened"))
}

fn cut_together(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let is_long = |request: &Request<'_>| is_cut(request) && request.took() >= 2 * SECOND - 200;
    holds(recount.failed.possible.iter().all(|it| is_long(it)), "one was not cut, or not long")?;
    if !recount.failed.is_exact() {
        return Ok(());
    }
    // Each within two seconds of the one before
    let largest = runs(&cuts(recount), ended, 2 * SECOND + 200).iter().map(Vec::len).max();
    same(largest.unwrap_or_default(), number(said[0]), 0)
}

fn quiet_before(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    if !recount.failed.is_exact() || recount.target.is_none() {
        return Ok(());
    }
    // A target may have been cut off several times. The sentence is about the time with the most requests.
    let cuts = runs(&cuts(recount), ended, 2 * SECOND + 200);
    let most = cuts.iter().map(Vec::len).max().ok_or("nothing was cut")?;
    let quiet = cuts.iter().filter(|cut| cut.len() == most).filter_map(|cut| {
        let sent = recount.of_target().map(|request| request.sent).filter(|sent| *sent < cut[0].ended);
        Some(cut[0].ended - sent.max()?)
    });
    let said = micros(said[0]);
    near(quiet.min_by_key(|quiet| (quiet - said).abs()).ok_or("no request")?, said, "the quiet time")
}

/// How long each target of the group had got no request when its requests were cut.
fn quiet_times(recount: &Recount<'_>) -> Option<BTreeMap<String, i64>> {
    let mut cuts: BTreeMap<&str, i64> = BTreeMap::new();
    let all = recount.all_alike().filter(Failed::is_exact)?;
    for request in all.certain {
        let first = cuts.entry(request.target).or_insert(i64::MAX);
        *first = request.ended.min(*first);
    }
    let quiet = cuts.into_iter().filter_map(|(target, first)| {
        let before = recount.timed().filter(|it| it.target == target && it.sent < first).map(|it| it.sent).max()?;
        Some((target.to_owned(), first - before))
    });
    Some(quiet.collect())
}

fn quiet_alike(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let Some(quiet) = quiet_times(recount) else { return Ok(()) };
    same(quiet.len(), number(said[0]), 0)?;
    let spread = quiet.values().max().unwrap_or(&0) - quiet.values().min().unwrap_or(&0);
    holds(spread <= 3 * SECOND + 1_000, &format!("the times differ by {spread} µs"))
}

fn quiet_apart(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let Some(quiet) = quiet_times(recount) else { return Ok(()) };
    same(quiet.len(), number(said[0]), 0)
}
