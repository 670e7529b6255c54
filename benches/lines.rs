//! Bytes per second of each stage, on lines that the simulation makes: `cargo bench`.

use std::ops::ControlFlow;

use albscope::aggregate::Summary;
use albscope::classify::classify;
use albscope::decode::{Body, Buffer, Decoder, Decompressor};
use albscope::kind::Alb;
use albscope::record::{Bounds, Event, Lines, Record};
use albscope::simulate::{Memory, Scenario, Simulation};
use albscope::{Location, Progress, ReadOptions, simulate, source};
use divan::Bencher;
use divan::counter::BytesCount;

fn main() {
    divan::main();
}

/// Some 40,000 lines in one text, and the gzip objects they came from.
struct BenchInput {
    objects: Vec<Vec<u8>>,
    text: Vec<u8>,
}

fn input() -> BenchInput {
    let scenario = Scenario::find("incident").expect("it is in the table");
    let mut memory = Memory::default();
    let mut watch = |_: simulate::SimulationProgress| ControlFlow::Continue(());
    Simulation::new(scenario).run(&mut memory, &mut watch).expect("memory does not fail");
    let objects: Vec<Vec<u8>> = memory.objects.into_iter().map(|(_, bytes)| bytes).collect();
    let mut text = Vec::new();
    let mut decompressor = Decompressor::new();
    let mut buffer = Buffer::new();
    for object in &objects {
        let mut decoder = Decoder::new(Body::Bytes(object), &mut decompressor).expect("memory does not fail");
        while decoder.fill(&mut buffer).expect("a sound object") {}
        text.extend_from_slice(buffer.pending());
        buffer.clear();
    }
    BenchInput { objects, text }
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut start = 0;
    memchr::memchr_iter(b'\n', text).map(move |end| {
        let line = &text[start..end];
        start = end + 1;
        line
    })
}

#[divan::bench]
fn split(bencher: Bencher<'_, '_>) {
    let BenchInput { text, .. } = input();
    bencher.counter(BytesCount::of_slice(&text)).bench(|| {
        let mut bounds = Bounds::default();
        lines(&text).map(|line| Record::<Alb>::parse(line, &mut bounds).map_or(0, |record| record.len())).sum::<usize>()
    });
}

#[divan::bench]
fn split_and_classify(bencher: Bencher<'_, '_>) {
    let BenchInput { text, .. } = input();
    bencher.counter(BytesCount::of_slice(&text)).bench(|| {
        let mut bounds = Bounds::default();
        let mut outcomes = 0;
        for line in lines(&text) {
            let record: Record<'_, Alb> = Record::parse(line, &mut bounds).expect("a simulated line");
            outcomes += classify(&record.exchange().expect("a simulated line")).index();
        }
        outcomes
    });
}

#[divan::bench]
fn aggregate(bencher: Bencher<'_, '_>) {
    let BenchInput { text, .. } = input();
    bencher.counter(BytesCount::of_slice(&text)).bench(|| {
        let mut bounds = Bounds::default();
        let mut summary = Summary::default();
        for line in lines(&text) {
            let record: Record<'_, Alb> = Record::parse(line, &mut bounds).expect("a simulated line");
            let exchange = record.exchange().expect("a simulated line");
            let location = || Location { object: "bench".into(), line: 1, byte: 0 };
            summary.observe(&exchange, classify(&exchange), line, location);
        }
        summary.requests()
    });
}

/// In bytes of decoded text, like all others.
#[divan::bench(args = ["in memory", "streaming"])]
fn decode(bencher: Bencher<'_, '_>, way: &str) {
    let BenchInput { objects, text } = input();
    bencher.counter(BytesCount::of_slice(&text)).bench(|| {
        let mut decompressor = Decompressor::new();
        let mut buffer = Buffer::new();
        let mut total = 0;
        for object in &objects {
            let body = if way == "in memory" { Body::Bytes(object) } else { Body::Stream(Box::new(object.as_slice())) };
            let opened = Decoder::new(body, &mut decompressor).expect("memory does not fail");
            let mut lines = Lines::new(opened, &mut buffer);
            while let Some(event) = lines.next_event() {
                if let Event::Line { text, .. } = event {
                    total += text.len();
                }
            }
        }
        total
    });
}

/// From files to a summary, with one thread.
#[divan::bench]
fn pipeline(bencher: Bencher<'_, '_>) {
    let BenchInput { text, .. } = input();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let scenario = Scenario::find("incident").expect("it is in the table");
    Simulation::new(scenario).write_to(folder.path()).expect("an empty folder takes the logs");
    let inputs = [source::from_input(folder.path().as_os_str()).expect("the folder is there")];
    bencher
        .counter(BytesCount::of_slice(&text))
        .bench(|| ReadOptions::new().threads(1).run(&inputs, &Progress::new()).expect("sound logs").requests());
}
