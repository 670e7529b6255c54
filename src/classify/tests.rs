pub(crate) mod fixture;

use super::*;
use fixture::EXCHANGE;

const A: Option<u64> = None;
const Z: Option<u64> = Some(0);

fn exchange(elb: u16, target_status: Option<u16>, times: [Option<u64>; 3], elapsed_ms: u64) -> Exchange<'static> {
    let [request, target, response] = times.map(|time| time.map(Duration::from_millis));
    Exchange {
        elb_status_code: (elb > 0).then_some(elb),
        target_status_code: target_status,
        request_processing_time: request,
        target_processing_time: target,
        response_processing_time: response,
        elapsed: Elapsed::Exact(Duration::from_millis(elapsed_ms)),
        ..EXCHANGE
    }
}

fn without_target(exchange: Exchange<'static>) -> Exchange<'static> {
    Exchange { target: None, ..exchange }
}

#[test]
fn each_signature_has_its_outcome() {
    let rule = |elb, actions: &[u8]| Exchange {
        actions: Actions::parse(actions),
        target_group: None,
        ..without_target(exchange(elb, None, [A, A, A], 0))
    };
    let lambda = |code: &[u8]| Exchange {
        reason: Reason::parse(code),
        ..without_target(exchange(502, None, [Z, Some(42), A], 51))
    };
    for (name, exchange, expected) in [
        ("answered", exchange(200, Some(200), [Z, Z, Z], 1), Outcome::Ok),
        ("web socket", exchange(101, Some(101), [Z, Z, Z], 3_600_000), Outcome::Ok),
        ("target 404", exchange(404, Some(404), [Z, Z, Z], 1), Outcome::TargetClientError),
        ("target 500", exchange(500, Some(500), [Z, Z, Z], 1), Outcome::TargetError),
        ("target 502", exchange(502, Some(502), [Z, Z, Z], 1), Outcome::TargetGatewayError),
        ("target 504 at a minute", exchange(504, Some(504), [Z, Some(60_000), Z], 60_000), Outcome::TargetGatewayError),
        ("refused", exchange(502, None, [A, A, A], 3), Outcome::ConnectFailed),
        ("refused, target not logged", without_target(exchange(502, None, [A, A, A], 3)), Outcome::ConnectFailed),
        ("closed at once", exchange(502, None, [Z, Z, A], 1), Outcome::ClosedBeforeResponse),
        ("closed late", exchange(502, None, [Some(1), Some(4205), A], 4206), Outcome::ClosedBeforeResponse),
        ("closed, no target time", exchange(502, None, [Z, A, A], 4206), Outcome::ClosedBeforeResponse),
        ("answer refused", exchange(502, None, [Z, Z, Z], 3), Outcome::ResponseRejected),
        ("answer refused, its status logged", exchange(502, Some(200), [Z, Z, A], 3), Outcome::ResponseRejected),
        (
            "stream reset",
            Exchange { has_stream_reset: true, ..exchange(502, None, [Z, Z, A], 3) },
            Outcome::StreamReset,
        ),
        ("connect timeout", exchange(504, None, [A, A, A], 10_001), Outcome::ConnectTimeout),
        ("TLS handshake timeout", exchange(504, None, [A, A, A], 11_003), Outcome::ConnectTimeout),
        (
            "connect timeout, creation from the trace id",
            Exchange {
                elapsed: Elapsed::FromTraceId(Duration::from_millis(10_997)),
                ..exchange(504, None, [A, A, A], 0)
            },
            Outcome::ConnectTimeout,
        ),
        ("idle timeout", exchange(504, None, [Z, A, A], 60_001), Outcome::IdleTimeout),
        ("idle timeout with a target time", exchange(504, None, [Z, Some(60_000), A], 60_001), Outcome::IdleTimeout),
        ("idle timeout of 10 s", exchange(504, None, [Z, A, A], 10_001), Outcome::IdleTimeout),
        ("idle timeout in an archive", exchange(504, None, [A, A, A], 60_001), Outcome::IdleTimeout),
        ("504 cut short", exchange(504, None, [A, A, A], 5_000), Outcome::TimeoutUnspecified),
        (
            "504 of unknown length",
            Exchange { elapsed: Elapsed::Unknown, ..exchange(504, None, [A, A, A], 0) },
            Outcome::TimeoutUnspecified,
        ),
        ("body shorter than promised", exchange(504, Some(200), [Z, Z, Z], 60_000), Outcome::IncompleteResponse),
        ("no target", without_target(exchange(503, None, [A, A, A], 0)), Outcome::NoTarget),
        (
            "no target, archive",
            Exchange { actions: Actions::UNKNOWN, ..without_target(exchange(503, None, [A, A, A], 0)) },
            Outcome::NoTarget,
        ),
        ("fixed response", rule(503, b"fixed-response"), Outcome::FixedResponse),
        ("503 with a target", exchange(503, None, [A, A, A], 0), Outcome::TargetUnavailable),
        ("redirect", rule(301, b"redirect"), Outcome::Redirect),
        ("redirect behind WAF", rule(302, b"waf,redirect"), Outcome::Redirect),
        ("blocked by WAF", rule(403, b"waf"), Outcome::WafBlocked),
        ("blocked by WAF with a custom code", rule(503, b"waf"), Outcome::WafBlocked),
        ("blocked by WAF after authentication", rule(403, b"authenticate,waf"), Outcome::WafBlocked),
        ("WAF failed", rule(500, b"waf-failed"), Outcome::WafFailed),
        (
            "WAF failed open, target refused",
            Exchange { actions: Actions::parse(b"waf-failed,forward"), ..exchange(502, None, [A, A, A], 2) },
            Outcome::ConnectFailed,
        ),
        (
            "WAF timed out",
            Exchange { reason: Reason::parse(b"WAFConnectionTimeout"), ..rule(500, b"-") },
            Outcome::WafFailed,
        ),
        (
            "cookie not valid",
            Exchange { reason: Reason::parse(b"AuthInvalidCookie"), ..rule(401, b"authenticate") },
            Outcome::AuthenticationFailed,
        ),
        (
            "token not valid",
            Exchange { reason: Reason::parse(b"JWTSignatureValidationError"), ..rule(401, b"-") },
            Outcome::AuthenticationFailed,
        ),
        (
            "identity provider silent",
            Exchange { reason: Reason::parse(b"AuthTokenEpRequestTimeout"), ..rule(500, b"authenticate") },
            Outcome::IdentityProviderError,
        ),
        (
            "key set failed",
            Exchange { reason: Reason::parse(b"JWKSRequestFailed"), ..rule(562, b"-") },
            Outcome::IdentityProviderError,
        ),
        ("561 without a code", rule(561, b"authenticate"), Outcome::IdentityProviderError),
        ("lambda answered nonsense", lambda(b"LambdaInvalidResponse"), Outcome::LambdaError),
        ("lambda throttled", lambda(b"LambdaThrottling"), Outcome::LambdaThrottled),
        ("lambda not reached", lambda(b"LambdaConnectionTimeout"), Outcome::LambdaTimeout),
        ("lambda forbidden", lambda(b"LambdaAccessDenied"), Outcome::LambdaMisconfigured),
        ("lambda key", lambda(b"LambdaKMSNotFoundException"), Outcome::LambdaMisconfigured),
        ("lambda, a code to come", lambda(b"LambdaSomethingNew"), Outcome::LambdaError),
        (
            "lambda 504",
            Exchange { elb_status_code: Some(504), ..lambda(b"LambdaConnectionTimeout") },
            Outcome::LambdaTimeout,
        ),
        (
            "lambda, request too large",
            Exchange { elb_status_code: Some(413), ..lambda(b"LambdaRequestTooLarge") },
            Outcome::RequestTooLarge,
        ),
        ("client left early", exchange(460, None, [A, A, A], 5_720), Outcome::ClientClosedBeforeDispatch),
        ("client left late", exchange(460, None, [Z, A, A], 30_000), Outcome::ClientClosedAfterDispatch),
        ("malformed", Exchange { method: None, ..rule(400, b"-") }, Outcome::MalformedRequest),
        ("severe", Exchange { is_severe: true, ..rule(400, b"-") }, Outcome::DesyncBlocked),
        ("bad", rule(400, b"-"), Outcome::BadRequest),
        ("nothing sent", rule(0, b"-"), Outcome::NoStatus),
        ("out of range", rule(777, b"-"), Outcome::UnknownStatus),
        ("200 by the load balancer", rule(200, b"-"), Outcome::LoadBalancerAnswer),
    ] {
        assert_eq!(classify(&exchange), expected, "{name}");
    }
}

#[test]
fn every_status_the_load_balancer_makes_has_an_outcome_of_its_own() {
    for (status, expected) in [
        (400, Outcome::BadRequest),
        (401, Outcome::AuthenticationFailed),
        (403, Outcome::Forbidden),
        (405, Outcome::MethodNotAllowed),
        (408, Outcome::RequestTimeout),
        (413, Outcome::RequestTooLarge),
        (414, Outcome::UriTooLong),
        (460, Outcome::ClientClosedBeforeDispatch),
        (463, Outcome::ForwardedForTooLong),
        (464, Outcome::ProtocolMismatch),
        (500, Outcome::LoadBalancerError),
        (501, Outcome::UnsupportedTransferEncoding),
        (502, Outcome::ConnectFailed),
        (503, Outcome::NoTarget),
        (504, Outcome::TimeoutUnspecified),
        (505, Outcome::UnsupportedHttpVersion),
        (507, Outcome::RedirectUrlTooLong),
        (561, Outcome::IdentityProviderError),
        (562, Outcome::IdentityProviderError),
    ] {
        assert_eq!(classify(&without_target(exchange(status, None, [A, A, A], 0))), expected, "{status}");
    }
}

#[test]
fn a_5xx_or_460_counts_as_failed_and_nothing_else_does() {
    for status in 100..600 {
        for target_status in [None, Some(status), Some(200)] {
            for target in [None, Some(b"10.0.0.1:80".as_slice())] {
                let exchange = Exchange { target, ..exchange(status, target_status, [Z, A, A], 1) };
                let outcome = classify(&exchange);
                assert_eq!(
                    outcome.is_failure(),
                    status >= 500 || status == 460,
                    "{status} {target_status:?}: {outcome:?}"
                );
            }
        }
    }
}

#[test]
fn the_shortcut_says_what_the_table_says() {
    for status in 0..1000 {
        for target_status in [None, Some(status), Some(200)] {
            let exchange = exchange(status, target_status, [Z, Z, Z], 1);
            assert_eq!(classify(&exchange), by_table(&exchange), "{status} {target_status:?}");
        }
    }
}

#[test]
fn every_outcome_is_the_meaning_of_some_row_and_has_its_own_id() {
    let mut ids: Vec<_> = Outcome::ALL.iter().map(|outcome| outcome.id()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), Outcome::COUNT);
    for outcome in Outcome::ALL {
        assert!(ROWS.iter().any(|row| row.outcome == *outcome), "{outcome:?} is never reached");
    }
}

#[test]
fn a_gateway_timeout_of_any_length_and_form_is_a_failure_of_some_kind() {
    for elapsed in [0, 9_499, 9_500, 11_499, 11_500, 4_000_000] {
        let outcome = classify(&exchange(504, None, [A, A, A], elapsed));
        let expected = match elapsed {
            ..9_500 => Outcome::TimeoutUnspecified,
            9_500..11_500 => Outcome::ConnectTimeout,
            _ => Outcome::IdleTimeout,
        };
        assert_eq!(outcome, expected, "{elapsed} ms");
    }
}

/// Exchanges with this status of all forms that any row of the table looks at.
fn of_all_forms(status: u16) -> Vec<Exchange<'static>> {
    const ACTIONS: [Actions; 6] = [
        Actions::UNKNOWN,
        Actions::FORWARD,
        Actions::REDIRECT,
        Actions::FIXED_RESPONSE,
        Actions::WAF_LAST,
        Actions::WAF_FAILED,
    ];
    const REASONS: [Reason; 8] = [
        Reason::None,
        Reason::Authentication,
        Reason::IdentityProvider,
        Reason::Lambda,
        Reason::LambdaThrottled,
        Reason::LambdaTimeout,
        Reason::LambdaMisconfigured,
        Reason::Waf,
    ];
    let mut all = Vec::new();
    for target_status in [None, Some(status), Some(if status == 200 { 201 } else { 200 })] {
        for times in 0..8 {
            let time = |bit: u32| (times >> bit & 1 == 1).then_some(3);
            for elapsed in [1_000, 10_000, 60_000] {
                let base = exchange(status, target_status, [time(0), time(1), time(2)], elapsed);
                for (actions, reason) in ACTIONS.into_iter().flat_map(|it| REASONS.map(|reason| (it, reason))) {
                    let form = Exchange { reason, actions, ..base };
                    let variants = [
                        form,
                        without_target(form),
                        Exchange { method: None, ..form },
                        Exchange { is_severe: true, ..form },
                        Exchange { has_stream_reset: true, ..form },
                    ];
                    all.extend(variants);
                }
            }
        }
    }
    all
}

#[test]
fn the_outcomes_of_a_status_are_those_that_requests_with_it_may_have() {
    for status in [200, 302, 400, 401, 403, 404, 413, 460, 463, 500, 501, 502, 503, 504, 507, 561, 599] {
        let mut met: Vec<Outcome> = of_all_forms(status).iter().map(classify).collect();
        met.sort_unstable();
        met.dedup();
        let mut said = outcomes_of_status(status);
        said.sort_unstable();
        assert_eq!(said, met, "{status}");
    }
}

#[test]
fn the_outcomes_of_a_code_are_those_of_its_class() {
    assert_eq!(outcomes_of_reason(Reason::LambdaThrottled), [Outcome::LambdaThrottled]);
    assert_eq!(
        outcomes_of_reason(Reason::parse(b"AuthTokenEpRequestTimeout")),
        [Outcome::IdentityProviderError, Outcome::AuthenticationFailed]
    );
    assert_eq!(outcomes_of_reason(Reason::None), []);
}
