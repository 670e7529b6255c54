//! Who calls, how often, and over which connection.

use super::plan::{ClientKind, IncidentPlan, PlannedRoute, Poller, RequestForm, Surge};
use super::probes::PROBES;
use super::rng::{Rng, scaled};
use super::time::{MILLISECOND, MINUTE, Micros, SECOND};

/// The protocol between a client and the load balancer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    /// HTTP/2 over TLS 1.3.
    Http2,
    /// HTTP/2 over TLS 1.2.
    Http2Tls12,
    /// HTTP/1.1 over TLS 1.3.
    Http1,
    /// HTTP/1.1 over TLS 1.2.
    Http1Tls12,
}

impl Protocol {
    /// The log's `type`.
    pub(super) fn log_type(self) -> &'static str {
        if self.is_http2() { "h2" } else { "https" }
    }

    pub(super) fn version(self) -> &'static str {
        if self.is_http2() { " HTTP/2.0" } else { " HTTP/1.1" }
    }

    /// The log's `ssl_cipher` and `ssl_protocol`.
    pub(super) fn tls(self) -> &'static str {
        match self {
            Self::Http2 | Self::Http1 => "TLS_AES_128_GCM_SHA256 TLSv1.3",
            Self::Http2Tls12 | Self::Http1Tls12 => "ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2",
        }
    }

    pub(super) fn is_http2(self) -> bool {
        matches!(self, Self::Http2 | Self::Http2Tls12)
    }
}

/// User agents by kind of client: kind, user agent, protocol, and weight among those of the same kind.
const AGENTS: &[(ClientKind, &str, Protocol, u32)] = &[
    (
        ClientKind::Browser,
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
        Protocol::Http2,
        45,
    ),
    (
        ClientKind::Browser,
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15",
        Protocol::Http2,
        25,
    ),
    (
        ClientKind::Browser,
        "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0",
        Protocol::Http2,
        15,
    ),
    (
        ClientKind::Browser,
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/109.0.0.0 Safari/537.36",
        Protocol::Http2Tls12,
        5,
    ),
    (ClientKind::App, "ShopApp/7.4.1 (iPhone; iOS 18.6; Scale/3.00)", Protocol::Http2, 50),
    (ClientKind::App, "ShopApp/7.3.0 (Android 15; Pixel 8) okhttp/4.12.0", Protocol::Http2Tls12, 40),
    (ClientKind::App, "okhttp/4.12.0", Protocol::Http1Tls12, 10),
    (ClientKind::Program, "axios/1.12.2", Protocol::Http1, 30),
    (ClientKind::Program, "python-requests/2.32.5", Protocol::Http1, 30),
    (ClientKind::Program, "Go-http-client/1.1", Protocol::Http1Tls12, 25),
    (ClientKind::Program, "curl/8.5.0", Protocol::Http1Tls12, 15),
    (ClientKind::Edge, "Amazon CloudFront", Protocol::Http1, 1),
    (ClientKind::Gateway, "AmazonAPIGateway_a1b2c3d4e5", Protocol::Http1Tls12, 1),
    (ClientKind::Service, "ReactorNetty/1.2.9", Protocol::Http1, 60),
    (ClientKind::Service, "Apache-HttpClient/5.5 (Java/21.0.8)", Protocol::Http1, 40),
];

/// User agents of scanners that look for vulnerabilities.
const SCANNERS: &[&str] =
    &["-", "Mozilla/5.0 zgrab/0.x", "Mozilla/5.0 (compatible; probe/1.1)", "python-requests/2.27.1"];

/// One client.
pub(super) struct Client {
    pub(super) kind: ClientKind,
    /// Address as the log writes it: no brackets around IPv6.
    pub(super) address: String,
    pub(super) user_agent: &'static str,
    pub(super) protocol: Protocol,
    connection: Option<ClientConnection>,
}

struct ClientConnection {
    node: usize,
    peer: Peer,
    last_used: Micros,
}

/// What the log shows of a client connection.
#[derive(Clone, Copy)]
pub(super) struct Peer {
    pub(super) port: u16,
    /// The connection's trace id.
    pub(super) trace: u128,
    /// Whether its TLS session continues an earlier one.
    pub(super) is_resumed: bool,
}

/// What a client asks for.
#[derive(Clone, Copy)]
pub(super) enum Call {
    /// A route of a target group.
    PlannedRoute { route: &'static PlannedRoute, number: u32 },
    /// Plain HTTP to a host, which the listener redirects.
    Redirected(&'static str),
    /// A scanner's path over TLS; the default rule forwards it.
    Probe(&'static str),
    /// A scanner's path over plain HTTP.
    ProbePlain(&'static str),
    /// Bytes that are not an HTTP request.
    Malformed,
    /// A request that the load balancer refuses with this status.
    Refused(u16, &'static str),
}

/// A request that is about to arrive.
#[derive(Clone, Copy)]
pub(super) struct Arrival {
    pub(super) client: usize,
    pub(super) group: usize,
    pub(super) call: Call,
    pub(super) form: RequestForm,
}

impl Arrival {
    /// A request of the usual form.
    fn new(client: usize, group: usize, call: Call) -> Self {
        Self { client, group, call, form: RequestForm::Compliant }
    }
}

/// The callers, and the state of their connections.
pub(super) struct Traffic {
    rng: Rng,
    pub(super) clients: Vec<Client>,
    /// The number of visitors. They are first in `clients`, before the pollers' clients and the scanners.
    visitors: usize,
    pollers: Vec<(Poller, usize)>,
    /// Programs whose requests have an odd form: the form, the mean time between two requests, the client.
    odd: Vec<(RequestForm, Micros, usize)>,
    /// What each kind may ask for, in the order of [`KINDS`]: target group, route, weight.
    menus: [Vec<(usize, &'static PlannedRoute, u32)>; KINDS.len()],
    hosts: Vec<&'static str>,
    /// Mean time between visits at the highest rate: [`CREST`] times `peak`.
    visit_gap: Micros,
    scan_gap: Micros,
    page: f64,
    nodes: u32,
    /// Surges: start and end, and the factor at each.
    surges: Vec<((Micros, Micros), (f64, f64))>,
    /// The highest factor of all surges; at least 1.
    peak: f64,
    noise: &'static [(u16, u32)],
    noise_gap: Micros,
    /// For features that not every plan has, so that the main stream does not depend on them.
    extra: Rng,
}

/// All kinds. A kind has the same index here as its menu in [`Traffic::menus`].
const KINDS: [ClientKind; 6] = [
    ClientKind::Browser,
    ClientKind::App,
    ClientKind::Program,
    ClientKind::Edge,
    ClientKind::Gateway,
    ClientKind::Service,
];

/// The highest value of [`wave`], whose mean is 1.
const CREST: f64 = 1.25;

/// How long a client keeps a connection open after its last request.
const CLIENT_KEEPS: Micros = 50 * SECOND;

impl Traffic {
    /// `minute` converts a minute of the plan to a moment of the run.
    pub(super) fn new(
        plan: &IncidentPlan,
        rate: f64,
        nodes: u32,
        minute: impl Fn(u32) -> Micros,
        (mut rng, extra): (Rng, Rng),
    ) -> Self {
        let menu = |kind: ClientKind| {
            let routes = plan.groups.iter().enumerate().flat_map(|(index, group)| {
                group.routes.iter().filter(|route| route.callers.contains(&kind)).map(move |route| (index, route))
            });
            routes.map(|(index, route)| (index, route, route.weight)).collect()
        };
        let mut clients = Vec::new();
        // Each visitor comes back every minute or so. Clients may share an address, as they do behind one NAT gateway.
        let visitors = whole(rate * 40.0).clamp(60, 20_000);
        for _ in 0..visitors {
            let kind = plan.audience[rng.weighted(plan.audience.iter().map(|entry| entry.1))].0;
            clients.push(client(kind, &mut rng));
        }
        let mut pollers = Vec::new();
        for &poller in &plan.pollers {
            let count = rate * poller.share * (poller.period as f64 / SECOND as f64);
            for _ in 0..whole(count) {
                pollers.push((poller, clients.len()));
                clients.push(client(ClientKind::Program, &mut rng));
            }
        }
        let mut odd = Vec::new();
        for &(form, gap) in &plan.odd_callers {
            odd.push((form, gap, clients.len()));
            clients.push(Client { protocol: Protocol::Http1, ..client(ClientKind::Program, &mut rng) });
        }
        for user_agent in SCANNERS {
            clients.push(Client {
                user_agent,
                protocol: Protocol::Http1Tls12,
                ..client(ClientKind::Program, &mut rng)
            });
        }
        let polled: f64 = pollers.iter().map(|(poller, _)| SECOND as f64 / poller.period as f64).sum();
        let weights: u32 = plan.audience.iter().map(|entry| entry.1).sum();
        let browsers: u32 =
            plan.audience.iter().filter(|entry| entry.0 == ClientKind::Browser).map(|entry| entry.1).sum();
        let size = 1.0 + (plan.page - 1.0) * f64::from(browsers) / f64::from(weights.max(1));
        let visits = ((rate - polled) / size).max(rate / 100.0);
        let surges =
            plan.surges.iter().map(|Surge { minutes, factors }| ((minute(minutes.0), minute(minutes.1)), *factors));
        let peak = plan.surges.iter().map(|surge| surge.factors.0.max(surge.factors.1)).fold(1.0, f64::max);
        Self {
            rng,
            clients,
            visitors,
            pollers,
            odd,
            menus: KINDS.map(menu),
            hosts: plan.groups.iter().map(|group| group.host).collect(),
            visit_gap: scaled(SECOND, 1.0 / (visits * CREST * peak)),
            scan_gap: scaled(SECOND, f64::from(plan.scans_every) / rate),
            page: plan.page,
            nodes,
            surges: surges.collect(),
            peak,
            noise: plan.noise,
            noise_gap: scaled(SECOND, f64::from(plan.noise_every) / rate),
            extra,
        }
    }

    /// The pollers' first calls: delay, then the poller's index.
    pub(super) fn first_polls(&mut self, now: Micros) -> Vec<(Micros, usize)> {
        let (rng, extra) = (&mut self.rng, &mut self.extra);
        let first = |(index, (poller, _)): (usize, &(Poller, usize))| {
            let delay = match poller.aligned {
                None => rng.between(0, poller.period),
                Some(late) => (-now).rem_euclid(poller.period) + extra.between(0, late),
            };
            (delay, index)
        };
        self.pollers.iter().enumerate().map(first).collect()
    }

    /// Appends the requests of one visit with their delays, and returns the time to the next visit. There may be no
    /// requests: visits are drawn for the highest rate and thinned out to the current one.
    pub(super) fn visit(&mut self, now: Micros, requests: &mut Vec<(Micros, Arrival)>) -> Micros {
        if self.rng.is(wave(now) * self.surge(now) / (CREST * self.peak)) {
            let client = self.rng.index(self.visitors);
            if self.rng.is(0.015) {
                let host = self.hosts[self.rng.index(self.hosts.len())];
                requests.push((0, Arrival::new(client, 0, Call::Redirected(host))));
            }
            let mut delay = 0;
            loop {
                if let Some(arrival) = self.ask(client) {
                    requests.push((delay, arrival));
                }
                // A browser asks for the parts of a page in quick succession; other clients send one request.
                if self.clients[client].kind != ClientKind::Browser || self.rng.is(1.0 / self.page) {
                    break;
                }
                // Half of the parts follow immediately, the others once more of the page has been read.
                let gap = if self.rng.is(0.5) { MILLISECOND / 2 } else { 60 * MILLISECOND };
                delay += self.rng.exponential(gap);
            }
        }
        self.rng.exponential(self.visit_gap) + 1
    }

    /// The current surge's factor on the rate of visits; 1 if there is no surge.
    fn surge(&self, now: Micros) -> f64 {
        let within = self.surges.iter().find(|((from, to), _)| (*from..*to).contains(&now));
        within.map_or(1.0, |&((from, to), (first, last))| {
            first + (last - first) * ((now - from) as f64 / (to - from) as f64)
        })
    }

    /// The time to a poller's next call, and its call now; `None` if no route is for programs.
    pub(super) fn poll(&mut self, poller: usize, now: Micros) -> (Micros, Option<Arrival>) {
        let (Poller { period, aligned, .. }, client) = self.pollers[poller];
        let next = match aligned {
            None => period + self.rng.between(-3 * MILLISECOND, 3 * MILLISECOND),
            // A call that is up to half a period late still belongs to the tick before.
            Some(late) => period - (now + period / 2).rem_euclid(period) + period / 2 + self.extra.between(0, late),
        };
        (next, self.ask(client))
    }

    /// The time to the next request that the load balancer refuses, and one such request; `None` if the plan has none.
    pub(super) fn noise(&mut self) -> (Micros, Option<Arrival>) {
        let next = self.extra.exponential(self.noise_gap) + 1;
        if self.noise.is_empty() || self.visitors == 0 {
            return (next, None);
        }
        let client = self.extra.index(self.visitors);
        let status = self.noise[self.extra.weighted(self.noise.iter().map(|entry| entry.1))].0;
        let host = self.hosts[self.extra.index(self.hosts.len())];
        (next, Some(Arrival::new(client, 0, Call::Refused(status, host))))
    }

    /// The number of programs whose requests have an odd form.
    pub(super) fn odd_callers(&self) -> usize {
        self.odd.len()
    }

    /// The time to the next request of such a program, and its request now; `None` if no route is for programs.
    pub(super) fn odd(&mut self, caller: usize) -> (Micros, Option<Arrival>) {
        let (form, gap, client) = self.odd[caller];
        let next = self.extra.exponential(gap) + 1;
        (next, self.ask(client).map(|arrival| Arrival { form, ..arrival }))
    }

    /// The time to the next scan, and a scanner's call now.
    pub(super) fn scan(&mut self) -> (Micros, Arrival) {
        let client = self.clients.len() - 1 - self.rng.index(SCANNERS.len());
        // Each scan comes from another address, over a new connection.
        self.clients[client].address = address(&mut self.rng);
        self.clients[client].connection = None;
        let probe = PROBES[self.rng.index(PROBES.len())];
        let call = match self.rng.below(10) {
            0..=2 => Call::Malformed,
            3..=5 => Call::ProbePlain(probe),
            _ => Call::Probe(probe),
        };
        (self.rng.exponential(self.scan_gap) + 1, Arrival::new(client, 0, call))
    }

    /// The node and the connection that a client's request arrives on.
    pub(super) fn connect(&mut self, arrival: &Arrival, now: Micros) -> (usize, Peer) {
        let rng = &mut self.rng;
        let client = &mut self.clients[arrival.client];
        let fresh = |rng: &mut Rng, is_resumed| {
            let port = u16::try_from(1024 + rng.below(64_000)).unwrap_or(u16::MAX);
            (rng.below(self.nodes) as usize, Peer { port, trace: rng.bits128(), is_resumed })
        };
        // A WebSocket has a connection of its own.
        let is_socket = matches!(arrival.call, Call::PlannedRoute { route, .. } if route.is_socket());
        if is_socket || !matches!(arrival.call, Call::PlannedRoute { .. } | Call::Probe(_)) {
            return fresh(rng, false);
        }
        match &mut client.connection {
            Some(connection) if now - connection.last_used < CLIENT_KEEPS => {
                connection.last_used = now;
                (connection.node, connection.peer)
            }
            earlier => {
                let is_resumed = earlier.is_some() && rng.is(0.6);
                let (node, peer) = fresh(rng, is_resumed);
                *earlier = Some(ClientConnection { node, peer, last_used: now });
                (node, peer)
            }
        }
    }

    fn ask(&mut self, client: usize) -> Option<Arrival> {
        let kind = self.clients[client].kind;
        let menu = &self.menus[KINDS.iter().position(|&other| other == kind)?];
        if menu.is_empty() {
            return None;
        }
        let (group, route, _) = menu[self.rng.weighted(menu.iter().map(|entry| entry.2))];
        Some(Arrival::new(client, group, Call::PlannedRoute { route, number: self.rng.below(route.numbers) }))
    }
}

fn client(kind: ClientKind, rng: &mut Rng) -> Client {
    let agents = || AGENTS.iter().filter(|agent| agent.0 == kind);
    let (_, user_agent, protocol, _) = agents().nth(rng.weighted(agents().map(|agent| agent.3))).unwrap_or(&AGENTS[0]);
    Client { kind, address: address(rng), user_agent, protocol: *protocol, connection: None }
}

/// A random address from the ranges reserved for documentation: RFC 5737 (IPv4) and RFC 3849 (IPv6).
fn address(rng: &mut Rng) -> String {
    match rng.below(20) {
        0..=9 => format!("203.0.113.{}", 1 + rng.below(254)),
        10..=15 => format!("198.51.100.{}", 1 + rng.below(254)),
        _ => {
            let bits = rng.bits64();
            let [a, b, c, d] = [bits & 0xffff, bits >> 16 & 0xffff, bits >> 32 & 0xffff, bits >> 48 | 1];
            format!("2001:db8:{:x}:{:x}:{a:x}:{b:x}:{c:x}:{d:x}", 1 + rng.below(4000), 1 + rng.below(200))
        }
    }
}

/// The request rate relative to the mean of a day: highest at about 14:00 UTC, lowest at about 02:00, with a wave of 37
/// minutes on top. Piecewise linear, so that every machine computes the same value.
fn wave(now: Micros) -> f64 {
    let day = triangle(now - 14 * 60 * MINUTE, 24 * 60 * MINUTE);
    let shorter = triangle(now, 37 * MINUTE);
    1.0 + 0.2 * day + 0.05 * shorter
}

/// A triangle wave: 1 at the start of a period, −1 in its middle, and 1 again at its end.
fn triangle(at: Micros, period: Micros) -> f64 {
    let phase = at.rem_euclid(period) as f64 / period as f64;
    (4.0 * phase - 2.0).abs() - 1.0
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count of clients: rounded, and bounded by what memory holds"
)]
fn whole(count: f64) -> usize {
    count.round().max(0.0) as usize
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::simulate::scenario::Scenario;

    const DAY: Micros = 24 * 60 * MINUTE;

    /// The traffic of a scenario at one request a second, with two nodes.
    fn traffic(scenario: &str, surges: Vec<Surge>) -> Traffic {
        let mut plan = Scenario::find(scenario).expect("a scenario's name").plan(1);
        plan.surges = surges;
        Traffic::new(&plan, 1.0, 2, |minute| Micros::from(minute) * MINUTE, (Rng::new(1, 1), Rng::new(1, 2)))
    }

    #[test]
    fn the_rate_of_a_day_has_the_mean_1_its_crest_and_its_lowest_hour() {
        let rates: Vec<f64> = (0..37 * 24 * 60).map(|minute| wave(minute * MINUTE)).collect();
        let mean = rates.iter().sum::<f64>() / rates.len() as f64;
        assert!((mean - 1.0).abs() < 0.001, "{mean}");
        assert!(rates.iter().all(|rate| (0.75..=CREST).contains(rate)));
        assert!(rates.iter().any(|rate| *rate > CREST - 0.01) && rates.iter().any(|rate| *rate < 0.76));
        // Averaged over the shorter wave.
        let around = |hour: i64| (-37..37).map(|half| wave(hour * 60 * MINUTE + half * MINUTE / 2)).sum::<f64>() / 74.0;
        assert!(around(14) > 1.19 && around(2) < 0.81 && (around(8) - 1.0).abs() < 0.01);
        for (at, expected) in [(0, 1.0), (1, 0.5), (2, 0.0), (4, -1.0), (6, 0.0), (8, 1.0), (-1, 0.5), (-4, -1.0)] {
            assert!((triangle(at, 8) - expected).abs() < 1e-9, "{at}");
        }
    }

    #[test]
    fn a_surge_grows_between_its_minutes_and_is_over_at_its_end() {
        let surges =
            vec![Surge { minutes: (10, 20), factors: (1.0, 3.0) }, Surge { minutes: (30, 31), factors: (5.0, 5.0) }];
        let traffic = traffic("incident", surges);
        for (seconds, expected) in
            [(0, 1.0), (599, 1.0), (600, 1.0), (900, 2.0), (1_200, 1.0), (1_800, 5.0), (1_860, 1.0)]
        {
            let factor = traffic.surge(seconds * SECOND);
            assert!((factor - expected).abs() < 1e-9, "{seconds} s: {factor}");
        }
        assert!((traffic.peak - 5.0).abs() < 1e-9);
    }

    #[test]
    fn visits_are_as_frequent_as_the_rate_and_the_time_of_the_day_say() {
        let mut traffic = traffic("incident", Vec::new());
        let (mut now, mut by_half_day, mut asked) = (0, [0_usize; 2], Vec::new());
        while now < DAY {
            asked.clear();
            let gap = traffic.visit(now, &mut asked);
            assert!(gap > 0 && asked.is_sorted_by_key(|(delay, _)| *delay));
            assert!(asked.iter().all(|(_, arrival)| arrival.client < traffic.visitors));
            // Night is from 20:00 to 08:00.
            by_half_day[usize::from((8 * 60 * MINUTE..20 * 60 * MINUTE).contains(&now))] += asked.len();
            now += gap;
        }
        let [night, day] = by_half_day.map(|requests| requests as f64);
        assert!((day / night - 1.1 / 0.9).abs() < 0.1, "{night} at night, {day} by day");
        let polled: f64 = traffic.pollers.iter().map(|(poller, _)| SECOND as f64 / poller.period as f64).sum();
        let rate = (day + night) / 86_400.0 + polled;
        assert!((0.9..1.1).contains(&rate), "{rate}");
    }

    #[test]
    fn a_client_keeps_its_connection_for_50_seconds_after_its_last_request() {
        let mut traffic = traffic("incident", Vec::new());
        let group_and_route = traffic.menus.iter().flatten().find(|(_, route, _)| !route.is_socket());
        let &(group, route, _) = group_and_route.expect("a route");
        let arrival = Arrival::new(0, group, Call::PlannedRoute { route, number: 1 });
        let mut connect = |call, now| traffic.connect(&Arrival { call, ..arrival }, now).1.trace;
        let first = connect(arrival.call, 0);
        assert_eq!(connect(arrival.call, CLIENT_KEEPS - 1), first);
        assert_eq!(connect(arrival.call, 2 * CLIENT_KEEPS - 2), first, "each request keeps it open");
        let second = connect(arrival.call, 3 * CLIENT_KEEPS - 2);
        assert_ne!(second, first);
        // Plain HTTP has another connection each time, and leaves the one over TLS alone.
        assert_ne!(connect(Call::ProbePlain("/"), 3 * CLIENT_KEEPS), second);
        assert_eq!(connect(Call::Probe("/"), 3 * CLIENT_KEEPS), second);
    }

    #[test]
    fn addresses_are_those_reserved_for_documentation() {
        let mut rng = Rng::new(1, 1);
        let mut of_version_6 = 0;
        for _ in 0..1_000 {
            let text = address(&mut rng);
            match text.parse().expect("an address") {
                IpAddr::V4(it) => {
                    assert!(matches!(it.octets(), [203, 0, 113, 1..=254] | [198, 51, 100, 1..=254]), "{text}");
                }
                IpAddr::V6(it) => {
                    assert!(it.segments().starts_with(&[0x2001, 0xdb8]), "{text}");
                    of_version_6 += 1;
                }
            }
        }
        assert!((150..250).contains(&of_version_6), "{of_version_6} of 1,000");
    }
}
