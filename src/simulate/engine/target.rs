//! The target's side: a process reads requests, answers them, and closes idle connections.

use super::Engine;
use super::event::ModelEvent;
use super::target_state::{End, Work};
use crate::simulate::arena::{ArenaKey, EventOrder};
use crate::simulate::plan::{FaultKind, KeepAlivePolicy, KeepAliveTimer, TrueCause};
use crate::simulate::rng::scaled;
use crate::simulate::time::{MILLISECOND, MINUTE, Micros};
use crate::simulate::traffic::Call;

impl Engine<'_> {
    pub(super) fn deliver(&mut self, key: ArenaKey, attempt: u8) {
        if self.is_lost(key, attempt, |attempt| ModelEvent::Deliver { connection: key, attempt }) {
            return;
        }
        let Some(connection) = self.connections.get(key) else { return };
        // If the target has closed the connection, the node's `Closed` event is already on its way.
        if connection.closed_by.is_none() {
            let at = self.now.max(self.targets[connection.target].busy_until);
            self.queue.push(at, EventOrder::Normal, ModelEvent::Read(key));
        }
    }

    pub(super) fn read(&mut self, key: ArenaKey) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        if connection.closed_by.is_some() {
            return;
        }
        let target = &self.targets[connection.target];
        if target.busy_until > self.now {
            self.queue.push(target.busy_until, EventOrder::Normal, ModelEvent::Read(key));
            return;
        }
        let (index, process) = (connection.target, connection.process);
        if !self.worker_reads(key, index, process) {
            return;
        }
        let Some(connection) = self.connections.get_mut(key) else { return };
        connection.is_serving = true;
        let has_upstream = self.makes_room(index, 0);
        let Some(connection) = self.connections.get_mut(key) else { return };
        let target = &self.targets[index];
        let Some(request) = connection.request.and_then(|request| self.requests.get_mut(request)) else { return };
        let (time, route_index, answer) = match request.arrival.call {
            Call::PlannedRoute { route, .. } => {
                let routes = self.plan.groups[request.arrival.group].routes;
                let route_index = routes.iter().position(|other| std::ptr::eq(other, route));
                let status = route.statuses[self.service.weighted(route.statuses.iter().map(|entry| entry.1))].0;
                let bytes = match status {
                    200..=299 => self.service.log_normal(i64::from(route.bytes.1), 0.6),
                    101 => self.service.between(129, 190),
                    304 => self.service.between(150, 260),
                    _ => self.service.between(260, 900),
                };
                let time = self.service.log_normal(route.median, route.sigma);
                (time, route_index, (status, bytes))
            }
            // No application knows what scanners ask for.
            _ => (self.service.log_normal(3 * MILLISECOND, 0.5), None, (404, self.service.between(260, 900))),
        };
        // A node never gets a connection back that was upgraded.
        connection.is_last |= answer.0 == 101;
        request.answer = Some((answer.0, u32::try_from(answer.1.max(0)).unwrap_or(u32::MAX)));
        let slowness = route_index.map_or(1.0, |index| target.route_pace[index]) * target.pace;
        let mut time = scaled(time, slowness) + 300 + request.upload;
        let mut end = End::Answer;
        if let Some(fault) = route_index.and_then(|index| target.route_faults[index])
            && self.chance.is(fault.share)
        {
            let page = 180 + self.chance.below(400);
            match fault.kind {
                FaultKind::Kills => end = End::Death,
                FaultKind::Closes => end = End::Close,
                FaultKind::RefusesBody(status, above) if request.body >= above => {
                    (request.answer, end) = (Some((status, page)), End::EarlyAnswer);
                    time = self.chance.log_normal(4 * MILLISECOND, 0.6);
                }
                FaultKind::RefusesBody(..) => {}
                FaultKind::Malformed => request.is_malformed = true,
                FaultKind::Status(status, cause) => {
                    (request.answer, request.blame) = (Some((status, page)), Some(cause));
                }
                FaultKind::Waits(wait, status) => {
                    (request.answer, request.blame) = (Some((status, page)), Some(TrueCause::DependencyOutage));
                    time += wait + self.chance.exponential(2 * MILLISECOND);
                }
                FaultKind::Hangs => {
                    (request.answer, request.blame) = (None, Some(TrueCause::DependencyOutage));
                    time += self.plan.idle_timeout + self.chance.exponential(5 * MINUTE);
                }
            }
        }
        if let Some(proxy) = self.plan.targets[index].server.proxy {
            let given_up = if !target.has_application {
                Some((proxy.statuses.1, self.chance.between(300, 2 * MILLISECOND)))
            } else if time > proxy.timeout {
                Some((proxy.statuses.0, proxy.timeout + self.chance.between(200, 3 * MILLISECOND)))
            } else {
                None
            };
            if let Some((status, after)) = given_up {
                (request.answer, request.blame) = (Some((status, proxy.page)), Some(TrueCause::InnerProxyError));
                time = after;
            }
        }
        if !has_upstream {
            (request.answer, request.blame) = (Some((500, 357)), Some(TrueCause::ConnectionsExhausted));
            time = 200 + self.chance.exponential(300);
        }
        self.take_up(index, Work { connection: key, time, end });
        if matches!(self.plan.targets[index].keep_alive.timer, KeepAliveTimer::Sweep { .. }) {
            self.sweep(index);
        }
    }

    /// Something woke the event loop of a target without timers: it closes the connections that are due, even if
    /// requests are on their way on them.
    pub(super) fn sweep(&mut self, target: usize) {
        let now = self.now;
        let due = self.connections.keys_where(|connection| {
            connection.target == target
                && connection.closed_by.is_none()
                && !connection.is_serving
                && connection.expires <= now
        });
        for connection in due {
            // The worker's threads take turns with the loop, so it gets to this a little later.
            let delay = self.service.exponential(2 * MILLISECOND);
            self.close(connection, TrueCause::KeepAliveRace, delay);
        }
    }

    pub(super) fn answer(&mut self, key: ArenaKey) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        if connection.closed_by.is_some() {
            return;
        }
        let busy_until = self.targets[connection.target].busy_until;
        if busy_until > self.now {
            self.queue.push(busy_until, EventOrder::Normal, ModelEvent::Answer(key));
            return;
        }
        let (node, target, process) = (connection.node, connection.target, connection.process);
        if self.is_locked(target, process) {
            return;
        }
        let Some(connection) = self.connections.get_mut(key) else { return };
        connection.is_serving = false;
        connection.has_answered = true;
        let KeepAlivePolicy { idle, timer } = self.plan.targets[target].keep_alive;
        let smear = if let KeepAliveTimer::Precise { smear } = timer { self.service.between(0, smear) } else { 0 };
        connection.expires = self.now + idle + smear;
        // One event per connection: if the connection was used in the meantime, the event is queued again.
        if !connection.has_timer {
            connection.has_timer = true;
            let expires = connection.expires;
            self.queue.push(expires, EventOrder::KeepAliveTimer, ModelEvent::TimerDue(key));
        }
        self.reach_node(key, node, target, ModelEvent::Answered { connection: key, attempt: 0 });
        self.worker_answered(key, target, process);
    }

    pub(super) fn timer_due(&mut self, key: ArenaKey) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        if connection.closed_by.is_some() {
            return;
        }
        if connection.is_serving {
            connection.has_timer = false;
            return;
        }
        let (index, process) = (connection.target, connection.process);
        if self.has_no_loop(index, process) {
            return;
        }
        let Some(connection) = self.connections.get_mut(key) else { return };
        let expires = connection.expires;
        let tick = self.plan.targets[connection.target].keep_alive.timer.tick();
        let noticed = tick.map_or(expires, |tick| expires + (-expires).rem_euclid(tick));
        let due = noticed.max(self.targets[connection.target].busy_until);
        if due > self.now {
            // A busy loop runs its timers first when it is free again, and only then reads its sockets: a request that
            // came in meanwhile finds its connection closed.
            self.queue.push(due, EventOrder::KeepAliveTimer, ModelEvent::TimerDue(key));
            return;
        }
        if connection.request.is_none() && self.now - connection.pooled >= self.plan.idle_timeout {
            // The node closed it at the idle timeout, before the target would have.
            let (node, target) = (connection.node, connection.target);
            self.nodes[node].pools[target].retain(|&pooled| pooled != key);
            self.connections.remove(key);
            return;
        }
        self.close(key, TrueCause::KeepAliveRace, 0);
    }

    /// The target closes a connection; the node learns of it when the packet arrives.
    pub(super) fn close(&mut self, key: ArenaKey, cause: TrueCause, delay: Micros) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        connection.closed_by = Some(cause);
        connection.last_arrival = connection.last_arrival.max(self.now + delay);
        let (node, target) = (connection.node, connection.target);
        self.reach_node(key, node, target, ModelEvent::Closed { connection: key, attempt: 0 });
    }

    pub(super) fn stall(&mut self, target: usize) {
        let Some(stalls) = self.plan.targets[target].stalls else { return };
        let length = self.service.log_normal(stalls.length, stalls.spread);
        let busy_until = &mut self.targets[target].busy_until;
        // A longer pause may have begun already.
        *busy_until = (*busy_until).max(self.now + length);
        let next = length + self.service.exponential(stalls.gap) + 1;
        self.after(next, ModelEvent::Stall(target));
    }
}
