//! How often the diagnosis is right, on simulated incidents whose causes are known.
//!
//! ```console
//! $ cargo run --release --example accuracy
//! $ cargo run --release --example accuracy -- --seeds 2 --scenario deploy-abrupt --misses
//! ```
//!
//! Prints the tables of `docs/accuracy.md`. Options:
//!
//! - `--seeds N`: runs of each scenario in which something fails (8)
//! - `--healthy N`: runs of each other scenario (20)
//! - `--first N`: the first seed (5001)
//! - `--scenario NAME`: only this scenario; may be given several times
//! - `--jobs N`: threads (one per CPU)
//! - `--misses`: lists what was not named right
//!
//! A case is a target with ten failures or more, or its target group if the cause concerns no single target. Its true
//! cause is the most frequent cause of its failures. It is named right if the first finding about it names that cause,
//! or another one that describes most of the failures just as well.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use albscope::aggregate::{Summary, TargetGroupId};
use albscope::diagnose::{Confidence, Context, Diagnosis, Finding, Scope, diagnose};
use albscope::simulate::{SCENARIOS, Scenario, Simulation};
use albscope::{Progress, ReadOptions, source};
use serde_json::Value;

/// A target with fewer failures does not count.
const MIN_FAILURES: u64 = 10;

/// Races with fewer failures say little about the timeout.
const MIN_RACES: u64 = 20;

/// Causes that concern no single target: they are looked for at the target group.
const OF_GROUPS: &[&str] = &[
    "dependency-outage",
    "identity-provider-error",
    "lambda-error",
    "lambda-misconfigured",
    "lambda-throttled",
    "lambda-timeout",
    "no-registered-targets",
    "waf-unavailable",
];

/// Causes in which somebody's timeout ends requests. If a scenario has none of them, a timeout that is estimated for it
/// is invented.
const OF_TIMEOUTS: &[&str] = &[
    "application-error",
    "client-gave-up",
    "dependency-outage",
    "inner-proxy-error",
    "keep-alive-race",
    "target-request-timeout",
];

type AnyError = Box<dyn std::error::Error + Send + Sync>;

struct Options {
    seeds: u64,
    healthy: u64,
    first: u64,
    scenarios: Vec<String>,
    jobs: usize,
    lists_misses: bool,
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, AnyError> {
        let jobs = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let mut options = Self { seeds: 8, healthy: 20, first: 5001, scenarios: Vec::new(), jobs, lists_misses: false };
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
            match argument.as_str() {
                "--seeds" => options.seeds = value()?.parse()?,
                "--healthy" => options.healthy = value()?.parse()?,
                "--first" => options.first = value()?.parse()?,
                "--scenario" => {
                    let name = value()?;
                    Scenario::find(&name).ok_or_else(|| format!("there is no scenario {name}"))?;
                    options.scenarios.push(name);
                }
                "--jobs" => options.jobs = value()?.parse::<usize>()?.max(1),
                "--misses" => options.lists_misses = true,
                other => return Err(format!("{other} is not an option").into()),
            }
        }
        Ok(options)
    }

    /// Every run: scenario and seed.
    fn runs(&self) -> Vec<(&'static Scenario, u64)> {
        let is_wanted =
            |scenario: &&Scenario| self.scenarios.is_empty() || self.scenarios.iter().any(|name| name == scenario.name);
        let seeds = |scenario: &'static Scenario| {
            let count = if scenario.causes.is_empty() { self.healthy } else { self.seeds };
            (self.first..self.first + count).map(move |seed| (scenario, seed))
        };
        SCENARIOS.iter().filter(is_wanted).flat_map(seeds).collect()
    }
}

/// A target or target group with enough failures, and what was said about it.
struct Case {
    scenario: &'static str,
    seed: u64,
    /// The target, or the target group.
    subject: String,
    failures: u64,
    cause: String,
    /// Other causes that describe most of the failures just as well.
    also: Vec<String>,
    /// The first two findings: cause and confidence.
    named: Vec<(&'static str, Confidence)>,
    /// Other causes that fit, according to the first finding.
    also_fits: Vec<&'static str>,
    /// The keep-alive timeout: the true one and what was estimated, if it was.
    keep_alive: Option<Estimate>,
    /// The wall (the timeout that ends requests): the true one and what was estimated, if it was.
    wall: Option<Estimate>,
}

/// A timeout in seconds, true and estimated.
struct Estimate {
    /// The timer's kind, or whose timeout the wall is.
    kind: String,
    truth: f64,
    told: Option<f64>,
}

impl Case {
    fn is_right(&self) -> bool {
        self.named.first().is_some_and(|(named, _)| self.accepts(named))
    }

    fn is_in_first_two(&self) -> bool {
        self.named.iter().any(|(named, _)| self.accepts(named))
            || self.also_fits.iter().any(|named| self.accepts(named))
    }

    fn accepts(&self, named: &str) -> bool {
        self.cause == named || self.also.iter().any(|also| also == named)
    }
}

/// One run and what the diagnosis made of it.
struct RunResult {
    scenario: &'static Scenario,
    seed: u64,
    lines: u64,
    cases: Vec<Case>,
    /// Findings of a run in which nothing should fail: cause and confidence.
    unfounded: Vec<(&'static str, Confidence)>,
    /// Timeouts that were estimated, in seconds, with the cause that was named; `None` if the scenario may have some.
    invented: Option<Vec<(&'static str, f64)>>,
}

fn main() -> Result<(), AnyError> {
    let options = Options::parse(std::env::args().skip(1))?;
    let runs = options.runs();
    let next = AtomicUsize::new(0);
    let outcomes = Mutex::new(Vec::new());
    // Plain threads, as each analysis brings its own pool.
    std::thread::scope(|scope| {
        for _ in 0..options.jobs {
            scope.spawn(|| {
                while let Some(&(scenario, seed)) = runs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let outcome = run(scenario, seed);
                    outcomes.lock().unwrap_or_else(PoisonError::into_inner).push(outcome);
                }
            });
        }
    });
    let outcomes = outcomes.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut outcomes = outcomes.into_iter().collect::<Result<Vec<_>, AnyError>>()?;
    let index = |scenario: &Scenario| SCENARIOS.iter().position(|other| other.name == scenario.name);
    outcomes.sort_by_key(|outcome| (index(outcome.scenario), outcome.seed));
    let mut page = tables(&options, &outcomes);
    if options.lists_misses {
        page.push_str(&misses(&outcomes));
    }
    std::io::stdout().write_all(page.as_bytes())?;
    Ok(())
}

fn run(scenario: &'static Scenario, seed: u64) -> Result<RunResult, AnyError> {
    let folder = tempfile::tempdir()?;
    let written = Simulation::new(scenario).seed(seed).compression(1).write_to(folder.path())?;
    let sources = [source::from_input(folder.path().join("AWSLogs").as_os_str())?];
    let summary = ReadOptions::new().threads(1).run(&sources, &Progress::new())?;
    let diagnosis = diagnose(&summary, &Context::default());
    let story: Value = serde_json::from_str(&std::fs::read_to_string(folder.path().join("what-happened.json"))?)?;
    let truth = Truth::read(scenario, &std::fs::read_to_string(folder.path().join("truth.jsonl"))?, &story)?;
    let cases = truth.cases(scenario, seed, &summary, &diagnosis, &story);
    let is_healthy = scenario.causes.is_empty();
    let is_named = |finding: &&Finding| scenario.notices.contains(&finding.cause.id);
    let findings = diagnosis.findings.iter().filter(|finding| is_healthy && !is_named(finding));
    let unfounded = findings.map(|finding| (finding.cause.id, finding.confidence)).collect();
    let has_some = scenario.causes.iter().any(|cause| OF_TIMEOUTS.contains(cause));
    let told = |finding: &Finding| {
        let told = finding.estimates.keep_alive.or(finding.estimates.timeout)?;
        Some((finding.cause.id, told.as_secs_f64()))
    };
    let invented = (!has_some).then(|| diagnosis.findings.iter().filter_map(told).collect());
    Ok(RunResult { scenario, seed, lines: written.lines, cases, unfounded, invented })
}

/// Failures of a target or target group, counted by cause, and by other causes that describe them just as well.
#[derive(Default)]
struct Count {
    causes: BTreeMap<String, u64>,
    also: BTreeMap<String, u64>,
}

impl Count {
    fn failures(&self) -> u64 {
        self.causes.values().sum()
    }

    fn main(&self) -> &str {
        self.causes.iter().max_by_key(|(_, failures)| **failures).map_or("", |(cause, _)| cause)
    }
}

/// The truth of one run by target. The empty name is for requests without a target.
struct Truth {
    targets: BTreeMap<String, Count>,
    group_of: BTreeMap<String, String>,
}

impl Truth {
    fn read(scenario: &Scenario, lines: &str, story: &Value) -> Result<Self, AnyError> {
        let mut targets: BTreeMap<String, Count> = BTreeMap::new();
        for line in lines.lines() {
            let failure: Value = serde_json::from_str(line)?;
            // People who leave now and then are not part of the incident, and the diagnosis is not judged by them.
            if !scenario.causes.contains(&text(&failure["cause"]).as_str()) {
                continue;
            }
            let count = targets.entry(failure["target"].as_str().unwrap_or_default().to_owned()).or_default();
            *count.causes.entry(text(&failure["cause"])).or_default() += 1;
            for also in failure["also_accept"].as_array().into_iter().flatten() {
                *count.also.entry(text(also)).or_default() += 1;
            }
        }
        let of = story["targets"].as_array().into_iter().flatten();
        let group_of = of.map(|target| (text(&target["target"]), text(&target["target_group"]))).collect();
        Ok(Self { targets, group_of })
    }

    fn cases(
        self,
        scenario: &'static Scenario,
        seed: u64,
        summary: &Summary,
        diagnosis: &Diagnosis,
        story: &Value,
    ) -> Vec<Case> {
        let mut counts: BTreeMap<(bool, String), Count> = BTreeMap::new();
        for (target, count) in self.targets {
            let is_of_group = target.is_empty() || OF_GROUPS.contains(&count.main());
            let subject = match self.group_of.get(&target) {
                Some(group) if is_of_group => group.clone(),
                _ => target,
            };
            let sum = counts.entry((is_of_group, subject)).or_default();
            for (all, more) in [(&mut sum.causes, count.causes), (&mut sum.also, count.also)] {
                for (cause, failures) in more {
                    *all.entry(cause).or_default() += failures;
                }
            }
        }
        let counts = counts.into_iter().filter(|(_, count)| count.failures() >= MIN_FAILURES);
        counts
            .map(|((is_of_group, subject), count)| {
                let findings = findings(summary, diagnosis, &subject, is_of_group);
                let first = findings.first();
                let cause = count.main().to_owned();
                let also = count.also.iter().filter(|(_, failures)| **failures * 2 > count.failures());
                let target =
                    story["targets"].as_array().into_iter().flatten().find(|target| target["target"] == *subject);
                let wall = |key: &str, kind: &str| {
                    let truth = target?[key].as_f64()?;
                    let estimated = first?.estimates.timeout.map(|timeout| timeout.as_secs_f64());
                    Some(Estimate { kind: kind.to_owned(), truth, told: estimated })
                };
                let races = count.causes.get("keep-alive-race").copied().unwrap_or_default();
                Case {
                    scenario: scenario.name,
                    seed,
                    failures: count.failures(),
                    also: also.map(|(cause, _)| cause.clone()).collect(),
                    named: findings.iter().take(2).map(|finding| (finding.cause.id, finding.confidence)).collect(),
                    also_fits: first
                        .map_or_else(Vec::new, |first| first.also_fits.iter().map(|cause| cause.id).collect()),
                    keep_alive: target.filter(|_| races >= MIN_RACES).and_then(|target| {
                        let race = findings.iter().find(|finding| finding.cause.id == "keep-alive-race");
                        Some(Estimate {
                            kind: text(&target["keep_alive_timer"]),
                            truth: target["keep_alive"].as_f64()?,
                            told: race.and_then(|race| race.estimates.keep_alive).map(|time| time.as_secs_f64()),
                        })
                    }),
                    wall: match cause.as_str() {
                        // With `close-at-end`, requests run to their own end, and nothing piles up at the timeout.
                        "target-request-timeout"
                            if target.is_some_and(|target| target["request_timeout_way"] != "close-at-end") =>
                        {
                            let late = target.and_then(|target| target["request_timeout_late"].as_f64());
                            wall("request_timeout", if late > Some(0.0) { "supervisor's" } else { "server's own" })
                        }
                        "inner-proxy-error" if scenario.name == "inner-proxy-timeout" => {
                            wall("inner_proxy_timeout", "inner proxy's")
                        }
                        _ => None,
                    },
                    subject,
                    cause,
                }
            })
            .collect()
    }
}

/// The findings about a target or a target group: first those with exactly that scope, then those about what contains
/// it or about what it contains.
fn findings<'a>(summary: &Summary, diagnosis: &'a Diagnosis, subject: &str, is_of_group: bool) -> Vec<&'a Finding> {
    let own = summary.targets.iter().find(|(_, name, _)| *name == subject.as_bytes()).map(|(group, ..)| group);
    // Failures without a target may belong to any group.
    let arn_part = format!(":targetgroup/{subject}/");
    let is_in = |group: TargetGroupId| {
        let (_, arn, ()) = summary.target_groups.entry(group);
        subject.is_empty() || String::from_utf8_lossy(arn).contains(&arn_part)
    };
    let distance = |finding: &Finding| match (finding.scope, is_of_group) {
        (Scope::Target(target), false) if summary.targets.entry(target).1 == subject.as_bytes() => Some(0),
        (Scope::TargetGroup(group), false) if Some(group) == own => Some(1),
        (Scope::LoadBalancer(_), false) => Some(2),
        (Scope::TargetGroup(group), true) if is_in(group) => Some(0),
        (Scope::LoadBalancer(_), true) => Some(1),
        (Scope::Target(target), true) if is_in(summary.targets.entry(target).0) => Some(2),
        _ => None,
    };
    let mut found: Vec<_> =
        diagnosis.findings.iter().filter_map(|finding| Some((distance(finding)?, finding))).collect();
    found.sort_by_key(|(distance, _)| *distance);
    found.into_iter().map(|(_, finding)| finding).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

// The page. Writing to a String cannot fail.

fn tables(options: &Options, outcomes: &[RunResult]) -> String {
    let cases: Vec<&Case> = outcomes.iter().flat_map(|outcome| &outcome.cases).collect();
    let (healthy, incidents): (Vec<_>, Vec<_>) =
        outcomes.iter().partition(|outcome| outcome.scenario.causes.is_empty());
    let right = count(&cases, Case::is_right);
    let in_two = count(&cases, Case::is_in_first_two);
    let all = cases.len() as u64;
    let mut page = String::new();
    let _ = writeln!(
        page,
        "{} incidents ({} seeds of each scenario, from {}) and {} healthy runs; {} lines.\n",
        incidents.len(),
        options.seeds,
        options.first,
        healthy.len(),
        outcomes.iter().map(|outcome| outcome.lines).sum::<u64>()
    );
    let _ = writeln!(
        page,
        "Targets or target groups with {MIN_FAILURES} failures or more: {all}. The first finding names the right cause: {right} ({}). One of the first two findings does, or the first lists it among the other causes that fit: {in_two} ({}).\n",
        share(right, all),
        share(in_two, all)
    );

    page.push_str(
        "| confidence | right | of | share | with a finding on healthy runs |\n| --- | ---: | ---: | ---: | ---: |\n",
    );
    for confidence in Confidence::ALL.into_iter().rev() {
        let of: Vec<&Case> = cases
            .iter()
            .filter(|case| case.named.first().is_some_and(|named| named.1 == confidence))
            .copied()
            .collect();
        let right = count(&of, Case::is_right);
        let with_one = healthy
            .iter()
            .filter(|outcome| outcome.unfounded.iter().any(|(_, unfounded)| *unfounded == confidence))
            .count();
        let _ = writeln!(
            page,
            "| {} | {right} | {} | {} | {with_one} of {} |",
            confidence.id(),
            of.len(),
            share(right, of.len() as u64),
            healthy.len()
        );
    }
    let unnamed = count(&cases, |case| case.named.is_empty());
    let _ = writeln!(page, "| (no finding) | 0 | {unnamed} | - | |\n");

    page.push_str("| true cause | cases | named right | share | high, right | medium, right | low, right | none |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n");
    for (cause, of) in by(&cases, |case| Some(case.cause.clone())) {
        let right = count(&of, Case::is_right);
        let _ = write!(page, "| {cause} | {} | {right} | {} |", of.len(), share(right, of.len() as u64));
        for confidence in Confidence::ALL.into_iter().rev() {
            let said: Vec<&Case> = of
                .iter()
                .filter(|case| case.named.first().is_some_and(|named| named.1 == confidence))
                .copied()
                .collect();
            let _ = write!(page, " {} of {} |", count(&said, Case::is_right), said.len());
        }
        let _ = writeln!(page, " {} |", count(&of, |case| case.named.is_empty()));
    }

    page.push_str("\n| named first | times | right | share | high, right |\n| --- | ---: | ---: | ---: | ---: |\n");
    for (named, of) in by(&cases, |case| case.named.first().map(|named| named.0.to_owned())) {
        let right = count(&of, Case::is_right);
        let sure: Vec<&Case> = of.iter().filter(|case| case.named[0].1 == Confidence::High).copied().collect();
        let _ = writeln!(
            page,
            "| {named} | {} | {right} | {} | {} of {} |",
            of.len(),
            share(right, of.len() as u64),
            count(&sure, Case::is_right),
            sure.len()
        );
    }

    page.push_str("\nNamed wrong:\n\n| true cause | first finding | cases | scenarios |\n| --- | --- | ---: | --- |\n");
    let wrong: Vec<&Case> = cases.iter().filter(|case| !case.is_right()).copied().collect();
    let pair = |case: &Case| Some((case.cause.clone(), case.named.first().map_or("(none)", |named| named.0)));
    for ((cause, named), of) in by(&wrong, pair) {
        let scenarios: Vec<_> = by(&of, |case| Some(case.scenario)).into_keys().collect();
        let _ = writeln!(page, "| {cause} | {named} | {} | {} |", of.len(), scenarios.join(", "));
    }

    let unfounded: Vec<_> = healthy
        .iter()
        .flat_map(|outcome| outcome.unfounded.iter().map(|named| (outcome.scenario.name, *named)))
        .collect();
    let _ = writeln!(page, "\nFindings on healthy runs: {}.", unfounded.len());
    if !unfounded.is_empty() {
        let mut counted: BTreeMap<_, u64> = BTreeMap::new();
        for (scenario, (cause, confidence)) in unfounded {
            *counted.entry((scenario, cause, confidence.id())).or_default() += 1;
        }
        page.push_str("\n| scenario | finding | confidence | times |\n| --- | --- | --- | ---: |\n");
        for ((scenario, cause, confidence), times) in counted {
            let _ = writeln!(page, "| {scenario} | {cause} | {confidence} | {times} |");
        }
    }
    let without: Vec<_> = outcomes.iter().filter_map(|outcome| Some((outcome, outcome.invented.as_ref()?))).collect();
    let with = without.iter().filter(|(_, invented)| !invented.is_empty());
    let _ = writeln!(
        page,
        "\nA timeout is estimated in {} of {} runs of scenarios that have none.",
        with.clone().count(),
        without.len()
    );
    for (outcome, invented) in with {
        let told: Vec<_> = invented.iter().map(|(cause, seconds)| format!("{cause} {seconds:.3} s")).collect();
        let _ = writeln!(page, "{} {}: {}", outcome.scenario.name, outcome.seed, told.join(", "));
    }
    estimates(&mut page, &format!("keep-alive timer, {MIN_RACES} races or more"), &cases, |case| {
        case.keep_alive.as_ref()
    });
    estimates(&mut page, "timeout that ends requests, by owner", &cases, |case| case.wall.as_ref());
    page
}

/// A table of how far estimates are from the true values, by kind.
fn estimates(page: &mut String, title: &str, cases: &[&Case], of: impl Fn(&Case) -> Option<&Estimate>) {
    let _ = writeln!(
        page,
        "\n| {title} | targets | estimated | median error | 90th percentile | worst |\n| --- | ---: | ---: | ---: | ---: | ---: |"
    );
    let mut kinds: BTreeMap<&str, Vec<&Estimate>> = BTreeMap::new();
    for estimate in cases.iter().filter_map(|case| of(case)) {
        kinds.entry(&estimate.kind).or_default().push(estimate);
    }
    for (kind, all) in kinds {
        let error = |one: &&Estimate| Some((one.told? - one.truth).abs() / one.truth * 100.0);
        let mut errors: Vec<f64> = all.iter().filter_map(error).collect();
        errors.sort_by(f64::total_cmp);
        let at = |tenths: usize| {
            let index = (errors.len() * tenths / 10).min(errors.len().saturating_sub(1));
            errors.get(index).map_or_else(|| "-".to_owned(), |error| format!("{error:.1} %"))
        };
        let _ = writeln!(page, "| {kind} | {} | {} | {} | {} | {} |", all.len(), errors.len(), at(5), at(9), at(10));
    }
}

fn misses(outcomes: &[RunResult]) -> String {
    let mut page = String::from(
        "\n| scenario | seed | target or group | failures | true cause | also true | named | \n| --- | ---: | --- | ---: | --- | --- | --- |\n",
    );
    for case in outcomes.iter().flat_map(|outcome| &outcome.cases).filter(|case| !case.is_right()) {
        let named: Vec<_> =
            case.named.iter().map(|(cause, confidence)| format!("{cause} ({})", confidence.id())).collect();
        let Case { scenario, seed, subject, failures, cause, also, .. } = case;
        let _ = writeln!(
            page,
            "| {scenario} | {seed} | {subject} | {failures} | {cause} | {} | {} |",
            also.join(", "),
            named.join(", ")
        );
    }
    for outcome in outcomes.iter().filter(|outcome| !outcome.unfounded.is_empty()) {
        let named: Vec<_> =
            outcome.unfounded.iter().map(|(cause, confidence)| format!("{cause} ({})", confidence.id())).collect();
        let _ =
            writeln!(page, "| {} | {} | - | 0 | - | - | {} |", outcome.scenario.name, outcome.seed, named.join(", "));
    }
    page
}

fn by<'a, K: Ord>(cases: &[&'a Case], key: impl Fn(&Case) -> Option<K>) -> BTreeMap<K, Vec<&'a Case>> {
    let mut groups: BTreeMap<K, Vec<&Case>> = BTreeMap::new();
    for case in cases {
        if let Some(key) = key(case) {
            groups.entry(key).or_default().push(case);
        }
    }
    groups
}

fn count(cases: &[&Case], is: impl Fn(&Case) -> bool) -> u64 {
    cases.iter().filter(|case| is(case)).count() as u64
}

#[expect(clippy::cast_precision_loss, reason = "counts of targets are small")]
fn share(part: u64, whole: u64) -> String {
    if whole == 0 { "-".to_owned() } else { format!("{:.1} %", part as f64 * 100.0 / whole as f64) }
}
