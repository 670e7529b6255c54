//! How wide texts of the page may be. They are untrusted, and the page must stay small.

/// Names are cut to this many columns: they are untrusted text too.
pub(super) const MAX_NAME_WIDTH: usize = 120;

/// Sentences and locations are cut to this many columns. No ordinary one is longer.
pub(super) const MAX_TEXT_WIDTH: usize = 600;

/// Lines of a log are cut to this many columns.
pub(super) const MAX_SAMPLE_WIDTH: usize = 1_200;
