//! What the server's buckets hold: files of a folder, or objects in memory.

// The benchmark uses its part.
#![allow(dead_code, reason = "shared by tests and benchmarks")]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use hyper::body::Bytes;
use md5::{Digest, Md5};

/// S3's own bound for one page of a listing.
const PAGE: usize = 1000;

/// What an object's `ETag` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Tags {
    /// The MD5 of its bytes: one upload, encrypted by S3's own keys or not at all.
    #[default]
    Md5,
    /// As of an upload in several parts: `<hex>-<parts>`.
    Parts,
    /// 32 digits of something else, as of objects encrypted by AWS KMS keys.
    Kms,
}

/// A service of buckets, for the server. A clone is the same service.
#[derive(Clone)]
pub(crate) struct BucketStore {
    storage: Storage,
    page: usize,
    tags: Tags,
    ignores_ranges: bool,
    ignores_prefixes: bool,
    has_checksums: bool,
    /// What replaces an object, by its key, once it was read.
    replacements: Arc<Mutex<BTreeMap<String, Bytes>>>,
}

#[derive(Clone)]
enum Storage {
    Folder(PathBuf),
    Memory(Arc<Mutex<Buckets>>),
}

type Buckets = BTreeMap<String, BTreeMap<String, Stored>>;

#[derive(Clone)]
struct Stored {
    bytes: Bytes,
    md5: Arc<str>,
    is_archived: bool,
}

impl BucketStore {
    /// Each folder in `root` is a bucket, and each file below it an object.
    pub(crate) fn folder(root: &Path) -> Self {
        assert!(root.is_dir(), "the folder is there");
        Self::new(Storage::Folder(root.to_path_buf()))
    }

    /// Nothing yet; a bucket is there as soon as it holds an object.
    pub(crate) fn memory() -> Self {
        Self::new(Storage::Memory(Arc::default()))
    }

    fn new(storage: Storage) -> Self {
        Self {
            storage,
            page: PAGE,
            tags: Tags::default(),
            ignores_ranges: false,
            ignores_prefixes: false,
            has_checksums: false,
            replacements: Arc::default(),
        }
    }

    /// At most so many keys a page, however many are asked for.
    pub(crate) fn pages_of(self, page: usize) -> Self {
        Self { page, ..self }
    }

    pub(crate) fn tags(self, tags: Tags) -> Self {
        Self { tags, ..self }
    }

    /// Answers a request for a range with the whole object.
    pub(crate) fn ignoring_ranges(self) -> Self {
        Self { ignores_ranges: true, ..self }
    }

    pub(crate) fn ignores_ranges(&self) -> bool {
        self.ignores_ranges
    }

    /// Lists all keys of a bucket, whatever they should begin with.
    pub(crate) fn ignoring_prefixes(self) -> Self {
        Self { ignores_prefixes: true, ..self }
    }

    /// Sends the SHA-256 of each object that is read whole.
    pub(crate) fn with_checksums(self) -> Self {
        Self { has_checksums: true, ..self }
    }

    pub(crate) fn has_checksums(&self) -> bool {
        self.has_checksums
    }

    /// Replaces the object with this key as soon as it was read once, even in part.
    pub(crate) fn replace_once_read(&self, key: &str, bytes: impl Into<Bytes>) {
        self.replacements.lock().expect("nobody panics").insert(key.to_owned(), bytes.into());
    }

    /// Puts an object into memory. It replaces one of the same key.
    pub(crate) fn put(&self, bucket: &str, key: impl Into<String>, bytes: impl Into<Bytes>) {
        self.put_all(bucket, [key.into()], bytes);
    }

    /// Puts many objects of the same bytes into memory, where they take their keys' room alone.
    pub(crate) fn put_all(&self, bucket: &str, keys: impl IntoIterator<Item = String>, bytes: impl Into<Bytes>) {
        let bytes = bytes.into();
        let stored = Stored { md5: md5(&bytes).into(), bytes, is_archived: false };
        self.with_buckets(|buckets| {
            let objects = buckets.entry(bucket.to_owned()).or_default();
            objects.extend(keys.into_iter().map(|key| (key, stored.clone())));
        });
    }

    /// Moves an object in memory into an archive, where it is listed and cannot be read.
    pub(crate) fn archive(&self, bucket: &str, key: &str) {
        let archive =
            |objects: &mut BTreeMap<String, Stored>| objects.get_mut(key).map(|stored| stored.is_archived = true);
        assert_eq!(self.with_buckets(|buckets| buckets.get_mut(bucket).and_then(archive)), Some(()), "it is there");
    }

    pub(crate) fn remove(&self, bucket: &str, key: &str) {
        self.with_buckets(|buckets| buckets.get_mut(bucket).and_then(|objects| objects.remove(key)));
    }

    fn with_buckets<T>(&self, work: impl FnOnce(&mut Buckets) -> T) -> T {
        let Storage::Memory(buckets) = &self.storage else { panic!("files are changed in their folder") };
        work(&mut buckets.lock().expect("no test panics while it holds the buckets"))
    }

    /// In quotes, as S3 writes it.
    fn tag(&self, md5: &str) -> String {
        match self.tags {
            Tags::Md5 => format!("\"{md5}\""),
            Tags::Parts => format!("\"{md5}-2\""),
            Tags::Kms => format!("\"{}\"", md5.chars().rev().collect::<String>()),
        }
    }

    /// The header `x-amz-server-side-encryption`.
    pub(crate) fn encryption(&self) -> &'static str {
        if self.tags == Tags::Kms { "aws:kms" } else { "AES256" }
    }

    pub(crate) fn has_bucket(&self, bucket: &str) -> bool {
        match &self.storage {
            Storage::Folder(root) => root.join(bucket).is_dir(),
            Storage::Memory(_) => self.with_buckets(|buckets| buckets.contains_key(bucket)),
        }
    }

    pub(crate) fn object(&self, bucket: &str, key: &str) -> Result<StoredObject, Missing> {
        if !self.has_bucket(bucket) {
            return Err(Missing::Bucket);
        }
        match &self.storage {
            Storage::Folder(root) => {
                let bytes = fs::read(root.join(bucket).join(key)).map_err(|_| Missing::Key)?;
                Ok(StoredObject { tag: self.tag(&md5(&bytes)), bytes: bytes.into(), is_archived: false })
            }
            Storage::Memory(_) => self.with_buckets(|buckets| {
                let stored = buckets.get_mut(bucket).and_then(|objects| objects.get_mut(key)).ok_or(Missing::Key)?;
                let Stored { bytes, md5, is_archived } = stored.clone();
                if let Some(bytes) = self.replacements.lock().expect("nobody panics").remove(key) {
                    *stored = Stored { md5: crate::store::md5(&bytes).into(), bytes, is_archived };
                }
                Ok(StoredObject { tag: self.tag(&md5), bytes, is_archived })
            }),
        }
    }

    /// One page of a listing.
    pub(crate) fn list(&self, bucket: &str, listing: &ListRequest) -> Result<Page, Missing> {
        if !self.has_bucket(bucket) {
            return Err(Missing::Bucket);
        }
        match &self.storage {
            Storage::Folder(root) => {
                let files = files_below(&root.join(bucket));
                self.page(&files, listing, |key, path| {
                    let bytes = fs::read(path).map_err(|_| Missing::Key)?;
                    let tag = self.tag(&md5(&bytes));
                    Ok(Listed { key: key.to_owned(), size: bytes.len(), tag, is_archived: false })
                })
            }
            Storage::Memory(_) => self.with_buckets(|buckets| {
                self.page(&buckets[bucket], listing, |key, stored| {
                    let Stored { bytes, md5, is_archived } = stored;
                    let (tag, is_archived) = (self.tag(md5), *is_archived);
                    Ok(Listed { key: key.to_owned(), size: bytes.len(), tag, is_archived })
                })
            }),
        }
    }

    fn page<T>(
        &self,
        objects: &BTreeMap<String, T>,
        listing: &ListRequest,
        listed: impl Fn(&str, &T) -> Result<Listed, Missing>,
    ) -> Result<Page, Missing> {
        let ListRequest { prefix, delimiter, start_after, continuation_token, max_keys } = listing;
        let prefix = if self.ignores_prefixes { &String::new() } else { prefix };
        let mut from = Bound::Included(prefix.clone());
        if let Some(after) = start_after.as_ref().filter(|after| *after >= prefix) {
            from = Bound::Excluded(after.clone());
        }
        if let Some(token) = continuation_token {
            from = Bound::Included(next_of_token(token).ok_or(Missing::Token)?);
        }
        let wanted = self.page.min(*max_keys);
        let mut page = Page::default();
        let mut range = objects.range::<String, _>((from, Bound::Unbounded));
        while let Some((key, object)) = range.next().filter(|(key, _)| key.starts_with(prefix)) {
            if page.objects.len() + page.folders.len() == wanted {
                page.next_continuation_token = Some(token_of_next(key));
                break;
            }
            let folder = delimiter.as_deref().and_then(|delimiter| {
                let offset = key[prefix.len()..].find(delimiter)?;
                Some(&key[..prefix.len() + offset + delimiter.len()])
            });
            if let Some(folder) = folder {
                page.folders.push(folder.to_owned());
                range = objects.range::<String, _>((Bound::Included(after_folder(folder)), Bound::Unbounded));
            } else {
                page.objects.push(listed(key, object)?);
            }
        }
        Ok(page)
    }
}

/// An object that is there.
pub(crate) struct StoredObject {
    pub(crate) bytes: Bytes,
    /// Its `ETag`, in quotes.
    pub(crate) tag: String,
    pub(crate) is_archived: bool,
}

/// What is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    Bucket,
    Key,
    /// A continuation token that no listing gave.
    Token,
}

/// What `ListObjectsV2` asks for.
pub(crate) struct ListRequest {
    pub(crate) prefix: String,
    pub(crate) delimiter: Option<String>,
    pub(crate) start_after: Option<String>,
    pub(crate) continuation_token: Option<String>,
    pub(crate) max_keys: usize,
}

/// A page of a listing.
#[derive(Default)]
pub(crate) struct Page {
    pub(crate) objects: Vec<Listed>,
    /// Common prefixes, up to and with their delimiter.
    pub(crate) folders: Vec<String>,
    /// Where the next page begins. Absent on the last one.
    pub(crate) next_continuation_token: Option<String>,
}

/// An object in a listing.
pub(crate) struct Listed {
    pub(crate) key: String,
    /// In bytes.
    pub(crate) size: usize,
    /// Its `ETag`, in quotes.
    pub(crate) tag: String,
    pub(crate) is_archived: bool,
}

/// All files below a folder, by key.
fn files_below(folder: &Path) -> BTreeMap<String, PathBuf> {
    let files = walkdir::WalkDir::new(folder).into_iter().map(|entry| entry.expect("it can be walked"));
    let files = files.filter(|entry| entry.file_type().is_file());
    let key = |path: &Path| path.strip_prefix(folder).expect("it lies below").to_str().expect("UTF-8").to_owned();
    files.map(|entry| (key(entry.path()), entry.into_path())).collect()
}

/// The MD5 in hexadecimal digits.
pub(crate) fn md5(bytes: &[u8]) -> String {
    hex(&Md5::digest(bytes))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes all");
        text
    })
}

/// A token that nobody takes for a key.
fn token_of_next(next: &str) -> String {
    format!("1{}", hex(next.as_bytes()))
}

fn next_of_token(token: &str) -> Option<String> {
    let digits = token.strip_prefix('1')?;
    let bytes = digits.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
    String::from_utf8(bytes.collect::<Option<Vec<_>>>()?).ok()
}

/// The least text that is greater than all that begin with `folder`.
fn after_folder(folder: &str) -> String {
    let mut text = folder.to_owned();
    let last = text.pop().expect("a delimiter is not empty");
    text.push(char::from_u32(u32::from(last) + 1).expect("a delimiter is no odd character"));
    text
}
