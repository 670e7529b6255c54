//! The report as Markdown, for a chat or a ticket.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::plain::{CUT, sanitize_terminal, shortened};
use super::{FindingRow, NoticeRow, Report};
use super::{numbers, phrases};

/// At most this many findings, target groups and targets are shown; the rest is counted.
const MAX_ROWS: usize = 20;

/// A sample line is cut to this many columns.
const MAX_SAMPLE_WIDTH: usize = 1_000;

/// Names in the headings of findings, and reasons of problems, are cut to this many columns: they are untrusted text
/// too.
const MAX_NAME_WIDTH: usize = 120;

pub(super) fn render(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "# ALB access logs: {}\n", verdict(report))?;
    match numbers::window(report.window) {
        Some(window) => writeln!(
            out,
            "{}, {} failed ({}), {window} UTC.\n",
            numbers::counted(report.requests, "request"),
            numbers::count(report.failures),
            numbers::percent(report.failures, report.requests),
        )?,
        None => writeln!(out, "{}\n", escaped(&phrases::nothing(report)))?,
    }
    for index in 0..report.findings.len().min(MAX_ROWS) {
        render_finding(report, index, out)?;
    }
    if report.findings.len() > MAX_ROWS {
        writeln!(out, "{}.\n", numbers::counted((report.findings.len() - MAX_ROWS) as u64, "more finding"))?;
    }
    if let Some(unexplained) = phrases::unexplained(report) {
        writeln!(out, "{unexplained}.\n")?;
    }
    render_notices(report, out)?;
    render_target_groups(report, out)?;
    render_targets(report, out)?;
    render_outcomes(report, out)?;
    render_input(report, out)
}

fn verdict(report: &Report) -> String {
    match (report.findings.len(), report.failures) {
        (0, 0) if report.requests == 0 => "no requests".to_owned(),
        (0, 0) => "nothing failed".to_owned(),
        (0, _) => "no finding".to_owned(),
        (findings, _) => numbers::counted(findings as u64, "finding"),
    }
}

fn render_finding(report: &Report, index: usize, out: &mut dyn Write) -> io::Result<()> {
    let finding = &report.findings[index];
    let failures = numbers::counted(finding.failures, "failure");
    render_what_and_why(finding, &format!("## {}. ", index + 1), &failures, out)?;
    let commands = render_advice(report, index, out)?;
    render_sample(finding, &commands, out)
}

/// The causes of requests that do not count as failed. There is no section if there are none.
fn render_notices(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    if report.notices.is_empty() {
        return Ok(());
    }
    writeln!(out, "## Notices\n\nCauses of requests that do not count as failed.\n")?;
    for NoticeRow(notice) in report.notices.iter().take(MAX_ROWS) {
        render_what_and_why(notice, "### ", &numbers::counted(notice.failures, "request"), out)?;
        writeln!(out, "- **fix**: {} [AWS]({})", escaped(&phrases::fix(notice)), notice.docs)?;
        let questions: Vec<&str> = notice.checks.iter().map(|check| check.question).collect();
        if !questions.is_empty() {
            writeln!(out, "- **verify**: {}", escaped(&questions.join(" ")))?;
        }
        let commands: Vec<String> =
            notice.checks.iter().map(|check| sanitize_terminal(&check.command).into_owned()).collect();
        render_sample(notice, &commands, out)?;
    }
    if report.notices.len() > MAX_ROWS {
        writeln!(out, "{}.\n", numbers::counted((report.notices.len() - MAX_ROWS) as u64, "more notice"))?;
    }
    Ok(())
}

/// What a finding or notice is about, its cause, and the evidence. `count` says how many requests it explains.
fn render_what_and_why(finding: &FindingRow, heading: &str, count: &str, out: &mut dyn Write) -> io::Result<()> {
    let (what, within) = phrases::scope(&finding.scope);
    let (what, within) = (shortened(&what, MAX_NAME_WIDTH), shortened(&within, MAX_NAME_WIDTH));
    writeln!(out, "{heading}{}: {count}\n", escaped(&what))?;
    writeln!(
        out,
        "- **cause**: `{}` ({} confidence): {}",
        finding.cause,
        finding.confidence.id(),
        escaped(finding.title)
    )?;
    if !within.is_empty() {
        writeln!(out, "- **where**: {}", escaped(&within))?;
    }
    if let Some(when) = phrases::when(finding) {
        writeln!(out, "- **when**: {when}")?;
    }
    if let Some(targets) = phrases::at_targets(finding, CUT) {
        writeln!(out, "- **targets**: {}", escaped(&targets))?;
    }
    for evidence in &finding.evidence {
        let label = if evidence.0.is_for { "why" } else { "but" };
        writeln!(out, "- **{label}**: {}", escaped(&evidence.0.text))?;
    }
    if let Some(also_fits) = phrases::also_fits(finding) {
        writeln!(out, "- **also**: {also_fits}")?;
    }
    Ok(())
}

/// Where the first sample is; then the commands, and the sample's line.
fn render_sample(finding: &FindingRow, commands: &[String], out: &mut dyn Write) -> io::Result<()> {
    if let Some(sample) = finding.samples.first() {
        writeln!(out, "- **sample**: {}, line {}", code(&sample.object), sample.line)?;
    }
    writeln!(out)?;
    if !commands.is_empty() {
        fenced("sh", &commands.join("\n"), out)?;
    }
    if let Some(sample) = finding.samples.first() {
        fenced("text", &shortened(&sample.text, MAX_SAMPLE_WIDTH), out)?;
    }
    Ok(())
}

/// A code block. Its fences have more backticks than any run of them in the text.
fn fenced(language: &str, text: &str, out: &mut dyn Write) -> io::Result<()> {
    let fence = "`".repeat(longest_run(text, '`').max(2) + 1);
    writeln!(out, "{fence}{language}\n{text}\n{fence}\n")
}

/// What to do, and how to be sure. A finding with the cause and target group of an earlier one refers to that.
/// Returns the commands that the earlier one does not have.
fn render_advice(report: &Report, index: usize, out: &mut dyn Write) -> io::Result<Vec<String>> {
    let finding = &report.findings[index];
    let like = FindingRow::first_like(&report.findings, index);
    let other = like.map(|like| &report.findings[like]);
    let as_other = like.map_or_else(String::new, |like| format!("same as finding {}", like + 1));
    match other {
        Some(_) => writeln!(out, "- **fix**: {as_other}")?,
        None => writeln!(out, "- **fix**: {} [AWS]({})", escaped(&phrases::fix(finding)), finding.docs)?,
    }
    if !finding.settings.is_empty() && other.is_none_or(|other| other.settings != finding.settings) {
        writeln!(out, "- **config** ({}):", escaped(&phrases::settings_note(finding, report.idle_timeout)))?;
        for row in &finding.settings {
            writeln!(out, "  - {}: {}", escaped(row.server), code(row.setting))?;
        }
    }
    let known = other.map_or(&[][..], |other| &other.checks);
    let (said, left): (Vec<_>, Vec<_>) = finding.checks.iter().partition(|check| known.contains(check));
    let questions: Vec<&str> = left.iter().map(|check| check.question).collect();
    let as_other = match (said.is_empty(), left.is_empty()) {
        (true, _) => String::new(),
        (false, true) => as_other,
        (false, false) => format!("{as_other}, and: "),
    };
    if !finding.checks.is_empty() {
        writeln!(out, "- **verify**: {as_other}{}", escaped(&questions.join(" ")))?;
    }
    Ok(left.iter().map(|check| sanitize_terminal(&check.command).into_owned()).collect())
}

fn render_target_groups(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let groups = phrases::target_groups(report);
    if groups.is_empty() {
        return Ok(());
    }
    writeln!(out, "## Target groups\n")?;
    writeln!(out, "| target group | targets | requests | failed | share | likely cause |")?;
    writeln!(out, "| --- | ---: | ---: | ---: | ---: | --- |")?;
    for group in groups.iter().take(MAX_ROWS) {
        let name = group.target_group.as_deref().map_or("-", phrases::target_group_name);
        writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} |",
            escaped(&shortened(name, 80)),
            numbers::count(group.targets),
            numbers::count(group.requests),
            numbers::count(group.failures),
            numbers::percent(group.failures, group.requests),
            phrases::likely(group.cause, group.confidence),
        )?;
    }
    if groups.len() > MAX_ROWS {
        let rest = numbers::counted((groups.len() - MAX_ROWS) as u64, "more target group");
        writeln!(out, "\n{rest}")?;
    }
    writeln!(out)
}

fn render_targets(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    if report.targets.is_empty() {
        return Ok(());
    }
    writeln!(out, "## Targets\n")?;
    writeln!(
        out,
        "| target | target group | requests | failed | share | p50 s | p99 s | most failures | likely cause |"
    )?;
    writeln!(out, "| --- | --- | ---: | ---: | ---: | ---: | ---: | --- | --- |")?;
    for target in report.targets.iter().take(MAX_ROWS) {
        let group = target.target_group.as_deref().map_or("-", phrases::target_group_name);
        let cause = phrases::likely(target.cause, target.confidence);
        writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} | {} | {} | {cause} |",
            escaped(&shortened(&target.target, 80)),
            escaped(&shortened(group, 40)),
            numbers::count(target.requests),
            numbers::count(target.failures),
            numbers::percent(target.failures, target.requests),
            numbers::seconds(target.latency.p50),
            numbers::seconds(target.latency.p99),
            target.dominant_failure.map_or("", |outcome| outcome.id()),
        )?;
    }
    if report.targets.len() > MAX_ROWS {
        let rest = &report.targets[MAX_ROWS..];
        let failures = numbers::counted(rest.iter().map(|target| target.failures).sum(), "failure");
        writeln!(out, "\n{} with {failures}.", numbers::counted(rest.len() as u64, "more target"))?;
    }
    writeln!(out)
}

fn render_outcomes(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    if report.outcomes.0.is_empty() {
        return Ok(());
    }
    writeln!(out, "## How requests ended\n")?;
    writeln!(out, "| outcome | meaning | answered by | requests | share |")?;
    writeln!(out, "| --- | --- | --- | ---: | ---: |")?;
    for &(outcome, requests) in &report.outcomes.0 {
        writeln!(
            out,
            "| {} | {} | {} | {} | {} |",
            outcome.id(),
            outcome.title(),
            outcome.answered_by().title(),
            numbers::count(requests),
            numbers::percent(requests, report.requests),
        )?;
    }
    writeln!(out)
}

fn render_input(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let input = &report.input;
    writeln!(out, "Read {}. albscope {}.", phrases::what_was_read(input), report.albscope_version)?;
    if let Some(cached) = &input.from_cache {
        writeln!(out, "- {}", phrases::from_cache(cached))?;
    }
    for (what, skipped) in phrases::left_out(input) {
        writeln!(out, "- {what} left out: {}", phrases::listed(skipped))?;
    }
    for problem in &input.problems {
        let mut line = format!("- **{}**: {}", phrases::affected(problem), problem.title);
        if let Some(sample) = problem.samples.first() {
            // Writing to a String cannot fail.
            let _ = write!(line, ", first {}", code(&sample.object));
            if let (Some(number), Some(byte)) = (sample.line, sample.byte) {
                let _ = write!(line, ", line {}, byte {}", numbers::count(number), numbers::count(byte));
            }
            if let Some(reason) = &sample.reason {
                let _ = write!(line, ": {}", escaped(&shortened(reason, MAX_NAME_WIDTH)));
            }
        }
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// The text, with all characters escaped that Markdown or HTML would interpret.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in sanitize_terminal(text).chars() {
        match character {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' => {
                escaped.push('\\');
                escaped.push(character);
            }
            // A bare address would become a link, and `@name` would notify somebody.
            '@' => escaped.push_str("&#64;"),
            _ => escaped.push(character),
        }
    }
    escaped
}

/// Inline code, between more backticks than any run of them in the text.
fn code(text: &str) -> String {
    let text = sanitize_terminal(text);
    let ticks = "`".repeat(longest_run(&text, '`') + 1);
    // A reader takes a space away at both ends if there is one at both, and text of nothing but spaces as it is.
    let has_spaces = text.starts_with(' ') && text.ends_with(' ') && !text.trim_matches(' ').is_empty();
    let pad = if text.starts_with('`') || text.ends_with('`') || has_spaces { " " } else { "" };
    format!("{ticks}{pad}{text}{pad}{ticks}")
}

fn longest_run(text: &str, wanted: char) -> usize {
    let mut longest = 0;
    let mut run = 0;
    for character in text.chars() {
        run = if character == wanted { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a reader shows for escaped text: backslashes and references undone. `None` if the text has a character
    /// that Markdown or HTML would interpret.
    fn shown(markdown: &str) -> Option<String> {
        let mut text = String::new();
        let mut rest = markdown;
        while let Some(first) = rest.chars().next() {
            let references = [("&lt;", '<'), ("&gt;", '>'), ("&amp;", '&'), ("&#64;", '@')];
            let reference = references.into_iter().find(|(reference, _)| rest.starts_with(reference));
            let (len, character) = match (reference, first) {
                (Some((reference, character)), _) => (reference.len(), character),
                (None, '\\') => (2, rest[1..].chars().next()?),
                (None, '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '<' | '>' | '&' | '@') => return None,
                (None, other) => (other.len_utf8(), other),
            };
            text.push(character);
            rest = &rest[len..];
        }
        Some(text)
    }

    /// The text of a line that is nothing but a code span, as `CommonMark` reads it: it ends at the next run of as many
    /// backticks, and loses a space at both ends if it has one at both and is not blank.
    fn shown_code(markdown: &str) -> Option<String> {
        let ticks = markdown.len() - markdown.trim_start_matches('`').len();
        let inner = markdown.get(ticks..markdown.len() - ticks)?;
        let runs = inner.split(|it| it != '`').map(str::len);
        if ticks == 0
            || inner.is_empty()
            || inner.starts_with('`')
            || inner.ends_with('`')
            || runs.into_iter().any(|run| run == ticks)
        {
            return None;
        }
        let stripped = inner.strip_prefix(' ').and_then(|inner| inner.strip_suffix(' '));
        Some(stripped.filter(|_| !inner.trim_matches(' ').is_empty()).unwrap_or(inner).to_owned())
    }

    const HOSTILE: &str = "[a `*_\\\\\\[\\]|#~<>&;@l\\-\n\u{202e}\u{1b}é]{1,12}";

    proptest! {
        #[test]
        fn escaped_text_is_shown_as_it_is(text in HOSTILE) {
            prop_assert_eq!(shown(&escaped(&text)), Some(sanitize_terminal(&text).into_owned()));
        }

        #[test]
        fn code_is_shown_as_it_is(hostile in HOSTILE, text in "[ `a]{1,6}") {
            for text in [hostile, text] {
                let markdown = code(&text);
                prop_assert_eq!(shown_code(&markdown), Some(sanitize_terminal(&text).into_owned()), "{}", markdown);
            }
        }

        /// A fence ends a block if it is alone on a line and at least as long as the one before the block.
        #[test]
        fn no_line_of_a_block_ends_it(lines in prop::collection::vec("[`a]{0,6}", 1..5)) {
            let text = lines.join("\n");
            let mut out = Vec::new();
            fenced("text", &text, &mut out).expect("a Vec takes all");
            let block = String::from_utf8(out).expect("UTF-8");
            let fence = block.strip_suffix("\n\n").expect("an empty line").rsplit('\n').next().expect("a line").to_owned();
            prop_assert!(fence.len() >= 3 && fence.bytes().all(|byte| byte == b'`'), "{fence}");
            prop_assert!(lines.iter().all(|line| !line.starts_with(&fence)), "{block}");
            prop_assert_eq!(block, format!("{fence}text\n{text}\n{fence}\n\n"));
        }
    }
}
