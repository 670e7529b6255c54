//! Writes a request as a line of the access log, in the format with 36 fields.
//!
//! Source: <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html>

use super::plan::{PlannedGroup, RequestForm};
use super::time::Micros;
use super::traffic::{Call, Client, Peer};
use crate::timestamp::{Civil, Timestamp};

/// The account in ARNs and keys: the one in AWS's examples.
pub(super) const ACCOUNT: &str = "123456789012";
pub(super) const REGION: &str = "eu-west-1";

const CERTIFICATE: &str = "arn:aws:acm:eu-west-1:123456789012:certificate/12345678-1234-1234-1234-123456789012";

/// One of the three processing times in milliseconds; `None` is logged as `-1`.
pub(super) type Part = Option<i64>;

/// How a request ended.
#[derive(Clone, Copy)]
pub(super) struct Ending {
    /// The log's `time`.
    pub(super) time: Micros,
    /// `request_processing_time`, `target_processing_time`, `response_processing_time`.
    pub(super) parts: [Part; 3],
    pub(super) elb_status: u16,
    pub(super) target_status: Option<u16>,
    pub(super) sent_bytes: u32,
}

/// Everything that a line shows.
pub(super) struct LoggedExchange<'a> {
    pub(super) client: &'a Client,
    pub(super) peer: &'a Peer,
    pub(super) call: Call,
    pub(super) received: Micros,
    pub(super) received_bytes: u32,
    pub(super) trace: Trace,
    /// `ip:port`.
    pub(super) target: Option<&'a str>,
    pub(super) group: Option<&'a PlannedGroup>,
    pub(super) node: &'a str,
    /// The load balancer's own DNS name.
    pub(super) dns_name: &'a str,
    pub(super) ending: &'a Ending,
    /// What the listener rule did: the log's `actions_executed` and `error_reason`.
    pub(super) rule: (&'static str, &'static str),
    pub(super) form: RequestForm,
}

/// A request's `Root=1-<seconds>-<96 bits>`.
#[derive(Clone, Copy)]
pub(super) struct Trace {
    pub(super) seconds: i64,
    pub(super) bits: u128,
}

impl Trace {
    pub(super) fn write(self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"Root=1-");
        // The trace id has room for 32 bits of seconds, which last until 2106.
        hex(out, u128::from(self.seconds.unsigned_abs()), 8);
        out.push(b'-');
        hex(out, self.bits, 24);
    }
}

/// Appends the line and a newline.
pub(super) fn write_line(out: &mut Vec<u8>, elb: &str, exchange: &LoggedExchange<'_>) {
    let LoggedExchange { client, peer, call, ending, .. } = exchange;
    let is_plain = matches!(call, Call::Redirected(_) | Call::Malformed | Call::ProbePlain(_));

    // An upgrade that was refused is logged as the request that it was.
    let kind = match call {
        _ if is_plain => "http",
        Call::PlannedRoute { route, .. } if route.is_socket() => {
            if ending.elb_status == 101 {
                "wss"
            } else {
                "https"
            }
        }
        _ => client.protocol.log_type(),
    };
    text(out, kind);
    out.push(b' ');
    moment(out, ending.time);
    text(out, " ");
    text(out, elb);
    text(out, " ");
    text(out, &client.address);
    out.push(b':');
    number(out, u64::from(peer.port));
    out.push(b' ');
    text(out, exchange.target.unwrap_or("-"));
    for part in ending.parts {
        out.push(b' ');
        seconds(out, part);
    }
    out.push(b' ');
    number(out, u64::from(ending.elb_status));
    out.push(b' ');
    status(out, ending.target_status);
    out.push(b' ');
    number(out, u64::from(exchange.received_bytes));
    out.push(b' ');
    number(out, u64::from(ending.sent_bytes));
    text(out, " \"");
    request_line(out, exchange);
    text(out, "\" \"");
    text(out, if matches!(call, Call::Malformed) { "-" } else { client.user_agent });
    text(out, "\" ");
    text(out, if is_plain { "- -" } else { client.protocol.tls() });
    out.push(b' ');
    match exchange.group {
        Some(group) if exchange.rule.0.ends_with("forward") => group_arn(out, group),
        _ => out.push(b'-'),
    }
    if matches!(call, Call::Malformed) {
        // The request could not be parsed, so no rule matched and there is no trace id.
        text(out, " \"-\" \"-\" \"-\" - ");
        moment(out, floor_millisecond(exchange.received));
        text(out, " \"-\" \"-\" \"-\" \"-\" \"-\" \"-\" \"-\" TID_");
    } else {
        text(out, " \"");
        exchange.trace.write(out);
        text(out, "\" \"");
        text(
            out,
            match (call, exchange.group) {
                (Call::PlannedRoute { .. }, Some(group)) => group.host,
                // No server name, as when a client connects to a bare address.
                _ => "-",
            },
        );
        text(out, "\" \"");
        text(
            out,
            if is_plain {
                "-"
            } else if peer.is_resumed {
                "session-reused"
            } else {
                CERTIFICATE
            },
        );
        text(out, "\" ");
        match (call, exchange.group) {
            (Call::PlannedRoute { .. }, _) if exchange.rule.0 == "-" => out.push(b'-'),
            (Call::PlannedRoute { .. }, Some(group)) => number(out, u64::from(group.rule_priority)),
            _ => out.push(b'0'),
        }
        out.push(b' ');
        moment(out, floor_millisecond(exchange.received));
        text(out, " \"");
        text(out, exchange.rule.0);
        text(out, "\" \"");
        if is_plain {
            url(out, exchange, "https", "443");
        } else {
            out.push(b'-');
        }
        text(out, "\" \"");
        text(out, exchange.rule.1);
        text(out, "\" \"");
        text(out, exchange.target.unwrap_or("-"));
        text(out, "\" \"");
        status(out, ending.target_status);
        let (class, reason) = exchange.form.fields();
        for part in ["\" \"", class, "\" \"", reason, "\" TID_"] {
            text(out, part);
        }
    }
    hex(out, peer.trace, 32);
    text(out, " \"-\" \"-\" \"-\" ");
    text(out, exchange.node);
    text(out, " \"-\" \"-\"\n");
}

fn request_line(out: &mut Vec<u8>, exchange: &LoggedExchange<'_>) {
    match exchange.call {
        Call::Malformed => {
            text(out, "- http://");
            text(out, exchange.dns_name);
            text(out, ":80- -");
            return;
        }
        Call::PlannedRoute { route, .. } => text(out, route.method),
        Call::Redirected(_) | Call::Probe(_) | Call::ProbePlain(_) => text(out, "GET"),
        Call::Refused(..) => text(out, "POST"),
    }
    out.push(b' ');
    let is_plain = matches!(exchange.call, Call::Redirected(_) | Call::ProbePlain(_));
    if is_plain {
        url(out, exchange, "http", "80");
    } else {
        url(out, exchange, "https", "443");
    }
    let is_socket = matches!(exchange.call, Call::PlannedRoute { route, .. } if route.is_socket());
    text(out, if is_plain || is_socket { " HTTP/1.1" } else { exchange.client.protocol.version() });
}

fn url(out: &mut Vec<u8>, exchange: &LoggedExchange<'_>, scheme: &str, port: &str) {
    text(out, scheme);
    text(out, "://");
    text(
        out,
        match (exchange.call, exchange.group) {
            (Call::PlannedRoute { .. }, Some(group)) => group.host,
            (Call::Redirected(host) | Call::Refused(_, host), _) => host,
            _ => exchange.dns_name,
        },
    );
    out.push(b':');
    text(out, port);
    match exchange.call {
        Call::PlannedRoute { route, number: drawn } => match route.path.split_once("{}") {
            Some((before, after)) => {
                text(out, before);
                number(out, u64::from(drawn));
                text(out, after);
            }
            None => text(out, route.path),
        },
        Call::Probe(probe) | Call::ProbePlain(probe) => text(out, probe),
        Call::Redirected(_) | Call::Malformed | Call::Refused(..) => text(out, "/"),
    }
}

fn group_arn(out: &mut Vec<u8>, group: &PlannedGroup) {
    for part in ["arn:aws:elasticloadbalancing:", REGION, ":", ACCOUNT, ":targetgroup/", group.name, "/", group.id] {
        text(out, part);
    }
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

fn status(out: &mut Vec<u8>, status: Option<u16>) {
    match status {
        Some(status) => number(out, u64::from(status)),
        None => out.push(b'-'),
    }
}

/// Seconds with three decimals, or `-1`.
fn seconds(out: &mut Vec<u8>, part: Part) {
    let Some(milliseconds) = part else {
        return text(out, "-1");
    };
    let milliseconds = milliseconds.unsigned_abs();
    number(out, milliseconds / 1000);
    out.push(b'.');
    digits(out, milliseconds % 1000, 3);
}

/// `2026-11-22T07:41:20.518414Z`.
pub(super) fn moment(out: &mut Vec<u8>, micros: Micros) {
    let Civil { date: (year, month, day), clock: (hour, minute, second), micros } =
        Timestamp::from_micros(micros).into();
    for (value, width, end) in [
        (year, 4, b'-'),
        (month, 2, b'-'),
        (day, 2, b'T'),
        (hour, 2, b':'),
        (minute, 2, b':'),
        (second, 2, b'.'),
        (micros, 6, b'Z'),
    ] {
        digits(out, value.unsigned_abs(), width);
        out.push(end);
    }
}

pub(super) fn floor_millisecond(micros: Micros) -> Micros {
    micros.div_euclid(1000) * 1000
}

fn number(out: &mut Vec<u8>, value: u64) {
    let width = value.checked_ilog10().map_or(1, |log| log as usize + 1);
    digits(out, value, width);
}

/// The last `width` decimal digits.
fn digits(out: &mut Vec<u8>, mut value: u64, width: usize) {
    let start = out.len();
    out.resize(start + width, b'0');
    for digit in out[start..].iter_mut().rev() {
        *digit = HEX[(value % 10) as usize];
        value /= 10;
    }
}

const HEX: &[u8; 16] = b"0123456789abcdef";

/// The last `width` hexadecimal digits.
fn hex(out: &mut Vec<u8>, mut value: u128, width: usize) {
    let start = out.len();
    out.resize(start + width, b'0');
    for digit in out[start..].iter_mut().rev() {
        *digit = HEX[(value & 15) as usize];
        value >>= 4;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = b"before ".to_vec();
        write(&mut out);
        String::from_utf8(out).expect("ASCII").split_off("before ".len())
    }

    proptest! {
        /// Lines are written digit by digit, because there are millions. The standard library says what they must be.
        #[test]
        fn numbers_and_times_are_written_as_the_standard_library_writes_them(
            shift in 0..64_u32, bits in any::<u64>(), more_bits in any::<u128>(), micros in 0..253_402_300_800_000_000_i64,
        ) {
            let value = bits >> shift;
            prop_assert_eq!(written(|out| number(out, value)), value.to_string());
            let wide = format!("{more_bits:032x}");
            prop_assert_eq!(written(|out| hex(out, more_bits, 32)), wide.clone());
            prop_assert_eq!(written(|out| hex(out, more_bits, 24)), &wide[8..]);
            prop_assert_eq!(written(|out| moment(out, micros)), Timestamp::from_micros(micros).to_string());
            let milliseconds = i64::from(u32::try_from(value % (1 << 32)).expect("32 bits"));
            let text = written(|out| seconds(out, Some(milliseconds)));
            prop_assert_eq!(&text, &format!("{:.3}", milliseconds as f64 / 1e3));
            let floor = floor_millisecond(-micros);
            prop_assert!(floor % 1_000 == 0 && (0..1_000).contains(&(-micros - floor)));
        }
    }

    #[test]
    fn what_is_absent_is_a_dash_or_minus_one() {
        assert_eq!(written(|out| seconds(out, None)), "-1");
        assert_eq!(written(|out| status(out, None)), "-");
        assert_eq!(written(|out| status(out, Some(504))), "504");
        assert_eq!(written(|out| number(out, 0)), "0");
    }

    #[test]
    fn a_trace_id_has_32_bits_of_seconds_and_96_of_its_own() {
        let trace = Trace { seconds: 0x6921_698f, bits: (0xabc << 96) | 0x5d };
        assert_eq!(written(|out| trace.write(out)), "Root=1-6921698f-00000000000000000000005d");
    }
}
