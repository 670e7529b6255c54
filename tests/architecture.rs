//! Which module may import which. A module that is not in the table fails the test.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Each module of the crate and what it may import, from the ground up: an import leads to a row above.
///
/// The run knows nothing of what its counts mean, and a simulated log nothing of the code that reads it.
const TABLE: &[(&str, &[&str])] = &[
    ("location", &[]),
    ("timestamp", &[]),
    ("durable_file", &[]),
    ("table", &["timestamp", "durable_file"]),
    ("knowledge", &[]),
    ("error", &["location", "timestamp"]),
    ("schema", &["location", "timestamp", "error"]),
    ("decode", &["location", "timestamp", "error", "schema"]),
    ("record", &["location", "timestamp", "error", "schema", "decode"]),
    ("classify", &["location", "timestamp", "error", "schema", "decode", "record"]),
    ("kind", &["location", "timestamp", "error", "schema", "decode", "record", "classify"]),
    ("source", &["location", "timestamp", "error", "schema", "decode", "record", "classify", "kind"]),
    ("aggregate", &["location", "timestamp", "error", "schema", "decode", "record", "classify", "kind", "source"]),
    (
        "diagnose",
        &[
            "location",
            "timestamp",
            "knowledge",
            "error",
            "schema",
            "decode",
            "record",
            "classify",
            "kind",
            "source",
            "aggregate",
        ],
    ),
    (
        "report",
        &[
            "location",
            "timestamp",
            "knowledge",
            "error",
            "schema",
            "decode",
            "record",
            "classify",
            "kind",
            "source",
            "aggregate",
            "diagnose",
        ],
    ),
    (
        "rules",
        &[
            "location",
            "timestamp",
            "knowledge",
            "error",
            "schema",
            "decode",
            "record",
            "classify",
            "kind",
            "source",
            "aggregate",
            "diagnose",
            "report",
        ],
    ),
    (
        "plot",
        &[
            "location",
            "timestamp",
            "knowledge",
            "error",
            "schema",
            "decode",
            "record",
            "classify",
            "kind",
            "source",
            "aggregate",
            "diagnose",
            "report",
        ],
    ),
    (
        "pipeline",
        &["location", "timestamp", "error", "schema", "decode", "record", "classify", "kind", "source", "aggregate"],
    ),
    (
        "export",
        &[
            "location",
            "timestamp",
            "knowledge",
            "error",
            "schema",
            "decode",
            "record",
            "classify",
            "kind",
            "source",
            "aggregate",
            "diagnose",
            "report",
            "pipeline",
            "durable_file",
            "table",
        ],
    ),
    ("simulate", &["location", "timestamp", "error"]),
    (
        "cli",
        &[
            "location",
            "timestamp",
            "knowledge",
            "error",
            "schema",
            "decode",
            "record",
            "classify",
            "kind",
            "source",
            "aggregate",
            "diagnose",
            "report",
            "rules",
            "plot",
            "pipeline",
            "export",
            "simulate",
            "durable_file",
            "table",
        ],
    ),
];

/// What the crate's root hands on by another name, and the module it comes from.
const REEXPORTS: &[(&str, &str)] = &[
    ("Error", "error"),
    ("ErrorKind", "error"),
    ("Problem", "error"),
    ("Result", "error"),
    ("Location", "location"),
    ("Timestamp", "timestamp"),
    ("ReadOptions", "pipeline"),
    ("Progress", "pipeline"),
];

/// Crates that speak with a terminal or give up types of errors: the command line's alone.
const CLI_CRATES: [&str; 3] = ["clap", "indicatif", "anyhow"];

/// Crates for what waits on a network: the S3 source's alone, so that all the rest is ordinary code.
const ASYNC_CRATES: [&str; 3] = ["tokio", "aws_config", "aws_sdk_s3"];

/// The crate's roots, which name modules to hand them on.
const ROOTS: [&str; 2] = ["lib.rs", "main.rs"];

/// The source files with their code: no comments, no strings, no tests.
fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder of sources") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs") {
                let code = code_of(&fs::read_to_string(&path).expect("text"));
                files.push((path.strip_prefix(&root).expect("it lies below").to_path_buf(), code));
            }
        }
    }
    files.sort_unstable();
    assert!(files.len() > 20, "the sources were not found");
    files
}

/// Takes comments, literals and what is only compiled for tests out of `text`.
fn code_of(text: &str) -> String {
    let mut code = String::new();
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if let Some(len) = literal(rest) {
            code.push_str("\"\"");
            len
        } else {
            code.push(character);
            character.len_utf8()
        };
        rest = &rest[skipped..];
    }
    while let Some(start) = code.find("#[cfg(test)]") {
        code.replace_range(start..start + item_len(&code[start..]), "");
    }
    code
}

/// The length of the string or character literal that `text` begins with.
fn literal(text: &str) -> Option<usize> {
    if let Some(raw) = text.strip_prefix("r#\"").or_else(|| text.strip_prefix("br#\"")) {
        let end = raw.find("\"#").expect("a raw string ends");
        return Some(text.len() - raw.len() + end + 2);
    }
    // A quote as a character would else open a string; a lifetime has no second quote so near.
    for character in ["'\"'", "'\\\"'", "'\\''", "'{'", "'}'", "'/'"] {
        if text.starts_with(character) {
            return Some(character.len());
        }
    }
    let inner = text.strip_prefix('"')?;
    let mut is_escaped = false;
    let end = inner.find(|character| {
        let is_end = character == '"' && !is_escaped;
        is_escaped = character == '\\' && !is_escaped;
        is_end
    });
    Some(end.expect("a string ends") + 2)
}

/// The length of the item that `code` begins with, attributes and all: to its `;`, or to the brace that closes it.
fn item_len(code: &str) -> usize {
    let mut depth = 0;
    for (place, character) in code.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 1 => return place + 1,
            '}' => depth -= 1,
            ';' if depth == 0 => return place + 1,
            _ => {}
        }
    }
    code.len()
}

/// The module that a source file belongs to: the first part of its path.
fn module_of(path: &Path) -> String {
    let first = path.components().next().expect("a path has a part").as_os_str().to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

/// The modules that `code` names behind `crate::`, those in a group of braces too.
fn imports_of(code: &str) -> BTreeSet<String> {
    let name_of = |text: &str| {
        let name: String = text.trim_start().chars().take_while(|it| it.is_alphanumeric() || *it == '_').collect();
        REEXPORTS.iter().find(|(reexport, _)| *reexport == name).map_or(name, |(_, module)| (*module).to_owned())
    };
    let mut modules = BTreeSet::new();
    for (place, prefix) in code.match_indices("crate::") {
        // `$crate` in a macro is the same crate; `other_crate::` is not.
        if code[..place].ends_with(|before: char| before.is_alphanumeric() || before == '_') {
            continue;
        }
        let behind = &code[place + prefix.len()..];
        let Some(group) = behind.strip_prefix('{') else {
            modules.insert(name_of(behind));
            continue;
        };
        let mut depth = 0;
        let mut begins = true;
        for (place, character) in group.char_indices() {
            if begins && !character.is_whitespace() {
                modules.insert(name_of(&group[place..]));
                begins = false;
            }
            match character {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => begins = true,
                _ => {}
            }
        }
        modules.retain(|module| !module.is_empty());
    }
    modules
}

#[test]
fn imports_lead_one_way() {
    let table: BTreeMap<&str, &[&str]> = TABLE.iter().copied().collect();
    let mut violations = Vec::new();
    for (path, code) in sources() {
        if ROOTS.iter().any(|root| path == Path::new(root)) {
            continue;
        }
        let module = module_of(&path);
        let Some(allowed) = table.get(module.as_str()) else {
            violations.push(format!("{}: the table has no row for {module}", path.display()));
            continue;
        };
        // `super` may lead up to the module's own root and no further.
        let depth = path.components().count();
        if code.contains(&"super::".repeat(depth)) {
            violations.push(format!("{}: reaches out of {module} by `super`", path.display()));
        }
        for import in imports_of(&code) {
            if import != module && !allowed.contains(&import.as_str()) {
                violations.push(format!("{}: {module} imports {import}", path.display()));
            }
        }
    }
    assert!(violations.is_empty(), "{violations:#?}");
}

#[test]
fn the_table_itself_leads_one_way() {
    for (row, (module, allowed)) in TABLE.iter().enumerate() {
        for import in *allowed {
            let above = TABLE[..row].iter().any(|(other, _)| other == import);
            assert!(above, "{module} may import {import}, which stands below it");
        }
    }
}

#[test]
fn only_the_command_line_knows_its_crates() {
    for (path, code) in sources() {
        if ["cli", "main"].contains(&module_of(&path).as_str()) {
            continue;
        }
        let words: BTreeSet<&str> = code.split(|it: char| !(it.is_alphanumeric() || it == '_')).collect();
        for name in CLI_CRATES {
            assert!(!words.contains(name), "{} names {name}", path.display());
        }
    }
}

#[test]
fn only_the_s3_source_is_asynchronous() {
    for (path, code) in sources() {
        if path.starts_with("source/s3") || path == Path::new("source/s3.rs") {
            continue;
        }
        let words: BTreeSet<&str> = code.split(|it: char| !(it.is_alphanumeric() || it == '_')).collect();
        for name in ASYNC_CRATES.iter().chain(&["async", "await"]) {
            assert!(!words.contains(name), "{} names {name}", path.display());
        }
    }
}

/// A reader that overlooks imports would let every violation pass.
#[test]
fn imports_are_found_in_every_form_and_nowhere_else() {
    for (name, text, expected) in [
        ("a use", "use crate::record::{Bounds, Lines};", vec!["record"]),
        ("a group", "use crate::{\n    error::{Error, Problem},\n    kind,\n};", vec!["error", "kind"]),
        ("a path", "fn f() { crate::decode::Buffer::new() }", vec!["decode"]),
        ("a name of the root", "use crate::Result;", vec!["error"]),
        ("a macro", "macro_rules! m { () => { $crate::kind::Alb } }", vec!["kind"]),
        ("another crate", "use my_crate::record;", vec![]),
        ("a comment", "// crate::kind\n/// [`crate::kind`]\nfn f() {}", vec![]),
        ("a string", "const A: &str = \"crate::kind\"; use crate::schema;", vec!["schema"]),
        ("a raw string", "const A: &str = r#\"a \" crate::kind\"#; use crate::schema;", vec!["schema"]),
        ("a quote", "const A: u8 = b'\"'; use crate::schema; const B: u8 = b'\"';", vec!["schema"]),
        ("a test module", "#[cfg(test)]\nmod tests { use crate::kind; fn f() {} }\nuse crate::error;", vec!["error"]),
        ("a test file", "#[cfg(test)]\nmod tests;\nuse crate::error;", vec!["error"]),
    ] {
        let found = imports_of(&code_of(text));
        assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), expected, "{name}");
    }
}
