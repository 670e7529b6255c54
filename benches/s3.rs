//! Reading from S3: `cargo bench --bench s3`.
//!
//! The program itself is run against a server on loopback that answers each request after a while, as the network
//! and S3 do. The server has threads of this process, so on few cores both share them.

#![expect(clippy::print_stdout, reason = "tables are what it is for")]

#[path = "../tests/common/mod.rs"]
mod common;
#[path = "../tests/s3/faults.rs"]
mod faults;
#[path = "../tests/s3/program.rs"]
mod program;
#[path = "../tests/s3/server.rs"]
mod server;
#[path = "../tests/s3/service.rs"]
mod service;
#[path = "../tests/s3/signature.rs"]
mod signature;
#[path = "../tests/s3/store.rs"]
mod store;
#[path = "../tests/s3/uri.rs"]
mod uri;

use std::ops::ControlFlow;
use std::process::Command;
use std::time::{Duration, Instant};

use albscope::simulate::{self, Memory, Scenario, Simulation};

use common::program::finish_with_peak;
use program::{BUCKET, FOLDER, ProgramRun, Twin, command, finish, signed};
use server::{Operation, TestServer};
use store::BucketStore;

/// How often each case runs; the fastest counts, as the machine's other work only ever adds.
const RUNS: usize = 5;

fn main() {
    // `cargo test --all-targets` runs it too, and only wants to know that it can be built.
    if std::env::args().any(|arg| arg == "--bench") {
        // A quiet load balancer, and one of five requests a second.
        latency(0.7, &[("AWS's", BUCKET)]);
        latency(5.0, &[("AWS's", BUCKET), ("one folder", "s3://copy")]);
        listing();
        memory();
    }
}

/// A run, how long it took, and the most memory that it held.
struct Measured {
    time: Duration,
    peak: Option<u64>,
    run: ProgramRun,
}

fn measured(command: Command) -> Measured {
    let began = Instant::now();
    let (run, peak) = finish_with_peak(command);
    Measured { time: began.elapsed(), peak, run }
}

/// The same with the time of the fastest of [`RUNS`] that nobody watches: to ask for a run's memory takes the cores
/// from it.
fn fastest(make: impl Fn() -> Command) -> Measured {
    let watched = measured(make());
    let times = (0..RUNS).map(|_| {
        let began = Instant::now();
        let run = finish(make());
        let time = began.elapsed();
        assert_eq!((run.code, count(&run, "lines")), (Some(0), count(&watched.run, "lines")), "all read the same");
        time
    });
    let time = times.min().expect("there are runs");
    Measured { time, ..watched }
}

/// `12.3 ms`
fn shown(time: Duration) -> String {
    format!("{:.0} ms", time.as_secs_f64() * 1000.0)
}

fn megabytes(bytes: Option<u64>) -> String {
    bytes.map_or_else(|| "unknown".to_owned(), |bytes| format!("{:.0} MB", bytes as f64 / 1e6))
}

fn count(run: &ProgramRun, part: &str) -> u64 {
    run.json()["input"][part].as_u64().expect("a count")
}

/// 500 small objects of an incident, of so many requests a second: keys and bytes.
fn five_hundred(rate: f64) -> Vec<(String, Vec<u8>)> {
    let mut memory = Memory::default();
    let mut watch = |_: simulate::SimulationProgress| ControlFlow::Continue(());
    let scenario = Scenario::find("incident").expect("it is in the table");
    Simulation::new(scenario)
        .duration(5 * 60 * 125)
        .nodes(4)
        .rate(rate)
        .run(&mut memory, &mut watch)
        .expect("memory does not fail");
    memory.objects.truncate(500);
    memory.objects
}

/// Objects that have to be waited for, against the same on disk and against waiting alone.
fn latency(rate: f64, layouts: &[(&str, &str)]) {
    let objects = five_hundred(rate);
    let store = BucketStore::memory();
    for (key, bytes) in &objects {
        let (_, name) = key.rsplit_once('/').expect("a key has folders");
        store.put("logs", key, bytes.clone());
        store.put("copy", name, bytes.clone());
    }
    let twin = Twin::new(objects.iter().map(|(key, bytes)| (key.as_str(), bytes.as_slice())));
    let disk = fastest(|| command(twin.root(), &["analyze", FOLDER, "--format", "json"]));
    let stored = objects.iter().map(|(_, bytes)| bytes.len() as u64).sum();
    println!(
        "\n{} objects, {}, {} lines; from disk: {}\n",
        objects.len(),
        megabytes(Some(stored)),
        count(&disk.run, "lines"),
        shown(disk.time),
    );
    println!(
        "| layout | latency | concurrency | from S3 | 500 × latency / concurrency | ratio to the longer of that and disk | most in flight | peak resident |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    let server = TestServer::new(&store);
    for (layout, url) in layouts {
        for (milliseconds, concurrency) in
            [(0, 32_u32), (20, 8), (20, 16), (20, 32), (20, 64), (20, 128), (100, 32), (100, 128)]
        {
            let latency = Duration::from_millis(milliseconds);
            server.set_latency(latency);
            server.forget();
            let (most, endpoint) = (concurrency.to_string(), server.url());
            let args = ["analyze", url, "--format", "json", "--concurrency", &most, "--endpoint-url", &endpoint];
            let s3 = fastest(|| signed(twin.root(), &args));
            assert_eq!(count(&s3.run, "lines"), count(&disk.run, "lines"), "nothing is lost");
            let waiting = latency * 500 / concurrency;
            println!(
                "| {layout} | {milliseconds} ms | {concurrency} | {} | {} | {:.2} | {} | {} |",
                shown(s3.time),
                shown(waiting),
                s3.time.as_secs_f64() / waiting.max(disk.time).as_secs_f64(),
                server.most_in_flight(),
                megabytes(s3.peak),
            );
        }
    }
}

const REGION: &str = "AWSLogs/123456789012/elasticloadbalancing/eu-west-1";

/// Names of a day of November 2026: ten load balancers, so many nodes, 288 intervals.
fn names(day: u32, nodes: usize) -> impl Iterator<Item = String> {
    (0..10 * 288 * nodes).map(move |number| {
        let (node, interval, name) = (number % nodes, number / nodes % 288, number / nodes / 288);
        let (hour, minute) = (interval * 5 / 60, interval * 5 % 60);
        format!(
            "123456789012_elasticloadbalancing_eu-west-1_app.name-{name}.50dc6c495c0c9188_202611{day:02}T{hour:02}{minute:02}Z_10.0.1.{node}_ab12cd34.log.gz"
        )
    })
}

const HOUR: [&str; 6] = ["--since", "2026-11-20T10:00Z", "--until", "2026-11-20T11:00Z", "--load-balancer", "name-5"];

/// One hour of one load balancer among 100,000 keys, at 20 ms a request.
fn listing() {
    let tree = BucketStore::memory();
    let flat = BucketStore::memory();
    // 30 days of 3,456 or so.
    for day in 1..=30 {
        let below = |folder: &str| names(day, 1).map(|name| format!("{folder}{name}")).collect::<Vec<_>>();
        tree.put_all("logs", below(&format!("{REGION}/2026/11/{day:02}/")), "");
        flat.put_all("logs", below("copy/"), "");
        // Whose names do not tell what they hold.
        flat.put_all("logs", (0..3333).map(|number| format!("other/{day:02}-{number:05}.log")), "");
    }
    println!("\n| keys | layout | asked for | list requests | objects found | time |");
    println!("| ---: | --- | --- | ---: | ---: | ---: |");
    for (store, layout, keys, url, window) in [
        (&tree, "AWS's", 86_400, "s3://logs", &HOUR[..]),
        (&tree, "AWS's", 86_400, "s3://logs", &[]),
        (&flat, "AWS's names in one folder", 86_400, "s3://logs/copy/", &HOUR),
        (&flat, "other names in one folder", 99_990, "s3://logs/other/", &[]),
    ] {
        let server = TestServer::new(store);
        server.set_latency(Duration::from_millis(20));
        let twin = Twin::new([]);
        let endpoint = server.url();
        let args = [&["analyze", url, "--dry-run", "--format", "json", "--endpoint-url", &endpoint], window].concat();
        let plan = measured(signed(twin.root(), &args));
        let asked_for = if window.is_empty() { "everything" } else { "an hour of one load balancer" };
        assert_eq!(server.count(Operation::Get), 0, "nothing is read");
        println!(
            "| {keys} | {layout} | {asked_for} | {} | {} | {} |",
            server.count(Operation::List),
            plan.run.json()["objects"],
            shown(plan.time),
        );
    }
}

/// A million keys in one folder.
fn memory() {
    println!("\n| a million keys in one folder | objects found | time | peak resident |");
    println!("| --- | ---: | ---: | ---: |");
    let others = BucketStore::memory();
    others.put_all("logs", (0..1_000_000).map(|number| format!("flat/{number:07}.json")), "");
    others.put("logs", "flat/0500000.log", "");
    let logs = BucketStore::memory();
    logs.put_all("logs", (0..1_000_000).map(|number| format!("flat/{number:07}.log.gz")), "");
    let aws = BucketStore::memory();
    for day in 1..=25 {
        aws.put_all("logs", names(day, 14).map(|name| format!("flat/{name}")), "");
    }
    for (name, store, window) in [
        ("of something else", &others, &[][..]),
        ("AWS's names, an hour of one load balancer", &aws, &HOUR),
        ("other names of logs, all wanted", &logs, &[]),
    ] {
        let server = TestServer::new(store);
        let twin = Twin::new([]);
        let endpoint = server.url();
        let args =
            [&["analyze", "s3://logs/flat/", "--dry-run", "--format", "json", "--endpoint-url", &endpoint], window]
                .concat();
        let plan = measured(signed(twin.root(), &args));
        println!("| {name} | {} | {} | {} |", plan.run.json()["objects"], shown(plan.time), megabytes(plan.peak));
    }
}
