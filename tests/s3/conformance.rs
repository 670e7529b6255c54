//! One suite for disk and S3: the same objects give the same report, whatever S3 does meanwhile.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use albscope::simulate::{Memory, Scenario, Simulation};
use albscope::{Timestamp, simulate};
use serde_json::Value;

use crate::common::program::signal;
use crate::common::{gzip, line};
use crate::faults::{Fault, FaultRule};
use crate::program::{BUCKET, FOLDER, ProgramRun, Twin, finish, named_alike, signed};
use crate::server::{Operation, ServedRequest, TestServer};
use crate::store::{BucketStore, Tags};

/// Logs of a simulated load balancer: keys and gzip bytes.
fn simulated(scenario: &str, start: &str, seconds: u32, rate: f64) -> Vec<(String, Vec<u8>)> {
    let mut memory = Memory::default();
    let mut go_on = |_: simulate::SimulationProgress| ControlFlow::Continue(());
    Simulation::new(Scenario::find(scenario).expect("it is in the table"))
        .start(Timestamp::parse(start.as_bytes()).expect("a time"))
        .duration(seconds)
        .rate(rate)
        .run(&mut memory, &mut go_on)
        .expect("memory does not fail");
    memory.objects
}

/// The same objects as another account's, in another region.
fn moved(objects: Vec<(String, Vec<u8>)>, account: &str, region: &str) -> Vec<(String, Vec<u8>)> {
    let parts = objects[0].0.split('/').map(str::to_owned).collect::<Vec<_>>();
    let (old_account, old_region) = (&parts[1], &parts[3]);
    objects
        .into_iter()
        .map(|(key, bytes)| (key.replace(old_account, account).replace(old_region, region), bytes))
        .collect()
}

/// Two accounts, two regions, three load balancers, three days; late and early deliveries; logs of other kinds; another
/// service's folder.
fn organisation() -> Twin {
    let mut objects = simulated("incident", "2026-11-20T09:40:00Z", 1800, 4.0);
    objects.extend(simulated("worker-timeout", "2026-11-20T23:45:00Z", 1800, 2.0));
    let elsewhere = simulated("race-precise", "2026-11-21T11:30:00Z", 1200, 3.0);
    objects.extend(moved(elsewhere.clone(), "210987654321", "us-east-2"));
    objects.extend(moved(elsewhere, "210987654321", "ap-south-1"));
    let key = objects[3].0.clone();
    // Delivered after midnight, so below the next day.
    for (key, _) in objects.iter_mut().filter(|(key, _)| key.contains("T2355Z")) {
        *key = key.replace("/2026/11/20/", "/2026/11/21/");
    }
    let folder = key.rsplit_once('/').expect("a key has folders").0;
    let name = key.rsplit_once('/').expect("a key has folders").1.to_owned();
    let account = folder.split("/elasticloadbalancing").next().expect("a beginning");
    let line = gzip(line().build_bytes().as_slice());
    for other in [
        format!("{folder}/conn_log_{name}"),
        format!("{folder}/health_check_log_{name}"),
        format!("{folder}/{}", name.replace("_app.", "_net.")),
        format!("{account}/ELBAccessLogTestFile"),
        format!("{}/readme.md", folder.rsplit_once('/').expect("a year").0),
        format!("{account}/CloudTrail/eu-west-1/2026/11/20/a.json.gz"),
        format!("{account}/CloudTrail/eu-west-1/2026/11/20/b.json.gz"),
        format!("{account}/Config/a.json.gz"),
    ] {
        objects.push((other, line.clone()));
    }
    Twin::new(objects.iter().map(|(key, bytes)| (key.as_str(), bytes.as_slice())))
}

fn lines(count: usize) -> Vec<u8> {
    (line().build() + "\n").repeat(count).into_bytes()
}

/// Names and contents that other tools break on; all of them can be files too.
fn hostile() -> Vec<(&'static str, Vec<u8>)> {
    let whole = gzip(&lines(40));
    vec![
        ("a file.log", lines(1)),
        ("a+b.log", lines(2)),
        ("a%2Fb%41.log", lines(3)),
        ("größe/日本.log.gz", gzip(&lines(4))),
        ("..b.log", lines(5)),
        ("a..b.log", lines(6)),
        ("a&b<c>'d\".log", lines(7)),
        ("a?b#c=d;e:f@g!h$i,j~k.log", lines(8)),
        ("e\u{301}.log", lines(9)),
        ("-f.log", lines(10)),
        ("s3:/logs/x.log", lines(11)),
        // In the order of keys these three stand otherwise than in that of folders.
        ("b/c.log", lines(12)),
        ("b-b/c.log", [lines(1), b"no record\n".to_vec()].concat()),
        ("b.log", [lines(1), b"no record either\n".to_vec()].concat()),
        ("cut.log.gz", whole[..whole.len() - 20].to_vec()),
        ("garbage.log.gz", [gzip(&lines(2)), b"garbage".to_vec()].concat()),
        ("noise.log", (0..2000_u32).flat_map(|it| it.wrapping_mul(2_654_435_761).to_le_bytes()).collect()),
        ("plain.gz", lines(13)),
        ("members.log.gz", gzip(&lines(3)).repeat(5)),
        ("empty.log", Vec::new()),
        ("empty.log.gz", gzip(b"")),
        (".hidden.log", lines(1)),
        ("notes.md", b"# notes".to_vec()),
        ("image.png", vec![0x89, b'P', b'N', b'G']),
    ]
}

/// Everything that `name` printed on S3 is what it printed on disk, but for the names of objects.
#[track_caller]
fn assert_same(name: &str, disk: &ProgramRun, s3: &ProgramRun) {
    assert_eq!(s3.stderr, named_alike(&disk.stderr), "{name}: standard error");
    assert_eq!(s3.code, disk.code, "{name}: exit status");
    let expected = named_alike(&disk.stdout);
    for (one, other) in s3.stdout.lines().zip(expected.lines()) {
        assert_eq!(one, other, "{name}: a line of the report");
    }
    assert_eq!(s3.stdout.len(), expected.len(), "{name}: length of the report");
}

/// Where two values differ first, and how.
fn difference(path: &str, one: &Value, other: &Value) -> Option<String> {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            let keys: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
            let part = |value: &serde_json::Map<String, Value>, key| value.get(key).cloned().unwrap_or_default();
            keys.into_iter().find_map(|key| difference(&format!("{path}.{key}"), &part(one, key), &part(other, key)))
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            let pairs = one.iter().zip(other).enumerate();
            pairs.into_iter().find_map(|(index, (one, other))| difference(&format!("{path}[{index}]"), one, other))
        }
        _ => (one != other).then(|| format!("{path}: {one} and {other}")),
    }
}

/// The report without what it says of objects that were left out: on S3 folders are left out unseen.
fn without_left_out(run: &ProgramRun) -> Value {
    let mut report = run.json();
    let input = report["input"].as_object_mut().expect("an object");
    input.remove("objects_skipped");
    input.remove("folders_skipped");
    report
}

const FORMATS: [&str; 3] = ["json", "text", "markdown"];

/// All in one page, or walked folder by folder.
const PAGES: [usize; 2] = [1000, 15];

#[test]
fn an_organisation_s_logs_give_the_same_report() {
    let twin = organisation();
    for page in PAGES {
        let server = TestServer::new(&twin.store().pages_of(page));
        for format in FORMATS {
            let disk = twin.on_disk(&["analyze", FOLDER, "--format", format]);
            disk.assert_sound(format);
            assert!(disk.stdout.contains("app/"), "{format}: there is something to report");
            let s3 = twin.on_s3(&server, &["analyze", BUCKET, "--format", format]);
            assert_same(&format!("{format}, pages of {page}"), &disk, &s3);
        }
        assert_eq!(server.count(Operation::Other), 0);
    }
}

#[test]
fn any_level_of_the_layout_is_a_place_to_begin() {
    let twin = organisation();
    let servers = PAGES.map(|page| TestServer::new(&twin.store().pages_of(page)));
    let key = ordinary_key(&twin);
    let parts: Vec<&str> = key.split('/').collect();
    // From the bucket to one object, with and without the slash.
    for depth in 0..=parts.len() {
        let prefix = parts[..depth].join("/");
        let disk = twin.on_disk(&["analyze", &format!("{FOLDER}/{prefix}"), "--format", "json"]);
        disk.assert_sound(&prefix);
        // An object has none, and after the bucket's own a second slash would begin the key.
        let has_one_form = depth == 0 || depth == parts.len();
        let slashes = if has_one_form { &[""][..] } else { &["", "/"] };
        for (slash, server) in slashes.iter().flat_map(|slash| servers.iter().map(move |server| (slash, server))) {
            let s3 = twin.on_s3(server, &["analyze", &format!("{BUCKET}/{prefix}{slash}"), "--format", "json"]);
            s3.assert_sound(&prefix);
            assert_eq!(named_alike(&s3.stdout), named_alike(&disk.stdout), "{prefix}{slash}");
        }
    }
}

/// The key of an ordinary object.
fn ordinary_key(twin: &Twin) -> String {
    let run = twin.on_disk(&["analyze", FOLDER, "--format", "json"]);
    let report = run.json();
    let sample = report["findings"][0]["samples"][0]["object"].as_str().expect("a finding has a sample").to_owned();
    sample.strip_prefix(&format!("{FOLDER}/")).expect("it lies in the folder").to_owned()
}

#[test]
fn a_window_or_a_load_balancer_selects_the_same_lines() {
    let twin = organisation();
    let servers = PAGES.map(|page| TestServer::new(&twin.store().pages_of(page)));
    for (name, selection) in [
        ("an hour", &["--since", "2026-11-20T09:45Z", "--until", "10:00Z"][..]),
        ("over midnight", &["--since", "2026-11-20T23:50Z", "--until", "2026-11-21T00:10Z"]),
        ("what was delivered the day after", &["--since", "2026-11-20T23:46Z", "--until", "2026-11-20T23:54Z"]),
        ("an open end", &["--since", "2026-11-21T00:05Z"]),
        ("an open beginning", &["--until", "2026-11-20T09:50Z"]),
        ("one load balancer", &["--load-balancer", "nobody"]),
        ("a year", &["--since", "2026-01-01", "--until", "2026-12-31"]),
        ("nothing", &["--since", "2025-01-01", "--until", "2025-01-02"]),
    ] {
        let args = |input| [&["analyze", input, "--format", "json"], selection].concat();
        let disk = twin.on_disk(&args(FOLDER));
        let expected: Value = serde_json::from_str(&named_alike(&without_left_out(&disk).to_string())).expect("JSON");
        for server in &servers {
            let s3 = twin.on_s3(server, &args(BUCKET));
            assert_eq!((s3.code, &s3.stderr), (disk.code, &named_alike(&disk.stderr)), "{name}");
            assert_eq!(difference("report", &without_left_out(&s3), &expected), None, "{name}");
        }
    }
}

#[test]
fn hostile_names_and_contents_give_the_same_report() {
    let objects = hostile();
    let twin = Twin::new(objects.iter().map(|(key, bytes)| (*key, bytes.as_slice())));
    // In memory there are folders that are objects too, as consoles make them, and ETags of other kinds.
    let memory = BucketStore::memory();
    for (key, bytes) in &objects {
        memory.put("logs", *key, bytes.clone());
        if let Some((folder, _)) = key.rsplit_once('/') {
            memory.put("logs", format!("{folder}/"), Vec::new());
        }
    }
    for (name, store) in [
        ("files", twin.store()),
        ("files, pages of 3", twin.store().pages_of(3)),
        ("memory", memory.clone()),
        ("memory, ETags of parts", memory.clone().tags(Tags::Parts)),
        ("memory, ETags of KMS", memory.tags(Tags::Kms)),
    ] {
        let server = TestServer::new(&store);
        for format in FORMATS {
            let disk = twin.on_disk(&["analyze", FOLDER, "--format", format]);
            assert_eq!(disk.code, Some(2), "{name}: some of it cannot be read");
            let s3 = twin.on_s3(&server, &["analyze", BUCKET, "--format", format]);
            assert_same(&format!("{name}, {format}"), &disk, &s3);
        }
        assert_eq!(server.count(Operation::Other), 0, "{name}");
    }
}

#[test]
fn the_number_of_threads_and_of_requests_does_not_matter() {
    let twin = organisation();
    let server = TestServer::new(&twin.store());
    let disk = twin.on_disk(&["analyze", FOLDER, "--format", "json", "--threads", "1"]);
    for threads in ["1", "2", "16"] {
        for concurrency in ["1", "3", "200"] {
            let name = format!("{threads} threads, {concurrency} requests");
            server.forget();
            let args = ["analyze", BUCKET, "--format", "json", "--threads", threads, "--concurrency", concurrency];
            assert_same(&name, &disk, &twin.on_s3(&server, &args));
            let most: usize = concurrency.parse().expect("a number");
            assert!(server.most_in_flight() <= most, "{name}: {} at once", server.most_in_flight());
        }
    }
}

#[test]
fn inputs_on_disk_and_in_s3_are_one_input() {
    let twin = organisation();
    for (key, bytes) in hostile() {
        twin.write(&format!("more/{key}"), &bytes);
    }
    let server = TestServer::new(&twin.store());
    let disk = twin.on_disk(&["analyze", "disk/logs/AWSLogs", "disk/logs/more", "--format", "text"]);
    for inputs in [
        ["disk/logs/AWSLogs", "s3://logs/more"],
        ["s3://logs/AWSLogs", "disk/logs/more"],
        ["s3://logs/AWSLogs", "s3://logs/more"],
    ] {
        let mixed = twin.on_s3(&server, &[&["analyze"], &inputs[..], &["--format", "text"]].concat());
        assert_eq!(mixed.code, disk.code, "{inputs:?}");
        assert_eq!(named_alike(&mixed.stdout), named_alike(&disk.stdout), "{inputs:?}");
    }
}

#[test]
fn keys_that_two_inputs_have_count_once() {
    let key = "AWSLogs/123456789012/elasticloadbalancing/eu-west-1/2026/11/20/a.log";
    let twin = Twin::new([(key, lines(3).as_slice()), ("other/b.log", lines(2).as_slice())]);
    let server = TestServer::new(&twin.store());
    let url = format!("{BUCKET}/{key}");
    let run = twin.on_s3(&server, &["analyze", "--format", "json", BUCKET, &url, &format!("{BUCKET}/AWSLogs/")]);
    run.assert_sound("overlapping inputs");
    let input = &run.json()["input"];
    assert_eq!((&input["records"], &input["objects_skipped"]["named-twice"]), (&5.into(), &2.into()), "{input}");
    assert_eq!(server.count(Operation::Get), 2, "nothing is fetched twice");
}

#[test]
fn faults_that_pass_change_nothing() {
    let twin = organisation();
    for (key, bytes) in hostile() {
        twin.write(&format!("more/{key}"), &bytes);
    }
    let disk = twin.on_disk(&["analyze", FOLDER, "--format", "json"]);
    let mut cases: Vec<(String, usize, Vec<FaultRule>)> = Fault::passing()
        .into_iter()
        .zip([1000, 3].into_iter().cycle())
        .map(|(fault, page)| (format!("{fault:?}, pages of {page}"), page, vec![FaultRule::new(fault).share(0.3, 7)]))
        .collect();
    let tokens = FaultRule::new(Fault::BadContinuationToken).share(0.5, 7);
    cases.push(("tokens that are no longer known".to_owned(), 3, vec![tokens]));
    // Of those that are about a request the first decides, so one that is tried again may meet another.
    let all = Fault::passing().into_iter().zip(1..).map(|(fault, seed)| FaultRule::new(fault).share(0.05, seed));
    cases.push(("all of them".to_owned(), 3, all.collect()));
    // Nearly all of it is waiting.
    thread::scope(|scope| {
        for ((name, page, rules), threads) in cases.into_iter().zip(["1", "2", "16"].into_iter().cycle()) {
            let (twin, disk) = (&twin, &disk);
            scope.spawn(move || {
                let server = TestServer::new(&twin.store().pages_of(page));
                server.set_rules(rules);
                let s3 = twin.on_s3(&server, &["analyze", BUCKET, "--format", "json", "--threads", threads]);
                assert_same(&name, disk, &s3);
                assert!(server.faults() > 3, "{name}: {} faults", server.faults());
            });
        }
    });
}

#[test]
fn a_store_that_wants_fewer_requests_gets_fewer() {
    let store = BucketStore::memory();
    store.put_all("logs", (0..600).map(|number| format!("{number:03}.log")), lines(2));
    let server = TestServer::new(&store);
    server.set_latency(Duration::from_millis(10));
    server.set_rules([FaultRule::new(Fault::SlowDown).above(8)]);
    let twin = Twin::new([]);
    let run = twin.on_s3(&server, &["analyze", BUCKET, "--format", "json", "--concurrency", "64"]);
    run.assert_sound("never more than eight");
    assert_eq!(run.json()["input"]["lines"], 1200);
    let requests = server.requests();
    let refused = |part: &[ServedRequest]| part.iter().filter(|request| request.fault.is_some()).count();
    assert!(refused(&requests[..100]) > 30, "it begins with more");
    // A program that does not mind has most of its requests refused to the end.
    let later = &requests[requests.len() / 2..];
    assert!(refused(later) * 3 < later.len(), "{} of the later {} are refused", refused(later), later.len());
}

/// Two kinds of objects: those that are there, and those that will be in the way.
fn good_and_bad() -> (Twin, Vec<String>) {
    let twin = Twin::new([]);
    let objects = simulated("incident", "2026-11-20T09:40:00Z", 1800, 4.0);
    for (key, bytes) in &objects {
        twin.write(key, bytes);
    }
    let bad = [2, objects.len() / 2, objects.len() - 1].map(|index| objects[index].0.clone());
    (twin, bad.to_vec())
}

#[test]
fn objects_that_cannot_be_read_are_named_and_all_others_count_once() {
    let (twin, bad) = good_and_bad();
    let reports: Vec<(Fault, &[&str], ProgramRun, usize)> = {
        let cases: [(Fault, &[&str]); 9] = [
            (Fault::AccessDenied, &["access denied", "s3:GetObject", "arn:aws:s3:::logs/AWSLogs/*"]),
            (Fault::NoSuchKey, &["NoSuchKey"]),
            (Fault::Archived, &["archive", "restore"]),
            (Fault::InternalError, &["500 InternalError"]),
            (Fault::SlowDown, &["503 SlowDown"]),
            (Fault::CutBody, &["body ended"]),
            (Fault::Reset, &["all tries failed"]),
            (Fault::ShortBody, &["bytes"]),
            (Fault::WrongBody, &["ETag"]),
        ];
        let (twin, bad) = (&twin, &bad);
        thread::scope(|scope| {
            let runs = cases.map(|(fault, parts)| {
                scope.spawn(move || {
                    let server = TestServer::new(&twin.store());
                    server.set_rules(bad.iter().map(|key| FaultRule::new(fault.clone()).key(key)));
                    let run = twin.on_s3(&server, &["analyze", BUCKET, "--format", "json"]);
                    let whole = server
                        .requests()
                        .iter()
                        .filter(|it| it.operation == Operation::Get && it.fault.is_none())
                        .count();
                    (fault, parts, run, whole)
                })
            });
            runs.into_iter().map(|run| run.join().expect("no panic")).collect()
        })
    };
    for key in &bad {
        std::fs::remove_file(twin.path(key)).expect("it is there");
    }
    let disk = twin.on_disk(&["analyze", FOLDER, "--format", "json"]);
    disk.assert_sound("what is left");
    let expected: Value = serde_json::from_str(&named_alike(&disk.stdout)).expect("JSON");
    for (fault, parts, run, whole) in reports {
        let name = format!("{fault:?}");
        assert_eq!(run.code, Some(2), "{name}");
        run.assert_complains(&name, &["3 objects could not be read"]);
        let mut report = run.json();
        let problems = report["input"]["problems"].take();
        let samples = problems[0]["samples"].as_array().unwrap_or_else(|| panic!("{name}: {problems}")).clone();
        let mut named: Vec<&str> = samples.iter().filter_map(|sample| sample["object"].as_str()).collect();
        named.sort_unstable();
        let mut wanted: Vec<String> = bad.iter().map(|key| format!("{BUCKET}/{key}")).collect();
        wanted.sort_unstable();
        assert_eq!(named, wanted, "{name}: {problems}");
        for sample in &samples {
            let reason = sample["reason"].as_str().unwrap_or_default();
            for part in parts {
                assert!(reason.contains(part), "{name}: {part:?} is not in {reason:?}");
            }
        }
        assert_eq!(report["input"]["objects_failed"], 3, "{name}");
        for part in ["objects", "bytes_read", "bytes_decoded", "lines", "records", "objects_skipped"] {
            assert_eq!(report["input"][part], expected["input"][part], "{name}: {part}");
        }
        assert_eq!(whole as u64, expected["input"]["objects"].as_u64().expect("a count"), "{name}: each is read once");
        for part in expected.as_object().expect("an object").keys().filter(|part| *part != "input") {
            assert_eq!(difference(part, &report[part], &expected[part]), None, "{name}");
        }
    }
}

#[test]
fn a_body_that_stops_is_given_up_and_read_again() {
    let (twin, bad) = good_and_bad();
    let disk = twin.on_disk(&["analyze", FOLDER, "--format", "json"]);
    let server = TestServer::new(&twin.store());
    let forever = Duration::from_secs(1000);
    server.set_rules(bad.iter().map(|key| FaultRule::new(Fault::Stall(forever)).key(key).first_of_key(1)));
    let began = Instant::now();
    assert_same("stalled", &disk, &twin.on_s3(&server, &["analyze", BUCKET, "--format", "json"]));
    assert_eq!(server.faults(), 3);
    assert!(began.elapsed() < Duration::from_secs(45), "{:?}", began.elapsed());
}

#[test]
fn one_slow_object_holds_up_nothing_but_itself() {
    let (twin, bad) = good_and_bad();
    let server = TestServer::new(&twin.store());
    let slow = Duration::from_millis(1500);
    server.set_rules(bad.iter().map(|key| FaultRule::new(Fault::Stall(slow)).key(key)));
    let disk = twin.on_disk(&["analyze", FOLDER, "--format", "json"]);
    let began = Instant::now();
    let s3 = twin.on_s3(&server, &["analyze", BUCKET, "--format", "json", "--concurrency", "8"]);
    let took = began.elapsed();
    assert_same("three slow objects", &disk, &s3);
    assert!(took >= slow, "{took:?}");
    // One behind the other they would take more than three times as long.
    assert!(took < slow * 2 + slow / 2, "{took:?}");
}

#[test]
fn a_run_is_interrupted_whatever_it_waits_for() {
    for (operation, name) in
        [(Operation::Get, "INT"), (Operation::List, "INT"), (Operation::Get, "TERM"), (Operation::List, "TERM")]
    {
        let (twin, _) = good_and_bad();
        let server = TestServer::new(&twin.store());
        server.set_rules([FaultRule::new(Fault::Wait(Duration::from_secs(100))).on(operation)]);
        let mut asked = signed(twin.root(), &["analyze", BUCKET, "--endpoint-url", &server.url()]);
        let child = asked.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts");
        server.wait_for(operation, 1);
        let asked_to_end = Instant::now();
        signal(&child, name);
        let status = child.wait_with_output().expect("it ends").status;
        assert_eq!(status.code(), Some(130), "{operation:?} {name}: {status}");
        assert!(asked_to_end.elapsed() < Duration::from_secs(5), "{operation:?} {name}: {:?}", asked_to_end.elapsed());
    }
}

#[test]
fn an_object_that_was_replaced_after_the_listing_counts_once() {
    let store = BucketStore::memory();
    for key in ["a.log", "b.log", "c.log"] {
        store.put("logs", key, lines(10));
    }
    let server = TestServer::new(&store);
    // The listing is out before the object is asked for.
    server.set_rules([FaultRule::new(Fault::Wait(Duration::from_millis(700))).on(Operation::Get).key("b.log")]);
    let twin = Twin::new([]);
    let asked = signed(twin.root(), &["analyze", BUCKET, "--format", "json", "--endpoint-url", &server.url()]);
    let run = thread::spawn(move || finish(asked));
    server.wait_for(Operation::Get, 3);
    store.put("logs", "b.log", lines(25));
    let run = run.join().expect("no panic");
    run.assert_sound("replaced");
    assert_eq!(run.json()["input"]["lines"], 45, "the new one, all of it, and nothing of the old");
}

/// Keys that no file can have.
#[test]
fn keys_that_are_no_paths_are_read_and_stay_names() {
    let keys = ["../../evil.log", "a/../b.log", "a//b.log", "/c.log", "./d.log", "a/./e.log", "f\\g.log", "h.log/"];
    let store = BucketStore::memory();
    for key in keys {
        store.put("logs", key, lines(1));
    }
    let server = TestServer::new(&store);
    let twin = Twin::new([]);
    let cache = twin.root().join("one/two/cache");
    let cache = cache.to_str().expect("UTF-8");
    for turn in ["fetched", "from the cache"] {
        server.forget();
        let run = twin.on_s3(&server, &["analyze", BUCKET, "--format", "json", "--cache", cache]);
        run.assert_sound(turn);
        let read = run.json()["input"]["objects"].as_u64();
        // The last is a folder to some and an object to others; it has content, and a name that is no log's.
        assert_eq!(read, Some(7), "{turn}: {}", run.stdout);
    }
    assert_eq!(server.count(Operation::Get), 0, "the second time nothing is fetched");
    let outside: Vec<String> = walkdir::WalkDir::new(twin.root())
        .into_iter()
        .map(|entry| entry.expect("it can be walked"))
        .filter(|entry| entry.file_type().is_file() && !entry.path().starts_with(cache))
        .map(|entry| entry.path().display().to_string())
        .collect();
    assert_eq!(outside, [""; 0], "nothing is written outside of the cache");
}
