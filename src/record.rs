//! Lines, and the fields of a line.
//!
//! Input: decoded bytes. Output: [`Record`]s, which borrow their line. Nothing is copied, and a field is parsed
//! only when its getter is called.

mod line;
mod split;

use std::marker::PhantomData;

pub use line::{Event, Lines, MAX_LINE_BYTES};
pub use split::{Bounds, MAX_FIELDS};

use crate::error::Problem;
use crate::schema::Schema;

/// A kind of log. Each is a type of its own, so that a getter of one kind cannot be called for another.
pub trait LogKind {
    /// The form of its lines.
    const SCHEMA: &'static Schema;
}

/// One line of a log of kind `K`, split into fields.
///
/// Borrows the line and the bounds that [`Record::parse`] filled. So it is cheap to copy, and valid until the
/// reader's buffer changes.
pub struct Record<'a, K> {
    line: &'a [u8],
    bounds: &'a Bounds,
    kind: PhantomData<K>,
}

impl<K> Clone for Record<'_, K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for Record<'_, K> {}

impl<'a, K: LogKind> Record<'a, K> {
    /// Splits a line (without its line break), using `bounds` as scratch space that the record then borrows.
    ///
    /// # Errors
    /// [`Problem::TooFewFields`] or [`Problem::Quoting`] if the line does not have the form of a line of kind `K`.
    /// The contents of a field are not checked here.
    #[inline]
    pub fn parse(line: &'a [u8], bounds: &'a mut Bounds) -> Result<Self, Problem> {
        split::split(line, K::SCHEMA, bounds)?;
        Ok(Self { line, bounds, kind: PhantomData })
    }

    /// The whole line.
    #[must_use]
    pub fn line(&self) -> &'a [u8] {
        self.line
    }

    /// How many fields the line has. Fields past [`MAX_FIELDS`] count as part of the last one.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bounds.len()
    }

    /// Whether the line has no fields; always `false` for a record.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes of a field as logged, without the quotes around it. `place` is the field's number, from 0. `None`
    /// if the line ends before it.
    #[must_use]
    #[inline]
    pub fn bytes(&self, place: usize) -> Option<&'a [u8]> {
        let raw = self.bounds.raw(self.line, place)?;
        match raw {
            [b'"', inner @ .., b'"'] => Some(inner),
            _ => Some(raw),
        }
    }

    /// Like [`Record::bytes`], but also `None` for an empty field and for `-`, the log's mark of an absent value.
    #[must_use]
    #[inline]
    pub fn value(&self, place: usize) -> Option<&'a [u8]> {
        match self.bytes(place)? {
            b"-" | b"" => None,
            value => Some(value),
        }
    }

    /// The bytes from the field `first` to the field `last`, with quotes and with the blank before `first`. If
    /// `last` is absent or past the end, all bytes from `first` on; empty if the line ends before `first`. `None`
    /// if the line does not fit the plain reading. Otherwise, lines with the same bytes here have the same fields
    /// here.
    #[must_use]
    #[inline]
    pub fn span(&self, first: usize, last: Option<usize>) -> Option<&'a [u8]> {
        let Some(start) = self.bounds.start(first) else { return self.bounds.is_plain().then_some(&[]) };
        let end = last.and_then(|last| self.bounds.start(last + 1)).map_or(self.line.len(), |next| next - 1);
        self.bounds.is_plain().then(|| &self.line[start.saturating_sub(1)..end])
    }

    /// The bytes after the last field that the schema knows: AWS appends new fields at the end. Empty if there are
    /// none.
    #[must_use]
    pub fn unknown_tail(&self) -> &'a [u8] {
        match self.bounds.start(K::SCHEMA.fields.len()) {
            Some(start) => &self.line[start..],
            None => &[],
        }
    }
}
