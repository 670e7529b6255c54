//! Targets.

use super::cause::Cause;
use super::group::GroupIndex;
use super::server::{KeepAlive, Server, Stalls};
use crate::simulate::time::{MILLISECOND, SECOND};

/// An index into [`Plan::targets`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::simulate) struct TargetIndex(pub(in crate::simulate) usize);

/// An address where a process may run.
#[derive(Clone, Copy)]
pub(in crate::simulate) struct Target {
    pub(in crate::simulate) group: GroupIndex,
    pub(in crate::simulate) address: [u8; 4],
    pub(in crate::simulate) keep_alive: KeepAlive,
    pub(in crate::simulate) stalls: Option<Stalls>,
    /// All answers take this many times as long as their route says.
    pub(in crate::simulate) pace: f64,
    /// Whether nodes send to it when the run begins.
    pub(in crate::simulate) is_registered: bool,
    /// Whether its process runs, and listens, when the run begins.
    pub(in crate::simulate) is_running: bool,
    /// The cause of refused connections if its process does not run when the run begins.
    pub(in crate::simulate) absent: Cause,
    pub(in crate::simulate) server: Server,
}

impl Target {
    /// A sound target: its process keeps idle connections for longer than the load balancer does.
    pub(in crate::simulate) fn at(address: [u8; 4]) -> Self {
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
    pub(in crate::simulate) fn later(self) -> Self {
        Self { is_registered: false, is_running: false, ..self }
    }
}
