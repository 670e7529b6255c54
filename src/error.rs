//! What can go wrong, and where it did.
//!
//! There are two kinds. An [`Error`] ends something: a source cannot be listed, an object cannot be opened. A
//! [`Problem`] is data about the input: a line is not a record, a gzip stream is cut off. Problems are counted and
//! located, the run goes on, and every report states them.

use std::fmt;
use std::io;

use serde::Serialize;

use crate::location::Location;
use crate::schema::LogKind;

/// Why something could not be done. One word wide; [`Error::kind`] has the meaning.
pub struct Error(Box<ErrorKind>);

/// The meaning of an [`Error`].
#[derive(Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A source could not be listed, or an object could not be opened.
    Source {
        /// Path or URL.
        object: Box<str>,
        /// What the file system or the store said.
        source: io::Error,
    },
    /// An object was opened, then reading it broke.
    Read {
        /// Path or URL.
        object: Box<str>,
        /// What the file system or the store said.
        source: io::Error,
    },
    /// The input has a problem, and whoever reads it asked to be told: with
    /// [`ReadOptions::strict`](crate::ReadOptions::strict), or by a [`Reader`](crate::Reader).
    Input {
        /// What is wrong.
        problem: Problem,
        /// Where it is.
        at: Location,
        /// What the decoder said. `None` if the problem says it all.
        reason: Option<Box<str>>,
    },
    /// The run was stopped before its end.
    Cancelled,
    /// A report or a simulated log could not be written.
    Write {
        /// Path, or what was being written.
        target: Box<str>,
        /// What the file system said.
        source: io::Error,
    },
}

/// The result of an operation of this library.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// The meaning of the error.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.0
    }

    /// The path or URL that the error is about; for [`ErrorKind::Write`], perhaps what was being written. `None`
    /// for [`ErrorKind::Cancelled`].
    #[must_use]
    pub fn object(&self) -> Option<&str> {
        match self.kind() {
            ErrorKind::Source { object, .. } | ErrorKind::Read { object, .. } => Some(object),
            ErrorKind::Input { at, .. } => Some(&at.object),
            ErrorKind::Write { target, .. } => Some(target),
            ErrorKind::Cancelled => None,
        }
    }

    /// Where in the input the problem is. `None` for all but [`ErrorKind::Input`].
    #[must_use]
    pub fn location(&self) -> Option<&Location> {
        match self.kind() {
            ErrorKind::Input { at, .. } => Some(at),
            _ => None,
        }
    }

    /// A source that could not be listed or an object that could not be opened.
    pub(crate) fn source(object: impl Into<Box<str>>, source: io::Error) -> Self {
        ErrorKind::Source { object: object.into(), source }.into()
    }

    /// An object that was opened and then could not be read to its end.
    pub(crate) fn read(object: impl Into<Box<str>>, source: io::Error) -> Self {
        ErrorKind::Read { object: object.into(), source }.into()
    }

    /// A problem of the input. `reason` is what the decoder, the file system or the store said.
    pub(crate) fn input(problem: Problem, at: Location, reason: Option<io::Error>) -> Self {
        match (problem, reason) {
            (Problem::Unreadable, Some(reason)) => Self::read(&*at.object, reason),
            (problem, reason) => {
                ErrorKind::Input { problem, at, reason: reason.map(|reason| reason.to_string().into()) }.into()
            }
        }
    }

    /// Something that could not be written.
    pub(crate) fn write(target: impl Into<Box<str>>, source: io::Error) -> Self {
        ErrorKind::Write { target: target.into(), source }.into()
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Self(Box::new(kind))
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            ErrorKind::Source { object, .. } => write!(f, "cannot open {object}"),
            ErrorKind::Read { object, .. } => write!(f, "cannot read {object} to the end"),
            ErrorKind::Input { problem, at, reason: None } => write!(f, "{}: {at}", problem.title()),
            ErrorKind::Input { problem, at, reason: Some(reason) } => {
                write!(f, "{}: {at}: {reason}", problem.title())
            }
            ErrorKind::Cancelled => write!(f, "stopped before the end"),
            ErrorKind::Write { target, .. } => write!(f, "cannot write {target}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &*self.0 {
            ErrorKind::Source { source, .. } | ErrorKind::Read { source, .. } | ErrorKind::Write { source, .. } => {
                Some(source)
            }
            ErrorKind::Input { .. } | ErrorKind::Cancelled => None,
        }
    }
}

/// Something in the input that could not be read as it should be. Ids are stable because the JSON report has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Problem {
    /// Fewer fields than the first documented form of the log had.
    TooFewFields,
    /// The quotes do not delimit fields as the format says.
    Quoting,
    /// A field that must be a time, a number or a status code is not one.
    FieldType,
    /// The line is longer than the reader's cap.
    LineTooLong,
    /// A line of another kind of log than the one that was expected.
    OtherLog(&'static LogKind),
    /// A gzip stream ends in the middle of a member.
    GzipTruncated,
    /// A gzip member does not decode, or its checksum is wrong.
    GzipDamaged,
    /// Bytes that are not a gzip member follow the last one.
    GzipTrailingGarbage,
    /// An object or folder could not be opened or read to its end.
    Unreadable,
}

impl Problem {
    /// The stable id.
    #[must_use]
    pub fn id(self) -> &'static str {
        self.row().0
    }

    /// One phrase for people, lower case.
    #[must_use]
    pub fn title(self) -> &'static str {
        self.row().1
    }

    /// Whether the problem concerns an object, whose decoded text may be incomplete, rather than a line.
    #[must_use]
    pub fn is_of_object(self) -> bool {
        matches!(self, Self::GzipTruncated | Self::GzipDamaged | Self::GzipTrailingGarbage | Self::Unreadable)
    }

    fn row(self) -> (&'static str, &'static str) {
        match self {
            Self::TooFewFields => ("too-few-fields", "line with too few fields for an access log"),
            Self::Quoting => ("quoting", "line whose quotes do not delimit its fields"),
            Self::FieldType => ("field-type", "line with an invalid time, number or status code"),
            Self::LineTooLong => ("line-too-long", "line longer than the limit"),
            Self::OtherLog(kind) => (kind.line_id, kind.line_title),
            Self::GzipTruncated => ("gzip-truncated", "gzip stream that is cut off"),
            Self::GzipDamaged => ("gzip-damaged", "gzip stream that is damaged"),
            Self::GzipTrailingGarbage => ("gzip-trailing-garbage", "bytes after the last gzip member"),
            Self::Unreadable => ("unreadable", "object that could not be opened or read"),
        }
    }
}

impl Serialize for Problem {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::LOG_KINDS;

    fn at() -> Location {
        Location { object: "a.log".into(), line: 7, byte: 99 }
    }

    #[test]
    fn every_error_says_what_it_is_about_and_keeps_what_the_system_said() {
        let denied = || io::Error::from(io::ErrorKind::PermissionDenied);
        for (error, text, object, has_source) in [
            (Error::source("a.log", denied()), "cannot open a.log", Some("a.log"), true),
            (Error::read("a.log", denied()), "cannot read a.log to the end", Some("a.log"), true),
            (Error::write("out", denied()), "cannot write out", Some("out"), true),
            (ErrorKind::Cancelled.into(), "stopped before the end", None, false),
            (
                Error::input(Problem::Quoting, at(), None),
                "line whose quotes do not delimit its fields: a.log:7 (byte 99)",
                Some("a.log"),
                false,
            ),
            (
                Error::input(Problem::GzipDamaged, at(), Some(io::Error::other("bad sum"))),
                "gzip stream that is damaged: a.log:7 (byte 99): bad sum",
                Some("a.log"),
                false,
            ),
            // What the system said is the cause of the error, and not a part of its text.
            (
                Error::input(Problem::Unreadable, at(), Some(denied())),
                "cannot read a.log to the end",
                Some("a.log"),
                true,
            ),
        ] {
            assert_eq!((error.to_string().as_str(), error.object()), (text, object));
            assert_eq!(std::error::Error::source(&error).is_some(), has_source, "{text}");
            let is_input = matches!(error.kind(), ErrorKind::Input { .. });
            assert_eq!(error.location().cloned(), is_input.then(at), "{text}");
            assert_eq!(format!("{error:?}"), format!("{:?}", error.kind()), "{text}");
        }
        assert_eq!(size_of::<Error>(), size_of::<usize>());
    }

    #[test]
    fn problems_have_ids_of_their_own_and_are_of_a_line_or_of_an_object() {
        use Problem::{
            FieldType, GzipDamaged, GzipTrailingGarbage, GzipTruncated, LineTooLong, Quoting, TooFewFields, Unreadable,
        };
        let of_lines = [TooFewFields, Quoting, FieldType, LineTooLong].into_iter();
        let of_lines: Vec<Problem> = of_lines.chain(LOG_KINDS.iter().map(|kind| Problem::OtherLog(kind))).collect();
        let of_objects = [GzipTruncated, GzipDamaged, GzipTrailingGarbage, Unreadable];
        assert!(of_lines.iter().all(|problem| !problem.is_of_object() && problem.title().contains("line")));
        assert!(of_objects.iter().all(|problem| problem.is_of_object()));
        let ids: Vec<&str> = of_lines.iter().chain(&of_objects).map(|problem| problem.id()).collect();
        let distinct: std::collections::BTreeSet<&str> = ids.iter().copied().collect();
        assert_eq!(distinct.len(), ids.len(), "{ids:?}");
        assert_eq!(serde_json::to_value(Quoting).expect("JSON"), "quoting");
    }
}
