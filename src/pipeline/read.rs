//! Reads one object after another: opens, decodes and splits it, and passes each of its records to a [`Collect`].

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Progress, ReadOptions};
use crate::aggregate::{InputAccount, Summary};
use crate::classify::{Exchange, Outcome, classify};
use crate::decode::{Body, Buffer, Decoder, Decompressor};
use crate::error::{Error, ErrorKind, Problem, Result};
use crate::kind::{Alb, recognise};
use crate::location::Location;
use crate::record::{Bounds, Event, Lines, Record};
use crate::source::{Fetch, Object, Source};

/// A record that the selection admits, with its meaning.
pub struct Seen<'a> {
    /// Its fields.
    pub record: &'a Record<'a, Alb>,
    /// Its fields as values. The node may come from the object's name.
    pub exchange: &'a Exchange<'a>,
    /// How the request ended.
    pub outcome: Outcome,
    /// The line, without its line break.
    pub line: &'a [u8],
    /// The object's name.
    pub object: &'a Arc<str>,
    /// Line number in the object, from 1.
    pub number: u64,
    /// Offset of the line's first byte in the decoded object.
    pub byte: u64,
}

impl Seen<'_> {
    /// The location of the line.
    #[must_use]
    pub fn location(&self) -> Location {
        Location { object: self.object.clone(), line: self.number, byte: self.byte }
    }
}

/// Collects the records of one shard.
pub trait Collect: Send {
    /// Takes in a record. Records of an object come in the order of its lines.
    ///
    /// # Errors
    /// Any error ends the run.
    fn observe(&mut self, seen: &Seen<'_>) -> Result<()>;
}

impl Collect for Summary {
    #[inline]
    fn observe(&mut self, seen: &Seen<'_>) -> Result<()> {
        self.observe(seen.exchange, seen.outcome, seen.line, || seen.location());
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
pub(super) struct Reader<'r> {
    pub(super) options: &'r ReadOptions,
    pub(super) progress: &'r Progress,
}

impl Reader<'_> {
    /// Reads an object to its end. `fetch` is the object's fetch, if one was begun.
    pub(super) fn read_object<P: Collect>(
        &self,
        worker: &mut Worker,
        source: &dyn Source,
        object: &Object,
        fetch: Option<Fetch>,
        account: &mut InputAccount,
        part: &mut P,
    ) -> Result<()> {
        let Self { options, progress } = *self;
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
        account.objects += 1;
        let node = object.node();
        let mut lines = Lines::new(decoder, buffer);
        while let Some(event) = lines.next_event() {
            let (problem, number, byte, reason) = match event {
                Event::Line { text, .. } if text.trim_ascii().is_empty() => continue,
                Event::Line { text, number, byte } => {
                    if progress.is_cancelled() {
                        return Err(ErrorKind::Cancelled.into());
                    }
                    account.lines += 1;
                    match self.read_line((text, number, byte), &object.name, node.as_deref(), bounds, account, part) {
                        Ok(observed) => {
                            account.records += 1;
                            observed?;
                            continue;
                        }
                        Err(problem) => {
                            account.unreadable_lines += 1;
                            (recognise(text).unwrap_or(problem), number, byte, None)
                        }
                    }
                }
                Event::TooLong { number, byte } => {
                    account.lines += 1;
                    account.unreadable_lines += 1;
                    (Problem::LineTooLong, number, byte, None)
                }
                Event::Damage { damage, number, .. } => {
                    account.objects_failed += 1;
                    (damage.problem, number, damage.stored_byte, Some(damage.reason.to_string()))
                }
            };
            let at = Location { object: object.name.clone(), line: number, byte };
            options.note(account, problem, at, reason)?;
        }
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

    /// Reads one line and passes its record on if the selection admits it. A record that the selection leaves out
    /// must be readable too.
    ///
    /// The outer error is what is wrong with the line, the inner one is from the part.
    #[inline]
    fn read_line<P: Collect>(
        &self,
        (line, number, byte): (&[u8], u64, u64),
        object: &Arc<str>,
        node: Option<&[u8]>,
        bounds: &mut Bounds,
        account: &mut InputAccount,
        part: &mut P,
    ) -> Result<Result<()>, Problem> {
        let record: Record<'_, Alb> = Record::parse(line, bounds)?;
        let mut exchange = record.exchange()?;
        // Lines from before 2026 do not name their node, but the object's name does.
        exchange.node = exchange.node.or(node);
        let selection = &self.options.selection;
        let admitted =
            selection.admits_record(exchange.time, exchange.load_balancer, exchange.target_group, exchange.target);
        if let Err(reason) = admitted {
            *account.records_skipped.entry(reason).or_default() += 1;
            return Ok(Ok(()));
        }
        let outcome = classify(&exchange);
        Ok(part.observe(&Seen { record: &record, exchange: &exchange, outcome, line, object, number, byte }))
    }
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
