//! Files that are whole or not there.
//!
//! A file is written under the name of a neighbour, `NAME.partial`, and takes its own name when all of it is on the disk. So what has the name is complete, whatever ended the program; what a
//! program that was killed has left behind is overwritten by the next.

use std::fs::{self, File, TryLockError};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Bytes that are collected before they are written.
const BUFFER_BYTES: usize = 256 * 1024;

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
}

/// A file that is on the disk as a whole, and has yet to take its name. Nothing is left of it when it is dropped.
pub(super) struct WrittenFile {
    names: Names,
    bytes: u64,
}

/// The two names of a file. What has the first is removed when this is dropped.
struct Names {
    partial: PathBuf,
    own: PathBuf,
    is_done: bool,
}

impl Drop for Names {
    fn drop(&mut self) {
        if !self.is_done {
            // There is an error to tell already, and a partial file misleads nobody.
            let _ = fs::remove_file(&self.partial);
        }
    }
}

impl NewFile {
    /// Begins a file at `path`; a link goes on leading to where it leads.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when another program is writing it; what the file system says.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        let own = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        let mut partial = own.clone().into_os_string();
        partial.push(".partial");
        let partial = PathBuf::from(partial);
        let file = File::options().write(true).create(true).truncate(false).open(&partial)?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => {
                return Err(io::Error::new(io::ErrorKind::WouldBlock, "another program is writing it just now"));
            }
            // A file system without locks.
            Err(TryLockError::Error(_)) | Ok(()) => {}
        }
        let names = Names { partial, own, is_done: false };
        file.set_len(0)?;
        Ok(Self { writer: BufWriter::with_capacity(BUFFER_BYTES, file), names })
    }

    fn close(self) -> io::Result<WrittenFile> {
        let Self { writer, names } = self;
        let file = writer.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        let bytes = file.metadata()?.len();
        Ok(WrittenFile { names, bytes })
    }
}

impl WrittenFile {
    /// Gives it its name, in the place of what had it.
    pub(super) fn publish(mut self) -> io::Result<()> {
        fs::rename(&self.names.partial, &self.names.own)?;
        self.names.is_done = true;
        Ok(())
    }

    /// Its size.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }
}
