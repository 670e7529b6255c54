//! Where log objects come from.
//!
//! A [`Source`] lists its objects, leaves out what cannot hold a wanted line (and counts it by reason), and hands out an
//! object's bytes. One whose objects are far away also begins to [`Source::fetch`] them before they are asked for. A new place is one file and one line
//! in [`from_input`].

mod disk;
mod fetch;
mod key;
mod s3;
mod selection;

use std::collections::{BTreeMap, HashSet};
use std::ffi::OsStr;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

pub use disk::{Disk, NotOpened, StandardInput};
pub(crate) use fetch::way;
pub use fetch::{Arrived, Delivery, Fetch, Fetched};
pub use key::{KeyKind, ObjectKey};
pub use s3::{CacheOptions, S3, S3Options, Store};
pub use selection::{LoadBalancerFilter, RecordSkip, Selection, TargetFilter, TargetGroupFilter};

use crate::decode::Body;
use crate::error::{Error, Result};

/// One log object, listed and not yet opened.
#[derive(Clone, Debug)]
pub struct Object {
    /// What reports call it: a path, a URL, or `-`.
    pub name: Arc<str>,
    /// Its size as it is stored; 0 where that is not known.
    pub stored_bytes: u64,
    /// Where its source finds it, and what it knows of it.
    place: Place,
}

/// What a source needs to find an object.
#[derive(Clone, Debug)]
enum Place {
    /// A file.
    Path {
        /// An object's name need not tell it, as paths need not be UTF-8.
        path: PathBuf,
        /// What tells files apart whatever they are called. Absent for what is no file, and where the system has no such thing.
        identity: Option<(u64, u64)>,
    },
    /// A key, which the object's name ends with.
    Key {
        /// Absent where the listing did not tell.
        etag: Option<s3::Etag>,
        /// In an archive from which it has to be restored before it can be read.
        is_archived: bool,
    },
}

impl Object {
    /// The load balancer node that wrote the object, where its name tells.
    #[must_use]
    pub fn node(&self) -> Option<Vec<u8>> {
        let file_name = self.name.rsplit(['/', '\\']).next()?;
        ObjectKey::parse(file_name).map(|key| key.node.as_bytes().to_vec()).filter(|node| !node.is_empty())
    }

    /// What tells it from all others, if it may be listed twice.
    fn identity(&self) -> Option<Identity> {
        match &self.place {
            Place::Path { identity, .. } => identity.map(Identity::File),
            Place::Key { .. } => Some(Identity::Key(self.name.clone())),
        }
    }
}

/// What tells objects apart.
#[derive(PartialEq, Eq, Hash)]
enum Identity {
    /// A device and a file of it.
    File((u64, u64)),
    /// A URL.
    Key(Arc<str>),
}

/// Why an object was left out without being opened. Ids are stable: they stand in the JSON report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Skip {
    /// Its interval cannot hold a line of the window.
    OutsideWindow,
    /// Its key names another load balancer.
    OtherLoadBalancer,
    /// A connection log.
    ConnectionLog,
    /// A health check log.
    HealthCheckLog,
    /// A log of a Network Load Balancer.
    NetworkLoadBalancer,
    /// A log of a Classic Load Balancer.
    ClassicLoadBalancer,
    /// The object AWS writes when logging is switched on.
    TestObject,
    /// A file whose name is not that of a log, or a pipe, socket or device: only in folders, never when named by the user.
    NotALog,
    /// Another input has it too, or the same folder under another name, and it counts there.
    NamedTwice,
}

impl Skip {
    /// The stable id.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::OutsideWindow => "outside-window",
            Self::OtherLoadBalancer => "other-load-balancer",
            Self::ConnectionLog => "connection-log",
            Self::HealthCheckLog => "health-check-log",
            Self::NetworkLoadBalancer => "network-load-balancer",
            Self::ClassicLoadBalancer => "classic-load-balancer",
            Self::TestObject => "test-object",
            Self::NotALog => "not-a-log",
            Self::NamedTwice => "named-twice",
        }
    }
}

/// Why a folder was left out without being looked into; how many objects it has is not known. Ids are stable: they stand in the JSON report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum FolderSkip {
    /// Of a year, month or day that cannot hold a line of the window.
    OutsideWindow,
    /// Of another AWS service that writes to the same bucket.
    OtherService,
}

impl FolderSkip {
    /// The stable id.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::OutsideWindow => "outside-window",
            Self::OtherService => "other-service",
        }
    }
}

/// What came from a cache on disk rather than from afar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FromCache {
    /// Objects.
    pub objects: u64,
    /// Their bytes as stored.
    pub bytes: u64,
}

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
    /// Jumps over keys that cannot be wanted and were not listed; nor are they counted.
    pub jumps: u64,
    /// What could not be listed. The run goes on without it.
    pub errors: Vec<Error>,
}

impl Listing {
    fn skip(&mut self, reason: Skip) {
        *self.skipped.entry(reason).or_default() += 1;
    }
}

/// Lists what all sources have. Of an object that two of them have, or one of them under two names, the first counts.
pub fn list_all<'s>(
    sources: &'s [Box<dyn Source>],
    selection: &Selection,
    watch: &Watch,
) -> Vec<(&'s dyn Source, Listing)> {
    let mut seen = HashSet::new();
    let listings = sources.iter().map(|source| {
        let mut listing = source.list(selection, watch);
        let listed = listing.objects.len();
        // A bucket alone has no key twice, and may have a million.
        let may_repeat = |object: &Object| sources.len() > 1 || matches!(object.place, Place::Path { .. });
        listing.objects.retain(|object| {
            let identity = Some(object).filter(|object| may_repeat(object)).and_then(Object::identity);
            identity.is_none_or(|identity| seen.insert(identity))
        });
        let repeated = listed - listing.objects.len();
        if repeated > 0 {
            *listing.skipped.entry(Skip::NamedTwice).or_default() += repeated as u64;
        }
        (&**source, listing)
    });
    listings.collect()
}

/// What reading an object will take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Requests to a store.
    pub requests: u64,
    /// It is in the cache on this machine.
    pub is_cached: bool,
    /// It is in an archive from which it has to be restored before it can be read.
    pub is_archived: bool,
}

/// How far a listing is; shared with whoever shows it, or stops it.
#[derive(Debug, Default)]
pub struct Watch {
    listed: AtomicU64,
    is_cancelled: AtomicBool,
}

impl Watch {
    /// Names seen so far, wanted or not.
    #[must_use]
    pub fn listed(&self) -> u64 {
        self.listed.load(Ordering::Relaxed)
    }

    /// Asks for an end.
    pub fn cancel(&self) {
        self.is_cancelled.store(true, Ordering::Relaxed);
    }

    /// Whether an end was asked for.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(Ordering::Relaxed)
    }

    fn saw(&self, names: u64) {
        self.listed.fetch_add(names, Ordering::Relaxed);
    }
}

/// A place that holds log objects.
pub trait Source: Send + Sync {
    /// Lists the objects that may hold a wanted line. When `watch` is cancelled it ends early, with what it has.
    fn list(&self, selection: &Selection, watch: &Watch) -> Listing;

    /// Objects that are worth having under way at once; 0, the default, where opening one waits for nothing but this machine.
    fn read_ahead(&self) -> usize {
        0
    }

    /// Begins to bring an object here, and returns at once. `None`, the default: [`Source::open`] does not have to wait.
    ///
    /// Objects are fetched in the order of these calls as far as memory goes, so of two objects that are needed one after the other the first must be asked for
    /// first.
    fn fetch(&self, _object: &Object, _arrived: Arrived) -> Option<Fetch> {
        None
    }

    /// What reading an object will take; nothing on disk.
    fn cost(&self, _object: &Object) -> Cost {
        Cost::default()
    }

    /// What was read from a cache so far; absent where there is none.
    fn cached(&self) -> Option<FromCache> {
        None
    }

    /// Hands out an object's bytes. `scratch` is the worker's, which reuses it; the source may hold the whole object there.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Source`] when it cannot be opened, [`crate::ErrorKind::Read`] when it breaks while it is read into memory.
    fn open<'a>(&self, object: &Object, scratch: &'a mut Vec<u8>) -> Result<Body<'a>>;
}

/// The source that an input names, as [`Inputs::open`] with what the environment says of S3.
///
/// # Errors
/// As there.
pub fn from_input(input: &OsStr) -> Result<Box<dyn Source>> {
    Inputs::new(S3Options::default()).open(input)
}

/// Opens inputs; those in S3 share their connections, credentials and bounds.
pub struct Inputs {
    s3_options: S3Options,
    store: Option<Arc<Store>>,
}

impl Inputs {
    /// Nothing is opened or asked for yet.
    #[must_use]
    pub fn new(s3_options: S3Options) -> Self {
        Self { s3_options, store: None }
    }

    /// The source that an input names: `-` is standard input, `s3://bucket/prefix` what is in S3, anything else a file or folder.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Source`] when there is nothing of that name, or it cannot be looked at.
    pub fn open(&mut self, input: &OsStr) -> Result<Box<dyn Source>> {
        if input == "-" {
            return Ok(Box::new(StandardInput));
        }
        if !input.as_encoded_bytes().starts_with(b"s3://") {
            return match Disk::new(input) {
                Ok(disk) => Ok(Box::new(disk)),
                Err(_) if is_meant_elsewhere(input) => {
                    let reason = "there is no file of that name, and what lies in S3 is named s3://BUCKET/PREFIX";
                    Err(Error::source(input.to_string_lossy(), io::Error::other(reason)))
                }
                Err(error) => Err(error),
            };
        }
        let Some(url) = input.to_str() else {
            return Err(Error::source(input.to_string_lossy(), io::Error::other("the URL is not UTF-8")));
        };
        let store = if let Some(store) = &self.store {
            store.clone()
        } else {
            let opened = Store::open(&self.s3_options).map_err(|reason| Error::source(url, reason))?;
            self.store.insert(Arc::new(opened)).clone()
        };
        Ok(Box::new(S3::open(&store, url)?))
    }
}

/// Whether an input looks like the name of a place that is none on disk: `S3://logs`, `s3:/logs`, `arn:aws:s3:::logs`, `https://logs.s3.amazonaws.com`.
fn is_meant_elsewhere(input: &OsStr) -> bool {
    let input = input.to_string_lossy().to_ascii_lowercase();
    input.starts_with("s3:") || input.starts_with("arn:") || input.contains("://")
}
