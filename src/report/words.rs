//! Numbers, times and names as people read them; shared by all output for people.

pub(crate) use crate::diagnose::grouped as count;

use std::collections::BTreeMap;

use super::plain::shortened_by;
use super::{Cached, FindingRow, IdleTimeout, Input, ProblemRow, Report, ScopeRow, TargetGroupRow, Window};
use crate::diagnose::{Confidence, DEFAULT_IDLE_TIMEOUT, IdleTimeoutOrigin, Shape};
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

/// `1 min`, `64 min`, `8.5 h`: a duration of whole minutes.
pub(crate) fn span(seconds: i64) -> String {
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
        _ if amount < 10.0 => format!("{amount:.1} {}", UNITS[unit]),
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

/// When a finding's failures happened, and how they are spread over time. `None` if their time is unknown.
pub(super) fn when(finding: &FindingRow) -> Option<String> {
    let window = window(Window { start: finding.first_seen, end: finding.last_seen })?;
    let how = match (finding.shape, finding.episode_count) {
        (Some(Shape::Pulses), count) => format!(", in {count} episodes"),
        (Some(shape), 2..) => format!(", in {} episodes; each {}", finding.episode_count, shape.title()),
        (Some(shape), _) => format!(", {}", shape.title()),
        (None, _) => String::new(),
    };
    Some(format!("{window} UTC{how}"))
}

/// The targets of a finding that is not about a single one, with their failures. `None` if it is about a single
/// target, or about requests without one.
///
/// `cut` marks where a name was cut.
pub(super) fn at_targets(finding: &FindingRow, cut: &str) -> Option<String> {
    const MAX_NAMED: usize = 4;
    if finding.scope.target.is_some() || finding.by_target.is_empty() {
        return None;
    }
    let named = finding.by_target.iter().take(MAX_NAMED);
    let mut named: Vec<String> =
        named.map(|row| format!("{} ({})", shortened_by(&row.target, 60, cut), count(row.failures))).collect();
    if finding.by_target.len() > MAX_NAMED {
        named.push(counted((finding.by_target.len() - MAX_NAMED) as u64, "more target"));
    }
    Some(named.join(", "))
}

/// `keep-alive-race (high)`; empty if there is no cause.
pub(super) fn likely(cause: Option<&str>, confidence: Option<Confidence>) -> String {
    cause.zip(confidence).map_or_else(String::new, |(cause, confidence)| format!("{cause} ({})", confidence.id()))
}

/// `idle timeout 60 s (given)`
pub(super) fn idle_timeout(idle_timeout: IdleTimeout) -> String {
    let origin = match idle_timeout.origin {
        IdleTimeoutOrigin::Given => "given",
        IdleTimeoutOrigin::Inferred => "inferred from requests that reached it",
        IdleTimeoutOrigin::Default => "the default; the log does not show it",
    };
    format!("idle timeout {} s ({origin})", idle_timeout.seconds)
}

/// The target groups that have an ARN. Empty if there is only one: then the table of targets says the same.
pub(super) fn target_groups(report: &Report) -> Vec<&TargetGroupRow> {
    let named: Vec<&TargetGroupRow> =
        report.target_groups.iter().filter(|group| group.target_group.is_some()).collect();
    if named.len() > 1 { named } else { Vec::new() }
}

/// The name in `arn:…:targetgroup/<name>/<id>`, or all of `arn` if it has another form.
pub(super) fn target_group_name(arn: &str) -> &str {
    arn.rsplit_once(":targetgroup/").map_or(arn, |(_, resource)| resource.split('/').next().unwrap_or(resource))
}

/// The name in `app/<name>/<id>`, or all of `id` if it has another form.
pub(crate) fn load_balancer_name(id: &str) -> &str {
    id.strip_prefix("app/").map_or(id, |resource| resource.split('/').next().unwrap_or(resource))
}

/// What a finding is about, and what that belongs to: (`target 10.0.1.7:80`, `api on shop`). The second is empty for
/// a load balancer.
#[must_use]
pub fn scope(scope: &ScopeRow) -> (String, String) {
    let load_balancer = load_balancer_name(&scope.load_balancer);
    let group = scope.target_group.as_deref().map(target_group_name);
    match (&scope.target, group) {
        (Some(target), Some(group)) => (format!("target {target}"), format!("{group} on {load_balancer}")),
        (Some(target), None) => (format!("target {target}"), format!("on {load_balancer}")),
        (None, Some(group)) => (format!("target group {group}"), format!("on {load_balancer}")),
        (None, None) => (format!("load balancer {load_balancer}"), String::new()),
    }
}

/// What to change, and what that costs.
pub(super) fn fix(finding: &FindingRow) -> String {
    let Some(first) = finding.methods.first() else { return finding.fix.to_owned() };
    // A time is `5 min` or just `hours`.
    let about = if first.time.starts_with(|digit: char| digit.is_ascii_digit()) { "about " } else { "" };
    format!("{} First: {} (takes {about}{}, risk {}).", finding.fix, first.method, first.time, first.risk.id())
}

/// The short form of [`fix`]: what to do first, and what that costs.
pub(super) fn change(finding: &FindingRow) -> String {
    let Some(first) = finding.methods.first() else { return finding.fix.to_owned() };
    format!("{} ({}, risk {})", first.method, first.time, first.risk.id())
}

/// The note after a list of settings: other software may have that timeout too, and the settings assume the default
/// idle timeout.
pub(super) fn settings_note(finding: &FindingRow, idle_timeout: IdleTimeout) -> String {
    let what = if finding.estimates.keep_alive_seconds.is_some() {
        "that closes idle connections after that time"
    } else {
        "with that timeout"
    };
    if idle_timeout.seconds > DEFAULT_IDLE_TIMEOUT.as_secs_f64() {
        format!(
            "or other software {what}; the values assume an idle timeout of 60 s, but it is {} s: raise them to match",
            idle_timeout.seconds
        )
    } else {
        format!("or other software {what}")
    }
}

/// `3 lines`, `1 object`: how many lines or objects have a problem.
pub(super) fn affected(problem: &ProblemRow) -> String {
    if problem.lines > 0 { counted(problem.lines, "line") } else { counted(problem.objects, "object") }
}

/// `2 not-a-log, 72 outside-window`
pub(super) fn listed(counts: &BTreeMap<&'static str, u64>) -> String {
    let parts: Vec<String> = counts.iter().map(|(reason, &number)| format!("{} {reason}", count(number))).collect();
    parts.join(", ")
}

/// What was left out, by reason; only kinds of which anything was left out.
pub(super) fn left_out(input: &Input) -> impl Iterator<Item = (&'static str, &BTreeMap<&'static str, u64>)> {
    let kinds =
        [("objects", &input.objects_skipped), ("folders", &input.folders_skipped), ("records", &input.records_skipped)];
    kinds.into_iter().filter(|(_, counts)| !counts.is_empty())
}

/// `from the cache: 12 objects (3.4 MB), the rest was fetched`
pub(super) fn from_cache(cached: &Cached) -> String {
    format!("from the cache: {} ({}); the rest was fetched", counted(cached.objects, "object"), bytes(cached.bytes))
}

/// Why a report without requests has none, and what to do about it.
pub(super) fn nothing(report: &Report) -> String {
    let Input { objects, objects_skipped, lines, records, .. } = &report.input;
    let is_outside = left_out(&report.input).any(|(_, counts)| counts.contains_key("outside-window"));
    let has_window = report.selected.start.is_some() || report.selected.end.is_some();
    // Days outside the window are not listed in S3, so nothing is counted for them.
    let has_nothing = *objects == 0 && left_out(&report.input).next().is_none();
    if is_outside || has_window && has_nothing {
        let end = |end: Option<Timestamp>, open: &str| end.map_or_else(|| open.to_owned(), moment);
        let (start, end) = (end(report.selected.start, "the beginning"), end(report.selected.end, "now"));
        let left_out: Vec<String> =
            left_out(&report.input).map(|(what, counts)| format!("{what}: {}", listed(counts))).collect();
        let left_out = if left_out.is_empty() { String::new() } else { format!(" Left out: {}.", left_out.join("; ")) };
        return format!("No records between {start} and {end} UTC.{left_out} Widen --since and --until to see more.");
    }
    let skipped: u64 = objects_skipped.values().sum();
    if *records > 0 {
        format!(
            "No requests left: the filters left out all {} ({}). A filter must match the whole name; a report without \
             filters lists the names.",
            counted(*records, "record"),
            listed(&report.input.records_skipped)
        )
    } else if *lines > 0 {
        "No line is a valid record of an access log.".to_owned()
    } else if *objects > 0 {
        format!("No records: {} without lines.", counted(*objects, "object"))
    } else if skipped > 0 {
        format!("No objects to read: all {} were left out ({}).", count(skipped), listed(objects_skipped))
    } else {
        "No objects to read.".to_owned()
    }
}

#[cfg(test)]
mod tests {
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

    #[test]
    fn names_are_extracted_from_ids() {
        assert_eq!(target_group_name("arn:aws-cn:elasticloadbalancing:cn-north-1:1:targetgroup/api/73e2"), "api");
        assert_eq!(target_group_name("odd"), "odd");
        assert_eq!(load_balancer_name("app/shop/50dc"), "shop");
        assert_eq!(load_balancer_name("shop"), "shop");
    }
}
