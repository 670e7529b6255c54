//! The columns of the table of requests by name, for `--columns` and `--where`.

use super::requests::RequestTable;
use crate::table::schema::{Column, Table};

/// The columns that are written when no columns are named.
pub(super) fn default_columns() -> Vec<&'static Column<RequestTable>> {
    RequestTable::COLUMNS.iter().filter(|column| column.is_default).collect()
}

/// Looks up columns by name and returns them in the order of the names. `default` means the columns that are written
/// when no columns are named, `all` means every column except `text`, the whole line. Neither repeats a column that
/// is already in the list.
///
/// # Errors
/// A message for the user, if a name is empty or unknown, or if it names a column that is already in the list.
pub fn columns_of<'n>(names: impl IntoIterator<Item = &'n str>) -> Result<Vec<&'static Column<RequestTable>>, String> {
    let mut columns: Vec<&'static Column<RequestTable>> = Vec::new();
    let mut add = |column: &'static Column<RequestTable>, is_named: bool| {
        let is_new = !columns.contains(&column);
        if is_new {
            columns.push(column);
        } else if is_named {
            return Err(format!("column {} is listed twice", column.name));
        }
        Ok(())
    };
    for name in names {
        match name {
            "" => {
                return Err("empty column name; separate names with single commas, as in time,elb".to_owned());
            }
            "default" => default_columns().into_iter().try_for_each(|column| add(column, false))?,
            "all" => RequestTable::COLUMNS
                .iter()
                .filter(|column| column.name != "text")
                .try_for_each(|column| add(column, false))?,
            name => add(find_column(name)?, true)?,
        }
    }
    Ok(columns)
}

/// The column of that name, or a message for the user if there is none.
pub(super) fn find_column(name: &str) -> Result<&'static Column<RequestTable>, String> {
    let found = RequestTable::COLUMNS.iter().find(|column| column.name == name);
    found.ok_or_else(|| {
        let near = near_names(name);
        if near.is_empty() {
            format!("there is no column {name}")
        } else {
            format!("there is no column {name}; did you mean {}?", near.join(", "))
        }
    })
}

/// Names that a user may try who knows the tables of an analysis or the partition keys, and the column that has the
/// value.
const OTHER_NAMES: [(&str, &str); 3] = [("load_balancer", "elb"), ("day", "time"), ("hour", "time")];

/// Names that the user may have meant, the most similar first.
fn near_names(name: &str) -> Vec<&'static str> {
    const MAX_NAMES: usize = 3;
    const MIN_LIKENESS: f64 = 0.85;
    let name = name.to_lowercase();
    let likeness = |known: &str| {
        if OTHER_NAMES.contains(&(&*name, known)) {
            return 2.0;
        }
        if !name.is_empty() && known.contains(&name) { 1.0 } else { strsim::jaro_winkler(known, &name) }
    };
    let mut names: Vec<(f64, &str)> =
        RequestTable::COLUMNS.iter().map(|column| (likeness(column.name), column.name)).collect();
    names.retain(|(likeness, _)| *likeness >= MIN_LIKENESS);
    names.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    names.into_iter().map(|(_, name)| name).take(MAX_NAMES).collect()
}
