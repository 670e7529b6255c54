//! Which module may import which: the table in ARCHITECTURE.md is checked against the code.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::paths::{Modules, circles};
use crate::source::{SourceFile, rust_files, tokens};

const ARCHITECTURE: &str = include_str!("../../ARCHITECTURE.md");

/// Crates that speak with a terminal or hide the types of errors: only the command line may use them.
const CLI_CRATES: [&str; 3] = ["clap", "indicatif", "anyhow"];

/// Crates for what waits on a network: only the S3 source may use them, so that everything else is ordinary code.
const ASYNC_CRATES: [&str; 3] = ["tokio", "aws_config", "aws_sdk_s3"];

/// The modules that may import knowledge: those that name causes.
const KNOW_CAUSES: [&str; 5] = ["diagnose", "report", "rules", "plot", "export"];

/// What a run and a reader may not import, because they do not know what records mean for a target.
const NOT_FOR_READING: [&str; 5] = ["knowledge", "diagnose", "report", "rules", "plot"];

/// What the simulation may import: it shares no code with what reads logs.
const FOR_SIMULATE: [&str; 4] = ["durable_file", "error", "location", "timestamp"];

/// What may import everything, and nothing imports.
const PROGRAM: [&str; 3] = ["cli", "main", "lib"];

fn product_files() -> Vec<SourceFile> {
    let files: Vec<SourceFile> = rust_files(&["src"]).into_iter().filter(SourceFile::is_product).collect();
    assert!(files.len() > 100, "the sources were not found");
    files
}

/// The module that a source file belongs to: the first part of its path.
fn module_of(path: &Path) -> String {
    let path = path.strip_prefix("src").expect("a source file").with_extension("");
    path.iter().next().expect("a path has a part").to_string_lossy().into_owned()
}

/// The words in backticks of `text`.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The rows of the table in ARCHITECTURE.md: a module, and what it imports.
fn table() -> Vec<(&'static str, BTreeSet<String>)> {
    let (_, table) = ARCHITECTURE.split_once("| module | one purpose | imports |").expect("the table of modules");
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").collect();
        let [module, _, imports] = cells[..] else { panic!("not three cells: {row}") };
        (quoted(module).next().expect("a module's name"), quoted(imports).map(str::to_owned).collect())
    })
    .collect()
}

#[test]
fn the_table_leads_one_way() {
    let table = table();
    assert!(table.len() > 15, "{table:?}");
    for (row, (module, imports)) in table.iter().enumerate() {
        for import in imports {
            let is_above = table[..row].iter().any(|(other, _)| other == import);
            assert!(is_above, "{module} imports {import}, which is not in a row above it");
        }
    }
}

#[test]
fn the_table_keeps_apart_what_must_not_know_each_other() {
    for (module, imports) in table() {
        let is_forbidden = |import: &str| match module {
            "pipeline" | "reader" => NOT_FOR_READING.contains(&import),
            "simulate" => !FOR_SIMULATE.contains(&import),
            _ => import == "knowledge" && !KNOW_CAUSES.contains(&module),
        };
        let forbidden: Vec<&String> = imports.iter().filter(|import| is_forbidden(import)).collect();
        assert!(forbidden.is_empty(), "{module} must not import {forbidden:?}");
    }
}

#[test]
fn modules_import_what_the_table_says() {
    let files = product_files();
    let modules = Modules::new(&files);
    let mut imports: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (file, used) in modules.uses_and_reexports() {
        let module = module_of(file);
        let used = used.into_iter().map(module_of).filter(|used| *used != module);
        imports.entry(module.clone()).or_default().extend(used);
    }
    let table = table();
    let rows: BTreeMap<&str, &BTreeSet<String>> = table.iter().map(|(module, row)| (*module, row)).collect();
    let mut faults = Vec::new();
    for (module, imports) in imports.iter().filter(|(module, _)| !PROGRAM.contains(&module.as_str())) {
        let Some(listed) = rows.get(module.as_str()) else {
            faults.push(format!("{module} has no row"));
            continue;
        };
        for import in imports.difference(listed) {
            faults.push(format!("{module} imports {import}, and its row does not say so"));
        }
        for import in listed.difference(imports) {
            faults.push(format!("the row of {module} has {import}, which it does not import"));
        }
    }
    faults
        .extend(rows.keys().filter(|row| !imports.contains_key(**row)).map(|row| format!("there is no module {row}")));
    assert!(faults.is_empty(), "mend ARCHITECTURE.md or the code:\n{}", faults.join("\n"));
}

#[test]
fn files_do_not_import_each_other() {
    let files = product_files();
    let modules = Modules::new(&files);
    let uses = modules.uses();
    let circles: Vec<String> = circles(&uses)
        .iter()
        .map(|circle| {
            let edges = circle.iter().flat_map(|from| {
                let within = uses[from].iter().filter(|to| circle.contains(to));
                within.map(move |to| format!("  {} uses {}", from.display(), to.display()))
            });
            format!("a circle of {} files:\n{}", circle.len(), edges.collect::<Vec<_>>().join("\n"))
        })
        .collect();
    assert!(circles.is_empty(), "{}", circles.join("\n"));
}

#[test]
fn only_the_command_line_knows_its_crates() {
    for file in product_files().iter().filter(|file| !["cli", "main"].contains(&module_of(&file.path).as_str())) {
        let words: BTreeSet<&str> = tokens(&file.code).into_iter().collect();
        for name in CLI_CRATES {
            assert!(!words.contains(name), "{} names {name}", file.path.display());
        }
    }
}

#[test]
fn only_the_s3_source_is_asynchronous() {
    let is_s3 = |path: &Path| path.starts_with("src/source/s3") || path == Path::new("src/source/s3.rs");
    for file in product_files().iter().filter(|file| !is_s3(&file.path)) {
        let words: BTreeSet<&str> = tokens(&file.code).into_iter().collect();
        for name in ASYNC_CRATES.iter().chain(&["async", "await"]) {
            assert!(!words.contains(name), "{} names {name}", file.path.display());
        }
    }
}
