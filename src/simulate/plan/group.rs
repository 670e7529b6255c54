//! Target groups and their routes.

use super::client::ClientKind;
use crate::simulate::time::{Micros, SECOND};

/// An index into [`IncidentPlan::groups`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::simulate) struct GroupIndex(pub(in crate::simulate) usize);

/// A target group, and the listener rule that forwards to it.
pub(in crate::simulate) struct PlannedGroup {
    pub(in crate::simulate) name: &'static str,
    /// The 16 hexadecimal digits that end its ARN.
    pub(in crate::simulate) id: &'static str,
    pub(in crate::simulate) port: u16,
    /// The host name that the listener rule matches.
    pub(in crate::simulate) host: &'static str,
    pub(in crate::simulate) rule_priority: u32,
    pub(in crate::simulate) deregistration_delay: Micros,
    pub(in crate::simulate) routes: &'static [PlannedRoute],
    /// Whether targets have IPv6 addresses.
    pub(in crate::simulate) is_ipv6: bool,
    /// `Some` if the target is a Lambda function.
    pub(in crate::simulate) function: Option<Function>,
}

impl PlannedRoute {
    /// Whether it upgrades connections to WebSocket connections.
    pub(in crate::simulate) fn is_socket(&self) -> bool {
        self.statuses.iter().any(|(status, _)| *status == 101)
    }
}

impl PlannedGroup {
    /// A target group of IPv4 targets, with AWS's default deregistration delay.
    pub(in crate::simulate) const fn new(
        (name, id): (&'static str, &'static str),
        port: u16,
        host: &'static str,
        rule_priority: u32,
        routes: &'static [PlannedRoute],
    ) -> Self {
        Self {
            name,
            id,
            port,
            host,
            rule_priority,
            // Source:
            // https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-target-group-attributes.html
            deregistration_delay: 300 * SECOND,
            routes,
            is_ipv6: false,
            function: None,
        }
    }
}

/// A Lambda function.
#[derive(Clone, Copy)]
pub(in crate::simulate) struct Function {
    /// An invocation is ended after this time.
    pub(in crate::simulate) timeout: Micros,
    /// How many invocations may run at the same time; further ones are throttled.
    pub(in crate::simulate) concurrency: u32,
}

/// A route of a target group, and how its application answers when nothing is wrong.
pub(in crate::simulate) struct PlannedRoute {
    pub(in crate::simulate) method: &'static str,
    /// `{}` stands for a number below `numbers`.
    pub(in crate::simulate) path: &'static str,
    pub(in crate::simulate) numbers: u32,
    /// Weight among all routes of all target groups that the client's kind calls.
    pub(in crate::simulate) weight: u32,
    /// The kinds of clients that call it.
    pub(in crate::simulate) callers: &'static [ClientKind],
    /// Median time to answer.
    pub(in crate::simulate) median: Micros,
    /// Standard deviation of the logarithm of the time.
    pub(in crate::simulate) sigma: f64,
    /// Bytes of a request (approximate) and of an answer (median).
    pub(in crate::simulate) bytes: (u32, u32),
    /// Bytes of a request's body (median); 0 if it comes with the headers.
    pub(in crate::simulate) body: u32,
    /// Status codes and their weights.
    pub(in crate::simulate) statuses: &'static [(u16, u32)],
}
