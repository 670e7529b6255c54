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
}
