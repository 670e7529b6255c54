//! The connection log of Application Load Balancers, which is recognised and not read.
//!
//! Source: <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-connection-logs.html>

use super::beginning::Beginning;
use crate::schema::{LogKind, ObjectNames};

pub(super) static KIND: LogKind = LogKind {
    id: "connection-log",
    line_id: "connection-log-line",
    line_title: "line of a connection log",
    object_names: ObjectNames::Key { word: Some("conn_log"), load_balancer: Some("app") },
    is_line,
    sample_line: r#"2026-10-04T17:05:15.514108Z 203.0.113.1 36280 443 TLSv1.2 ECDHE-RSA-AES128-GCM-SHA256 4.036 "CN=a" - - Success TID_1"#,
    schema: None,
};

/// `timestamp client_ip client_port listener_port …`
fn is_line(line: &[u8]) -> bool {
    let fields = Beginning::of(line);
    fields.is_time(0) && fields.is_address(1) && fields.is_number(2) && fields.is_number(3)
}
