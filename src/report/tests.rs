//! One report in every format. Review a changed snapshot as you would review a changed page.

use std::path::Path;

use super::*;
use crate::diagnose::{Confidence, Context, diagnose};
use crate::pipeline::{Progress, ReadOptions};
use crate::source::{self, Selection};
use crate::timestamp::Timestamp;

/// A request of the fixture: the fields that differ between lines.
struct FixtureRequest {
    /// Seconds after 07:30:00 at which it ended.
    at: u32,
    target_group: &'static str,
    /// `-` if there was none.
    target: &'static str,
    /// The three processing times.
    times: &'static str,
    /// `elb_status_code` and `target_status_code`.
    statuses: &'static str,
    elapsed_millis: u32,
    actions: &'static str,
    error_reason: &'static str,
}

const OK: FixtureRequest = FixtureRequest {
    at: 0,
    target_group: "shop-api",
    target: "10.0.1.15:3000",
    times: "0.000 0.021 0.000",
    statuses: "200 200",
    elapsed_millis: 21,
    actions: "forward",
    error_reason: "-",
};

const BAD_TARGET: &str = "10.0.2.27:3000";
const SLOW_TARGET: &str = "[2001:db8:1::52]:8080";

impl FixtureRequest {
    fn line(&self) -> String {
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

fn rendered(format: Format, style: Style) -> String {
    let mut out = Vec::new();
    report().render(format, style, &mut out).expect("a Vec takes all");
    String::from_utf8(out).expect("UTF-8")
}

fn text(width: usize) -> String {
    rendered(Format::Text, Style { width, is_coloured: false, is_ascii: false })
}

const PLAIN: Style = Style { width: 100, is_coloured: false, is_ascii: false };

#[test]
fn a_cause_gathers_its_findings_and_counts_a_target_once() {
    let mut report = report();
    assert!(report.causes().iter().all(|row| row.findings.len() == 1));
    let first = report.findings[0].clone();
    let at = |text: &str| Timestamp::parse(text.as_bytes());
    let alike = |target: &str, confidence, failures| {
        let mut row = FindingRow { confidence, failures, ..first.clone() };
        row.scope.target = Some(target.to_owned());
        row
    };
    let mut earlier = alike("10.0.9.9:80", Confidence::Low, 5);
    earlier.first_seen = at("2026-11-22T07:30:00Z");
    report.findings = vec![
        FindingRow { cause: "connect-timeout", failures: 50, ..first.clone() },
        alike("10.0.9.8:80", Confidence::Low, 40),
        earlier,
        alike("10.0.9.8:80", Confidence::High, 9),
    ];
    let causes = report.causes();
    let cause = first.cause;
    assert_eq!(
        causes.iter().map(CauseRow::line).collect::<Vec<_>>(),
        [
            format!("{cause} (high) at 2 targets, 54 failures, 3 findings"),
            format!("connect-timeout ({}) at target {BAD_TARGET}, 50 failures, finding 1", first.confidence.id()),
        ]
    );
    assert_eq!(causes[0].findings, [1, 2, 3]);
    assert_eq!(causes[0].seen, Window { start: at("2026-11-22T07:30:00Z"), end: first.last_seen });
    report.findings[1].scope.target = None;
    assert!(report.causes()[0].line().contains(" at 3 scopes, "));
}

#[test]
fn requests_that_are_not_drawn_are_counted_beside_the_picture() {
    let shown = |report: &Report, format| {
        let mut out = Vec::new();
        report.render(format, PLAIN, &mut out).expect("a Vec takes all");
        String::from_utf8(out).expect("UTF-8")
    };
    let mut report = report();
    assert!(!shown(&report, Format::Text).contains("Not drawn"));
    let timing = &mut report.pictures.timings[0];
    timing.requests += 20;
    timing.web_sockets += 20;
    for format in [Format::Text, Format::Html] {
        assert!(shown(&report, format).contains("Not drawn: 20 WebSocket connections."), "{format:?}");
    }
}

#[test]
fn text_fits_80_columns() {
    insta::assert_snapshot!(text(80));
}

#[test]
fn text_has_more_columns_at_120() {
    insta::assert_snapshot!(text(120));
}

#[test]
fn text_has_all_columns_at_200_and_prose_stays_narrow() {
    insta::assert_snapshot!(text(200));
}

#[test]
fn colour_adds_nothing_but_escape_sequences() {
    let coloured = rendered(Format::Text, Style { width: 100, is_coloured: true, is_ascii: false });
    let mut plain = String::new();
    let mut rest = coloured.as_str();
    while let Some((before, sequence)) = rest.split_once('\u{1b}') {
        plain.push_str(before);
        rest = sequence.split_once('m').expect("a sequence that sets colours").1;
    }
    plain.push_str(rest);
    assert_eq!(plain, text(100));
    insta::assert_snapshot!(coloured.replace('\u{1b}', "␛"));
}

#[test]
fn pictures_in_ascii_need_no_other_characters() {
    let mut report = report();
    let long = finding::TargetFailures { target: "a".repeat(70), failures: 3 };
    let finding = &mut report.findings[0];
    (finding.scope.target, finding.by_target) = (None, vec![long]);
    let mut out = Vec::new();
    report.render(Format::Text, Style { is_ascii: true, ..PLAIN }, &mut out).expect("a Vec takes all");
    let page = String::from_utf8(out).expect("UTF-8");
    // The rest of the page is ASCII too: cuts are marked by three dots.
    assert!(page.contains(&format!("targets {}... (3)", "a".repeat(57))), "{page}");
    let other: Vec<&str> = page.lines().filter(|line| !line.is_ascii()).collect();
    assert!(other.is_empty() && page.contains("..."), "{other:?}");
    let (_, picture) = page.split_once("\nTiming").expect("the picture");
    let (picture, _) = picture.split_once("\n\n").expect("its end");
    assert!(picture.lines().count() > 20 && picture.is_ascii(), "{picture}");
    insta::assert_snapshot!(picture);
}

#[test]
fn a_race_shows_its_gaps() {
    let log = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/causes/keep-alive-race/hits.log");
    let inputs = [source::from_input(log.as_os_str()).expect("it is there")];
    let summary = ReadOptions::new().run(&inputs, &Progress::new()).expect("it is not strict");
    let report = Report::new(&summary, &diagnose(&summary, &Context::default()), &Selection::default());
    for width in [60, 80, 200] {
        let mut out = Vec::new();
        report.render(Format::Text, Style { width, ..PLAIN }, &mut out).expect("a Vec takes all");
        let page = String::from_utf8(out).expect("UTF-8");
        let lines: Vec<&str> =
            page.lines().skip_while(|line| !line.starts_with("    gaps    failed ")).take(3).collect();
        let [failed, answered, times] = lines[..] else { panic!("no gaps: {page}") };
        let column = |line: &str, what| line.chars().position(|character| character == what).expect("it is there");
        assert!(answered.starts_with("            answered ") && !answered.contains('█'), "{answered}");
        // The highest bar is above the name of the timeout.
        let named = times[..times.find(" s keep-alive").expect("it is there")].rfind(' ').expect("a time") + 1;
        assert!(column(failed, '█').abs_diff(named) <= 1, "{failed} {times}");
    }
}

#[test]
fn markdown_reads_as_a_page() {
    insta::assert_snapshot!(rendered(Format::Markdown, PLAIN));
}

#[test]
fn json_has_a_stable_form() {
    let mut value: serde_json::Value = serde_json::from_str(&rendered(Format::Json, PLAIN)).expect("JSON");
    let mut take = |key: &str| value.as_object_mut().expect("an object").remove(key).expect("it is there");
    assert_eq!(take("timing")["load_balancers"][0]["load_balancer"], "app/shop-prod/50dc6c495c0c9188");
    let mut pictures = take("pictures");
    // One row of each kind shows the form.
    pictures["elapsed_bins"].as_array_mut().expect("an array").truncate(3);
    let timings = pictures["timings"].as_array_mut().expect("an array");
    timings.retain(|timing| timing["target"] == BAD_TARGET);
    for rows in ["density", "failed", "failures_over_time"] {
        timings[0][rows].as_array_mut().expect("an array").truncate(1);
    }
    insta::assert_snapshot!("json_has_what_pictures_draw", pictures);
    insta::assert_snapshot!(serde_json::to_string_pretty(&value).expect("JSON"));
}

#[test]
fn pictures_hold_the_numbers_of_the_tables() {
    let report = report();
    let pictures = &report.pictures;
    assert_eq!((pictures.time_bin_seconds, pictures.time_bins), (60, 20));
    let sum = |over_time: &[(usize, u64)]| over_time.iter().map(|(_, failures)| failures).sum::<u64>();
    for finding in &report.findings {
        assert_eq!(sum(&finding.failures_over_time), finding.failures, "{}", finding.cause);
    }
    assert_eq!(sum(&pictures.unexplained), report.unexplained_failures);
    for target in &report.targets {
        assert_eq!(sum(&target.failures_over_time), target.failures, "{}", target.target);
    }
    let whole = &pictures.timings[0];
    assert_eq!(whole.load_balancer.as_deref(), Some("app/shop-prod/50dc6c495c0c9188"), "there is one only");
    assert_eq!((whole.requests, whole.failures), (report.requests, report.failures));
    let scopes: Vec<(bool, bool)> =
        pictures.timings.iter().map(|timing| (timing.target_group.is_some(), timing.target.is_some())).collect();
    assert_eq!(scopes, [(false, false), (true, false), (true, false), (true, true), (true, true), (true, true)]);
    for timing in &pictures.timings {
        let drawn: u64 = timing.density.iter().flat_map(|(.., requests)| requests).sum();
        assert_eq!((drawn, timing.idle_timeout.measured), (timing.requests, timing.requests));
        let failed: u64 = timing.failed.iter().map(|(.., requests)| requests).sum();
        assert_eq!((failed, sum(&timing.failures_over_time)), (timing.failures, timing.failures));
        for &(time, elapsed, ..) in &timing.failed {
            assert!(time < pictures.time_bins && elapsed < pictures.elapsed_bins.len());
        }
    }
    assert_eq!((whole.idle_timeout.met, whole.idle_timeout.near), (4, 0));
    assert_eq!(pictures.marks.iter().map(|mark| mark.seconds).collect::<Vec<_>>(), [60.0, 10.0]);
}

#[test]
fn shorter_idle_timeouts_are_counted_from_the_answers_they_would_have_cut_off() {
    let times = [(20, "0.000 12.000 0.000"), (31, "0.000 31.000 0.000"), (58, "0.000 52.000 6.000")];
    let mut log: String = (0..100).map(|at| FixtureRequest { at, ..OK }.line()).collect();
    for (seconds, times) in times {
        log.push_str(&FixtureRequest { times, elapsed_millis: seconds * 1_000, ..OK }.line());
    }
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), log).expect("it can be written");
    let inputs = [source::from_input(file.path().as_os_str()).expect("it is there")];
    let summary = ReadOptions::new().run(&inputs, &Progress::new()).expect("it is not strict");
    let against = |idle_timeout: Option<u64>| {
        let diagnosis =
            diagnose(&summary, &Context::default().with_idle_timeout(idle_timeout.map(std::time::Duration::from_secs)));
        let report = Report::new(&summary, &diagnosis, &Selection::default());
        let against = report.pictures.timings[0].idle_timeout.clone();
        (against.near, against.what_if.iter().map(|row| (row.seconds, row.cut_off)).collect::<Vec<_>>())
    };
    assert_eq!(against(None), (1, vec![(15, 2), (20, 2), (30, 2), (45, 1)]));
    assert_eq!(against(Some(5)), (0, vec![(1, 3), (2, 3)]));
}

#[test]
fn days_are_drawn_in_no_more_bins_than_minutes() {
    let days: String =
        (0..28_u32).map(|day| OK.line().replace("2026-11-22T", &format!("2026-11-{:02}T", day + 1))).collect();
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), days).expect("it can be written");
    let inputs = [source::from_input(file.path().as_os_str()).expect("it is there")];
    let summary = ReadOptions::new().run(&inputs, &Progress::new()).expect("it is not strict");
    let pictures = Report::new(&summary, &diagnose(&summary, &Context::default()), &Selection::default()).pictures;
    assert_eq!((pictures.time_bin_seconds, pictures.time_bins), (30_720, 77));
    assert_eq!(pictures.timings[0].density.len(), 28);
    assert_eq!(pictures.timings[0].density.last().map(|(time, ..)| *time), Some(76));
}

#[test]
fn failures_by_cause_add_up_to_all_failures() {
    let report = report();
    let causes = report.failures_by_cause();
    assert_eq!(causes.iter().map(|row| row.failures).sum::<u64>(), report.failures);
    let ids: Vec<_> = causes.iter().map(|row| (row.cause, row.failures)).collect();
    let expected = [
        (Some("connection-refused"), 30),
        (Some("no-registered-targets"), 12),
        (Some("idle-timeout-exceeded"), 4),
        (Some("identity-provider-error"), 3),
        (None, 3),
    ];
    assert_eq!(ids, expected);
    for CauseOverTime { failures, failures_over_time, .. } in causes {
        assert_eq!(failures_over_time.iter().map(|(_, failures)| failures).sum::<u64>(), failures);
        assert!(failures_over_time.is_sorted_by_key(|(bin, _)| *bin));
    }
}

#[test]
fn clients_are_named_by_their_failures_at_all_targets() {
    let mut log = String::new();
    for at in 0..30 {
        let failed = FixtureRequest { at, times: "0.001 -1 -1", statuses: "502 -", ..OK };
        let client = if at % 3 == 0 { "198.51.100.7" } else { "192.0.2.10" };
        for target in [BAD_TARGET, SLOW_TARGET] {
            log.push_str(&FixtureRequest { target, ..failed }.line().replace("192.0.2.10", client));
        }
        // A client without failures is not listed.
        log.push_str(
            &FixtureRequest { at, ..OK }.line().replace("192.0.2.10", "203.0.113.1").replace("curl/8.5.0", "ok"),
        );
    }
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), log).expect("it can be written");
    let inputs = [source::from_input(file.path().as_os_str()).expect("it is there")];
    let summary = ReadOptions::new().run(&inputs, &Progress::new()).expect("it is not strict");
    let report = Report::new(&summary, &diagnose(&summary, &Context::default()), &Selection::default());
    let rows = |rows: &[CallerRow]| -> Vec<_> { rows.iter().map(|row| (row.name.clone(), row.failures)).collect() };
    assert_eq!(rows(&report.clients), [("192.0.2.10".to_owned(), 40), ("198.51.100.7".to_owned(), 20)]);
    assert_eq!(rows(&report.user_agents), [("curl/8.5.0".to_owned(), 60)]);
}

#[test]
fn the_command_of_a_report_can_be_pasted_into_a_shell() {
    let report = report().made_by(["albscope", "analyze", "my logs", "--target", "$(reboot)"]);
    assert_eq!(report.command.as_deref(), Some("albscope analyze 'my logs' --target '$(reboot)'"));
}

/// Whether a line is there to be copied, and so never wrapped: the location of a sample, or a command.
fn is_copied(line: &str) -> bool {
    ["    sample  ", "            aws ", "            curl "].iter().any(|start| line.starts_with(start))
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    use unicode_width::UnicodeWidthStr;
    for width in 60..=240 {
        for line in text(width).lines().filter(|line| !is_copied(line)) {
            assert!(line.width() <= width, "{} columns of {width}: {line}", line.width());
        }
    }
}

#[test]
fn advice_that_several_findings_share_is_given_once() {
    let mut report = report();
    // A check of the target itself, which is another one for each target.
    let of_target = |target: &str| CheckRow {
        question: "does it answer from within the VPC?",
        command: format!("curl -sv --max-time 5 http://{target}/"),
    };
    report.findings[0].checks[2] = of_target("10.0.2.27:3000");
    let first = report.findings[0].clone();
    assert_eq!((first.cause, first.checks.len()), ("connection-refused", 3));
    let like = |target: &str| {
        let scope = ScopeRow { target: Some(target.to_owned()), ..first.scope.clone() };
        FindingRow { scope, ..first.clone() }
    };
    let (mut second, third) = (like("10.0.2.28:3000"), like("10.0.2.29:3000"));
    second.checks[2] = of_target("10.0.2.28:3000");
    report.findings.splice(1..1, [second.clone(), third]);
    let render = |format| {
        let mut out = Vec::new();
        report.render(format, PLAIN, &mut out).expect("a Vec takes all");
        String::from_utf8(out).expect("UTF-8")
    };
    let (text, markdown) = (render(Format::Text), render(Format::Markdown));
    for (command, times) in [(&first.checks[0], 1), (&first.checks[2], 1), (&second.checks[2], 1)] {
        for page in [&text, &markdown] {
            assert_eq!(page.matches(&command.command).count(), times, "{}: {page}", command.command);
        }
    }
    assert_eq!(text.matches("    fix     same as finding 1\n").count(), 2, "{text}");
    assert!(text.contains("    verify  same as finding 1, and:\n            does it answer"), "{text}");
    assert!(text.contains("    verify  same as finding 1\n"), "{text}");
    assert_eq!(markdown.matches("- **fix**: same as finding 1\n").count(), 2, "{markdown}");
    assert!(markdown.contains("- **verify**: same as finding 1, and: does it answer"), "{markdown}");
    assert!(markdown.contains("- **verify**: same as finding 1\n"), "{markdown}");
}

#[test]
fn settings_follow_the_fix_and_can_be_copied() {
    let mut report = report();
    let server = "a server";
    report.findings[0].settings = vec![SettingRow { server, setting: "keep_alive = 75", is_default: true }; 2];
    report.findings[0].estimates.keep_alive_seconds = Some(5.0);
    report.idle_timeout.seconds = 120.0;
    let render = |format| {
        let mut out = Vec::new();
        report.render(format, PLAIN, &mut out).expect("a Vec takes all");
        String::from_utf8(out).expect("UTF-8")
    };
    let text = render(Format::Text);
    assert!(text.contains("    config  a server: keep_alive = 75\n            a server: keep_alive = 75\n"), "{text}");
    // The setting is too short for such an idle timeout.
    assert!(text.contains("            (or other software that closes idle connections after that time; "), "{text}");
    assert!(text.contains("idle timeout of 60 s, but it is 120 s: raise them to match)\n"), "{text}");
    assert!(render(Format::Markdown).contains("  - a server: `keep_alive = 75`\n"));
    assert!(
        render(Format::Json)
            .contains(r#""settings":[{"server":"a server","setting":"keep_alive = 75","is_default":true}"#)
    );
}

/// A route's name is untrusted text. It is in the evidence if the failures are of one route.
#[test]
fn evidence_that_names_a_route_is_harmless_in_every_form() {
    let mut log = String::new();
    for at in 0..400 {
        let line = FixtureRequest { at, ..OK }.line();
        log.push_str(&line.replace(&format!("/orders/{at}"), "/list"));
        let bad = FixtureRequest { at, times: "0.001 0.030 -1", statuses: "502 -", elapsed_millis: 31, ..OK }.line();
        log.push_str(&bad.replace(&format!("/orders/{at}"), "/<b>\u{1b}[2J\u{202e}|`evil`"));
    }
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), log).expect("it can be written");
    let inputs = [source::from_input(file.path().as_os_str()).expect("it is there")];
    let summary = ReadOptions::new().run(&inputs, &Progress::new()).expect("it is not strict");
    let diagnosis = diagnose(&summary, &Context::default());
    assert_eq!(diagnosis.findings[0].cause.id, "malformed-response");
    assert!(diagnosis.findings[0].evidence.iter().any(|evidence| evidence.text.contains("\u{1b}[2J")), "it is there");
    let mut report = Report::new(&summary, &diagnosis, &Selection::default());
    // The samples have the same text, but this test is about the evidence.
    report.findings.iter_mut().for_each(|finding| finding.samples.clear());
    for format in [Format::Text, Format::Markdown, Format::Json, Format::Html] {
        let mut out = Vec::new();
        report.render(format, PLAIN, &mut out).expect("a Vec takes all");
        let page = String::from_utf8(out).expect("UTF-8");
        assert!(page.contains("evil"), "{page}");
        assert!(!page.contains('\u{1b}'), "{page}");
        // Not checked for JSON, which is for programs; it has the character as an escape.
        assert!(!page.contains('\u{202e}'), "{page}");
        assert!(!matches!(format, Format::Markdown | Format::Html) || !page.contains("/<b>"), "{page}");
    }
}

/// The page without its script, its style and its data.
fn without_scripts(page: &str) -> String {
    let mut rest = page;
    let mut text = String::new();
    for (start, end) in
        [("<style>", "</style>"), ("<script type=\"application/json\"", "</script>"), ("<script>", "</script>")]
    {
        let (before, within) = rest.split_once(start).expect("it begins");
        text.push_str(before);
        rest = within.split_once(end).expect("it ends").1;
    }
    // Undoes the escapes of the template.
    (text + rest)
        .replace("&#39;", "'")
        .replace("&#34;", "\"")
        .replace("&#60;", "<")
        .replace("&#62;", ">")
        .replace("&#38;", "&")
}

#[test]
fn the_page_shows_everything_important_without_scripts() {
    let report = report().made_by(["albscope", "analyze", "logs"]);
    let page = without_scripts(&html(&report));
    for finding in &report.findings {
        let evidence = finding.evidence.iter().map(|row| row.0.text.clone());
        let commands = finding.checks.iter().map(|check| check.command.clone());
        let texts = [finding.cause, finding.title, finding.fix, finding.confidence.id()].map(str::to_owned);
        let samples = finding.samples.iter().take(3).map(|sample| sample.text.clone());
        for text in texts.into_iter().chain(evidence).chain(commands).chain(samples).chain(phrases::when(finding)) {
            assert!(page.contains(&text), "{text} is not in {page}");
        }
    }
    for target in &report.targets {
        assert!(page.contains(&format!(">{}</td>", target.target)), "{}", target.target);
        assert!(page.contains(&format!(">{}</td>", numbers::count(target.requests))), "{}", target.target);
    }
    for route in &report.routes {
        assert!(page.contains(&route.route), "{}", route.route);
    }
    for &(outcome, requests) in &report.outcomes.0 {
        assert!(page.contains(outcome.title()) && page.contains(&numbers::count(requests)), "{}", outcome.id());
    }
    for problem in &report.input.problems {
        assert!(page.contains(problem.title) && page.contains(&problem.samples[0].object), "{}", problem.title);
    }
    for text in [
        "52 of 1,293 requests failed (4.0 %)",
        "albscope analyze logs",
        "192.0.2.10",
        "curl/8.5.0",
        "idle timeout 60 s",
    ] {
        assert!(page.contains(text), "{text} is not in {page}");
    }
}

fn html(report: &Report) -> String {
    let mut out = Vec::new();
    report.render(Format::Html, PLAIN, &mut out).expect("a Vec takes all");
    String::from_utf8(out).expect("UTF-8")
}

/// Days of a bucket are not listed, and objects come from the cache, only in S3.
#[test]
fn every_form_says_what_was_left_out_and_what_came_from_the_cache() {
    let mut report = report();
    report.input.folders_skipped.insert("outside-window", 17);
    report.input.from_cache = Some(Cached { objects: 13, bytes: 2_000_000 });
    let of_format = |format| {
        let mut out = Vec::new();
        report.render(format, PLAIN, &mut out).expect("a Vec takes all");
        String::from_utf8(out).expect("UTF-8")
    };
    for format in [Format::Text, Format::Markdown] {
        let text = of_format(format);
        assert!(text.contains("17 outside-window") && text.contains("13 objects (2.0 MB)"), "{text}");
    }
    let page = without_scripts(&html(&report));
    for part in ["Folders left out", "17 outside-window", "13 objects (2.0 MB)"] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
}

#[test]
fn the_page_makes_no_requests_and_allows_only_its_own_script() {
    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;
    use sha2::{Digest, Sha256};

    let page = html(&report());
    // References to parts of the page itself are allowed.
    let ways = page.replace("url(#", "");
    for way in
        ["src=", "url(", "@import", "fetch(", "XMLHttpRequest", "WebSocket", "EventSource", "import(", "sendBeacon"]
    {
        assert!(!ways.contains(way), "{way}");
    }
    let links = page.match_indices("href=\"").map(|(offset, start)| &page[offset + start.len()..]);
    for link in links {
        let is_known = ["#", "data:,\"", "https://docs.aws.amazon.com/"].iter().any(|start| link.starts_with(start));
        assert!(is_known, "{link:.80}");
    }
    let policy = page
        .split_once("Content-Security-Policy\" content=\"")
        .expect("it has one")
        .1
        .split_once('"')
        .expect("it ends")
        .0;
    let policy = policy.replace("&#39;", "'");
    assert!(policy.starts_with("default-src 'none'; "), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    for (start, end, directive) in [("<style>", "</style>", "style-src"), ("<script>", "</script>", "script-src")] {
        let text = page.split_once(start).expect("it begins").1.split_once(end).expect("it ends").0;
        let hash = BASE64_STANDARD.encode(Sha256::digest(text));
        assert!(policy.contains(&format!("{directive} 'sha256-{hash}';")), "{policy}");
    }
}

#[test]
fn the_page_of_very_many_targets_counts_what_it_leaves_out() {
    let mut report = report();
    let (target, finding, route) = (report.targets[0].clone(), report.findings[0].clone(), report.routes[0].clone());
    let timing = report.pictures.timings.last().expect("there is one").clone();
    for number in 0..5_000 {
        let name = format!("10.{}.{}.1:80", number / 256, number % 256);
        report.targets.push(TargetRow { target: name.clone(), failures: 2, ..target.clone() });
        report.routes.push(RouteRow { route: format!("GET /{number}"), failures: 3, ..route.clone() });
        if number < 500 {
            let scope = ScopeRow { target: Some(name.clone()), ..finding.scope.clone() };
            report.findings.push(FindingRow { scope, failures: 7, ..finding.clone() });
        }
        if number < 96 {
            let density = (0..128).map(|bin| (bin, 20, vec![1_234_567; 40])).collect();
            report.pictures.timings.push(pictures::TimingPicture { target: Some(name), density, ..timing.clone() });
        }
    }
    let page = html(&report);
    assert!(page.len() < 700_000, "{} bytes", page.len());
    let text = without_scripts(&page);
    for part in [
        "354 more findings with 2,478 failures",
        "4,903 more targets with 9,806 failures in all",
        "4,943 more routes with 14,829 failures in all",
        "Left out to keep the page small: 4,9",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
}

#[test]
fn the_page_of_very_many_load_balancers_counts_what_it_leaves_out() {
    let mut report = report();
    let balancer = report.load_balancers[0].clone();
    for number in 0..250 {
        let load_balancer = format!("app/shop-{number}/50dc6c495c0c9188");
        report.load_balancers.push(LoadBalancerRow { load_balancer, failures: 5, ..balancer.clone() });
    }
    let left_out = "151 more load balancers with 755 failures in all: use --format json to see them.";
    assert!(html(&report).contains(left_out));
}
