//! What a listener rule answers before any target gets the request.

use super::{Cause, Check, Risk, check, method, setting};
use crate::knowledge::Sign;

const WHICH_WEB_ACL: Check = check(
    "which web ACL and rules does the load balancer have?",
    "aws wafv2 get-web-acl-for-resource --region {region} --resource-arn {load_balancer_arn}",
);
const WHAT_ARE_ATTRIBUTES: Check = check(
    "does the load balancer let requests pass when AWS WAF is unavailable (waf.fail_open.enabled)?",
    "aws elbv2 describe-load-balancer-attributes --region {region} --load-balancer-arn {load_balancer_arn}",
);
const WHICH_LISTENERS: Check = check(
    "which listeners are there? (their rules hold the provider's endpoints)",
    "aws elbv2 describe-listeners --region {region} --load-balancer-arn {load_balancer_arn}",
);
const WHICH_RULES: Check = check(
    "how does the rule authenticate?",
    "aws elbv2 describe-rules --region {region} --listener-arn {listener_arn}",
);

/// `waf-blocked`
pub static WAF_BLOCKED: Cause = Cause {
    id: "waf-blocked",
    title: "AWS WAF rejected the request",
    is_notice: true,
    meaning: "A rule of the web ACL on the load balancer matched the request, and AWS WAF answered instead of the \
        target, with 403 unless the rule says otherwise. That is its purpose. It becomes a fault if the requests \
        are legitimate, often after an update of a managed rule group.",
    evidence_for: &["waf among actions_executed, no target, and 403", "scanners: odd paths, one client, many tries"],
    evidence_against: &[
        "target_status_code is 403 too: the application answered it",
        "waf-failed among actions_executed: waf-unavailable",
    ],
    fix: "If the requests are legitimate, find the rule in the sampled requests of the web ACL and exempt them from \
        it.",
    settings: &[setting("web ACL, a managed rule group", r#""OverrideAction": { "Count": {} }"#)],
    methods: &[
        method("nothing", "scanners and attacks", "0 min", Risk::Low),
        method(
            "set the rule to count, and watch what it matches",
            "legitimate requests are blocked",
            "10 min",
            Risk::Medium,
        ),
        method("exempt the path or the client from the rule", "the rule is right for the rest", "30 min", Risk::Medium),
    ],
    checks: &[
        WHICH_WEB_ACL,
        check("was the web ACL changed at that time?", trail!("UpdateWebACL")),
        check(
            "does AWS WAF log, and where?",
            "aws wafv2 get-logging-configuration --region {region} --resource-arn {web_acl_arn}",
        ),
    ],
    docs: page!("load-balancer-troubleshooting.html"),
};

/// `waf-unavailable`
pub static WAF_UNAVAILABLE: Cause = Cause {
    id: "waf-unavailable",
    title: "AWS WAF gave no decision",
    is_notice: false,
    meaning: "The load balancer could not get a decision from AWS WAF and, as configured, answered 500 instead of \
        letting the request pass unchecked. It is rarely the fault of the target or the client. If availability \
        matters more, the load balancer can be configured to let such requests pass.",
    evidence_for: &[
        "waf-failed among actions_executed, or an error_reason that begins with WAF",
        "all paths and all clients",
    ],
    evidence_against: &[
        "403 and waf among actions_executed: waf-blocked",
        "target_status_code is 500: application-error",
    ],
    fix: "Check the web ACL and the service's status; decide whether the load balancer should fail open \
        (waf.fail_open.enabled).",
    settings: &[setting("load balancer", "waf.fail_open.enabled=true")],
    methods: &[
        method(
            "let requests pass while AWS WAF is unavailable",
            "availability matters more than the web ACL",
            "5 min",
            Risk::Medium,
        ),
        method("correct the web ACL, or associate it again", "it was changed just before", "15 min", Risk::Medium)
            .if_shown(Sign::BeganInTheLog),
        method("ask AWS Support", "nothing was changed", "hours", Risk::Low),
    ],
    checks: &[
        WHICH_WEB_ACL,
        WHAT_ARE_ATTRIBUTES,
        check("was the web ACL changed at that time?", trail!("UpdateWebACL")),
    ],
    docs: page!("load-balancer-troubleshooting.html"),
};

/// `authentication-failed`
pub static AUTHENTICATION_FAILED: Cause = Cause {
    id: "authentication-failed",
    title: "the user was not authenticated",
    is_notice: true,
    meaning: "A rule of the listener requires a login or a token, and this request had no valid one: a cookie that \
        expired, a login that took too long, a token that was changed. Single cases are users. Many at the same \
        time, from one moment on, are caused by a key, a secret or a setting that was changed.",
    evidence_for: &[
        "authenticate or a token validation among actions_executed, and an error_reason that begins with Auth or JWT",
        "no target",
    ],
    evidence_against: &[
        "target_status_code is 401: the application answered it",
        "error_reason names an endpoint of the provider: identity-provider-error",
    ],
    fix: "error_reason in the samples says why; single cases are users, many at the same time are a configuration \
        error.",
    settings: &[
        setting("listener rule, session", "SessionTimeout=604800"),
        setting("listener rule, requests without a login", "OnUnauthenticatedRequest=authenticate"),
    ],
    methods: &[
        method("nothing", "single users", "0 min", Risk::Low),
        method(
            "correct the client secret, the issuer or the keys in the rule",
            "all users, from one moment on",
            "15 min",
            Risk::Medium,
        ),
    ],
    checks: &[
        check("how many logins failed?", metric!("ELBAuthFailure")),
        WHICH_LISTENERS,
        check("were rules changed at that time?", trail!("ModifyRule")),
        WHICH_RULES,
    ],
    docs: page!("listener-authenticate-users.html"),
};

/// `identity-provider-error`
pub static IDENTITY_PROVIDER_ERROR: Cause = Cause {
    id: "identity-provider-error",
    title: "the identity provider or its keys could not be used",
    is_notice: false,
    meaning: "To let a user in, the load balancer asks the identity provider for a token, the user's claims or its \
        keys, and waits at most 5 s. The provider was not reached, was too slow, or answered something that is not \
        accepted, such as claims of more than 11 KB. New users cannot log in meanwhile; existing sessions continue.",
    evidence_for: &[
        "500, 561 or 562 with an error_reason that names an endpoint of the provider",
        "5 s elapsed: the provider was not reached or was too slow",
        "all users, from one moment on",
    ],
    evidence_against: &["single users: authentication-failed", "target_status_code is 500: application-error"],
    fix: "Check that the load balancer reaches the provider's endpoints within 5 s, and what they answer.",
    settings: &[
        setting("security group of the load balancer, outbound", "TCP 443 to the provider's endpoints"),
        setting("internal load balancer, or one without public IPv4", "a NAT gateway in its subnets' routes"),
    ],
    methods: &[
        method(
            "allow the load balancer to reach the endpoints",
            "the code ends in Timeout: its security group, its routes, or a NAT gateway that it needs",
            "10 min",
            Risk::Low,
        )
        .for_codes(&["AuthTokenEpRequestTimeout", "AuthUserinfoEpRequestTimeout", "JWKSRequestTimeout"]),
        method(
            "look at what the endpoint answers, and correct the client id, the secret or the address in the rule",
            "the code ends in Failed or names an answer that is not valid",
            "30 min",
            Risk::Low,
        )
        .for_codes(&[
            "AuthTokenEpRequestFailed",
            "AuthUserinfoEpRequestFailed",
            "AuthInvalidTokenResponse",
            "AuthInvalidUserinfoResponse",
            "JWKSRequestFailed",
            "JWKSResponseInvalid",
        ]),
        method("send fewer claims", "AuthUserinfoResponseSizeExceeded", "30 min", Risk::Medium)
            .for_codes(&["AuthUserinfoResponseSizeExceeded"]),
        method("wait for the provider, or contact it", "it is down for others too", "hours", Risk::Low),
    ],
    checks: &[
        check("how many logins ended in an error?", metric!("ELBAuthError")),
        WHICH_LISTENERS,
        check("were rules changed at that time?", trail!("ModifyRule")),
        WHICH_RULES,
    ],
    docs: page!("listener-authenticate-users.html"),
};
