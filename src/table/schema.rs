//! The columns of a table as data: one entry per column, from which all else is derived.

use std::fmt;

use crate::timestamp::Timestamp;

/// The type of a column's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataType {
    /// Text in UTF-8.
    Text,
    /// Whole numbers of 64 bits, signed.
    Integer,
    /// Seconds as a 64-bit number with a fraction, no finer than microseconds.
    Seconds,
    /// Timestamps in UTC, to the microsecond.
    Time,
    /// Yes or no.
    Flag,
    /// Lists of texts. Within a cell this byte is between the items.
    TextList(u8),
    /// Lists of whole numbers. Within a cell this byte is between the items. An item that is not a number is absent.
    IntegerList(u8),
}

impl DataType {
    /// The type's name in the documentation.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "integer",
            Self::Seconds => "number",
            Self::Time => "timestamp",
            Self::Flag => "boolean",
            Self::TextList(_) => "list of texts",
            Self::IntegerList(_) => "list of integers",
        }
    }

    /// The byte between the items of a list. `None` for other types.
    #[must_use]
    pub fn separator(self) -> Option<u8> {
        match self {
            Self::TextList(separator) | Self::IntegerList(separator) => Some(separator),
            _ => None,
        }
    }
}

/// One value of a column. Texts are bytes as logged; they become UTF-8 when they are written to a file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell<'a> {
    /// No value.
    Absent,
    /// A text.
    Text(&'a [u8]),
    /// A whole number.
    Integer(i64),
    /// A duration in microseconds.
    Micros(u64),
    /// A timestamp.
    Time(Timestamp),
    /// Yes or no.
    Flag(bool),
    /// A list, with the column's separator between its items.
    List(&'a [u8]),
}

impl<'a> Cell<'a> {
    /// A text, or [`Cell::Absent`] if there is none.
    pub(crate) fn text(text: Option<&'a [u8]>) -> Self {
        text.map_or(Self::Absent, Self::Text)
    }

    /// A whole number, or [`Cell::Absent`] if there is none. A number too large for the column becomes the largest
    /// that fits.
    pub(crate) fn integer<N: TryInto<i64>>(number: Option<N>) -> Self {
        number.map_or(Self::Absent, |number| Self::Integer(number.try_into().unwrap_or(i64::MAX)))
    }

    /// A duration, or [`Cell::Absent`] if there is none.
    pub(crate) fn duration(duration: Option<std::time::Duration>) -> Self {
        let micros = duration.map(|duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX));
        micros.map_or(Self::Absent, Self::Micros)
    }

    /// A timestamp, or [`Cell::Absent`] if there is none.
    pub(crate) fn time(time: Option<Timestamp>) -> Self {
        time.map_or(Self::Absent, Self::Time)
    }
}

/// A table: what its rows are, and its columns.
pub trait Table: Sized + 'static {
    /// A row, before its values are taken from it.
    type Row<'a>;
    /// What files and documentation call it.
    const NAME: &'static str;
    /// What a row is, as one sentence without a full stop.
    const MEANING: &'static str;
    /// Its columns, in the order in which they are written.
    const COLUMNS: &'static [Column<Self>];
    /// Columns that are collected together.
    const FIELD_GROUPS: &'static [FieldGroup<Self>] = &[];
}

/// Columns whose values all follow from one text: rows with the same text have the same values. If the text repeats,
/// it is looked up once, instead of each value.
pub struct FieldGroup<T: Table> {
    /// Their names.
    pub columns: &'static [&'static str],
    /// The text in a row.
    pub text: for<'r, 'a> fn(&'r T::Row<'a>) -> &'r [u8],
}

/// One column of a table.
pub struct Column<T: Table> {
    /// The column's name: for a field of AWS, AWS's name.
    pub name: &'static str,
    /// The type of its values.
    pub data_type: DataType,
    /// The unit of its numbers; empty if they have none.
    pub unit: &'static str,
    /// When there is no value; empty if there always is one.
    pub absent: &'static str,
    /// The log field that it comes from; empty if it comes from several, or from elsewhere.
    pub source: &'static str,
    /// What it says, in one sentence without a full stop.
    pub meaning: &'static str,
    /// Whether it is written when no columns are named.
    pub is_default: bool,
    /// Whether neighbouring rows hardly ever have the same value, as with ids, timestamps and counters. Then nothing
    /// is gained by looking for repeats.
    pub is_unique: bool,
    /// The column of text that its values are derived from, and from nothing else: rows with the same text there have
    /// the same value here, and rows without a text there have no value here. `None` if there is no such column.
    pub derived_from: Option<&'static str>,
    /// The value in a row.
    pub cell: for<'r, 'a> fn(&'r T::Row<'a>) -> Cell<'r>,
}

impl<T: Table> Column<T> {
    /// A column that is written by default.
    pub(crate) const fn new(
        name: &'static str,
        data_type: DataType,
        cell: for<'r, 'a> fn(&'r T::Row<'a>) -> Cell<'r>,
        meaning: &'static str,
    ) -> Self {
        Self {
            name,
            data_type,
            unit: match data_type {
                DataType::Seconds => "s",
                _ => "",
            },
            absent: "",
            source: "",
            meaning,
            is_default: true,
            is_unique: false,
            derived_from: None,
            cell,
        }
    }

    /// When it has no value.
    pub(crate) const fn absent(mut self, absent: &'static str) -> Self {
        self.absent = absent;
        self
    }

    /// The log field that it comes from.
    pub(crate) const fn from(mut self, source: &'static str) -> Self {
        self.source = source;
        self
    }

    /// The unit of its numbers.
    pub(crate) const fn unit(mut self, unit: &'static str) -> Self {
        self.unit = unit;
        self
    }

    /// Written only when asked for.
    pub(crate) const fn on_request(mut self) -> Self {
        self.is_default = false;
        self
    }

    /// Derived from that column's text alone.
    pub(crate) const fn derived_from(mut self, column: &'static str) -> Self {
        self.derived_from = Some(column);
        self
    }

    /// Neighbouring rows hardly ever have the same value.
    pub(crate) const fn unique(mut self) -> Self {
        self.is_unique = true;
        self
    }
}

impl<T: Table> fmt::Debug for Column<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", T::NAME, self.name)
    }
}

/// Columns of one table with the same name are the same.
impl<T: Table> PartialEq for Column<T> {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// Microseconds as seconds: the double nearest to the decimal number, so that 0.016 is 0.016.
pub(crate) fn seconds_of(micros: i64) -> f64 {
    micros as f64 / 1e6
}
