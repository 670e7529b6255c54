//! How sure a finding is, and how many failures that takes.

use serde::Serialize;

/// With fewer failures than this, no cause is named.
pub const MIN_FAILURES: u64 = 3;

/// Fewer failures than this never give high confidence.
pub const MIN_FAILURES_FOR_HIGH: u64 = 10;

/// How sure a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// Several causes fit; this is the likeliest one.
    Low,
    /// The log points to one cause more than to any other.
    Medium,
    /// The log names the cause, or shows it clearly, in at least [`MIN_FAILURES_FOR_HIGH`] failures.
    High,
}

impl Confidence {
    /// All three, the least sure first.
    pub const ALL: [Self; 3] = [Self::Low, Self::Medium, Self::High];

    /// `low`, `medium` or `high`.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}
