//! A connection between a node and a target.

use crate::simulate::arena::ArenaKey;
use crate::simulate::plan::TrueCause;
use crate::simulate::time::Micros;

/// A connection between a node and a target.
#[expect(clippy::struct_excessive_bools, reason = "each of them may hold without the others")]
pub(super) struct TargetConnection {
    pub(super) node: usize,
    pub(super) target: usize,
    /// Which of the target's processes it goes to.
    pub(super) process: u32,
    /// The kernel holds it because the process has not accepted it yet.
    pub(super) is_unaccepted: bool,
    /// The request that the node sent and that has no answer yet.
    pub(super) request: Option<ArenaKey>,
    /// It has answered a request on it.
    pub(super) has_answered: bool,
    /// The next answer says that it is closed.
    pub(super) is_last: bool,
    /// The target has read a request and not yet answered.
    pub(super) is_serving: bool,
    /// When the keep-alive timer is due if no request comes first.
    pub(super) expires: Micros,
    pub(super) has_timer: bool,
    /// Why the target closed it.
    pub(super) closed_by: Option<TrueCause>,
    /// A firewall on its way has forgotten it: packets on it are lost in both directions.
    pub(super) is_forgotten: bool,
    /// When the node put it back into its pool.
    pub(super) pooled: Micros,
    /// The latest arrival so far: data on one connection arrives in order.
    pub(super) last_arrival: Micros,
}
