//! The report for a person at a terminal, in this order: verdict, heatmap of all requests, findings, notices,
//! target groups, targets, outcomes, input.

mod canvas;
mod cells;
mod columns;
mod finding;
mod gaps;
mod glyphs;
mod heatmap;
mod input;
mod line_names;
mod overview;
pub(super) mod table;
mod tables;
mod target_columns;
mod writer;

use std::io::{self, Write};

use super::{Report, Style, numbers, phrases};
use glyphs::Glyphs;
use writer::{FAINT, TextWriter};

/// At most this many findings are shown; the rest is counted.
const MAX_FINDINGS: usize = 12;

/// Text is laid out at least this wide, even if the terminal is narrower.
const MIN_WIDTH: usize = 40;

pub(super) fn render(report: &Report, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let mut writer = TextWriter {
        out,
        width: style.width.max(MIN_WIDTH),
        is_coloured: style.is_coloured,
        glyphs: Glyphs::new(style.is_ascii),
    };
    writer.verdict(report)?;
    writer.timing(report)?;
    for index in 0..report.findings.len().min(MAX_FINDINGS) {
        writer.finding(report, index)?;
    }
    if report.findings.len() > MAX_FINDINGS {
        let more = numbers::counted((report.findings.len() - MAX_FINDINGS) as u64, "more finding");
        writer.line(FAINT, &format!("{more}: use --format json to see all"))?;
        writer.gap()?;
    }
    if let Some(unexplained) = phrases::unexplained(report) {
        writer.line(FAINT, &unexplained)?;
        writer.gap()?;
    }
    writer.notices(report)?;
    writer.target_groups(report)?;
    writer.targets(report)?;
    writer.outcomes(report)?;
    writer.input(report)
}

#[cfg(test)]
mod tests;
