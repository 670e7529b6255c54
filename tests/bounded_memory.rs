//! A small gzip file that decodes to gigabytes. Alone in its file, because the peak memory
//! is that of the whole process.

mod common;

use std::io::Write;

use albscope::{Problem, ReadOptions};
use flate2::Compression;
use flate2::write::GzEncoder;

use common::memory::peak_memory;
use common::{Logs, assert_account_is_whole, line, problems};

const MEGABYTE: usize = 1024 * 1024;

/// One gzip member with `megabytes` MiB of a line that does not end.
fn bomb(megabytes: usize) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let block = vec![b'x'; MEGABYTE];
    for _ in 0..megabytes {
        encoder.write_all(&block).expect("a Vec takes all");
    }
    encoder.finish().expect("a Vec takes all")
}

#[test]
fn a_gzip_bomb_is_skipped_in_bounded_memory() {
    let logs = Logs::new();
    let before = common::gzip(format!("{}\n", line().build()).as_bytes());
    let after = common::gzip(format!("\n{}\n", line().build()).as_bytes());
    // One member of a gigabyte, and twelve that each fit into memory.
    logs.write("one.log.gz", &[before.clone(), bomb(1_024), after.clone()].concat());
    logs.write("many.log.gz", &[before, bomb(100).repeat(12), after].concat());
    let summary = logs.analyse(&ReadOptions::new().threads(1));
    assert_account_is_whole("bomb", &summary);
    assert_eq!(problems(&summary), [(Problem::LineTooLong, 2)]);
    assert_eq!((summary.input.lines, summary.requests()), (6, 4), "the lines around it are read");
    assert!(summary.input.bytes_decoded > 2_200 * MEGABYTE as u64, "{}", summary.input.bytes_decoded);
    if let Some(peak) = peak_memory() {
        assert!(peak < 400 * MEGABYTE as u64, "{} MiB", peak / MEGABYTE as u64);
    }
}
