//! Pages of numbers, with their statistics.
//!
//! The least and the greatest number of each page are found here. polars would find them with code that takes a minute
//! to build if it is optimised, and many times as long to run if it is not.

use std::io;

use polars_arrow::array::PrimitiveArray;
use polars_arrow::types::NativeType;
use polars_parquet::parquet::CowBuffer;
use polars_parquet::parquet::page::{DataPage, DataPageHeader, DataPageHeaderV1};
use polars_parquet::parquet::statistics::ParquetStatistics;
use polars_parquet::write::{Encoding, Page, ParquetType, StatisticsOptions, WriteOptions};

use super::pages::pages_of;

/// A type of numbers in columns.
pub(super) trait PlainNumber: NativeType {
    /// The least and the greatest of some numbers in Parquet's plain encoding. `None` if there are no numbers.
    fn bounds(numbers: impl Iterator<Item = Self>) -> Option<[Vec<u8>; 2]>;
}

impl PlainNumber for i64 {
    fn bounds(numbers: impl Iterator<Item = Self>) -> Option<[Vec<u8>; 2]> {
        let wider = |bounds: Option<(Self, Self)>, number: Self| {
            Some(bounds.map_or((number, number), |(least, greatest)| (least.min(number), greatest.max(number))))
        };
        numbers.fold(None, wider).map(|(least, greatest)| [least, greatest].map(|number| number.to_le_bytes().to_vec()))
    }
}

impl PlainNumber for f64 {
    fn bounds(numbers: impl Iterator<Item = Self>) -> Option<[Vec<u8>; 2]> {
        let wider = |bounds: Option<(Self, Self)>, number: Self| {
            Some(bounds.map_or((number, number), |(least, greatest)| (least.min(number), greatest.max(number))))
        };
        let (least, greatest) = numbers.fold(None, wider)?;
        // Parquet asks for it: -0 and 0 are equal, and a reader may compare their bits.
        let least = if least == 0.0 { -0.0 } else { least };
        let greatest = if greatest == 0.0 { 0.0 } else { greatest };
        Some([least, greatest].map(|number: Self| number.to_le_bytes().to_vec()))
    }
}

/// Encodes numbers as pages. `parquet_type` is the column's type.
pub(super) fn number_pages<T: PlainNumber>(
    array: PrimitiveArray<T>,
    encoding: Encoding,
    parquet_type: ParquetType,
    options: WriteOptions,
) -> io::Result<Vec<Page>> {
    let statistics = StatisticsOptions { min_value: false, max_value: false, ..options.statistics };
    let mut rest = array.clone();
    let pages = pages_of(Box::new(array), encoding, parquet_type, WriteOptions { statistics, ..options })?;
    let with_bounds = pages.into_iter().map(|page| {
        let Page::Data(mut page) = page else { return Ok(page) };
        let rows = page.num_rows().filter(|&rows| rows <= rest.len());
        let rows = rows.ok_or_else(|| io::Error::other("a page of numbers does not tell how many it has"))?;
        let mut numbers = rest.clone();
        numbers.slice(0, rows);
        rest.slice(rows, rest.len() - rows);
        let DataPageHeader::V1(header) = page.header() else {
            return Err(io::Error::other("a page of numbers is of another version"));
        };
        let [min_value, max_value] = match numbers.validity() {
            None => T::bounds(numbers.values_iter().copied()),
            Some(_) => T::bounds(numbers.non_null_values_iter()),
        }
        .map_or([None, None], |bounds| bounds.map(Some));
        let statistics = header.statistics.clone().map(|known| ParquetStatistics { min_value, max_value, ..known });
        let header = DataPageHeader::V1(DataPageHeaderV1 { statistics, ..header.clone() });
        let buffer = CowBuffer::Owned(std::mem::take(page.buffer_mut()));
        Ok(Page::Data(DataPage::new(header, buffer, page.descriptor, rows)))
    });
    with_bounds.collect()
}

#[cfg(test)]
mod tests {
    use polars_arrow::datatypes::{ArrowDataType, Field};
    use polars_parquet::write::{CompressionOptions, Version, to_parquet_type};
    use proptest::prelude::*;

    use super::*;

    fn options(data_page_size: Option<usize>) -> WriteOptions {
        WriteOptions {
            statistics: StatisticsOptions::default(),
            version: Version::V1,
            compression: CompressionOptions::Uncompressed,
            data_page_size,
        }
    }

    /// The statistics and the bytes of each page.
    fn shown(pages: &[Page]) -> Vec<String> {
        let page = |page: &Page| match page {
            Page::Data(page) => format!("{:?} {:?}", page.header(), page.buffer()),
            Page::Dict(_) => unreachable!("no dictionary was asked for"),
        };
        pages.iter().map(page).collect()
    }

    fn same_as_polars<T: PlainNumber>(
        numbers: &[Option<T>],
        data_type: ArrowDataType,
        page_bytes: Option<usize>,
    ) -> Result<(), TestCaseError> {
        let array = PrimitiveArray::<T>::from(numbers).to(data_type.clone());
        let parquet_type = to_parquet_type(&Field::new("number".into(), data_type, true)).expect("a type");
        let options = options(page_bytes);
        let ours = number_pages(array.clone(), Encoding::Plain, parquet_type.clone(), options).expect("pages");
        let theirs = pages_of(Box::new(array), Encoding::Plain, parquet_type, options).expect("pages");
        prop_assert_eq!(shown(&ours), shown(&theirs));
        Ok(())
    }

    proptest! {
        #[test]
        fn pages_are_those_of_polars(
            numbers in proptest::collection::vec(proptest::option::of(-3_i64..3), 0..60),
            page_bytes in proptest::option::of(8_usize..200),
        ) {
            same_as_polars(&numbers, ArrowDataType::Int64, page_bytes)?;
            let halves: Vec<Option<f64>> = numbers.iter().map(|number| number.map(|it| it as f64 / 2.0)).collect();
            same_as_polars(&halves, ArrowDataType::Float64, page_bytes)?;
        }
    }
}
