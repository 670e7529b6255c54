//! Classifies one request: who answered it, and how it ended.
//!
//! [`classify`] takes an [`Exchange`], made from the fields of one log line, and returns an [`Outcome`]. The rules
//! are the rows of a table, [`ROWS`], tried in order. Only the line's own fields count here. [`crate::diagnose`]
//! finds out why requests ended that way; it sees all requests together.

mod outcome;
mod reason;

use std::ops::Range;
use std::time::Duration;

pub use outcome::{AnsweredBy, Outcome};
pub use reason::Reason;

use crate::timestamp::Timestamp;

/// The connect timeout from a load balancer to its targets, which cannot be changed.
///
/// Source: <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html>
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Elapsed times that count as [`CONNECT_TIMEOUT`]. A request may end earlier because clocks differ, or later because
/// the connection took some time before the TLS handshake timed out. In genuine lines it ends 1 to 3 ms late.
const CONNECT_TIMEOUT_ENDS: Range<Duration> = Duration::from_millis(9_500)..Duration::from_millis(11_500);

/// What classification and diagnosis need of one log line.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of the line, and they are independent")]
pub struct Exchange<'a> {
    /// When the load balancer produced the response (WebSocket: when the connection closed).
    pub time: Timestamp,
    /// The load balancer's resource id, `app/<name>/<id>`.
    pub load_balancer: &'a [u8],
    /// The target group's ARN. Absent when no rule forwarded the request.
    pub target_group: Option<&'a [u8]>,
    /// The load balancer node that handled the request. Absent when the line does not name it.
    pub node: Option<&'a [u8]>,
    /// The client, `address:port`.
    pub client: &'a [u8],
    /// The client's `User-Agent`. Absent when the line has none.
    pub user_agent: Option<&'a [u8]>,
    /// The target, `address:port`. Absent when none was chosen, and for Lambda functions.
    pub target: Option<&'a [u8]>,
    /// The request's method, as the client sent it. Absent when the client never sent a complete request.
    pub method: Option<&'a [u8]>,
    /// The path of the request's URL, without the query. Absent when the line has no URL.
    pub path: Option<&'a [u8]>,
    /// The status sent to the client. Absent when none was (`-`, `000`).
    pub elb_status_code: Option<u16>,
    /// The status that the target answered with. Absent when it did not answer.
    pub target_status_code: Option<u16>,
    /// From the request's receipt to its dispatch. Absent when it was not dispatched.
    pub request_processing_time: Option<Duration>,
    /// From dispatch to the target's first header. Absent when none came.
    pub target_processing_time: Option<Duration>,
    /// From the target's first header to the first byte sent to the client. Absent when no answer came.
    pub response_processing_time: Option<Duration>,
    /// How long the whole request took.
    pub elapsed: Elapsed,
    /// The code in the `error_reason` field. Absent when the line has none.
    pub error_reason: Option<&'a [u8]>,
    /// The class of that code.
    pub reason: Reason,
    /// The actions in the `actions_executed` field.
    pub actions: Actions,
    /// Whether the request was classified as a severe desync risk.
    pub is_severe: bool,
    /// The code in the `classification_reason` field: how the request's form differs from the HTTP standard. Absent
    /// when it does not.
    pub classification_reason: Option<&'a [u8]>,
    /// Whether an HTTP/2 `RST_STREAM` code is logged.
    pub has_stream_reset: bool,
    /// Whether the request had 100 kB or more: then bytes may have flowed to the target before it answered.
    pub is_upload: bool,
    /// Whether the line is about a WebSocket connection. The elapsed time is then how long the connection lasted.
    pub is_web_socket: bool,
}

impl Exchange<'_> {
    /// How long the target was silent before it answered or closed the connection, if it was for longer than a second.
    ///
    /// `None` for uploads: bytes may have flowed in that time.
    #[must_use]
    #[inline]
    pub fn silence(&self) -> Option<Duration> {
        let silence = self.target_processing_time.filter(|time| *time > Duration::from_secs(1))?;
        (!self.is_upload && !self.is_web_socket && self.elb_status_code != Some(504)).then_some(silence)
    }
}

/// `time − request_creation_time`: the only duration that every failed request has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Elapsed {
    /// Exact to the millisecond.
    Exact(Duration),
    /// Measured from the whole second in the trace id, because the line has no `request_creation_time`. Too long by
    /// up to a second.
    FromTraceId(Duration),
    /// The line does not say, its trace id is too old to be of this request, or by its times the request would have
    /// ended before it began.
    Unknown,
}

impl Elapsed {
    /// The elapsed time if it is known to the millisecond, otherwise `None`.
    #[must_use]
    pub fn exact(self) -> Option<Duration> {
        match self {
            Self::Exact(elapsed) => Some(elapsed),
            Self::FromTraceId(_) | Self::Unknown => None,
        }
    }
}

/// The set of actions that a rule executed. It keeps only those that show who answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Actions(u8);

impl Actions {
    /// The line is too old to have the field.
    pub const UNKNOWN: Self = Self(1);
    /// No action ran, or none of those that are kept here.
    pub const NONE: Self = Self(0);
    /// `forward`
    pub const FORWARD: Self = Self(2);
    /// `redirect`
    pub const REDIRECT: Self = Self(4);
    /// `fixed-response`
    pub const FIXED_RESPONSE: Self = Self(8);
    /// `waf` as the last action: AWS WAF rejected the request.
    pub const WAF_LAST: Self = Self(16);
    /// `waf-failed`
    pub const WAF_FAILED: Self = Self(32);
    /// `authenticate`
    pub const AUTHENTICATE: Self = Self(64);

    /// Parses the comma-separated list of the log. Actions that are not kept here are ignored.
    #[must_use]
    #[inline]
    pub fn parse(list: &[u8]) -> Self {
        if list == b"forward" {
            return Self::FORWARD;
        }
        let mut actions = Self::NONE;
        let mut latest: &[u8] = b"";
        for action in list.split(|&byte| byte == b',') {
            latest = action;
            actions.0 |= match action {
                b"forward" => Self::FORWARD.0,
                b"redirect" => Self::REDIRECT.0,
                b"fixed-response" => Self::FIXED_RESPONSE.0,
                b"waf-failed" => Self::WAF_FAILED.0,
                b"authenticate" => Self::AUTHENTICATE.0,
                _ => 0,
            };
        }
        if latest == b"waf" {
            actions.0 |= Self::WAF_LAST.0;
        }
        actions
    }

    /// Whether this set has any of the actions in `wanted`.
    #[must_use]
    pub fn has_any(self, wanted: Self) -> bool {
        self.0 & wanted.0 != 0
    }

    /// The union of both sets.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// One rule: a pattern over an [`Exchange`], and the outcome of the requests that match it.
#[derive(Clone, Copy, Debug)]
pub struct OutcomeRow {
    /// The outcome of a request that matches.
    pub outcome: Outcome,
    elb_status_code: Status,
    target_status_code: TargetStatus,
    target: Is,
    request_time: Is,
    target_time: Is,
    response_time: Is,
    elapsed: ElapsedIs,
    reason: &'static [Reason],
    actions: Actions,
    method: Is,
    severe: Is,
    stream_reset: Is,
}

#[derive(Clone, Copy, Debug)]
enum Status {
    Any,
    None,
    Is(u16),
    Within(u16, u16),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TargetStatus {
    Any,
    Absent,
    Same,
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Is {
    Any,
    Present,
    Absent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ElapsedIs {
    Any,
    /// Within [`CONNECT_TIMEOUT_ENDS`].
    ConnectTimeout,
    /// Longer than [`CONNECT_TIMEOUT_ENDS`].
    Longer,
}

impl Is {
    fn fits(self, present: bool) -> bool {
        match self {
            Self::Any => true,
            Self::Present => present,
            Self::Absent => !present,
        }
    }
}

impl Status {
    #[inline]
    fn fits(self, status: Option<u16>) -> bool {
        match (self, status) {
            (Self::Any, _) | (Self::None, None) => true,
            (Self::Is(wanted), Some(status)) => status == wanted,
            (Self::Within(low, high), Some(status)) => (low..=high).contains(&status),
            (Self::None, Some(_)) | (Self::Is(_) | Self::Within(..), None) => false,
        }
    }
}

impl OutcomeRow {
    /// Whether it fits all that `other` fits, given a status that both fit.
    fn takes_all_of(&self, other: &Self) -> bool {
        let is = |row: &Self| {
            let times = [row.request_time, row.target_time, row.response_time];
            [times[0], times[1], times[2], row.target, row.method, row.severe, row.stream_reset]
        };
        is(self).into_iter().zip(is(other)).all(|(wanted, is)| wanted == Is::Any || wanted == is)
            && (self.target_status_code == TargetStatus::Any || self.target_status_code == other.target_status_code)
            && (self.elapsed == ElapsedIs::Any || self.elapsed == other.elapsed)
            && (self.reason.is_empty() || self.reason == other.reason)
            && (self.actions == Actions::NONE || self.actions == other.actions)
    }

    const fn new(outcome: Outcome, elb_status_code: Status) -> Self {
        Self {
            outcome,
            elb_status_code,
            target_status_code: TargetStatus::Any,
            target: Is::Any,
            request_time: Is::Any,
            target_time: Is::Any,
            response_time: Is::Any,
            elapsed: ElapsedIs::Any,
            reason: &[],
            actions: Actions::NONE,
            method: Is::Any,
            severe: Is::Any,
            stream_reset: Is::Any,
        }
    }

    /// Matches by the status that the target answered with.
    const fn target_answered(mut self, status: TargetStatus) -> Self {
        self.target_status_code = status;
        self
    }

    /// Matches by which of the three processing times are present: request, target, response.
    const fn times(mut self, request: Is, target: Is, response: Is) -> Self {
        (self.request_time, self.target_time, self.response_time) = (request, target, response);
        self
    }

    const fn target(mut self, target: Is) -> Self {
        self.target = target;
        self
    }

    const fn elapsed(mut self, elapsed: ElapsedIs) -> Self {
        self.elapsed = elapsed;
        self
    }

    /// Matches any of these reasons.
    const fn reason(mut self, reasons: &'static [Reason]) -> Self {
        self.reason = reasons;
        self
    }

    /// Matches any of these actions.
    const fn actions(mut self, actions: Actions) -> Self {
        self.actions = actions;
        self
    }

    fn fits(&self, exchange: &Exchange<'_>) -> bool {
        let target_status_fits = match self.target_status_code {
            TargetStatus::Any => true,
            TargetStatus::Absent => exchange.target_status_code.is_none(),
            TargetStatus::Same => {
                exchange.target_status_code.is_some() && exchange.target_status_code == exchange.elb_status_code
            }
            TargetStatus::Other => {
                exchange.target_status_code.is_some() && exchange.target_status_code != exchange.elb_status_code
            }
        };
        self.elb_status_code.fits(exchange.elb_status_code)
            && target_status_fits
            && self.target.fits(exchange.target.is_some())
            && self.request_time.fits(exchange.request_processing_time.is_some())
            && self.target_time.fits(exchange.target_processing_time.is_some())
            && self.response_time.fits(exchange.response_processing_time.is_some())
            && self.elapsed.fits(exchange.elapsed)
            && (self.reason.is_empty() || self.reason.contains(&exchange.reason))
            && (self.actions == Actions::NONE || exchange.actions.has_any(self.actions))
            && self.method.fits(exchange.method.is_some())
            && self.severe.fits(exchange.is_severe)
            && self.stream_reset.fits(exchange.has_stream_reset)
    }
}

impl ElapsedIs {
    fn fits(self, elapsed: Elapsed) -> bool {
        let Range { start, mut end } = CONNECT_TIMEOUT_ENDS;
        let elapsed = match elapsed {
            Elapsed::Exact(elapsed) => elapsed,
            Elapsed::FromTraceId(elapsed) => {
                end += Duration::from_secs(1);
                elapsed
            }
            Elapsed::Unknown => return matches!(self, Self::Any),
        };
        match self {
            Self::Any => true,
            Self::ConnectTimeout => (start..end).contains(&elapsed),
            Self::Longer => elapsed >= end,
        }
    }
}

const ANY_5XX: Status = Status::Within(500, 599);
const LAMBDA_5XX: OutcomeRow = OutcomeRow::new(Outcome::LambdaError, ANY_5XX).target_answered(TargetStatus::Absent);

const fn outcome(row: OutcomeRow, outcome: Outcome) -> OutcomeRow {
    OutcomeRow { outcome, ..row }
}

/// The table of rules. The first row that matches gives the outcome; the last row matches everything.
///
/// Sources: the access log page of the user guide (fields, `-1`, `error_reason`) and its troubleshooting page (what
/// each status means),
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html>. If those
/// pages and lines seen in the wild differ, every documented form is accepted: the line of an idle timeout may have a
/// target processing time or not, and in archives from before 2023 it has no processing times at all.
pub static ROWS: &[OutcomeRow] = &[
    // The client closed first, whatever the target did or would have done.
    OutcomeRow::new(Outcome::ClientClosedBeforeDispatch, Status::Is(460)).times(Is::Absent, Is::Any, Is::Any),
    OutcomeRow::new(Outcome::ClientClosedAfterDispatch, Status::Is(460)),
    // The target answered and the load balancer passed it on.
    OutcomeRow::new(Outcome::Ok, Status::Within(100, 399)).target_answered(TargetStatus::Same),
    OutcomeRow::new(Outcome::TargetClientError, Status::Within(400, 499)).target_answered(TargetStatus::Same),
    OutcomeRow::new(Outcome::TargetGatewayError, Status::Within(502, 504)).target_answered(TargetStatus::Same),
    OutcomeRow::new(Outcome::TargetError, ANY_5XX).target_answered(TargetStatus::Same),
    // A rule answered before any target.
    OutcomeRow::new(Outcome::WafFailed, ANY_5XX).target_answered(TargetStatus::Absent).reason(&[Reason::Waf]),
    OutcomeRow::new(Outcome::WafFailed, ANY_5XX)
        .target_answered(TargetStatus::Absent)
        .target(Is::Absent)
        .actions(Actions::WAF_FAILED),
    OutcomeRow::new(Outcome::WafBlocked, Status::Any).target_answered(TargetStatus::Absent).actions(Actions::WAF_LAST),
    OutcomeRow::new(Outcome::IdentityProviderError, Status::Within(561, 562)),
    OutcomeRow::new(Outcome::IdentityProviderError, ANY_5XX)
        .reason(&[Reason::Authentication, Reason::IdentityProvider]),
    OutcomeRow::new(Outcome::AuthenticationFailed, Status::Within(400, 499))
        .target_answered(TargetStatus::Absent)
        .reason(&[Reason::Authentication, Reason::IdentityProvider]),
    OutcomeRow::new(Outcome::AuthenticationFailed, Status::Is(401)).target_answered(TargetStatus::Absent),
    OutcomeRow::new(Outcome::FixedResponse, Status::Any)
        .target_answered(TargetStatus::Absent)
        .actions(Actions::FIXED_RESPONSE),
    OutcomeRow::new(Outcome::Redirect, Status::Within(300, 399)).target_answered(TargetStatus::Absent),
    // Lambda functions: error_reason names the failure.
    outcome(LAMBDA_5XX, Outcome::LambdaThrottled).reason(&[Reason::LambdaThrottled]),
    outcome(LAMBDA_5XX, Outcome::LambdaTimeout).reason(&[Reason::LambdaTimeout]),
    outcome(LAMBDA_5XX, Outcome::LambdaMisconfigured).reason(&[Reason::LambdaMisconfigured]),
    LAMBDA_5XX.reason(&[Reason::Lambda]),
    // 502 by the load balancer.
    OutcomeRow {
        stream_reset: Is::Present,
        ..OutcomeRow::new(Outcome::StreamReset, ANY_5XX).target_answered(TargetStatus::Absent)
    },
    OutcomeRow::new(Outcome::ResponseRejected, Status::Is(502)).target_answered(TargetStatus::Other),
    OutcomeRow::new(Outcome::ResponseRejected, Status::Is(502)).times(Is::Present, Is::Present, Is::Present),
    OutcomeRow::new(Outcome::ConnectFailed, Status::Is(502)).times(Is::Absent, Is::Absent, Is::Absent),
    OutcomeRow::new(Outcome::ClosedBeforeResponse, Status::Is(502)),
    // 504 by the load balancer.
    OutcomeRow::new(Outcome::IncompleteResponse, Status::Is(504)).target_answered(TargetStatus::Other),
    OutcomeRow::new(Outcome::IdleTimeout, Status::Is(504)).times(Is::Present, Is::Any, Is::Any),
    OutcomeRow::new(Outcome::IdleTimeout, Status::Is(504)).times(Is::Absent, Is::Present, Is::Any),
    OutcomeRow::new(Outcome::ConnectTimeout, Status::Is(504)).target(Is::Present).elapsed(ElapsedIs::ConnectTimeout),
    OutcomeRow::new(Outcome::IdleTimeout, Status::Is(504)).target(Is::Present).elapsed(ElapsedIs::Longer),
    OutcomeRow::new(Outcome::TimeoutUnspecified, Status::Is(504)),
    // 503 by the load balancer.
    OutcomeRow::new(Outcome::TargetUnavailable, Status::Is(503)).target(Is::Present),
    OutcomeRow::new(Outcome::NoTarget, Status::Is(503)).actions(Actions::FORWARD.or(Actions::UNKNOWN)),
    // Other statuses that the load balancer makes.
    OutcomeRow::new(Outcome::UnsupportedTransferEncoding, Status::Is(501)),
    OutcomeRow::new(Outcome::UnsupportedHttpVersion, Status::Is(505)),
    OutcomeRow::new(Outcome::RedirectUrlTooLong, Status::Is(507)),
    OutcomeRow::new(Outcome::LoadBalancerError, ANY_5XX),
    OutcomeRow { severe: Is::Present, ..OutcomeRow::new(Outcome::DesyncBlocked, Status::Is(400)) },
    OutcomeRow { method: Is::Absent, ..OutcomeRow::new(Outcome::MalformedRequest, Status::Is(400)) },
    OutcomeRow::new(Outcome::BadRequest, Status::Is(400)),
    OutcomeRow::new(Outcome::Forbidden, Status::Is(403)),
    OutcomeRow::new(Outcome::MethodNotAllowed, Status::Is(405)),
    OutcomeRow::new(Outcome::RequestTimeout, Status::Is(408)),
    OutcomeRow::new(Outcome::RequestTooLarge, Status::Is(413)),
    OutcomeRow::new(Outcome::UriTooLong, Status::Is(414)),
    OutcomeRow::new(Outcome::ForwardedForTooLong, Status::Is(463)),
    OutcomeRow::new(Outcome::ProtocolMismatch, Status::Is(464)),
    OutcomeRow::new(Outcome::LoadBalancerClientError, Status::Within(400, 499)),
    OutcomeRow::new(Outcome::LoadBalancerAnswer, Status::Within(100, 399)),
    OutcomeRow::new(Outcome::NoStatus, Status::None),
    OutcomeRow::new(Outcome::UnknownStatus, Status::Any),
];

/// The outcome of one request.
///
/// Every exchange has one: the table's last row fits everything.
#[must_use]
#[inline]
pub fn classify(exchange: &Exchange<'_>) -> Outcome {
    match (exchange.elb_status_code, exchange.target_status_code) {
        // A shortcut for nearly every line. A test checks that the table gives the same outcome.
        (Some(status @ 100..=399), Some(answered)) if status == answered => Outcome::Ok,
        _ => by_table(exchange),
    }
}

/// The outcomes that a request may have if the client got this status, in the order of the table.
#[must_use]
pub fn outcomes_of_status(status: u16) -> Vec<Outcome> {
    let mut rows: Vec<&OutcomeRow> = Vec::new();
    for row in ROWS.iter().filter(|row| row.elb_status_code.fits(Some(status))) {
        // What an earlier row takes does not get here.
        if !rows.iter().any(|earlier| earlier.takes_all_of(row)) {
            rows.push(row);
        }
    }
    let mut outcomes: Vec<Outcome> = Vec::new();
    for row in rows {
        if !outcomes.contains(&row.outcome) {
            outcomes.push(row.outcome);
        }
    }
    outcomes
}

/// The outcomes that codes of this class decide, in the order of the table. Empty for [`Reason::None`].
#[must_use]
pub fn outcomes_of_reason(reason: Reason) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for row in ROWS.iter().filter(|row| row.reason.contains(&reason)) {
        if !outcomes.contains(&row.outcome) {
            outcomes.push(row.outcome);
        }
    }
    outcomes
}

fn by_table(exchange: &Exchange<'_>) -> Outcome {
    ROWS.iter().find(|row| row.fits(exchange)).map_or(Outcome::UnknownStatus, |row| row.outcome)
}

#[cfg(test)]
pub(crate) mod tests;
