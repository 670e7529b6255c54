//! Server software: when it closes idle connections, what limits it, and its own timeouts.

use crate::simulate::time::Micros;

/// When a target closes an idle connection.
#[derive(Clone, Copy)]
pub(in crate::simulate) struct KeepAlivePolicy {
    pub(in crate::simulate) idle: Micros,
    pub(in crate::simulate) timer: KeepAliveTimer,
}

impl KeepAlivePolicy {
    pub(in crate::simulate) const fn precise(idle: Micros, smear: Micros) -> Self {
        Self { idle, timer: KeepAliveTimer::Precise { smear } }
    }
}

/// How a server notices that a connection was idle for long enough.
#[derive(Clone, Copy)]
pub(in crate::simulate) enum KeepAliveTimer {
    /// A timer for each connection, which fires up to `smear` late.
    Precise { smear: Micros },
    /// It checks all connections once a tick.
    Coarse { tick: Micros },
    /// It checks all connections when something wakes its event loop, and at least once a tick.
    Sweep { tick: Micros },
}

impl KeepAliveTimer {
    /// The time between two checks; `None` if it has precise timers.
    pub(in crate::simulate) fn tick(self) -> Option<Micros> {
        match self {
            Self::Precise { .. } => None,
            Self::Coarse { tick } | Self::Sweep { tick } => Some(tick),
        }
    }
}

/// Pauses in which computation or garbage collection keeps an event loop from its sockets.
#[derive(Clone, Copy)]
pub(in crate::simulate) struct Stalls {
    /// Mean time from the end of one to the start of the next.
    pub(in crate::simulate) gap: Micros,
    /// Median length.
    pub(in crate::simulate) length: Micros,
    /// Standard deviation of the logarithm of the length.
    pub(in crate::simulate) spread: f64,
}

/// What limits a target's process.
#[derive(Clone, Copy)]
pub(in crate::simulate) struct ServerModel {
    /// Requests served at the same time; `None`: no limit.
    pub(in crate::simulate) slots: Option<u32>,
    /// Whether it accepts a connection only when a slot is free. Otherwise it accepts immediately, and requests wait.
    pub(in crate::simulate) accepts_when_free: bool,
    /// How many connections the kernel holds until they are accepted; further SYNs are dropped.
    pub(in crate::simulate) backlog: u32,
    /// How many requests may wait inside; further ones are answered 503. `None`: no limit.
    pub(in crate::simulate) queue: Option<usize>,
    /// Processes that share the port; each connection belongs to one of them.
    pub(in crate::simulate) processes: u32,
    pub(in crate::simulate) time_limit: Option<TimeLimit>,
    pub(in crate::simulate) proxy: Option<Proxy>,
    /// The number of requests that fill its memory; the last of them kills it.
    pub(in crate::simulate) requests_until_full: Option<u32>,
    /// `Some` if each process ends after a number of requests, and another one takes its place.
    pub(in crate::simulate) worker_life: Option<WorkerLife>,
    /// How many connections it may have, those to nodes and those to its own upstream together. `None`: no limit.
    pub(in crate::simulate) connections: Option<u32>,
    /// The age in seconds at which it closes a connection, whatever happens on it.
    pub(in crate::simulate) connection_age: Option<u32>,
    /// About how long after a crash it is restarted and listens again; up to a quarter more or less. `None`: never.
    pub(in crate::simulate) restart: Option<Micros>,
}

impl ServerModel {
    /// One process without limits, which nobody starts again.
    pub(in crate::simulate) const fn plain() -> Self {
        Self {
            slots: None,
            accepts_when_free: false,
            backlog: 511,
            queue: None,
            processes: 1,
            time_limit: None,
            proxy: None,
            requests_until_full: None,
            worker_life: None,
            connections: None,
            connection_age: None,
            restart: None,
        }
    }
}

/// How long a worker process lives.
#[derive(Clone, Copy)]
pub(in crate::simulate) struct WorkerLife {
    /// It leaves after this many requests, and up to `jitter` more.
    pub(in crate::simulate) requests: u32,
    pub(in crate::simulate) jitter: u32,
    pub(in crate::simulate) way: WorkerLeaves,
}

/// How a worker process leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::simulate) enum WorkerLeaves {
    /// Its last answers say that their connections are closed.
    Announced,
    /// It reads nothing more, finishes what it serves, and ends; what came on its connections meanwhile is reset.
    Unannounced,
    /// It reads nothing more, and something keeps it from ending for this long.
    Hangs(Micros),
}

/// A server's timeout for each request.
#[derive(Clone, Copy)]
pub(in crate::simulate) struct TimeLimit {
    pub(in crate::simulate) after: Micros,
    /// How often a supervisor checks, so it fires up to this much late. 0: each request has its own timer.
    pub(in crate::simulate) poll: Micros,
    pub(in crate::simulate) way: TimeLimitEffect,
    /// Share of requests whose worker does not react and is killed a second later.
    pub(in crate::simulate) stuck: f64,
}

/// How a time limit ends a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::simulate) enum TimeLimitEffect {
    /// The worker is killed, or the connection closed.
    Close,
    /// The server answers this status.
    Answer(u16),
    /// The handler runs to its end, and then cannot send its answer.
    CloseAtEnd,
}

/// A proxy inside the target, in front of its application.
#[derive(Clone, Copy)]
pub(in crate::simulate) struct Proxy {
    pub(in crate::simulate) timeout: Micros,
    /// The status it answers when the application does not answer in time, and the one when nothing listens.
    pub(in crate::simulate) statuses: (u16, u16),
    /// Bytes of its error page, including headers.
    pub(in crate::simulate) page: u32,
}
