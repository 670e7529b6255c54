//! The parameters of one run of a plan.

use super::plan::IncidentPlan;
use super::time::{Micros, Moment};

/// The options of a run, in addition to its plan.
pub(super) struct RunParameters {
    pub(super) start: Micros,
    pub(super) length: Micros,
    pub(super) rate: f64,
    pub(super) nodes: Vec<String>,
    pub(super) seed: u64,
    pub(super) shows_idle_timeout: bool,
}

impl RunParameters {
    /// A moment of the plan in microseconds since the Unix epoch.
    pub(super) fn moment(&self, plan: &IncidentPlan, moment: Moment) -> Micros {
        self.start + self.length / i64::from(plan.minutes.max(1)) * i64::from(moment.minute) + moment.delay
    }
}
