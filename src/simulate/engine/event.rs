//! What can happen in the model.

use crate::simulate::arena::Key;
use crate::simulate::plan::Cause;
use crate::simulate::traffic::Arrival;

#[derive(Clone, Copy)]
pub(super) enum Event {
    Visit,
    Poll(usize),
    Scan,
    /// The load balancer has received a request.
    Arrive(Arrival),
    /// A node has read the request and looks for a target.
    Dispatch(Key),
    /// A SYN reaches the target's host.
    Syn {
        request: Key,
        attempt: u8,
    },
    /// The TCP connection is established.
    Connected(Key),
    /// The host answered that nothing listens on the port.
    Refused(Key),
    ConnectTimeout(Key),
    /// A request's bytes reach the target's host.
    Deliver {
        connection: Key,
        attempt: u8,
    },
    /// The process reads them.
    Read(Key),
    /// The process has its answer ready.
    Answer(Key),
    /// The answer reaches the node.
    Answered {
        connection: Key,
        attempt: u8,
    },
    /// A connection's keep-alive timer at the target is due.
    TimerDue(Key),
    /// The node learns that the target closed a connection.
    Closed {
        connection: Key,
        attempt: u8,
    },
    IdleTimeout(Key),
    GiveUp(Key),
    /// The request's line is written.
    Log(Key),
    /// A target's event loop gets busy.
    Stall(usize),
    Intervene(usize),
    /// A request arrives that the load balancer refuses itself.
    Noise,
    /// A target with limited slots has finished a request: a slot is free.
    SlotFree {
        target: usize,
        life: u32,
    },
    /// A server ends a request without an answer.
    CutOff {
        connection: Key,
        life: u32,
        cause: Cause,
    },
    /// A request has killed its process.
    Killed {
        target: usize,
        process: u32,
        life: u32,
    },
    /// A process that crashed listens again.
    Restarted {
        target: usize,
        life: u32,
    },
    /// The time that a process was given to finish its requests is over.
    GraceOver {
        target: usize,
        life: u32,
    },
    /// A frozen process continues.
    Thawed {
        target: usize,
        life: u32,
    },
    /// An invocation of a Lambda function has ended.
    FunctionOver {
        request: Key,
        group: usize,
    },
    /// A node learns that a target was registered or deregistered.
    Learn {
        node: usize,
        target: usize,
        is_registered: bool,
    },
    DelayElapsed(usize),
}
