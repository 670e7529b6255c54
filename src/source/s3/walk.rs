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

use super::client::Shared;
use super::error::{Action, S3Error, S3ErrorKind};
use super::url::Url;
use crate::error::Error;
use crate::schema::ObjectNames;
use crate::source::disk::admit_name;
use crate::source::etag::Etag;
use crate::source::{CancelToken, FolderSkip, Listing, Object, ObjectKey, Place, Selection};
use crate::timestamp::{MICROS_PER_SECOND, Timestamp};

/// How long after the end of its interval an object may be delivered. Minutes are usual; AWS promises nothing.
const LATE_DELIVERY_MICROS: i64 = 4 * 3600 * MICROS_PER_SECOND;

/// The most days of a window that are listed by name. In a longer window, the folders that exist are listed first.
const MAX_NAMED_DAYS: usize = 62;

/// With a window: the most folders of unknown layout that are listed one by one to find a known layout. Each costs
/// a request, while a page of keys costs one request for a thousand.
const MAX_SEARCHED_WITH_WINDOW: usize = 2_000;

/// The same without a window. All keys are needed then, and the search only serves to list in parallel.
const MAX_SEARCHED: usize = 64;

/// How many levels of folders are searched.
const MAX_SEARCH_DEPTH: usize = 8;

/// Where a listing starts or continues.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Begin {
    Start,
    /// After this key.
    After(String),
    /// Where the last page ended: the store's token, and the last name in case the store no longer accepts the token.
    Token {
        token: String,
        last: String,
    },
}

/// One page of a listing.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) keys: Vec<Key>,
    /// Folders with their `/`, if the listing asked for folders.
    pub(super) folders: Vec<String>,
    /// The token for the next page, if there is one.
    pub(super) next: Option<String>,
}

/// A key as it is listed.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) name: String,
    pub(super) size: u64,
    pub(super) etag: Option<Etag>,
    /// The object is archived and must be restored first.
    pub(super) is_archived: bool,
}

/// A folder or any other prefix of keys, and what is known about its layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) prefix: String,
    level: Level,
}

/// What the folders of a node are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    /// Not known. The number is how many levels below the start of the search the node is.
    Search(usize),
    Accounts,
    Services,
    Regions,
    Years,
    Months,
    Days,
    /// No folders are asked for: all keys in their order.
    Keys,
}

impl Node {
    /// The node of a folder, with the level that its path implies. `prefix` ends in `/` or is empty.
    pub(super) fn of_folder(prefix: &str) -> Self {
        let parts: Vec<&str> = prefix.split_terminator('/').collect();
        let below = parts.iter().rposition(|part| *part == "AWSLogs").map(|index| &parts[index + 1..]);
        let level = match below {
            None => Level::Search(0),
            Some([]) => Level::Accounts,
            Some([account]) if is_number(account, 12) => Level::Services,
            Some([account, "elasticloadbalancing", rest @ ..]) if is_number(account, 12) => match rest {
                [] => Level::Regions,
                [_] => Level::Years,
                [_, year] if is_number(year, 4) => Level::Months,
                [_, year, month] if is_number(year, 4) && is_number(month, 2) => Level::Days,
                _ => Level::Keys,
            },
            Some(_) => Level::Keys,
        };
        Self { prefix: prefix.to_owned(), level }
    }

    /// The node of every key that begins with `prefix`.
    pub(super) fn of_beginning(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned(), level: Level::Keys }
    }

    pub(super) fn asks_for_folders(&self) -> bool {
        self.level != Level::Keys
    }
}

fn is_number(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The first and the last day on which wanted objects may have been delivered, as `yyyy/mm/dd` in
/// UTC. `None` if that end is open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Days {
    first: Option<String>,
    last: Option<String>,
}

impl Days {
    fn of(selection: &Selection) -> Self {
        let ends = selection.interval_ends();
        Self {
            first: ends.first.map(day_of),
            last: ends.before.map(|end| day_of(end.plus_micros(LATE_DELIVERY_MICROS))),
        }
    }

    /// Whether a year (`2026`), a month (`2026/11`) or a day may have wanted objects.
    fn admits(&self, folder: &str) -> bool {
        let is_before = |bound: &String| folder < &bound[..folder.len().min(bound.len())];
        let is_after = |bound: &String| folder > &bound[..folder.len().min(bound.len())];
        !self.first.as_ref().is_some_and(is_before) && !self.last.as_ref().is_some_and(is_after)
    }

    /// All of them by name. `None` if an end is open or there are more than [`MAX_NAMED_DAYS`].
    fn named(&self) -> Option<Vec<String>> {
        let (first, last) = (self.first.as_deref()?, self.last.as_deref()?);
        let mut day = Timestamp::parse(format!("{}T00:00:00Z", first.replace('/', "-")).as_bytes())?;
        let mut days = Vec::new();
        while days.last().is_none_or(|named: &String| named.as_str() < last) {
            if days.len() == MAX_NAMED_DAYS {
                return None;
            }
            days.push(day_of(day));
            day = day.plus_micros(24 * 3600 * MICROS_PER_SECOND);
        }
        Some(days)
    }
}

/// The day of a time, such as `2026/11/22`.
fn day_of(time: Timestamp) -> String {
    time.to_string()[..10].replace('-', "/")
}

/// The state of a walk.
struct Walk<'a> {
    url: &'a Url,
    selection: &'a Selection,
    cancel_token: &'a CancelToken,
    days: Days,
    /// [`Days::named`] of `days`.
    named: Option<Vec<String>>,
    has_window: bool,
    searched: usize,
    queue: VecDeque<(Node, Begin)>,
    /// Folders of other services whose keys came with a listing of all keys. The keys are skipped, and each folder
    /// counts as one that was skipped.
    other_services: BTreeSet<String>,
    listing: Listing,
}

/// The first answers about a node.
#[derive(Debug)]
pub(super) struct First {
    /// Its first page.
    pub(super) page: Page,
    /// The first page of all keys below it. `None` if `page` has them already, because no folders were asked
    /// for, or if the request failed.
    pub(super) whole: Option<Page>,
    /// How many listings it took.
    pub(super) requests: u64,
}

impl First {
    /// Sends both requests at the same time.
    pub(super) async fn of(shared: &Arc<Shared>, bucket: &str, node: &Node) -> Result<Self, S3Error> {
        let page = |with_folders| {
            let (shared, bucket, prefix) = (shared.clone(), bucket.to_owned(), node.prefix.clone());
            async move { shared.page(&bucket, &prefix, with_folders, &Begin::Start).await }
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

/// Lists everything below `node`. `first` has the first answers about it.
pub(super) async fn walk(
    shared: &Arc<Shared>,
    url: &Url,
    node: Node,
    first: First,
    selection: &Selection,
    cancel_token: &CancelToken,
) -> Listing {
    let days = Days::of(selection);
    let mut walk = Walk {
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
    let mut under_way = JoinSet::new();
    loop {
        while under_way.len() < shared.listings()
            && !cancel_token.is_cancelled()
            && let Some((node, from)) = walk.queue.pop_front()
        {
            let (shared, bucket) = (shared.clone(), url.bucket.clone());
            walk.listing.requests += 1;
            under_way.spawn(async move {
                let page = shared.page(&bucket, &node.prefix, node.asks_for_folders(), &from).await;
                (node, from, page)
            });
        }
        // A cancelled walk returns what it has found. Dropping the set aborts the requests in flight.
        if cancel_token.is_cancelled() {
            break;
        }
        let Some(done) = under_way.join_next().await else { break };
        let Ok((node, from, page)) = done else { continue };
        match (page, from) {
            (Ok(page), _) => walk.take(&node, page),
            (Err(S3Error { kind: S3ErrorKind::BadToken, .. }), Begin::Token { last, .. }) => {
                walk.queue.push_front((node, Begin::After(last)));
            }
            (Err(error), _) => {
                let reason = error.explain(Action::List, &shared.region(&url.bucket), &url.bucket, &node.prefix);
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

impl Walk<'_> {
    fn take(&mut self, node: &Node, page: Page) {
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
                    Begin::After(to)
                }
                _ => Begin::Token { token, last },
            };
            self.queue.push_back((node.clone(), from));
        }
        let is_wide = page.folders.len() > self.most_searched();
        for folder in page.folders {
            let name = folder[node.prefix.len().min(folder.len())..].trim_end_matches('/').to_owned();
            match self.level_of(node.level, &folder, &name, is_wide) {
                Ok(levels) => self.queue.extend(levels.into_iter().map(|node| (node, Begin::Start))),
                Err(reason) => *self.listing.folders_skipped.entry(reason).or_default() += 1,
            }
        }
    }

    fn most_searched(&self) -> usize {
        if self.has_window { MAX_SEARCHED_WITH_WINDOW } else { MAX_SEARCHED }
    }

    /// What to list of a folder that was found on the level `above`. The error is the reason to list nothing.
    fn level_of(&mut self, above: Level, folder: &str, name: &str, is_wide: bool) -> Result<Vec<Node>, FolderSkip> {
        let node = |level| Ok(vec![Node { prefix: folder.to_owned(), level }]);
        match above {
            Level::Search(_) if name == "AWSLogs" => node(Level::Accounts),
            Level::Search(_) | Level::Services if name == "elasticloadbalancing" => node(Level::Regions),
            Level::Search(depth) => {
                self.searched += 1;
                let goes_on = depth < MAX_SEARCH_DEPTH && !is_wide && self.searched <= self.most_searched();
                node(if goes_on { Level::Search(depth + 1) } else { Level::Keys })
            }
            Level::Accounts if is_number(name, 12) => node(Level::Services),
            Level::Services => Err(FolderSkip::OtherService),
            Level::Regions => match &self.named {
                Some(days) => Ok(days.iter().map(|day| Node::of_beginning(&format!("{folder}{day}/"))).collect()),
                None => node(Level::Years),
            },
            Level::Years if is_number(name, 4) => self.of_date(folder, 1, Level::Months),
            Level::Months if is_number(name, 2) => self.of_date(folder, 2, Level::Days),
            Level::Days if is_number(name, 2) => self.of_date(folder, 3, Level::Keys),
            _ => node(Level::Keys),
        }
    }

    /// What to list of the folder of a year, month or day. The last `parts` parts of its path are its date. The
    /// error is that the date is outside the window.
    fn of_date(&self, folder: &str, parts: usize, level: Level) -> Result<Vec<Node>, FolderSkip> {
        let trimmed = folder.trim_end_matches('/');
        let begin = trimmed.rmatch_indices('/').nth(parts - 1).map_or(0, |(slash, _)| slash + 1);
        let (above, date) = trimmed.split_at(begin);
        if !self.days.admits(date) {
            return Err(FolderSkip::OutsideWindow);
        }
        Ok(match &self.named {
            Some(days) => {
                let within = days.iter().filter(|day| day.starts_with(date));
                within.map(|day| Node::of_beginning(&format!("{above}{day}/"))).collect()
            }
            None => vec![Node { prefix: folder.to_owned(), level }],
        })
    }

    fn take_key(&mut self, key: Key) {
        // Consoles create such keys to show an empty folder.
        if key.name.ends_with('/') && key.size == 0 {
            return;
        }
        if let Some(folder) = of_another_service(&key.name, &self.url.prefix) {
            self.other_services.insert(folder.to_owned());
            return;
        }
        let file_name = key.name.rsplit('/').next().unwrap_or_default();
        match admit_name(file_name, true, self.selection) {
            Ok(()) => self.listing.objects.push(object(self.url, key)),
            Err(reason) => self.listing.skip(reason),
        }
    }
}

/// The folder of another AWS service that contains `key`: `AWSLogs/<account>/<service>/`. `None` if there is none,
/// or if the user named it: the prefix `begin` is that folder or is in it.
fn of_another_service<'k>(key: &'k str, begin: &str) -> Option<&'k str> {
    let (offset, root) =
        key.match_indices("AWSLogs/").find(|(offset, _)| *offset == 0 || key[..*offset].ends_with('/'))?;
    let mut parts = key[offset + root.len()..].split('/');
    let (account, service, _) = (parts.next()?, parts.next()?, parts.next()?);
    let folder = &key[..=(offset + root.len() + account.len() + 1 + service.len())];
    (is_number(account, 12)
        && service != "elasticloadbalancing"
        && folder.len() > begin.trim_end_matches('/').len() + 1)
        .then_some(folder)
}

/// The object of a key.
pub(super) fn object(url: &Url, key: Key) -> Object {
    Object {
        name: url.of(&key.name).into(),
        stored_bytes: key.size,
        place: Place::Key { etag: key.etag, is_archived: key.is_archived },
    }
}

/// The key after which the listing can continue, because no key between `last` and it can be wanted. `None` if `last`
/// does not show that. The keys of one load balancer are next to each other, sorted by the end of their interval.
fn jump(last: &str, selection: &Selection) -> Option<String> {
    // A folder's name ends in `/`, so its file name is empty and does not parse.
    let (folder, file_name) = last.rsplit_once('/').map_or(("", last), |(folder, name)| (&last[..=folder.len()], name));
    let key = ObjectKey::parse(file_name)?;
    // The word before the account, with the separator after it, which is `_` or `.`.
    let word = match key.kind.object_names {
        ObjectNames::Key { word: Some(word), .. } if !word.is_empty() => &file_name[..=word.len()],
        ObjectNames::Key { .. } => "",
        ObjectNames::Fixed(_) => return None,
    };
    let beginning = if !word.is_empty() && !key.kind.is_read() {
        word
    } else {
        // account, service, region, load balancer
        let (end, _) = file_name[word.len()..].match_indices('_').nth(3)?;
        let stem = &file_name[..=word.len() + end];
        let first = selection.interval_ends().first;
        if selection.admits_load_balancer(&key)
            && let Some(first) = first.filter(|first| key.end.is_some_and(|end| end < *first))
        {
            // 2026-11-22T07:41:20.518414Z to 20261122T0741
            let minute: String = first.to_string()[..16].chars().filter(|it| !"-:".contains(*it)).collect();
            return Some(format!("{folder}{stem}{minute}"));
        }
        selection.admits_object(&key).err()?;
        stem
    };
    // A digit follows each of these prefixes, and the colon is the character after the digits in byte order.
    Some(format!("{folder}{beginning}:"))
}

/// The first few names, for a message.
pub(super) fn few(names: &[String]) -> String {
    const FEW: usize = 5;
    let shown: Vec<&str> = names.iter().take(FEW).map(String::as_str).collect();
    let more = names.len().saturating_sub(FEW);
    if more > 0 { format!("{} and {more} more", shown.join(", ")) } else { shown.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::LoadBalancerFilter;

    fn selection(since: &str, until: &str) -> Selection {
        let time = |text: &str| (!text.is_empty()).then(|| Timestamp::parse(text.as_bytes()).expect("a time"));
        Selection { since: time(since), until: time(until), ..Selection::default() }
    }

    #[test]
    fn the_level_of_a_prefix_follows_from_its_parts() {
        for (prefix, level) in [
            ("", Level::Search(0)),
            ("prod/alb/", Level::Search(0)),
            ("AWSLogs/", Level::Accounts),
            ("prod/alb/AWSLogs/", Level::Accounts),
            ("AWSLogs/123456789012/", Level::Services),
            ("AWSLogs/123456789012/elasticloadbalancing/", Level::Regions),
            ("AWSLogs/123456789012/elasticloadbalancing/eu-west-1/", Level::Years),
            ("AWSLogs/123456789012/elasticloadbalancing/eu-west-1/2026/", Level::Months),
            ("AWSLogs/123456789012/elasticloadbalancing/eu-west-1/2026/11/", Level::Days),
            ("AWSLogs/123456789012/elasticloadbalancing/eu-west-1/2026/11/22/", Level::Keys),
            ("AWSLogs/123456789012/elasticloadbalancing/eu-west-1/2026/11/22/more/", Level::Keys),
            ("AWSLogs/123456789012/elasticloadbalancing/eu-west-1/old/", Level::Keys),
            ("AWSLogs/o-abc/", Level::Keys),
            ("AWSLogs/123456789012/CloudTrail/", Level::Keys),
        ] {
            assert_eq!(Node::of_folder(prefix).level, level, "{prefix}");
        }
    }

    #[test]
    fn a_window_admits_its_days_and_the_next_one_if_delivery_may_be_late() {
        let days = |since, until| Days::of(&selection(since, until));
        let noon = days("2026-11-20T10:00:00Z", "2026-11-20T12:00:00Z");
        assert_eq!(noon.named(), Some(vec!["2026/11/20".to_owned()]));
        let evening = days("2026-12-31T23:00:00Z", "2026-12-31T23:30:00Z");
        assert_eq!(evening.named(), Some(vec!["2026/12/31".to_owned(), "2027/01/01".to_owned()]));
        // The object whose interval ends at midnight may hold lines from before and after it.
        let morning = days("2026-03-01T00:00:00Z", "2026-03-01T01:00:00Z");
        assert_eq!(morning.named(), Some(vec!["2026/02/28".to_owned(), "2026/03/01".to_owned()]));
        let open = days("2026-11-20T10:00:00Z", "");
        assert_eq!(open.named(), None);
        for (folder, expected) in [
            ("2025", false),
            ("2026", true),
            ("2027", true),
            ("2026/10", false),
            ("2026/11", true),
            ("2026/11/19", false),
            ("2026/11/20", true),
        ] {
            assert_eq!(open.admits(folder), expected, "{folder}");
        }
        let long = days("2026-01-01T10:00:00Z", "2026-06-01T10:00:00Z");
        assert_eq!(long.named(), None);
        assert!(long.admits("2026/06") && !long.admits("2026/07") && !long.admits("2026/06/02"));
        assert_eq!(days("", ""), Days::default());
        assert!(Days::default().admits("1999"));
    }

    #[test]
    fn keys_of_other_services_are_recognised_by_their_folder_unless_it_was_named() {
        let account = "prod/AWSLogs/123456789012/";
        let trail = format!("{account}CloudTrail/");
        for (key, begin, expected) in [
            (format!("{trail}eu-west-1/2026/11/22/a.json.gz"), "", Some(&*trail)),
            (format!("{trail}a.json.gz"), "prod/AWSLogs/123456789012", Some(&trail)),
            (format!("{trail}a.json.gz"), "prod/AWSLogs/123456789012/CloudTrail", None),
            (format!("{trail}a.json.gz"), &trail, None),
            (format!("{trail}b/a.json.gz"), &format!("{trail}b/"), None),
            (format!("{account}elasticloadbalancing/eu-west-1/2026/11/22/a.log.gz"), "", None),
            (format!("{account}ELBAccessLogTestFile"), "", None),
            ("AWSLogs/o-abc/CloudTrail/a.json.gz".to_owned(), "", None),
            ("MyAWSLogs/123456789012/CloudTrail/a.json.gz".to_owned(), "", None),
        ] {
            assert_eq!(of_another_service(&key, begin), expected, "{key} from {begin}");
        }
    }

    const FOLDER: &str = "AWSLogs/123456789012/elasticloadbalancing/eu-west-1/2026/11/22/";

    fn key(load_balancer: &str, end: &str) -> String {
        format!("{FOLDER}123456789012_elasticloadbalancing_eu-west-1_{load_balancer}_{end}_10.0.3.99_gxkrni99.log.gz")
    }

    /// The key of a Network Load Balancer's object, which has no node.
    fn network_key(load_balancer: &str, end: &str) -> String {
        key(load_balancer, end).replace("_10.0.3.99", "")
    }

    #[test]
    fn jumps_skip_only_keys_that_cannot_be_wanted() {
        let window = selection("2026-11-22T10:00:00Z", "2026-11-22T11:00:00Z");
        let stem = format!("{FOLDER}123456789012_elasticloadbalancing_eu-west-1_app.shop.1234567890abcdef_");
        let shop = |end| key("app.shop.1234567890abcdef", end);
        // Too early: jump to the first key that may be wanted. Keys are in the order of their bytes.
        let early = jump(&shop("20261122T0100Z"), &window).expect("a jump");
        assert_eq!(early, format!("{stem}20261122T0955"));
        assert!(early > shop("20261122T0950Z") && early < shop("20261122T0955Z"));
        assert_eq!(jump(&shop("20261122T1030Z"), &window), None);
        // Too late: jump past the keys of the load balancer.
        let late = jump(&shop("20261122T1200Z"), &window).expect("a jump");
        assert!(late > shop("20261122T2355Z") && late < key("app.shop.2", "20261122T0000Z") && late.starts_with(&stem));
        // Another load balancer, other logs.
        let only = Selection { load_balancers: vec![LoadBalancerFilter::new("shop")], ..window.clone() };
        let other = jump(&key("app.blog.1234567890abcdef", "20261122T0100Z"), &only).expect("a jump");
        assert!(other > key("app.blog.1234567890abcdef", "20261122T2355Z") && other < shop("20261122T0000Z"));
        let network = jump(&key("net.shop.1234567890abcdef", "20261122T1030Z"), &window).expect("a jump");
        assert!(network > key("net.shop.1234567890abcdef", "20261122T2355Z"));
        let network = network_key("net.shop.1234567890abcdef", "20261122T1030Z");
        let after = jump(&network, &window).expect("a jump");
        assert!(
            after > network_key("net.shop.1234567890abcdef", "20261122T2355Z") && after < network_key("net.shop.2", "")
        );
        let connections = key("app.shop.1234567890abcdef", "20261122T1030Z").replace("22/123", "22/conn_log_123");
        assert_eq!(jump(&connections, &Selection::default()), Some(format!("{FOLDER}conn_log_:")));
        assert_eq!(jump("logs/app.log.gz", &window), None);
        assert_eq!(jump(&shop("20261122T0100Z"), &Selection::default()), None);
    }
}
