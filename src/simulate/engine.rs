//! The model: events in order of time, from a client's request to the line in the log.
//!
//! No request is marked as failed. A node sends a request on a pooled connection that the target has closed, or
//! connects to a port where nothing listens, or waits for an answer that does not come; the line shows what the node
//! saw, and the truth says why. Chance decides only which requests a route's fault or a listener rule affects.

mod connection;
mod crowd;
mod dispatch;
mod event;
mod intervention;
mod log;
mod network;
mod node;
mod node_state;
mod request;
mod rule;
mod socket;
mod target;
mod target_state;
mod upload;
mod work;
mod worker;

use std::collections::VecDeque;
use std::ops::ControlFlow;

use super::arena::{Arena, EventOrder, Queue};
use super::object::Objects;
use super::plan::{IncidentPlan, ListenerRule, TrueCause};
use super::progress::{ProgressFn, SimulationProgress};
use super::rng::Rng;
use super::run::RunParameters;
use super::time::{Micros, Moment, SECOND};
use super::traffic::{Arrival, Traffic};
use crate::error::{Error, ErrorKind, Result};
use connection::TargetConnection;
use event::ModelEvent;
use node_state::NodeState;
use request::RequestState;
use target_state::{Process, TargetState, workers};

pub(super) struct Engine<'a> {
    plan: &'a IncidentPlan,
    run: RunParameters,
    elb: String,
    dns_name: String,
    now: Micros,
    queue: Queue<ModelEvent>,
    nodes: Vec<NodeState>,
    targets: Vec<TargetState>,
    connections: Arena<TargetConnection>,
    requests: Arena<RequestState>,
    traffic: Traffic,
    network: Rng,
    service: Rng,
    names: Rng,
    /// For features that not every plan has, so that the other streams do not depend on them.
    chance: Rng,
    /// By target group.
    rules: Vec<ListenerRule>,
    /// Lambda functions running now, by target group.
    functions: Vec<u32>,
    objects: Objects<'a>,
    failures: u64,
    /// A buffer that each visit reuses.
    visit: Vec<(Micros, Arrival)>,
    truth: Vec<u8>,
}

impl<'a> Engine<'a> {
    pub(super) fn new(plan: &'a IncidentPlan, run: RunParameters, objects: Objects<'a>) -> Self {
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
                    lost_by: TrueCause::ConnectTimeout,
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
                    workers: workers(&target.server, &mut chance),
                    crowd: (0, 0),
                    crowd_change: 0,
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
        let nodes = (0..node_count).map(|node| NodeState {
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
            rules: vec![ListenerRule::Forward; plan.groups.len()],
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
    pub(super) fn run(mut self, watch: ProgressFn<'_>) -> Result<(u64, Objects<'a>)> {
        self.begin();
        let mut next_report = self.run.start;
        while let Some((at, event)) = self.queue.pop() {
            self.now = at;
            self.happen(event)?;
            if at >= next_report {
                self.objects.flush(at)?;
                next_report = at + SECOND;
                let done = ((at - self.run.start) as f64 / self.run.length as f64).min(1.0);
                if watch(SimulationProgress { done, lines: self.objects.lines }) == ControlFlow::Break(()) {
                    return Err(Error::from(ErrorKind::Cancelled));
                }
            }
        }
        self.objects.finish()?;
        Ok((self.failures, self.objects))
    }

    fn begin(&mut self) {
        let start = self.run.start;
        self.queue.push(start, EventOrder::Normal, ModelEvent::Visit);
        self.queue.push(start, EventOrder::Normal, ModelEvent::Scan);
        for (delay, poller) in self.traffic.first_polls(start) {
            self.queue.push(start + delay, EventOrder::Normal, ModelEvent::Poll(poller));
        }
        for target in 0..self.targets.len() {
            self.queue.push(start, EventOrder::Normal, ModelEvent::Stall(target));
        }
        for (index, intervention) in self.plan.timeline.iter().enumerate() {
            let at = self.run.moment(self.plan, intervention.moment);
            self.queue.push(at, EventOrder::Normal, ModelEvent::Intervene(index));
        }
        for caller in 0..self.traffic.odd_callers() {
            self.queue.push(start, EventOrder::Normal, ModelEvent::Odd(caller));
        }
        if !self.plan.noise.is_empty() {
            self.queue.push(start, EventOrder::Normal, ModelEvent::Noise);
        }
    }
}
