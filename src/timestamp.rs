//! A moment in UTC with the log's resolution.

use std::fmt;
use std::time::Duration;

use serde::{Serialize, Serializer};

/// Microseconds since the Unix epoch, UTC: the resolution of the log's `time` field.
///
/// Displays as the log writes it: `2026-11-22T07:41:20.518414Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

/// Microseconds in a second.
pub const MICROS_PER_SECOND: i64 = 1_000_000;

const SECONDS_PER_DAY: i64 = 86_400;

/// Days of the 400 years after which the calendar repeats.
const DAYS_IN_CYCLE: i64 = 146_097;

/// Days from 0000-03-01 to 1970-01-01.
const DAYS_TO_EPOCH: i64 = 719_468;

impl Timestamp {
    /// From microseconds since the epoch.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// From whole seconds since the epoch.
    #[must_use]
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds * MICROS_PER_SECOND)
    }

    /// Microseconds since the epoch; negative before 1970.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    #[must_use]
    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(MICROS_PER_SECOND)
    }

    /// `self − earlier` in microseconds; negative when `earlier` is the later one.
    #[must_use]
    pub const fn micros_since(self, earlier: Self) -> i64 {
        self.0 - earlier.0
    }

    /// How long after `earlier` this is; zero when `earlier` is the later one.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.micros_since(earlier)).unwrap_or_default())
    }

    /// A number that sorts like the time: greater for a later one.
    #[must_use]
    pub(crate) const fn in_order(self) -> u64 {
        self.0.cast_unsigned() ^ 1 << 63
    }

    /// This moment moved by `micros`, saturating at the limits of the type.
    #[must_use]
    pub const fn plus_micros(self, micros: i64) -> Self {
        Self(self.0.saturating_add(micros))
    }

    /// From a civil UTC date and time. `None` if a part is out of its range. Years go from 0 to 9999, like the
    /// log's four digits.
    #[must_use]
    pub fn from_civil(
        (year, month, day): (u32, u32, u32),
        (hour, minute, second): (u32, u32, u32),
        micros: u32,
    ) -> Option<Self> {
        let valid = year <= 9999
            && (1..=12).contains(&month)
            && day >= 1
            && day <= days_in_month(year, month)
            && hour < 24
            && minute < 60
            // A leap second is written as :60 and counts into the next minute.
            && second <= 60
            && i64::from(micros) < MICROS_PER_SECOND;
        if !valid {
            return None;
        }
        let seconds = days_from_civil(year, month, day) * SECONDS_PER_DAY
            + i64::from(hour) * 3600
            + i64::from(minute) * 60
            + i64::from(second);
        Some(Self(seconds * MICROS_PER_SECOND + i64::from(micros)))
    }

    /// Reads `2026-11-22T07:41:20.518414Z`: the form of the log's time fields.
    ///
    /// The fraction may have up to nine digits (those past the sixth are dropped) or be missing, and so may the `Z`.
    /// `None` for anything else.
    #[must_use]
    #[inline]
    pub fn parse(text: &[u8]) -> Option<Self> {
        match text.try_into() {
            Ok(text) => Self::parse_full(text),
            Err(_) => Self::parse_other(text),
        }
    }

    /// The form that load balancers write, read digit by digit without a branch, because every line has two of
    /// them.
    #[inline]
    fn parse_full(text: &[u8; 27]) -> Option<Self> {
        const MARKS: [(usize, u8); 7] =
            [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (19, b'.'), (26, b'Z')];
        let mut wrong = 0;
        for (offset, mark) in MARKS {
            wrong |= text[offset] ^ mark;
        }
        let mut too_large = false;
        let mut number = |from: usize, to: usize| {
            let mut number = 0;
            for &byte in &text[from..to] {
                let digit = byte.wrapping_sub(b'0');
                too_large |= digit > 9;
                number = number * 10 + u32::from(digit);
            }
            number
        };
        let date = (number(0, 4), number(5, 7), number(8, 10));
        let clock = (number(11, 13), number(14, 16), number(17, 19));
        let micros = number(20, 26);
        if wrong != 0 || too_large {
            return None;
        }
        Self::from_civil(date, clock, micros)
    }

    fn parse_other(text: &[u8]) -> Option<Self> {
        let (head, tail) = text.split_at_checked(19)?;
        let head: &[u8; 19] = head.try_into().ok()?;
        if head[4] != b'-' || head[7] != b'-' || head[10] != b'T' || head[13] != b':' || head[16] != b':' {
            return None;
        }
        let year = two_digits(head[0], head[1])? * 100 + two_digits(head[2], head[3])?;
        let month = two_digits(head[5], head[6])?;
        let day = two_digits(head[8], head[9])?;
        let hour = two_digits(head[11], head[12])?;
        let minute = two_digits(head[14], head[15])?;
        let second = two_digits(head[17], head[18])?;
        Self::from_civil((year, month, day), (hour, minute, second), fraction_micros(tail)?)
    }
}

/// Microseconds of the fraction and the zone mark: `.518414Z`, `Z`, or nothing. `None` if the text has another
/// form.
fn fraction_micros(tail: &[u8]) -> Option<u32> {
    let tail = tail.strip_suffix(b"Z").unwrap_or(tail);
    let Some((b'.', digits)) = tail.split_first() else {
        return tail.is_empty().then_some(0);
    };
    if digits.is_empty() || digits.len() > 9 {
        return None;
    }
    let mut micros = 0;
    for index in 0..6 {
        micros = micros * 10 + digits.get(index).map_or(Some(0), |&digit| value_of(digit))?;
    }
    digits.iter().skip(6).all(u8::is_ascii_digit).then_some(micros)
}

fn two_digits(tens: u8, ones: u8) -> Option<u32> {
    Some(value_of(tens)? * 10 + value_of(ones)?)
}

fn value_of(digit: u8) -> Option<u32> {
    let value = digit.wrapping_sub(b'0');
    (value < 10).then_some(u32::from(value))
}

#[inline]
fn days_in_month(year: u32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar, for years from 0 to 9999.
///
/// Years begin in March here, so that the leap day is a year's last and months have a linear formula. They are
/// counted from a 400-year cycle earlier, so that no division is signed.
#[inline]
fn days_from_civil(year: u32, month: u32, day: u32) -> i64 {
    let in_old_year = month <= 2;
    let month = if in_old_year { month + 9 } else { month - 3 };
    let year = year + 400 - u32::from(in_old_year);
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
    i64::from(days) - DAYS_TO_EPOCH - DAYS_IN_CYCLE
}

/// The civil date of a day number: the inverse of [`days_from_civil`].
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + DAYS_TO_EPOCH;
    let era = shifted.div_euclid(DAYS_IN_CYCLE);
    let day_of_era = shifted.rem_euclid(DAYS_IN_CYCLE);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// A moment's civil parts in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    /// Year, month (1–12) and day (1–31).
    pub date: (i64, i64, i64),
    /// Hour, minute and second.
    pub clock: (i64, i64, i64),
    /// Microseconds past the second.
    pub micros: i64,
}

impl From<Timestamp> for Civil {
    fn from(moment: Timestamp) -> Self {
        let seconds = moment.as_seconds();
        let of_day = seconds.rem_euclid(SECONDS_PER_DAY);
        Self {
            date: civil_from_days(seconds.div_euclid(SECONDS_PER_DAY)),
            clock: (of_day / 3600, of_day / 60 % 60, of_day % 60),
            micros: moment.0.rem_euclid(MICROS_PER_SECOND),
        }
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Civil { date: (year, month, day), clock: (hour, minute, second), micros } = Civil::from(*self);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z")
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_moments_are_read() {
        for (text, micros) in [
            ("1970-01-01T00:00:00.000000Z", 0),
            ("2019-10-11T15:01:40.491000Z", 1_570_806_100_491_000),
            ("2000-02-29T23:59:59Z", 951_868_799_000_000),
            ("2018-07-02T22:23:00.1Z", 1_530_570_180_100_000),
            ("2018-07-02T22:23:00.123456789Z", 1_530_570_180_123_456),
            ("2018-07-02T22:23:00", 1_530_570_180_000_000),
        ] {
            assert_eq!(Timestamp::parse(text.as_bytes()), Some(Timestamp::from_micros(micros)), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "-",
            "2026",
            "2026-13-01T00:00:00Z",
            "2026-02-30T00:00:00Z",
            "2026-02-01T24:00:00Z",
            "2026-02-01 00:00:00Z",
            "2026-02-01T00:00:00.Z",
            "2026-02-01T00:00:00.1234567890Z",
            "2026-02-01T00:00:00+01:00",
            "2026-02-01T00:00:0xZ",
            "2026-02-01T00:00:00.12x456Z",
        ] {
            assert_eq!(Timestamp::parse(text.as_bytes()), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn display_and_parse_are_inverses(micros in -62_135_596_800_000_000_i64..253_402_300_800_000_000) {
            let moment = Timestamp::from_micros(micros);
            prop_assert_eq!(Timestamp::parse(moment.to_string().as_bytes()), Some(moment));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let _ = Timestamp::parse(&bytes);
        }
    }
}
