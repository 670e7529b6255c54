//! What the evidence says, counted again from the lines. It is slow, and shares nothing with the program but the parser
//! of times.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use albscope::aggregate::Summary;
use albscope::diagnose::{Context, Finding, diagnose};
use albscope::kind::alb;

use crate::incident::Incident;
use crate::log::{Line, Log};

const SECOND: i64 = 1_000_000;

/// The program keeps times to 100 µs. So a request at an end of a window may be in it or not, here and there.
const AT_THE_ENDS: usize = 2;

/// A finding, and the lines of the log.
struct Recount<'a> {
    finding: &'a Finding,
    lines: Vec<&'a Line>,
    load_balancer: String,
    target_group: Option<String>,
    target: Option<String>,
    /// Whether the finding was made of many, one for each target. Its times and outcomes are then those of all.
    is_of_many: bool,
}

/// A form of a sentence, and how to count again what it says. `{}` stands for what differs.
struct Form {
    form: &'static str,
    check: fn(&Recount<'_>, &[&str]) -> Result<(), String>,
}

const FORMS: &[Form] = &[
    Form { form: "{} of the group's {} have such failures: {} in all", check: at_many },
    Form { form: "{} not established within 10 s", check: connect_timeouts },
    Form { form: "in all, the target answered {}", check: answered_in_all },
    Form { form: "this target answered no request at all", check: never_answered },
    Form {
        form: "meanwhile, none of the {} requests to the group's {} other targets failed like this",
        check: none_failed,
    },
    Form { form: "meanwhile, {} of {} to the group's {} other targets failed like this{}", check: others_failed },
    Form { form: "{} of {} requests that reached no target ({} %) failed this way: {}", check: failed_this_way },
    Form { form: "they took {} to {} s (median {} s)", check: took },
    Form { form: "all such failures were sent by the user agent {}", check: sent_by_agent },
    Form { form: "all of them are requests to {} /{}", check: all_to_route },
    Form { form: "error_reason of all of them is {}: {}", check: all_with_code },
    Form { form: "the first request that the target answered again was sent {} s later", check: answered_again },
    Form { form: "the target never answered again", check: never_answered_again },
    Form { form: "no target of the group started in the {} s after it, and {} went on answering", check: no_successor },
    Form { form: "the target itself answered {} ({} times)", check: target_status },
];

/// What differs in a sentence of this form. `None` if it has another form.
fn captures<'t>(form: &str, text: &'t str) -> Option<Vec<&'t str>> {
    let mut parts = form.split("{}");
    let mut rest = text.strip_prefix(parts.next()?)?;
    let parts: Vec<&str> = parts.collect();
    let mut captured = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let is_last = index + 1 == parts.len();
        let at = if is_last { rest.strip_suffix(part)?.len() } else { rest.find(part)? };
        captured.push(&rest[..at]);
        rest = &rest[at + part.len()..];
    }
    rest.is_empty().then_some(captured)
}

/// The number at the beginning of a text: `1,204 requests`.
fn number(text: &str) -> usize {
    let digits = text.split(' ').next().unwrap_or_default().replace(',', "");
    digits.parse().unwrap_or_else(|_| panic!("{text:?} has no number"))
}

fn seconds(text: &str) -> f64 {
    text.parse().unwrap_or_else(|_| panic!("{text:?} is no number of seconds"))
}

fn same(counted: usize, said: usize, tolerance: usize) -> Result<(), String> {
    if counted.abs_diff(said) <= tolerance { Ok(()) } else { Err(format!("counted {counted}, said {said}")) }
}

fn holds(is_true: bool, what: &str) -> Result<(), String> {
    if is_true { Ok(()) } else { Err(what.to_owned()) }
}

/// How a request ended, by rules of its own: those that the documentation of access logs has.
fn ended(line: &Line) -> &'static str {
    let (elb, target) = (line.field(alb::ELB_STATUS_CODE), line.field(alb::TARGET_STATUS_CODE));
    let times = [alb::REQUEST_PROCESSING_TIME, alb::TARGET_PROCESSING_TIME, alb::RESPONSE_PROCESSING_TIME];
    let is_there = times.map(|index| line.field(index) != "-1");
    let took = line.created.map_or(0, |created| line.time - created);
    match (elb, target) {
        ("460", _) if !is_there[0] => "client-closed-before-dispatch",
        ("460", _) => "client-closed-after-dispatch",
        ("502" | "503" | "504", _) if elb == target => "target-gateway-error",
        _ if elb.starts_with('5') && elb == target => "target-error",
        ("502", "-") if line.target().is_empty() => "function",
        ("502", "-") if is_there == [false; 3] => "connect-failed",
        ("502", "-") if is_there == [true; 3] => "response-rejected",
        ("502", "-") => "closed-before-response",
        ("504", "-") if is_there[0] || is_there[1] => "idle-timeout",
        ("504", "-") if (SECOND * 19 / 2..SECOND * 23 / 2).contains(&took) => "connect-timeout",
        ("504", "-") => "idle-timeout",
        _ => "other",
    }
}

fn has_answered(line: &Line) -> bool {
    line.field(alb::TARGET_STATUS_CODE) != "-" && line.field(alb::TARGET_PROCESSING_TIME) != "-1"
}

/// When a request was sent to its target, or received if it never was.
fn dispatched(line: &Line) -> i64 {
    let before = line.field(alb::REQUEST_PROCESSING_TIME).parse::<f64>().unwrap_or_default().max(0.0);
    #[expect(clippy::cast_possible_truncation, reason = "a short time")]
    let before = (before * 1e6) as i64;
    line.created.unwrap_or(line.time) + before
}

impl<'a> Recount<'a> {
    fn new(summary: &Summary, finding: &'a Finding, log: &'a Log) -> Self {
        let names = finding.scope.names(summary);
        let text = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
        Self {
            finding,
            lines: log.lines().collect(),
            load_balancer: text(names.load_balancer),
            target_group: names.target_group.map(text),
            target: names.target.map(text),
            is_of_many: finding.evidence.first().is_some_and(|first| captures(FORMS[0].form, &first.text).is_some()),
        }
    }

    /// The same, and a sentence without its beginning, if it is about one of many targets: `at 10.0.0.1:80: …`.
    fn about(mut self, sentence: &str) -> (Self, &str) {
        let Some((target, rest)) = sentence.strip_prefix("at ").and_then(|rest| rest.split_once(": ")) else {
            return (self, sentence);
        };
        if !self.is_of_many || !self.in_group().any(|line| line.target() == target) {
            return (self, sentence);
        }
        self.target = Some(target.to_owned());
        (self, rest)
    }

    fn in_group(&self) -> impl Iterator<Item = &'a Line> {
        let is_in = |line: &&Line| {
            let group = self.target_group.as_deref().unwrap_or_default();
            line.field(alb::ELB) == self.load_balancer && line.field(alb::TARGET_GROUP_ARN).trim_matches('-') == group
        };
        self.lines.iter().copied().filter(is_in)
    }

    fn of_target(&self) -> impl Iterator<Item = &'a Line> {
        self.in_group().filter(|line| Some(line.target()) == self.target.as_deref())
    }

    /// The failures of the finding's outcomes at its scope; also those that other findings explain.
    fn failures(&self) -> impl Iterator<Item = &'a Line> {
        let outcomes: BTreeSet<&str> = self.finding.outcomes.iter().map(|(outcome, _)| outcome.id()).collect();
        let is_at = |line: &&Line| self.target.as_deref().is_none_or(|target| line.target() == target);
        self.in_group().filter(is_at).filter(move |line| outcomes.contains(ended(line)))
    }

    /// From the first to the last dispatch of the finding's failures. `None` if the sentences are about a part of them.
    fn dispatches(&self) -> Option<(i64, i64)> {
        if self.is_of_many || self.finding.evidence.iter().any(|evidence| evidence.text.starts_with("in addition, ")) {
            return None;
        }
        let pattern = &self.finding.time_pattern;
        let (first, last) = (pattern.episodes.first()?, pattern.episodes.last()?);
        Some((first.first.as_micros(), last.last.as_micros()))
    }

    /// Requests to other targets of the group while the finding's failures were sent, and how many failed likewise.
    fn others(&self) -> Option<(usize, usize)> {
        let (first, last) = self.dispatches()?;
        let outcomes: BTreeSet<&str> = self.finding.outcomes.iter().map(|(outcome, _)| outcome.id()).collect();
        let is_other = |line: &&Line| !line.target().is_empty() && Some(line.target()) != self.target.as_deref();
        let is_socket =
            |line: &Line| line.field(alb::TYPE).starts_with("ws") || line.field(alb::ELB_STATUS_CODE) == "101";
        let sent = self.in_group().filter(is_other).filter(|line| !is_socket(line));
        let meanwhile: Vec<&Line> = sent.filter(|line| (first..=last).contains(&dispatched(line))).collect();
        Some((meanwhile.iter().filter(|line| outcomes.contains(ended(line))).count(), meanwhile.len()))
    }
}

fn at_many(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let with_target = recount.in_group().filter(|line| !line.target().is_empty());
    let of_group: BTreeSet<&str> = with_target.map(Line::target).collect();
    let failed: BTreeSet<&str> = recount.failures().map(Line::target).collect();
    same(of_group.len(), number(said[1]), 0)?;
    holds(failed.len() >= number(said[0]), &format!("{} targets have such failures", failed.len()))?;
    let failures = recount.failures().count();
    holds(failures >= number(said[2]), &format!("the group has {failures}"))
}

fn connect_timeouts(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let counted = recount.of_target().filter(|line| ended(line) == "connect-timeout").count();
    holds(counted >= number(said[0]), &format!("the log has only {counted}"))
}

fn answered_in_all(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    same(recount.of_target().filter(|line| has_answered(line)).count(), number(said[0]), 0)
}

fn never_answered(recount: &Recount<'_>, _: &[&str]) -> Result<(), String> {
    same(recount.of_target().filter(|line| has_answered(line)).count(), 0, 0)
}

fn others_failed(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let Some((failed, requests)) = recount.others() else { return Ok(()) };
    same(failed, number(said[0]), AT_THE_ENDS)?;
    same(requests, number(said[1]), AT_THE_ENDS)
}

fn none_failed(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let Some((failed, requests)) = recount.others() else { return Ok(()) };
    same(failed, 0, 0)?;
    same(requests, number(said[0]), AT_THE_ENDS)
}

fn failed_this_way(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let (failed, requests) = (number(said[0]), number(said[1]));
    let counted = recount.in_group().filter(|line| line.target().is_empty()).count();
    holds(failed <= requests, "more failures than requests")?;
    // A load balancer's finding is about its rules, and also counts requests of its target groups.
    if recount.target_group.is_some() { same(counted, requests, 0) } else { holds(counted <= requests, "too few") }
}

fn took(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let of_scope: Vec<f64> = recount
        .failures()
        .filter_map(|line| Some(Duration::from_micros(u64::try_from(line.time - line.created?).ok()?).as_secs_f64()))
        .collect();
    // Outcomes of rules and functions have no rule here.
    if of_scope.is_empty() {
        return Ok(());
    }
    let (low, high) = of_scope.iter().fold((f64::MAX, 0.0_f64), |(low, high), &it| (low.min(it), high.max(it)));
    let near = |one: f64, other: f64| (one - other).abs() <= 0.001 + one * 0.01;
    holds(near(low, seconds(said[0])) && near(high, seconds(said[1])), &format!("they took {low} to {high} s"))
}

fn sent_by_agent(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let mut others = recount.failures().filter(|line| line.field(alb::USER_AGENT) != said[0]);
    holds(others.next().is_none(), "another user agent has such failures, too")
}

fn all_to_route(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let begin = format!("{} ", said[0]);
    let mut others = recount.failures().filter(|line| !line.field(alb::REQUEST_LINE).starts_with(&begin));
    holds(others.next().is_none(), "one has another method")
}

fn all_with_code(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let with_code = recount.lines.iter().filter(|line| line.field(alb::ERROR_REASON) == said[0]).count() as u64;
    holds(with_code >= recount.finding.failures, &format!("{with_code} lines have {}", said[0]))
}

/// When the last failure of the finding ended.
fn last_end(recount: &Recount<'_>) -> i64 {
    recount.finding.span.map_or(0, |span| span.last.as_micros())
}

fn answered_again(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    // It was sent that long after the last time that the target ended, which is within the finding's span.
    let span = recount.finding.span.expect("failures have a time");
    #[expect(clippy::cast_possible_truncation, reason = "a time within the log")]
    let later = (seconds(said[0]) * 1e6) as i64;
    let range = span.first.as_micros() + later - SECOND..=span.last.as_micros() + later + SECOND;
    let mut again = recount.of_target().filter(|line| has_answered(line) && range.contains(&dispatched(line)));
    holds(again.next().is_some(), "nothing was answered then")
}

fn never_answered_again(recount: &Recount<'_>, _: &[&str]) -> Result<(), String> {
    let last = last_end(recount);
    let mut later = recount.of_target().filter(|line| has_answered(line) && dispatched(line) > last);
    holds(later.next().is_none(), "it answered again")
}

fn no_successor(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    if recount.is_of_many {
        return Ok(());
    }
    let mut first: BTreeMap<&str, i64> = BTreeMap::new();
    for line in recount.in_group().filter(|line| !line.target().is_empty()) {
        let known = first.entry(line.target()).or_insert(i64::MAX);
        *known = dispatched(line).min(*known);
    }
    #[expect(clippy::cast_possible_truncation, reason = "a time within the log")]
    let until = last_end(recount) + (seconds(said[0]) * 1e6) as i64;
    let started = first.values().filter(|first| (last_end(recount)..=until).contains(first)).count();
    same(started, 0, 0)
}

fn target_status(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let of_target = recount.of_target().filter(|line| line.field(alb::TARGET_STATUS_CODE) == said[0]).count();
    holds(recount.target.is_none() || of_target >= number(said[1]), &format!("the log has {of_target}"))
}

/// Checks every sentence whose form is known, and counts how often each form was met.
fn check(incident: &Incident, met: &mut BTreeMap<&'static str, usize>) -> Vec<String> {
    let summary = incident.log.summary();
    let diagnosis = diagnose(&summary, &Context::default());
    let mut wrong = Vec::new();
    for finding in &diagnosis.findings {
        for evidence in &finding.evidence {
            let (recount, text) = Recount::new(&summary, finding, &incident.log).about(&evidence.text);
            let fits = FORMS.iter().filter_map(|form| Some((form, captures(form.form, text)?)));
            // The form that says most of it itself.
            let found = fits.max_by_key(|(form, _)| form.form.len());
            if let Some((Form { form, check }, said)) = found {
                *met.entry(form).or_default() += 1;
                if let Err(error) = check(&recount, &said) {
                    wrong.push(format!("{}, {}: {:?}: {error}", incident.name, finding.cause.id, evidence.text));
                }
            }
        }
    }
    wrong
}

#[test]
fn what_the_evidence_says_is_counted_again() {
    let mut met = BTreeMap::new();
    let wrong: Vec<String> = Incident::fixtures().iter().flat_map(|incident| check(incident, &mut met)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let never: Vec<&str> = FORMS.iter().map(|form| form.form).filter(|form| !met.contains_key(form)).collect();
    assert!(never.is_empty(), "no finding has such a sentence: {never:#?}");
}

#[test]
fn a_sentence_is_cut_at_what_differs() {
    assert_eq!(captures("{} of {} failed", "3 of 1,204 requests failed"), Some(vec!["3", "1,204 requests"]));
    assert_eq!(captures("{} of {} failed", "3 of 4 did"), None);
    assert_eq!(captures("none", "none"), Some(vec![]));
    assert_eq!(captures("none", "none of"), None);
    assert_eq!(number("1,204 requests"), 1_204);
}
