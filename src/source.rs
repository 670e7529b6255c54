//! Where log objects come from.
//!
//! A [`Source`] lists its objects, leaves out what cannot hold a wanted line (and counts it by reason), and hands out an
//! object's bytes. A new place is one file and one line in [`from_input`].

mod disk;
mod key;
mod selection;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use disk::{Disk, StandardInput};
pub use key::{KeyKind, ObjectKey};
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
    /// Where its source finds it. File names need not be UTF-8, so the name does not serve.
    place: std::path::PathBuf,
}

impl Object {
    /// The load balancer node that wrote the object, where its name tells.
    #[must_use]
    pub fn node(&self) -> Option<Vec<u8>> {
        let file_name = self.name.rsplit(['/', '\\']).next()?;
        ObjectKey::parse(file_name).map(|key| key.node.as_bytes().to_vec()).filter(|node| !node.is_empty())
    }
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
        }
    }
}

/// What a source found.
#[derive(Debug, Default)]
pub struct Listing {
    /// The objects to read, in the source's stable order.
    pub objects: Vec<Object>,
    /// How many objects were left out, by reason.
    pub skipped: BTreeMap<Skip, u64>,
    /// What could not be listed. The run goes on without it.
    pub errors: Vec<Error>,
}

impl Listing {
    fn skip(&mut self, reason: Skip) {
        *self.skipped.entry(reason).or_default() += 1;
    }
}

/// A place that holds log objects.
pub trait Source: Send + Sync {
    /// Lists the objects that may hold a wanted line.
    fn list(&self, selection: &Selection) -> Listing;

    /// Hands out an object's bytes. `scratch` is the worker's, which reuses it; the source may hold the whole object there.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Source`] when it cannot be opened, [`crate::ErrorKind::Read`] when it breaks while it is read into memory.
    fn open<'a>(&self, object: &Object, scratch: &'a mut Vec<u8>) -> Result<Body<'a>>;
}

/// The source that an input names: `-` is standard input, anything else a file or folder.
///
/// # Errors
/// [`crate::ErrorKind::Source`] when there is nothing of that name, or no source for it.
pub fn from_input(input: &std::ffi::OsStr) -> Result<Box<dyn Source>> {
    if input == "-" {
        return Ok(Box::new(StandardInput));
    }
    if input.as_encoded_bytes().starts_with(b"s3://") {
        let reason = std::io::Error::other(
            "this version reads files, folders and standard input; copy the objects first: aws s3 sync",
        );
        return Err(Error::source(input.to_string_lossy(), reason));
    }
    Ok(Box::new(Disk::new(input)?))
}
