//! The table of requests: a row for each record of a log.

use std::cell::OnceCell;

use crate::aggregate::route::write_template;
use crate::classify::{Elapsed, Exchange, Outcome};
use crate::diagnose::Confidence;
use crate::kind::Alb;
use crate::kind::alb::{self, Endpoint, RequestLine, Url};
use crate::record::{ReadKind, Record};
use crate::table::schema::{Cell, Column, DataType, FieldGroup, Table};

/// The table of requests.
#[derive(Clone, Copy, Debug)]
pub enum RequestTable {}

/// One record, with what is derived from it.
pub struct RequestRow<'a> {
    pub(super) record: &'a Record<'a, Alb>,
    pub(super) exchange: &'a Exchange<'a>,
    pub(super) outcome: Outcome,
    pub(super) line: &'a [u8],
    pub(super) object: &'a str,
    /// From 1.
    pub(super) line_number: u64,
    request_text: &'a [u8],
    client: Option<Endpoint<'a>>,
    parsed_request_line: OnceCell<(RequestLine<'a>, Url<'a>)>,
    route: OnceCell<Vec<u8>>,
    unusual_line: OnceCell<Vec<u8>>,
    /// Cause and confidence of the finding that the request belongs to.
    pub(super) cause: Option<(&'static str, Confidence)>,
}

impl<'a> RequestRow<'a> {
    /// The record of one line of an object. `request_text` is the request line as it will be written, so that its
    /// parts match what is written.
    pub(super) fn new(
        record: &'a Record<'a, Alb>,
        exchange: &'a Exchange<'a>,
        outcome: Outcome,
        (line, object, line_number): (&'a [u8], &'a str, u64),
        request_text: &'a [u8],
    ) -> Self {
        Self {
            record,
            exchange,
            outcome,
            line,
            object,
            line_number,
            request_text,
            client: record.client(),
            parsed_request_line: OnceCell::new(),
            route: OnceCell::new(),
            unusual_line: OnceCell::new(),
            cause: None,
        }
    }

    /// The request line and its URL. They are parsed only when a column asks for them, because most request lines
    /// repeat an earlier one.
    fn parsed_request_line(&self) -> &(RequestLine<'a>, Url<'a>) {
        self.parsed_request_line.get_or_init(|| {
            let request_line = RequestLine::parse(self.request_text);
            (request_line, request_line.url.map(Url::parse).unwrap_or_default())
        })
    }

    fn request_line(&self) -> RequestLine<'a> {
        self.parsed_request_line().0
    }

    fn url(&self) -> Url<'a> {
        self.parsed_request_line().1
    }

    /// `METHOD /template`. `None` if the request was never complete.
    fn route(&self) -> Option<&[u8]> {
        let route = self.route.get_or_init(|| {
            let mut route = Vec::new();
            if let (Some(method), Some(path)) = (self.request_line().method, self.request_line().path()) {
                write_template(method, path, &mut route);
            }
            route
        });
        (!route.is_empty()).then_some(route)
    }

    /// The text from field `first` to field `last`, or to the end of the line. It is the key under which a
    /// [`FieldGroup`] remembers values. In a line with unusual quotes, the same bytes may stand for other fields. For
    /// such a line this returns a line break and the whole line, which only an identical line gives.
    #[inline]
    fn fields_text(&self, first: usize, last: Option<usize>) -> &[u8] {
        let unusual_line = || self.unusual_line.get_or_init(|| [b"\n", self.line].concat());
        self.record.fields_text(first, last).unwrap_or_else(|| unusual_line())
    }

    /// Why one of the three processing times is absent. `None` if all are present.
    fn times_absent(&self) -> Option<&'static [u8]> {
        let [request, target, response] =
            [alb::REQUEST_PROCESSING_TIME, alb::TARGET_PROCESSING_TIME, alb::RESPONSE_PROCESSING_TIME]
                .map(|field| self.record.value(field).map(|text| text.first() != Some(&b'-')));
        match [request, target, response] {
            [Some(true), Some(true), Some(true)] => None,
            [None, ..] | [_, None, _] | [.., None] => Some(b"not-logged"),
            [Some(false), ..] => Some(b"not-dispatched"),
            _ => Some(b"no-response"),
        }
    }
}

/// The name of a target group, from its ARN. `None` if the ARN has another form.
pub(super) fn target_group_name(arn: &[u8]) -> Option<&[u8]> {
    let resource = arn.rsplit(|&byte| byte == b':').next()?;
    resource.strip_prefix(b"targetgroup/")?.split(|&byte| byte == b'/').next().filter(|name| !name.is_empty())
}

/// When a text column has no value, for the documentation.
const NULL_IF_NOT_LOGGED: &str = "not logged";

/// When a number column has no value, for the documentation.
const NULL_IF_NO_NUMBER: &str = "not logged, or not a number";

/// When a part of the request line has no value, for the documentation.
const NULL_IF_NO_PART: &str = "the request was never complete, or has no such part";

type RequestColumn = Column<RequestTable>;

fn text<'r, const FIELD: usize>(row: &'r RequestRow<'_>) -> Cell<'r> {
    Cell::text(row.record.value(FIELD))
}

fn list<'r, const FIELD: usize>(row: &'r RequestRow<'_>) -> Cell<'r> {
    row.record.value(FIELD).map_or(Cell::Absent, Cell::List)
}

/// A field as text, as logged.
const fn field<const FIELD: usize>() -> RequestColumn {
    let field = &Alb::SCHEMA.fields[FIELD];
    RequestColumn::new(field.name, DataType::Text, text::<FIELD>, field.meaning)
        .absent(NULL_IF_NOT_LOGGED)
        .from(field.name)
}

/// A field that is a list.
const fn list_field<const FIELD: usize>(data_type: DataType) -> RequestColumn {
    let field = &Alb::SCHEMA.fields[FIELD];
    RequestColumn::new(field.name, data_type, list::<FIELD>, field.meaning).absent(NULL_IF_NOT_LOGGED).from(field.name)
}

/// A field that is read as something other than text.
const fn value_field<const FIELD: usize>(
    data_type: DataType,
    cell: for<'r, 'a> fn(&'r RequestRow<'a>) -> Cell<'r>,
) -> RequestColumn {
    let field = &Alb::SCHEMA.fields[FIELD];
    RequestColumn::new(field.name, data_type, cell, field.meaning).from(field.name)
}

/// Groups of fields that are neighbours in the line and have few distinct values. One lookup of their common text gives
/// the values of all their columns.
const FIELD_GROUPS: &[FieldGroup<RequestTable>] = &[
    FieldGroup {
        columns: &["user_agent", "ssl_cipher", "ssl_protocol", "target_group_arn"],
        text: |row| row.fields_text(alb::USER_AGENT, Some(alb::TARGET_GROUP_ARN)),
    },
    FieldGroup {
        columns: &["domain_name", "chosen_cert_arn", "matched_rule_priority"],
        text: |row| row.fields_text(alb::DOMAIN_NAME, Some(alb::MATCHED_RULE_PRIORITY)),
    },
    FieldGroup {
        columns: &[
            "actions_executed",
            "redirect_url",
            "error_reason",
            "target_port_list",
            "target_status_code_list",
            "classification",
            "classification_reason",
        ],
        text: |row| row.fields_text(alb::ACTIONS_EXECUTED, Some(alb::CLASSIFICATION_REASON)),
    },
    FieldGroup {
        columns: &[
            "transformed_host",
            "transformed_uri",
            "request_transform_status",
            "target_error_code",
            "elb_error_code",
            "unknown_fields",
        ],
        text: |row| row.fields_text(alb::TRANSFORMED_HOST, None),
    },
];

impl Table for RequestTable {
    type Row<'a> = RequestRow<'a>;
    const FIELD_GROUPS: &'static [FieldGroup<Self>] = FIELD_GROUPS;
    const NAME: &'static str = "requests";
    const MEANING: &'static str = "one record of an access log";
    const COLUMNS: &'static [RequestColumn] = &[
        field::<{ alb::TYPE }>(),
        value_field::<{ alb::TIME }>(DataType::Time, |row| Cell::Time(row.exchange.time)).unique(),
        field::<{ alb::ELB }>(),
        RequestColumn::new(
            "client_ip",
            DataType::Text,
            |row| Cell::text(row.client.map(|client| client.address).filter(|address| !address.is_empty())),
            "address of the client, or of a proxy in front of the load balancer",
        )
        .absent(NULL_IF_NOT_LOGGED)
        .from("client:port"),
        RequestColumn::new(
            "client_port",
            DataType::Integer,
            |row| Cell::integer(row.client.and_then(|client| client.port)),
            "port of the client, or of a proxy in front of the load balancer",
        )
        .absent(NULL_IF_NO_NUMBER)
        .from("client:port"),
        RequestColumn::new(
            "target",
            DataType::Text,
            |row| Cell::text(row.exchange.target),
            "address and port of the target, as logged and as reports show it",
        )
        .absent("not logged: no target was chosen, or it is a Lambda function")
        .from("target:port"),
        RequestColumn::new(
            "target_ip",
            DataType::Text,
            |row| Cell::text(row.record.target().map(|target| target.address).filter(|address| !address.is_empty())),
            "address of the target",
        )
        .absent("`target` is null or has no address")
        .from("target:port")
        .derived_from("target"),
        RequestColumn::new(
            "target_port",
            DataType::Integer,
            |row| Cell::integer(row.record.target().and_then(|target| target.port)),
            "port of the target",
        )
        .absent("`target` is null or has no port number")
        .from("target:port")
        .derived_from("target"),
        value_field::<{ alb::REQUEST_PROCESSING_TIME }>(DataType::Seconds, |row| {
            Cell::duration(row.exchange.request_processing_time)
        })
        .absent("`-1`, or not logged; `times_absent` says which"),
        value_field::<{ alb::TARGET_PROCESSING_TIME }>(DataType::Seconds, |row| {
            Cell::duration(row.exchange.target_processing_time)
        })
        .absent("`-1`, or not logged; `times_absent` says which"),
        value_field::<{ alb::RESPONSE_PROCESSING_TIME }>(DataType::Seconds, |row| {
            Cell::duration(row.exchange.response_processing_time)
        })
        .absent("`-1`, or not logged; `times_absent` says which"),
        RequestColumn::new(
            "times_absent",
            DataType::Text,
            |row| Cell::text(row.times_absent()),
            "why a processing time is null: `not-logged` if any of the three is `-` or missing; otherwise \
             `not-dispatched` if `request_processing_time` is `-1`, and `no-response` if only \
             `target_processing_time` or `response_processing_time` is",
        )
        .absent("all three times are logged and none is `-1`"),
        value_field::<{ alb::ELB_STATUS_CODE }>(DataType::Integer, |row| Cell::integer(row.exchange.elb_status_code))
            .absent("not logged, or `000`: no status was sent"),
        value_field::<{ alb::TARGET_STATUS_CODE }>(DataType::Integer, |row| {
            Cell::integer(row.exchange.target_status_code)
        })
        .absent("not logged, or `000`: the target did not answer"),
        value_field::<{ alb::RECEIVED_BYTES }>(DataType::Integer, |row| {
            Cell::integer(row.record.received_bytes().unwrap_or_default())
        })
        .unit("byte")
        .absent("not logged"),
        value_field::<{ alb::SENT_BYTES }>(DataType::Integer, |row| {
            Cell::integer(row.record.sent_bytes().unwrap_or_default())
        })
        .unit("byte")
        .absent("not logged"),
        field::<{ alb::REQUEST_LINE }>(),
        RequestColumn::new(
            "method",
            DataType::Text,
            |row| Cell::text(row.request_line().method),
            "HTTP method as sent",
        )
        .absent(NULL_IF_NO_PART)
        .from("request")
        .derived_from("request"),
        RequestColumn::new("url_protocol", DataType::Text, |row| Cell::text(row.url().protocol), "protocol of the URL")
            .absent(NULL_IF_NO_PART)
            .from("request")
            .derived_from("request"),
        RequestColumn::new(
            "url_host",
            DataType::Text,
            |row| Cell::text(row.url().host),
            "host of the URL, without brackets",
        )
        .absent(NULL_IF_NO_PART)
        .from("request")
        .derived_from("request"),
        RequestColumn::new("url_port", DataType::Integer, |row| Cell::integer(row.url().port), "port of the URL")
            .absent(NULL_IF_NO_PART)
            .from("request")
            .derived_from("request"),
        RequestColumn::new(
            "url_path",
            DataType::Text,
            |row| Cell::text(row.url().path),
            "path of the URL; `/` if it has none",
        )
        .absent(NULL_IF_NO_PART)
        .from("request")
        .derived_from("request"),
        RequestColumn::new(
            "url_query",
            DataType::Text,
            |row| Cell::text(row.url().query),
            "the part of the URL after the question mark",
        )
        .absent("there is no URL, it has no question mark, or nothing follows the question mark")
        .from("request")
        .derived_from("request"),
        RequestColumn::new(
            "http_version",
            DataType::Text,
            |row| Cell::text(row.request_line().version),
            "HTTP version as sent",
        )
        .absent(NULL_IF_NO_PART)
        .from("request")
        .derived_from("request"),
        field::<{ alb::USER_AGENT }>(),
        field::<{ alb::SSL_CIPHER }>(),
        field::<{ alb::SSL_PROTOCOL }>(),
        field::<{ alb::TARGET_GROUP_ARN }>(),
        RequestColumn::new(
            "target_group",
            DataType::Text,
            |row| Cell::text(row.exchange.target_group.and_then(target_group_name)),
            "name of the target group",
        )
        .absent("no rule forwarded the request, or the ARN has an unexpected form")
        .from("target_group_arn")
        .derived_from("target_group_arn"),
        field::<{ alb::TRACE_ID }>().unique(),
        field::<{ alb::DOMAIN_NAME }>(),
        field::<{ alb::CHOSEN_CERT_ARN }>(),
        value_field::<{ alb::MATCHED_RULE_PRIORITY }>(DataType::Integer, |row| {
            Cell::integer(row.record.matched_rule_priority())
        })
        .absent(NULL_IF_NO_NUMBER),
        value_field::<{ alb::REQUEST_CREATION_TIME }>(DataType::Time, |row| {
            // An exact elapsed time was computed from this field, so the field need not be parsed again.
            match row.exchange.elapsed {
                Elapsed::Exact(elapsed) => {
                    let micros = i64::try_from(elapsed.as_micros()).unwrap_or(i64::MAX);
                    Cell::Time(row.exchange.time.plus_micros(-micros))
                }
                _ => Cell::time(row.record.request_creation_time().unwrap_or_default()),
            }
        })
        .absent("not logged")
        .unique(),
        list_field::<{ alb::ACTIONS_EXECUTED }>(DataType::TextList(b',')),
        field::<{ alb::REDIRECT_URL }>(),
        field::<{ alb::ERROR_REASON }>(),
        list_field::<{ alb::TARGET_PORT_LIST }>(DataType::TextList(b' ')),
        list_field::<{ alb::TARGET_STATUS_CODE_LIST }>(DataType::IntegerList(b' ')),
        field::<{ alb::CLASSIFICATION }>(),
        field::<{ alb::CLASSIFICATION_REASON }>(),
        field::<{ alb::CONN_TRACE_ID }>(),
        field::<{ alb::TRANSFORMED_HOST }>(),
        field::<{ alb::TRANSFORMED_URI }>(),
        field::<{ alb::REQUEST_TRANSFORM_STATUS }>(),
        RequestColumn::new(
            "ip_address",
            DataType::Text,
            |row| Cell::text(row.exchange.node),
            "address of the load balancer node; from the object's name if the line does not have it",
        )
        .absent("neither the line nor the object's name has it")
        .from("ip_address"),
        field::<{ alb::TARGET_ERROR_CODE }>(),
        field::<{ alb::ELB_ERROR_CODE }>(),
        RequestColumn::new(
            "unknown_fields",
            DataType::Text,
            |row| match row.record.unknown_tail() {
                b"" | b"-" => Cell::Absent,
                fields => Cell::Text(fields),
            },
            "the fields after the last one that this version knows, as logged",
        )
        .absent("there are none, or only a `-`"),
        RequestColumn::new(
            "elapsed",
            DataType::Seconds,
            |row| match row.exchange.elapsed {
                Elapsed::Exact(elapsed) | Elapsed::FromTraceId(elapsed) => {
                    Cell::duration(Some(to_milliseconds(elapsed)))
                }
                Elapsed::Unknown => Cell::Absent,
            },
            "`time` − `request_creation_time`, rounded to milliseconds, the precision of `request_creation_time`; \
             for WebSocket, how long the connection was open",
        )
        .absent("the line does not say when the request began, or the time that it says is after `time`"),
        RequestColumn::new(
            "elapsed_from",
            DataType::Text,
            |row| match row.exchange.elapsed {
                Elapsed::Exact(_) => Cell::Text(b"request_creation_time"),
                Elapsed::FromTraceId(_) => Cell::Text(b"trace_id"),
                Elapsed::Unknown => Cell::Absent,
            },
            "the field that says when the request began: `request_creation_time`, or `trace_id` in lines from before \
             May 2018; `trace_id` has whole seconds, so `elapsed` is too long by up to a second",
        )
        .absent("`elapsed` is null"),
        RequestColumn::new(
            "outcome",
            DataType::Text,
            |row| Cell::Text(row.outcome.id().as_bytes()),
            "how the request ended: an id from the README's table of outcomes",
        ),
        RequestColumn::new(
            "answered_by",
            DataType::Text,
            |row| Cell::Text(row.outcome.answered_by().id().as_bytes()),
            "who answered: `target`, `load-balancer`, `rule` or `nobody`",
        )
        .derived_from("outcome"),
        RequestColumn::new(
            "is_failure",
            DataType::Flag,
            |row| Cell::Flag(row.outcome.is_failure()),
            "whether the outcome counts as failed",
        )
        .derived_from("outcome"),
        RequestColumn::new(
            "cause",
            DataType::Text,
            |row| Cell::text(row.cause.map(|(cause, _)| cause.as_bytes())),
            "likely cause: an id from the README's table of causes. It is the cause of the finding on the request's \
             target (or target group, or load balancer) that covers its outcome and time. If several do, the one with \
             the most failures of that outcome counts",
        )
        .absent("the request did not fail, or no finding covers it")
        .on_request(),
        RequestColumn::new(
            "confidence",
            DataType::Text,
            |row| Cell::text(row.cause.map(|(_, confidence)| confidence.id().as_bytes())),
            "confidence of that finding: `low`, `medium` or `high`",
        )
        .absent("`cause` is null")
        .on_request(),
        RequestColumn::new(
            "route",
            DataType::Text,
            |row| Cell::text(row.route()),
            "method and path, with the variable parts of the path in braces; reports group rare routes under `{*}`",
        )
        .absent(NULL_IF_NO_PART)
        .derived_from("request"),
        RequestColumn::new(
            "object",
            DataType::Text,
            |row| Cell::Text(row.object.as_bytes()),
            "the object that the line is in: path, S3 URL, or `-` for standard input",
        ),
        RequestColumn::new(
            "line",
            DataType::Integer,
            |row| Cell::integer(Some(row.line_number)),
            "number of the line in that object, from 1",
        )
        .unique(),
        RequestColumn::new("text", DataType::Text, |row| Cell::Text(row.line), "the whole line").on_request().unique(),
    ];
}

/// Rounds to the nearest millisecond.
fn to_milliseconds(duration: std::time::Duration) -> std::time::Duration {
    let micros = duration.as_micros();
    std::time::Duration::from_millis(u64::try_from((micros + 500) / 1000).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
