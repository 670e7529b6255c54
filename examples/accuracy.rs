//! How often the diagnosis is right, on simulated incidents whose causes are known.
//!
//! ```console
//! $ cargo run --release --example accuracy             # 20 seeds of each scenario, from 1001
//! $ cargo run --release --example accuracy -- 50 7000  # 50 seeds, from 7000
//! ```
//!
//! Prints the tables of `docs/accuracy.md`. A target counts when the truth has ten failures of it or more; its true cause is that of most of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;

use albscope::diagnose::{Confidence, Diagnosis, Finding, Scope, diagnose};
use albscope::simulate::{SCENARIOS, Scenario, Simulation};
use albscope::{Analysis, Progress, source};

/// Failures of a target from which on it counts.
const MIN_FAILURES: u64 = 10;

/// The keep-alive timeouts of the scenarios that have a race, in seconds.
const KEEP_ALIVE_SECONDS: [(&str, f64); 3] =
    [("keep-alive-race", 5.0), ("keep-alive-race-workers", 2.0), ("incident", 5.0)];

#[derive(Default)]
struct Tally {
    /// True cause, first finding (or none), targets.
    confusion: BTreeMap<(String, String), u64>,
    /// Confidence of first findings: right ones, and all.
    by_confidence: BTreeMap<Confidence, (u64, u64)>,
    /// Targets whose true cause is among the first two findings, or fits the first one.
    in_first_two: u64,
    targets: u64,
    healthy_runs: u64,
    findings_on_healthy_runs: u64,
    /// Scenario, and how far the estimated keep-alive timeout is from the true one, as a share of it.
    keep_alive_errors: BTreeMap<&'static str, Vec<f64>>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let seeds: u64 = arguments.next().map_or(Ok(20), |text| text.parse())?;
    let first: u64 = arguments.next().map_or(Ok(1001), |text| text.parse())?;
    let mut tally = Tally::default();
    for scenario in SCENARIOS {
        for seed in first..first + seeds {
            tally.run(scenario, seed)?;
        }
    }
    std::io::stdout().write_all(tally.tables(seeds, first).as_bytes())?;
    Ok(())
}

impl Tally {
    fn run(&mut self, scenario: &'static Scenario, seed: u64) -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        Simulation::new(scenario).seed(seed).compression(1).write_to(folder.path())?;
        let summary = Analysis::new().run(&[source::from_input(folder.path().as_os_str())?], &Progress::new())?;
        let diagnosis = diagnose(&summary, None);
        if scenario.causes.is_empty() {
            self.healthy_runs += 1;
            self.findings_on_healthy_runs += diagnosis.findings.len() as u64;
        }
        for (target, causes) in truth(&std::fs::read_to_string(folder.path().join("truth.jsonl"))?)? {
            if causes.values().sum::<u64>() >= MIN_FAILURES {
                let (cause, _) =
                    causes.iter().max_by_key(|(_, failures)| **failures).ok_or("a target without a cause")?;
                let is_of_target = |finding: &&Finding| matches!(finding.scope, Scope::Target(place) if summary.targets.entry(place).1 == target.as_bytes());
                self.count(scenario.name, cause, &diagnosis, is_of_target);
            }
        }
        Ok(())
    }

    fn count(
        &mut self,
        scenario: &'static str,
        cause: &str,
        diagnosis: &Diagnosis,
        is_of_target: impl Fn(&&Finding) -> bool,
    ) {
        let findings: Vec<&Finding> = diagnosis.findings.iter().filter(is_of_target).collect();
        let first = findings.first();
        let named = first.map_or("(none)", |finding| finding.cause.id);
        self.targets += 1;
        *self.confusion.entry((cause.to_owned(), named.to_owned())).or_default() += 1;
        let fits_first = first.is_some_and(|finding| finding.also_fits.iter().any(|other| other.id == cause));
        let among_two = findings.iter().take(2).any(|finding| finding.cause.id == cause);
        self.in_first_two += u64::from(among_two || fits_first);
        let Some(first) = first else { return };
        let (right, all) = self.by_confidence.entry(first.confidence).or_default();
        *right += u64::from(named == cause);
        *all += 1;
        let known = KEEP_ALIVE_SECONDS.iter().find(|(name, _)| *name == scenario);
        if let (Some(estimate), Some((name, seconds))) = (first.estimates.keep_alive, known) {
            let error = (estimate.as_secs_f64() - seconds).abs() / seconds;
            self.keep_alive_errors.entry(name).or_default().push(error);
        }
    }

    fn tables(&self, seeds: u64, first: u64) -> String {
        let mut page = format!("{seeds} seeds of each scenario, from {first}.\n\n");
        let right: u64 =
            self.confusion.iter().filter(|((cause, named), _)| cause == named).map(|(_, targets)| targets).sum();
        // Writing to a String cannot fail.
        let _ = writeln!(
            page,
            "Targets with {MIN_FAILURES} failures or more: {}. True cause first: {right} ({}); in the first two, or named beside the first: {} ({}).",
            self.targets,
            share(right, self.targets),
            self.in_first_two,
            share(self.in_first_two, self.targets)
        );
        let _ =
            writeln!(page, "Healthy runs: {}, with {} findings.\n", self.healthy_runs, self.findings_on_healthy_runs);
        page.push_str("| true cause | first finding | targets |\n| --- | --- | ---: |\n");
        for ((cause, named), targets) in &self.confusion {
            let _ = writeln!(page, "| {cause} | {named} | {targets} |");
        }
        page.push_str("\n| confidence | right | of | share |\n| --- | ---: | ---: | ---: |\n");
        for (confidence, (right, all)) in &self.by_confidence {
            let _ = writeln!(page, "| {} | {right} | {all} | {} |", confidence.id(), share(*right, *all));
        }
        page.push_str("\n| keep-alive timeout of | estimates | median error | nine in ten within |\n| --- | ---: | ---: | ---: |\n");
        for (scenario, errors) in &self.keep_alive_errors {
            let mut errors = errors.clone();
            errors.sort_by(f64::total_cmp);
            let at = |tenths: usize| errors[(errors.len() * tenths / 10).min(errors.len() - 1)] * 100.0;
            let _ = writeln!(page, "| {scenario} | {} | {:.1} % | {:.1} % |", errors.len(), at(5), at(9));
        }
        page
    }
}

/// Causes of each target's failures, with their numbers.
fn truth(lines: &str) -> Result<BTreeMap<String, BTreeMap<String, u64>>, Box<dyn std::error::Error>> {
    let mut truth: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    for line in lines.lines() {
        let failure: serde_json::Value = serde_json::from_str(line)?;
        if let (Some(target), Some(cause)) = (failure["target"].as_str(), failure["cause"].as_str()) {
            *truth.entry(target.to_owned()).or_default().entry(cause.to_owned()).or_default() += 1;
        }
    }
    Ok(truth)
}

#[expect(clippy::cast_precision_loss, reason = "counts of targets are small")]
fn share(part: u64, whole: u64) -> String {
    if whole == 0 { "-".to_owned() } else { format!("{:.1} %", part as f64 * 100.0 / whole as f64) }
}
