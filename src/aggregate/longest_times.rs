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
    use super::*;

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
