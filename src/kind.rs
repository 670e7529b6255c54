//! The kinds of log: one file for each, with its field table, its typed getters, and the way from its record to an
//! [`Exchange`](crate::classify::Exchange).

pub mod alb;
mod other;

pub use alb::Alb;
pub use other::recognise;
