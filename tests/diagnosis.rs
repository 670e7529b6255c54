//! Simulated incidents, whose causes are known, get findings with these causes.
//!
//! The model is not the world: these tests say that the diagnosis finds the mechanisms that the model has, with seeds
//! that nothing was tuned on.

mod common;

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use albscope::diagnose::{Confidence, Context, Diagnosis, Scope, diagnose};
use albscope::simulate::{Memory, Scenario, Simulation};
use albscope::{Progress, ReadOptions, source};
use common::Logs;

/// A run of a scenario: its logs on disk, and for each target the number of failures by cause.
struct SimulatedRun {
    folder: Logs,
    truth: BTreeMap<String, BTreeMap<String, u64>>,
}

fn simulate(name: &str, seed: u64) -> SimulatedRun {
    let scenario = Scenario::find(name).expect("it is in the table");
    let mut memory = Memory::default();
    let mut cancel_token = |_| ControlFlow::Continue(());
    Simulation::new(scenario)
        .seed(seed)
        .compression(1)
        .run(&mut memory, &mut cancel_token)
        .expect("memory does not fail");
    let folder = Logs::new();
    for (key, bytes) in &memory.objects {
        folder.write(key, bytes);
    }
    let mut truth: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    for line in &memory.truth {
        let failure: serde_json::Value = serde_json::from_str(line).expect("a line of JSON");
        if let Some(target) = failure["target"].as_str() {
            let cause = failure["cause"].as_str().expect("a cause").to_owned();
            *truth.entry(target.to_owned()).or_default().entry(cause).or_default() += 1;
        }
    }
    SimulatedRun { folder, truth }
}

fn analyse(run: &SimulatedRun) -> (albscope::aggregate::Summary, Diagnosis) {
    let summary = run.folder.analyse(&ReadOptions::new());
    let diagnosis = diagnose(&summary, &Context::default());
    (summary, diagnosis)
}

#[test]
fn every_target_with_ten_failures_or_more_is_blamed_for_its_true_cause() {
    for name in [
        "keep-alive-race",
        "keep-alive-race-workers",
        "connection-refused",
        "connect-timeout",
        "target-crash",
        "incident",
    ] {
        let run = simulate(name, 4711);
        let (summary, diagnosis) = analyse(&run);
        let mut looked_at = 0;
        for (target, causes) in &run.truth {
            if causes.values().sum::<u64>() < 10 {
                continue;
            }
            let (cause, _) = causes.iter().max_by_key(|(_, failures)| **failures).expect("a cause");
            let mut targets = summary.targets.ids().zip(summary.targets.iter());
            let (id, _) = targets.find(|(_, (_, address, _))| *address == target.as_bytes()).expect("it has requests");
            let findings = diagnosis.on_target(id);
            let first = findings.first();
            assert_eq!(first.map(|finding| finding.cause.id), Some(cause.as_str()), "{name}: {target}");
            looked_at += 1;
        }
        assert!(looked_at > 0, "{name} has a target to blame");
    }
}

#[test]
fn a_healthy_service_with_a_deployment_has_no_finding() {
    for seed in [1, 4711] {
        let (_, diagnosis) = analyse(&simulate("healthy", seed));
        assert!(diagnosis.findings.is_empty(), "seed {seed}: {:?}", diagnosis.findings);
    }
}

#[test]
fn a_race_gives_the_keep_alive_timeout_away() {
    let (_, diagnosis) = analyse(&simulate("keep-alive-race", 4711));
    let race = &diagnosis.findings[0];
    let estimate = race.estimates.keep_alive.expect("an estimate").as_secs_f64();
    assert!((estimate - 5.0).abs() < 0.1, "{estimate}");
    assert_eq!(race.confidence, Confidence::High);
}

#[test]
fn summaries_of_halves_merged_give_the_findings_of_the_whole() {
    let run = simulate("incident", 4711);
    let (whole, expected) = analyse(&run);
    let logs = run.folder.path().join("AWSLogs/123456789012/elasticloadbalancing/eu-west-1/2026/11/18");
    let mut files: Vec<_> =
        std::fs::read_dir(logs).expect("the logs").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    let half = |files: &[std::path::PathBuf]| {
        let sources: Vec<_> = files.iter().map(|file| source::from_input(file.as_os_str()).expect("a file")).collect();
        ReadOptions::new().run(&sources, &Progress::new()).expect("sound logs")
    };
    let (earlier, later) = files.split_at(files.len() / 2);
    let tell = |summary: &albscope::aggregate::Summary, diagnosis: &Diagnosis| -> Vec<String> {
        let lines = diagnosis.findings.iter().map(|finding| {
            let Scope::Target(index) = finding.scope else { panic!("all are about targets") };
            let target = String::from_utf8_lossy(summary.targets.entry(index).1).into_owned();
            format!(
                "{target} {} {:?} {} {:?}",
                finding.cause.id, finding.confidence, finding.failures, finding.estimates
            )
        });
        lines.collect()
    };
    for (first, second) in [(earlier, later), (later, earlier)] {
        let mut merged = half(first);
        merged.merge(half(second));
        assert_eq!(tell(&merged, &diagnose(&merged, &Context::default())), tell(&whole, &expected));
    }
}
