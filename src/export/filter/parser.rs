//! Parses words and signs into an [`Expression`] whose values have the types of their columns.

use std::ops::Range;

use super::expression::{Comparison, Condition, Expression, Pattern, Value};
use super::lexer::{Token, TokenKind, tokens};
use crate::export::columns::find_column;
use crate::export::requests::RequestTable;
use crate::table::schema::{Column, DataType};
use crate::timestamp::Timestamp;

/// How deep parentheses and `not` may nest: each level takes stack space.
const MAX_DEPTH: usize = 100;

/// The words of the language, in lower case; any case is accepted.
const WORDS: [&str; 8] = ["and", "or", "not", "in", "is", "null", "true", "false"];

type SyntaxError = (Range<usize>, String);

pub(super) fn parse(expression: &str) -> Result<Expression, SyntaxError> {
    let mut parser = Parser { tokens: tokens(expression)?, next: 0, depth: 0 };
    let parsed = parser.or()?;
    let end = parser.take();
    match end.kind {
        TokenKind::End => Ok(parsed),
        _ => Err((end.range, "expected `and`, `or` or the end of the expression".to_owned())),
    }
}

struct Parser {
    /// The last one is [`TokenKind::End`], and `next` never goes beyond it.
    tokens: Vec<Token>,
    next: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> &Token {
        &self.tokens[self.next]
    }

    fn take(&mut self) -> Token {
        let token = self.peek().clone();
        self.next = (self.next + 1).min(self.tokens.len() - 1);
        token
    }

    /// Skips a word of the language if it comes next, and says whether it did.
    fn take_word(&mut self, word: &str) -> bool {
        let is_next = matches!(&self.peek().kind, TokenKind::Word(next) if next.eq_ignore_ascii_case(word));
        if is_next {
            self.take();
        }
        is_next
    }

    fn or(&mut self) -> Result<Expression, SyntaxError> {
        let mut expression = self.and()?;
        while self.take_word("or") {
            expression = Expression::Or(Box::new(expression), Box::new(self.and()?));
        }
        Ok(expression)
    }

    fn and(&mut self) -> Result<Expression, SyntaxError> {
        let mut expression = self.not()?;
        while self.take_word("and") {
            expression = Expression::And(Box::new(expression), Box::new(self.not()?));
        }
        Ok(expression)
    }

    fn not(&mut self) -> Result<Expression, SyntaxError> {
        let range = self.peek().range.clone();
        if self.take_word("not") {
            let inner = self.deeper(range, Self::not)?;
            return Ok(Expression::Not(Box::new(inner)));
        }
        if self.peek().kind == TokenKind::Open {
            self.take();
            let inner = self.deeper(range.clone(), Self::or)?;
            let end = self.take();
            return match end.kind {
                TokenKind::Close => Ok(inner),
                TokenKind::End => Err((range, "this parenthesis is not closed".to_owned())),
                _ => Err((end.range, "expected `and`, `or` or `)`".to_owned())),
            };
        }
        self.test()
    }

    fn deeper(
        &mut self,
        range: Range<usize>,
        parse: impl FnOnce(&mut Self) -> Result<Expression, SyntaxError>,
    ) -> Result<Expression, SyntaxError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err((range, "this is nested too deep".to_owned()));
        }
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    /// Parses a column and the condition on it.
    fn test(&mut self) -> Result<Expression, SyntaxError> {
        let Token { kind, range } = self.take();
        let column = match kind {
            TokenKind::Word(word) if !is_word_of_language(&word) => {
                find_column(&word).map_err(|message| (range.clone(), message))?
            }
            TokenKind::Quoted(_) => {
                return Err((range, "expected a column; column names have no quotes".to_owned()));
            }
            _ => return Err((range, "expected a column".to_owned())),
        };
        let is_not = self.take_word("not");
        if is_not || matches!(&self.peek().kind, TokenKind::Word(word) if word.eq_ignore_ascii_case("in")) {
            if !self.take_word("in") {
                return Err((self.peek().range.clone(), "expected `in` after `not`".to_owned()));
            }
            let test = Expression::Condition(column, Condition::In(self.values(column)?));
            return Ok(if is_not { Expression::Not(Box::new(test)) } else { test });
        }
        if self.take_word("is") {
            let is_not = self.take_word("not");
            if !self.take_word("null") {
                return Err((self.peek().range.clone(), "expected `null`".to_owned()));
            }
            let test = Expression::Condition(column, Condition::IsNull);
            return Ok(if is_not { Expression::Not(Box::new(test)) } else { test });
        }
        let TokenKind::Sign(sign) = self.peek().kind else {
            if column.data_type == DataType::Flag {
                return Ok(Expression::Condition(column, Condition::IsTrue));
            }
            let message = format!("expected a comparison after {}: =, !=, in, is null, …", column.name);
            return Err((self.peek().range.clone(), message));
        };
        let sign_range = self.take().range;
        let Some(&(_, comparison)) = Comparison::ALL.iter().find(|(known, _)| *known == sign) else {
            // The other signs are `~` and `!~`.
            if !matches!(column.data_type, DataType::Text | DataType::TextList(_)) {
                let message = format!("{} is not text; ~ and !~ compare only text", column.name);
                return Err((sign_range, message));
            }
            let test = Expression::Condition(column, Condition::Like(Pattern(self.value_text()?.0)));
            return Ok(if sign == "!~" { Expression::Not(Box::new(test)) } else { test });
        };
        if comparison.needs_order()
            && !matches!(
                column.data_type,
                DataType::Integer | DataType::IntegerList(_) | DataType::Seconds | DataType::Time
            )
        {
            let message = format!("{} has no order; use =, != or in, or ~ for text", column.name);
            return Err((sign_range, message));
        }
        Ok(Expression::Condition(column, Condition::Compare(comparison, self.value(column)?)))
    }

    /// Parses values in parentheses.
    fn values(&mut self, column: &Column<RequestTable>) -> Result<Vec<Value>, SyntaxError> {
        let Token { kind, range } = self.take();
        if kind != TokenKind::Open {
            return Err((range, "expected `(` after `in`".to_owned()));
        }
        let mut values = vec![self.value(column)?];
        loop {
            let Token { kind, range } = self.take();
            match kind {
                TokenKind::Comma => values.push(self.value(column)?),
                TokenKind::Close => return Ok(values),
                _ => return Err((range, "expected a comma or `)`".to_owned())),
            }
        }
    }

    /// A value as it is written.
    fn value_text(&mut self) -> Result<(String, Range<usize>), SyntaxError> {
        let Token { kind, range } = self.take();
        match kind {
            TokenKind::Quoted(text) => Ok((text, range)),
            TokenKind::Word(word) if is_word_of_language(&word) && !matches!(&*word, "true" | "false") => {
                Err((range, format!("expected a value; {word} is a keyword, so put it in quotes to use it as a value")))
            }
            TokenKind::Word(word) => Ok((word, range)),
            _ => Err((range, "expected a value".to_owned())),
        }
    }

    fn value(&mut self, column: &Column<RequestTable>) -> Result<Value, SyntaxError> {
        let (text, range) = self.value_text()?;
        let (value, wanted) = match column.data_type {
            DataType::Text | DataType::TextList(_) => (Some(Value::Text(text)), "a text"),
            DataType::Integer | DataType::IntegerList(_) => (text.parse().ok().map(Value::Integer), "a whole number"),
            DataType::Seconds => (micros_of(&text).map(Value::Micros), "a number of seconds with at most six decimals"),
            DataType::Time => (time_of(&text).map(Value::Time), "a time such as 2026-11-22T07:30:00Z or 2026-11-22"),
            DataType::Flag => (text.parse().ok().map(Value::Flag), "true or false"),
        };
        value.ok_or_else(|| (range, format!("{} is compared with {wanted}", column.name)))
    }
}

fn is_word_of_language(word: &str) -> bool {
    WORDS.iter().any(|known| word.eq_ignore_ascii_case(known))
}

/// Seconds with at most six decimals as microseconds.
fn micros_of(text: &str) -> Option<i64> {
    const DECIMALS: usize = 6;
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !are_digits(whole) || !are_digits(fraction) || fraction.len() > DECIMALS {
        return None;
    }
    let micros: i64 = format!("{fraction:0<DECIMALS$}").parse().ok()?;
    whole.parse::<i64>().ok()?.checked_mul(1_000_000)?.checked_add(micros).map(|micros| sign * micros)
}

/// A timestamp, or the beginning of a minute or a day, in UTC.
fn time_of(text: &str) -> Option<Timestamp> {
    ["", ":00Z", "T00:00:00Z"].iter().find_map(|rest| {
        let text = format!("{}{rest}", if rest.is_empty() { text } else { text.strip_suffix('Z').unwrap_or(text) });
        Timestamp::parse(text.as_bytes())
    })
}
