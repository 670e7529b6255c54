//! Failures that come in bursts: several at nearly one moment, which one event has caused.

use std::time::Duration;

use super::time_pattern::episodes;
use crate::timestamp::Timestamp;

/// Failures further apart than this are in different bursts.
const BURST_GAP: Duration = Duration::from_secs(2);

/// Fewer failures than this are no burst: two rare things now and then happen together.
const MIN_IN_BURST: usize = 3;

/// At most this long: more failures in sequence are an episode.
const MAX_BURST: Duration = Duration::from_secs(30);

/// The bursts among failures, by index.
pub(in crate::diagnose) struct Bursts {
    bursts: Vec<std::ops::Range<usize>>,
    all: usize,
}

impl Bursts {
    /// `moments` are when the failures ended, sorted.
    pub(in crate::diagnose) fn new(moments: &[Timestamp]) -> Self {
        let is_burst = |range: &std::ops::Range<usize>| {
            range.len() >= MIN_IN_BURST && moments[range.end - 1].since(moments[range.start]) <= MAX_BURST
        };
        let bursts = episodes(moments, BURST_GAP).into_iter().filter(is_burst).collect();
        Self { bursts, all: moments.len() }
    }

    /// The share of the failures that are in a burst; 0 if there are no failures.
    pub(in crate::diagnose) fn share(&self) -> f64 {
        let held: usize = self.bursts.iter().map(ExactSizeIterator::len).sum();
        held as f64 / self.all.max(1) as f64
    }

    /// The failures of each burst, as indices into the moments.
    pub(in crate::diagnose) fn iter(&self) -> impl ExactSizeIterator<Item = std::ops::Range<usize>> + Clone {
        self.bursts.iter().cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share_of(seconds: impl IntoIterator<Item = i64>) -> (usize, f64) {
        let moments: Vec<Timestamp> = seconds.into_iter().map(Timestamp::from_seconds).collect();
        let bursts = Bursts::new(&moments);
        (bursts.iter().len(), bursts.share())
    }

    #[test]
    fn only_several_at_nearly_one_moment_are_a_burst() {
        assert_eq!(share_of([]), (0, 0.0));
        assert_eq!(share_of([0, 1, 10, 11, 30]), (0, 0.0));
        assert_eq!(share_of([0, 1, 1, 30, 31, 33, 90, 200]), (2, 0.75));
        assert_eq!(share_of(0..100), (0, 0.0), "that is an episode");
    }
}
