//! Collects rows before they are written: one typed column for each column of a table.
//!
//! Texts that repeat are kept once, with a code for each row. Parquet stores them the same way, and most texts of a
//! log do repeat. What is derived from such a text, such as the parts of a URL, is computed and kept once for it. The
//! same goes for columns that are [collected together](super::schema::FieldGroup): the text that they follow from has a
//! column, too, which is not written.

use std::cmp::Reverse;

use super::column_buffer::{ColumnBuffer, Pushed};
use super::dictionary::{Dictionary, Prefetched};
use super::schema::{Cell, Column, DataType, FieldGroup, Table};
use super::string_buffer::StringBuffer;

/// From this many distinct texts on, a column's texts no longer stay in the nearest cache.
const FAR: usize = 1024;

/// Maximum columns whose texts are prefetched.
const MAX_FAR: usize = 4;

/// After this many rows, the columns to prefetch are chosen again.
const ROWS_BETWEEN_ORDERS: usize = 1024;

/// Rows of some columns, in the order in which they were pushed. They must be sealed before they are read.
#[derive(Clone, Debug)]
pub(crate) struct RowBuffer {
    pub(crate) rows: usize,
    /// Those that were asked for, in their order, then one for each of [`RowBuffer::groups`].
    pub(crate) columns: Vec<ColumnBuffer>,
    /// Indexes in the table's `FIELD_GROUPS`. Only groups with more than one requested column are used.
    groups: Vec<usize>,
    /// Indexes of the columns that are not derived from others.
    plain: Vec<usize>,
    /// How many of `plain`, from the first, have texts that are likely not in the nearest cache.
    far: usize,
    /// By column, what is derived from it.
    derived_columns: Vec<DerivedColumns>,
    /// Bytes of a row, without its texts.
    row_bytes: usize,
    text_bytes: usize,
    /// Bytes of the lists of all rows. The items of a list are written for each row, even if the list repeats.
    list_bytes: usize,
    written_bytes: usize,
    /// Scratch space for a text that needs cleaning.
    scratch: Vec<u8>,
}

/// The columns derived from the texts of one column. Until they are sealed they have one value per distinct text, then
/// one per row.
#[derive(Clone, Debug, Default)]
struct DerivedColumns {
    /// Indexes of the derived columns.
    columns: Vec<usize>,
    /// By code, the length of the texts that are derived from it.
    bytes: Vec<TextBytes>,
}

#[derive(Clone, Copy, Debug, Default)]
struct TextBytes {
    /// Bytes of all texts.
    all: usize,
    /// Bytes of those that are lists.
    lists: usize,
}

impl RowBuffer {
    /// No rows yet.
    pub(crate) fn new<T: Table>(columns: &[&'static Column<T>]) -> Self {
        let values = columns.iter().map(|column| match column.data_type {
            DataType::Text if column.is_unique => ColumnBuffer::Strings(StringBuffer::default(), Vec::new()),
            DataType::Text | DataType::TextList(_) | DataType::IntegerList(_) => {
                ColumnBuffer::Dictionary(Dictionary::default())
            }
            DataType::Integer | DataType::Seconds | DataType::Time => ColumnBuffer::Numbers(Vec::new()),
            DataType::Flag => ColumnBuffer::Flags(Vec::new()),
        });
        let mut values: Vec<ColumnBuffer> = values.collect();
        let is_used =
            |group: &FieldGroup<T>| columns.iter().filter(|column| group.columns.contains(&column.name)).count() > 1;
        let groups: Vec<usize> = (0..T::FIELD_GROUPS.len()).filter(|&group| is_used(&T::FIELD_GROUPS[group])).collect();
        let base_of = |column: &Column<T>| {
            let group = groups.iter().position(|&group| T::FIELD_GROUPS[group].columns.contains(&column.name));
            let base = || columns.iter().position(|base| column.derived_from == Some(base.name));
            group.map(|group| columns.len() + group).or_else(base)
        };
        values.extend(groups.iter().map(|_| ColumnBuffer::Dictionary(Dictionary::default())));
        let mut derived_columns = vec![DerivedColumns::default(); values.len()];
        let mut plain: Vec<usize> = (columns.len()..values.len()).collect();
        for (index, column) in columns.iter().enumerate() {
            let mut base = base_of(column).filter(|&base| matches!(values[base], ColumnBuffer::Dictionary(_)));
            // If the base is derived itself, the value follows from the base's own base.
            while let Some(further) = base.and_then(|base| base_of(columns.get(base)?)) {
                base = Some(further);
            }
            match base {
                Some(base) => derived_columns[base].columns.push(index),
                None => plain.push(index),
            }
        }
        Self {
            rows: 0,
            plain,
            far: 0,
            derived_columns,
            row_bytes: values.iter().map(ColumnBuffer::row_bytes).sum(),
            columns: values,
            groups,
            text_bytes: 0,
            list_bytes: 0,
            written_bytes: 0,
            scratch: Vec::new(),
        }
    }

    /// Approximate memory use in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.rows * self.row_bytes + self.text_bytes()
    }

    /// How many of these bytes are texts. A text that repeats counts once, a list once per row.
    pub(crate) fn text_bytes(&self) -> usize {
        self.text_bytes + self.list_bytes
    }

    /// Bytes of the texts of all rows, each as often as it occurs.
    pub(crate) fn written_bytes(&self) -> usize {
        self.written_bytes
    }

    /// Makes the rows readable. No row may be pushed after that.
    pub(crate) fn seal(&mut self) {
        for &index in &self.plain {
            let ColumnBuffer::Dictionary(dictionary) = &mut self.columns[index] else { continue };
            dictionary.seal();
            if !self.derived_columns[index].columns.is_empty() {
                let codes = std::mem::take(&mut dictionary.codes);
                for &derived in &self.derived_columns[index].columns {
                    self.columns[derived].lay_out(&codes);
                }
                if let ColumnBuffer::Dictionary(dictionary) = &mut self.columns[index] {
                    dictionary.codes = codes;
                }
            }
        }
    }

    /// Appends a row of the table that the columns belong to. `is_clean` says that no text of the row has a byte that
    /// needs cleaning.
    #[inline]
    pub(crate) fn push<T: Table>(&mut self, columns: &[&'static Column<T>], row: &T::Row<'_>, is_clean: bool) {
        if self.rows.is_multiple_of(ROWS_BETWEEN_ORDERS) {
            self.order();
        }
        self.rows += 1;
        // Texts that are likely not in the nearest cache are prefetched while the rest of the row is appended.
        let mut far = [None; MAX_FAR];
        for (far, &index) in far.iter_mut().zip(&self.plain[..self.far]) {
            let (cell, is_known_clean) = self.cell(index, columns, row, is_clean);
            if let (Cell::Text(text), true, ColumnBuffer::Dictionary(dictionary)) =
                (cell, is_known_clean, &self.columns[index])
            {
                *far = Some((text, dictionary.look_ahead(text)));
            }
        }
        let middle = usize::midpoint(self.far, self.plain.len());
        for at in self.far..middle {
            self.push_at(self.plain[at], columns, row, is_clean, None);
        }
        for (far, &index) in far.iter().zip(&self.plain[..self.far]) {
            if let (Some((_, ahead)), ColumnBuffer::Dictionary(dictionary)) = (far, &self.columns[index]) {
                dictionary.look_closer(*ahead);
            }
        }
        for at in middle..self.plain.len() {
            self.push_at(self.plain[at], columns, row, is_clean, None);
        }
        for (at, far) in far.into_iter().enumerate().take(self.far) {
            self.push_at(self.plain[at], columns, row, is_clean, far);
        }
    }

    /// The value of a column in a row, and whether it needs no cleaning. Texts of groups are never written, so they
    /// stay as they are.
    #[expect(clippy::inline_always, reason = "as for `ColumnBuffer::push`")]
    #[inline(always)]
    fn cell<'r, T: Table>(
        &self,
        index: usize,
        columns: &[&'static Column<T>],
        row: &'r T::Row<'_>,
        is_clean: bool,
    ) -> (Cell<'r>, bool) {
        match columns.get(index) {
            Some(column) => ((column.cell)(row), is_clean),
            None => (Cell::Text((T::FIELD_GROUPS[self.groups[index - columns.len()]].text)(row)), true),
        }
    }

    /// Appends the value of one column, and what is derived from it.
    #[expect(clippy::inline_always, reason = "as for `ColumnBuffer::push`")]
    #[inline(always)]
    fn push_at<T: Table>(
        &mut self,
        index: usize,
        columns: &[&'static Column<T>],
        row: &T::Row<'_>,
        is_clean: bool,
        ahead: Option<(&[u8], Prefetched)>,
    ) {
        let is_written = index < columns.len();
        let (pushed, is_list) =
            if let (Some((text, ahead)), ColumnBuffer::Dictionary(dictionary)) = (ahead, &mut self.columns[index]) {
                (Pushed::text(text.len(), dictionary.push_ahead(text, ahead)), false)
            } else {
                let (cell, is_known_clean) = self.cell(index, columns, row, is_clean);
                let data_type = columns.get(index).map_or(DataType::Text, |column| column.data_type);
                let pushed = self.columns[index].push(cell, data_type, is_known_clean, &mut self.scratch);
                (pushed, matches!(cell, Cell::List(_)))
            };
        self.text_bytes += pushed.kept;
        if is_written {
            self.written_bytes += pushed.len;
        }
        if is_list {
            self.list_bytes += pushed.len;
        }
        let derived_columns = &mut self.derived_columns[index];
        if derived_columns.columns.is_empty() {
            return;
        }
        if pushed.is_new {
            let mut bytes = TextBytes::default();
            for &derived in &derived_columns.columns {
                let column = columns[derived];
                let cell = (column.cell)(row);
                let pushed = self.columns[derived].push(cell, column.data_type, is_clean, &mut self.scratch);
                self.text_bytes += pushed.kept;
                bytes.all += pushed.len;
                if let Cell::List(_) = cell {
                    bytes.lists += pushed.len;
                }
            }
            derived_columns.bytes.push(bytes);
        }
        if let ColumnBuffer::Dictionary(dictionary) = &self.columns[index] {
            let bytes = derived_columns.bytes.get(dictionary.last() as usize).copied().unwrap_or_default();
            self.written_bytes += bytes.all;
            self.list_bytes += bytes.lists;
        }
    }

    /// Puts the columns first whose texts are likely not in the nearest cache by now.
    fn order(&mut self) {
        let distinct = |index: usize| match &self.columns[index] {
            ColumnBuffer::Dictionary(dictionary) => dictionary.distinct.len(),
            _ => 0,
        };
        self.plain.sort_by_key(|&index| {
            let distinct = distinct(index);
            (Reverse(if distinct < FAR { 0 } else { distinct }), index)
        });
        self.far = self.plain.iter().take(MAX_FAR).filter(|&&index| distinct(index) >= FAR).count();
    }

    /// Appends the rows of another `RowBuffer` with the same columns. Neither may be sealed.
    pub(crate) fn append(&mut self, other: Self) {
        self.rows += other.rows;
        self.written_bytes += other.written_bytes;
        self.list_bytes += other.list_bytes;
        // By column, the other's codes of the texts that are new here.
        let mut new = vec![Vec::new(); self.columns.len()];
        let mut theirs: Vec<Option<ColumnBuffer>> = other.columns.into_iter().map(Some).collect();
        for &index in &self.plain {
            match (&mut self.columns[index], theirs[index].take()) {
                (ColumnBuffer::Dictionary(mine), Some(ColumnBuffer::Dictionary(theirs))) => {
                    new[index] = mine.append(theirs);
                }
                (mine, Some(theirs)) => mine.append(theirs),
                (_, None) => {}
            }
        }
        for (index, derived_columns) in self.derived_columns.iter_mut().enumerate() {
            for &derived in &derived_columns.columns {
                let Some(mut theirs) = theirs[derived].take() else { continue };
                theirs.lay_out(&new[index]);
                self.columns[derived].append(theirs);
            }
            let bytes = &other.derived_columns[index].bytes;
            derived_columns.bytes.extend(new[index].iter().filter_map(|&code| bytes.get(code as usize)));
        }
        self.text_bytes = self.columns.iter().map(ColumnBuffer::text_bytes).sum();
    }
}

#[cfg(test)]
mod tests;
