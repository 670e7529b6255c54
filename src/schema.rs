//! What a log kind is: the names, places, quoting and meaning of its fields, as data.
//!
//! A field that AWS appends is one more row in the table of its log kind (see [`crate::kind`]); lines with more fields than
//! the table knows are read all the same.

/// How a field stands in a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quoting {
    /// Never in double quotes.
    Bare,
    /// Always in double quotes.
    Quoted,
    /// Documentation, archives and genuine lines differ.
    Either,
}

/// What stands in a field.
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
    /// Free text, written by strangers: the only type in which a quote may stand.
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
    /// How it stands in a line.
    pub quoting: Quoting,
    /// What stands in it.
    pub field_type: FieldType,
    /// What it says, in one sentence without a full stop.
    pub meaning: &'static str,
}

/// A log kind's form.
#[derive(Debug)]
pub struct Schema {
    /// The fields in the order in which they stand in a line.
    pub fields: &'static [Field],
    /// The fields that the kind had in its first documented form; a line with fewer is none of its lines.
    pub min_fields: usize,
    /// A pair of neighbouring list fields that some writers leave bare, blanks and all. The first field's place.
    pub bare_list_pair: Option<usize>,
    /// One bit a field: set where [`Quoting::Quoted`].
    pub quoted: u64,
    /// One bit a field: set where the quoting is certain.
    pub certain: u64,
    /// One bit a field: set where a quote may stand inside the field ([`FieldType::Text`]).
    pub free_text: u64,
}

impl Schema {
    /// Derives the quoting masks from the table.
    ///
    /// # Panics
    /// At compile time, when a table has more fields than a mask has bits.
    #[must_use]
    pub const fn new(fields: &'static [Field], min_fields: usize, bare_list_pair: Option<usize>) -> Self {
        assert!(fields.len() < 64, "one bit a field");
        let (mut quoted, mut certain, mut free_text) = (0, 0, 0);
        let mut place = 0;
        while place < fields.len() {
            match fields[place].quoting {
                Quoting::Quoted => {
                    quoted |= 1 << place;
                    certain |= 1 << place;
                }
                Quoting::Bare => certain |= 1 << place,
                Quoting::Either => {}
            }
            if matches!(fields[place].field_type, FieldType::Text) {
                free_text |= 1 << place;
            }
            place += 1;
        }
        Self { fields, min_fields, bare_list_pair, quoted, certain, free_text }
    }

    /// Whether the first `count` fields of a line are quoted as this kind has them; `quoted` has one bit a field.
    #[must_use]
    #[inline]
    pub fn admits(&self, quoted: u64, count: usize) -> bool {
        let known = if count >= 64 { u64::MAX } else { (1 << count) - 1 };
        (quoted ^ self.quoted) & self.certain & known == 0
    }
}
