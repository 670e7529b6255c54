//! The idle timeout of each load balancer: given, inferred, bounded from below, or the default.

use std::time::Duration;

use serde::Serialize;

use crate::aggregate::{LoadBalancerId, Quantiles, Summary, Target};
use crate::classify::Outcome;

/// The default idle timeout of a load balancer: 60 seconds.
///
/// Source: <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html>
pub const DEFAULT_IDLE_TIMEOUT: Duration = Duration::from_mins(1);

/// The longest idle timeout that AWS allows: 4,000 seconds. A log that shows a longer one is not believed.
///
/// Source: <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html>
pub const MAX_IDLE_TIMEOUT: Duration = Duration::from_secs(4_000);

/// The origin of an idle timeout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum IdleTimeoutOrigin {
    /// Given by the user.
    Given,
    /// Inferred from requests that timed out, or from WebSocket connections that were cut.
    Inferred,
    /// The log shows only that it is longer than a silence that was borne.
    Bounded,
    /// Neither given nor shown by the log: [`DEFAULT_IDLE_TIMEOUT`].
    Default,
}

/// What the log showed of an idle timeout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdleTimeoutSign {
    /// So many requests were ended with 504 at that time.
    TimedOut(u64),
    /// So many WebSocket connections ended at that time.
    WebSocketsCut(u64),
    /// A target was silent for so long before it answered or closed.
    SilenceBorne(Duration),
}

/// The idle timeout of a load balancer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdleTimeout {
    /// The timeout that the failures are compared with. If it is only bounded, the bound.
    pub duration: Duration,
    /// Where the value comes from.
    pub origin: IdleTimeoutOrigin,
    /// A silence that was longer than the default and did not end a request: the timeout is longer. `None` if there
    /// was none.
    pub at_least: Option<Duration>,
    /// What the value rests on. `None` if it is given, or the default.
    pub rests_on: Option<IdleTimeoutSign>,
}

impl Default for IdleTimeout {
    /// Nothing is known: AWS's default.
    fn default() -> Self {
        Self { duration: DEFAULT_IDLE_TIMEOUT, origin: IdleTimeoutOrigin::Default, at_least: None, rests_on: None }
    }
}

impl IdleTimeout {
    pub(super) const fn given(duration: Duration) -> Self {
        Self { duration, origin: IdleTimeoutOrigin::Given, at_least: None, rests_on: None }
    }

    /// The timeout, if it is known. `None` if it is only bounded.
    #[must_use]
    pub fn known(&self) -> Option<Duration> {
        (self.origin != IdleTimeoutOrigin::Bounded).then_some(self.duration)
    }
}

/// Minimum number of idle-timeout 504s to infer the timeout from.
const MIN_TIMEOUTS_TO_INFER: u64 = 3;

/// A request that reaches the idle timeout ends at most this long after it. The load balancer's own timers are sharp,
/// but the elapsed time also includes the time until the request's dispatch.
const IDLE_TIMEOUT_SPREAD: Duration = Duration::from_millis(500);

/// WebSocket connections that end within this of each other end at one timer.
const WEB_SOCKET_SPREAD: Duration = Duration::from_millis(30);

/// At least this many WebSocket connections must end at the timer, and at least this share of those that lasted a
/// second or longer.
const MIN_WEB_SOCKETS: u64 = 5;
const MIN_SHARE_OF_WEB_SOCKETS: f64 = 0.2;

/// The idle timeout of each load balancer, by its id.
pub(super) fn infer_idle_timeouts(summary: &Summary) -> Vec<IdleTimeout> {
    let mut signs: Vec<Signs> = Vec::new();
    signs.resize_with(summary.load_balancers.len(), Signs::default);
    for (group, _, target) in summary.targets.iter() {
        let (load_balancer, ..) = summary.target_groups.entry(group);
        signs[load_balancer.index()].observe(target);
    }
    signs.iter().map(Signs::idle_timeout).collect()
}

/// The load balancer with the most requests. `None` without requests.
pub(super) fn busiest(summary: &Summary) -> Option<LoadBalancerId> {
    let mut requests = vec![0; summary.load_balancers.len()];
    for (group, _, target) in summary.targets.iter() {
        requests[summary.target_groups.entry(group).0.index()] += target.requests;
    }
    summary.load_balancers.ids().max_by_key(|id| (requests[id.index()], std::cmp::Reverse(id.index())))
}

/// What the requests of one load balancer show about its idle timeout.
#[derive(Default)]
struct Signs {
    /// Elapsed times of idle-timeout 504s.
    timed_out: Quantiles,
    /// How long WebSocket connections lasted, and how many lasted so long.
    web_sockets: Vec<(Duration, u64)>,
    /// The longest silences that were borne.
    silences: Vec<Duration>,
}

impl Signs {
    fn observe(&mut self, target: &Target) {
        for failures in target.failures.iter().filter(|failures| failures.outcome == Outcome::IdleTimeout) {
            self.timed_out.merge(&failures.elapsed);
        }
        self.web_sockets.extend(target.web_socket_times.iter().map(|(time, count)| (time, u64::from(count))));
        self.silences.extend(target.longest_silences.iter());
    }

    fn idle_timeout(&self) -> IdleTimeout {
        let at_least = self.bound();
        let fits = |(duration, _): &(Duration, IdleTimeoutSign)| {
            at_least.is_none_or(|at_least| at_least <= *duration + IDLE_TIMEOUT_SPREAD)
        };
        let inferred = self.shown_by_timeouts().filter(fits).or_else(|| self.shown_by_web_sockets().filter(fits));
        match (inferred, at_least) {
            (Some((duration, sign)), _) => {
                IdleTimeout { duration, origin: IdleTimeoutOrigin::Inferred, at_least, rests_on: Some(sign) }
            }
            (None, Some(silence)) => IdleTimeout {
                duration: silence,
                origin: IdleTimeoutOrigin::Bounded,
                at_least,
                rests_on: Some(IdleTimeoutSign::SilenceBorne(silence)),
            },
            (None, None) => IdleTimeout::default(),
        }
    }

    /// The idle timeout is a whole number of seconds, and requests that reach it end shortly after it. So if the
    /// shortest and the median of their elapsed times agree, they show it.
    fn shown_by_timeouts(&self) -> Option<(Duration, IdleTimeoutSign)> {
        let (min, median) = self.timed_out.min().zip(self.timed_out.quantile(0.5))?;
        // Half a second early is a clock's error, not a shorter timeout.
        let seconds = (min + IDLE_TIMEOUT_SPREAD).as_secs();
        let is_sharp = median.saturating_sub(min) <= IDLE_TIMEOUT_SPREAD.max(min / 100);
        let is_enough = self.timed_out.count() >= MIN_TIMEOUTS_TO_INFER;
        (is_enough && is_sharp && is_possible(seconds))
            .then(|| (Duration::from_secs(seconds), IdleTimeoutSign::TimedOut(self.timed_out.count())))
    }

    /// WebSocket connections on which nothing was ever sent end at the idle timeout.
    fn shown_by_web_sockets(&self) -> Option<(Duration, IdleTimeoutSign)> {
        let ends = self.web_sockets.iter().map(|(time, _)| (*time + WEB_SOCKET_SPREAD).as_secs());
        let candidates = ends.filter(|seconds| is_possible(*seconds));
        let cut_at = |seconds: u64| (self.web_sockets_cut(Duration::from_secs(seconds)).cut, seconds);
        let (cut, seconds) = candidates.map(cut_at).max()?;
        let duration = Duration::from_secs(seconds);
        self.web_sockets_cut(duration).is_clear().then_some((duration, IdleTimeoutSign::WebSocketsCut(cut)))
    }

    fn web_sockets_cut(&self, idle_timeout: Duration) -> WebSocketsCut {
        // They begin a moment before their timer does.
        let near = idle_timeout.saturating_sub(Duration::from_millis(5))..=idle_timeout + WEB_SOCKET_SPREAD;
        let long = self.web_sockets.iter().filter(|(time, _)| *time >= Duration::from_secs(1));
        let (mut cut, mut all) = (0, 0);
        for (time, count) in long {
            all += count;
            cut += if near.contains(time) { *count } else { 0 };
        }
        WebSocketsCut { cut, all }
    }

    /// A silence longer than the default that ended otherwise. One alone may be an accident, so it is the second
    /// longest.
    fn bound(&self) -> Option<Duration> {
        let mut silences = self.silences.clone();
        silences.sort_unstable();
        let second = *silences.get(silences.len().checked_sub(2)?)?;
        (second > DEFAULT_IDLE_TIMEOUT + IDLE_TIMEOUT_SPREAD && second <= MAX_IDLE_TIMEOUT).then_some(second)
    }
}

/// How many WebSocket connections ended at an idle timeout.
pub(super) struct WebSocketsCut {
    pub(super) cut: u64,
    /// Of these that lasted a second or longer.
    pub(super) all: u64,
}

impl WebSocketsCut {
    /// Whether enough of them did, so that it was a timer.
    fn is_clear(&self) -> bool {
        self.cut >= MIN_WEB_SOCKETS && self.cut as f64 >= self.all as f64 * MIN_SHARE_OF_WEB_SOCKETS
    }
}

/// The WebSocket connections of a load balancer that its idle timeout ended. `None` if the timeout is not known, or if
/// too few ended at it.
pub(super) fn web_sockets_cut(
    summary: &Summary,
    load_balancer: LoadBalancerId,
    idle_timeout: &IdleTimeout,
) -> Option<WebSocketsCut> {
    let mut signs = Signs::default();
    for (group, _, target) in summary.targets.iter() {
        if summary.target_groups.entry(group).0 == load_balancer {
            signs.observe(target);
        }
    }
    let cut = signs.web_sockets_cut(idle_timeout.known()?);
    cut.is_clear().then_some(cut)
}

fn is_possible(seconds: u64) -> bool {
    (1..=MAX_IDLE_TIMEOUT.as_secs()).contains(&seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signs(web_sockets: &[(u64, u64)], silences: &[u64]) -> IdleTimeout {
        let web_sockets = web_sockets.iter().map(|&(millis, count)| (Duration::from_millis(millis), count)).collect();
        let silences = silences.iter().map(|&seconds| Duration::from_secs(seconds)).collect();
        Signs { timed_out: Quantiles::default(), web_sockets, silences }.idle_timeout()
    }

    #[test]
    fn web_sockets_that_end_at_one_timer_show_it() {
        let shown = signs(&[(60_000, 30), (60_001, 24), (3_200, 2), (95_111, 4)], &[]);
        assert_eq!((shown.duration, shown.origin), (Duration::from_mins(1), IdleTimeoutOrigin::Inferred));
        assert_eq!(shown.rests_on, Some(IdleTimeoutSign::WebSocketsCut(54)));
        for (name, web_sockets) in [
            ("too few", vec![(60_000, 4)]),
            ("at all times", (1..200).map(|number| (number * 977, 1)).collect()),
            ("a small part", vec![(60_000, 6), (1_234, 40)]),
        ] {
            assert_eq!(signs(&web_sockets, &[]).origin, IdleTimeoutOrigin::Default, "{name}");
        }
    }

    #[test]
    fn a_silence_that_was_borne_bounds_it_from_below() {
        let bounded = signs(&[], &[115, 117, 20]);
        assert_eq!((bounded.known(), bounded.at_least), (None, Some(Duration::from_secs(115))));
        assert_eq!(bounded.origin, IdleTimeoutOrigin::Bounded);
        assert_eq!(signs(&[], &[300]).origin, IdleTimeoutOrigin::Default, "one alone may be an accident");
        assert_eq!(signs(&[], &[59, 60]).origin, IdleTimeoutOrigin::Default, "the default bears them too");
        // WebSockets that something else cuts after a minute do not contradict what was seen.
        assert_eq!(signs(&[(60_000, 50)], &[90, 90]).origin, IdleTimeoutOrigin::Bounded);
    }
}
