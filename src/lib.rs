//! albscope reads the access logs of AWS Application Load Balancers and says, for each target, why requests failed.

pub mod aggregate;
pub mod classify;
pub mod decode;
pub mod diagnose;
pub mod error;
pub mod kind;
pub mod location;
pub mod pipeline;
pub mod record;
pub mod report;
pub mod schema;
pub mod simulate;
pub mod source;
pub mod timestamp;

pub use error::{Error, ErrorKind, Problem, Result};
pub use location::Location;
pub use pipeline::{Analysis, Progress};
pub use timestamp::Timestamp;
