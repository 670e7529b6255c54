//! The arguments of every command that reads logs: inputs, what to select from them, and how to reach S3.

use std::ffi::OsString;
use std::path::PathBuf;

use albscope::source::{CacheOptions, LoadBalancerFilter, S3Options, Selection, TargetFilter, TargetGroupFilter};
use albscope::{ReadOptions, Timestamp};
use clap::ValueHint;

use super::values::{TypedTime, parse_size, parse_when};

/// What every command that reads logs takes.
#[derive(Debug, clap::Args)]
pub(crate) struct LogArgs {
    // Not a doc comment: the URL would need backticks in one, and --help would show them.
    #[arg(help = "Files, folders (with their subfolders), s3://BUCKET/PREFIX, or - for standard input")]
    #[arg(required = true, value_name = "INPUT", value_hint = ValueHint::AnyPath)]
    pub(crate) inputs: Vec<OsString>,

    /// Only requests at or after this time: RFC 3339 (UTC if it has no offset), a date, a time of day (today, UTC), or
    /// an age such as 2h or 3d
    #[arg(long, value_name = "TIME", value_parser = parse_when)]
    since: Option<TypedTime>,

    /// Only requests before this time, in the same forms; a time of day is on the day of --since, or else today
    #[arg(long, value_name = "TIME", value_parser = parse_when)]
    until: Option<TypedTime>,

    /// Only requests of this load balancer: name, app/NAME/ID, or ARN; may be repeated
    #[arg(long, value_name = "NAME")]
    pub(super) load_balancer: Vec<String>,

    /// Only requests of this target group: name, targetgroup/NAME/ID, or ARN; may be repeated
    #[arg(long, value_name = "NAME")]
    pub(super) target_group: Vec<String>,

    /// Only requests of this target: address or address:port; may be repeated
    #[arg(long, value_name = "ADDRESS")]
    pub(super) target: Vec<String>,

    /// Number of threads [default: one per core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,

    /// Stop at the first line or object that cannot be read
    #[arg(long)]
    pub(crate) strict: bool,

    /// List the objects, but read none: print which would be read, what is left out and why, and how many requests to
    /// S3 a run takes
    #[arg(long)]
    pub(crate) dry_run: bool,

    #[command(flatten)]
    s3: S3Args,

    /// Show no progress
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

/// The heading of the options for S3 in the help. It is set for each option: set once for the struct, it would also
/// stand over all options that come after.
const S3_HEADING: &str = "S3";

/// How S3 is reached.
#[derive(Debug, clap::Args)]
struct S3Args {
    /// Use this profile of the AWS configuration files
    #[arg(long, help_heading = S3_HEADING, value_name = "NAME")]
    profile: Option<String>,

    /// Send the first request to this region; the bucket's own region is found automatically
    #[arg(long, help_heading = S3_HEADING, value_name = "REGION")]
    region: Option<String>,

    /// Use another store that has the S3 API
    #[arg(long, help_heading = S3_HEADING, value_name = "URL", value_hint = ValueHint::Url, value_parser = parse_endpoint)]
    endpoint_url: Option<String>,

    /// Send requests without credentials, for public buckets
    #[arg(long, help_heading = S3_HEADING)]
    no_sign_request: bool,

    /// Agree to pay for the requests, if the bucket's owner requires it
    #[arg(long, help_heading = S3_HEADING, value_name = "requester", value_parser = ["requester"], num_args = 0..=1, require_equals = true, default_missing_value = "requester")]
    request_payer: Option<String>,

    /// Maximum requests to S3 in flight [default: 16 per core, at least 32 and at most 128]
    #[arg(long, help_heading = S3_HEADING, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    concurrency: Option<u16>,

    /// Keep objects from S3 in this folder, and reuse those that are already there
    #[arg(long, help_heading = S3_HEADING, value_name = "DIR", value_hint = ValueHint::DirPath)]
    cache: Option<PathBuf>,

    /// Maximum size of the cache after a run: bytes, or a size such as 500MB or 20GB; the least recently used objects
    /// are removed first
    #[arg(long, help_heading = S3_HEADING, value_name = "SIZE", default_value = "10GB", value_parser = parse_size, requires = "cache")]
    cache_size: u64,
}

impl S3Args {
    fn options(&self) -> S3Options {
        S3Options {
            profile: self.profile.clone(),
            region: self.region.clone(),
            endpoint_url: self.endpoint_url.clone(),
            no_sign_request: self.no_sign_request,
            request_payer: self.request_payer.is_some(),
            concurrency: self.concurrency.map(usize::from),
            cache: self
                .cache
                .as_ref()
                .map(|folder| CacheOptions { folder: folder.clone(), max_bytes: self.cache_size }),
        }
    }
}

impl LogArgs {
    /// How to reach S3, for the inputs that are there.
    pub(crate) fn s3_options(&self) -> S3Options {
        self.s3.options()
    }

    /// Whether an input is in S3.
    pub(crate) fn has_s3(&self) -> bool {
        self.inputs.iter().any(|input| input.as_encoded_bytes().starts_with(b"s3://"))
    }

    /// How the logs of `selection` are read with these arguments.
    pub(crate) fn read_options(&self, selection: Selection) -> ReadOptions {
        ReadOptions::new().selection(selection).threads(self.threads.map_or(0, usize::from)).strict(self.strict)
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

fn parse_endpoint(text: &str) -> Result<String, String> {
    let host = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    if host.is_none_or(|host| host.is_empty() || host.starts_with('/')) {
        return Err("expected http://HOST[:PORT] or https://HOST[:PORT]".to_owned());
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::tests::at;
    use super::super::{Args, Command, joined};
    use super::*;
    use clap::{CommandFactory, Parser};

    #[test]
    fn only_options_for_s3_are_under_their_heading() {
        let program = Args::command();
        for name in [
            "analyze",
            #[cfg(feature = "export")]
            "export",
        ] {
            let command = program.find_subcommand(name).expect("a command");
            let headed = command.get_arguments().filter(|arg| arg.get_help_heading() == Some(S3_HEADING));
            let options: Vec<&str> = headed.filter_map(|arg| arg.get_long()).collect();
            let expected = [
                "profile",
                "region",
                "endpoint-url",
                "no-sign-request",
                "request-payer",
                "concurrency",
                "cache",
                "cache-size",
            ];
            assert_eq!(options, expected, "{name}");
        }
    }

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

    #[test]
    fn the_payer_is_named_in_any_of_the_usual_forms() {
        for args in [
            &["albscope", "analyze", "--request-payer", "s3://logs"][..],
            &["albscope", "analyze", "--request-payer", "requester", "s3://logs"],
            &["albscope", "analyze", "s3://logs", "--request-payer=requester"],
        ] {
            let args = Args::parse_from(joined(args.iter().map(OsString::from)));
            let Command::Analyze(args) = args.command else { panic!("analyze was typed") };
            assert!(args.logs.s3_options().request_payer);
            assert_eq!(args.logs.inputs, ["s3://logs"]);
        }
    }
}
