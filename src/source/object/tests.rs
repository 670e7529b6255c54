use std::fs;

use super::*;

const NAME: &str =
    "123456789012_elasticloadbalancing_us-east-2_app.shop.1234567890abcdef_20261122T0745Z_192.0.2.1_20sg8hgm.log";

fn in_s3(url: &str, etag: &str) -> Object {
    let key = KeyOffsets::parse(url.rsplit('/').next().expect("a file name"));
    Object::in_s3(url, 5, Etag::parse(etag), false, key)
}

fn file(path: &Path) -> Object {
    let key = KeyOffsets::parse(&path.file_name().expect("a file name").to_string_lossy());
    Object::file(path, fs::metadata(path).ok().as_ref(), key)
}

#[test]
fn the_parts_of_a_key_are_those_of_the_file_name_wherever_it_is() {
    let object = in_s3(&format!("s3://logs/AWSLogs/1_2/{NAME}.gz"), "");
    let key = object.key().expect("AWS's form");
    assert_eq!(Some(key.clone()), ObjectKey::parse(&format!("{NAME}.gz")));
    assert_eq!((key.account, key.region, key.node), ("123456789012", "us-east-2", "192.0.2.1"));
    assert_eq!(object.node(), Some(&b"192.0.2.1"[..]));
    assert!(in_s3("s3://logs/a.log", "").key().is_none());
}

#[test]
fn an_object_that_a_load_balancer_named_has_that_name_in_any_folder_packed_or_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(NAME);
    fs::write(&path, "a line").expect("a file");
    let copies = [file(&path), in_s3(&format!("s3://b/AWSLogs/{NAME}.gz"), ""), in_s3(&format!("s3://{NAME}"), "")];
    for object in copies {
        assert_eq!(object.id().expect("an id").name(), NAME, "{}", object.name);
    }
    let other = NAME.replace("20sg8hgm", "30sg8hgm");
    assert_eq!(in_s3(&format!("s3://b/{other}"), "").id().expect("an id").name(), other);
    // These names are not unique.
    let test_object = in_s3("s3://b/AWSLogs/ELBAccessLogTestFile", "").id().expect("an id");
    assert_eq!(test_object.name(), "s3://b/AWSLogs/ELBAccessLogTestFile");
}

#[test]
fn other_objects_in_s3_are_identified_by_their_url() {
    for url in ["s3://one/b.log", "s3://two/b.log", "s3://one/b.log.gz"] {
        assert_eq!(in_s3(url, "").id().expect("an id").name(), url);
    }
}

#[test]
fn an_object_that_was_replaced_keeps_its_name_and_changes_its_version() {
    let (one, two) = (in_s3("s3://b/a.log", "\"x\"").id(), in_s3("s3://b/a.log", "\"y\"").id());
    let (one, two) = (one.expect("an id"), two.expect("an id"));
    assert_eq!(one.to_string(), "s3://b/a.log#etag=x");
    assert!(one.name() == two.name() && one != two);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.log");
    fs::write(&path, "a line").expect("a file");
    let one = file(&path).id().expect("an id");
    assert_eq!(file(&path).id().as_ref(), Some(&one), "nothing happened to it");
    fs::write(&path, "a line and another").expect("a file");
    let two = file(&path).id().expect("an id");
    assert!(one.name() == two.name() && one != two);
    assert!(Object::standard_input().id().is_none());
}

#[test]
fn a_file_has_one_id_however_its_path_is_written() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("q")).expect("a folder");
    fs::write(folder.path().join("q/b.log"), "").expect("a file");
    let id = |name: &str| file(&folder.path().join(name)).id().expect("an id");
    for name in ["./q/b.log", "q/../q/b.log", "q//b.log"] {
        assert_eq!(id(name), id("q/b.log"), "{name}");
    }
    assert_ne!(id("q/c.log"), id("r/c.log"), "of files that are gone, the name is left");
}

#[cfg(unix)]
#[test]
fn a_file_whose_name_is_not_utf_8_is_found_by_its_path() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let path = Path::new(OsStr::from_bytes(b"/tmp/\xff.log"));
    let object = Object::file(path, None, None);
    assert_eq!(object.path().expect("a file"), path);
    assert_eq!(&*object.name, "/tmp/\u{fffd}.log");
}

/// A listing may have a million objects. Besides this, each has its name.
#[test]
fn an_object_takes_72_bytes() {
    assert_eq!(size_of::<Object>(), 72);
}
