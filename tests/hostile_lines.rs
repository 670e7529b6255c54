//! Lines that break readers of these logs. Each is read in full, with every value in its field, or counted as a
//! problem with its location. The line after it is read in either case.

mod common;

use std::time::Duration;

use albscope::classify::{Elapsed, Outcome, classify};
use albscope::kind::{Alb, alb};
use albscope::record::{Bounds, MAX_LINE_BYTES, Record};
use albscope::{Problem, ReadOptions};

use common::{LineBuilder, Logs, assert_account_is_whole, line, other_log, problems};

/// What a line must result in: `(field, bytes)` of fields that it has, or a problem.
enum ExpectedReading {
    Fields(&'static [(usize, &'static [u8])]),
    Problem(Problem),
}

use ExpectedReading::Fields;

/// Parses `line`, checks the fields, and runs it through the pipeline between two ordinary lines.
fn check(name: &str, line: &[u8], expected: &ExpectedReading) {
    let mut bounds = Bounds::default();
    let parsed = Record::<Alb>::parse(line, &mut bounds).and_then(|record| {
        if let Fields(fields) = expected {
            for &(field, bytes) in *fields {
                let found = record.bytes(field).unwrap_or_else(|| panic!("{name}: the line ends before field {field}"));
                assert_eq!(found.escape_ascii().to_string(), bytes.escape_ascii().to_string(), "{name}: field {field}");
            }
            // The odd field must not have moved the target group out of its field either.
            assert_eq!(
                record.bytes(alb::TARGET_GROUP_ARN),
                Some(common::TARGET_GROUP.as_bytes()),
                "{name}: target group"
            );
        }
        record.exchange().map(|_| ())
    });
    match expected {
        Fields(_) => assert_eq!(parsed, Ok(()), "{name}"),
        // The pipeline skips a line that is too long before it is split, so splitting it here succeeds.
        ExpectedReading::Problem(problem) => assert_eq!(parsed.is_err(), *problem != Problem::LineTooLong, "{name}"),
    }

    let (before, after) = (line_of_path("/before"), line_of_path("/after"));
    let object = [before.as_bytes(), line, after.as_bytes()].join(&b'\n');
    let logs = Logs::new();
    logs.write("a.log", &object);
    let summary = logs.analyse(&ReadOptions::new().threads(1));
    assert_account_is_whole(name, &summary);
    assert_eq!(summary.input.lines, 3, "{name}: lines");
    let routes: Vec<Vec<u8>> = summary.routes.sorted().iter().map(|(route, _)| route.template.to_vec()).collect();
    for neighbour in [b"GET /before".as_slice(), b"GET /after"] {
        assert!(routes.iter().any(|route| route == neighbour), "{name}: {} was not read", neighbour.escape_ascii());
    }
    match expected {
        Fields(_) => {
            assert_eq!(summary.input.records, 3, "{name}: {:?}", summary.input.problems);
            assert!(summary.input.problems.is_empty(), "{name}: {:?}", summary.input.problems);
            assert_eq!(summary.requests(), 3, "{name}: requests");
        }
        ExpectedReading::Problem(problem) => {
            assert_eq!(problems(&summary), [(*problem, 1)], "{name}");
            let at = &summary.input.problems[problem].samples[0].at;
            assert_eq!((at.line, at.byte), (2, before.len() as u64 + 1), "{name}: location");
            assert!(at.object.ends_with("a.log"), "{name}: {}", at.object);
        }
    }
}

fn line_of_path(path: &str) -> String {
    line().request(&format!("GET http://a.example:80{path} HTTP/1.1")).build()
}

/// The fields after `target_group_arn`. Older lines have only the first of them.
const FULL_TAIL: [&str; 19] = [
    r#""Root=1-6b029ca0-36d228ad5d99923122bbe354""#,
    r#""-""#,
    r#""-""#,
    "0",
    "2026-11-22T07:41:20.516000Z",
    r#""forward""#,
    r#""-""#,
    r#""-""#,
    r#""10.0.0.1:80""#,
    r#""200""#,
    r#""-""#,
    r#""-""#,
    "TID_1",
    r#""-""#,
    r#""-""#,
    r#""-""#,
    "198.51.100.7",
    r#""-""#,
    r#""-""#,
];

/// The number of fields up to the target group's.
const HEAD_FIELDS: usize = 17;

fn with_fields(count: usize) -> String {
    line().tail(&FULL_TAIL[..count - HEAD_FIELDS].join(" ")).build()
}

#[test]
fn lines_of_every_age_are_read_and_what_they_lack_is_absent() {
    for count in [17, 18, 20, 23, 24, 25, 27, 29, 30, 33, 34, 36] {
        let name = format!("{count} fields");
        let line = with_fields(count);
        let mut bounds = Bounds::default();
        let record = Record::<Alb>::parse(line.as_bytes(), &mut bounds).expect(&name);
        assert_eq!(record.len(), count, "{name}");
        assert_eq!(record.bytes(count), None, "{name}: the field after the last");
        let exchange = record.exchange().expect(&name);
        let elapsed = match count {
            17 => Elapsed::Unknown,
            18..23 => exchange.elapsed,
            _ => Elapsed::Exact(Duration::from_micros(2_414)),
        };
        assert_eq!(exchange.elapsed, elapsed, "{name}");
        assert!((18..23).contains(&count) == matches!(exchange.elapsed, Elapsed::FromTraceId(_)), "{name}");
        assert_eq!(classify(&exchange), Outcome::Ok, "{name}");
        check(&name, line.as_bytes(), &Fields(&[]));
    }
}

#[test]
fn one_object_may_hold_lines_of_several_ages() {
    let logs = Logs::new();
    let object: Vec<String> = [29, 30, 33, 36, 29].map(with_fields).into();
    logs.write("a.log", object.join("\n").as_bytes());
    let summary = logs.analyse(&ReadOptions::new());
    assert_account_is_whole("mixed", &summary);
    assert_eq!((summary.input.records, summary.requests()), (5, 5));
}

#[test]
fn a_tail_of_absent_values_is_read() {
    for count in [33, 34, 36] {
        for absent in ["-", r#""-""#] {
            // Fields up to the 29th keep their values, because it is certain which of them are quoted.
            let tail = [&FULL_TAIL[..29 - HEAD_FIELDS], &vec![absent; count - 29]].concat().join(" ");
            let line = line().tail(&tail).build();
            let mut bounds = Bounds::default();
            let record = Record::<Alb>::parse(line.as_bytes(), &mut bounds).expect("read");
            assert_eq!(record.len(), count);
            assert!((29..count).all(|field| record.value(field).is_none()), "{count} fields, {absent}");
            check(&format!("{count} fields, {absent}"), line.as_bytes(), &Fields(&[]));
        }
    }
}

#[test]
fn a_tail_beyond_the_known_fields_is_kept_as_it_is() {
    for (name, tail, expected) in [
        ("one field", " new", "new"),
        ("quoted with a blank", r#" "new field" 7"#, r#""new field" 7"#),
        ("far more than are read", &" x".repeat(60), &"x ".repeat(60)),
    ] {
        let line = with_fields(36) + tail;
        let mut bounds = Bounds::default();
        let record = Record::<Alb>::parse(line.as_bytes(), &mut bounds).expect(name);
        assert_eq!(record.unknown_tail(), expected.trim_end().as_bytes(), "{name}");
        assert_eq!(record.bytes(alb::ELB_ERROR_CODE), Some(b"-".as_slice()), "{name}");
        check(name, line.as_bytes(), &Fields(&[(alb::IP_ADDRESS, b"198.51.100.7")]));
    }
}

#[test]
fn a_bare_dash_at_the_very_end_is_read_whatever_the_age() {
    for count in [17, 18, 20, 23, 24, 25, 27, 29, 30, 33, 34, 36] {
        let name = format!("{count} fields and a dash");
        let line = with_fields(count) + " -";
        let mut bounds = Bounds::default();
        let record = Record::<Alb>::parse(line.as_bytes(), &mut bounds).expect(&name);
        assert_eq!(record.len(), count + 1, "{name}");
        assert_eq!(record.value(count), None, "{name}");
        check(&name, line.as_bytes(), &Fields(&[]));
    }
}

/// Each row is a line with an odd value, and what it must result in.
#[test]
fn odd_values_stay_in_their_columns() {
    let rows: &[(&str, LineBuilder, ExpectedReading)] = &[
        (
            "a blank in transformed_uri",
            line().field(alb::TRANSFORMED_URI, r#""/a b/c""#),
            Fields(&[(alb::TRANSFORMED_URI, b"/a b/c"), (alb::IP_ADDRESS, b"198.51.100.7")]),
        ),
        (
            "a cipher with underscores",
            line().field(alb::SSL_CIPHER, "TLS_AES_128_GCM_SHA256"),
            Fields(&[(alb::SSL_CIPHER, b"TLS_AES_128_GCM_SHA256")]),
        ),
        (
            "an old cipher with dashes",
            line().field(alb::SSL_CIPHER, "ECDHE-RSA-AES128-SHA"),
            Fields(&[(alb::SSL_CIPHER, b"ECDHE-RSA-AES128-SHA")]),
        ),
        (
            "no target",
            line().field(alb::TARGET, "-").field(alb::ELB_STATUS_CODE, "503").field(alb::TARGET_STATUS_CODE, "-"),
            Fields(&[(alb::TARGET, b"-"), (alb::ELB_STATUS_CODE, b"503")]),
        ),
        (
            "an escaped quote in the user agent",
            line().agent(r#"say \"hi\" now"#),
            Fields(&[(alb::USER_AGENT, br#"say \"hi\" now"#), (alb::SSL_CIPHER, b"-")]),
        ),
        (
            "an escaped quote in the URL",
            line().request(r#"GET http://a:80/?q=\"x\" HTTP/1.1"#),
            Fields(&[(alb::REQUEST_LINE, br#"GET http://a:80/?q=\"x\" HTTP/1.1"#), (alb::USER_AGENT, b"curl/8.5.0")]),
        ),
        (
            "an escaped quote before the closing one",
            line().agent(r#"say \"hi\""#),
            Fields(&[(alb::USER_AGENT, br#"say \"hi\""#), (alb::SSL_CIPHER, b"-")]),
        ),
        (
            "a hexadecimal escape of a quote",
            line().request(r"GET http://a:80/Q?bar=\x22 HTTP/2.0"),
            Fields(&[(alb::REQUEST_LINE, br"GET http://a:80/Q?bar=\x22 HTTP/2.0")]),
        ),
        ("hexadecimal escapes of bytes", line().agent(r"\xEC\x97"), Fields(&[(alb::USER_AGENT, br"\xEC\x97")])),
        ("a long hexadecimal escape", line().agent(r"\x00000022"), Fields(&[(alb::USER_AGENT, br"\x00000022")])),
        ("a backslash at the end", line().agent(r"a\"), Fields(&[(alb::USER_AGENT, br"a\"), (alb::SSL_CIPHER, b"-")])),
        (
            "a raw quote in a word",
            line().agent(r#"Mozi"lla/5.0"#),
            Fields(&[(alb::USER_AGENT, br#"Mozi"lla/5.0"#), (alb::SSL_CIPHER, b"-")]),
        ),
        (
            "raw quotes around a word's end are ambiguous",
            line().agent(r#"a "b" c"#),
            ExpectedReading::Problem(Problem::Quoting),
        ),
        ("an empty user agent", line().agent(""), Fields(&[(alb::USER_AGENT, b""), (alb::SSL_CIPHER, b"-")])),
        ("type grpcs", line().field(alb::TYPE, "grpcs"), Fields(&[(alb::TYPE, b"grpcs")])),
        ("type ws", line().field(alb::TYPE, "ws"), Fields(&[(alb::TYPE, b"ws")])),
        ("type wss", line().field(alb::TYPE, "wss"), Fields(&[(alb::TYPE, b"wss")])),
        ("a type that is yet to come", line().field(alb::TYPE, "h3"), Fields(&[(alb::TYPE, b"h3")])),
        ("no status", line().field(alb::ELB_STATUS_CODE, "-"), Fields(&[(alb::ELB_STATUS_CODE, b"-")])),
        ("status 000", line().field(alb::ELB_STATUS_CODE, "000"), Fields(&[(alb::ELB_STATUS_CODE, b"000")])),
        ("no received bytes", line().field(alb::RECEIVED_BYTES, "-"), Fields(&[(alb::RECEIVED_BYTES, b"-")])),
        ("a status of letters", line().field(alb::ELB_STATUS_CODE, "OK"), ExpectedReading::Problem(Problem::FieldType)),
        ("a time of letters", line().field(alb::TIME, "yesterday"), ExpectedReading::Problem(Problem::FieldType)),
        ("no time", line().field(alb::TIME, "-"), ExpectedReading::Problem(Problem::FieldType)),
        ("a size of letters", line().field(alb::SENT_BYTES, "many"), ExpectedReading::Problem(Problem::FieldType)),
        (
            "bytes that are no UTF-8",
            line().agent_bytes(b"caf\xe9 \xff\xfe"),
            Fields(&[(alb::USER_AGENT, b"caf\xe9 \xff\xfe"), (alb::SSL_CIPHER, b"-")]),
        ),
        (
            "control bytes",
            line().agent_bytes(b"a\0b\x1b[31mc\x07\x7f\t"),
            Fields(&[(alb::USER_AGENT, b"a\0b\x1b[31mc\x07\x7f\t"), (alb::SSL_CIPHER, b"-")]),
        ),
        ("a formula", line().agent("=cmd|' /C calc'!A0"), Fields(&[(alb::USER_AGENT, b"=cmd|' /C calc'!A0")])),
        (
            "markup in the URL",
            line().request("GET http://a:80/<script>alert(1)</script> HTTP/1.1"),
            Fields(&[(alb::REQUEST_LINE, b"GET http://a:80/<script>alert(1)</script> HTTP/1.1")]),
        ),
        (
            "a missing blank between a certificate and a priority",
            line().tail(r#""Root=1-6b029ca0-36d228ad" "-" "-"1 2026-11-22T07:41:20.516000Z "forward" "-" "-""#),
            ExpectedReading::Problem(Problem::Quoting),
        ),
        (
            "a missing blank between request and user agent",
            line().without_user_agent().field(alb::REQUEST_LINE, r#""GET http://a:80/ HTTP/1.1""curl""#),
            ExpectedReading::Problem(Problem::Quoting),
        ),
        (
            "a missing blank between two bare fields",
            line().field(alb::TIME, "2026-11-22T07:41:20.518414Zapp/a/1"),
            ExpectedReading::Problem(Problem::FieldType),
        ),
        ("domain *", line().field(alb::DOMAIN_NAME, r#""*""#), Fields(&[(alb::DOMAIN_NAME, b"*")])),
        (
            "a blank before the domain",
            line().field(alb::DOMAIN_NAME, r#"" a.example""#),
            Fields(&[(alb::DOMAIN_NAME, b" a.example"), (alb::CHOSEN_CERT_ARN, b"-")]),
        ),
        (
            "an endpoint as domain",
            line().field(alb::DOMAIN_NAME, r#""192.0.2.1:443""#),
            Fields(&[(alb::DOMAIN_NAME, b"192.0.2.1:443")]),
        ),
        (
            "a bare domain and certificate, as of 2018",
            line().field(alb::DOMAIN_NAME, "a.example").field(alb::CHOSEN_CERT_ARN, "session-reused"),
            Fields(&[(alb::DOMAIN_NAME, b"a.example"), (alb::CHOSEN_CERT_ARN, b"session-reused")]),
        ),
        (
            "certificate session-reused",
            line().field(alb::CHOSEN_CERT_ARN, r#""session-reused""#),
            Fields(&[(alb::CHOSEN_CERT_ARN, b"session-reused")]),
        ),
        (
            "no actions",
            line().field(alb::ACTIONS_EXECUTED, r#""""#),
            Fields(&[(alb::ACTIONS_EXECUTED, b""), (alb::REDIRECT_URL, b"-")]),
        ),
        ("priority -1", line().field(alb::MATCHED_RULE_PRIORITY, "-1"), Fields(&[(alb::MATCHED_RULE_PRIORITY, b"-1")])),
        (
            "a trace id of two parts",
            line().field(
                alb::TRACE_ID,
                r#""Self=1-67891234-12456789abcdef012345678;Root=1-67891233-abcdef012345678912345678""#,
            ),
            Fields(&[(
                alb::TRACE_ID,
                b"Self=1-67891234-12456789abcdef012345678;Root=1-67891233-abcdef012345678912345678",
            )]),
        ),
        (
            "two targets and two statuses",
            line()
                .field(alb::TARGET_PORT_LIST, r#""10.0.0.1:80 10.0.0.2:80""#)
                .field(alb::TARGET_STATUS_CODE_LIST, r#""- 200""#),
            Fields(&[
                (alb::TARGET_PORT_LIST, b"10.0.0.1:80 10.0.0.2:80"),
                (alb::TARGET_STATUS_CODE_LIST, b"- 200"),
                (alb::CLASSIFICATION, b"-"),
                (alb::CONN_TRACE_ID, b"TID_1"),
            ]),
        ),
        (
            "two targets and two statuses, unquoted",
            line().field(alb::TARGET_PORT_LIST, "10.0.0.1:80 10.0.0.2:80").field(alb::TARGET_STATUS_CODE_LIST, "- 200"),
            Fields(&[
                (alb::TARGET_PORT_LIST, b"10.0.0.1:80 10.0.0.2:80"),
                (alb::TARGET_STATUS_CODE_LIST, b"- 200"),
                (alb::CLASSIFICATION, b"-"),
                (alb::CONN_TRACE_ID, b"TID_1"),
            ]),
        ),
    ];
    for (name, line, expected) in rows {
        check(name, &line.build_bytes(), expected);
    }
}

#[test]
fn a_line_without_a_target_has_none() {
    let line = line().field(alb::TARGET, "-").build();
    let mut bounds = Bounds::default();
    let record = Record::<Alb>::parse(line.as_bytes(), &mut bounds).expect("read");
    assert_eq!(record.target(), None);
    assert_eq!(record.exchange().expect("read").target, None);
}

#[test]
fn request_lines_of_every_form_are_read() {
    type LineParts = (Option<&'static str>, Option<&'static str>, Option<&'static str>);
    let rows: &[(&str, LineParts)] = &[
        ("-", (None, None, None)),
        ("", (None, None, None)),
        ("- http://host:80- -", (None, None, None)),
        ("- http://host:80- ", (None, None, None)),
        ("- - -", (None, None, None)),
        ("- - - ", (None, None, None)),
        ("GET http://a:80/one two HTTP/1.1", (Some("GET"), Some("http://a:80/one two"), Some("HTTP/1.1"))),
        ("GET http://a:80/ ", (Some("GET"), Some("http://a:80/"), None)),
        ("--location http://a:80/ HTTP/1.1", (Some("--location"), Some("http://a:80/"), Some("HTTP/1.1"))),
        (
            "SSTP_DUPLEX_POST https://a:443/sra_{BA195980}/ HTTP/1.1",
            (Some("SSTP_DUPLEX_POST"), Some("https://a:443/sra_{BA195980}/"), Some("HTTP/1.1")),
        ),
        ("ZSDLKFJ2 http://a:80/ HTTP/1.1", (Some("ZSDLKFJ2"), Some("http://a:80/"), Some("HTTP/1.1"))),
    ];
    for (text, expected) in rows {
        let line = line().request(text).build();
        let mut bounds = Bounds::default();
        let record =
            Record::<Alb>::parse(line.as_bytes(), &mut bounds).unwrap_or_else(|problem| panic!("{text}: {problem:?}"));
        let request = record.request_line();
        let part = |bytes: Option<&[u8]>| bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        let found = (part(request.method), part(request.url), part(request.version));
        let owned = |part: Option<&str>| part.map(str::to_owned);
        assert_eq!(found, (owned(expected.0), owned(expected.1), owned(expected.2)), "{text:?}");
        let exchange = record.exchange().expect("a line that counts");
        assert_eq!((exchange.method, exchange.path), (request.method, request.path()), "{text:?}");
        check(text, line.as_bytes(), &Fields(&[(alb::USER_AGENT, b"curl/8.5.0")]));
    }
}

#[test]
fn endpoints_are_split_at_their_last_colon() {
    for (endpoint, address, port) in [
        ("2001:db8:4538:1:bcf4:5264:e01c:f215:50718", "2001:db8:4538:1:bcf4:5264:e01c:f215", 50718),
        ("[2001:db8::1]:443", "2001:db8::1", 443),
        ("192.0.2.1:80", "192.0.2.1", 80),
    ] {
        let line = line().field(alb::CLIENT, endpoint).field(alb::TARGET, endpoint).build();
        let mut bounds = Bounds::default();
        let record = Record::<Alb>::parse(line.as_bytes(), &mut bounds).expect(endpoint);
        for found in [record.client(), record.target()] {
            let found = found.expect("an endpoint");
            assert_eq!((found.address, found.port), (address.as_bytes(), Some(port)), "{endpoint}");
        }
        check(endpoint, line.as_bytes(), &Fields(&[]));
    }
}

#[test]
fn times_that_were_not_measured_are_absent() {
    let millis = |millis| Some(Duration::from_millis(millis));
    for (text, expected) in [
        ("-1 -1 -1", [None, None, None]),
        ("0.003 -1 -1", [millis(3), None, None]),
        ("- - -", [None, None, None]),
        ("  ", [None, None, None]),
        ("0.001 4.205 -1", [millis(1), millis(4_205), None]),
    ] {
        let mut times = text.split(' ');
        let mut time = || times.next().expect("three of them");
        let line = line()
            .field(alb::REQUEST_PROCESSING_TIME, time())
            .field(alb::TARGET_PROCESSING_TIME, time())
            .field(alb::RESPONSE_PROCESSING_TIME, time())
            .build();
        let mut bounds = Bounds::default();
        let record = Record::<Alb>::parse(line.as_bytes(), &mut bounds).expect(text);
        let exchange = record.exchange().expect(text);
        let found =
            [exchange.request_processing_time, exchange.target_processing_time, exchange.response_processing_time];
        assert_eq!(found, expected, "{text:?}");
        check(text, line.as_bytes(), &Fields(&[(alb::ELB_STATUS_CODE, b"200")]));
    }
}

#[test]
fn an_absent_status_is_not_a_failure() {
    for status in ["-", "000"] {
        let line = line().field(alb::ELB_STATUS_CODE, status).field(alb::TARGET_STATUS_CODE, "-").build();
        let mut bounds = Bounds::default();
        let exchange =
            Record::<Alb>::parse(line.as_bytes(), &mut bounds).and_then(|record| record.exchange()).expect(status);
        assert_eq!(exchange.elb_status_code, None, "{status}");
        assert_eq!(classify(&exchange), Outcome::NoStatus, "{status}");
    }
}

#[test]
fn long_lines_are_read_up_to_the_cap() {
    let url = |bytes: usize| line_of_path(&format!("/{}", "u".repeat(bytes)));
    check("a URL of 64 KB", url(64 * 1024).as_bytes(), &Fields(&[(alb::USER_AGENT, b"curl/8.5.0")]));
    check("a line of 1 MB", url(1024 * 1024).as_bytes(), &Fields(&[(alb::USER_AGENT, b"curl/8.5.0")]));
    let just = MAX_LINE_BYTES - url(0).len();
    check("a line of just the cap", url(just).as_bytes(), &Fields(&[(alb::USER_AGENT, b"curl/8.5.0")]));
    check("one byte more", url(just + 1).as_bytes(), &ExpectedReading::Problem(Problem::LineTooLong));
}

#[test]
fn a_line_without_an_end_is_counted_once() {
    let logs = Logs::new();
    let mut object = line_of_path("/before").into_bytes();
    let start = object.len() as u64 + 1;
    object.push(b'\n');
    object.resize(object.len() + 100 * 1024 * 1024, b'x');
    logs.write("a.log", &object);
    let summary = logs.analyse(&ReadOptions::new().threads(1));
    assert_account_is_whole("endless", &summary);
    assert_eq!((summary.input.lines, summary.input.records), (2, 1));
    assert_eq!(problems(&summary), [(Problem::LineTooLong, 1)]);
    let at = &summary.input.problems[&Problem::LineTooLong].samples[0].at;
    assert_eq!((at.line, at.byte), (2, start));
    assert_eq!(summary.input.bytes_decoded, object.len() as u64);
}

#[test]
fn bytes_that_are_no_text_are_kept_in_the_sample_of_a_failure() {
    let agent = b"\xff\x1b[31m\0";
    let line = line().agent_bytes(agent).field(alb::ELB_STATUS_CODE, "502").field(alb::TARGET_STATUS_CODE, "-");
    let logs = Logs::new();
    logs.write("a.log", &line.build_bytes());
    let summary = logs.analyse(&ReadOptions::new());
    let (_, _, target) = summary.targets.iter().next().expect("one target");
    let samples = target.failures[0].samples.as_slice();
    assert_eq!(*samples[0].line, *line.build_bytes());
}

#[test]
fn line_ends_of_every_kind_are_read_and_blank_lines_are_no_records() {
    let (one, two) = (line_of_path("/one"), line_of_path("/two"));
    for (name, object, numbers) in [
        ("CRLF", format!("{one}\r\n{two}\r\nbad\r\n"), 3),
        ("no newline at the end", format!("{one}\n{two}\nbad"), 3),
        ("blank lines", format!("\n\n{one}\n \t\n\r\n{two}\n\nbad\n\n"), 8),
    ] {
        let logs = Logs::new();
        logs.write("a.log", object.as_bytes());
        let summary = logs.analyse(&ReadOptions::new());
        assert_account_is_whole(name, &summary);
        assert_eq!((summary.input.lines, summary.input.records), (3, 2), "{name}");
        let at = &summary.input.problems[&Problem::TooFewFields].samples[0].at;
        let byte = object.find("bad").expect("it is there") as u64;
        assert_eq!((at.line, at.byte), (numbers, byte), "{name}");
    }
}

#[test]
fn the_last_field_of_a_line_with_crlf_is_read_without_the_carriage_return() {
    let logs = Logs::new();
    // Seventeen fields, so that the last one is the target group's.
    logs.write("a.log", format!("{}\r\n", with_fields(17)).as_bytes());
    let summary = logs.analyse(&ReadOptions::new());
    let groups: Vec<&[u8]> = summary.target_groups.iter().map(|(_, arn, ())| arn).collect();
    assert_eq!(groups, [common::TARGET_GROUP.as_bytes()]);
}

#[test]
fn a_request_that_began_after_its_end_has_no_elapsed_time() {
    let line = line().field(alb::REQUEST_CREATION_TIME, "2026-11-22T07:41:21.000000Z").build();
    let mut bounds = Bounds::default();
    let exchange =
        Record::<Alb>::parse(line.as_bytes(), &mut bounds).and_then(|record| record.exchange()).expect("read");
    assert_eq!(exchange.elapsed, Elapsed::Unknown);
    check("creation after the end", line.as_bytes(), &Fields(&[]));
}

#[test]
fn the_same_line_twice_is_two_records() {
    let logs = Logs::new();
    let line = line().build();
    logs.write("a.log", format!("{line}\n{line}\n").as_bytes());
    let summary = logs.analyse(&ReadOptions::new());
    assert_eq!((summary.input.records, summary.requests()), (2, 2));
}

#[test]
fn times_in_any_order_are_read_and_a_long_web_socket_does_not_count_as_slow() {
    let logs = Logs::new();
    let socket = line()
        .field(alb::TYPE, "wss")
        .field(alb::TIME, "2026-11-22T08:41:20.000000Z")
        .field(alb::ELB_STATUS_CODE, "101")
        .field(alb::TARGET_STATUS_CODE, "101");
    let early = line().field(alb::TIME, "2026-11-22T07:41:20.518000Z");
    logs.write("a.log", format!("{}\n{}\n{}\n", line().build(), socket.build(), early.build()).as_bytes());
    let summary = logs.analyse(&ReadOptions::new());
    assert_account_is_whole("out of order", &summary);
    assert_eq!(summary.requests(), 3);
    let span = summary.span.expect("there are requests");
    assert_eq!(span.first.to_string(), "2026-11-22T07:41:20.518000Z");
    assert_eq!(span.last.to_string(), "2026-11-22T08:41:20.000000Z");
    let (_, _, target) = summary.targets.iter().next().expect("one target");
    assert_eq!(target.elapsed.count(), 2, "the connection's hour is no elapsed time");
    assert_eq!(summary.outcomes().of(Outcome::Ok), 3);
}

#[test]
fn lines_of_other_logs_are_named_as_such() {
    for (name, line, problem) in [
        (
            "Network Load Balancer",
            r#"tls 2.0 2026-04-01T08:51:42 net/my-lb/c6e77e28c25b2234 g3d4b5e8bb8464cd 192.0.2.1:51341 10.0.0.5:443 5 2 98 246 - arn:aws:acm:us-east-2:123456789012:certificate/2a10 - ECDHE-RSA-AES128-SHA tlsv12 - my-lb.example h2 h2 "h2","http/1.1" 2026-04-01T08:51:20"#,
            other_log("network-load-balancer"),
        ),
        (
            "Classic Load Balancer",
            r#"2026-05-13T23:39:43.945958Z my-lb 192.0.2.39:2817 10.0.0.1:80 0.000073 0.001048 0.000057 200 200 0 29 "GET http://a:80/ HTTP/1.1" "curl/7.38.0" - -"#,
            other_log("classic-load-balancer"),
        ),
        (
            "connection log, 12 fields",
            r#"2026-10-04T17:05:15.514108Z 192.0.2.1 36280 443 TLSv1.2 ECDHE-RSA-AES128-GCM-SHA256 4.036 "CN=example.com,O=end entity" NotBefore=2023-09-21T22:43:21Z;NotAfter=2026-06-17T22:43:21Z FEF257372D5C14D4 Success TID_3180a73013c8ca4bac2f731159d4b0fe"#,
            other_log("connection-log"),
        ),
        (
            "connection log, 15 fields and the stray dashes of more",
            r#"2026-10-04T17:05:15.514108Z 192.0.2.1 36280 443 TLSv1.2 ECDHE-RSA-AES128-GCM-SHA256 - "-" - - Failed:ClientCertUntrusted TID_1 x25519 app/my-lb/50dc6c495c0c9188 198.51.100.7 - -"#,
            other_log("connection-log"),
        ),
        (
            "health check log",
            "http 2026-10-31T12:44:58.901409Z 1.121980746 172.31.31.9:80 HCLogsTestIPs FAIL 502 TargetError",
            other_log("health-check-log"),
        ),
        (
            "test object",
            "Enable AccessLog for ELB: app/a/959dfdbaed241613 at 2026-11-20T09:55:52.806Z",
            other_log("test-object"),
        ),
        ("none of them", "hello", Problem::TooFewFields),
    ] {
        check(name, line.as_bytes(), &ExpectedReading::Problem(problem));
    }
}
