//! `--where`: which rows are written.
//!
//! ```text
//! elb_status_code >= 500 and elapsed > 10
//! outcome in (connect-timeout, idle-timeout) and not target_ip = 10.0.0.1
//! target_group = shop-api and (url_path ~ "/api/*" or actions_executed = waf)
//! is_failure and target_status_code is null
//! ```
//!
//! | written | means |
//! | --- | --- |
//! | `a and b`, `a or b`, `not a`, `( … )` | as usual; `not` binds closest, then `and`, then `or` |
//! | `=` `==` `!=` `<` `<=` `>` `>=` | compares, numbers in the column's unit; texts and flags only by `=` or `!=` |
//! | `~`, `!~` | whether a text matches a pattern, case-sensitively; `*` matches any characters or none |
//! | `in (…, …)`, `not in (…, …)` | whether it is one of these |
//! | `is null`, `is not null` | whether there is no value |
//! | `is_failure` | a flag alone: whether it is true |
//!
//! For a list, a test is true if it is true for at least one item. `!=`, `!~` and `not in` are true for a list if
//! `=`, `~` and `in` are true for none of its items.
//!
//! A value needs no quotes if it has no blank and none of `()=!<>~,'"` in it, and is not a word of the language
//! (`true` and `false` need none either). A quote within quotes of the same kind is written twice.
//!
//! An absent value is neither equal nor unequal to anything, as in SQL: a comparison with it is neither true nor
//! false, and neither is its `not`. Only rows for which the whole expression is true are written.

mod lexer;
mod parser;

use std::fmt;
use std::ops::Range;

use unicode_width::UnicodeWidthStr;

use super::requests::{RequestRow, RequestTable};
use crate::table::escape::escape_control;
use crate::table::schema::{Cell, Column, DataType};
use crate::timestamp::Timestamp;

/// Which rows to write.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter(Expression);

/// A condition on a row. Its answer may be unknown.
#[derive(Clone, Debug, PartialEq)]
enum Expression {
    Or(Box<Expression>, Box<Expression>),
    And(Box<Expression>, Box<Expression>),
    Not(Box<Expression>),
    Condition(&'static Column<RequestTable>, Condition),
}

/// A condition on a value.
#[derive(Clone, Debug, PartialEq)]
enum Condition {
    Compare(Comparison, Value),
    In(Vec<Value>),
    Like(Pattern),
    IsNull,
    /// For flags only.
    IsTrue,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A value of a column's type, or of its items' type.
#[derive(Clone, Debug, PartialEq)]
enum Value {
    Text(String),
    Integer(i64),
    /// Microseconds, for a column in seconds.
    Micros(i64),
    Time(Timestamp),
    Flag(bool),
}

/// A text in which each `*` matches any characters or none.
#[derive(Clone, Debug, PartialEq)]
struct Pattern(String);

/// Why an expression is invalid. Its text marks the part at fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterError {
    expression: String,
    /// The part at fault, in bytes of the expression.
    range: Range<usize>,
    message: String,
}

impl Filter {
    /// Parses an expression.
    ///
    /// # Errors
    /// What is wrong with the expression, and where.
    pub fn parse(expression: &str) -> Result<Self, FilterError> {
        parser::parse(expression).map(Self).map_err(|(range, message)| FilterError {
            expression: expression.to_owned(),
            range,
            message,
        })
    }

    /// Whether to write a row. `is_clean` says that no text of the row has a byte that needs cleaning.
    pub(super) fn admits(&self, row: &RequestRow<'_>, is_clean: bool) -> bool {
        self.0.answer(row, is_clean) == Some(true)
    }

    /// Whether the expression uses a column.
    #[must_use]
    pub fn has_column(&self, name: &str) -> bool {
        self.0.has_column(name)
    }
}

impl Expression {
    fn answer(&self, row: &RequestRow<'_>, is_clean: bool) -> Option<bool> {
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

    fn has_column(&self, name: &str) -> bool {
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
    const ALL: [(&'static str, Self); 7] = [
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
    fn needs_order(self) -> bool {
        !matches!(self, Self::Equal | Self::Unequal)
    }
}

impl Pattern {
    /// Whether the pattern matches the whole text.
    fn fits(&self, text: &[u8]) -> bool {
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

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
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

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A line break would separate the marks from the text that they mark.
        let shown = |text: &str| text.replace(char::is_control, " ");
        let before = shown(&self.expression[..self.range.start]).width();
        let marked = shown(&self.expression[self.range.clone()]).width().max(1);
        write!(f, "{}\n  {}\n  {}{}", self.message, shown(&self.expression), " ".repeat(before), "^".repeat(marked))
    }
}

impl std::error::Error for FilterError {}

#[cfg(test)]
mod tests;
