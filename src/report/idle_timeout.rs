//! The idle timeout of a load balancer, and what it rests on.

use serde::{Serialize, Serializer};

use crate::diagnose::{IdleTimeout, IdleTimeoutOrigin, IdleTimeoutSign, grouped, seconds_of};

/// The load balancer's idle timeout.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct IdleTimeoutRow {
    /// The timeout that requests are compared with, in seconds; if it is only bounded, the bound.
    #[serde(skip)]
    pub seconds: f64,
    /// The timeout, in seconds; `None` if it is only bounded.
    #[serde(rename = "seconds")]
    pub known_seconds: Option<f64>,
    /// It is longer than this, in seconds; `None` if the log shows no long silence.
    pub at_least_seconds: Option<f64>,
    /// Where the value comes from.
    pub origin: IdleTimeoutOrigin,
    /// What the value rests on; `None` if it is given, or the default.
    pub rests_on: Option<IdleTimeoutSentence>,
}

impl IdleTimeoutRow {
    pub(super) fn new(idle_timeout: &IdleTimeout) -> Self {
        Self {
            seconds: seconds_of(idle_timeout.duration),
            known_seconds: idle_timeout.known().map(seconds_of),
            at_least_seconds: idle_timeout.at_least.map(seconds_of),
            origin: idle_timeout.origin,
            rests_on: idle_timeout.rests_on.map(IdleTimeoutSentence),
        }
    }
}

/// What an idle timeout rests on. It is serialized as a clause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdleTimeoutSentence(pub IdleTimeoutSign);

impl Serialize for IdleTimeoutSentence {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&sign_named(self.0))
    }
}

/// What an idle timeout rests on, as a clause.
pub(super) fn sign_named(sign: IdleTimeoutSign) -> String {
    match sign {
        IdleTimeoutSign::TimedOut(1) => "1 request reached it".to_owned(),
        IdleTimeoutSign::TimedOut(count) => format!("{} requests reached it", grouped(count)),
        IdleTimeoutSign::WebSocketsCut(count) => format!("{} silent WebSocket connections ended at it", grouped(count)),
        IdleTimeoutSign::SilenceBorne(silence) => {
            format!("a target was silent for {:.1} s, and the request went on", seconds_of(silence))
        }
    }
}
