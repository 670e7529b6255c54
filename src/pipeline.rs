//! Runs everything over many objects in parallel: list, fetch, open, decode, split, classify, count, merge.
//!
//! The objects are cut into shards by their order alone. Each shard's objects are read in order (`schedule`), and
//! the parts of the shards are merged in order. So the result is the same for any number of threads and any order
//! of arrival, even if a cap makes a count depend on what came first.

mod options;
mod progress;
mod read;
mod schedule;

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};

pub use options::ReadOptions;
pub use progress::{Progress, ProgressReading};
pub use read::{Collector, SelectedRecord};

use crate::aggregate::{InputAccount, Summary};
use crate::error::{Error, ErrorKind, Result};
use crate::source::{Source, list_all};
use read::{ObjectReader, Worker};
use schedule::{Schedule, SourceObject};

/// Shards at most, if a part is a summary: enough for any number of cores, and few enough that the parts fit into
/// memory while they wait to be merged.
const MAX_SHARDS: usize = 256;

impl ReadOptions {
    /// Reads all objects of all sources into a summary.
    ///
    /// Whatever cannot be listed, opened or read is noted in the summary's [`InputAccount`], and the run goes on.
    ///
    /// # Errors
    /// [`ErrorKind::Cancelled`]. With [`ReadOptions::strict`] also the first problem in the order of the input, as
    /// [`ErrorKind::Input`], or as [`ErrorKind::Source`] or [`ErrorKind::Read`] if something could not be listed
    /// or opened.
    pub fn run(&self, sources: &[Box<dyn Source>], progress: &Progress) -> Result<Summary> {
        let mut summary = Summary::default();
        let merge = |part: Summary| {
            summary.merge(part);
            Ok(())
        };
        let input = self.collect(sources, progress, Shards::AtMost(MAX_SHARDS), |_| Summary::default(), merge)?;
        summary.input = input;
        Ok(summary)
    }

    /// Reads all objects of all sources. `new_part` makes a part for each shard, given the shard's index in the order
    /// of the input, and the part collects the shard's records. `merge` gets the parts one at a time, in the order
    /// of the input.
    ///
    /// # Errors
    /// Those of [`ReadOptions::run`], and any error of a part or of `merge`, which ends the run.
    pub fn collect<P: Collector>(
        &self,
        sources: &[Box<dyn Source>],
        progress: &Progress,
        shards: Shards,
        new_part: impl Fn(usize) -> P + Sync,
        merge: impl FnMut(P) -> Result<()> + Send,
    ) -> Result<InputAccount> {
        let mut input = InputAccount::default();
        let mut objects: Vec<SourceObject<'_>> = Vec::new();
        for (source, listing) in list_all(sources, &self.selection, &progress.cancel_token) {
            for (reason, count) in listing.skipped {
                *input.objects_skipped.entry(reason).or_default() += count;
            }
            for (reason, count) in listing.folders_skipped {
                *input.folders_skipped.entry(reason).or_default() += count;
            }
            for error in listing.errors {
                self.note_unread(&mut input, error)?;
            }
            objects.extend(listing.objects.into_iter().map(|object| (source, object)));
        }
        let bytes = objects.iter().map(|(_, object)| object.stored_bytes).fold(0, u64::saturating_add);
        progress.bytes.store(bytes, Ordering::Relaxed);
        progress.objects.store(objects.len() as u64, Ordering::Relaxed);

        let (objects_per_shard, max_unmerged) = match shards {
            Shards::AtMost(shards) => (objects.len().div_ceil(shards).max(1), usize::MAX),
            Shards::OnePerObject { max_unmerged } => (1, max_unmerged.max(1)),
        };
        let shards: Vec<&[SourceObject<'_>]> = objects.chunks(objects_per_shard).collect();
        let threads = self.thread_count(shards.len());
        let schedule = Schedule::new(shards, max_unmerged, |index| (InputAccount::default(), new_part(index)));
        let merged = Mutex::new(OrderedMerge { next: 0, waiting: BTreeMap::new(), input, merge, error: None });
        let reader = ObjectReader { options: self, progress };
        let work = || {
            let _abandons = schedule.abandon_on_panic();
            let mut worker = Worker::default();
            let mut returned = None;
            while let Some(mut open) = schedule.next(returned.take(), progress) {
                let Some(((source, object), fetch)) = open.take() else { break };
                let is_fetched = fetch.is_some();
                let (account, part) = &mut open.part;
                let result = reader.read_object(&mut worker, *source, object, fetch, account, part);
                if is_fetched {
                    // The threads that fetch objects need the processor only briefly, but while they wait for it no
                    // new request is sent.
                    std::thread::yield_now();
                }
                if result.is_ok() && !open.is_done() {
                    returned = Some(open);
                    continue;
                }
                let index = open.index;
                let has_failed = result.is_err();
                // What the shard was still fetching is given up here, before the schedule begins other fetches.
                let part = open.into_part();
                // If it is poisoned, `merge` panicked at another worker, and the run ends with that panic.
                let Ok(mut merged) = merged.lock() else { break };
                merged.add(index, result.map(|()| part));
                let (next, is_over) = (merged.next, merged.error.is_some());
                drop(merged);
                match (is_over, has_failed) {
                    (true, _) => schedule.failed(next),
                    (false, true) => schedule.failed(index),
                    (false, false) => schedule.finished(next),
                }
            }
        };
        match rayon::ThreadPoolBuilder::new().num_threads(threads).build() {
            Ok(pool) => pool.scope(|scope| (0..threads).for_each(|_| scope.spawn(|_| work()))),
            // If the system gives no more threads, this one does all the work.
            Err(_) => work(),
        }
        // Ctrl-C also ends the program whose output is read here, so an apparent end of the input may be the
        // interruption.
        if progress.is_cancelled() {
            return Err(ErrorKind::Cancelled.into());
        }
        let mut merged = merged.into_inner().unwrap_or_else(PoisonError::into_inner);
        for from_cache in sources.iter().filter_map(|source| source.cached()) {
            merged.input.merge(InputAccount { from_cache: Some(from_cache), ..InputAccount::default() });
        }
        match merged.error {
            Some(error) => Err(error),
            None => Ok(merged.input),
        }
    }
}

/// How the objects of a run are cut into parts that are merged in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shards {
    /// At most this many shards, each with the same number of objects except perhaps the last. For parts that stay
    /// small however much they take in.
    AtMost(usize),
    /// One shard for each object. For parts that grow with what they take in.
    OnePerObject {
        /// Shards that may be open or waiting to be merged at the same time, at least 1.
        max_unmerged: usize,
    },
}

/// Merges the parts of the shards in the order of the shards, whatever the order in which they finish.
struct OrderedMerge<P, M> {
    next: usize,
    waiting: BTreeMap<usize, Result<(InputAccount, P)>>,
    input: InputAccount,
    merge: M,
    /// The first error in the order of the input. Nothing after it is merged.
    error: Option<Error>,
}

impl<P, M: FnMut(P) -> Result<()>> OrderedMerge<P, M> {
    fn add(&mut self, index: usize, result: Result<(InputAccount, P)>) {
        self.waiting.insert(index, result);
        while let Some(result) = self.waiting.remove(&self.next) {
            self.next += 1;
            if self.error.is_some() {
                continue;
            }
            let merged = result.and_then(|(input, part)| {
                self.input.merge(input);
                (self.merge)(part)
            });
            self.error = merged.err();
        }
    }
}

#[cfg(test)]
mod tests;
