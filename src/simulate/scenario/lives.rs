//! Scenarios about targets that come and go, paths to them, healthy traffic, and several faults at the same time.

use super::site::{Offer, Site, lag, seconds};
use crate::simulate::dice::Dice;
use crate::simulate::plan::{
    Action, Cause, Fault, FaultKind, KeepAlive, MILLISECOND, Moment, Plan, Poller, SECOND, Server, Surge, TargetIndex,
};

/// A rolling deployment: each target is replaced by a new one. `leave` says how the old one goes.
fn roll(site: &mut Site, dice: &mut Dice, mut leave: impl FnMut(&mut Site, &mut Dice, Moment, TargetIndex)) {
    let mut moment = site.moment(dice, 10, 25);
    for old in site.targets.clone() {
        let new = site.later(dice);
        site.at(moment, new, Action::Start);
        site.at(moment.plus(seconds(dice, 8, 25)), new, Action::Register);
        let end = moment.plus(seconds(dice, 26, 45));
        leave(site, dice, end, old);
        moment = end.plus(seconds(dice, 20, 90));
    }
}

/// Deregistered first, and stopped when the deregistration delay is over.
fn leave_cleanly(site: &mut Site, dice: &mut Dice, end: Moment, old: TargetIndex) {
    let delay = site.plan.groups[site.group.0].deregistration_delay;
    site.at(end, old, Action::Deregister);
    let stopped = end.plus(delay + seconds(dice, 1, 20));
    site.at(stopped, old, Action::Stop);
}

/// The process is stopped 2.5 to 14 s before the target is deregistered, as when both get the signal at the same time
/// and the nodes learn of it later.
fn leave_abruptly(site: &mut Site, dice: &mut Dice, end: Moment, old: TargetIndex) {
    let deregistered = end.plus(dice.between(2500, 14_000) * MILLISECOND);
    site.at(end, old, Action::Stop);
    site.at(deregistered, old, Action::Deregister);
}

pub(super) fn deploy_clean(dice: &mut Dice) -> Plan {
    let mut site = Site::draw(dice, Offer::Shop, (15, 60), (2, 6));
    roll(&mut site, dice, leave_cleanly);
    site.plan
}

pub(super) fn deploy_abrupt(dice: &mut Dice) -> Plan {
    let mut site = Site::draw(dice, Offer::Shop, (20, 70), (2, 6));
    roll(&mut site, dice, leave_abruptly);
    site.plan
}

/// Processes finish their requests, but no longer listen while nodes still send.
pub(super) fn deploy_closing(dice: &mut Dice) -> Plan {
    let mut site = Site::draw(dice, Offer::Shop, (20, 70), (2, 6));
    roll(&mut site, dice, |site, dice, end, old| {
        let deregistered = end.plus(dice.between(2500, 14_000) * MILLISECOND);
        site.at(end, old, Action::Terminate(30 * SECOND));
        site.at(deregistered, old, Action::Deregister);
    });
    site.plan
}

/// Some targets leave without replacement.
pub(super) fn scale_in(dice: &mut Dice) -> Plan {
    let mut site = Site::draw(dice, Offer::Shop, (10, 40), (3, 7));
    let leaving = 1 + dice.index(site.targets.len() - 1);
    for old in site.targets.clone().into_iter().take(leaving) {
        let end = site.moment(dice, 15, 60);
        leave_cleanly(&mut site, dice, end, old);
    }
    site.plan
}

/// Requests that take longer than the deregistration delay.
pub(super) fn short_delay(dice: &mut Dice) -> Plan {
    let mut site = Site::draw(dice, Offer::Media, (30, 80), (2, 6));
    site.patient();
    site.plan.idle_timeout = 300 * SECOND;
    let delay = dice.pick(&[5, 10, 15]);
    site.plan.groups[site.group.0].deregistration_delay = delay * SECOND;
    // The two slow routes get a median of 0.9 to 1.5 times the delay; it is usually 0.9 s and 3.8 s.
    let long = delay as f64 * dice.between(9, 16) as f64 / 10.0;
    let paces = [(0, long / 0.9), (1, long / 3.8)];
    let slow = |site: &mut Site, target| {
        for (route, pace) in paces {
            site.at(Moment::minute(0), target, Action::RoutePace(route, pace));
        }
    };
    for target in site.targets.clone() {
        slow(&mut site, target);
    }
    let old = site.targets.clone();
    roll(&mut site, dice, |site, dice, end, old| {
        site.at(end, old, Action::Deregister);
        let stopped = end.plus((delay + 5) * SECOND + seconds(dice, 1, 20));
        site.at(stopped, old, Action::Stop);
    });
    for new in old.len()..site.plan.targets.len() {
        slow(&mut site, TargetIndex(new));
    }
    site.plan
}

/// A target that stays crashes three times during a clean deployment.
pub(super) fn crash_during_deploy(dice: &mut Dice) -> Plan {
    let mut site = Site::draw(dice, Offer::Media, (30, 80), (2, 5));
    let victim = site.later(dice);
    site.change(victim, |target| {
        (target.is_registered, target.is_running) = (true, true);
        target.server = Server { restart: Some(6 * SECOND), ..Server::plain() };
    });
    roll(&mut site, dice, leave_cleanly);
    for _ in 0..3 {
        let moment = site.moment(dice, 12, 45);
        site.at(moment, victim, Action::Crash);
    }
    site.plan
}

/// New targets are registered before they listen.
pub(super) fn not_ready(dice: &mut Dice) -> Plan {
    let mut site = Site::draw(dice, Offer::Shop, (15, 60), (2, 6));
    let boot = dice.between(10, 45);
    let mut moment = site.moment(dice, 10, 30);
    for old in site.targets.clone() {
        let new = site.later(dice);
        site.change(new, |target| target.absent = Cause::TargetNotReady);
        site.at(moment, new, Action::Register);
        site.at(moment.plus(boot * SECOND + dice.between(0, 6000) * MILLISECOND), new, Action::Start);
        let end = moment.plus(seconds(dice, 60, 90));
        leave_cleanly(&mut site, dice, end, old);
        moment = end.plus(seconds(dice, 10, 60));
    }
    site.plan
}

/// New targets listen, but fail and are slow until they are warm.
pub(super) fn cold_start(dice: &mut Dice) -> Plan {
    let mut site = Site::draw(dice, Offer::Shop, (20, 60), (2, 6));
    let mut moment = site.moment(dice, 10, 30);
    for old in site.targets.clone() {
        let new = site.later(dice);
        site.at(moment, new, Action::Start);
        site.at(moment.plus(2 * SECOND), new, Action::Register);
        let kind = FaultKind::Status(dice.pick(&[500, 503]), Cause::TargetNotReady);
        let share = dice.between(30, 90) as f64 / 100.0;
        site.fault_on_all_routes(moment, new, Some(Fault { share, kind }));
        site.at(moment, new, Action::Pace(12.0));
        let warm = moment.plus(seconds(dice, 12, 45));
        site.fault_on_all_routes(warm, new, None);
        site.at(warm, new, Action::Pace(3.0));
        site.at(warm.plus(20 * SECOND), new, Action::Pace(1.0));
        let end = moment.plus(seconds(dice, 70, 90));
        leave_cleanly(&mut site, dice, end, old);
        moment = end.plus(seconds(dice, 10, 60));
    }
    site.plan
}

/// All targets of the group are deregistered, and registered again later.
pub(super) fn empty_group(dice: &mut Dice) -> Plan {
    let mut site = Site::draw(dice, Offer::Shop, (15, 60), (1, 4));
    let end = site.moment(dice, 20, 60);
    let back = end.plus(seconds(dice, 40, 400));
    for old in site.targets.clone() {
        site.at(end.plus(dice.between(0, 3000) * MILLISECOND), old, Action::Deregister);
        site.at(back.plus(dice.between(0, 9000) * MILLISECOND), old, Action::Register);
    }
    site.plan
}

/// One of the targets is registered at a port where nothing ever listens.
pub(super) fn wrong_port(dice: &mut Dice) -> Plan {
    let mut site = Site::draw(dice, Offer::Shop, (15, 60), (2, 6));
    let wrong = site.any(dice);
    site.change(wrong, |target| target.is_running = false);
    site.plan
}

/// Packets to and from some of the targets are lost for a while.
pub(super) fn blocked(dice: &mut Dice) -> Plan {
    let mut site = Site::draw(dice, Offer::Shop, (15, 60), (2, 6));
    let start = site.moment(dice, 15, 60);
    let end = start.plus(seconds(dice, 120, 700));
    let count = 1 + dice.index(site.targets.len() - 1);
    for target in site.targets.clone().into_iter().take(count) {
        site.at(start, target, Action::Blackhole);
        site.at(end, target, Action::Restore);
    }
    site.plan
}

/// The path from one node to all targets is blocked, as by a network ACL of its subnet.
pub(super) fn blocked_from_one_node(dice: &mut Dice) -> Plan {
    let mut site = Site::draw(dice, Offer::Shop, (15, 60), (2, 6));
    site.plan.nodes = site.plan.nodes.max(2);
    let (start, node) = (site.moment(dice, 15, 60), dice.index(6));
    let end = start.plus(seconds(dice, 120, 700));
    for target in site.targets.clone() {
        site.at(start, target, Action::BlackholeFrom(node));
        site.at(end, target, Action::Restore);
    }
    site.plan
}

/// One target comes back from maintenance with TLS settings that the load balancer does not share.
pub(super) fn tls_handshake(dice: &mut Dice) -> Plan {
    let mut site = Site::draw(dice, Offer::Shop, (15, 60), (2, 5));
    site.plan.groups[site.group.0].port = dice.pick(&[443, 8443]);
    let (target, start) = (site.any(dice), site.moment(dice, 15, 40));
    let end = start.plus(seconds(dice, 200, 900));
    site.at(start.plus(-60 * SECOND), target, Action::Deregister);
    site.at(start, target, Action::Tls(false));
    site.at(start, target, Action::Register);
    site.at(end, target, Action::Tls(true));
    site.plan
}

/// Almost no traffic for most of the run, and nothing is wrong.
pub(super) fn idle_night(dice: &mut Dice) -> Plan {
    let mut site = Site::draw(dice, Offer::Shop, (10, 40), (1, 5));
    let night = site.plan.minutes * 4 / 5;
    site.plan.surges = vec![Surge { minutes: (site.plan.minutes / 10, night), factors: (0.03, 0.03) }];
    site.plan.pollers = vec![Poller::every(30 * SECOND, 0.02)];
    site.plan
}

/// Little traffic all the time.
pub(super) fn quiet(dice: &mut Dice) -> Plan {
    let mut site = Site::draw(dice, Offer::Shop, (1, 4), (1, 4));
    site.plan.minutes = 60;
    site.plan
}

/// Heavy traffic for ten minutes.
pub(super) fn busy(dice: &mut Dice) -> Plan {
    let mut site = Site::draw(dice, Offer::Shop, (700, 1100), (2, 4));
    site.plan.minutes = 10;
    site.plan.nodes = 2;
    site.plan
}

/// Third-party health checks, exporters and dashboards: most requests come at fixed times of the clock.
pub(super) fn pollers(dice: &mut Dice) -> Plan {
    let mut site = Site::draw(dice, Offer::Shop, (10, 40), (1, 5));
    let every =
        |seconds: i64, share, late: i64| Poller { period: seconds * SECOND, share, aligned: Some(late * MILLISECOND) };
    site.plan.pollers = vec![every(5, 0.3, 40), every(15, 0.2, 300), every(60, 0.3, 2000)];
    site.plan
}

/// Several targets fail for several reasons.
pub(super) fn mixed(dice: &mut Dice) -> Plan {
    let mut site = Site::draw(dice, Offer::Shop, (10, 11), (4, 6));
    site.plan.nodes = dice.pick(&[1, 2, 3]);
    site.sparse(dice, &[2, 4, 8], 120_000);
    site.plan.idle_timeout = 60 * SECOND;
    let [racing, dying, blocked] = [site.targets[0], site.targets[1], site.targets[2]];
    let keep_alive = KeepAlive::precise(dice.pick(&[2, 5, 6]) * SECOND, 8 * MILLISECOND);
    let stalls = lag(dice);
    site.change(racing, |target| (target.keep_alive, target.stalls) = (keep_alive, Some(stalls)));
    site.change(dying, |target| {
        target.pace = 6.0;
        target.server.restart = Some(4 * SECOND);
    });
    for _ in 0..4 {
        let moment = site.moment(dice, 5, 90);
        site.at(moment, dying, Action::Crash);
    }
    let start = site.moment(dice, 20, 60);
    let end = start.plus(seconds(dice, 100, 300));
    site.at(start, blocked, Action::Blackhole);
    site.at(end, blocked, Action::Restore);
    site.plan
}

/// Targets have keep-alive races during a clean deployment, and so do the ones that replace them.
pub(super) fn race_during_deploy(dice: &mut Dice) -> Plan {
    let mut site = Site::draw(dice, Offer::Shop, (10, 11), (1, 4));
    site.sparse(dice, &[2, 4, 8], 150_000);
    let keep_alive = KeepAlive::precise(dice.pick(&[2, 5, 6]) * SECOND, 8 * MILLISECOND);
    let stalls = lag(dice);
    roll(&mut site, dice, leave_cleanly);
    site.change_all(|target| (target.keep_alive, target.stalls) = (keep_alive, Some(stalls)));
    site.plan
}

/// One target has keep-alive races and also crashes twice.
pub(super) fn race_and_crash(dice: &mut Dice) -> Plan {
    let mut site = Site::draw(dice, Offer::Shop, (10, 11), (1, 4));
    site.sparse(dice, &[2, 4, 8], 150_000);
    let both = site.any(dice);
    let keep_alive = KeepAlive::precise(dice.pick(&[5, 6]) * SECOND, 8 * MILLISECOND);
    let stalls = lag(dice);
    site.change(both, |target| {
        (target.keep_alive, target.stalls) = (keep_alive, Some(stalls));
        target.server.restart = Some(2 * SECOND);
    });
    for _ in 0..2 {
        let moment = site.moment(dice, 10, 90);
        site.at(moment, both, Action::Crash);
    }
    site.plan
}
