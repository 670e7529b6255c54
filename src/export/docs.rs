//! The page that describes the columns of all tables, generated from the tables.

use std::fmt::Write;

use super::requests::RequestTable;
use super::tables::{FindingTable, MinuteTable, RouteTable, StatusPairTable, TargetTable};
use crate::table::schema::{Column, Table};

const HEAD: &str = "\
# Columns

The columns that `albscope export` and `albscope analyze --tables` write. This page is generated from the tables in the code; `UPDATE_SCHEMA=1 cargo test --test schema` writes it again.

Columns may be added at the end of a table. Existing columns keep their names and meanings.

## Types

| type | in Parquet | in CSV |
| --- | --- | --- |
| text | `STRING`, UTF-8 | as is, in quotes if needed |
| integer | `INT64` | digits |
| number | `DOUBLE` | digits with a decimal point |
| timestamp | `TIMESTAMP`, microseconds, in UTC | RFC 3339 with six decimals and `Z` |
| boolean | `BOOLEAN` | `true` or `false` |
| list of texts, list of integers | `LIST` of `STRING` or `INT64` | its items, with the separator of the log between them: a comma for `actions_executed`, a blank for the others; in the tables of an analysis a line break |

An absent value is null in Parquet and an empty field in CSV. It is never 0, -1 or an empty text. *Not logged* means that the field is `-` or empty, or that the line is older than the field.
In a list, an item `-` is null.

## Text

Load balancers write some bytes as `\\x` and two hexadecimal digits, for example `\\x22` for a quote. They leave some control characters and invalid UTF-8 as they are; the export writes these bytes in the same form, in Parquet and
in CSV. To get back what the client sent, replace each `\\xNN` by the byte NN. The tables of an analysis show invalid UTF-8 as U+FFFD, as the report does.

In CSV, a text or a list gets a leading apostrophe if a spreadsheet might read it as a formula: if it begins with `=`, `+`, `-`, `@`, one of their full-width forms, or white space. It also gets one if it begins with an
apostrophe. So removing one apostrophe from every text or list that begins with one gives back the original. `--allow-formulas` leaves texts and lists unchanged. Numbers and timestamps are never changed.

## Times

A processing time is null if the log has `-1`, `-` or nothing, and `times_absent` says which. `elapsed` does not depend on how far a request got: if all three times are null, it distinguishes a refused connection from one
that timed out.
";

/// The whole page, in Markdown.
#[must_use]
pub fn schema_page() -> String {
    let mut page = HEAD.to_owned();
    page.push_str("\n# `albscope export`\n");
    write_table::<RequestTable>(&mut page);
    page.push_str(
        "\nColumns marked *on request* are written only if `--columns` asks for them. `cause` and `confidence` need an analysis of the same input first, so the input is read twice.\n\n\
         With `--partition-by`, folders are named `day=2026-11-18`, `hour=08`, `load_balancer=…` (the value of `elb`, with `/` as `%2F`) and `target_group=…`. \
         With `target_group`, the column of that name is left out of the files, because readers make it from the folder's name.\n\n\
         Read a folder by a pattern, because it also has the file `_albscope.json`. polars and DuckDB then make columns from the folders' names. After `--partition-by hour`, for example:\n\n\
         ```python\n\
         polars.read_parquet(\"archive/**/*.parquet\", hive_partitioning=True)\n\
         duckdb.sql(\"from read_parquet('archive/**/*.parquet', hive_partitioning=true, hive_types={'hour': INT})\")\n\
         ```\n\n\
         `hour` is an integer in both; without `hive_types` it is a text in DuckDB. Spark and Athena skip names that begin with `_`, so give them the folder itself.\n\n\
         # `albscope analyze --tables`\n",
    );
    write_table::<TargetTable>(&mut page);
    write_table::<FindingTable>(&mut page);
    write_table::<StatusPairTable>(&mut page);
    write_table::<MinuteTable>(&mut page);
    write_table::<RouteTable>(&mut page);
    page
}

fn write_table<T: Table>(page: &mut String) {
    let title = T::NAME;
    let head = "| column | type | unit | null when | from | what it says |\n| --- | --- | --- | --- | --- | --- |";
    // Writing to a String cannot fail.
    let _ = write!(page, "\n## {title}\n\nA row is {}.\n\n{head}\n", T::MEANING);
    for column in T::COLUMNS {
        write_column(column, page);
    }
}

fn write_column<T: Table>(column: &Column<T>, page: &mut String) {
    let Column { name, data_type, unit, absent, source, meaning, is_default, .. } = column;
    let source = if source.is_empty() { String::new() } else { format!("`{source}`") };
    let absent = if absent.is_empty() { "never" } else { absent };
    let on_request = if *is_default { "" } else { "; *on request*" };
    let _ =
        writeln!(page, "| `{name}` | {} | {unit} | {absent} | {source} | {meaning}{on_request} |", data_type.name());
}
