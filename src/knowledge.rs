//! What is known of causes and of servers, as data: nothing here reads a log.
//!
//! [`causes`] says what each cause means, how to tell it from others, and what to do. [`servers`] and [`timers`] turn a time that a log gives away into the servers,
//! proxies and clients that have such a timeout by default.

pub mod causes;
pub mod servers;
pub mod timers;

use std::time::Duration;

use serde::Serialize;

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trust {
    /// The source code or the documentation of the maker, or a measurement.
    Confirmed,
    /// A report of somebody who met it.
    Secondary,
    /// Said everywhere and checked nowhere: a hint.
    General,
}

/// Timers are never early by more than clocks differ, and late by at most `smear`: how far `time` lies from `timer`, where it may be that timer's.
///
/// Absent where it lies outside of `timer - tolerance ..= timer + smear + tolerance`.
fn distance(time: Duration, timer: Duration, smear: Duration, tolerance: Duration) -> Option<Duration> {
    let range = timer.saturating_sub(tolerance)..=timer + smear + tolerance;
    range.contains(&time).then(|| time.abs_diff(timer))
}
