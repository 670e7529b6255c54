//! What a finding or a picture is about, by names.

use serde::Serialize;

use super::values::{some_text_of, text_of};
use crate::aggregate::{Summary, TargetGroupId};
use crate::diagnose::Scope;

/// What a finding is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ScopeRow {
    /// Resource id.
    pub load_balancer: String,
    /// ARN; `None` if the finding is about the load balancer.
    pub target_group: Option<String>,
    /// `address:port`; `None` if the finding is not about a single target.
    pub target: Option<String>,
}

impl ScopeRow {
    pub(super) fn new(summary: &Summary, scope: Scope) -> Self {
        let names = scope.names(summary);
        Self {
            load_balancer: text_of(names.load_balancer),
            target_group: names.target_group.and_then(some_text_of),
            target: names.target.map(text_of),
        }
    }

    pub(super) fn of_target_group(summary: &Summary, id: TargetGroupId, address: Option<&[u8]>) -> Self {
        let (load_balancer, arn, ()) = summary.target_groups.entry(id);
        Self {
            load_balancer: text_of(summary.load_balancers.entry(load_balancer).1),
            target_group: some_text_of(arn),
            target: address.map(text_of),
        }
    }
}
