//! Carries out the actions of the timeline on targets.

use super::Engine;
use super::event::ModelEvent;
use super::target_state::Process;
use crate::simulate::plan::{TargetAction, TargetIndex, TrueCause};
use crate::simulate::time::{MILLISECOND, MINUTE, Micros};

/// A dying process's sockets are closed one after the other within this time.
pub(super) const TEARDOWN: Micros = 40 * MILLISECOND;

impl Engine<'_> {
    pub(super) fn intervene(&mut self, TargetIndex(target): TargetIndex, action: TargetAction) {
        let state = &mut self.targets[target];
        match action {
            TargetAction::Start => self.start(target),
            TargetAction::Crash => self.take_process(target, TrueCause::TargetCrash),
            TargetAction::Stop => self.take_process(target, TrueCause::DeployWithoutDraining),
            TargetAction::Remove => self.take_process(target, TrueCause::TargetsRemoved),
            TargetAction::Vanish => {
                state.is_blackholed.fill(true);
                state.lost_by = TrueCause::TargetsRemoved;
            }
            TargetAction::KillProcess => {
                let processes = self.plan.targets[target].server.processes;
                let process = self.chance.below(processes);
                self.take_one_process(target, process);
            }
            TargetAction::Terminate(grace) => self.terminate(target, grace, TrueCause::DeployWithoutDraining),
            TargetAction::Reload(grace) => self.reload(target, grace),
            TargetAction::ReloadAnnounced => {
                let open = self.connections.keys_where(|connection| connection.target == target);
                for key in open {
                    if let Some(connection) = self.connections.get_mut(key) {
                        connection.is_last = true;
                    }
                }
            }
            TargetAction::LockProcess(time) => self.lock_process(target, time),
            TargetAction::Crowd(size) => self.resize_crowd(target, size),
            TargetAction::Restart(away) => {
                // It has ended by itself when the other one listens.
                self.terminate(target, away + MINUTE, TrueCause::RestartInPlace);
                let life = self.targets[target].life;
                self.after(away, ModelEvent::Restarted { target, life });
            }
            TargetAction::Freeze(time) => {
                state.busy_until = state.busy_until.max(self.now + time);
                state.process = Process::Frozen;
                let life = state.life;
                self.after(time, ModelEvent::Thawed { target, life });
            }
            TargetAction::Blackhole => state.is_blackholed.fill(true),
            TargetAction::BlackholeFrom(node) => {
                let node = node % state.is_blackholed.len().max(1);
                if let Some(is_blackholed) = state.is_blackholed.get_mut(node) {
                    *is_blackholed = true;
                }
            }
            TargetAction::Restore => state.is_blackholed.fill(false),
            TargetAction::RouteFault(route, fault) => {
                if let Some(current) = state.route_faults.get_mut(route) {
                    *current = fault;
                }
            }
            TargetAction::Application(runs) => state.has_application = runs,
            TargetAction::Tls(works) => state.has_tls = works,
            TargetAction::Pace(pace) => state.pace = pace,
            TargetAction::RoutePace(route, pace) => {
                if let Some(current) = state.route_pace.get_mut(route) {
                    *current = pace;
                }
            }
            TargetAction::Register | TargetAction::Deregister => {
                let is_registered = matches!(action, TargetAction::Register);
                state.is_registered = is_registered;
                for node in 0..self.nodes.len() {
                    // It takes a while until every node knows.
                    let delay = self.network.between(100 * MILLISECOND, 1500 * MILLISECOND);
                    self.after(delay, ModelEvent::Learn { node, target, is_registered });
                }
                if !is_registered {
                    let delay = self.plan.groups[self.plan.targets[target].group.0].deregistration_delay;
                    self.after(delay, ModelEvent::DelayElapsed(target));
                }
            }
        }
    }

    /// A process starts, and listens.
    fn start(&mut self, target: usize) {
        self.forget_process(target);
        self.targets[target].process = Process::Runs;
    }

    /// The process is gone: nothing listens, and the kernel closes what was open.
    pub(super) fn take_process(&mut self, target: usize, cause: TrueCause) {
        self.forget_process(target);
        self.targets[target].taken_by = cause;
        let open =
            self.connections.keys_where(|connection| connection.target == target && connection.closed_by.is_none());
        for connection in open {
            let delay = self.network.between(0, TEARDOWN);
            self.close(connection, cause, delay);
        }
        // Only a crash is followed by a restart: whoever stops a process does not want it back.
        let restart = self.plan.targets[target].server.restart.filter(|_| cause == TrueCause::TargetCrash);
        if let Some(restart) = restart {
            let life = self.targets[target].life;
            let time = self.chance.between(restart - restart / 4, restart + restart / 4);
            self.after(time, ModelEvent::Restarted { target, life });
        }
    }

    pub(super) fn restarted(&mut self, target: usize, life: u32) {
        if self.targets[target].life == life {
            self.start(target);
        }
    }

    /// One of the processes that share the port dies, and its connections with it. Another replaces it immediately.
    pub(super) fn take_one_process(&mut self, target: usize, process: u32) {
        let open = self.connections.keys_where(|connection| {
            connection.target == target && connection.process == process && connection.closed_by.is_none()
        });
        for connection in open {
            let delay = self.chance.between(0, TEARDOWN);
            self.close(connection, TrueCause::TargetCrash, delay);
        }
    }

    /// Drops the requests, counters and pauses of the process.
    fn forget_process(&mut self, target: usize) {
        let state = &mut self.targets[target];
        state.life += 1;
        (state.busy_slots, state.unaccepted, state.served) = (0, 0, 0);
        state.waiting.clear();
        if std::mem::replace(&mut state.process, Process::Gone) == Process::Frozen {
            state.busy_until = self.now;
        }
    }

    fn terminate(&mut self, target: usize, grace: Micros, cause: TrueCause) {
        let state = &mut self.targets[target];
        state.process = Process::Ends;
        state.taken_by = cause;
        let life = state.life;
        let idle = self.connections.keys_where(|connection| {
            connection.target == target && !connection.is_serving && connection.closed_by.is_none()
        });
        for connection in idle {
            let delay = self.chance.between(0, TEARDOWN);
            self.close(connection, cause, delay);
        }
        self.after(grace, ModelEvent::GraceOver { target, life });
    }

    pub(super) fn grace_over(&mut self, target: usize, life: u32) {
        let state = &self.targets[target];
        if state.life == life && state.process == Process::Ends {
            self.take_process(target, state.taken_by);
        }
    }

    pub(super) fn thawed(&mut self, target: usize, life: u32) {
        let state = &mut self.targets[target];
        if state.life == life && state.process == Process::Frozen {
            state.process = Process::Runs;
            if !self.plan.targets[target].server.accepts_when_free {
                // It accepts all connections that the kernel held.
                state.unaccepted = 0;
            }
        }
    }

    pub(super) fn learn(&mut self, node: usize, target: usize, is_registered: bool) {
        let node = &mut self.nodes[node];
        let (registered, _) = &mut node.registered[self.plan.targets[target].group.0];
        registered.retain(|&other| other != target);
        if is_registered {
            registered.push(target);
            return;
        }
        for idle in std::mem::take(&mut node.pools[target]) {
            self.connections.remove(idle);
        }
    }

    pub(super) fn delay_elapsed(&mut self, target: usize) {
        if self.targets[target].is_registered {
            return;
        }
        for key in self.connections.keys_where(|connection| connection.target == target) {
            if let Some(request) = self.connections.remove(key).and_then(|connection| connection.request) {
                self.cut(request, TrueCause::DeregistrationDelayElapsed);
            }
        }
    }
}
