//! Sentences on targets that could not be reached or did not answer: blocked paths, lost requests, silence.

use std::collections::{BTreeMap, BTreeSet};

use super::bounds::{AT_THE_ENDS, Usual, runs, sent};
use super::failed::Failed;
use super::reader::{Request, SECOND};
use super::recount::Recount;
use super::shared::routes;
use super::words::{decimal, holds, micros, near, number, same, within};
use super::{Form, form};

pub(super) const FORMS: &[Form] = &[
    form("{} not established within 10 s", connect_timeouts),
    form("then {} not established within 10 s: the accept queue was full", then_connect_timeouts),
    form("meanwhile, the target answered nothing through the same load balancer nodes", nothing_meanwhile),
    form("meanwhile, {} answered through the same load balancer nodes", some_meanwhile),
    form("only {} could not connect; through other nodes, the target answered {}", other_nodes),
    form("{} on connections that were already open reached the idle timeout", on_open_connections),
    form("the target never answered a request", answered_in_all),
    form("in all, the target answered {}", answered_in_all),
    form("for about {} s the target answered nothing: {} to {} reached the idle timeout of {} s", silent),
    form("{} reached the idle timeout of {} s", reached_idle_timeout),
    form("{} of the target group's {} such requests were to {}", of_group_to_routes),
    form(
        "{} ended with 504 instead of an answer, {} of them within half a second of the idle timeout of {} s",
        ended_so,
    ),
    form("in the target group, such requests were to {}, which had {} % of its requests", spread),
    form("the slowest answered request to the same routes took {} s", slowest_answer),
    form("{} accepted and not answered within the idle timeout of {} s", accepted),
    form(
        "in the target group, {} to the same routes and targets {} answered meanwhile; no answer to these routes ever took \
         longer than {} s",
        answered_meanwhile,
    ),
    form(
        "in the target group, of {} sent {} s or more after all others on the same node and target had ended or were \
         lost, {} were lost like this, and {} of {} that were sent sooner",
        after_quiet,
    ),
];

fn is_connect_timeout(request: &Request<'_>) -> bool {
    request.outcome == "connect-timeout"
}

fn is_idle_timeout(request: &Request<'_>) -> bool {
    request.outcome == "idle-timeout"
}

fn connect_timeouts(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    recount.failed.number(number(said[0]), "connect timeouts", is_connect_timeout)?;
    let mut other = recount.failed.possible.iter().filter(|it| is_connect_timeout(it));
    holds(other.all(|it| it.elapsed().is_some_and(|took| took >= 9_500_000)), "one took less than 10 s")
}

fn then_connect_timeouts(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    connect_timeouts(recount, said)?;
    let first = recount.failed.certain.iter().filter(|it| is_idle_timeout(it)).map(|it| it.sent).min();
    let mut before = recount.failed.certain.iter().filter(|it| is_connect_timeout(it) && Some(it.sent) < first);
    holds(before.next().is_none(), "one was sent before the first request that was not answered")
}

/// The connect timeouts of the finding in episodes: an answer through their nodes and a pause of a minute lie between
/// two.
fn episodes<'r>(recount: &Recount<'r>) -> Vec<Vec<&'r Request<'r>>> {
    let timeouts: Vec<_> = recount.failed.certain.iter().copied().filter(|it| is_connect_timeout(it)).collect();
    let mut episodes: Vec<Vec<&Request<'_>>> = Vec::new();
    for run in runs(&timeouts, sent, 60 * SECOND) {
        let is_silent = episodes.last().and_then(|before| before.last()).is_some_and(|before| {
            let nodes = [&before.node, &run[0].node];
            let mut between = recount.of_target().filter(|it| (before.sent..=run[0].sent).contains(&it.sent));
            !between.any(|it| it.is_answered() && nodes.contains(&&it.node))
        });
        match episodes.last_mut() {
            Some(episode) if is_silent => episode.extend(run),
            _ => episodes.push(run),
        }
    }
    episodes
}

/// How many requests of the target were answered in the episodes, through the nodes that could not connect and through
/// others.
fn answered_in_episodes(recount: &Recount<'_>) -> (usize, usize, usize) {
    let episodes = episodes(recount);
    let all: BTreeSet<&str> = episodes.iter().flatten().map(|it| it.node.as_str()).collect();
    let (mut same, mut other) = (0, 0);
    for episode in &episodes {
        let nodes: BTreeSet<&str> = episode.iter().map(|it| it.node.as_str()).collect();
        let span = episode[0].sent - 200..=episode[episode.len() - 1].sent + 200;
        for request in recount.of_target().filter(|it| it.is_answered() && span.contains(&it.sent)) {
            same += usize::from(nodes.contains(request.node.as_str()));
            other += usize::from(!all.contains(request.node.as_str()));
        }
    }
    (same, other, all.len())
}

fn nothing_meanwhile(recount: &Recount<'_>, _: &[&str]) -> Result<(), String> {
    some_meanwhile(recount, &["0"])
}

fn some_meanwhile(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    if !recount.failed.is_exact() {
        return Ok(());
    }
    same(answered_in_episodes(recount).0, number(said[0]), 0)
}

fn other_nodes(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    if !recount.failed.is_exact() {
        return Ok(());
    }
    let (_, answered, nodes) = answered_in_episodes(recount);
    same(nodes, number(said[0]), 0)?;
    same(answered, number(said[1]), AT_THE_ENDS)
}

fn on_open_connections(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    recount.failed.number(number(said[0]), "idle timeouts", is_idle_timeout)
}

fn answered_in_all(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let of_target = recount.in_group().filter(|it| Some(it.target) == recount.target.as_deref());
    same(of_target.filter(|it| it.has_answer()).count(), said.first().map_or(0, |said| number(said)), 0)
}

/// Whether the idle timeout is the one that the findings go by, and one that the lines have.
fn is_idle_timeout_of(recount: &Recount<'_>, said: &str) -> Result<(), String> {
    near(recount.idle_timeout(), micros(said), "the idle timeout")?;
    let of_balancer = || recount.all.iter().filter(|it| it.load_balancer == recount.load_balancer);
    let shortest = of_balancer().filter(|it| is_idle_timeout(it)).filter_map(Request::elapsed).min();
    let is_shown = shortest.is_some_and(|it| (micros(said) - SECOND / 2..micros(said) + SECOND).contains(&it));
    let borne = of_balancer().filter(|it| it.outcome != "idle-timeout").filter_map(Request::processing);
    let is_borne = borne.into_iter().any(|it| (it - micros(said)).abs() <= 1_200);
    let sockets = of_balancer().filter(|it| it.is_socket).filter_map(Request::elapsed);
    let is_cut = sockets.filter(|it| (it - micros(said)).abs() <= 30_000).count() >= 5;
    holds(
        is_shown || is_borne || is_cut || micros(said) == 60 * SECOND,
        &format!("neither the default, nor in the log; the shortest 504 took {shortest:?} µs"),
    )
}

fn silent(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    recount.failed.number(number(said[1]), "idle timeouts", is_idle_timeout)?;
    is_idle_timeout_of(recount, said[3])?;
    if !recount.failed.is_exact() {
        return Ok(());
    }
    let idle = recount.failed.certain.iter().copied();
    same(Usual::routes(idle.filter(|it| !it.method.is_empty())), number(said[2]), 1)?;
    // The longest stretches of its episodes in which nothing that it answered ended. An episode has no pause of more
    // than 10 s, or more in a quiet group.
    let seen: Vec<i64> = recount.of_target().map(|it| it.ended).collect();
    let mean = (seen.iter().max().unwrap_or(&0) - seen.iter().min().unwrap_or(&0))
        / i64::try_from(seen.len().max(1)).unwrap_or(i64::MAX);
    let mut silent = 0;
    for episode in runs(&recount.failed.certain, sent, (10 * SECOND).max(mean * 8)) {
        let (first, last) = (episode[0].sent, episode[episode.len() - 1].sent);
        let mut ends: Vec<i64> = recount
            .of_target()
            .filter(|it| it.has_answer() && (first..=last).contains(&it.ended))
            .map(|it| it.ended)
            .collect();
        ends.extend([first, last]);
        ends.sort_unstable();
        silent += ends.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or_default();
    }
    holds(micros(said[0]) <= silent + 2_000, &format!("it was silent for {silent} µs"))
}

fn reached_idle_timeout(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    recount.failed.all(number(said[0]), "idle timeouts", is_idle_timeout)?;
    is_idle_timeout_of(recount, said[1])?;
    let timeout = micros(said[1]);
    let is_early = |it: &&&Request<'_>| it.elapsed().is_some_and(|took| took < timeout - SECOND / 2);
    let early = recount.failed.certain.iter().filter(is_early).count();
    holds(early == 0, &format!("{early} of them ended before that time"))
}

/// The idle timeouts of the group that are in findings of this cause.
fn such<'r>(recount: &Recount<'r>) -> Option<Vec<&'r Request<'r>>> {
    let all = recount.all_alike()?;
    let idle: Vec<_> = all.possible.iter().copied().filter(|it| is_idle_timeout(it)).collect();
    (all.certain.len() == all.possible.len()).then_some(idle)
}

fn of_group_to_routes(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let Some(such) = such(recount) else { return Ok(()) };
    let (first, others) = routes(said[2]);
    let there = such.iter().filter(|it| it.is_to(first)).count();
    // Silent targets of the same group have findings of the same cause.
    holds(number(said[1]) <= such.len(), &format!("there are {}", such.len()))?;
    holds(number(said[0]) <= number(said[1]), "more than all")?;
    if others == 0 {
        within((0, there), number(said[0]), "to the route")
    } else {
        let least = there.saturating_sub(such.len() - number(said[1]));
        within((least, such.len()), number(said[0]), "to the routes")
    }
}

fn ended_so(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    recount.failed.all(number(said[0]), "idle timeouts", is_idle_timeout)?;
    is_idle_timeout_of(recount, said[2])?;
    let timeout = micros(said[2]);
    recount.failed.number(number(said[1]), "at that time", |it| (it.took() - timeout).abs() <= SECOND / 2 + 200)
}

fn spread(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let Some(such) = such(recount) else { return Ok(()) };
    let routes: BTreeSet<_> = such.iter().filter(|it| !it.method.is_empty()).map(|it| route_of(it)).collect();
    // Silent targets of the same group have findings of the same cause.
    holds(number(said[0]) <= routes.len() + 1, &format!("{} routes", routes.len()))?;
    if number(said[0]) < routes.len() {
        return Ok(());
    }
    let all: Vec<_> = recount.timed().filter(|it| !it.method.is_empty()).collect();
    let there = all.iter().filter(|it| routes.contains(&route_of(it))).count();
    let share = there as f64 * 100.0 / all.len().max(1) as f64;
    holds((share - decimal(said[1])).abs() <= 1.5, &format!("{there} of {}", all.len()))
}

/// The slowest answer to the routes of some requests.
fn slowest(recount: &Recount<'_>, such: &[&Request<'_>]) -> i64 {
    let keys: BTreeSet<_> = such.iter().map(|it| route_of(it)).collect();
    recount
        .timed()
        .filter(|it| it.is_answered() && keys.contains(&route_of(it)))
        .map(Request::took)
        .max()
        .unwrap_or_default()
}

/// A route by its method and path, with numbers left out.
fn route_of(request: &Request<'_>) -> String {
    let segments = request
        .path
        .split('/')
        .map(|segment| if segment.contains(|c: char| c.is_ascii_digit()) { "*" } else { segment });
    segments.fold(request.method.to_owned(), |route, segment| route + "/" + segment)
}

fn slowest_answer(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let named = recount.finding.evidence.iter().find_map(|it| it.text.split_once(" such requests were to "));
    let Some((_, named)) = named else { return Err("no routes are named".into()) };
    let (first, others) = routes(named);
    let of_first = recount.timed().filter(|it| it.is_answered() && it.is_to(first)).map(Request::took).max();
    let of_first = of_first.unwrap_or_default();
    if others == 0 {
        return near(of_first, micros(said[0]), "the slowest answer");
    }
    holds(of_first <= micros(said[0]) + 1_200, &format!("one took {of_first} µs"))
}

fn accepted(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    reached_idle_timeout(recount, said)
}

fn answered_meanwhile(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let Some(all) = recount.all_alike().filter(Failed::is_exact) else { return Ok(()) };
    let (Some(first), Some(last)) = (all.certain.first(), all.certain.last()) else { return Ok(()) };
    let keys: BTreeSet<_> = all.certain.iter().map(|it| route_of(it)).collect();
    let targets: BTreeSet<&str> = all.certain.iter().map(|it| it.target).collect();
    let span = first.sent - 200..=last.sent + 200;
    let is_there = |it: &&Request<'_>| {
        targets.contains(it.target) && it.is_answered() && keys.contains(&route_of(it)) && span.contains(&it.sent)
    };
    same(recount.timed().filter(is_there).count(), number(said[0]), AT_THE_ENDS)?;
    near(slowest(recount, &all.certain), micros(said[2]), "the slowest answer")
}

fn after_quiet(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let quiet = micros(said[1]);
    let mut latest: BTreeMap<(&str, &str), i64> = BTreeMap::new();
    let mut order: Vec<&Request<'_>> = recount.timed().collect();
    order.sort_by_key(|it| it.sent);
    // How many were sent so long after the last end, and how many of these were lost; and of all others.
    let mut counts = [[0_usize; 2]; 2];
    for request in order {
        let pair = (request.node.as_str(), request.target);
        if let Some(before) = latest.get(&pair) {
            let is_after = request.sent - before >= quiet - 600;
            counts[usize::from(is_after)][0] += 1;
            counts[usize::from(is_after)][1] += usize::from(is_idle_timeout(request));
        }
        if !is_idle_timeout(request) {
            let known = latest.entry(pair).or_insert(request.ended);
            *known = request.ended.max(*known);
        }
    }
    let [others, after] = counts;
    same(after[1], number(said[2]), 1)?;
    same(after[0], number(said[0]), 2)?;
    same(others[1], number(said[3]), 1)?;
    same(others[0], number(said[4]), 2)
}
