//! Files and folders.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::backend::Source;
use super::cancel::CancelToken;
use super::key;
use super::listing::Listing;
use super::object::Object;
use super::selection::Selection;
use super::skip::{FolderSkip, Skip};
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
                Ok(entry) => match selection.check_name(&entry.file_name().to_string_lossy(), self.is_folder) {
                    Ok(key) => {
                        let metadata = entry.metadata().ok();
                        listing.objects.push(Object::file(entry.path(), metadata.as_ref(), key));
                    }
                    Err(reason) => listing.skip(reason),
                },
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
        let mut file = object.path().and_then(File::open).map_err(open_error)?;
        let metadata = file.metadata().map_err(open_error)?;
        if !metadata.is_file() || metadata.len() > MAX_BYTES_IN_MEMORY {
            return Ok(Body::Stream(Box::new(file)));
        }
        scratch.clear();
        file.read_to_end(scratch).map_err(|reason| Error::read(&*object.name, reason))?;
        Ok(Body::Bytes(scratch))
    }
}

/// Whether a folder belongs to an AWS service other than load balancing.
fn is_of_another_service(folder: &Path) -> bool {
    let mut parts = folder.iter().rev().map(OsStr::to_string_lossy);
    let (service, account, root) = (parts.next(), parts.next(), parts.next());
    root.is_some_and(|root| root == "AWSLogs")
        && account.zip(service).is_some_and(|(account, service)| key::is_of_another_service(&account, &service))
}
