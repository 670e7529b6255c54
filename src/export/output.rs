//! Files that are whole or not there.
//!
//! A file is written under the name of a neighbour, `NAME.partial`, and takes its own name when all of it is on the disk. So what has the name is complete, whatever ended the program; what a
//! program that was killed has left behind is overwritten by the next. In a folder that readers take whole, the name of the neighbour begins with `_`, as of such names they read none.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, File, Permissions, TryLockError};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Bytes that are collected before they are written.
const BUFFER_BYTES: usize = 256 * 1024;

/// Files in the making, by their passing names.
static UNFINISHED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// Held while files that belong together take their names.
static TAKING_NAMES: Mutex<()> = Mutex::new(());

fn unfinished() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// To be held while files take their names that belong together, so that [`discard_unfinished`] comes before all of them or after.
pub(super) fn taking_names() -> MutexGuard<'static, ()> {
    TAKING_NAMES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes the files that exports of this process have begun and not finished, for a program that is to exit at once, whatever its threads are at: none of them begins a file, ends one or gives one its
/// name after this.
pub fn discard_unfinished() {
    let names = taking_names();
    let unfinished = unfinished();
    for partial in &*unfinished {
        // There is nobody left to tell.
        let _ = fs::remove_file(partial);
    }
    std::mem::forget((names, unfinished));
}

/// Where bytes go: a file that is not there yet, or what takes bytes as they come.
pub(super) enum Out {
    /// A file of the file system.
    File(NewFile),
    /// A pipe, a device, standard output.
    Stream(Box<dyn Write + Send>),
}

impl Out {
    /// A path. What is there already and is no file, a pipe or a device, is written to as it is.
    pub(super) fn at(path: &Path) -> io::Result<Self> {
        if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir()) {
            let stream = File::options().write(true).open(path)?;
            return Ok(Self::Stream(Box::new(BufWriter::with_capacity(BUFFER_BYTES, stream))));
        }
        NewFile::create(path).map(Self::File)
    }

    /// Says that all is written. Absent for a stream, of which nothing is left to be done.
    pub(super) fn close(self) -> io::Result<Option<WrittenFile>> {
        match self {
            Self::File(file) => file.close().map(Some),
            Self::Stream(mut stream) => stream.flush().map(|()| None),
        }
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.writer.write(bytes),
            Self::Stream(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File(file) => file.writer.flush(),
            Self::Stream(stream) => stream.flush(),
        }
    }
}

/// A file in the making. Nothing is left of it when it is dropped.
pub(super) struct NewFile {
    writer: BufWriter<File>,
    names: Names,
    /// Whether it stays open, and so locked, until it has its name. In a folder, which is locked itself, there may be too many.
    is_held: bool,
}

/// A file that is on the disk as a whole, and has yet to take its name. Nothing is left of it when it is dropped.
pub(super) struct WrittenFile {
    names: Names,
    bytes: u64,
    /// Locked while it is open.
    _lock: Option<File>,
}

/// The two names of a file. What has the first is removed when this is dropped.
struct Names {
    partial: PathBuf,
    own: PathBuf,
    is_done: bool,
}

impl Drop for Names {
    fn drop(&mut self) {
        let mut unfinished = unfinished();
        unfinished.remove(&self.partial);
        if !self.is_done {
            // There is an error to tell already, and a partial file misleads nobody.
            let _ = fs::remove_file(&self.partial);
        }
    }
}

/// The name that a file has while it is written.
fn partial_of(own: &Path) -> PathBuf {
    let mut partial = own.to_path_buf().into_os_string();
    partial.push(".partial");
    PathBuf::from(partial)
}

/// Permissions of a file in the making. It can be begun anew when the program is killed, even where what it replaces may not be written to.
fn writable(old: &Permissions) -> Permissions {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        Permissions::from_mode(old.mode() | 0o200)
    }
    #[cfg(not(unix))]
    {
        let mut writable = old.clone();
        writable.set_readonly(false);
        writable
    }
}

impl NewFile {
    /// Begins a file at `path`; a link goes on leading to where it leads.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when another program is writing it; what the file system says.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        let own = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        let partial = partial_of(&own);
        Self::begin(own, partial, true)
    }

    /// As [`Self::create`], under a passing name that readers of the folder pass over.
    pub(super) fn create_hidden(path: &Path) -> io::Result<Self> {
        let own = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        let mut name = OsString::from("_");
        name.push(own.file_name().unwrap_or_default());
        let partial = partial_of(&own.with_file_name(name));
        Self::begin(own, partial, false)
    }

    fn begin(own: PathBuf, partial: PathBuf, is_held: bool) -> io::Result<Self> {
        // Whoever discards what is unfinished sees it as soon as it is there.
        let mut unfinished = unfinished();
        let file = File::options().write(true).create(true).truncate(false).open(&partial)?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => {
                return Err(io::Error::new(io::ErrorKind::WouldBlock, "another program is writing it just now"));
            }
            // A file system without locks.
            Err(TryLockError::Error(_)) | Ok(()) => {}
        }
        unfinished.insert(partial.clone());
        drop(unfinished);
        let names = Names { partial, own, is_done: false };
        file.set_len(0)?;
        // The log has addresses of clients: who could not read the old file can read neither the new one nor what becomes of it.
        let old = fs::metadata(&names.own).ok().map(|metadata| metadata.permissions());
        if let Some(old) = old {
            file.set_permissions(writable(&old))?;
        }
        Ok(Self { writer: BufWriter::with_capacity(BUFFER_BYTES, file), names, is_held })
    }

    fn close(self) -> io::Result<WrittenFile> {
        let Self { writer, names, is_held } = self;
        let file = writer.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        let bytes = file.metadata()?.len();
        Ok(WrittenFile { names, bytes, _lock: is_held.then_some(file) })
    }
}

impl WrittenFile {
    /// Gives it its name, in the place of what had it.
    pub(super) fn publish(mut self) -> io::Result<()> {
        if let Ok(old) = fs::metadata(&self.names.own)
            && old.permissions().readonly()
        {
            fs::set_permissions(&self.names.partial, old.permissions())?;
        }
        fs::rename(&self.names.partial, &self.names.own)?;
        self.names.is_done = true;
        Ok(())
    }

    /// Its size.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }
}
