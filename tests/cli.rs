//! The program as its users see it: what it prints where, and its exit status.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::os::unix::fs::{FileTypeExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use albscope::classify::Outcome;
use albscope::kind::alb;
use common::program::{command, finish, run, run_with_input};
use common::{Logs, gzip, line};
use serde_json::Value;
use unicode_width::UnicodeWidthStr;

/// Columns of the text report if the output is not a terminal.
const WIDTH: usize = 100;

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// `count` ordinary lines, each with its line break.
fn lines(count: usize) -> Vec<u8> {
    (line().build() + "\n").repeat(count).into_bytes()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is no count"))
}

/// Formats a number as `1,234,567`. Written here again so that the program's own function is tested.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).unwrap()).collect();
    groups.join(",")
}

#[test]
fn a_missing_input_with_a_hostile_name_is_named_as_text() {
    let run = run(Logs::new().path(), &["analyze", "no\u{1b}[31mwhere"]);
    assert_eq!((run.code, &*run.stdout), (Some(2), ""));
    run.assert_complains("a hostile name", &["no\\u{1b}[31mwhere"]);
}

#[test]
fn one_missing_input_among_others_is_trouble_and_the_others_are_reported() {
    let logs = Logs::new();
    logs.write("a.log", &lines(3));
    let run = run(logs.path(), &["analyze", "nowhere.log", "a.log"]);
    assert_eq!(run.code, Some(2));
    run.assert_complains("one of two", &["nowhere.log"]);
    assert!(run.stdout.starts_with("3 requests, 0 failed"), "{}", run.stdout);
    assert!(run.stdout.contains("nowhere.log"), "who reads the report alone sees what is missing: {}", run.stdout);
    let report = self::run(logs.path(), &["analyze", "nowhere.log", "a.log", "--format", "json"]).json();
    let problem = &report["input"]["problems"][0];
    assert_eq!((&problem["problem"], &problem["objects"]), (&"unreadable".into(), &1.into()), "{problem}");
    assert_eq!(problem["samples"][0]["object"], "nowhere.log");
    assert_eq!(report["input"]["objects_failed"], 1);
}

#[test]
fn an_object_that_is_named_twice_counts_once() {
    let logs = Logs::new();
    logs.write("a.log", &lines(3));
    logs.write("b.log", &lines(2));
    symlink("a.log", logs.path().join("latest.log")).expect("a link");
    for (inputs, records, left_out) in [
        (&["."][..], 5, 1),
        (&["a.log", "."], 5, 2),
        (&["b.log", "./b.log", "b.log"], 2, 2),
        (&["a.log", "latest.log"], 3, 1),
    ] {
        let report = run(logs.path(), &[&["analyze", "--format", "json"], inputs].concat()).json();
        assert_eq!(report["input"]["records"], records, "{inputs:?}");
        assert_eq!(report["input"]["objects_skipped"]["named-twice"], left_out, "{inputs:?}");
    }
    let plan = run(logs.path(), &["analyze", "--dry-run", "--format", "json", "a.log", "."]).json();
    assert_eq!((&plan["objects"], &plan["objects_skipped"]["named-twice"]), (&2.into(), &2.into()), "{plan}");
}

#[test]
fn a_folder_without_logs_is_trouble_and_says_which_names_are_logs() {
    for files in [&[][..], &["notes.md", "image.png"]] {
        let logs = Logs::new();
        for file in files {
            logs.write(file, b"x");
        }
        let run = run(logs.path(), &["analyze", "."]);
        assert_eq!(run.code, Some(2), "{files:?}");
        run.assert_complains("an empty folder", &["no log object found", ".log", ".gz"]);
        assert!(run.stdout.starts_with("No objects to read"), "{files:?}: {}", run.stdout);
    }
}

#[test]
fn damaged_gzip_is_reported_with_its_byte_offset_and_the_rest_is_read() {
    let whole = gzip(&lines(40));
    let mut damaged = [gzip(&lines(2)), gzip(&lines(40))].concat();
    let end = damaged.len();
    damaged[end - 8] ^= 1; // the checksum of the second member
    for (name, object, problem) in [
        ("cut off", whole[..whole.len() - 20].to_vec(), "gzip-truncated"),
        ("wrong sum", damaged, "gzip-damaged"),
        ("garbage behind", [whole.clone(), b"garbage".to_vec()].concat(), "gzip-trailing-garbage"),
    ] {
        let logs = Logs::new();
        logs.write("a.log.gz", &object);
        logs.write("b.log", &lines(3));
        let text = run(logs.path(), &["analyze", "."]);
        assert_eq!(text.code, Some(2), "{name}");
        text.assert_complains(name, &["1 object could not be read to the end"]);
        let location = text.stdout.lines().find(|line| line.contains("a.log.gz")).expect("its location is told");
        assert!(location.contains("byte "), "{name}: {location}");
        let report = run(logs.path(), &["analyze", ".", "--format", "json"]).json();
        assert_eq!(report["input"]["problems"][0]["problem"], problem, "{name}");
        let byte = number(&report["input"]["problems"][0]["samples"][0]["byte"]);
        assert!(byte <= object.len() as u64, "{name}: byte {byte} lies in the object as stored");
        assert!(number(&report["input"]["records"]) >= 3, "{name}: the sound object is read");
        let markdown = run(logs.path(), &["analyze", ".", "--format", "markdown"]).stdout;
        assert!(markdown.contains("- **1 object**: gzip") || markdown.contains("- **1 object**: bytes"), "{markdown}");
    }
}

#[test]
fn an_empty_result_is_no_trouble_and_says_why_it_is_empty() {
    let logs = Logs::new();
    logs.write("a.log", &lines(3));
    let window = &["--since", "2020-01-01", "--until", "2020-01-02T12:30"][..];
    for (name, args, parts) in [
        (
            "an empty window",
            window,
            &["No records between 2020-01-01 00:00:00 and 2020-01-02 12:30:00 UTC", "3 outside-window", "--since"][..],
        ),
        ("another load balancer", &["--load-balancer", "nobody"], &["left out all 3 records", "3 other-load-balancer"]),
        ("another target group", &["--target-group", "nobody"], &["left out all 3 records", "3 other-target-group"]),
        ("another target", &["--target", "10.9.9.9"], &["left out all 3 records", "3 other-target"]),
    ] {
        for format in ["text", "markdown"] {
            let run = run(logs.path(), &[&["analyze", "a.log", "--format", format], args].concat());
            assert_eq!((run.code, &*run.stderr), (Some(0), ""), "{name}, {format}");
            let unwrapped = run.stdout.replace("\n  ", " ");
            for part in parts {
                assert!(unwrapped.contains(part), "{name}, {format}: {part:?} is not in {unwrapped}");
            }
            assert!(!unwrapped.to_lowercase().contains("nothing failed"), "{name}, {format}: {unwrapped}");
        }
        let report = run(logs.path(), &[&["analyze", "a.log", "--format", "json"], args].concat()).json();
        assert_eq!((number(&report["requests"]), number(&report["input"]["records"])), (0, 3), "{name}");
    }
}

#[test]
fn strict_stops_at_the_first_problem_and_says_where_it_is() {
    let logs = Logs::new();
    let good = lines(2);
    logs.write("a.log", &[&good[..], b"bad\n", &good, b"worse\n"].concat());
    let run_strict = run(logs.path(), &["analyze", "a.log", "--strict"]);
    assert_eq!((run_strict.code, &*run_strict.stdout), (Some(2), ""));
    run_strict.assert_complains("strict", &["as --strict asks", "a.log:3", &format!("byte {}", good.len())]);

    let run_missing = run(logs.path(), &["analyze", "nowhere.log", "a.log", "--strict"]);
    assert_eq!((run_missing.code, &*run_missing.stdout), (Some(2), ""));
    run_missing.assert_complains("strict, missing", &["nowhere.log"]);

    let lenient = run(logs.path(), &["analyze", "a.log"]);
    assert_eq!(lenient.code, Some(0), "unreadable lines alone are no trouble");
    assert!(lenient.stdout.contains("6 lines, 4 records, 2 unreadable"), "{}", lenient.stdout);
}

#[test]
fn standard_input_is_read_as_gzip_or_plain_text() {
    let logs = Logs::new();
    for (name, input) in [("plain", lines(5)), ("gzip", gzip(&lines(5))), ("two members", gzip(&lines(5)).repeat(2))] {
        let run = run_with_input(logs.path(), &["analyze", "-", "--format", "json"], &input);
        assert_eq!((run.code, &*run.stderr), (Some(0), ""), "{name}");
        let expected = if name == "two members" { 10 } else { 5 };
        assert_eq!(number(&run.json()["requests"]), expected, "{name}");
    }
    let nothing = run_with_input(logs.path(), &["analyze", "-"], b"");
    assert_eq!(nothing.code, Some(0));
    assert!(nothing.stdout.starts_with("No records: 1 object without lines."), "{}", nothing.stdout);
}

#[test]
fn output_is_one_complete_file() {
    let logs = Logs::new();
    logs.write("a.log", &lines(3));
    for format in ["text", "json", "markdown"] {
        let printed = run(logs.path(), &["analyze", "a.log", "--format", format]);
        fs::write(logs.path().join("report"), "an older report that is longer than nothing").expect("a file");
        let written = run(logs.path(), &["analyze", "a.log", "--format", format, "--output", "report"]);
        assert_eq!((written.code, &*written.stdout, &*written.stderr), (Some(0), "", ""), "{format}");
        assert_eq!(fs::read_to_string(logs.path().join("report")).expect("it is there"), printed.stdout, "{format}");
    }
    assert_eq!(names_in(logs.path()), ["a.log", "report"]);
}

#[test]
fn html_is_written_besides_the_report_and_does_not_depend_on_the_number_of_threads() {
    let folder = Logs::new();
    let sample = repository().join("sample-logs");
    let input = sample.to_str().expect("UTF-8");
    let printed = run(folder.path(), &["analyze", input]);
    let pages = ["1", "2", "16"].map(|threads| {
        let written = run(folder.path(), &["analyze", input, "--threads", threads, "--html", "page"]);
        assert_eq!((written.code, &*written.stderr), (Some(0), ""), "{threads}");
        assert_eq!(written.stdout, printed.stdout, "{threads}");
        assert_eq!(names_in(folder.path()), ["page"]);
        fs::read_to_string(folder.path().join("page")).expect("it is there")
    });
    assert!(pages[0].starts_with("<!doctype html>") && pages[0].ends_with("</html>"));
    assert!(pages[0].contains(" --html page</code>"), "the command is told as it was typed");
    assert!(pages[0] == pages[1] && pages[0] == pages[2], "the pages differ");
    // A page that cannot be written is reported before anything is read.
    let run = run(folder.path(), &["analyze", input, "--html", "nowhere/page"]);
    assert_eq!((run.code, &*run.stdout), (Some(2), ""));
    run.assert_complains("nowhere", &["cannot write", "nowhere/page", "there is no folder nowhere"]);
}

#[test]
fn output_that_cannot_be_written_is_trouble_and_leaves_nothing_behind() {
    let logs = Logs::new();
    logs.write("a.log", &lines(3));
    fs::create_dir(logs.path().join("folder")).expect("a folder");
    for (path, reason) in [("nowhere/report", "there is no folder nowhere"), ("folder", "Is a directory")] {
        let run = run(logs.path(), &["analyze", "a.log", "--output", path]);
        assert_eq!((run.code, &*run.stdout), (Some(2), ""), "{path}");
        run.assert_complains(path, &["cannot write", path, reason]);
    }
    assert_eq!(names_in(logs.path()), ["a.log", "folder"]);
}

#[test]
fn a_figure_is_one_complete_file_besides_the_report() {
    let printed = run(repository(), &["analyze", "sample-logs"]);
    let folder = Logs::new();
    for (name, beginning) in [("a.svg", &b"<svg "[..]), ("b.PNG", b"\x89PNG\r\n")] {
        folder.write(name, b"an older figure");
        let path = folder.path().join(name);
        let path = path.to_str().expect("UTF-8");
        let drawn = run(repository(), &["analyze", "sample-logs", "--plot", path]);
        assert_eq!((drawn.code, &*drawn.stderr), (Some(0), ""), "{name}");
        assert!(drawn.stdout == printed.stdout, "{name}: the report is the same");
        let figure = fs::read(path).expect("it is there");
        assert!(figure.starts_with(beginning) && figure.len() > 50_000, "{name}: {} bytes", figure.len());
    }
    assert_eq!(names_in(folder.path()), ["a.svg", "b.PNG"]);
}

#[test]
fn a_figure_that_cannot_be_written_is_reported_before_reading_or_else_after_the_report() {
    for input in ["sample-logs", "no-such-logs"] {
        let nowhere = run(repository(), &["analyze", input, "--plot", "nowhere/a.svg"]);
        assert_eq!((nowhere.code, &*nowhere.stdout), (Some(2), ""));
        nowhere.assert_complains("nowhere", &["cannot write", "nowhere/a.svg", "there is no folder nowhere"]);
    }
    let folder = Logs::new();
    fs::create_dir(folder.path().join("a.svg")).expect("a folder");
    let taken = folder.path().join("a.svg");
    let lost = run(repository(), &["analyze", "sample-logs", "--plot", taken.to_str().expect("UTF-8")]);
    lost.assert_complains("a folder", &["cannot write", "Is a directory"]);
    assert_eq!((lost.code, lost.stdout), (Some(2), run(repository(), &["analyze", "sample-logs"]).stdout));
}

/// A device or a pipe is written to, not replaced: `--output /dev/null` by root must leave the device there.
#[test]
fn output_to_a_pipe_goes_into_the_pipe() {
    let logs = Logs::new();
    logs.write("a.log", &lines(3));
    let pipe = logs.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo runs").success());
    // Open for reading and writing, so that neither end waits for the other; the report fits into the pipe's buffer.
    let mut reader = fs::OpenOptions::new().read(true).write(true).open(&pipe).expect("a pipe");
    let run = run(logs.path(), &["analyze", "a.log", "--output", "pipe"]);
    assert_eq!((run.code, &*run.stderr), (Some(0), ""));
    assert!(fs::symlink_metadata(&pipe).expect("it is there").file_type().is_fifo(), "the pipe was replaced");
    let mut begin = [0; 10];
    reader.read_exact(&mut begin).expect("the report is in the pipe");
    assert_eq!(&begin, b"3 requests");
    assert_eq!(names_in(logs.path()), ["a.log", "pipe"]);
}

#[test]
fn output_to_a_link_replaces_the_file_it_leads_to() {
    let logs = Logs::new();
    logs.write("a.log", &lines(3));
    logs.write("reports/today", b"old");
    symlink("reports/today", logs.path().join("latest")).expect("a link");
    let run = run(logs.path(), &["analyze", "a.log", "--output", "latest"]);
    assert_eq!((run.code, &*run.stderr), (Some(0), ""));
    assert!(
        fs::symlink_metadata(logs.path().join("latest")).expect("it is there").is_symlink(),
        "the link was replaced"
    );
    let written = fs::read_to_string(logs.path().join("reports/today")).expect("it is there");
    assert!(written.starts_with("3 requests"), "{written}");
    assert_eq!(names_in(&logs.path().join("reports")), ["today"]);
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8")).collect();
    names.sort();
    names
}

#[test]
fn a_reader_that_closes_the_pipe_early_is_no_trouble() {
    for args in [
        &["analyze", "sample-logs"][..],
        &["analyze", "sample-logs", "--format", "json"],
        &["analyze", "sample-logs", "--format", "markdown"],
        &["simulate", "--list"],
        &["man"],
        &["completions", "bash"],
    ] {
        let mut child = command(repository(), args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        // Nobody reads from here on: the first write meets a closed pipe.
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("the program ends");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), &*stderr), (Some(0), ""), "{args:?}");
    }
}

#[test]
fn files_are_written_even_if_the_reader_of_the_report_closes_the_pipe() {
    let folder = Logs::new();
    let path = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    let args = ["analyze", "sample-logs", "--html", &path("a.html"), "--plot", &path("a.svg"), "--tables", &path("t")];
    let mut child =
        command(repository(), &args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("the program ends");
    assert_eq!((output.status.code(), &*String::from_utf8_lossy(&output.stderr)), (Some(0), ""));
    assert_eq!(names_in(folder.path()), ["a.html", "a.svg", "t"]);
}

/// Checks that `value` has these keys. It may have more, because keys are only ever added.
fn assert_has_keys(name: &str, value: &Value, keys: &[&str]) {
    let object = value.as_object().unwrap_or_else(|| panic!("{name} is no object: {value}"));
    for key in keys {
        assert!(object.contains_key(*key), "{name} lacks {key}");
    }
}

#[test]
fn json_has_every_documented_key() {
    let report = run(repository(), &["analyze", "sample-logs", "--format", "json"]).json();
    let first = |key: &str| &report[key][0];
    for (name, value, keys) in [
        (
            "the report",
            &report,
            "schema_version albscope_version window input idle_timeout outcomes status_pairs load_balancers targets \
             findings timing pictures",
        ),
        ("window", &report["window"], "start end"),
        (
            "input",
            &report["input"],
            "objects objects_skipped bytes_read bytes_decoded lines records unreadable_lines problems",
        ),
        ("idle_timeout", &report["idle_timeout"], "seconds origin"),
        ("a status pair", first("status_pairs"), "elb_status_code target_status_code requests"),
        ("a load balancer", first("load_balancers"), "load_balancer requests"),
        (
            "a target",
            first("targets"),
            "load_balancer target_group target requests failures first_seen last_seen latency status_pairs outcomes \
             cause confidence failures_over_time",
        ),
        ("a latency", &first("targets")["latency"], "p50 p90 p99 p999 max"),
        (
            "a finding",
            first("findings"),
            "id cause confidence scope failures first_seen last_seen evidence estimates fix samples lags \
             failures_over_time",
        ),
        ("a scope", &first("findings")["scope"], "load_balancer target_group target"),
        ("a piece of evidence", &first("findings")["evidence"][0], "text for"),
        ("a sample", &first("findings")["samples"][0], "object line text"),
    ] {
        assert_has_keys(name, value, &keys.split_whitespace().collect::<Vec<_>>());
    }
    assert_eq!(report["schema_version"], 1);
    assert_eq!(report["albscope_version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(report["idle_timeout"]["origin"], "inferred");
}

#[test]
fn json_adds_up() {
    let logs = Logs::new();
    logs.write("a.log", &[&lines(4)[..], b"bad\n\n  \n"].concat());
    let small = run(logs.path(), &["analyze", ".", "--format", "json"]).json();
    let large = run(repository(), &["analyze", "sample-logs", "--format", "json"]).json();
    for (name, report) in [("a line that is no record", small), ("sample-logs", large)] {
        let input = &report["input"];
        assert_eq!(number(&input["lines"]), number(&input["records"]) + number(&input["unreadable_lines"]), "{name}");
        let requests = number(&report["requests"]);
        assert_eq!(requests, number(&input["records"]), "{name}: nothing was selected away");
        assert_eq!(sum_of_outcomes(&report["outcomes"]), requests, "{name}: outcomes");
        assert_eq!(sum_of(&report["status_pairs"], "requests"), requests, "{name}: status pairs");
        assert_eq!(sum_of(&report["load_balancers"], "requests"), requests, "{name}: load balancers");
        assert_eq!(sum_of(&report["target_groups"], "requests"), requests, "{name}: target groups");
        let of_failing_outcomes: u64 = report["outcomes"]
            .as_object()
            .expect("an object")
            .iter()
            .filter(|(id, _)| Outcome::ALL.iter().any(|outcome| outcome.id() == *id && outcome.is_failure()))
            .map(|(_, requests)| number(requests))
            .sum();
        assert_eq!(number(&report["failures"]), of_failing_outcomes, "{name}: failures");
        for target in report["targets"].as_array().expect("a list") {
            let requests = number(&target["requests"]);
            assert_eq!(sum_of_outcomes(&target["outcomes"]), requests, "{name}: {}", target["target"]);
            assert_eq!(sum_of(&target["status_pairs"], "requests"), requests, "{name}: {}", target["target"]);
        }
    }
}

fn sum_of(rows: &Value, key: &str) -> u64 {
    rows.as_array().expect("a list").iter().map(|row| number(&row[key])).sum()
}

fn sum_of_outcomes(outcomes: &Value) -> u64 {
    outcomes.as_object().expect("an object").values().map(number).sum()
}

#[test]
fn text_json_and_markdown_say_the_same_numbers() {
    let [text, json, markdown] = ["text", "json", "markdown"].map(|format| {
        let run = run(repository(), &["analyze", "sample-logs", "--format", format]);
        assert_eq!((run.code, &*run.stderr), (Some(0), ""), "{format}");
        run
    });
    let (report, text, markdown) = (json.json(), text.stdout, markdown.stdout);
    let total =
        format!("{} requests, {} failed", grouped(number(&report["requests"])), grouped(number(&report["failures"])));
    assert!(text.starts_with(&total), "{total}");
    assert!(markdown.lines().any(|line| line.starts_with(&total)), "{total}");

    let targets: BTreeMap<String, [String; 2]> = report["targets"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|row| (name_of(&row["target"]), ["requests", "failures"].map(|key| grouped(number(&row[key])))))
        .collect();
    assert!(targets.len() > 3);
    let of_text = rows_of_text(&text, "Targets").map(|cells| (cells[0].clone(), [cells[1].clone(), cells[2].clone()]));
    assert_eq!(of_text.collect::<BTreeMap<_, _>>(), targets, "targets in text");
    let of_markdown =
        rows_of_markdown(&markdown, "## Targets").map(|cells| (cells[0].clone(), [cells[2].clone(), cells[3].clone()]));
    assert_eq!(of_markdown.collect::<BTreeMap<_, _>>(), targets, "targets in Markdown");

    let outcomes: BTreeMap<String, String> = report["outcomes"]
        .as_object()
        .expect("an object")
        .iter()
        .map(|(id, requests)| (id.clone(), grouped(number(requests))))
        .collect();
    let is_count = |cell: &&String| cell.bytes().all(|byte| byte.is_ascii_digit() || byte == b',');
    let of_text = rows_of_text(&text, "How requests ended")
        .filter_map(|cells| Some((cells[0].clone(), cells.iter().find(is_count)?.clone())));
    assert_eq!(of_text.collect::<BTreeMap<_, _>>(), outcomes, "outcomes in text");
    let of_markdown =
        rows_of_markdown(&markdown, "## How requests ended").map(|cells| (cells[0].clone(), cells[3].clone()));
    assert_eq!(of_markdown.collect::<BTreeMap<_, _>>(), outcomes, "outcomes in Markdown");

    let findings: Vec<String> = report["findings"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|row| format!("{} {}", name_of(&row["scope"]["target"]), grouped(number(&row["failures"]))))
        .collect();
    assert!(findings.len() > 3);
    let of_text: Vec<String> = text
        .lines()
        .filter_map(|line| line.split_once("  target ")?.1.split_once(" failures"))
        .map(|(finding, _)| finding.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(of_text, findings, "findings in text");
    let of_markdown: Vec<String> = markdown
        .lines()
        .filter_map(|line| line.split_once(". target ")?.1.strip_suffix(" failures"))
        .map(|finding| finding.replace(": ", " "))
        .collect();
    assert_eq!(of_markdown, findings, "findings in Markdown");
}

fn name_of(value: &Value) -> String {
    value.as_str().expect("a name").to_owned()
}

/// The words of each row of a table in the text report.
fn rows_of_text<'a>(text: &'a str, heading: &str) -> impl Iterator<Item = Vec<String>> + use<'a> {
    let heading = heading.to_owned();
    text.lines()
        .skip_while(move |line| !line.starts_with(&heading))
        .skip(2)
        .take_while(|line| !line.is_empty())
        // A row whose first column is blank continues the row before it.
        .filter(|line| !line.starts_with("  "))
        .map(|line| line.split_whitespace().map(str::to_owned).collect())
}

fn rows_of_markdown<'a>(text: &'a str, heading: &str) -> impl Iterator<Item = Vec<String>> + use<'a> {
    let heading = heading.to_owned();
    text.lines()
        .skip_while(move |line| *line != heading)
        .skip(4)
        .take_while(|line| !line.is_empty())
        .map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect())
}

#[test]
fn the_output_does_not_depend_on_the_number_of_threads() {
    for format in ["text", "json", "markdown"] {
        let args = ["analyze", "sample-logs", "--format", format, "--threads"];
        let [one, others @ ..] = ["1", "2", "16"].map(|threads| run(repository(), &[&args[..], &[threads]].concat()));
        assert_eq!(one.code, Some(0));
        assert!(one.stdout.len() > 1_000);
        for other in others {
            assert!(other.stdout == one.stdout, "{format} differs");
        }
    }
}

#[test]
fn nothing_but_a_terminal_gets_escape_sequences_unless_they_are_asked_for() {
    let logs = Logs::new();
    logs.write("a.log", &[lines(3), failing_line(b"HOSTILE", None)].concat());
    for (args, is_coloured) in [
        (&["a.log"][..], false),
        (&["a.log", "--color", "auto"], false),
        (&["a.log", "--color", "never"], false),
        (&["a.log", "--color", "always"], true),
        (&["a.log", "--color", "always", "--format", "json"], false),
        (&["a.log", "--color", "always", "--format", "markdown"], false),
        (&["nowhere.log"], false),
    ] {
        let run = run(logs.path(), &[&["analyze"], args].concat());
        assert_eq!(run.stdout.contains('\u{1b}'), is_coloured, "{args:?}");
        assert!(!run.stderr.contains('\u{1b}'), "{args:?}");
    }
}

#[test]
fn help_version_manuals_and_completions_are_printed() {
    let version = format!("albscope {}\n", env!("CARGO_PKG_VERSION"));
    for (args, parts) in [
        (&["--version"][..], &[&*version][..]),
        (&["--help"], &["Usage: albscope", "analyze", "simulate", "Exit status: 0", "130"]),
        (&["analyze", "--help"], &["detected by content", "--since", "--strict", "[default: auto]", "zcat"]),
        (&["simulate", "--help"], &["--seed", "truth.jsonl"]),
        (&["simulate", "--list"], &["incident", "healthy"]),
        (&["man"], &[".TH albscope 1", "analyze"]),
        (&["man", "analyze"], &[".TH", "albscope-analyze 1", "\\-\\-idle\\-timeout"]),
        (&["completions", "bash"], &["complete -F _albscope"]),
        (&["completions", "zsh"], &["#compdef albscope"]),
        (&["completions", "fish"], &["complete -c albscope"]),
    ] {
        let run = run(Logs::new().path(), args);
        assert_eq!((run.code, &*run.stderr), (Some(0), ""), "{args:?}");
        for part in parts {
            assert!(run.stdout.contains(part), "{args:?}: {part:?} is not in {}", run.stdout);
        }
        assert!(!run.stdout.contains('`') || args[0] != "analyze", "{args:?} shows marks that are meant for a page");
    }
}

fn files_below(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let bytes = fs::read(&path).expect("a file");
                files.insert(path.strip_prefix(folder).expect("it lies in it").to_path_buf(), bytes);
            }
        }
    }
    files
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_one_others() {
    let logs = Logs::new();
    let simulate = |folder: &str, seed: &str| {
        let args = ["simulate", "incident", "-o", folder, "--duration", "5m", "--seed", seed];
        let run = run(logs.path(), &args);
        assert_eq!((run.code, &*run.stderr), (Some(0), ""), "{folder}");
        assert!(run.stdout.contains(&format!("{folder}/truth.jsonl")), "{}", run.stdout);
        files_below(&logs.path().join(folder))
    };
    let one = simulate("one", "7");
    assert!(one.len() > 2, "{:?}", one.keys());
    assert_eq!(one, simulate("same", "7"));
    assert_ne!(one, simulate("other", "8"));
}

#[test]
fn simulate_does_not_touch_a_folder_that_holds_logs() {
    let logs = Logs::new();
    let args = ["simulate", "healthy", "-o", "logs", "--duration", "1m"];
    assert_eq!(run(logs.path(), &args).code, Some(0));
    let before = files_below(logs.path());
    let again = run(logs.path(), &args);
    assert_eq!((again.code, &*again.stdout), (Some(2), ""));
    again.assert_complains("again", &["logs"]);
    assert_eq!(files_below(logs.path()), before);
}

/// The line of a request for which no connection was made, with `hostile` in one field, or in none.
fn failing_line(hostile: &[u8], field: Option<HostileField>) -> Vec<u8> {
    const MARK: &str = "HOSTILE";
    let ordinary = line()
        .field(alb::ELB_STATUS_CODE, "502")
        .field(alb::TARGET_STATUS_CODE, "-")
        .field(alb::REQUEST_PROCESSING_TIME, "-1")
        .field(alb::TARGET_PROCESSING_TIME, "-1")
        .field(alb::RESPONSE_PROCESSING_TIME, "-1");
    let marked = match field {
        None => ordinary,
        Some(HostileField::Url) => ordinary.request(&format!("GET http://a.example:80/{MARK} HTTP/1.1")),
        Some(HostileField::UserAgent) => ordinary.agent(MARK),
        Some(HostileField::Target) => ordinary.field(alb::TARGET, &format!("{MARK}:80")),
        Some(HostileField::TargetGroup) => {
            ordinary.field(alb::TARGET_GROUP_ARN, &format!("arn:aws:x:targetgroup/{MARK}/1"))
        }
        Some(HostileField::LoadBalancer) => ordinary.field(alb::ELB, &format!("app/{MARK}/1")),
        Some(HostileField::TraceId) => ordinary.field(alb::TRACE_ID, &format!("\"{MARK}\"")),
    };
    let text = marked.build() + "\n";
    match text.split_once(MARK) {
        Some((before, after)) => [before.as_bytes(), hostile, after.as_bytes()].concat(),
        None => text.into_bytes(),
    }
}

#[derive(Clone, Copy, Debug)]
enum HostileField {
    Url,
    UserAgent,
    Target,
    TargetGroup,
    LoadBalancer,
    TraceId,
}

const HOSTILE_FIELDS: [HostileField; 6] = [
    HostileField::Url,
    HostileField::UserAgent,
    HostileField::Target,
    HostileField::TargetGroup,
    HostileField::LoadBalancer,
    HostileField::TraceId,
];

fn hostile_texts() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("escape sequences", b"\x1b[2J\x1b]0;owned\x07\x1b[31m".to_vec()),
        ("carriage returns and tabs", b"a\rb\tc\x0bd\x08\x7f".to_vec()),
        ("C1 controls", "a\u{9b}31m\u{85}\u{9d}b".into()),
        ("marks of direction", "\u{202e}gpj.exe\u{2066}\u{200f}\u{61c}".into()),
        ("separators", "a\u{2028}b\u{2029}c\u{feff}d\u{200b}e".into()),
        ("HTML", b"<script>alert(1)</script><img/src=x>&lt;".to_vec()),
        ("Markdown", b"a|b`c```d[x](http://evil.example)![y](z)*_~#@everyone".to_vec()),
        ("wide characters", "漢字".repeat(60).into()),
        ("64 KB", vec![b'x'; 64 * 1024]),
        ("invalid UTF-8", b"a\xff\xfe\xc3(\xed\xa0\x80b".to_vec()),
    ]
}

#[test]
fn hostile_text_is_shown_only_as_text() {
    for (name, hostile) in hostile_texts() {
        let logs = Logs::new();
        // Three lines of each make a finding with a sample.
        let text: Vec<u8> =
            HOSTILE_FIELDS.iter().flat_map(|field| failing_line(&hostile, Some(*field)).repeat(3)).collect();
        logs.write("a.log", &text);
        let analyze = |format: &str| {
            let run = run(logs.path(), &["analyze", "a.log", "--format", format]);
            assert_eq!((run.code, &*run.stderr), (Some(0), ""), "{name}, {format}");
            assert_eq!(run.stdout.chars().find(|c| is_obeyed(*c)), None, "{name}, {format}");
            run
        };

        let report = analyze("json").json();
        let requests = number(&report["requests"]);
        assert!(requests == 18, "{name}: hostile lines are read: {}", report["input"]);
        assert_eq!(requests, number(&report["input"]["records"]), "{name}");
        assert_strings_came_back(name, &hostile, &report);

        let text = analyze("text").stdout;
        // Text to copy is never wrapped.
        let is_copied = |line: &&str| {
            ["    sample  ", "            aws ", "            curl "].iter().any(|start| line.starts_with(start))
        };
        for line in text.lines().filter(|line| !is_copied(line)) {
            assert!(line.width() <= WIDTH, "{name}: a line of {} columns: {line:.200}", line.width());
        }
        let drawn = run(logs.path(), &["analyze", "a.log", "--plot", "figure.svg"]);
        assert_eq!((drawn.code, &*drawn.stderr), (Some(0), ""), "{name}");
        let figure = fs::read_to_string(logs.path().join("figure.svg")).expect("UTF-8");
        assert!(figure.len() < 200_000 && !figure.contains("<script"), "{name}: {} bytes of SVG", figure.len());
        assert_eq!(figure.chars().find(|c| is_obeyed(*c)), None, "{name}");
        let markdown = analyze("markdown").stdout;
        assert!(markdown.len() < 200_000, "{name}: {} bytes of Markdown", markdown.len());
        assert_markdown_is_whole(name, &markdown);
    }
}

/// Whether a terminal obeys the character, or it changes how its neighbours are shown.
fn is_obeyed(character: char) -> bool {
    (character.is_control() && character != '\n')
        || matches!(character, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Checks that each string is in the JSON report as it was logged, except for bytes that are not UTF-8.
fn assert_strings_came_back(name: &str, hostile: &[u8], report: &Value) {
    let expected = String::from_utf8_lossy(hostile);
    let has = |rows: &str, key: &str, wanted: &str| {
        let rows = report[rows].as_array().expect("a list");
        assert!(rows.iter().any(|row| row[key] == wanted), "{name}: no {key} is {wanted:.80}");
    };
    has("targets", "target", &format!("{expected}:80"));
    has("target_groups", "target_group", &format!("arn:aws:x:targetgroup/{expected}/1"));
    has("load_balancers", "load_balancer", &format!("app/{expected}/1"));
    let samples: Vec<&str> = report["findings"]
        .as_array()
        .expect("a list")
        .iter()
        .flat_map(|finding| finding["samples"].as_array().expect("a list"))
        .filter_map(|sample| sample["text"].as_str())
        .collect();
    assert!(samples.iter().all(|text| text.len() <= 3 * 4_096), "{name}: a sample is cut");
    if hostile.len() < 1_000 {
        assert!(samples.iter().any(|text| text.contains(&*expected)), "{name}: no sample has it");
    }
}

/// Checks that no hostile text is markup outside code, and that every table and code block is whole.
fn assert_markdown_is_whole(name: &str, markdown: &str) {
    let mut fence: Option<&str> = None;
    for line in markdown.lines() {
        let ticks = &line[..line.len() - line.trim_start_matches('`').len()];
        match fence {
            Some(open) if line == open => fence = None,
            Some(_) => {}
            None if ticks.len() >= 3 => fence = Some(ticks),
            None => {
                assert!(!line.contains("<script"), "{name}: {line:.200}");
                assert!(!line.contains("[x](") && !line.contains("![y]("), "{name}: {line:.200}");
                assert!(!line.contains("@everyone"), "{name}: {line:.200}");
                if line.starts_with('|') {
                    let bars = line.replace("\\|", "").matches('|').count();
                    assert!([10, 7, 6].contains(&bars), "{name}: a row of {bars} bars: {line:.300}");
                }
            }
        }
    }
    assert_eq!(fence, None, "{name}: a code block is not closed");
}

#[test]
fn a_finding_that_fail_on_names_gives_status_1_and_a_message() {
    for (name, asked, code, said) in [
        ("met", "target-crash", Some(1), "10.0.12.199:3000"),
        ("met at its confidence", "keep-alive-race:high", Some(1), "10.0.10.36:3000"),
        ("not so sure", "target-crash:high", Some(0), ""),
        ("another cause", "lambda-error", Some(0), ""),
    ] {
        let run = run(repository(), &["analyze", "sample-logs", "--fail-on", asked]);
        assert_eq!(run.code, code, "{name}");
        assert!(run.stdout.contains("How requests ended"), "{name}: the report is printed all the same");
        assert_eq!(run.stderr.lines().count(), usize::from(code == Some(1)), "{name}: {}", run.stderr);
        assert!(run.stderr.contains(said), "{name}: {}", run.stderr);
    }
    let refused = run(repository(), &["analyze", "sample-logs", "--fail-on", "crash"]);
    assert_eq!(refused.code, Some(2));
    assert!(refused.stderr.contains("albscope explain"), "{}", refused.stderr);
}

#[test]
fn every_cause_is_explained() {
    let list = run(repository(), &["explain"]);
    assert_eq!(list.code, Some(0));
    let ids: Vec<&str> = list.stdout.lines().filter_map(|row| row.split_whitespace().next()).collect();
    assert_eq!(ids.len(), albscope::knowledge::causes::CAUSES.len());
    for id in ids {
        let explained = run(repository(), &["explain", id]);
        assert_eq!(explained.code, Some(0), "{id}");
        for part in
            ["\nmeaning\n", "\nevidence against it\n", "\nfix\n", " Risk\n", "\nto confirm it ", "\ndocs\n  https://"]
        {
            assert!(explained.stdout.contains(part), "{id}, {part}: {}", explained.stdout);
        }
    }
    run(repository(), &["explain", "bad-luck"]).assert_complains("no cause", &["bad-luck", "albscope explain"]);
}

#[test]
fn a_line_is_explained_field_by_field() {
    let refused = line()
        .field(alb::ELB_STATUS_CODE, "502")
        .field(alb::TARGET_STATUS_CODE, "-")
        .field(alb::REQUEST_PROCESSING_TIME, "-1")
        .field(alb::TARGET_PROCESSING_TIME, "-1")
        .field(alb::RESPONSE_PROCESSING_TIME, "-1")
        .agent("\u{1b}[31magent")
        .build();
    let from_argument = run(repository(), &["explain", "--line", &refused]);
    let from_input = run_with_input(repository(), &["explain", "--line", "-"], refused.as_bytes());
    assert_eq!((from_argument.code, &from_argument.stdout), (Some(0), &from_input.stdout));
    for part in ["connect-failed", "connection-refused", "target-crash", "\\u{1b}[31magent", "elapsed  0.002 s"] {
        assert!(from_argument.stdout.contains(part), "{part}: {}", from_argument.stdout);
    }
    let other = run(repository(), &["explain", "--line", "no log line"]);
    assert_eq!((other.code, &*other.stdout), (Some(2), ""));
    other.assert_complains("no line", &["too few fields"]);
}

#[test]
fn a_finding_on_a_target_group_names_its_targets() {
    let fixture = repository().join("tests/causes/dependency-outage/hits.log");
    let fixture = fixture.to_str().expect("UTF-8");
    let text = run(repository(), &["analyze", fixture, "--quiet"]).stdout;
    let at = text.lines().find(|line| line.trim_start().starts_with("targets ")).expect("the targets");
    let json = run(repository(), &["analyze", fixture, "--quiet", "--format", "json"]).stdout;
    let report: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let rows = report["findings"][0]["by_target"].as_array().expect("targets");
    assert!(rows.len() > 1, "{rows:?}");
    for row in rows {
        let said = format!("{} ({})", row["target"].as_str().expect("a target"), row["failures"]);
        assert!(at.contains(&said), "{said} is not in {at}");
    }
}

#[test]
fn a_pager_s_width_is_taken_from_the_environment() {
    let wide = |columns: &str| {
        let mut command = command(repository(), &["analyze", "sample-logs"]);
        command.env("COLUMNS", columns);
        finish(command).stdout.contains("Most failures")
    };
    assert!(wide("140"));
    assert!(!wide("80"));
    assert!(!wide("broad"));
}
