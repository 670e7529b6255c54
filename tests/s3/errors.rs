//! What the program says when S3 says no, and which requests it makes so that S3 says yes.

use std::fs;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use crate::common::{gzip, line};
use crate::faults::{Fault, FaultRule};
use crate::program::{BUCKET, ProgramRun, Twin, command, finish, signed};
use crate::server::{ACCESS_KEY, Operation, SECRET_KEY, TestServer};
use crate::store::BucketStore;

fn store() -> BucketStore {
    let store = BucketStore::memory();
    let bytes = gzip((line().build() + "\n").as_bytes());
    for (day, name) in [("20", "a"), ("20", "b"), ("21", "a")] {
        let key = format!("prod/AWSLogs/123456789012/elasticloadbalancing/eu-west-1/2026/11/{day}/{name}.log.gz");
        store.put("logs", key, bytes.clone());
    }
    store
}

/// It ends with status 2, one sentence and no report.
#[track_caller]
fn assert_refused(name: &str, run: &ProgramRun, parts: &[&str]) {
    assert_eq!((run.code, &*run.stdout), (Some(2), ""), "{name}: {}", run.stderr);
    run.assert_complains(name, parts);
}

#[test]
fn what_s3_refuses_is_said_with_what_to_do() {
    let twin = Twin::new([]);
    for (name, fault, url, parts) in [
        (
            "an expired session",
            Fault::ExpiredToken,
            "s3://logs/prod/",
            &["s3://logs/prod/", "expired", "log in again", "AWS_SESSION_TOKEN"][..],
        ),
        (
            "no right to list",
            Fault::AccessDenied,
            "s3://logs/prod/AWSLogs/",
            &["s3://logs/prod/AWSLogs/", "access denied", "s3:ListBucket on arn:aws:s3:::logs ", "403"],
        ),
        ("no such bucket", Fault::NoSuchBucket, "s3://logs", &["s3://logs", "there is no bucket logs"]),
    ] {
        let server = TestServer::new(&store());
        server.set_rules([FaultRule::new(fault)]);
        let run = twin.on_s3(&server, &["analyze", url]);
        assert_refused(name, &run, parts);
        let asked = server.requests().len();
        assert!(asked <= 2, "{name}: {asked} requests for what will not change");
    }
}

#[test]
fn a_store_that_ignores_the_prefix_is_refused() {
    let twin = Twin::new([]);
    // Its names are shorter than what was asked for, or end within a character of it.
    let store = BucketStore::memory();
    for key in ["x/b.log", "a.log", "\u{fc}ber/c.log"] {
        store.put("logs", key, "text");
    }
    let server = TestServer::new(&store.ignoring_prefixes());
    for url in ["s3://logs/prod/AWSLogs/", "s3://logs/p/", "s3://logs/prod", "s3://logs/x"] {
        let run = twin.on_s3(&server, &["analyze", url]);
        assert_refused(url, &run, &[url, "the store ignores the prefix"]);
    }
}

#[test]
fn a_bucket_that_is_not_there_is_named() {
    let server = TestServer::new(&store());
    let run = Twin::new([]).on_s3(&server, &["analyze", "s3://other/prod"]);
    assert_refused("another bucket", &run, &["s3://other/prod", "there is no bucket other"]);
}

#[test]
fn no_credentials_are_told_before_anything_is_asked() {
    let twin = Twin::new([]);
    let server = TestServer::new(&store());
    let run = finish(command(twin.root(), &["analyze", BUCKET, "--endpoint-url", &server.url()]));
    let parts = ["s3://logs", "no AWS credentials", "--profile", "AWS_ACCESS_KEY_ID", "--no-sign-request"];
    assert_refused("no credentials", &run, &parts);
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn credentials_that_are_wrong_are_told() {
    let twin = Twin::new([]);
    let server = TestServer::new(&store());
    let mut guessed = signed(twin.root(), &["analyze", BUCKET, "--endpoint-url", &server.url()]);
    guessed.env("AWS_SECRET_ACCESS_KEY", "guessed");
    assert_refused("a wrong key", &finish(guessed), &["s3://logs", "credentials", "SignatureDoesNotMatch"]);
}

#[test]
fn an_endpoint_that_nobody_listens_on_is_told() {
    let address = TcpListener::bind(("127.0.0.1", 0)).and_then(|it| it.local_addr()).expect("loopback has a free port");
    let twin = Twin::new([]);
    let run = finish(signed(twin.root(), &["analyze", BUCKET, "--endpoint-url", &format!("http://{address}")]));
    assert_refused("nobody", &run, &["s3://logs", "nothing answers", "--endpoint-url"]);
}

#[test]
fn an_address_that_does_not_speak_tls_is_told() {
    let server = TestServer::new(&store());
    let url = server.url().replace("http://", "https://");
    let run = finish(signed(Twin::new([]).root(), &["analyze", BUCKET, "--endpoint-url", &url]));
    assert_refused("no TLS", &run, &["s3://logs", "does not speak TLS", "--endpoint-url", "http://"]);
}

#[test]
fn what_cannot_be_asked_for_is_not_tried_again() {
    let server = TestServer::new(&store());
    let url = "s3://arn:aws:s3:eu-west-1:123456789012:accesspoint/alb";
    let began = Instant::now();
    let run = Twin::new([]).on_s3(&server, &["analyze", url]);
    assert_refused("an access point at another store", &run, &[url, "cannot be used"]);
    assert!(!run.stderr.contains("all tries failed"), "{}", run.stderr);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[test]
fn a_size_without_a_cache_is_refused() {
    let run = Twin::new([]).on_disk(&["analyze", "disk/logs", "--cache-size", "1GB"]);
    assert_eq!((run.code, &*run.stdout), (Some(2), ""));
    assert!(run.stderr.contains("--cache <DIR>"), "{}", run.stderr);
}

#[test]
fn urls_without_a_bucket_are_told() {
    let twin = Twin::new([]);
    let server = TestServer::new(&store());
    for url in ["s3://", "s3:///AWSLogs"] {
        let run = twin.on_s3(&server, &["analyze", url]);
        assert_refused(url, &run, &[url, "bucket", "s3://my-logs/AWSLogs/"]);
    }
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn where_nothing_is_the_nearest_that_is_there_is_named() {
    let twin = Twin::new([]);
    let server = TestServer::new(&store());
    let account = "s3://logs/prod/AWSLogs/123456789012";
    for (url, parts) in [
        ("s3://logs/nothing/at/all", &["s3://logs/", "prod/"][..]),
        ("s3://logs/prod/AWSlogs/", &["s3://logs/prod/", "AWSLogs/"]),
        ("s3://logs/prod/AWSLogs/210987654321/", &["s3://logs/prod/AWSLogs/", "123456789012/"]),
        (&format!("{account}/elasticloadbalancing/us-east-1/2026/11/20"), &["elasticloadbalancing/", "eu-west-1/"]),
        (&format!("{account}/elasticloadbalancing/eu-west-1/2026/11/20/c"), &["2026/11/20/", "a.log.gz"]),
        ("s3://logs/no\u{1b}[31mwhere", &["s3://logs/", "prod/", "no\\u{1b}[31mwhere"]),
    ] {
        let run = twin.on_s3(&server, &["analyze", url]);
        assert_refused(url, &run, &[parts, &["nothing found"]].concat());
    }
}

#[test]
fn one_input_that_is_refused_leaves_the_others() {
    let twin = Twin::new([("a.log", (line().build() + "\n").repeat(3).as_bytes())]);
    let server = TestServer::new(&store());
    let run = twin.on_s3(&server, &["analyze", "disk/logs", "s3://other", "s3://logs/prod", "--format", "json"]);
    assert_eq!(run.code, Some(2));
    run.assert_complains("one of three", &["s3://other", "there is no bucket other"]);
    assert_eq!(run.json()["input"]["lines"], 6);
}

#[test]
fn part_of_a_listing_that_fails_is_named_and_the_rest_is_read() {
    let store = store();
    let other = "prod/AWSLogs/210987654321/elasticloadbalancing/eu-west-1/2026/11/20/a.log.gz";
    store.put("logs", other, gzip((line().build() + "\n").as_bytes()));
    // More than a page, so that it is walked folder by folder.
    let server = TestServer::new(&store.pages_of(3));
    let twin = Twin::new([]);
    let denied = "prod/AWSLogs/210987654321/";
    server.set_rules([FaultRule::new(Fault::AccessDenied).on(Operation::List).prefix(denied)]);
    let run = twin.on_s3(&server, &["analyze", "s3://logs/prod/AWSLogs/", "--format", "json"]);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    let input = &run.json()["input"];
    assert_eq!(input["lines"], 3, "the other account's lines");
    let sample = &input["problems"][0]["samples"][0];
    assert_eq!(sample["object"], format!("s3://logs/{denied}"));
    assert!(sample["reason"].as_str().is_some_and(|reason| reason.contains("s3:ListBucket")), "{sample}");
}

#[test]
fn a_bucket_in_another_region_is_followed_there() {
    let twin = Twin::new([]);
    for fault in [Fault::Elsewhere("eu-central-1"), Fault::SignedForElsewhere("eu-central-1")] {
        let server = TestServer::new(&store());
        server.set_rules([FaultRule::new(fault.clone())]);
        let run = twin.on_s3(&server, &["analyze", BUCKET, "--region", "us-west-2", "--format", "json"]);
        run.assert_sound(&format!("{fault:?}"));
        assert_eq!(run.json()["input"]["objects"], 3, "{fault:?}");
        let regions: Vec<String> = server.requests().into_iter().filter_map(|request| request.region).collect();
        assert_eq!(regions[0], "us-west-2", "{fault:?}: the region it was told is asked first");
        // Two requests may be on their way before the first answer says where the bucket is.
        let (told, found): (Vec<&String>, Vec<&String>) = regions.iter().partition(|region| *region == "us-west-2");
        assert!(told.len() <= 2, "{fault:?}: {} wrong requests", told.len());
        assert_eq!(server.faults(), told.len(), "{fault:?}: only these are wrong");
        assert!(!found.is_empty() && found.iter().all(|region| *region == "eu-central-1"), "{fault:?}: {regions:?}");
    }
}

#[test]
fn the_region_is_the_flag_s_or_the_environment_s_or_the_profile_s() {
    let twin = Twin::new([]);
    let server = TestServer::new(&store());
    let config = "[profile logs]\nregion = sa-east-1\n";
    let credentials = format!("[logs]\naws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {SECRET_KEY}\n");
    fs::create_dir(twin.root().join(".aws")).expect("a folder");
    fs::write(twin.root().join(".aws/config"), config).expect("a file");
    fs::write(twin.root().join(".aws/credentials"), credentials).expect("a file");
    let args = ["analyze", BUCKET, "--endpoint-url", &server.url()];
    for (name, more, variables, expected) in [
        ("nothing", &[][..], &[("AWS_PROFILE", "logs"), ("AWS_REGION", "eu-north-1")][..], "eu-north-1"),
        ("a flag", &["--region", "eu-south-1"], &[("AWS_PROFILE", "logs"), ("AWS_REGION", "eu-north-1")], "eu-south-1"),
        ("a profile", &["--profile", "logs"], &[], "sa-east-1"),
        (
            "a profile and keys of somebody else in the environment",
            &["--profile", "logs"],
            &[("AWS_ACCESS_KEY_ID", "AKIAELSE"), ("AWS_SECRET_ACCESS_KEY", "else")],
            "sa-east-1",
        ),
        ("a profile of the environment", &[], &[("AWS_PROFILE", "logs")], "sa-east-1"),
    ] {
        server.forget();
        let mut asked = command(twin.root(), &[&args, more].concat());
        asked.envs(variables.iter().copied());
        finish(asked).assert_sound(name);
        let regions: Vec<String> = server.requests().into_iter().filter_map(|request| request.region).collect();
        assert!(!regions.is_empty() && regions.iter().all(|region| region == expected), "{name}: {regions:?}");
    }
    let run = finish(command(twin.root(), &[&args[..], &["--profile", "nobody"]].concat()));
    assert_refused("an unknown profile", &run, &["nobody"]);
    let keys = signed(twin.root(), &[&args[..], &["--profile", "nobody"]].concat());
    assert_refused("an unknown profile, and keys in the environment", &finish(keys), &["nobody"]);
}

#[test]
fn a_session_of_aws_login_is_reported_with_the_command_that_exports_it() {
    let twin = Twin::new([]);
    let server = TestServer::new(&store());
    fs::create_dir(twin.root().join(".aws")).expect("a folder");
    let session = "login_session = arn:aws:iam::123456789012:user/ops\nregion = eu-west-1\n";
    let config = format!(
        "[default]\n{session}[profile on-call]\n{session}\
         [profile role]\nrole_arn = arn:aws:iam::123456789012:role/logs\nsource_profile = default\n"
    );
    fs::write(twin.root().join(".aws/config"), config).expect("a file");
    let args = ["analyze", BUCKET, "--endpoint-url", &server.url()];
    let with = |args: &[&str]| finish(command(twin.root(), args));
    let export = "eval \"$(aws configure export-credentials --format env)\"";
    assert_refused("the default profile", &with(&args), &["s3://logs", "aws login", export]);
    for name in ["on-call", "role"] {
        let run = with(&[&args[..], &["--profile", name]].concat());
        let export = format!("eval \"$(aws configure export-credentials --profile {name} --format env)\"");
        assert_refused(name, &run, &["s3://logs", "aws login", &export, "leave --profile out"]);
    }
    assert_eq!(server.requests().len(), 0);
    // What that command exports comes first.
    finish(signed(twin.root(), &args)).assert_sound("exported");
}

#[test]
fn the_endpoint_may_be_the_environment_s() {
    let twin = Twin::new([]);
    let server = TestServer::new(&store());
    for variable in ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"] {
        server.forget();
        let mut asked = signed(twin.root(), &["analyze", BUCKET]);
        asked.env(variable, server.url());
        finish(asked).assert_sound(variable);
        assert_eq!(server.count(Operation::Get), 3, "{variable}");
    }
}

#[test]
fn a_public_bucket_is_read_without_credentials() {
    let twin = Twin::new([]);
    let server = TestServer::public(&store());
    let args = ["analyze", BUCKET, "--no-sign-request", "--format", "json", "--endpoint-url", &server.url()];
    let run = finish(command(twin.root(), &args));
    run.assert_sound("no signature");
    assert_eq!(run.json()["input"]["objects"], 3);
    assert!(server.requests().iter().all(|request| request.region.is_none()), "nothing is signed");
    let server = TestServer::new(&store());
    let args = ["analyze", BUCKET, "--no-sign-request", "--endpoint-url", &server.url()];
    assert_refused("a private bucket", &finish(command(twin.root(), &args)), &["access denied", "s3:ListBucket"]);
}

#[test]
fn who_pays_is_said_in_each_request() {
    let twin = Twin::new([]);
    let server = TestServer::new(&store());
    twin.on_s3(&server, &["analyze", BUCKET]).assert_sound("the owner pays");
    assert!(server.requests().iter().all(|request| request.payer.is_none()));
    server.forget();
    twin.on_s3(&server, &["analyze", BUCKET, "--request-payer"]).assert_sound("the requester pays");
    let requests = server.requests();
    assert!(requests.len() > 3 && requests.iter().all(|it| it.payer.as_deref() == Some("requester")));
}

#[test]
fn a_key_may_be_read_by_whoever_may_not_list() {
    let twin = Twin::new([]);
    let server = TestServer::new(&store());
    server.set_rules([FaultRule::new(Fault::AccessDenied).on(Operation::List)]);
    let url = "s3://logs/prod/AWSLogs/123456789012/elasticloadbalancing/eu-west-1/2026/11/20/a.log.gz";
    let run = twin.on_s3(&server, &["analyze", url, "--format", "json"]);
    run.assert_sound("one key");
    assert_eq!(run.json()["input"]["lines"], 1);
}

#[test]
fn a_strict_run_ends_at_the_first_object_that_cannot_be_read() {
    let twin = Twin::new([]);
    let server = TestServer::new(&store());
    server.set_rules([FaultRule::new(Fault::NoSuchKey).on(Operation::Get)]);
    let run = twin.on_s3(&server, &["analyze", BUCKET, "--strict"]);
    assert_refused("strict", &run, &["s3://logs/prod/AWSLogs/123456789012", ".log.gz", "NoSuchKey"]);
}
