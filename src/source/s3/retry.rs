//! Trying again, and how many requests may be in flight.
//!
//! The SDK's own retries end where the answer's head begins; a body that breaks off is as common. So one loop here does both, and the SDK tries once.

use std::collections::hash_map::RandomState;
use std::future::Future;
use std::hash::{BuildHasher, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::trouble::{Kind, Trouble};

/// How often a request is tried in all.
const ATTEMPTS: u32 = 10;

/// How often where nobody answers, or nobody to be trusted: it is more likely a wrong address than a moment's trouble.
const ATTEMPTS_TO_REACH: u32 = 3;

/// The longest wait before the second try; it doubles from try to try.
const FIRST_WAIT: Duration = Duration::from_millis(50);

/// The longest wait of all. Ten tries wait 11 s in the mean and 16 s at most.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Limits the requests in flight: halved when the store asks for fewer, raised by one for each round of answers without. Refusals of requests that were sent before the last
/// cut tell nothing new.
#[derive(Debug)]
pub(super) struct Pace {
    slots: Arc<Semaphore>,
    most: usize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    limit: usize,
    /// Slots to take away as they come back.
    debt: usize,
    answered: usize,
    cut: Option<Instant>,
}

/// The right to have one request in flight.
pub(super) struct Slot<'p> {
    pace: &'p Pace,
    begun: Instant,
    permit: Option<OwnedSemaphorePermit>,
}

impl Pace {
    /// At most `most` requests in flight, at least one.
    pub(super) fn new(most: usize) -> Self {
        let most = most.max(1);
        let state = State { limit: most, debt: 0, answered: 0, cut: None };
        Self { slots: Arc::new(Semaphore::new(most)), most, state: Mutex::new(state) }
    }

    async fn slot(&self) -> Slot<'_> {
        // The semaphore is never closed; without a permit a request would merely not be counted.
        let permit = self.slots.clone().acquire_owned().await.ok();
        Slot { pace: self, begun: Instant::now(), permit }
    }

    /// A request that was sent at `begun` was refused.
    fn throttled(&self, begun: Instant) {
        let mut state = self.lock();
        if state.cut.is_some_and(|cut| begun < cut) {
            return;
        }
        let limit = (state.limit / 2).max(1);
        state.debt += state.limit - limit;
        state.limit = limit;
        state.cut = Some(Instant::now());
        state.answered = 0;
    }

    fn answered(&self) {
        let mut state = self.lock();
        state.answered += 1;
        if state.answered < state.limit || state.limit == self.most {
            return;
        }
        state.answered = 0;
        state.limit += 1;
        if state.debt > 0 {
            state.debt -= 1;
        } else {
            self.slots.add_permits(1);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        let mut state = self.pace.lock();
        if state.debt > 0
            && let Some(permit) = self.permit.take()
        {
            state.debt -= 1;
            permit.forget();
        }
    }
}

/// Does `attempt` until it succeeds, fails for good, or was tried often enough. Each attempt holds a slot of `pace`.
///
/// # Errors
/// The last attempt's.
pub(super) async fn with_retries<T, F, A>(pace: &Pace, mut attempt: F) -> Result<T, Trouble>
where
    F: FnMut() -> A,
    A: Future<Output = Result<T, Trouble>>,
{
    let mut tried = 0;
    loop {
        let (begun, result) = {
            let slot = pace.slot().await;
            (slot.begun, attempt().await)
        };
        let trouble = match result {
            Ok(value) => {
                pace.answered();
                return Ok(value);
            }
            Err(trouble) => trouble,
        };
        if trouble.kind == Kind::Throttled {
            pace.throttled(begun);
        }
        tried += 1;
        let attempts = match trouble.kind {
            Kind::Unreachable | Kind::NoTls => ATTEMPTS_TO_REACH,
            _ => ATTEMPTS,
        };
        if tried >= attempts || !trouble.is_passing() {
            return Err(trouble);
        }
        tokio::time::sleep(wait(tried, jitter())).await;
    }
}

/// How long to wait after `tried` tries; `jitter` from 0 to 1 spreads those who failed together between half the time and the whole.
fn wait(tried: u32, jitter: f64) -> Duration {
    let longest = FIRST_WAIT.saturating_mul(1 << (tried - 1).min(16)).min(LONGEST_WAIT);
    longest.mul_f64(0.5 + jitter / 2.0)
}

/// From 0 to 1, another each time: the seed of the standard library's hash tables.
fn jitter() -> f64 {
    let random = RandomState::new().build_hasher().finish();
    (random >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn block_on<F: Future>(future: F) -> F::Output {
        tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime").block_on(future)
    }

    #[test]
    fn waits_grow_and_never_beyond_the_longest() {
        let mut before = Duration::ZERO;
        for tried in 1..ATTEMPTS {
            let (least, most) = (wait(tried, 0.0), wait(tried, 1.0));
            assert!(least >= before && most == least * 2 && most <= LONGEST_WAIT, "{tried}: {least:?} {most:?}");
            before = least;
        }
        let jitters: Vec<f64> = (0..100).map(|_| jitter()).collect();
        assert!(jitters.iter().all(|it| (0.0..1.0).contains(it)));
        assert!(jitters.windows(2).any(|pair| (pair[0] - pair[1]).abs() > 0.1), "{jitters:?}");
    }

    #[test]
    fn what_passes_is_tried_again_and_what_does_not_is_not() {
        let pace = Pace::new(4);
        let tries = AtomicUsize::new(0);
        let result = block_on(with_retries(&pace, || async {
            match tries.fetch_add(1, Ordering::Relaxed) {
                0 => Err(Trouble::new(Kind::Throttled, "slow down")),
                1 => Err(Trouble::transient("reset")),
                nth => Ok(nth),
            }
        }));
        assert_eq!(result.expect("the third try succeeds"), 2);
        let tries = AtomicUsize::new(0);
        let result: Result<(), _> = block_on(with_retries(&pace, || async {
            tries.fetch_add(1, Ordering::Relaxed);
            Err(Trouble::new(Kind::Denied, "no"))
        }));
        assert_eq!(result.expect_err("it is denied").kind, Kind::Denied);
        assert_eq!(tries.into_inner(), 1);
    }

    #[test]
    fn throttling_halves_the_requests_in_flight_and_answers_raise_them_again() {
        let pace = Pace::new(8);
        block_on(async {
            let slots = [pace.slot().await, pace.slot().await, pace.slot().await];
            pace.throttled(slots[0].begun);
            // Sent before the store was asked for less.
            pace.throttled(slots[1].begun);
            drop(slots);
        });
        let now = || {
            let State { limit, debt, .. } = *pace.lock();
            (limit, debt, pace.slots.available_permits())
        };
        // Three of the four slots to take away came back; the fourth is taken when it is used next.
        assert_eq!(now(), (4, 1, 5));
        for _ in 0..4 {
            pace.answered();
        }
        assert_eq!(now(), (5, 0, 5));
        for _ in 0..1000 {
            pace.answered();
        }
        assert_eq!(now(), (8, 0, 8));
    }
}
