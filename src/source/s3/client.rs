//! Requests to S3: how to list and read, in the region of each bucket, with retries.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::{BehaviorVersion, Region};
use aws_credential_types::provider::ProvideCredentials;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::types::{EncodingType, ObjectStorageClass, RequestPayer};

use super::cache::Cache;
use super::concurrency::ConcurrencyLimit;
use super::credentials::SteadyCredentials;
use super::error::{S3Error, S3ErrorKind, chain, is_login_session, login_session_advice};
use super::http;
use super::limits::Limits;
use super::page::{ListFrom, ListPage, ListedKey};
use super::retry::with_retries;
use crate::source::etag::Etag;
use crate::source::s3_options::S3Options;

/// The region to ask if no flag, environment variable or profile names one. It answers for buckets of all regions,
/// or at least names the right region.
const ANY_REGION: &str = "us-east-1";

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long an answer's head may take.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// The most listing requests in flight: each answer may be a megabyte of XML.
const MAX_LISTINGS: usize = 32;

/// What all tasks of a store share.
pub(super) struct S3Client {
    base: aws_sdk_s3::Config,
    region: String,
    request_payer: Option<RequestPayer>,
    /// For each bucket that turned out to be in another region: that region, and a client for it.
    elsewhere: Mutex<HashMap<String, (String, Client)>>,
    client: Client,
    concurrency: Arc<ConcurrencyLimit>,
    pub(super) limits: Limits,
    pub(super) cache: Option<Cache>,
}

impl S3Client {
    /// Reads the configuration. Sends no request to S3.
    pub(super) async fn open(options: &S3Options, limits: Limits) -> io::Result<Self> {
        let cache = options.cache.as_ref().map(|cache| {
            Cache::open(cache).map_err(|reason| {
                io::Error::new(reason.kind(), format!("the cache {} cannot be used: {reason}", cache.folder.display()))
            })
        });
        let cache = cache.transpose()?;
        let https = http::with_tls();
        let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(https.clone());
        if let Some(profile) = &options.profile {
            // A profile that the user named takes precedence over keys in the environment,
            // as with the AWS command line.
            let provider = ProviderConfig::default().with_http_client(https.clone());
            let credentials =
                ProfileFileCredentialsProvider::builder().configure(&provider).profile_name(profile).build();
            // Ask for the credentials once here, because only the first answer says what is wrong with the profile.
            if !options.no_sign_request
                && let Err(error) = credentials.provide_credentials().await
            {
                let reason = if is_login_session(&error) { login_session_advice(Some(profile)) } else { chain(&error) };
                return Err(io::Error::other(format!("the AWS profile {profile} cannot be used: {reason}")));
            }
            loader = loader.profile_name(profile).credentials_provider(credentials);
        }
        if let Some(region) = &options.region {
            loader = loader.region(Region::new(region.clone()));
        }
        if options.no_sign_request {
            loader = loader.no_credentials();
        }
        let sdk = loader.load().await;
        let region = sdk.region().map_or_else(|| ANY_REGION.to_owned(), ToString::to_string);
        let timeouts = TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).read_timeout(READ_TIMEOUT).build();
        let mut config = aws_sdk_s3::config::Builder::from(&sdk)
            .region(Region::new(region.clone()))
            // `with_retries` does the retries, because it also covers the body of the answer.
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts);
        if let Some(provider) = sdk.credentials_provider() {
            config = config.credentials_provider(SteadyCredentials::new(provider));
        }
        if let Some(url) = &options.endpoint_url {
            config = config.endpoint_url(url);
        }
        // Other stores seldom have a host name for each bucket.
        let other_store = options
            .endpoint_url
            .clone()
            .or_else(|| std::env::var("AWS_ENDPOINT_URL_S3").ok())
            .or_else(|| sdk.endpoint_url().map(str::to_owned));
        if other_store.as_ref().is_some_and(|url| !url.contains(".amazonaws.com")) {
            config = config.force_path_style(true);
        }
        let needs_tls = !other_store.is_some_and(|url| url.starts_with("http://"));
        let base = config.http_client(if needs_tls { https } else { http::without_tls() }).build();
        Ok(Self {
            client: Client::from_conf(base.clone()),
            base,
            region,
            request_payer: options.request_payer.then_some(RequestPayer::Requester),
            elsewhere: Mutex::default(),
            concurrency: Arc::new(ConcurrencyLimit::new(limits.concurrency)),
            limits,
            cache,
        })
    }

    /// The region to which requests for `bucket` are sent.
    pub(super) fn region(&self, bucket: &str) -> String {
        let elsewhere = self.elsewhere.lock().unwrap_or_else(PoisonError::into_inner);
        elsewhere.get(bucket).map_or_else(|| self.region.clone(), |(region, _)| region.clone())
    }

    fn client(&self, bucket: &str) -> Client {
        let elsewhere = self.elsewhere.lock().unwrap_or_else(PoisonError::into_inner);
        elsewhere.get(bucket).map_or_else(|| self.client.clone(), |(_, client)| client.clone())
    }

    /// How many listing requests may be in flight.
    pub(super) fn listings(&self) -> usize {
        self.limits.concurrency.clamp(1, MAX_LISTINGS)
    }

    /// Sends a request until it succeeds or fails for good. It goes to the bucket's own region, once that is known.
    pub(super) async fn send<T, F, A>(&self, bucket: &str, mut attempt: F) -> Result<T, S3Error>
    where
        F: FnMut(Client) -> A,
        A: Future<Output = Result<T, S3Error>>,
    {
        loop {
            let asked = self.region(bucket);
            let error = match with_retries(&self.concurrency, || attempt(self.client(bucket))).await {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            let S3ErrorKind::WrongRegion(named) = &error.kind else { return Err(error) };
            let region = match named {
                Some(region) => Some(region.clone()),
                None => self.ask_region(bucket).await,
            };
            // If the answer names the same region again, there is nothing left to try.
            let Some(region) = region.filter(|region| *region != asked) else { return Err(error) };
            let config = self.base.to_builder().region(Region::new(region.clone())).build();
            let mut elsewhere = self.elsewhere.lock().unwrap_or_else(PoisonError::into_inner);
            // Give up if the bucket was already redirected to the region that redirects now: it may be a circle.
            if elsewhere.get(bucket).is_some_and(|(known, _)| *known == asked) {
                return Err(error);
            }
            elsewhere.insert(bucket.to_owned(), (region, Client::from_conf(config)));
        }
    }

    /// A bucket's region, from the header of any answer about it.
    async fn ask_region(&self, bucket: &str) -> Option<String> {
        match self.client(bucket).head_bucket().bucket(bucket).send().await {
            Ok(answer) => answer.bucket_region().map(str::to_owned),
            Err(error) => match S3Error::of(&error).kind {
                S3ErrorKind::WrongRegion(region) => region,
                _ => error.raw_response()?.headers().get("x-amz-bucket-region").map(str::to_owned),
            },
        }
    }

    /// One page of the keys that begin with `prefix`. With folders: only the keys and folders directly below it.
    pub(super) async fn page(
        &self,
        bucket: &str,
        prefix: &str,
        with_folders: bool,
        from: &ListFrom,
    ) -> Result<ListPage, S3Error> {
        match self.page_written(bucket, prefix, with_folders, from, false).await {
            Err(S3Error { kind: S3ErrorKind::Garbled, .. }) => {
                self.page_written(bucket, prefix, with_folders, from, true).await
            }
            page => page,
        }
    }

    /// The same, with names URL-encoded or as they are. Some stores say that they encode names and do not, so
    /// [`Self::page`] first asks for names as they are.
    async fn page_written(
        &self,
        bucket: &str,
        prefix: &str,
        with_folders: bool,
        from: &ListFrom,
        is_encoded: bool,
    ) -> Result<ListPage, S3Error> {
        self.send(bucket, |client| async move {
            let mut request = client.list_objects_v2().bucket(bucket).set_request_payer(self.request_payer.clone());
            if !prefix.is_empty() {
                request = request.prefix(prefix);
            }
            if with_folders {
                request = request.delimiter("/");
            }
            if is_encoded {
                request = request.encoding_type(EncodingType::Url);
            }
            request = match from {
                ListFrom::Start => request,
                ListFrom::After(key) => request.start_after(key),
                ListFrom::Token { token, .. } => request.continuation_token(token),
            };
            let answer = request.send().await.map_err(|error| S3Error::of(&error))?;
            let name = |listed: &str| if is_encoded { decoded(listed) } else { listed.to_owned() };
            let keys: Vec<ListedKey> = answer.contents().iter().filter_map(|object| key(object, name)).collect();
            // A store that ignores start-after would be listed in an endless loop.
            if let ListFrom::After(after) = from
                && keys.first().is_some_and(|key| key.name <= *after)
            {
                return Err(S3Error::new(
                    S3ErrorKind::Other,
                    "the store ignores start-after, so its listing cannot begin at a key",
                ));
            }
            let folders = answer.common_prefixes().iter().filter_map(|folder| folder.prefix().map(name));
            let folders: Vec<String> = folders.collect();
            // All of its keys would be listed again for each folder.
            let is_below = |name: &String| name.starts_with(prefix);
            if !(keys.iter().all(|key| is_below(&key.name)) && folders.iter().all(is_below)) {
                return Err(S3Error::new(
                    S3ErrorKind::Other,
                    "the store ignores the prefix, so its listing cannot be used",
                ));
            }
            let next = answer.next_continuation_token().map(str::to_owned);
            Ok(ListPage { keys, folders, next: next.filter(|_| answer.is_truncated() == Some(true)) })
        })
        .await
    }

    /// An object's size and `ETag`, from a HEAD request.
    pub(super) async fn head(&self, bucket: &str, name: &str) -> Result<ListedKey, S3Error> {
        self.send(bucket, |client| async move {
            let request = client.head_object().bucket(bucket).key(name).set_request_payer(self.request_payer.clone());
            let answer = request.send().await.map_err(|error| S3Error::of(&error))?;
            Ok(ListedKey {
                name: name.to_owned(),
                size: size(answer.content_length()),
                etag: answer.e_tag().and_then(Etag::parse),
                is_archived: false,
            })
        })
        .await
    }

    /// Starts to read an object, or the bytes from the first number of `range` up to but not including the second.
    /// Sends one request, without retries. With `etag`, it fails if the object has another one.
    pub(super) async fn get(
        &self,
        client: &Client,
        bucket: &str,
        key: &str,
        range: Option<(u64, u64)>,
        etag: Option<&Etag>,
    ) -> Result<GetObjectOutput, S3Error> {
        let mut request = client.get_object().bucket(bucket).key(key).set_request_payer(self.request_payer.clone());
        if let Some((begin, end)) = range {
            request = request.range(format!("bytes={begin}-{}", end - 1));
        }
        if let Some(etag) = etag {
            request = request.if_match(etag.header());
        }
        request.send().await.map_err(|error| S3Error::of(&error))
    }
}

fn key(object: &aws_sdk_s3::types::Object, name: impl Fn(&str) -> String) -> Option<ListedKey> {
    let is_archived =
        matches!(object.storage_class(), Some(ObjectStorageClass::Glacier | ObjectStorageClass::DeepArchive));
    let is_restored = object.restore_status().is_some_and(|status| status.restore_expiry_date().is_some());
    Some(ListedKey {
        name: name(object.key()?),
        size: size(object.size()),
        etag: object.e_tag().and_then(Etag::parse),
        is_archived: is_archived && !is_restored,
    })
}

/// The size in an answer; 0 if it is missing or negative.
fn size(length: Option<i64>) -> u64 {
    length.and_then(|size| u64::try_from(size).ok()).unwrap_or(0)
}

/// Decodes a name from a listing: `%2F` for a byte, `+` for a space.
fn decoded(name: &str) -> String {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let digit = |offset: usize| after.get(offset).and_then(|&byte| char::from(byte).to_digit(16));
        let byte = match (first, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => u8::try_from(high * 16 + low).ok(),
            _ => None,
        };
        bytes.push(byte.unwrap_or(if first == b'+' { b' ' } else { first }));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_listings_are_decoded() {
        for (name, expected) in
            [("a%2Fb+c%2Bd", "a/b c+d"), ("%1b%C3%BC", "\u{1b}ü"), ("100%", "100%"), ("%zz%4", "%zz%4"), ("", "")]
        {
            assert_eq!(decoded(name), expected, "{name}");
        }
    }
}
