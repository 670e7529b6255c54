//! Data for the pictures: requests over time and elapsed time, timeouts to compare them with, failures over time by
//! cause.
//!
//! All pictures share one grid. It has at most [`MAX_TIME_BINS`] time bins, which are wider for a longer log, and
//! four elapsed-time bins to a power of two. So pictures do not grow with the length of the logs.

mod builder;
mod charts;
mod failures_over_time;
mod grid;

use serde::Serialize;

use super::scope::ScopeRow;
use crate::classify::Outcome;
use crate::diagnose::IdleTimeoutOrigin;
use crate::timestamp::Timestamp;

pub(super) use charts::Charts;

/// At most this many time bins.
pub const MAX_TIME_BINS: usize = 128;

/// At most this many pictures each of load balancers, of target groups and of targets: those with most failures.
pub const MAX_TIMINGS: usize = 32;

/// The numbers that the pictures draw. Bins are given by their index.
#[derive(Clone, Debug, Serialize)]
pub struct Pictures {
    /// Start of the first time bin; `None` if there are no requests.
    pub start: Option<Timestamp>,
    /// Width of a time bin: 60, 120, 240, … seconds.
    pub time_bin_seconds: i64,
    /// How many time bins there are, up to the end of the log; 0 if there are no requests.
    pub time_bins: usize,
    /// Lower edges of the elapsed-time bins, in seconds. The first bin also has shorter times, the last also longer
    /// ones.
    pub elapsed_bins: Vec<f64>,
    /// Timeouts to compare elapsed times with.
    pub marks: Vec<Mark>,
    /// First one of all requests. Then one per load balancer if there are several, one per target group, and one per
    /// target: of each kind at most [`MAX_TIMINGS`], those with most failures first.
    pub timings: Vec<TimingPicture>,
    /// Failures in no finding: (index of the time bin, failures). Only bins with failures.
    pub unexplained: Vec<(usize, u64)>,
}

/// The kind of timeout that a mark shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MarkKind {
    /// The load balancer's idle timeout.
    IdleTimeout,
    /// The load balancer's connect timeout to its targets.
    ConnectTimeout,
    /// A timeout of a target, proxy or client at which requests were cut off.
    Timeout,
    /// How long targets keep an idle connection open.
    KeepAlive,
}

/// A timeout, drawn as a line.
#[derive(Clone, Debug, Serialize)]
pub struct Mark {
    /// The kind of timeout.
    pub kind: MarkKind,
    /// The timeout, in seconds.
    pub seconds: f64,
    /// Where the idle timeout is known from; `None` for the other kinds.
    pub origin: Option<IdleTimeoutOrigin>,
    /// What it was found at; `None` for the load balancer's own timeouts.
    pub scope: Option<ScopeRow>,
    /// Index of the finding that it comes from; `None` for the load balancer's own timeouts.
    pub finding: Option<usize>,
}

/// Requests over time and elapsed time.
#[derive(Clone, Debug, Serialize)]
pub struct TimingPicture {
    /// Resource id; `None` for the requests of all load balancers.
    pub load_balancer: Option<String>,
    /// ARN; `None` for a whole load balancer, and for requests that no rule forwarded.
    pub target_group: Option<String>,
    /// `address:port`; `None` for more than one.
    pub target: Option<String>,
    /// Requests seen.
    pub requests: u64,
    /// How many of them failed.
    pub failures: u64,
    /// How many of them are WebSocket connections. Their elapsed time is the life of the connection, so they are in
    /// neither `density` nor `failed`.
    pub web_sockets: u64,
    /// Requests with a known elapsed time: (index of the time bin, index of the first elapsed-time bin, requests in
    /// that bin and in each of the following ones).
    pub density: Vec<(usize, usize, Vec<u64>)>,
    /// Failed requests with a known elapsed time: (index of the time bin, index of the elapsed-time bin, outcome,
    /// requests).
    pub failed: Vec<(usize, usize, Outcome, u64)>,
    /// All failed requests: (index of the time bin, requests).
    pub failures_over_time: Vec<(usize, u64)>,
    /// How the requests compare with the idle timeout.
    pub idle_timeout: AgainstIdleTimeout,
}

/// Requests compared with the idle timeout. Each limit may be off by less than 0.8 %.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AgainstIdleTimeout {
    /// Requests whose elapsed time is known, except WebSocket connections.
    pub measured: u64,
    /// How many of them took 80 to 100 % of the idle timeout without reaching it.
    pub near: u64,
    /// Requests that reached the idle timeout: the load balancer answered them with 504.
    pub met: u64,
    /// What shorter idle timeouts would have cut off, the shortest first.
    pub what_if: Vec<WhatIf>,
}

/// A shorter idle timeout, and what it would have cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct WhatIf {
    /// That idle timeout, in seconds.
    pub seconds: u64,
    /// Requests that the target began to answer only after that time.
    pub cut_off: u64,
}
