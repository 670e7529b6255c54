//! The headings of options in the help. One is set for each option: set once for a struct, it would also stand over all
//! options that come after.

/// What is read, and how strictly.
pub(super) const INPUT: &str = "Input";

/// Which requests count.
pub(super) const FILTERS: &str = "Window and filters";

/// What the diagnosis is told.
pub(super) const DIAGNOSIS: &str = "Diagnosis";

/// What is written, and where.
pub(super) const OUTPUT: &str = "Output";

/// How S3 is reached.
pub(super) const S3: &str = "S3";

/// How much of the machine is used.
pub(super) const PERFORMANCE: &str = "Performance";
