//! The check of AWS Signature Version 4, as S3 does it: a request is let in when the signature in its
//! `Authorization` header is the one that the known secret key gives for exactly this request.
//!
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>

use hmac::{Hmac, KeyInit, Mac};
use hyper::header::AUTHORIZATION;
use hyper::http::request::Parts;
use sha2::{Digest, Sha256};

use crate::server::{ACCESS_KEY, SECRET_KEY};
use crate::store::hex;
use crate::uri::{decode, encode, query_pairs};

/// The payload hash of a request whose body is not signed.
const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";

/// Why a request is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignatureError {
    /// It carries no signature.
    Anonymous,
    /// Its `Authorization` header is not of this form, or leaves out a header that must be signed.
    Malformed,
    /// Nobody has this access key.
    UnknownAccessKey,
    /// Another secret key or another request was signed.
    WrongSignature,
}

/// Checks the signature of a request that has no body.
pub(crate) fn check(request: &Parts) -> Result<(), SignatureError> {
    let authorization = request.headers.get(AUTHORIZATION).ok_or(SignatureError::Anonymous)?;
    let authorization = authorization.to_str().map_err(|_| SignatureError::Malformed)?;
    let Authorization { access_key, scope, signed_headers, signature } =
        Authorization::parse(authorization).ok_or(SignatureError::Malformed)?;
    if access_key != ACCESS_KEY {
        return Err(SignatureError::UnknownAccessKey);
    }
    let canonical = canonical_request(request, signed_headers).ok_or(SignatureError::Malformed)?;
    let date_and_time = header(request, "x-amz-date").ok_or(SignatureError::Malformed)?;
    let [date, region, service, terminator] = scope;
    if !date_and_time.starts_with(date) || service != "s3" || terminator != "aws4_request" {
        return Err(SignatureError::Malformed);
    }
    let to_sign = format!(
        "AWS4-HMAC-SHA256\n{date_and_time}\n{}\n{}",
        scope.join("/"),
        hex(&Sha256::digest(canonical.as_bytes()))
    );
    let key = [date, region, service, terminator]
        .into_iter()
        .fold(format!("AWS4{SECRET_KEY}").into_bytes(), |key, part| hmac(&key, part));
    if hex(&hmac(&key, &to_sign)) == signature { Ok(()) } else { Err(SignatureError::WrongSignature) }
}

/// What the `Authorization` header says.
struct Authorization<'a> {
    access_key: &'a str,
    /// Date, region, service and `aws4_request`.
    scope: [&'a str; 4],
    signed_headers: &'a str,
    signature: &'a str,
}

impl<'a> Authorization<'a> {
    fn parse(header: &'a str) -> Option<Self> {
        let parts = header.strip_prefix("AWS4-HMAC-SHA256 ")?;
        let part = |name: &str| parts.split(',').find_map(|part| part.trim().strip_prefix(name));
        let mut credential = part("Credential=")?.split('/');
        let access_key = credential.next()?;
        let scope: Vec<&str> = credential.collect();
        Some(Self {
            access_key,
            scope: scope.try_into().ok()?,
            signed_headers: part("SignedHeaders=")?,
            signature: part("Signature=")?,
        })
    }
}

/// The request in the form that is signed. `None` if a header that must be signed is not, or a signed one is missing.
fn canonical_request(request: &Parts, signed_headers: &str) -> Option<String> {
    let signed: Vec<&str> = signed_headers.split(';').collect();
    let must_be_signed = |name: &str| name == "host" || name.starts_with("x-amz-");
    if !signed.contains(&"host")
        || request.headers.keys().any(|name| must_be_signed(name.as_str()) && !signed.contains(&name.as_str()))
    {
        return None;
    }
    let headers: Option<String> = signed
        .iter()
        .map(|name| {
            let value = header(request, name)?.split_whitespace().collect::<Vec<_>>().join(" ");
            Some(format!("{name}:{value}\n"))
        })
        .collect();
    let headers = headers?;
    let payload = header(request, "x-amz-content-sha256")?;
    if payload != UNSIGNED_PAYLOAD && payload != hex(&Sha256::digest([])) {
        return None;
    }
    let mut query: Vec<(String, String)> =
        query_pairs(&request.uri).map(|(name, value)| (encode(&name, false), encode(&value, false))).collect();
    query.sort_unstable();
    let query: Vec<String> = query.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    let path = encode(&decode(request.uri.path(), false), true);
    Some(format!("{}\n{path}\n{}\n{headers}\n{signed_headers}\n{payload}", request.method, query.join("&")))
}

fn header<'a>(request: &'a Parts, name: &str) -> Option<&'a str> {
    request.headers.get(name)?.to_str().ok()
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}
