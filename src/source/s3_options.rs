//! How S3 is reached, as data. A build without S3 has these options too, so that only opening an input differs.

use std::path::PathBuf;

/// How to reach S3. The default follows the environment and the AWS configuration files.
#[derive(Clone, Debug, Default)]
pub struct S3Options {
    /// A profile of the AWS configuration files.
    pub profile: Option<String>,
    /// The region to ask first. A bucket's own region is found automatically.
    pub region: Option<String>,
    /// The URL of another store than Amazon's. Requests then have the bucket in the path, unless the
    /// URL contains `.amazonaws.com`.
    pub endpoint_url: Option<String>,
    /// Send requests without credentials, for public buckets.
    pub no_sign_request: bool,
    /// Agree to pay for requests to a bucket whose owner does not.
    pub request_payer: bool,
    /// The most requests in flight. `None` is 16 for each core, but at least 32 and at most 128.
    pub concurrency: Option<usize>,
    /// The cache that keeps objects from one run to the next. `None` for no cache.
    pub cache: Option<CacheOptions>,
}

/// A cache's folder and size limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheOptions {
    /// Created if it does not exist.
    pub folder: PathBuf,
    /// Bytes that may stay in it after a run. What was used longest ago is removed first.
    pub max_bytes: u64,
}
