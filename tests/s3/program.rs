//! The program, run as its users run it, on disk and on S3.

#![allow(dead_code, reason = "shared by tests and benchmarks")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) use crate::common::program::{ProgramRun, finish};

use crate::common::program;
use crate::server::{ACCESS_KEY, SECRET_KEY, TestServer};
use crate::store::BucketStore;

/// The program in `folder`, with nothing of this machine's AWS configuration.
pub(crate) fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = program::command(folder, args);
    command.env_clear().env("HOME", folder).env("AWS_EC2_METADATA_DISABLED", "true");
    command
}

/// The same with the credentials of the server's user.
pub(crate) fn signed(folder: &Path, args: &[&str]) -> Command {
    let mut command = command(folder, args);
    command.env("AWS_ACCESS_KEY_ID", ACCESS_KEY).env("AWS_SECRET_ACCESS_KEY", SECRET_KEY);
    command
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

    pub(crate) fn on_disk(&self, args: &[&str]) -> ProgramRun {
        finish(command(self.root(), args))
    }

    pub(crate) fn on_s3(&self, server: &TestServer, args: &[&str]) -> ProgramRun {
        finish(signed(self.root(), &[args, &["--endpoint-url", &server.url()]].concat()))
    }
}

/// What the program printed, with the bucket's name for the folder's.
pub(crate) fn named_alike(text: &str) -> String {
    text.replace(FOLDER, BUCKET)
}
