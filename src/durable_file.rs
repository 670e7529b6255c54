//! Files that are either complete or absent.
//!
//! A file is written beside its destination as `NAME.partial` and renamed once all of it is on the disk. So a file
//! with its final name is complete, however the program ended, and what a killed program left behind is overwritten
//! by the next run. In a folder that readers read as a whole, the temporary name begins with `_`, because readers
//! skip such names.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, File, Permissions, TryLockError};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Size of the write buffer, in bytes.
const BUFFER_BYTES: usize = 256 * 1024;

/// The temporary paths of all files that do not have their final names yet.
static UNFINISHED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// Held while files that belong together get their final names.
static TAKING_NAMES: Mutex<()> = Mutex::new(());

fn unfinished() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// To be held while files that belong together get their final names, so that [`discard_unfinished`] runs either
/// before all of them or after.
pub(crate) fn taking_names() -> MutexGuard<'static, ()> {
    TAKING_NAMES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes the files that exports of this process have begun and not finished. It is for a program that is about to
/// exit, whatever its threads are doing: after this call none of them begins a file, finishes one or gives one its
/// final name.
pub fn discard_unfinished() {
    let names = taking_names();
    let unfinished = unfinished();
    for partial in &*unfinished {
        // The program is about to exit, so there is nobody to report an error to.
        let _ = fs::remove_file(partial);
    }
    // The locks are never released, so threads that begin, drop or publish a file wait until the program exits.
    std::mem::forget((names, unfinished));
}

/// Where bytes go: a new file, or a stream that passes them on as they come.
pub(crate) enum Out {
    /// A file that gets its final name when it is complete.
    File(NewFile),
    /// A pipe, a device, standard output.
    Stream(Box<dyn Write + Send>),
}

impl Out {
    /// Opens `path` for writing. If something other than a file or a folder is there already, such as a pipe or a
    /// device, it is written to directly.
    pub(crate) fn at(path: &Path) -> io::Result<Self> {
        if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir()) {
            let stream = File::options().write(true).open(path)?;
            return Ok(Self::Stream(Box::new(BufWriter::with_capacity(BUFFER_BYTES, stream))));
        }
        NewFile::create(path).map(Self::File)
    }

    /// Finishes the output. `None` for a stream, for which nothing is left to do.
    pub(crate) fn close(self) -> io::Result<Option<WrittenFile>> {
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

/// A file that is being written. Dropping it removes the file.
pub(crate) struct NewFile {
    writer: BufWriter<File>,
    names: Names,
    /// Whether the file stays open, and so locked, until it has its final name. Not so in a folder, which has a lock
    /// of its own and may have too many files to keep open.
    is_held: bool,
}

/// A file that is completely on the disk but does not have its final name yet. Dropping it removes the file.
pub(crate) struct WrittenFile {
    names: Names,
    bytes: u64,
    /// Locked while it is open.
    _lock: Option<File>,
}

/// The temporary and the final path of a file. Dropping this removes the file at the temporary path, unless it was
/// renamed.
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
            // There is already an error to report, and a partial file misleads nobody.
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

/// The permissions of a file that is being written: those of the file it replaces, but writable. So the next run can
/// write it again after a run was killed, even if the file it replaces is read-only.
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
    /// Begins a file that will replace `path`. If `path` is a symbolic link, it stays one and the file it points to
    /// is replaced.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] if another program is writing the file, and any error of the file system.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let own = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        let partial = partial_of(&own);
        Self::begin(own, partial, true)
    }

    /// Like [`Self::create`], but under a temporary name that readers of the folder skip.
    pub(crate) fn create_hidden(path: &Path) -> io::Result<Self> {
        let own = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        let mut name = OsString::from("_");
        name.push(own.file_name().unwrap_or_default());
        let partial = partial_of(&own.with_file_name(name));
        Self::begin(own, partial, false)
    }

    fn begin(own: PathBuf, partial: PathBuf, is_held: bool) -> io::Result<Self> {
        // Locked before the file exists, so that `discard_unfinished` cannot miss it.
        let mut unfinished = unfinished();
        let file = File::options().write(true).create(true).truncate(false).open(&partial)?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => {
                return Err(io::Error::new(
                    io::ErrorKind::WouldBlock,
                    "another program is writing it; try again when that has finished",
                ));
            }
            // The file system has no locks; go on without one.
            Err(TryLockError::Error(_)) | Ok(()) => {}
        }
        unfinished.insert(partial.clone());
        drop(unfinished);
        let names = Names { partial, own, is_done: false };
        file.set_len(0)?;
        // The log has client addresses. Whoever cannot read the old file must not be able to read the new one,
        // neither while it is written nor afterwards.
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
    /// Gives the file its final name, replacing the file that has it.
    pub(crate) fn publish(mut self) -> io::Result<()> {
        // The partial file was made writable; it becomes read-only again if the file it replaces is.
        if let Ok(old) = fs::metadata(&self.names.own)
            && old.permissions().readonly()
        {
            fs::set_permissions(&self.names.partial, old.permissions())?;
        }
        fs::rename(&self.names.partial, &self.names.own)?;
        self.names.is_done = true;
        Ok(())
    }

    /// The size of the file in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }
}
