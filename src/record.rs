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
use crate::schema::{LogKind, Schema};
use crate::timestamp::Timestamp;

/// A log kind that is read. Each is a type of its own, so that a getter of one kind cannot be called for another.
pub trait ReadKind: Sized + 'static {
    /// The kind.
    const KIND: &'static LogKind;

    /// The form of its lines.
    const SCHEMA: &'static Schema;

    /// What is parsed of each record.
    type Values<'a>;

    /// A record together with its values: what a run hands on.
    type Logged<'a>;

    /// Parses the values of a record. `node` is the address of the load balancer node that the object's name has, for
    /// records that do not name it.
    ///
    /// # Errors
    /// [`Problem::FieldType`] if a field does not hold what it must.
    fn values<'a>(record: &Record<'a, Self>, node: Option<&'a [u8]>) -> Result<Self::Values<'a>, Problem>;

    /// The fields by which a record is selected.
    fn selection_fields<'v>(values: &'v Self::Values<'_>) -> SelectionFields<'v>;

    /// Puts record and values together.
    fn logged<'v, 'a: 'v>(record: Record<'a, Self>, values: &'v Self::Values<'a>) -> Self::Logged<'v>;
}

/// The fields by which a record is selected.
#[derive(Clone, Copy, Debug)]
pub struct SelectionFields<'a> {
    /// When the line was logged.
    pub time: Timestamp,
    /// The load balancer's resource id, `app/<name>/<id>`.
    pub load_balancer: &'a [u8],
    /// The target group's ARN. Absent when the line has none.
    pub target_group: Option<&'a [u8]>,
    /// The target, `address:port`. Absent when the line has none.
    pub target: Option<&'a [u8]>,
}

/// One line of a log of kind `K`, split into fields.
///
/// Borrows the line and the bounds that [`Record::parse`] filled. So it is cheap to copy, and valid until the
/// reader's buffer changes.
///
/// ```
/// use albscope::classify::{Outcome, classify};
/// use albscope::kind::Alb;
/// use albscope::record::{Bounds, Record};
///
/// # fn main() -> Result<(), albscope::Problem> {
/// let line = concat!(
///     r#"http 2019-10-11T15:01:50.492440Z app/web/c86a326e7dc14222 192.0.2.193:56488 10.0.1.107:80 -1 -1 "#,
///     r#"-1 504 - 125 308 "GET http://example.com:80/ HTTP/1.1" "curl/7.58.0" - - "#,
///     r#"arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web/8f04c4fe71f5f794 "#,
///     r#""Root=1-5da09954-2c342a443bfb96249aa50ed7" "-" "-" 0 2019-10-11T15:01:40.491000Z "forward" "-" "#,
///     r#""-""#,
/// );
/// let mut bounds = Bounds::default();
/// let record: Record<'_, Alb> = Record::parse(line.as_bytes(), &mut bounds)?;
/// assert_eq!(record.elb_status_code()?, Some(504));
/// assert_eq!(record.target_status_code()?, None); // `-` is no status
/// assert_eq!(classify(&record.exchange()?), Outcome::ConnectTimeout);
/// # Ok(())
/// # }
/// ```
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

impl<'a, K: ReadKind> Record<'a, K> {
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

    /// The record of a line that [`Record::parse`] accepted when it filled `bounds`.
    pub(crate) fn of_parsed(line: &'a [u8], bounds: &'a Bounds) -> Self {
        Self { line, bounds, kind: PhantomData }
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

    /// The bytes of a field as logged, without the quotes around it. `field` is its number, from 0. `None`
    /// if the line ends before it.
    #[must_use]
    #[inline]
    pub fn bytes(&self, field: usize) -> Option<&'a [u8]> {
        let raw = self.bounds.raw(self.line, field)?;
        match raw {
            [b'"', inner @ .., b'"'] => Some(inner),
            _ => Some(raw),
        }
    }

    /// Like [`Record::bytes`], but also `None` for an empty field and for `-`, the log's mark of an absent value.
    #[must_use]
    #[inline]
    pub fn value(&self, field: usize) -> Option<&'a [u8]> {
        match self.bytes(field)? {
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
    pub fn fields_text(&self, first: usize, last: Option<usize>) -> Option<&'a [u8]> {
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
