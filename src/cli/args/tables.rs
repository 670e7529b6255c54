//! Where `analyze` writes the tables of an analysis, and the format of a table.

use std::path::PathBuf;

use albscope::export::TableFormat;
use clap::{ValueEnum, ValueHint};

use super::headings;

/// The tables of an analysis as files. Ids are those of the options, because `analyze` has other fields of these names.
#[derive(Debug, clap::Args)]
pub(crate) struct TablesArgs {
    /// Also write the report's tables into this folder, for notebooks: targets, findings, status pairs, minutes and
    /// routes
    #[arg(help_heading = headings::OUTPUT, long = "tables", id = "tables", value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) folder: Option<PathBuf>,

    /// Format of the tables
    #[arg(help_heading = headings::OUTPUT, long = "tables-format", id = "tables-format", requires = "tables", value_name = "FORMAT")]
    #[arg(value_enum, default_value_t = TableFormatArg::Parquet)]
    pub(crate) format: TableFormatArg,
}

impl TablesArgs {
    /// The format as its option has it. `None` if it is the default.
    pub(crate) fn format_unless_default(&self) -> Option<String> {
        let format = self.format.to_possible_value().filter(|_| self.format != TableFormatArg::Parquet);
        format.map(|format| format.get_name().to_owned())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TableFormatArg {
    /// Typed and compressed
    Parquet,
    /// Commas and quotes
    Csv,
    /// CSV compressed with gzip
    #[value(name = "csv.gz")]
    CsvGz,
}

impl From<TableFormatArg> for TableFormat {
    fn from(format: TableFormatArg) -> Self {
        match format {
            TableFormatArg::Parquet => Self::Parquet,
            TableFormatArg::Csv => Self::Csv,
            TableFormatArg::CsvGz => Self::CsvGz,
        }
    }
}
