//! The arguments of every command that reads logs: inputs, and what to select from them.

use std::ffi::OsString;

use albscope::source::{LoadBalancerFilter, Selection, TargetFilter, TargetGroupFilter};
use albscope::{ReadOptions, Timestamp};
use clap::ValueHint;

use super::headings;
use super::run::RunArgs;
use super::values::{TypedTime, parse_when};

/// What every command that reads logs takes.
#[derive(Debug, clap::Args)]
pub(crate) struct LogArgs {
    // Not a doc comment: the URL would need backticks in one, and --help would show them.
    #[arg(help = "Files, folders (with their subfolders), s3://BUCKET/PREFIX, or - for standard input")]
    #[arg(required = true, value_name = "INPUT", value_hint = ValueHint::AnyPath)]
    pub(crate) inputs: Vec<OsString>,

    /// Stop at the first line or object that cannot be read
    #[arg(help_heading = headings::INPUT, long)]
    pub(crate) strict: bool,

    /// List the objects, but read none: print which would be read, what is left out and why, and how many requests to
    /// S3 a run takes
    #[arg(help_heading = headings::INPUT, long)]
    pub(crate) dry_run: bool,

    /// Only requests at or after this time: RFC 3339 (UTC if it has no offset), a date, a time of day (today, UTC), or
    /// an age such as 2h or 3d
    #[arg(help_heading = headings::FILTERS, long, value_name = "TIME", value_parser = parse_when)]
    since: Option<TypedTime>,

    /// Only requests before this time, in the same forms; a time of day is on the day of --since, or else today
    #[arg(help_heading = headings::FILTERS, long, value_name = "TIME", value_parser = parse_when)]
    until: Option<TypedTime>,

    /// Only requests of this load balancer: name, app/NAME/ID, or ARN; may be repeated
    #[arg(help_heading = headings::FILTERS, long, value_name = "NAME")]
    pub(super) load_balancer: Vec<String>,

    /// Only requests of this target group: name, targetgroup/NAME/ID, or ARN; may be repeated
    #[arg(help_heading = headings::FILTERS, long, value_name = "NAME")]
    pub(super) target_group: Vec<String>,

    /// Only requests of this target: address or address:port; may be repeated
    #[arg(help_heading = headings::FILTERS, long, value_name = "ADDRESS")]
    pub(super) target: Vec<String>,
}

impl LogArgs {
    /// Whether an input is in S3.
    pub(crate) fn has_s3(&self) -> bool {
        self.inputs.iter().any(|input| input.as_encoded_bytes().starts_with(b"s3://"))
    }

    /// How the logs of `selection` are read with these arguments.
    pub(crate) fn read_options(&self, selection: Selection, run: &RunArgs) -> ReadOptions {
        ReadOptions::new().selection(selection).threads(run.threads.map_or(0, usize::from)).strict(self.strict)
    }

    /// What to select. Ages and clock times are relative to `now`; a clock time of
    /// `--until` is on the day of `--since`.
    pub(crate) fn selection(&self, now: Timestamp) -> anyhow::Result<Selection> {
        let since = self.since.map(|when| when.resolve(now, now));
        let until = self.until.map(|when| when.resolve(now, since.unwrap_or(now)));
        if let (Some(since), Some(until)) = (since, until)
            && since >= until
        {
            anyhow::bail!("the window is empty: --since {since} is not before --until {until}");
        }
        Ok(Selection {
            since,
            until,
            load_balancers: self.load_balancer.iter().map(|text| LoadBalancerFilter::new(text)).collect(),
            target_groups: self.target_group.iter().map(|text| TargetGroupFilter::new(text)).collect(),
            targets: self.target.iter().map(|text| TargetFilter::new(text)).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::at;
    use super::super::{Args, Command};
    use clap::Parser;

    #[test]
    fn a_clock_time_of_until_is_on_the_day_of_since() {
        let args = Args::parse_from(["albscope", "analyze", "x", "--since", "2026-11-20T10:00Z", "--until", "12:00Z"]);
        let Command::Analyze(args) = args.command else { panic!("analyze was typed") };
        let selection = args.logs.selection(at("2026-11-22T10:00:00Z")).expect("a window");
        assert_eq!(selection.until, Some(at("2026-11-20T12:00:00Z")));
    }

    #[test]
    fn an_empty_window_is_refused() {
        let args = Args::parse_from([
            "albscope",
            "analyze",
            "x",
            "--since",
            "2026-11-20T10:00Z",
            "--until",
            "2026-11-20T10:00Z",
        ]);
        let Command::Analyze(args) = args.command else { panic!("analyze was typed") };
        let error = args.logs.selection(at("2026-11-22T10:00:00Z")).expect_err("an empty window");
        assert!(error.to_string().contains("is not before"), "{error}");
    }
}
