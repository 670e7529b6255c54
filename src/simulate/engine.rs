//! The model: events in order of time, from a client's request to the line in the log.
//!
//! No request is marked as failed. A node sends a request on a pooled connection that the target has closed, or
//! connects to a port where nothing listens, or waits for an answer that does not come; the line shows what the node
//! saw, and the truth says why. Chance decides only which requests a route's fault or a listener rule affects.

mod intervention;
mod log;
mod network;
mod node;
mod rule;
mod target;
mod work;

use std::collections::VecDeque;
use std::ops::ControlFlow;

use super::arena::{Arena, Key, Queue, Turn};
use super::line::Ending;
use super::object::Objects;
use super::plan::{Cause, Fault, Micros, Moment, Patience, Plan, Rule, SECOND, What};
use super::rng::Rng;
use super::traffic::{Arrival, Peer, Traffic};
use super::{Progress, Watch};
use crate::error::{Error, ErrorKind, Result};

#[derive(Clone, Copy)]
enum Event {
    Visit,
    Poll(usize),
    Scan,
    /// The load balancer has received a request.
    Arrive(Arrival),
    /// A node has read the request and looks for a target.
    Dispatch(Key),
    /// A SYN reaches the target's host.
    Syn {
        request: Key,
        attempt: u8,
    },
    /// The TCP connection is established.
    Connected(Key),
    /// The host answered that nothing listens on the port.
    Refused(Key),
    ConnectTimeout(Key),
    /// A request's bytes reach the target's host.
    Deliver {
        connection: Key,
        attempt: u8,
    },
    /// The process reads them.
    Read(Key),
    /// The process has its answer ready.
    Answer(Key),
    /// The answer reaches the node.
    Answered {
        connection: Key,
        attempt: u8,
    },
    /// A connection's keep-alive timer at the target is due.
    TimerDue(Key),
    /// The node learns that the target closed a connection.
    Closed {
        connection: Key,
        attempt: u8,
    },
    IdleTimeout(Key),
    GiveUp(Key),
    /// The request's line is written.
    Log(Key),
    /// A target's event loop gets busy.
    Stall(usize),
    Intervene(usize),
    /// A request arrives that the load balancer refuses itself.
    Noise,
    /// A target with limited slots has finished a request: a slot is free.
    SlotFree {
        target: usize,
        life: u32,
    },
    /// A server ends a request without an answer.
    CutOff {
        connection: Key,
        life: u32,
        cause: Cause,
    },
    /// A request has killed its process.
    Killed {
        target: usize,
        process: u32,
        life: u32,
    },
    /// A process that crashed listens again.
    Restarted {
        target: usize,
        life: u32,
    },
    /// The time that a process was given to finish its requests is over.
    GraceOver {
        target: usize,
        life: u32,
    },
    /// A frozen process continues.
    Thawed {
        target: usize,
        life: u32,
    },
    /// An invocation of a Lambda function has ended.
    FunctionOver {
        request: Key,
        group: usize,
    },
    /// A node learns that a target was registered or deregistered.
    Learn {
        node: usize,
        target: usize,
        is_registered: bool,
    },
    DelayElapsed(usize),
}

struct Node {
    /// By target group: the registered targets that this node knows, and the index of the one whose turn it is.
    registered: Vec<(Vec<usize>, usize)>,
    /// Idle connections by target, the most recently used one last.
    pools: Vec<Vec<Key>>,
}

/// What a target's process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Process {
    /// There is none; its host refuses connections.
    Gone,
    Runs,
    /// It does nothing, but the kernel still accepts connections for it.
    Frozen,
    /// It no longer listens, and finishes the requests that it serves.
    Ends,
}

impl Process {
    fn listens(self) -> bool {
        matches!(self, Self::Runs | Self::Frozen)
    }
}

struct TargetState {
    is_registered: bool,
    process: Process,
    /// By node: whether packets between the two are lost.
    is_blackholed: Vec<bool>,
    /// Why nothing listens, if the process does not.
    taken_by: Cause,
    pace: f64,
    route_pace: Vec<f64>,
    route_faults: Vec<Option<Fault>>,
    /// Goes up whenever a process starts or dies, so that events of an earlier process are recognised.
    life: u32,
    /// Requests being served; counted only if slots are limited.
    busy_slots: u32,
    /// Requests that wait for a slot.
    waiting: VecDeque<work::Waiting>,
    /// Connections that the kernel holds until the process accepts them.
    unaccepted: u32,
    has_application: bool,
    has_tls: bool,
    /// Requests served since it started.
    served: u32,
    /// At which point of a second its supervisor checks.
    phase: Micros,
    /// The event loop does nothing before this moment.
    busy_until: Micros,
    /// `ip:port`.
    address: String,
    zone: u8,
}

/// A connection between a node and a target.
struct Connection {
    node: usize,
    target: usize,
    /// Which of the target's processes it goes to.
    process: u32,
    /// The kernel holds it because the process has not accepted it yet.
    is_unaccepted: bool,
    /// The request that the node sent and that has no answer yet.
    request: Option<Key>,
    /// The target has read a request and not yet answered.
    is_serving: bool,
    /// When the keep-alive timer is due if no request comes first.
    expires: Micros,
    has_timer: bool,
    /// Why the target closed it.
    closed_by: Option<Cause>,
    /// When the node put it back into its pool.
    pooled: Micros,
    /// The latest arrival so far: data on one connection arrives in order.
    last_arrival: Micros,
}

struct Request {
    arrival: Arrival,
    peer: Peer,
    node: usize,
    received: Micros,
    received_bytes: u32,
    trace: u128,
    target: Option<usize>,
    connection: Option<Key>,
    connecting_since: Micros,
    sent: Option<Micros>,
    /// A packet of it was lost.
    has_lost: bool,
    /// The target's status and the size of its answer.
    answer: Option<(u16, u32)>,
    /// Why that status is an error, or why the request took long.
    blame: Option<Cause>,
    /// The load balancer will not accept the answer.
    is_malformed: bool,
    /// What the listener rule did: the log's `actions_executed` and `error_reason`.
    rule: (&'static str, &'static str),
    /// The line's ending, and the cause if it is a failure.
    ending: Option<(Ending, Option<Cause>)>,
}

/// The options of a run, in addition to its plan.
pub(super) struct Run {
    pub(super) start: Micros,
    pub(super) length: Micros,
    pub(super) rate: f64,
    pub(super) nodes: Vec<String>,
    pub(super) seed: u64,
    pub(super) shows_idle_timeout: bool,
}

impl Run {
    /// A moment of the plan in microseconds since the Unix epoch.
    pub(super) fn moment(&self, plan: &Plan, moment: Moment) -> Micros {
        self.start + self.length / i64::from(plan.minutes.max(1)) * i64::from(moment.minute) + moment.delay
    }
}

pub(super) struct Engine<'a> {
    plan: &'a Plan,
    run: Run,
    elb: String,
    dns_name: String,
    now: Micros,
    queue: Queue<Event>,
    nodes: Vec<Node>,
    targets: Vec<TargetState>,
    connections: Arena<Connection>,
    requests: Arena<Request>,
    traffic: Traffic,
    network: Rng,
    service: Rng,
    names: Rng,
    /// For features that not every plan has, so that the other streams do not depend on them.
    chance: Rng,
    /// By target group.
    rules: Vec<Rule>,
    /// Lambda functions running now, by target group.
    functions: Vec<u32>,
    objects: Objects<'a>,
    failures: u64,
    /// A buffer that each visit reuses.
    visit: Vec<(Micros, Arrival)>,
    truth: Vec<u8>,
}

impl<'a> Engine<'a> {
    pub(super) fn new(plan: &'a Plan, run: Run, objects: Objects<'a>) -> Self {
        let node_count = run.nodes.len();
        let mut chance = Rng::new(run.seed, 7);
        let (name, id) = plan.load_balancer;
        let targets: Vec<_> = plan
            .targets
            .iter()
            .map(|target| {
                let [_, _, c, _] = target.address;
                let group = &plan.groups[target.group.0];
                TargetState {
                    is_registered: target.is_registered,
                    process: if target.is_running { Process::Runs } else { Process::Gone },
                    is_blackholed: vec![false; node_count],
                    taken_by: target.absent,
                    pace: target.pace,
                    route_pace: vec![1.0; group.routes.len()],
                    route_faults: vec![None; group.routes.len()],
                    life: 0,
                    busy_slots: 0,
                    waiting: VecDeque::new(),
                    unaccepted: 0,
                    has_application: true,
                    has_tls: true,
                    served: 0,
                    phase: chance.between(0, SECOND),
                    busy_until: Micros::MIN,
                    address: plan.address(target),
                    zone: c % 10,
                }
            })
            .collect();
        let registered = |group: usize| {
            let of_group = plan.targets.iter().enumerate().filter(|(_, target)| target.group.0 == group);
            of_group.filter(|(_, target)| target.is_registered).map(|(index, _)| index).collect::<Vec<_>>()
        };
        let nodes = (0..node_count).map(|node| Node {
            // Each node starts its turns with a different target.
            registered: (0..plan.groups.len()).map(|group| (registered(group), node)).collect(),
            pools: vec![Vec::new(); targets.len()],
        });
        Self {
            nodes: nodes.collect(),
            traffic: Traffic::new(
                plan,
                run.rate,
                u32::try_from(node_count).unwrap_or(1),
                |minute| run.moment(plan, Moment::minute(minute)),
                (Rng::new(run.seed, 1), Rng::new(run.seed, 8)),
            ),
            network: Rng::new(run.seed, 2),
            service: Rng::new(run.seed, 3),
            names: Rng::new(run.seed, 4),
            chance,
            rules: vec![Rule::Forward; plan.groups.len()],
            functions: vec![0; plan.groups.len()],
            elb: format!("app/{name}/{id}"),
            dns_name: format!("{name}-1234567890.{}.elb.amazonaws.com", super::line::REGION),
            now: run.start,
            queue: Queue::new(),
            connections: Arena::new(),
            requests: Arena::new(),
            failures: 0,
            visit: Vec::new(),
            truth: Vec::new(),
            plan,
            run,
            targets,
            objects,
        }
    }

    /// Runs to the last line. Returns the number of failures, and the objects with their counts.
    pub(super) fn run(mut self, watch: Watch<'_>) -> Result<(u64, Objects<'a>)> {
        self.begin();
        let mut next_report = self.run.start;
        while let Some((at, event)) = self.queue.pop() {
            self.now = at;
            self.happen(event)?;
            if at >= next_report {
                self.objects.flush(at)?;
                next_report = at + SECOND;
                let done = ((at - self.run.start) as f64 / self.run.length as f64).min(1.0);
                if watch(Progress { done, lines: self.objects.lines }) == ControlFlow::Break(()) {
                    return Err(Error::from(ErrorKind::Cancelled));
                }
            }
        }
        self.objects.finish()?;
        Ok((self.failures, self.objects))
    }

    fn begin(&mut self) {
        let start = self.run.start;
        self.queue.push(start, Turn::Normal, Event::Visit);
        self.queue.push(start, Turn::Normal, Event::Scan);
        for (delay, poller) in self.traffic.first_polls(start) {
            self.queue.push(start + delay, Turn::Normal, Event::Poll(poller));
        }
        for target in 0..self.targets.len() {
            self.queue.push(start, Turn::Normal, Event::Stall(target));
        }
        for (index, intervention) in self.plan.timeline.iter().enumerate() {
            let at = self.run.moment(self.plan, intervention.moment);
            self.queue.push(at, Turn::Normal, Event::Intervene(index));
        }
        if !self.plan.noise.is_empty() {
            self.queue.push(start, Turn::Normal, Event::Noise);
        }
    }

    fn is_over(&self) -> bool {
        self.now >= self.run.start + self.run.length
    }

    /// How long this client will wait for an answer; `None`: forever.
    fn patience(&mut self, arrival: &Arrival) -> Option<Micros> {
        let kind = self.traffic.clients[arrival.client].kind;
        match self.plan.patience.iter().find(|(of, _)| *of == kind)?.1 {
            Patience::Constant { time, jitter } => Some(time + self.chance.between(0, jitter)),
            Patience::Leaves(mean) => Some(self.chance.exponential(mean)),
        }
    }

    fn after(&mut self, delay: Micros, event: Event) {
        self.queue.push(self.now + delay, Turn::Normal, event);
    }

    fn happen(&mut self, event: Event) -> Result<()> {
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
}

/// The request, if it has not ended.
fn open(requests: &mut Arena<Request>, key: Key) -> Option<&mut Request> {
    requests.get_mut(key).filter(|request| request.ending.is_none())
}

fn request_mut(requests: &mut Arena<Request>, key: Key, change: impl FnOnce(&mut Request)) {
    if let Some(request) = requests.get_mut(key) {
        change(request);
    }
}
