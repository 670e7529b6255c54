//! The command line of albscope.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
