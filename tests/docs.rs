//! docs/diagnosis.md and docs/pictures.md describe what is in the code.

use std::fs;
use std::path::Path;

const DIAGNOSIS: &str = include_str!("../docs/diagnosis.md");

fn files_of(folder: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let files = fs::read_dir(folder).expect("the folder").map(|file| file.expect("a file").path());
    let sources = files.filter(|path| path.is_file() && !path.ends_with("tests.rs"));
    sources.map(|path| path.file_name().expect("a name").to_string_lossy().into_owned()).collect()
}

#[test]
fn each_detector_and_each_measure_is_described() {
    for folder in ["src/diagnose/detect", "src/diagnose/measure"] {
        for file in files_of(folder) {
            assert!(DIAGNOSIS.contains(&format!("`{file}`")), "docs/diagnosis.md says nothing of {folder}/{file}");
        }
    }
}

#[test]
fn detectors_are_listed_in_the_order_in_which_they_run() {
    let source = include_str!("../src/diagnose/detect.rs");
    let (_, table) = source.split_once("const DETECTORS: &[Detector] = &[").expect("the table of detectors");
    let (table, _) = table.split_once("];").expect("its end");
    let asked: Vec<&str> =
        table.lines().filter_map(|line| line.trim().split_once("::")).map(|(file, _)| file).collect();
    let rows = DIAGNOSIS.lines().filter(|line| line.starts_with("| ") && line.contains(".rs` |"));
    let numbered = rows.filter(|line| line[2..].starts_with(|first: char| first.is_ascii_digit()));
    let listed: Vec<&str> = numbered.filter_map(|line| line.split_once(".rs` |")?.0.rsplit('`').next()).collect();
    assert_eq!(listed, asked);
}

#[test]
fn each_number_of_the_pictures_is_described() {
    use albscope::diagnose::{Context, diagnose};
    use albscope::report::Report;
    use albscope::source::Selection;
    use albscope::{Progress, ReadOptions, source};

    let described = include_str!("../docs/pictures.md");
    let log = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/causes/keep-alive-race/hits.log");
    let inputs = [source::from_input(log.as_os_str()).expect("a log")];
    let summary = ReadOptions::new().run(&inputs, &Progress::new()).expect("it is not strict");
    let report = Report::new(&summary, &diagnose(&summary, &Context::default()), &Selection::default());
    let report = serde_json::to_value(&report).expect("JSON");
    let pictures = &report["pictures"];
    let parts = [
        pictures,
        &pictures["marks"][0],
        &pictures["timings"][0],
        &pictures["timings"][0]["idle_timeout"],
        &pictures["timings"][0]["idle_timeout"]["what_if"][0],
        &report["findings"][0]["lags"],
        &report["findings"][0]["lags"]["near"],
    ];
    let keys: Vec<&String> = parts.iter().flat_map(|part| part.as_object().expect("an object").keys()).collect();
    assert!(keys.len() > 30, "{keys:?}");
    for key in keys {
        // Keys that a table of the report has too are described there.
        let is_common = ["load_balancer", "target_group", "target", "requests", "failures"].contains(&key.as_str());
        let is_described = described.contains(&format!("`{key}`")) || described.contains(&format!(".{key}`"));
        assert!(is_common || is_described, "docs/pictures.md says nothing of {key}");
    }
}
