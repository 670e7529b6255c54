//! The bytes of one object, or of one range of it, over as many answers as it takes.
//!
//! A body that breaks off is not fetched again: what has arrived is kept, and the next request asks for the rest. That
//! request has the `ETag` of the first answer as its condition, so the bytes are always those of one version:
//!
//! - If the object was replaced meanwhile, the store answers 412. What has arrived is dropped. An object that was
//!   asked for as a whole begins anew, with its new version. A range belongs to the listed version, which is gone, and
//!   fails.
//! - If the store does not know ranges, it answers with the whole object. That replaces what has arrived.
//! - If the first answer has no `ETag`, nothing ties a second answer to it, and the object begins anew.
//!
//! The SDK verifies the checksum of a body that arrives in one answer. [`Checksum`] verifies that of one that took
//! more.

use std::sync::{Mutex, PoisonError};

use aws_sdk_s3::Client;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::types::ServerSideEncryption;

use super::budget::MAX_WHOLE;
use super::checksum::Checksum;
use super::client::S3Client;
use super::error::{S3Error, S3ErrorKind, chain};
use crate::source::etag::Etag;

/// What to download.
#[derive(Clone, Copy)]
pub(super) struct Download<'a> {
    pub(super) shared: &'a S3Client,
    pub(super) bucket: &'a str,
    pub(super) key: &'a str,
    /// As it was listed. `None` if the listing has none.
    pub(super) etag: Option<&'a Etag>,
    /// The size as it was listed, in bytes.
    pub(super) size: u64,
}

/// An answer with more bytes than this is refused. Memory is reserved for the listed size alone, so an object that has
/// grown since, or that was listed without a size, may take as much as this in addition. To reserve the rest once its
/// size is known could wait for ever: for objects that nobody reads before this one.
const MAX_BYTES: u64 = MAX_WHOLE;

/// What was downloaded.
pub(super) struct Downloaded {
    pub(super) bytes: Vec<u8>,
    /// The tag of the version that they are of.
    pub(super) etag: Option<Etag>,
    /// Whether the tag may be an MD5: not if the object is encrypted with AWS KMS or a key of the customer's.
    pub(super) may_be_md5: bool,
    /// Whether a checksum of the store's was compared with the bytes.
    pub(super) is_verified: bool,
}

/// What has arrived before a body broke off.
struct Partial {
    downloaded: Downloaded,
    /// The tag that the rest must have.
    etag: Etag,
    /// How many bytes it is when it is complete.
    length: u64,
    checksum: Option<Checksum>,
}

impl Download<'_> {
    /// The whole object, in whatever version the store has now.
    pub(super) async fn whole(self) -> Result<Downloaded, S3Error> {
        self.run(None).await
    }

    /// The bytes from `begin` up to but not including `end`, in the listed version.
    pub(super) async fn range(self, begin: u64, end: u64) -> Result<Downloaded, S3Error> {
        self.run(Some((begin, end))).await
    }

    async fn run(self, range: Option<(u64, u64)>) -> Result<Downloaded, S3Error> {
        let partial = &Mutex::new(None);
        let take = || partial.lock().unwrap_or_else(PoisonError::into_inner).take();
        let keep = |kept| *partial.lock().unwrap_or_else(PoisonError::into_inner) = kept;
        let attempt = |client: Client| async move {
            match take() {
                Some(partial) => self.resume(&client, range, partial).await,
                None => self.begin(&client, range).await,
            }
            .map_err(|broken| {
                keep(broken.partial);
                broken.error
            })
        };
        self.shared.send(self.bucket, attempt).await
    }

    async fn begin(self, client: &Client, range: Option<(u64, u64)>) -> Result<Downloaded, BrokenDownload> {
        let condition = self.etag.filter(|_| range.is_some());
        let answer = self.shared.get(client, self.bucket, self.key, range, condition).await?;
        let etag = answer.e_tag().and_then(Etag::parse);
        let is_listed = etag.is_some() && etag.as_ref() == self.etag;
        let expected = range.map(|(begin, end)| end - begin).or(is_listed.then_some(self.size));
        let announced = length(&answer);
        if announced.is_some_and(|announced| announced > MAX_BYTES) {
            return Err(grown().into());
        }
        if let (Some(announced), Some(expected)) = (announced, expected)
            && announced != expected
        {
            let detail = format!("the answer has {announced} bytes, but {expected} were listed");
            return Err(S3Error::transient(detail).into());
        }
        let checksum = Checksum::of(&answer);
        let downloaded = Downloaded {
            bytes: Vec::with_capacity(announced.and_then(|length| usize::try_from(length).ok()).unwrap_or_default()),
            may_be_md5: may_be_md5(&answer),
            is_verified: checksum.is_some(),
            etag,
        };
        self.read(answer, downloaded, announced.or(expected), checksum).await
    }

    /// Asks for what is missing.
    async fn resume(
        self,
        client: &Client,
        range: Option<(u64, u64)>,
        partial: Partial,
    ) -> Result<Downloaded, BrokenDownload> {
        let Partial { mut downloaded, etag, length: whole, checksum } = partial;
        let first = range.map_or(0, |(begin, _)| begin);
        let (begin, end) = (first + downloaded.bytes.len() as u64, first + whole);
        let keep = |downloaded, etag, checksum| Partial { downloaded, etag, length: whole, checksum };
        let answer = match self.shared.get(client, self.bucket, self.key, Some((begin, end)), Some(&etag)).await {
            Ok(answer) => answer,
            // Begin anew, with the new version.
            Err(error) if error.kind == S3ErrorKind::Changed && range.is_none() => {
                return Err(S3Error::transient("it was replaced while it was being read").into());
            }
            Err(error) if error.is_passing() => {
                return Err(BrokenDownload { error, partial: Some(keep(downloaded, etag, checksum)) });
            }
            Err(error) => return Err(error.into()),
        };
        let is_same = answer.e_tag().and_then(Etag::parse).is_none_or(|found| found == etag);
        match answer.content_range().map(begin_of_range) {
            Some(Some(found)) if found == begin && is_same => {
                if length(&answer).is_some_and(|length| length != end - begin) {
                    let detail = format!("the answer does not have the {} missing bytes", end - begin);
                    let partial = Some(keep(downloaded, etag, checksum));
                    return Err(BrokenDownload { error: S3Error::transient(detail), partial });
                }
                self.read(answer, downloaded, Some(whole), checksum).await
            }
            // The store does not know ranges and answered with the whole object.
            None if is_same && range.is_none() && length(&answer).is_none_or(|length| length == whole) => {
                downloaded.bytes.clear();
                self.read(answer, downloaded, Some(whole), checksum).await
            }
            _ => Err(S3Error::transient("the answer is not the missing range").into()),
        }
    }

    /// Reads a body to its end. `wanted` is how many bytes there must be then, with those that arrived before.
    async fn read(
        self,
        answer: GetObjectOutput,
        mut downloaded: Downloaded,
        wanted: Option<u64>,
        checksum: Option<Checksum>,
    ) -> Result<Downloaded, BrokenDownload> {
        let is_resumed = !downloaded.bytes.is_empty();
        let mut stream = answer.body;
        let broken = loop {
            match stream.next().await {
                Some(Ok(piece)) if (downloaded.bytes.len() + piece.len()) as u64 > MAX_BYTES => {
                    return Err(grown().into());
                }
                Some(Ok(piece)) => downloaded.bytes.extend_from_slice(&piece),
                Some(Err(error)) => break Some(chain(&error)),
                None => break None,
            }
        };
        let count = downloaded.bytes.len() as u64;
        let Some(reason) = broken.or_else(|| wanted.is_some_and(|wanted| wanted != count).then(String::new)) else {
            if is_resumed && checksum.as_ref().is_some_and(|checksum| !checksum.matches(&downloaded.bytes)) {
                return Err(S3Error::transient("its content does not match its checksum").into());
            }
            return Ok(downloaded);
        };
        let reason = if reason.is_empty() { reason } else { format!(": {reason}") };
        let error = S3Error::transient(format!("the body ended after {count} bytes{reason}"));
        // A body that is complete and still an error does not match its checksum, so none of it is kept.
        let is_incomplete = |length: &u64| (1..*length).contains(&count);
        let partial = match (downloaded.etag.clone(), wanted.filter(is_incomplete)) {
            (Some(etag), Some(length)) => Some(Partial { downloaded, etag, length, checksum }),
            _ => None,
        };
        Err(BrokenDownload { error, partial })
    }
}

/// Why a download broke off, and what can be kept of it.
struct BrokenDownload {
    error: S3Error,
    partial: Option<Partial>,
}

impl From<S3Error> for BrokenDownload {
    fn from(error: S3Error) -> Self {
        Self { error, partial: None }
    }
}

fn grown() -> S3Error {
    S3Error::new(S3ErrorKind::Changed, "it is larger than when it was listed")
}

fn length(answer: &GetObjectOutput) -> Option<u64> {
    answer.content_length().and_then(|length| u64::try_from(length).ok())
}

/// The first offset of a `Content-Range`, such as `bytes 100-199/500`.
fn begin_of_range(range: &str) -> Option<u64> {
    range.strip_prefix("bytes ")?.split_once('-')?.0.parse().ok()
}

fn may_be_md5(answer: &GetObjectOutput) -> bool {
    answer.sse_customer_algorithm().is_none()
        && answer.server_side_encryption().is_none_or(|used| *used == ServerSideEncryption::Aes256)
}
