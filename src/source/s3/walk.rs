//! Listing a bucket with as few requests as the layout of the logs allows.
//!
//! Log delivery writes to `[prefix/]AWSLogs/<account>/elasticloadbalancing/<region>/<yyyy>/<mm>/<dd>/`. The date
//! is that of the delivery. Down to the days, the tree is walked folder by folder, many folders at the same time.
//! Folders of other services, and of days that cannot hold a wanted line, are not listed. Within a day, and below
//! prefixes of any other layout, keys are listed in their order, a page at a time. The listing jumps over
//! stretches where the order shows that nothing is wanted: the keys of one load balancer are next to each other,
//! sorted by the end of their interval.
//!
//! If there is no more than one page of keys, one request lists them all, however deep their folders are. Only its
//! answer shows whether they are so few, so it is sent at the same time as the first request for folders.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use tokio::task::JoinSet;

use super::client::S3Client;
use super::error::{S3Action, S3Error, S3ErrorKind};
use super::first_pages::FirstPages;
use super::jump::jump;
use super::layout::{DeliveryDays, FolderLevel, KeyPrefix, is_number, of_another_service};
use super::page::{ListFrom, ListPage, ListedKey};
use super::url::S3Url;
use crate::error::Error;
use crate::source::cancel::CancelToken;
use crate::source::key::is_account;
use crate::source::listing::Listing;
use crate::source::selection::Selection;
use crate::source::skip::FolderSkip;

/// With a window: the most folders of unknown layout that are listed one by one to find a known layout. Each costs
/// a request, while a page of keys costs one request for a thousand.
const MAX_SEARCHED_WITH_WINDOW: usize = 2_000;

/// The same without a window. All keys are needed then, and the search only serves to list in parallel.
const MAX_SEARCHED: usize = 64;

/// How many levels of folders are searched.
const MAX_SEARCH_DEPTH: usize = 8;

/// The state of a walk.
struct ListingWalk<'a> {
    url: &'a S3Url,
    selection: &'a Selection,
    cancel_token: &'a CancelToken,
    days: DeliveryDays,
    /// [`DeliveryDays::named`] of `days`.
    named: Option<Vec<String>>,
    has_window: bool,
    searched: usize,
    queue: VecDeque<(KeyPrefix, ListFrom)>,
    /// Folders of other services whose keys came with a listing of all keys. The keys are skipped, and each folder
    /// counts as one that was skipped.
    other_services: BTreeSet<String>,
    listing: Listing,
}

/// Lists everything below `node`. `first` has the first answers about it.
pub(super) async fn walk(
    shared: &Arc<S3Client>,
    url: &S3Url,
    node: KeyPrefix,
    first: FirstPages,
    selection: &Selection,
    cancel_token: &CancelToken,
) -> Listing {
    let days = DeliveryDays::of(selection);
    let mut walk = ListingWalk {
        url,
        selection,
        cancel_token,
        named: days.named(),
        days,
        has_window: selection.since.is_some() || selection.until.is_some(),
        searched: 0,
        queue: VecDeque::new(),
        other_services: BTreeSet::new(),
        listing: Listing::default(),
    };
    walk.listing.requests = first.requests;
    match first.whole {
        Some(whole) if whole.next.is_none() => {
            walk.cancel_token.saw(whole.keys.len() as u64);
            whole.keys.into_iter().for_each(|key| walk.take_key(key));
        }
        _ => walk.take(&node, first.page),
    }
    let mut in_flight = JoinSet::new();
    loop {
        while in_flight.len() < shared.listings()
            && !cancel_token.is_cancelled()
            && let Some((node, from)) = walk.queue.pop_front()
        {
            let (shared, bucket) = (shared.clone(), url.bucket.clone());
            walk.listing.requests += 1;
            in_flight.spawn(async move {
                let page = shared.page(&bucket, &node.prefix, node.asks_for_folders(), &from).await;
                (node, from, page)
            });
        }
        // A cancelled walk returns what it has found. Dropping the set aborts the requests in flight.
        if cancel_token.is_cancelled() {
            break;
        }
        let Some(done) = in_flight.join_next().await else { break };
        let Ok((node, from, page)) = done else { continue };
        match (page, from) {
            (Ok(page), _) => walk.take(&node, page),
            (Err(S3Error { kind: S3ErrorKind::BadToken, .. }), ListFrom::Token { last, .. }) => {
                walk.queue.push_front((node, ListFrom::After(last)));
            }
            (Err(error), _) => {
                let reason = error.explain(S3Action::List, &shared.region(&url.bucket), &url.bucket, &node.prefix);
                walk.listing.errors.push(Error::source(url.of(&node.prefix), reason));
            }
        }
    }
    let mut listing = walk.listing;
    if !walk.other_services.is_empty() {
        *listing.folders_skipped.entry(FolderSkip::OtherService).or_default() += walk.other_services.len() as u64;
    }
    // In the order in which a folder on disk is walked: by the parts of the key.
    listing.objects.sort_by(|a, b| a.name.split('/').cmp(b.name.split('/')));
    listing.objects.dedup_by(|a, b| a.name == b.name);
    listing
}

impl ListingWalk<'_> {
    fn take(&mut self, node: &KeyPrefix, page: ListPage) {
        self.cancel_token.saw(page.keys.len() as u64);
        let last = page.keys.iter().map(|key| &key.name).chain(&page.folders).max().cloned();
        for key in page.keys {
            self.take_key(key);
        }
        if let Some((token, last)) = page.next.zip(last) {
            let jump = jump(&last, self.selection);
            // A folder's name represents all keys that begin with it, and the listing continues after them.
            let last = if last.ends_with('/') && node.asks_for_folders() { format!("{last}\u{10ffff}") } else { last };
            let from = match jump {
                Some(to) if to > last => {
                    self.listing.jumps += 1;
                    ListFrom::After(to)
                }
                _ => ListFrom::Token { token, last },
            };
            self.queue.push_back((node.clone(), from));
        }
        let is_wide = page.folders.len() > self.most_searched();
        for folder in page.folders {
            let name = folder.strip_prefix(&*node.prefix).unwrap_or(&folder).trim_end_matches('/').to_owned();
            match self.level_of(node.level, &folder, &name, is_wide) {
                Ok(levels) => self.queue.extend(levels.into_iter().map(|node| (node, ListFrom::Start))),
                Err(reason) => *self.listing.folders_skipped.entry(reason).or_default() += 1,
            }
        }
    }

    fn most_searched(&self) -> usize {
        if self.has_window { MAX_SEARCHED_WITH_WINDOW } else { MAX_SEARCHED }
    }

    /// What to list of a folder that was found on the level `above`. The error is the reason to list nothing.
    fn level_of(
        &mut self,
        above: FolderLevel,
        folder: &str,
        name: &str,
        is_wide: bool,
    ) -> Result<Vec<KeyPrefix>, FolderSkip> {
        let node = |level| Ok(vec![KeyPrefix { prefix: folder.to_owned(), level }]);
        match above {
            FolderLevel::Search(_) if name == "AWSLogs" => node(FolderLevel::Accounts),
            FolderLevel::Search(_) | FolderLevel::Services if name == "elasticloadbalancing" => {
                node(FolderLevel::Regions)
            }
            FolderLevel::Search(depth) => {
                self.searched += 1;
                let goes_on = depth < MAX_SEARCH_DEPTH && !is_wide && self.searched <= self.most_searched();
                node(if goes_on { FolderLevel::Search(depth + 1) } else { FolderLevel::Keys })
            }
            FolderLevel::Accounts if is_account(name) => node(FolderLevel::Services),
            FolderLevel::Services => Err(FolderSkip::OtherService),
            FolderLevel::Regions => match &self.named {
                Some(days) => Ok(days.iter().map(|day| KeyPrefix::of_beginning(&format!("{folder}{day}/"))).collect()),
                None => node(FolderLevel::Years),
            },
            FolderLevel::Years if is_number(name, 4) => self.of_date(folder, 1, FolderLevel::Months),
            FolderLevel::Months if is_number(name, 2) => self.of_date(folder, 2, FolderLevel::Days),
            FolderLevel::Days if is_number(name, 2) => self.of_date(folder, 3, FolderLevel::Keys),
            _ => node(FolderLevel::Keys),
        }
    }

    /// What to list of the folder of a year, month or day. The last `parts` parts of its path are its date. The
    /// error is that the date is outside the window.
    fn of_date(&self, folder: &str, parts: usize, level: FolderLevel) -> Result<Vec<KeyPrefix>, FolderSkip> {
        let trimmed = folder.trim_end_matches('/');
        let begin = trimmed.rmatch_indices('/').nth(parts - 1).map_or(0, |(slash, _)| slash + 1);
        let (above, date) = trimmed.split_at(begin);
        if !self.days.admits(date) {
            return Err(FolderSkip::OutsideWindow);
        }
        Ok(match &self.named {
            Some(days) => {
                let within = days.iter().filter(|day| day.starts_with(date));
                within.map(|day| KeyPrefix::of_beginning(&format!("{above}{day}/"))).collect()
            }
            None => vec![KeyPrefix { prefix: folder.to_owned(), level }],
        })
    }

    fn take_key(&mut self, key: ListedKey) {
        // Consoles create such keys to show an empty folder.
        if key.name.ends_with('/') && key.size == 0 {
            return;
        }
        if let Some(folder) = of_another_service(&key.name, &self.url.prefix) {
            self.other_services.insert(folder.to_owned());
            return;
        }
        match key.into_object(self.url, true, self.selection) {
            Ok(object) => self.listing.objects.push(object),
            Err(reason) => self.listing.skip(reason),
        }
    }
}
