//! Incidents as people have reported them, each rebuilt in a few lines: what is said about them, and what must not be.
//!
//! Each test stands for a kind of incident that a simpler rule gets wrong. Names and addresses are invented.

mod common;

use albscope::aggregate::Summary;
use albscope::diagnose::{Confidence, Context, Diagnosis, IdleTimeoutOrigin, Scope, Shape, diagnose};
use albscope::kind::alb;
use albscope::{ReadOptions, Timestamp};
use common::{LineBuilder, Logs, TARGET_GROUP, line};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;

/// How a request went. Times are in milliseconds; `at` counts from the start of the log.
#[derive(Clone, Copy)]
struct Sent {
    at: i64,
    took: i64,
    target: &'static str,
    node: &'static str,
    path: &'static str,
    kind: &'static str,
    elb_status: &'static str,
    target_status: &'static str,
    /// Request, target and response processing time; `None` for the usual ones of an answer.
    times: Option<[&'static str; 3]>,
    error_reason: &'static str,
}

const ANSWERED: Sent = Sent {
    at: 0,
    took: 30,
    target: "10.0.11.1:8080",
    node: "10.0.1.5",
    path: "/items",
    kind: "https",
    elb_status: "200",
    target_status: "200",
    times: None,
    error_reason: "-",
};

impl Sent {
    fn at(self, at: i64) -> Self {
        Self { at, ..self }
    }

    fn took(self, took: i64) -> Self {
        Self { took, ..self }
    }

    fn target(self, target: &'static str) -> Self {
        Self { target, ..self }
    }

    fn node(self, node: &'static str) -> Self {
        Self { node, ..self }
    }

    fn path(self, path: &'static str) -> Self {
        Self { path, ..self }
    }

    /// The target closed the connection instead of answering.
    fn closed(self) -> Self {
        Self { elb_status: "502", target_status: "-", times: Some(["0.000", "", "-1"]), ..self }
    }

    /// The target answered 500.
    fn errored(self) -> Self {
        Self { elb_status: "500", target_status: "500", ..self }
    }

    /// The idle timeout ended it.
    fn timed_out(self, idle_timeout: i64) -> Self {
        Self { elb_status: "504", target_status: "-", times: Some(["0.000", "-1", "-1"]), ..self.took(idle_timeout) }
    }

    /// No connection within ten seconds.
    fn not_connected(self) -> Self {
        Self { elb_status: "504", target_status: "-", times: Some(["-1", "-1", "-1"]), ..self.took(10_001) }
    }

    /// The connection was refused.
    fn refused(self) -> Self {
        Self { elb_status: "502", target_status: "-", times: Some(["-1", "-1", "-1"]), ..self.took(4) }
    }

    fn line(&self) -> String {
        self.builder().build()
    }

    fn builder(&self) -> LineBuilder {
        let time = |millis: i64| Timestamp::from_micros(1_795_000_000_000_000 + millis * 1_000).to_string();
        let took = format!("{}.{:03}", self.took / 1_000, self.took % 1_000);
        let [request_time, target_time, response_time] = self.times.unwrap_or(["0.000", "", "0.000"]);
        let target_time = if target_time.is_empty() { &took } else { target_time };
        let url = format!("\"GET https://shop.example:443{} HTTP/1.1\"", self.path);
        let quoted = |text: &str| format!("\"{text}\"");
        line()
            .field(alb::TYPE, self.kind)
            .field(alb::TIME, &time(self.at + self.took))
            .field(alb::REQUEST_CREATION_TIME, &time(self.at))
            .field(alb::TARGET, self.target)
            .field(alb::TARGET_PORT_LIST, &quoted(self.target))
            .field(alb::REQUEST_PROCESSING_TIME, request_time)
            .field(alb::TARGET_PROCESSING_TIME, target_time)
            .field(alb::RESPONSE_PROCESSING_TIME, response_time)
            .field(alb::ELB_STATUS_CODE, self.elb_status)
            .field(alb::TARGET_STATUS_CODE, self.target_status)
            .field(alb::REQUEST_LINE, &url)
            .field(alb::ERROR_REASON, &quoted(self.error_reason))
            .field(alb::IP_ADDRESS, self.node)
    }
}

fn diagnosed(requests: &[Sent]) -> (Summary, Diagnosis) {
    let mut requests = requests.to_vec();
    requests.sort_by_key(|request| request.at + request.took);
    let summary = summary_of(&requests.iter().map(Sent::line).collect::<Vec<_>>());
    let diagnosis = diagnose(&summary, &Context::default());
    (summary, diagnosis)
}

fn diagnosed_lines(lines: &[String]) -> Diagnosis {
    diagnose(&summary_of(lines), &Context::default())
}

fn summary_of(lines: &[String]) -> Summary {
    let logs = Logs::new();
    logs.write("a.log", (lines.join("\n") + "\n").as_bytes());
    let summary = logs.analyse(&ReadOptions::new());
    assert_eq!(summary.requests(), lines.len() as u64, "all lines are read");
    summary
}

/// Cause, confidence and number of failures of each finding.
fn told(diagnosis: &Diagnosis) -> Vec<(&'static str, Confidence, u64)> {
    diagnosis.findings.iter().map(|finding| (finding.cause.id, finding.confidence, finding.failures)).collect()
}

fn evidence(diagnosis: &Diagnosis) -> Vec<String> {
    diagnosis.findings.iter().flat_map(|finding| &finding.evidence).map(|evidence| evidence.text.clone()).collect()
}

fn assert_first(diagnosis: &Diagnosis, accepted: &[&str]) {
    let told = told(diagnosis);
    assert!(told.first().is_some_and(|(cause, ..)| accepted.contains(cause)), "{told:?}");
}

fn assert_says(diagnosis: &Diagnosis, part: &str) {
    let evidence = evidence(diagnosis);
    assert!(evidence.iter().any(|text| text.contains(part)), "{part:?} is not in {evidence:#?}");
}

const TARGETS: [&str; 6] =
    ["10.0.11.1:8080", "10.0.11.2:8080", "10.0.12.3:8080", "10.0.12.4:8080", "10.0.13.5:8080", "10.0.13.6:8080"];
const NODES: [&str; 2] = ["10.0.1.5", "10.0.2.6"];
const PATHS: [&str; 8] = ["/", "/items", "/cart", "/pay", "/search", "/login", "/help", "/about"];

fn any<T: Copy>(of: &[T], dice: &mut ChaCha8Rng) -> T {
    of[dice.random_range(0..of.len())]
}

/// Answers at random moments within `minutes`, `gap` milliseconds apart on average.
fn answers(minutes: i64, gap: i64, targets: &[&'static str], dice: &mut ChaCha8Rng) -> Vec<Sent> {
    let mut requests = Vec::new();
    let mut now = 0;
    while now < minutes * MINUTE {
        now += dice.random_range(1..gap * 2);
        let took = dice.random_range(8..70);
        let (target, node, path) = (any(targets, dice), any(&NODES, dice), any(&PATHS, dice));
        requests.push(ANSWERED.at(now).took(took).target(target).node(node).path(path));
    }
    requests
}

/// Gateway pods behind four node ports are replaced: at three moments, all targets close connections. Monitors call
/// each target twice a minute, so many requests come half a minute after an answer.
#[test]
fn bursts_at_all_targets_are_no_race_whatever_lags_they_have() {
    for seed in 0..6 {
        let mut dice = ChaCha8Rng::seed_from_u64(seed);
        let mut requests = answers(40, 1_500, &TARGETS[..4], &mut dice);
        for target in &TARGETS[..4] {
            let calls = (0..80).map(|round| round * 30 * SECOND + 40);
            requests.extend(calls.map(|at| ANSWERED.at(at).target(target).took(5)));
        }
        for burst in [9, 17, 31] {
            for number in 0..11 {
                let at = burst * MINUTE + 40 + number * 170;
                requests.push(ANSWERED.at(at).took(3).target(any(&TARGETS[..4], &mut dice)).closed());
            }
        }
        for (from, to) in [(0, 40), (0, 20), (5, 40), (8, 33), (16, 35)] {
            let part: Vec<Sent> =
                requests.iter().copied().filter(|it| (from * MINUTE..to * MINUTE).contains(&it.at)).collect();
            let (_, diagnosis) = diagnosed(&part);
            let accepted = ["server-recycling", "deploy-without-draining", "target-crash", "unexplained"];
            assert_first(&diagnosis, &accepted);
            let estimated = diagnosis.findings.iter().filter_map(|finding| finding.estimates.keep_alive);
            assert_eq!(estimated.count(), 0, "seed {seed}, {from} to {to}: {:?}", told(&diagnosis));
        }
    }
}

/// A proxy in front of the application has no connections left: for an hour, one request in eleven is closed, and some
/// get its own 500.
fn exhausted(hours: i64, bad_hour: i64) -> Vec<Sent> {
    let mut dice = ChaCha8Rng::seed_from_u64(3);
    let mut requests = answers(hours * 60, 1_100, &TARGETS[..1], &mut dice);
    let mut errors = 0;
    for request in &mut requests {
        if request.at / (60 * MINUTE) != bad_hour {
            continue;
        }
        if dice.random_bool(0.09) {
            *request = request.took(dice.random_range(0..6)).closed();
        } else if dice.random_bool(0.004) && errors < 12 {
            errors += 1;
            *request = request.took(3).errored();
        }
    }
    requests
}

#[test]
fn a_target_without_connections_is_named_alike_over_three_hours_and_over_one() {
    let long = exhausted(3, 1);
    let short: Vec<Sent> = long.iter().copied().filter(|it| it.at / (60 * MINUTE) == 1).collect();
    let [(_, of_long), (_, of_short)] = [long, short].map(|requests| diagnosed(&requests));
    for diagnosis in [&of_long, &of_short] {
        assert_first(diagnosis, &["connections-exhausted", "target-saturated"]);
    }
    let first = |diagnosis: &Diagnosis| told(diagnosis).first().map(|(cause, confidence, _)| (*cause, *confidence));
    assert_eq!(first(&of_long), first(&of_short));
}

/// The pool of database connections is empty for 15 seconds: a third of all requests gets 500 after five seconds.
#[test]
fn a_dependency_that_fails_a_part_of_all_requests_is_one_outage_with_its_constant() {
    let mut dice = ChaCha8Rng::seed_from_u64(5);
    let mut requests = answers(10, 25, &TARGETS, &mut dice);
    for request in &mut requests {
        let is_bad = (5 * MINUTE..5 * MINUTE + 15 * SECOND).contains(&request.at) && dice.random_bool(0.35);
        if is_bad {
            *request = request.took(5_000 + dice.random_range(4..32)).errored();
        }
    }
    let (_, diagnosis) = diagnosed(&requests);
    assert_first(&diagnosis, &["dependency-outage"]);
    assert!(diagnosis.findings.len() <= 2, "{:?}", told(&diagnosis));
    assert!(matches!(diagnosis.findings[0].scope, Scope::TargetGroup(_)));
    assert_says(&diagnosis, "came 5.0");
}

/// A worker takes requests and never answers them; all others are answered in milliseconds.
#[test]
fn what_is_never_answered_is_not_slow() {
    let mut dice = ChaCha8Rng::seed_from_u64(11);
    let mut requests = answers(90, 4_000, &TARGETS[..3], &mut dice);
    let mut number = 0;
    for request in &mut requests {
        if dice.random_bool(0.05) {
            number += 1;
            *request = request.timed_out(120 * SECOND + number % 3);
        }
    }
    let (_, diagnosis) = diagnosed(&requests);
    assert!(told(&diagnosis).iter().all(|(cause, ..)| *cause == "never-answered"), "{:?}", told(&diagnosis));
    assert_says(&diagnosis, "to the same routes and targets were answered meanwhile");
}

/// A target is silent for nearly two minutes before it closes some requests, and no 504 comes.
#[test]
fn a_silence_that_ends_otherwise_bounds_the_idle_timeout() {
    let mut dice = ChaCha8Rng::seed_from_u64(2);
    let mut requests = answers(60, 6_000, &TARGETS[..3], &mut dice);
    for (number, request) in (0..).zip(&mut requests) {
        if number % 7 == 0 {
            *request = request.took(31 * SECOND + dice.random_range(0..84) * SECOND).closed();
        }
    }
    requests.push(ANSWERED.at(30 * MINUTE).took(114 * SECOND).closed());
    requests.push(ANSWERED.at(31 * MINUTE).took(115 * SECOND).closed());
    let (_, diagnosis) = diagnosed(&requests);
    let idle_timeout = diagnosis.idle_timeout;
    assert_eq!(idle_timeout.origin, IdleTimeoutOrigin::Bounded);
    assert_eq!(idle_timeout.known(), None);
    assert!(idle_timeout.at_least.is_some_and(|bound| (110..=115).contains(&bound.as_secs())), "{idle_timeout:?}");
}

#[test]
fn silent_web_sockets_show_the_idle_timeout_of_their_load_balancer() {
    let mut dice = ChaCha8Rng::seed_from_u64(8);
    let mut requests = answers(30, 9_000, &TARGETS[..2], &mut dice);
    let socket = Sent { kind: "wss", elb_status: "101", target_status: "101", path: "/live", ..ANSWERED };
    requests.extend((0..40).map(|number| socket.at(number * 40 * SECOND).took(60_000 + number % 2)));
    requests.extend((0..8).map(|number| socket.at(number * 99 * SECOND).took(7_000 + number * 1_311)));
    let (_, diagnosis) = diagnosed(&requests);
    assert_eq!(told(&diagnosis), []);
    assert_eq!(diagnosis.idle_timeout.origin, IdleTimeoutOrigin::Inferred);
    assert_eq!(diagnosis.idle_timeout.duration.as_secs(), 60);
}

/// Hardly any traffic: whether a minute or a little more lies between two attempts says nothing.
#[test]
fn connect_timeouts_are_as_sure_at_any_distance_if_nothing_is_answered_between_them() {
    let of_gap = |gap: i64| {
        let mut requests: Vec<Sent> = (0..3).map(|number| ANSWERED.at(number * SECOND)).collect();
        requests.extend((1..13).map(|number| ANSWERED.at(number * gap * SECOND).not_connected()));
        told(&diagnosed(&requests).1)
    };
    let told: Vec<_> = [20, 59, 60, 62, 75, 120, 400].map(of_gap).to_vec();
    assert!(told.iter().all(|it| it == &[("connect-timeout", Confidence::High, 12)]), "{told:?}");
}

/// A rule of a security group is gone, while connections that are open go on. Each node has its turn.
#[test]
fn nodes_that_could_connect_at_other_times_are_not_the_only_ones_that_could_not() {
    let mut dice = ChaCha8Rng::seed_from_u64(4);
    let mut requests = answers(60, 1_200, &TARGETS[..1], &mut dice);
    for (turn, node) in [(10, NODES[0]), (25, NODES[1]), (40, NODES[0])] {
        let at = |number: i64| turn * MINUTE + number * 4 * SECOND;
        requests.extend((0..20).map(|number| ANSWERED.at(at(number)).node(node).not_connected()));
    }
    let (_, diagnosis) = diagnosed(&requests);
    assert_first(&diagnosis, &["connect-timeout"]);
    let evidence = evidence(&diagnosis);
    assert!(!evidence.iter().any(|text| text.contains("only 2 nodes")), "{evidence:?}");
}

#[test]
fn a_few_failures_evenly_spread_are_a_trickle() {
    let mut dice = ChaCha8Rng::seed_from_u64(6);
    let mut requests = answers(180, 2_500, &TARGETS[..1], &mut dice);
    requests.extend((0..10).map(|number| ANSWERED.at(60 * MINUTE + number * 380 * SECOND).took(3).errored()));
    let (_, diagnosis) = diagnosed(&requests);
    assert_eq!(diagnosis.findings[0].time_pattern.shape, Some(Shape::Trickle));
}

/// The target group speaks HTTPS, the port speaks HTTP: the lines are those of a refused connection.
#[test]
fn a_refused_connection_and_a_failed_handshake_are_both_named_on_any_port() {
    for port in ["10.0.11.1:8080", "10.0.11.1:3000", "10.0.11.1:8443"] {
        let requests: Vec<Sent> = (0..12).map(|number| ANSWERED.at(number * SECOND).target(port).refused()).collect();
        let (_, diagnosis) = diagnosed(&requests);
        let finding = &diagnosis.findings[0];
        let mut named: Vec<&str> = finding.also_fits.iter().map(|cause| cause.id).collect();
        named.push(finding.cause.id);
        assert!(named.contains(&"connection-refused") && named.contains(&"target-tls-handshake"), "{port}: {named:?}");
    }
}

/// The code of a function's failure names the cause, even if the times are as constant as a timeout's.
#[test]
fn the_code_of_a_function_decides_and_is_told_with_its_route() {
    for (code, took, cause, part) in [
        ("LambdaResponseTooLarge", 1_200, "lambda-error", "1 MB"),
        ("LambdaInvalidResponse", 3_000, "lambda-error", "LambdaInvalidResponse"),
        ("LambdaUnhandled", 3_000, "lambda-timeout", "LambdaUnhandled"),
        ("LambdaThrottling", 4, "lambda-throttled", "throttled"),
    ] {
        let function = Sent { target: "-", ..ANSWERED };
        let mut requests: Vec<Sent> = (0..30).map(|number| function.at(number * SECOND)).collect();
        let failed = Sent { error_reason: code, path: "/img/hero.png", ..function.took(took).closed() };
        requests.extend((0..12).map(|number| failed.at(number * 2 * SECOND).took(took + number % 3)));
        let (_, diagnosis) = diagnosed(&requests);
        assert_first(&diagnosis, &[cause]);
        assert_says(&diagnosis, code);
        assert_says(&diagnosis, part);
        assert_says(&diagnosis, "GET /img/hero.png");
    }
}

#[test]
fn the_code_of_an_identity_provider_is_told_with_its_meaning() {
    let login = Sent {
        target: "-",
        elb_status: "500",
        target_status: "-",
        times: Some(["-1", "-1", "-1"]),
        error_reason: "AuthTokenEpRequestTimeout",
        path: "/oauth2/idpresponse",
        ..ANSWERED
    };
    let requests: Vec<Sent> = (0..12).map(|number| login.at(number * 30 * SECOND).took(5_004)).collect();
    let (summary, diagnosis) = diagnosed(&requests);
    assert_eq!(summary.target_groups.iter().next().map(|(_, arn, ())| arn), Some(TARGET_GROUP.as_bytes()));
    assert_first(&diagnosis, &["identity-provider-error"]);
    assert_says(&diagnosis, "AuthTokenEpRequestTimeout: the load balancer did not reach");
}

/// The load balancer's mode is strictest, and one monitor sends `Content-Length: 0` with each GET.
#[test]
fn a_client_that_is_always_refused_for_the_form_of_its_requests_is_told() {
    let mut dice = ChaCha8Rng::seed_from_u64(7);
    let requests = answers(20, 2_000, &TARGETS[..2], &mut dice);
    let refused = |number: i64, client: &str| {
        ANSWERED
            .at(number * 9 * SECOND)
            .took(1)
            .builder()
            .field(alb::CLIENT, client)
            .field(alb::TARGET, "-")
            .field(alb::TARGET_PORT_LIST, "\"-\"")
            .field(alb::REQUEST_PROCESSING_TIME, "-1")
            .field(alb::TARGET_PROCESSING_TIME, "-1")
            .field(alb::RESPONSE_PROCESSING_TIME, "-1")
            .field(alb::ELB_STATUS_CODE, "400")
            .field(alb::TARGET_STATUS_CODE, "-")
            .field(alb::TARGET_GROUP_ARN, "-")
            .field(alb::ACTIONS_EXECUTED, "\"-\"")
            .field(alb::CLASSIFICATION, "\"Acceptable\"")
            .field(alb::CLASSIFICATION_REASON, "\"GetHeadZeroContentLength\"")
            .build()
    };
    let mut lines: Vec<String> = requests.iter().map(Sent::line).collect();
    lines.extend((0..40).map(|number| refused(number, &format!("10.21.30.9:{}", 1_500 + number))));
    let diagnosis = diagnosed_lines(&lines);
    assert_eq!(told(&diagnosis), []);
    let [notice] = &diagnosis.notices[..] else { panic!("{:?}", diagnosis.notices) };
    assert_eq!((notice.cause.id, notice.confidence, notice.failures), ("desync-mode", Confidence::High, 40));
    let evidence: Vec<&str> = notice.evidence.iter().map(|evidence| &*evidence.text).collect();
    for part in [
        "classification_reason of all of them is GetHeadZeroContentLength: a GET or HEAD has Content-Length: 0",
        "no request with GetHeadZeroContentLength was let through",
        "the client 10.21.30.9 sent at least 40 of them, and none of its requests was served",
    ] {
        assert!(evidence.contains(&part), "{part:?} is not in {evidence:#?}");
    }
    // Once a request of the client is served, that is not said.
    let served = ANSWERED.at(5).builder().field(alb::CLIENT, "10.21.30.9:40000").build();
    let diagnosis = diagnosed_lines(&[lines, vec![served]].concat());
    let said = diagnosis.notices.iter().flat_map(|notice| &notice.evidence);
    assert_eq!(said.filter(|evidence| evidence.text.contains("was served")).count(), 0);
}

/// A client whose requests are all too large is told. A scanner that gets a 400 now and then beside other answers is
/// not.
#[test]
fn refusals_are_told_if_a_client_gets_nothing_else() {
    let refused = |number: i64, client: &str, status: &str| {
        ANSWERED
            .at(number * SECOND)
            .took(1)
            .builder()
            .field(alb::CLIENT, client)
            .field(alb::TARGET, "-")
            .field(alb::ELB_STATUS_CODE, status)
            .field(alb::TARGET_STATUS_CODE, "-")
            .build()
    };
    let noticed = |of_large: &str, of_bad: &str| {
        let mut lines: Vec<String> = (0..50).map(|number| ANSWERED.at(number * SECOND).line()).collect();
        lines.extend((0..20).map(|number| refused(number, of_large, "413")));
        lines.extend((0..20).map(|number| refused(number, of_bad, "400")));
        let diagnosis = diagnosed_lines(&lines);
        assert_eq!(told(&diagnosis), []);
        diagnosis.notices.iter().map(|notice| (notice.cause.id, notice.failures)).collect::<Vec<_>>()
    };
    let served = line().build();
    let served = served.split(' ').nth(alb::CLIENT).expect("a client");
    assert_eq!(noticed("203.0.113.50:1024", served), [("request-too-large", 20)]);
    assert_eq!(noticed(served, served), []);
    assert_eq!(noticed(served, "203.0.113.51:1024"), [("bad-request", 20)]);
}

/// Two load balancers with different idle timeouts in one log: each is compared with its own.
#[test]
fn each_load_balancer_has_its_own_idle_timeout() {
    let mut dice = ChaCha8Rng::seed_from_u64(12);
    let mut lines = Vec::new();
    for (name, idle_timeout) in [("app/shop/50dc6c495c0c9188", 60), ("app/reports/a1b2c3d4e5f60718", 300)] {
        let mut requests = answers(60, 3_000, &TARGETS[..2], &mut dice);
        requests.extend((0..12).map(|number| {
            ANSWERED.at(number * 200 * SECOND).path("/export").timed_out(idle_timeout * SECOND + number % 3)
        }));
        lines.extend(requests.iter().map(|request| request.builder().field(alb::ELB, name).build()));
    }
    let summary = summary_of(&lines);
    let diagnosis = diagnose(&summary, &Context::default());
    let mut known: Vec<(String, u64)> = summary
        .load_balancers
        .iter()
        .zip(&diagnosis.idle_timeouts)
        .map(|(((), name, _), timeout)| (String::from_utf8_lossy(name).into_owned(), timeout.duration.as_secs()))
        .collect();
    known.sort();
    assert_eq!(known, [("app/reports/a1b2c3d4e5f60718".to_owned(), 300), ("app/shop/50dc6c495c0c9188".to_owned(), 60)]);
    assert!(diagnosis.idle_timeouts.iter().all(|timeout| timeout.origin == IdleTimeoutOrigin::Inferred));
    assert_says(&diagnosis, "12 requests reached the idle timeout of 60.000 s");
    assert_says(&diagnosis, "12 requests reached the idle timeout of 300.000 s");
}
