//! Shell commands that check a finding, with the names from the log filled in.
//!
//! The names come from log lines that anyone can influence, and people paste the commands into a shell. So each name
//! is checked and quoted.

use std::net::{IpAddr, SocketAddr};

use super::numbers;
use super::plain::is_unsafe_in_terminal;
use super::scope::ScopeRow;
use crate::aggregate::Span;
use crate::knowledge::causes::Cause;
use crate::timestamp::Timestamp;

/// At most this many commands are shown with a finding.
const MAX_CHECKS: usize = 3;

/// Names longer than this many bytes make no command. No AWS name is longer, and nobody could read the command.
const MAX_NAME_LEN: usize = 400;

/// The period of the metrics that commands ask for. Windows begin and end at multiples of it.
const STEP_SECONDS: i64 = 300;

/// One call of `aws cloudwatch get-metric-statistics` returns at most this many data points.
const MAX_STEPS: i64 = 1_440;

/// Partition, region and account of a load balancer, from the ARN of one of its target groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ArnPrefix {
    partition: String,
    region: String,
    account: String,
}

impl ArnPrefix {
    /// `None` if `arn` is not the ARN of a target group. The region becomes part of a host name, so it may have only
    /// lower-case letters, digits and hyphens.
    pub(super) fn of(arn: &str) -> Option<Self> {
        let mut parts = arn.splitn(6, ':');
        let mut next = || parts.next().filter(|part| !part.is_empty());
        let (scheme, partition, service) = (next()?, next()?, next()?);
        let (region, account, resource) = (next()?, next()?, next()?);
        let is_label =
            |text: &str| text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        let is_whole = scheme == "arn"
            && service == "elasticloadbalancing"
            && is_label(partition)
            && is_label(region)
            && account.bytes().all(|byte| byte.is_ascii_digit())
            && resource.starts_with("targetgroup/");
        is_whole.then(|| Self { partition: partition.into(), region: region.into(), account: account.into() })
    }
}

/// The first [`MAX_CHECKS`] checks of `cause` whose placeholders can all be filled: (question, command).
///
/// `arn_prefix` is that of the load balancer's target groups, if known; `seen` is the time of the failures, and `path`
/// that of one of the requests that failed.
pub(super) fn checks(
    cause: &Cause,
    scope: &ScopeRow,
    arn_prefix: Option<&ArnPrefix>,
    seen: Option<Span>,
    path: Option<&str>,
) -> Vec<(&'static str, String)> {
    let value_of = |name: &str| {
        let value = match name {
            "path" => path.filter(|path| path.starts_with('/') && path.is_ascii()).map(str::to_owned),
            // Only whoever runs the service knows these. The command says where they belong.
            "cluster" | "service" => Some(name.to_uppercase()),
            _ => value(name, scope, arn_prefix, seen),
        };
        value.filter(|value| is_usable(value)).map(|value| quoted(&value))
    };
    let filled = cause.checks.iter().filter_map(|check| Some((check.question, check.fill(value_of)?)));
    filled.take(MAX_CHECKS).collect()
}

/// The value of a placeholder; `None` if the log does not have it.
fn value(name: &str, scope: &ScopeRow, arn_prefix: Option<&ArnPrefix>, seen: Option<Span>) -> Option<String> {
    let load_balancer = Some(scope.load_balancer.as_str()).filter(|id| id.starts_with("app/"));
    let target = || scope.target.as_deref()?.parse::<SocketAddr>().ok();
    match name {
        "region" => Some(arn_prefix?.region.clone()),
        "load_balancer" => load_balancer.map(str::to_owned),
        "load_balancer_arn" => {
            let ArnPrefix { partition, region, account } = arn_prefix?;
            Some(format!("arn:{partition}:elasticloadbalancing:{region}:{account}:loadbalancer/{}", load_balancer?))
        }
        "target_group_arn" => scope.target_group.clone().filter(|arn| ArnPrefix::of(arn).is_some()),
        "target" => Some(target()?.to_string()),
        "target_port" => Some(target()?.port().to_string()),
        // The filter for IPv6 addresses has another name.
        "target_ip" => Some(target()?.ip()).filter(IpAddr::is_ipv4).map(|address| address.to_string()),
        "start" => Some(rfc3339(window(seen?).0)),
        "end" => Some(rfc3339(window(seen?).1)),
        _ => None,
    }
}

/// Start and end of the window of the metrics, in seconds since the epoch: the steps that contain `seen` and the one
/// before, in which the failures may have been caused. At most [`MAX_STEPS`] steps.
fn window(seen: Span) -> (i64, i64) {
    let step = |moment: Timestamp| moment.as_seconds().div_euclid(STEP_SECONDS);
    let start = step(seen.first) - 1;
    let end = (step(seen.last) + 1).min(start + MAX_STEPS);
    (start * STEP_SECONDS, end * STEP_SECONDS)
}

fn rfc3339(seconds: i64) -> String {
    format!("{}Z", numbers::moment(Timestamp::from_seconds(seconds)).replacen(' ', "T", 1))
}

/// Whether a value may be part of a command. A command must not look different from what it runs.
fn is_usable(value: &str) -> bool {
    value.len() <= MAX_NAME_LEN && !value.chars().any(is_unsafe_in_terminal)
}

/// `value` as one word of a shell command, in quotes if necessary.
pub(super) fn quoted(value: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b":/._-".contains(&byte);
    if !value.is_empty() && value.bytes().all(is_plain) {
        return value.to_owned();
    }
    // Inside single quotes only the quote itself has a meaning.
    format!("'{}'", value.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::knowledge::causes::{CAUSES, cause};

    const ARN: &str = "arn:aws-cn:elasticloadbalancing:cn-north-1:123456789012:targetgroup/api/73e2d6bc24d8a067";

    fn scope(load_balancer: &str, target_group: Option<&str>, target: Option<&str>) -> ScopeRow {
        ScopeRow {
            load_balancer: load_balancer.to_owned(),
            target_group: target_group.map(str::to_owned),
            target: target.map(str::to_owned),
        }
    }

    fn span(first: &str, last: &str) -> Span {
        let at = |text: &str| Timestamp::parse(text.as_bytes()).expect("a time");
        Span { first: at(first), last: at(last) }
    }

    fn commands(id: &str, scope: &ScopeRow) -> Vec<String> {
        let arn_prefix = ArnPrefix::of(scope.target_group.as_deref().unwrap_or(ARN));
        let seen = Some(span("2026-11-22T07:38:34.5Z", "2026-11-22T07:44:21Z"));
        checks(cause(id).expect("it is there"), scope, arn_prefix.as_ref(), seen, Some("/report's/[1]"))
            .into_iter()
            .map(|(_, it)| it)
            .collect()
    }

    #[test]
    fn commands_contain_the_names_from_the_log() {
        let commands = commands("connect-timeout", &scope("app/shop/50dc6c495c0c9188", Some(ARN), Some("10.0.1.7:80")));
        assert_eq!(
            commands,
            [
                "aws ec2 describe-network-interfaces --region cn-north-1 \
                 --filters Name=addresses.private-ip-address,Values=10.0.1.7",
                "aws elbv2 describe-load-balancers --region cn-north-1 --load-balancer-arns \
                 arn:aws-cn:elasticloadbalancing:cn-north-1:123456789012:loadbalancer/app/shop/50dc6c495c0c9188",
                "aws cloudtrail lookup-events --region cn-north-1 --start-time 2026-11-22T07:30:00Z \
                 --end-time 2026-11-22T07:45:00Z \
                 --lookup-attributes AttributeKey=EventName,AttributeValue=RevokeSecurityGroupIngress",
            ]
        );
    }

    #[test]
    fn a_target_is_asked_for_a_path_that_failed_and_ecs_for_what_it_stopped() {
        let known = scope("app/shop/50dc6c495c0c9188", Some(ARN), Some("10.0.1.7:80"));
        let asks = |path| {
            let prefix = ArnPrefix::of(ARN);
            let cause = cause("malformed-response").expect("it is there");
            checks(cause, &known, prefix.as_ref(), None, path)
                .into_iter()
                .map(|(_, command)| command)
                .collect::<Vec<_>>()
        };
        let curl = r"curl -gsv --http1.1 http://10.0.1.7:80'/report'\''s/[1]'";
        assert!(asks(Some("/report's/[1]")).contains(&curl.to_owned()), "{:?}", asks(Some("/report's/[1]")));
        for path in [None, Some("report"), Some("/\u{202e}"), Some("/ä")] {
            assert!(asks(path).iter().all(|command| !command.starts_with("curl")), "{path:?}");
        }
        let stopped = "aws ecs list-tasks --region cn-north-1 --cluster CLUSTER --desired-status STOPPED";
        assert_eq!(commands("target-crash", &known)[1], stopped);
    }

    #[test]
    fn commands_with_unknown_names_are_left_out() {
        let known = scope("app/shop/50dc6c495c0c9188", Some(ARN), Some("10.0.1.7:80"));
        let all = [
            ("the target", ScopeRow { target: None, ..known.clone() }),
            ("an address of version 4", ScopeRow { target: Some("[2001:db8::1]:80".to_owned()), ..known.clone() }),
        ];
        for (name, scope) in all {
            let commands = commands("connect-timeout", &scope);
            assert!(commands.iter().all(|command| !command.contains("describe-network-interfaces")), "{name}");
            assert_eq!(commands.len(), 3, "{name}: others come instead");
        }
        // Without an ARN there is no region, and an AWS command needs one.
        let nowhere = scope("app/shop/50dc6c495c0c9188", Some("arn:odd"), Some("10.0.1.7:80"));
        for cause in CAUSES {
            for command in commands(cause.id, &nowhere) {
                assert!(!command.starts_with("aws "), "{command}");
            }
        }
    }

    #[test]
    fn a_name_never_leaves_its_quotes() {
        for (value, expected) in [
            ("arn:aws:x/y.z_1-2", "arn:aws:x/y.z_1-2"),
            ("", "''"),
            ("a b", "'a b'"),
            ("$(reboot)", "'$(reboot)'"),
            ("a;b|c&d`e`\\\"", "'a;b|c&d`e`\\\"'"),
            ("it's", r"'it'\''s'"),
            ("'; reboot; '", r"''\''; reboot; '\'''"),
            ("äöü", "'äöü'"),
        ] {
            assert_eq!(quoted(value), expected);
        }
        let hostile = format!("{ARN}'; reboot; '");
        let scope = scope("app/$(reboot)/1", Some(&hostile), Some("10.0.1.7:80"));
        for command in CAUSES.iter().flat_map(|cause| commands(cause.id, &scope)) {
            assert!(!outside_of_quotes(&command).contains(['$', ';', '\'']), "{command}");
        }
    }

    /// `command` without its single-quoted parts: the part that a shell interprets.
    fn outside_of_quotes(command: &str) -> String {
        command.replace(r"\'", "").split('\'').step_by(2).collect()
    }

    #[cfg(unix)]
    #[test]
    fn a_shell_reads_back_what_was_quoted() {
        for value in ["plain", "a b  c", "it's '' '", "$(echo x) `echo y` \\ \" * ? ~ # ! {a,b}", "-n", "äöü 漢字"]
        {
            let script = format!("printf %s {}", quoted(value));
            let output = std::process::Command::new("sh").args(["-c", &script]).output().expect("there is a shell");
            assert_eq!(String::from_utf8_lossy(&output.stdout), value);
        }
    }

    #[test]
    fn misleading_and_very_long_names_make_no_command() {
        for odd in ["\u{1b}[31m".to_owned(), "\u{202e}".to_owned(), "\n".to_owned(), "x".repeat(1_000_000)] {
            let arn = format!("{ARN}{odd}");
            let scope = scope("app/shop/50dc6c495c0c9188", Some(&arn), None);
            for command in commands("connection-refused", &scope) {
                assert!(!command.contains(&odd), "{command:.100}");
            }
        }
    }

    #[test]
    fn only_the_arn_of_a_target_group_gives_the_region() {
        assert!(ArnPrefix::of(ARN).is_some());
        for arn in [
            "",
            "-",
            "arn",
            "arn:aws:elasticloadbalancing::1:targetgroup/a/b",
            "arn:aws:elasticloadbalancing:eu-west-1:xxxxxx:targetgroup/a/b",
            "arn:aws:elasticloadbalancing:evil.example/:1:targetgroup/a/b",
            "arn:aws:elasticloadbalancing:eu-west-1:1:loadbalancer/app/a/b",
            "arn:aws:s3:eu-west-1:1:targetgroup/a/b",
        ] {
            assert_eq!(ArnPrefix::of(arn), None, "{arn}");
        }
    }

    #[test]
    fn windows_contain_the_failures_up_to_the_limit_of_a_call() {
        let window = |first, last| <[i64; 2]>::from(super::window(span(first, last))).map(rfc3339);
        assert_eq!(
            window("2026-11-22T07:35:00Z", "2026-11-22T07:35:00Z"),
            ["2026-11-22T07:30:00Z", "2026-11-22T07:40:00Z"]
        );
        assert_eq!(
            window("2026-11-01T00:01:00Z", "2026-11-22T07:35:00Z"),
            ["2026-10-31T23:55:00Z", "2026-11-05T23:55:00Z"]
        );
    }
}
