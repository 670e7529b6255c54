//! Pages of lists.
//!
//! The items are a column like any other, and the writer makes its pages. Two numbers for each item, which Parquet
//! calls levels, turn them into lists: whether the item follows another one of its list, and whether there is a list,
//! an item and a value at all. The levels are made here, because the writer looks at each of them several times, and
//! are encoded by polars. Nearly all lists of a log have one item, so both levels stay the same for long runs.

use std::io;
use std::ops::Range;

use polars_parquet::parquet::CowBuffer;
use polars_parquet::parquet::encoding::hybrid_rle::encode;
use polars_parquet::parquet::metadata::Descriptor;
use polars_parquet::parquet::page::{DataPage, DataPageHeader, DataPageHeaderV1};
use polars_parquet::parquet::schema::Repetition;
use polars_parquet::parquet::statistics::ParquetStatistics;
use polars_parquet::write::{Encoding, Page, ParquetType, WriteOptions, to_parquet_leaves};

use super::column::EncodedColumn;
use crate::table::dictionary::{ABSENT_CODE, Dictionary};
use crate::table::schema::DataType;

/// The statistics of a page without items.
const NO_STATISTICS: ParquetStatistics = ParquetStatistics {
    max: None,
    min: None,
    null_count: None,
    distinct_count: None,
    max_value: None,
    min_value: None,
    is_max_value_exact: None,
    is_min_value_exact: None,
};

/// The pages of lists. Each distinct text of `lists` is a list, with `separator` between its items. `parquet_type` is
/// the list's type.
pub(super) fn pages(
    lists: &Dictionary,
    separator: u8,
    data_type: DataType,
    is_nullable: bool,
    parquet_type: &ParquetType,
    options: WriteOptions,
) -> io::Result<Vec<Page>> {
    let items = ListItems::of(lists, separator, data_type);
    let levels = Levels::of(lists, &items, is_nullable);
    let items = items.of_all_rows(lists)?;
    let leaf = to_parquet_leaves(parquet_type.clone()).pop();
    let leaf = leaf.ok_or_else(|| io::Error::other("a list has to have items of some type"))?;
    // Only items that are present are written, so their type is `Required`. They must be one page, because the levels
    // are.
    let mut required = leaf.clone();
    required.field_info.repetition = Repetition::Required;
    let whole = WriteOptions { data_page_size: Some(usize::MAX), ..options };
    let mut pages = Vec::new();
    let mut data = None;
    for page in items.pages(false, &ParquetType::PrimitiveType(required), whole)? {
        match page {
            Page::Data(page) if data.is_none() => data = Some(page),
            Page::Data(_) => return Err(io::Error::other("the items of some lists have more than one page")),
            page @ Page::Dict(_) => pages.push(page),
        }
    }
    let (statistics, encoding, values) = match &data {
        Some(page) => match page.header() {
            DataPageHeader::V1(header) => (header.statistics.clone(), header.encoding, page.buffer()),
            DataPageHeader::V2(_) => {
                return Err(io::Error::other("the items of some lists have pages of another version"));
            }
        },
        None => (None, Encoding::Plain.into(), &[][..]),
    };
    let mut buffer = Vec::with_capacity(values.len() + 64);
    write_levels(&levels.repetition, 1, &mut buffer)?;
    write_levels(&levels.definition, levels.most, &mut buffer)?;
    buffer.extend_from_slice(values);
    let absent = levels.definition.iter().filter(|level| **level < levels.most).count();
    let header = DataPageHeaderV1 {
        num_values: i32::try_from(levels.definition.len()).map_err(io::Error::other)?,
        encoding,
        definition_level_encoding: Encoding::Rle.into(),
        repetition_level_encoding: Encoding::Rle.into(),
        // The writer rejects a page without statistics, though it makes none for a page without items.
        statistics: Some(ParquetStatistics {
            null_count: i64::try_from(absent).ok(),
            ..statistics.unwrap_or(NO_STATISTICS)
        }),
    };
    let descriptor = Descriptor { primitive_type: leaf, max_def_level: 0, max_rep_level: 0 };
    let header = DataPageHeader::V1(header);
    pages.push(Page::Data(DataPage::new(header, CowBuffer::Owned(buffer), descriptor, lists.codes.len())));
    Ok(pages)
}

/// Writes levels as they are in a page: their length in bytes, then the levels.
fn write_levels(levels: &[u32], most: u32, buffer: &mut Vec<u8>) -> io::Result<()> {
    let start = buffer.len();
    buffer.extend_from_slice(&[0; 4]);
    encode::<u32, _, _>(buffer, levels.iter().copied(), u32::BITS - most.leading_zeros())?;
    let bytes = u32::try_from(buffer.len() - start - 4).map_err(io::Error::other)?;
    buffer[start..start + 4].copy_from_slice(&bytes.to_le_bytes());
    Ok(())
}

/// The items of distinct lists.
struct ListItems {
    /// All items, list after list. `-` is an absent item, and so is anything but a number in a list of numbers.
    words: Dictionary,
    /// By the list's code, the range of its items.
    of_list: Vec<Range<usize>>,
    is_integer: bool,
}

impl ListItems {
    fn of(lists: &Dictionary, separator: u8, data_type: DataType) -> Self {
        let is_integer = matches!(data_type, DataType::IntegerList(_));
        let mut words = Dictionary::default();
        let mut of_list = Vec::with_capacity(lists.distinct.len());
        for code in 0..lists.distinct.len() {
            let start = words.rows();
            for item in lists.distinct.get(code).split(|&byte| byte == separator).filter(|item| !item.is_empty()) {
                if item == b"-" || is_integer && integer_of(item).is_none() {
                    words.push_absent();
                } else {
                    words.push(item);
                }
            }
            of_list.push(start..words.rows());
        }
        words.seal();
        Self { words, of_list, is_integer }
    }

    /// The codes of a list's items.
    fn of_list(&self, list: u32) -> &[u32] {
        &self.words.codes[self.of_list[list as usize].clone()]
    }

    /// Encodes the items of all rows, without the absent ones.
    fn of_all_rows(self, lists: &Dictionary) -> io::Result<EncodedColumn> {
        let there = lists.codes.iter().filter(|list| **list != ABSENT_CODE);
        let items = there.flat_map(|&list| self.of_list(list)).copied().filter(|item| *item != ABSENT_CODE);
        let items: Vec<u32> = items.collect();
        if !self.is_integer {
            let mut words = self.words;
            words.codes = items;
            return EncodedColumn::of_words(words);
        }
        let distinct = &self.words.distinct;
        let numbers: Vec<i64> = (0..distinct.len()).filter_map(|item| integer_of(distinct.get(item))).collect();
        let numbers: Vec<i64> = items.iter().map(|&item| numbers[item as usize]).collect();
        Ok(EncodedColumn::of_numbers(&numbers, DataType::Integer, false))
    }
}

/// The levels of the items of all rows. A row without items has one pair of levels, too.
struct Levels {
    /// 1 if an item follows another one of its list, else 0.
    repetition: Vec<u32>,
    /// How much is there: of list, item and value.
    definition: Vec<u32>,
    /// The definition level of an item with a value.
    most: u32,
}

impl Levels {
    fn of(lists: &Dictionary, items: &ListItems, is_nullable: bool) -> Self {
        let empty = u32::from(is_nullable);
        let (no_value, most) = (empty + 1, empty + 2);
        let (mut repetition, mut definition) = (Vec::new(), Vec::new());
        for &list in &lists.codes {
            let items = if list == ABSENT_CODE { &[] } else { items.of_list(list) };
            if items.is_empty() {
                repetition.push(0);
                definition.push(if list == ABSENT_CODE { 0 } else { empty });
            }
            for (index, &item) in items.iter().enumerate() {
                repetition.push(u32::from(index > 0));
                definition.push(if item == ABSENT_CODE { no_value } else { most });
            }
        }
        Self { repetition, definition, most }
    }
}

fn integer_of(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}
