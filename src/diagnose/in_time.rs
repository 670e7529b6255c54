//! Causes that show only in how failures lie in time: deaths, blocked paths, walls and races.
//!
//! They are looked for in this order, and what one explains is not offered to the next: a process that dies ends requests of any length, at once or late, and would look like anything else.

use std::time::Duration;

use super::causes::{Cause, cause};
use super::endings::{self, Death};
use super::race::{self, KeepAlive, PairHistory};
use super::walls::{self, Wall};
use super::{
    Confidence, Estimates, Evidence, Finding, IdleTimeout, MIN_FAILURES, MIN_FAILURES_FOR_HIGH, Scope, grouped,
    seconds_of,
};
use crate::aggregate::route::{Route, RouteCounts};
use crate::aggregate::timeline::Passage;
use crate::aggregate::{Samples, Span, Summary, Target};
use crate::classify::Outcome;

/// A target seen within this of the window's beginning need not have begun there.
const EDGE_MICROS: i64 = 60 * 1_000_000;

/// A target's requests over time.
struct History<'a> {
    place: u32,
    target_group: u32,
    target: &'a Target,
    /// By node, each in the order of the ends.
    nodes: Vec<Vec<Passage>>,
    /// All nodes together.
    all: Vec<Passage>,
    deaths: Vec<Death>,
}

/// Explains what time tells, target by target.
pub(super) fn explain(summary: &Summary, idle_timeout: IdleTimeout) -> Vec<Finding> {
    let histories: Vec<History<'_>> = (0..)
        .zip(summary.targets.iter())
        .filter(|(_, (_, address, target))| !address.is_empty() && !target.failures.is_empty())
        .map(|(place, (target_group, _, target))| History::new(summary, place, target_group, target))
        .collect();
    let mut explained = Vec::new();
    for history in &histories {
        explained.extend(history.crash(summary));
        explained.extend(history.not_ready(summary));
        explained.extend(history.blocked());
        explained.extend(history.cut_off(idle_timeout));
    }
    let is_closed = |history: &History<'_>| history.target.outcomes.of(Outcome::ClosedBeforeResponse) > 0;
    let routes = if histories.iter().any(is_closed) { summary.routes.sorted() } else { Vec::new() };
    let mut groups: Vec<u32> = histories.iter().map(|history| history.target_group).collect();
    groups.sort_unstable();
    groups.dedup();
    for group in groups {
        let members: Vec<&History<'_>> = histories.iter().filter(|history| history.target_group == group).collect();
        // Failures of one route are its own, whatever their lags may look like.
        match bad_routes(&routes, group) {
            Some(routes) => explained.extend(members.iter().filter_map(|history| history.of_bad_routes(&routes))),
            None => explained.extend(races(&members, idle_timeout)),
        }
    }
    explained
}

impl<'a> History<'a> {
    fn new(summary: &Summary, place: u32, target_group: u32, target: &'a Target) -> Self {
        let nodes: Vec<Vec<Passage>> =
            summary.timeline.of_target(place).into_iter().map(|(_, passages)| passages).collect();
        let mut all: Vec<Passage> = nodes.concat();
        // Runs that are in order already, which this sort makes use of.
        all.sort_by_key(Passage::order);
        let deaths = endings::deaths(&all);
        Self { place, target_group, target, nodes, all, deaths }
    }

    fn is_of_a_death(&self, passage: &Passage) -> bool {
        self.deaths.iter().any(|death| (death.at..=death.until).contains(&passage.ended))
    }

    /// The process died with requests in flight, or was taken away with them.
    fn crash(&self, summary: &Summary) -> Option<Finding> {
        let failures: usize = self.deaths.iter().map(Death::explains).sum();
        let (first, last) = (self.deaths.first()?, self.deaths.last()?);
        let failures = failures as u64;
        if failures < MIN_FAILURES {
            return None;
        }
        let ended: usize = self.deaths.iter().map(|death| death.ended).sum();
        let refused: usize = self.deaths.iter().map(|death| death.refused).sum();
        let survived: usize = self.deaths.iter().map(|death| death.survived).sum();
        let is_whole = self.deaths.iter().all(Death::is_whole);
        let is_replaced = self.is_replaced_beforehand(summary, last);
        let (id, also_fits): (_, &[&str]) = if is_replaced {
            ("deploy-without-draining", &["target-crash"])
        } else {
            ("target-crash", &["deploy-without-draining"])
        };
        // One that comes back where it was restarted. One that does not may also have been replaced in a deployment that stops the old one first.
        let is_back = last.answered_again.is_some();
        let confidence = match (is_whole, is_back) {
            (true, true) if failures >= MIN_FAILURES_FOR_HIGH && ended >= 3 => Confidence::High,
            (true, _) => Confidence::Medium,
            (false, _) => Confidence::Low,
        };
        let instants = self.deaths.len();
        let mut evidence = vec![number_of(
            &format!(
                "{} under way ended together, {}",
                plural(ended as u64, "request"),
                if instants == 1 { "at one instant".to_owned() } else { format!("at {instants} instants") }
            ),
            true,
            vec![("failures", failures as f64), ("ended_together", ended as f64), ("instants", instants as f64)],
        )];
        if let [death] = self.deaths.as_slice()
            && death.ended > 1
        {
            evidence.push(number_of(
                &format!(
                    "they had been sent over {} s and ended within {} s",
                    seconds(death.dispatched_within),
                    seconds(death.ended_within)
                ),
                true,
                vec![
                    ("dispatched_within", seconds_of(death.dispatched_within)),
                    ("ended_within", seconds_of(death.ended_within)),
                ],
            ));
        }
        if refused > 0 {
            evidence.push(number_of(
                &format!("then {} refused", plural_are(refused as u64, "connection")),
                true,
                vec![("refused", refused as f64)],
            ));
        }
        evidence.push(if survived == 0 {
            number_of("nothing that was under way was answered after all", true, vec![("survived", 0.0)])
        } else {
            number_of(
                &format!("{} under way at that instant answered all the same", plural_are(survived as u64, "request")),
                is_whole,
                vec![("survived", survived as f64)],
            )
        });
        evidence.push(match last.answered_again {
            Some(again) => {
                let away = Duration::from_micros(u64::try_from(again.micros_since(last.at)).unwrap_or_default());
                number_of(
                    &format!("the target answered again {} s later", seconds(away)),
                    true,
                    vec![("away", seconds_of(away))],
                )
            }
            None => number_of("the target never answered again", true, vec![]),
        });
        if is_replaced {
            evidence.push(number_of("by then as many new targets of the group had begun as had ended", true, vec![]));
        }
        let taken = vec![(Outcome::ClosedBeforeResponse, ended as u64), (Outcome::ConnectFailed, refused as u64)];
        let seen = Span { first: first.at, last: last.until };
        Some(self.finding(id, also_fits, confidence, Estimates::default(), seen, evidence, taken))
    }

    /// Whether the target ended for good when as many new ones of its group had begun as had ended: taken away, not lost.
    ///
    /// A rolling deployment starts a new target before it stops an old one. What replaces a target that was lost begins after.
    fn is_replaced_beforehand(&self, summary: &Summary, death: &Death) -> bool {
        /// Nodes find out within moments that a target is gone.
        const END_MICROS: i64 = 1_000_000;
        let (Some(window), None) = (summary.window, death.answered_again) else { return false };
        let spans =
            summary.targets.iter().filter(|(group, address, _)| *group == self.target_group && !address.is_empty());
        let spans: Vec<Span> = spans.filter_map(|(_, _, target)| target.seen).collect();
        let begun = spans
            .iter()
            .filter(|span| span.first.micros_since(window.first) > EDGE_MICROS && span.first <= death.at)
            .count();
        let ended = spans.iter().filter(|span| span.last.micros_since(death.until) < END_MICROS).count();
        begun >= ended.max(1)
    }

    /// A target that begins in the window refuses connections until it first answers: it was asked before it listened.
    fn not_ready(&self, summary: &Summary) -> Option<Finding> {
        let begun = self.all.first()?.dispatched;
        let first_answer = self.all.iter().find(|passage| !passage.outcome.is_failure())?.dispatched;
        let refusals = || self.all.iter().filter(|passage| passage.outcome == Outcome::ConnectFailed);
        let early: Vec<&Passage> = refusals().take_while(|passage| passage.ended < first_answer).collect();
        let is_new = begun.micros_since(summary.window?.first) > EDGE_MICROS;
        // Refused later too: it comes and goes, which is something else.
        if !is_new || (early.len() as u64) < MIN_FAILURES || early.len() * 10 < refusals().count() * 9 {
            return None;
        }
        let seen = Span { first: early.first()?.ended, last: early.last()?.ended };
        let waited = Duration::from_micros(u64::try_from(first_answer.micros_since(begun)).unwrap_or_default());
        let evidence = vec![
            number_of(
                &format!("{} refused before the target's first answer", plural_are(early.len() as u64, "connection")),
                true,
                vec![("failures", early.len() as f64)],
            ),
            number_of(
                &format!("that answer came {} s after the first request to it", seconds(waited)),
                true,
                vec![("waited", seconds_of(waited))],
            ),
        ];
        let taken = vec![(Outcome::ConnectFailed, early.len() as u64)];
        let also_fits = &["connection-refused"];
        Some(self.finding(
            "target-not-ready",
            also_fits,
            Confidence::Medium,
            Estimates::default(),
            seen,
            evidence,
            taken,
        ))
    }

    /// Connections timed out, and nothing was answered meanwhile: the path is blocked or the host is gone. Where others were answered, the target had no room for more.
    fn blocked(&self) -> Option<Finding> {
        /// Connect timeouts further apart than this are different episodes.
        const EPISODE_GAP_MICROS: i64 = 60 * 1_000_000;
        /// Fewer of them are no episode.
        const MIN_TIMEOUTS: usize = 5;
        /// What began in an episode and ended later than this is not looked for: longer than AWS's longest idle timeout.
        const ANSWERED_WITHIN_MICROS: i64 = 4_100 * 1_000_000;
        let timed_out: Vec<&Passage> =
            self.all.iter().filter(|passage| passage.outcome == Outcome::ConnectTimeout).collect();
        let episodes = timed_out
            .chunk_by(|one, next| next.dispatched.micros_since(one.dispatched) <= EPISODE_GAP_MICROS)
            .filter(|episode| episode.len() >= MIN_TIMEOUTS);
        let (mut timeouts, mut silent, mut answered) = (0_usize, 0_usize, 0_usize);
        let mut seen: Option<Span> = None;
        for episode in episodes {
            let (first, last) = (episode.first()?.dispatched, episode.last()?.dispatched);
            let from = self.all.partition_point(|passage| passage.ended < first);
            // The silence may have begun before a new connection was wanted: with the last request that was answered.
            let answered_last = self.all[..from].iter().rev().find(|passage| !passage.outcome.is_failure());
            let silent_since =
                answered_last.map_or(first, |passage| passage.dispatched.max(first.plus_micros(-EPISODE_GAP_MICROS)));
            let meanwhile = self.all[from..]
                .iter()
                .take_while(|passage| passage.ended <= last.plus_micros(ANSWERED_WITHIN_MICROS))
                .filter(|passage| passage.dispatched > silent_since && passage.dispatched <= last);
            let ok = meanwhile
                .clone()
                .filter(|passage| passage.dispatched >= first && !passage.outcome.is_failure())
                .count();
            timeouts += episode.len();
            answered += ok;
            silent += meanwhile.filter(|passage| passage.outcome == Outcome::IdleTimeout).count();
            Span::include(&mut seen, episode.first()?.ended);
            Span::include(&mut seen, episode.last()?.ended);
        }
        let seen = seen?;
        // One in fifty may have begun on a clock that differs a little.
        let is_blocked = answered * 50 <= timeouts;
        let (id, also_fits, confidence) = match is_blocked {
            true if timeouts as u64 >= MIN_FAILURES_FOR_HIGH => {
                ("connect-timeout", "target-tls-handshake", Confidence::High)
            }
            true => ("connect-timeout", "target-tls-handshake", Confidence::Medium),
            false => ("target-saturated", "connect-timeout", Confidence::Low),
        };
        if !is_blocked {
            // Requests that were slow while others were answered are a finding of their own.
            silent = 0;
        }
        let mut evidence = vec![
            number_of(
                &format!("{} not made within 10 s", plural_are(timeouts as u64, "connection")),
                true,
                vec![("failures", (timeouts + silent) as f64), ("connect_timeouts", timeouts as f64)],
            ),
            number_of(
                &match answered {
                    0 => "meanwhile the target answered nothing".to_owned(),
                    answered => format!("meanwhile the target answered {}", plural(answered as u64, "request")),
                },
                true,
                vec![("answered_meanwhile", answered as f64)],
            ),
        ];
        if silent > 0 {
            evidence.push(number_of(
                &format!("{} on connections that stood already met the idle timeout", plural(silent as u64, "request")),
                true,
                vec![("silent", silent as f64)],
            ));
        }
        let outside = self.target.latency.count();
        if outside > 0 {
            evidence.push(number_of(
                &format!("before or after, the target answered {}", plural(outside, "request")),
                true,
                vec![("answered", outside as f64)],
            ));
        }
        let taken = vec![(Outcome::ConnectTimeout, timeouts as u64), (Outcome::IdleTimeout, silent as u64)];
        Some(self.finding(id, &[also_fits], confidence, Estimates::default(), seen, evidence, taken))
    }

    /// The target's own timeout cut requests off at a constant time.
    fn cut_off(&self, idle_timeout: IdleTimeout) -> Option<Finding> {
        /// A wall that holds this many is no chance.
        const MIN_TIMES_FOR_HIGH: usize = 8;
        let closed: Vec<&Passage> = self
            .all
            .iter()
            .filter(|passage| passage.outcome == Outcome::ClosedBeforeResponse && !self.is_of_a_death(passage))
            .collect();
        let times: Vec<Duration> = closed.iter().map(|passage| passage.took()).collect();
        let wall: Wall = walls::wall(&times)?;
        let mut seen = None;
        for passage in closed.iter().filter(|passage| (wall.at..=wall.at + wall.thickness).contains(&passage.took())) {
            Span::include(&mut seen, passage.ended);
        }
        let is_below = wall.at < idle_timeout.duration;
        let confidence = if wall.times >= MIN_TIMES_FOR_HIGH && wall.times as u64 >= MIN_FAILURES_FOR_HIGH && is_below {
            Confidence::High
        } else {
            Confidence::Medium
        };
        let evidence = vec![
            number_of(
                &format!(
                    "{} of {} were closed {} to {} s after they were sent",
                    grouped(wall.times as u64),
                    plural(times.len() as u64, "request"),
                    seconds(wall.at),
                    seconds(wall.at + wall.thickness),
                ),
                true,
                vec![("failures", wall.times as f64), ("closed", times.len() as f64)],
            ),
            number_of(
                &format!(
                    "that is {} the idle timeout of {} s",
                    if is_below { "below" } else { "not below" },
                    seconds(idle_timeout.duration)
                ),
                is_below,
                vec![("idle_timeout", seconds_of(idle_timeout.duration))],
            ),
        ];
        let estimates = Estimates { timeout: Some(wall.at), ..Estimates::default() };
        let taken = vec![(Outcome::ClosedBeforeResponse, wall.times as u64)];
        Some(self.finding("target-request-timeout", &["target-crash"], confidence, estimates, seen?, evidence, taken))
    }

    /// The load balancer refuses what a route answers, so (nearly) all that the target closes is that route's.
    fn of_bad_routes(&self, routes: &BadRoutes) -> Option<Finding> {
        let closed: Vec<&Passage> = self
            .all
            .iter()
            .filter(|passage| passage.outcome == Outcome::ClosedBeforeResponse && !self.is_of_a_death(passage))
            .collect();
        if (closed.len() as u64) < MIN_FAILURES {
            return None;
        }
        let seen = Span { first: closed.first()?.ended, last: closed.last()?.ended };
        let evidence = vec![
            number_of(
                &format!("{} closed before an answer", plural_are(closed.len() as u64, "request")),
                true,
                vec![("failures", closed.len() as f64)],
            ),
            number_of(
                &format!(
                    "in the target group, {} of {} to {} ended so, and {} of {} others",
                    grouped(routes.failures),
                    plural(routes.requests, "request"),
                    routes.named(),
                    grouped(routes.other_failures),
                    grouped(routes.other_requests),
                ),
                true,
                vec![
                    ("route_failures", routes.failures as f64),
                    ("route_requests", routes.requests as f64),
                    ("other_failures", routes.other_failures as f64),
                    ("other_requests", routes.other_requests as f64),
                ],
            ),
        ];
        let taken = vec![(Outcome::ClosedBeforeResponse, closed.len() as u64)];
        let also_fits = &["target-crash"];
        Some(self.finding(
            "malformed-response",
            also_fits,
            routes.confidence(),
            Estimates::default(),
            seen,
            evidence,
            taken,
        ))
    }

    /// Failures that may be races and are nothing else, by node.
    fn race_candidates(&self) -> impl Iterator<Item = PairHistory<'_>> {
        self.nodes.iter().map(|passages| PairHistory {
            passages,
            failures: passages
                .iter()
                .filter(|passage| race::may_be_race(passage) && !self.is_of_a_death(passage))
                .copied()
                .collect(),
        })
    }

    #[expect(clippy::too_many_arguments, reason = "each is a field of the finding")]
    fn finding(
        &self,
        id: &str,
        also_fits: &[&str],
        confidence: Confidence,
        estimates: Estimates,
        seen: Span,
        evidence: Vec<Evidence>,
        taken: Vec<(Outcome, u64)>,
    ) -> Finding {
        let mut outcomes = taken;
        outcomes.retain(|(_, requests)| *requests > 0);
        outcomes.sort_by_key(|(outcome, requests)| (std::cmp::Reverse(*requests), *outcome));
        // The outcome of most of them stands for all.
        let outcome = outcomes.first().map_or(Outcome::ClosedBeforeResponse, |(outcome, _)| *outcome);
        let samples = self
            .target
            .failures
            .iter()
            .find(|failures| failures.outcome == outcome)
            .map_or_else(Samples::default, |failures| failures.samples.clone());
        Finding {
            scope: Scope::Target(self.place),
            outcome,
            cause: known(id),
            also_fits: also_fits.iter().copied().map(known).collect(),
            confidence,
            failures: outcomes.iter().map(|(_, requests)| requests).sum(),
            outcomes,
            seen: Some(seen),
            evidence,
            estimates,
            samples,
        }
    }
}

/// The routes of a target group whose requests are (nearly) all closed before an answer, against the others.
struct BadRoutes {
    names: Vec<String>,
    requests: u64,
    failures: u64,
    other_requests: u64,
    other_failures: u64,
}

/// Looks for them. `None` when most of what is closed is spread over routes that also answer.
fn bad_routes(routes: &[(Route, RouteCounts)], target_group: u32) -> Option<BadRoutes> {
    /// A route with fewer closed requests may have been unlucky.
    const MIN_CLOSED: u64 = 5;
    /// Of such a route at least this share is closed, and of all that is closed so much is theirs.
    const MIN_SHARE: f64 = 0.9;
    const MIN_COVERAGE: f64 = 0.8;
    let mut found = BadRoutes { names: Vec::new(), requests: 0, failures: 0, other_requests: 0, other_failures: 0 };
    for (route, counts) in routes {
        if route.target_group != target_group {
            continue;
        }
        let (requests, closed) = (counts.requests(), counts.outcomes.of(Outcome::ClosedBeforeResponse));
        if closed >= MIN_CLOSED && closed as f64 >= requests as f64 * MIN_SHARE {
            found.names.push(String::from_utf8_lossy(&route.template).into_owned());
            found.requests += requests;
            found.failures += closed;
        } else {
            found.other_requests += requests;
            found.other_failures += closed;
        }
    }
    let closed = found.failures + found.other_failures;
    // Where there is no other route, nothing says that it is the route.
    let is_found = found.failures > 0
        && found.failures as f64 >= closed as f64 * MIN_COVERAGE
        && found.other_requests >= found.requests;
    is_found.then_some(found)
}

impl BadRoutes {
    /// Nearly always closed, often enough, while others hardly ever are.
    fn confidence(&self) -> Confidence {
        let is_always = self.failures * 20 >= self.requests * 19 && self.failures >= 20;
        let is_only_there = self.other_failures * 100 < self.other_requests;
        if is_always && is_only_there { Confidence::High } else { Confidence::Medium }
    }

    fn named(&self) -> String {
        match self.names.as_slice() {
            [one] => one.clone(),
            [first, rest @ ..] => format!("{first} and {}", plural(rest.len() as u64, "other route")),
            [] => String::new(),
        }
    }
}

fn known(id: &str) -> &'static Cause {
    cause(id).expect("the ids of this file are in the table, as a test makes sure")
}

/// Races of the targets of one group: they run the same server, so they share its keep-alive timeout, and their failures tell it together.
fn races(members: &[&History<'_>], idle_timeout: IdleTimeout) -> Vec<Finding> {
    /// Failures at the timeout that no doubt is left about.
    const MIN_HITS_FOR_HIGH: usize = 12;
    const MIN_COVERAGE_FOR_HIGH: f64 = 0.7;
    let pairs: Vec<PairHistory<'_>> = members.iter().flat_map(|history| history.race_candidates()).collect();
    let Some(found) = race::estimate(&pairs, idle_timeout.duration) else { return Vec::new() };
    let is_sure = found.hits >= MIN_HITS_FOR_HIGH
        && found.coverage() >= MIN_COVERAGE_FOR_HIGH
        && found.timeout <= idle_timeout.duration;
    let confidence = if is_sure { Confidence::High } else { Confidence::Medium };
    let explained = members.iter().filter_map(|history| {
        let mut seen = None;
        let mut failures = 0;
        for failure in history.race_candidates().flat_map(|pair| pair.failures) {
            Span::include(&mut seen, failure.ended);
            failures += 1;
        }
        if failures < MIN_FAILURES {
            return None;
        }
        let confidence = if failures < MIN_FAILURES_FOR_HIGH { confidence.min(Confidence::Medium) } else { confidence };
        let estimates = Estimates { keep_alive: Some(found.timeout), ..Estimates::default() };
        let taken = vec![(Outcome::ClosedBeforeResponse, failures)];
        let evidence = race_evidence(&found, failures, idle_timeout);
        Some(history.finding("keep-alive-race", &["target-crash"], confidence, estimates, seen?, evidence, taken))
    });
    explained.collect()
}

fn race_evidence(found: &KeepAlive, failures: u64, idle_timeout: IdleTimeout) -> Vec<Evidence> {
    let (low, high) = found.interval;
    vec![
        number_of(
            &format!(
                "{} closed within half a second of being sent, none together with others",
                plural_are(failures, "request")
            ),
            true,
            vec![("failures", failures as f64)],
        ),
        number_of(
            &format!(
                "of those of its target group, {} of {} came {} to {} s after an answer on the same node and target; of answered requests, {:.0} in 100 did",
                found.hits,
                found.failures,
                seconds(low),
                seconds(high),
                found.control_share * 100.0,
            ),
            true,
            vec![
                ("hits", found.hits as f64),
                ("looked_at", found.failures as f64),
                ("lag_low", seconds_of(low)),
                ("lag_high", seconds_of(high)),
                ("control_share", found.control_share),
            ],
        ),
        number_of(
            &format!(
                "so the target's keep-alive timeout is about {} s, and the idle timeout {} s",
                seconds(found.timeout),
                seconds(idle_timeout.duration)
            ),
            found.timeout <= idle_timeout.duration,
            vec![("keep_alive", seconds_of(found.timeout)), ("idle_timeout", seconds_of(idle_timeout.duration))],
        ),
    ]
}

fn number_of(text: &str, is_for: bool, numbers: Vec<(&'static str, f64)>) -> Evidence {
    Evidence { text: text.to_owned(), is_for, numbers }
}

/// `1 request`, `2 requests`
fn plural(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", grouped(number), if number == 1 { "" } else { "s" })
}

/// `1 request was`, `2 requests were`
fn plural_are(number: u64, noun: &str) -> String {
    format!("{} {}", plural(number, noun), if number == 1 { "was" } else { "were" })
}

/// Seconds with as many decimals as the log has.
fn seconds(duration: Duration) -> String {
    format!("{:.3}", seconds_of(duration))
}

#[cfg(test)]
mod tests;
