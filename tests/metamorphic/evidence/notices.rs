//! Sentences of notices: on requests that do not count as failed.

use albscope::classify::Outcome;
use albscope::kind::alb;

use super::reader::{Request, SECOND};
use super::recount::Recount;
use super::words::{decimal, holds, number, same};
use super::{Form, form};

pub(super) const FORMS: &[Form] = &[
    form("{} requests were refused: {}", refused),
    form("classification_reason of all of them is {}", all_with_reason),
    form("classification_reason of {} is {}", with_reason),
    form("no request with {} was let through", none_let_through),
    form("it was not counted whether requests with {} were let through", not_counted),
    form("at least {} request with {} was let through", some_let_through),
    form("at least {} requests with {} were let through", some_let_through),
    form("the client {} sent at least {} of them, and none of its requests was served", refused_client),
    form(
        "{} of {} counted WebSocket connections of a second or longer ended within 30 ms of the idle timeout, {} s",
        sockets_cut,
    ),
    form(
        "that this is the idle timeout is known from these connections only; a client or a proxy may also close them \
         after that time",
        known_from_sockets,
    ),
    form("{} of {} such requests were sent by the client {}", sent_by),
    form("all such requests were sent by the user agent {}", all_sent_by),
];

fn of_balancer<'s, 'r>(recount: &'s Recount<'r>) -> impl Iterator<Item = &'r Request<'r>> + use<'s, 'r> {
    recount.all.iter().filter(|it| it.load_balancer == recount.load_balancer)
}

/// Whether the load balancer refused it: a 4xx that no target answered.
fn is_refused(request: &Request<'_>) -> bool {
    request.field(alb::ELB_STATUS_CODE).starts_with('4')
        && request.field(alb::ELB_STATUS_CODE) != "460"
        && request.field(alb::TARGET_STATUS_CODE) == "-"
        && request.outcome != "fixed-response"
}

/// Statuses that an outcome has.
fn statuses(title: &str) -> &'static [&'static str] {
    let outcome = Outcome::ALL.iter().find(|outcome| outcome.title() == title).map_or("", |outcome| outcome.id());
    match outcome {
        "malformed-request" | "desync-blocked" | "bad-request" => &["400"],
        "forbidden" => &["403"],
        "waf-blocked" => &["403", "405"],
        "method-not-allowed" => &["405"],
        "request-timeout" => &["408"],
        "request-too-large" => &["413"],
        "uri-too-long" => &["414"],
        "forwarded-for-too-long" => &["463"],
        "protocol-mismatch" => &["464"],
        "authentication-failed" => &["400", "401", "403"],
        _ => &[],
    }
}

fn refused(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let statuses = statuses(said[1]);
    let all = of_balancer(recount).filter(|it| is_refused(it) && statuses.contains(&it.field(alb::ELB_STATUS_CODE)));
    let all: Vec<_> = all.collect();
    let wanted: Vec<_> = match said[1] {
        "malformed request" => all.into_iter().filter(|it| it.method.is_empty()).collect(),
        "blocked as a desync risk" => all.into_iter().filter(|it| it.field(alb::CLASSIFICATION) == "Severe").collect(),
        "bad request" => {
            let is_plain = |it: &&Request<'_>| !it.method.is_empty() && it.field(alb::CLASSIFICATION) != "Severe";
            all.into_iter().filter(is_plain).filter(|it| it.outcome == "other").collect()
        }
        _ => all,
    };
    holds(number(said[0]) <= wanted.len(), &format!("{} were", wanted.len()))
}

fn with_reason_count(recount: &Recount<'_>, reason: &str, refused: bool) -> usize {
    let code = reason.split(": ").next().unwrap_or_default();
    of_balancer(recount).filter(|it| it.field(alb::CLASSIFICATION_REASON) == code && is_refused(it) == refused).count()
}

fn all_with_reason(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let all = usize::try_from(recount.finding.failures).unwrap_or(usize::MAX);
    holds(with_reason_count(recount, said[0], true) >= all, "fewer have it")
}

fn with_reason(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let counted = with_reason_count(recount, said[1], true);
    holds(number(said[0].trim_start_matches("at least ")) <= counted, &format!("{counted} have it"))
}

fn none_let_through(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    same(with_reason_count(recount, said[0], false), 0, 0)
}

fn not_counted(recount: &Recount<'_>, _: &[&str]) -> Result<(), String> {
    let reasons: std::collections::BTreeSet<&str> =
        of_balancer(recount).filter(|it| !is_refused(it)).map(|it| it.field(alb::CLASSIFICATION_REASON)).collect();
    holds(reasons.len() >= 8, "few reasons were let through")
}

fn some_let_through(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let counted = with_reason_count(recount, said[1], false);
    holds(number(said[0]) <= counted, &format!("{counted} were"))
}

fn refused_client(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let begin = format!("{}:", said[0]);
    let of_client: Vec<_> = of_balancer(recount).filter(|it| it.field(alb::CLIENT).starts_with(&begin)).collect();
    let served = of_client.iter().filter(|it| it.has_answer()).count();
    same(served, 0, 0)?;
    holds(number(said[1]) <= of_client.iter().filter(|it| is_refused(it)).count(), "it sent fewer")
}

fn sockets_cut(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    #[expect(clippy::cast_possible_truncation, reason = "a time")]
    let timeout = (decimal(said[2]) * 1e6) as i64;
    let lasted: Vec<i64> = of_balancer(recount).filter(|it| it.is_socket).filter_map(Request::elapsed).collect();
    let long = lasted.iter().filter(|it| **it >= SECOND).count();
    let cut = lasted.iter().filter(|it| (**it - timeout).abs() <= 31_000).count();
    holds(number(said[1]) <= long && number(said[0]) <= cut, &format!("{cut} of {long}"))
}

fn known_from_sockets(recount: &Recount<'_>, _: &[&str]) -> Result<(), String> {
    let timed_out = of_balancer(recount).filter(|it| it.outcome == "idle-timeout").filter_map(Request::elapsed);
    let near = timed_out.filter(|it| (it - recount.idle_timeout()).abs() <= SECOND / 2).count();
    holds(near < 3, &format!("{near} requests ended with 504 at that time, too"))
}

fn sent_by(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let begin = format!("{}:", said[2]);
    let of_client =
        of_balancer(recount).filter(|it| is_refused(it) && it.field(alb::CLIENT).starts_with(&begin)).count();
    holds(number(said[0].trim_start_matches("at least ")) <= of_client, &format!("it sent {of_client}"))
}

fn all_sent_by(recount: &Recount<'_>, said: &[&str]) -> Result<(), String> {
    let of_agent =
        of_balancer(recount).filter(|it| is_refused(it) && it.field(alb::USER_AGENT).starts_with(said[0])).count();
    holds(of_agent as u64 >= recount.finding.failures, &format!("{of_agent} were"))
}
