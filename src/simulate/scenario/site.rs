//! Draws a healthy load balancer at random, for a scenario to break.

use super::shop::{LIVE_ROUTES, MEDIA_ROUTES, REPORT_ROUTES, SHOP_ROUTES, UPLOAD_ROUTES};
use crate::simulate::plan::{
    ClientKind, GroupIndex, IncidentPlan, KeepAlivePolicy, Patience, PlannedGroup, PlannedRoute, PlannedTarget, Reuse,
    RouteFault, Stalls, TargetAction, TargetIndex,
};
use crate::simulate::rng::Rng;
use crate::simulate::time::{MILLISECOND, Micros, Moment, SECOND};

/// Load balancers, target groups and hosts to draw from.
const LOAD_BALANCERS: &[(&str, &str)] =
    &[("shop-prod", "50dc6c495c0c9188"), ("edge", "1f7c2a9b0d3e4f55"), ("internal-api", "c0ffee0123456789")];
const GROUPS: &[(&str, &str, u16, &str)] = &[
    ("shop-api", "73e2d6bc24d8a067", 3000, "api.shop.example.com"),
    ("checkout", "5be0d2f3a1c49768", 8080, "checkout.example.com"),
    ("accounts", "9a8b7c6d5e4f3021", 8000, "accounts.example.com"),
    ("catalogue", "0d1c2b3a49586776", 80, "catalogue.example.com"),
    ("gateway", "66778899aabbccdd", 9000, "gw.example.com"),
];

/// A load balancer that was drawn, with one target group.
pub(super) struct Site {
    pub(super) plan: IncidentPlan,
    pub(super) group: GroupIndex,
    pub(super) targets: Vec<TargetIndex>,
}

/// Which routes a site has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Offer {
    /// Quick answers.
    Shop,
    /// Quick answers, and one slow route.
    Reports,
    /// Two routes that take about one and four seconds, and a quick one.
    Media,
    /// Uploads, and quick answers.
    Uploads,
    /// WebSocket connections, and quick answers.
    Live,
}

impl Offer {
    fn routes(self) -> &'static [PlannedRoute] {
        match self {
            Self::Shop => SHOP_ROUTES,
            Self::Reports => REPORT_ROUTES,
            Self::Media => MEDIA_ROUTES,
            Self::Uploads => UPLOAD_ROUTES,
            Self::Live => LIVE_ROUTES,
        }
    }
}

impl Site {
    /// `rate` is in tenths of a request per second and target; `targets` is how many targets. Both are ranges whose end
    /// is excluded.
    pub(super) fn draw(rng: &mut Rng, offer: Offer, rate: (i64, i64), targets: (i64, i64)) -> Self {
        let count = rng.between(targets.0, targets.1);
        let mut plan = IncidentPlan::new(rng.between(rate.0, rate.1) as f64 / 10.0 * count as f64);
        plan.load_balancer = rng.pick(LOAD_BALANCERS);
        plan.minutes = 24 + rng.below(25);
        plan.nodes = rng.pick(&[1, 2, 2, 2, 3, 3, 3, 4, 5, 6]);
        plan.idle_timeout = rng.pick(&[60, 60, 60, 60, 60, 60, 30, 120]) * SECOND;
        plan.reuse =
            rng.pick(&[Reuse::Latest(0.5), Reuse::Latest(0.5), Reuse::Latest(0.9), Reuse::Latest(0.0), Reuse::Oldest]);
        plan.page = rng.between(15, 60) as f64 / 10.0;
        // Some people leave before they get an answer, as they do everywhere. Not if answers are slow: that would be a
        // scenario of its own.
        if rng.is(0.3) && offer == Offer::Shop {
            plan.patience.push((ClientKind::Browser, Patience::Leaves(rng.between(60, 400) * SECOND)));
        }
        let (name, id, port, host) = rng.pick(GROUPS);
        let mut group = PlannedGroup::new((name, id), port, host, 100, offer.routes());
        group.is_ipv6 = rng.is(0.1);
        group.deregistration_delay = rng.pick(&[300, 300, 120, 60, 30]) * SECOND;
        let group = plan.group(group);
        let mut site = Self { plan, group, targets: Vec::new() };
        for _ in 0..count {
            let target = site.sound(rng);
            site.targets.push(site.plan.target(group, target));
        }
        site
    }

    /// Sets the rate for each pair of node and target, drawn from `rates` in tenths of a request per second, and makes
    /// the run long enough for `requests`. Connections are idle for some seconds only if each pair gets little traffic,
    /// and then it takes a long run to see enough of it.
    pub(super) fn sparse(&mut self, rng: &mut Rng, rates: &[u32], requests: u32) {
        let targets = u32::try_from(self.targets.len()).unwrap_or(1);
        let tenths = rng.pick(rates) * targets * self.plan.nodes;
        self.plan.rate = f64::from(tenths) / 10.0;
        self.plan.minutes = (requests / (tenths * 6).max(1)).clamp(20, 24 * 60);
        // In so long a run, the people who leave would outnumber the failures that the scenario is about.
        self.plan.patience.retain(|(kind, _)| *kind != ClientKind::Browser);
    }

    /// A sound target at an unused address. It keeps idle connections for longer than the load balancer does.
    pub(super) fn sound(&self, rng: &mut Rng) -> PlannedTarget {
        let address = loop {
            let (zone, host) = (rng.below(3), 10 + rng.below(240));
            let [x, y] = [10 + zone, host].map(|part| u8::try_from(part).unwrap_or(u8::MAX));
            if self.plan.targets.iter().all(|target| target.address != [10, 0, x, y]) {
                break [10, 0, x, y];
            }
        };
        let stalls =
            Stalls { gap: rng.between(400, 1500) * MILLISECOND, length: rng.between(1, 7) * MILLISECOND, spread: 0.6 };
        let idle = self.plan.idle_timeout + rng.between(5, 30) * SECOND;
        let keep_alive = KeepAlivePolicy::precise(idle, 5 * MILLISECOND);
        PlannedTarget { keep_alive, stalls: Some(stalls), ..PlannedTarget::at(address) }
    }

    /// Adds a sound target that is neither registered nor running yet.
    pub(super) fn later(&mut self, rng: &mut Rng) -> TargetIndex {
        let target = self.sound(rng).later();
        self.plan.target(self.group, target)
    }

    /// Changes a target before the run begins.
    pub(super) fn change(&mut self, target: TargetIndex, change: impl FnOnce(&mut PlannedTarget)) {
        if let Some(target) = self.plan.targets.get_mut(target.0) {
            change(target);
        }
    }

    /// Changes all targets alike.
    pub(super) fn change_all(&mut self, mut change: impl FnMut(&mut PlannedTarget)) {
        for target in &mut self.plan.targets {
            change(target);
        }
    }

    /// A random moment between two hundredths of the run.
    pub(super) fn moment(&self, rng: &mut Rng, from: u32, to: u32) -> Moment {
        let at = |hundredths: u32| i64::from(self.plan.minutes * hundredths / 100);
        let minute = rng.between(at(from), at(to));
        Moment::minute(u32::try_from(minute).unwrap_or_default()).plus(rng.between(0, 60) * SECOND)
    }

    pub(super) fn at(&mut self, moment: Moment, target: TargetIndex, action: TargetAction) {
        self.plan.at(moment, target, action);
    }

    /// One of the targets.
    pub(super) fn any(&self, rng: &mut Rng) -> TargetIndex {
        self.targets[rng.index(self.targets.len())]
    }

    /// The index of a random route.
    pub(super) fn any_route(&self, rng: &mut Rng) -> usize {
        rng.index(self.plan.groups[self.group.0].routes.len())
    }

    /// Gives one route of all targets this fault from a moment on; `None` removes it.
    pub(super) fn fault_everywhere(&mut self, moment: Moment, route: usize, fault: Option<RouteFault>) {
        for target in self.targets.clone() {
            self.at(moment, target, TargetAction::RouteFault(route, fault));
        }
    }

    /// Gives all routes of one target the same fault from a moment on; `None` removes it.
    pub(super) fn fault_on_all_routes(&mut self, moment: Moment, target: TargetIndex, fault: Option<RouteFault>) {
        for route in 0..self.plan.groups[self.group.0].routes.len() {
            self.at(moment, target, TargetAction::RouteFault(route, fault));
        }
    }

    /// Makes all clients wait forever, for scenarios that client timeouts would end early.
    pub(super) fn patient(&mut self) {
        self.plan.patience.clear();
    }

    /// Sets which clients call, and how long one kind of them waits. The others wait forever.
    pub(super) fn audience(&mut self, audience: &'static [(ClientKind, u32)], patience: (ClientKind, Patience)) {
        self.plan.audience = audience;
        self.plan.patience = vec![patience];
    }
}

/// An event loop that is often busy for some milliseconds.
pub(super) fn lag(rng: &mut Rng) -> Stalls {
    Stalls { gap: rng.between(15, 60) * MILLISECOND, length: rng.between(3, 18) * MILLISECOND, spread: 0.7 }
}

/// A random whole number of seconds in `from..below`.
pub(super) fn seconds(rng: &mut Rng, from: i64, below: i64) -> Micros {
    rng.between(from, below) * SECOND
}
