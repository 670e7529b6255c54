//! The node's side of a request, from its arrival to its end; it goes to the target over a connection of the pool or a
//! new one.

use super::Engine;
use super::connection::TargetConnection;
use super::event::ModelEvent;
use super::request::{RequestState, open, request_mut};
use super::target_state::Process;
use crate::simulate::arena::{ArenaKey, EventOrder};
use crate::simulate::line::{Ending, Part};
use crate::simulate::plan::{DesyncMode, RequestForm, Reuse, TrueCause};
use crate::simulate::time::{MILLISECOND, Micros, SECOND};
use crate::simulate::traffic::{Arrival, Call};

impl Engine<'_> {
    pub(super) fn arrive(&mut self, arrival: Arrival) {
        let (node, peer) = self.traffic.connect(&arrival, self.now);
        let patience = self.patience(&arrival);
        let client = &self.traffic.clients[arrival.client];
        let received_bytes = match arrival.call {
            Call::PlannedRoute { route, .. } => {
                // HTTP/2 compresses headers.
                let size =
                    if client.protocol.is_http2() && !route.is_socket() { route.bytes.0 / 2 } else { route.bytes.0 };
                size + self.names.below(size / 4 + 16)
            }
            Call::Malformed => 0,
            Call::Refused(413, _) => 1_200_000 + self.names.below(4_000_000),
            Call::Refused(..) => 9_000 + self.names.below(9_000),
            _ => 90 + self.names.below(120),
        };
        let (body, upload) = self.body(&arrival);
        let request = self.requests.insert(RequestState {
            arrival,
            peer,
            node,
            received: self.now,
            received_bytes: received_bytes.saturating_add(body),
            body,
            upload,
            trace: self.names.bits128(),
            target: None,
            connection: None,
            connecting_since: 0,
            sent: None,
            lost_by: None,
            answer: None,
            blame: None,
            is_malformed: false,
            rule: match arrival.call {
                Call::PlannedRoute { .. } | Call::Probe(_) => ("forward", "-"),
                Call::Redirected(_) | Call::ProbePlain(_) => ("redirect", "-"),
                Call::Malformed | Call::Refused(..) => ("-", "-"),
            },
            ending: None,
        });
        match arrival.call {
            Call::PlannedRoute { .. } | Call::Probe(_) => {
                if let Some(patience) = patience {
                    self.after(patience, ModelEvent::GiveUp(request));
                }
                let reading = 60 + self.network.exponential(350);
                self.after(reading, ModelEvent::Dispatch(request));
            }
            Call::Redirected(_) | Call::ProbePlain(_) => {
                let sent_bytes = 300 + self.names.below(60);
                self.end_untargeted(request, self.now, 301, sent_bytes, None);
            }
            Call::Malformed => {
                // The node waits for a valid request until a slow client has sent its bytes.
                let dawdling = self.network.exponential(150 * MILLISECOND);
                self.end_untargeted(request, self.now + dawdling, 400, 272, None);
            }
            Call::Refused(status, _) => {
                // 408: the client sends nothing until the idle timeout. All others are refused by what they sent.
                let wait = if status == 408 { self.plan.idle_timeout } else { self.chance.exponential(MILLISECOND) };
                self.end_untargeted(request, self.now + wait, status, 272, None);
            }
        }
    }

    pub(super) fn dispatch(&mut self, key: ArenaKey) {
        if self.is_refused_for_its_form(key) || self.is_settled_by_rule(key) {
            return;
        }
        let Some(request) = open(&mut self.requests, key) else { return };
        let node = &mut self.nodes[request.node];
        let (registered, turn) = &mut node.registered[request.arrival.group];
        if registered.is_empty() {
            self.end_untargeted(key, self.now, 503, 337, Some(TrueCause::NoRegisteredTargets));
            return;
        }
        *turn = (*turn + 1) % registered.len();
        let target = registered[*turn];
        request.target = Some(target);
        let node = request.node;
        if let Some(connection) = self.take_idle(node, target) {
            self.send(key, connection);
            return;
        }
        request_mut(&mut self.requests, key, |request| request.connecting_since = self.now);
        let delay = self.network_delay(node, target);
        self.after(delay, ModelEvent::Syn { request: key, attempt: 0 });
    }

    /// Takes an idle connection from the pool. The node has closed those idle for longer than the idle timeout.
    pub(super) fn take_idle(&mut self, node: usize, target: usize) -> Option<ArenaKey> {
        loop {
            let pool = &mut self.nodes[node].pools[target];
            if pool.is_empty() {
                return None;
            }
            let index = match self.plan.reuse {
                Reuse::Latest(share) if self.network.is(share) => pool.len() - 1,
                Reuse::Latest(_) => self.network.index(pool.len()),
                Reuse::Oldest => 0,
            };
            let key = pool.remove(index);
            let Some(connection) = self.connections.get(key) else { continue };
            if self.now - connection.pooled < self.plan.idle_timeout {
                return Some(key);
            }
            self.connections.remove(key);
        }
    }

    pub(super) fn connected(&mut self, key: ArenaKey) {
        let Some(request) = open(&mut self.requests, key) else { return };
        let (Some(target), node) = (request.target, request.node) else { return };
        if !self.targets[target].has_tls {
            self.give_up_on_target(key, 502, TrueCause::TargetTlsHandshake);
            return;
        }
        let no_room = (!self.makes_room(target, 1)).then_some(TrueCause::ConnectionsExhausted);
        let server = &self.plan.targets[target].server;
        let process = if server.processes > 1 { self.accepting_process(target, server.processes) } else { 0 };
        let state = &self.targets[target];
        let connection = self.connections.insert(TargetConnection {
            node,
            target,
            process,
            is_unaccepted: state.process == Process::Frozen
                || (state.process == Process::Runs && server.accepts_when_free),
            request: None,
            has_answered: false,
            is_last: false,
            is_serving: false,
            expires: Micros::MAX,
            has_timer: false,
            // The process may have died since it accepted.
            closed_by: if state.process.listens() { no_room } else { Some(state.taken_by) },
            is_forgotten: false,
            pooled: self.now,
            last_arrival: self.now,
        });
        if let Some(age) = server.connection_age {
            let (life, cause) = (self.targets[target].life, TrueCause::ServerRecycling);
            self.after(i64::from(age) * SECOND, ModelEvent::CutOff { connection, life, cause });
        }
        self.send(key, connection);
        if self.connections.get(connection).is_some_and(|connection| connection.closed_by.is_some()) {
            let delay = self.network_delay(node, target);
            self.after(delay, ModelEvent::Closed { connection, attempt: 0 });
        }
    }

    pub(super) fn refused(&mut self, key: ArenaKey) {
        let Some(target) = self.requests.get(key).and_then(|request| request.target) else { return };
        let cause = self.targets[target].taken_by;
        self.give_up_on_target(key, 502, cause);
    }

    /// The node writes the request onto a connection.
    pub(super) fn send(&mut self, key: ArenaKey, connection: ArenaKey) {
        let Some(request) = open(&mut self.requests, key) else { return };
        request.sent = Some(self.now);
        // In this mode, the connection is not used again after a request that servers may read differently.
        let is_last =
            self.plan.desync_mode == DesyncMode::Defensive && matches!(request.arrival.form, RequestForm::Ambiguous(_));
        request.connection = Some(connection);
        let (Some(target), node) = (request.target, request.node) else { return };
        let forgotten_after = self.plan.targets[target].forgotten_after;
        if let Some(connection) = self.connections.get_mut(connection) {
            connection.request = Some(key);
            connection.is_last |= is_last;
            connection.is_forgotten |= forgotten_after.is_some_and(|time| self.now - connection.pooled > time);
        }
        let delay = self.network_delay(node, target);
        self.after(delay, ModelEvent::Deliver { connection, attempt: 0 });
        self.after(self.plan.idle_timeout, ModelEvent::IdleTimeout(key));
    }

    pub(super) fn answered(&mut self, key: ArenaKey, attempt: u8) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        let (node, target) = (connection.node, connection.target);
        if self.is_lost(key, attempt, |attempt| ModelEvent::Answered { connection: key, attempt }) {
            return;
        }
        let Some(connection) = self.connections.get_mut(key) else { return };
        let Some(request) = connection.request.take() else { return };
        connection.pooled = self.now;
        let is_last = connection.is_last;
        if self.requests.get(request).is_some_and(|request| request.is_malformed) {
            self.connections.remove(key);
            self.cut(request, TrueCause::MalformedResponse);
            return;
        }
        let is_known = self.nodes[node].registered.iter().any(|(registered, _)| registered.contains(&target));
        if is_known && !is_last && self.targets[target].process != Process::Ends {
            self.nodes[node].pools[target].push(key);
        } else {
            self.connections.remove(key);
        }
        let Some((received, sent, (status, bytes), blame)) = self
            .requests
            .get(request)
            .and_then(|request| Some((request.received, request.sent?, request.answer?, request.blame)))
        else {
            return;
        };
        let answered = self.now;
        let begun = answered + self.network.exponential(200);
        let parts = [(received, sent), (sent, answered), (answered, begun)].map(|(from, to)| Some(ticks(from, to)));
        if status == 101 {
            self.upgraded(request, parts, begun, bytes);
            return;
        }
        let cause = (status >= 500).then_some(blame.unwrap_or(TrueCause::ApplicationError));
        let ending = Ending { time: begun, parts, elb_status: status, target_status: Some(status), sent_bytes: bytes };
        self.end(request, ending, cause);
    }

    /// The node learns that the target closed a connection: an idle one leaves the pool, a request in flight fails.
    pub(super) fn closed(&mut self, key: ArenaKey, attempt: u8) {
        if self.is_lost(key, attempt, |attempt| ModelEvent::Closed { connection: key, attempt }) {
            return;
        }
        let Some(connection) = self.connections.remove(key) else { return };
        self.nodes[connection.node].pools[connection.target].retain(|&pooled| pooled != key);
        if let (Some(request), Some(cause)) = (connection.request, connection.closed_by) {
            self.cut(request, cause);
        }
    }

    /// Ends a request whose connection was closed before an answer: 502, with the time since it was sent.
    pub(super) fn cut(&mut self, key: ArenaKey, cause: TrueCause) {
        let Some(request) = open(&mut self.requests, key) else { return };
        // If packets were lost, that broke the connection, whatever its keep-alive timer did meanwhile.
        let cause = request.lost_by.unwrap_or(cause);
        let Some(sent) = request.sent else { return };
        let parts = [Some(ticks(request.received, sent)), Some(ticks(sent, self.now)), None];
        self.end_failed(key, parts, 502, cause);
    }

    /// Ends a request without an answer from its target: the node or the client stopped waiting, or no connection could
    /// be made. It may or may not have been sent.
    pub(super) fn give_up_on_target(&mut self, key: ArenaKey, status: u16, cause: TrueCause) {
        let Some(request) = open(&mut self.requests, key) else { return };
        let waited = request.sent.map(|sent| ticks(sent, self.now));
        let shows_wait = self.run.shows_idle_timeout && status == 504;
        let parts = [
            request.sent.map(|sent| ticks(request.received, sent)),
            // AWS documents -1 here; some archives have the idle timeout instead.
            waited.filter(|_| shows_wait),
            None,
        ];
        if let Some(connection) = request.connection.take() {
            // A late answer must not be mistaken for another request's.
            self.connections.remove(connection);
        }
        self.end_failed(key, parts, status, cause);
    }

    /// Ends a request with the load balancer's error page instead of a target's answer.
    pub(super) fn end_failed(&mut self, key: ArenaKey, parts: [Part; 3], elb_status: u16, cause: TrueCause) {
        let sent_bytes = self.error_page(key, elb_status);
        self.end(key, Ending { time: self.now, parts, elb_status, target_status: None, sent_bytes }, Some(cause));
    }

    /// Bytes of the error page that a node sends instead of a target's answer; browsers get a padded one. The sizes
    /// were seen in public lines, except the browsers' 504, which is assumed.
    pub(super) fn error_page(&self, key: ArenaKey, status: u16) -> u32 {
        if status == 460 {
            return 0;
        }
        let client = self.requests.get(key).map(|request| &self.traffic.clients[request.arrival.client]);
        match (status, client.is_some_and(|client| client.user_agent.starts_with("Mozilla/"))) {
            (502, true) => 679,
            (502, false) => 277,
            (_, true) => 691,
            (_, false) => client.map_or(308, |client| if client.protocol.is_http2() { 202 } else { 308 }),
        }
    }

    /// Ends a request; its line is logged shortly after.
    pub(super) fn end(&mut self, key: ArenaKey, ending: Ending, cause: Option<TrueCause>) {
        let time = ending.time + self.network.between(20, 950);
        // A node has several workers that write their lines independently, so lines are not in order of time.
        let logged = time + self.network.exponential(MILLISECOND);
        if let Some(request) = open(&mut self.requests, key) {
            request.ending = Some((Ending { time, ..ending }, cause));
            self.queue.push(logged, EventOrder::Normal, ModelEvent::Log(key));
        }
    }

    /// The load balancer's own answer to a request that no target was chosen for.
    pub(super) fn end_untargeted(
        &mut self,
        key: ArenaKey,
        time: Micros,
        elb_status: u16,
        sent_bytes: u32,
        cause: Option<TrueCause>,
    ) {
        self.end(key, Ending { time, parts: [None; 3], elb_status, target_status: None, sent_bytes }, cause);
    }
}

/// Milliseconds between two moments, each rounded down to a whole one first, so that the three times add up as they do
/// in real lines.
pub(super) fn ticks(from: Micros, to: Micros) -> i64 {
    to.div_euclid(MILLISECOND) - from.div_euclid(MILLISECOND)
}
