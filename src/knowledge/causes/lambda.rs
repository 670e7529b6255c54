//! What goes wrong with Lambda targets. `error_reason` names each of them.

use super::{Cause, Check, Risk, check, method, setting};
use crate::knowledge::Sign;

/// The function is the only target of its target group, so the health of the group's targets names it.
const WHICH_FUNCTION: Check = check(
    "which function is it?",
    "aws elbv2 describe-target-health --region {region} --target-group-arn {target_group_arn}",
);
const HOW_IS_IT_SET_UP: Check = check(
    "what are the function's timeout, memory, runtime and state?",
    "aws lambda get-function-configuration --region {region} --function-name {function}",
);
const WHAT_DID_IT_LOG: Check = check(
    "what did the function log?",
    "aws logs filter-log-events --region {region} --log-group-name /aws/lambda/{function} --filter-pattern ERROR",
);
const MAY_IT_BE_CALLED: Check = check(
    "is the load balancer allowed to call the function?",
    "aws lambda get-policy --region {region} --function-name {function}",
);
const HOW_MANY_502: Check = check("how many 502s did the load balancer return?", metric!("HTTPCode_ELB_502_Count"));

/// `lambda-error`
pub static LAMBDA_ERROR: Cause = Cause {
    id: "lambda-error",
    title: "the Lambda function failed or answered something unusable",
    is_notice: false,
    meaning: "The load balancer called the function and got an error, or an answer that it cannot turn into HTTP. \
        An answer is an object with statusCode, headers whose values are strings, body as a string, and \
        isBase64Encoded; one header with a number as its value makes it invalid. Request and answer may have at \
        most 1 MB each.",
    evidence_for: &[
        "error_reason is LambdaUnhandled, LambdaInvalidResponse, LambdaResponseTooLarge or another code of the \
            function",
        "the times were measured, so the function was called",
    ],
    evidence_against: &[
        "error_reason names throttling, a timeout or permissions: the other Lambda causes",
        "the function's own test succeeds: only the format of the answer is wrong",
    ],
    fix: "Read the function's log; answer with a statusCode, string headers and at most 1 MB.",
    settings: &[
        setting(
            "Node.js, Python, any",
            r#"{ "statusCode": 200, "headers": { "Content-Type": "text/plain" }, "body": "ok", "isBase64Encoded": false }"#,
        ),
        setting("target group, for headers with several values", "lambda.multi_value_headers.enabled=true"),
    ],
    methods: &[
        method("catch and log what the function throws", "LambdaUnhandled", "hours", Risk::Low)
            .for_codes(&["LambdaUnhandled"]),
        method("correct the format of the answer", "LambdaInvalidResponse", "30 min", Risk::Low)
            .for_codes(&["LambdaInvalidResponse"]),
        method("answer with a link to S3", "LambdaResponseTooLarge", "hours", Risk::Medium)
            .for_codes(&["LambdaResponseTooLarge"]),
        method("roll back to the previous version", "it began with a new version", "10 min", Risk::Low)
            .if_shown(Sign::BeganInTheLog),
    ],
    checks: &[WHICH_FUNCTION, HOW_MANY_502, WHAT_DID_IT_LOG, HOW_IS_IT_SET_UP],
    docs: page!("lambda-functions.html"),
};

/// `lambda-timeout`
pub static LAMBDA_TIMEOUT: Cause = Cause {
    id: "lambda-timeout",
    title: "Lambda did not answer in time",
    is_notice: false,
    meaning: "Either the function ran for longer than its own timeout, or the load balancer could not reach the \
        Lambda service in time. The function's timeout is 3 s unless it was set, and 15 min at most. A function in \
        a VPC without outbound access waits for the network until then.",
    evidence_for: &[
        "error_reason names a timeout, or the elapsed times pile up at a constant: the function's timeout",
        "a new version, or a dependency that became slow",
    ],
    evidence_against: &[
        "short and different times: lambda-error",
        "error_reason is LambdaThrottling: lambda-throttled",
    ],
    fix: "Make the function faster or its timeout longer, and check its network.",
    settings: &[
        setting("function", "--timeout 30 --memory-size 1024"),
        setting("function, against cold starts", "--provisioned-concurrent-executions 5"),
    ],
    methods: &[
        method("raise the function's timeout and memory", "it needs that long", "5 min", Risk::Low),
        method("give its VPC a NAT gateway or an endpoint", "it waits for the network", "30 min", Risk::Medium),
        method("give its own calls shorter timeouts", "a dependency is slow", "hours", Risk::Medium),
    ],
    checks: &[WHICH_FUNCTION, HOW_MANY_502, HOW_IS_IT_SET_UP, WHAT_DID_IT_LOG],
    docs: page!("lambda-functions.html"),
};

/// `lambda-throttled`
pub static LAMBDA_THROTTLED: Cause = Cause {
    id: "lambda-throttled",
    title: "the Lambda function was throttled",
    is_notice: false,
    meaning: "More calls came at the same time than the function's reserved concurrency or the account's limit \
        allows. Lambda refused the rest, and the load balancer does not retry. Functions of one account and region \
        share one limit, so another function may have used it up.",
    evidence_for: &[
        "error_reason is LambdaThrottling",
        "many requests at the same time, or answers that became slower: each call then counts for longer",
    ],
    evidence_against: &["error_reason is another: lambda-error, lambda-misconfigured"],
    fix: "Raise the function's reserved concurrency or the account's limit.",
    settings: &[setting("function", "--reserved-concurrent-executions 200")],
    methods: &[
        method(
            "raise or remove the reserved concurrency",
            "the function has one, and the account has room",
            "5 min",
            Risk::Low,
        ),
        method("ask AWS for a higher limit", "the account's limit is used up", "days", Risk::Low),
        method("make the function faster", "calls take longer than before", "hours", Risk::Medium),
    ],
    checks: &[
        WHICH_FUNCTION,
        check(
            "what is the function's reserved concurrency?",
            "aws lambda get-function-concurrency --region {region} --function-name {function}",
        ),
        check("what is the account's limit?", "aws lambda get-account-settings --region {region}"),
    ],
    docs: page!("lambda-functions.html"),
};

/// `lambda-misconfigured`
pub static LAMBDA_MISCONFIGURED: Cause = Cause {
    id: "lambda-misconfigured",
    title: "the Lambda function cannot run as configured",
    is_notice: false,
    meaning: "The function was not started at all. The load balancer is not allowed to call it, its key cannot be \
        used, its network cannot be set up, or its runtime or package is not valid. It fails for every request \
        until somebody changes it.",
    evidence_for: &[
        "error_reason names access, keys, the VPC, the runtime or the package",
        "from one moment on, every request of the target group fails",
    ],
    evidence_against: &["some requests are answered: lambda-error, lambda-throttled"],
    fix: "Check its permissions, VPC, keys and runtime; error_reason in the samples says which.",
    settings: &[setting(
        "permission",
        "aws lambda add-permission --function-name NAME --statement-id alb --action lambda:InvokeFunction --principal elasticloadbalancing.amazonaws.com --source-arn TARGET_GROUP_ARN",
    )],
    methods: &[
        method("give the load balancer the permission to call it", "LambdaAccessDenied", "5 min", Risk::Low),
        method(
            "let the function's role use the key",
            "LambdaKMSAccessDeniedException and similar codes",
            "10 min",
            Risk::Low,
        ),
        method(
            "correct its subnets and security groups",
            "LambdaENILimitReachedException, LambdaInvalidSubnetIDException",
            "30 min",
            Risk::Medium,
        ),
        method(
            "deploy a valid runtime or package",
            "LambdaInvalidRuntimeException, LambdaInvalidZipFileException",
            "30 min",
            Risk::Medium,
        ),
    ],
    checks: &[WHICH_FUNCTION, MAY_IT_BE_CALLED, HOW_IS_IT_SET_UP],
    docs: page!("lambda-functions.html"),
};
