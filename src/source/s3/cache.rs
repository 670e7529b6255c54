//! Objects kept on disk from one run to the next.
//!
//! Each object is one file, `DIR/s3-<bucket>/<two digits>/<MD5 of the key>-<ETag>`; the two digits are the first of
//! the MD5. It is written under a temporary name in the same folder and renamed when it is complete, so a file with
//! a final name is complete. The name has the `ETag`, so an object that was replaced in the store is another file.
//! The file ends with the MD5 of the bytes before it, so that an object whose file was damaged is fetched again. A
//! file's modification time is the time of its last use.

use std::fs::{self, File, FileTimes};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use md5::{Digest, Md5};
use walkdir::WalkDir;

use crate::durable_file::{self, DurableFile, FileOptions, Publishing, TemporaryName};
use crate::source::etag::{Etag, hex};
use crate::source::s3_options::CacheOptions;

/// Objects kept on disk.
#[derive(Debug)]
pub(super) struct Cache {
    folder: PathBuf,
    max_bytes: u64,
}

/// How objects are written: several runs may fetch the same object at once. If the machine crashes, the MD5 reveals a
/// damaged file.
const FILE_OPTIONS: FileOptions =
    FileOptions { temporary_name: TemporaryName::Unique, is_synced: false, is_private: true };

/// A partial file older than this belongs to no run any more.
const ABANDONED_SECONDS: u64 = 24 * 3600;

impl Cache {
    /// Creates the folder if it does not exist.
    ///
    /// # Errors
    /// If the folder cannot be created, or something else has its name.
    pub(super) fn open(options: &CacheOptions) -> io::Result<Self> {
        fs::create_dir_all(&options.folder)?;
        Ok(Self { folder: options.folder.clone(), max_bytes: options.max_bytes })
    }

    /// The cached object, if its file has the listed `size` and an intact MD5. Marks it as used.
    pub(super) fn find(&self, bucket: &str, key: &str, etag: &Etag, size: u64) -> Option<CachedObject> {
        let file = File::open(self.path(bucket, key, etag)).ok()?;
        let cached = CachedObject { file, size };
        if !cached.is_whole().ok()? {
            return None;
        }
        // If the time cannot be set, the file may be removed too early, and nothing else happens.
        let _ = cached.file.set_times(FileTimes::new().set_modified(SystemTime::now()));
        Some(cached)
    }

    /// Whether there is a file for an object. Its content is not checked.
    pub(super) fn has(&self, bucket: &str, key: &str, etag: &Etag) -> bool {
        self.path(bucket, key, etag).is_file()
    }

    /// Starts to write an object.
    ///
    /// # Errors
    /// If the folder or the file cannot be created.
    pub(super) fn write(&self, bucket: &str, key: &str, etag: &Etag) -> io::Result<CacheWriter> {
        let path = self.path(bucket, key, etag);
        let folder = path.parent().unwrap_or(&self.folder);
        fs::create_dir_all(folder)?;
        Ok(CacheWriter { file: FILE_OPTIONS.create(&path)?, digest: Md5::new() })
    }

    /// Removes what was used longest ago until the rest is within the limit, and abandoned partial files.
    /// What cannot be listed or removed is left: another run may trim the cache at the same time.
    pub(super) fn trim(&self) {
        let mut files = Vec::new();
        for entry in WalkDir::new(&self.folder).into_iter().filter_map(Result::ok) {
            let Ok(metadata) = entry.metadata() else { continue };
            if !metadata.is_file() {
                continue;
            }
            let used = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            if entry.file_name().to_string_lossy().starts_with(durable_file::UNIQUE_PREFIX) {
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
    }

    fn path(&self, bucket: &str, key: &str, etag: &Etag) -> PathBuf {
        let name = hex(&Md5::digest(key.as_bytes()));
        // The ARN of an access point has characters that a file system may not allow.
        let bucket: String =
            bucket.chars().map(|it| if it.is_ascii_alphanumeric() || "-._".contains(it) { it } else { '_' }).collect();
        self.folder.join(format!("s3-{bucket}")).join(&name[..2]).join(format!("{name}-{}", etag.file_name()))
    }
}

/// Whether a file is named like a cached object. The folder is the user's, and other files in it must not be removed.
fn is_ours(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let folder = path.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
    name.split_once('-').is_some_and(|(key, etag)| {
        key.len() == 32 && key.bytes().all(|it| it.is_ascii_hexdigit()) && !etag.is_empty() && *folder == key[..2]
    })
}

/// Bytes of the MD5 at the end of a file.
const SUM_BYTES: usize = 16;

/// An object on disk.
pub(super) struct CachedObject {
    file: File,
    size: u64,
}

impl CachedObject {
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

    /// Its content from the beginning, without the MD5 at the end.
    pub(super) fn content(mut self) -> io::Result<io::Take<File>> {
        self.file.rewind()?;
        Ok(self.file.take(self.size))
    }
}

/// An object that is being written. Dropping it leaves no file.
pub(super) struct CacheWriter {
    file: DurableFile,
    digest: Md5,
}

impl CacheWriter {
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.digest.update(bytes);
        self.file.write_all(bytes)
    }

    /// Completes the file and gives it its final name.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.file.write_all(&self.digest.finalize())?;
        self.file.close()?.publish(&mut Publishing::begin())
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
        let mut writer = cache.write("logs", key, &etag).expect("a file");
        writer.write(content).expect("room");
        writer.finish().expect("it is moved");
        etag
    }

    fn read(cached: CachedObject) -> Vec<u8> {
        let mut content = Vec::new();
        cached.content().expect("it is there").read_to_end(&mut content).expect("it is read");
        content
    }

    #[test]
    fn an_object_is_found_only_by_its_bucket_key_etag_and_size() {
        let (_folder, cache) = cache(1000);
        let etag = keep(&cache, "a/../b\u{0}", b"hello");
        assert_eq!(read(cache.find("logs", "a/../b\u{0}", &etag, 5).expect("it is kept")), b"hello");
        assert!(cache.find("other", "a/../b\u{0}", &etag, 5).is_none());
        assert!(cache.find("logs", "a", &etag, 5).is_none());
        assert!(cache.find("logs", "a/../b\u{0}", &etag_of(b"other"), 5).is_none());
        assert!(cache.find("logs", "a/../b\u{0}", &etag, 6).is_none());
    }

    #[test]
    fn an_unfinished_or_damaged_file_is_not_found() {
        let (_folder, cache) = cache(1000);
        let etag = etag_of(b"hello");
        let mut writer = cache.write("logs", "a", &etag).expect("a file");
        writer.write(b"hello").expect("room");
        drop(writer);
        assert!(cache.find("logs", "a", &etag, 5).is_none(), "it was not finished");
        keep(&cache, "a", b"hello");
        let path = cache.path("logs", "a", &etag);
        let mut content = std::fs::read(&path).expect("it is there");
        content[1] ^= 1;
        std::fs::write(&path, content).expect("it is there");
        assert!(cache.find("logs", "a", &etag, 5).is_none(), "its content changed");
    }

    #[test]
    fn trimming_keeps_the_limit_and_the_files_used_last() {
        let (_folder, cache) = cache(1100);
        let etags: Vec<Etag> = (0..10_u8).map(|key| keep(&cache, &key.to_string(), &[key; 200])).collect();
        for (age, key) in [5, 1, 7, 3, 9, 0, 2, 4, 6, 8].iter().enumerate() {
            let path = cache.path("logs", &key.to_string(), &etags[*key]);
            let used = SystemTime::now() - Duration::from_secs(1000 + age as u64);
            let file = File::options().write(true).open(path).expect("it is there");
            file.set_times(FileTimes::new().set_modified(used)).expect("a time");
        }
        // Finding an object marks it as used.
        assert!(cache.find("logs", "8", &etags[8], 200).is_some());
        let foreign = cache.folder.join("notes.txt");
        std::fs::write(&foreign, vec![0; 5000]).expect("room");
        cache.trim();
        let left: Vec<usize> =
            (0..10).filter(|&key| cache.find("logs", &key.to_string(), &etags[key], 200).is_some()).collect();
        assert_eq!(left, [1, 3, 5, 7, 8]);
        assert!(foreign.exists(), "what is not the cache's stays");
    }
}
