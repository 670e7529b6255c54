//! What a word of a log or a report means: a cause, an outcome, a status, a code of `error_reason`, a field.

use std::io::{self, Write};

use albscope::classify::{Outcome, Reason, outcomes_of_reason, outcomes_of_status};
use albscope::diagnose::first_cause::causes_of;
use albscope::kind::Alb;
use albscope::knowledge::causes::{CAUSES, Cause, cause};
use albscope::knowledge::error_reasons;
use albscope::record::ReadKind;
use albscope::schema::Field;

use super::cause;
use super::page::PageWriter;

/// Names that are less alike than this are not offered (Jaro-Winkler, 0 to 1).
const MIN_LIKENESS: f64 = 0.75;

/// At most this many similar names are offered.
const MAX_SIMILAR: usize = 3;

/// What a word may be about. A word may be several: `connect-timeout` is a cause and an outcome.
#[derive(Clone, Copy)]
enum Topic {
    Cause(&'static Cause),
    Outcome(Outcome),
    Status(u16),
    ErrorReason { code: &'static str, meaning: &'static str },
    Field { number: usize, field: &'static Field },
}

/// Writes all that is known about `word`, in lines of at most `width` columns. Returns whether anything is.
pub(super) fn write(word: &str, width: usize, out: &mut dyn Write) -> io::Result<bool> {
    let topics = topics_of(word);
    for (index, topic) in topics.iter().enumerate() {
        if index > 0 {
            writeln!(out, "\n")?;
        }
        topic.write(width, out)?;
    }
    Ok(!topics.is_empty())
}

/// The known words that are most like this one, the likest first. May be empty.
pub(super) fn similar(word: &str) -> Vec<&'static str> {
    let wanted = word.to_lowercase();
    let names = CAUSES.iter().map(|cause| cause.id).chain(Outcome::ALL.iter().map(|outcome| outcome.id()));
    let names = names.chain(error_reasons::all().map(|(code, _)| code)).chain(fields().map(|field| field.name));
    let likeness = |name: &str| strsim::jaro_winkler(&name.to_lowercase(), &wanted);
    let mut likest: Vec<(f64, &str)> = names.map(|name| (likeness(name), name)).collect();
    likest.retain(|(likeness, _)| *likeness >= MIN_LIKENESS);
    likest.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(other.1)));
    likest.dedup_by_key(|(_, name)| *name);
    likest.into_iter().map(|(_, name)| name).take(MAX_SIMILAR).collect()
}

fn fields() -> impl Iterator<Item = &'static Field> {
    Alb::SCHEMA.fields.iter()
}

fn topics_of(word: &str) -> Vec<Topic> {
    let is_it = |name: &str| name.eq_ignore_ascii_case(word);
    let outcome = Outcome::ALL.iter().copied().find(|outcome| is_it(outcome.id()));
    let status = word.parse().ok().filter(|status| (100..=599).contains(status));
    let code = error_reasons::all().find(|(code, _)| is_it(code));
    let field = fields().zip(1..).find(|(field, _)| is_it(field.name));
    [
        cause(&word.to_ascii_lowercase()).map(Topic::Cause),
        outcome.map(Topic::Outcome),
        status.map(Topic::Status),
        code.map(|(code, meaning)| Topic::ErrorReason { code, meaning }),
        field.map(|(field, number)| Topic::Field { number, field }),
    ]
    .into_iter()
    .flatten()
    .collect()
}

impl Topic {
    fn write(self, width: usize, out: &mut dyn Write) -> io::Result<()> {
        match self {
            Self::Cause(it) => cause::write(it, width, out),
            Self::Outcome(outcome) => write_outcome(outcome, &mut PageWriter::new(out, width)),
            Self::Status(status) => write_status(status, &mut PageWriter::new(out, width)),
            Self::ErrorReason { code, meaning } => write_code(code, meaning, &mut PageWriter::new(out, width)),
            Self::Field { number, field } => {
                let mut page = PageWriter::new(out, width);
                page.prose("", "", &format!("{}: field {number} of a line of an access log", field.name))?;
                page.section("meaning", "")?;
                page.prose("  ", "  ", field.meaning)
            }
        }
    }
}

fn write_outcome(outcome: Outcome, page: &mut PageWriter<'_>) -> io::Result<()> {
    page.prose("", "", &format!("{}: {} (how a request ended)", outcome.id(), outcome.title()))?;
    page.section("answered by", "")?;
    page.prose("  ", "  ", outcome.answered_by().title())?;
    page.section("counts as failed", "")?;
    page.prose("  ", "  ", if outcome.is_failure() { "yes" } else { "no" })?;
    write_causes(&[outcome], page)
}

fn write_status(status: u16, page: &mut PageWriter<'_>) -> io::Result<()> {
    page.prose("", "", &format!("{status}: a status that the client got (elb_status_code)"))?;
    page.section("how such a request may have ended", "the other fields of its line tell which")?;
    write_outcomes(&outcomes_of_status(status), page)
}

fn write_code(code: &str, meaning: &str, page: &mut PageWriter<'_>) -> io::Result<()> {
    page.prose("", "", &format!("{code}: a code of error_reason"))?;
    page.section("meaning", "")?;
    page.prose("  ", "  ", meaning)?;
    let outcomes = outcomes_of_reason(Reason::parse(code.as_bytes()));
    page.section("how such a request ended", "")?;
    write_outcomes(&outcomes, page)?;
    write_causes(&outcomes, page)
}

fn write_outcomes(outcomes: &[Outcome], page: &mut PageWriter<'_>) -> io::Result<()> {
    for outcome in outcomes {
        let failed = if outcome.is_failure() { "" } else { "; does not count as failed" };
        let by = outcome.answered_by().title();
        let text = format!("{}: {} (answered by: {by}{failed})", outcome.id(), outcome.title());
        page.prose("  ", "    ", &text)?;
    }
    Ok(())
}

/// Nothing if requests that ended so do not count as failed.
fn write_causes(outcomes: &[Outcome], page: &mut PageWriter<'_>) -> io::Result<()> {
    let mut causes: Vec<&Cause> = Vec::new();
    for cause in outcomes.iter().flat_map(|outcome| causes_of(*outcome)) {
        if !causes.contains(&cause) {
            causes.push(cause);
        }
    }
    if causes.is_empty() {
        return Ok(());
    }
    page.section("causes that it may have", "albscope explain CAUSE says more")?;
    for cause in causes {
        page.prose("  ", "    ", &format!("{}: {}", cause.id, cause.title))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(word: &str, width: usize) -> String {
        let mut out = Vec::new();
        assert!(write(word, width, &mut out).expect("memory takes it"), "{word}");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn each_name_that_a_log_or_a_report_has_is_explained() {
        let codes = error_reasons::all().map(|(code, _)| code);
        let names =
            Outcome::ALL.iter().map(|outcome| outcome.id()).chain(codes).chain(fields().map(|field| field.name));
        for name in names {
            for width in [40, 80, 200] {
                let page = page(name, width);
                assert!(page.starts_with(name), "{name}: {page}");
                let is_narrow = |line: &str| line.chars().count() <= width || !line.trim().contains(' ');
                // A name may be longer. Commands of a cause are to be copied; they have a test of their own.
                let is_copied = |line: &str| line.starts_with("    ");
                assert!(page.lines().all(|line| is_narrow(line) || is_copied(line)), "{name} at {width}: {page}");
            }
        }
        for status in 100..600_u16 {
            let page = page(&status.to_string(), 80);
            assert!(page.lines().count() > 3, "{status} has no outcome: {page}");
        }
    }

    #[test]
    fn a_word_that_is_a_cause_and_an_outcome_is_explained_as_both() {
        let page = page("connect-timeout", 80);
        assert!(page.contains("evidence for it") && page.contains("counts as failed"), "{page}");
    }

    #[test]
    fn a_status_lists_who_may_have_answered() {
        let page = page("502", 80);
        for outcome in ["connect-failed", "closed-before-response", "response-rejected", "target-gateway-error"] {
            assert!(page.contains(&format!("  {outcome}:")), "{outcome}: {page}");
        }
        // A target's own 502 has an outcome of its own.
        assert!(!page.contains("idle-timeout") && !page.contains("target-error"), "{page}");
    }

    #[test]
    fn a_word_that_is_nothing_gets_the_likest_ones() {
        for (word, likest) in [
            ("keepalive-race", "keep-alive-race"),
            ("lambdaunhandeld", "LambdaUnhandled"),
            ("target_processing", "target_processing_time"),
            ("idle-timout", "idle-timeout"),
        ] {
            assert!(!write(word, 80, &mut Vec::new()).expect("memory takes it"), "{word}");
            assert_eq!(similar(word).first(), Some(&likest), "{word}");
        }
        assert_eq!(similar("zzzz"), [""; 0]);
        for outside in ["99", "600", "70000", ""] {
            assert!(topics_of(outside).is_empty(), "{outside}");
        }
    }
}
