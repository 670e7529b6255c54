//! The access log of Application Load Balancers.
//!
//! Source of names, order and meanings:
//! <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html>
//! (36 fields in autumn 2026). Genuine lines differ from it:
//!
//! - fields 35 and 36 are quoted in lines, bare in the page's table; fields 19 and 20 were bare in 2018;
//! - IPv6 clients have no brackets, so an endpoint is split at its *last* colon;
//! - `request_creation_time` has milliseconds only, printed with three more zeros;
//! - a request that was never complete has the request line `"- http://host:80- -"`;
//! - a double quote inside a field is written `\x22`.

use std::time::Duration;

use super::beginning::Beginning;
use crate::classify::{Actions, Elapsed, Exchange, Outcome, Reason, classify};
use crate::error::Problem;
use crate::record::{ReadKind, Record, SelectionFields};
use crate::schema::{Field, FieldType, LogKind, ObjectNames, Quoting, Schema};
use crate::timestamp::{MICROS_PER_SECOND, Timestamp};

/// The access log of Application Load Balancers.
#[derive(Clone, Copy, Debug)]
pub enum Alb {}

impl ReadKind for Alb {
    const KIND: &'static LogKind = &KIND;
    const SCHEMA: &'static Schema = &SCHEMA;

    type Values<'a> = Exchange<'a>;
    type Logged<'a> = LoggedRequest<'a>;

    #[inline]
    fn values<'a>(record: &Record<'a, Self>, node: Option<&'a [u8]>) -> Result<Exchange<'a>, Problem> {
        let mut exchange = record.exchange()?;
        // Lines from before 2026 do not name their node, but the object's name does.
        exchange.node = exchange.node.or(node);
        Ok(exchange)
    }

    #[inline]
    fn selection_fields<'v>(exchange: &'v Exchange<'_>) -> SelectionFields<'v> {
        let &Exchange { time, load_balancer, target_group, target, .. } = exchange;
        SelectionFields { time, load_balancer, target_group, target }
    }

    #[inline]
    fn logged<'v, 'a: 'v>(record: Record<'a, Self>, exchange: &'v Exchange<'a>) -> LoggedRequest<'v> {
        LoggedRequest { record, exchange, outcome: classify(exchange) }
    }
}

/// A request as it was logged.
#[derive(Clone, Copy)]
pub struct LoggedRequest<'a> {
    /// Its fields.
    pub record: Record<'a, Alb>,
    /// Its fields as values. The node may come from the object's name.
    pub exchange: &'a Exchange<'a>,
    /// Who answered it, and how it ended.
    pub outcome: Outcome,
}

static KIND: LogKind = LogKind {
    id: "access-log",
    line_id: "access-log-line",
    line_title: "line of an access log",
    object_names: ObjectNames::Key { word: Some(""), load_balancer: Some("app") },
    is_line,
    sample_line: r#"http 2018-07-02T22:23:00.186641Z app/my-loadbalancer/50dc6c495c0c9188 192.168.131.39:2817 10.0.0.1:80 0.000 0.001 0.000 200 200 34 366 "GET http://www.example.com:80/ HTTP/1.1" "curl/7.46.0" - - arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/my-targets/73e2d6bc24d8a067 "Root=1-58337262-36d228ad5d99923122bbe354" "-" "-" 0 2018-07-02T22:22:48.364000Z "forward" "-" "-" "10.0.0.1:80" "200" "-" "-" TID_1234abcd5678ef90 "-" "-" "-""#,
    schema: Some(&SCHEMA),
};

/// `type time elb client:port target:port request_processing_time target_processing_time response_processing_time …`
fn is_line(line: &[u8]) -> bool {
    let fields = Beginning::of(line);
    fields.is_time(TIME) && fields.is_endpoint(CLIENT) && (5..8).all(|index| fields.is_decimal(index))
}

/// Declares the table of fields and the constants with their numbers together, so that they cannot differ.
macro_rules! fields {
    ($($field:ident $name:literal $quoting:ident $field_type:ident $meaning:literal;)*) => {
        #[expect(non_camel_case_types, clippy::upper_case_acronyms, reason = "numbers the constants below")]
        enum FieldNumber { $($field),* }

        $(#[doc = concat!("Number of the field `", $name, "` in a line, from 0.")] pub const $field: usize = FieldNumber::$field as usize;)*

        const FIELDS: &[Field] = &[
            $(Field { name: $name, quoting: Quoting::$quoting, field_type: FieldType::$field_type, meaning: $meaning }),*
        ];
    };
}

fields! {
    TYPE "type" Bare Token "protocol between client and load balancer: http, https, h2, grpcs, ws, wss";
    TIME "time" Bare Time "when the load balancer produced the response; for WebSocket, when the connection closed";
    ELB "elb" Bare Token "resource id of the load balancer";
    CLIENT "client_port" Bare Endpoint "address and port of the client, or of a proxy in front of the load balancer";
    TARGET "target_port" Bare Endpoint "address and port of the target";
    REQUEST_PROCESSING_TIME "request_processing_time" Bare Seconds "from receiving the request to sending it to the target";
    TARGET_PROCESSING_TIME "target_processing_time" Bare Seconds "from sending the request to the target's first header";
    RESPONSE_PROCESSING_TIME "response_processing_time" Bare Seconds "from the target's first header to sending to the client";
    ELB_STATUS_CODE "elb_status_code" Bare Integer "status sent to the client";
    TARGET_STATUS_CODE "target_status_code" Bare Integer "status the target answered with";
    RECEIVED_BYTES "received_bytes" Bare Integer "size of the request with its headers";
    SENT_BYTES "sent_bytes" Bare Integer "size of the response with its headers";
    REQUEST_LINE "request" Quoted Text "method, URL and HTTP version as the client sent them";
    USER_AGENT "user_agent" Quoted Text "User-Agent of the client, cut at 8 KB";
    SSL_CIPHER "ssl_cipher" Bare Token "cipher of the client's TLS connection";
    SSL_PROTOCOL "ssl_protocol" Bare Token "TLS version of the client's connection";
    TARGET_GROUP_ARN "target_group_arn" Bare Token "ARN of the target group";
    TRACE_ID "trace_id" Quoted Text "X-Amzn-Trace-Id";
    DOMAIN_NAME "domain_name" Either Token "server name of the client's TLS handshake";
    CHOSEN_CERT_ARN "chosen_cert_arn" Either Token "ARN of the certificate shown to the client";
    MATCHED_RULE_PRIORITY "matched_rule_priority" Bare Integer "priority of the matching rule; 0 is the default action, -1 an error in evaluating the rules";
    REQUEST_CREATION_TIME "request_creation_time" Bare Time "when the load balancer received the request, to the millisecond";
    ACTIONS_EXECUTED "actions_executed" Quoted List "actions taken, separated by commas";
    REDIRECT_URL "redirect_url" Quoted Url "where a redirect action sent the client";
    ERROR_REASON "error_reason" Quoted Token "code of a failed rule action or Lambda call";
    TARGET_PORT_LIST "target_port_list" Either List "targets that processed the request";
    TARGET_STATUS_CODE_LIST "target_status_code_list" Either List "statuses of those targets";
    CLASSIFICATION "classification" Quoted Token "desync class: Acceptable, Ambiguous or Severe";
    CLASSIFICATION_REASON "classification_reason" Quoted Token "code of the desync class";
    CONN_TRACE_ID "conn_trace_id" Either Token "id of the client's connection, as in the connection log";
    TRANSFORMED_HOST "transformed_host" Either Token "Host header after a rewrite";
    TRANSFORMED_URI "transformed_uri" Either Url "URI after a rewrite";
    REQUEST_TRANSFORM_STATUS "request_transform_status" Either Token "how the rewrite went";
    IP_ADDRESS "ip_address" Either Token "address of the load balancer node";
    TARGET_ERROR_CODE "target_error_code" Either Token "HTTP/2 RST_STREAM code sent by the target";
    ELB_ERROR_CODE "elb_error_code" Either Token "HTTP/2 RST_STREAM code made by the load balancer";
}

/// Fields of the first documented form, of August 2016.
const MIN_FIELDS: usize = TARGET_GROUP_ARN + 1;

static SCHEMA: Schema = Schema::new(FIELDS, MIN_FIELDS, Some(TARGET_PORT_LIST));

/// If more time has passed since the second in a trace id, the client brought the id along.
const MAX_TRACED: Duration = Duration::from_hours(24);

/// A request of fewer than 100,000 bytes is no upload.
const MAX_DIGITS_OF_SMALL: usize = 5;

/// `https`, `http`, `wss`, `ws`.
const MAX_SCHEME_BYTES: usize = 5;

/// A method, a URL and a version. Each is `None` where the log has `-` or nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestLine<'a> {
    /// As the client sent it; need not be a method that exists. `None` if the request was never complete: then the log
    /// has `-` or nothing here. Methods that begin with a dash do occur.
    pub method: Option<&'a [u8]>,
    /// `protocol://host:port/path?query`; may contain blanks.
    pub url: Option<&'a [u8]>,
    /// `HTTP/1.1`, `HTTP/2.0`, …
    pub version: Option<&'a [u8]>,
}

impl<'a> RequestLine<'a> {
    /// Splits at the first and at the last blank.
    #[must_use]
    #[inline]
    pub fn parse(text: &'a [u8]) -> Self {
        let present = |part: &'a [u8]| (!matches!(part, b"" | b"-")).then_some(part);
        let Some(first) = memchr::memchr(b' ', text) else {
            // One word is too little to be called a method.
            return Self { method: None, url: present(text), version: None };
        };
        let (method, rest) = (&text[..first], &text[first + 1..]);
        let (url, version) = match rest {
            // The end that nearly every request line has.
            [url @ .., b' ', b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9'] => {
                (url, &rest[url.len() + 1..])
            }
            _ => match memchr::memrchr(b' ', rest) {
                Some(last) => (&rest[..last], &rest[last + 1..]),
                None => (rest, &rest[rest.len()..]),
            },
        };
        let url = present(url);
        // An incomplete request is logged with the load balancer's own name and a dash instead of the path.
        let method = present(method);
        Self { method, url: url.filter(|url| method.is_some() || !url.ends_with(b"-")), version: present(version) }
    }

    /// The URL's path: from the first slash after the host up to the query. `/` if the URL ends before a path.
    /// `None` if there is no URL.
    #[must_use]
    #[inline]
    pub fn path(&self) -> Option<&'a [u8]> {
        self.url.map(path_of)
    }
}

/// The protocol of a URL, and the rest after `://`. `None` if the URL does not begin with a protocol.
#[inline]
fn split_protocol(url: &[u8]) -> Option<(&[u8], &[u8])> {
    // Nearly every URL has one of these two.
    for protocol in [b"https".as_slice(), b"http"] {
        if let Some(rest) = url.strip_prefix(protocol).and_then(|rest| rest.strip_prefix(b"://")) {
            return Some((&url[..protocol.len()], rest));
        }
    }
    // A protocol is short, so only the first few bytes are searched for its colon.
    let colon = url.iter().take(MAX_SCHEME_BYTES + 1).position(|&byte| byte == b':')?;
    url[colon..].strip_prefix(b"://").map(|rest| (&url[..colon], rest))
}

#[inline]
fn path_of(url: &[u8]) -> &[u8] {
    let after_protocol = match split_protocol(url) {
        Some((_, rest)) => rest,
        None if url.starts_with(b"/") => url,
        None => return url,
    };
    let Some(begin) = memchr::memchr3(b'/', b'?', b'#', after_protocol) else { return b"/" };
    let path = &after_protocol[begin..];
    let path = &path[..memchr::memchr2(b'?', b'#', path).unwrap_or(path.len())];
    if path.is_empty() { b"/" } else { path }
}

/// The parts of a URL. Each is `None` if the URL does not have it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Url<'a> {
    /// `http`, `https`, `ws`, `wss`.
    pub protocol: Option<&'a [u8]>,
    /// Name or address, without the brackets of an IPv6 address.
    pub host: Option<&'a [u8]>,
    /// `None` if the URL has no port, or one that is not a number up to 65535.
    pub port: Option<u16>,
    /// As [`RequestLine::path`].
    pub path: Option<&'a [u8]>,
    /// The text after the first `?`. `None` if it is empty.
    pub query: Option<&'a [u8]>,
}

impl<'a> Url<'a> {
    /// Splits a URL into its parts. One that does not begin with `protocol://` has only a path and a query.
    #[must_use]
    pub fn parse(url: &'a [u8]) -> Self {
        let (protocol, rest) = split_protocol(url).map_or((None, url), |(protocol, rest)| (Some(protocol), rest));
        let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?' | b'#')).unwrap_or(rest.len());
        let authority = protocol.map(|_| &rest[..end]).filter(|authority| !authority.is_empty());
        // A colon inside brackets belongs to the address.
        let endpoint = authority.map(|authority| match authority.strip_suffix(b"]") {
            Some(_) => Endpoint { address: authority, port: None },
            None => Endpoint::parse(authority),
        });
        let host = endpoint.map(|endpoint| unbracketed(endpoint.address)).filter(|host| !host.is_empty());
        let before_fragment = &rest[..memchr::memchr(b'#', rest).unwrap_or(rest.len())];
        let query = memchr::memchr(b'?', before_fragment).map(|mark| &before_fragment[mark + 1..]);
        Self {
            protocol,
            host,
            port: endpoint.and_then(|endpoint| endpoint.port),
            path: Some(path_of(url)),
            query: query.filter(|query| !query.is_empty()),
        }
    }
}

/// An address without the brackets that an IPv6 address may have.
fn unbracketed(address: &[u8]) -> &[u8] {
    address.strip_prefix(b"[").and_then(|inner| inner.strip_suffix(b"]")).unwrap_or(address)
}

/// An address and a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint<'a> {
    /// IPv4 or IPv6, without brackets.
    pub address: &'a [u8],
    /// `None` if the text has no port, or one that is not a number up to 65535.
    pub port: Option<u16>,
}

impl<'a> Endpoint<'a> {
    /// Splits at the last colon, since IPv6 addresses are logged without brackets. Addresses with brackets are read
    /// too.
    #[must_use]
    pub fn parse(text: &'a [u8]) -> Self {
        let (address, port) = match memchr::memrchr(b':', text) {
            Some(colon) => (&text[..colon], &text[colon + 1..]),
            None => (text, &text[text.len()..]),
        };
        Self { address: unbracketed(address), port: integer_of(port).and_then(|port| u16::try_from(port).ok()) }
    }
}

/// Typed getters. `Ok(None)` is what AWS calls absent: `-`, `-1` for a time, an empty field, or a line too old to
/// have the field.
///
/// # Errors
/// Those that return a `Result` fail with [`Problem::FieldType`] if the field holds anything else.
impl<'a> Record<'a, Alb> {
    /// When the load balancer produced the response.
    ///
    /// # Errors
    /// [`Problem::FieldType`]
    #[inline]
    pub fn time(&self) -> Result<Option<Timestamp>, Problem> {
        self.timestamp(TIME)
    }

    /// When the load balancer received the request, to the millisecond. Absent before May 2018.
    ///
    /// # Errors
    /// [`Problem::FieldType`]
    #[inline]
    pub fn request_creation_time(&self) -> Result<Option<Timestamp>, Problem> {
        self.timestamp(REQUEST_CREATION_TIME)
    }

    /// From receipt to dispatch. Absent when the request was not dispatched.
    ///
    /// # Errors
    /// [`Problem::FieldType`]
    #[inline]
    pub fn request_processing_time(&self) -> Result<Option<Duration>, Problem> {
        self.seconds(REQUEST_PROCESSING_TIME)
    }

    /// From dispatch to the target's first header. Absent when no header came.
    ///
    /// # Errors
    /// [`Problem::FieldType`]
    #[inline]
    pub fn target_processing_time(&self) -> Result<Option<Duration>, Problem> {
        self.seconds(TARGET_PROCESSING_TIME)
    }

    /// From the target's first header to the first byte sent to the client. Absent when no answer came.
    ///
    /// # Errors
    /// [`Problem::FieldType`]
    #[inline]
    pub fn response_processing_time(&self) -> Result<Option<Duration>, Problem> {
        self.seconds(RESPONSE_PROCESSING_TIME)
    }

    /// The status sent to the client. Absent when no status was sent: `-`, `000`.
    ///
    /// # Errors
    /// [`Problem::FieldType`]
    #[inline]
    pub fn elb_status_code(&self) -> Result<Option<u16>, Problem> {
        self.status(ELB_STATUS_CODE)
    }

    /// The status the target answered with. Absent when it did not answer.
    ///
    /// # Errors
    /// [`Problem::FieldType`]
    #[inline]
    pub fn target_status_code(&self) -> Result<Option<u16>, Problem> {
        self.status(TARGET_STATUS_CODE)
    }

    /// Size of the request in bytes.
    ///
    /// # Errors
    /// [`Problem::FieldType`]
    #[inline]
    pub fn received_bytes(&self) -> Result<Option<u64>, Problem> {
        self.integer(RECEIVED_BYTES)
    }

    /// Size of the response in bytes.
    ///
    /// # Errors
    /// [`Problem::FieldType`]
    #[inline]
    pub fn sent_bytes(&self) -> Result<Option<u64>, Problem> {
        self.integer(SENT_BYTES)
    }

    /// Priority of the rule that matched: 0 is the default action, -1 an error in evaluating rules. `None` if the
    /// field is absent or not a number.
    #[must_use]
    pub fn matched_rule_priority(&self) -> Option<i64> {
        let text = self.value(MATCHED_RULE_PRIORITY)?;
        let (sign, digits) = text.strip_prefix(b"-").map_or((1, text), |digits| (-1, digits));
        integer_of(digits).and_then(|number| i64::try_from(number).ok()).map(|number| sign * number)
    }

    /// Method, URL and version.
    #[must_use]
    #[inline]
    pub fn request_line(&self) -> RequestLine<'a> {
        RequestLine::parse(self.bytes(REQUEST_LINE).unwrap_or_default())
    }

    /// The client's address and port.
    #[must_use]
    pub fn client(&self) -> Option<Endpoint<'a>> {
        self.value(CLIENT).map(Endpoint::parse)
    }

    /// The target's address and port. Absent when none was chosen, and for Lambda functions.
    #[must_use]
    pub fn target(&self) -> Option<Endpoint<'a>> {
        self.value(TARGET).map(Endpoint::parse)
    }

    /// `time − request_creation_time`, or the time since the second in the trace id if there is no creation time.
    /// Unknown if the line has neither, if the trace id is more than a day older, or if the request would have
    /// ended before it began.
    ///
    /// # Errors
    /// [`Problem::FieldType`]
    #[inline]
    pub fn elapsed(&self) -> Result<Elapsed, Problem> {
        match self.time()? {
            Some(time) => self.elapsed_until(time),
            None => Ok(Elapsed::Unknown),
        }
    }

    #[inline]
    fn elapsed_until(&self, time: Timestamp) -> Result<Elapsed, Problem> {
        Ok(match self.request_creation_time()? {
            Some(created) => duration_between(created, time).map_or(Elapsed::Unknown, Elapsed::Exact),
            None => self
                .trace_second()
                .and_then(|created| duration_between(created, time))
                .filter(|elapsed| *elapsed <= MAX_TRACED)
                .map_or(Elapsed::Unknown, Elapsed::FromTraceId),
        })
    }

    /// The facts that diagnosis needs of this record.
    ///
    /// # Errors
    /// [`Problem::FieldType`] if the line has no `time`, or if a time, a status or a size does not have its form.
    #[inline]
    pub fn exchange(&self) -> Result<Exchange<'a>, Problem> {
        for field in [RECEIVED_BYTES, SENT_BYTES] {
            if !self.bytes(field).is_some_and(is_integer_or_absent) {
                return Err(Problem::FieldType);
            }
        }
        let time = self.time()?.ok_or(Problem::FieldType)?;
        let elb_status_code = self.elb_status_code()?;
        let request_line = self.request_line();
        let error_reason = self.value(ERROR_REASON);
        let classification = self.value(CLASSIFICATION);
        Ok(Exchange {
            time,
            load_balancer: self.bytes(ELB).unwrap_or_default(),
            target_group: self.value(TARGET_GROUP_ARN),
            node: self.value(IP_ADDRESS),
            client: self.bytes(CLIENT).unwrap_or_default(),
            user_agent: self.value(USER_AGENT),
            target: self.value(TARGET),
            method: request_line.method,
            path: request_line.path(),
            elb_status_code,
            target_status_code: self.target_status_code()?,
            request_processing_time: self.request_processing_time()?,
            target_processing_time: self.target_processing_time()?,
            response_processing_time: self.response_processing_time()?,
            elapsed: self.elapsed_until(time)?,
            error_reason,
            reason: error_reason.map_or(Reason::None, Reason::parse),
            actions: self.bytes(ACTIONS_EXECUTED).map_or(Actions::UNKNOWN, Actions::parse),
            is_severe: classification == Some(b"Severe"),
            classification_reason: classification.and_then(|_| self.value(CLASSIFICATION_REASON)),
            has_stream_reset: self.value(TARGET_ERROR_CODE).is_some() || self.value(ELB_ERROR_CODE).is_some(),
            is_upload: self.value(RECEIVED_BYTES).is_some_and(|digits| digits.len() > MAX_DIGITS_OF_SMALL),
            is_web_socket: elb_status_code == Some(101) || self.bytes(TYPE).is_some_and(|kind| kind.starts_with(b"ws")),
        })
    }

    #[inline]
    fn timestamp(&self, field: usize) -> Result<Option<Timestamp>, Problem> {
        match self.value(field) {
            None => Ok(None),
            Some(text) => Timestamp::parse(text).map(Some).ok_or(Problem::FieldType),
        }
    }

    #[inline]
    fn seconds(&self, field: usize) -> Result<Option<Duration>, Problem> {
        match self.value(field) {
            // The form that this field nearly always has.
            Some(
                &[ones @ b'0'..=b'9', b'.', tenths @ b'0'..=b'9', hundredths @ b'0'..=b'9', thousandths @ b'0'..=b'9'],
            ) => {
                let [ones, tenths, hundredths, thousandths] =
                    [ones, tenths, hundredths, thousandths].map(|digit| u64::from(digit - b'0'));
                Ok(Some(Duration::from_millis(ones * 1000 + tenths * 100 + hundredths * 10 + thousandths)))
            }
            None => Ok(None),
            Some([b'-', digits @ ..]) if micros_of(digits).is_some() => Ok(None),
            Some(text) => micros_of(text).map(|micros| Some(Duration::from_micros(micros))).ok_or(Problem::FieldType),
        }
    }

    #[inline]
    fn status(&self, field: usize) -> Result<Option<u16>, Problem> {
        match self.value(field) {
            None | Some(b"000" | b"0") => Ok(None),
            Some(&[hundreds @ b'0'..=b'9', tens @ b'0'..=b'9', ones @ b'0'..=b'9']) => {
                let [hundreds, tens, ones] = [hundreds, tens, ones].map(|digit| u16::from(digit - b'0'));
                Ok(Some(hundreds * 100 + tens * 10 + ones))
            }
            Some(_) => Err(Problem::FieldType),
        }
    }

    fn integer(&self, field: usize) -> Result<Option<u64>, Problem> {
        match self.value(field) {
            None => Ok(None),
            Some(text) => integer_of(text).map(Some).ok_or(Problem::FieldType),
        }
    }

    /// The second that the load balancer wrote into `Root=1-<8 hex digits>-…`.
    ///
    /// It cannot be trusted if the client sent a `Root` of its own, so it is used only for lines that have nothing
    /// better.
    /// Source: <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-request-tracing.html>
    fn trace_second(&self) -> Option<Timestamp> {
        const ROOT: &[u8] = b"Root=1-";
        let trace_id = self.value(TRACE_ID)?;
        let digits = trace_id.get(memchr::memmem::find(trace_id, ROOT)? + ROOT.len()..)?.get(..8)?;
        // The parser would accept a sign, which is not a digit.
        let digits = std::str::from_utf8(digits).ok().filter(|digits| !digits.starts_with('+'))?;
        let seconds = u32::from_str_radix(digits, 16).ok()?;
        Some(Timestamp::from_seconds(i64::from(seconds)))
    }
}

/// `None` if `end` is earlier than `start`.
#[inline]
fn duration_between(start: Timestamp, end: Timestamp) -> Option<Duration> {
    u64::try_from(end.micros_since(start)).ok().map(Duration::from_micros)
}

/// The most digits that a size may have. Every number with this many digits fits into a `u64`.
const MAX_INTEGER_DIGITS: usize = 19;

#[inline]
fn is_integer_or_absent(text: &[u8]) -> bool {
    text == b"-" || (text.len() <= MAX_INTEGER_DIGITS && text.iter().all(u8::is_ascii_digit))
}

/// `None` if `digits` is not a number. A sign is not accepted, unlike by the standard library's parser.
fn integer_of(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > MAX_INTEGER_DIGITS {
        return None;
    }
    digits.iter().try_fold(0, |number, &digit| Some(number * 10 + digit_value(digit)?))
}

/// Seconds with a decimal fraction, as microseconds; digits past the sixth are dropped.
#[inline]
fn micros_of(text: &[u8]) -> Option<u64> {
    let (whole, fraction) = match memchr::memchr(b'.', text) {
        Some(point) => (&text[..point], &text[point + 1..]),
        None => (text, &text[text.len()..]),
    };
    if whole.is_empty() || whole.len() > 9 || fraction.len() > 12 {
        return None;
    }
    let mut micros: u64 = 0;
    for &digit in whole {
        micros = micros * 10 + digit_value(digit)?;
    }
    micros *= MICROS_PER_SECOND.unsigned_abs();
    let mut weight = MICROS_PER_SECOND.unsigned_abs();
    for &digit in fraction {
        weight /= 10;
        micros += digit_value(digit)? * weight;
    }
    Some(micros)
}

#[inline]
fn digit_value(digit: u8) -> Option<u64> {
    let value = digit.wrapping_sub(b'0');
    (value < 10).then_some(u64::from(value))
}

#[cfg(test)]
mod tests;
