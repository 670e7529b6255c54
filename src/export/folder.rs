//! A folder of exported files to which several runs write.
//!
//! A run that reads the same objects again replaces their rows, and a run that reads others adds to them: each day's logs can be exported into one folder, and once more when need be. To tell
//! which, the folder holds a list, `_albscope.json`, of its files with the objects that their rows are from. Readers of such folders pass over names that begin with `_`.
//!
//! An object is known by where it lies, so that the same file counts as one however its path is spelled; what load balancers have named is known by that name, wherever it lies and whether it is
//! packed or not. Standard input has no name, and cannot be told from what another run reads from it: its rows do not go into a folder.
//!
//! All files of a folder have the same columns in the same format, parted alike, as readers take them for one table. What would make it another is refused before anything is read.
//!
//! A file whose objects were all read again is replaced, wherever in the folder it lies. One of whose objects only some were read again can neither stay, as rows would be there twice, nor go, as
//! rows would be lost: then nothing is changed, and the run fails.

use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{self, Path, PathBuf};

use serde::{Deserialize, Serialize};
use walkdir::WalkDir;

use super::output::{NewFile, Out, WrittenFile};
use super::partition::Partition;
use super::sample::stable_hash;
use crate::source::ObjectKey;

/// The list of a folder's files.
const LIST: &str = "_albscope.json";

/// Held by the run that writes to the folder.
const LOCK: &str = "_albscope.lock";

/// The version of the list's form, and of what objects are known by.
const LIST_VERSION: u32 = 3;

/// What names of data files begin with.
pub(super) const PART: &str = "part-";

/// What sources call standard input.
const STANDARD_INPUT: &str = "-";

/// What an object is known by. The names that load balancers give are unique, whatever folder or bucket the object was copied to. Of other files it is their place, and of other objects in S3 their URL.
pub(super) fn object_id(name: &str) -> u64 {
    if let Some(own) = unique_name(name) {
        return stable_hash(own.as_bytes());
    }
    if name == STANDARD_INPUT || name.starts_with("s3://") {
        return stable_hash(name.as_bytes());
    }
    // A name that is not UTF-8 leads nowhere once it is written as text; its folder is told all the same.
    let place = fs::canonicalize(name).or_else(|_| path::absolute(name)).unwrap_or_else(|_| name.into());
    let place = place.to_string_lossy();
    stable_hash(unique_name(&place).unwrap_or(&place).as_bytes())
}

/// The name that a load balancer gave, without what tells that the object is packed: it may have been unpacked since.
fn unique_name(name: &str) -> Option<&str> {
    let file_name = name.rsplit(['/', '\\']).next()?;
    let is_unique = ObjectKey::parse(file_name).is_some_and(|key| key.end.is_some());
    is_unique.then(|| file_name.strip_suffix(".gz").unwrap_or(file_name))
}

/// What all files of a folder have in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Shape {
    /// How their names end.
    pub(super) format: String,
    /// The names of the columns in the files, in their order.
    pub(super) columns: Vec<String>,
    /// The names of the columns that readers make of the folders' names.
    pub(super) partition_by: Vec<String>,
}

impl Shape {
    /// What a run has to be told to write files of it, and not of `other`.
    fn flags_against(&self, other: &Self) -> String {
        let flag = |name: &str, own: &[String], other: &[String]| {
            let wanted = if own.is_empty() { format!("no {name}") } else { format!("{name} {}", own.join(",")) };
            (own != other).then_some(wanted)
        };
        let format = |shape: &Self| [shape.format.clone()];
        let flags = [
            flag("--format", &format(self), &format(other)),
            flag("--partition-by", &self.partition_by, &other.partition_by),
            flag("--columns", &self.columns, &other.columns),
        ];
        flags.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

/// A folder that this run alone writes to.
pub(super) struct Folder {
    root: PathBuf,
    shape: Shape,
    /// Locked while it is open.
    _lock: File,
}

/// A new file of the folder, complete under its passing name.
pub(super) struct Part {
    /// Relative to the folder.
    pub(super) path: PathBuf,
    pub(super) file: WrittenFile,
    /// The objects that its rows are from.
    pub(super) objects: BTreeSet<u64>,
}

#[derive(Serialize, Deserialize)]
struct List {
    version: u32,
    #[serde(flatten)]
    shape: Shape,
    files: Vec<Entry>,
}

/// What is asked of a list before the rest, which other versions have in other forms.
#[derive(Deserialize)]
struct ListVersion {
    version: u32,
}

#[derive(Clone, Serialize, Deserialize)]
struct Entry {
    /// Relative to the folder, with `/` between its parts.
    path: String,
    /// In hexadecimal digits: JSON's numbers are too coarse for some programs.
    objects: BTreeSet<String>,
}

impl Entry {
    fn new(path: &Path, objects: &BTreeSet<u64>) -> Self {
        let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
        Self { path: parts.join("/"), objects: objects.iter().map(|object| format!("{object:016x}")).collect() }
    }
}

impl Folder {
    /// Makes the folder where there is none.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when another run writes to it; when it has files of another shape; what the file system says.
    pub(super) fn open(root: &Path, shape: Shape) -> io::Result<Self> {
        fs::create_dir_all(root)?;
        let lock = File::options().write(true).create(true).truncate(false).open(root.join(LOCK))?;
        match lock.try_lock() {
            Err(TryLockError::WouldBlock) => {
                Err(io::Error::new(io::ErrorKind::WouldBlock, "another program is writing to it just now"))
            }
            // A file system without locks. What lies there may be another run's.
            Err(TryLockError::Error(_)) => {
                let folder = Self { root: root.to_path_buf(), shape, _lock: lock };
                folder.list()?;
                Ok(folder)
            }
            Ok(()) => {
                let folder = Self { root: root.to_path_buf(), shape, _lock: lock };
                folder.list()?;
                folder.remove_orphans();
                Ok(folder)
            }
        }
    }

    /// Removes what runs that were killed have left: while the lock is held, no file in the making is another run's.
    fn remove_orphans(&self) {
        let is_ours =
            |name: &str| Partition::ALL.iter().any(|partition| name.starts_with(&format!("{}=", partition.id())));
        let entries = WalkDir::new(&self.root).max_depth(Partition::ALL.len() + 1).into_iter().filter_entry(|entry| {
            let name = entry.file_name().to_string_lossy();
            entry.depth() == 0 || if entry.file_type().is_dir() { is_ours(&name) } else { is_passing_name(&name) }
        });
        for entry in entries.flatten().filter(|entry| entry.file_type().is_file()) {
            if let Ok(path) = entry.path().strip_prefix(&self.root) {
                // It is in nobody's way, and the next run tries again.
                let _ = self.remove(path);
            }
        }
    }

    /// Begins a file, and makes the folders that lead to it.
    pub(super) fn create(&self, path: &Path) -> io::Result<NewFile> {
        let path = self.root.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        NewFile::create_hidden(&path)
    }

    /// Gives the new files their names and removes those that they replace, and says how many those are. `read` are all objects that this run read.
    ///
    /// A run that is killed in here leaves some files new and some old, none half; another one mends that.
    pub(super) fn publish(self, parts: Vec<Part>, read: &BTreeSet<u64>) -> io::Result<u64> {
        if read.contains(&object_id(STANDARD_INPUT)) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "rows of standard input cannot be told from those of another run, as it has no name: write them to a file",
            ));
        }
        let read: BTreeSet<String> = read.iter().map(|object| format!("{object:016x}")).collect();
        let known = self.list()?;
        let (replaced, kept): (Vec<Entry>, Vec<Entry>) =
            known.into_iter().partition(|entry| entry.objects.is_subset(&read));
        if let Some(both) = kept.iter().find(|entry| !entry.objects.is_disjoint(&read)) {
            return Err(io::Error::other(format!(
                "{} has rows of objects that were read now together with rows of others, so it can neither stay nor be replaced: read all of them, \
                 write to another folder, or remove it. Nothing was changed",
                both.path
            )));
        }
        let new: Vec<Entry> = parts.iter().map(|part| Entry::new(&part.path, &part.objects)).collect();
        // While files come and go the list names all of them, so that a run that is killed leaves none that the next knows nothing of.
        self.write_list(kept.iter().chain(&replaced).chain(&new))?;
        for entry in &replaced {
            if !new.iter().any(|part| part.path == entry.path) {
                self.remove(Path::new(&entry.path))?;
            }
        }
        for part in parts {
            part.file.publish()?;
        }
        self.write_list(kept.iter().chain(&new))?;
        Ok(replaced.len() as u64)
    }

    /// Removes a file, named relative to the folder, and folders that are empty without it.
    fn remove(&self, path: &Path) -> io::Result<()> {
        let path = self.root.join(path);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        for folder in path.ancestors().skip(1).take_while(|folder| *folder != self.root) {
            // It may hold what is not ours.
            if fs::remove_dir(folder).is_err() {
                break;
            }
        }
        Ok(())
    }

    /// The files that the list names and that are there. Fails where they have another shape than those of this run.
    fn list(&self) -> io::Result<Vec<Entry>> {
        let text = match fs::read(self.root.join(LIST)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let unreadable = |reason: String| io::Error::other(format!("{LIST} in it is not what it should be: {reason}"));
        let malformed = |error: serde_json::Error| unreadable(error.to_string());
        let ListVersion { version } = serde_json::from_slice(&text).map_err(malformed)?;
        if version != LIST_VERSION {
            return Err(unreadable(format!("its version is {version}")));
        }
        let list: List = serde_json::from_slice(&text).map_err(malformed)?;
        // The list decides what is removed, so that it may name nothing outside.
        let is_inside =
            |path: &str| path.split('/').all(|part| !matches!(part, "" | "." | "..")) && !path.contains('\\');
        if let Some(outside) = list.files.iter().find(|entry| !is_inside(&entry.path)) {
            return Err(unreadable(format!("it names {}", outside.path)));
        }
        let files: Vec<Entry> = list.files.into_iter().filter(|entry| self.root.join(&entry.path).exists()).collect();
        if !files.is_empty() && list.shape != self.shape {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!(
                    "its files have another form than this run would write, and could not be read with them as one table: give {}, write to another folder, \
                     or remove it",
                    list.shape.flags_against(&self.shape)
                ),
            ));
        }
        Ok(files)
    }

    fn write_list<'e>(&self, entries: impl Iterator<Item = &'e Entry>) -> io::Result<()> {
        let mut files: Vec<Entry> = entries.cloned().collect();
        files.sort_by(|one, other| one.path.cmp(&other.path));
        let mut out = Out::File(NewFile::create(&self.root.join(LIST))?);
        serde_json::to_writer(&mut out, &List { version: LIST_VERSION, shape: self.shape.clone(), files })?;
        out.write_all(b"\n")?;
        match out.close()? {
            Some(file) => file.publish(),
            None => Ok(()),
        }
    }
}

/// Whether a file in the making, or one that was, has this name. Earlier versions put no `_` in front.
fn is_passing_name(name: &str) -> bool {
    let own = name.strip_suffix(".partial").map(|own| own.strip_prefix('_').unwrap_or(own));
    let id = own.and_then(|own| own.strip_prefix(PART)?.split_once('-'));
    id.is_some_and(|(id, _)| id.len() == 16 && id.bytes().all(|digit| digit.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape() -> Shape {
        Shape { format: "parquet".to_owned(), columns: vec!["time".to_owned()], partition_by: Vec::new() }
    }

    const NAME: &str =
        "123456789012_elasticloadbalancing_us-east-2_app.shop.1234567890abcdef_20261122T0745Z_192.0.2.1_20sg8hgm.log";

    #[test]
    fn what_a_load_balancer_named_is_known_wherever_it_lies_and_however_it_is_packed() {
        let id = object_id(NAME);
        for name in [format!("{NAME}.gz"), format!("some/where/{NAME}.gz"), format!("s3://bucket/AWSLogs/{NAME}.gz")] {
            assert_eq!(object_id(&name), id, "{name}");
        }
        assert_ne!(object_id(&NAME.replace("20sg8hgm", "30sg8hgm")), id);
    }

    #[test]
    fn other_files_are_known_by_their_place_and_objects_by_their_url() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("q")).expect("a folder");
        fs::write(folder.path().join("q/b.log"), "").expect("a file");
        let id = |name: &str| object_id(&format!("{}/{name}", folder.path().display()));
        for name in ["./q/b.log", "q/../q/b.log", "q//b.log"] {
            assert_eq!(id(name), id("q/b.log"), "{name}");
        }
        // One that is not there, as a name that is not UTF-8 is not, is known by how it is named.
        assert_ne!(id("q/c.log"), id("r/c.log"));
        assert_ne!(object_id("s3://one/b.log"), object_id("s3://two/b.log"));
        assert_ne!(object_id("s3://one/b.log"), object_id("s3://one/b.log.gz"));
    }

    #[test]
    fn rows_of_what_has_no_name_are_refused() {
        let root = tempfile::tempdir().expect("a folder");
        let folder = Folder::open(root.path(), shape()).expect("it can be made");
        let refused = folder.publish(Vec::new(), &BTreeSet::from([object_id("-")]));
        assert_eq!(refused.map_err(|error| error.kind()), Err(io::ErrorKind::InvalidInput));
    }

    #[test]
    fn a_file_in_the_making_is_hidden_from_readers_and_does_not_outlive_its_run() {
        let root = tempfile::tempdir().expect("a folder");
        let hour = root.path().join("day=2026-11-22/hour=07");
        let names = || {
            fs::read_dir(&hour).map(|entries| entries.map(|it| it.expect("an entry").file_name()).collect::<Vec<_>>())
        };
        let folder = Folder::open(root.path(), shape()).expect("it can be made");
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
        drop(Folder::open(root.path(), shape()).expect("it can be opened"));
        assert!(names().is_err(), "folders that are empty without it go too");
        assert!(strange.iter().all(|name| root.path().join(name).exists()), "what is somebody else's stays");
    }
}
