//! A request on its way.

use crate::simulate::arena::{Arena, ArenaKey};
use crate::simulate::line::Ending;
use crate::simulate::plan::TrueCause;
use crate::simulate::time::Micros;
use crate::simulate::traffic::{Arrival, Peer};

pub(super) struct RequestState {
    pub(super) arrival: Arrival,
    pub(super) peer: Peer,
    pub(super) node: usize,
    pub(super) received: Micros,
    pub(super) received_bytes: u32,
    /// Bytes of its body, and how long they take to come in; zero if they come with the headers.
    pub(super) body: u32,
    pub(super) upload: Micros,
    pub(super) trace: u128,
    pub(super) target: Option<usize>,
    pub(super) connection: Option<ArenaKey>,
    pub(super) connecting_since: Micros,
    pub(super) sent: Option<Micros>,
    /// A packet of it was lost, for this reason.
    pub(super) lost_by: Option<TrueCause>,
    /// The target's status and the size of its answer.
    pub(super) answer: Option<(u16, u32)>,
    /// Why that status is an error, or why the request took long.
    pub(super) blame: Option<TrueCause>,
    /// The load balancer will not accept the answer.
    pub(super) is_malformed: bool,
    /// What the listener rule did: the log's `actions_executed` and `error_reason`.
    pub(super) rule: (&'static str, &'static str),
    /// The line's ending, and the cause if it is a failure.
    pub(super) ending: Option<(Ending, Option<TrueCause>)>,
}

/// The request, if it has not ended.
pub(super) fn open(requests: &mut Arena<RequestState>, key: ArenaKey) -> Option<&mut RequestState> {
    requests.get_mut(key).filter(|request| request.ending.is_none())
}

pub(super) fn request_mut(requests: &mut Arena<RequestState>, key: ArenaKey, change: impl FnOnce(&mut RequestState)) {
    if let Some(request) = requests.get_mut(key) {
        change(request);
    }
}
