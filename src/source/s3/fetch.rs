//! Fetching objects: many at the same time, in bounded memory, whole or in ranges, each byte delivered once.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use aws_sdk_s3::Client;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::types::ServerSideEncryption;
use md5::{Digest, Md5};
use tokio::sync::mpsc::{Receiver, Sender, UnboundedReceiver, channel};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;

use super::cache::{Keeping, Kept};
use super::client::Shared;
use super::error::{Action, S3Error, S3ErrorKind};
use super::url::Url;
use crate::error::{Error, Result};
use crate::source::etag::Etag;
use crate::source::{Delivery, Fetched, FromCache};

/// Objects up to this size come in one request.
const MAX_ONE_REQUEST: u64 = 16 * 1024 * 1024;

/// Bytes of one range of a larger object.
const PART: u64 = 8 * 1024 * 1024;

/// Objects up to this size are held whole, larger ones streamed.
const MAX_WHOLE: u64 = 64 * 1024 * 1024;

/// Ranges of a streamed object that are fetched ahead. With the one that is being read and the one that waits to
/// be read, eight are in memory.
const PARTS_AHEAD: usize = 6;

/// Bytes in one unit of the memory for objects that are being fetched.
const BUDGET_PIECE: u64 = 64 * 1024;

/// How often an object is read again if its content does not match its `ETag`.
const MAX_MISMATCHES: usize = 5;

/// An MD5 sum.
type Sum = [u8; 16];

const NOT_AS_TOLD: &str = "its content does not match its ETag, an MD5 checksum";

/// An object to fetch.
pub(super) struct Order {
    pub(super) origin: Arc<Origin>,
    pub(super) key: String,
    pub(super) size: u64,
    pub(super) etag: Option<Etag>,
    pub(super) delivery: Delivery,
}

/// Where a source's objects come from, and what came from its cache.
pub(super) struct Origin {
    pub(super) url: Url,
    cached_objects: AtomicU64,
    cached_bytes: AtomicU64,
    /// Whether this source's `ETag`s are MD5 sums: [`UNKNOWN`], [`ARE_MD5`] or [`ARE_OTHERS`].
    md5_tags: AtomicU8,
}

const UNKNOWN: u8 = 0;
const ARE_MD5: u8 = 1;
const ARE_OTHERS: u8 = 2;

impl Origin {
    pub(super) fn new(url: Url) -> Self {
        Self {
            url,
            cached_objects: AtomicU64::new(0),
            cached_bytes: AtomicU64::new(0),
            md5_tags: AtomicU8::new(UNKNOWN),
        }
    }

    pub(super) fn cached(&self) -> FromCache {
        FromCache {
            objects: self.cached_objects.load(Ordering::Relaxed),
            bytes: self.cached_bytes.load(Ordering::Relaxed),
        }
    }
}

/// How many requests an object of this size takes.
pub(super) fn requests(size: u64) -> u64 {
    if size <= MAX_ONE_REQUEST { 1 } else { size.div_ceil(PART) }
}

/// The memory for objects that are being fetched: one permit for each [`BUDGET_PIECE`] bytes, and enough for the
/// object that takes most, even if `bytes` is less.
pub(super) fn budget(bytes: u64) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(usize::try_from(pieces(bytes.max(memory(MAX_WHOLE)))).unwrap_or(usize::MAX >> 4)))
}

/// Bytes of memory that an object of this size takes while it is fetched. One that comes in ranges is in memory
/// twice while they are put together. One that is streamed takes as much as the largest that is held whole.
fn memory(size: u64) -> u64 {
    if size <= MAX_ONE_REQUEST { size } else { 2 * size.min(MAX_WHOLE) }
}

fn pieces(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(BUDGET_PIECE)).unwrap_or(u32::MAX).max(1)
}

/// Fetches what is ordered. Memory is reserved in the order of the orders, so an object that a worker needs first
/// never waits for memory that only later ones could release.
pub(super) async fn bring_all(shared: Arc<Shared>, budget: Arc<Semaphore>, mut orders: UnboundedReceiver<Order>) {
    while let Some(order) = orders.recv().await {
        // The semaphore is never closed.
        let Ok(hold) = budget.clone().acquire_many_owned(pieces(memory(order.size))).await else { return };
        tokio::spawn(bring(shared.clone(), order, hold));
    }
}

async fn bring(shared: Arc<Shared>, order: Order, hold: OwnedSemaphorePermit) {
    let Order { origin, key, size, etag, delivery } = order;
    let object = Remote { shared, origin, key, size, etag };
    if let Some(fetched) = object.kept().await {
        delivery.deliver(Ok(fetched.into_fetched(hold)));
        return;
    }
    if object.size > MAX_WHOLE {
        object.stream(delivery, hold).await;
        return;
    }
    let fetched = object.whole().await.map_err(|error| object.error(&error));
    delivery.deliver(fetched.map(|bytes| Fetched::Whole { bytes, hold: Box::new(hold) }));
}

/// An object in the store.
struct Remote {
    shared: Arc<Shared>,
    origin: Arc<Origin>,
    key: String,
    size: u64,
    etag: Option<Etag>,
}

/// What the cache had.
enum FromDisk {
    Whole(Vec<u8>),
    File(io::Take<std::fs::File>),
}

impl FromDisk {
    fn into_fetched(self, hold: OwnedSemaphorePermit) -> Fetched {
        match self {
            Self::Whole(bytes) => Fetched::Whole { bytes, hold: Box::new(hold) },
            Self::File(file) => Fetched::Stream(Box::new(file)),
        }
    }
}

impl Remote {
    fn bucket(&self) -> &str {
        &self.origin.url.bucket
    }

    fn error(&self, error: &S3Error) -> Error {
        let bucket = self.bucket();
        let reason = error.explain(Action::Get, &self.shared.region(bucket), bucket, &self.key);
        Error::source(self.origin.url.of(&self.key), reason)
    }

    async fn kept(&self) -> Option<FromDisk> {
        self.shared.cache.as_ref()?;
        let (etag, size) = if let Some(etag) = self.etag.clone() {
            (etag, self.size)
        } else {
            // The listing has no tag. A HEAD request may have one.
            let head = self.shared.head(self.bucket(), &self.key).await.ok()?;
            (head.etag?, head.size)
        };
        let (shared, origin, key) = (self.shared.clone(), self.origin.clone(), self.key.clone());
        let found = tokio::task::spawn_blocking(move || {
            let kept = shared.cache.as_ref()?.find(&origin.url.bucket, &key, &etag, size)?;
            read_kept(kept, size).ok()
        });
        let fetched = found.await.ok()??;
        self.origin.cached_objects.fetch_add(1, Ordering::Relaxed);
        self.origin.cached_bytes.fetch_add(size, Ordering::Relaxed);
        Some(fetched)
    }

    /// The whole object: complete, and in one version. It is fetched again if it does not match its `ETag`.
    async fn whole(&self) -> Result<Vec<u8>, S3Error> {
        let mut sums = Vec::new();
        loop {
            let (bytes, etag, expected) =
                if self.size > MAX_ONE_REQUEST { self.whole_in_parts().await? } else { self.whole_in_one().await? };
            // Let the task that waits for this request's permit go first.
            tokio::task::yield_now().await;
            let Some(expected) = expected.filter(|_| self.may_be_md5()) else {
                self.keep(etag.as_ref(), &bytes);
                return Ok(bytes);
            };
            if self.is_as_told(Md5::digest(&bytes).into(), expected, &mut sums)? {
                self.keep(etag.as_ref(), &bytes);
                return Ok(bytes);
            }
        }
    }

    /// The content, its `ETag`, and the MD5 that it must have: `None` if the `ETag` is not an MD5, or if the
    /// SDK has verified the content.
    async fn whole_in_one(&self) -> Result<(Vec<u8>, Option<Etag>, Option<Sum>), S3Error> {
        let attempt = |client: Client| async move {
            let answer = self.shared.get(&client, self.bucket(), &self.key, None, None).await?;
            let etag = answer.e_tag().and_then(Etag::parse);
            let is_md5 = tag_may_be_md5(&answer) && !is_checked(&answer);
            let expected = etag.as_ref().filter(|_| is_md5).and_then(Etag::as_md5);
            let is_listed = etag.is_some() && etag == self.etag;
            let bytes = body(answer, is_listed.then_some(self.size)).await?;
            Ok((bytes, etag, expected))
        };
        self.shared.send(self.bucket(), attempt).await
    }

    /// Whether this source's `ETag`s may be MD5 sums: `false` once they are known not to be.
    fn may_be_md5(&self) -> bool {
        self.origin.md5_tags.load(Ordering::Relaxed) != ARE_OTHERS
    }

    /// Whether content with the MD5 `sum` matches its `ETag`. `sums` are those of earlier tries, none of which matched.
    ///
    /// If a store's `ETag`s are not MD5 sums, the content is the same on every try. So if the same sum comes twice, and
    /// no `ETag` of this source has matched yet, they are taken to be something else and the content counts as a match.
    fn is_as_told(&self, sum: Sum, expected: Sum, sums: &mut Vec<Sum>) -> Result<bool, S3Error> {
        let tags = &self.origin.md5_tags;
        if sum == expected {
            tags.store(ARE_MD5, Ordering::Relaxed);
            return Ok(true);
        }
        if sums.contains(&sum) && tags.load(Ordering::Relaxed) == UNKNOWN {
            tags.store(ARE_OTHERS, Ordering::Relaxed);
            return Ok(true);
        }
        sums.push(sum);
        if sums.len() > MAX_MISMATCHES {
            return Err(S3Error::new(S3ErrorKind::Other, format!("{NOT_AS_TOLD}, on every try")));
        }
        Ok(false)
    }

    async fn whole_in_parts(&self) -> Result<(Vec<u8>, Option<Etag>, Option<Sum>), S3Error> {
        let mut parts: VecDeque<Part> = self.parts().collect();
        let mut bytes = Vec::with_capacity(usize::try_from(self.size).unwrap_or_default());
        let mut expected = self.etag.as_ref().and_then(Etag::as_md5);
        while let Some(part) = parts.pop_front() {
            let (part, may_be_md5) = part.take().await?;
            bytes.extend_from_slice(&part);
            expected = expected.filter(|_| may_be_md5);
        }
        Ok((bytes, self.etag.clone(), expected))
    }

    /// The MD5 of the content, which is read again and not kept.
    async fn sum_again(&self) -> Result<Sum, S3Error> {
        let mut digest = Md5::new();
        for part in self.parts() {
            let (bytes, _) = part.take().await?;
            tokio::task::block_in_place(|| digest.update(&bytes));
        }
        Ok(digest.finalize().into())
    }

    /// Checks whether a stream with the MD5 `sum` matched its `ETag`. The reader has the content already, so
    /// reading it again cannot correct it. It is read again only if it is not known yet whether this source's
    /// `ETag`s are MD5 sums at all.
    async fn stream_is_as_told(&self, sum: Sum, expected: Option<Sum>) -> Result<(), S3Error> {
        let Some(expected) = expected.filter(|_| self.may_be_md5()) else { return Ok(()) };
        let mut sums = Vec::new();
        if self.is_as_told(sum, expected, &mut sums)? {
            return Ok(());
        }
        let is_known = self.origin.md5_tags.load(Ordering::Relaxed) == ARE_MD5;
        if !is_known && self.sum_again().await? == sum {
            self.origin.md5_tags.store(ARE_OTHERS, Ordering::Relaxed);
            return Ok(());
        }
        Err(S3Error::new(S3ErrorKind::Other, NOT_AS_TOLD))
    }

    /// The object's ranges in order. The fetch of a range starts when it is taken from the iterator.
    fn parts(&self) -> impl Iterator<Item = Part> + use<'_> {
        (0..self.size.div_ceil(PART)).map(|index| {
            let range = (index * PART, ((index + 1) * PART).min(self.size));
            let (shared, origin) = (self.shared.clone(), self.origin.clone());
            let (key, etag) = (self.key.clone(), self.etag.clone());
            Part(tokio::spawn(async move {
                let bucket = &origin.url.bucket;
                let attempt = |client: Client| {
                    let (shared, key, etag) = (&shared, &key, &etag);
                    async move {
                        let answer = shared.get(&client, bucket, key, Some(range), etag.as_ref()).await?;
                        let may_be_md5 = tag_may_be_md5(&answer);
                        Ok((body(answer, Some(range.1 - range.0)).await?, may_be_md5))
                    }
                };
                shared.send(bucket, attempt).await
            }))
        })
    }

    /// Streams an object that is too large to hold, [`PARTS_AHEAD`] ranges ahead of the reader.
    async fn stream(&self, delivery: Delivery, hold: OwnedSemaphorePermit) {
        let (sender, receiver) = channel(1);
        let mut rest = self.parts();
        let mut ahead: VecDeque<Part> = rest.by_ref().take(PARTS_AHEAD).collect();
        let reader = PartsReader { receiver, part: io::Cursor::default(), _hold: hold };
        let mut begun = Some((delivery, reader));
        let mut keeping = self.begin_keeping();
        let mut expected = self.etag.as_ref().and_then(Etag::as_md5);
        let mut digest = Md5::new();
        while let Some(part) = ahead.pop_front() {
            let bytes = match part.take().await {
                Ok((bytes, may_be_md5)) => {
                    expected = expected.filter(|_| may_be_md5 && self.may_be_md5());
                    bytes
                }
                Err(error) => {
                    let error = self.error(&error);
                    match begun.take() {
                        Some((delivery, _)) => delivery.deliver(Err(error)),
                        None => tell(&sender, Err(reason_of(&error))).await,
                    }
                    return;
                }
            };
            // Deliver the reader when there is something to read. An error before that fails the fetch itself.
            if let Some((delivery, reader)) = begun.take() {
                delivery.deliver(Ok(Fetched::Stream(Box::new(reader))));
            }
            if expected.is_some() {
                tokio::task::block_in_place(|| digest.update(&bytes));
            }
            if let Some(writing) = &mut keeping
                && tokio::task::block_in_place(|| writing.write(&bytes)).is_err()
            {
                keeping = None;
            }
            if sender.send(Ok(bytes)).await.is_err() {
                return;
            }
            ahead.extend(rest.next());
        }
        if let Err(error) = self.stream_is_as_told(digest.finalize().into(), expected).await {
            tell(&sender, Err(reason_of(&self.error(&error)))).await;
            return;
        }
        if let Some(keeping) = keeping {
            // If the disk is full or broken, the next run has to fetch the object again. This run is not affected.
            let _ = tokio::task::block_in_place(|| keeping.finish());
        }
    }

    fn begin_keeping(&self) -> Option<Keeping> {
        self.shared.cache.as_ref()?.keep(self.bucket(), &self.key, self.etag.as_ref()?).ok()
    }

    fn keep(&self, etag: Option<&Etag>, bytes: &[u8]) {
        let (Some(cache), Some(etag)) = (&self.shared.cache, etag) else { return };
        tokio::task::block_in_place(|| {
            // As above: this run does not need the cache to be written.
            let kept = cache.keep(self.bucket(), &self.key, etag).and_then(|mut keeping| {
                keeping.write(bytes)?;
                keeping.finish()
            });
            drop(kept);
        });
    }
}

fn read_kept(kept: Kept, size: u64) -> io::Result<FromDisk> {
    let mut file = kept.content()?;
    if size > MAX_WHOLE {
        return Ok(FromDisk::File(file));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
    file.read_to_end(&mut bytes)?;
    Ok(FromDisk::Whole(bytes))
}

/// A range that is being fetched. Dropping it aborts the fetch.
struct Part(JoinHandle<Result<(Vec<u8>, bool), S3Error>>);

impl Part {
    /// Its bytes, and whether the object's tag may be an MD5 sum.
    async fn take(mut self) -> Result<(Vec<u8>, bool), S3Error> {
        (&mut self.0).await.unwrap_or_else(|error| Err(S3Error::new(S3ErrorKind::Other, error.to_string())))
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Whether the `ETag` of an answer may be an MD5 sum. It is not if S3 encrypts the object with AWS KMS or
/// with a key of the customer's.
fn tag_may_be_md5(answer: &GetObjectOutput) -> bool {
    answer.sse_customer_algorithm().is_none()
        && answer.server_side_encryption().is_none_or(|used| *used == ServerSideEncryption::Aes256)
}

/// Whether the answer has a checksum, against which the SDK verifies the content.
fn is_checked(answer: &GetObjectOutput) -> bool {
    answer.checksum_crc64_nvme().is_some()
        || answer.checksum_crc32().is_some()
        || answer.checksum_crc32_c().is_some()
        || answer.checksum_sha256().is_some()
}

/// The whole body of an answer. It must have the length that the answer's head and the listing (`expected`) say.
async fn body(answer: GetObjectOutput, expected: Option<u64>) -> Result<Vec<u8>, S3Error> {
    let announced = answer.content_length().and_then(|length| u64::try_from(length).ok());
    // An object that has grown since it was listed may be larger than the memory that was reserved for it.
    if announced.is_some_and(|announced| announced > MAX_WHOLE) {
        return Err(S3Error::new(S3ErrorKind::Changed, "it is larger than when it was listed"));
    }
    if let (Some(announced), Some(expected)) = (announced, expected)
        && announced != expected
    {
        return Err(S3Error::transient(format!("the answer has {announced} bytes, but {expected} were listed")));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(announced.unwrap_or_default()).unwrap_or_default());
    let mut stream = answer.body;
    while let Some(piece) = stream.next().await {
        let piece = piece.map_err(|error| {
            S3Error::transient(format!("the body ended after {} bytes: {}", bytes.len(), super::error::chain(&error)))
        })?;
        if bytes.len() as u64 + piece.len() as u64 > MAX_WHOLE {
            return Err(S3Error::new(S3ErrorKind::Changed, "it is larger than when it was listed"));
        }
        bytes.extend_from_slice(&piece);
    }
    let wanted = announced.or(expected);
    if wanted.is_some_and(|wanted| wanted != bytes.len() as u64) {
        return Err(S3Error::transient(format!("the body ended after {} bytes", bytes.len())));
    }
    Ok(bytes)
}

async fn tell(sender: &Sender<io::Result<Vec<u8>>>, message: io::Result<Vec<u8>>) {
    // The reader may be gone.
    let _ = sender.send(message).await;
}

fn reason_of(error: &Error) -> io::Error {
    io::Error::other(std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string))
}

/// Reads the ranges of an object as they arrive.
struct PartsReader {
    receiver: Receiver<io::Result<Vec<u8>>>,
    part: io::Cursor<Vec<u8>>,
    _hold: OwnedSemaphorePermit,
}

impl Read for PartsReader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.part.read(out)?;
            if count > 0 || out.is_empty() {
                return Ok(count);
            }
            match self.receiver.blocking_recv() {
                Some(part) => self.part = io::Cursor::new(part?),
                None => return Ok(0),
            }
        }
    }
}
