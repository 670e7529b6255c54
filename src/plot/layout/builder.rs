//! A sheet while it is filled. Each of its parts is drawn in a file of its own.

use crate::plot::sheet::Sheet;
use crate::report::chart::Legend;

/// The sheet, and the legend that its heatmaps share.
pub(super) struct SheetBuilder {
    pub(super) sheet: Sheet,
    pub(super) legend: Legend,
}
