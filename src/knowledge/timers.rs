//! Default timeouts that failing requests pile up at: they tell whose timeout a wall is.

use std::time::Duration;

use super::{Trust, distance};

/// A timeout that a server, proxy, client or service has by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timer {
    /// How long it is.
    pub duration: Duration,
    /// How much later it may fire.
    pub smear: Duration,
    /// How a request that meets it ends.
    pub seen_as: SeenAs,
    /// Whose timeout it is, and which one.
    pub who: &'static str,
    /// What to change.
    pub setting: &'static str,
    /// Where it comes from.
    pub trust: Trust,
}

/// How the load balancer logs a request that met a timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SeenAs {
    /// 502 by the load balancer: the target closed the connection without an answer.
    TargetClosed,
    /// 502, 503 or 504 by the target.
    TargetStatus,
    /// 500, or another 5xx, by the target.
    TargetError,
    /// 460.
    ClientClosed,
    /// 504 by the load balancer.
    LoadBalancerTimeout,
    /// 500 or 561 by the load balancer, before any target.
    LoadBalancerError,
    /// 502 by the load balancer for a Lambda function.
    LambdaError,
}

/// A measured time may differ from a timer by this much, or by 1/[`TOLERANCE_SHARE`] of the timer if that is more.
const TOLERANCE: Duration = Duration::from_millis(30);
const TOLERANCE_SHARE: u32 = 200;

/// The timers that a request may have met if it ended as `seen_as` after `time`. The nearest come first; equally near
/// ones are in the order of [`TIMERS`].
#[must_use]
pub fn timers_at(seen_as: SeenAs, time: Duration) -> Vec<&'static Timer> {
    let near = TIMERS.iter().filter(|timer| timer.seen_as == seen_as).filter_map(|timer| {
        let tolerance = TOLERANCE.max(timer.duration / TOLERANCE_SHARE);
        Some((distance(time, timer.duration, timer.smear, tolerance)?, timer))
    });
    let mut near: Vec<_> = near.collect();
    near.sort_by_key(|(distance, _)| *distance);
    near.into_iter().map(|(_, timer)| timer).collect()
}

const fn timer(
    millis: u64,
    smear_millis: u64,
    seen_as: SeenAs,
    who: &'static str,
    setting: &'static str,
    trust: Trust,
) -> Timer {
    let (duration, smear) = (Duration::from_millis(millis), Duration::from_millis(smear_millis));
    Timer { duration, smear, seen_as, who, setting, trust }
}

use SeenAs::{
    ClientClosed, LambdaError, LoadBalancerError, LoadBalancerTimeout, TargetClosed, TargetError, TargetStatus,
};
use Trust::{Confirmed, General, Secondary};

/// All timers, the shortest first. Among those of the same length, the most common come first.
pub static TIMERS: &[Timer] = &[
    timer(3_000, 200, LambdaError, "Lambda function timeout, the default", "--timeout 30", General),
    timer(5_000, 50, TargetStatus, "Envoy connect timeout to its upstream", "connect_timeout: 5s", Confirmed),
    timer(5_000, 50, TargetStatus, "HAProxy timeout connect, as in its examples", "timeout connect 5s", Confirmed),
    timer(5_000, 50, TargetError, "an HTTP client or a database driver in the application", "its timeout", General),
    timer(
        5_000,
        100,
        LoadBalancerError,
        "identity provider endpoint, the load balancer's timeout for it",
        "none: it cannot be changed",
        Confirmed,
    ),
    timer(
        10_000,
        50,
        LoadBalancerTimeout,
        "load balancer connect timeout, or TLS handshake timeout",
        "none: it cannot be changed",
        Confirmed,
    ),
    timer(
        10_000,
        2_000,
        TargetClosed,
        "Bun and uWebSockets.js idle timer, while a handler or an upload is slow",
        "Bun.serve({ idleTimeout: 75, fetch })",
        Secondary,
    ),
    timer(
        10_000,
        50,
        TargetClosed,
        "Go net/http WriteTimeout 10 s",
        "&http.Server{WriteTimeout: 55 * time.Second}",
        General,
    ),
    timer(10_000, 50, TargetError, "an HTTP client or a database driver in the application", "its timeout", General),
    timer(15_000, 50, TargetStatus, "Envoy route timeout", "timeout: 55s", Confirmed),
    timer(
        15_000,
        50,
        TargetStatus,
        "ECS Service Connect perRequestTimeoutSeconds",
        r#""timeout": { "perRequestTimeoutSeconds": 55 }"#,
        Secondary,
    ),
    timer(
        15_000,
        50,
        TargetClosed,
        "Go net/http WriteTimeout 15 s",
        "&http.Server{WriteTimeout: 55 * time.Second}",
        General,
    ),
    timer(
        20_000,
        50,
        TargetStatus,
        "Pekko HTTP and Akka HTTP request-timeout",
        "pekko.http.server.request-timeout = 55 s",
        Confirmed,
    ),
    timer(
        29_000,
        100,
        ClientClosed,
        "API Gateway REST integration timeout",
        "timeoutInMillis, with a raised quota",
        Confirmed,
    ),
    timer(30_000, 100, ClientClosed, "CloudFront origin response timeout", "OriginReadTimeout: up to 120 s", Confirmed),
    timer(30_000, 100, ClientClosed, "API Gateway HTTP API integration timeout", "none: 30 s is the maximum", General),
    timer(30_000, 100, ClientClosed, "an HTTP client with a timeout of 30 s", "its timeout", General),
    timer(30_000, 2_000, TargetClosed, "gunicorn --timeout", "--timeout 55", Confirmed),
    timer(
        30_000,
        50,
        TargetClosed,
        "Go net/http WriteTimeout 30 s",
        "&http.Server{WriteTimeout: 55 * time.Second}",
        General,
    ),
    timer(30_000, 2_000, TargetError, "gunicorn --timeout, from 23 on", "--timeout 55", Confirmed),
    timer(
        30_000,
        100,
        TargetError,
        "HikariCP connectionTimeout, waiting for a connection",
        "spring.datasource.hikari.connection-timeout=5000",
        General,
    ),
    timer(30_000, 500, TargetError, "PHP max_execution_time", "max_execution_time = 55", General),
    timer(
        30_000,
        50,
        TargetStatus,
        "Traefik dialTimeout to its upstream",
        "serversTransport.forwardingTimeouts.dialTimeout=5s",
        Confirmed,
    ),
    timer(50_000, 50, TargetStatus, "HAProxy timeout server, as in its examples", "timeout server 55s", Confirmed),
    timer(
        60_000,
        50,
        TargetStatus,
        "nginx proxy_read_timeout, fastcgi_read_timeout, uwsgi_read_timeout",
        "proxy_read_timeout 55s;",
        Confirmed,
    ),
    timer(60_000, 50, TargetStatus, "Apache httpd Timeout, ProxyTimeout", "ProxyTimeout 55", Confirmed),
    timer(60_000, 100, TargetStatus, "Sanic RESPONSE_TIMEOUT", "RESPONSE_TIMEOUT = 55", Confirmed),
    timer(
        60_000,
        500,
        LoadBalancerTimeout,
        "load balancer idle timeout",
        "idle_timeout.timeout_seconds=180",
        Confirmed,
    ),
    timer(
        60_000,
        100,
        ClientClosed,
        "CloudFront origin response timeout raised to 60 s",
        "OriginReadTimeout: up to 120 s",
        Confirmed,
    ),
    timer(60_000, 100, ClientClosed, "an HTTP client with a timeout of 60 s", "its timeout", General),
    timer(60_000, 1_200, TargetClosed, "Unicorn timeout", "timeout 55", Confirmed),
    timer(60_000, 1_200, TargetClosed, "uWSGI harakiri 60", "harakiri = 55", Confirmed),
    timer(
        60_000,
        100,
        TargetClosed,
        "Traefik readTimeout, while an upload is slow",
        "respondingTimeouts.readTimeout=300s",
        Confirmed,
    ),
    timer(
        100_000,
        200,
        ClientClosed,
        "Cloudflare's limit on an origin's answer",
        "none on plans below Enterprise",
        General,
    ),
    timer(120_000, 200, TargetClosed, "Node.js before 13, server.timeout", "server.setTimeout(0);", General),
    timer(
        300_000,
        500,
        TargetClosed,
        "deregistration delay of the target group",
        "deregistration_delay.timeout_seconds=900",
        Confirmed,
    ),
    timer(
        300_000,
        30_000,
        TargetClosed,
        "Node.js requestTimeout, checked every 30 s",
        "server.requestTimeout = 0;",
        Confirmed,
    ),
    timer(900_000, 1_000, LambdaError, "Lambda function timeout, the longest", "a shorter job, or a queue", Confirmed),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_complete() {
        assert!(TIMERS.is_sorted_by_key(|timer| timer.duration));
        for (index, timer) in TIMERS.iter().enumerate() {
            assert!(!timer.who.is_empty() && !timer.setting.is_empty(), "{timer:?}");
            assert!(timer.smear < timer.duration, "{timer:?}");
            let key = |timer: &Timer| (timer.duration, timer.seen_as, timer.who);
            assert!(TIMERS[..index].iter().all(|other| key(other) != key(timer)), "{timer:?} stands twice");
        }
    }

    fn who(seen_as: SeenAs, millis: u64) -> &'static str {
        timers_at(seen_as, Duration::from_millis(millis)).first().map_or("", |timer| timer.who)
    }

    #[test]
    fn known_walls_name_whose_they_are() {
        for (seen_as, millis, expected) in [
            (TargetClosed, 30_400, "gunicorn --timeout"),
            (TargetClosed, 31_950, "gunicorn --timeout"),
            (TargetClosed, 60_900, "Unicorn timeout"),
            (TargetClosed, 10_900, "Bun and uWebSockets.js idle timer"),
            (TargetStatus, 60_000, "nginx proxy_read_timeout"),
            (TargetStatus, 15_001, "Envoy route timeout"),
            (ClientClosed, 29_000, "API Gateway REST"),
            (ClientClosed, 30_000, "CloudFront"),
            (LoadBalancerTimeout, 10_001, "load balancer connect timeout"),
            (LoadBalancerError, 5_012, "identity provider"),
            (LambdaError, 3_010, "Lambda function timeout"),
        ] {
            assert!(who(seen_as, millis).starts_with(expected), "{seen_as:?} {millis}: {}", who(seen_as, millis));
        }
        let at_15: Vec<_> = timers_at(TargetStatus, Duration::from_secs(15)).iter().map(|timer| timer.who).collect();
        assert_eq!(at_15, ["Envoy route timeout", "ECS Service Connect perRequestTimeoutSeconds"]);
    }

    #[test]
    fn the_way_a_request_ended_matters() {
        assert_eq!(who(LoadBalancerTimeout, 30_000), "");
        assert_eq!(who(ClientClosed, 15_000), "");
        assert_eq!(who(TargetError, 60_000), "");
    }

    #[test]
    fn other_times_match_no_timer() {
        let all = [
            TargetClosed,
            TargetStatus,
            TargetError,
            ClientClosed,
            LoadBalancerTimeout,
            LoadBalancerError,
            LambdaError,
        ];
        for seen_as in all {
            assert_eq!(who(seen_as, 13_700), "", "{seen_as:?}");
            assert_eq!(who(seen_as, 0), "", "{seen_as:?}");
        }
        // Too early: clocks do not differ that much.
        assert_eq!(who(TargetClosed, 29_700), "");
    }
}
