use super::*;
use crate::decode::Body;
use crate::error::Result;
use crate::source::{Arrived, CancelToken, Fetched, Listing, Selection, fetch_channel, from_input};

/// A source whose objects arrive as soon as they are asked for.
#[derive(Default)]
struct Prompt {
    asked: AtomicUsize,
}

/// Objects that [`Prompt`] fetches ahead.
const READ_AHEAD: usize = 6;

impl Source for Prompt {
    fn list(&self, _: &Selection, _: &CancelToken) -> Listing {
        unreachable!("the test makes the objects")
    }

    fn read_ahead(&self) -> usize {
        READ_AHEAD
    }

    fn fetch(&self, _: &Object, arrived: Arrived) -> Option<Fetch> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let (delivery, fetch) = fetch_channel(arrived);
        delivery.deliver(Ok(Fetched::Whole { bytes: Vec::new(), hold: Box::new(()) }));
        Some(fetch)
    }

    fn open<'a>(&self, _: &Object, _: &'a mut Vec<u8>) -> Result<Body<'a>> {
        unreachable!("objects are fetched")
    }
}

/// A folder's objects, which the schedule only hands on.
fn objects(count: usize) -> Vec<Object> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for number in 0..count {
        std::fs::write(folder.path().join(format!("{number:04}.log")), "").expect("a file");
    }
    let source = from_input(folder.path().as_os_str()).expect("it is there");
    source.list(&Selection::default(), &CancelToken::default()).objects
}

#[test]
fn a_failed_shard_leaves_its_share_of_what_is_fetched_ahead_to_the_others() {
    const SHARD: usize = 10;
    let source = Prompt::default();
    let items: Vec<SourceObject<'_>> =
        objects(4 * SHARD).into_iter().map(|object| (&source as &dyn Source, object)).collect();
    let schedule = Schedule::new(items.chunks(SHARD).collect(), usize::MAX, |index| index);
    let progress = Progress::new();
    let next = |returned| {
        let mut open = schedule.next(returned, &progress).expect("a shard that is ready");
        assert!(open.take().is_some());
        open
    };
    let [first, second, third, fourth] = [(); 4].map(|()| next(None));
    assert_eq!([&first, &second, &third, &fourth].map(|open| open.index), [0, 1, 2, 3]);
    // The workers of the later shards find out one after the other that their shards are not needed any more.
    assert!(!second.fetches.is_empty() && !third.fetches.is_empty() && !fourth.fetches.is_empty());
    assert_eq!(second.into_part(), 1);
    schedule.failed(1);
    let own = first.index;
    let first = next(Some(first));
    assert_eq!(first.index, own);
    assert_eq!([third, fourth].map(OpenShard::into_part), [2, 3]);
    let first = next(Some(first));
    // All that is fetched ahead is of the only shard that is left.
    assert_eq!(first.fetches.len() + 1, READ_AHEAD);
}
