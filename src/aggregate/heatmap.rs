//! Requests of one target by time and elapsed time, in coarse bins: the counts that its pictures draw.
//!
//! The bins of time get wider as the log gets longer, so the memory does not depend on the log's length. There are
//! half as many bins of elapsed time as in [`timing`].

use std::time::Duration;

use super::timing::{self, elapsed_bin, elapsed_bin_start};
use crate::classify::Outcome;
use crate::timestamp::{MICROS_PER_SECOND, Timestamp};

/// Bins of elapsed time: four to each doubling, from 1 ms (2^10 µs) up to 4.8 hours (2^34 µs). The first bin also
/// counts shorter times, the last one longer times.
pub const ELAPSED_BINS: usize = timing::ELAPSED_BINS / 2;

/// The bin, in [`HeatmapRow::failed`], of a failed request whose elapsed time is unknown, and of a failed WebSocket
/// connection.
pub const UNKNOWN_ELAPSED: u8 = u8::MAX;

/// Rows kept for one target: one for each bin of time, about 0.5 KB each. When there are more, all bins get wider.
pub const MAX_ROWS: usize = 128;

/// Rows that each target may always have, however many targets there are.
const MIN_ROWS: usize = 8;

/// Up to this many targets, each may have [`MAX_ROWS`] rows. More targets share the rows that this many have, but
/// each may always have [`MIN_ROWS`].
const TARGETS_IN_FULL: usize = 512;

/// The narrowest bins of time, in seconds. Wider ones are two, four, eight, … times as wide.
pub const MIN_WIDTH_SECONDS: i64 = 60;

/// How many rows each target may have if there are `targets` of them.
#[must_use]
pub fn rows_for(targets: usize) -> usize {
    (MAX_ROWS * TARGETS_IN_FULL / targets.max(1).next_power_of_two()).clamp(MIN_ROWS, MAX_ROWS)
}

/// Lower end of a bin of elapsed time. For bin 0 it is 1.024 ms, although that bin begins at 0.
#[must_use]
pub fn bin_start(bin: usize) -> Duration {
    elapsed_bin_start(bin * 2)
}

/// Counts by time and elapsed time.
#[derive(Clone, Debug, Default)]
pub struct LatencyHeatmap {
    /// Bins of time are [`MIN_WIDTH_SECONDS`] · 2^`doublings` wide.
    doublings: u32,
    /// The rows in no order, each with the number of its bin: the time at which it begins, in bin widths since the
    /// epoch.
    rows: Vec<(i64, Box<HeatmapRow>)>,
    /// Index of the row of the latest request: lines come nearly in order.
    latest: usize,
}

/// What happened in one bin of time.
#[derive(Clone, Debug)]
pub struct HeatmapRow {
    /// All requests, including those whose elapsed time is unknown.
    pub requests: u64,
    /// Requests by bin of elapsed time. Those whose elapsed time is unknown are in no bin.
    pub elapsed: [u32; ELAPSED_BINS],
    /// Failed requests by outcome and bin of elapsed time, or [`UNKNOWN_ELAPSED`]; in no order.
    pub failed: Vec<(Outcome, u8, u32)>,
}

impl Default for HeatmapRow {
    fn default() -> Self {
        Self { requests: 0, elapsed: [0; ELAPSED_BINS], failed: Vec::new() }
    }
}

impl HeatmapRow {
    fn add_failed(&mut self, outcome: Outcome, bin: u8, requests: u32) {
        match self.failed.iter_mut().find(|(known, known_bin, _)| (*known, *known_bin) == (outcome, bin)) {
            Some((.., known)) => *known = known.saturating_add(requests),
            None => self.failed.push((outcome, bin, requests)),
        }
    }

    fn merge(&mut self, other: &Self) {
        self.requests += other.requests;
        for (mine, theirs) in self.elapsed.iter_mut().zip(other.elapsed) {
            *mine = mine.saturating_add(theirs);
        }
        for &(outcome, bin, requests) in &other.failed {
            self.add_failed(outcome, bin, requests);
        }
    }
}

impl LatencyHeatmap {
    /// Takes in one request and keeps at most `most` rows. `elapsed` is `None` if it is unknown, and for WebSocket
    /// connections.
    #[inline]
    pub fn observe(&mut self, time: Timestamp, elapsed: Option<Duration>, outcome: Outcome, most: usize) {
        let number = self.number(time);
        let row = match self.rows.get_mut(self.latest) {
            Some((latest, row)) if *latest == number => row,
            _ => self.row(number, most),
        };
        row.requests += 1;
        #[expect(clippy::cast_possible_truncation, reason = "there are fewer bins than u8 holds")]
        let bin = elapsed.map(|elapsed| (elapsed_bin(elapsed) / 2) as u8);
        if let Some(bin) = bin {
            let requests = &mut row.elapsed[usize::from(bin)];
            *requests = requests.saturating_add(1);
        }
        if outcome.is_failure() {
            row.add_failed(outcome, bin.unwrap_or(UNKNOWN_ELAPSED), 1);
        }
    }

    /// The number of the bin that `time` falls into.
    #[inline]
    fn number(&self, time: Timestamp) -> i64 {
        time.as_micros().div_euclid(MIN_WIDTH_SECONDS * MICROS_PER_SECOND) >> self.doublings
    }

    /// The row of a bin, which becomes the latest. If this row is one too many, the bins get wider, and the result
    /// is the row of the wider bin.
    #[cold]
    fn row(&mut self, number: i64, most: usize) -> &mut HeatmapRow {
        let narrow = self.doublings;
        self.latest = self.find_or_add(number);
        if self.rows.len() > most {
            self.limit(most);
            self.latest = self.find_or_add(number >> (self.doublings - narrow));
        }
        &mut self.rows[self.latest].1
    }

    fn find_or_add(&mut self, number: i64) -> usize {
        self.rows.iter().position(|(known, _)| *known == number).unwrap_or_else(|| {
            self.rows.push((number, Box::default()));
            self.rows.len() - 1
        })
    }

    /// Widens the bins of time until there are at most `most` rows. Two rows may remain even if `most` is less,
    /// because a bin before the epoch and one after it never merge.
    pub fn limit(&mut self, most: usize) {
        while self.rows.len() > most.max(2) {
            self.widen(self.doublings + 1);
        }
    }

    fn widen(&mut self, doublings: u32) {
        if doublings <= self.doublings {
            return;
        }
        let by = doublings - self.doublings;
        self.doublings = doublings;
        let narrow = std::mem::take(&mut self.rows);
        for (number, row) in narrow {
            let index = self.find_or_add(number >> by);
            self.rows[index].1.merge(&row);
        }
        self.latest = 0;
    }

    /// Adds the counts of `other` and keeps at most `most` rows.
    pub fn merge(&mut self, mut other: Self, most: usize) {
        let doublings = self.doublings.max(other.doublings);
        self.widen(doublings);
        other.widen(doublings);
        for (number, row) in other.rows {
            let index = self.find_or_add(number);
            self.rows[index].1.merge(&row);
        }
        self.limit(most);
    }

    /// The width of the bins of time in seconds.
    #[must_use]
    pub fn width_seconds(&self) -> i64 {
        MIN_WIDTH_SECONDS << self.doublings
    }

    /// The rows in no order, each with the time at which its bin begins. Bins begin at multiples of their width
    /// since the epoch.
    pub fn rows(&self) -> impl Iterator<Item = (Timestamp, &HeatmapRow)> {
        let width = self.width_seconds();
        self.rows.iter().map(move |(number, row)| (Timestamp::from_seconds(number * width), &**row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn requests(heatmap: &LatencyHeatmap) -> u64 {
        heatmap.rows().map(|(_, row)| row.requests).sum()
    }

    #[test]
    fn more_rows_than_the_cap_become_wider_and_lose_nothing() {
        let mut heatmap = LatencyHeatmap::default();
        for minute in 0..300 {
            heatmap.observe(Timestamp::from_seconds(minute * 60), Some(SECOND), Outcome::ConnectFailed, MAX_ROWS);
        }
        assert_eq!(heatmap.width_seconds(), 240);
        assert_eq!((heatmap.rows().count(), requests(&heatmap)), (75, 300));
        let failed: u32 = heatmap.rows().flat_map(|(_, row)| &row.failed).map(|(.., requests)| requests).sum();
        assert_eq!(failed, 300);
    }

    #[test]
    fn times_all_over_the_calendar_stay_within_the_cap() {
        let mut heatmap = LatencyHeatmap::default();
        for year in 0..=9999 {
            for month in [1, 5, 9] {
                let time = Timestamp::from_civil((year, month, 1), (0, 0, 0), 0).expect("a date");
                heatmap.observe(time, None, Outcome::Ok, MIN_ROWS);
                assert!(heatmap.rows.len() <= MIN_ROWS);
            }
        }
        assert_eq!(requests(&heatmap), 30_000);
    }

    #[test]
    fn many_targets_have_few_rows_each() {
        for (targets, rows) in [(0, 128), (1, 128), (512, 128), (513, 64), (1_024, 64), (16_384, 8)] {
            assert_eq!(rows_for(targets), rows, "{targets}");
        }
    }

    /// Second, elapsed milliseconds and outcome of a request.
    type Seen = (i64, Option<u64>, Outcome);

    fn seen() -> impl Strategy<Value = Vec<Seen>> {
        let outcomes = prop::sample::select(vec![Outcome::Ok, Outcome::ConnectFailed, Outcome::IdleTimeout]);
        prop::collection::vec((-9_000..90_000_i64, prop::option::of(0..90_000_u64), outcomes), 0..60)
    }

    fn observe_all(heatmap: &mut LatencyHeatmap, requests: &[Seen], most: usize) {
        for &(second, millis, outcome) in requests {
            let elapsed = millis.map(Duration::from_millis);
            heatmap.observe(Timestamp::from_seconds(second), elapsed, outcome, most);
        }
    }

    proptest! {
        /// The row of the latest request is remembered. A merge and wider bins must not make it the wrong one.
        #[test]
        fn every_request_is_in_the_row_of_its_time_also_after_a_merge(
            before in seen(), merged in seen(), after in seen(), most in 2..20_usize,
        ) {
            let (mut heatmap, mut other) = (LatencyHeatmap::default(), LatencyHeatmap::default());
            observe_all(&mut heatmap, &before, most);
            observe_all(&mut other, &merged, most);
            heatmap.merge(other, most);
            observe_all(&mut heatmap, &after, most);
            prop_assert!(heatmap.rows.len() <= most);
            let all = [before, merged, after].concat();
            let width = heatmap.width_seconds();
            prop_assert_eq!(requests(&heatmap), all.len() as u64);
            for (start, row) in heatmap.rows() {
                let here = || all.iter().filter(|(second, ..)| second.div_euclid(width) * width == start.as_seconds());
                let bin = |millis: &Option<u64>| millis.map(|millis| elapsed_bin(Duration::from_millis(millis)) / 2);
                prop_assert_eq!(row.requests, here().count() as u64);
                for (index, requests) in row.elapsed.iter().enumerate() {
                    let expected = here().filter(|(_, millis, _)| bin(millis) == Some(index)).count();
                    prop_assert_eq!(usize::try_from(*requests), Ok(expected));
                }
                let failed: u32 = row.failed.iter().map(|(.., requests)| requests).sum();
                let expected = here().filter(|(.., outcome)| outcome.is_failure()).count();
                prop_assert_eq!(usize::try_from(failed), Ok(expected));
                for &(outcome, index, requests) in &row.failed {
                    let index = Some(usize::from(index)).filter(|_| index != UNKNOWN_ELAPSED);
                    let expected = here().filter(|(_, millis, of)| (bin(millis), *of) == (index, outcome)).count();
                    prop_assert_eq!(usize::try_from(requests), Ok(expected));
                }
            }
        }

        #[test]
        fn an_elapsed_time_lies_in_its_bin(micros in 0..100_000_000_000_u64) {
            let elapsed = Duration::from_micros(micros);
            let mut heatmap = LatencyHeatmap::default();
            heatmap.observe(Timestamp::from_seconds(0), Some(elapsed), Outcome::Ok, MAX_ROWS);
            let (_, row) = heatmap.rows().next().expect("a row");
            let bin = row.elapsed.iter().position(|requests| *requests == 1).expect("a request");
            prop_assert!(bin == 0 || bin_start(bin) <= elapsed);
            prop_assert!(bin == ELAPSED_BINS - 1 || elapsed < bin_start(bin + 1));
        }

        #[test]
        fn halves_merged_in_any_order_are_the_whole(seconds in prop::collection::vec(-30_000..200_000_i64, 1..200), half in 0..200_usize, most in 2..40_usize) {
            let of = |seconds: &[i64]| {
                let mut heatmap = LatencyHeatmap::default();
                for &second in seconds {
                    heatmap.observe(Timestamp::from_seconds(second), Some(SECOND), Outcome::ConnectFailed, most);
                }
                heatmap
            };
            let sorted = |heatmap: &LatencyHeatmap| {
                let mut rows: Vec<_> = heatmap.rows().map(|(start, row)| (start, row.requests, row.failed.clone())).collect();
                rows.sort_unstable();
                (heatmap.width_seconds(), rows)
            };
            let (one, other) = seconds.split_at(half.min(seconds.len()));
            let whole = of(&seconds);
            let (mut forth, mut back) = (of(one), of(other));
            forth.merge(of(other), most);
            back.merge(of(one), most);
            prop_assert!(whole.rows.len() <= most);
            prop_assert_eq!(sorted(&forth), sorted(&whole));
            prop_assert_eq!(sorted(&back), sorted(&whole));
        }
    }
}
