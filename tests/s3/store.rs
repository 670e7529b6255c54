//! What the server's buckets hold: files of a folder, or objects in memory.

// The benchmark uses its part.
#![allow(dead_code, reason = "shared by tests and benchmarks")]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use futures::stream;
use hyper::body::Bytes;
use s3s::crypto::{Checksum, Md5};
use s3s::dto::{
    CommonPrefix, ETag, ETagCondition, EncodingType, GetObjectInput, GetObjectOutput, HeadBucketInput,
    HeadBucketOutput, HeadObjectInput, HeadObjectOutput, ListObjectsV2Input, ListObjectsV2Output, Object,
    ObjectStorageClass, Range, ServerSideEncryption, StreamingBlob, Timestamp,
};
use s3s::{S3, S3Error, S3Request, S3Response, S3Result, s3_error};
use s3s_fs::FileSystem;

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
pub(crate) struct Store {
    place: Place,
    page: usize,
    tags: Tags,
}

#[derive(Clone)]
enum Place {
    Folder { root: PathBuf, files: Arc<FileSystem> },
    Memory(Arc<Mutex<Buckets>>),
}

type Buckets = BTreeMap<String, BTreeMap<String, Stored>>;

#[derive(Clone)]
struct Stored {
    bytes: Bytes,
    md5: Arc<str>,
    is_archived: bool,
}

impl Store {
    /// Each folder in `root` is a bucket, and each file below it an object.
    pub(crate) fn folder(root: &Path) -> Self {
        let files = FileSystem::new(root).expect("the folder is there");
        Self::new(Place::Folder { root: root.to_path_buf(), files: Arc::new(files) })
    }

    /// Nothing yet; a bucket is there as soon as it holds an object.
    pub(crate) fn memory() -> Self {
        Self::new(Place::Memory(Arc::default()))
    }

    fn new(place: Place) -> Self {
        Self { place, page: PAGE, tags: Tags::default() }
    }

    /// At most so many keys a page, however many are asked for.
    pub(crate) fn pages_of(self, page: usize) -> Self {
        Self { page, ..self }
    }

    pub(crate) fn tags(self, tags: Tags) -> Self {
        Self { tags, ..self }
    }

    /// Puts an object into memory, in place of one of the same key.
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
        let Place::Memory(buckets) = &self.place else { panic!("files are changed in their folder") };
        work(&mut buckets.lock().expect("no test panics while it holds the buckets"))
    }

    fn tag(&self, md5: &str) -> ETag {
        ETag::Strong(match self.tags {
            Tags::Md5 => md5.to_owned(),
            Tags::Parts => format!("{md5}-2"),
            Tags::Kms => md5.chars().rev().collect(),
        })
    }

    /// An object's bytes.
    fn object(&self, bucket: &str, key: &str) -> S3Result<(Bytes, ETag)> {
        match &self.place {
            Place::Folder { root, .. } => {
                let folder = root.join(bucket);
                if !folder.is_dir() {
                    return Err(no_such_bucket());
                }
                let bytes = std::fs::read(folder.join(key)).map_err(|_| no_such_key())?;
                let tag = self.tag(&md5(&bytes));
                Ok((bytes.into(), tag))
            }
            Place::Memory(_) => self.with_buckets(|buckets| {
                let objects = buckets.get(bucket).ok_or_else(no_such_bucket)?;
                let stored = objects.get(key).ok_or_else(no_such_key)?;
                if stored.is_archived {
                    return Err(s3_error!(
                        InvalidObjectState,
                        "The operation is not valid for the object's storage class"
                    ));
                }
                Ok((stored.bytes.clone(), self.tag(&stored.md5)))
            }),
        }
    }

    fn encryption(&self) -> ServerSideEncryption {
        let name = if self.tags == Tags::Kms { ServerSideEncryption::AWS_KMS } else { ServerSideEncryption::AES256 };
        ServerSideEncryption::from_static(name)
    }

    /// A page of a listing from memory.
    fn page_of_memory(&self, input: &ListObjectsV2Input) -> S3Result<ListObjectsV2Output> {
        let prefix = input.prefix.clone().unwrap_or_default();
        let delimiter = input.delimiter.as_deref().filter(|delimiter| !delimiter.is_empty());
        let mut from = Bound::Included(prefix.clone());
        if let Some(after) = input.start_after.as_ref().filter(|after| **after >= prefix) {
            from = Bound::Excluded(after.clone());
        }
        if let Some(token) = &input.continuation_token {
            let next = next_of_token(token)
                .ok_or_else(|| s3_error!(InvalidArgument, "The continuation token provided is incorrect"))?;
            from = Bound::Included(next);
        }
        let wanted = usize::try_from(input.max_keys.unwrap_or(1000)).unwrap_or_default().min(self.page);
        self.with_buckets(|buckets| {
            let objects = buckets.get(&input.bucket).ok_or_else(no_such_bucket)?;
            let mut contents = Vec::new();
            let mut prefixes = Vec::new();
            let mut range = objects.range::<String, _>((from, Bound::Unbounded));
            let next = loop {
                let Some((key, stored)) = range.next().filter(|(key, _)| key.starts_with(&prefix)) else { break None };
                if contents.len() + prefixes.len() == wanted {
                    break Some(key.clone());
                }
                let folder = delimiter.and_then(|delimiter| {
                    let place = key[prefix.len()..].find(delimiter)?;
                    Some(&key[..prefix.len() + place + delimiter.len()])
                });
                if let Some(folder) = folder {
                    prefixes.push(CommonPrefix { prefix: Some(folder.to_owned()) });
                    range = objects.range::<String, _>((Bound::Included(behind(folder)), Bound::Unbounded));
                } else {
                    contents.push(Object {
                        key: Some(key.clone()),
                        size: i64::try_from(stored.bytes.len()).ok(),
                        e_tag: Some(self.tag(&stored.md5)),
                        last_modified: Some(Timestamp::from(SystemTime::UNIX_EPOCH)),
                        storage_class: Some(ObjectStorageClass::from_static(if stored.is_archived {
                            ObjectStorageClass::GLACIER
                        } else {
                            ObjectStorageClass::STANDARD
                        })),
                        ..Object::default()
                    });
                }
            };
            Ok(ListObjectsV2Output {
                is_truncated: Some(next.is_some()),
                next_continuation_token: next.map(|next| token_of_next(&next)),
                contents: Some(contents),
                common_prefixes: Some(prefixes),
                ..ListObjectsV2Output::default()
            })
        })
    }

    /// A page from the file system, with what it leaves out.
    async fn page_of_folder(
        &self,
        root: &Path,
        files: &FileSystem,
        mut request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<ListObjectsV2Output> {
        let bucket = request.input.bucket.clone();
        let wanted = usize::try_from(request.input.max_keys.unwrap_or(1000)).unwrap_or_default().min(self.page);
        request.input.max_keys = i32::try_from(wanted).ok();
        if !root.join(&bucket).is_dir() {
            return Err(no_such_bucket());
        }
        let mut output = files.list_objects_v2(request).await?.output;
        for object in output.contents.iter_mut().flatten() {
            let (_, tag) = self.object(&bucket, object.key.as_deref().unwrap_or_default())?;
            object.e_tag = Some(tag);
        }
        Ok(output)
    }
}

#[async_trait::async_trait]
impl S3 for Store {
    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let input = request.input.clone();
        let mut output = match &self.place {
            Place::Memory(_) => self.page_of_memory(&input)?,
            Place::Folder { root, files } => self.page_of_folder(root, files, request).await?,
        };
        let keys = output.contents.as_ref().map_or(0, Vec::len) + output.common_prefixes.as_ref().map_or(0, Vec::len);
        output.key_count = i32::try_from(keys).ok();
        output.max_keys = input.max_keys.or(Some(1000));
        output.name = Some(input.bucket);
        output.prefix = input.prefix;
        output.delimiter = input.delimiter;
        output.start_after = input.start_after;
        output.continuation_token = input.continuation_token;
        output.encoding_type = input.encoding_type;
        if output.encoding_type.as_ref().is_some_and(|encoding| encoding.as_str() == EncodingType::URL) {
            encode(&mut output);
        }
        Ok(S3Response::new(output))
    }

    async fn get_object(&self, request: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
        let GetObjectInput { bucket, key, range, if_match, .. } = request.input.clone();
        let (bytes, tag) = self.object(&bucket, &key)?;
        if matches!(&if_match, Some(ETagCondition::ETag(wanted)) if !wanted.strong_cmp(&tag)) {
            return Err(s3_error!(PreconditionFailed, "At least one of the pre-conditions you specified did not hold"));
        }
        if let Place::Folder { files, .. } = &self.place {
            let mut response = files.get_object(request).await?;
            response.output.e_tag = Some(tag);
            return Ok(response);
        }
        let whole = bytes.len();
        let (bytes, content_range) = match range {
            None => (bytes, None),
            Some(range) => part(&bytes, range)?,
        };
        Ok(S3Response::new(GetObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            content_length: i64::try_from(bytes.len()).ok(),
            content_range: content_range.map(|range| format!("bytes {range}/{whole}")),
            e_tag: Some(tag),
            last_modified: Some(Timestamp::from(SystemTime::UNIX_EPOCH)),
            server_side_encryption: Some(self.encryption()),
            body: Some(StreamingBlob::wrap(stream::iter([Ok::<_, std::io::Error>(bytes)]))),
            ..GetObjectOutput::default()
        }))
    }

    async fn head_object(&self, request: S3Request<HeadObjectInput>) -> S3Result<S3Response<HeadObjectOutput>> {
        // Of a folder the file system would tell the size of its entry.
        let (bytes, tag) = self.object(&request.input.bucket, &request.input.key)?;
        Ok(S3Response::new(HeadObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            content_length: i64::try_from(bytes.len()).ok(),
            e_tag: Some(tag),
            last_modified: Some(Timestamp::from(SystemTime::UNIX_EPOCH)),
            server_side_encryption: Some(self.encryption()),
            ..HeadObjectOutput::default()
        }))
    }

    async fn head_bucket(&self, request: S3Request<HeadBucketInput>) -> S3Result<S3Response<HeadBucketOutput>> {
        match &self.place {
            Place::Folder { files, .. } => files.head_bucket(request).await,
            Place::Memory(_) => {
                let exists = self.with_buckets(|buckets| buckets.contains_key(&request.input.bucket));
                if exists { Ok(S3Response::new(HeadBucketOutput::default())) } else { Err(no_such_bucket()) }
            }
        }
    }
}

fn no_such_key() -> S3Error {
    s3_error!(NoSuchKey, "The specified key does not exist.")
}

fn no_such_bucket() -> S3Error {
    s3_error!(NoSuchBucket, "The specified bucket does not exist")
}

/// The bytes of a range, and `first-last`.
fn part(bytes: &Bytes, range: Range) -> S3Result<(Bytes, Option<String>)> {
    let range = range.check(bytes.len() as u64)?;
    let shown = format!("{}-{}", range.start, range.end - 1);
    let place = |position| usize::try_from(position).expect("it lies within the bytes");
    Ok((bytes.slice(place(range.start)..place(range.end)), Some(shown)))
}

/// The MD5 in hexadecimal digits.
pub(crate) fn md5(bytes: &[u8]) -> String {
    hex(&Md5::checksum(bytes))
}

fn hex(bytes: &[u8]) -> String {
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
fn behind(folder: &str) -> String {
    let mut text = folder.to_owned();
    let last = text.pop().expect("a delimiter is not empty");
    text.push(char::from_u32(u32::from(last) + 1).expect("a delimiter is no odd character"));
    text
}

/// Encodes what `encoding-type=url` asks for, as S3 does it: a space is `+`, and a slash stays.
fn encode(output: &mut ListObjectsV2Output) {
    let contents = output.contents.iter_mut().flatten().map(|object| &mut object.key);
    let prefixes = output.common_prefixes.iter_mut().flatten().map(|prefix| &mut prefix.prefix);
    let others = [&mut output.prefix, &mut output.delimiter, &mut output.start_after];
    for text in contents.chain(prefixes).chain(others).flatten() {
        *text = text.bytes().fold(String::new(), |mut encoded, byte| {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'*' | b'/' => encoded.push(byte.into()),
                b' ' => encoded.push('+'),
                _ => write!(encoded, "%{byte:02X}").expect("a String takes all"),
            }
            encoded
        });
    }
}
