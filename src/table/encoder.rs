//! Encodes rows in one of the formats, and writes files of them.

use std::io::{self, Write};

use super::csv::CsvEncoder;
use super::format::TableFormat;
use super::parquet::{ParquetEncoder, ParquetWriter, RowGroup};
use super::row_buffer::RowBuffer;
use super::schema::{Column, Table};
use crate::durable_file::Output;

/// The encoder of the files of one table: a format with its columns.
#[derive(Clone)]
pub(crate) enum Encoder {
    Parquet(ParquetEncoder),
    Csv(CsvEncoder),
}

/// Some rows, ready to be written.
pub(crate) enum EncodedRows {
    RowGroup(RowGroup),
    Lines(Vec<u8>),
}

impl EncodedRows {
    /// Approximate memory use in bytes.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::RowGroup(group) => group.bytes(),
            Self::Lines(lines) => lines.len(),
        }
    }
}

impl Encoder {
    /// For files of `format` with these columns. `is_guarded` keeps spreadsheets from taking texts in CSV for
    /// formulas.
    pub(crate) fn new<T: Table>(
        format: TableFormat,
        columns: &[&'static Column<T>],
        is_guarded: bool,
    ) -> io::Result<Self> {
        Ok(match format {
            TableFormat::Parquet => Self::Parquet(ParquetEncoder::new(columns)?),
            TableFormat::Csv | TableFormat::CsvGz => {
                Self::Csv(CsvEncoder::new(columns, is_guarded, format == TableFormat::CsvGz))
            }
        })
    }

    /// Maximum bytes of the texts of all rows of a row group, not counting the last row. CSV writes every text of
    /// every row, Parquet only those that hardly repeat.
    pub(crate) fn max_written_bytes(&self) -> usize {
        match self {
            Self::Parquet(_) => 256 * 1024 * 1024,
            Self::Csv(_) => 16 * 1024 * 1024,
        }
    }

    /// Encodes rows, which is most of the work.
    pub(crate) fn encode(&self, mut columns: RowBuffer) -> io::Result<EncodedRows> {
        columns.seal();
        match self {
            Self::Parquet(encoder) => encoder.encode(columns).map(EncodedRows::RowGroup),
            Self::Csv(encoder) => encoder.encode(&columns).map(EncodedRows::Lines),
        }
    }

    /// Begins a file.
    pub(crate) fn begin(&self, mut out: Output) -> io::Result<TableWriter> {
        match self {
            Self::Parquet(encoder) => encoder.begin(out).map(TableWriter::Parquet),
            Self::Csv(encoder) => {
                out.write_all(&encoder.header()?)?;
                Ok(TableWriter::Csv(out))
            }
        }
    }
}

/// A file that is being written.
#[expect(clippy::large_enum_variant, reason = "there is one, or one for each partition that is open")]
pub(crate) enum TableWriter {
    Parquet(ParquetWriter<Output>),
    Csv(Output),
}

impl TableWriter {
    /// Appends rows that were encoded by the file's encoder.
    pub(crate) fn write(&mut self, encoded: &EncodedRows) -> io::Result<()> {
        match (self, encoded) {
            (Self::Parquet(file), EncodedRows::RowGroup(group)) => file.write(group),
            (Self::Csv(out), EncodedRows::Lines(lines)) => out.write_all(lines),
            _ => unreachable!("what is written was encoded by the encoder that began the file"),
        }
    }

    /// Writes what comes after the rows.
    pub(crate) fn finish(self) -> io::Result<Output> {
        match self {
            Self::Parquet(file) => file.finish(),
            Self::Csv(out) => Ok(out),
        }
    }
}
