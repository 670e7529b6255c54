//! What may be typed. Values are checked here and mean what the library's types mean; nothing is opened or resolved.

mod analyze;
mod export;
mod logs;
mod simulate;
mod values;

use std::ffi::OsString;

use clap::{Parser, Subcommand};

pub(crate) use analyze::{AnalyzeArgs, ColorArg, FailOn, PlotFile};
pub(crate) use export::ExportArgs;
pub(crate) use logs::LogArgs;
pub(crate) use simulate::SimulateArgs;
pub(crate) use values::IdleTimeoutArg;

/// Says, for each target of an AWS Application Load Balancer, why requests failed.
#[derive(Debug, Parser)]
#[command(name = "albscope", version, about, propagate_version = true, max_term_width = 100)]
#[command(
    after_help = "Exit status: 0 done, 1 a finding that --fail-on names, 2 trouble (what could be read is reported), 130 interrupted."
)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Args {
    /// Reads the command line, and ends the program where it cannot be read.
    pub(crate) fn read() -> Self {
        Self::parse_from(joined(std::env::args_os()))
    }
}

/// `--request-payer requester`, as the AWS command line has it, in the form that cannot be taken for a flag and an input.
fn joined(args: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut joined: Vec<OsString> = Vec::new();
    for arg in args {
        match joined.last_mut() {
            Some(last) if *last == "--request-payer" && arg == "requester" => last.push("=requester"),
            _ => joined.push(arg),
        }
    }
    joined
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    // The long help of these four stands at their arguments; a line here would take its place.
    Analyze(Box<AnalyzeArgs>),
    Export(Box<ExportArgs>),
    Explain(ExplainArgs),
    Simulate(SimulateArgs),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
    /// Print a manual page in roff form
    Man(ManArgs),
}

/// Explain a cause, or one log line field by field.
///
/// With a cause, says what it means, what speaks for and against it in a log, how to fix it on the usual servers with time and risk, and which commands would
/// settle it. Without one, lists all of them. With --line, says what stands in each field of a line of an access log, how the request ended, and which causes
/// fit that end.
#[derive(Debug, clap::Args)]
pub(crate) struct ExplainArgs {
    /// Which cause, by its id
    #[arg(value_name = "CAUSE", conflicts_with = "line")]
    pub(crate) cause: Option<String>,

    /// One line of an access log, in quotes; - reads it from standard input
    #[arg(long, value_name = "LINE", allow_hyphen_values = true)]
    pub(crate) line: Option<OsString>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ManArgs {
    /// The command whose page to print; without it, the program's own
    pub(crate) command: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use albscope::Timestamp;
    use clap::CommandFactory;

    pub(super) fn at(text: &str) -> Timestamp {
        Timestamp::parse(text.as_bytes()).expect("a time")
    }

    #[test]
    fn the_definitions_hold_together() {
        Args::command().debug_assert();
    }
}
