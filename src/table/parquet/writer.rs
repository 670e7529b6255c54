//! Writes a file of row groups.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use polars_arrow::datatypes::ArrowSchema;
use polars_parquet::write::{
    CompressedPage, DynIter, DynStreamingIterator, FileWriter, KeyValue, WriteOptions, fallible_streaming_iterator,
};

/// Some rows, ready to be written.
pub(crate) struct RowGroup {
    pub(super) rows: u64,
    /// By column.
    pub(super) columns: Vec<Vec<CompressedPage>>,
    pub(super) bytes: usize,
}

impl RowGroup {
    /// Approximate memory use in bytes, which is also its size in the file.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

/// A file that is being written. It is not valid Parquet before [`ParquetWriter::finish`].
pub(crate) struct ParquetWriter<W: Write> {
    writer: FileWriter<ErrorKeeper<W>>,
    metadata: Vec<KeyValue>,
    /// The error of the output. The writer passes it on only as text.
    failure: Arc<Mutex<Option<io::Error>>>,
}

impl<W: Write> ParquetWriter<W> {
    /// Begins a file. `metadata` goes into its footer.
    pub(super) fn new(out: W, schema: ArrowSchema, options: WriteOptions, metadata: Vec<KeyValue>) -> io::Result<Self> {
        let failure = Arc::default();
        let out = ErrorKeeper { out, failure: Arc::clone(&failure) };
        let writer = FileWriter::try_new(out, schema, options).map_err(io::Error::other)?;
        Ok(Self { writer, metadata, failure })
    }

    /// Appends a row group.
    pub(crate) fn write(&mut self, group: &RowGroup) -> io::Result<()> {
        let columns = group.columns.iter().map(|pages| {
            let pages = fallible_streaming_iterator::convert(pages.iter().map(Ok));
            Ok(DynStreamingIterator::new(pages))
        });
        let written = self.writer.write(group.rows, DynIter::new(columns));
        written.map_err(|error| failure_or(&self.failure, error))
    }

    /// Writes the footer, which completes the file, and returns the output.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        self.writer.end(Some(self.metadata)).map_err(|error| failure_or(&self.failure, error))?;
        Ok(self.writer.into_inner().out)
    }
}

/// The output's error if there is one, otherwise the writer's.
fn failure_or(
    failure: &Mutex<Option<io::Error>>,
    error: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> io::Error {
    let failure = failure.lock().unwrap_or_else(PoisonError::into_inner).take();
    failure.unwrap_or_else(|| io::Error::other(error))
}

/// An output that keeps the error it failed with.
struct ErrorKeeper<W> {
    out: W,
    failure: Arc<Mutex<Option<io::Error>>>,
}

impl<W> ErrorKeeper<W> {
    fn kept<T>(&self, result: io::Result<T>) -> io::Result<T> {
        result.map_err(|error| {
            let words = io::Error::new(error.kind(), error.to_string());
            *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            words
        })
    }
}

impl<W: Write> Write for ErrorKeeper<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes);
        self.kept(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.out.flush();
        self.kept(flushed)
    }
}
