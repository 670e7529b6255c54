//! What identifies an object.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What identifies an object and its content, over runs, machines and restarts.
///
/// The [name](Self::name) says which object it is, the [version](Self::version) which content. Two ids that are equal
/// need to be read only once, unless the version is [unknown](ObjectVersion::Unknown). Two ids with the same name and
/// different versions are one object: it was replaced or has grown, or it was copied, moved to S3 or unpacked.
///
/// The name is, of these, the first that exists:
///
/// 1. The file name that a load balancer gave, without `.gz`. It ends in a random text and is unique. So an object
///    keeps its name in any folder or bucket, unpacked or not.
/// 2. In S3: its URL.
/// 3. On disk: its absolute path, with links resolved. Not its device and inode number: those identify a file while it
///    exists, but a device may have another number after a restart, an inode may be used again, and a file that is
///    synchronised anew has another one. (To find one file under two names within one run they are right, and
///    [`list_all`](super::list_all) uses them.)
///
/// The text form is `<name>#<version>`. The version has no `#`, so the last one separates them. In JSON, an id is a
/// string of this form. Neither form changes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId {
    name: Box<str>,
    version: ObjectVersion,
}

/// Which content of an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ObjectVersion {
    /// Nothing tells: the store gave no `ETag`, or the file system no time.
    Unknown,
    /// The `ETag` of an object in S3, without quotes. It changes with the content.
    ETag(Box<str>),
    /// A file. One that is still written to has another version each time it is looked at.
    File {
        /// Its size in bytes.
        size: u64,
        /// When it was last modified, in nanoseconds since 1970-01-01T00:00:00Z. Negative before that.
        modified_nanos: i128,
    },
}

impl ObjectId {
    pub(super) fn new(name: impl Into<Box<str>>, version: ObjectVersion) -> Self {
        Self { name: name.into(), version }
    }

    /// Which object it is: a name that a load balancer gave, a URL, or an absolute path.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Which content it has.
    #[must_use]
    pub fn version(&self) -> &ObjectVersion {
        &self.version
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#", self.name)?;
        match &self.version {
            ObjectVersion::Unknown => Ok(()),
            ObjectVersion::ETag(etag) => {
                f.write_str("etag=")?;
                etag.chars().try_for_each(|it| match it {
                    '#' | '%' => write!(f, "%{:02X}", u32::from(it)),
                    _ => f.write_char(it),
                })
            }
            ObjectVersion::File { size, modified_nanos } => write!(f, "size={size},modified={modified_nanos}"),
        }
    }
}

/// The error of a text that is not the text form of an [`ObjectId`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotAnObjectId;

impl fmt::Display for NotAnObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected the id of an object, as in s3://bucket/key#etag=d41d8cd9")
    }
}

impl std::error::Error for NotAnObjectId {}

impl FromStr for ObjectId {
    type Err = NotAnObjectId;

    fn from_str(text: &str) -> Result<Self, NotAnObjectId> {
        let (name, version) = text.rsplit_once('#').ok_or(NotAnObjectId)?;
        let version = if version.is_empty() {
            ObjectVersion::Unknown
        } else if let Some(etag) = version.strip_prefix("etag=") {
            ObjectVersion::ETag(etag.replace("%23", "#").replace("%25", "%").into())
        } else {
            let (size, modified) =
                version.strip_prefix("size=").and_then(|rest| rest.split_once(",modified=")).ok_or(NotAnObjectId)?;
            ObjectVersion::File {
                size: size.parse().map_err(|_| NotAnObjectId)?,
                modified_nanos: modified.parse().map_err(|_| NotAnObjectId)?,
            }
        };
        Ok(Self::new(name, version))
    }
}

impl Serialize for ObjectId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ObjectId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_id_is_read_back_from_its_text_and_from_json() {
        let etag = |text: &str| ObjectVersion::ETag(text.into());
        for (name, version, text) in [
            ("s3://logs/a b#c.log", etag("5d41-3"), "s3://logs/a b#c.log#etag=5d41-3"),
            ("s3://logs/a", etag("a#%23"), "s3://logs/a#etag=a%23%2523"),
            (
                "/var/log/ü\n.log",
                ObjectVersion::File { size: 5, modified_nanos: -1 },
                "/var/log/ü\n.log#size=5,modified=-1",
            ),
            ("a#", ObjectVersion::Unknown, "a##"),
        ] {
            let id = ObjectId::new(name, version);
            assert_eq!(id.to_string(), text);
            assert_eq!(text.parse(), Ok(id.clone()), "{text}");
            let json = serde_json::to_string(&id).expect("a string");
            assert_eq!(serde_json::from_str::<ObjectId>(&json).expect("an id"), id, "{json}");
        }
        for text in ["", "a", "a#b", "a#size=5", "a#size=x,modified=1"] {
            assert_eq!(text.parse::<ObjectId>(), Err(NotAnObjectId), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_name_and_no_version_make_an_id_ambiguous(
            name in "[a#%=,0-9é\n]{0,8}",
            version in prop_oneof![
                Just(ObjectVersion::Unknown),
                "[#%235]{0,6}".prop_map(|tag| ObjectVersion::ETag(tag.into())),
                (any::<u64>(), any::<i128>())
                    .prop_map(|(size, modified_nanos)| ObjectVersion::File { size, modified_nanos }),
            ],
        ) {
            let id = ObjectId::new(name, version);
            prop_assert_eq!(id.to_string().parse(), Ok(id.clone()), "{}", id);
        }
    }

    #[test]
    fn texts_that_are_nearly_ids_are_refused() {
        for text in [
            "a#etag",
            "a#size=",
            "a#size=5,",
            "a#size=5,modified=",
            "a#size=-1,modified=1",
            "a#size=5,modified=1,",
            "a#size=5,modified=1.5",
            "a#size=18446744073709551616,modified=1",
            "a#modified=1,size=5",
            "a# ",
        ] {
            assert_eq!(text.parse::<ObjectId>(), Err(NotAnObjectId), "{text}");
            assert!(serde_json::from_value::<ObjectId>(text.into()).is_err(), "{text}");
        }
    }
}
