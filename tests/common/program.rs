//! Runs of the program, as its users start it.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::memory::peak_memory_of;

/// A run of the program that is over.
#[derive(Debug)]
pub struct ProgramRun {
    /// The exit status. `None` if a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// The program in `folder`, with no input and nothing of the environment that changes a report.
///
/// It does not ignore SIGINT, even if the tests were started so, as a shell starts what it runs in the background.
pub fn command(folder: &Path, args: &[&str]) -> Command {
    command_with_signals("--default-signal=INT", folder, args)
}

/// The same with this setting of `env` for its signals.
pub fn command_with_signals(setting: &str, folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new("/usr/bin/env");
    command.arg(setting).arg(env!("CARGO_BIN_EXE_albscope")).args(args);
    command.current_dir(folder).env_remove("NO_COLOR").env_remove("COLUMNS").stdin(Stdio::null());
    command
}

pub fn run(folder: &Path, args: &[&str]) -> ProgramRun {
    finish(command(folder, args))
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
    ProgramRun::new(output)
}

/// Runs a command to its end.
pub fn finish(mut command: Command) -> ProgramRun {
    ProgramRun::new(command.output().expect("the program runs"))
}

/// Runs a command to its end. Also gives the most memory that it had at once, in bytes; `None` if the system does not
/// report it.
pub fn finish_with_peak(mut command: Command) -> (ProgramRun, Option<u64>) {
    let files = tempfile::tempdir().expect("a temporary folder");
    let [stdout, stderr] = ["stdout", "stderr"].map(|name| files.path().join(name));
    let file = |path: &Path| File::create(path).expect("a file");
    let mut child = command.stdout(file(&stdout)).stderr(file(&stderr)).spawn().expect("the program starts");
    let id = child.id().to_string();
    let mut peak = None;
    let status = loop {
        // It only grows, so the last reading is the peak, except for the last milliseconds.
        peak = peak_memory_of(&id).or(peak);
        if let Some(status) = child.try_wait().expect("it is ours") {
            break status;
        }
        thread::sleep(Duration::from_millis(2));
    };
    let bytes = |path: &Path| fs::read(path).expect("a file");
    (ProgramRun::new(Output { status, stdout: bytes(&stdout), stderr: bytes(&stderr) }), peak)
}

/// Sends a signal, by its name without `SIG`.
pub fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args(["-s", name, &child.id().to_string()]).status();
    assert!(status.expect("kill runs").success());
}

impl ProgramRun {
    /// What a command that was run by other means has printed.
    pub fn new(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("the program prints UTF-8");
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Checks that the run ended well, without a message.
    pub fn assert_sound(&self, name: &str) {
        assert!(self.code == Some(0) && self.stderr.is_empty(), "{name}: {:?} {}", self.code, self.stderr);
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
