//! Shared by the tests of whole runs: a line to vary, a folder of logs, and a check that all counts add up.

// Each test file uses only a part.
#![allow(dead_code, unreachable_pub, reason = "shared by several test binaries")]

pub mod memory;
#[cfg(feature = "cli")]
pub mod program;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use albscope::aggregate::Summary;
use albscope::kind::{LOG_KINDS, LogKind, alb};
use albscope::{Problem, Progress, ReadOptions, source};
use flate2::Compression;
use flate2::write::GzEncoder;

pub const TARGET_GROUP: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/api/73e2d6bc24d8a067";

/// An ordinary line of 36 fields, to be varied.
pub fn line() -> LineBuilder {
    let text = r#"https 2026-11-22T07:41:20.518414Z app/shop/50dc6c495c0c9188 192.0.2.10:55123 10.0.0.1:80 0.000 0.001 0.000 200 200 120 353 "GET http://a.example:80/ HTTP/1.1" "curl/8.5.0" - - TG "Root=1-6b029ca0-36d228ad5d99923122bbe354" "-" "-" 0 2026-11-22T07:41:20.516000Z "forward" "-" "-" "10.0.0.1:80" "200" "-" "-" TID_1 "-" "-" "-" 198.51.100.7 "-" "-""#;
    let (head, tail) = text.split_once(r#""GET http://a.example:80/ HTTP/1.1""#).expect("it is there");
    let words = |text: &str| text.split_whitespace().map(|word| word.as_bytes().to_vec()).collect::<Vec<_>>();
    let mut fields = words(head);
    fields.push(br#""GET http://a.example:80/ HTTP/1.1""#.to_vec());
    fields.extend(words(tail));
    let builder = LineBuilder { fields };
    assert_eq!(builder.fields.len(), 36);
    builder.field(alb::TARGET_GROUP_ARN, TARGET_GROUP)
}

/// A line as a list of fields, including their quotes.
#[derive(Clone)]
pub struct LineBuilder {
    fields: Vec<Vec<u8>>,
}

impl LineBuilder {
    /// Sets a field to `raw`, which includes its quotes.
    pub fn field(mut self, field: usize, raw: &str) -> Self {
        self.fields[field] = raw.as_bytes().to_vec();
        self
    }

    pub fn request(self, text: &str) -> Self {
        self.field(alb::REQUEST_LINE, &format!("\"{text}\""))
    }

    pub fn agent(self, text: &str) -> Self {
        self.field(alb::USER_AGENT, &format!("\"{text}\""))
    }

    /// Removes the field, so that all fields after it come one too early.
    pub fn without_user_agent(mut self) -> Self {
        self.fields.remove(alb::USER_AGENT);
        self
    }

    pub fn request_bytes(mut self, text: &[u8]) -> Self {
        self.fields[alb::REQUEST_LINE] = [b"\"", text, b"\""].concat();
        self
    }

    pub fn agent_bytes(mut self, text: &[u8]) -> Self {
        self.fields[alb::USER_AGENT] = [b"\"", text, b"\""].concat();
        self
    }

    /// Replaces all fields after the target group's with `raw`.
    pub fn tail(mut self, raw: &str) -> Self {
        self.fields.truncate(alb::TARGET_GROUP_ARN + 1);
        if !raw.is_empty() {
            self.fields.push(raw.as_bytes().to_vec());
        }
        self
    }

    pub fn build_bytes(&self) -> Vec<u8> {
        self.fields.join(&b' ')
    }

    pub fn build(&self) -> String {
        String::from_utf8(self.build_bytes()).expect("this line was made of text")
    }
}

/// A folder that is deleted when it is dropped.
pub struct Logs {
    folder: tempfile::TempDir,
}

impl Logs {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn write(&self, name: impl AsRef<Path>, bytes: &[u8]) -> PathBuf {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().expect("it lies in the folder")).expect("a folder");
        fs::write(&path, bytes).expect("a file");
        path
    }

    /// Analyses the whole folder.
    pub fn analyse(&self, analysis: &ReadOptions) -> Summary {
        self.try_analyse(analysis).expect("a run that is not strict ends well")
    }

    pub fn try_analyse(&self, analysis: &ReadOptions) -> albscope::Result<Summary> {
        let inputs = [source::from_input(self.path().as_os_str())?];
        analysis.run(&inputs, &Progress::new())
    }
}

pub fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).expect("a Vec takes all");
    encoder.finish().expect("a Vec takes all")
}

/// Every line is in one of the counts, and every request in each of the tables.
pub fn assert_account_is_whole(name: &str, summary: &Summary) {
    let input = &summary.input;
    assert_eq!(input.lines, input.records + input.unreadable_lines, "{name}: lines");
    let of_kinds = input.kinds.values().fold((0, 0, 0), |(objects, lines, records), kind| {
        (objects + kind.objects, lines + kind.lines, records + kind.records)
    });
    assert_eq!(of_kinds, (input.objects, input.lines, input.records), "{name}: counts by kind");
    let of_lines: u64 =
        problems(summary).iter().filter(|(problem, _)| !problem.is_of_object()).map(|(_, count)| count).sum();
    assert_eq!(of_lines, input.unreadable_lines, "{name}: each unreadable line has a problem");
    let of_objects: u64 =
        problems(summary).iter().filter(|(problem, _)| problem.is_of_object()).map(|(_, count)| count).sum();
    assert_eq!(of_objects, input.objects_failed, "{name}: each object that failed has a problem");
    let selected = input.records - input.records_skipped.values().sum::<u64>();
    assert_eq!(summary.requests(), selected, "{name}: each selected record counts once");
    assert_eq!(summary.outcomes().iter().map(|(_, count)| count).sum::<u64>(), summary.requests(), "{name}: outcomes");
    let timed: u64 = summary
        .load_balancers
        .iter()
        .flat_map(|((), _, balancer)| {
            balancer
                .timing
                .sorted()
                .into_iter()
                .map(|(_, bin)| bin.outcomes.iter().map(|(_, n)| n).sum::<u64>())
                .collect::<Vec<_>>()
        })
        .sum();
    assert_eq!(timed, summary.requests(), "{name}: requests over time");
}

/// The kind of log with this id.
pub fn log_kind(id: &str) -> &'static LogKind {
    LOG_KINDS.iter().find(|kind| kind.id == id).expect("a kind of log")
}

/// A line of this kind in another log.
pub fn other_log(id: &str) -> Problem {
    Problem::OtherLog(log_kind(id))
}

pub fn problems(summary: &Summary) -> Vec<(Problem, u64)> {
    summary.input.problems.iter().map(|(&problem, count)| (problem, count.count)).collect()
}
