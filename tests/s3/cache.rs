//! What `--cache` keeps, and what it is trusted with.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::common::{gzip, line};
use crate::faults::{Fault, FaultRule};
use crate::program::{BUCKET, ProgramRun, Twin, signed};
use crate::server::{Operation, TestServer};
use crate::store::{BucketStore, Tags};

/// Twelve objects, each with so many lines as its number tells.
fn store() -> BucketStore {
    let store = BucketStore::memory();
    for number in 0..12 {
        store.put("logs", format!("{number:02}.log.gz"), object(number));
    }
    store
}

fn object(lines: usize) -> Vec<u8> {
    gzip((line().build() + "\n").repeat(lines).as_bytes())
}

const LINES: u64 = 66;

fn analyse(twin: &Twin, server: &TestServer, more: &[&str]) -> ProgramRun {
    twin.on_s3(server, &[&["analyze", BUCKET, "--format", "json", "--cache", "cache"], more].concat())
}

/// The report but for what it says of the cache.
fn without_cache(run: &ProgramRun) -> Value {
    let mut report = run.json();
    report["input"].as_object_mut().expect("an object").remove("from_cache");
    report
}

/// The objects in the cache, with their sizes.
fn kept(twin: &Twin) -> Vec<(PathBuf, u64)> {
    let entries = walkdir::WalkDir::new(twin.root().join("cache")).sort_by_file_name();
    let entries = entries.into_iter().map(|entry| entry.expect("it can be walked"));
    entries
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| (entry.path().to_owned(), entry.metadata().expect("a file").len()))
        .collect()
}

#[test]
fn a_second_run_reads_nothing_but_listings() {
    // Whatever an ETag is, it names its object.
    for tags in [Tags::Md5, Tags::Parts, Tags::Kms] {
        let server = TestServer::new(&store().tags(tags));
        let twin = Twin::new([]);
        let without = twin.on_s3(&server, &["analyze", BUCKET, "--format", "json"]);
        without.assert_sound("no cache");
        assert_eq!(without.json()["input"].get("from_cache"), None);
        server.forget();
        let first = analyse(&twin, &server, &[]);
        first.assert_sound("first");
        assert_eq!(first.json()["input"]["from_cache"]["objects"], 0, "{tags:?}");
        assert_eq!((server.count(Operation::Get), kept(&twin).len()), (12, 12), "{tags:?}");
        server.forget();
        let second = analyse(&twin, &server, &[]);
        second.assert_sound("second");
        assert_eq!((server.count(Operation::Get), server.count(Operation::List)), (0, 2), "{tags:?}");
        let cached = &second.json()["input"]["from_cache"];
        assert_eq!(cached["objects"], 12, "{tags:?}");
        assert_eq!(cached["bytes"], without.json()["input"]["bytes_read"], "{tags:?}");
        assert_eq!((without_cache(&first), without_cache(&second)), (without.json(), without.json()), "{tags:?}");
        for format in ["text", "markdown"] {
            let run = twin.on_s3(&server, &["analyze", BUCKET, "--format", format, "--cache", "cache"]);
            assert!(run.stdout.contains("from the cache: 12 objects"), "{tags:?}: {}", run.stdout);
        }
    }
}

#[test]
fn an_object_that_changed_is_fetched_again() {
    let store = store();
    let server = TestServer::new(&store);
    let twin = Twin::new([]);
    analyse(&twin, &server, &[]).assert_sound("first");
    store.put("logs", "03.log.gz", object(1003));
    store.put("logs", "99.log.gz", object(10_000));
    store.remove("logs", "05.log.gz");
    server.forget();
    let run = analyse(&twin, &server, &[]);
    run.assert_sound("second");
    assert_eq!(run.json()["input"]["lines"], LINES + 1000 + 10_000 - 5);
    let mut read: Vec<String> = server.requests().into_iter().filter_map(|request| request.key).collect();
    read.sort_unstable();
    assert_eq!(read, ["03.log.gz", "99.log.gz"]);
    assert_eq!(run.json()["input"]["from_cache"]["objects"], 10);
}

#[test]
fn a_damaged_file_is_noticed_and_fetched_again() {
    for (name, tags, damage) in [
        ("a byte flipped", Tags::Md5, (|bytes| bytes[20] ^= 1) as fn(&mut Vec<u8>)),
        ("cut off", Tags::Md5, |bytes| bytes.truncate(30)),
        ("emptied", Tags::Md5, |bytes| bytes.clear()),
        ("longer", Tags::Md5, |bytes| bytes.push(0)),
        ("cut off, of parts", Tags::Parts, |bytes| bytes.truncate(30)),
        ("a byte flipped, of parts", Tags::Parts, |bytes| bytes[20] ^= 1),
        ("a byte flipped, of KMS", Tags::Kms, |bytes| bytes[20] ^= 1),
    ] {
        let server = TestServer::new(&store().tags(tags));
        let twin = Twin::new([]);
        let first = analyse(&twin, &server, &[]);
        first.assert_sound(name);
        let mut large = kept(&twin);
        large.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
        for (path, _) in &large[..3] {
            let mut bytes = fs::read(path).expect("it is there");
            damage(&mut bytes);
            fs::write(path, bytes).expect("it can be written");
        }
        server.forget();
        let second = analyse(&twin, &server, &[]);
        second.assert_sound(name);
        assert_eq!(server.count(Operation::Get), 3, "{name}");
        assert_eq!(without_cache(&second), without_cache(&first), "{name}");
        server.forget();
        analyse(&twin, &server, &[]).assert_sound(name);
        assert_eq!(server.count(Operation::Get), 0, "{name}: and kept again");
    }
}

#[test]
fn a_run_that_is_killed_leaves_nothing_that_is_taken_for_whole() {
    let server = TestServer::new(&store());
    let twin = Twin::new([]);
    let expected = twin.on_s3(&server, &["analyze", BUCKET, "--format", "json"]).json();
    server.forget();
    server.set_rules([
        FaultRule::new(Fault::Stall(Duration::from_mins(1))).key("04.log.gz"),
        FaultRule::new(Fault::Trickle(Duration::from_millis(30))).on(Operation::Get),
    ]);
    let args = ["analyze", BUCKET, "--cache", "cache", "--concurrency", "2", "--endpoint-url", &server.url()];
    let mut child = signed(twin.root(), &args).stdout(Stdio::null()).spawn().expect("the program starts");
    server.wait_for(Operation::Get, 7);
    child.kill().expect("it is still at work");
    child.wait().expect("it ends");
    server.set_rules([]);
    server.forget();
    let run = analyse(&twin, &server, &[]);
    run.assert_sound("after the kill");
    assert_eq!(without_cache(&run), expected);
    let fetched = server.count(Operation::Get);
    assert!((1..12).contains(&fetched), "{fetched} were not whole");
}

#[test]
fn the_cache_is_kept_within_its_bound_and_what_was_used_last_stays() {
    let store = store();
    // Hardly smaller when it is packed.
    let noise = |seed: u32| {
        let noise = (0..50_000_u32).map(|it| it.wrapping_mul(2_654_435_761).wrapping_add(seed).rotate_left(it % 32));
        gzip(&noise.flat_map(u32::to_le_bytes).collect::<Vec<_>>())
    };
    for number in 12..20 {
        store.put("logs", format!("{number:02}.log.gz"), noise(number));
    }
    let all: u64 = (12..20).map(|number| noise(number).len() as u64).sum();
    let server = TestServer::new(&store);
    let twin = Twin::new([]);
    let size = |twin: &Twin| kept(twin).iter().map(|(_, size)| size).sum::<u64>();
    analyse(&twin, &server, &[]);
    assert!(size(&twin) > all, "{} bytes of {all}", size(&twin));
    // The clock of a file system may be slow.
    thread::sleep(Duration::from_millis(20));
    let bound = all / 2;
    let shown = bound.to_string();
    let last = twin.on_s3(&server, &["analyze", "s3://logs/15.log.gz", "--cache", "cache", "--cache-size", &shown]);
    assert_eq!(last.code, Some(2), "noise is no log");
    assert!(size(&twin) <= bound && size(&twin) > bound / 2, "{} bytes of {bound}", size(&twin));
    server.forget();
    twin.on_s3(&server, &["analyze", "s3://logs/15.log.gz", "--cache", "cache"]);
    assert_eq!(server.count(Operation::Get), 0, "the last used is still there");
}

#[test]
fn a_cache_that_cannot_be_is_told() {
    let server = TestServer::new(&store());
    let twin = Twin::new([]);
    fs::write(twin.root().join("cache"), b"a file").expect("a file");
    let run = analyse(&twin, &server, &[]);
    assert_eq!(run.code, Some(2), "{run:?}");
    run.assert_complains("a file where the folder should be", &["cache"]);
    assert!(Path::new(&twin.root().join("cache")).is_file(), "it is left alone");
}

#[test]
fn two_runs_at_once_do_not_disturb_each_other() {
    let server = TestServer::new(&store());
    let twin = Twin::new([]);
    let expected = twin.on_s3(&server, &["analyze", BUCKET, "--format", "json"]).json();
    thread::scope(|scope| {
        let runs = [(); 4].map(|()| scope.spawn(|| analyse(&twin, &server, &[])));
        for run in runs {
            let run = run.join().expect("no panic");
            run.assert_sound("one of four");
            assert_eq!(without_cache(&run), expected);
        }
    });
    assert_eq!(kept(&twin).len(), 12);
}
