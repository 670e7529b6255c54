//! Finds out what a URL names: an object, a folder, or a key prefix.

use std::io;
use std::sync::Arc;

use super::client::S3Client;
use super::error::{S3Action, S3Error, S3ErrorKind};
use super::first_pages::FirstPages;
use super::layout::KeyPrefix;
use super::page::{ListFrom, ListPage, ListedKey};
use super::url::S3Url;

/// What a URL names, with the first answers about it, so that listing need not ask again.
pub(super) enum Located {
    Folder(FirstPages),
    Object(ListedKey),
}

/// Finds out what a URL names.
pub(super) async fn find(shared: &Arc<S3Client>, url: &S3Url) -> io::Result<(KeyPrefix, Located)> {
    let explained =
        |error: &S3Error| error.explain(S3Action::List, &shared.region(&url.bucket), &url.bucket, &url.prefix);
    let is_folder = url.prefix.is_empty() || url.prefix.ends_with('/');
    let prefix = KeyPrefix::of_folder(&url.prefix);
    if is_folder {
        let first = FirstPages::of(shared, &url.bucket, &prefix).await.map_err(|error| explained(&error))?;
        if first.page.keys.is_empty() && first.page.folders.is_empty() {
            return Err(nothing(shared, url).await);
        }
        return Ok((prefix, Located::Folder(first)));
    }
    let page = match shared.page(&url.bucket, &url.prefix, true, &ListFrom::Start).await {
        Ok(page) => page,
        // Permission to read an object does not include permission to list its bucket.
        Err(error) if error.kind == S3ErrorKind::Denied => {
            let head = shared.head(&url.bucket, &url.prefix).await.map_err(|_| explained(&error))?;
            return Ok((prefix, Located::Object(head)));
        }
        Err(error) => return Err(explained(&error)),
    };
    let ListPage { keys, folders, next } = page;
    let folder = format!("{}/", url.prefix);
    let has_folder = folders.contains(&folder);
    // A key sorts before every other key that begins with it.
    let is_key = keys.first().is_some_and(|key| key.name == url.prefix);
    if let Some(key) = keys.into_iter().next().filter(|_| is_key) {
        return Ok((prefix, Located::Object(key)));
    }
    if has_folder || next.is_some() {
        let prefix = KeyPrefix::of_folder(&folder);
        let first = FirstPages::of(shared, &url.bucket, &prefix).await.map_err(|error| explained(&error))?;
        if !first.page.keys.is_empty() || !first.page.folders.is_empty() {
            return Ok((prefix, Located::Folder(FirstPages { requests: first.requests + 1, ..first })));
        }
    }
    let prefix = KeyPrefix::of_beginning(&url.prefix);
    let first = FirstPages::of(shared, &url.bucket, &prefix).await.map_err(|error| explained(&error))?;
    if first.page.keys.is_empty() {
        return Err(nothing(shared, url).await);
    }
    Ok((prefix, Located::Folder(FirstPages { requests: first.requests + 1, ..first })))
}

/// The error for a URL that names nothing. It names the nearest folder that exists and some of what is in it.
async fn nothing(shared: &S3Client, url: &S3Url) -> io::Error {
    // Also for a prefix of slashes only there is the bucket to look into.
    let mut above = (!url.prefix.is_empty()).then(|| url.prefix.trim_end_matches('/'));
    while let Some(name) = above {
        let parent = name.rsplit_once('/').map_or("", |(parent, _)| parent);
        let folder = if parent.is_empty() { String::new() } else { format!("{parent}/") };
        let Ok(page) = shared.page(&url.bucket, &folder, true, &ListFrom::Start).await else {
            // Listing the folder is forbidden or fails.
            return io::Error::other(format!("nothing found, and {} cannot be listed", url.of(&folder)));
        };
        let found = page.folders.into_iter().chain(page.keys.into_iter().map(|key| key.name));
        // A key with the folder's own name only marks the folder; it is nothing in it.
        let names = found.filter_map(|name| name.strip_prefix(&*folder).map(str::to_owned));
        let names: Vec<String> = names.filter(|name| !name.is_empty()).collect();
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

/// The first few names, for a message.
fn few(names: &[String]) -> String {
    const FEW: usize = 5;
    let shown: Vec<&str> = names.iter().take(FEW).map(String::as_str).collect();
    let more = names.len().saturating_sub(FEW);
    if more > 0 { format!("{} and {more} more", shown.join(", ")) } else { shown.join(", ") }
}
