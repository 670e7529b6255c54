//! Sentences on what a window cut around failures does not show.

use std::collections::BTreeSet;

use super::bounds::{Usual, median, runs, sent};
use super::reader::{Request, SECOND};
use super::recount::Recount;
use super::shared::routes;
use super::words::{holds, is_share, number, same};
use super::{Form, form};

pub(super) const FORMS: &[Form] = &[
    form("the log does not show how these routes did before or after it", no_other_time),
    form(
        "nearly all targets of the group had such errors, and the log shows no time without them: what all of them need \
         may have failed",
        nearly_all_targets,
    ),
    form("then {} % of {} to {} failed", affected_then),
    form(
        "requests that were sent in that time and answered took a second or more on each of {} routes (median)",
        slow_on_each,
    ),
    form(
        "{} that were there when the log begins ended for good, and {} started, of which none ended so: they were replaced",
        gave_way,
    ),
];

/// Fewer requests than this before and after show nothing. Some are at the ends of the span.
const MOST_BESIDE: usize = 12;

/// The episodes of the failures, the largest last.
fn episodes<'r>(recount: &Recount<'r>, pause: i64) -> Vec<Vec<&'r Request<'r>>> {
    let mut episodes = runs(&recount.failed.certain, sent, pause * SECOND);
    episodes.sort_by_key(Vec::len);
    episodes
}

/// How many requests to the routes of some failures were sent before the first or after the last of them, so that a
/// failure would be in the log.
fn beside(recount: &Recount<'_>, failures: &[&Request<'_>]) -> [usize; 2] {
    let (first, last) = (failures[0].sent, failures[failures.len() - 1].sent);
    let length = (last - first).max(60 * SECOND);
    let slowest = failures.iter().map(|it| it.took()).max().unwrap_or_default();
    let end = recount.all.iter().map(|it| it.ended).max().unwrap_or_default() - slowest;
    let keys: BTreeSet<String> = failures.iter().map(|it| format!("{} {}", it.method, it.path)).collect();
    let count = |from: i64, until: i64| {
        let then = recount.timed().filter(|it| (from..=until).contains(&it.sent));
        then.filter(|it| keys.contains(&format!("{} {}", it.method, it.path))).count()
    };
    [count(first - length, first - 1), count(last + 1, (last + length).min(end))]
}

fn no_other_time(recount: &Recount<'_>, _: &[&str]) -> Result<(), String> {
    let all = episodes(recount, 30);
    let Some(largest) = all.last().filter(|_| recount.failed.is_exact()) else { return Ok(()) };
    let beside = beside(recount, largest);
    holds(beside.iter().all(|count| *count <= MOST_BESIDE), &format!("{beside:?} requests beside it"))
}

fn nearly_all_targets(recount: &Recount<'_>, _: &[&str]) -> Result<(), String> {
    let errors: Vec<&Request<'_>> = recount.timed().filter(|it| it.outcome == "target-error").collect();
    let mut by_time = errors.clone();
    by_time.sort_by_key(|it| it.sent);
    let (Some(first), Some(last)) = (by_time.first(), by_time.last()) else { return Err("no errors".to_owned()) };
    let served = |target: &&str| {
        recount.timed().filter(|it| it.target == *target && (first.sent..=last.sent).contains(&it.sent)).count() >= 3
    };
    let failing: BTreeSet<&str> = errors.iter().map(|it| it.target).collect();
    let serving = recount.targets().into_iter().filter(|target| served(target)).count();
    holds(failing.len() * 10 >= serving * 7, &format!("{} of {serving} targets had them", failing.len()))?;
    let beside = beside(recount, &by_time);
    holds(beside.iter().all(|count| *count <= MOST_BESIDE), &format!("{beside:?} requests beside them"))
}

fn affected_then(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let all = episodes(recount, 30);
    let Some(largest) = all.last().filter(|_| recount.failed.is_exact()) else { return Ok(()) };
    let (begin, end) = (largest[0].sent, largest[largest.len() - 1].sent);
    let (route, others) = routes(said[2]);
    let then: Vec<_> =
        recount.timed().filter(|it| (begin - 200..=end + 200).contains(&it.sent) && it.is_to(route)).collect();
    if others > 0 {
        return holds(then.len() <= number(said[1]) + 2, "the first route alone has more");
    }
    same(then.len(), number(said[1]), 2)?;
    let failed = then.iter().filter(|it| it.fails).count();
    let is_near = (failed.saturating_sub(2)..=failed + 2).any(|part| is_share(part, then.len(), said[0]));
    holds(is_near, &format!("{failed} of {} failed", then.len()))
}

fn slow_on_each(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let all = episodes(recount, 60);
    let Some(largest) = all.last().filter(|_| recount.failed.is_exact()) else { return Ok(()) };
    let (begin, end) = (largest[0].sent, largest[largest.len() - 1].sent);
    let answered: Vec<&Request<'_>> =
        recount.of_target().filter(|it| it.is_answered() && (begin..=end).contains(&it.sent)).collect();
    let mut slow = 0;
    for key in Usual::keys(answered.iter().copied()) {
        let of_route = answered.iter().filter(|it| Usual::keys(std::iter::once(**it)).contains(&key));
        let times: Vec<f64> = of_route.map(|it| it.took() as f64).collect();
        if times.len() >= 3 {
            slow += 1;
            let median = median(times).unwrap_or_default();
            holds(median >= SECOND as f64 * 0.98, &format!("{key:?} took {median} µs"))?;
        }
    }
    same(slow, number(said[0]), 0)
}

fn gave_way(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let begin = recount.all.iter().map(|it| it.ended).min().unwrap_or_default();
    let end = recount.all.iter().map(|it| it.ended).max().unwrap_or_default();
    let of = |target: &str| recount.timed().filter(|it| it.target == target).collect::<Vec<_>>();
    let starts =
        |target: &&str| of(target).iter().map(|it| it.sent).min().is_some_and(|first| first > begin + 8 * SECOND);
    let (new, old): (Vec<&str>, Vec<&str>) = recount.targets().into_iter().partition(starts);
    let is_gone = |target: &&&str| {
        let answered = of(target).iter().filter(|it| it.is_answered()).map(|it| it.sent).max();
        answered.is_none_or(|last| last < end - SECOND)
    };
    holds(old.iter().filter(is_gone).count() >= number(said[0]), "fewer old ones ended")?;
    holds(new.len() >= number(said[1]), &format!("only {} started", new.len()))
}
