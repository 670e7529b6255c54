//! Connections that were not made within 10 s: packets vanish on the way, or the host is gone. Where the target answers others meanwhile, and slowly, it has no room for more, and this is not it.

use std::time::Duration;

use rayon::prelude::*;

use super::super::Confidence;
use super::super::case::{Case, Verdict};
use super::super::evidence::{Evidence, plural, plural_are};
use super::measure::course::episodes;
use super::measure::load::slowdown;
use crate::aggregate::Span;
use crate::aggregate::timeline::Passage;
use crate::classify::Outcome;
use crate::timestamp::Timestamp;

/// Connect timeouts further apart than this are of different episodes.
const EPISODE_GAP: Duration = Duration::from_mins(1);

/// Fewer of them are no episode.
const MIN_TIMEOUTS: usize = 3;

/// One answer to so many connect timeouts may have begun on a clock that differs a little.
const ANSWERS_PER_TIMEOUT: usize = 50;

/// Answers this many times slower than usual are those of a target that has more than it can serve.
const SLOW: f64 = 4.0;

/// Connect timeouts without an answer that leave no doubt.
const MIN_FOR_HIGH: usize = 10;

pub(super) fn detect(case: &Case<'_>) -> Vec<Verdict> {
    case.side_by_side().filter_map(|member| blocked(case, member)).collect()
}

#[derive(Default)]
struct Found {
    explains: Vec<usize>,
    timeouts: usize,
    silent: usize,
    /// Answered meanwhile over the nodes whose connections timed out, and over others.
    answered: usize,
    answered_elsewhere: usize,
    nodes: Vec<u16>,
}

fn blocked(case: &Case<'_>, number: usize) -> Option<Verdict> {
    let member = &case.members[number];
    let mut timed_out: Vec<(usize, &Passage)> =
        case.unexplained(number).filter(|(_, passage)| passage.outcome == Outcome::ConnectTimeout).collect();
    timed_out.sort_by_key(|(_, passage)| passage.dispatched);
    let mut waiting: Vec<(usize, &Passage)> =
        case.unexplained(number).filter(|(_, passage)| passage.outcome == Outcome::IdleTimeout).collect();
    waiting.sort_by_key(|(_, passage)| passage.dispatched);
    let dispatches: Vec<Timestamp> = timed_out.iter().map(|(_, passage)| passage.dispatched).collect();
    let mut found = Found::default();
    for episode in episodes(&dispatches, EPISODE_GAP).into_iter().filter(|episode| episode.len() >= MIN_TIMEOUTS) {
        let timeouts = &timed_out[episode];
        let span = Span { first: timeouts.first()?.1.dispatched, last: timeouts.last()?.1.dispatched };
        let mut nodes: Vec<u16> = timeouts.iter().map(|(_, passage)| passage.node).collect();
        nodes.sort_unstable();
        nodes.dedup();
        let answered = || member.sent_in(span).filter(|passage| !passage.outcome.is_failure());
        let by_these = answered().filter(|passage| nodes.contains(&passage.node)).count();
        let by_others = answered().count() - by_these;
        if by_these * ANSWERS_PER_TIMEOUT > timeouts.len() {
            let factor = slowdown(case, std::iter::once(member), span, |_| true);
            // Connections that stand already may outlive a security group's change; their answers come as quickly as ever.
            if factor.is_none_or(|factor| factor >= SLOW) {
                continue;
            }
        }
        // The silence may have begun before a new connection was wanted: with the last request that was answered.
        let before = &member.passages[..member.passages.partition_point(|passage| passage.ended < span.first)];
        let answered_last = before.iter().rev().find(|p| !p.outcome.is_failure() && nodes.contains(&p.node));
        let silent_since = answered_last.map_or(span.first, |passage| passage.dispatched);
        let later = &waiting[waiting.partition_point(|(_, passage)| passage.dispatched <= silent_since)..];
        let meanwhile = &later[..later.partition_point(|(_, passage)| passage.dispatched <= span.last)];
        let silent = meanwhile.iter().filter(|(_, passage)| nodes.contains(&passage.node));
        let silent: Vec<usize> = silent.map(|(place, _)| *place).collect();
        // A path that is blocked lets no connection through, and only those that stood before are silent. More of them were made by a host that answers,
        // for a process that does not.
        if silent.len() > timeouts.len() {
            continue;
        }
        found.timeouts += timeouts.len();
        found.silent += silent.len();
        found.answered += by_these;
        found.answered_elsewhere += by_others;
        found.explains.extend(timeouts.iter().map(|(place, _)| *place));
        found.explains.extend(silent);
        found.nodes.extend(nodes);
    }
    found.explains.sort_unstable();
    found.explains.dedup();
    (found.timeouts > 0).then(|| found.verdict(case, number))
}

impl Found {
    fn verdict(mut self, case: &Case<'_>, number: usize) -> Verdict {
        let member = &case.members[number];
        let is_sure = self.timeouts >= MIN_FOR_HIGH && self.answered * ANSWERS_PER_TIMEOUT <= self.timeouts;
        let confidence = if is_sure { Confidence::High } else { Confidence::Medium };
        let mut evidence = vec![Evidence::speaks_for(
            format!("{} not made within 10 s", plural_are(self.timeouts, "connection")),
            [("connect_timeouts", self.timeouts as f64)],
        )];
        self.nodes.sort_unstable();
        self.nodes.dedup();
        evidence.push(match self.answered {
            0 => Evidence::speaks_for("meanwhile the target answered nothing that way", [("answered_meanwhile", 0.0)]),
            answered => Evidence::weighed(
                is_sure,
                format!("meanwhile {} answered, as quickly as ever", plural_are(answered, "request")),
                [("answered_meanwhile", answered as f64)],
            ),
        });
        if self.answered_elsewhere > 0 {
            evidence.push(Evidence::speaks_for(
                format!(
                    "only {} could not connect; by other nodes it answered {}",
                    plural(self.nodes.len(), "node"),
                    plural(self.answered_elsewhere, "request")
                ),
                [("nodes", self.nodes.len() as f64), ("answered_by_other_nodes", self.answered_elsewhere as f64)],
            ));
        }
        if self.silent > 0 {
            evidence.push(Evidence::speaks_for(
                format!("{} on connections that stood already met the idle timeout", plural(self.silent, "request")),
                [("silent", self.silent as f64)],
            ));
        }
        let outside = member.target.latency.count();
        evidence.push(match outside {
            0 => Evidence::speaks_for("the target never answered a request", [("answered", 0.0)]),
            outside => Evidence::speaks_for(
                format!("in all, it answered {}", plural(usize::try_from(outside).unwrap_or(usize::MAX), "request")),
                [("answered", outside as f64)],
            ),
        });
        Verdict {
            also_fits: &["target-tls-handshake"],
            evidence,
            ..Verdict::on_member("connect-timeout", confidence, number, self.explains)
        }
    }
}
