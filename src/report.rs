//! One [`Report`] value, and a renderer for each format.
//!
//! Input: a [`Summary`](crate::aggregate::Summary) and its [`Diagnosis`](crate::diagnose::Diagnosis). The numbers are
//! computed once, in [`Report::new`]; the renderers only lay them out, so text, JSON, Markdown and HTML cannot
//! disagree. To add a format, add a module, a variant of [`Format`] and its arm in [`Report::render`].

mod causes;
pub mod chart;
mod commands;
mod finding;
mod html;
mod idle_timeout;
mod input;
mod json;
mod markdown;
mod model;
pub(crate) mod numbers;
pub(crate) mod phrases;
pub mod pictures;
pub mod plain;
mod plan;
mod rows;
mod scope;
mod style;
mod text;
mod timing;
mod values;

use std::io::{self, Write};

pub use causes::CauseRow;
pub use finding::{CheckRow, EstimatesRow, EvidenceRow, FindingRow, NoticeRow, SampleRow, SettingRow};
pub use idle_timeout::{IdleTimeoutRow, IdleTimeoutSentence};
pub use input::{Cached, Input, ProblemLocation, ProblemRow};
pub use model::{CauseOverTime, Report, SCHEMA_VERSION};
pub use pictures::Pictures;
pub use plan::{Plan, PlanDay, PlanProblem};
pub use rows::{CallerRow, LoadBalancerRow, RouteRow, TargetGroupRow, TargetRow};
pub use scope::ScopeRow;
pub use style::Style;
pub use timing::{TimingBin, TimingOfLoadBalancer, TimingRow};
pub use values::{Latency, Outcomes, StatusPairRow, Window};

/// How a report is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For a person at a terminal.
    Text,
    /// For a program.
    Json,
    /// For a chat or a ticket.
    Markdown,
    /// For a browser: one self-contained page.
    Html,
}

impl Report {
    /// Writes the report.
    ///
    /// # Errors
    /// If writing to `out` fails.
    pub fn render(&self, format: Format, style: Style, out: &mut dyn Write) -> io::Result<()> {
        match format {
            Format::Text => text::render(self, style, out),
            Format::Json => json::render(self, out),
            Format::Markdown => markdown::render(self, out),
            Format::Html => html::render(self, out),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
