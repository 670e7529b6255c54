//! What a renderer knows about its output.

/// What a renderer knows about where its output goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Width of the output, in columns.
    pub width: usize,
    /// Whether to use colour.
    pub is_coloured: bool,
    /// Whether pictures and the marks of cut text are ASCII only.
    pub is_ascii: bool,
}
