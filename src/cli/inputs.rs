//! The inputs of a command that reads logs: opening them, whether all of it could be read, and that no output replaces
//! them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use albscope::aggregate::InputAccount;
use albscope::durable_file;
use albscope::source::{CancelToken, Disk, Inputs, NotOpened, Selection, Skip, Source};

use super::args::{LogArgs, RunArgs};
use super::exit::Exit;
use super::terminal::complain;

/// The message if no input has an object that may hold a log.
const NO_LOG_FOUND: &str = "no log object found; in a folder, only names that contain .log or end in .gz or .txt \
                            are read. A file that is itself the input is read whatever its name";

/// Inputs, and how many of them could not be opened.
pub(super) struct OpenedInputs {
    pub(super) sources: Vec<Box<dyn Source>>,
    pub(super) missing: u64,
}

impl OpenedInputs {
    /// Opens the inputs. Those that cannot be opened are reported, now and in the report. The run continues without
    /// them, unless it is strict or none is left.
    pub(super) fn open(args: &LogArgs, run: &RunArgs) -> anyhow::Result<Self> {
        let mut sources: Vec<Box<dyn Source>> = Vec::new();
        let mut missing = 0;
        let mut opener = Inputs::new(run.s3_options());
        for input in &args.inputs {
            match opener.open(input) {
                Ok(source) => sources.push(source),
                Err(error) if args.strict || args.inputs.len() == 1 => return Err(error.into()),
                Err(error) => {
                    sources.push(Box::new(NotOpened::new(input, &error)));
                    complain(&format!("{:#}", anyhow::Error::from(error)));
                    missing += 1;
                }
            }
        }
        anyhow::ensure!(missing < sources.len(), "none of the inputs could be opened");
        Ok(Self { sources, missing: missing as u64 })
    }

    /// The exit if nothing else goes wrong.
    pub(super) fn exit(&self) -> Exit {
        Exit::incomplete_if(self.missing > 0)
    }

    /// The exit after everything was read. Says on standard error if there was no log, or no line of one was a record;
    /// `hint` is appended to that. What else could not be read is for the caller to report.
    pub(super) fn exit_after(&self, input: &InputAccount, may_be_empty: bool, hint: &str) -> Exit {
        let mut exit = self.exit().max(Exit::incomplete_if(input.objects_failed > 0));
        if is_nothing_found(input) && !may_be_empty && exit == Exit::Done {
            complain(NO_LOG_FOUND);
            exit = Exit::Incomplete;
        }
        if input.lines > 0 && input.records == 0 {
            complain(&format!("none of the lines could be read as a record of an access log{hint}"));
            exit = Exit::Incomplete;
        }
        exit
    }
}

/// Whether it is in order that no object is found: with a window, S3 lists only the days in it.
pub(super) fn may_be_empty(args: &LogArgs, selection: &Selection) -> bool {
    args.has_s3() && (selection.since.is_some() || selection.until.is_some())
}

/// Whether no input has an object that may be a log.
pub(super) fn is_nothing_found(input: &InputAccount) -> bool {
    input.objects == 0
        && input.folders_skipped.is_empty()
        && input.objects_skipped.keys().all(|reason| *reason == Skip::NotALog)
}

/// Refuses to replace a log by what is written to `path`, which `option` gives. `path` may be in a folder that is read,
/// as long as it is not one of the logs there.
pub(super) fn ensure_is_no_input(option: &str, path: &Path, inputs: &[OsString]) -> anyhow::Result<()> {
    let own = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let temporary = durable_file::temporary_path(&own);
    // The file has its final name only when it is complete.
    let written: Vec<PathBuf> = [own, temporary]
        .into_iter()
        .filter(|path| path.is_file())
        .filter_map(|path| path.canonicalize().ok())
        .collect();
    if written.is_empty() {
        return Ok(());
    }
    // Logs that this run does not select must not be replaced either.
    let selection = Selection::default();
    let is_on_disk = |input: &&OsString| *input != "-" && !input.as_encoded_bytes().starts_with(b"s3://");
    for disk in inputs.iter().filter(is_on_disk).filter_map(|input| Disk::new(input).ok()) {
        for object in disk.list(&selection, &CancelToken::default()).objects {
            let name: &Path = (*object.name).as_ref();
            anyhow::ensure!(
                !name.canonicalize().is_ok_and(|name| written.contains(&name)),
                "{} is read as a log and would be lost when {} is written: give another file with {option}",
                object.name,
                path.display()
            );
        }
    }
    Ok(())
}
