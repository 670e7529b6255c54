//! What goes wrong when targets come and go.

use super::settings::GRACEFUL_STOP;
use super::{
    Cause, IS_TARGET_HEALTHY, Risk, WHAT_ARE_GROUP_ATTRIBUTES, WHAT_DID_SERVICE_DO, WHAT_IS_TARGET_GROUP,
    WHAT_WAS_DEREGISTERED, WHO_OWNS_ADDRESS, WHY_DID_TASKS_STOP, check, method, setting,
};

pub(super) const TARGET_CRASH: Cause = Cause {
    id: "target-crash",
    title: "the process died with requests in flight",
    meaning: "The process that served the target ended at once, and every request that it was working on ended with \
        it. Until it is back or its address is deregistered, which takes some seconds, further connections are \
        refused. A kill for memory looks the same in the log; only the exit code (137) and the reason of the stop \
        tell it.",
    evidence_for: &[
        "requests that were sent at different times end within a few hundred milliseconds of each other, and nearly \
            none survives",
        "connections are refused right after, or the target answers nothing for seconds",
        "the same route was in flight at more than one death: that request may be what kills it",
        "it recurs at even intervals, with answers getting slower before: memory that fills up",
    ],
    evidence_against: &[
        "as many new targets began as ended: deploy-without-draining",
        "most of what was in flight survived: one worker of many died, or was killed for its timeout \
            (target-request-timeout)",
        "single failures of milliseconds, never together: keep-alive-race",
        "connections time out rather than being refused: the host is gone (connect-timeout)",
    ],
    fix: "Find the exit code and the last log lines of that moment; raise the memory if it was killed for it, and \
        fix what crashed.",
    settings: &[
        setting("ECS task definition", r#""memory": "2048""#),
        setting("Kubernetes container", "resources: { limits: { memory: 2Gi } }"),
        setting("JVM", "-XX:MaxRAMPercentage=75"),
        setting("Node.js", "--max-old-space-size=1536"),
        setting("Go", "GOMEMLIMIT=1750MiB"),
        setting("gunicorn", "--max-requests 5000 --max-requests-jitter 500"),
        setting("ECS container, to restart in place", r#""restartPolicy": { "enabled": true }"#),
    ],
    methods: &[
        method(
            "give the task more memory, or cap the heap below it",
            "exit code 137, or OutOfMemoryError as the reason of the stop",
            "10 min",
            Risk::Medium,
        ),
        method("go back to the release before", "it began with a deployment", "15 min", Risk::Medium),
        method("block or fix the request that kills it", "one route was in flight each time", "hours", Risk::Medium),
        method(
            "run more targets, so that one death takes fewer requests along",
            "until the fault is found",
            "10 min",
            Risk::Low,
        ),
    ],
    checks: &[IS_TARGET_HEALTHY, WHO_OWNS_ADDRESS, WHAT_WAS_DEREGISTERED, WHY_DID_TASKS_STOP, WHAT_DID_SERVICE_DO],
    docs: page!("load-balancer-troubleshooting.html#http-502-issues"),
};

pub(super) const DEPLOY_WITHOUT_DRAINING: Cause = Cause {
    id: "deploy-without-draining",
    title: "targets were taken away while requests still ran or still came",
    meaning: "Targets were replaced or removed on purpose, and their processes ended before their last requests \
        did. ECS deregisters first, waits, and then sends SIGTERM, so there only requests that outlive the stop are \
        lost, or all of them where the process ignores the signal. Kubernetes sends SIGTERM and deregisters at the \
        same time, so for some seconds requests still arrive at a process that no longer accepts them.",
    evidence_for: &[
        "the failures lie within a minute of the moment in which a target was last seen, and new targets begin \
            about then",
        "target after target, like a staircase; at the times at which people deploy",
        "with few targets, all of the service fails for a minute or two: 502, then 503",
    ],
    evidence_against: &[
        "the same target answers again: its process restarted in place (target-crash)",
        "no new target begins: a crash, or scaling in",
        "only requests longer than the deregistration delay are lost: deregistration-delay-elapsed",
        "the failures lie at the beginning of new targets: target-not-ready",
    ],
    fix: "On SIGTERM stop accepting, finish what runs, then exit; give it time (stopTimeout, \
        terminationGracePeriodSeconds) and, on Kubernetes, a preStop sleep longer than the deregistration takes.",
    settings: GRACEFUL_STOP,
    methods: &[
        method(
            "handle SIGTERM in the application: stop accepting, finish, exit",
            "always; a shell as process 1 swallows the signal",
            "30 to 60 min",
            Risk::Low,
        ),
        method(
            "add a preStop sleep of 15 to 25 s, a longer grace period and readiness gates",
            "on Kubernetes",
            "30 min",
            Risk::Low,
        ),
        method(
            "raise stopTimeout above the longest request (at most 120 s on Fargate)",
            "on ECS, where processes were killed (exit code 137) at their stop",
            "15 min",
            Risk::Low,
        ),
        method(
            "minimum healthy 100 %, maximum 200 %, and two targets at least",
            "the service was gone altogether during the deployment",
            "10 min",
            Risk::Low,
        ),
    ],
    checks: &[
        WHAT_WAS_DEREGISTERED,
        check("was the ECS service changed at that time, and by whom?", trail!("UpdateService")),
        WHAT_ARE_GROUP_ATTRIBUTES,
        WHAT_DID_SERVICE_DO,
        WHY_DID_TASKS_STOP,
    ],
    docs: page!("edit-target-group-attributes.html#deregistration-delay"),
};

pub(super) const DEREGISTRATION_DELAY_ELAPSED: Cause = Cause {
    id: "deregistration-delay-elapsed",
    title: "long requests outlived the deregistration delay",
    meaning: "A target that is deregistered gets no new requests, and those that it has may go on for the \
        deregistration delay, 300 s unless it was changed. What still runs then is cut off. That meets uploads, \
        exports, event streams and other requests of minutes.",
    evidence_for: &[
        "requests end together, a fixed time after the last new request on the target",
        "all of them had run for longer than the delay",
        "the target is not seen again",
    ],
    evidence_against: &[
        "short requests failed too: deploy-without-draining",
        "new requests came until the very end: target-crash",
    ],
    fix: "Raise the target group's deregistration delay above the longest request, or make such requests shorter.",
    settings: &[
        setting("target group", "deregistration_delay.timeout_seconds=900"),
        setting("ECS task definition", r#""stopTimeout": 120"#),
        setting(
            "Kubernetes, AWS Load Balancer Controller",
            "alb.ingress.kubernetes.io/target-group-attributes: deregistration_delay.timeout_seconds=900",
        ),
        setting("Kubernetes, pod", "terminationGracePeriodSeconds: 930"),
    ],
    methods: &[
        method(
            "raise the deregistration delay above the longest request (at most 3600 s)",
            "such requests are meant to be long; deployments take longer then",
            "5 min",
            Risk::Low,
        ),
        method(
            "answer at once and work in the background, or let clients resume",
            "requests of many minutes",
            "days",
            Risk::Medium,
        ),
    ],
    checks: &[WHAT_ARE_GROUP_ATTRIBUTES, WHAT_WAS_DEREGISTERED, WHAT_DID_SERVICE_DO],
    docs: page!("edit-target-group-attributes.html#deregistration-delay"),
};

pub(super) const TARGET_NOT_READY: Cause = Cause {
    id: "target-not-ready",
    title: "a new target got traffic before it could serve it",
    meaning: "A target was sent requests while its process was still starting, loading or compiling. One passed \
        health check is enough for a new target, and where every target of the group is unhealthy the load balancer \
        sends to all of them. So a health check that passes too early, or a group of only new targets, lets \
        requests through to a port that is not open yet.",
    evidence_for: &[
        "connections are refused until the target first answers, and not after",
        "more than one new target begins so, and each gets better within a minute",
        "the first answers of new targets are several times slower than their later ones",
    ],
    evidence_against: &[
        "the target never answers: connection-refused",
        "it answered before: target-crash",
        "new targets are slow and nothing fails: caches that fill",
    ],
    fix: "Let the health check prove readiness, give new targets a grace period longer than their start, and use \
        slow start.",
    settings: &[
        setting("ECS service", r#""healthCheckGracePeriodSeconds": 120"#),
        setting("target group, slow start", "slow_start.duration_seconds=60"),
        setting("target group, health check", "--health-check-path /ready --healthy-threshold-count 2"),
        setting("Kubernetes container", "readinessProbe: { httpGet: { path: /ready, port: 3000 } }"),
        setting("Kubernetes, namespace label", "elbv2.k8s.aws/pod-readiness-gate-inject: enabled"),
        setting("Spring Boot", "management.endpoint.health.probes.enabled=true"),
    ],
    methods: &[
        method(
            "point the health check at a path that answers 200 only when the application can serve",
            "always",
            "15 min",
            Risk::Low,
        ),
        method(
            "raise healthCheckGracePeriodSeconds above the time of a start",
            "ECS stops tasks before they are up",
            "10 min",
            Risk::Low,
        ),
        method("slow start of 30 to 900 s", "new targets answer, but slowly", "5 min", Risk::Low),
    ],
    checks: &[
        WHAT_IS_TARGET_GROUP,
        WHAT_ARE_GROUP_ATTRIBUTES,
        check("when were targets registered?", trail!("RegisterTargets")),
        WHAT_DID_SERVICE_DO,
    ],
    docs: page!("target-group-health-checks.html"),
};

pub(super) const NO_REGISTERED_TARGETS: Cause = Cause {
    id: "no-registered-targets",
    title: "the target group had no target to send to",
    meaning: "The rule forwards to a target group in which no target is registered, or only such that are not used, \
        for example in a zone that the load balancer does not serve. Unhealthy targets are not the cause: where all \
        are unhealthy, the load balancer sends to all of them. So the targets were taken away, never came, or are \
        in the wrong place.",
    evidence_for: &[
        "503 with no target, all three times -1, and forward among actions_executed",
        "all requests of the group fail so, sharply from and to a moment",
        "all targets of the group were last seen just before",
    ],
    evidence_against: &[
        "fixed-response among actions_executed: a rule answers 503 on purpose",
        "target_status_code is 503: the target made it (inner-proxy-error, application-error)",
        "other requests of the group are answered at the same time: one zone only, or another rule",
    ],
    fix: "Register targets, keep at least one through a deployment (minimum healthy percent, several replicas), and \
        enable the zones they are in.",
    settings: &[
        setting("ECS service, while deploying", r#""minimumHealthyPercent": 100, "maximumPercent": 200"#),
        setting("ECS service, count", r#""desiredCount": 2"#),
        setting("Kubernetes deployment", "strategy: { rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } }"),
        setting("Kubernetes pod disruption budget", "minAvailable: 1"),
    ],
    methods: &[
        method("register targets, or let the service start some", "the group is empty now", "10 min", Risk::Low),
        method("minimum healthy 100 % and two targets at least", "it happens during deployments", "10 min", Risk::Low),
        method(
            "enable the targets' zone on the load balancer",
            "targets are registered and unused (Target.NotInUse)",
            "10 min",
            Risk::Medium,
        ),
        method(
            "correct the health check's path or codes",
            "ECS stops each task soon after it started",
            "5 min",
            Risk::Low,
        ),
    ],
    checks: &[
        IS_TARGET_HEALTHY,
        WHAT_WAS_DEREGISTERED,
        check(
            "which rules forward where?",
            "aws elbv2 describe-listeners --region {region} --load-balancer-arn {load_balancer_arn}",
        ),
        WHAT_DID_SERVICE_DO,
    ],
    docs: page!("load-balancer-troubleshooting.html#http-503-issues"),
};
