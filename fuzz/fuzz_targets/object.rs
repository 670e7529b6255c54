//! Any bytes as one object: both ways of decoding survive it, and agree on its lines unless one of them reports damage.

#![no_main]

use std::cell::RefCell;
use std::io::Write;
use std::sync::Arc;

use albscope::Location;
use albscope::aggregate::Summary;
use albscope::classify::classify;
use albscope::decode::{Body, Buffer, Decoder, Decompressor};
use albscope::diagnose::{Context, diagnose};
use albscope::kind::Alb;
use albscope::record::{Bounds, Event, Lines, Record};
use flate2::Compression;
use flate2::write::GzEncoder;
use libfuzzer_sys::fuzz_target;

thread_local! {
    /// Reused from run to run, as a worker does: nothing of one object may show in the next.
    static SCRATCH: RefCell<(Decompressor, Buffer)> = RefCell::default();
}

fuzz_target!(|object: &[u8]| {
    both_ways(object);
    // A mutated gzip stream rarely has a valid checksum, so valid members are made here, sized by the first byte.
    if let Some((&cut, text)) = object.split_first() {
        let size = usize::from(cut).max(1);
        // Members have at least an eighth of the text, because making many of them would take all the time.
        let members: Vec<u8> = text.chunks(size.max(text.len() / 8).max(1)).flat_map(member).collect();
        let (lines, is_damaged) = both_ways(&members);
        assert!(!is_damaged, "a sound object was called damaged");
        // Text that begins like gzip would rightly be decompressed.
        if !text.starts_with(&[0x1f, 0x8b]) {
            assert_eq!(lines, both_ways(text).0);
        }
    }
});

fn member(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::none());
    encoder.write_all(text).expect("a Vec takes all");
    encoder.finish().expect("a Vec takes all")
}

/// A line, its number and its offset.
type Line = (Vec<u8>, u64, u64);

fn both_ways(object: &[u8]) -> (Vec<Line>, bool) {
    let (in_memory, memory_damaged) = lines_of(Body::Bytes(object));
    let (streamed, stream_damaged) = lines_of(Body::Stream(Box::new(object)));
    if !memory_damaged && !stream_damaged {
        assert!(in_memory == streamed, "the two ways give different lines");
    }
    (in_memory, memory_damaged)
}

fn lines_of(body: Body<'_>) -> (Vec<Line>, bool) {
    SCRATCH.with_borrow_mut(|(decompressor, buffer)| {
        let mut found = Vec::new();
        let mut is_damaged = false;
        let mut summary = Summary::default();
        let mut bounds = Bounds::default();
        let mut admitted = 0;
        let name: Arc<str> = "fuzz".into();
        let decoder = Decoder::new(body, decompressor).expect("memory does not fail");
        let mut lines = Lines::new(decoder, buffer);
        while let Some(event) = lines.next_event() {
            assert!(!is_damaged, "damage comes last");
            match event {
                Event::Line { text, number, byte } => {
                    assert_eq!(number, found.len() as u64 + 1);
                    found.push((text.to_vec(), number, byte));
                    let Ok(record) = Record::<Alb>::parse(text, &mut bounds) else { continue };
                    let Ok(exchange) = record.exchange() else { continue };
                    let location = || Location { object: name.clone(), line: number, byte };
                    summary.observe(&exchange, classify(&exchange), text, location);
                    admitted += 1;
                }
                Event::TooLong { number, byte } => found.push((b"too long".to_vec(), number, byte)),
                Event::Damage { .. } => is_damaged = true,
            }
        }
        assert_eq!(summary.requests(), admitted);
        let diagnosis = diagnose(&summary, &Context::default());
        let explained: u64 = diagnosis.findings.iter().map(|finding| finding.failures).sum();
        assert_eq!(explained + diagnosis.unexplained, summary.outcomes().failures());
        (found, is_damaged)
    })
}
