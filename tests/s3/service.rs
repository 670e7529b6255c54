//! The part of S3's protocol that reads: `GetObject`, `HeadObject`, `HeadBucket` and `ListObjectsV2`, over a
//! [`BucketStore`].
//!
//! Requests are checked for their signature ([`crate::signature`]) and answered with S3's statuses, headers, XML
//! and errors. `protocol.rs` holds it to what AWS's own client expects.

use std::convert::Infallible;
use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::Bytes;
use hyper::header::{
    ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderValue, IF_MATCH, LAST_MODIFIED, RANGE,
};
use hyper::http::request::Parts;
use hyper::{Response, StatusCode};
use sha2::{Digest, Sha256};

use crate::server::{Operation, ServedRequest};
use crate::signature::{self, SignatureError};
use crate::store::{BucketStore, ListRequest, Missing, Page, StoredObject};
use crate::uri::query_pairs;

/// What an answer carries. It may break off.
pub(crate) type AnswerBody = UnsyncBoxBody<Bytes, io::Error>;

pub(crate) fn empty() -> AnswerBody {
    Empty::new().map_err(|never: Infallible| match never {}).boxed_unsync()
}

pub(crate) fn full(bytes: impl Into<Bytes>) -> AnswerBody {
    Full::new(bytes.into()).map_err(|never: Infallible| match never {}).boxed_unsync()
}

/// When each object was written.
const LAST_MODIFIED_HTTP: &str = "Thu, 01 Jan 1970 00:00:00 GMT";
const LAST_MODIFIED_XML: &str = "1970-01-01T00:00:00.000Z";

/// A store, and who may read it.
#[derive(Clone)]
pub(crate) struct Service {
    store: BucketStore,
    /// Whether requests without a signature are let in.
    is_public: bool,
}

impl Service {
    pub(crate) fn new(store: BucketStore, is_public: bool) -> Self {
        Self { store, is_public }
    }

    /// Answers a request that has no body, as all do that only read.
    pub(crate) fn answer(&self, parts: &Parts, request: &ServedRequest) -> Response<AnswerBody> {
        let answer = self.check(parts).and_then(|()| match request.operation {
            Operation::Get => self.get_object(parts, request),
            Operation::Head => self.head_object(request),
            Operation::HeadBucket => self.head_bucket(request),
            Operation::List => self.list_objects(parts, request),
            Operation::Other => Err(ServiceError::NotImplemented),
        });
        answer.unwrap_or_else(|failure| failure.into_response(request.operation))
    }

    fn check(&self, parts: &Parts) -> Result<(), ServiceError> {
        match signature::check(parts) {
            Ok(()) => Ok(()),
            Err(SignatureError::Anonymous) if self.is_public => Ok(()),
            Err(refusal) => Err(ServiceError::Refused(refusal)),
        }
    }

    fn get_object(&self, parts: &Parts, request: &ServedRequest) -> Result<Response<AnswerBody>, ServiceError> {
        let found = self.object(request)?;
        let wanted = parts.headers.get(IF_MATCH).and_then(|tag| tag.to_str().ok());
        if wanted.is_some_and(|tag| tag != found.tag) {
            return Err(ServiceError::PreconditionFailed);
        }
        let whole = found.bytes.len();
        let range = parts.headers.get(RANGE).and_then(|range| range.to_str().ok());
        let range = range.filter(|_| !self.store.ignores_ranges());
        let (status, bytes, range) = match range {
            None => (StatusCode::OK, found.bytes.clone(), None),
            Some(range) => {
                let (first, last) = range_of(range, whole).ok_or(ServiceError::InvalidRange)?;
                let range = format!("bytes {first}-{last}/{whole}");
                (StatusCode::PARTIAL_CONTENT, found.bytes.slice(first..=last), Some(range))
            }
        };
        let mut response = self.object_response(&found, bytes.len());
        *response.status_mut() = status;
        if let Some(range) = range {
            response.headers_mut().insert(CONTENT_RANGE, header(&range));
        } else if self.store.has_checksums() {
            let sum = STANDARD.encode(Sha256::digest(&found.bytes));
            response.headers_mut().insert("x-amz-checksum-sha256", header(&sum));
        }
        *response.body_mut() = full(bytes);
        Ok(response)
    }

    fn head_object(&self, request: &ServedRequest) -> Result<Response<AnswerBody>, ServiceError> {
        let found = self.object(request)?;
        Ok(self.object_response(&found, found.bytes.len()))
    }

    fn head_bucket(&self, request: &ServedRequest) -> Result<Response<AnswerBody>, ServiceError> {
        if self.store.has_bucket(&request.bucket) {
            Ok(Response::new(empty()))
        } else {
            Err(ServiceError::NoSuchBucket)
        }
    }

    fn object(&self, request: &ServedRequest) -> Result<StoredObject, ServiceError> {
        let key = request.key.as_deref().unwrap_or_default();
        let found = self.store.object(&request.bucket, key)?;
        // An archived object can be listed and looked at, but not read.
        if found.is_archived && request.operation == Operation::Get { Err(ServiceError::Archived) } else { Ok(found) }
    }

    /// Headers of an object, and no body yet.
    fn object_response(&self, found: &StoredObject, length: usize) -> Response<AnswerBody> {
        let mut response = Response::new(empty());
        let headers = response.headers_mut();
        headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("binary/octet-stream"));
        headers.insert(ETAG, header(&found.tag));
        headers.insert(LAST_MODIFIED, HeaderValue::from_static(LAST_MODIFIED_HTTP));
        headers.insert("x-amz-server-side-encryption", HeaderValue::from_static(self.store.encryption()));
        response
    }

    fn list_objects(&self, parts: &Parts, request: &ServedRequest) -> Result<Response<AnswerBody>, ServiceError> {
        let parameter =
            |name: &str| query_pairs(&parts.uri).find_map(|(found, value)| (found == name).then_some(value));
        let max_keys = parameter("max-keys")
            .map_or(Ok(1000), |keys| keys.parse::<usize>())
            .map_err(|_| ServiceError::InvalidMaxKeys)?;
        let is_encoded = match parameter("encoding-type").as_deref() {
            None => false,
            Some("url") => true,
            Some(_) => return Err(ServiceError::InvalidEncoding),
        };
        let listing = ListRequest {
            prefix: request.prefix.clone().unwrap_or_default(),
            delimiter: request.delimiter.clone().filter(|delimiter| !delimiter.is_empty()),
            start_after: request.start_after.clone(),
            continuation_token: request.continuation_token.clone(),
            max_keys: max_keys.min(1000),
        };
        let page = self.store.list(&request.bucket, &listing)?;
        let mut response = Response::new(full(list_result(&request.bucket, &listing, &page, is_encoded)));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
        Ok(response)
    }
}

/// The answer to a listing.
fn list_result(bucket: &str, listing: &ListRequest, page: &Page, is_encoded: bool) -> String {
    let name = |text: &str| escape_xml(&if is_encoded { encode_listed(text) } else { text.to_owned() });
    let element = |name: &str, text: &str| format!("<{name}>{text}</{name}>");
    let mut xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
                   <ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
        .to_owned();
    xml += &element("Name", &escape_xml(bucket));
    xml += &element("Prefix", &name(&listing.prefix));
    for (tag, text) in [("Delimiter", &listing.delimiter), ("StartAfter", &listing.start_after)] {
        xml += &text.as_ref().map_or(String::new(), |text| element(tag, &name(text)));
    }
    for (tag, text) in
        [("ContinuationToken", &listing.continuation_token), ("NextContinuationToken", &page.next_continuation_token)]
    {
        xml += &text.as_ref().map_or(String::new(), |text| element(tag, &escape_xml(text)));
    }
    xml += &if is_encoded { element("EncodingType", "url") } else { String::new() };
    xml += &element("KeyCount", &(page.objects.len() + page.folders.len()).to_string());
    xml += &element("MaxKeys", &listing.max_keys.to_string());
    xml += &element("IsTruncated", &page.next_continuation_token.is_some().to_string());
    for object in &page.objects {
        let parts = [
            element("Key", &name(&object.key)),
            element("LastModified", LAST_MODIFIED_XML),
            element("ETag", &escape_xml(&object.tag)),
            element("Size", &object.size.to_string()),
            element("StorageClass", if object.is_archived { "GLACIER" } else { "STANDARD" }),
        ];
        xml += &element("Contents", &parts.concat());
    }
    for folder in &page.folders {
        xml += &element("CommonPrefixes", &element("Prefix", &name(folder)));
    }
    xml + "</ListBucketResult>"
}

/// First and last offset of a `Range` header, for an object of `size` bytes. `None` if the range lies outside of it.
fn range_of(range: &str, size: usize) -> Option<(usize, usize)> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let end = size.checked_sub(1)?;
    let (first, last) = match (first.parse::<usize>().ok(), last.parse::<usize>().ok()) {
        (Some(first), Some(last)) => (first, last.min(end)),
        (Some(first), None) if last.is_empty() => (first, end),
        (None, Some(count)) if first.is_empty() && count > 0 => (size.saturating_sub(count), end),
        _ => return None,
    };
    (first <= last).then_some((first, last))
}

/// Encodes a name as `encoding-type=url` asks for: a space is `+`, and a slash stays.
fn encode_listed(text: &str) -> String {
    let encoded: Vec<String> = text.split(' ').map(|word| crate::uri::encode(word, true)).collect();
    encoded.join("+")
}

pub(crate) fn escape_xml(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn header(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("tags and ranges are plain text")
}

/// Why a sound service does not do what it is asked for.
enum ServiceError {
    Refused(SignatureError),
    NoSuchKey,
    NoSuchBucket,
    Archived,
    PreconditionFailed,
    InvalidRange,
    InvalidToken,
    InvalidMaxKeys,
    InvalidEncoding,
    NotImplemented,
}

impl From<Missing> for ServiceError {
    fn from(missing: Missing) -> Self {
        match missing {
            Missing::Bucket => Self::NoSuchBucket,
            Missing::Key => Self::NoSuchKey,
            Missing::Token => Self::InvalidToken,
        }
    }
}

impl ServiceError {
    /// Status, code and message, in S3's words.
    fn words(&self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Refused(SignatureError::Anonymous) => (StatusCode::FORBIDDEN, "AccessDenied", "Access Denied"),
            Self::Refused(SignatureError::Malformed) => (
                StatusCode::BAD_REQUEST,
                "AuthorizationHeaderMalformed",
                "The authorization header that you provided is not valid.",
            ),
            Self::Refused(SignatureError::UnknownAccessKey) => (
                StatusCode::FORBIDDEN,
                "InvalidAccessKeyId",
                "The AWS Access Key Id you provided does not exist in our records.",
            ),
            Self::Refused(SignatureError::WrongSignature) => (
                StatusCode::FORBIDDEN,
                "SignatureDoesNotMatch",
                "The request signature we calculated does not match the signature you provided.",
            ),
            Self::NoSuchKey => (StatusCode::NOT_FOUND, "NoSuchKey", "The specified key does not exist."),
            Self::NoSuchBucket => (StatusCode::NOT_FOUND, "NoSuchBucket", "The specified bucket does not exist"),
            Self::Archived => (
                StatusCode::FORBIDDEN,
                "InvalidObjectState",
                "The operation is not valid for the object's storage class",
            ),
            Self::PreconditionFailed => (
                StatusCode::PRECONDITION_FAILED,
                "PreconditionFailed",
                "At least one of the pre-conditions you specified did not hold",
            ),
            Self::InvalidRange => {
                (StatusCode::RANGE_NOT_SATISFIABLE, "InvalidRange", "The requested range is not satisfiable")
            }
            Self::InvalidToken => {
                (StatusCode::BAD_REQUEST, "InvalidArgument", "The continuation token provided is incorrect")
            }
            Self::InvalidMaxKeys => {
                (StatusCode::BAD_REQUEST, "InvalidArgument", "Provided max-keys not an integer or within integer range")
            }
            Self::InvalidEncoding => {
                (StatusCode::BAD_REQUEST, "InvalidArgument", "Invalid Encoding Method specified in Request")
            }
            Self::NotImplemented => (
                StatusCode::NOT_IMPLEMENTED,
                "NotImplemented",
                "A header you provided implies functionality that is not implemented",
            ),
        }
    }

    fn into_response(self, operation: Operation) -> Response<AnswerBody> {
        let (status, code, message) = self.words();
        let xml = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{}</Message></Error>",
            escape_xml(message)
        );
        // S3 answers a HEAD by its status and headers alone.
        let mut response = Response::new(if operation.has_body() { full(xml) } else { empty() });
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
        response
    }
}
