//! Servers and what they do by default: how long they keep an idle connection, what they limit, how they stop.

mod table;

use std::time::Duration;

pub use table::SERVERS;

use super::{Trust, distance};

/// A server, or a proxy that takes requests from the load balancer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Server {
    /// Kebab-case.
    pub id: &'static str,
    /// Its name, with the versions that behave this way if others do not.
    pub label: &'static str,
    /// How long it keeps an idle connection.
    pub keep_alive: KeepAlive,
    /// How much later than that it may close.
    pub smear: Duration,
    /// Where `keep_alive` comes from.
    pub trust: Trust,
    /// The number of requests after which it closes a connection. Absent when it does not count them.
    pub requests_per_connection: Option<u32>,
    /// The limit that ends slow requests. Absent when there is none.
    pub request_timeout: Option<RequestTimeout>,
    /// How long requests in flight may go on after SIGTERM.
    pub grace: Grace,
    /// What to set for an idle timeout of 60 s.
    pub setting: &'static str,
    /// The versions that the entry was checked for, and its peculiarities. May be empty.
    pub version: &'static str,
}

/// What happens to an idle connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeepAlive {
    /// The server keeps no connections: it closes after each answer, so there is no race.
    Off,
    /// Closed this long after the last answer.
    After(Duration),
    /// Never closed.
    Forever,
}

/// A limit on requests or on workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestTimeout {
    /// How long they may take.
    pub after: Duration,
    /// What must not take longer.
    pub watches: &'static str,
    /// Where it comes from.
    pub trust: Trust,
}

/// What a server does with requests in flight when it gets SIGTERM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grace {
    /// They are lost, unless the application takes care of it.
    None,
    /// They may go on for this long.
    UpTo(Duration),
    /// They may go on until they are done.
    Unlimited,
    /// Not known.
    Unknown,
}

/// A measured time may differ from the default by this much, or by 1/[`TOLERANCE_SHARE`] of the default if that is
/// more: network delay and a busy event loop add to it.
const TOLERANCE: Duration = Duration::from_millis(30);
const TOLERANCE_SHARE: u32 = 50;

/// The servers that close an idle connection after `timeout` by default, within the tolerance for a measured time.
/// The nearest come first; equally near ones are in the order of [`SERVERS`].
#[must_use]
pub fn servers_with_keep_alive(timeout: Duration) -> Vec<&'static Server> {
    let near = SERVERS.iter().filter_map(|server| {
        let KeepAlive::After(default) = server.keep_alive else { return None };
        let tolerance = TOLERANCE.max(default / TOLERANCE_SHARE);
        Some((distance(timeout, default, server.smear, tolerance)?, server))
    });
    let mut near: Vec<_> = near.collect();
    near.sort_by_key(|(distance, _)| *distance);
    near.into_iter().map(|(_, server)| server).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_complete() {
        let mut ids: Vec<_> = SERVERS.iter().map(|server| server.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), SERVERS.len(), "an id stands twice");
        for Server { id, label, setting, smear, keep_alive, requests_per_connection, .. } in SERVERS {
            assert!(id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'), "{id}");
            assert!(!label.is_empty() && !setting.is_empty() && !setting.contains('\n'), "{id}");
            match keep_alive {
                KeepAlive::After(default) => assert!(smear <= default && *requests_per_connection != Some(1), "{id}"),
                KeepAlive::Off => assert_eq!(*requests_per_connection, Some(1), "{id}"),
                KeepAlive::Forever => assert!(smear.is_zero(), "{id}"),
            }
        }
    }

    fn ids(timeout: u64) -> Vec<&'static str> {
        servers_with_keep_alive(Duration::from_millis(timeout)).iter().map(|server| server.id).collect()
    }

    #[test]
    fn known_timeouts_name_their_servers() {
        assert_eq!(ids(6_000), ["node-buffer"]);
        assert_eq!(ids(5_000), ["node", "uvicorn", "apache", "hypercorn", "actix", "cowboy"]);
        assert_eq!(ids(2_000), ["gunicorn-threads", "gunicorn-uvicorn"]);
        assert_eq!(ids(20_030), ["puma-6", "tomcat-xml"]);
        assert_eq!(ids(72_400).first(), Some(&"fastify"));
        assert_eq!(ids(75_000)[..3], ["nginx", "aiohttp", "play"]);
    }

    #[test]
    fn a_timer_that_fires_late_is_known_and_one_that_fires_early_is_not() {
        assert_eq!(ids(2_900), ["gunicorn-threads"]);
        assert_eq!(ids(1_900), [""; 0]);
        assert_eq!(ids(148_000), ["waitress"]);
        assert!(ids(5_550).contains(&"apache") && !ids(5_550).contains(&"uvicorn"));
    }

    #[test]
    fn other_timeouts_name_nobody() {
        assert_eq!(ids(13_700), [""; 0]);
        assert_eq!(ids(0), [""; 0]);
        assert!(servers_with_keep_alive(Duration::MAX).is_empty());
    }
}
