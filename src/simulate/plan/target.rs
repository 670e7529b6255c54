//! Targets.

use super::cause::TrueCause;
use super::group::GroupIndex;
use super::server::{KeepAlivePolicy, ServerModel, Stalls};
use crate::simulate::time::{MILLISECOND, Micros, SECOND};

/// An index into [`IncidentPlan::targets`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::simulate) struct TargetIndex(pub(in crate::simulate) usize);

/// An address where a process may run.
#[derive(Clone, Copy)]
pub(in crate::simulate) struct PlannedTarget {
    pub(in crate::simulate) group: GroupIndex,
    pub(in crate::simulate) address: [u8; 4],
    pub(in crate::simulate) keep_alive: KeepAlivePolicy,
    pub(in crate::simulate) stalls: Option<Stalls>,
    /// All answers take this many times as long as their route says.
    pub(in crate::simulate) pace: f64,
    /// Whether nodes send to it when the run begins.
    pub(in crate::simulate) is_registered: bool,
    /// Whether its process runs, and listens, when the run begins.
    pub(in crate::simulate) is_running: bool,
    /// The cause of refused connections if its process does not run when the run begins.
    pub(in crate::simulate) absent: TrueCause,
    pub(in crate::simulate) server: ServerModel,
    /// Something between nodes and the target forgets connections that were quiet for longer than this, and drops what
    /// comes on them from then on.
    pub(in crate::simulate) forgotten_after: Option<Micros>,
}

impl PlannedTarget {
    /// A sound target: its process keeps idle connections for longer than the load balancer does.
    pub(in crate::simulate) fn at(address: [u8; 4]) -> Self {
        Self {
            group: GroupIndex(0),
            address,
            keep_alive: KeepAlivePolicy::precise(75 * SECOND, 5 * MILLISECOND),
            stalls: Some(Stalls { gap: 900 * MILLISECOND, length: 4 * MILLISECOND, spread: 0.4 }),
            pace: 1.0,
            is_registered: true,
            is_running: true,
            absent: TrueCause::ConnectionRefused,
            server: ServerModel::plain(),
            forgotten_after: None,
        }
    }

    /// Not there yet: neither registered nor running.
    pub(in crate::simulate) fn later(self) -> Self {
        Self { is_registered: false, is_running: false, ..self }
    }
}
