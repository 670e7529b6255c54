//! An exchange for the tests of all modules, to be varied.

use std::time::Duration;

use crate::Timestamp;
use crate::classify::{Actions, Elapsed, Exchange, Reason};

/// A request of which nothing is known but that a rule forwarded it to a target: no status, and no time but 10 ms
/// from its receipt to its end.
pub(crate) const EXCHANGE: Exchange<'static> = Exchange {
    time: Timestamp::from_seconds(0),
    load_balancer: b"app/shop/1",
    target_group: Some(b"arn"),
    node: None,
    target: Some(b"10.0.0.1:80"),
    method: Some(b"GET"),
    path: Some(b"/"),
    elb_status_code: None,
    target_status_code: None,
    request_processing_time: None,
    target_processing_time: None,
    response_processing_time: None,
    elapsed: Elapsed::Exact(Duration::from_millis(10)),
    error_reason: None,
    reason: Reason::None,
    actions: Actions::FORWARD,
    is_severe: false,
    classification_reason: None,
    has_stream_reset: false,
    client: b"192.0.2.1:50000",
    user_agent: None,
    is_upload: false,
    is_web_socket: false,
};
