//! `albscope export`

use std::path::PathBuf;

use albscope::export::requests::Requests;
use albscope::export::schema::Column;
use albscope::export::{self, Filter, Partition, Sample};
use clap::{ValueEnum, ValueHint};

use super::logs::LogArgs;
use super::values::{IdleTimeoutArg, parse_idle_timeout};

/// Write every record, with how it ended, as Parquet or CSV for notebooks.
///
/// One row a record: all fields of the log with their types, the request's parts, elapsed time, outcome, route, and the object and line it is from. What each column says, and when it has no value,
/// stands in docs/schema.md.
///
/// A file takes its name when it is complete, whatever ends the program before. With --partition-by, FILE is a folder, in which query engines find their way; a run that reads the same
/// objects again replaces their rows there, and one that reads others adds to them.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  albscope export logs/ -o requests.parquet
  albscope export logs/ -o slow.csv.gz --where 'elb_status_code>=500 and elapsed>10'
  albscope export logs/ -o failed.parquet --failures-only --columns default,cause
  albscope export logs/ -o archive/ --partition-by load_balancer,day
  albscope export logs/ -o - --format csv --columns time,client_ip,request --sample 1%")]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    pub(crate) logs: LogArgs,

    /// The file to write, its format told by its name (.parquet, .csv, .csv.gz); a folder with --partition-by or a slash at the end; - for standard output
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub(crate) output: PathBuf,

    /// The format, where the name does not tell [default for a folder: parquet]
    #[arg(long, short, value_enum)]
    pub(crate) format: Option<TableFormatArg>,

    /// Columns to write, in this order, with commas between; default stands for those of which nobody need say so, all for all but text
    #[arg(long, value_name = "NAMES", value_parser = parse_columns)]
    pub(crate) columns: Option<ColumnsArg>,

    /// Only rows of which this is true: columns compared with = != < <= > >= ~ in (...), or is null, joined by and, or, not, ( )
    #[arg(long = "where", value_name = "EXPRESSION", value_parser = Filter::parse)]
    pub(crate) filter: Option<Filter>,

    /// Only this share of the traces, such as 1%: always the same ones
    #[arg(long, value_name = "N%")]
    pub(crate) sample: Option<Sample>,

    /// Only requests that failed
    #[arg(long)]
    pub(crate) failures_only: bool,

    // Not a doc comment: there the names would need marks, which --help would show.
    #[arg(long, value_name = "KEYS", value_delimiter = ',')]
    #[arg(
        help = "Part the rows into folders below FILE: day, hour, load_balancer, target_group, or several with commas between"
    )]
    pub(crate) partition_by: Vec<Partition>,

    /// For the column cause: the load balancer's idle timeout, as seconds, a duration such as 2m, or auto to infer it from the log
    #[arg(long, value_name = "DURATION", default_value = "auto", value_parser = parse_idle_timeout)]
    pub(crate) idle_timeout: IdleTimeoutArg,

    /// In CSV, leave texts that a spreadsheet would take for formulas as they are, without an apostrophe in front
    #[arg(long)]
    pub(crate) allow_formulas: bool,
}

/// The columns of a table of requests.
#[derive(Clone, Debug)]
pub(crate) struct ColumnsArg(pub(crate) Vec<&'static Column<Requests>>);

fn parse_columns(text: &str) -> Result<ColumnsArg, String> {
    export::columns_of(text.split(',').map(str::trim)).map(ColumnsArg)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TableFormatArg {
    /// Typed and compressed
    Parquet,
    /// Commas and quotes
    Csv,
    /// CSV packed with gzip
    #[value(name = "csv.gz")]
    CsvGz,
}

impl From<TableFormatArg> for export::Format {
    fn from(format: TableFormatArg) -> Self {
        match format {
            TableFormatArg::Parquet => Self::Parquet,
            TableFormatArg::Csv => Self::Csv,
            TableFormatArg::CsvGz => Self::CsvGz,
        }
    }
}
