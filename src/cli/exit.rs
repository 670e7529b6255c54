//! The exit status. Only this decides it, from how a command turned out.

use std::io;
use std::process::ExitCode;

use albscope::ErrorKind;

use super::terminal::complain;

/// How a command that ran to its end turned out, the least severe first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Exit {
    /// Everything was done.
    Done,
    /// Something could not be read; the rest was reported.
    Incomplete,
    /// A rule of `--fail-on` matched. This takes precedence over what could not be read.
    RuleMatched,
}

impl Exit {
    /// [`Self::Incomplete`] if `is_incomplete`, or else [`Self::Done`].
    pub(super) fn incomplete_if(is_incomplete: bool) -> Self {
        if is_incomplete { Self::Incomplete } else { Self::Done }
    }

    fn status(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::RuleMatched => 1,
            Self::Incomplete => ERROR,
        }
    }
}

/// The exit status of an error. `clap` gives the same one to arguments that it does not accept.
const ERROR: u8 = 2;

/// The exit status that shells give to a program stopped by Ctrl-C.
const INTERRUPTED: u8 = 130;

/// The message after Ctrl-C. It must fit a report, which is written at the end or not at all, and simulated logs,
/// which stay as far as they are written.
const INTERRUPTED_MESSAGE: &str = "interrupted before the end";

/// The exit status of a command. If it failed, says why on standard error.
pub(super) fn code(result: anyhow::Result<Exit>) -> ExitCode {
    ExitCode::from(match result {
        Ok(exit) => exit.status(),
        // Whoever closed the pipe has read enough.
        Err(error) if is_broken_pipe(&error) => Exit::Done.status(),
        Err(error) if is_kind(&error, |kind| matches!(kind, ErrorKind::Cancelled)) => {
            complain(INTERRUPTED_MESSAGE);
            INTERRUPTED
        }
        Err(error) => {
            let is_strict = is_kind(&error, |kind| matches!(kind, ErrorKind::Input { .. }));
            let stopped = if is_strict { "stopped at the first problem, as --strict asks: " } else { "" };
            complain(&format!("{stopped}{error:#}"));
            ERROR
        }
    })
}

/// Ends the program as after Ctrl-C, while a thread that cannot be stopped still runs.
pub(super) fn interrupted() -> ! {
    complain(INTERRUPTED_MESSAGE);
    std::process::exit(i32::from(INTERRUPTED));
}

pub(super) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}

fn is_kind(error: &anyhow::Error, is: impl Fn(&ErrorKind) -> bool) -> bool {
    error.downcast_ref::<albscope::Error>().is_some_and(|error| is(error.kind()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_that_matched_outranks_what_could_not_be_read() {
        assert_eq!(Exit::Done.max(Exit::Incomplete), Exit::Incomplete);
        assert_eq!(Exit::RuleMatched.max(Exit::Incomplete), Exit::RuleMatched);
        assert_eq!([Exit::Done, Exit::RuleMatched, Exit::Incomplete].map(Exit::status), [0, 1, 2]);
    }

    #[test]
    fn every_error_has_its_status() {
        let broken = io::Error::from(io::ErrorKind::BrokenPipe);
        for (error, expected) in [
            (anyhow::Error::from(broken).context("cannot write the report"), 0),
            (albscope::Error::from(ErrorKind::Cancelled).into(), 130),
            (anyhow::anyhow!("there is no such file"), 2),
        ] {
            let name = format!("{error:#}");
            assert_eq!(format!("{:?}", code(Err(error))), format!("{:?}", ExitCode::from(expected)), "{name}");
        }
    }
}
