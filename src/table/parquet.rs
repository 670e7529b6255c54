//! Encodes columns as Parquet row groups, and writes files of them.
//!
//! Texts and numbers that repeat get a sorted dictionary, timestamps and counters are stored as differences, and all
//! pages are compressed with zstd. The types are Parquet's own, so no reader needs a hint of who wrote the file.
//!
//! The dictionaries are those that were built while rows were collected. So this module hands whole columns to
//! polars' Parquet writer and leaves out polars' data frames, which would build the dictionaries again. For a column
//! with a dictionary it writes the data page itself.

mod coded;
mod lists;

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use polars_arrow::array::{Array, BooleanArray, PrimitiveArray, Utf8Array};
use polars_arrow::bitmap::Bitmap;
use polars_arrow::datatypes::{ArrowDataType, ArrowSchema, Field, TimeUnit};
use polars_arrow::offset::OffsetsBuffer;
use polars_parquet::parquet::CowBuffer;
use polars_parquet::parquet::compression::compress as compress_bytes;
use polars_parquet::parquet::error::ParquetResult;
use polars_parquet::parquet::page::{CompressedDictPage, DictPage};
use polars_parquet::write::{
    CompressedPage, CompressionOptions, DynIter, DynStreamingIterator, Encoding, FileWriter, KeyValue, Page,
    ParquetType, StatisticsOptions, Version, WriteOptions, ZstdLevel, array_to_columns, compress,
    fallible_streaming_iterator, to_parquet_type,
};

use super::dictionary::{ABSENT_CODE, Dictionary, StringBuffer};
use super::row_buffer::{ABSENT_NUMBER, ColumnBuffer, RowBuffer};
use super::schema::{Column, DataType, Table};
use coded::DictionaryColumn;

/// The lowest level of zstd. Only random ids are left for it to compress, and the matches that higher levels find in
/// them cost more than they save: at level 3 files are 4 % larger.
const ZSTD_LEVEL: i32 = 1;

/// Maximum distinct values per four rows for a dictionary to be worth its page.
const MAX_DISTINCT_IN_FOUR: usize = 3;

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

/// Some rows, ready to be written.
pub(crate) struct RowGroup {
    rows: u64,
    columns: Vec<Vec<CompressedPage>>,
    bytes: usize,
}

impl RowGroup {
    /// Approximate memory use in bytes, which is also its size in the file.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
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
}

/// Encodes an array as pages. `parquet_type` is the column's type.
fn pages_of(
    array: Box<dyn Array>,
    encoding: Encoding,
    parquet_type: ParquetType,
    options: WriteOptions,
) -> io::Result<Vec<Page>> {
    let columns = array_to_columns(array, parquet_type, options, &[encoding]).map_err(io::Error::other)?;
    columns.into_iter().flatten().map(|page| page.map_err(io::Error::other)).collect()
}

/// Compresses a page, and returns it with its compressed size in bytes. The page may wait long to be written, so
/// unused capacity is released.
fn packed(page: Page, compression: CompressionOptions) -> ParquetResult<(CompressedPage, usize)> {
    match page {
        Page::Dict(DictPage { buffer, num_values, is_sorted }) => {
            let mut bytes = Vec::new();
            compress_bytes(compression, &buffer, &mut bytes)?;
            bytes.shrink_to_fit();
            let size = bytes.len();
            let bytes = CowBuffer::Owned(bytes);
            let page = CompressedDictPage::new(bytes, compression.into(), buffer.len(), num_values, is_sorted);
            Ok((CompressedPage::Dict(page), size))
        }
        page @ Page::Data(_) => {
            let mut page = compress(page, Vec::new(), compression)?;
            let size = match &mut page {
                CompressedPage::Data(page) => {
                    page.slice_mut().to_mut().shrink_to_fit();
                    page.compressed_size()
                }
                CompressedPage::Dict(_) => unreachable!("a page of data stays one"),
            };
            Ok((page, size))
        }
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
    /// Begins a file of the encoder's table.
    pub(crate) fn new(out: W, encoder: &ParquetEncoder) -> io::Result<Self> {
        let schema: ArrowSchema = encoder.fields.iter().map(|field| field.field.clone()).collect();
        let failure = Arc::default();
        let out = ErrorKeeper { out, failure: Arc::clone(&failure) };
        let writer = FileWriter::try_new(out, schema, encoder.options).map_err(io::Error::other)?;
        Ok(Self { writer, metadata: encoder.metadata.clone(), failure })
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

/// The Arrow type from which the Parquet type is derived.
fn arrow_type(data_type: DataType) -> ArrowDataType {
    let list = |item| ArrowDataType::LargeList(Box::new(Field::new("element".into(), item, true)));
    match data_type {
        DataType::Text => ArrowDataType::LargeUtf8,
        DataType::Integer => ArrowDataType::Int64,
        DataType::Seconds => ArrowDataType::Float64,
        DataType::Time => ArrowDataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        DataType::Flag => ArrowDataType::Boolean,
        DataType::TextList(_) => list(ArrowDataType::LargeUtf8),
        DataType::IntegerList(_) => list(ArrowDataType::Int64),
    }
}

/// The values of a column, in the form in which they are written.
enum EncodedColumn {
    /// One after the other.
    Plain(Box<dyn Array>, Encoding),
    /// As indexes into a dictionary.
    Dictionary(DictionaryColumn),
}

impl EncodedColumn {
    fn of(values: ColumnBuffer, data_type: DataType, is_unique: bool) -> io::Result<Self> {
        match values {
            ColumnBuffer::Dictionary(words) => Self::of_words(words),
            ColumnBuffer::Strings(texts, are_absent) => {
                let validity = bitmap(are_absent.iter().map(|is_absent| !is_absent));
                Ok(Self::Plain(Box::new(utf8(texts, validity)?), Encoding::DeltaLengthByteArray))
            }
            ColumnBuffer::Numbers(numbers) => Ok(Self::of_numbers(&numbers, data_type, is_unique)),
            ColumnBuffer::Flags(flags) => {
                let values = flags.iter().map(|flag| flag.unwrap_or_default()).collect();
                let validity = bitmap(flags.iter().map(Option::is_some));
                let array = BooleanArray::new(ArrowDataType::Boolean, values, validity);
                Ok(Self::Plain(Box::new(array), Encoding::Plain))
            }
        }
    }

    /// Texts that repeat, or are expected to.
    fn of_words(words: Dictionary) -> io::Result<Self> {
        let rows = words.codes.len();
        if words.distinct.len() == 0 {
            // Some readers do not expect an empty dictionary.
            let array = Utf8Array::<i64>::new_null(ArrowDataType::LargeUtf8, rows);
            return Ok(Self::Plain(Box::new(array), Encoding::Plain));
        }
        if hardly_repeat(words.distinct.len(), rows) {
            let mut texts = StringBuffer::default();
            for row in 0..rows {
                texts.push(words.get(row).unwrap_or_default());
            }
            let validity = bitmap(words.codes.iter().map(|&code| code != ABSENT_CODE));
            return Ok(Self::Plain(Box::new(utf8(texts, validity)?), Encoding::DeltaLengthByteArray));
        }
        let Dictionary { distinct, codes, .. } = words;
        let order = distinct.order();
        let mut sorted = StringBuffer::default();
        for &code in &order {
            sorted.push(distinct.get(code as usize));
        }
        Ok(Self::Dictionary(DictionaryColumn { codes, places: places(&order), values: Box::new(utf8(sorted, None)?) }))
    }

    fn of_numbers(numbers: &[i64], data_type: DataType, is_unique: bool) -> Self {
        if !is_unique && let Some((codes, distinct)) = codes_of(numbers) {
            let mut sorted: Vec<(i64, u32)> = distinct.into_iter().zip(0..).collect();
            sorted.sort_unstable();
            let order: Vec<u32> = sorted.iter().map(|&(_, code)| code).collect();
            let sorted: Vec<i64> = sorted.into_iter().map(|(number, _)| number).collect();
            return Self::Dictionary(DictionaryColumn {
                codes,
                places: places(&order),
                values: number_values(&sorted, data_type, None),
            });
        }
        let validity = bitmap(numbers.iter().map(|&number| number != ABSENT_NUMBER));
        let encoding = if data_type == DataType::Seconds { Encoding::Plain } else { Encoding::DeltaBinaryPacked };
        Self::Plain(number_values(numbers, data_type, validity), encoding)
    }

    /// `parquet_type` is the column's type, which says whether values may be absent.
    fn pages(self, is_nullable: bool, parquet_type: &ParquetType, options: WriteOptions) -> io::Result<Vec<Page>> {
        match self {
            Self::Plain(array, encoding) => pages_of(array, encoding, parquet_type.clone(), options),
            Self::Dictionary(coded) => coded.pages(is_nullable, parquet_type, options),
        }
    }
}

/// Whether `distinct` values in `rows` rows are too many for a dictionary.
fn hardly_repeat(distinct: usize, rows: usize) -> bool {
    distinct * 4 > rows * MAX_DISTINCT_IN_FOUR
}

/// Marks the values that are present. `None` if all are.
fn bitmap(are_present: impl Iterator<Item = bool> + Clone) -> Option<Bitmap> {
    // Without an early exit, so that the compiler checks many at a time.
    let are_all = are_present.clone().fold(true, |are_all, is_present| are_all & is_present);
    (!are_all).then(|| are_present.collect())
}

/// Fails if a text is not UTF-8.
fn utf8(texts: StringBuffer, validity: Option<Bitmap>) -> io::Result<Utf8Array<i64>> {
    let offsets = OffsetsBuffer::try_from(texts.offsets).map_err(io::Error::other)?;
    Utf8Array::try_new(ArrowDataType::LargeUtf8, offsets, texts.bytes.into(), validity).map_err(io::Error::other)
}

/// The index of each code in `order`, which lists all codes. Neighbours in a sorted dictionary are alike, and
/// compress well.
fn places(order: &[u32]) -> Vec<u32> {
    let mut indexes = vec![0; order.len()];
    for (index, &code) in (0..).zip(order) {
        indexes[code as usize] = index;
    }
    indexes
}

/// Numbers as values of the column's type.
fn number_values(numbers: &[i64], data_type: DataType, validity: Option<Bitmap>) -> Box<dyn Array> {
    match data_type {
        DataType::Seconds => {
            let seconds: Vec<f64> = numbers.iter().map(|&micros| seconds_of(micros)).collect();
            Box::new(PrimitiveArray::new(ArrowDataType::Float64, seconds.into(), validity))
        }
        _ => Box::new(PrimitiveArray::new(arrow_type(data_type), numbers.to_vec().into(), validity)),
    }
}

/// Microseconds as seconds: the double nearest to the decimal number, so that 0.016 is 0.016.
pub(crate) fn seconds_of(micros: i64) -> f64 {
    micros as f64 / 1e6
}

/// The code of each row's number, and the distinct numbers by code. `None` if there is no number, or if numbers
/// hardly repeat.
#[expect(clippy::cast_possible_truncation, reason = "the span is small")]
fn codes_of(numbers: &[i64]) -> Option<(Vec<u32>, Vec<i64>)> {
    /// Numbers within this span, such as ports, statuses and most durations, are looked up in an array instead of a
    /// hash map.
    const MAX_SPAN: u64 = 1 << 16;
    const HASHER: FixedState = FixedState::with_seed(1);
    let present = || numbers.iter().copied().filter(|number| *number != ABSENT_NUMBER);
    let (least, greatest) = (present().min()?, present().max()?);
    // Durations are whole milliseconds if the log has milliseconds only.
    let step = if present().all(|number| number % 1000 == 0) { 1000 } else { 1 };
    let span = greatest.abs_diff(least) / step;
    if span < MAX_SPAN {
        let mut codes = vec![ABSENT_CODE; span as usize + 1];
        return coded(numbers, |number, next| {
            let code = &mut codes[(number.abs_diff(least) / step) as usize];
            if *code == ABSENT_CODE {
                *code = next;
            }
            *code
        });
    }
    let mut codes: HashMap<i64, u32, FixedState> = HashMap::with_hasher(HASHER);
    coded(numbers, |number, next| *codes.entry(number).or_insert(next))
}

/// Does the work of [`codes_of`]. `code_of` returns the code of a number, which is the given one if the number is
/// new.
fn coded(numbers: &[i64], mut code_of: impl FnMut(i64, u32) -> u32) -> Option<(Vec<u32>, Vec<i64>)> {
    let mut distinct = Vec::new();
    let mut codes = Vec::with_capacity(numbers.len());
    for &number in numbers {
        if number == ABSENT_NUMBER {
            codes.push(ABSENT_CODE);
            continue;
        }
        let next = u32::try_from(distinct.len()).ok()?;
        let code = code_of(number, next);
        if code == next {
            if hardly_repeat(distinct.len(), numbers.len()) {
                return None;
            }
            distinct.push(number);
        }
        codes.push(code);
    }
    Some((codes, distinct))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number() -> impl Strategy<Value = i64> {
        prop_oneof![
            4 => -3..3_i64,
            2 => (-3..3_i64).prop_map(|number| number * 1000),
            1 => Just(ABSENT_NUMBER),
        ]
    }

    proptest! {
        #[test]
        fn codes_stand_for_their_numbers(
            few in prop::collection::vec(number(), 0..40),
            far in prop::option::of(any::<i64>()),
            step in prop::sample::select(&[1, 1000][..]),
        ) {
            // Each number comes twice, so the distinct ones are few enough for a dictionary.
            let numbers: Vec<i64> = few.iter().map(|number| number.saturating_mul(step)).chain(far).collect();
            let numbers = [numbers.clone(), numbers].concat();
            let coded = codes_of(&numbers);
            prop_assert_eq!(coded.is_none(), numbers.iter().all(|number| *number == ABSENT_NUMBER));
            let (codes, distinct) = coded.unwrap_or_default();
            let value_of = |code: &u32| distinct.get(*code as usize).copied().unwrap_or(ABSENT_NUMBER);
            prop_assert_eq!(codes.iter().map(value_of).collect::<Vec<_>>(), if codes.is_empty() { Vec::new() } else { numbers });
        }
    }
}
