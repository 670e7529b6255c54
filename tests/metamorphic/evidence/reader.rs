//! The lines as requests, read by rules of their own: those that the documentation of access logs has. It shares
//! nothing with the program but the parser of times.

use albscope::kind::alb;

use crate::log::{Line, Log};

pub(crate) const SECOND: i64 = 1_000_000;

/// What counts as failed, by its id.
const FAILURES: &[&str] = &[
    "target-error",
    "target-gateway-error",
    "connect-failed",
    "connect-timeout",
    "closed-before-response",
    "stream-reset",
    "response-rejected",
    "idle-timeout",
    "incomplete-response",
    "timeout-unspecified",
    "no-target",
    "target-unavailable",
    "lambda-error",
    "lambda-timeout",
    "lambda-throttled",
    "lambda-misconfigured",
    "load-balancer-error",
    "waf-failed",
    "identity-provider-error",
    "client-closed-before-dispatch",
    "client-closed-after-dispatch",
    "unsupported-transfer-encoding",
    "unsupported-http-version",
    "redirect-url-too-long",
];

/// One line, and what it says. Times are in microseconds.
pub(crate) struct Request<'a> {
    line: &'a Line,
    pub(crate) node: String,
    pub(crate) target: &'a str,
    pub(crate) group: &'a str,
    pub(crate) load_balancer: &'a str,
    pub(crate) ended: i64,
    /// When it was sent to its target, or received if it never was.
    pub(crate) sent: i64,
    /// How it ended: the id of the program's outcome.
    pub(crate) outcome: &'static str,
    /// Whether it counts as failed.
    pub(crate) fails: bool,
    /// Whether the line has exact times, and is about no WebSocket connection. The program compares only such.
    pub(crate) is_timed: bool,
    pub(crate) is_socket: bool,
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
}

impl<'a> Request<'a> {
    fn new(line: &'a Line, node: &str) -> Self {
        let before = line.field(alb::REQUEST_PROCESSING_TIME).parse::<f64>().unwrap_or_default().max(0.0);
        #[expect(clippy::cast_possible_truncation, reason = "a short time")]
        let before = (before * 1e6).round() as i64;
        let outcome = ended(line);
        let named = line.field(alb::IP_ADDRESS).trim_matches('-');
        let is_socket = line.field(alb::TYPE).starts_with("ws") || line.field(alb::ELB_STATUS_CODE) == "101";
        let mut words = line.field(alb::REQUEST_LINE).split(' ');
        let (method, url) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let path = url.split_once("://").map_or(url, |(_, rest)| rest.find('/').map_or("", |at| &rest[at..]));
        Self {
            line,
            node: if named.is_empty() { node.to_owned() } else { named.to_owned() },
            target: line.target(),
            group: line.field(alb::TARGET_GROUP_ARN).trim_matches('-'),
            load_balancer: line.field(alb::ELB),
            ended: line.time,
            sent: line.created.map_or(line.time, |created| (created + before).min(line.time)),
            outcome,
            fails: FAILURES.contains(&outcome),
            is_timed: !is_socket && line.created.is_some_and(|created| created <= line.time),
            is_socket,
            method: method.trim_matches('-'),
            path: path.split('?').next().unwrap_or_default(),
        }
    }

    pub(crate) fn field(&self, index: usize) -> &'a str {
        self.line.field(index)
    }

    pub(crate) fn took(&self) -> i64 {
        self.ended - self.sent
    }

    /// From its receipt to its end. `None` if the line does not say when it was received.
    pub(crate) fn elapsed(&self) -> Option<i64> {
        self.line.created.map(|created| self.ended - created).filter(|elapsed| *elapsed >= 0)
    }

    /// Whether the target itself answered, whatever it said.
    pub(crate) fn has_answer(&self) -> bool {
        self.field(alb::TARGET_STATUS_CODE) != "-" && self.field(alb::TARGET_PROCESSING_TIME) != "-1"
    }

    pub(crate) fn is_answered(&self) -> bool {
        !self.fails && self.is_timed && !self.target.is_empty()
    }

    /// A time of the target's in microseconds. `None` if there is none.
    pub(crate) fn processing(&self) -> Option<i64> {
        let seconds: f64 = self.field(alb::TARGET_PROCESSING_TIME).parse().ok()?;
        #[expect(clippy::cast_possible_truncation, reason = "a short time")]
        (seconds >= 0.0).then_some((seconds * 1e6).round() as i64)
    }

    /// Whether it is a request to a route, as reports name it: `GET /orders/{id}`.
    pub(crate) fn is_to(&self, route: &str) -> bool {
        let Some((method, template)) = route.split_once(' ') else { return false };
        let is_known = method == self.method || method.starts_with('(') || method.starts_with('{');
        let segments = |path: &'a str| path.trim_start_matches('/').split('/').enumerate();
        let kept = segments(self.path).filter(|(index, segment)| *index == 0 || !segment.is_empty());
        let mut kept = kept.map(|(_, segment)| segment);
        let mut wanted = template.trim_start_matches('/').split('/');
        loop {
            match (wanted.next(), kept.next()) {
                (Some("…"), _) => return is_known,
                (Some(wanted), Some(segment)) if fits(wanted, segment) => {}
                (None, None) => return is_known && !self.method.is_empty(),
                _ => return false,
            }
        }
    }
}

/// Whether a part of a path may be the part of a route.
fn fits(wanted: &str, segment: &str) -> bool {
    let varies = segment.contains(|c: char| c.is_ascii_digit() || "@%".contains(c) || !c.is_ascii());
    match wanted.split_once('{') {
        None => wanted == segment,
        Some(("", "*}")) => true,
        Some((before, rest)) => {
            let after = rest.split_once('}').map_or("", |(_, after)| after);
            segment.starts_with(before) && segment.ends_with(after) && (varies || segment.len() > 64)
        }
    }
}

/// All requests of a log.
pub(crate) fn read(log: &Log) -> Vec<Request<'_>> {
    let of_object = |object: &'_ crate::log::LogObject| {
        // `…_20261122T0740Z_10.0.3.7_3nk8d.log`
        let parts: Vec<String> = object.key.split('_').map(str::to_owned).collect();
        let is_named = parts.len() >= 7;
        if is_named { parts[parts.len() - 2].clone() } else { String::new() }
    };
    let nodes: Vec<String> = log.objects.iter().map(of_object).collect();
    let with_node =
        log.objects.iter().zip(&nodes).flat_map(|(object, node)| object.lines.iter().map(move |it| (it, node)));
    let mut requests: Vec<Request<'_>> = with_node.map(|(line, node)| Request::new(line, node)).collect();
    requests.sort_by_key(|request| request.ended);
    requests
}

/// How a request ended.
fn ended(line: &Line) -> &'static str {
    let (elb, target) = (line.field(alb::ELB_STATUS_CODE), line.field(alb::TARGET_STATUS_CODE));
    let times = [alb::REQUEST_PROCESSING_TIME, alb::TARGET_PROCESSING_TIME, alb::RESPONSE_PROCESSING_TIME];
    let is_there = times.map(|index| !line.field(index).starts_with('-'));
    let took = line.created.map_or(0, |created| line.time - created);
    let (reason, actions) = (line.field(alb::ERROR_REASON), line.field(alb::ACTIONS_EXECUTED));
    let did = |action: &str| actions.split(',').any(|done| done == action);
    let is_reset =
        [alb::TARGET_ERROR_CODE, alb::ELB_ERROR_CODE].iter().any(|at| !line.field(*at).trim_matches('-').is_empty());
    let has_target = !line.target().is_empty();
    let class = elb.chars().next().unwrap_or('-');
    let is_of_provider = reason.starts_with("JWKS") || reason.starts_with("Auth") && reason.contains("EpRequest");
    match (elb, target) {
        ("460", _) if !is_there[0] => "client-closed-before-dispatch",
        ("460", _) => "client-closed-after-dispatch",
        ("502" | "503" | "504", _) if elb == target => "target-gateway-error",
        _ if elb == target && class == '5' => "target-error",
        _ if elb == target && class == '4' => "target-client-error",
        _ if elb == target && elb.len() == 3 => "ok",
        (_, "-") if class == '5' && (reason.starts_with("WAF") || did("waf-failed") && !has_target) => "waf-failed",
        (_, "-") if actions.rsplit(',').next() == Some("waf") => "waf-blocked",
        ("561" | "562", _) => "identity-provider-error",
        _ if class == '5' && (is_of_provider || reason.starts_with("JWT") || reason.starts_with("Auth")) => {
            "identity-provider-error"
        }
        (_, "-") if class == '4' && (elb == "401" || reason.starts_with("JWT") || reason.starts_with("Auth")) => {
            "authentication-failed"
        }
        (_, "-") if did("fixed-response") => "fixed-response",
        (_, "-") if class == '3' => "redirect",
        (_, "-") if class == '5' && reason.starts_with("Lambda") => of_function(reason),
        (_, "-") if class == '5' && is_reset => "stream-reset",
        ("502", _) if target != "-" || is_there == [true; 3] => "response-rejected",
        ("502", _) if is_there == [false; 3] => "connect-failed",
        ("502", _) => "closed-before-response",
        ("504", _) if target != "-" => "incomplete-response",
        ("504", _) if is_there[0] || is_there[1] => "idle-timeout",
        ("504", _) if has_target && (SECOND * 19 / 2..SECOND * 23 / 2).contains(&took) => "connect-timeout",
        ("504", _) if has_target && took >= SECOND * 23 / 2 => "idle-timeout",
        ("504", _) => "timeout-unspecified",
        ("503", _) if has_target => "target-unavailable",
        ("503", _) if did("forward") || actions.is_empty() => "no-target",
        ("501", _) => "unsupported-transfer-encoding",
        ("505", _) => "unsupported-http-version",
        ("507", _) => "redirect-url-too-long",
        _ if class == '5' => "load-balancer-error",
        _ => "other",
    }
}

fn of_function(reason: &str) -> &'static str {
    match reason {
        "LambdaThrottling" | "LambdaEC2ThrottledException" => "lambda-throttled",
        "LambdaConnectionTimeout" => "lambda-timeout",
        _ if reason.starts_with("LambdaKMS") => "lambda-misconfigured",
        "LambdaAccessDenied"
        | "LambdaResourceNotFound"
        | "LambdaEC2AccessDeniedException"
        | "LambdaENILimitReachedException"
        | "LambdaSubnetIPAddressLimitReachedException"
        | "LambdaInvalidSecurityGroupIDException"
        | "LambdaInvalidSubnetIDException"
        | "LambdaInvalidRuntimeException"
        | "LambdaInvalidZipFileException" => "lambda-misconfigured",
        _ => "lambda-error",
    }
}
