use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::atomic::AtomicUsize;
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use super::*;
use crate::decode::Body;
use crate::error::Problem;
use crate::source::{Arrived, Delivery, Fetch, Fetched, Listing, Object, fetch_channel, from_input};
use crate::source::{CancelToken, Selection};

const LINE: &str = r#"http 2026-11-22T07:41:20.518414Z app/a/1 192.0.2.10:55123 10.0.0.1:80 0.000 0.001 0.000 200 200 120 353 "GET http://a.example:80/ HTTP/1.1" "curl" - - arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/api/73e2d6bc24d8a067 "Root=1-6921698f-36d228ad5d99923122bbe354" "-" "-" 0 2026-11-22T07:41:20.516000Z "forward" "-" "-""#;

/// A folder of objects, each with these lines.
fn folder(objects: &[Vec<&str>]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (number, lines) in objects.iter().enumerate() {
        std::fs::write(folder.path().join(format!("{number:04}.log")), lines.join("\n")).expect("a file");
    }
    folder
}

fn run(options: &ReadOptions, folder: &tempfile::TempDir, progress: &Progress) -> Result<Summary> {
    options.run(&[from_input(folder.path().as_os_str()).expect("it is there")], progress)
}

#[test]
fn strict_reports_the_first_problem_of_the_input_whatever_the_threads() {
    // Many objects after the first one with a problem have one too, so that another thread is sure to meet one
    // earlier.
    let mut objects = vec![vec![LINE; 3]; 400];
    objects[57] = [vec![LINE; 2_000], vec!["bad"]].concat();
    for object in &mut objects[58..] {
        *object = vec!["also bad"];
    }
    let folder = folder(&objects);
    for threads in [1, 2, 3, 16] {
        for _ in 0..5 {
            let options = ReadOptions::new().threads(threads).strict(true);
            let error = run(&options, &folder, &Progress::new()).expect_err("there is a problem");
            let ErrorKind::Input { problem, at, .. } = error.kind() else { panic!("{threads} threads: {error:?}") };
            assert_eq!((*problem, at.line), (Problem::TooFewFields, 2_001), "{threads} threads");
            assert!(at.object.ends_with("0057.log"), "{threads} threads: {at}");
            assert_eq!(at.byte, 2_000 * (LINE.len() as u64 + 1), "{threads} threads");
        }
    }
}

/// A source whose objects break off after their first line.
struct BreaksOff;

impl Source for BreaksOff {
    fn list(&self, selection: &Selection, cancel_token: &CancelToken) -> Listing {
        let folder = folder(&vec![vec![LINE]; 2]);
        from_input(folder.path().as_os_str()).expect("it is there").list(selection, cancel_token)
    }

    fn open<'a>(&self, _: &Object, _: &'a mut Vec<u8>) -> Result<Body<'a>> {
        let broken = io::Error::other("the cable is cut");
        Ok(Body::Stream(Box::new(io::Cursor::new(format!("{LINE}\n")).chain(FailsWith(Some(broken))))))
    }
}

/// A stream that only fails.
struct FailsWith(Option<io::Error>);

impl Read for FailsWith {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

#[test]
fn strict_says_why_an_object_could_not_be_read() {
    let error = ReadOptions::new().strict(true).run(&[Box::new(BreaksOff)], &Progress::new()).expect_err("it breaks");
    let ErrorKind::Read { source, .. } = error.kind() else { panic!("{error:?}") };
    assert_eq!(source.to_string(), "the cable is cut");

    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("a.log.gz"), [0x1f, 0x8b, 8, 0]).expect("a file");
    let error = run(&ReadOptions::new().strict(true), &folder, &Progress::new()).expect_err("it is cut off");
    let said = error.to_string();
    assert!(said.starts_with("gzip stream that is cut off: "), "{said}");
    assert!(said.ends_with(": the stream ends inside a member"), "{said}");
}

#[test]
fn strict_changes_nothing_for_input_without_a_problem() {
    let folder = folder(&vec![vec![LINE; 2]; 5]);
    let summary = run(&ReadOptions::new().strict(true), &folder, &Progress::new()).expect("there is no problem");
    assert_eq!((summary.requests(), summary.input.problems.len()), (10, 0));
}

#[test]
fn a_cancelled_run_returns_cancelled() {
    let folder = folder(&vec![vec![LINE; 2]; 300]);
    for threads in [1, 4] {
        let progress = Progress::new();
        progress.cancel();
        assert!(progress.is_cancelled());
        let error = run(&ReadOptions::new().threads(threads), &folder, &progress).expect_err("it was cancelled");
        assert!(matches!(error.kind(), ErrorKind::Cancelled), "{error:?}");
        assert!(progress.reading().objects_done < 300, "it was read to the end");
    }
}

#[test]
fn objects_without_lines_can_be_cancelled_too() {
    let folder = folder(&vec![vec![]; 5]);
    let progress = Progress::new();
    progress.cancel();
    let error = run(&ReadOptions::new(), &folder, &progress).expect_err("it was cancelled");
    assert!(matches!(error.kind(), ErrorKind::Cancelled), "{error:?}");
}

/// A source that cancels the run after a given number of objects was opened.
struct Cancelling<'a> {
    progress: &'a Progress,
    opened: AtomicUsize,
    after: usize,
}

impl Source for Cancelling<'_> {
    fn list(&self, selection: &Selection, cancel_token: &CancelToken) -> Listing {
        let folder = folder(&vec![vec![LINE]; 50]);
        let source = from_input(folder.path().as_os_str()).expect("it is there");
        source.list(selection, cancel_token)
    }

    fn open<'a>(&self, _: &Object, scratch: &'a mut Vec<u8>) -> Result<Body<'a>> {
        if self.opened.fetch_add(1, Ordering::Relaxed) == self.after {
            self.progress.cancel();
        }
        scratch.clear();
        scratch.extend_from_slice(LINE.as_bytes());
        Ok(Body::Bytes(scratch))
    }
}

#[test]
fn a_run_that_is_cancelled_midway_reads_no_further() {
    // A source outlives the run, so its progress does too.
    static PROGRESS: std::sync::LazyLock<Progress> = std::sync::LazyLock::new(Progress::new);
    let source = Cancelling { progress: &PROGRESS, opened: AtomicUsize::new(0), after: 10 };
    let error = ReadOptions::new().threads(1).run(&[Box::new(source)], &PROGRESS).expect_err("it was cancelled");
    assert!(matches!(error.kind(), ErrorKind::Cancelled), "{error:?}");
    assert_eq!(PROGRESS.reading().objects_done, 10);
}

/// Where a run of a [`Panics`] panics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Panicking {
    Begin,
    Observe,
    Merge,
}

/// A collector that may panic.
struct Panics(bool);

impl Collector for Panics {
    fn observe(&mut self, _: &SelectedRecord<'_>) -> Result<()> {
        assert!(!self.0, "as it should");
        Ok(())
    }
}

#[test]
fn a_panic_of_one_worker_ends_the_run() {
    for place in [Panicking::Begin, Panicking::Observe, Panicking::Merge] {
        for shards in [Shards::AtMost(MAX_SHARDS), Shards::OnePerObject { max_unmerged: 2 }] {
            let (sender, ended) = channel();
            std::thread::spawn(move || {
                let folder = folder(&vec![vec![LINE; 2]; 60]);
                let sources = [from_input(folder.path().as_os_str()).expect("it is there")];
                let begin = |index| {
                    assert!(place != Panicking::Begin || index != 3, "as it should");
                    Panics(place == Panicking::Observe && index == 3)
                };
                let mut parts = 0;
                let merge = |_| {
                    parts += 1;
                    assert!(place != Panicking::Merge || parts != 3, "as it should");
                    Ok(())
                };
                let run = || ReadOptions::new().threads(4).collect(&sources, &Progress::new(), shards, begin, merge);
                let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
                sender.send(result.is_err()).expect("it is awaited");
            });
            let has_panicked = ended.recv_timeout(Duration::from_secs(20));
            assert_eq!(has_panicked, Ok(true), "{place:?}, {shards:?}");
        }
    }
}

#[test]
fn progress_counts_objects_and_bytes() {
    let folder = folder(&vec![vec![LINE; 2]; 7]);
    let progress = Progress::new();
    assert_eq!(progress.reading(), ProgressReading { listed: 0, objects: 0, bytes: 0, objects_done: 0, bytes_done: 0 });
    let summary = run(&ReadOptions::new(), &folder, &progress).expect("a run that is not strict ends well");
    let bytes = 7 * (2 * LINE.len() as u64 + 1);
    assert_eq!(
        progress.reading(),
        ProgressReading { listed: 8, objects: 7, bytes, objects_done: 7, bytes_done: bytes }
    );
    assert_eq!((summary.input.bytes_read, summary.input.bytes_decoded), (bytes, bytes));
}

/// A source that fails in every way a source can fail.
struct Broken;

impl Source for Broken {
    fn list(&self, selection: &Selection, cancel_token: &CancelToken) -> Listing {
        let folder = folder(&vec![vec![LINE]; 3]);
        let source = from_input(folder.path().as_os_str()).expect("it is there");
        let mut listing = source.list(selection, cancel_token);
        listing.errors.push(Error::source("folder", io::Error::other("not to be listed")));
        listing
    }

    fn open<'a>(&self, object: &Object, scratch: &'a mut Vec<u8>) -> Result<Body<'a>> {
        match &object.name[object.name.len() - 8..] {
            "0000.log" => Err(Error::source(&*object.name, io::Error::other("not to be opened"))),
            "0001.log" => Ok(Body::Stream(Box::new(Breaking { text: format!("{LINE}\n{LINE}").into_bytes() }))),
            _ => {
                scratch.clear();
                scratch.extend_from_slice(LINE.as_bytes());
                Ok(Body::Bytes(scratch))
            }
        }
    }
}

/// Gives its text, then an error.
struct Breaking {
    text: Vec<u8>,
}

impl Read for Breaking {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.text.is_empty() {
            return Err(io::Error::other("broken"));
        }
        let count = self.text.len().min(out.len());
        out[..count].copy_from_slice(&self.text[..count]);
        self.text.drain(..count);
        Ok(count)
    }
}

#[test]
fn failures_of_a_source_are_counted_and_the_rest_is_read() {
    let summary =
        ReadOptions::new().run(&[Box::new(Broken)], &Progress::new()).expect("a run that is not strict ends well");
    // The whole line before the break, and the sound object's.
    assert_eq!((summary.requests(), summary.input.lines), (2, 2));
    assert_eq!(summary.input.objects, 2);
    assert_eq!(summary.input.objects_failed, 3);
    let problem = &summary.input.problems[&Problem::Unreadable];
    assert_eq!(problem.count, 3);
    let reasons: Vec<_> = problem.samples.iter().map(|sample| sample.reason.as_deref().unwrap_or_default()).collect();
    assert_eq!(reasons, ["not to be listed", "not to be opened", "broken"]);
    // The line that would have come next, and the offset at which the stream broke.
    let broken = &problem.samples[2].at;
    assert_eq!((broken.line, broken.byte), (2, 2 * LINE.len() as u64 + 1));
}

#[test]
fn no_input_gives_an_empty_summary() {
    let summary = ReadOptions::new().run(&[], &Progress::new()).expect("nothing can go wrong");
    assert_eq!((summary.requests(), summary.input.objects, summary.span), (0, 0, None));
    assert_eq!(summary.input.problems, BTreeMap::new());
}

/// Hands out the objects of another source, and cancels the run at the end of an object.
struct CancelAtEnd {
    inner: Box<dyn Source>,
    progress: std::sync::Arc<Progress>,
}

struct CancelAtEndOf<R>(R, std::sync::Arc<Progress>);

impl<R: Read> Read for CancelAtEndOf<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.0.read(out)?;
        if count == 0 {
            self.1.cancel();
        }
        Ok(count)
    }
}

impl Source for CancelAtEnd {
    fn list(&self, selection: &Selection, cancel_token: &CancelToken) -> Listing {
        self.inner.list(selection, cancel_token)
    }

    fn open<'a>(&self, object: &Object, scratch: &'a mut Vec<u8>) -> Result<Body<'a>> {
        let Body::Bytes(bytes) = self.inner.open(object, scratch)? else { panic!("a small file is held in memory") };
        Ok(Body::Stream(Box::new(CancelAtEndOf(bytes, self.progress.clone()))))
    }
}

/// Ctrl-C reaches all of `zcat … | albscope analyze -`: the input read by then must not count as complete.
#[test]
fn input_cut_short_by_an_interruption_is_not_reported_as_complete() {
    // The object has no lines, so no line meets the cancellation.
    let folder = folder(&[vec![]]);
    let progress = std::sync::Arc::new(Progress::new());
    let inner = from_input(folder.path().as_os_str()).expect("it is there");
    let source: Box<dyn Source> = Box::new(CancelAtEnd { inner, progress: progress.clone() });
    let error = ReadOptions::new().run(&[source], &progress).expect_err("it was cancelled");
    assert!(matches!(error.kind(), ErrorKind::Cancelled), "{error:?}");
}

/// A source whose objects are far away. Each arrives when the test delivers it.
struct Far {
    objects: Vec<Vec<u8>>,
    /// Receives the number and the delivery of each object that is asked for.
    asked: Sender<(usize, Delivery)>,
    read_ahead: usize,
}

impl Far {
    fn number(object: &Object) -> usize {
        object.name[object.name.len() - 8..object.name.len() - 4].parse().expect("a number")
    }
}

impl Source for Far {
    fn list(&self, selection: &Selection, cancel_token: &CancelToken) -> Listing {
        let folder = folder(&vec![vec![LINE]; self.objects.len()]);
        from_input(folder.path().as_os_str()).expect("it is there").list(selection, cancel_token)
    }

    fn read_ahead(&self) -> usize {
        self.read_ahead
    }

    fn fetch(&self, object: &Object, arrived: Arrived) -> Option<Fetch> {
        let (delivery, fetch) = fetch_channel(arrived);
        self.asked.send((Self::number(object), delivery)).expect("somebody listens");
        Some(fetch)
    }

    fn open<'a>(&self, _: &Object, _: &'a mut Vec<u8>) -> Result<Body<'a>> {
        unreachable!("what is far is fetched")
    }
}

/// Objects that differ in their target.
fn far_objects(count: usize) -> Vec<Vec<u8>> {
    (0..count).map(|number| LINE.replace("10.0.0.1:80", &format!("10.0.0.1:{}", number + 1)).into_bytes()).collect()
}

fn deliver(delivery: Delivery, bytes: &[u8]) {
    delivery.deliver(Ok(Fetched::Whole { bytes: bytes.to_vec(), hold: Box::new(()) }));
}

#[test]
fn a_slow_object_holds_up_its_own_shard_and_no_worker() {
    const OBJECTS: usize = 1000;
    let objects = far_objects(OBJECTS);
    let (asked, orders) = channel();
    let source = Far { objects: objects.clone(), asked, read_ahead: 32 };
    let progress = std::sync::Arc::new(Progress::new());
    let watched = progress.clone();
    let store = std::thread::spawn(move || {
        let (mut slow, mut waiting) = (Vec::new(), Vec::new());
        let begun = Instant::now();
        while watched.reading().objects_done < 900 && begun.elapsed() < Duration::from_secs(20) {
            match orders.recv_timeout(Duration::from_millis(5)) {
                Ok((number, delivery)) if number % 100 == 7 => slow.push((number, delivery)),
                Ok(order) => waiting.push(order),
                Err(_) => waiting.drain(..).for_each(|(number, delivery)| deliver(delivery, &objects[number])),
            }
            // Answers come out of order.
            if waiting.len() == 4 {
                waiting.drain(..).rev().for_each(|(number, delivery)| deliver(delivery, &objects[number]));
            }
        }
        waiting.drain(..).for_each(|(number, delivery)| deliver(delivery, &objects[number]));
        let done_before = watched.reading().objects_done;
        slow.drain(..).for_each(|(number, delivery)| deliver(delivery, &objects[number]));
        while let Ok((number, delivery)) = orders.recv() {
            deliver(delivery, &objects[number]);
        }
        done_before
    });
    let summary = ReadOptions::new().threads(2).run(&[Box::new(source)], &progress).expect("a run");
    assert_eq!((summary.requests(), summary.input.objects), (OBJECTS as u64, OBJECTS as u64));
    let done_before = store.join().expect("the store ends with the source");
    assert!(done_before >= 900, "{done_before} objects were read while ten were awaited");
}

#[test]
fn fetched_objects_give_the_same_as_files() {
    let objects = far_objects(300);
    let near = folder(&objects.iter().map(|line| vec![std::str::from_utf8(line).expect("text")]).collect::<Vec<_>>());
    let expected = run(&ReadOptions::new().threads(1), &near, &Progress::new()).expect("a run");
    for threads in [1, 2, 16] {
        for read_ahead in [1, 5, 1000] {
            let (asked, orders) = channel::<(usize, Delivery)>();
            let source = Far { objects: objects.clone(), asked, read_ahead };
            let content = objects.clone();
            let store = std::thread::spawn(move || {
                for (number, delivery) in orders {
                    deliver(delivery, &content[number]);
                }
            });
            let sources: [Box<dyn Source>; 2] =
                [from_input(near.path().as_os_str()).expect("it is there"), Box::new(source)];
            let summary = ReadOptions::new().threads(threads).run(&sources, &Progress::new()).expect("a run");
            assert_eq!(summary.requests(), 2 * expected.requests(), "{threads} threads, {read_ahead} ahead");
            drop(sources);
            store.join().expect("the store ends with the source");
        }
    }
}

#[test]
fn objects_that_do_not_arrive_are_noted_and_the_rest_is_read() {
    let objects = far_objects(20);
    let (asked, orders) = channel::<(usize, Delivery)>();
    let source = Far { objects: objects.clone(), asked, read_ahead: 4 };
    let store = std::thread::spawn(move || {
        for (number, delivery) in orders {
            match number {
                3 => delivery.deliver(Err(Error::source("far/0003.log", io::Error::other("it is gone")))),
                // Dropped without a delivery.
                5 => drop(delivery),
                _ => deliver(delivery, &objects[number]),
            }
        }
    });
    let summary = ReadOptions::new().threads(2).run(&[Box::new(source)], &Progress::new()).expect("a run");
    assert_eq!((summary.requests(), summary.input.objects_failed), (18, 2));
    let reasons: Vec<_> =
        summary.input.problems[&Problem::Unreadable].samples.iter().map(|sample| sample.reason.clone()).collect();
    assert_eq!(reasons, [Some("it is gone".to_owned()), Some("fetching it was abandoned".to_owned())]);
    store.join().expect("the store ends with the source");
}

#[test]
fn objects_that_never_come_do_not_keep_a_run_from_being_cancelled() {
    let (asked, orders) = channel::<(usize, Delivery)>();
    let source = Far { objects: far_objects(50), asked, read_ahead: 4 };
    let progress = std::sync::Arc::new(Progress::new());
    let watched = progress.clone();
    let store = std::thread::spawn(move || {
        let first = orders.recv().expect("an object is asked for");
        watched.cancel();
        // Held until the run is over, when nothing can be asked for any more.
        while orders.recv().is_ok() {}
        drop(first);
    });
    let error = ReadOptions::new().threads(2).run(&[Box::new(source)], &progress).expect_err("it was cancelled");
    assert!(matches!(error.kind(), ErrorKind::Cancelled), "{error:?}");
    store.join().expect("the store ends with the source");
}

#[test]
fn one_part_per_object_is_merged_in_order_and_few_are_open() {
    struct LineCount(AtomicUsize, &'static AtomicUsize);
    impl Collector for LineCount {
        fn observe(&mut self, selected: &SelectedRecord<'_>) -> Result<()> {
            let name = &selected.object.name;
            let number: usize = name[name.len() - 8..name.len() - 4].parse().expect("a number");
            assert_eq!(*self.0.get_mut(), number, "the part was begun for this object");
            Ok(())
        }
    }
    static OPEN: AtomicUsize = AtomicUsize::new(0);
    static MOST: AtomicUsize = AtomicUsize::new(0);
    let near = folder(&vec![vec![LINE]; 200]);
    let mut merged = Vec::new();
    let new_part = |index| {
        MOST.fetch_max(OPEN.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        LineCount(AtomicUsize::new(index), &OPEN)
    };
    let merge = |part: LineCount| {
        part.1.fetch_sub(1, Ordering::SeqCst);
        merged.push(part.0.into_inner());
        Ok(())
    };
    let sources = [from_input(near.path().as_os_str()).expect("it is there")];
    let shards = Shards::OnePerObject { max_unmerged: 3 };
    let options = ReadOptions::new().threads(8);
    options.collect(&sources, &Progress::new(), shards, new_part, merge).expect("a run");
    assert_eq!(merged, (0..200).collect::<Vec<_>>());
    // The schedule has at most `max_unmerged` parts open, and counts a part as open until its merge has returned.
    assert!(MOST.load(Ordering::SeqCst) <= 4, "{} parts at once", MOST.load(Ordering::SeqCst));
}

#[test]
fn an_error_in_the_merge_ends_the_run() {
    struct Nothing;
    impl Collector for Nothing {
        fn observe(&mut self, _: &SelectedRecord<'_>) -> Result<()> {
            Ok(())
        }
    }
    let near = folder(&vec![vec![LINE]; 200]);
    let sources = [from_input(near.path().as_os_str()).expect("it is there")];
    let mut merges = 0;
    let merge = |_: Nothing| {
        merges += 1;
        if merges == 5 { Err(Error::write("out.parquet", io::Error::other("the disk is full"))) } else { Ok(()) }
    };
    let shards = Shards::OnePerObject { max_unmerged: 8 };
    let error = ReadOptions::new()
        .threads(4)
        .collect(&sources, &Progress::new(), shards, |_| Nothing, merge)
        .expect_err("the merge failed");
    assert!(matches!(error.kind(), ErrorKind::Write { .. }), "{error:?}");
    assert_eq!(merges, 5);
}
