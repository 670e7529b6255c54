//! Phrases about a report that several formats print: when, where, how likely, what to change, what was left out.

use std::collections::BTreeMap;

use super::idle_timeout::sign_named;
use super::numbers::{bytes, count, counted, moment, window};
use super::plain::shortened_by;
use super::{Cached, FindingRow, IdleTimeoutRow, Input, ProblemRow, Report, ScopeRow, TargetGroupRow, Window};
use crate::diagnose::{Confidence, DEFAULT_IDLE_TIMEOUT, IdleTimeoutOrigin, Shape};
use crate::timestamp::Timestamp;

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

/// `the same lines fit target-crash, malformed-response`; `None` if no other cause fits.
pub(super) fn also_fits(finding: &FindingRow) -> Option<String> {
    (!finding.also_fits.is_empty()).then(|| format!("the same lines fit {}", finding.also_fits.join(", ")))
}

/// `3 objects (1.2 MB, 9.8 MB decoded): 40,066 lines, 40,066 records, 0 unreadable`
pub(super) fn what_was_read(input: &Input) -> String {
    format!(
        "{} ({}, {} decoded): {}, {}, {} unreadable",
        counted(input.objects, "object"),
        bytes(input.bytes_read),
        bytes(input.bytes_decoded),
        counted(input.lines, "line"),
        counted(input.records, "record"),
        count(input.unreadable_lines),
    )
}

/// `keep-alive-race (high)`; empty if there is no cause.
pub(super) fn likely(cause: Option<&str>, confidence: Option<Confidence>) -> String {
    cause.zip(confidence).map_or_else(String::new, |(cause, confidence)| format!("{cause} ({})", confidence.id()))
}

/// `idle timeout 60 s (given)`
pub(super) fn idle_timeout(idle_timeout: IdleTimeoutRow) -> String {
    let seconds = idle_timeout.seconds;
    match (idle_timeout.origin, idle_timeout.rests_on.map(|sentence| sign_named(sentence.0))) {
        (IdleTimeoutOrigin::Given, _) => format!("idle timeout {seconds} s (given)"),
        (IdleTimeoutOrigin::Bounded, Some(sign)) => format!("idle timeout longer than {seconds:.1} s ({sign})"),
        (_, Some(sign)) => format!("idle timeout {seconds} s (inferred: {sign})"),
        (_, None) => format!("idle timeout {seconds} s (the default; the log does not show it)"),
    }
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
pub(crate) fn scope(scope: &ScopeRow) -> (String, String) {
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
    // Some hold always, and some of these say why.
    let when = if first.when.starts_with("always") { String::new() } else { format!("when: {}; ", first.when) };
    format!("{} First: {} ({when}takes {about}{}, risk {}).", finding.fix, first.method, first.time, first.risk.id())
}

/// The short form of [`fix`]: what to do first, and what that costs.
pub(super) fn change(finding: &FindingRow) -> String {
    let Some(first) = finding.methods.first() else { return finding.fix.to_owned() };
    format!("{} ({}, risk {})", first.method, first.time, first.risk.id())
}

/// The note after a list of settings: other software may have that timeout too, or nothing has it by default. The
/// settings assume the default idle timeout.
pub(super) fn settings_note(finding: &FindingRow, idle_timeout: IdleTimeoutRow) -> String {
    let what = if finding.estimates.keep_alive_seconds.is_some() {
        "that closes idle connections after that time"
    } else {
        "with that timeout"
    };
    if finding.settings.iter().all(|row| !row.is_default) {
        return "no software known here has that timeout by default: somebody set it, in one of these or elsewhere"
            .into();
    }
    if idle_timeout.seconds > DEFAULT_IDLE_TIMEOUT.as_secs_f64() {
        format!(
            "or other software {what}; the values assume an idle timeout of 60 s, but it is {} s: raise them to match",
            idle_timeout.seconds
        )
    } else {
        format!("or other software {what}")
    }
}

/// How many failures are in no finding, and why. `None` if there are none, or if there is no finding at all.
pub(super) fn unexplained(report: &Report) -> Option<String> {
    let is_worth_saying = !report.findings.is_empty() && report.unexplained_failures > 0;
    let more = counted(report.unexplained_failures, "more failure");
    is_worth_saying.then(|| format!("{more} in no finding: too few of one kind, or too rare, to name a cause"))
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

/// `from the cache: 12 objects (3.4 MB); the rest was fetched`
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
    fn names_are_extracted_from_ids() {
        assert_eq!(target_group_name("arn:aws-cn:elasticloadbalancing:cn-north-1:1:targetgroup/api/73e2"), "api");
        assert_eq!(target_group_name("odd"), "odd");
        assert_eq!(load_balancer_name("app/shop/50dc"), "shop");
        assert_eq!(load_balancer_name("shop"), "shop");
    }
}
