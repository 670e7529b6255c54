//! The report for a person at a terminal, in this order: verdict, heatmap of all requests, findings, target groups,
//! targets, outcomes, input.

mod picture;

use std::io::{self, Write};

use anstyle::{AnsiColor, Effects, Style as Paint};
use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table, Width};
use unicode_width::UnicodeWidthStr;

use super::chart::{LagChart, Legend, TimingChart, against_idle_timeout, not_drawn};
use super::plain::sanitize_terminal;
use super::{FindingRow, Report, Style, TargetRow};
use super::{numbers, phrases};
use crate::diagnose::Confidence;
use picture::{Glyphs, Run};

/// At most this many findings are shown; the rest is counted.
const MAX_FINDINGS: usize = 12;

/// At most this many targets, and this many target groups, are shown; the rest is counted.
const MAX_TARGETS: usize = 30;

/// Text is laid out at least this wide, even if the terminal is narrower.
const MIN_WIDTH: usize = 40;

/// Prose is wrapped at this width, however wide the terminal is: longer lines are hard to read.
const MAX_PROSE_WIDTH: usize = 110;

/// From this width on, tables also have their less important columns.
const WIDE: usize = 100;

/// The scope of a finding gets at least this many columns, whatever the width: a target needs them.
const MIN_SCOPE_WIDTH: usize = 32;

/// Columns of a label, up to where its text begins.
const LABEL_WIDTH: usize = 12;

const LOUD: Paint = Paint::new().effects(Effects::BOLD);
const FAINT: Paint = Paint::new().effects(Effects::DIMMED);
const BAD: Paint = AnsiColor::Red.on_default().effects(Effects::BOLD);
const GOOD: Paint = AnsiColor::Green.on_default().effects(Effects::BOLD);
const NAME: Paint = AnsiColor::Cyan.on_default();

pub(super) fn render(report: &Report, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page {
        out,
        width: style.width.max(MIN_WIDTH),
        is_coloured: style.is_coloured,
        glyphs: Glyphs::new(style.is_ascii),
    };
    page.verdict(report)?;
    page.timing(report)?;
    for index in 0..report.findings.len().min(MAX_FINDINGS) {
        page.finding(report, index)?;
    }
    if report.findings.len() > MAX_FINDINGS {
        let more = numbers::counted((report.findings.len() - MAX_FINDINGS) as u64, "more finding");
        page.line(FAINT, &format!("{more}: use --format json to see all"))?;
        page.gap()?;
    }
    if !report.findings.is_empty() && report.unexplained_failures > 0 {
        let more = numbers::counted(report.unexplained_failures, "more failure");
        page.line(FAINT, &format!("{more} in no finding: too few of one kind, or too rare, to name a cause"))?;
        page.gap()?;
    }
    page.target_groups(report)?;
    page.targets(report)?;
    page.outcomes(report)?;
    page.input(report)
}

struct Page<'a> {
    out: &'a mut dyn Write,
    width: usize,
    is_coloured: bool,
    glyphs: Glyphs,
}

impl Page<'_> {
    fn verdict(&mut self, report: &Report) -> io::Result<()> {
        let requests = numbers::counted(report.requests, "request");
        let Some(window) = numbers::window(report.window) else {
            self.line(LOUD, &phrases::nothing(report))?;
            return self.gap();
        };
        let failed = format!(
            "{} failed ({})",
            numbers::count(report.failures),
            numbers::percent(report.failures, report.requests)
        );
        let paint = if report.failures > 0 { BAD } else { GOOD };
        let counted = format!("{}, {}", self.painted(LOUD, &requests), self.painted(paint, &failed));
        writeln!(self.out, "{counted}")?;
        self.line(FAINT, &format!("{window} UTC, {}", phrases::idle_timeout(report.idle_timeout)))?;
        if report.findings.is_empty() {
            let verdict = match report.failures {
                0 => "Nothing failed.".to_owned(),
                failures => format!(
                    "No finding: {} too few, or too rare among all requests, to name a cause.",
                    if failures == 1 {
                        "1 failure is".to_owned()
                    } else {
                        format!("{} failures are", numbers::count(failures))
                    }
                ),
            };
            self.line(if report.failures == 0 { GOOD } else { LOUD }, &verdict)?;
        }
        self.gap()
    }

    /// The heatmap of all requests, and how they compare with the idle timeout.
    fn timing(&mut self, report: &Report) -> io::Result<()> {
        let Some(timing) = report.pictures.timings.first() else { return Ok(()) };
        let Some(chart) = TimingChart::new(&report.pictures, timing) else { return Ok(()) };
        self.heading("Timing", "elapsed time of requests, by end time")?;
        for line in picture::timing(&chart, self.width, self.glyphs) {
            self.runs(&line)?;
        }
        self.flowing(&picture::legend(&Legend::new(report), self.glyphs))?;
        if let Some(not_drawn) = not_drawn(timing) {
            self.line(FAINT, &not_drawn)?;
        }
        self.wrapped("", "", &against_idle_timeout(&timing.idle_timeout, report.idle_timeout.seconds))?;
        self.gap()
    }

    fn finding(&mut self, report: &Report, index: usize) -> io::Result<()> {
        let finding = &report.findings[index];
        let (what, within) = phrases::scope(&finding.scope);
        let number = format!("{:>2}", index + 1);
        let failures = numbers::counted(finding.failures, "failure");
        let room = self.width.saturating_sub(number.len() + failures.len() + 4).max(MIN_SCOPE_WIDTH);
        let (what, within) = (self.glyphs.shortened(&what, room), self.glyphs.shortened(&within, MAX_PROSE_WIDTH));
        let has_room = what.width() + 2 + within.width() <= room;
        let mut heading =
            format!("{}  {}  {}", self.painted(BAD, &number), self.painted(LOUD, &what), self.painted(BAD, &failures));
        if has_room && !within.is_empty() {
            heading = format!("{heading}  {}", self.painted(FAINT, &within));
        }
        writeln!(self.out, "{heading}")?;
        if !has_room && !within.is_empty() {
            self.entry("where", &within)?;
        }
        // If several causes fit, the first is a guess and is marked as one.
        let perhaps = if finding.confidence == Confidence::Low { "perhaps " } else { "" };
        self.entry(
            "cause",
            &format!("{perhaps}{} ({} confidence): {}", finding.cause, finding.confidence.id(), finding.title),
        )?;
        if let Some(when) = phrases::when(finding) {
            self.entry("when", &when)?;
        }
        if let Some(targets) = phrases::at_targets(finding, self.glyphs.cut) {
            self.entry("targets", &targets)?;
        }
        for (label, is_for) in [("why", true), ("but", false)] {
            let statements = finding.evidence.iter().filter(|evidence| evidence.0.is_for == is_for);
            // One statement a line: nobody reads a long run of them.
            for (evidence, label) in statements.zip([label].into_iter().chain(std::iter::repeat(""))) {
                self.entry(label, &evidence.0.text)?;
            }
        }
        if let Some(chart) = LagChart::all(report).iter().find(|chart| chart.finding == index) {
            self.lags(chart)?;
        }
        self.advice(report, index)?;
        if let Some(sample) = finding.samples.first() {
            self.copied("sample", &format!("{}:{}", sample.object, sample.line))?;
            let room = self.width.saturating_sub(LABEL_WIDTH);
            let text = self.glyphs.shortened(&sample.text, room);
            writeln!(self.out, "{:LABEL_WIDTH$}{}", "", self.painted(FAINT, &text))?;
        }
        self.gap()
    }

    /// The chart of the gaps of a keep-alive race.
    fn lags(&mut self, chart: &LagChart<'_>) -> io::Result<()> {
        let width = self.width.min(MAX_PROSE_WIDTH).saturating_sub(LABEL_WIDTH);
        for (line, label) in
            picture::lags(chart, width, self.glyphs).into_iter().zip(["gaps"].into_iter().chain(std::iter::repeat("")))
        {
            let label = self.painted(NAME, &format!("    {label:<8}"));
            write!(self.out, "{label}")?;
            self.runs(&line)?;
        }
        Ok(())
    }

    /// What to do, and how to be sure. A finding with the cause and target group of an earlier one refers to that.
    fn advice(&mut self, report: &Report, index: usize) -> io::Result<()> {
        let finding = &report.findings[index];
        let like = FindingRow::first_like(&report.findings, index);
        let other = like.map(|like| &report.findings[like]);
        let as_other = like.map_or_else(String::new, |like| format!("same as finding {}", like + 1));
        match other {
            Some(_) => self.entry("fix", &as_other)?,
            None => self.entry("fix", &phrases::fix(finding))?,
        }
        if !finding.settings.is_empty() && other.is_none_or(|other| other.settings != finding.settings) {
            for (row, label) in finding.settings.iter().zip(["config"].into_iter().chain(std::iter::repeat(""))) {
                self.copied(label, &format!("{}: {}", row.server, row.setting))?;
            }
            self.entry("", &format!("({})", phrases::settings_note(finding, report.idle_timeout)))?;
        }
        let known = other.map_or(&[][..], |other| &other.checks);
        let (said, left): (Vec<_>, Vec<_>) = finding.checks.iter().partition(|check| known.contains(check));
        let mut label = "verify";
        if !said.is_empty() {
            self.entry(label, &format!("{as_other}{}", if left.is_empty() { "" } else { ", and:" }))?;
            label = "";
        }
        for check in left {
            self.entry(label, check.question)?;
            self.copied("", &check.command)?;
            label = "";
        }
        Ok(())
    }

    fn target_groups(&mut self, report: &Report) -> io::Result<()> {
        let groups = phrases::target_groups(report);
        if groups.is_empty() {
            return Ok(());
        }
        self.heading("Target groups", "")?;
        let mut table = new_table(self.width);
        table.set_header(["Target group", "Targets", "Requests", "Failed", "Share", "Likely cause"]);
        for group in groups.iter().take(MAX_TARGETS) {
            let name = group.target_group.as_deref().map_or("-", phrases::target_group_name);
            table.add_row([
                self.glyphs.shortened(name, 40),
                numbers::count(group.targets),
                numbers::count(group.requests),
                numbers::count(group.failures),
                numbers::percent(group.failures, group.requests),
                phrases::likely(group.cause, group.confidence),
            ]);
        }
        align_right(&mut table, &[1, 2, 3, 4]);
        self.table(&table)?;
        if groups.len() > MAX_TARGETS {
            let rest = numbers::counted((groups.len() - MAX_TARGETS) as u64, "more target group");
            self.line(FAINT, &rest)?;
        }
        self.gap()
    }

    fn targets(&mut self, report: &Report) -> io::Result<()> {
        if report.targets.is_empty() {
            return Ok(());
        }
        self.heading(
            "Targets",
            if self.width >= WIDE { "p50 and p99 of target_processing_time over answered requests" } else { "" },
        )?;
        let columns = TargetColumns::for_width(self.width, report.failures > 0);
        let mut table = new_table(self.width);
        table.set_header(columns.titles());
        for target in report.targets.iter().take(MAX_TARGETS) {
            let mut over_time = vec![0; report.pictures.time_bins];
            for &(bin, failures) in &target.failures_over_time {
                over_time[bin] = failures;
            }
            table.add_row(columns.cells(target, &over_time, self.glyphs));
        }
        columns.align(&mut table);
        self.table(&table)?;
        if report.targets.len() > MAX_TARGETS {
            let rest = &report.targets[MAX_TARGETS..];
            let more = numbers::counted(rest.len() as u64, "more target");
            let failures = numbers::counted(rest.iter().map(|target| target.failures).sum(), "failure");
            self.line(FAINT, &format!("{more} with {failures}"))?;
        }
        self.gap()
    }

    fn outcomes(&mut self, report: &Report) -> io::Result<()> {
        if report.outcomes.0.is_empty() {
            return Ok(());
        }
        self.heading("How requests ended", "")?;
        let mut table = new_table(self.width);
        let has_meaning = self.width >= WIDE;
        let mut titles = vec!["Outcome", "Answered by", "Requests", "Share"];
        if has_meaning {
            titles.push("Meaning");
        }
        table.set_header(titles);
        for &(outcome, requests) in &report.outcomes.0 {
            let mut cells = vec![
                outcome.id().to_owned(),
                outcome.answered_by().title().to_owned(),
                numbers::count(requests),
                numbers::percent(requests, report.requests),
            ];
            if has_meaning {
                cells.push(outcome.title().to_owned());
            }
            table.add_row(cells);
        }
        align_right(&mut table, &[2, 3]);
        self.table(&table)?;
        self.gap()
    }

    fn input(&mut self, report: &Report) -> io::Result<()> {
        let input = &report.input;
        self.heading("Input", "")?;
        let read = format!(
            "read {} ({}, {} decoded): {}, {}, {} unreadable",
            numbers::counted(input.objects, "object"),
            numbers::bytes(input.bytes_read),
            numbers::bytes(input.bytes_decoded),
            numbers::counted(input.lines, "line"),
            numbers::counted(input.records, "record"),
            numbers::count(input.unreadable_lines),
        );
        self.prose(&read)?;
        if let Some(cached) = &input.from_cache {
            self.prose(&phrases::from_cache(cached))?;
        }
        for (what, skipped) in phrases::left_out(input) {
            self.prose(&format!("{what} left out: {}", phrases::listed(skipped)))?;
        }
        for problem in &input.problems {
            let heading = format!("{}: {}", phrases::affected(problem), problem.title);
            self.line(BAD, &heading)?;
            for sample in &problem.samples {
                let mut text = sanitize_terminal(&sample.object).into_owned();
                if let (Some(line), Some(byte)) = (sample.line, sample.byte) {
                    text = format!("{text}, line {}, byte {}", numbers::count(line), numbers::count(byte));
                }
                if let Some(reason) = &sample.reason {
                    text = format!("{text}: {}", sanitize_terminal(reason));
                }
                self.wrapped("   ", "     ", &text)?;
            }
        }
        Ok(())
    }

    fn heading(&mut self, title: &str, note: &str) -> io::Result<()> {
        let title = self.painted(LOUD, title);
        if note.is_empty() {
            writeln!(self.out, "{title}")
        } else {
            writeln!(self.out, "{title}  {}", self.painted(FAINT, note))
        }
    }

    /// A label and its text. Further lines are indented to where the text begins.
    fn entry(&mut self, label: &str, text: &str) -> io::Result<()> {
        let label = format!("    {label:<8}");
        let lines = self.wrap(&sanitize_terminal(text), &label, &" ".repeat(LABEL_WIDTH));
        for (index, line) in lines.iter().enumerate() {
            match line.strip_prefix(label.as_str()) {
                Some(rest) if index == 0 => writeln!(self.out, "{}{rest}", self.painted(NAME, &label))?,
                _ => writeln!(self.out, "{line}")?,
            }
        }
        Ok(())
    }

    /// A label and its text, never wrapped, so that it can be copied.
    fn copied(&mut self, label: &str, text: &str) -> io::Result<()> {
        let label = self.painted(NAME, &format!("    {label:<8}"));
        writeln!(self.out, "{label}{}", sanitize_terminal(text))
    }

    /// A line of runs, each in its own style.
    fn runs(&mut self, runs: &[Run]) -> io::Result<()> {
        let last = runs.iter().rposition(|(_, text)| !text.trim().is_empty());
        for (index, (paint, text)) in runs.iter().enumerate().take(last.map_or(0, |last| last + 1)) {
            let text = if Some(index) == last { text.trim_end() } else { text };
            write!(self.out, "{}", self.painted(*paint, text))?;
        }
        writeln!(self.out)
    }

    /// Entries side by side, in as many lines as they need. No entry is broken over two lines.
    fn flowing(&mut self, entries: &[[Run; 2]]) -> io::Result<()> {
        let indent = "        ";
        let mut line: Vec<Run> = Vec::new();
        let mut used = 0;
        for entry in entries {
            let width: usize = entry.iter().map(|(_, text)| text.width()).sum();
            if used > 0 && used + 3 + width > self.width {
                self.runs(&line)?;
                line.clear();
                used = 0;
            }
            let space = if used == 0 { indent } else { "   " };
            used += space.len() + width;
            line.push((Paint::new(), space.to_owned()));
            line.extend(entry.iter().cloned());
        }
        self.runs(&line)
    }

    fn prose(&mut self, text: &str) -> io::Result<()> {
        self.wrapped("", "  ", text)
    }

    fn wrapped(&mut self, first: &str, rest: &str, text: &str) -> io::Result<()> {
        for line in self.wrap(text, first, rest) {
            writeln!(self.out, "{line}")?;
        }
        Ok(())
    }

    fn wrap(&self, text: &str, first: &str, rest: &str) -> Vec<String> {
        let options = textwrap::Options::new(self.width.min(MAX_PROSE_WIDTH))
            .initial_indent(first)
            .subsequent_indent(rest)
            // Names and paths are full of hyphens and must not be broken there.
            .word_separator(textwrap::WordSeparator::AsciiSpace)
            .word_splitter(textwrap::WordSplitter::NoHyphenation);
        textwrap::wrap(text, options).into_iter().map(|line| line.trim_end().to_owned()).collect()
    }

    fn line(&mut self, paint: Paint, text: &str) -> io::Result<()> {
        for line in self.wrap(text, "", "  ") {
            writeln!(self.out, "{}", self.painted(paint, &line))?;
        }
        Ok(())
    }

    fn table(&mut self, table: &Table) -> io::Result<()> {
        for (index, line) in table.lines().enumerate() {
            let line = line.trim_end();
            if index == 0 {
                writeln!(self.out, "{}", self.painted(FAINT, line))?;
            } else {
                writeln!(self.out, "{line}")?;
            }
        }
        Ok(())
    }

    fn gap(&mut self) -> io::Result<()> {
        writeln!(self.out)
    }

    fn painted(&self, paint: Paint, text: &str) -> String {
        if self.is_coloured && !text.trim().is_empty() { format!("{paint}{text}{paint:#}") } else { text.to_owned() }
    }
}

/// A table without borders. Cells are wrapped if they have to be.
pub(super) fn new_table(width: usize) -> Table {
    let mut table = Table::new();
    table
        .load_style(comfy_table::presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(u16::try_from(width).unwrap_or(u16::MAX));
    table
}

pub(super) fn align_right(table: &mut Table, columns: &[usize]) {
    for &column in columns {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        // A number must not be broken over two lines.
        hold_together(table, column);
    }
}

fn hold_together(table: &mut Table, column: usize) {
    if let Some(column) = table.column_mut(column) {
        column.set_constraint(ColumnConstraint::ContentWidth);
    }
}

/// Which columns the table of targets has, depending on the width.
#[derive(Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is a column or two")]
struct TargetColumns {
    /// Width of the sparkline of failures, in columns; 0 for none.
    sparkline: usize,
    has_share: bool,
    has_target_group: bool,
    has_latency: bool,
    has_ending: bool,
    has_life: bool,
}

impl TargetColumns {
    fn for_width(width: usize, has_failures: bool) -> Self {
        let sparkline = match width {
            ..72 => 0,
            72..200 => 8,
            _ => 24,
        };
        let sparkline = if has_failures { sparkline } else { 0 };
        Self {
            sparkline,
            // The share follows from two other columns, so the sparkline is preferred to it.
            has_share: width >= 90 || sparkline == 0,
            has_target_group: width >= 120,
            has_latency: width >= WIDE,
            has_ending: width >= 140,
            has_life: width >= 180,
        }
    }

    fn titles(self) -> Vec<&'static str> {
        let mut titles = vec!["Target"];
        if self.has_target_group {
            titles.push("Target group");
        }
        titles.extend(["Requests", "Failed"]);
        if self.has_share {
            titles.push("Share");
        }
        if self.sparkline > 0 {
            titles.push("When");
        }
        if self.has_latency {
            titles.extend(["p50 s", "p99 s"]);
        }
        if self.has_ending {
            titles.push("Most failures");
        }
        titles.push("Likely cause");
        if self.has_life {
            titles.extend(["First seen", "Last seen"]);
        }
        titles
    }

    fn cells(self, target: &TargetRow, failures_over_time: &[u64], glyphs: Glyphs) -> Vec<String> {
        let mut cells = vec![glyphs.shortened(&target.target, 60)];
        if self.has_target_group {
            let group = target.target_group.as_deref().map_or("-", phrases::target_group_name);
            cells.push(glyphs.shortened(group, 32));
        }
        cells.extend([target.requests, target.failures].map(numbers::count));
        if self.has_share {
            cells.push(numbers::percent(target.failures, target.requests));
        }
        if self.sparkline > 0 {
            let failures = picture::by_column(failures_over_time, self.sparkline);
            cells.push(if target.failures > 0 { glyphs.sparkline(&failures) } else { String::new() });
        }
        if self.has_latency {
            cells.extend([target.latency.p50, target.latency.p99].map(numbers::seconds));
        }
        if self.has_ending {
            cells.push(target.dominant_failure.map_or_else(String::new, |outcome| outcome.id().to_owned()));
        }
        cells.push(phrases::likely(target.cause, target.confidence));
        if self.has_life {
            cells.extend(
                [target.first_seen, target.last_seen].map(|seen| seen.map_or_else(String::new, numbers::moment)),
            );
        }
        cells
    }

    fn align(self, table: &mut Table) {
        let first = if self.has_target_group { 2 } else { 1 };
        let numbers = 2 + usize::from(self.has_share);
        align_right(table, &(first..first + numbers).collect::<Vec<_>>());
        let next = first + numbers + usize::from(self.sparkline > 0);
        if self.sparkline > 0 {
            hold_together(table, next - 1);
        }
        if self.has_latency {
            align_right(table, &[next, next + 1]);
        }
        if let Some(column) = table.column_mut(0) {
            // No address is longer than this, so none is broken over two lines.
            column.set_constraint(ColumnConstraint::UpperBoundary(Width::Fixed(50)));
        }
    }
}
