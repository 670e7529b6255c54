//! Objects that break readers of these logs, in whole runs over folders on disk.

mod common;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::process::Command;
use std::{fs, io};

use albscope::aggregate::Summary;
use albscope::kind::alb;
use albscope::source::{self, LoadBalancerFilter, RecordSkip, Selection, Skip, TargetFilter, TargetGroupFilter};
use albscope::{ErrorKind, Problem, Progress, ReadOptions, Timestamp};

use common::{Logs, assert_account_is_whole, gzip, line, log_kind, other_log, problems};

/// `count` ordinary lines with different paths, each with its line break.
fn text(count: usize) -> Vec<u8> {
    (0..count).flat_map(|number| numbered(number).into_bytes()).collect()
}

fn numbered(number: usize) -> String {
    line().request(&format!("GET http://a.example:80/{number} HTTP/1.1")).build() + "\n"
}

/// A key as AWS forms it.
fn key(load_balancer: &str, end: &str) -> String {
    format!("123456789012_elasticloadbalancing_eu-west-1_{load_balancer}_{end}_198.51.100.7_5ms5iw47.log.gz")
}

const SHOP: &str = "app.shop.50dc6c495c0c9188";

struct ExpectedObject {
    lines: u64,
    records: u64,
    problems: &'static [(Problem, u64)],
}

fn check(name: &str, file_name: &str, object: &[u8], expected: &ExpectedObject) -> Summary {
    let logs = Logs::new();
    logs.write(file_name, object);
    // The sound object after the odd one must always be read.
    logs.write("zz-next.log", &text(1));
    let summary = logs.analyse(&ReadOptions::new().threads(1));
    assert_account_is_whole(name, &summary);
    assert_eq!(summary.input.objects, 2, "{name}: objects");
    assert_eq!((summary.input.lines, summary.input.records), (expected.lines + 1, expected.records + 1), "{name}");
    assert_eq!(problems(&summary), expected.problems, "{name}");
    assert_eq!(summary.input.bytes_read, object.len() as u64 + text(1).len() as u64, "{name}: bytes read");
    summary
}

const fn all(records: u64) -> ExpectedObject {
    ExpectedObject { lines: records, records, problems: &[] }
}

#[test]
fn sound_objects_of_every_form_are_read_in_full() {
    let plain = text(10);
    let cut_in_a_line = plain.len() / 3;
    let many: Vec<u8> = plain.chunks(97).flat_map(gzip).collect();
    for (name, file_name, object, expected) in [
        ("many members, lines that span two or more", "a.log.gz", many, all(10)),
        ("two members", "a.log.gz", [gzip(&plain[..cut_in_a_line]), gzip(&plain[cut_in_a_line..])].concat(), all(10)),
        ("zero bytes", "a.log", Vec::new(), all(0)),
        ("zero bytes by the name of gzip", "a.log.gz", Vec::new(), all(0)),
        ("gzip of zero bytes", "a.log.gz", gzip(b""), all(0)),
        ("an empty member among others", "a.log.gz", [gzip(&plain), gzip(b""), gzip(&plain)].concat(), all(20)),
        ("plain text by the name of gzip", "a.log.gz", plain.clone(), all(10)),
        ("gzip by the name of plain text", "a.log", gzip(&plain), all(10)),
        ("padding of zeros", "a.log.gz", [gzip(&plain), vec![0; 512]].concat(), all(10)),
    ] {
        check(name, file_name, &object, &expected);
    }
}

#[test]
fn lines_before_damage_are_read_and_the_damage_is_located() {
    let plain = text(10);
    let sound = gzip(&plain);
    let mut wrong_sum = gzip(&plain);
    let sum = wrong_sum.len() - 8;
    wrong_sum[sum] ^= 1;
    let stored: Vec<u8> = (0..10).flat_map(|number| gzip(numbered(number).as_bytes())).collect();
    let cut = gzip(numbered(0).as_bytes()).len() * 4;
    for (name, object, expected, reason) in [
        (
            "cut off in the fifth of ten members",
            stored[..cut + 20].to_vec(),
            ExpectedObject { lines: 4, records: 4, problems: &[(Problem::GzipTruncated, 1)] },
            "ends inside a member",
        ),
        (
            "a wrong check sum in the second member",
            [sound.clone(), wrong_sum].concat(),
            ExpectedObject { lines: 20, records: 20, problems: &[(Problem::GzipDamaged, 1)] },
            "",
        ),
        (
            "garbage behind the last member",
            [sound.clone(), b"garbage".to_vec()].concat(),
            ExpectedObject { lines: 10, records: 10, problems: &[(Problem::GzipTrailingGarbage, 1)] },
            "no gzip member",
        ),
        (
            "the magic number and nothing else",
            vec![0x1f, 0x8b],
            ExpectedObject { lines: 0, records: 0, problems: &[(Problem::GzipTruncated, 1)] },
            "ends inside a member",
        ),
    ] {
        let summary = check(name, "a.log.gz", &object, &expected);
        assert_eq!(summary.input.objects_failed, 1, "{name}");
        let sample = &summary.input.problems[&expected.problems[0].0].samples[0];
        assert_eq!(sample.at.line, expected.lines + 1, "{name}: the line that would have come next");
        let byte = usize::try_from(sample.at.byte).expect("a small object");
        let range = match expected.problems[0].0 {
            // The end of the object.
            Problem::GzipTruncated => object.len()..=object.len(),
            Problem::GzipTrailingGarbage => sound.len()..=sound.len(),
            // In the last 8 bytes of the second member, its checksum and length.
            _ => object.len() - 8..=object.len(),
        };
        assert!(range.contains(&byte), "{name}: byte {byte} is not in {range:?}");
        assert!(sample.reason.as_deref().is_some_and(|text| text.contains(reason)), "{name}: {:?}", sample.reason);
    }
}

#[test]
fn objects_that_hold_other_logs_are_recognised_by_their_keys() {
    let logs = Logs::new();
    let access = key(SHOP, "20261122T0745Z");
    let folder = "AWSLogs/123456789012/elasticloadbalancing/eu-west-1/2026/11/22";
    // If these were opened, their lines would count as unreadable.
    for name in [
        format!("conn_log_{access}"),
        format!("health_check_log_{access}"),
        key("net.shop.50dc6c495c0c9188", "20261122T0745Z"),
        key("shop", "20261122T0745Z"),
    ] {
        logs.write(format!("{folder}/{name}"), b"not a record\n");
    }
    for name in ["ELBAccessLogTestFile", "ELBConnectionLogTestFile", "ELBHealthCheckLogTestFile"] {
        logs.write(format!("AWSLogs/123456789012/{name}"), b"Enable AccessLog for ELB: app/a/1 at now\n");
    }
    logs.write("README.md", b"not a record\n");
    logs.write(format!("{folder}/{access}"), &gzip(&text(3)));
    let summary = logs.analyse(&ReadOptions::new());
    assert_account_is_whole("other keys", &summary);
    assert_eq!((summary.input.objects, summary.input.lines, summary.input.records), (1, 3, 3));
    let expected = BTreeMap::from([
        (Skip::OtherKind(log_kind("connection-log")), 1),
        (Skip::OtherKind(log_kind("health-check-log")), 1),
        (Skip::OtherKind(log_kind("network-load-balancer")), 1),
        (Skip::OtherKind(log_kind("classic-load-balancer")), 1),
        (Skip::OtherKind(log_kind("test-object")), 3),
        (Skip::NotALog, 1),
    ]);
    assert_eq!(summary.input.objects_skipped, expected);
}

#[test]
fn lines_of_other_logs_are_recognised_by_their_content() {
    let logs = Logs::new();
    let lines = [
        "2026-10-04T17:05:15.514108Z 192.0.2.1 36280 443 TLSv1.2 ECDHE-RSA-AES128-GCM-SHA256 4.036 \"CN=a\" - - Success TID_1",
        "http 2026-10-31T12:44:58.901409Z 1.121980746 10.0.0.9:80 group FAIL 502 TargetError",
        "tls 2.0 2026-04-01T08:51:42 net/my-lb/c6e77e28c25b2234 g3d4b5e8bb8464cd 192.0.2.1:51341 10.0.0.5:443 5 2 98 246 - - -",
        "Enable AccessLog for ELB: app/a/959dfdbaed241613 at 2026-11-20T09:55:52.806Z",
    ];
    logs.write("mixed.log", lines.join("\n").as_bytes());
    let summary = logs.analyse(&ReadOptions::new());
    assert_account_is_whole("by content", &summary);
    let expected = [
        (other_log("connection-log"), 1),
        (other_log("health-check-log"), 1),
        (other_log("network-load-balancer"), 1),
        (other_log("test-object"), 1),
    ];
    assert_eq!(problems(&summary), expected);
}

#[test]
fn an_object_counts_under_the_kind_of_its_content_and_without_content_under_that_of_its_name() {
    let connection = log_kind("connection-log").sample_line;
    let access = line().build();
    let both = [connection, &*access, connection].join("\n");
    let name = key(SHOP, "20261122T0745Z");
    for (case, name, content, kind, counts) in [
        ("an access log", &*name, &*access, "access-log", (1, 1, 1)),
        ("another log under an access log's name", &*name, connection, "connection-log", (1, 1, 0)),
        ("another log under no name", "some.log", connection, "connection-log", (1, 1, 0)),
        ("another log with a record in it", &*name, &*both, "connection-log", (1, 3, 1)),
        ("nothing", &*name, "\n \n", "access-log", (1, 0, 0)),
        ("what no log has", "some.log", "hello\n", "access-log", (1, 1, 0)),
    ] {
        let logs = Logs::new();
        logs.write(name, content.as_bytes());
        let summary = logs.analyse(&ReadOptions::new());
        assert_account_is_whole(case, &summary);
        let found: Vec<_> =
            summary.input.kinds.iter().map(|(kind, it)| (kind.id, (it.objects, it.lines, it.records))).collect();
        assert_eq!(found, [(kind, counts)], "{case}");
    }
}

#[test]
fn thousands_of_objects_are_all_read() {
    const OBJECTS: usize = 3_000;
    let logs = Logs::new();
    for number in 0..OBJECTS {
        logs.write(format!("{:02}/{number}.log", number % 40), numbered(number).as_bytes());
    }
    let summary = logs.analyse(&ReadOptions::new().threads(4));
    assert_account_is_whole("thousands", &summary);
    assert_eq!((summary.input.objects, summary.requests()), (OBJECTS as u64, OBJECTS as u64));
}

#[test]
fn an_object_whose_name_is_not_utf_8_is_read() {
    let logs = Logs::new();
    let name = OsStr::from_bytes(b"caf\xe9.log");
    match fs::write(logs.path().join(name), text(1)) {
        Ok(()) => {}
        // Some file systems refuse such a name, so it cannot occur there.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput || error.raw_os_error() == Some(84) => return,
        Err(error) => panic!("{error}"),
    }
    fs::write(logs.path().join(OsStr::from_bytes(b"bad\xff.log")), "no record\n").expect("as the first");
    let summary = logs.analyse(&ReadOptions::new());
    assert_account_is_whole("not UTF-8", &summary);
    assert_eq!((summary.input.objects, summary.requests()), (2, 1));
    let at = &summary.input.problems[&Problem::TooFewFields].samples[0].at;
    assert!(at.object.ends_with("bad\u{fffd}.log"), "{}", at.object);
}

#[test]
fn links_are_followed_and_a_circle_is_reported_once() {
    let logs = Logs::new();
    logs.write("day/a.log", &text(1));
    symlink(logs.path().join("day"), logs.path().join("day/again")).expect("a link");
    symlink(logs.path().join("day/a.log"), logs.path().join("linked.log")).expect("a link");
    let elsewhere = Logs::new();
    symlink(elsewhere.write("b.log", &text(3)), logs.path().join("from-elsewhere.log")).expect("a link");
    let summary = logs.analyse(&ReadOptions::new());
    assert_account_is_whole("circle", &summary);
    assert_eq!(summary.requests(), 1 + 3, "the file, not the link to it, and what only a link leads to");
    assert_eq!(summary.input.objects_skipped[&Skip::NamedTwice], 1);
    assert_eq!(problems(&summary), [(Problem::Unreadable, 1)]);
    let sample = &summary.input.problems[&Problem::Unreadable].samples[0];
    assert!(sample.at.object.ends_with("day/again"), "{}", sample.at.object);
    assert!(sample.reason.as_deref().is_some_and(|reason| reason.contains("leads back")), "{:?}", sample.reason);
}

#[test]
fn an_object_that_cannot_be_opened_is_reported_and_the_others_are_read() {
    let logs = Logs::new();
    logs.write("a.log", &text(2));
    let locked = logs.write("b.log", &text(1));
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o000)).expect("it is ours");
    if fs::File::open(&locked).is_ok() {
        // Root can read every file, but not one that does not exist.
        fs::remove_file(&locked).expect("it is ours");
        symlink("nowhere", &locked).expect("a link");
    }
    logs.write("c.log", &text(3));
    let summary = logs.analyse(&ReadOptions::new());
    assert_account_is_whole("locked", &summary);
    assert_eq!((summary.input.objects, summary.requests()), (2, 5));
    assert_eq!(problems(&summary), [(Problem::Unreadable, 1)]);
    let sample = &summary.input.problems[&Problem::Unreadable].samples[0];
    assert!(sample.at.object.ends_with("b.log"), "{}", sample.at.object);
    assert!(sample.reason.as_deref().is_some_and(|reason| !reason.is_empty()));

    let error = logs.try_analyse(&ReadOptions::new().strict(true)).expect_err("strict");
    assert!(matches!(error.kind(), ErrorKind::Source { object, .. } if object.ends_with("b.log")), "{error:?}");
}

#[test]
fn a_folder_named_like_a_log_is_a_folder_and_a_missing_input_is_an_error() {
    let logs = Logs::new();
    fs::create_dir(logs.path().join("folder.log")).expect("a folder");
    logs.write("folder.log/a.log", &text(1));
    let summary = logs.analyse(&ReadOptions::new());
    assert_account_is_whole("a folder by the name of a log", &summary);
    assert_eq!((summary.requests(), problems(&summary).len()), (1, 0));

    let missing = source::from_input(logs.path().join("missing.log").as_os_str());
    assert!(matches!(missing.map(|_| ()), Err(error) if matches!(error.kind(), ErrorKind::Source { .. })));
}

fn time(text: &str) -> Timestamp {
    Timestamp::parse(text.as_bytes()).expect("a time")
}

#[test]
fn sockets_and_pipes_in_a_folder_are_skipped() {
    let logs = Logs::new();
    logs.write("a.log", &text(1));
    let _socket = UnixListener::bind(logs.path().join("b.log")).expect("a socket");
    let summary = logs.analyse(&ReadOptions::new());
    assert_account_is_whole("socket", &summary);
    assert_eq!((summary.requests(), problems(&summary).len()), (1, 0));
    assert_eq!(summary.input.objects_skipped, BTreeMap::from([(Skip::NotALog, 1)]));

    // A pipe without a writer, if one can be made. Opening it would block.
    let pipe = Command::new("mkfifo").arg(logs.path().join("c.log")).status();
    if pipe.is_ok_and(|status| status.success()) {
        let summary = logs.analyse(&ReadOptions::new());
        assert_eq!((summary.requests(), summary.input.objects_skipped[&Skip::NotALog]), (1, 2));
    }
}

/// One object for each of five intervals, with a line in each minute of the interval; and one of another load balancer.
fn five_intervals() -> Logs {
    let logs = Logs::new();
    for (end, start) in [("0730", 25), ("0735", 30), ("0740", 35), ("0745", 40), ("0750", 45)] {
        let lines: Vec<String> = (start..start + 5)
            .map(|minute| {
                let time = format!("2026-11-22T07:{minute}:30.000000Z");
                line().field(alb::TIME, &time).field(alb::REQUEST_CREATION_TIME, &time).build()
            })
            .collect();
        logs.write(key(SHOP, &format!("20261122T{end}Z")), &gzip(lines.join("\n").as_bytes()));
    }
    let other = line().field(alb::ELB, "app/other/60dc6c495c0c9188").build();
    logs.write(key("app.other.60dc6c495c0c9188", "20261122T0745Z"), &gzip(other.as_bytes()));
    logs
}

#[test]
fn a_window_skips_objects_and_records_and_counts_both() {
    let logs = five_intervals();
    let selection = Selection {
        since: Some(time("2026-11-22T07:41:00Z")),
        until: Some(time("2026-11-22T07:43:00Z")),
        ..Selection::default()
    };
    let summary = logs.analyse(&ReadOptions::new().selection(selection));
    assert_account_is_whole("window", &summary);
    // Objects of the intervals next to the window's are opened too, because a line may be late.
    assert_eq!(summary.input.objects_skipped, BTreeMap::from([(Skip::OutsideWindow, 2)]));
    assert_eq!(summary.input.objects, 4);
    // Minutes 41 and 42, and the line of the other load balancer at 41:20.
    assert_eq!(summary.requests(), 3);
    assert_eq!(summary.input.records, 16);
    assert_eq!(summary.input.records_skipped, BTreeMap::from([(RecordSkip::OutsideWindow, 13)]));
    let span = summary.span.expect("there are requests");
    assert_eq!(span.first.to_string(), "2026-11-22T07:41:20.518414Z");
    assert_eq!(span.last.to_string(), "2026-11-22T07:42:30.000000Z");
}

#[test]
fn an_empty_window_reads_no_record_and_still_accounts_for_all() {
    let logs = five_intervals();
    let selection = Selection { since: Some(time("2027-01-01T00:00:00Z")), ..Selection::default() };
    let summary = logs.analyse(&ReadOptions::new().selection(selection));
    assert_account_is_whole("empty window", &summary);
    assert_eq!((summary.requests(), summary.span), (0, None));
    assert_eq!(summary.input.objects_skipped, BTreeMap::from([(Skip::OutsideWindow, 6)]));
}

#[test]
fn filters_skip_by_the_first_reason() {
    let objects_of_other = Selection { load_balancers: vec![LoadBalancerFilter::new("shop")], ..Selection::default() };
    let summary = five_intervals().analyse(&ReadOptions::new().selection(objects_of_other));
    assert_account_is_whole("by key", &summary);
    assert_eq!(summary.input.objects_skipped, BTreeMap::from([(Skip::OtherLoadBalancer, 1)]));
    assert_eq!(summary.requests(), 25);

    // The object's name says nothing, so each line decides.
    let logs = Logs::new();
    let lines = [
        line().field(alb::ELB, "app/other/60dc6c495c0c9188"),
        line().field(alb::TARGET_GROUP_ARN, "-"),
        line().field(alb::TARGET, "10.0.0.2:80"),
        line().field(alb::TARGET, "-"),
        line(),
    ];
    let lines: Vec<String> = lines.iter().map(common::LineBuilder::build).collect();
    logs.write("a.log", lines.join("\n").as_bytes());
    let selection = Selection {
        load_balancers: vec![LoadBalancerFilter::new("app/shop/50dc6c495c0c9188")],
        target_groups: vec![TargetGroupFilter::new("api")],
        targets: vec![TargetFilter::new("10.0.0.1")],
        ..Selection::default()
    };
    let summary = logs.analyse(&ReadOptions::new().selection(selection));
    assert_account_is_whole("by line", &summary);
    let expected = BTreeMap::from([
        (RecordSkip::OtherLoadBalancer, 1),
        (RecordSkip::OtherTargetGroup, 1),
        (RecordSkip::OtherTarget, 2),
    ]);
    assert_eq!(summary.input.records_skipped, expected);
    assert_eq!((summary.input.records, summary.requests()), (5, 1));
}

/// Several load balancers, groups, targets and outcomes over many objects, some of them damaged.
fn varied() -> Logs {
    let logs = Logs::new();
    for object in 0..60 {
        let mut lines = Vec::new();
        for number in 0..20 {
            let at = object * 20 + number;
            let (status, target_status) = [("200", "200"), ("502", "-"), ("504", "504"), ("404", "404")][at % 4];
            lines.push(
                line()
                    .field(alb::ELB, &format!("app/lb{}/50dc6c495c0c9188", at % 3))
                    .field(alb::TARGET_GROUP_ARN, &format!("{}{}", common::TARGET_GROUP, at % 5))
                    .field(alb::TARGET, &format!("10.0.0.{}:80", at % 7))
                    .field(alb::TIME, &format!("2026-11-22T07:{:02}:{:02}.000000Z", 42 + at % 10, at % 60))
                    .field(alb::ELB_STATUS_CODE, status)
                    .field(alb::TARGET_STATUS_CODE, target_status)
                    .request(&format!("GET http://a:80/r{}/{at} HTTP/1.1", at % 11))
                    .build(),
            );
        }
        lines.push(format!("bad line {object}\n"));
        let mut bytes = gzip(lines.join("\n").as_bytes());
        if object % 13 == 7 {
            bytes.extend_from_slice(b"garbage");
        }
        logs.write(format!("{object:02}.log.gz"), &bytes);
    }
    logs
}

/// All counts of a summary, in an order that does not depend on which part came first.
fn counts(summary: &Summary) -> Vec<String> {
    let input = &summary.input;
    let mut all = vec![
        format!("{:?}", (input.objects, &input.objects_skipped, input.objects_failed, input.bytes_read)),
        format!("{:?}", (input.bytes_decoded, input.lines, input.records, input.unreadable_lines)),
        format!("{:?} {:?}", problems(summary), summary.span),
    ];
    let balancer = |id| summary.load_balancers.entry(id).1.escape_ascii().to_string();
    let group = |id| {
        let (parent, arn, ()) = summary.target_groups.entry(id);
        format!("{} {}", balancer(parent), arn.escape_ascii())
    };
    let mut tables = Vec::new();
    for ((), id, load_balancer) in summary.load_balancers.iter() {
        for (start, bin) in load_balancer.timing.sorted() {
            let mut failed = bin.failed.clone();
            failed.sort_unstable();
            let outcomes: Vec<_> = bin.outcomes.iter().collect();
            tables.push(format!("{} {start} {outcomes:?} {:?} {failed:?}", id.escape_ascii(), bin.elapsed));
        }
    }
    for (parent, name, target) in summary.targets.iter() {
        let mut failures: Vec<String> = target
            .failures
            .iter()
            .map(|of| {
                let elapsed = (of.elapsed.count(), of.elapsed.quantile(0.5), of.elapsed.quantile(0.99));
                format!("{:?}", (of.outcome, of.requests, of.seen, elapsed, of.samples.as_slice()))
            })
            .collect();
        failures.sort_unstable();
        let outcomes: Vec<_> = target.outcomes.iter().collect();
        let latency = (target.latency.count(), target.latency.quantile(0.5));
        let pairs = target.status_pairs.sorted();
        let name = name.escape_ascii();
        tables.push(format!(
            "{} {name} {} {:?} {outcomes:?} {pairs:?} {latency:?} {failures:?}",
            group(parent),
            target.requests,
            target.seen
        ));
    }
    for (route, of) in summary.routes.sorted().iter() {
        let outcomes: Vec<_> = of.outcomes.iter().collect();
        let elapsed = (of.elapsed.count(), of.elapsed.quantile(0.5));
        tables.push(format!(
            "{} {} {outcomes:?} {elapsed:?}",
            group(route.target_group),
            route.template.escape_ascii()
        ));
    }
    tables.sort_unstable();
    all.extend(tables);
    all
}

#[test]
fn the_number_of_threads_does_not_change_a_summary() {
    let logs = varied();
    let one = logs.analyse(&ReadOptions::new().threads(1));
    assert_account_is_whole("one thread", &one);
    assert_eq!((one.requests(), one.input.unreadable_lines, one.input.objects_failed), (1_200, 60, 5));
    for threads in [2, 16] {
        let several = logs.analyse(&ReadOptions::new().threads(threads));
        assert_eq!(counts(&several), counts(&one), "{threads} threads");
        assert_eq!(
            several.input.problems, one.input.problems,
            "{threads} threads: the locations of problems, in order"
        );
    }
}

/// Whether an object belongs to a part.
type Wanted = fn(usize) -> bool;

#[test]
fn summaries_of_parts_merged_give_the_whole() {
    let logs = varied();
    let whole = logs.analyse(&ReadOptions::new());
    let of_objects = |wanted: Wanted| {
        let inputs: Vec<_> = (0..60)
            .filter(|&object| wanted(object))
            .map(|object| logs.path().join(format!("{object:02}.log.gz")))
            .map(|path| source::from_input(path.as_os_str()).expect("it is there"))
            .collect();
        ReadOptions::new().run(&inputs, &Progress::new()).expect("a run that is not strict ends well")
    };
    let halves: [[Wanted; 2]; 2] =
        [[|object| object < 30, |object| object >= 30], [|object| object % 2 == 0, |object| object % 2 == 1]];
    for [one, other] in halves {
        let mut merged = of_objects(one);
        merged.merge(of_objects(other));
        assert_eq!(counts(&merged), counts(&whole));
        let mut merged = of_objects(other);
        merged.merge(of_objects(one));
        assert_eq!(counts(&merged), counts(&whole), "the other way round");
    }
}
