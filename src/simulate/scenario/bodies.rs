//! Scenarios about what clients send: bodies that take time.

use super::site::{Offer, Site};
use crate::simulate::plan::{FaultKind, IncidentPlan, RouteFault, TargetAction};
use crate::simulate::rng::Rng;

/// Uploads that are read to their end.
pub(super) fn uploads(rng: &mut Rng) -> IncidentPlan {
    Site::draw(rng, Offer::Uploads, (10, 40), (1, 5)).plan
}

/// From one moment on, a limit on the size of bodies, or a token that is no longer valid, lets the application refuse
/// uploads. It does not read what it refuses.
pub(super) fn uploads_refused(rng: &mut Rng) -> IncidentPlan {
    let mut site = Site::draw(rng, Offer::Uploads, (15, 50), (1, 5));
    let start = site.moment(rng, 0, 40);
    let (share, kind) = if rng.is(0.5) {
        (1.0, FaultKind::RefusesBody(413, rng.pick(&[500_000, 1_000_000, 2_000_000])))
    } else {
        (rng.between(5, 40) as f64 / 100.0, FaultKind::RefusesBody(401, 0))
    };
    for target in site.targets.clone() {
        for route in 0..site.plan.groups[site.group.0].routes.len() {
            site.at(start, target, TargetAction::RouteFault(route, Some(RouteFault { share, kind })));
        }
    }
    site.plan
}
