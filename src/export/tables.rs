//! The tables of an analysis, for notebooks: the content of its report as rows.

use std::path::Path;
use std::{fs, io};

use super::files::FilesWritten;
use super::sink::MAX_GROUP_ROWS;
use crate::aggregate::Summary;
use crate::classify::Outcome;
use crate::diagnose::Confidence;
use crate::durable_file::{CompleteFile, FileOptions, Output, Publishing};
use crate::error::{Error, Result};
use crate::report::{FindingRow, Report, RouteRow, TargetRow};
use crate::table::TableFormat;
use crate::table::encoder::Encoder;
use crate::table::row_buffer::RowBuffer;
use crate::table::schema::{Cell, Column, DataType, Table};
use crate::timestamp::Timestamp;

/// The table of targets.
#[derive(Clone, Copy, Debug)]
pub enum TargetTable {}

/// The table of findings.
#[derive(Clone, Copy, Debug)]
pub enum FindingTable {}

/// The table of requests by pair of statuses and target.
#[derive(Clone, Copy, Debug)]
pub enum StatusPairTable {}

/// The table of requests by minute and outcome.
#[derive(Clone, Copy, Debug)]
pub enum MinuteTable {}

/// The table of routes.
#[derive(Clone, Copy, Debug)]
pub enum RouteTable {}

/// A finding, with its lists joined to texts.
pub struct JoinedFinding<'a> {
    row: &'a FindingRow,
    also_fits: String,
    evidence: String,
}

/// Requests with one pair of statuses at one target.
pub struct TargetStatusPairRow {
    load_balancer: String,
    target_group: String,
    target: String,
    elb_status_code: Option<u16>,
    target_status_code: Option<u16>,
    requests: u64,
}

/// Requests with one outcome in one bin of time.
pub struct MinuteRow {
    load_balancer: String,
    start: Timestamp,
    width_seconds: i64,
    outcome: Outcome,
    requests: u64,
}

/// A list with line breaks between its items. No item has a line break, because it is written `\x0A` there.
const LINE: DataType = DataType::TextList(b'\n');

fn some_text(text: &str) -> Cell<'_> {
    if text.is_empty() { Cell::Absent } else { Cell::Text(text.as_bytes()) }
}

fn option_text(text: Option<&str>) -> Cell<'_> {
    Cell::text(text.map(str::as_bytes))
}

fn some_list(text: &str) -> Cell<'_> {
    if text.is_empty() { Cell::Absent } else { Cell::List(text.as_bytes()) }
}

/// Seconds of a report, which are whole microseconds.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "durations of a log are none of that")]
fn seconds(seconds: Option<f64>) -> Cell<'static> {
    seconds.map_or(Cell::Absent, |seconds| Cell::Micros((seconds * 1e6).round() as u64))
}

const LOAD_BALANCER: &str = "resource id of the load balancer (`elb` in the table of requests)";
const NO_LOAD_BALANCER: &str = "the log does not have it";
const TARGET_GROUP: &str = "ARN of the target group (`target_group_arn` in the table of requests)";
const NO_TARGET_GROUP: &str = "no rule forwarded the requests";
const NOT_MEASURED: &str = "no request has this value";
const NO_CAUSE: &str = "no finding explains its failures";

/// A quantile of one of a row's times.
macro_rules! quantile {
    ($name:literal, $time:ident.$quantile:ident, $meaning:expr) => {
        Column::<Self>::new($name, DataType::Seconds, |row| seconds(row.$time.$quantile), $meaning).absent(NOT_MEASURED)
    };
}

impl Table for TargetTable {
    type Row<'a> = TargetRow;
    const NAME: &'static str = "targets";
    const MEANING: &'static str = "a target of a target group";
    const COLUMNS: &'static [Column<Self>] = &[
        Column::<Self>::new("load_balancer", DataType::Text, |row| some_text(&row.load_balancer), LOAD_BALANCER)
            .absent(NO_LOAD_BALANCER),
        Column::<Self>::new(
            "target_group",
            DataType::Text,
            |row| option_text(row.target_group.as_deref()),
            TARGET_GROUP,
        )
        .absent(NO_TARGET_GROUP),
        Column::<Self>::new("target", DataType::Text, |row| some_text(&row.target), "address and port"),
        Column::<Self>::new(
            "requests",
            DataType::Integer,
            |row| Cell::integer(Some(row.requests)),
            "number of requests",
        ),
        Column::<Self>::new(
            "failures",
            DataType::Integer,
            |row| Cell::integer(Some(row.failures)),
            "number of failed requests",
        ),
        Column::<Self>::new(
            "first_seen",
            DataType::Time,
            |row| Cell::time(row.first_seen),
            "`time` of the first request",
        )
        .absent(NOT_MEASURED),
        Column::<Self>::new("last_seen", DataType::Time, |row| Cell::time(row.last_seen), "`time` of the last request")
            .absent(NOT_MEASURED),
        quantile!(
            "latency_p50",
            latency.p50,
            "median `target_processing_time` of the requests that the target answered"
        ),
        quantile!("latency_p90", latency.p90, "90th percentile of the same times"),
        quantile!("latency_p99", latency.p99, "99th percentile of the same times"),
        quantile!("latency_p999", latency.p999, "99.9th percentile of the same times"),
        quantile!("latency_max", latency.max, "maximum of the same times"),
        quantile!("elapsed_p50", elapsed.p50, "median elapsed time of all requests except WebSocket connections"),
        quantile!("elapsed_p90", elapsed.p90, "90th percentile of the same times"),
        quantile!("elapsed_p99", elapsed.p99, "99th percentile of the same times"),
        quantile!("elapsed_p999", elapsed.p999, "99.9th percentile of the same times"),
        quantile!("elapsed_max", elapsed.max, "maximum of the same times"),
        Column::<Self>::new(
            "dominant_failure",
            DataType::Text,
            |row| option_text(row.dominant_failure.map(Outcome::id)),
            "the most frequent outcome of its failures",
        )
        .absent("no request failed"),
        Column::<Self>::new(
            "cause",
            DataType::Text,
            |row| option_text(row.cause),
            "cause of the finding that explains most of its failures",
        )
        .absent(NO_CAUSE),
        Column::<Self>::new(
            "confidence",
            DataType::Text,
            |row| option_text(row.confidence.map(Confidence::id)),
            "confidence of that finding: `low`, `medium` or `high`",
        )
        .absent(NO_CAUSE),
    ];
}

impl Table for FindingTable {
    type Row<'a> = JoinedFinding<'a>;
    const NAME: &'static str = "findings";
    const MEANING: &'static str = "a finding: a likely cause at a target, a target group or a load balancer";
    const COLUMNS: &'static [Column<Self>] = &[
        Column::<Self>::new("cause", DataType::Text, |it| option_text(Some(it.row.cause)), "likely cause"),
        Column::<Self>::new("title", DataType::Text, |it| option_text(Some(it.row.title)), "the cause in one phrase"),
        Column::<Self>::new(
            "confidence",
            DataType::Text,
            |it| option_text(Some(it.row.confidence.id())),
            "confidence of the finding: `low`, `medium` or `high`",
        ),
        Column::<Self>::new("also_fits", LINE, |it| some_list(&it.also_fits), "other causes that fit the same lines")
            .absent("there is none"),
        Column::<Self>::new(
            "load_balancer",
            DataType::Text,
            |it| some_text(&it.row.scope.load_balancer),
            LOAD_BALANCER,
        )
        .absent(NO_LOAD_BALANCER),
        Column::<Self>::new(
            "target_group",
            DataType::Text,
            |it| option_text(it.row.scope.target_group.as_deref()),
            TARGET_GROUP,
        )
        .absent("the finding is about a load balancer"),
        Column::<Self>::new(
            "target",
            DataType::Text,
            |it| option_text(it.row.scope.target.as_deref()),
            "address and port of the target",
        )
        .absent("the finding is about several targets, or about requests without a target"),
        Column::<Self>::new(
            "outcome",
            DataType::Text,
            |it| option_text(Some(it.row.outcome.id())),
            "how most of its requests ended",
        ),
        Column::<Self>::new(
            "failures",
            DataType::Integer,
            |it| Cell::integer(Some(it.row.failures)),
            "number of failed requests that the finding explains",
        ),
        Column::<Self>::new(
            "first_seen",
            DataType::Time,
            |it| Cell::time(it.row.first_seen),
            "`time` of the first of these requests",
        )
        .absent(NOT_MEASURED),
        Column::<Self>::new(
            "last_seen",
            DataType::Time,
            |it| Cell::time(it.row.last_seen),
            "`time` of the last of these requests",
        )
        .absent(NOT_MEASURED),
        Column::<Self>::new(
            "episodes",
            DataType::Integer,
            |it| Cell::integer(Some(it.row.episode_count).filter(|count| *count > 0)),
            "number of episodes",
        )
        .absent("episodes were not counted"),
        Column::<Self>::new(
            "keep_alive",
            DataType::Seconds,
            |it| seconds(it.row.estimates.keep_alive_seconds),
            "how long the target keeps an idle connection open, estimated from the log",
        )
        .absent("the log does not show it"),
        Column::<Self>::new(
            "timeout",
            DataType::Seconds,
            |it| seconds(it.row.estimates.timeout_seconds),
            "the time after which the requests were cut off, estimated from the log",
        )
        .absent("the log does not show it"),
        Column::<Self>::new("evidence", LINE, |it| some_list(&it.evidence), "statements for and against")
            .absent("there is none"),
        Column::<Self>::new("fix", DataType::Text, |it| some_text(it.row.fix), "what to change"),
        Column::<Self>::new(
            "sample_object",
            DataType::Text,
            |it| option_text(it.row.samples.first().map(|sample| &*sample.object)),
            "the object that has one of the requests",
        )
        .absent("no sample was kept"),
        Column::<Self>::new(
            "sample_line",
            DataType::Integer,
            |it| Cell::integer(it.row.samples.first().map(|sample| sample.line)),
            "number of its line in that object, from 1",
        )
        .absent("no sample was kept"),
    ];
}

impl Table for StatusPairTable {
    type Row<'a> = TargetStatusPairRow;
    const NAME: &'static str = "status_pairs";
    const MEANING: &'static str =
        "the requests of a target with one pair of statuses; the rows together cover all requests";
    const COLUMNS: &'static [Column<Self>] = &[
        Column::<Self>::new("load_balancer", DataType::Text, |row| some_text(&row.load_balancer), LOAD_BALANCER)
            .absent(NO_LOAD_BALANCER),
        Column::<Self>::new("target_group", DataType::Text, |row| some_text(&row.target_group), TARGET_GROUP)
            .absent(NO_TARGET_GROUP),
        Column::<Self>::new("target", DataType::Text, |row| some_text(&row.target), "address and port")
            .absent("the requests have no target"),
        Column::<Self>::new(
            "elb_status_code",
            DataType::Integer,
            |row| Cell::integer(row.elb_status_code),
            "status sent to the client",
        )
        .absent("no status was sent"),
        Column::<Self>::new(
            "target_status_code",
            DataType::Integer,
            |row| Cell::integer(row.target_status_code),
            "status the target answered with",
        )
        .absent("no target answered"),
        Column::<Self>::new(
            "requests",
            DataType::Integer,
            |row| Cell::integer(Some(row.requests)),
            "number of requests",
        ),
    ];
}

impl Table for MinuteTable {
    type Row<'a> = MinuteRow;
    const NAME: &'static str = "minutes";
    const MEANING: &'static str = "the requests of a load balancer with one outcome in one interval: a minute, or \
                                   longer in a log of more than two days";
    const COLUMNS: &'static [Column<Self>] = &[
        Column::<Self>::new("load_balancer", DataType::Text, |row| some_text(&row.load_balancer), LOAD_BALANCER)
            .absent(NO_LOAD_BALANCER),
        Column::<Self>::new("start", DataType::Time, |row| Cell::Time(row.start), "start of the interval"),
        Column::<Self>::new(
            "width",
            DataType::Integer,
            |row| Cell::Integer(row.width_seconds),
            "length of the interval",
        )
        .unit("s"),
        Column::<Self>::new(
            "outcome",
            DataType::Text,
            |row| option_text(Some(row.outcome.id())),
            "how the requests ended",
        ),
        Column::<Self>::new(
            "is_failure",
            DataType::Flag,
            |row| Cell::Flag(row.outcome.is_failure()),
            "whether the outcome counts as failed",
        ),
        Column::<Self>::new(
            "requests",
            DataType::Integer,
            |row| Cell::integer(Some(row.requests)),
            "number of requests",
        ),
    ];
}

impl Table for RouteTable {
    type Row<'a> = RouteRow;
    const NAME: &'static str = "routes";
    const MEANING: &'static str = "a route of a target group";
    const COLUMNS: &'static [Column<Self>] = &[
        Column::<Self>::new("load_balancer", DataType::Text, |row| some_text(&row.load_balancer), LOAD_BALANCER)
            .absent(NO_LOAD_BALANCER),
        Column::<Self>::new(
            "target_group",
            DataType::Text,
            |row| option_text(row.target_group.as_deref()),
            TARGET_GROUP,
        )
        .absent(NO_TARGET_GROUP),
        Column::<Self>::new(
            "route",
            DataType::Text,
            |row| some_text(&row.route),
            "method and path, with the variable parts of the path in braces; `{*}` groups rare routes",
        ),
        Column::<Self>::new(
            "requests",
            DataType::Integer,
            |row| Cell::integer(Some(row.requests)),
            "number of requests",
        ),
        Column::<Self>::new(
            "failures",
            DataType::Integer,
            |row| Cell::integer(Some(row.failures)),
            "number of failed requests",
        ),
        quantile!("elapsed_p50", elapsed.p50, "median elapsed time of all requests except WebSocket connections"),
        quantile!("elapsed_p90", elapsed.p90, "90th percentile of the same times"),
        quantile!("elapsed_p99", elapsed.p99, "99th percentile of the same times"),
        quantile!("elapsed_p999", elapsed.p999, "99.9th percentile of the same times"),
        quantile!("elapsed_max", elapsed.max, "maximum of the same times"),
    ];
}

/// Writes the tables of an analysis into a folder, one file each, replacing those of an earlier analysis. The files
/// get their final names when all of them are complete.
///
/// # Errors
/// [`crate::ErrorKind::Write`] if the folder or a file cannot be written.
pub fn write_tables(summary: &Summary, report: &Report, folder: &Path, format: TableFormat) -> Result<FilesWritten> {
    let written = write_all(summary, report, folder, format);
    written.map_err(|reason| Error::write(folder.display().to_string(), reason))
}

fn write_all(summary: &Summary, report: &Report, folder: &Path, format: TableFormat) -> io::Result<FilesWritten> {
    fs::create_dir_all(folder)?;
    let findings = report.findings.iter().map(|row| {
        let evidence: Vec<String> = row.evidence.iter().map(|evidence| one_line(&evidence.0.text)).collect();
        JoinedFinding { row, also_fits: row.also_fits.join("\n"), evidence: evidence.join("\n") }
    });
    let findings: Vec<JoinedFinding<'_>> = findings.collect();
    let files = [
        write_table::<TargetTable>(folder, format, &report.targets)?,
        write_table::<FindingTable>(folder, format, &findings)?,
        write_table::<StatusPairTable>(folder, format, &status_pairs(summary))?,
        write_table::<MinuteTable>(folder, format, &minutes(summary))?,
        write_table::<RouteTable>(folder, format, &report.routes)?,
    ];
    let mut written = FilesWritten::default();
    let mut publishing = Publishing::begin();
    for file in files {
        written.files += 1;
        written.bytes += file.bytes();
        file.publish(&mut publishing)?;
    }
    Ok(written)
}

/// A text as an item of a [`LINE`] list: without line breaks.
fn one_line(text: &str) -> String {
    text.replace('\n', "\\x0A")
}

fn write_table<T: Table>(folder: &Path, format: TableFormat, rows: &[T::Row<'_>]) -> io::Result<CompleteFile> {
    let columns: Vec<&'static Column<T>> = T::COLUMNS.iter().collect();
    let encoder = Encoder::new(format, &columns, true)?;
    let path = folder.join(format!("{}.{}", T::NAME, format.extension()));
    let mut file = encoder.begin(Output::File(FileOptions::default().create(&path)?))?;
    for rows in rows.chunks(MAX_GROUP_ROWS) {
        let mut group = RowBuffer::new(&columns);
        for row in rows {
            group.push(&columns, row, false);
        }
        file.write(&encoder.encode(group)?)?;
    }
    match file.finish()?.close()? {
        Some(file) => Ok(file),
        None => unreachable!("it was begun as a file"),
    }
}

fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Status pairs of all requests, by load balancer, target group, target and statuses.
fn status_pairs(summary: &Summary) -> Vec<TargetStatusPairRow> {
    let rows = summary.targets.iter().flat_map(|(target_group, address, target)| {
        let (load_balancer, arn, ()) = summary.target_groups.entry(target_group);
        let ((), load_balancer, _) = summary.load_balancers.entry(load_balancer);
        let pairs = target.status_pairs.sorted().into_iter();
        pairs.map(|((elb_status_code, target_status_code), requests)| TargetStatusPairRow {
            load_balancer: text_of(load_balancer),
            target_group: text_of(arn),
            target: text_of(address),
            elb_status_code,
            target_status_code,
            requests,
        })
    });
    let mut rows: Vec<TargetStatusPairRow> = rows.collect();
    rows.sort_by(|one, other| {
        let key = |row: &TargetStatusPairRow| (row.elb_status_code, row.target_status_code);
        let names =
            |row: &TargetStatusPairRow| (row.load_balancer.clone(), row.target_group.clone(), row.target.clone());
        names(one).cmp(&names(other)).then_with(|| key(one).cmp(&key(other)))
    });
    rows
}

/// Minutes by load balancer, time and outcome.
fn minutes(summary: &Summary) -> Vec<MinuteRow> {
    let mut rows = Vec::new();
    for ((), name, load_balancer) in summary.load_balancers.iter() {
        let width_seconds = load_balancer.timing.width_seconds();
        for (start, bin) in load_balancer.timing.sorted() {
            rows.extend(bin.outcomes.iter().map(|(outcome, requests)| MinuteRow {
                load_balancer: text_of(name),
                start,
                width_seconds,
                outcome,
                requests,
            }));
        }
    }
    // The sort is stable, so times and outcomes keep their order.
    rows.sort_by(|one, other| one.load_balancer.cmp(&other.load_balancer));
    rows
}
