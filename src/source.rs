//! Where log objects come from.
//!
//! A [`Source`] lists its objects, skips those that cannot hold a wanted line (and counts them by reason), and
//! returns an object's bytes. A remote source also starts to [`Source::fetch`] objects before they are opened. A
//! new kind of source is one file and one branch in [`Inputs::open`].

mod disk;
mod etag;
mod fetch;
mod key;
#[cfg(feature = "s3")]
mod s3;
mod s3_options;
mod selection;
#[cfg(not(feature = "s3"))]
mod without_s3;

use std::collections::{BTreeMap, HashSet};
use std::ffi::OsStr;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

pub use disk::{Disk, NotOpened, StandardInput};
pub use fetch::{Arrived, Delivery, Fetch, Fetched, way};
pub use key::ObjectKey;
#[cfg(feature = "s3")]
pub use s3::{S3, Store};
pub use s3_options::{CacheOptions, S3Options};
pub use selection::{LoadBalancerFilter, RecordSkip, Selection, TargetFilter, TargetGroupFilter};

use crate::decode::Body;
use crate::error::{Error, Result};
use crate::kind::LogKind;
use etag::Etag;
#[cfg(feature = "s3")]
use s3::S3Opener;
#[cfg(not(feature = "s3"))]
use without_s3::NoS3 as S3Opener;

/// One log object, listed and not yet opened.
#[derive(Clone, Debug)]
pub struct Object {
    /// What reports call it: a path, a URL, or `-`.
    pub name: Arc<str>,
    /// Its size as stored, in bytes; 0 if unknown.
    pub stored_bytes: u64,
    /// How its source finds it, and what the listing knows about it.
    place: Place,
}

/// What a source needs to find an object.
#[derive(Clone, Debug)]
enum Place {
    /// A file.
    Path {
        /// Kept besides the object's name: a path need not be UTF-8, and the name is.
        path: PathBuf,
        /// Device and inode number, which identify a file whatever its name. `None` if it is not a regular file,
        /// and on systems other than Unix.
        identity: Option<(u64, u64)>,
    },
    /// A key in S3. The object's name ends with it.
    Key {
        /// `None` if the store gave none.
        etag: Option<Etag>,
        /// It is archived and must be restored before it can be read.
        is_archived: bool,
    },
}

impl Object {
    /// What the object's name says. `None` if it does not have AWS's form.
    #[must_use]
    pub fn key(&self) -> Option<ObjectKey<'_>> {
        ObjectKey::parse(self.name.rsplit(['/', '\\']).next()?)
    }

    /// What identifies the object, to find one that is listed twice. `None` if nothing does, as for standard input.
    fn identity(&self) -> Option<Identity> {
        match &self.place {
            Place::Path { identity, .. } => identity.map(Identity::File),
            Place::Key { .. } => Some(Identity::Key(self.name.clone())),
        }
    }
}

/// What identifies an object.
#[derive(PartialEq, Eq, Hash)]
enum Identity {
    /// Device and inode number.
    File((u64, u64)),
    /// A URL.
    Key(Arc<str>),
}

/// Why an object was skipped without being opened. Ids are stable, because they are in the JSON report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Skip {
    /// Its interval cannot hold a line of the window.
    OutsideWindow,
    /// Its key names another load balancer.
    OtherLoadBalancer,
    /// Its key names a kind of log that is not read.
    OtherKind(&'static LogKind),
    /// Its file name is not that of a log, or it is a pipe, socket or device. Only for what is found in a folder,
    /// never for what the user named.
    NotALog,
    /// It is listed already, by another input or under another name, and counts there.
    NamedTwice,
}

impl Skip {
    /// The stable id.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::OutsideWindow => "outside-window",
            Self::OtherLoadBalancer => "other-load-balancer",
            Self::OtherKind(kind) => kind.id,
            Self::NotALog => "not-a-log",
            Self::NamedTwice => "named-twice",
        }
    }
}

/// Why a folder was skipped without being listed. How many objects it has is not known. Ids are stable, because
/// they are in the JSON report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum FolderSkip {
    /// Its year, month or day cannot hold a line of the window.
    OutsideWindow,
    /// It belongs to another AWS service that writes to the same bucket.
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

/// What was read from a cache on disk instead of from the store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FromCache {
    /// How many objects.
    pub objects: u64,
    /// Their size as stored, in bytes.
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
    /// How often the listing jumped over keys that cannot be wanted. Those keys are neither listed nor counted.
    pub jumps: u64,
    /// What could not be listed. The run goes on without it.
    pub errors: Vec<Error>,
}

impl Listing {
    fn skip(&mut self, reason: Skip) {
        *self.skipped.entry(reason).or_default() += 1;
    }
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
    /// It is archived and must be restored before it can be read.
    pub is_archived: bool,
}

/// How far a listing is. Shared with the code that shows it and may cancel it.
#[derive(Debug, Default)]
pub struct CancelToken {
    listed: AtomicU64,
    is_cancelled: AtomicBool,
}

impl CancelToken {
    /// Names seen so far, wanted or not.
    #[must_use]
    pub fn listed(&self) -> u64 {
        self.listed.load(Ordering::Relaxed)
    }

    /// Asks the listing to stop.
    pub fn cancel(&self) {
        self.is_cancelled.store(true, Ordering::Relaxed);
    }

    /// Whether it was asked to stop.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(Ordering::Relaxed)
    }

    fn saw(&self, names: u64) {
        self.listed.fetch_add(names, Ordering::Relaxed);
    }
}

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
