//! From what the user typed to a source.

use std::ffi::OsStr;
use std::io;

use super::backend::Source;
use super::disk::Disk;
#[cfg(feature = "s3")]
use super::s3::S3Opener;
use super::s3_options::S3Options;
use super::standard_input::StandardInput;
#[cfg(not(feature = "s3"))]
use super::without_s3::NoS3 as S3Opener;
use crate::error::{Error, Result};

/// Opens one input as [`Inputs::open`] does, with S3 configured by the environment and the AWS configuration files.
///
/// # Errors
/// As [`Inputs::open`].
pub fn from_input(input: &OsStr) -> Result<Box<dyn Source>> {
    Inputs::new(S3Options::default()).open(input)
}

/// Opens inputs. Those in S3 share their connections, credentials and limits.
pub struct Inputs {
    s3: S3Opener,
}

impl Inputs {
    /// Opens nothing and sends no request yet.
    #[must_use]
    pub fn new(s3_options: S3Options) -> Self {
        Self { s3: S3Opener::new(s3_options) }
    }

    /// Opens the source that an input names: `-` is standard input, `s3://bucket/prefix` is in S3,
    /// anything else is a file or folder.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Source`] if nothing has that name, it cannot be accessed, or S3 cannot be set up. A build
    /// without the feature `s3` refuses all inputs in S3.
    pub fn open(&mut self, input: &OsStr) -> Result<Box<dyn Source>> {
        if input == "-" {
            return Ok(Box::new(StandardInput));
        }
        if !input.as_encoded_bytes().starts_with(b"s3://") {
            return match Disk::new(input) {
                Ok(disk) => Ok(Box::new(disk)),
                Err(_) if is_meant_elsewhere(input) => {
                    let reason = "there is no such file; for S3, use s3://BUCKET/PREFIX";
                    Err(Error::source(input.to_string_lossy(), io::Error::other(reason)))
                }
                Err(error) => Err(error),
            };
        }
        match input.to_str() {
            Some(url) => self.s3.open(url),
            None => Err(Error::source(input.to_string_lossy(), io::Error::other("the URL is not UTF-8"))),
        }
    }
}

/// Whether an input looks like a URL or an ARN rather than a path: `S3://logs`, `s3:/logs`, `arn:aws:s3:::logs`,
/// `https://logs.s3.amazonaws.com`.
fn is_meant_elsewhere(input: &OsStr) -> bool {
    let input = input.to_string_lossy().to_ascii_lowercase();
    input.starts_with("s3:") || input.starts_with("arn:") || input.contains("://")
}
