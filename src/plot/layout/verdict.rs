//! How many requests failed, and the likely causes.

use super::builder::SheetBuilder;
use super::design::{BODY, HEADING, LINE_HEIGHT, MARGIN, STRONG, SUBHEADING, WIDTH};
use crate::plot::sheet::Anchor;
use crate::report::plain::shortened;
use crate::report::{CauseRow, Report, numbers, phrases};

/// At most this many lines at the top about causes.
const MAX_CAUSE_LINES: usize = 4;

impl SheetBuilder {
    /// Writes the verdict and the causes. Returns the y coordinate at which they end.
    pub(super) fn verdict(&mut self, report: &Report) -> f32 {
        let share = numbers::percent(report.failures, report.requests);
        let verdict = format!(
            "{} of {} failed ({share})",
            numbers::count(report.failures),
            numbers::counted(report.requests, "request")
        );
        self.sheet.text([MARGIN, 58.0], Anchor::Left, HEADING, verdict);
        let balancers = match report.load_balancers.as_slice() {
            [one] => shortened(phrases::load_balancer_name(&one.load_balancer), 60),
            many => numbers::counted(many.len() as u64, "load balancer"),
        };
        let window = numbers::window(report.window).map_or_else(String::new, |window| format!(", {window} UTC"));
        self.sheet.text([MARGIN, 86.0], Anchor::Left, SUBHEADING, format!("{balancers}{window}"));
        let right = f32::from(WIDTH) - MARGIN;
        let mut y = 42.0;
        let mut lines: Vec<String> = report.causes().iter().map(CauseRow::line).collect();
        // The last line counts the causes without a line. It never counts only one, which would fit there itself.
        if lines.len() > MAX_CAUSE_LINES {
            let rest = lines.split_off(MAX_CAUSE_LINES - 1).len();
            lines.push(format!("and {}", numbers::counted(rest as u64, "more cause")));
        }
        let typeface = |index: usize| if index == 0 { STRONG } else { BODY };
        let lines = lines.into_iter().enumerate();
        let lines: Vec<String> =
            lines.map(|(index, line)| self.sheet.fitted(&line, typeface(index), f32::from(WIDTH) / 2.0)).collect();
        let widths = lines.iter().enumerate().map(|(index, line)| self.sheet.width_of(line, typeface(index)));
        let left = right - widths.fold(0.0, f32::max);
        for (index, line) in lines.into_iter().enumerate() {
            self.sheet.text([left, y], Anchor::Left, typeface(index), line);
            y += LINE_HEIGHT;
        }
        y.max(100.0)
    }
}
