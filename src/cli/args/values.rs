//! Values as they may be typed: moments, durations, sizes.

use std::time::Duration;

use albscope::Timestamp;
use albscope::diagnose::MAX_IDLE_TIMEOUT;

/// A moment as typed; what it means depends on when it was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TypedTime {
    At(Timestamp),
    /// This long before now.
    Ago(Duration),
    /// Seconds since midnight UTC, on a day that the context gives.
    Clock(i64),
}

const SECONDS_PER_DAY: i64 = 86_400;

impl TypedTime {
    /// The moment that is meant. A clock time is on the UTC day of `day`.
    pub(super) fn resolve(self, now: Timestamp, day: Timestamp) -> Timestamp {
        match self {
            Self::At(moment) => moment,
            Self::Ago(age) => now.plus_micros(-i64::try_from(age.as_micros()).unwrap_or(i64::MAX)),
            Self::Clock(seconds) => {
                let midnight = day.as_seconds().div_euclid(SECONDS_PER_DAY) * SECONDS_PER_DAY;
                Timestamp::from_seconds(midnight + seconds)
            }
        }
    }
}

pub(super) fn parse_when(text: &str) -> Result<TypedTime, String> {
    if let Ok(moment) = text.parse::<jiff::Timestamp>() {
        return Ok(TypedTime::At(Timestamp::from_micros(moment.as_microsecond())));
    }
    // Logs are in UTC, and so is a time without an offset.
    let civil = text.strip_suffix('Z').unwrap_or(text);
    if let Ok(time) = civil.parse::<jiff::civil::Time>()
        && !civil.contains('-')
    {
        return Ok(TypedTime::Clock(
            i64::from(time.hour()) * 3600 + i64::from(time.minute()) * 60 + i64::from(time.second()),
        ));
    }
    if let Ok(moment) = civil.parse::<jiff::civil::DateTime>()
        && let Ok(moment) = moment.to_zoned(jiff::tz::TimeZone::UTC)
    {
        return Ok(TypedTime::At(Timestamp::from_micros(moment.timestamp().as_microsecond())));
    }
    parse_age(text).map(TypedTime::Ago).ok_or_else(|| {
        "expected a time such as 2026-11-22T07:30:00Z, 2026-11-22 or 07:30, or an age such as 90m, 2h or 3d".to_owned()
    })
}

/// An age may be given in days and weeks too; a day is 24 hours in UTC.
fn parse_age(text: &str) -> Option<Duration> {
    let span = text.parse::<jiff::Span>().ok()?;
    let duration = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).ok()?;
    Duration::try_from(duration.abs()).ok()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IdleTimeoutArg {
    Auto,
    Given(Duration),
}

/// AWS's bounds for the idle timeout: 1 to 4000 s.
const IDLE_TIMEOUT_BOUNDS: std::ops::RangeInclusive<Duration> = Duration::from_secs(1)..=MAX_IDLE_TIMEOUT;

pub(super) fn parse_idle_timeout(text: &str) -> Result<IdleTimeoutArg, String> {
    if text == "auto" {
        return Ok(IdleTimeoutArg::Auto);
    }
    let duration = parse_duration(text)?;
    if !IDLE_TIMEOUT_BOUNDS.contains(&duration) {
        return Err("AWS allows 1 to 4000 seconds".to_owned());
    }
    Ok(IdleTimeoutArg::Given(duration))
}

pub(super) fn parse_duration(text: &str) -> Result<Duration, String> {
    if let Ok(seconds) = text.parse::<f64>()
        && let Ok(duration) = Duration::try_from_secs_f64(seconds)
    {
        return Ok(duration);
    }
    parse_age(text).ok_or_else(|| "expected a number of seconds or a duration such as 90s, 2m or 1h 30m".to_owned())
}

/// Bytes: a number, or one with a unit of powers of 1000 (kB, MB, GB, TB) or of 1024 (KiB, MiB, GiB, TiB).
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "held within u64 before")]
pub(super) fn parse_size(text: &str) -> Result<u64, String> {
    let refused = || "expected a number of bytes or a size such as 500MB, 20GB or 1TiB".to_owned();
    let digits = text.find(|it: char| !(it.is_ascii_digit() || it == '.')).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" => 1000,
        "m" | "mb" => 1000_u64.pow(2),
        "g" | "gb" => 1000_u64.pow(3),
        "t" | "tb" => 1000_u64.pow(4),
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        "tib" => 1 << 40,
        _ => return Err(refused()),
    };
    let bytes = number.parse::<f64>().map_err(|_| refused())? * factor as f64;
    if bytes < u64::MAX as f64 { Ok(bytes as u64) } else { Err(refused()) }
}

#[cfg(test)]
mod tests {
    use super::super::tests::at;
    use super::*;

    #[test]
    fn times_ages_and_clocks_are_understood() {
        let now = at("2026-11-22T10:00:00Z");
        for (text, expected) in [
            ("2026-11-22T07:30:00Z", "2026-11-22T07:30:00Z"),
            ("2026-11-22T07:30Z", "2026-11-22T07:30:00Z"),
            ("2026-11-22T08:30+01:00", "2026-11-22T07:30:00Z"),
            ("2026-11-22T07:30", "2026-11-22T07:30:00Z"),
            ("2026-11-22 07:30:15", "2026-11-22T07:30:15Z"),
            ("2026-11-21", "2026-11-21T00:00:00Z"),
            ("07:30", "2026-11-22T07:30:00Z"),
            ("07:30Z", "2026-11-22T07:30:00Z"),
            ("2h", "2026-11-22T08:00:00Z"),
            ("90m", "2026-11-22T08:30:00Z"),
            ("1d", "2026-11-21T10:00:00Z"),
            ("1h 30m", "2026-11-22T08:30:00Z"),
        ] {
            let when = parse_when(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(when.resolve(now, now), at(expected), "{text}");
        }
        for text in ["", "yesterday", "2026-13-01", "25:00", "-"] {
            assert!(parse_when(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_have_units() {
        for (text, expected) in
            [("0", 0), ("1000", 1000), ("1.5kB", 1500), ("20GB", 20_000_000_000), ("2 MiB", 2 << 20), ("1tib", 1 << 40)]
        {
            assert_eq!(parse_size(text), Ok(expected), "{text}");
        }
        for text in ["", "GB", "-1", "1XB", "1e300", "nan", "99999999999TB"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn idle_timeouts_are_those_that_aws_allows() {
        for (text, seconds) in [("60", 60), ("60s", 60), ("2m", 120), ("4000", 4000)] {
            assert_eq!(parse_idle_timeout(text), Ok(IdleTimeoutArg::Given(Duration::from_secs(seconds))), "{text}");
        }
        assert_eq!(parse_idle_timeout("auto"), Ok(IdleTimeoutArg::Auto));
        for text in ["0", "4001", "-5", "soon", "NaN"] {
            assert!(parse_idle_timeout(text).is_err(), "{text}");
        }
    }
}
