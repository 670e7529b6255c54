//! Requests by route: the method, and the path with its variable parts replaced, so that `/orders/17` and
//! `/orders/18` count together.

use std::collections::BTreeMap;
use std::hash::BuildHasher;
use std::time::Duration;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use super::id::{Id, NewIds, RouteId, TargetGroupId};
use super::{OTHER, OutcomeCounts, Quantiles};
use crate::classify::Outcome;

/// Routes kept. When there are more, rare siblings are merged under `{*}`. If that is not enough, the routes with
/// the fewest failures, then the fewest requests, count as [`OTHER`].
pub const MAX_ROUTES: usize = 4_000;

/// Routes that may occur before the next clean-up.
const CLEAN_UP_AT: usize = MAX_ROUTES * 2;

/// Siblings at one depth of a path that are kept apart. When there are more, the rare ones are merged.
const MAX_SIBLINGS: usize = 50;

/// A sibling with at least this share of the requests of all its siblings stays apart, however many there are.
const MIN_SHARE_TO_STAY: f64 = 0.05;

/// Segments of a path that a template keeps.
const MAX_SEGMENTS: usize = 8;

/// Bytes of a segment that a template keeps. A longer segment is data.
const MAX_SEGMENT_BYTES: usize = 64;

/// Counts for one route.
#[derive(Clone, Debug, Default)]
pub struct RouteCounts {
    /// Requests by outcome.
    pub outcomes: OutcomeCounts,
    /// Elapsed times, where known, without those of WebSocket connections.
    pub elapsed: Quantiles,
}

impl RouteCounts {
    /// How many requests there were.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.outcomes.iter().map(|(_, requests)| requests).sum()
    }

    fn merge(&mut self, other: &Self) {
        self.outcomes.merge(&other.outcomes);
        self.elapsed.merge(&other.elapsed);
    }
}

/// Routes by target group, in bounded memory.
#[derive(Clone, Debug, Default)]
pub struct Routes {
    entries: Vec<(Route, RouteCounts)>,
    table: HashTable<RouteId>,
    /// Scratch space for the template of the current request.
    template: Vec<u8>,
}

/// A target group, and `METHOD /template`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    /// The target group whose requests these are.
    pub target_group: TargetGroupId,
    /// Method, a blank, and the template.
    pub template: Box<[u8]>,
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
        let mut groups: BTreeMap<TargetGroupId, Vec<Path>> = BTreeMap::new();
        let mut new_ids: Vec<RouteId> = self.ids().collect();
        for (id, (route, counts)) in self.ids().zip(std::mem::take(&mut self.entries)) {
            let path = Path { segments: segments_of(&route.template), counts, from: vec![id] };
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

/// All routes, sorted by target group and template. They have new ids, in that order.
#[derive(Clone, Debug)]
pub struct SortedRoutes {
    routes: Vec<(Route, RouteCounts)>,
    new_ids: NewIds<RouteId>,
}

impl SortedRoutes {
    /// The id here of a route that had the id `old` in the [`Routes`].
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

struct Path {
    /// `GET `, then the path's segments.
    segments: Vec<Box<[u8]>>,
    counts: RouteCounts,
    /// The ids of the routes that it is made of.
    from: Vec<RouteId>,
}

fn segments_of(template: &[u8]) -> Vec<Box<[u8]>> {
    template.split(|&byte| byte == b'/').map(Box::from).collect()
}

/// Merges rare siblings at `depth` under `{*}`, then those at greater depths. Complete paths go to `done`.
fn collapse(paths: Vec<Path>, depth: usize, done: &mut Vec<Path>) {
    let mut siblings: BTreeMap<Box<[u8]>, Vec<Path>> = BTreeMap::new();
    for path in paths {
        match path.segments.get(depth) {
            Some(segment) => siblings.entry(segment.clone()).or_default().push(path),
            None => done.push(path),
        }
    }
    // The method, at depth 0, is not variable.
    if depth > 0 && siblings.len() > MAX_SIBLINGS {
        let requests_of = |paths: &[Path]| paths.iter().map(|path| path.counts.requests()).sum::<u64>();
        let all: u64 = siblings.values().map(|paths| requests_of(paths)).sum();
        let (stay, rare) = siblings.into_iter().partition(|(segment, paths): &(Box<[u8]>, Vec<Path>)| {
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

/// Methods that a route keeps. Any other counts as [`OTHER`], because clients send anything as a method.
const METHODS: [&[u8]; 9] = [b"GET", b"POST", b"PUT", b"DELETE", b"HEAD", b"PATCH", b"OPTIONS", b"CONNECT", b"TRACE"];

/// Appends `METHOD /template`.
#[inline]
pub(crate) fn write_template(method: &[u8], path: &[u8], template: &mut Vec<u8>) {
    template.extend_from_slice(if METHODS.contains(&method) { method } else { OTHER });
    template.push(b' ');
    let path = path.strip_prefix(b"/").unwrap_or(path);
    let mut kept = 0;
    for segment in path.split(|&byte| byte == b'/') {
        if kept == MAX_SEGMENTS {
            template.extend_from_slice("/…".as_bytes());
            return;
        }
        // Clients that join paths carelessly double a slash.
        if segment.is_empty() && kept > 0 {
            continue;
        }
        kept += 1;
        template.push(b'/');
        write_segment(segment, template);
    }
}

#[inline]
fn write_segment(segment: &[u8], template: &mut Vec<u8>) {
    let marks = Marks::of(segment);
    if !marks.has(DIGIT | ESCAPE) && segment.len() < MIN_TOKEN_BYTES {
        template.extend_from_slice(segment);
        return;
    }
    match variable_kind(segment, marks) {
        Some(kind) => template.extend_from_slice(kind),
        None => match hashed_file(segment) {
            Some((name, extension)) => {
                template.extend_from_slice(name);
                template.extend_from_slice(b".{hash}");
                template.extend_from_slice(extension);
            }
            None => template.extend_from_slice(segment),
        },
    }
}

/// The classes of bytes that a segment has, found in one pass with one look-up per byte.
#[derive(Clone, Copy)]
struct Marks {
    /// Classes that at least one byte has.
    any: u8,
    /// Classes that every byte has.
    all: u8,
}

const DIGIT: u8 = 1;
const UPPER: u8 = 2;
const LOWER: u8 = 4;
const HEX: u8 = 8;
/// A byte that a token may contain.
const TOKEN: u8 = 16;
/// A percent escape, an at sign, or a byte outside of ASCII.
const ESCAPE: u8 = 32;

static CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0_u8;
    loop {
        let mut class = 0;
        if byte.is_ascii_digit() {
            class |= DIGIT;
        }
        if byte.is_ascii_uppercase() {
            class |= UPPER;
        }
        if byte.is_ascii_lowercase() {
            class |= LOWER;
        }
        if byte.is_ascii_hexdigit() {
            class |= HEX;
        }
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'=' | b'~') {
            class |= TOKEN;
        }
        if matches!(byte, b'%' | b'@') || !byte.is_ascii() {
            class |= ESCAPE;
        }
        classes[byte as usize] = class;
        if byte == u8::MAX {
            break classes;
        }
        byte += 1;
    }
};

impl Marks {
    #[inline]
    fn of(segment: &[u8]) -> Self {
        let (mut any, mut all) = (0, u8::MAX);
        for &byte in segment {
            let class = CLASSES[usize::from(byte)];
            any |= class;
            all &= class;
        }
        Self { any, all }
    }

    fn has(self, class: u8) -> bool {
        self.any & class != 0
    }

    fn is_all(self, class: u8) -> bool {
        self.all & class != 0
    }
}

/// Shorter mixed segments are words.
const MIN_TOKEN_BYTES: usize = 16;

/// Shorter hexadecimal segments with a digit are words (`v1`, `a4`, `face2`).
const MIN_HEX_BYTES: usize = 8;

/// The placeholder for a variable segment. `None` for a word.
fn variable_kind(segment: &[u8], marks: Marks) -> Option<&'static [u8]> {
    if segment.is_empty() {
        return None;
    }
    if marks.is_all(DIGIT)
        || is_uuid(segment)
        || marks.is_all(HEX) && marks.has(DIGIT) && segment.len() >= MIN_HEX_BYTES
    {
        return Some(b"{id}");
    }
    if is_date(segment) {
        return Some(b"{date}");
    }
    if segment.contains(&b'@') || memchr::memmem::find(segment, b"%40").is_some() {
        return Some(b"{email}");
    }
    let mixed = marks.has(DIGIT) && marks.has(LOWER) && marks.has(UPPER);
    // ULIDs and KSUIDs: 26 or 27 letters and digits.
    let sortable = matches!(segment.len(), 26 | 27) && marks.has(DIGIT) && !(marks.has(LOWER) && marks.has(UPPER));
    if marks.is_all(TOKEN) && segment.len() >= MIN_TOKEN_BYTES && (mixed || sortable && !segment.contains(&b'-')) {
        return Some(b"{token}");
    }
    if is_ipv4(segment) {
        return Some(b"{ip}");
    }
    if segment.len() > MAX_SEGMENT_BYTES {
        return Some(b"{text}");
    }
    // A number with a name before or after it: `order-123456`, `123456-order`.
    let digits = segment.iter().filter(|byte| byte.is_ascii_digit()).count();
    if digits >= 4 && digits * 2 >= segment.len() && !marks.has(ESCAPE) && !segment.contains(&b'.') {
        return Some(b"{id}");
    }
    None
}

/// `8-4-4-4-12` hexadecimal digits.
fn is_uuid(segment: &[u8]) -> bool {
    segment.len() == 36
        && segment.iter().enumerate().all(|(offset, byte)| match offset {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// `2026-11-22`, optionally followed by a time.
fn is_date(segment: &[u8]) -> bool {
    segment.len() >= 10
        && segment[..10].iter().enumerate().all(|(offset, byte)| match offset {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        })
        && (segment.len() == 10 || matches!(segment[10], b'T' | b'%' | b'_' | b' '))
}

fn is_ipv4(segment: &[u8]) -> bool {
    let parts: Vec<&[u8]> = segment.split(|&byte| byte == b'.').collect();
    parts.len() == 4 && parts.iter().all(|part| (1..=3).contains(&part.len()) && part.iter().all(u8::is_ascii_digit))
}

/// `name.3f2a9c1b.js` and `name-3f2a9c1b.js`: the name and the extension of a file with a hash in its name.
fn hashed_file(segment: &[u8]) -> Option<(&[u8], &[u8])> {
    let extension = segment.iter().rposition(|&byte| byte == b'.')?;
    let stem = &segment[..extension];
    let hash = stem.iter().rposition(|&byte| matches!(byte, b'.' | b'-'))?;
    let marks = Marks::of(&stem[hash + 1..]);
    let is_hash = stem.len() - hash > MIN_HEX_BYTES
        && marks.is_all(TOKEN)
        && marks.has(DIGIT)
        && (marks.is_all(HEX) || marks.has(LOWER));
    is_hash.then(|| (&stem[..hash], &segment[extension..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Some target group.
    fn group(index: usize) -> TargetGroupId {
        TargetGroupId::from_index(index)
    }

    fn template(path: &str) -> String {
        let mut template = Vec::new();
        write_template(b"GET", path.as_bytes(), &mut template);
        String::from_utf8(template).expect("ASCII")
    }

    #[test]
    fn variable_parts_are_replaced() {
        for (path, expected) in [
            ("/", "GET /"),
            ("/api/v1/users/12345", "GET /api/v1/users/{id}"),
            ("/api//v2/users/", "GET /api/v2/users"),
            ("/orders/7b2c3d4e-1111-2222-3333-444455556666/lines", "GET /orders/{id}/lines"),
            ("/blobs/3f2a9c1b77e0", "GET /blobs/{id}"),
            ("/cafe/decade", "GET /cafe/decade"),
            ("/reports/2026-11-22", "GET /reports/{date}"),
            ("/users/ann%40example.com", "GET /users/{email}"),
            ("/reset/aZ3kP0qLmN7xYwVu2Tt", "GET /reset/{token}"),
            ("/objects/01ARZ3NDEKTSV4RRFFQ69G5FAV", "GET /objects/{token}"),
            ("/hosts/10.0.0.1/status", "GET /hosts/{ip}/status"),
            ("/static/app.3f2a9c1b.js", "GET /static/app.{hash}.js"),
            ("/static/index-D4f9a2b1.css", "GET /static/index.{hash}.css"),
            ("/static/jquery-3.7.1.min.js", "GET /static/jquery-3.7.1.min.js"),
            ("/orders/order-123456", "GET /orders/{id}"),
            ("/oauth2/token", "GET /oauth2/token"),
            ("/how-to-keep-a-connection-alive", "GET /how-to-keep-a-connection-alive"),
            ("/a/b/c/d/e/f/g/h/i/j", "GET /a/b/c/d/e/f/g/h/…"),
        ] {
            assert_eq!(template(path), expected, "{path}");
        }
        let mut other = Vec::new();
        write_template(b"--location", b"/x", &mut other);
        assert_eq!(other, b"(other) /x");
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
