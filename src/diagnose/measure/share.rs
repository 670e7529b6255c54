//! Whether failures keep to one of several (targets, nodes, routes), against how many requests each has.

/// A category counts as concentrated when it has at least this share of the failures,
const MIN_SHARE: f64 = 0.5;

/// and its rate is at least so many times that of the rest, at the lower end of the interval that holds 95 times in 100.
const MIN_RATE_RATIO: f64 = 3.0;

/// Fewer failures than this keep to anything by chance.
const MIN_FAILURES: usize = 5;

/// Failures among requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::diagnose) struct Rate {
    pub(in crate::diagnose) failures: usize,
    pub(in crate::diagnose) requests: usize,
}

impl Rate {
    /// Counts one request.
    pub(in crate::diagnose) fn observe(&mut self, is_failure: bool) {
        self.requests += 1;
        self.failures += usize::from(is_failure);
    }

    /// The share of requests that failed; 0 where there are none.
    pub(in crate::diagnose) fn share(self) -> f64 {
        self.failures as f64 / self.requests.max(1) as f64
    }

    /// How many times the rate of `other` this one is, at the lower end of its interval: how many of all failures are these is a binomial of the requests' shares, and Wilson's interval
    /// holds for few of them too.
    pub(in crate::diagnose) fn ratio_at_least(self, other: Self) -> f64 {
        const Z: f64 = 1.96;
        let all = (self.failures + other.failures) as f64;
        if all == 0.0 || self.requests == 0 {
            return 0.0;
        }
        let share = self.failures as f64 / all;
        let spread = Z * (share * (1.0 - share) / all + Z * Z / (4.0 * all * all)).sqrt();
        let least = (share + Z * Z / (2.0 * all) - spread) / (1.0 + Z * Z / all);
        least / (1.0 - least) * (other.requests as f64 / self.requests as f64)
    }
}

impl std::iter::Sum for Rate {
    fn sum<I: Iterator<Item = Self>>(rates: I) -> Self {
        rates.fold(Self::default(), |sum, rate| Self {
            failures: sum.failures + rate.failures,
            requests: sum.requests + rate.requests,
        })
    }
}

impl std::ops::Sub for Rate {
    type Output = Self;

    /// What is left without `part`, which is a part of it.
    fn sub(self, part: Self) -> Self {
        Self { failures: self.failures - part.failures, requests: self.requests - part.requests }
    }
}

/// The categories, fewest first that they are, to which the failures keep: most of them, at several times the rate of the rest. Empty when they keep to none, or to all.
///
/// Categories with the highest rates are taken until they hold nine in ten of the failures.
pub(in crate::diagnose) fn concentrated(categories: &[Rate]) -> Vec<usize> {
    let total: Rate = categories.iter().copied().sum();
    if total.failures < MIN_FAILURES {
        return Vec::new();
    }
    let mut order: Vec<usize> = (0..categories.len()).filter(|&place| categories[place].failures > 0).collect();
    order.sort_by(|&one, &other| {
        categories[other]
            .share()
            .total_cmp(&categories[one].share())
            .then(categories[other].failures.cmp(&categories[one].failures))
    });
    let mut held = Rate::default();
    let mut chosen = Vec::new();
    for place in order {
        if held.failures * 10 >= total.failures * 9 {
            break;
        }
        held.failures += categories[place].failures;
        held.requests += categories[place].requests;
        chosen.push(place);
    }
    let rest = total - held;
    let keeps = rest.requests > 0
        && held.failures as f64 >= total.failures as f64 * MIN_SHARE
        && held.ratio_at_least(rest) >= MIN_RATE_RATIO;
    if keeps { chosen } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(rates: &[(usize, usize)]) -> Vec<Rate> {
        rates.iter().map(|&(failures, requests)| Rate { failures, requests }).collect()
    }

    #[test]
    fn failures_of_one_among_many_keep_to_it() {
        assert_eq!(concentrated(&rates(&[(0, 900), (58, 1_000), (1, 1_100)])), [1]);
    }

    #[test]
    fn failures_in_proportion_to_requests_keep_to_nothing() {
        assert_eq!(concentrated(&rates(&[(30, 3_000), (11, 1_000), (9, 1_000)])), Vec::<usize>::new());
    }

    #[test]
    fn a_few_failures_keep_to_nothing() {
        assert_eq!(concentrated(&rates(&[(3, 40), (1, 10_000)])), Vec::<usize>::new());
    }

    #[test]
    fn where_there_is_nothing_else_they_keep_to_nothing() {
        assert_eq!(concentrated(&rates(&[(50, 60)])), Vec::<usize>::new());
    }

    #[test]
    fn two_of_five_are_found_together() {
        let mut found = concentrated(&rates(&[(40, 500), (0, 500), (38, 480), (1, 510), (0, 500)]));
        found.sort_unstable();
        assert_eq!(found, [0, 2]);
    }
}
