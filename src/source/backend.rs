//! What every source does: list, fetch ahead, and open.

use std::collections::HashSet;

use super::cancel::CancelToken;
use super::fetch::{Arrived, Fetch};
use super::listing::Listing;
use super::object::{IdWithinRun, Object};
use super::selection::Selection;
use super::skip::Skip;
use crate::decode::Body;
use crate::error::Result;

/// Something that holds log objects, such as a folder or a bucket.
pub trait Source: Send + Sync {
    /// Lists the objects that may hold a wanted line. When `cancel_token` is cancelled it ends early, with what it has.
    fn list(&self, selection: &Selection, cancel_token: &CancelToken) -> Listing;

    /// How many objects to fetch ahead. 0, the default, if opening an object waits for nothing outside this machine.
    fn read_ahead(&self) -> usize {
        0
    }

    /// Starts to fetch an object and returns immediately. `None`, the default, if
    /// [`Source::open`] does not have to wait.
    ///
    /// Objects are fetched in the order of these calls, as far as memory allows. Of two objects that are needed one
    /// after the other, ask for the first one first: otherwise it may wait for memory that the second one holds.
    fn fetch(&self, _object: &Object, _arrived: Arrived) -> Option<Fetch> {
        None
    }

    /// What reading an object will take. The default, which disks have, is nothing.
    fn cost(&self, _object: &Object) -> Cost {
        Cost::default()
    }

    /// What was read from the cache so far. `None` if the source has no cache.
    fn cached(&self) -> Option<FromCache> {
        None
    }

    /// Opens an object and returns its bytes. `scratch` belongs to the worker, which reuses it; the source
    /// may put the whole object there.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Source`] if it cannot be opened, [`crate::ErrorKind::Read`] if reading it into memory fails.
    fn open<'a>(&self, object: &Object, scratch: &'a mut Vec<u8>) -> Result<Body<'a>>;
}

/// What reading an object will take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Requests to a store.
    pub requests: u64,
    /// It is in the cache on this machine.
    pub is_cached: bool,
    /// It is archived and must be restored before it can be read.
    pub is_archived: bool,
}

/// What was read from a cache on disk instead of from the store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FromCache {
    /// How many objects.
    pub objects: u64,
    /// Their size as stored, in bytes.
    pub bytes: u64,
}

/// Lists the objects of all sources, in the order of `sources`. An object that is listed twice, by two sources or
/// under two names, counts only the first time. The other times are counted as [`Skip::NamedTwice`].
pub fn list_all<'s>(
    sources: &'s [Box<dyn Source>],
    selection: &Selection,
    cancel_token: &CancelToken,
) -> Vec<(&'s dyn Source, Listing)> {
    let mut seen = HashSet::new();
    let listings = sources.iter().map(|source| {
        let mut listing = source.list(selection, cancel_token);
        let listed = listing.objects.len();
        // A single bucket lists no key twice and may list a million, so their names are not remembered.
        let may_repeat = |id: &IdWithinRun| sources.len() > 1 || matches!(id, IdWithinRun::DeviceAndInode(_));
        listing.objects.retain(|object| object.within_run().filter(may_repeat).is_none_or(|id| seen.insert(id)));
        let repeated = listed - listing.objects.len();
        if repeated > 0 {
            *listing.skipped.entry(Skip::NamedTwice).or_default() += repeated as u64;
        }
        (&**source, listing)
    });
    listings.collect()
}
