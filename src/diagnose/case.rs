//! One target group prepared for the detectors: the requests of its targets in the order of their ends, and which
//! failures are already explained.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rayon::prelude::*;

use super::evidence::{grouped, one_or, percent, plural};
use super::measure::course::course;
use super::measure::dispatches::Dispatches;
use super::measure::lags::LagCounts;
use super::measure::routes::RouteRates;
use super::measure::share::{Rate, concentrated};
use super::measure::subnet::Subnet;
use super::{
    Confidence, Ended, Estimates, Evidence, Finding, FindingId, IdleTimeout, MIN_FAILURES, MIN_FAILURES_FOR_HIGH, Scope,
};
use crate::aggregate::route::SortedRoutes;
use crate::aggregate::timeline::TimedRequest;
use crate::aggregate::{Callers, RouteId, Sample, Samples, Span, Summary, Target, TargetGroupId, TargetId};
use crate::classify::Outcome;
use crate::knowledge::causes::Cause;
use crate::timestamp::Timestamp;

/// What the cases of all target groups share.
pub(super) struct Setting<'a> {
    pub(super) summary: &'a Summary,
    /// First and last `time` of all requests.
    pub(super) window: Span,
    pub(super) idle_timeout: IdleTimeout,
    /// Names of the nodes, in the order of their ids.
    pub(super) nodes: Vec<&'a [u8]>,
    /// The routes of all target groups. Requests of a [`Case`] have the ids of this list.
    pub(super) routes: SortedRoutes,
}

/// A target group with a failure in it.
pub(super) struct Case<'a> {
    pub(super) setting: &'a Setting<'a>,
    pub(super) target_group: TargetGroupId,
    /// All its targets, with or without failures, in the order of [`Summary::targets`].
    pub(super) members: Vec<Member<'a>>,
    /// The usual time of each route, by [`RouteId::index`]: the first quartile of its answered requests, so
    /// that a bad hour does not pass for usual. `None` if fewer than [`MIN_FOR_USUAL`] were answered.
    usual: Vec<Option<Duration>>,
    /// How many requests each route had, by the same index.
    requests: Vec<usize>,
}

/// One target and its requests.
pub(super) struct Member<'a> {
    pub(super) id: TargetId,
    pub(super) target: &'a Target,
    /// Its requests on all nodes, in the order of their ends. Their routes are those of [`Setting::routes`].
    pub(super) timed_requests: Vec<TimedRequest>,
    /// `timed_requests` in the order of dispatch.
    dispatches: Dispatches,
    subnet: Option<Subnet>,
    /// Indices of its failures in `timed_requests`, in the order of their ends.
    failures: Vec<u32>,
    /// The dispatch times of its failures by outcome, sorted.
    failed: Vec<(Outcome, Vec<Timestamp>)>,
    /// For each of `timed_requests`, whether a verdict that was accepted explains it.
    is_explained: Vec<bool>,
}

/// What a detector concludes: a cause, and the failures that it explains.
pub(super) struct Verdict {
    pub(super) cause: &'static Cause,
    /// Other causes that fit the same failures, likelier ones first.
    pub(super) also_fits: Vec<&'static Cause>,
    pub(super) confidence: Confidence,
    pub(super) estimates: Estimates,
    /// The lags to draw, if they say something.
    pub(super) lags: Option<Arc<LagCounts>>,
    pub(super) evidence: Vec<Evidence>,
    /// Whether it is about the target group as a whole.
    pub(super) is_of_group: bool,
    /// The failures: for each member (index in [`Case::members`]), indices in [`Member::timed_requests`].
    pub(super) explains: Vec<(usize, Vec<usize>)>,
}

impl Verdict {
    /// A verdict that explains nothing yet.
    pub(super) fn new(cause: &'static Cause, confidence: Confidence) -> Self {
        Self {
            cause,
            also_fits: Vec::new(),
            confidence,
            estimates: Estimates::default(),
            lags: None,
            evidence: Vec::new(),
            is_of_group: false,
            explains: Vec::new(),
        }
    }

    /// A verdict on one target.
    pub(super) fn on_member(
        cause: &'static Cause,
        confidence: Confidence,
        member: usize,
        explains: Vec<usize>,
    ) -> Self {
        Self::new(cause, confidence).explaining(vec![(member, explains)])
    }

    /// This verdict with `explains` set.
    pub(super) fn explaining(self, explains: Vec<(usize, Vec<usize>)>) -> Self {
        Self { explains, ..self }
    }
}

/// One verdict for each target with at least [`MIN_FAILURES`] failures. The targets with fewer share one verdict, so
/// that thinly spread failures are reported too.
///
/// `explains` has member and request indices as in [`Verdict::explains`]. `conclude` is given the number of failures
/// and the members.
pub(super) fn share_out(
    explains: impl IntoIterator<Item = (usize, Vec<usize>)>,
    conclude: impl Fn(usize, &[usize]) -> Verdict,
) -> Vec<Verdict> {
    let (mut few, mut verdicts): (Vec<(usize, Vec<usize>)>, Vec<Verdict>) = (Vec::new(), Vec::new());
    for (member, indices) in explains {
        if indices.len() as u64 >= MIN_FAILURES {
            verdicts.push(conclude(indices.len(), &[member]).explaining(vec![(member, indices)]));
        } else if !indices.is_empty() {
            few.push((member, indices));
        }
    }
    if !few.is_empty() {
        let members: Vec<usize> = few.iter().map(|(member, _)| *member).collect();
        let failures = few.iter().map(|(_, indices)| indices.len()).sum();
        verdicts.push(Verdict { is_of_group: members.len() > 1, ..conclude(failures, &members).explaining(few) });
    }
    verdicts
}

/// Requests that end when their answer was due take at least this share of their route's usual time, in the median. A
/// request on an idle connection that the target gave up ends sooner.
pub(super) const WHEN_DUE: f64 = 0.75;

/// A route with fewer answered requests than this has no usual time.
const MIN_FOR_USUAL: usize = 8;

/// The requests of some targets on one route.
#[derive(Clone, Default)]
struct RouteTimes {
    requests: usize,
    /// From dispatch to end of each answered request, in microseconds.
    answered: Vec<i64>,
}

impl RouteTimes {
    fn take_in(&mut self, timed_request: &TimedRequest) {
        self.requests += 1;
        if !timed_request.outcome.is_failure() {
            self.answered.push(timed_request.ended.micros_since(timed_request.dispatched));
        }
    }
}

impl<'a> Case<'a> {
    pub(super) fn new(setting: &'a Setting<'a>, target_group: TargetGroupId) -> Self {
        let summary = setting.summary;
        let of_group: Vec<(TargetId, &[u8], &Target)> = summary
            .targets
            .ids()
            .zip(summary.targets.iter())
            .filter(|(_, (group, address, _))| *group == target_group && !address.is_empty())
            .map(|(id, (_, address, target))| (id, address, target))
            .collect();
        let members: Vec<Member<'a>> = of_group
            .into_par_iter()
            .map(|(id, address, target)| {
                let mut timed_requests = summary.timeline.of_target(id);
                for timed_request in &mut timed_requests {
                    timed_request.route = timed_request.route.map(|route| setting.routes.new_id(route));
                }
                Member::new(id, target, Subnet::of(address), timed_requests)
            })
            .collect();
        // One table of routes for each thread, not for each member: a group may have thousands of targets and as many
        // routes.
        let share = members.len().div_ceil(rayon::current_num_threads()).max(1);
        let times: Vec<Vec<RouteTimes>> = members
            .par_chunks(share)
            .map(|members| {
                let mut times = vec![RouteTimes::default(); setting.routes.len()];
                for timed_request in members.iter().flat_map(|member| &member.timed_requests) {
                    if let Some(route) = timed_request.route {
                        times[route.index()].take_in(timed_request);
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

    /// How often each route of the group fails in this way. `failures` must be among the group's requests.
    pub(super) fn route_rates<'p>(&self, failures: impl Iterator<Item = &'p TimedRequest>) -> RouteRates {
        RouteRates::counted(failures, self.setting.routes.ids().zip(self.requests.iter().copied()))
    }

    /// The indices of all members, to look at several in parallel.
    pub(super) fn side_by_side(&self) -> impl IndexedParallelIterator<Item = usize> + use<> {
        (0..self.members.len()).into_par_iter()
    }

    /// The failures of a member that nothing explains yet, with their indices in [`Member::timed_requests`].
    pub(super) fn unexplained(&self, member: usize) -> impl Iterator<Item = (usize, &TimedRequest)> {
        self.members[member].unexplained()
    }

    /// How long such a request usually takes: one to the same route. `None` if fewer than [`MIN_FOR_USUAL`] were
    /// answered, and for a request without a route.
    pub(super) fn usual(&self, timed_request: &TimedRequest) -> Option<Duration> {
        self.usual[timed_request.route?.index()]
    }

    /// The time of an answered request as a multiple of its route's usual time. `None` if the route has none. 10 ms
    /// are added to both: a few milliseconds more are nothing to a person, so they are nothing here.
    pub(super) fn slowdown(&self, timed_request: &TimedRequest) -> Option<f64> {
        const FLOOR: f64 = 0.010;
        let usual = self.usual(timed_request)?;
        Some((timed_request.took().as_secs_f64() + FLOOR) / (usual.as_secs_f64() + FLOOR))
    }

    /// How long `requests` took as a share of their route's usual time, in the median. `None` if none of their routes
    /// has a usual time.
    pub(super) fn share_of_usual<'p>(&self, requests: impl Iterator<Item = &'p TimedRequest>) -> Option<f64> {
        let share_of = |timed_request: &TimedRequest| {
            let usual = self.usual(timed_request)?;
            Some(timed_request.took().as_secs_f64() / usual.as_secs_f64().max(1e-3))
        };
        let mut shares: Vec<f64> = requests.filter_map(share_of).collect();
        shares.sort_unstable_by(f64::total_cmp);
        shares.get(shares.len() / 2).copied()
    }

    /// `GET /orders/{id}`
    fn route_name(&self, route: RouteId) -> String {
        let (route, _) = self.setting.routes.get(route);
        String::from_utf8_lossy(&route.template).into_owned()
    }

    /// `GET /orders/{id}`, `GET /orders/{id} and 2 other routes`
    pub(super) fn routes_named(&self, routes: &[RouteId]) -> String {
        match routes {
            [] => String::new(),
            [one] => self.route_name(*one),
            [first, rest @ ..] => format!("{} and {}", self.route_name(*first), plural(rest.len(), "other route")),
        }
    }

    /// Marks the failures of a verdict as explained and makes a finding of it. With fewer than
    /// [`MIN_FAILURES_FOR_HIGH`] failures its confidence is at most medium. `None` for fewer than [`MIN_FAILURES`]:
    /// these are described, not classified, and stay unexplained.
    pub(super) fn accept(&mut self, verdict: &Verdict) -> Option<Finding> {
        let failures: usize = verdict.explains.iter().map(|(_, indices)| indices.len()).sum();
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
        let mut by_target: Vec<(TargetId, Outcome, u64)> = Vec::new();
        let mut ended: BTreeMap<(TargetId, Outcome, i64), u64> = BTreeMap::new();
        for (member, index) in verdict.requests() {
            let member = &mut self.members[member];
            let timed_request = &member.timed_requests[index];
            debug_assert!(
                timed_request.outcome.is_failure() && !member.is_explained[index],
                "a failure, explained once"
            );
            member.is_explained[index] = true;
            Span::include(&mut seen, timed_request.ended);
            times.push(timed_request.dispatched);
            *ended
                .entry((member.id, timed_request.outcome, timed_request.ended.as_seconds().div_euclid(60)))
                .or_default() += 1;
            match outcomes.iter_mut().find(|(outcome, _)| *outcome == timed_request.outcome) {
                Some((_, requests)) => *requests += 1,
                None => outcomes.push((timed_request.outcome, 1)),
            }
            match by_target
                .iter_mut()
                .rev()
                .find(|(of, outcome, _)| (*of, *outcome) == (member.id, timed_request.outcome))
            {
                Some((_, _, requests)) => *requests += 1,
                None => by_target.push((member.id, timed_request.outcome, 1)),
            }
        }
        outcomes.sort_by_key(|(outcome, requests)| (std::cmp::Reverse(*requests), *outcome));
        times.sort_unstable();
        let (outcome, _) = *outcomes.first()?;
        let scope = match verdict.explains.as_slice() {
            [(member, _)] if !verdict.is_of_group => Scope::Target(self.members[*member].id),
            _ => Scope::TargetGroup(self.target_group),
        };
        Some(Finding {
            id: FindingId::new(self.setting.summary, verdict.cause, scope),
            scope,
            outcome,
            outcomes,
            cause: verdict.cause,
            also_fits: verdict.also_fits.clone(),
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

    /// The earliest samples for the targets and the main outcome of a verdict, within its time. They are kept by
    /// target and outcome alone, so one may be of a failure that this verdict does not explain.
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

    /// Evidence on what the failures have in common: a target of the group, a subnet, a node, routes, callers.
    fn concentration(&self, verdict: &Verdict) -> Vec<Evidence> {
        let Some(span) = self.extent(verdict) else { return Vec::new() };
        let outcomes: Vec<Outcome> = {
            let mut outcomes: Vec<Outcome> =
                verdict.requests().map(|(member, index)| self.members[member].timed_requests[index].outcome).collect();
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
        for timed_request in of_verdict() {
            by_node[timed_request.node.index()].requests += 1;
        }
        let explained = verdict.requests().map(|(member, index)| &self.members[member].timed_requests[index]);
        for timed_request in explained.clone() {
            by_node[timed_request.node.index()].failures += 1;
        }
        let by_route = RouteRates::new(explained, of_verdict());
        if let [node] = concentrated(&by_node)[..] {
            let what = format!("node {}", String::from_utf8_lossy(self.setting.nodes[node]));
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

    /// Evidence on who sent the failures. Callers are counted by target and outcome, so this says nothing unless the
    /// verdict explains at least 90 % of the failures with its outcomes at its targets.
    fn callers(&self, verdict: &Verdict) -> Vec<Evidence> {
        let mut callers = Callers::default();
        let mut ended_so = 0;
        let explained = verdict.requests().count();
        for (member, indices) in &verdict.explains {
            let member = &self.members[*member];
            let mut ended: Vec<Outcome> = indices.iter().map(|&index| member.timed_requests[index].outcome).collect();
            ended.sort_unstable();
            ended.dedup();
            for failures in member.target.failures.iter().filter(|failures| ended.contains(&failures.outcome)) {
                callers.merge(&failures.callers);
                ended_so += failures.requests;
            }
        }
        if explained as f64 >= ended_so as f64 * 0.9 { sent_by(&callers, ended_so) } else { Vec::new() }
    }

    /// From the first to the last dispatch of the failures that the verdict explains.
    fn extent(&self, verdict: &Verdict) -> Option<Span> {
        let dispatches =
            verdict.requests().map(|(member, index)| self.members[member].timed_requests[index].dispatched);
        Some(Span { first: dispatches.clone().min()?, last: dispatches.max()? })
    }

    /// Evidence that all targets of a member's subnet failed in this way, and no others: then it is the subnet, or
    /// its zone. `None` if it is not so, or if fewer than two targets are on either side. Targets without requests in
    /// `span` do not count.
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
                format!("all {inside} targets in {own} failed like this, and none of the {outside} elsewhere did"),
                [("targets_of_subnet", f64::from(inside)), ("targets_elsewhere", f64::from(outside))],
            )
        })
    }

    /// Evidence on the other targets of the group: how many of their requests in `span` failed in the same way.
    /// `None` if they had no requests.
    fn against_others(&self, number: usize, span: Span, outcomes: &[Outcome]) -> Option<Evidence> {
        // Fewer members than this are checked before another thread could help.
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
            format!("meanwhile, none of the {} requests to {group} failed like this", grouped(requests as u64))
        } else {
            format!(
                "meanwhile, {} of {} to {group} failed like this{at}",
                grouped(failures as u64),
                plural(requests, "request")
            )
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

/// Evidence on the client that sent at least half of `failures`, and on the user agent that sent all of them. Either
/// must have sent at least `MIN_SENT`.
pub(super) fn sent_by(callers: &Callers, failures: u64) -> Vec<Evidence> {
    const MIN_SENT: u64 = 10;
    let named = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
    let mut evidence = Vec::new();
    if let Some((client, sent)) = callers.clients.first().filter(|(_, sent)| *sent >= MIN_SENT && sent * 2 >= failures)
    {
        evidence.push(Evidence::speaks_for(
            format!(
                "{} of {} such failures were sent by the client {}",
                grouped(sent),
                grouped(failures),
                named(client)
            ),
            [("of_one_client", sent as f64)],
        ));
    }
    if let Some((agent, sent)) = callers.user_agents.first().filter(|(_, sent)| *sent >= MIN_SENT && *sent == failures)
    {
        evidence.push(Evidence::speaks_for(
            format!("all such failures were sent by the user agent {}", named(agent)),
            [("of_one_user_agent", sent as f64)],
        ));
    }
    evidence
}

/// Evidence on one thing's share of the failures and of the requests: `held` of `all`. `names` name the two numbers.
fn keeps_to(what: &str, held: Rate, all: Rate, names: [&'static str; 2]) -> Evidence {
    Evidence::speaks_for(
        format!(
            "{what} had {} of these failures and {} of the requests at that time",
            percent(held.failures, all.failures),
            percent(held.requests, all.requests)
        ),
        [(names[0], held.failures as f64), (names[1], held.requests as f64)],
    )
}

impl Verdict {
    /// Member index and request index of each failure that it explains.
    fn requests(&self) -> impl Iterator<Item = (usize, usize)> + Clone {
        self.explains.iter().flat_map(|(member, indices)| indices.iter().map(move |&index| (*member, index)))
    }
}

impl<'a> Member<'a> {
    fn new(id: TargetId, target: &'a Target, subnet: Option<Subnet>, timed_requests: Vec<TimedRequest>) -> Self {
        let dispatches = Dispatches::new(&timed_requests);
        let failures: Vec<u32> = timed_requests
            .iter()
            .zip(0..)
            .filter(|(timed_request, _)| timed_request.outcome.is_failure())
            .map(|(_, index)| index)
            .collect();
        let mut failed: Vec<(Outcome, Vec<Timestamp>)> = Vec::new();
        for timed_request in failures.iter().map(|&index| &timed_requests[index as usize]) {
            match failed.iter_mut().find(|(outcome, _)| *outcome == timed_request.outcome) {
                Some((_, times)) => times.push(timed_request.dispatched),
                None => failed.push((timed_request.outcome, vec![timed_request.dispatched])),
            }
        }
        for (_, times) in &mut failed {
            times.sort_unstable();
        }
        let is_explained = vec![false; timed_requests.len()];
        Self { id, target, timed_requests, dispatches, subnet, failures, failed, is_explained }
    }

    /// The requests dispatched in `span`, both ends included, in the order of dispatch.
    pub(super) fn sent_in(&self, span: Span) -> impl ExactSizeIterator<Item = &TimedRequest> {
        self.dispatches.within(span, &self.timed_requests).iter().map(|&index| &self.timed_requests[index as usize])
    }

    /// How many requests dispatched in `span`, both ends included, failed with one of `outcomes`.
    fn failed_in(&self, span: Span, outcomes: &[Outcome]) -> usize {
        let of_outcomes = self.failed.iter().filter(|(outcome, _)| outcomes.contains(outcome));
        let counts = of_outcomes.map(|(_, times)| {
            times.partition_point(|time| *time <= span.last) - times.partition_point(|time| *time < span.first)
        });
        counts.sum()
    }

    /// When its last request before `before` and its first one after `after` were dispatched; `None` if there is
    /// none.
    pub(super) fn sent_around(&self, before: Timestamp, after: Timestamp) -> (Option<Timestamp>, Option<Timestamp>) {
        self.dispatches.around(before, after, &self.timed_requests)
    }

    /// When its first request was dispatched. `None` if none is known.
    pub(super) fn first_sent(&self) -> Option<Timestamp> {
        self.dispatches.first(&self.timed_requests)
    }

    /// The failures that nothing explains yet, with their indices in `timed_requests`.
    pub(super) fn unexplained(&self) -> impl Iterator<Item = (usize, &TimedRequest)> {
        let indices = self.failures.iter().map(|&index| index as usize);
        indices.filter(|&index| !self.is_explained[index]).map(|index| (index, &self.timed_requests[index]))
    }

    /// The mean time between two of its requests.
    pub(super) fn mean_gap(&self) -> Duration {
        let micros = self.target.seen.map_or(0, |seen| seen.length().as_micros());
        Duration::from_micros(u64::try_from(micros).unwrap_or_default() / self.target.requests.max(1))
    }

    /// The answered requests.
    pub(super) fn answered(&self) -> impl DoubleEndedIterator<Item = &TimedRequest> {
        self.timed_requests.iter().filter(|timed_request| !timed_request.outcome.is_failure())
    }

    /// The requests that ended at `from` or later, in the order of their ends.
    pub(super) fn since(&self, from: Timestamp) -> &[TimedRequest] {
        &self.timed_requests[self.timed_requests.partition_point(|timed_request| timed_request.ended < from)..]
    }
}
