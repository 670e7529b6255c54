//! What may be typed. Values are checked here and mean what the library's types mean; nothing is opened or resolved.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::Duration;

use albscope::Timestamp;
use albscope::diagnose::causes::cause;
use albscope::diagnose::{Cause, Confidence, MAX_IDLE_TIMEOUT};
use albscope::export::requests::Requests;
use albscope::export::schema::Column;
use albscope::export::{self, Filter, Partition, Sample};
use albscope::plot::PlotFormat;
use albscope::report::Format;
use albscope::source::{CacheOptions, LoadBalancerFilter, S3Options, Selection, TargetFilter, TargetGroupFilter};
use clap::{Parser, Subcommand, ValueEnum, ValueHint};

/// Says, for each target of an AWS Application Load Balancer, why requests failed.
#[derive(Debug, Parser)]
#[command(name = "albscope", version, about, propagate_version = true, max_term_width = 100)]
#[command(
    after_help = "Exit status: 0 done, 1 a finding that --fail-on names, 2 trouble (what could be read is reported), 130 interrupted."
)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Args {
    /// Reads the command line, and ends the program where it cannot be read.
    pub(crate) fn read() -> Self {
        Self::parse_from(joined(std::env::args_os()))
    }
}

/// `--request-payer requester`, as the AWS command line has it, in the form that cannot be taken for a flag and an input.
fn joined(args: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut joined: Vec<OsString> = Vec::new();
    for arg in args {
        match joined.last_mut() {
            Some(last) if *last == "--request-payer" && arg == "requester" => last.push("=requester"),
            _ => joined.push(arg),
        }
    }
    joined
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    // The long help of these four stands at their arguments; a line here would take its place.
    Analyze(Box<AnalyzeArgs>),
    Export(Box<ExportArgs>),
    Explain(ExplainArgs),
    Simulate(SimulateArgs),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
    /// Print a manual page in roff form
    Man(ManArgs),
}

/// Read access logs and report what failed, on which targets, how it ended, and the likely cause.
///
/// Objects may be gzip (of many members) or plain text, told by content. What cannot hold a wanted line is left out by its name: other load balancers, other times, other logs.
/// Everything that was left out or could not be read is counted in the report.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  albscope analyze logs/
  albscope analyze logs/ --since 2026-11-22T07:30Z --until 08:00Z
  albscope analyze logs/ --since 2h --target-group shop-api --format markdown
  albscope analyze s3://my-logs/AWSLogs/ --since 2026-11-20T10:00Z --until 12:00Z --load-balancer shop
  albscope analyze logs/ --html incident.html
  albscope analyze logs/ --plot incident.png
  zcat *.log.gz | albscope analyze -")]
pub(crate) struct AnalyzeArgs {
    #[command(flatten)]
    pub(crate) logs: LogArgs,

    /// How to lay out the report
    #[arg(long, short, value_enum, default_value_t = FormatArg::Text)]
    pub(crate) format: FormatArg,

    /// Write the report here rather than to standard output
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) output: Option<PathBuf>,

    /// Write the report as one page for a browser here, too: it needs no network, and has pictures to look into
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) html: Option<PathBuf>,

    /// Draw the report's pictures as a file, too: SVG or PNG, as its extension says
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, value_parser = parse_plot)]
    pub(crate) plot: Option<PlotFile>,

    /// Write the report's tables into this folder too: targets, findings, status pairs, minutes and routes, for notebooks
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) tables: Option<PathBuf>,

    /// The format of the tables
    #[arg(long, value_enum, default_value_t = TableFormatArg::Parquet, requires = "tables")]
    pub(crate) tables_format: TableFormatArg,

    /// The load balancer's idle timeout: seconds, a duration such as 2m, or auto to infer it from the log
    #[arg(long, value_name = "DURATION", default_value = "auto", value_parser = parse_idle_timeout)]
    pub(crate) idle_timeout: IdleTimeoutArg,

    /// Exit with status 1 when a finding has this cause, at this confidence (low, medium, high) or above; may be repeated
    #[arg(long, value_name = "CAUSE[:CONFIDENCE]", value_parser = parse_fail_on)]
    pub(crate) fail_on: Vec<FailOn>,

    // Not a doc comment: there the name would need marks, which --help would show.
    #[arg(long, value_enum, default_value_t = ColorArg::Auto)]
    #[arg(help = "Use colour in text: auto does on a terminal, unless the environment has NO_COLOR")]
    pub(crate) color: ColorArg,

    /// Draw pictures in text with ASCII characters only
    #[arg(long)]
    pub(crate) ascii: bool,
}

impl AnalyzeArgs {
    /// The words of a command that makes the same report and the same files of the same logs, whenever it is given: what changes neither is left out, and times are moments.
    pub(crate) fn command(&self, selection: &Selection) -> Vec<String> {
        let mut words = vec!["albscope".to_owned(), "analyze".to_owned()];
        // A name that looks like an option would be taken for one.
        let name = |path: &OsStr| {
            let path = path.to_string_lossy();
            if path != "-" && path.starts_with('-') { format!("./{path}") } else { path.into_owned() }
        };
        words.extend(self.logs.inputs.iter().map(|input| name(input)));
        let LogArgs { load_balancer, target_group, target, .. } = &self.logs;
        let mut add = |option: &str, value: String| words.extend([option.to_owned(), value]);
        for (option, time) in [("--since", selection.since), ("--until", selection.until)] {
            if let Some(time) = time {
                add(option, time.to_string());
            }
        }
        for (option, names) in
            [("--load-balancer", load_balancer), ("--target-group", target_group), ("--target", target)]
        {
            for name in names {
                add(option, name.clone());
            }
        }
        if let IdleTimeoutArg::Given(timeout) = self.idle_timeout {
            add("--idle-timeout", timeout.as_secs_f64().to_string());
        }
        let format = self.format.to_possible_value().filter(|_| !matches!(self.format, FormatArg::Text));
        let tables_format = self.tables_format.to_possible_value();
        let tables_format = tables_format.filter(|_| !matches!(self.tables_format, TableFormatArg::Parquet));
        for (option, choice) in [("--format", format), ("--tables-format", tables_format)] {
            if let Some(choice) = choice {
                add(option, choice.get_name().to_owned());
            }
        }
        let plot = self.plot.as_ref().map(|plot| &plot.path);
        let files = [("--output", self.output.as_ref()), ("--html", self.html.as_ref()), ("--plot", plot)];
        for (option, path) in files.into_iter().chain([("--tables", self.tables.as_ref())]) {
            if let Some(path) = path {
                add(option, name(path.as_os_str()));
            }
        }
        words
    }
}

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

/// Explain a cause, or one log line field by field.
///
/// With a cause, says what it means, what speaks for and against it in a log, how to fix it on the usual servers with time and risk, and which commands would
/// settle it. Without one, lists all of them. With --line, says what stands in each field of a line of an access log, how the request ended, and which causes
/// fit that end.
#[derive(Debug, clap::Args)]
pub(crate) struct ExplainArgs {
    /// Which cause, by its id
    #[arg(value_name = "CAUSE", conflicts_with = "line")]
    pub(crate) cause: Option<String>,

    /// One line of an access log, in quotes; - reads it from standard input
    #[arg(long, value_name = "LINE", allow_hyphen_values = true)]
    pub(crate) line: Option<OsString>,
}

/// A cause, and how sure a finding of it must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FailOn {
    pub(crate) cause: &'static Cause,
    pub(crate) confidence: Confidence,
}

/// What every command that reads logs takes.
#[derive(Debug, clap::Args)]
pub(crate) struct LogArgs {
    // Not a doc comment: there the URL would need marks, which --help would show.
    #[arg(help = "Files, folders (with all below them), s3://BUCKET/PREFIX, or - for standard input")]
    #[arg(required = true, value_name = "INPUT", value_hint = ValueHint::AnyPath)]
    pub(crate) inputs: Vec<OsString>,

    /// Only requests at or after this time: RFC 3339 (UTC where it has no offset), a date, a clock time of today, or an age such as 2h or 3d
    #[arg(long, value_name = "TIME", value_parser = parse_when)]
    since: Option<When>,

    /// Only requests before this time; a clock time is of the day of --since
    #[arg(long, value_name = "TIME", value_parser = parse_when)]
    until: Option<When>,

    /// Only requests of this load balancer: name, app/NAME/ID, or ARN; may be repeated
    #[arg(long, value_name = "NAME")]
    load_balancer: Vec<String>,

    /// Only requests of this target group: name, targetgroup/NAME/ID, or ARN; may be repeated
    #[arg(long, value_name = "NAME")]
    target_group: Vec<String>,

    /// Only requests of this target: address or address:port; may be repeated
    #[arg(long, value_name = "ADDRESS")]
    target: Vec<String>,

    /// How many threads read [default: one for each core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,

    /// Stop at the first line or object that cannot be read
    #[arg(long)]
    pub(crate) strict: bool,

    /// List only: print which objects would be read, what is left out and why, and the requests it would take
    #[arg(long)]
    pub(crate) dry_run: bool,

    #[command(flatten)]
    s3: S3Args,

    /// Show no progress
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

/// How S3 is reached.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "S3")]
struct S3Args {
    /// Use this profile of the AWS configuration files
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,

    /// Ask in this region first; the bucket's own is found by itself
    #[arg(long, value_name = "REGION")]
    region: Option<String>,

    /// Use another store that speaks the protocol of S3
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url, value_parser = parse_endpoint)]
    endpoint_url: Option<String>,

    /// Send requests without credentials, for public buckets
    #[arg(long)]
    no_sign_request: bool,

    /// Agree to pay for the requests, where the bucket's owner asks for that
    #[arg(long, value_name = "requester", value_parser = ["requester"], num_args = 0..=1, require_equals = true, default_missing_value = "requester")]
    request_payer: Option<String>,

    /// How many requests to S3 are in flight at most [default: 16 for each core, 32 to 128]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    concurrency: Option<u16>,

    /// Keep objects from S3 in this folder, and read from it what is there already
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    cache: Option<PathBuf>,

    /// How large the cache may stay after a run: bytes, or a size such as 500MB or 20GB; what was used longest ago goes first
    #[arg(long, value_name = "SIZE", default_value = "10GB", value_parser = parse_size, requires = "cache")]
    cache_size: u64,
}

impl S3Args {
    fn options(&self) -> S3Options {
        S3Options {
            profile: self.profile.clone(),
            region: self.region.clone(),
            endpoint_url: self.endpoint_url.clone(),
            no_sign_request: self.no_sign_request,
            request_payer: self.request_payer.is_some(),
            concurrency: self.concurrency.map(usize::from),
            cache: self
                .cache
                .as_ref()
                .map(|folder| CacheOptions { folder: folder.clone(), max_bytes: self.cache_size }),
        }
    }
}

impl LogArgs {
    /// How S3 is reached, for the inputs that lie there.
    pub(crate) fn s3_options(&self) -> S3Options {
        self.s3.options()
    }

    /// Whether an input lies in S3.
    pub(crate) fn has_s3(&self) -> bool {
        self.inputs.iter().any(|input| input.as_encoded_bytes().starts_with(b"s3://"))
    }

    /// What is selected, as seen at the moment `now`.
    pub(crate) fn selection(&self, now: Timestamp) -> anyhow::Result<Selection> {
        let since = self.since.map(|when| when.resolve(now, now));
        let until = self.until.map(|when| when.resolve(now, since.unwrap_or(now)));
        if let (Some(since), Some(until)) = (since, until)
            && since >= until
        {
            anyhow::bail!("the window is empty: --since {since} is not before --until {until}");
        }
        Ok(Selection {
            since,
            until,
            load_balancers: self.load_balancer.iter().map(|text| LoadBalancerFilter::new(text)).collect(),
            target_groups: self.target_group.iter().map(|text| TargetGroupFilter::new(text)).collect(),
            targets: self.target.iter().map(|text| TargetFilter::new(text)).collect(),
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormatArg {
    /// For a person at a terminal
    Text,
    /// One JSON object, for programs
    Json,
    /// For a chat or a ticket
    Markdown,
}

impl From<FormatArg> for Format {
    fn from(format: FormatArg) -> Self {
        match format {
            FormatArg::Text => Self::Text,
            FormatArg::Json => Self::Json,
            FormatArg::Markdown => Self::Markdown,
        }
    }
}

/// A file to draw into.
#[derive(Clone, Debug)]
pub(crate) struct PlotFile {
    pub(crate) path: PathBuf,
    pub(crate) format: PlotFormat,
}

/// Looks at the extension at once, not when all logs have been read.
fn parse_plot(text: &str) -> Result<PlotFile, String> {
    let path = PathBuf::from(text);
    match PlotFormat::of(&path) {
        Some(format) => Ok(PlotFile { path, format }),
        None => Err("the extension tells how to draw: take a name that ends in .svg or .png".to_owned()),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorArg {
    Auto,
    Always,
    Never,
}

/// Write the logs of a simulated incident, and the truth about it.
///
/// Log objects go to DIR/AWSLogs/... under the names that AWS gives them; DIR/truth.jsonl has one line for each failed request with its true cause, and
/// DIR/what-happened.json says what was done to whom. The same scenario, seed and options give the same bytes.
#[derive(Debug, clap::Args)]
pub(crate) struct SimulateArgs {
    /// Which scenario; --list shows them
    #[arg(value_name = "SCENARIO", required_unless_present = "list")]
    pub(crate) scenario: Option<String>,

    /// The folder to write into
    #[arg(long, short, value_name = "DIR", required_unless_present = "list", value_hint = ValueHint::DirPath)]
    pub(crate) output: Option<PathBuf>,

    /// List the scenarios and exit
    #[arg(long)]
    pub(crate) list: bool,

    /// Another seed gives another run of the same scenario
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,

    /// When it begins [default: 2026-11-18T08:00:00Z]
    #[arg(long, value_name = "TIME", value_parser = parse_when)]
    start: Option<When>,

    /// How long it lasts: seconds, or a duration such as 2h [default: the scenario's]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) duration: Option<Duration>,

    /// Requests per second in the mean [default: the scenario's]
    #[arg(long, value_name = "N")]
    pub(crate) rate: Option<f64>,

    /// Load balancer nodes [default: the scenario's]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=60))]
    pub(crate) nodes: Option<u32>,

    /// Show no progress
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

impl SimulateArgs {
    pub(crate) fn start(&self, now: Timestamp) -> Option<Timestamp> {
        self.start.map(|start| start.resolve(now, now))
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ManArgs {
    /// The command whose page to print; without it, the program's own
    pub(crate) command: Option<String>,
}

/// A moment as typed; what it means depends on when it was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    At(Timestamp),
    /// So long before now.
    Ago(Duration),
    /// Seconds since midnight, on a day that the context gives.
    Clock(i64),
}

const SECONDS_PER_DAY: i64 = 86_400;

impl When {
    /// `day` is the moment whose day a clock time belongs to.
    fn resolve(self, now: Timestamp, day: Timestamp) -> Timestamp {
        match self {
            Self::At(moment) => moment,
            Self::Ago(age) => now.plus_micros(-i64::try_from(age.as_micros()).unwrap_or(i64::MAX)),
            Self::Clock(seconds) => {
                let midnight = day.as_seconds().div_euclid(SECONDS_PER_DAY) * SECONDS_PER_DAY;
                Timestamp::from_seconds(midnight + seconds)
            }
        }
    }
}

fn parse_when(text: &str) -> Result<When, String> {
    if let Ok(moment) = text.parse::<jiff::Timestamp>() {
        return Ok(When::At(Timestamp::from_micros(moment.as_microsecond())));
    }
    // Logs are in UTC, and so is a time without an offset.
    let civil = text.strip_suffix('Z').unwrap_or(text);
    if let Ok(time) = civil.parse::<jiff::civil::Time>()
        && !civil.contains('-')
    {
        return Ok(When::Clock(
            i64::from(time.hour()) * 3600 + i64::from(time.minute()) * 60 + i64::from(time.second()),
        ));
    }
    if let Ok(moment) = civil.parse::<jiff::civil::DateTime>()
        && let Ok(moment) = moment.to_zoned(jiff::tz::TimeZone::UTC)
    {
        return Ok(When::At(Timestamp::from_micros(moment.timestamp().as_microsecond())));
    }
    parse_age(text).map(When::Ago).ok_or_else(|| {
        "neither a time such as 2026-11-22T07:30:00Z, 2026-11-22 or 07:30, nor an age such as 90m, 2h or 3d".to_owned()
    })
}

/// An age may be given in days and weeks too; a day is 24 hours in UTC.
fn parse_age(text: &str) -> Option<Duration> {
    let span = text.parse::<jiff::Span>().ok()?;
    let duration = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).ok()?;
    Duration::try_from(duration.abs()).ok()
}

fn parse_fail_on(text: &str) -> Result<FailOn, String> {
    let (id, confidence) = text.split_once(':').unwrap_or((text, Confidence::Low.id()));
    let cause = cause(id).ok_or_else(|| format!("there is no cause {id}; albscope explain lists them"))?;
    let confidence = Confidence::ALL
        .into_iter()
        .find(|known| known.id() == confidence)
        .ok_or_else(|| format!("{confidence} is no confidence: low, medium or high"))?;
    Ok(FailOn { cause, confidence })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IdleTimeoutArg {
    Auto,
    Given(Duration),
}

/// AWS's bounds of the idle timeout.
const IDLE_TIMEOUT_BOUNDS: std::ops::RangeInclusive<Duration> = Duration::from_secs(1)..=MAX_IDLE_TIMEOUT;

fn parse_idle_timeout(text: &str) -> Result<IdleTimeoutArg, String> {
    if text == "auto" {
        return Ok(IdleTimeoutArg::Auto);
    }
    let duration = parse_duration(text)?;
    if !IDLE_TIMEOUT_BOUNDS.contains(&duration) {
        return Err("AWS allows 1 to 4000 seconds".to_owned());
    }
    Ok(IdleTimeoutArg::Given(duration))
}

fn parse_duration(text: &str) -> Result<Duration, String> {
    if let Ok(seconds) = text.parse::<f64>()
        && let Ok(duration) = Duration::try_from_secs_f64(seconds)
    {
        return Ok(duration);
    }
    parse_age(text).ok_or_else(|| "neither a number of seconds nor a duration such as 90s, 2m or 1h 30m".to_owned())
}

fn parse_endpoint(text: &str) -> Result<String, String> {
    let host = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    if host.is_none_or(|host| host.is_empty() || host.starts_with('/')) {
        return Err("neither http://HOST[:PORT] nor https://HOST[:PORT]".to_owned());
    }
    Ok(text.to_owned())
}

/// Bytes: a number, or one with a unit of powers of 1000 (kB, MB, GB, TB) or of 1024 (KiB, MiB, GiB, TiB).
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "held within u64 before")]
fn parse_size(text: &str) -> Result<u64, String> {
    let refused = || "neither a number of bytes nor a size such as 500MB, 20GB or 1TiB".to_owned();
    let digits = text.find(|it: char| !(it.is_ascii_digit() || it == '.')).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" => 1000,
        "m" | "mb" => 1000_u64.pow(2),
        "g" | "gb" => 1000_u64.pow(3),
        "t" | "tb" => 1000_u64.pow(4),
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        "tib" => 1 << 40,
        _ => return Err(refused()),
    };
    let bytes = number.parse::<f64>().map_err(|_| refused())? * factor as f64;
    if bytes < u64::MAX as f64 { Ok(bytes as u64) } else { Err(refused()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text.as_bytes()).expect("a time")
    }

    #[test]
    fn the_definitions_hold_together() {
        Args::command().debug_assert();
    }

    #[test]
    fn times_ages_and_clocks_are_understood() {
        let now = at("2026-11-22T10:00:00Z");
        for (text, expected) in [
            ("2026-11-22T07:30:00Z", "2026-11-22T07:30:00Z"),
            ("2026-11-22T07:30Z", "2026-11-22T07:30:00Z"),
            ("2026-11-22T08:30+01:00", "2026-11-22T07:30:00Z"),
            ("2026-11-22T07:30", "2026-11-22T07:30:00Z"),
            ("2026-11-22 07:30:15", "2026-11-22T07:30:15Z"),
            ("2026-11-21", "2026-11-21T00:00:00Z"),
            ("07:30", "2026-11-22T07:30:00Z"),
            ("07:30Z", "2026-11-22T07:30:00Z"),
            ("2h", "2026-11-22T08:00:00Z"),
            ("90m", "2026-11-22T08:30:00Z"),
            ("1d", "2026-11-21T10:00:00Z"),
            ("1h 30m", "2026-11-22T08:30:00Z"),
        ] {
            let when = parse_when(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(when.resolve(now, now), at(expected), "{text}");
        }
        for text in ["", "yesterday", "2026-13-01", "25:00", "-"] {
            assert!(parse_when(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_clock_time_of_until_is_of_the_day_of_since() {
        let args = Args::parse_from(["albscope", "analyze", "x", "--since", "2026-11-20T10:00Z", "--until", "12:00Z"]);
        let Command::Analyze(args) = args.command else { panic!("analyze was typed") };
        let selection = args.logs.selection(at("2026-11-22T10:00:00Z")).expect("a window");
        assert_eq!(selection.until, Some(at("2026-11-20T12:00:00Z")));
    }

    #[test]
    fn the_payer_is_named_in_any_of_the_usual_forms() {
        for args in [
            &["albscope", "analyze", "--request-payer", "s3://logs"][..],
            &["albscope", "analyze", "--request-payer", "requester", "s3://logs"],
            &["albscope", "analyze", "s3://logs", "--request-payer=requester"],
        ] {
            let args = Args::parse_from(joined(args.iter().map(OsString::from)));
            let Command::Analyze(args) = args.command else { panic!("analyze was typed") };
            assert!(args.logs.s3_options().request_payer);
            assert_eq!(args.logs.inputs, ["s3://logs"]);
        }
    }

    #[test]
    fn sizes_have_units() {
        for (text, expected) in
            [("0", 0), ("1000", 1000), ("1.5kB", 1500), ("20GB", 20_000_000_000), ("2 MiB", 2 << 20), ("1tib", 1 << 40)]
        {
            assert_eq!(parse_size(text), Ok(expected), "{text}");
        }
        for text in ["", "GB", "-1", "1XB", "1e300", "nan", "99999999999TB"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_command_of_a_report_says_what_changes_it_and_nothing_else() {
        let now = at("2026-11-22T10:00:00Z");
        for (typed, expected) in [
            ("analyze logs -q --threads 4 -f text --color never --fail-on target-crash --strict --ascii", "logs"),
            (
                "analyze logs -f json -o x --html=-y --plot a/z.svg --tables t --tables-format csv.gz",
                "logs --format json --tables-format csv.gz --output x --html ./-y --plot a/z.svg --tables t",
            ),
            ("analyze a - -- -b", "a - ./-b"),
            (
                "analyze logs --since 2h --until 09:30 --target 10.0.0.1 --target-group api --load-balancer shop --idle-timeout 2m",
                "logs --since 2026-11-22T08:00:00.000000Z --until 2026-11-22T09:30:00.000000Z --load-balancer shop --target-group api --target 10.0.0.1 --idle-timeout 120",
            ),
        ] {
            let args = Args::parse_from(["albscope"].into_iter().chain(typed.split(' ')));
            let Command::Analyze(args) = args.command else { panic!("analyze was typed") };
            let words = args.command(&args.logs.selection(now).expect("a window"));
            assert_eq!(words.join(" "), format!("albscope analyze {expected}"));
        }
    }

    #[test]
    fn fail_on_takes_a_cause_and_a_confidence() {
        let parsed = |text: &str| parse_fail_on(text).map(|fail_on| (fail_on.cause.id, fail_on.confidence));
        assert_eq!(parsed("target-crash"), Ok(("target-crash", Confidence::Low)));
        assert_eq!(parsed("target-crash:high"), Ok(("target-crash", Confidence::High)));
        assert!(parsed("crash").is_err_and(|error| error.contains("explain")));
        assert!(parsed("target-crash:sure").is_err_and(|error| error.contains("medium")));
    }

    #[test]
    fn an_empty_window_is_refused() {
        let args = Args::parse_from([
            "albscope",
            "analyze",
            "x",
            "--since",
            "2026-11-20T10:00Z",
            "--until",
            "2026-11-20T10:00Z",
        ]);
        let Command::Analyze(args) = args.command else { panic!("analyze was typed") };
        let error = args.logs.selection(at("2026-11-22T10:00:00Z")).expect_err("an empty window");
        assert!(error.to_string().contains("is not before"), "{error}");
    }

    #[test]
    fn idle_timeouts_are_those_that_aws_allows() {
        for (text, seconds) in [("60", 60), ("60s", 60), ("2m", 120), ("4000", 4000)] {
            assert_eq!(parse_idle_timeout(text), Ok(IdleTimeoutArg::Given(Duration::from_secs(seconds))), "{text}");
        }
        assert_eq!(parse_idle_timeout("auto"), Ok(IdleTimeoutArg::Auto));
        for text in ["0", "4001", "-5", "soon", "NaN"] {
            assert!(parse_idle_timeout(text).is_err(), "{text}");
        }
    }
}
