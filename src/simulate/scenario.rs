//! What can be simulated: one row each. To add one, write its row and the function that makes its plan.
//!
//! A plan is drawn: all that the story leaves open, from the number of nodes to a timeout, comes from the seed. The plans in
//! `fixed` leave nothing open.

mod applications;
mod fixed;
mod lives;
mod servers;
mod shop;
mod site;

use super::dice::Dice;
use super::plan::Plan;

/// Something that can be simulated.
pub struct Scenario {
    /// Stable, and what a user types.
    pub name: &'static str,
    /// One sentence: what happens.
    pub description: &'static str,
    /// The cause ids its failures have, the main one first; empty where nothing is wrong. Beside them some people may leave before
    /// they have an answer (`client-gave-up`), as some always do.
    pub causes: &'static [&'static str],
    pub(super) draw: fn(&mut Dice) -> Plan,
}

/// Every scenario, in the order they are listed.
pub static SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "healthy",
        description: "nothing is wrong: a clean rolling deploy, slow reports, client errors and scanners",
        causes: &[],
        draw: fixed::healthy,
    },
    Scenario {
        name: "keep-alive-race",
        description: "targets with busy event loops close idle connections after 5 s, under an idle timeout of 60 s",
        causes: &["keep-alive-race"],
        draw: fixed::keep_alive_race,
    },
    Scenario {
        name: "keep-alive-race-workers",
        description: "worker processes close connections idle for 2 s whenever something wakes them, under an idle timeout of 60 s",
        causes: &["keep-alive-race"],
        draw: fixed::keep_alive_race_workers,
    },
    Scenario {
        name: "connection-refused",
        description: "one of four targets is registered, twice, without anything listening on its port",
        causes: &["connection-refused"],
        draw: fixed::connection_refused,
    },
    Scenario {
        name: "connect-timeout",
        description: "a network ACL swallows all packets to and from two of four targets for ten minutes of two hours",
        causes: &["connect-timeout", "client-gave-up"],
        draw: fixed::connect_timeout,
    },
    Scenario {
        name: "idle-timeout",
        description: "building a report takes longer and longer, at last longer than the idle timeout of 60 s",
        causes: &["idle-timeout-exceeded"],
        draw: fixed::idle_timeout,
    },
    Scenario {
        name: "target-crash",
        description: "processes run out of memory, slow down, die with requests in flight, and are replaced at new addresses",
        causes: &["target-crash"],
        draw: fixed::target_crash,
    },
    Scenario {
        name: "incident",
        description: "two hours in which four targets of two target groups fail for four different reasons, among healthy ones",
        causes: &["keep-alive-race", "connect-timeout", "target-crash", "idle-timeout-exceeded", "client-gave-up"],
        draw: fixed::incident,
    },
    Scenario {
        name: "race-precise",
        description: "idle connections are closed by exact timers after 2 to 10 s, and some are reused just then",
        causes: &["keep-alive-race"],
        draw: servers::race_precise,
    },
    Scenario {
        name: "race-slow",
        description: "idle connections are closed after 20 to 60 s, and some are reused just then",
        causes: &["keep-alive-race"],
        draw: servers::race_slow,
    },
    Scenario {
        name: "race-coarse",
        description: "idle connections are closed by timers with a resolution of a second or four",
        causes: &["keep-alive-race"],
        draw: servers::race_coarse,
    },
    Scenario {
        name: "race-sweep",
        description: "workers without timers close idle connections when something wakes them",
        causes: &["keep-alive-race"],
        draw: servers::race_sweep,
    },
    Scenario {
        name: "race-with-pollers",
        description: "a race, and callers whose period is near the keep-alive timeout",
        causes: &["keep-alive-race"],
        draw: servers::race_with_pollers,
    },
    Scenario {
        name: "race-and-crash",
        description: "one target loses idle connections, and dies now and then as well",
        causes: &["keep-alive-race", "target-crash"],
        draw: lives::race_and_crash,
    },
    Scenario {
        name: "race-during-deploy",
        description: "targets lose idle connections while a clean deployment rolls",
        causes: &["keep-alive-race"],
        draw: lives::race_during_deploy,
    },
    Scenario {
        name: "worker-kill",
        description: "one of several worker processes of a target is killed again and again, and the others serve on",
        causes: &["target-crash"],
        draw: servers::worker_kill,
    },
    Scenario {
        name: "crash-restart",
        description: "one target dies with requests in flight several times, and is started again in its place",
        causes: &["target-crash"],
        draw: servers::crash_restart,
    },
    Scenario {
        name: "poison-route",
        description: "some requests of one route kill the process that serves them, whichever target it is",
        causes: &["target-crash"],
        draw: servers::poison_route,
    },
    Scenario {
        name: "memory-leak",
        description: "processes run out of memory after so many requests, slow down and are killed",
        causes: &["target-crash", "client-gave-up", "idle-timeout-exceeded"],
        draw: servers::memory_leak,
    },
    Scenario {
        name: "worker-timeout",
        description: "a supervisor kills workers that take too long for one request",
        causes: &["target-request-timeout"],
        draw: servers::worker_timeout,
    },
    Scenario {
        name: "request-timeout",
        description: "the server closes connections whose request takes too long",
        causes: &["target-request-timeout", "idle-timeout-exceeded"],
        draw: servers::request_timeout,
    },
    Scenario {
        name: "frozen-process",
        description: "a process does nothing for some minutes while its host accepts connections",
        causes: &["idle-timeout-exceeded", "client-gave-up"],
        draw: servers::frozen_process,
    },
    Scenario {
        name: "slow-route",
        description: "one route becomes slower than the idle timeout",
        causes: &["idle-timeout-exceeded"],
        draw: servers::slow_route,
    },
    Scenario {
        name: "slow-route-under-load",
        description: "a slow route takes all workers, and everything else waits behind it",
        causes: &["target-saturated", "idle-timeout-exceeded", "client-gave-up"],
        draw: servers::slow_route_under_load,
    },
    Scenario {
        name: "saturation",
        description: "load rises beyond what targets can serve, and requests wait in them for too long",
        causes: &["target-saturated", "client-gave-up", "idle-timeout-exceeded"],
        draw: servers::saturation,
    },
    Scenario {
        name: "saturation-backlog",
        description: "load rises until connections are dropped, for workers accept only what they serve",
        causes: &["target-saturated", "client-gave-up", "idle-timeout-exceeded"],
        draw: servers::saturation_backlog,
    },
    Scenario {
        name: "saturation-shed",
        description: "load rises until targets answer 503 to what they cannot queue",
        causes: &["target-saturated", "client-gave-up", "idle-timeout-exceeded"],
        draw: servers::saturation_shed,
    },
    Scenario {
        name: "inner-proxy-timeout",
        description: "a proxy inside the targets times out before the load balancer does",
        causes: &["inner-proxy-error"],
        draw: servers::inner_proxy_timeout,
    },
    Scenario {
        name: "inner-proxy-refused",
        description: "the application behind the proxy of one target is down",
        causes: &["inner-proxy-error"],
        draw: servers::inner_proxy_refused,
    },
    Scenario {
        name: "malformed-route",
        description: "the load balancer accepts no answer of one route",
        causes: &["malformed-response"],
        draw: applications::malformed_route,
    },
    Scenario {
        name: "malformed-partly",
        description: "the load balancer does not accept some answers of one route",
        causes: &["malformed-response"],
        draw: applications::malformed_partly,
    },
    Scenario {
        name: "application-errors",
        description: "one route answers 5xx now and then",
        causes: &["application-error"],
        draw: applications::application_errors,
    },
    Scenario {
        name: "random-closes",
        description: "the application closes some connections in place of an answer, whatever was asked",
        causes: &["unexplained"],
        draw: applications::random_closes,
    },
    Scenario {
        name: "bad-release",
        description: "from one release on a route answers 500",
        causes: &["application-error"],
        draw: applications::bad_release,
    },
    Scenario {
        name: "one-bad-host",
        description: "one of the hosts is slow and fails often",
        causes: &["application-error"],
        draw: applications::one_bad_host,
    },
    Scenario {
        name: "dependency-timeout",
        description: "what all targets share does not answer, and they answer with errors after a constant time",
        causes: &["dependency-outage", "client-gave-up"],
        draw: applications::dependency_timeout,
    },
    Scenario {
        name: "dependency-hang",
        description: "what all targets share does not answer, and they wait for ever",
        causes: &["dependency-outage", "client-gave-up"],
        draw: applications::dependency_hang,
    },
    Scenario {
        name: "edge-timeout",
        description: "a content delivery network gives up after 30 s",
        causes: &["client-gave-up", "idle-timeout-exceeded"],
        draw: applications::edge_timeout,
    },
    Scenario {
        name: "gateway-timeout",
        description: "an API gateway gives up after 29 s",
        causes: &["client-gave-up", "idle-timeout-exceeded"],
        draw: applications::gateway_timeout,
    },
    Scenario {
        name: "short-budget",
        description: "another service waits for a fraction of a second",
        causes: &["client-gave-up"],
        draw: applications::short_budget,
    },
    Scenario {
        name: "mobile-timeout",
        description: "mobile apps give up after 15 s",
        causes: &["client-gave-up", "idle-timeout-exceeded"],
        draw: applications::mobile_timeout,
    },
    Scenario {
        name: "users-leave",
        description: "people leave slow pages after times of their own",
        causes: &["client-gave-up"],
        draw: applications::users_leave,
    },
    Scenario {
        name: "deploy-abrupt",
        description: "a rolling deployment stops processes at once while nodes still send to them",
        causes: &["deploy-without-draining"],
        draw: lives::deploy_abrupt,
    },
    Scenario {
        name: "deploy-closing",
        description: "a rolling deployment lets processes finish, but they listen no more while nodes still send",
        causes: &["deploy-without-draining"],
        draw: lives::deploy_closing,
    },
    Scenario {
        name: "crash-during-deploy",
        description: "while a clean deployment rolls, a target that stays dies several times",
        causes: &["target-crash"],
        draw: lives::crash_during_deploy,
    },
    Scenario {
        name: "short-delay",
        description: "requests outlive the deregistration delay in a rolling deployment",
        causes: &["deregistration-delay-elapsed"],
        draw: lives::short_delay,
    },
    Scenario {
        name: "not-ready",
        description: "new targets are registered before they listen",
        causes: &["target-not-ready"],
        draw: lives::not_ready,
    },
    Scenario {
        name: "cold-start",
        description: "new targets are slow and fail until they are warm",
        causes: &["target-not-ready"],
        draw: lives::cold_start,
    },
    Scenario {
        name: "empty-group",
        description: "for some minutes no target is registered",
        causes: &["no-registered-targets"],
        draw: lives::empty_group,
    },
    Scenario {
        name: "wrong-port",
        description: "one target is registered at a port where nothing listens",
        causes: &["connection-refused"],
        draw: lives::wrong_port,
    },
    Scenario {
        name: "blocked",
        description: "packets to and from some targets vanish for some minutes",
        causes: &["connect-timeout", "client-gave-up"],
        draw: lives::blocked,
    },
    Scenario {
        name: "blocked-from-one-node",
        description: "packets between one node and all targets vanish for some minutes",
        causes: &["connect-timeout", "client-gave-up"],
        draw: lives::blocked_from_one_node,
    },
    Scenario {
        name: "tls-handshake",
        description: "one target no longer agrees with the load balancer on TLS",
        causes: &["target-tls-handshake"],
        draw: lives::tls_handshake,
    },
    Scenario {
        name: "waf-fails",
        description: "AWS WAF cannot be asked",
        causes: &["waf-unavailable"],
        draw: applications::waf_fails,
    },
    Scenario {
        name: "identity-fails",
        description: "the identity provider does not answer in time",
        causes: &["identity-provider-error"],
        draw: applications::identity_fails,
    },
    Scenario {
        name: "lambda-throws",
        description: "a Lambda function throws, or answers what cannot be used",
        causes: &["lambda-error"],
        draw: applications::lambda_throws,
    },
    Scenario {
        name: "lambda-timeout",
        description: "a Lambda function takes longer than its timeout",
        causes: &["lambda-timeout"],
        draw: applications::lambda_timeout,
    },
    Scenario {
        name: "lambda-throttled",
        description: "more requests come than a Lambda function may run at once",
        causes: &["lambda-throttled"],
        draw: applications::lambda_throttled,
    },
    Scenario {
        name: "lambda-denied",
        description: "the load balancer may not invoke a Lambda function any more",
        causes: &["lambda-misconfigured"],
        draw: applications::lambda_denied,
    },
    Scenario {
        name: "mixed",
        description: "a race, a process that dies and a blocked path, each on a target of its own",
        causes: &["connect-timeout", "keep-alive-race", "target-crash", "client-gave-up"],
        draw: lives::mixed,
    },
    Scenario {
        name: "deploy-clean",
        description: "nothing is wrong: a rolling deployment that waits for what is under way",
        causes: &[],
        draw: lives::deploy_clean,
    },
    Scenario {
        name: "scale-in",
        description: "nothing is wrong: some targets go, and none comes",
        causes: &[],
        draw: lives::scale_in,
    },
    Scenario {
        name: "idle-night",
        description: "nothing is wrong: almost nobody calls",
        causes: &[],
        draw: lives::idle_night,
    },
    Scenario {
        name: "quiet",
        description: "nothing is wrong: a service that few use",
        causes: &[],
        draw: lives::quiet,
    },
    Scenario { name: "busy", description: "nothing is wrong: a service that many use", causes: &[], draw: lives::busy },
    Scenario {
        name: "pollers",
        description: "nothing is wrong: most requests come by the clock",
        causes: &[],
        draw: lives::pollers,
    },
    Scenario {
        name: "refused-requests",
        description: "nothing is wrong with targets: scanners, and requests that the load balancer refuses",
        causes: &[],
        draw: applications::refused_requests,
    },
    Scenario {
        name: "waf-blocks",
        description: "nothing is wrong: AWS WAF blocks requests",
        causes: &[],
        draw: applications::waf_blocks,
    },
    Scenario {
        name: "users-rejected",
        description: "nothing is wrong: cookies of some users are not accepted",
        causes: &[],
        draw: applications::users_rejected,
    },
    Scenario {
        name: "maintenance",
        description: "nothing is wrong: a rule answers 503 for some minutes, as it is told to",
        causes: &[],
        draw: applications::maintenance,
    },
];

impl Scenario {
    /// The scenario of that name, if there is one.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        SCENARIOS.iter().find(|scenario| scenario.name == name)
    }

    /// What happens with this seed. Scenarios draw apart, so that one seed's are not all alike.
    pub(super) fn plan(&self, seed: u64) -> Plan {
        // FNV-1a: http://www.isthe.com/chongo/tech/comp/fnv/
        let of_name = self
            .name
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        (self.draw)(&mut Dice::new(seed ^ of_name, 6))
    }
}

/// The names of all scenarios, in the order they are listed.
pub fn scenario_names() -> impl Iterator<Item = &'static str> {
    SCENARIOS.iter().map(|scenario| scenario.name)
}
