//! One log object, as it was listed.

use std::fs;
use std::io;
use std::path::{self, Path};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use super::etag::Etag;
use super::id::{ObjectId, ObjectVersion};
use super::key::{KeyOffsets, ObjectKey};

/// One log object, listed and not yet opened.
#[derive(Clone, Debug)]
pub struct Object {
    /// What reports call it: a path, a URL, or `-`.
    pub name: Arc<str>,
    /// Its size as stored, in bytes; 0 if unknown.
    pub stored_bytes: u64,
    key: Option<KeyOffsets>,
    pub(super) location: ObjectLocation,
}

/// How its source finds an object, and what the listing knows about it.
#[derive(Clone, Debug)]
pub(super) enum ObjectLocation {
    StandardInput,
    /// In a box, because an object in S3 takes less and a listing may have a million of those.
    File(Box<FileLocation>),
    /// A key in S3. The object's name ends with it.
    S3 {
        /// `None` if the store gave none.
        etag: Option<Etag>,
        /// It is archived and must be restored before it can be read.
        is_archived: bool,
    },
}

/// A file, pipe or device.
#[derive(Clone, Debug)]
pub(super) struct FileLocation {
    /// The path, if it is not UTF-8. Otherwise it is the object's name.
    path: Option<Box<Path>>,
    /// Device and inode number of a regular file, whatever path leads to it. `None` on systems other than Unix.
    device_and_inode: Option<(u64, u64)>,
    /// When it was last modified. `None` if it is not a regular file, or if the file system does not say.
    modified: Option<SystemTime>,
}

impl Object {
    /// Standard input.
    pub(super) fn standard_input() -> Self {
        Self { name: "-".into(), stored_bytes: 0, key: None, location: ObjectLocation::StandardInput }
    }

    /// What a path leads to. `key` is its file name, parsed.
    pub(super) fn file(path: &Path, metadata: Option<&fs::Metadata>, key: Option<KeyOffsets>) -> Self {
        let file = metadata.filter(|metadata| metadata.is_file());
        let location = FileLocation {
            path: path.to_str().is_none().then(|| path.into()),
            device_and_inode: file.and_then(device_and_inode),
            modified: file.and_then(|metadata| metadata.modified().ok()),
        };
        Self {
            name: path.to_string_lossy().into(),
            // A pipe or a device has no size.
            stored_bytes: metadata.map_or(0, fs::Metadata::len),
            key,
            location: ObjectLocation::File(Box::new(location)),
        }
    }

    /// A key in S3 by its URL. `key` is its file name, parsed.
    pub(super) fn in_s3(
        url: impl Into<Arc<str>>,
        stored_bytes: u64,
        etag: Option<Etag>,
        is_archived: bool,
        key: Option<KeyOffsets>,
    ) -> Self {
        Self { name: url.into(), stored_bytes, key, location: ObjectLocation::S3 { etag, is_archived } }
    }

    /// What the object's file name says about it: load balancer, node, kind of log, end of its interval. It was parsed
    /// when the object was listed. `None` if the name does not have AWS's form.
    #[must_use]
    pub fn key(&self) -> Option<ObjectKey<'_>> {
        self.key.map(|key| key.of(&self.name))
    }

    /// The address of the load balancer node that wrote the object. `None` if the object's name has none.
    #[must_use]
    pub fn node(&self) -> Option<&[u8]> {
        self.key().and_then(|key| key.node_address())
    }

    /// What identifies the object. `None` for standard input, which nothing identifies. For a file this resolves the
    /// links in its path.
    #[must_use]
    pub fn id(&self) -> Option<ObjectId> {
        let version = match &self.location {
            ObjectLocation::StandardInput => return None,
            ObjectLocation::S3 { etag, .. } => {
                etag.as_ref().map_or(ObjectVersion::Unknown, |etag| ObjectVersion::ETag(etag.to_string().into()))
            }
            ObjectLocation::File(file) => file.modified.map_or(ObjectVersion::Unknown, |modified| {
                ObjectVersion::File { size: self.stored_bytes, modified_nanos: nanos_since_epoch(modified) }
            }),
        };
        // The names of AWS's test objects are not unique.
        if let Some(key) = self.key().filter(|key| key.end.is_some()) {
            let name = key.file_name.strip_suffix(".gz").unwrap_or(key.file_name);
            return Some(ObjectId::new(name, version));
        }
        let ObjectLocation::File(file) = &self.location else { return Some(ObjectId::new(&*self.name, version)) };
        let path = file.path(&self.name);
        // A file that is gone is still identified by its name.
        let full_path = fs::canonicalize(path).or_else(|_| path::absolute(path)).unwrap_or_else(|_| path.into());
        Some(ObjectId::new(full_path.to_string_lossy(), version))
    }

    /// The path of a file.
    ///
    /// # Errors
    /// If the object is not a file.
    pub(super) fn path(&self) -> io::Result<&Path> {
        match &self.location {
            ObjectLocation::File(file) => Ok(file.path(&self.name)),
            _ => Err(io::Error::other("it is not a file")),
        }
    }

    /// What is the same for every name that leads to this object at this moment, so that one that is listed twice is
    /// found. `None` if nothing is, as for standard input.
    pub(super) fn within_run(&self) -> Option<IdWithinRun> {
        match &self.location {
            ObjectLocation::StandardInput => None,
            ObjectLocation::File(file) => file.device_and_inode.map(IdWithinRun::DeviceAndInode),
            ObjectLocation::S3 { .. } => Some(IdWithinRun::Url(self.name.clone())),
        }
    }
}

/// What identifies an object while a run lasts, see [`Object::within_run`].
#[derive(PartialEq, Eq, Hash)]
pub(super) enum IdWithinRun {
    DeviceAndInode((u64, u64)),
    Url(Arc<str>),
}

impl FileLocation {
    fn path<'a>(&'a self, name: &'a str) -> &'a Path {
        self.path.as_deref().unwrap_or_else(|| Path::new(name))
    }
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "other systems have none")]
fn device_and_inode(metadata: &fs::Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn device_and_inode(_: &fs::Metadata) -> Option<(u64, u64)> {
    None
}

fn nanos_since_epoch(time: SystemTime) -> i128 {
    // No file system has times that do not fit.
    let nanos = |duration: std::time::Duration| i128::try_from(duration.as_nanos()).unwrap_or(i128::MAX);
    time.duration_since(UNIX_EPOCH).map_or_else(|before| -nanos(before.duration()), nanos)
}

#[cfg(test)]
mod tests;
