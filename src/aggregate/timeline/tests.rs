use super::*;
use crate::classify::tests::fixture::EXCHANGE;

fn observe(timeline: &mut Timeline, second: i64, outcome: Outcome) {
    let exchange = Exchange {
        time: Timestamp::from_seconds(second),
        target_group: None,
        node: Some(b"10.0.9.9"),
        request_processing_time: Some(Duration::from_millis(2)),
        elapsed: Elapsed::Exact(Duration::from_millis(12)),
        ..EXCHANGE
    };
    timeline.observe(TargetId::for_test(0), None, &exchange, outcome);
}

fn timed_requests(timeline: &Timeline) -> Vec<TimedRequest> {
    timeline.of_target(TargetId::for_test(0))
}

#[test]
fn a_request_runs_from_its_dispatch_to_its_end() {
    let mut timeline = Timeline::default();
    observe(&mut timeline, 1_000, Outcome::Ok);
    let [timed_request] = timed_requests(&timeline)[..] else { panic!("one request") };
    assert_eq!(timed_request.ended, Timestamp::from_seconds(1_000));
    assert_eq!(timed_request.took(), Duration::from_millis(10));
}

#[test]
fn requests_are_sorted_by_end_whatever_the_order_and_year_of_the_lines() {
    let mut timeline = Timeline::default();
    let seconds: Vec<i64> = (0..5_000).map(|number| number * 7_919 % 5_000 * 86_400).collect();
    for &second in &seconds {
        observe(&mut timeline, second, Outcome::Ok);
    }
    let kept = timed_requests(&timeline);
    assert_eq!(kept.len(), seconds.len());
    let order = |timed_request: &TimedRequest| {
        let TimedRequest { dispatched, ended, outcome, target_status, route, node } = *timed_request;
        (ended, dispatched, outcome, node, route, target_status)
    };
    assert!(kept.is_sorted_by_key(order));
}

#[test]
fn past_the_cap_requests_near_failures_are_kept_and_the_others_dropped() {
    let mut timeline = Timeline::default();
    let failing_block = 100 * BLOCK_SECONDS;
    let in_blocks = |blocks: std::ops::Range<i64>| blocks.map(|block| 100 * BLOCK_SECONDS + block * BLOCK_SECONDS);
    for start in in_blocks(-2..2) {
        observe(&mut timeline, start + 1, Outcome::Ok);
    }
    observe(&mut timeline, failing_block + 2, Outcome::ClosedBeforeResponse);
    // Two hours of healthy traffic, long after the failure.
    for number in 0..=MAX_REQUESTS {
        observe(&mut timeline, 1_000_000 + i64::try_from(number % 7_200).expect("a second"), Outcome::Ok);
    }
    assert!(timeline.has_dropped_blocks());
    assert!(timeline.requests <= MAX_REQUESTS);
    let near: Vec<i64> = timed_requests(&timeline)
        .iter()
        .map(|timed_request| timed_request.ended.as_seconds())
        .filter(|end| *end < 1_000_000)
        .collect();
    let expected: Vec<i64> = vec![
        failing_block - 2 * BLOCK_SECONDS + 1,
        failing_block - BLOCK_SECONDS + 1,
        failing_block + 1,
        failing_block + 2,
        failing_block + BLOCK_SECONDS + 1,
    ];
    assert_eq!(near, expected);
}
