//! Lines in a heatmap: the timeouts to compare elapsed times with.

use crate::diagnose::IdleTimeoutOrigin;
use crate::report::ScopeRow;
use crate::report::numbers::duration;
use crate::report::pictures::{Mark, MarkKind, TimingPicture};

/// Timeouts that differ by at most this share are one line.
const ALIKE: f64 = 0.02;

/// At most this many lines in a chart: the load balancer's own timeouts, and those that most findings show.
const MAX_LINES: usize = 8;

/// A timeout to compare elapsed times with, drawn as a line.
#[derive(Clone, Debug, PartialEq)]
pub struct TimeoutLine {
    /// The kind of timeout.
    pub kind: MarkKind,
    /// The timeout, in seconds.
    pub seconds: f64,
    /// The label: `idle timeout 60 s`.
    pub label: String,
    /// Where it is known from: `inferred`, `finding 2`, `6 findings`. Empty if there is nothing to say.
    pub source: String,
}

/// The timeouts that concern a scope: the load balancer's own, and those found at the scope, at a part of it, or at
/// what it is a part of. Marks of one kind that are alike become one line.
pub(in crate::report) fn lines(marks: &[Mark], timing: &TimingPicture) -> Vec<TimeoutLine> {
    let mut lines: Vec<(MarkKind, f64, Option<IdleTimeoutOrigin>, Vec<usize>)> = Vec::new();
    for mark in marks.iter().filter(|mark| mark.scope.as_ref().is_none_or(|scope| concerns(scope, timing))) {
        let is_alike =
            |seconds: f64| (seconds - mark.seconds).abs() <= ALIKE * seconds.max(mark.seconds).max(f64::MIN_POSITIVE);
        match lines.iter_mut().find(|(kind, seconds, ..)| *kind == mark.kind && is_alike(*seconds)) {
            Some((.., findings)) => findings.extend(mark.finding),
            None => lines.push((mark.kind, mark.seconds, mark.origin, mark.finding.into_iter().collect())),
        }
    }
    lines.sort_by_key(|(.., findings)| (!findings.is_empty(), std::cmp::Reverse(findings.len())));
    lines.truncate(MAX_LINES);
    lines.sort_by(|one, other| one.1.total_cmp(&other.1));
    let lines = lines.into_iter().map(|(kind, seconds, origin, findings)| TimeoutLine {
        kind,
        seconds,
        label: format!("{} {}", kind.title(), duration(seconds)),
        source: origin.map_or_else(|| findings_named(&findings), |origin| origin_named(origin).to_owned()),
    });
    lines.collect()
}

fn concerns(scope: &ScopeRow, timing: &TimingPicture) -> bool {
    let agrees = |one: Option<&String>, other: Option<&String>| one.is_none() || other.is_none() || one == other;
    agrees(Some(&scope.load_balancer), timing.load_balancer.as_ref())
        && agrees(scope.target_group.as_ref(), timing.target_group.as_ref())
        && agrees(scope.target.as_ref(), timing.target.as_ref())
}

fn origin_named(origin: IdleTimeoutOrigin) -> &'static str {
    match origin {
        IdleTimeoutOrigin::Given => "given",
        IdleTimeoutOrigin::Inferred => "inferred",
        IdleTimeoutOrigin::Bounded => "at least",
        IdleTimeoutOrigin::Default => "default",
    }
}

/// Names findings by their indices: `finding 2`, `findings 2 and 5`, `6 findings`; empty if there are none. Indices
/// begin at 0, the numbers for people at 1.
#[must_use]
pub fn findings_named(findings: &[usize]) -> String {
    match findings {
        [] => String::new(),
        [one] => format!("finding {}", one + 1),
        [one, other] => format!("findings {} and {}", one + 1, other + 1),
        _ => format!("{} findings", findings.len()),
    }
}

impl MarkKind {
    /// The name for people.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::IdleTimeout => "idle timeout",
            Self::ConnectTimeout => "connect timeout",
            Self::Timeout => "timeout",
            Self::KeepAlive => "keep-alive",
        }
    }
}
