//! Random numbers: one reproducible stream for each part of the model.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Exp1, StandardNormal};

use super::time::Micros;

/// One stream. Parts that draw from different streams do not disturb each other's numbers.
pub(super) struct Rng(ChaCha8Rng);

impl Rng {
    pub(super) fn new(seed: u64, stream: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream);
        Self(rng)
    }

    /// Uniform in `low..high`; `low` if the range is empty.
    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        if low < high { self.0.random_range(low..high) } else { low }
    }

    /// Uniform in `0..below`; 0 if `below` is 0.
    pub(super) fn below(&mut self, below: u32) -> u32 {
        if below == 0 { 0 } else { self.0.random_range(0..below) }
    }

    /// A random index into a list of `length` entries. The list must not be empty.
    pub(super) fn index(&mut self, length: usize) -> usize {
        // Drawn as 32 bits, so that machines of any word size draw the same.
        self.below(u32::try_from(length).unwrap_or(u32::MAX)) as usize
    }

    /// One of `choices`, all equally likely. The list must not be empty.
    pub(super) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.index(choices.len())]
    }

    /// True with probability `share`.
    pub(super) fn is(&mut self, share: f64) -> bool {
        self.0.random::<f64>() < share
    }

    pub(super) fn bits64(&mut self) -> u64 {
        self.0.random()
    }

    pub(super) fn bits128(&mut self) -> u128 {
        self.0.random()
    }

    /// Exponentially distributed, with this mean.
    pub(super) fn exponential(&mut self, mean: Micros) -> Micros {
        let unit: f64 = self.0.sample(Exp1);
        scaled(mean, unit)
    }

    /// Log-normal with this median; `sigma` is the standard deviation of the logarithm.
    pub(super) fn log_normal(&mut self, median: Micros, sigma: f64) -> Micros {
        let unit: f64 = self.0.sample(StandardNormal);
        scaled(median, (sigma * unit).exp())
    }

    /// The index of one of `weights`, drawn with a probability proportional to it.
    pub(super) fn weighted(&mut self, weights: impl Iterator<Item = u32> + Clone) -> usize {
        let mut left = self.below(weights.clone().sum());
        let mut last = 0;
        for (index, weight) in weights.enumerate() {
            if left < weight {
                return index;
            }
            left -= weight;
            last = index;
        }
        last
    }
}

/// A time multiplied by a factor.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the cast saturates, and no time here comes near 2^63 microseconds"
)]
pub(super) fn scaled(time: Micros, factor: f64) -> Micros {
    (time as f64 * factor) as Micros
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_and_a_stream_give_the_same_numbers_and_no_others_do() {
        let of = |seed, stream| Rng::new(seed, stream).bits128();
        assert_eq!(of(1, 1), of(1, 1));
        for (seed, stream) in [(1, 2), (2, 1), (0, 0), (u64::MAX, 1)] {
            assert_ne!(of(seed, stream), of(1, 1), "{seed} {stream}");
        }
        // Who draws from one stream does not change what another one gives.
        let (mut one, mut other) = (Rng::new(1, 1), Rng::new(1, 2));
        let undisturbed = Rng::new(1, 2).bits64();
        one.bits64();
        assert_eq!(other.bits64(), undisturbed);
    }

    #[test]
    fn numbers_stay_within_their_bounds_and_reach_both_ends() {
        let mut rng = Rng::new(7, 0);
        let between: Vec<i64> = (0..200).map(|_| rng.between(-2, 3)).collect();
        assert_eq!((between.iter().min(), between.iter().max()), (Some(&-2), Some(&2)));
        let below: Vec<u32> = (0..200).map(|_| rng.below(4)).collect();
        assert_eq!((below.iter().min(), below.iter().max()), (Some(&0), Some(&3)));
        assert_eq!((rng.between(5, 5), rng.between(5, -5), rng.below(0), rng.index(1)), (5, 5, 0, 0));
        let picked: std::collections::BTreeSet<char> = (0..200).map(|_| rng.pick(&['a', 'b', 'c'])).collect();
        assert_eq!(picked.into_iter().collect::<String>(), "abc");
        assert!((0..200).all(|_| rng.is(1.0) && !rng.is(0.0)));
    }

    #[test]
    fn what_has_no_weight_is_never_drawn_and_the_rest_as_often_as_it_weighs() {
        let mut rng = Rng::new(7, 0);
        let weights = [0, 1, 0, 3, 0];
        let mut drawn = [0; 5];
        (0..4_000).for_each(|_| drawn[rng.weighted(weights.iter().copied())] += 1);
        assert_eq!((drawn[0], drawn[2], drawn[4]), (0, 0, 0));
        assert!((900..1_100).contains(&drawn[1]), "{drawn:?}");
        // There is nothing to choose by, and still an answer.
        assert_eq!(rng.weighted([0, 0].into_iter()), 1);
        assert_eq!(rng.weighted(std::iter::empty()), 0);
    }

    #[test]
    fn times_have_the_mean_or_the_median_that_was_asked_for() {
        let mut rng = Rng::new(7, 0);
        let mean = (0..20_000).map(|_| rng.exponential(1_000_000)).sum::<Micros>() / 20_000;
        assert!((970_000..1_030_000).contains(&mean), "{mean}");
        let mut times: Vec<Micros> = (0..20_000).map(|_| rng.log_normal(1_000_000, 0.5)).collect();
        times.sort_unstable();
        assert!((970_000..1_030_000).contains(&times[10_000]), "{}", times[10_000]);
        // One standard deviation of the logarithm above the median.
        let high = times[16_827] as f64 / 1_000_000.0;
        assert!((high.ln() - 0.5).abs() < 0.03, "{high}");
        assert!((0..100).all(|_| rng.log_normal(1_000, 0.0) == 1_000));
        assert_eq!((scaled(10, 0.25), scaled(-10, 0.25), scaled(10, f64::INFINITY)), (2, -2, Micros::MAX));
    }
}
