//! Sentences on requests that were closed: rejected answers, uploads that were refused, and what has nothing in common.

use std::collections::{BTreeMap, BTreeSet};

use super::bounds::{Usual, ended, median, runs};
use super::reader::{Request, SECOND};
use super::recount::Recount;
use super::shared::routes;
use super::words::{alike, decimal, holds, micros, near, number, same, within};
use super::{Form, form};

pub(super) const FORMS: &[Form] = &[
    form("{} closed before an answer", closed),
    form("in the target group, {} of {} to {} failed like this, and {} of {} other requests", against_others),
    form(
        "in the target group, {} of {} to {} failed like this, and {} of {} other requests (and {} more that are \
         explained otherwise)",
        against_others,
    ),
    form(
        "in the target group, {} to the same routes {} answered with a 4xx of the target itself, after {} s (median); the \
         closed ones ended after {} s",
        refused_uploads,
    ),
    form("{} closed or reset before an answer, or the answer was rejected", rejected),
    form("{} of the {} that got such requests failed some of them", targets_asked),
    form("the target had worked on them for {} s (median)", worked_for),
    form(
        "{} closed at this target, and {} at all others of the group: perhaps one of its workers, or something that it \
         runs, died meanwhile",
        closed_here,
    ),
    form(
        "{} closed at this target, and {} at all others of the group (and {} more that are explained otherwise): perhaps one of \
         its workers, or something that it runs, died meanwhile",
        closed_here,
    ),
    form("no two of them that were sent at different times ended together", none_together),
    form("once, two that were sent at different times ended together", once_together),
    form("{} times, two that were sent at different times ended together", times_together),
    form("the target had held them for {} s, {} times as long as such requests usually take (medians)", held),
    form(
        "the target had held them for {} s, {} times as long as such requests usually take (medians); a request on a \
         connection that was closed before ends sooner",
        held_long,
    ),
    form(
        "in the target group, the targets had held them for {} s, {} times as long as such requests usually take (medians)",
        held_in_group,
    ),
    form(
        "in the target group, the targets had held them for {} s, {} times as long as such requests usually take \
         (medians); a request on a connection that was closed before ends sooner",
        held_long_in_group,
    ),
    form("in the target group, {} have no {} in common", nothing_in_common),
];

pub(super) fn is_closed(request: &Request<'_>) -> bool {
    request.outcome == "closed-before-response"
}

/// Runs of at least three, with pauses of at most two seconds, in at most half a minute.
pub(super) fn bursts<'r>(closed: &[&'r Request<'r>]) -> Vec<Vec<&'r Request<'r>>> {
    let mut bursts = runs(closed, ended, 2 * SECOND);
    bursts.retain(|burst| burst.len() >= 3 && burst[burst.len() - 1].ended - burst[0].ended <= 30 * SECOND);
    bursts
}

/// All failures of the group that the finding's kind is about: those of all findings of its cause.
pub(super) fn of_kind<'r>(recount: &Recount<'r>) -> Option<Vec<&'r Request<'r>>> {
    Some(recount.all_alike().filter(super::failed::Failed::is_exact)?.certain)
}

fn closed(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    recount.failed.all(number(said[0]), "closed", is_closed)
}

/// The outcomes that `failed like this` means.
fn like_this(recount: &Recount<'_>) -> &'static [&'static str] {
    if recount.finding.cause.id == "malformed-response" {
        &["closed-before-response", "response-rejected", "stream-reset"]
    } else {
        &["closed-before-response"]
    }
}

fn against_others(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let (first, others) = routes(said[2]);
    let outcomes = like_this(recount);
    let all: Vec<_> = recount.timed().filter(|it| !it.method.is_empty()).collect();
    let failed = |it: &&&Request<'_>| outcomes.contains(&it.outcome);
    same(number(said[1]) + number(said[4]), all.len(), 0)?;
    let counted = all.iter().filter(failed).count();
    let apart = said.get(5).map_or(0, |said| number(said));
    same(number(said[0]) + number(said[3]) + apart, counted, 0)?;
    let there: Vec<_> = all.iter().filter(|it| it.is_to(first)).copied().collect();
    let failed_there = there.iter().filter(failed).count();
    if others == 0 {
        same(there.len(), number(said[1]), 0)?;
        return within((failed_there.saturating_sub(apart), failed_there), number(said[0]), "failed there");
    }
    within((there.len(), all.len()), number(said[1]), "to the routes")?;
    within((failed_there.saturating_sub(apart), counted), number(said[0]), "failed there")
}

fn refused_uploads(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let named = recount.finding.evidence.iter().find_map(|it| it.text.split_once(" failed like this, and "));
    let named = named.and_then(|(before, _)| before.rsplit_once(" to ")).map_or("", |(_, named)| named);
    let (first, others) = routes(named);
    let refused: Vec<_> = recount.timed().filter(|it| it.outcome == "target-client-error" && it.is_to(first)).collect();
    if others > 0 {
        return holds(refused.len() <= number(said[0]), &format!("the first route alone has {}", refused.len()));
    }
    same(refused.len(), number(said[0]), 0)?;
    let middle = |of: Vec<f64>| median(of).unwrap_or_default();
    #[expect(clippy::cast_possible_truncation, reason = "a time")]
    let took = |of: &[&Request<'_>]| middle(of.iter().map(|it| it.took() as f64).collect()) as i64;
    near(took(&refused), micros(said[2]), "the answers' median")?;
    let Some(all) = of_kind(recount) else { return Ok(()) };
    near(took(&all), micros(said[3]), "the closed ones' median")
}

fn rejected(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let outcomes = like_this(recount);
    recount.failed.all(number(said[0]), "rejected", |it| outcomes.contains(&it.outcome))
}

fn targets_asked(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let named = recount.finding.evidence.iter().find_map(|it| it.text.split_once(" failed like this, and "));
    let named = named.and_then(|(before, _)| before.rsplit_once(" to ")).map_or("", |(_, named)| named);
    let (first, others) = routes(named);
    let outcomes = like_this(recount);
    let asked: BTreeSet<&str> = recount.timed().filter(|it| it.is_to(first)).map(|it| it.target).collect();
    let failed = recount.timed().filter(|it| it.is_to(first) && outcomes.contains(&it.outcome));
    let failed: BTreeSet<&str> = failed.map(|it| it.target).collect();
    if others == 0 {
        same(asked.len(), number(said[1]), 0)?;
        return same(failed.len(), number(said[0]), 0);
    }
    holds(asked.len() <= number(said[1]) && failed.len() <= number(said[0]), "the first route alone has more")
}

fn worked_for(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    if !recount.failed.is_exact() {
        return Ok(());
    }
    let took = median(recount.failed.certain.iter().map(|it| it.took() as f64).collect()).unwrap_or_default();
    holds((took - micros(said[0]) as f64).abs() <= 1_200.0, &format!("the median is {took} µs"))
}

fn closed_here(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    closed(recount, &[said[0]])?;
    let all = recount.timed().filter(|it| is_closed(it)).count();
    let apart = said.get(2).map_or(0, |said| number(said));
    same(all, number(said[0]) + number(said[1]) + apart, 0)
}

fn pairs_together(recount: &Recount<'_>, said: usize) -> Result<(), String> {
    if !recount.failed.is_exact() {
        return Ok(());
    }
    let mut closed = recount.failed.certain.clone();
    closed.sort_by_key(|it| it.ended);
    let is_pair = |pair: &&[&Request<'_>]| {
        pair[1].ended - pair[0].ended <= SECOND / 4 && (pair[1].sent - pair[0].sent).abs() > SECOND / 10
    };
    same(closed.windows(2).filter(is_pair).count(), said, 0)
}

fn none_together(recount: &Recount<'_>, _: &[&str]) -> Result<(), String> {
    pairs_together(recount, 0)
}

fn once_together(recount: &Recount<'_>, _: &[&str]) -> Result<(), String> {
    pairs_together(recount, 1)
}

fn times_together(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    pairs_together(recount, number(said[0]))
}

fn held_for(recount: &Recount<'_>, such: &[&Request<'_>], said: &[&str]) -> Result<(), String> {
    let usual = Usual::new(recount);
    let took = median(such.iter().map(|it| it.took() as f64).collect()).unwrap_or_default();
    holds((took - micros(said[0]) as f64).abs() <= 1_200.0, &format!("they took {took} µs"))?;
    let factor = median(such.iter().filter_map(|it| usual.factor(it)).collect()).unwrap_or_default();
    alike(factor, decimal(said[1]), 0.02, "times as long")
}

fn held(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    if recount.failed.is_exact() { held_for(recount, &recount.failed.certain, said) } else { Ok(()) }
}

fn held_long(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    holds(micros(said[0]) >= 100_000, "a closed connection ends requests as late")?;
    held(recount, said)
}

fn held_in_group(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    of_kind(recount).map_or(Ok(()), |all| held_for(recount, &all, said))
}

fn held_long_in_group(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    holds(micros(said[0]) >= 100_000, "a closed connection ends requests as late")?;
    held_in_group(recount, said)
}

fn nothing_in_common(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let Some(all) = of_kind(recount) else { return Ok(()) };
    // A few at each of some targets may be in no finding.
    let closed = recount.timed().filter(|it| is_closed(it)).count();
    let others = recount.in_other_findings(&BTreeSet::from(["closed-before-response"]));
    same(closed - others, number(said[0]), 0)?;
    let most = |key: fn(&Request<'_>) -> String| {
        let mut counts = BTreeMap::new();
        for it in &all {
            *counts.entry(key(it)).or_insert(0_usize) += 1;
        }
        counts.into_values().max().unwrap_or_default()
    };
    let near =
        |it: &Request<'_>| all.iter().filter(|other| (other.took() - it.took()).abs() <= it.took() / 100).count();
    for what in said[1].split(", ").flat_map(|part| part.split(" or ")) {
        let shared = match what {
            "moment" => bursts(&all).iter().map(Vec::len).max().unwrap_or_default(),
            "route" => most(|it| format!("{} {}", it.method, it.path)),
            "target" => most(|it| it.target.to_owned()),
            "constant time" => all.iter().map(|it| near(it)).max().unwrap_or_default(),
            other => return Err(format!("{other} is not known")),
        };
        holds(shared * 10 <= all.len() * 8, &format!("{shared} of {} share one {what}", all.len()))?;
    }
    Ok(())
}
