//! What servers do with their processes, connections and request bodies.

use super::{
    Cause, IS_TARGET_HEALTHY, Risk, WHAT_ARE_ATTRIBUTES, WHAT_ARE_GROUP_ATTRIBUTES, WHAT_DID_SERVICE_DO,
    WHAT_WAS_DEREGISTERED, WHO_OWNS_ADDRESS, WHY_DID_TASKS_STOP, check, method, setting,
};
use crate::knowledge::Sign;

/// `server-recycling`
pub static SERVER_RECYCLING: Cause = Cause {
    id: "server-recycling",
    title: "the server replaced its processes or connections, and lost the requests on them",
    is_notice: false,
    meaning: "Many servers replace a worker process after a number of requests or on a reload, or close a connection \
        at a certain age. If they do not announce it with Connection: close, the load balancer still sends on these \
        connections, and what was sent or under way is reset with them. New processes accept connections at once, so \
        none is refused, and everything else is answered as usual.",
    evidence_for: &[
        "502 with no target_status_code, several in the same instant, while other requests of the same target survive",
        "it recurs: each target after about the same number of requests, or all targets at the same instants",
        "no connection is refused, and the target answers again within milliseconds",
        "some of the requests were held for longer than their route takes: they lay unread until the worker had ended",
    ],
    evidence_against: &[
        "connections are refused right after: the whole process ended (target-crash, restart-in-place)",
        "the target is never seen again: deploy-without-draining or targets-removed",
        "single failures, each a fixed time after an earlier answer: keep-alive-race",
        "closed requests took the same time each: target-request-timeout",
        "slow answers or the target's own 500s in the same minutes: target-saturated, connections-exhausted",
    ],
    fix: "Let the server announce the end of a connection and finish what came on it, or recycle it far less often.",
    settings: &[
        setting("gunicorn, number of requests", "--max-requests 50000 --max-requests-jitter 10000"),
        setting("gunicorn, time to finish", "--graceful-timeout 25"),
        setting("uWSGI, number of requests", "max-requests = 50000"),
        setting("uWSGI, time to finish", "worker-reload-mercy = 60"),
        setting("uvicorn", "--limit-max-requests 50000"),
        setting("nginx, requests per connection", "keepalive_requests 10000;"),
        setting("nginx, age of a connection", "keepalive_time 24h;"),
        setting("nginx, old workers after a reload", "worker_shutdown_timeout 120s;"),
        setting("Apache httpd", "MaxConnectionsPerChild 0"),
        setting("Envoy, age of a connection", "common_http_protocol_options: { max_connection_duration: 0s }"),
        setting("Envoy, time to drain", "drain_timeout: 30s"),
        setting("PHP-FPM", "pm.max_requests = 0"),
    ],
    methods: &[
        method(
            "raise or remove the limit of requests per worker, with some jitter",
            "the failures come after about the same number of requests",
            "15 min",
            Risk::Low,
        ),
        method(
            "reload fewer times, and give old processes the time of the longest request",
            "the failures come at the instants of reloads or changes of configuration",
            "30 min",
            Risk::Low,
        ),
        method(
            "update the server to a version that finishes what came on kept connections",
            "a worker that leaves drops requests (some versions of gunicorn's gthread)",
            "30 min",
            Risk::Medium,
        ),
        method(
            "deregister, drain and replace targets instead of what is behind their address",
            "gateways or pods behind node ports are replaced",
            "hours",
            Risk::Medium,
        ),
    ],
    checks: &[
        check("how many 502s did the load balancer return?", metric!("HTTPCode_ELB_502_Count")),
        check(
            "did the targets return errors of their own (a recycled worker returns none)?",
            metric!("HTTPCode_Target_5XX_Count"),
        ),
        WHAT_DID_SERVICE_DO,
        WHO_OWNS_ADDRESS,
    ],
    docs: page!("load-balancer-troubleshooting.html#http-502-issues"),
};

/// `connections-exhausted`
pub static CONNECTIONS_EXHAUSTED: Cause = Cause {
    id: "connections-exhausted",
    title: "the target had no connection or file descriptor left",
    is_notice: false,
    meaning: "A server may have only so many connections or open files, and connections to its own upstream count \
        too. Long-lived ones, such as WebSockets, or ones that were never closed had taken nearly all. So it reset \
        new connections at once, and answered 500 where it had none left for its upstream. Whatever found room was \
        served as quickly as ever.",
    evidence_for: &[
        "502 within milliseconds and the target's own 500 within milliseconds, in the same minutes, on all routes",
        "bursts of seconds to minutes, with a part of the requests each time; the others are as quick as ever",
        "one target; the others are fine",
        "many WebSockets, event streams or other long requests on the same target",
    ],
    evidence_against: &[
        "failures a fixed time after an earlier answer, and none of the target's own: keep-alive-race",
        "answers became slow first: target-saturated",
        "requests that were sent at different times end at one instant: target-crash, server-recycling",
        "all targets in the same minutes: dependency-outage",
        "only 500s, and no reset: application-error",
    ],
    fix: "Raise the number of connections and of open files of the server, and close what is idle or leaked.",
    settings: &[
        setting("nginx, connections", "worker_connections 16384;"),
        setting("nginx, open files", "worker_rlimit_nofile 65536;"),
        setting("HAProxy", "maxconn 20000"),
        setting("Apache httpd", "MaxRequestWorkers 1024"),
        setting("waitress", "connection_limit = 4000"),
        setting("gunicorn", "--worker-connections 4000"),
        setting("Tomcat, Spring Boot", "server.tomcat.max-connections=20000"),
        setting("Envoy, per cluster", "circuit_breakers: { thresholds: [{ max_connections: 8192 }] }"),
        setting("ECS task definition", r#""ulimits": [{ "name": "nofile", "softLimit": 65536, "hardLimit": 65536 }]"#),
        setting("systemd", "LimitNOFILE=65536"),
    ],
    methods: &[
        method(
            "raise the server's limit of connections, and its open files above that",
            "processor and memory are idle, as they usually are then",
            "15 min",
            Risk::Low,
        ),
        method("restart the target", "descriptors leak, and it must serve now", "5 min", Risk::Medium),
        method(
            "add targets, or move long-lived connections to targets of their own",
            "WebSockets or event streams take most of them",
            "30 min",
            Risk::Medium,
        ),
        method("find what opens connections and does not close them", "the number only grows", "hours", Risk::Low),
    ],
    checks: &[
        check("how many connections are there?", metric!("ActiveConnectionCount")),
        check("how many connections to targets failed?", metric!("TargetConnectionErrorCount")),
        check("how many 5xx did the targets return?", metric!("HTTPCode_Target_5XX_Count")),
        WHO_OWNS_ADDRESS,
    ],
    docs: page!("load-balancer-troubleshooting.html#http-502-issues"),
};

/// `never-answered`
pub static NEVER_ANSWERED: Cause = Cause {
    id: "never-answered",
    title: "the target took requests and never answered them, on routes that usually take milliseconds",
    is_notice: false,
    meaning: "The connection was there, the request was sent, and nothing came back until the idle timeout. It was \
        not slow work: the same routes are answered in milliseconds at the same time. A worker that is locked, or \
        that reads nothing more at the end of its life, still holds connections, and whatever is sent on them waits \
        for nobody. A longer idle timeout only makes clients wait longer.",
    evidence_for: &[
        "504 at the idle timeout on several routes whose answers take milliseconds, and next to no answer in between",
        "a part of one target's requests, or a few of each target, while the others are as quick as ever",
        "their own log does not have the requests, or has their beginning and no end",
        "then the requests end together: the worker was killed at last",
    ],
    evidence_against: &[
        "answered requests of the same route come close to the idle timeout: idle-timeout-exceeded",
        "all answers of the target became slow first: target-saturated",
        "all targets at the same moment, on the same routes: dependency-outage",
        "only requests that came after a quiet stretch on their node and target: idle-connection-dropped",
        "connections time out too, and nothing at all is answered: connect-timeout",
    ],
    fix: "Find out what the worker waited for, and let a supervisor replace workers that do not answer.",
    settings: &[
        setting("gunicorn, a worker that does nothing", "--timeout 30"),
        setting("gunicorn, a worker that leaves", "--graceful-timeout 25"),
        setting("uWSGI", "harakiri = 30"),
        setting("Puma", "worker_timeout 30"),
        setting("PHP-FPM", "request_terminate_timeout = 30s"),
        setting("Apache httpd", "GracefulShutdownTimeout 30"),
        setting("ECS container", r#""healthCheck": { "command": ["CMD", "/alive"], "interval": 10, "retries": 3 }"#),
        setting("Kubernetes container", "livenessProbe: { httpGet: { path: /alive, port: 3000 }, timeoutSeconds: 2 }"),
    ],
    methods: &[
        method(
            "replace the process or the target that does not answer",
            "it happens now; take a dump of its threads first",
            "5 min",
            Risk::Low,
        )
        .if_shown(Sign::GoesOn),
        method(
            "set a timeout after which a supervisor kills a worker that does nothing",
            "it recurs, and clients can repeat their requests",
            "15 min",
            Risk::Medium,
        ),
        method(
            "find the lock, the call without a timeout, or what keeps a worker from ending",
            "the dump or the log of that moment shows where it waits",
            "hours",
            Risk::Medium,
        ),
    ],
    checks: &[
        check("how many 504s did the load balancer return?", metric!("HTTPCode_ELB_504_Count")),
        WHAT_ARE_ATTRIBUTES,
        IS_TARGET_HEALTHY,
        WHO_OWNS_ADDRESS,
    ],
    docs: page!("load-balancer-troubleshooting.html#http-504-issues"),
};

/// `early-response-reset`
pub static EARLY_RESPONSE_RESET: Cause = Cause {
    id: "early-response-reset",
    title: "the target refused an upload before it had read the body, and its answer was lost",
    is_notice: false,
    meaning: "The target answered from the headers alone (413: too large, 401: not logged in) and closed the \
        connection while the body was still coming. Its kernel answers what comes next with a reset, which discards \
        an answer that the load balancer has not read yet. So of the same uploads some get the target's 413 or 401 \
        and the others a 502, by chance.",
    evidence_for: &[
        "502 with no target_status_code only on routes that take bodies, about as often as the target's own 413 or \
            401 there",
        "both come after the same few milliseconds, on all targets",
        "received_bytes is smaller than the client meant to send",
        "routes without a body are answered as usual, also with 401",
    ],
    evidence_against: &[
        "routes without a body fail too: keep-alive-race, target-crash",
        "all requests of the route fail, and none gets 413 or 401: malformed-response",
        "413 with no target_status_code: the load balancer's limit (request-too-large)",
        "the target held the uploads for seconds: target-request-timeout",
    ],
    fix: "Read the rest of the body, or as much as is reasonable, before the connection is closed; and let clients \
        learn the limit before they send.",
    settings: &[
        setting("nginx, the limit", "client_max_body_size 50m;"),
        setting("nginx, to read on after an answer", "lingering_close always; lingering_time 30s;"),
        setting("Tomcat, Spring Boot", "server.tomcat.max-swallow-size=50MB"),
        setting("Express", "req.on('end', () => res.status(413).end()); req.resume();"),
        setting("Go net/http", "io.Copy(io.Discard, http.MaxBytesReader(w, r.Body, 50<<20))"),
        setting("Kestrel", "options.Limits.MaxRequestBodySize = 52_428_800;"),
        setting("curl, to ask first", "--header 'Expect: 100-continue'"),
    ],
    methods: &[
        method(
            "let the server read and discard the body before it closes",
            "always: the client then gets the answer that was meant for it",
            "30 min",
            Risk::Low,
        ),
        method(
            "raise the limit on the size of bodies",
            "the answers are 413, and such uploads are legitimate",
            "15 min",
            Risk::Medium,
        ),
        method(
            "renew the login before an upload, or ask with Expect: 100-continue",
            "the answers are 401, and the client is yours",
            "hours",
            Risk::Low,
        ),
        method("upload to S3 with a signed URL", "bodies of many megabytes", "days", Risk::Medium),
    ],
    checks: &[
        check("how many 4xx did the targets return?", metric!("HTTPCode_Target_4XX_Count")),
        check("how many 502s did the load balancer return?", metric!("HTTPCode_ELB_502_Count")),
        check("what does the target answer to a request without a body?", "curl -gsv --http1.1 http://{target}{path}"),
    ],
    docs: page!("load-balancer-troubleshooting.html#http-502-issues"),
};

/// `restart-in-place`
pub static RESTART_IN_PLACE: Cause = Cause {
    id: "restart-in-place",
    title: "the target was restarted while the load balancer still sent to it",
    is_notice: false,
    meaning: "The process finished its requests, ended, and came back at the same address some seconds later, without \
        being deregistered. Until then its host refused connections. Health checks take longer than that to notice, \
        so every request whose turn it was failed.",
    evidence_for: &[
        "connections are refused for some seconds (502 with all three times -1), and the same target answers afterwards",
        "hardly any request that was under way was cut off",
        "one target after the other, each for about the same time",
    ],
    evidence_against: &[
        "requests under way ended at one instant: target-crash",
        "the target had never answered before: target-not-ready",
        "a new target takes its place: deploy-without-draining",
        "it never answers again: connection-refused, or targets-removed",
        "the target group speaks HTTPS: a failed handshake looks the same (target-tls-handshake)",
    ],
    fix: "Deregister the target and let it drain before the restart, and register it again when it is ready; or let \
        the server reload without closing its port.",
    settings: &[
        setting("nginx", "nginx -s reload # instead of a restart"),
        setting("Apache httpd", "apachectl graceful"),
        setting("gunicorn", "kill -HUP $PID # or USR2 for a new binary"),
        setting("Puma", "pumactl phased-restart"),
        setting("systemd, to keep the port open", "[Socket] ListenStream=8080"),
        setting("CodeDeploy, in place", "deploymentOption=WITH_TRAFFIC_CONTROL"),
        setting("Ansible", "serial: 1 # with community.aws.elb_target before and after"),
    ],
    methods: &[
        method(
            "deregister, wait for the deregistration delay, restart, register",
            "restarts are made by a script or a deployment in place",
            "30 min",
            Risk::Low,
        ),
        method(
            "reload instead of restarting, or pass the open port to the new process",
            "the server can do that",
            "hours",
            Risk::Low,
        ),
        method(
            "replace targets instead of restarting them",
            "on ECS, Kubernetes or Auto Scaling",
            "days",
            Risk::Medium,
        ),
    ],
    checks: &[
        check("how many connections to targets failed?", metric!("TargetConnectionErrorCount")),
        WHAT_WAS_DEREGISTERED,
        WHAT_ARE_GROUP_ATTRIBUTES,
        WHY_DID_TASKS_STOP,
    ],
    docs: page!("edit-target-group-attributes.html#deregistration-delay"),
};
