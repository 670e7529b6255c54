//! Stretches of a listing that cannot hold a wanted key.

use crate::schema::ObjectNames;
use crate::source::key::ObjectKey;
use crate::source::selection::Selection;

/// The key after which the listing can continue, because no key between `last` and it can be wanted. `None` if `last`
/// does not show that. The keys of one load balancer are next to each other, sorted by the end of their interval.
pub(super) fn jump(last: &str, selection: &Selection) -> Option<String> {
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
        let first = selection.interval_ends().from;
        if selection.wants_load_balancer(&key)
            && let Some(first) = first.filter(|first| key.end.is_some_and(|end| end < *first))
        {
            // 2026-11-22T07:41:20.518414Z to 20261122T0741
            let minute: String = first.to_string()[..16].chars().filter(|it| !"-:".contains(*it)).collect();
            return Some(format!("{folder}{stem}{minute}"));
        }
        selection.check_object(&key).err()?;
        stem
    };
    // A digit follows each of these prefixes, and the colon is the character after the digits in byte order.
    Some(format!("{folder}{beginning}:"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::source::selection::LoadBalancerFilter;
    use crate::timestamp::Timestamp;

    fn selection(since: &str, until: &str) -> Selection {
        let time = |text: &str| (!text.is_empty()).then(|| Timestamp::parse(text.as_bytes()).expect("a time"));
        Selection { since: time(since), until: time(until), ..Selection::default() }
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

    /// A key as log delivery makes them: of few load balancers, on one day.
    fn delivered() -> impl Strategy<Value = String> {
        // Names of which one is the beginning of another, also with a character before and after the underscore.
        let load_balancers = vec!["app.shop.1", "app.shop.12", "app.shop-b.1", "app.shopZ.1", "app.shop.a"];
        let load_balancers = prop::sample::select(load_balancers);
        let of_kind = prop_oneof![
            3 => (Just(""), load_balancers.clone()),
            1 => (prop::sample::select(vec!["conn_log_", "health_check_log_"]), load_balancers),
            1 => (Just(""), Just("net.shop.1")),
        ];
        (of_kind, 0..288_i64, 0..3_u8).prop_map(|((word, load_balancer), interval, node)| {
            let end = Timestamp::parse(b"2026-11-22T00:00:00Z").expect("a time").plus_micros(interval * 300_000_000);
            let end: String = end.to_string()[..16].chars().filter(|it| !"-:".contains(*it)).collect();
            key(load_balancer, &format!("{end}Z"))
                .replace("22/123", &format!("22/{word}123"))
                .replace("_10.0.3.99", &format!("_10.0.3.{node}"))
        })
    }

    proptest! {
        /// Whatever lies between a key and the end of its jump is not wanted, as if it had been listed.
        #[test]
        fn no_jump_passes_a_wanted_key(
            mut keys in prop::collection::vec(delivered(), 1..40),
            since in prop::option::of(0..1_500_i64),
            minutes in prop::option::of(1..300_i64),
            seconds in prop::sample::select(vec![0, 30]),
            names in prop::sample::select(vec!["", "shop", "shop-b", "app/shop/1"]),
        ) {
            keys.sort_unstable();
            let midnight = Timestamp::parse(b"2026-11-22T00:00:00Z").expect("a time");
            let at = |minute: i64| midnight.plus_micros((minute * 60 + seconds) * 1_000_000);
            let named = Some(names).filter(|names| !names.is_empty());
            let selection = Selection {
                since: since.map(at),
                until: minutes.map(|minutes| at(since.unwrap_or(0) + minutes)),
                load_balancers: named.map(LoadBalancerFilter::new).into_iter().collect(),
                ..Selection::default()
            };
            let is_wanted = |key: &str| {
                selection.check_name(key.rsplit('/').next().expect("a file name"), true).is_ok()
            };
            for (index, last) in keys.iter().enumerate() {
                // An interval that ends in the minute of the first wanted second is not worth a jump.
                let Some(to) = jump(last, &selection).filter(|to| to > last) else {
                    prop_assert!(is_wanted(last) || seconds > 0, "no jump from {last}");
                    continue;
                };
                for passed in keys[index..].iter().take_while(|key| **key <= to) {
                    prop_assert!(!is_wanted(passed), "from {last} to {to} past {passed}");
                }
            }
        }
    }
}
