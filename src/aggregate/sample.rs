//! A few failed requests to look at.

use crate::location::Location;
use crate::timestamp::Timestamp;

/// Samples kept for one target and outcome.
pub const MAX_SAMPLES: usize = 3;

/// Bytes of a line that a sample keeps.
pub const MAX_SAMPLE_BYTES: usize = 4 * 1024;

/// One failed request and the location of its line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sample {
    /// The line's `time`.
    pub time: Timestamp,
    /// Location of the line.
    pub location: Location,
    /// The line as logged, cut at [`MAX_SAMPLE_BYTES`].
    pub line: Box<[u8]>,
}

/// The earliest few of many failed requests. Those with the same time are ordered by location.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Samples(Vec<Sample>);

impl Samples {
    /// Takes in one request. `location` is called only if the request may be kept.
    pub fn observe(&mut self, time: Timestamp, line: &[u8], location: impl FnOnce() -> Location) {
        if self.0.len() == MAX_SAMPLES && self.0.last().is_some_and(|latest| latest.time < time) {
            return;
        }
        let line = &line[..line.len().min(MAX_SAMPLE_BYTES)];
        self.0.push(Sample { time, location: location(), line: line.into() });
        self.keep();
    }

    /// Adds the samples of `other`.
    pub fn merge(&mut self, other: Self) {
        self.0.extend(other.0);
        self.keep();
    }

    fn keep(&mut self) {
        self.0.sort_unstable();
        self.0.truncate(MAX_SAMPLES);
    }

    /// The samples, earliest first.
    #[must_use]
    pub fn as_slice(&self) -> &[Sample] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn location(line: u64) -> Location {
        Location { object: "o".into(), line, byte: 0 }
    }

    fn of(requests: &[(i64, u64)]) -> Samples {
        let mut samples = Samples::default();
        for &(second, line) in requests {
            samples.observe(Timestamp::from_seconds(second), b"a line", || location(line));
        }
        samples
    }

    proptest! {
        #[test]
        fn of_equal_times_the_first_locations_are_kept_whatever_the_order(
            seconds in prop::collection::vec(0..3_i64, 0..12),
            half in 0..12_usize,
            order in any::<u64>(),
        ) {
            let mut requests: Vec<(i64, u64)> = seconds.into_iter().zip(1..).collect();
            let mut expected = requests.clone();
            expected.sort_unstable();
            expected.truncate(MAX_SAMPLES);
            let found = |samples: &Samples| -> Vec<(i64, u64)> {
                samples.as_slice().iter().map(|sample| (sample.time.as_seconds(), sample.location.line)).collect()
            };
            // Some other order.
            requests.sort_by_key(|(_, line)| line.wrapping_mul(order | 1));
            let (one, other) = requests.split_at(half.min(requests.len()));
            let mut merged = of(one);
            merged.merge(of(other));
            prop_assert_eq!(found(&merged), &expected[..]);
            prop_assert_eq!(found(&of(&requests)), &expected[..]);
        }
    }

    #[test]
    fn a_long_line_is_cut() {
        let mut samples = Samples::default();
        for bytes in [MAX_SAMPLE_BYTES, MAX_SAMPLE_BYTES + 1, 0] {
            samples.observe(Timestamp::from_seconds(0), &vec![b'x'; bytes], || location(1));
        }
        let mut kept: Vec<usize> = samples.as_slice().iter().map(|sample| sample.line.len()).collect();
        kept.sort_unstable();
        assert_eq!(kept, [0, MAX_SAMPLE_BYTES, MAX_SAMPLE_BYTES]);
    }

    /// To make a location takes memory, and nearly every failure of a long log comes too late to be a sample.
    #[test]
    fn a_location_is_asked_for_only_if_the_request_may_be_kept() {
        let mut samples = of(&[(1, 1), (2, 2), (3, 3)]);
        samples.observe(Timestamp::from_seconds(4), b"", || unreachable!("three are earlier"));
        let mut is_asked = false;
        samples.observe(Timestamp::from_seconds(3), b"", || {
            is_asked = true;
            location(4)
        });
        assert!(is_asked, "it might be at an earlier location");
    }
}
