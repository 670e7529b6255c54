//! Where a source's objects come from, and what was learnt about them on the way.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use super::error::{S3Error, S3ErrorKind};
use super::url::S3Url;
use crate::source::backend::FromCache;

/// An MD5 sum.
pub(super) type Md5Sum = [u8; 16];

/// How often an object is read again if its content does not match its `ETag`.
const MAX_MISMATCHES: usize = 5;

pub(super) const WRONG_MD5: &str = "its content does not match its ETag, an MD5 checksum";

/// Where a source's objects come from, and what came from its cache.
pub(super) struct Origin {
    pub(super) url: S3Url,
    cached_objects: AtomicU64,
    cached_bytes: AtomicU64,
    /// Whether this source's `ETag`s are MD5 sums: [`UNKNOWN`], [`ARE_MD5`] or [`ARE_OTHERS`].
    etags: AtomicU8,
}

const UNKNOWN: u8 = 0;
const ARE_MD5: u8 = 1;
const ARE_OTHERS: u8 = 2;

impl Origin {
    pub(super) fn new(url: S3Url) -> Self {
        Self { url, cached_objects: AtomicU64::new(0), cached_bytes: AtomicU64::new(0), etags: AtomicU8::new(UNKNOWN) }
    }

    pub(super) fn cached(&self) -> FromCache {
        FromCache {
            objects: self.cached_objects.load(Ordering::Relaxed),
            bytes: self.cached_bytes.load(Ordering::Relaxed),
        }
    }

    /// An object of this many bytes came from the cache.
    pub(super) fn count_cached(&self, bytes: u64) {
        self.cached_objects.fetch_add(1, Ordering::Relaxed);
        self.cached_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Whether this source's `ETag`s may be MD5 sums: `false` once they are known not to be.
    pub(super) fn may_be_md5(&self) -> bool {
        self.etags.load(Ordering::Relaxed) != ARE_OTHERS
    }

    /// Whether this source's `ETag`s are known to be MD5 sums, because one of them matched.
    pub(super) fn are_md5(&self) -> bool {
        self.etags.load(Ordering::Relaxed) == ARE_MD5
    }

    /// This source's `ETag`s are something else than MD5 sums.
    pub(super) fn are_others(&self) {
        self.etags.store(ARE_OTHERS, Ordering::Relaxed);
    }

    /// Whether content with the MD5 `sum` matches its `ETag`. `sums` are those of earlier tries, none of which matched.
    ///
    /// If a store's `ETag`s are not MD5 sums, the content is the same on every try. So if the same sum comes twice, and
    /// no `ETag` of this source has matched yet, they are taken to be something else and the content counts as a match.
    ///
    /// # Errors
    /// If there were too many tries.
    pub(super) fn matches(&self, sum: Md5Sum, expected: Md5Sum, sums: &mut Vec<Md5Sum>) -> Result<bool, S3Error> {
        if sum == expected {
            self.etags.store(ARE_MD5, Ordering::Relaxed);
            return Ok(true);
        }
        if sums.contains(&sum) && self.etags.load(Ordering::Relaxed) == UNKNOWN {
            self.are_others();
            return Ok(true);
        }
        sums.push(sum);
        if sums.len() > MAX_MISMATCHES {
            return Err(S3Error::new(S3ErrorKind::Other, format!("{WRONG_MD5}, on every try")));
        }
        Ok(false)
    }
}
