//! `albscope analyze`

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use albscope::report::Format;
use albscope::rules::{RULE_KINDS, Rule};
use albscope::source::Selection;
use clap::{ValueEnum, ValueHint};

use super::headings;
use super::logs::LogArgs;
#[cfg(feature = "pictures")]
use super::plot::PlotArgs;
use super::run::RunArgs;
#[cfg(feature = "export")]
use super::tables::TablesArgs;
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

    /// The load balancer's idle timeout: seconds, a duration such as 2m, or auto to infer it from the log
    #[arg(help_heading = headings::DIAGNOSIS, long, value_name = "DURATION", default_value = "auto", value_parser = parse_idle_timeout)]
    pub(crate) idle_timeout: IdleTimeoutArg,

    // The help lists the kinds of rules, so that a new kind needs no change here.
    #[arg(help_heading = headings::DIAGNOSIS, long, value_name = "RULE", help = rules_help())]
    pub(crate) fail_on: Vec<Rule>,

    /// Format of the report
    #[arg(help_heading = headings::OUTPUT, long, short, value_enum, default_value_t = FormatArg::Text)]
    pub(crate) format: FormatArg,

    /// Write the report to this file instead of standard output
    #[arg(help_heading = headings::OUTPUT, long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) output: Option<PathBuf>,

    /// Also write the report to this file as one HTML page, with interactive pictures; it needs no network
    #[arg(help_heading = headings::OUTPUT, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) html: Option<PathBuf>,

    #[cfg(feature = "pictures")]
    #[command(flatten)]
    pub(crate) plot: PlotArgs,

    #[cfg(feature = "export")]
    #[command(flatten)]
    pub(crate) tables: TablesArgs,

    // Not a doc comment: the name would need backticks in one, and --help would show them.
    #[arg(help_heading = headings::OUTPUT, long, value_enum, default_value_t = ColorArg::Auto)]
    #[arg(help = "Use colour in text; auto uses it on a terminal, unless NO_COLOR is set")]
    pub(crate) color: ColorArg,

    /// Draw pictures in text with ASCII characters only
    #[arg(help_heading = headings::OUTPUT, long)]
    pub(crate) ascii: bool,

    #[command(flatten)]
    pub(crate) run: RunArgs,
}

impl AnalyzeArgs {
    /// The files that the report is written to, each with its option.
    pub(crate) fn report_files(&self) -> Vec<(&'static str, &Path)> {
        let files = [
            ("--output", self.output.as_deref()),
            ("--html", self.html.as_deref()),
            #[cfg(feature = "pictures")]
            ("--plot", self.plot.file.as_ref().map(|plot| plot.path.as_path())),
        ];
        files.into_iter().filter_map(|(option, path)| Some((option, path?))).collect()
    }

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
        if let Some(format) = format {
            add("--format", format.get_name().to_owned());
        }
        #[cfg(feature = "export")]
        if let Some(format) = self.tables.format_unless_default() {
            add("--tables-format", format);
        }
        for (option, path) in self.report_files() {
            add(option, name(path.as_os_str()));
        }
        #[cfg(feature = "export")]
        if let Some(folder) = &self.tables.folder {
            add("--tables", name(folder.as_os_str()));
        }
        words
    }
}

fn rules_help() -> String {
    let kinds = RULE_KINDS.iter().map(|kind| format!("{}, which matches if {}", kind.form, kind.meaning));
    let kinds: Vec<String> = kinds.collect();
    format!("Exit with status 1 if this rule matches the report; may be repeated. A rule is {}", kinds.join("; or "))
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

    #[cfg(all(feature = "export", feature = "pictures"))]
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
