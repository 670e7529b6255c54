//! What a log kind is: how it is recognised, and the names, order, quoting and meaning of its fields, as data.
//!
//! A field that AWS appends is one more row in the table of its log kind (see [`crate::kind`]). Lines with more
//! fields than the table has are still read.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

/// A kind of log that load balancers write. Kinds are equal if their ids are.
#[derive(Debug)]
pub struct LogKind {
    /// The stable id: the JSON report has it as the reason why objects were left out.
    pub id: &'static str,
    /// The stable id of the problem that a line of this kind is in another log: `id` with `-line` after it.
    pub line_id: &'static str,
    /// That problem in one phrase for people, lower case.
    pub line_title: &'static str,
    /// How AWS names its objects.
    pub object_names: ObjectNames,
    /// Whether a line has the marks of this kind. It looks at the first fields only, so the line may still be one
    /// that cannot be read.
    pub is_line: fn(&[u8]) -> bool,
    /// A line of this kind, as AWS documents it.
    pub sample_line: &'static str,
    /// The form of its lines. `None` if the kind is only recognised, and not read.
    pub schema: Option<&'static Schema>,
}

/// How AWS names the objects of a log kind.
#[derive(Clone, Copy, Debug)]
pub enum ObjectNames {
    /// `<word>_<account>_elasticloadbalancing_<region>_<load balancer>.<name>.<id>_<end time>_…`.
    Key {
        /// The word before the account; empty if the name begins with the account. `None` if it does not matter.
        word: Option<&'static str>,
        /// The type of load balancer: `app` or `net`. `None` if it does not matter, as for Classic Load Balancers,
        /// whose names have no type.
        load_balancer: Option<&'static str>,
    },
    /// One of these names.
    Fixed(&'static [&'static str]),
}

impl ObjectNames {
    /// Whether this is one of the fixed names.
    #[must_use]
    pub fn has_fixed(&self, file_name: &str) -> bool {
        matches!(self, Self::Fixed(names) if names.contains(&file_name))
    }

    /// Whether a key has this word before the account (empty for none) and this type of load balancer (empty for none).
    #[must_use]
    pub fn has_key(&self, word: &str, load_balancer: &str) -> bool {
        let fits = |wanted: Option<&str>, found: &str| wanted.is_none_or(|wanted| wanted == found);
        matches!(*self, Self::Key { word: wanted, load_balancer: wanted_type } if fits(wanted, word) && fits(wanted_type, load_balancer))
    }
}

impl LogKind {
    /// Whether albscope reads lines of this kind. Otherwise it only says what they are.
    #[must_use]
    pub fn is_read(&self) -> bool {
        self.schema.is_some()
    }
}

impl PartialEq for LogKind {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for LogKind {}

impl PartialOrd for LogKind {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for LogKind {
    fn cmp(&self, other: &Self) -> Ordering {
        self.id.cmp(other.id)
    }
}

impl Hash for LogKind {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}

/// How a field is quoted in a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quoting {
    /// Never in double quotes.
    Bare,
    /// Always in double quotes.
    Quoted,
    /// Documentation, archives and genuine lines differ.
    Either,
}

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FieldType {
    /// A word.
    Token,
    /// ISO 8601 in UTC.
    Time,
    /// `address:port`; IPv6 without brackets.
    Endpoint,
    /// Seconds with three decimals; `-1` when the interval was never measured.
    Seconds,
    /// A whole number.
    Integer,
    /// Free text, written by strangers: the only type that may contain a quote.
    Text,
    /// A URL or a part of one.
    Url,
    /// Items with a separator between them.
    List,
}

/// One field of a log kind.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// AWS's name, with `_` where AWS writes a colon.
    pub name: &'static str,
    /// How it is quoted in a line.
    pub quoting: Quoting,
    /// What it holds.
    pub field_type: FieldType,
    /// What it means, in one sentence without a full stop.
    pub meaning: &'static str,
}

/// The form of a log kind's lines.
#[derive(Debug)]
pub struct Schema {
    /// The fields, in the order in which a line has them.
    pub fields: &'static [Field],
    /// How many fields the first documented form had. A line with fewer is not a line of this kind.
    pub min_fields: usize,
    /// Index of the first of two neighbouring list fields that some writers leave unquoted although they contain
    /// blanks. `None` if the kind has no such pair.
    pub bare_list_pair: Option<usize>,
    /// One bit per field: set for [`Quoting::Quoted`].
    pub quoted: u64,
    /// One bit per field: set if the quoting is certain (not [`Quoting::Either`]).
    pub certain: u64,
    /// One bit per field: set if the field may contain a quote ([`FieldType::Text`]).
    pub free_text: u64,
}

impl Schema {
    /// Derives the quoting masks from the table.
    ///
    /// # Panics
    /// If the table has 64 fields or more. For a `static` schema this is a compile error.
    #[must_use]
    pub const fn new(fields: &'static [Field], min_fields: usize, bare_list_pair: Option<usize>) -> Self {
        assert!(fields.len() < 64, "one bit a field");
        let (mut quoted, mut certain, mut free_text) = (0, 0, 0);
        let mut index = 0;
        while index < fields.len() {
            match fields[index].quoting {
                Quoting::Quoted => {
                    quoted |= 1 << index;
                    certain |= 1 << index;
                }
                Quoting::Bare => certain |= 1 << index,
                Quoting::Either => {}
            }
            if matches!(fields[index].field_type, FieldType::Text) {
                free_text |= 1 << index;
            }
            index += 1;
        }
        Self { fields, min_fields, bare_list_pair, quoted, certain, free_text }
    }

    /// Whether the first `count` fields of a line are quoted as this kind requires. `quoted` has one bit per field.
    #[must_use]
    #[inline]
    pub fn admits(&self, quoted: u64, count: usize) -> bool {
        let known = if count >= 64 { u64::MAX } else { (1 << count) - 1 };
        (quoted ^ self.quoted) & self.certain & known == 0
    }
}
