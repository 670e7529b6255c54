//! The folders to which log delivery writes:
//! `[prefix/]AWSLogs/<account>/elasticloadbalancing/<region>/<yyyy>/<mm>/<dd>/`. The date is that of the delivery.

use crate::source::key::{is_account, is_of_another_service};
use crate::source::selection::Selection;
use crate::timestamp::{MICROS_PER_SECOND, Timestamp};

/// How long after the end of its interval an object may be delivered. Minutes are usual; AWS promises nothing.
const LATE_DELIVERY_MICROS: i64 = 4 * 3600 * MICROS_PER_SECOND;

/// The most days of a window that are listed by name. In a longer window, the folders that exist are listed first.
const MAX_NAMED_DAYS: usize = 62;

/// A folder or any other prefix of keys, and what is known about its layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeyPrefix {
    pub(super) prefix: String,
    pub(super) level: FolderLevel,
}

/// What the folders below a prefix are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FolderLevel {
    /// Not known. The number is how many levels below the start of the search it is.
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

impl KeyPrefix {
    /// The prefix of a folder, with the level that its path implies. `prefix` ends in `/` or is empty.
    pub(super) fn of_folder(prefix: &str) -> Self {
        let parts: Vec<&str> = prefix.split_terminator('/').collect();
        let below = parts.iter().rposition(|part| *part == "AWSLogs").map(|index| &parts[index + 1..]);
        let level = match below {
            None => FolderLevel::Search(0),
            Some([]) => FolderLevel::Accounts,
            Some([account]) if is_account(account) => FolderLevel::Services,
            Some([account, "elasticloadbalancing", rest @ ..]) if is_account(account) => match rest {
                [] => FolderLevel::Regions,
                [_] => FolderLevel::Years,
                [_, year] if is_number(year, 4) => FolderLevel::Months,
                [_, year, month] if is_number(year, 4) && is_number(month, 2) => FolderLevel::Days,
                _ => FolderLevel::Keys,
            },
            Some(_) => FolderLevel::Keys,
        };
        Self { prefix: prefix.to_owned(), level }
    }

    /// The prefix of every key that begins with `prefix`.
    pub(super) fn of_beginning(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned(), level: FolderLevel::Keys }
    }

    pub(super) fn asks_for_folders(&self) -> bool {
        self.level != FolderLevel::Keys
    }
}

pub(super) fn is_number(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The first and the last day on which wanted objects may have been delivered, as `yyyy/mm/dd` in
/// UTC. `None` if that end is open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct DeliveryDays {
    first: Option<String>,
    last: Option<String>,
}

impl DeliveryDays {
    pub(super) fn of(selection: &Selection) -> Self {
        let ends = selection.interval_ends();
        Self {
            first: ends.from.map(day_of),
            last: ends.before.map(|end| day_of(end.plus_micros(LATE_DELIVERY_MICROS))),
        }
    }

    /// Whether a year (`2026`), a month (`2026/11`) or a day may have wanted objects.
    pub(super) fn admits(&self, folder: &str) -> bool {
        let is_before = |bound: &String| folder < &bound[..folder.len().min(bound.len())];
        let is_after = |bound: &String| folder > &bound[..folder.len().min(bound.len())];
        !self.first.as_ref().is_some_and(is_before) && !self.last.as_ref().is_some_and(is_after)
    }

    /// All of them by name. `None` if an end is open or there are more than [`MAX_NAMED_DAYS`].
    pub(super) fn named(&self) -> Option<Vec<String>> {
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

/// The folder of another AWS service that contains `key`: `AWSLogs/<account>/<service>/`. `None` if there is none,
/// or if the user named it: the prefix `begin` is that folder or is in it.
pub(super) fn of_another_service<'k>(key: &'k str, begin: &str) -> Option<&'k str> {
    let (offset, root) =
        key.match_indices("AWSLogs/").find(|(offset, _)| *offset == 0 || key[..*offset].ends_with('/'))?;
    let mut parts = key[offset + root.len()..].split('/');
    let (account, service, _) = (parts.next()?, parts.next()?, parts.next()?);
    let folder = &key[..=(offset + root.len() + account.len() + 1 + service.len())];
    (is_of_another_service(account, service) && folder.len() > begin.trim_end_matches('/').len() + 1).then_some(folder)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn selection(since: &str, until: &str) -> Selection {
        let time = |text: &str| (!text.is_empty()).then(|| Timestamp::parse(text.as_bytes()).expect("a time"));
        Selection { since: time(since), until: time(until), ..Selection::default() }
    }

    #[test]
    fn the_level_of_a_prefix_follows_from_its_parts() {
        for (prefix, level) in [
            ("", FolderLevel::Search(0)),
            ("prod/alb/", FolderLevel::Search(0)),
            ("AWSLogs/", FolderLevel::Accounts),
            ("prod/alb/AWSLogs/", FolderLevel::Accounts),
            ("AWSLogs/123456789012/", FolderLevel::Services),
            ("AWSLogs/123456789012/elasticloadbalancing/", FolderLevel::Regions),
            ("AWSLogs/123456789012/elasticloadbalancing/eu-west-1/", FolderLevel::Years),
            ("AWSLogs/123456789012/elasticloadbalancing/eu-west-1/2026/", FolderLevel::Months),
            ("AWSLogs/123456789012/elasticloadbalancing/eu-west-1/2026/11/", FolderLevel::Days),
            ("AWSLogs/123456789012/elasticloadbalancing/eu-west-1/2026/11/22/", FolderLevel::Keys),
            ("AWSLogs/123456789012/elasticloadbalancing/eu-west-1/2026/11/22/more/", FolderLevel::Keys),
            ("AWSLogs/123456789012/elasticloadbalancing/eu-west-1/old/", FolderLevel::Keys),
            ("AWSLogs/o-abc/", FolderLevel::Keys),
            ("AWSLogs/123456789012/CloudTrail/", FolderLevel::Keys),
        ] {
            assert_eq!(KeyPrefix::of_folder(prefix).level, level, "{prefix}");
        }
    }

    #[test]
    fn a_window_admits_its_days_and_the_next_one_if_delivery_may_be_late() {
        let days = |since, until| DeliveryDays::of(&selection(since, until));
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
        assert_eq!(days("", ""), DeliveryDays::default());
        assert!(DeliveryDays::default().admits("1999"));
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

    proptest! {
        /// The folder of a day is listed if an object that is wanted may have been delivered on that day.
        #[test]
        fn the_days_of_a_window_have_every_wanted_object_however_late_it_came(
            since in 0..2_000_000_i64,
            minutes in prop_oneof![1..600_i64, 600..200_000_i64],
            // Near one end of the window, where it decides whether a day is listed.
            (is_at_end, near) in (any::<bool>(), -20..20_i64),
            late_minutes in 0..240_i64,
        ) {
            let start = Timestamp::parse(b"2026-01-01T00:00:00Z").expect("a time");
            let at = |minute: i64| start.plus_micros(minute * 60 * MICROS_PER_SECOND);
            let selection = Selection { since: Some(at(since)), until: Some(at(since + minutes)), ..Selection::default() };
            let days = DeliveryDays::of(&selection);
            let end = since + near + if is_at_end { minutes } else { 0 };
            let day = day_of(at(end + late_minutes));
            let ends = selection.interval_ends();
            if ends.from <= Some(at(end)) && Some(at(end)) < ends.before {
                for folder in [&day[..4], &day[..7], &day] {
                    prop_assert!(days.admits(folder), "{folder} of {days:?}");
                }
            }
            if let Some(named) = days.named() {
                prop_assert_eq!(named.contains(&day), days.admits(&day), "{} of {:?}", day, days);
                prop_assert!(named.len() <= MAX_NAMED_DAYS && named.is_sorted());
                prop_assert!(named.iter().all(|day| days.admits(day)));
                prop_assert_eq!((named.first(), named.last()), (days.first.as_ref(), days.last.as_ref()));
            }
        }
    }
}
