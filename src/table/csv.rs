//! Encodes columns as CSV: a header and a line per row, commas between fields, quotes where a field needs them, `\n`
//! at the end.
//!
//! An absent value is an empty field. Timestamps are RFC 3339 in UTC. Lists have their column's separator, which for
//! fields of the log is the log's.
//!
//! A spreadsheet takes a field that begins with `=`, `+`, `-` or `@` for a formula, whoever wrote it into a URL or a
//! user agent. So a text gets a leading apostrophe if it begins with one of these, with a character that looks like
//! one of these, with white space or with an apostrophe. Removing one apostrophe from each text that begins with one
//! restores the text. Numbers, timestamps and flags never get one.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::column_buffer::{ABSENT_NUMBER, ColumnBuffer};
use super::row_buffer::RowBuffer;
use super::schema::{Column, DataType, Table, seconds_of};
use crate::timestamp::Timestamp;

/// The gzip level, which is the default of the `gzip` tool.
const GZIP_LEVEL: u32 = 6;

/// How the files of one table are written.
#[derive(Clone)]
pub(crate) struct CsvEncoder {
    columns: Vec<(&'static str, DataType)>,
    /// Whether texts are guarded, so that a spreadsheet does not take them for formulas.
    is_guarded: bool,
    is_gzip: bool,
}

impl CsvEncoder {
    /// For files with these columns.
    pub(crate) fn new<T: Table>(columns: &[&'static Column<T>], is_guarded: bool, is_gzip: bool) -> Self {
        let columns = columns.iter().map(|column| (column.name, column.data_type)).collect();
        Self { columns, is_guarded, is_gzip }
    }

    /// The first line of a file.
    pub(crate) fn header(&self) -> io::Result<Vec<u8>> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(self.columns.iter().map(|(name, _)| name)).map_err(io::Error::other)?;
        self.packed(writer.into_inner().map_err(|error| io::Error::other(error.to_string()))?)
    }

    /// The lines of some rows. The results of several calls can be concatenated, compressed or not.
    pub(crate) fn encode(&self, columns: &RowBuffer) -> io::Result<Vec<u8>> {
        let mut writer = csv::Writer::from_writer(Vec::with_capacity(columns.bytes()));
        let mut field = Vec::new();
        for row in 0..columns.rows {
            for (values, (_, data_type)) in columns.columns.iter().zip(&self.columns) {
                field.clear();
                self.write_field(values, row, *data_type, &mut field)?;
                writer.write_field(&field).map_err(io::Error::other)?;
            }
            writer.write_record(None::<&[u8]>).map_err(io::Error::other)?;
        }
        self.packed(writer.into_inner().map_err(|error| io::Error::other(error.to_string()))?)
    }

    fn write_field(
        &self,
        values: &ColumnBuffer,
        row: usize,
        data_type: DataType,
        field: &mut Vec<u8>,
    ) -> io::Result<()> {
        match values {
            ColumnBuffer::Dictionary(words) => self.write_text(words.get(row), field),
            ColumnBuffer::Strings(texts, are_absent) => {
                self.write_text((!are_absent[row]).then(|| texts.get(row)), field);
            }
            ColumnBuffer::Numbers(numbers) => match (numbers[row], data_type) {
                (ABSENT_NUMBER, _) => {}
                (micros, DataType::Seconds) => write!(field, "{}", seconds_of(micros))?,
                (micros, DataType::Time) => write!(field, "{}", Timestamp::from_micros(micros))?,
                (number, _) => write!(field, "{number}")?,
            },
            ColumnBuffer::Flags(flags) => {
                if let Some(flag) = flags[row] {
                    write!(field, "{flag}")?;
                }
            }
        }
        Ok(())
    }

    fn write_text(&self, text: Option<&[u8]>, field: &mut Vec<u8>) {
        let Some(text) = text else { return };
        if self.is_guarded && looks_like_a_formula(text) {
            field.push(b'\'');
        }
        field.extend_from_slice(text);
    }

    fn packed(&self, text: Vec<u8>) -> io::Result<Vec<u8>> {
        if !self.is_gzip {
            return Ok(text);
        }
        let mut encoder = GzEncoder::new(Vec::with_capacity(text.len() / 4), Compression::new(GZIP_LEVEL));
        encoder.write_all(&text)?;
        encoder.finish()
    }
}

/// Whether a spreadsheet may take a text for a formula, or a reader its leading apostrophe for one that was added
/// here.
fn looks_like_a_formula(text: &[u8]) -> bool {
    // Full-width forms look like the plain ones, and some programs read them like the plain ones.
    const FULL_WIDTH: [&str; 4] = ["＝", "＋", "－", "＠"];
    text.first().is_some_and(|first| matches!(first, b'=' | b'+' | b'-' | b'@' | b'\'' | b' ' | b'\t' | b'\r' | b'\n'))
        || FULL_WIDTH.iter().any(|sign| text.starts_with(sign.as_bytes()))
}
