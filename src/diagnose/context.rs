//! What is known about a load balancer beside its log.

use std::time::Duration;

/// What is known about a load balancer beside its log. [`diagnose`](super::diagnose()) weighs it together with the
/// [`Summary`](crate::aggregate::Summary). Nothing known is the default.
///
/// What the log cannot tell belongs here: today the idle timeout; facts that AWS knows, and the summary of a quiet
/// time to compare with, are to follow.
///
/// # Examples
/// ```
/// use std::time::Duration;
///
/// use albscope::diagnose::{Context, IdleTimeoutOrigin, diagnose};
///
/// let context = Context::default().with_idle_timeout(Duration::from_secs(120));
/// let diagnosis = diagnose(&albscope::aggregate::Summary::default(), &context);
/// assert_eq!(diagnosis.idle_timeout.origin, IdleTimeoutOrigin::Given);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Context {
    /// The load balancer's idle timeout. `None` if it is to be inferred from the log.
    pub idle_timeout: Option<Duration>,
}

impl Context {
    /// The same with this idle timeout, or with none for `None`.
    #[must_use]
    pub fn with_idle_timeout(self, idle_timeout: impl Into<Option<Duration>>) -> Self {
        Self { idle_timeout: idle_timeout.into() }
    }
}
