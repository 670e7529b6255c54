//! Maps the codes of the `error_reason` field to the few classes that matter for the outcome.

/// What an `error_reason` code is about.
///
/// Source: the tables of error reason codes in
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// No code (`-`), or one that does not show who failed.
    None,
    /// The user's cookie, token or answer was not accepted (`Auth…`, `JWT…`).
    Authentication,
    /// The identity provider's endpoint or key set failed (`Auth…Ep…`, `JWKS…`).
    IdentityProvider,
    /// The function failed or answered something unusable (`Lambda…`).
    Lambda,
    /// The function was throttled.
    LambdaThrottled,
    /// Connecting to Lambda timed out.
    LambdaTimeout,
    /// The function cannot run as configured: permissions, network, keys, runtime.
    LambdaMisconfigured,
    /// The load balancer got no verdict from AWS WAF (`WAF…`).
    Waf,
}

/// Codes whose class is not that of their prefix.
const CODES: &[(&[u8], Reason)] = &[
    (b"AuthTokenEpRequestFailed", Reason::IdentityProvider),
    (b"AuthTokenEpRequestTimeout", Reason::IdentityProvider),
    (b"AuthUserinfoEpRequestFailed", Reason::IdentityProvider),
    (b"AuthUserinfoEpRequestTimeout", Reason::IdentityProvider),
    (b"LambdaThrottling", Reason::LambdaThrottled),
    (b"LambdaEC2ThrottledException", Reason::LambdaThrottled),
    (b"LambdaConnectionTimeout", Reason::LambdaTimeout),
    (b"LambdaAccessDenied", Reason::LambdaMisconfigured),
    (b"LambdaResourceNotFound", Reason::LambdaMisconfigured),
    (b"LambdaEC2AccessDeniedException", Reason::LambdaMisconfigured),
    (b"LambdaENILimitReachedException", Reason::LambdaMisconfigured),
    (b"LambdaSubnetIPAddressLimitReachedException", Reason::LambdaMisconfigured),
    (b"LambdaInvalidSecurityGroupIDException", Reason::LambdaMisconfigured),
    (b"LambdaInvalidSubnetIDException", Reason::LambdaMisconfigured),
    (b"LambdaInvalidRuntimeException", Reason::LambdaMisconfigured),
    (b"LambdaInvalidZipFileException", Reason::LambdaMisconfigured),
];

/// Classes by prefix, for all other codes and for those that AWS may add. The first match counts, so longer prefixes
/// come first.
const PREFIXES: &[(&[u8], Reason)] = &[
    (b"LambdaKMS", Reason::LambdaMisconfigured),
    (b"Lambda", Reason::Lambda),
    (b"JWKS", Reason::IdentityProvider),
    (b"JWT", Reason::Authentication),
    (b"Auth", Reason::Authentication),
    (b"WAF", Reason::Waf),
];

impl Reason {
    /// Parses the field. `-`, an empty field and unknown codes give [`Reason::None`].
    #[must_use]
    #[inline]
    pub fn parse(code: &[u8]) -> Self {
        if matches!(code, b"-" | b"") { Self::None } else { Self::look_up(code) }
    }

    fn look_up(code: &[u8]) -> Self {
        let exact = CODES.iter().find(|(known, _)| *known == code);
        let family = || PREFIXES.iter().find(|(prefix, _)| code.starts_with(prefix));
        exact.or_else(family).map_or(Self::None, |&(_, reason)| reason)
    }
}
