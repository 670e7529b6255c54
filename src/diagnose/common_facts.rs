//! What requests with one outcome have in common: who sent them, their codes, their route. The log's fields say it
//! without any comparison.

use super::evidence::{Evidence, grouped};
use crate::aggregate::{Callers, Failures, Frequent};

/// Evidence on the client that sent at least half of `requests`, and on the user agent that sent all of them. Either
/// must have sent at least `MIN_SENT`. `what` names them: `such failures`.
pub(super) fn sent_by(callers: &Callers, requests: u64, what: &str) -> Vec<Evidence> {
    const MIN_SENT: u64 = 10;
    let named = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
    let mut evidence = Vec::new();
    if let Some((client, sent)) = callers.clients.first().filter(|(_, sent)| *sent >= MIN_SENT && sent * 2 >= requests)
    {
        evidence.push(Evidence::speaks_for(
            format!(
                "{}{} of {} {what} were sent by the client {}",
                at_least(&callers.clients, sent, requests),
                grouped(sent),
                grouped(requests),
                named(client)
            ),
            [("of_one_client", sent as f64)],
        ));
    }
    if let Some((agent, sent)) = callers.user_agents.first().filter(|(_, sent)| *sent >= MIN_SENT && *sent == requests)
    {
        evidence.push(Evidence::speaks_for(
            format!("all {what} were sent by the user agent {}", named(agent)),
            [("of_one_user_agent", sent as f64)],
        ));
    }
    evidence
}

/// `at least ` if a count may be too low: some names were not kept, and it is not that of all requests.
fn at_least(names: &Frequent, count: u64, requests: u64) -> &'static str {
    if names.is_complete() || count == requests { "" } else { "at least " }
}

/// Evidence on each frequent code of a field, with what it means. `requests` is how many there are, with or without a
/// code.
pub(super) fn codes(
    field: &str,
    codes: &Frequent,
    requests: u64,
    meaning: fn(&[u8]) -> Option<&'static str>,
) -> Vec<Evidence> {
    let kept = codes;
    let mut codes: Vec<(&[u8], u64)> = kept.certain().filter(|(_, count)| *count > 0).collect();
    codes.sort_by(|one, other| (other.1, one.0).cmp(&(one.1, other.0)));
    let told = codes.into_iter().map(|(code, count)| {
        let name = String::from_utf8_lossy(code);
        let meaning = meaning(code).map_or(String::new(), |meaning| format!(": {meaning}"));
        let whose = if count == requests {
            "all of them".to_owned()
        } else {
            format!("{}{}", at_least(kept, count, requests), grouped(count))
        };
        Evidence::speaks_for(format!("{field} of {whose} is {name}{meaning}"), [("with_code", count as f64)])
    });
    told.collect()
}

/// Evidence on the route of most requests without a target. `None` if no route has at least half of them.
pub(super) fn most_on_one_route(failures: &Failures) -> Option<Evidence> {
    let (route, count) = failures.routes.first()?;
    let name = String::from_utf8_lossy(route);
    let text = if count == failures.requests {
        format!("all of them are requests to {name}")
    } else {
        format!("at least {} of them are requests to {name}", grouped(count))
    };
    (count * 2 >= failures.requests).then(|| Evidence::speaks_for(text, [("of_one_route", count as f64)]))
}
