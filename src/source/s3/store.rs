//! What all inputs in S3 share: one runtime, one set of connections, one queue of objects to fetch.

use std::io;
use std::sync::Arc;

use tokio::runtime::Runtime;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::budget::budget;
use super::client::S3Client;
use super::fetch::{FetchJob, fetch_loop};
use super::limits::Limits;
use crate::source::s3_options::S3Options;

/// Connections, credentials and limits, which all sources of a run share.
pub struct Store {
    pub(super) shared: Arc<S3Client>,
    jobs: UnboundedSender<FetchJob>,
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
        let limits = Limits::of(options);
        let shared = Arc::new(runtime.block_on(S3Client::open(options, limits))?);
        let (jobs, queue) = unbounded_channel();
        runtime.spawn(fetch_loop(shared.clone(), budget(limits.bytes), queue));
        Ok(Self { shared, jobs, runtime: Some(runtime) })
    }

    pub(super) fn block_on<F: Future>(&self, future: F) -> F::Output {
        match &self.runtime {
            Some(runtime) => runtime.block_on(future),
            None => unreachable!("the runtime is taken away when the store is dropped"),
        }
    }

    /// Puts an object into the queue of those to fetch. If the queue is closed, the job is dropped, and the fetch
    /// reports that.
    pub(super) fn fetch(&self, job: FetchJob) {
        let _ = self.jobs.send(job);
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        if let Some(cache) = &self.shared.cache {
            // What cannot be removed now is tried again after the next run.
            cache.trim();
        }
        if let Some(runtime) = self.runtime.take() {
            // What is still in flight is no longer needed.
            runtime.shutdown_background();
        }
    }
}
