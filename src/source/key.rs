//! What an object's file name says about it.

use crate::kind::{LOG_KINDS, LogKind};
use crate::schema::ObjectNames;
use crate::timestamp::Timestamp;

/// A log object's file name, parsed. Borrows the name.
///
/// The form is `<account>_elasticloadbalancing_<region>_app.<name>.<id>_<end time>_<node>_<random>.log.gz`. The
/// other two logs have `conn_log_` or `health_check_log_` before it. The object's folder does not matter.
///
/// Source: <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html>
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectKey<'a> {
    /// The whole file name.
    pub file_name: &'a str,
    /// What it holds.
    pub kind: &'static LogKind,
    /// The account's twelve digits; empty for a test object.
    pub account: &'a str,
    /// The region; empty for a test object.
    pub region: &'a str,
    /// The load balancer with full stops, `app.<name>.<id>`; empty for a test object.
    pub resource: &'a str,
    /// The end of the interval whose lines the object holds, in UTC. `None` for a test object.
    pub end: Option<Timestamp>,
    /// The load balancer node's address; empty for a test object and for a Network Load Balancer.
    pub node: &'a str,
}

/// The parts of a parsed file name, as offsets of bytes in it. An [`Object`](super::Object) carries this besides its
/// name; it takes ten bytes, because a listing may have a million objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct KeyOffsets {
    /// The index of its kind in [`LOG_KINDS`].
    kind: u8,
    /// Where the account begins; the twelve digits are followed by `_elasticloadbalancing_` and the region.
    account: u8,
    region_end: u16,
    resource_end: u16,
    node_end: u16,
    file_name_len: u16,
}

/// What follows the account.
const SERVICE: &str = "_elasticloadbalancing_";

const ACCOUNT_DIGITS: usize = 12;

/// The length of the end of an interval, such as `20261122T0745Z`.
const END_LEN: usize = 14;

impl<'a> ObjectKey<'a> {
    /// Parses a file name (without its folder). `None` if it does not have AWS's form; the object may still hold a log.
    #[must_use]
    pub fn parse(file_name: &'a str) -> Option<Self> {
        KeyOffsets::parse(file_name).map(|offsets| offsets.of(file_name))
    }

    /// The load balancer node's address. `None` if the name has none.
    #[must_use]
    pub fn node_address(&self) -> Option<&'a [u8]> {
        Some(self.node.as_bytes()).filter(|node| !node.is_empty())
    }

    /// The load balancer's resource id, `app/<name>/<id>`; empty for a test object.
    #[must_use]
    pub fn load_balancer(&self) -> String {
        self.resource.replace('.', "/")
    }
}

impl KeyOffsets {
    /// Parses a file name (without its folder), as [`ObjectKey::parse`] does.
    pub(super) fn parse(file_name: &str) -> Option<Self> {
        // Longer names exist neither in S3 nor on disk.
        let file_name_len = u16::try_from(file_name.len()).ok()?;
        let kind_index = |is_kind: &dyn Fn(&LogKind) -> bool| {
            LOG_KINDS.iter().position(|kind| is_kind(kind)).and_then(|index| u8::try_from(index).ok())
        };
        if let Some(kind) = kind_index(&|kind| kind.object_names.has_fixed(file_name)) {
            return Some(Self { kind, account: 0, region_end: 0, resource_end: 0, node_end: 0, file_name_len });
        }
        let (word, rest) = split_word(file_name);
        let account = rest.split('_').next().filter(|account| is_account(account))?;
        // No part contains an underscore.
        let mut parts = rest[account.len()..].strip_prefix(SERVICE)?.split('_');
        let region = parts.next()?;
        let resource = parts.next()?;
        let end = parts.next()?;
        interval_end(end)?;
        let load_balancer = resource.split_once('.').map_or("", |(load_balancer, _)| load_balancer);
        let kind = kind_index(&|kind| kind.object_names.has_key(word, load_balancer))?;
        let (node, random) = (parts.next()?, parts.next());
        let node = match (load_balancer, random) {
            (_, Some(_)) => node,
            // A Network Load Balancer's objects have no address in their names.
            ("net", None) => "",
            (_, None) => return None,
        };
        let account = file_name.len() - rest.len();
        let region_end = account + ACCOUNT_DIGITS + SERVICE.len() + region.len();
        let resource_end = region_end + 1 + resource.len();
        let node_end = resource_end + 1 + END_LEN + 1 + node.len();
        Some(Self {
            kind,
            account: u8::try_from(account).ok()?,
            region_end: u16::try_from(region_end).ok()?,
            resource_end: u16::try_from(resource_end).ok()?,
            node_end: u16::try_from(node_end).ok()?,
            file_name_len,
        })
    }

    /// The parts themselves. `name` ends with the file name that was parsed.
    pub(super) fn of(self, name: &str) -> ObjectKey<'_> {
        let file_name = &name[name.len() - usize::from(self.file_name_len)..];
        let [account, region_end, resource_end, node_end] =
            [u16::from(self.account), self.region_end, self.resource_end, self.node_end].map(usize::from);
        let kind = LOG_KINDS[usize::from(self.kind)];
        if matches!(kind.object_names, ObjectNames::Fixed(_)) {
            return ObjectKey { file_name, kind, account: "", region: "", resource: "", end: None, node: "" };
        }
        let end = resource_end + 1;
        ObjectKey {
            file_name,
            kind,
            account: &file_name[account..account + ACCOUNT_DIGITS],
            region: &file_name[account + ACCOUNT_DIGITS + SERVICE.len()..region_end],
            resource: &file_name[region_end + 1..resource_end],
            end: interval_end(&file_name[end..end + END_LEN]),
            node: &file_name[end + END_LEN + 1..node_end],
        }
    }
}

/// Splits the word off that the names of some kinds begin with. The word is empty if the name begins with none.
///
/// AWS's documentation has a full stop after it; its objects have an underscore.
fn split_word(file_name: &str) -> (&'static str, &str) {
    let split = |kind: &LogKind| match kind.object_names {
        ObjectNames::Key { word: Some(word), .. } if !word.is_empty() => {
            Some((word, file_name.strip_prefix(word)?.strip_prefix(['_', '.'])?))
        }
        _ => None,
    };
    LOG_KINDS.iter().find_map(|kind| split(kind)).unwrap_or(("", file_name))
}

/// Whether a folder `AWSLogs/<account>/<service>/` of a shared bucket belongs to an AWS service other than load
/// balancing.
pub(super) fn is_of_another_service(account: &str, service: &str) -> bool {
    is_account(account) && service != "elasticloadbalancing"
}

/// Whether a name is an account's: twelve digits.
pub(super) fn is_account(text: &str) -> bool {
    text.len() == ACCOUNT_DIGITS && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Parses the end of an interval, such as `20261122T0745Z`.
fn interval_end(text: &str) -> Option<Timestamp> {
    let digits = text.strip_suffix('Z')?;
    let (date, clock) = digits.split_once('T')?;
    if date.len() != 8 || clock.len() != 4 || !(date.bytes().chain(clock.bytes())).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number = |text: &str| text.parse::<u32>().ok();
    let year = number(&date[..4])?;
    Timestamp::from_civil(
        (year, number(&date[4..6])?, number(&date[6..])?),
        (number(&clock[..2])?, number(&clock[2..])?, 0),
        0,
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keys_of_all_kinds_of_logs_are_distinguished() {
        let name = "123456789012_elasticloadbalancing_us-east-2_app.my-loadbalancer.1234567890abcdef_20260215T2340Z_192.0.2.1_20sg8hgm.log.gz";
        let key = ObjectKey::parse(name).expect("AWS's form");
        assert_eq!(key.kind.id, "access-log");
        assert_eq!(key.account, "123456789012");
        assert_eq!(key.region, "us-east-2");
        assert_eq!(key.load_balancer(), "app/my-loadbalancer/1234567890abcdef");
        assert_eq!(key.end.map(|end| end.to_string()).as_deref(), Some("2026-02-15T23:40:00.000000Z"));
        assert_eq!(key.node, "192.0.2.1");
        let kind = |name: &str| ObjectKey::parse(name).map(|key| key.kind.id);
        assert_eq!(kind(&format!("conn_log_{name}")), Some("connection-log"));
        assert_eq!(kind(&format!("health_check_log_{name}")), Some("health-check-log"));
        assert_eq!(kind(&format!("conn_log.{name}")), Some("connection-log"));
        assert_eq!(kind(&name.replace("_app.", "_net.")), Some("network-load-balancer"));
        assert_eq!(kind(&name.replace("_app.", "_net.").replace("_192.0.2.1", "")), Some("network-load-balancer"));
        assert_eq!(kind(&name.replace("_192.0.2.1", "")), None);
        assert_eq!(
            kind(&name.replace("_app.my-loadbalancer.1234567890abcdef", "_my-loadbalancer")),
            Some("classic-load-balancer")
        );
        for test_object in ["ELBAccessLogTestFile", "ELBConnectionLogTestFile", "ELBHealthCheckLogTestFile"] {
            assert_eq!(kind(test_object), Some("test-object"));
        }
    }

    #[test]
    fn other_names_are_not_parsed_as_keys() {
        for name in [
            "",
            "app.log.gz",
            "_____",
            "12345_elasticloadbalancing_a_app.b.c_20260215T2340Z_1_2.log.gz",
            "123456789012_vpcflowlogs_us-east-2_fl-1234_20260215T2340Z_ab12cd34.log.gz",
            "123456789012_elasticloadbalancing_a_app.b.c_20261315T2340Z_1_2.log.gz",
            "123456789012_elasticloadbalancing_a_app.b.c_2026é15T2340Z_1_2.log.gz",
        ] {
            assert_eq!(ObjectKey::parse(name), None, "{name}");
        }
    }

    /// The parts of a key, with no underscore in any but the word.
    fn parts() -> impl Strategy<Value = [String; 6]> {
        let word =
            prop::sample::select(vec!["", "conn_log_", "conn_log.", "health_check_log_"]).prop_map(str::to_owned);
        let end = (1..13_u32, 1..29_u32, 0..24_u32, 0..60_u32);
        let end = end.prop_map(|(month, day, hour, minute)| format!("2026{month:02}{day:02}T{hour:02}{minute:02}Z"));
        let resource = "app\\.[a-z0-9.é-]{0,40}\\.[0-9a-f]{16}";
        (word, "[0-9]{12}", "[a-z]{0,4}-[a-z]{1,9}-[0-9]", resource, end, "[0-9a-f.:]{0,39}")
            .prop_map(<[String; 6]>::from)
    }

    proptest! {
        #[test]
        fn the_parts_of_a_key_are_what_it_was_made_of([word, account, region, resource, end, node] in parts()) {
            let name = format!("{word}{account}_elasticloadbalancing_{region}_{resource}_{end}_{node}_20sg8hgm.log.gz");
            let in_folder = format!("s3://logs/AWSLogs/{account}/{name}");
            let key = KeyOffsets::parse(&name).expect("AWS's form").of(&in_folder);
            prop_assert_eq!(Some(key.clone()), ObjectKey::parse(&name));
            prop_assert_eq!([key.account, key.region, key.resource, key.node], [&account, &region, &resource, &node]);
            prop_assert_eq!(key.file_name, &name);
            prop_assert_eq!(key.node_address(), Some(node.as_bytes()).filter(|it| !it.is_empty()));
            let shown: String = key.end.expect("an end").to_string().chars().filter(|it| !"-:".contains(*it)).collect();
            prop_assert_eq!(format!("{}Z", &shown[..13]), end);
            prop_assert_eq!(key.kind.is_read(), word.is_empty());
        }

        #[test]
        fn a_key_with_anything_written_over_it_is_parsed_in_whole_characters_or_not_at_all(
            [word, account, region, resource, end, node] in parts(),
            at in any::<prop::sample::Index>(),
            over in prop::sample::select(vec!["", "_", "é", "Z", "0", ".", "_elasticloadbalancing_"]),
        ) {
            let mut name = format!("{word}{account}_elasticloadbalancing_{region}_{resource}_{end}_{node}_20sg8hgm.log.gz");
            let (offset, character) = name.char_indices().nth(at.index(name.chars().count())).expect("a character");
            name.replace_range(offset..offset + character.len_utf8(), over);
            if let Some(key) = ObjectKey::parse(&name) {
                prop_assert!(is_account(key.account) && key.end.is_some() && !key.region.contains('_'), "{name}");
                let rest = format!("{}_elasticloadbalancing_{}_{}_", key.account, key.region, key.resource);
                prop_assert!(name.contains(&rest), "{name}: {rest}");
            }
        }
    }

    #[test]
    fn the_end_of_an_interval_is_a_date_and_a_time_of_day() {
        assert_eq!(
            interval_end("20240229T2359Z").map(|end| end.to_string()).as_deref(),
            Some("2024-02-29T23:59:00.000000Z")
        );
        for text in [
            "20260229T2359Z",
            "20260228T2400Z",
            "20260228T2360Z",
            "20260200T2359Z",
            "20260028T2359Z",
            "20260228T2359",
            "20260228T2359z",
            "2026022T82359Z",
            "20260228T235Z",
            "20260228T23590Z",
            "+0260228T2359Z",
            "20260228T+359Z",
            "20260228 2359Z",
        ] {
            assert_eq!(interval_end(text), None, "{text}");
        }
    }

    #[test]
    fn names_longer_than_any_store_allows_are_not_parsed() {
        let name = |letters| {
            let region = "x".repeat(letters);
            format!("123456789012_elasticloadbalancing_{region}_app.b.c_20260215T2340Z_1_2.log.gz")
        };
        assert!(ObjectKey::parse(&name(60_000)).is_some());
        assert_eq!(ObjectKey::parse(&name(65_536)), None);
    }
}
