//! The form of requests: whether another server may read them differently, and what the load balancer does about it.
//!
//! Source: <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html>

/// What is wrong with the form of a request, as the log's `classification_reason`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::simulate) enum RequestForm {
    /// Nothing.
    Compliant,
    /// It breaks the standard and does no harm.
    Acceptable(&'static str),
    /// Servers may read it differently.
    Ambiguous(&'static str),
    /// It looks like an attack.
    Severe(&'static str),
}

impl RequestForm {
    /// The log's `classification` and `classification_reason`.
    pub(in crate::simulate) fn fields(self) -> (&'static str, &'static str) {
        match self {
            Self::Compliant => ("-", "-"),
            Self::Acceptable(reason) => ("Acceptable", reason),
            Self::Ambiguous(reason) => ("Ambiguous", reason),
            Self::Severe(reason) => ("Severe", reason),
        }
    }
}

/// The load balancer's `routing.http.desync_mitigation_mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::simulate) enum DesyncMode {
    Defensive,
    Strictest,
}

impl DesyncMode {
    /// Whether it answers such a request with 400 instead of forwarding it.
    pub(in crate::simulate) fn refuses(self, form: RequestForm) -> bool {
        match self {
            Self::Defensive => matches!(form, RequestForm::Severe(_)),
            Self::Strictest => form != RequestForm::Compliant,
        }
    }
}
