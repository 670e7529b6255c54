//! Signals that ask the program to end: Ctrl-C, and what a service manager or a closing terminal sends.

use anyhow::Context;

/// Calls `handler` on a thread of its own when a signal asks the program to end. SIGTERM always does. SIGINT and
/// SIGHUP do unless they were ignored when the program started: a shell ignores SIGINT for its background jobs, and
/// `nohup` ignores SIGHUP, so that the program goes on.
///
/// Call it once, before anything that may take long.
///
/// # Errors
/// If the system does not let the program handle a signal.
#[cfg(unix)]
pub(super) fn on_interrupt(mut handler: impl FnMut() + Send + 'static) -> anyhow::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;

    let ignored = ignored_signals();
    let watched = [SIGTERM, SIGINT, SIGHUP].into_iter().filter(|signal| *signal == SIGTERM || !has(ignored, *signal));
    let mut signals = Signals::new(watched).context("cannot watch for signals such as Ctrl-C")?;
    std::thread::spawn(move || signals.forever().for_each(|_| handler()));
    Ok(())
}

/// The signals that this process ignores, signal `n` in bit `n - 1`. 0 if the system does not tell.
#[cfg(unix)]
fn ignored_signals() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default()
}

#[cfg(unix)]
fn has(signals: u64, signal: i32) -> bool {
    signals & (1 << (signal - 1)) != 0
}

/// Calls `handler` on a thread of its own on Ctrl-C.
///
/// Call it once, before anything that may take long.
///
/// # Errors
/// If the system does not let the program handle it.
#[cfg(not(unix))]
pub(super) fn on_interrupt(handler: impl FnMut() + Send + 'static) -> anyhow::Result<()> {
    ctrlc::set_handler(handler).context("cannot watch for Ctrl-C")
}
