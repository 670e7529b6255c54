//! Where a timeout is usually set that nothing has by default.

use super::timers::SeenAs;

/// A place where a timeout is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setter {
    /// The software, and its setting.
    pub who: &'static str,
    /// The setting, to be copied.
    pub setting: &'static str,
}

const fn setter(who: &'static str, setting: &'static str) -> Setter {
    Setter { who, setting }
}

/// Where the time is set that a server keeps an idle connection. Values assume an idle timeout of 60 s.
pub static KEEP_ALIVE_SETTERS: &[Setter] = &[
    setter("Go net/http, ReadTimeout without an IdleTimeout", "&http.Server{IdleTimeout: 75 * time.Second}"),
    setter("Node.js keepAliveTimeout", "server.keepAliveTimeout = 75_000;"),
    setter("Tomcat keepAliveTimeout, or connectionTimeout without it", "server.tomcat.keep-alive-timeout=75s"),
];

/// Where the timeout is set that ended requests like this. Empty if nobody sets it.
#[must_use]
pub fn setters_of(seen_as: SeenAs) -> &'static [Setter] {
    const TARGET_CLOSED: &[Setter] = &[
        setter("gunicorn --timeout", "--timeout 55"),
        setter("uWSGI harakiri", "harakiri = 55"),
        setter("Go net/http WriteTimeout", "&http.Server{WriteTimeout: 55 * time.Second}"),
    ];
    const TARGET_STATUS: &[Setter] = &[
        setter("nginx proxy_read_timeout", "proxy_read_timeout 55s;"),
        setter("Envoy route timeout", "timeout: 55s"),
        setter("HAProxy timeout server", "timeout server 55s"),
    ];
    const TARGET_ERROR: &[Setter] =
        &[setter("an HTTP client, a connection pool or a database driver in the application", "its timeout")];
    const CLIENT_CLOSED: &[Setter] = &[setter("the HTTP client of the caller", "its timeout")];
    const LAMBDA_ERROR: &[Setter] = &[setter("Lambda function timeout", "--timeout 30")];
    match seen_as {
        SeenAs::TargetClosed => TARGET_CLOSED,
        SeenAs::TargetStatus => TARGET_STATUS,
        SeenAs::TargetError => TARGET_ERROR,
        SeenAs::ClientClosed => CLIENT_CLOSED,
        SeenAs::LambdaError => LAMBDA_ERROR,
        // These are the load balancer's own, and reported as such.
        SeenAs::LoadBalancerTimeout | SeenAs::LoadBalancerError => &[],
    }
}
