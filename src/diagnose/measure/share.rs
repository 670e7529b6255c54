//! Whether failures are concentrated at some of several categories (targets, nodes, routes), given how many requests
//! each has.

/// The categories at which failures are concentrated must have at least this share of all failures.
const MIN_SHARE: f64 = 0.5;

/// They must also fail at least this many times as often as the rest, at the lower end of the 95 % confidence
/// interval.
const MIN_RATE_RATIO: f64 = 3.0;

/// Fewer failures than this may be concentrated by chance.
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

    /// The share of requests that failed; 0 if there are none.
    pub(in crate::diagnose) fn share(self) -> f64 {
        self.failures as f64 / self.requests.max(1) as f64
    }

    /// This rate as a multiple of `other`, at the lower end of its 95 % confidence interval; 0 if there are no
    /// failures or no requests. Given the number of all failures, those on this side are binomial, by the shares of
    /// the requests. Wilson's interval also holds for few failures.
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

    /// This rate without `part`, which must be contained in it.
    fn sub(self, part: Self) -> Self {
        Self { failures: self.failures - part.failures, requests: self.requests - part.requests }
    }
}

/// The indices of the categories at which the failures are concentrated: as few categories as possible with most of
/// the failures, at several times the rate of the rest. Empty if there are none, or if no other category has
/// requests.
///
/// Categories are taken by falling rate until they have 90 % of the failures.
pub(in crate::diagnose) fn concentrated(categories: &[Rate]) -> Vec<usize> {
    let total: Rate = categories.iter().copied().sum();
    if total.failures < MIN_FAILURES {
        return Vec::new();
    }
    let mut order: Vec<usize> = (0..categories.len()).filter(|&index| categories[index].failures > 0).collect();
    order.sort_by(|&one, &other| {
        categories[other]
            .share()
            .total_cmp(&categories[one].share())
            .then(categories[other].failures.cmp(&categories[one].failures))
    });
    let mut held = Rate::default();
    let mut chosen = Vec::new();
    for index in order {
        if held.failures * 10 >= total.failures * 9 {
            break;
        }
        held.failures += categories[index].failures;
        held.requests += categories[index].requests;
        chosen.push(index);
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
    fn failures_of_one_among_many_are_concentrated_at_it() {
        assert_eq!(concentrated(&rates(&[(0, 900), (58, 1_000), (1, 1_100)])), [1]);
    }

    #[test]
    fn failures_in_proportion_to_requests_are_not_concentrated() {
        assert_eq!(concentrated(&rates(&[(30, 3_000), (11, 1_000), (9, 1_000)])), Vec::<usize>::new());
    }

    #[test]
    fn a_few_failures_are_not_concentrated() {
        assert_eq!(concentrated(&rates(&[(3, 40), (1, 10_000)])), Vec::<usize>::new());
    }

    #[test]
    fn failures_are_not_concentrated_at_the_only_category() {
        assert_eq!(concentrated(&rates(&[(50, 60)])), Vec::<usize>::new());
    }

    #[test]
    fn two_of_five_are_found_together() {
        let mut found = concentrated(&rates(&[(40, 500), (0, 500), (38, 480), (1, 510), (0, 500)]));
        found.sort_unstable();
        assert_eq!(found, [0, 2]);
    }
}
