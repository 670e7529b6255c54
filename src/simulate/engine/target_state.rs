//! A target while the model runs: its process, and the requests that it serves.

use std::collections::VecDeque;

use crate::simulate::arena::ArenaKey;
use crate::simulate::plan::{RouteFault, ServerModel, TrueCause};
use crate::simulate::rng::Rng;
use crate::simulate::time::Micros;

/// What a target's process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Process {
    /// There is none; its host refuses connections.
    Gone,
    Runs,
    /// It does nothing, but the kernel still accepts connections for it.
    Frozen,
    /// It no longer listens, and finishes the requests that it serves.
    Ends,
}

impl Process {
    pub(super) fn listens(self) -> bool {
        matches!(self, Self::Runs | Self::Frozen)
    }
}

pub(super) struct TargetState {
    pub(super) is_registered: bool,
    pub(super) process: Process,
    /// By node: whether packets between the two are lost.
    pub(super) is_blackholed: Vec<bool>,
    /// Why they are lost.
    pub(super) lost_by: TrueCause,
    /// Why nothing listens, if the process does not.
    pub(super) taken_by: TrueCause,
    pub(super) pace: f64,
    pub(super) route_pace: Vec<f64>,
    pub(super) route_faults: Vec<Option<RouteFault>>,
    /// Goes up whenever a process starts or dies, so that events of an earlier process are recognised.
    pub(super) life: u32,
    /// Requests being served; counted only if slots are limited.
    pub(super) busy_slots: u32,
    /// Requests that wait for a slot.
    pub(super) waiting: VecDeque<Waiting>,
    /// Connections that the kernel holds until the process accepts them.
    pub(super) unaccepted: u32,
    pub(super) has_application: bool,
    pub(super) has_tls: bool,
    /// Its processes, if their life is limited or one of them may be locked.
    pub(super) workers: Vec<WorkerState>,
    /// Long-lived connections that the log does not show: how many there are, and how many there would be with room for
    /// all.
    pub(super) crowd: (u32, u32),
    /// Goes up when the crowd changes its size.
    pub(super) crowd_change: u32,
    /// Requests served since it started.
    pub(super) served: u32,
    /// At which point of a second its supervisor checks.
    pub(super) phase: Micros,
    /// The event loop does nothing before this moment.
    pub(super) busy_until: Micros,
    /// `ip:port`.
    pub(super) address: String,
    pub(super) zone: u8,
}

/// One of the processes that share a target's port.
#[derive(Clone, Copy)]
pub(super) struct WorkerState {
    /// Requests that it may still serve before it leaves.
    pub(super) left: u32,
    pub(super) phase: WorkerPhase,
}

/// What a worker process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WorkerPhase {
    Serves,
    /// It accepts no connection, and reads only if its leaving is announced.
    Leaves,
    /// It neither reads nor answers, and the kernel still gives it connections.
    Locked,
}

/// A request that a process has read.
#[derive(Clone, Copy)]
pub(super) struct Work {
    pub(super) connection: ArenaKey,
    /// How long serving it takes.
    pub(super) time: Micros,
    pub(super) end: End,
}

/// How serving a request ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Answer,
    /// The application answers before it has read the body, and closes the connection.
    EarlyAnswer,
    /// The application closes the connection.
    Close,
    /// The process dies.
    Death,
}

/// A request that waits for a slot.
pub(super) struct Waiting {
    pub(super) work: Work,
    /// The kernel holds its connection until a slot is free.
    pub(super) is_unaccepted: bool,
    pub(super) since: Micros,
}

impl WorkerState {
    /// A worker that has served nothing yet.
    pub(super) fn fresh(server: &ServerModel, chance: &mut Rng) -> Self {
        let left = server.worker_life.map_or(u32::MAX, |life| life.requests + chance.below(life.jitter));
        Self { left, phase: WorkerPhase::Serves }
    }
}

/// The workers of a target when its process starts.
pub(super) fn workers(server: &ServerModel, chance: &mut Rng) -> Vec<WorkerState> {
    let count = if server.worker_life.is_some() || server.processes > 1 { server.processes } else { 0 };
    (0..count).map(|_| WorkerState::fresh(server, chance)).collect()
}
