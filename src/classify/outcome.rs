//! The outcomes, as data: id, title, who answered, and whether the request counts as failed.

use serde::{Serialize, Serializer};

/// Who made the answer that the client got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnsweredBy {
    /// The target, or a proxy inside it. The load balancer passed the answer on.
    Target,
    /// The load balancer, instead of a target.
    LoadBalancer,
    /// A rule of the listener: redirect, fixed response, authentication, AWS WAF.
    Rule,
    /// Nobody: the client was gone, or no status was sent.
    Nobody,
}

impl AnsweredBy {
    /// The stable id.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::Target => "target",
            Self::LoadBalancer => "load-balancer",
            Self::Rule => "rule",
            Self::Nobody => "nobody",
        }
    }

    /// The name for people.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Target => "target",
            Self::LoadBalancer => "load balancer",
            Self::Rule => "listener rule",
            Self::Nobody => "nobody",
        }
    }
}

/// A row of the table of outcomes.
struct Info {
    id: &'static str,
    title: &'static str,
    answered_by: AnsweredBy,
    is_failure: bool,
}

macro_rules! outcomes {
    ($($(#[$doc:meta])* $name:ident, $id:literal, $title:literal, $by:ident, $failure:literal;)*) => {
        /// How a request ended, judged by its own log line alone. Ids are stable: they are part of reports and
        /// exports.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Outcome {
            $($(#[$doc])* $name,)*
        }

        impl Outcome {
            /// Every outcome, in the order in which reports list them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            const INFO: &'static [Info] = &[$(Info {
                id: $id,
                title: $title,
                answered_by: AnsweredBy::$by,
                is_failure: $failure,
            }),*];
        }
    };
}

outcomes! {
    /// The target answered 1xx, 2xx or 3xx.
    Ok, "ok", "answered", Target, false;
    /// The target answered 4xx.
    TargetClientError, "target-client-error", "4xx by the target", Target, false;
    /// The target answered 5xx other than 502, 503 and 504.
    TargetError, "target-error", "5xx by the target", Target, true;
    /// The target answered 502, 503 or 504: a proxy inside it did, or an application that uses these statuses itself.
    TargetGatewayError, "target-gateway-error", "502, 503 or 504 by the target itself", Target, true;
    /// The load balancer could not connect: refused, unreachable, or a failed TLS handshake. All times are absent.
    ConnectFailed, "connect-failed", "connection to the target failed", LoadBalancer, true;
    /// No connection within the load balancer's 10 seconds.
    ConnectTimeout, "connect-timeout", "no connection within 10 s", LoadBalancer, true;
    /// The request was sent, and the connection was closed before an answer began.
    ClosedBeforeResponse, "closed-before-response", "target closed before answering", LoadBalancer, true;
    /// An HTTP/2 stream was reset.
    StreamReset, "stream-reset", "HTTP/2 stream reset", LoadBalancer, true;
    /// The target answered, and the load balancer did not accept it.
    ResponseRejected, "response-rejected", "answer not accepted by the load balancer", LoadBalancer, true;
    /// The target was silent for longer than the idle timeout.
    IdleTimeout, "idle-timeout", "no answer before the idle timeout", LoadBalancer, true;
    /// The target's answer began and was not finished in time.
    IncompleteResponse, "incomplete-response", "answer not finished in time", LoadBalancer, true;
    /// A 504 without a request or target processing time that fits no other timeout: the line names no target, or its
    /// elapsed time is unknown or shorter than the connect timeout.
    TimeoutUnspecified, "timeout-unspecified", "timed out; the line does not show where", LoadBalancer, true;
    /// The target group had no target to send to.
    NoTarget, "no-target", "no target to send to", LoadBalancer, true;
    /// A target was chosen, but the load balancer answered 503 instead of it.
    TargetUnavailable, "target-unavailable", "503 by the load balancer, with a target chosen", LoadBalancer, true;
    /// A Lambda function failed or answered something unusable.
    LambdaError, "lambda-error", "Lambda function failed", LoadBalancer, true;
    /// Lambda did not answer in time.
    LambdaTimeout, "lambda-timeout", "Lambda timed out", LoadBalancer, true;
    /// The function was throttled.
    LambdaThrottled, "lambda-throttled", "Lambda throttled", LoadBalancer, true;
    /// The function cannot run as configured.
    LambdaMisconfigured, "lambda-misconfigured", "Lambda function misconfigured", LoadBalancer, true;
    /// Another 5xx made by the load balancer.
    LoadBalancerError, "load-balancer-error", "another 5xx by the load balancer", LoadBalancer, true;
    /// The load balancer got no verdict from AWS WAF.
    WafFailed, "waf-failed", "AWS WAF gave no decision", Rule, true;
    /// The identity provider or its key set failed.
    IdentityProviderError, "identity-provider-error", "identity provider failed", Rule, true;
    /// The client closed before the load balancer sent the request to a target.
    ClientClosedBeforeDispatch, "client-closed-before-dispatch", "client closed before dispatch", Nobody, true;
    /// The client closed while the target was working on the request.
    ClientClosedAfterDispatch, "client-closed-after-dispatch", "client closed while the target worked", Nobody, true;
    /// The request used a transfer encoding that is not implemented.
    UnsupportedTransferEncoding, "unsupported-transfer-encoding", "unsupported transfer encoding", LoadBalancer, true;
    /// The request came in an unexpected HTTP version.
    UnsupportedHttpVersion, "unsupported-http-version", "unsupported HTTP version", LoadBalancer, true;
    /// A redirect rule produced a URL that is too long.
    RedirectUrlTooLong, "redirect-url-too-long", "redirect URL too long", Rule, true;
    /// AWS WAF rejected the request.
    WafBlocked, "waf-blocked", "blocked by AWS WAF", Rule, false;
    /// The user was not authenticated.
    AuthenticationFailed, "authentication-failed", "authentication failed", Rule, false;
    /// A rule redirected the client.
    Redirect, "redirect", "redirected by a rule", Rule, false;
    /// A rule answered with its configured response. That is deliberate, whatever the status.
    FixedResponse, "fixed-response", "fixed response of a rule", Rule, false;
    /// The request was not HTTP, or was never complete.
    MalformedRequest, "malformed-request", "malformed request", LoadBalancer, false;
    /// The request was blocked as a severe desync risk.
    DesyncBlocked, "desync-blocked", "blocked as a desync risk", LoadBalancer, false;
    /// The request broke a rule of HTTP or a size limit.
    BadRequest, "bad-request", "bad request", LoadBalancer, false;
    /// The load balancer answered 403 without AWS WAF.
    Forbidden, "forbidden", "403 by the load balancer", LoadBalancer, false;
    /// The method is not allowed (TRACE).
    MethodNotAllowed, "method-not-allowed", "method not allowed", LoadBalancer, false;
    /// The client did not send its request in time.
    RequestTimeout, "request-timeout", "client too slow to send", LoadBalancer, false;
    /// The request was too large.
    RequestTooLarge, "request-too-large", "request too large", LoadBalancer, false;
    /// The URL was too long.
    UriTooLong, "uri-too-long", "URL too long", LoadBalancer, false;
    /// `X-Forwarded-For` named more than 30 addresses.
    ForwardedForTooLong, "forwarded-for-too-long", "X-Forwarded-For too long", LoadBalancer, false;
    /// The request's protocol does not fit the target group's.
    ProtocolMismatch, "protocol-mismatch", "protocol does not fit the target group", LoadBalancer, false;
    /// Another 4xx made by the load balancer.
    LoadBalancerClientError, "load-balancer-client-error", "another 4xx by the load balancer", LoadBalancer, false;
    /// The load balancer itself answered with a status below 400.
    LoadBalancerAnswer, "load-balancer-answer", "answered without a target", LoadBalancer, false;
    /// No status was sent.
    NoStatus, "no-status", "no status sent", Nobody, false;
    /// A status outside of 100 to 599.
    UnknownStatus, "unknown-status", "status outside of 100 to 599", LoadBalancer, false;
}

impl Outcome {
    /// The number of outcomes. Every [`Outcome::index`] is below it.
    pub const COUNT: usize = Self::ALL.len();

    /// The index in [`Outcome::ALL`].
    #[must_use]
    #[inline]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The stable id.
    #[must_use]
    pub fn id(self) -> &'static str {
        Self::INFO[self.index()].id
    }

    /// A phrase for people. It starts in lower case, unless with a name.
    #[must_use]
    pub fn title(self) -> &'static str {
        Self::INFO[self.index()].title
    }

    /// Who made the answer.
    #[must_use]
    pub fn answered_by(self) -> AnsweredBy {
        Self::INFO[self.index()].answered_by
    }

    /// Whether the request counts as failed: the client got a 5xx that nobody intended, or left before an answer
    /// (460).
    ///
    /// A fixed response and a block by AWS WAF are intended, whatever their status. Any other 4xx is a matter between
    /// the client and the service.
    #[must_use]
    #[inline]
    pub fn is_failure(self) -> bool {
        Self::INFO[self.index()].is_failure
    }
}

impl Outcome {
    /// Whether the load balancer or a rule refused the client. Such a request does not count as failed, but somebody
    /// may want to know.
    #[must_use]
    #[inline]
    pub fn is_refusal(self) -> bool {
        matches!(
            self,
            Self::WafBlocked
                | Self::AuthenticationFailed
                | Self::MalformedRequest
                | Self::DesyncBlocked
                | Self::BadRequest
                | Self::Forbidden
                | Self::MethodNotAllowed
                | Self::RequestTimeout
                | Self::RequestTooLarge
                | Self::UriTooLong
                | Self::ForwardedForTooLong
                | Self::ProtocolMismatch
                | Self::LoadBalancerClientError
        )
    }
}

impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id())
    }
}
