//! Requests by route: the method, and the path with its variable parts replaced, so that `/orders/17` and
//! `/orders/18` count together.

mod counts;
mod siblings;
mod sorted;
mod template;

use std::collections::BTreeMap;
use std::hash::BuildHasher;
use std::time::Duration;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

pub use counts::{Route, RouteCounts};
pub use sorted::SortedRoutes;

use self::siblings::{SegmentedRoute, collapse, segments_of};
pub(crate) use self::template::write_template;
use super::id::{Id, NewIds, RouteId, TargetGroupId};
use super::intern::OTHER;
use crate::classify::Outcome;

/// Routes kept. When there are more, rare siblings are merged under `{*}`. If that is not enough, the routes with
/// the fewest failures, then the fewest requests, count as [`OTHER`].
pub const MAX_ROUTES: usize = 4_000;

/// Routes that may occur before the next clean-up.
const CLEAN_UP_AT: usize = MAX_ROUTES * 2;

/// Routes by target group, in bounded memory.
#[derive(Clone, Debug, Default)]
pub struct Routes {
    entries: Vec<(Route, RouteCounts)>,
    table: HashTable<RouteId>,
    /// Scratch space for the template of the current request.
    template: Vec<u8>,
}

const HASHER: FixedState = FixedState::with_seed(1);

impl Routes {
    /// Takes in one request and returns its route. `elapsed` is `None` if it is unknown.
    #[inline]
    pub fn observe(
        &mut self,
        target_group: TargetGroupId,
        method: &[u8],
        path: &[u8],
        outcome: Outcome,
        elapsed: Option<Duration>,
    ) -> RouteId {
        let mut template = std::mem::take(&mut self.template);
        template.clear();
        write_template(method, path, &mut template);
        let id = self.intern(target_group, &template);
        let counts = self.counts_mut(id);
        counts.outcomes.0[outcome.index()] += 1;
        if let Some(elapsed) = elapsed {
            counts.elapsed.observe(elapsed);
        }
        self.template = template;
        id
    }

    #[inline]
    fn intern(&mut self, target_group: TargetGroupId, template: &[u8]) -> RouteId {
        let hash = HASHER.hash_one((target_group, template));
        let is_same = |&id: &RouteId| {
            let (route, _) = &self.entries[id.index()];
            route.target_group == target_group && *route.template == *template
        };
        if let Some(&id) = self.table.find(hash, is_same) {
            return id;
        }
        let id = RouteId::from_index(self.entries.len());
        self.entries.push((Route { target_group, template: template.into() }, RouteCounts::default()));
        let entries = &self.entries;
        self.table.insert_unique(hash, id, |&id| {
            let (route, _) = &entries[id.index()];
            HASHER.hash_one((route.target_group, &*route.template))
        });
        id
    }

    #[inline]
    fn counts_mut(&mut self, id: RouteId) -> &mut RouteCounts {
        &mut self.entries[id.index()].1
    }

    /// Adds the counts of `other` and returns the ids of its routes here. `target_groups` has the ids here of its
    /// target groups.
    pub fn merge(&mut self, other: Self, target_groups: &NewIds<TargetGroupId>) -> NewIds<RouteId> {
        let moved = other.entries.into_iter().map(|(route, counts)| {
            let id = self.intern(target_groups.of(route.target_group), &route.template);
            self.counts_mut(id).merge(&counts);
            id
        });
        NewIds::new(moved.collect())
    }

    /// Whether there are so many routes that [`Routes::clean_up`] is due.
    #[must_use]
    #[inline]
    pub fn is_full(&self) -> bool {
        self.entries.len() > CLEAN_UP_AT
    }

    /// The routes after a clean-up, sorted by target group and template.
    #[must_use]
    pub fn sorted(&self) -> SortedRoutes {
        let mut routes = self.clone();
        let cleaned = routes.clean_up();
        let mut sorted: Vec<_> = routes.ids().zip(std::mem::take(&mut routes.entries)).collect();
        sorted.sort_unstable_by(|(_, (one, _)), (_, (other, _))| one.cmp(other));
        let mut rank_of = vec![RouteId::from_index(0); sorted.len()];
        for (rank, (id, _)) in sorted.iter().enumerate() {
            rank_of[id.index()] = RouteId::from_index(rank);
        }
        let new_ids = self.ids().map(|id| rank_of[cleaned.of(id).index()]).collect();
        SortedRoutes { routes: sorted.into_iter().map(|(_, entry)| entry).collect(), new_ids: NewIds::new(new_ids) }
    }

    fn ids(&self) -> impl ExactSizeIterator<Item = RouteId> + use<> {
        (0..self.entries.len()).map(RouteId::from_index)
    }

    /// Merges rare siblings and returns the new id of each route.
    pub fn clean_up(&mut self) -> NewIds<RouteId> {
        let mut groups: BTreeMap<TargetGroupId, Vec<SegmentedRoute>> = BTreeMap::new();
        let mut new_ids: Vec<RouteId> = self.ids().collect();
        for (id, (route, counts)) in self.ids().zip(std::mem::take(&mut self.entries)) {
            let path = SegmentedRoute { segments: segments_of(&route.template), counts, from: vec![id] };
            groups.entry(route.target_group).or_default().push(path);
        }
        self.table.clear();
        for (target_group, paths) in groups {
            let mut collapsed = Vec::new();
            collapse(paths, 0, &mut collapsed);
            for path in collapsed {
                let to = self.intern(target_group, &path.segments.join(&b'/'));
                self.counts_mut(to).merge(&path.counts);
                for from in path.from {
                    new_ids[from.index()] = to;
                }
            }
        }
        if self.entries.len() > MAX_ROUTES {
            let kept = self.drop_rarest();
            for id in &mut new_ids {
                *id = kept.of(*id);
            }
        }
        NewIds::new(new_ids)
    }

    /// Keeps the routes with the most failures, then the most requests, and merges the others into [`OTHER`].
    /// Returns the new id of each route.
    fn drop_rarest(&mut self) -> NewIds<RouteId> {
        let mut new_ids: Vec<RouteId> = self.ids().collect();
        let mut entries: Vec<(RouteId, (Route, RouteCounts))> =
            self.ids().zip(std::mem::take(&mut self.entries)).collect();
        self.table.clear();
        entries.sort_by_cached_key(|(_, (route, counts))| {
            (std::cmp::Reverse((counts.outcomes.failures(), counts.requests())), route.clone())
        });
        for (rank, (from, (route, counts))) in entries.into_iter().enumerate() {
            let template = if rank < MAX_ROUTES { &*route.template } else { OTHER };
            let to = self.intern(route.target_group, template);
            self.counts_mut(to).merge(&counts);
            new_ids[from.index()] = to;
        }
        NewIds::new(new_ids)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Some target group.
    fn group(index: usize) -> TargetGroupId {
        TargetGroupId::from_index(index)
    }

    #[test]
    fn many_rare_siblings_are_merged_and_a_frequent_one_stays() {
        let mut routes = Routes::default();
        for _ in 0..100 {
            routes.observe(group(0), b"GET", b"/blog/hello/comments", Outcome::Ok, None);
        }
        let name = |number: u32| {
            char::from_u32(u32::from(b'a') + number % 26)
                .expect("a letter")
                .to_string()
                .repeat(number as usize / 26 + 1)
        };
        for number in 0..60 {
            routes.observe(
                group(0),
                b"GET",
                format!("/blog/post-{}/comments", name(number)).as_bytes(),
                Outcome::Ok,
                None,
            );
        }
        let found: Vec<(String, u64)> = routes
            .sorted()
            .iter()
            .map(|(route, counts)| (String::from_utf8_lossy(&route.template).into_owned(), counts.requests()))
            .collect();
        assert_eq!(found, [("GET /blog/hello/comments".to_owned(), 100), ("GET /blog/{*}/comments".to_owned(), 60)]);
    }

    #[test]
    fn a_flood_of_paths_stays_within_the_cap_and_no_request_is_lost() {
        let mut routes = Routes::default();
        let mut sent = 0;
        let letters = |mut number: u64| {
            let mut word = String::new();
            for _ in 0..5 {
                word.push(char::from(b'a' + u8::try_from(number % 26).expect("below 26")));
                number /= 26;
            }
            word
        };
        for number in 0..60_000_u64 {
            // Few siblings at each depth, so that none are merged.
            let path = format!("/{}/{}/{}", letters(number % 40), letters(number / 40 % 40), letters(number / 1600));
            routes.observe(group((number % 3) as usize), b"GET", path.as_bytes(), Outcome::Ok, None);
            sent += 1;
            if routes.is_full() {
                routes.clean_up();
            }
            assert!(routes.entries.len() <= CLEAN_UP_AT + 1);
        }
        let kept = routes.sorted();
        assert!(kept.len() <= MAX_ROUTES + 3, "{} routes", kept.len());
        assert_eq!(kept.iter().map(|(_, counts)| counts.requests()).sum::<u64>(), sent);
    }

    #[test]
    fn a_moved_route_is_found_by_its_new_index() {
        let mut routes = Routes::default();
        let stays = routes.observe(group(0), b"GET", b"/health/live", Outcome::Ok, None);
        let mut merged = Routes::default();
        for number in 0..100_u8 {
            let name = [b'a' + number % 26, b'a' + number / 26];
            let path = [b"/blog/".as_slice(), &name].concat();
            merged.observe(group(0), b"GET", &path, Outcome::Ok, None);
        }
        let old_ids: Vec<RouteId> = merged.ids().collect();
        let moved = routes.merge(merged, &NewIds::new(vec![group(3)]));
        let sorted = routes.sorted();
        let route_of = |id: RouteId| sorted.get(sorted.new_id(id)).0;
        assert_eq!(*route_of(stays).template, *b"GET /health/live");
        for id in old_ids {
            let route = route_of(moved.of(id));
            assert_eq!((route.target_group, &*route.template), (group(3), &b"GET /blog/{*}"[..]));
        }
        assert_eq!(sorted.len(), 2);
    }
}
