//! The rules of the house that a compiler does not check.
//!
//! Which module may import which, no circles between files, names that mean one thing, short files, narrow comments,
//! and documents that name what is there.

mod documents;
mod modules;
mod names;
mod paths;
mod size;
mod source;
