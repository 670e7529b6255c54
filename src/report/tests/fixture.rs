//! The report that most tests render, and what else they share.

use std::path::Path;

use crate::aggregate::Summary;
use crate::diagnose::{Context, diagnose};
use crate::pipeline::{Progress, ReadOptions};
use crate::report::{Format, Report, Style};
use crate::source::{self, Selection};

/// A request of the fixture: the fields that differ between lines.
pub(super) struct FixtureRequest {
    /// Seconds after 07:30:00 at which it ended.
    pub(super) at: u32,
    pub(super) target_group: &'static str,
    /// `-` if there was none.
    pub(super) target: &'static str,
    /// The three processing times.
    pub(super) times: &'static str,
    /// `elb_status_code` and `target_status_code`.
    pub(super) statuses: &'static str,
    pub(super) elapsed_millis: u32,
    pub(super) actions: &'static str,
    pub(super) error_reason: &'static str,
}

pub(super) const OK: FixtureRequest = FixtureRequest {
    at: 0,
    target_group: "shop-api",
    target: "10.0.1.15:3000",
    times: "0.000 0.021 0.000",
    statuses: "200 200",
    elapsed_millis: 21,
    actions: "forward",
    error_reason: "-",
};

pub(super) const BAD_TARGET: &str = "10.0.2.27:3000";
pub(super) const SLOW_TARGET: &str = "[2001:db8:1::52]:8080";

impl FixtureRequest {
    pub(super) fn line(&self) -> String {
        let at = |millis: u32| {
            let (seconds, millis) = (millis / 1_000, millis % 1_000);
            format!("2026-11-22T07:{:02}:{:02}.{millis:03}000Z", seconds / 60, seconds % 60)
        };
        // Requests end from 07:30 on, so that one may have begun long before it ended.
        let ended = (30 * 60 + self.at) * 1_000;
        let Self { target_group, target, times, statuses, actions, error_reason, .. } = self;
        let arn = match *target_group {
            "-" => "-".to_owned(),
            name => format!("arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/{name}/73e2d6bc24d8a067"),
        };
        let (time, began) = (at(ended), at(ended - self.elapsed_millis));
        format!(
            "h2 {time} app/shop-prod/50dc6c495c0c9188 192.0.2.10:55123 {target} {times} {statuses} 502 679 \
             \"GET https://shop.example:443/orders/{} HTTP/2.0\" \"curl/8.5.0\" TLS_AES_128_GCM_SHA256 TLSv1.3 {arn} \
             \"Root=1-6921698f-36d228ad5d99923122bbe354\" \"shop.example\" \"session-reused\" 100 {began} \
             \"{actions}\" \"-\" \"{error_reason}\" \"{target}\" \"-\" \"-\" \"-\" TID_1 \"-\" \"-\" \"-\" 10.0.3.99 \
             \"-\" \"-\"\n",
            self.at
        )
    }
}

/// Two target groups and three targets that fail in different ways, a rule that fails, and a group that was empty for
/// a while.
fn lines() -> String {
    let mut requests = Vec::new();
    for at in 0..1_200 {
        requests.push(FixtureRequest { at, ..OK });
    }
    for at in 300..330 {
        requests.push(FixtureRequest {
            at,
            target: BAD_TARGET,
            times: "-1 -1 -1",
            statuses: "502 -",
            elapsed_millis: 1 + at % 3,
            ..OK
        });
    }
    for at in 0..40 {
        requests.push(FixtureRequest { at: at * 30, target: SLOW_TARGET, target_group: "reports", ..OK });
    }
    for at in [400, 460, 461, 523] {
        requests.push(FixtureRequest {
            at,
            target: SLOW_TARGET,
            target_group: "reports",
            times: "0.001 -1 -1",
            statuses: "504 -",
            elapsed_millis: 60_000 + at % 4,
            ..OK
        });
    }
    for at in 600..612 {
        requests.push(FixtureRequest {
            at,
            target_group: "reports",
            target: "-",
            times: "-1 -1 -1",
            statuses: "503 -",
            elapsed_millis: 0,
            ..OK
        });
    }
    for at in [700, 701, 702] {
        requests.push(FixtureRequest {
            at,
            target_group: "-",
            target: "-",
            times: "-1 -1 -1",
            statuses: "561 -",
            elapsed_millis: 5_012,
            actions: "authenticate",
            error_reason: "AuthTokenEpRequestTimeout",
        });
    }
    // Too few for a finding.
    for at in [800, 801] {
        requests.push(FixtureRequest { at, statuses: "500 500", ..OK });
    }
    requests.push(FixtureRequest { at: 900, times: "0.000 -1 -1", statuses: "460 -", elapsed_millis: 2_000, ..OK });
    requests.push(FixtureRequest { at: 901, statuses: "404 404", ..OK });
    requests.sort_by_key(|request| request.at);
    requests.iter().map(FixtureRequest::line).collect()
}

/// The report of a folder with a readable log, unreadable lines, a truncated object, and objects that are left out.
pub(crate) fn report() -> Report {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("it lies in the folder")).expect("a folder");
        std::fs::write(path, bytes).expect("a file");
    };
    let key = |kind: &str, load_balancer: &str, end: &str| {
        format!(
            "AWSLogs/123456789012/elasticloadbalancing/eu-west-1/2026/11/22/{kind}123456789012_elasticloadbalancing_\
             eu-west-1_app.{load_balancer}_{end}_10.0.3.99_5ms5iw47.log.gz"
        )
    };
    write(&key("", "shop-prod.50dc6c495c0c9188", "20261122T0755Z"), lines().as_bytes());
    write(&key("conn_log.", "shop-prod.50dc6c495c0c9188", "20261122T0755Z"), b"");
    write("ELBAccessLogTestFile", b"");
    write("notes.md", b"");
    write("pasted.log", "one\ntwo\nhttp 2026-11-22T07:30:00.000000Z not enough\n".as_bytes());
    write("transfer.log.gz", b"\x1f\x8b\x08\x00\x00\x00\x00\x00");
    let inputs = [source::from_input(folder.path().as_os_str()).expect("it is there")];
    let summary = ReadOptions::new().run(&inputs, &Progress::new()).expect("it is not strict");
    let mut report = Report::new(&summary, &diagnose(&summary, &Context::default()), &Selection::default());
    // The temporary folder has another name each time.
    let shorten = |name: &mut String| {
        let path = Path::new(name).strip_prefix(folder.path()).expect("it lies in the folder");
        *name = Path::new("logs").join(path).to_string_lossy().into_owned();
    };
    report.findings.iter_mut().flat_map(|finding| &mut finding.samples).for_each(|sample| shorten(&mut sample.object));
    report.input.problems.iter_mut().flat_map(|row| &mut row.samples).for_each(|sample| shorten(&mut sample.object));
    report
}

/// What was read of a log with these lines.
pub(super) fn summary_of(log: &str) -> Summary {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), log).expect("it can be written");
    let inputs = [source::from_input(file.path().as_os_str()).expect("it is there")];
    ReadOptions::new().run(&inputs, &Progress::new()).expect("it is not strict")
}

/// The report of a log with these lines.
pub(super) fn report_of(log: &str) -> Report {
    let summary = summary_of(log);
    Report::new(&summary, &diagnose(&summary, &Context::default()), &Selection::default())
}

pub(super) const PLAIN: Style = Style { width: 100, is_coloured: false, is_ascii: false };

pub(super) fn rendered(report: &Report, format: Format, style: Style) -> String {
    let mut out = Vec::new();
    report.render(format, style, &mut out).expect("a Vec takes all");
    String::from_utf8(out).expect("UTF-8")
}
