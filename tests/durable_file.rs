//! What an interruption finds. It ends with [`discard_unfinished`], after which no file of this process is written. So
//! it is one test in a process of its own.

use std::fs;
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use albscope::durable_file::{FileOptions, Publishing, discard_unfinished};
use albscope::export::TableFormat;
use albscope::export::tables::write_tables;
use albscope::report::Report;
use albscope::source::{Selection, from_input};
use albscope::{Progress, ReadOptions, diagnose};

/// How long a thread must not get on.
const WHILE: Duration = Duration::from_millis(200);

fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn an_interruption_finds_files_that_belong_together_all_new_or_all_old() {
    let folder = tempfile::tempdir().expect("a folder");

    // The tables of an analysis wait for a `Publishing`, as they must wait for an interruption.
    let inputs = [from_input("sample-logs".as_ref()).expect("they are there")];
    let summary = ReadOptions::new().run(&inputs, &Progress::new()).expect("they can be read");
    let report =
        Report::new(&summary, &diagnose::diagnose(&summary, &diagnose::Context::default()), &Selection::default());
    let tables = folder.path().join("tables");
    let publishing = Publishing::begin();
    thread::scope(|scope| {
        let (sender, written) = channel();
        let (summary, report, tables) = (&summary, &report, &tables);
        scope.spawn(move || {
            let result = write_tables(summary, report, tables, TableFormat::Csv);
            sender.send(result.is_ok()).expect("it is awaited");
        });
        while names(tables).len() < 5 {
            thread::yield_now();
        }
        assert_eq!(written.recv_timeout(WHILE), Err(RecvTimeoutError::Timeout), "they must wait");
        assert!(names(tables).iter().all(|name| name.ends_with(".partial")), "{:?}", names(tables));
        drop(publishing);
        assert_eq!(written.recv(), Ok(true));
    });
    let tables = names(&tables);
    assert_eq!(tables, ["findings.csv", "minutes.csv", "routes.csv", "status_pairs.csv", "targets.csv"]);

    // An interruption waits for files that belong together, and then removes the others.
    let begin = |name: &str| FileOptions::default().create(&folder.path().join(name)).expect("a file");
    let (one, other) = (begin("one").close().expect("room"), begin("other").close().expect("room"));
    // They are neither published nor dropped: a drop would wait for the program's end.
    let unfinished = (begin("unfinished"), begin("complete").close().expect("room"));
    let (sender, discarded) = channel();
    let mut publishing = Publishing::begin();
    one.publish(&mut publishing).expect("it is renamed");
    thread::spawn(move || {
        discard_unfinished();
        sender.send(()).expect("it is awaited");
    });
    assert_eq!(discarded.recv_timeout(WHILE), Err(RecvTimeoutError::Timeout), "it must wait");
    other.publish(&mut publishing).expect("it is renamed");
    drop(publishing);
    assert_eq!(discarded.recv(), Ok(()));
    std::mem::forget(unfinished);
    assert_eq!(names(folder.path()), ["one", "other", "tables"]);
}
