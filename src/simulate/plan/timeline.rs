//! What is done to targets and listener rules, and when.

use super::cause::TrueCause;
use super::group::GroupIndex;
use super::target::TargetIndex;
use crate::simulate::time::{Micros, Moment};

/// Something that is done at a moment of the run.
pub(in crate::simulate) struct Intervention {
    pub(in crate::simulate) moment: Moment,
    pub(in crate::simulate) what: What,
}

/// What is done, and to which target or listener rule.
#[derive(Clone, Copy)]
pub(in crate::simulate) enum What {
    Target(TargetIndex, TargetAction),
    /// The listener rule that forwards to a target group.
    Rule(GroupIndex, ListenerRule),
}

/// How a listener rule handles requests from now on, or the Lambda function it forwards to, if there is one.
#[derive(Clone, Copy, Debug)]
pub(in crate::simulate) enum ListenerRule {
    /// It forwards them.
    Forward,
    /// AWS WAF is asked, and blocks this share.
    WafBlocks(f64),
    /// AWS WAF cannot be reached for this share.
    WafFails(f64),
    /// Users are authenticated, and the cookies of this share are not accepted.
    Rejects(f64),
    /// Users are authenticated, and for this share the identity provider does not answer within five seconds.
    IdentityFails(f64),
    /// It sends a fixed response with this status.
    Fixed(u16),
    /// The function throws for this share.
    FunctionThrows(f64),
    /// The function answers this share in a format that the load balancer does not accept.
    FunctionMumbles(f64),
    /// The function takes this many times as long as usual.
    FunctionPace(f64),
    /// The load balancer may no longer invoke the function.
    FunctionDenied,
}

/// Something wrong with a route of a target's application.
#[derive(Clone, Copy, Debug)]
pub(in crate::simulate) struct RouteFault {
    /// The share of its requests that it affects.
    pub(in crate::simulate) share: f64,
    pub(in crate::simulate) kind: FaultKind,
}

#[derive(Clone, Copy, Debug)]
pub(in crate::simulate) enum FaultKind {
    /// The request kills the process.
    Kills,
    /// The answer's headers are not HTTP.
    Malformed,
    /// It answers this status, for this reason.
    Status(u16, TrueCause),
    /// It waits this long for something that all targets share, and then answers this status.
    Waits(Micros, u16),
    /// It waits for something that all targets share, without a timeout of its own.
    Hangs,
    /// It answers this status without reading the body, if the body is larger than this, and closes the connection.
    RefusesBody(u16, u32),
    /// The application closes the connection instead of answering.
    Closes,
}

/// What is done to a target.
#[derive(Clone, Copy, Debug)]
pub(in crate::simulate) enum TargetAction {
    /// A process starts, and listens.
    Start,
    /// The process dies immediately, and the kernel closes its connections.
    Crash,
    /// One of several processes dies and is restarted immediately.
    KillProcess,
    /// The process is stopped without waiting for requests in flight.
    Stop,
    /// The process is stopped for good, because its host or its task is taken away.
    Remove,
    /// The host is gone, and its address with it: packets to and from it are lost for good.
    Vanish,
    /// The process gets a signal to end: it stops listening, closes idle connections, finishes its requests within this
    /// time, and ends.
    Terminate(Micros),
    /// As [`Self::Terminate`], and after this time another process listens at the same address.
    Restart(Micros),
    /// Its processes are replaced by new ones that listen at once. The old ones close their idle connections and finish
    /// their requests within this time.
    Reload(Micros),
    /// As [`Self::Reload`], but the old ones say in their next answers that connections are closed.
    ReloadAnnounced,
    /// One of several processes is locked, and is killed after this time.
    LockProcess(Micros),
    /// Other long-lived connections, such as those of event streams, come and go. On average this many are there, if it
    /// has room for them.
    Crowd(u32),
    /// The process does nothing for this long, while its host keeps running.
    Freeze(Micros),
    /// Packets to and from the target's port are lost from now on.
    Blackhole,
    /// Packets between the target and one node (an index, modulo the number of nodes) are lost from now on.
    BlackholeFrom(usize),
    /// Packets pass again.
    Restore,
    /// Nodes begin to send to it.
    Register,
    /// Nodes send no new requests to it, and cut off those that still run when the deregistration delay is over.
    Deregister,
    /// All answers take this many times as long from now on.
    Pace(f64),
    /// The answers of one route (its index in the target group) take this many times as long from now on.
    RoutePace(usize, f64),
    /// One route (its index in the target group) has this fault from now on; `None`: no fault.
    RouteFault(usize, Option<RouteFault>),
    /// Whether the application behind the target's own proxy runs.
    Application(bool),
    /// Whether TLS with the target works.
    Tls(bool),
}
