//! Worker processes that share a target's port: they are recycled, reloaded and locked.

use super::Engine;
use super::event::ModelEvent;
use super::intervention::TEARDOWN;
use super::request::request_mut;
use super::target_state::{WorkerPhase, WorkerState};
use crate::simulate::arena::ArenaKey;
use crate::simulate::plan::{TrueCause, WorkerLeaves, WorkerLife};
use crate::simulate::time::{MILLISECOND, Micros, SECOND};

/// About how long a worker takes from its last answer to its end: it runs what was registered for its exit.
const EXIT: Micros = 120 * MILLISECOND;

impl Engine<'_> {
    /// The process that gets a new connection: any that has not stopped accepting.
    pub(super) fn accepting_process(&mut self, target: usize, processes: u32) -> u32 {
        let workers = &self.targets[target].workers;
        let accepts =
            |process: u32| workers.get(process as usize).is_none_or(|worker| worker.phase != WorkerPhase::Leaves);
        let accepting: Vec<u32> = (0..processes).filter(|process| accepts(*process)).collect();
        match accepting[..] {
            [] => self.chance.below(processes),
            _ => accepting[self.chance.index(accepting.len())],
        }
    }

    pub(super) fn is_locked(&self, target: usize, process: u32) -> bool {
        let worker = self.targets[target].workers.get(process as usize);
        worker.is_some_and(|worker| worker.phase == WorkerPhase::Locked)
    }

    /// Whether the worker runs no event loop any more, so that nothing closes its idle connections.
    pub(super) fn has_no_loop(&self, target: usize, process: u32) -> bool {
        let announces = |life: WorkerLife| life.way == WorkerLeaves::Announced;
        let leaves = !self.plan.targets[target].server.worker_life.is_some_and(announces);
        let worker = self.targets[target].workers.get(process as usize);
        worker.is_some_and(|worker| match worker.phase {
            WorkerPhase::Serves => false,
            WorkerPhase::Leaves => leaves,
            WorkerPhase::Locked => true,
        })
    }

    /// Whether the worker reads the request that has come on a connection of its own. If not, it lies there.
    pub(super) fn worker_reads(&mut self, connection: ArenaKey, target: usize, process: u32) -> bool {
        let way = self.plan.targets[target].server.worker_life.map(|life| life.way);
        let Some(worker) = self.targets[target].workers.get_mut(process as usize) else { return true };
        let cause = match (worker.phase, way) {
            (WorkerPhase::Serves, None) | (WorkerPhase::Leaves, Some(WorkerLeaves::Announced)) => return true,
            (WorkerPhase::Serves, Some(_)) => {
                worker.left = worker.left.saturating_sub(1);
                if worker.left == 0 {
                    worker.phase = WorkerPhase::Leaves;
                }
                return true;
            }
            (WorkerPhase::Leaves, Some(WorkerLeaves::Hangs(_))) | (WorkerPhase::Locked, _) => TrueCause::NeverAnswered,
            (WorkerPhase::Leaves, _) => TrueCause::ServerRecycling,
        };
        self.never_read(connection, cause);
        false
    }

    fn never_read(&mut self, connection: ArenaKey, cause: TrueCause) {
        let request = self.connections.get(connection).and_then(|connection| connection.request);
        if let Some(request) = request {
            request_mut(&mut self.requests, request, |request| request.blame = Some(cause));
        }
    }

    /// A worker has answered. If it leaves and serves nothing more, it ends soon.
    pub(super) fn worker_answered(&mut self, key: ArenaKey, target: usize, process: u32) {
        let Some(worker) = self.targets[target].workers.get(process as usize) else { return };
        let Some(life) = self.plan.targets[target].server.worker_life else { return };
        if worker.phase != WorkerPhase::Leaves {
            return;
        }
        let is_own = |connection: &super::TargetConnection| {
            connection.target == target && connection.process == process && connection.closed_by.is_none()
        };
        let (wait, cause) = match life.way {
            WorkerLeaves::Announced => {
                if let Some(connection) = self.connections.get_mut(key) {
                    connection.is_last = true;
                }
                // Until then, the node has closed whatever it did not use again.
                (self.plan.idle_timeout + SECOND, TrueCause::ServerRecycling)
            }
            WorkerLeaves::Unannounced => (self.chance.log_normal(EXIT, 0.6), TrueCause::ServerRecycling),
            WorkerLeaves::Hangs(time) => (time, TrueCause::NeverAnswered),
        };
        let serving = self.connections.keys_where(|connection| is_own(connection) && connection.is_serving);
        if serving.is_empty() || life.way == WorkerLeaves::Announced {
            let life = self.targets[target].life;
            self.after(wait, ModelEvent::WorkerOver { target, process, life, cause });
        }
    }

    /// The worker has ended: the kernel closes its connections, and another one takes its place.
    pub(super) fn worker_over(&mut self, target: usize, process: u32, life: u32, cause: TrueCause) {
        let server = &self.plan.targets[target].server;
        let state = &mut self.targets[target];
        let worker = state.workers.get_mut(process as usize).filter(|_| state.life == life);
        let Some(worker) = worker.filter(|worker| worker.phase != WorkerPhase::Serves) else { return };
        *worker = WorkerState::fresh(server, &mut self.chance);
        if server.worker_life.is_some_and(|life| life.way == WorkerLeaves::Announced) {
            return;
        }
        self.close_connections(target, process, cause);
    }

    fn close_connections(&mut self, target: usize, process: u32, cause: TrueCause) {
        let open = self.connections.keys_where(|connection| {
            connection.target == target && connection.process == process && connection.closed_by.is_none()
        });
        for connection in open {
            let delay = self.chance.between(0, TEARDOWN);
            self.close(connection, cause, delay);
        }
    }

    /// One of the processes neither reads nor answers any more, until it is killed.
    pub(super) fn lock_process(&mut self, target: usize, time: Micros) {
        let process = self.chance.below(self.plan.targets[target].server.processes);
        let Some(worker) = self.targets[target].workers.get_mut(process as usize) else { return };
        worker.phase = WorkerPhase::Locked;
        let serving = self.connections.keys_where(|connection| {
            connection.target == target && connection.process == process && connection.is_serving
        });
        for connection in serving {
            self.never_read(connection, TrueCause::NeverAnswered);
        }
        let life = self.targets[target].life;
        self.after(time, ModelEvent::WorkerOver { target, process, life, cause: TrueCause::NeverAnswered });
    }

    /// New processes take over the port. The old ones close idle connections, and finish their requests within `grace`.
    pub(super) fn reload(&mut self, target: usize, grace: Micros) {
        let life = self.targets[target].life;
        let open =
            self.connections.keys_where(|connection| connection.target == target && connection.closed_by.is_none());
        for key in open {
            let Some(connection) = self.connections.get_mut(key) else { continue };
            connection.is_last = true;
            let (is_serving, late) = (connection.is_serving, self.chance.between(0, TEARDOWN));
            let wait = if is_serving { grace + late } else { late };
            self.after(wait, ModelEvent::CutOff { connection: key, life, cause: TrueCause::ServerRecycling });
        }
    }
}
