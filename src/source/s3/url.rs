//! `s3://bucket/prefix`, parsed.

use std::io;

/// A bucket and a prefix in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct S3Url {
    /// A bucket's name, or an access point's ARN or alias.
    pub(super) bucket: String,
    /// A key, a folder, or any other prefix of keys; may be empty.
    pub(super) prefix: String,
}

impl S3Url {
    /// Parses what the user typed.
    ///
    /// # Errors
    /// If it has no bucket, or one with white space or control characters.
    pub(super) fn parse(text: &str) -> io::Result<Self> {
        let rest = text.strip_prefix("s3://").unwrap_or(text);
        let arn_of_bucket = rest.strip_prefix("arn:").and_then(|arn| arn.split_once(":::"));
        let (bucket, prefix) = if let Some((_, rest)) = arn_of_bucket {
            // arn:aws:s3:::bucket/prefix
            rest.split_once('/').unwrap_or((rest, ""))
        } else if rest.starts_with("arn:") {
            // arn:aws:s3:eu-west-1:123456789012:accesspoint/name/prefix
            let name = rest.find("accesspoint/").map(|offset| offset + "accesspoint/".len());
            let end = name.and_then(|name| rest[name..].find('/').map(|slash| name + slash));
            end.map_or((rest, ""), |end| (&rest[..end], &rest[end + 1..]))
        } else {
            rest.split_once('/').unwrap_or((rest, ""))
        };
        if bucket.is_empty() || bucket.chars().any(|it| it.is_whitespace() || it.is_control()) {
            return Err(io::Error::other("expected a bucket name after s3://, as in s3://my-logs/AWSLogs/"));
        }
        Ok(Self { bucket: bucket.to_owned(), prefix: prefix.to_owned() })
    }

    /// The URL of a key or folder of the same bucket.
    pub(super) fn of(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.bucket)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_prefixes_and_access_points_are_distinguished() {
        let parts = |text: &str| S3Url::parse(text).map(|url| (url.bucket, url.prefix)).ok();
        let some = |bucket: &str, prefix: &str| Some((bucket.to_owned(), prefix.to_owned()));
        assert_eq!(parts("s3://logs"), some("logs", ""));
        assert_eq!(parts("s3://logs/"), some("logs", ""));
        assert_eq!(parts("s3://logs/AWSLogs/1"), some("logs", "AWSLogs/1"));
        assert_eq!(parts("s3://logs/a b/ü/"), some("logs", "a b/ü/"));
        let arn = "arn:aws:s3:eu-west-1:123456789012:accesspoint/alb";
        assert_eq!(parts(&format!("s3://{arn}")), some(arn, ""));
        assert_eq!(parts(&format!("s3://{arn}/AWSLogs/")), some(arn, "AWSLogs/"));
        assert_eq!(parts("s3://arn:aws:s3:::logs"), some("logs", ""));
        assert_eq!(parts("s3://arn:aws-cn:s3:::logs/AWSLogs/1"), some("logs", "AWSLogs/1"));
        assert_eq!(parts("s3://arn:aws:s3:::/AWSLogs/1"), None);
        assert_eq!(parts("s3://"), None);
        assert_eq!(parts("s3:///AWSLogs/"), None);
        assert_eq!(parts("s3://a b/c"), None);
    }
}
