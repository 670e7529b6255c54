//! Requests that are cut off or given up after a constant time, and errors that the target itself answers.

use super::*;

#[test]
fn requests_cut_off_at_a_constant_show_the_timeout() {
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
fn requests_closed_after_times_of_all_lengths_show_no_timeout() {
    let mut requests: Vec<Seen> = answers(0..900_000, 500).collect();
    requests.extend((0..12).map(|number| seen(10_000 + number * 60_000, 2_000 + number * 4_500, BAD_GATEWAY)));
    let diagnosis = diagnosis_of(&requests);
    assert_eq!(causes(&diagnosis), [("unexplained", Confidence::Low, 12)]);
    assert_eq!(diagnosis.findings[0].estimates.timeout, None);
}

#[test]
fn gateway_errors_of_the_target_at_a_constant_are_of_a_proxy_inside_it() {
    for status in [502, 504] {
        let mut requests: Vec<Seen> = answers(0..900_000, 500).collect();
        let own = |number: i64| seen(10_000 + number * 40_000, 30_000 + number % 4, (status, Some(status)));
        requests.extend((0..20).map(own));
        let diagnosis = diagnosis_of(&requests);
        assert_eq!(causes(&diagnosis), [("inner-proxy-error", Confidence::High, 20)], "{status}");
        assert_eq!(diagnosis.findings[0].estimates.timeout, Some(Duration::from_secs(30)), "{status}");
    }
}

#[test]
fn errors_of_the_target_on_one_route_are_the_application_s() {
    for (status, expected) in [(500, Confidence::High), (503, Confidence::Medium)] {
        let mut requests: Vec<Seen> = answers(0..900_000, 500).collect();
        let own = |number: i64| seen(10_000 + number * 40_000, 12 + number, (status, Some(status))).to(b"/checkout");
        requests.extend((0..20).map(own));
        assert_eq!(causes(&diagnosis_of(&requests)), [("application-error", expected, 20)], "{status}");
    }
}

#[test]
fn clients_that_leave_at_a_constant_show_their_timeout() {
    let mut requests: Vec<Seen> = answers(0..900_000, 500).collect();
    requests.extend((0..24).map(|number| seen(10_000 + number * 30_000, 29_000 + number % 5, (460, None))));
    let diagnosis = diagnosis_of(&requests);
    assert_eq!(causes(&diagnosis), [("client-gave-up", Confidence::High, 24)]);
    assert_eq!(diagnosis.findings[0].estimates.timeout, Some(Duration::from_secs(29)));
}

#[test]
fn clients_that_leave_when_they_like_have_no_timeout() {
    let mut requests: Vec<Seen> = answers(0..900_000, 500).collect();
    requests.extend((0..24).map(|number| seen(10_000 + number * 30_000, 300 + number * 1_900, (460, None))));
    let diagnosis = diagnosis_of(&requests);
    assert_eq!(causes(&diagnosis), [("client-gave-up", Confidence::Medium, 24)]);
    assert_eq!(diagnosis.findings[0].estimates.timeout, None);
}

#[test]
fn a_few_clients_that_leave_are_no_finding() {
    let mut requests: Vec<Seen> = answers(0..900_000, 500).collect();
    requests.extend((0..6).map(|number| seen(10_000 + number * 100_000, 29_000, (460, None))));
    let diagnosis = diagnosis_of(&requests);
    assert_eq!((causes(&diagnosis), diagnosis.unexplained), (vec![], 6));
}

/// A supervisor looks once a second, and kills what has run for five.
#[test]
fn several_requests_killed_at_one_tick_are_no_crash() {
    let mut requests: Vec<Seen> = answers(0..600_000, 1_500).collect();
    let slow = |at: i64| seen(at, (at + 5_999).div_euclid(1_000) * 1_000 - at, BAD_GATEWAY).to(b"/report");
    requests.extend((0..20).map(|number| slow(10_000 + number * 21_370)));
    // Four that began at different times, and end at one tick
    requests.extend([300_050, 300_300, 300_600, 300_900].map(slow));
    let found = causes(&diagnosis_of(&requests));
    assert_eq!(found, [("target-request-timeout", Confidence::High, 24)]);
}
