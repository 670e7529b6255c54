//! A simulation as data: a load balancer, its target groups and targets, its clients, and what happens when.

/// A duration, or a moment since the Unix epoch, in microseconds.
pub(super) type Micros = i64;

pub(super) const MILLISECOND: Micros = 1_000;
pub(super) const SECOND: Micros = 1_000_000;
pub(super) const MINUTE: Micros = 60 * SECOND;

/// A run before its options are applied: the topology, the clients and the timeline.
pub(super) struct Plan {
    /// The load balancer's name and the 16 hexadecimal digits of its id.
    pub(super) load_balancer: (&'static str, &'static str),
    /// The nominal length of the run in minutes. [`Moment`]s refer to it; a run of another length scales them.
    pub(super) minutes: u32,
    /// Requests per second, averaged over a day.
    pub(super) rate: f64,
    pub(super) nodes: u32,
    pub(super) idle_timeout: Micros,
    pub(super) groups: Vec<Group>,
    pub(super) targets: Vec<Target>,
    /// The kinds of clients that visit, and the weight of each.
    pub(super) audience: &'static [(Kind, u32)],
    /// Mean number of requests in one visit of a browser; at least 1.
    pub(super) page: f64,
    /// Programs that call at fixed intervals.
    pub(super) pollers: Vec<Poller>,
    /// How long clients of a kind wait for an answer. Kinds that are not listed wait forever.
    pub(super) patience: Vec<(Kind, Patience)>,
    /// Factors on the rate of visits. Outside of these the factor is 1.
    pub(super) surges: Vec<Surge>,
    /// Which idle connection of a pool a node takes.
    pub(super) reuse: Reuse,
    /// Requests that the load balancer refuses itself, by status and weight: one per `noise_every` other requests.
    pub(super) noise: &'static [(u16, u32)],
    pub(super) noise_every: u32,
    /// One request of a scanner per this many requests.
    pub(super) scans_every: u32,
    pub(super) timeline: Vec<Intervention>,
}

impl Plan {
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
            // A range reserved for documentation: RFC 3849.
            format!("2001:db8:{b:x}:{c:x}::{d:x}:{}", group.port)
        } else {
            format!("{a}.{b}.{c}.{d}:{}", group.port)
        }
    }

    pub(super) fn rule(&mut self, moment: Moment, group: GroupIndex, rule: Rule) {
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

/// How long a caller waits for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    /// A timeout, and how late it may fire.
    Constant { time: Micros, jitter: Micros },
    /// People: each leaves after an exponentially distributed time with this mean.
    Leaves(Micros),
}

/// A factor on the rate of visits that changes linearly between two minutes: from `factors.0` at `minutes.0` to
/// `factors.1` at `minutes.1`.
#[derive(Clone, Copy)]
pub(super) struct Surge {
    /// Minutes of the run's nominal length.
    pub(super) minutes: (u32, u32),
    pub(super) factors: (f64, f64),
}

/// An index into [`Plan::groups`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct GroupIndex(pub(super) usize);

/// An index into [`Plan::targets`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct TargetIndex(pub(super) usize);

/// A target group, and the listener rule that forwards to it.
pub(super) struct Group {
    pub(super) name: &'static str,
    /// The 16 hexadecimal digits that end its ARN.
    pub(super) id: &'static str,
    pub(super) port: u16,
    /// The host name that the listener rule matches.
    pub(super) host: &'static str,
    pub(super) rule_priority: u32,
    pub(super) deregistration_delay: Micros,
    pub(super) routes: &'static [Route],
    /// Whether targets have IPv6 addresses.
    pub(super) is_ipv6: bool,
    /// `Some` if the target is a Lambda function.
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
            // Source:
            // https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-target-group-attributes.html
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
    /// An invocation is ended after this time.
    pub(super) timeout: Micros,
    /// How many invocations may run at the same time; further ones are throttled.
    pub(super) concurrency: u32,
}

/// A route of a target group, and how its application answers when nothing is wrong.
pub(super) struct Route {
    pub(super) method: &'static str,
    /// `{}` stands for a number below `numbers`.
    pub(super) path: &'static str,
    pub(super) numbers: u32,
    /// Weight among all routes of all target groups that the client's kind calls.
    pub(super) weight: u32,
    /// The kinds of clients that call it.
    pub(super) callers: &'static [Kind],
    /// Median time to answer.
    pub(super) median: Micros,
    /// Standard deviation of the logarithm of the time.
    pub(super) sigma: f64,
    /// Bytes of a request (approximate) and of an answer (median).
    pub(super) bytes: (u32, u32),
    /// Status codes and their weights.
    pub(super) statuses: &'static [(u16, u32)],
}

/// A kind of client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Loads a page and its parts in one visit, and waits forever unless [`Plan::patience`] says otherwise.
    Browser,
    /// A mobile app, which gives up after half a minute unless [`Plan::patience`] says otherwise.
    App,
    /// A service or a script, one request at a time.
    Program,
    /// A content delivery network in front of the load balancer.
    Edge,
    /// An API gateway in front of the load balancer.
    Gateway,
    /// Another service of the same company, with a time budget for each call.
    Service,
}

/// Clients that call at fixed intervals.
#[derive(Clone, Copy)]
pub(super) struct Poller {
    pub(super) period: Micros,
    /// Their share of all requests.
    pub(super) share: f64,
    /// `Some` if they call at multiples of their period on the clock, at most this late. `None`: each one drifts.
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
    /// The cause of refused connections if its process does not run when the run begins.
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

/// When a target closes an idle connection.
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
    /// It checks all connections once a tick.
    Coarse { tick: Micros },
    /// It checks all connections when something wakes its event loop, and at least once a tick.
    Sweep { tick: Micros },
}

impl Timer {
    /// The time between two checks; `None` if it has precise timers.
    pub(super) fn tick(self) -> Option<Micros> {
        match self {
            Self::Precise { .. } => None,
            Self::Coarse { tick } | Self::Sweep { tick } => Some(tick),
        }
    }
}

/// Pauses in which computation or garbage collection keeps an event loop from its sockets.
#[derive(Clone, Copy)]
pub(super) struct Stalls {
    /// Mean time from the end of one to the start of the next.
    pub(super) gap: Micros,
    /// Median length.
    pub(super) length: Micros,
    /// Standard deviation of the logarithm of the length.
    pub(super) spread: f64,
}

/// What limits a target's process.
#[derive(Clone, Copy)]
pub(super) struct Server {
    /// Requests served at the same time; `None`: no limit.
    pub(super) slots: Option<u32>,
    /// Whether it accepts a connection only when a slot is free. Otherwise it accepts immediately, and requests wait.
    pub(super) accepts_when_free: bool,
    /// How many connections the kernel holds until they are accepted; further SYNs are dropped.
    pub(super) backlog: u32,
    /// How many requests may wait inside; further ones are answered 503. `None`: no limit.
    pub(super) queue: Option<usize>,
    /// Processes that share the port; each connection belongs to one of them.
    pub(super) processes: u32,
    pub(super) time_limit: Option<TimeLimit>,
    pub(super) proxy: Option<Proxy>,
    /// The number of requests that fill its memory; the last of them kills it.
    pub(super) requests_until_full: Option<u32>,
    /// About how long after a crash it is restarted and listens again; up to a quarter more or less. `None`: never.
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

/// A server's timeout for each request.
#[derive(Clone, Copy)]
pub(super) struct TimeLimit {
    pub(super) after: Micros,
    /// How often a supervisor checks, so it fires up to this much late. 0: each request has its own timer.
    pub(super) poll: Micros,
    pub(super) way: Way,
    /// Share of requests whose worker does not react and is killed a second later.
    pub(super) stuck: f64,
}

/// How a time limit ends a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// The worker is killed, or the connection closed.
    Close,
    /// The server answers this status.
    Answer(u16),
    /// The handler runs to its end, and then cannot send its answer.
    CloseAtEnd,
}

/// A proxy inside the target, in front of its application.
#[derive(Clone, Copy)]
pub(super) struct Proxy {
    pub(super) timeout: Micros,
    /// The status it answers when the application does not answer in time, and the one when nothing listens.
    pub(super) statuses: (u16, u16),
    /// Bytes of its error page, including headers.
    pub(super) page: u32,
}

/// A moment of the run: a minute of its nominal length, and a delay that does not scale with it.
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

/// Something that is done at a moment of the run.
pub(super) struct Intervention {
    pub(super) moment: Moment,
    pub(super) what: What,
}

/// What is done, and to which target or listener rule.
#[derive(Clone, Copy)]
pub(super) enum What {
    Target(TargetIndex, Action),
    /// The listener rule that forwards to a target group.
    Rule(GroupIndex, Rule),
}

/// How a listener rule handles requests from now on, or the Lambda function it forwards to, if there is one.
#[derive(Clone, Copy, Debug)]
pub(super) enum Rule {
    /// It forwards them.
    Forward,
    /// AWS WAF is asked, and blocks this share.
    WafBlocks(f64),
    /// AWS WAF cannot be reached for this share.
    WafFails(f64),
    /// Users are authenticated, and the cookies of this share are not accepted.
    Rejects(f64),
    /// Users are authenticated, and for this share the identity provider does not answer within five seconds.
    IdentityFails(f64),
    /// It sends a fixed response with this status.
    Fixed(u16),
    /// The function throws for this share.
    FunctionThrows(f64),
    /// The function answers this share in a format that the load balancer does not accept.
    FunctionMumbles(f64),
    /// The function takes this many times as long as usual.
    FunctionPace(f64),
    /// The load balancer may no longer invoke the function.
    FunctionDenied,
}

/// Something wrong with a route of a target's application.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fault {
    /// The share of its requests that it affects.
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
    /// The application closes the connection instead of answering.
    Closes,
}

/// What is done to a target.
#[derive(Clone, Copy, Debug)]
pub(super) enum Action {
    /// A process starts, and listens.
    Start,
    /// The process dies immediately, and the kernel closes its connections.
    Crash,
    /// One of several processes dies and is restarted immediately.
    KillProcess,
    /// The process is stopped without waiting for requests in flight.
    Stop,
    /// The process gets a signal to end: it stops listening, closes idle connections, finishes its requests within this
    /// time, and ends.
    Terminate(Micros),
    /// The process does nothing for this long, while its host keeps running.
    Freeze(Micros),
    /// Packets to and from the target's port are lost from now on.
    Blackhole,
    /// Packets between the target and one node (an index, modulo the number of nodes) are lost from now on.
    BlackholeFrom(usize),
    /// Packets pass again.
    Restore,
    /// Nodes begin to send to it.
    Register,
    /// Nodes send no new requests to it, and cut off those that still run when the deregistration delay is over.
    Deregister,
    /// All answers take this many times as long from now on.
    Pace(f64),
    /// The answers of one route (its index in the target group) take this many times as long from now on.
    RoutePace(usize, f64),
    /// One route (its index in the target group) has this fault from now on; `None`: no fault.
    RouteFault(usize, Option<Fault>),
    /// Whether the application behind the target's own proxy runs.
    Application(bool),
    /// Whether TLS with the target works.
    Tls(bool),
}

/// Why a request failed, as recorded in `truth.jsonl`.
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
    /// Nothing that the load balancer sees shows why.
    Unexplained,
}

impl Cause {
    /// The stable id, as in reports.
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
