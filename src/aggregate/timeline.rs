//! When requests ran on each pair of node and target: what tells a race from a crash from a timeout.
//!
//! A load balancer keeps its connections to targets by node, so what happens to them shows only within such a pair. The timeline keeps a few bytes for each request: when it was sent to
//! the target, when it ended, and how. It is cut into blocks of [`BLOCK_SECONDS`]; when there are more than [`MAX_REQUESTS`], the blocks in which nothing failed, and that
//! are not just before one in which something did, are forgotten first.

use std::num::NonZeroU16;
use std::time::Duration;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::Interner;
use crate::classify::{Elapsed, Exchange, Outcome};
use crate::timestamp::{MICROS_PER_SECOND, Timestamp};

/// Length of a block.
pub const BLOCK_SECONDS: i64 = 300;

/// Requests kept, of 12 bytes each.
pub const MAX_REQUESTS: usize = 4_000_000;

/// Nodes told apart; requests that any beyond handled are not kept.
const MAX_NODES: usize = 1_024;

/// How long after a failure its surroundings end.
const BLOCKS_AFTER: i64 = 1;

/// How long before a failure its surroundings begin: connections idle for longer than that are rare.
const BLOCKS_BEFORE: i64 = 2;

/// Times are kept in steps of this many microseconds; the log itself has milliseconds in most of them.
const TICK_MICROS: i64 = 100;

/// The place of a request that has no route.
pub const NO_ROUTE: u16 = u16::MAX;

/// One request on a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passage {
    /// When it was sent to the target; for one that never was, when the load balancer received it.
    pub dispatched: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// How.
    pub outcome: Outcome,
    /// The status that the target answered with. Absent when it did not answer.
    pub target_status: Option<NonZeroU16>,
    /// The place of its route in the summary's routes; [`NO_ROUTE`] where it has none.
    pub route: u16,
    /// Which of the nodes, in the order of their names, handled it.
    pub node: u16,
}

/// A [`Passage`] in 12 bytes, relative to its block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    /// Ticks from the block's beginning to the end of the request.
    ended: u32,
    /// Ticks from its dispatch to its end.
    took: u32,
    route: u16,
    outcome: Outcome,
    /// The target's status less [`STATUS_BASE`]; 0 where it did not answer, or with something else.
    status: u8,
}

/// One less than the least status that an [`Entry`] keeps: those of a target that fails are all that a diagnosis asks for.
const STATUS_BASE: u16 = 499;

#[derive(Clone, Debug)]
struct Block {
    /// Seconds since the epoch, divided by [`BLOCK_SECONDS`].
    number: i64,
    entries: Vec<Entry>,
    failures: u32,
}

/// The blocks of one pair, in no order.
#[derive(Clone, Debug, Default)]
struct Pair {
    blocks: Vec<Block>,
    /// The place of each block by its number: lines need not come in order, and may claim any year.
    places: HashMap<i64, usize, FixedState>,
}

/// What is kept of one node: its pairs, each at its target's place plus one in `places`; 0 where the node has sent nothing to the target.
///
/// An object is one node's, so its lines find the node at once, and the pair without hashing.
#[derive(Clone, Debug, Default)]
struct Node {
    places: Vec<u32>,
    pairs: Vec<(u32, Pair)>,
}

/// Requests by pair of node and target.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    nodes: Interner<(), Node>,
    requests: usize,
    is_thinned: bool,
}

impl Timeline {
    /// Takes in one request to `target` over `route`, which are their places in the summary. One whose elapsed time is unknown is not kept, nor is a WebSocket connection.
    #[inline]
    pub fn observe(&mut self, target: u32, route: u16, exchange: &Exchange<'_>, outcome: Outcome) {
        let Elapsed::Exact(elapsed) = exchange.elapsed else { return };
        if exchange.is_web_socket {
            return;
        }
        let Some(node) = self.node(exchange.node.unwrap_or_default()) else { return };
        let took = elapsed.saturating_sub(exchange.request_processing_time.unwrap_or_default());
        let number = block_number(exchange.time);
        let entry = Entry {
            ended: ticks(exchange.time.micros_since(block_start(number))),
            took: ticks(i64::try_from(took.as_micros()).unwrap_or(i64::MAX)),
            route,
            outcome,
            status: exchange.target_status_code.map_or(0, |status| status.saturating_sub(STATUS_BASE).min(255) as u8),
        };
        node.pair(target).block(number).push(entry);
        self.requests += 1;
        if self.requests > MAX_REQUESTS {
            self.thin();
        }
    }

    #[inline]
    fn node(&mut self, name: &[u8]) -> Option<&mut Node> {
        if self.nodes.len() >= MAX_NODES && self.nodes.find((), name).is_none() {
            return None;
        }
        let place = self.nodes.place((), name, usize::MAX);
        Some(self.nodes.value_mut(place))
    }

    /// Adds another's requests; `target` and `route` say where the other's targets and routes now stand.
    pub fn merge(&mut self, other: Self, target: impl Fn(u32) -> u32, route: impl Fn(u16) -> u16) {
        self.is_thinned |= other.is_thinned;
        for ((), name, theirs) in other.nodes.into_entries() {
            let mut requests = 0;
            let Some(mine) = self.node(&name) else { continue };
            for (place, pair) in theirs.pairs {
                let known = mine.pair(target(place));
                for mut block in pair.blocks {
                    requests += block.entries.len();
                    for entry in &mut block.entries {
                        entry.route = route(entry.route);
                    }
                    known.merge(block);
                }
            }
            self.requests += requests;
        }
        if self.requests > MAX_REQUESTS {
            self.thin();
        }
    }

    /// Routes have moved: `route` says where each now stands.
    pub fn move_routes(&mut self, route: impl Fn(u16) -> u16) {
        let pairs = self.nodes.values_mut().flat_map(|node| &mut node.pairs);
        for entry in pairs.flat_map(|(_, pair)| &mut pair.blocks).flat_map(|block| &mut block.entries) {
            entry.route = route(entry.route);
        }
    }

    /// Forgets the blocks around which nothing failed; where that is not enough, every other block, so that what is left is still whole in itself.
    fn thin(&mut self) {
        self.is_thinned = true;
        self.retain(Pair::fails_near);
        let mut stride = 2;
        while self.requests > MAX_REQUESTS / 2 {
            self.retain(|_, number| number.div_euclid(BLOCKS_BEFORE + BLOCKS_AFTER + 1).rem_euclid(stride) == 0);
            stride *= 2;
        }
    }

    fn retain(&mut self, keeps: impl Fn(&Pair, i64) -> bool) {
        self.requests = 0;
        for (_, pair) in self.nodes.values_mut().flat_map(|node| &mut node.pairs) {
            let kept: Vec<bool> = pair.blocks.iter().map(|block| keeps(pair, block.number)).collect();
            pair.retain(&kept);
            self.requests += pair.blocks.iter().map(|block| block.entries.len()).sum::<usize>();
        }
    }

    /// Whether blocks were forgotten.
    #[must_use]
    pub fn is_thinned(&self) -> bool {
        self.is_thinned
    }

    /// The names of all nodes, in their order.
    #[must_use]
    pub fn nodes(&self) -> Vec<&[u8]> {
        let mut names: Vec<&[u8]> = self.nodes.iter().map(|((), name, _)| name).collect();
        names.sort_unstable();
        names
    }

    /// The requests of one target on all nodes, in the order in which they ended.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "the message says why there is none")]
    #[expect(clippy::stable_sort_primitive, reason = "it makes use of the order that each node's lines nearly have")]
    pub fn of_target(&self, target: u32) -> Vec<Passage> {
        let names = self.nodes();
        let mut blocks: Vec<(u16, &Block)> = Vec::new();
        for ((), name, node) in self.nodes.iter() {
            let Some(pair) = node.find(target) else { continue };
            let place = names.partition_point(|other| *other < name);
            let place = u16::try_from(place).expect("fewer nodes than the cap, which fits");
            blocks.extend(pair.blocks.iter().map(|block| (place, block)));
        }
        blocks.sort_unstable_by_key(|&(node, block)| (block.number, node));
        let mut passages = Vec::with_capacity(blocks.iter().map(|(_, block)| block.entries.len()).sum());
        let mut packed: Vec<u128> = Vec::new();
        for blocks in blocks.chunk_by(|(_, one), (_, other)| one.number == other.number) {
            packed.clear();
            for (node, block) in blocks {
                packed.extend(block.entries.iter().map(|entry| entry.packed(*node)));
            }
            packed.sort();
            let start = block_start(blocks[0].1.number);
            passages.extend(packed.iter().map(|&packed| Passage::unpacked(packed, start)));
        }
        passages
    }
}

impl Node {
    #[inline]
    fn pair(&mut self, target: u32) -> &mut Pair {
        let target_place = target as usize;
        if self.places.len() <= target_place {
            self.places.resize(target_place + 1, 0);
        }
        if self.places[target_place] == 0 {
            self.pairs.push((target, Pair::default()));
            self.places[target_place] = u32::try_from(self.pairs.len()).expect("fewer pairs than targets, which fit");
        }
        &mut self.pairs[self.places[target_place] as usize - 1].1
    }

    fn find(&self, target: u32) -> Option<&Pair> {
        let place = self.places.get(target as usize)?.checked_sub(1)?;
        Some(&self.pairs[place as usize].1)
    }
}

impl Pair {
    fn merge(&mut self, block: Block) {
        match self.places.get(&block.number) {
            Some(&place) => {
                let known = &mut self.blocks[place];
                known.failures += block.failures;
                known.entries.extend(block.entries);
            }
            None => self.add(block),
        }
    }

    #[inline]
    fn block(&mut self, number: i64) -> &mut Block {
        // Lines come nearly in order, so the latest block is nearly always the one.
        let latest = self.blocks.len().wrapping_sub(1);
        let place = match self.blocks.last() {
            Some(block) if block.number == number => latest,
            _ => self.places.get(&number).copied().unwrap_or_else(|| {
                self.add(Block { number, entries: Vec::new(), failures: 0 });
                self.blocks.len() - 1
            }),
        };
        &mut self.blocks[place]
    }

    fn add(&mut self, block: Block) {
        self.places.insert(block.number, self.blocks.len());
        self.blocks.push(block);
    }

    fn retain(&mut self, kept: &[bool]) {
        let blocks = std::mem::take(&mut self.blocks);
        self.places.clear();
        for (block, _) in blocks.into_iter().zip(kept).filter(|(_, is_kept)| **is_kept) {
            self.add(block);
        }
    }

    fn fails_near(&self, number: i64) -> bool {
        let mut near = number - BLOCKS_AFTER..=number + BLOCKS_BEFORE;
        near.any(|number| self.places.get(&number).is_some_and(|&place| self.blocks[place].failures > 0))
    }
}

impl Entry {
    /// All of it as one number, by which passages are put in the order in which they ended: those that ended at once in that in which they were sent, and those that were sent at once, too, by all else that they have. So
    /// the order does not depend on that of the lines, and is found by comparing numbers, of which there are millions.
    #[inline]
    fn packed(&self, node: u16) -> u128 {
        let Self { ended, took, route, outcome, status } = *self;
        let parts = [
            (ended, 32),
            (!took, 32),
            (outcome as u32, 8),
            (u32::from(node), 16),
            (u32::from(route), 16),
            (u32::from(status), 8),
        ];
        parts.into_iter().fold(0, |packed, (part, bits)| packed << bits | u128::from(part))
    }
}

impl Block {
    #[inline]
    fn push(&mut self, entry: Entry) {
        self.failures += u32::from(entry.outcome.is_failure());
        self.entries.push(entry);
    }
}

impl Passage {
    /// What [`Entry::packed`] made a number of.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "parts of a number")]
    fn unpacked(packed: u128, start: Timestamp) -> Self {
        let (status, route, node) = (packed as u8, (packed >> 8) as u16, (packed >> 24) as u16);
        let (outcome, took, ended) = ((packed >> 40) as u8, !((packed >> 48) as u32), (packed >> 80) as u32);
        let ended = start.plus_micros(i64::from(ended) * TICK_MICROS);
        Self {
            dispatched: ended.plus_micros(-i64::from(took) * TICK_MICROS),
            ended,
            outcome: Outcome::ALL[usize::from(outcome)],
            target_status: NonZeroU16::new(u16::from(status)).map(|status| status.saturating_add(STATUS_BASE)),
            route,
            node,
        }
    }

    /// From its dispatch to its end.
    #[must_use]
    pub fn took(&self) -> Duration {
        self.ended.since(self.dispatched)
    }
}

#[inline]
fn block_number(time: Timestamp) -> i64 {
    time.as_micros().div_euclid(BLOCK_SECONDS * MICROS_PER_SECOND)
}

#[inline]
fn block_start(number: i64) -> Timestamp {
    Timestamp::from_seconds(number * BLOCK_SECONDS)
}

/// Microseconds as ticks; five days at most, which is far more than a request may take.
#[inline]
fn ticks(micros: i64) -> u32 {
    u32::try_from(micros / TICK_MICROS).unwrap_or(if micros < 0 { 0 } else { u32::MAX })
}

#[cfg(test)]
mod tests;
