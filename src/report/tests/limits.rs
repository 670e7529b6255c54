//! What is shown up to a limit, and counted beyond it.

use super::fixture::{PLAIN, rendered, report};
use crate::report::finding::TargetFailures;
use crate::report::{FindingRow, Format, NoticeRow, Report, ScopeRow, Style, TargetGroupRow, TargetRow};

/// A report with this many findings, notices, target groups and targets.
fn report_with(count: usize) -> Report {
    let mut report = report();
    report.unexplained_failures = 0;
    let finding = report.findings[0].clone();
    let scope = |number: usize| ScopeRow { target: Some(format!("10.0.9.{number}:80")), ..finding.scope.clone() };
    let numbered = |number| FindingRow { scope: scope(number), failures: 1_000, ..finding.clone() };
    report.findings = (0..count).map(numbered).collect();
    report.notices = (0..count).map(|number| NoticeRow(numbered(number))).collect();
    let (group, target) = (report.target_groups[0].clone(), report.targets[0].clone());
    report.target_groups = (0..count)
        .map(|number| {
            let arn = format!("arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/group-{number}/7");
            TargetGroupRow { target_group: Some(arn), ..group.clone() }
        })
        .collect();
    report.targets = (0..count)
        .map(|number| TargetRow { target: format!("10.0.9.{number}:80"), failures: 500, ..target.clone() })
        .collect();
    report
}

#[test]
fn what_is_left_out_is_counted_with_its_failures() {
    for (format, count, expected) in [
        (Format::Markdown, 20, &[][..]),
        (
            Format::Markdown,
            21,
            &[
                "\n1 more finding.\n",
                "\n1 more notice.\n",
                "\n1 more target group\n",
                "\n1 more target with 500 failures.\n",
            ],
        ),
        (
            Format::Markdown,
            32,
            &[
                "\n12 more findings.\n",
                "\n12 more notices.\n",
                "\n12 more target groups\n",
                "\n12 more targets with 6,000 failures.\n",
            ],
        ),
        (Format::Text, 5, &[]),
        (Format::Text, 6, &["\n1 more notice: use --format json to see all\n"]),
        (
            Format::Text,
            32,
            &[
                "\n20 more findings: use",
                "\n27 more notices: use",
                "\n2 more target groups\n",
                "\n2 more targets with 1,000 failures\n",
            ],
        ),
    ] {
        let page = rendered(&report_with(count), format, PLAIN);
        let more: Vec<&str> =
            page.lines().filter(|line| line.starts_with(char::is_numeric) && line.contains(" more ")).collect();
        assert_eq!(more.len(), expected.len(), "{more:#?}");
        for line in expected {
            assert!(page.contains(line), "{line:?} is not in {more:#?}");
        }
    }
}

#[test]
fn notices_are_shown_like_findings_and_count_requests() {
    let mut report = report();
    let finding = report.findings[0].clone();
    report.notices = vec![NoticeRow(FindingRow { failures: 1_234, ..finding.clone() })];
    let text = rendered(&report, Format::Text, PLAIN);
    let (_, notices) =
        text.split_once("\nNotices  causes of requests that do not count as failed\n").expect("a section");
    let (notices, _) = notices.split_once("\n\n").expect("its end");
    let markdown = rendered(&report, Format::Markdown, PLAIN);
    let (_, in_markdown) = markdown.split_once("\n## Notices\n").expect("a section");
    let (in_markdown, _) = in_markdown.split_once("\n## ").expect("its end");
    let page = rendered(&report, Format::Html, PLAIN);
    let (_, in_page) = page.split_once("id=\"notice-1\"").expect("a card");
    let (in_page, _) = in_page.split_once("</section>").expect("its end");
    for (shown, heading) in [
        (notices, " ·  target 10.0.2.27:3000  1,234 requests"),
        (in_markdown, "### target 10.0.2.27:3000: 1,234 requests\n"),
        (in_page, "1,234 requests"),
    ] {
        assert!(shown.contains(heading), "{heading} is not in {shown}");
        assert!(!shown.contains("same as finding") && !shown.contains("1,234 failures"), "{shown}");
        for part in [finding.cause, finding.checks[0].question, &finding.checks[0].command] {
            assert!(shown.contains(part), "{part} is not in {shown}");
        }
    }
    // The texts of causes have nothing to escape but their punctuation.
    assert!(notices.contains("    fix     ") && in_markdown.contains("- **fix**: "), "{notices} {in_markdown}");
    assert!(notices.contains("    sample  ") && in_markdown.contains("- **sample**: "), "{notices} {in_markdown}");
    let json: serde_json::Value = serde_json::from_str(&rendered(&report, Format::Json, PLAIN)).expect("JSON");
    let (notice, finding) = (json["notices"][0].clone(), json["findings"][0].clone());
    let keys =
        |value: serde_json::Value| -> Vec<String> { value.as_object().expect("an object").keys().cloned().collect() };
    assert_eq!(notice["requests"], 1_234);
    let mut expected = keys(finding);
    expected.iter_mut().filter(|key| *key == "failures").for_each(|key| *key = "requests".to_owned());
    expected.sort_unstable();
    let mut found = keys(notice);
    found.sort_unstable();
    assert_eq!(found, expected);
}

#[test]
fn a_finding_names_four_of_its_targets() {
    for (targets, expected) in [
        (0, None),
        (1, Some("a0 (9)")),
        (4, Some("a0 (9), a1 (8), a2 (7), a3 (6)")),
        (5, Some("a0 (9), a1 (8), a2 (7), a3 (6), 1 more target")),
        (9, Some("a0 (9), a1 (8), a2 (7), a3 (6), 5 more targets")),
    ] {
        let mut report = report();
        let finding = &mut report.findings[0];
        let named = |number: usize| TargetFailures { target: format!("a{number}"), failures: 9 - number as u64 };
        (finding.scope.target, finding.by_target) = (None, (0..targets).map(named).collect());
        let page = rendered(&report, Format::Text, Style { width: 200, ..PLAIN });
        let line = page.lines().find_map(|line| line.strip_prefix("    targets "));
        assert_eq!(line, expected);
    }
}
