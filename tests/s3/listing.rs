//! How few requests it takes to find the objects, and what a URL means.

use std::time::Duration;

use crate::common::{gzip, line};
use crate::program::{BUCKET, Twin};
use crate::server::{Operation, ServedRequest, TestServer};
use crate::store::BucketStore;

/// The end of the interval that `number` objects of five minutes come to after midnight: `1005`.
fn clock(number: u32) -> String {
    let minutes = number * 5;
    format!("{:02}{:02}", minutes / 60, minutes % 60)
}

const LOAD_BALANCERS: [&str; 5] = ["admin", "api", "edge", "shop", "web"];
const NODES: [&str; 2] = ["10.0.1.7", "10.0.2.9"];

/// 2,880 names a day: five load balancers, two nodes, 288 intervals. The day is one of November 2026.
fn names_of_a_day(day: u32) -> impl Iterator<Item = String> {
    LOAD_BALANCERS.into_iter().flat_map(move |name| {
        (0..288).flat_map(move |number| {
            NODES.map(move |node| {
                let end = clock(number);
                format!("123456789012_elasticloadbalancing_eu-west-1_app.{name}.50dc6c495c0c9188_202611{day:02}T{end}Z_{node}_ab12cd34.log.gz")
            })
        })
    })
}

const REGION: &str = "AWSLogs/123456789012/elasticloadbalancing/eu-west-1";

/// 100,800 keys in 35 days, and some of another account and other services.
fn hundred_thousand() -> BucketStore {
    let store = BucketStore::memory();
    let bytes = gzip((line().build() + "\n").as_bytes());
    let months = [("10", 26..=31), ("11", 1..=29)];
    for (month, days) in months {
        for day in days {
            let keys = names_of_a_day(day).map(|name| {
                let name = name.replace("_202611", &format!("_2026{month}"));
                format!("{REGION}/2026/{month}/{day:02}/{name}")
            });
            store.put_all("logs", keys, bytes.clone());
        }
    }
    for service in ["CloudTrail", "Config", "vpcflowlogs"] {
        let keys =
            (0..2000).map(|number| format!("AWSLogs/123456789012/{service}/eu-west-1/2026/11/20/{number:05}.json.gz"));
        store.put_all("logs", keys, bytes.clone());
    }
    store
}

/// The keys of the hour from ten to eleven that may hold a line of it: from 09:55 to 11:10, with the slack of five
/// minutes.
const OBJECTS_OF_THE_HOUR: u64 = 2 * 15;

const HOUR: [&str; 4] = ["--since", "2026-11-20T10:00Z", "--until", "2026-11-20T11:00Z"];

fn lists(server: &TestServer) -> Vec<ServedRequest> {
    server.requests().into_iter().filter(|request| request.operation == Operation::List).collect()
}

#[test]
fn an_hour_of_one_load_balancer_takes_no_more_than_its_day_s_pages() {
    let server = TestServer::new(&hundred_thousand());
    let twin = Twin::new([]);
    let pages_of_the_day = 2880_usize.div_ceil(1000);
    for (url, levels) in [
        // The bucket, AWSLogs/, the account, the service; and whether one page has it all.
        ("s3://logs", 5),
        ("s3://logs/AWSLogs/", 4),
        // Without its slash it might be a key.
        ("s3://logs/AWSLogs", 5),
        ("s3://logs/AWSLogs/123456789012/", 3),
        (&format!("s3://logs/{REGION}/"), 2),
        (&format!("s3://logs/{REGION}/2026/11/"), 2),
        (&format!("s3://logs/{REGION}/2026/11/20/"), 0),
    ] {
        server.forget();
        let args = [&["analyze", url, "--load-balancer", "shop", "--format", "json"], &HOUR[..]].concat();
        let run = twin.on_s3(&server, &args);
        run.assert_sound(url);
        let lists = lists(&server);
        assert!(lists.len() <= pages_of_the_day + levels, "{url}: {} listings: {lists:#?}", lists.len());
        assert_eq!(run.json()["input"]["objects"], OBJECTS_OF_THE_HOUR, "{url}");
        assert_eq!(server.count(Operation::Get) as u64, OBJECTS_OF_THE_HOUR, "{url}");
        let elsewhere = lists.iter().filter(|list| {
            let prefix = list.prefix.as_deref().unwrap_or_default();
            prefix.contains("CloudTrail") || prefix.starts_with(&format!("{REGION}/2026/10"))
        });
        assert_eq!(elsewhere.count(), 0, "{url}: only what may matter is looked into");
    }
}

#[test]
fn what_is_small_is_listed_at_once_however_deep_it_lies() {
    let store = BucketStore::memory();
    let bytes = gzip((line().build() + "\n").as_bytes());
    for (account, day) in [("123456789012", 20), ("123456789012", 21), ("210987654321", 20)] {
        let keys = names_of_a_day(day).step_by(20);
        let keys = keys.map(|name| format!("a/b/{}/2026/11/{day}/{name}", REGION.replace("123456789012", account)));
        store.put_all("logs", keys, bytes.clone());
    }
    let server = TestServer::new(&store);
    server.set_latency(Duration::from_millis(50));
    let twin = Twin::new([]);
    let run = twin.on_s3(&server, &["analyze", BUCKET, "--format", "json"]);
    run.assert_sound("small");
    assert_eq!(run.json()["input"]["objects"], 3 * 2880 / 20);
    // What lies in the bucket, all of it, and meanwhile a step down or two; step by step it takes more than twenty.
    let found = lists(&server).len();
    assert!(found <= 4, "{found} listings");
}

#[test]
fn a_window_over_midnight_takes_two_days() {
    let server = TestServer::new(&hundred_thousand());
    let twin = Twin::new([]);
    let window = ["--since", "2026-11-19T23:30Z", "--until", "2026-11-20T00:30Z"];
    let args = [&["analyze", BUCKET, "--load-balancer", "shop", "--format", "json"], &window[..]].concat();
    let run = twin.on_s3(&server, &args);
    run.assert_sound("midnight");
    let found = lists(&server).len();
    assert!(found <= 2 * 3 + 5, "{found} listings");
    // From 23:25 to 00:40.
    assert_eq!(run.json()["input"]["objects"], OBJECTS_OF_THE_HOUR);
}

#[test]
fn names_of_aws_in_a_flat_folder_are_jumped_over() {
    let store = BucketStore::memory();
    let bytes = gzip((line().build() + "\n").as_bytes());
    for day in 1..=30 {
        store.put_all("logs", names_of_a_day(day).map(|name| format!("copy/{name}")), bytes.clone());
    }
    let server = TestServer::new(&store);
    let twin = Twin::new([]);
    let args = [&["analyze", "s3://logs/copy/", "--load-balancer", "shop", "--format", "json"], &HOUR[..]].concat();
    let run = twin.on_s3(&server, &args);
    run.assert_sound("a flat folder");
    assert_eq!(run.json()["input"]["objects"], OBJECTS_OF_THE_HOUR);
    // 87 pages in all. A few for each load balancer, of which one is wanted.
    let found = lists(&server).len();
    assert!(found <= 2 * LOAD_BALANCERS.len() + 2, "{found} listings");
}

#[test]
fn a_dry_run_prints_the_plan_and_reads_nothing() {
    let store = hundred_thousand();
    let server = TestServer::new(&store);
    let twin = Twin::new([]);
    let analyse = |more: &[&str]| {
        server.forget();
        let args = [&["analyze", BUCKET, "--load-balancer", "shop"], &HOUR[..], more].concat();
        twin.on_s3(&server, &args)
    };
    let text = analyse(&["--dry-run"]);
    text.assert_sound("as text");
    assert_eq!(server.count(Operation::Get), 0);
    for part in ["app/shop/50dc6c495c0c9188", "2026-11-20", "other-load-balancer", "other-service", "30 objects"] {
        assert!(text.stdout.contains(part), "{part:?} is not in\n{}", text.stdout);
    }
    let run = analyse(&["--dry-run", "--format", "json"]);
    run.assert_sound("as JSON");
    let plan = run.json();
    assert_eq!(plan["list_requests"].as_u64(), Some(lists(&server).len() as u64));
    let days = plan["days"].as_array().expect("a table");
    assert_eq!(days.len(), 1, "{plan}");
    assert_eq!(days[0]["load_balancer"], "app/shop/50dc6c495c0c9188");
    assert_eq!((&days[0]["day"], &days[0]["objects"]), (&"2026-11-20".into(), &OBJECTS_OF_THE_HOUR.into()));
    let report = analyse(&["--format", "json"]).json();
    assert_eq!(plan["read_requests"].as_u64(), Some(server.count(Operation::Get) as u64), "as many as it said");
    assert_eq!((&plan["objects"], &plan["bytes"]), (&report["input"]["objects"], &report["input"]["bytes_read"]));
}

#[test]
fn a_plan_tells_what_is_cached_and_what_is_archived() {
    let store = BucketStore::memory();
    for name in ["a.log", "b.log", "c.log"] {
        store.put("logs", name, (line().build() + "\n").into_bytes());
    }
    let server = TestServer::new(&store);
    let twin = Twin::new([]);
    twin.on_s3(&server, &["analyze", "s3://logs/a.log", "--cache", "cache"]).assert_sound("one is kept");
    store.archive("logs", "b.log");
    let plan = twin.on_s3(&server, &["analyze", BUCKET, "--dry-run", "--format", "json", "--cache", "cache"]).json();
    assert_eq!(
        (&plan["objects"], &plan["cached_objects"], &plan["archived_objects"]),
        (&3.into(), &1.into(), &1.into())
    );
    let run = twin.on_s3(&server, &["analyze", BUCKET, "--format", "json", "--cache", "cache"]);
    assert_eq!(run.code, Some(2));
    let input = &run.json()["input"];
    assert_eq!((&input["lines"], &input["objects_failed"]), (&2.into(), &1.into()));
    let sample = &input["problems"][0]["samples"][0];
    assert_eq!(sample["object"], "s3://logs/b.log");
    assert!(sample["reason"].as_str().is_some_and(|reason| reason.contains("restore")), "{sample}");
}

/// An object, a folder and other keys of the same beginning.
#[test]
fn a_url_is_an_object_or_else_a_folder_or_else_a_beginning() {
    let of = |count: usize| (line().build() + "\n").repeat(count).into_bytes();
    let store = BucketStore::memory();
    for (key, count) in [
        ("object", 1),
        ("object/inner.log", 10),
        ("object-more.log", 100),
        ("folder/a.log", 1000),
        ("folder/b/c.log", 1000),
        ("folder-more/a.log", 100),
        ("beginning-1.log", 10),
        ("beginning-2/a.log", 100),
        // Stands between a name and its folder.
        ("last!/a.log", 1),
        ("last/a.log", 10),
    ] {
        store.put("logs", key, of(count));
    }
    // More of these than a page holds stand before the folder `many/`.
    store.put_all("logs", (0..1500).map(|number| format!("many!{number:04}.log")), of(1));
    store.put("logs", "many/a.log", of(7));
    let server = TestServer::new(&store);
    let twin = Twin::new([]);
    for (url, lines) in [
        ("s3://logs/object", 1),
        ("s3://logs/object/", 10),
        ("s3://logs/object/inner.log", 10),
        ("s3://logs/object-", 100),
        ("s3://logs/folder", 2000),
        ("s3://logs/folder/", 2000),
        ("s3://logs/folder/a", 1000),
        ("s3://logs/fold", 2100),
        ("s3://logs/beginning", 110),
        ("s3://logs/last", 10),
        ("s3://logs/many", 7),
        ("s3://logs/man", 1507),
    ] {
        let run = twin.on_s3(&server, &["analyze", url, "--format", "json"]);
        run.assert_sound(url);
        assert_eq!(run.json()["input"]["lines"], lines, "{url}");
    }
}
