//! Encodes columns as Parquet row groups, and writes files of them.
//!
//! Texts and numbers that repeat get a sorted dictionary, timestamps and counters are stored as differences, and all
//! pages are compressed with zstd. The types are Parquet's own, so no reader needs a hint of who wrote the file.
//!
//! The dictionaries are those that were built while rows were collected. So this module hands whole columns to
//! polars' Parquet writer and leaves out polars' data frames, which would build the dictionaries again. For a column
//! with a dictionary it writes the data page itself.

mod column;
mod dictionary_pages;
mod hybrid;
mod lists;
mod number_codes;
mod number_pages;
mod pages;
mod writer;

use std::io::{self, Write};

use polars_arrow::datatypes::Field;
use polars_parquet::write::{
    CompressionOptions, KeyValue, ParquetType, StatisticsOptions, Version, WriteOptions, ZstdLevel, to_parquet_type,
};
pub(crate) use writer::{ParquetWriter, RowGroup};

use super::column_buffer::ColumnBuffer;
use super::row_buffer::RowBuffer;
use super::schema::{Column, DataType, Table};
use column::{EncodedColumn, arrow_type};
use pages::packed;

/// The lowest level of zstd. Only random ids are left for it to compress, and the matches that higher levels find in
/// them cost more than they save: at level 3 files are 4 % larger.
const ZSTD_LEVEL: i32 = 1;

/// How the files of one table are written.
#[derive(Clone)]
pub(crate) struct ParquetEncoder {
    fields: Vec<ParquetField>,
    options: WriteOptions,
    metadata: Vec<KeyValue>,
}

#[derive(Clone)]
struct ParquetField {
    data_type: DataType,
    /// Whether values hardly ever repeat.
    is_unique: bool,
    field: Field,
    parquet_type: ParquetType,
}

impl ParquetEncoder {
    /// For files with these columns.
    pub(crate) fn new<T: Table>(columns: &[&'static Column<T>]) -> io::Result<Self> {
        let fields = columns.iter().map(|column| {
            let field = Field::new(column.name.into(), arrow_type(column.data_type), !column.absent.is_empty());
            let parquet_type = to_parquet_type(&field).map_err(io::Error::other)?;
            Ok(ParquetField { data_type: column.data_type, is_unique: column.is_unique, field, parquet_type })
        });
        let level = ZstdLevel::try_new(ZSTD_LEVEL).map_err(|error| io::Error::other(error.to_string()))?;
        let options = WriteOptions {
            statistics: StatisticsOptions::default(),
            version: Version::V1,
            compression: CompressionOptions::Zstd(Some(level)),
            data_page_size: None,
        };
        let entry = |key: &str, value: &str| KeyValue { key: key.to_owned(), value: Some(value.to_owned()) };
        let metadata = vec![entry("albscope.version", env!("CARGO_PKG_VERSION")), entry("albscope.table", T::NAME)];
        Ok(Self { fields: fields.collect::<io::Result<_>>()?, options, metadata })
    }

    /// Encodes and compresses rows.
    pub(crate) fn encode(&self, columns: RowBuffer) -> io::Result<RowGroup> {
        let rows = columns.rows as u64;
        let mut bytes = 0;
        let encoded = columns.columns.into_iter().zip(&self.fields).map(|(values, field)| {
            let ParquetField { data_type, is_unique, field, parquet_type } = field;
            // Its pages would have fewer values than rows, and no reader could tell which rows have none.
            if !field.is_nullable && values.has_absent() {
                let reason = format!("the column {} has no value in some row, but is never absent", field.name);
                return Err(io::Error::other(reason));
            }
            let unpacked = match (values, data_type.separator()) {
                (ColumnBuffer::Dictionary(lists), Some(separator)) => {
                    lists::pages(&lists, separator, *data_type, field.is_nullable, parquet_type, self.options)?
                }
                (values, _) => EncodedColumn::of(values, *data_type, *is_unique)?.pages(
                    field.is_nullable,
                    parquet_type,
                    self.options,
                )?,
            };
            let mut pages = Vec::with_capacity(unpacked.len());
            for page in unpacked {
                let (page, size) =
                    packed(page, self.options.compression).map_err(|error| io::Error::other(error.to_string()))?;
                bytes += size;
                pages.push(page);
            }
            Ok(pages)
        });
        let columns = encoded.collect::<io::Result<_>>()?;
        Ok(RowGroup { rows, columns, bytes })
    }

    /// Begins a file of row groups that this encodes.
    pub(crate) fn begin<W: Write>(&self, out: W) -> io::Result<ParquetWriter<W>> {
        let schema = self.fields.iter().map(|field| field.field.clone()).collect();
        ParquetWriter::new(out, schema, self.options, self.metadata.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::schema::Cell;

    /// A table whose columns are never absent.
    enum Required {}

    impl Table for Required {
        type Row<'a> = Option<i64>;
        const NAME: &'static str = "required";
        const MEANING: &'static str = "a row of a test";
        const COLUMNS: &'static [Column<Self>] = &[
            Column::<Self>::new("word", DataType::Text, |row| Cell::text(row.map(|_| &b"word"[..])), ""),
            Column::<Self>::new("text", DataType::Text, |row| Cell::text(row.map(|_| &b"text"[..])), "").unique(),
            Column::<Self>::new("number", DataType::Integer, |row| Cell::integer(*row), ""),
            Column::<Self>::new("flag", DataType::Flag, |row| row.map_or(Cell::Absent, |it| Cell::Flag(it > 0)), ""),
            Column::<Self>::new("list", LIST, |row| row.map_or(Cell::Absent, |_| Cell::List(b"a b")), ""),
        ];
    }

    const LIST: DataType = DataType::TextList(b' ');

    #[test]
    fn a_column_that_is_never_absent_is_not_written_without_a_value() {
        for column in Required::COLUMNS {
            let table = [column];
            let encoder = ParquetEncoder::new(&table).expect("it has a type");
            let encode = |rows: &[Option<i64>]| {
                let mut buffer = RowBuffer::new(&table);
                for row in rows {
                    buffer.push(&table, row, false);
                }
                buffer.seal();
                encoder.encode(buffer).map(|group| group.rows).map_err(|error| error.to_string())
            };
            assert_eq!(encode(&[Some(1), Some(2)]), Ok(2), "{}", column.name);
            let error = encode(&[Some(1), None]).expect_err(column.name);
            assert!(error.contains(&format!("the column {}", column.name)), "{error}");
        }
    }
}
