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
mod terminal;
mod threads;

use std::process::ExitCode;

use args::{Args, Command};

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
