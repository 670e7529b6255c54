//! What is known about causes, servers and timers, as data. Nothing here reads a log.
//!
//! [`causes`] says what each cause means, how to tell it from others, and what to do. [`servers`] and [`timers`] map
//! a time that was measured in a log to the servers, proxies and clients that have such a timeout by default;
//! [`setters`] say where other timeouts are set.

pub mod causes;
pub mod desync_reasons;
pub mod error_reasons;
pub mod servers;
pub mod setters;
mod sign;
pub mod timers;

use std::time::Duration;

pub use sign::Sign;

use serde::Serialize;

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trust {
    /// The maker's source code or documentation, or a measurement.
    Confirmed,
    /// A report by someone who ran into it.
    Secondary,
    /// Said everywhere but verified nowhere: a hint.
    General,
}

/// How far `time` is from `timer`, if it may be that timer's. A timer fires late by at most `smear`, and never early
/// except as far as clocks differ, which `tolerance` allows for.
///
/// `None` if `time` is outside of `timer - tolerance ..= timer + smear + tolerance`.
fn distance(time: Duration, timer: Duration, smear: Duration, tolerance: Duration) -> Option<Duration> {
    let range = timer.saturating_sub(tolerance)..=timer + smear + tolerance;
    range.contains(&time).then(|| time.abs_diff(timer))
}
