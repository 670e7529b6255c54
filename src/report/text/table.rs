//! Tables without borders, as text.

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table};

/// A table without borders. Cells are wrapped if they have to be.
pub(in crate::report) fn new_table(width: usize) -> Table {
    let mut table = Table::new();
    table
        .load_style(comfy_table::presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(u16::try_from(width).unwrap_or(u16::MAX));
    table
}

pub(in crate::report) fn align_right(table: &mut Table, columns: &[usize]) {
    for &column in columns {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        // A number must not be broken over two lines.
        hold_together(table, column);
    }
}

pub(super) fn hold_together(table: &mut Table, column: usize) {
    if let Some(column) = table.column_mut(column) {
        column.set_constraint(ColumnConstraint::ContentWidth);
    }
}
