//! What is done to targets from outside.

use super::{Engine, Event};
use crate::simulate::plan::{Action, Cause, MILLISECOND, Micros, TargetIndex};

/// A dying process's sockets are closed one after the other within this time.
const TEARDOWN: Micros = 40 * MILLISECOND;

impl Engine<'_> {
    pub(super) fn intervene(&mut self, TargetIndex(target): TargetIndex, action: Action) {
        let state = &mut self.targets[target];
        match action {
            Action::Start => state.is_running = true,
            Action::Crash => self.take_process(target, Cause::TargetCrash),
            Action::Stop => self.take_process(target, Cause::DeployWithoutDraining),
            Action::Blackhole => state.is_blackholed = true,
            Action::Restore => state.is_blackholed = false,
            Action::Pace(pace) => state.pace = pace,
            Action::RoutePace(route, pace) => {
                if let Some(place) = state.route_pace.get_mut(route) {
                    *place = pace;
                }
            }
            Action::Register | Action::Deregister => {
                let is_registered = matches!(action, Action::Register);
                state.is_registered = is_registered;
                for node in 0..self.nodes.len() {
                    // It takes a while until every node knows.
                    let delay = self.network.between(100 * MILLISECOND, 1500 * MILLISECOND);
                    self.after(delay, Event::Learn { node, target, is_registered });
                }
                if !is_registered {
                    let delay = self.plan.groups[self.plan.targets[target].group.0].deregistration_delay;
                    self.after(delay, Event::DelayElapsed(target));
                }
            }
        }
    }

    /// The process is gone: nothing listens, and the kernel closes what was open.
    pub(super) fn take_process(&mut self, target: usize, cause: Cause) {
        self.targets[target].is_running = false;
        self.targets[target].taken_by = cause;
        let open =
            self.connections.keys_where(|connection| connection.target == target && connection.closed_by.is_none());
        for connection in open {
            let delay = self.network.between(0, TEARDOWN);
            self.close(connection, cause, delay);
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
                self.cut(request, Cause::DeregistrationDelayElapsed);
            }
        }
    }
}
