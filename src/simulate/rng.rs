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
