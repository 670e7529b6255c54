//! A load balancer node while the model runs.

use crate::simulate::arena::ArenaKey;

pub(super) struct NodeState {
    /// By target group: the registered targets that this node knows, and the index of the one whose turn it is.
    pub(super) registered: Vec<(Vec<usize>, usize)>,
    /// Idle connections by target, the most recently used one last.
    pub(super) pools: Vec<Vec<ArenaKey>>,
}
