//! One object in the store: its content from the cache, as a whole, or range by range.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::Arc;

use md5::{Digest, Md5};
use tokio::task::JoinHandle;

use super::budget::{MAX_ONE_REQUEST, MAX_WHOLE, RANGE_BYTES};
use super::cache::{CacheWriter, CachedObject};
use super::client::S3Client;
use super::download::{Download, Downloaded};
use super::error::{S3Action, S3Error, S3ErrorKind};
use super::origin::{Md5Sum, Origin};
use crate::error::Error;
use crate::source::etag::Etag;

/// An object in the store.
pub(super) struct RemoteObject {
    pub(super) shared: Arc<S3Client>,
    pub(super) origin: Arc<Origin>,
    pub(super) key: String,
    /// As it was listed, in bytes.
    pub(super) size: u64,
    /// As it was listed.
    pub(super) etag: Option<Etag>,
}

/// What the cache had.
pub(super) enum CachedContent {
    Whole(Vec<u8>),
    File(io::Take<std::fs::File>),
}

/// A range that is being fetched. Dropping it aborts the fetch.
pub(super) struct PendingRange(JoinHandle<Result<Downloaded, S3Error>>);

impl RemoteObject {
    fn bucket(&self) -> &str {
        &self.origin.url.bucket
    }

    fn download(&self) -> Download<'_> {
        Download {
            shared: &self.shared,
            bucket: self.bucket(),
            key: &self.key,
            etag: self.etag.as_ref(),
            size: self.size,
        }
    }

    /// The error of a run, with the object's name and what to do.
    pub(super) fn error(&self, error: &S3Error) -> Error {
        let bucket = self.bucket();
        let reason = error.explain(S3Action::Get, &self.shared.region(bucket), bucket, &self.key);
        Error::source(self.origin.url.of(&self.key), reason)
    }

    /// Asks for the object's tag if the listing has none and it is needed: to find the object in the cache, or to tie
    /// the ranges of a large object to one version.
    pub(super) async fn complete_etag(&mut self) {
        if self.etag.is_some() || (self.shared.cache.is_none() && self.size <= MAX_ONE_REQUEST) {
            return;
        }
        // If this fails, the request for the content fails too, and with a better message.
        if let Ok(head) = self.shared.head(self.bucket(), &self.key).await {
            (self.etag, self.size) = (head.etag, head.size);
        }
    }

    pub(super) async fn read_cache(&self) -> Option<CachedContent> {
        self.shared.cache.as_ref()?;
        let (etag, size) = (self.etag.clone()?, self.size);
        let (shared, origin, key) = (self.shared.clone(), self.origin.clone(), self.key.clone());
        let found = tokio::task::spawn_blocking(move || {
            let cached = shared.cache.as_ref()?.find(&origin.url.bucket, &key, &etag, size)?;
            CachedContent::read(cached, size).ok()
        });
        let content = found.await.ok()??;
        self.origin.count_cached(size);
        Some(content)
    }

    /// The whole object: complete, and in one version. It is fetched again if it does not match its `ETag`.
    pub(super) async fn whole(&self) -> Result<Vec<u8>, S3Error> {
        let mut sums = Vec::new();
        loop {
            let Downloaded { bytes, etag, may_be_md5, is_verified } = if self.size > MAX_ONE_REQUEST {
                self.whole_in_ranges().await?
            } else {
                self.download().whole().await?
            };
            // Let the task that waits for this request's permit go first.
            tokio::task::yield_now().await;
            let is_md5 = may_be_md5 && !is_verified && self.origin.may_be_md5();
            let expected = etag.as_ref().filter(|_| is_md5).and_then(Etag::as_md5);
            let is_right = match expected {
                Some(expected) => self.origin.matches(Md5::digest(&bytes).into(), expected, &mut sums)?,
                None => true,
            };
            if is_right {
                self.write_to_cache(etag.as_ref(), &bytes);
                return Ok(bytes);
            }
        }
    }

    async fn whole_in_ranges(&self) -> Result<Downloaded, S3Error> {
        let mut ranges: VecDeque<PendingRange> = self.ranges().collect();
        let mut bytes = Vec::with_capacity(usize::try_from(self.size).unwrap_or_default());
        let mut may_be_md5 = true;
        while let Some(range) = ranges.pop_front() {
            let range = range.wait().await?;
            bytes.extend_from_slice(&range.bytes);
            may_be_md5 &= range.may_be_md5;
        }
        Ok(Downloaded { bytes, etag: self.etag.clone(), may_be_md5, is_verified: false })
    }

    /// The object's ranges in order. The fetch of a range starts when it is taken from the iterator.
    pub(super) fn ranges(&self) -> impl Iterator<Item = PendingRange> + use<'_> {
        (0..self.size.div_ceil(RANGE_BYTES)).map(|index| {
            let (begin, end) = (index * RANGE_BYTES, ((index + 1) * RANGE_BYTES).min(self.size));
            let object = self.clone_for_task();
            PendingRange(tokio::spawn(async move { object.download().range(begin, end).await }))
        })
    }

    fn clone_for_task(&self) -> Self {
        let Self { shared, origin, key, size, etag } = self;
        Self { shared: shared.clone(), origin: origin.clone(), key: key.clone(), size: *size, etag: etag.clone() }
    }

    /// The MD5 of the content, which is read again and not kept.
    pub(super) async fn md5_again(&self) -> Result<Md5Sum, S3Error> {
        let mut digest = Md5::new();
        for range in self.ranges() {
            let range = range.wait().await?;
            tokio::task::block_in_place(|| digest.update(&range.bytes));
        }
        Ok(digest.finalize().into())
    }

    /// Starts to write the object to the cache. `None` if there is no cache, or if it cannot be written.
    pub(super) fn cache_writer(&self) -> Option<CacheWriter> {
        self.shared.cache.as_ref()?.write(self.bucket(), &self.key, self.etag.as_ref()?).ok()
    }

    fn write_to_cache(&self, etag: Option<&Etag>, bytes: &[u8]) {
        let (Some(cache), Some(etag)) = (&self.shared.cache, etag) else { return };
        tokio::task::block_in_place(|| {
            // If the disk is full or broken, the next run has to fetch the object again. This run is not affected.
            let written = cache.write(self.bucket(), &self.key, etag).and_then(|mut writer| {
                writer.write(bytes)?;
                writer.finish()
            });
            drop(written);
        });
    }
}

impl CachedContent {
    fn read(cached: CachedObject, size: u64) -> io::Result<Self> {
        let mut file = cached.content()?;
        if size > MAX_WHOLE {
            return Ok(Self::File(file));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
        file.read_to_end(&mut bytes)?;
        Ok(Self::Whole(bytes))
    }
}

impl PendingRange {
    pub(super) async fn wait(mut self) -> Result<Downloaded, S3Error> {
        (&mut self.0).await.unwrap_or_else(|error| Err(S3Error::new(S3ErrorKind::Other, error.to_string())))
    }
}

impl Drop for PendingRange {
    fn drop(&mut self) {
        self.0.abort();
    }
}
