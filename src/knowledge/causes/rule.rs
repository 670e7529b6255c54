//! What a rule of the listener answers before any target.

use super::{Cause, Check, Risk, check, method, setting};

const WHICH_WEB_ACL: Check = check(
    "which web ACL and rules does the load balancer have?",
    "aws wafv2 get-web-acl-for-resource --region {region} --resource-arn {load_balancer_arn}",
);
const WHAT_ARE_ATTRIBUTES: Check = check(
    "does the load balancer let requests pass when AWS WAF is away (waf.fail_open.enabled)?",
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

pub(super) const WAF_BLOCKED: Cause = Cause {
    id: "waf-blocked",
    title: "AWS WAF rejected the request",
    meaning: "A rule of the web ACL on the load balancer matched the request, and AWS WAF answered in the target's \
        place, with 403 unless the rule says otherwise. That is what it is there for. It becomes a fault where the \
        requests are legitimate, often after an update of a managed rule group.",
    evidence_for: &["waf among actions_executed, no target, and 403", "scanners: odd paths, one client, many tries"],
    evidence_against: &[
        "target_status_code is 403 too: the application said it",
        "waf-failed among actions_executed: waf-unavailable",
    ],
    fix: "If the requests are legitimate, find the rule in the sampled requests of the web ACL and except them.",
    settings: &[setting("web ACL, a managed rule group", r#""OverrideAction": { "Count": {} }"#)],
    methods: &[
        method("nothing", "scanners and attacks", "0 min", Risk::Low),
        method("set the rule to count, and look", "legitimate requests are blocked", "10 min", Risk::Medium),
        method("except the path or the client from the rule", "the rule is right for the rest", "30 min", Risk::Medium),
    ],
    checks: &[
        WHICH_WEB_ACL,
        check("was the web ACL changed at that time?", trail!("UpdateWebACL")),
        check(
            "how does AWS WAF log?",
            "aws wafv2 get-logging-configuration --region {region} --resource-arn {web_acl_arn}",
        ),
    ],
    docs: page!("load-balancer-troubleshooting.html"),
};

pub(super) const WAF_UNAVAILABLE: Cause = Cause {
    id: "waf-unavailable",
    title: "AWS WAF could not be asked",
    meaning: "The load balancer could not get a verdict from AWS WAF and so, as it is set up, answered 500 rather \
        than let the request pass unseen. It is rarely the target's or the client's fault. Where availability \
        matters more, the load balancer can be told to let such requests pass.",
    evidence_for: &[
        "waf-failed among actions_executed, or an error_reason that begins with WAF",
        "all paths and clients alike",
    ],
    evidence_against: &[
        "403 and waf among actions_executed: waf-blocked",
        "target_status_code is 500: application-error",
    ],
    fix: "Check the web ACL and the service's status; decide whether the load balancer shall fail open \
        (waf.fail_open.enabled).",
    settings: &[setting("load balancer", "waf.fail_open.enabled=true")],
    methods: &[
        method(
            "let requests pass while AWS WAF is away",
            "availability matters more than the web ACL",
            "5 min",
            Risk::Medium,
        ),
        method("correct the web ACL, or associate it anew", "it was changed just before", "15 min", Risk::Medium),
        method("ask AWS Support", "nothing was changed", "hours", Risk::Low),
    ],
    checks: &[
        WHICH_WEB_ACL,
        WHAT_ARE_ATTRIBUTES,
        check("was the web ACL changed at that time?", trail!("UpdateWebACL")),
    ],
    docs: page!("load-balancer-troubleshooting.html"),
};

pub(super) const AUTHENTICATION_FAILED: Cause = Cause {
    id: "authentication-failed",
    title: "the user was not authenticated",
    meaning: "A rule of the listener asks for a login or a token, and this request had none that is valid: a cookie \
        that ran out, a login that took too long, a token that was changed. Single cases are people. Many at once \
        from one moment on are a key, a secret or a setting that was changed.",
    evidence_for: &[
        "authenticate or a validation of tokens among actions_executed, and an error_reason that begins with Auth \
            or JWT",
        "no target",
    ],
    evidence_against: &[
        "target_status_code is 401: the application said it",
        "error_reason names an endpoint of the provider: identity-provider-error",
    ],
    fix: "error_reason in the samples names why; single cases are users, many at once are a configuration.",
    settings: &[
        setting("listener rule, session", "SessionTimeout=604800"),
        setting("listener rule, requests without a login", "OnUnauthenticatedRequest=authenticate"),
    ],
    methods: &[
        method("nothing", "single users", "0 min", Risk::Low),
        method(
            "correct the client's secret, the issuer or the keys in the rule",
            "all users, from a moment on",
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

pub(super) const IDENTITY_PROVIDER_ERROR: Cause = Cause {
    id: "identity-provider-error",
    title: "the identity provider or its keys could not be used",
    meaning: "To let a user in, the load balancer asks the identity provider for a token, the user's claims or its \
        keys, and gives it 5 s. It was not reached, too slow, or answered something that is not accepted, such as \
        claims of more than 11 KB. Nobody new gets in meanwhile; sessions that stand go on.",
    evidence_for: &[
        "500, 561 or 562 with an error_reason that names an endpoint of the provider",
        "5 s elapsed: the provider was not reached or was too slow",
        "all users, from a moment on",
    ],
    evidence_against: &["single users: authentication-failed", "target_status_code is 500: application-error"],
    fix: "Check that the load balancer reaches the provider's endpoints within 5 s, and what they answer.",
    settings: &[
        setting("security group of the load balancer, outbound", "TCP 443 to the provider's endpoints"),
        setting("internal load balancer, or one without public IPv4", "a NAT gateway in its subnets' routes"),
    ],
    methods: &[
        method("wait for the provider, or ask it", "it is down for others too", "hours", Risk::Low),
        method(
            "let the load balancer out to the endpoints",
            "its security group or routes were changed",
            "10 min",
            Risk::Low,
        ),
        method("send fewer claims", "AuthUserinfoResponseSizeExceeded", "30 min", Risk::Medium),
    ],
    checks: &[
        check("how many logins ended in an error?", metric!("ELBAuthError")),
        WHICH_LISTENERS,
        check("were rules changed at that time?", trail!("ModifyRule")),
        WHICH_RULES,
    ],
    docs: page!("listener-authenticate-users.html"),
};
