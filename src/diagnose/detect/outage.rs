//! Something that all targets share was gone or slow: requests that need it fail at all targets from one moment on, with no more to do than before, and no new release to blame.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::Confidence;
use super::super::case::{Case, Member, Verdict};
use super::super::evidence::{Evidence, percent, plural, seconds, seconds_of};
use super::measure::course::episodes;
use super::measure::load::arrivals;
use super::measure::routes::RouteRates;
use super::measure::share::Rate;
use super::measure::walls::sharp_wall;
use super::not_ready;
use crate::aggregate::Span;
use crate::aggregate::timeline::Passage;
use crate::classify::Outcome;
use crate::timestamp::Timestamp;

/// Failures further apart than this are of different episodes.
const EPISODE_GAP: Duration = Duration::from_secs(30);

/// Fewer failures than this are no episode.
const MIN_FAILURES: usize = 5;

/// Who waits for something that does not answer takes at least so long, and so many times as long as usual.
const MIN_WAIT: Duration = Duration::from_millis(400);
const WAIT_FACTOR: f64 = 4.0;

/// So many of the targets that served failed, the last of them so soon after the first.
const MIN_SHARE_OF_TARGETS: f64 = 0.8;
const ONSET_WITHIN: Duration = Duration::from_secs(30);

/// A route that needs what is gone fails for so large a share of its requests.
const MIN_SHARE_OF_ROUTE: f64 = 0.5;

/// And before, it failed at most this part as often.
const BEFORE: f64 = 0.2;

/// This many times as many requests as usual explain slowness by themselves.
const MORE: f64 = 1.5;

const MIN_FOR_HIGH: usize = 10;

/// How requests fail for want of something.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// They waited for it.
    Slow,
    /// They were told at once.
    Quick,
}

struct Outage {
    span: Span,
    failing: usize,
    serving: usize,
    onset_within: Duration,
    routes: Vec<u16>,
    rate: Rate,
    before: Rate,
    arrivals: Option<f64>,
    is_over: bool,
    explains: Vec<(usize, usize)>,
    took: Vec<Duration>,
    /// Whether silence until the idle timeout is all that was seen.
    is_silence: bool,
}

pub(super) fn detect(case: &Case<'_>) -> Vec<Verdict> {
    [Manner::Slow, Manner::Quick].into_iter().filter_map(|manner| verdict(case, manner)).collect()
}

fn manner_of(case: &Case<'_>, passage: &Passage) -> Option<Manner> {
    match passage.outcome {
        Outcome::IdleTimeout => Some(Manner::Slow),
        // What a proxy in the target says of its own upstream is told as that, whatever the upstream shares.
        Outcome::TargetGatewayError if passage.target_status.is_none_or(|status| status.get() != 503) => None,
        Outcome::TargetError | Outcome::TargetGatewayError => {
            let usual = case.usual(passage.route).unwrap_or_default();
            let is_slow = passage.took() >= MIN_WAIT.max(usual.mul_f64(WAIT_FACTOR));
            Some(if is_slow { Manner::Slow } else { Manner::Quick })
        }
        _ => None,
    }
}

fn verdict(case: &Case<'_>, manner: Manner) -> Option<Verdict> {
    let mut failed: Vec<(usize, usize, &Passage)> = (0..case.members.len())
        .flat_map(|number| case.unexplained(number).map(move |(place, passage)| (number, place, passage)))
        .filter(|(_, _, passage)| manner_of(case, passage) == Some(manner))
        .collect();
    failed.sort_by_key(|(member, place, passage)| (passage.dispatched, *member, *place));
    let times: Vec<Timestamp> = failed.iter().map(|(_, _, passage)| passage.dispatched).collect();
    let outages: Vec<Outage> = episodes(&times, EPISODE_GAP)
        .into_iter()
        .filter(|episode| episode.len() >= MIN_FAILURES)
        .filter_map(|range| outage(case, &failed[range]))
        .filter(|outage| outage.fits(manner))
        .collect();
    let largest = outages.iter().max_by_key(|outage| outage.explains.len())?;
    let total: usize = outages.iter().map(|outage| outage.explains.len()).sum();
    let is_flat = largest.arrivals.is_none_or(|factor| factor < MORE);
    let confidence = match manner {
        Manner::Slow if is_flat && total >= MIN_FOR_HIGH && largest.before.requests >= MIN_FOR_HIGH => Confidence::High,
        Manner::Slow => Confidence::Medium,
        Manner::Quick if largest.is_over => Confidence::Medium,
        Manner::Quick => Confidence::Low,
    };
    let also_fits: &'static [&'static str] = match manner {
        Manner::Slow => &["target-saturated", "idle-timeout-exceeded"],
        Manner::Quick => &["application-error", "inner-proxy-error"],
    };
    let mut explains: Vec<(usize, Vec<usize>)> = Vec::new();
    let mut places: Vec<(usize, usize)> = outages.iter().flat_map(|outage| outage.explains.iter().copied()).collect();
    places.sort_unstable();
    for (member, place) in places {
        match explains.last_mut() {
            Some((last, places)) if *last == member => places.push(place),
            _ => explains.push((member, vec![place])),
        }
    }
    let evidence = evidence(case, largest, manner);
    Some(Verdict { also_fits, evidence, is_of_group: true, explains, ..Verdict::new("dependency-outage", confidence) })
}

fn outage(case: &Case<'_>, failed: &[(usize, usize, &Passage)]) -> Option<Outage> {
    let span = Span { first: failed.first()?.2.dispatched, last: failed.last()?.2.dispatched };
    let serving: Vec<&Member<'_>> = case.members.iter().filter(|member| member.sent_in(span).len() >= 3).collect();
    let mut first_of: BTreeMap<usize, Timestamp> = BTreeMap::new();
    for (member, _, passage) in failed {
        first_of.entry(*member).or_insert(passage.dispatched);
    }
    let mut onsets: Vec<Timestamp> = first_of.into_values().collect();
    onsets.sort_unstable();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in a short list")]
    let most = ((onsets.len() as f64 * MIN_SHARE_OF_TARGETS).ceil() as usize).clamp(1, onsets.len());
    let onset_within = onsets[most - 1].since(span.first);
    let by_route = RouteRates::new(
        failed.iter().map(|(_, _, passage)| *passage),
        case.members.iter().flat_map(|member| member.sent_in(span)),
    );
    let needs_it = |rate: Rate| rate.failures >= 2 && rate.share() >= MIN_SHARE_OF_ROUTE;
    let mut routes: Vec<(u16, Rate)> = by_route.failing().filter(|(_, rate)| needs_it(*rate)).collect();
    routes.sort_by_key(|(_, rate)| std::cmp::Reverse(rate.failures));
    let routes: Vec<u16> = routes.into_iter().map(|(route, _)| route).collect();
    let rate = by_route.of(&routes);
    let length = span.last.micros_since(span.first).max(60_000_000);
    let earlier = Span { first: span.first.plus_micros(-length), last: span.first.plus_micros(-1) };
    let mut before = Rate::default();
    for passage in case.members.iter().flat_map(|member| member.sent_in(earlier)) {
        if routes.contains(&passage.route) {
            before.observe(passage.outcome.is_failure());
        }
    }
    let explains: Vec<(usize, usize)> = failed
        .iter()
        .filter(|(_, _, passage)| routes.contains(&passage.route))
        .map(|(member, place, _)| (*member, *place))
        .collect();
    let took: Vec<Duration> = failed.iter().map(|(_, _, passage)| passage.took()).collect();
    Some(Outage {
        span,
        failing: onsets.len(),
        serving: serving.len(),
        onset_within,
        is_over: case.setting.window.last.micros_since(span.last) > 10_000_000,
        arrivals: arrivals(&serving, span),
        is_silence: failed.iter().all(|(_, _, passage)| passage.outcome == Outcome::IdleTimeout),
        routes,
        rate,
        before,
        explains,
        took,
    })
    .filter(|_| !is_new_release(case, span))
}

/// Whether half of the targets began just before: then it is what they brought along.
fn is_new_release(case: &Case<'_>, span: Span) -> bool {
    const JUST_BEFORE_MICROS: i64 = 60_000_000;
    let began = case.members.iter().filter_map(|member| not_ready::begins(case, member));
    let began =
        began.filter(|begun| (-5_000_000..=JUST_BEFORE_MICROS).contains(&span.first.micros_since(*begun))).count();
    began * 2 >= case.members.len().max(1)
}

impl Outage {
    fn fits(&self, manner: Manner) -> bool {
        let is_everywhere = self.serving >= 2 && self.failing as f64 >= self.serving as f64 * MIN_SHARE_OF_TARGETS;
        let is_at_once = self.onset_within <= ONSET_WITHIN.max(self.span.length() / 4);
        // A route that always fails now and then has its good minutes too: what came before must be enough to tell.
        let is_change =
            self.before.share() <= self.rate.share() * BEFORE && self.rate.ratio_at_least(self.before) > 2.0;
        let is_enough = self.explains.len() >= MIN_FAILURES;
        let by_manner = match manner {
            // A route that is slow by itself meets the idle timeout alone.
            // Where others of the kind are answered all the same, there is a queue, and the targets are at its end.
            Manner::Slow => !self.is_silence || self.routes.len() >= 3 && self.rate.share() >= 0.9,
            Manner::Quick => self.routes.len() >= 2 && self.rate.share() >= 0.8,
        };
        is_everywhere && is_at_once && is_change && is_enough && by_manner
    }
}

fn evidence(case: &Case<'_>, outage: &Outage, manner: Manner) -> Vec<Evidence> {
    let mut evidence = vec![
        Evidence::speaks_for(
            format!(
                "{} of the {} that served failed, {} within {} s of the first",
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
        Evidence::speaks_for(
            format!(
                "then {} of {} to {} failed; before, {} of {}",
                percent(outage.rate.failures, outage.rate.requests),
                plural(outage.rate.requests, "request"),
                case.routes_named(&outage.routes),
                percent(outage.before.failures, outage.before.requests),
                outage.before.requests
            ),
            [
                ("requests", outage.rate.requests as f64),
                ("failures_before", outage.before.failures as f64),
                ("requests_before", outage.before.requests as f64),
            ],
        ),
    ];
    match (manner, sharp_wall(&outage.took)) {
        (Manner::Slow, Some(wall)) => evidence.push(Evidence::speaks_for(
            format!(
                "{} of {} failed {} to {} s after they were sent: a timeout that they share",
                wall.times,
                outage.took.len(),
                seconds(wall.at),
                seconds(wall.at + wall.thickness)
            ),
            [("wall_from", seconds_of(wall.at)), ("wall_times", wall.times as f64)],
        )),
        (Manner::Slow, None) => evidence.push(Evidence::speaks_for("they had waited far longer than usual", [])),
        (Manner::Quick, _) => {
            evidence.push(Evidence::speaks_against("they failed as quickly as others are answered", []));
        }
    }
    if let Some(arrivals) = outage.arrivals {
        evidence.push(Evidence::weighed(
            arrivals < MORE,
            format!("a target was sent {arrivals:.1} times as many requests as at other times"),
            [("arrivals", arrivals)],
        ));
    }
    evidence
}
