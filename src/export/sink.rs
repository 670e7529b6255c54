//! Writes the rows of many objects to files, in the order of the objects, whatever the order in which they come.
//!
//! The rows of one object make row groups of their own if there are enough, and what remains is handed over when the
//! object's turn comes. The remaining rows of neighbouring objects are put together until they fill a row group, too.
//! All of this depends on the rows and their order alone, so the files are the same for any number of threads.
//!
//! Encoding is most of the work and happens outside of all locks: the groups of one object are encoded by the worker
//! that reads it, groups of several objects by whichever worker calls [`ExportSink::work`] next.
//!
//! Groups that come before their turn wait in memory. If they are too many, their workers wait too, but only while
//! the object in turn is in hand: a worker has begun to read it. Why no worker waits in vain:
//!
//! - The worker that reads the object in turn never waits for a turn. So it comes to the object's end and closes it,
//!   or it fails, is cancelled or panics, and then drops its [`ObjectInHand`]. Either wakes the others.
//! - An object that was read to its end before its turn is closed as soon as its turn comes, by the worker that closed
//!   the one before it. That worker does not wait for a turn meanwhile.
//! - An object that nobody reads yet is not in hand. It may still have to be fetched, and one worker must be free to
//!   read it when it arrives. So all go on.
//!
//! While the object in turn is in hand, what waits does not grow beyond [`MAX_WAITING_BYTES`] and one group for each
//! worker. Otherwise, it is at most the groups of as many objects as may be open at the same time (see
//! `Shards::OnePerObject`). If an object is given up, nothing after it is written, so the groups of later objects are
//! dropped.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::files::{CompleteFiles, EncodedGroup, ExportFiles};
use super::partition::PartitionKey;
use crate::table::encoder::Encoder;
use crate::table::row_buffer::RowBuffer;

/// Maximum rows of a row group.
pub(super) const MAX_GROUP_ROWS: usize = 128 * 1024;

/// Maximum bytes of the texts of a row group, not counting the last row. The texts of an ordinary log take some 100
/// bytes per row.
const MAX_GROUP_TEXT_BYTES: usize = 24 * 1024 * 1024;

/// Maximum bytes of rows of one object, or of the remaining rows of all objects together, before they become row
/// groups. Above that, which happens when rows go to many folders, the largest group is made.
pub(super) const MAX_ROW_BYTES: usize = 64 * 1024 * 1024;

/// Bytes of row groups that wait for their turn. Above that, a worker waits for the object whose turn it is, if that
/// is in hand.
const MAX_WAITING_BYTES: usize = 64 * 1024 * 1024;

/// Rows of one key, and the ids of the objects they come from.
pub(super) struct PartitionRows {
    pub(super) columns: RowBuffer,
    pub(super) objects: Vec<u64>,
}

impl PartitionRows {
    /// Whether they fill a row group.
    fn is_row_group(&self, encoder: &Encoder) -> bool {
        self.columns.rows >= MAX_GROUP_ROWS
            || self.columns.text_bytes() >= MAX_GROUP_TEXT_BYTES
            || self.columns.written_bytes() >= encoder.max_written_bytes()
    }

    /// Whether both together fit into one row group.
    fn has_room_for(&self, other: &Self, encoder: &Encoder) -> bool {
        self.columns.rows + other.columns.rows <= MAX_GROUP_ROWS
            && self.columns.text_bytes() + other.columns.text_bytes() <= MAX_GROUP_TEXT_BYTES
            && self.columns.written_bytes() + other.columns.written_bytes() <= encoder.max_written_bytes()
    }

    fn append(&mut self, other: Self) {
        self.columns.append(other.columns);
        self.objects.extend(other.objects);
    }
}

/// An object that a worker is reading, or that was read and waits to be closed. Dropping it before the object is closed
/// gives the object up.
pub(super) struct ObjectInHand<'s> {
    sink: &'s ExportSink,
    /// The index of the object in the order of the input.
    index: usize,
}

impl Drop for ObjectInHand<'_> {
    fn drop(&mut self) {
        let mut state = self.sink.lock();
        state.in_hand.remove(&self.index);
        if state.next <= self.index {
            state.end = state.end.min(self.index);
        }
        drop(state);
        self.sink.turn.notify_all();
    }
}

/// Takes rows and writes them.
pub(super) struct ExportSink {
    encoder: Encoder,
    /// [`MAX_WAITING_BYTES`], but in tests.
    max_waiting_bytes: usize,
    state: Mutex<SinkState>,
    turn: Condvar,
    files: Mutex<ExportFiles>,
}

struct SinkState {
    /// The index of the object whose turn it is.
    next: usize,
    /// No object from this index on will be written, because the one at this index was given up.
    end: usize,
    /// The indexes of the objects in hand: a worker has begun to read them, and they are neither closed nor given up.
    in_hand: BTreeSet<usize>,
    /// Rows that are too few for a row group, by key.
    pending: BTreeMap<PartitionKey, PartitionRows>,
    pending_bytes: usize,
    /// Groups to write, in order; `None` while a group is being encoded.
    slots: VecDeque<Option<EncodedGroup>>,
    /// The number of the first slot.
    first_slot: usize,
    /// Rows to encode, and the number of the slot for the result.
    jobs: VecDeque<(usize, PartitionKey, PartitionRows)>,
    waiting_bytes: usize,
    /// The ids of the objects in which a record was seen.
    read: BTreeSet<u64>,
}

impl SinkState {
    fn new() -> Self {
        Self {
            next: 0,
            end: usize::MAX,
            in_hand: BTreeSet::new(),
            pending: BTreeMap::new(),
            pending_bytes: 0,
            slots: VecDeque::new(),
            first_slot: 0,
            jobs: VecDeque::new(),
            waiting_bytes: 0,
            read: BTreeSet::new(),
        }
    }

    /// Whether the worker of an object whose groups wait for their turn has to wait, too.
    fn must_wait(&self, index: usize, max_waiting_bytes: usize) -> bool {
        self.next != index
            && index < self.end
            && self.waiting_bytes > max_waiting_bytes
            && self.in_hand.contains(&self.next)
    }

    /// Queues the pending rows of a key to be encoded and written.
    fn flush(&mut self, key: &PartitionKey) {
        if let Some((key, rows)) = self.pending.remove_entry(key) {
            self.pending_bytes -= rows.columns.bytes();
            self.jobs.push_back((self.first_slot + self.slots.len(), key, rows));
            self.slots.push_back(None);
        }
    }

    fn take(&mut self, groups: &mut Vec<EncodedGroup>) {
        for group in groups.drain(..) {
            self.flush(&group.key);
            self.waiting_bytes -= group.encoded.bytes();
            self.slots.push_back(Some(group));
        }
    }

    fn add(&mut self, key: PartitionKey, rows: PartitionRows, encoder: &Encoder) {
        if self.pending.get(&key).is_some_and(|pending| !pending.has_room_for(&rows, encoder)) {
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

impl ExportSink {
    pub(super) fn new(encoder: Encoder, files: ExportFiles) -> Self {
        Self {
            encoder,
            max_waiting_bytes: MAX_WAITING_BYTES,
            state: Mutex::new(SinkState::new()),
            turn: Condvar::new(),
            files: Mutex::new(files),
        }
    }

    /// Whether rows fill a row group.
    pub(super) fn is_row_group(&self, rows: &PartitionRows) -> bool {
        rows.is_row_group(&self.encoder)
    }

    /// Reports that a worker begins to read the object at an index. Drop the result when the object is closed.
    pub(super) fn take_in_hand(&self, index: usize) -> ObjectInHand<'_> {
        self.lock().in_hand.insert(index);
        ObjectInHand { sink: self, index }
    }

    /// Encodes rows.
    pub(super) fn encode(&self, key: PartitionKey, rows: PartitionRows) -> io::Result<EncodedGroup> {
        Ok(EncodedGroup { key, encoded: self.encoder.encode(rows.columns)?, objects: rows.objects })
    }

    /// Reports a row group of the object at an index, the last of `groups`. Takes all of `groups` if it is the object's
    /// turn.
    pub(super) fn offer(&self, index: usize, groups: &mut Vec<EncodedGroup>) -> io::Result<()> {
        let mut state = self.lock();
        state.waiting_bytes += groups.last().map_or(0, |group| group.encoded.bytes());
        while state.must_wait(index, self.max_waiting_bytes) {
            state = self.turn.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if index >= state.end {
            state.waiting_bytes -= groups.drain(..).map(|group| group.encoded.bytes()).sum::<usize>();
            return Ok(());
        }
        if state.next != index {
            return Ok(());
        }
        state.take(groups);
        drop(state);
        self.turn.notify_all();
        // Rows of earlier objects may have become a job, and these groups are written after it.
        self.work()
    }

    /// Takes what is left of the object whose turn it is, and gives the turn to the next one.
    pub(super) fn close(
        &self,
        groups: &mut Vec<EncodedGroup>,
        rests: BTreeMap<PartitionKey, PartitionRows>,
        object: Option<u64>,
    ) {
        let mut state = self.lock();
        state.take(groups);
        for (key, rows) in rests {
            state.add(key, rows, &self.encoder);
        }
        state.read.extend(object);
        state.next += 1;
        drop(state);
        self.turn.notify_all();
    }

    /// Encodes the queued rows, and writes what can be written.
    pub(super) fn work(&self) -> io::Result<()> {
        loop {
            let job = self.lock().jobs.pop_front();
            let Some((slot, key, rows)) = job else { return self.write_ready() };
            let group = self.encode(key, rows)?;
            let mut state = self.lock();
            let index = slot - state.first_slot;
            state.slots[index] = Some(group);
            drop(state);
            self.write_ready()?;
        }
    }

    /// Writes the groups before the first slot that is still empty.
    fn write_ready(&self) -> io::Result<()> {
        // Only the thread that holds the files takes from the slots, which keeps the order.
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
    pub(super) fn finish(self, threads: usize) -> io::Result<CompleteFiles> {
        let jobs = {
            let mut state = self.lock();
            let keys: Vec<PartitionKey> = state.pending.keys().cloned().collect();
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
        // A worker may have filled the last slot after another worker looked at it.
        self.write_ready()?;
        let state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        debug_assert!(state.slots.is_empty() && state.jobs.is_empty(), "all is written");
        self.files.into_inner().unwrap_or_else(PoisonError::into_inner).finish(state.read)
    }

    fn lock(&self) -> MutexGuard<'_, SinkState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
