//! One target group prepared for the detectors: its targets, and the usual time of each route.

use std::time::Duration;

use rayon::prelude::*;

use super::evidence::{Evidence, grouped, plural};
use super::idle_timeout::IdleTimeout;
use super::measure::routes::RouteRates;
use super::measure::share::Rate;
use super::measure::subnet::Subnet;
use super::target_view::TargetView;
use crate::aggregate::route::SortedRoutes;
use crate::aggregate::timeline::TimedRequest;
use crate::aggregate::{RouteId, Span, Summary, Target, TargetGroupId, TargetId};

/// What the views of all target groups share.
pub(super) struct SummaryView<'a> {
    pub(super) summary: &'a Summary,
    /// First and last `time` of all requests.
    pub(super) log_span: Span,
    /// By load balancer.
    pub(super) idle_timeouts: &'a [IdleTimeout],
    /// Names of the nodes, in the order of their ids.
    pub(super) nodes: Vec<&'a [u8]>,
    /// The routes of all target groups. Requests of a [`GroupView`] have the ids of this list.
    pub(super) routes: SortedRoutes,
}

/// A target group with a failure in it.
pub(super) struct GroupView<'a> {
    pub(super) shared: &'a SummaryView<'a>,
    pub(super) target_group: TargetGroupId,
    /// All its targets, with or without failures, in the order of [`Summary::targets`].
    pub(super) targets: Vec<TargetView<'a>>,
    /// The usual time of each route, by [`RouteId::index`]: the first quartile of its answered requests, so
    /// that a bad hour does not pass for usual. `None` if fewer than [`MIN_FOR_USUAL`] were answered.
    usual: Vec<Option<Duration>>,
    /// How many requests each route had, by the same index.
    requests: Vec<usize>,
}

/// Requests that end when their answer was due take at least this share of their route's usual time, in the median. A
/// request on an idle connection that the target gave up ends sooner.
pub(super) const WHEN_DUE: f64 = 0.75;

/// A route with fewer answered requests than this has no usual time.
const MIN_FOR_USUAL: usize = 8;

/// The requests of some targets on one route.
#[derive(Clone, Default)]
struct RouteTimes {
    requests: usize,
    /// From dispatch to end of each answered request, in microseconds.
    answered: Vec<i64>,
}

impl RouteTimes {
    fn take_in(&mut self, timed_request: &TimedRequest) {
        self.requests += 1;
        if !timed_request.outcome.is_failure() {
            self.answered.push(timed_request.ended.micros_since(timed_request.dispatched));
        }
    }
}

impl<'a> GroupView<'a> {
    pub(super) fn new(shared: &'a SummaryView<'a>, target_group: TargetGroupId) -> Self {
        let summary = shared.summary;
        let of_group: Vec<(TargetId, &[u8], &Target)> = summary
            .targets
            .ids()
            .zip(summary.targets.iter())
            .filter(|(_, (group, address, _))| *group == target_group && !address.is_empty())
            .map(|(id, (_, address, target))| (id, address, target))
            .collect();
        let targets: Vec<TargetView<'a>> = of_group
            .into_par_iter()
            .map(|(id, address, target)| {
                let mut timed_requests = summary.timeline.of_target(id);
                for timed_request in &mut timed_requests {
                    timed_request.route = timed_request.route.map(|route| shared.routes.new_id(route));
                }
                TargetView::new(id, target, Subnet::of(address), timed_requests)
            })
            .collect();
        // One table of routes for each thread, not for each target: a group may have thousands of targets and as many
        // routes.
        let share = targets.len().div_ceil(rayon::current_num_threads()).max(1);
        let times: Vec<Vec<RouteTimes>> = targets
            .par_chunks(share)
            .map(|targets| {
                let mut times = vec![RouteTimes::default(); shared.routes.len()];
                for timed_request in targets.iter().flat_map(|target| &target.timed_requests) {
                    if let Some(route) = timed_request.route {
                        times[route.index()].take_in(timed_request);
                    }
                }
                times
            })
            .collect();
        let of_route = |route: usize| times.iter().filter_map(move |times| times.get(route));
        let requests = (0..shared.routes.len()).map(|route| of_route(route).map(|times| times.requests).sum());
        let requests = requests.collect();
        let usual = (0..shared.routes.len()).into_par_iter().map(|route| {
            let mut answered: Vec<i64> = of_route(route).flat_map(|times| &times.answered).copied().collect();
            let quarter = answered.len() / 4;
            let micros = (answered.len() >= MIN_FOR_USUAL).then(|| *answered.select_nth_unstable(quarter).1)?;
            Some(Duration::from_micros(u64::try_from(micros).unwrap_or_default()))
        });
        let usual = usual.collect();
        Self { shared, target_group, targets, usual, requests }
    }

    /// The idle timeout of the group's load balancer. If it is only bounded, the bound.
    pub(super) fn idle_timeout(&self) -> Duration {
        let (load_balancer, ..) = self.shared.summary.target_groups.entry(self.target_group);
        self.shared.idle_timeouts[load_balancer.index()].duration
    }

    /// How often each route of the group fails in this way. `failures` must be among the group's requests.
    pub(super) fn route_rates<'p>(&self, failures: impl Iterator<Item = &'p TimedRequest>) -> RouteRates {
        RouteRates::counted(failures, self.shared.routes.ids().zip(self.requests.iter().copied()))
    }

    /// The indices of all targets, to look at several in parallel.
    pub(super) fn side_by_side(&self) -> impl IndexedParallelIterator<Item = usize> + use<> {
        (0..self.targets.len()).into_par_iter()
    }

    /// The failures of a target that nothing explains yet, with their indices in [`TargetView::timed_requests`].
    pub(super) fn unexplained(&self, target_index: usize) -> impl Iterator<Item = (usize, &TimedRequest)> {
        self.targets[target_index].unexplained()
    }

    /// How long such a request usually takes: one to the same route. `None` if fewer than [`MIN_FOR_USUAL`] were
    /// answered, and for a request without a route.
    pub(super) fn usual(&self, timed_request: &TimedRequest) -> Option<Duration> {
        self.usual[timed_request.route?.index()]
    }

    /// The time of an answered request as a multiple of its route's usual time. `None` if the route has none. 10 ms
    /// are added to both: a few milliseconds more are nothing to a person, so they are nothing here.
    pub(super) fn slowdown(&self, timed_request: &TimedRequest) -> Option<f64> {
        const FLOOR: f64 = 0.010;
        let usual = self.usual(timed_request)?;
        Some((timed_request.took().as_secs_f64() + FLOOR) / (usual.as_secs_f64() + FLOOR))
    }

    /// The time of a request as a multiple of its route's usual time, which counts as 1 ms if it is shorter. `None` if
    /// the route has none.
    pub(super) fn times_usual(&self, timed_request: &TimedRequest) -> Option<f64> {
        let usual = self.usual(timed_request)?;
        Some(timed_request.took().as_secs_f64() / usual.as_secs_f64().max(1e-3))
    }

    /// How long `requests` took as a share of their route's usual time, in the median. `None` if none of their routes
    /// has a usual time.
    pub(super) fn share_of_usual<'p>(&self, requests: impl Iterator<Item = &'p TimedRequest>) -> Option<f64> {
        let mut shares: Vec<f64> = requests.filter_map(|timed_request| self.times_usual(timed_request)).collect();
        shares.sort_unstable_by(f64::total_cmp);
        shares.get(shares.len() / 2).copied()
    }

    /// What to add to a number of failures of some targets if some such failures are not counted, because a finding
    /// explains them already.
    pub(super) fn explained_apart(&self, targets: &[usize], is_such: impl Fn(&TimedRequest) -> bool) -> String {
        match targets.iter().map(|&index| self.targets[index].explained().filter(|it| is_such(it)).count()).sum() {
            0_usize => String::new(),
            more => format!(" (and {} more that are explained otherwise)", grouped(more as u64)),
        }
    }

    /// Evidence that these routes fail, and how often the others of the group do. `is_such` are such failures.
    pub(super) fn against_other_routes(
        &self,
        routes: &[RouteId],
        [held, others]: [Rate; 2],
        is_such: impl Fn(&TimedRequest) -> bool,
    ) -> Evidence {
        let all: Vec<usize> = (0..self.targets.len()).collect();
        let apart = self.explained_apart(&all, |it| is_such(it) && it.route.is_some());
        Evidence::speaks_for(
            format!(
                "in the target group, {} of {} to {} failed like this, and {} of {} other requests{apart}",
                grouped(held.failures as u64),
                plural(held.requests, "request"),
                self.routes_named(routes),
                grouped(others.failures as u64),
                grouped(others.requests as u64),
            ),
            [
                ("route_failures", held.failures as f64),
                ("route_requests", held.requests as f64),
                ("other_failures", others.failures as f64),
                ("other_requests", others.requests as f64),
            ],
        )
        .of_group()
    }

    /// `GET /orders/{id}`
    fn route_name(&self, route: RouteId) -> String {
        let (route, _) = self.shared.routes.get(route);
        String::from_utf8_lossy(&route.template).into_owned()
    }

    /// `GET /orders/{id}`, `GET /orders/{id} and 2 other routes`
    pub(super) fn routes_named(&self, routes: &[RouteId]) -> String {
        match routes {
            [] => String::new(),
            [one] => self.route_name(*one),
            [first, rest @ ..] => format!("{} and {}", self.route_name(*first), plural(rest.len(), "other route")),
        }
    }
}
