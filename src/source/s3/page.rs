//! One page of a listing.

use super::url::S3Url;
use crate::source::etag::Etag;
use crate::source::object::Object;
use crate::source::selection::Selection;
use crate::source::skip::Skip;

/// Where a listing starts or continues.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ListFrom {
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
pub(super) struct ListPage {
    pub(super) keys: Vec<ListedKey>,
    /// Folders with their `/`, if the listing asked for folders.
    pub(super) folders: Vec<String>,
    /// The token for the next page, if there is one.
    pub(super) next: Option<String>,
}

/// A key as it is listed.
#[derive(Debug)]
pub(super) struct ListedKey {
    pub(super) name: String,
    pub(super) size: u64,
    pub(super) etag: Option<Etag>,
    /// The object is archived and must be restored first.
    pub(super) is_archived: bool,
}

impl ListedKey {
    /// The object, if it may hold a wanted line. `was_found_in_folder` is false if the user named it.
    ///
    /// # Errors
    /// The reason to skip it.
    pub(super) fn into_object(
        self,
        url: &S3Url,
        was_found_in_folder: bool,
        selection: &Selection,
    ) -> Result<Object, Skip> {
        let file_name = self.name.rsplit('/').next().unwrap_or_default();
        let key = selection.check_name(file_name, was_found_in_folder)?;
        Ok(Object::in_s3(url.of(&self.name), self.size, self.etag, self.is_archived, key))
    }
}
