//! Sentences on timeouts that somebody set, and on the errors that targets answered themselves.

use std::collections::BTreeSet;

use albscope::kind::alb;

use super::bounds::{Usual, median};
use super::failed::Failed;
use super::load::arrivals;
use super::reader::{Request, SECOND};
use super::recount::Recount;
use super::shared::routes;
use super::words::{alike, between, decimal, holds, micros, near, number, same, within};
use super::{Form, form};

pub(super) const FORMS: &[Form] = &[
    form(
        "in the target group, {} of a second or more {} closed instead of answered{}, nearly all after {} s or more",
        closed_late_in_group,
    ),
    form("{} of a second or more {} closed instead of answered{}, nearly all after {} s or more", closed_late),
    form(
        "of the group's requests that took that long, none was answered; the slowest answer below that took {} s",
        none_beyond_in_group,
    ),
    form(
        "of its requests that took that long, none was answered; the slowest answer below that took {} s",
        none_beyond,
    ),
    form(
        "of the group's requests that took that long, {} answered; the slowest answer below that took {} s",
        some_beyond_in_group,
    ),
    form("of its requests that took that long, {} answered; the slowest answer below that took {} s", some_beyond),
    form(
        "of the target group's {} that failed like this after a second or more{}, {} failed {} to {} s after they were \
         sent",
        wall_of_group,
    ),
    form("of {} that failed like this after a second or more{}, {} failed {} to {} s after they were sent", wall),
    form("that is {} the idle timeout of {} s", against_idle_timeout),
    form("no answered request took longer", none_longer),
    form("in the target group, no answered request took longer", none_longer),
    form("in the target group, {} answered after a longer time", some_longer),
    form("{} answered after a longer time", some_longer),
    form("of them, {} answered by the target with an error, as some servers do for a killed worker", answered_errors),
    form(
        "clients gave up on {} that had been sent to targets of the group{}, on {} of them {} to {} s after that: a \
         timeout, not impatience",
        gave_up,
    ),
    form("the target itself answered {}", statuses),
    form("{} of them came after {} to {} s: a proxy's timeout for its upstream", came_after),
    form("half of them came within {} s", half_within),
    form("half of them came within {} s: the upstream refuses connections, or a queue is full", half_within),
    form("meanwhile, the target's request rate was {} times its rate at other times", target_rate),
    form("they are concentrated on {}", concentrated_on),
    form("they began within 30 s of the target's first request: the release that it runs brought them", from_the_start),
    form("they were to {}, which had {} % of its requests", spread),
];

fn is_closed(request: &Request<'_>) -> bool {
    request.outcome == "closed-before-response"
}

/// What the sentences of a target's own timeout are about: requests that were closed, or answered with an error.
fn is_cut_off(request: &Request<'_>) -> bool {
    is_closed(request) || request.outcome == "target-error"
}

/// The requests of the group, or of the finding's target.
fn scope<'r>(recount: &Recount<'r>, is_group: bool) -> Vec<&'r Request<'r>> {
    if is_group || recount.target.is_none() { recount.timed().collect() } else { recount.of_target().collect() }
}

/// ` (and 3 more that are explained otherwise)`: how many. 0 if nothing is said.
fn apart(said: &str) -> usize {
    said.strip_prefix(" (and ").map_or(0, number)
}

fn late(recount: &Recount<'_>, said: &[&str], is_group: bool) -> Result<(), String> {
    let (closed, limit) = (number(said[0]), micros(said[3]));
    let all: Vec<_> =
        scope(recount, is_group).into_iter().filter(|it| is_closed(it) && it.took() >= SECOND - 200).collect();
    same(all.len(), closed + apart(said[2]), 0)?;
    let after = all.iter().filter(|it| it.took() >= limit - 1_200).count();
    holds(after * 10 >= closed * 9, &format!("{after} of them after that time"))
}

fn closed_late_in_group(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    late(recount, said, true)
}

fn closed_late(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    late(recount, said, false)
}

/// The limit that the first sentence names.
fn limit(recount: &Recount<'_>) -> Option<i64> {
    let named = recount.finding.evidence.iter().find_map(|it| it.text.split_once(", nearly all after "));
    named.and_then(|(_, rest)| rest.strip_suffix(" s or more")).map(micros)
}

fn beyond(recount: &Recount<'_>, said: &[&str], is_group: bool) -> Result<(), String> {
    let limit = limit(recount).ok_or("no limit is named")?;
    let answered: Vec<i64> =
        scope(recount, is_group).iter().filter(|it| it.is_answered()).map(|it| it.took()).collect();
    let (low, high) = (limit - 1_200, limit + 1_200);
    let bounds = [high, low].map(|limit| answered.iter().filter(|took| **took >= limit).count());
    within((bounds[0], bounds[1]), number(said[0]), "answered")?;
    let slowest = answered.iter().filter(|took| **took < high).max().copied().unwrap_or_default();
    near(slowest, micros(said[1]), "the slowest answer")
}

fn none_beyond_in_group(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    beyond(recount, &["0", said[0]], true)
}

fn none_beyond(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    beyond(recount, &["0", said[0]], false)
}

fn some_beyond_in_group(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    beyond(recount, said, true)
}

fn some_beyond(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    beyond(recount, said, false)
}

/// Whether requests fail so: all that were closed, and errors of the target if the findings have some.
fn fails_so(recount: &Recount<'_>) -> impl Fn(&Request<'_>) -> bool + use<> {
    let outcomes = recount.alike().into_iter().flat_map(|finding| &finding.outcomes);
    let has_errors = outcomes.into_iter().any(|(outcome, _)| outcome.id() == "target-error");
    move |request| is_closed(request) || has_errors && is_cut_off(request)
}

fn walls(recount: &Recount<'_>, said: &[&str], is_group: bool) -> Result<(), String> {
    let (low, high) = (micros(said[3]) - 1_200, micros(said[4]) + 1_200);
    let fails = fails_so(recount);
    let all: Vec<_> =
        scope(recount, is_group).into_iter().filter(|it| fails(it) && it.took() >= SECOND - 200).collect();
    let apart = apart(said[1]);
    same(all.len(), number(said[0]) + apart, 0)?;
    let (least, most) = between(all.iter().map(|it| it.took()), said[3], said[4]);
    within((least.saturating_sub(apart), most), number(said[2]), "at that time")?;
    holds(recount.failed.possible.iter().any(|it| (low..=high).contains(&it.took())), "none of the finding's is there")
}

fn wall_of_group(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    walls(recount, said, true)
}

fn wall(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    walls(recount, said, false)
}

/// From where to where the wall is that the first sentence names, and whether it is that of the group.
fn named_wall(recount: &Recount<'_>) -> Option<(i64, i64, bool)> {
    let text = recount
        .finding
        .evidence
        .iter()
        .map(|it| it.text.as_str())
        .find(|it| it.ends_with(" s after they were sent"))?;
    let range = text.rsplit_once(" failed ")?.1.strip_suffix(" s after they were sent")?;
    let (low, high) = range.split_once(" to ")?;
    Some((micros(low), micros(high), text.contains("the target group's ")))
}

fn against_idle_timeout(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    near(recount.idle_timeout(), micros(said[1]), "the idle timeout")?;
    let (low, high, _) = named_wall(recount).ok_or("no time is named")?;
    match said[0] {
        "below" => holds(high < recount.idle_timeout() + SECOND, "it is not below"),
        _ => holds(low + 1_200 >= recount.idle_timeout(), "it is below"),
    }
}

fn longer(recount: &Recount<'_>, said: usize) -> Result<(), String> {
    let (_, high, is_group) = named_wall(recount).ok_or("no time is named")?;
    let count = |limit: i64| scope(recount, is_group).iter().filter(|it| it.is_answered() && it.took() > limit).count();
    within((count(high + 1_200), count(high - 1_200)), said, "answered later")
}

fn none_longer(recount: &Recount<'_>, _: &[&str]) -> Result<(), String> {
    longer(recount, 0)
}

fn some_longer(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    longer(recount, number(said[0]))
}

fn answered_errors(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let (low, high, is_group) = named_wall(recount).ok_or("no time is named")?;
    let range = low - 1_200..=high + 1_200;
    let all = scope(recount, is_group);
    let there = all.iter().filter(|it| it.outcome == "target-error" && range.contains(&it.took())).count();
    let others = recount.in_other_findings(&BTreeSet::from(["target-error"]));
    within((there.saturating_sub(others), there), number(said[0]), "answered with an error")
}

fn gave_up(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let left: Vec<_> = recount.timed().filter(|it| it.outcome == "client-closed-after-dispatch").collect();
    let apart = apart(said[1]);
    same(left.len(), number(said[0]) + apart, 0)?;
    let (least, most) = between(left.iter().map(|it| it.took()), said[3], said[4]);
    within((least.saturating_sub(apart), most), number(said[2]), "at that time")
}

/// The errors that a target itself answered, in this finding.
fn own<'r>(recount: &Recount<'r>) -> Failed<'r, 'r> {
    recount.failed.narrowed(|it| it.outcome.starts_with("target-"))
}

fn statuses(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let mut told = 0;
    for part in said[0].split(", ") {
        let (status, times) = part.split_once(" (").ok_or("no status")?;
        recount.failed.number(number(times), "with that status", |it| it.field(alb::TARGET_STATUS_CODE) == status)?;
        told += number(times);
    }
    holds(recount.failed.is_part || told == recount.failed.count, &format!("{told} of {}", recount.failed.count))
}

fn came_after(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let own = own(recount);
    let (_, most) = between(own.possible.iter().map(|it| it.took()), said[1], said[2]);
    let (least, _) = between(own.certain.iter().map(|it| it.took()), said[1], said[2]);
    within((if own.is_part { 0 } else { least }, most), number(said[0]), "at that time")
}

fn half_within(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let own = own(recount);
    if !own.is_exact() {
        return Ok(());
    }
    let took = median(own.certain.iter().map(|it| it.took() as f64).collect()).unwrap_or_default();
    holds((took - micros(said[0]) as f64).abs() <= 1_200.0, &format!("the median is {took} µs"))
}

fn target_rate(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let Some((first, last)) = recount.sent() else { return Ok(()) };
    let target = recount.target.as_deref().ok_or("no target")?;
    let factor = arrivals(recount, &BTreeSet::from([target]), first, last).ok_or("no other times")?;
    alike(factor, decimal(said[0]), 0.02, "the rate")
}

fn concentrated_on(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let (first, others) = routes(said[0]);
    let (of_first, most) = recount.failed.bounds(|it| it.is_to(first));
    holds(most > 0, "none is to the route")?;
    holds(
        others > 0 || recount.failed.is_part || of_first * 2 >= recount.failed.count,
        "less than half are to the route",
    )
}

fn from_the_start(recount: &Recount<'_>, _: &[&str]) -> Result<(), String> {
    let begun = recount.of_target().map(|it| it.sent).min().ok_or("no request")?;
    let Some(first) = recount.failed.certain.first().filter(|_| recount.failed.is_exact()) else { return Ok(()) };
    holds(first.sent - begun < 30 * SECOND, &format!("they began {} µs later", first.sent - begun))
}

fn spread(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let own = own(recount);
    if !own.is_exact() {
        return Ok(());
    }
    let all: Vec<_> = recount.of_target().filter(|it| !it.method.is_empty()).collect();
    let routes = Usual::keys(own.certain.iter().copied());
    let there = all.iter().filter(|it| Usual::keys([**it].into_iter()).is_subset(&routes)).count();
    within((routes.len().saturating_sub(1), routes.len() + 1), number(said[0]), "routes")?;
    let share = there as f64 * 100.0 / all.len().max(1) as f64;
    holds((share - decimal(said[1])).abs() <= 1.5, &format!("{there} of {}", all.len()))
}
