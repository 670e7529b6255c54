//! How wide comments are, how long files are, and how much of the code is tests.

use std::fs;
use std::path::Path;

use crate::source::{all_files, code_lines, comment_lines};

/// Characters of a line that has a comment.
const MAX_COMMENT_WIDTH: usize = 120;

/// Lines of code (neither blank nor a comment) in nine files out of ten.
const MAX_CODE_LINES: usize = 350;

/// Lines of test code for each line of product code.
const MIN_TEST_SHARE: f64 = 0.6;

/// Files besides Rust that have comments. Each must be there.
const OTHER_FILES: [&str; 8] = [
    ".ci/run",
    "Cargo.toml",
    "deny.toml",
    "rustfmt.toml",
    "tests/instructions.py",
    "tests/notebook.py",
    "tests/parquet.py",
    "tests/reconcile.py",
];

#[test]
fn no_comment_is_wider_than_the_limit() {
    let mut wide = Vec::new();
    let mut check = |path: &Path, number: usize, line: &str| {
        let width = line.chars().count();
        if width > MAX_COMMENT_WIDTH {
            wide.push(format!("{}:{number}: {width} characters", path.display()));
        }
    };
    for file in all_files() {
        for (number, line) in comment_lines(&file) {
            check(&file.path, number, line);
        }
    }
    for path in OTHER_FILES.map(Path::new) {
        let text = fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let comments = text.lines().enumerate().filter(|(_, line)| line.trim_start().starts_with('#'));
        comments.for_each(|(index, line)| check(path, index + 1, line));
    }
    assert!(wide.is_empty(), "{}", wide.join("\n"));
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn files_are_short() {
    let mut files: Vec<_> = all_files().iter().map(|file| (code_lines(&file.code), file.path.clone())).collect();
    files.sort_unstable();
    let (lines, _) = files[(files.len() - 1) * 9 / 10];
    assert!(lines <= MAX_CODE_LINES, "the 90th percentile is {lines} lines; the longest: {:#?}", {
        files.split_off(files.len() * 9 / 10)
    });
}

#[test]
fn there_is_enough_test_code() {
    let (mut product, mut tests) = (0, 0);
    for file in all_files() {
        let all = code_lines(&file.code);
        let of_product = if file.is_product() { code_lines(&file.product_code()) } else { 0 };
        product += of_product;
        if file.is_test() || file.is_product() {
            tests += all - of_product;
        }
    }
    let share = f64::from(u32::try_from(tests).expect("few")) / f64::from(u32::try_from(product).expect("few"));
    assert!(
        share >= MIN_TEST_SHARE,
        "{tests} lines of tests to {product} of the product: {share:.2}, not {MIN_TEST_SHARE}"
    );
}
