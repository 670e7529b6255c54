//! Each cause has a folder in `tests/causes/`: lines that it leaves behind (`hits.log`), lines that resemble them and
//! mean something else (`near-misses.log`), and how to distinguish them (`about.md`). Other tests make logs that must
//! not be given a cause at all.

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use albscope::aggregate::Summary;
use albscope::classify::Outcome;
use albscope::diagnose::causes::CAUSES;
use albscope::diagnose::{Confidence, Context, Diagnosis, Finding, diagnose};
use albscope::kind::alb;
use albscope::{Progress, ReadOptions, Timestamp, source};
use common::{LineBuilder, Logs, assert_account_is_whole, line};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What the hits of a cause must show.
enum Shows {
    /// A first finding of that cause, with at least this confidence.
    Cause(Confidence),
    /// Outcomes that do not count as failures, so there is no finding of another cause.
    Outcomes(&'static [Outcome]),
}

/// What the hits of a cause must show: the cause with medium confidence, except if a log cannot show that.
fn shows(id: &str) -> Shows {
    match id {
        // A rule or the load balancer refused the client: nothing of the service has failed.
        "waf-blocked" => Shows::Outcomes(&[Outcome::WafBlocked]),
        "authentication-failed" => Shows::Outcomes(&[Outcome::AuthenticationFailed]),
        "request-too-large" => {
            Shows::Outcomes(&[Outcome::RequestTooLarge, Outcome::UriTooLong, Outcome::ForwardedForTooLong])
        }
        "desync-mode" => Shows::Outcomes(&[Outcome::DesyncBlocked]),
        // It cuts off what had succeeded, so the lines are those of answered requests.
        "websocket-idle-timeout" => Shows::Outcomes(&[]),
        // `target-tls-handshake` has the lines of refused connections, `idle-connection-dropped` those of requests that
        // a target never answered; `unexplained` says that nothing is known.
        "target-tls-handshake" | "idle-connection-dropped" | "unexplained" => Shows::Cause(Confidence::Low),
        _ => Shows::Cause(Confidence::Medium),
    }
}

/// Causes that a notice names for their hits. The hits of other causes of refused requests have no client that is
/// refused each time.
const NOTICED: &[&str] = &["desync-mode", "websocket-idle-timeout"];

/// Other first answers that are right for hits as well, where lines cannot tell the two apart. For a cause that is not
/// in the table, only itself is right.
const ALSO_RIGHT: &[(&str, &[&str])] = &[
    ("connections-exhausted", &["target-saturated"]),
    ("restart-in-place", &["connection-refused"]),
    ("server-recycling", &["deploy-without-draining", "target-crash"]),
    ("targets-removed", &["deploy-without-draining"]),
];

/// Outcomes that hits must have, whatever near misses have.
const HITS_HAVE: &[(&str, &[Outcome])] = &[
    ("connections-exhausted", &[Outcome::ClosedBeforeResponse, Outcome::TargetError]),
    ("early-response-reset", &[Outcome::ClosedBeforeResponse, Outcome::TargetClientError]),
    ("idle-connection-dropped", &[Outcome::IdleTimeout]),
    ("never-answered", &[Outcome::IdleTimeout]),
    ("restart-in-place", &[Outcome::ConnectFailed]),
    ("server-recycling", &[Outcome::ClosedBeforeResponse]),
    ("targets-removed", &[Outcome::ClosedBeforeResponse, Outcome::ConnectFailed]),
    ("websocket-idle-timeout", &[Outcome::Ok]),
];

/// Outcomes that hits must have and near misses must not, besides those of [`shows`].
const OUTCOMES_TOO: &[(&str, &[Outcome])] = &[
    ("bad-request", &[Outcome::MalformedRequest, Outcome::BadRequest, Outcome::DesyncBlocked]),
    ("protocol-mismatch", &[Outcome::ProtocolMismatch]),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/causes")
}

fn analyse(file: &Path) -> (Summary, Diagnosis) {
    let input = source::from_input(file.as_os_str()).unwrap_or_else(|error| panic!("{error}"));
    let summary = ReadOptions::new().run(&[input], &Progress::new()).expect("a run that is not strict ends well");
    let name = file.to_string_lossy();
    assert!(summary.requests() > 0, "{name}");
    assert_eq!(summary.input.unreadable_lines, 0, "{name}");
    assert_account_is_whole(&name, &summary);
    let diagnosis = diagnose(&summary, &Context::default());
    (summary, diagnosis)
}

/// `keep-alive-race (high, 13)`
fn told(diagnosis: &Diagnosis) -> Vec<String> {
    let tell = |finding: &Finding| format!("{} ({}, {})", finding.cause.id, finding.confidence.id(), finding.failures);
    diagnosis.findings.iter().map(tell).collect()
}

#[test]
fn every_cause_has_its_folder_and_every_folder_its_cause() {
    let ids: BTreeSet<String> = CAUSES.iter().map(|cause| cause.id.to_owned()).collect();
    let entries = fs::read_dir(folder()).expect("the folder of causes").map(|entry| entry.expect("an entry"));
    let folders: BTreeSet<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    assert_eq!(folders, ids);
    for id in ids {
        let about = fs::read_to_string(folder().join(&id).join("about.md")).expect("what the lines are");
        assert!(about.starts_with("Hits: ") && about.contains("\n\nNear misses: "), "{id}");
    }
}

#[test]
fn hits_are_given_their_cause() {
    for cause in CAUSES {
        let (summary, diagnosis) = analyse(&folder().join(cause.id).join("hits.log"));
        let (id, findings) = (cause.id, told(&diagnosis));
        let outcomes = summary.outcomes();
        let has_all = |wanted: &[Outcome]| wanted.iter().all(|outcome| outcomes.of(*outcome) >= 3);
        match (shows(id), diagnosis.findings.first()) {
            (Shows::Cause(least), Some(first)) => {
                assert!(first.cause.id == id || is_also_right(id, first.cause.id), "{id}: {findings:?}");
                assert!(first.confidence >= least, "{id}: {findings:?}");
            }
            (Shows::Outcomes(wanted), _) => {
                assert!(has_all(wanted), "{id}: {outcomes:?}");
                assert!(diagnosis.findings.iter().all(|finding| finding.cause.id == id), "{id}: {findings:?}");
            }
            (Shows::Cause(_), None) => panic!("{id}: nothing was found"),
        }
        let is_noticed = diagnosis.notices.iter().any(|notice| notice.cause.id == id);
        assert!(is_noticed || !NOTICED.contains(&id), "{id}: {:?}", diagnosis.notices);
        for (_, wanted) in OUTCOMES_TOO.iter().chain(HITS_HAVE).filter(|(of, _)| *of == id) {
            assert!(has_all(wanted), "{id}: {outcomes:?}");
        }
    }
}

fn is_also_right(id: &str, named: &str) -> bool {
    ALSO_RIGHT.iter().any(|(of, others)| *of == id && others.contains(&named))
}

#[test]
fn the_tables_name_causes_and_notices_show_no_failure() {
    let cause = |id: &str| CAUSES.iter().find(|cause| cause.id == id).unwrap_or_else(|| panic!("{id}"));
    for (id, others) in ALSO_RIGHT {
        assert!(!cause(id).is_notice && others.iter().all(|other| cause(other).id != *id));
    }
    for cause in CAUSES {
        let is_shown_by_outcomes = matches!(shows(cause.id), Shows::Outcomes(_));
        assert_eq!(cause.is_notice, is_shown_by_outcomes, "{}", cause.id);
    }
}

#[test]
fn near_misses_are_not_given_the_cause_that_they_resemble() {
    for cause in CAUSES {
        let (summary, diagnosis) = analyse(&folder().join(cause.id).join("near-misses.log"));
        let (id, findings) = (cause.id, told(&diagnosis));
        let outcomes = summary.outcomes();
        let has_none = |unwanted: &[Outcome]| unwanted.iter().all(|outcome| outcomes.of(*outcome) == 0);
        let mut named = diagnosis.findings.iter().chain(&diagnosis.notices);
        assert!(named.all(|finding| finding.cause.id != id), "{id}: {findings:?}, {:?}", diagnosis.notices);
        if let Shows::Outcomes(unwanted) = shows(id) {
            assert!(has_none(unwanted), "{id}: {outcomes:?}");
        }
        for (_, unwanted) in OUTCOMES_TOO.iter().filter(|(of, _)| *of == id) {
            assert!(has_none(unwanted), "{id}: {outcomes:?}");
        }
    }
}

const TARGETS: [&str; 3] = ["10.0.10.21:8080", "10.0.11.34:8080", "10.0.12.47:8080"];
const ROUTES: [(&str, f64); 4] = [("/items", 0.030), ("/search", 0.150), ("/orders", 0.090), ("/session", 0.040)];
const TWO_HOURS: f64 = 7_200.0;

/// How a request ended: `elb_status_code`, and `target_status_code` if the target answered.
type Ends = (u16, Option<u16>);

const ANSWERED: Ends = (200, Some(200));
const CLOSED: Ends = (502, None);

/// A request that was sent to a target. `at` is in seconds after 06:00 UTC, `took` in seconds.
fn sent(at: f64, took: f64, target: usize, route: usize, (elb, status): Ends) -> LineBuilder {
    #[expect(clippy::cast_possible_truncation, reason = "a test's times are small")]
    let moment = |seconds: f64| {
        let begin = Timestamp::parse(b"2026-11-22T06:00:00.000000Z").expect("a time");
        begin.plus_micros((seconds * 1e6) as i64).to_string()
    };
    let [elb, status] = [Some(elb), status].map(|status| status.map_or("-".to_owned(), |status| status.to_string()));
    line()
        .field(alb::REQUEST_CREATION_TIME, &moment(at))
        .field(alb::TIME, &moment(at + took))
        .field(alb::TARGET, TARGETS[target % TARGETS.len()])
        .field(alb::TARGET_PROCESSING_TIME, &format!("{took:.3}"))
        .field(alb::RESPONSE_PROCESSING_TIME, if status == "-" { "-1" } else { "0.000" })
        .field(alb::ELB_STATUS_CODE, &elb)
        .field(alb::TARGET_STATUS_CODE, &status)
        .request(&format!("GET https://shop.example:443{} HTTP/1.1", ROUTES[route].0))
}

/// How many seconds an answer of that route takes: from 0.3 to 3.3 times its usual time, mostly about that.
fn normal_time(route: usize, dice: &mut ChaCha8Rng) -> f64 {
    let deviation: f64 = (0..4).map(|_| dice.random_range(-0.5..0.5)).sum();
    ROUTES[route].1 * (0.6 * deviation).exp()
}

/// Two hours with about one request per second, all answered.
fn healthy(dice: &mut ChaCha8Rng) -> Vec<LineBuilder> {
    let requests = (0..7_000).map(|number| {
        let (at, route) = (dice.random_range(0.0..TWO_HOURS), dice.random_range(0..ROUTES.len()));
        sent(at, normal_time(route, dice), number, route, ANSWERED)
    });
    requests.collect()
}

fn diagnosis_of(lines: &[LineBuilder]) -> Diagnosis {
    let logs = Logs::new();
    let text: Vec<String> = lines.iter().map(LineBuilder::build).collect();
    logs.write("some.log", text.join("\n").as_bytes());
    let summary = logs.analyse(&ReadOptions::new());
    assert_eq!(summary.requests(), lines.len() as u64);
    diagnose(&summary, &Context::default())
}

fn assert_no_race(diagnosis: &Diagnosis, seed: u64) {
    let is_race = |finding: &Finding| finding.cause.id == "keep-alive-race" && finding.confidence > Confidence::Low;
    assert!(!diagnosis.findings.iter().any(is_race), "seed {seed}: {:?}", told(diagnosis));
    assert!(diagnosis.findings.iter().all(|finding| finding.estimates.keep_alive.is_none()), "seed {seed}");
}

#[test]
fn failures_at_random_that_took_as_long_as_answers_are_no_race() {
    for seed in 0..8 {
        let mut dice = ChaCha8Rng::seed_from_u64(seed);
        let mut lines = healthy(&mut dice);
        for number in 0..30 {
            let (at, route) = (dice.random_range(0.0..TWO_HOURS), dice.random_range(0..ROUTES.len()));
            lines.push(sent(at, normal_time(route, &mut dice), number, route, CLOSED));
        }
        assert_no_race(&diagnosis_of(&lines), seed);
    }
}

/// Nearly every request, failed or not, comes five seconds after an answer.
#[test]
fn failures_at_random_among_pollers_of_five_seconds_are_no_race() {
    for seed in 0..8 {
        let mut dice = ChaCha8Rng::seed_from_u64(seed);
        let mut lines = Vec::new();
        for (number, poller) in (0..1_440).flat_map(|number| (0..3).map(move |poller| (number, poller))) {
            let at = f64::from(number) * 5.0 + f64::from(poller) * 1.3 + dice.random_range(0.0..0.01);
            let ends = if dice.random_bool(0.01) { CLOSED } else { ANSWERED };
            let target = usize::try_from(poller).expect("a small number");
            lines.push(sent(at, normal_time(target, &mut dice), target, target, ends));
        }
        assert_no_race(&diagnosis_of(&lines), seed);
    }
}

#[test]
fn a_step_of_client_errors_at_all_targets_is_no_incident() {
    let mut dice = ChaCha8Rng::seed_from_u64(1);
    let mut lines = healthy(&mut dice);
    for number in 0..900_u16 {
        let (at, route) = (3_000.0 + f64::from(number), dice.random_range(0..ROUTES.len()));
        let status = if number % 2 == 0 { 404 } else { 403 };
        let ends = (status, Some(status));
        lines.push(sent(at, normal_time(route, &mut dice), usize::from(number), route, ends));
    }
    let diagnosis = diagnosis_of(&lines);
    assert!(diagnosis.findings.is_empty(), "{:?}", told(&diagnosis));
    assert_eq!(diagnosis.unexplained, 0);
}
