//! The first likely cause of failures of one outcome, from how they ended, how long they took and whether the target
//! ever answered. When they happened is not looked at.

use std::time::Duration;

use super::confidence::Confidence;
use crate::aggregate::Failures;
use crate::classify::Outcome;
use crate::knowledge::causes::{self, Cause};
use crate::knowledge::error_reasons;

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

/// Causes that an outcome may have, the likeliest first.
struct OutcomeCauses {
    outcome: Outcome,
    when: When,
    certainty: Confidence,
    causes: &'static [&'static Cause],
}

/// What else must hold for a row.
#[derive(Clone, Copy)]
enum When {
    Always,
    /// At least half of the failures ended within [`AT_ONCE`] of their dispatch.
    AtOnce,
    /// The target answered no request at all.
    NeverAnswered,
    /// The 10th and the 90th percentile of the failures' elapsed times are the same, and at least [`MIN_CONSTANT`]; and
    /// their codes, if they have any, may mean a timeout.
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
static ROWS: &[OutcomeCauses] = &[
    row(
        Outcome::TargetError,
        When::Always,
        Medium,
        &[&causes::APPLICATION_ERROR, &causes::DEPENDENCY_OUTAGE, &causes::TARGET_SATURATED],
    ),
    row(Outcome::TargetGatewayError, When::Always, Low, &[&causes::INNER_PROXY_ERROR, &causes::APPLICATION_ERROR]),
    row(
        Outcome::ConnectFailed,
        When::NeverAnswered,
        Medium,
        &[&causes::CONNECTION_REFUSED, &causes::TARGET_TLS_HANDSHAKE],
    ),
    // A target that also answered requests does not have the wrong port: its process was away for a while.
    row(
        Outcome::ConnectFailed,
        When::Always,
        Low,
        &[
            &causes::TARGET_CRASH,
            &causes::DEPLOY_WITHOUT_DRAINING,
            &causes::CONNECTION_REFUSED,
            &causes::TARGET_NOT_READY,
            &causes::TARGET_TLS_HANDSHAKE,
        ],
    ),
    row(
        Outcome::ConnectTimeout,
        When::NeverAnswered,
        Medium,
        &[&causes::CONNECT_TIMEOUT, &causes::TARGET_TLS_HANDSHAKE],
    ),
    row(
        Outcome::ConnectTimeout,
        When::Always,
        Low,
        &[&causes::CONNECT_TIMEOUT, &causes::TARGET_SATURATED, &causes::TARGET_TLS_HANDSHAKE],
    ),
    row(
        Outcome::ClosedBeforeResponse,
        When::AtOnce,
        Low,
        &[
            &causes::UNEXPLAINED,
            &causes::KEEP_ALIVE_RACE,
            &causes::SERVER_RECYCLING,
            &causes::TARGET_CRASH,
            &causes::MALFORMED_RESPONSE,
        ],
    ),
    row(
        Outcome::ClosedBeforeResponse,
        When::Always,
        Low,
        &[
            &causes::TARGET_CRASH,
            &causes::TARGET_REQUEST_TIMEOUT,
            &causes::DEPLOY_WITHOUT_DRAINING,
            &causes::DEREGISTRATION_DELAY_ELAPSED,
            &causes::MALFORMED_RESPONSE,
            &causes::KEEP_ALIVE_RACE,
        ],
    ),
    row(Outcome::StreamReset, When::Always, Low, &[&causes::UNEXPLAINED, &causes::MALFORMED_RESPONSE]),
    row(Outcome::ResponseRejected, When::Always, Medium, &[&causes::MALFORMED_RESPONSE]),
    row(
        Outcome::IdleTimeout,
        When::Always,
        Medium,
        &[&causes::IDLE_TIMEOUT_EXCEEDED, &causes::TARGET_SATURATED, &causes::DEPENDENCY_OUTAGE],
    ),
    row(Outcome::IncompleteResponse, When::Always, Low, &[&causes::MALFORMED_RESPONSE, &causes::IDLE_TIMEOUT_EXCEEDED]),
    row(
        Outcome::TimeoutUnspecified,
        When::Always,
        Low,
        &[&causes::UNEXPLAINED, &causes::CONNECT_TIMEOUT, &causes::IDLE_TIMEOUT_EXCEEDED],
    ),
    row(Outcome::NoTarget, When::Always, High, &[&causes::NO_REGISTERED_TARGETS]),
    row(Outcome::TargetUnavailable, When::Always, Low, &[&causes::TARGET_SATURATED]),
    // A function that reaches its own timeout is an error to Lambda, after the same time each time.
    row(Outcome::LambdaError, When::AtAConstant, Medium, &[&causes::LAMBDA_TIMEOUT, &causes::LAMBDA_ERROR]),
    row(Outcome::LambdaError, When::Always, High, &[&causes::LAMBDA_ERROR]),
    row(Outcome::LambdaTimeout, When::Always, High, &[&causes::LAMBDA_TIMEOUT]),
    row(Outcome::LambdaThrottled, When::Always, High, &[&causes::LAMBDA_THROTTLED]),
    row(Outcome::LambdaMisconfigured, When::Always, High, &[&causes::LAMBDA_MISCONFIGURED]),
    row(Outcome::WafFailed, When::Always, High, &[&causes::WAF_UNAVAILABLE]),
    row(Outcome::IdentityProviderError, When::Always, High, &[&causes::IDENTITY_PROVIDER_ERROR]),
    row(
        Outcome::ClientClosedBeforeDispatch,
        When::Always,
        Medium,
        &[&causes::CLIENT_GAVE_UP, &causes::CONNECT_TIMEOUT],
    ),
    row(Outcome::ClientClosedAfterDispatch, When::Always, Medium, &[&causes::CLIENT_GAVE_UP]),
    row(Outcome::UnsupportedTransferEncoding, When::Always, Medium, &[&causes::BAD_REQUEST]),
    row(Outcome::UnsupportedHttpVersion, When::Always, Medium, &[&causes::PROTOCOL_MISMATCH]),
    row(Outcome::RedirectUrlTooLong, When::Always, Medium, &[&causes::BAD_REQUEST]),
    row(Outcome::LoadBalancerError, When::Always, Low, &[&causes::UNEXPLAINED]),
    // These do not count as failures: they are between a client and a rule. They have causes because a single line is
    // explained too.
    row(Outcome::WafBlocked, When::Always, High, &[&causes::WAF_BLOCKED]),
    row(Outcome::AuthenticationFailed, When::Always, High, &[&causes::AUTHENTICATION_FAILED]),
    row(Outcome::MalformedRequest, When::Always, High, &[&causes::BAD_REQUEST]),
    row(Outcome::DesyncBlocked, When::Always, High, &[&causes::BAD_REQUEST]),
    row(Outcome::BadRequest, When::Always, Medium, &[&causes::BAD_REQUEST, &causes::REQUEST_TOO_LARGE]),
    row(Outcome::MethodNotAllowed, When::Always, High, &[&causes::BAD_REQUEST]),
    row(Outcome::RequestTimeout, When::Always, High, &[&causes::BAD_REQUEST]),
    row(Outcome::ForwardedForTooLong, When::Always, High, &[&causes::BAD_REQUEST]),
    row(Outcome::LoadBalancerClientError, When::Always, Medium, &[&causes::BAD_REQUEST]),
    row(Outcome::RequestTooLarge, When::Always, High, &[&causes::REQUEST_TOO_LARGE]),
    row(Outcome::UriTooLong, When::Always, High, &[&causes::REQUEST_TOO_LARGE]),
    row(Outcome::ProtocolMismatch, When::Always, High, &[&causes::PROTOCOL_MISMATCH]),
];

const fn row(outcome: Outcome, when: When, certainty: Confidence, causes: &'static [&'static Cause]) -> OutcomeCauses {
    OutcomeCauses { outcome, when, certainty, causes }
}

impl When {
    fn holds(self, failures: &Failures, answered: u64) -> bool {
        match self {
            Self::Always => true,
            Self::AtOnce => failures.target_processing_time.quantile(0.5).is_some_and(|median| median <= AT_ONCE),
            Self::NeverAnswered => answered == 0,
            Self::AtAConstant => {
                let [low, high] = [0.1, 0.9].map(|share| failures.elapsed.quantile(share).unwrap_or_default());
                let is_constant =
                    low >= MIN_CONSTANT && high.saturating_sub(low) <= CONSTANT_WITHIN.max(low / CONSTANT_DIVISOR);
                is_constant && failures.error_reasons.certain().all(|(code, _)| error_reasons::may_be_timeout(code))
            }
        }
    }
}

/// The causes that an outcome may have, each once, likelier ones first. Empty if the client was refused nothing.
#[must_use]
pub fn causes_of(outcome: Outcome) -> Vec<&'static Cause> {
    let mut causes: Vec<&'static Cause> = Vec::new();
    for cause in ROWS.iter().filter(|row| row.outcome == outcome).flat_map(|row| row.causes) {
        if !causes.contains(cause) {
            causes.push(cause);
        }
    }
    causes
}

/// The causes that fit failures of one outcome; `unexplained` if the table has none. `answered` is how many requests
/// the same target answered.
#[must_use]
pub fn candidates(failures: &Failures, answered: u64) -> Candidates {
    let row = ROWS.iter().find(|row| row.outcome == failures.outcome && row.when.holds(failures, answered));
    match row {
        Some(OutcomeCauses { causes: [cause, also_fits @ ..], certainty, .. }) => {
            Candidates { cause, also_fits: also_fits.to_vec(), certainty: *certainty }
        }
        _ => Candidates { cause: &causes::UNEXPLAINED, also_fits: Vec::new(), certainty: Low },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failing_outcome_has_a_last_row_that_always_holds_and_names_causes() {
        for outcome in Outcome::ALL.iter().filter(|outcome| outcome.is_failure()) {
            let rows: Vec<&OutcomeCauses> = ROWS.iter().filter(|row| row.outcome == *outcome).collect();
            assert!(matches!(rows.last(), Some(OutcomeCauses { when: When::Always, .. })), "{outcome:?}");
        }
        assert!(ROWS.iter().all(|row| row.outcome != Outcome::Ok && !row.causes.is_empty()));
    }

    /// A cause that can explain a failure is no notice, and one that explains only other outcomes is one.
    #[test]
    fn notices_are_the_causes_of_what_does_not_count_as_failed() {
        for cause in causes::CAUSES {
            let outcomes = Outcome::ALL.iter().filter(|outcome| causes_of(**outcome).contains(cause));
            let failing: Vec<bool> = outcomes.map(|outcome| outcome.is_failure()).collect();
            if !failing.is_empty() {
                assert_eq!(cause.is_notice, !failing.contains(&true), "{}", cause.id);
            }
        }
    }
}
