//! One column of a row group: as plain values, or as a dictionary and codes.

use std::io;

use polars_arrow::array::{Array, BooleanArray, PrimitiveArray, Utf8Array};
use polars_arrow::bitmap::Bitmap;
use polars_arrow::datatypes::{ArrowDataType, Field, TimeUnit};
use polars_arrow::offset::OffsetsBuffer;
use polars_parquet::write::{Encoding, Page, ParquetType, WriteOptions};

use super::dictionary_pages::DictionaryColumn;
use super::number_codes::{codes_of, hardly_repeat};
use super::number_pages::number_pages;
use super::pages::pages_of;
use crate::table::column_buffer::{ABSENT_NUMBER, ColumnBuffer};
use crate::table::dictionary::{ABSENT_CODE, Dictionary};
use crate::table::schema::{DataType, seconds_of};
use crate::table::string_buffer::StringBuffer;

/// The Arrow type from which the Parquet type is derived.
pub(super) fn arrow_type(data_type: DataType) -> ArrowDataType {
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
pub(super) enum EncodedColumn {
    /// One after the other.
    Plain(Box<dyn Array>, Encoding),
    /// Numbers, one after the other: integers or times.
    Integers(PrimitiveArray<i64>),
    /// Numbers, one after the other: seconds.
    Seconds(PrimitiveArray<f64>),
    /// As indexes into a dictionary.
    Dictionary(DictionaryColumn),
}

impl EncodedColumn {
    pub(super) fn of(values: ColumnBuffer, data_type: DataType, is_unique: bool) -> io::Result<Self> {
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
    pub(super) fn of_words(words: Dictionary) -> io::Result<Self> {
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
        Ok(Self::Dictionary(DictionaryColumn {
            codes,
            sorted_index: sorted_index(&order),
            values: Box::new(utf8(sorted, None)?),
        }))
    }

    pub(super) fn of_numbers(numbers: &[i64], data_type: DataType, is_unique: bool) -> Self {
        if !is_unique && let Some((codes, distinct)) = codes_of(numbers) {
            let mut sorted: Vec<(i64, u32)> = distinct.into_iter().zip(0..).collect();
            sorted.sort_unstable();
            let order: Vec<u32> = sorted.iter().map(|&(_, code)| code).collect();
            let sorted: Vec<i64> = sorted.into_iter().map(|(number, _)| number).collect();
            return Self::Dictionary(DictionaryColumn {
                codes,
                sorted_index: sorted_index(&order),
                values: match data_type {
                    DataType::Seconds => Box::new(seconds(&sorted, None)),
                    _ => Box::new(integers(&sorted, data_type, None)),
                },
            });
        }
        let validity = bitmap(numbers.iter().map(|&number| number != ABSENT_NUMBER));
        match data_type {
            DataType::Seconds => Self::Seconds(seconds(numbers, validity)),
            _ => Self::Integers(integers(numbers, data_type, validity)),
        }
    }

    /// `parquet_type` is the column's type, which says whether values may be absent.
    pub(super) fn pages(
        self,
        is_nullable: bool,
        parquet_type: &ParquetType,
        options: WriteOptions,
    ) -> io::Result<Vec<Page>> {
        match self {
            Self::Plain(array, encoding) => pages_of(array, encoding, parquet_type.clone(), options),
            Self::Integers(array) => number_pages(array, Encoding::DeltaBinaryPacked, parquet_type.clone(), options),
            Self::Seconds(array) => number_pages(array, Encoding::Plain, parquet_type.clone(), options),
            Self::Dictionary(coded) => coded.pages(is_nullable, parquet_type, options),
        }
    }
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
fn sorted_index(order: &[u32]) -> Vec<u32> {
    let mut indexes = vec![0; order.len()];
    for (index, &code) in (0..).zip(order) {
        indexes[code as usize] = index;
    }
    indexes
}

/// Microseconds as seconds.
fn seconds(numbers: &[i64], validity: Option<Bitmap>) -> PrimitiveArray<f64> {
    let seconds: Vec<f64> = numbers.iter().map(|&micros| seconds_of(micros)).collect();
    PrimitiveArray::new(ArrowDataType::Float64, seconds.into(), validity)
}

/// Numbers as values of the column's type.
fn integers(numbers: &[i64], data_type: DataType, validity: Option<Bitmap>) -> PrimitiveArray<i64> {
    PrimitiveArray::new(arrow_type(data_type), numbers.to_vec().into(), validity)
}
