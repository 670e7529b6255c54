//! The account of the input.

use std::io;

use super::writer::{BAD, TextWriter};
use crate::report::plain::sanitize_terminal;
use crate::report::{Report, numbers, phrases};

impl TextWriter<'_> {
    pub(super) fn input(&mut self, report: &Report) -> io::Result<()> {
        let input = &report.input;
        self.heading("Input", "")?;
        self.prose(&format!("read {}", phrases::what_was_read(input)))?;
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
}
