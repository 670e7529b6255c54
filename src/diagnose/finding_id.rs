//! The id of a finding, which stays the same over runs, windows and machines.

use std::fmt;

use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};

use super::scope::Scope;
use crate::aggregate::Summary;
use crate::classify::Outcome;
use crate::knowledge::causes::Cause;

/// The id of a finding: a hash of its cause and its scope. It depends on their names only, not on what else is in the
/// log. So it is the same in every run that finds this cause at this scope.
///
/// It is written as 16 lower-case hexadecimal digits: the first eight bytes of the SHA-256 of four lines, each ended by
/// a line feed. They are the cause's id, the load balancer's id, the target group's ARN, and the target's
/// `address:port`. The names have the bytes of the log. A line is empty if the scope has no such thing. No field of a
/// log line contains a line feed, so two scopes never have the same lines.
///
/// A fifth line has the outcome's id if another finding of the report has the same cause and scope, and comes first in
/// this order: one made of many targets' findings, one of a detector, one by its outcome alone. If two such have the
/// same outcome, too, the second has it on a sixth line again.
///
/// ```sh
/// printf '%s\n' connection-refused app/shop/50dc6c495c0c9188 "$target_group_arn" 10.0.1.17:8080 |
///     sha256sum | cut -c 1-16
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FindingId([u8; 8]);

impl FindingId {
    /// The id of a finding on a cause at a scope.
    pub(super) fn new(summary: &Summary, cause: &Cause, scope: Scope) -> Self {
        Self::hash(summary, cause, scope, &[])
    }

    /// The id of a finding beside another one with the same cause and scope, and beside so many with the same outcome.
    pub(super) fn beside(summary: &Summary, cause: &Cause, scope: Scope, outcome: Outcome, times: usize) -> Self {
        Self::hash(summary, cause, scope, &vec![outcome; times + 1])
    }

    fn hash(summary: &Summary, cause: &Cause, scope: Scope, outcomes: &[Outcome]) -> Self {
        let names = scope.names(summary);
        let lines = [
            cause.id.as_bytes(),
            names.load_balancer,
            names.target_group.unwrap_or_default(),
            names.target.unwrap_or_default(),
        ];
        let mut hash = Sha256::new();
        for line in lines.into_iter().chain(outcomes.iter().map(|outcome| outcome.id().as_bytes())) {
            hash.update(line);
            hash.update(b"\n");
        }
        let hash: [u8; 32] = hash.finalize().into();
        Self(*hash.first_chunk().expect("a hash is longer"))
    }
}

impl fmt::Display for FindingId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

impl fmt::Debug for FindingId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl Serialize for FindingId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
