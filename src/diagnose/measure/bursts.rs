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

/// Failures come in bursts if at least this share of them is in a burst. Those that would be in one by chance must all
/// be in one.
const MIN_SHARE: f64 = 0.6;

/// Failures within less than this are compared with as many in this time.
const MIN_SPAN: Duration = Duration::from_mins(1);

/// The bursts among failures, by index.
pub(in crate::diagnose) struct Bursts {
    ranges: Vec<std::ops::Range<usize>>,
    all: usize,
    /// From the first to the last failure.
    span: Duration,
}

impl Bursts {
    /// `moments` are when the failures ended, sorted.
    pub(in crate::diagnose) fn new(moments: &[Timestamp]) -> Self {
        let is_burst = |range: &std::ops::Range<usize>| {
            range.len() >= MIN_IN_BURST && moments[range.end - 1].since(moments[range.start]) <= MAX_BURST
        };
        let ranges = episodes(moments, BURST_GAP).into_iter().filter(is_burst).collect();
        let span = moments.first().zip(moments.last()).map_or(Duration::ZERO, |(first, last)| last.since(*first));
        Self { ranges, all: moments.len(), span }
    }

    /// Whether most of the failures are in bursts, and clearly more than if as many came at random moments.
    pub(in crate::diagnose) fn stand_out(&self) -> bool {
        1.0 - self.share() <= (1.0 - MIN_SHARE) * (1.0 - self.share_by_chance())
    }

    /// The share that would be in a burst if as many failures came at random moments.
    fn share_by_chance(&self) -> f64 {
        let rate = self.all as f64 / self.span.max(MIN_SPAN).as_secs_f64();
        // Whether the next failure follows within the gap does not depend on the one before. So a failure is alone with
        // the chance (1 - p)², and one of two with 2p(1 - p)².
        let ends = (-rate * BURST_GAP.as_secs_f64()).exp();
        let follows = 1.0 - ends;
        let in_a_run = 1.0 - ends.powi(2) * (1.0 + 2.0 * follows);
        // Of frequent failures, nearly all are in runs that are too long for a burst.
        let is_short = 1.0 - (-rate * ends * MAX_BURST.as_secs_f64()).exp();
        in_a_run * is_short
    }

    /// The share of the failures that are in a burst; 0 if there are no failures.
    pub(in crate::diagnose) fn share(&self) -> f64 {
        let held: usize = self.ranges.iter().map(ExactSizeIterator::len).sum();
        held as f64 / self.all.max(1) as f64
    }

    /// The failures of each burst, as indices into the moments.
    pub(in crate::diagnose) fn iter(&self) -> impl ExactSizeIterator<Item = std::ops::Range<usize>> + Clone {
        self.ranges.iter().cloned()
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

    #[test]
    fn bursts_stand_out_from_what_chance_makes() {
        let stand_out = |millis: Vec<i64>| {
            let moments: Vec<Timestamp> = millis.into_iter().map(|it| Timestamp::from_micros(it * 1_000)).collect();
            Bursts::new(&moments).stand_out()
        };
        assert!(stand_out((0..5).map(|number| number * 100).collect()), "a single burst");
        let of_burst = |burst: i64| (0..6).map(move |number| burst * 30_000 + number * 40);
        assert!(stand_out((0..12).flat_map(of_burst).collect()));
        let one_and_a_stray = (0..100).map(|number| number * 10).chain([31_000]);
        assert!(stand_out(one_and_a_stray.collect()), "a hundred in a second, and one half a minute later");
        let large = |burst: i64| (0..60).map(move |number| burst * 30_000 + number * 15);
        assert!(stand_out((0..20).flat_map(large).chain([607_000]).collect()), "bursts of sixty, and a stray");
        // Two of three gaps are short, as when one comes each two seconds at random.
        let mut at = 0;
        let by_chance = (0..200_u64).map(|number| {
            let chance = (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 11) as f64 / (1_u64 << 53) as f64;
            #[expect(clippy::cast_possible_truncation, reason = "a short time")]
            let gap = (-chance.max(1e-9).ln() * 2_100.0) as i64;
            at += gap;
            at
        });
        let by_chance: Vec<i64> = by_chance.collect();
        let seconds: Vec<Timestamp> = by_chance.iter().map(|it| Timestamp::from_micros(it * 1_000)).collect();
        assert!(Bursts::new(&seconds).share() > 0.5, "{}", Bursts::new(&seconds).share());
        assert!(!stand_out(by_chance));
    }
}
