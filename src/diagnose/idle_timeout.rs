//! The load balancer's idle timeout: given, inferred, or the default.

use std::time::Duration;

use serde::Serialize;

use crate::aggregate::{Quantiles, Summary};
use crate::classify::Outcome;

/// The default idle timeout of a load balancer: 60 seconds.
///
/// Source: <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html>
pub const DEFAULT_IDLE_TIMEOUT: Duration = Duration::from_mins(1);

/// The longest idle timeout that AWS allows: 4,000 seconds. A log that shows a longer one is not believed.
///
/// Source: <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html>
pub const MAX_IDLE_TIMEOUT: Duration = Duration::from_secs(4_000);

/// The origin of the idle timeout of a diagnosis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum IdleTimeoutOrigin {
    /// Given by the user.
    Given,
    /// Inferred from requests that timed out.
    Inferred,
    /// Neither given nor inferred: [`DEFAULT_IDLE_TIMEOUT`].
    Default,
}

/// The load balancer's idle timeout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdleTimeout {
    /// The timeout.
    pub duration: Duration,
    /// Where the value comes from.
    pub origin: IdleTimeoutOrigin,
}

/// Minimum number of idle-timeout 504s to infer the timeout from.
const MIN_TIMEOUTS_TO_INFER: u64 = 3;

/// A request that reaches the idle timeout ends at most this long after it. The load balancer's own timers are sharp,
/// but the elapsed time also includes the time until the request's dispatch.
const IDLE_TIMEOUT_SPREAD: Duration = Duration::from_millis(500);

/// The idle timeout is a whole number of seconds, and requests that reach it end shortly after it. So if the shortest
/// and the median of their elapsed times agree, they show it. Otherwise it is [`DEFAULT_IDLE_TIMEOUT`].
pub(super) fn infer_idle_timeout(summary: &Summary) -> IdleTimeout {
    let mut elapsed = Quantiles::default();
    for (_, _, target) in summary.targets.iter() {
        for failures in target.failures.iter().filter(|failures| failures.outcome == Outcome::IdleTimeout) {
            elapsed.merge(&failures.elapsed);
        }
    }
    let inferred = elapsed.min().zip(elapsed.quantile(0.5)).and_then(|(min, median)| {
        // Half a second early is a clock's error, not a shorter timeout.
        let seconds = (min + IDLE_TIMEOUT_SPREAD).as_secs();
        let is_sharp = median.saturating_sub(min) <= IDLE_TIMEOUT_SPREAD.max(min / 100);
        let is_possible = (1..=MAX_IDLE_TIMEOUT.as_secs()).contains(&seconds);
        (elapsed.count() >= MIN_TIMEOUTS_TO_INFER && is_sharp && is_possible).then_some(Duration::from_secs(seconds))
    });
    match inferred {
        Some(duration) => IdleTimeout { duration, origin: IdleTimeoutOrigin::Inferred },
        None => IdleTimeout { duration: DEFAULT_IDLE_TIMEOUT, origin: IdleTimeoutOrigin::Default },
    }
}
