//! The objects with one line that AWS writes when logging is switched on.

use crate::schema::{LogKind, ObjectNames};

pub(super) static KIND: LogKind = LogKind {
    id: "test-object",
    line_id: "test-object-line",
    line_title: "line of the test object that AWS writes into the bucket",
    object_names: ObjectNames::Fixed(&[
        "ELBAccessLogTestFile",
        "ELBConnectionLogTestFile",
        "ELBHealthCheckLogTestFile",
    ]),
    is_line,
    sample_line: "Enable AccessLog for ELB: app/a/959dfdbaed241613 at 2026-11-20T09:55:52.806Z",
    schema: None,
};

/// How the line begins. The first form was seen in use; the others are assumed to be alike.
const BEGINNINGS: [&[u8]; 3] =
    [b"Enable AccessLog for ELB:", b"Enable ConnectionLog for ELB:", b"Enable HealthCheckLog for ELB:"];

fn is_line(line: &[u8]) -> bool {
    BEGINNINGS.iter().any(|beginning| line.starts_with(beginning))
}
