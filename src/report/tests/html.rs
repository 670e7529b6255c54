//! The page.

use super::fixture::{PLAIN, rendered, report};
use crate::report::pictures::TimingPicture;
use crate::report::{FindingRow, Format, LoadBalancerRow, Report, RouteRow, ScopeRow, TargetRow, numbers, phrases};

/// The page without its script, its style and its data.
pub(super) fn without_scripts(page: &str) -> String {
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

pub(super) fn html(report: &Report) -> String {
    rendered(report, Format::Html, PLAIN)
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
            report.pictures.timings.push(TimingPicture { target: Some(name), density, ..timing.clone() });
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
