use std::time::Duration;

use super::*;
use crate::classify::{Actions, Elapsed, Exchange, Reason, classify};
use crate::diagnose::causes::cause;
use crate::diagnose::{Confidence, Diagnosis, IdleTimeoutOrigin, diagnose};
use crate::location::Location;
use crate::timestamp::Timestamp;

const OK: (u16, Option<u16>) = (200, Some(200));
const BAD_GATEWAY: (u16, Option<u16>) = (502, None);
const GATEWAY_TIMEOUT: (u16, Option<u16>) = (504, None);

/// A request in milliseconds since the beginning of the window.
#[derive(Clone, Copy)]
struct Seen {
    target: &'static [u8],
    path: &'static [u8],
    dispatched: i64,
    took: i64,
    statuses: (u16, Option<u16>),
    was_sent: bool,
}

fn seen(dispatched: i64, took: i64, statuses: (u16, Option<u16>)) -> Seen {
    Seen { target: b"10.0.0.1:80", path: b"/", dispatched, took, statuses, was_sent: true }
}

fn unsent(dispatched: i64, took: i64, statuses: (u16, Option<u16>)) -> Seen {
    Seen { was_sent: false, ..seen(dispatched, took, statuses) }
}

fn diagnosis_of(requests: &[Seen]) -> Diagnosis {
    let mut summary = Summary::default();
    for request in requests {
        let took = Duration::from_millis(u64::try_from(request.took).expect("a duration"));
        let sent = request.was_sent.then_some(Duration::ZERO);
        let answered = request.statuses.1.map(|_| Duration::ZERO);
        let exchange = Exchange {
            time: Timestamp::from_micros((request.dispatched + request.took) * 1000),
            load_balancer: b"app/shop/1",
            target_group: Some(b"arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/api/1"),
            node: Some(b"10.0.9.9"),
            target: Some(request.target),
            elb_status_code: Some(request.statuses.0),
            target_status_code: request.statuses.1,
            request_processing_time: sent,
            // An idle timeout has none.
            target_processing_time: sent.and(if request.statuses.0 == 504 { None } else { Some(took) }),
            response_processing_time: answered,
            elapsed: Elapsed::Exact(took),
            reason: Reason::None,
            actions: Actions::FORWARD,
            has_request: true,
            is_severe: false,
            has_stream_reset: false,
            is_web_socket: false,
        };
        let location = || Location { object: "log".into(), line: 1, byte: 0 };
        summary.observe(&exchange, classify(&exchange), Some((b"GET", request.path)), b"line", location);
    }
    diagnose(&summary, None)
}

fn causes(diagnosis: &Diagnosis) -> Vec<(&'static str, Confidence, u64)> {
    diagnosis.findings.iter().map(|finding| (finding.cause.id, finding.confidence, finding.failures)).collect()
}

/// An answered request every `step` milliseconds.
fn answers(range: std::ops::Range<i64>, step: usize) -> impl Iterator<Item = Seen> {
    range.step_by(step).map(|at| seen(at, 30, OK))
}

#[test]
fn the_ids_that_detectors_name_are_in_the_table() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/diagnose/detect");
    let mut ids: Vec<String> = Vec::new();
    for file in std::fs::read_dir(folder).expect("the folder of detectors") {
        let path = file.expect("a file").path();
        if path.ends_with("tests.rs") {
            continue;
        }
        let source = std::fs::read_to_string(path).expect("a source file");
        let quoted = source.split('"').skip(1).step_by(2);
        ids.extend(
            quoted
                .filter(|text| text.contains('-') && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'))
                .map(str::to_owned),
        );
    }
    ids.sort_unstable();
    ids.dedup();
    assert!(ids.iter().any(|id| id == "keep-alive-race") && ids.len() >= 14, "{ids:?}");
    for id in ids {
        assert!(cause(&id).is_some(), "{id}");
    }
}

#[test]
fn a_process_that_dies_and_comes_back_where_it_was_is_a_crash() {
    let mut requests: Vec<Seen> = answers(0..100_000, 500).collect();
    requests.extend((0..6).map(|number| seen(94_000 + number * 1_000, 100_050 - 94_000 - number * 1_000, BAD_GATEWAY)));
    requests.extend((0..6).map(|number| unsent(100_200 + number * 500, 1, BAD_GATEWAY)));
    requests.extend(answers(110_000..200_000, 500));
    assert_eq!(causes(&diagnosis_of(&requests)), [("target-crash", Confidence::High, 12)]);
}

#[test]
fn a_target_replaced_before_it_ended_was_deployed() {
    let mut requests: Vec<Seen> = answers(0..200_000, 500).collect();
    let new = |request| Seen { target: b"10.0.0.2:80", ..request };
    requests.extend(answers(150_000..400_000, 500).map(new));
    requests
        .extend((0..6).map(|number| seen(194_000 + number * 1_000, 200_050 - 194_000 - number * 1_000, BAD_GATEWAY)));
    requests.extend((0..6).map(|number| unsent(200_200 + number * 500, 1, BAD_GATEWAY)));
    assert_eq!(causes(&diagnosis_of(&requests)), [("deploy-without-draining", Confidence::Medium, 12)]);
}

#[test]
fn a_target_that_refuses_until_it_first_answers_was_not_ready() {
    let mut requests: Vec<Seen> = answers(0..400_000, 500).collect();
    let new = |request| Seen { target: b"10.0.0.2:80", ..request };
    requests.extend((0..8).map(|number| new(unsent(150_000 + number * 500, 1, BAD_GATEWAY))));
    requests.extend(answers(155_000..400_000, 500).map(new));
    assert_eq!(causes(&diagnosis_of(&requests)), [("target-not-ready", Confidence::Medium, 8)]);
}

#[test]
fn a_target_that_refuses_now_and_then_is_not_called_new() {
    let mut requests: Vec<Seen> = answers(0..400_000, 500).collect();
    requests.extend((0..8).map(|number| unsent(50_100 + number * 40_000, 1, BAD_GATEWAY)));
    let found = causes(&diagnosis_of(&requests));
    assert_eq!(found, [("target-crash", Confidence::Low, 8)]);
}

#[test]
fn connections_that_time_out_while_nothing_is_answered_are_a_blocked_path() {
    let mut requests: Vec<Seen> = answers(0..100_000, 500).collect();
    requests.extend((0..40).map(|number| unsent(100_000 + number * 500, 10_001, GATEWAY_TIMEOUT)));
    // Two on connections that stood already were sent before the first new one was wanted.
    requests.extend((0..5).map(|number| seen(99_700 + number * 200, 60_001, GATEWAY_TIMEOUT)));
    requests.extend(answers(130_000..300_000, 500));
    assert_eq!(causes(&diagnosis_of(&requests)), [("connect-timeout", Confidence::High, 45)]);
}

#[test]
fn connections_that_time_out_while_those_that_stand_answer_quickly_are_a_blocked_path_too() {
    let mut requests: Vec<Seen> = answers(0..300_000, 500).collect();
    requests.extend((0..40).map(|number| unsent(100_000 + number * 500, 10_001, GATEWAY_TIMEOUT)));
    assert_eq!(causes(&diagnosis_of(&requests)), [("connect-timeout", Confidence::Medium, 40)]);
}

#[test]
fn connections_that_time_out_while_answers_are_slow_are_a_full_house() {
    let mut requests: Vec<Seen> = answers(0..300_000, 500).collect();
    for request in requests.iter_mut().filter(|request| (60_000..125_000).contains(&request.dispatched)) {
        request.took = 900;
    }
    requests.extend((0..40).map(|number| unsent(100_000 + number * 500, 10_001, GATEWAY_TIMEOUT)));
    assert_eq!(causes(&diagnosis_of(&requests)), [("target-saturated", Confidence::Medium, 40)]);
}

#[test]
fn requests_cut_off_at_a_constant_give_the_timeout_away() {
    let mut requests: Vec<Seen> = answers(0..900_000, 500).collect();
    requests.extend((0..12).map(|number| seen(10_000 + number * 60_000, 30_030 + number * 90, BAD_GATEWAY)));
    let diagnosis = diagnosis_of(&requests);
    assert_eq!(causes(&diagnosis), [("target-request-timeout", Confidence::High, 12)]);
    assert_eq!(diagnosis.findings[0].estimates.timeout, Some(Duration::from_secs(30)));
}

#[test]
fn a_route_whose_answers_are_never_accepted_is_malformed_whatever_its_lags() {
    // Each comes five seconds after an answer, as in a race.
    let mut requests: Vec<Seen> = answers(0..900_000, 5_000).collect();
    requests.extend((1..40).map(|number| Seen { path: b"/export", ..seen(number * 20_000 + 5_031, 24, BAD_GATEWAY) }));
    assert_eq!(causes(&diagnosis_of(&requests)), [("malformed-response", Confidence::High, 39)]);
}

#[test]
fn an_idle_timeout_that_nothing_tells_is_the_default() {
    let diagnosis = diagnosis_of(&answers(0..1_000, 100).collect::<Vec<_>>());
    assert_eq!(diagnosis.idle_timeout.origin, IdleTimeoutOrigin::Default);
    assert!(diagnosis.findings.is_empty());
}
