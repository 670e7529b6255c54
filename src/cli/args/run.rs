//! The arguments of every command that reads logs: how to reach S3, and what a run may use.

use std::path::PathBuf;

use albscope::source::{CacheOptions, S3Options};
use clap::ValueHint;

use super::headings;
use super::values::parse_size;

/// How a run reaches S3, and what it may use.
#[derive(Debug, clap::Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    s3: S3Args,

    /// Number of threads [default: one per core]
    #[arg(help_heading = headings::PERFORMANCE, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,

    /// Show no progress
    #[arg(help_heading = headings::OUTPUT, long, short)]
    pub(crate) quiet: bool,
}

/// How S3 is reached.
#[derive(Debug, clap::Args)]
struct S3Args {
    /// Use this profile of the AWS configuration files
    #[arg(long, help_heading = headings::S3, value_name = "NAME")]
    profile: Option<String>,

    /// Send the first request to this region; the bucket's own region is found automatically
    #[arg(long, help_heading = headings::S3, value_name = "REGION")]
    region: Option<String>,

    /// Use another store that has the S3 API
    #[arg(long, help_heading = headings::S3, value_name = "URL", value_hint = ValueHint::Url, value_parser = parse_endpoint)]
    endpoint_url: Option<String>,

    /// Send requests without credentials, for public buckets
    #[arg(long, help_heading = headings::S3)]
    no_sign_request: bool,

    /// Agree to pay for the requests, if the bucket's owner requires it
    #[arg(long, help_heading = headings::S3, value_name = "requester", value_parser = ["requester"], num_args = 0..=1, require_equals = true, default_missing_value = "requester")]
    request_payer: Option<String>,

    /// Maximum requests to S3 in flight [default: 16 per core, at least 32 and at most 128]
    #[arg(long, help_heading = headings::S3, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    concurrency: Option<u16>,

    /// Keep objects from S3 in this folder, and reuse those that are already there
    #[arg(long, help_heading = headings::S3, value_name = "DIR", value_hint = ValueHint::DirPath)]
    cache: Option<PathBuf>,

    /// Maximum size of the cache after a run: bytes, or a size such as 500MB or 20GB; the least recently used objects
    /// are removed first
    #[arg(long, help_heading = headings::S3, value_name = "SIZE", default_value = "10GB", value_parser = parse_size, requires = "cache")]
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

impl RunArgs {
    /// How to reach S3.
    pub(crate) fn s3_options(&self) -> S3Options {
        self.s3.options()
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
    use std::ffi::OsString;

    use clap::{CommandFactory, Parser};

    use super::super::{Args, Command, joined};
    use super::*;

    #[test]
    fn options_are_under_their_headings_and_the_headings_in_the_order_of_the_work() {
        let program = Args::command();
        for name in [
            "analyze",
            #[cfg(feature = "export")]
            "export",
        ] {
            let command = program.find_subcommand(name).expect("a command");
            let options: Vec<_> = command.get_arguments().filter(|arg| arg.get_long().is_some()).collect();
            let mut headings: Vec<&str> =
                options.iter().map(|option| option.get_help_heading().expect("one")).collect();
            headings.dedup();
            // Those of a whole run come last, and one of them is about output.
            let wanted = ["Input", "Window and filters", "Diagnosis", "Output", "S3", "Performance", "Output"];
            assert_eq!(headings, wanted, "{name}");
            let of_s3 = options.iter().filter(|option| option.get_help_heading() == Some(headings::S3));
            let of_s3: Vec<&str> = of_s3.filter_map(|option| option.get_long()).collect();
            assert_eq!(of_s3.first().zip(of_s3.last()), Some((&"profile", &"cache-size")), "{name}");
        }
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
            assert!(args.run.s3_options().request_payer);
            assert_eq!(args.logs.inputs, ["s3://logs"]);
        }
    }
}
