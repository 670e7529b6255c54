//! The network between nodes and targets: delays, lost packets, and how a host answers a SYN.

use super::Engine;
use super::event::ModelEvent;
use super::request::open;
use super::target_state::Process;
use crate::simulate::arena::{ArenaKey, EventOrder};
use crate::simulate::plan::TrueCause;
use crate::simulate::time::{MILLISECOND, Micros, SECOND};

/// The load balancer waits this long for a TCP connection to a target; it cannot be changed.
///
/// Source: <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html>
const CONNECT_TIMEOUT: Micros = 10 * SECOND;

/// First retransmission timeout: for a SYN, and for anything else. Each further one is twice as long.
const RETRY: (Micros, Micros) = (SECOND, 200 * MILLISECOND);

/// After this many retransmissions, about a quarter of an hour, a sender gives a connection up.
const RETRIES: u8 = 12;

impl Engine<'_> {
    pub(super) fn syn(&mut self, key: ArenaKey, attempt: u8) {
        let Some(request) = open(&mut self.requests, key) else { return };
        let (Some(target), node) = (request.target, request.node) else { return };
        let state = &mut self.targets[target];
        let server = &self.plan.targets[target].server;
        // If the kernel's queue of connections is full, it drops the SYN, and the sender tries again.
        let is_frozen = state.process == Process::Frozen;
        let holds = is_frozen || (state.process == Process::Runs && server.accepts_when_free);
        let is_full = holds && state.unaccepted >= server.backlog;
        if state.is_blackholed[node] || is_full {
            if state.is_blackholed[node] {
                request.lost_by = Some(state.lost_by);
            }
            if is_full {
                request.blame =
                    Some(if is_frozen { TrueCause::IdleTimeoutExceeded } else { TrueCause::TargetSaturated });
            }
            if attempt == 0 {
                let late = CONNECT_TIMEOUT + self.network.between(500, 1100) - (self.now - request.connecting_since);
                self.after(late, ModelEvent::ConnectTimeout(key));
            }
            self.after(RETRY.0 << attempt.min(10), ModelEvent::Syn { request: key, attempt: attempt + 1 });
            return;
        }
        if holds {
            state.unaccepted += 1;
        }
        let reply = if state.process.listens() { ModelEvent::Connected(key) } else { ModelEvent::Refused(key) };
        let delay = self.network_delay(node, target);
        self.after(delay, reply);
    }

    /// The delay in one direction between a node and a target; longer between zones.
    pub(super) fn network_delay(&mut self, node: usize, target: usize) -> Micros {
        let is_near = usize::from(self.targets[target].zone) == node % 3;
        let base = if is_near { 110 } else { 450 };
        base + self.network.exponential(90)
    }

    /// Queues `event` for something that the target sends on a connection. It arrives after everything sent before.
    pub(super) fn reach_node(&mut self, key: ArenaKey, node: usize, target: usize, event: ModelEvent) {
        let delay = self.network_delay(node, target);
        let Some(connection) = self.connections.get_mut(key) else { return };
        connection.last_arrival = connection.last_arrival.max(self.now + delay);
        self.queue.push(connection.last_arrival, EventOrder::Normal, event);
    }

    /// Whether a packet to or from the target is lost. If so, it is sent again later, as the event that `again` gives.
    pub(super) fn is_lost(&mut self, key: ArenaKey, attempt: u8, again: impl FnOnce(u8) -> ModelEvent) -> bool {
        let Some(connection) = self.connections.get(key) else { return false };
        let target = &self.targets[connection.target];
        let cause = match target.lost_by {
            _ if connection.is_forgotten => TrueCause::IdleConnectionDropped,
            cause if target.is_blackholed[connection.node] => cause,
            _ => return false,
        };
        if let Some(request) = connection.request.and_then(|request| self.requests.get_mut(request)) {
            request.lost_by = Some(cause);
        }
        if attempt < RETRIES {
            self.after(RETRY.1 << attempt, again(attempt + 1));
        }
        true
    }
}
