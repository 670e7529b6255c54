//! Which object a worker reads next.
//!
//! The objects of a shard are read in order, by one worker at a time, but not always by the same one. While the
//! next object of a shard is still being fetched, the shard rests and workers go on with others. So a slow object
//! holds up only its own shard, and the result is the same as if every shard were read from beginning to end.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::progress::Progress;
use crate::source::{Fetch, Object, Source};

/// Each resting shard gets this many fetches before another shard is opened.
const MIN_FETCHES: usize = 2;

/// How often a waiting worker checks whether the run was cancelled.
const CANCEL_POLL: Duration = Duration::from_millis(50);

/// An object and its source.
pub(super) type SourceObject<'a> = (&'a dyn Source, Object);

/// A shard that is being read.
pub(super) struct OpenShard<'a, P> {
    /// Its index in the order of the input.
    pub(super) index: usize,
    /// What was collected from its objects so far.
    pub(super) part: P,
    /// The objects still to be read, in order.
    unread: &'a [SourceObject<'a>],
    /// The fetches of the first few objects of `unread`, in the same order.
    fetches: VecDeque<PendingFetch>,
}

/// The fetch of one object. `fetch` is `None` if the object needs none.
struct PendingFetch {
    fetch: Option<(Fetch, ReadAheadSlot)>,
    has_arrived: Arc<AtomicBool>,
}

/// Counts one object as fetched ahead, until a worker takes the object or its shard is given up.
struct ReadAheadSlot(Arc<AtomicUsize>);

impl ReadAheadSlot {
    fn new(taken: &Arc<AtomicUsize>) -> Self {
        taken.fetch_add(1, Ordering::Relaxed);
        Self(taken.clone())
    }
}

impl Drop for ReadAheadSlot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<'a, P> OpenShard<'a, P> {
    /// The object to read now, with its fetch if it has one. `None` if all are read.
    pub(super) fn take(&mut self) -> Option<(&'a SourceObject<'a>, Option<Fetch>)> {
        let (first, unread) = self.unread.split_first()?;
        self.unread = unread;
        let fetch = self.fetches.pop_front().and_then(|pending| pending.fetch);
        Some((first, fetch.map(|(fetch, _)| fetch)))
    }

    /// What was collected. Gives up what is still being fetched.
    pub(super) fn into_part(self) -> P {
        self.part
    }

    /// Whether all its objects are read.
    pub(super) fn is_done(&self) -> bool {
        self.unread.is_empty()
    }

    fn is_ready(&self) -> bool {
        match self.fetches.front() {
            Some(pending) => pending.has_arrived.load(Ordering::Acquire),
            None => self.unread.first().is_some_and(|object| !needs_fetch(object)),
        }
    }

    /// Whether the first object without a fetch needs one. If it needs none, the objects after it are not fetched
    /// until it has been read.
    fn can_fetch(&self) -> bool {
        self.unread.get(self.fetches.len()).is_some_and(needs_fetch)
    }
}

/// Whether an object has to be fetched before it can be read.
fn needs_fetch((source, _): &SourceObject<'_>) -> bool {
    source.read_ahead() > 0
}

/// Hands shards to workers.
pub(super) struct Schedule<'a, P, F> {
    shards: Vec<&'a [SourceObject<'a>]>,
    /// Makes a shard's part, given the shard's index.
    new_part: F,
    /// The most objects to fetch ahead, over all shards.
    read_ahead: usize,
    /// The most shards that are open, or read and not yet merged.
    max_unmerged: usize,
    state: Mutex<ScheduleState<'a, P>>,
    /// The number of objects that have a fetch and that no worker has taken yet.
    fetched_ahead: Arc<AtomicUsize>,
    notifier: Arc<Notifier>,
}

struct ScheduleState<'a, P> {
    /// Shards before this index were opened.
    opened_end: usize,
    /// Shards before this index are needed. If a shard fails, this is lowered to the index of the shard.
    needed_end: usize,
    /// Shards before this index are merged.
    merged_end: usize,
    /// Open shards that no worker holds, by index.
    resting: BTreeMap<usize, OpenShard<'a, P>>,
    /// How many open shards workers hold.
    held_count: usize,
    /// Whether a worker panicked. Its shard will never be finished, so nobody may wait for it.
    is_abandoned: bool,
}

/// Ends the work of all workers if it is dropped by a panic.
pub(super) struct AbandonOnPanic<'s, 'a, P, F: Fn(usize) -> P>(&'s Schedule<'a, P, F>);

impl<P, F: Fn(usize) -> P> Drop for AbandonOnPanic<'_, '_, P, F> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.lock().is_abandoned = true;
            self.0.notifier.notify();
        }
    }
}

impl<'a, P, F: Fn(usize) -> P> Schedule<'a, P, F> {
    pub(super) fn new(shards: Vec<&'a [SourceObject<'a>]>, max_unmerged: usize, new_part: F) -> Self {
        let objects = shards.iter().flat_map(|shard| shard.iter());
        let read_ahead = objects.map(|(source, _)| source.read_ahead()).max().unwrap_or(0);
        let state = ScheduleState {
            opened_end: 0,
            needed_end: shards.len(),
            merged_end: 0,
            resting: BTreeMap::new(),
            held_count: 0,
            is_abandoned: false,
        };
        Self {
            shards,
            new_part,
            read_ahead,
            max_unmerged,
            state: Mutex::new(state),
            fetched_ahead: Arc::default(),
            notifier: Arc::default(),
        }
    }

    /// For a worker to hold while it works: if it panics, [`Schedule::next`] gives nothing to the others any more.
    pub(super) fn abandon_on_panic(&self) -> AbandonOnPanic<'_, 'a, P, F> {
        AbandonOnPanic(self)
    }

    /// Gives the worker a shard whose next object can be read now. Waits until there is one. `None` if the run was
    /// cancelled, or if every shard that is needed has been read. `returned` is the shard that the worker read from
    /// last, if it has more objects.
    pub(super) fn next(&self, returned: Option<OpenShard<'a, P>>, progress: &Progress) -> Option<OpenShard<'a, P>> {
        let mut returned = returned;
        loop {
            let seen = self.notifier.count();
            {
                let mut state = self.lock();
                if state.is_abandoned {
                    return None;
                }
                let current = returned.as_ref().map(|open| open.index);
                if let Some(open) = returned.take() {
                    state.held_count -= 1;
                    if open.index < state.needed_end {
                        state.resting.insert(open.index, open);
                    }
                }
                self.fetch_ahead(&mut state);
                if let Some(open) = self.pick(&mut state, current) {
                    state.held_count += 1;
                    return Some(open);
                }
                let nothing_will_come =
                    state.held_count == 0 && state.resting.is_empty() && state.opened_end >= state.needed_end;
                if nothing_will_come || progress.is_cancelled() {
                    self.notifier.notify();
                    return None;
                }
            }
            self.notifier.wait_after(seen);
        }
    }

    /// Called when a shard has been read to its end. All shards before `merged_end` are merged by then.
    pub(super) fn finished(&self, merged_end: usize) {
        let mut state = self.lock();
        state.held_count -= 1;
        state.merged_end = state.merged_end.max(merged_end);
        drop(state);
        self.notifier.notify();
    }

    /// Called when a shard failed, after the worker has dropped it. Gives up the shards after it. Shards before it go
    /// on.
    pub(super) fn failed(&self, index: usize) {
        let mut state = self.lock();
        state.held_count -= 1;
        state.needed_end = state.needed_end.min(index);
        let given_up = state.resting.split_off(&index);
        drop((state, given_up));
        self.notifier.notify();
    }

    fn pick(&self, state: &mut ScheduleState<'a, P>, current: Option<usize>) -> Option<OpenShard<'a, P>> {
        // A worker stays with its shard as long as it can, because the shard's counters are in its cache.
        let current = current.filter(|index| state.resting.get(index).is_some_and(OpenShard::is_ready));
        let ready = current.or_else(|| state.resting.iter().find(|(_, open)| open.is_ready()).map(|(&index, _)| index));
        if let Some(index) = ready {
            return state.resting.remove(&index);
        }
        if !self.can_open(state) {
            return None;
        }
        (!self.next_needs_fetch(state)).then(|| self.open(state))
    }

    fn can_open(&self, state: &ScheduleState<'a, P>) -> bool {
        state.opened_end < state.needed_end && state.opened_end - state.merged_end < self.max_unmerged
    }

    /// Whether the next shard to be opened begins with an object that has to be fetched.
    fn next_needs_fetch(&self, state: &ScheduleState<'a, P>) -> bool {
        self.shards[state.opened_end].first().is_some_and(needs_fetch)
    }

    fn open(&self, state: &mut ScheduleState<'a, P>) -> OpenShard<'a, P> {
        let index = state.opened_end;
        state.opened_end += 1;
        OpenShard { index, part: (self.new_part)(index), unread: self.shards[index], fetches: VecDeque::new() }
    }

    /// Starts fetches until `read_ahead` objects are fetched ahead. Each resting shard gets [`MIN_FETCHES`] first. Then
    /// new shards are opened. Then the resting shard with the fewest fetches gets one more, and so on.
    fn fetch_ahead(&self, state: &mut ScheduleState<'a, P>) {
        while self.fetched_ahead.load(Ordering::Relaxed) < self.read_ahead {
            let below_min = state.resting.values().find(|open| open.fetches.len() < MIN_FETCHES && open.can_fetch());
            let index = if let Some(open) = below_min {
                open.index
            } else if self.can_open(state) && self.next_needs_fetch(state) {
                let open = self.open(state);
                let index = open.index;
                state.resting.insert(index, open);
                index
            } else {
                let fewest_fetches =
                    state.resting.values().filter(|open| open.can_fetch()).min_by_key(|open| open.fetches.len());
                let Some(open) = fewest_fetches else { break };
                open.index
            };
            let Some(open) = state.resting.get_mut(&index) else { break };
            let Some((source, object)) = open.unread.get(open.fetches.len()) else { continue };
            let has_arrived = Arc::new(AtomicBool::new(false));
            let (arrived, notifier) = (has_arrived.clone(), self.notifier.clone());
            let fetch = source.fetch(
                object,
                Box::new(move || {
                    arrived.store(true, Ordering::Release);
                    notifier.notify();
                }),
            );
            if fetch.is_none() {
                has_arrived.store(true, Ordering::Release);
            }
            let fetch = fetch.map(|fetch| (fetch, ReadAheadSlot::new(&self.fetched_ahead)));
            open.fetches.push_back(PendingFetch { fetch, has_arrived });
        }
    }

    fn lock(&self) -> MutexGuard<'_, ScheduleState<'a, P>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wakes the workers that wait for something to change.
#[derive(Default)]
struct Notifier {
    notifications: Mutex<u64>,
    changed: Condvar,
}

impl Notifier {
    fn count(&self) -> u64 {
        *self.notifications.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn notify(&self) {
        *self.notifications.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.changed.notify_all();
    }

    /// Waits until there are more than `count` notifications, but at most for [`CANCEL_POLL`].
    fn wait_after(&self, count: u64) {
        let notifications = self.notifications.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(notifications, CANCEL_POLL, |now| *now == count);
        drop(waited);
    }
}

#[cfg(test)]
mod tests;
