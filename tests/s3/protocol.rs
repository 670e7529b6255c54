//! The server itself, seen by AWS's own client: it must be S3 where the program looks.

use std::fs;
use std::future::Future;
use std::time::{Duration, Instant};

use aws_config::Region;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::{BehaviorVersion, Credentials};
use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_s3::types::{EncodingType, ObjectStorageClass};

use crate::faults::{Fault, FaultRule};
use crate::server::{ACCESS_KEY, Operation, SECRET_KEY, TestServer};
use crate::store::{BucketStore, Tags, md5};

/// A client that asks once, and the threads it runs on.
struct Asker {
    client: Client,
    runtime: tokio::runtime::Runtime,
}

impl Asker {
    fn new(server: &TestServer, secret: Option<&str>) -> Self {
        let builder = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .endpoint_url(server.url())
            .force_path_style(true)
            .retry_config(RetryConfig::disabled())
            .http_client(aws_smithy_http_client::Builder::new().build_http());
        let config = match secret {
            Some(secret) => {
                builder.credentials_provider(Credentials::new(ACCESS_KEY, secret, None, None, "test")).build()
            }
            None => builder.allow_no_auth().build(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("it can be started");
        Self { client: Client::from_conf(config), runtime }
    }

    fn ask<T>(&self, asked: impl Future<Output = T>) -> T {
        self.runtime.block_on(asked)
    }

    /// The object's bytes, or what the client says that went wrong.
    fn get(&self, key: &str) -> Result<Vec<u8>, String> {
        self.ask(async {
            let output = self.client.get_object().bucket("logs").key(key).send().await.map_err(|error| told(&error))?;
            let body = output.body.collect().await.map_err(|error| DisplayErrorContext(error).to_string())?;
            Ok(body.to_vec())
        })
    }

    /// All of a listing: keys, and folders where there is a delimiter.
    fn list(&self, listing: &ListArguments) -> Vec<String> {
        self.ask(async {
            let mut found = Vec::new();
            let mut pages = self
                .client
                .list_objects_v2()
                .bucket("logs")
                .prefix(listing.prefix)
                .set_delimiter(listing.delimiter.map(str::to_owned))
                .set_start_after(listing.start_after.map(str::to_owned))
                .into_paginator()
                .send();
            while let Some(page) = pages.next().await {
                let page = page.unwrap_or_else(|error| panic!("{listing:?}: {}", told(&error)));
                let mut names: Vec<String> =
                    page.contents().iter().filter_map(|it| it.key().map(str::to_owned)).collect();
                names.extend(page.common_prefixes().iter().filter_map(|it| it.prefix().map(str::to_owned)));
                names.sort_unstable();
                found.extend(names);
            }
            found
        })
    }
}

/// Status, code and message of an answer; other failures in the client's words.
fn told<E: ProvideErrorMetadata + std::error::Error + 'static>(error: &SdkError<E>) -> String {
    match error.raw_response() {
        Some(response) => {
            format!("{} {} {}", response.status().as_u16(), error.code().unwrap_or("-"), error.message().unwrap_or("-"))
        }
        None => DisplayErrorContext(error).to_string(),
    }
}

#[derive(Clone, Copy, Debug)]
struct ListArguments {
    prefix: &'static str,
    delimiter: Option<&'static str>,
    start_after: Option<&'static str>,
}

const KEYS: [&str; 9] = [
    "AWSLogs/1/a.log.gz",
    "AWSLogs/1/b.log.gz",
    "AWSLogs/2/a.log.gz",
    "AWSLogs-old/a.log.gz",
    "a file.log",
    "a+b%41.log",
    "a.log",
    "a/b.log",
    "größe.log",
];

/// Both stores with the same objects, each holding its key.
fn stores() -> (tempfile::TempDir, [BucketStore; 2]) {
    let root = tempfile::tempdir().expect("a temporary folder");
    let memory = BucketStore::memory();
    for key in KEYS {
        let path = root.path().join("logs").join(key);
        fs::create_dir_all(path.parent().expect("it lies in the folder")).expect("a folder");
        fs::write(&path, key).expect("a file");
        memory.put("logs", key, key);
    }
    let folder = BucketStore::folder(root.path());
    (root, [folder, memory])
}

#[test]
fn what_is_not_there_and_what_is_archived_is_told_as_s3_tells_it() {
    let (_root, stores) = stores();
    stores[1].put("logs", "old.log", "text");
    stores[1].archive("logs", "old.log");
    for store in &stores {
        let server = TestServer::new(store);
        let asker = Asker::new(&server, Some(SECRET_KEY));
        assert_eq!(asker.get("nothing.log").unwrap_err(), "404 NoSuchKey The specified key does not exist.");
        let missing = "404 NoSuchBucket The specified bucket does not exist";
        let object = asker.client.get_object().bucket("other").key("a.log").send();
        assert_eq!(told(&asker.ask(object).expect_err("no bucket")), missing);
        let listing = asker.client.list_objects_v2().bucket("other").send();
        assert_eq!(told(&asker.ask(listing).expect_err("no bucket")), missing);
    }
    let server = TestServer::new(&stores[1]);
    let asker = Asker::new(&server, Some(SECRET_KEY));
    let refused = "403 InvalidObjectState The operation is not valid for the object's storage class";
    assert_eq!(asker.get("old.log").unwrap_err(), refused);
    let listing = asker.client.list_objects_v2().bucket("logs").prefix("old").send();
    let page = asker.ask(listing).expect("a sound request");
    assert_eq!(page.contents()[0].storage_class(), Some(&ObjectStorageClass::Glacier));
}

/// What S3's documentation says a listing is.
fn expected(ListArguments { prefix, delimiter, start_after }: ListArguments) -> Vec<String> {
    let mut found: Vec<String> = KEYS
        .iter()
        .filter(|key| key.starts_with(prefix) && start_after.is_none_or(|after| **key > after))
        .map(|key| {
            let folder = delimiter.and_then(|delimiter| key[prefix.len()..].find(delimiter));
            folder.map_or(*key, |index| &key[..=prefix.len() + index]).to_owned()
        })
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

#[test]
fn listings_are_what_s3_would_list() {
    let (_root, stores) = stores();
    for store in stores {
        for page in [1, 3, 1000] {
            let server = TestServer::new(&store.clone().pages_of(page));
            let asker = Asker::new(&server, Some(SECRET_KEY));
            for (prefix, delimiter, start_after) in [
                ("", None, None),
                ("", Some("/"), None),
                ("AWSLogs", Some("/"), None),
                ("AWSLogs/", Some("/"), None),
                ("AWSLogs/1/", Some("/"), None),
                ("AWSLogs/1/", None, Some("AWSLogs/1/a.log.gz")),
                ("AWSLogs/", None, Some("AWSLogs/1/a")),
                ("a", None, None),
                ("a+", None, None),
                ("grö", Some("/"), None),
                ("nothing", None, None),
            ] {
                let listing = ListArguments { prefix, delimiter, start_after };
                server.forget();
                let found = asker.list(&listing);
                assert_eq!(found, expected(listing), "{listing:?}, pages of {page}");
                assert_eq!(server.count(Operation::List), found.len().div_ceil(page).max(1), "{listing:?}");
            }
        }
    }
}

#[test]
fn a_listing_is_encoded_when_it_is_asked_for() {
    let (_root, stores) = stores();
    for store in stores {
        let server = TestServer::new(&store);
        let asker = Asker::new(&server, Some(SECRET_KEY));
        let request = asker.client.list_objects_v2().bucket("logs").prefix("a").encoding_type(EncodingType::Url);
        let page = asker.ask(request.send()).expect("a sound request");
        let keys: Vec<&str> = page.contents().iter().filter_map(|object| object.key()).collect();
        assert_eq!(keys, ["a+file.log", "a%2Bb%2541.log", "a.log", "a/b.log"]);
        assert_eq!(page.encoding_type(), Some(&EncodingType::Url));
    }
}

#[test]
fn objects_are_whole_or_the_part_that_is_asked_for() {
    let (_root, stores) = stores();
    for store in stores {
        let server = TestServer::new(&store);
        let asker = Asker::new(&server, Some(SECRET_KEY));
        for key in KEYS {
            assert_eq!(asker.get(key).as_deref(), Ok(key.as_bytes()));
        }
        let request = asker.client.get_object().bucket("logs").key("a/b.log").range("bytes=2-3");
        let output = asker.ask(request.send()).expect("a sound request");
        assert_eq!(output.content_range(), Some("bytes 2-3/7"));
        assert_eq!(asker.ask(output.body.collect()).expect("a body").to_vec(), b"b.");
        let seen = server.requests();
        assert_eq!(seen.last().expect("a request").range.as_deref(), Some("bytes=2-3"));
        assert_eq!(asker.get("a").unwrap_err(), "404 NoSuchKey The specified key does not exist.", "a folder is none");
        let head = asker.ask(asker.client.head_object().bucket("logs").key("a").send());
        assert!(head.is_err_and(|error| error.raw_response().is_some_and(|it| it.status().as_u16() == 404)));
    }
}

#[test]
fn etags_are_of_the_content_and_are_held_to() {
    let (_root, stores) = stores();
    for store in stores {
        for (tags, expected) in [
            (Tags::Md5, md5(b"a.log")),
            (Tags::Parts, md5(b"a.log") + "-2"),
            (Tags::Kms, md5(b"a.log").chars().rev().collect()),
        ] {
            let quoted = format!("\"{expected}\"");
            let server = TestServer::new(&store.clone().tags(tags));
            let asker = Asker::new(&server, Some(SECRET_KEY));
            let object = |tag: &str| asker.client.get_object().bucket("logs").key("a.log").if_match(tag);
            let output = asker.ask(object(&quoted).send()).expect("the object is this one");
            assert_eq!(output.e_tag(), Some(&*quoted));
            let listed = asker.ask(asker.client.list_objects_v2().bucket("logs").prefix("a.log").send());
            assert_eq!(listed.expect("a sound request").contents()[0].e_tag(), Some(&*quoted));
            let error = asker.ask(object("\"0123\"").send()).expect_err("the object is another one");
            assert_eq!(error.code(), Some("PreconditionFailed"));
        }
    }
}

#[test]
fn only_its_own_user_is_let_in_unless_it_is_public() {
    let store = BucketStore::memory();
    store.put("logs", "a.log", "text");
    let server = TestServer::new(&store);
    assert!(Asker::new(&server, Some(SECRET_KEY)).get("a.log").is_ok());
    assert!(Asker::new(&server, Some("guessed")).get("a.log").unwrap_err().starts_with("403 SignatureDoesNotMatch"));
    assert!(Asker::new(&server, None).get("a.log").unwrap_err().starts_with("403 AccessDenied"));
    assert_eq!(Asker::new(&TestServer::public(&store), None).get("a.log").as_deref(), Ok(&b"text"[..]));
}

#[test]
fn each_fault_is_what_it_says() {
    let bytes: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
    let store = BucketStore::memory();
    store.put("logs", "a.log", bytes.clone());
    let server = TestServer::new(&store);
    let asker = Asker::new(&server, Some(SECRET_KEY));
    for (fault, expected) in [
        (Fault::SlowDown, "503 SlowDown Please reduce your request rate."),
        (Fault::InternalError, "500 InternalError We encountered an internal error."),
        (Fault::Reset, "connection reset"),
        (Fault::ResetInBody, "connection reset"),
        (Fault::CutBody, "end of file before message length reached"),
        (
            Fault::AccessDenied,
            "403 AccessDenied User: arn:aws:iam::123456789012:user/reader is not authorized to perform: s3:GetObject on resource: \"arn:aws:s3:::logs/a.log\"",
        ),
        (Fault::NoSuchKey, "404 NoSuchKey"),
        (Fault::NoSuchBucket, "404 NoSuchBucket"),
        (Fault::PreconditionFailed, "412 PreconditionFailed"),
        (Fault::Archived, "403 InvalidObjectState The operation is not valid for the object's storage class"),
        (Fault::ExpiredToken, "400 ExpiredToken The provided token has expired."),
        (Fault::Elsewhere("eu-west-1"), "301 PermanentRedirect"),
        (
            Fault::SignedForElsewhere("eu-west-1"),
            "400 AuthorizationHeaderMalformed The authorization header is malformed; the region 'us-east-1' is wrong; expecting 'eu-west-1'",
        ),
    ] {
        server.set_rules([FaultRule::new(fault.clone())]);
        let error = asker.get("a.log").expect_err("it fails");
        assert!(error.to_lowercase().contains(&expected.to_lowercase()), "{fault:?}: {error}");
        assert_eq!(server.requests().last().and_then(|request| request.fault.clone()), Some(fault));
    }
    for (fault, expected) in [
        (Fault::Elsewhere("us-east-1"), bytes.clone()),
        (Fault::SignedForElsewhere("us-east-1"), bytes.clone()),
        (Fault::Trickle(Duration::from_millis(1)), bytes.clone()),
        (Fault::Stall(Duration::from_millis(1)), bytes.clone()),
        (Fault::ShortBody, bytes[..bytes.len() / 2].to_vec()),
    ] {
        server.set_rules([FaultRule::new(fault.clone())]);
        assert!(asker.get("a.log").as_ref() == Ok(&expected), "{fault:?}");
    }
    server.set_rules([FaultRule::new(Fault::WrongBody)]);
    let wrong = asker.get("a.log").expect("nobody compares it");
    assert_eq!(wrong.iter().zip(&bytes).filter(|(one, other)| one != other).count(), 1);
    assert_eq!(wrong.len(), bytes.len());
}

#[test]
fn a_token_is_refused_by_the_rule_and_when_it_was_never_given() {
    let (_root, stores) = stores();
    let server = TestServer::new(&stores[1].clone().pages_of(3));
    let asker = Asker::new(&server, Some(SECRET_KEY));
    let page = |token: Option<&str>| {
        let request = asker.client.list_objects_v2().bucket("logs").set_continuation_token(token.map(str::to_owned));
        asker.ask(request.send()).map_err(|error| told(&error))
    };
    let refused = "400 InvalidArgument The continuation token provided is incorrect";
    assert_eq!(page(Some("never given")).unwrap_err(), refused);
    server.set_rules([FaultRule::new(Fault::BadContinuationToken).first(1)]);
    let first = page(None).expect("no token, no fault");
    let token = first.next_continuation_token();
    assert_eq!(page(token).unwrap_err(), refused);
    assert!(page(token).is_ok(), "the second time it is known");
}

#[test]
fn rules_hit_what_they_name() {
    let (_root, stores) = stores();
    let server = TestServer::new(&stores[1]);
    let asker = Asker::new(&server, Some(SECRET_KEY));
    server.set_rules([
        FaultRule::new(Fault::NoSuchKey).on(Operation::Get).key("a.log"),
        FaultRule::new(Fault::SlowDown).on(Operation::Get).first(1),
    ]);
    assert!(asker.get("a.log").unwrap_err().starts_with("404"));
    assert!(asker.get("a.log").unwrap_err().starts_with("404"));
    assert!(asker.get("a/b.log").unwrap_err().starts_with("503"));
    assert!(asker.get("a/b.log").is_ok());
    assert_eq!(asker.list(&ListArguments { prefix: "", delimiter: None, start_after: None }).len(), KEYS.len());
    assert_eq!((server.count(Operation::Get), server.count(Operation::List), server.faults()), (4, 1, 3));
}

#[test]
fn a_share_of_the_requests_is_the_same_for_the_same_seed() {
    let keys: Vec<String> = (0..200).map(|number| format!("{number}.log")).collect();
    let store = BucketStore::memory();
    store.put_all("logs", keys.clone(), "text");
    let hit = |seed: u64, keys: &mut dyn Iterator<Item = &String>| -> Vec<String> {
        let server = TestServer::new(&store);
        let asker = Asker::new(&server, Some(SECRET_KEY));
        server.set_rules([FaultRule::new(Fault::SlowDown).share(0.2, seed)]);
        let mut failed: Vec<String> = keys.filter(|key| asker.get(key).is_err()).cloned().collect();
        failed.sort_unstable();
        failed
    };
    let one = hit(1, &mut keys.iter());
    assert!((20..60).contains(&one.len()), "{} of 200", one.len());
    assert_eq!(hit(1, &mut keys.iter().rev()), one, "whatever the order");
    assert_ne!(hit(2, &mut keys.iter()), one);
    let server = TestServer::new(&store);
    let asker = Asker::new(&server, Some(SECRET_KEY));
    server.set_rules([FaultRule::new(Fault::SlowDown).share(1.0, 1)]);
    assert_eq!([(); 3].map(|()| asker.get("1.log").is_ok()), [false, false, true], "not more than twice in a row");
}

#[test]
fn waiting_requests_are_counted_as_in_flight() {
    let store = BucketStore::memory();
    store.put("logs", "a.log", "text");
    let server = TestServer::new(&store);
    server.set_latency(Duration::from_millis(50));
    let asker = Asker::new(&server, Some(SECRET_KEY));
    let began = Instant::now();
    asker.ask(async {
        let object = || asker.client.get_object().bucket("logs").key("a.log").send();
        let answers = futures_util::future::join_all((0..3).map(|_| object())).await;
        assert!(answers.iter().all(Result::is_ok));
    });
    assert!(began.elapsed() >= Duration::from_millis(50));
    assert_eq!(server.most_in_flight(), 3);
    server.forget();
    assert!(asker.get("a.log").is_ok());
    assert_eq!((server.most_in_flight(), server.requests().len()), (1, 1));
}
