//! WebSocket connections: how long they stay open, and who closes them. What goes on at the target meanwhile is not
//! modelled.

use super::Engine;
use super::request::request_mut;
use crate::simulate::arena::ArenaKey;
use crate::simulate::line::{Ending, Part};
use crate::simulate::plan::SocketHabits;
use crate::simulate::time::{Micros, SECOND};

/// Mean time between two messages of a WebSocket that is used.
const BETWEEN: Micros = 4 * SECOND;

/// After each message, this share of WebSocket connections falls silent.
const FALLS_SILENT: f64 = 0.12;

/// No client stays for longer.
const LONGEST: Micros = 1500 * SECOND;

impl Engine<'_> {
    /// A target has accepted an upgrade. The connection stays open until its client closes it, or the load balancer
    /// does because nothing was sent for as long as the idle timeout. Its line is written then.
    pub(super) fn upgraded(&mut self, key: ArenaKey, parts: [Part; 3], begun: Micros, bytes: u32) {
        let SocketHabits { pinging, ping, silent, stay } = self.plan.sockets;
        let leaves = begun + self.chance.exponential(stay).min(LONGEST);
        let pings = self.chance.is(pinging);
        let is_silent = !pings && self.chance.is(silent);
        let (mut last, mut received, mut sent_bytes) = (begun, 0, bytes);
        let time = loop {
            let next = if pings {
                last + ping
            } else if is_silent || self.chance.is(FALLS_SILENT) {
                Micros::MAX
            } else {
                last + self.chance.exponential(BETWEEN)
            };
            let until = next.min(leaves);
            if until - last >= self.plan.idle_timeout {
                break last + self.plan.idle_timeout;
            }
            if until == leaves {
                break leaves;
            }
            last = next;
            received += if pings { 6 } else { 20 + self.chance.below(300) };
            sent_bytes += if pings { 2 } else { 40 + self.chance.below(900) };
        };
        request_mut(&mut self.requests, key, |request| request.received_bytes += received);
        self.end(key, Ending { time, parts, elb_status: 101, target_status: Some(101), sent_bytes }, None);
    }
}
