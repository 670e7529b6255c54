//! Merges rare siblings: the paths that differ in one segment only, when there are many of them.

use std::collections::BTreeMap;

use super::counts::RouteCounts;
use crate::aggregate::id::RouteId;

/// Siblings at one depth of a path that are kept apart. When there are more, the rare ones are merged.
const MAX_SIBLINGS: usize = 50;

/// A sibling with at least this share of the requests of all its siblings stays apart, however many there are.
const MIN_SHARE_TO_STAY: f64 = 0.05;

/// A route on the way through a clean-up.
pub(super) struct SegmentedRoute {
    /// `GET `, then the path's segments.
    pub(super) segments: Vec<Box<[u8]>>,
    pub(super) counts: RouteCounts,
    /// The ids of the routes that it is made of.
    pub(super) from: Vec<RouteId>,
}

pub(super) fn segments_of(template: &[u8]) -> Vec<Box<[u8]>> {
    template.split(|&byte| byte == b'/').map(Box::from).collect()
}

/// Merges rare siblings at `depth` under `{*}`, then those at greater depths. Complete paths go to `done`.
pub(super) fn collapse(paths: Vec<SegmentedRoute>, depth: usize, done: &mut Vec<SegmentedRoute>) {
    let mut siblings: BTreeMap<Box<[u8]>, Vec<SegmentedRoute>> = BTreeMap::new();
    for path in paths {
        match path.segments.get(depth) {
            Some(segment) => siblings.entry(segment.clone()).or_default().push(path),
            None => done.push(path),
        }
    }
    // The method, at depth 0, is not variable.
    if depth > 0 && siblings.len() > MAX_SIBLINGS {
        let requests_of = |paths: &[SegmentedRoute]| paths.iter().map(|path| path.counts.requests()).sum::<u64>();
        let all: u64 = siblings.values().map(|paths| requests_of(paths)).sum();
        let (stay, rare) = siblings.into_iter().partition(|(segment, paths): &(Box<[u8]>, Vec<SegmentedRoute>)| {
            segment.first() == Some(&b'{') || requests_of(paths) as f64 >= all as f64 * MIN_SHARE_TO_STAY
        });
        siblings = stay;
        let rare: BTreeMap<_, _> = rare;
        let taken_together = siblings.entry(b"{*}".as_slice().into()).or_default();
        for mut path in rare.into_values().flatten() {
            path.segments[depth] = b"{*}".as_slice().into();
            taken_together.push(path);
        }
    }
    for paths in siblings.into_values() {
        collapse(paths, depth + 1, done);
    }
}
