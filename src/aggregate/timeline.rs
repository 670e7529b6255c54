//! When requests ran on each pair of node and target: what tells a race from a crash from a timeout.
//!
//! A load balancer keeps its connections to targets by node, so what happens to them shows only within such a pair. The timeline keeps a few bytes for each request: when it was sent to
//! the target, when it ended, and how. It is cut into blocks of [`BLOCK_SECONDS`]; when there are more than [`MAX_REQUESTS`], the blocks in which nothing failed, and that
//! are not just before one in which something did, are forgotten first.

use std::time::Duration;

use super::Interner;
use crate::classify::{Elapsed, Exchange, Outcome};
use crate::timestamp::{MICROS_PER_SECOND, Timestamp};

/// Length of a block.
pub const BLOCK_SECONDS: i64 = 300;

/// Requests kept, of 12 bytes each.
pub const MAX_REQUESTS: usize = 4_000_000;

/// Pairs of node and target told apart; requests of any beyond are not kept.
const MAX_PAIRS: usize = 65_536;

/// How long after a failure its surroundings end.
const BLOCKS_AFTER: i64 = 1;

/// How long before a failure its surroundings begin: connections idle for longer than that are rare.
const BLOCKS_BEFORE: i64 = 2;

/// Times are kept in steps of this many microseconds; the log itself has milliseconds in most of them.
const TICK_MICROS: i64 = 100;

/// One request on a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passage {
    /// When it was sent to the target; for one that never was, when the load balancer received it.
    pub dispatched: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// How.
    pub outcome: Outcome,
}

/// A [`Passage`] in 12 bytes, relative to its block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    /// Ticks from the block's beginning to the end of the request.
    ended: u32,
    /// Ticks from its dispatch to its end.
    took: u32,
    outcome: Outcome,
}

#[derive(Clone, Debug)]
struct Block {
    /// Seconds since the epoch, divided by [`BLOCK_SECONDS`].
    number: i64,
    entries: Vec<Entry>,
    failures: u32,
}

/// The blocks of one pair, in no order.
#[derive(Clone, Debug, Default)]
pub struct Pair {
    blocks: Vec<Block>,
}

/// Requests by pair of node and target.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    /// Pairs by target and node.
    pairs: Interner<u32, Pair>,
    requests: usize,
    is_thinned: bool,
}

impl Timeline {
    /// Takes in one request to `target`, which is its place in the summary. One whose elapsed time is unknown is not kept, nor is a WebSocket connection.
    #[inline]
    pub fn observe(&mut self, target: u32, exchange: &Exchange<'_>, outcome: Outcome) {
        let Elapsed::Exact(elapsed) = exchange.elapsed else { return };
        if exchange.is_web_socket {
            return;
        }
        let Some(place) = self.pair(target, exchange.node.unwrap_or_default()) else { return };
        let took = elapsed.saturating_sub(exchange.request_processing_time.unwrap_or_default());
        let number = block_number(exchange.time);
        let entry = Entry {
            ended: ticks(exchange.time.micros_since(block_start(number))),
            took: ticks(i64::try_from(took.as_micros()).unwrap_or(i64::MAX)),
            outcome,
        };
        self.pairs.value_mut(place).block(number).push(entry);
        self.requests += 1;
        if self.requests > MAX_REQUESTS {
            self.thin();
        }
    }

    fn pair(&mut self, target: u32, node: &[u8]) -> Option<u32> {
        let is_new = self.pairs.len() >= MAX_PAIRS && self.pairs.find(target, node).is_none();
        (!is_new).then(|| self.pairs.place(target, node, usize::MAX))
    }

    /// Adds another's requests; `target` says where the other's targets now stand.
    pub fn merge(&mut self, other: Self, target: impl Fn(u32) -> u32) {
        self.is_thinned |= other.is_thinned;
        for (theirs, node, pair) in other.pairs.into_entries() {
            let Some(place) = self.pair(target(theirs), &node) else { continue };
            let mine = self.pairs.value_mut(place);
            for block in pair.blocks {
                self.requests += block.entries.len();
                let known = mine.block(block.number);
                known.failures += block.failures;
                known.entries.extend(block.entries);
            }
        }
        if self.requests > MAX_REQUESTS {
            self.thin();
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
        for pair in self.pairs.values_mut() {
            let kept: Vec<bool> = pair.blocks.iter().map(|block| keeps(pair, block.number)).collect();
            let mut kept = kept.into_iter();
            pair.blocks.retain(|_| kept.next().unwrap_or_default());
            self.requests += pair.blocks.iter().map(|block| block.entries.len()).sum::<usize>();
        }
    }

    /// Whether blocks were forgotten.
    #[must_use]
    pub fn is_thinned(&self) -> bool {
        self.is_thinned
    }

    /// The requests of one target, by node; within a node in the order in which they ended. Nodes come in the order of their names.
    #[must_use]
    pub fn of_target(&self, target: u32) -> Vec<(Box<[u8]>, Vec<Passage>)> {
        let mut nodes: Vec<(Box<[u8]>, Vec<Passage>)> = self
            .pairs
            .iter()
            .filter(|&(of, ..)| of == target)
            .map(|(_, node, pair)| (node.into(), pair.passages()))
            .collect();
        nodes.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        nodes
    }
}

impl Pair {
    #[inline]
    fn block(&mut self, number: i64) -> &mut Block {
        // Lines come nearly in order, so the latest block is nearly always the one.
        let place = match self.blocks.last() {
            Some(block) if block.number == number => self.blocks.len() - 1,
            _ => self.blocks.iter().position(|block| block.number == number).unwrap_or_else(|| {
                self.blocks.push(Block { number, entries: Vec::new(), failures: 0 });
                self.blocks.len() - 1
            }),
        };
        &mut self.blocks[place]
    }

    fn fails_near(&self, number: i64) -> bool {
        let near = number - BLOCKS_AFTER..=number + BLOCKS_BEFORE;
        self.blocks.iter().any(|block| block.failures > 0 && near.contains(&block.number))
    }

    fn passages(&self) -> Vec<Passage> {
        let mut passages: Vec<Passage> = self
            .blocks
            .iter()
            .flat_map(|block| {
                block.entries.iter().map(|entry| {
                    let ended = block_start(block.number).plus_micros(i64::from(entry.ended) * TICK_MICROS);
                    let dispatched = ended.plus_micros(-i64::from(entry.took) * TICK_MICROS);
                    Passage { dispatched, ended, outcome: entry.outcome }
                })
            })
            .collect();
        passages.sort_unstable_by_key(|passage| (passage.ended, passage.dispatched, passage.outcome));
        passages
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
    /// From its dispatch to its end.
    #[must_use]
    pub fn took(&self) -> Duration {
        Duration::from_micros(u64::try_from(self.ended.micros_since(self.dispatched)).unwrap_or_default())
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
