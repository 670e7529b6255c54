//! Fetches objects: many at the same time, in bounded memory, whole or as a stream.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::sync::mpsc::UnboundedReceiver;

use super::budget::{MAX_WHOLE, permits};
use super::client::S3Client;
use super::origin::Origin;
use super::remote::{CachedContent, RemoteObject};
use super::stream::stream;
use crate::source::etag::Etag;
use crate::source::fetch::{Delivery, Fetched};

/// An object to fetch.
pub(super) struct FetchJob {
    pub(super) origin: Arc<Origin>,
    pub(super) key: String,
    pub(super) size: u64,
    pub(super) etag: Option<Etag>,
    pub(super) delivery: Delivery,
}

/// Fetches the objects of the queue. Memory is reserved in the order of the queue, so an object that a worker needs
/// first never waits for memory that only later ones could release.
pub(super) async fn fetch_loop(shared: Arc<S3Client>, budget: Arc<Semaphore>, mut jobs: UnboundedReceiver<FetchJob>) {
    while let Some(job) = jobs.recv().await {
        // The semaphore is never closed.
        let Ok(hold) = budget.clone().acquire_many_owned(permits(job.size)).await else { return };
        let shared = shared.clone();
        tokio::spawn(async move {
            let FetchJob { origin, key, size, etag, delivery } = job;
            let mut object = RemoteObject { shared, origin, key, size, etag };
            object.complete_etag().await;
            match object.read_cache().await {
                Some(CachedContent::Whole(bytes)) => {
                    delivery.deliver(Ok(Fetched::Whole { bytes, hold: Box::new(hold) }));
                }
                Some(CachedContent::File(file)) => delivery.deliver(Ok(Fetched::Stream(Box::new(file)))),
                None if object.size > MAX_WHOLE => stream(&object, delivery, hold).await,
                None => {
                    let bytes = object.whole().await.map_err(|error| object.error(&error));
                    delivery.deliver(bytes.map(|bytes| Fetched::Whole { bytes, hold: Box::new(hold) }));
                }
            }
        });
    }
}
