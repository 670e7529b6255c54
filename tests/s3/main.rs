//! Logs straight from S3: the same reports as from disk, whatever S3 does meanwhile.
//!
//! The program runs as its users run it, against a server that speaks S3's protocol on loopback.

#[path = "../common/mod.rs"]
mod common;

mod cache;
mod conformance;
mod errors;
mod faults;
mod listing;
mod program;
mod protocol;
mod resume;
mod server;
mod service;
mod signature;
mod speed;
mod store;
mod uri;
