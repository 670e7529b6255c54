//! The arguments. Values are checked here and converted to the library's types; nothing is opened or resolved.

mod analyze;
#[cfg(feature = "export")]
mod export;
mod headings;
mod logs;
#[cfg(feature = "pictures")]
mod plot;
mod run;
#[cfg(feature = "simulate")]
mod simulate;
#[cfg(feature = "export")]
mod tables;
mod values;

use std::ffi::OsString;

use clap::{Parser, Subcommand};

pub(crate) use analyze::{AnalyzeArgs, ColorArg};
#[cfg(feature = "export")]
pub(crate) use export::ExportArgs;
pub(crate) use logs::LogArgs;
pub(crate) use run::RunArgs;
#[cfg(feature = "simulate")]
pub(crate) use simulate::SimulateArgs;
pub(crate) use values::IdleTimeoutArg;

/// Says, for each target of an AWS Application Load Balancer, why requests failed.
#[derive(Debug, Parser)]
#[command(name = "albscope", version, about, propagate_version = true, max_term_width = 100)]
#[command(after_help = "Exit status: 0 done, 1 a rule of --fail-on matches, 2 an error (what could be read is still \
                  reported), 130 interrupted.")]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Args {
    /// Parses the command line. Ends the program if it is not valid.
    pub(crate) fn read() -> Self {
        Self::parse_from(joined(std::env::args_os()))
    }
}

/// Joins `--request-payer requester`, the form of the AWS command line, with `=`, so that it cannot be
/// mistaken for a flag and an input.
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
    // The long help of these four is on their argument types. A doc comment here would replace it.
    Analyze(Box<AnalyzeArgs>),
    #[cfg(feature = "export")]
    Export(Box<ExportArgs>),
    Explain(ExplainArgs),
    #[cfg(feature = "simulate")]
    Simulate(SimulateArgs),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
    /// Print a manual page in roff form
    Man(ManArgs),
}

/// Explain a cause, an outcome, a status, a code, a field, or one log line.
///
/// With a cause, says what it means, what is evidence for and against it in a log, how to fix it on common servers with
/// time and risk, and which commands confirm it. With an outcome (closed-before-response), a status (502) or a code of
/// error_reason (LambdaUnhandled), says how such a request ended and which causes it may have. With the name of a field
/// (target_processing_time), says what is in it. Without anything, lists all causes. With --line, shows each field of
/// one log line and its value, how the request ended, and which causes fit that outcome.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  albscope explain keep-alive-race
  albscope explain 502
  zcat FILE.log.gz | grep TRACE_ID | albscope explain --line -")]
#[expect(clippy::doc_markdown, reason = "it is printed as help")]
pub(crate) struct ExplainArgs {
    /// What to explain, such as keep-alive-race or 502; without it, all causes are listed
    #[arg(value_name = "TOPIC", conflicts_with = "line")]
    pub(crate) topic: Option<String>,

    /// One line of an access log, in quotes; - reads it from standard input
    #[arg(long, value_name = "LINE", allow_hyphen_values = true)]
    pub(crate) line: Option<OsString>,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  albscope completions bash > ~/.local/share/bash-completion/completions/albscope
  albscope completions zsh > _albscope")]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  albscope man | man -l -
  albscope man analyze > albscope-analyze.1")]
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
