//! The logs that are changed: simulated incidents, and the lines that each cause leaves behind.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use albscope::simulate::{Memory, Scenario, Simulation};
use serde_json::Value;

use crate::log::Log;

/// A log, and what is true of it.
pub(crate) struct Incident {
    /// The scenario and its seed, or the folder of the cause.
    pub(crate) name: String,
    pub(crate) log: Log,
    /// By target: the causes of at least half of its failures. A target that is not in it may have any cause.
    accepted: BTreeMap<String, BTreeSet<String>>,
}

impl Incident {
    pub(crate) fn simulated(scenario: &'static Scenario, seed: u64) -> Self {
        let mut memory = Memory::default();
        let mut go_on = |_| ControlFlow::Continue(());
        let simulation = Simulation::new(scenario).seed(seed).compression(1);
        simulation.run(&mut memory, &mut go_on).expect("memory does not fail");
        let mut failures: BTreeMap<String, u64> = BTreeMap::new();
        let mut causes: BTreeMap<(String, String), u64> = BTreeMap::new();
        for line in &memory.truth {
            let failure: Value = serde_json::from_str(line).expect("a line of JSON");
            let Some(target) = failure["target"].as_str() else { continue };
            *failures.entry(target.to_owned()).or_default() += 1;
            let also = failure["also_accept"].as_array().into_iter().flatten();
            for cause in also.chain([&failure["cause"]]).filter_map(Value::as_str) {
                *causes.entry((target.to_owned(), cause.to_owned())).or_default() += 1;
            }
        }
        let mut accepted: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for ((target, cause), count) in causes {
            if count * 2 >= failures[&target] {
                accepted.entry(target).or_default().insert(cause);
            }
        }
        let objects = memory.objects.iter().map(|(key, bytes)| (key.as_str(), bytes.as_slice()));
        Self { name: format!("{} {seed}", scenario.name), log: Log::read(objects), accepted }
    }

    /// The hits of each cause in `tests/causes`.
    pub(crate) fn fixtures() -> Vec<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/causes");
        let mut causes: Vec<_> =
            fs::read_dir(folder).expect("the folder of causes").map(|entry| entry.expect("an entry").path()).collect();
        causes.sort();
        let fixture = |path: &std::path::PathBuf| {
            let bytes = fs::read(path.join("hits.log")).expect("hits");
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            Self { name, log: Log::read([("hits.log", bytes.as_slice())]), accepted: BTreeMap::new() }
        };
        causes.iter().map(fixture).collect()
    }

    /// Whether this cause may be named for a target.
    pub(crate) fn accepts(&self, target: &str, cause: &str) -> bool {
        self.accepted.get(target).is_none_or(|accepted| accepted.contains(cause))
    }
}
