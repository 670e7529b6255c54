//! Signals that ask the program to end: Ctrl-C, and what a service manager or a closing terminal sends.

use anyhow::Context;

/// Calls `handler` on a thread of its own when the program is asked to end: by SIGTERM always, by SIGINT and SIGHUP unless
/// they were ignored when the program started. A shell ignores SIGINT for its background jobs, and `nohup` ignores SIGHUP; whoever does
/// that wants the program to go on.
///
/// To be called once, before the first thing that may take long.
///
/// # Errors
/// If the system does not let the program handle a signal.
#[cfg(unix)]
pub(super) fn on_interrupt(mut handler: impl FnMut() + Send + 'static) -> anyhow::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;

    let ignored = ignored_signals();
    let handled = [SIGTERM, SIGINT, SIGHUP].into_iter().filter(|signal| *signal == SIGTERM || !has(ignored, *signal));
    let mut signals = Signals::new(handled).context("cannot watch for signals such as Ctrl-C")?;
    std::thread::spawn(move || signals.forever().for_each(|_| handler()));
    Ok(())
}

/// The signals that this process ignores, signal `n` in bit `n - 1`. Empty where the system does not say.
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
/// To be called once, before the first thing that may take long.
///
/// # Errors
/// If the system does not let the program handle it.
#[cfg(not(unix))]
pub(super) fn on_interrupt(handler: impl FnMut() + Send + 'static) -> anyhow::Result<()> {
    ctrlc::set_handler(handler).context("cannot watch for Ctrl-C")
}
