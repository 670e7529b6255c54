//! A finding or a notice as the page shows it.

use std::fmt::Write;

use super::super::plain::{CUT, cut, sanitize_terminal};
use super::super::{CheckRow, FindingRow, NoticeRow, Report, SettingRow, numbers, phrases};
use super::data::{MAX_LAGS, PictureIndex};
use super::limits::{MAX_NAME_WIDTH, MAX_SAMPLE_WIDTH, MAX_TEXT_WIDTH};
use crate::diagnose::Confidence;
use crate::knowledge::causes::{Method, Setting, cause};

/// At most this many samples are shown, and this many in a finding that is folded away.
const MAX_SAMPLES: usize = 3;
const MAX_SAMPLES_IF_FOLDED: usize = 1;

/// Height of a course, in units of its SVG.
const COURSE_HEIGHT: u64 = 12;

/// One finding or notice.
#[expect(clippy::struct_excessive_bools, reason = "each is a part that is shown or not")]
pub(super) struct Card<'a> {
    /// Its anchor.
    pub(super) id: String,
    /// From 1.
    pub(super) number: usize,
    pub(super) is_open: bool,
    pub(super) what: String,
    pub(super) within: String,
    pub(super) failures: String,
    pub(super) cause: &'static str,
    pub(super) title: &'static str,
    pub(super) confidence: &'static str,
    /// If several causes fit, the first is a guess and is marked as one.
    pub(super) is_doubtful: bool,
    pub(super) when: String,
    pub(super) course: Option<FailureCourse>,
    pub(super) change: String,
    pub(super) at: Option<String>,
    pub(super) evidence_for: Vec<String>,
    pub(super) evidence_against: Vec<String>,
    pub(super) also_fits: String,
    /// Index of the picture that shows it.
    pub(super) timing: Option<usize>,
    /// Indices of the first and the last time bin with its failures.
    pub(super) first_bin: usize,
    pub(super) last_bin: usize,
    pub(super) has_lags: bool,
    /// The number of an earlier finding with the same fix.
    pub(super) like: Option<usize>,
    pub(super) fix: &'static str,
    pub(super) methods: &'a [Method],
    pub(super) settings: &'a [SettingRow],
    pub(super) settings_note: String,
    pub(super) stacks: &'static [Setting],
    /// Questions and commands that the earlier finding does not have.
    pub(super) checks: Vec<(&'static str, String)>,
    pub(super) has_said_checks: bool,
    /// Location and text of each sample.
    pub(super) samples: Vec<(String, String)>,
    pub(super) meaning: &'static str,
    pub(super) docs: &'static str,
}

impl<'a> Card<'a> {
    /// The finding at `index` of the report.
    pub(super) fn new(report: &'a Report, index: usize, timings: &PictureIndex, is_folded: bool) -> Self {
        let row = &report.findings[index];
        let like = FindingRow::first_like(&report.findings, index);
        let other = like.map(|like| &report.findings[like]);
        let known = other.map_or(&[][..], |other| &other.checks);
        let (said, left): (Vec<_>, Vec<_>) = row.checks.iter().partition(|check| known.contains(check));
        let is_new = other.is_none_or(|other| other.settings != row.settings);
        let alone = Self::alone(report, row, index + 1, if is_folded { MAX_SAMPLES_IF_FOLDED } else { MAX_SAMPLES });
        Self {
            is_open: report.findings.len() == 1,
            timing: timings.of_scope(&row.scope),
            has_lags: row.lags.is_some() && index < MAX_LAGS,
            like: like.map(|like| like + 1),
            settings: if is_new { alone.settings } else { &[] },
            stacks: if like.is_none() { alone.stacks } else { &[] },
            checks: left.into_iter().map(question_and_command).collect(),
            has_said_checks: !said.is_empty(),
            ..alone
        }
    }

    /// The notice at `index` of the report.
    pub(super) fn of_notice(report: &'a Report, index: usize) -> Self {
        let NoticeRow(row) = &report.notices[index];
        Self {
            id: format!("notice-{}", index + 1),
            failures: numbers::counted(row.failures, "request"),
            ..Self::alone(report, row, index + 1, MAX_SAMPLES)
        }
    }

    /// A finding or notice that refers to no other, and to no picture.
    fn alone(report: &Report, row: &'a FindingRow, number: usize, max_samples: usize) -> Self {
        let (what, within) = phrases::scope(&row.scope);
        let knowledge = cause(row.cause);
        let evidence = |is_for: bool| -> Vec<String> {
            let rows = row.evidence.iter().filter(|evidence| evidence.0.is_for == is_for);
            rows.map(|evidence| cut(&evidence.0.text, MAX_TEXT_WIDTH)).collect()
        };
        let bin = |at: Option<&(usize, u64)>| at.map_or(0, |(bin, _)| *bin);
        Self {
            id: format!("finding-{number}"),
            number,
            is_open: false,
            what: cut(&what, MAX_NAME_WIDTH),
            within: cut(&within, MAX_NAME_WIDTH),
            failures: numbers::counted(row.failures, "failure"),
            cause: row.cause,
            title: row.title,
            confidence: row.confidence.id(),
            is_doubtful: row.confidence == Confidence::Low,
            when: phrases::when(row).unwrap_or_default(),
            course: FailureCourse::new(&row.failures_over_time, report.pictures.time_bins),
            change: phrases::change(row),
            at: phrases::at_targets(row, CUT),
            evidence_for: evidence(true),
            evidence_against: evidence(false),
            also_fits: row.also_fits.join(", "),
            timing: None,
            first_bin: bin(row.failures_over_time.first()),
            last_bin: bin(row.failures_over_time.last()),
            has_lags: false,
            like: None,
            fix: row.fix,
            methods: &row.methods,
            settings: &row.settings,
            settings_note: format!("({})", phrases::settings_note(row, report.idle_timeout)),
            stacks: knowledge.map_or(&[], |cause| cause.settings),
            checks: row.checks.iter().map(question_and_command).collect(),
            has_said_checks: false,
            samples: row
                .samples
                .iter()
                .take(max_samples)
                .map(|sample| {
                    let location = format!("{}:{}", cut(&sample.object, MAX_TEXT_WIDTH), sample.line);
                    (location, cut(&sample.text, MAX_SAMPLE_WIDTH))
                })
                .collect(),
            meaning: knowledge.map_or("", |cause| cause.meaning),
            docs: row.docs,
        }
    }
}

fn question_and_command(check: &CheckRow) -> (&'static str, String) {
    (check.question, sanitize_terminal(&check.command).into_owned())
}

/// Failures over time as a row of bars. Each bar is one line of the path.
pub(super) struct FailureCourse {
    /// How many bins of time it spans; each is one unit wide.
    pub(super) bins: usize,
    /// In the syntax of SVG's paths.
    pub(super) path: String,
}

impl FailureCourse {
    /// `None` if nothing failed, or if there is only one bin. The highest bar has the full height, and no bar is too
    /// low to see.
    pub(super) fn new(over_time: &[(usize, u64)], bins: usize) -> Option<Self> {
        let most = over_time.iter().map(|(_, failures)| *failures).max().filter(|_| bins > 1)?;
        let mut path = String::new();
        for (bin, failures) in over_time {
            let height = (failures * COURSE_HEIGHT).div_ceil(most).max(2);
            // Writing to a String cannot fail.
            let _ = write!(path, "M{bin}.5 {COURSE_HEIGHT}v-{height}");
        }
        Some(Self { bins, path })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_course_has_a_bar_for_each_bin_and_none_too_low_to_see() {
        let course = FailureCourse::new(&[(0, 1), (7, 600), (127, 300)], 128).expect("something failed");
        assert_eq!((course.bins, &*course.path), (128, "M0.5 12v-2M7.5 12v-12M127.5 12v-6"));
        assert!(FailureCourse::new(&[], 128).is_none());
        assert!(FailureCourse::new(&[(0, 1)], 1).is_none(), "it would say nothing of time");
    }
}
