//! Lines, labels, runs and tables, written in the width and the colours of the output.

use std::io::{self, Write};

use anstyle::{AnsiColor, Effects, Style as Paint};
use comfy_table::Table;
use unicode_width::UnicodeWidthStr;

use super::glyphs::{Glyphs, StyledText};
use crate::report::plain::sanitize_terminal;

/// Prose is wrapped at this width, however wide the terminal is: longer lines are hard to read.
pub(super) const MAX_PROSE_WIDTH: usize = 110;

/// Columns of a label, up to where its text begins.
pub(super) const LABEL_WIDTH: usize = 12;

pub(super) const LOUD: Paint = Paint::new().effects(Effects::BOLD);
pub(super) const FAINT: Paint = Paint::new().effects(Effects::DIMMED);
pub(super) const BAD: Paint = AnsiColor::Red.on_default().effects(Effects::BOLD);
pub(super) const GOOD: Paint = AnsiColor::Green.on_default().effects(Effects::BOLD);
pub(super) const NAME: Paint = AnsiColor::Cyan.on_default();

/// Writes a report as text.
pub(super) struct TextWriter<'a> {
    pub(super) out: &'a mut dyn Write,
    pub(super) width: usize,
    pub(super) is_coloured: bool,
    pub(super) glyphs: Glyphs,
}

impl TextWriter<'_> {
    pub(super) fn heading(&mut self, title: &str, note: &str) -> io::Result<()> {
        let title = self.painted(LOUD, title);
        if note.is_empty() {
            writeln!(self.out, "{title}")
        } else {
            writeln!(self.out, "{title}  {}", self.painted(FAINT, note))
        }
    }

    /// A label and its text. Further lines are indented to where the text begins.
    pub(super) fn entry(&mut self, label: &str, text: &str) -> io::Result<()> {
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
    pub(super) fn copied(&mut self, label: &str, text: &str) -> io::Result<()> {
        let label = self.painted(NAME, &format!("    {label:<8}"));
        writeln!(self.out, "{label}{}", sanitize_terminal(text))
    }

    /// A line of runs, each in its own style.
    pub(super) fn runs(&mut self, runs: &[StyledText]) -> io::Result<()> {
        let last = runs.iter().rposition(|(_, text)| !text.trim().is_empty());
        for (index, (paint, text)) in runs.iter().enumerate().take(last.map_or(0, |last| last + 1)) {
            let text = if Some(index) == last { text.trim_end() } else { text };
            write!(self.out, "{}", self.painted(*paint, text))?;
        }
        writeln!(self.out)
    }

    /// Entries side by side, in as many lines as they need. No entry is broken over two lines.
    pub(super) fn flowing(&mut self, entries: &[[StyledText; 2]]) -> io::Result<()> {
        let indent = "        ";
        let mut line: Vec<StyledText> = Vec::new();
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

    pub(super) fn prose(&mut self, text: &str) -> io::Result<()> {
        self.wrapped("", "  ", text)
    }

    pub(super) fn wrapped(&mut self, first: &str, rest: &str, text: &str) -> io::Result<()> {
        for line in self.wrap(text, first, rest) {
            writeln!(self.out, "{line}")?;
        }
        Ok(())
    }

    pub(super) fn wrap(&self, text: &str, first: &str, rest: &str) -> Vec<String> {
        let options = textwrap::Options::new(self.width.min(MAX_PROSE_WIDTH))
            .initial_indent(first)
            .subsequent_indent(rest)
            // Names and paths are full of hyphens and must not be broken there.
            .word_separator(textwrap::WordSeparator::AsciiSpace)
            .word_splitter(textwrap::WordSplitter::NoHyphenation);
        textwrap::wrap(text, options).into_iter().map(|line| line.trim_end().to_owned()).collect()
    }

    pub(super) fn line(&mut self, paint: Paint, text: &str) -> io::Result<()> {
        for line in self.wrap(text, "", "  ") {
            writeln!(self.out, "{}", self.painted(paint, &line))?;
        }
        Ok(())
    }

    pub(super) fn table(&mut self, table: &Table) -> io::Result<()> {
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

    pub(super) fn gap(&mut self) -> io::Result<()> {
        writeln!(self.out)
    }

    pub(super) fn painted(&self, paint: Paint, text: &str) -> String {
        if self.is_coloured && !text.trim().is_empty() { format!("{paint}{text}{paint:#}") } else { text.to_owned() }
    }
}
