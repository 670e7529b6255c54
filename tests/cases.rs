//! Command lines as files: each file in `tests/cases` has files to read, commands, and all that they print.
//!
//! ```text
//! What the case shows, in a sentence.
//!
//! === file logs/a.log
//! the content
//! === $ albscope analyze logs --strict
//! === status 2
//! === stderr
//! albscope: ...
//! ```
//!
//! A case runs in an empty folder with its files. A section `=== in the repository` makes it run there instead. A
//! command may not leave files in the case's folder. It is split at blanks, and single quotes keep words together.
//! `=== stdin` before a command is its input. A section of output that is not there stands for no output;
//! `=== status` can be left out for 0.
//!
//! To write the files again with what the program prints now, set `ALBSCOPE_REWRITE_CASES=1`; then read the diff.

mod common;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use common::Logs;
use common::program::{ProgramRun, run, run_with_input};

/// One command of a case, and what it must print.
struct CaseCommand {
    line: String,
    stdin: Option<String>,
    expected: ProgramRun,
}

/// A parsed file.
struct CommandLineCase {
    /// What is before the first command, as it is in the file.
    head: String,
    /// Names and contents.
    files: Vec<(String, String)>,
    is_in_repository: bool,
    commands: Vec<CaseCommand>,
}

impl CommandLineCase {
    fn parse(text: &str) -> Self {
        let mut sections = text.split("\n=== ");
        let mut case = Self {
            head: sections.next().unwrap_or_default().to_owned(),
            files: Vec::new(),
            is_in_repository: false,
            commands: Vec::new(),
        };
        let mut stdin = None;
        for section in sections {
            let (title, body) = section.split_once('\n').unwrap_or((section, ""));
            // The line break before the next section is part of this body.
            let body = if body.is_empty() || body.ends_with('\n') { body.to_owned() } else { format!("{body}\n") };
            let is_before_commands = case.commands.is_empty();
            if let Some(line) = title.strip_prefix("$ ") {
                let expected = ProgramRun { code: Some(0), stdout: String::new(), stderr: String::new() };
                case.commands.push(CaseCommand { line: line.to_owned(), stdin: stdin.take(), expected });
                continue;
            }
            if title == "stdin" {
                stdin = Some(body);
                continue;
            }
            if is_before_commands {
                let _ = write!(case.head, "\n=== {section}");
                match title.strip_prefix("file ") {
                    Some(name) => case.files.push((name.to_owned(), body)),
                    None if title == "in the repository" => case.is_in_repository = true,
                    None => panic!("a section before the first command: {title}"),
                }
                continue;
            }
            let command = case.commands.last_mut().expect("a command is before its output");
            match title.split_once(' ').unwrap_or((title, "")) {
                ("status", code) => command.expected.code = Some(code.parse().expect("a number")),
                ("stdout", "") => command.expected.stdout = body,
                ("stderr", "") => command.expected.stderr = body,
                _ => panic!("an unknown section: {title}"),
            }
        }
        case
    }

    /// Runs all commands.
    fn run(&self) -> Vec<ProgramRun> {
        let logs = Logs::new();
        for (name, content) in &self.files {
            logs.write(name, content.as_bytes());
        }
        let folder = if self.is_in_repository { Path::new(env!("CARGO_MANIFEST_DIR")) } else { logs.path() };
        let run_command = |command: &CaseCommand| {
            let words = words(&command.line);
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            assert_eq!(words.first(), Some(&"albscope"), "another program: {}", command.line);
            let ended = match &command.stdin {
                Some(input) => run_with_input(folder, &words[1..], input.as_bytes()),
                None => run(folder, &words[1..]),
            };
            ProgramRun { stdout: with_line_break(ended.stdout), stderr: with_line_break(ended.stderr), ..ended }
        };
        let ended = self.commands.iter().map(run_command).collect();
        let mut left: Vec<_> =
            fs::read_dir(logs.path()).expect("a folder").flatten().map(|it| it.file_name()).collect();
        left.retain(|left| !self.files.iter().any(|(name, _)| Path::new(name).starts_with(left)));
        assert!(left.is_empty(), "{}: files were written: {left:?}", self.head);
        ended
    }

    /// The file's text if its commands ended like this.
    fn text(&self, ended: &[ProgramRun]) -> String {
        let mut text = format!("{}\n", self.head);
        for (command, ended) in self.commands.iter().zip(ended) {
            if let Some(stdin) = &command.stdin {
                let _ = write!(text, "=== stdin\n{stdin}");
            }
            let _ = writeln!(text, "=== $ {}", command.line);
            match ended.code {
                Some(0) => {}
                code => writeln!(text, "=== status {}", code.unwrap_or(-1)).expect("a String takes all"),
            }
            for (title, output) in [("stdout", &ended.stdout), ("stderr", &ended.stderr)] {
                if !output.is_empty() {
                    let _ = write!(text, "=== {title}\n{output}");
                }
            }
        }
        text
    }
}

/// The words of a command line. Single quotes keep words together, as in a shell.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut is_quoted = false;
    for character in line.chars() {
        match character {
            '\'' => {
                is_quoted = !is_quoted;
                word.get_or_insert_default();
            }
            ' ' if !is_quoted => words.extend(word.take()),
            _ => word.get_or_insert_default().push(character),
        }
    }
    words.extend(word);
    words
}

/// A text whose last line ends, as every line of a case file does.
fn with_line_break(mut text: String) -> String {
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

#[test]
fn every_case_prints_what_its_file_says() {
    let is_rewriting = std::env::var_os("ALBSCOPE_REWRITE_CASES").is_some();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut paths: Vec<_> =
        fs::read_dir(folder).expect("the cases").map(|entry| entry.expect("a file").path()).collect();
    paths.sort_unstable();
    assert!(paths.len() > 10, "the cases were not found");
    let mut differences = String::new();
    for path in paths {
        let text = fs::read_to_string(&path).expect("a case");
        let case = CommandLineCase::parse(&text);
        assert!(!case.commands.is_empty(), "{} has no command", path.display());
        let ended = case.run();
        let now = case.text(&ended);
        if now == text {
            continue;
        }
        if is_rewriting {
            fs::write(&path, now).expect("a file");
            continue;
        }
        let first = now.lines().zip(text.lines()).position(|(now, then)| now != then);
        let first = first.unwrap_or_else(|| now.lines().count().min(text.lines().count()));
        let line = |text: &str| text.lines().nth(first).unwrap_or("(nothing)").to_owned();
        let _ = writeln!(
            differences,
            "{}:{}:\n  expected: {}\n  printed:  {}",
            path.display(),
            first + 1,
            line(&text),
            line(&now)
        );
    }
    assert!(differences.is_empty(), "{differences}ALBSCOPE_REWRITE_CASES=1 writes what is printed into the files");
}

#[test]
fn a_case_that_is_read_and_written_again_is_the_same() {
    let text = "A title.\n\n=== file a.log\none\ntwo\n=== stdin\nthree\n=== $ albscope explain 'a b'\n=== status 2\n\
                === stdout\nfour\n=== stderr\nfive\n=== $ albscope man\n";
    let case = CommandLineCase::parse(text);
    assert_eq!(case.files, [("a.log".to_owned(), "one\ntwo\n".to_owned())]);
    assert_eq!(words(&case.commands[0].line), ["albscope", "explain", "a b"]);
    let expected: Vec<ProgramRun> = case
        .commands
        .iter()
        .map(|CaseCommand { expected, .. }| ProgramRun {
            code: expected.code,
            stdout: expected.stdout.clone(),
            stderr: expected.stderr.clone(),
        })
        .collect();
    assert_eq!(expected[0].stdout, "four\n");
    assert_eq!(case.text(&expected), text);
}
