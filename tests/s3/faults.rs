//! What goes wrong between a program and S3, and to which requests it happens.
//!
//! A [`FaultRule`] puts a [`Fault`] on some requests. Answers are in S3's own words, so that a program which tells them
//! apart by status, code or header meets what it would meet at AWS.

#![allow(dead_code, reason = "shared by tests and benchmarks")]

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Bytes, Frame};
use hyper::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, SERVER};
use hyper::{Response, StatusCode};

use crate::server::{Operation, ServedRequest};
use crate::service::{AnswerBody, empty, escape_xml, full};

/// How long the server waits between parts of a body, so that they leave it one by one.
const PAUSE: Duration = Duration::from_millis(10);

/// What happens to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// 503, as S3 answers above its request rate.
    SlowDown,
    /// 500.
    InternalError,
    /// The connection is reset and nothing is answered.
    Reset,
    /// The connection is reset when half of the body is out.
    ResetInBody,
    /// The connection is closed in order when half of the body is out.
    CutBody,
    /// The connection is closed in order when a part of the body is out: at least one byte and at most half of
    /// them. How many follows from the body.
    CutAnywhere,
    /// The same as [`Fault::CutBody`], and one byte of what is out is another.
    CutWrongBody,
    /// Half of the body, and a length that fits it: what is missing, only the object's size tells.
    ShortBody,
    /// As many bytes as there should be; one of them is another.
    WrongBody,
    /// The body comes in eight parts with this pause before each.
    Trickle(Duration),
    /// Half of the body, and then nothing for so long.
    Stall(Duration),
    /// So much time passes before the request is looked at.
    Wait(Duration),
    /// 403, in the words that name the missing permission.
    AccessDenied,
    /// 404 for an object.
    NoSuchKey,
    /// 404 for the bucket.
    NoSuchBucket,
    /// 412: the object is another one by now.
    PreconditionFailed,
    /// 403: the object lies in an archive.
    Archived,
    /// 400: the session is over.
    ExpiredToken,
    /// 400: a continuation token that is not, or no longer, known.
    BadContinuationToken,
    /// 301 with the bucket's region, to whoever signs for another one.
    Elsewhere(&'static str),
    /// 400 with the bucket's region, to whoever signs for another one.
    SignedForElsewhere(&'static str),
}

impl Fault {
    /// Faults after which the same request may well succeed.
    pub(crate) fn passing() -> Vec<Self> {
        vec![
            Self::SlowDown,
            Self::InternalError,
            Self::Reset,
            Self::ResetInBody,
            Self::CutBody,
            Self::ShortBody,
            Self::WrongBody,
            Self::Trickle(PAUSE),
        ]
    }

    /// Whether this could happen to `request`.
    fn fits(&self, request: &ServedRequest) -> bool {
        let signed_elsewhere = |home: &str| request.region.as_deref().is_some_and(|region| region != home);
        match self {
            Self::Elsewhere(home) | Self::SignedForElsewhere(home) => signed_elsewhere(home),
            Self::BadContinuationToken => request.continuation_token.is_some(),
            Self::WrongBody | Self::ShortBody | Self::CutAnywhere | Self::CutWrongBody => {
                request.operation == Operation::Get
            }
            Self::ResetInBody | Self::CutBody | Self::Trickle(_) | Self::Stall(_) => request.operation.has_body(),
            _ => true,
        }
    }

    /// The answer instead of the server's own.
    pub(crate) fn answer(&self, request: &ServedRequest) -> Option<Response<AnswerBody>> {
        let ServedRequest { bucket, key, operation, .. } = request;
        let key = key.as_deref().unwrap_or_default();
        let resource = if key.is_empty() { bucket.clone() } else { format!("{bucket}/{key}") };
        let answer = match self {
            Self::SlowDown => {
                Answer::new(StatusCode::SERVICE_UNAVAILABLE, "SlowDown", "Please reduce your request rate.")
            }
            Self::InternalError => Answer::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "InternalError",
                "We encountered an internal error. Please try again.",
            ),
            Self::AccessDenied => {
                let action = match operation {
                    Operation::List | Operation::HeadBucket => "s3:ListBucket",
                    _ => "s3:GetObject",
                };
                let message = format!(
                    "User: arn:aws:iam::123456789012:user/reader is not authorized to perform: {action} on resource: \
                     &quot;arn:aws:s3:::{resource}&quot; because no identity-based policy allows the {action} action"
                );
                Answer::new(StatusCode::FORBIDDEN, "AccessDenied", &message)
            }
            Self::NoSuchKey => Answer::new(StatusCode::NOT_FOUND, "NoSuchKey", "The specified key does not exist.")
                .with("Key", &escape_xml(key)),
            Self::NoSuchBucket => {
                Answer::new(StatusCode::NOT_FOUND, "NoSuchBucket", "The specified bucket does not exist")
                    .with("BucketName", bucket)
            }
            Self::PreconditionFailed => Answer::new(
                StatusCode::PRECONDITION_FAILED,
                "PreconditionFailed",
                "At least one of the pre-conditions you specified did not hold",
            )
            .with("Condition", "If-Match"),
            Self::Archived => Answer::new(
                StatusCode::FORBIDDEN,
                "InvalidObjectState",
                "The operation is not valid for the object&apos;s storage class",
            )
            .with("StorageClass", "GLACIER"),
            Self::ExpiredToken => {
                Answer::new(StatusCode::BAD_REQUEST, "ExpiredToken", "The provided token has expired.")
                    .with("Token-0", "IQoJb3JpZ2luX2Vj")
            }
            Self::BadContinuationToken => {
                Answer::new(StatusCode::BAD_REQUEST, "InvalidArgument", "The continuation token provided is incorrect")
                    .with("ArgumentName", "continuation-token")
            }
            Self::Elsewhere(home) => Answer::new(
                StatusCode::MOVED_PERMANENTLY,
                "PermanentRedirect",
                "The bucket you are attempting to access must be addressed using the specified endpoint. \
                 Please send all future requests to this endpoint.",
            )
            .with("Endpoint", &format!("{bucket}.s3.{home}.amazonaws.com"))
            .with("Bucket", bucket)
            .at(home),
            Self::SignedForElsewhere(home) => {
                let signed = request.region.as_deref().unwrap_or_default();
                let message = format!(
                    "The authorization header is malformed; the region '{signed}' is wrong; expecting '{home}'"
                );
                Answer::new(StatusCode::BAD_REQUEST, "AuthorizationHeaderMalformed", &message)
                    .with("Region", home)
                    .at(home)
            }
            _ => return None,
        };
        Some(answer.into_response(*operation))
    }

    /// Whether the connection ends by a reset rather than in order, if it ends in a body.
    pub(crate) fn resets(&self) -> bool {
        matches!(self, Self::ResetInBody)
    }

    /// How long the request waits before anything else.
    pub(crate) fn wait(&self) -> Duration {
        if let Self::Wait(wait) = self { *wait } else { Duration::ZERO }
    }

    /// Puts the fault on a body that was whole. An error's answer is left as it is.
    pub(crate) async fn spoil(&self, response: Response<AnswerBody>) -> Response<AnswerBody> {
        if !response.status().is_success() {
            return response;
        }
        let (mut parts, body) = response.into_parts();
        let body = BodyExt::collect(body).await.expect("the store's bodies are whole").to_bytes();
        let (head, tail) = (body.slice(..body.len() / 2), body.slice(body.len() / 2..));
        parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        let body = match self {
            Self::ResetInBody | Self::CutBody => paced([
                (Duration::ZERO, Ok(head)),
                // What is out by then has left; a body that ends early ends its connection.
                (PAUSE, Err(std::io::Error::other("cut off"))),
            ]),
            Self::CutAnywhere => {
                let mut hasher = DefaultHasher::new();
                body.hash(&mut hasher);
                let most = (body.len() / 2).max(1) as u64;
                let count = usize::try_from(hasher.finish() % most).expect("it is less than the length") + 1;
                let head = body.slice(..count.min(body.len()));
                paced([(Duration::ZERO, Ok(head)), (PAUSE, Err(std::io::Error::other("cut off")))])
            }
            Self::CutWrongBody => {
                let mut head = head.to_vec();
                head.iter_mut().take(1).for_each(|byte| *byte ^= 0x20);
                paced([(Duration::ZERO, Ok(head.into())), (PAUSE, Err(std::io::Error::other("cut off")))])
            }
            Self::ShortBody => {
                parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(head.len()));
                full(head)
            }
            Self::WrongBody => {
                let mut bytes = body.to_vec();
                let middle = bytes.len() / 2;
                if let Some(byte) = bytes.get_mut(middle) {
                    *byte ^= 0x20;
                }
                full(bytes)
            }
            Self::Trickle(pause) => {
                let size = body.len().div_ceil(8).max(1);
                let parts = (0..body.len()).step_by(size).map(|at| body.slice(at..body.len().min(at + size)));
                paced(parts.map(|part| (*pause, Ok(part))).collect::<Vec<_>>())
            }
            Self::Stall(pause) => paced([(Duration::ZERO, Ok(head)), (*pause, Ok(tail))]),
            _ => full(body),
        };
        Response::from_parts(parts, body)
    }
}

/// A body whose parts each wait before they come.
fn paced(parts: impl IntoIterator<Item = (Duration, std::io::Result<Bytes>), IntoIter: Send + 'static>) -> AnswerBody {
    let frames = stream::iter(parts).then(async |(pause, part)| {
        tokio::time::sleep(pause).await;
        part.map(Frame::data)
    });
    StreamBody::new(frames).boxed_unsync()
}

/// An error in S3's form.
struct Answer {
    status: StatusCode,
    elements: String,
    region: Option<&'static str>,
}

impl Answer {
    fn new(status: StatusCode, code: &str, message: &str) -> Self {
        Self { status, elements: format!("<Code>{code}</Code><Message>{message}</Message>"), region: None }
    }

    fn with(self, element: &str, text: &str) -> Self {
        Self { elements: format!("{}<{element}>{text}</{element}>", self.elements), ..self }
    }

    /// Names the bucket's region in the header too.
    fn at(self, region: &'static str) -> Self {
        Self { region: Some(region), ..self }
    }

    fn into_response(self, operation: Operation) -> Response<AnswerBody> {
        let Self { status, elements, region } = self;
        let text = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>{elements}<RequestId>12AB34CD56EF7890</RequestId>\
             <HostId>uI4RfE5TjQvWmIb0C1yDdOmGb3pGZ4hQ</HostId></Error>"
        );
        // S3 answers a HEAD by its status and headers alone.
        let body = if operation.has_body() { full(text) } else { empty() };
        let mut response = Response::new(body);
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
        headers.insert(SERVER, HeaderValue::from_static("AmazonS3"));
        headers.insert("x-amz-request-id", HeaderValue::from_static("12AB34CD56EF7890"));
        headers.insert("x-amz-id-2", HeaderValue::from_static("uI4RfE5TjQvWmIb0C1yDdOmGb3pGZ4hQ"));
        if status.is_server_error() || status == StatusCode::BAD_REQUEST {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        if let Some(region) = region {
            headers.insert("x-amz-bucket-region", HeaderValue::from_static(region));
        }
        response
    }
}

/// Which requests a fault happens to. The first rule that is about a request decides.
#[derive(Clone, Debug)]
pub(crate) struct FaultRule {
    fault: Fault,
    operation: Option<Operation>,
    key: Option<String>,
    prefix: Option<String>,
    above: usize,
    times: Times,
}

#[derive(Clone, Copy, Debug)]
enum Times {
    Always,
    First(u64),
    FirstOfKey(u64),
    Share { share: f64, seed: u64 },
}

/// How often in a row a share may hit what is the same request tried again: below any sensible number of tries.
const MOST_IN_A_ROW: u64 = 2;

impl FaultRule {
    /// Every request that the fault can happen to.
    pub(crate) fn new(fault: Fault) -> Self {
        Self { fault, operation: None, key: None, prefix: None, above: 0, times: Times::Always }
    }

    /// Only this operation.
    pub(crate) fn on(self, operation: Operation) -> Self {
        Self { operation: Some(operation), ..self }
    }

    /// Only an object with this key, read or looked at.
    pub(crate) fn key(self, key: impl Into<String>) -> Self {
        Self { key: Some(key.into()), ..self }
    }

    /// Only listings of keys that begin so.
    pub(crate) fn prefix(self, prefix: impl Into<String>) -> Self {
        Self { prefix: Some(prefix.into()), ..self }
    }

    /// Only a request that comes when so many others are in flight.
    pub(crate) fn above(self, above: usize) -> Self {
        Self { above, ..self }
    }

    /// Each request only when it first comes, so many times.
    pub(crate) fn first(self, times: u64) -> Self {
        Self { times: Times::First(times), ..self }
    }

    /// So many requests for each object, whatever part of it they ask for.
    pub(crate) fn first_of_key(self, times: u64) -> Self {
        Self { times: Times::FirstOfKey(times), ..self }
    }

    /// A share of the requests, from 0 to 1. The seed, what is asked for and how often it was asked for decide, so the
    /// order of requests does not matter.
    pub(crate) fn share(self, share: f64, seed: u64) -> Self {
        Self { times: Times::Share { share, seed }, ..self }
    }

    /// Whether the fault happens to `request`, which came `earlier` times before, and for whose key there were
    /// `earlier_of_key` requests, while so many `others` are in flight.
    fn hits(&self, request: &ServedRequest, earlier: u64, earlier_of_key: u64, others: usize) -> bool {
        let is_meant = self.operation.is_none_or(|operation| operation == request.operation)
            && self.key.as_ref().is_none_or(|key| request.key.as_ref() == Some(key))
            && self.prefix.as_ref().is_none_or(|prefix| request.prefix.as_ref() == Some(prefix))
            && others >= self.above
            && self.fault.fits(request);
        is_meant
            && match self.times {
                Times::Always => true,
                Times::First(times) => earlier < times,
                Times::FirstOfKey(times) => earlier_of_key < times,
                Times::Share { share, seed } => {
                    let mut hasher = DefaultHasher::new();
                    (seed, request.what(), earlier).hash(&mut hasher);
                    let drawn = (hasher.finish() >> 11) as f64 / (1_u64 << 53) as f64;
                    earlier < MOST_IN_A_ROW && drawn < share
                }
            }
    }
}

/// The rules, and what they have seen.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    list: Vec<FaultRule>,
    /// How often each request came.
    seen: HashMap<String, u64>,
    /// How many requests there were for each key.
    seen_keys: HashMap<Option<String>, u64>,
}

impl Rules {
    pub(crate) fn new(list: Vec<FaultRule>) -> Self {
        Self { list, ..Self::default() }
    }

    /// What happens to `request`, which is counted, while so many `others` are in flight.
    pub(crate) fn draw(&mut self, request: &ServedRequest, others: usize) -> Option<Fault> {
        let count = self.seen.entry(request.what()).or_default();
        let earlier = *count;
        *count += 1;
        let count = self.seen_keys.entry(request.key.clone()).or_default();
        let earlier_of_key = *count;
        *count += 1;
        self.list.iter().find(|rule| rule.hits(request, earlier, earlier_of_key, others)).map(|rule| rule.fault.clone())
    }
}
