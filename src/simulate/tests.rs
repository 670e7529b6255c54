mod mechanisms;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::ops::ControlFlow;

use flate2::read::MultiGzDecoder;
use rayon::prelude::*;
use serde_json::Value;

use super::plan::{ClientKind, IncidentPlan, PlannedGroup, PlannedRoute, PlannedTarget, TargetAction};
use super::time::{MILLISECOND, Moment};
use super::*;
use crate::error::ErrorKind;

/// One line, split at the spaces outside of quotes. Fields are numbered from 1.
struct WrittenLine(Vec<String>);

impl WrittenLine {
    fn is(&self, field: usize) -> &str {
        &self.0[field - 1]
    }

    fn moment(&self, field: usize) -> i64 {
        Timestamp::parse(self.is(field).as_bytes()).expect("a time").as_micros()
    }

    fn seconds(&self, field: usize) -> Option<f64> {
        Some(self.is(field).parse().expect("a number")).filter(|&seconds| seconds >= 0.0)
    }

    fn pair(&self) -> (String, String) {
        (self.is(34).to_owned(), self.is(5).to_owned())
    }

    fn failed(&self) -> bool {
        self.is(9) == "460" || (self.is(9).starts_with('5') && self.is(23) != "fixed-response")
    }

    /// When the node sent the request to the target.
    fn dispatched(&self) -> f64 {
        self.moment(22) as f64 / 1e6 + self.seconds(6).unwrap_or(0.0)
    }
}

fn split(line: &str) -> WrittenLine {
    let (mut fields, mut start, mut is_quoted) = (Vec::with_capacity(36), 0, false);
    for (at, byte) in line.bytes().chain([b' ']).enumerate() {
        match byte {
            b'"' => is_quoted = !is_quoted,
            b' ' if !is_quoted => {
                fields.push(line[start..at].trim_matches('"').to_owned());
                start = at + 1;
            }
            _ => {}
        }
    }
    WrittenLine(fields)
}

/// Whether its status is one of failed requests. The fields before it have neither quotes nor spaces, so a plain split
/// is enough, and quick.
fn may_have_failed(line: &str) -> bool {
    let status = line.split(' ').nth(8).expect("a status");
    status == "460" || status.starts_with('5')
}

fn scenario(name: &str) -> Simulation {
    Simulation::new(Scenario::find(name).expect("a scenario's name")).compression(1)
}

fn remember(simulation: &Simulation) -> (Memory, SimulationTotals) {
    let mut memory = Memory::default();
    let written = simulation.run(&mut memory, &mut |_| ControlFlow::Continue(())).expect("memory takes everything");
    (memory, written)
}

fn decoded(gz: &[u8]) -> String {
    let mut text = String::new();
    MultiGzDecoder::new(gz).read_to_string(&mut text).expect("whole members of UTF-8");
    text
}

fn rows(memory: &Memory) -> Vec<WrittenLine> {
    memory.objects.iter().flat_map(|(_, gz)| decoded(gz).lines().map(split).collect::<Vec<_>>()).collect()
}

fn truth(memory: &Memory) -> BTreeMap<String, Value> {
    let lines = memory.truth.iter().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    lines.map(|value| (value["trace_id"].as_str().expect("an id").to_owned(), value)).collect()
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_does_not() {
    let simulation = scenario("incident").duration(600);
    let (first, _) = remember(&simulation);
    assert_eq!(first, remember(&simulation).0);
    assert_ne!(first, remember(&simulation.seed(2)).0);
}

#[test]
fn every_line_has_36_fields_and_times_that_add_up() {
    let (memory, written) = remember(&scenario("incident"));
    let rows = rows(&memory);
    assert_eq!(rows.len() as u64, written.lines);
    let mut traces = BTreeSet::new();
    for row in &rows {
        assert_eq!(row.0.len(), 36, "{}", row.0.join(" "));
        assert_eq!(row.moment(22) % 1000, 0, "the creation time has whole milliseconds");
        let elapsed = row.moment(2) - row.moment(22);
        assert!(elapsed >= 0, "{}", row.0.join(" "));
        if let [Some(request), Some(target), Some(response)] = [6, 7, 8].map(|field| row.seconds(field)) {
            let excess = elapsed as f64 / 1e3 - (request + target + response) * 1e3;
            assert!((-0.001..2.1).contains(&excess), "{excess} ms: {}", row.0.join(" "));
        }
        assert!(row.is(18) == "-" || traces.insert(row.is(18).to_owned()), "a trace id came twice");
    }
}

#[test]
fn nothing_fails_where_nothing_is_wrong() {
    let (memory, written) = remember(&scenario("healthy"));
    assert_eq!((written.failures, memory.truth.len()), (0, 0));
    let rows = rows(&memory);
    assert!(rows.iter().all(|row| !row.failed()));
    assert!(rows.iter().any(|row| row.is(9) == "404"), "client errors are part of health");
}

#[test]
fn each_scenario_fails_of_its_causes_and_the_truth_has_exactly_the_failed_requests() {
    SCENARIOS.par_iter().for_each(|scenario| {
        // Not compressed, because there are gigabytes of it.
        let (memory, written) = remember(&Simulation::new(scenario).compression(0));
        let truth = truth(&memory);
        let mut failed = BTreeSet::new();
        let lines = memory.objects.iter().flat_map(|(_, gz)| {
            let text = decoded(gz);
            text.lines().map(str::to_owned).collect::<Vec<_>>()
        });
        for (index, line) in lines.enumerate() {
            if index % 100 != 0 && !may_have_failed(&line) {
                continue;
            }
            let row = split(&line);
            assert_eq!(row.0.len(), 36, "{}: {line}", scenario.name);
            assert!(row.moment(2) >= row.moment(22), "{}: {line}", scenario.name);
            if row.failed() {
                failed.insert(row.is(18).to_owned());
            }
        }
        assert_eq!(failed, truth.keys().cloned().collect(), "{}", scenario.name);
        assert_eq!(written.failures, truth.len() as u64, "{}", scenario.name);
        let mut counts = BTreeMap::new();
        for value in truth.values() {
            *counts.entry(value["cause"].as_str().expect("an id")).or_insert(0) += 1;
        }
        for cause in counts.keys() {
            // In every scenario, some people may leave.
            let is_usual = *cause == "client-gave-up";
            assert!(is_usual || scenario.causes.contains(cause), "{}: {cause}", scenario.name);
        }
        if let Some(main) = scenario.causes.first() {
            assert!(counts.get(main).is_some_and(|&count| count >= 3), "{}: {counts:?}", scenario.name);
        }
    });
}

#[test]
fn the_incident_has_four_causes_each_in_its_own_time_and_on_its_own_targets() {
    let (memory, _) = remember(&scenario("incident"));
    let mut found: BTreeMap<String, (BTreeSet<String>, f64, f64, usize)> = BTreeMap::new();
    for value in truth(&memory).values() {
        let cause = value["cause"].as_str().expect("an id").to_owned();
        let time = Timestamp::parse(value["time"].as_str().expect("a time").as_bytes()).expect("a time");
        let minute = time.micros_since(DEFAULT_START) as f64 / 6e7;
        let (targets, first, last, count) = found.entry(cause).or_insert((BTreeSet::new(), minute, minute, 0));
        targets.insert(value["target"].as_str().expect("a target").to_owned());
        (*first, *last, *count) = (first.min(minute), last.max(minute), *count + 1);
    }
    for (cause, targets, from, to, least) in [
        ("keep-alive-race", 1, 0.0, 120.0, 20),
        ("connect-timeout", 1, 40.0, 56.1, 100),
        ("target-crash", 1, 69.9, 70.2, 5),
        ("idle-timeout-exceeded", 2, 85.0, 112.0, 20),
    ] {
        let (seen, first, last, count) = &found[cause];
        assert_eq!(seen.len(), targets, "{cause}: {seen:?}");
        assert!(*first >= from && *last <= to && *count >= least, "{cause}: {first} to {last}, {count}");
    }
}

#[test]
fn a_race_comes_one_keep_alive_time_after_an_earlier_answer_and_successes_do_not() {
    let (memory, _) = remember(&scenario("keep-alive-race"));
    let rows = rows(&memory);
    let mut answers: BTreeMap<_, Vec<f64>> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.is(10) != "-") {
        answers.entry(row.pair()).or_default().push(row.moment(2) as f64 / 1e6);
    }
    for answers in answers.values_mut() {
        answers.sort_by(f64::total_cmp);
    }
    // A stall delays both the timer and the request, and may begin before the five seconds or end after them.
    let is_preceded = |row: &&WrittenLine| {
        let (answers, dispatched) = (&answers[&row.pair()], row.dispatched());
        let first = answers.partition_point(|answer| dispatched - answer >= 5.15);
        answers.get(first).is_some_and(|answer| dispatched - answer > 4.85)
    };
    let (failed, sound): (Vec<_>, Vec<_>) = rows.iter().filter(|row| row.is(5) != "-").partition(|row| row.failed());
    assert!(failed.len() > 30, "{}", failed.len());
    let share = |rows: &[&WrittenLine]| rows.iter().filter(|row| is_preceded(row)).count() as f64 / rows.len() as f64;
    assert!(share(&failed) > 0.95, "{}", share(&failed));
    assert!(share(&sound) < 0.3, "{}", share(&sound));
    for row in failed {
        assert!(row.seconds(7).is_some_and(|seconds| seconds < 0.5) && row.seconds(8).is_none());
    }
}

#[test]
fn a_crash_ends_what_was_in_flight_at_one_moment() {
    let (memory, _) = remember(&scenario("target-crash"));
    let mut ends: BTreeMap<String, Vec<(i64, i64)>> = BTreeMap::new();
    for row in rows(&memory).iter().filter(|row| row.failed() && row.seconds(6).is_some()) {
        ends.entry(row.is(5).to_owned()).or_default().push((row.moment(2), row.moment(22)));
    }
    assert_eq!(ends.len(), 6, "one for each crash");
    for (target, ends) in ends {
        let spread = |pick: fn(&(i64, i64)) -> i64| {
            ends.iter().map(pick).max().expect("some") - ends.iter().map(pick).min().expect("some")
        };
        assert!(ends.len() >= 3, "{target}: {}", ends.len());
        assert!(spread(|end| end.0) < 200_000, "{target}: they ended within {} µs", spread(|end| end.0));
        assert!(spread(|end| end.1) > 500_000, "{target}: they began within {} µs", spread(|end| end.1));
    }
}

#[test]
fn without_a_connection_the_elapsed_time_tells_refused_from_timed_out() {
    for (name, status, low, high) in
        [("connection-refused", "502", 0, 20_000), ("connect-timeout", "504", 10_000_000, 10_005_000)]
    {
        let (memory, _) = remember(&scenario(name));
        let rows = rows(&memory);
        let unsent: Vec<_> = rows.iter().filter(|row| row.failed() && row.seconds(6).is_none()).collect();
        assert!(unsent.len() > 100, "{name}");
        for row in unsent.iter().filter(|row| row.is(9) != "460") {
            let elapsed = row.moment(2) - row.moment(22);
            assert_eq!((row.is(9), row.is(7), row.is(8)), (status, "-1", "-1"), "{name}");
            assert!((low..high).contains(&elapsed), "{name}: {elapsed} µs");
        }
    }
}

#[test]
fn the_idle_timeout_is_in_the_target_processing_time_only_when_asked_for() {
    for (is_shown, expected) in [(false, None), (true, Some(60.0))] {
        let (memory, _) = remember(&scenario("idle-timeout").idle_timeout_in_target_processing_time(is_shown));
        for row in rows(&memory).iter().filter(|row| row.is(9) == "504") {
            let elapsed = row.moment(2) - row.moment(22);
            assert!((60_000_000..60_005_000).contains(&elapsed), "{elapsed} µs");
            assert!(row.seconds(6).is_some());
            assert_eq!(row.seconds(7), expected);
        }
    }
}

#[test]
fn objects_hold_the_lines_of_their_node_and_interval_in_several_members() {
    let (memory, written) = remember(&scenario("incident").rate(12.0).duration(1800));
    assert_eq!(written.objects, memory.objects.len() as u64);
    assert_eq!(written.bytes, memory.objects.iter().map(|(_, gz)| gz.len() as u64).sum::<u64>());
    let mut keys = BTreeSet::new();
    let (mut members, mut cut_lines) = (0, 0);
    for (key, gz) in &memory.objects {
        assert!(keys.insert(key), "{key} came twice");
        let name = key.rsplit_once('/').expect("folders").1;
        let parts: Vec<_> = name.split('_').collect();
        let [account, _, region, load_balancer, end, node, random] = parts[..] else { panic!("{name}") };
        assert_eq!((account, region, load_balancer), ("123456789012", "eu-west-1", "app.shop-prod.50dc6c495c0c9188"));
        assert_eq!(random.strip_suffix(".log.gz").map(str::len), Some(8));
        let civil = format!("{}-{}-{}T{}:{}:00Z", &end[..4], &end[4..6], &end[6..8], &end[9..11], &end[11..13]);
        let end = Timestamp::parse(civil.as_bytes()).expect("a time").as_micros();
        let text = decoded(gz);
        assert!(text.ends_with('\n'));
        assert_eq!(text.len() as u64 > 0, gz.len() > 20);
        for row in text.lines().map(split) {
            assert!((end - 300_000_000..end).contains(&row.moment(2)), "{key}: {}", row.is(2));
            assert_eq!(row.is(34), node);
        }
        let mut left = gz.as_slice();
        while !left.is_empty() {
            let mut decoder = flate2::bufread::GzDecoder::new(left);
            let mut text = String::new();
            decoder.read_to_string(&mut text).expect("a whole member");
            left = decoder.into_inner();
            members += 1;
            cut_lines += usize::from(!text.ends_with('\n'));
        }
    }
    assert!(members > memory.objects.len() * 2, "{members} members in {} objects", memory.objects.len());
    assert!(cut_lines > 0, "members may end within a line");
}

#[test]
fn a_folder_gets_objects_and_truth_and_is_not_written_twice() {
    let folder = tempfile::tempdir().expect("a folder");
    let simulation = scenario("connection-refused").duration(900);
    let (memory, expected) = remember(&simulation);
    assert_eq!(simulation.write_to(folder.path()).expect("it is empty"), expected);
    for (key, gz) in &memory.objects {
        assert_eq!(&std::fs::read(folder.path().join(key)).expect("the object"), gz);
    }
    let truth = std::fs::read_to_string(folder.path().join("truth.jsonl")).expect("the truth");
    assert_eq!(truth.lines().collect::<Vec<_>>(), memory.truth);
    let what_happened = std::fs::read_to_string(folder.path().join("what-happened.json")).expect("the manifest");
    assert_eq!(what_happened, memory.what_happened);
    let again = simulation.write_to(folder.path()).expect_err("it is not empty any more");
    assert!(matches!(again.kind(), ErrorKind::Write { .. }));
}

#[test]
fn a_watcher_can_stop_it() {
    let mut memory = Memory::default();
    let stopped = scenario("healthy").run(&mut memory, &mut |progress| {
        if progress.done > 0.5 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert!(matches!(stopped.expect_err("it was stopped").kind(), ErrorKind::Cancelled));
    assert!(!memory.objects.is_empty(), "what was whole by then stays");
}

#[test]
fn the_incident_is_small_enough_to_ship() {
    let (_, written) = remember(&Simulation::new(Scenario::find("incident").expect("it is there")));
    assert!(written.bytes <= 3_000_000, "{} bytes", written.bytes);
}

#[test]
fn names_are_unique_and_descriptions_are_there() {
    let names: BTreeSet<_> = scenario_names().collect();
    assert_eq!(names.len(), SCENARIOS.len());
    assert!(SCENARIOS.iter().all(|scenario| !scenario.description.is_empty()));
}

/// One route that takes about 20 s.
const SLOW: &[PlannedRoute] = &[PlannedRoute {
    method: "GET",
    path: "/slow",
    numbers: 1,
    weight: 1,
    callers: &[ClientKind::Program],
    median: 20_000 * MILLISECOND,
    sigma: 0.1,
    bytes: (200, 200),
    body: 0,
    statuses: &[(200, 1)],
}];

/// One target with that route, in a group whose deregistration delay is short.
fn with_one_target(actions: &[(Moment, TargetAction)]) -> IncidentPlan {
    let mut plan = IncidentPlan { minutes: 10, audience: &[(ClientKind::Program, 1)], ..IncidentPlan::new(2.0) };
    let group = plan.group(PlannedGroup {
        deregistration_delay: 5 * SECOND,
        ..PlannedGroup::new(("slow", "0123456789abcdef"), 80, "slow.example.com", 1, SLOW)
    });
    let target = plan.target(group, PlannedTarget::at([10, 0, 10, 9]));
    for &(moment, action) in actions {
        plan.at(moment, target, action);
    }
    plan
}

#[test]
fn what_is_done_to_a_target_decides_why_its_requests_fail() {
    static DEREGISTERED: Scenario = Scenario {
        name: "deregistered",
        description: "",
        causes: &["deregistration-delay-elapsed", "no-registered-targets"],
        notices: &[],
        draw: |_| with_one_target(&[(Moment::minute(5), TargetAction::Deregister)]),
    };
    static STOPPED: Scenario = Scenario {
        name: "stopped",
        description: "",
        causes: &["deploy-without-draining"],
        notices: &[],
        draw: |_| {
            let started = Moment::minute(5).plus(4 * SECOND);
            with_one_target(&[(Moment::minute(5), TargetAction::Stop), (started, TargetAction::Start)])
        },
    };
    // Packets are lost to the end of the run, which must end anyway.
    static LOST: Scenario = Scenario {
        name: "lost",
        description: "",
        causes: &["connect-timeout"],
        notices: &[],
        draw: |_| with_one_target(&[(Moment::minute(5), TargetAction::Blackhole)]),
    };
    for scenario in [&DEREGISTERED, &STOPPED, &LOST] {
        let (memory, _) = remember(&Simulation::new(scenario));
        let truth = truth(&memory);
        let causes: BTreeSet<_> = truth.values().map(|value| value["cause"].as_str().expect("an id")).collect();
        assert_eq!(causes, scenario.causes.iter().copied().collect(), "{}", scenario.name);
        for row in rows(&memory).iter().filter(|row| row.failed()) {
            assert_eq!(row.is(9) == "503", row.is(5) == "-", "{}: {}", scenario.name, row.0.join(" "));
        }
    }
}

/// The failed requests of a scenario, each with its true cause.
fn failures(name: &str) -> Vec<(WrittenLine, String)> {
    let (memory, _) = remember(&scenario(name));
    let truth = truth(&memory);
    let mut failures = Vec::new();
    for (_, gz) in &memory.objects {
        for row in decoded(gz).lines().filter(|line| may_have_failed(line)).map(split).filter(WrittenLine::failed) {
            let cause = truth[row.is(18)]["cause"].as_str().expect("an id").to_owned();
            failures.push((row, cause));
        }
    }
    failures
}

#[test]
fn a_supervisor_ends_requests_at_its_timeout_or_up_to_two_seconds_later() {
    let failures = failures("worker-timeout");
    let times: Vec<f64> = failures.iter().map(|(row, _)| row.seconds(7).expect("it was sent")).collect();
    let limit = times.iter().copied().fold(f64::MAX, f64::min).floor();
    assert!([10.0, 20.0, 30.0].contains(&limit), "{limit}");
    assert!(times.iter().all(|time| (limit..limit + 2.05).contains(time)), "{times:?}");
    assert!(times.iter().any(|time| time - limit > 0.2), "it does not look all the time");
}

#[test]
fn an_inner_proxy_answers_in_its_own_name_after_a_constant_time() {
    let failures = failures("inner-proxy-timeout");
    let (first, _) = &failures[0];
    for (row, cause) in &failures {
        assert_eq!((row.is(9), row.is(10), cause.as_str()), ("504", "504", "inner-proxy-error"));
        assert_eq!(row.is(12), first.is(12), "its page is always the same");
        let apart = row.seconds(7).expect("it was sent") - first.seconds(7).expect("it was sent");
        // Its event loop may be busy for some milliseconds.
        assert!(apart.abs() < 0.1, "{apart}");
    }
}

#[test]
fn latency_climbs_before_a_saturated_target_fails() {
    let (memory, _) = remember(&scenario("saturation"));
    let mut rows = rows(&memory);
    rows.sort_by_key(|row| row.moment(2));
    // Clients may leave at any time, so only timeouts count.
    let first = rows.iter().position(|row| row.is(9) == "504").expect("it fails");
    let median = |rows: &[WrittenLine]| {
        let mut times: Vec<f64> = rows.iter().filter_map(|row| row.seconds(7)).collect();
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    };
    let before = median(&rows[first - 500..first]);
    assert!(before > 10.0 * median(&rows[..2000]), "{before} s just before the first failure");
}

#[test]
fn when_one_of_several_processes_dies_the_others_of_its_target_still_answer() {
    let (memory, _) = remember(&scenario("worker-kill"));
    let rows = rows(&memory);
    let survives = |failed: &WrittenLine| {
        rows.iter().any(|row| {
            row.is(5) == failed.is(5)
                && !row.failed()
                && row.moment(2) > failed.moment(2)
                && row.moment(22) < failed.moment(2)
        })
    };
    let failed: Vec<_> = rows.iter().filter(|row| row.failed()).collect();
    let count = failed.iter().filter(|row| survives(row)).count();
    assert!(count * 2 > failed.len(), "{count} of {}", failed.len());
}

#[test]
fn a_path_that_one_node_has_lost_fails_for_that_node_alone() {
    let failures = failures("blocked-from-one-node");
    let nodes: BTreeSet<_> = failures.iter().map(|(row, _)| row.is(34)).collect();
    let targets: BTreeSet<_> = failures.iter().map(|(row, _)| row.is(5)).collect();
    assert_eq!(nodes.len(), 1);
    assert!(targets.len() > 1);
}

#[test]
fn rules_and_functions_leave_no_target_and_say_why_in_the_line() {
    for (name, status, actions, reason) in [
        ("waf-fails", "500", "waf-failed", "WAFConnectionTimeout"),
        ("identity-fails", "500", "authenticate", "AuthTokenEpRequestTimeout"),
        ("lambda-throttled", "502", "forward", "LambdaThrottling"),
        ("lambda-timeout", "502", "forward", "LambdaUnhandled"),
        ("lambda-denied", "502", "forward", "LambdaAccessDenied"),
    ] {
        for (row, _) in failures(name).iter().filter(|(_, cause)| cause != "client-gave-up") {
            assert_eq!((row.is(5), row.is(9), row.is(23), row.is(25)), ("-", status, actions, reason), "{name}");
            assert_eq!(row.is(17) == "-", actions != "forward", "{name}: only what is forwarded has a target group");
        }
    }
}

#[test]
fn callers_with_a_timeout_leave_when_it_is_over() {
    for (name, agent, seconds) in
        [("edge-timeout", "Amazon CloudFront", 30.0), ("gateway-timeout", "AmazonAPIGateway_a1b2c3d4e5", 29.0)]
    {
        for (row, cause) in failures(name) {
            if cause == "client-gave-up" {
                let elapsed = (row.moment(2) - row.moment(22)) as f64 / 1e6;
                assert_eq!((row.is(9), row.is(14)), ("460", agent), "{name}");
                assert!((seconds..seconds + 0.05).contains(&elapsed), "{name}: {elapsed} s");
            }
        }
    }
}

#[test]
fn every_seed_draws_another_plan_and_the_same_seed_the_same() {
    let minutes = |seed| {
        let plan = Scenario::find("race-precise").expect("it is there").plan(seed);
        (plan.minutes, plan.nodes, plan.targets.len(), plan.targets[0].keep_alive.idle)
    };
    assert_eq!(minutes(3), minutes(3));
    assert!((1..20).map(minutes).collect::<BTreeSet<_>>().len() > 15);
}

#[test]
fn what_happened_has_the_timeouts_and_what_was_done_in_order_of_time() {
    let (memory, _) = remember(&scenario("incident").duration(60));
    let manifest: Value = serde_json::from_str(&memory.what_happened).expect("JSON");
    assert_eq!((&manifest["scenario"], &manifest["seed"]), (&"incident".into(), &1.into()));
    assert_eq!(manifest["idle_timeout"], 60.0);
    assert_eq!(
        (&manifest["from"], &manifest["to"]),
        (&"2026-11-18T08:00:00.000000Z".into(), &"2026-11-18T08:01:00.000000Z".into())
    );
    let targets = manifest["targets"].as_array().expect("targets");
    let racing = targets.iter().find(|target| target["target"] == "10.0.10.36:3000").expect("it is there");
    assert_eq!((&racing["keep_alive"], &racing["keep_alive_timer"]), (&5.0.into(), &"precise".into()));
    assert_eq!((&racing["target_group"], &racing["request_timeout"]), (&"shop-api".into(), &Value::Null));
    let events = manifest["timeline"].as_array().expect("events");
    let times: Vec<_> = events.iter().map(|event| event["time"].as_str().expect("a time")).collect();
    assert!(times.is_sorted(), "{times:?}");
    assert!(events.iter().any(|event| event["target"] == "10.0.12.199:3000" && event["what"] == "the process dies"));
}
