//! The causes, as data. Ids are stable: never renamed, never reused. A new cause is one row here.

/// A class of causes for failed requests.
#[derive(Debug, PartialEq, Eq)]
pub struct Cause {
    /// Kebab-case; stands in reports, exports and links.
    pub id: &'static str,
    /// What happened, in one phrase.
    pub title: &'static str,
    /// What to change.
    pub fix: &'static str,
    /// AWS's page on it.
    pub docs: &'static str,
}

/// The row of `id`. Absent when there is none.
#[must_use]
pub fn cause(id: &str) -> Option<&'static Cause> {
    CAUSES.iter().find(|cause| cause.id == id)
}

macro_rules! page {
    ($page:literal) => {
        concat!("https://docs.aws.amazon.com/elasticloadbalancing/latest/application/", $page)
    };
}

/// All of them, in the order of the documentation.
pub static CAUSES: &[Cause] = &[
    Cause {
        id: "keep-alive-race",
        title: "the target closed an idle kept-alive connection just as the load balancer reused it",
        fix: "Make the server's keep-alive timeout longer than the load balancer's idle timeout (75 s where that is 60 s).",
        docs: page!("load-balancer-troubleshooting.html#http-502-issues"),
    },
    Cause {
        id: "connection-refused",
        title: "nothing listens on the target's port",
        fix: "Start the process, bind it to 0.0.0.0 rather than 127.0.0.1, and make its port, the container port and the target group's port the same.",
        docs: page!("load-balancer-troubleshooting.html#http-502-issues"),
    },
    Cause {
        id: "connect-timeout",
        title: "packets to the target vanish: security group, network ACL, route, or a host that is gone",
        fix: "Let the target's security group accept the load balancer's on the target port, let network ACLs pass it and the ephemeral ports 1024-65535 back, and check that the host exists.",
        docs: page!("load-balancer-troubleshooting.html#http-504-issues"),
    },
    Cause {
        id: "target-tls-handshake",
        title: "TLS between load balancer and target fails",
        fix: "Let the target speak TLS 1.2 or 1.3 with a common cipher on that port, or set the target group's protocol to HTTP.",
        docs: page!("load-balancer-troubleshooting.html#http-502-issues"),
    },
    Cause {
        id: "idle-timeout-exceeded",
        title: "the target was silent for longer than the load balancer's idle timeout",
        fix: "Make the route faster or answer at once and work in the background; or raise the idle timeout, and the server's keep-alive timeout above it.",
        docs: page!("load-balancer-troubleshooting.html#http-504-issues"),
    },
    Cause {
        id: "target-request-timeout",
        title: "the target's own timeout cut requests off",
        fix: "Raise the server's worker or request timeout above the slowest legitimate request, and keep it below the idle timeout; move slow work out of the request.",
        docs: page!("load-balancer-troubleshooting.html#http-502-issues"),
    },
    Cause {
        id: "target-crash",
        title: "the process died with requests in flight",
        fix: "Find the exit code and the last log lines of that moment; raise the memory if it was killed for it, and fix what crashed.",
        docs: page!("load-balancer-troubleshooting.html#http-502-issues"),
    },
    Cause {
        id: "deploy-without-draining",
        title: "targets were taken away while requests still ran or still came",
        fix: "On SIGTERM stop accepting, finish what runs, then exit; give it time (stopTimeout, terminationGracePeriodSeconds) and, on Kubernetes, a preStop sleep longer than the deregistration takes.",
        docs: page!("edit-target-group-attributes.html#deregistration-delay"),
    },
    Cause {
        id: "deregistration-delay-elapsed",
        title: "long requests outlived the deregistration delay",
        fix: "Raise the target group's deregistration delay above the longest request, or make such requests shorter.",
        docs: page!("edit-target-group-attributes.html#deregistration-delay"),
    },
    Cause {
        id: "target-not-ready",
        title: "a new target got traffic before it could serve it",
        fix: "Let the health check prove readiness, give new targets a grace period longer than their start, and use slow start.",
        docs: page!("target-group-health-checks.html"),
    },
    Cause {
        id: "target-saturated",
        title: "the target had more requests than it could serve",
        fix: "Add targets, workers or connections; scale earlier; shed load that cannot be served.",
        docs: page!("load-balancer-troubleshooting.html#http-504-issues"),
    },
    Cause {
        id: "malformed-response",
        title: "the load balancer could not accept the target's answer",
        fix: "Send valid headers, one Content-Length that is true or chunked encoding but not both, and less than 32 KB of response headers.",
        docs: page!("load-balancer-troubleshooting.html#http-502-issues"),
    },
    Cause {
        id: "application-error",
        title: "the application itself answered 5xx",
        fix: "Look into the application's log at these moments; the trace ids are in the samples.",
        docs: page!("load-balancer-troubleshooting.html"),
    },
    Cause {
        id: "inner-proxy-error",
        title: "a proxy inside the target answered 502, 503 or 504 for its own upstream",
        fix: "Look into the inner proxy's error log; its upstream was down, refused, or slower than its own timeout.",
        docs: page!("load-balancer-troubleshooting.html"),
    },
    Cause {
        id: "dependency-outage",
        title: "all targets turned slow or failed at once: something they share",
        fix: "Give calls to the dependency timeouts below the idle timeout, a fallback and a circuit breaker.",
        docs: page!("load-balancer-troubleshooting.html#http-504-issues"),
    },
    Cause {
        id: "no-registered-targets",
        title: "the target group had no target to send to",
        fix: "Register targets, keep at least one through a deployment (minimum healthy percent, several replicas), and enable the zones they are in.",
        docs: page!("load-balancer-troubleshooting.html#http-503-issues"),
    },
    Cause {
        id: "client-gave-up",
        title: "the client closed before an answer came",
        fix: "Make the answer faster, or the timeout of the client or of the proxy in front longer than the load balancer's idle timeout.",
        docs: page!("load-balancer-troubleshooting.html#http-460-issues"),
    },
    Cause {
        id: "lambda-error",
        title: "the Lambda function failed or answered something unusable",
        fix: "Read the function's log; answer with a statusCode, string headers and at most 1 MB.",
        docs: page!("lambda-functions.html"),
    },
    Cause {
        id: "lambda-timeout",
        title: "Lambda did not answer in time",
        fix: "Make the function faster or its timeout longer, and check its network.",
        docs: page!("lambda-functions.html"),
    },
    Cause {
        id: "lambda-throttled",
        title: "the Lambda function was throttled",
        fix: "Raise the function's reserved concurrency or the account's limit.",
        docs: page!("lambda-functions.html"),
    },
    Cause {
        id: "lambda-misconfigured",
        title: "the Lambda function cannot run as it is set up",
        fix: "Check its permissions, VPC, keys and runtime; error_reason in the samples names which.",
        docs: page!("lambda-functions.html"),
    },
    Cause {
        id: "waf-blocked",
        title: "AWS WAF rejected the request",
        fix: "If the requests are legitimate, find the rule in the sampled requests of the web ACL and except them.",
        docs: page!("load-balancer-troubleshooting.html"),
    },
    Cause {
        id: "waf-unavailable",
        title: "AWS WAF could not be asked",
        fix: "Check the web ACL and the service's status; decide whether the load balancer shall fail open (waf.fail_open.enabled).",
        docs: page!("load-balancer-troubleshooting.html"),
    },
    Cause {
        id: "authentication-failed",
        title: "the user was not authenticated",
        fix: "error_reason in the samples names why; single cases are users, many at once are a configuration.",
        docs: page!("listener-authenticate-users.html"),
    },
    Cause {
        id: "identity-provider-error",
        title: "the identity provider or its keys could not be used",
        fix: "Check that the load balancer reaches the provider's endpoints within 5 s, and what they answer.",
        docs: page!("listener-authenticate-users.html"),
    },
    Cause {
        id: "bad-request",
        title: "the client's request could not be served",
        fix: "Look at the client in the samples: a scanner needs no fix, a client of yours does.",
        docs: page!("load-balancer-troubleshooting.html#http-400-issues"),
    },
    Cause {
        id: "protocol-mismatch",
        title: "the request's protocol does not fit the target group's",
        fix: "Set the target group's protocol version to what its clients speak (HTTP/1.1, HTTP/2, gRPC).",
        docs: page!("load-balancer-troubleshooting.html#http-464-issues"),
    },
    Cause {
        id: "request-too-large",
        title: "the request was too large",
        fix: "Send less: a Lambda function takes at most 1 MB, and URLs and headers have limits of their own.",
        docs: page!("load-balancer-troubleshooting.html#http-413-issues"),
    },
    Cause {
        id: "unexplained",
        title: "the log does not tell why",
        fix: "Compare with the target's log, its health checks and the events of its service at these moments.",
        docs: page!("load-balancer-troubleshooting.html"),
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_complete() {
        let mut ids: Vec<_> = CAUSES.iter().map(|cause| cause.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), CAUSES.len(), "an id stands twice");
        for cause in CAUSES {
            assert!(cause.id.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{}", cause.id);
            assert!(!cause.title.is_empty() && !cause.title.ends_with('.'), "{}", cause.id);
            assert!(cause.fix.ends_with('.'), "{}", cause.id);
            assert!(cause.docs.starts_with("https://docs.aws.amazon.com/"), "{}", cause.id);
        }
    }
}
