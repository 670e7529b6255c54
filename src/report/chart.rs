//! Charts before they are drawn: their axes, labels and counts. The terminal and the image file draw the same chart,
//! and the page gets the same axes, lines and looks as data.
//!
//! | module | what it has |
//! | --- | --- |
//! | [`axis`] | steps and labels of axes |
//! | `timing` | the heatmap of one scope |
//! | `line` | the timeouts in it |
//! | `lags` | the gaps of a keep-alive race |
//! | `legend` | what symbols mean |
//! | `look` | colour and symbol of each outcome |
//! | `sentences` | what a heatmap leaves out, and how it compares with the idle timeout |

pub mod axis;
mod lags;
mod legend;
mod line;
mod look;
mod sentences;
mod timing;

pub use axis::{ElapsedAxis, Tick, TimeAxis};
pub use lags::LagChart;
pub use legend::Legend;
pub(super) use line::lines;
pub use line::{TimeoutLine, findings_named};
pub use look::{Colour, Family, Look};
pub use sentences::{against_idle_timeout, not_drawn};
pub(super) use timing::elapsed_range;
pub use timing::{FailedCell, TimingChart};

#[cfg(test)]
pub(super) mod tests;
