//! A target's requests in the order of dispatch, found by time.
//!
//! A failure at one target is compared with all other targets of its group, and there may be thousands. For most of
//! them only the number of requests in a span matters, or that there were none, so this must not need a scan of their
//! requests.

use crate::aggregate::Span;
use crate::aggregate::timeline::TimedRequest;
use crate::timestamp::Timestamp;

/// The time from the first to the last dispatch is cut into at most this many stretches. A lookup searches only one.
const MAX_STRETCHES: u64 = 64;

/// Indices of requests in the order of dispatch.
pub(in crate::diagnose) struct Dispatches {
    indices: Vec<u32>,
    /// The first and the last dispatch time, as [`Timestamp::in_order`] gives them.
    first: u64,
    last: u64,
    /// A stretch is 2^`stretch_bits` microseconds long.
    stretch_bits: u32,
    /// How many requests were dispatched before each stretch; the last entry is the number of all.
    sent_before: Vec<u32>,
}

impl Dispatches {
    pub(in crate::diagnose) fn new(timed_requests: &[TimedRequest]) -> Self {
        let indices = in_order(timed_requests);
        let key = |index: &u32| timed_requests[*index as usize].dispatched.in_order();
        let first = indices.first().map_or(0, key);
        let last = indices.last().map_or(0, key);
        let stretch_bits = (u64::BITS - (last - first).leading_zeros()).saturating_sub(MAX_STRETCHES.ilog2());
        let mut sent_before = Vec::new();
        for (number, index) in (0..).zip(&indices) {
            let stretch = stretch(key(index) - first, stretch_bits);
            sent_before.resize(sent_before.len().max(stretch + 1), number);
        }
        sent_before.push(u32::try_from(indices.len()).unwrap_or(u32::MAX));
        Self { indices, first, last, stretch_bits, sent_before }
    }

    /// The indices of the requests dispatched in `span`, both ends included, in the order of dispatch.
    pub(in crate::diagnose) fn within(&self, span: Span, timed_requests: &[TimedRequest]) -> &[u32] {
        let from = self.before(span.first, timed_requests);
        &self.indices[from..self.up_to(span.last, timed_requests).max(from)]
    }

    /// When the last request before `before` and the first one after `after` were dispatched; `None` if there is
    /// none.
    pub(in crate::diagnose) fn around(
        &self,
        before: Timestamp,
        after: Timestamp,
        timed_requests: &[TimedRequest],
    ) -> (Option<Timestamp>, Option<Timestamp>) {
        let sent = |index: &u32| timed_requests[*index as usize].dispatched;
        let earlier = self.indices[..self.before(before, timed_requests)].last();
        let later = self.indices.get(self.up_to(after, timed_requests));
        (earlier.map(sent), later.map(sent))
    }

    /// When the first request was dispatched. `None` if there is none.
    pub(in crate::diagnose) fn first(&self, timed_requests: &[TimedRequest]) -> Option<Timestamp> {
        self.indices.first().map(|&index| timed_requests[index as usize].dispatched)
    }

    /// How many requests were dispatched before `moment`.
    fn before(&self, moment: Timestamp, timed_requests: &[TimedRequest]) -> usize {
        self.count(moment, timed_requests, |key, moment| key < moment)
    }

    /// How many requests were dispatched at `moment` or before.
    fn up_to(&self, moment: Timestamp, timed_requests: &[TimedRequest]) -> usize {
        self.count(moment, timed_requests, |key, moment| key <= moment)
    }

    fn count(
        &self,
        moment: Timestamp,
        timed_requests: &[TimedRequest],
        is_counted: impl Fn(u64, u64) -> bool,
    ) -> usize {
        let moment = moment.in_order();
        if self.indices.is_empty() || moment < self.first {
            return 0;
        }
        if moment > self.last {
            return self.indices.len();
        }
        let stretch = stretch(moment - self.first, self.stretch_bits);
        let (from, until) = (self.sent_before[stretch] as usize, self.sent_before[stretch + 1] as usize);
        let is_counted = |index: &u32| is_counted(timed_requests[*index as usize].dispatched.in_order(), moment);
        from + self.indices[from..until].partition_point(is_counted)
    }
}

/// The index of the stretch that holds the time `micros` after the first dispatch.
#[expect(clippy::cast_possible_truncation, reason = "fewer than MAX_STRETCHES")]
fn stretch(micros: u64, stretch_bits: u32) -> usize {
    (micros >> stretch_bits) as usize
}

/// The indices of `timed_requests` in the order of dispatch.
///
/// Time and index are packed into one number, which compares in one step. Looking up each time while sorting would
/// cost more than all the rest.
#[expect(clippy::cast_possible_truncation, reason = "the lower half is the index, or less")]
fn in_order(timed_requests: &[TimedRequest]) -> Vec<u32> {
    let times = || timed_requests.iter().map(|timed_request| timed_request.dispatched.in_order());
    let first = times().min().unwrap_or_default();
    let last = times().max().unwrap_or_default();
    let index_bits = u32::BITS - (timed_requests.len().max(1) as u32).leading_zeros();
    if last - first < 1 << (u64::BITS - index_bits) {
        let mut keys: Vec<u64> = times().zip(0..).map(|(time, index)| (time - first) << index_bits | index).collect();
        keys.sort_unstable();
        let mask = (1 << index_bits) - 1;
        return keys.into_iter().map(|key| (key & mask) as u32).collect();
    }
    // Time and index do not fit 64 bits together: a line claims the year 1, or a very busy target was logged for
    // months.
    let mut keys: Vec<u128> = times().zip(0..).map(|(time, index)| u128::from(time) << u32::BITS | index).collect();
    keys.sort_unstable();
    keys.into_iter().map(|key| key as u32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aggregate::NodeId;
    use crate::classify::Outcome;
    use proptest::prelude::*;

    fn requests_at(micros: impl IntoIterator<Item = i64>) -> Vec<TimedRequest> {
        let at = micros.into_iter().map(Timestamp::from_micros);
        let (outcome, target_status) = (Outcome::Ok, None);
        at.map(|at| TimedRequest {
            dispatched: at,
            ended: at,
            outcome,
            target_status,
            route: None,
            node: NodeId::for_test(0),
        })
        .collect()
    }

    #[test]
    fn requests_are_sorted_by_dispatch_however_far_apart() {
        for far in [100_000_000, 2_000_000_000_000] {
            let micros: Vec<i64> = (0..5_000).map(|number| number * 7_919 % 3_000 * far - far).collect();
            let mut expected: Vec<u32> = (0..5_000).collect();
            expected.sort_by_key(|&index| micros[index as usize]);
            assert_eq!(in_order(&requests_at(micros)), expected);
        }
        assert_eq!(in_order(&[]), Vec::<u32>::new());
    }

    /// Times close together, far apart, and at the ends of the range.
    fn any_micros() -> impl Strategy<Value = i64> {
        prop_oneof![8 => 0..300_i64, 4 => 0..10_000_000_000_i64, 1 => any::<i64>(), 1 => prop::sample::select(vec![i64::MIN, i64::MAX])]
    }

    proptest! {
        #[test]
        fn a_lookup_by_time_finds_the_same_as_a_scan(
            micros in prop::collection::vec(any_micros(), 0..80),
            one in any_micros(),
            other in any_micros(),
        ) {
            let timed_requests = requests_at(micros.iter().copied());
            let dispatches = Dispatches::new(&timed_requests);
            // Spans that begin or end at a request, too.
            for first in micros.iter().copied().chain([one]) {
                let (first, last) = (first.min(other), first.max(other));
                let span = Span { first: Timestamp::from_micros(first), last: Timestamp::from_micros(last) };
                let mut expected: Vec<u32> = (0..).zip(&micros).filter(|(_, at)| (first..=last).contains(at)).map(|(index, _)| index).collect();
                expected.sort_by_key(|&index| (micros[index as usize], index));
                prop_assert_eq!(dispatches.within(span, &timed_requests), expected);
                let before = micros.iter().copied().filter(|at| *at < first).max().map(Timestamp::from_micros);
                let after = micros.iter().copied().filter(|at| *at > last).min().map(Timestamp::from_micros);
                prop_assert_eq!(dispatches.around(span.first, span.last, &timed_requests), (before, after));
            }
            prop_assert_eq!(dispatches.first(&timed_requests), micros.iter().min().copied().map(Timestamp::from_micros));
        }
    }
}
