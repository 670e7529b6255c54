//! Writes `what-happened.json`: the parameters and the timeline of a run. Causes of failures are in `truth.jsonl`.

use serde::Serialize;

use super::plan::{
    ClientKind, DesyncMode, FaultKind, IncidentPlan, KeepAliveTimer, ListenerRule, Patience, RouteFault, TargetAction,
    TimeLimitEffect, What, WorkerLeaves,
};
use super::run::RunParameters;
use super::scenario::Scenario;
use super::time::{Micros, SECOND};

/// The whole file. Times are RFC 3339, durations are in seconds; `null` means that there is no such timeout.
#[derive(Serialize)]
struct Manifest<'a> {
    scenario: &'a str,
    seed: u64,
    /// Cause ids that failures may have, the main one first.
    causes: &'a [&'a str],
    /// Ids of causes of requests that do not count as failed.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    notices: &'a [&'a str],
    from: String,
    to: String,
    requests_per_second: f64,
    idle_timeout: f64,
    load_balancer: String,
    /// `defensive` unless it says otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    desync_mode: Option<&'static str>,
    nodes: &'a [String],
    target_groups: Vec<GroupStory<'a>>,
    targets: Vec<TargetStory<'a>>,
    clients: Vec<ClientStory>,
    timeline: Vec<EventStory<'a>>,
}

#[derive(Serialize)]
struct GroupStory<'a> {
    target_group: &'a str,
    deregistration_delay: f64,
    /// The Lambda function's timeout.
    function_timeout: Option<f64>,
}

#[derive(Serialize)]
struct TargetStory<'a> {
    target: String,
    target_group: &'a str,
    keep_alive: f64,
    /// `precise`, `coarse` or `sweep`.
    keep_alive_timer: &'static str,
    /// The server's own time limit for a request.
    request_timeout: Option<f64>,
    /// How late it may fire, besides the extra second that some workers get.
    request_timeout_late: Option<f64>,
    /// `close`, `answer`, or `close-at-end`: the request runs to its end, but its answer is not sent.
    request_timeout_way: Option<&'static str>,
    inner_proxy_timeout: Option<f64>,
    /// Each process leaves after this many requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    worker_requests: Option<u32>,
    /// How it leaves: `announced`, `unannounced`, or `hangs`.
    #[serde(skip_serializing_if = "Option::is_none")]
    worker_leaves: Option<&'static str>,
    /// How many connections it may have, with those to its upstream.
    #[serde(skip_serializing_if = "Option::is_none")]
    connections: Option<u32>,
    /// It closes connections of this age.
    #[serde(skip_serializing_if = "Option::is_none")]
    connection_age: Option<f64>,
    /// Connections that are quiet for longer are forgotten on the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    connections_forgotten_after: Option<f64>,
}

#[derive(Serialize)]
struct ClientStory {
    clients: &'static str,
    /// They leave after this time; `null` if each leaves after a time of its own.
    timeout: Option<f64>,
}

#[derive(Serialize)]
struct EventStory<'a> {
    time: String,
    /// `null` if it was done to a listener rule.
    target: Option<String>,
    target_group: &'a str,
    what: String,
}

/// The whole JSON object, with a newline at its end.
pub(super) fn manifest(scenario: &Scenario, plan: &IncidentPlan, run: &RunParameters) -> String {
    let (name, id) = plan.load_balancer;
    let group = |index: usize| plan.groups[index].name;
    let targets = plan.targets.iter().map(|target| TargetStory {
        target: plan.address(target),
        target_group: group(target.group.0),
        keep_alive: seconds(target.keep_alive.idle),
        keep_alive_timer: match target.keep_alive.timer {
            KeepAliveTimer::Precise { .. } => "precise",
            KeepAliveTimer::Coarse { .. } => "coarse",
            KeepAliveTimer::Sweep { .. } => "sweep",
        },
        request_timeout: target.server.time_limit.map(|limit| seconds(limit.after)),
        request_timeout_late: target.server.time_limit.map(|limit| seconds(limit.poll)),
        request_timeout_way: target.server.time_limit.map(|limit| match limit.way {
            TimeLimitEffect::Close => "close",
            TimeLimitEffect::Answer(_) => "answer",
            TimeLimitEffect::CloseAtEnd => "close-at-end",
        }),
        inner_proxy_timeout: target.server.proxy.map(|proxy| seconds(proxy.timeout)),
        worker_requests: target.server.worker_life.map(|life| life.requests),
        worker_leaves: target.server.worker_life.map(|life| match life.way {
            WorkerLeaves::Announced => "announced",
            WorkerLeaves::Unannounced => "unannounced",
            WorkerLeaves::Hangs(_) => "hangs",
        }),
        connections: target.server.connections,
        connection_age: target.server.connection_age.map(f64::from),
        connections_forgotten_after: target.forgotten_after.map(seconds),
    });
    let mut timeline: Vec<_> = plan.timeline.iter().map(|event| (run.moment(plan, event.moment), event.what)).collect();
    timeline.sort_by_key(|(at, _)| *at);
    let timeline = timeline.into_iter().map(|(at, what)| {
        let (target, of, what) = match what {
            What::Target(index, action) => {
                let target = &plan.targets[index.0];
                (Some(plan.address(target)), target.group, done(action, plan.groups[target.group.0].routes))
            }
            What::Rule(group, rule) => (None, group, ruled(rule)),
        };
        EventStory { time: time(at), target, target_group: group(of.0), what }
    });
    let manifest = Manifest {
        scenario: scenario.name,
        seed: run.seed,
        causes: scenario.causes,
        notices: scenario.notices,
        from: time(run.start),
        to: time(run.start + run.length),
        requests_per_second: run.rate,
        idle_timeout: seconds(plan.idle_timeout),
        load_balancer: format!("app/{name}/{id}"),
        desync_mode: match plan.desync_mode {
            DesyncMode::Defensive => None,
            DesyncMode::Strictest => Some("strictest"),
        },
        nodes: &run.nodes,
        target_groups: plan
            .groups
            .iter()
            .map(|group| GroupStory {
                target_group: group.name,
                deregistration_delay: seconds(group.deregistration_delay),
                function_timeout: group.function.map(|function| seconds(function.timeout)),
            })
            .collect(),
        targets: targets.collect(),
        clients: plan.patience.iter().map(|&(kind, patience)| client(kind, patience)).collect(),
        timeline: timeline.collect(),
    };
    // This cannot fail: all keys are strings, and it writes to memory.
    let mut text = serde_json::to_string_pretty(&manifest).unwrap_or_default();
    text.push('\n');
    text
}

fn client(kind: ClientKind, patience: Patience) -> ClientStory {
    ClientStory {
        clients: match kind {
            ClientKind::Browser => "browsers",
            ClientKind::App => "mobile apps",
            ClientKind::Program => "programs",
            ClientKind::Edge => "content delivery network",
            ClientKind::Gateway => "API gateway",
            ClientKind::Service => "another service",
        },
        timeout: match patience {
            Patience::Constant { time, .. } => Some(seconds(time)),
            Patience::Leaves(_) => None,
        },
    }
}

/// An action in words.
fn done(action: TargetAction, routes: &[super::plan::PlannedRoute]) -> String {
    let of =
        |route: usize| routes.get(route).map_or_else(String::new, |route| format!("{} {}", route.method, route.path));
    match action {
        TargetAction::Start => "a process starts and listens".to_owned(),
        TargetAction::Crash => "the process dies".to_owned(),
        TargetAction::KillProcess => "one of its processes dies".to_owned(),
        TargetAction::Stop => "the process is stopped without waiting for its requests".to_owned(),
        TargetAction::Remove => "the process is stopped for good, and nothing takes its place".to_owned(),
        TargetAction::Vanish => "the host is gone, and nothing takes its place".to_owned(),
        TargetAction::Terminate(grace) => {
            format!("the process stops listening and ends within {} s", seconds(grace))
        }
        TargetAction::Reload(grace) => {
            format!("new processes replace the old ones, which finish their requests within {} s", seconds(grace))
        }
        TargetAction::ReloadAnnounced => "new processes replace the old ones, which announce their end".to_owned(),
        TargetAction::LockProcess(time) => {
            format!("one of its processes is locked for {} s", seconds(time))
        }
        TargetAction::Crowd(size) => format!("{size} long-lived connections come, and are replaced when they end"),
        TargetAction::Restart(away) => {
            format!("the process ends, and another one listens at the same address {} s later", seconds(away))
        }
        TargetAction::Freeze(time) => format!("the process does nothing for {} s", seconds(time)),
        TargetAction::Blackhole => "packets to and from the target are lost".to_owned(),
        TargetAction::BlackholeFrom(_) => "packets between one node and the target are lost".to_owned(),
        TargetAction::Restore => "packets pass again".to_owned(),
        TargetAction::Register => "the target is registered".to_owned(),
        TargetAction::Deregister => "the target is deregistered".to_owned(),
        TargetAction::Pace(pace) => format!("its answers take {pace:.1} times as long as usual"),
        TargetAction::RoutePace(route, pace) => format!("{} takes {pace:.1} times as long as usual", of(route)),
        TargetAction::RouteFault(route, None) => format!("{} works again", of(route)),
        TargetAction::RouteFault(route, Some(RouteFault { share, kind })) => {
            let what = match kind {
                FaultKind::Kills => "kill the process".to_owned(),
                FaultKind::Malformed => "get an answer that is not HTTP".to_owned(),
                FaultKind::Status(status, _) => format!("are answered {status}"),
                FaultKind::Waits(time, status) => {
                    format!("wait {} s for a dependency of all targets and are then answered {status}", seconds(time))
                }
                FaultKind::RefusesBody(status, 0) => format!("are answered {status} before their body was read"),
                FaultKind::RefusesBody(status, above) => {
                    format!("are answered {status} before their body was read, if it has more than {above} bytes")
                }
                FaultKind::Closes => "are closed without an answer".to_owned(),
                FaultKind::Hangs => "wait for a dependency of all targets, without a timeout".to_owned(),
            };
            format!("{:.1} % of {} {what}", share * 100.0, of(route))
        }
        TargetAction::Application(true) => "the application behind its proxy runs again".to_owned(),
        TargetAction::Application(false) => "the application behind its proxy is down".to_owned(),
        TargetAction::Tls(true) => "TLS handshakes with the target work again".to_owned(),
        TargetAction::Tls(false) => "TLS handshakes with the target fail".to_owned(),
    }
}

/// A rule in words.
fn ruled(rule: ListenerRule) -> String {
    let percent = |share: f64| format!("{:.0} % of requests", share * 100.0);
    match rule {
        ListenerRule::Forward => "the rule forwards requests".to_owned(),
        ListenerRule::WafBlocks(share) => format!("AWS WAF blocks {}", percent(share)),
        ListenerRule::WafFails(share) => format!("AWS WAF cannot be reached for {}", percent(share)),
        ListenerRule::Rejects(share) => format!("{} are not authenticated", percent(share)),
        ListenerRule::IdentityFails(share) => format!("the identity provider does not answer for {}", percent(share)),
        ListenerRule::Fixed(status) => format!("the rule answers {status} itself"),
        ListenerRule::FunctionThrows(share) => format!("the function throws for {}", percent(share)),
        ListenerRule::FunctionMumbles(share) => format!("the function returns an invalid answer to {}", percent(share)),
        ListenerRule::FunctionPace(pace) => format!("the function takes {pace:.1} times as long as usual"),
        ListenerRule::FunctionDenied => "the function may not be invoked".to_owned(),
    }
}

fn seconds(time: Micros) -> f64 {
    time as f64 / SECOND as f64
}

fn time(at: Micros) -> String {
    let mut text = Vec::new();
    super::line::moment(&mut text, at);
    String::from_utf8(text).unwrap_or_default()
}

/// The name of this file in the folder that a run is written to.
pub(super) const FILE: &str = "what-happened.json";
