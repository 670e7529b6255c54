//! What was read, what was left out, and what could not be read.

use std::collections::BTreeMap;

use crate::error::Problem;
use crate::location::Location;
use crate::schema::LogKind;
use crate::source::{FolderSkip, FromCache, RecordSkip, Skip};

/// Samples kept for each problem.
pub const MAX_PROBLEM_SAMPLES: usize = 5;

/// The account of a run's input. `lines = records + unreadable_lines`, always; blank lines are not counted.
#[derive(Clone, Debug, Default)]
pub struct InputAccount {
    /// Objects opened.
    pub objects: u64,
    /// Objects left out without being opened, by reason.
    pub objects_skipped: BTreeMap<Skip, u64>,
    /// Folders left out without being looked into, by reason.
    pub folders_skipped: BTreeMap<FolderSkip, u64>,
    /// How much of the input came from a cache. `None` when there is no cache.
    pub from_cache: Option<FromCache>,
    /// Objects that could not be opened or read to their end, and listings that failed.
    pub objects_failed: u64,
    /// Bytes read, as stored. An object read into memory counts in full, a stream counts the bytes read from it.
    pub bytes_read: u64,
    /// Bytes after decoding.
    pub bytes_decoded: u64,
    /// Lines that are not blank.
    pub lines: u64,
    /// Lines that are records of their object's kind of log, wanted or not.
    pub records: u64,
    /// Lines that are not such records.
    pub unreadable_lines: u64,
    /// Objects, lines and records by the kind of log that their object is.
    pub kinds: BTreeMap<&'static LogKind, KindCounts>,
    /// Records that the selection left out, by reason.
    pub records_skipped: BTreeMap<RecordSkip, u64>,
    /// What was wrong with the input, by kind.
    pub problems: BTreeMap<Problem, ProblemCount>,
}

/// What was read of one kind of log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KindCounts {
    /// Objects opened.
    pub objects: u64,
    /// Lines that are not blank.
    pub lines: u64,
    /// Lines that are records of this kind.
    pub records: u64,
}

/// How often a problem occurred, and where it occurred first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProblemCount {
    /// Lines with the problem, or objects if it is a problem of objects.
    pub count: u64,
    /// The first few occurrences, in the order of the input.
    pub samples: Vec<ProblemSample>,
}

/// One occurrence of a problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProblemSample {
    /// Where it occurred. For a problem of an object, `line` is the line that would have come next, and `byte` is
    /// an offset in the object as stored. Both are 0 if nothing could be opened or listed.
    pub at: Location,
    /// What the operating system or the decoder said; absent for lines.
    pub reason: Option<String>,
}

impl InputAccount {
    /// Counts a problem, and keeps it as a sample if there is room.
    pub fn note(&mut self, problem: Problem, at: Location, reason: Option<String>) {
        self.problems.entry(problem).or_default().add(1, [ProblemSample { at, reason }]);
    }

    /// Counts an object that was read, or as much of it as could be, with its lines and records.
    pub fn add_object(&mut self, kind: &'static LogKind, lines: u64, records: u64) {
        self.objects += 1;
        self.lines += lines;
        self.records += records;
        self.unreadable_lines += lines - records;
        self.kinds.entry(kind).or_default().add(KindCounts { objects: 1, lines, records });
    }

    /// Adds an account of input that comes after this one's.
    pub fn merge(&mut self, other: Self) {
        self.objects += other.objects;
        self.objects_failed += other.objects_failed;
        self.bytes_read += other.bytes_read;
        self.bytes_decoded += other.bytes_decoded;
        self.lines += other.lines;
        self.records += other.records;
        self.unreadable_lines += other.unreadable_lines;
        for (kind, counts) in other.kinds {
            self.kinds.entry(kind).or_default().add(counts);
        }
        for (reason, objects) in other.objects_skipped {
            *self.objects_skipped.entry(reason).or_default() += objects;
        }
        for (reason, folders) in other.folders_skipped {
            *self.folders_skipped.entry(reason).or_default() += folders;
        }
        if let Some(theirs) = other.from_cache {
            let mine = self.from_cache.get_or_insert_default();
            mine.objects += theirs.objects;
            mine.bytes += theirs.bytes;
        }
        for (reason, records) in other.records_skipped {
            *self.records_skipped.entry(reason).or_default() += records;
        }
        for (problem, theirs) in other.problems {
            self.problems.entry(problem).or_default().add(theirs.count, theirs.samples);
        }
    }
}

impl KindCounts {
    fn add(&mut self, other: Self) {
        self.objects += other.objects;
        self.lines += other.lines;
        self.records += other.records;
    }
}

impl ProblemCount {
    fn add(&mut self, count: u64, samples: impl IntoIterator<Item = ProblemSample>) {
        self.count += count;
        let room = MAX_PROBLEM_SAMPLES.saturating_sub(self.samples.len());
        self.samples.extend(samples.into_iter().take(room));
    }
}
