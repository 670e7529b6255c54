//! The tables of the page, as rows of cells.

use std::collections::BTreeMap;

use super::super::plain::cut;
use super::super::{CallerRow, Latency, Report, StatusPairRow, TargetRow, numbers, phrases};
use super::card::FailureCourse;
use super::data::PictureIndex;
use super::limits::MAX_NAME_WIDTH;

/// At most this many rows in a table; the rest is counted.
const MAX_ROWS: usize = 100;

/// At most this many routes are shown: most are requested only once.
const MAX_ROUTES: usize = 60;

/// A table with at least this many rows can be filtered.
const LONG: usize = 7;

/// At most this many status codes of each kind are in the matrix: those with most requests. Only a made-up log has
/// more.
const MAX_STATUSES: usize = 16;

/// A table that can be sorted and filtered.
pub(super) struct PageTable {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    /// For screen readers.
    pub(super) caption: &'static str,
    pub(super) note: &'static str,
    pub(super) columns: Vec<PageColumn>,
    pub(super) rows: Vec<Vec<PageCell>>,
    pub(super) left_out: Option<String>,
    /// Whether readers look for its rows by name; only then it can be filtered.
    pub(super) has_names: bool,
}

/// A column's head.
pub(super) struct PageColumn {
    pub(super) title: &'static str,
    pub(super) is_number: bool,
    pub(super) help: &'static str,
}

/// The content of one row and column.
#[derive(Default)]
pub(super) struct PageCell {
    pub(super) text: String,
    pub(super) is_number: bool,
    /// What the cell is sorted by; `None` if that is its text, or if nothing was measured.
    pub(super) value: Option<f64>,
    pub(super) is_bad: bool,
    /// Charts instead of the text.
    pub(super) course: Option<FailureCourse>,
    /// Index of the picture that a click on the cell shows.
    pub(super) timing: Option<usize>,
}

impl PageTable {
    pub(super) fn is_long(&self) -> bool {
        self.has_names && self.rows.len() >= LONG
    }
}

fn text(title: &'static str) -> PageColumn {
    PageColumn { title, is_number: false, help: "" }
}

fn number(title: &'static str) -> PageColumn {
    PageColumn { title, is_number: true, help: "" }
}

fn measured(title: &'static str, help: &'static str) -> PageColumn {
    PageColumn { title, is_number: true, help }
}

impl PageCell {
    fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    fn name(name: &str) -> Self {
        Self::text(cut(name, MAX_NAME_WIDTH))
    }

    fn number(text: String, value: Option<f64>) -> Self {
        Self { text, is_number: true, value, ..Self::default() }
    }

    fn count(number: u64) -> Self {
        Self::number(numbers::count(number), Some(number as f64))
    }

    fn failures(number: u64) -> Self {
        Self { is_bad: number > 0, ..Self::count(number) }
    }

    fn share(part: u64, whole: u64) -> Self {
        Self::number(numbers::percent(part, whole), Some(part as f64 / whole.max(1) as f64))
    }

    fn seconds(seconds: Option<f64>) -> Self {
        Self::number(numbers::seconds(seconds), seconds)
    }

    fn latency(latency: Latency) -> [Self; 3] {
        [latency.p50, latency.p99, latency.max].map(Self::seconds)
    }

    fn course(over_time: &[(usize, u64)], bins: usize) -> Self {
        let course = FailureCourse::new(over_time, bins);
        let failures: u64 = over_time.iter().map(|(_, failures)| failures).sum();
        let text = if failures > 0 { numbers::counted(failures, "failure") } else { String::new() };
        Self { value: Some(failures as f64), course, ..Self::text(text) }
    }
}

fn left_out(all: usize, most: usize, noun: &str, failures: impl Iterator<Item = u64>) -> Option<String> {
    let more = all.checked_sub(most).filter(|more| *more > 0)?;
    let (more, failures) =
        (numbers::counted(more as u64, noun), numbers::counted(failures.skip(most).sum(), "failure"));
    Some(format!("{more} with {failures} in all: use --format json to see them."))
}

fn group_name(arn: Option<&str>) -> PageCell {
    arn.map_or_else(|| PageCell::text("-"), |arn| PageCell::name(phrases::target_group_name(arn)))
}

fn balancer_name(id: &str) -> PageCell {
    PageCell::name(phrases::load_balancer_name(id))
}

pub(super) fn outcomes(report: &Report) -> PageTable {
    let rows = report.outcomes.0.iter().map(|&(outcome, requests)| {
        vec![
            PageCell::text(outcome.id()),
            if outcome.is_failure() { PageCell::failures(requests) } else { PageCell::count(requests) },
            PageCell::share(requests, report.requests),
            PageCell::text(if outcome.is_failure() { "yes" } else { "no" }),
            PageCell::text(outcome.answered_by().title()),
            PageCell::text(outcome.title()),
        ]
    });
    PageTable {
        id: "outcomes",
        title: "",
        caption: "Requests by how they ended",
        note: "",
        columns: vec![
            text("Outcome"),
            number("Requests"),
            number("Share"),
            text("Failed"),
            text("Answered by"),
            text("Meaning"),
        ],
        rows: rows.collect(),
        left_out: None,
        has_names: false,
    }
}

/// The tables of load balancers and of target groups; each only if there is more than one.
pub(super) fn groups(report: &Report) -> Vec<PageTable> {
    let mut tables = Vec::new();
    if report.load_balancers.len() > 1 {
        let rows = report.load_balancers.iter().take(MAX_ROWS).map(|row| {
            vec![
                balancer_name(&row.load_balancer),
                PageCell::count(row.requests),
                PageCell::failures(row.failures),
                PageCell::share(row.failures, row.requests),
            ]
        });
        tables.push(PageTable {
            id: "load-balancers",
            title: "By load balancer",
            caption: "Load balancers",
            note: "",
            columns: vec![text("Load balancer"), number("Requests"), number("Failed"), number("Share")],
            rows: rows.collect(),
            left_out: left_out(
                report.load_balancers.len(),
                MAX_ROWS,
                "more load balancer",
                report.load_balancers.iter().map(|row| row.failures),
            ),
            has_names: true,
        });
    }
    let mut groups = phrases::target_groups(report);
    groups.sort_by_key(|group| std::cmp::Reverse(group.failures));
    if !groups.is_empty() {
        let rows = groups.iter().take(MAX_ROWS).map(|row| {
            vec![
                group_name(row.target_group.as_deref()),
                balancer_name(&row.load_balancer),
                PageCell::count(row.targets),
                PageCell::count(row.requests),
                PageCell::failures(row.failures),
                PageCell::share(row.failures, row.requests),
                PageCell::text(phrases::likely(row.cause, row.confidence)),
            ]
        });
        tables.push(PageTable {
            id: "target-groups",
            title: "By target group",
            caption: "Target groups",
            note: "",
            columns: vec![
                text("Target group"),
                text("Load balancer"),
                number("Targets"),
                number("Requests"),
                number("Failed"),
                number("Share"),
                text("Likely cause"),
            ],
            rows: rows.collect(),
            left_out: left_out(groups.len(), MAX_ROWS, "more target group", groups.iter().map(|row| row.failures)),
            has_names: true,
        });
    }
    tables
}

pub(super) fn targets(report: &Report, timings: &PictureIndex<'_>) -> PageTable {
    let has_one = report.load_balancers.len() == 1;
    let row = |row: &TargetRow| {
        let timing = timings.of_target(&row.load_balancer, row.target_group.as_deref(), &row.target);
        let seen =
            |at: Option<_>| PageCell::text(at.map_or_else(String::new, |at| numbers::moment_in(report.window, at)));
        let mut cells =
            vec![PageCell { timing, ..PageCell::name(&row.target) }, group_name(row.target_group.as_deref())];
        if !has_one {
            cells.push(balancer_name(&row.load_balancer));
        }
        cells.extend([
            PageCell::count(row.requests),
            PageCell::failures(row.failures),
            PageCell::share(row.failures, row.requests),
            PageCell::course(&row.failures_over_time, report.pictures.time_bins),
            PageCell::text(phrases::likely(row.cause, row.confidence)),
            PageCell::text(row.dominant_failure.map_or("", |outcome| outcome.id())),
        ]);
        cells.extend(PageCell::latency(row.latency));
        cells.extend([row.first_seen, row.last_seen].map(seen));
        cells
    };
    let mut columns = vec![text("Target"), text("Target group")];
    if !has_one {
        columns.push(text("Load balancer"));
    }
    let help = "target_processing_time of the requests that the target answered, in seconds";
    columns.extend([
        number("Requests"),
        number("Failed"),
        number("Share"),
        text("Failures over time"),
        text("Likely cause"),
        text("Most failures"),
        measured("p50 s", help),
        measured("p99 s", help),
        measured("max s", help),
        text("First seen"),
        text("Last seen"),
    ]);
    PageTable {
        id: "target-table",
        title: if report.load_balancers.len() > 1 || phrases::target_groups(report).len() > 1 {
            "By target"
        } else {
            ""
        },
        caption: "Targets",
        note: "p50, p99 and max of target_processing_time over answered requests.",
        columns,
        rows: report.targets.iter().take(MAX_ROWS).map(row).collect(),
        left_out: left_out(
            report.targets.len(),
            MAX_ROWS,
            "more target",
            report.targets.iter().map(|row| row.failures),
        ),
        has_names: true,
    }
}

pub(super) fn routes(report: &Report) -> PageTable {
    let has_one = report.load_balancers.len() == 1;
    let rows = report.routes.iter().take(MAX_ROUTES).map(|row| {
        let mut cells = vec![PageCell::name(&row.route), group_name(row.target_group.as_deref())];
        if !has_one {
            cells.push(balancer_name(&row.load_balancer));
        }
        cells.extend([
            PageCell::count(row.requests),
            PageCell::failures(row.failures),
            PageCell::share(row.failures, row.requests),
        ]);
        cells.extend(PageCell::latency(row.elapsed));
        cells
    });
    let mut columns = vec![text("Route"), text("Target group")];
    if !has_one {
        columns.push(text("Load balancer"));
    }
    let help = "from the request's arrival to the end of the answer, in seconds";
    columns.extend([
        number("Requests"),
        number("Failed"),
        number("Share"),
        measured("p50 s", help),
        measured("p99 s", help),
        measured("max s", help),
    ]);
    PageTable {
        id: "route-table",
        title: "",
        caption: "Routes",
        note: "Method and path, with its variable parts in braces. p50, p99 and max of the elapsed time.",
        columns,
        rows: rows.collect(),
        left_out: left_out(report.routes.len(), MAX_ROUTES, "more route", report.routes.iter().map(|row| row.failures)),
        has_names: true,
    }
}

/// The tables of clients and user agents that sent failed requests; empty if none failed.
pub(super) fn callers(report: &Report) -> Vec<PageTable> {
    let table = |id, title, head, rows: &[CallerRow]| {
        let cells = |row: &CallerRow| {
            vec![
                PageCell::name(&row.name),
                PageCell::failures(row.failures),
                PageCell::share(row.failures, report.failures),
            ]
        };
        PageTable {
            id,
            title,
            caption: title,
            note: "Only the most frequent of each target are counted, so the numbers are minimums.",
            columns: vec![text(head), number("Failed, at least"), number("Share of all failures")],
            rows: rows.iter().map(cells).collect(),
            left_out: None,
            has_names: true,
        }
    };
    let tables = [
        table("clients-table", "Clients with failed requests", "Client", &report.clients),
        table("agents-table", "User agents with failed requests", "User agent", &report.user_agents),
    ];
    tables.into_iter().filter(|table| !table.rows.is_empty()).collect()
}

/// Requests by the status code of the load balancer and that of the target.
pub(super) struct Matrix {
    pub(super) columns: Vec<String>,
    pub(super) rows: Vec<(String, Vec<Option<MatrixCell>>)>,
    pub(super) left_out: Option<String>,
}

/// Requests with one pair of status codes.
pub(super) struct MatrixCell {
    pub(super) text: String,
    /// From 1 to 5: the number of digits, up to 5.
    pub(super) shade: u32,
    /// Whether the client got a 5xx, or left before an answer (460).
    pub(super) is_bad: bool,
}

impl Matrix {
    pub(super) fn new(report: &Report) -> Self {
        let pairs = &report.status_pairs;
        let rows = frequent(pairs, |pair| pair.elb_status_code);
        let columns = frequent(pairs, |pair| pair.target_status_code);
        let cell = |elb: Option<u16>, target: Option<u16>| {
            let is_it = |pair: &&StatusPairRow| (pair.elb_status_code, pair.target_status_code) == (elb, target);
            pairs.iter().find(is_it).map(|pair| MatrixCell {
                text: numbers::count(pair.requests),
                shade: (pair.requests.max(1).ilog10() + 1).min(5),
                is_bad: elb.is_some_and(|code| code >= 500 || code == 460),
            })
        };
        let is_shown =
            |pair: &&StatusPairRow| rows.contains(&pair.elb_status_code) && columns.contains(&pair.target_status_code);
        let shown: u64 = pairs.iter().filter(is_shown).map(|pair| pair.requests).sum();
        let all: u64 = pairs.iter().map(|pair| pair.requests).sum();
        Self {
            left_out: (shown < all)
                .then(|| format!("{} with other statuses.", numbers::counted(all - shown, "more request"))),
            rows: rows
                .iter()
                .map(|&elb| (status(elb), columns.iter().map(|&target| cell(elb, target)).collect()))
                .collect(),
            columns: columns.iter().copied().map(status).collect(),
        }
    }
}

fn status(code: Option<u16>) -> String {
    code.map_or_else(|| "-".to_owned(), |code| code.to_string())
}

/// The status codes with most requests, in ascending order.
fn frequent(pairs: &[StatusPairRow], of: impl Fn(&StatusPairRow) -> Option<u16>) -> Vec<Option<u16>> {
    let mut totals: BTreeMap<Option<u16>, u64> = BTreeMap::new();
    for pair in pairs {
        *totals.entry(of(pair)).or_default() += pair.requests;
    }
    let mut codes: Vec<(Option<u16>, u64)> = totals.into_iter().collect();
    codes.sort_by_key(|&(code, requests)| (std::cmp::Reverse(requests), code));
    let mut codes: Vec<Option<u16>> = codes.into_iter().take(MAX_STATUSES).map(|(code, _)| code).collect();
    codes.sort_unstable();
    codes
}
