//! Scenarios about targets that come and go, paths to them, healthy traffic, and several faults at the same time.

use super::shop::BUILD;
use super::site::{Offer, Site, lag, seconds};
use crate::simulate::plan::{
    FaultKind, IncidentPlan, KeepAlivePolicy, Poller, RouteFault, ServerModel, Surge, TargetAction, TargetIndex,
    TrueCause,
};
use crate::simulate::rng::Rng;
use crate::simulate::time::{MILLISECOND, Moment, SECOND};

/// A rolling deployment: each target is replaced by a new one. `leave` says how the old one goes.
fn roll(site: &mut Site, rng: &mut Rng, mut leave: impl FnMut(&mut Site, &mut Rng, Moment, TargetIndex)) {
    let mut moment = site.moment(rng, 10, 25);
    for old in site.targets.clone() {
        let new = site.later(rng);
        site.at(moment, new, TargetAction::Start);
        site.at(moment.plus(seconds(rng, 8, 25)), new, TargetAction::Register);
        let end = moment.plus(seconds(rng, 26, 45));
        leave(site, rng, end, old);
        moment = end.plus(seconds(rng, 20, 90));
    }
}

/// Deregistered first, and stopped when the deregistration delay is over.
fn leave_cleanly(site: &mut Site, rng: &mut Rng, end: Moment, old: TargetIndex) {
    let delay = site.plan.groups[site.group.0].deregistration_delay;
    site.at(end, old, TargetAction::Deregister);
    let stopped = end.plus(delay + seconds(rng, 1, 20));
    site.at(stopped, old, TargetAction::Stop);
}

/// The process is stopped 2.5 to 14 s before the target is deregistered, as when both get the signal at the same time
/// and the nodes learn of it later.
fn leave_abruptly(site: &mut Site, rng: &mut Rng, end: Moment, old: TargetIndex) {
    let deregistered = end.plus(rng.between(2500, 14_000) * MILLISECOND);
    site.at(end, old, TargetAction::Stop);
    site.at(deregistered, old, TargetAction::Deregister);
}

pub(super) fn deploy_clean(rng: &mut Rng) -> IncidentPlan {
    let mut site = Site::draw(rng, Offer::Shop, (15, 60), (2, 6));
    roll(&mut site, rng, leave_cleanly);
    site.plan
}

pub(super) fn deploy_abrupt(rng: &mut Rng) -> IncidentPlan {
    let mut site = Site::draw(rng, Offer::Shop, (20, 70), (2, 6));
    roll(&mut site, rng, leave_abruptly);
    site.plan
}

/// Processes finish their requests, but no longer listen while nodes still send.
pub(super) fn deploy_closing(rng: &mut Rng) -> IncidentPlan {
    let mut site = Site::draw(rng, Offer::Shop, (20, 70), (2, 6));
    roll(&mut site, rng, |site, rng, end, old| {
        let deregistered = end.plus(rng.between(2500, 14_000) * MILLISECOND);
        site.at(end, old, TargetAction::Terminate(30 * SECOND));
        site.at(deregistered, old, TargetAction::Deregister);
    });
    site.plan
}

/// Some targets leave without replacement.
pub(super) fn scale_in(rng: &mut Rng) -> IncidentPlan {
    let mut site = Site::draw(rng, Offer::Shop, (10, 40), (3, 7));
    let leaving = 1 + rng.index(site.targets.len() - 1);
    for old in site.targets.clone().into_iter().take(leaving) {
        let end = site.moment(rng, 15, 60);
        leave_cleanly(&mut site, rng, end, old);
    }
    site.plan
}

/// Requests that take longer than the deregistration delay.
pub(super) fn short_delay(rng: &mut Rng) -> IncidentPlan {
    let mut site = Site::draw(rng, Offer::Media, (30, 80), (2, 6));
    site.patient();
    site.plan.idle_timeout = 300 * SECOND;
    let delay = rng.pick(&[5, 10, 15]);
    site.plan.groups[site.group.0].deregistration_delay = delay * SECOND;
    // The two slow routes get a median of 0.9 to 1.5 times the delay; it is usually 0.9 s and 3.8 s.
    let long = delay as f64 * rng.between(9, 16) as f64 / 10.0;
    let paces = [(0, long / 0.9), (1, long / 3.8)];
    let slow = |site: &mut Site, target| {
        for (route, pace) in paces {
            site.at(Moment::minute(0), target, TargetAction::RoutePace(route, pace));
        }
    };
    for target in site.targets.clone() {
        slow(&mut site, target);
    }
    let old = site.targets.clone();
    roll(&mut site, rng, |site, rng, end, old| {
        site.at(end, old, TargetAction::Deregister);
        let stopped = end.plus((delay + 5) * SECOND + seconds(rng, 1, 20));
        site.at(stopped, old, TargetAction::Stop);
    });
    for new in old.len()..site.plan.targets.len() {
        slow(&mut site, TargetIndex(new));
    }
    site.plan
}

/// A target that stays crashes three times during a clean deployment.
pub(super) fn crash_during_deploy(rng: &mut Rng) -> IncidentPlan {
    let mut site = Site::draw(rng, Offer::Media, (30, 80), (2, 5));
    let victim = site.later(rng);
    site.change(victim, |target| {
        (target.is_registered, target.is_running) = (true, true);
        target.server = ServerModel { restart: Some(6 * SECOND), ..ServerModel::plain() };
    });
    roll(&mut site, rng, leave_cleanly);
    for _ in 0..3 {
        let moment = site.moment(rng, 12, 45);
        site.at(moment, victim, TargetAction::Crash);
    }
    site.plan
}

/// New targets are registered before they listen.
pub(super) fn not_ready(rng: &mut Rng) -> IncidentPlan {
    let mut site = Site::draw(rng, Offer::Shop, (15, 60), (2, 6));
    let boot = rng.between(10, 45);
    let mut moment = site.moment(rng, 10, 30);
    for old in site.targets.clone() {
        let new = site.later(rng);
        site.change(new, |target| target.absent = TrueCause::TargetNotReady);
        site.at(moment, new, TargetAction::Register);
        site.at(moment.plus(boot * SECOND + rng.between(0, 6000) * MILLISECOND), new, TargetAction::Start);
        let end = moment.plus(seconds(rng, 60, 90));
        leave_cleanly(&mut site, rng, end, old);
        moment = end.plus(seconds(rng, 10, 60));
    }
    site.plan
}

/// New targets listen, but fail and are slow until they are warm.
pub(super) fn cold_start(rng: &mut Rng) -> IncidentPlan {
    let mut site = Site::draw(rng, Offer::Shop, (20, 60), (2, 6));
    let mut moment = site.moment(rng, 10, 30);
    for old in site.targets.clone() {
        let new = site.later(rng);
        site.at(moment, new, TargetAction::Start);
        site.at(moment.plus(2 * SECOND), new, TargetAction::Register);
        let kind = FaultKind::Status(rng.pick(&[500, 503]), TrueCause::TargetNotReady);
        let share = rng.between(30, 90) as f64 / 100.0;
        site.fault_on_all_routes(moment, new, Some(RouteFault { share, kind }));
        site.at(moment, new, TargetAction::Pace(12.0));
        let warm = moment.plus(seconds(rng, 12, 45));
        site.fault_on_all_routes(warm, new, None);
        site.at(warm, new, TargetAction::Pace(3.0));
        site.at(warm.plus(20 * SECOND), new, TargetAction::Pace(1.0));
        let end = moment.plus(seconds(rng, 70, 90));
        leave_cleanly(&mut site, rng, end, old);
        moment = end.plus(seconds(rng, 10, 60));
    }
    site.plan
}

/// All targets of the group are deregistered, and registered again later.
pub(super) fn empty_group(rng: &mut Rng) -> IncidentPlan {
    let mut site = Site::draw(rng, Offer::Shop, (15, 60), (1, 4));
    let end = site.moment(rng, 20, 60);
    let back = end.plus(seconds(rng, 40, 400));
    for old in site.targets.clone() {
        site.at(end.plus(rng.between(0, 3000) * MILLISECOND), old, TargetAction::Deregister);
        site.at(back.plus(rng.between(0, 9000) * MILLISECOND), old, TargetAction::Register);
    }
    site.plan
}

/// One of the targets is registered at a port where nothing ever listens.
pub(super) fn wrong_port(rng: &mut Rng) -> IncidentPlan {
    let mut site = Site::draw(rng, Offer::Shop, (15, 60), (2, 6));
    let wrong = site.any(rng);
    site.change(wrong, |target| target.is_running = false);
    site.plan
}

/// Packets to and from some of the targets are lost for a while.
pub(super) fn blocked(rng: &mut Rng) -> IncidentPlan {
    let mut site = Site::draw(rng, Offer::Shop, (15, 60), (2, 6));
    let start = site.moment(rng, 15, 60);
    let end = start.plus(seconds(rng, 120, 700));
    let count = 1 + rng.index(site.targets.len() - 1);
    for target in site.targets.clone().into_iter().take(count) {
        site.at(start, target, TargetAction::Blackhole);
        site.at(end, target, TargetAction::Restore);
    }
    site.plan
}

/// The path from one node to all targets is blocked, as by a network ACL of its subnet.
pub(super) fn blocked_from_one_node(rng: &mut Rng) -> IncidentPlan {
    let mut site = Site::draw(rng, Offer::Shop, (15, 60), (2, 6));
    site.plan.nodes = site.plan.nodes.max(2);
    let (start, node) = (site.moment(rng, 15, 60), rng.index(6));
    let end = start.plus(seconds(rng, 120, 700));
    for target in site.targets.clone() {
        site.at(start, target, TargetAction::BlackholeFrom(node));
        site.at(end, target, TargetAction::Restore);
    }
    site.plan
}

/// One target comes back from maintenance with TLS settings that the load balancer does not share.
pub(super) fn tls_handshake(rng: &mut Rng) -> IncidentPlan {
    let mut site = Site::draw(rng, Offer::Shop, (15, 60), (2, 5));
    site.plan.groups[site.group.0].port = rng.pick(&[443, 8443]);
    let (target, start) = (site.any(rng), site.moment(rng, 15, 40));
    let end = start.plus(seconds(rng, 200, 900));
    site.at(start.plus(-60 * SECOND), target, TargetAction::Deregister);
    site.at(start, target, TargetAction::Tls(false));
    site.at(start, target, TargetAction::Register);
    site.at(end, target, TargetAction::Tls(true));
    site.plan
}

/// Almost no traffic for most of the run, and nothing is wrong.
pub(super) fn idle_night(rng: &mut Rng) -> IncidentPlan {
    let mut site = Site::draw(rng, Offer::Shop, (10, 40), (1, 5));
    let night = site.plan.minutes * 4 / 5;
    site.plan.surges = vec![Surge { minutes: (site.plan.minutes / 10, night), factors: (0.03, 0.03) }];
    site.plan.pollers = vec![Poller::every(30 * SECOND, 0.02)];
    site.plan
}

/// Little traffic all the time.
pub(super) fn quiet(rng: &mut Rng) -> IncidentPlan {
    let mut site = Site::draw(rng, Offer::Shop, (1, 4), (1, 4));
    site.plan.minutes = 60;
    site.plan
}

/// Heavy traffic for ten minutes.
pub(super) fn busy(rng: &mut Rng) -> IncidentPlan {
    let mut site = Site::draw(rng, Offer::Shop, (700, 1100), (2, 4));
    site.plan.minutes = 10;
    site.plan.nodes = 2;
    site.plan
}

/// Batches ask for slow reports for some minutes, in a service that hardly anybody uses meanwhile. The idle timeout is
/// made for them.
pub(super) fn nightly_batches(rng: &mut Rng) -> IncidentPlan {
    let mut site = Site::draw(rng, Offer::Reports, (3, 10), (2, 5));
    site.patient();
    site.plan.idle_timeout = 600 * SECOND;
    site.change_all(|target| target.keep_alive.idle = 615 * SECOND);
    let pace = rng.between(30, 90) as f64 / 10.0;
    let length = 4 + rng.below(5);
    let starts = [site.plan.minutes / 5, site.plan.minutes * 3 / 5];
    for start in starts {
        let (begin, end) = (Moment::minute(start), Moment::minute(start + length));
        let factor = rng.between(5, 12) as f64;
        site.plan.surges.push(Surge { minutes: (start, start + length), factors: (factor, factor) });
        for target in site.targets.clone() {
            site.at(begin, target, TargetAction::RoutePace(BUILD, pace));
            site.at(end, target, TargetAction::RoutePace(BUILD, 1.0));
        }
    }
    site.plan
}

/// Third-party health checks, exporters and dashboards: most requests come at fixed times of the clock.
pub(super) fn pollers(rng: &mut Rng) -> IncidentPlan {
    let mut site = Site::draw(rng, Offer::Shop, (10, 40), (1, 5));
    let every =
        |seconds: i64, share, late: i64| Poller { period: seconds * SECOND, share, aligned: Some(late * MILLISECOND) };
    site.plan.pollers = vec![every(5, 0.3, 40), every(15, 0.2, 300), every(60, 0.3, 2000)];
    site.plan
}

/// Several targets fail for several reasons.
pub(super) fn mixed(rng: &mut Rng) -> IncidentPlan {
    let mut site = Site::draw(rng, Offer::Shop, (10, 11), (4, 6));
    site.plan.nodes = rng.pick(&[1, 2, 3]);
    site.sparse(rng, &[2, 4, 8], 120_000);
    site.plan.idle_timeout = 60 * SECOND;
    let [racing, dying, blocked] = [site.targets[0], site.targets[1], site.targets[2]];
    let keep_alive = KeepAlivePolicy::precise(rng.pick(&[2, 5, 6]) * SECOND, 8 * MILLISECOND);
    let stalls = lag(rng);
    site.change(racing, |target| (target.keep_alive, target.stalls) = (keep_alive, Some(stalls)));
    site.change(dying, |target| {
        target.pace = 6.0;
        target.server.restart = Some(4 * SECOND);
    });
    for _ in 0..4 {
        let moment = site.moment(rng, 5, 90);
        site.at(moment, dying, TargetAction::Crash);
    }
    let start = site.moment(rng, 20, 60);
    let end = start.plus(seconds(rng, 100, 300));
    site.at(start, blocked, TargetAction::Blackhole);
    site.at(end, blocked, TargetAction::Restore);
    site.plan
}

/// Targets have keep-alive races during a clean deployment, and so do the ones that replace them.
pub(super) fn race_during_deploy(rng: &mut Rng) -> IncidentPlan {
    let mut site = Site::draw(rng, Offer::Shop, (10, 11), (1, 4));
    site.sparse(rng, &[2, 4, 8], 150_000);
    let keep_alive = KeepAlivePolicy::precise(rng.pick(&[2, 5, 6]) * SECOND, 8 * MILLISECOND);
    let stalls = lag(rng);
    roll(&mut site, rng, leave_cleanly);
    site.change_all(|target| (target.keep_alive, target.stalls) = (keep_alive, Some(stalls)));
    site.plan
}

/// One target has keep-alive races and also crashes twice.
pub(super) fn race_and_crash(rng: &mut Rng) -> IncidentPlan {
    let mut site = Site::draw(rng, Offer::Shop, (10, 11), (1, 4));
    site.sparse(rng, &[2, 4, 8], 150_000);
    let both = site.any(rng);
    let keep_alive = KeepAlivePolicy::precise(rng.pick(&[5, 6]) * SECOND, 8 * MILLISECOND);
    let stalls = lag(rng);
    site.change(both, |target| {
        (target.keep_alive, target.stalls) = (keep_alive, Some(stalls));
        target.server.restart = Some(2 * SECOND);
    });
    for _ in 0..2 {
        let moment = site.moment(rng, 10, 90);
        site.at(moment, both, TargetAction::Crash);
    }
    site.plan
}
