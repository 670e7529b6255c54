//! Rows that gather findings, failures and callers.

use super::fixture::{BAD_TARGET, FixtureRequest, OK, SLOW_TARGET, report, report_of};
use crate::diagnose::Confidence;
use crate::report::{CallerRow, CauseOverTime, CauseRow, FindingRow, Window};
use crate::timestamp::Timestamp;

#[test]
fn a_cause_gathers_its_findings_and_counts_a_target_once() {
    let mut report = report();
    assert!(report.causes().iter().all(|row| row.findings.len() == 1));
    let first = report.findings[0].clone();
    let at = |text: &str| Timestamp::parse(text.as_bytes());
    let alike = |target: &str, confidence, failures| {
        let mut row = FindingRow { confidence, failures, ..first.clone() };
        row.scope.target = Some(target.to_owned());
        row
    };
    let mut earlier = alike("10.0.9.9:80", Confidence::Low, 5);
    earlier.first_seen = at("2026-11-22T07:30:00Z");
    report.findings = vec![
        FindingRow { cause: "connect-timeout", failures: 50, ..first.clone() },
        alike("10.0.9.8:80", Confidence::Low, 40),
        earlier,
        alike("10.0.9.8:80", Confidence::High, 9),
    ];
    let causes = report.causes();
    let cause = first.cause;
    assert_eq!(
        causes.iter().map(CauseRow::line).collect::<Vec<_>>(),
        [
            format!("{cause} (high) at 2 targets, 54 failures, 3 findings"),
            format!("connect-timeout ({}) at target {BAD_TARGET}, 50 failures, finding 1", first.confidence.id()),
        ]
    );
    assert_eq!(causes[0].findings, [1, 2, 3]);
    assert_eq!(causes[0].seen, Window { start: at("2026-11-22T07:30:00Z"), end: first.last_seen });
    report.findings[1].scope.target = None;
    assert!(report.causes()[0].line().contains(" at 3 scopes, "));
}

#[test]
fn failures_by_cause_add_up_to_all_failures() {
    let report = report();
    let causes = report.failures_by_cause();
    assert_eq!(causes.iter().map(|row| row.failures).sum::<u64>(), report.failures);
    let ids: Vec<_> = causes.iter().map(|row| (row.cause, row.failures)).collect();
    let expected = [
        (Some("connection-refused"), 30),
        (Some("no-registered-targets"), 12),
        (Some("idle-timeout-exceeded"), 4),
        (Some("identity-provider-error"), 3),
        (None, 3),
    ];
    assert_eq!(ids, expected);
    for CauseOverTime { failures, failures_over_time, .. } in causes {
        assert_eq!(failures_over_time.iter().map(|(_, failures)| failures).sum::<u64>(), failures);
        assert!(failures_over_time.is_sorted_by_key(|(bin, _)| *bin));
    }
}

#[test]
fn clients_are_named_by_their_failures_at_all_targets() {
    let mut log = String::new();
    for at in 0..30 {
        let failed = FixtureRequest { at, times: "0.001 -1 -1", statuses: "502 -", ..OK };
        let client = if at % 3 == 0 { "198.51.100.7" } else { "192.0.2.10" };
        for target in [BAD_TARGET, SLOW_TARGET] {
            log.push_str(&FixtureRequest { target, ..failed }.line().replace("192.0.2.10", client));
        }
        // A client without failures is not listed.
        log.push_str(
            &FixtureRequest { at, ..OK }.line().replace("192.0.2.10", "203.0.113.1").replace("curl/8.5.0", "ok"),
        );
    }
    let report = report_of(&log);
    let rows = |rows: &[CallerRow]| -> Vec<_> { rows.iter().map(|row| (row.name.clone(), row.failures)).collect() };
    assert_eq!(rows(&report.clients), [("192.0.2.10".to_owned(), 40), ("198.51.100.7".to_owned(), 20)]);
    assert_eq!(rows(&report.user_agents), [("curl/8.5.0".to_owned(), 60)]);
}
