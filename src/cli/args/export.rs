//! `albscope export`

use std::path::PathBuf;

use albscope::export::requests::RequestTable;
use albscope::export::{self, Filter, Partition, TraceSample};
use albscope::table::schema::Column;
use clap::ValueHint;

use super::headings;
use super::logs::LogArgs;
use super::run::RunArgs;
use super::tables::TableFormatArg;
use super::values::{IdleTimeoutArg, parse_idle_timeout};

/// Write every record, with its outcome, as Parquet or CSV for notebooks.
///
/// One row per record: all fields of the log with their types, the parts of the request, elapsed time, outcome, route,
/// and the object and line that it is from. docs/schema.md says what each column means and when it has no value.
///
/// A file is written under a temporary name and renamed when it is complete. With --partition-by, FILE is a folder that
/// query engines can read as one table. A run that reads the same objects again replaces their rows in the folder; a
/// run that reads other objects adds rows.
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

    // Not a doc comment: the names would need backticks in one, and --help would show them.
    #[arg(help_heading = headings::FILTERS, long = "where", value_name = "EXPRESSION", value_parser = Filter::parse)]
    #[arg(
        help = "Only rows that match this expression, such as 'elb_status_code>=500 and elapsed>10'. Comparisons: = != \
                < <= > >= ~ !~ in (...) is null; joined by and, or, not, ( )"
    )]
    pub(crate) filter: Option<Filter>,

    /// Only the requests of this share of all traces, such as 1%. Each run chooses the same traces
    #[arg(help_heading = headings::FILTERS, long, value_name = "N%")]
    pub(crate) sample: Option<TraceSample>,

    /// Only requests that failed
    #[arg(help_heading = headings::FILTERS, long)]
    pub(crate) failures_only: bool,

    /// For the column cause: the load balancer's idle timeout, as seconds, a duration such as 2m, or auto to infer it
    /// from the log
    #[arg(help_heading = headings::DIAGNOSIS, long, value_name = "DURATION", default_value = "auto", value_parser = parse_idle_timeout)]
    pub(crate) idle_timeout: IdleTimeoutArg,

    /// File to write; its extension (.parquet, .csv, .csv.gz) sets the format. A folder with --partition-by or with a
    /// slash at the end; - for standard output
    #[arg(help_heading = headings::OUTPUT, long, short, value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub(crate) output: PathBuf,

    /// Format of the output [default: by the extension of FILE; parquet for a folder]
    #[arg(help_heading = headings::OUTPUT, long, short, value_enum)]
    pub(crate) format: Option<TableFormatArg>,

    /// Columns to write, in this order, separated by commas. The name default stands for the columns that are written
    /// without this option, and all for every column except text
    #[arg(help_heading = headings::OUTPUT, long, value_name = "NAMES", value_parser = parse_columns)]
    pub(crate) columns: Option<ColumnsArg>,

    // Not a doc comment: the names would need backticks in one, and --help would show them.
    #[arg(help_heading = headings::OUTPUT, long, value_name = "KEYS", value_delimiter = ',')]
    #[arg(help = "Put the rows into folders below FILE by day, hour, load_balancer or target_group, or by several, \
                separated by commas")]
    pub(crate) partition_by: Vec<Partition>,

    /// In CSV, write texts that a spreadsheet could read as formulas as they are, without an apostrophe before them
    #[arg(help_heading = headings::OUTPUT, long)]
    pub(crate) allow_formulas: bool,

    #[command(flatten)]
    pub(crate) run: RunArgs,
}

/// The columns of a table of requests.
#[derive(Clone, Debug)]
pub(crate) struct ColumnsArg(pub(crate) Vec<&'static Column<RequestTable>>);

fn parse_columns(text: &str) -> Result<ColumnsArg, String> {
    export::columns_of(text.split(',').map(str::trim)).map(ColumnsArg)
}
