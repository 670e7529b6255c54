//! 5xx that the target itself answered: its application did, or a proxy inside the target on behalf of an upstream.

use std::num::NonZeroU16;
use std::time::Duration;

use rayon::prelude::*;

use super::not_ready;
use crate::aggregate::timeline::TimedRequest;
use crate::aggregate::{RouteId, Span};
use crate::classify::Outcome;
use crate::diagnose::confidence::{Confidence, MIN_FAILURES};
use crate::diagnose::evidence::{Evidence, plural, seconds, seconds_of};
use crate::diagnose::finding::Estimates;
use crate::diagnose::group_view::GroupView;
use crate::diagnose::measure::good_times::GoodTimes;
use crate::diagnose::measure::load::{arrivals, median_took};
use crate::diagnose::measure::routes::RouteRates;
use crate::diagnose::measure::walls::{Wall, sharp_wall};
use crate::diagnose::verdict::Verdict;
use crate::knowledge::causes::{self, Cause};

/// A proxy whose upstream refuses the connection answers within this time.
const AT_ONCE: Duration = Duration::from_millis(50);

/// A proxy that waits for its upstream does so at least this long.
const MIN_WAIT: Duration = Duration::from_secs(1);

/// From this many times the usual request rate on, the load counts as higher.
const MORE: f64 = 1.5;

/// A target that got fewer requests than this while others failed is not in use.
const MIN_SERVED: usize = 3;

/// High confidence needs at least this many errors.
const MIN_FOR_HIGH: usize = 10;

pub(super) fn detect(group: &GroupView<'_>) -> Vec<Verdict> {
    let is_all_there_is = are_all_there_is(group);
    group
        .side_by_side()
        .flat_map_iter(|index| {
            let gateway = errors(group, index, Outcome::TargetGatewayError);
            let plain = errors(group, index, Outcome::TargetError);
            [gateway_errors(group, index, &gateway), application_errors(group, index, &plain, is_all_there_is)]
                .into_iter()
                .flatten()
        })
        .collect()
}

/// Whether nearly all targets of the group have errors of the application, and the log shows no other time: a window
/// cut around an outage of what they all need looks like a fault of the application that is always there.
fn are_all_there_is(group: &GroupView<'_>) -> bool {
    let of_target = |index: usize| {
        group.unexplained(index).map(|(_, request)| request).filter(|it| it.outcome == Outcome::TargetError)
    };
    let all = || (0..group.targets.len()).flat_map(of_target);
    let dispatches = || all().map(|request| request.dispatched);
    let (Some(first), Some(last)) = (dispatches().min(), dispatches().max()) else { return false };
    let span = Span { first, last };
    let failing = (0..group.targets.len()).filter(|index| of_target(*index).next().is_some()).count();
    let serving = group.targets.iter().filter(|target| target.sent_in(span).len() >= MIN_SERVED).count();
    let routes: Vec<RouteId> = group.route_rates(all()).failing().map(|(route, _)| route).collect();
    let slowest = all().map(TimedRequest::took).max().unwrap_or_default();
    serving >= 2 && failing * 5 >= serving * 4 && !GoodTimes::new(group, &routes, span, slowest).are_shown()
}

fn errors<'a>(group: &'a GroupView<'_>, target_index: usize, outcome: Outcome) -> Vec<(usize, &'a TimedRequest)> {
    let errors: Vec<_> =
        group.unexplained(target_index).filter(|(_, timed_request)| timed_request.outcome == outcome).collect();
    if (errors.len() as u64) < MIN_FAILURES { Vec::new() } else { errors }
}

/// `502 (12 times), 504 (3 times)`
fn statuses_of(errors: &[(usize, &TimedRequest)]) -> String {
    let mut counts: std::collections::BTreeMap<u16, usize> = std::collections::BTreeMap::new();
    for (_, timed_request) in errors {
        *counts.entry(timed_request.target_status.map_or(0, NonZeroU16::get)).or_default() += 1;
    }
    let mut named: Vec<String> =
        counts.iter().map(|(status, times)| format!("{status} ({})", plural(*times, "time"))).collect();
    named.truncate(4);
    named.join(", ")
}

/// The rate of these errors on each route of one target.
fn rates_of(group: &GroupView<'_>, target_index: usize, errors: &[(usize, &TimedRequest)]) -> RouteRates {
    RouteRates::new(
        errors.iter().map(|(_, timed_request)| *timed_request),
        group.targets[target_index].timed_requests.iter(),
    )
}

type Fits = Vec<&'static Cause>;

fn gateway_errors(group: &GroupView<'_>, target_index: usize, errors: &[(usize, &TimedRequest)]) -> Option<Verdict> {
    let median = median_took(errors.iter().map(|(_, timed_request)| *timed_request))?;
    let times: Vec<Duration> = errors.iter().map(|(_, timed_request)| timed_request.took()).collect();
    let wall: Option<Wall> = sharp_wall(&times).filter(|wall| wall.at >= MIN_WAIT);
    // Applications answer 503 when they are overloaded; 502 and 504 come from proxies.
    let of_proxies = errors
        .iter()
        .filter(|(_, timed_request)| timed_request.target_status.is_none_or(|status| status.get() != 503))
        .count();
    let is_of_proxy = of_proxies * 10 >= errors.len() * 9;
    let routes = rates_of(group, target_index, errors).concentrated();
    let is_of_routes = (1..=3).contains(&routes.len());
    let is_at_once = median <= AT_ONCE;
    let is_many = errors.len() >= MIN_FOR_HIGH;
    // 503s at no constant time, under more load than usual: the target sheds requests that it cannot serve.
    let (first, last) = (errors.first()?.1.dispatched, errors.last()?.1.dispatched);
    let more = arrivals(&[&group.targets[target_index]], Span { first, last });
    let is_shed = !is_of_proxy && wall.is_none() && more.is_some_and(|factor| factor >= MORE);
    let (id, also_fits, confidence): (_, Fits, _) = match (is_of_proxy, wall.is_some(), is_of_routes) {
        _ if is_shed => (
            &causes::TARGET_SATURATED,
            vec![&causes::INNER_PROXY_ERROR, &causes::APPLICATION_ERROR],
            Confidence::Medium,
        ),
        (true, true, _) if is_many => (&causes::INNER_PROXY_ERROR, vec![&causes::APPLICATION_ERROR], Confidence::High),
        (true, _, false) if is_many && is_at_once => {
            (&causes::INNER_PROXY_ERROR, vec![&causes::APPLICATION_ERROR], Confidence::High)
        }
        (true, ..) => (&causes::INNER_PROXY_ERROR, vec![&causes::APPLICATION_ERROR], Confidence::Medium),
        (false, true, _) => (
            &causes::INNER_PROXY_ERROR,
            vec![&causes::DEPENDENCY_OUTAGE, &causes::APPLICATION_ERROR],
            Confidence::Medium,
        ),
        (false, false, true) => (&causes::APPLICATION_ERROR, vec![&causes::INNER_PROXY_ERROR], Confidence::Medium),
        (false, false, false) => {
            (&causes::INNER_PROXY_ERROR, vec![&causes::APPLICATION_ERROR, &causes::TARGET_SATURATED], Confidence::Low)
        }
    };
    let mut evidence = vec![Evidence::speaks_for(
        format!("the target itself answered {}", statuses_of(errors)),
        [("of_proxies", of_proxies as f64)],
    )];
    evidence.push(match wall {
        Some(wall) => Evidence::speaks_for(
            format!(
                "{} of them came after {} to {} s: a proxy's timeout for its upstream",
                wall.times,
                seconds(wall.at),
                seconds(wall.at + wall.thickness)
            ),
            [("wall_from", seconds_of(wall.at)), ("wall_times", wall.times as f64)],
        ),
        None => Evidence::speaks_for(
            format!(
                "half of them came within {} s{}",
                seconds(median),
                if is_at_once { ": the upstream refuses connections, or a queue is full" } else { "" }
            ),
            [("target_processing_time_median", seconds_of(median))],
        ),
    });
    if let (true, Some(more)) = (is_shed, more) {
        evidence.push(Evidence::speaks_for(
            format!("meanwhile, the target's request rate was {more:.1} times its rate at other times"),
            [("arrivals", more)],
        ));
    }
    if is_of_routes && !is_of_proxy {
        evidence.push(Evidence::speaks_for(
            format!("they are concentrated on {}", group.routes_named(&routes)),
            [("routes", routes.len() as f64)],
        ));
    }
    let indices = errors.iter().map(|(index, _)| *index).collect();
    Some(Verdict {
        also_fits,
        estimates: Estimates { timeout: wall.map(|wall| wall.at), ..Estimates::default() },
        evidence,
        ..Verdict::on_target(id, confidence, target_index, indices)
    })
}

fn application_errors(
    group: &GroupView<'_>,
    target_index: usize,
    errors: &[(usize, &TimedRequest)],
    is_all_there_is: bool,
) -> Option<Verdict> {
    let (_, first) = errors.first()?;
    let median = median_took(errors.iter().map(|(_, timed_request)| *timed_request))?;
    let rates = rates_of(group, target_index, errors);
    let is_of_routes = (1..=3).contains(&rates.concentrated().len());
    let mut evidence = vec![
        Evidence::speaks_for(format!("the target itself answered {}", statuses_of(errors)), []),
        Evidence::speaks_for(
            format!("half of them came within {} s", seconds(median)),
            [("target_processing_time_median", seconds_of(median))],
        ),
    ];
    let from_the_start = not_ready::begins(group, &group.targets[target_index])
        .is_some_and(|begun| first.dispatched.micros_since(begun) < 30_000_000);
    if from_the_start {
        evidence.push(Evidence::speaks_for(
            "they began within 30 s of the target's first request: the release that it runs brought them",
            [],
        ));
    }
    if !is_of_routes && rates.failing().len() > 0 {
        evidence.push(Evidence { is_for: true, ..rates.spread("they") });
    }
    if is_all_there_is {
        let text = "nearly all targets of the group had such errors, and the log shows no time without them: what all \
            of them need may have failed";
        evidence.push(Evidence::speaks_against(text, []).of_group());
    }
    let is_sure = errors.len() >= MIN_FOR_HIGH && is_of_routes && !is_all_there_is;
    let confidence = if is_sure { Confidence::High } else { Confidence::Medium };
    let indices = errors.iter().map(|(index, _)| *index).collect();
    Some(Verdict {
        also_fits: vec![&causes::DEPENDENCY_OUTAGE],
        evidence,
        ..Verdict::on_target(&causes::APPLICATION_ERROR, confidence, target_index, indices)
    })
}
