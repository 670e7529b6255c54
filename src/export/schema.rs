//! What the columns of a table are, as data: one row a column, and all else is derived from it.

use std::fmt;

use crate::timestamp::Timestamp;

/// What stands in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataType {
    /// Text in UTF-8.
    Text,
    /// Whole numbers of 64 bits, signed.
    Integer,
    /// Seconds as a number of 64 bits with a fraction, of microseconds at the finest.
    Seconds,
    /// Moments in UTC, to the microsecond.
    Time,
    /// Yes or no.
    Flag,
    /// Lists of texts; within a cell they stand with this byte between them.
    TextList(u8),
    /// Lists of whole numbers; within a cell they stand with this byte between them. An item that is none is absent.
    IntegerList(u8),
}

impl DataType {
    /// The name that documentation calls it by.
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

    /// The byte between the items of a list.
    #[must_use]
    pub fn separator(self) -> Option<u8> {
        match self {
            Self::TextList(separator) | Self::IntegerList(separator) => Some(separator),
            _ => None,
        }
    }
}

/// One value of a column. Texts are bytes as logged; they become UTF-8 on their way into a file.
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
    /// A moment.
    Time(Timestamp),
    /// Yes or no.
    Flag(bool),
    /// A list, its items with the column's separator between them.
    List(&'a [u8]),
}

impl<'a> Cell<'a> {
    /// A text where there is one.
    pub(crate) fn text(text: Option<&'a [u8]>) -> Self {
        text.map_or(Self::Absent, Self::Text)
    }

    /// A whole number where there is one; one that is too large for the column is the largest that is not.
    pub(crate) fn integer<N: TryInto<i64>>(number: Option<N>) -> Self {
        number.map_or(Self::Absent, |number| Self::Integer(number.try_into().unwrap_or(i64::MAX)))
    }

    /// A duration where there is one.
    pub(crate) fn duration(duration: Option<std::time::Duration>) -> Self {
        let micros = duration.map(|duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX));
        micros.map_or(Self::Absent, Self::Micros)
    }

    /// A moment where there is one.
    pub(crate) fn time(time: Option<Timestamp>) -> Self {
        time.map_or(Self::Absent, Self::Time)
    }
}

/// A table: what its rows are, and its columns.
pub trait Table: Sized + 'static {
    /// A row, as it is before it is taken apart.
    type Row<'a>;
    /// What files and documentation call it.
    const NAME: &'static str;
    /// What a row stands for, in one sentence without a full stop.
    const MEANING: &'static str;
    /// Its columns, in the order in which they are written.
    const COLUMNS: &'static [Column<Self>];
    /// Columns that are taken in together.
    const JOINTS: &'static [Joint<Self>] = &[];
}

/// Columns whose values all follow from one text: rows with the same text have the same values. Where that text occurs again it is looked for once, instead of every value for itself.
pub struct Joint<T: Table> {
    /// Their names.
    pub columns: &'static [&'static str],
    /// The text in a row.
    pub text: for<'r, 'a> fn(&'r T::Row<'a>) -> &'r [u8],
}

/// One column of a table.
pub struct Column<T: Table> {
    /// AWS's name for AWS's fields.
    pub name: &'static str,
    /// What stands in it.
    pub data_type: DataType,
    /// Unit of its numbers; empty where they have none.
    pub unit: &'static str,
    /// When there is no value; empty where there always is one.
    pub absent: &'static str,
    /// The log's field that it is from; empty where it is from several, or from elsewhere.
    pub source: &'static str,
    /// What it says, in one sentence without a full stop.
    pub meaning: &'static str,
    /// Whether it is written when nobody says which columns to write.
    pub is_default: bool,
    /// Whether hardly two neighbouring rows have the same value, so that nothing is gained by looking for those that do: ids, moments, what counts up.
    pub is_unique: bool,
    /// The column of text that its values are made of, and of nothing else: rows with the same text there have the same value here, and rows without one have none.
    pub made_of: Option<&'static str>,
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
            made_of: None,
            cell,
        }
    }

    /// When it has no value.
    pub(crate) const fn absent(mut self, absent: &'static str) -> Self {
        self.absent = absent;
        self
    }

    /// The field that it is from.
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

    /// Made of that column's text alone.
    pub(crate) const fn made_of(mut self, column: &'static str) -> Self {
        self.made_of = Some(column);
        self
    }

    /// Hardly two rows have the same value.
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

/// The column of a name, or what to say where there is none.
pub(crate) fn find_column<T: Table>(name: &str) -> Result<&'static Column<T>, String> {
    let found = T::COLUMNS.iter().find(|column| column.name == name);
    found.ok_or_else(|| {
        let near = near_names::<T>(name);
        if near.is_empty() {
            format!("there is no column {name}")
        } else {
            format!("there is no column {name}; there is {}", near.join(", "))
        }
    })
}

/// What somebody may look for who knows the tables of an analysis or the keys of partitions, and the column that has it.
const OTHER_NAMES: [(&str, &str); 3] = [("load_balancer", "elb"), ("day", "time"), ("hour", "time")];

/// Names that somebody may have meant, the nearest first.
fn near_names<T: Table>(name: &str) -> Vec<&'static str> {
    const MAX_NAMES: usize = 3;
    const MIN_LIKENESS: f64 = 0.85;
    let name = name.to_lowercase();
    let likeness = |known: &str| {
        if OTHER_NAMES.contains(&(&*name, known)) {
            return 2.0;
        }
        if !name.is_empty() && known.contains(&name) { 1.0 } else { strsim::jaro_winkler(known, &name) }
    };
    let mut names: Vec<(f64, &str)> = T::COLUMNS.iter().map(|column| (likeness(column.name), column.name)).collect();
    names.retain(|(likeness, _)| *likeness >= MIN_LIKENESS);
    names.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    names.into_iter().map(|(_, name)| name).take(MAX_NAMES).collect()
}
