//! How far a run is, and the request to stop it.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::source::CancelToken;

/// How far a run is. Shared with whoever shows the progress or stops the run.
#[derive(Debug, Default)]
pub struct Progress {
    pub(super) objects: AtomicU64,
    pub(super) bytes: AtomicU64,
    pub(super) objects_done: AtomicU64,
    pub(super) bytes_done: AtomicU64,
    pub(super) cancel_token: CancelToken,
}

/// The values of a [`Progress`] at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProgressReading {
    /// Names of objects seen by the listing, wanted or not.
    pub listed: u64,
    /// Objects to read; 0 while they are being listed.
    pub objects: u64,
    /// Their size in bytes, as stored. Too small if the size of some objects is not known.
    pub bytes: u64,
    /// Objects read.
    pub objects_done: u64,
    /// Bytes read.
    pub bytes_done: u64,
}

impl Progress {
    /// Nothing done yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How far the run is now.
    #[must_use]
    pub fn reading(&self) -> ProgressReading {
        ProgressReading {
            listed: self.cancel_token.listed(),
            objects: self.objects.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            objects_done: self.objects_done.load(Ordering::Relaxed),
            bytes_done: self.bytes_done.load(Ordering::Relaxed),
        }
    }

    /// Resets the counters for another run over the same input. The number of listed names and a cancellation stay.
    pub fn restart(&self) {
        for number in [&self.objects, &self.bytes, &self.objects_done, &self.bytes_done] {
            number.store(0, Ordering::Relaxed);
        }
    }

    /// Asks the run to stop; it ends with [`ErrorKind::Cancelled`](crate::ErrorKind::Cancelled) soon after.
    pub fn cancel(&self) {
        self.cancel_token.cancel();
    }

    /// Whether it was asked to stop.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancel_token.is_cancelled()
    }

    /// What a listing reports to, and checks for cancellation.
    #[must_use]
    pub fn cancel_token(&self) -> &CancelToken {
        &self.cancel_token
    }
}
