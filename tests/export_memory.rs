//! One object of a gigabyte whose rows are all different. Alone in its file: the peak that is asked for is the whole process's.

mod common;

use std::io::Write;

use albscope::export::{Destination, Export, Format};
use albscope::{Analysis, Progress, source};
use flate2::Compression;
use flate2::write::GzEncoder;

use common::{Logs, line};

/// The most memory that this process has held at once, in bytes. Absent where the system does not tell.
fn peak_memory() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<usize>().ok().map(|kilobytes| kilobytes * 1024)
}

#[test]
fn a_huge_object_of_long_lines_is_exported_in_bounded_memory() {
    let logs = Logs::new();
    // Behind it stands another, which must not pile up while the first is read.
    for name in ["1.log.gz", "2.log.gz"] {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        for number in 0..30_000 {
            let path = format!("{number:08}").repeat(2_000);
            let line = line().request(&format!("GET http://a.example:80/{path} HTTP/1.1")).build();
            writeln!(encoder, "{line}").expect("a Vec takes all");
        }
        logs.write(name, &encoder.finish().expect("a Vec takes all"));
    }
    let inputs = [source::from_input(logs.path().as_os_str()).expect("it is there")];
    let out = tempfile::tempdir().expect("a folder");
    let destination = Destination::File(out.path().join("x.parquet"));
    let exported = Export::new()
        .analysis(Analysis::new().threads(2))
        .run(&inputs, destination, Format::Parquet, &Progress::new())
        .expect("a run");
    assert_eq!(exported.rows.written, 60_000);
    assert!(exported.input.bytes_decoded > 900_000_000, "{}", exported.input.bytes_decoded);
    if let Some(peak) = peak_memory() {
        assert!(peak < 1_000_000_000, "{} MB", peak / 1_000_000);
    }
}
