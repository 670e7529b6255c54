//! Files that are either complete or absent.
//!
//! A file is written under a temporary name in the folder of its destination and renamed once all of it is on the
//! disk. So a file with its final name is complete, however the program ended. Dropping an unfinished file removes
//! it, and so does [`discard_unfinished`] when the program is interrupted. What a killed program left behind is
//! overwritten by the next run, or removed by whoever owns the folder.
//!
//! ```
//! # fn main() -> std::io::Result<()> {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("report.txt");
//! albscope::durable_file::write(&path, |out| writeln!(out, "no request failed"))?;
//! assert_eq!(std::fs::read_to_string(&path)?, "no request failed\n");
//! # Ok(())
//! # }
//! ```

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The prefix of the names of [`TemporaryName::Unique`].
pub const UNIQUE_PREFIX: &str = ".partial-";

/// The permissions of a file that only its owner may read and write.
#[cfg(unix)]
const PRIVATE_MODE: u32 = 0o600;

/// Size of the write buffer, in bytes.
const BUFFER_BYTES: usize = 256 * 1024;

/// The temporary paths of all files that do not have their final names yet.
static UNFINISHED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// Held by a [`Publishing`].
static PUBLISHING: Mutex<()> = Mutex::new(());

/// Numbers the names of [`TemporaryName::Unique`].
static NEXT_UNIQUE: AtomicU64 = AtomicU64::new(0);

fn unfinished() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes the files that this process has begun and not published. It is for a program that is about to exit,
/// whatever its threads are doing: after this call none of them begins a file or publishes one.
/// It waits until the last [`Publishing`] is dropped.
pub fn discard_unfinished() {
    let publishing = Publishing::begin();
    let unfinished = unfinished();
    for temporary in &*unfinished {
        // The program is about to exit, so there is nobody to report an error to.
        let _ = fs::remove_file(temporary);
    }
    // The locks are never released, so threads that begin, drop or publish a file wait until the program exits.
    std::mem::forget((publishing, unfinished));
}

/// Writes a whole file, or to a pipe or device of that name.
///
/// # Errors
/// Any error of `write` or of the file system. Then there is no new file, and an existing one is as it was.
pub fn write(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut output = Output::at(path)?;
    write(&mut output)?;
    match output.close()? {
        Some(file) => file.publish(&mut Publishing::begin()),
        None => Ok(()),
    }
}

/// The temporary path of a file with the default [`FileOptions`].
#[must_use]
pub fn temporary_path(path: &Path) -> PathBuf {
    let mut temporary = path.to_path_buf().into_os_string();
    temporary.push(".partial");
    temporary.into()
}

/// The right to give files their final names. While it exists, [`discard_unfinished`] waits. So an interruption finds
/// files that belong together either all new or all old.
pub struct Publishing {
    _lock: MutexGuard<'static, ()>,
    /// Folders whose entries have changed and are not yet on the disk.
    folders: BTreeSet<PathBuf>,
}

impl Publishing {
    /// Waits until nobody else is publishing. A thread must not begin a second one while it holds the first.
    #[must_use]
    pub fn begin() -> Self {
        let lock = PUBLISHING.lock().unwrap_or_else(PoisonError::into_inner);
        Self { _lock: lock, folders: BTreeSet::new() }
    }
}

impl Drop for Publishing {
    /// Puts the new names on the disk.
    fn drop(&mut self) {
        #[cfg(unix)]
        for folder in &self.folders {
            // Not every file system can do it. The files have their names, so this is no failure.
            let _ = File::open(folder).and_then(|folder| folder.sync_all());
        }
    }
}

/// Where bytes go: a new file, or a stream that passes them on as they come.
pub enum Output {
    /// A file that gets its final name when it is complete.
    File(DurableFile),
    /// A pipe, a device, standard output.
    Stream(Box<dyn Write + Send>),
}

impl Output {
    /// Opens `path` for writing. A pipe or a device of that name is written to directly, for example `/dev/null`.
    ///
    /// # Errors
    /// Those of [`FileOptions::create`].
    pub fn at(path: &Path) -> io::Result<Self> {
        if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir()) {
            let stream = File::options().write(true).open(path)?;
            return Ok(Self::Stream(Box::new(BufWriter::with_capacity(BUFFER_BYTES, stream))));
        }
        FileOptions::default().create(path).map(Self::File)
    }

    /// Completes the output. `None` for a stream, for which nothing is left to do.
    ///
    /// # Errors
    /// Any error of writing what was buffered.
    pub fn close(self) -> io::Result<Option<CompleteFile>> {
        match self {
            Self::File(file) => file.close().map(Some),
            Self::Stream(mut stream) => stream.flush().map(|()| None),
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.write(bytes),
            Self::Stream(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File(file) => file.flush(),
            Self::Stream(stream) => stream.flush(),
        }
    }
}

/// How a file is called until it is complete.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TemporaryName {
    /// `NAME.partial`. The file is locked until it is published, so only one program at a time writes it.
    #[default]
    Suffix,
    /// `_NAME.partial`, for a folder that is read as a whole, because readers skip names that begin with `_`. The file
    /// is locked only while it is written: the folder has a lock of its own, and may have too many files to keep
    /// them open.
    Hidden,
    /// [`UNIQUE_PREFIX`], the process id and a number. Several programs may write the file at the same time, and the
    /// last one wins.
    Unique,
}

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileOptions {
    /// Its temporary name.
    pub temporary_name: TemporaryName,
    /// Whether it is on the disk before it gets its final name. Without that it may be damaged after the machine
    /// crashed, which is good enough for a file that is verified when it is read, or that is easily made again.
    pub is_synced: bool,
    /// Whether only its owner may read it. Otherwise it has the permissions of the file that it replaces, or of any
    /// new file.
    pub is_private: bool,
}

impl Default for FileOptions {
    fn default() -> Self {
        Self { temporary_name: TemporaryName::Suffix, is_synced: true, is_private: false }
    }
}

impl FileOptions {
    /// Begins a file that will replace `path`. If `path` is a symbolic link, it stays one and the file that it leads
    /// to is replaced.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] if another program is writing the file, [`io::ErrorKind::IsADirectory`],
    /// [`io::ErrorKind::AlreadyExists`] if something other than a file has the temporary name, and any error of the
    /// file system.
    pub fn create(self, path: &Path) -> io::Result<DurableFile> {
        let destination = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        if destination.is_dir() {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "Is a directory"));
        }
        // Locked before the file exists, so that `discard_unfinished` cannot miss it.
        let mut unfinished = unfinished();
        let (temporary, file) = match self.temporary_name {
            TemporaryName::Suffix => self.reuse(temporary_path(&destination))?,
            TemporaryName::Hidden => {
                let mut name = OsString::from("_");
                name.push(destination.file_name().unwrap_or_default());
                self.reuse(temporary_path(&destination.with_file_name(name)))?
            }
            TemporaryName::Unique => self.create_unique(&destination)?,
        };
        unfinished.insert(temporary.clone());
        drop(unfinished);
        let paths = Paths { temporary, destination, is_published: false };
        file.set_len(0)?;
        // Logs have client addresses. Whoever cannot read the old file must not be able to read the new one, neither
        // while it is written nor afterwards.
        let old = fs::metadata(&paths.destination).ok().map(|metadata| metadata.permissions());
        if let (Some(old), false) = (old, self.is_private) {
            file.set_permissions(writable(&old))?;
        }
        #[cfg(unix)]
        if self.is_private {
            // A file that a killed program left may have had others.
            file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(PRIVATE_MODE))?;
        }
        Ok(DurableFile { writer: BufWriter::with_capacity(BUFFER_BYTES, file), paths, options: self })
    }

    /// Opens and locks the file of that temporary name. A killed program may have left one.
    fn reuse(self, temporary: PathBuf) -> io::Result<(PathBuf, File)> {
        // Opening a link or a pipe would write to what is not ours.
        if fs::symlink_metadata(&temporary).is_ok_and(|metadata| !metadata.is_file()) {
            let name = temporary.display();
            return Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                format!("{name} is needed while it is written, but exists and is no file: remove it"),
            ));
        }
        loop {
            let file = self.open_options().create(true).truncate(false).open(&temporary)?;
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
            // Between the two calls, another program may have published the file and given up its lock. To write to
            // it would then destroy what is published.
            if has_name(&file, &temporary) {
                return Ok((temporary, file));
            }
        }
    }

    fn create_unique(self, destination: &Path) -> io::Result<(PathBuf, File)> {
        loop {
            let number = NEXT_UNIQUE.fetch_add(1, Ordering::Relaxed);
            let name = format!("{UNIQUE_PREFIX}{}-{number}", std::process::id());
            let temporary = destination.with_file_name(name);
            match self.open_options().create_new(true).open(&temporary) {
                // Left by a killed program with the same process id, or in use on another machine.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                opened => return opened.map(|file| (temporary, file)),
            }
        }
    }

    fn open_options(self) -> OpenOptions {
        let mut options = File::options();
        options.write(true);
        #[cfg(unix)]
        if self.is_private {
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, PRIVATE_MODE);
        }
        options
    }
}

/// Whether an open file still has this name.
fn has_name(file: &File, path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let identity = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
        let (own, named) = (file.metadata().map(identity), fs::metadata(path).map(identity));
        own.is_ok() && own.ok() == named.ok()
    }
    #[cfg(not(unix))]
    {
        // A file that is open cannot be renamed there.
        let _ = (file, path);
        true
    }
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

/// A file that is being written. Dropping it removes the file.
#[derive(Debug)]
pub struct DurableFile {
    // Before the writer, so that the file is removed while it is still locked. Otherwise another program could begin
    // to write it in between, and would lose it.
    paths: Paths,
    writer: BufWriter<File>,
    options: FileOptions,
}

impl DurableFile {
    /// Completes the file. It keeps its temporary name until [`CompleteFile::publish`].
    ///
    /// # Errors
    /// Any error of writing what was buffered.
    pub fn close(self) -> io::Result<CompleteFile> {
        // Dropped from the last to the first, so `paths` removes the file before the writer unlocks it.
        let Self { mut writer, paths, options } = self;
        writer.flush()?;
        if options.is_synced {
            writer.get_ref().sync_all()?;
        }
        let bytes = writer.get_ref().metadata()?.len();
        let file = writer.into_inner().map_err(io::IntoInnerError::into_error)?;
        let lock = (options.temporary_name == TemporaryName::Suffix).then_some(file);
        Ok(CompleteFile { paths, options, bytes, _lock: lock })
    }
}

impl Write for DurableFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// A file that is complete but does not have its final name yet. Dropping it removes the file.
#[derive(Debug)]
pub struct CompleteFile {
    paths: Paths,
    options: FileOptions,
    bytes: u64,
    /// Locked while it is open.
    _lock: Option<File>,
}

impl CompleteFile {
    /// The size of the file in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Gives the file its final name, replacing the file that has it.
    ///
    /// # Errors
    /// Any error of the file system. Then the old file is as it was.
    pub fn publish(mut self, publishing: &mut Publishing) -> io::Result<()> {
        let Paths { temporary, destination, is_published } = &mut self.paths;
        // The new file was made writable; it becomes read-only again if the file that it replaces is.
        if let Ok(old) = fs::metadata(&*destination)
            && old.permissions().readonly()
            && !self.options.is_private
        {
            fs::set_permissions(&*temporary, old.permissions())?;
        }
        fs::rename(temporary, &*destination)?;
        *is_published = true;
        if self.options.is_synced {
            let folder = destination.parent().filter(|folder| !folder.as_os_str().is_empty());
            publishing.folders.insert(folder.unwrap_or(Path::new(".")).to_path_buf());
        }
        Ok(())
    }
}

/// The temporary and the final path of a file. Dropping this removes the file at the temporary path, unless it was
/// renamed.
#[derive(Debug)]
struct Paths {
    temporary: PathBuf,
    destination: PathBuf,
    is_published: bool,
}

impl Drop for Paths {
    fn drop(&mut self) {
        let mut unfinished = unfinished();
        unfinished.remove(&self.temporary);
        if !self.is_published {
            // There is already an error to report, and a file under its temporary name misleads nobody.
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

#[cfg(test)]
mod tests;
