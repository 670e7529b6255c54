//! A target whose number of connections is limited, and the long-lived connections that take most of them.

use super::Engine;
use super::event::ModelEvent;
use crate::simulate::plan::TrueCause;
use crate::simulate::time::{Micros, SECOND};

/// Mean length of a long-lived connection.
const STAY: Micros = 20 * SECOND;

impl Engine<'_> {
    /// Whether the target may have `more` connections. If it has too few left, it gives up idle ones for them.
    pub(super) fn makes_room(&mut self, target: usize, more: usize) -> bool {
        let Some(limit) = self.plan.targets[target].server.connections else { return true };
        let is_open =
            |connection: &super::TargetConnection| connection.target == target && connection.closed_by.is_none();
        loop {
            let open = self.connections.keys_where(is_open).len();
            // A request in service has a connection to the upstream too.
            let upstream = self.connections.keys_where(|connection| is_open(connection) && connection.is_serving).len();
            let (crowd, _) = self.targets[target].crowd;
            if open + upstream + crowd as usize + more <= limit as usize {
                return true;
            }
            let idle = self
                .connections
                .keys_where(|connection| is_open(connection) && !connection.is_serving && connection.has_answered);
            let oldest = idle.into_iter().min_by_key(|key| self.connections.get(*key).map(|idle| idle.pooled));
            let Some(oldest) = oldest else { return false };
            self.close(oldest, TrueCause::ConnectionsExhausted, 0);
        }
    }

    /// Long-lived connections come until there are `size`, and whichever ends is replaced.
    pub(super) fn resize_crowd(&mut self, target: usize, size: u32) {
        let state = &mut self.targets[target];
        state.crowd.1 = size;
        state.crowd_change += 1;
        let change = state.crowd_change;
        self.next_in_crowd(target, change);
    }

    fn next_in_crowd(&mut self, target: usize, change: u32) {
        let (now, size) = self.targets[target].crowd;
        if now + size > 0 {
            let wait = self.chance.exponential(STAY / i64::from(now + size)) + 1;
            self.after(wait, ModelEvent::Crowd { target, change });
        }
    }

    /// One long-lived connection begins or ends.
    pub(super) fn crowd(&mut self, target: usize, change: u32) {
        if self.targets[target].crowd_change != change {
            return;
        }
        let (now, size) = self.targets[target].crowd;
        if self.chance.below(now + size) >= size {
            self.targets[target].crowd.0 -= 1;
        } else if self.makes_room(target, 1) {
            self.targets[target].crowd.0 += 1;
        }
        self.next_in_crowd(target, change);
    }
}
