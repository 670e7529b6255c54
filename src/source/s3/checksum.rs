//! The checksum of an object, as the store sends it with the object.

use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::types::ChecksumType;
use aws_smithy_checksums::ChecksumAlgorithm;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A checksum of a whole body.
///
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html>
#[derive(Clone, Debug)]
pub(super) struct Checksum {
    algorithm: ChecksumAlgorithm,
    /// In base 64.
    expected: String,
}

impl Checksum {
    /// The checksum of an answer's body. `None` if it has none, or only one of the checksums of an upload's parts.
    pub(super) fn of(answer: &GetObjectOutput) -> Option<Self> {
        if answer.checksum_type() == Some(&ChecksumType::Composite) {
            return None;
        }
        let checksums = [
            ("crc64nvme", answer.checksum_crc64_nvme()),
            ("crc32", answer.checksum_crc32()),
            ("crc32c", answer.checksum_crc32_c()),
            ("sha256", answer.checksum_sha256()),
        ];
        let (name, expected) = checksums.into_iter().find_map(|(name, sum)| sum.map(|sum| (name, sum)))?;
        // A checksum of checksums ends in the number of parts.
        let is_whole = !expected.contains('-');
        Some(Self { algorithm: name.parse().ok()?, expected: expected.to_owned() }).filter(|_| is_whole)
    }

    /// Whether `bytes` have this checksum.
    pub(super) fn matches(&self, bytes: &[u8]) -> bool {
        let mut hasher = self.algorithm.into_impl();
        hasher.update(bytes);
        STANDARD.encode(hasher.finalize()) == self.expected
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer() -> aws_sdk_s3::operation::get_object::builders::GetObjectOutputBuilder {
        GetObjectOutput::builder()
    }

    #[test]
    fn bytes_are_compared_with_the_checksum_of_the_answer() {
        // The check values of these algorithms for "123456789".
        for (algorithm, answer) in [
            ("crc64nvme", answer().checksum_crc64_nvme("rosUhgp5mIg=")),
            ("crc32", answer().checksum_crc32("y/Q5Jg==")),
            ("crc32c", answer().checksum_crc32_c("4waSgw==")),
            ("sha256", answer().checksum_sha256("FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=")),
        ] {
            let checksum = Checksum::of(&answer.build()).expect("a checksum");
            assert!(checksum.matches(b"123456789"), "{algorithm}");
            assert!(!checksum.matches(b"123456780"), "{algorithm}");
        }
        assert!(Checksum::of(&answer().build()).is_none());
        assert!(Checksum::of(&answer().checksum_crc32("y/Q5Jg==-3").build()).is_none(), "of parts");
    }
}
