//! What goes wrong on the side of the client.

use super::{Cause, IS_TARGET_HEALTHY, Risk, WHAT_ARE_ATTRIBUTES, WHAT_IS_TARGET_GROUP, check, method, setting};
use crate::knowledge::Sign;

/// `client-gave-up`
pub static CLIENT_GAVE_UP: Cause = Cause {
    id: "client-gave-up",
    title: "the client closed the connection before an answer came",
    is_notice: false,
    meaning: "The client, or a proxy in front of the load balancer such as CloudFront or API Gateway, closed the \
        connection while its request was still being worked on. The load balancer logs 460, a status that nobody \
        receives. The target often finishes the request anyway.",
    evidence_for: &[
        "460, and elapsed times that pile up at one value: a timeout of the caller (29 s is API Gateway's, 30 s is \
            CloudFront's)",
        "one client or one user agent",
        "times of all lengths, and browsers: people who leave, which happens all the time",
    ],
    evidence_against: &[
        "the same target was slow or failed for others at that time: find that cause first",
        "nothing was dispatched yet (request_processing_time is -1), and other requests ended in 504: connect-timeout",
        "received_bytes is smaller than what the client meant to send: an aborted upload",
    ],
    fix: "Make the answer faster, or make the timeout of the client, or of the proxy in front, longer than the load \
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
            "raise the caller's timeout above the idle timeout",
            "the times pile up at the caller's timeout",
            "10 min",
            Risk::Low,
        )
        .if_shown(Sign::AfterAConstant),
        method("make the route faster", "people leave because it is slow", "hours", Risk::Medium),
        method("nothing", "few failures, with times of all lengths: people leaving", "0 min", Risk::Low),
    ],
    checks: &[
        WHAT_ARE_ATTRIBUTES,
        IS_TARGET_HEALTHY,
        check("how many 5xx did the targets return at that time?", metric!("HTTPCode_Target_5XX_Count")),
    ],
    docs: page!("load-balancer-troubleshooting.html#http-460-issues"),
};

/// `bad-request`
pub static BAD_REQUEST: Cause = Cause {
    id: "bad-request",
    title: "the client's request could not be served",
    is_notice: false,
    meaning: "The request broke HTTP's rules or a limit of the load balancer, was of a kind that the load balancer \
        does not support, or was not finished in time. No target saw it. Most such requests come from scanners, \
        which send them to every address; if one comes from a client of yours, that client has a fault.",
    evidence_for: &[
        "400, 405, 408, 414, 463, 501 or 507 with no target",
        "no host name, paths such as /.env, odd user agents: a scanner",
        "classification is Ambiguous or Severe: the desync protection blocked it",
    ],
    evidence_against: &["target_status_code is the same: the application answered it", "464 or 505: protocol-mismatch"],
    fix: "Look at the client in the samples: a scanner needs no fix, a client of yours does.",
    settings: &[
        setting("load balancer, desync protection", "routing.http.desync_mitigation_mode=defensive"),
        setting("listener default action, for requests without your host name", "fixed-response 404"),
    ],
    methods: &[
        method("nothing", "scanners", "0 min", Risk::Low),
        method(
            "add a rate rule in AWS WAF, and make 404 the listener's default",
            "scanners are a burden",
            "15 min",
            Risk::Low,
        ),
        method("fix the client: shorter headers and URLs, valid HTTP", "it is a client of yours", "hours", Risk::Low),
    ],
    checks: &[
        check("how many 4xx did the load balancer return?", metric!("HTTPCode_ELB_4XX_Count")),
        check(
            "which desync mode and header settings does the load balancer have?",
            "aws elbv2 describe-load-balancer-attributes --region {region} --load-balancer-arn {load_balancer_arn}",
        ),
    ],
    docs: page!("load-balancer-troubleshooting.html#http-400-issues"),
};

/// `protocol-mismatch`
pub static PROTOCOL_MISMATCH: Cause = Cause {
    id: "protocol-mismatch",
    title: "the request's protocol does not fit the target group's",
    is_notice: false,
    meaning: "A target group speaks one version of HTTP to its targets, and requests of some clients cannot be \
        converted to it: gRPC needs HTTP/2 and POST, and an HTTP/2 group does not accept HTTP/1.1. The load \
        balancer then answers 464 without asking a target. 505 means that a client changed its version in the \
        middle of a connection.",
    evidence_for: &["464 or 505 with no target", "one kind of client, and all its requests"],
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
            "create a target group with the right protocol version, and forward to it",
            "always: a target group's protocol version cannot be changed",
            "15 min",
            Risk::Medium,
        ),
        method("handle such clients in a rule of their own", "both kinds of client are wanted", "30 min", Risk::Medium),
    ],
    checks: &[
        WHAT_IS_TARGET_GROUP,
        check(
            "which protocols do the listeners speak?",
            "aws elbv2 describe-listeners --region {region} --load-balancer-arn {load_balancer_arn}",
        ),
    ],
    docs: page!("load-balancer-troubleshooting.html#http-464-issues"),
};

/// `request-too-large`
pub static REQUEST_TOO_LARGE: Cause = Cause {
    id: "request-too-large",
    title: "the request was too large",
    is_notice: true,
    meaning: "A Lambda function accepts a body of at most 1 MB. For any target, a request line or a header may have \
        at most 16 KB, and all headers together at most 64 KB. The load balancer refuses anything larger without \
        asking a target.",
    evidence_for: &["413 or 414 with no target", "large received_bytes, or users with many cookies"],
    evidence_against: &["target_status_code is 413: the target's own limit, such as nginx's client_max_body_size"],
    fix: "Send less: a Lambda function accepts at most 1 MB, and URLs and headers have limits of their own.",
    settings: &[
        setting("nginx, if the target itself answers 413", "client_max_body_size 20m;"),
        setting("Express, if the target itself answers 413", "app.use(express.json({ limit: '20mb' }))"),
    ],
    methods: &[
        method(
            "upload to S3 with a signed URL, and pass the key",
            "bodies of megabytes for Lambda",
            "hours",
            Risk::Medium,
        ),
        method("send parameters in the body, and fewer cookies", "long URLs or headers", "hours", Risk::Low),
    ],
    checks: &[
        WHAT_IS_TARGET_GROUP,
        check("how many 4xx did the load balancer return?", metric!("HTTPCode_ELB_4XX_Count")),
    ],
    docs: page!("load-balancer-troubleshooting.html#http-413-issues"),
};

/// `websocket-idle-timeout`
pub static WEBSOCKET_IDLE_TIMEOUT: Cause = Cause {
    id: "websocket-idle-timeout",
    title: "the load balancer closed silent WebSockets at its idle timeout",
    is_notice: true,
    meaning: "The idle timeout holds for WebSockets too: if neither side sends anything for that long, the load \
        balancer closes the connection. The log shows them as successes, 101, with the whole life of the connection \
        as elapsed time. Clients see a connection that breaks off, and connect again or stay without updates.",
    evidence_for: &[
        "ws or wss with status 101, whose elapsed time is the idle timeout, again and again",
        "hardly any bytes beyond those of the upgrade",
        "the same clients connect again right after",
    ],
    evidence_against: &[
        "elapsed times of all lengths: clients that leave",
        "they end at one instant on one target: target-crash, deploy-without-draining, server-recycling",
        "elapsed times at another constant: a timeout of the client, the server or a proxy",
    ],
    fix: "Send a ping every 20 to 30 s from the server or the client, or raise the idle timeout.",
    settings: &[
        setting("Node.js with ws", "setInterval(() => wss.clients.forEach(client => client.ping()), 25_000);"),
        setting("Socket.IO", "new Server(httpServer, { pingInterval: 25_000 })"),
        setting("uvicorn", "--ws-ping-interval 20"),
        setting("Python websockets", "serve(handler, port=8000, ping_interval=20)"),
        setting("Spring, STOMP", "registry.enableSimpleBroker().setHeartbeatValue(new long[] {20_000, 20_000});"),
        setting("SignalR", "options.KeepAliveInterval = TimeSpan.FromSeconds(15);"),
        setting("Go gorilla/websocket", "conn.WriteControl(websocket.PingMessage, nil, deadline) // every 25 s"),
        setting("Phoenix", "socket \"/live\", timeout: 45_000 # the client's heartbeat is 30 s"),
        setting("load balancer", "idle_timeout.timeout_seconds=300"),
    ],
    methods: &[
        method("send pings more often than the idle timeout", "always", "30 min", Risk::Low),
        method(
            "raise the idle timeout, and the servers' keep-alive timeouts above it",
            "neither side can be changed now",
            "5 min",
            Risk::Low,
        ),
        method("nothing", "clients connect again, and nobody misses anything", "0 min", Risk::Low),
    ],
    checks: &[
        WHAT_ARE_ATTRIBUTES,
        check("how many connections are there?", metric!("ActiveConnectionCount")),
        check("how many new connections came?", metric!("NewConnectionCount")),
    ],
    docs: page!("edit-load-balancer-attributes.html#connection-idle-timeout"),
};

/// `desync-mode`
pub static DESYNC_MODE: Cause = Cause {
    id: "desync-mode",
    title: "the load balancer refused requests because servers may read them differently",
    is_notice: true,
    meaning: "The load balancer compares the form of each request with the HTTP standard, and its desync mitigation \
        mode decides what happens to those that do not fit. The default mode, defensive, refuses the severe ones \
        with 400; the mode strictest refuses all that do not comply. A client that always writes its requests that \
        way never gets through, and no target sees it.",
    evidence_for: &[
        "400 with no target, and classification is Severe or Ambiguous; classification_reason says what is wrong",
        "one client or one user agent, and all its requests",
        "it began when the mode was changed, or with a release of the client",
    ],
    evidence_against: &[
        "classification is Acceptable or empty: bad-request",
        "the request has a target: it passed, and what follows is another cause",
        "many clients with paths such as /.env: scanners",
    ],
    fix: "Correct the client, as classification_reason says; if that cannot be done, use the mode defensive instead of \
        strictest, or monitor for as long as it takes.",
    settings: &[
        setting("load balancer, the default", "routing.http.desync_mitigation_mode=defensive"),
        setting("load balancer, to let everything pass", "routing.http.desync_mitigation_mode=monitor"),
        setting(
            "Kubernetes, AWS Load Balancer Controller",
            "alb.ingress.kubernetes.io/load-balancer-attributes: routing.http.desync_mitigation_mode=defensive",
        ),
        setting("client, GET without a body", "no Content-Length header"),
        setting("client, request with a body", "either Content-Length or Transfer-Encoding: chunked, and once"),
    ],
    methods: &[
        method(
            "correct the client: one Content-Length, valid headers, an encoded URL",
            "it is a client of yours",
            "hours",
            Risk::Low,
        ),
        method(
            "set the mode to defensive",
            "the mode is strictest, and the requests are Ambiguous",
            "5 min",
            Risk::Medium,
        ),
        method("nothing", "scanners, or clients that nobody knows", "0 min", Risk::Low),
        method(
            "set the mode to monitor for a while",
            "a client cannot be changed in time, and the targets read such requests as they are meant",
            "5 min",
            Risk::High,
        ),
    ],
    checks: &[
        check(
            "which desync mode does the load balancer have?",
            "aws elbv2 describe-load-balancer-attributes --region {region} --load-balancer-arn {load_balancer_arn}",
        ),
        check("how many requests did not comply?", metric!("DesyncMitigationMode_NonCompliant_Request_Count")),
        check("was the mode changed at that time, and by whom?", trail!("ModifyLoadBalancerAttributes")),
    ],
    docs: page!("edit-load-balancer-attributes.html#desync-mitigation-mode"),
};
