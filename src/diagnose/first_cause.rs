//! The first likely cause of failures of one outcome, from how they ended, how long they took and whether the target
//! ever answered. When they happened is not looked at.

use std::time::Duration;

use super::Confidence;
use super::causes::{Cause, cause};
use crate::aggregate::Failures;
use crate::classify::Outcome;

/// The likeliest cause of an outcome, the other causes that fit, and how sure the outcome alone makes the first.
#[derive(Clone, Debug)]
pub struct Candidates {
    /// The likeliest cause.
    pub cause: &'static Cause,
    /// The other causes that fit, likelier ones first.
    pub also_fits: Vec<&'static Cause>,
    /// An upper bound on the confidence.
    pub certainty: Confidence,
}

/// Causes that an outcome may have. `ids` begins with the likeliest.
struct Row {
    outcome: Outcome,
    when: When,
    certainty: Confidence,
    ids: &'static [&'static str],
}

/// What else must hold for a row.
#[derive(Clone, Copy)]
enum When {
    Always,
    /// At least half of the failures ended within [`AT_ONCE`] of their dispatch.
    AtOnce,
    /// The target answered no request at all.
    NeverAnswered,
    /// The 10th and the 90th percentile of the failures' elapsed times are the same, and at least [`MIN_CONSTANT`].
    AtAConstant,
}

/// If a target closes a connection that it had given up, the request ends sooner than this, whatever it asks for.
///
/// Observed in public reports of such races: 0 to 53 ms, half of them within 18 ms.
const AT_ONCE: Duration = Duration::from_millis(100);

/// Shorter times are alike by nature, not because of a timeout.
const MIN_CONSTANT: Duration = Duration::from_millis(900);

/// Times count as the same if their 10th and 90th percentile differ by at most 1/`CONSTANT_DIVISOR` of the 10th, or
/// by at most [`CONSTANT_WITHIN`].
const CONSTANT_DIVISOR: u32 = 40;
const CONSTANT_WITHIN: Duration = Duration::from_millis(60);

use Confidence::{High, Low, Medium};

/// The first row that fits is used.
const ROWS: &[Row] = &[
    row(Outcome::TargetError, When::Always, Medium, &["application-error", "dependency-outage", "target-saturated"]),
    row(Outcome::TargetGatewayError, When::Always, Low, &["inner-proxy-error", "application-error"]),
    row(Outcome::ConnectFailed, When::NeverAnswered, Medium, &["connection-refused", "target-tls-handshake"]),
    // A target that also answered requests does not have the wrong port: its process was away for a while.
    row(
        Outcome::ConnectFailed,
        When::Always,
        Low,
        &["target-crash", "deploy-without-draining", "connection-refused", "target-not-ready", "target-tls-handshake"],
    ),
    row(Outcome::ConnectTimeout, When::NeverAnswered, Medium, &["connect-timeout", "target-tls-handshake"]),
    row(Outcome::ConnectTimeout, When::Always, Low, &["connect-timeout", "target-saturated", "target-tls-handshake"]),
    row(
        Outcome::ClosedBeforeResponse,
        When::AtOnce,
        Low,
        &["keep-alive-race", "target-crash", "deploy-without-draining", "malformed-response"],
    ),
    row(
        Outcome::ClosedBeforeResponse,
        When::Always,
        Low,
        &[
            "target-crash",
            "target-request-timeout",
            "deploy-without-draining",
            "deregistration-delay-elapsed",
            "malformed-response",
            "keep-alive-race",
        ],
    ),
    row(Outcome::StreamReset, When::Always, Low, &["unexplained", "malformed-response"]),
    row(Outcome::ResponseRejected, When::Always, Medium, &["malformed-response"]),
    row(
        Outcome::IdleTimeout,
        When::Always,
        Medium,
        &["idle-timeout-exceeded", "target-saturated", "dependency-outage"],
    ),
    row(Outcome::IncompleteResponse, When::Always, Low, &["malformed-response", "idle-timeout-exceeded"]),
    row(Outcome::TimeoutUnspecified, When::Always, Low, &["unexplained", "connect-timeout", "idle-timeout-exceeded"]),
    row(Outcome::NoTarget, When::Always, High, &["no-registered-targets"]),
    row(Outcome::TargetUnavailable, When::Always, Low, &["target-saturated"]),
    // A function that reaches its own timeout is an error to Lambda, after the same time each time.
    row(Outcome::LambdaError, When::AtAConstant, Medium, &["lambda-timeout", "lambda-error"]),
    row(Outcome::LambdaError, When::Always, High, &["lambda-error"]),
    row(Outcome::LambdaTimeout, When::Always, High, &["lambda-timeout"]),
    row(Outcome::LambdaThrottled, When::Always, High, &["lambda-throttled"]),
    row(Outcome::LambdaMisconfigured, When::Always, High, &["lambda-misconfigured"]),
    row(Outcome::WafFailed, When::Always, High, &["waf-unavailable"]),
    row(Outcome::IdentityProviderError, When::Always, High, &["identity-provider-error"]),
    row(Outcome::ClientClosedBeforeDispatch, When::Always, Medium, &["client-gave-up", "connect-timeout"]),
    row(Outcome::ClientClosedAfterDispatch, When::Always, Medium, &["client-gave-up"]),
    row(Outcome::UnsupportedTransferEncoding, When::Always, Medium, &["bad-request"]),
    row(Outcome::UnsupportedHttpVersion, When::Always, Medium, &["protocol-mismatch"]),
    row(Outcome::RedirectUrlTooLong, When::Always, Medium, &["bad-request"]),
    row(Outcome::LoadBalancerError, When::Always, Low, &["unexplained"]),
    // These do not count as failures: they are between a client and a rule. They have causes because a single line is
    // explained too.
    row(Outcome::WafBlocked, When::Always, High, &["waf-blocked"]),
    row(Outcome::AuthenticationFailed, When::Always, High, &["authentication-failed"]),
    row(Outcome::MalformedRequest, When::Always, High, &["bad-request"]),
    row(Outcome::DesyncBlocked, When::Always, High, &["bad-request"]),
    row(Outcome::BadRequest, When::Always, Medium, &["bad-request", "request-too-large"]),
    row(Outcome::MethodNotAllowed, When::Always, High, &["bad-request"]),
    row(Outcome::RequestTimeout, When::Always, High, &["bad-request"]),
    row(Outcome::ForwardedForTooLong, When::Always, High, &["bad-request"]),
    row(Outcome::LoadBalancerClientError, When::Always, Medium, &["bad-request"]),
    row(Outcome::RequestTooLarge, When::Always, High, &["request-too-large"]),
    row(Outcome::UriTooLong, When::Always, High, &["request-too-large"]),
    row(Outcome::ProtocolMismatch, When::Always, High, &["protocol-mismatch"]),
];

const fn row(outcome: Outcome, when: When, certainty: Confidence, ids: &'static [&'static str]) -> Row {
    Row { outcome, when, certainty, ids }
}

impl When {
    fn holds(self, failures: &Failures, answered: u64) -> bool {
        match self {
            Self::Always => true,
            Self::AtOnce => failures.target_processing_time.quantile(0.5).is_some_and(|median| median <= AT_ONCE),
            Self::NeverAnswered => answered == 0,
            Self::AtAConstant => {
                let [low, high] = [0.1, 0.9].map(|share| failures.elapsed.quantile(share).unwrap_or_default());
                low >= MIN_CONSTANT && high.saturating_sub(low) <= CONSTANT_WITHIN.max(low / CONSTANT_DIVISOR)
            }
        }
    }
}

/// The causes that an outcome may have, each once, likelier ones first. Empty if the client was refused nothing.
#[must_use]
pub fn causes_of(outcome: Outcome) -> Vec<&'static Cause> {
    let mut causes: Vec<&'static Cause> = Vec::new();
    for id in ROWS.iter().filter(|row| row.outcome == outcome).flat_map(|row| row.ids) {
        causes.extend(cause(id).filter(|found| !causes.contains(found)));
    }
    causes
}

/// The causes that fit failures of one outcome; `unexplained` if the table has none. `answered` is how many requests
/// the same target answered.
#[must_use]
#[expect(clippy::missing_panics_doc, reason = "the messages say why there is none")]
pub fn candidates(failures: &Failures, answered: u64) -> Candidates {
    let row = ROWS.iter().find(|row| row.outcome == failures.outcome && row.when.holds(failures, answered));
    let (ids, certainty): (&[&str], _) = row.map_or((&["unexplained"], Low), |row| (row.ids, row.certainty));
    let mut causes = ids.iter().map(|id| cause(id).expect("a test walks the rows"));
    let cause = causes.next().expect("no row is without a cause");
    Candidates { cause, also_fits: causes.collect(), certainty }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failing_outcome_has_a_last_row_that_always_holds_and_names_known_causes() {
        for outcome in Outcome::ALL.iter().filter(|outcome| outcome.is_failure()) {
            let rows: Vec<&Row> = ROWS.iter().filter(|row| row.outcome == *outcome).collect();
            assert!(matches!(rows.last(), Some(Row { when: When::Always, .. })), "{outcome:?}");
            for id in rows.iter().flat_map(|row| row.ids) {
                assert!(cause(id).is_some(), "{id}");
            }
        }
        assert!(ROWS.iter().all(|row| row.outcome != Outcome::Ok && !row.ids.is_empty()));
    }
}
