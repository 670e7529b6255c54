//! How far a listing is, and whether it was cancelled.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// How far a listing is. Shared with the code that shows it and may cancel it.
#[derive(Debug, Default)]
pub struct CancelToken {
    listed: AtomicU64,
    is_cancelled: AtomicBool,
}

impl CancelToken {
    /// Names seen so far, wanted or not.
    #[must_use]
    pub fn listed(&self) -> u64 {
        self.listed.load(Ordering::Relaxed)
    }

    /// Asks the listing to stop.
    pub fn cancel(&self) {
        self.is_cancelled.store(true, Ordering::Relaxed);
    }

    /// Whether it was asked to stop.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(Ordering::Relaxed)
    }

    pub(super) fn saw(&self, names: u64) {
        self.listed.fetch_add(names, Ordering::Relaxed);
    }
}
