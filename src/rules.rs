//! Rules: what about a report makes the exit status 1.
//!
//! Input: a [`Report`], and rules as a person typed them (`--fail-on`). Output: what each rule found. To add a kind of
//! rule, add a row to [`RULE_KINDS`]; `--fail-on` then takes it, and a test asks for its line in `docs/rules.md`.
//!
//! ```
//! use albscope::rules::Rule;
//!
//! let rule: Rule = "target-crash:high".parse()?;
//! assert_eq!(rule.to_string(), "target-crash:high");
//! assert!("target-crash:sure".parse::<Rule>().is_err());
//! # Ok::<(), String>(())
//! ```

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::diagnose::Confidence;
use crate::knowledge::causes::cause;
use crate::report::{Report, phrases};

/// One kind of rule.
#[derive(Debug)]
pub struct RuleKind {
    /// Names the kind; never changes.
    pub id: &'static str,
    /// How such a rule is typed: `CAUSE[:CONFIDENCE]`.
    pub form: &'static str,
    /// What it looks for in a report: one sentence.
    pub meaning: &'static str,
    /// `None` if the text has the form of another kind of rule, an error for people if it has this form and cannot be
    /// a rule.
    parse: fn(&str) -> Option<Result<RuleTest, String>>,
}

/// All kinds of rules. A text is a rule of the first kind whose form it has.
pub const RULE_KINDS: &[RuleKind] = &[RuleKind {
    id: "cause",
    form: "CAUSE[:CONFIDENCE]",
    meaning: "a finding or a notice has this cause, with at least this confidence (low, medium or high; low if left \
        out)",
    // The only kind without a keyword of its own, so it takes whatever no other kind took. Keep it last.
    parse: |text| Some(has_cause(text)),
}];

/// What a rule does with a report: one text for each thing that it matches.
type RuleTest = Arc<dyn Fn(&Report) -> Vec<String> + Send + Sync>;

/// A rule as somebody typed it, ready to be tested on a report.
#[derive(Clone)]
pub struct Rule {
    kind: &'static RuleKind,
    text: String,
    test: RuleTest,
}

impl Rule {
    /// Its kind: a row of [`RULE_KINDS`].
    #[must_use]
    pub fn kind(&self) -> &'static RuleKind {
        self.kind
    }

    /// What the rule finds in a report, in the report's order: one text each, such as `target-crash (high confidence)
    /// at target 10.0.1.7:80`. Empty if the rule does not match. The texts have names from the log: sanitize them
    /// before they reach a terminal.
    #[must_use]
    pub fn matches(&self, report: &Report) -> Vec<String> {
        (self.test)(report)
    }
}

impl FromStr for Rule {
    type Err = String;

    /// # Errors
    /// If the text has the form of no kind of rule, or names something that does not exist. The message says what is
    /// expected.
    fn from_str(text: &str) -> Result<Self, String> {
        for kind in RULE_KINDS {
            if let Some(test) = (kind.parse)(text) {
                return Ok(Self { kind, text: text.to_owned(), test: test? });
            }
        }
        let forms: Vec<&str> = RULE_KINDS.iter().map(|kind| kind.form).collect();
        Err(format!("expected {}", forms.join(" or ")))
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Rule({}: {})", self.kind.id, self.text)
    }
}

/// The rule `CAUSE[:CONFIDENCE]`.
fn has_cause(text: &str) -> Result<RuleTest, String> {
    let (id, confidence) = text.split_once(':').unwrap_or((text, Confidence::Low.id()));
    let cause = cause(id).ok_or_else(|| format!("there is no cause {id}; albscope explain lists them"))?;
    let least = Confidence::ALL
        .into_iter()
        .find(|known| known.id() == confidence)
        .ok_or_else(|| format!("unknown confidence {confidence}; expected low, medium or high"))?;
    Ok(Arc::new(move |report| {
        let rows = report.findings.iter().chain(report.notices.iter().map(|notice| &notice.0));
        let found = rows.filter(|row| row.cause == cause.id && row.confidence >= least);
        let text = found.map(|row| {
            let (scope, _) = phrases::scope(&row.scope);
            format!("{} ({} confidence) at {scope}", cause.id, row.confidence.id())
        });
        text.collect()
    }))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use super::*;
    use crate::report::tests::report as sample_report;

    fn matched(rule: &str) -> Vec<String> {
        rule.parse::<Rule>().expect("a rule").matches(&sample_report())
    }

    #[test]
    fn a_rule_takes_a_cause_and_the_lowest_confidence() {
        let report = sample_report();
        let finding = report.findings.iter().find(|row| row.confidence == Confidence::Medium).expect("a finding");
        let of_cause = report.findings.iter().filter(|row| row.cause == finding.cause);
        let at_least = |least| of_cause.clone().filter(|row| row.confidence >= least).count();
        for (typed, expected) in [
            (finding.cause.to_owned(), at_least(Confidence::Low)),
            (format!("{}:low", finding.cause), at_least(Confidence::Low)),
            (format!("{}:medium", finding.cause), at_least(Confidence::Medium)),
            (format!("{}:high", finding.cause), at_least(Confidence::High)),
        ] {
            assert_eq!(matched(&typed).len(), expected, "{typed}");
        }
        assert!(matched(finding.cause)[0].starts_with(finding.cause));
        assert_eq!(matched("lambda-throttled"), [""; 0]);
    }

    #[test]
    fn what_cannot_be_a_rule_is_refused_with_what_is_expected() {
        for (typed, expected) in
            [("crash", "albscope explain"), ("target-crash:sure", "low, medium or high"), ("", "albscope explain")]
        {
            let error = typed.parse::<Rule>().expect_err(typed);
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn the_documentation_lists_every_kind_of_rule() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/rules.md");
        let documented = fs::read_to_string(path).expect("the documentation of rules");
        for RuleKind { id, form, meaning, .. } in RULE_KINDS {
            let row = format!("| `{id}` | `{form}` | {meaning} |");
            assert!(documented.contains(&row), "docs/rules.md lacks this row:\n{row}");
        }
        let ids: BTreeSet<&str> = RULE_KINDS.iter().map(|kind| kind.id).collect();
        assert_eq!(ids.len(), RULE_KINDS.len());
    }
}
