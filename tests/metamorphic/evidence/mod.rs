//! What the evidence says, counted again from the lines. It is slow, and shares nothing with the program but the parser
//! of times. What a finding explains is taken from the numbers that it tells; see `failed`.
//!
//! Each sentence has a form. One without a form fails, so a new sentence needs a recount.

mod bounds;
mod closed;
mod failed;
mod gone;
mod load;
mod notices;
mod races;
mod reader;
mod recount;
mod shapes;
mod shared;
mod silent;
mod starts;
mod timeouts;
mod windows;
pub(crate) mod words;

use std::collections::BTreeMap;

use albscope::diagnose::{Context, Diagnosis, Finding, diagnose};

use crate::incident::Incident;
use crate::log::Log;
use recount::Recount;

/// A form of a sentence, and how to count again what it says. `{}` stands for what differs.
pub(crate) struct Form {
    pub(crate) form: &'static str,
    check: fn(&Recount<'_>, &[&str]) -> Result<(), String>,
}

/// A form of `check`.
const fn form(form: &'static str, check: fn(&Recount<'_>, &[&str]) -> Result<(), String>) -> Form {
    Form { form, check }
}

/// All forms, by what they are about.
const FORMS: &[&[Form]] = &[
    shared::FORMS,
    starts::FORMS,
    gone::FORMS,
    silent::FORMS,
    races::FORMS,
    closed::FORMS,
    timeouts::FORMS,
    load::FORMS,
    windows::FORMS,
    notices::FORMS,
];

/// Sentences that state nothing of the log: what a server does, and what a line cannot tell.
const STATES_NOTHING: &[&str] = &[
    "a server does this if it lets requests run past its timeout and then closes the connection",
    "a TLS handshake that fails leaves the same lines as a refused connection, on any port: the protocol of the target \
     group tells, and which of TargetConnectionErrorCount and TargetTLSNegotiationErrorCount rose",
    "its connections were open, so the process hung (deadlocked, stopped, or all its workers waiting)",
];

/// All forms.
pub(crate) fn forms() -> impl Iterator<Item = &'static Form> {
    FORMS.iter().copied().flatten()
}

/// What was found in some incidents.
#[derive(Default)]
pub(crate) struct Checked {
    /// How often each form was met.
    pub(crate) met: BTreeMap<&'static str, usize>,
    /// The sentences that are not true.
    pub(crate) wrong: Vec<String>,
    pub(crate) sentences: usize,
}

impl Checked {
    /// Checks all that the diagnosis says of an incident.
    pub(crate) fn check(&mut self, incident: &Incident) {
        self.check_by(incident, &incident.log);
    }

    /// Checks what the diagnosis says of an incident by another log. That of the incident makes it true.
    pub(crate) fn check_by(&mut self, incident: &Incident, log: &Log) {
        let summary = incident.log.summary();
        let diagnosis = diagnose(&summary, &Context::default());
        let requests = reader::read(log);
        let findings = diagnosis.findings.iter().map(|finding| (finding, false));
        for (finding, is_notice) in findings.chain(diagnosis.notices.iter().map(|notice| (notice, true))) {
            let told = |what: &str, error: &str| format!("{}, {}: {what}: {error}", incident.name, finding.cause.id);
            let recount = match Recount::new(&summary, &diagnosis, finding, is_notice, &requests) {
                Ok(recount) => recount,
                Err(error) => {
                    self.wrong.push(told("its failures", &error));
                    continue;
                }
            };
            self.sentences_of(&recount, finding, &told);
            self.wrong.extend(shapes::check(&recount).err().map(|error| told("its course", &error)));
        }
    }

    fn sentences_of(&mut self, recount: &Recount<'_>, finding: &Finding, told: &impl Fn(&str, &str) -> String) {
        for evidence in &finding.evidence {
            self.sentences += 1;
            if STATES_NOTHING.contains(&evidence.text.as_str()) {
                continue;
            }
            let (recount, text) = recount.about(&evidence.text);
            let fits = forms().filter_map(|form| Some((form, words::captures(form.form, text)?)));
            // The form that says most of it itself.
            let Some((Form { form, check }, said)) = fits.max_by_key(|(form, _)| form.form.len()) else {
                self.wrong.push(told(&format!("{:?}", evidence.text), "a sentence without a form"));
                continue;
            };
            *self.met.entry(form).or_default() += 1;
            self.wrong.extend(check(&recount, &said).err().map(|error| told(&format!("{:?}", evidence.text), &error)));
        }
    }

    /// Adds what was found in other incidents.
    pub(crate) fn add(&mut self, other: Self) {
        for (form, times) in other.met {
            *self.met.entry(form).or_default() += times;
        }
        self.wrong.extend(other.wrong);
        self.sentences += other.sentences;
    }

    /// The forms that were not met.
    pub(crate) fn never(&self) -> Vec<&'static str> {
        forms().map(|form| form.form).filter(|form| !self.met.contains_key(form)).collect()
    }
}

/// The findings of one cause that are about one target group or its targets.
fn of_group<'d>(diagnosis: &'d Diagnosis, cause: &str, is_in: impl Fn(&Finding) -> bool) -> Vec<&'d Finding> {
    diagnosis.findings.iter().filter(|finding| finding.cause.id == cause && is_in(finding)).collect()
}
