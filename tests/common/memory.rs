//! The peak memory of a process.

use std::fs;

/// The most memory that this process has had at once, in bytes. `None` if the system does not report it.
pub fn peak_memory() -> Option<u64> {
    peak_memory_of("self")
}

/// The most memory that the process with this id has had at once, in bytes. `None` if the system does not report it,
/// or there is no such process.
pub fn peak_memory_of(process: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    peak.split_whitespace().next()?.parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}
