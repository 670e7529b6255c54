//! Progress of a running simulation, and a way to stop it.

use std::ops::ControlFlow;

/// Called about once for each simulated second; [`ControlFlow::Break`] stops the simulation.
pub type ProgressFn<'a> = &'a mut dyn FnMut(SimulationProgress) -> ControlFlow<()>;

/// Progress of a running simulation.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct SimulationProgress {
    /// The share of simulated time that has passed, from 0 to 1.
    pub done: f64,
    /// Lines written so far.
    pub lines: u64,
}
