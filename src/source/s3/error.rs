//! The errors of requests to S3, by meaning, and their messages.

use std::error::Error as StdError;
use std::fmt::Write as _;
use std::io;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

/// Why a request failed.
#[derive(Clone, Debug)]
pub(super) struct S3Error {
    pub(super) kind: S3ErrorKind,
    /// What the store, the network or the credential chain said.
    pub(super) detail: String,
}

/// What an error means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum S3ErrorKind {
    /// The store asks for fewer requests.
    Throttled,
    /// Likely to be gone the next time: 5xx other than 503, time-outs, resets, bodies cut short.
    Transient,
    /// Nothing answers at the endpoint's address, or its name has no address.
    Unreachable,
    /// The endpoint does not speak TLS, or has a certificate that this machine does not trust.
    NoTls,
    /// The bucket is in another region. `None` if the answer does not say which.
    WrongRegion(Option<String>),
    NoCredentials,
    /// The profile has only a session of `aws login`, which this program cannot use.
    LoginSession,
    ExpiredCredentials,
    BadCredentials,
    Denied,
    NoBucket,
    NoKey,
    /// The object is not the one that was listed.
    Changed,
    /// The object is archived and must be restored first.
    Archived,
    /// The store no longer accepts a listing's continuation token.
    BadToken,
    /// The answer's status is a success, but it cannot be parsed: a listing may have names that XML cannot represent.
    Garbled,
    /// The clock of this machine is wrong.
    Skewed,
    Other,
}

/// What was asked for, so that the message can say which permission it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum S3Action {
    List,
    Get,
}

impl S3Error {
    pub(super) fn new(kind: S3ErrorKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into() }
    }

    pub(super) fn transient(detail: impl Into<String>) -> Self {
        Self::new(S3ErrorKind::Transient, detail)
    }

    /// Classifies the SDK's error.
    pub(super) fn of<E>(error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + StdError + 'static,
    {
        let status = error.raw_response().map(|response| response.status().as_u16());
        let service = error.as_service_error();
        let code = service.and_then(ProvideErrorMetadata::code).unwrap_or_default();
        let message = service.and_then(ProvideErrorMetadata::message);
        let detail = match (status, message) {
            (Some(status), Some(message)) if !code.is_empty() => format!("{status} {code}: {message}"),
            (Some(status), _) if !code.is_empty() => format!("{status} {code}"),
            (Some(status), _) if service.is_some() => format!("the answer was {status}"),
            _ => chain(error),
        };
        let kind = match error {
            SdkError::TimeoutError(_) | SdkError::ResponseError(_) => S3ErrorKind::Transient,
            // A request that could not be built will not be built the next time either.
            SdkError::ConstructionFailure(_) => of_credentials(error).unwrap_or(S3ErrorKind::Other),
            SdkError::DispatchFailure(failure) => of_credentials(error).unwrap_or_else(|| {
                let was_sent = !failure.is_other() || detail.contains("client error");
                // If it was not sent, the SDK found no way to send it, as for an access
                // point at another store's address.
                if was_sent { of_connection(error) } else { S3ErrorKind::Other }
            }),
            _ => {
                let header = |name| error.raw_response().and_then(|response| response.headers().get(name));
                let region = header("x-amz-bucket-region").map(str::to_owned).or_else(|| region_in_body(error));
                of_answer(status.unwrap_or_default(), code, region)
            }
        };
        Self { kind, detail }
    }

    /// Whether to try again.
    pub(super) fn is_passing(&self) -> bool {
        matches!(
            self.kind,
            S3ErrorKind::Throttled | S3ErrorKind::Transient | S3ErrorKind::Unreachable | S3ErrorKind::NoTls
        )
    }

    /// Says what is wrong and what to do, after `action` on `key` (or a prefix) of `bucket`, whose region is `region`.
    pub(super) fn explain(&self, action: S3Action, region: &str, bucket: &str, key: &str) -> io::Error {
        let detail = &self.detail;
        let arn = arn(region, bucket);
        let text = match &self.kind {
            S3ErrorKind::Throttled => {
                format!("S3 kept asking for fewer requests; try a smaller --concurrency ({detail})")
            }
            S3ErrorKind::Transient => format!("all tries failed: {detail}"),
            S3ErrorKind::Unreachable => {
                format!("nothing answers at that address: check --endpoint-url, --region and the network ({detail})")
            }
            S3ErrorKind::NoTls => format!(
                "the server does not speak TLS, or this machine does not trust its certificate: check --endpoint-url, \
                 which may have to begin with http://, and the certificates that this machine trusts ({detail})"
            ),
            S3ErrorKind::WrongRegion(Some(region)) => {
                format!("the bucket is in {region}: use --region {region} ({detail})")
            }
            S3ErrorKind::WrongRegion(None) => {
                format!("the bucket is in another region: set it with --region ({detail})")
            }
            S3ErrorKind::NoCredentials => format!(
                "no AWS credentials: log in (aws sso login), choose a profile with --profile, set AWS_ACCESS_KEY_ID \
                 and AWS_SECRET_ACCESS_KEY, or run where a role is attached; for a public bucket, use --no-sign-request \
                 ({detail})"
            ),
            S3ErrorKind::LoginSession => login_session_advice(None),
            S3ErrorKind::ExpiredCredentials => format!(
                "the AWS credentials have expired: log in again (aws sso login), or renew AWS_SESSION_TOKEN ({detail})"
            ),
            S3ErrorKind::BadCredentials => {
                format!("S3 does not accept the AWS credentials: check the profile or the keys in use ({detail})")
            }
            S3ErrorKind::Denied => match action {
                S3Action::List => format!("access denied: listing needs s3:ListBucket on {arn} ({detail})"),
                S3Action::Get => {
                    format!("access denied: reading needs s3:GetObject on {arn}/{} ({detail})", pattern(key))
                }
            },
            S3ErrorKind::NoBucket => format!("there is no bucket {bucket} ({detail})"),
            S3ErrorKind::NoKey => format!("it does not exist (any more) ({detail})"),
            S3ErrorKind::Changed => format!("it was replaced while it was being read ({detail})"),
            S3ErrorKind::Archived => {
                format!("it is archived: restore it first, for example with aws s3api restore-object ({detail})")
            }
            S3ErrorKind::Skewed => {
                format!("this machine's clock is wrong by more than S3 accepts: correct it ({detail})")
            }
            S3ErrorKind::Garbled => format!("the store's answer cannot be read: {detail}"),
            S3ErrorKind::BadToken | S3ErrorKind::Other => detail.clone(),
        };
        io::Error::other(text)
    }
}

/// The ARN of a bucket. An access point is named by its ARN already.
fn arn(region: &str, bucket: &str) -> String {
    if bucket.starts_with("arn:") {
        return bucket.to_owned();
    }
    let partition = match region {
        region if region.starts_with("cn-") => "aws-cn",
        region if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    };
    format!("arn:{partition}:s3:::{bucket}")
}

/// The objects that a policy should name so that `key` and its neighbours can be read: all those below `AWSLogs/`,
/// or else all those in the folder.
fn pattern(key: &str) -> String {
    let folder = match key.find("AWSLogs/") {
        Some(offset) => &key[..offset + "AWSLogs/".len()],
        None => key.rsplit_once('/').map_or("", |(folder, _)| &key[..=folder.len()]),
    };
    format!("{folder}*")
}

/// What to do about a profile whose credentials are those of `aws login`. `profile` is its name, if the user gave one.
pub(super) fn login_session_advice(profile: Option<&str>) -> String {
    // The SDK accepts no name that would need quotes in a shell.
    let option = profile.map_or_else(String::new, |name| format!(" --profile {name}"));
    let without = if profile.is_some() { ", then leave --profile out" } else { "" };
    format!(
        "the profile has a session of aws login (login_session), which albscope cannot use: \
         run eval \"$(aws configure export-credentials{option} --format env)\"{without}"
    )
}

/// Whether credentials are missing because the profile has a session of `aws login`. The SDK reads that only with
/// its feature `credentials-login`, which would bring 23 more packages, most of them for elliptic curves.
pub(super) fn is_login_session(error: &(dyn StdError + 'static)) -> bool {
    // The SDK keeps only the text of its error, which names the feature.
    chain(error).contains("credentials-login")
}

/// How the credential chain failed. `None` if the error has another cause.
fn of_credentials(error: &(dyn StdError + 'static)) -> Option<S3ErrorKind> {
    let mut link = Some(error);
    while let Some(current) = link {
        if let Some(credentials) = current.downcast_ref::<CredentialsError>() {
            let said = chain(credentials).to_lowercase();
            let is_expired =
                ["expired", "refresh token", "re-authenticate", "reauthenticate"].iter().any(|it| said.contains(it));
            return Some(match credentials {
                _ if is_login_session(credentials) => S3ErrorKind::LoginSession,
                _ if is_expired => S3ErrorKind::ExpiredCredentials,
                CredentialsError::ProviderTimedOut(_) => S3ErrorKind::Transient,
                _ => S3ErrorKind::NoCredentials,
            });
        }
        link = current.source();
    }
    None
}

/// Why a request has no answer: nothing to connect to, no trusted TLS, or a connection that broke.
fn of_connection(error: &(dyn StdError + 'static)) -> S3ErrorKind {
    let mut link = Some(error);
    while let Some(current) = link {
        let said = current.to_string();
        let is_refused =
            current.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused);
        if is_refused || said.contains("dns error") || said.contains("connect timeout") {
            return S3ErrorKind::Unreachable;
        }
        // rustls's messages for something that is not TLS, and for a certificate that is not trusted.
        if said.contains("corrupt message") || said.contains("invalid peer certificate") {
            return S3ErrorKind::NoTls;
        }
        link = current.source();
    }
    S3ErrorKind::Transient
}

/// The meaning of an answer: by S3's error code, or else by its status. The answer to HEAD has no body and so no code.
fn of_answer(status: u16, code: &str, region: Option<String>) -> S3ErrorKind {
    match code {
        "SlowDown"
        | "ServiceUnavailable"
        | "Throttling"
        | "ThrottlingException"
        | "RequestLimitExceeded"
        | "TooManyRequests"
        | "RequestThrottled"
        | "BandwidthLimitExceeded" => S3ErrorKind::Throttled,
        "InternalError" | "RequestTimeout" | "RequestTimeoutException" | "OperationAborted" => S3ErrorKind::Transient,
        "PermanentRedirect"
        | "TemporaryRedirect"
        | "AuthorizationHeaderMalformed"
        | "IllegalLocationConstraintException" => S3ErrorKind::WrongRegion(region),
        "AccessDenied" | "AllAccessDisabled" | "AccountProblem" => S3ErrorKind::Denied,
        "ExpiredToken" | "ExpiredTokenException" | "TokenRefreshRequired" => S3ErrorKind::ExpiredCredentials,
        "InvalidAccessKeyId" | "SignatureDoesNotMatch" | "InvalidToken" | "InvalidSecurity" => {
            S3ErrorKind::BadCredentials
        }
        "NoSuchBucket" => S3ErrorKind::NoBucket,
        "NoSuchKey" | "NoSuchVersion" => S3ErrorKind::NoKey,
        "PreconditionFailed" => S3ErrorKind::Changed,
        "InvalidObjectState" => S3ErrorKind::Archived,
        "RequestTimeTooSkewed" => S3ErrorKind::Skewed,
        "InvalidArgument" => S3ErrorKind::BadToken,
        _ => match status {
            200..=299 => S3ErrorKind::Garbled,
            301 | 307 => S3ErrorKind::WrongRegion(region),
            // S3 answers a HEAD in the wrong region with 400 and only this header.
            400 if region.is_some() => S3ErrorKind::WrongRegion(region),
            403 => S3ErrorKind::Denied,
            404 => S3ErrorKind::NoKey,
            412 => S3ErrorKind::Changed,
            429 | 503 => S3ErrorKind::Throttled,
            408 | 500..=599 => S3ErrorKind::Transient,
            _ => S3ErrorKind::Other,
        },
    }
}

/// The region in `<Region>eu-west-1</Region>`, which some answers have only in their body.
fn region_in_body<E>(error: &SdkError<E, HttpResponse>) -> Option<String> {
    let body = error.raw_response()?.body().bytes()?;
    let text = std::str::from_utf8(body).ok()?;
    let (_, rest) = text.split_once("<Region>")?;
    let (region, _) = rest.split_once("</Region>")?;
    let is_region = !region.is_empty() && region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    is_region.then(|| region.to_owned())
}

/// An error and its causes, outermost first, each text only once.
pub(super) fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut link = error.source();
    while let Some(cause) = link {
        let said = cause.to_string();
        if !text.contains(&said) {
            let _ = write!(text, ": {said}");
        }
        link = cause.source();
    }
    // Some messages have several lines.
    text.replace('\n', "; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denied_request_is_reported_with_its_permission_and_arn() {
        let denied = S3Error::new(S3ErrorKind::Denied, "403 AccessDenied: Access Denied");
        let said = |action, region, key| denied.explain(action, region, "logs", key).to_string();
        assert!(said(S3Action::List, "eu-west-1", "").contains("s3:ListBucket on arn:aws:s3:::logs ("));
        assert!(said(S3Action::List, "cn-north-1", "").contains("arn:aws-cn:s3:::logs"));
        assert!(said(S3Action::List, "us-gov-west-1", "").contains("arn:aws-us-gov:s3:::logs"));
        let key = "prod/AWSLogs/123456789012/elasticloadbalancing/eu-west-1/2026/11/22/a.log.gz";
        assert!(said(S3Action::Get, "eu-west-1", key).contains("s3:GetObject on arn:aws:s3:::logs/prod/AWSLogs/*"));
        assert!(said(S3Action::Get, "eu-west-1", "a/b.log.gz").contains("arn:aws:s3:::logs/a/*"));
        assert!(said(S3Action::Get, "eu-west-1", "b.log.gz").contains("arn:aws:s3:::logs/*"));
    }

    #[test]
    fn answers_are_classified_by_their_code_or_else_by_their_status() {
        for (status, code, expected) in [
            (503, "SlowDown", S3ErrorKind::Throttled),
            (503, "", S3ErrorKind::Throttled),
            (500, "InternalError", S3ErrorKind::Transient),
            (502, "", S3ErrorKind::Transient),
            (400, "RequestTimeout", S3ErrorKind::Transient),
            (403, "AccessDenied", S3ErrorKind::Denied),
            (403, "", S3ErrorKind::Denied),
            (400, "ExpiredToken", S3ErrorKind::ExpiredCredentials),
            (403, "SignatureDoesNotMatch", S3ErrorKind::BadCredentials),
            (403, "RequestTimeTooSkewed", S3ErrorKind::Skewed),
            (403, "InvalidObjectState", S3ErrorKind::Archived),
            (404, "NoSuchBucket", S3ErrorKind::NoBucket),
            (404, "NoSuchKey", S3ErrorKind::NoKey),
            (404, "", S3ErrorKind::NoKey),
            (412, "PreconditionFailed", S3ErrorKind::Changed),
            (301, "PermanentRedirect", S3ErrorKind::WrongRegion(None)),
            (400, "InvalidArgument", S3ErrorKind::BadToken),
            (400, "", S3ErrorKind::Other),
        ] {
            assert_eq!(of_answer(status, code, None), expected, "{status} {code}");
        }
    }
}
