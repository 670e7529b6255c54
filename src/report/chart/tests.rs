//! Charts of small reports.

use super::axis::{ElapsedAxis, TimeAxis};
use super::line::{findings_named, lines};
use super::sentences::{against_idle_timeout, not_drawn};
use super::timing::MIN_ELAPSED_BINS;
use super::{TimeoutLine, TimingChart};
use crate::diagnose::IdleTimeoutOrigin;
use crate::report::ScopeRow;
use crate::report::pictures::{AgainstIdleTimeout, Mark, MarkKind, Pictures, TimingPicture};
use crate::timestamp::Timestamp;

/// A chart of two minutes with `seconds` elapsed-time bins of one second, and a request in each cell of the first
/// minute.
pub(in crate::report) fn chart_of_seconds(seconds: u32, lines: Vec<TimeoutLine>) -> TimingChart {
    let bins = seconds as usize;
    let density = (0..2 * bins).map(|cell| u64::from(cell < bins)).collect();
    TimingChart {
        subject: "shop".to_owned(),
        requests: seconds.into(),
        failures: 0,
        not_drawn: 0,
        time: TimeAxis { start: Timestamp::from_seconds(0), bin_seconds: 60, bins: 2 },
        elapsed: ElapsedAxis::new((0..=seconds).map(f64::from).collect()),
        density,
        failed: Vec::new(),
        failures_over_time: vec![0; 2],
        lines,
    }
}

fn scope(target_group: Option<&str>, target: Option<&str>) -> ScopeRow {
    ScopeRow {
        load_balancer: "app/shop/1".to_owned(),
        target_group: target_group.map(str::to_owned),
        target: target.map(str::to_owned),
    }
}

fn timing(scope: ScopeRow) -> TimingPicture {
    TimingPicture {
        load_balancer: Some(scope.load_balancer),
        target_group: scope.target_group,
        target: scope.target,
        requests: 1,
        failures: 0,
        web_sockets: 0,
        density: vec![(0, 3, vec![1])],
        failed: Vec::new(),
        failures_over_time: Vec::new(),
        idle_timeout: AgainstIdleTimeout::default(),
    }
}

#[test]
fn a_chart_has_the_lines_that_concern_it_and_merges_those_that_are_alike() {
    let own = |kind, seconds, origin| Mark { kind, seconds, origin, scope: None, finding: None };
    let found = |kind, seconds, finding, target: &str| Mark {
        scope: Some(scope(Some("api"), Some(target))),
        finding: Some(finding),
        ..own(kind, seconds, None)
    };
    let marks = [
        own(MarkKind::IdleTimeout, 60.0, Some(IdleTimeoutOrigin::Given)),
        own(MarkKind::ConnectTimeout, 10.0, None),
        found(MarkKind::Timeout, 30.0, 0, "10.0.0.1:80"),
        found(MarkKind::Timeout, 30.1, 1, "10.0.0.2:80"),
        found(MarkKind::KeepAlive, 4.998, 2, "10.0.0.1:80"),
    ];
    let of = |scope| -> Vec<(String, String)> {
        lines(&marks, &timing(scope)).into_iter().map(|line| (line.label, line.source)).collect()
    };
    let line = |label: &str, source: &str| (label.to_owned(), source.to_owned());
    let own = [line("connect timeout 10 s", ""), line("idle timeout 60 s", "given")];
    assert_eq!(
        of(scope(None, None)),
        [
            line("keep-alive 4.998 s", "finding 3"),
            own[0].clone(),
            line("timeout 30 s", "findings 1 and 2"),
            own[1].clone()
        ]
    );
    assert_eq!(
        of(scope(Some("api"), Some("10.0.0.2:80"))),
        [own[0].clone(), line("timeout 30.1 s", "finding 2"), own[1].clone()]
    );
    assert_eq!(of(scope(Some("web"), None)), own);
    let many = (0..20).map(|number| found(MarkKind::Timeout, f64::from(1_u32 << number), 5, "10.0.0.3:80"));
    let many: Vec<Mark> = many.chain(marks.clone()).collect();
    let drawn: Vec<f64> = lines(&many, &timing(scope(None, None))).iter().map(|line| line.seconds).collect();
    assert_eq!(drawn, [1.0, 2.0, 4.0, 8.0, 10.0, 16.0, 30.0, 60.0]);
    assert_eq!(findings_named(&[0, 1, 4]), "3 findings");
}

/// Pictures with lines and with elapsed-time bins from a millisecond on, `to_a_doubling` of them to a power of
/// two.
fn pictures(lines: &[(MarkKind, f64)], bins: i32, to_a_doubling: i32) -> Pictures {
    let edge = |bin: i32| 0.001 * 2_f64.powf(f64::from(bin) / f64::from(to_a_doubling));
    let mark = |&(kind, seconds): &(MarkKind, f64)| Mark { kind, seconds, origin: None, scope: None, finding: None };
    Pictures {
        start: Some(Timestamp::from_seconds(0)),
        time_bin_seconds: 60,
        time_bins: 2,
        elapsed_bins: (0..bins).map(edge).collect(),
        marks: lines.iter().map(mark).collect(),
        timings: Vec::new(),
        unexplained: Vec::new(),
    }
}

#[test]
fn a_chart_reaches_from_its_shortest_request_to_its_longest_line() {
    let pictures = pictures(&[(MarkKind::IdleTimeout, 60.0)], 80, 4);
    let of = |first| {
        let timing = TimingPicture { density: vec![(0, first, vec![1])], ..timing(scope(None, None)) };
        TimingChart::new(&pictures, &timing).expect("a chart")
    };
    let chart = of(12);
    let ends = (chart.elapsed.edges()[0], chart.elapsed.edges()[chart.elapsed.bins()]);
    assert!((ends.0 - 0.008).abs() < 1e-9 && (ends.1 - 65.536).abs() < 1e-9, "{ends:?}");
    assert_eq!((chart.requests_in(0, 0), chart.requests_in(1, 0)), (1, 0));
    assert_eq!(chart.subject, "shop");
    let nothing = TimingPicture { density: Vec::new(), ..timing(scope(None, None)) };
    assert!(TimingChart::new(&pictures, &nothing).is_none());
}

#[test]
fn a_chart_of_only_slow_requests_has_all_lines_inside_and_a_labelled_axis() {
    let lines = [(MarkKind::IdleTimeout, 60.0), (MarkKind::ConnectTimeout, 10.0)];
    let pictures = pictures(&lines, 92, 4);
    // The bin of one minute, the last bin, and the first.
    for first in [63, 91, 0] {
        let timing = TimingPicture { density: vec![(1, first, vec![1])], ..timing(scope(None, None)) };
        let chart = TimingChart::new(&pictures, &timing).expect("a chart");
        let bins = chart.elapsed.bins();
        assert!(bins >= MIN_ELAPSED_BINS, "{bins} bins");
        assert!(chart.elapsed.ticks().len() >= 2, "{:?}", chart.elapsed.ticks());
        for line in &chart.lines {
            let at = chart.elapsed.position(line.seconds);
            assert!((2.0..bins as f64).contains(&at), "{} at {at} of {bins}", line.label);
        }
        assert_eq!((0..bins).map(|elapsed| chart.requests_in(1, elapsed)).sum::<u64>(), 1);
    }
    let small = Pictures { elapsed_bins: vec![0.001, 1.0, 20.0], ..pictures };
    let timing = timing(scope(None, None));
    let timing = TimingPicture { density: vec![(0, 2, vec![1])], ..timing };
    let chart = TimingChart::new(&small, &timing).expect("a chart");
    assert_eq!(chart.elapsed.bins(), 3);
}

#[test]
fn requests_that_are_not_drawn_are_counted_in_words() {
    let of = |requests, measured, web_sockets| {
        let idle_timeout = AgainstIdleTimeout { measured, ..AgainstIdleTimeout::default() };
        not_drawn(&TimingPicture { requests, web_sockets, idle_timeout, ..timing(scope(None, None)) })
    };
    assert_eq!(of(9, 9, 0), None);
    assert_eq!(of(30, 9, 21).as_deref(), Some("Not drawn: 21 WebSocket connections."));
    assert_eq!(of(10, 9, 0).as_deref(), Some("Not drawn: 1 request of unknown elapsed time."));
    let both = "Not drawn: 1 WebSocket connection, 20 requests of unknown elapsed time.";
    assert_eq!(of(30, 9, 1).as_deref(), Some(both));
}

#[test]
fn requests_near_the_idle_timeout_are_counted_in_words() {
    let what_if = [15, 45].map(|seconds| crate::report::pictures::WhatIf { seconds, cut_off: 60 / seconds }).to_vec();
    let against = AgainstIdleTimeout { measured: 2_000, near: 2, met: 1, what_if };
    assert_eq!(
        against_idle_timeout(&against, 60.0),
        "1 request reached the idle timeout of 60 s; 2 more (0.10 %) took 80 to 100 % of it. \
         Answers that a shorter idle timeout would have cut off: 1 at 45 s, 4 at 15 s (times are accurate to 0.8 %)."
    );
    let alone = against_idle_timeout(&AgainstIdleTimeout { near: 0, ..against.clone() }, 60.0);
    let start = "1 request reached the idle timeout of 60 s; no other took 80 to 100 % of it. ";
    assert!(alone.starts_with(start), "{alone}");
    let mut quick = AgainstIdleTimeout { near: 0, met: 0, ..against };
    quick.what_if.iter_mut().for_each(|row| row.cut_off = 0);
    let none = "No request reached the idle timeout of 60 s or took 80 to 100 % of it.";
    let said = format!("{none} An idle timeout of 15 s would have cut off no answer.");
    assert_eq!(against_idle_timeout(&quick, 60.0), said);
    quick.what_if.clear();
    assert_eq!(against_idle_timeout(&quick, 60.0), none);
    assert_eq!(against_idle_timeout(&AgainstIdleTimeout::default(), 60.0), "No elapsed time is known.");
}
