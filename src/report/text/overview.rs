//! The beginning of a report: how many requests failed, and the heatmap of all requests.

use std::io;

use super::heatmap;
use super::writer::{BAD, FAINT, GOOD, LOUD, TextWriter};
use crate::report::chart::{Legend, TimingChart, against_idle_timeout, not_drawn};
use crate::report::{Report, numbers, phrases};

impl TextWriter<'_> {
    pub(super) fn verdict(&mut self, report: &Report) -> io::Result<()> {
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
    pub(super) fn timing(&mut self, report: &Report) -> io::Result<()> {
        let Some(timing) = report.pictures.timings.first() else { return Ok(()) };
        let Some(chart) = TimingChart::new(&report.pictures, timing) else { return Ok(()) };
        self.heading("Timing", "elapsed time of requests, by end time")?;
        for line in heatmap::timing(&chart, self.width, self.glyphs) {
            self.runs(&line)?;
        }
        self.flowing(&heatmap::legend(&Legend::new(report), self.glyphs))?;
        if let Some(not_drawn) = not_drawn(timing) {
            self.line(FAINT, &not_drawn)?;
        }
        self.wrapped("", "", &against_idle_timeout(&timing.idle_timeout, report.idle_timeout.seconds))?;
        self.gap()
    }
}
