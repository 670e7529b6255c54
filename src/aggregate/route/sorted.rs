//! The list of all routes that reports and diagnosis read.

use super::counts::{Route, RouteCounts};
use crate::aggregate::id::{Id, NewIds, RouteId};

/// All routes, sorted by target group and template. They have new ids, in that order.
#[derive(Clone, Debug)]
pub struct SortedRoutes {
    pub(super) routes: Vec<(Route, RouteCounts)>,
    pub(super) new_ids: NewIds<RouteId>,
}

impl SortedRoutes {
    /// The id here of a route that had the id `old` in the [`Routes`](super::Routes).
    ///
    /// # Panics
    /// If there was no such route.
    #[must_use]
    pub fn new_id(&self, old: RouteId) -> RouteId {
        self.new_ids.of(old)
    }

    /// The route with that new id, and its counts.
    ///
    /// # Panics
    /// If there is no such route.
    #[must_use]
    pub fn get(&self, id: RouteId) -> (&Route, &RouteCounts) {
        let (route, counts) = &self.routes[id.index()];
        (route, counts)
    }

    /// All routes with their counts, in their order.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Route, &RouteCounts)> {
        self.routes.iter().map(|(route, counts)| (route, counts))
    }

    /// The new ids of all routes, in their order.
    pub fn ids(&self) -> impl ExactSizeIterator<Item = RouteId> + use<> {
        (0..self.routes.len()).map(RouteId::from_index)
    }

    /// How many routes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.routes.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.routes.is_empty()
    }
}
