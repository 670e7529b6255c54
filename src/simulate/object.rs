//! Packs lines into objects: one for each node and five minutes, gzip with several members.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use flate2::{Compression, GzBuilder};

use super::manifest;
use super::rng::Rng;
use super::time::{Micros, SECOND};
use crate::durable_file::{self, DurableFile, FileOptions, Publishing, TemporaryName};
use crate::error::{Error, Result};
use crate::timestamp::{Civil, Timestamp};

/// Length of the interval an object covers.
pub(super) const INTERVAL: Micros = 300 * SECOND;

/// Every line is logged within this time of its `time` field, so an object is complete this long after its interval.
const GRACE: Micros = SECOND;

/// Receives the output of a simulation, in order of time.
pub trait SimulationSink {
    /// One log object: its S3 key, beginning with `AWSLogs/`, and its gzip bytes.
    ///
    /// # Errors
    /// Any error from storing the object; it ends the simulation.
    fn object(&mut self, key: &str, gz: Vec<u8>) -> Result<()>;

    /// The truth about one failed request: a JSON object on one line, without the newline.
    ///
    /// # Errors
    /// Any error from storing the line; it ends the simulation.
    fn truth(&mut self, line: &str) -> Result<()>;

    /// The parameters and the timeline of the run: one JSON object on several lines. Called once, before all else.
    ///
    /// # Errors
    /// Any error from storing it; it ends the simulation.
    fn what_happened(&mut self, json: &str) -> Result<()>;
}

/// Keeps everything in memory, for tests and benchmarks.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// S3 keys and gzip bytes, in order of writing.
    pub objects: Vec<(String, Vec<u8>)>,
    /// The truth: one JSON line for each failed request, in the order in which the requests were logged.
    pub truth: Vec<String>,
    /// The parameters and the timeline of the run, as JSON.
    pub what_happened: String,
}

impl SimulationSink for Memory {
    fn object(&mut self, key: &str, gz: Vec<u8>) -> Result<()> {
        self.objects.push((key.to_owned(), gz));
        Ok(())
    }

    fn truth(&mut self, line: &str) -> Result<()> {
        self.truth.push(line.to_owned());
        Ok(())
    }

    fn what_happened(&mut self, json: &str) -> Result<()> {
        json.clone_into(&mut self.what_happened);
        Ok(())
    }
}

/// Writes into a folder: the objects under their keys, beside them `truth.jsonl` and `what-happened.json`.
///
/// Files appear under their names only when they are complete.
pub(super) struct Directory {
    root: PathBuf,
    truth: DurableFile,
}

impl Directory {
    const TRUTH: &str = "truth.jsonl";

    /// There may be many objects, and they are easily simulated again.
    const OBJECT_OPTIONS: FileOptions =
        FileOptions { temporary_name: TemporaryName::Unique, is_synced: false, is_private: false };

    /// Creates the folder if it does not exist.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Write`] when it cannot be created, or when it already holds logs or a `truth.jsonl`.
    pub(super) fn create(root: &Path) -> Result<Self> {
        let logs = root.join("AWSLogs");
        let held = fs::read_dir(&logs).is_ok_and(|mut entries| entries.next().is_some());
        let truth = root.join(Self::TRUTH);
        if held || truth.exists() {
            let reason = "it already holds simulated logs; choose an empty folder, or remove AWSLogs and truth.jsonl";
            return Err(Error::write(shown(root), io::Error::new(io::ErrorKind::AlreadyExists, reason)));
        }
        fs::create_dir_all(&logs).map_err(|source| Error::write(shown(&logs), source))?;
        let truth = FileOptions::default().create(&truth).map_err(|source| Error::write(shown(&truth), source))?;
        Ok(Self { root: root.to_owned(), truth })
    }

    /// Gives `truth.jsonl` its final name.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Write`] when the file system refuses.
    pub(super) fn finish(self) -> Result<()> {
        let published = self.truth.close().and_then(|truth| truth.publish(&mut Publishing::begin()));
        published.map_err(|source| Error::write(shown(&self.root.join(Self::TRUTH)), source))
    }
}

impl SimulationSink for Directory {
    fn object(&mut self, key: &str, gz: Vec<u8>) -> Result<()> {
        let path = self.root.join(key);
        let write = || {
            fs::create_dir_all(path.parent().unwrap_or(&self.root))?;
            let mut file = Self::OBJECT_OPTIONS.create(&path)?;
            file.write_all(&gz)?;
            file.close()?.publish(&mut Publishing::begin())
        };
        write().map_err(|source| Error::write(shown(&path), source))
    }

    fn truth(&mut self, line: &str) -> Result<()> {
        self.truth
            .write_all(line.as_bytes())
            .and_then(|()| self.truth.write_all(b"\n"))
            .map_err(|source| Error::write(shown(&self.root.join(Self::TRUTH)), source))
    }

    fn what_happened(&mut self, json: &str) -> Result<()> {
        let path = self.root.join(manifest::FILE);
        durable_file::write(&path, |out| out.write_all(json.as_bytes()))
            .map_err(|source| Error::write(shown(&path), source))
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// How objects are named and packed.
pub(super) struct Packing {
    /// The start of an object's file name, up to the time: `<account>_elasticloadbalancing_<region>_app.<name>.<id>`.
    pub(super) stem: String,
    /// `AWSLogs/<account>/elasticloadbalancing/<region>`.
    pub(super) folder: String,
    /// The nodes' addresses.
    pub(super) nodes: Vec<String>,
    /// The compression level, 0–9.
    pub(super) level: u32,
}

/// The objects being filled, and counts of those handed over.
pub(super) struct Objects<'a> {
    packing: Packing,
    sink: &'a mut dyn SimulationSink,
    rng: Rng,
    /// By end of interval, then node, which is the order in which objects are handed over.
    open: BTreeMap<(Micros, usize), OpenObject>,
    next_flush: Micros,
    pub(super) handed_over: u64,
    pub(super) lines: u64,
    pub(super) bytes: u64,
    pub(super) bytes_decoded: u64,
}

struct OpenObject {
    /// Text that has not been compressed into a member yet.
    block: Vec<u8>,
    /// Size in bytes at which the block becomes a member.
    limit: usize,
    gz: Vec<u8>,
}

impl<'a> Objects<'a> {
    pub(super) fn new(packing: Packing, sink: &'a mut dyn SimulationSink, rng: Rng) -> Self {
        Self {
            packing,
            sink,
            rng,
            open: BTreeMap::new(),
            next_flush: Micros::MIN,
            handed_over: 0,
            lines: 0,
            bytes: 0,
            bytes_decoded: 0,
        }
    }

    /// Adds one line to the node's object for the interval that contains `time`. `write` appends the line and newline.
    pub(super) fn line(&mut self, node: usize, time: Micros, write: impl FnOnce(&mut Vec<u8>)) -> Result<()> {
        let end = (time.div_euclid(INTERVAL) + 1) * INTERVAL;
        let rng = &mut self.rng;
        let object = self.open.entry((end, node)).or_insert_with(|| OpenObject {
            block: Vec::new(),
            limit: member_size(rng),
            gz: Vec::new(),
        });
        let before = object.block.len();
        write(&mut object.block);
        self.lines += 1;
        self.bytes_decoded += (object.block.len() - before) as u64;
        // A member ends at the size drawn for it, possibly in the middle of a line, as in objects that AWS writes.
        while object.block.len() >= object.limit {
            add_member(&mut object.gz, &object.block[..object.limit], self.packing.level)?;
            object.block.drain(..object.limit);
            object.limit = member_size(&mut self.rng);
        }
        Ok(())
    }

    pub(super) fn truth(&mut self, line: &str) -> Result<()> {
        self.sink.truth(line)
    }

    /// Hands over the objects that can get no more lines.
    pub(super) fn flush(&mut self, now: Micros) -> Result<()> {
        if now < self.next_flush {
            return Ok(());
        }
        while let Some(entry) = self.open.first_entry() {
            let (end, node) = *entry.key();
            if end + GRACE > now {
                self.next_flush = end + GRACE;
                return Ok(());
            }
            let object = entry.remove();
            self.hand_over(end, node, object)?;
        }
        // No object is open, and none opened later is complete before the current interval ends.
        self.next_flush = (now.div_euclid(INTERVAL) + 1) * INTERVAL;
        Ok(())
    }

    /// Hands over the remaining objects.
    pub(super) fn finish(&mut self) -> Result<()> {
        while let Some(((end, node), object)) = self.open.pop_first() {
            self.hand_over(end, node, object)?;
        }
        Ok(())
    }

    fn hand_over(&mut self, end: Micros, node: usize, mut object: OpenObject) -> Result<()> {
        if !object.block.is_empty() {
            add_member(&mut object.gz, &object.block, self.packing.level)?;
        }
        let Civil { date: (year, month, day), clock: (hour, minute, _), .. } = Timestamp::from_micros(end).into();
        let Packing { folder, stem, nodes, .. } = &self.packing;
        let random: String = (0..8).map(|_| char::from(ALPHABET[self.rng.index(ALPHABET.len())])).collect();
        let key = format!(
            "{folder}/{year:04}/{month:02}/{day:02}/{stem}_{year:04}{month:02}{day:02}T{hour:02}{minute:02}Z_{}_{random}.log.gz",
            nodes[node],
        );
        self.handed_over += 1;
        self.bytes += object.gz.len() as u64;
        self.sink.object(&key, object.gz)
    }
}

/// The characters of the random part of a key.
const ALPHABET: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// The size of the next member in uncompressed bytes.
fn member_size(rng: &mut Rng) -> usize {
    48 * 1024 + rng.below(144 * 1024) as usize
}

fn add_member(gz: &mut Vec<u8>, text: &[u8], level: u32) -> Result<()> {
    let mut encoder = GzBuilder::new().mtime(0).write(std::mem::take(gz), Compression::new(level));
    encoder
        .write_all(text)
        .and_then(|()| encoder.finish())
        .map(|written| *gz = written)
        .map_err(|source| Error::write("a gzip member", source))
}
