//! `albscope export`

use std::ffi::OsStr;
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::Path;

use albscope::aggregate::InputAccount;
use albscope::export::{Destination, Export, Exported, TableFormat};
use albscope::report;
use albscope::{Problem, Timestamp};
use anyhow::Context;

use super::args::{ExportArgs, IdleTimeoutArg};
use super::exit::Exit;
use super::inputs::{OpenedInputs, ensure_is_no_input, is_nothing_found, may_be_empty};
use super::plan;
use super::progress::Shown;
use super::terminal::{complain, counted};
use super::threads::use_threads;

pub(super) fn run(args: &ExportArgs) -> anyhow::Result<Exit> {
    use_threads(args.run.threads);
    let now = Timestamp::from_micros(jiff::Timestamp::now().as_microsecond());
    let selection = args.logs.selection(now)?;
    let (format, destination) = destination(args)?;
    let is_stream = matches!(destination, Destination::Stream(_));
    let mut export = Export::new()
        .read_options(args.logs.read_options(selection.clone(), &args.run))
        .failures_only(args.failures_only)
        .partition_by(&args.partition_by)
        .guard_formulas(!args.allow_formulas)
        .idle_timeout(match args.idle_timeout {
            IdleTimeoutArg::Auto => None,
            IdleTimeoutArg::Given(duration) => Some(duration),
        });
    if let Some(columns) = &args.columns {
        export = export.columns(columns.0.clone());
    }
    if let Some(filter) = &args.filter {
        export = export.filter(filter.clone());
    }
    if let Some(sample) = args.sample {
        export = export.sample(sample);
    }
    let is_piped = args.logs.inputs.iter().any(|input| input == "-");
    anyhow::ensure!(
        !(is_piped && export.needs_analysis()),
        "the columns cause and confidence need the input to be read twice, and standard input can be read only once: \
         write it to a file first, or leave these columns out"
    );
    if matches!(destination, Destination::Folder(_)) {
        for input in &args.logs.inputs {
            ensure_has_name(input)?;
        }
    }
    let mut shown = Shown::new(args.run.quiet)?;
    let inputs = OpenedInputs::open(&args.logs, &args.run)?;
    if let Destination::File(path) = &destination {
        ensure_is_no_input("--output", path, &args.logs.inputs)?;
    }
    if args.logs.dry_run {
        return plan::run(shown, &inputs, &selection, report::Format::Text);
    }
    let may_be_empty = may_be_empty(&args.logs, &selection);
    let published = {
        shown.show()?;
        let unpublished = export.write(&inputs.sources, destination, format, shown.progress())?;
        if is_piped {
            shown.settle()?;
        }
        let is_empty = is_nothing_found(unpublished.input()) && !may_be_empty;
        drop(shown);
        // What was written to a stream cannot be taken back.
        if is_stream || unpublished.is_worth_publishing() && !is_empty {
            Ok(unpublished.publish()?)
        } else {
            Err(unpublished.input().clone())
        }
    };
    let exported = match published {
        Ok(exported) => exported,
        Err(input) => {
            complain_of(&input, &inputs);
            inputs.exit_after(&input, may_be_empty, "");
            complain(&format!("no record was read, so nothing was written: {} is unchanged", args.output.display()));
            return Ok(Exit::Incomplete);
        }
    };
    if !is_stream {
        tell(&exported, &args.output).context("cannot write to standard output")?;
    }
    complain_of(&exported.input, &inputs);
    Ok(inputs.exit_after(&exported.input, may_be_empty, ""))
}

/// Where to write, and how.
fn destination(args: &ExportArgs) -> anyhow::Result<(TableFormat, Destination)> {
    let path = &args.output;
    let name = path.to_string_lossy();
    let is_folder = !args.partition_by.is_empty() || name.ends_with(std::path::is_separator);
    let given = args.format.map(TableFormat::from);
    if name == "-" {
        anyhow::ensure!(
            !is_folder,
            "partitions need a folder, and standard output is not one: give a folder with --output"
        );
        let format = given
            .context("standard output has no extension that sets the format: use --format parquet, csv or csv.gz")?;
        anyhow::ensure!(
            format == TableFormat::Csv || !io::stdout().is_terminal(),
            "this format is binary and not for a terminal: give a file with --output, or pipe the output to a program"
        );
        return Ok((format, Destination::Stream(Box::new(io::stdout()))));
    }
    if is_folder {
        anyhow::ensure!(!path.is_file(), "{name} is a file, and partitions need a folder: give a folder with --output");
        return Ok((given.unwrap_or(TableFormat::Parquet), Destination::Folder(path.clone())));
    }
    anyhow::ensure!(
        !path.is_dir(),
        "{name} is a folder: give a file in it, use --partition-by, or end the name with a slash to write files into it"
    );
    let format = given.or_else(|| TableFormat::of_name(&name)).with_context(|| {
        format!("{name} has no extension that sets the format: end it with .parquet, .csv or .csv.gz, or use --format")
    })?;
    Ok((format, Destination::File(path.clone())))
}

/// Refuses to export piped input into a folder. Files there are identified by the objects that their rows are from.
/// Piped input has no name to identify it, so each run would mistake the rows of the previous one for its own.
fn ensure_has_name(input: &OsStr) -> anyhow::Result<()> {
    let is_pipe = || fs::metadata(input).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir());
    anyhow::ensure!(
        input != "-" && !is_pipe(),
        "{} cannot be exported into a folder: a later run finds the rows to replace by the name of the object that \
         they are from, and piped input has no name. Give a file with --output, such as requests.parquet, or write \
         the logs to files first",
        if input == "-" { "standard input".into() } else { input.to_string_lossy() }
    );
    Ok(())
}

/// Prints on standard output what was done.
fn tell(exported: &Exported, path: &Path) -> io::Result<()> {
    let Exported { input, rows, written } = exported;
    let mut out = io::stdout().lock();
    let files = counted(written.files, "file");
    let bytes = indicatif::DecimalBytes(written.bytes);
    let path = report::plain::sanitize_terminal(&path.to_string_lossy()).into_owned();
    write!(out, "{} rows in {files} ({bytes}): {path}", rows.written)?;
    match written.replaced {
        0 => {}
        1 => write!(out, "; 1 file of an earlier run is replaced")?,
        replaced => write!(out, "; {replaced} files of earlier runs are replaced")?,
    }
    if input.objects_failed > 0 {
        let failed = counted(input.objects_failed, "object");
        write!(out, "; incomplete, because {failed} could not be read to the end")?;
    }
    writeln!(out)?;
    let left_out = [
        (input.records_skipped.values().sum(), "are not selected"),
        (rows.not_failed, "did not fail"),
        (rows.not_sampled, "are not in the sample"),
        (rows.not_matched, "do not match --where"),
    ];
    for (records, why) in left_out.into_iter().filter(|(records, _)| *records > 0) {
        writeln!(out, "{records} records left out because they {why}")?;
    }
    Ok(())
}

/// Says on standard error what could not be read.
fn complain_of(input: &InputAccount, inputs: &OpenedInputs) {
    // Inputs that could not be opened were reported when they were opened.
    let is_said = |problem, count| problem == Problem::Unreadable && count == inputs.missing;
    for (problem, count) in input.problems.iter().filter(|(problem, count)| !is_said(**problem, count.count)) {
        let location = match count.samples.first() {
            None => String::new(),
            Some(sample) => {
                let reason = sample.reason.as_ref().map_or(String::new(), |reason| format!(": {reason}"));
                match sample.at.line {
                    0 => format!("; first {}{reason}", sample.at.object),
                    _ => format!("; first {}{reason}", sample.at),
                }
            }
        };
        complain(&format!("{} × {}{location}", count.count, problem.title()));
    }
}
