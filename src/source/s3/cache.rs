//! Objects kept on disk from one run to the next.
//!
//! A file for each object, `DIR/<bucket>/<two digits>/<MD5 of the key>-<ETag>`, written beside its place and moved there when it is whole, so that what has such a name is
//! whole. Its `ETag` is in its name: an object that was replaced is another file. It ends with the MD5 of what stands before, so that a file that was damaged since is
//! fetched again. Which files were used last is told by their times of modification.

use std::fs::{self, File, FileTimes};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use md5::{Digest, Md5};
use tempfile::NamedTempFile;
use walkdir::WalkDir;

use super::etag::{Etag, hex};

/// A cache's folder and bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheOptions {
    /// Made if it is not there.
    pub folder: PathBuf,
    /// Bytes that may stay in it after a run; what was used longest ago goes first.
    pub max_bytes: u64,
}

/// Objects kept on disk.
#[derive(Debug)]
pub(super) struct Cache {
    folder: PathBuf,
    max_bytes: u64,
}

/// What marks files that are not whole yet; [`Cache::trim`] takes away those that an interrupted run left.
const PARTIAL: &str = ".partial-";

/// A partial file this old belongs to no run any more.
const ABANDONED_SECONDS: u64 = 24 * 3600;

impl Cache {
    /// # Errors
    /// When the folder cannot be made or is none.
    pub(super) fn open(options: &CacheOptions) -> io::Result<Self> {
        fs::create_dir_all(&options.folder)?;
        Ok(Self { folder: options.folder.clone(), max_bytes: options.max_bytes })
    }

    /// An object that is kept: of the size that was listed, and undamaged.
    pub(super) fn find(&self, bucket: &str, key: &str, etag: &Etag, size: u64) -> Option<Kept> {
        let file = File::open(self.path(bucket, key, etag)).ok()?;
        let kept = Kept { file, size };
        if !kept.is_whole().ok()? {
            return None;
        }
        // A time that cannot be set costs the file its place in the order of use, no more.
        let _ = kept.file.set_times(FileTimes::new().set_modified(SystemTime::now()));
        Some(kept)
    }

    /// Whether there is a file for an object; what is in it is not looked at.
    pub(super) fn has(&self, bucket: &str, key: &str, etag: &Etag) -> bool {
        self.path(bucket, key, etag).is_file()
    }

    /// A place to write an object to.
    ///
    /// # Errors
    /// When the disk does not let it be made.
    pub(super) fn keep(&self, bucket: &str, key: &str, etag: &Etag) -> io::Result<Keeping> {
        let path = self.path(bucket, key, etag);
        let folder = path.parent().unwrap_or(&self.folder);
        fs::create_dir_all(folder)?;
        let file = tempfile::Builder::new().prefix(PARTIAL).tempfile_in(folder)?;
        Ok(Keeping { file, path, digest: Md5::new() })
    }

    /// Takes away what was used longest ago, until the rest is within the bound.
    ///
    /// # Errors
    /// When the folder cannot be walked; a file that cannot be taken away is left.
    pub(super) fn trim(&self) -> io::Result<()> {
        let mut files = Vec::new();
        for entry in WalkDir::new(&self.folder) {
            let entry = entry?;
            // Another run may take it away at the same time.
            let Ok(metadata) = entry.metadata() else { continue };
            if !metadata.is_file() {
                continue;
            }
            let used = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            if entry.file_name().to_string_lossy().starts_with(PARTIAL) {
                if used.elapsed().is_ok_and(|age| age.as_secs() > ABANDONED_SECONDS) {
                    let _ = fs::remove_file(entry.path());
                }
            } else if is_ours(entry.path()) {
                files.push((used, entry.into_path(), metadata.len()));
            }
        }
        let mut bytes: u64 = files.iter().map(|(.., bytes)| bytes).sum();
        files.sort_unstable();
        for (_, path, size) in files {
            if bytes <= self.max_bytes {
                break;
            }
            if fs::remove_file(path).is_ok() {
                bytes -= size;
            }
        }
        Ok(())
    }

    fn path(&self, bucket: &str, key: &str, etag: &Etag) -> PathBuf {
        let name = hex(&Md5::digest(key.as_bytes()));
        // The ARN of an access point has characters that a file system may not.
        let bucket: String =
            bucket.chars().map(|it| if it.is_ascii_alphanumeric() || "-._".contains(it) { it } else { '_' }).collect();
        self.folder.join(format!("s3-{bucket}")).join(&name[..2]).join(format!("{name}-{}", etag.file_name()))
    }
}

/// Whether a file has the name of a kept object: the folder is the user's, and what else lies in it is not to be taken away.
fn is_ours(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let folder = path.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
    name.split_once('-').is_some_and(|(key, etag)| {
        key.len() == 32 && key.bytes().all(|it| it.is_ascii_hexdigit()) && !etag.is_empty() && *folder == key[..2]
    })
}

/// The MD5 at the end of a file.
const SUM_BYTES: usize = 16;

/// An object on disk.
pub(super) struct Kept {
    file: File,
    size: u64,
}

impl Kept {
    fn is_whole(&self) -> io::Result<bool> {
        if self.file.metadata()?.len() != self.size + SUM_BYTES as u64 {
            return Ok(false);
        }
        let mut digest = Md5::new();
        let mut piece = vec![0; 256 * 1024];
        let mut content = (&self.file).take(self.size);
        loop {
            match content.read(&mut piece)? {
                0 => break,
                count => digest.update(&piece[..count]),
            }
        }
        let mut sum = [0; SUM_BYTES];
        (&self.file).read_exact(&mut sum)?;
        Ok(sum == *digest.finalize())
    }

    /// Its content from the beginning.
    pub(super) fn content(mut self) -> io::Result<io::Take<File>> {
        self.file.rewind()?;
        Ok(self.file.take(self.size))
    }
}

/// An object on its way to the disk. Dropped, it leaves nothing.
pub(super) struct Keeping {
    file: NamedTempFile,
    path: PathBuf,
    digest: Md5,
}

impl Keeping {
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.digest.update(bytes);
        self.file.write_all(bytes)
    }

    /// Says that it is whole.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.file.write_all(&self.digest.finalize())?;
        // Not waited for on the disk: what a crash of the machine damages is noticed by its sum.
        self.file.persist(self.path).map(drop).map_err(|error| error.error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn cache(max_bytes: u64) -> (tempfile::TempDir, Cache) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let options = CacheOptions { folder: folder.path().join("cache"), max_bytes };
        let cache = Cache::open(&options).expect("a folder");
        (folder, cache)
    }

    fn etag_of(content: &[u8]) -> Etag {
        Etag::parse(&hex(&Md5::digest(content))).expect("an ETag")
    }

    fn keep(cache: &Cache, key: &str, content: &[u8]) -> Etag {
        let etag = etag_of(content);
        let mut keeping = cache.keep("logs", key, &etag).expect("a place");
        keeping.write(content).expect("room");
        keeping.finish().expect("it is moved");
        etag
    }

    fn read(kept: Kept) -> Vec<u8> {
        let mut content = Vec::new();
        kept.content().expect("it is there").read_to_end(&mut content).expect("it is read");
        content
    }

    #[test]
    fn what_is_kept_is_found_by_bucket_key_and_etag_and_by_nothing_else() {
        let (_folder, cache) = cache(1000);
        let etag = keep(&cache, "a/../b\u{0}", b"hello");
        assert_eq!(read(cache.find("logs", "a/../b\u{0}", &etag, 5).expect("it is kept")), b"hello");
        assert!(cache.find("other", "a/../b\u{0}", &etag, 5).is_none());
        assert!(cache.find("logs", "a", &etag, 5).is_none());
        assert!(cache.find("logs", "a/../b\u{0}", &etag_of(b"other"), 5).is_none());
        assert!(cache.find("logs", "a/../b\u{0}", &etag, 6).is_none());
    }

    #[test]
    fn what_is_not_whole_or_was_changed_is_not_found() {
        let (_folder, cache) = cache(1000);
        let etag = etag_of(b"hello");
        let mut keeping = cache.keep("logs", "a", &etag).expect("a place");
        keeping.write(b"hello").expect("room");
        drop(keeping);
        assert!(cache.find("logs", "a", &etag, 5).is_none(), "it was not finished");
        keep(&cache, "a", b"hello");
        let path = cache.path("logs", "a", &etag);
        let mut content = std::fs::read(&path).expect("it is there");
        content[1] ^= 1;
        std::fs::write(&path, content).expect("it is there");
        assert!(cache.find("logs", "a", &etag, 5).is_none(), "its content changed");
    }

    #[test]
    fn the_bound_is_kept_and_the_last_used_stay() {
        let (_folder, cache) = cache(1100);
        let etags: Vec<Etag> = (0..10_u8).map(|key| keep(&cache, &key.to_string(), &[key; 200])).collect();
        for (age, key) in [5, 1, 7, 3, 9, 0, 2, 4, 6, 8].iter().enumerate() {
            let path = cache.path("logs", &key.to_string(), &etags[*key]);
            let used = SystemTime::now() - Duration::from_secs(1000 + age as u64);
            let file = File::options().write(true).open(path).expect("it is there");
            file.set_times(FileTimes::new().set_modified(used)).expect("a time");
        }
        // What is found is used.
        assert!(cache.find("logs", "8", &etags[8], 200).is_some());
        let foreign = cache.folder.join("notes.txt");
        std::fs::write(&foreign, vec![0; 5000]).expect("room");
        cache.trim().expect("it can be walked");
        let left: Vec<usize> =
            (0..10).filter(|&key| cache.find("logs", &key.to_string(), &etags[key], 200).is_some()).collect();
        assert_eq!(left, [1, 3, 5, 7, 8]);
        assert!(foreign.exists(), "what is not the cache's stays");
    }
}
