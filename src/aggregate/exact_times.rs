//! Durations counted by the millisecond, in bounded memory.

use std::collections::BTreeMap;
use std::time::Duration;

/// At most this many different durations are counted; further ones are not.
pub const MAX_TIMES: usize = 1_024;

/// How often each duration came, to the millisecond. This shows a timer that [`Quantiles`](super::Quantiles) would
/// smear.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExactTimes {
    by_millis: BTreeMap<u32, u32>,
}

impl ExactTimes {
    /// Takes in one duration. One of 49 days or more counts as the longest.
    pub fn observe(&mut self, duration: Duration) {
        let millis = u32::try_from(duration.as_millis()).unwrap_or(u32::MAX);
        self.add(millis, 1);
    }

    fn add(&mut self, millis: u32, count: u32) {
        if self.by_millis.len() < MAX_TIMES || self.by_millis.contains_key(&millis) {
            let known = self.by_millis.entry(millis).or_default();
            *known = known.saturating_add(count);
        }
    }

    /// Adds the durations of `other`.
    pub fn merge(&mut self, other: &Self) {
        for (&millis, &count) in &other.by_millis {
            self.add(millis, count);
        }
    }

    /// The durations and how often each came, the shortest first.
    pub fn iter(&self) -> impl Iterator<Item = (Duration, u32)> {
        self.by_millis.iter().map(|(&millis, &count)| (Duration::from_millis(millis.into()), count))
    }

    /// How many durations are counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.by_millis.values().map(|&count| u64::from(count)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_counted_and_merged_up_to_the_bound() {
        let mut one = ExactTimes::default();
        for millis in [60_000, 60_000, 12] {
            one.observe(Duration::from_millis(millis));
        }
        let mut other = ExactTimes::default();
        (0..2_000).for_each(|millis| other.observe(Duration::from_millis(millis)));
        assert_eq!(other.count(), MAX_TIMES as u64);
        one.merge(&other);
        assert_eq!(one.iter().last(), Some((Duration::from_mins(1), 2)));
        assert_eq!(one.iter().find(|(time, _)| time.as_millis() == 12), Some((Duration::from_millis(12), 2)));
        assert_eq!(one.iter().count(), MAX_TIMES);
    }

    #[test]
    fn a_duration_of_months_counts_as_the_longest_and_fractions_of_a_millisecond_are_dropped() {
        let mut times = ExactTimes::default();
        let longest = Duration::from_millis(u32::MAX.into());
        for duration in [Duration::MAX, longest, longest + Duration::from_millis(1), Duration::from_micros(1_999)] {
            times.observe(duration);
        }
        assert_eq!(times.iter().collect::<Vec<_>>(), [(Duration::from_millis(1), 1), (longest, 3)]);
    }
}
