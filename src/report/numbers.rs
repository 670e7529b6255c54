//! Numbers and times as people read them; shared by all output for people.

pub(crate) use crate::diagnose::grouped as count;

use super::Window;
use crate::timestamp::{Civil, Timestamp};

/// `1 request`, `2 requests`
pub(crate) fn counted(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(number), if number == 1 { "" } else { "s" })
}

/// `12.3 %`; tiny shares keep their first digit.
pub(crate) fn percent(part: u64, whole: u64) -> String {
    if part == 0 || whole == 0 {
        return "0 %".to_owned();
    }
    let percent = part as f64 * 100.0 / whole as f64;
    match percent {
        p if p >= 99.95 && part < whole => "99.9 %".to_owned(),
        p if p >= 99.95 => "100 %".to_owned(),
        p if p >= 1.0 => format!("{p:.1} %"),
        p if p >= 0.01 => format!("{p:.2} %"),
        p if p >= 0.0001 => format!("{p:.4} %"),
        _ => "<0.0001 %".to_owned(),
    }
}

/// Seconds with the log's three decimals; `-` if nothing was measured.
pub(super) fn seconds(seconds: Option<f64>) -> String {
    seconds.map_or_else(|| "-".to_owned(), |seconds| format!("{seconds:.3}"))
}

/// `250 ms`, `4.998 s`, `60 s`: at most three decimals. For timeouts, which people set in seconds.
pub(crate) fn duration(seconds: f64) -> String {
    let (amount, unit) = if seconds < 1.0 { (seconds * 1_000.0, "ms") } else { (seconds, "s") };
    let text = format!("{amount:.3}");
    format!("{} {unit}", text.trim_end_matches('0').trim_end_matches('.'))
}

/// `1.22 ms`, `65.5 s`, `17.1 min`, `2.33 h`: three digits. For the edges of bins, which nobody sets.
pub(crate) fn rough_duration(seconds: f64) -> String {
    let (amount, unit) = match seconds {
        ..0.999_5 => (seconds * 1_000.0, "ms"),
        ..120.0 => (seconds, "s"),
        ..7_200.0 => (seconds / 60.0, "min"),
        _ => (seconds / 3_600.0, "h"),
    };
    let decimals = match amount {
        ..9.995 => 2,
        ..99.95 => 1,
        _ => 0,
    };
    let text = format!("{amount:.decimals$}");
    let text = if decimals > 0 { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text} {unit}")
}

/// `1 min`, `64 min`, `8.5 h`: a duration of whole minutes, such as the width of a time bin.
pub(crate) fn minutes(seconds: i64) -> String {
    match seconds {
        ..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{:.1} h", seconds as f64 / 3_600.0),
        _ => format!("{:.1} days", seconds as f64 / 86_400.0),
    }
}

/// `2.8 MB`
pub(super) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut amount = bytes as f64;
    let mut unit = 0;
    while amount >= 999.5 && unit + 1 < UNITS.len() {
        amount /= 1000.0;
        unit += 1;
    }
    match unit {
        0 => format!("{bytes} B"),
        // From here on, one decimal would round to `10.0`.
        _ if amount < 9.95 => format!("{amount:.1} {}", UNITS[unit]),
        _ => format!("{amount:.0} {}", UNITS[unit]),
    }
}

/// `2026-11-22 07:41:20`
pub(super) fn moment(moment: Timestamp) -> String {
    format!("{} {}", date(moment), clock(moment))
}

/// The same as [`moment`], without the date if the window lies within one day.
pub(super) fn moment_in(window: Window, at: Timestamp) -> String {
    if window.start.map(date) == window.end.map(date) { clock(at) } else { moment(at) }
}

fn date(moment: Timestamp) -> String {
    let Civil { date: (year, month, day), .. } = moment.into();
    format!("{year:04}-{month:02}-{day:02}")
}

fn clock(moment: Timestamp) -> String {
    let Civil { clock: (hour, minute, second), .. } = moment.into();
    format!("{hour:02}:{minute:02}:{second:02}")
}

/// `2026-11-22 07:38:34 to 07:44:21`. A shared date is written once, and so are equal ends. `None` if an end is
/// missing.
pub(crate) fn window(window: Window) -> Option<String> {
    let (start, end) = (window.start?, window.end?);
    Some(if moment(start) == moment(end) {
        moment(start)
    } else if date(start) == date(end) {
        format!("{} to {}", moment(start), clock(end))
    } else {
        format!("{} to {}", moment(start), moment(end))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        for (part, whole, expected) in [
            (0, 9, "0 %"),
            (1, 1, "100 %"),
            (9_999, 10_000, "99.9 %"),
            (1, 3, "33.3 %"),
            (1, 200, "0.50 %"),
            (1, 20_000, "0.0050 %"),
            (1, 10_000_000, "<0.0001 %"),
        ] {
            assert_eq!(percent(part, whole), expected);
        }
        assert_eq!([12, 999, 1_500, 28_400_000, 999_700].map(bytes), ["12 B", "999 B", "1.5 kB", "28 MB", "1.0 MB"]);
        assert_eq!(counted(1, "request"), "1 request");
        assert_eq!(counted(2_000, "request"), "2,000 requests");
    }

    #[test]
    fn durations_are_short() {
        for (seconds, expected) in
            [(0.001, "1 ms"), (0.25, "250 ms"), (4.998, "4.998 s"), (60.0, "60 s"), (4_000.0, "4000 s")]
        {
            assert_eq!(duration(seconds), expected);
        }
        for (seconds, expected) in [
            (0.001_218, "1.22 ms"),
            (0.009_999, "10 ms"),
            (0.1, "100 ms"),
            (0.999_7, "1 s"),
            (65.536, "65.5 s"),
            (1_024.0, "17.1 min"),
            (8_388.608, "2.33 h"),
        ] {
            assert_eq!(rough_duration(seconds), expected);
        }
    }

    #[test]
    fn a_date_that_both_ends_share_is_written_once() {
        let at = |text: &str| Timestamp::parse(text.as_bytes());
        for (start, end, expected) in [
            ("2026-11-22T07:38:34Z", "2026-11-23T07:44:21Z", Some("2026-11-22 07:38:34 to 2026-11-23 07:44:21")),
            ("2026-11-22T07:38:34Z", "2026-11-22T07:44:21Z", Some("2026-11-22 07:38:34 to 07:44:21")),
            ("2026-11-22T07:38:34.1Z", "2026-11-22T07:38:34.9Z", Some("2026-11-22 07:38:34")),
            ("", "2026-11-22T07:38:34Z", None),
        ] {
            assert_eq!(window(Window { start: at(start), end: at(end) }).as_deref(), expected, "{start} {end}");
        }
    }

    #[test]
    fn the_date_is_left_out_if_the_window_has_only_one() {
        let at = |text: &str| Timestamp::parse(text.as_bytes()).expect("a time");
        let moment = at("2026-11-22T07:38:34Z");
        let of_a_day = Window { start: Some(at("2026-11-22T00:00:00Z")), end: Some(moment) };
        assert_eq!(moment_in(of_a_day, moment), "07:38:34");
        let of_two = Window { start: Some(at("2026-11-21T23:59:59Z")), end: Some(moment) };
        assert_eq!(moment_in(of_two, moment), "2026-11-22 07:38:34");
    }

    /// Number and unit.
    fn parsed(text: &str) -> (f64, &str) {
        let (number, unit) = text.split_once(' ').expect("a unit");
        (number.parse().expect("a number"), unit)
    }

    #[test]
    fn units_change_at_the_same_numbers_for_all() {
        for (value, expected) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 kB"),
            (9_940, "9.9 kB"),
            (9_960, "10 kB"),
            (999_499, "999 kB"),
            (999_500, "1.0 MB"),
            (10_u64.pow(15), "1000 TB"),
        ] {
            assert_eq!(bytes(value), expected, "{value}");
        }
        for (seconds, expected) in
            [(60, "1 min"), (7_199, "119 min"), (7_200, "2.0 h"), (172_799, "48.0 h"), (172_800, "2.0 days")]
        {
            assert_eq!(minutes(seconds), expected, "{seconds}");
        }
        assert_eq!([None, Some(0.0), Some(1.2345)].map(seconds), ["-", "0.000", "1.234"]);
    }

    proptest! {
        #[test]
        fn a_share_is_0_or_100_percent_only_if_it_is_that(whole in 1..u64::MAX, part in any::<u64>(), few in 0..9_u64) {
            for part in [part % (whole + 1), few.min(whole), whole - few.min(whole)] {
                let text = percent(part, whole);
                prop_assert_eq!(text == "0 %", part == 0, "{} of {}", part, whole);
                prop_assert_eq!(text == "100 %", part == whole, "{} of {}", part, whole);
                let number = text.strip_suffix(" %").filter(|number| *number != "99.9");
                // Shares of nearly 100 % are shown too small on purpose.
                if let Some(number) = number.and_then(|number| number.parse::<f64>().ok()) {
                    let exact = part as f64 * 100.0 / whole as f64;
                    let error = (number - exact).abs();
                    prop_assert!(error <= 0.051 && error <= exact.max(0.0001) * 0.51, "{text} for {exact}");
                }
            }
        }

        #[test]
        fn a_number_of_bytes_is_short_and_nearly_exact(shift in 0..54_u32, bits in any::<u64>()) {
            let value = (bits >> 10) >> shift;
            let text = bytes(value);
            let (number, unit) = parsed(&text);
            let units = ["B", "kB", "MB", "GB", "TB"];
            let factor = 1000_f64.powi(units.into_iter().zip(0..).find(|(it, _)| *it == unit).expect("a unit").1);
            prop_assert!((number * factor - value as f64).abs() <= value as f64 * 0.051, "{text} for {value}");
            prop_assert!(text.len() <= "999 MB".len() || unit == "TB", "{text}");
        }

        #[test]
        fn a_rough_duration_has_three_digits_and_one_that_somebody_set_is_exact(
            micros in 0..200_000_000_000_u64, millis in 0..4_000_000_u64,
        ) {
            let rough = rough_duration(micros as f64 / 1e6);
            let (number, unit) = parsed(&rough);
            let factor = match unit { "ms" => 1e3, "s" => 1e6, "min" => 60e6, "h" => 3_600e6, _ => panic!("{rough}") };
            let error = (number * factor - micros as f64).abs();
            prop_assert!(error <= (micros as f64 * 0.005_1).max(5.1), "{rough} for {micros}");
            prop_assert!(rough.bytes().filter(u8::is_ascii_digit).count() <= 3, "{rough}");
            let text = duration(millis as f64 / 1e3);
            let (number, unit) = parsed(&text);
            let told = if unit == "ms" { number } else { number * 1e3 };
            prop_assert!((told - millis as f64).abs() < 1e-6, "{text} for {millis}");
            prop_assert_eq!(unit == "ms", millis < 1_000);
        }
    }
}
