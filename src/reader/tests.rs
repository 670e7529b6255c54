use std::cell::Cell;
use std::io::{self, Write};
use std::rc::Rc;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;

use super::*;
use crate::error::ErrorKind;
use crate::pipeline::{Collector, Progress, ReadOptions, SelectedRecord, Shards};
use crate::record::MAX_LINE_BYTES;
use crate::source::from_input;

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).expect("memory does not fail");
    encoder.finish().expect("memory does not fail")
}

fn sample() -> &'static str {
    Alb::KIND.sample_line
}

/// What a loop over a log sees: the line number of each record, or its error.
fn items_of(log: &[u8]) -> Vec<Result<u64, String>> {
    let reader = Reader::new(log).expect("memory does not fail");
    reader.map(|record| record.map(|record| record.location().line).map_err(|error| error.to_string())).collect()
}

#[test]
fn plain_text_and_gzip_of_many_members_give_the_same_records() {
    let line = sample();
    let text = format!("{line}\n\n{line}\r\n \n{line}");
    let expected = [Ok(1), Ok(3), Ok(5)];
    assert_eq!(items_of(text.as_bytes()), expected);
    assert_eq!(items_of(&gzip(text.as_bytes())), expected);
    let members: Vec<u8> = text.as_bytes().chunks(100).flat_map(gzip).collect();
    assert_eq!(items_of(&members), expected);
}

#[test]
fn a_record_has_its_line_its_location_its_fields_and_its_outcome() {
    let text = format!("\n{}\n", sample());
    let mut reader = Reader::named(text.as_bytes(), "logs/a.log").expect("memory does not fail");
    let record = reader.next().expect("a line").expect("a record");
    assert!(reader.next().is_none() && reader.next().is_none());
    assert_eq!(record.line(), sample().as_bytes());
    assert_eq!(record.location(), Location { object: "logs/a.log".into(), line: 2, byte: 1 });
    assert_eq!(record.record().elb_status_code(), Ok(Some(200)));
    assert_eq!(record.outcome(), Outcome::Ok);
    assert_eq!(record.exchange().method, Some(b"GET".as_slice()));
    assert_eq!(record.exchange().node, None);
}

#[test]
fn the_node_of_an_older_line_comes_from_the_object_s_name() {
    let name = "logs/123456789012_elasticloadbalancing_eu-west-1_app.shop.50dc6c495c0c9188_20261118T0850Z_10.0.2.58_0vpim0ck.log.gz";
    let mut reader = Reader::named(sample().as_bytes(), name).expect("memory does not fail");
    let record = reader.next().expect("a line").expect("a record");
    assert_eq!(record.exchange().node, Some(b"10.0.2.58".as_slice()));
}

#[test]
fn a_line_that_cannot_be_read_is_an_error_and_the_loop_goes_on() {
    let line = sample();
    let too_long = "x".repeat(MAX_LINE_BYTES + 1);
    let (_, after_time) = line.split_once("Z ").expect("a time");
    let bad_time = format!("http yesterday {after_time}");
    let other = kind::LOG_KINDS.iter().find(|kind| kind.id == "connection-log").expect("a kind").sample_line;
    for (bad, problem) in [
        ("hello", "line with too few fields for an access log"),
        (&*too_long, "line longer than the limit"),
        (&*bad_time, "line with an invalid time, number or status code"),
        (&*line.replace("\"curl", "curl"), "line whose quotes do not delimit its fields"),
        (other, "line of a connection log"),
    ] {
        let text = format!("{line}\n{bad}\n{line}\n");
        let error = format!("{problem}: -:2 (byte {})", line.len() + 1);
        assert_eq!(items_of(text.as_bytes()), [Ok(1), Err(error), Ok(3)], "{problem}");
    }
}

#[test]
fn a_damaged_log_gives_its_whole_lines_then_one_error_then_nothing() {
    let line = sample();
    let sound = gzip(format!("{line}\n{line}\n").as_bytes());
    let cut = &sound[..sound.len() - 9];
    let mut reader = Reader::new(cut).expect("memory does not fail");
    assert!(reader.next().is_some_and(|record| record.is_ok()));
    assert!(reader.next().is_some_and(|record| record.is_ok()));
    let error = reader.next().expect("the damage").expect_err("the damage");
    let ErrorKind::Input { problem, at, reason } = error.kind() else { panic!("{error:?}") };
    assert_eq!((*problem, at.line, at.byte), (Problem::GzipTruncated, 3, cut.len() as u64));
    assert_eq!(error.location(), Some(at));
    assert_eq!(reason.as_deref(), Some("the stream ends inside a member"));
    assert!(reader.next().is_none() && reader.next().is_none());

    let garbage = [&sound[..], b"garbage"].concat();
    let last = items_of(&garbage).pop().expect("the damage").expect_err("the damage");
    assert_eq!(
        last,
        format!("bytes after the last gzip member: -:3 (byte {}): no gzip member begins here", sound.len())
    );
}

/// A reader that gives a few bytes at a time, then fails. It cannot be sent to another thread.
struct Fails {
    rest: Vec<u8>,
    calls: Rc<Cell<usize>>,
}

impl Read for Fails {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.calls.set(self.calls.get() + 1);
        if self.rest.is_empty() {
            return Err(io::Error::other("the cable is cut"));
        }
        let count = out.len().min(self.rest.len()).min(7);
        out[..count].copy_from_slice(&self.rest[..count]);
        self.rest.drain(..count);
        Ok(count)
    }
}

#[test]
fn a_log_that_breaks_off_is_an_error_with_its_reason_after_the_whole_lines() {
    let calls = Rc::new(Cell::new(0));
    let text = format!("{}\n{}", sample(), sample());
    for log in [text.clone().into_bytes(), gzip(text.as_bytes())[..].to_vec()] {
        let has_first_line = !log.starts_with(&[0x1f]);
        let log = if has_first_line { log } else { log[..60].to_vec() };
        let reader = Reader::new(Fails { rest: log, calls: calls.clone() }).expect("it begins well");
        let mut items: Vec<_> = reader.collect();
        let error = items.pop().expect("an error").expect_err("an error");
        assert_eq!(items.len(), usize::from(has_first_line));
        assert!(items.iter().flatten().all(|record| record.line() == sample().as_bytes()));
        assert!(matches!(error.kind(), ErrorKind::Read { .. }), "{error:?}");
        let reason = std::error::Error::source(&error).expect("a reason").to_string();
        assert_eq!(reason, "the cable is cut");
    }
    assert!(calls.get() > 2);

    let error = Reader::new(Fails { rest: Vec::new(), calls }).map(drop).expect_err("it fails at once");
    assert!(matches!(error.kind(), ErrorKind::Read { .. }), "{error:?}");
}

#[test]
fn a_missing_file_is_named() {
    let error = Reader::open("no/such/file.log").map(drop).expect_err("there is none");
    assert_eq!(error.object(), Some("no/such/file.log"));
    assert_eq!(error.to_string(), "cannot open no/such/file.log");
    assert_eq!(error.location(), None);
}

#[test]
fn an_empty_log_has_no_records() {
    for log in ["", "\n", "\r\n \n"] {
        assert_eq!(items_of(log.as_bytes()), [], "{log:?}");
    }
    assert_eq!(items_of(&gzip(b"")), []);
}

/// What is the same for a [`Reader`] and a run: number, offset and text of a record, and its outcome.
type RecordFacts = (u64, u64, Vec<u8>, Outcome);

/// Keeps what a run reads.
#[derive(Default)]
struct Kept(Vec<RecordFacts>);

impl Collector for Kept {
    fn observe(&mut self, selected: &SelectedRecord<'_>) -> Result<()> {
        let kind::AnyRecord::Access(request) = selected.record;
        self.0.push((selected.number, selected.byte, selected.line.to_vec(), request.outcome));
        Ok(())
    }
}

/// The records of a run over a log, and how many problems it has.
fn run_over(log: &[u8]) -> (Vec<RecordFacts>, u64) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("a.log"), log).expect("a file");
    let source = from_input(folder.path().as_os_str()).expect("it is there");
    let mut records = Vec::new();
    let merge = |part: Kept| {
        records.extend(part.0);
        Ok(())
    };
    let account = ReadOptions::new()
        .threads(1)
        .collect(&[source], &Progress::new(), Shards::AtMost(1), |_| Kept::default(), merge)
        .expect("problems are counted");
    (records, account.problems.values().map(|found| found.count).sum())
}

/// Like [`run_over`], with a [`Reader`].
fn read(log: &[u8]) -> (Vec<RecordFacts>, u64) {
    let mut records = Vec::new();
    let mut errors = 0;
    for record in Reader::new(log).expect("memory does not fail") {
        match record {
            Ok(record) => {
                let at = record.location();
                records.push((at.line, at.byte, record.line().to_vec(), record.outcome()));
            }
            Err(_) => errors += 1,
        }
    }
    (records, errors)
}

/// A line as a hostile or a broken writer may leave it.
fn any_line() -> impl Strategy<Value = Vec<u8>> {
    let sample = || sample().as_bytes().to_vec();
    prop_oneof![
        4 => Just(sample()),
        2 => (0..sample().len()).prop_map(move |len| sample()[..len].to_vec()),
        4 => (0..sample().len(), any::<u8>()).prop_map(move |(index, byte)| {
            let mut line = sample();
            line[index] = byte;
            line
        }),
        1 => (0..kind::LOG_KINDS.len()).prop_map(|index| kind::LOG_KINDS[index].sample_line.as_bytes().to_vec()),
        1 => Just(b" \t\r".to_vec()),
        2 => prop::collection::vec(any::<u8>(), 0..200),
        1 => prop::collection::vec(prop_oneof![Just(b' '), Just(b'"'), Just(b'-'), Just(b'\\')], 0..200),
    ]
}

proptest! {
    #[test]
    fn any_bytes_are_read_to_their_end(log: Vec<u8>, is_gzip: bool) {
        let log = if is_gzip { [&[0x1f, 0x8b, 8, 0][..], &log].concat() } else { log };
        for record in Reader::new(&log[..]).expect("memory does not fail").flatten() {
            let _ = (record.outcome(), record.record().unknown_tail());
        }
    }

    #[test]
    fn each_line_is_a_record_or_an_error(lines in prop::collection::vec(any_line(), 0..12)) {
        let log = lines.join(&b'\n');
        prop_assume!(!log.starts_with(&[0x1f, 0x8b]));
        let is_blank = |line: &&[u8]| line.trim_ascii().is_empty();
        let line_count = log.split(|&byte| byte == b'\n').filter(|line| !is_blank(line)).count();
        prop_assert_eq!(items_of(&log).len(), line_count);
    }

    #[test]
    fn a_reader_reads_what_a_run_reads(
        lines in prop::collection::vec(any_line(), 0..12),
        is_gzip: bool,
        cut in prop::option::of(0..400_usize),
    ) {
        let text = lines.join(&b'\n');
        let mut log = if is_gzip { gzip(&text) } else { text };
        log.truncate(log.len() - cut.unwrap_or(0).min(log.len()));
        prop_assert_eq!(read(&log), run_over(&log));
    }
}
