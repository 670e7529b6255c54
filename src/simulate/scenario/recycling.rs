//! Scenarios about worker processes and connections of a server that runs: they are replaced, locked, or used up.

use super::site::{Offer, Site, seconds};
use crate::simulate::plan::{IncidentPlan, TargetAction, WorkerLeaves, WorkerLife};
use crate::simulate::rng::Rng;
use crate::simulate::time::{MILLISECOND, MINUTE, Micros, Moment, SECOND};

/// Servers whose worker processes end after a number of requests that lasts them `minutes`.
fn limited_workers(
    rng: &mut Rng,
    offer: Offer,
    minutes: (i64, i64),
    way: impl FnOnce(&mut Rng, &mut Site) -> WorkerLeaves,
) -> Site {
    let mut site = Site::draw(rng, offer, (40, 100), (2, 5));
    site.plan.minutes = 40 + rng.below(30);
    let way = way(rng, &mut site);
    let processes =
        if matches!(way, WorkerLeaves::Hangs(_)) { rng.pick(&[4, 6, 8]) } else { rng.pick(&[2, 3, 4, 4, 8]) };
    let per_minute = site.plan.rate / site.targets.len() as f64 * 60.0 / f64::from(processes);
    // A worker that hangs does so for a fraction of its life, or none would be left.
    let hangs = if let WorkerLeaves::Hangs(time) = way { time as f64 / MINUTE as f64 * 3.0 } else { 1.0 };
    let life = per_minute * hangs * rng.between(minutes.0 * 10, minutes.1 * 10) as f64 / 10.0;
    let requests = u32::try_from(crate::simulate::rng::scaled(1, life)).unwrap_or(u32::MAX).max(20);
    let jitter = requests / rng.pick(&[20, 5, 2]);
    site.change_all(|target| {
        target.server.processes = processes;
        target.server.worker_life = Some(WorkerLife { requests, jitter, way });
    });
    site
}

/// A worker at the end of its life reads nothing more and ends, and nobody told the load balancer.
pub(super) fn recycled_workers(rng: &mut Rng) -> IncidentPlan {
    let offer = rng.pick(&[Offer::Media, Offer::Media, Offer::Shop]);
    let minutes = if offer == Offer::Media { (3, 7) } else { (1, 3) };
    limited_workers(rng, offer, minutes, |_, _| WorkerLeaves::Unannounced).plan
}

/// A worker at the end of its life says so in its last answers.
pub(super) fn recycling_announced(rng: &mut Rng) -> IncidentPlan {
    limited_workers(rng, Offer::Shop, (3, 7), |_, _| WorkerLeaves::Announced).plan
}

/// Something keeps a worker at the end of its life from ending. It reads nothing more, and its connections stay open.
pub(super) fn lost_in_worker(rng: &mut Rng) -> IncidentPlan {
    limited_workers(rng, Offer::Shop, (1, 2), |rng, site| {
        site.patient();
        site.plan.idle_timeout = rng.pick(&[60, 60, 120, 300]) * SECOND;
        // Connections that wait in deep pools are the ones that are lost.
        site.plan.page = rng.between(4, 10) as f64;
        site.plan.minutes = 60 + rng.below(60);
        WorkerLeaves::Hangs(site.plan.idle_timeout + seconds(rng, 20, 90))
    })
    .plan
}

/// Workers of one target are locked again and again, one at a time, and the kernel still gives them connections.
pub(super) fn locked_worker(rng: &mut Rng) -> IncidentPlan {
    let mut site = Site::draw(rng, Offer::Shop, (20, 70), (2, 5));
    site.patient();
    site.plan.idle_timeout = rng.pick(&[60, 60, 30, 120]) * SECOND;
    let processes = rng.pick(&[3, 4, 8]);
    site.change_all(|target| target.server.processes = processes);
    site.plan.page = rng.between(4, 10) as f64;
    let victim = site.any(rng);
    let mut moment = site.moment(rng, 5, 15);
    for _ in 0..rng.between(5, 10) {
        let time = site.plan.idle_timeout + seconds(rng, 20, 120);
        site.at(moment, victim, TargetAction::LockProcess(time));
        moment = moment.plus(time + seconds(rng, 20, 150));
    }
    site.plan
}

/// Several reloads. Each comes to all targets at once, or to one after the other.
fn reloads(site: &mut Site, rng: &mut Rng, action: TargetAction) {
    let apart: Micros = if rng.is(0.5) { 0 } else { seconds(rng, 4, 40) };
    for _ in 0..rng.between(3, 7) {
        let mut moment = site.moment(rng, 5, 90);
        for target in site.targets.clone() {
            site.at(moment.plus(rng.between(0, 400) * MILLISECOND), target, action);
            moment = moment.plus(apart);
        }
    }
}

/// What serves behind the targets' addresses is replaced, and requests in flight are cut off at once or soon after.
pub(super) fn reload(rng: &mut Rng) -> IncidentPlan {
    let mut site = Site::draw(rng, Offer::Media, (40, 100), (2, 5));
    let grace = rng.pick(&[0, 0, 0, 1, 2]) * SECOND;
    reloads(&mut site, rng, TargetAction::Reload(grace));
    site.plan
}

/// The old processes finish their requests, and close each connection with an answer.
pub(super) fn reload_announced(rng: &mut Rng) -> IncidentPlan {
    let mut site = Site::draw(rng, Offer::Media, (30, 80), (2, 5));
    reloads(&mut site, rng, TargetAction::ReloadAnnounced);
    site.plan
}

/// Connections are closed at a certain age, with requests in flight or not.
pub(super) fn connection_age(rng: &mut Rng) -> IncidentPlan {
    let mut site = Site::draw(rng, Offer::Media, (40, 100), (1, 4));
    let age = rng.pick(&[60, 120, 300, 300]);
    site.change_all(|target| target.server.connection_age = Some(age));
    site.plan
}

/// Long-lived connections take nearly all that one target may have. When it has none left, it resets new ones, and
/// answers 500 if it has none for its upstream.
pub(super) fn connections_exhausted(rng: &mut Rng) -> IncidentPlan {
    let mut site = Site::draw(rng, Offer::Shop, (25, 90), (2, 6));
    let victim = site.any(rng);
    let limit = rng.pick(&[128, 256, 256, 512]);
    site.change(victim, |target| target.server.connections = Some(limit));
    let usual = limit * 6 / 10;
    site.at(Moment::minute(0), victim, TargetAction::Crowd(usual));
    let count = rng.between(2, 5);
    for _ in 0..count {
        let start = site.moment(rng, 8, 85);
        let crowd = limit * (98 + rng.below(14)) / 100;
        site.at(start, victim, TargetAction::Crowd(crowd));
        site.at(start.plus(seconds(rng, 60, 360)), victim, TargetAction::Crowd(usual));
    }
    site.plan
}
