//! A folder of exported files that several runs write to.
//!
//! A run that reads the same objects again replaces their rows, and a run that reads other objects adds rows. So each
//! day's logs can be exported into one folder, and again if need be. The folder holds a list, `_albscope.json`, of
//! its files and of the objects that their rows come from. Readers of such folders skip names that begin with `_`.
//!
//! An object is identified by its path or S3 URL, so the same file counts once however its path is spelled. An object
//! that a load balancer named is identified by that name instead, wherever it is and whether it is compressed or not.
//! Standard input has no name and cannot be told from what another run reads from it, so its rows are refused.
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
use std::path::{self, Path, PathBuf};

use serde::{Deserialize, Serialize};
use walkdir::WalkDir;

use super::partition::Partition;
use super::sample::stable_hash;
use crate::durable_file::{CompleteFile, DurableFile, FileOptions, Publishing, TemporaryName};
use crate::source::ObjectKey;

/// The list of a folder's files.
const LIST: &str = "_albscope.json";

/// Locked by the run that writes to the folder.
const LOCK: &str = "_albscope.lock";

/// The version of the list's format, and of how objects are identified.
const LIST_VERSION: u32 = 3;

/// The prefix of the names of data files.
pub(super) const PART: &str = "part-";

/// What sources call standard input.
const STANDARD_INPUT: &str = "-";

/// The id of an object: a stable hash of what identifies it. The names that load balancers give are unique, whatever
/// folder or bucket an object was copied to. Other files are identified by their path, other objects in S3 by their
/// URL.
pub(super) fn object_id(name: &str) -> u64 {
    if let Some(own) = unique_name(name) {
        return stable_hash(own.as_bytes());
    }
    if name == STANDARD_INPUT || name.starts_with("s3://") {
        return stable_hash(name.as_bytes());
    }
    // A name that is not UTF-8 leads nowhere once it was converted to text. Its absolute path still tells its folder.
    let full_path = fs::canonicalize(name).or_else(|_| path::absolute(name)).unwrap_or_else(|_| name.into());
    let full_path = full_path.to_string_lossy();
    stable_hash(unique_name(&full_path).unwrap_or(&full_path).as_bytes())
}

/// The name that a load balancer gave, without `.gz`, because the object may have been unpacked since. `None` for any
/// other name, and for AWS's test objects, whose names are not unique.
fn unique_name(name: &str) -> Option<&str> {
    let file_name = name.rsplit(['/', '\\']).next()?;
    let is_unique = ObjectKey::parse(file_name).is_some_and(|key| key.end.is_some());
    is_unique.then(|| file_name.strip_suffix(".gz").unwrap_or(file_name))
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
    /// Relative to the folder, with `/` between its parts.
    path: String,
    /// Ids as hexadecimal digits: some programs cannot hold 64 bits in a JSON number.
    objects: BTreeSet<String>,
}

impl ListedFile {
    fn new(path: &Path, objects: &BTreeSet<u64>) -> Self {
        let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
        Self { path: parts.join("/"), objects: objects.iter().map(|object| format!("{object:016x}")).collect() }
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
            entry.depth() == 0 || if entry.file_type().is_dir() { is_ours(&name) } else { is_passing_name(&name) }
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
    /// A run that is killed in here leaves some files new and some old, each of them complete. Running it again
    /// repairs that.
    pub(super) fn publish(self, parts: Vec<DataFile>, read: &BTreeSet<u64>) -> io::Result<u64> {
        let publishing = &mut Publishing::begin();
        if read.contains(&object_id(STANDARD_INPUT)) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "standard input has no name, so its rows cannot be told apart from those of another run: write to a \
                 file instead",
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
        let new: Vec<ListedFile> = parts.iter().map(|part| ListedFile::new(&part.path, &part.objects)).collect();
        // While files are added and removed, the list names all of them. So a run that is killed leaves no file that
        // the next one does not know.
        self.write_list(kept.iter().chain(&replaced).chain(&new), publishing)?;
        for entry in &replaced {
            if !new.iter().any(|part| part.path == entry.path) {
                self.remove(Path::new(&entry.path))?;
            }
        }
        for part in parts {
            part.file.publish(publishing)?;
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
            |path: &str| path.split('/').all(|part| !matches!(part, "" | "." | "..")) && !path.contains('\\');
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

/// Whether a file name is the temporary name of a data file. Earlier versions put no `_` in front.
fn is_passing_name(name: &str) -> bool {
    let own = name.strip_suffix(".partial").map(|own| own.strip_prefix('_').unwrap_or(own));
    let id = own.and_then(|own| own.strip_prefix(PART)?.split_once('-'));
    id.is_some_and(|(id, _)| id.len() == 16 && id.bytes().all(|digit| digit.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout() -> FolderLayout {
        FolderLayout { format: "parquet".to_owned(), columns: vec!["time".to_owned()], partition_by: Vec::new() }
    }

    const NAME: &str =
        "123456789012_elasticloadbalancing_us-east-2_app.shop.1234567890abcdef_20261122T0745Z_192.0.2.1_20sg8hgm.log";

    #[test]
    fn an_object_that_a_load_balancer_named_keeps_its_id_in_any_folder_packed_or_not() {
        let id = object_id(NAME);
        for name in [format!("{NAME}.gz"), format!("some/where/{NAME}.gz"), format!("s3://bucket/AWSLogs/{NAME}.gz")] {
            assert_eq!(object_id(&name), id, "{name}");
        }
        assert_ne!(object_id(&NAME.replace("20sg8hgm", "30sg8hgm")), id);
    }

    #[test]
    fn other_files_are_identified_by_their_path_and_other_objects_by_their_url() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("q")).expect("a folder");
        fs::write(folder.path().join("q/b.log"), "").expect("a file");
        let id = |name: &str| object_id(&format!("{}/{name}", folder.path().display()));
        for name in ["./q/b.log", "q/../q/b.log", "q//b.log"] {
            assert_eq!(id(name), id("q/b.log"), "{name}");
        }
        // A file that does not exist is identified by its name. So is one whose name is not UTF-8.
        assert_ne!(id("q/c.log"), id("r/c.log"));
        assert_ne!(object_id("s3://one/b.log"), object_id("s3://two/b.log"));
        assert_ne!(object_id("s3://one/b.log"), object_id("s3://one/b.log.gz"));
    }

    #[test]
    fn rows_of_standard_input_are_refused() {
        let root = tempfile::tempdir().expect("a folder");
        let folder = Folder::open(root.path(), layout()).expect("it can be made");
        let refused = folder.publish(Vec::new(), &BTreeSet::from([object_id("-")]));
        assert_eq!(refused.map_err(|error| error.kind()), Err(io::ErrorKind::InvalidInput));
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
        fs::write(hour.join("part-0123456789abcdef-0001.csv.partial"), "").expect("a file");
        let strange = [
            "notes.partial",
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
