//! What the README says is what the program does.

use std::process::Command;

use albscope::classify::Outcome;

const README: &str = include_str!("../README.md");

fn table_of_outcomes() -> String {
    let rows = Outcome::ALL.iter().map(|outcome| {
        let id = if outcome.is_failure() { format!("**`{}`**", outcome.id()) } else { format!("`{}`", outcome.id()) };
        format!("| {id} | {} | {} |\n", outcome.title(), outcome.answered_by().title())
    });
    format!("| outcome | how the request ended | answered by |\n| --- | --- | --- |\n{}", rows.collect::<String>())
}

/// The text between a console block's command and its end.
fn block_after(command: &str) -> &'static str {
    let (_, rest) = README.split_once(&format!("$ {command}\n")).expect("the command stands in the README");
    rest.split("```").next().unwrap_or_default()
}

#[test]
fn the_table_of_outcomes_is_the_code_s() {
    let expected = table_of_outcomes();
    assert!(README.contains(&expected), "put this table into README.md:\n\n{expected}");
}

#[test]
fn the_output_shown_is_real() {
    let output = Command::new(env!("CARGO_BIN_EXE_albscope"))
        .args(["analyze", "sample-logs"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_remove("COLUMNS")
        .output()
        .expect("the program runs");
    assert!(output.status.success());
    let printed = String::from_utf8(output.stdout).expect("UTF-8");
    let mut rest = printed.as_str();
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
