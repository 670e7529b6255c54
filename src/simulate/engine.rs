//! The model: events in order of time, from a client's request to the line in the log.
//!
//! Nothing here decides that a request fails. A node sends a request on a pooled connection that the target has closed, or
//! connects to a port where nothing listens, or waits for an answer that does not come; the line says what the node saw, and
//! the truth says why.

use std::ops::ControlFlow;

use super::arena::{Arena, Key, Queue, Turn};
use super::dice::{Dice, scaled};
use super::line::{Ending, Exchange, Part, Trace, moment, write_line};
use super::object::Objects;
use super::plan::{Action, Cause, KeepAlive, MILLISECOND, Micros, Moment, Plan, SECOND, TargetIndex};
use super::traffic::{Arrival, Call, Client, Peer, Traffic};
use super::{Progress, Watch};
use crate::error::{Error, ErrorKind, Result};

/// The load balancer waits this long for a TCP connection to a target; it cannot be changed.
///
/// Source: <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html>
const CONNECT_TIMEOUT: Micros = 10 * SECOND;

/// First wait of a sender that hears nothing: for an answer to its SYN, and for anything else. Each next wait is twice as long.
const RETRY: (Micros, Micros) = (SECOND, 200 * MILLISECOND);

/// After so many repetitions, a quarter of an hour, a sender takes its connection for dead.
const RETRIES: u8 = 12;

/// Share of requests that take the connection used last, where several are idle; the others take any. An assumption: how real
/// nodes choose is not published. The larger it is, the fewer old connections are used, and the fewer races are lost.
const TAKES_LATEST: f64 = 0.5;

/// A dying process's sockets are closed one after the other within this time.
const TEARDOWN: Micros = 40 * MILLISECOND;

/// What happens.
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
    /// The connection stands.
    Connected(Key),
    /// The host said that nothing listens.
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
    /// A target's event loop is kept busy.
    Stall(usize),
    Intervene(usize),
    /// A node learns that a target was registered or deregistered.
    Learn {
        node: usize,
        target: usize,
        is_registered: bool,
    },
    DelayElapsed(usize),
}

struct Node {
    /// Registered targets by target group, as this node knows them, and whose turn it is.
    registered: Vec<(Vec<usize>, usize)>,
    /// Idle connections by target, the one used last at the end.
    pools: Vec<Vec<Key>>,
}

struct TargetState {
    is_registered: bool,
    is_running: bool,
    is_blackholed: bool,
    /// What took the process away.
    taken_by: Cause,
    pace: f64,
    route_pace: Vec<f64>,
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
    /// The request that the node sent and that is not over.
    request: Option<Key>,
    /// The target has read a request and not yet answered.
    is_serving: bool,
    /// When the keep-alive timer is due, if nothing comes before.
    expires: Micros,
    has_timer: bool,
    /// Why the target closed it.
    closed_by: Option<Cause>,
    /// When the node put it back into its pool.
    pooled: Micros,
    /// Bytes of one connection do not overtake each other.
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
    /// Some packet of it vanished.
    has_lost: bool,
    /// The target's status and the size of its answer.
    answer: Option<(u16, u32)>,
    /// The line's ending, and the cause if it is a failure.
    ending: Option<(Ending, Option<Cause>)>,
}

/// What a run is given beside its plan.
pub(super) struct Run {
    pub(super) start: Micros,
    pub(super) length: Micros,
    pub(super) rate: f64,
    pub(super) nodes: Vec<String>,
    pub(super) seed: u64,
    pub(super) shows_idle_timeout: bool,
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
    network: Dice,
    service: Dice,
    names: Dice,
    objects: Objects<'a>,
    failures: u64,
    /// Reused by each visit.
    visit: Vec<(Micros, Arrival)>,
    truth: Vec<u8>,
}

impl<'a> Engine<'a> {
    pub(super) fn new(plan: &'a Plan, run: Run, objects: Objects<'a>) -> Self {
        let node_count = run.nodes.len();
        let (name, id) = plan.load_balancer;
        let targets: Vec<_> = plan
            .targets
            .iter()
            .map(|target| {
                let [a, b, c, d] = target.address;
                let group = &plan.groups[target.group.0];
                TargetState {
                    is_registered: target.is_registered,
                    is_running: target.is_running,
                    is_blackholed: false,
                    taken_by: Cause::ConnectionRefused,
                    pace: target.pace,
                    route_pace: vec![1.0; group.routes.len()],
                    busy_until: Micros::MIN,
                    address: format!("{a}.{b}.{c}.{d}:{}", group.port),
                    zone: c % 10,
                }
            })
            .collect();
        let registered = |group: usize| {
            let of_group = plan.targets.iter().enumerate().filter(|(_, target)| target.group.0 == group);
            of_group.filter(|(_, target)| target.is_registered).map(|(index, _)| index).collect::<Vec<_>>()
        };
        let nodes = (0..node_count).map(|node| Node {
            // Each node begins with another target.
            registered: (0..plan.groups.len()).map(|group| (registered(group), node)).collect(),
            pools: vec![Vec::new(); targets.len()],
        });
        Self {
            nodes: nodes.collect(),
            traffic: Traffic::new(plan, run.rate, u32::try_from(node_count).unwrap_or(1), Dice::new(run.seed, 1)),
            network: Dice::new(run.seed, 2),
            service: Dice::new(run.seed, 3),
            names: Dice::new(run.seed, 4),
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

    /// Runs to the last line.
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
        for (delay, poller) in self.traffic.first_polls() {
            self.queue.push(start + delay, Turn::Normal, Event::Poll(poller));
        }
        for target in 0..self.targets.len() {
            self.queue.push(start, Turn::Normal, Event::Stall(target));
        }
        let nominal = i64::from(self.plan.minutes.max(1));
        for (index, intervention) in self.plan.timeline.iter().enumerate() {
            let Moment { minute, delay } = intervention.moment;
            let at = start + self.run.length / nominal * i64::from(minute) + delay;
            self.queue.push(at, Turn::Normal, Event::Intervene(index));
        }
    }

    fn is_over(&self) -> bool {
        self.now >= self.run.start + self.run.length
    }

    fn after(&mut self, delay: Micros, event: Event) {
        self.queue.push(self.now + delay, Turn::Normal, event);
    }

    fn happen(&mut self, event: Event) -> Result<()> {
        match event {
            // Callers stop at the end of the run; what is under way then goes on to its own end.
            Event::Visit | Event::Poll(_) | Event::Scan | Event::Stall(_) | Event::Intervene(_) if self.is_over() => {}
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
                let (next, arrival) = self.traffic.poll(poller);
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
            Event::Arrive(arrival) => self.arrive(arrival),
            Event::Dispatch(request) => self.dispatch(request),
            Event::Syn { request, attempt } => self.syn(request, attempt),
            Event::Connected(request) => self.connected(request),
            Event::Refused(request) => self.refused(request),
            Event::ConnectTimeout(request) => {
                self.give_up_on_target(request, 504, Cause::ConnectTimeout);
            }
            Event::Deliver { connection, attempt } => self.deliver(connection, attempt),
            Event::Read(connection) => self.read(connection),
            Event::Answer(connection) => self.answer(connection),
            Event::Answered { connection, attempt } => self.answered(connection, attempt),
            Event::TimerDue(connection) => self.timer_due(connection),
            Event::Closed { connection, attempt } => self.closed(connection, attempt),
            Event::IdleTimeout(request) => {
                // A packet of it vanished: the network kept the answer away, not the application.
                let has_lost = self.requests.get(request).is_some_and(|request| request.has_lost);
                let cause = if has_lost { Cause::ConnectTimeout } else { Cause::IdleTimeoutExceeded };
                self.give_up_on_target(request, 504, cause);
            }
            Event::GiveUp(request) => self.give_up_on_target(request, 460, Cause::ClientGaveUp),
            Event::Log(request) => return self.log(request),
            Event::Stall(target) => self.stall(target),
            Event::Intervene(index) => {
                let intervention = &self.plan.timeline[index];
                self.intervene(intervention.target, intervention.action);
            }
            Event::Learn { node, target, is_registered } => self.learn(node, target, is_registered),
            Event::DelayElapsed(target) => self.delay_elapsed(target),
        }
        Ok(())
    }

    // The node's side of a request.

    fn arrive(&mut self, arrival: Arrival) {
        let (node, peer) = self.traffic.connect(&arrival, self.now);
        let client = &self.traffic.clients[arrival.client];
        let patience = client.patience();
        let received_bytes = match arrival.call {
            Call::Route { route, .. } => {
                // Headers of HTTP/2 are packed.
                let size = if client.protocol.is_http2() { route.bytes.0 / 2 } else { route.bytes.0 };
                size + self.names.below(size / 4 + 16)
            }
            Call::Malformed => 0,
            _ => 90 + self.names.below(120),
        };
        let request = self.requests.insert(Request {
            arrival,
            peer,
            node,
            received: self.now,
            received_bytes,
            trace: self.names.bits128(),
            target: None,
            connection: None,
            connecting_since: 0,
            sent: None,
            has_lost: false,
            answer: None,
            ending: None,
        });
        match arrival.call {
            Call::Route { .. } | Call::Probe(_) => {
                if let Some(patience) = patience {
                    self.after(patience, Event::GiveUp(request));
                }
                let reading = 60 + self.network.exponential(350);
                self.after(reading, Event::Dispatch(request));
            }
            Call::Redirected(_) | Call::ProbePlain(_) => {
                let sent_bytes = 300 + self.names.below(60);
                self.end_untargeted(request, self.now, 301, sent_bytes, None);
            }
            Call::Malformed => {
                // The node waits for bytes that make sense for as long as the client dawdles.
                let dawdling = self.network.exponential(150 * MILLISECOND);
                self.end_untargeted(request, self.now + dawdling, 400, 272, None);
            }
        }
    }

    fn dispatch(&mut self, key: Key) {
        let Some(request) = open(&mut self.requests, key) else { return };
        let node = &mut self.nodes[request.node];
        let (registered, turn) = &mut node.registered[request.arrival.group];
        if registered.is_empty() {
            self.end_untargeted(key, self.now, 503, 337, Some(Cause::NoRegisteredTargets));
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
        self.after(delay, Event::Syn { request: key, attempt: 0 });
    }

    /// An idle connection of the pool. Those idle for longer than the idle timeout are closed by the node.
    fn take_idle(&mut self, node: usize, target: usize) -> Option<Key> {
        loop {
            let pool = &mut self.nodes[node].pools[target];
            if pool.is_empty() {
                return None;
            }
            let place = if self.network.is(TAKES_LATEST) { pool.len() - 1 } else { self.network.index(pool.len()) };
            let key = pool.remove(place);
            let Some(connection) = self.connections.get(key) else { continue };
            if self.now - connection.pooled < self.plan.idle_timeout {
                return Some(key);
            }
            self.connections.remove(key);
        }
    }

    fn syn(&mut self, key: Key, attempt: u8) {
        let Some(request) = open(&mut self.requests, key) else { return };
        let (Some(target), node) = (request.target, request.node) else { return };
        let state = &self.targets[target];
        if state.is_blackholed {
            request.has_lost = true;
            if attempt == 0 {
                let late = CONNECT_TIMEOUT + self.network.between(500, 1100) - (self.now - request.connecting_since);
                self.after(late, Event::ConnectTimeout(key));
            }
            self.after(RETRY.0 << attempt.min(10), Event::Syn { request: key, attempt: attempt + 1 });
            return;
        }
        let reply = if state.is_running { Event::Connected(key) } else { Event::Refused(key) };
        let delay = self.network_delay(node, target);
        self.after(delay, reply);
    }

    fn connected(&mut self, key: Key) {
        let Some(request) = open(&mut self.requests, key) else { return };
        let (Some(target), node) = (request.target, request.node) else { return };
        let connection = self.connections.insert(Connection {
            node,
            target,
            request: None,
            is_serving: false,
            expires: Micros::MAX,
            has_timer: false,
            // The process may have died since it accepted.
            closed_by: (!self.targets[target].is_running).then_some(self.targets[target].taken_by),
            pooled: self.now,
            last_arrival: self.now,
        });
        self.send(key, connection);
        if self.connections.get(connection).is_some_and(|connection| connection.closed_by.is_some()) {
            let delay = self.network_delay(node, target);
            self.after(delay, Event::Closed { connection, attempt: 0 });
        }
    }

    fn refused(&mut self, key: Key) {
        let Some(target) = self.requests.get(key).and_then(|request| request.target) else { return };
        let cause = self.targets[target].taken_by;
        self.give_up_on_target(key, 502, cause);
    }

    /// The node writes the request onto a connection.
    fn send(&mut self, key: Key, connection: Key) {
        let Some(request) = open(&mut self.requests, key) else { return };
        request.sent = Some(self.now);
        request.connection = Some(connection);
        let (Some(target), node) = (request.target, request.node) else { return };
        if let Some(connection) = self.connections.get_mut(connection) {
            connection.request = Some(key);
        }
        let delay = self.network_delay(node, target);
        self.after(delay, Event::Deliver { connection, attempt: 0 });
        self.after(self.plan.idle_timeout, Event::IdleTimeout(key));
    }

    fn answered(&mut self, key: Key, attempt: u8) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        let (node, target) = (connection.node, connection.target);
        if self.is_lost(key, attempt, |attempt| Event::Answered { connection: key, attempt }) {
            return;
        }
        let Some(connection) = self.connections.get_mut(key) else { return };
        let Some(request) = connection.request.take() else { return };
        connection.pooled = self.now;
        let is_known = self.nodes[node].registered.iter().any(|(registered, _)| registered.contains(&target));
        if is_known {
            self.nodes[node].pools[target].push(key);
        } else {
            self.connections.remove(key);
        }
        let Some((received, sent, (status, bytes))) =
            self.requests.get(request).and_then(|request| Some((request.received, request.sent?, request.answer?)))
        else {
            return;
        };
        let answered = self.now;
        let begun = answered + self.network.exponential(200);
        let parts = [(received, sent), (sent, answered), (answered, begun)].map(|(from, to)| Some(ticks(from, to)));
        let cause = (status >= 500).then_some(Cause::ApplicationError);
        let ending = Ending { time: begun, parts, elb_status: status, target_status: Some(status), sent_bytes: bytes };
        self.end(request, ending, cause);
    }

    /// The node learns that the target closed a connection: an idle one leaves the pool, one under way takes its request along.
    fn closed(&mut self, key: Key, attempt: u8) {
        if self.is_lost(key, attempt, |attempt| Event::Closed { connection: key, attempt }) {
            return;
        }
        let Some(connection) = self.connections.remove(key) else { return };
        self.nodes[connection.node].pools[connection.target].retain(|&pooled| pooled != key);
        if let (Some(request), Some(cause)) = (connection.request, connection.closed_by) {
            self.cut(request, cause);
        }
    }

    /// The target closed while the request was under way: 502, and the time it took.
    fn cut(&mut self, key: Key, cause: Cause) {
        let Some(request) = open(&mut self.requests, key) else { return };
        // Where packets vanished, the connection was lost to that, whatever its timer did meanwhile.
        let cause = if request.has_lost { Cause::ConnectTimeout } else { cause };
        let Some(sent) = request.sent else { return };
        let parts = [Some(ticks(request.received, sent)), Some(ticks(sent, self.now)), None];
        self.end_failed(key, parts, 502, cause);
    }

    /// The node, or the client for it, no longer waits for the target: the request was dispatched or it was not, and nothing
    /// came back.
    fn give_up_on_target(&mut self, key: Key, status: u16, cause: Cause) {
        let Some(request) = open(&mut self.requests, key) else { return };
        let waited = request.sent.map(|sent| ticks(sent, self.now));
        let shows_wait = self.run.shows_idle_timeout && status == 504;
        let parts = [
            request.sent.map(|sent| ticks(request.received, sent)),
            // AWS's text has -1 here; archives hold lines that carry the idle timeout instead.
            waited.filter(|_| shows_wait),
            None,
        ];
        if let Some(connection) = request.connection.take() {
            // Its answer, should it come, must not be taken for another request's.
            self.connections.remove(connection);
        }
        self.end_failed(key, parts, status, cause);
    }

    /// The load balancer's answer in a target's stead.
    fn end_failed(&mut self, key: Key, parts: [Part; 3], elb_status: u16, cause: Cause) {
        let sent_bytes = self.error_page(key, elb_status);
        self.end(key, Ending { time: self.now, parts, elb_status, target_status: None, sent_bytes }, Some(cause));
    }

    /// Bytes of the page a node sends in a target's stead: browsers get a padded one. Sizes as seen in public lines, but for the
    /// browsers' 504, which is assumed.
    fn error_page(&self, key: Key, status: u16) -> u32 {
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

    /// The request is over; its line follows shortly.
    fn end(&mut self, key: Key, ending: Ending, cause: Option<Cause>) {
        let time = ending.time + self.network.between(20, 950);
        // Nodes have several workers, and each writes its lines when it comes to it.
        let logged = time + self.network.exponential(MILLISECOND);
        if let Some(request) = open(&mut self.requests, key) {
            request.ending = Some((Ending { time, ..ending }, cause));
            self.queue.push(logged, Turn::Normal, Event::Log(key));
        }
    }

    /// The load balancer's own answer to a request that no target was chosen for.
    fn end_untargeted(&mut self, key: Key, time: Micros, elb_status: u16, sent_bytes: u32, cause: Option<Cause>) {
        self.end(key, Ending { time, parts: [None; 3], elb_status, target_status: None, sent_bytes }, cause);
    }

    fn log(&mut self, key: Key) -> Result<()> {
        let Some(request) = self.requests.remove(key) else { return Ok(()) };
        let Some((ending, cause)) = request.ending else { return Ok(()) };
        let client: &Client = &self.traffic.clients[request.arrival.client];
        let target = request.target.map(|target| self.targets[target].address.as_str());
        let node = self.run.nodes[request.node].as_str();
        let trace = Trace { seconds: request.received.div_euclid(SECOND), bits: request.trace };
        let is_forwarded = matches!(request.arrival.call, Call::Route { .. } | Call::Probe(_));
        let exchange = Exchange {
            client,
            peer: &request.peer,
            call: request.arrival.call,
            received: request.received,
            received_bytes: request.received_bytes,
            trace,
            target,
            group: is_forwarded.then(|| &self.plan.groups[request.arrival.group]),
            node,
            dns_name: &self.dns_name,
            ending: &ending,
        };
        self.objects.line(request.node, ending.time, |out| write_line(out, &self.elb, &exchange))?;
        let Some(cause) = cause else { return Ok(()) };
        self.failures += 1;
        let also = also_true(cause, &request);
        let out = &mut self.truth;
        out.clear();
        out.extend_from_slice(b"{\"trace_id\":\"");
        trace.write(out);
        out.extend_from_slice(b"\",\"time\":\"");
        moment(out, ending.time);
        out.extend_from_slice(b"\",\"target\":");
        match target {
            Some(target) => out.extend_from_slice(format!("\"{target}\"").as_bytes()),
            None => out.extend_from_slice(b"null"),
        }
        let also: Vec<_> = also.iter().map(|cause| format!("\"{}\"", cause.id())).collect();
        out.extend_from_slice(
            format!(",\"node\":\"{node}\",\"cause\":\"{}\",\"also_accept\":[{}]}}", cause.id(), also.join(","))
                .as_bytes(),
        );
        self.objects.truth(&String::from_utf8_lossy(out))
    }

    // The target's side.

    fn deliver(&mut self, key: Key, attempt: u8) {
        if self.is_lost(key, attempt, |attempt| Event::Deliver { connection: key, attempt }) {
            return;
        }
        let Some(connection) = self.connections.get(key) else { return };
        // If the target has closed, word of that is on its way to the node already.
        if connection.closed_by.is_none() {
            let at = self.now.max(self.targets[connection.target].busy_until);
            self.queue.push(at, Turn::Normal, Event::Read(key));
        }
    }

    fn read(&mut self, key: Key) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        if connection.closed_by.is_some() {
            return;
        }
        let target = &self.targets[connection.target];
        if target.busy_until > self.now {
            self.queue.push(target.busy_until, Turn::Normal, Event::Read(key));
            return;
        }
        connection.is_serving = true;
        let Some(request) = connection.request.and_then(|request| self.requests.get_mut(request)) else { return };
        let (time, pace, answer) = match request.arrival.call {
            Call::Route { route, .. } => {
                let routes = self.plan.groups[request.arrival.group].routes;
                let place = routes.iter().position(|other| std::ptr::eq(other, route));
                let status = route.statuses[self.service.weighted(route.statuses.iter().map(|entry| entry.1))].0;
                let bytes = match status {
                    200..=299 => self.service.log_normal(i64::from(route.bytes.1), 0.6),
                    304 => self.service.between(150, 260),
                    _ => self.service.between(260, 900),
                };
                let time = self.service.log_normal(route.median, route.sigma);
                (time, place.map_or(1.0, |place| target.route_pace[place]), (status, bytes))
            }
            // No application knows what scanners ask for.
            _ => (self.service.log_normal(3 * MILLISECOND, 0.5), 1.0, (404, self.service.between(260, 900))),
        };
        request.answer = Some((answer.0, u32::try_from(answer.1.max(0)).unwrap_or(u32::MAX)));
        let time = scaled(time, pace * target.pace) + 300;
        let target = connection.target;
        self.after(time, Event::Answer(key));
        if self.plan.targets[target].keep_alive.sweep.is_some() {
            self.sweep(target);
        }
    }

    /// Something woke the loop of a target that has no timers: it closes what is due, under requests that may be on their way.
    fn sweep(&mut self, target: usize) {
        let now = self.now;
        let due = self.connections.keys_where(|connection| {
            connection.target == target
                && connection.closed_by.is_none()
                && !connection.is_serving
                && connection.expires <= now
        });
        for connection in due {
            // The worker's threads take turns with the loop, so it comes to this a little later.
            let delay = self.service.exponential(2 * MILLISECOND);
            self.close(connection, Cause::KeepAliveRace, delay);
        }
    }

    fn answer(&mut self, key: Key) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        if connection.closed_by.is_some() {
            return;
        }
        let busy_until = self.targets[connection.target].busy_until;
        if busy_until > self.now {
            self.queue.push(busy_until, Turn::Normal, Event::Answer(key));
            return;
        }
        let (node, target) = (connection.node, connection.target);
        connection.is_serving = false;
        let KeepAlive { idle, smear, .. } = self.plan.targets[target].keep_alive;
        connection.expires = self.now + idle + self.service.between(0, smear);
        // One event a connection: it is put off when it finds that the connection was used.
        if !connection.has_timer {
            connection.has_timer = true;
            let expires = connection.expires;
            self.queue.push(expires, Turn::Timer, Event::TimerDue(key));
        }
        self.reach_node(key, node, target, Event::Answered { connection: key, attempt: 0 });
    }

    fn timer_due(&mut self, key: Key) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        if connection.closed_by.is_some() {
            return;
        }
        if connection.is_serving {
            connection.has_timer = false;
            return;
        }
        let expires = connection.expires;
        let sweep = self.plan.targets[connection.target].keep_alive.sweep;
        let noticed = sweep.map_or(expires, |sweep| expires + (-expires).rem_euclid(sweep));
        let due = noticed.max(self.targets[connection.target].busy_until);
        if due > self.now {
            // A loop that is kept busy runs its timers first when it is free again, and only then reads its sockets: a request
            // that came in meanwhile finds its connection closed.
            self.queue.push(due, Turn::Timer, Event::TimerDue(key));
            return;
        }
        if connection.request.is_none() && self.now - connection.pooled >= self.plan.idle_timeout {
            // The node closed it at the idle timeout, before the target would have.
            let (node, target) = (connection.node, connection.target);
            self.nodes[node].pools[target].retain(|&pooled| pooled != key);
            self.connections.remove(key);
            return;
        }
        self.close(key, Cause::KeepAliveRace, 0);
    }

    /// The target closes a connection; the node learns of it when the packet arrives.
    fn close(&mut self, key: Key, cause: Cause, delay: Micros) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        connection.closed_by = Some(cause);
        connection.last_arrival = connection.last_arrival.max(self.now + delay);
        let (node, target) = (connection.node, connection.target);
        self.reach_node(key, node, target, Event::Closed { connection: key, attempt: 0 });
    }

    fn stall(&mut self, target: usize) {
        let Some(stalls) = self.plan.targets[target].stalls else { return };
        let length = self.service.log_normal(stalls.length, 0.4);
        self.targets[target].busy_until = self.now + length;
        let next = length + self.service.exponential(stalls.gap) + 1;
        self.after(next, Event::Stall(target));
    }

    // What is done to targets.

    fn intervene(&mut self, TargetIndex(target): TargetIndex, action: Action) {
        let state = &mut self.targets[target];
        match action {
            Action::Start => state.is_running = true,
            Action::Crash => self.take_process(target, Cause::TargetCrash),
            Action::Stop => self.take_process(target, Cause::DeployWithoutDraining),
            Action::Blackhole => state.is_blackholed = true,
            Action::Restore => state.is_blackholed = false,
            Action::Pace(pace) => state.pace = pace,
            Action::RoutePace(route, pace) => {
                if let Some(place) = state.route_pace.get_mut(route) {
                    *place = pace;
                }
            }
            Action::Register | Action::Deregister => {
                let is_registered = matches!(action, Action::Register);
                state.is_registered = is_registered;
                for node in 0..self.nodes.len() {
                    // It takes a while until every node knows.
                    let delay = self.network.between(100 * MILLISECOND, 1500 * MILLISECOND);
                    self.after(delay, Event::Learn { node, target, is_registered });
                }
                if !is_registered {
                    let delay = self.plan.groups[self.plan.targets[target].group.0].deregistration_delay;
                    self.after(delay, Event::DelayElapsed(target));
                }
            }
        }
    }

    /// The process is gone: nothing listens, and the kernel closes what was open.
    fn take_process(&mut self, target: usize, cause: Cause) {
        self.targets[target].is_running = false;
        self.targets[target].taken_by = cause;
        let open =
            self.connections.keys_where(|connection| connection.target == target && connection.closed_by.is_none());
        for connection in open {
            let delay = self.network.between(0, TEARDOWN);
            self.close(connection, cause, delay);
        }
    }

    fn learn(&mut self, node: usize, target: usize, is_registered: bool) {
        let node = &mut self.nodes[node];
        let (registered, _) = &mut node.registered[self.plan.targets[target].group.0];
        registered.retain(|&other| other != target);
        if is_registered {
            registered.push(target);
            return;
        }
        for idle in std::mem::take(&mut node.pools[target]) {
            self.connections.remove(idle);
        }
    }

    fn delay_elapsed(&mut self, target: usize) {
        if self.targets[target].is_registered {
            return;
        }
        for key in self.connections.keys_where(|connection| connection.target == target) {
            if let Some(request) = self.connections.remove(key).and_then(|connection| connection.request) {
                self.cut(request, Cause::DeregistrationDelayElapsed);
            }
        }
    }

    // The network.

    /// One way, between a node and a target; longer between zones.
    fn network_delay(&mut self, node: usize, target: usize) -> Micros {
        let is_near = usize::from(self.targets[target].zone) == node % 3;
        let base = if is_near { 110 } else { 450 };
        base + self.network.exponential(90)
    }

    /// Something the target sends on a connection arrives after all it sent before.
    fn reach_node(&mut self, key: Key, node: usize, target: usize, event: Event) {
        let delay = self.network_delay(node, target);
        let Some(connection) = self.connections.get_mut(key) else { return };
        connection.last_arrival = connection.last_arrival.max(self.now + delay);
        self.queue.push(connection.last_arrival, Turn::Normal, event);
    }

    /// Whether a packet vanished on its way to or from the target; then it is sent again later.
    fn is_lost(&mut self, key: Key, attempt: u8, again: impl FnOnce(u8) -> Event) -> bool {
        let Some(connection) = self.connections.get(key) else { return false };
        if !self.targets[connection.target].is_blackholed {
            return false;
        }
        if let Some(request) = connection.request.and_then(|request| self.requests.get_mut(request)) {
            request.has_lost = true;
        }
        if attempt < RETRIES {
            self.after(RETRY.1 << attempt, again(attempt + 1));
        }
        true
    }
}

/// A request that is not over.
fn open(requests: &mut Arena<Request>, key: Key) -> Option<&mut Request> {
    requests.get_mut(key).filter(|request| request.ending.is_none())
}

fn request_mut(requests: &mut Arena<Request>, key: Key, change: impl FnOnce(&mut Request)) {
    if let Some(request) = requests.get_mut(key) {
        change(request);
    }
}

/// Milliseconds between two moments on a clock that counts whole ones, so that the three times add up as they do in real lines.
fn ticks(from: Micros, to: Micros) -> i64 {
    to.div_euclid(MILLISECOND) - from.div_euclid(MILLISECOND)
}

/// Causes that describe a failure no less truly.
fn also_true(cause: Cause, request: &Request) -> &'static [Cause] {
    match cause {
        Cause::TargetCrash | Cause::DeployWithoutDraining if request.sent.is_none() => &[Cause::ConnectionRefused],
        Cause::ConnectTimeout if request.sent.is_some() => &[Cause::IdleTimeoutExceeded],
        Cause::ClientGaveUp if request.has_lost => &[Cause::ConnectTimeout],
        _ => &[],
    }
}
