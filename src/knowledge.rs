//! What is known of causes, as data: nothing here reads a log.

pub mod causes;
