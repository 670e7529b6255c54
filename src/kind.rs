//! The kinds of log. A kind has one file with its field table, its typed getters, and the conversion of its record
//! to an [`Exchange`](crate::classify::Exchange).

pub mod alb;
mod other;

pub use alb::Alb;
pub use other::recognise;
