//! When requests ran on each pair of node and target. This is what distinguishes a race, a crash and a timeout.
//!
//! Each load balancer node has its own connections to targets, so what happens to a connection shows only within
//! such a pair. The timeline keeps a few bytes for each request: when it was sent to the target, when it ended, and
//! how. It is cut into blocks of [`BLOCK_SECONDS`]. If there are more than [`MAX_REQUESTS`], the timeline drops
//! blocks. A block is kept longest if its pair has a failure in it, in the block before it, or in one of the two
//! blocks after it.

use std::num::NonZeroU16;
use std::time::Duration;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::id::{Id, NewIds, NodeId, RouteId, TargetId, ids};
use super::intern::Interner;
use crate::classify::{Elapsed, Exchange, Outcome};
use crate::timestamp::{MICROS_PER_SECOND, Timestamp};

/// Length of a block in seconds.
pub const BLOCK_SECONDS: i64 = 300;

/// Requests kept, of 12 bytes each.
pub const MAX_REQUESTS: usize = 4_000_000;

/// At most this many nodes are tracked; requests that any further node handled are not kept.
const MAX_NODES: usize = 1_024;

/// Blocks after a failure that are kept with it.
const BLOCKS_AFTER: i64 = 1;

/// Blocks before a failure that are kept with it: connections idle for longer are rare.
const BLOCKS_BEFORE: i64 = 2;

/// Times are kept in steps of this many microseconds. Most times in the log have milliseconds only.
const TICK_MICROS: i64 = 100;

/// One request on a pair of node and target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimedRequest {
    /// When it was sent to the target. If it never was, when the load balancer received it.
    pub dispatched: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// How it ended.
    pub outcome: Outcome,
    /// The target's status if it is 500 or more; 754 stands for any higher one. `None` if the target answered with
    /// less than 500, or not at all.
    pub target_status: Option<NonZeroU16>,
    /// Its route. `None` if the client sent no complete request.
    pub route: Option<RouteId>,
    /// The node that handled it.
    pub node: NodeId,
}

/// A [`TimedRequest`] in 12 bytes, relative to its block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct TimelineEntry {
    /// Ticks from the start of the block to the end of the request.
    ended_ticks: u32,
    /// Ticks from its dispatch to its end.
    duration_ticks: u32,
    route: Option<RouteId>,
    outcome: Outcome,
    /// The target's status minus [`STATUS_BASE`]. 0 if the target answered with less than 500, or not at all.
    status: u8,
}

/// One less than the lowest status that a [`TimelineEntry`] keeps. Diagnosis needs only the statuses of a failing
/// target.
const STATUS_BASE: u16 = 499;

#[derive(Clone, Debug)]
struct Block {
    /// Seconds since the epoch, divided by [`BLOCK_SECONDS`].
    number: i64,
    entries: Vec<TimelineEntry>,
    failures: u32,
}

/// The blocks of one pair of node and target, in no order.
#[derive(Clone, Debug, Default)]
struct PairBlocks {
    blocks: Vec<Block>,
    /// The index of each block, by the block's number. A map, because lines need not be in order and may have any year.
    index_of: HashMap<i64, usize, FixedState>,
}

/// What is kept for one node.
///
/// All lines of an object are from one node, so neighbouring lookups find the same node. The pair is found without
/// hashing.
#[derive(Clone, Debug, Default)]
struct Node {
    /// By [`TargetId::index`]: 1 + the index of the target's pair in `pairs`. 0 if the node sent the target nothing.
    slot_of_target: Vec<u32>,
    pairs: Vec<(TargetId, PairBlocks)>,
}

ids! {
    /// A node in the order in which they were first seen. A [`NodeId`] does not depend on that order.
    struct SeenNodeId(u16);
}

/// Requests by pair of node and target.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    nodes: Interner<SeenNodeId, (), Node>,
    requests: usize,
    has_dropped_blocks: bool,
}

impl Timeline {
    /// Takes in one request. A request without an exact elapsed time is not kept, nor is a WebSocket connection.
    #[inline]
    pub fn observe(&mut self, target: TargetId, route: Option<RouteId>, exchange: &Exchange<'_>, outcome: Outcome) {
        let Elapsed::Exact(elapsed) = exchange.elapsed else { return };
        if exchange.is_web_socket {
            return;
        }
        let Some(node) = self.node(exchange.node.unwrap_or_default()) else { return };
        let took = elapsed.saturating_sub(exchange.request_processing_time.unwrap_or_default());
        let number = block_number(exchange.time);
        let entry = TimelineEntry {
            ended_ticks: ticks(exchange.time.micros_since(block_start(number))),
            duration_ticks: ticks(i64::try_from(took.as_micros()).unwrap_or(i64::MAX)),
            route,
            outcome,
            status: exchange.target_status_code.map_or(0, |status| status.saturating_sub(STATUS_BASE).min(255) as u8),
        };
        node.pair_or_insert(target).block_or_insert(number).push(entry);
        self.requests += 1;
        if self.requests > MAX_REQUESTS {
            self.drop_blocks();
        }
    }

    #[inline]
    fn node(&mut self, name: &[u8]) -> Option<&mut Node> {
        if self.nodes.len() >= MAX_NODES && self.nodes.find((), name).is_none() {
            return None;
        }
        let id = self.nodes.intern((), name, usize::MAX);
        Some(self.nodes.value_mut(id))
    }

    /// Adds the requests of `other`. `targets` and `routes` have the ids here of its targets and routes.
    pub fn merge(&mut self, other: Self, targets: &NewIds<TargetId>, routes: &NewIds<RouteId>) {
        self.has_dropped_blocks |= other.has_dropped_blocks;
        for ((), name, theirs) in other.nodes.into_entries() {
            let mut requests = 0;
            let Some(mine) = self.node(&name) else { continue };
            for (target, pair) in theirs.pairs {
                let known = mine.pair_or_insert(targets.of(target));
                for mut block in pair.blocks {
                    requests += block.entries.len();
                    for entry in &mut block.entries {
                        entry.route = entry.route.map(|route| routes.of(route));
                    }
                    known.merge(block);
                }
            }
            self.requests += requests;
        }
        if self.requests > MAX_REQUESTS {
            self.drop_blocks();
        }
    }

    /// Replaces the id of each request's route. `routes` has the new ids.
    pub fn renumber_routes(&mut self, routes: &NewIds<RouteId>) {
        let pairs = self.nodes.values_mut().flat_map(|node| &mut node.pairs);
        for entry in pairs.flat_map(|(_, pair)| &mut pair.blocks).flat_map(|block| &mut block.entries) {
            entry.route = entry.route.map(|route| routes.of(route));
        }
    }

    /// Drops the blocks with no failure near them. While more than half of [`MAX_REQUESTS`] are left, also drops every
    /// second run of four blocks. Four blocks are what is kept around one failure: in shorter runs, what came before
    /// a failure or after it would more often be missing.
    fn drop_blocks(&mut self) {
        self.has_dropped_blocks = true;
        self.retain(PairBlocks::has_failure_near);
        let mut stride = 2;
        while self.requests > MAX_REQUESTS / 2 {
            self.retain(|_, number| number.div_euclid(BLOCKS_BEFORE + BLOCKS_AFTER + 1).rem_euclid(stride) == 0);
            stride *= 2;
        }
    }

    fn retain(&mut self, is_kept: impl Fn(&PairBlocks, i64) -> bool) {
        self.requests = 0;
        for (_, pair) in self.nodes.values_mut().flat_map(|node| &mut node.pairs) {
            let kept: Vec<bool> = pair.blocks.iter().map(|block| is_kept(pair, block.number)).collect();
            pair.retain(&kept);
            self.requests += pair.blocks.iter().map(|block| block.entries.len()).sum::<usize>();
        }
    }

    /// Whether blocks were dropped.
    #[must_use]
    pub fn has_dropped_blocks(&self) -> bool {
        self.has_dropped_blocks
    }

    /// The names of all nodes, sorted by bytes, so in the order of their [`NodeId`]s.
    #[must_use]
    pub fn nodes(&self) -> Vec<&[u8]> {
        let mut names: Vec<&[u8]> = self.nodes.iter().map(|((), name, _)| name).collect();
        names.sort_unstable();
        names
    }

    /// The requests of one target on all nodes, sorted by the time at which they ended.
    #[must_use]
    #[expect(clippy::stable_sort_primitive, reason = "it makes use of nearly sorted input, as each node's lines are")]
    pub fn of_target(&self, target: TargetId) -> Vec<TimedRequest> {
        let names = self.nodes();
        let mut blocks: Vec<(NodeId, &Block)> = Vec::new();
        for ((), name, node) in self.nodes.iter() {
            let Some(pair) = node.pair(target) else { continue };
            let node = NodeId::from_index(names.partition_point(|other| *other < name));
            blocks.extend(pair.blocks.iter().map(|block| (node, block)));
        }
        blocks.sort_unstable_by_key(|&(node, block)| (block.number, node));
        let mut timed_requests = Vec::with_capacity(blocks.iter().map(|(_, block)| block.entries.len()).sum());
        let mut sort_keys: Vec<u128> = Vec::new();
        for blocks in blocks.chunk_by(|(_, one), (_, other)| one.number == other.number) {
            sort_keys.clear();
            for (node, block) in blocks {
                sort_keys.extend(block.entries.iter().map(|entry| entry.sort_key(*node)));
            }
            sort_keys.sort();
            let start = block_start(blocks[0].1.number);
            timed_requests.extend(sort_keys.iter().map(|&key| TimedRequest::from_sort_key(key, start)));
        }
        timed_requests
    }
}

impl Node {
    #[inline]
    fn pair_or_insert(&mut self, target: TargetId) -> &mut PairBlocks {
        let index = target.index();
        if self.slot_of_target.len() <= index {
            self.slot_of_target.resize(index + 1, 0);
        }
        if self.slot_of_target[index] == 0 {
            self.pairs.push((target, PairBlocks::default()));
            self.slot_of_target[index] = u32::try_from(self.pairs.len()).expect("fewer pairs than targets, which fit");
        }
        &mut self.pairs[self.slot_of_target[index] as usize - 1].1
    }

    fn pair(&self, target: TargetId) -> Option<&PairBlocks> {
        let index = self.slot_of_target.get(target.index())?.checked_sub(1)?;
        Some(&self.pairs[index as usize].1)
    }
}

impl PairBlocks {
    fn merge(&mut self, block: Block) {
        match self.index_of.get(&block.number) {
            Some(&index) => {
                let known = &mut self.blocks[index];
                known.failures += block.failures;
                known.entries.extend(block.entries);
            }
            None => self.add(block),
        }
    }

    #[inline]
    fn block_or_insert(&mut self, number: i64) -> &mut Block {
        // Lines come nearly in order, so it is nearly always the latest block.
        let latest = self.blocks.len().wrapping_sub(1);
        let index = match self.blocks.last() {
            Some(block) if block.number == number => latest,
            _ => self.index_of.get(&number).copied().unwrap_or_else(|| {
                self.add(Block { number, entries: Vec::new(), failures: 0 });
                self.blocks.len() - 1
            }),
        };
        &mut self.blocks[index]
    }

    fn add(&mut self, block: Block) {
        self.index_of.insert(block.number, self.blocks.len());
        self.blocks.push(block);
    }

    fn retain(&mut self, kept: &[bool]) {
        let blocks = std::mem::take(&mut self.blocks);
        self.index_of.clear();
        for (block, _) in blocks.into_iter().zip(kept).filter(|(_, is_kept)| **is_kept) {
            self.add(block);
        }
    }

    fn has_failure_near(&self, number: i64) -> bool {
        let mut near = number - BLOCKS_AFTER..=number + BLOCKS_BEFORE;
        near.any(|number| self.index_of.get(&number).is_some_and(|&index| self.blocks[index].failures > 0))
    }
}

impl TimelineEntry {
    /// Sort key: end, then dispatch, then the other fields, so the order never depends on line order. It is one
    /// number because millions of them are compared.
    #[inline]
    fn sort_key(&self, node: NodeId) -> u128 {
        let Self { ended_ticks, duration_ticks, route, outcome, status } = *self;
        let parts = [
            (ended_ticks, 32),
            (!duration_ticks, 32),
            (outcome as u32, 8),
            (u32::from(NodeId::to_bits(Some(node))), 16),
            (u32::from(RouteId::to_bits(route)), 16),
            (u32::from(status), 8),
        ];
        parts.into_iter().fold(0, |key, (part, bits)| key << bits | u128::from(part))
    }
}

impl Block {
    #[inline]
    fn push(&mut self, entry: TimelineEntry) {
        self.failures += u32::from(entry.outcome.is_failure());
        self.entries.push(entry);
    }
}

impl TimedRequest {
    /// The inverse of [`TimelineEntry::sort_key`]. `start` is the start of the block.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "parts of a number")]
    fn from_sort_key(key: u128, start: Timestamp) -> Self {
        let (status, route, node) = (key as u8, (key >> 8) as u16, (key >> 24) as u16);
        let (outcome, duration_ticks, ended_ticks) = ((key >> 40) as u8, !((key >> 48) as u32), (key >> 80) as u32);
        let ended = start.plus_micros(i64::from(ended_ticks) * TICK_MICROS);
        Self {
            dispatched: ended.plus_micros(-i64::from(duration_ticks) * TICK_MICROS),
            ended,
            outcome: Outcome::ALL[usize::from(outcome)],
            target_status: NonZeroU16::new(u16::from(status)).map(|status| status.saturating_add(STATUS_BASE)),
            route: RouteId::from_bits(route),
            node: NodeId::from_bits(node).expect("its sort key has one"),
        }
    }

    /// Whether it went to one of `routes`.
    #[must_use]
    pub fn is_to(&self, routes: &[RouteId]) -> bool {
        self.route.is_some_and(|route| routes.contains(&route))
    }

    /// The time from its dispatch to its end.
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

/// Microseconds as ticks: at most five days, far more than a request may take.
#[inline]
fn ticks(micros: i64) -> u32 {
    u32::try_from(micros / TICK_MICROS).unwrap_or(if micros < 0 { 0 } else { u32::MAX })
}

#[cfg(test)]
mod tests;
