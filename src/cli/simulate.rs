//! `albscope simulate`

use std::io::{self, Write};
use std::ops::ControlFlow;

use albscope::Timestamp;
use albscope::simulate::{SCENARIOS, Scenario, Simulation, scenario_names};
use anyhow::Context;

use super::args::SimulateArgs;
use super::exit::Exit;
use super::progress::Share;

pub(super) fn run(args: &SimulateArgs) -> anyhow::Result<Exit> {
    let (Some(name), Some(folder), false) = (&args.scenario, &args.output, args.list) else {
        return list();
    };
    let scenario = Scenario::find(name).with_context(|| {
        let names: Vec<&str> = scenario_names().collect();
        format!("there is no scenario {name}; the scenarios are {}", names.join(", "))
    })?;
    let mut simulation = Simulation::new(scenario).seed(args.seed);
    if let Some(start) = args.start(Timestamp::from_micros(jiff::Timestamp::now().as_microsecond())) {
        simulation = simulation.start(start);
    }
    if let Some(duration) = args.duration {
        let seconds = u32::try_from(duration.as_secs()).ok().filter(|seconds| *seconds > 0);
        simulation =
            simulation.duration(seconds.context("--duration must be at least a second and less than 136 years")?);
    }
    if let Some(rate) = args.rate {
        anyhow::ensure!(rate.is_finite() && rate > 0.0, "--rate must be above 0");
        simulation = simulation.rate(rate);
    }
    if let Some(nodes) = args.nodes {
        simulation = simulation.nodes(nodes);
    }
    let written = {
        let share = Share::new(args.quiet)?;
        simulation.write_to_with_progress(folder, &mut |progress| {
            let message = format!("{} requests", progress.lines);
            if share.show(progress.done, message) { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?
    };
    writeln!(
        io::stdout(),
        "{} requests, {} failed, in {} objects under {}; the causes of the failures are in {}",
        written.lines,
        written.failures,
        written.objects,
        folder.join("AWSLogs").display(),
        folder.join("truth.jsonl").display(),
    )?;
    Ok(Exit::Done)
}

fn list() -> anyhow::Result<Exit> {
    let width = SCENARIOS.iter().map(|scenario| scenario.name.len()).max().unwrap_or_default();
    let mut out = io::stdout().lock();
    for scenario in SCENARIOS {
        writeln!(out, "{:width$}  {}", scenario.name, scenario.description)?;
    }
    Ok(Exit::Done)
}
