//! Dependency outages: something that all targets share was down or slow. Requests that need it fail at nearly all
//! targets from one moment on, although there is no more load than before and no new release.

use std::collections::BTreeMap;
use std::time::Duration;

use super::not_ready;
use crate::aggregate::timeline::TimedRequest;
use crate::aggregate::{RouteId, Span};
use crate::classify::Outcome;
use crate::diagnose::confidence::Confidence;
use crate::diagnose::evidence::{Evidence, percent, plural, seconds, seconds_of};
use crate::diagnose::group_view::GroupView;
use crate::diagnose::measure::good_times::{GoodTimes, rate_in};
use crate::diagnose::measure::load::arrivals;
use crate::diagnose::measure::routes::RouteRates;
use crate::diagnose::measure::share::Rate;
use crate::diagnose::measure::time_pattern::episodes;
use crate::diagnose::measure::walls::sharp_wall;
use crate::diagnose::target_view::TargetView;
use crate::diagnose::verdict::{ExplainedFailures, Verdict};
use crate::knowledge::causes::{self, Cause};
use crate::timestamp::Timestamp;

/// Failures further apart than this belong to different episodes.
const EPISODE_GAP: Duration = Duration::from_secs(30);

/// Fewer failures than this are not an episode.
const MIN_FAILURES: usize = 5;

/// A request that waits for an unresponsive dependency takes at least this long, and at least `WAIT_FACTOR` times the
/// usual time of its route.
const MIN_WAIT: Duration = Duration::from_millis(400);
const WAIT_FACTOR: f64 = 4.0;

/// A target that got fewer requests than this during an outage is not in use.
const MIN_SERVED: usize = 3;

/// At least this share of the serving targets must fail. Of the failing ones, this share must start to fail within
/// `ONSET_WITHIN` of the first failure, or within a quarter of the episode if that is longer.
const MIN_SHARE_OF_TARGETS: f64 = 0.8;
const ONSET_WITHIN: Duration = Duration::from_secs(30);

/// A route counts as affected if at least this share of its requests fails.
const MIN_SHARE_OF_ROUTE: f64 = 0.5;

/// In good times, the affected routes may fail at no more than this fraction of the rate during the outage.
const OTHERWISE: f64 = 0.2;

/// From this many times the usual request rate on, the load alone explains slow answers.
const MORE: f64 = 1.5;

const MIN_FOR_HIGH: usize = 10;

/// How requests fail when a dependency is unavailable.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// They waited for the dependency.
    Slow,
    /// They failed immediately.
    Quick,
}

struct Outage {
    span: Span,
    failing: usize,
    serving: usize,
    onset_within: Duration,
    routes: Vec<RouteId>,
    rate: Rate,
    /// The same, with all that failed, in whatever way.
    in_all: Rate,
    /// The same routes in good times.
    otherwise: GoodTimes,
    arrivals: Option<f64>,
    is_over: bool,
    /// Index of the target and index of the request of each failure that it explains.
    explained: Vec<(usize, usize)>,
    /// How long they took.
    took: Vec<Duration>,
    /// Whether all failures are idle timeouts.
    is_silence: bool,
    /// Whether all of them are a 502 or 504 of the targets, so of a proxy in them.
    is_proxys: bool,
}

pub(super) fn detect(group: &GroupView<'_>) -> Vec<Verdict> {
    [Manner::Slow, Manner::Quick].into_iter().filter_map(|manner| verdict(group, manner)).collect()
}

fn manner_of(group: &GroupView<'_>, timed_request: &TimedRequest) -> Option<Manner> {
    match timed_request.outcome {
        Outcome::IdleTimeout => Some(Manner::Slow),
        Outcome::TargetError | Outcome::TargetGatewayError => {
            let usual = group.usual(timed_request).unwrap_or_default();
            let is_slow = timed_request.took() >= MIN_WAIT.max(usual.mul_f64(WAIT_FACTOR));
            // A quick 502 or 504 from a proxy inside the target is about the proxy's own upstream, such as a process
            // beside it. `target_errors` reports it. If it waited, the application was there and waited, too.
            match (is_slow, is_proxys(timed_request)) {
                (true, _) => Some(Manner::Slow),
                (false, true) => None,
                (false, false) => Some(Manner::Quick),
            }
        }
        _ => None,
    }
}

fn is_proxys(timed_request: &TimedRequest) -> bool {
    timed_request.target_status.is_some_and(|status| matches!(status.get(), 502 | 504))
}

fn verdict(group: &GroupView<'_>, manner: Manner) -> Option<Verdict> {
    let mut failed: Vec<(usize, usize, &TimedRequest)> = (0..group.targets.len())
        .flat_map(|target_index| {
            group.unexplained(target_index).map(move |(index, timed_request)| (target_index, index, timed_request))
        })
        .filter(|(_, _, timed_request)| manner_of(group, timed_request) == Some(manner))
        .collect();
    failed.sort_by_key(|(target_index, index, timed_request)| (timed_request.dispatched, *target_index, *index));
    let times: Vec<Timestamp> = failed.iter().map(|(_, _, timed_request)| timed_request.dispatched).collect();
    let outages: Vec<Outage> = episodes(&times, EPISODE_GAP)
        .into_iter()
        .filter(|episode| episode.len() >= MIN_FAILURES)
        .filter_map(|range| outage(group, &failed[range]))
        .filter(|outage| outage.fits(manner))
        .collect();
    let largest = outages.iter().max_by_key(|outage| outage.explained.len())?;
    let total: usize = outages.iter().map(|outage| outage.explained.len()).sum();
    let is_flat = largest.arrivals.is_none_or(|factor| factor < MORE);
    let confidence = match manner {
        // The proxies' own upstreams may have failed together.
        Manner::Slow if largest.is_proxys => Confidence::Medium,
        // The application may never have been better.
        Manner::Slow if !largest.is_change() => Confidence::Medium,
        // If the log does not show how it began, a release that was taken back looks alike.
        Manner::Slow if largest.otherwise.is_after => Confidence::Medium,
        Manner::Slow if is_flat && total >= MIN_FOR_HIGH && largest.otherwise.rate.requests >= MIN_FOR_HIGH => {
            Confidence::High
        }
        Manner::Slow => Confidence::Medium,
        Manner::Quick if largest.is_over => Confidence::Medium,
        Manner::Quick => Confidence::Low,
    };
    let also_fits: Vec<&'static Cause> = match manner {
        Manner::Slow if largest.is_proxys => vec![&causes::INNER_PROXY_ERROR, &causes::TARGET_SATURATED],
        Manner::Slow if largest.otherwise.is_after || !largest.is_change() => {
            vec![&causes::APPLICATION_ERROR, &causes::TARGET_SATURATED]
        }
        Manner::Slow => vec![&causes::TARGET_SATURATED, &causes::IDLE_TIMEOUT_EXCEEDED],
        Manner::Quick => vec![&causes::APPLICATION_ERROR, &causes::INNER_PROXY_ERROR],
    };
    let mut explained: Vec<ExplainedFailures> = Vec::new();
    let mut failures: Vec<(usize, usize)> =
        outages.iter().flat_map(|outage| outage.explained.iter().copied()).collect();
    failures.sort_unstable();
    for (target_index, request_index) in failures {
        match explained.last_mut() {
            Some(last) if last.target_index == target_index => last.request_indices.push(request_index),
            _ => explained.push(ExplainedFailures { target_index, request_indices: vec![request_index] }),
        }
    }
    let evidence = evidence(group, largest, manner, outages.len());
    Some(Verdict {
        also_fits,
        evidence,
        is_about_group: true,
        explained,
        ..Verdict::new(&causes::DEPENDENCY_OUTAGE, confidence)
    })
}

fn outage(group: &GroupView<'_>, failed: &[(usize, usize, &TimedRequest)]) -> Option<Outage> {
    let span = Span { first: failed.first()?.2.dispatched, last: failed.last()?.2.dispatched };
    let is_serving = |target: &TargetView<'_>| target.sent_in(span).len() >= MIN_SERVED;
    let serving: Vec<&TargetView<'_>> = group.targets.iter().filter(|target| is_serving(target)).collect();
    let mut first_of: BTreeMap<usize, Timestamp> = BTreeMap::new();
    for (target, _, timed_request) in failed.iter().filter(|(target, ..)| is_serving(&group.targets[*target])) {
        first_of.entry(*target).or_insert(timed_request.dispatched);
    }
    if first_of.is_empty() {
        return None;
    }
    let mut onsets: Vec<Timestamp> = first_of.into_values().collect();
    onsets.sort_unstable();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index in a short list")]
    let most = ((onsets.len() as f64 * MIN_SHARE_OF_TARGETS).ceil() as usize).clamp(1, onsets.len());
    let onset_within = onsets[most - 1].since(span.first);
    let by_route = RouteRates::new(
        failed.iter().map(|(_, _, timed_request)| *timed_request),
        group.targets.iter().flat_map(|target| target.sent_in(span)),
    );
    let needs_it = |rate: Rate| rate.failures >= 2 && rate.share() >= MIN_SHARE_OF_ROUTE;
    let mut routes: Vec<(RouteId, Rate)> = by_route.failing().filter(|(_, rate)| needs_it(*rate)).collect();
    routes.sort_by_key(|(_, rate)| std::cmp::Reverse(rate.failures));
    let routes: Vec<RouteId> = routes.into_iter().map(|(route, _)| route).collect();
    let took: Vec<Duration> = failed.iter().map(|(_, _, timed_request)| timed_request.took()).collect();
    let is_silence = failed.iter().all(|(_, _, timed_request)| timed_request.outcome == Outcome::IdleTimeout);
    let is_proxys = failed.iter().all(|(_, _, timed_request)| is_proxys(timed_request));
    // A dependency that is down now and then fails a part of the requests of every route. They share its constant.
    let constant = sharp_wall(&took).filter(|_| !is_silence && by_route.of(&routes).failures * 2 < failed.len());
    let routes = match constant {
        Some(_) => by_route.failing().map(|(route, _)| route).collect(),
        None => routes,
    };
    let rate = by_route.of(&routes);
    let in_all = rate_in(group, &routes, span);
    let slowest = took.iter().copied().max().unwrap_or_default();
    let otherwise = GoodTimes::new(group, &routes, span, slowest);
    let is_explained = |timed_request: &TimedRequest| {
        timed_request.is_to(&routes) && constant.is_none_or(|constant| constant.holds(timed_request.took()))
    };
    let (explained, took) = failed
        .iter()
        .filter(|(_, _, timed_request)| is_explained(timed_request))
        .map(|(target_index, index, timed_request)| ((*target_index, *index), timed_request.took()))
        .unzip();
    Some(Outage {
        span,
        failing: onsets.len(),
        serving: serving.len(),
        onset_within,
        is_over: group.shared.log_span.last.micros_since(span.last) > 10_000_000,
        arrivals: arrivals(&serving, span),
        is_silence,
        is_proxys,
        routes,
        rate,
        in_all,
        otherwise,
        explained,
        took,
    })
    .filter(|_| !is_new_release(group, span))
}

/// Whether at least half of the targets started in the minute before the first failure, or at most 5 s after it. Then
/// the new release that they run is the cause.
fn is_new_release(group: &GroupView<'_>, span: Span) -> bool {
    const JUST_BEFORE_MICROS: i64 = 60_000_000;
    let began = group.targets.iter().filter_map(|target| not_ready::begins(group, target));
    let began =
        began.filter(|begun| (-5_000_000..=JUST_BEFORE_MICROS).contains(&span.first.micros_since(*begun))).count();
    began * 2 >= group.targets.len().max(1)
}

impl Outage {
    /// Whether the log shows that the routes did better before or after it. Some routes fail now and then at all times,
    /// and have good minutes by chance. So there must be enough requests in good times.
    fn is_change(&self) -> bool {
        let otherwise = self.otherwise.rate;
        otherwise.share() <= self.rate.share() * OTHERWISE && self.rate.ratio_at_least(otherwise) > 2.0
    }

    fn fits(&self, manner: Manner) -> bool {
        let is_everywhere = self.serving >= 2 && self.failing as f64 >= self.serving as f64 * MIN_SHARE_OF_TARGETS;
        let is_at_once = self.onset_within <= ONSET_WITHIN.max(self.span.length() / 4);
        // A fault of the application that is always there rarely takes long on several routes.
        let may_be_always = manner == Manner::Slow && !self.is_silence && self.routes.len() >= 2;
        let is_change = self.is_change() || !self.otherwise.are_shown() && may_be_always;
        let is_enough = self.explained.len() >= MIN_FAILURES;
        let by_manner = match manner {
            // One slow route causes idle timeouts without an outage, so idle timeouts alone must affect several
            // routes. If other requests to the same routes are still answered, requests queue: the targets are
            // saturated.
            Manner::Slow if self.is_silence => self.routes.len() >= 3 && self.rate.share() >= 0.9,
            // Proxies in the targets give up on one slow route, too.
            Manner::Slow => !self.is_proxys || self.routes.len() >= 2,
            Manner::Quick => self.routes.len() >= 2 && self.rate.share() >= 0.8,
        };
        is_everywhere && is_at_once && is_change && is_enough && by_manner
    }
}

/// What is said about the outage with the most failures, one of `outages`.
fn evidence(group: &GroupView<'_>, outage: &Outage, manner: Manner, outages: usize) -> Vec<Evidence> {
    let which = if outages == 1 { String::new() } else { format!("in the largest of {outages} episodes, ") };
    let mut evidence = vec![
        Evidence::speaks_for(
            format!(
                "{which}{} of the {} in use failed, {} within {} s of the first",
                outage.failing,
                plural(outage.serving, "target"),
                if outage.failing > 2 { "most of them" } else { "both" },
                seconds(outage.onset_within)
            ),
            [
                ("targets_failing", outage.failing as f64),
                ("targets_serving", outage.serving as f64),
                ("onset_within", seconds_of(outage.onset_within)),
            ],
        ),
        rates(group, outage),
    ];
    if !outage.is_change() {
        evidence.push(Evidence::speaks_against("the log does not show how these routes did before or after it", []));
    }
    match (manner, sharp_wall(&outage.took)) {
        (Manner::Slow, Some(wall)) => evidence.push(Evidence::speaks_for(
            format!(
                "{} of these {} failures came {} to {} s after the request was sent: a timeout that they share, such as \
                    that of a connection pool or of a client of the dependency",
                wall.times,
                outage.took.len(),
                seconds(wall.at),
                seconds(wall.at + wall.thickness)
            ),
            [("wall_from", seconds_of(wall.at)), ("wall_times", wall.times as f64)],
        )),
        (Manner::Slow, None) => evidence.push(Evidence::speaks_for("they had waited far longer than usual", [])),
        (Manner::Quick, _) => {
            evidence.push(Evidence::speaks_against("they failed without a long wait", []));
        }
    }
    if let Some(arrivals) = outage.arrivals {
        evidence.push(Evidence::weighed(
            arrivals < MORE,
            format!("the request rate per target in use was {arrivals:.1} times the rate at other times"),
            [("arrivals", arrivals)],
        ));
    }
    evidence
}

/// How many requests failed, and how many did in good times, if the log shows these.
fn rates(group: &GroupView<'_>, outage: &Outage) -> Evidence {
    let Outage { in_all: rate, otherwise, .. } = outage;
    let then = format!(
        "then {} of {} to {} failed",
        percent(rate.failures, rate.requests),
        plural(rate.requests, "request"),
        group.routes_named(&outage.routes),
    );
    if !outage.is_change() {
        return Evidence::speaks_for(then, [("requests", rate.requests as f64)]);
    }
    let GoodTimes { rate: good, is_after } = otherwise;
    let names = if *is_after { ["failures_after", "requests_after"] } else { ["failures_before", "requests_before"] };
    Evidence::speaks_for(
        format!(
            "{then}; just {}, {} of {} did",
            if *is_after { "after" } else { "before" },
            percent(good.failures, good.requests),
            good.requests
        ),
        [("requests", rate.requests as f64), (names[0], good.failures as f64), (names[1], good.requests as f64)],
    )
}
