//! Scenarios about targets that are taken away or restarted while nodes still send to them, and about connections that
//! are lost on the way.

use super::site::{Offer, Site, seconds};
use crate::simulate::plan::{IncidentPlan, Reuse, Surge, TargetAction};
use crate::simulate::rng::{Rng, scaled};
use crate::simulate::time::{MILLISECOND, SECOND};

/// Some targets are taken away within two minutes, and nothing takes their place. In half of the runs the load has
/// fallen before, as when a service scales in.
fn remove(site: &mut Site, rng: &mut Rng, action: TargetAction, deregistered: (i64, i64)) {
    if rng.is(0.5) {
        let (from, to) = (site.plan.minutes / 5, site.plan.minutes);
        site.plan.surges = vec![Surge { minutes: (from, to), factors: (1.0, 0.5) }];
    }
    let start = site.moment(rng, 30, 60);
    let leaving = 1 + rng.index(site.targets.len() / 2);
    for target in site.targets.clone().into_iter().take(leaving) {
        let moment = start.plus(rng.between(0, 120_000) * MILLISECOND);
        site.at(moment, target, action);
        let late = rng.between(deregistered.0, deregistered.1) * MILLISECOND;
        site.at(moment.plus(late), target, TargetAction::Deregister);
    }
}

/// Their tasks are stopped, or the service scales in, and nodes learn of it some seconds later.
pub(super) fn removed_abruptly(rng: &mut Rng) -> IncidentPlan {
    let mut site = Site::draw(rng, Offer::Media, (30, 80), (3, 7));
    remove(&mut site, rng, TargetAction::Remove, (2500, 14_000));
    site.plan
}

/// Their hosts are reclaimed, and no packet comes back until health checks take the addresses out.
pub(super) fn hosts_lost(rng: &mut Rng) -> IncidentPlan {
    let mut site = Site::draw(rng, Offer::Shop, (15, 60), (3, 7));
    if rng.is(0.6) {
        site.patient();
    }
    let late = seconds(rng, 20, 90) / MILLISECOND;
    remove(&mut site, rng, TargetAction::Vanish, (late, late + 15_000));
    site.plan
}

/// Each process finishes its requests and ends, and another one listens at the same address some seconds later. Nobody
/// deregisters the target meanwhile.
pub(super) fn rolling_restart(rng: &mut Rng) -> IncidentPlan {
    let mut site = Site::draw(rng, Offer::Shop, (25, 80), (2, 6));
    let away = rng.between(4, 16);
    for round in 0..=rng.below(2) {
        let mut moment = site.moment(rng, 10 + 40 * round, 40 + 40 * round);
        for target in site.targets.clone() {
            let time = away * SECOND + rng.between(0, 2500) * MILLISECOND;
            site.at(moment, target, TargetAction::Restart(time));
            moment = moment.plus(time + seconds(rng, 5, 40));
        }
    }
    site.plan
}

/// A firewall, a NAT gateway or a table of connections between nodes and targets forgets what was quiet for a while. In
/// half of the runs that concerns one target only.
pub(super) fn quiet_connections_dropped(rng: &mut Rng) -> IncidentPlan {
    let mut site = Site::draw(rng, Offer::Shop, (10, 11), (1, 4));
    site.plan.nodes = rng.pick(&[1, 2, 3]);
    let (forgotten_after, idle_timeout) = rng.pick(&[(20, 60), (30, 60), (40, 60), (60, 120), (120, 300), (350, 900)]);
    site.plan.idle_timeout = idle_timeout * SECOND;
    // A visit comes to each pair of node and target every quarter to half of that time, so that some come later.
    site.plan.page = rng.between(12, 30) as f64 / 10.0;
    // The deeper the pools are, the more often another connection of the same pair has just been used.
    site.plan.reuse = rng.pick(&[Reuse::Latest(0.9), Reuse::Latest(0.9), Reuse::Latest(0.5), Reuse::Oldest]);
    site.plan.pollers.clear();
    let gap = forgotten_after as f64 * rng.between(25, 50) as f64 / 100.0;
    let pairs = site.targets.len() as f64 * f64::from(site.plan.nodes);
    site.plan.rate = pairs / gap * site.plan.page / 2.0;
    // Long enough for some thousand requests, or a day.
    let minutes = scaled(1, 4000.0 / site.plan.rate / 60.0);
    site.plan.minutes = u32::try_from(minutes).unwrap_or(u32::MAX).clamp(60, 24 * 60);
    site.patient();
    let victims = if rng.is(0.5) { site.targets.clone() } else { vec![site.any(rng)] };
    site.change_all(|target| target.keep_alive.idle = (idle_timeout + 15) * SECOND);
    for target in victims {
        site.change(target, |target| target.forgotten_after = Some(forgotten_after * SECOND));
    }
    site.plan
}
