//! Runs it all over many objects in parallel: list, open, decode, split, classify, count, merge.
//!
//! The objects are cut into shards by their order alone, each shard is one worker's from beginning to end, and the shards' summaries are merged in
//! order. So the result is the same whatever the number of threads, even where a cap made a count depend on what came first.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::aggregate::Summary;
use crate::classify::classify;
use crate::decode::{Body, Buffer, Decoder, Decompressor};
use crate::error::{Error, ErrorKind, Problem, Result};
use crate::kind::{Alb, recognise};
use crate::location::Location;
use crate::record::{Bounds, Event, Lines, Record};
use crate::source::{Object, Selection, Source};

/// Shards at most: enough for any number of cores, few enough that their summaries fit into memory while they wait for their turn.
const MAX_SHARDS: usize = 256;

/// How far a run is; shared with whoever shows it, or stops it.
#[derive(Debug, Default)]
pub struct Progress {
    objects: AtomicU64,
    bytes: AtomicU64,
    objects_done: AtomicU64,
    bytes_done: AtomicU64,
    is_cancelled: AtomicBool,
}

/// A reading of a [`Progress`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProgressReading {
    /// Objects to read; 0 while they are being listed.
    pub objects: u64,
    /// Their size as stored; less than the truth where a size is not known.
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

    /// Where the run stands now.
    #[must_use]
    pub fn reading(&self) -> ProgressReading {
        ProgressReading {
            objects: self.objects.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            objects_done: self.objects_done.load(Ordering::Relaxed),
            bytes_done: self.bytes_done.load(Ordering::Relaxed),
        }
    }

    /// Asks the run to stop; it ends with [`ErrorKind::Cancelled`] soon after.
    pub fn cancel(&self) {
        self.is_cancelled.store(true, Ordering::Relaxed);
    }

    /// Whether it was asked to stop.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(Ordering::Relaxed)
    }
}

/// A run over log objects, to be configured and started.
///
/// ```
/// use albscope::{Analysis, Progress, source};
///
/// # fn main() -> albscope::Result<()> {
/// let inputs = [source::from_input("sample-logs".as_ref())?];
/// let summary = Analysis::new().threads(2).run(&inputs, &Progress::new())?;
/// println!("{} requests, {} failed", summary.requests(), summary.outcomes().failures());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Analysis {
    selection: Selection,
    threads: usize,
    is_strict: bool,
}

impl Analysis {
    /// Everything selected, one thread for each core, problems counted rather than fatal.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Which lines count.
    #[must_use]
    pub fn selection(mut self, selection: Selection) -> Self {
        self.selection = selection;
        self
    }

    /// How many threads read; 0 for one a core.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    /// Whether the first problem of the input ends the run.
    #[must_use]
    pub fn strict(mut self, is_strict: bool) -> Self {
        self.is_strict = is_strict;
        self
    }

    /// Reads all objects of all sources.
    ///
    /// What cannot be opened or read is noted in the summary's [`crate::aggregate::InputAccount`], and the run goes on.
    ///
    /// # Errors
    /// [`ErrorKind::Cancelled`]; and with [`Analysis::strict`] the first problem in the order of the input.
    pub fn run(&self, sources: &[Box<dyn Source>], progress: &Progress) -> Result<Summary> {
        let mut summary = Summary::default();
        let mut objects: Vec<(&dyn Source, Object)> = Vec::new();
        for source in sources {
            let listing = source.list(&self.selection);
            for (reason, count) in listing.skipped {
                *summary.input.objects_skipped.entry(reason).or_default() += count;
            }
            for error in listing.errors {
                self.note_unread(&mut summary, error)?;
            }
            objects.extend(listing.objects.into_iter().map(|object| (&**source, object)));
        }
        progress.bytes.store(objects.iter().map(|(_, object)| object.stored_bytes).sum(), Ordering::Relaxed);
        progress.objects.store(objects.len() as u64, Ordering::Relaxed);

        let shards: Vec<&[(&dyn Source, Object)]> = objects.chunks(objects.len().div_ceil(MAX_SHARDS).max(1)).collect();
        let queue = AtomicUsize::new(0);
        let merged = Mutex::new(InOrder { next: 0, waiting: BTreeMap::new(), summary: Ok(summary) });
        let work = || {
            let mut worker = Worker::default();
            // Shards are taken in order, so that those that are done never wait long for the ones before them.
            while let Some((index, shard)) = take_next(&queue, &shards) {
                let result = self.read_shard(&mut worker, shard, progress);
                let has_failed = result.is_err();
                merged.lock().unwrap_or_else(PoisonError::into_inner).add(index, result);
                if has_failed {
                    // Nothing behind this shard is needed; those before it are under way.
                    queue.store(shards.len(), Ordering::Relaxed);
                }
            }
        };
        let threads = self.thread_count(shards.len());
        match rayon::ThreadPoolBuilder::new().num_threads(threads).build() {
            Ok(pool) => pool.scope(|scope| (0..threads).for_each(|_| scope.spawn(|_| work()))),
            // A system that gives no more threads still has this one.
            Err(_) => work(),
        }
        // Ctrl-C also ends the program whose output is read here, so what looks like the end of the input may be the interruption.
        if progress.is_cancelled() {
            return Err(ErrorKind::Cancelled.into());
        }
        merged.into_inner().unwrap_or_else(PoisonError::into_inner).summary
    }

    fn thread_count(&self, shards: usize) -> usize {
        let wanted = if self.threads > 0 {
            self.threads
        } else {
            std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get)
        };
        wanted.clamp(1, shards.max(1))
    }

    fn read_shard(&self, worker: &mut Worker, shard: &[(&dyn Source, Object)], progress: &Progress) -> Result<Summary> {
        let mut summary = Summary::default();
        for (source, object) in shard {
            // Objects may be many and hold no line.
            if progress.is_cancelled() {
                return Err(ErrorKind::Cancelled.into());
            }
            self.read_object(worker, *source, object, &mut summary, progress)?;
            progress.objects_done.fetch_add(1, Ordering::Relaxed);
        }
        Ok(summary)
    }

    fn read_object(
        &self,
        worker: &mut Worker,
        source: &dyn Source,
        object: &Object,
        summary: &mut Summary,
        progress: &Progress,
    ) -> Result<()> {
        let Worker { decompressor, buffer, object_bytes, bounds } = worker;
        let stored = AtomicU64::new(0);
        let body = match source.open(object, object_bytes) {
            Ok(Body::Bytes(bytes)) => {
                let count = bytes.len() as u64;
                stored.store(count, Ordering::Relaxed);
                progress.bytes_done.fetch_add(count, Ordering::Relaxed);
                Body::Bytes(bytes)
            }
            Ok(Body::Stream(stream)) => Body::Stream(Box::new(Metered { stream, stored: &stored, progress })),
            Err(error) => return self.note_unread(summary, error),
        };
        let decoder = match Decoder::new(body, decompressor) {
            Ok(decoder) => decoder,
            Err(reason) => return self.note_unread(summary, Error::read(&*object.name, reason)),
        };
        summary.input.objects += 1;
        let node = object.node();
        let mut lines = Lines::new(decoder, buffer);
        while let Some(event) = lines.next_event() {
            let (problem, number, byte, reason) = match event {
                Event::Line { text, .. } if text.trim_ascii().is_empty() => continue,
                Event::Line { text, number, byte } => {
                    if progress.is_cancelled() {
                        return Err(ErrorKind::Cancelled.into());
                    }
                    summary.input.lines += 1;
                    let location = || Location { object: object.name.clone(), line: number, byte };
                    match self.read_line(text, node.as_deref(), bounds, summary, location) {
                        Ok(()) => {
                            summary.input.records += 1;
                            continue;
                        }
                        Err(problem) => {
                            summary.input.unreadable_lines += 1;
                            (recognise(text).unwrap_or(problem), number, byte, None)
                        }
                    }
                }
                Event::TooLong { number, byte } => {
                    summary.input.lines += 1;
                    summary.input.unreadable_lines += 1;
                    (Problem::LineTooLong, number, byte, None)
                }
                Event::Damage { damage, number, .. } => {
                    summary.input.objects_failed += 1;
                    (damage.problem, number, damage.stored_byte, Some(damage.reason.to_string()))
                }
            };
            let at = Location { object: object.name.clone(), line: number, byte };
            self.note(summary, problem, at, reason)?;
        }
        summary.input.bytes_decoded += lines.bytes_decoded();
        drop(lines);
        summary.input.bytes_read += stored.load(Ordering::Relaxed);
        Ok(())
    }

    /// Counts one line. A record that the selection leaves out is read all the same.
    #[inline]
    fn read_line(
        &self,
        line: &[u8],
        node: Option<&[u8]>,
        bounds: &mut Bounds,
        summary: &mut Summary,
        location: impl FnOnce() -> Location,
    ) -> Result<(), Problem> {
        let record: Record<'_, Alb> = Record::parse(line, bounds)?;
        let mut exchange = record.exchange()?;
        // Lines of before 2026 do not name their node, but the object does.
        exchange.node = exchange.node.or(node);
        let admitted =
            self.selection.admits_record(exchange.time, exchange.load_balancer, exchange.target_group, exchange.target);
        if let Err(reason) = admitted {
            *summary.input.records_skipped.entry(reason).or_default() += 1;
            return Ok(());
        }
        let outcome = classify(&exchange);
        let request_line = record.request_line();
        let request = request_line.method.zip(request_line.path());
        summary.observe(&exchange, outcome, request, line, location);
        Ok(())
    }

    fn note(&self, summary: &mut Summary, problem: Problem, at: Location, reason: Option<String>) -> Result<()> {
        if self.is_strict {
            return Err(ErrorKind::Strict { problem, at }.into());
        }
        summary.input.note(problem, at, reason);
        Ok(())
    }

    fn note_unread(&self, summary: &mut Summary, error: Error) -> Result<()> {
        if self.is_strict {
            return Err(error);
        }
        let (object, reason) = match error.kind() {
            ErrorKind::Source { object, source } | ErrorKind::Read { object, source } => {
                (&**object, source.to_string())
            }
            _ => return Err(error),
        };
        summary.input.objects_failed += 1;
        summary.input.note(Problem::Unreadable, Location { object: object.into(), line: 0, byte: 0 }, Some(reason));
        Ok(())
    }
}

/// The next shard that nobody has taken.
fn take_next<'s, T>(queue: &AtomicUsize, shards: &[&'s [T]]) -> Option<(usize, &'s [T])> {
    let index = queue.fetch_add(1, Ordering::Relaxed);
    shards.get(index).map(|shard| (index, *shard))
}

/// What one thread reuses from object to object.
#[derive(Default)]
struct Worker {
    decompressor: Decompressor,
    buffer: Buffer,
    object_bytes: Vec<u8>,
    bounds: Bounds,
}

/// Merges the shards' summaries in the order of the shards, whatever the order in which they are done.
struct InOrder {
    next: usize,
    waiting: BTreeMap<usize, Result<Summary>>,
    summary: Result<Summary>,
}

impl InOrder {
    fn add(&mut self, index: usize, result: Result<Summary>) {
        self.waiting.insert(index, result);
        while let Some(result) = self.waiting.remove(&self.next) {
            self.next += 1;
            match (&mut self.summary, result) {
                (Ok(merged), Ok(summary)) => merged.merge(summary),
                (Ok(_), Err(error)) => self.summary = Err(error),
                // The first error in the order of the input is the one to report.
                (Err(_), _) => {}
            }
        }
    }
}

/// A stream that counts what is read from it.
struct Metered<'a, R> {
    stream: R,
    stored: &'a AtomicU64,
    progress: &'a Progress,
}

impl<R: Read> Read for Metered<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.stream.read(out)?;
        self.stored.fetch_add(count as u64, Ordering::Relaxed);
        self.progress.bytes_done.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

#[cfg(test)]
mod tests;
