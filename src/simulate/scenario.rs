//! The table of scenarios, one row each. To add one, write its row and the function that draws its plan.
//!
//! Plans are drawn: everything that a scenario leaves open, from the number of nodes to a timeout, comes from the seed.
//! The plans in `fixed` leave nothing open.

mod applications;
mod bodies;
mod fixed;
mod lives;
mod recycling;
mod removals;
mod servers;
mod shop;
mod site;

use super::plan::IncidentPlan;
use super::rng::Rng;

/// An incident, or a healthy run, that can be simulated.
pub struct Scenario {
    /// Its stable name, as a user types it.
    pub name: &'static str,
    /// One sentence: what happens.
    pub description: &'static str,
    /// Ids of the causes that its failures have, the main one first; empty if nothing is wrong. Besides, some people
    /// may leave before they get an answer (`client-gave-up`), as some always do.
    pub causes: &'static [&'static str],
    /// Ids of the causes that requests have which do not count as failed.
    pub notices: &'static [&'static str],
    pub(super) draw: fn(&mut Rng) -> IncidentPlan,
}

/// Every scenario, in the order they are listed.
pub static SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "healthy",
        description: "nothing is wrong: a clean rolling deploy, slow reports, client errors and scanners",
        causes: &[],
        notices: &[],
        draw: fixed::healthy,
    },
    Scenario {
        name: "keep-alive-race",
        description: "targets with busy event loops close idle connections after 5 s, under an idle timeout of 60 s",
        causes: &["keep-alive-race"],
        notices: &[],
        draw: fixed::keep_alive_race,
    },
    Scenario {
        name: "keep-alive-race-workers",
        description: "worker processes close connections idle for 2 s whenever something wakes them, under an idle timeout of 60 s",
        causes: &["keep-alive-race"],
        notices: &[],
        draw: fixed::keep_alive_race_workers,
    },
    Scenario {
        name: "connection-refused",
        description: "one of four targets is registered twice while nothing listens on its port",
        causes: &["connection-refused"],
        notices: &[],
        draw: fixed::connection_refused,
    },
    Scenario {
        name: "connect-timeout",
        description: "a network ACL drops all packets to and from two of four targets, for ten minutes of two hours",
        causes: &["connect-timeout", "client-gave-up"],
        notices: &[],
        draw: fixed::connect_timeout,
    },
    Scenario {
        name: "idle-timeout",
        description: "building a report takes longer and longer, until it exceeds the idle timeout of 60 s",
        causes: &["idle-timeout-exceeded"],
        notices: &[],
        draw: fixed::idle_timeout,
    },
    Scenario {
        name: "target-crash",
        description: "processes run out of memory, slow down and are killed with requests in flight; targets at new addresses replace them",
        causes: &["target-crash"],
        notices: &[],
        draw: fixed::target_crash,
    },
    Scenario {
        name: "incident",
        description: "two hours in which five targets of two target groups fail for four different reasons, among healthy ones",
        causes: &["keep-alive-race", "connect-timeout", "target-crash", "idle-timeout-exceeded", "client-gave-up"],
        notices: &[],
        draw: fixed::incident,
    },
    Scenario {
        name: "race-precise",
        description: "exact timers close idle connections after 2 to 10 s, just as some are reused",
        causes: &["keep-alive-race"],
        notices: &[],
        draw: servers::race_precise,
    },
    Scenario {
        name: "race-slow",
        description: "exact timers close idle connections after 20 to 60 s, just as some are reused",
        causes: &["keep-alive-race"],
        notices: &[],
        draw: servers::race_slow,
    },
    Scenario {
        name: "race-coarse",
        description: "timers with a resolution of one or four seconds close idle connections, just as some are reused",
        causes: &["keep-alive-race"],
        notices: &[],
        draw: servers::race_coarse,
    },
    Scenario {
        name: "race-sweep",
        description: "workers without timers close idle connections when something wakes them, just as some are reused",
        causes: &["keep-alive-race"],
        notices: &[],
        draw: servers::race_sweep,
    },
    Scenario {
        name: "race-with-pollers",
        description: "a keep-alive race, and clients that call at intervals near the keep-alive timeout",
        causes: &["keep-alive-race"],
        notices: &[],
        draw: servers::race_with_pollers,
    },
    Scenario {
        name: "race-and-crash",
        description: "one target has a keep-alive race and also crashes twice",
        causes: &["keep-alive-race", "target-crash"],
        notices: &[],
        draw: lives::race_and_crash,
    },
    Scenario {
        name: "race-during-deploy",
        description: "targets have a keep-alive race during a clean rolling deployment",
        causes: &["keep-alive-race"],
        notices: &[],
        draw: lives::race_during_deploy,
    },
    Scenario {
        name: "worker-kill",
        description: "worker processes of one target are killed again and again, one at a time, while the others keep serving",
        causes: &["target-crash"],
        notices: &[],
        draw: servers::worker_kill,
    },
    Scenario {
        name: "crash-restart",
        description: "one target crashes several times with requests in flight, and restarts at the same address",
        causes: &["target-crash"],
        notices: &[],
        draw: servers::crash_restart,
    },
    Scenario {
        name: "recycled-workers",
        description: "worker processes end after a number of requests, and what came on their connections meanwhile is reset",
        causes: &["server-recycling"],
        notices: &[],
        draw: recycling::recycled_workers,
    },
    Scenario {
        name: "reload",
        description: "servers are reloaded, and close connections with requests in flight",
        causes: &["server-recycling"],
        notices: &[],
        draw: recycling::reload,
    },
    Scenario {
        name: "connection-age",
        description: "servers close connections of a certain age, whatever happens on them",
        causes: &["server-recycling"],
        notices: &[],
        draw: recycling::connection_age,
    },
    Scenario {
        name: "lost-in-worker",
        description: "worker processes at the end of their life take requests and never answer them",
        causes: &["never-answered"],
        notices: &[],
        draw: recycling::lost_in_worker,
    },
    Scenario {
        name: "locked-worker",
        description: "worker processes of one target are locked again and again, one at a time, and still get connections",
        causes: &["never-answered"],
        notices: &[],
        draw: recycling::locked_worker,
    },
    Scenario {
        name: "poison-route",
        description: "some requests to one route kill the process that serves them, on any target",
        causes: &["target-crash"],
        notices: &[],
        draw: servers::poison_route,
    },
    Scenario {
        name: "memory-leak",
        description: "processes run out of memory after a number of requests, slow down and are killed",
        causes: &["target-crash", "client-gave-up", "idle-timeout-exceeded"],
        notices: &[],
        draw: servers::memory_leak,
    },
    Scenario {
        name: "worker-timeout",
        description: "a supervisor kills workers that take too long for one request",
        causes: &["target-request-timeout"],
        notices: &[],
        draw: servers::worker_timeout,
    },
    Scenario {
        name: "request-timeout",
        description: "the server closes connections whose request takes too long",
        causes: &["target-request-timeout", "idle-timeout-exceeded"],
        notices: &[],
        draw: servers::request_timeout,
    },
    Scenario {
        name: "frozen-process",
        description: "a process freezes for some minutes while its host still accepts connections",
        causes: &["idle-timeout-exceeded", "client-gave-up"],
        notices: &[],
        draw: servers::frozen_process,
    },
    Scenario {
        name: "slow-route",
        description: "one route becomes slower than the idle timeout",
        causes: &["idle-timeout-exceeded"],
        notices: &[],
        draw: servers::slow_route,
    },
    Scenario {
        name: "slow-route-under-load",
        description: "a slow route occupies all workers, and all other requests wait for them",
        causes: &["target-saturated", "idle-timeout-exceeded", "client-gave-up"],
        notices: &[],
        draw: servers::slow_route_under_load,
    },
    Scenario {
        name: "saturation",
        description: "load rises beyond what targets can serve, and requests wait in their queues for too long",
        causes: &["target-saturated", "client-gave-up", "idle-timeout-exceeded"],
        notices: &[],
        draw: servers::saturation,
    },
    Scenario {
        name: "saturation-backlog",
        description: "load rises until the kernel drops connection attempts, because workers accept a connection only when they are free",
        causes: &["target-saturated", "client-gave-up", "idle-timeout-exceeded"],
        notices: &[],
        draw: servers::saturation_backlog,
    },
    Scenario {
        name: "saturation-shed",
        description: "load rises until targets answer 503 because their queues are full",
        causes: &["target-saturated", "client-gave-up", "idle-timeout-exceeded"],
        notices: &[],
        draw: servers::saturation_shed,
    },
    Scenario {
        name: "connections-exhausted",
        description: "long-lived connections take nearly all that one target may have, again and again",
        causes: &["connections-exhausted"],
        notices: &[],
        draw: recycling::connections_exhausted,
    },
    Scenario {
        name: "inner-proxy-timeout",
        description: "a proxy inside the targets times out before the load balancer does",
        causes: &["inner-proxy-error"],
        notices: &[],
        draw: servers::inner_proxy_timeout,
    },
    Scenario {
        name: "inner-proxy-refused",
        description: "the application behind the proxy of one target is down",
        causes: &["inner-proxy-error"],
        notices: &[],
        draw: servers::inner_proxy_refused,
    },
    Scenario {
        name: "malformed-route",
        description: "the load balancer rejects all answers of one route",
        causes: &["malformed-response"],
        notices: &[],
        draw: applications::malformed_route,
    },
    Scenario {
        name: "malformed-partly",
        description: "the load balancer rejects some answers of one route",
        causes: &["malformed-response"],
        notices: &[],
        draw: applications::malformed_partly,
    },
    Scenario {
        name: "uploads-refused",
        description: "uploads that are too large, or whose token has expired, are refused before their body was read",
        causes: &["early-response-reset"],
        notices: &[],
        draw: bodies::uploads_refused,
    },
    Scenario {
        name: "application-errors",
        description: "one route answers 5xx now and then",
        causes: &["application-error"],
        notices: &[],
        draw: applications::application_errors,
    },
    Scenario {
        name: "random-closes",
        description: "the application closes some connections instead of answering, on any route",
        causes: &["unexplained"],
        notices: &[],
        draw: applications::random_closes,
    },
    Scenario {
        name: "bad-release",
        description: "after a release, one route answers 500",
        causes: &["application-error"],
        notices: &[],
        draw: applications::bad_release,
    },
    Scenario {
        name: "one-bad-host",
        description: "one of the hosts is slow and fails often",
        causes: &["application-error"],
        notices: &[],
        draw: applications::one_bad_host,
    },
    Scenario {
        name: "dependency-timeout",
        description: "a dependency of all targets does not answer, and they answer with errors after a constant time",
        causes: &["dependency-outage", "client-gave-up"],
        notices: &[],
        draw: applications::dependency_timeout,
    },
    Scenario {
        name: "dependency-hang",
        description: "a dependency of all targets does not answer, and they wait without a timeout",
        causes: &["dependency-outage", "client-gave-up"],
        notices: &[],
        draw: applications::dependency_hang,
    },
    Scenario {
        name: "edge-timeout",
        description: "a content delivery network gives up after 30 s",
        causes: &["client-gave-up", "idle-timeout-exceeded"],
        notices: &[],
        draw: applications::edge_timeout,
    },
    Scenario {
        name: "gateway-timeout",
        description: "an API gateway gives up after 29 s",
        causes: &["client-gave-up", "idle-timeout-exceeded"],
        notices: &[],
        draw: applications::gateway_timeout,
    },
    Scenario {
        name: "short-budget",
        description: "another service gives up after a fraction of a second",
        causes: &["client-gave-up"],
        notices: &[],
        draw: applications::short_budget,
    },
    Scenario {
        name: "mobile-timeout",
        description: "mobile apps give up after 15 s",
        causes: &["client-gave-up", "idle-timeout-exceeded"],
        notices: &[],
        draw: applications::mobile_timeout,
    },
    Scenario {
        name: "users-leave",
        description: "people leave slow pages, each after a different time",
        causes: &["client-gave-up"],
        notices: &[],
        draw: applications::users_leave,
    },
    Scenario {
        name: "deploy-abrupt",
        description: "a rolling deployment stops processes immediately, while nodes still send to them",
        causes: &["deploy-without-draining"],
        notices: &[],
        draw: lives::deploy_abrupt,
    },
    Scenario {
        name: "deploy-closing",
        description: "a rolling deployment lets processes finish their requests, but they stop listening while nodes still send",
        causes: &["deploy-without-draining"],
        notices: &[],
        draw: lives::deploy_closing,
    },
    Scenario {
        name: "crash-during-deploy",
        description: "a target that is not replaced crashes several times during a clean rolling deployment",
        causes: &["target-crash"],
        notices: &[],
        draw: lives::crash_during_deploy,
    },
    Scenario {
        name: "removed-abruptly",
        description: "some targets are stopped for good with requests in flight, and nothing takes their place",
        causes: &["targets-removed"],
        notices: &[],
        draw: removals::removed_abruptly,
    },
    Scenario {
        name: "hosts-lost",
        description: "the hosts of some targets are gone at once, and nothing takes their place",
        causes: &["targets-removed", "client-gave-up"],
        notices: &[],
        draw: removals::hosts_lost,
    },
    Scenario {
        name: "rolling-restart",
        description: "targets are restarted one after the other while they are registered",
        causes: &["restart-in-place"],
        notices: &[],
        draw: removals::rolling_restart,
    },
    Scenario {
        name: "short-delay",
        description: "requests take longer than the deregistration delay in a rolling deployment",
        causes: &["deregistration-delay-elapsed"],
        notices: &[],
        draw: lives::short_delay,
    },
    Scenario {
        name: "not-ready",
        description: "new targets are registered before they listen",
        causes: &["target-not-ready"],
        notices: &[],
        draw: lives::not_ready,
    },
    Scenario {
        name: "cold-start",
        description: "new targets are slow and fail until they are warm",
        causes: &["target-not-ready"],
        notices: &[],
        draw: lives::cold_start,
    },
    Scenario {
        name: "empty-group",
        description: "for some minutes no target is registered",
        causes: &["no-registered-targets"],
        notices: &[],
        draw: lives::empty_group,
    },
    Scenario {
        name: "wrong-port",
        description: "one target is registered at a port where nothing listens",
        causes: &["connection-refused"],
        notices: &[],
        draw: lives::wrong_port,
    },
    Scenario {
        name: "blocked",
        description: "packets to and from some targets are lost for some minutes",
        causes: &["connect-timeout", "client-gave-up"],
        notices: &[],
        draw: lives::blocked,
    },
    Scenario {
        name: "blocked-from-one-node",
        description: "packets between one node and all targets are lost for some minutes",
        causes: &["connect-timeout", "client-gave-up"],
        notices: &[],
        draw: lives::blocked_from_one_node,
    },
    Scenario {
        name: "quiet-connections-dropped",
        description: "a firewall forgets connections that were quiet for a while, and drops what comes on them",
        causes: &["idle-connection-dropped", "client-gave-up"],
        notices: &[],
        draw: removals::quiet_connections_dropped,
    },
    Scenario {
        name: "tls-handshake",
        description: "TLS handshakes between one target and the load balancer fail for some minutes",
        causes: &["target-tls-handshake"],
        notices: &[],
        draw: lives::tls_handshake,
    },
    Scenario {
        name: "waf-fails",
        description: "AWS WAF cannot be reached",
        causes: &["waf-unavailable"],
        notices: &[],
        draw: applications::waf_fails,
    },
    Scenario {
        name: "identity-fails",
        description: "the identity provider does not answer in time",
        causes: &["identity-provider-error"],
        notices: &[],
        draw: applications::identity_fails,
    },
    Scenario {
        name: "lambda-throws",
        description: "a Lambda function throws, or returns an invalid answer",
        causes: &["lambda-error"],
        notices: &[],
        draw: applications::lambda_throws,
    },
    Scenario {
        name: "lambda-timeout",
        description: "a Lambda function takes longer than its timeout",
        causes: &["lambda-timeout"],
        notices: &[],
        draw: applications::lambda_timeout,
    },
    Scenario {
        name: "lambda-throttled",
        description: "more requests arrive than a Lambda function may handle at the same time",
        causes: &["lambda-throttled"],
        notices: &[],
        draw: applications::lambda_throttled,
    },
    Scenario {
        name: "lambda-denied",
        description: "the load balancer may no longer invoke a Lambda function",
        causes: &["lambda-misconfigured"],
        notices: &[],
        draw: applications::lambda_denied,
    },
    Scenario {
        name: "mixed",
        description: "a keep-alive race, crashes and a blocked path, each on a different target",
        causes: &["connect-timeout", "keep-alive-race", "target-crash", "client-gave-up"],
        notices: &[],
        draw: lives::mixed,
    },
    Scenario {
        name: "deploy-clean",
        description: "nothing is wrong: a rolling deployment that waits for requests in flight",
        causes: &[],
        notices: &[],
        draw: lives::deploy_clean,
    },
    Scenario {
        name: "scale-in",
        description: "nothing is wrong: some targets are removed without a replacement",
        causes: &[],
        notices: &[],
        draw: lives::scale_in,
    },
    Scenario {
        name: "recycling-announced",
        description: "nothing is wrong: worker processes end after a number of requests, and announce it",
        causes: &[],
        notices: &[],
        draw: recycling::recycling_announced,
    },
    Scenario {
        name: "reload-announced",
        description: "nothing is wrong: servers are reloaded, and announce which connections are closed",
        causes: &[],
        notices: &[],
        draw: recycling::reload_announced,
    },
    Scenario {
        name: "uploads",
        description: "nothing is wrong: uploads that take their time",
        causes: &[],
        notices: &[],
        draw: bodies::uploads,
    },
    Scenario {
        name: "websockets",
        description: "nothing is wrong: WebSockets that send a ping before the idle timeout",
        causes: &[],
        notices: &[],
        draw: bodies::websockets,
    },
    Scenario {
        name: "websockets-silent",
        description: "nothing fails: WebSockets fall silent, and the load balancer closes them at the idle timeout",
        causes: &[],
        notices: &["websocket-idle-timeout"],
        draw: bodies::websockets_silent,
    },
    Scenario {
        name: "odd-requests",
        description: "nothing is wrong with targets: the load balancer refuses the requests of some programs for their form",
        causes: &[],
        notices: &["desync-mode"],
        draw: bodies::odd_requests,
    },
    Scenario {
        name: "idle-night",
        description: "nothing is wrong: almost no traffic",
        causes: &[],
        notices: &[],
        draw: lives::idle_night,
    },
    Scenario {
        name: "quiet",
        description: "nothing is wrong: a service with little traffic",
        causes: &[],
        notices: &[],
        draw: lives::quiet,
    },
    Scenario {
        name: "busy",
        description: "nothing is wrong: a service with heavy traffic",
        causes: &[],
        notices: &[],
        draw: lives::busy,
    },
    Scenario {
        name: "nightly-batches",
        description: "nothing is wrong: batches call a slow route again and again, far more often than anyone else",
        causes: &[],
        notices: &[],
        draw: lives::nightly_batches,
    },
    Scenario {
        name: "scanners",
        description: "nothing is wrong: scanners make more requests than clients do",
        causes: &[],
        notices: &[],
        draw: applications::scanners,
    },
    Scenario {
        name: "pollers",
        description: "nothing is wrong: most requests come at fixed times of the clock",
        causes: &[],
        notices: &[],
        draw: lives::pollers,
    },
    Scenario {
        name: "refused-requests",
        description: "nothing is wrong with targets: scanners, and requests that the load balancer refuses",
        causes: &[],
        notices: &["request-too-large"],
        draw: applications::refused_requests,
    },
    Scenario {
        name: "waf-blocks",
        description: "nothing is wrong: AWS WAF blocks requests",
        causes: &[],
        notices: &["waf-blocked"],
        draw: applications::waf_blocks,
    },
    Scenario {
        name: "users-rejected",
        description: "nothing is wrong: the session cookies of some users are rejected",
        causes: &[],
        notices: &["authentication-failed"],
        draw: applications::users_rejected,
    },
    Scenario {
        name: "maintenance",
        description: "nothing is wrong: a rule answers 503 for some minutes, as configured",
        causes: &[],
        notices: &[],
        draw: applications::maintenance,
    },
];

impl Scenario {
    /// The scenario of that name, if there is one.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        SCENARIOS.iter().find(|scenario| scenario.name == name)
    }

    /// The plan for this seed. The name goes into the draw, so that scenarios with the same seed are not all alike.
    pub(super) fn plan(&self, seed: u64) -> IncidentPlan {
        // FNV-1a: http://www.isthe.com/chongo/tech/comp/fnv/
        let of_name = self
            .name
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        (self.draw)(&mut Rng::new(seed ^ of_name, 6))
    }
}

/// The names of all scenarios, in the order they are listed.
pub fn scenario_names() -> impl Iterator<Item = &'static str> {
    SCENARIOS.iter().map(|scenario| scenario.name)
}
