use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::export::files::Destination;
use crate::export::folder::FolderLayout;
use crate::table::TableFormat;
use crate::table::schema::{Cell, Column, DataType, Table};

/// A table with one column.
enum NumberTable {}

impl Table for NumberTable {
    type Row<'a> = i64;
    const NAME: &'static str = "numbers";
    const MEANING: &'static str = "a row of a test";
    const COLUMNS: &'static [Column<Self>] =
        &[Column::<Self>::new("number", DataType::Integer, |row| Cell::Integer(*row), "")];
}

/// What is written, as text.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Written {
    fn numbers(&self) -> Vec<i64> {
        let bytes = self.0.lock().expect("no panic").clone();
        let text = String::from_utf8(bytes).expect("text");
        text.lines().skip(1).map(|line| line.parse().expect("a number")).collect()
    }
}

/// A sink in which hardly any groups may wait for their turn.
fn sink(max_waiting_bytes: usize) -> (ExportSink, Written) {
    let columns: Vec<_> = NumberTable::COLUMNS.iter().collect();
    let encoder = Encoder::new(TableFormat::Csv, &columns, true).expect("an encoder");
    let layout = FolderLayout { format: "csv".to_owned(), columns: Vec::new(), partition_by: Vec::new() };
    let written = Written::default();
    let destination = Destination::Stream(Box::new(written.clone()));
    let files = ExportFiles::new(destination, encoder.clone(), TableFormat::Csv, layout).expect("a stream");
    (ExportSink { max_waiting_bytes, ..ExportSink::new(encoder, files) }, written)
}

/// A group of one row.
fn offer(sink: &ExportSink, index: usize, groups: &mut Vec<EncodedGroup>, number: i64) {
    let columns: Vec<_> = NumberTable::COLUMNS.iter().collect();
    let mut rows = RowBuffer::new(&columns);
    rows.push(&columns, &number, true);
    groups.push(sink.encode("".into(), PartitionRows { columns: rows, objects: Vec::new() }).expect("it is encoded"));
    sink.offer(index, groups).expect("it is taken");
}

fn close(sink: &ExportSink, groups: &mut Vec<EncodedGroup>) {
    sink.close(groups, BTreeMap::new(), None);
}

#[test]
fn an_object_before_its_turn_waits_for_the_object_that_is_being_read() {
    let (sink, written) = sink(0);
    let begun = Barrier::new(2);
    let (sender, offered): (_, Receiver<()>) = channel();
    let (mut first, mut second) = (Vec::new(), Vec::new());
    let first_in_hand = sink.take_in_hand(0);
    thread::scope(|scope| {
        let (sink, second, begun) = (&sink, &mut second, &begun);
        scope.spawn(move || {
            let _in_hand = sink.take_in_hand(1);
            begun.wait();
            offer(sink, 1, second, 10);
            sender.send(()).expect("it is awaited");
        });
        begun.wait();
        for number in 0..5 {
            offer(sink, 0, &mut first, number);
            assert!(offered.try_recv().is_err(), "it does not go on before its turn");
        }
        close(sink, &mut first);
        drop(first_in_hand);
        offered.recv().expect("its turn has come");
    });
    close(&sink, &mut second);
    sink.finish(2).expect("it is written");
    assert_eq!(written.numbers(), [0, 1, 2, 3, 4, 10]);
}

#[test]
fn an_object_before_its_turn_goes_on_if_nobody_reads_the_object_in_turn() {
    let (sink, written) = sink(0);
    let (mut first, mut second) = (Vec::new(), Vec::new());
    let second_in_hand = sink.take_in_hand(1);
    // On this thread, so the test hangs if it waits.
    offer(&sink, 1, &mut second, 10);
    let first_in_hand = sink.take_in_hand(0);
    offer(&sink, 0, &mut first, 0);
    close(&sink, &mut first);
    drop(first_in_hand);
    close(&sink, &mut second);
    drop(second_in_hand);
    sink.finish(2).expect("it is written");
    assert_eq!(written.numbers(), [0, 10]);
}

#[test]
fn an_object_before_its_turn_goes_on_if_the_object_in_turn_is_given_up() {
    let (sink, _) = sink(0);
    let begun = Barrier::new(2);
    let mut second = Vec::new();
    let first_in_hand = sink.take_in_hand(0);
    thread::scope(|scope| {
        scope.spawn(|| {
            let _in_hand = sink.take_in_hand(1);
            begun.wait();
            offer(&sink, 1, &mut second, 10);
            // Nobody reads the object in turn any more, and nothing after it will be written.
            offer(&sink, 1, &mut second, 11);
        });
        begun.wait();
        drop(first_in_hand);
    });
    assert!(second.is_empty(), "what will not be written is not kept");
    assert_eq!(sink.lock().waiting_bytes, 0);
}

/// The groups of an object that was read to its end and not closed.
type GroupsInHand<'s> = (Vec<EncodedGroup>, ObjectInHand<'s>);

/// Reads objects as the pipeline does: workers take the first object that is ready, and objects are closed in order.
/// Object `index` is ready once `after[index]` other objects were taken, or when no other object is left. The object
/// `failing` fails after its first group. Returns the rows written.
fn run(
    workers: usize,
    after: &[usize],
    groups_an_object: usize,
    max_waiting_bytes: usize,
    failing: Option<usize>,
    pause: impl Fn() + Sync,
) -> Vec<i64> {
    let (sink, written) = sink(max_waiting_bytes);
    let taken = Mutex::new(BTreeSet::new());
    let done: Mutex<(usize, BTreeMap<usize, GroupsInHand<'_>>)> = Mutex::default();
    let take = || {
        let mut taken = taken.lock().expect("no panic");
        let mut left = (0..after.len()).filter(|index| !taken.contains(index));
        let first = left.next()?;
        let ready = std::iter::once(first).chain(left).find(|index| after[*index] <= taken.len()).unwrap_or(first);
        taken.insert(ready);
        Some(ready)
    };
    let work = || {
        'objects: while let Some(index) = take() {
            pause();
            let in_hand = sink.take_in_hand(index);
            let mut groups = Vec::new();
            for group in 0..groups_an_object {
                offer(&sink, index, &mut groups, i64::try_from(index * groups_an_object + group).expect("few"));
                pause();
                if failing == Some(index) {
                    continue 'objects;
                }
            }
            let mut done = done.lock().expect("no panic");
            done.1.insert(index, (groups, in_hand));
            while let Some((mut groups, _in_hand)) = {
                let next = done.0;
                done.1.remove(&next)
            } {
                pause();
                close(&sink, &mut groups);
                done.0 += 1;
            }
        }
    };
    thread::scope(|scope| (0..workers).for_each(|_| drop(scope.spawn(work))));
    drop(done);
    sink.finish(workers).expect("it is written");
    written.numbers()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_number_of_workers_writes_all_rows_in_order_whatever_arrives_first(
        workers in 1_usize..9,
        after in prop::collection::vec(0_usize..12, 1..20),
        groups_an_object in 0_usize..6,
        max_waiting_bytes in prop::sample::select(&[0, 8, usize::MAX][..]),
    ) {
        let rows = i64::try_from(after.len() * groups_an_object).expect("few");
        let written = run(workers, &after, groups_an_object, max_waiting_bytes, None, || {});
        prop_assert_eq!(written, (0..rows).collect::<Vec<_>>());
    }
}

#[test]
fn no_worker_waits_in_vain_whatever_is_slow_and_whatever_fails() {
    const OBJECTS: usize = 40;
    const GROUPS: usize = 3;
    let (sender, done) = channel();
    thread::spawn(move || {
        for seed in 0..60_u64 {
            let state = AtomicU64::new(seed << 32);
            // The finalizer of splitmix64: numbers without a pattern.
            let random = || {
                let mut number = state.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
                number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                usize::try_from((number ^ (number >> 31)) % 1_000).expect("it is small")
            };
            let pause = || match random() {
                wait @ 900.. => thread::sleep(Duration::from_micros(wait as u64)),
                400.. => thread::yield_now(),
                _ => {}
            };
            let after: Vec<_> = (0..OBJECTS).map(|_| random() % 12).collect();
            let failing = (seed % 3 == 0).then(|| random() % OBJECTS);
            let numbers = run(1 + random() % 24, &after, GROUPS, random() % 40, failing, pause);
            let complete = failing.unwrap_or(OBJECTS) * GROUPS;
            // Its first group is written if its turn had come.
            let allowed = complete..=complete + usize::from(failing.is_some());
            assert!(allowed.contains(&numbers.len()), "{} rows of {allowed:?}, seed {seed}", numbers.len());
            assert!(numbers.iter().copied().eq((0..).take(numbers.len())), "in order, seed {seed}: {numbers:?}");
        }
        sender.send(()).expect("it is awaited");
    });
    done.recv_timeout(Duration::from_mins(2)).expect("all runs end, with the right rows");
}
