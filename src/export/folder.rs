//! A folder of exported files that several runs write to.
//!
//! A run that reads the same objects again replaces their rows, and a run that reads other objects adds rows. So each
//! day's logs can be exported into one folder, and again if need be. The folder holds a list, `_albscope.json`, of
//! its files and of the objects that their rows come from. Readers of such folders skip names that begin with `_`.
//!
//! An object is identified by its path or S3 URL, so the same file counts once however its path is spelled. An object
//! that a load balancer named is identified by that name instead, wherever it is and whether it is compressed or not.
//! Standard input has no name: its rows could not be distinguished from those of another run, so they are refused.
//!
//! All files of a folder have the same columns, format and partitions, because readers take them for one table. A run
//! that would write anything else is refused before it reads.
//!
//! A file is replaced once all its objects were read again, wherever in the folder it is. If only some of them were
//! read again, it can neither stay (rows would be there twice) nor go (rows would be lost). Then nothing is changed
//! and the run fails.

use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use walkdir::WalkDir;

use super::partition::Partition;
use super::sample::stable_hash;
use crate::durable_file::{CompleteFile, DurableFile, FileOptions, Publishing, TemporaryName};
use crate::source::Object;

/// The list of a folder's files.
const LIST: &str = "_albscope.json";

/// Locked by the run that writes to the folder.
const LOCK: &str = "_albscope.lock";

/// The version of the list's format, and of how objects are identified.
const LIST_VERSION: u32 = 1;

/// The prefix of the names of data files.
pub(super) const DATA_FILE_PREFIX: &str = "part-";

/// The number by which the list knows an object: a stable hash of the name in its
/// [`ObjectId`](crate::source::ObjectId). An object that was replaced keeps its name, so the rows of its new
/// version replace those of the old one.
pub(super) fn object_id(object: &Object) -> u64 {
    object.id().map_or_else(standard_input, |id| stable_hash(id.name().as_bytes()))
}

/// The number of standard input, which nothing identifies.
fn standard_input() -> u64 {
    stable_hash(b"-")
}

/// What all files of a folder have in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FolderLayout {
    /// The extension of their names, such as `csv.gz`.
    pub(super) format: String,
    /// The names of the columns in the files, in their order.
    pub(super) columns: Vec<String>,
    /// The names of the columns that readers make of the folders' names.
    pub(super) partition_by: Vec<String>,
}

impl FolderLayout {
    /// The command-line flags with which a run writes files of this layout and not of `other`.
    fn flags_against(&self, other: &Self) -> String {
        let flag = |name: &str, own: &[String], other: &[String]| {
            let wanted = if own.is_empty() { format!("no {name}") } else { format!("{name} {}", own.join(",")) };
            (own != other).then_some(wanted)
        };
        let format = |layout: &Self| [layout.format.clone()];
        let flags = [
            flag("--format", &format(self), &format(other)),
            flag("--partition-by", &self.partition_by, &other.partition_by),
            flag("--columns", &self.columns, &other.columns),
        ];
        flags.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

/// A folder that only this run writes to.
pub(super) struct Folder {
    root: PathBuf,
    layout: FolderLayout,
    /// Locked while it is open.
    _lock: File,
}

/// A new file of the folder: complete, but still under its temporary name.
pub(super) struct DataFile {
    /// Relative to the folder.
    pub(super) path: PathBuf,
    pub(super) file: CompleteFile,
    /// The ids of the objects that its rows come from.
    pub(super) objects: BTreeSet<u64>,
}

#[derive(Serialize, Deserialize)]
struct FileList {
    version: u32,
    #[serde(flatten)]
    layout: FolderLayout,
    files: Vec<ListedFile>,
}

/// The version of a list. It is read first, because other versions have other fields.
#[derive(Deserialize)]
struct FileListVersion {
    version: u32,
}

#[derive(Clone, Serialize, Deserialize)]
struct ListedFile {
    /// Relative to the folder, with `/` between its components.
    path: String,
    /// Ids as hexadecimal digits: some programs cannot hold 64 bits in a JSON number.
    objects: BTreeSet<String>,
}

impl ListedFile {
    fn new(path: &Path, objects: &BTreeSet<u64>) -> Self {
        let components: Vec<_> = path.iter().map(|component| component.to_string_lossy()).collect();
        Self { path: components.join("/"), objects: objects.iter().map(|object| format!("{object:016x}")).collect() }
    }
}

impl Folder {
    /// Opens the folder, and makes it if there is none.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] if another run is writing to it. Fails also if it has files of another layout or
    /// a list that cannot be read, and on any error of the file system.
    pub(super) fn open(root: &Path, layout: FolderLayout) -> io::Result<Self> {
        fs::create_dir_all(root)?;
        let lock = File::options().write(true).create(true).truncate(false).open(root.join(LOCK))?;
        match lock.try_lock() {
            Err(TryLockError::WouldBlock) => Err(io::Error::new(
                io::ErrorKind::WouldBlock,
                "another program is writing to it; try again when that has finished",
            )),
            // The file system has no locks. Partial files are kept, because they may be another run's.
            Err(TryLockError::Error(_)) => {
                let folder = Self { root: root.to_path_buf(), layout, _lock: lock };
                folder.list()?;
                Ok(folder)
            }
            Ok(()) => {
                let folder = Self { root: root.to_path_buf(), layout, _lock: lock };
                folder.list()?;
                folder.remove_orphans();
                Ok(folder)
            }
        }
    }

    /// Removes what killed runs left behind. While the lock is held, no partial file is another run's.
    fn remove_orphans(&self) {
        let is_ours =
            |name: &str| Partition::ALL.iter().any(|partition| name.starts_with(&format!("{}=", partition.id())));
        let entries = WalkDir::new(&self.root).max_depth(Partition::ALL.len() + 1).into_iter().filter_entry(|entry| {
            let name = entry.file_name().to_string_lossy();
            entry.depth() == 0 || if entry.file_type().is_dir() { is_ours(&name) } else { is_temporary_name(&name) }
        });
        for entry in entries.flatten().filter(|entry| entry.file_type().is_file()) {
            if let Ok(path) = entry.path().strip_prefix(&self.root) {
                // A file that stays is in nobody's way, and the next run tries again.
                let _ = self.remove(path);
            }
        }
    }

    /// Begins a file, and makes the folders it is in.
    pub(super) fn create(&self, path: &Path) -> io::Result<DurableFile> {
        let path = self.root.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        FileOptions { temporary_name: TemporaryName::Hidden, ..FileOptions::default() }.create(&path)
    }

    /// Gives the new files their final names, removes those that they replace, and returns how many it replaced.
    /// `read` are the ids of all objects that this run read.
    ///
    /// A run that fails or is killed in here leaves new files beside old ones that they should have replaced. Each of
    /// them is complete, and running it again repairs that.
    pub(super) fn publish(self, files: Vec<DataFile>, read: &BTreeSet<u64>) -> io::Result<u64> {
        let publishing = &mut Publishing::begin();
        if read.contains(&standard_input()) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "standard input has no name, so its rows cannot be distinguished from those of another run: write to \
                 a file instead",
            ));
        }
        let read: BTreeSet<String> = read.iter().map(|object| format!("{object:016x}")).collect();
        let known = self.list()?;
        let (replaced, kept): (Vec<ListedFile>, Vec<ListedFile>) =
            known.into_iter().partition(|entry| entry.objects.is_subset(&read));
        if let Some(both) = kept.iter().find(|entry| !entry.objects.is_disjoint(&read)) {
            return Err(io::Error::other(format!(
                "{} has rows of objects that this run read and rows of objects that it did not read, so it can be \
                 neither kept nor replaced: read all of these objects, write to another folder, or remove the file. \
                 Nothing was changed",
                both.path
            )));
        }
        let new: Vec<ListedFile> = files.iter().map(|file| ListedFile::new(&file.path, &file.objects)).collect();
        // While files are added and removed, the list names all of them. So a run that is killed leaves no file that
        // the next one does not know.
        self.write_list(kept.iter().chain(&replaced).chain(&new), publishing)?;
        // In this order, so that rows are there twice for a moment, or until the next run if this one fails, but are
        // never lost.
        for data in files {
            data.file.publish(publishing)?;
        }
        for entry in &replaced {
            if !new.iter().any(|file| file.path == entry.path) {
                self.remove(Path::new(&entry.path))?;
            }
        }
        self.write_list(kept.iter().chain(&new), publishing)?;
        Ok(replaced.len() as u64)
    }

    /// Removes a file, given relative to the folder, and its parent folders that are empty without it.
    fn remove(&self, path: &Path) -> io::Result<()> {
        let path = self.root.join(path);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        for folder in path.ancestors().skip(1).take_while(|folder| *folder != self.root) {
            // A folder that is not empty stays: it may hold other people's files.
            if fs::remove_dir(folder).is_err() {
                break;
            }
        }
        Ok(())
    }

    /// The files that the list names and that exist. Fails if their layout is not this run's.
    fn list(&self) -> io::Result<Vec<ListedFile>> {
        let text = match fs::read(self.root.join(LIST)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let unreadable = |reason: String| {
            io::Error::other(format!("{LIST} in this folder cannot be used, so write to another folder: {reason}"))
        };
        let malformed = |error: serde_json::Error| unreadable(error.to_string());
        let FileListVersion { version } = serde_json::from_slice(&text).map_err(malformed)?;
        if version != LIST_VERSION {
            return Err(unreadable(format!(
                "its version is {version}, but this program writes version {LIST_VERSION}"
            )));
        }
        let list: FileList = serde_json::from_slice(&text).map_err(malformed)?;
        // The list decides what is removed, so it must not name anything outside the folder.
        let is_inside =
            |path: &str| path.split('/').all(|component| !matches!(component, "" | "." | "..")) && !path.contains('\\');
        if let Some(outside) = list.files.iter().find(|entry| !is_inside(&entry.path)) {
            return Err(unreadable(format!("it lists {}, which may be outside the folder", outside.path)));
        }
        let files: Vec<ListedFile> =
            list.files.into_iter().filter(|entry| self.root.join(&entry.path).exists()).collect();
        if !files.is_empty() && list.layout != self.layout {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!(
                    "its files differ from what this run would write, so they could not be read as one table: use {}, \
                     write to another folder, or remove this one",
                    list.layout.flags_against(&self.layout)
                ),
            ));
        }
        Ok(files)
    }

    fn write_list<'e>(
        &self,
        entries: impl Iterator<Item = &'e ListedFile>,
        publishing: &mut Publishing,
    ) -> io::Result<()> {
        let mut files: Vec<ListedFile> = entries.cloned().collect();
        files.sort_by(|one, other| one.path.cmp(&other.path));
        let mut file = FileOptions::default().create(&self.root.join(LIST))?;
        serde_json::to_writer(&mut file, &FileList { version: LIST_VERSION, layout: self.layout.clone(), files })?;
        file.write_all(b"\n")?;
        file.close()?.publish(publishing)
    }
}

/// Whether a file name is the temporary name of a data file.
fn is_temporary_name(name: &str) -> bool {
    let own = name.strip_suffix(".partial").and_then(|own| own.strip_prefix('_'));
    let id = own.and_then(|own| own.strip_prefix(DATA_FILE_PREFIX)?.split_once('-'));
    id.is_some_and(|(id, _)| id.len() == 16 && id.bytes().all(|digit| digit.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{CancelToken, Disk, Selection, Source, StandardInput};

    fn layout() -> FolderLayout {
        FolderLayout { format: "parquet".to_owned(), columns: vec!["time".to_owned()], partition_by: Vec::new() }
    }

    #[test]
    fn an_object_that_was_replaced_keeps_its_number_and_others_have_their_own() {
        let folder = tempfile::tempdir().expect("a folder");
        let listed = || {
            let disk = Disk::new(folder.path()).expect("it is there");
            disk.list(&Selection::default(), &CancelToken::default()).objects
        };
        let numbers = || listed().iter().map(object_id).collect::<Vec<u64>>();
        for name in ["a.log", "b.log"] {
            fs::write(folder.path().join(name), "a line").expect("a file");
        }
        let before = numbers();
        assert_ne!(before[0], before[1]);
        fs::write(folder.path().join("a.log"), "a line and another").expect("a file");
        assert_eq!(numbers(), before);
        let input = StandardInput.list(&Selection::default(), &CancelToken::default()).objects;
        assert_eq!(object_id(&input[0]), standard_input());
    }

    #[test]
    fn rows_of_standard_input_are_refused() {
        let root = tempfile::tempdir().expect("a folder");
        let folder = Folder::open(root.path(), layout()).expect("it can be made");
        let refused = folder.publish(Vec::new(), &BTreeSet::from([standard_input()]));
        assert_eq!(refused.map_err(|error| error.kind()), Err(io::ErrorKind::InvalidInput));
    }

    #[test]
    fn a_run_that_cannot_publish_removes_no_old_file() {
        let root = tempfile::tempdir().expect("a folder");
        let (old, new) = (Path::new("part-0123456789abcdef-0000.csv"), Path::new("part-0123456789abcdef-0001.csv"));
        let data = |folder: &Folder, path: &Path| {
            let file = folder.create(path).and_then(DurableFile::close).expect("room");
            DataFile { path: path.to_path_buf(), file, objects: BTreeSet::from([7]) }
        };
        let open = || Folder::open(root.path(), layout()).expect("it can be opened");
        let folder = open();
        let files = vec![data(&folder, old)];
        assert_eq!(folder.publish(files, &BTreeSet::from([7])).expect("it is published"), 0);

        let folder = open();
        let files = vec![data(&folder, new)];
        fs::create_dir(root.path().join(new)).expect("a folder in the way");
        folder.publish(files, &BTreeSet::from([7])).expect_err("the name is taken");
        assert!(root.path().join(old).is_file());

        fs::remove_dir(root.path().join(new)).expect("it is empty");
        let folder = open();
        let files = vec![data(&folder, new)];
        assert_eq!(folder.publish(files, &BTreeSet::from([7])).expect("it is published"), 1);
        assert!(root.path().join(new).is_file() && !root.path().join(old).exists());
    }

    #[test]
    fn a_partial_file_is_hidden_from_readers_and_removed_by_the_next_run() {
        let root = tempfile::tempdir().expect("a folder");
        let hour = root.path().join("day=2026-11-22/hour=07");
        let names = || {
            fs::read_dir(&hour).map(|entries| entries.map(|it| it.expect("an entry").file_name()).collect::<Vec<_>>())
        };
        let folder = Folder::open(root.path(), layout()).expect("it can be made");
        let path = Path::new("day=2026-11-22/hour=07/part-0123456789abcdef-0000.parquet");
        let file = folder.create(path).expect("it can be begun");
        assert_eq!(names().expect("the hour"), ["_part-0123456789abcdef-0000.parquet.partial"]);
        // As when a run is killed.
        std::mem::forget(file);
        drop(folder);
        fs::write(hour.join("_part-0123456789abcdef-0001.csv.partial"), "").expect("a file");
        let strange = [
            "notes.partial",
            "part-0123456789abcdef-0000.csv.partial",
            "part-0123456789abcdef-0002.parquet",
            "day=1/part-of-mine.partial",
            "mine/_part-0123456789abcdef-0000.csv.partial",
        ];
        for name in strange {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, "").expect("a file");
        }
        drop(Folder::open(root.path(), layout()).expect("it can be opened"));
        assert!(names().is_err(), "folders that are empty without it go too");
        assert!(strange.iter().all(|name| root.path().join(name).exists()), "what is somebody else's stays");
    }
}
