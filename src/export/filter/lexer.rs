//! Splits an expression into words and signs, each with its byte range.

use std::ops::Range;

/// A part of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    /// The range in the expression, in bytes.
    pub(super) range: Range<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// Without quotes: a column, a word of the language, or a value.
    Word(String),
    /// In quotes: a value.
    Quoted(String),
    /// `=`, `<=`, `~`, …
    Sign(&'static str),
    Open,
    Close,
    Comma,
    End,
}

/// A longer sign comes before the signs that it begins with.
const SIGNS: [&str; 9] = ["==", "!=", "<=", ">=", "!~", "=", "<", ">", "~"];

fn ends_word(character: char) -> bool {
    character.is_whitespace() || matches!(character, '(' | ')' | '=' | '!' | '<' | '>' | '~' | ',' | '\'' | '"')
}

/// The tokens of an expression; the last one is [`TokenKind::End`]. On an error, the byte range at fault and why.
pub(super) fn tokens(expression: &str) -> Result<Vec<Token>, (Range<usize>, String)> {
    let mut tokens = Vec::new();
    let mut start = 0;
    while let Some(first) = expression[start..].chars().next() {
        let rest = &expression[start..];
        let (kind, len) = match first {
            _ if first.is_whitespace() => {
                start += first.len_utf8();
                continue;
            }
            '(' => (TokenKind::Open, 1),
            ')' => (TokenKind::Close, 1),
            ',' => (TokenKind::Comma, 1),
            '\'' | '"' => {
                let (text, len) = quoted(rest, first)
                    .ok_or_else(|| (start..expression.len(), "this quote is not closed".to_owned()))?;
                (TokenKind::Quoted(text), len)
            }
            _ => {
                if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
                    (TokenKind::Sign(sign), sign.len())
                } else {
                    let len = rest.find(ends_word).unwrap_or(rest.len());
                    if len == 0 {
                        return Err((
                            start..start + first.len_utf8(),
                            format!("unexpected {first}; expected not, != or !~"),
                        ));
                    }
                    (TokenKind::Word(rest[..len].to_owned()), len)
                }
            }
        };
        tokens.push(Token { kind, range: start..start + len });
        start += len;
    }
    tokens.push(Token { kind: TokenKind::End, range: expression.len()..expression.len() });
    Ok(tokens)
}

/// The content of the quotes that `text` begins with, and its length in bytes including the quotes. A quote written
/// twice is one quote of the content. `None` if the quotes are not closed.
fn quoted(text: &str, quote: char) -> Option<(String, usize)> {
    let mut content = String::new();
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((offset, character)) = characters.next() {
        if character != quote {
            content.push(character);
        } else if characters.next_if(|(_, next)| *next == quote).is_some() {
            content.push(quote);
        } else {
            return Some((content, offset + 1));
        }
    }
    None
}
