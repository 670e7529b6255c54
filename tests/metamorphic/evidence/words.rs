//! Sentences, cut at what differs in them.

/// What differs in a sentence of this form. `None` if it has another form.
pub(crate) fn captures<'t>(form: &str, text: &'t str) -> Option<Vec<&'t str>> {
    let mut parts = form.split("{}");
    let mut rest = text.strip_prefix(parts.next()?)?;
    let parts: Vec<&str> = parts.collect();
    let mut captured = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let is_last = index + 1 == parts.len();
        let at = if is_last { rest.strip_suffix(part)?.len() } else { rest.find(part)? };
        captured.push(&rest[..at]);
        rest = &rest[at + part.len()..];
    }
    rest.is_empty().then_some(captured)
}

/// The number at the beginning of a text: `1,204 requests`. `one of them` is 1.
pub(crate) fn number(text: &str) -> usize {
    let first = text.split(' ').next().unwrap_or_default().replace(',', "");
    if first == "one" { 1 } else { first.parse().unwrap_or_else(|_| panic!("{text:?} has no number")) }
}

/// A decimal number.
pub(crate) fn decimal(text: &str) -> f64 {
    text.parse().unwrap_or_else(|_| panic!("{text:?} is no number"))
}

/// Seconds, in microseconds.
pub(crate) fn micros(text: &str) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "a time within the log")]
    let micros = (decimal(text) * 1e6).round() as i64;
    micros
}

pub(crate) fn same(counted: usize, said: usize, tolerance: usize) -> Result<(), String> {
    if counted.abs_diff(said) <= tolerance { Ok(()) } else { Err(format!("counted {counted}, said {said}")) }
}

/// Whether what is said is within bounds, both included.
pub(crate) fn within(bounds: (usize, usize), said: usize, what: &str) -> Result<(), String> {
    if (bounds.0..=bounds.1).contains(&said) {
        Ok(())
    } else {
        Err(format!("said {said} {what}, counted {} to {}", bounds.0, bounds.1))
    }
}

pub(crate) fn holds(is_true: bool, what: &str) -> Result<(), String> {
    if is_true { Ok(()) } else { Err(what.to_owned()) }
}

/// Whether a time was said right: times are kept to 100 µs, and said to the millisecond.
pub(crate) fn near(counted: i64, said: i64, what: &str) -> Result<(), String> {
    let seconds = |micros: i64| micros as f64 / 1e6;
    holds(
        (counted - said).abs() <= 1_200,
        &format!("{what}: counted {:.4} s, said {:.4} s", seconds(counted), seconds(said)),
    )
}

/// How many of some times are from `low` to `high`, which were rounded when they were said: at least and at most.
pub(crate) fn between(times: impl Iterator<Item = i64>, low: &str, high: &str) -> (usize, usize) {
    const ROUNDED: i64 = 700;
    let times: Vec<i64> = times.collect();
    let [least, most] = [-ROUNDED, ROUNDED].map(|more| {
        let range = micros(low) - more..=micros(high) + more;
        times.iter().filter(|time| range.contains(time)).count()
    });
    (least, most)
}

/// Whether a factor was said right, to one decimal.
pub(crate) fn alike(counted: f64, said: f64, tolerance: f64, what: &str) -> Result<(), String> {
    holds((counted - said).abs() <= 0.051 + said * tolerance, &format!("{what}: counted {counted:.3}, said {said}"))
}

/// `98 %`, `0.40 %`: whether a share was said right.
pub(crate) fn is_share(part: usize, whole: usize, said: &str) -> bool {
    let share = part as f64 * 100.0 / whole.max(1) as f64;
    let decimals = said.split_once('.').map_or(0, |(_, decimals)| i32::try_from(decimals.len()).unwrap_or(0));
    (share - decimal(said)).abs() <= 0.5 * 0.1_f64.powi(decimals) + 1e-9
}
