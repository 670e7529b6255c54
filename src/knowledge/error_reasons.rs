//! What the codes of the `error_reason` field mean.
//!
//! Source: the tables of error reason codes in
//! <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html>

/// The codes and what each says, as a clause that goes on from the code.
const MEANINGS: &[(&str, &str)] = &[
    ("AuthInvalidCookie", "the session cookie is not valid"),
    ("AuthInvalidGrantError", "the provider's token endpoint refused the authorization code"),
    ("AuthInvalidIdToken", "the ID token is not valid"),
    ("AuthInvalidStateParam", "the state parameter is not valid"),
    ("AuthInvalidTokenResponse", "the answer of the provider's token endpoint is not valid"),
    ("AuthInvalidUserinfoResponse", "the answer of the provider's user info endpoint is not valid"),
    ("AuthMissingCodeParam", "the provider sent the user back without a code"),
    ("AuthMissingStateParam", "the provider sent the user back without a state"),
    ("AuthMissingHostHeader", "the answer of the provider has no host header"),
    ("AuthTokenEpRequestFailed", "the provider's token endpoint answered with an error"),
    ("AuthTokenEpRequestTimeout", "the load balancer did not reach the provider's token endpoint within 5 s"),
    ("AuthUnhandledException", "the load balancer itself failed"),
    ("AuthUserinfoEpRequestFailed", "the provider's user info endpoint answered with an error"),
    ("AuthUserinfoEpRequestTimeout", "the load balancer did not reach the provider's user info endpoint within 5 s"),
    ("AuthUserinfoResponseSizeExceeded", "the user's claims are larger than 11 KB"),
    ("JWKSRequestFailed", "the key set's endpoint answered with an error"),
    ("JWKSRequestTimeout", "the load balancer did not reach the key set's endpoint within 5 s"),
    ("JWKSResponseInvalid", "the key set cannot be used"),
    ("JWKSResponseSizeExceeded", "the key set is larger than 150 KB or has more than 10 keys"),
    ("JWTClaimFormatInvalid", "a claim of the token has another format than the rule wants"),
    ("JWTClaimNotPresent", "a claim that the rule wants is missing in the token"),
    ("JWTClaimValueInvalid", "a claim of the token has a value that the rule does not accept"),
    ("JWTHeaderNotPresent", "the request has no Authorization header"),
    ("JWTRequestFormatInvalid", "the Authorization header has no usable bearer token"),
    ("JWTSignatureValidationError", "the token's signature is wrong, or its key is not in the key set"),
    ("JWTSignatureValidationFailed", "the token's signature is wrong, or its key is not in the key set"),
    ("JWTValidationInternalError", "the load balancer itself failed"),
    ("LambdaAccessDenied", "the load balancer may not call the function"),
    ("LambdaBadRequest", "the request has headers or a body that are not UTF-8"),
    ("LambdaConnectionError", "the load balancer could not connect to Lambda"),
    ("LambdaConnectionTimeout", "connecting to Lambda timed out"),
    ("LambdaEC2AccessDeniedException", "EC2 refused access while the function was set up"),
    ("LambdaEC2ThrottledException", "EC2 throttled Lambda while the function was set up"),
    ("LambdaEC2UnexpectedException", "EC2 failed while the function was set up"),
    ("LambdaENILimitReachedException", "the VPC's limit of network interfaces is reached"),
    ("LambdaInvalidResponse", "the function's answer is not an object that the load balancer can turn into HTTP"),
    ("LambdaInvalidRuntimeException", "the function's runtime is not supported"),
    ("LambdaInvalidSecurityGroupIDException", "the function's security group does not exist"),
    ("LambdaInvalidSubnetIDException", "the function's subnet does not exist"),
    ("LambdaInvalidZipFileException", "the function's package cannot be unpacked"),
    ("LambdaKMSAccessDeniedException", "Lambda may not use the key of the function's environment variables"),
    ("LambdaKMSDisabledException", "the key of the function's environment variables is disabled"),
    ("LambdaKMSInvalidStateException", "the key of the function's environment variables cannot be used in its state"),
    ("LambdaKMSNotFoundException", "the key of the function's environment variables does not exist"),
    ("LambdaRequestTooLarge", "the request's body is larger than 1 MB, the limit"),
    ("LambdaResourceNotFound", "the function does not exist"),
    ("LambdaResponseTooLarge", "the function's answer is larger than 1 MB, the limit"),
    ("LambdaServiceException", "Lambda itself failed"),
    ("LambdaSubnetIPAddressLimitReachedException", "the function's subnets have no free addresses"),
    ("LambdaThrottling", "Lambda throttled the function"),
    ("LambdaUnhandled", "the function ended with an error that it did not handle, or did not end in time"),
    ("LambdaUnhandledException", "the load balancer itself failed"),
    ("LambdaWebsocketNotSupported", "Lambda functions take no WebSocket connections"),
    ("WAFConnectionError", "the load balancer could not connect to AWS WAF"),
    ("WAFConnectionTimeout", "connecting to AWS WAF timed out"),
    ("WAFResponseReadTimeout", "AWS WAF did not answer in time"),
    ("WAFServiceError", "AWS WAF answered with an error"),
    ("WAFUnhandledException", "the load balancer itself failed"),
];

/// All known codes and what each says, by code.
pub fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    MEANINGS.iter().copied()
}

/// What a code says. `None` for a code that the documentation does not have.
#[must_use]
pub fn meaning(code: &[u8]) -> Option<&'static str> {
    MEANINGS.iter().find(|(known, _)| known.as_bytes() == code).map(|(_, meaning)| *meaning)
}

/// Whether a function that reached its own timeout may have this code.
#[must_use]
pub fn may_be_timeout(code: &[u8]) -> bool {
    matches!(code, b"LambdaUnhandled" | b"LambdaConnectionTimeout")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted_and_meanings_go_on_from_them() {
        let codes: Vec<&str> = MEANINGS.iter().map(|(code, _)| *code).collect();
        let mut sorted = codes.clone();
        sorted.sort_unstable_by_key(|code| code.to_lowercase());
        sorted.dedup();
        assert_eq!(codes.len(), sorted.len());
        for (code, meaning) in MEANINGS {
            assert!(code.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{code}");
            assert!(!meaning.ends_with('.') && meaning.len() > 10, "{code}");
        }
        assert_eq!(meaning(b"LambdaThrottling"), Some("Lambda throttled the function"));
        assert_eq!(meaning(b"TargetTimeout"), None);
    }
}
