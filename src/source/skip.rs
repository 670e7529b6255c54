//! Why an object, a folder or a record is not counted.

use crate::kind::LogKind;

/// Why an object was skipped without being opened. Ids are stable, because they are in the JSON report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Skip {
    /// Its interval cannot hold a line of the window.
    OutsideWindow,
    /// Its key names another load balancer.
    OtherLoadBalancer,
    /// Its key names a kind of log that is not read.
    OtherKind(&'static LogKind),
    /// Its file name is not that of a log, or it is a pipe, socket or device. Only for what is found in a folder,
    /// never for what the user named.
    NotALog,
    /// It is listed already, by another input or under another name, and counts there.
    NamedTwice,
}

impl Skip {
    /// The stable id.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::OutsideWindow => "outside-window",
            Self::OtherLoadBalancer => "other-load-balancer",
            Self::OtherKind(kind) => kind.id,
            Self::NotALog => "not-a-log",
            Self::NamedTwice => "named-twice",
        }
    }
}

/// Why a folder was skipped without being listed. How many objects it has is not known. Ids are stable, because
/// they are in the JSON report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum FolderSkip {
    /// Its year, month or day cannot hold a line of the window.
    OutsideWindow,
    /// It belongs to another AWS service that writes to the same bucket.
    OtherService,
}

impl FolderSkip {
    /// The stable id.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::OutsideWindow => "outside-window",
            Self::OtherService => "other-service",
        }
    }
}

/// Why a record that was read is not counted. Ids are stable, because they are in the JSON report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordSkip {
    /// Its `time` is outside the window.
    OutsideWindow,
    /// Another load balancer.
    OtherLoadBalancer,
    /// Another target group, or none.
    OtherTargetGroup,
    /// Another target, or none.
    OtherTarget,
}

impl RecordSkip {
    /// Every reason, in the order in which they are checked.
    pub const ALL: [Self; 4] =
        [Self::OutsideWindow, Self::OtherLoadBalancer, Self::OtherTargetGroup, Self::OtherTarget];

    /// The stable id.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::OutsideWindow => "outside-window",
            Self::OtherLoadBalancer => "other-load-balancer",
            Self::OtherTargetGroup => "other-target-group",
            Self::OtherTarget => "other-target",
        }
    }
}
