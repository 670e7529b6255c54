//! An S3 server on loopback, in the test's own process.
//!
//! Requests come in over TCP, are counted, meet their fault if there is one ([`crate::faults`]), and are then
//! answered by [`crate::service`].

#![allow(dead_code, reason = "shared by tests and benchmarks")]

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, IF_MATCH, RANGE};
use hyper::http::request::Parts;
use hyper::service::service_fn;
use hyper::{Method, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use crate::faults::{Fault, FaultRule, Rules};
use crate::service::{AnswerBody, Service};
use crate::store::BucketStore;
use crate::uri::{decode, query_pairs};

/// The one user that the server knows.
pub(crate) const ACCESS_KEY: &str = "AKIDTEST";
pub(crate) const SECRET_KEY: &str = "secret";

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Operation {
    /// `GetObject`, of the whole or of a range.
    Get,
    /// `HeadObject`
    Head,
    /// `HeadBucket`
    HeadBucket,
    /// `ListObjectsV2`
    List,
    /// Anything else, which the program has no reason to ask for.
    Other,
}

impl Operation {
    /// Whether an answer may have a body.
    pub(crate) fn has_body(self) -> bool {
        !matches!(self, Self::Head | Self::HeadBucket)
    }
}

/// A request as it came in.
#[derive(Clone, Debug)]
pub(crate) struct ServedRequest {
    pub(crate) operation: Operation,
    pub(crate) bucket: String,
    pub(crate) key: Option<String>,
    pub(crate) prefix: Option<String>,
    pub(crate) delimiter: Option<String>,
    pub(crate) start_after: Option<String>,
    pub(crate) continuation_token: Option<String>,
    pub(crate) range: Option<String>,
    /// `If-Match`
    pub(crate) if_match: Option<String>,
    /// `x-amz-request-payer`
    pub(crate) payer: Option<String>,
    /// The region that it is signed for; absent when it is not signed.
    pub(crate) region: Option<String>,
    /// When it was signed, in seconds since midnight; absent when it is not signed.
    pub(crate) signed: Option<u32>,
    /// What happened to it.
    pub(crate) fault: Option<Fault>,
}

impl ServedRequest {
    fn new(request: &Parts) -> Self {
        let path = decode(request.uri.path().trim_start_matches('/'), false);
        let (bucket, key) = path.split_once('/').unwrap_or((&path, ""));
        let key = Some(key.to_owned()).filter(|key| !key.is_empty());
        let mut query: BTreeMap<String, String> = query_pairs(&request.uri).collect();
        let operation = match (&request.method, &key) {
            (&Method::GET, Some(_)) => Operation::Get,
            (&Method::HEAD, Some(_)) => Operation::Head,
            (&Method::HEAD, None) => Operation::HeadBucket,
            (&Method::GET, None) if query.get("list-type").is_some_and(|version| version == "2") => Operation::List,
            _ => Operation::Other,
        };
        let header = |name: &str| Some(request.headers.get(name)?.to_str().ok()?.to_owned());
        // Credential=<access key>/<date>/<region>/s3/aws4_request
        let region = header(AUTHORIZATION.as_str()).and_then(|authorization| {
            let (_, scope) = authorization.split_once("Credential=")?;
            scope.split('/').nth(2).map(str::to_owned)
        });
        // 20261123T093743Z
        let signed = header("x-amz-date").and_then(|date| {
            let clock: u32 = date.get(9..15)?.parse().ok()?;
            Some(clock / 10_000 * 3600 + clock / 100 % 100 * 60 + clock % 100)
        });
        Self {
            operation,
            bucket: bucket.to_owned(),
            key,
            prefix: query.remove("prefix"),
            delimiter: query.remove("delimiter"),
            start_after: query.remove("start-after"),
            continuation_token: query.remove("continuation-token"),
            range: header(RANGE.as_str()),
            if_match: header(IF_MATCH.as_str()),
            payer: header("x-amz-request-payer"),
            region,
            signed,
            fault: None,
        }
    }

    /// What is asked for, the same when it is asked for again.
    pub(crate) fn what(&self) -> String {
        let Self { operation, bucket, key, prefix, delimiter, start_after, continuation_token, range, .. } = self;
        format!(
            "{operation:?} {bucket} {key:?} {prefix:?} {delimiter:?} {start_after:?} {continuation_token:?} {range:?}"
        )
    }
}

/// A server that stops when it is dropped.
pub(crate) struct TestServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    /// Absent only while it is dropped.
    runtime: Option<Runtime>,
}

#[derive(Default)]
struct Shared {
    rules: Mutex<Rules>,
    latency: ResponseDelay,
    traffic: Mutex<ServedRequests>,
    /// Notified of each request.
    came: Condvar,
}

/// What each request waits.
///
/// A thread of its own measures the time. A runtime's timer has steps of a millisecond and ends in the next step, so
/// 20 ms would take up to 21, and hundreds of requests in sequence would add that up.
struct ResponseDelay {
    time: Mutex<Duration>,
    /// In the order in which they came: all wait as long.
    waiting: Sender<(Instant, oneshot::Sender<()>)>,
}

impl Default for ResponseDelay {
    fn default() -> Self {
        let (waiting, come) = channel::<(Instant, oneshot::Sender<()>)>();
        // Ends when the sender is gone.
        thread::spawn(move || {
            for (until, done) in come {
                thread::sleep(until.saturating_duration_since(Instant::now()));
                // The request may have been given up.
                let _ = done.send(());
            }
        });
        Self { time: Mutex::default(), waiting }
    }
}

impl ResponseDelay {
    async fn pass(&self) {
        let time = *lock(&self.time);
        if time > Duration::ZERO {
            let (done, passed) = oneshot::channel();
            self.waiting.send((Instant::now() + time, done)).expect("the thread listens for as long as this is there");
            passed.await.expect("the thread tells everybody");
        }
    }
}

#[derive(Default)]
struct ServedRequests {
    requests: Vec<ServedRequest>,
    in_flight: usize,
    most_in_flight: usize,
}

impl ServedRequests {
    fn count(&self, operation: Operation) -> usize {
        self.requests.iter().filter(|request| request.operation == operation).count()
    }
}

impl TestServer {
    /// Serves `store` to whoever signs as its user.
    pub(crate) fn new(store: &BucketStore) -> Self {
        Self::start(Service::new(store.clone(), false))
    }

    /// Serves `store` to requests without a signature too.
    pub(crate) fn public(store: &BucketStore) -> Self {
        Self::start(Service::new(store.clone(), true))
    }

    fn start(service: Service) -> Self {
        let shared = Arc::new(Shared::default());
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("threads can be started");
        let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0))).expect("loopback has a free port");
        let address = listener.local_addr().expect("it is bound");
        runtime.spawn(accept(listener, service, Arc::clone(&shared)));
        Self { address, shared, runtime: Some(runtime) }
    }

    /// For `--endpoint-url`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Replaces all rules by these.
    pub(crate) fn set_rules(&self, rules: impl IntoIterator<Item = FaultRule>) {
        *lock(&self.shared.rules) = Rules::new(rules.into_iter().collect());
    }

    /// From now on each request waits so long before it is looked at.
    pub(crate) fn set_latency(&self, latency: Duration) {
        *lock(&self.shared.latency.time) = latency;
    }

    /// All requests since the last [`Self::forget`], in the order in which they came.
    pub(crate) fn requests(&self) -> Vec<ServedRequest> {
        lock(&self.shared.traffic).requests.clone()
    }

    /// How many of an operation there were, tried again or not.
    pub(crate) fn count(&self, operation: Operation) -> usize {
        lock(&self.shared.traffic).count(operation)
    }

    /// Waits until there were `count` of an operation.
    ///
    /// # Panics
    /// If they have not come after 20 s.
    pub(crate) fn wait_for(&self, operation: Operation, count: usize) {
        let is_short = |traffic: &mut ServedRequests| traffic.count(operation) < count;
        let traffic = lock(&self.shared.traffic);
        let waited = self.shared.came.wait_timeout_while(traffic, Duration::from_secs(20), is_short);
        let (traffic, timeout) = waited.expect("nobody panics while holding it");
        assert!(!timeout.timed_out(), "{} of {count} {operation:?} came", traffic.count(operation));
    }

    /// How many requests met a fault.
    pub(crate) fn faults(&self) -> usize {
        lock(&self.shared.traffic).requests.iter().filter(|request| request.fault.is_some()).count()
    }

    /// The highest number of requests that were in flight at once, to the end of their bodies.
    pub(crate) fn most_in_flight(&self) -> usize {
        lock(&self.shared.traffic).most_in_flight
    }

    /// Forgets all requests.
    pub(crate) fn forget(&self) {
        let mut traffic = lock(&self.shared.traffic);
        traffic.requests.clear();
        traffic.most_in_flight = traffic.in_flight;
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nobody panics while holding it")
}

async fn accept(listener: TcpListener, service: Service, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        // Small answers would wait for the other side's acknowledgement.
        stream.set_nodelay(true).expect("a new connection is sound");
        tokio::spawn(connection(stream, service.clone(), Arc::clone(&shared)));
    }
}

/// Serves one connection until either side ends it.
async fn connection(stream: TcpStream, service: Service, shared: Arc<Shared>) {
    let resets = Arc::new(AtomicBool::new(false));
    let handler = {
        let resets = Arc::clone(&resets);
        service_fn(move |request| Box::pin(answer(request, service.clone(), Arc::clone(&shared), Arc::clone(&resets))))
    };
    let mut http = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), handler);
    // The stream stays open, so that how it is closed can still be chosen. Why it ended does not matter.
    let _ = poll_fn(|context| http.poll_without_shutdown(context)).await;
    if resets.load(Ordering::Relaxed) {
        let _ = http.into_parts().io.inner().set_zero_linger();
    }
}

async fn answer(
    request: hyper::Request<Incoming>,
    service: Service,
    shared: Arc<Shared>,
    resets: Arc<AtomicBool>,
) -> io::Result<Response<AnswerBody>> {
    // Requests that only read have no body.
    let (request, _) = request.into_parts();
    let mut seen = ServedRequest::new(&request);
    let others = lock(&shared.traffic).in_flight;
    seen.fault = lock(&shared.rules).draw(&seen, others);
    let flight = Flight::begin(&shared, seen.clone());
    shared.latency.pass().await;
    if let Some(fault) = &seen.fault {
        tokio::time::sleep(fault.wait()).await;
    }
    let response = match &seen.fault {
        None => service.answer(&request, &seen),
        Some(Fault::Reset) => {
            resets.store(true, Ordering::Relaxed);
            return Err(io::Error::other("reset before the answer"));
        }
        Some(fault) => {
            if let Some(answer) = fault.answer(&seen) {
                answer
            } else {
                resets.store(fault.resets(), Ordering::Relaxed);
                fault.spoil(service.answer(&request, &seen)).await
            }
        }
    };
    Ok(response.map(|body| {
        body.map_frame(move |frame| {
            // The request is in flight for as long as its body is.
            let _ = &flight;
            frame
        })
        .boxed_unsync()
    }))
}

/// A request in flight.
struct Flight(Arc<Shared>);

impl Flight {
    fn begin(shared: &Arc<Shared>, request: ServedRequest) -> Self {
        let mut traffic = lock(&shared.traffic);
        traffic.requests.push(request);
        traffic.in_flight += 1;
        traffic.most_in_flight = traffic.most_in_flight.max(traffic.in_flight);
        drop(traffic);
        shared.came.notify_all();
        Self(Arc::clone(shared))
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        lock(&self.0.traffic).in_flight -= 1;
    }
}
