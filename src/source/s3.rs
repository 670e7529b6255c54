//! Objects in Amazon S3, or in a store that speaks its protocol.
//!
//! All asynchronous code is in this module and those below it. [`S3::list`] blocks until the listing is
//! done. [`S3::fetch`] queues an object for tasks on threads of their own, which fetch it while workers
//! decode others.
//!
//! An object arrives whole and in one version, or fails with the reason.

mod budget;
mod cache;
mod checksum;
mod client;
mod concurrency;
mod credentials;
mod download;
mod error;
mod fetch;
mod first_pages;
mod http;
mod jump;
mod layout;
mod limits;
mod locate;
mod origin;
mod page;
mod remote;
mod retry;
mod store;
mod stream;
mod url;
mod walk;

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

pub use store::Store;

use super::backend::{Cost, FromCache, Source};
use super::cancel::CancelToken;
use super::fetch::{Arrived, Fetch, fetch_channel};
use super::listing::Listing;
use super::object::{Object, ObjectLocation};
use super::s3_options::S3Options;
use super::selection::Selection;
use crate::decode::Body;
use crate::error::{Error, Result};
use budget::requests;
use fetch::FetchJob;
use layout::KeyPrefix;
use locate::{Located, find};
use origin::Origin;
use page::ListedKey;
use url::S3Url;
use walk::walk;

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
    found: Mutex<Option<Located>>,
    prefix: KeyPrefix,
}

impl S3 {
    /// Opens what a URL names: the object with that key, if there is one; else the folder of that name; else
    /// all keys that begin with it.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Source`] if there is nothing, or it cannot be accessed. The message says what to do.
    pub fn open(store: &Arc<Store>, url: &str) -> Result<Self> {
        let parsed = S3Url::parse(url).map_err(|reason| Error::source(url, reason))?;
        let (prefix, found) =
            store.block_on(find(&store.shared, &parsed)).map_err(|reason| Error::source(url, reason))?;
        Ok(Self { store: store.clone(), origin: Arc::new(Origin::new(parsed)), found: Mutex::new(Some(found)), prefix })
    }

    /// The key of an object of this source.
    fn key<'o>(&self, object: &'o Object) -> &'o str {
        &object.name[self.origin.url.of("").len()..]
    }

    fn start_fetch(&self, object: &Object, arrived: Arrived) -> Fetch {
        let (delivery, fetch) = fetch_channel(arrived);
        if let ObjectLocation::S3 { etag, .. } = &object.location {
            let (origin, key) = (self.origin.clone(), self.key(object).to_owned());
            self.store.fetch(FetchJob { origin, key, size: object.stored_bytes, etag: etag.clone(), delivery });
        } else {
            delivery.deliver(Err(Error::source(&*object.name, io::Error::other("it is not an object in S3"))));
        }
        fetch
    }
}

impl Source for S3 {
    fn list(&self, selection: &Selection, cancel_token: &CancelToken) -> Listing {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner).take();
        let url = &self.origin.url;
        let found = match found {
            Some(found) => Ok(found),
            // It was listed before, so ask again.
            None => self.store.block_on(find(&self.store.shared, url)).map(|(_, found)| found),
        };
        match found {
            Ok(Located::Object(key)) => one(url, key, selection),
            Ok(Located::Folder(first)) => {
                self.store.block_on(walk(&self.store.shared, url, self.prefix.clone(), first, selection, cancel_token))
            }
            Err(reason) => {
                let error = Error::source(url.of(&url.prefix), reason);
                Listing { errors: vec![error], requests: 1, ..Listing::default() }
            }
        }
    }

    fn read_ahead(&self) -> usize {
        self.store.shared.limits.concurrency * 2
    }

    fn fetch(&self, object: &Object, arrived: Arrived) -> Option<Fetch> {
        Some(self.start_fetch(object, arrived))
    }

    fn cost(&self, object: &Object) -> Cost {
        let ObjectLocation::S3 { etag, is_archived } = &object.location else { return Cost::default() };
        let cached = self.store.shared.cache.as_ref().zip(etag.as_ref());
        let is_cached = cached.is_some_and(|(cache, etag)| cache.has(&self.origin.url.bucket, self.key(object), etag));
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
        self.start_fetch(object, Box::new(|| ())).wait(&object.name, scratch)
    }
}

/// The listing of one object that the user named. It is read unless its name says that it holds another log
/// or nothing that is selected.
fn one(url: &S3Url, key: ListedKey, selection: &Selection) -> Listing {
    let mut listing = Listing { requests: 1, ..Listing::default() };
    match key.into_object(url, false, selection) {
        Ok(object) => listing.objects.push(object),
        Err(reason) => listing.skip(reason),
    }
    listing
}
