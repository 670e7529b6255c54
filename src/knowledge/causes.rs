//! The causes. Ids are stable: they are never renamed and never reused. To add a cause, add one constant to the file
//! of its family, re-export it here, and list it in [`CAUSES`].

// One point per five minutes, so that five days fit into one call, which returns 1,440 points at most.
macro_rules! metric {
    ($name:literal) => {
        concat!(
            "aws cloudwatch get-metric-statistics --region {region} --namespace AWS/ApplicationELB --metric-name ",
            $name,
            " --dimensions Name=LoadBalancer,Value={load_balancer} --start-time {start} --end-time {end} --period 300 --statistics Sum"
        )
    };
}

macro_rules! trail {
    ($event:literal) => {
        concat!(
            "aws cloudtrail lookup-events --region {region} --start-time {start} --end-time {end} --lookup-attributes AttributeKey=EventName,AttributeValue=",
            $event
        )
    };
}

macro_rules! page {
    ($page:literal) => {
        concat!("https://docs.aws.amazon.com/elasticloadbalancing/latest/application/", $page)
    };
}

mod client;
mod connection;
mod lambda;
mod life;
mod rule;
mod server;
mod settings;
mod target;

use serde::Serialize;

use crate::knowledge::Sign;

pub use client::{
    BAD_REQUEST, CLIENT_GAVE_UP, DESYNC_MODE, PROTOCOL_MISMATCH, REQUEST_TOO_LARGE, WEBSOCKET_IDLE_TIMEOUT,
};
pub use connection::{
    CONNECT_TIMEOUT, CONNECTION_REFUSED, IDLE_CONNECTION_DROPPED, KEEP_ALIVE_RACE, TARGET_TLS_HANDSHAKE,
};
pub use lambda::{LAMBDA_ERROR, LAMBDA_MISCONFIGURED, LAMBDA_THROTTLED, LAMBDA_TIMEOUT};
pub use life::{
    DEPLOY_WITHOUT_DRAINING, DEREGISTRATION_DELAY_ELAPSED, NO_REGISTERED_TARGETS, TARGET_CRASH, TARGET_NOT_READY,
    TARGETS_REMOVED,
};
pub use rule::{AUTHENTICATION_FAILED, IDENTITY_PROVIDER_ERROR, WAF_BLOCKED, WAF_UNAVAILABLE};
pub use server::{CONNECTIONS_EXHAUSTED, EARLY_RESPONSE_RESET, NEVER_ANSWERED, RESTART_IN_PLACE, SERVER_RECYCLING};
pub use target::{
    APPLICATION_ERROR, DEPENDENCY_OUTAGE, IDLE_TIMEOUT_EXCEEDED, INNER_PROXY_ERROR, MALFORMED_RESPONSE,
    TARGET_REQUEST_TIMEOUT, TARGET_SATURATED, UNEXPLAINED,
};

/// A class of causes for failed requests.
#[derive(Debug, PartialEq, Eq)]
pub struct Cause {
    /// Kebab-case, and part of reports, exports and links.
    pub id: &'static str,
    /// What happened, in one phrase.
    pub title: &'static str,
    /// Whether it only explains requests that do not count as failed: a matter between a client and the load balancer
    /// or a rule, worth a notice and no alarm.
    pub is_notice: bool,
    /// The mechanism, in two to four sentences for whoever is on call.
    pub meaning: &'static str,
    /// Signs in a log that speak for the cause.
    pub evidence_for: &'static [&'static str],
    /// Signs that speak against it: the causes it is mistaken for, and how to distinguish them.
    pub evidence_against: &'static [&'static str],
    /// What to change.
    pub fix: &'static str,
    /// The fix as configuration of common servers and platforms. Values are for an idle timeout of 60 s unless the
    /// entry names another.
    pub settings: &'static [Setting],
    /// Ways to fix it. The first one usually does, unless a code says otherwise: see [`Cause::methods_for`].
    pub methods: &'static [Method],
    /// Questions whose answers would confirm the cause or rule it out.
    pub checks: &'static [Check],
    /// The page of the AWS documentation about it.
    pub docs: &'static str,
}

impl Cause {
    /// The ways to fix it if the failures have this code of `error_reason`, and if the log shows, or does not show,
    /// these signs. Those for this code come first, then those whose sign the log shows. Last come those for other
    /// codes, and those whose sign the log does not show.
    #[must_use]
    pub fn methods_for(&self, code: Option<&str>, signs: &[(Sign, bool)]) -> Vec<Method> {
        let shown = |sign| signs.iter().find(|(known, _)| *known == sign).map(|(_, is_shown)| *is_shown);
        let mut methods = self.methods.to_vec();
        methods.sort_by_key(|method| match (code, method.codes, method.sign.and_then(shown)) {
            (Some(code), codes, _) if codes.contains(&code) => 0,
            (Some(_), [_, ..], _) | (_, _, Some(false)) => 3,
            (_, _, Some(true)) => 1,
            (_, _, None) => 2,
        });
        methods
    }
}

/// What to write into the configuration of a server or a platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The server or platform, and which of its settings if there are several.
    pub stack: &'static str,
    /// The setting, ready to be copied.
    pub setting: &'static str,
}

/// A way to fix a cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Method {
    /// What to do.
    pub method: &'static str,
    /// When it is the right one.
    pub when: &'static str,
    /// How long it takes, such as `5 min` or `hours`.
    pub time: &'static str,
    /// How likely it is to do harm.
    pub risk: Risk,
    /// Codes of `error_reason` for which it is the right one. Empty if no code decides that.
    #[serde(skip)]
    pub codes: &'static [&'static str],
    /// What the log must show for it. `None` if nothing in a log decides that.
    #[serde(skip)]
    pub sign: Option<Sign>,
}

impl Method {
    /// This method, for these codes of `error_reason`.
    const fn for_codes(self, codes: &'static [&'static str]) -> Self {
        Self { codes, ..self }
    }

    /// This method, if the log shows this sign.
    const fn if_shown(self, sign: Sign) -> Self {
        Self { sign: Some(sign), ..self }
    }
}

/// How likely a change is to do harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Risk {
    /// It can be undone as quickly as it is made, and no request suffers from it.
    Low,
    /// It takes a deployment, or others feel the change.
    Medium,
    /// It may make things worse before it makes them better.
    High,
}

impl Risk {
    /// `low`, `medium` or `high`.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// A question that the log leaves open, and a read-only command that answers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Check {
    /// The question that the command answers.
    pub question: &'static str,
    /// A shell command on one line. It may contain [`PLACEHOLDERS`] in braces.
    pub command: &'static str,
}

/// The placeholders that commands may contain, in braces. Commands contain no other braces.
///
/// The log gives the first nine: the ARN of the load balancer, its `app/name/id`, the ARN of the target group,
/// `address:port` of the target, its IPv4 address, its port, the path of a request that failed, and the start and end
/// of a window around the failures (RFC 3339). The region comes from an ARN. Only whoever runs the service knows the
/// rest.
pub const PLACEHOLDERS: &[&str] = &[
    "load_balancer_arn",
    "load_balancer",
    "target_group_arn",
    "target",
    "target_ip",
    "target_port",
    "path",
    "start",
    "end",
    "region",
    "cluster",
    "function",
    "listener_arn",
    "service",
    "subnet",
    "web_acl_arn",
];

impl Check {
    /// The command with each placeholder replaced by the result of `value_of`. `None` if that is `None` for one of
    /// them.
    pub fn fill(&self, mut value_of: impl FnMut(&str) -> Option<String>) -> Option<String> {
        let mut filled = String::with_capacity(self.command.len());
        let mut rest = self.command;
        while let Some((before, from_name)) = rest.split_once('{') {
            let (name, after) = from_name.split_once('}')?;
            filled.push_str(before);
            filled.push_str(&value_of(name)?);
            rest = after;
        }
        filled.push_str(rest);
        Some(filled)
    }
}

const fn setting(stack: &'static str, setting: &'static str) -> Setting {
    Setting { stack, setting }
}

const fn method(method: &'static str, when: &'static str, time: &'static str, risk: Risk) -> Method {
    Method { method, when, time, risk, codes: &[], sign: None }
}

const fn check(question: &'static str, command: &'static str) -> Check {
    Check { question, command }
}

/// Checks that several causes share.
const IS_TARGET_HEALTHY: Check = check(
    "is the target healthy now, and if not, why?",
    "aws elbv2 describe-target-health --region {region} --target-group-arn {target_group_arn}",
);
const WHAT_IS_TARGET_GROUP: Check = check(
    "which protocol, port and health check does the target group have?",
    "aws elbv2 describe-target-groups --region {region} --target-group-arns {target_group_arn}",
);
const WHAT_ARE_GROUP_ATTRIBUTES: Check = check(
    "what are the deregistration delay, the slow start and the algorithm?",
    "aws elbv2 describe-target-group-attributes --region {region} --target-group-arn {target_group_arn}",
);
const WHAT_ARE_ATTRIBUTES: Check = check(
    "what is the load balancer's idle timeout?",
    "aws elbv2 describe-load-balancer-attributes --region {region} --load-balancer-arn {load_balancer_arn}",
);
const WHO_OWNS_ADDRESS: Check = check(
    "what has that address, and in which subnet and security groups is it?",
    "aws ec2 describe-network-interfaces --region {region} --filters Name=addresses.private-ip-address,Values={target_ip}",
);
const WHY_DID_TASKS_STOP: Check = check(
    "which ECS tasks stopped within the last hour? (then describe-tasks: stoppedReason, exitCode)",
    "aws ecs list-tasks --region {region} --cluster {cluster} --desired-status STOPPED",
);
const WHAT_DID_SERVICE_DO: Check = check(
    "what did the ECS service do at that time?",
    "aws ecs describe-services --region {region} --cluster {cluster} --services {service} --query 'services[0].events[:30]'",
);
const WHAT_WAS_DEREGISTERED: Check =
    check("were targets deregistered at that time, and by whom?", trail!("DeregisterTargets"));

/// All causes, in the order of the documentation.
pub static CAUSES: &[&Cause] = &[
    &KEEP_ALIVE_RACE,
    &CONNECTION_REFUSED,
    &CONNECT_TIMEOUT,
    &TARGET_TLS_HANDSHAKE,
    &IDLE_CONNECTION_DROPPED,
    &IDLE_TIMEOUT_EXCEEDED,
    &NEVER_ANSWERED,
    &TARGET_REQUEST_TIMEOUT,
    &TARGET_CRASH,
    &SERVER_RECYCLING,
    &RESTART_IN_PLACE,
    &DEPLOY_WITHOUT_DRAINING,
    &TARGETS_REMOVED,
    &DEREGISTRATION_DELAY_ELAPSED,
    &TARGET_NOT_READY,
    &TARGET_SATURATED,
    &CONNECTIONS_EXHAUSTED,
    &MALFORMED_RESPONSE,
    &EARLY_RESPONSE_RESET,
    &APPLICATION_ERROR,
    &INNER_PROXY_ERROR,
    &DEPENDENCY_OUTAGE,
    &NO_REGISTERED_TARGETS,
    &CLIENT_GAVE_UP,
    &WEBSOCKET_IDLE_TIMEOUT,
    &LAMBDA_ERROR,
    &LAMBDA_TIMEOUT,
    &LAMBDA_THROTTLED,
    &LAMBDA_MISCONFIGURED,
    &WAF_BLOCKED,
    &WAF_UNAVAILABLE,
    &AUTHENTICATION_FAILED,
    &IDENTITY_PROVIDER_ERROR,
    &BAD_REQUEST,
    &DESYNC_MODE,
    &PROTOCOL_MISMATCH,
    &REQUEST_TOO_LARGE,
    &UNEXPLAINED,
];

/// The cause with that id, as a user may write it. `None` if there is none. Code names a cause by its constant.
#[must_use]
pub fn cause(id: &str) -> Option<&'static Cause> {
    CAUSES.iter().copied().find(|cause| cause.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_complete() {
        let mut ids: Vec<_> = CAUSES.iter().map(|cause| cause.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), CAUSES.len(), "an id stands twice");
        for cause in CAUSES {
            let Cause { id, title, meaning, evidence_for, evidence_against, fix, methods, checks, docs, .. } = cause;
            assert!(id.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{id}");
            assert!(!title.is_empty() && !title.ends_with('.'), "{id}");
            assert!(meaning.ends_with('.') && (2..=4).contains(&sentences(meaning)), "{id}: {}", sentences(meaning));
            assert!(!evidence_for.is_empty() && !evidence_against.is_empty(), "{id}");
            assert!(fix.ends_with('.') && sentences(fix) <= 2, "{id}");
            assert!(!methods.is_empty() && !checks.is_empty(), "{id}");
            assert!(docs.starts_with("https://docs.aws.amazon.com/"), "{id}");
        }
    }

    /// Detectors name causes by their constants, so the compiler finds a misspelt one. This finds one that is not
    /// listed, or is named like another.
    #[test]
    fn every_constant_has_the_name_of_its_id_and_is_in_the_table() {
        let files = [
            include_str!("causes/client.rs"),
            include_str!("causes/connection.rs"),
            include_str!("causes/lambda.rs"),
            include_str!("causes/life.rs"),
            include_str!("causes/rule.rs"),
            include_str!("causes/server.rs"),
            include_str!("causes/target.rs"),
        ];
        let constants = files.iter().flat_map(|file| file.split("pub static ").skip(1));
        let mut found = Vec::new();
        for constant in constants {
            let (name, rest) = constant.split_once(": Cause").expect("a cause");
            let id = rest.split('"').nth(1).expect("an id");
            assert_eq!(name.to_lowercase().replace('_', "-"), id);
            assert!(cause(id).is_some(), "{id} is not in the table");
            found.push(id);
        }
        assert_eq!(found.len(), CAUSES.len());
    }

    fn sentences(text: &str) -> usize {
        text.matches(". ").count() + 1
    }

    #[test]
    fn entries_are_trimmed_and_none_is_listed_twice() {
        for Cause { id, evidence_for, evidence_against, settings, methods, checks, .. } in CAUSES {
            let mut entries: Vec<&str> = evidence_for.iter().chain(*evidence_against).copied().collect();
            entries.extend(settings.iter().map(|setting| setting.stack));
            entries.extend(methods.iter().map(|method| method.method));
            entries.extend(checks.iter().map(|check| check.command));
            for entry in &entries {
                assert!(!entry.is_empty() && entry.trim() == *entry && !entry.contains("  "), "{id}: {entry}");
            }
            let count = entries.len();
            entries.sort_unstable();
            entries.dedup();
            assert_eq!(entries.len(), count, "{id}: an entry stands twice");
            for method in *methods {
                assert!(!method.when.is_empty() && !method.time.is_empty(), "{id}: {method:?}");
            }
        }
    }

    /// Tables and lists wrap texts that are too long, but a setting must stay whole to be copied.
    #[test]
    fn settings_are_on_one_line() {
        for setting in CAUSES.iter().flat_map(|cause| cause.settings) {
            assert!(!setting.setting.is_empty() && !setting.setting.contains('\n'), "{setting:?}");
        }
    }

    #[test]
    fn commands_only_read_and_contain_only_known_placeholders() {
        for check in CAUSES.iter().flat_map(|cause| cause.checks) {
            assert!(check.question.ends_with('?') || check.question.ends_with(')'), "{check:?}");
            let filled = check.fill(|name| {
                assert!(PLACEHOLDERS.contains(&name), "{name} in {}", check.command);
                Some("value".to_owned())
            });
            let filled = filled.expect("each brace has its partner");
            assert!(!filled.contains(['{', '}', '\n', '<', '>', '|', ';', '$', '`']), "{filled}");
            let words: Vec<&str> = filled.split(' ').collect();
            let reads = ["describe-", "list-", "get-", "lookup-", "filter-"];
            let is_read_only = match words[0] {
                "aws" => reads.iter().any(|verb| words[2].starts_with(verb)),
                "curl" => !words.contains(&"-X") && !words.contains(&"-d"),
                "openssl" => words[1] == "s_client",
                _ => false,
            };
            assert!(is_read_only, "{filled}");
        }
    }

    #[test]
    fn a_command_is_filled_or_left_out() {
        let check = check("?", "aws --region {region} {target}");
        let value_of = |name: &str| (name == "region").then(|| "eu-west-1".to_owned());
        assert_eq!(check.fill(value_of), None);
        assert_eq!(check.fill(|name| Some(name.to_uppercase())).as_deref(), Some("aws --region REGION TARGET"));
    }

    #[test]
    fn a_code_decides_which_method_is_the_first() {
        let first = |id: &str, code| cause(id).expect("it is there").methods_for(code, &[])[0].method;
        for (id, code, expected) in [
            ("lambda-error", Some("LambdaResponseTooLarge"), "answer with a link to S3"),
            ("lambda-error", Some("LambdaInvalidResponse"), "correct the format of the answer"),
            (
                "identity-provider-error",
                Some("AuthTokenEpRequestTimeout"),
                "allow the load balancer to reach the endpoints",
            ),
            ("identity-provider-error", Some("AuthUserinfoResponseSizeExceeded"), "send fewer claims"),
        ] {
            assert_eq!(first(id, code), expected, "{id}, {code:?}");
        }
        for cause in CAUSES {
            assert_eq!(cause.methods_for(None, &[]), cause.methods, "{}", cause.id);
            let codes = cause.methods.iter().flat_map(|method| method.codes);
            for code in codes {
                assert!(crate::knowledge::error_reasons::meaning(code.as_bytes()).is_some(), "{code}");
            }
        }
    }

    #[test]
    fn a_sign_that_the_log_shows_puts_a_method_first_and_one_that_it_does_not_show_last() {
        let cause = &APPLICATION_ERROR;
        let methods = |signs: &[(Sign, bool)]| -> Vec<&'static str> {
            cause.methods_for(None, signs).iter().map(|method| method.method).collect()
        };
        let roll_back = "roll back to the previous release";
        assert_eq!(methods(&[(Sign::BeganInTheLog, true)])[0], roll_back);
        assert_eq!(methods(&[(Sign::BeganInTheLog, false)]).last(), Some(&roll_back));
        assert_eq!(methods(&[(Sign::BeganInTheLog, false), (Sign::AtOneTarget, true)])[0], "replace the target");
    }

    #[test]
    fn the_first_method_of_the_causes_people_meet_most() {
        for (id, time, risk) in [
            ("connect-timeout", "5 min", Risk::Low),
            ("connection-refused", "15 min", Risk::Medium),
            ("keep-alive-race", "15 min", Risk::Low),
        ] {
            let first = cause(id).expect("it is there").methods[0];
            assert_eq!((first.time, first.risk), (time, risk), "{id}");
        }
        assert_eq!(cause("bad-luck"), None);
    }
}
