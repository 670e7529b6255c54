//! Objects in Amazon S3, or in a store that speaks its protocol.
//!
//! All asynchronous code is in this module and those below it. [`S3::list`] blocks until the listing is
//! done. [`S3::fetch`] sends an order for an object to tasks on threads of their own, which fetch it
//! while workers decode others.
//!
//! An object arrives whole and in one version, or fails with the reason.

mod cache;
mod client;
mod concurrency;
mod error;
mod fetch;
mod http;
mod retry;
mod url;
mod walk;

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::Runtime;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::{Arrived, CancelToken, Cost, Fetch, FromCache, Listing, Object, Place, S3Options, Selection, Source, way};
use crate::decode::Body;
use crate::error::{Error, Result};
use client::Shared;
use error::{Action, S3Error, S3ErrorKind};
use fetch::{Order, Origin, bring_all, budget, requests};
use url::Url;
use walk::{Begin, First, Node, Page, few, object, walk};

/// How much may be in flight at the same time.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    /// Requests in flight.
    concurrency: usize,
    /// Bytes of memory for objects that are being fetched or wait for a worker.
    bytes: u64,
}

const LEAST_BYTES: u64 = 128 * 1024 * 1024;
const MOST_BYTES: u64 = 256 * 1024 * 1024;

/// The memory to assume, in bytes, if the system does not report how much it has.
const MEMORY_IF_UNKNOWN: u64 = 2 * 1024 * 1024 * 1024;

impl Bounds {
    fn of(options: &S3Options) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
        let concurrency = options.concurrency.unwrap_or_else(|| (cores * 16).clamp(32, 128)).max(1);
        Self { concurrency, bytes: (memory() / 8).clamp(LEAST_BYTES, MOST_BYTES) }
    }
}

/// The memory of this machine in bytes, or of this container if that is less.
fn memory() -> u64 {
    if !sysinfo::IS_SUPPORTED_SYSTEM {
        return MEMORY_IF_UNKNOWN;
    }
    let mut system = sysinfo::System::new();
    system.refresh_memory();
    let machine = system.total_memory();
    match system.cgroup_limits() {
        Some(limits) if limits.total_memory > 0 => machine.min(limits.total_memory),
        _ => machine,
    }
}

/// Connections, credentials and bounds, which all sources of a run share.
pub struct Store {
    shared: Arc<Shared>,
    orders: UnboundedSender<Order>,
    /// `None` only while the store is being dropped.
    runtime: Option<Runtime>,
}

impl Store {
    /// Reads the configuration. Sends no request to S3 yet.
    ///
    /// # Errors
    /// If the threads cannot be started, the cache cannot be used, or [`S3Options::profile`] gives no credentials.
    pub fn open(options: &S3Options) -> io::Result<Self> {
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get).min(4);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_name("s3")
            .enable_all()
            .build()?;
        let bounds = Bounds::of(options);
        let shared = Arc::new(runtime.block_on(Shared::open(options, bounds))?);
        let (orders, queue) = unbounded_channel();
        runtime.spawn(bring_all(shared.clone(), budget(bounds.bytes), queue));
        Ok(Self { shared, orders, runtime: Some(runtime) })
    }

    fn block_on<F: Future>(&self, future: F) -> F::Output {
        match &self.runtime {
            Some(runtime) => runtime.block_on(future),
            None => unreachable!("the runtime is taken away when the store is dropped"),
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        if let Some(cache) = &self.shared.cache {
            // What cannot be removed now is tried again after the next run.
            let _ = cache.trim();
        }
        if let Some(runtime) = self.runtime.take() {
            // What is still in flight is no longer needed.
            runtime.shutdown_background();
        }
    }
}

/// Opens inputs in S3. They share one [`Store`], which is opened with the first of them.
pub(super) struct S3Opener {
    options: S3Options,
    store: Option<Arc<Store>>,
}

impl S3Opener {
    pub(super) fn new(options: S3Options) -> Self {
        Self { options, store: None }
    }

    pub(super) fn open(&mut self, url: &str) -> Result<Box<dyn Source>> {
        let store = if let Some(store) = &self.store {
            store.clone()
        } else {
            let opened = Store::open(&self.options).map_err(|reason| Error::source(url, reason))?;
            self.store.insert(Arc::new(opened)).clone()
        };
        Ok(Box::new(S3::open(&store, url)?))
    }
}

/// A bucket, or the part of it that a prefix names.
pub struct S3 {
    store: Arc<Store>,
    origin: Arc<Origin>,
    start: Mutex<Option<Start>>,
    node: Node,
}

/// What opening found, so that listing need not ask again.
enum Start {
    Node(First),
    Object(Object),
}

impl S3 {
    /// Opens what a URL names: the object with that key, if there is one; else the folder of that name; else
    /// all keys that begin with it.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Source`] if there is nothing, or it cannot be accessed. The message says what to do.
    pub fn open(store: &Arc<Store>, url: &str) -> Result<Self> {
        let parsed = Url::parse(url).map_err(|reason| Error::source(url, reason))?;
        let (node, start) =
            store.block_on(begin(&store.shared, &parsed)).map_err(|reason| Error::source(url, reason))?;
        Ok(Self { store: store.clone(), origin: Arc::new(Origin::new(parsed)), start: Mutex::new(Some(start)), node })
    }

    fn order(&self, object: &Object, arrived: Arrived) -> Fetch {
        let (delivery, fetch) = way(arrived);
        let Place::Key { etag, .. } = &object.place else {
            delivery.deliver(Err(Error::source(&*object.name, io::Error::other("it is not an object in S3"))));
            return fetch;
        };
        let key = object.name[self.origin.url.of("").len()..].to_owned();
        let order = Order { origin: self.origin.clone(), key, size: object.stored_bytes, etag: etag.clone(), delivery };
        // If the queue is closed, the order is dropped, and the fetch reports that.
        let _ = self.store.orders.send(order);
        fetch
    }
}

impl Source for S3 {
    fn list(&self, selection: &Selection, cancel_token: &CancelToken) -> Listing {
        let start = self.start.lock().unwrap_or_else(PoisonError::into_inner).take();
        let url = &self.origin.url;
        let first = match start {
            Some(Start::Object(object)) => return one(object, selection),
            Some(Start::Node(first)) => Ok(first),
            None => match self.store.block_on(begin(&self.store.shared, url)) {
                Ok((_, Start::Object(object))) => return one(object, selection),
                Ok((_, Start::Node(first))) => Ok(first),
                Err(reason) => Err(Error::source(url.of(&url.prefix), reason)),
            },
        };
        match first {
            Ok(first) => {
                self.store.block_on(walk(&self.store.shared, url, self.node.clone(), first, selection, cancel_token))
            }
            Err(error) => Listing { errors: vec![error], requests: 1, ..Listing::default() },
        }
    }

    fn read_ahead(&self) -> usize {
        self.store.shared.bounds.concurrency * 2
    }

    fn fetch(&self, object: &Object, arrived: Arrived) -> Option<Fetch> {
        Some(self.order(object, arrived))
    }

    fn cost(&self, object: &Object) -> Cost {
        let Place::Key { etag, is_archived } = &object.place else { return Cost::default() };
        let key = &object.name[self.origin.url.of("").len()..];
        let cached = self.store.shared.cache.as_ref().zip(etag.as_ref());
        let is_cached = cached.is_some_and(|(cache, etag)| cache.has(&self.origin.url.bucket, key, etag));
        Cost {
            requests: if is_cached { 0 } else { requests(object.stored_bytes) },
            is_cached,
            is_archived: *is_archived,
        }
    }

    fn cached(&self) -> Option<FromCache> {
        self.store.shared.cache.as_ref().map(|_| self.origin.cached())
    }

    fn open<'a>(&self, object: &Object, scratch: &'a mut Vec<u8>) -> Result<Body<'a>> {
        self.order(object, Box::new(|| ())).wait(&object.name, scratch)
    }
}

/// The listing of one object that the user named. It is read unless its name says that it holds another log
/// or nothing that is selected.
fn one(object: Object, selection: &Selection) -> Listing {
    let mut listing = Listing { requests: 1, ..Listing::default() };
    let file_name = object.name.rsplit('/').next().unwrap_or_default();
    match super::disk::admit_name(file_name, false, selection) {
        Ok(()) => listing.objects.push(object),
        Err(reason) => listing.skip(reason),
    }
    listing
}

/// Finds out what a URL names.
async fn begin(shared: &Arc<Shared>, url: &Url) -> io::Result<(Node, Start)> {
    let said = |error: &S3Error| error.explain(Action::List, &shared.region(&url.bucket), &url.bucket, &url.prefix);
    let is_folder = url.prefix.is_empty() || url.prefix.ends_with('/');
    let node = Node::of_folder(&url.prefix);
    if is_folder {
        let first = First::of(shared, &url.bucket, &node).await.map_err(|error| said(&error))?;
        if first.page.keys.is_empty() && first.page.folders.is_empty() {
            return Err(nothing(shared, url).await);
        }
        return Ok((node, Start::Node(first)));
    }
    let page = match shared.page(&url.bucket, &url.prefix, true, &Begin::Start).await {
        Ok(page) => page,
        // Permission to read an object does not include permission to list its bucket.
        Err(error) if error.kind == S3ErrorKind::Denied => {
            let head = shared.head(&url.bucket, &url.prefix).await.map_err(|_| said(&error))?;
            return Ok((node, Start::Object(object(url, head))));
        }
        Err(error) => return Err(said(&error)),
    };
    let Page { keys, folders, next } = page;
    let folder = format!("{}/", url.prefix);
    let has_folder = folders.contains(&folder);
    // A key sorts before every other key that begins with it.
    let is_key = keys.first().is_some_and(|key| key.name == url.prefix);
    if let Some(key) = keys.into_iter().next().filter(|_| is_key) {
        return Ok((node, Start::Object(object(url, key))));
    }
    if has_folder || next.is_some() {
        let node = Node::of_folder(&folder);
        let first = First::of(shared, &url.bucket, &node).await.map_err(|error| said(&error))?;
        if !first.page.keys.is_empty() || !first.page.folders.is_empty() {
            return Ok((node, Start::Node(First { requests: first.requests + 1, ..first })));
        }
    }
    let node = Node::of_beginning(&url.prefix);
    let first = First::of(shared, &url.bucket, &node).await.map_err(|error| said(&error))?;
    if first.page.keys.is_empty() {
        return Err(nothing(shared, url).await);
    }
    Ok((node, Start::Node(First { requests: first.requests + 1, ..first })))
}

/// The error for a URL that names nothing. It names the nearest folder that exists and some of what is in it.
async fn nothing(shared: &Shared, url: &Url) -> io::Error {
    // Also for a prefix of slashes only there is the bucket to look into.
    let mut above = (!url.prefix.is_empty()).then(|| url.prefix.trim_end_matches('/'));
    while let Some(name) = above {
        let parent = name.rsplit_once('/').map_or("", |(parent, _)| parent);
        let folder = if parent.is_empty() { String::new() } else { format!("{parent}/") };
        let Ok(page) = shared.page(&url.bucket, &folder, true, &Begin::Start).await else {
            // Listing the folder is forbidden or fails.
            return io::Error::other(format!("nothing found, and {} cannot be listed", url.of(&folder)));
        };
        let found = page.folders.into_iter().chain(page.keys.into_iter().map(|key| key.name));
        // A key with the folder's own name only marks the folder; it is nothing in it.
        let names = found.map(|name| name[folder.len()..].to_owned()).filter(|name| !name.is_empty());
        let names: Vec<String> = names.collect();
        if !names.is_empty() {
            return io::Error::other(format!(
                "nothing found; the nearest folder that exists is {}, which has {}",
                url.of(&folder),
                few(&names)
            ));
        }
        above = (!parent.is_empty()).then_some(parent);
    }
    io::Error::other(format!("nothing found; the bucket {} is empty", url.bucket))
}
