use std::collections::BTreeMap;

use proptest::prelude::*;

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

/// A failure in every block: none can go because nothing failed near it.
#[test]
fn if_failures_are_everywhere_whole_runs_of_four_blocks_stay() {
    let mut timeline = Timeline::default();
    let blocks = 1_000;
    for number in 0..=i64::try_from(MAX_REQUESTS).expect("it fits") {
        observe(&mut timeline, number % blocks * BLOCK_SECONDS, Outcome::ConnectFailed);
    }
    assert!(timeline.has_dropped_blocks());
    assert!(timeline.requests <= MAX_REQUESTS / 2 + 1 && timeline.requests > MAX_REQUESTS / 5, "{}", timeline.requests);
    let mut kept: Vec<i64> = timed_requests(&timeline).iter().map(|it| it.ended.as_seconds() / BLOCK_SECONDS).collect();
    assert_eq!(kept.len(), timeline.requests);
    kept.dedup();
    let runs: Vec<usize> = kept.chunk_by(|one, next| one + 1 == *next).map(<[i64]>::len).collect();
    // The request that was one too many may have begun a run again.
    assert!(runs.iter().filter(|run| **run != 4).count() <= 1, "{runs:?}");
}

/// What a timeline keeps of a request.
fn kept(exchange: Exchange<'_>) -> Option<TimedRequest> {
    let mut timeline = Timeline::default();
    timeline.observe(TargetId::for_test(0), None, &exchange, Outcome::Ok);
    timed_requests(&timeline).first().copied()
}

#[test]
fn only_requests_with_an_exact_elapsed_time_are_kept_and_no_websockets() {
    assert!(kept(EXCHANGE).is_some());
    assert!(kept(Exchange { node: None, ..EXCHANGE }).is_some(), "all that have no node have the same one");
    for exchange in [
        Exchange { is_web_socket: true, ..EXCHANGE },
        Exchange { elapsed: Elapsed::Unknown, ..EXCHANGE },
        Exchange { elapsed: Elapsed::FromTraceId(Duration::from_secs(1)), ..EXCHANGE },
    ] {
        assert_eq!(kept(exchange), None);
    }
}

#[test]
fn only_the_status_of_a_failing_target_is_kept_up_to_what_a_byte_holds() {
    for (logged, expected) in [
        (None, None),
        (Some(200), None),
        (Some(499), None),
        (Some(500), Some(500)),
        (Some(753), Some(753)),
        (Some(754), Some(754)),
        (Some(755), Some(754)),
        (Some(u16::MAX), Some(754)),
    ] {
        let request = kept(Exchange { target_status_code: logged, ..EXCHANGE }).expect("it is kept");
        assert_eq!(request.target_status.map(NonZeroU16::get), expected, "{logged:?}");
    }
}

#[test]
fn a_request_is_dispatched_when_it_was_read_and_never_after_its_end() {
    let took = |request_processing_time, elapsed| {
        let times = Exchange { request_processing_time, elapsed: Elapsed::Exact(elapsed), ..EXCHANGE };
        kept(times).expect("it is kept").took()
    };
    let millis = Duration::from_millis;
    assert_eq!(took(None, millis(30)), millis(30), "it was never dispatched");
    assert_eq!(took(Some(millis(10)), millis(30)), millis(20));
    assert_eq!(took(Some(millis(31)), millis(30)), Duration::ZERO);
    assert_eq!(took(None, Duration::from_micros(250)), Duration::from_micros(200), "a tick has 100 microseconds");
    assert_eq!(took(None, Duration::MAX), Duration::from_micros(u64::from(u32::MAX) * 100));
}

#[test]
fn nodes_past_the_cap_are_not_kept_and_known_ones_go_on() {
    let mut timeline = Timeline::default();
    let mut observe = |number: usize| {
        let name = format!("node {number:05}");
        let exchange = Exchange { node: Some(name.as_bytes()), ..EXCHANGE };
        timeline.observe(TargetId::for_test(0), None, &exchange, Outcome::Ok);
    };
    (0..MAX_NODES + 5).for_each(&mut observe);
    (0..3).for_each(&mut observe);
    assert_eq!(timeline.nodes().len(), MAX_NODES);
    assert_eq!(timed_requests(&timeline).len(), MAX_NODES + 3);
    let mut one_more = Timeline::default();
    let exchange = Exchange { node: Some(b"another"), ..EXCHANGE };
    one_more.observe(TargetId::for_test(0), None, &exchange, Outcome::Ok);
    timeline.merge(one_more, &NewIds::new(vec![TargetId::for_test(0)]), &NewIds::new(Vec::new()));
    assert_eq!((timeline.nodes().len(), timeline.requests), (MAX_NODES, MAX_NODES + 3));
}

/// Second, node, target, route and whether it failed.
type Sent = (i64, u8, usize, usize, bool);

fn timeline_of<'a>(requests: impl IntoIterator<Item = &'a Sent>) -> Timeline {
    let mut timeline = Timeline::default();
    for &(second, node, target, route, has_failed) in requests {
        let exchange = Exchange { time: Timestamp::from_seconds(second), node: Some(&[node]), ..EXCHANGE };
        let outcome = if has_failed { Outcome::ConnectFailed } else { Outcome::Ok };
        timeline.observe(TargetId::for_test(target), Some(RouteId::for_test(route)), &exchange, outcome);
    }
    timeline
}

/// What each target got: second, node and route.
fn contents(timeline: &Timeline, targets: usize) -> BTreeMap<usize, Vec<(i64, u8, Option<usize>)>> {
    let nodes = timeline.nodes();
    let of = |target| {
        let requests = timeline.of_target(TargetId::for_test(target));
        let parts =
            |it: &TimedRequest| (it.ended.as_seconds(), nodes[it.node.index()][0], it.route.map(RouteId::index));
        let mut parts: Vec<_> = requests.iter().map(parts).collect();
        parts.sort_unstable();
        parts
    };
    (0..targets).map(|target| (target, of(target))).collect()
}

proptest! {
    /// In the second part, targets and routes have other ids: those that it gave itself.
    #[test]
    fn parts_with_ids_of_their_own_merge_to_the_whole(
        requests in prop::collection::vec((-900..2_000_i64, 0..4_u8, 0..3_usize, 0..3_usize, any::<bool>()), 0..60),
        half in 0..60_usize,
    ) {
        let (one, other) = requests.split_at(half.min(requests.len()));
        let rename = |&(second, node, target, route, failed): &Sent| (second, node, 2 - target, (route + 1) % 3, failed);
        let renamed: Vec<Sent> = other.iter().map(rename).collect();
        let mut merged = timeline_of(one);
        let targets = NewIds::new([2, 1, 0].map(TargetId::for_test).to_vec());
        let routes = NewIds::new([2, 0, 1].map(RouteId::for_test).to_vec());
        merged.merge(timeline_of(&renamed), &targets, &routes);
        let whole = timeline_of(&requests);
        prop_assert_eq!(contents(&merged, 3), contents(&whole, 3));
        prop_assert_eq!((merged.requests, merged.nodes()), (requests.len(), whole.nodes()));
        // Blocks of the same five minutes are one block, and know the failures of both parts.
        let failures = |timeline: &Timeline| -> BTreeMap<(usize, i64), u32> {
            let pairs = timeline.nodes.iter().flat_map(|((), _, node)| &node.pairs);
            let blocks = pairs.flat_map(|(target, pair)| pair.blocks.iter().map(|block| (target.index(), block)));
            blocks.fold(BTreeMap::new(), |mut all, (target, block)| {
                *all.entry((target, block.number)).or_default() += block.failures;
                all
            })
        };
        prop_assert_eq!(failures(&merged), failures(&whole));
        merged.renumber_routes(&NewIds::new(vec![RouteId::for_test(7); 3]));
        let all_routes = contents(&merged, 3).into_values().flatten().map(|(.., route)| route);
        prop_assert!(all_routes.into_iter().all(|route| route == Some(7)));
    }
}
