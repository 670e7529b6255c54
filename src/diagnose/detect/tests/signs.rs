//! What findings show of what decides between the ways to fix a cause.

use super::*;
use crate::knowledge::Sign;

fn sign(diagnosis: &Diagnosis, wanted: Sign) -> Option<bool> {
    let finding = diagnosis.findings.first().expect("a finding");
    finding.signs.iter().find(|(sign, _)| *sign == wanted).map(|(_, is_shown)| *is_shown)
}

/// Answers for 20 minutes, and errors of the target each second of this range, in seconds.
fn errors(range: std::ops::Range<i64>) -> Diagnosis {
    let mut requests: Vec<Seen> = answers(0..1_200_000, 500).collect();
    requests.extend(answers(0..1_200_000, 500).map(|request| request.at(OTHER)));
    requests.extend(range.map(|second| seen(second * 1_000 + 7, 20, (500, Some(500)))));
    diagnosis_of(&requests)
}

#[test]
fn failures_begin_in_the_log_or_may_be_older_and_end_in_it_or_go_on() {
    let edges = |range| {
        let diagnosis = errors(range);
        [Sign::BeganInTheLog, Sign::GoesOn].map(|wanted| sign(&diagnosis, wanted))
    };
    assert_eq!(edges(600..700), [Some(true), Some(false)]);
    assert_eq!(edges(600..1_199), [Some(true), Some(true)]);
    assert_eq!(edges(10..100), [Some(false), Some(false)]);
}

#[test]
fn a_log_without_a_middle_tells_neither_beginning_nor_end() {
    let mut requests: Vec<Seen> = answers(0..120_000, 500).collect();
    requests.extend((60..100).map(|second| seen(second * 1_000 + 7, 20, (500, Some(500)))));
    assert_eq!(sign(&diagnosis_of(&requests), Sign::BeganInTheLog), None);
}

#[test]
fn one_target_of_several_fails_or_more_than_one_or_it_is_the_only_one() {
    assert_eq!(sign(&errors(600..700), Sign::AtOneTarget), Some(true));
    let mut requests: Vec<Seen> = answers(0..400_000, 500).collect();
    let failed = (100..160).map(|second| seen(second * 1_000 + 7, 20, (500, Some(500))));
    requests.extend(failed.clone());
    assert_eq!(sign(&diagnosis_of(&requests), Sign::AtOneTarget), None);
    requests.extend(failed.map(|request| request.at(OTHER)));
    assert_eq!(sign(&diagnosis_of(&requests), Sign::AtOneTarget), Some(false));
}

#[test]
fn a_target_answers_or_never_does() {
    let refused = |answered: i64| {
        let mut requests: Vec<Seen> = answers(0..answered, 500).collect();
        requests.extend(answers(0..400_000, 500).map(|request| request.at(OTHER)));
        requests.extend((200..260).map(|second| unsent(second * 1_000, 1, BAD_GATEWAY)));
        diagnosis_of(&requests)
    };
    assert_eq!(sign(&refused(0), Sign::NeverAnswered), Some(true));
    assert_eq!(sign(&refused(190_000), Sign::Answered), Some(true));
}

#[test]
fn answers_take_nearly_as_long_as_the_idle_timeout_or_are_quick() {
    let slow = |slowest: i64| {
        let mut requests: Vec<Seen> = answers(0..1_200_000, 500).collect();
        let report = |number: i64, took, statuses| seen(number * 20_000 + 3, took, statuses).to(b"/report");
        requests.extend((0..30).map(|number| report(number, slowest - number, OK)));
        requests.extend((0..20).map(|number| report(number, 60_002, GATEWAY_TIMEOUT)));
        diagnosis_of(&requests)
    };
    for (slowest, expected) in [(50_000, true), (400, false)] {
        let diagnosis = slow(slowest);
        let shown = sign(&diagnosis, Sign::AnswersTakeLong);
        assert!(shown.is_none_or(|shown| shown == expected), "{slowest}: {diagnosis:?}");
    }
    assert_eq!(sign(&slow(50_000), Sign::AnswersTakeLong), Some(true));
}
