//! The health check log of Application Load Balancers, which is recognised and not read.
//!
//! Source: <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-health-check-logs.html>

use super::beginning::Beginning;
use crate::schema::{LogKind, ObjectNames};

pub(super) static KIND: LogKind = LogKind {
    id: "health-check-log",
    line_id: "health-check-log-line",
    line_title: "line of a health check log",
    object_names: ObjectNames::Key { word: Some("health_check_log"), load_balancer: Some("app") },
    is_line,
    sample_line: "http 2026-10-31T12:44:59.875678Z 0.019584011 172.31.20.97:80 my-tg PASS 200 -",
    schema: None,
};

/// `type time latency target_addr target_group status …`
fn is_line(line: &[u8]) -> bool {
    let fields = Beginning::of(line);
    fields.is_time(1) && fields.is_decimal(2) && matches!(fields.field(5), b"PASS" | b"FAIL")
}
