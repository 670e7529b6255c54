//! `albscope export`

use std::io::{self, IsTerminal, Write};
use std::path::Path;

use albscope::Timestamp;
use albscope::aggregate::InputAccount;
use albscope::export::{Destination, Export, Exported, Format};
use albscope::report;
use anyhow::Context;

use super::analyze::open_inputs;
use super::args::{ExportArgs, IdleTimeoutArg};
use super::progress::Shown;
use super::{NO_LOG_FOUND, Outcome, complain, plan};

pub(super) fn run(args: &ExportArgs) -> anyhow::Result<Outcome> {
    let now = Timestamp::from_micros(jiff::Timestamp::now().as_microsecond());
    let selection = args.logs.selection(now)?;
    let has_window = selection.since.is_some() || selection.until.is_some();
    let (format, destination) = destination(args)?;
    let is_stream = matches!(destination, Destination::Stream(_));
    let mut export = Export::new()
        .selection(selection.clone())
        .threads(args.logs.threads.map_or(0, usize::from))
        .strict(args.logs.strict)
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
        "causes follow from all requests together, so the input is read twice, and standard input can be read only once: \
         write it to a file first, or leave out cause and confidence"
    );
    let (sources, outcome) = open_inputs(&args.logs)?;
    if args.logs.dry_run {
        return plan::run(&args.logs, &sources, &selection, report::Format::Text, outcome);
    }
    let exported = {
        let shown = Shown::new(args.logs.quiet)?;
        let unpublished = export.write(&sources, destination, format, shown.progress())?;
        if is_piped {
            shown.settle()?;
        }
        unpublished.publish()?
    };
    if !is_stream {
        tell(&exported, &args.output).context("cannot write to standard output")?;
    }
    // A store is not asked for the days outside a window.
    let may_be_empty = has_window && args.logs.has_s3();
    Ok(complain_of(&exported.input, may_be_empty, outcome))
}

/// Where to write, and how.
fn destination(args: &ExportArgs) -> anyhow::Result<(Format, Destination)> {
    let path = &args.output;
    let name = path.to_string_lossy();
    let is_folder = !args.partition_by.is_empty() || name.ends_with(std::path::is_separator);
    let given = args.format.map(Format::from);
    if name == "-" {
        anyhow::ensure!(!is_folder, "partitions are folders, and standard output is none: name a folder by --output");
        let format =
            given.context("standard output has no name that tells a format: say --format parquet, csv or csv.gz")?;
        anyhow::ensure!(
            format == Format::Csv || !io::stdout().is_terminal(),
            "this format is nothing for a terminal: name a file by --output, or pipe it on"
        );
        return Ok((format, Destination::Stream(Box::new(io::stdout()))));
    }
    if is_folder {
        anyhow::ensure!(!path.is_file(), "{name} is a file, and partitions are folders: name a folder by --output");
        return Ok((given.unwrap_or(Format::Parquet), Destination::Folder(path.clone())));
    }
    anyhow::ensure!(
        !path.is_dir(),
        "{name} is a folder: name a file in it, say --partition-by, or end it with a slash to have files put into it"
    );
    let format = given.or_else(|| Format::of_name(&name)).with_context(|| {
        format!("{name} does not tell a format: end it with .parquet, .csv or .csv.gz, or say --format")
    })?;
    Ok((format, Destination::File(path.clone())))
}

/// Says what was done, on standard output.
fn tell(exported: &Exported, path: &Path) -> io::Result<()> {
    let Exported { input, rows, written } = exported;
    let mut out = io::stdout().lock();
    let files = if written.files == 1 { "1 file".to_owned() } else { format!("{} files", written.files) };
    let bytes = indicatif::DecimalBytes(written.bytes);
    let path = report::plain::harmless(&path.to_string_lossy()).into_owned();
    writeln!(out, "{} rows in {files} ({bytes}): {path}", rows.written)?;
    let left_out = [
        (input.records_skipped.values().sum(), "are not selected"),
        (rows.not_failed, "did not fail"),
        (rows.not_sampled, "are not in the sample"),
        (rows.not_matched, "do not match --where"),
    ];
    for (records, why) in left_out.into_iter().filter(|(records, _)| *records > 0) {
        writeln!(out, "{records} records left out that {why}")?;
    }
    Ok(())
}

/// Says what could not be read, and what that makes of the outcome. `may_be_empty` says that it is no trouble to find no object.
fn complain_of(input: &InputAccount, may_be_empty: bool, outcome: Outcome) -> Outcome {
    let mut outcome = outcome;
    for (problem, count) in &input.problems {
        let place = match count.samples.first() {
            None => String::new(),
            Some(sample) => {
                let reason = sample.reason.as_ref().map_or(String::new(), |reason| format!(": {reason}"));
                match sample.at.line {
                    0 => format!("; first {}{reason}", sample.at.object),
                    _ => format!("; first {}{reason}", sample.at),
                }
            }
        };
        complain(&format!("{} × {}{place}", count.count, problem.title()));
    }
    if input.objects_failed > 0 {
        outcome = Outcome::Trouble;
    }
    let is_nothing_found = input.objects == 0
        && input.folders_skipped.is_empty()
        && input.objects_skipped.keys().all(|reason| reason.id() == "not-a-log");
    if is_nothing_found && !may_be_empty && outcome == Outcome::Done {
        complain(NO_LOG_FOUND);
        outcome = Outcome::Trouble;
    }
    if input.lines > 0 && input.records == 0 {
        complain("none of the lines could be read as a record of an access log");
        outcome = Outcome::Trouble;
    }
    outcome
}
