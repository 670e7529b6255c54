//! What servers do with their workers, connections and request bodies.

use super::*;

const FOUR: [&[u8]; 4] = [b"10.0.0.1:80", b"10.0.0.2:80", b"10.0.0.3:80", b"10.0.0.4:80"];
const SERVER_ERROR: (u16, Option<u16>) = (500, Some(500));
const TOO_LARGE: (u16, Option<u16>) = (413, Some(413));

/// Twenty minutes of answers at each of four targets.
fn four_targets() -> Vec<Seen> {
    FOUR.iter().flat_map(|target| answers(0..1_200_000, 500).map(|request| request.at(target))).collect()
}

/// `size` requests that are closed at once within a second, at each of the targets.
fn burst(at: i64, size: i64, targets: &[&'static [u8]]) -> Vec<Seen> {
    let of_target = |target| (0..size).map(move |number| seen(at + number * 900 / size, 4, BAD_GATEWAY).at(target));
    targets.iter().copied().flat_map(of_target).collect()
}

#[test]
fn bursts_at_several_targets_are_of_a_server_that_recycles() {
    let mut requests = four_targets();
    for at in [300_000, 600_000, 900_000] {
        requests.extend(burst(at, 4, &FOUR[..3]));
    }
    let diagnosis = diagnosis_of(&requests);
    assert_eq!(causes(&diagnosis), [("server-recycling", Confidence::Medium, 36)]);
    let finding = &diagnosis.findings[0];
    assert_eq!(number_of(finding, "bursts"), Some(3.0));
    assert_eq!(number_of(finding, "targets_failing"), Some(3.0));
    assert_eq!(number_of(finding, "answered_later"), Some(3.0));
    assert_eq!(finding.estimates.keep_alive, None);
}

#[test]
fn one_burst_shows_less_than_three() {
    let mut requests = four_targets();
    requests.extend(burst(600_000, 4, &FOUR[..3]));
    assert_eq!(causes(&diagnosis_of(&requests)), [("server-recycling", Confidence::Low, 12)]);
}

/// Requests of one target: in one minute, each tenth is closed at once, and `errors` more get the target's own 500.
fn bad_minute(errors: usize) -> Vec<Seen> {
    let mut requests: Vec<Seen> = answers(0..900_000, 200).collect();
    let in_minute = requests.iter_mut().filter(|request| (300_000..360_000).contains(&request.dispatched));
    for (number, request) in in_minute.enumerate() {
        if number % 10 == 0 {
            (request.took, request.statuses) = (3, BAD_GATEWAY);
        } else if number % 10 == 5 && number / 10 < errors {
            (request.took, request.statuses) = (3, SERVER_ERROR);
        }
    }
    requests
}

#[test]
fn a_target_that_closes_a_part_and_errs_meanwhile_has_no_connection_left() {
    let diagnosis = diagnosis_of(&bad_minute(6));
    assert_eq!(causes(&diagnosis), [("connections-exhausted", Confidence::Medium, 36)]);
    assert_eq!(number_of(&diagnosis.findings[0], "own_errors"), Some(6.0));
    assert_eq!(number_of(&diagnosis.findings[0], "own_errors_otherwise"), Some(0.0));
}

#[test]
fn a_part_closed_at_all_targets_is_hardly_a_limit_of_each() {
    let requests: Vec<Seen> =
        FOUR.iter().flat_map(|target| bad_minute(6).into_iter().map(|request| request.at(target))).collect();
    let found = causes(&diagnosis_of(&requests));
    assert_eq!(found, [("connections-exhausted", Confidence::Low, 4 * 36)]);
}

#[test]
fn a_target_that_closes_a_part_and_errs_as_always_is_not_named_so() {
    let found = causes(&diagnosis_of(&bad_minute(0)));
    assert!(found.iter().all(|(cause, ..)| *cause != "connections-exhausted"), "{found:?}");
}

/// Requests to two routes, half a second apart. Each 21st is never answered.
fn lost_now_and_then(slowest: i64) -> Vec<Seen> {
    let mut requests: Vec<Seen> = answers(0..600_000, 500).collect();
    for (number, request) in requests.iter_mut().enumerate() {
        request.path = if number % 2 == 0 { b"/" } else { b"/items" };
        match number % 21 {
            7 => (request.took, request.statuses) = (60_001, GATEWAY_TIMEOUT),
            8 => request.took = slowest,
            _ => {}
        }
    }
    requests
}

#[test]
fn what_is_not_answered_beside_quick_answers_is_never_answered() {
    let diagnosis = diagnosis_of(&lost_now_and_then(90));
    assert_eq!(causes(&diagnosis), [("never-answered", Confidence::Medium, 57)]);
    let slowest = number_of(&diagnosis.findings[0], "slowest_answer").expect("how long the slowest answer took");
    assert!((slowest - 0.09).abs() < 0.001, "{slowest}");
}

#[test]
fn what_is_not_answered_beside_answers_near_the_idle_timeout_may_be_slow() {
    let found = causes(&diagnosis_of(&lost_now_and_then(45_000)));
    assert!(found.iter().all(|(cause, ..)| *cause != "never-answered"), "{found:?}");
}

/// Every two minutes five requests, a second apart. The connection of the first has been forgotten; the next ones use
/// new connections.
#[test]
fn what_is_lost_only_after_a_quiet_stretch_was_sent_on_a_forgotten_connection() {
    let mut requests: Vec<Seen> = Vec::new();
    for round in 0..14 {
        let begin = round * 120_000;
        requests.push(match round {
            0 => seen(begin, 30, OK),
            _ => seen(begin, 60_001, GATEWAY_TIMEOUT),
        });
        requests.extend((1..6).map(|number| seen(begin + number * 1_000, 30, OK)));
    }
    for (number, request) in requests.iter_mut().enumerate() {
        request.path = if (number / 6 + number) % 2 == 0 { b"/" } else { b"/items" };
    }
    let diagnosis = diagnosis_of(&requests);
    assert_eq!(causes(&diagnosis), [("idle-connection-dropped", Confidence::Medium, 13)]);
    assert!(number_of(&diagnosis.findings[0], "quiet").is_some_and(|quiet| quiet > 100.0));
}

/// Uploads of which some succeed, some are refused after `refused` milliseconds, and some are closed after 22; and
/// other requests.
fn uploads(refused: i64) -> Vec<Seen> {
    let mut requests: Vec<Seen> = answers(0..600_000, 1_000).collect();
    for number in 0..60 {
        let (took, statuses) = match number % 5 {
            0 => (22, BAD_GATEWAY),
            1 => (refused, TOO_LARGE),
            _ => (400, OK),
        };
        requests.push(Seen { method: b"POST", ..seen(number * 9_000 + 333, took, statuses).to(b"/upload") });
    }
    requests
}

#[test]
fn uploads_that_are_refused_at_once_or_closed_were_answered_too_early() {
    let diagnosis = diagnosis_of(&uploads(20));
    assert_eq!(causes(&diagnosis), [("early-response-reset", Confidence::Medium, 12)]);
    let finding = &diagnosis.findings[0];
    assert_eq!(number_of(finding, "refused"), Some(12.0));
    assert_eq!(number_of(finding, "route_requests"), Some(60.0));
    assert_eq!(number_of(finding, "other_failures"), Some(0.0));
}

#[test]
fn uploads_that_are_refused_as_late_as_others_succeed_were_read_first() {
    let found = causes(&diagnosis_of(&uploads(400)));
    assert!(found.iter().all(|(cause, ..)| *cause != "early-response-reset"), "{found:?}");
}

#[test]
fn closed_requests_without_a_body_were_not_answered_too_early() {
    let requests: Vec<Seen> = uploads(20).into_iter().map(|request| Seen { method: b"GET", ..request }).collect();
    let found = causes(&diagnosis_of(&requests));
    assert!(found.iter().all(|(cause, ..)| *cause != "early-response-reset"), "{found:?}");
}

/// A process that freezes: its kernel takes connections until the queue is full, and answers none. Far more requests
/// wait than there were connections before.
#[test]
fn a_frozen_process_is_no_blocked_path_although_connections_time_out() {
    let routes = |requests: Vec<Seen>| {
        let paths: [&[u8]; 3] = [b"/", b"/items", b"/orders"];
        requests.into_iter().zip(paths.into_iter().cycle()).map(|(request, path)| request.to(path))
    };
    let mut requests: Vec<Seen> = answers(0..200_000, 250).collect();
    requests.extend((0..160).map(|number| seen(200_000 + number * 250, 60_001, GATEWAY_TIMEOUT)));
    requests.extend((0..300).map(|number| unsent(240_000 + number * 250, 10_001, GATEWAY_TIMEOUT)));
    requests.extend(answers(400_000..600_000, 250));
    let requests: Vec<Seen> = routes(requests).collect();
    let found = causes(&diagnosis_of(&requests));
    assert_eq!(found[0].0, "idle-timeout-exceeded", "{found:?}");
    assert!(found.iter().all(|(cause, ..)| *cause != "connect-timeout"), "{found:?}");
}

/// Proxies in all targets give up at the same times.
fn proxies_give_up(routes: &[&'static [u8]]) -> Vec<Seen> {
    let mut requests = Vec::new();
    for target in FOUR {
        for (number, at) in (0..1_200_000_i64).step_by(500).enumerate() {
            let path = if number % 2 == 0 { b"/free" } else { routes[number / 2 % routes.len()] };
            let is_bad = (600_000..700_000).contains(&at) && path != b"/free";
            let (took, statuses) = if is_bad { (5_010, (504, Some(504))) } else { (30, OK) };
            requests.push(seen(at, took, statuses).to(path).at(target));
        }
    }
    requests
}

#[test]
fn proxies_that_give_up_on_several_routes_at_once_wait_for_something_that_all_share() {
    let found = causes(&diagnosis_of(&proxies_give_up(&[b"/orders", b"/cart"])));
    assert_eq!(found, [("dependency-outage", Confidence::Medium, 400)]);
}

#[test]
fn proxies_that_give_up_on_one_route_have_a_slow_route() {
    let found = causes(&diagnosis_of(&proxies_give_up(&[b"/orders"])));
    assert!(found.iter().all(|(cause, ..)| *cause == "inner-proxy-error"), "{found:?}");
}

/// Requests that each target closes here and there, after `held` milliseconds, as all answers of one route take; the
/// answers of another route take `quickest`.
fn closed_here_and_there(held: i64, quickest: i64) -> Diagnosis {
    let mut requests: Vec<Seen> = Vec::new();
    for (number, target) in (0..).zip(FOUR) {
        requests.extend((0..900).map(|at| seen(at * 1_000 + number * 97, held, OK).to(b"/a").at(target)));
        requests.extend((0..900).map(|at| seen(at * 1_000 + 500 + number * 97, quickest, OK).to(b"/b").at(target)));
        let closed = |times: i64| seen(11_311 + times * 137_773 + number * 31_013, held, BAD_GATEWAY);
        requests.extend((0..6).map(|times| closed(times).to(b"/a").at(target)));
    }
    diagnosis_of(&requests)
}

#[test]
fn what_ends_as_soon_as_the_quickest_answers_may_have_met_a_closed_connection() {
    let says_so = |diagnosis: &Diagnosis| {
        let mut evidence = diagnosis.findings.iter().flat_map(|finding| &finding.evidence);
        evidence.any(|evidence| evidence.text.contains(" times as long as such requests usually take"))
    };
    assert!(says_so(&closed_here_and_there(40, 5)));
    for quickest in [38, 30] {
        let diagnosis = closed_here_and_there(40, quickest);
        assert!(!diagnosis.findings.is_empty() && !says_so(&diagnosis), "{quickest}: {:?}", diagnosis.findings);
    }
}
