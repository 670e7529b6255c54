//! Pictures of the sample log of each cause, and of hostile logs.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::sheet::{Area, Sheet, SheetItem, Text};
use super::*;
use crate::classify::Outcome;
use crate::diagnose::{Context, diagnose};
use crate::pipeline::{Progress, ReadOptions};
use crate::report::FindingRow;
use crate::report::chart::against_idle_timeout;
use crate::source::{self, Selection};

fn report(log: &Path) -> Report {
    report_with(log, None)
}

fn report_with(log: &Path, idle_timeout: Option<Duration>) -> Report {
    let inputs = [source::from_input(log.as_os_str()).expect("it is there")];
    let summary = ReadOptions::new().run(&inputs, &Progress::new()).expect("it is not strict");
    Report::new(
        &summary,
        &diagnose(&summary, &Context::default().with_idle_timeout(idle_timeout)),
        &Selection::default(),
    )
}

fn report_of(log: &str) -> Report {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), log).expect("it can be written");
    report(file.path())
}

/// The logs of all causes.
fn logs() -> Vec<PathBuf> {
    let causes = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/causes");
    let folders = std::fs::read_dir(causes).expect("a folder").map(|folder| folder.expect("a folder").path());
    let mut logs: Vec<PathBuf> = folders.map(|folder| folder.join("hits.log")).collect();
    logs.sort_unstable();
    logs
}

fn race() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/causes/keep-alive-race/hits.log")
}

fn drawn(report: &Report, format: PlotFormat) -> Vec<u8> {
    let mut file = Vec::new();
    render(report, format, &mut file).expect("a Vec takes all");
    file
}

fn texts(sheet: &Sheet) -> Vec<&Text> {
    let texts = sheet.items.iter().filter_map(|item| match item {
        SheetItem::Text(text) => Some(text),
        _ => None,
    });
    texts.collect()
}

/// The area of a text's letters, without the parts below the baseline.
fn extent(text: &Text) -> Area {
    let height = text.shape.size * 0.72;
    Area { x: text.x, y: text.y - height, width: text.width, height }
}

#[test]
fn the_extension_decides_the_format() {
    for (path, expected) in [
        ("a.svg", Some(PlotFormat::Svg)),
        ("folder.d/b.PNG", Some(PlotFormat::Png)),
        ("c.svgz", None),
        ("svg", None),
        ("d.jpg", None),
        ("", None),
    ] {
        assert_eq!(PlotFormat::of(Path::new(path)), expected, "{path}");
    }
}

/// Asserts that no two texts overlap and that none leaves the margins. Returns how many pairs of texts there are.
fn assert_texts_are_apart(sheet: &Sheet, what: &str) -> usize {
    let texts = texts(sheet);
    let mut count = 0;
    for (index, text) in texts.iter().enumerate() {
        let one = extent(text);
        let is_inside = one.x >= 0.0
            && one.y >= 0.0
            && one.right() <= f32::from(sheet.width) - 20.0
            && text.y <= f32::from(sheet.height) - 4.0;
        assert!(is_inside, "{what}: {text:?}");
        for other in &texts[index + 1..] {
            let next = extent(other);
            let is_apart =
                one.right() <= next.x || next.right() <= one.x || one.bottom() <= next.y || next.bottom() <= one.y;
            assert!(is_apart, "{what}: {text:?} and {other:?}");
            count += 1;
        }
    }
    count
}

#[test]
fn texts_do_not_overlap_or_leave_the_sheet() {
    let count: usize =
        logs().iter().map(|log| assert_texts_are_apart(&layout::sheet(&report(log)), &log.to_string_lossy())).sum();
    assert!(count > 1_000, "{count} pairs were looked at");
}

#[test]
fn an_idle_timeout_among_the_gaps_has_room_for_its_name() {
    for millis in [2_000, 4_900, 5_000, 5_100, 7_000] {
        let report = report_with(&race(), Some(Duration::from_millis(millis)));
        let sheet = layout::sheet(&report);
        assert_texts_are_apart(&sheet, &format!("{millis} ms"));
        let names = texts(&sheet).iter().filter(|text| text.words.starts_with("idle timeout ")).count();
        assert!(names >= 1, "{millis} ms");
    }
}

#[test]
fn sentences_about_the_idle_timeout_are_wrapped() {
    let mut report = report(&race());
    let against = &mut report.pictures.timings[0].idle_timeout;
    (against.measured, against.near, against.met) = (40_000_000_000, 1_234_567_890, 9_876_543_210);
    for row in &mut against.what_if {
        row.cut_off = 12_345_678_901;
    }
    let said = against_idle_timeout(against, report.idle_timeout.seconds);
    let sheet = layout::sheet(&report);
    assert_texts_are_apart(&sheet, "a long text");
    let texts = texts(&sheet);
    let first =
        texts.iter().position(|text| said.starts_with(&text.words) && text.words.len() > 40).expect("its beginning");
    let lines = [texts[first], texts[first + 1]];
    assert_eq!(lines.map(|line| line.words.as_str()).join(" "), said);
    assert!(lines.iter().all(|line| line.x + line.width <= f32::from(sheet.width) - line.x), "{lines:?}");
}

#[test]
fn a_race_has_its_gaps_beside_the_timing() {
    let sheet = layout::sheet(&report(&race()));
    let texts: Vec<&str> = texts(&sheet).iter().map(|text| text.words.as_str()).collect();
    for expected in ["Keep-alive race at ", "keep-alive timeout ", "idle timeout 60 s"] {
        assert!(texts.iter().any(|text| text.starts_with(expected)), "{expected}: {texts:?}");
    }
}

/// The lines to the right of the verdict of a report with these causes.
fn named_causes(causes: &[&'static str]) -> Vec<String> {
    let mut report = report(&race());
    let first = report.findings[0].clone();
    report.findings = causes.iter().map(|&cause| FindingRow { cause, ..first.clone() }).collect();
    let sheet = layout::sheet(&report);
    assert_texts_are_apart(&sheet, "causes");
    let lines = texts(&sheet).into_iter().map(|text| text.words.clone());
    lines.filter(|line| line.contains(" (high) at ") || line.ends_with("more causes")).collect()
}

#[test]
fn the_line_that_counts_the_other_causes_never_counts_only_one() {
    let all = ["a", "b", "c", "d", "e", "f"];
    assert_eq!(named_causes(&all[..3]).len(), 3);
    let four = named_causes(&all[..4]);
    assert!(four.len() == 4 && four[3].starts_with("d (high)"), "{four:?}");
    let six = named_causes(&all);
    assert!(six.len() == 4 && six[3] == "and 3 more causes", "{six:?}");
}

#[test]
fn a_legend_of_all_outcomes_has_room() {
    let mut report = report(&race());
    let failures = Outcome::ALL.iter().filter(|outcome| outcome.is_failure());
    report.outcomes.0 = failures.map(|outcome| (*outcome, 1_234_567)).collect();
    let sheet = layout::sheet(&report);
    assert_texts_are_apart(&sheet, "all outcomes");
    let entries = texts(&sheet).iter().filter(|text| text.words.ends_with(" 1,234,567")).count();
    assert_eq!(entries, report.outcomes.0.len());
}

#[test]
fn web_sockets_are_not_drawn_but_counted() {
    let log = std::fs::read_to_string(race()).expect("a log");
    let lines = log.lines().enumerate().map(|(index, line)| match line.split_once(' ') {
        // Some that failed, and some that did not.
        Some((_, rest)) if index < 20 || index % 2 == 0 && line.contains(" 502 - ") => format!("wss {rest}\n"),
        _ => format!("{line}\n"),
    });
    let report = report_of(&lines.collect::<String>());
    let timing = &report.pictures.timings[0];
    let drawn: u64 = timing.density.iter().flat_map(|(.., requests)| requests).sum();
    assert_eq!(timing.web_sockets, timing.requests - drawn);
    assert!(timing.web_sockets > 20, "{timing:?}");
    let sheet = layout::sheet(&report);
    assert_texts_are_apart(&sheet, "WebSockets");
    let not_drawn = format!("Not drawn: {} WebSocket connections.", timing.web_sockets);
    for said in [&*not_drawn, "failed, not in the heatmap"] {
        assert!(texts(&sheet).iter().any(|text| text.words == said), "{said}: {:?}", texts(&sheet));
    }
}

#[test]
fn svg_is_well_formed_and_refers_only_to_itself() {
    for log in logs() {
        let svg = String::from_utf8(drawn(&report(&log), PlotFormat::Svg)).expect("UTF-8");
        let document = roxmltree::Document::parse(&svg).expect("XML");
        let ids: BTreeSet<&str> = document.descendants().filter_map(|node| node.attribute("id")).collect();
        let names: BTreeSet<&str> =
            document.descendants().filter(roxmltree::Node::is_element).map(|node| node.tag_name().name()).collect();
        assert_eq!(names, BTreeSet::from(["defs", "g", "path", "svg", "title", "use"]), "{}", log.display());
        for node in document.descendants() {
            for attribute in node.attributes().filter(|attribute| attribute.name() == "href") {
                let id = attribute.value().strip_prefix('#').expect("a reference to a part of the file");
                assert!(ids.contains(id), "{id}");
            }
        }
        assert!(svg.len() < 400_000, "{} bytes", svg.len());
    }
}

#[test]
fn png_has_the_size_of_a_slide_and_the_same_bytes_each_time() {
    let report = report(&race());
    let png = drawn(&report, PlotFormat::Png);
    assert!(png.starts_with(b"\x89PNG"));
    let pixels = tiny_skia::Pixmap::decode_png(&png).expect("a picture");
    assert_eq!((pixels.width(), pixels.height()), (1_600, 900));
    let coloured = pixels.pixels().iter().filter(|pixel| pixel.red() != pixel.blue()).count();
    assert!(coloured > 5_000, "{coloured} pixels");
    assert_eq!(png, drawn(&report, PlotFormat::Png));
}

#[test]
fn untrusted_text_stays_text() {
    let log = std::fs::read_to_string(race()).expect("a log");
    let group = "targetgroup/";
    let hostile = "targetgroup/<script>alert(1)</script>&\u{202e}'";
    let svg = drawn(&report_of(&log.replace(group, hostile)), PlotFormat::Svg);
    let svg = String::from_utf8(svg).expect("UTF-8");
    roxmltree::Document::parse(&svg).expect("XML");
    assert!(svg.contains("&lt;script&gt;alert(1)"), "the name is shown");
    assert!(!svg.contains("<script") && !svg.contains('\u{202e}'));
}

#[test]
fn a_report_without_requests_becomes_a_sheet_that_says_so() {
    let svg = String::from_utf8(drawn(&report_of(""), PlotFormat::Svg)).expect("UTF-8");
    let document = roxmltree::Document::parse(&svg).expect("XML");
    let labels: Vec<&str> = document.descendants().filter_map(|node| node.attribute("aria-label")).collect();
    assert_eq!(labels, ["0 of 0 requests failed (0 %)", "0 load balancers"]);
}
