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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kind::LOG_KINDS;

    /// What may happen while input is read.
    #[derive(Clone, Debug)]
    enum InputEvent {
        Object { kind: usize, records: u64, unreadable: u64 },
        Problem(Problem),
        SkippedObject(Skip),
        SkippedFolder(FolderSkip),
        SkippedRecord(RecordSkip),
        Cached(u64),
    }

    fn events() -> impl Strategy<Value = Vec<InputEvent>> {
        let problems = vec![Problem::Quoting, Problem::Unreadable, Problem::OtherLog(LOG_KINDS[1])];
        let skips = vec![Skip::NotALog, Skip::OtherKind(LOG_KINDS[1]), Skip::OtherKind(LOG_KINDS[2])];
        let event = prop_oneof![
            (0..2_usize, 0..9_u64, 0..3_u64).prop_map(|(kind, records, unreadable)| InputEvent::Object {
                kind,
                records,
                unreadable
            }),
            prop::sample::select(problems).prop_map(InputEvent::Problem),
            prop::sample::select(skips).prop_map(InputEvent::SkippedObject),
            prop::sample::select(vec![FolderSkip::OtherService, FolderSkip::OutsideWindow])
                .prop_map(InputEvent::SkippedFolder),
            prop::sample::select(RecordSkip::ALL.to_vec()).prop_map(InputEvent::SkippedRecord),
            (0..9_u64).prop_map(InputEvent::Cached),
        ];
        prop::collection::vec(event, 0..40)
    }

    /// The events have the numbers of their places in the input, from `first` on.
    fn of(events: &[InputEvent], first: u64) -> InputAccount {
        let mut account = InputAccount::default();
        for (line, event) in (first..).zip(events) {
            match event.clone() {
                InputEvent::Object { kind, records, unreadable } => {
                    account.add_object(LOG_KINDS[kind], records + unreadable, records);
                    account.bytes_read += 10;
                    account.bytes_decoded += 30;
                }
                InputEvent::Problem(problem) => {
                    account.objects_failed += u64::from(problem.is_of_object());
                    account.note(problem, Location { object: "o".into(), line, byte: 0 }, None);
                }
                InputEvent::SkippedObject(reason) => *account.objects_skipped.entry(reason).or_default() += 1,
                InputEvent::SkippedFolder(reason) => *account.folders_skipped.entry(reason).or_default() += 1,
                InputEvent::SkippedRecord(reason) => *account.records_skipped.entry(reason).or_default() += 1,
                InputEvent::Cached(bytes) => {
                    let cached = account.from_cache.get_or_insert_default();
                    cached.objects += 1;
                    cached.bytes += bytes;
                }
            }
        }
        account
    }

    proptest! {
        #[test]
        fn accounts_of_parts_merged_in_order_are_the_account_of_the_whole(events in events(), half in 0..40_usize) {
            let (one, other) = events.split_at(half.min(events.len()));
            let mut merged = of(one, 0);
            merged.merge(of(other, one.len() as u64));
            let whole = of(&events, 0);
            prop_assert_eq!(format!("{merged:?}"), format!("{whole:?}"));
            prop_assert_eq!(whole.lines, whole.records + whole.unreadable_lines);
            prop_assert_eq!(whole.lines, whole.kinds.values().map(|counts| counts.lines).sum::<u64>());
            for (problem, count) in &merged.problems {
                let is_it = |event: &InputEvent| matches!(event, InputEvent::Problem(of) if of == problem);
                let places = events.iter().zip(0..).filter(|(event, _)| is_it(event));
                let places: Vec<u64> = places.map(|(_, place)| place).collect();
                prop_assert_eq!(count.count, places.len() as u64);
                let kept: Vec<u64> = count.samples.iter().map(|sample| sample.at.line).collect();
                prop_assert_eq!(&kept[..], &places[..places.len().min(MAX_PROBLEM_SAMPLES)]);
            }
        }
    }
}
