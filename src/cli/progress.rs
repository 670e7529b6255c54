//! Progress on standard error, and Ctrl-C.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use albscope::durable_file::discard_unfinished;
use albscope::pipeline::ProgressReading;
use albscope::{ErrorKind, Progress};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};

use super::exit;
use super::interrupt::on_interrupt;

/// How often the bar is drawn.
const TICK: Duration = Duration::from_millis(100);

/// How long a run may take to stop by itself after Ctrl-C: a read from a pipe or a slow disk may hang for ever.
const PATIENCE: Duration = Duration::from_millis(500);

/// How long a signal may take from its delivery to the thread that handles it.
const SIGNAL_DELAY: Duration = Duration::from_millis(30);

/// Runs shorter than this show nothing: a bar that only flashes is noise, and a pager on the same terminal needs time
/// to open its page.
const DELAY: Duration = Duration::from_millis(300);

/// The terminal's echo of Ctrl-C (`^C`) takes two columns. A line that leaves them free can be cleared; behind a
/// full one the echo begins the next line, and the bar would stay.
const ROOM_FOR_ECHO: u16 = 3;

/// Standard error, drawn upon except for the last few columns.
#[derive(Debug)]
struct Terminal;

impl TermLike for Terminal {
    fn width(&self) -> u16 {
        terminal_size::terminal_size_of(io::stderr()).map_or(80, |(width, _)| width.0).saturating_sub(ROOM_FOR_ECHO)
    }

    fn height(&self) -> u16 {
        terminal_size::terminal_size_of(io::stderr()).map_or(24, |(_, height)| height.0)
    }

    fn move_cursor_up(&self, lines: usize) -> io::Result<()> {
        move_cursor(lines, 'A')
    }

    fn move_cursor_down(&self, lines: usize) -> io::Result<()> {
        move_cursor(lines, 'B')
    }

    fn move_cursor_right(&self, columns: usize) -> io::Result<()> {
        move_cursor(columns, 'C')
    }

    fn move_cursor_left(&self, columns: usize) -> io::Result<()> {
        move_cursor(columns, 'D')
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        writeln!(io::stderr(), "{text}")
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        write!(io::stderr(), "{text}")
    }

    fn clear_line(&self) -> io::Result<()> {
        write!(io::stderr(), "\r\x1b[2K")
    }

    fn flush(&self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// A count of 0 would move by one.
fn move_cursor(count: usize, direction: char) -> io::Result<()> {
    if count > 0 { write!(io::stderr(), "\x1b[{count}{direction}") } else { Ok(()) }
}

fn style(template: &str) -> anyhow::Result<ProgressStyle> {
    Ok(ProgressStyle::with_template(template)?.progress_chars("=> "))
}

/// The bar takes the room that is left, so that the line fits.
const KNOWN: &str = "{msg} [{wide_bar}] {decimal_bytes} of {decimal_total_bytes}, {decimal_bytes_per_sec}, {eta} left";

/// What a pipe will bring is not known.
const UNKNOWN: &str = "{msg}: {decimal_bytes}, {decimal_bytes_per_sec}";

/// A bar at the bottom of the terminal.
///
/// It is hidden unless standard error is a terminal. Dropping it, or an interrupted program, leaves a clean terminal.
struct Bar(ProgressBar);

impl Bar {
    fn new(is_quiet: bool, template: &str) -> anyhow::Result<Self> {
        let is_shown = !is_quiet && io::stderr().is_terminal();
        let target =
            if is_shown { ProgressDrawTarget::term_like(Box::new(Terminal)) } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        bar.set_style(style(template)?);
        Ok(Self(bar))
    }

    fn show(&self, reading: ProgressReading, known: &ProgressStyle, unknown: &ProgressStyle) {
        let ProgressReading { listed, objects, bytes, objects_done, bytes_done } = reading;
        self.0.set_position(bytes_done);
        match (objects, bytes) {
            (0, _) => self.0.set_message(format!("listing objects: {listed} seen")),
            (_, 0) => {
                self.0.set_style(unknown.clone());
                self.0.set_message(if bytes_done == 0 { "waiting for input" } else { "reading" });
            }
            _ => {
                self.0.set_style(known.clone());
                self.0.set_length(bytes.max(bytes_done));
                self.0.set_message(format!("{objects_done} of {objects} objects"));
            }
        }
        self.0.tick();
    }

    /// On Ctrl-C asks the run to end with `cancel`, and ends the program if that does not help. Call it only once.
    fn stop_on_interrupt(&self, cancel: impl Fn() + Send + 'static) -> anyhow::Result<()> {
        let bar = self.0.clone();
        let handler = move || {
            cancel();
            thread::sleep(PATIENCE);
            bar.finish_and_clear();
            // The run may hang in a read, and does not come to do it.
            discard_unfinished();
            exit::interrupted();
        };
        on_interrupt(handler)
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// The [`Progress`] of a run. It is shown from [`Self::show`] until this is dropped. Ctrl-C cancels it at any time.
pub(super) struct Shown {
    progress: Arc<Progress>,
    bar: Bar,
    is_over: Arc<AtomicBool>,
    drawer: Option<JoinHandle<()>>,
}

impl Shown {
    /// Watches for Ctrl-C from now on. Make it before the inputs are opened: an S3 bucket may take long to answer.
    pub(super) fn new(is_quiet: bool) -> anyhow::Result<Self> {
        let progress = Arc::new(Progress::new());
        let bar = Bar::new(is_quiet, "{msg}")?;
        let watched = progress.clone();
        bar.stop_on_interrupt(move || watched.cancel())?;
        Ok(Self { progress, bar, is_over: Arc::default(), drawer: None })
    }

    /// Shows the progress from now on. Print nothing else to standard error until it is dropped.
    pub(super) fn show(&mut self) -> anyhow::Result<()> {
        let (known, unknown) = (style(KNOWN)?, style(UNKNOWN)?);
        let (bar, watched, over) = (Bar(self.bar.0.clone()), self.progress.clone(), self.is_over.clone());
        self.drawer = Some(thread::spawn(move || {
            let started = Instant::now();
            while !over.load(Ordering::Relaxed) {
                if started.elapsed() >= DELAY {
                    bar.show(watched.reading(), &known, &unknown);
                }
                thread::park_timeout(TICK);
            }
        }));
        Ok(())
    }

    pub(super) fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Makes sure that the end of a pipe was the end of its data: Ctrl-C ends the program at its other end too, and
    /// that may be seen before the signal, which takes its way through a thread of its own.
    pub(super) fn settle(&self) -> albscope::Result<()> {
        thread::sleep(SIGNAL_DELAY);
        if self.progress.is_cancelled() { Err(ErrorKind::Cancelled.into()) } else { Ok(()) }
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
        let bar = Bar::new(is_quiet, "{msg} [{wide_bar}] {percent} %, {eta} left")?;
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
