//! The command line: turns the arguments into calls of the library, and their result into an exit code.

mod analyze;
mod args;
mod explain;
mod export;
mod generate;
mod interrupt;
mod plan;
mod progress;
mod simulate;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use albscope::ErrorKind;

use args::{Args, Command};

/// How a command that ran to its end turned out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exit {
    /// Everything was done.
    Done,
    /// There is a finding that `--fail-on` names. This takes precedence over what could not be read.
    RuleMatched,
    /// Something could not be read; the rest was reported.
    Incomplete,
}

/// The exit status if there is a finding that `--fail-on` names.
const MET: u8 = 1;

/// The exit status of trouble.
const TROUBLE: u8 = 2;

/// The exit status that shells give to a program stopped by Ctrl-C.
const INTERRUPTED: u8 = 130;

/// Columns if the output is not a terminal: a file, a pager, a ticket.
const WIDTH_ELSEWHERE: usize = 100;

/// The message after Ctrl-C. It must fit a report, which is written at the end or not at all, and simulated logs,
/// which stay as far as they are written.
const INTERRUPTED_MESSAGE: &str = "interrupted before the end";

/// The message if no input has an object that may hold a log.
const NO_LOG_FOUND: &str = "no log object found; in a folder, only names that contain .log or end in .gz or .txt \
                            are read. A file that is itself the input is read whatever its name";

/// Runs the program.
pub(crate) fn main() -> ExitCode {
    let args = Args::read();
    let result = match args.command {
        Command::Analyze(args) => analyze::run(&args),
        Command::Export(args) => export::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Simulate(args) => simulate::run(&args),
        Command::Completions(args) => generate::completions(&args),
        Command::Man(args) => generate::man(&args),
    };
    match result {
        Ok(Exit::Done) => ExitCode::SUCCESS,
        Ok(Exit::RuleMatched) => ExitCode::from(MET),
        Ok(Exit::Incomplete) => ExitCode::from(TROUBLE),
        // Whoever closed the pipe has read enough.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) if is_cancelled(&error) => {
            complain(INTERRUPTED_MESSAGE);
            ExitCode::from(INTERRUPTED)
        }
        Err(error) => {
            let stopped = if is_strict(&error) { "stopped at the first problem, as --strict asks: " } else { "" };
            complain(&format!("{stopped}{error:#}"));
            ExitCode::from(TROUBLE)
        }
    }
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

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}

fn is_strict(error: &anyhow::Error) -> bool {
    error.downcast_ref::<albscope::Error>().is_some_and(|error| matches!(error.kind(), ErrorKind::Strict { .. }))
}

fn is_cancelled(error: &anyhow::Error) -> bool {
    error.downcast_ref::<albscope::Error>().is_some_and(|error| matches!(error.kind(), ErrorKind::Cancelled))
}
