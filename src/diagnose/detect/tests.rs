mod connections;
mod events;
mod life;
mod load;
mod servers;
mod signs;
mod timers;
mod windows;

use std::time::Duration;

use super::*;
use crate::classify::tests::fixture::EXCHANGE;
use crate::classify::{Elapsed, Exchange, classify};
use crate::diagnose::Context;
use crate::diagnose::{Confidence, Diagnosis, Finding, IdleTimeoutOrigin, diagnose};
use crate::location::Location;
use crate::timestamp::Timestamp;

const OK: (u16, Option<u16>) = (200, Some(200));
const BAD_GATEWAY: (u16, Option<u16>) = (502, None);
const GATEWAY_TIMEOUT: (u16, Option<u16>) = (504, None);

/// A second target.
const OTHER: &[u8] = b"10.0.0.2:80";

/// A request. Times are in milliseconds since the start of the log.
#[derive(Clone, Copy)]
struct Seen {
    target: &'static [u8],
    node: &'static [u8],
    method: &'static [u8],
    path: &'static [u8],
    dispatched: i64,
    took: i64,
    statuses: (u16, Option<u16>),
    was_sent: bool,
    is_web_socket: bool,
}

fn seen(dispatched: i64, took: i64, statuses: (u16, Option<u16>)) -> Seen {
    Seen {
        target: b"10.0.0.1:80",
        node: b"10.0.9.9",
        method: b"GET",
        path: b"/",
        dispatched,
        took,
        statuses,
        was_sent: true,
        is_web_socket: false,
    }
}

fn unsent(dispatched: i64, took: i64, statuses: (u16, Option<u16>)) -> Seen {
    Seen { was_sent: false, ..seen(dispatched, took, statuses) }
}

impl Seen {
    /// The request at another target.
    fn at(self, target: &'static [u8]) -> Self {
        Self { target, ..self }
    }

    /// The request to another route.
    fn to(self, path: &'static [u8]) -> Self {
        Self { path, ..self }
    }
}

fn diagnosis_of(requests: &[Seen]) -> Diagnosis {
    let mut summary = Summary::default();
    for request in requests {
        let took = Duration::from_millis(u64::try_from(request.took).expect("a duration"));
        let sent = request.was_sent.then_some(Duration::ZERO);
        let answered = request.statuses.1.map(|_| Duration::ZERO);
        let exchange = Exchange {
            time: Timestamp::from_micros((request.dispatched + request.took) * 1000),
            target_group: Some(b"arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/api/1"),
            node: Some(request.node),
            target: Some(request.target),
            method: Some(request.method),
            path: Some(request.path),
            elb_status_code: Some(request.statuses.0),
            target_status_code: request.statuses.1,
            request_processing_time: sent,
            // An idle timeout has none.
            target_processing_time: sent.and(if request.statuses.0 == 504 { None } else { Some(took) }),
            response_processing_time: answered,
            elapsed: Elapsed::Exact(took),
            is_web_socket: request.is_web_socket,
            ..EXCHANGE
        };
        let location = || Location { object: "log".into(), line: 1, byte: 0 };
        summary.observe(&exchange, classify(&exchange), b"line", location);
    }
    diagnose(&summary, &Context::default())
}

fn causes(diagnosis: &Diagnosis) -> Vec<(&'static str, Confidence, u64)> {
    diagnosis.findings.iter().map(|finding| (finding.cause.id, finding.confidence, finding.failures)).collect()
}

/// An answered request every `step` milliseconds.
fn answers(range: std::ops::Range<i64>, step: usize) -> impl Iterator<Item = Seen> {
    range.step_by(step).map(|at| seen(at, 30, OK))
}

/// A number in the evidence of a finding.
fn number_of(finding: &Finding, name: &str) -> Option<f64> {
    let mut numbers = finding.evidence.iter().flat_map(|evidence| &evidence.numbers);
    numbers.find(|(of, _)| *of == name).map(|(_, number)| *number)
}

#[test]
fn an_idle_timeout_that_cannot_be_inferred_is_the_default() {
    let diagnosis = diagnosis_of(&answers(0..1_000, 100).collect::<Vec<_>>());
    assert_eq!(diagnosis.idle_timeout.origin, IdleTimeoutOrigin::Default);
    assert!(diagnosis.findings.is_empty());
}
