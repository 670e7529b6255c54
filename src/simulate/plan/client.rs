//! Clients: their kinds, how often they call, and how long they wait.

use crate::simulate::time::Micros;

/// A kind of client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::simulate) enum ClientKind {
    /// Loads a page and its parts in one visit, and waits forever unless [`IncidentPlan::patience`] says otherwise.
    Browser,
    /// A mobile app, which gives up after half a minute unless [`IncidentPlan::patience`] says otherwise.
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

/// How long a caller waits for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::simulate) enum Patience {
    /// A timeout, and how late it may fire.
    Constant { time: Micros, jitter: Micros },
    /// People: each leaves after an exponentially distributed time with this mean.
    Leaves(Micros),
}

/// A factor on the rate of visits that changes linearly between two minutes: from `factors.0` at `minutes.0` to
/// `factors.1` at `minutes.1`.
#[derive(Clone, Copy)]
pub(in crate::simulate) struct Surge {
    /// Minutes of the run's nominal length.
    pub(in crate::simulate) minutes: (u32, u32),
    pub(in crate::simulate) factors: (f64, f64),
}

/// How WebSocket connections are used.
#[derive(Clone, Copy)]
pub(in crate::simulate) struct SocketHabits {
    /// The share that sends something at this interval for as long as it is open.
    pub(in crate::simulate) pinging: f64,
    pub(in crate::simulate) ping: Micros,
    /// The share of the others that never sends anything.
    pub(in crate::simulate) silent: f64,
    /// Mean time until the client closes it.
    pub(in crate::simulate) stay: Micros,
}

/// Clients that call at fixed intervals.
#[derive(Clone, Copy)]
pub(in crate::simulate) struct Poller {
    pub(in crate::simulate) period: Micros,
    /// Their share of all requests.
    pub(in crate::simulate) share: f64,
    /// `Some` if they call at multiples of their period on the clock, at most this late. `None`: each one drifts.
    pub(in crate::simulate) aligned: Option<Micros>,
}

impl Poller {
    pub(in crate::simulate) const fn every(period: Micros, share: f64) -> Self {
        Self { period, share, aligned: None }
    }
}
