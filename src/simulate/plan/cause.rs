//! The true causes of failures.

/// Why a request failed, as recorded in `truth.jsonl`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::simulate) enum TrueCause {
    KeepAliveRace,
    ConnectionRefused,
    ConnectTimeout,
    IdleTimeoutExceeded,
    TargetCrash,
    DeployWithoutDraining,
    DeregistrationDelayElapsed,
    NoRegisteredTargets,
    ClientGaveUp,
    ApplicationError,
    TargetTlsHandshake,
    TargetRequestTimeout,
    TargetNotReady,
    TargetSaturated,
    MalformedResponse,
    InnerProxyError,
    DependencyOutage,
    LambdaError,
    LambdaTimeout,
    LambdaThrottled,
    LambdaMisconfigured,
    WafUnavailable,
    IdentityProviderError,
    TargetsRemoved,
    RestartInPlace,
    IdleConnectionDropped,
    ServerRecycling,
    NeverAnswered,
    ConnectionsExhausted,
    EarlyResponseReset,
    /// Nothing that the load balancer sees shows why.
    Unexplained,
}

impl TrueCause {
    /// The stable id, as in reports.
    pub(in crate::simulate) fn id(self) -> &'static str {
        match self {
            Self::KeepAliveRace => "keep-alive-race",
            Self::ConnectionRefused => "connection-refused",
            Self::ConnectTimeout => "connect-timeout",
            Self::IdleTimeoutExceeded => "idle-timeout-exceeded",
            Self::TargetCrash => "target-crash",
            Self::DeployWithoutDraining => "deploy-without-draining",
            Self::DeregistrationDelayElapsed => "deregistration-delay-elapsed",
            Self::NoRegisteredTargets => "no-registered-targets",
            Self::ClientGaveUp => "client-gave-up",
            Self::ApplicationError => "application-error",
            Self::TargetTlsHandshake => "target-tls-handshake",
            Self::TargetRequestTimeout => "target-request-timeout",
            Self::TargetNotReady => "target-not-ready",
            Self::TargetSaturated => "target-saturated",
            Self::MalformedResponse => "malformed-response",
            Self::InnerProxyError => "inner-proxy-error",
            Self::DependencyOutage => "dependency-outage",
            Self::LambdaError => "lambda-error",
            Self::LambdaTimeout => "lambda-timeout",
            Self::LambdaThrottled => "lambda-throttled",
            Self::LambdaMisconfigured => "lambda-misconfigured",
            Self::WafUnavailable => "waf-unavailable",
            Self::IdentityProviderError => "identity-provider-error",
            Self::TargetsRemoved => "targets-removed",
            Self::RestartInPlace => "restart-in-place",
            Self::IdleConnectionDropped => "idle-connection-dropped",
            Self::ServerRecycling => "server-recycling",
            Self::NeverAnswered => "never-answered",
            Self::ConnectionsExhausted => "connections-exhausted",
            Self::EarlyResponseReset => "early-response-reset",
            Self::Unexplained => "unexplained",
        }
    }
}
