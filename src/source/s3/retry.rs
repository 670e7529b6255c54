//! Retries of requests.
//!
//! The SDK's own retries end when the head of the answer is there, but a body that breaks off is just as common. So
//! one loop here covers both, and the SDK tries once.

use std::collections::hash_map::RandomState;
use std::future::Future;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::time::Duration;

use super::concurrency::ConcurrencyLimit;
use super::error::{S3Error, S3ErrorKind};

/// How often a request is tried in all.
const ATTEMPTS: u32 = 10;

/// How often it is tried if nothing answers, or nothing with a trusted certificate: a wrong address is more
/// likely than a passing fault.
const ATTEMPTS_TO_REACH: u32 = 3;

/// The longest wait before the second try; it doubles from try to try.
const FIRST_WAIT: Duration = Duration::from_millis(50);

/// The longest wait before any try. Ten tries wait 12 s on average and 16 s at most.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Repeats `attempt` until it succeeds, fails for good, or was tried often enough.
///
/// Each attempt starts when it has a permit of `limit`, and holds it until it is over. So a request is signed when it
/// can be sent, and its signature is never old.
///
/// # Errors
/// The error of the last attempt.
pub(super) async fn with_retries<T, F, A>(limit: &Arc<ConcurrencyLimit>, mut attempt: F) -> Result<T, S3Error>
where
    F: FnMut() -> A,
    A: Future<Output = Result<T, S3Error>>,
{
    let mut tried = 0;
    loop {
        let permit = limit.acquire().await;
        let error = match attempt().await {
            Ok(value) => {
                limit.answered();
                return Ok(value);
            }
            Err(error) => error,
        };
        if error.kind == S3ErrorKind::Throttled {
            permit.throttled();
        }
        drop(permit);
        tried += 1;
        let attempts = match error.kind {
            S3ErrorKind::Unreachable | S3ErrorKind::NoTls => ATTEMPTS_TO_REACH,
            _ => ATTEMPTS,
        };
        if tried >= attempts || !error.is_passing() {
            return Err(error);
        }
        tokio::time::sleep(wait(tried, jitter())).await;
    }
}

/// How long to wait after `tried` tries. `jitter`, from 0 to 1, spreads requests that failed together between half
/// of the longest wait and all of it.
fn wait(tried: u32, jitter: f64) -> Duration {
    let longest = FIRST_WAIT.saturating_mul(1 << (tried - 1).min(16)).min(LONGEST_WAIT);
    longest.mul_f64(0.5 + jitter / 2.0)
}

/// A random number from 0 to 1, from the seed of the standard library's hash tables.
fn jitter() -> f64 {
    let random = RandomState::new().build_hasher().finish();
    (random >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
    use std::time::SystemTime;

    use aws_sdk_s3::Client;
    use aws_sdk_s3::config::{BehaviorVersion, Config, Credentials, Region};
    use aws_smithy_async::time::TimeSource;
    use aws_smithy_runtime_api::client::http::{
        HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
    };
    use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
    use aws_smithy_types::body::SdkBody;

    use super::*;

    fn block_on<F: Future>(future: F) -> F::Output {
        tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime").block_on(future)
    }

    #[test]
    fn waits_grow_up_to_the_longest() {
        let mut before = Duration::ZERO;
        for tried in 1..ATTEMPTS {
            let (least, most) = (wait(tried, 0.0), wait(tried, 1.0));
            assert!(least >= before && most == least * 2 && most <= LONGEST_WAIT, "{tried}: {least:?} {most:?}");
            before = least;
        }
        let jitters: Vec<f64> = (0..100).map(|_| jitter()).collect();
        assert!(jitters.iter().all(|it| (0.0..1.0).contains(it)));
        assert!(jitters.windows(2).any(|pair| (pair[0] - pair[1]).abs() > 0.1), "{jitters:?}");
    }

    #[test]
    fn passing_errors_are_retried_and_others_are_not() {
        let limit = Arc::new(ConcurrencyLimit::new(4));
        let tries = AtomicUsize::new(0);
        let result = block_on(with_retries(&limit, || async {
            match tries.fetch_add(1, Ordering::Relaxed) {
                0 => Err(S3Error::new(S3ErrorKind::Throttled, "slow down")),
                1 => Err(S3Error::transient("reset")),
                nth => Ok(nth),
            }
        }));
        assert_eq!(result.expect("the third try succeeds"), 2);
        let tries = AtomicUsize::new(0);
        let result: Result<(), _> = block_on(with_retries(&limit, || async {
            tries.fetch_add(1, Ordering::Relaxed);
            Err(S3Error::new(S3ErrorKind::Denied, "no"))
        }));
        assert_eq!(result.expect_err("it is denied").kind, S3ErrorKind::Denied);
        assert_eq!(tries.into_inner(), 1);
    }

    #[test]
    fn an_attempt_starts_with_its_permit_and_holds_it_to_the_end() {
        let limit = Arc::new(ConcurrencyLimit::new(1));
        let events = &Mutex::new(Vec::new());
        let request = |name| {
            let note = move |what| events.lock().expect("nobody panics").push(format!("{name} {what}"));
            with_retries(&limit, move || async move {
                note("starts");
                tokio::task::yield_now().await;
                note("is answered");
                Ok(())
            })
        };
        let (a, b) = block_on(futures_util::future::join(request("a"), request("b")));
        a.and(b).expect("both are answered");
        assert_eq!(*events.lock().expect("nobody panics"), ["a starts", "a is answered", "b starts", "b is answered"]);
    }

    /// A clock that stands still until somebody moves it: seconds since 2026-11-22T00:00:00Z.
    #[derive(Clone, Debug, Default)]
    struct ManualClock(Arc<AtomicU64>);

    impl TimeSource for ManualClock {
        fn now(&self) -> SystemTime {
            SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_305_600 + self.0.load(Ordering::Relaxed))
        }
    }

    /// Answers each request after a second of its clock. Notes when it was signed, and when it was sent.
    #[derive(Clone, Debug, Default)]
    struct OneSecondAnswers {
        clock: ManualClock,
        signed_and_sent: Arc<Mutex<Vec<(String, String)>>>,
    }

    impl HttpConnector for OneSecondAnswers {
        fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
            let signed = request.headers().get("x-amz-date").unwrap_or_default().to_owned();
            let sent = format!("20261122T0000{:02}Z", self.clock.0.load(Ordering::Relaxed));
            self.signed_and_sent.lock().expect("nobody panics").push((signed, sent));
            let clock = self.clock.clone();
            HttpConnectorFuture::new(async move {
                tokio::task::yield_now().await;
                clock.0.fetch_add(1, Ordering::Relaxed);
                Ok(HttpResponse::new(200.try_into().expect("a status"), SdkBody::from("content")))
            })
        }
    }

    #[test]
    fn requests_that_waited_long_for_a_permit_have_fresh_signatures() {
        let answers = OneSecondAnswers::default();
        let connector = SharedHttpConnector::new(answers.clone());
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("id", "secret", None, None, "test"))
            .time_source(answers.clock.clone())
            .http_client(http_client_fn(move |_, _| connector.clone()));
        let client = Client::from_conf(config.build());
        let limit = Arc::new(ConcurrencyLimit::new(1));
        let requests = (0..50).map(|_| {
            with_retries(&limit, || async {
                client.get_object().bucket("logs").key("a").send().await.map_err(|error| S3Error::of(&error))
            })
        });
        let results = block_on(futures_util::future::join_all(requests));
        assert!(results.iter().all(Result::is_ok));
        let signed_and_sent = answers.signed_and_sent.lock().expect("nobody panics");
        assert_eq!(signed_and_sent.len(), 50);
        for (signed, sent) in signed_and_sent.iter() {
            assert_eq!(signed, sent);
        }
    }
}
