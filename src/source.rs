//! Where log objects come from.
//!
//! A [`Source`] lists its objects, skips those that cannot hold a wanted line (and counts them by reason), and
//! returns an object's bytes. A remote source also starts to [`Source::fetch`] objects before they are opened. A
//! new kind of source is one file, one branch in [`Inputs::open`], and in [`Object`] how it finds and names its
//! objects.

mod backend;
mod cancel;
mod disk;
mod etag;
mod fetch;
mod id;
mod inputs;
mod key;
mod listing;
mod not_opened;
mod object;
#[cfg(feature = "s3")]
mod s3;
mod s3_options;
mod selection;
mod skip;
mod standard_input;
#[cfg(not(feature = "s3"))]
mod without_s3;

pub use backend::{Cost, FromCache, Source, list_all};
pub use cancel::CancelToken;
pub use disk::Disk;
pub use fetch::{Arrived, Delivery, Fetch, Fetched, fetch_channel};
pub use id::{NotAnObjectId, ObjectId, ObjectVersion};
pub use inputs::{Inputs, from_input};
pub use key::ObjectKey;
pub use listing::Listing;
pub use not_opened::NotOpened;
pub use object::Object;
#[cfg(feature = "s3")]
pub use s3::{S3, Store};
pub use s3_options::{CacheOptions, S3Options};
pub use selection::{LoadBalancerFilter, Selection, TargetFilter, TargetGroupFilter};
pub use skip::{FolderSkip, RecordSkip, Skip};
pub use standard_input::StandardInput;
