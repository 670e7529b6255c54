//! What is simulated, as data: a load balancer, its target groups and targets, who calls, and what happens when.

/// A time or a moment in microseconds.
pub(super) type Micros = i64;

pub(super) const MILLISECOND: Micros = 1_000;
pub(super) const SECOND: Micros = 1_000_000;
pub(super) const MINUTE: Micros = 60 * SECOND;

/// One run before its options: the topology, the callers and the timeline.
pub(super) struct Plan {
    /// The load balancer's name and the 16 hexadecimal digits of its id.
    pub(super) load_balancer: (&'static str, &'static str),
    /// Length of the run in minutes that [`Moment`]s refer to. A run of another length stretches them.
    pub(super) minutes: u32,
    /// Requests per second, averaged over a day.
    pub(super) rate: f64,
    pub(super) nodes: u32,
    pub(super) idle_timeout: Micros,
    pub(super) groups: Vec<Group>,
    pub(super) targets: Vec<Target>,
    /// Who comes, and each one's weight among the visits.
    pub(super) audience: &'static [(Kind, u32)],
    /// Requests that belong to one visit of a browser, in the mean; at least 1.
    pub(super) page: f64,
    /// Programs that call on a clock.
    pub(super) pollers: &'static [Poller],
    pub(super) timeline: Vec<Intervention>,
}

impl Plan {
    /// A load balancer of two hours and three nodes with AWS's default idle timeout, and nothing behind it yet.
    pub(super) fn new(rate: f64) -> Self {
        Self {
            load_balancer: ("shop-prod", "50dc6c495c0c9188"),
            minutes: 120,
            rate,
            nodes: 3,
            // Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html
            idle_timeout: 60 * SECOND,
            groups: Vec::new(),
            targets: Vec::new(),
            audience: &[(Kind::Browser, 40), (Kind::App, 35), (Kind::Program, 25)],
            page: 2.5,
            pollers: &[
                Poller { period: 10 * SECOND, share: 0.04 },
                Poller { period: 30 * SECOND, share: 0.03 },
                Poller { period: 60 * SECOND, share: 0.03 },
            ],
            timeline: Vec::new(),
        }
    }

    pub(super) fn group(&mut self, group: Group) -> GroupIndex {
        self.groups.push(group);
        GroupIndex(self.groups.len() - 1)
    }

    pub(super) fn target(&mut self, group: GroupIndex, target: Target) -> TargetIndex {
        self.targets.push(Target { group, ..target });
        TargetIndex(self.targets.len() - 1)
    }

    pub(super) fn at(&mut self, moment: Moment, target: TargetIndex, action: Action) {
        self.timeline.push(Intervention { moment, target, action });
    }
}

/// A place in [`Plan::groups`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct GroupIndex(pub(super) usize);

/// A place in [`Plan::targets`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct TargetIndex(pub(super) usize);

/// A target group, and the listener rule that forwards to it.
pub(super) struct Group {
    pub(super) name: &'static str,
    /// The 16 hexadecimal digits that end its ARN.
    pub(super) id: &'static str,
    pub(super) port: u16,
    /// The host name that the listener rule forwards.
    pub(super) host: &'static str,
    pub(super) rule_priority: u32,
    pub(super) deregistration_delay: Micros,
    pub(super) routes: &'static [Route],
}

/// What can be asked of a target group, and how its application answers when nothing is wrong.
pub(super) struct Route {
    pub(super) method: &'static str,
    /// `{}` stands for a number below `numbers`.
    pub(super) path: &'static str,
    pub(super) numbers: u32,
    /// Against all routes of all target groups that the caller's kind calls.
    pub(super) weight: u32,
    /// Who calls it.
    pub(super) callers: &'static [Kind],
    /// Half of the answers are ready after this time.
    pub(super) median: Micros,
    /// Spread of the logarithm of the time.
    pub(super) sigma: f64,
    /// Bytes: of requests about, of answers in the median.
    pub(super) bytes: (u32, u32),
    /// Status codes and their weights.
    pub(super) statuses: &'static [(u16, u32)],
}

/// What kind of client calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Loads a page and what belongs to it at once, and waits for ever.
    Browser,
    /// A mobile app, which gives up after half a minute.
    App,
    /// A service or a script, one request at a time.
    Program,
}

/// Clients that call at fixed intervals.
pub(super) struct Poller {
    pub(super) period: Micros,
    /// Their share of all requests.
    pub(super) share: f64,
}

/// An address where a process may run.
#[derive(Clone, Copy)]
pub(super) struct Target {
    pub(super) group: GroupIndex,
    pub(super) address: [u8; 4],
    pub(super) keep_alive: KeepAlive,
    pub(super) stalls: Option<Stalls>,
    /// All answers take this many times as long as their route says.
    pub(super) pace: f64,
    /// Whether nodes send to it when the run begins.
    pub(super) is_registered: bool,
    /// Whether its process runs, and listens, when the run begins.
    pub(super) is_running: bool,
}

impl Target {
    /// A sound target: its process keeps idle connections for longer than the load balancer does.
    pub(super) fn at(address: [u8; 4]) -> Self {
        Self {
            group: GroupIndex(0),
            address,
            keep_alive: KeepAlive { idle: 75 * SECOND, smear: 5 * MILLISECOND, sweep: None },
            stalls: Some(Stalls { gap: 900 * MILLISECOND, length: 4 * MILLISECOND }),
            pace: 1.0,
            is_registered: true,
            is_running: true,
        }
    }

    /// Not there yet: neither registered nor running.
    pub(super) fn later(self) -> Self {
        Self { is_registered: false, is_running: false, ..self }
    }
}

/// When a target closes a connection on which nothing happens.
#[derive(Clone, Copy)]
pub(super) struct KeepAlive {
    pub(super) idle: Micros,
    /// The timer fires up to this much later, uniformly.
    pub(super) smear: Micros,
    /// Set for servers without a timer for each connection: they close all that are due when something wakes their loop, and
    /// at the latest at the next of these ticks.
    pub(super) sweep: Option<Micros>,
}

/// An event loop that is kept from its sockets now and then, by computation or by garbage collection.
#[derive(Clone, Copy)]
pub(super) struct Stalls {
    /// Mean time between two of them.
    pub(super) gap: Micros,
    /// Median length.
    pub(super) length: Micros,
}

/// A moment of the run: a minute of its nominal length, and a delay that does not stretch with it.
#[derive(Clone, Copy)]
pub(super) struct Moment {
    pub(super) minute: u32,
    pub(super) delay: Micros,
}

impl Moment {
    pub(super) const fn minute(minute: u32) -> Self {
        Self { minute, delay: 0 }
    }

    pub(super) const fn plus(self, delay: Micros) -> Self {
        Self { delay: self.delay + delay, ..self }
    }
}

/// Something done to a target.
pub(super) struct Intervention {
    pub(super) moment: Moment,
    pub(super) target: TargetIndex,
    pub(super) action: Action,
}

/// What is done.
#[derive(Clone, Copy)]
pub(super) enum Action {
    /// A process starts, and listens.
    Start,
    /// The process dies in an instant, and the kernel closes its connections.
    Crash,
    /// The process is stopped and waits for nothing.
    Stop,
    /// From here on packets to and from the target's port vanish.
    Blackhole,
    /// They pass again.
    Restore,
    /// Nodes begin to send to it.
    Register,
    /// Nodes send nothing new to it, and cut what still runs when the deregistration delay is over.
    Deregister,
    /// From here on all answers take this many times as long.
    Pace(f64),
    /// From here on the answers of one route (its place in the target group) do.
    RoutePace(usize, f64),
}

/// Why a request failed, as the truth says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cause {
    KeepAliveRace,
    ConnectionRefused,
    ConnectTimeout,
    IdleTimeoutExceeded,
    TargetCrash,
    DeployWithoutDraining,
    DeregistrationDelayElapsed,
    NoRegisteredTargets,
    ClientGaveUp,
    ApplicationError,
}

impl Cause {
    /// The stable id, as reports write it.
    pub(super) fn id(self) -> &'static str {
        match self {
            Self::KeepAliveRace => "keep-alive-race",
            Self::ConnectionRefused => "connection-refused",
            Self::ConnectTimeout => "connect-timeout",
            Self::IdleTimeoutExceeded => "idle-timeout-exceeded",
            Self::TargetCrash => "target-crash",
            Self::DeployWithoutDraining => "deploy-without-draining",
            Self::DeregistrationDelayElapsed => "deregistration-delay-elapsed",
            Self::NoRegisteredTargets => "no-registered-targets",
            Self::ClientGaveUp => "client-gave-up",
            Self::ApplicationError => "application-error",
        }
    }
}
