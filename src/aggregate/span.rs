//! The time that a set of requests covers.

use std::time::Duration;

use crate::timestamp::Timestamp;

/// The first and the last of a set of times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The earliest.
    pub first: Timestamp,
    /// The latest.
    pub last: Timestamp,
}

impl Span {
    /// Extends the span to include `time`. An absent span becomes one of that time alone.
    #[inline]
    pub fn include(span: &mut Option<Self>, time: Timestamp) {
        *span = Some(match *span {
            None => Self { first: time, last: time },
            Some(Self { first, last }) => Self { first: first.min(time), last: last.max(time) },
        });
    }

    /// The time from `first` to `last`.
    #[must_use]
    pub fn length(self) -> Duration {
        self.last.since(self.first)
    }

    /// The smallest span that covers both. `None` when both are absent.
    #[must_use]
    pub fn union(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        match (one, other) {
            (Some(one), Some(other)) => {
                Some(Self { first: one.first.min(other.first), last: one.last.max(other.last) })
            }
            (one, other) => one.or(other),
        }
    }
}
