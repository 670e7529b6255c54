//! An input that could not be opened.

use std::ffi::OsStr;
use std::io;

use super::backend::Source;
use super::cancel::CancelToken;
use super::listing::Listing;
use super::object::Object;
use super::selection::Selection;
use crate::decode::Body;
use crate::error::{Error, Result};

/// An input that could not be opened. It lists no object, only the reason as an error, so that the report shows it.
#[derive(Debug)]
pub struct NotOpened {
    input: Box<str>,
    reason: String,
}

impl NotOpened {
    /// Remembers why `input` could not be opened.
    #[must_use]
    pub fn new(input: &OsStr, error: &Error) -> Self {
        let reason = std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
        Self { input: input.to_string_lossy().into(), reason }
    }

    fn error(&self) -> Error {
        Error::source(&*self.input, io::Error::other(self.reason.clone()))
    }
}

impl Source for NotOpened {
    fn list(&self, _: &Selection, _: &CancelToken) -> Listing {
        Listing { errors: vec![self.error()], ..Listing::default() }
    }

    fn open<'a>(&self, _: &Object, _: &'a mut Vec<u8>) -> Result<Body<'a>> {
        Err(self.error())
    }
}
