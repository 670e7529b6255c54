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
