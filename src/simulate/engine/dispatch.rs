//! Which part of the model handles an event.

use super::Engine;
use super::event::ModelEvent;
use crate::error::Result;
use crate::simulate::arena::EventOrder;
use crate::simulate::plan::{Patience, TrueCause, What};
use crate::simulate::time::Micros;
use crate::simulate::traffic::Arrival;

impl Engine<'_> {
    pub(super) fn happen(&mut self, event: ModelEvent) -> Result<()> {
        match event {
            // At the end of the run, clients and the timeline stop. Requests in flight still finish.
            ModelEvent::Visit
            | ModelEvent::Poll(_)
            | ModelEvent::Scan
            | ModelEvent::Noise
            | ModelEvent::Odd(_)
            | ModelEvent::Stall(_)
            | ModelEvent::Intervene(_)
            | ModelEvent::Crowd { .. }
                if self.is_over() => {}
            ModelEvent::Visit => {
                let mut requests = std::mem::take(&mut self.visit);
                let next = self.traffic.visit(self.now, &mut requests);
                for (delay, arrival) in requests.drain(..) {
                    self.after(delay, ModelEvent::Arrive(arrival));
                }
                self.visit = requests;
                self.after(next, ModelEvent::Visit);
            }
            ModelEvent::Poll(poller) => {
                let (next, arrival) = self.traffic.poll(poller, self.now);
                if let Some(arrival) = arrival {
                    self.after(0, ModelEvent::Arrive(arrival));
                }
                self.after(next, ModelEvent::Poll(poller));
            }
            ModelEvent::Scan => {
                let (next, arrival) = self.traffic.scan();
                self.after(0, ModelEvent::Arrive(arrival));
                self.after(next, ModelEvent::Scan);
            }
            ModelEvent::Noise => {
                let (next, arrival) = self.traffic.noise();
                if let Some(arrival) = arrival {
                    self.after(0, ModelEvent::Arrive(arrival));
                }
                self.after(next, ModelEvent::Noise);
            }
            ModelEvent::Odd(caller) => {
                let (next, arrival) = self.traffic.odd(caller);
                if let Some(arrival) = arrival {
                    self.after(0, ModelEvent::Arrive(arrival));
                }
                self.after(next, ModelEvent::Odd(caller));
            }
            ModelEvent::Arrive(arrival) => self.arrive(arrival),
            ModelEvent::Dispatch(request) => self.dispatch(request),
            ModelEvent::Syn { request, attempt } => self.syn(request, attempt),
            ModelEvent::Connected(request) => self.connected(request),
            ModelEvent::Refused(request) => self.refused(request),
            ModelEvent::ConnectTimeout(request) => {
                // A SYN that was sent again may have got through.
                let waits = self.requests.get(request).filter(|request| request.sent.is_none());
                if let Some(blame) = waits.map(|request| request.blame.or(request.lost_by)) {
                    self.give_up_on_target(request, 504, blame.unwrap_or(TrueCause::ConnectTimeout));
                }
            }
            ModelEvent::Deliver { connection, attempt } => self.deliver(connection, attempt),
            ModelEvent::Read(connection) => self.read(connection),
            ModelEvent::Answer(connection) => self.answer(connection),
            ModelEvent::EarlyAnswer(connection) => self.early_answer(connection),
            ModelEvent::Answered { connection, attempt } => self.answered(connection, attempt),
            ModelEvent::TimerDue(connection) => self.timer_due(connection),
            ModelEvent::Closed { connection, attempt } => self.closed(connection, attempt),
            ModelEvent::IdleTimeout(request) => {
                // A packet of it was lost: the network is to blame, not the application.
                let cause = self.requests.get(request).and_then(|request| request.lost_by.or(request.blame));
                self.give_up_on_target(request, 504, cause.unwrap_or(TrueCause::IdleTimeoutExceeded));
            }
            ModelEvent::GiveUp(request) => self.give_up_on_target(request, 460, TrueCause::ClientGaveUp),
            ModelEvent::Log(request) => return self.log(request),
            ModelEvent::Stall(target) => self.stall(target),
            ModelEvent::Intervene(index) => match self.plan.timeline[index].what {
                What::Target(target, action) => self.intervene(target, action),
                What::Rule(group, rule) => self.rules[group.0] = rule,
            },
            ModelEvent::SlotFree { target, life } => self.slot_free(target, life),
            ModelEvent::CutOff { connection, life, cause } => self.cut_off(connection, life, cause),
            ModelEvent::Killed { target, process, life } => self.killed(target, process, life),
            ModelEvent::WorkerOver { target, process, life, cause } => self.worker_over(target, process, life, cause),
            ModelEvent::Crowd { target, change } => self.crowd(target, change),
            ModelEvent::Restarted { target, life } => self.restarted(target, life),
            ModelEvent::GraceOver { target, life } => self.grace_over(target, life),
            ModelEvent::Thawed { target, life } => self.thawed(target, life),
            ModelEvent::FunctionOver { request, group } => self.function_over(request, group),
            ModelEvent::Learn { node, target, is_registered } => self.learn(node, target, is_registered),
            ModelEvent::DelayElapsed(target) => self.delay_elapsed(target),
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

    pub(super) fn after(&mut self, delay: Micros, event: ModelEvent) {
        self.queue.push(self.now + delay, EventOrder::Normal, event);
    }
}
