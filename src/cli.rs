//! The command line: turns the arguments into calls of the library, and their result into an exit status.

mod analyze;
mod args;
mod exit;
mod explain;
#[cfg(feature = "export")]
mod export;
mod generate;
mod inputs;
mod interrupt;
mod plan;
mod progress;
#[cfg(feature = "simulate")]
mod simulate;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use args::{Args, Command};

/// Columns if the output is not a terminal: a file, a pager, a ticket.
const WIDTH_ELSEWHERE: usize = 100;

/// Runs the program.
pub(crate) fn main() -> ExitCode {
    let args = Args::read();
    let result = match args.command {
        Command::Analyze(args) => analyze::run(&args),
        #[cfg(feature = "export")]
        Command::Export(args) => export::run(&args),
        Command::Explain(args) => explain::run(&args),
        #[cfg(feature = "simulate")]
        Command::Simulate(args) => simulate::run(&args),
        Command::Completions(args) => generate::completions(&args),
        Command::Man(args) => generate::man(&args),
    };
    exit::code(result)
}

/// Makes the work besides reading, such as the diagnosis, use as many threads as reading does: one for each core
/// unless the user said how many.
fn use_threads(threads: Option<u16>) {
    let threads = threads.map_or(0, usize::from);
    // An error can be ignored: no pool was built before, and any number of threads gives the same result.
    let _ = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
}

/// Writes a message to standard error, in one line.
fn complain(message: &str) {
    // Standard error may be closed. The exit status reports the outcome anyway.
    let _ = writeln!(io::stderr(), "albscope: {}", albscope::report::plain::sanitize_terminal(message));
}

/// Columns of standard output. A pipe may lead to a pager as wide as the terminal, and only the environment
/// variable `COLUMNS` says how wide that is.
fn output_width() -> usize {
    if io::stdout().is_terminal() {
        return terminal_size::terminal_size().map_or(WIDTH_ELSEWHERE, |(width, _)| usize::from(width.0));
    }
    let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    columns.filter(|columns| *columns > 0).unwrap_or(WIDTH_ELSEWHERE)
}
