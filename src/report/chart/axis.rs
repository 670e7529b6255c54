//! Axes: at which steps they are labelled, and with what text. Every picture takes its labels from here. The page can
//! be zoomed, so it gets the steps, their formats and the texts as data, and its script only picks from them.

use std::ops::{Range, RangeInclusive};

use serde::Serialize;

use crate::diagnose::LagBins;
use crate::report::numbers::duration;
use crate::report::pictures::Pictures;
use crate::timestamp::{Civil, Timestamp};

/// A position on an axis and its label.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tick {
    /// The position, in bins from the start of the axis.
    pub at: f64,
    /// The label.
    pub label: String,
}

/// The horizontal axis: time, in bins of one width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeAxis {
    /// Start of the first bin.
    pub start: Timestamp,
    /// Width of a bin, in seconds.
    pub bin_seconds: i64,
    /// How many bins there are; at least one.
    pub bins: usize,
}

/// A distance between labels of a time axis, and how these are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct TimeStep {
    /// The distance. Labels are at multiples of it, counted from the epoch.
    pub seconds: i64,
    /// How a label is written.
    pub format: TimeFormat,
}

/// How a moment (UTC) is written: text in which `%Y`, `%m`, `%d`, `%H` and `%M` stand for year, month, day, hour and
/// minute. The page's script reads the same patterns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct TimeFormat(&'static str);

impl TimeFormat {
    /// `2026-11-18`
    pub const DATE: Self = Self("%Y-%m-%d");
    /// `08:05`
    pub const CLOCK: Self = Self("%H:%M");
    /// `11-18 08:05`
    pub const DAY_AND_CLOCK: Self = Self("%m-%d %H:%M");

    /// Writes a moment.
    #[must_use]
    pub fn text(self, moment: Timestamp) -> String {
        let Civil { date: (year, month, day), clock: (hour, minute, _), .. } = moment.into();
        let fields = [("%m", month), ("%d", day), ("%H", hour), ("%M", minute)];
        let text = self.0.replace("%Y", &format!("{year:04}"));
        fields.into_iter().fold(text, |text, (name, number)| text.replace(name, &format!("{number:02}")))
    }
}

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// The distances of labels on a time axis. They go on by doubling.
const TIME_STEPS: [i64; 14] = [
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
    7 * DAY,
];

/// Multiples of `step` from `start` to `end`, both ends included.
fn multiples(step: i64, start: i64, end: i64) -> Range<i64> {
    (start - 1).div_euclid(step) + 1..end.div_euclid(step) + 1
}

impl TimeAxis {
    /// The axis that a report's pictures share. `None` if there are no requests.
    pub(in crate::report) fn of(pictures: &Pictures) -> Option<Self> {
        Some(Self { start: pictures.start?, bin_seconds: pictures.time_bin_seconds, bins: pictures.time_bins })
    }

    /// The moment at which a bin begins, in seconds since the epoch. The end of the axis is the bin after the last.
    fn second(self, bin: usize) -> i64 {
        self.start.as_seconds() + i64::try_from(bin).unwrap_or(i64::MAX) * self.bin_seconds
    }

    /// The steps that labels of this axis, or of a part of it, may have, the shortest first. With the last, the whole
    /// axis has at most one label.
    #[must_use]
    pub fn steps(self) -> Vec<TimeStep> {
        let (start, end) = (self.second(0), self.second(self.bins));
        let of_one_day = start.div_euclid(DAY) == (end - 1).div_euclid(DAY);
        let format = |step| match (step >= DAY, of_one_day) {
            (true, _) => TimeFormat::DATE,
            (false, true) => TimeFormat::CLOCK,
            (false, false) => TimeFormat::DAY_AND_CLOCK,
        };
        let longer = std::iter::successors(Some(14 * DAY), |step| Some(step * 2));
        let mut steps = Vec::new();
        for seconds in TIME_STEPS.into_iter().chain(longer) {
            steps.push(TimeStep { seconds, format: format(seconds) });
            let labels = multiples(seconds, start, end);
            if labels.end - labels.start <= 1 {
                break;
            }
        }
        steps
    }

    /// Round times (UTC) to label: at most `most`, or 1 if that is 0.
    #[must_use]
    pub fn ticks(self, most: usize) -> Vec<Tick> {
        self.ticks_of(0..self.bins, most)
    }

    /// [`Self::ticks`] of a part of the axis. Labels have a date if those of the whole axis have.
    #[must_use]
    pub fn ticks_of(self, bins: Range<usize>, most: usize) -> Vec<Tick> {
        let (start, end) = (self.second(bins.start), self.second(bins.end));
        let labels = |step: &TimeStep| multiples(step.seconds, start, end);
        let fits = |step: &TimeStep| {
            let labels = labels(step);
            usize::try_from(labels.end - labels.start).is_ok_and(|count| count <= most.max(1))
        };
        let Some(step) = self.steps().into_iter().find(fits) else { return Vec::new() };
        let tick = |number| {
            let second = number * step.seconds;
            Tick {
                at: (second - start) as f64 / self.bin_seconds as f64,
                label: step.format.text(Timestamp::from_seconds(second)),
            }
        };
        labels(&step).map(tick).collect()
    }
}

/// The vertical axis: elapsed time, in bins that become wider.
#[derive(Clone, Debug, PartialEq)]
pub struct ElapsedAxis {
    /// Lower edges of the bins, and the upper edge of the last one, in seconds.
    edges: Vec<f64>,
}

/// An elapsed time that an axis may label.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ElapsedMark {
    /// The time, in seconds.
    pub seconds: f64,
    /// The label.
    pub label: String,
    /// Whether it is a power of ten. The others are labelled only where few powers of ten are.
    pub is_decade: bool,
}

/// An axis with fewer powers of ten than this also labels two and five times a power of ten.
pub(in crate::report) const MIN_DECADES: usize = 2;

/// The lowest bin begins just above a millisecond and also has shorter times, so it may be labelled 1 ms. This share
/// of an axis' lower end is still on it.
pub(in crate::report) const BELOW_AXIS: f64 = 0.9;

impl ElapsedAxis {
    /// An axis of bins with these edges, in seconds: the lower edge of each bin, and then the upper edge of the last.
    /// There is at least one bin.
    #[must_use]
    pub fn new(edges: Vec<f64>) -> Self {
        debug_assert!(edges.len() > 1, "an axis has a bin");
        Self { edges }
    }

    /// An axis of some of a report's bins. `lower_edges` has the lower edges of all.
    pub(in crate::report) fn of(lower_edges: &[f64], bins: RangeInclusive<usize>) -> Self {
        // There are four bins to a doubling.
        let upper = || lower_edges[lower_edges.len() - 1] * 2_f64.powf(0.25);
        let edge = |bin: usize| lower_edges.get(bin).copied().unwrap_or_else(upper);
        Self::new((*bins.start()..=bins.end() + 1).map(edge).collect())
    }

    /// How many bins there are.
    #[must_use]
    pub fn bins(&self) -> usize {
        self.edges.len() - 1
    }

    /// Lower edges of the bins, and the upper edge of the last one, in seconds.
    #[must_use]
    pub fn edges(&self) -> &[f64] {
        &self.edges
    }

    /// The position of a time, in bins from the bottom. Times below the axis are at its bottom, times above it at its
    /// top.
    #[must_use]
    pub fn position(&self, seconds: f64) -> f64 {
        let above = self.edges.partition_point(|edge| *edge <= seconds);
        let Some(bin) = above.checked_sub(1) else { return 0.0 };
        match self.edges[bin..] {
            [low, high, ..] => bin as f64 + (seconds - low) / (high - low),
            _ => self.bins() as f64,
        }
    }

    /// What the axis may label: 1, 2 and 5 times each power of ten that is on it.
    #[must_use]
    pub fn marks(&self) -> Vec<ElapsedMark> {
        let (first, last) = (self.edges[0], self.edges[self.bins()]);
        let times = (-3..=4).flat_map(|power| [1.0, 2.0, 5.0].map(|digit| (digit, power)));
        let marks = times.map(|(digit, power)| {
            // Division gives the nearest number to 0.02; a product does not.
            let seconds = if power < 0 { digit / 10_f64.powi(-power) } else { digit * 10_f64.powi(power) };
            ElapsedMark { seconds, label: duration(seconds), is_decade: digit < 2.0 }
        });
        marks.filter(|mark| (first * BELOW_AXIS..last).contains(&mark.seconds)).collect()
    }

    /// The powers of ten, in seconds, that are on the axis. If there is at most one, also two and five times a power
    /// of ten.
    #[must_use]
    pub fn ticks(&self) -> Vec<Tick> {
        let marks = self.marks();
        let has_few = marks.iter().filter(|mark| mark.is_decade).count() < MIN_DECADES;
        let ticks = marks.into_iter().filter(|mark| mark.is_decade || has_few);
        ticks.map(|mark| Tick { at: self.position(mark.seconds), label: mark.label }).collect()
    }
}

/// 1, 2, 5, 10, 20, 50, …
fn round_numbers() -> impl Iterator<Item = u64> {
    (0..)
        .map_while(|power| 10_u64.checked_pow(power))
        .flat_map(|unit| [1, 2, 5].map(|digit| unit.saturating_mul(digit)))
}

/// The steps in which an axis of counts up to `most` may be labelled: 1, 2, 5, 10, … up to the first that is not less
/// than `most`.
pub(in crate::report) fn count_steps(most: u64) -> Vec<u64> {
    let mut steps: Vec<u64> = Vec::new();
    for step in round_numbers() {
        steps.push(step);
        if step >= most {
            break;
        }
    }
    steps
}

/// Round times to label on the axis of a chart of gaps: at most `most`, or 1 if that is 0.
pub(in crate::report) fn lag_ticks(bins: &LagBins, most: usize) -> Vec<Tick> {
    let micros = |duration: std::time::Duration| i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
    let (start, width) = (micros(bins.start), micros(bins.width).max(1));
    let end = start.saturating_add(width.saturating_mul(i64::try_from(bins.failures.len()).unwrap_or(i64::MAX)));
    // Gaps are known to the millisecond.
    let steps = round_numbers().map_while(|number| i64::try_from(number.checked_mul(1_000)?).ok());
    let mut fitting = steps.map(|step| (step, multiples(step, start, end)));
    let fits = |labels: &Range<i64>| usize::try_from(labels.end - labels.start).is_ok_and(|count| count <= most.max(1));
    let Some((step, labels)) = fitting.find(|(_, labels)| fits(labels)) else { return Vec::new() };
    let tick = |number| Tick {
        at: (number * step - start) as f64 / width as f64,
        label: duration((number * step) as f64 / 1_000_000.0),
    };
    labels.map(tick).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use proptest::prelude::*;

    fn axis(start: &str, bin_seconds: i64, bins: usize) -> TimeAxis {
        TimeAxis { start: Timestamp::parse(start.as_bytes()).expect("a time"), bin_seconds, bins }
    }

    fn labels(ticks: Vec<Tick>) -> Vec<String> {
        ticks.into_iter().map(|tick| tick.label).collect()
    }

    #[test]
    fn times_read_well_from_minutes_to_years() {
        for (axis, most, expected) in [
            (axis("2026-11-18T08:03:00Z", 60, 20), 5, &["08:05", "08:10", "08:15", "08:20"][..]),
            (axis("2026-11-18T08:00:00Z", 60, 120), 5, &["08:00", "08:30", "09:00", "09:30", "10:00"]),
            (axis("2026-11-18T22:00:00Z", 240, 90), 4, &["11-18 22:00", "11-19 00:00", "11-19 02:00", "11-19 04:00"]),
            (axis("2026-11-01T00:00:00Z", 30_720, 77), 5, &["2026-11-05", "2026-11-12", "2026-11-19", "2026-11-26"]),
            (axis("2026-11-18T08:00:00Z", 60, 1), 4, &["08:00", "08:01"]),
        ] {
            assert_eq!(labels(axis.ticks(most)), expected);
        }
        assert!(axis("0001-01-01T00:00:00Z", 60 << 25, 128).ticks(8).len() <= 8);
    }

    #[test]
    fn a_part_of_an_axis_has_dates_if_the_whole_has() {
        let axis = axis("2026-11-18T22:00:00Z", 240, 90);
        assert_eq!(labels(axis.ticks_of(0..15, 2)), ["11-18 22:00", "11-18 23:00"]);
        assert_eq!(labels(axis.ticks_of(0..4, 4)), ["11-18 22:00", "11-18 22:05", "11-18 22:10", "11-18 22:15"]);
    }

    proptest! {
        #[test]
        fn ticks_are_no_more_than_asked_for_and_lie_on_the_axis(
            start in 0..4_000_000_000_i64,
            doublings in 0..20_u32,
            bins in 1..128_usize,
            most in 1..30_usize,
            part in (0.0..1.0_f64, 0.0..1.0_f64),
        ) {
            let axis = TimeAxis { start: Timestamp::from_seconds(start), bin_seconds: 60 << doublings, bins };
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a few bins")]
            let bin = |share: f64| -> usize { (share * bins as f64) as usize };
            let part = bin(part.0.min(part.1))..bin(part.0.max(part.1)) + 1;
            for (ticks, bins) in [(axis.ticks(most), bins), (axis.ticks_of(part.clone(), most), part.len())] {
                prop_assert!(ticks.len() <= most);
                prop_assert!(ticks.iter().all(|tick| (0.0..=bins as f64).contains(&tick.at)));
            }
        }
    }

    #[test]
    fn elapsed_times_are_placed_within_their_bins() {
        let axis = ElapsedAxis::new(vec![1.0, 2.0, 4.0, 8.0]);
        for (seconds, position) in
            [(0.1, 0.0), (1.0, 0.0), (1.5, 0.5), (2.0, 1.0), (7.0, 2.75), (8.0, 3.0), (100.0, 3.0)]
        {
            assert!((axis.position(seconds) - position).abs() < 1e-9, "{seconds} at {}", axis.position(seconds));
        }
    }

    #[test]
    fn elapsed_times_are_labelled_by_powers_of_ten_or_else_more_closely() {
        for (edges, expected) in [
            (&[0.001_024, 0.1, 5.0, 20.0][..], &["1 ms", "10 ms", "100 ms", "1 s", "10 s"][..]),
            (&[0.15, 0.3, 0.6], &["200 ms", "500 ms"]),
            (&[4.0, 8.0, 30.0], &["5 s", "10 s", "20 s"]),
        ] {
            assert_eq!(labels(ElapsedAxis::new(edges.to_vec()).ticks()), expected, "{edges:?}");
        }
    }

    #[test]
    fn counts_are_labelled_in_round_steps() {
        assert_eq!(count_steps(0), [1]);
        assert_eq!(count_steps(60), [1, 2, 5, 10, 20, 50, 100]);
        assert_eq!(count_steps(u64::MAX).last(), Some(&u64::MAX));
    }

    #[test]
    fn gaps_are_labelled_at_round_times() {
        let bins = |start, width, count: usize| LagBins {
            start: Duration::from_millis(start),
            width: Duration::from_millis(width),
            failures: vec![0; count],
            controls: vec![0; count],
        };
        for (bins, most, expected) in [
            (bins(4_940, 10, 12), 12, &["4.94 s", "4.96 s", "4.98 s", "5 s", "5.02 s", "5.04 s", "5.06 s"][..]),
            (bins(4_940, 10, 12), 3, &["4.95 s", "5 s", "5.05 s"]),
            (bins(0, 50, 12), 4, &["0 ms", "200 ms", "400 ms", "600 ms"]),
            (bins(0, 50, 12), 0, &["0 ms"]),
        ] {
            assert_eq!(labels(lag_ticks(&bins, most)), expected);
        }
        let ticks = lag_ticks(&bins(4_940, 10, 12), 3);
        assert!((ticks[1].at - 6.0).abs() < 1e-9, "{ticks:?}");
    }
}
