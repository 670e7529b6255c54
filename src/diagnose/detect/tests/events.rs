//! Findings that are about one event become one: at many targets, and its consequences.

use super::*;
use crate::diagnose::Scope;

const TARGETS: [&[u8]; 6] =
    [b"10.0.0.1:80", b"10.0.0.2:80", b"10.0.0.3:80", b"10.0.0.4:80", b"10.0.0.5:80", b"10.0.0.6:80"];

/// At each of so many targets of six: an answer each second for ten minutes, and a timeout of 30 s from `start` on.
fn cut_off_at(targets: i64, start: impl Fn(i64) -> i64) -> Diagnosis {
    let mut requests: Vec<Seen> = Vec::new();
    for (number, target) in (0..).zip(TARGETS) {
        requests.extend(answers(0..2_400_000, 1_000).map(|request| request.at(target)));
        if number < targets {
            let cut = |times: i64| seen(start(number) + times * 7_000, 30_030 + times * 9, BAD_GATEWAY).at(target);
            requests.extend((0..12).map(cut));
        }
    }
    diagnosis_of(&requests)
}

#[test]
fn one_cause_at_many_targets_of_a_group_is_one_finding() {
    let diagnosis = cut_off_at(5, |number| 100_000 + number * 60_000);
    assert_eq!(causes(&diagnosis), [("target-request-timeout", Confidence::High, 60)]);
    let finding = &diagnosis.findings[0];
    assert!(matches!(finding.scope, Scope::TargetGroup(_)), "{:?}", finding.scope);
    assert_eq!(finding.failures_by_target.len(), 5);
    assert_eq!(finding.estimates.timeout, Some(Duration::from_millis(30_030)));
    let text = &finding.evidence[0].text;
    assert_eq!(text, "5 of the group's 6 targets have such failures: 60 in all");
    // What is stated of each of them is stated once, and names none. What differs names the target.
    let of_group = &finding.evidence[1].text;
    assert!(of_group.starts_with("of the target group's 60 requests that failed like this"), "{of_group}");
    let of_one = finding.evidence.iter().find(|statement| statement.text.contains("other targets failed like this"));
    assert!(of_one.is_some_and(|statement| statement.text.starts_with("at 10.0.0.1:80: meanwhile")), "{finding:?}");
    // They overlap, and so are one episode.
    assert_eq!(finding.time_pattern.episodes.len(), 1);
}

#[test]
fn a_cause_at_few_targets_or_far_apart_stays_with_each_target() {
    assert_eq!(causes(&cut_off_at(2, |_| 100_000)).len(), 2);
    // Twenty minutes apart, of which ten are without a failure
    let far = cut_off_at(3, |number| if number == 2 { 2_000_000 } else { 100_000 });
    assert_eq!(causes(&far).len(), 3);
}

/// Connects of one target time out for `times` seconds from the second minute on, in a log of ten minutes; three
/// clients leave at each of `left`, in milliseconds.
fn unreachable(times: i64, left: &[i64]) -> Diagnosis {
    let mut requests: Vec<Seen> = answers(0..600_000, 200)
        .filter(|request| request.dispatched < 120_000 || request.dispatched > 280_000)
        .collect();
    requests.extend((0..times).map(|number| unsent(120_000 + number * 1_000, 10_001, GATEWAY_TIMEOUT)));
    let leaves = |at: i64| (0..3).map(move |number| unsent(at + number * 900, 2_000 + number * 700, (460, None)));
    let left: Vec<Seen> = left.iter().copied().flat_map(leaves).collect();
    requests.extend(left);
    diagnosis_of(&requests)
}

#[test]
fn clients_that_leave_while_a_target_cannot_be_reached_are_no_finding_of_their_own() {
    let diagnosis = unreachable(120, &[130_000, 150_000, 170_000, 200_000, 210_000]);
    let [(cause, _, failures)] = causes(&diagnosis)[..] else { panic!("{:?}", causes(&diagnosis)) };
    assert_eq!((cause, failures), ("connect-timeout", 135));
    let finding = &diagnosis.findings[0];
    assert!(finding.evidence.iter().any(|evidence| evidence.text.starts_with("in addition, 15 of ")), "{finding:?}");
    assert_eq!(finding.failures_per_minute.iter().map(|counted| counted.failures).sum::<u64>(), 135);
}

#[test]
fn clients_that_also_leave_at_other_times_are_a_finding_of_their_own() {
    let diagnosis = unreachable(120, &[30_000, 130_000, 170_000, 210_000, 500_000]);
    let found: Vec<&str> = causes(&diagnosis).into_iter().map(|(cause, ..)| cause).collect();
    assert_eq!(found, ["connect-timeout", "client-gave-up"]);
}
