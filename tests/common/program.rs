//! Runs of the program, as its users start it.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;

use serde_json::Value;

/// A run of the program that is over.
#[derive(Debug)]
pub struct ProgramRun {
    /// The exit status. `None` if a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// The program in `folder`, with no input and nothing of the environment that changes a report.
pub fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_albscope"));
    command.args(args).current_dir(folder).env_remove("NO_COLOR").env_remove("COLUMNS").stdin(Stdio::null());
    command
}

pub fn run(folder: &Path, args: &[&str]) -> ProgramRun {
    finish(command(folder, args).output().expect("the program runs"))
}

pub fn run_with_input(folder: &Path, args: &[&str], input: &[u8]) -> ProgramRun {
    let mut child = command(folder, args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("it is piped");
    let input = input.to_vec();
    // On another thread: with only one, the test could wait for the program to read its input, and the program for
    // the test to read its output.
    let feeder = thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().expect("the program ends");
    feeder.join().expect("no panic").expect("all input is read");
    finish(output)
}

pub fn finish(output: Output) -> ProgramRun {
    let text = |bytes| String::from_utf8(bytes).expect("the program prints UTF-8");
    ProgramRun { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

impl ProgramRun {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Checks that standard error is one line that contains all of `parts`.
    pub fn assert_complains(&self, name: &str, parts: &[&str]) {
        assert_eq!(self.stderr.lines().count(), 1, "{name}: one line of complaint: {}", self.stderr);
        assert!(self.stderr.starts_with("albscope: "), "{name}: {}", self.stderr);
        for part in parts {
            assert!(self.stderr.contains(part), "{name}: {part:?} is not in {}", self.stderr);
        }
    }
}
