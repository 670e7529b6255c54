//! How requests did just before failures, or just after them.

use std::time::Duration;

use crate::aggregate::{RouteId, Span};
use crate::diagnose::group_view::GroupView;
use crate::diagnose::measure::share::Rate;

/// Fewer requests than this show little. If there are fewer before the failures, those after them are taken if there
/// are more.
const MIN_REQUESTS: usize = 10;

/// How often requests to some routes failed just before failures, or just after them if the log has too few before.
pub(in crate::diagnose) struct GoodTimes {
    pub(in crate::diagnose) rate: Rate,
    pub(in crate::diagnose) is_after: bool,
}

/// How often requests to the routes failed in a span, in whatever way, at all targets of the group.
pub(in crate::diagnose) fn rate_in(group: &GroupView<'_>, routes: &[RouteId], span: Span) -> Rate {
    let mut rate = Rate::default();
    for timed_request in group.targets.iter().flat_map(|target| target.sent_in(span)) {
        if timed_request.is_to(routes) {
            rate.observe(timed_request.outcome.is_failure());
        }
    }
    rate
}

impl GoodTimes {
    /// Counted at all targets of the group, over as long as the failures went on, but at least a minute. `slowest` is
    /// how long the slowest failed request took.
    pub(in crate::diagnose) fn new(
        group: &GroupView<'_>,
        routes: &[RouteId],
        failures: Span,
        slowest: Duration,
    ) -> Self {
        let length = failures.last.micros_since(failures.first).max(60_000_000);
        let before = rate_in(
            group,
            routes,
            Span { first: failures.first.plus_micros(-length), last: failures.first.plus_micros(-1) },
        );
        if before.requests >= MIN_REQUESTS {
            return Self { rate: before, is_after: false };
        }
        // Of the requests that were in flight when the log ends, only quick ones are in it.
        let in_flight = i64::try_from(slowest.as_micros()).unwrap_or(i64::MAX);
        let end = failures.last.plus_micros(length).min(group.shared.log_span.last.plus_micros(-in_flight));
        let after = Span { first: failures.last.plus_micros(1), last: end };
        let after = if after.first <= after.last { rate_in(group, routes, after) } else { Rate::default() };
        let is_after = after.requests > before.requests;
        Self { rate: if is_after { after } else { before }, is_after }
    }

    /// Whether there were enough requests to tell. A window cut around the failures has none.
    pub(in crate::diagnose) fn are_shown(&self) -> bool {
        self.rate.requests >= MIN_REQUESTS
    }
}
