//! What a log kind is: the names, order, quoting and meaning of its fields, as data.
//!
//! A field that AWS appends is one more row in the table of its log kind (see [`crate::kind`]). Lines with more
//! fields than the table has are still read.

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
