//! Which finding a failed request belongs to.
//!
//! A finding is about many requests together, and only it knows how many failures it explains at each target, by
//! outcome. A request takes the cause of the finding that covers its target, outcome and time; of several, the one
//! with the most of these failures. Requests without a target are matched by their target group or load balancer, as
//! findings are.

use std::collections::HashMap;

use crate::aggregate::{Span, Summary};
use crate::classify::{AnsweredBy, Exchange, Outcome};
use crate::diagnose::{Confidence, Diagnosis, Scope};

/// How far outside its finding's span a request may be, in microseconds. The span comes from a timeline that is
/// coarser than the log.
const SLACK_MICROS: i64 = 1_000;

/// The findings, by what they cover.
#[derive(Clone, Debug, Default)]
pub(super) struct Causes {
    claims: HashMap<ClaimKey, Vec<Claim>>,
}

/// Load balancer, target group and target, each empty if there is none, and an outcome.
type ClaimKey = (Box<[u8]>, Box<[u8]>, Box<[u8]>, Outcome);

#[derive(Clone, Debug)]
struct Claim {
    cause: &'static str,
    confidence: Confidence,
    failures: u64,
    span: Option<Span>,
}

impl Causes {
    /// Collects the claims of all findings on a summary.
    pub(super) fn new(summary: &Summary, diagnosis: &Diagnosis) -> Self {
        let mut causes = Self::default();
        for finding in &diagnosis.findings {
            let claim = |failures| Claim {
                cause: finding.cause.id,
                confidence: finding.confidence,
                failures,
                span: finding.span,
            };
            let mut add = |key: ClaimKey, failures| causes.claims.entry(key).or_default().push(claim(failures));
            for &(target, outcome, failures) in &finding.failures_by_target {
                let (target_group, address, _) = summary.targets.entry(target);
                let (load_balancer, arn, ()) = summary.target_groups.entry(target_group);
                let ((), load_balancer, _) = summary.load_balancers.entry(load_balancer);
                add((load_balancer.into(), arn.into(), address.into(), outcome), failures);
            }
            if !finding.failures_by_target.is_empty() {
                continue;
            }
            let (load_balancer, arn) = match finding.scope {
                Scope::LoadBalancer(load_balancer) => (load_balancer, &b""[..]),
                Scope::TargetGroup(target_group) => {
                    let (load_balancer, arn, ()) = summary.target_groups.entry(target_group);
                    (load_balancer, arn)
                }
                // A finding about a target has entries in `failures_by_target`.
                Scope::Target(_) => continue,
            };
            let ((), load_balancer, _) = summary.load_balancers.entry(load_balancer);
            for &(outcome, failures) in &finding.outcomes {
                add((load_balancer.into(), arn.into(), (*b"").into(), outcome), failures);
            }
        }
        causes
    }

    /// The cause of a request's failure, and how confident the finding is. `None` if the request did not fail or is
    /// in no finding.
    pub(super) fn of(&self, exchange: &Exchange<'_>, outcome: Outcome) -> Option<(&'static str, Confidence)> {
        if !outcome.is_failure() {
            return None;
        }
        let target_group = exchange.target_group.unwrap_or_default();
        let own = self.claims_at(exchange.load_balancer, target_group, exchange.target.unwrap_or_default(), outcome);
        // A rule's answer counts for the load balancer, whatever target group the request would have gone to.
        let by_rule = match outcome.answered_by() {
            AnsweredBy::Rule => self.claims_at(exchange.load_balancer, b"", b"", outcome),
            _ => &[],
        };
        let is_of_its_time = |claim: &&Claim| {
            claim.span.is_some_and(|span| {
                let (first, last) = (span.first.plus_micros(-SLACK_MICROS), span.last.plus_micros(SLACK_MICROS));
                (first..=last).contains(&exchange.time)
            })
        };
        // Of equal claims the first one wins: reversed, it is the last, which `max_by_key` takes.
        let claims = own.iter().chain(by_rule).filter(is_of_its_time).rev();
        claims.max_by_key(|claim| claim.failures).map(|claim| (claim.cause, claim.confidence))
    }

    fn claims_at(&self, load_balancer: &[u8], target_group: &[u8], target: &[u8], outcome: Outcome) -> &[Claim] {
        let key = (load_balancer.into(), target_group.into(), target.into(), outcome);
        self.claims.get(&key).map_or(&[], Vec::as_slice)
    }
}
