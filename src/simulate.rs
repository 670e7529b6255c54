//! Simulated incidents: access logs as a load balancer would have written them, and the truth beside them.
//!
//! A scenario is data: a load balancer, its target groups, targets and callers, and what is done to targets at which moment
//! (`simulate/scenario.rs`). A model of nodes, pools of connections and targets runs it event by event (`simulate/engine.rs`);
//! failures are what comes of it, and no line is marked as failed by chance. Out come log objects at their S3 keys, for
//! each failed request one JSON line that says why it failed, and one JSON object that says what was done to whom.
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
//! The same scenario, seed and options give the same bytes on the same kind of machine. (The logarithms behind some
//! distributions come from the platform, and another platform's may differ in the last digit.)

mod arena;
mod dice;
mod engine;
mod line;
mod object;
mod plan;
mod scenario;
mod story;
mod traffic;

#[cfg(test)]
mod tests;

use std::ops::ControlFlow;
use std::path::Path;

pub use self::object::{Memory, Sink};
pub use self::scenario::{SCENARIOS, Scenario, scenario_names};

use self::dice::Dice;
use self::engine::{Engine, Run};
use self::line::{ACCOUNT, REGION};
use self::object::{Directory, Objects, Packing};
use self::plan::SECOND;
use crate::error::Result;
use crate::timestamp::Timestamp;

/// 2026-11-18T08:00:00Z: a Wednesday morning.
const DEFAULT_START: Timestamp = Timestamp::from_seconds(1_794_988_800);

/// Called about once for each simulated second; [`ControlFlow::Break`] stops the simulation.
pub type Watch<'a> = &'a mut dyn FnMut(Progress) -> ControlFlow<()>;

/// How far a simulation is.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Progress {
    /// The share of simulated time that is over, from 0 to 1.
    pub done: f64,
    /// Lines written so far.
    pub lines: u64,
}

/// What a simulation wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Written {
    /// Log objects.
    pub objects: u64,
    /// Lines in them, one for each request.
    pub lines: u64,
    /// Requests that failed (5xx or 460): lines of the truth.
    pub failures: u64,
    /// Bytes of the objects, compressed.
    pub bytes: u64,
    /// Bytes of the lines.
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

    /// Another seed, another run: other requests, addresses and moments under the same scenario.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// When the first requests come. Default: 2026-11-18T08:00:00Z.
    #[must_use]
    pub fn start(self, start: Timestamp) -> Self {
        Self { start, ..self }
    }

    /// For how many seconds requests come; what is under way then still ends. At least 1. The moments of what is done to
    /// targets stretch or shrink with it. Default: the scenario's, two hours.
    #[must_use]
    pub fn duration(self, seconds: u32) -> Self {
        Self { seconds: Some(seconds.max(1)), ..self }
    }

    /// Requests per second in the mean of a day; held between 0.01 and a million. Default: the scenario's, about five.
    #[must_use]
    pub fn rate(self, rate: f64) -> Self {
        Self { rate: rate.is_finite().then(|| rate.clamp(0.01, 1e6)), ..self }
    }

    /// How many load balancer nodes there are; held between 1 and 60. Default: the scenario's, three.
    #[must_use]
    pub fn nodes(self, nodes: u32) -> Self {
        Self { nodes: Some(nodes.clamp(1, 60)), ..self }
    }

    /// The gzip level, 0 (none) to 9 (best). Default: 6.
    #[must_use]
    pub fn compression(self, level: u32) -> Self {
        Self { compression: level.min(9), ..self }
    }

    /// Whether requests that exceed the idle timeout carry it as their `target_processing_time`, as in some archives, and not
    /// the `-1` that AWS documents. Default: no.
    #[must_use]
    pub fn idle_timeout_in_target_processing_time(self, shown: bool) -> Self {
        Self { shows_idle_timeout: shown, ..self }
    }

    /// Writes the objects below `folder` at their S3 keys (`AWSLogs/…`), and the truth into `folder`: `truth.jsonl` has a line for
    /// each failed request, `what-happened.json` the timeouts of the run and what was done when.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Write`] when the folder already holds simulated logs, or when the file system refuses.
    pub fn write_to(&self, folder: &Path) -> Result<Written> {
        self.write_to_watched(folder, &mut |_| ControlFlow::Continue(()))
    }

    /// [`Self::write_to`] with progress, and a way to stop.
    ///
    /// # Errors
    /// As [`Self::write_to`]; and [`crate::ErrorKind::Cancelled`] when `watch` breaks off. Objects that are whole by then stay.
    pub fn write_to_watched(&self, folder: &Path, watch: Watch<'_>) -> Result<Written> {
        let mut directory = Directory::create(folder)?;
        let written = self.run(&mut directory, watch)?;
        directory.finish()?;
        Ok(written)
    }

    /// Hands everything to `sink` as it comes. Memory is bounded by the objects of two intervals and the requests under way,
    /// not by the length of the run.
    ///
    /// # Errors
    /// What `sink` returns; [`crate::ErrorKind::Cancelled`] when `watch` breaks off.
    pub fn run(&self, sink: &mut dyn Sink, watch: Watch<'_>) -> Result<Written> {
        let plan = self.scenario.plan(self.seed);
        let (name, id) = plan.load_balancer;
        let nodes: Vec<_> = (0..self.nodes.unwrap_or(plan.nodes)).map(node_address).collect();
        let packing = Packing {
            stem: format!("{ACCOUNT}_elasticloadbalancing_{REGION}_app.{name}.{id}"),
            folder: format!("AWSLogs/{ACCOUNT}/elasticloadbalancing/{REGION}"),
            nodes: nodes.clone(),
            level: self.compression,
        };
        let run = Run {
            start: self.start.as_micros(),
            length: i64::from(self.seconds.unwrap_or(plan.minutes * 60)) * SECOND,
            rate: self.rate.unwrap_or(plan.rate),
            nodes,
            seed: self.seed,
            shows_idle_timeout: self.shows_idle_timeout,
        };
        sink.what_happened(&story::story(self.scenario, &plan, &run))?;
        let objects = Objects::new(packing, sink, Dice::new(self.seed, 5));
        let (failures, objects) = Engine::new(&plan, run, objects).run(watch)?;
        let Objects { handed_over, lines, bytes, bytes_decoded, .. } = objects;
        Ok(Written { objects: handed_over, lines, failures, bytes, bytes_decoded })
    }
}

/// Nodes lie in three zones in turn.
fn node_address(index: u32) -> String {
    format!("10.0.{}.{}", 1 + index % 3, 17 + index * 41 % 223)
}
