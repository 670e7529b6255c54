//! What can be simulated: one row each. To add one, write its row and the function that makes its plan.

use super::plan::{
    Action, Group, GroupIndex, KeepAlive, Kind, MILLISECOND, MINUTE, Micros, Moment, Plan, Route, SECOND, Stalls,
    Target, TargetIndex,
};

/// Something that can be simulated.
pub struct Scenario {
    /// Stable, and what a user types.
    pub name: &'static str,
    /// One sentence: what happens.
    pub description: &'static str,
    /// The cause ids its failures have, the main one first; empty where nothing fails.
    pub causes: &'static [&'static str],
    pub(super) plan: fn() -> Plan,
}

/// Every scenario, in the order they are listed.
pub static SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "healthy",
        description: "nothing is wrong: a clean rolling deploy, slow reports, client errors and scanners",
        causes: &[],
        plan: healthy,
    },
    Scenario {
        name: "keep-alive-race",
        description: "targets with busy event loops close idle connections after 5 s, under an idle timeout of 60 s",
        causes: &["keep-alive-race"],
        plan: keep_alive_race,
    },
    Scenario {
        name: "keep-alive-race-workers",
        description: "worker processes close connections idle for 2 s whenever something wakes them, under an idle timeout of 60 s",
        causes: &["keep-alive-race"],
        plan: keep_alive_race_workers,
    },
    Scenario {
        name: "connection-refused",
        description: "one of four targets is registered, twice, without anything listening on its port",
        causes: &["connection-refused"],
        plan: connection_refused,
    },
    Scenario {
        name: "connect-timeout",
        description: "a network ACL swallows all packets to and from two of four targets for ten minutes of two hours",
        causes: &["connect-timeout", "client-gave-up"],
        plan: connect_timeout,
    },
    Scenario {
        name: "idle-timeout",
        description: "building a report takes longer and longer, at last longer than the idle timeout of 60 s",
        causes: &["idle-timeout-exceeded"],
        plan: idle_timeout,
    },
    Scenario {
        name: "target-crash",
        description: "processes run out of memory, slow down, die with requests in flight, and are replaced at new addresses",
        causes: &["target-crash"],
        plan: target_crash,
    },
    Scenario {
        name: "incident",
        description: "two hours in which four targets of two target groups fail for four different reasons, among healthy ones",
        causes: &["keep-alive-race", "connect-timeout", "target-crash", "idle-timeout-exceeded", "client-gave-up"],
        plan: incident,
    },
];

impl Scenario {
    /// The scenario of that name, if there is one.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        SCENARIOS.iter().find(|scenario| scenario.name == name)
    }
}

/// The names of all scenarios, in the order they are listed.
pub fn scenario_names() -> impl Iterator<Item = &'static str> {
    SCENARIOS.iter().map(|scenario| scenario.name)
}

const EVERYONE: &[Kind] = &[Kind::Browser, Kind::App, Kind::Program];
const BROWSERS: &[Kind] = &[Kind::Browser];
const APPS: &[Kind] = &[Kind::App, Kind::Browser];
/// Those who wait for a report: apps have no screen for it.
const PATIENT: &[Kind] = &[Kind::Browser, Kind::Program];

/// A shop's JSON interface: quick answers, some of them client errors.
const SHOP_ROUTES: &[Route] = &[
    route("GET", "/api/items/{}", 260, EVERYONE, (26, 0.7), (210, 1400), &[(200, 955), (404, 25), (304, 20)]),
    route("GET", "/api/items?page={}", 180, EVERYONE, (45, 0.6), (215, 5200), &[(200, 985), (304, 15)]),
    route("GET", "/api/search?q=term{}", 90, EVERYONE, (85, 0.8), (220, 3900), &[(200, 1)]),
    route("GET", "/api/session", 120, APPS, (9, 0.6), (260, 480), &[(200, 97), (401, 3)]),
    route("GET", "/api/alerts?since={}", 60, PATIENT, (14, 0.6), (240, 620), &[(200, 80), (304, 20)]),
    route("PUT", "/api/cart/{}", 70, APPS, (38, 0.6), (420, 900), &[(200, 98), (422, 2)]),
    route("POST", "/api/orders", 45, EVERYONE, (140, 0.7), (780, 760), &[(201, 96), (422, 3), (400, 1)]),
    route("GET", "/static/app.js", 70, BROWSERS, (3, 0.5), (190, 48_000), &[(200, 60), (304, 40)]),
];

/// Reports are listed and fetched quickly, and built slowly.
const REPORT_ROUTES: &[Route] = &[
    route("GET", "/reports", 30, PATIENT, (30, 0.6), (230, 2600), &[(200, 1)]),
    route("GET", "/reports/{}", 45, PATIENT, (120, 0.8), (230, 21_000), &[(200, 97), (404, 3)]),
    route("POST", "/reports/build", 22, PATIENT, (2600, 0.5), (640, 900), &[(200, 98), (422, 2)]),
];

/// The place of the slow route in [`REPORT_ROUTES`].
const BUILD: usize = 2;

/// A row of a table of routes; the median is in milliseconds.
const fn route(
    method: &'static str,
    path: &'static str,
    weight: u32,
    callers: &'static [Kind],
    (median, sigma): (Micros, f64),
    bytes: (u32, u32),
    statuses: &'static [(u16, u32)],
) -> Route {
    Route { method, path, numbers: 5000, weight, callers, median: median * MILLISECOND, sigma, bytes, statuses }
}

fn shop_api() -> Group {
    Group {
        name: "shop-api",
        id: "73e2d6bc24d8a067",
        port: 3000,
        host: "api.shop.example.com",
        rule_priority: 100,
        deregistration_delay: 300 * SECOND,
        routes: SHOP_ROUTES,
    }
}

fn reports() -> Group {
    Group {
        name: "reports",
        id: "3bb63f11dfb0faf9",
        port: 8080,
        host: "reports.shop.example.com",
        rule_priority: 200,
        deregistration_delay: 300 * SECOND,
        routes: REPORT_ROUTES,
    }
}

/// Targets of a group, one for each address 10.0.x.y.
fn targets<const N: usize>(plan: &mut Plan, group: GroupIndex, addresses: [(u8, u8); N]) -> [TargetIndex; N] {
    addresses.map(|(x, y)| plan.target(group, Target::at([10, 0, x, y])))
}

/// A replacement that comes later.
fn replacement(plan: &mut Plan, group: GroupIndex, (x, y): (u8, u8)) -> TargetIndex {
    plan.target(group, Target::at([10, 0, x, y]).later())
}

/// An event loop that computes much itself, so that everything else has to wait now and then.
fn busy(target: Target) -> Target {
    let keep_alive = KeepAlive { idle: 5 * SECOND, smear: 8 * MILLISECOND, sweep: None };
    let stalls = Stalls { gap: 60 * MILLISECOND, length: 92 * MILLISECOND };
    Target { keep_alive, stalls: Some(stalls), ..target }
}

/// Memory runs short, the process slows down for a while, is killed, and another takes its place.
fn out_of_memory(plan: &mut Plan, minute: u32, victim: TargetIndex, successor: TargetIndex) {
    let end = Moment::minute(minute);
    plan.at(end.plus(-25 * SECOND), victim, Action::Pace(15.0));
    plan.at(end.plus(-12 * SECOND), victim, Action::Pace(300.0));
    plan.at(end, victim, Action::Crash);
    // Its orchestrator sees the exit and deregisters it; until then nodes send to a port where nothing listens.
    plan.at(end.plus(3200 * MILLISECOND), victim, Action::Deregister);
    plan.at(end.plus(31 * SECOND), successor, Action::Start);
    plan.at(end.plus(38 * SECOND), successor, Action::Register);
}

fn healthy() -> Plan {
    let mut plan = Plan::new(4.5);
    let api = plan.group(shop_api());
    let old = targets(&mut plan, api, [(10, 36), (11, 162), (12, 199)]);
    let reports = plan.group(reports());
    targets(&mut plan, reports, [(10, 71), (11, 43)]);
    for (minute, target, address) in [(50, old[0], (10, 206)), (56, old[1], (11, 81)), (62, old[2], (12, 145))] {
        let new = replacement(&mut plan, api, address);
        plan.at(Moment::minute(minute), new, Action::Start);
        plan.at(Moment::minute(minute).plus(12 * SECOND), new, Action::Register);
        plan.at(Moment::minute(minute).plus(20 * SECOND), target, Action::Deregister);
        // Stopped when the deregistration delay is over and nothing is left to lose.
        plan.at(Moment::minute(minute).plus(6 * MINUTE), target, Action::Stop);
    }
    plan
}

fn keep_alive_race() -> Plan {
    let mut plan = Plan::new(6.0);
    let api = plan.group(shop_api());
    for (x, y) in [(10, 36), (11, 162), (12, 199), (10, 44)] {
        plan.target(api, busy(Target::at([10, 0, x, y])));
    }
    plan
}

/// As gunicorn's threaded workers do: races come in small bursts, when the first request after a pause wakes the loop, which
/// then closes idle connections under the requests that follow.
fn keep_alive_race_workers() -> Plan {
    // A dashboard asks for all its parts at once.
    let mut plan = Plan { page: 16.0, ..Plan::new(6.0) };
    let api = plan.group(Group { port: 8000, ..shop_api() });
    let keep_alive = KeepAlive { idle: 2 * SECOND, smear: 0, sweep: Some(SECOND) };
    for (x, y) in [(10, 44), (11, 81)] {
        plan.target(api, Target { keep_alive, ..Target::at([10, 0, x, y]) });
    }
    plan
}

fn connection_refused() -> Plan {
    let mut plan = Plan::new(4.5);
    let api = plan.group(shop_api());
    targets(&mut plan, api, [(10, 36), (11, 162), (12, 199)]);
    let silent = plan.target(api, Target::at([10, 0, 11, 73]).later());
    // Health checks take it out of rotation again.
    for (from, to) in [(20, 32), (50, 58)] {
        plan.at(Moment::minute(from), silent, Action::Register);
        plan.at(Moment::minute(to), silent, Action::Deregister);
    }
    plan
}

fn connect_timeout() -> Plan {
    let mut plan = Plan::new(4.5);
    let api = plan.group(shop_api());
    let all = targets(&mut plan, api, [(10, 36), (11, 162), (12, 199), (11, 170)]);
    for cut_off in [all[1], all[3]] {
        plan.at(Moment::minute(45), cut_off, Action::Blackhole);
        plan.at(Moment::minute(55), cut_off, Action::Restore);
    }
    plan
}

fn idle_timeout() -> Plan {
    let mut plan = Plan::new(4.5);
    let api = plan.group(shop_api());
    targets(&mut plan, api, [(10, 36), (11, 162), (12, 199)]);
    let reports = plan.group(reports());
    let slow = targets(&mut plan, reports, [(10, 71), (11, 43)]);
    slow_down(&mut plan, &slow, &[(30, 4.0), (45, 9.0), (60, 16.0), (75, 24.0), (100, 1.0)]);
    plan
}

/// Building a report takes this many times as long from each of these minutes on.
fn slow_down(plan: &mut Plan, targets: &[TargetIndex], steps: &[(u32, f64)]) {
    for &target in targets {
        for &(minute, pace) in steps {
            plan.at(Moment::minute(minute), target, Action::RoutePace(BUILD, pace));
        }
    }
}

fn target_crash() -> Plan {
    let mut plan = Plan::new(6.0);
    let api = plan.group(shop_api());
    let first = targets(&mut plan, api, [(10, 160), (11, 197), (12, 34)]);
    let second = [(10, 71), (11, 108), (12, 123)].map(|address| replacement(&mut plan, api, address));
    let third = [(10, 93), (11, 75), (12, 145)].map(|address| replacement(&mut plan, api, address));
    for (minute, victim, successor) in [
        (20, first[0], second[0]),
        (35, first[1], second[1]),
        (50, first[2], second[2]),
        (65, second[0], third[0]),
        (80, second[1], third[1]),
        (95, second[2], third[2]),
    ] {
        out_of_memory(&mut plan, minute, victim, successor);
    }
    plan
}

/// Minute 0–120: one target of shop-api runs an old release and loses idle connections. 40–55: another is cut off. 70: a third
/// runs out of memory. 85–105: building a report exceeds the idle timeout. The other targets have nothing to be blamed for.
fn incident() -> Plan {
    let mut plan = Plan::new(5.2);
    let api = plan.group(shop_api());
    plan.target(api, busy(Target::at([10, 0, 10, 36])));
    let [cut_off, victim, _sound] = targets(&mut plan, api, [(11, 162), (12, 199), (10, 44)]);
    let successor = replacement(&mut plan, api, (12, 207));
    let reports = plan.group(reports());
    let slow = targets(&mut plan, reports, [(10, 71), (11, 43)]);

    plan.at(Moment::minute(40), cut_off, Action::Blackhole);
    plan.at(Moment::minute(55), cut_off, Action::Restore);
    out_of_memory(&mut plan, 70, victim, successor);
    slow_down(&mut plan, &slow, &[(85, 9.0), (90, 20.0), (105, 1.0)]);
    plan
}
