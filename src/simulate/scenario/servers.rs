//! Scenarios about servers: they close idle connections, cut slow requests off, crash, freeze, or are overloaded.

use super::shop::BUILD;
use super::site::{Offer, Site, lag, seconds};
use crate::simulate::plan::{
    FaultKind, IncidentPlan, KeepAlivePolicy, KeepAliveTimer, PlannedTarget, Poller, Proxy, RouteFault, ServerModel,
    Stalls, Surge, TargetAction, TimeLimit, TimeLimitEffect,
};
use crate::simulate::rng::Rng;
use crate::simulate::time::{MILLISECOND, Moment, SECOND};

/// All targets, or one of them, get this keep-alive timeout and a lagging event loop.
fn race(site: &mut Site, rng: &mut Rng, keep_alive: KeepAlivePolicy, stalls: Stalls) {
    let change = |target: &mut PlannedTarget| (target.keep_alive, target.stalls) = (keep_alive, Some(stalls));
    if rng.is(0.6) {
        site.change_all(change);
    } else {
        let target = site.any(rng);
        site.change(target, change);
    }
}

pub(super) fn race_precise(rng: &mut Rng) -> IncidentPlan {
    let mut site = Site::draw(rng, Offer::Shop, (10, 11), (1, 3));
    site.sparse(rng, &[2, 4, 8, 15, 30], 150_000);
    let idle = rng.pick(&[2, 5, 5, 6, 10]) * SECOND;
    let keep_alive = KeepAlivePolicy::precise(idle, rng.between(1, 12) * MILLISECOND);
    let stalls = lag(rng);
    race(&mut site, rng, keep_alive, stalls);
    site.plan
}

/// Connections are rarely idle for as long as a long keep-alive timeout. Bursts of requests make pools deep, so that
/// some are.
pub(super) fn race_slow(rng: &mut Rng) -> IncidentPlan {
    let mut site = Site::draw(rng, Offer::Shop, (10, 11), (1, 2));
    site.plan.nodes = rng.pick(&[1, 2, 3]);
    site.sparse(rng, &[2, 4, 8], 120_000);
    let idle = rng.pick(&[20, 20, 30, 60]);
    site.plan.idle_timeout = if idle == 60 { rng.pick(&[300, 4000]) } else { 60 } * SECOND;
    site.plan.page = 10.0;
    let keep_alive = KeepAlivePolicy::precise(idle * SECOND, rng.between(1, 12) * MILLISECOND);
    let stalls = Stalls { length: rng.between(15, 45) * MILLISECOND, ..lag(rng) };
    race(&mut site, rng, keep_alive, stalls);
    site.plan
}

/// Servers whose timers have a resolution of a second or four.
pub(super) fn race_coarse(rng: &mut Rng) -> IncidentPlan {
    let mut site = Site::draw(rng, Offer::Shop, (10, 11), (1, 3));
    site.sparse(rng, &[4, 8], 150_000);
    let keep_alive = KeepAlivePolicy {
        idle: rng.pick(&[5, 5, 10]) * SECOND,
        timer: KeepAliveTimer::Coarse { tick: rng.pick(&[1, 1, 4]) * SECOND },
    };
    let stalls = lag(rng);
    race(&mut site, rng, keep_alive, stalls);
    site.plan
}

/// Worker processes without timers, and pages with many parts.
pub(super) fn race_sweep(rng: &mut Rng) -> IncidentPlan {
    let mut site = Site::draw(rng, Offer::Shop, (10, 11), (1, 3));
    site.sparse(rng, &[4, 8, 15], 110_000);
    site.plan.page = rng.between(8, 20) as f64;
    let keep_alive = KeepAlivePolicy {
        idle: rng.pick(&[2, 2, 5]) * SECOND,
        timer: KeepAliveTimer::Sweep { tick: rng.pick(&[500, 1000]) * MILLISECOND },
    };
    site.change_all(|target| target.keep_alive = keep_alive);
    site.plan
}

/// Clients whose period is near the keep-alive timeout. In half of the runs they call at fixed times of the clock.
pub(super) fn race_with_pollers(rng: &mut Rng) -> IncidentPlan {
    let mut site = Site::draw(rng, Offer::Shop, (10, 11), (1, 3));
    site.sparse(rng, &[2, 4, 8], 40_000);
    let idle = rng.pick(&[5, 6, 10]);
    let period = idle * SECOND + rng.between(-40, 40) * MILLISECOND;
    let aligned = if rng.is(0.5) { Some(rng.between(20, 400) * MILLISECOND) } else { None };
    site.plan.pollers = vec![Poller { period, share: 0.5, aligned }, Poller::every(60 * SECOND, 0.05)];
    let keep_alive = KeepAlivePolicy::precise(idle * SECOND, rng.between(1, 12) * MILLISECOND);
    let stalls = lag(rng);
    race(&mut site, rng, keep_alive, stalls);
    site.plan
}

/// One of several processes of one target dies now and then; the others keep serving.
pub(super) fn worker_kill(rng: &mut Rng) -> IncidentPlan {
    let mut site = Site::draw(rng, Offer::Media, (30, 80), (2, 4));
    let processes = rng.pick(&[2, 3, 4, 4]);
    site.change_all(|target| target.server = ServerModel { processes, ..ServerModel::plain() });
    let victim = site.any(rng);
    for _ in 0..16 {
        let moment = site.moment(rng, 5, 95);
        site.at(moment, victim, TargetAction::KillProcess);
    }
    site.plan
}

/// One target crashes several times with requests in flight, and restarts at the same address.
pub(super) fn crash_restart(rng: &mut Rng) -> IncidentPlan {
    let mut site = Site::draw(rng, Offer::Media, (20, 60), (2, 5));
    let restart = seconds(rng, 3, 20);
    site.change_all(|target| target.server.restart = Some(restart));
    let victim = site.any(rng);
    for _ in 0..rng.between(3, 7) {
        let moment = site.moment(rng, 5, 95);
        site.at(moment, victim, TargetAction::Crash);
    }
    site.plan
}

/// A share of one route's requests kills the target that serves it, whichever it is.
pub(super) fn poison_route(rng: &mut Rng) -> IncidentPlan {
    let mut site = Site::draw(rng, Offer::Media, (20, 50), (2, 5));
    let restart = seconds(rng, 2, 9);
    site.change_all(|target| target.server.restart = Some(restart));
    // Every process crashes every one to few minutes.
    let share = rng.between(6, 20) as f64 / 1000.0;
    let start = site.moment(rng, 10, 40);
    let route = rng.index(2);
    site.fault_everywhere(start, route, Some(RouteFault { share, kind: FaultKind::Kills }));
    site.plan
}

/// Memory fills with every request; processes slow down, are killed and start again.
pub(super) fn memory_leak(rng: &mut Rng) -> IncidentPlan {
    let mut site = Site::draw(rng, Offer::Media, (20, 60), (2, 5));
    let restart = seconds(rng, 4, 20);
    let requests = site.plan.rate / site.targets.len() as f64 * 60.0;
    for target in site.targets.clone() {
        // Each target's memory is full after 4 to 9 minutes' worth of requests.
        let minutes = rng.between(40, 90) as f64 / 10.0;
        let limit = u32::try_from(crate::simulate::rng::scaled(1, requests * minutes)).unwrap_or(u32::MAX);
        site.change(target, |target| {
            target.server =
                ServerModel { requests_until_full: Some(limit), restart: Some(restart), ..ServerModel::plain() };
        });
    }
    site.plan
}

/// A site whose servers limit the time of requests, with a slow route that exceeds the limit in some of its requests.
fn limited(rng: &mut Rng, seconds: &[i64], limit: impl FnOnce(&mut Rng) -> TimeLimit) -> Site {
    let mut site = Site::draw(rng, Offer::Reports, (10, 30), (1, 4));
    site.patient();
    let after = rng.pick(seconds) * SECOND;
    let limit = TimeLimit { after, ..limit(rng) };
    site.plan.idle_timeout = rng.pick(&[60, 60, 120, 300]) * SECOND;
    site.change_all(|target| target.server.time_limit = Some(limit));
    let start = site.moment(rng, 0, 30);
    // The slow route's median, usually 2.6 s, becomes 45 to 79 % of the limit.
    let pace = after as f64 / (2600.0 * MILLISECOND as f64) * rng.between(45, 80) as f64 / 100.0;
    for target in site.targets.clone() {
        site.at(start, target, TargetAction::RoutePace(BUILD, pace));
    }
    site
}

/// A supervisor that checks once a second kills workers that take too long for a request.
pub(super) fn worker_timeout(rng: &mut Rng) -> IncidentPlan {
    let mut site = limited(rng, &[10, 20, 30, 30], |rng| {
        let way = if rng.is(0.25) { TimeLimitEffect::Answer(500) } else { TimeLimitEffect::Close };
        TimeLimit { after: 0, poll: SECOND, way, stuck: rng.pick(&[0.0, 0.0, 0.3]) }
    });
    let slots = rng.pick(&[16, 32, 64]);
    site.change_all(|target| {
        target.server = ServerModel { slots: Some(slots), accepts_when_free: true, backlog: 2048, ..target.server };
    });
    site.plan
}

/// The server has a timer for each request. It closes the connection when the timer fires, or at the request's end.
pub(super) fn request_timeout(rng: &mut Rng) -> IncidentPlan {
    let way = rng.pick(&[TimeLimitEffect::Close, TimeLimitEffect::Close, TimeLimitEffect::CloseAtEnd]);
    limited(rng, &[5, 10, 15, 20, 29, 30, 45], |_| TimeLimit { after: 0, poll: 0, way, stuck: 0.0 }).plan
}

/// A process stops doing anything for some minutes, while its host keeps running.
pub(super) fn frozen_process(rng: &mut Rng) -> IncidentPlan {
    let mut site = Site::draw(rng, Offer::Shop, (10, 60), (2, 5));
    site.plan.idle_timeout = rng.pick(&[60, 60, 30]) * SECOND;
    let frozen = site.any(rng);
    let backlog = rng.pick(&[128, 511, 4096]);
    site.change(frozen, |target| target.server.backlog = backlog);
    let (moment, time) = (site.moment(rng, 15, 70), seconds(rng, 150, 400));
    site.at(moment, frozen, TargetAction::Freeze(time));
    site.plan
}

/// A slow route gets slower in steps, in the end slower than the idle timeout.
pub(super) fn slow_route(rng: &mut Rng) -> IncidentPlan {
    let mut site = Site::draw(rng, Offer::Reports, (10, 30), (1, 4));
    site.patient();
    let full = site.plan.idle_timeout as f64 / (2600.0 * MILLISECOND as f64);
    let start = 10 + rng.below(30);
    for (step, share) in [0.2, 0.4, 0.7, rng.between(80, 160) as f64 / 100.0].into_iter().enumerate() {
        let minute = site.plan.minutes * (start + 12 * u32::try_from(step).unwrap_or_default()) / 100;
        for target in site.targets.clone() {
            site.at(Moment::minute(minute), target, TargetAction::RoutePace(BUILD, full * share));
        }
    }
    site.plan
}

/// Visits rise beyond what the targets can serve, and fall again. `capacity` is what they can serve, as a multiple of
/// the usual load.
fn flood(site: &mut Site, rng: &mut Rng, capacity: f64) {
    let (begin, top, end) = (site.plan.minutes / 4, site.plan.minutes / 2, site.plan.minutes * 7 / 10);
    let height = capacity * rng.between(115, 170) as f64 / 100.0;
    site.plan.surges = vec![
        Surge { minutes: (begin, top), factors: (1.0, height) },
        Surge { minutes: (top, end), factors: (height, height) },
        Surge { minutes: (end, end + 2), factors: (height, 1.0) },
    ];
}

/// A flood of visits to targets that can serve about twice the usual load.
fn narrow(rng: &mut Rng, server: impl Fn(u32) -> ServerModel) -> Site {
    let mut site = Site::draw(rng, Offer::Shop, (60, 120), (1, 4));
    site.plan.idle_timeout = rng.pick(&[60, 60, 30]) * SECOND;
    // The mean of the shop's answers is about 48 ms.
    let slots = rng.pick(&[1, 2, 4]);
    let usual = site.plan.rate / site.targets.len() as f64;
    let capacity = rng.between(17, 24) as f64 / 10.0;
    let pace = f64::from(slots) / (usual * 0.048 * capacity);
    site.change_all(|target| {
        target.pace = pace;
        target.server = server(slots);
    });
    flood(&mut site, rng, capacity);
    site
}

/// Requests wait inside the process until nobody waits for them any more.
pub(super) fn saturation(rng: &mut Rng) -> IncidentPlan {
    narrow(rng, |slots| ServerModel { slots: Some(slots), ..ServerModel::plain() }).plan
}

/// Workers accept only what they can serve immediately; connections wait in the kernel's queue, and are dropped when it
/// is full.
pub(super) fn saturation_backlog(rng: &mut Rng) -> IncidentPlan {
    let backlog = rng.pick(&[16, 64, 128]);
    narrow(rng, |slots| ServerModel { slots: Some(slots), accepts_when_free: true, backlog, ..ServerModel::plain() })
        .plan
}

/// The process's own queue is bounded, and requests that do not fit are answered 503.
pub(super) fn saturation_shed(rng: &mut Rng) -> IncidentPlan {
    let queue = rng.pick(&[50, 100, 200]);
    narrow(rng, |slots| ServerModel { slots: Some(slots), queue: Some(queue), ..ServerModel::plain() }).plan
}

/// A slow route occupies all workers, and all other requests wait for them.
pub(super) fn slow_route_under_load(rng: &mut Rng) -> IncidentPlan {
    let mut site = Site::draw(rng, Offer::Reports, (15, 30), (1, 4));
    site.plan.idle_timeout = 60 * SECOND;
    let slots = rng.pick(&[6, 8, 10]);
    site.change_all(|target| target.server = ServerModel { slots: Some(slots), ..ServerModel::plain() });
    let (start, end) = (Moment::minute(site.plan.minutes / 3), Moment::minute(site.plan.minutes * 2 / 3));
    // 10 to 39 % more work than the workers can do, nearly all of it the slow route's. That route has 0.227 of the
    // requests and takes 2.95 s on average.
    let builds = site.plan.rate / site.targets.len() as f64 * 0.227;
    let pace = f64::from(slots) / (builds * 2.95) * rng.between(110, 140) as f64 / 100.0;
    for target in site.targets.clone() {
        site.at(start, target, TargetAction::RoutePace(BUILD, pace));
        site.at(end, target, TargetAction::RoutePace(BUILD, 1.0));
    }
    site.plan
}

/// A proxy inside each target.
fn with_proxy(rng: &mut Rng) -> (Site, Proxy) {
    let mut site = Site::draw(rng, Offer::Reports, (10, 40), (1, 4));
    site.patient();
    let proxy = rng.pick(&[
        Proxy { timeout: 60 * SECOND, statuses: (504, 502), page: 332 },
        Proxy { timeout: 15 * SECOND, statuses: (504, 503), page: 244 },
        Proxy { timeout: 50 * SECOND, statuses: (504, 503), page: 217 },
        Proxy { timeout: 30 * SECOND, statuses: (504, 502), page: 332 },
    ]);
    site.plan.idle_timeout = rng.pick(&[120, 180, 300]) * SECOND;
    site.change_all(|target| target.server.proxy = Some(proxy));
    (site, proxy)
}

/// The inner proxy's own timeout, below the idle timeout.
pub(super) fn inner_proxy_timeout(rng: &mut Rng) -> IncidentPlan {
    let (mut site, proxy) = with_proxy(rng);
    let pace = proxy.timeout as f64 / (2600.0 * MILLISECOND as f64) * rng.between(60, 110) as f64 / 100.0;
    let start = site.moment(rng, 5, 40);
    for target in site.targets.clone() {
        site.at(start, target, TargetAction::RoutePace(BUILD, pace));
    }
    site.plan
}

/// The application behind the inner proxy of one target is down for a while.
pub(super) fn inner_proxy_refused(rng: &mut Rng) -> IncidentPlan {
    let (mut site, _) = with_proxy(rng);
    let (target, start) = (site.any(rng), site.moment(rng, 10, 60));
    let end = start.plus(seconds(rng, 90, 600));
    site.at(start, target, TargetAction::Application(false));
    site.at(end, target, TargetAction::Application(true));
    site.plan
}
