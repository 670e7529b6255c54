//! Requests of one load balancer by time and elapsed time, for the JSON report and the exported tables.

use std::time::Duration;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::outcome_counts::OutcomeCounts;
use crate::classify::Outcome;
use crate::timestamp::{MICROS_PER_SECOND, Timestamp};

/// Bins of time kept for one load balancer, about 1.4 KB each. When there are more, all get wider: two days fit in
/// bins of one minute, ten days in bins of five.
pub const MAX_TIME_BINS: usize = 2_880;

/// Widths of a bin of time, in seconds. Each divides the next, so the order of widening does not matter. The widest
/// is 10,000 days: the log's four-digit years need fewer than [`MAX_TIME_BINS`] of these, whatever dates a line
/// claims.
pub const TIME_BIN_SECONDS: [i64; 10] =
    [60, 300, 900, 3_600, 21_600, 86_400, 864_000, 8_640_000, 86_400_000, 864_000_000];

/// Bins of elapsed time: eight to each doubling, from 1 ms (2^10 µs) up to 4.8 hours (2^34 µs). The first bin also
/// counts shorter times, the last one longer times.
pub const ELAPSED_BINS: usize = 24 * 8;

const FIRST_OCTAVE: u32 = 10;

/// Counts by time, and by time and elapsed time.
#[derive(Clone, Debug, Default)]
pub struct Timing {
    /// Index in [`TIME_BIN_SECONDS`].
    width: usize,
    bins: HashMap<i64, TimeBin, FixedState>,
}

/// What happened in one bin of time.
#[derive(Clone, Debug)]
pub struct TimeBin {
    /// Requests by outcome.
    pub outcomes: OutcomeCounts,
    /// Requests by bin of elapsed time. Those whose elapsed time is unknown are in no bin.
    pub elapsed: Box<[u32; ELAPSED_BINS]>,
    /// Failed requests: outcome, bin of elapsed time, number of requests. Those whose elapsed time is unknown are
    /// not here.
    pub failed: Vec<(Outcome, u16, u32)>,
}

impl Default for TimeBin {
    fn default() -> Self {
        Self { outcomes: OutcomeCounts::default(), elapsed: Box::new([0; ELAPSED_BINS]), failed: Vec::new() }
    }
}

impl TimeBin {
    fn add_failed(&mut self, outcome: Outcome, bin: u16, requests: u32) {
        match self.failed.iter_mut().find(|(known, known_bin, _)| (*known, *known_bin) == (outcome, bin)) {
            Some((.., known)) => *known = known.saturating_add(requests),
            None => self.failed.push((outcome, bin, requests)),
        }
    }

    /// Adds the counts of `other`.
    pub fn merge(&mut self, other: &Self) {
        self.outcomes.merge(&other.outcomes);
        for (mine, theirs) in self.elapsed.iter_mut().zip(other.elapsed.iter()) {
            *mine = mine.saturating_add(*theirs);
        }
        for &(outcome, bin, requests) in &other.failed {
            self.add_failed(outcome, bin, requests);
        }
    }
}

impl Timing {
    /// Takes in one request. `elapsed` is `None` if it is unknown, and for WebSocket connections.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "there are fewer bins than u16 holds")]
    pub fn observe(&mut self, time: Timestamp, elapsed: Option<Duration>, outcome: Outcome) {
        let start = bin_start(time, self.width);
        let bin = self.bins.entry(start).or_default();
        bin.outcomes.0[outcome.index()] += 1;
        if let Some(elapsed) = elapsed {
            let index = elapsed_bin(elapsed);
            bin.elapsed[index] = bin.elapsed[index].saturating_add(1);
            if outcome.is_failure() {
                bin.add_failed(outcome, index as u16, 1);
            }
        }
        if self.bins.len() > MAX_TIME_BINS {
            self.widen_to(MAX_TIME_BINS);
        }
    }

    /// Adds the counts of `other`.
    pub fn merge(&mut self, mut other: Self) {
        let width = self.width.max(other.width);
        self.widen(width);
        other.widen(width);
        for (start, bin) in other.bins {
            self.bins.entry(start).or_default().merge(&bin);
        }
        self.widen_to(MAX_TIME_BINS);
    }

    /// Widens the bins until there are at most `most`, or until they cannot get wider.
    fn widen_to(&mut self, most: usize) {
        while self.bins.len() > most && self.width + 1 < TIME_BIN_SECONDS.len() {
            self.widen(self.width + 1);
        }
    }

    fn widen(&mut self, width: usize) {
        if width <= self.width {
            return;
        }
        self.width = width;
        for (start, bin) in std::mem::take(&mut self.bins) {
            self.bins.entry(bin_start(Timestamp::from_seconds(start), width)).or_default().merge(&bin);
        }
    }

    /// The width of the bins in seconds.
    #[must_use]
    pub fn width_seconds(&self) -> i64 {
        TIME_BIN_SECONDS[self.width]
    }

    /// The bins that have a request, sorted by time, each with the time at which it begins.
    #[must_use]
    pub fn sorted(&self) -> Vec<(Timestamp, &TimeBin)> {
        let mut bins: Vec<_> = self.bins.iter().map(|(&start, bin)| (Timestamp::from_seconds(start), bin)).collect();
        bins.sort_unstable_by_key(|&(start, _)| start);
        bins
    }

    /// The same counts in at most `most` bins, or in the widest bins that there are.
    #[must_use]
    pub fn coarsened(&self, most: usize) -> Self {
        let mut coarse = self.clone();
        coarse.widen_to(most);
        coarse
    }
}

/// The second at which the bin of `time` begins. Bins begin at multiples of their width since the epoch.
#[inline]
fn bin_start(time: Timestamp, width: usize) -> i64 {
    let width = TIME_BIN_SECONDS[width];
    time.as_micros().div_euclid(width * MICROS_PER_SECOND) * width
}

/// The index of the bin of an elapsed time.
#[inline]
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "held to the last bin before the cast matters")]
pub fn elapsed_bin(elapsed: Duration) -> usize {
    let micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX).max(1 << FIRST_OCTAVE);
    let octave = micros.ilog2();
    let step = (micros >> (octave - 3)) as usize & 7;
    ((octave - FIRST_OCTAVE) as usize * 8 + step).min(ELAPSED_BINS - 1)
}

/// Lower end of a bin of elapsed time. For bin 0 it is 1.024 ms, although that bin begins at 0.
#[must_use]
pub fn elapsed_bin_start(bin: usize) -> Duration {
    let octave = 1_u64 << (bin / 8 + FIRST_OCTAVE as usize);
    Duration::from_micros(octave + octave / 8 * (bin % 8) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn more_bins_than_the_cap_become_wider_and_lose_nothing() {
        let mut timing = Timing::default();
        let minutes = i64::try_from(MAX_TIME_BINS).expect("a small number") + 50;
        for minute in 0..minutes {
            timing.observe(Timestamp::from_seconds(minute * 60), None, Outcome::Ok);
        }
        assert_eq!(timing.width_seconds(), 300);
        let counted: u64 = timing.sorted().iter().map(|(_, bin)| bin.outcomes.of(Outcome::Ok)).sum();
        assert_eq!(i64::try_from(counted), Ok(minutes));
    }

    #[test]
    fn times_all_over_the_calendar_stay_within_the_widest_bins() {
        let mut timing = Timing::default();
        for year in 0..=9999 {
            for month in 1..=12 {
                let time = Timestamp::from_civil((year, month, 1), (0, 0, 0), 0).expect("a date");
                timing.observe(time, None, Outcome::Ok);
                assert!(timing.bins.len() <= MAX_TIME_BINS);
            }
        }
    }

    proptest! {
        #[test]
        fn an_elapsed_time_lies_in_its_bin(micros in 0..100_000_000_000_u64) {
            let elapsed = Duration::from_micros(micros);
            let bin = elapsed_bin(elapsed);
            prop_assert!(bin == 0 || elapsed_bin_start(bin) <= elapsed);
            prop_assert!(bin == ELAPSED_BINS - 1 || elapsed < elapsed_bin_start(bin + 1));
        }

        #[test]
        fn parts_of_any_width_merge_to_what_each_request_says(
            parts in prop::collection::vec(
                (prop::collection::vec((0..400_000_i64, prop::option::of(0..90_000_u64)), 0..40), 1..9_usize),
                0..4,
            ),
        ) {
            let mut merged = Timing::default();
            let mut all = Vec::new();
            for (requests, most) in parts {
                let mut part = Timing::default();
                for &(second, millis) in &requests {
                    let elapsed = millis.map(Duration::from_millis);
                    part.observe(Timestamp::from_seconds(second), elapsed, Outcome::ConnectFailed);
                }
                let part = part.coarsened(most);
                prop_assert!(part.sorted().len() <= most || part.width + 1 == TIME_BIN_SECONDS.len());
                merged.merge(part);
                all.extend(requests);
            }
            let width = merged.width_seconds();
            let mut counted = 0;
            for (start, bin) in merged.sorted() {
                let here = || all.iter().filter(|(second, _)| second.div_euclid(width) * width == start.as_seconds());
                let known = here().filter(|(_, millis)| millis.is_some()).count() as u64;
                prop_assert_eq!(bin.outcomes.failures(), here().count() as u64);
                prop_assert_eq!(bin.elapsed.iter().copied().map(u64::from).sum::<u64>(), known);
                prop_assert_eq!(bin.failed.iter().map(|(.., requests)| u64::from(*requests)).sum::<u64>(), known);
                for &(_, index, requests) in &bin.failed {
                    prop_assert_eq!(bin.elapsed[usize::from(index)], requests);
                }
                counted += bin.outcomes.failures();
            }
            prop_assert_eq!(counted, all.len() as u64);
        }

        #[test]
        fn coarse_bins_hold_the_same_requests(seconds in prop::collection::vec(0..200_000_i64, 1..200)) {
            let mut timing = Timing::default();
            for &second in &seconds {
                timing.observe(Timestamp::from_seconds(second), Some(Duration::from_millis(7)), Outcome::ConnectFailed);
            }
            let coarse = timing.coarsened(10);
            let sum = |timing: &Timing| timing.sorted().iter().map(|(_, bin)| bin.outcomes.failures()).sum::<u64>();
            prop_assert_eq!(sum(&coarse), seconds.len() as u64);
            prop_assert_eq!(sum(&timing), seconds.len() as u64);
        }
    }
}
