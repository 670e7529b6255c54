//! Quantiles of durations, mergeable, in bounded memory.

use std::time::Duration;

use hdrhistogram::Histogram;

/// The sketches count a longer duration as this one.
pub const MAX_ELAPSED: Duration = Duration::from_hours(24);

/// A sketch of durations in milliseconds, the log's resolution.
///
/// A quantile is the nearest-rank one, and too large by less than 0.8 % (exact below 256 ms). The number of
/// durations, the smallest and the largest are exact. A sketch takes 1 KiB for durations up to a quarter of a
/// second and 512 bytes for each doubling. Buckets saturate at `u32::MAX`.
#[derive(Clone, Debug, Default)]
pub struct Quantiles {
    histogram: Option<Box<Histogram<u32>>>,
    /// Smallest and largest, to the microsecond.
    range: Option<(Duration, Duration)>,
}

/// Two significant digits: 128 buckets to each doubling above 256 ms, so the error is below 1/128.
const SIGNIFICANT_DIGITS: u8 = 2;

impl Quantiles {
    /// Takes in one duration. The quantiles count one above [`MAX_ELAPSED`] as [`MAX_ELAPSED`].
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "MAX_ELAPSED has fewer than 2^64 milliseconds")]
    #[expect(clippy::missing_panics_doc, reason = "both messages say why there is none")]
    pub fn observe(&mut self, duration: Duration) {
        let millis = duration.min(MAX_ELAPSED).as_millis() as u64;
        let histogram = self.histogram.get_or_insert_with(|| {
            Box::new(Histogram::new(SIGNIFICANT_DIGITS).expect("2 is a number of digits that the histogram takes"))
        });
        histogram.record(millis).expect("a histogram that resizes itself takes any value");
        self.range = Some(match self.range {
            None => (duration, duration),
            Some((least, most)) => (least.min(duration), most.max(duration)),
        });
    }

    /// Adds the durations of `other`.
    #[expect(clippy::missing_panics_doc, reason = "the message says why there is none")]
    pub fn merge(&mut self, other: &Self) {
        let Some(theirs) = &other.histogram else { return };
        match &mut self.histogram {
            None => self.histogram = Some(theirs.clone()),
            Some(mine) => mine.add(&**theirs).expect("a histogram that resizes itself takes any other"),
        }
        self.range = match (self.range, other.range) {
            (Some(mine), Some(theirs)) => Some((mine.0.min(theirs.0), mine.1.max(theirs.1))),
            (mine, theirs) => mine.or(theirs),
        };
    }

    /// How many durations were seen.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.histogram.as_ref().map_or(0, |histogram| histogram.len())
    }

    /// The quantile `q` (0 to 1) by nearest rank: 0.9 is the 90th percentile. `None` when there are no durations.
    #[must_use]
    pub fn quantile(&self, q: f64) -> Option<Duration> {
        let (least, most) = self.range?;
        // Here the histogram would return the lower end of its bucket, which may be below the smallest duration.
        if q <= 0.0 {
            return Some(least);
        }
        let millis = self.histogram.as_ref()?.value_at_quantile(q);
        Some(Duration::from_millis(millis).min(most))
    }

    /// How many durations are between `low` and `high`, both included. Each end may be off by less than 0.8 %.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "MAX_ELAPSED has fewer than 2^64 milliseconds")]
    pub fn count_between(&self, low: Duration, high: Duration) -> u64 {
        let millis = |duration: Duration| duration.min(MAX_ELAPSED).as_millis() as u64;
        // For a range beyond its values, the histogram would count its last bucket.
        let of_range = self.histogram.as_ref().filter(|histogram| millis(low) <= histogram.max());
        of_range.map_or(0, |histogram| histogram.count_between(millis(low), millis(high)))
    }

    /// The smallest. Absent when there are none.
    #[must_use]
    pub fn min(&self) -> Option<Duration> {
        self.range.map(|(least, _)| least)
    }

    /// The largest. Absent when there are none.
    #[must_use]
    pub fn max(&self) -> Option<Duration> {
        self.range.map(|(_, most)| most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(millis: &[u64]) -> Quantiles {
        let mut quantiles = Quantiles::default();
        for &millis in millis {
            quantiles.observe(Duration::from_millis(millis));
        }
        quantiles
    }

    #[test]
    fn nothing_has_no_quantiles() {
        assert_eq!(Quantiles::default().quantile(0.5), None);
        assert_eq!(Quantiles::default().max(), None);
    }

    #[test]
    fn a_duration_past_the_range_counts_as_the_longest() {
        let mut quantiles = Quantiles::default();
        quantiles.observe(Duration::MAX);
        assert_eq!(quantiles.count(), 1);
        assert!(quantiles.quantile(0.5).is_some_and(|median| median >= MAX_ELAPSED));
    }

    #[test]
    fn durations_in_a_range_are_counted() {
        let quantiles = of(&[10, 48_000, 50_000, 60_000, 61_000, 90_000]);
        let between = |low, high| quantiles.count_between(Duration::from_secs(low), Duration::from_secs(high));
        assert_eq!((between(48, 60), between(0, 1), between(61, 1 << 40), between(70, 80)), (3, 1, 2, 0));
        assert_eq!((between(91, 1 << 40), of(&[255]).count_between(Duration::from_secs(1), Duration::MAX)), (0, 0));
        assert_eq!(Quantiles::default().count_between(Duration::ZERO, Duration::MAX), 0);
    }

    proptest! {
        #[test]
        fn the_error_is_below_the_stated_one(mut millis in prop::collection::vec(0..4_000_000_u64, 1..300), q in 0.0..=1.0_f64) {
            let quantiles = of(&millis);
            millis.sort_unstable();
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank in a short list")]
            let rank = ((q * millis.len() as f64).ceil() as usize).clamp(1, millis.len());
            let exact = millis[rank - 1] as f64;
            let told = quantiles.quantile(q).expect("not empty").as_micros() as f64 / 1000.0;
            // A share that falls on a rank's edge may round to either neighbour.
            let neighbour = millis[rank.min(millis.len() - 1)] as f64;
            prop_assert!(told >= exact && (told <= exact * 1.008 + 1e-9 || told <= neighbour * 1.008 + 1e-9), "{told} for {exact}");
        }

        #[test]
        fn merging_halves_gives_the_whole(one in prop::collection::vec(0..90_000_u64, 0..50), other in prop::collection::vec(0..90_000_u64, 0..50)) {
            let mut merged = of(&one);
            merged.merge(&of(&other));
            let whole = of(&[one, other].concat());
            prop_assert_eq!(merged.count(), whole.count());
            for q in [0.0, 0.1, 0.5, 0.9, 0.99, 1.0] {
                prop_assert_eq!(merged.quantile(q), whole.quantile(q));
            }
            prop_assert_eq!(merged.range, whole.range);
        }
    }
}
