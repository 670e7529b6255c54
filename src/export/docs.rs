//! The page that describes the columns of all tables, made from them.

use std::fmt::Write;

use super::requests::Requests;
use super::schema::{Column, Table};
use super::tables::{Findings, Minutes, Routes, StatusPairs, Targets};

const HEAD: &str = "\
# Columns

What `albscope export` and `albscope analyze --tables` write, column by column. This page is made from the tables in the code: `UPDATE_SCHEMA=1 cargo test --test schema` writes it anew.

Columns may be added at the end of a table; none is renamed, and none changes its meaning.

## Types

| type | in Parquet | in CSV |
| --- | --- | --- |
| text | `STRING`, UTF-8 | as it is, in quotes where it needs them |
| integer | `INT64` | digits |
| number | `DOUBLE` | digits with a decimal point |
| timestamp | `TIMESTAMP`, microseconds, in UTC | RFC 3339 with six decimals and `Z` |
| boolean | `BOOLEAN` | `true` or `false` |
| list of texts, list of integers | `LIST` of `STRING` or `INT64` | its items with the separator that the log has: a comma for `actions_executed`, a blank for the others; a line break in the tables of an analysis |

An absent value is null in Parquet and an empty field in CSV. It is never 0, -1 or an empty text. *Not logged* means that `-` or nothing stands in the field, or that the line is from before
AWS had it. In a list, an item `-` is null.

## Text

Load balancers write a byte that may not stand in a log as `\\x` and two hexadecimal digits, `\\x22` for a quote. Bytes that are no UTF-8 and control characters that they leave as they are
are written here in the same way, in Parquet and CSV alike. So reading `\\xNN` as the byte NN, as one has to in a log, gives back what the client sent. In the tables of an analysis invalid UTF-8 is shown by U+FFFD, as in
its report.

In CSV, a text or a list gets an apostrophe in front where a spreadsheet might take it for a formula: where it begins with `=`, `+`, `-`, `@`, one of their full-width forms, or a blank; and where it begins with an apostrophe. So taking one
apostrophe away from every text or list that begins with one gives it back. `--allow-formulas` leaves them as they are. Numbers and timestamps are never changed.

## Times

A processing time is null where the log has `-1`, `-` or nothing, and `times_absent` says which. `elapsed` is the only duration that every request has; where all three times are null, it is what tells a refused
connection from one that timed out.
";

/// The whole page, in Markdown.
#[must_use]
pub fn schema_page() -> String {
    let mut page = HEAD.to_owned();
    page.push_str("\n# `albscope export`\n");
    write_table::<Requests>(&mut page);
    page.push_str(
        "\nColumns that say *on request* are written when `--columns` names them. `cause` and `confidence` need an analysis of the same input first, so that it is read twice.\n\n\
         With `--partition-by`, folders are named `day=2026-11-18`, `hour=08`, `load_balancer=…` (which is `elb`, with `/` as `%2F`) and `target_group=…`; the column `target_group` is then left out of the files, \
         since readers make one of the folder's name.\n\n\
         A folder is read by a pattern, as `_albscope.json` lies in it too. polars and DuckDB make columns of the folders' names then, here after `--partition-by hour`:\n\n\
         ```python\n\
         polars.read_parquet(\"archive/**/*.parquet\", hive_partitioning=True)\n\
         duckdb.sql(\"from read_parquet('archive/**/*.parquet', hive_partitioning=true, hive_types={'hour': INT})\")\n\
         ```\n\n\
         `hour` is an integer in both; without `hive_types` it is a text in DuckDB. Spark and Athena pass over names that begin with `_`, and take the folder itself.\n\n\
         # `albscope analyze --tables`\n",
    );
    write_table::<Targets>(&mut page);
    write_table::<Findings>(&mut page);
    write_table::<StatusPairs>(&mut page);
    write_table::<Minutes>(&mut page);
    write_table::<Routes>(&mut page);
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
