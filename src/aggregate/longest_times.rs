//! The longest of many durations.

use std::time::Duration;

/// The longest few durations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LongestTimes {
    /// The longest first; zero if there were fewer.
    times: [Duration; 2],
}

impl LongestTimes {
    /// Takes in one duration.
    #[inline]
    pub fn observe(&mut self, duration: Duration) {
        if duration > self.times[0] {
            self.times = [duration, self.times[0]];
        } else if duration > self.times[1] {
            self.times[1] = duration;
        }
    }

    /// Adds the durations of `other`.
    pub fn merge(&mut self, other: &Self) {
        other.times.into_iter().for_each(|duration| self.observe(duration));
    }

    /// The longest two, the longest first; without those that are zero.
    pub fn iter(&self) -> impl Iterator<Item = Duration> {
        self.times.into_iter().filter(|duration| !duration.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_split_has_the_longest_two_of_all(millis in prop::collection::vec(0..9_u64, 0..12), half in 0..12_usize) {
            let of = |millis: &[u64]| {
                let mut longest = LongestTimes::default();
                for millis in millis {
                    longest.observe(Duration::from_millis(*millis));
                }
                longest
            };
            let (one, other) = millis.split_at(half.min(millis.len()));
            let mut merged = of(one);
            merged.merge(&of(other));
            prop_assert_eq!(merged, of(&millis));
            let mut expected: Vec<_> = millis.iter().filter(|millis| **millis > 0).collect();
            expected.sort_unstable_by(|one, other| other.cmp(one));
            expected.truncate(2);
            let kept: Vec<_> = merged.iter().map(|duration| duration.as_millis()).collect();
            prop_assert_eq!(kept, expected.into_iter().map(|millis| u128::from(*millis)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_longest_two_are_kept() {
        let of = |seconds: &[u64]| {
            let mut longest = LongestTimes::default();
            for seconds in seconds {
                longest.observe(Duration::from_secs(*seconds));
            }
            longest
        };
        let mut longest = of(&[3, 9, 1]);
        longest.merge(&of(&[7]));
        assert_eq!(longest, of(&[9, 7]));
        assert_eq!(of(&[]).iter().count(), 0);
    }
}
