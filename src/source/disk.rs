//! Files, folders and standard input.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::{CancelToken, FolderSkip, Listing, Object, ObjectKey, Place, Selection, Skip, Source};
use crate::decode::Body;
use crate::error::{Error, Result};

/// Files up to this size are read into memory, which makes decoding fast; larger ones are streamed.
const MAX_BYTES_IN_MEMORY: u64 = 64 * 1024 * 1024;

/// A file, or a folder with everything below it.
#[derive(Debug)]
pub struct Disk {
    root: PathBuf,
    is_folder: bool,
}

impl Disk {
    /// The source for a file or folder, which must exist.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Source`] if it does not exist or cannot be accessed.
    pub fn new(path: impl AsRef<Path>) -> Result<Self> {
        let root = path.as_ref().to_path_buf();
        let metadata = fs::metadata(&root).map_err(|reason| Error::source(root.to_string_lossy(), reason))?;
        Ok(Self { root, is_folder: metadata.is_dir() })
    }
}

impl Source for Disk {
    /// Lists in the order of the names, folder by folder. Links are followed; one that leads back to a folder above
    /// it is an error in the listing.
    fn list(&self, selection: &Selection, cancel_token: &CancelToken) -> Listing {
        let mut listing = Listing::default();
        let mut entries = WalkDir::new(&self.root).follow_links(true).sort_by_file_name().into_iter();
        while let Some(entry) = entries.next() {
            if cancel_token.is_cancelled() {
                break;
            }
            cancel_token.saw(1);
            match entry {
                Ok(entry) if entry.file_type().is_dir() => {
                    if entry.depth() > 0 && is_of_another_service(entry.path()) {
                        entries.skip_current_dir();
                        *listing.folders_skipped.entry(FolderSkip::OtherService).or_default() += 1;
                    }
                }
                // Opening a pipe that nobody writes to would block forever. A pipe that the user named is read.
                Ok(entry) if self.is_folder && !entry.file_type().is_file() => listing.skip(Skip::NotALog),
                Ok(entry) => {
                    match admit_name(&entry.file_name().to_string_lossy(), self.is_folder, selection) {
                        Ok(()) => {}
                        Err(reason) => {
                            listing.skip(reason);
                            continue;
                        }
                    }
                    let metadata = entry.metadata().ok();
                    // A pipe or a device has no size.
                    let stored_bytes = metadata.as_ref().map_or(0, fs::Metadata::len);
                    let identity = metadata.filter(fs::Metadata::is_file).and_then(|metadata| identity(&metadata));
                    let name = entry.path().to_string_lossy().into();
                    let place = Place::Path { path: entry.into_path(), identity };
                    listing.objects.push(Object { name, stored_bytes, place });
                }
                Err(error) => {
                    let path = error.path().unwrap_or(&self.root).to_string_lossy().into_owned();
                    let reason = if error.loop_ancestor().is_some() {
                        io::Error::other("the link leads back to a folder above it")
                    } else {
                        error.into_io_error().unwrap_or_else(|| io::Error::other("the folder cannot be listed"))
                    };
                    listing.errors.push(Error::source(path, reason));
                }
            }
        }
        listing
    }

    fn open<'a>(&self, object: &Object, scratch: &'a mut Vec<u8>) -> Result<Body<'a>> {
        let open_error = |reason| Error::source(&*object.name, reason);
        let Place::Path { path, .. } = &object.place else {
            return Err(open_error(io::Error::other("it is not a file")));
        };
        let mut file = File::open(path).map_err(open_error)?;
        let metadata = file.metadata().map_err(open_error)?;
        if !metadata.is_file() || metadata.len() > MAX_BYTES_IN_MEMORY {
            return Ok(Body::Stream(Box::new(file)));
        }
        scratch.clear();
        file.read_to_end(scratch).map_err(|reason| Error::read(&*object.name, reason))?;
        Ok(Body::Bytes(scratch))
    }
}

/// Device and inode number of a file, which are the same whatever path leads to it.
#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "other systems have none")]
fn identity(metadata: &fs::Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn identity(_: &fs::Metadata) -> Option<(u64, u64)> {
    None
}

/// Whether a folder belongs to an AWS service other than load balancing:
/// `AWSLogs/<account>/<service>/` in a shared bucket.
fn is_of_another_service(folder: &Path) -> bool {
    let mut parts = folder.iter().rev().map(OsStr::to_string_lossy);
    let (service, account, root) = (parts.next(), parts.next(), parts.next());
    root.is_some_and(|root| root == "AWSLogs")
        && account.is_some_and(|account| account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit()))
        && service.is_some_and(|service| service != "elasticloadbalancing")
}

/// Whether to read an object with this file name (without its folder); the error is the reason to skip it. A name
/// in AWS's form is checked against the selection. Any other name must look like that of a log if the object was
/// found in a folder (`in_folder`), but not if the user named it.
pub(super) fn admit_name(file_name: &str, in_folder: bool, selection: &Selection) -> Result<(), Skip> {
    if let Some(key) = ObjectKey::parse(file_name) {
        return selection.admits_object(&key);
    }
    let is_log = || {
        let name = file_name.to_ascii_lowercase();
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        !name.starts_with('.') && (name.contains(".log") || matches!(extension, "gz" | "txt"))
    };
    if in_folder && !is_log() { Err(Skip::NotALog) } else { Ok(()) }
}

/// Standard input: one object, named `-`.
#[derive(Debug)]
pub struct StandardInput;

impl Source for StandardInput {
    fn list(&self, _: &Selection, _: &CancelToken) -> Listing {
        let place = Place::Path { path: PathBuf::new(), identity: None };
        let object = Object { name: "-".into(), stored_bytes: 0, place };
        Listing { objects: vec![object], ..Listing::default() }
    }

    fn open<'a>(&self, _: &Object, _: &'a mut Vec<u8>) -> Result<Body<'a>> {
        Ok(Body::Stream(Box::new(io::stdin())))
    }
}

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
