//! How a target's process serves the requests it has read: at most as many at a time as it has slots; the others wait.

use super::Engine;
use super::event::ModelEvent;
use super::request::request_mut;
use super::target_state::{End, Waiting, Work};
use crate::simulate::arena::ArenaKey;
use crate::simulate::plan::{FaultKind, TimeLimit, TimeLimitEffect, TrueCause};
use crate::simulate::rng::scaled;
use crate::simulate::time::{MILLISECOND, Micros, SECOND};

/// From this share of its memory on, a process is slowed down by garbage collection.
const CROWDED: f64 = 0.85;

impl Engine<'_> {
    pub(super) fn take_up(&mut self, target: usize, work: Work) {
        let server = &self.plan.targets[target].server;
        let connection = self.connections.get_mut(work.connection);
        let is_unaccepted =
            connection.is_some_and(|connection| std::mem::replace(&mut connection.is_unaccepted, false));
        let waiting = Waiting { work, is_unaccepted, since: self.now };
        let state = &mut self.targets[target];
        if server.slots.is_none_or(|slots| state.busy_slots < slots) {
            self.serve(target, &waiting);
            return;
        }
        let is_full = server.queue.is_some_and(|length| state.waiting.len() >= length);
        let waits_for_others = |kind| matches!(kind, FaultKind::Waits(..) | FaultKind::Hangs);
        let is_dependent = state.route_faults.iter().flatten().any(|fault| waits_for_others(fault.kind));
        let blame = if is_dependent { TrueCause::DependencyOutage } else { TrueCause::TargetSaturated };
        let request = self.connections.get(work.connection).and_then(|connection| connection.request);
        if let Some(request) = request {
            request_mut(&mut self.requests, request, |request| {
                request.blame = Some(blame);
                if is_full {
                    request.answer = Some((503, 341));
                }
            });
        }
        if is_full {
            self.after(200, ModelEvent::Answer(work.connection));
        } else {
            state.waiting.push_back(waiting);
        }
    }

    fn serve(&mut self, target: usize, waiting: &Waiting) {
        let &Waiting { work: Work { connection, mut time, mut end }, is_unaccepted, since } = waiting;
        let server = &self.plan.targets[target].server;
        let state = &mut self.targets[target];
        if is_unaccepted {
            state.unaccepted = state.unaccepted.saturating_sub(1);
        }
        state.served += 1;
        if let Some(limit) = server.requests_until_full {
            let full = f64::from(state.served) / f64::from(limit);
            let crowded = ((full - CROWDED) / (1.0 - CROWDED)).max(0.0);
            time = scaled(time, 1.0 + 30.0 * crowded * crowded);
            if state.served >= limit {
                end = End::Death;
            }
        }
        let life = state.life;
        let process = self.connections.get(connection).map_or(0, |connection| connection.process);
        let request = self.connections.get(connection).and_then(|connection| connection.request);
        if let Some(request) = request {
            let waited = self.now - since;
            request_mut(&mut self.requests, request, |request| {
                // It takes longer to serve than it waited, so it is slow itself.
                if request.blame == Some(TrueCause::TargetSaturated) && waited < time {
                    request.blame = None;
                }
            });
        }
        match server.time_limit {
            Some(limit) if time > limit.after => {
                time = self.limit(limit, time, target);
                match limit.way {
                    TimeLimitEffect::Answer(status) => {
                        if let Some(request) = request {
                            request_mut(&mut self.requests, request, |request| {
                                request.answer = Some((status, 290));
                                request.blame = Some(TrueCause::TargetRequestTimeout);
                            });
                        }
                        self.after(time, ModelEvent::Answer(connection));
                    }
                    TimeLimitEffect::Close | TimeLimitEffect::CloseAtEnd => {
                        self.after(
                            time,
                            ModelEvent::CutOff { connection, life, cause: TrueCause::TargetRequestTimeout },
                        );
                    }
                }
            }
            _ => self.after(
                time,
                match end {
                    End::Answer => ModelEvent::Answer(connection),
                    End::EarlyAnswer => ModelEvent::EarlyAnswer(connection),
                    End::Close => ModelEvent::CutOff { connection, life, cause: TrueCause::Unexplained },
                    End::Death => ModelEvent::Killed { target, process, life },
                },
            ),
        }
        if server.slots.is_some() {
            self.targets[target].busy_slots += 1;
            self.after(time, ModelEvent::SlotFree { target, life });
        }
    }

    /// The time until a request that takes too long is ended.
    fn limit(&mut self, limit: TimeLimit, time: Micros, target: usize) -> Micros {
        if limit.way == TimeLimitEffect::CloseAtEnd {
            return time;
        }
        let due = self.now + limit.after;
        let late = match limit.poll {
            0 => self.chance.between(0, 2 * MILLISECOND),
            // The supervisor checks at its own times, and takes a little to act.
            poll => (self.targets[target].phase - due).rem_euclid(poll) + self.chance.exponential(3 * MILLISECOND),
        };
        let stuck = if self.chance.is(limit.stuck) { SECOND } else { 0 };
        limit.after + late + stuck
    }

    pub(super) fn slot_free(&mut self, target: usize, life: u32) {
        let state = &mut self.targets[target];
        if state.life != life {
            return;
        }
        state.busy_slots = state.busy_slots.saturating_sub(1);
        // A process finds out only when it answers whether the client still waits, so it serves every request.
        if let Some(next) = state.waiting.pop_front() {
            self.serve(target, &next);
        }
    }

    /// The server ends a request without an answer: its connection is closed.
    pub(super) fn cut_off(&mut self, connection: ArenaKey, life: u32, cause: TrueCause) {
        let Some(open) = self.connections.get(connection) else { return };
        if self.targets[open.target].life == life && open.closed_by.is_none() {
            self.close(connection, cause, 0);
        }
    }

    /// A request has killed its process.
    pub(super) fn killed(&mut self, target: usize, process: u32, life: u32) {
        if self.targets[target].life != life {
            return;
        }
        if self.plan.targets[target].server.processes > 1 {
            self.take_one_process(target, process);
        } else {
            self.take_process(target, TrueCause::TargetCrash);
        }
    }
}
