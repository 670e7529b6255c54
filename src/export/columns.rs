//! Rows on their way into a file: a typed column for each of a table's.
//!
//! Texts that occur again are kept once, with a code for each row; that is how Parquet stores them too, and most of a log's texts do occur again.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use super::schema::{Cell, Column, DataType, Table};
use super::text::write_clean;

/// The code of an absent text.
pub(super) const ABSENT_CODE: u32 = u32::MAX;

/// Stands for an absent number: no moment, count or duration is that far below zero.
pub(super) const ABSENT_NUMBER: i64 = i64::MIN;

/// Rows of some columns, in the order in which they were pushed.
#[derive(Clone, Debug)]
pub(super) struct Columns {
    pub(super) rows: usize,
    #[expect(clippy::struct_field_names, reason = "columns have columns")]
    pub(super) columns: Vec<Values>,
    /// What a row takes beside its texts.
    row_bytes: usize,
    text_bytes: usize,
    /// Scratch space for a text that needs cleaning.
    scratch: Vec<u8>,
}

/// The values of one column.
#[derive(Clone, Debug)]
pub(super) enum Values {
    /// Texts and lists that occur again.
    Words(Words),
    /// Texts that do not, and which of them are absent.
    Texts(Texts, Vec<bool>),
    /// Whole numbers, microseconds since the epoch, or durations in microseconds.
    Numbers(Vec<i64>),
    /// Absent where `None`.
    Flags(Vec<Option<bool>>),
}

impl Values {
    fn row_bytes(&self) -> usize {
        match self {
            Self::Words(_) => size_of::<u32>(),
            Self::Texts(..) => size_of::<i64>() + size_of::<bool>(),
            Self::Numbers(_) => size_of::<i64>(),
            Self::Flags(_) => size_of::<Option<bool>>(),
        }
    }

    fn text_bytes(&self) -> usize {
        match self {
            Self::Words(words) => words.distinct.bytes.len(),
            Self::Texts(texts, _) => texts.bytes.len(),
            Self::Numbers(_) | Self::Flags(_) => 0,
        }
    }
}

/// Texts of which each stands here once.
#[derive(Clone, Debug, Default)]
pub(super) struct Words {
    /// The distinct texts, by code.
    pub(super) distinct: Texts,
    /// Which one stands in each row; [`ABSENT_CODE`] for none.
    pub(super) codes: Vec<u32>,
    table: HashTable<u32>,
}

/// Texts one behind the other.
#[derive(Clone, Debug)]
pub(super) struct Texts {
    pub(super) bytes: Vec<u8>,
    /// Where each begins and the one before it ends: one more than there are texts.
    pub(super) offsets: Vec<i64>,
}

impl Default for Texts {
    fn default() -> Self {
        Self { bytes: Vec::new(), offsets: vec![0] }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "places in memory"
)]
impl Texts {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// The text at a place.
    #[inline]
    pub(super) fn get(&self, place: usize) -> &[u8] {
        &self.bytes[self.offsets[place] as usize..self.offsets[place + 1] as usize]
    }

    #[inline]
    pub(super) fn push(&mut self, text: &[u8]) {
        self.bytes.extend_from_slice(text);
        self.offsets.push(self.bytes.len() as i64);
    }

    fn append(&mut self, other: &Self) {
        let start = self.bytes.len() as i64;
        self.bytes.extend_from_slice(&other.bytes);
        self.offsets.extend(other.offsets[1..].iter().map(|offset| start + offset));
    }
}

const HASHER: FixedState = FixedState::with_seed(1);

impl Words {
    /// The text of a row. Absent where it has none.
    pub(super) fn get(&self, row: usize) -> Option<&[u8]> {
        let code = self.codes[row];
        (code != ABSENT_CODE).then(|| self.distinct.get(code as usize))
    }

    #[inline]
    pub(super) fn push(&mut self, word: &[u8]) {
        // Neighbours are often the same.
        let code = match self.codes.last() {
            Some(&last) if last != ABSENT_CODE && self.distinct.get(last as usize) == word => last,
            _ => self.code_of(word),
        };
        self.codes.push(code);
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "there are no more words than rows, which are bounded far below"
    )]
    fn code_of(&mut self, word: &[u8]) -> u32 {
        let Self { distinct, table, .. } = self;
        let hash = HASHER.hash_one(word);
        if let Some(&code) = table.find(hash, |&code| distinct.get(code as usize) == word) {
            return code;
        }
        let code = distinct.len() as u32;
        distinct.push(word);
        table.insert_unique(hash, code, |&code| HASHER.hash_one(distinct.get(code as usize)));
        code
    }

    fn append(&mut self, other: &Self) {
        let codes: Vec<u32> = (0..other.distinct.len()).map(|code| self.code_of(other.distinct.get(code))).collect();
        let moved = other.codes.iter().map(|&code| if code == ABSENT_CODE { code } else { codes[code as usize] });
        self.codes.extend(moved);
    }
}

impl Columns {
    /// No rows yet.
    pub(super) fn new<T: Table>(columns: &[&'static Column<T>]) -> Self {
        let columns = columns.iter().map(|column| match column.data_type {
            DataType::Text if column.is_unique => Values::Texts(Texts::default(), Vec::new()),
            DataType::Text | DataType::TextList(_) | DataType::IntegerList(_) => Values::Words(Words::default()),
            DataType::Integer | DataType::Seconds | DataType::Time => Values::Numbers(Vec::new()),
            DataType::Flag => Values::Flags(Vec::new()),
        });
        let columns: Vec<Values> = columns.collect();
        let row_bytes = columns.iter().map(Values::row_bytes).sum();
        Self { rows: 0, columns, row_bytes, text_bytes: 0, scratch: Vec::new() }
    }

    /// How much memory they take, roughly.
    pub(super) fn bytes(&self) -> usize {
        self.rows * self.row_bytes + self.text_bytes
    }

    /// How much of it texts take, those that occur again once.
    pub(super) fn text_bytes(&self) -> usize {
        self.text_bytes
    }

    /// Takes in a row of the table that the columns are of. `is_clean` says that its texts are known to have no byte that needs cleaning.
    #[inline]
    pub(super) fn push<T: Table>(&mut self, columns: &[&'static Column<T>], row: &T::Row<'_>, is_clean: bool) {
        let Self { rows, columns: values, text_bytes, scratch, .. } = self;
        *rows += 1;
        for (values, column) in values.iter_mut().zip(columns) {
            let cell = (column.cell)(row);
            match values {
                Values::Words(words) => {
                    let known = words.distinct.bytes.len();
                    match cell {
                        Cell::Text(text) | Cell::List(text) => {
                            if is_clean {
                                words.push(text);
                            } else {
                                words.push(write_clean(text, column.data_type.separator(), scratch));
                            }
                        }
                        _ => words.codes.push(ABSENT_CODE),
                    }
                    *text_bytes += words.distinct.bytes.len() - known;
                }
                Values::Texts(texts, are_absent) => {
                    let text = match cell {
                        Cell::Text(text) if is_clean => Some(text),
                        Cell::Text(text) => Some(write_clean(text, None, scratch)),
                        _ => None,
                    };
                    texts.push(text.unwrap_or_default());
                    are_absent.push(text.is_none());
                    *text_bytes += text.map_or(0, <[u8]>::len);
                }
                Values::Numbers(numbers) => {
                    numbers.push(match cell {
                        Cell::Integer(number) => number,
                        Cell::Micros(micros) => i64::try_from(micros).unwrap_or(i64::MAX),
                        Cell::Time(time) => time.as_micros(),
                        _ => ABSENT_NUMBER,
                    });
                }
                Values::Flags(flags) => {
                    flags.push(match cell {
                        Cell::Flag(flag) => Some(flag),
                        _ => None,
                    });
                }
            }
        }
    }

    /// Takes in the rows of others of the same columns, behind its own.
    pub(super) fn append(&mut self, other: &Self) {
        self.rows += other.rows;
        for (mine, theirs) in self.columns.iter_mut().zip(&other.columns) {
            match (mine, theirs) {
                (Values::Words(mine), Values::Words(theirs)) => mine.append(theirs),
                (Values::Texts(mine, mine_absent), Values::Texts(theirs, theirs_absent)) => {
                    mine.append(theirs);
                    mine_absent.extend_from_slice(theirs_absent);
                }
                (Values::Numbers(mine), Values::Numbers(theirs)) => mine.extend_from_slice(theirs),
                (Values::Flags(mine), Values::Flags(theirs)) => mine.extend_from_slice(theirs),
                _ => unreachable!("both were made for the same columns"),
            }
        }
        self.text_bytes = self.columns.iter().map(Values::text_bytes).sum();
    }
}
