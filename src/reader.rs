//! Reads one log, record by record, in a plain loop.

use std::fs::File;
use std::io::Read;
use std::iter::FusedIterator;
use std::marker::PhantomData;
use std::path::Path;
use std::sync::Arc;

use crate::classify::{Exchange, Outcome, classify};
use crate::decode::{Buffer, Decoder};
use crate::error::{Error, Problem, Result};
use crate::kind::{self, Alb};
use crate::location::Location;
use crate::record::{Bounds, Event, Lines, ReadKind, Record};
use crate::source::ObjectKey;

/// Reads the records of one log from anything that can be read: a file, a pipe, bytes in memory.
///
/// It is an iterator of [`OwnedRecord`]s. The log's first two bytes say whether it is gzip or plain text; its name does
/// not matter. Blank lines are skipped.
///
/// ```
/// use albscope::Reader;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = "sample-logs/AWSLogs/123456789012/elasticloadbalancing/eu-west-1/2026/11/18";
/// # let path = std::fs::read_dir(folder)?.next().ok_or("no log")??.path();
/// let mut failures = 0;
/// for record in Reader::open(&path)? {
///     let record = record?;
///     if record.outcome().is_failure() {
///         println!("{}: {}", record.location(), record.outcome().title());
///         failures += 1;
///     }
/// }
/// println!("{failures} requests failed");
/// # Ok(())
/// # }
/// ```
///
/// # Lines that cannot be read
///
/// A line that is not a record is an `Err` of [`ErrorKind::Input`](crate::ErrorKind::Input), which has a [`Problem`]
/// and a [`Location`]. The next item is of the line after it, so a loop can count such lines and go on:
///
/// ```
/// use albscope::Reader;
/// # use albscope::record::ReadKind;
///
/// # fn main() -> albscope::Result<()> {
/// # let line = albscope::kind::Alb::KIND.sample_line;
/// let log = format!("{line}\nnot a record\n{line}\n");
/// let (mut records, mut problems) = (0, Vec::new());
/// for record in Reader::new(log.as_bytes())? {
///     match record {
///         Ok(_) => records += 1,
///         Err(error) => problems.push(error.to_string()),
///     }
/// }
/// assert_eq!(records, 2);
/// assert_eq!(problems, [format!("line with too few fields for an access log: -:2 (byte {})", line.len() + 1)]);
/// # Ok(())
/// # }
/// ```
///
/// If the log is damaged, or if reading it fails, the last item is an `Err`. It comes after all whole lines.
///
/// # Cost
///
/// A record owns its line, which is one allocation and one copy per line. [`ReadOptions`](crate::ReadOptions) has no
/// such cost, and reads whole folders and buckets in parallel.
pub struct Reader<'a, K = Alb> {
    lines: Lines<'a, Buffer>,
    log: Arc<LogName>,
    kind: PhantomData<K>,
}

/// The name of a log, and what it says about the log's lines.
#[derive(Debug)]
struct LogName {
    object: Arc<str>,
    /// The address of the load balancer node. Absent if the name has none.
    node: Option<Box<[u8]>>,
}

/// A record of a log of kind `K` that owns its line.
#[derive(Clone, Debug)]
pub struct OwnedRecord<K = Alb> {
    line: Box<[u8]>,
    bounds: Bounds,
    number: u64,
    byte: u64,
    log: Arc<LogName>,
    kind: PhantomData<K>,
}

impl<'a> Reader<'a> {
    /// Reads an access log. Its locations call it `-`.
    ///
    /// # Errors
    /// [`ErrorKind::Read`](crate::ErrorKind::Read) if the first bytes cannot be read.
    pub fn new(log: impl Read + 'a) -> Result<Self> {
        Self::of_kind(log, "-")
    }

    /// Reads an access log that has a name: see [`Reader::of_kind`].
    ///
    /// # Errors
    /// [`ErrorKind::Read`](crate::ErrorKind::Read) if the first bytes cannot be read.
    pub fn named(log: impl Read + 'a, name: &str) -> Result<Self> {
        Self::of_kind(log, name)
    }

    /// Opens a file that holds an access log.
    ///
    /// # Errors
    /// [`ErrorKind::Source`](crate::ErrorKind::Source) if the file cannot be opened,
    /// [`ErrorKind::Read`](crate::ErrorKind::Read) if its first bytes cannot be read.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let name = path.as_ref().to_string_lossy();
        let file = File::open(path.as_ref()).map_err(|reason| Error::source(&*name, reason))?;
        Self::of_kind(file, &name)
    }
}

impl<'a, K: ReadKind> Reader<'a, K> {
    /// Reads a log of kind `K`. `name` is a path or a URL, and locations have it. If its last part is the name that AWS
    /// gave the object, lines that do not name their load balancer node get the node from there.
    ///
    /// # Errors
    /// [`ErrorKind::Read`](crate::ErrorKind::Read) if the first bytes cannot be read.
    pub fn of_kind(log: impl Read + 'a, name: &str) -> Result<Self> {
        let decoder = Decoder::of_stream(log).map_err(|reason| Error::read(name, reason))?;
        let key = name.rsplit(['/', '\\']).next().and_then(ObjectKey::parse);
        let node = key.and_then(|key| key.node_address()).map(Into::into);
        let log = Arc::new(LogName { object: name.into(), node });
        Ok(Self { lines: Lines::new(decoder, Buffer::new()), log, kind: PhantomData })
    }
}

impl<K: ReadKind> Iterator for Reader<'_, K> {
    type Item = Result<OwnedRecord<K>>;

    fn next(&mut self) -> Option<Self::Item> {
        let Self { lines, log, .. } = self;
        let at = |line, byte| Location { object: log.object.clone(), line, byte };
        let problem = |problem, at, reason| Some(Err(Error::input(problem, at, reason)));
        loop {
            let (text, number, byte) = match lines.next_event()? {
                Event::Line { text, .. } if text.trim_ascii().is_empty() => continue,
                Event::Line { text, number, byte } => (text, number, byte),
                Event::TooLong { number, byte } => return problem(Problem::LineTooLong, at(number, byte), None),
                Event::Damage { damage, number, .. } => {
                    return problem(damage.problem, at(number, damage.stored_byte), Some(damage.reason));
                }
            };
            let mut bounds = Bounds::default();
            let parsed = Record::<K>::parse(text, &mut bounds)
                .and_then(|record| K::values(&record, log.node.as_deref()).map(drop));
            return match parsed {
                Ok(()) => {
                    let log = log.clone();
                    Some(Ok(OwnedRecord { line: text.into(), bounds, number, byte, log, kind: PhantomData }))
                }
                Err(reason) => problem(kind::problem_of(text, K::KIND, reason), at(number, byte), None),
            };
        }
    }
}

impl<K: ReadKind> FusedIterator for Reader<'_, K> {}

impl<K: ReadKind> OwnedRecord<K> {
    /// The fields, each with a getter.
    #[must_use]
    pub fn record(&self) -> Record<'_, K> {
        Record::of_parsed(&self.line, &self.bounds)
    }

    /// The line as it was logged, without its line break.
    #[must_use]
    pub fn line(&self) -> &[u8] {
        &self.line
    }

    /// Where the line is.
    #[must_use]
    pub fn location(&self) -> Location {
        Location { object: self.log.object.clone(), line: self.number, byte: self.byte }
    }
}

impl OwnedRecord {
    /// Who answered the request, and how it ended.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        classify(&self.exchange())
    }

    /// What classification and diagnosis need of the record.
    #[must_use]
    pub fn exchange(&self) -> Exchange<'_> {
        match Alb::values(&self.record(), self.log.node.as_deref()) {
            Ok(exchange) => exchange,
            Err(_) => unreachable!("the line was checked when it was read"),
        }
    }
}

#[cfg(test)]
mod tests;
