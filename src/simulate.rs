//! Simulated incidents: access logs as a load balancer would have written them, and the true cause of each failure.
//!
//! A scenario is data: a load balancer, its target groups, targets and clients, and a timeline of what is done to
//! targets and listener rules (`simulate/scenario.rs`). A discrete-event model of nodes, connection pools and targets
//! runs it (`simulate/engine.rs`). Failures come from what happens in the model; no line is labelled as failed at
//! random. The output is log objects under their S3 keys, one JSON line for each failed request that says why it
//! failed, and one JSON object with the parameters and the timeline of the run.
//!
//! ```no_run
//! use albscope::simulate::{Scenario, Simulation};
//!
//! let scenario = Scenario::find("incident").expect("it is in the table");
//! let written = Simulation::new(scenario).seed(7).write_to("incident".as_ref())?;
//! assert!(written.failures > 0);
//! # Ok::<(), albscope::Error>(())
//! ```
//!
//! The same scenario, seed and options give the same bytes on the same kind of machine. (Some distributions use the
//! platform's logarithm and exponential functions, and another platform's may differ in the last digit.)

mod arena;
mod engine;
mod line;
mod manifest;
mod object;
mod plan;
mod probes;
mod progress;
mod rng;
mod run;
mod scenario;
mod time;
mod traffic;

#[cfg(test)]
mod tests;

use std::ops::ControlFlow;
use std::path::Path;

pub use self::object::{Memory, SimulationSink};
pub use self::progress::{ProgressFn, SimulationProgress};
pub use self::scenario::{SCENARIOS, Scenario, scenario_names};

use self::engine::Engine;
use self::line::{ACCOUNT, REGION};
use self::object::{Directory, Objects, Packing};
use self::rng::Rng;
use self::run::RunParameters;
use self::time::SECOND;
use crate::error::Result;
use crate::timestamp::Timestamp;

/// 2026-11-18T08:00:00Z: a Wednesday morning.
const DEFAULT_START: Timestamp = Timestamp::from_seconds(1_794_988_800);

/// What a simulation wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SimulationTotals {
    /// Log objects.
    pub objects: u64,
    /// Lines in them, one for each request.
    pub lines: u64,
    /// Requests that failed: a 5xx that no fixed response sent, or 460. The truth has one line for each.
    pub failures: u64,
    /// Bytes of the objects, compressed.
    pub bytes: u64,
    /// Bytes of the lines, uncompressed.
    pub bytes_decoded: u64,
}

/// A scenario and the options of one run.
#[derive(Clone)]
pub struct Simulation {
    scenario: &'static Scenario,
    seed: u64,
    start: Timestamp,
    seconds: Option<u32>,
    rate: Option<f64>,
    nodes: Option<u32>,
    compression: u32,
    shows_idle_timeout: bool,
}

impl Simulation {
    /// The scenario with its own length, rate and number of nodes; seed 1.
    #[must_use]
    pub fn new(scenario: &'static Scenario) -> Self {
        Self {
            scenario,
            seed: 1,
            start: DEFAULT_START,
            seconds: None,
            rate: None,
            nodes: None,
            compression: 6,
            shows_idle_timeout: false,
        }
    }

    /// Sets the seed. Another seed draws other requests, addresses and times for the same scenario. Default: 1.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// When the first requests arrive. Default: 2026-11-18T08:00:00Z.
    #[must_use]
    pub fn start(self, start: Timestamp) -> Self {
        Self { start, ..self }
    }

    /// For how many seconds requests arrive; at least 1. Requests in flight at the end still finish. The minutes of the
    /// timeline scale with the duration. Default: the scenario's, two hours in scenarios with a fixed plan, 10 minutes
    /// to a day in others.
    #[must_use]
    pub fn duration(self, seconds: u32) -> Self {
        Self { seconds: Some(seconds.max(1)), ..self }
    }

    /// Requests per second, averaged over a day; clamped to between 0.01 and a million. A rate that is not finite means
    /// the default: the scenario's, which is 4.5 to 6 in scenarios with a fixed plan.
    #[must_use]
    pub fn rate(self, rate: f64) -> Self {
        Self { rate: rate.is_finite().then(|| rate.clamp(0.01, 1e6)), ..self }
    }

    /// How many load balancer nodes there are; clamped to between 1 and 60. Default: the scenario's, three in scenarios
    /// with a fixed plan, one to six in others.
    #[must_use]
    pub fn nodes(self, nodes: u32) -> Self {
        Self { nodes: Some(nodes.clamp(1, 60)), ..self }
    }

    /// The gzip level, 0 (none) to 9 (best). Default: 6.
    #[must_use]
    pub fn compression(self, level: u32) -> Self {
        Self { compression: level.min(9), ..self }
    }

    /// Whether requests that exceed the idle timeout log it as their `target_processing_time`, as in some archives,
    /// instead of the `-1` that AWS documents. Default: no.
    #[must_use]
    pub fn idle_timeout_in_target_processing_time(self, shown: bool) -> Self {
        Self { shows_idle_timeout: shown, ..self }
    }

    /// Writes the objects into `folder` under their S3 keys (`AWSLogs/…`), and the truth beside them: `truth.jsonl` has
    /// a line for each failed request, `what-happened.json` has the run's timeouts and its timeline.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Write`] when the folder already holds simulated logs, or when the file system refuses.
    pub fn write_to(&self, folder: &Path) -> Result<SimulationTotals> {
        self.write_to_with_progress(folder, &mut |_| ControlFlow::Continue(()))
    }

    /// [`Self::write_to`] with progress reports, and a way to stop.
    ///
    /// # Errors
    /// As [`Self::write_to`]; and [`crate::ErrorKind::Cancelled`] when `on_progress` returns
    /// [`ControlFlow::Break`]. Objects that are complete by then stay.
    pub fn write_to_with_progress(&self, folder: &Path, on_progress: ProgressFn<'_>) -> Result<SimulationTotals> {
        let mut directory = Directory::create(folder)?;
        let written = self.run(&mut directory, on_progress)?;
        directory.finish()?;
        Ok(written)
    }

    /// Passes everything to `sink` as it is made. Memory is bounded by the objects of two intervals of five minutes and
    /// the requests in flight, not by the length of the run.
    ///
    /// # Errors
    /// What `sink` returns; [`crate::ErrorKind::Cancelled`] when `on_progress` returns [`ControlFlow::Break`].
    pub fn run(&self, sink: &mut dyn SimulationSink, on_progress: ProgressFn<'_>) -> Result<SimulationTotals> {
        let plan = self.scenario.plan(self.seed);
        let (name, id) = plan.load_balancer;
        let nodes: Vec<_> = (0..self.nodes.unwrap_or(plan.nodes)).map(node_address).collect();
        let packing = Packing {
            stem: format!("{ACCOUNT}_elasticloadbalancing_{REGION}_app.{name}.{id}"),
            folder: format!("AWSLogs/{ACCOUNT}/elasticloadbalancing/{REGION}"),
            nodes: nodes.clone(),
            level: self.compression,
        };
        let run = RunParameters {
            start: self.start.as_micros(),
            length: i64::from(self.seconds.unwrap_or(plan.minutes * 60)) * SECOND,
            rate: self.rate.unwrap_or(plan.rate),
            nodes,
            seed: self.seed,
            shows_idle_timeout: self.shows_idle_timeout,
        };
        sink.what_happened(&manifest::manifest(self.scenario, &plan, &run))?;
        let objects = Objects::new(packing, sink, Rng::new(self.seed, 5));
        let (failures, objects) = Engine::new(&plan, run, objects).run(on_progress)?;
        let Objects { handed_over, lines, bytes, bytes_decoded, .. } = objects;
        Ok(SimulationTotals { objects: handed_over, lines, failures, bytes, bytes_decoded })
    }
}

/// The address of a node. Nodes are assigned to three zones in turn.
fn node_address(index: u32) -> String {
    format!("10.0.{}.{}", 1 + index % 3, 17 + index * 41 % 223)
}
