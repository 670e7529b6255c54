//! What goes wrong inside a target that is running.

use super::settings::REQUEST_TIMEOUT;
use super::{
    Cause, IS_TARGET_HEALTHY, Risk, WHAT_ARE_ATTRIBUTES, WHAT_ARE_GROUP_ATTRIBUTES, WHAT_DID_SERVICE_DO,
    WHAT_IS_TARGET_GROUP, WHO_OWNS_ADDRESS, WHY_DID_TASKS_STOP, check, method, setting,
};
use crate::knowledge::Sign;

/// `idle-timeout-exceeded`
pub static IDLE_TIMEOUT_EXCEEDED: Cause = Cause {
    id: "idle-timeout-exceeded",
    title: "the target was silent for longer than the load balancer's idle timeout",
    is_notice: false,
    meaning: "The target took the request and sent nothing for as long as the idle timeout lasts, 60 s unless it \
        was changed. The idle timeout is the load balancer's only limit on an answer, and it counts from the last \
        byte in either direction. The target may still be working on a request whose client has long since received \
        the 504.",
    evidence_for: &[
        "504 with no target_status_code, and an elapsed time exactly at the idle timeout",
        "a few slow routes, whose answered requests come close to the limit too",
        "for weeks, on all targets",
    ],
    evidence_against: &[
        "target_status_code is 504: a proxy inside the target gave up (inner-proxy-error)",
        "other routes of the same target became slow first: target-saturated",
        "every route of one target, and nothing is answered: its process hangs, or packets vanish (connect-timeout)",
        "all targets at the same moment: dependency-outage",
        "large received_bytes: the client sent slowly",
    ],
    fix: "Make the route faster or answer immediately and work in the background; or raise the idle timeout, and \
        the server's keep-alive timeout above it.",
    settings: &[
        setting("load balancer", "idle_timeout.timeout_seconds=180"),
        setting(
            "Kubernetes, AWS Load Balancer Controller",
            "alb.ingress.kubernetes.io/load-balancer-attributes: idle_timeout.timeout_seconds=180",
        ),
        setting("Node.js, with an idle timeout of 180 s", "server.keepAliveTimeout = 195_000;"),
        setting("gunicorn, with an idle timeout of 180 s", "--timeout 170 --keep-alive 195"),
        setting("uvicorn, with an idle timeout of 180 s", "--timeout-keep-alive 195"),
        setting("nginx, with an idle timeout of 180 s", "proxy_read_timeout 170s; keepalive_timeout 195s;"),
        setting("Spring Boot, with an idle timeout of 180 s", "server.tomcat.keep-alive-timeout=195s"),
        setting("Go net/http, with an idle timeout of 180 s", "&http.Server{IdleTimeout: 195 * time.Second}"),
        setting("PostgreSQL, to end queries that nobody waits for", "SET statement_timeout = '50s';"),
    ],
    methods: &[
        method(
            "raise the idle timeout, and the servers' keep-alive timeouts above it",
            "the requests are meant to take that long",
            "5 min",
            Risk::Low,
        )
        .if_shown(Sign::AnswersTakeLong),
        method(
            "make the route faster: a limit, an index, a cache, pages",
            "a query or a call became slow",
            "hours",
            Risk::Medium,
        ),
        method(
            "answer 202 immediately, work in the background, and let the client poll",
            "reports, exports, imports",
            "days",
            Risk::Medium,
        ),
        method("send a part of the answer every few seconds", "event streams and long polls", "hours", Risk::Low),
    ],
    checks: &[
        WHAT_ARE_ATTRIBUTES,
        check("how many 504s did the load balancer return?", metric!("HTTPCode_ELB_504_Count")),
        IS_TARGET_HEALTHY,
    ],
    docs: page!("load-balancer-troubleshooting.html#http-504-issues"),
};

/// `target-request-timeout`
pub static TARGET_REQUEST_TIMEOUT: Cause = Cause {
    id: "target-request-timeout",
    title: "the target's own timeout cut requests off",
    is_notice: false,
    meaning: "The server, or its supervisor, limits how long a request may take or a worker may be silent, and that \
        limit is shorter than the load balancer's idle timeout. When it expires, the connection is closed or the \
        worker is killed, and the load balancer, which got no answer, returns a 502. A killed worker also loses \
        everything else that it was doing.",
    evidence_for: &[
        "502 with target_processing_time piled up at one value, up to two seconds late if a supervisor checks once \
            a second",
        "slow routes only; the same target keeps answering others",
        "the constant is the default of a known server (30 s: gunicorn)",
    ],
    evidence_against: &[
        "504 rather than 502, at the idle timeout: idle-timeout-exceeded",
        "the target answered 5xx itself at the constant: inner-proxy-error, application-error",
        "all requests of the target end together: target-crash",
        "times of all lengths: a crash, or a deployment",
    ],
    fix: "Raise the server's worker or request timeout above the slowest legitimate request, and keep it below the \
        idle timeout; move slow work out of the request.",
    settings: REQUEST_TIMEOUT,
    methods: &[
        method(
            "raise the worker or request timeout, and leave it below the idle timeout",
            "the requests are legitimate; takes a rolling deployment",
            "15 min",
            Risk::Low,
        ),
        method(
            "use a worker class that is not killed for one slow request (gthread, gevent)",
            "gunicorn with sync workers",
            "30 min",
            Risk::Medium,
        ),
        method("move the slow work out of the request", "the work may take minutes", "days", Risk::Medium),
    ],
    checks: &[
        check("how many 502s did the load balancer return?", metric!("HTTPCode_ELB_502_Count")),
        WHAT_ARE_ATTRIBUTES,
        WHO_OWNS_ADDRESS,
    ],
    docs: page!("load-balancer-troubleshooting.html#http-502-issues"),
};

/// `target-saturated`
pub static TARGET_SATURATED: Cause = Cause {
    id: "target-saturated",
    title: "the target had more requests than it could serve",
    is_notice: false,
    meaning: "Requests came faster than the workers, connections or processor could finish them, so they queued. \
        First all answers become slow, then some requests meet the idle timeout or their clients leave, and a full \
        accept queue drops connections. Health checks wait in the same queue; targets that fail them are taken out, \
        and the other targets get their load too.",
    evidence_for: &[
        "the median of target_processing_time rises for minutes before the first failure",
        "connections time out on a target that answers others at the same time",
        "504, 460, resets and the target's own 503 together, and all of them end when the load drops",
        "more requests than before, or fewer targets",
    ],
    evidence_against: &[
        "no more requests than before, and all targets slow within the same minute: dependency-outage",
        "the median stays where it was and only a few routes fail: idle-timeout-exceeded",
        "the target answers nothing at all: connect-timeout",
    ],
    fix: "Add targets, workers or connections; scale earlier; shed load that cannot be served.",
    settings: &[
        setting("ECS service auto scaling", "ALBRequestCountPerTarget, target tracking"),
        setting("ECS task definition", r#""cpu": "1024", "memory": "2048""#),
        setting("target group", "load_balancing.algorithm.type=least_outstanding_requests"),
        setting("Kubernetes", "kubectl autoscale deployment app --cpu-percent=60 --min=3 --max=12"),
        setting("gunicorn", "--workers 5 --worker-class gthread --threads 8"),
        setting("uvicorn", "--workers 4 --limit-concurrency 200"),
        setting("waitress", "threads = 32, connection_limit = 1000"),
        setting("Puma", "workers 4; threads 5, 16"),
        setting("PHP-FPM", "pm.max_children = 50"),
        setting("Spring Boot with Tomcat", "server.tomcat.threads.max=400"),
        setting("nginx", "worker_connections 4096;"),
        setting("Linux accept queue", "net.core.somaxconn = 4096"),
    ],
    methods: &[
        method("add targets", "the service scales, and its dependencies can take more load", "10 min", Risk::Low),
        method("give each task more processor and memory", "tasks of less than one vCPU", "10 min", Risk::Medium),
        method("more workers, threads or pool connections", "processor and memory are idle", "15 min", Risk::Medium),
        method(
            "turn callers away: rate limits, AWS WAF, 429",
            "one caller makes the load, or nothing else helps in time",
            "15 min",
            Risk::Medium,
        ),
    ],
    checks: &[
        check("how many requests came?", metric!("RequestCount")),
        check("did the load balancer itself reject connections?", metric!("RejectedConnectionCount")),
        IS_TARGET_HEALTHY,
        WHAT_DID_SERVICE_DO,
    ],
    docs: page!("load-balancer-troubleshooting.html#http-504-issues"),
};

/// `malformed-response`
pub static MALFORMED_RESPONSE: Cause = Cause {
    id: "malformed-response",
    title: "the load balancer could not accept the target's answer",
    is_notice: false,
    meaning: "The target did answer, but the load balancer discarded the answer: header names or values that are \
        not allowed, two different lengths, a body that does not fit its length, more than 32 KB of headers, or \
        another protocol than the target group's. The application's log shows a success. It affects a route or a \
        kind of answer, whichever target serves it.",
    evidence_for: &[
        "502 with no target_status_code for nearly all requests of one route, while other routes are answered",
        "target_processing_time is what the route usually takes, on all targets",
        "it began with a release and survives restarts",
        "only some users: large cookies or tokens in the headers",
    ],
    evidence_against: &[
        "all routes of a target fail: target-crash, or a blocked network path",
        "single requests among many that are answered: keep-alive-race",
        "the target held the requests for a constant time: target-request-timeout",
    ],
    fix: "Send valid headers, either one correct Content-Length or chunked encoding, and less than 32 KB of \
        response headers.",
    settings: &[
        setting("target group, if HTTP/2 causes it", "--protocol-version HTTP1"),
        setting("nginx in front of the application, to drop a header", "proxy_hide_header X-Debug;"),
        setting("Node.js, to log the headers", "res.on('finish', () => console.log(res.getHeaders()))"),
    ],
    methods: &[
        method("roll back to the previous release", "it began with a release", "15 min", Risk::Medium)
            .if_shown(Sign::BeganInTheLog),
        method(
            "correct the header, the length or the encoding of the route",
            "the rejected answer is known",
            "hours",
            Risk::Low,
        ),
        method(
            "use a target group with protocol version HTTP1",
            "HTTP/2 target group, and a random share of all routes fails",
            "15 min",
            Risk::Medium,
        ),
    ],
    checks: &[
        check("what exactly does the target send, from within the VPC?", "curl -gsv --http1.1 http://{target}{path}"),
        WHAT_IS_TARGET_GROUP,
        check("how many 502s did the load balancer return?", metric!("HTTPCode_ELB_502_Count")),
    ],
    docs: page!("load-balancer-troubleshooting.html#http-502-issues"),
};

/// `application-error`
pub static APPLICATION_ERROR: Cause = Cause {
    id: "application-error",
    title: "the application itself answered 5xx",
    is_notice: false,
    meaning: "The target answered with a status of 5xx and the load balancer passed it on. Connection, process and \
        network did what they should; the fault is in the application or in what it calls. Its own log has the \
        reason.",
    evidence_for: &[
        "target_status_code is the same as elb_status_code, and not 502, 503 or 504",
        "all three times were measured",
    ],
    evidence_against: &[
        "no target_status_code: the load balancer made the error",
        "502, 503 or 504 by the target: more often a proxy inside it (inner-proxy-error)",
        "all targets at the same moment: dependency-outage",
    ],
    fix: "Look into the application's log at these moments; the trace ids are in the samples.",
    settings: &[],
    methods: &[
        method("roll back to the previous release", "it began with a release", "15 min", Risk::Medium)
            .if_shown(Sign::BeganInTheLog),
        method(
            "fix the exception that the log shows at the trace ids",
            "it did not begin with a release",
            "hours",
            Risk::Medium,
        ),
        method("replace the target", "one target only", "5 min", Risk::Low).if_shown(Sign::AtOneTarget),
    ],
    checks: &[
        check("how many 5xx did the targets return?", metric!("HTTPCode_Target_5XX_Count")),
        WHO_OWNS_ADDRESS,
        check("was the ECS service changed at that time?", trail!("UpdateService")),
    ],
    docs: page!("load-balancer-troubleshooting.html"),
};

/// `inner-proxy-error`
pub static INNER_PROXY_ERROR: Cause = Cause {
    id: "inner-proxy-error",
    title: "a proxy inside the target answered 502, 503 or 504 for its own upstream",
    is_notice: false,
    meaning: "The target is itself a proxy, such as nginx, Envoy, HAProxy or a sidecar, and its upstream was down, \
        refused the connection, or was slower than the proxy's own timeout. The load balancer passed on what the \
        proxy answered. Applications that answer 503 on purpose look the same.",
    evidence_for: &[
        "target_status_code is 502, 503 or 504",
        "the times pile up at a constant: 60 s is nginx's, 15 s is Envoy's and ECS Service Connect's, 50 s is in \
            HAProxy's examples",
        "nearly all answers have the same sent_bytes: an error page",
        "answers within milliseconds: the upstream refused, or the proxy had none",
    ],
    evidence_against: &[
        "no target_status_code: the load balancer made the error",
        "no proxy runs in the target: application-error",
        "different sizes and times: the application's own answer",
    ],
    fix: "Look into the inner proxy's error log; its upstream was down, refused connections, or was slower than the \
        proxy's own timeout.",
    settings: &[
        setting("nginx, timeouts", "proxy_connect_timeout 5s; proxy_read_timeout 55s; proxy_send_timeout 55s;"),
        setting("nginx, upstream", "keepalive 32; # with proxy_http_version 1.1; proxy_set_header Connection \"\";"),
        setting("Apache httpd", "ProxyTimeout 55"),
        setting("HAProxy", "timeout server 55s"),
        setting("Envoy route", "timeout: 55s"),
        setting("Traefik", "serversTransport.forwardingTimeouts.dialTimeout=5s"),
        setting("ECS Service Connect", r#""timeout": { "perRequestTimeoutSeconds": 55 }"#),
        setting("Pekko HTTP, Akka HTTP", "pekko.http.server.request-timeout = 55 s"),
    ],
    methods: &[
        method(
            "raise the proxy's timeout, and leave it below the idle timeout",
            "the times pile up at its timeout",
            "30 min",
            Risk::Low,
        )
        .if_shown(Sign::AfterAConstant),
        method("restart or scale the proxy's upstream", "it refuses connections or is down", "10 min", Risk::Medium),
        method(
            "let the proxy close idle connections to its upstream sooner than the upstream does",
            "a trickle of 502 within milliseconds: a keep-alive race inside the target",
            "30 min",
            Risk::Low,
        ),
    ],
    checks: &[
        check("how many 5xx did the targets return?", metric!("HTTPCode_Target_5XX_Count")),
        WHO_OWNS_ADDRESS,
        IS_TARGET_HEALTHY,
    ],
    docs: page!("load-balancer-troubleshooting.html"),
};

/// `dependency-outage`
pub static DEPENDENCY_OUTAGE: Cause = Cause {
    id: "dependency-outage",
    title: "all targets became slow or failed at the same time: something that they share is at fault",
    is_notice: false,
    meaning: "Targets do not fail in the same minute by chance: something that they share does. A database, a cache \
        or a service that they call became slow or failed, and each target waits for it until its client's timeout \
        or the load balancer's. If the health check uses the dependency too, all targets become unhealthy together.",
    evidence_for: &[
        "it begins within the same minute on nearly all targets, and ends together, with no new targets",
        "only routes that use the dependency; others are as fast as usual",
        "the times pile up at a client's timeout: 5, 10, 15 or 30 s",
        "no more requests than before",
    ],
    evidence_against: &[
        "requests rose first: target-saturated",
        "one target or one zone only: the host, or the network",
        "it began with a deployment: the release",
    ],
    fix: "Give calls to the dependency timeouts below the idle timeout, a fallback and a circuit breaker.",
    settings: &[
        setting("order of timeouts", "dependency < request < worker < idle timeout < keep-alive"),
        setting("PostgreSQL", "SET statement_timeout = '10s';"),
        setting("HikariCP", "spring.datasource.hikari.connection-timeout=5000"),
        setting("Node.js fetch", "fetch(url, { signal: AbortSignal.timeout(5_000) })"),
        setting("Python requests", "requests.get(url, timeout=(3, 10))"),
        setting("Go net/http", "&http.Client{Timeout: 10 * time.Second}"),
        setting("target group", "--health-check-path /alive (a path that asks no dependency)"),
    ],
    methods: &[
        method(
            "restore the dependency: fail over, restart, or end what blocks it",
            "the dependency is known",
            "15 min",
            Risk::Medium,
        ),
        method("turn off what needs it, or serve from a cache", "the rest could be served", "30 min", Risk::Medium),
        method(
            "give calls short timeouts and a circuit breaker",
            "so that the next outage costs less",
            "days",
            Risk::Medium,
        ),
    ],
    checks: &[
        check("how many 5xx did the targets return?", metric!("HTTPCode_Target_5XX_Count")),
        check("how many requests came?", metric!("RequestCount")),
        IS_TARGET_HEALTHY,
    ],
    docs: page!("load-balancer-troubleshooting.html#http-504-issues"),
};

/// `unexplained`
pub static UNEXPLAINED: Cause = Cause {
    id: "unexplained",
    title: "the log does not show why",
    is_notice: false,
    meaning: "The lines fit several causes, and neither their times nor their routes point to one of them. The \
        access log shows neither health checks nor what the process or the network did. Other records of the same \
        moments will show it.",
    evidence_for: &["none: these are the failures that no other cause explains"],
    evidence_against: &["any other cause that fits as well"],
    fix: "Compare with the target's log, its health checks and the events of its service at these moments.",
    settings: &[
        setting("load balancer, for the next time", "health_check_logs.s3.enabled=true"),
        setting("load balancer, connections", "connection_logs.s3.enabled=true"),
        setting("HTTP/2 target group", "routing.http2.rst_stream_error_forwarding.enabled=true"),
    ],
    methods: &[
        method("compare the target's log with the samples", "always", "30 min", Risk::Low),
        method("turn on health check logs and connection logs", "before it happens again", "10 min", Risk::Low),
    ],
    checks: &[
        IS_TARGET_HEALTHY,
        check("how many connections to targets failed?", metric!("TargetConnectionErrorCount")),
        WHAT_ARE_GROUP_ATTRIBUTES,
        WHY_DID_TASKS_STOP,
    ],
    docs: page!("load-balancer-troubleshooting.html"),
};
