//! What goes wrong when targets come and go.

use super::settings::GRACEFUL_STOP;
use super::{
    Cause, IS_TARGET_HEALTHY, Risk, WHAT_ARE_GROUP_ATTRIBUTES, WHAT_DID_SERVICE_DO, WHAT_IS_TARGET_GROUP,
    WHAT_WAS_DEREGISTERED, WHO_OWNS_ADDRESS, WHY_DID_TASKS_STOP, check, method, setting,
};
use crate::knowledge::Sign;

/// `target-crash`
pub static TARGET_CRASH: Cause = Cause {
    id: "target-crash",
    title: "the target's process died, or one of its workers",
    is_notice: false,
    meaning: "The process that served the target ended suddenly, and every request that it was working on ended \
        with it. Until it is back or its address is deregistered, which takes some seconds, further connections are \
        refused. A kill for lack of memory looks the same in the log; only the exit code (137) and the stop reason \
        show it.",
    evidence_for: &[
        "requests that were sent at different times end within a few hundred milliseconds of each other, and hardly \
            any survives",
        "connections are refused right after, or the target answers nothing for seconds",
        "the same route was in flight at more than one crash: that request may be what kills the process",
        "it recurs at regular intervals, and answers get slower before it: the memory fills up",
    ],
    evidence_against: &[
        "as many new targets started as ended: deploy-without-draining",
        "most of the requests in flight survived: one of many workers died, or was killed at its timeout \
            (target-request-timeout)",
        "single failures after milliseconds, never several together: keep-alive-race",
        "connections time out rather than being refused: the host is gone (connect-timeout)",
    ],
    fix: "Find the exit code and the last log lines of that moment; raise the memory if the process was killed for \
        lack of it, and fix what crashed.",
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
            "exit code 137, or OutOfMemoryError as the stop reason",
            "10 min",
            Risk::Medium,
        ),
        method("roll back to the previous release", "it began with a deployment", "15 min", Risk::Medium),
        method(
            "block or fix the request that kills it",
            "the same route was in flight each time",
            "hours",
            Risk::Medium,
        ),
        method(
            "run more targets, so that one crash ends fewer requests",
            "until the fault is found",
            "10 min",
            Risk::Low,
        ),
    ],
    checks: &[IS_TARGET_HEALTHY, WHY_DID_TASKS_STOP, WHO_OWNS_ADDRESS, WHAT_WAS_DEREGISTERED, WHAT_DID_SERVICE_DO],
    docs: page!("load-balancer-troubleshooting.html#http-502-issues"),
};

/// `deploy-without-draining`
pub static DEPLOY_WITHOUT_DRAINING: Cause = Cause {
    id: "deploy-without-draining",
    title: "targets were removed while requests were still running or arriving",
    is_notice: false,
    meaning: "Targets were replaced or removed on purpose, and their processes ended before their last requests \
        did. ECS deregisters first, waits, and then sends SIGTERM, so only requests that outlive the stop are lost, \
        or all of them if the process ignores the signal. Kubernetes sends SIGTERM and deregisters at the same \
        time, so for some seconds requests still arrive at a process that no longer accepts them.",
    evidence_for: &[
        "the failures are within a minute of the time when a target was last seen, and new targets start at about \
            that time",
        "one target after another fails, like a staircase, at times when people deploy",
        "with few targets, the whole service fails for a minute or two: 502, then 503",
    ],
    evidence_against: &[
        "the same target answers again: its process restarted in place (target-crash)",
        "no new target starts: a crash, or scaling in",
        "only requests longer than the deregistration delay are lost: deregistration-delay-elapsed",
        "the failures are at the start of new targets: target-not-ready",
    ],
    fix: "On SIGTERM, stop accepting, finish running requests, then exit; give the process time (stopTimeout, \
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
            "on ECS, if processes were killed (exit code 137) when they were stopped",
            "15 min",
            Risk::Low,
        ),
        method(
            "set minimum healthy to 100 % and maximum to 200 %, and run at least two targets",
            "the whole service was down during the deployment",
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

/// `deregistration-delay-elapsed`
pub static DEREGISTRATION_DELAY_ELAPSED: Cause = Cause {
    id: "deregistration-delay-elapsed",
    title: "long requests outlived the deregistration delay",
    is_notice: false,
    meaning: "A target that is deregistered gets no new requests, and its running requests may continue for the \
        deregistration delay, 300 s unless it was changed. Requests that are still running then are cut off. This \
        affects uploads, exports, event streams and other requests that take minutes.",
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
            "answer immediately and work in the background, or let clients resume",
            "requests of many minutes",
            "days",
            Risk::Medium,
        ),
    ],
    checks: &[WHAT_ARE_GROUP_ATTRIBUTES, WHAT_WAS_DEREGISTERED, WHAT_DID_SERVICE_DO],
    docs: page!("edit-target-group-attributes.html#deregistration-delay"),
};

/// `target-not-ready`
pub static TARGET_NOT_READY: Cause = Cause {
    id: "target-not-ready",
    title: "a new target got traffic before it could serve it",
    is_notice: false,
    meaning: "A target was sent requests while its process was still starting, loading or compiling. One passed \
        health check is enough for a new target, and if every target of the group is unhealthy, the load balancer \
        sends to all of them. So a health check that passes too early, or a group of only new targets, lets \
        requests through to a port that is not open yet.",
    evidence_for: &[
        "connections are refused until the target first answers, and not after",
        "more than one new target starts like this, and each recovers within a minute",
        "the first answers of new targets are several times slower than their later ones",
    ],
    evidence_against: &[
        "the target never answers: connection-refused",
        "it answered before: target-crash",
        "new targets are slow and nothing fails: caches that fill",
    ],
    fix: "Make the health check test readiness, give new targets a grace period longer than their startup, and use \
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
            "raise healthCheckGracePeriodSeconds above the startup time",
            "ECS stops tasks before they are up",
            "10 min",
            Risk::Low,
        ),
        method("set a slow start of 30 to 900 s", "new targets answer, but slowly", "5 min", Risk::Low),
    ],
    checks: &[
        WHAT_IS_TARGET_GROUP,
        WHAT_ARE_GROUP_ATTRIBUTES,
        check("when were targets registered?", trail!("RegisterTargets")),
        WHAT_DID_SERVICE_DO,
    ],
    docs: page!("target-group-health-checks.html"),
};

/// `no-registered-targets`
pub static NO_REGISTERED_TARGETS: Cause = Cause {
    id: "no-registered-targets",
    title: "the target group had no target to send to",
    is_notice: false,
    meaning: "The rule forwards to a target group in which no target is registered, or only targets that are not \
        used, for example in a zone that the load balancer does not serve. Unhealthy targets are not the cause: if \
        all are unhealthy, the load balancer sends to all of them. So the targets were removed, were never \
        registered, or are registered in the wrong place.",
    evidence_for: &[
        "503 with no target, all three times -1, and forward among actions_executed",
        "all requests of the group fail like this, from one exact moment to another",
        "all targets of the group were last seen just before",
    ],
    evidence_against: &[
        "fixed-response among actions_executed: a rule answers 503 on purpose",
        "target_status_code is 503: the target answered it (inner-proxy-error, application-error)",
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
        method("register targets, or let the service start some", "the group is empty now", "10 min", Risk::Low)
            .if_shown(Sign::GoesOn),
        method(
            "set minimum healthy to 100 %, and run at least two targets",
            "it happens during deployments",
            "10 min",
            Risk::Low,
        ),
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
            "which listeners are there, and where do they forward by default?",
            "aws elbv2 describe-listeners --region {region} --load-balancer-arn {load_balancer_arn}",
        ),
        WHAT_DID_SERVICE_DO,
    ],
    docs: page!("load-balancer-troubleshooting.html#http-503-issues"),
};

/// `targets-removed`
pub static TARGETS_REMOVED: Cause = Cause {
    id: "targets-removed",
    title: "targets were taken away without draining, and nothing took their place",
    is_notice: false,
    meaning: "A service scaled in, a spot instance was reclaimed, a node was drained or a task was stopped, and \
        the load balancer learned of it only afterwards. Requests in flight were cut off, and until the address was \
        deregistered, further ones were refused, or met silence if the host was gone. Fewer targets carry the load \
        from then on.",
    evidence_for: &[
        "requests are cut off or connections time out within a minute of the time when a target was last seen",
        "it is never seen again, and no new target starts at about that time",
        "several targets go within minutes, often after the load has fallen",
    ],
    evidence_against: &[
        "as many new targets start as end: deploy-without-draining",
        "the same target answers again: target-crash, restart-in-place",
        "connections time out and the target is seen again later: connect-timeout",
        "only requests longer than the deregistration delay are lost: deregistration-delay-elapsed",
        "one target ends, and nobody took it away: target-crash",
    ],
    fix: "Deregister targets and let them drain before they are stopped, with lifecycle hooks and notices of \
        interruption.",
    settings: &[
        setting("Auto Scaling group", "lifecycle hook on autoscaling:EC2_INSTANCE_TERMINATING, 300 s"),
        setting("Auto Scaling group, spot", "CapacityRebalance=true"),
        setting("ECS on EC2, spot", "ECS_ENABLE_SPOT_INSTANCE_DRAINING=true"),
        setting("ECS on EC2, capacity provider", r#""managedDraining": "ENABLED""#),
        setting("ECS task definition", r#""stopTimeout": 120"#),
        setting("Kubernetes pod disruption budget", "maxUnavailable: 1"),
        setting("Kubernetes, container", r#"lifecycle: { preStop: { exec: { command: ["sleep", "20"] } } }"#),
        setting("target group", "deregistration_delay.timeout_seconds=60"),
    ],
    methods: &[
        method(
            "let the notice of a stop deregister the target first, and wait for the deregistration delay",
            "scaling in, draining a node, or a spot interruption, which gives two minutes",
            "30 to 60 min",
            Risk::Low,
        ),
        method(
            "handle SIGTERM in the application: stop accepting, finish, exit",
            "tasks are stopped while they still serve",
            "30 to 60 min",
            Risk::Low,
        ),
        method(
            "register targets again, or raise the minimum number",
            "what is left cannot carry the load",
            "10 min",
            Risk::Low,
        ),
        method("move part of the service off spot", "interruptions come often", "hours", Risk::Medium),
    ],
    checks: &[
        WHAT_WAS_DEREGISTERED,
        check("were instances terminated at that time, and by whom?", trail!("TerminateInstances")),
        check("were spot instances interrupted at that time?", trail!("BidEvictedEvent")),
        WHO_OWNS_ADDRESS,
        WHAT_DID_SERVICE_DO,
        WHY_DID_TASKS_STOP,
    ],
    docs: page!("edit-target-group-attributes.html#deregistration-delay"),
};
