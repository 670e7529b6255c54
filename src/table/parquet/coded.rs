//! Pages of values that repeat: a dictionary, and for each row the index of its value in it.
//!
//! The writer makes the dictionary page. The indexes are written here, in the encoding that Parquet calls hybrid: a
//! long run of one number as the number and its count, all other numbers packed with as few bits as the largest
//! needs. The writer's own code for it looks at each row four times, and at each absent row bit by bit.

use std::io;

use polars_arrow::array::{Array, DictionaryArray, PrimitiveArray};
use polars_arrow::datatypes::ArrowDataType;
use polars_parquet::parquet::CowBuffer;
use polars_parquet::parquet::metadata::Descriptor;
use polars_parquet::parquet::page::{DataPage, DataPageHeader, DataPageHeaderV1};
use polars_parquet::parquet::statistics::ParquetStatistics;
use polars_parquet::write::{Encoding, Page, ParquetType, WriteOptions};

use super::pages_of;
use crate::table::dictionary::ABSENT_CODE;

/// Numbers in one packed group.
const PACK: usize = 8;

/// The values of all rows, as codes, and their dictionary.
pub(super) struct DictionaryColumn {
    /// The code of each row's value; [`ABSENT_CODE`] for none.
    pub(super) codes: Vec<u32>,
    /// The index in `values` of each code's value.
    pub(super) places: Vec<u32>,
    /// At least one.
    pub(super) values: Box<dyn Array>,
}

impl DictionaryColumn {
    /// Returns two pages: the dictionary and the data. `parquet_type` is the column's type.
    pub(super) fn pages(
        self,
        is_nullable: bool,
        parquet_type: &ParquetType,
        options: WriteOptions,
    ) -> io::Result<Vec<Page>> {
        let Self { codes, places, values } = self;
        let ParquetType::PrimitiveType(primitive_type) = parquet_type else {
            return Err(io::Error::other("only single values have a dictionary"));
        };
        let width = u32::BITS - u32::try_from(values.len() - 1).map_err(io::Error::other)?.leading_zeros();
        let rows = codes.len();
        let (dictionary, statistics) = dictionary(values, parquet_type, options)?;

        let there = codes.iter().filter(|code| **code != ABSENT_CODE).count();
        let mut buffer = Vec::new();
        if is_nullable {
            let start = buffer.len();
            buffer.extend_from_slice(&[0; 4]);
            if there == rows {
                write_run(rows, 1, 1, &mut buffer);
            } else {
                let levels: Vec<u8> = codes.iter().map(|&code| u8::from(code != ABSENT_CODE)).collect();
                write_hybrid(&levels, 1, &mut buffer);
            }
            let bytes = u32::try_from(buffer.len() - start - 4).map_err(io::Error::other)?;
            buffer[start..start + 4].copy_from_slice(&bytes.to_le_bytes());
        }
        buffer.push(u8::try_from(width).map_err(io::Error::other)?);
        let mut codes = codes;
        if there < rows {
            codes.retain(|code| *code != ABSENT_CODE);
        }
        if !places.is_sorted() {
            for code in &mut codes {
                *code = places[*code as usize];
            }
        }
        write_hybrid(&codes, width, &mut buffer);

        let header = DataPageHeader::V1(DataPageHeaderV1 {
            num_values: i32::try_from(rows).map_err(io::Error::other)?,
            encoding: Encoding::RleDictionary.into(),
            definition_level_encoding: Encoding::Rle.into(),
            repetition_level_encoding: Encoding::Rle.into(),
            statistics: statistics
                .map(|statistics| ParquetStatistics { null_count: i64::try_from(rows - there).ok(), ..statistics }),
        });
        let descriptor = Descriptor { primitive_type: primitive_type.clone(), max_def_level: 0, max_rep_level: 0 };
        let data = DataPage::new(header, CowBuffer::Owned(buffer), descriptor, rows);
        Ok(vec![dictionary, Page::Data(data)])
    }
}

/// The page of a dictionary, and the statistics with its least and greatest value. Both come from letting the writer
/// write the dictionary and a single row.
fn dictionary(
    values: Box<dyn Array>,
    parquet_type: &ParquetType,
    options: WriteOptions,
) -> io::Result<(Page, Option<ParquetStatistics>)> {
    let keys = PrimitiveArray::new(ArrowDataType::UInt32, vec![0_u32].into(), None);
    let array = DictionaryArray::try_from_keys(keys, values, false).map_err(io::Error::other)?;
    let (mut dictionary, mut statistics) = (None, None);
    for page in pages_of(Box::new(array), Encoding::RleDictionary, parquet_type.clone(), options)? {
        match page {
            Page::Data(page) => {
                statistics = match page.header() {
                    DataPageHeader::V1(header) => header.statistics.clone(),
                    DataPageHeader::V2(header) => header.statistics.clone(),
                }
            }
            page @ Page::Dict(_) => dictionary = Some(page),
        }
    }
    let dictionary = dictionary.ok_or_else(|| io::Error::other("a dictionary has to have a page"))?;
    Ok((dictionary, statistics))
}

/// Writes numbers of at most `width` bits each. `width` is at most 32.
///
/// Source: <https://parquet.apache.org/docs/file-format/data-pages/encodings/>
fn write_hybrid<T: Copy + Eq + Into<u32>>(numbers: &[T], width: u32, out: &mut Vec<u8>) {
    // A run takes up to five bytes, and splits the packed numbers around it in two.
    let least = (64 / width.max(1) as usize).max(PACK);
    let (mut packed_to, mut at) = (0, 0);
    while let Some(pack) = numbers.get(at..at + PACK) {
        let run = if is_same(pack, pack[0]) { run(&numbers[at..]) } else { 0 };
        if run >= least {
            write_packed(&numbers[packed_to..at], width, out);
            write_run(run, pack[0].into(), width, out);
            at += run;
            packed_to = at;
        } else {
            at += PACK;
        }
    }
    write_packed(&numbers[packed_to..], width, out);
}

/// How often the first number comes before a different one.
fn run<T: Copy + Eq>(numbers: &[T]) -> usize {
    const WIDE: usize = 64;
    let first = numbers[0];
    let wide = numbers.chunks_exact(WIDE).take_while(|chunk| is_same(chunk, first)).count() * WIDE;
    wide + numbers[wide..].iter().take_while(|number| **number == first).count()
}

/// Compares all numbers, because an early exit would be slower.
#[inline]
fn is_same<T: Copy + Eq>(numbers: &[T], number: T) -> bool {
    numbers.iter().fold(0, |differ, other| differ | u8::from(*other != number)) == 0
}

fn write_run(times: usize, number: u32, width: u32, out: &mut Vec<u8>) {
    write_header((times as u64) << 1, out);
    out.extend_from_slice(&number.to_le_bytes()[..width.div_ceil(8) as usize]);
}

/// Writes numbers packed. Their count must be a multiple of [`PACK`], except at the end of a sequence.
fn write_packed<T: Copy + Into<u32>>(numbers: &[T], width: u32, out: &mut Vec<u8>) {
    if numbers.is_empty() {
        return;
    }
    let packs = numbers.len().div_ceil(PACK);
    write_header((packs as u64) << 1 | 1, out);
    let end = out.len() + packs * width as usize;
    out.reserve(end - out.len() + size_of::<u32>());
    let (mut bits, mut filled) = (0_u64, 0);
    for &number in numbers {
        bits |= u64::from(number.into()) << filled;
        filled += width;
        if filled >= u32::BITS {
            out.extend_from_slice(&bits.to_le_bytes()[..size_of::<u32>()]);
            bits >>= u32::BITS;
            filled -= u32::BITS;
        }
    }
    out.extend_from_slice(&bits.to_le_bytes()[..size_of::<u32>()]);
    out.resize(end, 0);
}

/// Writes seven bits per byte, the lowest first. All bytes except the last have the eighth bit set.
fn write_header(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

#[cfg(test)]
mod tests {
    use polars_parquet::parquet::encoding::hybrid_rle::HybridRleDecoder;
    use proptest::prelude::*;

    use super::*;

    /// Writes numbers, and reads them back with polars' decoder.
    fn read(numbers: &[u32], width: u32) -> Vec<u32> {
        let mut bytes = Vec::new();
        write_hybrid(numbers, width, &mut bytes);
        let decoder = HybridRleDecoder::new(&bytes, width, numbers.len());
        decoder.collect().expect("it can be read")
    }

    proptest! {
        #[test]
        fn numbers_come_out_as_they_went_in(
            width in 0_u32..=32,
            runs in prop::collection::vec((any::<u32>(), prop_oneof![Just(1_usize), 1..20_usize, 1..300_usize]), 0..60),
        ) {
            let mask = u32::MAX.checked_shr(32 - width).unwrap_or(0);
            let numbers: Vec<u32> = runs.iter().flat_map(|&(number, times)| vec![number & mask; times]).collect();
            prop_assert_eq!(read(&numbers, width), numbers);
        }
    }

    #[test]
    fn a_column_of_one_value_takes_a_few_bytes() {
        let mut bytes = Vec::new();
        write_hybrid(&vec![5_u8; 100_000], 3, &mut bytes);
        assert_eq!(bytes, [0xc0, 0x9a, 0x0c, 5], "200,000 in three bytes of seven bits, then 5");
    }
}
