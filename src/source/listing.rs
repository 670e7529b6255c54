//! What a source found.

use std::collections::BTreeMap;

use super::object::Object;
use super::skip::{FolderSkip, Skip};
use crate::error::Error;

/// What a source found.
#[derive(Debug, Default)]
pub struct Listing {
    /// The objects to read, in the source's stable order.
    pub objects: Vec<Object>,
    /// How many objects were left out, by reason.
    pub skipped: BTreeMap<Skip, u64>,
    /// How many folders were left out, by reason.
    pub folders_skipped: BTreeMap<FolderSkip, u64>,
    /// Requests that the listing took; 0 on disk.
    pub requests: u64,
    /// How often the listing jumped over keys that cannot be wanted. Those keys are neither listed nor counted.
    pub jumps: u64,
    /// What could not be listed. The run goes on without it.
    pub errors: Vec<Error>,
}

impl Listing {
    pub(super) fn skip(&mut self, reason: Skip) {
        *self.skipped.entry(reason).or_default() += 1;
    }
}
