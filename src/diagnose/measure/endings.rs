//! Requests of one target that ended at the same instant: the trace of a process that died.
//!
//! A process that dies ends all its requests, however long each had been in flight. Then its port refuses
//! connections, or is silent, until something replaces it. Requests that continued undisturbed at that instant show
//! that not the whole process died.

use std::time::Duration;

use crate::aggregate::timeline::TimedRequest;
use crate::classify::Outcome;
use crate::timestamp::Timestamp;

/// Ends within this are at one instant. The kernel closes a dead process's connections within milliseconds, and the
/// clocks of nodes differ.
const INSTANT: Duration = Duration::from_millis(250);

/// Fewer ends than this are a coincidence, unless the port refused connections right after.
const MIN_ENDINGS: usize = 3;

/// A process that dies ends requests of all ages. Requests sent within this of each other may be one burst that met
/// one fault.
const MIN_AGES: Duration = Duration::from_millis(100);

/// If a process died and its port refused no connection, it was away for at least this long. One of several workers
/// need not be.
const MIN_AWAY: Duration = Duration::from_secs(1);

/// A connection refused within this after the first end belongs to the same death.
const REFUSAL_FOLLOWS: Duration = Duration::from_secs(5);

/// A request that ended later than this after the instant was not affected by it.
const SURVIVED_BY: Duration = Duration::from_millis(20);

/// Requests in flight at the instant that were answered later than this are not looked for.
const SURVIVORS_WITHIN: Duration = Duration::from_mins(2);

/// An instant at which requests of one target ended together, or from which it refused connections. Requests are
/// given by their index among the target's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::diagnose) struct Death {
    /// The first end, or the first refused connection if no request was in flight.
    pub(in crate::diagnose) at: Timestamp,
    /// The last end or refused connection that belongs to it.
    pub(in crate::diagnose) until: Timestamp,
    /// Requests in flight that ended, and later ones that still found an open connection while others were refused.
    pub(in crate::diagnose) ended: Vec<usize>,
    /// How many of `ended` did so at the instant itself. They come first.
    pub(in crate::diagnose) ended_together: usize,
    /// How many requests in flight were answered anyway.
    pub(in crate::diagnose) survived: usize,
    /// Connections refused from then until the target answered again.
    pub(in crate::diagnose) refused: Vec<usize>,
    /// From the first to the last dispatch of the requests that ended at the instant itself.
    pub(in crate::diagnose) dispatched_within: Duration,
    /// From the first to the last end at the instant itself.
    pub(in crate::diagnose) ended_within: Duration,
    /// When the first request after it that the target answered was dispatched. `None` if the target never answered
    /// again.
    pub(in crate::diagnose) answered_again: Option<Timestamp>,
}

impl Death {
    /// The failures that it explains, in the order of their ends.
    pub(in crate::diagnose) fn explained(&self) -> Vec<usize> {
        let mut indices = [self.ended.as_slice(), &self.refused].concat();
        indices.sort_unstable();
        indices
    }

    /// Whether at least 90 % of the requests in flight ended, or none did, and the target was away afterwards: the
    /// whole process ended, not one of its workers.
    pub(in crate::diagnose) fn is_whole(&self) -> bool {
        let was_away =
            !self.refused.is_empty() || self.answered_again.is_none_or(|again| again.since(self.at) >= MIN_AWAY);
        was_away && (self.ended.is_empty() || self.ended.len() * 10 >= (self.ended.len() + self.survived) * 9)
    }
}

/// The deaths of one target, by time. `by_end` are all its requests on all nodes in the order of their ends. `open`
/// are the indices of the failures that may be part of a death, in order.
pub(in crate::diagnose) fn deaths(by_end: &[TimedRequest], open: impl Iterator<Item = usize>) -> Vec<Death> {
    let (mut closed, mut open_refused) = (Vec::new(), Vec::new());
    for index in open {
        match by_end[index].outcome {
            Outcome::ClosedBeforeResponse => closed.push(index),
            Outcome::ConnectFailed => open_refused.push(index),
            _ => {}
        }
    }
    if closed.is_empty() && open_refused.is_empty() {
        return Vec::new();
    }
    let history = History::new(by_end, open_refused);
    let mut deaths: Vec<Death> = Vec::new();
    let mut next = 0;
    while let Some(&first) = closed.get(next) {
        let together = closed[next..]
            .iter()
            .take_while(|&&index| by_end[index].ended.since(by_end[first].ended) <= INSTANT)
            .count();
        match history.death(&closed[next..next + together]) {
            Some(mut death) => {
                next += together;
                // Requests that still found an open connection while others were refused.
                let stragglers = closed[next..].iter().take_while(|&&index| by_end[index].ended <= death.until).count();
                death.ended.extend(&closed[next..next + stragglers]);
                next += stragglers;
                deaths.push(death);
            }
            None => next += 1,
        }
    }
    let refusals = history.refusals(&deaths);
    deaths.extend(refusals);
    deaths.sort_by_key(|death| death.at);
    deaths
}

/// The requests of one target, with lists for what is looked up at each death: a target may fail a million times.
struct History<'a> {
    by_end: &'a [TimedRequest],
    /// Indices of the answered requests.
    answered: Vec<usize>,
    /// Indices of the refused connections, and of those among them that may be part of a death.
    refused: Vec<usize>,
    open_refused: Vec<usize>,
}

impl<'a> History<'a> {
    fn new(by_end: &'a [TimedRequest], open_refused: Vec<usize>) -> Self {
        let indices =
            |wanted: fn(&TimedRequest) -> bool| (0..by_end.len()).filter(move |&index| wanted(&by_end[index]));
        Self {
            by_end,
            answered: indices(|timed_request| !timed_request.outcome.is_failure()).collect(),
            refused: indices(|timed_request| timed_request.outcome == Outcome::ConnectFailed).collect(),
            open_refused,
        }
    }

    /// Deaths with no request in flight: a target that had answered before refused at least [`MIN_ENDINGS`]
    /// connections before it answered again.
    fn refusals(&self, deaths: &[Death]) -> Vec<Death> {
        let Some(&first_answer) = self.answered.first() else { return Vec::new() };
        let mut taken: Vec<usize> = deaths.iter().flat_map(|death| &death.refused).copied().collect();
        taken.sort_unstable();
        let refused: Vec<usize> = self
            .open_refused
            .iter()
            .copied()
            .filter(|&index| self.by_end[index].ended > self.by_end[first_answer].ended)
            .filter(|index| taken.binary_search(index).is_err())
            .collect();
        let mut found = Vec::new();
        let mut rest = refused.as_slice();
        while let Some(&first) = rest.first() {
            let at = self.by_end[first].ended;
            let answered_again = self.answered_after(first, at);
            let is_before = |index: &usize| answered_again.is_none_or(|again| self.by_end[*index].ended < again);
            let count = rest.partition_point(is_before).max(1);
            if count >= MIN_ENDINGS {
                found.push(Death {
                    at,
                    until: self.by_end[rest[count - 1]].ended,
                    ended: Vec::new(),
                    ended_together: 0,
                    survived: self.survivors(first, at, at),
                    refused: rest[..count].to_vec(),
                    dispatched_within: Duration::ZERO,
                    ended_within: Duration::ZERO,
                    answered_again,
                });
            }
            rest = &rest[count..];
        }
        found
    }

    /// When the first answered request dispatched after `at` was dispatched. Only requests with index `from` or
    /// higher are looked at.
    fn answered_after(&self, from: usize, at: Timestamp) -> Option<Timestamp> {
        let later = &self.answered[self.answered.partition_point(|&index| index < from)..];
        // Only requests that were in flight at `at` come before it.
        later.iter().map(|&index| self.by_end[index].dispatched).find(|dispatched| *dispatched > at)
    }

    /// How many requests that were in flight at `begin` were answered after `end`. Only requests with index `from` or
    /// higher are looked at.
    fn survivors(&self, from: usize, begin: Timestamp, end: Timestamp) -> usize {
        let later = self.by_end[from..].iter().take_while(|later| later.ended.since(end) <= SURVIVORS_WITHIN);
        let is_survivor = |later: &&TimedRequest| {
            later.dispatched < begin && later.ended.since(end) > SURVIVED_BY && !later.outcome.is_failure()
        };
        later.filter(is_survivor).count()
    }

    fn death(&self, ended: &[usize]) -> Option<Death> {
        let by_end = self.by_end;
        let (first, last) = (by_end[*ended.first()?], by_end[*ended.last()?]);
        let dispatches = ended.iter().map(|&index| by_end[index].dispatched);
        let dispatched_within = dispatches.clone().max()?.since(dispatches.min()?);
        let ended_within = last.ended.since(first.ended);
        // A burst of requests that were sent together and failed together is no death. Neither are fewer ends than
        // [`MIN_ENDINGS`], unless a connection was refused shortly after.
        let began_apart = dispatched_within >= MIN_AGES.max(ended_within * 3);
        let from = by_end.partition_point(|timed_request| timed_request.ended < first.ended);
        let next_refused = self.refused.get(self.refused.partition_point(|&index| index < from));
        let is_refused_after =
            next_refused.is_some_and(|&index| by_end[index].ended.since(first.ended) <= REFUSAL_FOLLOWS);
        if !(is_refused_after || ended.len() >= MIN_ENDINGS && began_apart) {
            return None;
        }
        let answered_again = self.answered_after(from, last.ended);
        let refused = if is_refused_after {
            let since = &self.open_refused[self.open_refused.partition_point(|&index| index < from)..];
            let is_before = |index: &usize| answered_again.is_none_or(|again| by_end[*index].ended < again);
            since[..since.partition_point(is_before)].to_vec()
        } else {
            Vec::new()
        };
        let survived = self.survivors(from, first.ended, last.ended);
        let refused_last = refused.last().map(|&index| by_end[index].ended);
        Some(Death {
            at: first.ended,
            until: refused_last.unwrap_or(last.ended).max(last.ended),
            ended: ended.to_vec(),
            ended_together: ended.len(),
            survived,
            refused,
            dispatched_within,
            ended_within,
            answered_again,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aggregate::NodeId;

    fn timed_request(dispatched_ms: i64, ended_ms: i64, outcome: Outcome) -> TimedRequest {
        let at = |ms: i64| Timestamp::from_micros(ms * 1000);
        TimedRequest {
            dispatched: at(dispatched_ms),
            ended: at(ended_ms),
            outcome,
            target_status: None,
            route: None,
            node: NodeId::for_test(0),
        }
    }

    fn failures(timed_requests: &[TimedRequest]) -> impl Iterator<Item = usize> {
        (0..timed_requests.len()).filter(|&index| timed_requests[index].outcome.is_failure())
    }

    fn closed(dispatched_ms: i64, ended_ms: i64) -> TimedRequest {
        timed_request(dispatched_ms, ended_ms, Outcome::ClosedBeforeResponse)
    }

    #[test]
    fn requests_that_began_apart_and_ended_together_are_a_death() {
        let timed_requests = [
            timed_request(0, 40, Outcome::Ok),
            closed(100, 5_002),
            closed(3_000, 5_000),
            closed(4_800, 5_004),
            timed_request(5_300, 5_301, Outcome::ConnectFailed),
            timed_request(6_300, 6_301, Outcome::ConnectFailed),
            timed_request(8_000, 8_030, Outcome::Ok),
            timed_request(9_000, 9_001, Outcome::ConnectFailed),
        ];
        let deaths = deaths(&timed_requests, failures(&timed_requests));
        assert_eq!(deaths.len(), 1);
        assert_eq!((deaths[0].ended.len(), deaths[0].refused.len(), deaths[0].survived), (3, 2, 0));
        assert!(deaths[0].is_whole());
        assert_eq!(deaths[0].answered_again, Some(Timestamp::from_micros(8_000_000)));
    }

    #[test]
    fn requests_that_were_answered_anyway_speak_against_a_whole_process() {
        let mut timed_requests = vec![closed(100, 5_002), closed(3_000, 5_000), closed(4_800, 5_004)];
        timed_requests.extend((0..9).map(|number| timed_request(4_000 + number, 5_500, Outcome::Ok)));
        let deaths = deaths(&timed_requests, failures(&timed_requests));
        assert_eq!(deaths[0].survived, 9);
        assert!(!deaths[0].is_whole());
    }

    #[test]
    fn a_target_that_kept_answering_did_not_die_as_a_whole() {
        let timed_requests =
            [closed(100, 5_002), closed(3_000, 5_000), closed(4_800, 5_004), timed_request(5_300, 5_340, Outcome::Ok)];
        assert!(!deaths(&timed_requests, failures(&timed_requests))[0].is_whole());
    }

    #[test]
    fn single_ends_between_answers_are_no_death() {
        let timed_requests = [
            closed(1_000, 1_005),
            timed_request(1_010, 1_030, Outcome::Ok),
            closed(60_000, 60_008),
            timed_request(60_010, 60_020, Outcome::Ok),
        ];
        assert_eq!(deaths(&timed_requests, failures(&timed_requests)), []);
    }

    #[test]
    fn a_burst_that_was_sent_together_is_no_death() {
        // A worker wakes up, say, and closes several idle connections just as requests arrive on them.
        let timed_requests = [
            closed(1_000, 1_004),
            closed(1_003, 1_012),
            closed(1_006, 1_009),
            timed_request(1_020, 1_050, Outcome::Ok),
        ];
        assert_eq!(deaths(&timed_requests, failures(&timed_requests)), []);
    }

    #[test]
    fn one_end_with_refused_connections_right_after_is_a_death() {
        let timed_requests = [
            closed(1_000, 2_000),
            timed_request(2_100, 2_101, Outcome::ConnectFailed),
            timed_request(9_000, 9_040, Outcome::Ok),
        ];
        let deaths = deaths(&timed_requests, failures(&timed_requests));
        assert_eq!(deaths.iter().map(|death| death.explained().len()).collect::<Vec<_>>(), [2]);
    }
}
