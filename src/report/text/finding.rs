//! One finding or notice: its cause, evidence, advice and sample.

use std::io;

use unicode_width::UnicodeWidthStr;

use super::gaps;
use super::writer::{BAD, FAINT, LABEL_WIDTH, LOUD, MAX_PROSE_WIDTH, NAME, TextWriter};
use crate::diagnose::Confidence;
use crate::report::chart::LagChart;
use crate::report::{CheckRow, FindingRow, NoticeRow, Report, numbers, phrases};

/// The scope of a finding gets at least this many columns, whatever the width: a target needs them.
const MIN_SCOPE_WIDTH: usize = 32;

/// At most this many notices are shown; the rest is counted.
const MAX_NOTICES: usize = 5;

impl TextWriter<'_> {
    pub(super) fn finding(&mut self, report: &Report, index: usize) -> io::Result<()> {
        let finding = &report.findings[index];
        let failures = numbers::counted(finding.failures, "failure");
        self.what_and_why(finding, &format!("{:>2}", index + 1), &failures)?;
        if let Some(chart) = LagChart::all(report).iter().find(|chart| chart.finding == index) {
            self.lags(chart)?;
        }
        self.advice(report, index)?;
        self.sample(finding)
    }

    /// The causes of requests that do not count as failed. There is no section if there are none.
    pub(super) fn notices(&mut self, report: &Report) -> io::Result<()> {
        if report.notices.is_empty() {
            return Ok(());
        }
        self.heading("Notices", "causes of requests that do not count as failed")?;
        for NoticeRow(notice) in report.notices.iter().take(MAX_NOTICES) {
            self.what_and_why(notice, " ·", &numbers::counted(notice.failures, "request"))?;
            self.entry("fix", &phrases::fix(notice))?;
            self.verify("verify", &notice.checks)?;
            self.sample(notice)?;
        }
        if report.notices.len() > MAX_NOTICES {
            let more = numbers::counted((report.notices.len() - MAX_NOTICES) as u64, "more notice");
            self.line(FAINT, &format!("{more}: use --format json to see all"))?;
            self.gap()?;
        }
        Ok(())
    }

    /// What a finding or notice is about, its cause, and the evidence. `count` says how many requests it explains.
    fn what_and_why(&mut self, finding: &FindingRow, number: &str, count: &str) -> io::Result<()> {
        let (what, within) = phrases::scope(&finding.scope);
        let room = self.width.saturating_sub(number.len() + count.len() + 4).max(MIN_SCOPE_WIDTH);
        let (what, within) = (self.glyphs.shortened(&what, room), self.glyphs.shortened(&within, MAX_PROSE_WIDTH));
        let has_room = what.width() + 2 + within.width() <= room;
        let mut heading =
            format!("{}  {}  {}", self.painted(BAD, number), self.painted(LOUD, &what), self.painted(BAD, count));
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
        if let Some(also_fits) = phrases::also_fits(finding) {
            self.entry("also", &also_fits)?;
        }
        Ok(())
    }

    /// The first sample, and an empty line.
    fn sample(&mut self, finding: &FindingRow) -> io::Result<()> {
        if let Some(sample) = finding.samples.first() {
            self.copied("sample", &format!("{}:{}", sample.object, sample.line))?;
            let room = self.width.saturating_sub(LABEL_WIDTH);
            let text = self.glyphs.shortened(&sample.text, room);
            writeln!(self.out, "{:LABEL_WIDTH$}{}", "", self.painted(FAINT, &text))?;
        }
        self.gap()
    }

    /// The chart of the gaps of a keep-alive race.
    pub(super) fn lags(&mut self, chart: &LagChart<'_>) -> io::Result<()> {
        let width = self.width.min(MAX_PROSE_WIDTH).saturating_sub(LABEL_WIDTH);
        for (line, label) in
            gaps::lags(chart, width, self.glyphs).into_iter().zip(["gaps"].into_iter().chain(std::iter::repeat("")))
        {
            let label = self.painted(NAME, &format!("    {label:<8}"));
            write!(self.out, "{label}")?;
            self.runs(&line)?;
        }
        Ok(())
    }

    /// What to do, and how to be sure. A finding with the cause and target group of an earlier one refers to that.
    pub(super) fn advice(&mut self, report: &Report, index: usize) -> io::Result<()> {
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
        self.verify(label, left)
    }

    /// Questions, and the commands that answer them. The first has the label.
    fn verify<'a>(&mut self, label: &str, checks: impl IntoIterator<Item = &'a CheckRow>) -> io::Result<()> {
        for (check, label) in checks.into_iter().zip([label].into_iter().chain(std::iter::repeat(""))) {
            self.entry(label, check.question)?;
            self.copied("", &check.command)?;
        }
        Ok(())
    }
}
