//! A type's name means one thing in the whole crate.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::source::{all_files, tokens};

/// At most this many names may be those of several types.
const MAX_REPEATED_NAMES: usize = 20;

/// The names of the types, traits and type aliases that `code` declares. What belongs to an `impl` or a trait is none.
fn type_names(code: &str) -> Vec<&str> {
    let tokens = tokens(code);
    let mut names = Vec::new();
    // For each open brace, whether it is that of an `impl` or a trait.
    let mut blocks: Vec<bool> = Vec::new();
    let mut header: Vec<&str> = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        match *token {
            "{" => {
                let is_impl = header.iter().any(|it| ["impl", "trait"].contains(it)) && !header.contains(&"fn");
                blocks.push(is_impl);
                header.clear();
            }
            "}" => {
                blocks.pop();
                header.clear();
            }
            ";" => header.clear(),
            token => {
                header.push(token);
                let is_declaration = match token {
                    "struct" | "enum" | "union" | "trait" => true,
                    "type" => blocks.last() != Some(&true),
                    _ => false,
                };
                let name = tokens.get(index + 1).filter(|name| name.starts_with(|it: char| it.is_uppercase()));
                names.extend(name.filter(|_| is_declaration));
            }
        }
    }
    names
}

#[test]
fn few_names_are_those_of_several_types() {
    let files = all_files();
    let mut declared: BTreeMap<&str, Vec<&PathBuf>> = BTreeMap::new();
    for file in &files {
        for name in type_names(&file.code) {
            declared.entry(name).or_default().push(&file.path);
        }
    }
    assert!(declared.len() > 300, "{declared:?}");
    declared.retain(|_, paths| paths.len() > 1);
    let list: Vec<String> = declared.iter().map(|(name, paths)| format!("{name}: {paths:?}")).collect();
    assert!(
        list.len() <= MAX_REPEATED_NAMES,
        "{} names are declared more than once, and {MAX_REPEATED_NAMES} may be:\n{}",
        list.len(),
        list.join("\n")
    );
}

#[test]
fn declarations_are_found_and_associated_types_are_not() {
    let code = "pub(crate) struct A<T>(T); enum B { C } union D { a: u8 } \
                trait E { type F; } impl E for A<u8> { type F = u8; fn f(x: impl G) { struct H; } } \
                type I = u8; fn f() -> impl Iterator<Item = u8> { type J = u8; } let union = 1;";
    let found: BTreeSet<&str> = type_names(code).into_iter().collect();
    assert_eq!(found.into_iter().collect::<String>(), "ABDEHIJ");
}
