//! Where a line is: object, line number and byte offset.

use std::fmt;
use std::sync::Arc;

/// Where a line begins in the decoded text of one object, or where reading an object failed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    /// The object's name: a path, an S3 URL, or `-` for standard input.
    pub object: Arc<str>,
    /// Line number, from 1; blank lines count.
    pub line: u64,
    /// Offset of the line's first byte in the decoded stream, from 0. For a problem of the object, an offset in the
    /// object as stored.
    pub byte: u64,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{} (byte {})", self.object, self.line, self.byte)
    }
}
