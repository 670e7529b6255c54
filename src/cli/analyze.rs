//! `albscope analyze`

use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

use albscope::durable_file;
use albscope::report::{Format, Report, Style};
use albscope::rules::Rule;
use albscope::{Timestamp, diagnose};
use anyhow::Context;

use super::args::{AnalyzeArgs, ColorArg, IdleTimeoutArg};
use super::exit::{Exit, is_broken_pipe};
use super::inputs::{OpenedInputs, ensure_is_no_input, may_be_empty};
use super::plan;
use super::progress::Shown;
use super::terminal::{WIDTH_ELSEWHERE, complain, counted, output_width};
use super::threads::use_threads;

pub(super) fn run(args: &AnalyzeArgs) -> anyhow::Result<Exit> {
    check_output_files(args)?;
    use_threads(args.run.threads);
    let now = Timestamp::from_micros(jiff::Timestamp::now().as_microsecond());
    let selection = args.logs.selection(now)?;
    let mut shown = Shown::new(args.run.quiet)?;
    let inputs = OpenedInputs::open(&args.logs, &args.run)?;
    for (option, path) in args.report_files() {
        ensure_is_no_input(option, path, &args.logs.inputs)?;
    }
    if args.logs.dry_run {
        return plan::run(shown, &inputs, &selection, args.format.into());
    }
    let options = args.logs.read_options(selection.clone(), &args.run);
    let summary = {
        shown.show()?;
        let summary = options.run(&inputs.sources, shown.progress())?;
        if args.logs.inputs.iter().any(|input| input == "-") {
            shown.settle()?;
        }
        drop(shown);
        summary
    };
    let idle_timeout = match args.idle_timeout {
        IdleTimeoutArg::Auto => None,
        IdleTimeoutArg::Given(duration) => Some(duration),
    };
    let context = diagnose::Context::default().with_idle_timeout(idle_timeout);
    let report = Report::new(&summary, &diagnose::diagnose(&summary, &context), &selection);
    let report = report.made_by(args.command(&selection).iter().map(String::as_str));
    // Written first, so that the findings are not lost if another file cannot be written.
    match write_report(&report, args) {
        // Whoever closed the pipe has read enough. The files are still wanted.
        Err(error) if is_broken_pipe(&error) => {}
        written => written?,
    }
    if let Some(path) = &args.html {
        write_file(path, |out| report.render(Format::Html, style_elsewhere(args), out))?;
    }
    #[cfg(feature = "pictures")]
    if let Some(plot) = &args.plot.file {
        write_file(&plot.path, |out| albscope::plot::render(&report, plot.format, out))?;
    }
    #[cfg(feature = "export")]
    if let Some(folder) = &args.tables.folder {
        albscope::export::tables::write_tables(&summary, &report, folder, args.tables.format.into())?;
    }
    // Inputs that could not be opened were reported when they were opened.
    if report.input.objects_failed > inputs.missing {
        complain(&format!(
            "{} could not be read to the end; the report says which, and covers the rest",
            counted(report.input.objects_failed, "object")
        ));
    }
    let exit = inputs.exit_after(&summary.input, may_be_empty(&args.logs, &selection), "; the report says why");
    let exit = exit.max(test_rules(&args.fail_on, &report));
    // The program ends, and the system frees all its memory together. Dropping the summary would free it piece by
    // piece, a piece for each target and minute.
    std::mem::forget(summary);
    Ok(exit)
}

/// Tests the rules of `--fail-on`, and says on standard error what they matched.
fn test_rules(rules: &[Rule], report: &Report) -> Exit {
    let mut exit = Exit::Done;
    for matched in rules.iter().flat_map(|rule| rule.matches(report)) {
        complain(&format!("--fail-on: {matched}"));
        exit = Exit::RuleMatched;
    }
    exit
}

/// Checks that no two output files are the same and that their folders exist, before hours of logs are read for them.
fn check_output_files(args: &AnalyzeArgs) -> anyhow::Result<()> {
    let files = args.report_files();
    for (index, (flag, path)) in files.iter().enumerate() {
        if let Some((other, _)) = files[..index].iter().find(|(_, other)| place_of(other) == place_of(path)) {
            anyhow::bail!("{flag} and {other} name the same file");
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
            anyhow::bail!("cannot write {}: there is no folder {}", path.display(), folder.display());
        }
    }
    Ok(())
}

/// A path that is the same however a file, or one that is yet to be written, is named.
fn place_of(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let new_file = || Some(folder.canonicalize().ok()?.join(path.file_name()?));
    path.canonicalize().ok().or_else(new_file).unwrap_or_else(|| path.to_path_buf())
}

/// The style of a report that is written to a file.
fn style_elsewhere(args: &AnalyzeArgs) -> Style {
    Style { width: WIDTH_ELSEWHERE, is_coloured: args.color == ColorArg::Always, is_ascii: args.ascii }
}

fn write_report(report: &Report, args: &AnalyzeArgs) -> anyhow::Result<()> {
    let format = Format::from(args.format);
    if let Some(path) = &args.output {
        return write_file(path, |out| report.render(format, style_elsewhere(args), out));
    }
    let stdout = io::stdout();
    let is_terminal = stdout.is_terminal();
    let style = Style {
        width: output_width(),
        is_coloured: match args.color {
            ColorArg::Always => true,
            ColorArg::Never => false,
            ColorArg::Auto => is_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
        },
        is_ascii: args.ascii,
    };
    let mut out = BufWriter::new(stdout.lock());
    report.render(format, style, &mut out).and_then(|()| out.flush()).context("cannot write the report")
}

/// Writes a whole file, or to a pipe or device of that name.
fn write_file(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> anyhow::Result<()> {
    durable_file::write(path, write).with_context(|| format!("cannot write {}", path.display()))
}
