//! What a finding is about.

use crate::aggregate::{LoadBalancerId, Summary, TargetGroupId, TargetId};
use crate::classify::{AnsweredBy, Outcome};

/// What a finding is about. The ids are those of the [`Summary`] that was diagnosed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// A target.
    Target(TargetId),
    /// A target group.
    TargetGroup(TargetGroupId),
    /// A load balancer.
    LoadBalancer(LoadBalancerId),
}

/// The names of a [`Scope`], as the log has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScopeNames<'a> {
    /// The load balancer's resource id.
    pub load_balancer: &'a [u8],
    /// The target group's ARN. `None` if the scope is a load balancer.
    pub target_group: Option<&'a [u8]>,
    /// The target's `address:port`. `None` if the scope is not a target.
    pub target: Option<&'a [u8]>,
}

impl Scope {
    /// Its names.
    ///
    /// # Panics
    /// If it has an id of another summary.
    #[must_use]
    pub fn names(self, summary: &Summary) -> ScopeNames<'_> {
        let (load_balancer, target_group, target) = match self {
            Self::LoadBalancer(load_balancer) => (load_balancer, None, None),
            Self::TargetGroup(target_group) => {
                let (load_balancer, arn, ()) = summary.target_groups.entry(target_group);
                (load_balancer, Some(arn), None)
            }
            Self::Target(target) => {
                let (target_group, address, _) = summary.targets.entry(target);
                let (load_balancer, arn, ()) = summary.target_groups.entry(target_group);
                (load_balancer, Some(arn), Some(address))
            }
        };
        ScopeNames { load_balancer: summary.load_balancers.entry(load_balancer).1, target_group, target }
    }
}

/// What failures of `outcome` belong to: the target they ended at; if no target was chosen, the target group or the
/// load balancer that made them. Failures of a rule belong to the load balancer.
///
/// `target` may also stand for the requests of a target group that reached none.
pub(super) fn scope_of(summary: &Summary, target: TargetId, outcome: Outcome) -> Scope {
    let (target_group, address, _) = summary.targets.entry(target);
    let (load_balancer, arn, ()) = summary.target_groups.entry(target_group);
    match (address, arn) {
        _ if outcome.answered_by() == AnsweredBy::Rule => Scope::LoadBalancer(load_balancer),
        (b"", b"") => Scope::LoadBalancer(load_balancer),
        (b"", _) => Scope::TargetGroup(target_group),
        _ => Scope::Target(target),
    }
}
