//! Conditions on rows and values, their answers, and how they are written.

use std::fmt;

use crate::export::requests::{RequestRow, RequestTable};
use crate::table::escape::escape_control;
use crate::table::schema::{Cell, Column, DataType};
use crate::timestamp::Timestamp;

/// A condition on a row. Its answer may be unknown.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expression {
    Or(Box<Expression>, Box<Expression>),
    And(Box<Expression>, Box<Expression>),
    Not(Box<Expression>),
    Condition(&'static Column<RequestTable>, Condition),
}

/// A condition on a value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Condition {
    Compare(Comparison, Value),
    In(Vec<Value>),
    Like(Pattern),
    IsNull,
    /// For flags only.
    IsTrue,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A value of a column's type, or of its items' type.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Text(String),
    Integer(i64),
    /// Microseconds, for a column in seconds.
    Micros(i64),
    Time(Timestamp),
    Flag(bool),
}

/// A text in which each `*` matches any characters or none.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pattern(pub(super) String);

impl Expression {
    /// Whether it is true for a row; `None` if that is unknown. `is_clean` says that no text of
    /// the row has a byte that needs cleaning.
    pub(super) fn answer(&self, row: &RequestRow<'_>, is_clean: bool) -> Option<bool> {
        match self {
            Self::Or(one, other) => match (one.answer(row, is_clean), other.answer(row, is_clean)) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            },
            Self::And(one, other) => match (one.answer(row, is_clean), other.answer(row, is_clean)) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            },
            Self::Not(inner) => inner.answer(row, is_clean).map(|answer| !answer),
            Self::Condition(column, test) => test.answer((column.cell)(row), column.data_type, is_clean),
        }
    }

    pub(super) fn has_column(&self, name: &str) -> bool {
        match self {
            Self::Or(one, other) | Self::And(one, other) => one.has_column(name) || other.has_column(name),
            Self::Not(inner) => inner.has_column(name),
            Self::Condition(column, _) => column.name == name,
        }
    }
}

impl Condition {
    fn answer(&self, cell: Cell<'_>, data_type: DataType, is_clean: bool) -> Option<bool> {
        let mut scratch = Vec::new();
        let cell = match cell {
            Cell::Text(text) if !is_clean => Cell::Text(escape_control(text, None, &mut scratch)),
            Cell::List(list) if !is_clean => Cell::List(escape_control(list, data_type.separator(), &mut scratch)),
            cell => cell,
        };
        match (self, cell) {
            (Self::IsNull, cell) => Some(cell == Cell::Absent),
            (_, Cell::Absent) => None,
            (Self::Compare(Comparison::Unequal, value), Cell::List(_)) => {
                let is_same = Self::Compare(Comparison::Equal, value.clone()).answer_of_item(cell, data_type);
                Some(!is_same)
            }
            (test, cell) => Some(test.answer_of_item(cell, data_type)),
        }
    }

    /// The answer for a value that is present. For a list: whether it is true for any item.
    fn answer_of_item(&self, cell: Cell<'_>, data_type: DataType) -> bool {
        if let (Cell::List(list), Some(separator)) = (cell, data_type.separator()) {
            let mut items = list.split(|&byte| byte == separator);
            return items.any(|item| match data_type {
                DataType::IntegerList(_) => {
                    let number = std::str::from_utf8(item).ok().and_then(|item| item.parse().ok());
                    number.is_some_and(|number| self.holds(Cell::Integer(number)))
                }
                _ => self.holds(Cell::Text(item)),
            });
        }
        self.holds(cell)
    }

    fn holds(&self, cell: Cell<'_>) -> bool {
        match (self, cell) {
            (Self::Compare(comparison, value), cell) => comparison.holds(cell, value),
            (Self::In(values), cell) => values.iter().any(|value| Comparison::Equal.holds(cell, value)),
            (Self::Like(pattern), Cell::Text(text)) => pattern.fits(text),
            (Self::IsTrue, Cell::Flag(flag)) => flag,
            _ => false,
        }
    }
}

impl Comparison {
    pub(super) const ALL: [(&'static str, Self); 7] = [
        ("=", Self::Equal),
        ("==", Self::Equal),
        ("!=", Self::Unequal),
        ("<", Self::Less),
        ("<=", Self::LessOrEqual),
        (">", Self::Greater),
        (">=", Self::GreaterOrEqual),
    ];

    fn holds(self, cell: Cell<'_>, value: &Value) -> bool {
        let ordering = match (cell, value) {
            (Cell::Text(cell), Value::Text(value)) => cell.cmp(value.as_bytes()),
            (Cell::Integer(cell), Value::Integer(value)) => cell.cmp(value),
            (Cell::Micros(cell), Value::Micros(value)) => i64::try_from(cell).unwrap_or(i64::MAX).cmp(value),
            (Cell::Time(cell), Value::Time(value)) => cell.cmp(value),
            (Cell::Flag(cell), Value::Flag(value)) => cell.cmp(value),
            // The parser gives every column values of its own type.
            _ => return false,
        };
        match self {
            Self::Equal => ordering.is_eq(),
            Self::Unequal => ordering.is_ne(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }

    /// Whether this comparison needs values that have an order.
    pub(super) fn needs_order(self) -> bool {
        !matches!(self, Self::Equal | Self::Unequal)
    }
}

impl Pattern {
    /// Whether the pattern matches the whole text.
    pub(super) fn fits(&self, text: &[u8]) -> bool {
        let mut parts = self.0.as_bytes().split(|&byte| byte == b'*');
        let first = parts.next().unwrap_or_default();
        let Some(mut rest) = text.strip_prefix(first) else { return false };
        let Some(last) = parts.next_back() else { return rest.is_empty() };
        // Matching each part as early as possible leaves most room for the parts after it.
        for part in parts {
            let Some(found) = memchr::memmem::find(rest, part) else { return false };
            rest = &rest[found + part.len()..];
        }
        rest.ends_with(last)
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Or(one, other) => write!(f, "({one} or {other})"),
            Self::And(one, other) => write!(f, "({one} and {other})"),
            Self::Not(inner) => write!(f, "not {inner}"),
            Self::Condition(column, test) => match test {
                Condition::Compare(comparison, value) => {
                    let sign =
                        Comparison::ALL.iter().find(|(_, known)| known == comparison).map_or("", |(sign, _)| sign);
                    write!(f, "{} {sign} {value}", column.name)
                }
                Condition::In(values) => {
                    write!(f, "{} in (", column.name)?;
                    for (index, value) in values.iter().enumerate() {
                        write!(f, "{}{value}", if index == 0 { "" } else { ", " })?;
                    }
                    write!(f, ")")
                }
                Condition::Like(pattern) => write!(f, "{} ~ {}", column.name, Quoted(&pattern.0)),
                Condition::IsNull => write!(f, "{} is null", column.name),
                Condition::IsTrue => f.write_str(column.name),
            },
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => Quoted(text).fmt(f),
            Self::Integer(number) => number.fmt(f),
            Self::Micros(micros) => {
                let (sign, size) = if *micros < 0 { ("-", micros.unsigned_abs()) } else { ("", micros.unsigned_abs()) };
                write!(f, "{sign}{}.{:06}", size / 1_000_000, size % 1_000_000)
            }
            Self::Time(time) => time.fmt(f),
            Self::Flag(flag) => flag.fmt(f),
        }
    }
}

/// A text in quotes.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}'", self.0.replace('\'', "''"))
    }
}
