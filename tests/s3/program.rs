//! The program, run as its users run it, on disk and on S3.

#![allow(dead_code, reason = "shared by tests and benchmarks")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::server::{ACCESS_KEY, SECRET_KEY, TestServer};
use crate::store::BucketStore;

/// A run of the program, over.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Ended well, and nothing to complain about.
    pub(crate) fn assert_sound(&self, name: &str) {
        assert!(self.code == Some(0) && self.stderr.is_empty(), "{name}: {:?} {}", self.code, self.stderr);
    }

    /// One sentence on standard error that holds all of these.
    pub(crate) fn assert_complains(&self, name: &str, parts: &[&str]) {
        assert_eq!(self.stderr.lines().count(), 1, "{name}: one line of complaint: {}", self.stderr);
        assert!(self.stderr.starts_with("albscope: "), "{name}: {}", self.stderr);
        for part in parts {
            assert!(self.stderr.contains(part), "{name}: {part:?} is not in {}", self.stderr);
        }
    }
}

/// A command in `folder` that knows nothing of this machine's AWS configuration.
///
/// It does not ignore SIGINT, even if the tests were started so, as a shell starts what it runs in the background.
pub(crate) fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new("/usr/bin/env");
    command.arg("--default-signal=INT").arg(env!("CARGO_BIN_EXE_albscope"));
    command.args(args).current_dir(folder).stdin(Stdio::null()).env_clear();
    command.env("HOME", folder).env("AWS_EC2_METADATA_DISABLED", "true");
    command
}

/// The same with the credentials of the server's user.
pub(crate) fn signed(folder: &Path, args: &[&str]) -> Command {
    let mut command = command(folder, args);
    command.env("AWS_ACCESS_KEY_ID", ACCESS_KEY).env("AWS_SECRET_ACCESS_KEY", SECRET_KEY);
    command
}

/// Runs a command to its end.
pub(crate) fn finish(mut command: Command) -> Run {
    let output = command.output().expect("the program runs");
    let text = |bytes| String::from_utf8(bytes).expect("the program prints UTF-8");
    Run { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// Runs a command to its end, and tells the most memory that it held at once, in bytes. Absent where the system
/// does not tell.
pub(crate) fn finish_with_peak(mut command: Command) -> (Run, Option<u64>) {
    let files = tempfile::tempdir().expect("a temporary folder");
    let [stdout, stderr] = ["stdout", "stderr"].map(|name| files.path().join(name));
    let file = |path: &Path| fs::File::create(path).expect("a file");
    let mut child = command.stdout(file(&stdout)).stderr(file(&stderr)).spawn().expect("the program starts");
    let mut peak = None;
    let status = loop {
        // It only grows, so the last that is seen is the most but for the last milliseconds.
        peak = peak_memory(&child).or(peak);
        if let Some(status) = child.try_wait().expect("it is ours") {
            break status;
        }
        thread::sleep(Duration::from_millis(2));
    };
    let text = |path: &Path| fs::read_to_string(path).expect("the program prints UTF-8");
    (Run { code: status.code(), stdout: text(&stdout), stderr: text(&stderr) }, peak)
}

fn peak_memory(child: &Child) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}

/// The folder of the bucket `logs`, as the program is told of it. As long as [`BUCKET`], so that lines break alike.
pub(crate) const FOLDER: &str = "disk/logs";
pub(crate) const BUCKET: &str = "s3://logs";

/// The same objects on disk and for a server.
pub(crate) struct Twin {
    root: tempfile::TempDir,
}

impl Twin {
    pub(crate) fn new<'a>(objects: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Self {
        let root = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir_all(root.path().join(FOLDER)).expect("a folder");
        let twin = Self { root };
        for (key, bytes) in objects {
            twin.write(key, bytes);
        }
        twin
    }

    pub(crate) fn write(&self, key: &str, bytes: &[u8]) {
        let path = self.path(key);
        fs::create_dir_all(path.parent().expect("it lies in the folder")).expect("a folder");
        fs::write(path, bytes).expect("a file");
    }

    pub(crate) fn path(&self, key: &str) -> PathBuf {
        self.root.path().join(FOLDER).join(key)
    }

    /// Where the program runs.
    pub(crate) fn root(&self) -> &Path {
        self.root.path()
    }

    /// For a server.
    pub(crate) fn store(&self) -> BucketStore {
        BucketStore::folder(&self.root.path().join("disk"))
    }

    pub(crate) fn on_disk(&self, args: &[&str]) -> Run {
        finish(command(self.root(), args))
    }

    pub(crate) fn on_s3(&self, server: &TestServer, args: &[&str]) -> Run {
        finish(signed(self.root(), &[args, &["--endpoint-url", &server.url()]].concat()))
    }
}

/// What the program printed, with the bucket's name for the folder's.
pub(crate) fn named_alike(text: &str) -> String {
    text.replace(FOLDER, BUCKET)
}
