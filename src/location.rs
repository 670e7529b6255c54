//! Where something stands: which object, which line, which byte.

use std::fmt;
use std::sync::Arc;

/// A place in the decoded text of one object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    /// The object's name: a path, an S3 URL, or `-` for standard input.
    pub object: Arc<str>,
    /// Line number, from 1; blank lines count.
    pub line: u64,
    /// Offset of the line's first byte in the decoded stream, from 0.
    pub byte: u64,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{} (byte {})", self.object, self.line, self.byte)
    }
}
