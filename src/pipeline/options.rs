//! What a run is asked for, and what it does with a problem.

use std::io;

use crate::aggregate::InputAccount;
use crate::error::{Error, ErrorKind, Problem, Result};
use crate::location::Location;
use crate::source::Selection;

/// A run over log objects, to be configured and started.
///
/// ```
/// use albscope::{ReadOptions, Progress, source};
///
/// # fn main() -> albscope::Result<()> {
/// let inputs = [source::from_input("sample-logs".as_ref())?];
/// let summary = ReadOptions::new().threads(2).run(&inputs, &Progress::new())?;
/// println!("{} requests, {} failed", summary.requests(), summary.outcomes().failures());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct ReadOptions {
    pub(super) selection: Selection,
    threads: usize,
    pub(super) is_strict: bool,
}

impl ReadOptions {
    /// Everything is selected, there is one thread for each core, and problems are counted rather than fatal.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Which lines count.
    #[must_use]
    pub fn selection(mut self, selection: Selection) -> Self {
        self.selection = selection;
        self
    }

    /// How many threads read; 0 for one per core.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    /// Whether the first problem of the input ends the run.
    #[must_use]
    pub fn strict(mut self, is_strict: bool) -> Self {
        self.is_strict = is_strict;
        self
    }

    /// How many threads read. More than `most` are of no use.
    pub(crate) fn thread_count(&self, most: usize) -> usize {
        let wanted = if self.threads > 0 {
            self.threads
        } else {
            std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get)
        };
        wanted.clamp(1, most.max(1))
    }

    pub(super) fn note(
        &self,
        input: &mut InputAccount,
        problem: Problem,
        at: Location,
        reason: Option<io::Error>,
    ) -> Result<()> {
        if self.is_strict {
            return Err(Error::input(problem, at, reason));
        }
        input.note(problem, at, reason.map(|reason| reason.to_string()));
        Ok(())
    }

    pub(super) fn note_unread(&self, input: &mut InputAccount, error: Error) -> Result<()> {
        if self.is_strict {
            return Err(error);
        }
        let (object, reason) = match error.kind() {
            ErrorKind::Source { object, source } | ErrorKind::Read { object, source } => {
                (&**object, source.to_string())
            }
            _ => return Err(error),
        };
        input.objects_failed += 1;
        input.note(Problem::Unreadable, Location { object: object.into(), line: 0, byte: 0 }, Some(reason));
        Ok(())
    }
}
