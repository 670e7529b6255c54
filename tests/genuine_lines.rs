//! Lines that load balancers wrote, checked field by field.
//!
//! The lines are from the user guide, from issues and from posts about incidents. Account ids, addresses
//! and some host names are replaced by reserved ones of the same shape. Parts that an author had masked
//! are replaced by plausible ones.

use std::time::Duration;

use albscope::Timestamp;
use albscope::classify::{Elapsed, Reason, classify};
use albscope::kind::{Alb, alb};
use albscope::record::{Bounds, Record};

/// A line and the values of its fields.
struct GenuineLine {
    name: &'static str,
    line: &'static str,
    fields: usize,
    log_type: &'static str,
    time: &'static str,
    /// The load balancer's status and the target's.
    statuses: (Option<u16>, Option<u16>),
    /// Request, target and response processing time in milliseconds.
    times: [Option<u64>; 3],
    client: (&'static str, u16),
    target: Option<(&'static str, u16)>,
    /// Received and sent.
    bytes: (u64, u64),
    request: (Option<&'static str>, Option<&'static str>, Option<&'static str>),
    target_group: Option<&'static str>,
    /// In microseconds.
    elapsed: Took,
    error_reason: Option<&'static str>,
    reason: Reason,
    outcome: &'static str,
    is_failure: bool,
}

/// [`Elapsed`] in microseconds.
enum Took {
    Exactly(u64),
    /// The trace id is from another year, because the client sent it.
    NobodyKnows,
}

use Took::{Exactly, NobodyKnows};

fn rows() -> Vec<GenuineLine> {
    vec![
        GenuineLine {
            name: "malformed request, 36 fields",
            line: r#"http 2026-09-23T07:17:32.454551Z app/k8s-tileserver-617dd1df30/98e3a879de9d6b42 192.0.2.224:25824 - -1 -1 -1 400 - 0 272 "- http://k8s-tileserver-617dd1df30-606955064.us-east-1.elb.amazonaws.com:80- -" "-" - - - "-" "-" "-" - 2026-09-23T07:17:31.697000Z "-" "-" "-" "-" "-" "-" "-" TID_7d15a1935077a44b91952330c3dc3ed8 "-" "-" "-" 198.51.100.60 "-" "-""#,
            fields: 36,
            log_type: "http",
            time: "2026-09-23T07:17:32.454551Z",
            statuses: (Some(400), None),
            times: [None, None, None],
            client: ("192.0.2.224", 25824),
            target: None,
            bytes: (0, 272),
            request: (None, None, None),
            target_group: None,
            elapsed: Exactly(757_551),
            error_reason: None,
            reason: Reason::None,
            outcome: "malformed-request",
            is_failure: false,
        },
        GenuineLine {
            name: "a pooled connection that the target had closed (client and target were masked, the tail is as of early 2020)",
            line: r#"https 2020-10-20T05:44:56.555810Z app/node/50dc6c495c0c9188 192.0.2.10:55123 10.0.0.1:80 0.000 0.000 -1 502 - 723 679 "GET https://www.example.com:443/api/items HTTP/1.1" "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/86.0.4240.75 Safari/537.36" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/node/73e2d6bc24d8a067 "Root=1-5f8e79d8-36d228ad5d99923122bbe354" "www.example.com" "arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012" 0 2020-10-20T05:44:56.554000Z "forward" "-" "-" "10.0.0.1:80" "-""#,
            fields: 27,
            log_type: "https",
            time: "2020-10-20T05:44:56.555810Z",
            statuses: (Some(502), None),
            times: [Some(0), Some(0), None],
            client: ("192.0.2.10", 55123),
            target: Some(("10.0.0.1", 80)),
            bytes: (723, 679),
            request: (Some("GET"), Some("https://www.example.com:443/api/items"), Some("HTTP/1.1")),
            target_group: Some("targetgroup/node/73e2d6bc24d8a067"),
            elapsed: Exactly(1_810),
            error_reason: None,
            reason: Reason::None,
            outcome: "closed-before-response",
            is_failure: true,
        },
        GenuineLine {
            name: "the same with the fields of autumn 2020",
            line: r#"https 2020-10-20T05:44:56.555810Z app/node/50dc6c495c0c9188 192.0.2.10:55123 10.0.0.1:80 0.000 0.000 -1 502 - 723 679 "GET https://www.example.com:443/api/items HTTP/1.1" "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/86.0.4240.75 Safari/537.36" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/node/73e2d6bc24d8a067 "Root=1-5f8e79d8-36d228ad5d99923122bbe354" "www.example.com" "arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012" 0 2020-10-20T05:44:56.554000Z "forward" "-" "-" "10.0.0.1:80" "-" "-" "-""#,
            fields: 29,
            log_type: "https",
            time: "2020-10-20T05:44:56.555810Z",
            statuses: (Some(502), None),
            times: [Some(0), Some(0), None],
            client: ("192.0.2.10", 55123),
            target: Some(("10.0.0.1", 80)),
            bytes: (723, 679),
            request: (Some("GET"), Some("https://www.example.com:443/api/items"), Some("HTTP/1.1")),
            target_group: Some("targetgroup/node/73e2d6bc24d8a067"),
            elapsed: Exactly(1_810),
            error_reason: None,
            reason: Reason::None,
            outcome: "closed-before-response",
            is_failure: true,
        },
        GenuineLine {
            name: "closed with a request outstanding; quoted up to the trace id, whose second is from another year",
            line: r#"http 2022-04-15T16:52:50.757968Z app/my-loadbalancer/50dc6c495c0c9188 192.168.131.39:2817 10.0.0.1:80 0.001 4.205 -1 502 - 94 326 "GET http://example.com:80 HTTP/1.1" "curl/7.51.0" - - arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/my-targets/73e2d6bc24d8a067 "Root=1-58337262-36d228ad5d99923122bbe354""#,
            fields: 18,
            log_type: "http",
            time: "2022-04-15T16:52:50.757968Z",
            statuses: (Some(502), None),
            times: [Some(1), Some(4_205), None],
            client: ("192.168.131.39", 2817),
            target: Some(("10.0.0.1", 80)),
            bytes: (94, 326),
            request: (Some("GET"), Some("http://example.com:80"), Some("HTTP/1.1")),
            target_group: Some("targetgroup/my-targets/73e2d6bc24d8a067"),
            elapsed: NobodyKnows,
            error_reason: None,
            reason: Reason::None,
            outcome: "closed-before-response",
            is_failure: true,
        },
        GenuineLine {
            name: "Lambda function whose answer was invalid",
            line: r#"http 2020-06-24T12:07:00.348504Z app/JavaLambda-API/99c89968ec3fad28 192.0.2.80:59918 - 0.008 0.042 -1 502 - 3142 293 "GET http://javalambda-api-436633532.us-east-1.elb.amazonaws.com:80/api/fribble HTTP/1.1" "Amazon CloudFront" - - arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/JavaLambda-LambdaTarget/1c1812b9b0d16101 "Root=1-5ef341e4-3be2975029c5ae14d4e86348" "-" "-" 10 2020-06-24T12:07:00.297000Z "forward" "-" "LambdaInvalidResponse" "-" "-""#,
            fields: 27,
            log_type: "http",
            time: "2020-06-24T12:07:00.348504Z",
            statuses: (Some(502), None),
            times: [Some(8), Some(42), None],
            client: ("192.0.2.80", 59918),
            target: None,
            bytes: (3142, 293),
            request: (
                Some("GET"),
                Some("http://javalambda-api-436633532.us-east-1.elb.amazonaws.com:80/api/fribble"),
                Some("HTTP/1.1"),
            ),
            target_group: Some("targetgroup/JavaLambda-LambdaTarget/1c1812b9b0d16101"),
            elapsed: Exactly(51_504),
            error_reason: Some("LambdaInvalidResponse"),
            reason: Reason::Lambda,
            outcome: "lambda-error",
            is_failure: true,
        },
        GenuineLine {
            name: "Lambda function, the user guide's line",
            line: r#"http 2018-11-30T22:23:00.186641Z app/my-loadbalancer/50dc6c495c0c9188 192.168.131.39:2817 - 0.000 0.001 0.000 502 - 34 366 "GET http://www.example.com:80/ HTTP/1.1" "curl/7.46.0" - - arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/my-targets/73e2d6bc24d8a067 "Root=1-58337364-23a8c76965a2ef7629b185e3" "-" "-" 0 2018-11-30T22:22:48.364000Z "forward" "-" "LambdaInvalidResponse" "-" "-" "-" "-" TID_1234abcd5678ef90 "-" "-" "-""#,
            fields: 33,
            log_type: "http",
            time: "2018-11-30T22:23:00.186641Z",
            statuses: (Some(502), None),
            times: [Some(0), Some(1), Some(0)],
            client: ("192.168.131.39", 2817),
            target: None,
            bytes: (34, 366),
            request: (Some("GET"), Some("http://www.example.com:80/"), Some("HTTP/1.1")),
            target_group: Some("targetgroup/my-targets/73e2d6bc24d8a067"),
            elapsed: Exactly(11_822_641),
            error_reason: Some("LambdaInvalidResponse"),
            reason: Reason::Lambda,
            outcome: "lambda-error",
            is_failure: true,
        },
        GenuineLine {
            name: "503 without a target, 30 fields",
            line: r#"http 2025-07-14T19:20:19.723971Z app/falco-plugin-test/2a734d996bad0aea 203.0.113.131:36872 - -1 -1 -1 503 - 141 337 "GET http://198.51.100.199:80/.env HTTP/1.1" "Mozilla/5.0; Keydrop.io/1.0(onlyscans.com/about);" - - arn:aws:elasticloadbalancing:ap-northeast-1:1234567890123:targetgroup/falco-plugin-elb-target/d13385018c2fab37 "Root=1-68755873-3a09c648672bada5548dc5d0" "-" "-" 0 2025-07-14T19:20:19.723000Z "forward" "-" "-" "-" "-" "-" "-" TID_2d650523100657438a47a1b30bdb606d"#,
            fields: 30,
            log_type: "http",
            time: "2025-07-14T19:20:19.723971Z",
            statuses: (Some(503), None),
            times: [None, None, None],
            client: ("203.0.113.131", 36872),
            target: None,
            bytes: (141, 337),
            request: (Some("GET"), Some("http://198.51.100.199:80/.env"), Some("HTTP/1.1")),
            target_group: Some("targetgroup/falco-plugin-elb-target/d13385018c2fab37"),
            elapsed: Exactly(971),
            error_reason: None,
            reason: Reason::None,
            outcome: "no-target",
            is_failure: true,
        },
        GenuineLine {
            name: "503 without a target, 27 fields",
            line: r#"http 2020-06-05T07:27:53.050517Z app/test/71e8c05ca6c6aed2 172.31.46.45:55956 - -1 -1 -1 503 - 120 353 "GET http://internal-test-1309439803.us-east-1.elb.amazonaws.com:80/test HTTP/1.1" "curl/7.58.0" - - arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/test2/5d656dfb418fc377 "Root=1-5ed9f3f9-38a5d3c63d696c3c9a19a95e" "-" "-" 0 2020-06-05T07:27:53.050000Z "forward" "-" "-" "-" "-""#,
            fields: 27,
            log_type: "http",
            time: "2020-06-05T07:27:53.050517Z",
            statuses: (Some(503), None),
            times: [None, None, None],
            client: ("172.31.46.45", 55956),
            target: None,
            bytes: (120, 353),
            request: (
                Some("GET"),
                Some("http://internal-test-1309439803.us-east-1.elb.amazonaws.com:80/test"),
                Some("HTTP/1.1"),
            ),
            target_group: Some("targetgroup/test2/5d656dfb418fc377"),
            elapsed: Exactly(517),
            error_reason: None,
            reason: Reason::None,
            outcome: "no-target",
            is_failure: true,
        },
        GenuineLine {
            name: "503 by a fixed-response rule; a trace id that is no hexadecimal number",
            line: r#"https 2022-11-02T16:16:31.662027Z app/myalb/0123456789012 192.0.2.123:54321 - -1 -1 -1 503 - 199 184 "GET https://10.100.10.100:443/ HTTP/1.1" "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/70.0.3538.77 Safari/537.36" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 - "Root=1-abcdefgh-abcd-efgh-ijkl-0123456789" "*" "arn:aws:acm:ap-northeast-2:1234567890:certificate/abcdefgh-abcd-efgh-ijkl-0123456789" 0 2022-11-02T16:16:31.661000Z "fixed-response" "-" "-" "-" "-" "-" "-""#,
            fields: 29,
            log_type: "https",
            time: "2022-11-02T16:16:31.662027Z",
            statuses: (Some(503), None),
            times: [None, None, None],
            client: ("192.0.2.123", 54321),
            target: None,
            bytes: (199, 184),
            request: (Some("GET"), Some("https://10.100.10.100:443/"), Some("HTTP/1.1")),
            target_group: None,
            elapsed: Exactly(1_027),
            error_reason: None,
            reason: Reason::None,
            outcome: "fixed-response",
            is_failure: false,
        },
        GenuineLine {
            name: "connect timeout, 25 fields",
            line: r#"http 2019-10-11T15:01:50.492440Z app/filebeat-aws-elb-test/c86a326e7dc14222 192.0.2.193:56488 10.0.1.107:80 -1 -1 -1 504 - 125 308 "GET http://filebeat-aws-elb-test-12030537.eu-central-1.elb.amazonaws.com:80/ HTTP/1.1" "curl/7.58.0" - - arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/test-lb-instances/8f04c4fe71f5f794 "Root=1-5da09954-2c342a443bfb96249aa50ed7" "-" "-" 0 2019-10-11T15:01:40.491000Z "forward" "-" "-""#,
            fields: 25,
            log_type: "http",
            time: "2019-10-11T15:01:50.492440Z",
            statuses: (Some(504), None),
            times: [None, None, None],
            client: ("192.0.2.193", 56488),
            target: Some(("10.0.1.107", 80)),
            bytes: (125, 308),
            request: (
                Some("GET"),
                Some("http://filebeat-aws-elb-test-12030537.eu-central-1.elb.amazonaws.com:80/"),
                Some("HTTP/1.1"),
            ),
            target_group: Some("targetgroup/test-lb-instances/8f04c4fe71f5f794"),
            elapsed: Exactly(10_001_440),
            error_reason: None,
            reason: Reason::None,
            outcome: "connect-timeout",
            is_failure: true,
        },
        GenuineLine {
            name: "connect timeout of an HTTP/2 client (ids masked by the author), 29 fields",
            line: r#"h2 2023-03-08T12:05:52.352228Z app/xxxxxx/xxxxxx 198.51.100.12:12653 10.0.8.248:31130 -1 -1 -1 504 - 49 202 "GET https://argocd-pj-1-sample-1.dev.example.com:443/ HTTP/2.0" "curl/7.86.0" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:aws:elasticloadbalancing:ap-northeast-1:xxxxxx:targetgroup/k8s-contoure-contoure-347a67d9c6/f138b1630cf46114 "Root=1-64087a16-1b7f18347fcdb5bd1573907d" "argocd-pj-1-sample-1.dev.example.com" "arn:aws:acm:ap-northeast-1:xxxxxx:certificate/xxxxxx" 2 2023-03-08T12:05:42.351000Z "forward" "-" "-" "10.0.8.248:31130" "-" "-" "-""#,
            fields: 29,
            log_type: "h2",
            time: "2023-03-08T12:05:52.352228Z",
            statuses: (Some(504), None),
            times: [None, None, None],
            client: ("198.51.100.12", 12653),
            target: Some(("10.0.8.248", 31130)),
            bytes: (49, 202),
            request: (Some("GET"), Some("https://argocd-pj-1-sample-1.dev.example.com:443/"), Some("HTTP/2.0")),
            target_group: Some("targetgroup/k8s-contoure-contoure-347a67d9c6/f138b1630cf46114"),
            elapsed: Exactly(10_001_228),
            error_reason: None,
            reason: Reason::None,
            outcome: "connect-timeout",
            is_failure: true,
        },
        GenuineLine {
            name: "client gave up while the load balancer still connected",
            line: r#"http 2019-10-11T15:01:12.376735Z app/filebeat-aws-elb-test/c86a326e7dc14222 192.0.2.193:56398 10.0.0.192:80 -1 -1 -1 460 - 125 0 "GET http://filebeat-aws-elb-test-12030537.eu-central-1.elb.amazonaws.com:80/ HTTP/1.1" "curl/7.58.0" - - arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/test-lb-instances/8f04c4fe71f5f794 "Root=1-5da09932-2c342a443bfb96249aa50ed7" "-" "-" 0 2019-10-11T15:01:06.657000Z "forward" "-" "-""#,
            fields: 25,
            log_type: "http",
            time: "2019-10-11T15:01:12.376735Z",
            statuses: (Some(460), None),
            times: [None, None, None],
            client: ("192.0.2.193", 56398),
            target: Some(("10.0.0.192", 80)),
            bytes: (125, 0),
            request: (
                Some("GET"),
                Some("http://filebeat-aws-elb-test-12030537.eu-central-1.elb.amazonaws.com:80/"),
                Some("HTTP/1.1"),
            ),
            target_group: Some("targetgroup/test-lb-instances/8f04c4fe71f5f794"),
            elapsed: Exactly(5_719_735),
            error_reason: None,
            reason: Reason::None,
            outcome: "client-closed-before-dispatch",
            is_failure: true,
        },
        GenuineLine {
            name: "redirect, 25 fields (known as a list of fields; its text is filled in)",
            line: r#"https 2019-08-20T17:21:03.644841Z app/prod-app-alb/a629c75c7a17ea1b 192.0.2.83:55908 - -1 -1 -1 302 - 1141 210 "GET https://www.example.com:443/ HTTP/1.1" "Amazon CloudFront" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 - "Root=1-5d5c2bff-2c342a443bfb96249aa50ed7" "www.example.com" "session-reused" 41 2019-08-20T17:21:03.644000Z "redirect" "https://www.example.com:443/en-ca/" "-""#,
            fields: 25,
            log_type: "https",
            time: "2019-08-20T17:21:03.644841Z",
            statuses: (Some(302), None),
            times: [None, None, None],
            client: ("192.0.2.83", 55908),
            target: None,
            bytes: (1141, 210),
            request: (Some("GET"), Some("https://www.example.com:443/"), Some("HTTP/1.1")),
            target_group: None,
            elapsed: Exactly(841),
            error_reason: None,
            reason: Reason::None,
            outcome: "redirect",
            is_failure: false,
        },
        GenuineLine {
            name: "an answer to an IPv6 client; the target list names another address than the target field, as logged",
            line: r#"h2 2023-09-10T23:55:00.361692Z app/I8YR24BIAN4K/6378464905b0814a 2001:db8:4538:1:bcf4:5264:e01c:f215:50718 10.0.0.0:80 0.000 0.003 0.000 401 401 29 805 "GET https://api.foo.bar.example:443/api/v1/alerts/me/outstanding HTTP/2.0" "3.20.0 (Build/1900005469; Android 33; samsung; SM-G781B) okhttp/4.11.0" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:aws:elasticloadbalancing:eu-west-1:xxx:targetgroup/ApiTa/4adf8897d8a3b7af "Root=1-64fe5754-33ecd7461b3736944677bb97" "api.foo.bar.example" "session-reused" 11 2023-09-10T23:55:00.358000Z "forward" "-" "-" "10.0.100.2:80" "401" "-" "-""#,
            fields: 29,
            log_type: "h2",
            time: "2023-09-10T23:55:00.361692Z",
            statuses: (Some(401), Some(401)),
            times: [Some(0), Some(3), Some(0)],
            client: ("2001:db8:4538:1:bcf4:5264:e01c:f215", 50718),
            target: Some(("10.0.0.0", 80)),
            bytes: (29, 805),
            request: (
                Some("GET"),
                Some("https://api.foo.bar.example:443/api/v1/alerts/me/outstanding"),
                Some("HTTP/2.0"),
            ),
            target_group: Some("targetgroup/ApiTa/4adf8897d8a3b7af"),
            elapsed: Exactly(3_692),
            error_reason: None,
            reason: Reason::None,
            outcome: "target-client-error",
            is_failure: false,
        },
    ]
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("genuine lines are text")
}

#[test]
fn every_field_of_a_genuine_line_is_read() {
    for row in rows() {
        let name = row.name;
        let mut bounds = Bounds::default();
        let record: Record<'_, Alb> =
            Record::parse(row.line.as_bytes(), &mut bounds).unwrap_or_else(|problem| panic!("{name}: {problem:?}"));
        assert_eq!(record.len(), row.fields, "{name}: fields");
        assert_eq!(record.unknown_tail(), b"", "{name}: unknown tail");
        assert_eq!(record.bytes(alb::TYPE).map(text), Some(row.log_type), "{name}: type");
        assert_eq!(record.time(), Ok(Timestamp::parse(row.time.as_bytes())), "{name}: time");
        assert_eq!(
            (record.elb_status_code(), record.target_status_code()),
            (Ok(row.statuses.0), Ok(row.statuses.1)),
            "{name}"
        );
        let times =
            [record.request_processing_time(), record.target_processing_time(), record.response_processing_time()];
        assert_eq!(times, row.times.map(|millis| Ok(millis.map(Duration::from_millis))), "{name}: times");
        let client = record.client().expect("every genuine line has a client");
        assert_eq!((text(client.address), client.port), (row.client.0, Some(row.client.1)), "{name}: client");
        let target = record.target().map(|target| (text(target.address), target.port));
        assert_eq!(target, row.target.map(|(address, port)| (address, Some(port))), "{name}: target");
        let bytes = (record.received_bytes(), record.sent_bytes());
        assert_eq!(bytes, (Ok(Some(row.bytes.0)), Ok(Some(row.bytes.1))), "{name}: bytes");
        let request = record.request_line();
        let request = (request.method.map(text), request.url.map(text), request.version.map(text));
        assert_eq!(request, row.request, "{name}: request");
        let target_group = record.value(alb::TARGET_GROUP_ARN).map(text);
        assert_eq!(target_group.and_then(|arn| arn.rsplit(':').next()), row.target_group, "{name}: target group");
        let elapsed = match row.elapsed {
            Exactly(micros) => Elapsed::Exact(Duration::from_micros(micros)),
            NobodyKnows => Elapsed::Unknown,
        };
        assert_eq!(record.elapsed(), Ok(elapsed), "{name}: elapsed");
        assert_eq!(record.value(alb::ERROR_REASON).map(text), row.error_reason, "{name}: error reason");
    }
}

#[test]
fn every_genuine_line_has_its_outcome() {
    for row in rows() {
        let name = row.name;
        let mut bounds = Bounds::default();
        let record: Record<'_, Alb> =
            Record::parse(row.line.as_bytes(), &mut bounds).expect("read, as the test above says");
        let exchange = record.exchange().unwrap_or_else(|problem| panic!("{name}: {problem:?}"));
        assert_eq!(exchange.reason, row.reason, "{name}: reason");
        assert_eq!(exchange.method.map(text), row.request.0, "{name}: method");
        assert_eq!(exchange.path.is_some(), row.request.1.is_some(), "{name}: path");
        assert!(!exchange.is_severe && !exchange.has_stream_reset && !exchange.is_web_socket, "{name}");
        let outcome = classify(&exchange);
        assert_eq!((outcome.id(), outcome.is_failure()), (row.outcome, row.is_failure), "{name}: outcome");
    }
}

/// For the longest line and for some of other ages: the number of a field and its value.
#[test]
fn the_fields_after_the_request_are_in_their_columns() {
    type Values = &'static [(usize, Option<&'static str>)];
    let expected: [(&str, Values); 4] = [
        (
            "malformed request, 36 fields",
            &[
                (alb::USER_AGENT, None),
                (alb::SSL_CIPHER, None),
                (alb::MATCHED_RULE_PRIORITY, None),
                (alb::REQUEST_CREATION_TIME, Some("2026-09-23T07:17:31.697000Z")),
                (alb::ACTIONS_EXECUTED, None),
                (alb::CONN_TRACE_ID, Some("TID_7d15a1935077a44b91952330c3dc3ed8")),
                (alb::REQUEST_TRANSFORM_STATUS, None),
                (alb::IP_ADDRESS, Some("198.51.100.60")),
                (alb::ELB_ERROR_CODE, None),
            ],
        ),
        (
            "503 without a target, 30 fields",
            &[
                (alb::USER_AGENT, Some("Mozilla/5.0; Keydrop.io/1.0(onlyscans.com/about);")),
                (alb::TRACE_ID, Some("Root=1-68755873-3a09c648672bada5548dc5d0")),
                (alb::MATCHED_RULE_PRIORITY, Some("0")),
                (alb::ACTIONS_EXECUTED, Some("forward")),
                (alb::CONN_TRACE_ID, Some("TID_2d650523100657438a47a1b30bdb606d")),
                (alb::TRANSFORMED_HOST, None),
            ],
        ),
        (
            "redirect, 25 fields (known as a list of fields; its text is filled in)",
            &[
                (alb::SSL_PROTOCOL, Some("TLSv1.2")),
                (alb::DOMAIN_NAME, Some("www.example.com")),
                (alb::CHOSEN_CERT_ARN, Some("session-reused")),
                (alb::MATCHED_RULE_PRIORITY, Some("41")),
                (alb::ACTIONS_EXECUTED, Some("redirect")),
                (alb::REDIRECT_URL, Some("https://www.example.com:443/en-ca/")),
                (alb::TARGET_PORT_LIST, None),
            ],
        ),
        (
            "an answer to an IPv6 client; the target list names another address than the target field, as logged",
            &[
                (alb::SSL_CIPHER, Some("ECDHE-RSA-AES128-GCM-SHA256")),
                (alb::DOMAIN_NAME, Some("api.foo.bar.example")),
                (alb::MATCHED_RULE_PRIORITY, Some("11")),
                (alb::TARGET_PORT_LIST, Some("10.0.100.2:80")),
                (alb::TARGET_STATUS_CODE_LIST, Some("401")),
                (alb::CLASSIFICATION_REASON, None),
                (alb::CONN_TRACE_ID, None),
            ],
        ),
    ];
    let rows = rows();
    for (name, fields) in expected {
        let row = rows.iter().find(|row| row.name == name).expect("a row of that name");
        let mut bounds = Bounds::default();
        let record: Record<'_, Alb> = Record::parse(row.line.as_bytes(), &mut bounds).expect("a genuine line");
        for &(field, value) in fields {
            assert_eq!(record.value(field).map(text), value, "{name}: field {field}");
        }
    }
}
