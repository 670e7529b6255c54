//! The limit on requests in flight, which follows what the store can take.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Limits the requests in flight. The limit is halved when the store asks for fewer, and raised by one for each
/// round of answers (as many as the limit) without that. A refusal of a request that was sent before the last cut
/// says nothing new and is ignored.
#[derive(Debug)]
pub(super) struct ConcurrencyLimit {
    permits: Arc<Semaphore>,
    max: usize,
    current: Mutex<CurrentLimit>,
}

#[derive(Debug)]
struct CurrentLimit {
    limit: usize,
    /// Permits to withdraw when they are returned.
    debt: usize,
    /// Answers since the limit was last changed.
    answered: usize,
    last_cut: Option<Instant>,
}

/// The right to have one request in flight. Dropping it lets the next request go.
#[derive(Debug)]
pub(super) struct Permit {
    limit: Arc<ConcurrencyLimit>,
    acquired: Instant,
    inner: Option<OwnedSemaphorePermit>,
}

impl ConcurrencyLimit {
    /// Allows `max` requests in flight, but at least one.
    pub(super) fn new(max: usize) -> Self {
        let max = max.max(1);
        let current = CurrentLimit { limit: max, debt: 0, answered: 0, last_cut: None };
        Self { permits: Arc::new(Semaphore::new(max)), max, current: Mutex::new(current) }
    }

    /// Waits for a permit. Permits are given out in the order in which they are asked for.
    pub(super) async fn acquire(self: &Arc<Self>) -> Permit {
        // The semaphore is never closed. If it were, the request would only not be counted.
        let inner = self.permits.clone().acquire_owned().await.ok();
        Permit { limit: self.clone(), acquired: Instant::now(), inner }
    }

    /// The store answered a request.
    pub(super) fn answered(&self) {
        let mut current = self.lock();
        current.answered += 1;
        if current.answered < current.limit || current.limit == self.max {
            return;
        }
        current.answered = 0;
        current.limit += 1;
        if current.debt > 0 {
            current.debt -= 1;
        } else {
            self.permits.add_permits(1);
        }
    }

    fn lock(&self) -> MutexGuard<'_, CurrentLimit> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit {
    /// The store refused the request of this permit, because it wants fewer.
    pub(super) fn throttled(&self) {
        let mut current = self.limit.lock();
        if current.last_cut.is_some_and(|cut| self.acquired < cut) {
            return;
        }
        let limit = (current.limit / 2).max(1);
        current.debt += current.limit - limit;
        current.limit = limit;
        current.last_cut = Some(Instant::now());
        current.answered = 0;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut current = self.limit.lock();
        if current.debt > 0
            && let Some(permit) = self.inner.take()
        {
            current.debt -= 1;
            permit.forget();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn throttling_halves_the_requests_in_flight_and_answers_raise_them_again() {
        let limit = Arc::new(ConcurrencyLimit::new(8));
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let permits = [limit.acquire().await, limit.acquire().await, limit.acquire().await];
            permits[0].throttled();
            // Sent before the cut, so it changes nothing.
            permits[1].throttled();
            drop(permits);
        });
        let now = || {
            let CurrentLimit { limit: current, debt, .. } = *limit.lock();
            (current, debt, limit.permits.available_permits())
        };
        // Three of the four permits to withdraw were returned; the fourth is withdrawn after its next use.
        assert_eq!(now(), (4, 1, 5));
        for _ in 0..4 {
            limit.answered();
        }
        assert_eq!(now(), (5, 0, 5));
        for _ in 0..1000 {
            limit.answered();
        }
        assert_eq!(now(), (8, 0, 8));
    }
}
