//! Targets that die, are removed, are replaced, or start.

use super::*;

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
fn a_target_replaced_after_it_ended_was_lost() {
    let mut requests: Vec<Seen> = answers(0..200_000, 500).collect();
    requests.extend(answers(260_000..500_000, 500).map(|request| request.at(OTHER)));
    requests
        .extend((0..6).map(|number| seen(194_000 + number * 1_000, 200_050 - 194_000 - number * 1_000, BAD_GATEWAY)));
    requests.extend((0..6).map(|number| unsent(200_200 + number * 500, 1, BAD_GATEWAY)));
    assert_eq!(causes(&diagnosis_of(&requests)), [("target-crash", Confidence::Medium, 12)]);
}

/// At `instant`, one in four of 16 requests in flight ends; the others are answered two seconds later.
fn a_worker_dies(instant: i64) -> impl Iterator<Item = Seen> {
    (0..16).map(move |number| {
        let dispatched = instant - 8_000 + number * 500;
        let (ends, statuses) = if number % 4 == 0 { (instant, BAD_GATEWAY) } else { (instant + 2_000, OK) };
        seen(dispatched, ends - dispatched, statuses)
    })
}

#[test]
fn the_share_of_requests_that_ended_shows_how_many_workers_there_are() {
    let mut requests: Vec<Seen> = answers(0..600_000, 500).collect();
    requests.extend(a_worker_dies(100_100));
    let once = diagnosis_of(&requests);
    assert_eq!(causes(&once), [("target-crash", Confidence::Low, 4)]);
    assert_eq!(number_of(&once.findings[0], "workers"), Some(4.0));
    requests.extend(a_worker_dies(300_100));
    requests.extend(a_worker_dies(450_100));
    let several_times = diagnosis_of(&requests);
    assert_eq!(causes(&several_times), [("target-crash", Confidence::Medium, 12)]);
    assert_eq!(number_of(&several_times.findings[0], "workers"), Some(4.0));
}

/// Six requests that were sent 65 to 100 s before `cut`, and ended then.
fn cut_at(cut: i64) -> impl Iterator<Item = Seen> {
    (0..6).map(move |number| {
        let dispatched = cut - 65_000 - number * 7_000;
        seen(dispatched, cut + number - dispatched, BAD_GATEWAY).to(b"/export")
    })
}

/// Requests that a third target answers all the time, so that the log does not end at the cuts.
fn meanwhile() -> impl Iterator<Item = Seen> {
    answers(0..600_000, 500).map(|request| request.at(b"10.0.0.3:80"))
}

#[test]
fn what_is_cut_a_fixed_time_after_the_last_new_request_met_the_deregistration_delay() {
    let mut requests: Vec<Seen> = meanwhile().chain(answers(0..200_000, 500)).chain(cut_at(260_000)).collect();
    requests.extend(answers(0..320_000, 500).chain(cut_at(380_000)).map(|request| request.at(OTHER)));
    let diagnosis = diagnosis_of(&requests);
    let of_each = ("deregistration-delay-elapsed", Confidence::Medium, 6);
    assert_eq!(causes(&diagnosis), [of_each, of_each]);
    let quiet = number_of(&diagnosis.findings[0], "quiet").expect("how long nothing was sent");
    assert!((quiet - 60.5).abs() < 0.1, "{quiet}");
}

#[test]
fn what_is_cut_while_new_requests_still_come_was_not_drained() {
    let mut requests: Vec<Seen> = meanwhile().chain(answers(0..260_000, 500)).chain(cut_at(260_000)).collect();
    requests.extend(answers(0..380_000, 500).chain(cut_at(380_000)).map(|request| request.at(OTHER)));
    // Both ended for good within two minutes, and nothing took their place.
    let of_each = ("targets-removed", Confidence::Medium, 6);
    assert_eq!(causes(&diagnosis_of(&requests)), [of_each, of_each]);
}

#[test]
fn a_new_target_that_never_answers_has_no_listener() {
    let mut requests: Vec<Seen> = answers(0..400_000, 500).collect();
    requests.extend((0..60).map(|number| unsent(150_000 + number * 4_000, 1, BAD_GATEWAY).at(OTHER)));
    assert_eq!(causes(&diagnosis_of(&requests)), [("connection-refused", Confidence::Medium, 60)]);
}

/// The timeline does not keep all requests. A target that was there before its first kept request did not start with
/// it.
#[test]
fn a_target_that_was_seen_before_its_first_kept_request_is_not_new() {
    let mut requests: Vec<Seen> = meanwhile().chain(answers(75_000..600_000, 500)).collect();
    requests.extend((60_000..72_000).step_by(1_000).map(|at| unsent(at, 1, BAD_GATEWAY)));
    let is_new = |requests: &[Seen]| causes(&diagnosis_of(requests))[0].0 == "target-not-ready";
    assert!(is_new(&requests));
    requests.push(Seen { is_web_socket: true, ..seen(100, 10, (101, Some(101))) });
    assert!(!is_new(&requests));
}

#[test]
fn a_target_whose_process_and_workers_died_is_reported_once() {
    let mut requests: Vec<Seen> = answers(0..400_000, 500).collect();
    // The whole process dies, and then connections are refused.
    requests.retain(|request| !(100_000..110_000).contains(&request.dispatched));
    requests.extend((0..6).map(|number| seen(94_000 + number * 1_000, 100_050 - 94_000 - number * 1_000, BAD_GATEWAY)));
    requests.extend((0..6).map(|number| unsent(100_200 + number * 500, 1, BAD_GATEWAY)));
    // Later one worker dies, while others go on.
    requests.extend((0..4).map(|number| seen(296_000 + number * 900, 300_050 - 296_000 - number * 900, BAD_GATEWAY)));
    requests.extend((0..8).map(|number| seen(299_000 + number * 100, 3_000, OK)));
    let diagnosis = diagnosis_of(&requests);
    assert_eq!(causes(&diagnosis), [("target-crash", Confidence::High, 16)]);
    let finding = &diagnosis.findings[0];
    assert!(
        finding.evidence.last().is_some_and(|last| last.text.starts_with("in addition, ")),
        "{:?}",
        finding.evidence
    );
    assert_eq!(finding.time_pattern.episodes.len(), 2);
}

/// Two targets that are away for six seconds each from `first` and `second` on: a request is cut, and 12 connections
/// are refused.
fn both_away(first: i64, second: i64) -> Diagnosis {
    let mut requests: Vec<Seen> = Vec::new();
    for (away, target) in [(first, &b"10.0.0.1:80"[..]), (second, OTHER)] {
        let is_served = |request: &Seen| request.dispatched + 40 < away || request.dispatched > away + 6_000;
        requests.extend(answers(0..400_000, 500).filter(is_served).map(|request| request.at(target)));
        requests.push(seen(away - 20, 20, BAD_GATEWAY).at(target));
        requests.extend((0..12).map(|number| unsent(away + 100 + number * 450, 1, BAD_GATEWAY).at(target)));
    }
    diagnosis_of(&requests)
}

#[test]
fn targets_that_are_away_in_turn_were_restarted_and_those_away_together_perhaps_not() {
    let in_turn = both_away(100_000, 110_000);
    assert_eq!(causes(&in_turn), [("restart-in-place", Confidence::Low, 13); 2]);
    assert_eq!(in_turn.findings[0].also_fits[0].id, "target-crash");
    assert_eq!(number_of(&in_turn.findings[0], "targets_in_turn"), Some(2.0));
    let together = causes(&both_away(100_000, 103_000));
    assert!(together.iter().all(|(cause, ..)| *cause == "target-crash"), "{together:?}");
}
