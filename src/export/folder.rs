//! A folder of exported files to which several runs write.
//!
//! A run that reads the same objects again replaces their rows, and a run that reads others adds to them: each day's logs can be exported into one folder, and once more when need be. To tell
//! which, the folder holds a list, `_albscope.json`, of its files with the objects that their rows are from. Readers of such folders pass over names that begin with `_`.
//!
//! A file whose objects were all read again is replaced, wherever in the folder it lies. One of whose objects only some were read again can neither stay, as rows would be there twice, nor go, as
//! rows would be lost: then nothing is changed, and the run fails.

use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::output::{NewFile, Out, WrittenFile};
use super::sample::stable_hash;
use crate::source::ObjectKey;

/// The list of a folder's files.
const LIST: &str = "_albscope.json";

/// Held by the run that writes to the folder.
const LOCK: &str = "_albscope.lock";

/// The version of the list's form.
const LIST_VERSION: u32 = 1;

/// What an object is known by. The names that load balancers give are unique, whatever folder or bucket the object was copied to; of others the whole name counts.
pub(super) fn object_id(name: &str) -> u64 {
    let file_name = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let is_unique = ObjectKey::parse(file_name).is_some_and(|key| key.end.is_some());
    stable_hash(if is_unique { file_name } else { name }.as_bytes())
}

/// A folder that this run alone writes to.
pub(super) struct Folder {
    root: PathBuf,
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
    files: Vec<Entry>,
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
    /// [`io::ErrorKind::WouldBlock`] when another run writes to it; what the file system says.
    pub(super) fn open(root: &Path) -> io::Result<Self> {
        fs::create_dir_all(root)?;
        let lock = File::options().write(true).create(true).truncate(false).open(root.join(LOCK))?;
        match lock.try_lock() {
            Err(TryLockError::WouldBlock) => {
                Err(io::Error::new(io::ErrorKind::WouldBlock, "another program is writing to it just now"))
            }
            // A file system without locks.
            Err(TryLockError::Error(_)) | Ok(()) => Ok(Self { root: root.to_path_buf(), _lock: lock }),
        }
    }

    /// Begins a file, and makes the folders that lead to it.
    pub(super) fn create(&self, path: &Path) -> io::Result<NewFile> {
        let path = self.root.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        NewFile::create(&path)
    }

    /// Gives the new files their names and removes those that they replace. `read` are all objects that this run read.
    ///
    /// A run that is killed in here leaves some files new and some old, none half; another one mends that.
    pub(super) fn publish(self, parts: Vec<Part>, read: &BTreeSet<u64>) -> io::Result<()> {
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
                self.remove(&entry.path)?;
            }
        }
        for part in parts {
            part.file.publish()?;
        }
        self.write_list(kept.iter().chain(&new))
    }

    /// Removes a file, and folders that are empty without it.
    fn remove(&self, path: &str) -> io::Result<()> {
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

    /// The files that the list names and that are there.
    fn list(&self) -> io::Result<Vec<Entry>> {
        let text = match fs::read(self.root.join(LIST)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let unreadable = |reason: String| io::Error::other(format!("{LIST} in it is not what it should be: {reason}"));
        let list: List = serde_json::from_slice(&text).map_err(|error| unreadable(error.to_string()))?;
        if list.version != LIST_VERSION {
            return Err(unreadable(format!("its version is {}", list.version)));
        }
        // The list decides what is removed, so that it may name nothing outside.
        let is_inside =
            |path: &str| path.split('/').all(|part| !matches!(part, "" | "." | "..")) && !path.contains('\\');
        if let Some(outside) = list.files.iter().find(|entry| !is_inside(&entry.path)) {
            return Err(unreadable(format!("it names {}", outside.path)));
        }
        Ok(list.files.into_iter().filter(|entry| self.root.join(&entry.path).exists()).collect())
    }

    fn write_list<'e>(&self, entries: impl Iterator<Item = &'e Entry>) -> io::Result<()> {
        let mut files: Vec<Entry> = entries.cloned().collect();
        files.sort_by(|one, other| one.path.cmp(&other.path));
        let mut out = Out::File(NewFile::create(&self.root.join(LIST))?);
        serde_json::to_writer(&mut out, &List { version: LIST_VERSION, files })?;
        out.write_all(b"\n")?;
        match out.close()? {
            Some(file) => file.publish(),
            None => Ok(()),
        }
    }
}
