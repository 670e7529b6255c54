use super::*;
use crate::record::Bounds;

/// A valid line after `change` has changed its fields.
fn line(change: impl FnOnce(&mut Vec<String>)) -> String {
    let fields = [
        "https",
        "2026-11-22T07:41:20.518414Z",
        "app/shop/50dc6c495c0c9188",
        "192.0.2.10:55123",
        "10.0.0.1:80",
        "0.000",
        "0.001",
        "0.000",
        "200",
        "200",
        "120",
        "353",
        r#""GET http://a.example:80/ HTTP/1.1""#,
        r#""curl/8.5.0""#,
        "-",
        "-",
        "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/api/73e2d6bc24d8a067",
        r#""Root=1-6921698f-36d228ad5d99923122bbe354""#,
        r#""-""#,
        r#""-""#,
        "0",
        "2026-11-22T07:41:20.516000Z",
        r#""forward""#,
        r#""-""#,
        r#""-""#,
    ];
    let mut fields = fields.map(str::to_owned).to_vec();
    change(&mut fields);
    fields.join(" ")
}

fn with_field(field: usize, value: &str) -> String {
    line(|fields| fields[field] = value.to_owned())
}

/// Splits `line` and calls `question` with its record.
fn ask<T>(line: &str, question: impl FnOnce(Record<'_, Alb>) -> T) -> T {
    let mut bounds = Bounds::default();
    question(Record::parse(line.as_bytes(), &mut bounds).unwrap_or_else(|problem| panic!("{line}: {problem:?}")))
}

const REFUSED: Result<Option<Duration>, Problem> = Err(Problem::FieldType);

#[test]
fn the_table_names_36_fields_each_once() {
    assert_eq!(FIELDS.len(), 36);
    assert_eq!((FIELDS[TYPE].name, FIELDS[ELB_ERROR_CODE].name), ("type", "elb_error_code"));
    for (index, field) in FIELDS.iter().enumerate() {
        let first = FIELDS.iter().position(|other| other.name == field.name);
        assert_eq!(first, Some(index), "{}", field.name);
        assert!(!field.meaning.is_empty() && !field.meaning.ends_with('.'), "{}", field.name);
    }
}

#[test]
fn processing_times_are_read_to_the_digit() {
    for (text, expected) in [
        ("0.000", Ok(Some(Duration::ZERO))),
        ("0.003", Ok(Some(Duration::from_millis(3)))),
        ("4.205", Ok(Some(Duration::from_millis(4_205)))),
        ("61", Ok(Some(Duration::from_secs(61)))),
        ("0.000073", Ok(Some(Duration::from_micros(73)))),
        ("0.0000739", Ok(Some(Duration::from_micros(73)))),
        ("999999999.999", Ok(Some(Duration::from_millis(999_999_999_999)))),
        ("-1", Ok(None)),
        ("-1.000", Ok(None)),
        ("-", Ok(None)),
        ("", Ok(None)),
        ("abc", REFUSED),
        ("1,5", REFUSED),
        ("1.2.3", REFUSED),
        ("1e3", REFUSED),
        ("+1", REFUSED),
        (".5", REFUSED),
        ("--1", REFUSED),
        ("-1.2.3", REFUSED),
        ("-abc", REFUSED),
        ("-.", REFUSED),
        ("1000000000", REFUSED),
        ("0.0000000000001", REFUSED),
    ] {
        for field in [REQUEST_PROCESSING_TIME, TARGET_PROCESSING_TIME, RESPONSE_PROCESSING_TIME] {
            let line = with_field(field, text);
            let found = ask(&line, |record| match field {
                REQUEST_PROCESSING_TIME => record.request_processing_time(),
                TARGET_PROCESSING_TIME => record.target_processing_time(),
                _ => record.response_processing_time(),
            });
            assert_eq!(found, expected, "{text:?} at {field}");
            assert_eq!(ask(&line, |record| record.exchange().is_ok()), expected.is_ok(), "{text:?} at {field}");
        }
    }
}

#[test]
fn statuses_are_three_digits_or_absent() {
    for (text, expected) in [
        ("200", Ok(Some(200))),
        ("999", Ok(Some(999))),
        ("-", Ok(None)),
        ("", Ok(None)),
        ("000", Ok(None)),
        ("0", Ok(None)),
        ("abc", Err(Problem::FieldType)),
        ("20", Err(Problem::FieldType)),
        ("2000", Err(Problem::FieldType)),
        ("-1", Err(Problem::FieldType)),
        ("+20", Err(Problem::FieldType)),
    ] {
        let line = with_field(ELB_STATUS_CODE, text);
        assert_eq!(ask(&line, |record| record.elb_status_code()), expected, "{text:?}");
        assert_eq!(ask(&line, |record| record.exchange().is_ok()), expected.is_ok(), "{text:?}");
        let line = with_field(TARGET_STATUS_CODE, text);
        assert_eq!(ask(&line, |record| record.target_status_code()), expected, "{text:?}");
        assert_eq!(ask(&line, |record| record.exchange().is_ok()), expected.is_ok(), "{text:?}");
    }
}

#[test]
fn sizes_are_whole_numbers_or_absent() {
    for (text, expected) in [
        ("0", Ok(Some(0))),
        ("00012", Ok(Some(12))),
        ("9999999999999999999", Ok(Some(9_999_999_999_999_999_999))),
        ("-", Ok(None)),
        ("", Ok(None)),
        ("18446744073709551616", Err(Problem::FieldType)),
        ("+5", Err(Problem::FieldType)),
        ("-1", Err(Problem::FieldType)),
        ("1.5", Err(Problem::FieldType)),
        ("many", Err(Problem::FieldType)),
    ] {
        let line = with_field(RECEIVED_BYTES, text);
        assert_eq!(ask(&line, |record| record.received_bytes()), expected, "{text:?}");
        assert_eq!(ask(&line, |record| record.exchange().is_ok()), expected.is_ok(), "{text:?}");
        let line = with_field(SENT_BYTES, text);
        assert_eq!(ask(&line, |record| record.sent_bytes()), expected, "{text:?}");
        assert_eq!(ask(&line, |record| record.exchange().is_ok()), expected.is_ok(), "{text:?}");
    }
}

#[test]
fn a_line_counts_only_with_a_time() {
    for text in ["-", "", "yesterday", "2026-11-22"] {
        let line = with_field(TIME, text);
        assert_eq!(ask(&line, |record| record.exchange().map(|_| ())), Err(Problem::FieldType), "{text:?}");
    }
    let line = with_field(REQUEST_CREATION_TIME, "yesterday");
    assert_eq!(ask(&line, |record| record.exchange().map(|_| ())), Err(Problem::FieldType));
}

#[test]
fn request_lines_are_split_at_the_first_and_the_last_blank() {
    for (text, method, url, version) in [
        ("GET http://a:80/ HTTP/1.1", Some("GET"), Some("http://a:80/"), Some("HTTP/1.1")),
        ("GET http://a:80/b c d HTTP/2.0", Some("GET"), Some("http://a:80/b c d"), Some("HTTP/2.0")),
        ("GET http://a:80/ -", Some("GET"), Some("http://a:80/"), None),
        ("GET http://a:80/ ", Some("GET"), Some("http://a:80/"), None),
        ("GET http://a:80/", Some("GET"), Some("http://a:80/"), None),
        ("GET - HTTP/1.1", Some("GET"), None, Some("HTTP/1.1")),
        ("GET", None, Some("GET"), None),
        ("--location http://a:80/ HTTP/1.1", Some("--location"), Some("http://a:80/"), Some("HTTP/1.1")),
        ("-", None, None, None),
        ("", None, None, None),
        (" ", None, None, None),
        ("- - -", None, None, None),
        ("- http://a:80- -", None, None, None),
        ("- http://a:80- ", None, None, None),
        ("- http://a:80/x HTTP/1.1", None, Some("http://a:80/x"), Some("HTTP/1.1")),
    ] {
        let bytes = |text: &'static str| text.as_bytes();
        let expected = RequestLine { method: method.map(bytes), url: url.map(bytes), version: version.map(bytes) };
        assert_eq!(RequestLine::parse(text.as_bytes()), expected, "{text:?}");
    }
}

#[test]
fn a_path_begins_after_the_host_and_ends_before_the_query() {
    for (url, expected) in [
        ("http://a.example:80/orders/17", "/orders/17"),
        ("https://a.example:443/orders?id=17", "/orders"),
        ("https://a.example:443/orders#top", "/orders"),
        ("https://a.example:443/", "/"),
        ("http://a.example:80", "/"),
        ("http://a.example:80?q=/x", "/"),
        ("http://a.example:80#/x", "/"),
        ("https://[2001:db8::1]:443/x", "/x"),
        ("wss://a.example:443/socket", "/socket"),
        ("/no/host?q", "/no/host"),
        ("//a.example/x", "//a.example/x"),
        ("http://a:80//x", "//x"),
        ("http:///x", "/x"),
        ("http://", "/"),
        ("*", "*"),
        ("a.example:443", "a.example:443"),
        ("longscheme://a/x", "longscheme://a/x"),
        ("http://a:80/b c", "/b c"),
        ("http://a:80/go?to=http://b/y", "/go"),
    ] {
        let line = RequestLine { method: None, url: Some(url.as_bytes()), version: None };
        let path = line.path().map(|path| String::from_utf8_lossy(path).into_owned());
        assert_eq!(path.as_deref(), Some(expected), "{url:?}");
    }
    assert_eq!(RequestLine { method: None, url: None, version: None }.path(), None);
}

#[test]
fn endpoints_are_split_at_their_last_colon() {
    for (text, address, port) in [
        ("192.0.2.1:80", "192.0.2.1", Some(80)),
        ("192.0.2.1", "192.0.2.1", None),
        ("192.0.2.1:", "192.0.2.1", None),
        ("192.0.2.1:http", "192.0.2.1", None),
        ("192.0.2.1:+80", "192.0.2.1", None),
        ("192.0.2.1:65535", "192.0.2.1", Some(65_535)),
        ("192.0.2.1:65536", "192.0.2.1", None),
        ("2001:db8:4538:1:bcf4:5264:e01c:f215:50718", "2001:db8:4538:1:bcf4:5264:e01c:f215", Some(50_718)),
        ("[2001:db8::1]:443", "2001:db8::1", Some(443)),
        ("[2001:db8::1", "[2001:db8:", Some(1)),
        (":80", "", Some(80)),
    ] {
        assert_eq!(Endpoint::parse(text.as_bytes()), Endpoint { address: address.as_bytes(), port }, "{text:?}");
    }
}

#[test]
fn elapsed_uses_the_best_times_of_the_line() {
    // In the trace ids below, 0x6921698f is 2025-11-22T07:43:11Z.
    let traced = |trace: &'static str| {
        line(move |fields| {
            fields[TIME] = "2025-11-22T07:43:12.500000Z".to_owned();
            fields[TRACE_ID] = trace.to_owned();
            fields.truncate(TRACE_ID + 1);
        })
    };
    let without_creation = line(|fields| {
        fields[TIME] = "2025-11-22T07:43:12.500000Z".to_owned();
        fields[REQUEST_CREATION_TIME] = "-".to_owned();
    });
    let from_trace = Elapsed::FromTraceId(Duration::from_millis(1_500));
    for (name, line, expected) in [
        ("both times", line(|_| ()), Elapsed::Exact(Duration::from_micros(2_414))),
        ("no creation time", without_creation, from_trace),
        (
            "created at the end",
            with_field(REQUEST_CREATION_TIME, "2026-11-22T07:41:20.518414Z"),
            Elapsed::Exact(Duration::ZERO),
        ),
        ("created after the end", with_field(REQUEST_CREATION_TIME, "2026-11-22T07:41:20.519000Z"), Elapsed::Unknown),
        ("too old for a trace id", line(|fields| fields.truncate(TARGET_GROUP_ARN + 1)), Elapsed::Unknown),
        ("a root", traced(r#""Root=1-6921698f-36d228ad5d99923122bbe354""#), from_trace),
        ("a self and a root", traced(r#""Self=1-00000001-1;Root=1-6921698f-36d228ad""#), from_trace),
        ("no root", traced(r#""-""#), Elapsed::Unknown),
        ("a root of letters", traced(r#""Root=1-abcdefgh-abcd""#), Elapsed::Unknown),
        ("a root with a sign", traced(r#""Root=1-+921698f-abcd""#), Elapsed::Unknown),
        ("a root cut short", traced(r#""Root=1-69216""#), Elapsed::Unknown),
        ("a root of the future", traced(r#""Root=1-f921698f-36d228ad""#), Elapsed::Unknown),
    ] {
        assert_eq!(ask(&line, |record| record.elapsed()), Ok(expected), "{name}");
    }
}

#[test]
fn facts_of_an_exchange_come_from_their_fields() {
    let facts = |line: &str| {
        ask(line, |record| {
            record.exchange().map(|it| (it.method.is_some(), it.is_severe, it.has_stream_reset, it.is_web_socket))
        })
    };
    let tail =
        |tail: &'static [&'static str]| line(move |fields| fields.extend(tail.iter().map(|&field| field.to_owned())));
    let target_reset: &[&str] = &["-", "-", r#""-""#, r#""-""#, "-", "-", "-", "-", "-", r#""0x7""#, r#""-""#];
    let own_reset: &[&str] = &["-", "-", r#""-""#, r#""-""#, "-", "-", "-", "-", "-", "-", "0x8"];
    for (name, line, expected) in [
        ("ordinary", line(|_| ()), (true, false, false, false)),
        ("no request", with_field(REQUEST_LINE, r#""- http://a:80- -""#), (false, false, false, false)),
        ("severe", tail(&["-", "-", r#""Severe""#, r#""BadUri""#]), (true, true, false, false)),
        ("ambiguous", tail(&["-", "-", r#""Ambiguous""#, r#""EmptyHeader""#]), (true, false, false, false)),
        ("reset by the target", tail(target_reset), (true, false, true, false)),
        ("reset by the load balancer", tail(own_reset), (true, false, true, false)),
        ("web socket by type", with_field(TYPE, "wss"), (true, false, false, true)),
        ("web socket by status", with_field(ELB_STATUS_CODE, "101"), (true, false, false, true)),
    ] {
        assert_eq!(facts(&line), Ok(expected), "{name}");
    }
}

#[test]
fn a_url_is_split_into_its_parts() {
    type Parts<'a> = (&'a str, &'a str, Option<u16>, &'a str, &'a str);
    let cases: [(&str, Parts<'_>); 12] = [
        ("https://a.example:443/b/c?d=e&f", ("https", "a.example", Some(443), "/b/c", "d=e&f")),
        ("http://a.example:80", ("http", "a.example", Some(80), "/", "")),
        ("http://a.example:80?d", ("http", "a.example", Some(80), "/", "d")),
        ("http://a.example:80/b?", ("http", "a.example", Some(80), "/b", "")),
        ("http://[2001:db8::1]:80/b", ("http", "2001:db8::1", Some(80), "/b", "")),
        ("http://[2001:db8::1]/b", ("http", "2001:db8::1", None, "/b", "")),
        ("wss://a.example:port/b", ("wss", "a.example", None, "/b", "")),
        ("http://a.example/b?c=http://d:1/?e#f?g", ("http", "a.example", None, "/b", "c=http://d:1/?e")),
        ("/b?c", ("", "", None, "/b", "c")),
        ("*", ("", "", None, "*", "")),
        ("a.example:443", ("", "", None, "a.example:443", "")),
        ("http:///b", ("http", "", None, "/b", "")),
    ];
    for (url, expected) in cases {
        let Url { protocol, host, port, path, query } = Url::parse(url.as_bytes());
        let [protocol, host, path, query] =
            [protocol, host, path, query].map(|part| part.map_or("", |part| std::str::from_utf8(part).expect("text")));
        assert_eq!((protocol, host, port, path, query), expected, "{url}");
        let request_line = format!("GET {url} HTTP/1.1");
        assert_eq!(RequestLine::parse(request_line.as_bytes()).path(), Some(path.as_bytes()), "{url}");
    }
}

#[test]
fn a_rule_priority_is_a_number_and_may_be_minus_one() {
    for (text, expected) in [
        ("0", Some(0)),
        ("50000", Some(50_000)),
        ("-1", Some(-1)),
        ("-", None),
        ("", None),
        ("--1", None),
        ("1x", None),
        ("9999999999999999999", None),
    ] {
        assert_eq!(
            ask(&with_field(MATCHED_RULE_PRIORITY, text), |record| record.matched_rule_priority()),
            expected,
            "{text}"
        );
    }
}
