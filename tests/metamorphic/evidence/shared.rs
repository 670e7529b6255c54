//! Sentences that any finding may have: what its failures have in common, what others did meanwhile, and all those that
//! an outcome alone supports.

use std::collections::BTreeSet;

use albscope::classify::Outcome;
use albscope::kind::alb;

use super::bounds::meanwhile;
use super::reader::Request;
use super::recount::Recount;
use super::words::{holds, is_share, near, number, same, within};
use super::{Form, form, words};

/// The first sentence of a finding that was made of many.
pub(crate) const AT_MANY: &str = "{} of the group's {} have such failures: {} in all";

pub(super) const FORMS: &[Form] = &[
    form(AT_MANY, at_many),
    form("{} more at {}", more_at),
    form("meanwhile, none of the {} requests to the group's {} other targets failed like this", none_failed),
    form("meanwhile, none of the {} requests to the group's other target failed like this", none_failed),
    form("meanwhile, {} of {} to the group's {} other targets failed like this, at {}", others_failed),
    form("meanwhile, {} of {} to the group's other target failed like this", others_failed),
    form("all {} targets in {} failed like this, and none of the {} elsewhere did", of_subnet),
    form("node {} had {} % of these failures and {} % of the requests at that time", kept_to_node),
    form("{} had {} % of these failures and {} % of the requests at that time", kept_to_routes),
    form("{} of {} such failures were sent by the client {}", sent_by_client),
    form("all such failures were sent by the user agent {}", sent_by_agent),
    form("{} of {} ({} %) failed this way: {}", failed_this_way),
    form("{} of {} ({} %) failed this way and are in no other finding: {}", failed_this_way_and_are_left),
    form("another {} that failed this way {} explained otherwise", explained_otherwise),
    form("error_reason of all of them is {}", all_with_code),
    form("error_reason of {} is {}", with_code),
    form("all of them are requests to {}", all_to_route),
    form("at least {} of them are requests to {}", most_to_route),
    form("they took {} to {} s (median {} s)", took),
    form("they took {} s", took_one_time),
    form("the target held them for {} to {} s (median {} s)", held),
    form("the target held them for {} s", held_one_time),
    form("this target answered no request at all", answered),
    form("this target answered {}", answered),
];

fn at_many(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let failing: BTreeSet<_> = recount.finding.failures_by_target.iter().map(|(target, ..)| *target).collect();
    same(recount.targets().len(), number(said[1]), 0)?;
    same(failing.len(), number(said[0]), 0)?;
    same(recount.failed.count, number(said[2]), 0)
}

fn more_at(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let failing: BTreeSet<_> = recount.finding.failures_by_target.iter().map(|(target, ..)| *target).collect();
    holds(number(said[1]) <= failing.len(), "more targets than failed")?;
    holds(number(said[0]) < recount.failed.count, "more failures than there are")
}

fn others_failed(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let is_other = |request: &Request<'_>| Some(request.target) != recount.target.as_deref();
    let outcomes = recount.outcomes();
    let fails = |request: &Request<'_>| is_other(request) && outcomes.contains(request.outcome);
    within(meanwhile(recount, fails), number(said[0]), "failures")?;
    within(meanwhile(recount, is_other), number(said[1]), "requests")?;
    let Some(at) = said.get(3) else { return only_other(recount, said.get(2)) };
    only_other(recount, said.get(2))?;
    let Some((first, last)) = recount.sent() else { return Ok(()) };
    let then = recount.timed().filter(|request| fails(request) && (first - 200..=last + 200).contains(&request.sent));
    let failing: BTreeSet<&str> = then.map(|request| request.target).collect();
    same(failing.len(), number(at), 1)
}

/// How many other targets had requests meanwhile.
fn only_other(recount: &Recount<'_>, said: Option<&&str>) -> Result<(), String> {
    let Some((first, last)) = recount.sent() else { return Ok(()) };
    let others = recount.timed().filter(|request| Some(request.target) != recount.target.as_deref());
    let then: BTreeSet<&str> =
        others.filter(|it| (first - 200..=last + 200).contains(&it.sent)).map(|it| it.target).collect();
    same(then.len(), said.map_or(1, |said| number(said)), 1)
}

fn none_failed(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let count = said.get(1).map_or_else(Vec::new, |count| vec![*count]);
    others_failed(recount, &[vec!["0", said[0]], count].concat())
}

fn of_subnet(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let (prefix, bits) = said[1].split_once('/').ok_or("no subnet")?;
    let prefix = if bits == "24" { prefix.trim_end_matches('0') } else { prefix.trim_end_matches("::") };
    let is_inside = |target: &str| target.trim_start_matches('[').starts_with(prefix);
    let Some((first, last)) = recount.sent() else { return Ok(()) };
    let outcomes = recount.outcomes();
    let then = || recount.timed().filter(|request| (first - 200..=last + 200).contains(&request.sent));
    let served: BTreeSet<&str> = then().map(|request| request.target).collect();
    let failed: BTreeSet<&str> = then().filter(|it| outcomes.contains(it.outcome)).map(|it| it.target).collect();
    let (inside, outside): (Vec<&str>, Vec<&str>) = served.iter().partition(|target| is_inside(target));
    same(inside.len(), number(said[0]), 0)?;
    same(outside.len(), number(said[2]), 0)?;
    holds(inside.iter().all(|target| failed.contains(target)), "one of the subnet did not fail")?;
    holds(!outside.iter().any(|target| failed.contains(target)), "one elsewhere failed")
}

fn shares(
    recount: &Recount<'_>,
    said: [&str; 2],
    is_there: impl Fn(&Request<'_>) -> bool,
    counts: impl Fn(&Request<'_>) -> bool,
) -> Result<(), String> {
    let Some((first, last)) = recount.sent() else { return Ok(()) };
    let failures = recount.failed.certain.iter().filter(|request| is_there(request)).count();
    let all = recount.failed.certain.iter().filter(|request| counts(request)).count();
    holds(is_share(failures, all, said[0]), &format!("{failures} of {all} failures"))?;
    let then: Vec<_> =
        recount.of_targets().filter(|it| counts(it) && (first - 200..=last + 200).contains(&it.sent)).collect();
    let there = then.iter().filter(|request| is_there(request)).count();
    // One at either end may be in it or not.
    let is_near = (0..=2_usize).any(|less| {
        let all = then.len() - less.min(then.len());
        (0..=less).any(|of| is_share(there.saturating_sub(of), all, said[1]))
    });
    holds(is_near, &format!("{there} of {} requests", then.len()))
}

fn kept_to_node(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    shares(recount, [said[1], said[2]], |request| request.node == said[0], |_| true)
}

fn kept_to_routes(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let (first, others) = routes(said[0]);
    let (all, percent) = (|request: &Request<'_>| !request.method.is_empty(), [said[1], said[2]]);
    if others == 0 {
        return shares(recount, percent, |request| request.is_to(first), all);
    }
    let of_first = recount.failed.bounds(|request| request.is_to(first)).0;
    let share = of_first as f64 * 100.0 / recount.failed.count as f64;
    holds(words::decimal(said[1]) + 1.0 >= share, "the first route alone has more failures")
}

/// `GET /orders/{id} and 2 other routes`: the first route, and the number of others.
pub(crate) fn routes(named: &str) -> (&str, usize) {
    match named.rsplit_once(" and ") {
        Some((first, rest)) if rest.contains(" other route") => (first, number(rest)),
        _ => (named, 0),
    }
}

/// The failures of the finding's outcomes at its targets, whatever explains them.
fn with_its_outcomes<'r>(recount: &Recount<'r>) -> Vec<&'r Request<'r>> {
    let by_target = &recount.finding.failures_by_target;
    if by_target.is_empty() {
        return recount.failed.possible.clone();
    }
    let name = |target| String::from_utf8_lossy(recount.summary.targets.entry(target).1).into_owned();
    let kinds: BTreeSet<(String, &str)> =
        by_target.iter().map(|(target, outcome, _)| (name(*target), outcome.id())).collect();
    let is_at = |request: &&&Request<'_>| recount.target.as_deref().is_none_or(|target| request.target == target);
    let all: Vec<&Request<'_>> = recount.in_group().collect();
    all.iter().filter(is_at).filter(|it| kinds.contains(&(it.target.to_owned(), it.outcome))).copied().collect()
}

fn sent_by_client(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let such = with_its_outcomes(recount);
    let begin = format!("{}:", said[2]);
    let of_client = such.iter().filter(|request| request.field(alb::CLIENT).starts_with(&begin)).count();
    holds(recount.failed.is_part || such.len() == number(said[1]), &format!("there are {} such failures", such.len()))?;
    match said[0].strip_prefix("at least ") {
        Some(least) => holds(of_client >= number(least), &format!("it sent {of_client}")),
        None => {
            within((if recount.failed.is_part { 0 } else { of_client }, of_client), number(said[0]), "of the client")
        }
    }
}

fn sent_by_agent(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let such = if recount.failed.is_part { recount.failed.certain.clone() } else { with_its_outcomes(recount) };
    holds(
        recount.failed.is_part || such.iter().all(|it| it.field(alb::USER_AGENT).starts_with(said[0])),
        "another user agent has such failures, too",
    )
}

/// The outcome that the first sentence from an outcome alone names, and the requests at the finding's scope that ended
/// so.
fn ended_so<'r>(recount: &Recount<'r>) -> Vec<&'r Request<'r>> {
    let titles = recount.finding.evidence.iter().filter(|it| !it.text.starts_with("in addition"));
    let title =
        titles.filter_map(|it| it.text.split_once(" failed this way")).find_map(|(_, rest)| rest.split_once(": "));
    let Some((_, title)) = title else { return Vec::new() };
    of_outcome(recount, title)
}

fn of_outcome<'r>(recount: &Recount<'r>, title: &str) -> Vec<&'r Request<'r>> {
    let outcome = Outcome::ALL.iter().find(|outcome| outcome.title() == title).map_or("", |outcome| outcome.id());
    at_scope(recount).into_iter().filter(|request| request.outcome == outcome).collect()
}

/// All requests at the scope of a finding from an outcome alone.
fn at_scope<'r>(recount: &Recount<'r>) -> Vec<&'r Request<'r>> {
    match &recount.target {
        Some(target) => recount.in_group().filter(|request| request.target == target).collect(),
        None if recount.group.is_empty() => {
            let of_balancer = recount.all.iter().filter(|request| request.load_balancer == recount.load_balancer);
            of_balancer.filter(|request| request.target.is_empty()).collect()
        }
        None => recount.in_group().filter(|request| request.target.is_empty()).collect(),
    }
}

fn failed_this_way_and_are_left(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let (left, requests) = (number(said[0]), number(said[1]));
    same(at_scope(recount).len(), requests, 0)?;
    holds(is_share(left, requests, said[2]), "another share")?;
    let all = of_outcome(recount, said[3]).len();
    holds(left < all, &format!("only {all} failed this way"))?;
    recount.failed.number(left, "left", |request| title_of(request) == said[3])
}

fn failed_this_way(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let (failures, requests) = (number(said[0]), number(said[1]));
    same(at_scope(recount).len(), requests, 0)?;
    holds(is_share(failures, requests, said[2]), "another share")?;
    same(of_outcome(recount, said[3]).len(), failures, 0)?;
    recount.failed.number(failures, "of the outcome", |request| title_of(request) == said[3])
}

fn title_of(request: &Request<'_>) -> &'static str {
    let outcome = Outcome::ALL.iter().find(|outcome| outcome.id() == request.outcome);
    outcome.map_or("", |outcome| outcome.title())
}

fn explained_otherwise(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let such = ended_so(recount);
    let own = recount.failed.bounds(|request| such.first().is_some_and(|such| such.outcome == request.outcome));
    within((such.len() - own.1, such.len() - own.0), number(said[0]), "explained by another finding")
}

fn all_with_code(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let code = said[0].split(": ").next().unwrap_or_default();
    let such = ended_so(recount);
    let with_code = such.iter().filter(|request| request.field(alb::ERROR_REASON) == code).count();
    same(with_code, such.len(), 0)
}

fn with_code(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let code = said[1].split(": ").next().unwrap_or_default();
    let with_code = ended_so(recount).iter().filter(|request| request.field(alb::ERROR_REASON) == code).count();
    match said[0].strip_prefix("at least ") {
        Some(least) => holds(with_code >= number(least), &format!("{with_code} have it")),
        None => same(with_code, number(said[0]), 0),
    }
}

fn all_to_route(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let other = ended_so(recount).into_iter().find(|request| !request.is_to(said[0]));
    other.map_or(Ok(()), |other| Err(format!("one is to {} {}", other.method, other.path)))
}

fn most_to_route(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let there = ended_so(recount).iter().filter(|request| request.is_to(said[1])).count();
    holds(there >= number(said[0]), &format!("{there} are"))
}

fn range(mut times: Vec<i64>, said: [&str; 3]) -> Result<(), String> {
    times.sort_unstable();
    let (Some(&low), Some(&high)) = (times.first(), times.last()) else { return Err("nothing has that time".into()) };
    near(low, words::micros(said[0]), "the shortest")?;
    near(high, words::micros(said[1]), "the longest")?;
    // The program's medians are too large by less than 0.8 %.
    let (median, told) = (times[(times.len() - 1) / 2], words::micros(said[2]));
    holds((told - median).abs() <= 1_200 + median / 125, &format!("the median is {median} µs"))
}

fn took(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    range(ended_so(recount).iter().filter_map(|request| request.elapsed()).collect(), [said[0], said[1], said[2]])
}

fn took_one_time(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    took(recount, &[said[0], said[0], said[0]])
}

fn held(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let such = ended_so(recount);
    let times: Vec<i64> = such.iter().filter_map(|request| request.processing()).collect();
    same(times.len(), such.len(), 0)?;
    range(times, [said[0], said[1], said[2]])
}

fn held_one_time(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    held(recount, &[said[0], said[0], said[0]])
}

fn answered(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let answered = at_scope(recount).iter().filter(|request| request.has_answer()).count();
    same(answered, said.first().map_or(0, |said| number(said)), 0)
}
