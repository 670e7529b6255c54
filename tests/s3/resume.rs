//! Bodies that break off: what has arrived is kept, and only the rest is asked for.

use std::collections::BTreeMap;

use crate::common::{gzip, line};
use crate::faults::{Fault, FaultRule};
use crate::program::{BUCKET, Twin};
use crate::server::{Operation, ServedRequest, TestServer};
use crate::store::{BucketStore, Tags};

/// Objects of different lengths: 36 log lines in all.
fn objects() -> BucketStore {
    let store = BucketStore::memory();
    for count in 1..=8 {
        let request = format!("GET https://shop.example.com:443/{} HTTP/1.1", "x".repeat(count * 50));
        let text = (line().request(&request).build() + "\n").repeat(count);
        store.put("logs", format!("{count}.log.gz"), gzip(text.as_bytes()));
    }
    store
}

/// What was asked for of each object, in the order of the requests.
fn reads(server: &TestServer) -> BTreeMap<String, Vec<ServedRequest>> {
    let mut reads: BTreeMap<String, Vec<ServedRequest>> = BTreeMap::new();
    for request in server.requests().into_iter().filter(|request| request.operation == Operation::Get) {
        reads.entry(request.key.clone().expect("a key")).or_default().push(request);
    }
    reads
}

fn begin(request: &ServedRequest) -> Option<u64> {
    let range = request.range.as_deref()?;
    range.strip_prefix("bytes=")?.split('-').next()?.parse().ok()
}

/// Broken so often in a row, each time somewhere else.
#[test]
fn only_what_is_missing_is_asked_for_again_of_the_same_version() {
    for (breaks, store) in [(1, objects()), (6, objects()), (6, objects().tags(Tags::Kms).with_checksums())] {
        let server = TestServer::new(&store);
        server.set_rules([FaultRule::new(Fault::CutAnywhere).on(Operation::Get).first_of_key(breaks)]);
        let run = Twin::new([]).on_s3(&server, &["analyze", BUCKET, "--format", "json"]);
        run.assert_sound("broken bodies");
        assert_eq!(run.json()["input"]["lines"], 36);
        for (key, requests) in reads(&server) {
            assert_eq!(requests.len() as u64, breaks + 1, "{key}");
            assert!(requests[0].range.is_none() && requests[0].if_match.is_none(), "{key}: first the whole");
            let begins: Vec<u64> = requests[1..].iter().filter_map(begin).collect();
            assert_eq!(begins.len() as u64, breaks, "{key}: then what is missing");
            assert!(begins[0] > 0 && begins.is_sorted_by(|a, b| a < b), "{key}: {begins:?}");
            let tag = requests[1].if_match.as_ref();
            assert!(tag.is_some() && requests[1..].iter().all(|request| request.if_match.as_ref() == tag), "{key}");
        }
    }
}

#[test]
fn a_store_that_knows_no_ranges_is_read_from_the_beginning() {
    let server = TestServer::new(&objects().ignoring_ranges());
    server.set_rules([FaultRule::new(Fault::CutAnywhere).on(Operation::Get).first_of_key(3)]);
    let run = Twin::new([]).on_s3(&server, &["analyze", BUCKET, "--format", "json"]);
    run.assert_sound("no ranges");
    assert_eq!(run.json()["input"]["lines"], 36);
    assert!(reads(&server).values().all(|requests| requests.len() == 4));
}

#[test]
fn an_object_that_is_replaced_after_a_break_is_read_anew_and_never_mixed() {
    let store = objects();
    store.put("logs", "text.log", (line().build() + "\n").repeat(100));
    store.replace_once_read(
        "text.log",
        (line().request("GET https://shop.example.com:443/new HTTP/1.1").build() + "\n").repeat(70),
    );
    let server = TestServer::new(&store);
    server.set_rules([FaultRule::new(Fault::CutBody).on(Operation::Get).key("text.log").first(1)]);
    let run = Twin::new([]).on_s3(&server, &["analyze", BUCKET, "--format", "json"]);
    run.assert_sound("replaced");
    assert_eq!(run.json()["input"]["lines"], 36 + 70);
    let requests = reads(&server).remove("text.log").expect("it is read");
    let ranges: Vec<bool> = requests.iter().map(|request| request.range.is_some()).collect();
    // The rest of the old version is refused.
    assert_eq!(ranges, [false, true, false]);
}

#[test]
fn a_body_of_several_answers_is_held_to_the_checksum_of_the_first() {
    // These tags are no MD5 sums, so only the checksum tells.
    let server = TestServer::new(&objects().tags(Tags::Kms).with_checksums());
    server.set_rules([FaultRule::new(Fault::CutWrongBody).on(Operation::Get).first_of_key(1)]);
    let run = Twin::new([]).on_s3(&server, &["analyze", BUCKET, "--format", "json"]);
    run.assert_sound("a wrong byte before the break");
    assert_eq!(run.json()["input"]["lines"], 36);
    for (key, requests) in reads(&server) {
        let ranges: Vec<bool> = requests.iter().map(|request| request.range.is_some()).collect();
        assert_eq!(ranges, [false, true, false], "{key}");
    }
}
