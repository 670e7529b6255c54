//! Which objects and which records are wanted.

use super::key::{KeyOffsets, ObjectKey};
use super::skip::{RecordSkip, Skip};
use crate::record::SelectionFields;
use crate::timestamp::{MICROS_PER_SECOND, Timestamp};

/// The interval that one object covers.
const INTERVAL_MICROS: i64 = 5 * 60 * MICROS_PER_SECOND;

/// How far a line's `time` may be outside its object's interval. Lines are selected by their own time. The slack
/// only keeps an object from being skipped wrongly, and opening one object too many costs little.
const INTERVAL_SLACK_MICROS: i64 = 5 * 60 * MICROS_PER_SECOND;

/// What the user asked for. The default selects everything.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Lines whose `time` is at or after this moment.
    pub since: Option<Timestamp>,
    /// Lines whose `time` is before this moment.
    pub until: Option<Timestamp>,
    /// Lines of these load balancers; empty for all.
    pub load_balancers: Vec<LoadBalancerFilter>,
    /// Lines of these target groups; empty for all.
    pub target_groups: Vec<TargetGroupFilter>,
    /// Lines of these targets; empty for all.
    pub targets: Vec<TargetFilter>,
}

/// A load balancer by its name, its resource id (`app/<name>/<id>`) or its ARN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadBalancerFilter(String);

/// A target group by its name, the end of its ARN (`targetgroup/<name>/<id>`) or its whole ARN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetGroupFilter(String);

/// A target by its address or by `address:port`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetFilter(String);

impl LoadBalancerFilter {
    /// Takes any of the three forms.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let id = text.rsplit_once(":loadbalancer/").map_or(text, |(_, id)| id);
        Self(id.to_owned())
    }

    /// Whether the filter matches `id`, written as in the log (`app/<name>/<id>`).
    #[must_use]
    pub fn matches(&self, id: &[u8]) -> bool {
        id == self.0.as_bytes() || id.split(|&byte| byte == b'/').nth(1) == Some(self.0.as_bytes())
    }
}

impl TargetGroupFilter {
    /// Takes any of the three forms.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Whether the filter matches `arn`, written as in the log.
    #[must_use]
    pub fn matches(&self, arn: &[u8]) -> bool {
        let resource = arn.rsplit(|&byte| byte == b':').next().unwrap_or_default();
        [arn, resource].contains(&self.0.as_bytes())
            || resource.split(|&byte| byte == b'/').nth(1) == Some(self.0.as_bytes())
    }
}

impl TargetFilter {
    /// Takes either form.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Whether the filter matches `target`, written as in the log (`address:port`).
    #[must_use]
    pub fn matches(&self, target: &[u8]) -> bool {
        let address = target.iter().rposition(|&byte| byte == b':').map_or(target, |colon| &target[..colon]);
        [target, address].contains(&self.0.as_bytes())
    }
}

/// An object may hold a wanted line if its interval ends at `from` or later, and before `before`. `None` if the window
/// has no such bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct IntervalEnds {
    /// The earliest interval end that is wanted.
    pub(super) from: Option<Timestamp>,
    /// The earliest interval end that is too late.
    pub(super) before: Option<Timestamp>,
}

impl Selection {
    /// Which intervals may hold a wanted line.
    pub(super) fn interval_ends(&self) -> IntervalEnds {
        IntervalEnds {
            from: self.since.map(|since| since.plus_micros(-INTERVAL_SLACK_MICROS)),
            before: self.until.map(|until| until.plus_micros(INTERVAL_MICROS + INTERVAL_SLACK_MICROS)),
        }
    }

    /// Whether lines of the load balancer that an object's key names are wanted.
    pub(super) fn wants_load_balancer(&self, key: &ObjectKey<'_>) -> bool {
        let load_balancer = key.load_balancer();
        passes(&self.load_balancers, |filter| filter.matches(load_balancer.as_bytes()))
    }

    /// Whether an object with this key may hold a wanted line.
    ///
    /// # Errors
    /// The reason to skip it.
    pub fn check_object(&self, key: &ObjectKey<'_>) -> Result<(), Skip> {
        if !key.kind.is_read() {
            return Err(Skip::OtherKind(key.kind));
        }
        if !self.wants_load_balancer(key) {
            return Err(Skip::OtherLoadBalancer);
        }
        if let Some(end) = key.end {
            let ends = self.interval_ends();
            if ends.from.is_some_and(|from| end < from) || ends.before.is_some_and(|before| end >= before) {
                return Err(Skip::OutsideWindow);
            }
        }
        Ok(())
    }

    /// Whether to read an object with this file name (without its folder). A name in AWS's form is checked against the
    /// selection, and its parsed key is returned. Any other name must look like that of a log if the object was found
    /// in a folder, but not if the user named it.
    ///
    /// # Errors
    /// The reason to skip it.
    pub(super) fn check_name(&self, file_name: &str, was_found_in_folder: bool) -> Result<Option<KeyOffsets>, Skip> {
        if let Some(key) = KeyOffsets::parse(file_name) {
            return self.check_object(&key.of(file_name)).map(|()| Some(key));
        }
        let is_log = || {
            let name = file_name.to_ascii_lowercase();
            let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
            !name.starts_with('.') && (name.contains(".log") || matches!(extension, "gz" | "txt"))
        };
        if was_found_in_folder && !is_log() { Err(Skip::NotALog) } else { Ok(None) }
    }

    /// Whether a record with these fields is wanted.
    ///
    /// # Errors
    /// The first reason to skip it, in the order of [`RecordSkip::ALL`].
    #[inline]
    pub fn check_record(&self, fields: &SelectionFields<'_>) -> Result<(), RecordSkip> {
        let &SelectionFields { time, load_balancer, target_group, target } = fields;
        if self.since.is_some_and(|since| time < since) || self.until.is_some_and(|until| time >= until) {
            return Err(RecordSkip::OutsideWindow);
        }
        if !passes(&self.load_balancers, |filter| filter.matches(load_balancer)) {
            return Err(RecordSkip::OtherLoadBalancer);
        }
        if !passes(&self.target_groups, |filter| target_group.is_some_and(|arn| filter.matches(arn))) {
            return Err(RecordSkip::OtherTargetGroup);
        }
        if !passes(&self.targets, |filter| target.is_some_and(|target| filter.matches(target))) {
            return Err(RecordSkip::OtherTarget);
        }
        Ok(())
    }
}

/// Whether a value passes `filters`. Every value passes an empty list. Otherwise at least one filter has to match.
#[inline]
fn passes<F>(filters: &[F], matches: impl Fn(&F) -> bool) -> bool {
    filters.is_empty() || filters.iter().any(matches)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "123456789012_elasticloadbalancing_eu-west-1_app.shop.1234567890abcdef_20261122T0745Z_10.0.3.99_gxkrni99.log.gz";

    fn window(since: &str, until: &str) -> Selection {
        Selection {
            since: Timestamp::parse(since.as_bytes()),
            until: Timestamp::parse(until.as_bytes()),
            ..Selection::default()
        }
    }

    #[test]
    fn an_object_is_left_out_only_when_its_interval_is_far_from_the_window() {
        let key = ObjectKey::parse(KEY).expect("AWS's form");
        for (since, until, expected) in [
            ("2026-11-22T07:41:00Z", "2026-11-22T07:42:00Z", Ok(())),
            // The object's interval is 07:40 to 07:45, and the slack on both sides is 5 minutes.
            ("2026-11-22T07:49:00Z", "2026-11-22T08:00:00Z", Ok(())),
            ("2026-11-22T07:00:00Z", "2026-11-22T07:36:00Z", Ok(())),
            ("2026-11-22T07:51:00Z", "2026-11-22T08:00:00Z", Err(Skip::OutsideWindow)),
            ("2026-11-22T07:00:00Z", "2026-11-22T07:35:00Z", Err(Skip::OutsideWindow)),
        ] {
            assert_eq!(window(since, until).check_object(&key), expected, "{since} to {until}");
        }
    }

    #[test]
    fn the_window_begins_at_since_and_ends_before_until() {
        let window = window("2026-11-22T07:00:00Z", "2026-11-22T08:00:00Z");
        let is_wanted = |time: &str| {
            let time = Timestamp::parse(time.as_bytes()).expect("a time");
            let fields = SelectionFields { time, load_balancer: b"", target_group: None, target: None };
            window.check_record(&fields).is_ok()
        };
        assert!(!is_wanted("2026-11-22T06:59:59.999999Z"));
        assert!(is_wanted("2026-11-22T07:00:00.000000Z"));
        assert!(is_wanted("2026-11-22T07:59:59.999999Z"));
        assert!(!is_wanted("2026-11-22T08:00:00.000000Z"));
    }

    #[test]
    fn names_ids_and_arns_are_all_understood() {
        let id = b"app/shop/1234567890abcdef";
        for text in [
            "shop",
            "app/shop/1234567890abcdef",
            "arn:aws:elasticloadbalancing:eu-west-1:1:loadbalancer/app/shop/1234567890abcdef",
        ] {
            assert!(LoadBalancerFilter::new(text).matches(id), "{text}");
        }
        assert!(!LoadBalancerFilter::new("sho").matches(id));
        let arn = b"arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/api/73e2d6bc24d8a067";
        for text in [
            "api",
            "targetgroup/api/73e2d6bc24d8a067",
            "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/api/73e2d6bc24d8a067",
        ] {
            assert!(TargetGroupFilter::new(text).matches(arn), "{text}");
        }
        assert!(!TargetGroupFilter::new("targetgroup").matches(arn));
        assert!(TargetFilter::new("10.0.0.1").matches(b"10.0.0.1:80"));
        assert!(TargetFilter::new("10.0.0.1:80").matches(b"10.0.0.1:80"));
        assert!(!TargetFilter::new("10.0.0.1:8").matches(b"10.0.0.1:80"));
    }

    #[test]
    fn a_name_that_is_no_key_is_read_if_it_looks_like_a_log_or_was_named_by_the_user() {
        let all = Selection::default();
        for (name, is_log) in [
            ("a.log", true),
            ("A.LOG", true),
            ("a.log.1", true),
            ("a.log-20261122", true),
            ("a.gz", true),
            ("a.TXT", true),
            (".a.log", false),
            ("a.json", false),
            ("a.gz.part", false),
            ("gz", false),
            ("alog", false),
            ("", false),
        ] {
            assert_eq!(all.check_name(name, true).is_ok(), is_log, "{name}");
            assert_eq!(all.check_name(name, false), Ok(None), "{name}");
        }
        for was_found_in_folder in [false, true] {
            assert!(all.check_name(KEY, was_found_in_folder).is_ok_and(|key| key.is_some()));
            let connections = all.check_name(&format!("conn_log_{KEY}"), was_found_in_folder);
            assert!(matches!(connections, Err(Skip::OtherKind(kind)) if kind.id == "connection-log"));
        }
    }

    #[test]
    fn the_first_reason_to_skip_is_named() {
        let key = ObjectKey::parse(KEY).expect("AWS's form");
        let other =
            Selection { load_balancers: vec![LoadBalancerFilter::new("blog")], ..window("2030-01-01T00:00:00Z", "") };
        assert_eq!(other.check_object(&key), Err(Skip::OtherLoadBalancer));
        let either = [LoadBalancerFilter::new("blog"), LoadBalancerFilter::new("shop")];
        assert_eq!(Selection { load_balancers: either.to_vec(), ..Selection::default() }.check_object(&key), Ok(()));
        let all = Selection {
            since: Some(Timestamp::from_seconds(10)),
            load_balancers: vec![LoadBalancerFilter::new("shop")],
            target_groups: vec![TargetGroupFilter::new("api")],
            targets: vec![TargetFilter::new("10.0.0.1")],
            ..Selection::default()
        };
        let fields = SelectionFields {
            time: Timestamp::from_seconds(10),
            load_balancer: b"app/shop/1",
            target_group: Some(b"arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/api/7"),
            target: Some(b"10.0.0.1:80"),
        };
        assert_eq!(all.check_record(&fields), Ok(()));
        let mut changed = fields;
        for (change, expected) in [
            ((|it| it.target = None) as fn(&mut SelectionFields<'_>), RecordSkip::OtherTarget),
            (|it| it.target_group = None, RecordSkip::OtherTargetGroup),
            (|it| it.load_balancer = b"app/blog/1", RecordSkip::OtherLoadBalancer),
            (|it| it.time = Timestamp::from_micros(9_999_999), RecordSkip::OutsideWindow),
        ] {
            change(&mut changed);
            assert_eq!(all.check_record(&changed), Err(expected));
        }
    }
}
