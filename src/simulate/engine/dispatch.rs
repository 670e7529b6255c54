//! Which part of the model handles an event.

use super::Engine;
use super::event::Event;
use crate::error::Result;
use crate::simulate::arena::Turn;
use crate::simulate::plan::{Cause, Patience, What};
use crate::simulate::time::Micros;
use crate::simulate::traffic::Arrival;

impl Engine<'_> {
    pub(super) fn happen(&mut self, event: Event) -> Result<()> {
        match event {
            // At the end of the run, clients and the timeline stop. Requests in flight still finish.
            Event::Visit | Event::Poll(_) | Event::Scan | Event::Noise | Event::Stall(_) | Event::Intervene(_)
                if self.is_over() => {}
            Event::Visit => {
                let mut requests = std::mem::take(&mut self.visit);
                let next = self.traffic.visit(self.now, &mut requests);
                for (delay, arrival) in requests.drain(..) {
                    self.after(delay, Event::Arrive(arrival));
                }
                self.visit = requests;
                self.after(next, Event::Visit);
            }
            Event::Poll(poller) => {
                let (next, arrival) = self.traffic.poll(poller, self.now);
                if let Some(arrival) = arrival {
                    self.after(0, Event::Arrive(arrival));
                }
                self.after(next, Event::Poll(poller));
            }
            Event::Scan => {
                let (next, arrival) = self.traffic.scan();
                self.after(0, Event::Arrive(arrival));
                self.after(next, Event::Scan);
            }
            Event::Noise => {
                let (next, arrival) = self.traffic.noise();
                if let Some(arrival) = arrival {
                    self.after(0, Event::Arrive(arrival));
                }
                self.after(next, Event::Noise);
            }
            Event::Arrive(arrival) => self.arrive(arrival),
            Event::Dispatch(request) => self.dispatch(request),
            Event::Syn { request, attempt } => self.syn(request, attempt),
            Event::Connected(request) => self.connected(request),
            Event::Refused(request) => self.refused(request),
            Event::ConnectTimeout(request) => {
                let blame = self.requests.get(request).and_then(|request| request.blame);
                self.give_up_on_target(request, 504, blame.unwrap_or(Cause::ConnectTimeout));
            }
            Event::Deliver { connection, attempt } => self.deliver(connection, attempt),
            Event::Read(connection) => self.read(connection),
            Event::Answer(connection) => self.answer(connection),
            Event::Answered { connection, attempt } => self.answered(connection, attempt),
            Event::TimerDue(connection) => self.timer_due(connection),
            Event::Closed { connection, attempt } => self.closed(connection, attempt),
            Event::IdleTimeout(request) => {
                // A packet of it was lost: the network is to blame, not the application.
                let cause = self.requests.get(request).map(|request| match request.blame {
                    _ if request.has_lost => Cause::ConnectTimeout,
                    blame => blame.unwrap_or(Cause::IdleTimeoutExceeded),
                });
                self.give_up_on_target(request, 504, cause.unwrap_or(Cause::IdleTimeoutExceeded));
            }
            Event::GiveUp(request) => self.give_up_on_target(request, 460, Cause::ClientGaveUp),
            Event::Log(request) => return self.log(request),
            Event::Stall(target) => self.stall(target),
            Event::Intervene(index) => match self.plan.timeline[index].what {
                What::Target(target, action) => self.intervene(target, action),
                What::Rule(group, rule) => self.rules[group.0] = rule,
            },
            Event::SlotFree { target, life } => self.slot_free(target, life),
            Event::CutOff { connection, life, cause } => self.cut_off(connection, life, cause),
            Event::Killed { target, process, life } => self.killed(target, process, life),
            Event::Restarted { target, life } => self.restarted(target, life),
            Event::GraceOver { target, life } => self.grace_over(target, life),
            Event::Thawed { target, life } => self.thawed(target, life),
            Event::FunctionOver { request, group } => self.function_over(request, group),
            Event::Learn { node, target, is_registered } => self.learn(node, target, is_registered),
            Event::DelayElapsed(target) => self.delay_elapsed(target),
        }
        Ok(())
    }

    pub(super) fn is_over(&self) -> bool {
        self.now >= self.run.start + self.run.length
    }

    /// How long this client will wait for an answer; `None`: forever.
    pub(super) fn patience(&mut self, arrival: &Arrival) -> Option<Micros> {
        let kind = self.traffic.clients[arrival.client].kind;
        match self.plan.patience.iter().find(|(of, _)| *of == kind)?.1 {
            Patience::Constant { time, jitter } => Some(time + self.chance.between(0, jitter)),
            Patience::Leaves(mean) => Some(self.chance.exponential(mean)),
        }
    }

    pub(super) fn after(&mut self, delay: Micros, event: Event) {
        self.queue.push(self.now + delay, Turn::Normal, event);
    }
}
