//! What several formats of a report have in common.

use super::fixture::{BAD_TARGET, FixtureRequest, OK, PLAIN, rendered, report, summary_of};
use super::html::{html, without_scripts};
use crate::diagnose::{Context, diagnose};
use crate::report::{Cached, CheckRow, FindingRow, Format, Report, ScopeRow, SettingRow};
use crate::source::Selection;

#[test]
fn markdown_reads_as_a_page() {
    insta::assert_snapshot!(rendered(&report(), Format::Markdown, PLAIN));
}

#[test]
fn json_has_a_stable_form() {
    let mut value: serde_json::Value = serde_json::from_str(&rendered(&report(), Format::Json, PLAIN)).expect("JSON");
    let mut take = |key: &str| value.as_object_mut().expect("an object").remove(key).expect("it is there");
    assert_eq!(take("timing")["load_balancers"][0]["load_balancer"], "app/shop-prod/50dc6c495c0c9188");
    let mut pictures = take("pictures");
    // One row of each kind shows the form.
    pictures["elapsed_bins"].as_array_mut().expect("an array").truncate(3);
    let timings = pictures["timings"].as_array_mut().expect("an array");
    timings.retain(|timing| timing["target"] == BAD_TARGET);
    for rows in ["density", "failed", "failures_over_time"] {
        timings[0][rows].as_array_mut().expect("an array").truncate(1);
    }
    insta::assert_snapshot!("json_has_what_pictures_draw", pictures);
    insta::assert_snapshot!(serde_json::to_string_pretty(&value).expect("JSON"));
}

#[test]
fn the_command_of_a_report_can_be_pasted_into_a_shell() {
    let report = report().made_by(["albscope", "analyze", "my logs", "--target", "$(reboot)"]);
    assert_eq!(report.command.as_deref(), Some("albscope analyze 'my logs' --target '$(reboot)'"));
}

#[test]
fn advice_that_several_findings_share_is_given_once() {
    let mut report = report();
    // A check of the target itself, which is another one for each target.
    let of_target = |target: &str| CheckRow {
        question: "does it answer from within the VPC?",
        command: format!("curl -sv --max-time 5 http://{target}/"),
    };
    report.findings[0].checks[2] = of_target("10.0.2.27:3000");
    let first = report.findings[0].clone();
    assert_eq!((first.cause, first.checks.len()), ("connection-refused", 3));
    let like = |target: &str| {
        let scope = ScopeRow { target: Some(target.to_owned()), ..first.scope.clone() };
        FindingRow { scope, ..first.clone() }
    };
    let (mut second, third) = (like("10.0.2.28:3000"), like("10.0.2.29:3000"));
    second.checks[2] = of_target("10.0.2.28:3000");
    report.findings.splice(1..1, [second.clone(), third]);
    let render = |format| rendered(&report, format, PLAIN);
    let (text, markdown) = (render(Format::Text), render(Format::Markdown));
    for (command, times) in [(&first.checks[0], 1), (&first.checks[2], 1), (&second.checks[2], 1)] {
        for page in [&text, &markdown] {
            assert_eq!(page.matches(&command.command).count(), times, "{}: {page}", command.command);
        }
    }
    assert_eq!(text.matches("    fix     same as finding 1\n").count(), 2, "{text}");
    assert!(text.contains("    verify  same as finding 1, and:\n            does it answer"), "{text}");
    assert!(text.contains("    verify  same as finding 1\n"), "{text}");
    assert_eq!(markdown.matches("- **fix**: same as finding 1\n").count(), 2, "{markdown}");
    assert!(markdown.contains("- **verify**: same as finding 1, and: does it answer"), "{markdown}");
    assert!(markdown.contains("- **verify**: same as finding 1\n"), "{markdown}");
}

#[test]
fn settings_follow_the_fix_and_can_be_copied() {
    let mut report = report();
    let server = "a server";
    report.findings[0].settings = vec![SettingRow { server, setting: "keep_alive = 75", is_default: true }; 2];
    report.findings[0].estimates.keep_alive_seconds = Some(5.0);
    report.idle_timeout.seconds = 120.0;
    let render = |format| rendered(&report, format, PLAIN);
    let text = render(Format::Text);
    assert!(text.contains("    config  a server: keep_alive = 75\n            a server: keep_alive = 75\n"), "{text}");
    // The setting is too short for such an idle timeout.
    assert!(text.contains("            (or other software that closes idle connections after that time; "), "{text}");
    assert!(text.contains("idle timeout of 60 s, but it is 120 s: raise them to match)\n"), "{text}");
    assert!(render(Format::Markdown).contains("  - a server: `keep_alive = 75`\n"));
    assert!(
        render(Format::Json)
            .contains(r#""settings":[{"server":"a server","setting":"keep_alive = 75","is_default":true}"#)
    );
}

/// A route's name is untrusted text. It is in the evidence if the failures are of one route.
#[test]
fn evidence_that_names_a_route_is_harmless_in_every_form() {
    let mut log = String::new();
    for at in 0..400 {
        let line = FixtureRequest { at, ..OK }.line();
        log.push_str(&line.replace(&format!("/orders/{at}"), "/list"));
        let bad = FixtureRequest { at, times: "0.001 0.030 -1", statuses: "502 -", elapsed_millis: 31, ..OK }.line();
        log.push_str(&bad.replace(&format!("/orders/{at}"), "/<b>\u{1b}[2J\u{202e}|`evil`"));
    }
    let summary = summary_of(&log);
    let diagnosis = diagnose(&summary, &Context::default());
    assert_eq!(diagnosis.findings[0].cause.id, "malformed-response");
    assert!(diagnosis.findings[0].evidence.iter().any(|evidence| evidence.text.contains("\u{1b}[2J")), "it is there");
    let mut report = Report::new(&summary, &diagnosis, &Selection::default());
    // The samples have the same text, but this test is about the evidence.
    report.findings.iter_mut().for_each(|finding| finding.samples.clear());
    for format in [Format::Text, Format::Markdown, Format::Json, Format::Html] {
        let page = rendered(&report, format, PLAIN);
        assert!(page.contains("evil"), "{page}");
        assert!(!page.contains('\u{1b}'), "{page}");
        // Not checked for JSON, which is for programs; it has the character as an escape.
        assert!(!page.contains('\u{202e}'), "{page}");
        assert!(!matches!(format, Format::Markdown | Format::Html) || !page.contains("/<b>"), "{page}");
    }
}

/// Days of a bucket are not listed, and objects come from the cache, only in S3.
#[test]
fn every_form_says_what_was_left_out_and_what_came_from_the_cache() {
    let mut report = report();
    report.input.folders_skipped.insert("outside-window", 17);
    report.input.from_cache = Some(Cached { objects: 13, bytes: 2_000_000 });
    for format in [Format::Text, Format::Markdown] {
        let text = rendered(&report, format, PLAIN);
        assert!(text.contains("17 outside-window") && text.contains("13 objects (2.0 MB)"), "{text}");
    }
    let page = without_scripts(&html(&report));
    for part in ["Folders left out", "17 outside-window", "13 objects (2.0 MB)"] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
}
