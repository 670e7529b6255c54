//! Notices: findings on requests that do not count as failed. A client that the load balancer refuses each time is
//! worth a word and no alarm, and so are silent connections that it cuts at the idle timeout.

use std::collections::BTreeMap;

use super::common_facts::{codes, most_on_one_route, sent_by};
use super::confidence::{Confidence, MIN_FAILURES_FOR_HIGH};
use super::evidence::{Evidence, grouped, seconds_of};
use super::finding::{Estimates, Finding};
use super::finding_id::FindingId;
use super::first_cause::candidates;
use super::idle_timeout::{IdleTimeout, IdleTimeoutOrigin, IdleTimeoutSign, WebSocketsCut, web_sockets_cut};
use super::measure::time_pattern::TimePattern;
use super::scope::Scope;
use crate::aggregate::{Failures, Frequent, LoadBalancerId, Samples, Summary};
use crate::classify::Outcome;
use crate::knowledge::causes::{self, Cause};
use crate::knowledge::{desync_reasons, error_reasons};

/// Fewer refused requests than this are not told.
const MIN_REFUSED: u64 = 5;

/// A client is told if it sent at least this many requests, and all of them were refused.
const MIN_OF_CLIENT: u64 = 10;

/// At most this many of these clients are named.
const MAX_CLIENTS: usize = 3;

/// A refusal is one of form if at least this share of the requests has a `classification_reason`.
const MIN_CLASSIFIED: f64 = 0.9;

/// Requests of one load balancer that were refused for one cause.
struct Refused {
    cause: &'static Cause,
    also_fits: Vec<&'static Cause>,
    certainty: Confidence,
    /// All of them together. Its outcome is the most frequent one.
    all: Failures,
    outcomes: Vec<(Outcome, u64)>,
}

/// The notices on all load balancers, the one with most requests first.
pub(super) fn notices(summary: &Summary, idle_timeouts: &[IdleTimeout]) -> Vec<Finding> {
    let mut notices: Vec<Finding> = Vec::new();
    for ((load_balancer, _), refused) in refused_by_cause(summary) {
        notices.extend(of_refused(summary, load_balancer, refused));
    }
    for load_balancer in summary.load_balancers.ids() {
        let idle_timeout = &idle_timeouts[load_balancer.index()];
        notices.extend(of_web_sockets(summary, load_balancer, idle_timeout));
    }
    notices.sort_by_key(|notice| (std::cmp::Reverse(notice.failures), notice.scope, notice.outcome));
    notices
}

fn refused_by_cause(summary: &Summary) -> BTreeMap<(LoadBalancerId, &'static str), Refused> {
    let mut by_outcome: BTreeMap<(LoadBalancerId, Outcome), Failures> = BTreeMap::new();
    for (group, _, target) in summary.targets.iter() {
        let (load_balancer, ..) = summary.target_groups.entry(group);
        for refusals in &target.refusals {
            match by_outcome.get_mut(&(load_balancer, refusals.outcome)) {
                Some(known) => known.merge(refusals.clone()),
                None => {
                    by_outcome.insert((load_balancer, refusals.outcome), refusals.clone());
                }
            }
        }
    }
    let mut by_cause: BTreeMap<(LoadBalancerId, &'static str), Refused> = BTreeMap::new();
    for ((load_balancer, outcome), refusals) in by_outcome {
        let candidates = candidates(&refusals, 0);
        let (cause, also_fits) = if is_refused_for_form(&refusals) {
            (&causes::DESYNC_MODE, vec![&causes::BAD_REQUEST])
        } else {
            (candidates.cause, candidates.also_fits)
        };
        if cause == &causes::UNEXPLAINED {
            continue;
        }
        let (count, certainty) = (refusals.requests, candidates.certainty);
        if let Some(known) = by_cause.get_mut(&(load_balancer, cause.id)) {
            known.outcomes.push((outcome, count));
            known.certainty = known.certainty.max(certainty);
            known.all.merge(refusals);
        } else {
            let refused = Refused { cause, also_fits, certainty, all: refusals, outcomes: vec![(outcome, count)] };
            by_cause.insert((load_balancer, cause.id), refused);
        }
    }
    by_cause
}

fn is_refused_for_form(refusals: &Failures) -> bool {
    let classified: u64 = refusals.classification_reasons.certain().map(|(_, count)| count).sum();
    let may_be = matches!(refusals.outcome, Outcome::BadRequest | Outcome::MalformedRequest);
    refusals.outcome == Outcome::DesyncBlocked
        || may_be && classified as f64 >= refusals.requests as f64 * MIN_CLASSIFIED
}

fn of_refused(summary: &Summary, load_balancer: LoadBalancerId, refused: Refused) -> Option<Finding> {
    let Refused { cause, also_fits, certainty, all, mut outcomes } = refused;
    let mut clients: Vec<(&[u8], u64)> = all
        .callers
        .clients
        .certain()
        .filter(|(client, sent)| *sent >= MIN_OF_CLIENT && !summary.served_clients.may_hold(client))
        .collect();
    clients.sort_by(|one, other| (other.1, one.0).cmp(&(one.1, other.0)));
    let is_form = cause == &causes::DESYNC_MODE;
    if all.requests < MIN_REFUSED || !is_form && clients.is_empty() {
        return None;
    }
    outcomes.sort_by_key(|(outcome, requests)| (std::cmp::Reverse(*requests), *outcome));
    let mut evidence: Vec<Evidence> = Vec::new();
    for (outcome, requests) in &outcomes {
        let text = format!("{} requests were refused: {}", grouped(*requests), outcome.title());
        evidence.push(Evidence::speaks_for(text, [("requests", *requests as f64)]));
    }
    let mut confidence = certainty;
    if is_form {
        let reasons = &all.classification_reasons;
        evidence.extend(codes("classification_reason", reasons, all.requests, desync_reasons::meaning));
        let passed = passed_with(summary, load_balancer, reasons);
        evidence.extend(passed.as_ref().map(LetThrough::evidence));
        confidence = match passed.map(|passed| (passed.at_least, passed.is_complete)) {
            Some((1.., _)) => Confidence::Low,
            // The log does not tell whether others were let through.
            Some((0, false)) => Confidence::Medium,
            Some((0, true)) | None => Confidence::High,
        };
    } else {
        evidence.extend(codes("error_reason", &all.error_reasons, all.requests, error_reasons::meaning));
    }
    evidence.extend(most_on_one_route(&all));
    if clients.is_empty() {
        evidence.extend(sent_by(&all.callers, all.requests, "such requests"));
    }
    for (client, sent) in clients.into_iter().take(MAX_CLIENTS) {
        let client = String::from_utf8_lossy(client);
        evidence.push(Evidence::speaks_for(
            format!("the client {client} sent at least {} of them, and none of its requests was served", grouped(sent)),
            [("of_refused_client", sent as f64)],
        ));
    }
    if all.requests < MIN_FAILURES_FOR_HIGH {
        confidence = confidence.min(Confidence::Medium);
    }
    let outcome = outcomes.first()?.0;
    let (requests, span) = (all.requests, all.seen);
    let notice = notice(summary, load_balancer, cause, outcome, requests);
    Some(Finding { also_fits, confidence, outcomes, span, evidence, samples: all.samples, ..notice })
}

/// How many requests with the most frequent reason of the refused ones were let through.
struct LetThrough<'a> {
    reason: &'a [u8],
    at_least: u64,
    /// Whether that is all of them. With very many reasons, some are not counted.
    is_complete: bool,
}

impl LetThrough<'_> {
    fn evidence(&self) -> Evidence {
        let reason = String::from_utf8_lossy(self.reason);
        let text = match (self.at_least, self.is_complete) {
            (0, true) => format!("no request with {reason} was let through"),
            (0, false) => format!("it was not counted whether requests with {reason} were let through"),
            (1, _) => format!("at least 1 request with {reason} was let through"),
            (passed, _) => format!("at least {} requests with {reason} were let through", grouped(passed)),
        };
        Evidence::weighed(self.at_least == 0 && self.is_complete, text, [("let_through", self.at_least as f64)])
    }
}

/// `None` if the refused requests have no reason.
fn passed_with<'a>(summary: &Summary, load_balancer: LoadBalancerId, reasons: &'a Frequent) -> Option<LetThrough<'a>> {
    let (reason, _) = reasons.first()?;
    let mut passed = LetThrough { reason, at_least: 0, is_complete: true };
    for (group, _, target) in summary.targets.iter() {
        if summary.target_groups.entry(group).0 == load_balancer {
            let codes = &target.passed_classifications;
            passed.is_complete &= codes.is_complete();
            passed.at_least += codes.certain().filter(|(code, _)| *code == reason).map(|(_, count)| count).sum::<u64>();
        }
    }
    Some(passed)
}

fn of_web_sockets(summary: &Summary, load_balancer: LoadBalancerId, idle_timeout: &IdleTimeout) -> Option<Finding> {
    let WebSocketsCut { cut, all } = web_sockets_cut(summary, load_balancer, idle_timeout)?;
    let seconds = seconds_of(idle_timeout.duration);
    let is_known_otherwise = idle_timeout.origin == IdleTimeoutOrigin::Given
        || matches!(idle_timeout.rests_on, Some(IdleTimeoutSign::TimedOut(_)));
    let mut evidence = vec![Evidence::speaks_for(
        format!(
            "{} of {} counted WebSocket connections of a second or longer ended within 30 ms of the idle timeout, {seconds} s",
            grouped(cut),
            grouped(all)
        ),
        [("cut", cut as f64), ("web_sockets", all as f64), ("idle_timeout", seconds)],
    )];
    if !is_known_otherwise {
        evidence.push(Evidence::speaks_against(
            "that this is the idle timeout is known from these connections only; a client or a proxy may also close \
             them after that time",
            [],
        ));
    }
    let confidence = if is_known_otherwise { Confidence::High } else { Confidence::Medium };
    let notice = notice(summary, load_balancer, &causes::WEBSOCKET_IDLE_TIMEOUT, Outcome::Ok, cut);
    Some(Finding { also_fits: vec![&causes::CLIENT_GAVE_UP], confidence, evidence, ..notice })
}

/// A notice on a load balancer, without what it rests on.
fn notice(
    summary: &Summary,
    load_balancer: LoadBalancerId,
    cause: &'static Cause,
    outcome: Outcome,
    requests: u64,
) -> Finding {
    let scope = Scope::LoadBalancer(load_balancer);
    Finding {
        id: FindingId::new(summary, cause, scope),
        scope,
        outcome,
        outcomes: vec![(outcome, requests)],
        cause,
        also_fits: Vec::new(),
        confidence: Confidence::Low,
        failures: requests,
        failures_by_target: Vec::new(),
        span: None,
        time_pattern: TimePattern::default(),
        evidence: Vec::new(),
        error_reason: None,
        signs: Vec::new(),
        estimates: Estimates::default(),
        lags: None,
        failures_per_minute: Vec::new(),
        samples: Samples::default(),
    }
}
