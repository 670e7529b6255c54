//! Where the rows of an export go: one file, a stream, or a folder of files.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::folder::{DATA_FILE_PREFIX, DataFile, Folder, FolderLayout};
use super::partition::PartitionKey;
use crate::durable_file::{CompleteFile, Output, Publishing};
use crate::table::TableFormat;
use crate::table::encoder::{EncodedRows, Encoder, TableWriter};

/// Maximum open files of a folder. When another one is needed, the file that was written to longest ago is finished.
/// Later rows for it begin a second file.
const MAX_OPEN_FILES: usize = 64;

/// Maximum row groups of one file in a folder. Their metadata is held in memory until the file is finished, some 100
/// KB per group.
const MAX_GROUPS_PER_FILE: usize = 256;

/// Where an export is written to.
pub enum Destination {
    /// Standard output or a pipe.
    Stream(Box<dyn Write + Send>),
    /// A file, which gets its name when it is complete. A pipe or device of that name is written to directly.
    File(PathBuf),
    /// A folder, with subfolders by partition. Rows are replaced when their objects are read again. Rows of standard
    /// input are refused, because it has no name.
    Folder(PathBuf),
}

impl Destination {
    /// The name to use in an error message.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Stream(_) => "standard output".to_owned(),
            Self::File(path) | Self::Folder(path) => path.display().to_string(),
        }
    }
}

/// Encoded rows of one key.
pub(super) struct EncodedGroup {
    pub(super) key: PartitionKey,
    pub(super) encoded: EncodedRows,
    /// The ids of the objects they come from, see [`super::folder::object_id`].
    pub(super) objects: Vec<u64>,
}

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FilesWritten {
    /// How many files; a stream counts as one.
    pub files: u64,
    /// Their total size in bytes; 0 for a stream or pipe.
    pub bytes: u64,
    /// How many files of earlier runs this run replaced in a folder. 0 for other destinations.
    pub replaced: u64,
}

/// The files of one export.
pub(super) struct ExportFiles {
    encoder: Encoder,
    target: ExportOutput,
}

#[expect(clippy::large_enum_variant, reason = "there is one in an export")]
enum ExportOutput {
    One(TableWriter),
    Folder(FolderFiles),
}

/// The files of a folder.
struct FolderFiles {
    folder: Folder,
    format: TableFormat,
    open: BTreeMap<PartitionKey, OpenDataFile>,
    /// Counts writes, to find the file that was written to longest ago.
    clock: u64,
    /// How many files each key has had.
    counts: BTreeMap<PartitionKey, usize>,
    written: Vec<DataFile>,
}

struct OpenDataFile {
    file: TableWriter,
    /// Relative to the folder.
    path: PathBuf,
    objects: BTreeSet<u64>,
    groups: usize,
    latest: u64,
}

impl ExportFiles {
    /// Opens what can be opened before there are rows, so that a path that cannot be written to is reported
    /// immediately.
    pub(super) fn new(
        destination: Destination,
        encoder: Encoder,
        format: TableFormat,
        layout: FolderLayout,
    ) -> io::Result<Self> {
        let target = match destination {
            Destination::Stream(stream) => ExportOutput::One(encoder.begin(Output::Stream(stream))?),
            Destination::File(path) => ExportOutput::One(encoder.begin(Output::at(&path)?)?),
            Destination::Folder(path) => ExportOutput::Folder(FolderFiles {
                folder: Folder::open(&path, layout)?,
                format,
                open: BTreeMap::new(),
                clock: 0,
                counts: BTreeMap::new(),
                written: Vec::new(),
            }),
        };
        Ok(Self { encoder, target })
    }

    /// Writes rows after those that were written under the same key.
    pub(super) fn write(&mut self, group: &EncodedGroup) -> io::Result<()> {
        match &mut self.target {
            ExportOutput::One(file) => file.write(&group.encoded),
            ExportOutput::Folder(folder) => folder.write(group, &self.encoder),
        }
    }

    /// Finishes all files. `read` are the ids of the objects in which a record was seen, whether or not it became a
    /// row.
    pub(super) fn finish(self, read: BTreeSet<u64>) -> io::Result<CompleteFiles> {
        match self.target {
            ExportOutput::One(file) => Ok(match file.finish()?.close()? {
                Some(file) => CompleteFiles::One(file),
                None => CompleteFiles::Stream,
            }),
            ExportOutput::Folder(FolderFiles { folder, mut written, open, .. }) => {
                for open in open.into_values() {
                    written.push(open.finish()?);
                }
                Ok(CompleteFiles::Folder { folder, files: written, read })
            }
        }
    }
}

/// Files that are complete but do not have their final names yet.
pub(super) enum CompleteFiles {
    Stream,
    One(CompleteFile),
    Folder { folder: Folder, files: Vec<DataFile>, read: BTreeSet<u64> },
}

impl CompleteFiles {
    /// Gives them their final names.
    pub(super) fn publish(self) -> io::Result<FilesWritten> {
        match self {
            Self::Stream => Ok(FilesWritten { files: 1, ..FilesWritten::default() }),
            Self::One(file) => {
                let bytes = file.bytes();
                file.publish(&mut Publishing::begin())?;
                Ok(FilesWritten { files: 1, bytes, replaced: 0 })
            }
            Self::Folder { folder, files, read } => {
                let bytes = files.iter().map(|data| data.file.bytes()).sum();
                let count = files.len() as u64;
                let replaced = folder.publish(files, &read)?;
                Ok(FilesWritten { files: count, bytes, replaced })
            }
        }
    }
}

impl FolderFiles {
    fn write(&mut self, group: &EncodedGroup, encoder: &Encoder) -> io::Result<()> {
        self.clock += 1;
        if self.open.get(&group.key).is_some_and(|open| open.groups >= MAX_GROUPS_PER_FILE) {
            self.finish(&group.key.clone())?;
        }
        if !self.open.contains_key(&group.key) {
            if self.open.len() >= MAX_OPEN_FILES
                && let Some((key, _)) = self.open.iter().min_by_key(|(_, open)| open.latest)
            {
                self.finish(&key.clone())?;
            }
            let count = self.counts.entry(group.key.clone()).or_default();
            let first = group.objects.first().copied().unwrap_or_default();
            // The name has the first object's id. So the same run gives the same names, and a run that adds other
            // objects to the folder gives other names.
            let name = format!("{DATA_FILE_PREFIX}{first:016x}-{count:04}.{}", self.format.extension());
            *count += 1;
            let path = Path::new(&*group.key).join(name);
            let file = encoder.begin(Output::File(self.folder.create(&path)?))?;
            self.open
                .insert(group.key.clone(), OpenDataFile { file, path, objects: BTreeSet::new(), groups: 0, latest: 0 });
        }
        let Some(open) = self.open.get_mut(&group.key) else { unreachable!("it was opened just now") };
        open.file.write(&group.encoded)?;
        open.objects.extend(&group.objects);
        open.groups += 1;
        open.latest = self.clock;
        Ok(())
    }

    fn finish(&mut self, key: &PartitionKey) -> io::Result<()> {
        if let Some(open) = self.open.remove(key) {
            self.written.push(open.finish()?);
        }
        Ok(())
    }
}

impl OpenDataFile {
    fn finish(self) -> io::Result<DataFile> {
        let closed: Option<CompleteFile> = self.file.finish()?.close()?;
        let Some(file) = closed else { unreachable!("a data file is no stream") };
        Ok(DataFile { path: self.path, file, objects: self.objects })
    }
}
