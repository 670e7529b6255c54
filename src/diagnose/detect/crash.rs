//! Processes that died with requests in flight, or were removed while they had some. All of their requests end at one
//! instant. If only some of the target's requests ended, it was one of several workers.

use std::time::Duration;

use rayon::prelude::*;

use super::not_ready;
use crate::aggregate::Span;
use crate::aggregate::timeline::TimedRequest;
use crate::classify::Outcome;
use crate::diagnose::confidence::{Confidence, MIN_FAILURES, MIN_FAILURES_FOR_HIGH};
use crate::diagnose::evidence::{Evidence, plural, plural_are, seconds, seconds_of};
use crate::diagnose::group_view::GroupView;
use crate::diagnose::measure::endings::{Death, deaths};
use crate::diagnose::measure::walls::{MIN_TIME, THICKNESS};
use crate::diagnose::target_view::TargetView;
use crate::diagnose::verdict::Verdict;
use crate::knowledge::causes;
use crate::timestamp::Timestamp;

/// Whole processes: nearly all requests in flight ended, and then the target was away.
pub(super) fn whole_processes(group: &GroupView<'_>) -> Vec<Verdict> {
    verdicts(group, Death::is_whole)
}

/// Workers: one died, and others of the same target went on.
pub(super) fn workers(group: &GroupView<'_>) -> Vec<Verdict> {
    verdicts(group, |_| true)
}

fn verdicts(group: &GroupView<'_>, wanted: impl Fn(&Death) -> bool + Sync) -> Vec<Verdict> {
    let deaths_of = |target_index: usize| {
        let target = &group.targets[target_index];
        let mut found: Vec<Death> =
            deaths(&target.timed_requests, group.unexplained(target_index).map(|(index, _)| index));
        let closed_alone = closed_alone(group, target_index, &found);
        found.retain(|death| wanted(death) && !is_of_a_timeout(&target.timed_requests, death, &closed_alone));
        found
    };
    let found: Vec<Vec<Death>> = group.side_by_side().map(deaths_of).collect();
    let replaced = found.iter().filter_map(|deaths| deaths.last()).filter(|last| is_replaced_beforehand(group, last));
    let replaced = replaced.count();
    let restarted = found.iter().filter(|deaths| Away::new(deaths) == Away::NothingCut).count();
    let is_gone = |deaths: &Vec<Death>| deaths.last().is_some_and(|it| it.is_whole() && it.answered_again.is_none());
    let gone: Vec<(usize, Timestamp)> = (0..)
        .zip(&found)
        .filter(|(_, deaths)| is_gone(deaths))
        .filter_map(|(target_index, deaths)| Some((target_index, deaths.last()?.at)))
        .collect();
    let in_turn = is_in_turn(group, &found);
    let of_group = GroupEndings { replaced, restarted, in_turn, rolled: Rolled::new(group, &gone), gone };
    (0..).zip(&found).filter_map(|(target_index, deaths)| verdict(group, target_index, deaths, &of_group)).collect()
}

/// Requests of a target that were closed after a second or more, and not in a death: how long each took, sorted.
fn closed_alone(group: &GroupView<'_>, target_index: usize, deaths: &[Death]) -> Vec<Duration> {
    let mut in_death: Vec<usize> = deaths.iter().flat_map(|death| &death.ended).copied().collect();
    in_death.sort_unstable();
    let closed = group.unexplained(target_index).filter(|(index, request)| {
        request.outcome == Outcome::ClosedBeforeResponse && in_death.binary_search(index).is_err()
    });
    let mut took: Vec<Duration> = closed.map(|(_, request)| request.took()).filter(|took| *took >= MIN_TIME).collect();
    took.sort_unstable();
    took
}

/// Whether requests were ended because each had run too long: a supervisor that looks once a second ends several at one
/// moment. They have run for nearly the same time, and others that ran as long were ended at moments of their own. A
/// death ends requests of all ages.
fn is_of_a_timeout(requests: &[TimedRequest], death: &Death, closed_alone: &[Duration]) -> bool {
    let ages = death.ended.iter().map(|index| requests[*index].took());
    let (Some(youngest), Some(oldest)) = (ages.clone().min(), ages.max()) else { return false };
    if youngest < MIN_TIME || oldest.saturating_sub(youngest) > THICKNESS || !death.refused.is_empty() {
        return false;
    }
    let range = oldest.saturating_sub(THICKNESS)..=youngest + THICKNESS;
    let first = closed_alone.partition_point(|took| took < range.start());
    let end = closed_alone.partition_point(|took| took <= range.end());
    end - first >= death.ended.len() * 2
}

/// What happened to all targets of a group.
struct GroupEndings {
    /// How many targets were replaced before they ended.
    replaced: usize,
    /// How many were restarted in place.
    restarted: usize,
    /// Whether all were away, one after the other, and hardly any request was cut.
    in_turn: bool,
    /// Whether the targets that were there at first gave way to others.
    rolled: Option<Rolled>,
    /// The targets that ended for good, by their index, and when they did.
    gone: Vec<(usize, Timestamp)>,
}

/// Targets that were there when the log begins ended for good, and others started: a deployment whose first new
/// targets had started before the log begins, so that fewer seem to have started than have ended.
#[derive(Clone, Copy)]
struct Rolled {
    ended: usize,
    started: usize,
    /// Whether the log goes on long enough to show that none started after the last one ended.
    is_shown: bool,
}

impl Rolled {
    fn new(group: &GroupView<'_>, gone: &[(usize, Timestamp)]) -> Option<Self> {
        /// If the log shows more than this before the first target ended, it shows which had started.
        const SHOWN_BEFORE: Duration = Duration::from_mins(10);
        /// Two may have been lost one after the other, and the first one's replacement may have started meanwhile.
        const MIN_ENDED: usize = 3;
        /// If none starts within this time after the last one ended, none will.
        const NO_MORE_START: Duration = Duration::from_mins(3);
        let first = gone.iter().map(|(_, at)| *at).min()?;
        let last = gone.iter().map(|(_, at)| *at).max()?;
        let starts_within = |index: usize| not_ready::begins(group, &group.targets[index]);
        let is_of_old = gone.iter().all(|(index, _)| starts_within(*index).is_none());
        let starts = || (0..group.targets.len()).filter_map(starts_within);
        let started = starts().filter(|begun| *begun < last).count();
        // The replacement of a target that was lost starts after the loss.
        let is_last = !starts().any(|begun| begun >= last);
        let is_hidden = first.since(group.shared.log_span.first) < SHOWN_BEFORE;
        let is_shown = group.shared.log_span.last.since(last) >= NO_MORE_START;
        (gone.len() >= MIN_ENDED && is_of_old && is_hidden && is_last && started > 0).then_some(Self {
            ended: gone.len(),
            started,
            is_shown,
        })
    }

    fn evidence(self) -> Evidence {
        Evidence::speaks_for(
            format!(
                "{} that were there when the log begins ended for good, and {} started, of which none ended so: they were \
                    replaced",
                plural(self.ended, "target"),
                plural(self.started, "other")
            ),
            [("targets_ended", self.ended as f64), ("targets_started", self.started as f64)],
        )
        .of_group()
    }
}

fn verdict(group: &GroupView<'_>, target_index: usize, deaths: &[Death], of_group: &GroupEndings) -> Option<Verdict> {
    let &GroupEndings { replaced, restarted, in_turn, .. } = of_group;
    let last = deaths.last()?;
    let mut explained: Vec<usize> = deaths.iter().flat_map(Death::explained).collect();
    explained.sort_unstable();
    explained.dedup();
    let failures = explained.len() as u64;
    if failures < MIN_FAILURES {
        return None;
    }
    let ended: usize = deaths.iter().map(|death| death.ended.len()).sum();
    let refused: usize = deaths.iter().map(|death| death.refused.len()).sum();
    let survived: usize = deaths.iter().map(|death| death.survived).sum();
    let is_whole = deaths.iter().all(Death::is_whole);
    let is_replaced = is_replaced_beforehand(group, last);
    // On a TLS port, handshakes may fail while open connections are unharmed.
    let may_be_tls = ended == 0 && !is_replaced && is_tls_port(group, target_index);
    let is_restart = match Away::new(deaths) {
        // One target after the other: that is done on purpose.
        Away::NothingCut => restarted >= 2 || in_turn || survived >= MIN_FINISHED,
        // A request that had just arrived when the process ended.
        Away::HardlyAnythingCut => restarted >= 2 || in_turn,
        Away::Other => false,
    };
    let rolled = of_group.rolled.filter(|_| is_whole && !is_replaced && last.answered_again.is_none());
    let removal = Removal::new(group, last, &of_group.gone).filter(|_| is_whole && !is_replaced && rolled.is_none());
    let (likeliest, also_fits) = match (is_replaced, is_whole) {
        _ if may_be_tls => (&causes::TARGET_TLS_HANDSHAKE, vec![&causes::TARGET_CRASH, &causes::CONNECTION_REFUSED]),
        _ if is_restart => (&causes::RESTART_IN_PLACE, vec![&causes::TARGET_CRASH]),
        _ if removal.is_some() => {
            (&causes::TARGETS_REMOVED, vec![&causes::TARGET_CRASH, &causes::DEPLOY_WITHOUT_DRAINING])
        }
        (true, _) => (&causes::DEPLOY_WITHOUT_DRAINING, vec![&causes::TARGET_CRASH]),
        _ if rolled.is_some() => {
            (&causes::DEPLOY_WITHOUT_DRAINING, vec![&causes::TARGET_CRASH, &causes::TARGETS_REMOVED])
        }
        (false, true) if ended == 0 => {
            (&causes::TARGET_CRASH, vec![&causes::RESTART_IN_PLACE, &causes::DEPLOY_WITHOUT_DRAINING])
        }
        (false, true) => (&causes::TARGET_CRASH, vec![&causes::DEPLOY_WITHOUT_DRAINING]),
        (false, false) => (&causes::TARGET_CRASH, vec![&causes::TARGET_REQUEST_TIMEOUT, &causes::MALFORMED_RESPONSE]),
    };
    // A target that comes back was restarted in place. One that does not may also have been replaced by a deployment
    // that stops the old target first.
    let is_back = last.answered_again.is_some();
    let confidence = match (is_whole, is_back) {
        // Several targets ended, and for each a replacement was there before: that is done on purpose.
        (true, false) if is_replaced && replaced >= 2 && failures >= MIN_FAILURES_FOR_HIGH => Confidence::High,
        (true, false) if is_replaced || rolled.is_some_and(|rolled| rolled.is_shown) => Confidence::Medium,
        (true, false) if rolled.is_some() => Confidence::Low,
        _ if is_restart && restarted >= 2 => Confidence::Medium,
        // A request that kills whatever it is sent to ends one target after the other, too.
        _ if is_restart && ended > 0 => Confidence::Low,
        // A process that crashes may stay away, too. Several that end at nearly one time were ended by somebody.
        _ if removal.as_ref().is_some_and(|removal| removal.targets < 2) => Confidence::Low,
        // No request was in flight: all that shows is that the target was away.
        _ if ended == 0 => Confidence::Low,
        (true, true) if failures >= MIN_FAILURES_FOR_HIGH && ended >= 3 => Confidence::High,
        (true, _) => Confidence::Medium,
        // Several deaths of this kind are no coincidence.
        (false, _) if deaths.len() >= 2 && ended >= 6 => Confidence::Medium,
        (false, _) => Confidence::Low,
    };
    let mut evidence = evidence(deaths, [ended, refused, survived], is_whole, is_replaced.then_some(replaced));
    if is_restart && restarted >= 2 {
        evidence.push(Evidence::speaks_for(
            format!("{restarted} targets of the group were away with no request cut, and came back"),
            [("targets_restarted", restarted as f64)],
        ));
    }
    if is_restart && in_turn {
        let targets = group.targets.len();
        evidence.push(Evidence::speaks_for(
            format!("all {targets} targets of the group were away, never two at a time"),
            [("targets_in_turn", targets as f64)],
        ));
    }
    evidence.extend(rolled.map(Rolled::evidence));
    evidence.extend(removal.iter().flat_map(Removal::evidence));
    Some(Verdict { also_fits, evidence, ..Verdict::on_target(likeliest, confidence, target_index, explained) })
}

/// Of a process that was told to end, at least this many requests in flight are answered first. Fewer may be chance.
const MIN_FINISHED: usize = 3;

/// How a target was away for a while, and came back.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Away {
    NothingCut,
    /// At most one request each time, of many that failed.
    HardlyAnythingCut,
    /// It cut requests, or did not come back, or was not away.
    Other,
}

impl Away {
    fn new(deaths: &[Death]) -> Self {
        let is_back = |death: &Death| death.answered_again.is_some();
        let hardly_anything = |death: &Death| death.ended.len() <= 1 && death.refused.len() >= 10;
        match deaths {
            [] => Self::Other,
            _ if !deaths.iter().all(is_back) => Self::Other,
            _ if deaths.iter().all(|death| death.ended.is_empty()) => Self::NothingCut,
            _ if deaths.iter().all(hardly_anything) => Self::HardlyAnythingCut,
            _ => Self::Other,
        }
    }
}

/// Whether all targets of a group were away in turn, and hardly any request was cut: never two at a time, and each soon
/// after the one before. That may have happened several times.
fn is_in_turn(group: &GroupView<'_>, found: &[Vec<Death>]) -> bool {
    /// A restart of the next target begins within this time.
    const NEXT_WITHIN: Duration = Duration::from_mins(10);
    let mut away: Vec<(Timestamp, Timestamp, usize)> = Vec::new();
    for (target_index, deaths) in found.iter().enumerate() {
        if Away::new(deaths) == Away::Other {
            return false;
        }
        away.extend(deaths.iter().filter_map(|death| Some((death.at, death.answered_again?, target_index))));
    }
    away.sort_unstable();
    let is_of_all = |round: &[(Timestamp, Timestamp, usize)]| {
        let mut targets: Vec<usize> = round.iter().map(|(.., target_index)| *target_index).collect();
        targets.sort_unstable();
        targets.dedup();
        targets.len() == group.targets.len()
    };
    group.targets.len() >= 2
        && away.windows(2).all(|pair| pair[0].1 <= pair[1].0)
        && away.chunk_by(|one, next| next.0.since(one.1) <= NEXT_WITHIN).all(is_of_all)
}

/// A target that ended for good, and whose place no other took.
struct Removal {
    /// How many targets of the group ended for good at nearly this time, this one included.
    targets: usize,
    /// How long no target started after it.
    without_successor: Duration,
    /// How many other targets answered requests that were sent after it.
    going_on: usize,
}

impl Removal {
    /// `None` if a target took its place, if no other target went on, or if the log ends too early to show that.
    fn new(group: &GroupView<'_>, death: &Death, gone: &[(usize, Timestamp)]) -> Option<Self> {
        /// A target that starts later than this is no replacement.
        const SUCCESSOR_WITHIN: Duration = Duration::from_mins(10);
        /// The log must go on for this long, because a process that crashed may be back by then. If several targets
        /// ended together, a shorter time is enough.
        const LOG_GOES_ON: Duration = Duration::from_mins(5);
        const LOG_GOES_ON_IF_SEVERAL: Duration = Duration::from_secs(45);
        const TOGETHER: Duration = Duration::from_mins(2);
        let near = |(_, at): &&(usize, Timestamp)| at.since(death.at) <= TOGETHER && death.at.since(*at) <= TOGETHER;
        let targets = gone.iter().filter(near).count();
        let goes_on = if targets >= 2 { LOG_GOES_ON_IF_SEVERAL } else { LOG_GOES_ON };
        let left = group.shared.log_span.last.since(death.until);
        if death.answered_again.is_some() || left < goes_on {
            return None;
        }
        let follows = |begun: Timestamp| begun >= death.at && begun.since(death.at) <= SUCCESSOR_WITHIN;
        let has_successor = group.targets.iter().filter_map(|target| not_ready::begins(group, target)).any(follows);
        let goes_on = |target: &&TargetView<'_>| {
            target.since(death.until).iter().any(|later| later.dispatched > death.until && !later.outcome.is_failure())
        };
        let going_on = group.targets.iter().filter(goes_on).count();
        let without_successor = left.min(SUCCESSOR_WITHIN);
        (!has_successor && going_on > 0).then_some(Self { targets, without_successor, going_on })
    }

    fn evidence(&self) -> Vec<Evidence> {
        let mut evidence = vec![Evidence::speaks_for(
            format!(
                "no target of the group started in the {} s after it, and {} went on answering",
                seconds(self.without_successor),
                plural(self.going_on, "other")
            ),
            [("without_successor", seconds_of(self.without_successor))],
        )];
        if self.targets >= 2 {
            evidence.push(Evidence::speaks_for(
                format!(
                    "{} targets of the group, this one included, ended within 2 minutes of it and never answered again",
                    self.targets
                ),
                [("targets_gone", self.targets as f64)],
            ));
        }
        evidence
    }
}

/// Whether TLS is common on the target's port: 443, or four digits that end in it.
fn is_tls_port(group: &GroupView<'_>, target_index: usize) -> bool {
    let address = group.shared.summary.targets.entry(group.targets[target_index].id).1;
    let port = address.rsplit(|&byte| byte == b':').next().unwrap_or_default();
    port == b"443" || port.len() == 4 && port.ends_with(b"443")
}

fn evidence(
    deaths: &[Death],
    [ended, refused, survived]: [usize; 3],
    is_whole: bool,
    replaced: Option<usize>,
) -> Vec<Evidence> {
    let with_ends = deaths.iter().filter(|death| death.ended_together > 0);
    let instants = with_ends.clone().count();
    let together: usize = with_ends.clone().map(|death| death.ended_together).sum();
    let mut evidence = Vec::new();
    if together > 0 {
        evidence.push(Evidence::speaks_for(
            match instants {
                _ if together == 1 => "1 request in flight was cut".to_owned(),
                1 => format!("{} in flight ended together, at one moment", plural(together, "request")),
                _ if with_ends.clone().all(|death| death.ended_together > 1) => {
                    format!("{} in flight ended together, at {instants} different moments", plural(together, "request"))
                }
                _ => format!("{} in flight were cut, at {instants} different moments", plural(together, "request")),
            },
            [("ended_together", together as f64), ("instants", instants as f64)],
        ));
    }
    if let (Some(death), 1) = (with_ends.clone().next(), instants)
        && together > 1
    {
        evidence.push(Evidence::speaks_for(
            format!(
                "they were sent over a period of {} s and ended within {} s",
                seconds(death.dispatched_within),
                seconds(death.ended_within)
            ),
            [
                ("dispatched_within", seconds_of(death.dispatched_within)),
                ("ended_within", seconds_of(death.ended_within)),
            ],
        ));
    }
    if refused > 0 {
        // A target that was away several times may have refused connections before it first cut a request.
        let is_after = deaths.first().is_some_and(|death| death.ended_together > 0);
        let then = if is_after { "then " } else { "" };
        evidence.push(Evidence::speaks_for(
            format!("{then}{} refused", plural_are(refused, "connection")),
            [("refused", refused as f64)],
        ));
    }
    let stragglers = ended - together;
    if stragglers > 0 {
        evidence.push(Evidence::speaks_for(
            format!("{} closed while connections were still refused", plural_are(stragglers, "other request")),
            [("closed_later", stragglers as f64)],
        ));
    }
    if ended > 0 && survived == 0 {
        evidence.push(Evidence::speaks_for("no request in flight was answered", [("survived", 0.0)]));
    } else if survived > 0 && is_whole {
        evidence.push(Evidence::speaks_for(
            match ended {
                0 => format!("{} in flight then and answered", plural_are(survived, "request")),
                _ => format!("{} in flight then but answered anyway", plural_are(survived, "request")),
            },
            [("survived", survived as f64)],
        ));
    } else if survived > 0 {
        // The share of requests that ended shows how many workers there are, if one of them died.
        let workers = (together + survived) as f64 / together.max(1) as f64;
        let perhaps = if workers >= 1.5 {
            format!(": perhaps one of about {workers:.0} workers died, not the whole process")
        } else {
            String::new()
        };
        evidence.push(Evidence::speaks_for(
            format!("{} in flight then but answered anyway{perhaps}", plural_are(survived, "request")),
            [("survived", survived as f64), ("workers", workers)],
        ));
    }
    if let Some(last) = deaths.last() {
        evidence.push(match last.answered_again {
            Some(again) => {
                let away = again.since(last.at).saturating_sub(last.ended_within);
                Evidence::speaks_for(
                    format!("the first request that the target answered again was sent {} s later", seconds(away)),
                    [("away", seconds_of(away))],
                )
            }
            None if last.survived > 0 => Evidence::speaks_for("no request sent to the target later was answered", []),
            None => Evidence::speaks_for("the target never answered again", []),
        });
    }
    if let Some(replaced) = replaced {
        evidence.push(Evidence::speaks_for(
            "in the 10 minutes before, at least as many targets of the group had started as had ended: it was \
                replaced on purpose",
            [],
        ));
        if replaced > 1 {
            evidence.push(Evidence::speaks_for(
                format!("{replaced} targets of the group were replaced like this"),
                [("targets_replaced", replaced as f64)],
            ));
        }
    } else if ended == 0 && survived == 0 {
        evidence.push(Evidence::speaks_against(
            "no request in flight was cut, so the log does not show how the process ended",
            [],
        ));
    }
    evidence
}

/// Whether the target ended for good after at least as many new targets of its group had started as had ended. Then
/// it was removed on purpose, not lost.
///
/// A rolling deployment starts a new target before it stops an old one. The replacement of a lost target starts after
/// the loss.
fn is_replaced_beforehand(group: &GroupView<'_>, death: &Death) -> bool {
    /// Nodes notice within this time that a target is gone.
    const END_MICROS: i64 = 1_000_000;
    /// A target that started longer ago is not the replacement. The limit is generous because some deployments wait
    /// for a deregistration delay, which is five minutes by default.
    const RECENT_MICROS: i64 = 10 * 60 * 1_000_000;
    if death.answered_again.is_some() {
        return false;
    }
    let is_recent = |at: Timestamp| (0..=RECENT_MICROS).contains(&death.at.micros_since(at));
    let begun = group
        .targets
        .iter()
        .filter_map(|target| not_ready::begins(group, target))
        .filter(|begun| is_recent(*begun))
        .count();
    let spans = group.targets.iter().filter_map(|target| target.totals.seen);
    let ended = spans
        .filter(|Span { last, .. }| last.micros_since(death.until) < END_MICROS)
        .filter(|Span { last, .. }| *last >= death.at || is_recent(*last))
        .count();
    begun >= ended.max(1)
}
