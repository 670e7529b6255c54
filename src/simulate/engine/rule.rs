//! What listener rules do before a target is chosen, and Lambda functions.

use super::Engine;
use super::event::ModelEvent;
use super::node::ticks;
use super::request::open;
use crate::simulate::arena::ArenaKey;
use crate::simulate::line::Ending;
use crate::simulate::plan::{Function, ListenerRule, TrueCause};
use crate::simulate::rng::scaled;
use crate::simulate::time::{MILLISECOND, Micros, SECOND};
use crate::simulate::traffic::Call;

/// How long the load balancer waits for an identity provider.
///
/// Source: <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html>
const IDENTITY_TIMEOUT: Micros = 5 * SECOND;

/// How long it waits for AWS WAF. This is an assumption: the documentation does not say.
const WAF_TIMEOUT: Micros = SECOND;

impl Engine<'_> {
    /// Answers 400 to a request whose form the load balancer does not let pass.
    pub(super) fn is_refused_for_its_form(&mut self, key: ArenaKey) -> bool {
        let Some(request) = open(&mut self.requests, key) else { return true };
        if !self.plan.desync_mode.refuses(request.arrival.form) {
            return false;
        }
        request.rule = ("-", "-");
        let late = self.chance.exponential(MILLISECOND);
        self.end_untargeted(key, self.now + late, 400, 272, None);
        true
    }

    /// Applies the request's listener rule. False if the request still has to be forwarded to a target.
    pub(super) fn is_settled_by_rule(&mut self, key: ArenaKey) -> bool {
        let Some(request) = open(&mut self.requests, key) else { return true };
        let group = request.arrival.group;
        let (share, settled, passed) = match self.rules[group] {
            ListenerRule::WafBlocks(share) => (share, ("waf", "-"), ("waf,forward", "-")),
            ListenerRule::WafFails(share) => (share, ("waf-failed", "WAFConnectionTimeout"), ("waf,forward", "-")),
            ListenerRule::Rejects(share) => {
                (share, ("authenticate", "AuthInvalidCookie"), ("authenticate,forward", "-"))
            }
            ListenerRule::IdentityFails(share) => {
                (share, ("authenticate", "AuthTokenEpRequestTimeout"), ("authenticate,forward", "-"))
            }
            ListenerRule::Fixed(_) => (1.0, ("fixed-response", "-"), ("fixed-response", "-")),
            _ => {
                let function = self.plan.groups[group].function;
                if let Some(function) = function {
                    self.invoke(key, group, function);
                }
                return function.is_some();
            }
        };
        let is_settled = self.chance.is(share);
        request.rule = if is_settled { settled } else { passed };
        if !is_settled {
            return false;
        }
        let late = self.chance.exponential(MILLISECOND);
        let (wait, status, bytes, cause) = match self.rules[group] {
            ListenerRule::WafFails(_) => (WAF_TIMEOUT + late, 500, 277, Some(TrueCause::WafUnavailable)),
            ListenerRule::Rejects(_) => (late, 401, 290, None),
            ListenerRule::IdentityFails(_) => {
                (IDENTITY_TIMEOUT + late, 500, 277, Some(TrueCause::IdentityProviderError))
            }
            ListenerRule::Fixed(status) => (0, status, 184, None),
            _ => (late, 403, 520, None),
        };
        self.end_untargeted(key, self.now + wait, status, bytes, cause);
        true
    }

    fn invoke(&mut self, key: ArenaKey, group: usize, function: Function) {
        let Some(request) = open(&mut self.requests, key) else { return };
        request.sent = Some(self.now);
        let rule = self.rules[group];
        let refused = match rule {
            ListenerRule::FunctionDenied => Some(("LambdaAccessDenied", TrueCause::LambdaMisconfigured)),
            _ if self.functions[group] >= function.concurrency => {
                Some(("LambdaThrottling", TrueCause::LambdaThrottled))
            }
            _ => None,
        };
        if let Some((reason, cause)) = refused {
            (request.rule.1, request.blame) = (reason, Some(cause));
            self.functions[group] += 1;
            let time = 4 * MILLISECOND + self.chance.exponential(5 * MILLISECOND);
            self.after(time, ModelEvent::FunctionOver { request: key, group });
            return;
        }
        let pace = if let ListenerRule::FunctionPace(pace) = rule { pace } else { 1.0 };
        let (time, bytes) = match request.arrival.call {
            Call::PlannedRoute { route, .. } => (self.chance.log_normal(route.median, route.sigma), route.bytes.1),
            _ => (self.chance.log_normal(5 * MILLISECOND, 0.5), 300),
        };
        let mut time = scaled(time, pace) + 3 * MILLISECOND;
        request.answer = Some((200, bytes + self.chance.below(bytes + 1)));
        let wrong = match rule {
            ListenerRule::FunctionThrows(share) if self.chance.is(share) => {
                Some(("LambdaUnhandled", TrueCause::LambdaError))
            }
            ListenerRule::FunctionMumbles(share) if self.chance.is(share) => {
                Some(("LambdaInvalidResponse", TrueCause::LambdaError))
            }
            _ if time > function.timeout => {
                time = function.timeout + self.chance.between(MILLISECOND, 12 * MILLISECOND);
                Some(("LambdaUnhandled", TrueCause::LambdaTimeout))
            }
            _ => None,
        };
        if let Some((reason, cause)) = wrong {
            (request.rule.1, request.blame) = (reason, Some(cause));
        }
        self.functions[group] += 1;
        self.after(time, ModelEvent::FunctionOver { request: key, group });
    }

    pub(super) fn function_over(&mut self, key: ArenaKey, group: usize) {
        self.functions[group] -= 1;
        let now = self.now;
        let Some(request) = open(&mut self.requests, key) else { return };
        let Some(sent) = request.sent else { return };
        let parts = [Some(ticks(request.received, sent)), Some(ticks(sent, now)), None];
        if let Some(cause) = request.blame {
            self.end_failed(key, parts, 502, cause);
            return;
        }
        let Some((status, bytes)) = request.answer else { return };
        let parts = [parts[0], parts[1], Some(0)];
        let ending = Ending { time: now, parts, elb_status: status, target_status: Some(status), sent_bytes: bytes };
        self.end(key, ending, None);
    }
}
