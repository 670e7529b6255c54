//! What can happen in the model.

use crate::simulate::arena::ArenaKey;
use crate::simulate::plan::TrueCause;
use crate::simulate::traffic::Arrival;

#[derive(Clone, Copy)]
pub(super) enum ModelEvent {
    Visit,
    Poll(usize),
    Scan,
    /// The load balancer has received a request.
    Arrive(Arrival),
    /// A node has read the request and looks for a target.
    Dispatch(ArenaKey),
    /// A SYN reaches the target's host.
    Syn {
        request: ArenaKey,
        attempt: u8,
    },
    /// The TCP connection is established.
    Connected(ArenaKey),
    /// The host answered that nothing listens on the port.
    Refused(ArenaKey),
    ConnectTimeout(ArenaKey),
    /// A request's bytes reach the target's host.
    Deliver {
        connection: ArenaKey,
        attempt: u8,
    },
    /// The process reads them.
    Read(ArenaKey),
    /// The process has its answer ready.
    Answer(ArenaKey),
    /// The process has its answer ready, and does not want the body.
    EarlyAnswer(ArenaKey),
    /// The answer reaches the node.
    Answered {
        connection: ArenaKey,
        attempt: u8,
    },
    /// A connection's keep-alive timer at the target is due.
    TimerDue(ArenaKey),
    /// The node learns that the target closed a connection.
    Closed {
        connection: ArenaKey,
        attempt: u8,
    },
    IdleTimeout(ArenaKey),
    GiveUp(ArenaKey),
    /// The request's line is written.
    Log(ArenaKey),
    /// A target's event loop gets busy.
    Stall(usize),
    Intervene(usize),
    /// A request arrives that the load balancer refuses itself.
    Noise,
    /// A program sends a request of an odd form.
    Odd(usize),
    /// A target with limited slots has finished a request: a slot is free.
    SlotFree {
        target: usize,
        life: u32,
    },
    /// A server ends a request without an answer.
    CutOff {
        connection: ArenaKey,
        life: u32,
        cause: TrueCause,
    },
    /// A request has killed its process.
    Killed {
        target: usize,
        process: u32,
        life: u32,
    },
    /// A worker process that leaves, or is locked, ends.
    WorkerOver {
        target: usize,
        process: u32,
        life: u32,
        cause: TrueCause,
    },
    /// A long-lived connection at the target begins or ends.
    Crowd {
        target: usize,
        change: u32,
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
        request: ArenaKey,
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
