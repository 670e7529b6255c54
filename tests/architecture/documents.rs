//! Documents name files and items that are there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::source::{all_files, tokens};

const DOCUMENTS: [&str; 11] = [
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "README.md",
    "benches/README.md",
    "docs/accuracy.md",
    "docs/building.md",
    "docs/diagnosis.md",
    "docs/pictures.md",
    "docs/rules.md",
    "docs/schema.md",
    "fuzz/README.md",
];

/// What a path in a document may be relative to.
const FOLDERS: [&str; 4] = ["", "src", "src/diagnose", "src/source/s3"];

/// Endings of files of the project.
const ENDINGS: [&str; 6] = ["rs", "md", "py", "toml", "html", "js"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The code spans of a document: what is between two backticks of one line, outside of blocks.
fn code_spans(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut is_block = false;
    let lines = text.lines().enumerate().filter(move |(_, line)| {
        let is_fence = line.trim_start().starts_with("```");
        is_block ^= is_fence;
        !is_block && !is_fence
    });
    lines.flat_map(|(index, line)| line.split('`').skip(1).step_by(2).map(move |span| (index + 1, span)))
}

/// Whether a code span is a path of this project: it ends like one of its files, or begins with one of its folders.
fn is_path(span: &str) -> bool {
    let is_plain = span.chars().all(|it| it.is_ascii_alphanumeric() || "/._-".contains(it));
    let path = Path::new(span);
    let has_ending = path.extension().is_some_and(|it| ENDINGS.iter().any(|ending| it == *ending));
    let first = path.iter().next().map(PathBuf::from).unwrap_or_default();
    let is_below = span.contains('/') && FOLDERS[..2].iter().any(|folder| root().join(folder).join(&first).is_dir());
    is_plain && !span.starts_with('/') && (has_ending || is_below)
}

fn is_there(span: &str, document: &Path, names: &BTreeSet<String>) -> bool {
    let is_at = |folder: &Path| {
        let path = root().join(folder).join(span.trim_end_matches('/'));
        path.exists() || path.with_extension("rs").exists()
    };
    let beside = document.parent().expect("a file has a folder");
    FOLDERS.iter().any(|folder| is_at(Path::new(folder))) || is_at(beside) || names.contains(span)
}

#[test]
fn every_path_in_a_document_exists() {
    // A table may name a file by its last part, under a heading that names the folder.
    let files = all_files();
    let names = files.iter().filter_map(|file| Some(file.path.file_name()?.to_string_lossy().into_owned())).collect();
    let mut missing = Vec::new();
    let mut found = 0;
    for document in DOCUMENTS {
        let Ok(text) = fs::read_to_string(root().join(document)) else {
            missing.push(format!("the document {document}"));
            continue;
        };
        for (line, span) in code_spans(&text).filter(|(_, span)| is_path(span)) {
            found += 1;
            if !is_there(span, Path::new(document), &names) {
                missing.push(format!("{document}:{line}: {span}"));
            }
        }
    }
    assert!(missing.is_empty(), "not found:\n{}", missing.join("\n"));
    assert!(found > 50, "only {found} paths were found");
}

#[test]
fn the_tables_of_modules_list_files_that_exist() {
    let mut missing = Vec::new();
    let mut folder: Option<&str> = None;
    for line in include_str!("../../ARCHITECTURE.md").lines() {
        if let Some(header) = line.strip_prefix("| under `") {
            folder = header.split('`').next();
        } else if !line.starts_with('|') {
            folder = None;
        } else if let Some(folder) = folder {
            let cell = line[1..].split('|').next().unwrap_or_default();
            let names = cell.split('`').skip(1).step_by(2).map(|name| name.trim_end_matches("/*"));
            let paths = names.map(|name| Path::new("src").join(folder).join(name));
            missing.extend(paths.filter(|path| !root().join(path).with_extension("rs").exists()));
        }
    }
    assert!(missing.is_empty(), "not found: {missing:#?}");
}

#[test]
fn every_item_in_a_document_about_the_code_exists() {
    let files = all_files();
    let words: BTreeSet<&str> = files.iter().flat_map(|file| tokens(&file.code)).collect();
    let modules: BTreeSet<String> =
        files.iter().filter_map(|file| Some(file.path.file_stem()?.to_string_lossy().into_owned())).collect();
    let mut missing = Vec::new();
    for document in ["ARCHITECTURE.md", "CONTRIBUTING.md", "docs/diagnosis.md"] {
        let text = fs::read_to_string(root().join(document)).expect("a document");
        for (line, span) in code_spans(&text) {
            let is_item = |part: &str| !part.is_empty() && part.chars().all(|it| it.is_alphanumeric() || it == '_');
            let parts: Vec<&str> = span.split("::").collect();
            let is_path = parts.len() > 1 && parts.iter().all(|part| is_item(part));
            if is_path && parts.iter().any(|part| !words.contains(part) && !modules.contains(*part)) {
                missing.push(format!("{document}:{line}: {span}"));
            }
        }
    }
    assert!(missing.is_empty(), "not found:\n{}", missing.join("\n"));
}

/// How to read this code: a list in ARCHITECTURE.md, from `main` to the first finding.
const MAX_FILES_TO_READ: usize = 12;

#[test]
fn the_way_from_main_to_the_first_finding_is_short() {
    let text = include_str!("../../ARCHITECTURE.md");
    let (_, section) = text.split_once("## How to read this code").expect("the section");
    let section = section.split("\n## ").next().expect("a section");
    let entries: Vec<&str> = section.lines().filter(|line| line.starts_with(|it: char| it.is_ascii_digit())).collect();
    assert!((5..=MAX_FILES_TO_READ).contains(&entries.len()), "{entries:#?}");
    for entry in entries {
        let file = entry.split('`').nth(1).expect("a file in backticks");
        assert!(root().join(file).is_file(), "there is no {file}");
    }
    assert!(section.contains("1. `src/main.rs`"), "it begins elsewhere");
}
