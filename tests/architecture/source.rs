//! The Rust files of the crate, read without a compiler: comments and literals blanked, test code marked.

use std::fs;
use std::path::{Path, PathBuf};

/// One Rust file.
pub(crate) struct SourceFile {
    /// Its path below the crate's folder, such as `src/decode/gzip.rs`.
    pub path: PathBuf,
    /// As it is on disk.
    pub text: String,
    /// `text` with the same lines and offsets, but every byte of a comment is a space, and every byte of a string or
    /// character literal is a `"`.
    pub code: String,
}

impl SourceFile {
    pub(crate) fn new(path: PathBuf, text: String) -> Self {
        let code = blank(&text);
        Self { path, text, code }
    }

    /// Whether the whole file is only compiled for tests.
    pub(crate) fn is_test(&self) -> bool {
        let in_tests = |part: &std::ffi::OsStr| part == "tests" || part == "tests.rs";
        self.path.iter().any(in_tests)
    }

    /// Whether the file is part of the library or the program.
    pub(crate) fn is_product(&self) -> bool {
        self.path.starts_with("src") && !self.is_test()
    }

    /// [`Self::code`] without the items that are only compiled for tests.
    pub(crate) fn product_code(&self) -> String {
        let mut code = self.code.clone();
        while let Some(start) = code.find("#[cfg(test)]") {
            let item = start..start + item_len(&code[start..]);
            let blanked: String = code[item.clone()].chars().map(|it| if it == '\n' { '\n' } else { ' ' }).collect();
            code.replace_range(item, &blanked);
        }
        code
    }
}

/// The Rust files below some folders of the crate, sorted by path.
pub(crate) fn rust_files(folders: &[&str]) -> Vec<SourceFile> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders: Vec<PathBuf> = folders.iter().map(|folder| root.join(folder)).collect();
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder of sources") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("text");
                files.push(SourceFile::new(path.strip_prefix(root).expect("it is below").to_path_buf(), text));
            }
        }
    }
    files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    files
}

/// All Rust files of the crate. `fuzz` is a crate of its own.
pub(crate) fn all_files() -> Vec<SourceFile> {
    let files = rust_files(&["src", "tests", "benches", "examples"]);
    assert!(files.len() > 100, "the sources were not found");
    files
}

/// How many lines of `code` have something besides blanks.
pub(crate) fn code_lines(code: &str) -> usize {
    code.lines().filter(|line| !line.trim().is_empty()).count()
}

/// The words and the other characters of `code`, without blanks.
pub(crate) fn tokens(code: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = code.trim_start();
    while let Some(first) = rest.chars().next() {
        let is_word = |it: char| it.is_alphanumeric() || it == '_';
        let len = match rest.find(|it| !is_word(it)) {
            Some(0) if rest.starts_with("::") => 2,
            Some(0) => first.len_utf8(),
            Some(len) => len,
            None => rest.len(),
        };
        tokens.push(&rest[..len]);
        rest = rest[len..].trim_start();
    }
    tokens
}

fn blank(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut offset = 0;
    while let Some(first) = text[offset..].chars().next() {
        let rest = &text[offset..];
        let is_in_word = code.ends_with(|it: char| it.is_alphanumeric() || it == '_');
        let (len, filler) = if let Some(len) = comment_len(rest) {
            (len, ' ')
        } else if let Some(len) = literal_len(rest, is_in_word) {
            (len, '"')
        } else {
            code.push(first);
            offset += first.len_utf8();
            continue;
        };
        code.extend(rest[..len].bytes().map(|byte| if byte == b'\n' { '\n' } else { filler }));
        offset += len;
    }
    code
}

fn comment_len(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    text.starts_with("/*").then(|| text.find("*/").expect("a comment ends") + 2)
}

/// The length of the string or character literal that `text` begins with. A prefix such as `r` or `b` is part of it
/// unless it ends a word.
fn literal_len(text: &str, is_in_word: bool) -> Option<usize> {
    let without_prefix = if is_in_word { text } else { text.trim_start_matches(['b', 'c']) };
    let prefix_len = text.len() - without_prefix.len();
    if prefix_len > 1 {
        return None;
    }
    if let Some(raw) = without_prefix.strip_prefix('r').filter(|_| !is_in_word) {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        if raw[hashes..].starts_with('"') {
            let end = format!("\"{}", "#".repeat(hashes));
            let start = prefix_len + 1 + hashes + 1;
            return Some(start + text[start..].find(&end).expect("a raw string ends") + end.len());
        }
        return None;
    }
    let quote = without_prefix.chars().next().filter(|first| ['"', '\''].contains(first))?;
    if quote == '\'' {
        // A lifetime has no second quote.
        let second = without_prefix[1..].chars().next()?;
        let is_character = second == '\\' || without_prefix[1 + second.len_utf8()..].starts_with('\'');
        if !is_character {
            return None;
        }
    }
    let mut is_escaped = false;
    let end = without_prefix[1..].find(|it| {
        let is_end = it == quote && !is_escaped;
        is_escaped = it == '\\' && !is_escaped;
        is_end
    });
    Some(prefix_len + end.expect("a literal ends") + 2)
}

/// The length of the item that `code` begins with, attributes included: to its `;`, or to the brace that closes it.
fn item_len(code: &str) -> usize {
    let mut depth = 0;
    for (offset, character) in code.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 1 => return offset + 1,
            '}' => depth -= 1,
            ';' if depth == 0 => return offset + 1,
            _ => {}
        }
    }
    code.len()
}

/// The lines that have a `//` comment, with their numbers from 1.
pub(crate) fn comment_lines(file: &SourceFile) -> impl Iterator<Item = (usize, &str)> {
    let lines = file.text.lines().zip(file.code.lines()).enumerate();
    lines.filter_map(|(index, (text, code))| {
        let rest = text.get(code.trim_end().len()..)?;
        rest.trim_start().starts_with("//").then_some((index + 1, text))
    })
}

/// A reader that takes a comment for code, or code for a string, would let every violation pass.
#[test]
fn comments_and_literals_are_blanked_and_nothing_else() {
    for (name, text, expected) in [
        ("a comment", "a // b\nc", "a     \nc"),
        ("a block comment", "a /* b\n */ c", "a     \n    c"),
        ("a string", r#"a "b // \" c" d"#, r#"a """"""""""" d"#),
        ("a raw string", "a r#\"b \" c\"# d", "a \"\"\"\"\"\"\"\"\"\" d"),
        ("a byte", r"a b'\'' c", r#"a """"" c"#),
        ("a character", "a '\"' c", "a \"\"\" c"),
        ("a lifetime", "fn f<'a>(b: &'a str)", "fn f<'a>(b: &'a str)"),
        ("a word with r", "for\"x\"", "for\"\"\""),
        ("a raw word", "r#type", "r#type"),
    ] {
        assert_eq!(blank(text), expected, "{name}");
    }
}

#[test]
fn test_code_is_told_from_product_code() {
    let file = |text: &str| SourceFile::new(PathBuf::from("src/a.rs"), text.to_owned());
    assert_eq!(file("a;\n#[cfg(test)]\nmod tests { fn f() { g() } }\nb;").product_code().trim_end(), {
        let blanks = " ".repeat("mod tests { fn f() { g() } }".len());
        format!("a;\n{}\n{blanks}\nb;", " ".repeat("#[cfg(test)]".len()))
    });
    assert!(SourceFile::new(PathBuf::from("src/a/tests.rs"), String::new()).is_test());
    assert!(SourceFile::new(PathBuf::from("src/a/tests/b.rs"), String::new()).is_test());
    assert!(SourceFile::new(PathBuf::from("src/attests.rs"), String::new()).is_product());
}
