//! The report as one HTML page: it opens from disk, makes no network requests, and can be attached to a ticket.
//!
//! The text of the report is in the page itself and can be read without scripts. The script adds the pictures, and
//! sorts and filters tables. The size of the page is bounded by rows, bins and the length of texts, however long the
//! logs are; what is left out is counted.
//!
//! Untrusted text gets into the page in two ways only: escaped by the template, and in [`data`] as JSON that cannot
//! end its element. If either fails, the content security policy in the page's head still lets no script run except
//! the page's own, known by its hash, and allows no request.

mod card;
mod data;
mod limits;
mod table;

use std::collections::BTreeMap;
use std::io::{self, Write};

use askama::Template;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};

use self::card::Card;
use self::data::{EmbeddedData, PictureIndex};
use self::limits::{MAX_NAME_WIDTH, MAX_SAMPLE_WIDTH, MAX_TEXT_WIDTH};
use self::table::{Matrix, PageTable};
use super::plain::{cut, shortened};
use super::{CauseRow, Input, ProblemRow, Report, Window, numbers, phrases};

const STYLE: &str = include_str!("html/page.css");
const SCRIPT: &str = concat!(include_str!("html/axes.js"), include_str!("html/page.js"));

/// At most this many findings are shown; the rest is counted.
const MAX_FINDINGS: usize = 150;

/// At most this many notices are shown; the rest is counted.
const MAX_NOTICES: usize = 30;

/// If a cause has more findings than this, all after its first [`SHOWN_OF_MANY`] are folded away.
const MAX_ALIKE: usize = 8;
const SHOWN_OF_MANY: usize = 3;

pub(super) fn render(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    PageTemplate::new(report)?.write_into(out)
}

/// The values of the template.
#[derive(Template)]
#[template(path = "page.html")]
struct PageTemplate<'a> {
    policy: String,
    style: &'static str,
    script: &'static str,
    data: String,
    title: String,
    /// Anchor and name of each section.
    sections: Vec<(&'static str, &'static str)>,
    headline: String,
    has_failures: bool,
    lead: String,
    /// Shown if requests failed and there is no finding.
    verdict: Option<String>,
    causes: Vec<CauseSummary>,
    findings: Vec<CardGroup<'a>>,
    finding_notes: Vec<String>,
    notices: Vec<Card<'a>>,
    left_out_notices: Option<String>,
    has_requests: bool,
    has_pictures: bool,
    /// What the picture of all requests leaves out, and how they compare with the idle timeout; in sentences.
    against: Vec<String>,
    left_out_pictures: Option<String>,
    outcomes: PageTable,
    matrix: Matrix,
    target_tables: Vec<PageTable>,
    routes: PageTable,
    caller_tables: Vec<PageTable>,
    account: Vec<(String, String)>,
    problems: Vec<ProblemEntry>,
    about: Vec<(&'static str, String)>,
}

/// A cause with all its findings, at the top of the page.
struct CauseSummary {
    id: &'static str,
    /// The number of its first finding, from 1.
    finding: usize,
    confidence: &'static str,
    /// What it was found at.
    at: String,
    failures: String,
    /// How many findings it has; empty if it has one.
    findings: String,
    when: String,
    change: String,
}

/// A finding, and those folded away below it.
struct CardGroup<'a> {
    shown: Card<'a>,
    /// Findings of the same cause; usually none.
    folded: Vec<Card<'a>>,
    folded_title: String,
}

/// A problem of the input.
struct ProblemEntry {
    title: String,
    locations: Vec<String>,
}

impl<'a> PageTemplate<'a> {
    fn new(report: &'a Report) -> io::Result<Self> {
        let (data, timings) = EmbeddedData::new(report)?;
        let has_requests = report.requests > 0;
        let mut sections = vec![("findings", "Findings")];
        if !report.notices.is_empty() {
            sections.push(("notices", "Notices"));
        }
        if has_requests {
            sections.extend([
                ("timing", "Timing"),
                ("endings", "Outcomes"),
                ("targets", "Targets"),
                ("routes", "Routes"),
                ("clients", "Clients"),
            ]);
        }
        sections.extend([("input", "Input"), ("about", "About")]);
        let mut target_tables = table::groups(report);
        target_tables.push(table::targets(report, &timings));
        Ok(Self {
            policy: format!(
                "default-src 'none'; style-src '{}'; script-src '{}'; img-src data:; base-uri 'none'; form-action \
                 'none'",
                source(STYLE),
                source(SCRIPT)
            ),
            style: STYLE,
            script: SCRIPT,
            data: data.json,
            title: title(report),
            sections,
            headline: headline(report),
            has_failures: report.failures > 0,
            lead: lead(report),
            verdict: verdict(report),
            causes: causes(report),
            findings: cards(report, &timings),
            finding_notes: finding_notes(report),
            notices: (0..report.notices.len().min(MAX_NOTICES)).map(|index| Card::of_notice(report, index)).collect(),
            left_out_notices: report
                .notices
                .len()
                .checked_sub(MAX_NOTICES)
                .filter(|more| *more > 0)
                .map(|more| format!("{}: use --format json to see all.", numbers::counted(more as u64, "more notice"))),
            has_requests,
            has_pictures: has_requests,
            against: report.pictures.timings.first().map(|timing| data::against(timing, report)).unwrap_or_default(),
            left_out_pictures: (data.left_out > 0).then(|| {
                let pictures = numbers::counted(data.left_out as u64, "picture");
                format!("Left out to keep the page small: {pictures} of targets and groups with fewer failures.")
            }),
            outcomes: table::outcomes(report),
            matrix: Matrix::new(report),
            target_tables,
            routes: table::routes(report),
            caller_tables: table::callers(report),
            account: account(&report.input),
            problems: report.input.problems.iter().map(ProblemEntry::new).collect(),
            about: about(report),
        })
    }
}

/// How a content security policy names an inline script or style.
fn source(text: &str) -> String {
    format!("sha256-{}", BASE64_STANDARD.encode(Sha256::digest(text)))
}

fn headline(report: &Report) -> String {
    match (report.requests, report.failures) {
        (0, _) => "No requests".to_owned(),
        (requests, 0) => format!("None of {} failed", numbers::counted(requests, "request")),
        (requests, failures) => format!(
            "{} of {} failed ({})",
            numbers::count(failures),
            numbers::counted(requests, "request"),
            numbers::percent(failures, requests)
        ),
    }
}

fn title(report: &Report) -> String {
    let when = numbers::window(report.window).map_or_else(String::new, |window| format!(", {window} UTC"));
    format!("{}{when}", headline(report))
}

fn lead(report: &Report) -> String {
    let Some(window) = numbers::window(report.window) else { return phrases::nothing(report) };
    let balancers = match &*report.load_balancers {
        [one] => shortened(phrases::load_balancer_name(&one.load_balancer), MAX_NAME_WIDTH),
        several => numbers::counted(several.len() as u64, "load balancer"),
    };
    format!("{window} UTC · {balancers} · {}", phrases::idle_timeout(report.idle_timeout))
}

fn verdict(report: &Report) -> Option<String> {
    let too_few = || {
        format!(
            "No finding: {} too few, or too rare among all requests, to name a cause.",
            match report.failures {
                1 => "1 failure is".to_owned(),
                failures => format!("{} failures are", numbers::count(failures)),
            }
        )
    };
    (report.findings.is_empty() && report.failures > 0).then(too_few)
}

/// The causes. Empty if there are fewer than two findings: a single one says the same right below.
fn causes(report: &Report) -> Vec<CauseSummary> {
    if report.findings.len() < 2 {
        return Vec::new();
    }
    let cause = |row: CauseRow<'_>| CauseSummary {
        id: row.finding.cause,
        finding: row.findings[0] + 1,
        confidence: row.finding.confidence.id(),
        failures: numbers::counted(row.failures, "failure"),
        findings: match row.findings.len() {
            1 => String::new(),
            several => numbers::counted(several as u64, "finding"),
        },
        when: numbers::window(row.seen).map_or_else(String::new, |window| format!("{window} UTC")),
        change: phrases::change(row.finding),
        at: row.at,
    };
    report.causes().into_iter().map(cause).collect()
}

/// The first [`MAX_FINDINGS`] findings in their order. If a cause has more than [`MAX_ALIKE`] of them, those after
/// its third are folded below the third, so that they do not push other findings off the screen.
fn cards<'a>(report: &'a Report, timings: &PictureIndex<'_>) -> Vec<CardGroup<'a>> {
    let mut cards: Vec<CardGroup<'a>> = Vec::new();
    let mut of_cause: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, row) in report.findings.iter().enumerate().take(MAX_FINDINGS) {
        of_cause.entry(row.cause).or_default().push(index);
    }
    for (index, row) in report.findings.iter().enumerate().take(MAX_FINDINGS) {
        let alike = &of_cause[row.cause];
        let is_many = alike.len() > MAX_ALIKE;
        if is_many && alike[SHOWN_OF_MANY..].contains(&index) {
            continue;
        }
        let folded = if is_many && alike[SHOWN_OF_MANY - 1] == index { &alike[SHOWN_OF_MANY..] } else { &[] };
        let failures = folded.iter().map(|&other| report.findings[other].failures).sum();
        cards.push(CardGroup {
            shown: Card::new(report, index, timings, false),
            folded_title: format!(
                "{} of {} with {}",
                numbers::counted(folded.len() as u64, "more finding"),
                row.cause,
                numbers::counted(failures, "failure")
            ),
            folded: folded.iter().map(|&other| Card::new(report, other, timings, true)).collect(),
        });
    }
    cards
}

fn finding_notes(report: &Report) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(more) = report.findings.len().checked_sub(MAX_FINDINGS).filter(|more| *more > 0) {
        let failures = report.findings[MAX_FINDINGS..].iter().map(|finding| finding.failures).sum();
        let (more, failures) = (numbers::counted(more as u64, "more finding"), numbers::counted(failures, "failure"));
        notes.push(format!("{more} with {failures}: use --format json to see all."));
    }
    notes.extend(phrases::unexplained(report).map(|unexplained| format!("{unexplained}.")));
    notes
}

fn account(input: &Input) -> Vec<(String, String)> {
    let read = format!(
        "{}, {}, {} decoded",
        numbers::counted(input.objects, "object"),
        numbers::bytes(input.bytes_read),
        numbers::bytes(input.bytes_decoded)
    );
    let lines = format!(
        "{}: {}, {} unreadable",
        numbers::counted(input.lines, "line"),
        numbers::counted(input.records, "record"),
        numbers::count(input.unreadable_lines)
    );
    let mut account = vec![("Read".to_owned(), read), ("Lines".to_owned(), lines)];
    account.extend(input.from_cache.as_ref().map(|cached| ("Cache".to_owned(), phrases::from_cache(cached))));
    for (what, skipped) in phrases::left_out(input) {
        let mut name = format!("{what} left out");
        name[..1].make_ascii_uppercase();
        account.push((name, phrases::listed(skipped)));
    }
    if input.objects_failed > 0 {
        account.push(("Not read to the end".to_owned(), numbers::counted(input.objects_failed, "object")));
    }
    account
}

impl ProblemEntry {
    fn new(row: &ProblemRow) -> Self {
        let locations = row.samples.iter().map(|sample| {
            let mut text = cut(&sample.object, MAX_TEXT_WIDTH);
            if let (Some(line), Some(byte)) = (sample.line, sample.byte) {
                text = format!("{text}, line {}, byte {}", numbers::count(line), numbers::count(byte));
            }
            match &sample.reason {
                Some(reason) => format!("{text}: {}", cut(reason, MAX_NAME_WIDTH)),
                None => text,
            }
        });
        Self { title: format!("{}: {}", phrases::affected(row), row.title), locations: locations.collect() }
    }
}

fn about(report: &Report) -> Vec<(&'static str, String)> {
    let mut about = vec![("Made by", format!("albscope {}", report.albscope_version))];
    if let Some(command) = &report.command {
        about.push(("Command", cut(command, MAX_SAMPLE_WIDTH)));
    }
    let end = |end: Option<_>, open: &str| end.map_or_else(|| open.to_owned(), numbers::moment);
    let Window { start, end: last } = report.selected;
    if start.is_some() || last.is_some() {
        let (start, last) = (end(start, "the beginning"), end(last, "the end"));
        about.push(("Requested window", format!("{start} to {last} UTC")));
    }
    about.push((
        "Window of the log",
        numbers::window(report.window).map_or_else(|| "empty".to_owned(), |window| format!("{window} UTC")),
    ));
    about.push(("Compared with", phrases::idle_timeout(report.idle_timeout)));
    about
}
