//! The terminal: messages on standard error, and the width of standard output.

use std::io::{self, IsTerminal, Write};

/// Columns if the output is not a terminal: a file, a pager, a ticket.
pub(super) const WIDTH_ELSEWHERE: usize = 100;

/// Writes a message to standard error, in one line.
pub(super) fn complain(message: &str) {
    // Standard error may be closed. The exit status reports the outcome anyway.
    let _ = writeln!(io::stderr(), "albscope: {}", albscope::report::plain::sanitize_terminal(message));
}

/// Columns of standard output. A pipe may lead to a pager as wide as the terminal, and only the environment
/// variable `COLUMNS` says how wide that is.
pub(super) fn output_width() -> usize {
    if io::stdout().is_terminal() {
        return terminal_size::terminal_size().map_or(WIDTH_ELSEWHERE, |(width, _)| usize::from(width.0));
    }
    let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    columns.filter(|columns| *columns > 0).unwrap_or(WIDTH_ELSEWHERE)
}

/// `1 object`, `2 objects`
pub(super) fn counted(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
