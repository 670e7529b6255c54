//! Writes the line of a request that has ended, and the truth of one that failed.

use super::Engine;
use super::request::RequestState;
use crate::error::Result;
use crate::simulate::arena::ArenaKey;
use crate::simulate::line::{LoggedExchange, Trace, moment, write_line};
use crate::simulate::plan::{ServerModel, TrueCause};
use crate::simulate::time::SECOND;
use crate::simulate::traffic::{Call, Client};

impl Engine<'_> {
    pub(super) fn log(&mut self, key: ArenaKey) -> Result<()> {
        let Some(request) = self.requests.remove(key) else { return Ok(()) };
        let Some((ending, cause)) = request.ending else { return Ok(()) };
        let client: &Client = &self.traffic.clients[request.arrival.client];
        let target = request.target.map(|target| self.targets[target].address.as_str());
        let node = self.run.nodes[request.node].as_str();
        let trace = Trace { seconds: request.received.div_euclid(SECOND), bits: request.trace };
        let is_forwarded = matches!(request.arrival.call, Call::PlannedRoute { .. } | Call::Probe(_));
        let exchange = LoggedExchange {
            client,
            peer: &request.peer,
            call: request.arrival.call,
            received: request.received,
            received_bytes: request.received_bytes,
            trace,
            target,
            group: is_forwarded.then(|| &self.plan.groups[request.arrival.group]),
            node,
            dns_name: &self.dns_name,
            ending: &ending,
            rule: request.rule,
            form: request.arrival.form,
        };
        self.objects.line(request.node, ending.time, |out| write_line(out, &self.elb, &exchange))?;
        let Some(cause) = cause else { return Ok(()) };
        self.failures += 1;
        let server = request.target.map(|target| &self.plan.targets[target].server);
        let also = also_true(cause, &request, ending.elb_status, server);
        let out = &mut self.truth;
        out.clear();
        out.extend_from_slice(b"{\"trace_id\":\"");
        trace.write(out);
        out.extend_from_slice(b"\",\"time\":\"");
        moment(out, ending.time);
        out.extend_from_slice(b"\",\"target\":");
        match target {
            Some(target) => out.extend_from_slice(format!("\"{target}\"").as_bytes()),
            None => out.extend_from_slice(b"null"),
        }
        let also: Vec<_> = also.iter().map(|cause| format!("\"{}\"", cause.id())).collect();
        out.extend_from_slice(
            format!(",\"node\":\"{node}\",\"cause\":\"{}\",\"also_accept\":[{}]}}", cause.id(), also.join(","))
                .as_bytes(),
        );
        self.objects.truth(&String::from_utf8_lossy(out))
    }
}

/// Other causes that describe a failure just as well.
fn also_true(
    cause: TrueCause,
    request: &RequestState,
    status: u16,
    server: Option<&ServerModel>,
) -> &'static [TrueCause] {
    match cause {
        TrueCause::TargetCrash
        | TrueCause::DeployWithoutDraining
        | TrueCause::TargetNotReady
        | TrueCause::RestartInPlace
            if request.is_refused(status) =>
        {
            &[TrueCause::ConnectionRefused]
        }
        TrueCause::ConnectTimeout if request.sent.is_some() => &[TrueCause::IdleTimeoutExceeded],
        TrueCause::ClientGaveUp => match request.lost_by.or(request.blame) {
            Some(TrueCause::ConnectTimeout) => &[TrueCause::ConnectTimeout],
            Some(TrueCause::TargetsRemoved) => &[TrueCause::TargetsRemoved, TrueCause::ConnectTimeout],
            Some(TrueCause::IdleConnectionDropped) => &[TrueCause::IdleConnectionDropped],
            Some(TrueCause::TargetSaturated) => &[TrueCause::TargetSaturated],
            Some(TrueCause::DependencyOutage) => &[TrueCause::DependencyOutage],
            _ => &[],
        },
        // Nothing read it.
        TrueCause::IdleTimeoutExceeded if request.sent.is_some() && request.answer.is_none() => {
            &[TrueCause::NeverAnswered]
        }
        // If all targets wait, the lines of one target say no more than that it answered too late.
        TrueCause::DependencyOutage if request.answer.is_none() => &[TrueCause::IdleTimeoutExceeded],
        TrueCause::TargetNotReady | TrueCause::TargetRequestTimeout if status == 500 => &[TrueCause::ApplicationError],
        // The process did nothing, so no answer came; for the same reason there was no connection either.
        TrueCause::IdleTimeoutExceeded if request.sent.is_none() => &[TrueCause::ConnectTimeout],
        TrueCause::ConnectionsExhausted => &[TrueCause::TargetSaturated],
        // The log does not show how old a connection is.
        TrueCause::ServerRecycling if server.is_some_and(|server| server.connection_age.is_some()) => {
            &[TrueCause::Unexplained]
        }
        // The end of a worker is all there is to see.
        TrueCause::ServerRecycling if server.is_some_and(|server| server.worker_life.is_some()) => {
            &[TrueCause::TargetCrash]
        }
        // What was replaced behind the address ended with requests in flight, and nothing was drained.
        TrueCause::ServerRecycling => &[TrueCause::TargetCrash, TrueCause::DeployWithoutDraining],
        // Its address times out like any other that packets no longer reach.
        TrueCause::TargetsRemoved if request.lost_by.is_some() => &[TrueCause::ConnectTimeout],
        TrueCause::TargetsRemoved if request.is_refused(status) => {
            &[TrueCause::DeployWithoutDraining, TrueCause::ConnectionRefused]
        }
        // It was taken away on purpose and not drained, if not for another one.
        TrueCause::TargetsRemoved => &[TrueCause::DeployWithoutDraining],
        _ => &[],
    }
}

impl RequestState {
    /// It was never sent because nothing listened.
    fn is_refused(&self, status: u16) -> bool {
        self.sent.is_none() && status == 502
    }
}
