//! Finds where the fields of a line end.
//!
//! Fields are separated by single blanks. Some are in double quotes and may contain blanks. AWS writes a quote
//! inside a field as `\x22`, so nearly every line is split by the plain reading. But lines with `\"` or a raw `"`
//! inside a field have been seen. Three readings are tried, and the first one that gives a line of the log's form
//! is used:
//!
//! 1. *plain*: a quoted field ends at the next quote, which must be followed by a blank or the line's end;
//! 2. *escaped*: a quote does not close a field if an odd number of backslashes is before it, or if neither a blank
//!    nor the line's end follows;
//! 3. *raw*: backslashes mean nothing, and a quote does not close a field if neither a blank nor the line's end
//!    follows.
//!
//! In all readings, a field that does not begin with a quote contains none, and only a field of free text may
//! contain quotes. In other fields, accepting them would turn two fields into one if the blank between them is
//! missing. "The log's form" is [`Schema::admits`], which keeps a stray quote from shifting columns.
//!
//! To understand this code, begin with `careful`, which defines the meaning. `plain` does the same for the first
//! reading, 64 bytes at a time. The tests check both against a splitter that goes byte by byte.

use memchr::memchr;

use crate::error::Problem;
use crate::schema::Schema;

/// Fields whose bounds are kept: one for each bit of a mask. Further fields count as part of the last one. AWS has
/// added about two fields a year.
pub const MAX_FIELDS: usize = 64;

/// The ends of a line's fields: scratch space for [`crate::record::Record::parse`], reused from line to line.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// Each field's end, exclusive; the next field begins one blank later.
    ends: [u32; MAX_FIELDS],
    len: usize,
    /// One bit per field: set if it begins with a quote.
    quoted: u64,
    /// Whether the line fits the plain reading.
    is_plain: bool,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { ends: [0; MAX_FIELDS], len: 0, quoted: 0, is_plain: false }
    }
}

impl Bounds {
    /// How many fields the line has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no line was split yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether the line fits the plain reading, in which the bytes before and after some fields do not affect where
    /// those fields end.
    #[inline]
    pub(super) fn is_plain(&self) -> bool {
        self.is_plain
    }

    /// The offset at which a field begins in the line. `field` is its number, from 0. `None` if the line
    /// ends before it.
    #[inline]
    pub(super) fn start(&self, field: usize) -> Option<usize> {
        if field >= self.len {
            return None;
        }
        Some(if field == 0 { 0 } else { self.ends[field - 1] as usize + 1 })
    }

    /// A field with its quotes. `field` is its number, from 0.
    #[inline]
    pub(super) fn raw<'a>(&self, line: &'a [u8], field: usize) -> Option<&'a [u8]> {
        line.get(self.start(field)?..self.ends[field] as usize)
    }

    fn push(&mut self, end: u32) {
        if let Some(slot) = self.ends.get_mut(self.len) {
            *slot = end;
            self.len += 1;
        } else {
            self.ends[MAX_FIELDS - 1] = end;
        }
    }

    /// Notes which fields begin with a quote.
    fn note_quoted(&mut self, line: &[u8]) {
        let mut quoted = u64::from(line.first() == Some(&b'"'));
        for (field, &end) in self.ends[..self.len.saturating_sub(1)].iter().enumerate() {
            quoted |= u64::from(line.get(end as usize + 1) == Some(&b'"')) << (field + 1);
        }
        self.quoted = quoted;
    }

    /// Whether these fields have the form of `schema`. A bare `-` at the very end may be a field that is not
    /// published yet.
    #[inline]
    fn fit(&self, line: &[u8], schema: &Schema) -> bool {
        let stray_last = usize::from(line.ends_with(b" -"));
        self.len >= schema.min_fields && schema.admits(self.quoted, self.len - stray_last)
    }
}

/// Splits `line` and stores the ends of its fields in `bounds`.
#[inline]
pub(super) fn split(line: &[u8], schema: &Schema, bounds: &mut Bounds) -> Result<(), Problem> {
    bounds.is_plain = plain(line, bounds) && bounds.fit(line, schema);
    if bounds.is_plain { Ok(()) } else { reread(line, schema, bounds) }
}

/// Tries the other readings, for the few lines that do not fit the plain one.
#[cold]
fn reread(line: &[u8], schema: &Schema, bounds: &mut Bounds) -> Result<(), Problem> {
    if u32::try_from(line.len()).is_err() {
        return Err(Problem::LineTooLong);
    }
    let is_plain = plain(line, bounds);
    let count = bounds.len;
    if is_plain && join_bare_lists(schema, bounds) && bounds.fit(line, schema) {
        return Ok(());
    }
    for escapes in [true, false] {
        if careful(line, escapes, schema, bounds) && bounds.fit(line, schema) {
            return Ok(());
        }
    }
    Err(if is_plain && count < schema.min_fields { Problem::TooFewFields } else { Problem::Quoting })
}

/// The plain reading, 64 bytes at a time. `false` if the line does not fit it.
#[inline]
fn plain(line: &[u8], bounds: &mut Bounds) -> bool {
    let Ok(len) = u32::try_from(line.len()) else { return false };
    // Carried over from the block before: whether it ended inside a quoted field (all ones or all zeros), whether
    // its last byte was a separator (true at the line's beginning), and whether its last byte was a closing quote.
    let (mut inside_before, mut separator_before, mut closed_before) = (0_u64, 1_u64, 0_u64);
    let (mut misplaced, mut begins_quoted, mut count) = (0_u64, 0_u64, 0_usize);
    let (blocks, rest) = line.as_chunks::<64>();
    let mut last = [0; 64];
    last[..rest.len()].copy_from_slice(rest);
    let mut base = 0;
    // One loop and no closure, so that all of the state above stays in registers.
    for index in 0..=blocks.len() {
        let (block, line_end) = blocks.get(index).map_or((&last, 1 << rest.len()), |block| (block, 0));
        let blanks = positions_of(b' ', block);
        let quotes = positions_of(b'"', block);
        let inside = prefix_xor(quotes) ^ inside_before;
        let mut separators = blanks & !inside;
        let (opening, closing) = (quotes & inside, quotes & !inside);
        misplaced |= opening & !(separators << 1 | separator_before);
        misplaced |= (closing << 1 | closed_before) & !(separators | line_end);
        // A field that begins at the first byte of this block.
        begins_quoted |= (opening & separator_before) << (count & 63);
        inside_before = 0_u64.wrapping_sub(inside >> 63);
        separator_before = separators >> 63;
        closed_before = closing >> 63;
        while separators != 0 {
            let offset = separators.trailing_zeros();
            // Past the last field the index wraps around. Such a line is split again below.
            bounds.ends[count & (MAX_FIELDS - 1)] = base + offset;
            count += 1;
            begins_quoted |= (opening >> 1 >> offset & 1) << (count & 63);
            separators &= separators - 1;
        }
        base += 64;
    }
    if misplaced != 0 || inside_before != 0 {
        return false;
    }
    if count >= MAX_FIELDS {
        return careful(line, false, &NO_FREE_TEXT, bounds);
    }
    bounds.ends[count] = len;
    bounds.len = count + 1;
    bounds.quoted = begins_quoted;
    true
}

/// Without free text in the schema, the careful reading is the plain one.
static NO_FREE_TEXT: Schema = Schema::new(&[], 0, None);

/// One bit for each byte of `block`: set if the byte is `wanted`.
#[inline]
#[cfg(target_arch = "x86_64")]
fn positions_of(wanted: u8, block: &[u8; 64]) -> u64 {
    use safe_arch::{cmp_eq_mask_i8_m128i, m128i, move_mask_i8_m128i, set_splat_i8_m128i};

    let wanted = set_splat_i8_m128i(wanted.cast_signed());
    let (parts, _) = block.as_chunks::<16>();
    let mut positions = 0;
    for (index, part) in parts.iter().enumerate() {
        let mask = move_mask_i8_m128i(cmp_eq_mask_i8_m128i(m128i::from(*part), wanted)).cast_unsigned();
        positions |= u64::from(mask) << (index * 16);
    }
    positions
}

/// One bit for each byte of `block`: set if the byte is `wanted`.
#[inline]
#[cfg(not(target_arch = "x86_64"))]
fn positions_of(wanted: u8, block: &[u8; 64]) -> u64 {
    block.iter().rev().fold(0, |positions, byte| positions << 1 | u64::from(*byte == wanted))
}

/// Each bit of the result is the parity of the bits up to and including it: set from an opening quote up to the
/// closing one.
#[inline]
fn prefix_xor(mut bits: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << shift;
    }
    bits
}

/// The second and third readings. `false` if the line does not fit.
fn careful(line: &[u8], escapes: bool, schema: &Schema, bounds: &mut Bounds) -> bool {
    bounds.len = 0;
    let mut start = 0;
    for field in 0_u32.. {
        let end = if line.get(start) == Some(&b'"') {
            let free_text = schema.free_text.checked_shr(field).is_some_and(|mask| mask & 1 == 1);
            let quote = if free_text {
                closing_quote(line, start + 1, escapes)
            } else {
                memchr(b'"', &line[start + 1..])
                    .map(|quote| start + 1 + quote)
                    .filter(|quote| matches!(line.get(quote + 1), None | Some(b' ')))
            };
            match quote {
                Some(quote) => quote + 1,
                None => return false,
            }
        } else {
            let end = memchr(b' ', &line[start..]).map_or(line.len(), |blank| start + blank);
            if memchr(b'"', &line[start..end]).is_some() {
                return false;
            }
            end
        };
        let Ok(bound) = u32::try_from(end) else { return false };
        bounds.push(bound);
        if end == line.len() {
            break;
        }
        start = end + 1;
    }
    bounds.note_quoted(line);
    true
}

/// The offset of the quote that closes a field of free text. `from` is the offset after its opening quote.
fn closing_quote(line: &[u8], from: usize, escapes: bool) -> Option<usize> {
    let mut searched = from;
    loop {
        let quote = searched + memchr(b'"', &line[searched..])?;
        let at_end = matches!(line.get(quote + 1), None | Some(b' '));
        let backslashes = line[from..quote].iter().rev().take_while(|&&byte| byte == b'\\').count();
        if at_end && !(escapes && backslashes % 2 == 1) {
            return Some(quote);
        }
        searched = quote + 1;
    }
}

/// Joins lists that some writers leave bare, so that lists of several items fall apart: `a:80 b:80 - 200`. The
/// first half of such a run of bare fields is the first list, the second half the second. `false` if there is no
/// such run.
fn join_bare_lists(schema: &Schema, bounds: &mut Bounds) -> bool {
    let Some(first) = schema.bare_list_pair else { return false };
    if first >= bounds.len {
        return false;
    }
    let run = (!bounds.quoted >> first).trailing_ones() as usize;
    let run = run.min(bounds.len - first);
    if run < 4 || run % 2 == 1 {
        return false;
    }
    let ends = [bounds.ends[first + run / 2 - 1], bounds.ends[first + run - 1]];
    bounds.ends[first..first + 2].copy_from_slice(&ends);
    bounds.ends.copy_within(first + run..bounds.len, first + 2);
    bounds.len -= run - 2;
    let below = bounds.quoted & ((1 << first) - 1);
    bounds.quoted = below | (bounds.quoted >> (run - 2) & !((1 << (first + 2)) - 1));
    true
}

#[cfg(test)]
mod tests;
