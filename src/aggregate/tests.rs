use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::classify::tests::fixture::EXCHANGE;
use crate::classify::{Elapsed, classify};
use crate::timestamp::Timestamp;

/// A request described by small numbers, so that many requests agree in one part and differ in another.
#[derive(Clone, Debug)]
struct CountedRequest {
    second: i64,
    load_balancer: u32,
    target_group: Option<u32>,
    target: Option<u32>,
    statuses: (u16, Option<u16>),
    millis: Option<u64>,
    path: u32,
}

impl CountedRequest {
    fn new(number: u32) -> Self {
        Self {
            second: i64::from(number),
            load_balancer: 0,
            target_group: Some(0),
            target: Some(0),
            statuses: (200, Some(200)),
            millis: Some(1),
            path: 0,
        }
    }

    fn observed_by(&self, summary: &mut Summary) {
        let load_balancer = format!("app/lb/{}", self.load_balancer);
        let target_group = self.target_group.map(|number| format!("arn{number}"));
        let target = self.target.map(|number| format!("10.0.0.1:{number}"));
        let path = format!("/p{}x", self.path);
        let time = Timestamp::from_seconds(self.second);
        let millis = self.millis.map(Duration::from_millis);
        let exchange = Exchange {
            time,
            load_balancer: load_balancer.as_bytes(),
            target_group: target_group.as_deref().map(str::as_bytes),
            target: target.as_deref().map(str::as_bytes),
            path: Some(path.as_bytes()),
            elb_status_code: Some(self.statuses.0),
            target_status_code: self.statuses.1,
            request_processing_time: Some(Duration::ZERO),
            target_processing_time: millis,
            elapsed: millis.map_or(Elapsed::Unknown, Elapsed::Exact),
            ..EXCHANGE
        };
        let line = format!("{self:?}");
        let location = || Location { object: "o".into(), line: self.second.unsigned_abs() + 1, byte: 0 };
        summary.observe(&exchange, classify(&exchange), line.as_bytes(), location);
    }
}

fn summary_of<'a>(requests: impl IntoIterator<Item = &'a CountedRequest>) -> Summary {
    let mut summary = Summary::default();
    for request in requests {
        request.observed_by(&mut summary);
    }
    summary
}

fn requests() -> impl Strategy<Value = Vec<CountedRequest>> {
    let statuses = prop_oneof![
        Just((200, Some(200))),
        Just((502, None)),
        Just((504, None)),
        Just((503, Some(503))),
        Just((460, None)),
    ];
    let request = (
        0..5_000_i64,
        0..3_u32,
        prop::option::of(0..3_u32),
        prop::option::of(0..3_u32),
        statuses,
        prop::option::of(0..20_000_u64),
        0..5_u32,
    );
    let request = request.prop_map(|(second, load_balancer, target_group, target, statuses, millis, path)| {
        CountedRequest { second, load_balancer, target_group, target, statuses, millis, path }
    });
    prop::collection::vec(request, 0..60)
}

/// Everything in a summary as sorted text, so that the order in which it was seen does not matter.
fn contents(summary: &Summary) -> Vec<String> {
    let group = |index| {
        let (parent, arn, ()) = summary.target_groups.entry(index);
        let ((), id, _) = summary.load_balancers.entry(parent);
        format!("{} {}", id.escape_ascii(), arn.escape_ascii())
    };
    let sketch = |it: &Quantiles| format!("{} {:?} {:?}", it.count(), it.quantile(0.5), it.quantile(1.0));
    let mut rows = vec![format!("{:?}", summary.span)];
    for ((), id, load_balancer) in summary.load_balancers.iter() {
        for (start, bin) in load_balancer.timing.sorted() {
            let mut failed = bin.failed.clone();
            failed.sort_unstable();
            rows.push(format!("{} {start} {:?} {:?} {failed:?}", id.escape_ascii(), bin.outcomes, bin.elapsed));
        }
    }
    for (parent, name, target) in summary.targets.iter() {
        let of_target = format!("{} {}", group(parent), name.escape_ascii());
        rows.push(format!("{of_target} {} {:?} {:?}", target.requests, target.seen, target.outcomes));
        rows.push(format!("{of_target} {:?}", target.status_pairs.sorted()));
        rows.push(format!("{of_target} {} {}", sketch(&target.latency), sketch(&target.elapsed)));
        for of in &target.failures {
            let sketches = (sketch(&of.elapsed), sketch(&of.target_processing_time));
            rows.push(format!("{of_target} {:?} {} {:?} {sketches:?}", of.outcome, of.requests, of.seen));
            rows.push(format!("{of_target} {:?} {:?}", of.outcome, of.samples));
        }
    }
    for (route, of) in summary.routes.sorted().iter() {
        let template = route.template.escape_ascii();
        rows.push(format!("{} {template} {:?} {}", group(route.target_group), of.outcomes, sketch(&of.elapsed)));
    }
    rows.sort_unstable();
    rows
}

fn routed(summary: &Summary) -> u64 {
    summary.routes.sorted().iter().map(|(_, counts)| counts.requests()).sum()
}

proptest! {
    #[test]
    fn any_split_merged_in_any_order_gives_the_same_summary(
        requests in requests(),
        parts in prop::collection::vec(0..4_usize, 60),
        order in Just([0, 1, 2, 3_usize]).prop_shuffle(),
    ) {
        let whole = contents(&summary_of(&requests));
        let mut merged = Summary::default();
        for part in order {
            let of_part = requests.iter().zip(&parts).filter(|(_, belongs)| **belongs == part);
            merged.merge(summary_of(of_part.map(|(request, _)| request)));
        }
        prop_assert_eq!(contents(&merged), whole);
    }

    #[test]
    fn the_order_of_requests_does_not_matter(requests in requests().prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle()))) {
        prop_assert_eq!(contents(&summary_of(&requests.0)), contents(&summary_of(&requests.1)));
    }

    #[test]
    fn merging_is_associative(one in requests(), two in requests(), three in requests()) {
        let [one, two, three] = [one, two, three].map(|requests| summary_of(&requests));
        let mut left = one.clone();
        left.merge(two.clone());
        left.merge(three.clone());
        let mut right = two;
        right.merge(three);
        let mut all = one;
        all.merge(right);
        prop_assert_eq!(contents(&left), contents(&all));
    }
}

#[test]
fn an_empty_summary_changes_nothing() {
    let requests: Vec<CountedRequest> = (0..9).map(CountedRequest::new).collect();
    let whole = contents(&summary_of(&requests));
    let mut before = Summary::default();
    before.merge(summary_of(&requests));
    let mut after = summary_of(&requests);
    after.merge(Summary::default());
    assert_eq!((contents(&before), contents(&after)), (whole.clone(), whole));
}

/// More names than each cap allows; none may cost a request.
#[test]
fn caps_hold_and_no_request_is_lost() {
    let load_balancers = |number| CountedRequest { load_balancer: number, ..CountedRequest::new(number) };
    let groups = |number| CountedRequest { target_group: Some(number), ..CountedRequest::new(number) };
    let targets = |number| CountedRequest { target: Some(number), ..CountedRequest::new(number) };
    let small = |cap: usize| u32::try_from(cap).expect("a cap is small") + 50;
    for (name, seen, request) in [
        ("load balancers", small(MAX_LOAD_BALANCERS), load_balancers as fn(u32) -> CountedRequest),
        ("target groups", small(MAX_TARGET_GROUPS), groups),
        ("targets", small(MAX_TARGETS), targets),
    ] {
        let halves = [0..seen / 2, seen / 2..seen].map(|numbers| numbers.map(request).collect::<Vec<_>>());
        let in_one_go = summary_of(halves.iter().flatten());
        let mut merged = summary_of(&halves[0]);
        merged.merge(summary_of(&halves[1]));
        for summary in [in_one_go, merged] {
            assert!(summary.load_balancers.len() <= MAX_LOAD_BALANCERS, "{name}");
            assert!(summary.target_groups.len() <= MAX_TARGET_GROUPS, "{name}");
            assert!(summary.targets.len() <= MAX_TARGETS, "{name}");
            assert_eq!(summary.requests(), u64::from(seen), "{name}: requests");
            assert_eq!(summary.outcomes().of(Outcome::Ok), u64::from(seen), "{name}: outcomes");
            assert_eq!(routed(&summary), u64::from(seen), "{name}: requests by route");
            let others = match name {
                "load balancers" => summary.load_balancers.iter().filter(|((), id, _)| *id == OTHER).count(),
                "target groups" => summary.target_groups.iter().filter(|(_, arn, ())| *arn == OTHER).count(),
                _ => summary.targets.iter().filter(|(_, target, _)| *target == OTHER).count(),
            };
            assert_eq!(others, 1, "{name}: one entry for the rest");
        }
    }
}

#[test]
fn a_name_past_the_cap_counts_as_other_of_its_own_parent() {
    let mut interner: Interner<TargetId, TargetGroupId, u64> = Interner::default();
    for number in 0..10 {
        interner.intern(TargetGroupId::for_test(0), &[number], 10);
    }
    for parent in [0, 1, 2].map(TargetGroupId::for_test) {
        let id = interner.intern(parent, b"new", 10);
        assert_eq!(interner.entry(id).0, parent);
        assert_eq!(interner.entry(id).1, OTHER);
    }
}

#[test]
fn a_name_seen_before_the_cap_was_reached_keeps_its_id() {
    let beyond = u32::try_from(MAX_LOAD_BALANCERS).expect("a cap is small") + 10;
    let first_again = CountedRequest { load_balancer: 0, ..CountedRequest::new(0) };
    let all: Vec<CountedRequest> = (0..beyond)
        .map(|number| CountedRequest { load_balancer: number, ..CountedRequest::new(number) })
        .chain([first_again])
        .collect();
    let summary = summary_of(&all);
    let ((), id, load_balancer) = summary.load_balancers.entry(LoadBalancerId::for_test(0));
    assert_eq!(id, b"app/lb/0");
    let counted: u64 = load_balancer.timing.sorted().iter().map(|(_, bin)| bin.outcomes.of(Outcome::Ok)).sum();
    assert_eq!(counted, 2);
}

#[test]
fn samples_are_the_earliest_failures_whatever_the_order() {
    let failed = |second| CountedRequest { statuses: (502, None), second, ..CountedRequest::new(0) };
    for seconds in [[1, 2, 3, 4, 5], [5, 4, 3, 2, 1], [3, 5, 1, 4, 2]] {
        let summary = summary_of(&seconds.map(failed));
        let (_, _, target) = summary.targets.entry(TargetId::for_test(0));
        let kept: Vec<i64> = target.failures[0].samples.as_slice().iter().map(|it| it.time.as_seconds()).collect();
        assert_eq!(kept, [1, 2, 3], "{seconds:?}");
        assert_eq!(target.failures[0].requests, 5);
    }
}
