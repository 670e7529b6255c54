//! One target group laid out for detectors: the requests of its targets in the order of their ends, and which failures are explained already.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rayon::prelude::*;

use super::causes::{Cause, cause};
use super::evidence::{grouped, one_or, percent, plural};
use super::measure::course::course;
use super::measure::dispatches::Dispatches;
use super::measure::lags::LagCounts;
use super::measure::routes::RouteRates;
use super::measure::share::{Rate, concentrated};
use super::measure::subnet::Subnet;
use super::{Confidence, Ended, Estimates, Evidence, Finding, IdleTimeout, MIN_FAILURES, MIN_FAILURES_FOR_HIGH, Scope};
use crate::aggregate::route::{Route, RouteCounts};
use crate::aggregate::timeline::Passage;
use crate::aggregate::{Callers, Sample, Samples, Span, Summary, Target};
use crate::classify::Outcome;
use crate::timestamp::Timestamp;

/// What the targets of all groups share.
pub(super) struct Setting<'a> {
    pub(super) summary: &'a Summary,
    /// First and last `time` of all requests.
    pub(super) window: Span,
    pub(super) idle_timeout: IdleTimeout,
    /// Names of the nodes, at [`Passage::node`].
    pub(super) nodes: Vec<&'a [u8]>,
    /// The routes of all target groups.
    pub(super) routes: Vec<(Route, RouteCounts)>,
    /// Where [`Passage::route`] stands in `routes`.
    pub(super) route_places: Vec<u16>,
}

/// A target group with a failure in it.
pub(super) struct Case<'a> {
    pub(super) setting: &'a Setting<'a>,
    pub(super) target_group: u32,
    /// Its targets, those without a failure too, in the order of their places.
    pub(super) members: Vec<Member<'a>>,
    /// How long each route usually takes, at its place in [`Setting::routes`]: the first quartile of the answered requests, so that a bad hour does not pass for
    /// usual. Absent where too few were answered.
    usual: Vec<Option<Duration>>,
    /// How many requests each route had, at the same places.
    requests: Vec<usize>,
}

/// One target and its requests.
pub(super) struct Member<'a> {
    /// Its place in the summary.
    pub(super) place: u32,
    pub(super) target: &'a Target,
    /// On all nodes, in the order of their ends.
    pub(super) passages: Vec<Passage>,
    /// Its passages in the order in which they were sent.
    dispatches: Dispatches,
    subnet: Option<Subnet>,
    /// The places of its failures, in the order of their ends.
    failures: Vec<u32>,
    /// When they were sent, in that order, by how they ended.
    failed: Vec<(Outcome, Vec<Timestamp>)>,
    is_explained: Vec<bool>,
}

/// What a detector concludes: a cause, and the failures that it explains.
pub(super) struct Verdict {
    pub(super) cause: &'static str,
    /// Other causes that fit the same failures, likelier ones first.
    pub(super) also_fits: &'static [&'static str],
    pub(super) confidence: Confidence,
    pub(super) estimates: Estimates,
    /// What the lags look like, where they say something.
    pub(super) lags: Option<Arc<LagCounts>>,
    pub(super) evidence: Vec<Evidence>,
    /// Whether it is about the target group as a whole.
    pub(super) is_of_group: bool,
    /// Which: places of members, and of passages in each.
    pub(super) explains: Vec<(usize, Vec<usize>)>,
}

impl Verdict {
    /// A verdict that explains nothing yet.
    pub(super) fn new(cause: &'static str, confidence: Confidence) -> Self {
        Self {
            cause,
            also_fits: &[],
            confidence,
            estimates: Estimates::default(),
            lags: None,
            evidence: Vec::new(),
            is_of_group: false,
            explains: Vec::new(),
        }
    }

    /// A verdict on one target.
    pub(super) fn on_member(cause: &'static str, confidence: Confidence, member: usize, explains: Vec<usize>) -> Self {
        Self::new(cause, confidence).explaining(vec![(member, explains)])
    }

    /// The verdict with what it explains.
    pub(super) fn explaining(self, explains: Vec<(usize, Vec<usize>)>) -> Self {
        Self { explains, ..self }
    }
}

/// One verdict for each target with enough failures; where some have too few, one for all of those together, so that what is thinly spread is told too.
pub(super) fn share_out(
    explains: impl IntoIterator<Item = (usize, Vec<usize>)>,
    conclude: impl Fn(usize, &[usize]) -> Verdict,
) -> Vec<Verdict> {
    let (mut few, mut verdicts): (Vec<(usize, Vec<usize>)>, Vec<Verdict>) = (Vec::new(), Vec::new());
    for (member, places) in explains {
        if places.len() as u64 >= MIN_FAILURES {
            verdicts.push(conclude(places.len(), &[member]).explaining(vec![(member, places)]));
        } else if !places.is_empty() {
            few.push((member, places));
        }
    }
    if !few.is_empty() {
        let members: Vec<usize> = few.iter().map(|(member, _)| *member).collect();
        let failures = few.iter().map(|(_, places)| places.len()).sum();
        verdicts.push(Verdict { is_of_group: members.len() > 1, ..conclude(failures, &members).explaining(few) });
    }
    verdicts
}

/// The cause of an id.
pub(super) fn known(id: &str) -> &'static Cause {
    cause(id).expect("the ids of the detectors are in the table, as a test makes sure")
}

/// What ends when its answer is due ends after at least this share of what its route usually takes, in the median; an idle connection that was given up ends a request sooner.
pub(super) const WHEN_DUE: f64 = 0.75;

/// Answered requests from which on a route has a usual time.
const MIN_FOR_USUAL: usize = 8;

/// What some targets did on one route.
#[derive(Clone, Default)]
struct RouteTimes {
    requests: usize,
    /// How long its answered requests took, in microseconds.
    answered: Vec<i64>,
}

impl RouteTimes {
    fn take_in(&mut self, passage: &Passage) {
        self.requests += 1;
        if !passage.outcome.is_failure() {
            self.answered.push(passage.ended.micros_since(passage.dispatched));
        }
    }
}

impl<'a> Case<'a> {
    pub(super) fn new(setting: &'a Setting<'a>, target_group: u32) -> Self {
        let summary = setting.summary;
        let of_group: Vec<(u32, &[u8], &Target)> = (0..)
            .zip(summary.targets.iter())
            .filter(|(_, (group, address, _))| *group == target_group && !address.is_empty())
            .map(|(place, (_, address, target))| (place, address, target))
            .collect();
        let members: Vec<Member<'a>> = of_group
            .into_par_iter()
            .map(|(place, address, target)| {
                let mut passages = summary.timeline.of_target(place);
                for passage in &mut passages {
                    let moved = setting.route_places.get(usize::from(passage.route));
                    passage.route = moved.copied().unwrap_or(crate::aggregate::timeline::NO_ROUTE);
                }
                Member::new(place, target, Subnet::of(address), passages)
            })
            .collect();
        // A share for each thread, not for each member: a group may have thousands of targets and as many routes.
        let share = members.len().div_ceil(rayon::current_num_threads()).max(1);
        let times: Vec<Vec<RouteTimes>> = members
            .par_chunks(share)
            .map(|members| {
                let mut times = vec![RouteTimes::default(); setting.routes.len()];
                for passage in members.iter().flat_map(|member| &member.passages) {
                    if let Some(times) = times.get_mut(usize::from(passage.route)) {
                        times.take_in(passage);
                    }
                }
                times
            })
            .collect();
        let of_route = |route: usize| times.iter().filter_map(move |times| times.get(route));
        let requests = (0..setting.routes.len()).map(|route| of_route(route).map(|times| times.requests).sum());
        let requests = requests.collect();
        let usual = (0..setting.routes.len()).into_par_iter().map(|route| {
            let mut answered: Vec<i64> = of_route(route).flat_map(|times| &times.answered).copied().collect();
            let quarter = answered.len() / 4;
            let micros = (answered.len() >= MIN_FOR_USUAL).then(|| *answered.select_nth_unstable(quarter).1)?;
            Some(Duration::from_micros(u64::try_from(micros).unwrap_or_default()))
        });
        let usual = usual.collect();
        Self { setting, target_group, members, usual, requests }
    }

    /// How often each route of the group fails so: `failures` are among its requests.
    pub(super) fn route_rates<'p>(&self, failures: impl Iterator<Item = &'p Passage>) -> RouteRates {
        RouteRates::counted(failures, (0..).zip(self.requests.iter().copied()))
    }

    /// The places of all members, to look at several at once.
    pub(super) fn side_by_side(&self) -> impl IndexedParallelIterator<Item = usize> + use<> {
        (0..self.members.len()).into_par_iter()
    }

    /// The failures of a member that nothing explains yet, with their places.
    pub(super) fn unexplained(&self, member: usize) -> impl Iterator<Item = (usize, &Passage)> {
        self.members[member].unexplained()
    }

    /// How long a request to that route usually takes. Absent where too few were answered.
    pub(super) fn usual(&self, route: u16) -> Option<Duration> {
        self.usual.get(usize::from(route)).copied().flatten()
    }

    /// How many times its usual time an answered request took. A few milliseconds more are nothing to a person, so they are nothing here.
    pub(super) fn slowdown(&self, passage: &Passage) -> Option<f64> {
        const FLOOR: f64 = 0.010;
        let usual = self.usual(passage.route)?;
        Some((passage.took().as_secs_f64() + FLOOR) / (usual.as_secs_f64() + FLOOR))
    }

    /// For how much of what such requests usually take the target had worked on these, in the median. Absent where too few of their kind were ever answered.
    pub(super) fn share_of_usual<'p>(&self, requests: impl Iterator<Item = &'p Passage>) -> Option<f64> {
        let share_of = |passage: &Passage| {
            let usual = self.usual(passage.route)?;
            Some(passage.took().as_secs_f64() / usual.as_secs_f64().max(1e-3))
        };
        let mut shares: Vec<f64> = requests.filter_map(share_of).collect();
        shares.sort_unstable_by(f64::total_cmp);
        shares.get(shares.len() / 2).copied()
    }

    /// `GET /orders/{id}`, or nothing for a request without a route.
    pub(super) fn route_name(&self, route: u16) -> String {
        let found = self.setting.routes.get(usize::from(route));
        found.map(|(route, _)| String::from_utf8_lossy(&route.template).into_owned()).unwrap_or_default()
    }

    /// `GET /orders/{id}`, `GET /orders/{id} and 2 other routes`
    pub(super) fn routes_named(&self, routes: &[u16]) -> String {
        match routes {
            [] => String::new(),
            [one] => self.route_name(*one),
            [first, rest @ ..] => format!("{} and {}", self.route_name(*first), plural(rest.len(), "other route")),
        }
    }

    /// `10.0.1.17`
    fn node_name(&self, node: u16) -> String {
        let name = self.setting.nodes.get(usize::from(node)).copied().unwrap_or_default();
        String::from_utf8_lossy(name).into_owned()
    }

    /// Takes a verdict's failures as explained; it is not surer than their number allows. Nothing for one of fewer than [`MIN_FAILURES`], which is described, not classified.
    pub(super) fn accept(&mut self, verdict: &Verdict) -> Option<Finding> {
        let failures: usize = verdict.explains.iter().map(|(_, places)| places.len()).sum();
        if (failures as u64) < MIN_FAILURES {
            return None;
        }
        let mut evidence = verdict.evidence.clone();
        if let Some(first) = evidence.first_mut() {
            first.numbers.insert(0, ("failures", failures as f64));
        }
        evidence.extend(self.concentration(verdict));
        let mut outcomes: Vec<(Outcome, u64)> = Vec::new();
        let mut seen = None;
        let mut times = Vec::with_capacity(failures);
        let mut by_target: Vec<(u32, Outcome, u64)> = Vec::new();
        let mut ended: BTreeMap<(u32, Outcome, i64), u64> = BTreeMap::new();
        for (member, place) in verdict.places() {
            let member = &mut self.members[member];
            let passage = &member.passages[place];
            debug_assert!(passage.outcome.is_failure() && !member.is_explained[place], "a failure, explained once");
            member.is_explained[place] = true;
            Span::include(&mut seen, passage.ended);
            times.push(passage.dispatched);
            *ended.entry((member.place, passage.outcome, passage.ended.as_seconds().div_euclid(60))).or_default() += 1;
            match outcomes.iter_mut().find(|(outcome, _)| *outcome == passage.outcome) {
                Some((_, requests)) => *requests += 1,
                None => outcomes.push((passage.outcome, 1)),
            }
            match by_target.iter_mut().rev().find(|(of, outcome, _)| (*of, *outcome) == (member.place, passage.outcome))
            {
                Some((_, _, requests)) => *requests += 1,
                None => by_target.push((member.place, passage.outcome, 1)),
            }
        }
        outcomes.sort_by_key(|(outcome, requests)| (std::cmp::Reverse(*requests), *outcome));
        times.sort_unstable();
        let (outcome, _) = *outcomes.first()?;
        Some(Finding {
            scope: match verdict.explains.as_slice() {
                [(member, _)] if !verdict.is_of_group => Scope::Target(self.members[*member].place),
                _ => Scope::TargetGroup(self.target_group),
            },
            outcome,
            outcomes,
            cause: known(verdict.cause),
            also_fits: verdict.also_fits.iter().copied().map(known).collect(),
            confidence: if (failures as u64) < MIN_FAILURES_FOR_HIGH {
                verdict.confidence.min(Confidence::Medium)
            } else {
                verdict.confidence
            },
            failures: failures as u64,
            by_target,
            seen,
            course: course(&times, self.setting.window),
            evidence,
            estimates: verdict.estimates,
            lags: verdict.lags.clone(),
            ended: ended
                .into_iter()
                .map(|((target, outcome, minute), requests)| Ended {
                    target,
                    outcome,
                    minute: Timestamp::from_seconds(minute * 60),
                    requests,
                })
                .collect(),
            samples: self.samples(verdict, outcome, seen?),
        })
    }

    /// The earliest samples of what the verdict explains.
    fn samples(&self, verdict: &Verdict, outcome: Outcome, seen: Span) -> Samples {
        let mut samples = Samples::default();
        let of_members = verdict.explains.iter().flat_map(|(member, _)| &self.members[*member].target.failures);
        let kept =
            of_members.filter(|failures| failures.outcome == outcome).flat_map(|failures| failures.samples.as_slice());
        for Sample { time, location, line } in kept.filter(|sample| (seen.first..=seen.last).contains(&sample.time)) {
            samples.observe(*time, line, || location.clone());
        }
        samples
    }

    /// What the failures keep to: targets of the group, nodes, routes.
    fn concentration(&self, verdict: &Verdict) -> Vec<Evidence> {
        let Some(span) = self.extent(verdict) else { return Vec::new() };
        let outcomes: Vec<Outcome> = {
            let mut outcomes: Vec<Outcome> =
                verdict.places().map(|(member, place)| self.members[member].passages[place].outcome).collect();
            outcomes.sort_unstable();
            outcomes.dedup();
            outcomes
        };
        let mut evidence = Vec::new();
        if let ([(number, _)], false) = (verdict.explains.as_slice(), verdict.is_of_group) {
            evidence.extend(self.against_others(*number, span, &outcomes));
            evidence.extend(self.subnet(*number, span, &outcomes));
        }
        let mut by_node = vec![Rate::default(); self.setting.nodes.len()];
        let of_verdict = || verdict.explains.iter().flat_map(|(number, _)| self.members[*number].sent_in(span));
        for passage in of_verdict() {
            by_node[usize::from(passage.node)].requests += 1;
        }
        let explained = verdict.places().map(|(member, place)| &self.members[member].passages[place]);
        for passage in explained.clone() {
            by_node[usize::from(passage.node)].failures += 1;
        }
        let by_route = RouteRates::new(explained, of_verdict());
        if let [node] = concentrated(&by_node)[..] {
            let what = format!("node {}", self.node_name(u16::try_from(node).unwrap_or_default()));
            let all = by_node.iter().copied().sum();
            evidence.push(keeps_to(&what, by_node[node], all, ["node_failures", "node_requests"]));
        }
        let mut routes = by_route.concentrated();
        routes.sort_by_key(|&route| std::cmp::Reverse(by_route.of(&[route]).failures));
        if (1..=3).contains(&routes.len()) {
            let (what, held) = (self.routes_named(&routes), by_route.of(&routes));
            evidence.push(keeps_to(&what, held, by_route.all(), ["route_failures", "route_requests"]));
        }
        evidence.extend(self.callers(verdict));
        evidence
    }

    /// Who sent what the verdict explains, where that is (nearly) all that ended so at these targets.
    fn callers(&self, verdict: &Verdict) -> Vec<Evidence> {
        let mut callers = Callers::default();
        let mut ended_so = 0;
        let explained = verdict.places().count();
        for (member, places) in &verdict.explains {
            let member = &self.members[*member];
            let mut ended: Vec<Outcome> = places.iter().map(|&place| member.passages[place].outcome).collect();
            ended.sort_unstable();
            ended.dedup();
            for failures in member.target.failures.iter().filter(|failures| ended.contains(&failures.outcome)) {
                callers.merge(&failures.callers);
                ended_so += failures.requests;
            }
        }
        if explained as f64 >= ended_so as f64 * 0.9 { sent_by(&callers, ended_so) } else { Vec::new() }
    }

    /// From the first to the last dispatch of what the verdict explains.
    fn extent(&self, verdict: &Verdict) -> Option<Span> {
        let dispatches = verdict.places().map(|(member, place)| self.members[member].passages[place].dispatched);
        Some(Span { first: dispatches.clone().min()?, last: dispatches.max()? })
    }

    /// Whether the targets that failed so are all those of one subnet, and no others: then it is the subnet, or its zone.
    fn subnet(&self, number: usize, span: Span, outcomes: &[Outcome]) -> Option<Evidence> {
        let own = self.members[number].subnet?;
        let (mut inside, mut outside) = (0, 0);
        for member in &self.members {
            let has_failed = member.failed_in(span, outcomes) > 0;
            if !has_failed && member.sent_in(span).len() == 0 {
                continue;
            }
            let is_inside = member.subnet == Some(own);
            if has_failed != is_inside {
                return None;
            }
            *if is_inside { &mut inside } else { &mut outside } += 1;
        }
        (inside >= 2 && outside >= 2).then(|| {
            Evidence::speaks_for(
                format!("all {inside} targets of {own} failed so, and none of the {outside} elsewhere"),
                [("targets_of_subnet", f64::from(inside)), ("targets_elsewhere", f64::from(outside))],
            )
        })
    }

    /// How the other targets of the group did meanwhile.
    fn against_others(&self, number: usize, span: Span, outcomes: &[Outcome]) -> Option<Evidence> {
        // Fewer than this are looked at before others could help.
        const SHARE: usize = 512;
        let others = self.side_by_side().with_min_len(SHARE).filter(|other| *other != number);
        let rates = others.map(|other| {
            let other = &self.members[other];
            Rate { failures: other.failed_in(span, outcomes), requests: other.sent_in(span).len() }
        });
        let active: Vec<Rate> = rates.filter(|rate| rate.requests > 0).collect();
        let failing = active.iter().filter(|rate| rate.failures > 0).count();
        let Rate { failures, requests } = active.iter().copied().sum();
        let (group, at) = match active.len() {
            0 => return None,
            1 => ("the group's other target".to_owned(), String::new()),
            count => (format!("the group's {count} other targets"), format!(", at {}", one_or(failing, "of them"))),
        };
        let text = if failures == 0 {
            format!("meanwhile no request to {group} ended so, of {}", grouped(requests as u64))
        } else {
            format!("meanwhile {} of {} to {group} ended so{at}", grouped(failures as u64), plural(requests, "request"))
        };
        Some(Evidence::speaks_for(
            text,
            [
                ("other_targets", active.len() as f64),
                ("other_targets_failing", failing as f64),
                ("other_failures", failures as f64),
                ("other_requests", requests as f64),
            ],
        ))
    }
}

/// The client that sent at least half of `failures`, and the user agent that all of them have, where there are such.
pub(super) fn sent_by(callers: &Callers, failures: u64) -> Vec<Evidence> {
    const MIN_SENT: u64 = 10;
    let named = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
    let mut evidence = Vec::new();
    if let Some((client, sent)) = callers.clients.first().filter(|(_, sent)| *sent >= MIN_SENT && sent * 2 >= failures)
    {
        evidence.push(Evidence::speaks_for(
            format!("{} of the {} were sent by the client {}", grouped(sent), grouped(failures), named(client)),
            [("of_one_client", sent as f64)],
        ));
    }
    if let Some((agent, sent)) = callers.user_agents.first().filter(|(_, sent)| *sent >= MIN_SENT && *sent == failures)
    {
        evidence.push(Evidence::speaks_for(
            format!("all of them by the user agent {}", named(agent)),
            [("of_one_user_agent", sent as f64)],
        ));
    }
    evidence
}

/// How much of the failures, and how much of the requests, is of one thing: `held` of `all`.
fn keeps_to(what: &str, held: Rate, all: Rate, names: [&'static str; 2]) -> Evidence {
    Evidence::speaks_for(
        format!(
            "{} of them and {} of the requests were of {what}",
            percent(held.failures, all.failures),
            percent(held.requests, all.requests)
        ),
        [(names[0], held.failures as f64), (names[1], held.requests as f64)],
    )
}

impl Verdict {
    /// Member and passage of each failure that it explains.
    fn places(&self) -> impl Iterator<Item = (usize, usize)> + Clone {
        self.explains.iter().flat_map(|(member, places)| places.iter().map(move |&place| (*member, place)))
    }
}

impl<'a> Member<'a> {
    fn new(place: u32, target: &'a Target, subnet: Option<Subnet>, passages: Vec<Passage>) -> Self {
        let dispatches = Dispatches::new(&passages);
        let failures: Vec<u32> = passages
            .iter()
            .zip(0..)
            .filter(|(passage, _)| passage.outcome.is_failure())
            .map(|(_, place)| place)
            .collect();
        let mut failed: Vec<(Outcome, Vec<Timestamp>)> = Vec::new();
        for passage in failures.iter().map(|&place| &passages[place as usize]) {
            match failed.iter_mut().find(|(outcome, _)| *outcome == passage.outcome) {
                Some((_, times)) => times.push(passage.dispatched),
                None => failed.push((passage.outcome, vec![passage.dispatched])),
            }
        }
        for (_, times) in &mut failed {
            times.sort_unstable();
        }
        let is_explained = vec![false; passages.len()];
        Self { place, target, passages, dispatches, subnet, failures, failed, is_explained }
    }

    /// Those that were sent in a span of time, in that order.
    pub(super) fn sent_in(&self, span: Span) -> impl ExactSizeIterator<Item = &Passage> {
        self.dispatches.within(span, &self.passages).iter().map(|&place| &self.passages[place as usize])
    }

    /// How many of those that were sent in a span of time failed, in one of those ways.
    fn failed_in(&self, span: Span, outcomes: &[Outcome]) -> usize {
        let of_outcomes = self.failed.iter().filter(|(outcome, _)| outcomes.contains(outcome));
        let counts = of_outcomes.map(|(_, times)| {
            times.partition_point(|time| *time <= span.last) - times.partition_point(|time| *time < span.first)
        });
        counts.sum()
    }

    /// When the last request before a moment was sent to it, and when the first one after another. Absent where there is none.
    pub(super) fn sent_around(&self, before: Timestamp, after: Timestamp) -> (Option<Timestamp>, Option<Timestamp>) {
        self.dispatches.around(before, after, &self.passages)
    }

    /// When its first request was sent. Absent where none is known.
    pub(super) fn first_sent(&self) -> Option<Timestamp> {
        self.dispatches.first(&self.passages)
    }

    /// The failures that nothing explains yet, with their places.
    pub(super) fn unexplained(&self) -> impl Iterator<Item = (usize, &Passage)> {
        let places = self.failures.iter().map(|&place| place as usize);
        places.filter(|&place| !self.is_explained[place]).map(|place| (place, &self.passages[place]))
    }

    /// The mean time between two of its requests.
    pub(super) fn mean_gap(&self) -> Duration {
        let micros = self.target.seen.map_or(0, |seen| seen.length().as_micros());
        Duration::from_micros(u64::try_from(micros).unwrap_or_default() / self.target.requests.max(1))
    }

    /// The answered requests.
    pub(super) fn answered(&self) -> impl DoubleEndedIterator<Item = &Passage> {
        self.passages.iter().filter(|passage| !passage.outcome.is_failure())
    }

    /// Those that ended from `from` on, in their order.
    pub(super) fn since(&self, from: Timestamp) -> &[Passage] {
        &self.passages[self.passages.partition_point(|passage| passage.ended < from)..]
    }
}
