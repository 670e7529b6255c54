//! `albscope analyze`

use std::ffi::OsStr;
use std::path::PathBuf;

use albscope::plot::PlotFormat;
use albscope::report::Format;
use albscope::rules::{RULE_KINDS, Rule};
use albscope::source::Selection;
use clap::{ValueEnum, ValueHint};

use super::export::TableFormatArg;
use super::logs::LogArgs;
use super::values::{IdleTimeoutArg, parse_idle_timeout};

/// Read access logs and report what failed, on which targets, how it ended, and the likely cause.
///
/// Objects may be gzip (also of several members) or plain text, detected by content. Objects whose names show that
/// they have no wanted line (other load balancers, other times, other logs) are left out. The report counts everything
/// that was left out or could not be read.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  albscope analyze logs/
  albscope analyze logs/ --since 2026-11-22T07:30Z --until 08:00Z
  albscope analyze logs/ --since 2h --target-group shop-api --format markdown
  albscope analyze s3://my-logs/AWSLogs/ --since 2026-11-20T10:00Z --until 12:00Z --load-balancer shop
  albscope analyze logs/ --html incident.html
  albscope analyze logs/ --plot incident.png
  zcat *.log.gz | albscope analyze -")]
pub(crate) struct AnalyzeArgs {
    #[command(flatten)]
    pub(crate) logs: LogArgs,

    /// Format of the report
    #[arg(long, short, value_enum, default_value_t = FormatArg::Text)]
    pub(crate) format: FormatArg,

    /// Write the report to this file instead of standard output
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) output: Option<PathBuf>,

    /// Also write the report to this file as one HTML page, with interactive pictures; it needs no network
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) html: Option<PathBuf>,

    /// Also draw the report's pictures into this file; its extension is .svg or .png
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, value_parser = parse_plot)]
    pub(crate) plot: Option<PlotFile>,

    /// Also write the report's tables into this folder, for notebooks: targets, findings, status pairs, minutes and
    /// routes
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) tables: Option<PathBuf>,

    /// Format of the tables
    #[arg(long, value_enum, default_value_t = TableFormatArg::Parquet, requires = "tables")]
    pub(crate) tables_format: TableFormatArg,

    /// The load balancer's idle timeout: seconds, a duration such as 2m, or auto to infer it from the log
    #[arg(long, value_name = "DURATION", default_value = "auto", value_parser = parse_idle_timeout)]
    pub(crate) idle_timeout: IdleTimeoutArg,

    // The help lists the kinds of rules, so that a new kind needs no change here.
    #[arg(long, value_name = "RULE", help = rules_help())]
    pub(crate) fail_on: Vec<Rule>,

    // Not a doc comment: the name would need backticks in one, and --help would show them.
    #[arg(long, value_enum, default_value_t = ColorArg::Auto)]
    #[arg(help = "Use colour in text; auto uses it on a terminal, unless NO_COLOR is set")]
    pub(crate) color: ColorArg,

    /// Draw pictures in text with ASCII characters only
    #[arg(long)]
    pub(crate) ascii: bool,
}

impl AnalyzeArgs {
    /// The words of a command that makes the same report and the same files from the same logs, whenever it is run.
    /// Options that change neither are left out, and times are absolute.
    pub(crate) fn command(&self, selection: &Selection) -> Vec<String> {
        let mut words = vec!["albscope".to_owned(), "analyze".to_owned()];
        // A name that looks like an option would be mistaken for one.
        let name = |path: &OsStr| {
            let path = path.to_string_lossy();
            if path != "-" && path.starts_with('-') { format!("./{path}") } else { path.into_owned() }
        };
        words.extend(self.logs.inputs.iter().map(|input| name(input)));
        let LogArgs { load_balancer, target_group, target, .. } = &self.logs;
        let mut add = |option: &str, value: String| words.extend([option.to_owned(), value]);
        for (option, time) in [("--since", selection.since), ("--until", selection.until)] {
            if let Some(time) = time {
                add(option, time.to_string());
            }
        }
        for (option, names) in
            [("--load-balancer", load_balancer), ("--target-group", target_group), ("--target", target)]
        {
            for name in names {
                add(option, name.clone());
            }
        }
        if let IdleTimeoutArg::Given(timeout) = self.idle_timeout {
            add("--idle-timeout", timeout.as_secs_f64().to_string());
        }
        let format = self.format.to_possible_value().filter(|_| !matches!(self.format, FormatArg::Text));
        let tables_format = self.tables_format.to_possible_value();
        let tables_format = tables_format.filter(|_| !matches!(self.tables_format, TableFormatArg::Parquet));
        for (option, choice) in [("--format", format), ("--tables-format", tables_format)] {
            if let Some(choice) = choice {
                add(option, choice.get_name().to_owned());
            }
        }
        let plot = self.plot.as_ref().map(|plot| &plot.path);
        let files = [("--output", self.output.as_ref()), ("--html", self.html.as_ref()), ("--plot", plot)];
        for (option, path) in files.into_iter().chain([("--tables", self.tables.as_ref())]) {
            if let Some(path) = path {
                add(option, name(path.as_os_str()));
            }
        }
        words
    }
}

fn rules_help() -> String {
    let kinds = RULE_KINDS.iter().map(|kind| format!("{}: {}", kind.form, kind.meaning));
    let kinds: Vec<String> = kinds.collect();
    format!("Exit with status 1 if this rule matches the report; may be repeated. Rules: {}", kinds.join("; "))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormatArg {
    /// For a person at a terminal
    Text,
    /// One JSON object, for programs
    Json,
    /// For a chat or a ticket
    Markdown,
}

impl From<FormatArg> for Format {
    fn from(format: FormatArg) -> Self {
        match format {
            FormatArg::Text => Self::Text,
            FormatArg::Json => Self::Json,
            FormatArg::Markdown => Self::Markdown,
        }
    }
}

/// A file to draw into.
#[derive(Clone, Debug)]
pub(crate) struct PlotFile {
    pub(crate) path: PathBuf,
    pub(crate) format: PlotFormat,
}

/// Checks the extension immediately, not after all logs have been read.
fn parse_plot(text: &str) -> Result<PlotFile, String> {
    let path = PathBuf::from(text);
    match PlotFormat::of(&path) {
        Some(format) => Ok(PlotFile { path, format }),
        None => Err("expected a name that ends in .svg or .png".to_owned()),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorArg {
    Auto,
    Always,
    Never,
}

#[cfg(test)]
mod tests {
    use super::super::tests::at;
    use super::super::{Args, Command};
    use clap::Parser;

    #[test]
    fn the_command_of_a_report_says_what_changes_it_and_nothing_else() {
        let now = at("2026-11-22T10:00:00Z");
        for (typed, expected) in [
            ("analyze logs -q --threads 4 -f text --color never --fail-on target-crash --strict --ascii", "logs"),
            (
                "analyze logs -f json -o x --html=-y --plot a/z.svg --tables t --tables-format csv.gz",
                "logs --format json --tables-format csv.gz --output x --html ./-y --plot a/z.svg --tables t",
            ),
            ("analyze a - -- -b", "a - ./-b"),
            (
                "analyze logs --since 2h --until 09:30 --target 10.0.0.1 --target-group api --load-balancer shop --idle-timeout 2m",
                "logs --since 2026-11-22T08:00:00.000000Z --until 2026-11-22T09:30:00.000000Z --load-balancer shop --target-group api --target 10.0.0.1 --idle-timeout 120",
            ),
        ] {
            let args = Args::parse_from(["albscope"].into_iter().chain(typed.split(' ')));
            let Command::Analyze(args) = args.command else { panic!("analyze was typed") };
            let words = args.command(&args.logs.selection(now).expect("a window"));
            assert_eq!(words.join(" "), format!("albscope analyze {expected}"));
        }
    }
}
