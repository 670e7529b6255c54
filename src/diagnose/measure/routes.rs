//! How often each route fails.

use super::share::{Rate, concentrated};
use crate::aggregate::RouteId;
use crate::aggregate::timeline::TimedRequest;
use crate::diagnose::evidence::{Evidence, percent, plural};

/// Failures and requests by route. Only routes with a failure are counted separately, because there may be thousands
/// of others.
pub(in crate::diagnose) struct RouteRates {
    /// The routes with a failure, sorted.
    routes: Vec<RouteId>,
    /// The rate of each of `routes`, at the same index. The last one is that of all other routes, which have requests
    /// only.
    rates: Vec<Rate>,
}

impl RouteRates {
    /// Counts `failures`, which are among `requests`. Requests without a route are left out.
    pub(in crate::diagnose) fn new<'a>(
        failures: impl Iterator<Item = &'a TimedRequest>,
        requests: impl Iterator<Item = &'a TimedRequest>,
    ) -> Self {
        Self::counted(failures, requests.filter_map(|timed_request| Some((timed_request.route?, 1))))
    }

    /// The same, with `requests` already counted by route.
    pub(in crate::diagnose) fn counted<'a>(
        failures: impl Iterator<Item = &'a TimedRequest>,
        requests: impl Iterator<Item = (RouteId, usize)>,
    ) -> Self {
        let mut failed: Vec<RouteId> = failures.filter_map(|timed_request| timed_request.route).collect();
        failed.sort_unstable();
        let (mut routes, mut rates) = (Vec::new(), Vec::new());
        for run in failed.chunk_by(|one, next| one == next) {
            routes.push(run[0]);
            rates.push(Rate { failures: run.len(), requests: 0 });
        }
        rates.push(Rate::default());
        for (route, count) in requests {
            let index = routes.binary_search(&route).unwrap_or(routes.len());
            rates[index].requests += count;
        }
        Self { routes, rates }
    }

    /// The routes with a failure, sorted, and the rate of each.
    pub(in crate::diagnose) fn failing(&self) -> impl ExactSizeIterator<Item = (RouteId, Rate)> {
        self.routes.iter().copied().zip(self.rates.iter().copied())
    }

    /// The routes at which the failures are concentrated. Empty if they are too few or spread out, or if no other
    /// route has requests.
    pub(in crate::diagnose) fn concentrated(&self) -> Vec<RouteId> {
        concentrated(&self.rates).into_iter().map(|index| self.routes[index]).collect()
    }

    /// The rate of `routes` together. Each of them must have a failure.
    pub(in crate::diagnose) fn of(&self, routes: &[RouteId]) -> Rate {
        routes.iter().filter_map(|route| self.routes.binary_search(route).ok()).map(|index| self.rates[index]).sum()
    }

    /// Evidence that the failures are spread over routes. `what` names them.
    pub(in crate::diagnose) fn spread(&self, what: &str) -> Evidence {
        let routes = self.routes.len();
        let (there, all) = (self.of(&self.routes).requests, self.all().requests);
        Evidence::speaks_against(
            format!("{what} were to {}, which had {} of its requests", plural(routes, "route"), percent(there, all)),
            [("routes", routes as f64), ("route_requests", there as f64)],
        )
    }

    /// The rate of all routes together.
    pub(in crate::diagnose) fn all(&self) -> Rate {
        self.rates.iter().copied().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aggregate::NodeId;
    use crate::classify::Outcome;
    use crate::timestamp::Timestamp;

    /// One request for each number; its route has that index. `None` is a request without a route.
    fn timed_requests(routes: &[Option<usize>]) -> Vec<TimedRequest> {
        let at = Timestamp::from_seconds(0);
        let of = |route: &Option<usize>| TimedRequest {
            dispatched: at,
            ended: at,
            outcome: Outcome::Ok,
            target_status: None,
            route: route.map(RouteId::for_test),
            node: NodeId::for_test(0),
        };
        routes.iter().map(of).collect()
    }

    #[test]
    fn routes_without_a_failure_count_together_and_requests_without_a_route_are_left_out() {
        let requests = timed_requests(&[&[Some(7); 10][..], &[Some(2); 20], &[Some(3); 70], &[None; 5]].concat());
        let failures = timed_requests(&[Some(7), Some(7), Some(2), Some(7), Some(7), Some(7), None]);
        let rates = RouteRates::new(failures.iter(), requests.iter());
        let [id_2, id_7] = [2, 7].map(RouteId::for_test);
        let [two, seven] = [Rate { failures: 1, requests: 20 }, Rate { failures: 5, requests: 10 }];
        assert_eq!(rates.failing().collect::<Vec<_>>(), [(id_2, two), (id_7, seven)]);
        assert_eq!(rates.all(), Rate { failures: 6, requests: 100 });
        assert_eq!(rates.of(&[id_7, id_2]), Rate { failures: 6, requests: 30 });
        assert_eq!(rates.concentrated(), [id_7, id_2]);
    }
}
