//! An arena of things that events refer to by key, and the queue of those events.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::time::Micros;

/// Refers to one thing in an [`Arena`]. It does not match a later thing in the same slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ArenaKey {
    index: u32,
    generation: u32,
}

struct ArenaSlot<T> {
    generation: u32,
    thing: Option<T>,
}

/// Slots that are reused. An event may outlive the thing it refers to; its key then finds nothing.
pub(super) struct Arena<T> {
    slots: Vec<ArenaSlot<T>>,
    free: Vec<u32>,
}

impl<T> Arena<T> {
    pub(super) fn new() -> Self {
        Self { slots: Vec::new(), free: Vec::new() }
    }

    pub(super) fn insert(&mut self, thing: T) -> ArenaKey {
        if let Some(index) = self.free.pop() {
            let slot = &mut self.slots[index as usize];
            slot.thing = Some(thing);
            return ArenaKey { index, generation: slot.generation };
        }
        // 2^32 things do not fit in memory, so this never saturates.
        let index = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
        self.slots.push(ArenaSlot { generation: 0, thing: Some(thing) });
        ArenaKey { index, generation: 0 }
    }

    pub(super) fn get(&self, key: ArenaKey) -> Option<&T> {
        let slot = self.slots.get(key.index as usize)?;
        if slot.generation == key.generation { slot.thing.as_ref() } else { None }
    }

    pub(super) fn get_mut(&mut self, key: ArenaKey) -> Option<&mut T> {
        let slot = self.slots.get_mut(key.index as usize)?;
        if slot.generation == key.generation { slot.thing.as_mut() } else { None }
    }

    pub(super) fn remove(&mut self, key: ArenaKey) -> Option<T> {
        let slot = self.slots.get_mut(key.index as usize)?;
        if slot.generation != key.generation {
            return None;
        }
        let thing = slot.thing.take()?;
        slot.generation = slot.generation.wrapping_add(1);
        self.free.push(key.index);
        Some(thing)
    }

    /// The keys of the things that `fits` accepts, in order of slot.
    pub(super) fn keys_where(&self, fits: impl Fn(&T) -> bool) -> Vec<ArenaKey> {
        let mut keys = Vec::new();
        for (index, slot) in (0_u32..).zip(&self.slots) {
            if slot.thing.as_ref().is_some_and(&fits) {
                keys.push(ArenaKey { index, generation: slot.generation });
            }
        }
        keys
    }
}

/// The order of events in the same microsecond.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum EventOrder {
    /// Timers: an event loop runs its due timers before it reads its sockets.
    KeepAliveTimer,
    /// Everything else, in the order in which it was queued.
    Normal,
}

struct QueuedEvent<E> {
    at: Micros,
    turn: EventOrder,
    sequence: u64,
    event: E,
}

impl<E> QueuedEvent<E> {
    fn order(&self) -> (Micros, EventOrder, u64) {
        (self.at, self.turn, self.sequence)
    }
}

impl<E> PartialEq for QueuedEvent<E> {
    fn eq(&self, other: &Self) -> bool {
        self.order() == other.order()
    }
}

impl<E> Eq for QueuedEvent<E> {}

impl<E> PartialOrd for QueuedEvent<E> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> Ord for QueuedEvent<E> {
    /// Reversed: `BinaryHeap` pops its greatest entry, and the queue needs the earliest.
    fn cmp(&self, other: &Self) -> Ordering {
        other.order().cmp(&self.order())
    }
}

/// Events by time, then turn, then the order in which they were queued, so that a run can be repeated exactly.
pub(super) struct Queue<E> {
    heap: BinaryHeap<QueuedEvent<E>>,
    sequence: u64,
}

impl<E> Queue<E> {
    pub(super) fn new() -> Self {
        Self { heap: BinaryHeap::new(), sequence: 0 }
    }

    pub(super) fn push(&mut self, at: Micros, turn: EventOrder, event: E) {
        self.sequence += 1;
        self.heap.push(QueuedEvent { at, turn, sequence: self.sequence, event });
    }

    pub(super) fn pop(&mut self) -> Option<(Micros, E)> {
        self.heap.pop().map(|entry| (entry.at, entry.event))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Step {
        Insert,
        /// Removes the thing with this key, of all that were ever given; it may be gone already.
        Remove(prop::sample::Index),
        Change(prop::sample::Index),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            Just(Step::Insert),
            any::<prop::sample::Index>().prop_map(Step::Remove),
            any::<prop::sample::Index>().prop_map(Step::Change),
        ];
        prop::collection::vec(step, 0..60)
    }

    proptest! {
        #[test]
        fn a_key_finds_its_own_thing_and_nothing_once_that_is_gone(steps in steps()) {
            let mut arena = Arena::new();
            // Every key that was given, and the thing that it finds.
            let mut given: Vec<(ArenaKey, Option<usize>)> = Vec::new();
            for (number, step) in steps.iter().enumerate() {
                match step {
                    Step::Insert => given.push((arena.insert(number), Some(number))),
                    _ if given.is_empty() => {}
                    Step::Remove(index) => {
                        let count = given.len();
                        let (key, thing) = &mut given[index.index(count)];
                        prop_assert_eq!(arena.remove(*key), thing.take());
                    }
                    Step::Change(index) => {
                        let count = given.len();
                        let (key, thing) = &mut given[index.index(count)];
                        prop_assert_eq!(arena.get_mut(*key).copied(), *thing);
                        if let Some(found) = arena.get_mut(*key) {
                            *found = number;
                            *thing = Some(number);
                        }
                    }
                }
            }
            for (key, thing) in &given {
                prop_assert_eq!(arena.get(*key), thing.as_ref());
            }
            let odd = given.iter().filter(|(_, thing)| thing.is_some_and(|it| it % 2 == 1));
            let mut odd: Vec<u32> = odd.map(|(key, _)| key.index).collect();
            odd.sort_unstable();
            let keys = arena.keys_where(|thing| thing % 2 == 1);
            prop_assert_eq!(keys.iter().map(|key| key.index).collect::<Vec<_>>(), odd);
            prop_assert!(keys.iter().all(|key| arena.get(*key).is_some()));
            // Slots are reused: each has a thing, or is free.
            let there = given.iter().filter(|(_, thing)| thing.is_some()).count();
            prop_assert_eq!(arena.slots.len() - arena.free.len(), there);
        }

        #[test]
        fn events_come_by_time_then_timers_first_then_as_they_were_queued(
            pushed in prop::collection::vec((0..4_i64, any::<bool>()), 0..30), early in 0..30_usize,
        ) {
            let mut queue = Queue::new();
            let mut expected = Vec::new();
            let push = |queue: &mut Queue<usize>, number: usize| {
                let (at, is_timer) = pushed[number];
                let turn = if is_timer { EventOrder::KeepAliveTimer } else { EventOrder::Normal };
                queue.push(at, turn, number);
                (at, !is_timer, number)
            };
            // Some come out before others go in.
            let early = early.min(pushed.len());
            let mut waiting: Vec<_> = (0..early).map(|number| push(&mut queue, number)).collect();
            let mut found = Vec::new();
            for _ in 0..early / 2 {
                waiting.sort_unstable();
                expected.push(waiting.remove(0));
                found.extend(queue.pop());
            }
            waiting.extend((early..pushed.len()).map(|number| push(&mut queue, number)));
            waiting.sort_unstable();
            expected.extend(waiting);
            found.extend(std::iter::from_fn(|| queue.pop()));
            prop_assert_eq!(found, expected.into_iter().map(|(at, _, number)| (at, number)).collect::<Vec<_>>());
        }
    }
}
