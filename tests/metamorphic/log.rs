//! A log that can be changed line by line and analysed again.

use std::fmt::{self, Write as _};
use std::io::Read;
use std::sync::Arc;

use albscope::aggregate::Summary;
use albscope::kind::alb;
use albscope::{Progress, ReadOptions, Timestamp, source};
use flate2::read::MultiGzDecoder;

/// A line of an access log, cut into its fields. Times are numbers, in microseconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// All fields, with their quotes. Those of `time` and `created` are written anew. Most changes leave them as they
    /// are, so copies of a log share them.
    fields: Arc<Vec<String>>,
    /// `time`: when the request ended.
    pub(crate) time: i64,
    /// `request_creation_time`. `None` in lines without the field.
    pub(crate) created: Option<i64>,
}

impl Line {
    pub(crate) fn parse(line: &str) -> Self {
        let fields = fields(line);
        let time = |index: usize| fields.get(index).and_then(|field| micros(field));
        Self {
            time: time(alb::TIME).expect("a line has a time"),
            created: time(alb::REQUEST_CREATION_TIME),
            fields: Arc::new(fields),
        }
    }

    /// The field with this number, without its quotes; empty if the line ends before it.
    pub(crate) fn field(&self, index: usize) -> &str {
        self.fields.get(index).map_or("", |field| field.trim_matches('"'))
    }

    /// Replaces a field, and keeps its quotes.
    pub(crate) fn set(&mut self, index: usize, value: &str) {
        if let Some(field) = Arc::make_mut(&mut self.fields).get_mut(index) {
            *field = if field.starts_with('"') { format!("\"{value}\"") } else { value.to_owned() };
        }
    }

    /// Moves the request, and all that it did, to another time.
    pub(crate) fn shift(&mut self, micros: i64) {
        self.time += micros;
        self.created = self.created.map(|created| created + micros);
    }

    /// Whether the client got a 5xx, or left (460).
    pub(crate) fn is_failed(&self) -> bool {
        let status = self.field(alb::ELB_STATUS_CODE);
        status == "460" || status.starts_with('5')
    }

    /// The target; empty if the request was sent to none.
    pub(crate) fn target(&self) -> &str {
        self.field(alb::TARGET).trim_matches('-')
    }
}

/// As in a log, without a line end.
impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, field) in self.fields.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { " " })?;
            let time = match index {
                alb::TIME => Some(self.time),
                alb::REQUEST_CREATION_TIME => self.created,
                _ => None,
            };
            match time {
                Some(time) => Timestamp::from_micros(time).fmt(f)?,
                None => f.write_str(field)?,
            }
        }
        Ok(())
    }
}

/// The fields of a line. A quoted field may contain blanks.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut is_quoted = false;
    for character in line.chars() {
        is_quoted ^= character == '"';
        match fields.last_mut() {
            Some(field) if character != ' ' || is_quoted => field.push(character),
            _ => fields.push(String::new()),
        }
    }
    fields
}

fn micros(text: &str) -> Option<i64> {
    Timestamp::parse(text.trim_matches('"').as_bytes()).map(Timestamp::as_micros)
}

/// The lines of one object. All of them are from one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogObject {
    pub(crate) key: String,
    pub(crate) lines: Vec<Line>,
}

/// All objects of an incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Log {
    pub(crate) objects: Vec<LogObject>,
}

impl Log {
    /// From keys and bytes, gzip or not.
    pub(crate) fn read<'a>(objects: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Self {
        let read = |(key, bytes): (&str, &[u8])| {
            let mut text = String::new();
            let is_gzip = bytes.starts_with(&[0x1f, 0x8b]);
            let mut decoder = MultiGzDecoder::new(bytes);
            let mut plain = bytes;
            let reader: &mut dyn Read = if is_gzip { &mut decoder } else { &mut plain };
            reader.read_to_string(&mut text).expect("a sound log");
            let key = key.trim_end_matches(".gz").to_owned();
            LogObject { key, lines: text.lines().map(Line::parse).collect() }
        };
        Self { objects: objects.into_iter().map(read).collect() }
    }

    pub(crate) fn lines(&self) -> impl Iterator<Item = &Line> {
        self.objects.iter().flat_map(|object| &object.lines)
    }

    pub(crate) fn lines_mut(&mut self) -> impl Iterator<Item = &mut Line> {
        self.objects.iter_mut().flat_map(|object| &mut object.lines)
    }

    /// Keeps the lines for which `keeps` holds.
    pub(crate) fn retain(&mut self, mut keeps: impl FnMut(&Line) -> bool) {
        for object in &mut self.objects {
            object.lines.retain(&mut keeps);
        }
    }

    /// The first and the last `time`. `None` without lines.
    pub(crate) fn window(&self) -> Option<(i64, i64)> {
        Some((self.lines().map(|line| line.time).min()?, self.lines().map(|line| line.time).max()?))
    }

    /// Reads the log as the program does.
    pub(crate) fn summary(&self) -> Summary {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for LogObject { key, lines } in self.objects.iter().filter(|object| !object.lines.is_empty()) {
            let path = folder.path().join(key);
            std::fs::create_dir_all(path.parent().expect("it lies in the folder")).expect("a folder");
            let mut text = String::new();
            for line in lines {
                writeln!(text, "{line}").expect("memory does not fail");
            }
            std::fs::write(path, text).expect("a file");
        }
        let inputs = [source::from_input(folder.path().as_os_str()).expect("a folder")];
        let summary = ReadOptions::new().threads(1).run(&inputs, &Progress::new()).expect("a run that is not strict");
        assert_eq!(summary.input.unreadable_lines, 0, "{:?}", summary.input.problems);
        summary
    }
}
