//! Prose laid out for a terminal.

use std::io::{self, Write};

/// Text is laid out for at least this many columns, even if the terminal has fewer.
const MIN_WIDTH: usize = 40;

/// Longer lines are hard to read, however wide the terminal is.
pub(super) const MAX_PROSE_WIDTH: usize = 110;

/// Writes a page in lines of at most `width` columns.
pub(super) struct PageWriter<'a> {
    pub(super) out: &'a mut dyn Write,
    pub(super) width: usize,
}

impl<'a> PageWriter<'a> {
    pub(super) fn new(out: &'a mut dyn Write, width: usize) -> Self {
        Self { out, width: width.max(MIN_WIDTH) }
    }

    /// Begins a section. `note` may be empty.
    pub(super) fn section(&mut self, title: &str, note: &str) -> io::Result<()> {
        writeln!(self.out)?;
        let note = if note.is_empty() { String::new() } else { format!(" ({note})") };
        self.prose("", "  ", &format!("{title}{note}"))
    }

    /// Writes a paragraph. `first` stands before its first line, `rest` before each other one.
    pub(super) fn prose(&mut self, first: &str, rest: &str, text: &str) -> io::Result<()> {
        let options = textwrap::Options::new(self.width.min(MAX_PROSE_WIDTH))
            .initial_indent(first)
            .subsequent_indent(rest)
            // Ids have hyphens and must not be broken there.
            .word_separator(textwrap::WordSeparator::AsciiSpace)
            .word_splitter(textwrap::WordSplitter::NoHyphenation)
            .break_words(false);
        for line in textwrap::wrap(text, options) {
            writeln!(self.out, "{}", line.trim_end())?;
        }
        Ok(())
    }
}
