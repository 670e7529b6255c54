//! Scenarios about targets that are taken away or restarted while nodes still send to them.

use super::site::{Offer, Site, seconds};
use crate::simulate::plan::{IncidentPlan, Surge, TargetAction};
use crate::simulate::rng::Rng;
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
    for round in 0..1 + rng.below(2) {
        let mut moment = site.moment(rng, 10 + 40 * round, 40 + 40 * round);
        for target in site.targets.clone() {
            let time = away * SECOND + rng.between(0, 2500) * MILLISECOND;
            site.at(moment, target, TargetAction::Restart(time));
            moment = moment.plus(time + seconds(rng, 5, 40));
        }
    }
    site.plan
}
