//! The access log of Network Load Balancers, which is recognised and not read.
//!
//! Source: <https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-access-logs.html>

use super::beginning::Beginning;
use crate::schema::{LogKind, ObjectNames};

pub(super) static KIND: LogKind = LogKind {
    id: "network-load-balancer",
    line_id: "network-load-balancer-line",
    line_title: "line of a Network Load Balancer",
    object_names: ObjectNames::Key { word: None, load_balancer: Some("net") },
    is_line,
    sample_line: "tls 2.0 2026-04-01T08:51:42 net/my-lb/c6e77e28c25b2234 g3d4b5e8bb8464cd 192.0.2.1:51341 10.0.0.5:443 5 2 98 246 - - -",
    schema: None,
};

/// `type version time net/<name>/<id> …`
fn is_line(line: &[u8]) -> bool {
    let fields = Beginning::of(line);
    fields.is_decimal(1) && fields.is_time(2) && fields.field(3).starts_with(b"net/")
}
