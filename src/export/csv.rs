//! Columns to CSV: a header and a line for each row, comma between fields, quotes where a field needs them, `\n` at the end.
//!
//! An absent value is an empty field. Moments are RFC 3339 in UTC, lists have the separator that the log has.
//!
//! A spreadsheet takes a field that begins with `=`, `+`, `-` or `@` for a formula, whoever wrote it into a URL or a user agent. So a text that begins with one of these, with a blank,
//! a character that is shown like one of these, or with an apostrophe, gets an apostrophe in front; taking one apostrophe away from each text that begins with it gives the text back. Numbers,
//! moments and flags are never texts.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::columns::{ABSENT_NUMBER, Columns, Values};
use super::parquet::seconds_of;
use super::schema::{Column, DataType, Table};
use crate::timestamp::Timestamp;

/// The level of gzip: what the tool of that name takes.
const GZIP_LEVEL: u32 = 6;

/// The form of the files of one table.
#[derive(Clone)]
pub(super) struct Form {
    columns: Vec<(&'static str, DataType)>,
    /// Whether texts are kept from being taken for formulas.
    is_guarded: bool,
    is_gzip: bool,
}

impl Form {
    /// Files with these columns.
    pub(super) fn new<T: Table>(columns: &[&'static Column<T>], is_guarded: bool, is_gzip: bool) -> Self {
        let columns = columns.iter().map(|column| (column.name, column.data_type)).collect();
        Self { columns, is_guarded, is_gzip }
    }

    /// The first line, to begin a file with.
    pub(super) fn header(&self) -> io::Result<Vec<u8>> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(self.columns.iter().map(|(name, _)| name)).map_err(io::Error::other)?;
        self.packed(writer.into_inner().map_err(|error| io::Error::other(error.to_string()))?)
    }

    /// The lines of some rows. What several calls give may stand one behind the other, packed or not.
    pub(super) fn encode(&self, columns: &Columns) -> io::Result<Vec<u8>> {
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

    fn write_field(&self, values: &Values, row: usize, data_type: DataType, field: &mut Vec<u8>) -> io::Result<()> {
        match values {
            Values::Words(words) => self.write_text(words.get(row), field),
            Values::Texts(texts, are_absent) => self.write_text((!are_absent[row]).then(|| texts.get(row)), field),
            Values::Numbers(numbers) => match (numbers[row], data_type) {
                (ABSENT_NUMBER, _) => {}
                (micros, DataType::Seconds) => write!(field, "{}", seconds_of(micros))?,
                (micros, DataType::Time) => write!(field, "{}", Timestamp::from_micros(micros))?,
                (number, _) => write!(field, "{number}")?,
            },
            Values::Flags(flags) => {
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

/// Whether a spreadsheet may take a text for something else, or an apostrophe at its front for one of ours.
fn looks_like_a_formula(text: &[u8]) -> bool {
    // Full-width forms are shown, and by some programs read, like the plain ones.
    const FULL_WIDTH: [&str; 4] = ["＝", "＋", "－", "＠"];
    text.first().is_some_and(|first| matches!(first, b'=' | b'+' | b'-' | b'@' | b'\'' | b' ' | b'\t' | b'\r' | b'\n'))
        || FULL_WIDTH.iter().any(|sign| text.starts_with(sign.as_bytes()))
}
