//! The columns of the table of targets: which there are depends on the width.

use comfy_table::{ColumnConstraint, Table, Width};

use super::columns::by_column;
use super::glyphs::Glyphs;
use super::table::{align_right, hold_together};
use crate::report::{TargetRow, numbers, phrases};

/// From this width on, tables also have their less important columns.
pub(super) const WIDE: usize = 100;

/// Which columns the table of targets has, depending on the width.
#[derive(Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is a column or two")]
pub(super) struct TargetColumns {
    /// Width of the sparkline of failures, in columns; 0 for none.
    sparkline: usize,
    has_share: bool,
    has_target_group: bool,
    has_latency: bool,
    has_ending: bool,
    has_life: bool,
}

impl TargetColumns {
    pub(super) fn for_width(width: usize, has_failures: bool) -> Self {
        let sparkline = match width {
            ..72 => 0,
            72..200 => 8,
            _ => 24,
        };
        let sparkline = if has_failures { sparkline } else { 0 };
        Self {
            sparkline,
            // The share follows from two other columns, so the sparkline is preferred to it.
            has_share: width >= 90 || sparkline == 0,
            has_target_group: width >= 120,
            has_latency: width >= WIDE,
            has_ending: width >= 140,
            has_life: width >= 180,
        }
    }

    pub(super) fn titles(self) -> Vec<&'static str> {
        let mut titles = vec!["Target"];
        if self.has_target_group {
            titles.push("Target group");
        }
        titles.extend(["Requests", "Failed"]);
        if self.has_share {
            titles.push("Share");
        }
        if self.sparkline > 0 {
            titles.push("When");
        }
        if self.has_latency {
            titles.extend(["p50 s", "p99 s"]);
        }
        if self.has_ending {
            titles.push("Most failures");
        }
        titles.push("Likely cause");
        if self.has_life {
            titles.extend(["First seen", "Last seen"]);
        }
        titles
    }

    pub(super) fn cells(self, target: &TargetRow, failures_over_time: &[u64], glyphs: Glyphs) -> Vec<String> {
        let mut cells = vec![glyphs.shortened(&target.target, 60)];
        if self.has_target_group {
            let group = target.target_group.as_deref().map_or("-", phrases::target_group_name);
            cells.push(glyphs.shortened(group, 32));
        }
        cells.extend([target.requests, target.failures].map(numbers::count));
        if self.has_share {
            cells.push(numbers::percent(target.failures, target.requests));
        }
        if self.sparkline > 0 {
            let failures = by_column(failures_over_time, self.sparkline);
            cells.push(if target.failures > 0 { glyphs.sparkline(&failures) } else { String::new() });
        }
        if self.has_latency {
            cells.extend([target.latency.p50, target.latency.p99].map(numbers::seconds));
        }
        if self.has_ending {
            cells.push(target.dominant_failure.map_or_else(String::new, |outcome| outcome.id().to_owned()));
        }
        cells.push(phrases::likely(target.cause, target.confidence));
        if self.has_life {
            cells.extend(
                [target.first_seen, target.last_seen].map(|seen| seen.map_or_else(String::new, numbers::moment)),
            );
        }
        cells
    }

    pub(super) fn align(self, table: &mut Table) {
        let first = if self.has_target_group { 2 } else { 1 };
        let numbers = 2 + usize::from(self.has_share);
        align_right(table, &(first..first + numbers).collect::<Vec<_>>());
        let next = first + numbers + usize::from(self.sparkline > 0);
        if self.sparkline > 0 {
            hold_together(table, next - 1);
        }
        if self.has_latency {
            align_right(table, &[next, next + 1]);
        }
        if let Some(column) = table.column_mut(0) {
            // No address is longer than this, so none is broken over two lines.
            column.set_constraint(ColumnConstraint::UpperBoundary(Width::Fixed(50)));
        }
    }
}
