//! Exports log records as tables for notebooks: typed Parquet or CSV, with columns derived from each record.
//!
//! Input: the log sources that an analysis takes. Output: a file, a stream, or a folder of files. Rows are in input
//! order, and the same input gives the same bytes for any number of threads. Memory is bounded, whatever the size of
//! the input or of one object.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`requests`], `columns` | the table of requests, and its columns by name |
//! | [`tables`] | the tables of an analysis: targets, findings, status pairs, minutes, routes |
//! | [`filter`], [`sample`], [`partition`] | choose the rows, and the folder of each row |
//! | `causes` | finds the cause of a failed request |
//! | `rows`, `sink` | the rows of one object; the rows of all objects, in order |
//! | `files`, `folder` | one file, a stream, or a folder of files |
//! | [`docs`] | the page that describes the columns |

mod causes;
mod columns;
pub mod docs;
mod files;
pub mod filter;
mod folder;
pub mod partition;
pub mod requests;
mod rows;
pub mod sample;
mod sink;
pub mod tables;

use std::time::Duration;

pub use columns::columns_of;
pub use files::{Destination, FilesWritten};
pub use filter::Filter;
pub use partition::Partition;
pub use rows::RowCounts;
pub use sample::TraceSample;

pub use crate::table::TableFormat;

use crate::aggregate::InputAccount;
use crate::diagnose::{Context, diagnose};
use crate::error::{Error, ErrorKind, Result};
use crate::pipeline::{Progress, ReadOptions, Shards};
use crate::source::Source;
use crate::table::encoder::Encoder;
use crate::table::schema::Column;
use causes::Causes;
use columns::default_columns;
use files::{CompleteFiles, ExportFiles};
use folder::FolderLayout;
use requests::RequestTable;
use rows::{ExportShared, ObjectRows, RowChoice};
use sink::ExportSink;

/// Maximum number of threads that read and encode. Each holds up to a row group and its encoded form.
const MAX_THREADS: usize = 8;

/// Columns that need an analysis of the same input first.
const COLUMNS_OF_ANALYSIS: [&str; 2] = ["cause", "confidence"];

/// An export, to be configured and started.
///
/// ```
/// use albscope::export::{Destination, Export, Filter, TableFormat};
/// use albscope::{Progress, source};
///
/// # fn main() -> albscope::Result<()> {
/// # let folder = tempfile::tempdir().expect("a temporary folder");
/// # let path = folder.path().join("slow.parquet");
/// let inputs = [source::from_input("sample-logs".as_ref())?];
/// let filter = Filter::parse("elb_status_code >= 500 and elapsed > 10").expect("an expression");
/// let (export, destination) = (Export::new().filter(filter), Destination::File(path));
/// let exported = export.run(&inputs, destination, TableFormat::Parquet, &Progress::new())?;
/// println!("{} rows of {} records", exported.rows.written, exported.input.records);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Export {
    options: ReadOptions,
    choice: RowChoice,
    is_guarded: bool,
    idle_timeout: Option<Duration>,
}

/// What an export did.
#[derive(Clone, Debug, Default)]
pub struct Exported {
    /// What was read, and what could not be.
    pub input: InputAccount,
    /// How many of the records that the selection admits were written, and why the others were left out.
    pub rows: RowCounts,
    /// What was written.
    pub written: FilesWritten,
}

impl Default for Export {
    fn default() -> Self {
        let choice = RowChoice { columns: default_columns(), ..RowChoice::default() };
        Self { options: ReadOptions::default(), choice, is_guarded: true, idle_timeout: None }
    }
}

impl Export {
    /// All records with the default columns, without partitions, on one thread per core (at most eight). Problems of
    /// the input are counted rather than fatal.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how the logs are read: which records count, on how many threads (more than eight are never used), and
    /// whether the first problem of the input ends the export.
    #[must_use]
    pub fn read_options(mut self, options: ReadOptions) -> Self {
        self.options = options;
        self
    }

    /// Which columns are written, in which order; see [`columns_of`].
    #[must_use]
    pub fn columns(mut self, columns: Vec<&'static Column<RequestTable>>) -> Self {
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
    pub fn sample(mut self, sample: TraceSample) -> Self {
        self.choice.sample = Some(sample);
        self
    }

    /// Whether only failed requests become rows.
    #[must_use]
    pub fn failures_only(mut self, is_failures_only: bool) -> Self {
        self.choice.is_failures_only = is_failures_only;
        self
    }

    /// Sets what rows are partitioned by, into subfolders of a [`Destination::Folder`]. See [`Partition::completed`].
    #[must_use]
    pub fn partition_by(mut self, partitions: &[Partition]) -> Self {
        self.choice.partitions = Partition::completed(partitions);
        self
    }

    /// Sets whether texts in CSV are guarded, so that a spreadsheet does not read them as formulas.
    #[must_use]
    pub fn guard_formulas(mut self, is_guarded: bool) -> Self {
        self.is_guarded = is_guarded;
        self
    }

    /// Sets the load balancer's idle timeout, if the user knows it. It affects the causes. With `None` it is inferred
    /// from the input, or else AWS's default counts.
    #[must_use]
    pub fn idle_timeout(mut self, idle_timeout: Option<Duration>) -> Self {
        self.idle_timeout = idle_timeout;
        self
    }

    /// Whether a column or the filter needs causes. Findings depend on all requests together, so the input is then
    /// read twice: once to analyze it and once to export it. Only files and objects can be read twice.
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
    /// What cannot be opened or read is noted in the input account, and the run continues. If that leaves no record,
    /// no file is written and existing files stay as they are (see [`Unpublished::is_worth_publishing`]).
    ///
    /// # Errors
    /// [`ErrorKind::Write`] if the destination cannot be written to, [`ErrorKind::Cancelled`], and with
    /// [`ReadOptions::strict`] the first problem in input order. No unfinished file is left, and existing files stay as
    /// they are. The exception is a [`Destination::Folder`]: if its files cannot be renamed, some may already be new,
    /// beside old ones with the same rows. The next run removes these.
    pub fn run(
        &self,
        sources: &[Box<dyn Source>],
        destination: Destination,
        format: TableFormat,
        progress: &Progress,
    ) -> Result<Exported> {
        let unpublished = self.write(sources, destination, format, progress)?;
        if unpublished.is_worth_publishing() {
            return unpublished.publish();
        }
        let Unpublished { input, rows, .. } = unpublished;
        Ok(Exported { input, rows, written: FilesWritten::default() })
    }

    /// Like [`Export::run`], but the complete files do not get their final names until [`Unpublished::publish`].
    ///
    /// # Errors
    /// As [`Export::run`].
    pub fn write(
        &self,
        sources: &[Box<dyn Source>],
        destination: Destination,
        format: TableFormat,
        progress: &Progress,
    ) -> Result<Unpublished> {
        let threads = self.options.thread_count(MAX_THREADS);
        let options = self.options.clone().threads(threads);
        let mut choice = self.choice.clone();
        if choice.partitions.contains(&Partition::TargetGroup) {
            // Readers make a column of the folder's name, and some reject a file that has the same column.
            choice.columns.retain(|column| column.name != Partition::TargetGroup.id());
        }
        let name: Box<str> = destination.name().into();
        let cannot_write = |reason| Error::write(name.clone(), reason);
        let encoder = Encoder::new(format, &choice.columns, self.is_guarded).map_err(cannot_write)?;
        let layout = FolderLayout {
            format: format.extension().to_owned(),
            columns: choice.columns.iter().map(|column| column.name.to_owned()).collect(),
            partition_by: choice.partitions.iter().map(|partition| partition.id().to_owned()).collect(),
        };
        let files = ExportFiles::new(destination, encoder.clone(), format, layout).map_err(cannot_write)?;
        let causes = if self.needs_analysis() {
            let summary = options.run(sources, progress)?;
            progress.restart();
            let context = Context::default().with_idle_timeout(self.idle_timeout);
            Some(Causes::new(&summary, &diagnose(&summary, &context)))
        } else {
            None
        };
        let sink = ExportSink::new(encoder, files);
        let shared = ExportShared { choice, causes, sink, name: name.clone() };
        let mut rows = RowCounts::default();
        let shards = Shards::OnePerObject { max_unmerged: threads + 1 };
        let merge = |object: ObjectRows<'_>| {
            rows.merge(object.close());
            Ok(())
        };
        let input = options.collect(sources, progress, shards, |index| shared.begin(index), merge)?;
        let written = shared.sink.finish(threads).map_err(cannot_write)?;
        if progress.is_cancelled() {
            return Err(ErrorKind::Cancelled.into());
        }
        Ok(Unpublished { input, rows, written, name })
    }
}

/// An export whose files are complete but do not have their final names yet. Dropping it removes the files.
pub struct Unpublished {
    input: InputAccount,
    rows: RowCounts,
    written: CompleteFiles,
    name: Box<str>,
}

impl Unpublished {
    /// What was read, and what could not be.
    #[must_use]
    pub fn input(&self) -> &InputAccount {
        &self.input
    }

    /// Whether the export is worth publishing: a record was read, or no problem occurred that could have kept one
    /// out. Otherwise unreadable input would replace a table of records with an empty one.
    #[must_use]
    pub fn is_worth_publishing(&self) -> bool {
        self.input.records > 0 || self.input.problems.is_empty()
    }

    /// Gives the files their final names, replacing earlier ones.
    ///
    /// # Errors
    /// [`ErrorKind::Write`] if a file cannot be written, renamed or removed. For a [`Destination::Folder`] also if
    /// the rows are from standard input, or if one of its files has rows of objects that were read again together
    /// with rows of objects that were not.
    pub fn publish(self) -> Result<Exported> {
        let Self { input, rows, written, name } = self;
        let written = written.publish().map_err(|reason| Error::write(name, reason))?;
        Ok(Exported { input, rows, written })
    }
}
