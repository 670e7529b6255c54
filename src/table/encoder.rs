//! The formats in which a table can be written.

use std::io::{self, Write};

use super::csv;
use super::parquet::{self, ParquetFile, RowGroup};
use super::row_buffer::Columns;
use super::schema::{Column, Table};
use crate::durable_file::Output;

/// How a table is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Parquet: typed and compressed.
    Parquet,
    /// CSV.
    Csv,
    /// CSV compressed with gzip.
    CsvGz,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Parquet, Self::Csv, Self::CsvGz];

    /// The extension of its files' names, without the first dot. It is also the format's id.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Csv => "csv",
            Self::CsvGz => "csv.gz",
        }
    }

    /// The format of a file, by its name. `None` if the name has no known extension; case does not matter.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        Self::ALL.into_iter().find(|format| name.ends_with(&format!(".{}", format.extension())))
    }
}

/// The form of the files of one table: a format with its columns.
#[derive(Clone)]
pub(crate) enum Form {
    Parquet(parquet::Form),
    Csv(csv::Form),
}

/// Some rows, ready to be written.
pub(crate) enum Encoded {
    RowGroup(RowGroup),
    Lines(Vec<u8>),
}

impl Encoded {
    /// Approximate memory use in bytes.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::RowGroup(group) => group.bytes(),
            Self::Lines(lines) => lines.len(),
        }
    }
}

impl Form {
    /// For files of `format` with these columns. `is_guarded` keeps spreadsheets from taking texts in CSV for
    /// formulas.
    pub(crate) fn new<T: Table>(format: Format, columns: &[&'static Column<T>], is_guarded: bool) -> io::Result<Self> {
        Ok(match format {
            Format::Parquet => Self::Parquet(parquet::Form::new(columns)?),
            Format::Csv | Format::CsvGz => Self::Csv(csv::Form::new(columns, is_guarded, format == Format::CsvGz)),
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
    pub(crate) fn encode(&self, mut columns: Columns) -> io::Result<Encoded> {
        columns.seal();
        match self {
            Self::Parquet(form) => form.encode(columns).map(Encoded::RowGroup),
            Self::Csv(form) => form.encode(&columns).map(Encoded::Lines),
        }
    }

    /// Begins a file.
    pub(crate) fn begin(&self, mut out: Output) -> io::Result<TableFile> {
        match self {
            Self::Parquet(form) => ParquetFile::new(out, form).map(TableFile::Parquet),
            Self::Csv(form) => {
                out.write_all(&form.header()?)?;
                Ok(TableFile::Csv(out))
            }
        }
    }
}

/// A file that is being written.
#[expect(clippy::large_enum_variant, reason = "there is one of it, or one a folder that is open")]
pub(crate) enum TableFile {
    Parquet(ParquetFile<Output>),
    Csv(Output),
}

impl TableFile {
    /// Appends rows that were encoded by the file's form.
    pub(crate) fn write(&mut self, encoded: &Encoded) -> io::Result<()> {
        match (self, encoded) {
            (Self::Parquet(file), Encoded::RowGroup(group)) => file.write(group),
            (Self::Csv(out), Encoded::Lines(lines)) => out.write_all(lines),
            _ => unreachable!("what is written was encoded by the form that began the file"),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_known_by_its_extension() {
        for (name, expected) in [
            ("requests.parquet", Some(Format::Parquet)),
            ("out/requests.csv", Some(Format::Csv)),
            ("requests.CSV.gz", Some(Format::CsvGz)),
            ("requests.gz", None),
            ("parquet", None),
            ("csv", None),
        ] {
            assert_eq!(Format::of_name(name), expected, "{name}");
        }
    }
}
