//! Connections that cannot be made, and those that are lost between two requests.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;

#[test]
fn connections_that_time_out_while_nothing_is_answered_are_a_blocked_path() {
    let mut requests: Vec<Seen> = answers(0..100_000, 500).collect();
    requests.extend((0..40).map(|number| unsent(100_000 + number * 500, 10_001, GATEWAY_TIMEOUT)));
    // Five on connections that were already open. Two of them were sent before the first new connection was needed.
    requests.extend((0..5).map(|number| seen(99_700 + number * 200, 60_001, GATEWAY_TIMEOUT)));
    requests.extend(answers(130_000..300_000, 500));
    assert_eq!(causes(&diagnosis_of(&requests)), [("connect-timeout", Confidence::High, 45)]);
}

#[test]
fn connections_that_time_out_while_open_ones_answer_quickly_are_a_blocked_path_too() {
    let mut requests: Vec<Seen> = answers(0..300_000, 500).collect();
    requests.extend((0..40).map(|number| unsent(100_000 + number * 500, 10_001, GATEWAY_TIMEOUT)));
    assert_eq!(causes(&diagnosis_of(&requests)), [("connect-timeout", Confidence::Medium, 40)]);
}

#[test]
fn connections_that_time_out_while_answers_are_slow_are_a_saturated_target() {
    let mut requests: Vec<Seen> = answers(0..300_000, 500).collect();
    for request in requests.iter_mut().filter(|request| (60_000..125_000).contains(&request.dispatched)) {
        request.took = 900;
    }
    requests.extend((0..40).map(|number| unsent(100_000 + number * 500, 10_001, GATEWAY_TIMEOUT)));
    assert_eq!(causes(&diagnosis_of(&requests)), [("target-saturated", Confidence::Medium, 40)]);
}

#[test]
fn connections_that_time_out_from_one_node_only_are_a_blocked_path_of_that_node() {
    let mut requests: Vec<Seen> = answers(0..300_000, 500).collect();
    let from_there = |request| Seen { node: b"10.0.9.10", ..request };
    requests.extend(answers(0..100_000, 500).chain(answers(140_000..300_000, 500)).map(from_there));
    requests.extend((0..40).map(|number| from_there(unsent(100_250 + number * 500, 10_001, GATEWAY_TIMEOUT))));
    let diagnosis = diagnosis_of(&requests);
    assert_eq!(causes(&diagnosis), [("connect-timeout", Confidence::High, 40)]);
    let answered_elsewhere = number_of(&diagnosis.findings[0], "answered_by_other_nodes");
    assert!(answered_elsewhere.is_some_and(|answered| answered >= 30.0), "{answered_elsewhere:?}");
}

#[test]
fn all_targets_of_one_subnet_and_no_others_point_at_the_subnet() {
    let cut_off: [&'static [u8]; 2] = [b"10.0.7.1:80", b"10.0.7.2:80"];
    let sound = answers(0..300_000, 500).chain(answers(0..300_000, 500).map(|one| one.at(OTHER)));
    let mut requests: Vec<Seen> = sound.collect();
    for target in cut_off {
        requests.extend(answers(0..100_000, 500).chain(answers(140_000..300_000, 500)).map(|one| one.at(target)));
        requests.extend((0..40).map(|number| unsent(100_250 + number * 500, 10_001, GATEWAY_TIMEOUT).at(target)));
    }
    let diagnosis = diagnosis_of(&requests);
    assert_eq!(causes(&diagnosis), [("connect-timeout", Confidence::High, 40); 2]);
    for finding in &diagnosis.findings {
        let statement = finding.evidence.iter().find(|evidence| evidence.text.contains("10.0.7.0/24"));
        assert!(statement.is_some_and(|statement| statement.is_for), "{:?}", finding.evidence);
    }
    // With only one of the two cut off, it is the target.
    requests.retain(|request| request.target != cut_off[1] || request.statuses.0 == 200);
    let diagnosis = diagnosis_of(&requests);
    assert!(!diagnosis.findings[0].evidence.iter().any(|evidence| evidence.text.contains("/24")));
}

#[test]
fn a_target_that_never_answered_and_refuses_has_no_listener() {
    let mut requests: Vec<Seen> = answers(0..300_000, 500).collect();
    requests.extend((0..60).map(|number| unsent(number * 5_000, 1, BAD_GATEWAY).at(OTHER)));
    assert_eq!(causes(&diagnosis_of(&requests)), [("connection-refused", Confidence::Medium, 60)]);
}

/// Nothing shows how the target ended, but something listened there before.
#[test]
fn refusals_without_a_request_in_flight_are_perhaps_a_crash_or_a_restart() {
    let mut requests: Vec<Seen> = answers(0..100_000, 500).collect();
    requests.extend((0..20).map(|number| unsent(100_000 + number * 500, 1, BAD_GATEWAY)));
    requests.extend(answers(110_000..300_000, 500));
    let diagnosis = diagnosis_of(&requests);
    assert_eq!(causes(&diagnosis), [("target-crash", Confidence::Low, 20)]);
    assert_eq!(diagnosis.findings[0].also_fits[0].id, "restart-in-place");
    assert!(diagnosis.findings[0].evidence.iter().any(|evidence| !evidence.is_for));
}

/// What was under way was finished first, so somebody ended the process on purpose.
#[test]
fn refusals_after_requests_were_finished_are_a_restart() {
    let mut requests: Vec<Seen> = answers(0..100_000, 500).collect();
    requests.extend((0..6).map(|number| seen(99_000 + number * 150, 4_000, OK)));
    requests.extend((0..20).map(|number| unsent(100_000 + number * 500, 1, BAD_GATEWAY)));
    requests.extend(answers(110_000..300_000, 500));
    assert_eq!(causes(&diagnosis_of(&requests)), [("restart-in-place", Confidence::Low, 20)]);
}

/// Two hours of requests to two routes at random moments, `gap` milliseconds apart on average. `failures` of them are
/// closed after `took` milliseconds, which is computed from how long the answer would have taken.
fn random(gap: f64, failures: usize, took: impl Fn(i64) -> i64) -> Vec<Seen> {
    let mut dice = ChaCha8Rng::seed_from_u64(7);
    let (mut requests, mut now) = (Vec::new(), 0.0);
    while now < 7_200_000.0 {
        now -= gap * (1.0 - dice.random::<f64>()).ln();
        let usual = dice.random_range(60..180);
        let path: &[u8] = if dice.random_bool(0.5) { b"/" } else { b"/items" };
        #[expect(clippy::cast_possible_truncation, reason = "a test's times are small")]
        requests.push(seen(now as i64, usual, OK).to(path));
    }
    for number in 0..failures {
        let index = (number * 2 + 1) * requests.len() / (failures * 2);
        let request = requests[index];
        requests[index] = Seen { took: took(request.took), statuses: BAD_GATEWAY, ..request };
    }
    requests
}

/// On busy connections there is an earlier answer at any lag, so the lags show no peak.
#[test]
fn a_race_on_busy_connections_is_found_by_its_pattern_without_an_estimate() {
    let diagnosis = diagnosis_of(&random(100.0, 30, |_| 4));
    assert_eq!(causes(&diagnosis), [("keep-alive-race", Confidence::Medium, 30)]);
    assert_eq!(diagnosis.findings[0].estimates.keep_alive, None);
}

#[test]
fn requests_closed_after_as_long_as_an_answer_takes_are_no_race() {
    for gap in [100.0, 2_000.0] {
        let diagnosis = diagnosis_of(&random(gap, 30, |usual| usual));
        assert_eq!(causes(&diagnosis), [("unexplained", Confidence::Low, 30)], "{gap}");
    }
}

/// They fail on both routes alike, so the answers of a route are not the cause either. A worker that ends keeps what it
/// has not read for a few times as long as an answer takes, and hardly for longer.
#[test]
fn requests_closed_late_on_all_routes_are_neither_races_nor_malformed() {
    for (factor, expected) in [(5, "server-recycling"), (40, "unexplained")] {
        let diagnosis = diagnosis_of(&random(1_000.0, 30, |usual| usual * factor));
        assert_eq!(causes(&diagnosis), [(expected, Confidence::Low, 30)]);
    }
}

#[test]
fn quick_closes_whose_lags_pile_up_nowhere_are_hardly_a_race() {
    let found = causes(&diagnosis_of(&random(4_000.0, 40, |_| 4)));
    assert!(
        !found.iter().any(|(cause, confidence, _)| *cause == "keep-alive-race" && *confidence > Confidence::Low),
        "{found:?}"
    );
}
