//! The tables of a report: target groups, targets and outcomes.

use std::io;

use super::table::{align_right, new_table};
use super::target_columns::{TargetColumns, WIDE};
use super::writer::{FAINT, TextWriter};
use crate::report::{Report, numbers, phrases};

/// At most this many targets, and this many target groups, are shown; the rest is counted.
const MAX_TARGETS: usize = 30;

impl TextWriter<'_> {
    pub(super) fn target_groups(&mut self, report: &Report) -> io::Result<()> {
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

    pub(super) fn targets(&mut self, report: &Report) -> io::Result<()> {
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

    pub(super) fn outcomes(&mut self, report: &Report) -> io::Result<()> {
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
}
