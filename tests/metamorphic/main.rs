//! Changes of a log that leave the truth as it is must leave the verdicts as they are.
//!
//! `cargo run --release --example metamorphic` prints the table of `docs/accuracy.md` for many more incidents. With
//! `--sentences`, it counts their evidence again.

mod evidence;
mod incident;
mod judge;
mod log;
mod transformation;

use albscope::diagnose::Confidence;
use albscope::simulate::Scenario;

use evidence::Checked;
use evidence::words::{captures, number};
use incident::Incident;
use judge::{Change, changes, verdicts};
use log::{Line, Log};
use transformation::{TRANSFORMATIONS, Transformation};

/// What one variant of each transformation does to the verdicts of an incident. The incident's number chooses the
/// variants, so that many incidents together meet all.
fn changes_of(number: usize, incident: &Incident) -> Vec<(&'static Transformation, usize, Change)> {
    let before = verdicts(&incident.log);
    let of_transformation = |transformation: &'static Transformation| {
        let variant = number % transformation.variants;
        let after = verdicts(&transformation.apply(&incident.log, variant, number as u64));
        let changes = changes(transformation, &before, &after);
        changes.into_iter().map(move |change| (transformation, variant, change)).collect::<Vec<_>>()
    };
    TRANSFORMATIONS.iter().flat_map(of_transformation).collect()
}

/// Checks that enough of the verdicts on these incidents stay as they are, and that none becomes wrongly sure.
fn assert_stable(incidents: &[Incident], min_share: f64) {
    let (mut cases, mut stable, mut changed) = (0, 0, Vec::new());
    for (number, incident) in incidents.iter().enumerate() {
        for (transformation, variant, change) in changes_of(number, incident) {
            let told = format!("{}, {} {variant}: {change:?}", incident.name, transformation.name);
            let is_sure = change.after.confidence == Confidence::High;
            assert!(!is_sure || incident.accepts(&change.target, change.after.cause), "wrongly sure: {told}");
            cases += 1;
            if change.is_stable() {
                stable += 1;
            } else {
                changed.push(told);
            }
        }
    }
    assert!(cases > incidents.len() * 10, "{cases} cases");
    let share = f64::from(stable) / cases as f64;
    assert!(share >= min_share, "{stable} of {cases} are stable; the others:\n{}", changed.join("\n"));
}

fn fixture(cause: &str) -> Incident {
    Incident::fixtures().into_iter().find(|incident| incident.name == cause).expect("the cause has a fixture")
}

#[test]
fn verdicts_on_the_lines_of_each_cause_are_stable() {
    assert_stable(&Incident::fixtures(), 0.98);
}

#[test]
fn verdicts_on_a_simulated_incident_are_stable() {
    let scenario = Scenario::find("keep-alive-race").expect("it is in the table");
    assert_stable(&[Incident::simulated(scenario, 4711)], 0.98);
}

#[test]
fn a_line_that_is_not_changed_stays_as_it_is() {
    let text = r#"https 2026-11-22T07:41:20.518414Z app/shop/50dc6c495c0c9188 192.0.2.10:55123 10.0.0.1:80 0.000 0.001 0.000 200 200 120 353 "GET http://a.example:80/ HTTP/1.1" "curl 8" - - arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/api/7 "Root=1-6b029ca0-36d228ad5d99923122bbe354" "-" "-" 0 2026-11-22T07:41:20.516000Z "forward" "-" "-" "10.0.0.1:80" "200" "-" "-""#;
    let mut line = Line::parse(text);
    assert_eq!(line.to_string(), text);
    line.shift(1_500_000);
    let shifted = text.replace(":20.518414Z", ":22.018414Z").replace(":20.516000Z", ":22.016000Z");
    assert_eq!(line.to_string(), shifted);
}

#[test]
fn each_transformation_changes_the_lines_and_the_same_seed_changes_them_alike() {
    let mut incidents = Incident::fixtures();
    incidents.retain(|incident| incident.log.lines().count() > 300);
    for transformation in TRANSFORMATIONS {
        let changed = |incident: &Incident, variant| transformation.apply(&incident.log, variant, 7);
        // Not each variant changes each of these logs.
        let mut cases = incidents.iter().flat_map(|it| (0..transformation.variants).map(move |variant| (it, variant)));
        let case = cases.find(|(incident, variant)| changed(incident, *variant) != incident.log);
        let (incident, variant) = case.expect(transformation.name);
        let once = changed(incident, variant);
        assert!(once == changed(incident, variant), "{}", transformation.name);
        assert!(once.lines().count() > 100, "{}", transformation.name);
    }
}

#[test]
fn stretching_leaves_durations_as_they_are() {
    let incident = fixture("target-crash");
    let stretch = TRANSFORMATIONS.iter().find(|it| it.stretch > 1.0).expect("there is one");
    let changed = stretch.apply(&incident.log, 0, 7);
    let took = |log: &Log| log.lines().map(|line| line.created.map(|created| line.time - created)).collect::<Vec<_>>();
    assert_eq!(took(&incident.log), took(&changed));
    let length = |log: &Log| log.window().map(|(from, to)| (to - from) as f64).expect("lines");
    assert!((length(&changed) / length(&incident.log) - 1.03).abs() < 0.001);
}

/// Counts again what the evidence says of these incidents.
fn checked(incidents: impl IntoIterator<Item = Incident>) -> Checked {
    let mut all = Checked::default();
    for incident in incidents {
        let mut checked = Checked::default();
        checked.check(&incident);
        all.add(checked);
    }
    assert!(all.wrong.is_empty(), "{} of {}:\n{}", all.wrong.len(), all.sentences, all.wrong.join("\n"));
    all
}

#[test]
fn what_the_evidence_says_of_the_lines_of_each_cause_is_counted_again() {
    let checked = checked(Incident::fixtures());
    let (met, never) = (checked.met.len(), checked.never());
    assert!(met >= 60, "only {met} forms were met, and never these:\n{}", never.join("\n"));
}

#[test]
fn what_the_evidence_says_of_simulated_incidents_is_counted_again() {
    let checked = checked(["worker-kill", "random-closes"].into_iter().map(simulated));
    assert!(checked.sentences > 10, "{} sentences", checked.sentences);
}

/// A simulated incident that has sentences that were once not true.
fn simulated(name: &str) -> Incident {
    Incident::simulated(Scenario::find(name).expect("it is in the table"), 9_701)
}

#[test]
#[ignore = "it takes half a minute"]
fn what_the_evidence_says_of_more_simulated_incidents_is_counted_again() {
    let names = ["reload", "poison-route", "deploy-abrupt", "slow-route-under-load", "idle-timeout", "mixed"];
    let checked = checked(names.into_iter().map(simulated));
    assert!(checked.sentences > 30, "{} sentences", checked.sentences);
}

#[test]
fn what_the_evidence_says_of_a_window_cut_around_failures_is_counted_again() {
    let cut = TRANSFORMATIONS.iter().find(|it| it.name == "window cut").expect("there is one");
    let incidents = Incident::fixtures().into_iter().chain([simulated("dependency-timeout")]).map(|mut incident| {
        incident.log = cut.apply(&incident.log, 0, 7);
        incident
    });
    let checked = checked(incidents);
    assert!(checked.sentences > 100, "{} sentences", checked.sentences);
    assert!(checked.met.keys().any(|form| form.contains("the log does not show how")), "no window is told to be short");
}

#[test]
fn what_the_evidence_says_is_not_true_of_another_log() {
    let incidents = Incident::fixtures();
    let is_found = |incident: &&Incident| {
        let mut number = 0;
        let mut other = incident.log.clone();
        other.retain(|_| {
            number += 1;
            number % 3 > 0
        });
        let mut checked = Checked::default();
        checked.check_by(incident, &other);
        !checked.wrong.is_empty()
    };
    let told: Vec<&Incident> = incidents.iter().filter(|incident| incident.log.summary().span.is_some()).collect();
    let found = told.iter().filter(|incident| is_found(incident)).count();
    assert!(found * 10 >= told.len() * 9, "{found} of {}", told.len());
}

#[test]
fn a_sentence_is_cut_at_what_differs() {
    assert_eq!(captures("{} of {} failed", "3 of 1,204 requests failed"), Some(vec!["3", "1,204 requests"]));
    assert_eq!(captures("{} of {} failed", "3 of 4 did"), None);
    assert_eq!(captures("none", "none"), Some(vec![]));
    assert_eq!(captures("none", "none of"), None);
    assert_eq!(number("1,204 requests"), 1_204);
}
