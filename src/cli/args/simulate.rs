//! `albscope simulate`

use std::path::PathBuf;
use std::time::Duration;

use albscope::Timestamp;
use clap::ValueHint;

use super::values::{TypedTime, parse_duration, parse_when};

/// Write the logs of a simulated incident, and the true cause of each failure.
///
/// Log objects are written to DIR/AWSLogs/... under the names that AWS gives them. DIR/truth.jsonl has one line per
/// failed request with its true cause. DIR/what-happened.json has the timeouts of the run and a timeline of the
/// changes and faults that the scenario makes. The same scenario, seed and options give the same bytes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  albscope simulate --list
  albscope simulate keep-alive-race --seed 7 --output race/")]
pub(crate) struct SimulateArgs {
    /// Name of the scenario; --list lists all
    #[arg(value_name = "SCENARIO", required_unless_present = "list")]
    pub(crate) scenario: Option<String>,

    /// The folder to write into
    #[arg(long, short, value_name = "DIR", required_unless_present = "list", value_hint = ValueHint::DirPath)]
    pub(crate) output: Option<PathBuf>,

    /// List the scenarios and exit
    #[arg(long)]
    pub(crate) list: bool,

    /// Seed of the random numbers: each seed gives another run of the scenario
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,

    /// When the log begins [default: 2026-11-18T08:00:00Z]
    #[arg(long, value_name = "TIME", value_parser = parse_when)]
    start: Option<TypedTime>,

    /// How long the log lasts: seconds, or a duration such as 2h [default: the scenario's]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) duration: Option<Duration>,

    /// Mean requests per second [default: the scenario's]
    #[arg(long, value_name = "N")]
    pub(crate) rate: Option<f64>,

    /// Load balancer nodes [default: the scenario's]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=60))]
    pub(crate) nodes: Option<u32>,

    /// Show no progress
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

impl SimulateArgs {
    pub(crate) fn start(&self, now: Timestamp) -> Option<Timestamp> {
        self.start.map(|start| start.resolve(now, now))
    }
}
