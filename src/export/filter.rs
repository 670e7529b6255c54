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

mod expression;
mod lexer;
mod parser;

use std::fmt;
use std::ops::Range;

use unicode_width::UnicodeWidthStr;

use super::requests::RequestRow;
use expression::Expression;

/// Which rows to write.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter(Expression);

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

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
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
