//! The bytes of one object, or of one range of it, in one answer.

use aws_sdk_s3::Client;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::types::ServerSideEncryption;

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
    /// An answer with more bytes than this is refused: memory was not reserved for it.
    pub(super) max_bytes: u64,
}

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
        self.shared.send(self.bucket, |client: Client| async move { self.begin(&client, range).await }).await
    }

    async fn begin(self, client: &Client, range: Option<(u64, u64)>) -> Result<Downloaded, S3Error> {
        let condition = self.etag.filter(|_| range.is_some());
        let answer = self.shared.get(client, self.bucket, self.key, range, condition).await?;
        let etag = answer.e_tag().and_then(Etag::parse);
        let is_listed = etag.is_some() && etag.as_ref() == self.etag;
        let expected = range.map(|(begin, end)| end - begin).or(is_listed.then_some(self.size));
        let announced = length(&answer);
        // An object that has grown since it was listed may be larger than the memory that was reserved for it.
        if announced.is_some_and(|announced| announced > self.max_bytes) {
            return Err(grown());
        }
        if let (Some(announced), Some(expected)) = (announced, expected)
            && announced != expected
        {
            let detail = format!("the answer has {announced} bytes, but {expected} were listed");
            return Err(S3Error::transient(detail));
        }
        let downloaded = Downloaded {
            bytes: Vec::with_capacity(announced.and_then(|length| usize::try_from(length).ok()).unwrap_or_default()),
            may_be_md5: may_be_md5(&answer),
            is_verified: is_verified(&answer),
            etag,
        };
        self.read(answer, downloaded, announced.or(expected)).await
    }

    /// Reads a body to its end. `wanted` is how many bytes it must have.
    async fn read(
        self,
        answer: GetObjectOutput,
        mut downloaded: Downloaded,
        wanted: Option<u64>,
    ) -> Result<Downloaded, S3Error> {
        let bytes = &mut downloaded.bytes;
        let mut stream = answer.body;
        while let Some(piece) = stream.next().await {
            let piece = piece.map_err(|error| {
                S3Error::transient(format!("the body ended after {} bytes: {}", bytes.len(), chain(&error)))
            })?;
            if (bytes.len() + piece.len()) as u64 > self.max_bytes {
                return Err(grown());
            }
            bytes.extend_from_slice(&piece);
        }
        if wanted.is_some_and(|wanted| wanted != bytes.len() as u64) {
            return Err(S3Error::transient(format!("the body ended after {} bytes", bytes.len())));
        }
        Ok(downloaded)
    }
}

fn grown() -> S3Error {
    S3Error::new(S3ErrorKind::Changed, "it is larger than when it was listed")
}

fn length(answer: &GetObjectOutput) -> Option<u64> {
    answer.content_length().and_then(|length| u64::try_from(length).ok())
}

fn may_be_md5(answer: &GetObjectOutput) -> bool {
    answer.sse_customer_algorithm().is_none()
        && answer.server_side_encryption().is_none_or(|used| *used == ServerSideEncryption::Aes256)
}

/// Whether the answer has a checksum, against which the SDK verifies the content.
fn is_verified(answer: &GetObjectOutput) -> bool {
    answer.checksum_crc64_nvme().is_some()
        || answer.checksum_crc32().is_some()
        || answer.checksum_crc32_c().is_some()
        || answer.checksum_sha256().is_some()
}
