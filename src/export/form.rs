//! The forms that a table can be written in.

use std::io::{self, Write};

use super::columns::Columns;
use super::csv;
use super::output::Out;
use super::parquet::{self, ParquetFile, RowGroup};
use super::schema::{Column, Table};

/// How a table is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Parquet: typed and compressed.
    Parquet,
    /// CSV.
    Csv,
    /// CSV packed with gzip.
    CsvGz,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Parquet, Self::Csv, Self::CsvGz];

    /// The end of its files' names, which is also its id.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Csv => "csv",
            Self::CsvGz => "csv.gz",
        }
    }

    /// The format of a file by its name. `None` where that tells nothing.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        Self::ALL.into_iter().find(|format| name.ends_with(&format!(".{}", format.extension())))
    }
}

/// The form of the files of one table: a format with its columns.
#[derive(Clone)]
pub(super) enum Form {
    Parquet(parquet::Form),
    Csv(csv::Form),
}

/// Some rows, ready to be written.
pub(super) enum Encoded {
    RowGroup(RowGroup),
    Lines(Vec<u8>),
}

impl Encoded {
    /// How much memory they take, roughly.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::RowGroup(group) => group.bytes(),
            Self::Lines(lines) => lines.len(),
        }
    }
}

impl Form {
    /// Files of `format` with these columns; `is_guarded` keeps texts in CSV from being taken for formulas.
    pub(super) fn new<T: Table>(format: Format, columns: &[&'static Column<T>], is_guarded: bool) -> io::Result<Self> {
        Ok(match format {
            Format::Parquet => Self::Parquet(parquet::Form::new(columns)?),
            Format::Csv | Format::CsvGz => Self::Csv(csv::Form::new(columns, is_guarded, format == Format::CsvGz)),
        })
    }

    /// How long the texts of all rows of a row group may be together, but for the last row's. CSV writes all of them out, Parquet those that hardly occur again.
    pub(super) fn max_written_bytes(&self) -> usize {
        match self {
            Self::Parquet(_) => 256 * 1024 * 1024,
            Self::Csv(_) => 16 * 1024 * 1024,
        }
    }

    /// Makes rows ready to be written: most of the work.
    pub(super) fn encode(&self, mut columns: Columns) -> io::Result<Encoded> {
        columns.seal();
        match self {
            Self::Parquet(form) => form.encode(columns).map(Encoded::RowGroup),
            Self::Csv(form) => form.encode(&columns).map(Encoded::Lines),
        }
    }

    /// Begins a file.
    pub(super) fn begin(&self, mut out: Out) -> io::Result<TableFile> {
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
pub(super) enum TableFile {
    Parquet(ParquetFile<Out>),
    Csv(Out),
}

impl TableFile {
    /// Appends rows of the file's form.
    pub(super) fn write(&mut self, encoded: &Encoded) -> io::Result<()> {
        match (self, encoded) {
            (Self::Parquet(file), Encoded::RowGroup(group)) => file.write(group),
            (Self::Csv(out), Encoded::Lines(lines)) => out.write_all(lines),
            _ => unreachable!("what is written was encoded by the form that began the file"),
        }
    }

    /// Writes what belongs behind the rows.
    pub(super) fn finish(self) -> io::Result<Out> {
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
    fn a_name_tells_its_format() {
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
