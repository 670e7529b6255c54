//! Why a decoder stopped before the end.

use std::io;

use crate::error::Problem;

/// Where the decoded text of an object stops short, and why.
#[derive(Debug)]
pub struct Damage {
    /// What is wrong.
    pub problem: Problem,
    /// Offset in the object as it is stored, from 0.
    pub stored_byte: u64,
    /// What the decoder or the operating system said.
    pub reason: io::Error,
}
