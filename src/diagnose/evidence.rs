//! Statements with their numbers, and how they are worded.

use std::time::Duration;

/// A statement with its numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// The sentence, without a full stop.
    pub text: String,
    /// Whether it speaks for the cause, or against it.
    pub is_for: bool,
    /// The numbers in it, by name; durations in seconds.
    pub numbers: Vec<(&'static str, f64)>,
    /// Whether it says of itself that it is about the target group: it then holds whatever target a finding is about.
    pub(super) is_of_group: bool,
}

impl Evidence {
    /// A statement for the cause.
    pub(super) fn speaks_for<const N: usize>(text: impl Into<String>, numbers: [(&'static str, f64); N]) -> Self {
        Self { text: text.into(), is_for: true, numbers: numbers.into(), is_of_group: false }
    }

    /// A statement against it.
    pub(super) fn speaks_against<const N: usize>(text: impl Into<String>, numbers: [(&'static str, f64); N]) -> Self {
        Self { is_for: false, ..Self::speaks_for(text, numbers) }
    }

    /// A statement for the cause if `is_for`, else against it.
    pub(super) fn weighed<const N: usize>(
        is_for: bool,
        text: impl Into<String>,
        numbers: [(&'static str, f64); N],
    ) -> Self {
        Self { is_for, ..Self::speaks_for(text, numbers) }
    }

    /// The same, about the target group as a whole.
    pub(super) fn of_group(self) -> Self {
        Self { is_of_group: true, ..self }
    }
}

/// A duration in seconds as the log writes it, without the part below a microsecond: 1.793. `Duration` itself gives
/// 1.7930000000000001.
pub(crate) fn seconds_of(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1e6
}

/// Seconds with three decimals, as in the log.
pub(super) fn seconds(duration: Duration) -> String {
    format!("{:.3}", seconds_of(duration))
}

/// `1,234,567`
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `1 request`, `2 requests`
pub(super) fn plural(number: usize, noun: &str) -> String {
    format!("{} {noun}{}", grouped(number as u64), if number == 1 { "" } else { "s" })
}

/// `1 request was`, `2 requests were`
pub(super) fn plural_are(number: usize, noun: &str) -> String {
    format!("{} {}", plural(number, noun), if number == 1 { "was" } else { "were" })
}

/// `one of them`, `3 of them`; `of_what` begins with `of`.
pub(super) fn one_or(number: usize, of_what: &str) -> String {
    if number == 1 { format!("one {of_what}") } else { format!("{} {of_what}", grouped(number as u64)) }
}

/// `1 was`, `2 were`
pub(super) fn number_were(number: usize) -> String {
    format!("{} {}", grouped(number as u64), if number == 1 { "was" } else { "were" })
}

/// A share for people: `98 %`, `0.40 %`, `0 %`.
pub(super) fn percent(part: usize, whole: usize) -> String {
    let share = part as f64 * 100.0 / whole.max(1) as f64;
    if share >= 10.0 || part == 0 { format!("{share:.0} %") } else { format!("{share:.2} %") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_no_plural() {
        assert_eq!([0, 1, 1_200].map(number_were), ["0 were", "1 was", "1,200 were"]);
        assert_eq!([1, 2].map(|number| plural_are(number, "request")), ["1 request was", "2 requests were"]);
        assert_eq!([1, 2].map(|number| one_or(number, "of them")), ["one of them", "2 of them"]);
    }
}
