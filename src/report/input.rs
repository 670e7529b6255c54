//! The account of the input: what was read, what was left out, and what could not be read.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::aggregate::Summary;
use crate::error::Problem;
use crate::source::FromCache;

/// The account of the input. It is always true that `lines = records + unreadable_lines`. Blank lines are not
/// counted.
#[derive(Clone, Debug, Serialize)]
pub struct Input {
    /// Objects opened.
    pub objects: u64,
    /// Objects left out without being opened, by reason.
    pub objects_skipped: BTreeMap<&'static str, u64>,
    /// Folders left out without listing their objects, by reason; in the JSON only if there are any.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub folders_skipped: BTreeMap<&'static str, u64>,
    /// The part of the input that came from the cache. `None`, and not in the JSON, if there is no cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_cache: Option<Cached>,
    /// Objects that could not be opened or read to their end.
    pub objects_failed: u64,
    /// Bytes as stored.
    pub bytes_read: u64,
    /// Bytes after decoding.
    pub bytes_decoded: u64,
    /// Lines that are not blank.
    pub lines: u64,
    /// Lines that are records of an access log.
    pub records: u64,
    /// Lines that are not records.
    pub unreadable_lines: u64,
    /// Records that the selection left out, by reason.
    pub records_skipped: BTreeMap<&'static str, u64>,
    /// Problems of the input, one row per kind.
    pub problems: Vec<ProblemRow>,
}

impl Input {
    pub(super) fn new(summary: &Summary) -> Self {
        let input = &summary.input;
        let problems = input.problems.iter().map(|(&problem, count)| {
            let of_object = problem.is_of_object();
            ProblemRow {
                problem,
                title: problem.title(),
                lines: if of_object { 0 } else { count.count },
                objects: if of_object { count.count } else { 0 },
                samples: count
                    .samples
                    .iter()
                    .map(|sample| ProblemLocation {
                        object: sample.at.object.to_string(),
                        line: (sample.at.line > 0).then_some(sample.at.line),
                        byte: (sample.at.line > 0).then_some(sample.at.byte),
                        reason: sample.reason.clone(),
                    })
                    .collect(),
            }
        });
        Self {
            objects: input.objects,
            objects_skipped: input.objects_skipped.iter().map(|(reason, &count)| (reason.id(), count)).collect(),
            folders_skipped: input.folders_skipped.iter().map(|(reason, &count)| (reason.id(), count)).collect(),
            from_cache: input.from_cache.map(|FromCache { objects, bytes }| Cached { objects, bytes }),
            objects_failed: input.objects_failed,
            bytes_read: input.bytes_read,
            bytes_decoded: input.bytes_decoded,
            lines: input.lines,
            records: input.records,
            unreadable_lines: input.unreadable_lines,
            records_skipped: input.records_skipped.iter().map(|(reason, &count)| (reason.id(), count)).collect(),
            problems: problems.collect(),
        }
    }
}

/// The part of the input that came from a cache.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Cached {
    /// How many objects.
    pub objects: u64,
    /// Their bytes as stored.
    pub bytes: u64,
}

/// A problem of the input.
#[derive(Clone, Debug, Serialize)]
pub struct ProblemRow {
    /// The kind of problem.
    pub problem: Problem,
    /// A title for people.
    #[serde(skip)]
    pub title: &'static str,
    /// Lines that have it; 0 if it is a problem of objects.
    pub lines: u64,
    /// Objects that have it; 0 if it is a problem of lines.
    pub objects: u64,
    /// Locations of the first few, in the order of the input.
    pub samples: Vec<ProblemLocation>,
}

/// Where a problem was found.
#[derive(Clone, Debug, Serialize)]
pub struct ProblemLocation {
    /// A path, an S3 URL, or `-` for standard input.
    pub object: String,
    /// Line number, from 1; `None` if the object could not be opened.
    pub line: Option<u64>,
    /// Byte offset in the decoded stream; for a problem of an object, in the object as stored. `None` if `line` is.
    pub byte: Option<u64>,
    /// What the operating system or the decoder reported; `None` for lines.
    pub reason: Option<String>,
}
