//! A target's requests in the order in which they were sent, found by the moment.
//!
//! Whatever fails at one target is held against all others of its group, of which there may be thousands: most of them have to say "none", or how many, without being looked through.

use crate::aggregate::Span;
use crate::aggregate::timeline::Passage;
use crate::timestamp::Timestamp;

/// Stretches of time between the first dispatch and the last, at most: a moment is looked for in one of them only.
const MAX_STRETCHES: u64 = 64;

/// The places of passages in the order in which they were sent.
pub(in crate::diagnose) struct Dispatches {
    places: Vec<u32>,
    /// The first and the last one's moment, as numbers in their order.
    first: u64,
    last: u64,
    /// A stretch is two to the power of so many microseconds long.
    stretch_bits: u32,
    /// How many were sent before each stretch, and in the end how many there are.
    sent_before: Vec<u32>,
}

impl Dispatches {
    pub(in crate::diagnose) fn new(passages: &[Passage]) -> Self {
        let places = in_order(passages);
        let key = |place: &u32| passages[*place as usize].dispatched.in_order();
        let first = places.first().map_or(0, key);
        let last = places.last().map_or(0, key);
        let stretch_bits = (u64::BITS - (last - first).leading_zeros()).saturating_sub(MAX_STRETCHES.ilog2());
        let mut sent_before = Vec::new();
        for (number, place) in (0..).zip(&places) {
            let stretch = stretch(key(place) - first, stretch_bits);
            sent_before.resize(sent_before.len().max(stretch + 1), number);
        }
        sent_before.push(u32::try_from(places.len()).unwrap_or(u32::MAX));
        Self { places, first, last, stretch_bits, sent_before }
    }

    /// The places of those that were sent in a span of time, in that order.
    pub(in crate::diagnose) fn within(&self, span: Span, passages: &[Passage]) -> &[u32] {
        let from = self.before(span.first, passages);
        &self.places[from..self.up_to(span.last, passages).max(from)]
    }

    /// When the last one before a moment was sent, and the first one after another. Absent where there is none.
    pub(in crate::diagnose) fn around(
        &self,
        before: Timestamp,
        after: Timestamp,
        passages: &[Passage],
    ) -> (Option<Timestamp>, Option<Timestamp>) {
        let sent = |place: &u32| passages[*place as usize].dispatched;
        let earlier = self.places[..self.before(before, passages)].last();
        let later = self.places.get(self.up_to(after, passages));
        (earlier.map(sent), later.map(sent))
    }

    /// When the first one was sent. Absent where there is none.
    pub(in crate::diagnose) fn first(&self, passages: &[Passage]) -> Option<Timestamp> {
        self.places.first().map(|&place| passages[place as usize].dispatched)
    }

    /// How many were sent before a moment.
    fn before(&self, moment: Timestamp, passages: &[Passage]) -> usize {
        self.count(moment, passages, |key, moment| key < moment)
    }

    /// How many were sent up to a moment, at it too.
    fn up_to(&self, moment: Timestamp, passages: &[Passage]) -> usize {
        self.count(moment, passages, |key, moment| key <= moment)
    }

    fn count(&self, moment: Timestamp, passages: &[Passage], is_counted: impl Fn(u64, u64) -> bool) -> usize {
        let moment = moment.in_order();
        if self.places.is_empty() || moment < self.first {
            return 0;
        }
        if moment > self.last {
            return self.places.len();
        }
        let stretch = stretch(moment - self.first, self.stretch_bits);
        let (from, until) = (self.sent_before[stretch] as usize, self.sent_before[stretch + 1] as usize);
        let is_counted = |place: &u32| is_counted(passages[*place as usize].dispatched.in_order(), moment);
        from + self.places[from..until].partition_point(is_counted)
    }
}

/// The stretch that a moment so many microseconds after the first one is in.
#[expect(clippy::cast_possible_truncation, reason = "fewer than MAX_STRETCHES")]
fn stretch(micros: u64, stretch_bits: u32) -> usize {
    (micros >> stretch_bits) as usize
}

/// The places of passages in the order in which they were sent.
///
/// Sorted with the times in hand, as numbers that are compared in one step: looking each of them up would cost more than all the rest.
#[expect(clippy::cast_possible_truncation, reason = "the lower half is the place, or less")]
fn in_order(passages: &[Passage]) -> Vec<u32> {
    let times = || passages.iter().map(|passage| passage.dispatched.in_order());
    let first = times().min().unwrap_or_default();
    let last = times().max().unwrap_or_default();
    let place_bits = u32::BITS - (passages.len().max(1) as u32).leading_zeros();
    if last - first < 1 << (u64::BITS - place_bits) {
        let mut keys: Vec<u64> = times().zip(0..).map(|(time, place)| (time - first) << place_bits | place).collect();
        keys.sort_unstable();
        let mask = (1 << place_bits) - 1;
        return keys.into_iter().map(|key| (key & mask) as u32).collect();
    }
    // Lines that claim to be of the year one.
    let mut keys: Vec<u128> = times().zip(0..).map(|(time, place)| u128::from(time) << u32::BITS | place).collect();
    keys.sort_unstable();
    keys.into_iter().map(|key| key as u32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classify::Outcome;
    use proptest::prelude::*;

    fn passages_at(micros: impl IntoIterator<Item = i64>) -> Vec<Passage> {
        let at = micros.into_iter().map(Timestamp::from_micros);
        let (outcome, target_status) = (Outcome::Ok, None);
        at.map(|at| Passage { dispatched: at, ended: at, outcome, target_status, route: 0, node: 0 }).collect()
    }

    #[test]
    fn passages_are_put_in_the_order_in_which_they_were_sent_however_far_apart() {
        for far in [100_000_000, 2_000_000_000_000] {
            let micros: Vec<i64> = (0..5_000).map(|number| number * 7_919 % 3_000 * far - far).collect();
            let mut expected: Vec<u32> = (0..5_000).collect();
            expected.sort_by_key(|&place| micros[place as usize]);
            assert_eq!(in_order(&passages_at(micros)), expected);
        }
        assert_eq!(in_order(&[]), Vec::<u32>::new());
    }

    /// Moments close together, far apart, and at the ends of what there is.
    fn any_micros() -> impl Strategy<Value = i64> {
        prop_oneof![8 => 0..300_i64, 4 => 0..10_000_000_000_i64, 1 => any::<i64>(), 1 => prop::sample::select(vec![i64::MIN, i64::MAX])]
    }

    proptest! {
        #[test]
        fn what_is_found_by_the_moment_is_what_looking_through_all_finds(
            micros in prop::collection::vec(any_micros(), 0..80),
            one in any_micros(),
            other in any_micros(),
        ) {
            let passages = passages_at(micros.iter().copied());
            let dispatches = Dispatches::new(&passages);
            // Moments of requests too, on which the bounds lie.
            for first in micros.iter().copied().chain([one]) {
                let (first, last) = (first.min(other), first.max(other));
                let span = Span { first: Timestamp::from_micros(first), last: Timestamp::from_micros(last) };
                let mut expected: Vec<u32> = (0..).zip(&micros).filter(|(_, at)| (first..=last).contains(at)).map(|(place, _)| place).collect();
                expected.sort_by_key(|&place| (micros[place as usize], place));
                prop_assert_eq!(dispatches.within(span, &passages), expected);
                let before = micros.iter().copied().filter(|at| *at < first).max().map(Timestamp::from_micros);
                let after = micros.iter().copied().filter(|at| *at > last).min().map(Timestamp::from_micros);
                prop_assert_eq!(dispatches.around(span.first, span.last, &passages), (before, after));
            }
            prop_assert_eq!(dispatches.first(&passages), micros.iter().min().copied().map(Timestamp::from_micros));
        }
    }
}
