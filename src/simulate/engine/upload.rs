//! Bodies that take time to come in, and targets that do not wait for them.

use super::Engine;
use super::event::ModelEvent;
use super::request::request_mut;
use crate::simulate::arena::{ArenaKey, EventOrder};
use crate::simulate::plan::TrueCause;
use crate::simulate::time::{Micros, SECOND};
use crate::simulate::traffic::{Arrival, Call};

/// Bytes per second that come from a client: the median, and the standard deviation of the logarithm.
const BANDWIDTH: (i64, f64) = (2_500_000, 0.7);

/// Bytes of a body in one packet.
const PACKET: i64 = 1460;

/// Mean time until a node that is writing gets to what the target has sent.
const TURN: Micros = 600;

impl Engine<'_> {
    /// The size of a request's body, and how long it takes to come in.
    pub(super) fn body(&mut self, arrival: &Arrival) -> (u32, Micros) {
        let Call::PlannedRoute { route, .. } = arrival.call else { return (0, 0) };
        if route.body == 0 {
            return (0, 0);
        }
        let bytes = self.chance.log_normal(i64::from(route.body), 0.9).max(1);
        let bandwidth = self.chance.log_normal(BANDWIDTH.0, BANDWIDTH.1).max(20_000);
        (u32::try_from(bytes).unwrap_or(u32::MAX), bytes * SECOND / bandwidth)
    }

    /// The target answers and closes the connection while the body still comes in. Its kernel answers the next packet
    /// with a reset, which discards what the node has not read yet. The node is busy sending the body, and sees the
    /// answer or the reset, whichever is first.
    pub(super) fn early_answer(&mut self, key: ArenaKey) {
        let Some(connection) = self.connections.get(key) else { return };
        let (node, target, request) = (connection.node, connection.target, connection.request);
        let sent = request
            .and_then(|request| self.requests.get(request))
            .map(|request| (request.upload, request.body, request.sent.map_or(0, |sent| self.now - sent)));
        let (Some((upload, body, passed)), Some(request)) = (sent, request) else { return };
        if passed >= upload || connection.closed_by.is_some() {
            self.answer(key);
            return;
        }
        let unread = i64::from(body) * (upload - passed) / upload;
        request_mut(&mut self.requests, request, |request| {
            request.received_bytes -= u32::try_from(unread).unwrap_or_default();
        });
        if let Some(connection) = self.connections.get_mut(key) {
            (connection.closed_by, connection.is_last) = (Some(TrueCause::EarlyResponseReset), true);
        }
        let answer = self.network_delay(node, target) + self.chance.exponential(TURN);
        let packet = upload * PACKET / i64::from(body.max(1));
        let reset = self.network_delay(node, target) + self.chance.exponential(packet);
        let at = |delay| self.now + delay;
        let (answer, reset) = (at(answer), at(reset));
        self.queue.push(answer, EventOrder::Normal, ModelEvent::Answered { connection: key, attempt: 0 });
        self.queue.push(reset, EventOrder::Normal, ModelEvent::Closed { connection: key, attempt: 0 });
    }
}
