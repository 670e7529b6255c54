//! The README and docs/pictures.md say what the program does.

mod common;

use std::path::Path;

use albscope::classify::Outcome;
use albscope::knowledge::causes::{CAUSES, Method};
use albscope::report::chart::{Family, Look};
use common::program::run;

const README: &str = include_str!("../README.md");

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn table_of_outcomes() -> String {
    let rows = Outcome::ALL.iter().map(|outcome| {
        let id = if outcome.is_failure() { format!("**`{}`**", outcome.id()) } else { format!("`{}`", outcome.id()) };
        format!("| {id} | {} | {} |\n", outcome.title(), outcome.answered_by().title())
    });
    format!("| outcome | how the request ended | answered by |\n| --- | --- | --- |\n{}", rows.collect::<String>())
}

fn table_of_causes() -> String {
    let rows = CAUSES.iter().map(|cause| {
        let Method { method, time, risk, .. } = cause.methods[0];
        format!("| `{}` | {} | {method} | {time} | {} |\n", cause.id, cause.title, risk.id())
    });
    format!(
        "| cause | in short | what usually helps | time | risk |\n| --- | --- | --- | --- | --- |\n{}",
        rows.collect::<String>()
    )
}

fn table_of_symbols() -> String {
    let failures = Outcome::ALL.iter().filter(|outcome| outcome.is_failure());
    let looks: Vec<(&Outcome, Look)> = failures.map(|outcome| (outcome, Look::of(*outcome))).collect();
    let rows = Family::ALL.iter().flat_map(|family| looks.iter().filter(|(_, look)| look.family == *family));
    let rows = rows.map(|(outcome, Look { family, symbol, ascii, .. })| {
        format!("| {} | `{}` | {symbol} | `{ascii}` |\n", family.title(), outcome.id())
    });
    format!("| family | outcome | symbol | with `--ascii` |\n| --- | --- | --- | --- |\n{}", rows.collect::<String>())
}

/// The output that the README shows for a command.
fn block_after(command: &str) -> &'static str {
    let (_, rest) = README.split_once(&format!("$ {command}\n")).expect("the command stands in the README");
    rest.split("```").next().unwrap_or_default()
}

#[test]
fn the_table_of_outcomes_matches_the_code() {
    let expected = table_of_outcomes();
    assert!(README.contains(&expected), "put this table into README.md:\n\n{expected}");
}

#[test]
fn the_table_of_symbols_matches_the_code() {
    let expected = table_of_symbols();
    let pictures = include_str!("../docs/pictures.md");
    assert!(pictures.contains(&expected), "put this table into docs/pictures.md:\n\n{expected}");
}

#[test]
fn the_table_of_causes_matches_the_code() {
    let expected = table_of_causes();
    assert!(README.contains(&expected), "put this table into README.md:\n\n{expected}");
}

#[test]
fn the_output_shown_is_real() {
    let run = run(repository(), &["analyze", "sample-logs"]);
    run.assert_sound("sample-logs");
    let mut rest = run.stdout.as_str();
    let shown = block_after("cargo run --release -- analyze sample-logs");
    assert!(shown.lines().count() > 30, "the README shows the report");
    for line in shown.lines().filter(|line| *line != "…") {
        let (before, after) = rest
            .split_once(&format!("{line}\n"))
            .unwrap_or_else(|| panic!("the program does not print this line here: {line}"));
        assert!(before.is_empty() || before.ends_with('\n'), "the README shows a part of a line: {line}");
        rest = after;
    }
}

/// Only on the kind of machine it was made on: on others, rounding may change a pixel.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
fn the_figure_shown_is_real() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let figure = folder.path().join("figure.png");
    let path = figure.to_str().expect("UTF-8");
    run(repository(), &["analyze", "sample-logs", "--plot", path]).assert_sound("a figure");
    let drawn = std::fs::read(figure).expect("it is there");
    let shown = include_bytes!("../docs/images/sample-logs.png");
    assert!(drawn == shown, "draw it again: albscope analyze sample-logs --plot docs/images/sample-logs.png");
}

/// Only on the kind of machine they were made on: on others, logarithms may differ in the last digit.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
fn the_sample_logs_are_made_by_the_command_that_their_readme_shows() {
    use std::collections::BTreeMap;

    fn files_below(root: &Path, folder: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                files_below(root, &path, files);
            } else {
                let name = path.strip_prefix(root).expect("it lies below").to_string_lossy().into_owned();
                files.insert(name, std::fs::read(&path).expect("a file"));
            }
        }
    }

    let made = tempfile::tempdir().expect("a temporary folder");
    run(made.path(), &["simulate", "incident", "--quiet", "--output", "."]).assert_sound("the sample");
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-logs");
    let (mut expected, mut found) = (BTreeMap::new(), BTreeMap::new());
    files_below(&sample, &sample, &mut expected);
    files_below(made.path(), made.path(), &mut found);
    expected.remove("README.md");
    assert!(expected.len() > 70);
    assert!(expected == found, "the scenario changed: make sample-logs again");
}
