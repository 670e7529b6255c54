//! Numbers that the failures' times bound from both sides, if not each of the failures is known.

use std::collections::{BTreeMap, BTreeSet};

use super::failed::Failed;
use super::reader::Request;
use super::recount::Recount;

/// The program keeps times to 100 µs. So a request at an end of a window may be in it or not, here and there.
pub(crate) const AT_THE_ENDS: usize = 2;

/// Of the requests to the group's targets while the failures were sent, the least and the most that are so.
pub(crate) fn meanwhile(recount: &Recount<'_>, wanted: impl Fn(&Request<'_>) -> bool) -> (usize, usize) {
    let Failed { certain, possible, is_part, .. } = &recount.failed;
    let in_span = |of: &[&Request<'_>]| {
        let (Some(first), Some(last)) = (of.first(), of.last()) else { return 0 };
        let span = first.sent..=last.sent;
        recount.timed().filter(|request| span.contains(&request.sent) && wanted(request)).count()
    };
    let low = if *is_part { 0 } else { in_span(certain) };
    (low.saturating_sub(AT_THE_ENDS), in_span(possible) + AT_THE_ENDS)
}

/// Runs of requests without a pause longer than this, by `moment`, in order.
pub(crate) fn runs<'r, 'a>(
    requests: &[&'r Request<'a>],
    moment: fn(&Request<'_>) -> i64,
    pause: i64,
) -> Vec<Vec<&'r Request<'a>>> {
    let mut sorted = requests.to_vec();
    sorted.sort_by_key(|request| moment(request));
    let mut runs: Vec<Vec<&Request<'a>>> = Vec::new();
    for request in sorted {
        match runs.last_mut() {
            Some(run) if run.last().is_some_and(|last| moment(request) - moment(last) <= pause) => run.push(request),
            _ => runs.push(vec![request]),
        }
    }
    runs
}

pub(crate) fn sent(request: &Request<'_>) -> i64 {
    request.sent
}

pub(crate) fn ended(request: &Request<'_>) -> i64 {
    request.ended
}

/// The middle one; the upper one of two.
pub(crate) fn median(mut numbers: Vec<f64>) -> Option<f64> {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied()
}

/// The usual time of each route of the group, by a plain rule: a quarter of its answered requests take no longer.
pub(crate) struct Usual<'r>(BTreeMap<(&'r str, Vec<&'r str>), i64>);

impl<'r> Usual<'r> {
    /// A route by its method and path, with what varies left out.
    fn key(request: &Request<'r>) -> (&'r str, Vec<&'r str>) {
        let segments = request.path.split('/').filter(|segment| !segment.is_empty());
        let kept = segments.map(|it| if it.contains(|c: char| c.is_ascii_digit()) { "*" } else { it });
        (request.method, kept.collect())
    }

    pub(crate) fn new(recount: &Recount<'r>) -> Self {
        let mut times: BTreeMap<_, Vec<i64>> = BTreeMap::new();
        for request in recount.timed().filter(|it| it.is_answered() && !it.method.is_empty()) {
            times.entry(Self::key(request)).or_default().push(request.took());
        }
        let usual = times.into_iter().filter(|(_, times)| times.len() >= 8).map(|(route, mut times)| {
            times.sort_unstable();
            let quarter = times[times.len() / 4];
            (route, quarter)
        });
        Self(usual.collect())
    }

    pub(crate) fn of(&self, request: &Request<'r>) -> Option<i64> {
        self.0.get(&Self::key(request)).copied()
    }

    /// How many times the usual time it took, if its route has one.
    pub(crate) fn factor(&self, request: &Request<'r>) -> Option<f64> {
        Some(request.took() as f64 / self.of(request)?.max(1_000) as f64)
    }

    /// The routes that some requests are to.
    pub(crate) fn keys(requests: impl Iterator<Item = &'r Request<'r>>) -> BTreeSet<(&'r str, Vec<&'r str>)> {
        requests.filter(|request| !request.method.is_empty()).map(Self::key).collect()
    }

    /// The number of routes that some requests are to.
    pub(crate) fn routes(requests: impl Iterator<Item = &'r Request<'r>>) -> usize {
        Self::keys(requests).len()
    }
}
