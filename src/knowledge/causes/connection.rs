//! What goes wrong with the connection between load balancer and target.

use super::settings::KEEP_ALIVE;
use super::{
    Cause, IS_TARGET_HEALTHY, Risk, WHAT_ARE_ATTRIBUTES, WHAT_IS_TARGET_GROUP, WHO_OWNS_ADDRESS, check, method, setting,
};
use crate::knowledge::Sign;

/// `keep-alive-race`
pub static KEEP_ALIVE_RACE: Cause = Cause {
    id: "keep-alive-race",
    title: "the target closed an idle kept-alive connection just as the load balancer reused it",
    is_notice: false,
    meaning: "The load balancer keeps connections to targets open and reuses them. A server closes a connection \
        after an idle time of its own; if that is not longer than the load balancer's idle timeout, now and then a \
        request is sent just as the server closes the connection. The server resets the connection without having \
        seen the request, and the client gets a 502. This happens to single connections, so more targets with less \
        traffic each do not help.",
    evidence_for: &[
        "502 with no target_status_code, a measured request_processing_time, and a target_processing_time of \
            milliseconds (0 to 60 ms in public reports)",
        "the failures come a fixed time after an earlier answer on the same node and target, and answered requests \
            do not",
        "a trickle of a few in 100,000 requests for as long as there is traffic, on all targets and routes, often \
            worse when there is less traffic",
        "the targets answer everything else as fast as usual, and their own logs show nothing",
    ],
    evidence_against: &[
        "several requests end at the same moment: target-crash, or deploy-without-draining",
        "nearly every request of one route fails: malformed-response",
        "the target held the requests for a second or more: target-request-timeout, or a crash",
        "the server's keep-alive timeout is known to be well above the idle timeout, or the server never keeps \
            connections open",
    ],
    fix: "Make the server's keep-alive timeout longer than the load balancer's idle timeout (75 s if that is 60 s).",
    settings: KEEP_ALIVE,
    methods: &[
        method(
            "raise the server's keep-alive timeout to 5 to 15 s above the idle timeout",
            "always, if the server has such a setting; takes a rolling deployment",
            "15 min",
            Risk::Low,
        ),
        method(
            "lower the load balancer's idle timeout below the server's keep-alive timeout",
            "the server cannot be changed now, and no request takes that long: those that do would end in 504",
            "5 min",
            Risk::Medium,
        ),
        method(
            "let clients retry requests that are safe to repeat",
            "until the fix is deployed",
            "hours",
            Risk::Medium,
        ),
    ],
    checks: &[
        WHAT_ARE_ATTRIBUTES,
        check("how many 502s did the load balancer return?", metric!("HTTPCode_ELB_502_Count")),
        check(
            "did the targets return errors of their own (in a race they return none)?",
            metric!("HTTPCode_Target_5XX_Count"),
        ),
    ],
    docs: page!("load-balancer-troubleshooting.html#http-502-issues"),
};

/// `connection-refused`
pub static CONNECTION_REFUSED: Cause = Cause {
    id: "connection-refused",
    title: "nothing listens on the target's port",
    is_notice: false,
    meaning: "The host answered the load balancer's connection attempt with a reset: the host is up, and no process \
        accepts connections on that port. Either the process is not running, or it listens on another port, or only \
        on 127.0.0.1, which cannot be reached from outside of the container or host. A health check from inside the \
        container passes anyway.",
    evidence_for: &[
        "502 with all three times -1, a few milliseconds after the request came",
        "the target has answered nothing since it was first seen: wrong port or wrong address",
        "all targets of the group refuse connections: the group's port is wrong",
    ],
    evidence_against: &[
        "the target answered before or after: its process was down (target-crash), had just started \
            (target-not-ready) or was being replaced (deploy-without-draining)",
        "the target group speaks HTTPS: a failed TLS handshake looks the same (target-tls-handshake)",
        "the attempts took 10 s: packets vanish (connect-timeout)",
    ],
    fix: "Start the process, bind it to 0.0.0.0 rather than 127.0.0.1, and make its port, the container port and \
        the target group's port the same.",
    settings: &[
        setting("Node.js, Express", "app.listen(3000, '0.0.0.0')"),
        setting("Fastify", "fastify.listen({ port: 3000, host: '0.0.0.0' })"),
        setting("Bun", "Bun.serve({ port: 3000, hostname: '0.0.0.0', fetch })"),
        setting("gunicorn", "--bind 0.0.0.0:8000"),
        setting("uvicorn", "--host 0.0.0.0 --port 8000"),
        setting("hypercorn", "--bind 0.0.0.0:8000"),
        setting("uWSGI", "http = 0.0.0.0:8000"),
        setting("Puma", "bind 'tcp://0.0.0.0:3000'"),
        setting("nginx", "listen 80;"),
        setting("Apache httpd", "Listen 0.0.0.0:80"),
        setting("Spring Boot", "server.address=0.0.0.0"),
        setting("Kestrel", "ASPNETCORE_URLS=http://0.0.0.0:8080"),
        setting("Go net/http", "&http.Server{Addr: \":8080\"}"),
        setting("actix-web, axum", "bind(\"0.0.0.0:8080\")"),
        setting("Phoenix", "http: [ip: {0, 0, 0, 0}, port: 4000]"),
        setting("ECS task definition", r#""portMappings": [{ "containerPort": 3000, "protocol": "tcp" }]"#),
        setting("ECS service", r#""loadBalancers": [{ "containerName": "app", "containerPort": 3000 }]"#),
        setting("Kubernetes service", "targetPort: 3000"),
    ],
    methods: &[
        method(
            "correct the container port or the bind address, and deploy",
            "the target never answered anything",
            "15 min",
            Risk::Medium,
        )
        .if_shown(Sign::NeverAnswered),
        method("start the process, or replace the task", "it answered until a moment ago", "5 min", Risk::Low)
            .if_shown(Sign::Answered),
        method(
            "create a target group with the right port, and forward to it",
            "the group's port is wrong: it cannot be changed",
            "15 min",
            Risk::Medium,
        ),
    ],
    checks: &[
        IS_TARGET_HEALTHY,
        check("how many connections to targets failed?", metric!("TargetConnectionErrorCount")),
        check("how many handshakes with targets failed?", metric!("TargetTLSNegotiationErrorCount")),
        check("does it answer from within the VPC?", "curl -gsv --max-time 5 http://{target}{path}"),
        WHAT_IS_TARGET_GROUP,
    ],
    docs: page!("load-balancer-troubleshooting.html#http-502-issues"),
};

/// `connect-timeout`
pub static CONNECT_TIMEOUT: Cause = Cause {
    id: "connect-timeout",
    title: "packets to the target vanish: security group, network ACL, route, or a host that is gone",
    is_notice: false,
    meaning: "The load balancer waits 10 s for a connection to a target, a time that nobody can change, and then \
        answers 504. Nothing came back: neither an acknowledgement nor a reset. So a security group, a network ACL \
        or a route drops the packets in one direction or the other, or the host is gone but still registered.",
    evidence_for: &[
        "504 with all three times -1, and 10.00 s elapsed",
        "the target answers nothing meanwhile; requests on connections that were already open meet the idle timeout",
        "only some load balancer nodes fail to reach it: a rule of a subnet or a zone",
        "it begins and ends suddenly, as rule changes do",
    ],
    evidence_against: &[
        "the target answers other requests meanwhile, slowly: its accept queue is full (target-saturated)",
        "the failures took milliseconds: connection-refused",
        "the target group speaks HTTPS and the port is open: the TLS handshake has a limit of 10 s too \
            (target-tls-handshake)",
        "the idle timeout is 10 s: only request_processing_time distinguishes the two (-1 if the connection failed)",
    ],
    fix: "In the target's security group, allow the target port from the load balancer's security group; in the \
        network ACLs, allow that port and the ephemeral ports 1024-65535 back; and check that the host exists.",
    settings: &[
        setting(
            "security group of an ECS task on Fargate, or of ip targets",
            "inbound TCP, container port, source: the load balancer's security group",
        ),
        setting(
            "security group of an ECS host with dynamic ports",
            "inbound TCP 32768-65535, source: the load balancer's security group",
        ),
        setting("network ACL of the targets' subnets, outbound", "TCP 1024-65535 to the load balancer's subnets"),
        setting("network ACL of the load balancer's subnets, inbound", "TCP 1024-65535 from the targets' subnets"),
        setting("Kubernetes with instance targets", "externalTrafficPolicy: Cluster"),
    ],
    methods: &[
        method(
            "allow the target port from the load balancer's security group",
            "the target never answered, or stopped when rules were changed",
            "5 min",
            Risk::Low,
        ),
        method(
            "allow the ephemeral ports in the network ACLs, in both directions",
            "only nodes or targets of some subnets are cut off",
            "10 min",
            Risk::Medium,
        ),
        method("deregister the target, or replace the host", "the host is gone or hangs", "5 min", Risk::Low),
    ],
    checks: &[
        WHO_OWNS_ADDRESS,
        check(
            "which security groups and zones does the load balancer have?",
            "aws elbv2 describe-load-balancers --region {region} --load-balancer-arns {load_balancer_arn}",
        ),
        check("were rules removed at that time, and by whom?", trail!("RevokeSecurityGroupIngress")),
        IS_TARGET_HEALTHY,
        check(
            "what do the network ACLs of the subnet allow?",
            "aws ec2 describe-network-acls --region {region} --filters Name=association.subnet-id,Values={subnet}",
        ),
    ],
    docs: page!("load-balancer-troubleshooting.html#http-504-issues"),
};

/// `target-tls-handshake`
pub static TARGET_TLS_HANDSHAKE: Cause = Cause {
    id: "target-tls-handshake",
    title: "TLS between load balancer and target fails",
    is_notice: false,
    meaning: "The target group's protocol is HTTPS, so the load balancer speaks TLS to the target. They find no \
        common version or cipher, the port speaks plain HTTP, or the target does not finish the handshake within 10 \
        s. The load balancer does not check the target's certificate, so an expired one is not the cause.",
    evidence_for: &[
        "the target group's protocol is HTTPS",
        "502 or 504 with all three times -1 for every request to these targets",
        "it begins with a change of the target's TLS settings or port",
    ],
    evidence_against: &[
        "the target group's protocol is HTTP: then it is connection-refused or connect-timeout",
        "TargetTLSNegotiationErrorCount stayed at 0",
        "the target answers other requests at the same time",
    ],
    fix: "Let the target speak TLS 1.2 or 1.3 with a common cipher on that port, or set the target group's protocol \
        to HTTP.",
    settings: &[
        setting("nginx", "ssl_protocols TLSv1.2 TLSv1.3;"),
        setting("Apache httpd", "SSLProtocol -all +TLSv1.2 +TLSv1.3"),
        setting("Spring Boot", "server.ssl.enabled-protocols=TLSv1.2,TLSv1.3"),
        setting("Node.js", "https.createServer({ key, cert, minVersion: 'TLSv1.2' }, app)"),
        setting("Go crypto/tls", "&tls.Config{MinVersion: tls.VersionTLS12}"),
        setting("Envoy", "tls_params: { tls_minimum_protocol_version: TLSv1_2 }"),
    ],
    methods: &[
        method(
            "let the target offer TLS 1.2 with an ECDSA or RSA certificate and usual ciphers",
            "the port does speak TLS",
            "15 min",
            Risk::Medium,
        ),
        method(
            "create a target group with protocol HTTP, and forward to it",
            "the port speaks plain HTTP",
            "15 min",
            Risk::Medium,
        ),
    ],
    checks: &[
        check("how many handshakes with targets failed?", metric!("TargetTLSNegotiationErrorCount")),
        WHAT_IS_TARGET_GROUP,
        check("what does the port answer, from within the VPC?", "openssl s_client -connect {target} -tls1_2"),
    ],
    docs: page!("load-balancer-troubleshooting.html#http-502-issues"),
};

/// `idle-connection-dropped`
pub static IDLE_CONNECTION_DROPPED: Cause = Cause {
    id: "idle-connection-dropped",
    title: "something between load balancer and target forgets connections that were quiet",
    is_notice: false,
    meaning: "A firewall, a NAT, a proxy or the connection table of a host forgets connections on which nothing was \
        sent for some time, and silently drops what comes on them later. The load balancer reuses such a connection, \
        and its request meets the idle timeout although the target never saw it. The next request gets a new \
        connection and is answered at once.",
    evidence_for: &[
        "504 at the idle timeout, mostly of requests that came after a quiet stretch on their node and target (20 s or more)",
        "what follows soon after an answer is hardly ever hit, and all routes are quick at the same time",
        "more of them when there is little traffic, at night and on targets with few requests",
        "the targets' own logs do not have these requests",
    ],
    evidence_against: &[
        "failures in busy minutes too: never-answered, idle-timeout-exceeded",
        "502 within milliseconds instead of 504: the target closed the connection, and said so (keep-alive-race)",
        "new connections fail too: connect-timeout",
        "one slow route: idle-timeout-exceeded",
    ],
    fix: "Make the load balancer's idle timeout shorter than the time after which the connections are forgotten, or \
        make that time longer, or let the targets send TCP keep-alives.",
    settings: &[
        setting("load balancer, if connections are forgotten after 60 s", "idle_timeout.timeout_seconds=50"),
        setting("Linux target, keep-alives (the server must enable SO_KEEPALIVE)", "net.ipv4.tcp_keepalive_time = 30"),
        setting("nginx", "listen 80 so_keepalive=30s:10s:3;"),
        setting("HAProxy", "option clitcpka"),
        setting("Node.js", "server.on('connection', socket => socket.setKeepAlive(true, 30_000));"),
        setting("Linux, connection table", "net.netfilter.nf_conntrack_tcp_timeout_established = 86400"),
        setting("security group of an instance", "ConnectionTrackingSpecification: { TcpEstablishedTimeout: 432000 }"),
        setting("AWS Network Firewall", r#""FlowTimeouts": { "TcpIdleTimeoutSeconds": 6000 }"#),
    ],
    methods: &[
        method(
            "lower the idle timeout below the time after which connections are forgotten",
            "no request takes that long: those that do would end in 504",
            "5 min",
            Risk::Medium,
        ),
        method(
            "raise the idle time of the firewall, the NAT or the connection table",
            "it is known and yours",
            "30 min",
            Risk::Low,
        ),
        method(
            "let the server send TCP keep-alives",
            "requests take long, and the path is not yours",
            "hours",
            Risk::Low,
        ),
        method("take the device out of the path", "nothing requires it", "days", Risk::Medium),
    ],
    checks: &[
        WHAT_ARE_ATTRIBUTES,
        WHO_OWNS_ADDRESS,
        check(
            "which routes lead from the load balancer's subnet to the target?",
            "aws ec2 describe-route-tables --region {region} --filters Name=association.subnet-id,Values={subnet}",
        ),
        check("how many 504s did the load balancer return?", metric!("HTTPCode_ELB_504_Count")),
    ],
    docs: page!("load-balancer-troubleshooting.html#http-504-issues"),
};
