//! Rows of many parts to files, in the order of the parts, whatever the order in which they come.
//!
//! A part is what one object gives. It makes row groups of its own where it has rows enough, and hands over the rest when its turn comes; rests of neighbours are put together until they are a row group too. All
//! of this follows from the rows and their order alone, so that the files are the same for any number of threads.
//!
//! Encoding is most of the work and happens outside of all locks: groups of a part by the worker that reads it, groups of several by whichever worker comes by next.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::columns::Columns;
use super::files::{Files, Group, WrittenFiles};
use super::form::Form;
use super::partition::Key;

/// Rows of a row group at most.
pub(super) const MAX_GROUP_ROWS: usize = 128 * 1024;

/// Bytes of the texts of a row group at most, but for the last row. Those of an ordinary log take some 100 a row.
const MAX_GROUP_TEXT_BYTES: usize = 24 * 1024 * 1024;

/// Bytes of rows that a part, or all that is left of parts, may hold to make row groups of. Where rows go to many folders, the largest group is made when there are more.
pub(super) const MAX_ROW_BYTES: usize = 64 * 1024 * 1024;

/// Bytes of row groups that wait for their turn. A part that would add to more waits itself, see [`PATIENCE`].
const MAX_WAITING_BYTES: usize = 64 * 1024 * 1024;

/// How long a part waits for its turn before it goes on all the same. Its object may be the one that is here while the first in turn is still on its way, and then there may be nobody left to
/// read that one.
const PATIENCE: Duration = Duration::from_secs(1);

/// Rows of one key, and the objects that they are from.
pub(super) struct Rows {
    pub(super) columns: Columns,
    pub(super) objects: Vec<u64>,
}

impl Rows {
    /// Whether they are a row group as they are.
    fn are_full(&self, form: &Form) -> bool {
        self.columns.rows >= MAX_GROUP_ROWS
            || self.columns.text_bytes() >= MAX_GROUP_TEXT_BYTES
            || self.columns.written_bytes() >= form.max_written_bytes()
    }

    /// Whether both together make a row group at most.
    fn has_room_for(&self, other: &Self, form: &Form) -> bool {
        self.columns.rows + other.columns.rows <= MAX_GROUP_ROWS
            && self.columns.text_bytes() + other.columns.text_bytes() <= MAX_GROUP_TEXT_BYTES
            && self.columns.written_bytes() + other.columns.written_bytes() <= form.max_written_bytes()
    }

    fn append(&mut self, other: Self) {
        self.columns.append(other.columns);
        self.objects.extend(other.objects);
    }
}

/// Takes rows and writes them.
pub(super) struct Sink {
    form: Form,
    state: Mutex<State>,
    turn: Condvar,
    files: Mutex<Files>,
}

#[derive(Default)]
struct State {
    /// The part whose turn it is.
    next: usize,
    /// Rows that are too few for a row group.
    pending: BTreeMap<Key, Rows>,
    pending_bytes: usize,
    /// What is to be written, in order; absent while it is being encoded.
    slots: VecDeque<Option<Group>>,
    /// The number of the first slot.
    first_slot: usize,
    /// What is to be encoded, and for which slot.
    jobs: VecDeque<(usize, Key, Rows)>,
    waiting_bytes: usize,
    /// The objects that rows were seen of.
    read: BTreeSet<u64>,
}

impl State {
    /// Has the pending rows of a key written.
    fn flush(&mut self, key: &Key) {
        if let Some((key, rows)) = self.pending.remove_entry(key) {
            self.pending_bytes -= rows.columns.bytes();
            self.jobs.push_back((self.first_slot + self.slots.len(), key, rows));
            self.slots.push_back(None);
        }
    }

    fn take(&mut self, groups: &mut Vec<Group>) {
        for group in groups.drain(..) {
            self.flush(&group.key);
            self.waiting_bytes -= group.encoded.bytes();
            self.slots.push_back(Some(group));
        }
    }

    fn add(&mut self, key: Key, rows: Rows, form: &Form) {
        if self.pending.get(&key).is_some_and(|pending| !pending.has_room_for(&rows, form)) {
            self.flush(&key);
        }
        if let Some(pending) = self.pending.get_mut(&key) {
            self.pending_bytes -= pending.columns.bytes();
            pending.append(rows);
            self.pending_bytes += pending.columns.bytes();
        } else {
            self.pending_bytes += rows.columns.bytes();
            self.pending.insert(key, rows);
        }
        while self.pending_bytes > MAX_ROW_BYTES {
            let largest = self.pending.iter().max_by_key(|(_, rows)| rows.columns.bytes()).map(|(key, _)| key.clone());
            let Some(largest) = largest else { break };
            self.flush(&largest);
        }
    }
}

impl Sink {
    pub(super) fn new(form: Form, files: Files) -> Self {
        Self { form, state: Mutex::default(), turn: Condvar::new(), files: Mutex::new(files) }
    }

    /// Whether rows are a row group as they are.
    pub(super) fn is_group(&self, rows: &Rows) -> bool {
        rows.are_full(&self.form)
    }

    /// Encodes rows.
    pub(super) fn encode(&self, key: Key, rows: Rows) -> io::Result<Group> {
        Ok(Group { key, encoded: self.form.encode(rows.columns)?, objects: rows.objects })
    }

    /// Tells of a row group that a part has made, the last of `groups`, and takes them all where it is the part's turn.
    pub(super) fn offer(&self, part: usize, groups: &mut Vec<Group>) -> io::Result<()> {
        let mut state = self.lock();
        state.waiting_bytes += groups.last().map_or(0, |group| group.encoded.bytes());
        if state.next != part && state.waiting_bytes > MAX_WAITING_BYTES {
            let waited = self.turn.wait_timeout_while(state, PATIENCE, |state| state.next != part);
            (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
        if state.next != part {
            return Ok(());
        }
        state.take(groups);
        drop(state);
        // Rows of earlier parts may have become a job in front of these.
        self.work()
    }

    /// Takes what is left of the part whose turn it is, and gives the turn to the next.
    pub(super) fn close(&self, groups: &mut Vec<Group>, rests: BTreeMap<Key, Rows>, object: Option<u64>) {
        let mut state = self.lock();
        state.take(groups);
        for (key, rows) in rests {
            state.add(key, rows, &self.form);
        }
        state.read.extend(object);
        state.next += 1;
        drop(state);
        self.turn.notify_all();
    }

    /// Encodes what waits to be encoded, and writes what can be written.
    pub(super) fn work(&self) -> io::Result<()> {
        loop {
            let job = self.lock().jobs.pop_front();
            let Some((slot, key, rows)) = job else { return self.write_ready() };
            let group = self.encode(key, rows)?;
            let mut state = self.lock();
            let place = slot - state.first_slot;
            state.slots[place] = Some(group);
            drop(state);
            self.write_ready()?;
        }
    }

    /// Writes what stands before the first slot that is still empty.
    fn write_ready(&self) -> io::Result<()> {
        // Whoever holds the files alone takes from the slots, so that the order is kept.
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let mut state = self.lock();
            let Some(Some(_)) = state.slots.front() else { return Ok(()) };
            state.first_slot += 1;
            let Some(Some(group)) = state.slots.pop_front() else { return Ok(()) };
            drop(state);
            files.write(&group)?;
        }
    }

    /// Writes all that is left, on `threads` threads, and finishes the files.
    pub(super) fn finish(self, threads: usize) -> io::Result<WrittenFiles> {
        let jobs = {
            let mut state = self.lock();
            let keys: Vec<Key> = state.pending.keys().cloned().collect();
            for key in keys {
                state.flush(&key);
            }
            state.jobs.len()
        };
        thread::scope(|scope| {
            let workers: Vec<_> = (1..threads.min(jobs)).map(|_| scope.spawn(|| self.work())).collect();
            let own = self.work();
            let others = workers
                .into_iter()
                .map(|worker| worker.join().unwrap_or_else(|_| Err(io::Error::other("a worker failed"))));
            others.fold(own, std::result::Result::and)
        })?;
        // A worker may have filled the last slot behind the one that looked.
        self.write_ready()?;
        let state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        debug_assert!(state.slots.is_empty() && state.jobs.is_empty(), "all is written");
        self.files.into_inner().unwrap_or_else(PoisonError::into_inner).finish(state.read)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
