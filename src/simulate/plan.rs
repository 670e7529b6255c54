//! A simulation as data: a load balancer, its target groups and targets, its clients, and what happens when.

mod cause;
mod client;
mod form;
mod group;
mod server;
mod target;
mod timeline;

use super::time::{Micros, Moment, SECOND};
pub(super) use cause::TrueCause;
pub(super) use client::{ClientKind, Patience, Poller, SocketHabits, Surge};
pub(super) use form::{DesyncMode, RequestForm};
pub(super) use group::{Function, GroupIndex, PlannedGroup, PlannedRoute};
pub(super) use server::{
    KeepAlivePolicy, KeepAliveTimer, Proxy, ServerModel, Stalls, TimeLimit, TimeLimitEffect, WorkerLeaves, WorkerLife,
};
pub(super) use target::{PlannedTarget, TargetIndex};
pub(super) use timeline::{FaultKind, Intervention, ListenerRule, RouteFault, TargetAction, What};

/// A run before its options are applied: the topology, the clients and the timeline.
pub(super) struct IncidentPlan {
    /// The load balancer's name and the 16 hexadecimal digits of its id.
    pub(super) load_balancer: (&'static str, &'static str),
    /// The nominal length of the run in minutes. [`Moment`]s refer to it; a run of another length scales them.
    pub(super) minutes: u32,
    /// Requests per second, averaged over a day.
    pub(super) rate: f64,
    pub(super) nodes: u32,
    pub(super) idle_timeout: Micros,
    pub(super) groups: Vec<PlannedGroup>,
    pub(super) targets: Vec<PlannedTarget>,
    /// The kinds of clients that visit, and the weight of each.
    pub(super) audience: &'static [(ClientKind, u32)],
    /// Mean number of requests in one visit of a browser; at least 1.
    pub(super) page: f64,
    /// Programs that call at fixed intervals.
    pub(super) pollers: Vec<Poller>,
    /// How long clients of a kind wait for an answer. Kinds that are not listed wait forever.
    pub(super) patience: Vec<(ClientKind, Patience)>,
    /// Factors on the rate of visits. Outside of these the factor is 1.
    pub(super) surges: Vec<Surge>,
    /// What the load balancer does with requests of an odd form.
    pub(super) desync_mode: DesyncMode,
    /// Programs whose requests have such a form, and the mean time between two requests of each.
    pub(super) odd_callers: Vec<(RequestForm, Micros)>,
    pub(super) sockets: SocketHabits,
    /// Which idle connection of a pool a node takes.
    pub(super) reuse: Reuse,
    /// Requests that the load balancer refuses itself, by status and weight: one per `noise_every` other requests.
    pub(super) noise: &'static [(u16, u32)],
    pub(super) noise_every: u32,
    /// One request of a scanner per this many requests.
    pub(super) scans_every: u32,
    pub(super) timeline: Vec<Intervention>,
}

impl IncidentPlan {
    /// A plan of two hours and three nodes with AWS's default idle timeout, and no target groups yet.
    pub(super) fn new(rate: f64) -> Self {
        Self {
            load_balancer: ("shop-prod", "50dc6c495c0c9188"),
            minutes: 120,
            rate,
            nodes: 3,
            // Source:
            // https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html
            idle_timeout: 60 * SECOND,
            groups: Vec::new(),
            targets: Vec::new(),
            audience: &[(ClientKind::Browser, 40), (ClientKind::App, 35), (ClientKind::Program, 25)],
            page: 2.5,
            pollers: vec![
                Poller::every(10 * SECOND, 0.04),
                Poller::every(30 * SECOND, 0.03),
                Poller::every(60 * SECOND, 0.03),
            ],
            patience: vec![(ClientKind::App, Patience::Constant { time: 30 * SECOND, jitter: 0 })],
            surges: Vec::new(),
            desync_mode: DesyncMode::Defensive,
            odd_callers: Vec::new(),
            sockets: SocketHabits { pinging: 1.0, ping: 25 * SECOND, silent: 0.0, stay: 240 * SECOND },
            reuse: Reuse::Latest(0.5),
            noise: &[],
            noise_every: 500,
            scans_every: 200,
            timeline: Vec::new(),
        }
    }

    pub(super) fn group(&mut self, group: PlannedGroup) -> GroupIndex {
        self.groups.push(group);
        GroupIndex(self.groups.len() - 1)
    }

    pub(super) fn target(&mut self, group: GroupIndex, target: PlannedTarget) -> TargetIndex {
        self.targets.push(PlannedTarget { group, ..target });
        TargetIndex(self.targets.len() - 1)
    }

    pub(super) fn at(&mut self, moment: Moment, target: TargetIndex, action: TargetAction) {
        self.timeline.push(Intervention { moment, what: What::Target(target, action) });
    }

    /// `address:port`, as the log writes it: no brackets around IPv6.
    pub(super) fn address(&self, target: &PlannedTarget) -> String {
        let [a, b, c, d] = target.address;
        let group = &self.groups[target.group.0];
        if group.is_ipv6 {
            // A range reserved for documentation: RFC 3849.
            format!("2001:db8:{b:x}:{c:x}::{d:x}:{}", group.port)
        } else {
            format!("{a}.{b}.{c}.{d}:{}", group.port)
        }
    }

    pub(super) fn rule(&mut self, moment: Moment, group: GroupIndex, rule: ListenerRule) {
        self.timeline.push(Intervention { moment, what: What::Rule(group, rule) });
    }
}

/// Which idle connection of a pool a node takes. This is an assumption: it is not published how real nodes choose. The
/// more often old connections are used, the more races are lost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Reuse {
    /// The most recently used one for this share of requests; a random one for the others.
    Latest(f64),
    /// The one that has been idle longest.
    Oldest,
}
