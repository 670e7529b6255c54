//! What stands in for S3 in a build without the feature `s3`.

use std::io;

use super::backend::Source;
use super::s3_options::S3Options;
use crate::error::{Error, Result};

/// Refuses inputs in S3.
pub(super) struct NoS3;

impl NoS3 {
    pub(super) fn new(_options: S3Options) -> Self {
        Self
    }

    #[expect(clippy::unused_self, reason = "the opener of a build with S3 takes it")]
    pub(super) fn open(&mut self, url: &str) -> Result<Box<dyn Source>> {
        let reason = "this build of albscope cannot read from S3; build it with the feature s3, or copy the objects \
                      to a folder (aws s3 cp --recursive)";
        Err(Error::source(url, io::Error::new(io::ErrorKind::Unsupported, reason)))
    }
}
