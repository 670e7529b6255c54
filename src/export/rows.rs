//! Turns the records of one object into rows.

use std::collections::BTreeMap;

use super::causes::Causes;
use super::files::EncodedGroup;
use super::filter::Filter;
use super::folder::object_id;
use super::partition::{Partition, PartitionKey, PartitionKeys};
use super::requests::{RequestRow, RequestTable};
use super::sample::TraceSample;
use super::sink::{ExportSink, MAX_ROW_BYTES, ObjectInHand, PartitionRows};
use crate::error::{Error, Result};
use crate::kind::{AnyRecord, alb};
use crate::pipeline::{Collector, SelectedRecord};
use crate::table::escape::{escape_control, is_clean};
use crate::table::row_buffer::RowBuffer;
use crate::table::schema::Column;

/// Which records become rows, and with which columns and partitions.
#[derive(Clone, Debug, Default)]
pub(super) struct RowChoice {
    pub(super) columns: Vec<&'static Column<RequestTable>>,
    pub(super) partitions: Vec<Partition>,
    pub(super) is_failures_only: bool,
    pub(super) sample: Option<TraceSample>,
    pub(super) filter: Option<Filter>,
}

/// How many records there were, by what became of them. Each record counts once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RowCounts {
    /// Rows written.
    pub written: u64,
    /// Left out because they did not fail.
    pub not_failed: u64,
    /// Left out because they are not in the sample.
    pub not_sampled: u64,
    /// Left out by the filter.
    pub not_matched: u64,
}

impl RowCounts {
    /// Adds the counts of another.
    pub(super) fn merge(&mut self, other: Self) {
        self.written += other.written;
        self.not_failed += other.not_failed;
        self.not_sampled += other.not_sampled;
        self.not_matched += other.not_matched;
    }
}

/// What all [`ObjectRows`] of one export share.
pub(super) struct ExportShared {
    pub(super) choice: RowChoice,
    pub(super) causes: Option<Causes>,
    pub(super) sink: ExportSink,
    /// The destination's name, for error messages.
    pub(super) name: Box<str>,
}

impl ExportShared {
    /// Begins the rows of the object at `index` in the order of the input.
    pub(super) fn begin(&self, index: usize) -> ObjectRows<'_> {
        ObjectRows {
            shared: self,
            index,
            object: None,
            in_hand: None,
            keys: PartitionKeys::new(&self.choice.partitions),
            rows: BTreeMap::new(),
            bytes: 0,
            groups: Vec::new(),
            counts: RowCounts::default(),
            request: Vec::new(),
        }
    }

    pub(super) fn error(&self, reason: std::io::Error) -> Error {
        Error::write(self.name.clone(), reason)
    }
}

/// The rows of one object.
pub(super) struct ObjectRows<'s> {
    shared: &'s ExportShared,
    /// The index of its object in the order of the input.
    index: usize,
    /// The object's id, and whether its name needs no cleaning. `None` until a record of it was selected.
    object: Option<(u64, bool)>,
    /// From the first record on. Workers of other objects may wait for this one meanwhile.
    in_hand: Option<ObjectInHand<'s>>,
    keys: PartitionKeys,
    rows: BTreeMap<PartitionKey, PartitionRows>,
    /// Approximate memory use of the rows, in bytes.
    bytes: usize,
    /// Row groups that wait for their turn.
    groups: Vec<EncodedGroup>,
    counts: RowCounts,
    /// Scratch space for a request line that needs cleaning.
    request: Vec<u8>,
}

impl ObjectRows<'_> {
    /// Hands over what is left. Objects are closed in their order.
    pub(super) fn close(mut self) -> RowCounts {
        self.shared.sink.close(&mut self.groups, self.rows, self.object.map(|(object, _)| object));
        self.counts
    }

    /// Encodes the rows of a key as a row group.
    fn make_group(&mut self, key: &PartitionKey) -> std::io::Result<()> {
        if let Some((key, rows)) = self.rows.remove_entry(key) {
            self.bytes -= rows.columns.bytes();
            self.groups.push(self.shared.sink.encode(key, rows)?);
            self.shared.sink.offer(self.index, &mut self.groups)?;
        }
        Ok(())
    }
}

impl Collector for ObjectRows<'_> {
    fn observe(&mut self, selected: &SelectedRecord<'_>) -> Result<()> {
        let AnyRecord::Access(request) = selected.record;
        let ExportShared { choice, causes, sink, .. } = self.shared;
        let (object, is_object_clean) = if let Some(object) = self.object {
            object
        } else {
            // First, so that the workers of other objects wait for this one rather than get ahead of it.
            self.in_hand = Some(sink.take_in_hand(self.index));
            // Encodes what other objects have queued before this one adds more, so that the queue does not pile up.
            sink.work().map_err(|reason| self.shared.error(reason))?;
            *self.object.insert((object_id(selected.object), is_clean(selected.object.name.as_bytes())))
        };
        if choice.is_failures_only && !request.outcome.is_failure() {
            self.counts.not_failed += 1;
            return Ok(());
        }
        if choice.sample.is_some_and(|sample| !sample.admits(request.record.value(alb::TRACE_ID), selected.line)) {
            self.counts.not_sampled += 1;
            return Ok(());
        }
        let location = (selected.line, &*selected.object.name, selected.number);
        let is_clean = is_object_clean && is_clean(selected.line);
        let request_line = request.record.value(alb::REQUEST_LINE).unwrap_or_default();
        let request_line = if is_clean { request_line } else { escape_control(request_line, None, &mut self.request) };
        let mut row = RequestRow::new(&request.record, request.exchange, request.outcome, location, request_line);
        row.cause = causes.as_ref().and_then(|causes| causes.of(request.exchange, request.outcome));
        if choice.filter.as_ref().is_some_and(|filter| !filter.admits(&row, is_clean)) {
            self.counts.not_matched += 1;
            return Ok(());
        }
        self.counts.written += 1;
        let key = self.keys.key(&row);
        if !self.rows.contains_key(key) {
            let rows = PartitionRows { columns: RowBuffer::new(&choice.columns), objects: vec![object] };
            self.rows.insert(key.clone(), rows);
        }
        let Some(rows) = self.rows.get_mut(key) else { unreachable!("it is there by now") };
        let before = rows.columns.bytes();
        rows.columns.push(&choice.columns, &row, is_clean);
        self.bytes += rows.columns.bytes() - before;
        if sink.is_row_group(rows) {
            let key = key.clone();
            return self.make_group(&key).map_err(|reason| self.shared.error(reason));
        }
        if self.bytes >= MAX_ROW_BYTES {
            let largest = self.rows.iter().max_by_key(|(_, rows)| rows.columns.bytes()).map(|(key, _)| key.clone());
            if let Some(largest) = largest {
                return self.make_group(&largest).map_err(|reason| self.shared.error(reason));
            }
        }
        Ok(())
    }
}
