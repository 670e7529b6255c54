//! Pages of values that repeat: a dictionary, and for each row the index of its value in it.
//!
//! The writer makes the dictionary page. The indexes are written by `hybrid`, because the writer's own code looks at
//! each row four times, and at each absent row bit by bit.

use std::io;

use polars_arrow::array::{Array, DictionaryArray, PrimitiveArray};
use polars_arrow::datatypes::ArrowDataType;
use polars_parquet::parquet::CowBuffer;
use polars_parquet::parquet::metadata::Descriptor;
use polars_parquet::parquet::page::{DataPage, DataPageHeader, DataPageHeaderV1};
use polars_parquet::parquet::statistics::ParquetStatistics;
use polars_parquet::write::{Encoding, Page, ParquetType, WriteOptions};

use super::hybrid::{write_hybrid, write_run};
use super::pages::pages_of;
use crate::table::dictionary::ABSENT_CODE;

/// The values of all rows, as codes, and their dictionary.
pub(super) struct DictionaryColumn {
    /// The code of each row's value; [`ABSENT_CODE`] for none.
    pub(super) codes: Vec<u32>,
    /// The index in `values` of each code's value.
    pub(super) sorted_index: Vec<u32>,
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
        let Self { codes, sorted_index, values } = self;
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
        if !sorted_index.is_sorted() {
            for code in &mut codes {
                *code = sorted_index[*code as usize];
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
