//! Scenarios about applications and their clients: wrong answers, shared dependencies, client timeouts, listener rules
//! and Lambda functions.

use super::site::{Offer, Site, seconds};
use crate::simulate::plan::{
    ClientKind, FaultKind, Function, IncidentPlan, ListenerRule, Patience, RouteFault, TargetAction, TrueCause,
};
use crate::simulate::rng::Rng;
use crate::simulate::time::{MILLISECOND, Moment, SECOND};

/// No answer of one route is HTTP.
pub(super) fn malformed_route(rng: &mut Rng) -> IncidentPlan {
    malformed(rng, 1.0)
}

/// Some answers of one route are not HTTP, as for some users.
pub(super) fn malformed_partly(rng: &mut Rng) -> IncidentPlan {
    let share = rng.between(15, 70) as f64 / 100.0;
    malformed(rng, share)
}

fn malformed(rng: &mut Rng, share: f64) -> IncidentPlan {
    let mut site = Site::draw(rng, Offer::Shop, (15, 60), (1, 5));
    let (start, route) = (site.moment(rng, 0, 50), site.any_route(rng));
    site.fault_everywhere(start, route, Some(RouteFault { share, kind: FaultKind::Malformed }));
    site.plan
}

/// One route fails now and then, on all targets.
pub(super) fn application_errors(rng: &mut Rng) -> IncidentPlan {
    let mut site = Site::draw(rng, Offer::Shop, (15, 60), (1, 5));
    let share = rng.between(3, 25) as f64 / 100.0;
    let (start, route) = (site.moment(rng, 0, 1), site.any_route(rng));
    let kind = FaultKind::Status(rng.pick(&[500, 500, 500, 501]), TrueCause::ApplicationError);
    site.fault_everywhere(start, route, Some(RouteFault { share, kind }));
    site.plan
}

/// A new release answers one route with errors.
pub(super) fn bad_release(rng: &mut Rng) -> IncidentPlan {
    let mut site = Site::draw(rng, Offer::Shop, (15, 60), (2, 5));
    let (start, route) = (site.moment(rng, 20, 60), site.any_route(rng));
    let kind = FaultKind::Status(500, TrueCause::ApplicationError);
    let fault = Some(RouteFault { share: rng.pick(&[1.0, 0.6]), kind });
    // One target after the other.
    for (target, step) in site.targets.clone().into_iter().zip(0..) {
        site.at(start.plus(step * seconds(rng, 5, 40)), target, TargetAction::RouteFault(route, fault));
    }
    site.plan
}

/// The application closes some connections instead of answering, on all routes and at any time.
pub(super) fn random_closes(rng: &mut Rng) -> IncidentPlan {
    let mut site = Site::draw(rng, Offer::Shop, (15, 60), (1, 5));
    let share = rng.between(2, 30) as f64 / 1000.0;
    for target in site.targets.clone() {
        site.fault_on_all_routes(Moment::minute(0), target, Some(RouteFault { share, kind: FaultKind::Closes }));
    }
    site.plan
}

/// One host is slow and fails often; the others are sound.
pub(super) fn one_bad_host(rng: &mut Rng) -> IncidentPlan {
    let mut site = Site::draw(rng, Offer::Shop, (15, 60), (3, 6));
    let (bad, start) = (site.any(rng), site.moment(rng, 0, 40));
    let kind = FaultKind::Status(500, TrueCause::ApplicationError);
    site.at(start, bad, TargetAction::Pace(rng.between(2, 6) as f64));
    let share = rng.between(5, 40) as f64 / 100.0;
    site.fault_on_all_routes(start, bad, Some(RouteFault { share, kind }));
    site.plan
}

/// A dependency of two routes on all targets does not answer for some minutes.
fn dependency(rng: &mut Rng, kind: impl FnOnce(&mut Rng) -> FaultKind) -> IncidentPlan {
    let mut site = Site::draw(rng, Offer::Shop, (10, 50), (2, 6));
    if rng.is(0.7) {
        site.patient();
    }
    let kind = kind(rng);
    let start = site.moment(rng, 15, 60);
    let end = start.plus(seconds(rng, 150, 600));
    let first = site.any_route(rng);
    let share = rng.pick(&[1.0, 1.0, 0.7]);
    for route in [first, (first + 3) % 8] {
        site.fault_everywhere(start, route, Some(RouteFault { share, kind }));
        site.fault_everywhere(end, route, None);
    }
    site.plan
}

/// The application's client gives up after a constant time, and the application answers with an error.
pub(super) fn dependency_timeout(rng: &mut Rng) -> IncidentPlan {
    dependency(rng, |rng| {
        FaultKind::Waits(rng.pick(&[2, 3, 5, 5, 10, 10, 15, 20]) * SECOND, rng.pick(&[500, 500, 503, 504]))
    })
}

/// The application's client has no timeout.
pub(super) fn dependency_hang(rng: &mut Rng) -> IncidentPlan {
    dependency(rng, |_| FaultKind::Hangs)
}

/// Slow answers, and callers with a timeout of their own.
fn impatient(rng: &mut Rng, kinds: &'static [(ClientKind, u32)], patience: (ClientKind, Patience)) -> IncidentPlan {
    let mut site = Site::draw(rng, Offer::Reports, (10, 40), (1, 5));
    site.plan.idle_timeout = rng.pick(&[60, 60, 120]) * SECOND;
    site.audience(kinds, patience);
    let start = site.moment(rng, 0, 40);
    let constant = if let Patience::Constant { time, .. } = patience.1 { time } else { 20 * SECOND };
    let pace = constant as f64 / (2600.0 * MILLISECOND as f64) * rng.between(40, 80) as f64 / 100.0;
    for target in site.targets.clone() {
        site.at(start, target, TargetAction::RoutePace(super::shop::BUILD, pace));
    }
    site.plan
}

pub(super) fn edge_timeout(rng: &mut Rng) -> IncidentPlan {
    let patience = Patience::Constant { time: 30 * SECOND, jitter: 30 * MILLISECOND };
    impatient(rng, &[(ClientKind::Edge, 1)], (ClientKind::Edge, patience))
}

pub(super) fn gateway_timeout(rng: &mut Rng) -> IncidentPlan {
    let patience = Patience::Constant { time: 29 * SECOND, jitter: 15 * MILLISECOND };
    impatient(rng, &[(ClientKind::Gateway, 3), (ClientKind::Program, 1)], (ClientKind::Gateway, patience))
}

/// Another service of the same company waits for a fraction of a second.
pub(super) fn short_budget(rng: &mut Rng) -> IncidentPlan {
    let mut site = Site::draw(rng, Offer::Shop, (20, 80), (1, 5));
    let time = rng.pick(&[100, 200, 250, 500]) * MILLISECOND;
    let patience = Patience::Constant { time, jitter: 4 * MILLISECOND };
    site.audience(&[(ClientKind::Service, 3), (ClientKind::Program, 1)], (ClientKind::Service, patience));
    let pace = time as f64 / (100.0 * MILLISECOND as f64) * rng.between(60, 110) as f64 / 100.0;
    site.change_all(|target| target.pace = pace);
    site.plan
}

/// Mobile apps wait for 15 s.
pub(super) fn mobile_timeout(rng: &mut Rng) -> IncidentPlan {
    let mut site = Site::draw(rng, Offer::Shop, (15, 60), (1, 5));
    let patience = Patience::Constant { time: 15 * SECOND, jitter: 60 * MILLISECOND };
    site.audience(&[(ClientKind::App, 3), (ClientKind::Browser, 1)], (ClientKind::App, patience));
    let (start, pace) = (site.moment(rng, 10, 50), rng.between(40, 90) as f64);
    for target in site.targets.clone() {
        // The search route is slow among quick ones.
        site.at(start, target, TargetAction::RoutePace(2, pace));
    }
    site.plan
}

/// People leave slow pages, each after a time of their own.
pub(super) fn users_leave(rng: &mut Rng) -> IncidentPlan {
    let mut site = Site::draw(rng, Offer::Media, (15, 50), (1, 5));
    let mean = seconds(rng, 6, 30);
    site.audience(&[(ClientKind::Browser, 1)], (ClientKind::Browser, Patience::Leaves(mean)));
    site.plan
}

/// A site whose listener rule does this for some minutes.
fn ruled(rng: &mut Rng, rule: ListenerRule) -> IncidentPlan {
    let mut site = Site::draw(rng, Offer::Shop, (20, 80), (1, 4));
    let (start, group) = (site.moment(rng, 10, 50), site.group);
    let end = start.plus(seconds(rng, 120, 600));
    site.plan.rule(start, group, rule);
    site.plan.rule(end, group, ListenerRule::Forward);
    site.plan
}

pub(super) fn waf_blocks(rng: &mut Rng) -> IncidentPlan {
    let share = rng.between(5, 60) as f64 / 100.0;
    ruled(rng, ListenerRule::WafBlocks(share))
}

pub(super) fn waf_fails(rng: &mut Rng) -> IncidentPlan {
    let share = rng.between(10, 100) as f64 / 100.0;
    ruled(rng, ListenerRule::WafFails(share))
}

pub(super) fn users_rejected(rng: &mut Rng) -> IncidentPlan {
    let share = rng.between(2, 30) as f64 / 100.0;
    ruled(rng, ListenerRule::Rejects(share))
}

pub(super) fn identity_fails(rng: &mut Rng) -> IncidentPlan {
    let share = rng.between(5, 60) as f64 / 100.0;
    ruled(rng, ListenerRule::IdentityFails(share))
}

pub(super) fn maintenance(rng: &mut Rng) -> IncidentPlan {
    ruled(rng, ListenerRule::Fixed(503))
}

/// A target group whose target is a Lambda function.
fn function(rng: &mut Rng, concurrency: u32, rule: impl FnOnce(&mut Rng) -> ListenerRule) -> IncidentPlan {
    let mut site = Site::draw(rng, Offer::Shop, (40, 120), (1, 3));
    let timeout = rng.pick(&[3, 3, 6, 10]) * SECOND;
    let group = site.group;
    site.plan.groups[group.0].function = Some(Function { timeout, concurrency });
    site.plan.groups[group.0].is_ipv6 = false;
    // A function has no address, so no other target is registered.
    site.change_all(|target| target.is_registered = false);
    let start = site.moment(rng, 10, 50);
    let rule = rule(rng);
    let rule = match rule {
        // Scales the pace to the timeout, so that some of its answers come too late.
        ListenerRule::FunctionPace(share) => {
            ListenerRule::FunctionPace(timeout as f64 / (70.0 * MILLISECOND as f64) * share)
        }
        other => other,
    };
    site.plan.rule(start, group, rule);
    site.plan
}

pub(super) fn lambda_throws(rng: &mut Rng) -> IncidentPlan {
    function(rng, 1000, |rng| {
        let share = rng.between(2, 60) as f64 / 100.0;
        if rng.is(0.5) { ListenerRule::FunctionThrows(share) } else { ListenerRule::FunctionMumbles(share) }
    })
}

pub(super) fn lambda_timeout(rng: &mut Rng) -> IncidentPlan {
    function(rng, 1000, |rng| ListenerRule::FunctionPace(rng.between(15, 50) as f64 / 100.0))
}

pub(super) fn lambda_throttled(rng: &mut Rng) -> IncidentPlan {
    let mut plan = function(rng, 3, |_| ListenerRule::Forward);
    plan.page = 8.0;
    plan
}

pub(super) fn lambda_denied(rng: &mut Rng) -> IncidentPlan {
    function(rng, 1000, |_| ListenerRule::FunctionDenied)
}

/// Scanners, and requests that the load balancer refuses for what they are.
pub(super) fn refused_requests(rng: &mut Rng) -> IncidentPlan {
    let mut site = Site::draw(rng, Offer::Shop, (15, 60), (1, 5));
    site.plan.noise = &[(400, 5), (413, 2), (414, 2), (463, 1), (464, 2), (408, 1), (405, 1)];
    site.plan.noise_every = 15 + rng.below(100);
    site.plan.scans_every = 10 + rng.below(50);
    site.plan
}

/// Scanners try one path after the other, and make a good part of all requests.
pub(super) fn scanners(rng: &mut Rng) -> IncidentPlan {
    let mut site = Site::draw(rng, Offer::Shop, (5, 30), (1, 5));
    site.plan.scans_every = 1 + rng.below(4);
    site.plan
}
