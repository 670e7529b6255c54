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
    pub(super) pollers: Vec<Poller>,
    /// How long callers of a kind wait; those not named wait for ever.
    pub(super) patience: Vec<(Kind, Patience)>,
    /// How the number of visits changes; none outside of these.
    pub(super) surges: Vec<Surge>,
    /// Which idle connection of a pool a node takes.
    pub(super) reuse: Reuse,
    /// Requests that the load balancer refuses itself, by status and weight: one for each `noise_every` others.
    pub(super) noise: &'static [(u16, u32)],
    pub(super) noise_every: u32,
    /// One scanner's call for each so many requests.
    pub(super) scans_every: u32,
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
            pollers: vec![
                Poller::every(10 * SECOND, 0.04),
                Poller::every(30 * SECOND, 0.03),
                Poller::every(60 * SECOND, 0.03),
            ],
            patience: vec![(Kind::App, Patience::Constant { time: 30 * SECOND, jitter: 0 })],
            surges: Vec::new(),
            reuse: Reuse::Latest(0.5),
            noise: &[],
            noise_every: 500,
            scans_every: 200,
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
        self.timeline.push(Intervention { moment, what: What::Target(target, action) });
    }

    /// `address:port`, as the log writes it: no brackets around IPv6.
    pub(super) fn address(&self, target: &Target) -> String {
        let [a, b, c, d] = target.address;
        let group = &self.groups[target.group.0];
        if group.is_ipv6 {
            // A range set apart for documentation: RFC 3849.
            format!("2001:db8:{b:x}:{c:x}::{d:x}:{}", group.port)
        } else {
            format!("{a}.{b}.{c}.{d}:{}", group.port)
        }
    }

    pub(super) fn rule(&mut self, moment: Moment, group: GroupIndex, rule: Rule) {
        self.timeline.push(Intervention { moment, what: What::Rule(group, rule) });
    }
}

/// Which idle connection of a pool a node takes. An assumption: how real nodes choose is not published. The more often old ones
/// are used, the more races are lost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Reuse {
    /// For this share of requests the one used last; the others take any.
    Latest(f64),
    /// The one that has been idle longest.
    Oldest,
}

/// How long a caller waits for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    /// A timeout, and by how much it may be late.
    Constant { time: Micros, jitter: Micros },
    /// People, who leave when they like; the mean of an exponential distribution.
    Leaves(Micros),
}

/// Visits against what they would be, from one moment to another: `from` at its beginning, `to` at its end, on a straight line.
#[derive(Clone, Copy)]
pub(super) struct Surge {
    /// Minutes of the run's nominal length.
    pub(super) minutes: (u32, u32),
    pub(super) factors: (f64, f64),
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
    /// Whether targets have IPv6 addresses.
    pub(super) is_ipv6: bool,
    /// Set where the target is a Lambda function.
    pub(super) function: Option<Function>,
}

impl Group {
    /// A target group of IPv4 targets, with AWS's default deregistration delay.
    pub(super) const fn new(
        (name, id): (&'static str, &'static str),
        port: u16,
        host: &'static str,
        rule_priority: u32,
        routes: &'static [Route],
    ) -> Self {
        Self {
            name,
            id,
            port,
            host,
            rule_priority,
            // Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-target-group-attributes.html
            deregistration_delay: 300 * SECOND,
            routes,
            is_ipv6: false,
            function: None,
        }
    }
}

/// A Lambda function.
#[derive(Clone, Copy)]
pub(super) struct Function {
    /// After this it is ended.
    pub(super) timeout: Micros,
    /// So many run at once; more are throttled.
    pub(super) concurrency: u32,
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
    /// A content delivery network in front of the load balancer.
    Edge,
    /// An API gateway in front of it.
    Gateway,
    /// Another service of the same house, with a budget for each call.
    Service,
}

/// Clients that call at fixed intervals.
#[derive(Clone, Copy)]
pub(super) struct Poller {
    pub(super) period: Micros,
    /// Their share of all requests.
    pub(super) share: f64,
    /// Set where they go by the clock, and by how much they may be late. Others drift, each on its own.
    pub(super) aligned: Option<Micros>,
}

impl Poller {
    pub(super) const fn every(period: Micros, share: f64) -> Self {
        Self { period, share, aligned: None }
    }
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
    /// Why nothing listens where it does not run from the beginning.
    pub(super) absent: Cause,
    pub(super) server: Server,
}

impl Target {
    /// A sound target: its process keeps idle connections for longer than the load balancer does.
    pub(super) fn at(address: [u8; 4]) -> Self {
        Self {
            group: GroupIndex(0),
            address,
            keep_alive: KeepAlive::precise(75 * SECOND, 5 * MILLISECOND),
            stalls: Some(Stalls { gap: 900 * MILLISECOND, length: 4 * MILLISECOND, spread: 0.4 }),
            pace: 1.0,
            is_registered: true,
            is_running: true,
            absent: Cause::ConnectionRefused,
            server: Server::plain(),
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
    pub(super) timer: Timer,
}

impl KeepAlive {
    pub(super) const fn precise(idle: Micros, smear: Micros) -> Self {
        Self { idle, timer: Timer::Precise { smear } }
    }
}

/// How a server notices that a connection was idle for long enough.
#[derive(Clone, Copy)]
pub(super) enum Timer {
    /// A timer for each connection, which fires up to `smear` late.
    Precise { smear: Micros },
    /// It looks at all connections once a tick.
    Coarse { tick: Micros },
    /// It looks at all connections when something wakes its loop, and at the latest once a tick.
    Sweep { tick: Micros },
}

impl Timer {
    /// The time between two looks, where it looks at ticks.
    pub(super) fn tick(self) -> Option<Micros> {
        match self {
            Self::Precise { .. } => None,
            Self::Coarse { tick } | Self::Sweep { tick } => Some(tick),
        }
    }
}

/// An event loop that is kept from its sockets now and then, by computation or by garbage collection.
#[derive(Clone, Copy)]
pub(super) struct Stalls {
    /// Mean time between two of them.
    pub(super) gap: Micros,
    /// Median length.
    pub(super) length: Micros,
    /// Spread of the logarithm of the length.
    pub(super) spread: f64,
}

/// What limits a target's process.
#[derive(Clone, Copy)]
pub(super) struct Server {
    /// Requests served at once; `None`: as many as come.
    pub(super) slots: Option<u32>,
    /// Whether it accepts a connection only when a slot is free. Others accept at once, and requests wait inside.
    pub(super) accepts_when_free: bool,
    /// Connections that the kernel holds until they are accepted; the SYNs of others are dropped.
    pub(super) backlog: u32,
    /// Requests that wait inside; others are answered 503. `None`: any number.
    pub(super) queue: Option<usize>,
    /// Processes that share the port, and the connections among them.
    pub(super) processes: u32,
    pub(super) time_limit: Option<TimeLimit>,
    pub(super) proxy: Option<Proxy>,
    /// So many requests, in the mean, fill its memory, and it is killed.
    pub(super) requests_until_full: Option<u32>,
    /// After its death it is started again, and listens after this time.
    pub(super) restart: Option<Micros>,
}

impl Server {
    /// One process without limits, which nobody starts again.
    pub(super) const fn plain() -> Self {
        Self {
            slots: None,
            accepts_when_free: false,
            backlog: 511,
            queue: None,
            processes: 1,
            time_limit: None,
            proxy: None,
            requests_until_full: None,
            restart: None,
        }
    }
}

/// A timeout of the server for each request.
#[derive(Clone, Copy)]
pub(super) struct TimeLimit {
    pub(super) after: Micros,
    /// A supervisor looks this often, so it comes up to this much late. 0: a timer of its own.
    pub(super) poll: Micros,
    pub(super) way: Way,
    /// Share of requests whose worker does not listen and is killed a second later.
    pub(super) stuck: f64,
}

/// How a time limit ends a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// The worker is killed, or the connection closed.
    Close,
    /// The server answers this status.
    Answer(u16),
    /// The handler runs to its end, and then cannot write.
    CloseAtEnd,
}

/// A proxy inside the target, in front of its application.
#[derive(Clone, Copy)]
pub(super) struct Proxy {
    pub(super) timeout: Micros,
    /// What it answers when the application does not answer in time, and when nothing listens.
    pub(super) statuses: (u16, u16),
    /// Bytes of its error page with headers.
    pub(super) page: u32,
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

/// Something done at a moment.
pub(super) struct Intervention {
    pub(super) moment: Moment,
    pub(super) what: What,
}

/// What it is done to.
#[derive(Clone, Copy)]
pub(super) enum What {
    Target(TargetIndex, Action),
    /// The listener rule that forwards to a target group.
    Rule(GroupIndex, Rule),
}

/// How a listener rule deals with requests from here on, and the function behind it, if there is one.
#[derive(Clone, Copy, Debug)]
pub(super) enum Rule {
    /// It forwards them.
    Forward,
    /// AWS WAF is asked, and blocks this share.
    WafBlocks(f64),
    /// AWS WAF cannot be asked for this share.
    WafFails(f64),
    /// Users are authenticated, and this share's cookies are not accepted.
    Rejects(f64),
    /// Users are authenticated, and the identity provider does not answer this share within five seconds.
    IdentityFails(f64),
    /// It answers itself.
    Fixed(u16),
    /// The function throws for this share.
    FunctionThrows(f64),
    /// The function answers this share in a form that is not accepted.
    FunctionMumbles(f64),
    /// The function takes this many times as long.
    FunctionPace(f64),
    /// The load balancer may no longer invoke the function.
    FunctionDenied,
}

/// Something wrong with a route of a target's application.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fault {
    /// The share of its requests that meet it.
    pub(super) share: f64,
    pub(super) kind: FaultKind,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum FaultKind {
    /// The request kills the process.
    Kills,
    /// The answer's headers are not HTTP.
    Malformed,
    /// It answers this status, for this reason.
    Status(u16, Cause),
    /// It waits this long for something that all targets share, and then answers this status.
    Waits(Micros, u16),
    /// It waits for something that all targets share, without a timeout of its own.
    Hangs,
    /// The application closes the connection in place of an answer.
    Closes,
}

/// What is done to a target.
#[derive(Clone, Copy, Debug)]
pub(super) enum Action {
    /// A process starts, and listens.
    Start,
    /// The process dies in an instant, and the kernel closes its connections.
    Crash,
    /// One of several processes dies, which is started again at once.
    KillProcess,
    /// The process is stopped and waits for nothing.
    Stop,
    /// The process is told to end: it listens no more, closes idle connections, finishes what it serves within this time, and ends.
    Terminate(Micros),
    /// The process does nothing for this long, and its host goes on.
    Freeze(Micros),
    /// From here on packets to and from the target's port vanish.
    Blackhole,
    /// Those to and from one node (modulo the number of nodes) do.
    BlackholeFrom(usize),
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
    /// From here on one route has this fault, or none.
    RouteFault(usize, Option<Fault>),
    /// Whether the application behind the target's own proxy runs.
    Application(bool),
    /// Whether TLS with the target works.
    Tls(bool),
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
    TargetTlsHandshake,
    TargetRequestTimeout,
    TargetNotReady,
    TargetSaturated,
    MalformedResponse,
    InnerProxyError,
    DependencyOutage,
    LambdaError,
    LambdaTimeout,
    LambdaThrottled,
    LambdaMisconfigured,
    WafUnavailable,
    IdentityProviderError,
    /// Nothing that the load balancer sees tells why.
    Unexplained,
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
            Self::TargetTlsHandshake => "target-tls-handshake",
            Self::TargetRequestTimeout => "target-request-timeout",
            Self::TargetNotReady => "target-not-ready",
            Self::TargetSaturated => "target-saturated",
            Self::MalformedResponse => "malformed-response",
            Self::InnerProxyError => "inner-proxy-error",
            Self::DependencyOutage => "dependency-outage",
            Self::LambdaError => "lambda-error",
            Self::LambdaTimeout => "lambda-timeout",
            Self::LambdaThrottled => "lambda-throttled",
            Self::LambdaMisconfigured => "lambda-misconfigured",
            Self::WafUnavailable => "waf-unavailable",
            Self::IdentityProviderError => "identity-provider-error",
            Self::Unexplained => "unexplained",
        }
    }
}
