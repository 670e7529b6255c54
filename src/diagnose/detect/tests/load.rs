//! Targets that are slow or fail because of their work: overload, slow routes, hung processes and shared
//! dependencies.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;

/// Three routes in turn, a request every `step` milliseconds.
fn three_routes(range: std::ops::Range<i64>, step: usize, took: i64) -> impl Iterator<Item = Seen> {
    let paths: [&[u8]; 3] = [b"/", b"/items", b"/orders"];
    range.step_by(step).zip(paths.into_iter().cycle()).map(move |(at, path)| seen(at, took, OK).to(path))
}

/// Requests to three routes in turn that reached the idle timeout, one a second.
fn silence(range: std::ops::Range<i64>) -> impl Iterator<Item = Seen> {
    three_routes(range, 1_000, 60_001).map(|request| Seen { statuses: GATEWAY_TIMEOUT, ..request })
}

#[test]
fn slow_before_it_fails_and_asked_for_more_is_saturated() {
    let mut requests: Vec<Seen> = three_routes(0..300_000, 500, 30).collect();
    requests.extend(three_routes(300_000..400_000, 150, 400));
    requests.extend(three_routes(400_000..700_000, 500, 30));
    requests.extend(silence(365_000..400_000));
    let diagnosis = diagnosis_of(&requests);
    assert_eq!(causes(&diagnosis), [("target-saturated", Confidence::High, 35)]);
    assert!(number_of(&diagnosis.findings[0], "arrivals").is_some_and(|factor| factor > 2.0));
}

#[test]
fn slow_before_it_fails_with_no_more_to_do_is_less_surely_saturated() {
    let mut requests: Vec<Seen> = three_routes(0..300_000, 500, 30).collect();
    requests.extend(three_routes(300_000..400_000, 500, 400));
    requests.extend(three_routes(400_000..900_000, 500, 30));
    requests.extend(silence(365_000..400_000).step_by(3));
    assert_eq!(causes(&diagnosis_of(&requests)), [("target-saturated", Confidence::Medium, 12)]);
}

/// Requests to `/report` at a target: twelve are answered after 30 to 55.3 s, and twelve meet the 60 s idle timeout.
fn reports(target: &'static [u8]) -> impl Iterator<Item = Seen> {
    let answered = (0..12).map(|number| seen(20_000 + number * 40_000, 30_000 + number * 2_300, OK));
    let silent = (0..12).map(|number| seen(30_000 + number * 40_000, 60_001, GATEWAY_TIMEOUT));
    answered.chain(silent).map(move |request| request.to(b"/report").at(target))
}

#[test]
fn one_slow_route_while_the_others_are_quick_meets_the_idle_timeout() {
    let mut requests: Vec<Seen> = three_routes(0..600_000, 500, 30).chain(reports(b"10.0.0.1:80")).collect();
    requests.extend(three_routes(0..600_000, 500, 30).map(|request| request.at(OTHER)).chain(reports(OTHER)));
    let of_each = ("idle-timeout-exceeded", Confidence::High, 12);
    assert_eq!(causes(&diagnosis_of(&requests)), [of_each, of_each]);
}

#[test]
fn a_target_that_answers_nothing_on_any_route_hangs() {
    let mut requests: Vec<Seen> = three_routes(0..600_000, 500, 30).collect();
    let of_other = three_routes(0..200_000, 1_000, 30).chain(three_routes(330_000..600_000, 1_000, 30));
    requests.extend(of_other.chain(silence(200_000..240_000)).map(|request| request.at(OTHER)));
    let diagnosis = diagnosis_of(&requests);
    assert_eq!(causes(&diagnosis), [("idle-timeout-exceeded", Confidence::Medium, 40)]);
    assert_eq!(number_of(&diagnosis.findings[0], "routes"), Some(3.0));
}

/// The requests of a target in some minutes. `/` is always quick. `/orders` needs a dependency that targets share,
/// which is down during the seconds `away`.
fn shared(target: &'static [u8], minutes: std::ops::Range<i64>, away: std::ops::Range<i64>) -> Vec<Seen> {
    let millis = minutes.start * 60_000..minutes.end * 60_000;
    let free = answers(millis.clone(), 1_000);
    let needing = millis.skip(500).step_by(1_000).map(move |at| {
        let is_away = away.contains(&(at / 1_000));
        let (took, statuses) = if is_away { (5_000 + at % 7, (500, Some(500))) } else { (80, OK) };
        seen(at, took, statuses).to(b"/orders")
    });
    free.chain(needing).map(|request| request.at(target)).collect()
}

const FOUR: [&[u8]; 4] = [b"10.0.0.1:80", b"10.0.0.2:80", b"10.0.0.3:80", b"10.0.0.4:80"];

#[test]
fn slow_errors_at_all_targets_at_the_same_time_are_a_dependency_outage() {
    let requests: Vec<Seen> = FOUR.iter().flat_map(|target| shared(target, 0..10, 300..400)).collect();
    let diagnosis = diagnosis_of(&requests);
    assert_eq!(causes(&diagnosis), [("dependency-outage", Confidence::High, 400)]);
    assert!(matches!(diagnosis.findings[0].scope, crate::diagnose::Scope::TargetGroup(_)));
}

#[test]
fn errors_of_one_target_are_not_a_dependency_outage() {
    let away = |target: &[u8]| if target == FOUR[2] { 300..400 } else { 0..0 };
    let requests: Vec<Seen> = FOUR.iter().flat_map(|target| shared(target, 0..10, away(target))).collect();
    assert_eq!(causes(&diagnosis_of(&requests)), [("application-error", Confidence::High, 100)]);
}

#[test]
fn targets_that_are_hardly_in_use_do_not_make_an_outage_of_the_errors_of_one() {
    let mut requests = shared(FOUR[0], 0..10, 300..400);
    requests.extend(shared(FOUR[1], 0..10, 0..0));
    for target in &FOUR[2..] {
        let spare = answers(0..250_000, 10_000).chain([seen(300_100, 5_000, (500, Some(500))).to(b"/orders")]);
        requests.extend(spare.map(|request| request.at(target)));
    }
    let causes = causes(&diagnosis_of(&requests));
    assert!(causes.iter().all(|(cause, ..)| *cause != "dependency-outage"), "{causes:?}");
}

#[test]
fn errors_that_began_with_new_targets_are_of_the_release() {
    let old = FOUR[..2].iter().flat_map(|target| shared(target, 0..5, 0..0));
    let requests: Vec<Seen> = old.chain(FOUR[2..].iter().flat_map(|target| shared(target, 5..10, 0..600))).collect();
    let of_each = ("application-error", Confidence::High, 300);
    assert_eq!(causes(&diagnosis_of(&requests)), [of_each, of_each]);
}

#[test]
fn an_outage_from_the_beginning_of_the_log_is_less_sure_and_one_of_the_whole_log_is_none() {
    let errors = |until| FOUR.iter().flat_map(move |target| shared(target, 0..10, 0..until)).collect::<Vec<Seen>>();
    assert_eq!(causes(&diagnosis_of(&errors(100))), [("dependency-outage", Confidence::Medium, 400)]);
    assert!(causes(&diagnosis_of(&errors(600))).iter().all(|(cause, ..)| *cause == "application-error"));
}

/// By chance, such a route has good minutes and bad ones.
#[test]
fn a_route_that_always_fails_now_and_then_is_no_outage() {
    for seed in 0..20 {
        let mut dice = ChaCha8Rng::seed_from_u64(seed);
        let mut requests: Vec<Seen> = answers(0..3_600_000, 2_000).collect();
        requests.extend(answers(1_000..3_600_000, 2_000).map(|request| request.at(OTHER)));
        for number in 0..180 {
            let target = FOUR[usize::from(number % 2 == 1)];
            let (took, statuses) = if dice.random_bool(0.6) { (5_000, (500, Some(500))) } else { (900, OK) };
            requests.push(seen(number * 20_000 + 77, took, statuses).to(b"/report").at(target));
        }
        let found = causes(&diagnosis_of(&requests));
        assert!(found.iter().all(|(cause, ..)| *cause == "application-error"), "seed {seed}: {found:?}");
    }
}

/// A route whose answers always take 50 ms, 400 ms or 1.5 s, by turns that do not repeat, and a failure now and then.
#[test]
fn a_route_whose_answers_always_take_very_different_times_is_not_slow() {
    let took = |number: i64| [50, 400, 1_500][usize::try_from(number * number / 7 % 3).expect("small")];
    for first in [0, 1, 2] {
        let answered = (0..3_000).map(|number| seen(number * 200, took(number + first), OK));
        let failed = (0..120).map(|number| seen(3_000 + number * 4_700, 20, BAD_GATEWAY));
        let found = causes(&diagnosis_of(&answered.chain(failed).collect::<Vec<_>>()));
        assert!(found.iter().all(|(cause, ..)| *cause != "target-saturated"), "{found:?}");
    }
}
