//! The access log of Classic Load Balancers, which is recognised and not read.
//!
//! Source: <https://docs.aws.amazon.com/elasticloadbalancing/latest/classic/access-log-collection.html>

use super::beginning::Beginning;
use crate::schema::{LogKind, ObjectNames};

pub(super) static KIND: LogKind = LogKind {
    id: "classic-load-balancer",
    line_id: "classic-load-balancer-line",
    line_title: "line of a Classic Load Balancer",
    object_names: ObjectNames::Key { word: None, load_balancer: None },
    is_line,
    sample_line: r#"2026-05-13T23:39:43.945958Z my-lb 192.0.2.39:2817 10.0.0.1:80 0.000073 0.001048 0.000057 200 200 0 29 "GET http://a:80/ HTTP/1.1" "curl" - -"#,
    schema: None,
};

/// `timestamp elb client:port backend:port`, then the three processing times, …
fn is_line(line: &[u8]) -> bool {
    let fields = Beginning::of(line);
    fields.is_time(0) && fields.is_endpoint(2) && (4..7).all(|index| fields.is_decimal(index))
}
