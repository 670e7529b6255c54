//! Changes of a log that leave the truth about it as it is.

use std::collections::{BTreeMap, BTreeSet};

use albscope::kind::alb;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::log::{Line, Log, LogObject};

const MILLISECOND: i64 = 1_000;
const SECOND: i64 = 1_000 * MILLISECOND;
const MINUTE: i64 = 60 * SECOND;

/// A change of a log that leaves the truth as it is.
pub(crate) struct Transformation {
    pub(crate) name: &'static str,
    /// How many variants it has.
    pub(crate) variants: usize,
    /// By how much the times between requests are multiplied, and with them a timeout that was estimated from these.
    pub(crate) stretch: f64,
    apply: fn(&mut Log, usize, &mut ChaCha8Rng),
}

pub(crate) const TRANSFORMATIONS: &[Transformation] = &[
    new("window cut", 20, cut),
    new("1 % of lines lost", 2, |log, _, rng| lose(log, rng, 0.01)),
    new("5 % of lines lost", 2, |log, _, rng| lose(log, rng, 0.05)),
    new("20 % of lines lost", 2, |log, _, rng| lose(log, rng, 0.20)),
    new("an object lost", 3, lose_an_object),
    new("lines in another order", 1, |log, _, rng| {
        log.objects.iter_mut().for_each(|object| object.lines.shuffle(rng));
    }),
    new("all times shifted", 2, |log, variant, _| {
        let shift = [-(37 * MINUTE + 11 * SECOND + 250 * MILLISECOND), 400 * 24 * 60 * MINUTE + 7 * SECOND][variant];
        log.lines_mut().for_each(|line| line.shift(shift));
    }),
    new("2 ms of jitter", 2, |log, _, rng| {
        log.lines_mut().for_each(|line| line.shift(rng.random_range(-2..=2) * MILLISECOND));
    }),
    new("a node's clock off by 1.5 s", 2, |log, variant, _| {
        let nodes = nodes(log);
        let node = nodes.iter().nth(variant % nodes.len().max(1)).cloned().unwrap_or_default();
        for_lines_of(log, &node, |line| line.shift([1_500, -1_500][variant] * MILLISECOND));
    }),
    new("a second load balancer", 1, |log, _, rng| add_other(log, rng, "app/other/0123456789abcdef", "other")),
    new("a healthy target group", 1, |log, _, rng| {
        let balancer = log.lines().next().map_or_else(String::new, |line| line.field(alb::ELB).to_owned());
        add_other(log, rng, &balancer, "healthy");
    }),
    new("half of the healthy traffic", 2, |log, variant, _| {
        let mut number = variant;
        log.retain(|line| {
            number += usize::from(!line.is_failed());
            line.is_failed() || number.is_multiple_of(2)
        });
    }),
    new("twice the healthy traffic", 2, double),
    new("other names", 1, |log, _, _| log.lines_mut().for_each(rename)),
    Transformation { stretch: 1.03, ..new("gaps stretched by 1.03", 1, |log, _, _| stretch(log, 1.03)) },
];

const fn new(name: &'static str, variants: usize, apply: fn(&mut Log, usize, &mut ChaCha8Rng)) -> Transformation {
    Transformation { name, variants, stretch: 1.0, apply }
}

impl Transformation {
    /// A variant of the changed log. The same seed gives the same.
    pub(crate) fn apply(&self, log: &Log, variant: usize, seed: u64) -> Log {
        let mut rng = ChaCha8Rng::seed_from_u64(seed.wrapping_mul(1_000).wrapping_add(variant as u64));
        let mut changed = log.clone();
        (self.apply)(&mut changed, variant, &mut rng);
        changed
    }

    /// The name here of a target that has this name in the log before the change.
    pub(crate) fn target(&self, name: &str) -> String {
        if self.name == "other names" { renamed_address(name) } else { name.to_owned() }
    }
}

/// Keeps a part of the window: one that begins some time before the failures and ends some time after them, or one
/// that holds only a part of them.
fn cut(log: &mut Log, variant: usize, _: &mut ChaCha8Rng) {
    /// Minutes before the first and after the last failure.
    const AROUND: [(i64, i64); 10] =
        [(0, 0), (1, 0), (0, 1), (1, 1), (2, 5), (5, 2), (5, 5), (10, 3), (3, 10), (20, 20)];
    /// The share of the failures' time at which the window begins and ends.
    const WITHIN: [(f64, f64); 10] = [
        (0.0, 0.5),
        (0.5, 1.0),
        (0.25, 0.75),
        (0.0, 0.75),
        (0.25, 1.0),
        (0.1, 0.9),
        (0.05, 1.0),
        (0.0, 0.95),
        (0.33, 1.0),
        (0.0, 0.67),
    ];
    let mut failed: Vec<i64> = log.lines().filter(|line| line.is_failed()).map(|line| line.time).collect();
    failed.sort_unstable();
    let (Some(&first), Some(&last)) = (failed.first(), failed.last()) else { return };
    let (from, to) = if let Some((before, after)) = AROUND.get(variant) {
        (first - before * MINUTE, last + after * MINUTE)
    } else {
        let (from, to) = WITHIN[variant - AROUND.len()];
        #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "a time within the window")]
        let at = |share: f64| first + ((last - first) as f64 * share) as i64;
        (at(from), at(to))
    };
    log.retain(|line| (from..=to).contains(&line.time));
}

fn lose(log: &mut Log, rng: &mut ChaCha8Rng, share: f64) {
    log.retain(|_| !rng.random_bool(share));
}

/// Takes five minutes of one node away, as if its object had not been delivered.
fn lose_an_object(log: &mut Log, variant: usize, rng: &mut ChaCha8Rng) {
    let nodes: Vec<String> = nodes(log).into_iter().collect();
    let Some((from, to)) = log.window() else { return };
    let Some(node) = nodes.get(variant % nodes.len().max(1)).cloned() else { return };
    let start = rng.random_range(from..=to) / (5 * MINUTE) * (5 * MINUTE);
    for object in &mut log.objects {
        let key = object.key.clone();
        object.lines.retain(|line| node_of(&key, line) != node || !(start..start + 5 * MINUTE).contains(&line.time));
    }
}

/// Sends each answered request once more, at a moment between its end and the next end of a request to its target. If
/// that one failed, there is no second request: it might be sent to a target that is gone.
fn double(log: &mut Log, _: usize, rng: &mut ChaCha8Rng) {
    let mut ends: BTreeMap<String, Vec<(i64, bool)>> = BTreeMap::new();
    for line in log.lines() {
        ends.entry(line.target().to_owned()).or_default().push((line.time, line.is_failed()));
    }
    for ends in ends.values_mut() {
        ends.sort_unstable();
    }
    for object in &mut log.objects {
        let again: Vec<Line> = object.lines.iter().filter(|line| !line.is_failed()).cloned().collect();
        for mut line in again {
            let ends = &ends[line.target()];
            if let Some((next, false)) = ends.get(ends.partition_point(|(end, _)| *end <= line.time)) {
                line.shift(rng.random_range(0..=next - line.time) / MILLISECOND * MILLISECOND);
                object.lines.push(line);
            }
        }
    }
}

/// Adds healthy traffic of another load balancer or target group.
fn add_other(log: &mut Log, rng: &mut ChaCha8Rng, load_balancer: &str, group: &str) {
    let Some((from, to)) = log.window() else { return };
    let Some(pattern) = log.lines().find(|line| !line.is_failed() && !line.target().is_empty()).cloned() else {
        return;
    };
    let account: Vec<&str> = pattern.field(alb::TARGET_GROUP_ARN).splitn(6, ':').collect();
    let arn = format!("{}:targetgroup/{group}/00112233445566aa", account[..5.min(account.len())].join(":"));
    let mut lines = Vec::new();
    let mut at = from;
    while at < to {
        let mut line = pattern.clone();
        let took = rng.random_range(2..60);
        line.time = at;
        line.created = line.created.map(|_| at - (took + 2) * MILLISECOND);
        let target = format!("10.200.0.{}:8080", rng.random_range(1..=3));
        let took = format!("0.{took:03}");
        for (field, value) in [
            (alb::ELB, load_balancer),
            (alb::TARGET, &target),
            (alb::TARGET_PORT_LIST, &target),
            (alb::TARGET_GROUP_ARN, &arn),
            (alb::REQUEST_PROCESSING_TIME, "0.001"),
            (alb::TARGET_PROCESSING_TIME, &took),
            (alb::RESPONSE_PROCESSING_TIME, "0.000"),
        ] {
            line.set(field, value);
        }
        lines.push(line);
        at += rng.random_range(100..900) * MILLISECOND;
    }
    let node = load_balancer.replace('/', ".");
    log.objects.push(LogObject { key: format!("{group}_{node}.log"), lines });
}

/// Gives each host, target, target group and load balancer another name. Addresses keep their subnets apart.
fn rename(line: &mut Line) {
    let target = renamed_address(line.target());
    if !target.is_empty() {
        line.set(alb::TARGET, &target);
        if !line.field(alb::TARGET_PORT_LIST).is_empty() {
            line.set(alb::TARGET_PORT_LIST, &target);
        }
    }
    let arn = line.field(alb::TARGET_GROUP_ARN).replace("targetgroup/", "targetgroup/renamed-");
    line.set(alb::TARGET_GROUP_ARN, &arn);
    let balancer = line.field(alb::ELB).replacen("app/", "app/renamed-", 1);
    line.set(alb::ELB, &balancer);
    let agent = format!("renamed {}", line.field(alb::USER_AGENT));
    line.set(alb::USER_AGENT, &agent);
}

/// `10.0.11.34:8080` becomes `172.0.52.34:8080`. Other addresses stay.
fn renamed_address(address: &str) -> String {
    let octets: Vec<&str> = address.split('.').collect();
    match octets[..] {
        ["10", second, third, rest] => {
            format!("172.{second}.{}.{rest}", third.parse::<u8>().map_or(0, |octet| 63_u8.wrapping_sub(octet)))
        }
        _ => address.to_owned(),
    }
}

/// Stretches the time from each request's creation to the next, and leaves all durations as they are.
fn stretch(log: &mut Log, factor: f64) {
    let Some((from, _)) = log.window() else { return };
    for line in log.lines_mut() {
        let created = line.created.unwrap_or(line.time);
        #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "a time within the window")]
        let later = ((created - from) as f64 * (factor - 1.0)) as i64;
        // To the millisecond, as all times of the log.
        line.shift(later / MILLISECOND * MILLISECOND);
    }
}

/// The node of a line: the field that names it, or else the object's key.
fn node_of(key: &str, line: &Line) -> String {
    match line.field(alb::IP_ADDRESS) {
        "" | "-" => key.split('_').nth_back(1).unwrap_or(key).to_owned(),
        node => node.to_owned(),
    }
}

fn nodes(log: &Log) -> BTreeSet<String> {
    log.objects.iter().flat_map(|object| object.lines.iter().map(|line| node_of(&object.key, line))).collect()
}

fn for_lines_of(log: &mut Log, node: &str, mut change: impl FnMut(&mut Line)) {
    for object in &mut log.objects {
        for line in &mut object.lines {
            if node_of(&object.key, line) == node {
                change(line);
            }
        }
    }
}
