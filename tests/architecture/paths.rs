//! Which file uses which: paths of modules, resolved to files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::source::{SourceFile, tokens};

/// The files of the library and the program as modules, without test code.
pub(crate) struct Modules {
    modules: BTreeMap<Vec<String>, FileModule>,
}

struct FileModule {
    file: PathBuf,
    /// Child modules in files of their own.
    children: BTreeSet<String>,
    /// What `use` names, by the name it has here.
    uses: BTreeMap<String, Vec<String>>,
    /// Modules of which everything is handed on.
    globs: Vec<Vec<String>>,
    /// Every path that the file names, from the root, besides re-exports.
    paths: BTreeSet<Vec<String>>,
    /// The paths that it hands on.
    reexports: BTreeSet<Vec<String>>,
}

/// One name that a `use` item brings in.
struct Import {
    path: Vec<String>,
    name: String,
    is_reexport: bool,
}

impl Modules {
    /// Of files whose paths begin with `src/`.
    pub(crate) fn new(files: &[SourceFile]) -> Self {
        let sources: BTreeMap<Vec<String>, &SourceFile> =
            files.iter().filter(|file| file.is_product()).map(|file| (module_of(&file.path), file)).collect();
        let is_module = |path: &[String]| sources.contains_key(path);
        let modules = sources.iter().map(|(module, file)| {
            let children = sources.keys().filter(|other| other.len() == module.len() + 1 && other.starts_with(module));
            let children: BTreeSet<String> = children.filter_map(|child| child.last().cloned()).collect();
            // The path of a visibility uses nothing.
            let code = file.product_code().replace("(in crate::", "(in ");
            let (imports, rest) = imports(&code);
            let mut uses = BTreeMap::new();
            let mut globs = Vec::new();
            let mut paths = BTreeSet::new();
            let mut reexports = BTreeSet::new();
            for Import { path, name, is_reexport } in imports {
                let Some(path) = absolute(&path, module, &children) else { continue };
                let paths = if is_reexport { &mut reexports } else { &mut paths };
                paths.insert(path.clone());
                if name == "*" {
                    globs.push(path);
                } else {
                    uses.insert(name, path);
                }
            }
            for mut path in chains(&rest) {
                // A module that was imported stands for its own path.
                if let Some(imported) = uses.get(&path[0]).filter(|imported| is_module(imported)) {
                    path.splice(..1, imported.iter().cloned());
                    paths.insert(path);
                } else {
                    paths.extend(absolute(&path, module, &children));
                }
            }
            (module.clone(), FileModule { file: file.path.clone(), children, uses, globs, paths, reexports })
        });
        Self { modules: modules.collect() }
    }

    /// The files that each file uses, besides itself. Where one only hands on what another has, that other counts.
    pub(crate) fn uses(&self) -> BTreeMap<&Path, BTreeSet<&Path>> {
        self.modules.values().map(|module| (&*module.file, self.files_of(module, &module.paths))).collect()
    }

    /// As [`Self::uses`], with the files that each one only hands on.
    pub(crate) fn uses_and_reexports(&self) -> BTreeMap<&Path, BTreeSet<&Path>> {
        let mut uses = self.uses();
        for module in self.modules.values() {
            uses.entry(&module.file).or_default().extend(self.files_of(module, &module.reexports));
        }
        uses
    }

    fn files_of(&self, module: &FileModule, paths: &BTreeSet<Vec<String>>) -> BTreeSet<&Path> {
        paths.iter().filter_map(|path| self.file_of(path, 0)).filter(|file| *file != module.file).collect()
    }

    /// The file that declares what `path` names, from the root. `None` if it is not in this crate.
    fn file_of(&self, path: &[String], depth: usize) -> Option<&Path> {
        let len = (0..=path.len()).rev().find(|len| self.modules.contains_key(&path[..*len]))?;
        let module = &self.modules[&path[..len]];
        let Some(name) = path.get(len) else { return Some(&module.file) };
        // Re-exports may lead back and forth between a module and its own glob.
        if depth > 8 {
            return Some(&module.file);
        }
        if let Some(target) = module.uses.get(name) {
            return self.file_of(target, depth + 1).or(Some(&module.file));
        }
        let handed_on = module.globs.iter().filter_map(|glob| {
            let inner = self.modules.get(glob)?;
            let path: Vec<String> = glob.iter().cloned().chain([name.clone()]).collect();
            let is_there = inner.uses.contains_key(name) || inner.children.contains(name);
            is_there.then(|| self.file_of(&path, depth + 1)).flatten()
        });
        handed_on.into_iter().next().or(Some(&module.file))
    }
}

/// The path of the module that a file is, from the root: none for `src/lib.rs`, `decode::gzip` for
/// `src/decode/gzip.rs`. The program's own root counts as a module `main`.
fn module_of(file: &Path) -> Vec<String> {
    let path = file.strip_prefix("src").unwrap_or(file).with_extension("");
    let parts: Vec<String> = path.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if parts == ["lib"] { Vec::new() } else { parts }
}

/// `path` from the root, as `module` sees it. `None` if it leads to another crate or to a name of this file.
fn absolute(path: &[String], module: &[String], children: &BTreeSet<String>) -> Option<Vec<String>> {
    let mut base = module.to_vec();
    let mut rest = path;
    match path[0].as_str() {
        "crate" => {
            base.clear();
            rest = &path[1..];
        }
        "self" => rest = &path[1..],
        "super" => {
            while rest.first().is_some_and(|first| first == "super") {
                // The program's modules have its own root above them.
                base.pop();
                rest = &rest[1..];
            }
        }
        first if children.contains(first) => {}
        _ => return None,
    }
    base.extend(rest.iter().filter(|part| *part != "*").cloned());
    Some(base)
}

/// The `use` items of `code`, and the code without them.
fn imports(code: &str) -> (Vec<Import>, String) {
    let mut imports = Vec::new();
    let mut kept = String::new();
    let mut offset = 0;
    while let Some(found) = code[offset..].find("use ") {
        let start = offset + found;
        let is_word = code[..start].ends_with(|it: char| it.is_alphanumeric() || it == '_');
        let end = start + code[start..].find(';').map_or(code.len() - start, |end| end + 1);
        if is_word {
            kept.push_str(&code[offset..start + 4]);
            offset = start + 4;
            continue;
        }
        kept.push_str(&code[offset..start]);
        let before = code[..start].trim_end();
        let before = before.rfind('(').filter(|_| before.ends_with(')')).map_or(before, |open| &before[..open]);
        let is_reexport = before.ends_with("pub");
        let tree = tokens(&code[start + 4..end - 1]);
        read_tree(&tree, &mut 0, &[], is_reexport, &mut imports);
        offset = end;
    }
    kept.push_str(&code[offset..]);
    (imports, kept)
}

/// Reads one tree of a `use` item, from `tokens[*index]` to the `,` or `}` that ends it.
fn read_tree(tokens: &[&str], index: &mut usize, prefix: &[String], is_reexport: bool, imports: &mut Vec<Import>) {
    let mut path = prefix.to_vec();
    let mut name = None;
    while let Some(token) = tokens.get(*index) {
        match *token {
            "," | "}" => break,
            "::" => {}
            "{" => {
                *index += 1;
                while tokens.get(*index).is_some_and(|token| *token != "}") {
                    read_tree(tokens, index, &path, is_reexport, imports);
                    if tokens.get(*index) == Some(&",") {
                        *index += 1;
                    }
                }
                *index += 1;
                return;
            }
            "as" => {
                *index += 1;
                name = tokens.get(*index).map(|name| (*name).to_owned());
            }
            "self" if !path.is_empty() => {}
            part => path.push(part.to_owned()),
        }
        *index += 1;
    }
    if let Some(last) = path.last().cloned() {
        imports.push(Import { name: name.unwrap_or(last), path, is_reexport });
    }
}

/// The paths of at least two parts in `code`: `a::b` in `a::b::<C>(d)`.
fn chains(code: &str) -> Vec<Vec<String>> {
    let tokens = tokens(code);
    let mut chains = Vec::new();
    let is_name = |token: &str| token.starts_with(|it: char| it.is_alphabetic() || it == '_');
    let mut index = 0;
    while index < tokens.len() {
        let begins = is_name(tokens[index]) && (index == 0 || tokens[index - 1] != "::");
        let mut end = index + 1;
        if begins {
            while tokens.get(end) == Some(&"::") && tokens.get(end + 1).is_some_and(|token| is_name(token)) {
                end += 2;
            }
            if end > index + 1 {
                chains.push(tokens[index..end].iter().step_by(2).map(|part| (*part).to_owned()).collect());
            }
        }
        index = end;
    }
    chains
}

/// Groups of files that all use each other, directly or not.
pub(crate) fn circles<'a>(uses: &BTreeMap<&'a Path, BTreeSet<&'a Path>>) -> Vec<Vec<&'a Path>> {
    let reached = |from: &'a Path| {
        let mut reached: BTreeSet<&'a Path> = BTreeSet::new();
        let mut open = vec![from];
        while let Some(file) = open.pop() {
            open.extend(uses.get(file).into_iter().flatten().filter(|next| reached.insert(next)));
        }
        reached
    };
    let reached: BTreeMap<&Path, BTreeSet<&Path>> = uses.keys().map(|file| (*file, reached(file))).collect();
    let mut circles: BTreeSet<Vec<&Path>> = BTreeSet::new();
    for (file, others) in &reached {
        if others.contains(file) {
            circles.insert(others.iter().filter(|other| reached[*other].contains(file)).copied().collect());
        }
    }
    circles.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uses(files: &[(&str, &str)]) -> Vec<String> {
        let files: Vec<SourceFile> =
            files.iter().map(|(path, text)| SourceFile::new(Path::new("src").join(path), (*text).to_owned())).collect();
        let modules = Modules::new(&files);
        let short = |path: &Path| path.strip_prefix("src").expect("src").with_extension("").display().to_string();
        let uses = modules.uses();
        let edges = uses.iter().flat_map(|(from, to)| to.iter().map(move |to| [short(from), short(to)]));
        let mut edges: Vec<String> = edges.map(|[from, to]| format!("{from} > {to}")).collect();
        edges.sort_unstable();
        edges
    }

    /// A reader that overlooks imports would let every circle pass.
    #[test]
    fn imports_are_found_in_every_form_and_nowhere_else() {
        let b = ("b.rs", "pub struct B; mod c;");
        let c = ("b/c.rs", "pub struct C;");
        for (name, text, expected) in [
            ("a use", "use crate::b::B;", "a > b"),
            ("a group", "use crate::{\n    b::{B, c::C},\n};", "a > b,a > b/c"),
            ("self in a group", "use crate::b::{self, B};", "a > b"),
            ("another name", "use crate::b::c::C as D;", "a > b/c"),
            ("a path", "fn f() { crate::b::c::C::new() }", "a > b/c"),
            ("a module that was imported", "use crate::b::c; fn f() { c::C::new() }", "a > b/c"),
            ("a macro", "macro_rules! m { () => { $crate::b::B } }", "a > b"),
            ("another crate", "use other::b::B; fn f() { b::B::new() }", ""),
            ("a comment", "// crate::b\n/// [`crate::b`]\nfn f() {}", ""),
            ("a string", "const A: &str = \"crate::b::B\";", ""),
            ("a test module", "#[cfg(test)]\nmod tests { use crate::b::B; }", ""),
            ("a re-export", "pub use crate::b::B; pub(crate) use crate::b::c::C;", ""),
        ] {
            assert_eq!(uses(&[("a.rs", text), b, c]).join(","), expected, "{name}");
        }
    }

    #[test]
    fn what_is_handed_on_is_where_it_was_declared() {
        let lib = ("lib.rs", "pub mod a; pub mod b; pub use b::c::C;");
        let b = ("b.rs", "mod c; pub use c::C; use c::D; fn f(d: D) {}");
        let c = ("b/c.rs", "pub struct C; use super::E; use super::super::a::A;");
        let a = ("a.rs", "use crate::{C, b::C as OtherC};");
        assert_eq!(uses(&[lib, a, b, c]), ["a > b/c", "b > b/c", "b/c > a", "b/c > b"]);
    }

    #[test]
    fn a_circle_is_found_however_long_it_is() {
        let graph = |edges: &[(&'static str, &'static str)]| {
            let mut uses: BTreeMap<&Path, BTreeSet<&Path>> = BTreeMap::new();
            for (from, to) in edges {
                uses.entry(Path::new(*from)).or_default().insert(Path::new(*to));
                uses.entry(Path::new(*to)).or_default();
            }
            circles(&uses)
                .into_iter()
                .map(|circle| circle.iter().map(|it| it.display().to_string()).collect())
                .collect()
        };
        let found: Vec<String> = graph(&[("a", "b"), ("b", "c"), ("c", "a"), ("c", "d"), ("e", "f"), ("f", "e")]);
        assert_eq!(found, ["abc", "ef"]);
        assert!(graph(&[("a", "b"), ("a", "c"), ("b", "c")]).is_empty());
    }
}
