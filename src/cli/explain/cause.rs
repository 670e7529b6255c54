//! A cause, laid out for a terminal.

use std::io::{self, Write};

use albscope::classify::Outcome;
use albscope::diagnose::first_cause::causes_of;
use albscope::knowledge::causes::{Cause, Method, Setting};
use comfy_table::{ColumnConstraint, ContentArrangement, Table, Width};

use super::page::{MAX_PROSE_WIDTH, PageWriter};

/// A setting is on the same line as the name of its stack if the name is at most this long.
const MAX_STACK_WIDTH: usize = 28;

/// Writes everything that is known about `cause`, in lines of at most `width` columns. Text to copy (settings,
/// commands, links) may be longer.
pub(super) fn write(cause: &Cause, width: usize, out: &mut dyn Write) -> io::Result<()> {
    let mut page = PageWriter::new(out, width);
    page.prose("", "", &format!("{}: {}", cause.id, cause.title))?;
    page.section("meaning", "")?;
    page.prose("  ", "  ", cause.meaning)?;
    for (title, texts) in [("evidence for it", cause.evidence_for), ("evidence against it", cause.evidence_against)] {
        page.section(title, "")?;
        for text in texts {
            page.prose("  - ", "    ", text)?;
        }
    }
    page.section("fix", "")?;
    page.prose("  ", "  ", cause.fix)?;
    if !cause.settings.is_empty() {
        page.section("settings", "for an idle timeout of 60 s, if they depend on it")?;
        write_settings(cause.settings, &mut page)?;
    }
    page.section("methods", "the first is the usual one")?;
    write_methods(cause.methods, &mut page)?;
    page.section("to confirm it", "commands that only read; replace what is in braces")?;
    for check in cause.checks {
        page.prose("  ", "  ", check.question)?;
        writeln!(page.out, "    {}", check.command)?;
    }
    let outcomes: Vec<&Outcome> = Outcome::ALL.iter().filter(|outcome| causes_of(**outcome).contains(&cause)).collect();
    if !outcomes.is_empty() {
        page.section("outcomes that may have this cause", "")?;
        for outcome in outcomes {
            page.prose("  ", "    ", &format!("{}: {}", outcome.id(), outcome.title()))?;
        }
    }
    page.section("docs", "")?;
    writeln!(page.out, "  {}", cause.docs)
}

fn write_settings(settings: &[Setting], page: &mut PageWriter<'_>) -> io::Result<()> {
    let stacks = settings.iter().map(|setting| setting.stack.len()).filter(|len| *len <= MAX_STACK_WIDTH);
    let column = stacks.max().unwrap_or_default();
    for Setting { stack, setting } in settings {
        if stack.len() <= column && column + setting.len() + 4 <= page.width {
            writeln!(page.out, "  {stack:column$}  {setting}")?;
        } else {
            page.prose("  ", "  ", stack)?;
            writeln!(page.out, "    {setting}")?;
        }
    }
    Ok(())
}

fn write_methods(methods: &[Method], page: &mut PageWriter<'_>) -> io::Result<()> {
    let mut table = Table::new();
    table
        .load_style(comfy_table::presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(u16::try_from(page.width.min(MAX_PROSE_WIDTH)).unwrap_or(u16::MAX))
        .set_header(["Method", "When to use", "Time", "Risk"]);
    for Method { method, when, time, risk, .. } in methods {
        table.add_row([method, when, time, risk.id()]);
    }
    for index in [2, 3] {
        if let Some(column) = table.column_mut(index) {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    if let Some(column) = table.column_mut(0) {
        column.set_constraint(ColumnConstraint::UpperBoundary(Width::Percentage(45)));
    }
    for line in table.lines() {
        writeln!(page.out, " {}", line.trim_end())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use albscope::knowledge::causes::CAUSES;

    fn lines(cause: &Cause, width: usize) -> Vec<String> {
        let mut out = Vec::new();
        write(cause, width, &mut out).expect("a Vec takes all");
        String::from_utf8(out).expect("UTF-8").lines().map(str::to_owned).collect()
    }

    #[test]
    fn only_text_to_copy_is_wider_than_the_terminal() {
        for cause in CAUSES {
            let mut copied: Vec<&str> = cause.settings.iter().map(|setting| setting.setting).collect();
            copied.extend(cause.checks.iter().map(|check| check.command));
            copied.push(cause.docs);
            for width in [40, 80, 120, 200] {
                for line in lines(cause, width) {
                    let is_copied = copied.contains(&line.trim_start());
                    assert!(is_copied || line.chars().count() <= width, "{} of {width}: {line}", cause.id);
                }
            }
        }
    }

    #[test]
    fn nothing_is_left_out() {
        for cause in CAUSES {
            let text = lines(cause, 80).join("\n");
            let words: Vec<&str> = text.split_whitespace().collect();
            let text = words.join(" ");
            let mut parts = vec![cause.meaning, cause.fix, cause.docs];
            parts.extend(cause.evidence_for);
            parts.extend(cause.evidence_against);
            parts.extend(cause.settings.iter().map(|setting| setting.setting));
            parts.extend(cause.checks.iter().flat_map(|check| [check.question, check.command]));
            for part in parts {
                // Wrapping removes single spaces only.
                assert!(text.contains(part), "{}: {part}", cause.id);
            }
        }
    }
}
