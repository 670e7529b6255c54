//! The first fields of a line, which distinguish the kinds of log.

use crate::timestamp::Timestamp;

/// Fields that are looked at.
const FIELDS: usize = 8;

/// The first fields of a line, split at single blanks. Fields that the line does not have are empty.
pub(super) struct Beginning<'a>([&'a [u8]; FIELDS]);

impl<'a> Beginning<'a> {
    pub(super) fn of(line: &'a [u8]) -> Self {
        let mut fields = line.splitn(FIELDS + 1, |&byte| byte == b' ');
        Self(std::array::from_fn(|_| fields.next().unwrap_or_default()))
    }

    /// The bytes of the field at `index`, which is below 8.
    pub(super) fn field(&self, index: usize) -> &'a [u8] {
        self.0[index]
    }

    pub(super) fn is_time(&self, index: usize) -> bool {
        Timestamp::parse(self.0[index]).is_some()
    }

    /// Whether the field is a whole number.
    pub(super) fn is_number(&self, index: usize) -> bool {
        is_number(self.0[index])
    }

    /// Whether the field is a number, with a fraction and a minus sign or without.
    pub(super) fn is_decimal(&self, index: usize) -> bool {
        let digits = self.0[index].strip_prefix(b"-").unwrap_or(self.0[index]);
        !digits.is_empty() && digits.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.')
    }

    /// Whether the field is an IPv4 or IPv6 address.
    pub(super) fn is_address(&self, index: usize) -> bool {
        let field = self.0[index];
        field.iter().any(|byte| matches!(byte, b'.' | b':'))
            && field.iter().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':'))
    }

    /// Whether the field is `address:port`.
    pub(super) fn is_endpoint(&self, index: usize) -> bool {
        let field = self.0[index];
        field.iter().rposition(|&byte| byte == b':').is_some_and(|colon| is_number(&field[colon + 1..]))
    }
}

fn is_number(field: &[u8]) -> bool {
    !field.is_empty() && field.iter().all(u8::is_ascii_digit)
}
