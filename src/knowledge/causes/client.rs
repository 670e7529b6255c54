//! What the client does.

use super::{Cause, IS_TARGET_HEALTHY, Risk, WHAT_ARE_ATTRIBUTES, WHAT_IS_TARGET_GROUP, check, method, setting};

pub(super) const CLIENT_GAVE_UP: Cause = Cause {
    id: "client-gave-up",
    title: "the client closed before an answer came",
    meaning: "The client, or a proxy in front of the load balancer such as CloudFront or API Gateway, ended the \
        connection while its request was still being worked on. The load balancer logs 460, a status that nobody \
        receives. The target often finishes the request all the same, for nobody.",
    evidence_for: &[
        "460, and an elapsed time piled up at a constant: a timeout of the caller (29 s is API Gateway's, 30 s is \
            CloudFront's)",
        "one client or one user agent",
        "broad times and browsers: people who leave, which they do all the time",
    ],
    evidence_against: &[
        "the same target was slow or failed for others at that time: find that cause first",
        "nothing was dispatched yet (request_processing_time is -1) and 504 beside it: connect-timeout",
        "received_bytes smaller than the client meant to send: an upload that was broken off",
    ],
    fix: "Make the answer faster, or the timeout of the client or of the proxy in front longer than the load \
        balancer's idle timeout.",
    settings: &[
        setting("CloudFront origin", r#""OriginReadTimeout": 65"#),
        setting("API Gateway REST integration, with a raised quota", r#""timeoutInMillis": 65000"#),
        setting("Node.js fetch", "fetch(url, { signal: AbortSignal.timeout(65_000) })"),
        setting("Java HttpClient", "HttpRequest.newBuilder(uri).timeout(Duration.ofSeconds(65))"),
        setting("Spring WebClient", "HttpClient.create().responseTimeout(Duration.ofSeconds(65))"),
        setting("Python requests", "requests.get(url, timeout=(3, 65))"),
        setting("Go net/http", "&http.Client{Timeout: 65 * time.Second}"),
        setting("nginx in front", "proxy_read_timeout 65s;"),
        setting("curl", "--max-time 65"),
    ],
    methods: &[
        method(
            "raise the timeout of the caller above the idle timeout",
            "the times pile up at its timeout",
            "10 min",
            Risk::Low,
        ),
        method("make the route faster", "people leave because it is slow", "hours", Risk::Medium),
        method("nothing", "few, spread over all times: people leaving", "0 min", Risk::Low),
    ],
    checks: &[
        WHAT_ARE_ATTRIBUTES,
        IS_TARGET_HEALTHY,
        check("how many 5xx did targets make at that time?", metric!("HTTPCode_Target_5XX_Count")),
    ],
    docs: page!("load-balancer-troubleshooting.html#http-460-issues"),
};

pub(super) const BAD_REQUEST: Cause = Cause {
    id: "bad-request",
    title: "the client's request could not be served",
    meaning: "The request broke HTTP's rules or a limit of the load balancer, was of a kind that it does not take, \
        or was not finished in time. No target saw it. Most of it is scanners, which send such requests to every \
        address; where it is a client of yours, that client has a fault.",
    evidence_for: &[
        "400, 405, 408, 414, 463, 501 or 507 with no target",
        "no host name, paths such as /.env, odd user agents: a scanner",
        "classification is Ambiguous or Severe: the desync protection blocked it",
    ],
    evidence_against: &["target_status_code is the same: the application said it", "464 or 505: protocol-mismatch"],
    fix: "Look at the client in the samples: a scanner needs no fix, a client of yours does.",
    settings: &[
        setting("load balancer, desync protection", "routing.http.desync_mitigation_mode=defensive"),
        setting("listener default action, for requests without your host name", "fixed-response 404"),
    ],
    methods: &[
        method("nothing", "scanners", "0 min", Risk::Low),
        method(
            "a rate rule in AWS WAF, and 404 as the listener's default",
            "scanners are a burden",
            "15 min",
            Risk::Low,
        ),
        method("correct the client: shorter headers and URLs, valid HTTP", "a client of yours", "hours", Risk::Low),
    ],
    checks: &[
        check("how many 4xx did the load balancer make?", metric!("HTTPCode_ELB_4XX_Count")),
        check(
            "which desync mode and header settings has the load balancer?",
            "aws elbv2 describe-load-balancer-attributes --region {region} --load-balancer-arn {load_balancer_arn}",
        ),
    ],
    docs: page!("load-balancer-troubleshooting.html#http-400-issues"),
};

pub(super) const PROTOCOL_MISMATCH: Cause = Cause {
    id: "protocol-mismatch",
    title: "the request's protocol does not fit the target group's",
    meaning: "A target group speaks one version of HTTP to its targets, and some versions of clients cannot be \
        turned into it: gRPC asks for HTTP/2 and POST, an HTTP/2 group does not take HTTP/1.1. The load balancer \
        then answers 464 without asking a target. 505 is a client that changed its version in the middle of a \
        connection.",
    evidence_for: &["464 or 505 with no target", "one kind of client, and every request of it"],
    evidence_against: &["502 with a target: the target does not speak the group's version (malformed-response)"],
    fix: "Set the target group's protocol version to what its clients speak (HTTP/1.1, HTTP/2, gRPC).",
    settings: &[
        setting("target group, any client", "--protocol-version HTTP1"),
        setting("target group, gRPC", "--protocol-version GRPC"),
        setting(
            "Kubernetes, AWS Load Balancer Controller",
            "alb.ingress.kubernetes.io/backend-protocol-version: HTTP1",
        ),
    ],
    methods: &[
        method(
            "make a target group with the right protocol version, and let the rule forward to it",
            "always: it cannot be changed",
            "15 min",
            Risk::Medium,
        ),
        method("send such clients to another rule", "both kinds of client are meant to come", "30 min", Risk::Medium),
    ],
    checks: &[
        WHAT_IS_TARGET_GROUP,
        check(
            "what do the listeners speak?",
            "aws elbv2 describe-listeners --region {region} --load-balancer-arn {load_balancer_arn}",
        ),
    ],
    docs: page!("load-balancer-troubleshooting.html#http-464-issues"),
};

pub(super) const REQUEST_TOO_LARGE: Cause = Cause {
    id: "request-too-large",
    title: "the request was too large",
    meaning: "A Lambda function takes a body of 1 MB at most. Whatever the target, a request line or a header may \
        have 16 KB, and all headers together 64 KB. The load balancer refuses what is larger without asking a \
        target.",
    evidence_for: &["413 or 414 with no target", "large received_bytes, or users with many cookies"],
    evidence_against: &["target_status_code is 413: the target's own limit, such as nginx's client_max_body_size"],
    fix: "Send less: a Lambda function takes at most 1 MB, and URLs and headers have limits of their own.",
    settings: &[
        setting("nginx, where the target itself says 413", "client_max_body_size 20m;"),
        setting("Express, where the target itself says 413", "app.use(express.json({ limit: '20mb' }))"),
    ],
    methods: &[
        method(
            "upload to S3 with a signed URL, and pass the key",
            "bodies of megabytes to Lambda",
            "hours",
            Risk::Medium,
        ),
        method("send parameters in the body, and fewer cookies", "long URLs or headers", "hours", Risk::Low),
    ],
    checks: &[
        WHAT_IS_TARGET_GROUP,
        check("how many 4xx did the load balancer make?", metric!("HTTPCode_ELB_4XX_Count")),
    ],
    docs: page!("load-balancer-troubleshooting.html#http-413-issues"),
};
