//! Recognises lines of AWS's other load balancer logs, which share buckets and folders with access logs.

use crate::error::Problem;
use crate::timestamp::Timestamp;

/// How the line in AWS's test objects begins. The first form was seen in use; the others are assumed to be alike.
const TEST_LINES: [&[u8]; 3] =
    [b"Enable AccessLog for ELB:", b"Enable ConnectionLog for ELB:", b"Enable HealthCheckLog for ELB:"];

/// Which other AWS log a line belongs to. `None` if it is not recognised. For lines that were refused as access log
/// lines.
#[must_use]
pub fn recognise(line: &[u8]) -> Option<Problem> {
    if TEST_LINES.iter().any(|beginning| line.starts_with(beginning)) {
        return Some(Problem::TestObjectLine);
    }
    let mut fields = line.splitn(8, |&byte| byte == b' ');
    let fields: [&[u8]; 7] = std::array::from_fn(|_| fields.next().unwrap_or_default());
    let [first, second, third, .., sixth, seventh] = fields;
    if Timestamp::parse(first).is_some() {
        // Connection log: `timestamp client_ip client_port listener_port …`. Classic Load Balancer: `timestamp elb
        // client:port backend:port …`.
        if is_number(third) && is_number(fields[3]) && is_address(second) {
            return Some(Problem::ConnectionLogLine);
        }
        if is_endpoint(third) && is_decimal(fields[4]) && is_decimal(sixth) && is_decimal(seventh) {
            return Some(Problem::ClassicLoadBalancerLine);
        }
    }
    if Timestamp::parse(second).is_some() && is_decimal(third) && matches!(sixth, b"PASS" | b"FAIL") {
        return Some(Problem::HealthCheckLogLine);
    }
    // `tls 2.0 2026-11-22T07:41:20 net/name/id …`
    if Timestamp::parse(third).is_some() && is_decimal(second) && fields[3].starts_with(b"net/") {
        return Some(Problem::NetworkLoadBalancerLine);
    }
    None
}

fn is_number(field: &[u8]) -> bool {
    !field.is_empty() && field.iter().all(u8::is_ascii_digit)
}

fn is_decimal(field: &[u8]) -> bool {
    let digits = field.strip_prefix(b"-").unwrap_or(field);
    !digits.is_empty() && digits.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.')
}

fn is_address(field: &[u8]) -> bool {
    field.iter().any(|byte| matches!(byte, b'.' | b':'))
        && field.iter().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':'))
}

fn is_endpoint(field: &[u8]) -> bool {
    field.iter().rposition(|&byte| byte == b':').is_some_and(|colon| is_number(&field[colon + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_other_logs_are_recognised() {
        for (line, expected) in [
            (
                r#"2026-10-04T17:05:15.514108Z 203.0.113.1 36280 443 TLSv1.2 ECDHE-RSA-AES128-GCM-SHA256 4.036 "CN=a" - - Success TID_1"#,
                Some(Problem::ConnectionLogLine),
            ),
            (
                r#"2026-10-04T17:05:15.514108Z 2001:db8::1 36280 80 - - - "-" - - - TID_1"#,
                Some(Problem::ConnectionLogLine),
            ),
            (
                r#"2026-05-13T23:39:43.945958Z my-lb 192.0.2.39:2817 10.0.0.1:80 0.000073 0.001048 0.000057 200 200 0 29 "GET http://a:80/ HTTP/1.1" "curl" - -"#,
                Some(Problem::ClassicLoadBalancerLine),
            ),
            (
                r#"2026-05-13T23:39:43.945958Z my-lb 192.0.2.39:2817 - -1 -1 -1 503 0 0 0 "GET http://a:80/ HTTP/1.1" "curl" - -"#,
                Some(Problem::ClassicLoadBalancerLine),
            ),
            (
                "tls 2.0 2026-04-01T08:51:42 net/my-lb/c6e77e28c25b2234 g3d4b5e8bb8464cd 192.0.2.1:51341 10.0.0.5:443 5 2 98 246 - - -",
                Some(Problem::NetworkLoadBalancerLine),
            ),
            (
                "http 2026-10-31T12:44:59.875678Z 0.019584011 172.31.20.97:80 my-tg PASS 200 -",
                Some(Problem::HealthCheckLogLine),
            ),
            (
                "http 2026-10-31T12:44:59.875678Z 5.0 10.0.0.1:80 my-tg FAIL - TimedOut app/my-lb/50dc6c495c0c9188 10.0.9.9",
                Some(Problem::HealthCheckLogLine),
            ),
            (
                "Enable AccessLog for ELB: app/a/959dfdbaed241613 at 2026-11-20T09:55:52.806Z",
                Some(Problem::TestObjectLine),
            ),
            ("hello", None),
            ("", None),
        ] {
            assert_eq!(recognise(line.as_bytes()), expected, "{line}");
        }
    }
}
