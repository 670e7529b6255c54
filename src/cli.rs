//! The command line: what was typed, turned into calls of the library, and a result turned into an exit code.

mod analyze;
mod args;
mod explain;
mod export;
mod papers;
mod plan;
mod progress;
mod simulate;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use albscope::ErrorKind;

use args::{Args, Command};

/// How a command that ran to its end turned out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// All was done.
    Done,
    /// A finding that was asked for was met. It stands, whatever else could not be read.
    Met,
    /// Something could not be read; the rest was reported.
    Trouble,
}

/// The exit status of a finding that was asked for.
const MET: u8 = 1;

/// The exit status of trouble.
const TROUBLE: u8 = 2;

/// The exit status that shells give to a program stopped by Ctrl-C.
const INTERRUPTED: u8 = 130;

/// Columns where the output is no terminal: a file, a pager, a ticket.
const WIDTH_ELSEWHERE: usize = 100;

/// Said of a report, which is written at the end or not at all, and of simulated logs, of which those that are written stay.
const INTERRUPTED_MESSAGE: &str = "interrupted before the end";

/// Said where a whole input has no object that may hold a log.
const NO_LOG_FOUND: &str = "no log object found; in a folder, names must contain .log or end in .gz or .txt. \
                            A file that is named itself is read whatever its name";

/// Runs the program.
pub(crate) fn main() -> ExitCode {
    let args = Args::read();
    let result = match args.command {
        Command::Analyze(args) => analyze::run(&args),
        Command::Export(args) => export::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Simulate(args) => simulate::run(&args),
        Command::Completions(args) => papers::completions(&args),
        Command::Man(args) => papers::man(&args),
    };
    match result {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Met) => ExitCode::from(MET),
        Ok(Outcome::Trouble) => ExitCode::from(TROUBLE),
        // Whoever read the output has what he wanted.
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

/// Has what is done besides reading, a diagnosis for one, use as many threads as reading does: one a core unless the user said how many.
fn use_threads(threads: Option<u16>) {
    let threads = threads.map_or(0, usize::from);
    // Nobody was before; and more threads than asked for give the same result.
    let _ = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
}

/// Says something on standard error, in one line.
fn complain(message: &str) {
    // Nobody may be there to read it: the exit status tells all the same.
    let _ = writeln!(io::stderr(), "albscope: {}", albscope::report::plain::harmless(message));
}

/// Columns of standard output. Behind a pipe there may be a pager as wide as the terminal, which only the environment can tell.
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
