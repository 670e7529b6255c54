//! Logs that are a window cut around failures: they do not show how it was before or after.

use super::*;

const THREE: [&[u8]; 3] = [b"10.0.0.1:80", b"10.0.0.2:80", b"10.0.0.3:80"];

const ROUTES: [&[u8]; 3] = [b"/", b"/items", b"/orders"];

/// Requests to three routes in turn, one every 200 ms for two minutes. One in six meets the idle timeout; the others
/// are answered after `took`, a little earlier or later.
fn queueing(took: impl Fn(usize) -> i64) -> Vec<Seen> {
    let mut requests = Vec::new();
    for number in 0..600_i64 {
        let route = usize::try_from(number % 3).expect("small");
        let request = match number % 6 {
            5 => seen(number * 200, 60_001, GATEWAY_TIMEOUT),
            _ => seen(number * 200, took(route) + number % 7 * 90, OK),
        };
        // The failing ones are on all routes.
        requests.push(request.to(ROUTES[(route + usize::try_from(number / 6).expect("small")) % 3]));
    }
    requests
}

#[test]
fn a_target_that_is_slow_on_all_routes_is_saturated_though_no_other_time_is_shown() {
    let diagnosis = diagnosis_of(&queueing(|_| 9_000));
    assert_eq!(causes(&diagnosis), [("target-saturated", Confidence::Medium, 100)]);
    assert_eq!(number_of(&diagnosis.findings[0], "slow_routes"), Some(3.0));
    // It is not compared with anything.
    assert_eq!(number_of(&diagnosis.findings[0], "slowdown"), None);
}

#[test]
fn a_target_that_is_quick_on_one_route_is_not_slow_on_all() {
    let requests: Vec<Seen> = queueing(|_| 9_000)
        .into_iter()
        .map(
            |request| {
                if request.path == b"/" && request.statuses == OK { Seen { took: 40, ..request } } else { request }
            },
        )
        .collect();
    let found = causes(&diagnosis_of(&requests));
    assert!(found.iter().all(|(cause, ..)| *cause != "target-saturated"), "{found:?}");
}

/// Requests to three routes in turn at each of these targets for two minutes; those to two of the routes fail after
/// `took` milliseconds.
fn errors(took: i64) -> Vec<Seen> {
    let request = |number: i64| match number % 3 {
        0 => seen(number * 500, 40, OK).to(ROUTES[0]),
        route => {
            seen(number * 500, took + number % 5, (500, Some(500))).to(ROUTES[usize::try_from(route).expect("small")])
        }
    };
    THREE.iter().flat_map(|target| (0..240).map(move |number| request(number).at(target))).collect()
}

#[test]
fn errors_at_all_targets_after_a_long_wait_are_an_outage_though_no_other_time_is_shown() {
    let diagnosis = diagnosis_of(&errors(5_000));
    assert_eq!(causes(&diagnosis), [("dependency-outage", Confidence::Medium, 480)]);
    let fits: Vec<&str> = diagnosis.findings[0].also_fits.iter().map(|cause| cause.id).collect();
    assert_eq!(fits[0], "application-error");
    // Nothing is said of a time that the log does not show.
    assert_eq!(number_of(&diagnosis.findings[0], "requests_before"), None);
    assert_eq!(number_of(&diagnosis.findings[0], "requests_after"), None);
}

#[test]
fn quick_errors_at_all_targets_are_of_the_application_but_not_surely() {
    let found = causes(&diagnosis_of(&errors(20)));
    assert!(found.iter().all(|(cause, ..)| *cause == "application-error"), "{found:?}");
    assert!(found.iter().all(|(_, confidence, _)| *confidence == Confidence::Medium), "{found:?}");
    // At one target of three, they are of what runs there.
    let of_one: Vec<Seen> = errors(20)
        .into_iter()
        .map(|request| if request.target == THREE[0] { request } else { Seen { took: 40, statuses: OK, ..request } })
        .collect();
    assert_eq!(causes(&diagnosis_of(&of_one)), [("application-error", Confidence::High, 160)]);
}

const OLD: [&[u8]; 4] = [b"10.0.0.1:80", b"10.0.0.2:80", b"10.0.0.3:80", b"10.0.0.4:80"];
const NEW: [&[u8]; 4] = [b"10.0.0.5:80", b"10.0.0.6:80", b"10.0.0.7:80", b"10.0.0.8:80"];

/// Four targets end one after the other, a minute apart, with six requests in flight each. The next of the new ones
/// starts at each of `starts`, in milliseconds. The log ends at `end`.
fn rolled(starts: &[i64], end: i64) -> Diagnosis {
    let mut requests = Vec::new();
    for (ends, target) in (1..).map(|number| number * 60_000).zip(OLD) {
        requests.extend(answers(0..ends - 1_000, 400).map(|request| request.at(target)));
        let cut = |number: i64| seen(ends - 6_000 + number * 900, 6_000 - number * 900, BAD_GATEWAY);
        requests.extend((0..6).map(|number| cut(number).at(target)));
        requests.extend((0..6).map(|number| unsent(ends + 50 + number * 30, 1, BAD_GATEWAY).at(target)));
    }
    // One that was there from the beginning goes on.
    requests.extend(answers(0..end, 400).map(|request| request.at(b"10.0.0.9:80")));
    for (start, target) in starts.iter().zip(NEW) {
        requests.extend(answers(*start..end, 400).map(|request| request.at(target)));
    }
    diagnosis_of(&requests)
}

#[test]
fn targets_that_give_way_to_others_were_deployed_though_the_log_begins_in_the_middle() {
    let named = |diagnosis: Diagnosis| -> Vec<(&str, Confidence)> {
        let mut named: Vec<_> =
            causes(&diagnosis).into_iter().map(|(cause, confidence, _)| (cause, confidence)).collect();
        named.dedup();
        named
    };
    // The first new target was there before the log begins.
    let starts = [100_000, 160_000, 220_000];
    assert_eq!(named(rolled(&starts, 500_000)), [("deploy-without-draining", Confidence::Medium)]);
    // If the log ends soon, one may still start.
    assert_eq!(named(rolled(&starts, 260_000)), [("deploy-without-draining", Confidence::Low)]);
    // Each start follows a loss, also the last one.
    let replaced = rolled(&[100_000, 160_000, 220_000, 280_000], 500_000);
    assert!(named(replaced).iter().all(|(cause, _)| *cause == "target-crash"));
    let lost = rolled(&[], 260_000);
    assert!(named(lost).iter().all(|(cause, _)| *cause != "deploy-without-draining"));
}
