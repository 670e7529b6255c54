//! The numbers of the pictures.

use std::time::Duration;

use super::fixture::{FixtureRequest, OK, PLAIN, rendered, report, report_of, summary_of};
use crate::diagnose::{Context, diagnose};
use crate::report::{Format, Report};
use crate::source::Selection;

#[test]
fn requests_that_are_not_drawn_are_counted_beside_the_picture() {
    let mut report = report();
    assert!(!rendered(&report, Format::Text, PLAIN).contains("Not drawn"));
    let timing = &mut report.pictures.timings[0];
    timing.requests += 20;
    timing.web_sockets += 20;
    for format in [Format::Text, Format::Html] {
        assert!(rendered(&report, format, PLAIN).contains("Not drawn: 20 WebSocket connections."), "{format:?}");
    }
}

#[test]
fn pictures_hold_the_numbers_of_the_tables() {
    let report = report();
    let pictures = &report.pictures;
    assert_eq!((pictures.time_bin_seconds, pictures.time_bins), (60, 20));
    let sum = |over_time: &[(usize, u64)]| over_time.iter().map(|(_, failures)| failures).sum::<u64>();
    for finding in &report.findings {
        assert_eq!(sum(&finding.failures_over_time), finding.failures, "{}", finding.cause);
    }
    assert_eq!(sum(&pictures.unexplained), report.unexplained_failures);
    for target in &report.targets {
        assert_eq!(sum(&target.failures_over_time), target.failures, "{}", target.target);
    }
    let whole = &pictures.timings[0];
    assert_eq!(whole.load_balancer.as_deref(), Some("app/shop-prod/50dc6c495c0c9188"), "there is one only");
    assert_eq!((whole.requests, whole.failures), (report.requests, report.failures));
    let scopes: Vec<(bool, bool)> =
        pictures.timings.iter().map(|timing| (timing.target_group.is_some(), timing.target.is_some())).collect();
    assert_eq!(scopes, [(false, false), (true, false), (true, false), (true, true), (true, true), (true, true)]);
    for timing in &pictures.timings {
        let drawn: u64 = timing.density.iter().flat_map(|(.., requests)| requests).sum();
        assert_eq!((drawn, timing.idle_timeout.measured), (timing.requests, timing.requests));
        let failed: u64 = timing.failed.iter().map(|(.., requests)| requests).sum();
        assert_eq!((failed, sum(&timing.failures_over_time)), (timing.failures, timing.failures));
        for &(time, elapsed, ..) in &timing.failed {
            assert!(time < pictures.time_bins && elapsed < pictures.elapsed_bins.len());
        }
    }
    assert_eq!((whole.idle_timeout.met, whole.idle_timeout.near), (4, 0));
    assert_eq!(pictures.marks.iter().map(|mark| mark.seconds).collect::<Vec<_>>(), [60.0, 10.0]);
}

#[test]
fn shorter_idle_timeouts_are_counted_from_the_answers_they_would_have_cut_off() {
    let times = [(20, "0.000 12.000 0.000"), (31, "0.000 31.000 0.000"), (58, "0.000 52.000 6.000")];
    let mut log: String = (0..100).map(|at| FixtureRequest { at, ..OK }.line()).collect();
    for (seconds, times) in times {
        log.push_str(&FixtureRequest { times, elapsed_millis: seconds * 1_000, ..OK }.line());
    }
    let summary = summary_of(&log);
    let against = |idle_timeout: Option<u64>| {
        let diagnosis =
            diagnose(&summary, &Context::default().with_idle_timeout(idle_timeout.map(Duration::from_secs)));
        let report = Report::new(&summary, &diagnosis, &Selection::default());
        let against = report.pictures.timings[0].idle_timeout.clone();
        (against.near, against.what_if.iter().map(|row| (row.seconds, row.cut_off)).collect::<Vec<_>>())
    };
    assert_eq!(against(None), (1, vec![(15, 2), (20, 2), (30, 2), (45, 1)]));
    assert_eq!(against(Some(5)), (0, vec![(1, 3), (2, 3)]));
}

#[test]
fn days_are_drawn_in_no_more_bins_than_minutes() {
    let days: String =
        (0..28_u32).map(|day| OK.line().replace("2026-11-22T", &format!("2026-11-{:02}T", day + 1))).collect();
    let pictures = report_of(&days).pictures;
    assert_eq!((pictures.time_bin_seconds, pictures.time_bins), (30_720, 77));
    assert_eq!(pictures.timings[0].density.len(), 28);
    assert_eq!(pictures.timings[0].density.last().map(|(time, ..)| *time), Some(76));
}
