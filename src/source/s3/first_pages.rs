//! The first answers about a folder.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::client::S3Client;
use super::error::S3Error;
use super::layout::KeyPrefix;
use super::page::{ListFrom, ListPage};

/// The first answers about a prefix.
#[derive(Debug)]
pub(super) struct FirstPages {
    /// Its first page.
    pub(super) page: ListPage,
    /// The first page of all keys below it. `None` if `page` has them already, because no folders were asked
    /// for, or if the request failed.
    pub(super) whole: Option<ListPage>,
    /// How many listings it took.
    pub(super) requests: u64,
}

impl FirstPages {
    /// Sends both requests at the same time.
    pub(super) async fn of(shared: &Arc<S3Client>, bucket: &str, node: &KeyPrefix) -> Result<Self, S3Error> {
        let page = |with_folders| {
            let (shared, bucket, prefix) = (shared.clone(), bucket.to_owned(), node.prefix.clone());
            async move { shared.page(&bucket, &prefix, with_folders, &ListFrom::Start).await }
        };
        if !node.asks_for_folders() {
            return Ok(Self { page: page(false).await?, whole: None, requests: 1 });
        }
        let mut whole = JoinSet::new();
        whole.spawn(page(false));
        let page = page(true).await?;
        // If it fails, the walk finds everything without it.
        let whole = whole.join_next().await.and_then(Result::ok).and_then(Result::ok);
        Ok(Self { page, whole, requests: 2 })
    }
}
