//! Scenarios about what clients send: bodies that take time, WebSocket connections, and requests of an odd form.

use super::site::{Offer, Site, seconds};
use crate::simulate::plan::{DesyncMode, FaultKind, IncidentPlan, RequestForm, RouteFault, SocketHabits, TargetAction};
use crate::simulate::rng::Rng;
use crate::simulate::time::SECOND;

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

/// WebSocket connections that ping in time, until their clients leave.
pub(super) fn websockets(rng: &mut Rng) -> IncidentPlan {
    let mut site = Site::draw(rng, Offer::Live, (10, 40), (1, 5));
    let ping = rng.pick(&[15, 20, 25]) * SECOND;
    site.plan.sockets = SocketHabits { pinging: 1.0, ping, silent: 0.0, stay: seconds(rng, 60, 400) };
    site.plan
}

/// Most WebSocket connections send nothing that would keep them open.
pub(super) fn websockets_silent(rng: &mut Rng) -> IncidentPlan {
    let mut site = Site::draw(rng, Offer::Live, (10, 40), (1, 5));
    site.plan.sockets = SocketHabits {
        pinging: rng.pick(&[0.0, 0.1, 0.3]),
        ping: 20 * SECOND,
        silent: rng.between(30, 95) as f64 / 100.0,
        stay: seconds(rng, 300, 900),
    };
    site.plan
}

/// One to three programs write their requests in a way that the load balancer's mode refuses.
pub(super) fn odd_requests(rng: &mut Rng) -> IncidentPlan {
    let mut site = Site::draw(rng, Offer::Shop, (15, 60), (1, 5));
    let severe = [
        RequestForm::Severe("BadContentLength"),
        RequestForm::Severe("MultipleContentLength"),
        RequestForm::Severe("BadHeader"),
    ];
    let ambiguous = [
        RequestForm::Ambiguous("UndefinedContentLengthSemantics"),
        RequestForm::Ambiguous("EmptyHeader"),
        RequestForm::Ambiguous("BothTeClPresent"),
        RequestForm::Ambiguous("DuplicateContentLength"),
    ];
    let is_strict = rng.is(0.6);
    site.plan.desync_mode = if is_strict { DesyncMode::Strictest } else { DesyncMode::Defensive };
    for _ in 0..=rng.below(3) {
        let form = if is_strict { rng.pick(&ambiguous) } else { rng.pick(&severe) };
        let gap = seconds(rng, 8, 60);
        site.plan.odd_callers.push((form, gap));
    }
    if !is_strict {
        // These pass, and their connections are closed.
        let form = rng.pick(&ambiguous);
        site.plan.odd_callers.push((form, 20 * SECOND));
    }
    // Others break the standard too, and nobody minds unless the mode is the strictest.
    if !is_strict && rng.is(0.5) {
        site.plan.odd_callers.push((RequestForm::Acceptable("SpaceInUri"), 15 * SECOND));
    }
    site.plan
}
