//! Two objects of half a gigabyte each, in which all rows are different. Alone in its file, because the peak memory
//! is that of the whole process.

mod common;

use std::io::Write;

use albscope::export::{Destination, Export, TableFormat};
use albscope::{Progress, ReadOptions, source};
use flate2::Compression;
use flate2::write::GzEncoder;

use common::memory::peak_memory;
use common::{Logs, line};

#[test]
fn huge_objects_of_long_lines_are_exported_in_bounded_memory() {
    let logs = Logs::new();
    // The rows of the second object must not pile up while the first is read.
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
        .read_options(ReadOptions::new().threads(2))
        .run(&inputs, destination, TableFormat::Parquet, &Progress::new())
        .expect("a run");
    assert_eq!(exported.rows.written, 60_000);
    assert!(exported.input.bytes_decoded > 900_000_000, "{}", exported.input.bytes_decoded);
    if let Some(peak) = peak_memory() {
        assert!(peak < 1_000_000_000, "{} MB", peak / 1_000_000);
    }
}
