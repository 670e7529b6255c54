//! Writes tables as Parquet or CSV: collects typed rows by column, and encodes them as bytes.
//!
//! Input: the columns of a table as data ([`schema::Table`]), and its rows one at a time. Output: files or streams in
//! one of the [formats](encoder::TableFormat). This module does not know what a row is about.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`schema`] | describes the columns of a table as data |
//! | `row_buffer`, `dictionary` | collect rows into columns |
//! | `escape` | makes any bytes valid UTF-8 without control characters |
//! | [`encoder`], `parquet`, `csv` | encode collected rows as bytes, and write files of them |

mod csv;
pub(crate) mod dictionary;
pub mod encoder;
pub(crate) mod escape;
mod parquet;
pub(crate) mod row_buffer;
pub mod schema;
