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
