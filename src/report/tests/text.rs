//! What a terminal shows.

use std::path::Path;

use unicode_width::UnicodeWidthStr;

use super::fixture::{PLAIN, rendered, report};
use crate::diagnose::{Context, diagnose};
use crate::pipeline::{Progress, ReadOptions};
use crate::report::finding::TargetFailures;
use crate::report::{Format, Report, Style};
use crate::source::{self, Selection};

fn text(width: usize) -> String {
    rendered(&report(), Format::Text, Style { width, ..PLAIN })
}

#[test]
fn text_fits_80_columns() {
    insta::assert_snapshot!(text(80));
}

#[test]
fn text_has_more_columns_at_120() {
    insta::assert_snapshot!(text(120));
}

#[test]
fn text_has_all_columns_at_200_and_prose_stays_narrow() {
    insta::assert_snapshot!(text(200));
}

#[test]
fn colour_adds_nothing_but_escape_sequences() {
    let coloured = rendered(&report(), Format::Text, Style { is_coloured: true, ..PLAIN });
    let mut plain = String::new();
    let mut rest = coloured.as_str();
    while let Some((before, sequence)) = rest.split_once('\u{1b}') {
        plain.push_str(before);
        rest = sequence.split_once('m').expect("a sequence that sets colours").1;
    }
    plain.push_str(rest);
    assert_eq!(plain, text(100));
    insta::assert_snapshot!(coloured.replace('\u{1b}', "␛"));
}

#[test]
fn pictures_in_ascii_need_no_other_characters() {
    let mut report = report();
    let long = TargetFailures { target: "a".repeat(70), failures: 3 };
    let finding = &mut report.findings[0];
    (finding.scope.target, finding.by_target) = (None, vec![long]);
    let page = rendered(&report, Format::Text, Style { is_ascii: true, ..PLAIN });
    // The rest of the page is ASCII too: cuts are marked by three dots.
    assert!(page.contains(&format!("targets {}... (3)", "a".repeat(57))), "{page}");
    let other: Vec<&str> = page.lines().filter(|line| !line.is_ascii()).collect();
    assert!(other.is_empty() && page.contains("..."), "{other:?}");
    let (_, picture) = page.split_once("\nTiming").expect("the picture");
    let (picture, _) = picture.split_once("\n\n").expect("its end");
    assert!(picture.lines().count() > 20 && picture.is_ascii(), "{picture}");
    insta::assert_snapshot!(picture);
}

#[test]
fn a_race_shows_its_gaps() {
    let log = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/causes/keep-alive-race/hits.log");
    let inputs = [source::from_input(log.as_os_str()).expect("it is there")];
    let summary = ReadOptions::new().run(&inputs, &Progress::new()).expect("it is not strict");
    let report = Report::new(&summary, &diagnose(&summary, &Context::default()), &Selection::default());
    for width in [60, 80, 200] {
        let page = rendered(&report, Format::Text, Style { width, ..PLAIN });
        let lines: Vec<&str> =
            page.lines().skip_while(|line| !line.starts_with("    gaps    failed ")).take(3).collect();
        let [failed, answered, times] = lines[..] else { panic!("no gaps: {page}") };
        let column = |line: &str, what| line.chars().position(|character| character == what).expect("it is there");
        assert!(answered.starts_with("            answered ") && !answered.contains('█'), "{answered}");
        // The highest bar is above the name of the timeout.
        let named = times[..times.find(" s keep-alive").expect("it is there")].rfind(' ').expect("a time") + 1;
        assert!(column(failed, '█').abs_diff(named) <= 1, "{failed} {times}");
    }
}

/// Whether a line is there to be copied, and so never wrapped: the location of a sample, or a command.
fn is_copied(line: &str) -> bool {
    ["    sample  ", "            aws ", "            curl "].iter().any(|start| line.starts_with(start))
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    for width in 60..=240 {
        for line in text(width).lines().filter(|line| !is_copied(line)) {
            assert!(line.width() <= width, "{} columns of {width}: {line}", line.width());
        }
    }
}
