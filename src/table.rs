//! Writes tables as Parquet or CSV: collects typed rows by column, and encodes them as bytes.
//!
//! Input: the columns of a table as data ([`schema::Table`]), and its rows one at a time. Output: files or streams in
//! one of the [formats](TableFormat). This module does not know what a row is about.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`schema`] | describes the columns of a table as data |
//! | [`format`](TableFormat) | names the formats |
//! | `row_buffer`, `column_buffer` | collect rows into columns |
//! | `dictionary`, `string_buffer` | keep texts, repeated ones once |
//! | `escape` | makes any bytes valid UTF-8 without control characters |
//! | `encoder`, `parquet`, `csv` | encode collected rows as bytes, and write files of them |

pub(crate) mod column_buffer;
mod csv;
pub(crate) mod dictionary;
pub(crate) mod encoder;
pub(crate) mod escape;
mod format;
mod parquet;
pub(crate) mod row_buffer;
pub mod schema;
mod string_buffer;

pub use format::TableFormat;
