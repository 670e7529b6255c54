//! Reads one object after another: opens, decodes and splits it, and passes each of its records to a [`Collector`].

use std::io::{self, Read};
use std::sync::atomic::{AtomicU64, Ordering};

use super::options::ReadOptions;
use super::progress::Progress;
use crate::aggregate::{InputAccount, Summary};
use crate::decode::{Body, Buffer, Decoder, Decompressor};
use crate::error::{Error, ErrorKind, Problem, Result};
use crate::kind::{self, AnyRecord, KindVisitor};
use crate::location::Location;
use crate::record::{Bounds, Event, Lines, ReadKind, Record};
use crate::source::{Fetch, Object, Source};

/// A record that the selection admits, and where it is.
pub struct SelectedRecord<'a> {
    /// The record with its values, by its kind of log.
    pub record: AnyRecord<'a>,
    /// The line, without its line break.
    pub line: &'a [u8],
    /// The object that has the line.
    pub object: &'a Object,
    /// Line number in the object, from 1.
    pub number: u64,
    /// Offset of the line's first byte in the decoded object.
    pub byte: u64,
}

impl SelectedRecord<'_> {
    /// The location of the line.
    #[must_use]
    pub fn location(&self) -> Location {
        Location { object: self.object.name.clone(), line: self.number, byte: self.byte }
    }
}

/// Collects the records of one shard.
pub trait Collector: Send {
    /// Takes in a record. Records of an object come in the order of its lines.
    ///
    /// # Errors
    /// Any error ends the run.
    fn observe(&mut self, selected: &SelectedRecord<'_>) -> Result<()>;
}

impl Collector for Summary {
    #[inline]
    fn observe(&mut self, selected: &SelectedRecord<'_>) -> Result<()> {
        let AnyRecord::Access(request) = selected.record;
        self.observe(request.exchange, request.outcome, selected.line, || selected.location());
        Ok(())
    }
}

/// What one thread reuses from object to object.
#[derive(Default)]
pub(super) struct Worker {
    decompressor: Decompressor,
    buffer: Buffer,
    object_bytes: Vec<u8>,
    bounds: Bounds,
}

/// Reads objects for a run.
#[derive(Clone, Copy)]
pub(super) struct ObjectReader<'r> {
    pub(super) options: &'r ReadOptions,
    pub(super) progress: &'r Progress,
}

impl ObjectReader<'_> {
    /// Reads an object to its end. `fetch` is the object's fetch, if one was begun.
    pub(super) fn read_object<C: Collector>(
        &self,
        worker: &mut Worker,
        source: &dyn Source,
        object: &Object,
        fetch: Option<Fetch>,
        account: &mut InputAccount,
        collector: &mut C,
    ) -> Result<()> {
        let progress = self.progress;
        // Each line checks this too, but there may be many objects without lines.
        if progress.is_cancelled() {
            return Err(ErrorKind::Cancelled.into());
        }
        let Worker { decompressor, buffer, object_bytes, bounds } = worker;
        let opened = match fetch {
            Some(fetch) => fetch.wait(&object.name, object_bytes),
            None => source.open(object, object_bytes),
        };
        let stored = AtomicU64::new(0);
        let body = match opened {
            Ok(Body::Bytes(bytes)) => {
                let count = bytes.len() as u64;
                stored.store(count, Ordering::Relaxed);
                progress.bytes_done.fetch_add(count, Ordering::Relaxed);
                Body::Bytes(bytes)
            }
            Ok(Body::Stream(stream)) => Body::Stream(Box::new(Metered { stream, stored: &stored, progress })),
            Err(error) => return self.unread(account, error),
        };
        let decoder = match Decoder::new(body, decompressor) {
            Ok(decoder) => decoder,
            Err(reason) => return self.unread(account, Error::read(&*object.name, reason)),
        };
        let mut lines = Lines::new(decoder, buffer);
        let kind = kind::of_object(object.key().map(|key| key.kind), lines.peek());
        let loop_over_lines =
            LineLoop { reader: *self, lines: &mut lines, object, node: object.node(), bounds, account, collector };
        let (line_count, record_count) = kind::visit(kind, loop_over_lines)?;
        account.add_object(kind, line_count, record_count);
        account.bytes_decoded += lines.bytes_decoded();
        drop(lines);
        account.bytes_read += stored.load(Ordering::Relaxed);
        progress.objects_done.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn unread(&self, account: &mut InputAccount, error: Error) -> Result<()> {
        self.progress.objects_done.fetch_add(1, Ordering::Relaxed);
        self.options.note_unread(account, error)
    }
}

/// Reads the lines of one object as records of one kind.
struct LineLoop<'o, 'd, C> {
    reader: ObjectReader<'o>,
    lines: &'o mut Lines<'d>,
    object: &'o Object,
    /// The address of the load balancer node that the object's name has.
    node: Option<&'o [u8]>,
    bounds: &'o mut Bounds,
    account: &'o mut InputAccount,
    collector: &'o mut C,
}

impl<C: Collector> KindVisitor for LineLoop<'_, '_, C> {
    /// How many lines there are, and how many of them are records.
    type Output = Result<(u64, u64)>;

    fn visit<K>(self) -> Result<(u64, u64)>
    where
        K: ReadKind,
        for<'a> AnyRecord<'a>: From<K::Logged<'a>>,
    {
        let Self { reader: ObjectReader { options, progress }, lines, object, node, bounds, account, collector } = self;
        let (mut line_count, mut record_count) = (0, 0);
        while let Some(event) = lines.next_event() {
            let (problem, number, byte, reason) = match event {
                Event::Line { text, .. } if text.trim_ascii().is_empty() => continue,
                Event::Line { text, number, byte } => {
                    if progress.is_cancelled() {
                        return Err(ErrorKind::Cancelled.into());
                    }
                    line_count += 1;
                    match read_line::<K, C>(options, (text, number, byte), object, node, bounds, account, collector) {
                        Ok(observed) => {
                            record_count += 1;
                            observed?;
                            continue;
                        }
                        Err(problem) => (kind::problem_of(text, K::KIND, problem), number, byte, None),
                    }
                }
                Event::TooLong { number, byte } => {
                    line_count += 1;
                    (Problem::LineTooLong, number, byte, None)
                }
                Event::Damage { damage, number, .. } => {
                    account.objects_failed += 1;
                    (damage.problem, number, damage.stored_byte, Some(damage.reason))
                }
            };
            let at = Location { object: object.name.clone(), line: number, byte };
            options.note(account, problem, at, reason)?;
        }
        Ok((line_count, record_count))
    }
}

/// Reads one line and passes its record on if the selection admits it. A record that the selection leaves out must be
/// readable too.
///
/// The outer error is what is wrong with the line, the inner one is from the collector.
#[inline]
fn read_line<K, C: Collector>(
    options: &ReadOptions,
    (line, number, byte): (&[u8], u64, u64),
    object: &Object,
    node: Option<&[u8]>,
    bounds: &mut Bounds,
    account: &mut InputAccount,
    collector: &mut C,
) -> Result<Result<()>, Problem>
where
    K: ReadKind,
    for<'a> AnyRecord<'a>: From<K::Logged<'a>>,
{
    let record: Record<'_, K> = Record::parse(line, bounds)?;
    let values = K::values(&record, node)?;
    if let Err(reason) = options.selection.check_record(&K::selection_fields(&values)) {
        *account.records_skipped.entry(reason).or_default() += 1;
        return Ok(Ok(()));
    }
    let record = AnyRecord::from(K::logged(record, &values));
    Ok(collector.observe(&SelectedRecord { record, line, object, number, byte }))
}

/// A stream that counts the bytes read from it.
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
