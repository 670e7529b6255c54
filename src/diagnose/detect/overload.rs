//! Saturated targets: their answers became slow, whatever the route, before requests failed, or they got more
//! requests than usual. Such a target fails in any way: silence, a full accept queue, resets, its own 5xx.

use std::time::Duration;

use rayon::prelude::*;

use crate::aggregate::timeline::TimedRequest;
use crate::aggregate::{RouteId, Span};
use crate::classify::Outcome;
use crate::diagnose::confidence::Confidence;
use crate::diagnose::evidence::{Evidence, plural, seconds_of};
use crate::diagnose::group_view::GroupView;
use crate::diagnose::measure::load::{arrivals, concurrency, in_flight, slow_on_all_routes, slowdown, times_usual};
use crate::diagnose::measure::routes::RouteRates;
use crate::diagnose::measure::time_pattern::episodes;
use crate::diagnose::target_view::TargetView;
use crate::diagnose::verdict::Verdict;
use crate::knowledge::causes::{self, Cause};
use crate::timestamp::Timestamp;

/// Failures further apart than this belong to different episodes.
const EPISODE_GAP: Duration = Duration::from_mins(1);

/// Fewer failures than this are not an episode.
const MIN_FAILURES: usize = 3;

/// The lead: the time before the first failure in which answer times are compared with the usual ones.
const LEAD: Duration = Duration::from_mins(1);

/// Answers that take this many times the usual time are slow. The usual time is the first quartile; in a quiet hour,
/// the median is one and a half times that.
const SLOW: f64 = 4.0;

/// They must also take at least this many times as long as the same target's answers at other times.
const SLOWER: f64 = 2.0;

/// With fewer requests than this, other times are no comparison: the answers of some routes always take very different
/// times.
const MIN_TO_COMPARE: usize = 20;

/// From this many times the usual time on, answers before the first failure count as getting slower.
const RISING: f64 = 2.5;

/// There is a queue only with at least this many requests in flight on average, including those being served.
const MIN_IN_FLIGHT: f64 = 2.0;

/// From this many times the usual request rate on, the load counts as higher.
const MORE: f64 = 1.5;

/// High confidence needs at least this many failures.
const MIN_FOR_HIGH: usize = 10;

fn may_be_overload(timed_request: &TimedRequest) -> bool {
    matches!(
        timed_request.outcome,
        Outcome::IdleTimeout
            | Outcome::ConnectTimeout
            | Outcome::ConnectFailed
            | Outcome::TargetUnavailable
            | Outcome::TargetGatewayError
            | Outcome::TargetError
            | Outcome::ClosedBeforeResponse
            | Outcome::IncompleteResponse
    )
}

/// Targets that were slow before they failed, or got more requests than usual.
pub(super) fn detect(group: &GroupView<'_>) -> Vec<Verdict> {
    let is_overload = |episode: &Episode| {
        episode.was_slow() || episode.slow_throughout.is_some() || episode.arrivals(group).is_some_and(|it| it >= MORE)
    };
    group.side_by_side().filter_map(|target_index| overloaded(group, target_index, is_overload)).collect()
}

/// Targets that became slow from one moment to the next, and whose answers are late: requests queue in front of them.
pub(super) fn queues(group: &GroupView<'_>) -> Vec<Verdict> {
    group.side_by_side().filter_map(|target_index| overloaded(group, target_index, |_| true)).collect()
}

/// One episode of failures of a target that was slow.
struct Episode {
    target_index: usize,
    span: Span,
    /// Indices of the failures in the target's requests.
    failures: Vec<usize>,
    /// Routes on which the failures concentrate. A slow route says nothing about the others, so answer times leave
    /// these out.
    slow_routes: Vec<RouteId>,
    before: Option<f64>,
    during: Option<f64>,
    /// Whether the target got requests at other times, too. Otherwise, answer times that always differ much from each
    /// other look like slow ones.
    is_compared: bool,
    /// Whether as many were sent in the minute before as it takes to compare.
    has_lead: bool,
    /// How many routes there are, if the target was slow on all of them, and was never seen otherwise: a window cut
    /// around an overload shows no other times.
    slow_throughout: Option<usize>,
}

/// What the group did in an episode. It is measured only for the episode with the most failures, because there may be
/// many episodes and many targets.
struct Surroundings {
    arrivals: Option<f64>,
    /// How long answers took before the episode and during it, as a multiple of the usual time.
    times_usual: [Option<f64>; 2],
    /// Requests in flight at the same time, on average: in the two minutes before the lead, and in the episode.
    in_flight: [Option<f64>; 2],
    /// How many other targets were slow too, and how many other targets served.
    others: [usize; 2],
}

fn overloaded(group: &GroupView<'_>, target_index: usize, wanted: impl Fn(&Episode) -> bool) -> Option<Verdict> {
    let mut failed: Vec<(usize, &TimedRequest)> =
        group.unexplained(target_index).filter(|(_, timed_request)| may_be_overload(timed_request)).collect();
    failed.sort_by_key(|(_, timed_request)| timed_request.dispatched);
    let times: Vec<Timestamp> = failed.iter().map(|(_, timed_request)| timed_request.dispatched).collect();
    let found: Vec<Episode> = episodes(&times, EPISODE_GAP)
        .into_iter()
        .filter(|episode| episode.len() >= MIN_FAILURES)
        .filter_map(|range| episode(group, target_index, &failed[range]))
        .filter(wanted)
        .collect();
    let largest = found.iter().max_by_key(|episode| episode.failures.len())?;
    let mut explained: Vec<usize> = found.iter().flat_map(|episode| episode.failures.iter().copied()).collect();
    explained.sort_unstable();
    let around = largest.surroundings(group);
    let (was_slow, is_more) = (largest.was_slow(), around.arrivals.is_some_and(|more| more >= MORE));
    let [slow_others, others] = around.others;
    // Neither other times nor other targets are different: perhaps the routes always take such times.
    let is_told = largest.is_compared || largest.was_very_slow() || largest.slow_throughout.is_some();
    if !is_told && !is_more && others > 0 && slow_others == others {
        return None;
    }
    let is_shared = others > 0 && slow_others * 5 >= others * 4;
    let confidence = match (was_slow, is_more) {
        (_, false) if !is_told => Confidence::Low,
        (_, true) if largest.was_rising() && explained.len() >= MIN_FOR_HIGH => Confidence::High,
        (true, _) | (_, true) => Confidence::Medium,
        (false, false) if largest.slow_throughout.is_some() => Confidence::Medium,
        // Unless most other targets are slow too, a shared dependency is not the cause.
        (false, _) if !is_shared => Confidence::Medium,
        (false, _) => Confidence::Low,
    };
    let also_fits: Vec<&'static Cause> = if is_shared {
        vec![&causes::DEPENDENCY_OUTAGE, &causes::IDLE_TIMEOUT_EXCEEDED]
    } else {
        vec![&causes::IDLE_TIMEOUT_EXCEEDED]
    };
    let evidence = evidence(largest, &around, found.len());
    Some(Verdict {
        also_fits,
        evidence,
        ..Verdict::on_target(&causes::TARGET_SATURATED, confidence, target_index, explained)
    })
}

impl Episode {
    fn was_slow(&self) -> bool {
        self.before.is_some_and(|factor| factor >= SLOW)
    }

    /// So slow, and for so many requests, that it needs no comparison with other times.
    fn was_very_slow(&self) -> bool {
        self.has_lead && self.before.is_some_and(|factor| factor >= SLOW * SLOWER)
    }

    fn was_rising(&self) -> bool {
        self.before.is_some_and(|factor| factor >= RISING)
    }

    /// The minute before the episode.
    fn lead(&self) -> Span {
        let lead = i64::try_from(LEAD.as_micros()).unwrap_or(i64::MAX);
        Span { first: self.span.first.plus_micros(-lead), last: self.span.first.plus_micros(-1) }
    }

    /// The targets that served in the episode: at least three requests were sent to each.
    fn active<'a>(&self, group: &'a GroupView<'a>) -> Vec<&'a TargetView<'a>> {
        group.targets.iter().filter(|target| target.sent_in(self.span).len() >= 3).collect()
    }

    /// The request rate in the lead and the episode, as a multiple of the rate at other times. `None` if there are no
    /// other times to compare with.
    fn arrivals(&self, group: &GroupView<'_>) -> Option<f64> {
        arrivals(&self.active(group), Span { first: self.lead().first, last: self.span.last })
    }

    fn slowdown(&self, group: &GroupView<'_>, target: &TargetView<'_>, span: Span) -> Option<f64> {
        slowdown(group, std::iter::once(target), span, |timed_request| !timed_request.is_to(&self.slow_routes))
    }

    fn surroundings(&self, group: &GroupView<'_>) -> Surroundings {
        let target = &group.targets[self.target_index];
        let others = self.active(group).into_iter().filter(|other| other.id != target.id);
        let slowdowns: Vec<Option<f64>> = others.map(|other| self.slowdown(group, other, self.span)).collect();
        let slow = slowdowns.iter().flatten().filter(|factor| **factor >= SLOW).count();
        let lead = self.lead();
        let earlier =
            Span { first: lead.first.plus_micros(2 * lead.first.micros_since(self.span.first)), last: lead.first };
        Surroundings {
            arrivals: self.arrivals(group),
            times_usual: [lead, self.span].map(|span| {
                let wanted = |timed_request: &TimedRequest| !timed_request.is_to(&self.slow_routes);
                times_usual(group, std::iter::once(target), span, wanted)
            }),
            in_flight: [in_flight(target, earlier), in_flight(target, self.span)],
            others: [slow, slowdowns.len()],
        }
    }
}

fn episode(group: &GroupView<'_>, target_index: usize, failed: &[(usize, &TimedRequest)]) -> Option<Episode> {
    let target = &group.targets[target_index];
    let span = Span { first: failed.first()?.1.dispatched, last: failed.last()?.1.dispatched };
    let failures = failed.iter().map(|(_, timed_request)| *timed_request);
    let mut indices: Vec<usize> = failed.iter().map(|(index, _)| *index).collect();
    indices.sort_unstable();
    let slow_routes = RouteRates::new(failures, target.sent_in(span)).concentrated();
    let mut episode = Episode {
        target_index,
        span,
        failures: indices,
        slow_routes,
        before: None,
        during: None,
        is_compared: false,
        has_lead: false,
        slow_throughout: None,
    };
    episode.before = episode.slowdown(group, target, episode.lead());
    episode.during = episode.slowdown(group, target, span);
    let slowest = episode.before.into_iter().chain(episode.during).fold(0.0, f64::max);
    // With fewer than two requests in flight, no request waits for another.
    if concurrency(target, span) < MIN_IN_FLIGHT {
        return None;
    }
    // A target that is slow at all times has another problem. Of the requests that were in flight when the log begins,
    // only slow ones are in it, and of those in flight when it ends, only quick ones.
    let seen = target.totals.seen?;
    let slowest_answer = target.answered().map(TimedRequest::took).max().unwrap_or_default();
    let in_flight = i64::try_from(slowest_answer.as_micros()).unwrap_or(i64::MAX);
    let begin = seen.first.max(group.shared.log_span.first);
    let end = seen.last.min(group.shared.log_span.last.plus_micros(-in_flight));
    let elsewhere = [
        Span { first: begin, last: episode.lead().first.plus_micros(-1) },
        Span { first: span.last.plus_micros(1), last: end },
    ];
    let compared = elsewhere.into_iter().filter(|span| span.first <= span.last);
    let compared = compared.filter(|span| target.sent_in(*span).len() >= MIN_TO_COMPARE);
    let usual = compared.filter_map(|span| episode.slowdown(group, target, span)).reduce(f64::min);
    episode.is_compared = usual.is_some();
    if slowest < SLOW {
        episode.slow_throughout = slow_on_all_routes(target, span).filter(|_| !episode.is_compared);
        return episode.slow_throughout.is_some().then_some(episode);
    }
    episode.has_lead = target.sent_in(episode.lead()).len() >= MIN_TO_COMPARE;
    // A minute may have few answers, and slow ones by chance.
    let compared = episode.during.filter(|_| target.sent_in(span).len() >= MIN_TO_COMPARE).unwrap_or(slowest);
    (!usual.is_some_and(|usual| compared < usual * SLOWER)).then_some(episode)
}

/// What is said about the episode with the most failures, one of `episodes`.
fn evidence(episode: &Episode, around: &Surroundings, episodes: usize) -> Vec<Evidence> {
    let seconds = seconds_of(episode.span.length());
    let which = match episodes {
        1 => "the failures were sent within",
        _ => "in the episode with the most failures, they were sent within",
    };
    let mut evidence = vec![Evidence::speaks_for(format!("{which} {seconds:.1} s"), [("episode_seconds", seconds)])];
    let elsewhere = if episode.slow_routes.is_empty() { "" } else { " on routes with few failures" };
    // Without other times, the usual ones are those of the overload.
    let [before, during] = around.times_usual.map(|times| times.filter(|_| episode.slow_throughout.is_none()));
    if let Some(before) = before {
        evidence.push(Evidence::weighed(
            episode.was_slow(),
            format!(
                "in the minute before the first of them, answers{elsewhere} took {before:.1} times as long as usual (median)"
            ),
            [("slowdown_before", before)],
        ));
    }
    if let Some(routes) = episode.slow_throughout {
        evidence.push(Evidence::speaks_for(
            format!(
                "requests that were sent in that time and answered took a second or more on each of {routes} routes \
                    (median)"
            ),
            [("slow_routes", routes as f64)],
        ));
    }
    if let Some(during) = during {
        evidence.push(Evidence::speaks_for(
            format!(
                "requests{elsewhere} that were sent in that time and answered took {during:.1} times as long as usual \
                    (median)"
            ),
            [("slowdown", during)],
        ));
    }
    if !episode.is_compared {
        evidence.push(Evidence::speaks_against("it answered too few requests at other times to compare them", []));
    }
    if let [Some(usual), Some(then)] = around.in_flight
        && usual > 0.0
        && then > usual
    {
        evidence.push(Evidence::speaks_for(
            format!(
                "{then:.1} requests were in flight then on average; from three minutes to one minute before, {usual:.1}"
            ),
            [("under_way", then), ("under_way_before", usual)],
        ));
    }
    if let Some(arrivals) = around.arrivals {
        evidence.push(Evidence::weighed(
            arrivals >= MORE,
            format!(
                "in that time and the minute before, the request rate per target in use was {arrivals:.1} times the \
                    rate at other times"
            ),
            [("arrivals", arrivals)],
        ));
    }
    let [slow, others] = around.others;
    if others > 0 {
        evidence.push(Evidence::weighed(
            slow * 5 < others * 4 || around.arrivals.is_some_and(|factor| factor >= MORE),
            format!(
                "of {} in use, {slow} {} slow then, too",
                plural(others, "other target"),
                if slow == 1 { "was" } else { "were" }
            ),
            [("slow_targets", slow as f64), ("other_targets", others as f64)],
        ));
    }
    evidence
}
