//! What a log can show that decides between the ways to fix a cause.

/// What a finding shows, or does not show. A way to fix a cause may need one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sign {
    /// The failures began after a time with requests and without failures, which is long compared with their gaps. So
    /// something changed.
    BeganInTheLog,
    /// The failures go on until the log ends.
    GoesOn,
    /// The target answered no request at all.
    NeverAnswered,
    /// The target also answered requests.
    Answered,
    /// One target of several has such failures.
    AtOneTarget,
    /// The failures came after one constant time.
    AfterAConstant,
    /// Answers took at least half as long as the requests that failed.
    AnswersTakeLong,
}
