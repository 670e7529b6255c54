//! What each mechanism leaves in the lines.

use std::collections::{BTreeMap, BTreeSet};

use super::{WrittenLine, failures, remember, rows, scenario, truth};

/// A run's failures of one cause.
fn failures_of(name: &str, cause: &str) -> Vec<WrittenLine> {
    let rows: Vec<_> = failures(name).into_iter().filter(|(_, of)| of == cause).map(|(row, _)| row).collect();
    assert!(rows.len() >= 10, "{name}: {}", rows.len());
    rows
}

fn elapsed(row: &WrittenLine) -> f64 {
    (row.moment(2) - row.moment(22)) as f64 / 1e6
}

#[test]
fn a_target_that_was_taken_away_answers_nothing_afterwards_and_nothing_takes_its_place() {
    for name in ["removed-abruptly", "hosts-lost"] {
        let (memory, _) = remember(&scenario(name));
        let rows = rows(&memory);
        let truth = truth(&memory);
        let first = |row: &&WrittenLine| truth.get(row.is(18)).is_some_and(|value| value["cause"] == "targets-removed");
        let mut gone: BTreeMap<&str, i64> = BTreeMap::new();
        for row in rows.iter().filter(first) {
            let moment = gone.entry(row.is(5)).or_insert(i64::MAX);
            *moment = row.moment(2).min(*moment);
        }
        assert!(!gone.is_empty(), "{name}");
        let begin = rows.iter().map(|row| row.moment(22)).min().expect("some");
        for row in rows.iter().filter(|row| row.is(10) != "-") {
            if let Some(moment) = gone.get(row.is(5)) {
                assert!(row.moment(2) < moment + 100_000, "{name}: {}", row.0.join(" "));
            }
        }
        let firsts = rows.iter().filter(|row| row.is(5) != "-").fold(BTreeMap::new(), |mut firsts, row| {
            let first = firsts.entry(row.is(5)).or_insert(i64::MAX);
            *first = row.moment(22).min(*first);
            firsts
        });
        assert!(firsts.values().all(|first| first - begin < 60_000_000), "{name}: a target begins later");
    }
}

#[test]
fn a_restart_refuses_connections_for_seconds_and_cuts_hardly_anything_off() {
    let rows = failures_of("rolling-restart", "restart-in-place");
    let cut = rows.iter().filter(|row| row.seconds(6).is_some()).count();
    assert!(cut * 10 < rows.len(), "{cut} of {}", rows.len());
    let targets: BTreeSet<_> = rows.iter().map(|row| row.is(5)).collect();
    assert!(targets.len() > 1);
}

#[test]
fn only_quiet_connections_are_forgotten() {
    let (memory, _) = remember(&scenario("quiet-connections-dropped"));
    let dropped = failures_of("quiet-connections-dropped", "idle-connection-dropped");
    let slowest =
        rows(&memory).iter().filter(|row| row.is(10) != "-").filter_map(|row| row.seconds(7)).fold(0.0, f64::max);
    assert!(slowest < 20.0, "{slowest} s: all others are quick");
    assert!(dropped.iter().all(|row| (row.is(9), row.is(7)) == ("504", "-1")));
    let first = elapsed(&dropped[0]);
    assert!(dropped.iter().all(|row| (elapsed(row) - first).abs() < 0.02), "the idle timeout");
}

#[test]
fn recycled_workers_and_reloads_refuse_no_connection() {
    for name in ["recycled-workers", "reload", "connection-age"] {
        for row in failures_of(name, "server-recycling") {
            assert_eq!((row.is(9), row.is(10)), ("502", "-"), "{name}");
            assert!(row.seconds(6).is_some(), "{name}: {}", row.0.join(" "));
        }
    }
}

#[test]
fn what_is_never_answered_meets_the_idle_timeout_or_the_end_of_its_worker() {
    for name in ["lost-in-worker", "locked-worker"] {
        let rows = failures_of(name, "never-answered");
        let timeouts = rows.iter().filter(|row| row.is(9) == "504").count();
        assert!(timeouts * 2 > rows.len(), "{name}: {timeouts} of {}", rows.len());
        let routes: BTreeSet<_> = rows.iter().map(|row| row.is(13).split(['?', ' ']).nth(1)).collect();
        assert!(routes.len() > 3, "{name}: {routes:?}");
    }
}

#[test]
fn a_target_without_a_connection_resets_at_once_and_answers_500_at_once() {
    let rows = failures_of("connections-exhausted", "connections-exhausted");
    let targets: BTreeSet<_> = rows.iter().map(|row| row.is(5)).collect();
    assert_eq!(targets.len(), 1);
    for status in ["502", "500"] {
        let of: Vec<_> = rows.iter().filter(|row| row.is(9) == status).collect();
        assert!(of.len() * 5 > rows.len(), "{status}: {} of {}", of.len(), rows.len());
        let quick = of.iter().filter(|row| elapsed(row) < 0.05).count();
        assert!(quick * 20 > of.len() * 19, "{status}: {quick} of {}", of.len());
    }
}

#[test]
fn about_half_of_the_refused_uploads_lose_their_answer() {
    let (memory, _) = remember(&scenario("uploads-refused"));
    let rows = rows(&memory);
    let lost = rows.iter().filter(|row| row.is(9) == "502").count();
    let is_upload = |row: &&WrittenLine| !row.is(13).starts_with("GET");
    let told = rows.iter().filter(is_upload).filter(|row| ["401", "413"].contains(&row.is(10))).count();
    assert!(lost > 20 && (0.35..0.65).contains(&(lost as f64 / (lost + told) as f64)), "{lost} lost, {told} told");
    assert!(rows.iter().filter(|row| row.is(9) == "502").all(|row| !row.is(13).starts_with("GET")));
}

#[test]
fn silent_websockets_end_at_the_idle_timeout_and_others_before_it_or_with_their_client() {
    let share_at_most_common = |name: &str| {
        let (memory, _) = remember(&scenario(name));
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for row in rows(&memory).iter().filter(|row| row.is(1) == "wss") {
            assert_eq!((row.is(9), row.is(10)), ("101", "101"));
            *counts.entry(format!("{:.1}", elapsed(row))).or_default() += 1;
        }
        let all: usize = counts.values().sum();
        assert!(all > 50, "{name}: {all}");
        counts.into_values().max().unwrap_or_default() as f64 / all as f64
    };
    assert!(share_at_most_common("websockets-silent") > 0.2);
    assert!(share_at_most_common("websockets") < 0.1);
}

#[test]
fn requests_of_an_odd_form_are_refused_as_the_mode_says() {
    let (memory, _) = remember(&scenario("odd-requests"));
    let rows = rows(&memory);
    let odd: Vec<_> = rows.iter().filter(|row| ["Ambiguous", "Severe"].contains(&row.is(28))).collect();
    let refused = odd.iter().filter(|row| row.is(9) == "400").count();
    assert!(refused > 10, "{refused}");
    for row in &odd {
        assert_ne!(row.is(29), "-");
        assert_eq!(row.is(9) == "400" && row.is(10) == "-", row.is(5) == "-", "{}", row.0.join(" "));
        assert!(row.is(28) != "Severe" || row.is(5) == "-", "severe ones never pass");
    }
    assert!(rows.iter().all(|row| (row.is(28) == "-") == (row.is(29) == "-")));
}

/// A SYN that finds the queue full is sent again after 1, 3 and 7 seconds.
#[test]
fn a_connection_that_is_made_after_all_does_not_time_out() {
    let (memory, _) = remember(&scenario("saturation-backlog"));
    let rows = rows(&memory);
    let is_sent = |row: &&WrittenLine| row.seconds(6).is_some_and(|seconds| seconds >= 1.0);
    assert!(rows.iter().filter(is_sent).count() > 10, "no connection was made late");
    for row in rows.iter().filter(is_sent).filter(|row| row.is(9) == "504") {
        assert!(elapsed(row) > 55.0, "{}", row.0.join(" "));
    }
}
