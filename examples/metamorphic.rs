//! How stable the verdicts are under changes of the log that leave the truth as it is.
//!
//! ```console
//! $ cargo run --release --example metamorphic
//! $ cargo run --release --example metamorphic -- --seeds 1 --scenario keep-alive-race --misses
//! ```
//!
//! Prints the table of `docs/accuracy.md`: for each transformation and cause, in how many of 100 cases the first
//! verdict stays. A case is a target that keeps at least 8 failures, in one variant of the transformation. Names each
//! incident on standard error when it is done. Options:
//!
//! - `--seeds N`: incidents of each scenario in which something fails (1)
//! - `--first N`: the first seed (7001)
//! - `--scenario NAME`: only this scenario; may be given several times
//! - `--misses`: lists what did not stay
//! - `--sentences`: counts all evidence again instead, and prints what is not true as it goes

#[path = "../tests/metamorphic/evidence/mod.rs"]
mod evidence;
#[path = "../tests/metamorphic/incident.rs"]
mod incident;
#[path = "../tests/metamorphic/judge.rs"]
mod judge;
#[path = "../tests/metamorphic/log.rs"]
mod log;
#[path = "../tests/metamorphic/transformation.rs"]
mod transformation;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use albscope::diagnose::Confidence;
use albscope::simulate::{SCENARIOS, Scenario};

use evidence::Checked;
use incident::Incident;
use judge::{Change, changes, verdicts};
use transformation::TRANSFORMATIONS;

type AnyError = Box<dyn std::error::Error + Send + Sync>;

struct Options {
    seeds: u64,
    first: u64,
    scenarios: Vec<String>,
    lists_misses: bool,
    counts_sentences: bool,
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, AnyError> {
        let mut options =
            Self { seeds: 1, first: 7001, scenarios: Vec::new(), lists_misses: false, counts_sentences: false };
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
            match argument.as_str() {
                "--seeds" => options.seeds = value()?.parse()?,
                "--first" => options.first = value()?.parse()?,
                "--scenario" => {
                    let name = value()?;
                    Scenario::find(&name).ok_or_else(|| format!("there is no scenario {name}"))?;
                    options.scenarios.push(name);
                }
                "--misses" => options.lists_misses = true,
                "--sentences" => options.counts_sentences = true,
                other => return Err(format!("{other} is not an option").into()),
            }
        }
        Ok(options)
    }

    fn wants(&self, scenario: &Scenario) -> bool {
        (!scenario.causes.is_empty() || self.counts_sentences)
            && (self.scenarios.is_empty() || self.scenarios.iter().any(|name| name == scenario.name))
    }
}

/// One changed verdict.
struct Case {
    incident: String,
    transformation: &'static str,
    variant: usize,
    change: Change,
    /// It is named with high confidence now, and that is not true.
    is_wrongly_high: bool,
}

fn main() -> Result<(), AnyError> {
    let options = Options::parse(std::env::args().skip(1))?;
    let mut jobs: Vec<Box<dyn Fn() -> Vec<Incident> + Sync>> = Vec::new();
    if options.scenarios.is_empty() {
        jobs.push(Box::new(Incident::fixtures));
    }
    for scenario in SCENARIOS.iter().filter(|scenario| options.wants(scenario)) {
        for seed in options.first..options.first + options.seeds {
            jobs.push(Box::new(move || vec![Incident::simulated(scenario, seed)]));
        }
    }
    if options.counts_sentences {
        return sentences(&jobs);
    }
    let next = AtomicUsize::new(0);
    let cases = Mutex::new(Vec::new());
    let work = || {
        while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
            for incident in job() {
                let began = Instant::now();
                let of_incident = cases_of(&incident);
                let stable = of_incident.iter().filter(|case| case.change.is_stable()).count();
                let (all, took) = (of_incident.len(), began.elapsed().as_secs_f64());
                let done = format!("{}: {stable} of {all} are stable, in {took:.1} s\n", incident.name);
                // Nobody may be reading.
                let _ = std::io::stderr().write_all(done.as_bytes());
                cases.lock().unwrap_or_else(PoisonError::into_inner).extend(of_incident);
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    let mut cases = cases.into_inner().unwrap_or_else(PoisonError::into_inner);
    cases.sort_by(|one, other| {
        (&one.incident, one.transformation, one.variant).cmp(&(&other.incident, other.transformation, other.variant))
    });
    let mut page = tables(&cases);
    if options.lists_misses {
        page.push_str(&misses(&cases));
    }
    std::io::stdout().write_all(page.as_bytes())?;
    Ok(())
}

/// Counts the evidence of all incidents again. An error if a sentence is not true.
fn sentences(jobs: &[Box<dyn Fn() -> Vec<Incident> + Sync>]) -> Result<(), AnyError> {
    let next = AtomicUsize::new(0);
    let all = Mutex::new(Checked::default());
    let work = || {
        while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
            for incident in job() {
                let mut checked = Checked::default();
                checked.check(&incident);
                let mut out = std::io::stdout().lock();
                for wrong in &checked.wrong {
                    let _ = writeln!(out, "{wrong}");
                }
                let _ = writeln!(out, "{}: {} of {} not true", incident.name, checked.wrong.len(), checked.sentences);
                all.lock().unwrap_or_else(PoisonError::into_inner).add(checked);
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    let all = all.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut out = std::io::stdout().lock();
    for form in all.never() {
        writeln!(out, "never met: {form}")?;
    }
    writeln!(out, "{} sentences of {} forms: {} not true", all.sentences, all.met.len(), all.wrong.len())?;
    if all.wrong.is_empty() { Ok(()) } else { Err("not all is true".into()) }
}

fn cases_of(incident: &Incident) -> Vec<Case> {
    let before = verdicts(&incident.log);
    let mut cases = Vec::new();
    for transformation in TRANSFORMATIONS {
        for variant in 0..transformation.variants {
            let after = verdicts(&transformation.apply(&incident.log, variant, 1));
            cases.extend(changes(transformation, &before, &after).into_iter().map(|change| Case {
                incident: incident.name.clone(),
                transformation: transformation.name,
                variant,
                is_wrongly_high: change.after.confidence == Confidence::High
                    && !incident.accepts(&change.target, change.after.cause),
                change,
            }));
        }
    }
    cases
}

/// Stable, with the same first cause, with a near confidence, with the same timeouts, wrongly high, and all.
#[derive(Default)]
struct Counts([usize; 6]);

impl Counts {
    fn add(&mut self, case: &Case) {
        let Change { has_same_cause, has_near_confidence, has_same_timeouts, .. } = case.change;
        let is = [
            case.change.is_stable(),
            has_same_cause,
            has_near_confidence,
            has_same_timeouts,
            case.is_wrongly_high,
            true,
        ];
        for (count, is) in self.0.iter_mut().zip(is) {
            *count += usize::from(is);
        }
    }

    fn row(&self) -> String {
        let [stable, cause, confidence, timeouts, wrong, all] = self.0;
        let of_100 = |count: usize| format!("{:.1}", count as f64 * 100.0 / all as f64);
        let [stable, cause, confidence, timeouts] = [stable, cause, confidence, timeouts].map(of_100);
        format!("{all} | {stable} | {cause} | {confidence} | {timeouts} | {wrong} |")
    }
}

/// What a row of a table is about.
type Key = fn(&Case) -> &'static str;

/// Writing to a String cannot fail.
fn tables(cases: &[Case]) -> String {
    const COLUMNS: &str = "cases | stable | same first cause | confidence at most a step apart | no other timeout | wrong `high` |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n";
    let mut page = String::new();
    let of_transformation: Key = |case| case.transformation;
    let of_cause: Key = |case| case.change.before.cause;
    for (title, key) in [("transformation", of_transformation), ("first cause before", of_cause)] {
        let mut counts: BTreeMap<&str, Counts> = BTreeMap::new();
        for case in cases {
            counts.entry(key(case)).or_default().add(case);
        }
        let _ = writeln!(page, "| {title} | {COLUMNS}", COLUMNS = COLUMNS.trim_end());
        for (name, counts) in counts {
            let _ = writeln!(page, "| {name} | {}", counts.row());
        }
        page.push('\n');
    }
    page
}

fn misses(cases: &[Case]) -> String {
    let mut page = String::new();
    for Case { incident, transformation, variant, change, is_wrongly_high } in cases {
        if change.is_stable() && !is_wrongly_high {
            continue;
        }
        let wrong = if *is_wrongly_high { ", wrong" } else { "" };
        let told = |verdict: &judge::Verdict| {
            let judge::Verdict { cause, confidence, failures, estimates } = verdict;
            format!("{cause} {} {failures} {:?} {:?}", confidence.id(), estimates.keep_alive, estimates.timeout)
        };
        let _ = writeln!(
            page,
            "{incident}, {}: {transformation} {variant}: {} -> {}{wrong}",
            change.target,
            told(&change.before),
            told(&change.after)
        );
    }
    page
}
