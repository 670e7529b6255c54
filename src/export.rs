//! Records as tables for notebooks: Parquet or CSV, typed, with what was made of each record.
//!
//! Input: sources of log objects, as an analysis has. Output: a file, a stream, or a folder of files. Rows stand in the order of the input, and the same input gives the same bytes for any number of
//! threads. Memory is bounded, whatever the size of the input or of one object.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`schema`] | what the columns of a table are, as data |
//! | [`requests`] | the table of requests: a column for each field and for what follows from it |
//! | [`tables`] | the tables of an analysis: targets, findings, status pairs, minutes, routes |
//! | [`filter`], [`sample`], [`partition`] | which rows, and to which folder |
//! | `columns`, `form`, `parquet`, `csv`, `text` | rows to columns, columns to bytes |
//! | `rows`, `sink` | the rows of one object; the rows of all, in order |
//! | `files`, `folder`, `output` | files that are whole or not there |
//! | [`docs`] | the page that describes the columns |

mod causes;
mod columns;
mod csv;
pub mod docs;
mod files;
pub mod filter;
mod folder;
mod form;
mod output;
mod parquet;
pub mod partition;
pub mod requests;
mod rows;
pub mod sample;
pub mod schema;
mod sink;
pub mod tables;
mod text;
mod words;

use std::time::Duration;

pub use files::{Destination, Written};
pub use filter::Filter;
pub use form::Format;
pub use output::discard_unfinished;
pub use partition::Partition;
pub use rows::RowCounts;
pub use sample::Sample;

use crate::aggregate::InputAccount;
use crate::diagnose::diagnose;
use crate::error::{Error, ErrorKind, Result};
use crate::pipeline::{Analysis, Progress, Shards};
use crate::source::Source;
use causes::Causes;
use files::{Files, WrittenFiles};
use folder::Shape;
use form::Form;
use requests::Requests;
use rows::{Choice, Part, Shared};
use schema::{Column, Table, find_column};
use sink::Sink;

/// Threads that read and encode, at most: each holds up to a row group and what it becomes.
const MAX_THREADS: usize = 8;

/// Columns that need an analysis of the same input first.
const COLUMNS_OF_ANALYSIS: [&str; 2] = ["cause", "confidence"];

/// An export, to be configured and started.
///
/// ```
/// use albscope::export::{Destination, Export, Filter, Format};
/// use albscope::{Progress, source};
///
/// # fn main() -> albscope::Result<()> {
/// # let folder = tempfile::tempdir().expect("a temporary folder");
/// # let path = folder.path().join("slow.parquet");
/// let inputs = [source::from_input("sample-logs".as_ref())?];
/// let filter = Filter::parse("elb_status_code >= 500 and elapsed > 10").expect("an expression");
/// let exported = Export::new().filter(filter).run(&inputs, Destination::File(path), Format::Parquet, &Progress::new())?;
/// println!("{} rows of {} records", exported.rows.written, exported.input.records);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Export {
    analysis: Analysis,
    choice: Choice,
    is_guarded: bool,
    idle_timeout: Option<Duration>,
}

/// What an export did.
#[derive(Clone, Debug, Default)]
pub struct Exported {
    /// What was read, and what could not be.
    pub input: InputAccount,
    /// What became of the records that the selection admits.
    pub rows: RowCounts,
    /// What was written.
    pub written: Written,
}

impl Default for Export {
    fn default() -> Self {
        let choice = Choice { columns: default_columns(), ..Choice::default() };
        Self { analysis: Analysis::default(), choice, is_guarded: true, idle_timeout: None }
    }
}

fn default_columns() -> Vec<&'static Column<Requests>> {
    Requests::COLUMNS.iter().filter(|column| column.is_default).collect()
}

/// Columns by their names; `default` stands for those that are written when nobody says which, `all` for all but the text of the line.
///
/// # Errors
/// What to say of a name that is none, or that comes twice.
pub fn columns_of<'n>(names: impl IntoIterator<Item = &'n str>) -> Result<Vec<&'static Column<Requests>>, String> {
    let mut columns: Vec<&'static Column<Requests>> = Vec::new();
    let mut add = |column: &'static Column<Requests>, is_named: bool| {
        let is_new = !columns.contains(&column);
        if is_new {
            columns.push(column);
        } else if is_named {
            return Err(format!("the column {} stands there twice", column.name));
        }
        Ok(())
    };
    for name in names {
        match name {
            "" => {
                return Err(
                    "a column's name is missing: names stand with one comma between them, as in time,elb".to_owned()
                );
            }
            "default" => default_columns().into_iter().try_for_each(|column| add(column, false))?,
            "all" => Requests::COLUMNS
                .iter()
                .filter(|column| column.name != "text")
                .try_for_each(|column| add(column, false))?,
            name => add(find_column(name)?, true)?,
        }
    }
    Ok(columns)
}

impl Export {
    /// All records with the default columns, in one file, one thread for each core, problems counted rather than fatal.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How the logs are read: which records count, on how many threads (more than eight are never used), and whether the first problem of the input ends the export.
    #[must_use]
    pub fn analysis(mut self, analysis: Analysis) -> Self {
        self.analysis = analysis;
        self
    }

    /// Which columns are written, in which order; see [`columns_of`].
    #[must_use]
    pub fn columns(mut self, columns: Vec<&'static Column<Requests>>) -> Self {
        self.choice.columns = columns;
        self
    }

    /// Which records become rows.
    #[must_use]
    pub fn filter(mut self, filter: Filter) -> Self {
        self.choice.filter = Some(filter);
        self
    }

    /// Which share of the traces becomes rows.
    #[must_use]
    pub fn sample(mut self, sample: Sample) -> Self {
        self.choice.sample = Some(sample);
        self
    }

    /// Whether only failed requests become rows.
    #[must_use]
    pub fn failures_only(mut self, is_failures_only: bool) -> Self {
        self.choice.is_failures_only = is_failures_only;
        self
    }

    /// What rows are parted by, into folders of a [`Destination::Folder`].
    #[must_use]
    pub fn partition_by(mut self, partitions: &[Partition]) -> Self {
        self.choice.partitions = Partition::completed(partitions);
        self
    }

    /// Whether texts in CSV are kept from being taken for formulas by a spreadsheet.
    #[must_use]
    pub fn guard_formulas(mut self, is_guarded: bool) -> Self {
        self.is_guarded = is_guarded;
        self
    }

    /// The load balancer's idle timeout where the user knows it: it matters for causes.
    #[must_use]
    pub fn idle_timeout(mut self, idle_timeout: Option<Duration>) -> Self {
        self.idle_timeout = idle_timeout;
        self
    }

    /// Whether a column or the filter asks for causes. Findings follow from all requests together, so that the input is read twice: to be analysed, and to be exported. Nothing
    /// but a file or an object can be read twice.
    #[must_use]
    pub fn needs_analysis(&self) -> bool {
        let is_asked = |name: &str| {
            self.choice.columns.iter().any(|column| column.name == name)
                || self.choice.filter.as_ref().is_some_and(|filter| filter.has_column(name))
        };
        COLUMNS_OF_ANALYSIS.into_iter().any(is_asked)
    }

    /// Reads all objects of all sources and writes their records.
    ///
    /// What cannot be opened or read is noted in the account of the input, and the run goes on. Where that leaves no record, no file is written, and those that were there are as they
    /// were ([`Unpublished::is_worth_publishing`]).
    ///
    /// # Errors
    /// [`ErrorKind::Write`] when the destination cannot be written to, [`ErrorKind::Cancelled`], and with [`Analysis::strict`] the first problem in the order of the input. In all of
    /// them no file is left, and those that were there are as they were.
    pub fn run(
        &self,
        sources: &[Box<dyn Source>],
        destination: Destination,
        format: Format,
        progress: &Progress,
    ) -> Result<Exported> {
        let unpublished = self.write(sources, destination, format, progress)?;
        if unpublished.is_worth_publishing() {
            return unpublished.publish();
        }
        let Unpublished { input, rows, .. } = unpublished;
        Ok(Exported { input, rows, written: Written::default() })
    }

    /// As [`Export::run`], but that the files, though complete, have yet to take their names.
    ///
    /// # Errors
    /// As [`Export::run`].
    pub fn write(
        &self,
        sources: &[Box<dyn Source>],
        destination: Destination,
        format: Format,
        progress: &Progress,
    ) -> Result<Unpublished> {
        let threads = self.analysis.thread_count(MAX_THREADS);
        let analysis = self.analysis.clone().threads(threads);
        let mut choice = self.choice.clone();
        if choice.partitions.contains(&Partition::TargetGroup) {
            // Readers make a column of the folder's name, and some refuse a second one.
            choice.columns.retain(|column| column.name != Partition::TargetGroup.id());
        }
        let name: Box<str> = destination.name().into();
        let cannot_write = |reason| Error::write(name.clone(), reason);
        let form = Form::new(format, &choice.columns, self.is_guarded).map_err(cannot_write)?;
        let shape = Shape {
            format: format.extension().to_owned(),
            columns: choice.columns.iter().map(|column| column.name.to_owned()).collect(),
            partition_by: choice.partitions.iter().map(|partition| partition.id().to_owned()).collect(),
        };
        let files = Files::new(destination, form.clone(), format, shape).map_err(cannot_write)?;
        let causes = if self.needs_analysis() {
            let summary = analysis.run(sources, progress)?;
            progress.restart();
            Some(Causes::new(&summary, &diagnose(&summary, self.idle_timeout)))
        } else {
            None
        };
        let sink = Sink::new(form, files);
        let shared = Shared { choice, causes, sink, name: name.clone() };
        let mut rows = RowCounts::default();
        let shards = Shards::OneAnObject { max_ahead: threads + 1 };
        let merge = |part: Part<'_>| {
            rows.merge(part.close());
            Ok(())
        };
        let input = analysis.collect(sources, progress, shards, |index| shared.begin(index), merge)?;
        let written = shared.sink.finish(threads).map_err(cannot_write)?;
        if progress.is_cancelled() {
            return Err(ErrorKind::Cancelled.into());
        }
        Ok(Unpublished { input, rows, written, name })
    }
}

/// An export whose files are complete and have yet to take their names. Nothing is left of them when it is dropped.
pub struct Unpublished {
    input: InputAccount,
    rows: RowCounts,
    written: WrittenFiles,
    name: Box<str>,
}

impl Unpublished {
    /// What was read, and what could not be.
    #[must_use]
    pub fn input(&self) -> &InputAccount {
        &self.input
    }

    /// Whether there is reason to publish: a record was read, or nothing failed that could have kept one away. A table of no rows that nobody could read would take the place of one that says something.
    #[must_use]
    pub fn is_worth_publishing(&self) -> bool {
        self.input.records > 0 || self.input.problems.is_empty()
    }

    /// Gives the files their names, in the place of those that they replace.
    ///
    /// # Errors
    /// [`ErrorKind::Write`]
    pub fn publish(self) -> Result<Exported> {
        let Self { input, rows, written, name } = self;
        let written = written.publish().map_err(|reason| Error::write(name, reason))?;
        Ok(Exported { input, rows, written })
    }
}
