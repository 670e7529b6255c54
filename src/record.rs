//! Lines, and the fields of a line.
//!
//! Input: decoded bytes. Output: [`Record`]s, which borrow the line they stand on. Nothing is copied and nothing is parsed until it is asked for.

mod line;
mod split;

use std::marker::PhantomData;

pub use line::{Event, Lines, MAX_LINE_BYTES};
pub use split::{Bounds, MAX_FIELDS};

use crate::error::Problem;
use crate::schema::Schema;

/// A kind of log: one type for each, so that a getter of one kind cannot be asked of another.
pub trait LogKind {
    /// The form of its lines.
    const SCHEMA: &'static Schema;
}

/// One line of a log of kind `K`, split into fields.
///
/// Borrows the line and the bounds that [`Record::parse`] filled, so it is cheap to copy and lives as long as the reader's buffer stands still.
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
    /// [`Problem::TooFewFields`] or [`Problem::Quoting`] when the line has not the form of a line of kind `K`. What stands *in* a
    /// field is not looked at here.
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

    /// Whether the line has no fields; never, for a record.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes of the field at `place` (from 0), as logged, without the quotes around it. `None` where the line ends earlier.
    #[must_use]
    #[inline]
    pub fn bytes(&self, place: usize) -> Option<&'a [u8]> {
        let raw = self.bounds.raw(self.line, place)?;
        match raw {
            [b'"', inner @ .., b'"'] => Some(inner),
            _ => Some(raw),
        }
    }

    /// Like [`Record::bytes`], but `None` also for the log's mark of an absent value, `-`, and for an empty field.
    #[must_use]
    #[inline]
    pub fn value(&self, place: usize) -> Option<&'a [u8]> {
        match self.bytes(place)? {
            b"-" | b"" => None,
            value => Some(value),
        }
    }

    /// The bytes from one field to another, with the blank before the first and with quotes: fewer, or none, where the line ends earlier, and all that follow where `last` is absent. `None` where the line could only be read
    /// otherwise than plainly; else lines with the same bytes here have the same fields here.
    #[must_use]
    #[inline]
    pub fn span(&self, first: usize, last: Option<usize>) -> Option<&'a [u8]> {
        let Some(start) = self.bounds.start(first) else { return self.bounds.is_plain().then_some(&[]) };
        let end = last.and_then(|last| self.bounds.start(last + 1)).map_or(self.line.len(), |next| next - 1);
        self.bounds.is_plain().then(|| &self.line[start.saturating_sub(1)..end])
    }

    /// What follows the last field that the schema knows: AWS appends new fields at the end. Empty when nothing does.
    #[must_use]
    pub fn unknown_tail(&self) -> &'a [u8] {
        match self.bounds.start(K::SCHEMA.fields.len()) {
            Some(start) => &self.line[start..],
            None => &[],
        }
    }
}
