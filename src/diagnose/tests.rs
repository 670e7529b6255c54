use std::time::Duration;

use proptest::prelude::*;

use super::residual::groups;
use super::*;
use crate::aggregate::LoadBalancerId;
use crate::classify::tests::fixture::EXCHANGE;
use crate::classify::{Actions, AnsweredBy, Elapsed, Exchange, Outcome, Reason, classify};
use crate::location::Location;
use crate::timestamp::Timestamp;

/// One request: the fields that matter to a diagnosis. All others have ordinary values.
#[derive(Clone, Copy, Debug)]
struct SentRequest {
    target_group: Option<&'static str>,
    target: Option<&'static str>,
    statuses: (u16, Option<u16>),
    /// `target_processing_time` in milliseconds; `None` is `-1` in the log.
    target_time: Option<u64>,
    /// Whether it has a `request_processing_time`.
    is_dispatched: bool,
    /// Milliseconds.
    elapsed: u64,
    reason: Reason,
    actions: Actions,
}

const TARGET: &str = "10.0.0.1:80";
const OTHER_TARGET: &str = "10.0.0.2:80";

/// A request that [`TARGET`] answered.
const OK: SentRequest = SentRequest {
    target_group: Some("arn:api"),
    target: Some(TARGET),
    statuses: (200, Some(200)),
    target_time: Some(20),
    is_dispatched: true,
    elapsed: 21,
    reason: Reason::None,
    actions: Actions::FORWARD,
};

/// The target answers 500.
const TARGET_ERROR: SentRequest = SentRequest { statuses: (500, Some(500)), ..OK };

/// 502 before any byte was sent to the target.
const CONNECT_FAILED: SentRequest =
    SentRequest { statuses: (502, None), target_time: None, is_dispatched: false, elapsed: 2, ..OK };

/// 502 after the request was sent.
const CLOSED: SentRequest = SentRequest { statuses: (502, None), target_time: Some(5), elapsed: 6, ..OK };

/// 503: there is no target to send to.
const NO_TARGET: SentRequest =
    SentRequest { target: None, statuses: (503, None), target_time: None, is_dispatched: false, elapsed: 0, ..OK };

/// AWS WAF gave no decision: a failure of a rule, at no target.
const WAF_FAILED: SentRequest = SentRequest {
    target_group: None,
    target: None,
    statuses: (503, None),
    target_time: None,
    is_dispatched: false,
    reason: Reason::Waf,
    actions: Actions::WAF_FAILED,
    ..OK
};

/// 460: the client left while the target worked.
const CLIENT_LEFT: SentRequest = SentRequest { statuses: (460, None), target_time: None, elapsed: 3_000, ..OK };

const fn idle_timeout(elapsed: u64) -> SentRequest {
    SentRequest { statuses: (504, None), target_time: None, elapsed, ..OK }
}

fn observe(summary: &mut Summary, number: u64, request: &SentRequest) {
    let millis = Duration::from_millis;
    let exchange = Exchange {
        time: Timestamp::from_seconds(1_794_988_800 + i64::try_from(number).expect("a small number")),
        target_group: request.target_group.map(str::as_bytes),
        target: request.target.map(str::as_bytes),
        elb_status_code: Some(request.statuses.0),
        target_status_code: request.statuses.1,
        request_processing_time: request.is_dispatched.then_some(Duration::ZERO),
        target_processing_time: request.target_time.map(millis),
        response_processing_time: request.statuses.1.map(|_| Duration::ZERO),
        elapsed: Elapsed::Exact(millis(request.elapsed)),
        reason: request.reason,
        actions: request.actions,
        ..EXCHANGE
    };
    let location = || Location { object: "o".into(), line: number + 1, byte: 0 };
    summary.observe(&exchange, classify(&exchange), b"line", location);
}

fn summary_of(requests: &[(u64, SentRequest)]) -> Summary {
    let mut summary = Summary::default();
    let all = requests.iter().flat_map(|(times, request)| (0..*times).map(move |_| request));
    for (number, request) in (0..).zip(all) {
        observe(&mut summary, number, request);
    }
    summary
}

fn findings(requests: &[(u64, SentRequest)]) -> Vec<Finding> {
    diagnose(&summary_of(requests), &Context::default()).findings
}

#[test]
fn fewer_than_three_failures_are_no_finding() {
    for (name, request) in [
        ("500 by the target", TARGET_ERROR),
        ("502 without a connection", CONNECT_FAILED),
        ("503 without a target", NO_TARGET),
        ("a rule that failed", WAF_FAILED),
        ("504", idle_timeout(60_000)),
    ] {
        assert!(findings(&[(MIN_FAILURES - 1, request)]).is_empty(), "{name}: too few");
        let enough = findings(&[(MIN_FAILURES, request)]);
        assert_eq!(enough.len(), 1, "{name}: enough");
        assert_eq!(enough[0].failures, MIN_FAILURES, "{name}");
    }
}

#[test]
fn failures_that_ended_in_different_ways_are_not_added_up_to_reach_three() {
    assert!(findings(&[(2, TARGET_ERROR), (2, CONNECT_FAILED), (2, CLOSED)]).is_empty());
}

#[test]
fn high_confidence_needs_ten_failures_and_a_log_that_names_the_cause() {
    for (name, times, request, expected) in [
        ("the log names it, nine times", 9, NO_TARGET, Confidence::Medium),
        ("the log names it, ten times", 10, NO_TARGET, Confidence::High),
        ("a rule's failure, nine times", 9, WAF_FAILED, Confidence::Medium),
        ("a rule's failure, ten times", 10, WAF_FAILED, Confidence::High),
        ("one cause is left, however often", 500, TARGET_ERROR, Confidence::Medium),
        ("several causes fit, however often", 500, CLOSED, Confidence::Low),
    ] {
        let findings = findings(&[(times, request)]);
        assert_eq!(findings.len(), 1, "{name}");
        assert_eq!(findings[0].confidence, expected, "{name}");
    }
}

#[test]
fn a_finding_that_several_causes_fit_names_them() {
    let findings = findings(&[(4, CLOSED), (50, OK)]);
    let [finding] = &findings[..] else { panic!("{findings:?}") };
    assert_eq!((finding.cause.id, finding.confidence), ("unexplained", Confidence::Low));
    assert!(finding.also_fits.iter().any(|cause| cause.id == "target-crash"));
}

#[test]
fn a_finding_is_at_the_target_the_group_or_the_load_balancer_that_failed() {
    let summary = summary_of(&[(20, OK), (3, TARGET_ERROR), (4, NO_TARGET), (5, WAF_FAILED)]);
    let found: Vec<_> = diagnose(&summary, &Context::default())
        .findings
        .iter()
        .map(|finding| (finding.outcome, finding.failures, finding.scope))
        .collect();
    let [(Outcome::WafFailed, 5, rule), (Outcome::NoTarget, 4, group), (Outcome::TargetError, 3, target)] = found[..]
    else {
        panic!("{found:?}")
    };
    assert_eq!(rule, Scope::LoadBalancer(LoadBalancerId::for_test(0)));
    let Scope::TargetGroup(index) = group else { panic!("{group:?}") };
    assert_eq!(summary.target_groups.entry(index).1, b"arn:api");
    let Scope::Target(index) = target else { panic!("{target:?}") };
    assert_eq!(summary.targets.entry(index).1, TARGET.as_bytes());
}

#[test]
fn a_rule_that_fails_before_different_target_groups_is_one_finding_at_the_load_balancer() {
    let of = |arn| SentRequest { target_group: Some(arn), ..WAF_FAILED };
    let findings = findings(&[(2, of("arn:api")), (2, of("arn:web")), (2, WAF_FAILED)]);
    let [finding] = &findings[..] else { panic!("{findings:?}") };
    assert_eq!((finding.scope, finding.failures), (Scope::LoadBalancer(LoadBalancerId::for_test(0)), 6));
    assert_eq!(finding.cause.id, "waf-unavailable");
}

#[test]
fn a_target_is_not_blamed_for_its_neighbour_s_failures() {
    let neighbour = SentRequest { target: Some(OTHER_TARGET), ..CONNECT_FAILED };
    let summary = summary_of(&[(200, OK), (30, neighbour)]);
    let findings = diagnose(&summary, &Context::default()).findings;
    let [finding] = &findings[..] else { panic!("{findings:?}") };
    let Scope::Target(index) = finding.scope else { panic!("{findings:?}") };
    assert_eq!(summary.targets.entry(index).1, OTHER_TARGET.as_bytes());
    // It answered no request at all. Fewer causes fit that than a target that comes and goes.
    assert_eq!((finding.cause.id, finding.confidence), ("connection-refused", Confidence::Medium));
}

#[test]
fn clients_that_leave_now_and_then_are_no_finding() {
    for (name, left, stayed, is_finding) in [
        ("few", 9, 0, false),
        ("ten among few", 10, 100, true),
        ("ten among too many", 10, 2_000, false),
        ("just enough of many", 11, 2_000, true),
    ] {
        // The elapsed times all differ, so that no timeout shows in them.
        let mut requests: Vec<(u64, SentRequest)> =
            (1..=left).map(|number| (1, SentRequest { elapsed: 400 + number * number * 97, ..CLIENT_LEFT })).collect();
        requests.push((stayed, OK));
        let findings = findings(&requests);
        assert_eq!(!findings.is_empty(), is_finding, "{name}");
        assert!(findings.iter().all(|finding| finding.cause.id == "client-gave-up"), "{name}");
    }
}

#[test]
fn the_idle_timeout_is_given_or_inferred_or_the_default() {
    use IdleTimeoutOrigin::{Default, Inferred};
    for (name, timeouts, seconds, origin) in [
        ("none", vec![], 60, Default),
        ("too few", vec![30_004, 30_005], 60, Default),
        ("sharp, just behind", vec![30_004, 30_005, 30_110], 30, Inferred),
        ("sharp, a clock's error early", vec![29_700, 29_900, 30_001], 30, Inferred),
        ("a few long ones behind", vec![30_001, 30_002, 30_003, 30_004, 95_000], 30, Inferred),
        ("long and sharp in proportion", vec![900_000, 904_000, 905_000], 900, Inferred),
        ("spread", vec![31_000, 38_000, 47_000, 52_000], 60, Default),
        ("shorter than a second", vec![100, 110, 120], 60, Default),
        ("the longest that AWS allows", vec![4_000_001, 4_000_002, 4_000_003], 4_000, Inferred),
        ("longer than AWS allows", vec![4_002_000, 4_002_001, 4_002_002], 60, Default),
        ("of centuries", vec![99_999_999_999_999; 3], 60, Default),
    ] {
        let requests: Vec<_> = timeouts.iter().map(|&elapsed| (1, idle_timeout(elapsed))).collect();
        let summary = summary_of(&requests);
        let found = diagnose(&summary, &Context::default()).idle_timeout;
        assert_eq!((found.duration, found.origin), (Duration::from_secs(seconds), origin), "{name}");
        assert_eq!(found.rests_on.is_some(), origin == Inferred, "{name}");
        let given = Duration::from_secs(7);
        let expected = IdleTimeout::given(given);
        assert_eq!(
            diagnose(&summary, &Context::default().with_idle_timeout(given)).idle_timeout,
            expected,
            "{name}, given"
        );
    }
}

#[test]
fn connect_timeouts_do_not_show_the_idle_timeout() {
    let connect_timeout = SentRequest { elapsed: 10_002, statuses: (504, None), ..CONNECT_FAILED };
    let diagnosis = diagnose(&summary_of(&[(20, connect_timeout)]), &Context::default());
    assert_eq!(diagnosis.findings[0].outcome, Outcome::ConnectTimeout);
    assert_eq!(diagnosis.idle_timeout.origin, IdleTimeoutOrigin::Default);
}

#[test]
fn the_text_of_evidence_has_the_same_numbers_as_its_list() {
    let findings = findings(&[(4, CLOSED), (12, OK)]);
    let first = &findings[0].evidence[0];
    assert_eq!(first.text, "4 of 16 requests (25.00 %) failed this way: target closed before answering");
    assert_eq!(first.numbers, [("failures", 4.0), ("requests", 16.0), ("share", 0.25)]);
    let took = &findings[0].evidence[1];
    assert_eq!(took.text, "they took 0.006 s");
    let names: Vec<_> = took.numbers.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["elapsed_min", "elapsed_median", "elapsed_max"]);
}

#[test]
fn evidence_of_a_range_has_its_ends_and_its_middle() {
    let slow = |elapsed| SentRequest { elapsed, ..CONNECT_FAILED };
    let findings = findings(&[(2, slow(1)), (1, slow(9))]);
    assert_eq!(findings[0].evidence[1].text, "they took 0.001 to 0.009 s (median 0.001 s)");
}

/// Requests of the same target group that reached a target do not count among those that found none.
#[test]
fn evidence_at_a_target_group_counts_only_requests_that_reached_no_target() {
    let findings = findings(&[(4, NO_TARGET), (100, OK)]);
    let text = &findings[0].evidence[0].text;
    assert_eq!(text, "4 of 4 requests that reached no target (100.00 %) failed this way: no target to send to");
}

fn requests() -> impl Strategy<Value = Vec<(u64, SentRequest)>> {
    let request = prop_oneof![
        Just(OK),
        Just(TARGET_ERROR),
        Just(CONNECT_FAILED),
        Just(CLOSED),
        Just(NO_TARGET),
        Just(WAF_FAILED),
        Just(CLIENT_LEFT),
        Just(idle_timeout(60_000)),
    ];
    let target = prop_oneof![Just(TARGET), Just(OTHER_TARGET)];
    let moved = (request, target)
        .prop_map(|(request, target)| SentRequest { target: request.target.map(|_| target), ..request });
    proptest::collection::vec((0..15_u64, moved), 0..30)
}

/// Cause, scope and id of each finding.
fn ids(summary: &Summary) -> Vec<(&'static str, String, String)> {
    let findings = diagnose(summary, &Context::default()).findings;
    let of =
        |finding: &Finding| (finding.cause.id, format!("{:?}", finding.scope.names(summary)), finding.id.to_string());
    let mut ids: Vec<_> = findings.iter().map(of).collect();
    ids.sort_unstable();
    ids
}

#[test]
fn the_id_of_a_finding_is_the_documented_hash() {
    // printf '%s\n' connection-refused app/shop/1 arn:api 10.0.0.1:80 | sha256sum | cut -c 1-16
    assert_eq!(findings(&[(10, CONNECT_FAILED)])[0].id.to_string(), "62e50a959799c862");
}

#[test]
fn the_id_of_a_finding_stays_whatever_else_is_in_the_log() {
    let elsewhere = SentRequest { target: Some(OTHER_TARGET), target_group: Some("arn:web"), ..TARGET_ERROR };
    let few = summary_of(&[(5, WAF_FAILED), (20, TARGET_ERROR), (4, NO_TARGET)]);
    // Other tables, other counts, another time, and other findings that come first.
    let many = summary_of(&[(90, elsewhere), (40, OK), (7, NO_TARGET), (25, TARGET_ERROR), (50, WAF_FAILED)]);
    let (few, many) = (ids(&few), ids(&many));
    assert_eq!((few.len(), many.len()), (3, 4));
    assert!(few.iter().all(|id| many.contains(id)), "{few:?} {many:?}");
}

#[test]
fn findings_with_another_cause_or_scope_have_another_id() {
    let at = |target_group, target, request| SentRequest { target_group: Some(target_group), target, ..request };
    let requests = [
        (20, at("arn:api", Some(TARGET), TARGET_ERROR)),
        (20, at("arn:api", Some(OTHER_TARGET), TARGET_ERROR)),
        (20, at("arn:web", Some(TARGET), TARGET_ERROR)),
        (20, at("arn:web", Some(TARGET), SentRequest { elapsed: 60_000, ..idle_timeout(60_000) })),
        (20, at("arn:web", None, NO_TARGET)),
        (20, WAF_FAILED),
    ];
    let ids = ids(&summary_of(&requests));
    let different: BTreeSet<_> = ids.iter().map(|(.., id)| id).collect();
    assert_eq!((different.len(), ids.len()), (6, 6), "{ids:?}");
}

#[test]
fn two_outcomes_with_one_cause_have_two_ids_and_the_first_is_that_of_the_cause_and_scope() {
    let left_early = SentRequest { is_dispatched: false, ..CLIENT_LEFT };
    let alone = ids(&summary_of(&[(20, left_early)]));
    for more in [20, 40] {
        let both = ids(&summary_of(&[(more, CLIENT_LEFT), (30, left_early)]));
        let [one, other] = &both[..] else { panic!("two findings: {both:?}") };
        assert_eq!((one.0, &one.1), (other.0, &other.1), "cause and scope");
        assert_ne!(one.2, other.2);
        assert!(both.contains(&alone[0]), "{both:?} {alone:?}");
    }
}

proptest! {
    /// A failure is in at most one finding. Those in none are too few for a finding, or are clients that left.
    #[test]
    fn findings_and_unexplained_failures_add_up_to_all_failures(requests in requests()) {
        let summary = summary_of(&requests);
        let diagnosis = diagnose(&summary, &Context::default());
        for (scope, group) in groups(&summary) {
            for failures in &group.failures {
                let found: u64 = diagnosis
                    .findings
                    .iter()
                    .map(|finding| match scope {
                        Scope::Target(target) => {
                            let of = |of: &&(TargetId, Outcome, u64)| (of.0, of.1) == (target, failures.outcome);
                            finding.failures_by_target.iter().filter(of).map(|(_, _, failures)| failures).sum::<u64>()
                        }
                        _ if finding.scope == scope && finding.outcome == failures.outcome => finding.failures,
                        _ => 0,
                    })
                    .sum();
                let left = failures.requests.checked_sub(found);
                let is_of_clients = failures.outcome.answered_by() == AnsweredBy::Nobody;
                prop_assert!(left.is_some_and(|left| left < MIN_FAILURES || is_of_clients), "{failures:?}: {found} found");
            }
        }
        let ids: BTreeSet<FindingId> = diagnosis.findings.iter().map(|finding| finding.id).collect();
        prop_assert_eq!(ids.len(), diagnosis.findings.len());
        let explained: u64 = diagnosis.findings.iter().map(|finding| finding.failures).sum();
        prop_assert_eq!(explained + diagnosis.unexplained, summary.outcomes().failures());
        for finding in &diagnosis.findings {
            prop_assert_eq!(finding.failures, finding.outcomes.iter().map(|(_, requests)| requests).sum::<u64>());
        }
    }

    #[test]
    fn findings_are_sorted_by_their_failures(requests in requests()) {
        let findings = diagnose(&summary_of(&requests), &Context::default()).findings;
        prop_assert!(findings.is_sorted_by(|one, next| one.failures >= next.failures));
    }

    #[test]
    fn a_finding_is_never_surer_than_its_failures_allow(requests in requests()) {
        for finding in diagnose(&summary_of(&requests), &Context::default()).findings {
            prop_assert!(finding.failures >= MIN_FAILURES);
            prop_assert!(finding.confidence < Confidence::High || finding.failures >= MIN_FAILURES_FOR_HIGH);
            prop_assert_eq!(finding.evidence[0].numbers[0], ("failures", finding.failures as f64));
        }
    }
}
