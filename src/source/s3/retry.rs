//! Retries, and the limit on requests in flight.
//!
//! The SDK's own retries end when the head of the answer is there, but a body that breaks off is just as common. So
//! one loop here covers both, and the SDK tries once.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::future::Future;
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::error::{S3Error, S3ErrorKind};

/// How often a request is tried in all.
const ATTEMPTS: u32 = 10;

/// How often it is tried if nothing answers, or nothing with a trusted certificate: a wrong address is more
/// likely than a passing fault.
const ATTEMPTS_TO_REACH: u32 = 3;

/// The longest wait before the second try; it doubles from try to try.
const FIRST_WAIT: Duration = Duration::from_millis(50);

/// The longest wait before any try. Ten tries wait 12 s on average and 16 s at most.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// How old a request's signature may be when the request is sent. The SDK signs with credentials that are valid for at
/// least five more seconds, S3 accepts a signature for minutes, and signing again takes a fraction of a millisecond.
const MAX_SIGNED: Duration = Duration::from_secs(1);

/// Limits the requests in flight. The limit is halved when the store asks for fewer, and raised by one for each
/// round of answers (as many as the limit) without that. A refusal of a request that was sent before the last cut
/// says nothing new and is ignored.
#[derive(Debug)]
pub(super) struct Pace {
    slots: Arc<Semaphore>,
    most: usize,
    max_signed: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    limit: usize,
    /// Permits to withdraw when they are returned.
    debt: usize,
    answered: usize,
    cut: Option<Instant>,
}

/// The right to have one request in flight.
#[derive(Debug)]
struct Slot {
    pace: Arc<Pace>,
    begun: Instant,
    permit: Option<OwnedSemaphorePermit>,
}

impl Pace {
    /// Allows `most` requests in flight, but at least one.
    pub(super) fn new(most: usize) -> Self {
        let most = most.max(1);
        let state = State { limit: most, debt: 0, answered: 0, cut: None };
        Self { slots: Arc::new(Semaphore::new(most)), most, max_signed: MAX_SIGNED, state: Mutex::new(state) }
    }

    /// For tests: changes the age at which a request is signed again.
    #[cfg(test)]
    pub(super) fn with_max_signed(self, max_signed: Duration) -> Self {
        Self { max_signed, ..self }
    }

    /// Whether a request that is ready could be sent immediately.
    pub(super) fn has_room(&self) -> bool {
        self.slots.available_permits() > 0
    }

    async fn slot(self: &Arc<Self>) -> Slot {
        // The semaphore is never closed. If it were, the request would only not be counted.
        let permit = self.slots.clone().acquire_owned().await.ok();
        Slot { pace: self.clone(), begun: Instant::now(), permit }
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

impl Drop for Slot {
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

/// Tells a request when it may be sent. Each request of an attempt carries one.
///
/// A request is built and signed before it waits for its turn, so that no permit is unused while it is signed.
/// Requests without a turn (region lookups) are not limited. The reference to [`Held`] is weak, so a request that
/// was given up but still exists somewhere holds no permit.
#[derive(Clone, Debug)]
pub(super) struct Turn(Weak<Held>);

/// What a request holds while it is tried.
#[derive(Debug)]
struct Held {
    pace: Arc<Pace>,
    slot: Mutex<Option<Slot>>,
    has_aged: AtomicBool,
}

/// The error of a request that waited for its permit so long that it has to be signed again.
#[derive(Debug)]
pub(super) struct Aged;

impl fmt::Display for Aged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the request was signed too long ago to be sent")
    }
}

impl std::error::Error for Aged {}

impl Turn {
    /// Waits until a signed request may be sent. The permit that it gets is held until the attempt is over. A
    /// second request of the same attempt uses the same permit.
    ///
    /// # Errors
    /// [`Aged`] if the signature is too old. The attempt then starts again and has its permit already.
    pub(super) async fn come(&self) -> Result<(), Aged> {
        let Some(held) = self.0.upgrade() else { return Ok(()) };
        if held.slot().is_some() {
            return Ok(());
        }
        let signed = Instant::now();
        let slot = held.pace.slot().await;
        let has_aged = signed.elapsed() >= held.pace.max_signed;
        held.has_aged.store(has_aged, Ordering::Relaxed);
        *held.slot() = Some(slot);
        if has_aged { Err(Aged) } else { Ok(()) }
    }
}

impl Held {
    fn slot(&self) -> MutexGuard<'_, Option<Slot>> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Repeats `attempt` until it succeeds, fails for good, or was tried often enough. Each attempt holds a permit of
/// `pace` from its [`Turn`] until it is over.
///
/// # Errors
/// The error of the last attempt.
pub(super) async fn with_retries<T, F, A>(pace: &Arc<Pace>, mut attempt: F) -> Result<T, S3Error>
where
    F: FnMut(Turn) -> A,
    A: Future<Output = Result<T, S3Error>>,
{
    let held = Arc::new(Held { pace: pace.clone(), slot: Mutex::default(), has_aged: AtomicBool::default() });
    let mut tried = 0;
    loop {
        let result = attempt(Turn(Arc::downgrade(&held))).await;
        if held.has_aged.swap(false, Ordering::Relaxed) && result.is_err() {
            continue;
        }
        let slot = held.slot().take();
        let error = match result {
            Ok(value) => {
                pace.answered();
                return Ok(value);
            }
            Err(error) => error,
        };
        if error.kind == S3ErrorKind::Throttled
            && let Some(slot) = &slot
        {
            pace.throttled(slot.begun);
        }
        drop(slot);
        tried += 1;
        let attempts = match error.kind {
            S3ErrorKind::Unreachable | S3ErrorKind::NoTls => ATTEMPTS_TO_REACH,
            _ => ATTEMPTS,
        };
        if tried >= attempts || !error.is_passing() {
            return Err(error);
        }
        tokio::time::sleep(wait(tried, jitter())).await;
    }
}

/// How long to wait after `tried` tries. `jitter`, from 0 to 1, spreads requests that failed together between half
/// of the longest wait and all of it.
fn wait(tried: u32, jitter: f64) -> Duration {
    let longest = FIRST_WAIT.saturating_mul(1 << (tried - 1).min(16)).min(LONGEST_WAIT);
    longest.mul_f64(0.5 + jitter / 2.0)
}

/// A random number from 0 to 1, from the seed of the standard library's hash tables.
fn jitter() -> f64 {
    let random = RandomState::new().build_hasher().finish();
    (random >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    fn block_on<F: Future>(future: F) -> F::Output {
        tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime").block_on(future)
    }

    #[test]
    fn waits_grow_up_to_the_longest() {
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
    fn passing_errors_are_retried_and_others_are_not() {
        let pace = Arc::new(Pace::new(4));
        let tries = AtomicUsize::new(0);
        let result = block_on(with_retries(&pace, |_| async {
            match tries.fetch_add(1, Ordering::Relaxed) {
                0 => Err(S3Error::new(S3ErrorKind::Throttled, "slow down")),
                1 => Err(S3Error::transient("reset")),
                nth => Ok(nth),
            }
        }));
        assert_eq!(result.expect("the third try succeeds"), 2);
        let tries = AtomicUsize::new(0);
        let result: Result<(), _> = block_on(with_retries(&pace, |_| async {
            tries.fetch_add(1, Ordering::Relaxed);
            Err(S3Error::new(S3ErrorKind::Denied, "no"))
        }));
        assert_eq!(result.expect_err("it is denied").kind, S3ErrorKind::Denied);
        assert_eq!(tries.into_inner(), 1);
    }

    #[test]
    fn a_request_gets_its_permit_when_it_is_ready_and_holds_it_to_the_end() {
        let pace = Arc::new(Pace::new(1));
        let all = &Mutex::new(Vec::new());
        let request = |name| {
            let note = move |what| all.lock().expect("nobody panics").push(format!("{name} {what}"));
            with_retries(&pace, move |turn| async move {
                note("is ready");
                turn.come().await.expect("nothing ages in a test");
                note("is sent");
                tokio::task::yield_now().await;
                turn.come().await.expect("a second one goes in the same slot");
                tokio::task::yield_now().await;
                note("is answered");
                Ok(turn)
            })
        };
        let (a, b) = block_on(futures_util::future::join(request("a"), request("b")));
        let expected = ["a is ready", "a is sent", "b is ready", "a is answered", "b is sent", "b is answered"];
        assert_eq!(*all.lock().expect("nobody panics"), expected);
        for turn in [a, b] {
            block_on(turn.expect("it is answered").come()).expect("it is over");
            assert_eq!(pace.slots.available_permits(), 1, "what is over holds nothing");
        }
    }

    #[test]
    fn throttling_halves_the_requests_in_flight_and_answers_raise_them_again() {
        let pace = Arc::new(Pace::new(8));
        block_on(async {
            let slots = [pace.slot().await, pace.slot().await, pace.slot().await];
            pace.throttled(slots[0].begun);
            // Sent before the cut, so it changes nothing.
            pace.throttled(slots[1].begun);
            drop(slots);
        });
        let now = || {
            let State { limit, debt, .. } = *pace.lock();
            (limit, debt, pace.slots.available_permits())
        };
        // Three of the four permits to withdraw were returned; the fourth is withdrawn after its next use.
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
