//! Scenarios whose plan is the same for every seed.

use super::shop::{BUILD, reports, shop_api};
use crate::simulate::plan::{
    GroupIndex, IncidentPlan, KeepAlivePolicy, KeepAliveTimer, PlannedGroup, PlannedTarget, Stalls, TargetAction,
    TargetIndex,
};
use crate::simulate::rng::Rng;
use crate::simulate::time::{MILLISECOND, MINUTE, Moment, SECOND};

/// Adds targets to a group, one for each address 10.0.x.y.
fn targets<const N: usize>(plan: &mut IncidentPlan, group: GroupIndex, addresses: [(u8, u8); N]) -> [TargetIndex; N] {
    addresses.map(|(x, y)| plan.target(group, PlannedTarget::at([10, 0, x, y])))
}

/// Adds a target that is started and registered later.
fn replacement(plan: &mut IncidentPlan, group: GroupIndex, (x, y): (u8, u8)) -> TargetIndex {
    plan.target(group, PlannedTarget::at([10, 0, x, y]).later())
}

/// A target whose event loop computes a lot itself, so that everything else sometimes has to wait.
fn busy(target: PlannedTarget) -> PlannedTarget {
    let keep_alive = KeepAlivePolicy::precise(5 * SECOND, 8 * MILLISECOND);
    let stalls = Stalls { gap: 60 * MILLISECOND, length: 92 * MILLISECOND, spread: 0.4 };
    PlannedTarget { keep_alive, stalls: Some(stalls), ..target }
}

/// A process runs out of memory: it slows down for a while, is killed, and another target replaces it.
fn out_of_memory(plan: &mut IncidentPlan, minute: u32, victim: TargetIndex, successor: TargetIndex) {
    let end = Moment::minute(minute);
    plan.at(end.plus(-25 * SECOND), victim, TargetAction::Pace(15.0));
    plan.at(end.plus(-12 * SECOND), victim, TargetAction::Pace(300.0));
    plan.at(end, victim, TargetAction::Crash);
    // Its orchestrator sees the exit and deregisters it; until then nodes send to a port where nothing listens.
    plan.at(end.plus(3200 * MILLISECOND), victim, TargetAction::Deregister);
    plan.at(end.plus(31 * SECOND), successor, TargetAction::Start);
    plan.at(end.plus(38 * SECOND), successor, TargetAction::Register);
}

pub(super) fn healthy(_: &mut Rng) -> IncidentPlan {
    let mut plan = IncidentPlan::new(4.5);
    let api = plan.group(shop_api());
    let old = targets(&mut plan, api, [(10, 36), (11, 162), (12, 199)]);
    let reports = plan.group(reports());
    targets(&mut plan, reports, [(10, 71), (11, 43)]);
    for (minute, target, address) in [(50, old[0], (10, 206)), (56, old[1], (11, 81)), (62, old[2], (12, 145))] {
        let new = replacement(&mut plan, api, address);
        plan.at(Moment::minute(minute), new, TargetAction::Start);
        plan.at(Moment::minute(minute).plus(12 * SECOND), new, TargetAction::Register);
        plan.at(Moment::minute(minute).plus(20 * SECOND), target, TargetAction::Deregister);
        // Stopped when the deregistration delay is over and no request is left.
        plan.at(Moment::minute(minute).plus(6 * MINUTE), target, TargetAction::Stop);
    }
    plan
}

pub(super) fn keep_alive_race(_: &mut Rng) -> IncidentPlan {
    let mut plan = IncidentPlan::new(6.0);
    let api = plan.group(shop_api());
    for (x, y) in [(10, 36), (11, 162), (12, 199), (10, 44)] {
        plan.target(api, busy(PlannedTarget::at([10, 0, x, y])));
    }
    plan
}

/// Models gunicorn's threaded workers. Races come in small bursts: the first request after a pause wakes the loop,
/// which then closes idle connections while more requests are on their way on them.
pub(super) fn keep_alive_race_workers(_: &mut Rng) -> IncidentPlan {
    // A dashboard asks for all its parts at the same time.
    let mut plan = IncidentPlan { page: 16.0, ..IncidentPlan::new(6.0) };
    let api = plan.group(PlannedGroup { port: 8000, ..shop_api() });
    let keep_alive = KeepAlivePolicy { idle: 2 * SECOND, timer: KeepAliveTimer::Sweep { tick: SECOND } };
    for (x, y) in [(10, 44), (11, 81)] {
        plan.target(api, PlannedTarget { keep_alive, ..PlannedTarget::at([10, 0, x, y]) });
    }
    plan
}

pub(super) fn connection_refused(_: &mut Rng) -> IncidentPlan {
    let mut plan = IncidentPlan::new(4.5);
    let api = plan.group(shop_api());
    targets(&mut plan, api, [(10, 36), (11, 162), (12, 199)]);
    let silent = plan.target(api, PlannedTarget::at([10, 0, 11, 73]).later());
    // Health checks take it out of rotation again.
    for (from, to) in [(20, 32), (50, 58)] {
        plan.at(Moment::minute(from), silent, TargetAction::Register);
        plan.at(Moment::minute(to), silent, TargetAction::Deregister);
    }
    plan
}

pub(super) fn connect_timeout(_: &mut Rng) -> IncidentPlan {
    let mut plan = IncidentPlan::new(4.5);
    let api = plan.group(shop_api());
    let all = targets(&mut plan, api, [(10, 36), (11, 162), (12, 199), (11, 170)]);
    for cut_off in [all[1], all[3]] {
        plan.at(Moment::minute(45), cut_off, TargetAction::Blackhole);
        plan.at(Moment::minute(55), cut_off, TargetAction::Restore);
    }
    plan
}

pub(super) fn idle_timeout(_: &mut Rng) -> IncidentPlan {
    let mut plan = IncidentPlan::new(4.5);
    let api = plan.group(shop_api());
    targets(&mut plan, api, [(10, 36), (11, 162), (12, 199)]);
    let reports = plan.group(reports());
    let slow = targets(&mut plan, reports, [(10, 71), (11, 43)]);
    slow_down(&mut plan, &slow, &[(30, 4.0), (45, 9.0), (60, 16.0), (75, 24.0), (100, 1.0)]);
    plan
}

/// Building a report takes this many times as long from each of these minutes on.
fn slow_down(plan: &mut IncidentPlan, targets: &[TargetIndex], steps: &[(u32, f64)]) {
    for &target in targets {
        for &(minute, pace) in steps {
            plan.at(Moment::minute(minute), target, TargetAction::RoutePace(BUILD, pace));
        }
    }
}

pub(super) fn target_crash(_: &mut Rng) -> IncidentPlan {
    let mut plan = IncidentPlan::new(6.0);
    let api = plan.group(shop_api());
    let first = targets(&mut plan, api, [(10, 160), (11, 197), (12, 34)]);
    let second = [(10, 71), (11, 108), (12, 123)].map(|address| replacement(&mut plan, api, address));
    let third = [(10, 93), (11, 75), (12, 145)].map(|address| replacement(&mut plan, api, address));
    for (minute, victim, successor) in [
        (20, first[0], second[0]),
        (35, first[1], second[1]),
        (50, first[2], second[2]),
        (65, second[0], third[0]),
        (80, second[1], third[1]),
        (95, second[2], third[2]),
    ] {
        out_of_memory(&mut plan, minute, victim, successor);
    }
    plan
}

/// Minutes 0–120: one target of shop-api runs an old release and closes idle connections too early. 40–55: packets to
/// and from another are lost. 70: a third runs out of memory. 85–105: building a report exceeds the idle timeout.
/// Nothing is wrong with the other targets.
pub(super) fn incident(_: &mut Rng) -> IncidentPlan {
    let mut plan = IncidentPlan::new(5.2);
    let api = plan.group(shop_api());
    plan.target(api, busy(PlannedTarget::at([10, 0, 10, 36])));
    let [cut_off, victim, _sound] = targets(&mut plan, api, [(11, 162), (12, 199), (10, 44)]);
    let successor = replacement(&mut plan, api, (12, 207));
    let reports = plan.group(reports());
    let slow = targets(&mut plan, reports, [(10, 71), (11, 43)]);

    plan.at(Moment::minute(40), cut_off, TargetAction::Blackhole);
    plan.at(Moment::minute(55), cut_off, TargetAction::Restore);
    out_of_memory(&mut plan, 70, victim, successor);
    slow_down(&mut plan, &slow, &[(85, 9.0), (90, 20.0), (105, 1.0)]);
    plan
}
