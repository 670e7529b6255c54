//! The command line of albscope.

// What only the commands of one feature use is no dead code in a build without that feature.
#![cfg_attr(not(all(feature = "export", feature = "pictures", feature = "s3", feature = "simulate")), allow(dead_code))]

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
