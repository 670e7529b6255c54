//! Progress on standard error, and Ctrl-C.

use std::io::{self, IsTerminal};
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use albscope::Progress;
use anyhow::Context;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::INTERRUPTED;

/// How often the bar is drawn.
const TICK: Duration = Duration::from_millis(100);

/// How long a run may take to stop by itself after Ctrl-C: a read from a pipe or a slow disk may hang for ever.
const PATIENCE: Duration = Duration::from_millis(500);

/// A bar at the bottom of the terminal.
///
/// Nothing is shown where standard error is no terminal. The bar is gone, and the terminal clean, when this is dropped or the program is interrupted.
struct Bar(ProgressBar);

impl Bar {
    fn new(is_quiet: bool, template: &str) -> anyhow::Result<Self> {
        let is_shown = !is_quiet && io::stderr().is_terminal();
        let target = if is_shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        bar.set_style(ProgressStyle::with_template(template)?.progress_chars("=> "));
        Ok(Self(bar))
    }

    /// On Ctrl-C asks for an end with `cancel`, and makes an end when that does not help. A program can do this once.
    fn stop_on_interrupt(&self, cancel: impl Fn() + Send + 'static) -> anyhow::Result<()> {
        let bar = self.0.clone();
        let handler = move || {
            cancel();
            thread::sleep(PATIENCE);
            bar.finish_and_clear();
            process::exit(i32::from(INTERRUPTED));
        };
        ctrlc::set_handler(handler).context("cannot watch for Ctrl-C")
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// A [`Progress`] that is shown while it lives.
pub(super) struct Shown {
    progress: Arc<Progress>,
    is_over: Arc<AtomicBool>,
    drawer: Option<JoinHandle<()>>,
}

impl Shown {
    pub(super) fn new(is_quiet: bool) -> anyhow::Result<Self> {
        let progress = Arc::new(Progress::new());
        let is_over = Arc::new(AtomicBool::new(false));
        let bar = Bar::new(is_quiet, "{msg} [{bar:24}] {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left")?;
        let watched = progress.clone();
        bar.stop_on_interrupt(move || watched.cancel())?;
        let (watched, over) = (progress.clone(), is_over.clone());
        let drawer = thread::spawn(move || {
            while !over.load(Ordering::Relaxed) {
                let reading = watched.reading();
                if reading.objects == 0 {
                    bar.0.set_message("listing objects");
                } else {
                    bar.0.set_length(reading.bytes.max(reading.bytes_done));
                    bar.0.set_position(reading.bytes_done);
                    bar.0.set_message(format!("{} of {} objects", reading.objects_done, reading.objects));
                }
                bar.0.tick();
                thread::park_timeout(TICK);
            }
        });
        Ok(Self { progress, is_over, drawer: Some(drawer) })
    }

    pub(super) fn progress(&self) -> &Progress {
        &self.progress
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(drawer) = self.drawer.take() {
            drawer.thread().unpark();
            // A bar that could not be drawn is no reason to lose the report.
            let _ = drawer.join();
        }
    }
}

/// A share of one, shown while it lives, that can be stopped with Ctrl-C.
pub(super) struct Share {
    bar: Bar,
    is_cancelled: Arc<AtomicBool>,
}

/// Steps of the bar of a share.
const STEPS: u64 = 1000;

impl Share {
    pub(super) fn new(is_quiet: bool) -> anyhow::Result<Self> {
        let bar = Bar::new(is_quiet, "{msg} [{bar:24}] {percent} %, {eta} left")?;
        bar.0.set_length(STEPS);
        let is_cancelled = Arc::new(AtomicBool::new(false));
        let cancelled = is_cancelled.clone();
        bar.stop_on_interrupt(move || cancelled.store(true, Ordering::Relaxed))?;
        Ok(Self { bar, is_cancelled })
    }

    /// Shows where things stand. `false` when they are to stop.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of STEPS")]
    pub(super) fn show(&self, done: f64, message: String) -> bool {
        self.bar.0.set_position((done.clamp(0.0, 1.0) * STEPS as f64) as u64);
        self.bar.0.set_message(message);
        !self.is_cancelled.load(Ordering::Relaxed)
    }
}
