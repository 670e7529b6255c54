//! `--partition-by`: puts rows into folders that are named after values which the rows share, as Hive names them:
//! `day=2026-11-18/hour=08`. Athena, Spark, `DuckDB` and others read the names of such folders as columns.

use std::fmt::Write as _;
use std::str::FromStr;
use std::sync::Arc;

use super::requests::{RequestRow, target_group_name};
use super::sample::stable_hash;
use crate::timestamp::{Civil, MICROS_PER_SECOND};

/// What rows are partitioned by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Partition {
    /// The day of `time`, in UTC: `day=2026-11-18`.
    Day,
    /// The hour of `time`, in UTC, within its day: `hour=08`.
    Hour,
    /// The load balancer's resource id: `load_balancer=app%2Fshop-prod%2F50dc6c495c0c9188`.
    LoadBalancer,
    /// The target group's name: `target_group=shop-api`. Its column is left out of the files.
    TargetGroup,
}

/// Hive's name for the folder of rows that have no value.
const NO_VALUE: &str = "__HIVE_DEFAULT_PARTITION__";

/// Maximum bytes of a value that a folder's name shows. Anyone can write longer values into a log; file systems allow
/// 255.
const MAX_VALUE_BYTES: usize = 160;

/// The folder of a row: a relative path with `/` between its components. Empty if rows are not partitioned.
pub(super) type PartitionKey = Arc<str>;

impl Partition {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Day, Self::Hour, Self::LoadBalancer, Self::TargetGroup];

    /// The name of the column that readers make of the folder's name.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Hour => "hour",
            Self::LoadBalancer => "load_balancer",
            Self::TargetGroup => "target_group",
        }
    }

    /// The partitions to use, without repeats. An hour alone says little, so its day comes before it.
    #[must_use]
    pub fn completed(partitions: &[Self]) -> Vec<Self> {
        let mut completed = Vec::new();
        for &partition in partitions {
            if partition == Self::Hour && !completed.contains(&Self::Day) {
                completed.push(Self::Day);
            }
            completed.push(partition);
        }
        let mut seen = Vec::new();
        completed.retain(|partition| {
            let is_new = !seen.contains(partition);
            seen.push(*partition);
            is_new
        });
        completed
    }
}

impl FromStr for Partition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|partition| partition.id() == text);
        found.ok_or_else(|| "expected day, hour, load_balancer or target_group".to_owned())
    }
}

/// Computes the folders of rows.
#[derive(Clone, Debug)]
pub(super) struct PartitionKeys {
    partitions: Vec<Partition>,
    /// Hour since the epoch, load balancer and target group of the previous row. Neighbouring rows mostly share them,
    /// and then the key stays.
    latest: Option<(i64, Vec<u8>, Option<Vec<u8>>)>,
    key: PartitionKey,
}

impl PartitionKeys {
    pub(super) fn new(partitions: &[Partition]) -> Self {
        Self { partitions: partitions.to_vec(), latest: None, key: "".into() }
    }

    /// The folder of a row.
    #[inline]
    pub(super) fn key(&mut self, row: &RequestRow<'_>) -> &PartitionKey {
        if self.partitions.is_empty() {
            return &self.key;
        }
        let exchange = row.exchange;
        let hour = exchange.time.as_micros().div_euclid(3600 * MICROS_PER_SECOND);
        let is_same = self.latest.as_ref().is_some_and(|(latest, load_balancer, target_group)| {
            *latest == hour
                && load_balancer == exchange.load_balancer
                && target_group.as_deref() == exchange.target_group
        });
        if !is_same {
            self.key = self.key_of(row);
            let target_group = exchange.target_group.map(<[u8]>::to_vec);
            self.latest = Some((hour, exchange.load_balancer.to_vec(), target_group));
        }
        &self.key
    }

    fn key_of(&self, row: &RequestRow<'_>) -> PartitionKey {
        let Civil { date: (year, month, day), clock: (hour, ..), .. } = row.exchange.time.into();
        let components: Vec<String> = self
            .partitions
            .iter()
            .map(|partition| match partition {
                Partition::Day => format!("day={year:04}-{month:02}-{day:02}"),
                Partition::Hour => format!("hour={hour:02}"),
                Partition::LoadBalancer => format!("load_balancer={}", escaped(row.exchange.load_balancer)),
                Partition::TargetGroup => {
                    let name = row.exchange.target_group.and_then(target_group_name);
                    format!("target_group={}", name.map_or(NO_VALUE.to_owned(), escaped))
                }
            })
            .collect();
        components.join("/").into()
    }
}

/// A value as part of a folder's name: all bytes except letters, digits, `-`, `_` and `.` become `%` and two
/// hexadecimal digits. A value that is too long is cut, and a hash keeps it distinct. An empty value and `-` become
/// [`NO_VALUE`].
fn escaped(value: &[u8]) -> String {
    if matches!(value, b"" | b"-") {
        return NO_VALUE.to_owned();
    }
    let mut name = String::with_capacity(value.len());
    for &byte in value {
        if name.len() >= MAX_VALUE_BYTES {
            // Writing to a String cannot fail.
            let _ = write!(name, "...{:016x}", stable_hash(value));
            return name;
        }
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.') {
            name.push(char::from(byte));
        } else {
            let _ = write!(name, "%{byte:02X}");
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_has_its_day_before_it_and_nothing_comes_twice() {
        use Partition::{Day, Hour, LoadBalancer, TargetGroup};
        for (given, expected) in [
            (&[][..], &[][..]),
            (&[Hour], &[Day, Hour]),
            (&[LoadBalancer, Hour, TargetGroup], &[LoadBalancer, Day, Hour, TargetGroup]),
            (&[Day, LoadBalancer, Hour, Day], &[Day, LoadBalancer, Hour]),
            (&[Hour, Day], &[Day, Hour]),
        ] {
            assert_eq!(Partition::completed(given), expected, "{given:?}");
        }
    }

    #[test]
    fn a_value_makes_one_part_of_a_path_and_no_other_value_makes_the_same() {
        for (value, expected) in [
            (&b"app/shop-prod/50dc6c495c0c9188"[..], "app%2Fshop-prod%2F50dc6c495c0c9188"),
            (b"a b=c%d", "a%20b%3Dc%25d"),
            (b"..", ".."),
            (b"\xff\0", "%FF%00"),
            ("ü".as_bytes(), "%C3%BC"),
            (b"", NO_VALUE),
            (b"-", NO_VALUE),
        ] {
            assert_eq!(escaped(value), expected);
        }
        let long = vec![b'/'; 3 * MAX_VALUE_BYTES];
        let longer = vec![b'/'; 3 * MAX_VALUE_BYTES + 1];
        assert_ne!(escaped(&long), escaped(&longer));
        assert!(escaped(&long).len() < 200);
    }
}
